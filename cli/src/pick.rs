//! Which person, listing, variant, order or post is meant. Ids may be written in full or by their
//! beginning; people also by the name that they gave themselves, if the reader follows exactly one
//! person of that name. Whatever fits several is refused with the list: nobody should pay the wrong
//! bob.

use crate::answer::{Followed, Listing, Order, Profile, Status, Variant};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::clean;
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId, OrderId};
use std::collections::BTreeMap;

/// Fewest characters of an id, after its prefix, that can stand for it.
const SHORT_MIN: usize = 4;
/// Characters of an id, after its prefix, that tables show.
const SHORT_SHOWN: usize = 10;
/// Matches that an error lists.
const MATCHES_SHOWN: usize = 8;
/// Entries of the feed among which the beginning of a post's id is looked for.
const POSTS_SEARCHED: &str = "200";
/// Characters that the ids of all posts begin with.
const POST_HEAD: &str = "bafyr4i";

/// An id cut to what a table shows; `souk` takes it back.
pub(crate) fn short(id: &impl std::fmt::Display) -> String {
    let id = id.to_string();
    let head = match id.split_once('-') {
        Some((prefix, _)) => prefix.len() + 1,
        None => POST_HEAD.len(),
    };
    id.chars().take(head + SHORT_SHOWN).collect()
}

/// A name and the beginning of the id: names are not unique, ids are.
pub(crate) fn person(name: Option<&str>, author: &AuthorId) -> String {
    match name.map(clean).filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({})", short(author)),
        None => short(author),
    }
}

/// What people call themselves, asked once each.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    client: &'a Client,
    known: BTreeMap<AuthorId, Option<String>>,
}

impl<'a> Names<'a> {
    /// Nothing asked yet.
    pub(crate) fn of(client: &'a Client) -> Self {
        Self {
            client,
            known: BTreeMap::new(),
        }
    }

    /// How to show somebody.
    pub(crate) fn show(&mut self, author: &AuthorId) -> String {
        let client = self.client;
        let name = self.known.entry(*author).or_insert_with(|| {
            // Somebody without a profile is shown by id.
            client
                .read_as::<Profile>(&format!("/profiles/{author}"), &[])
                .ok()
                .and_then(|profile| profile.name)
        });
        person(name.as_deref(), author)
    }
}

/// The owner of the node.
pub(crate) fn oneself(client: &Client) -> Result<AuthorId, Failure> {
    Ok(client.read_as::<Status>("/status", &[])?.author)
}

/// Somebody by id, or by name or the id's beginning among oneself and those whom one follows.
pub(crate) fn author(client: &Client, text: &str) -> Result<AuthorId, Failure> {
    if let Ok(author) = text.parse() {
        return Ok(author);
    }
    let status: Status = client.read_as("/status", &[])?;
    let mut people = vec![(status.author, status.name)];
    let follows = client.all::<Followed>("/follows")?;
    people.extend(
        follows
            .into_iter()
            .map(|followed| (followed.author, followed.name)),
    );
    author_among(&people, text)
}

fn author_among(people: &[(AuthorId, Option<String>)], text: &str) -> Result<AuthorId, Failure> {
    let mut matches: BTreeMap<AuthorId, String> = BTreeMap::new();
    for (author, name) in people {
        let called = name
            .as_deref()
            .is_some_and(|name| name.to_lowercase() == text.to_lowercase());
        if called || begins(&author.to_string(), text) {
            matches.insert(
                *author,
                format!("{} {author}", name.as_deref().map(clean).unwrap_or_default()),
            );
        }
    }
    let next = "write the whole id (author-…), or follow them first; `souk follow` lists whom you follow";
    one(
        matches,
        text,
        "people",
        || format!("nobody whom you follow is called '{}'", clean(text)),
        next,
    )
}

/// Somebody's listing by id, by its handle in the shop, or by the id's beginning.
pub(crate) fn listing(client: &Client, shop: &AuthorId, text: &str) -> Result<Listing, Failure> {
    // A handle names its listing's id, so it needs no search.
    let id = text.parse().unwrap_or_else(|_| ListingId::of(shop, text));
    if let Some(found) = client.find(&format!("/shops/{shop}/listings/{id}"))? {
        return crate::client::shaped("listings", found);
    }
    let mut matches = BTreeMap::new();
    if text.starts_with("listing-") {
        client.each(&format!("/shops/{shop}/listings"), |item| {
            let listing: Listing = crate::client::shaped("listings", item)?;
            if begins(&listing.listing.to_string(), text) {
                matches.insert(
                    listing.listing,
                    (format!("{} {}", listing.handle, listing.listing), listing),
                );
            }
            Ok(matches.len() <= MATCHES_SHOWN)
        })?;
    }
    let shown = matches
        .iter()
        .map(|(id, (shown, _))| (*id, shown.clone()))
        .collect();
    let missing = || {
        format!(
            "the shop of {} has no listing '{}' here",
            short(shop),
            clean(text)
        )
    };
    let id = one(
        shown,
        text,
        "listings",
        missing,
        "`souk shop list --shop SHOP` shows what there is",
    )?;
    match matches.remove(&id) {
        Some((_, listing)) => Ok(listing),
        None => Err(Failure::fault("a listing that was just found is gone")),
    }
}

/// A variant by id, label, options, the shop's number or the id's beginning; without a text the only one.
pub(crate) fn variant<'a>(listing: &'a Listing, text: Option<&str>) -> Result<&'a Variant, Failure> {
    let fits = |variant: &&Variant| match text {
        None => true,
        Some(text) => {
            let same = |other: &str| other.to_lowercase() == text.to_lowercase();
            same(&variant.label)
                || variant.options.iter().any(|option| same(option))
                || (!variant.sku.is_empty() && same(&variant.sku))
                || begins(&variant.variant.to_string(), text)
        }
    };
    let exact = |variant: &&Variant| text.is_some_and(|text| variant.variant.to_string() == text);
    if let Some(variant) = listing.variants.iter().find(exact) {
        return Ok(variant);
    }
    let matches: Vec<&Variant> = listing.variants.iter().filter(fits).collect();
    let names = |variants: &[&Variant]| {
        let shown = variants
            .iter()
            .take(MATCHES_SHOWN)
            .map(|variant| clean(&variant.label));
        shown.collect::<Vec<_>>().join(", ")
    };
    let all: Vec<&Variant> = listing.variants.iter().collect();
    match (matches.as_slice(), text) {
        ([variant], _) => Ok(variant),
        (_, None) => Err(Failure::usage(
            format!(
                "'{}' comes in {} variants: {}",
                clean(&listing.title),
                all.len(),
                names(&all)
            ),
            "choose one with --variant",
        )),
        ([], Some(text)) => Err(Failure::not_found(
            format!(
                "'{}' has no variant '{}'; it has {}",
                clean(&listing.title),
                clean(text),
                names(&all)
            ),
            "choose one of these",
        )),
        (several, Some(text)) => {
            let shown: Vec<String> = several
                .iter()
                .map(|variant| format!("{} {}", clean(&variant.label), variant.variant))
                .collect();
            Err(Failure::ambiguous("variants", text, &shown))
        }
    }
}

/// An order by id or its beginning.
pub(crate) fn order(client: &Client, text: &str) -> Result<OrderId, Failure> {
    if let Ok(order) = text.parse() {
        return Ok(order);
    }
    let mut matches = BTreeMap::new();
    client.each("/orders", |item| {
        let order: Order = crate::client::shaped("orders", item)?;
        if begins(&order.order.to_string(), text) {
            matches.insert(order.order, order.order.to_string());
        }
        Ok(matches.len() <= MATCHES_SHOWN)
    })?;
    let missing = || format!("there is no order '{}'", clean(text));
    one(matches, text, "orders", missing, "`souk orders list` shows yours")
}

/// A post by id, or by its beginning among the newest ones of the feed.
pub(crate) fn post(client: &Client, text: &str) -> Result<EnvelopeId, Failure> {
    if let Ok(post) = text.parse() {
        return Ok(post);
    }
    let mut matches = BTreeMap::new();
    if text.len() >= POST_HEAD.len() + SHORT_MIN {
        let page = client.read("/feed", &[("limit", POSTS_SEARCHED)])?;
        let ids = page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["id"].as_str());
        for id in ids.filter(|id| id.starts_with(text)) {
            if let Ok(post) = id.parse::<EnvelopeId>() {
                matches.insert(post, id.to_owned());
            }
        }
    }
    let missing = || format!("there is no post '{}' in your feed", clean(text));
    one(
        matches,
        text,
        "posts",
        missing,
        "write the whole id, as `souk feed` shows it",
    )
}

/// A command that an order's `next` names, as one types it. Placing goes with `souk buy` alone.
pub(crate) fn order_command(next: &str, order: &OrderId) -> Option<String> {
    let command = match next {
        "accept_order" => "accept",
        "decline_order" => "decline",
        "cancel_order" => "cancel",
        "pay_order" => "pay",
        "ship_order" => "ship",
        "payment_arrived" => "arrived",
        "complete_order" => "received",
        "lapse_order" => "lapse",
        _ => return None,
    };
    Some(format!("souk orders {command} {}", short(order)))
}

fn begins(id: &str, text: &str) -> bool {
    let bare = id.split_once('-').map_or(id, |(_, bare)| bare);
    let given = match text.split_once('-') {
        Some((prefix, given)) if id.starts_with(&format!("{prefix}-")) => given,
        Some(_) => return false,
        None => text,
    };
    given.len() >= SHORT_MIN && bare.starts_with(given)
}

fn one<K: Ord>(
    mut matches: BTreeMap<K, String>,
    text: &str,
    what: &str,
    missing: impl FnOnce() -> String,
    next: &str,
) -> Result<K, Failure> {
    match (matches.len(), matches.pop_first()) {
        (1, Some((key, _))) => Ok(key),
        (0, _) | (_, None) => Err(Failure::not_found(missing(), next)),
        (_, Some((_, first))) => {
            let mut shown = vec![first];
            shown.extend(matches.into_values().take(MATCHES_SHOWN - 1));
            Err(Failure::ambiguous(what, text, &shown))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn people() -> Vec<(AuthorId, Option<String>)> {
        let author = |byte| AuthorId::from_bytes([byte; 32]);
        vec![
            (author(1), Some("Alice".into())),
            (author(2), Some("bob".into())),
            (author(3), Some("Bob".into())),
            (author(4), None),
        ]
    }

    #[test]
    fn somebody_is_found_by_a_name_that_only_they_have() {
        assert_eq!(
            author_among(&people(), "alice").unwrap(),
            AuthorId::from_bytes([1; 32])
        );
    }

    #[test]
    fn a_name_that_two_have_is_refused_with_both() {
        let failure = author_among(&people(), "bob").unwrap_err();
        assert_eq!(failure.code, "ambiguous");
        for byte in [2, 3] {
            assert!(
                failure
                    .message
                    .contains(&AuthorId::from_bytes([byte; 32]).to_string())
            );
        }
    }

    #[test]
    fn somebody_is_found_by_the_beginning_of_their_id() {
        let bob = AuthorId::from_bytes([2; 32]);
        let shown = short(&bob);
        assert_eq!(author_among(&people(), &shown).unwrap(), bob);
        let bare = shown.strip_prefix("author-").unwrap();
        assert_eq!(author_among(&people(), bare).unwrap(), bob);
        assert_eq!(author_among(&people(), "author-").unwrap_err().code, "not_found");
        assert_eq!(
            author_among(&people(), &shown.replace("author", "device"))
                .unwrap_err()
                .code,
            "not_found"
        );
    }

    #[test]
    fn eve_cannot_take_bob_s_place_by_calling_herself_like_his_id() {
        let bob = AuthorId::from_bytes([2; 32]);
        let mut people = people();
        people.push((AuthorId::from_bytes([9; 32]), Some(short(&bob))));
        assert_eq!(author_among(&people, &short(&bob)).unwrap_err().code, "ambiguous");
    }

    fn shirt() -> Listing {
        let variant = |byte: u8, label: &str, sku: &str| {
            json!({
                "variant": souk_protocol::id::VariantId::from_bytes([byte; 8]).to_string(),
                "label": label,
                "options": label.split(" / ").collect::<Vec<_>>(),
                "sku": sku,
                "price": {"minor": 1000, "currency": "EUR"},
            })
        };
        let shop = AuthorId::from_bytes([1; 32]);
        serde_json::from_value(json!({
            "shop": shop.to_string(), "listing": ListingId::of(&shop, "shirt").to_string(),
            "handle": "shirt", "title": "Shirt",
            "variants": [variant(1, "Red / S", "A1"), variant(2, "Red / M", "A2"), variant(3, "Blue / M", "")],
        }))
        .unwrap()
    }

    #[test]
    fn a_variant_is_found_by_label_option_or_number() {
        let shirt = shirt();
        for (text, label) in [
            ("red / m", "Red / M"),
            ("S", "Red / S"),
            ("a2", "Red / M"),
            ("Blue", "Blue / M"),
        ] {
            assert_eq!(variant(&shirt, Some(text)).unwrap().label, label, "{text}");
        }
    }

    #[test]
    fn a_variant_that_is_not_clear_is_refused_with_the_choice() {
        let shirt = shirt();
        assert_eq!(variant(&shirt, Some("M")).unwrap_err().code, "ambiguous");
        assert_eq!(variant(&shirt, Some("XL")).unwrap_err().code, "not_found");
        assert!(
            variant(&shirt, None)
                .unwrap_err()
                .message
                .contains("Red / S, Red / M, Blue / M")
        );
    }
}
