//! The story, step by step. Every wait is for something that a node shows, never for time to pass; what
//! the end reports is asked of the nodes again.

use super::node::{Interrupt, Node, Nodes};
use super::report::{Link, Outcome, Seconds};
use crate::answer::{Entry, Followed, Listing, Order, Peer, Profile, Review, Shop, Status, Tab, Variant};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::clean;
use crate::progress::Progress;
use serde_json::json;
use souk_protocol::api::{Command, LineDraft, Product, Reply, ShopDraft};
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId, OrderId, TabId, VariantId};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::vouch::PEOPLE;
use std::collections::BTreeMap;

/// Shipping in the merchant's terms, in whole units of the currency.
const SHIPPING: &str = "4";
/// The merchant's limit for the buyer, as a multiple of what the purchase costs.
const LIMIT_TIMES: u32 = 3;
/// What the buyer gives the product.
const RATING: u8 = 5;
/// What the buyer says of it.
const REVIEW: &str = "Just as described, and here within the day.";

/// Everything that a shop sells: for each listing its variants with price and label.
type Goods = BTreeMap<ListingId, BTreeMap<VariantId, (Option<Amount>, String)>>;

/// What will be bought.
struct Choice {
    listing: ListingId,
    variant: VariantId,
    title: String,
    price: Amount,
}

/// The nodes, and how long each step took.
struct Story {
    nodes: Nodes,
    currency: Currency,
    seconds: Seconds,
}

/// Tells it: the nodes as they are at the end, and what they hold.
pub(super) fn tell(
    catalog: &[u8],
    currency: Currency,
    interrupt: &Interrupt,
) -> Result<(Nodes, Outcome), Failure> {
    let progress = Progress::start("three nodes start, each a process with a directory of its own");
    let nodes = start(interrupt)?;
    let took = progress.done("the buyer was given the friend's address alone");
    let mut story = Story {
        nodes,
        currency,
        seconds: Seconds::default(),
    };
    story.seconds.push("start", took);

    story.step(
        "introduce",
        "they say who they are; the friend vouches for the buyer",
        |story, _| story.introduce(),
    )?;
    let (in_file, choice) = story.step(
        "import",
        "the merchant imports its products",
        |story, progress| {
            let in_file = story.open_shop(catalog, progress)?;
            let choice = story.choose()?;
            Ok((in_file, choice))
        },
    )?;
    story.step("spread", "the friend's node holds the shop", |story, progress| {
        story.holds_all(&story.nodes.friend, progress).map(|_| ())
    })?;
    let label = format!(
        "the friend tells of \"{}\", the buyer's node finds it",
        choice.title
    );
    let connected_before = story.step("discover", &label, |story, _| story.discover(&choice))?;
    let at_buyer = story.step(
        "follow",
        "the buyer follows the shop and gets all of it",
        |story, progress| story.buyer_follows_shop(progress),
    )?;
    let tab = story.step(
        "tab",
        "the merchant grants a tab upon the friend's vouch",
        |story, _| story.grant(&choice),
    )?;
    let order = story.step(
        "order",
        "quote, order, acceptance, payment by tab, receipt",
        |story, _| story.order(&choice),
    )?;
    story.step(
        "deliver",
        "the merchant ships, the buyer has received it",
        |story, _| story.deliver(&order),
    )?;
    story.step(
        "review",
        "the buyer reviews it, the friend's node shows that",
        |story, _| story.review(&order, &choice),
    )?;
    let mut outcome = story.step("check", "what each node holds is compared", |story, _| {
        story.check(in_file, &at_buyer, &choice, &order, &tab)
    })?;
    outcome.seconds = story.seconds;
    outcome.connected_before = connected_before;
    Ok((story.nodes, outcome))
}

fn start(interrupt: &Interrupt) -> Result<Nodes, Failure> {
    let friend = Node::start("friend", &[], interrupt)?;
    let merchant = Node::start("merchant", &[&friend.address], interrupt)?;
    let buyer = Node::start("buyer", &[&friend.address], interrupt)?;
    Ok(Nodes {
        friend,
        merchant,
        buyer,
    })
}

impl Story {
    fn step<T>(
        &mut self,
        key: &'static str,
        label: &str,
        work: impl FnOnce(&Self, &Progress) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let progress = Progress::start(label);
        let result = work(self, &progress)?;
        self.seconds.push(key, progress.done(""));
        Ok(result)
    }

    /// Profiles, follows and the vouch; the buyer has nothing to do with the merchant.
    fn introduce(&self) -> Result<(), Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        for (node, about) in [
            (friend, "Knows people."),
            (merchant, "Makes and sells things."),
            (buyer, "Looks around."),
        ] {
            node.command(&Command::SetProfile {
                name: node.name.to_owned(),
                about: about.to_owned(),
            })?;
        }
        for (who, whom) in [
            (friend, merchant),
            (merchant, friend),
            (buyer, friend),
            (friend, buyer),
        ] {
            who.command(&Command::Follow {
                author: whom.author,
                public: true,
            })?;
        }
        friend.command(&Command::Vouch {
            subject: buyer.author,
            category: PEOPLE.to_owned(),
            stands: true,
            why: "Pays, always.".to_owned(),
        })?;
        for (who, whom) in [
            (friend, merchant),
            (merchant, friend),
            (buyer, friend),
            (friend, buyer),
        ] {
            let what = format!("the profile of the {}", whom.name);
            who.until(&what, |client| {
                let path = format!("/profiles/{}", whom.author);
                let Some(profile) = client.find(&path)? else {
                    return Ok(None);
                };
                let profile: Profile = shaped(&path, profile)?;
                Ok((profile.name.as_deref() == Some(whom.name)).then_some(()))
            })?;
        }
        self.still_strangers().map(|_| ())
    }

    /// Terms and products; how many listings and variants the file has.
    fn open_shop(&self, catalog: &[u8], progress: &Progress) -> Result<(u64, u64), Failure> {
        let merchant = &self.nodes.merchant;
        merchant.command(&Command::SetShop(ShopDraft {
            currency: self.currency,
            shipping_minor: self.whole(SHIPPING)?.minor,
            shipping_free_from_minor: None,
            returns_days: 14,
            payment_instructions: String::new(),
            accept_by_itself: false,
        }))?;
        // Drafts too: the demo shows every product of the file.
        let done = merchant.import(catalog, |step| progress.at(step.listings, step.of))?;
        let count = |name: &str| done[name].as_u64().unwrap_or(0);
        let in_file = (count("listings_in_file"), count("variants_in_file"));
        let goods = goods(&merchant.client, &merchant.author)?;
        let held = (goods.len() as u64, variants(&goods));
        if held != in_file {
            return Err(Failure::fault(format!(
                "the file has {} listings with {} variants, the merchant's node shows {} with {}",
                in_file.0, in_file.1, held.0, held.1
            )));
        }
        self.still_strangers()?;
        Ok(in_file)
    }

    /// Something that can be bought: counted and there, or else not counted at all.
    fn choose(&self) -> Result<Choice, Failure> {
        let merchant = &self.nodes.merchant;
        let listings: Vec<Listing> = merchant
            .client
            .all(&format!("/shops/{}/listings", merchant.author))?;
        choose(&listings).ok_or_else(|| {
            Failure::refused(
                "no_stock",
                "nothing in this file can be bought: no variant has both a price and units left",
                "choose a file with at least one product for sale",
            )
        })
    }

    /// Waits until a node holds all that the merchant sells, to the cent.
    fn holds_all(&self, node: &Node, progress: &Progress) -> Result<Goods, Failure> {
        let merchant = &self.nodes.merchant;
        let all = goods(&merchant.client, &merchant.author)?;
        let is_priced = |variants: &&BTreeMap<_, (Option<Amount>, _)>| {
            variants.values().any(|(price, _)| price.is_some())
        };
        let for_sale = all.values().filter(is_priced).count() as u64;
        let path = format!("/shops/{}", merchant.author);
        node.until("every listing of the shop", |client| {
            let Some(shop) = client.find(&path)? else {
                return Ok(None);
            };
            let held = shaped::<Shop>(&path, shop)?.listings;
            progress.at(held, for_sale);
            // Reading all of a large shop takes longer than asking how much is there.
            if held < for_sale {
                return Ok(None);
            }
            let held = goods(client, &merchant.author)?;
            Ok((held == all).then_some(held))
        })
    }

    /// The friend names a product in a post; the buyer's node finds out what it is.
    /// Gives back whether the two nodes were connected before.
    fn discover(&self, choice: &Choice) -> Result<bool, Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        let connected_before = self.still_strangers()?;
        let product = Product {
            shop: merchant.author,
            listing: choice.listing,
        };
        let said = friend.command(&Command::Post {
            text: format!("Look what I found: {}", clean(&choice.title)),
            tags: vec![product],
            reply_to: None,
            reshare: None,
        })?;
        let Reply::Said { id } = said else {
            return Err(Failure::fault(format!(
                "the friend's node answered a post with {said:?}"
            )));
        };
        let listing = buyer.until("the friend's post with its product", |client| tagged(client, &id))?;
        let price = listing
            .variants
            .iter()
            .find(|variant| variant.variant == choice.variant);
        match price.and_then(|variant| variant.price) {
            Some(price) if price == choice.price => Ok(connected_before),
            other => Err(Failure::fault(format!(
                "the buyer's node shows {} for {}, the merchant asks {}",
                other.map_or_else(|| "no price".to_owned(), |price| price.to_string()),
                choice.title,
                choice.price
            ))),
        }
    }

    /// The buyer follows the friend alone and its node holds nothing of the merchant. Gives back whether
    /// the two nodes have a connection all the same: looking for providers in the distributed hash table
    /// leads a node to others, whoever they belong to, and says nothing of what they sell.
    fn still_strangers(&self) -> Result<bool, Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        let follows = buyer.client.all::<Followed>("/follows")?;
        let only_friend = follows.iter().all(|followed| followed.author == friend.author);
        let shop = buyer.client.find(&format!("/shops/{}", merchant.author))?;
        let profile = buyer.client.find(&format!("/profiles/{}", merchant.author))?;
        let named = profile.is_some_and(|profile| profile["name"].is_string());
        if !only_friend || shop.is_some() || named {
            return Err(Failure::fault(
                "the buyer's node knew the merchant before the friend told of it",
            ));
        }
        let status: Status = buyer.client.read_as("/status", &[])?;
        let merchants = |peer: &Peer| peer.device == merchant.device || peer.author == Some(merchant.author);
        Ok(status.peers.iter().any(merchants))
    }

    fn buyer_follows_shop(&self, progress: &Progress) -> Result<Goods, Failure> {
        let Nodes { merchant, buyer, .. } = &self.nodes;
        buyer.command(&Command::Follow {
            author: merchant.author,
            public: true,
        })?;
        self.holds_all(buyer, progress)
    }

    /// Credit for somebody that the merchant never met, since somebody whom it follows vouches for them.
    fn grant(&self, choice: &Choice) -> Result<TabId, Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        merchant.until("the friend's vouch for the buyer", |client| {
            let path = format!("/profiles/{}", buyer.author);
            let Some(profile) = client.find(&path)? else {
                return Ok(None);
            };
            let profile: Profile = shaped(&path, profile)?;
            Ok(profile
                .vouched_by
                .iter()
                .any(|voucher| voucher.author == friend.author)
                .then_some(()))
        })?;
        let limit = limit(choice.price, self.whole(SHIPPING)?)?;
        let reply = merchant.command(&Command::GrantTab {
            to: buyer.author,
            limit,
            vouched: true,
        })?;
        let Reply::Tab { tab, vouched_by } = reply else {
            return Err(Failure::fault(format!(
                "the merchant's node answered a grant with {reply:?}"
            )));
        };
        if !vouched_by.contains(&friend.author) {
            return Err(Failure::fault(
                "the tab was granted, but not upon the friend's vouch",
            ));
        }
        buyer.until("the tab that the merchant granted", |client| {
            let tab = find_tab(client, &tab)?;
            Ok(tab
                .filter(|tab| tab.limit_they_gave_minor == limit.minor && !tab.pending)
                .map(|_| ()))
        })?;
        Ok(tab)
    }

    /// From the question for a quote to the receipt. The buyer's node pays and the merchant's node signs
    /// the receipt without being asked.
    fn order(&self, choice: &Choice) -> Result<OrderId, Failure> {
        let Nodes { merchant, buyer, .. } = &self.nodes;
        let line = LineDraft {
            listing: choice.listing,
            variant: Some(choice.variant),
            units: 1,
        };
        let asked = buyer.command(&Command::AskQuote {
            shop: merchant.author,
            lines: vec![line],
            country: "DE".to_owned(),
            note: String::new(),
        })?;
        let Reply::Order { order, .. } = asked else {
            return Err(Failure::fault(format!(
                "the buyer's node answered a question with {asked:?}"
            )));
        };
        reaches(buyer, &order, "quoted")?;
        let address = ["The Buyer", "1 Market Street", "12345 Anytown"]
            .map(str::to_owned)
            .to_vec();
        buyer.command(&Command::PlaceOrder {
            order,
            address,
            rail: "tab".to_owned(),
        })?;
        reaches(merchant, &order, "placed")?;
        merchant.command(&Command::AcceptOrder { order })?;
        reaches(buyer, &order, "receipted")?;
        Ok(order)
    }

    fn deliver(&self, order: &OrderId) -> Result<(), Failure> {
        let Nodes { merchant, buyer, .. } = &self.nodes;
        reaches(merchant, order, "receipted")?;
        merchant.command(&Command::ShipOrder {
            order: *order,
            carrier: "by bicycle".to_owned(),
            tracking: String::new(),
        })?;
        reaches(buyer, order, "fulfilled")?;
        buyer.command(&Command::CompleteOrder { order: *order })?;
        reaches(merchant, order, "completed")?;
        Ok(())
    }

    fn review(&self, order: &OrderId, choice: &Choice) -> Result<(), Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        buyer.command(&Command::Review {
            order: *order,
            listing: None,
            rating: RATING,
            text: REVIEW.to_owned(),
        })?;
        friend.until("the buyer's review", |client| {
            Ok(reviewed(client, &merchant.author, &choice.listing, &buyer.author)?.then_some(()))
        })
    }

    /// What each node holds, asked once more.
    fn check(
        &self,
        (listings_in_file, variants_in_file): (u64, u64),
        at_buyer: &Goods,
        choice: &Choice,
        order: &OrderId,
        tab: &TabId,
    ) -> Result<Outcome, Failure> {
        let Nodes {
            friend,
            merchant,
            buyer,
        } = &self.nodes;
        let (theirs, ours) = buyer.until("a tab that both sides hold alike", |client| {
            let both = (find_tab(client, tab)?, find_tab(&merchant.client, tab)?);
            let (Some(theirs), Some(ours)) = both else {
                return Ok(None);
            };
            let settled = theirs.state == ours.state && !theirs.pending && !ours.pending;
            Ok(settled.then_some((theirs, ours)))
        })?;
        if theirs.balance_minor != -ours.balance_minor {
            return Err(Failure::fault(format!(
                "one tab, two balances: the buyer's node says {}, the merchant's {}",
                theirs.balance_minor, ours.balance_minor
            )));
        }
        let held: Order = buyer.client.read_as(&format!("/orders/{order}"), &[])?;
        let mut links = Vec::new();
        for node in self.nodes.all() {
            let link = node.client.post("/login-links", &json!({}))?;
            let url = link["url"].as_str().unwrap_or_default().to_owned();
            links.push(Link { name: node.name, url });
        }
        Ok(Outcome {
            listings_in_file,
            listings_at_buyer: at_buyer.len() as u64,
            variants_in_file,
            variants_at_buyer: variants(at_buyer),
            receipt_verified: held.receipt.is_some_and(|receipt| receipt.verified),
            order_state: held.state,
            balance_buyer: theirs.balance_minor,
            balance_merchant: ours.balance_minor,
            currency: self.currency,
            review_at_friend: reviewed(&friend.client, &merchant.author, &choice.listing, &buyer.author)?,
            processes: self.nodes.all().len(),
            seconds: Seconds::default(),
            nodes: links,
            product: clean(&choice.title),
            total: held.total,
            tab_state_buyer: theirs.state,
            tab_state_merchant: ours.state,
            connected_before: false,
        })
    }

    fn whole(&self, units: &str) -> Result<Amount, Failure> {
        Amount::parse(units, self.currency).map_err(|error| Failure::fault(error.to_string()))
    }
}

/// Waits until an order is in a state at a node; says so if it has ended otherwise.
fn reaches(node: &Node, order: &OrderId, state: &str) -> Result<(), Failure> {
    let path = format!("/orders/{order}");
    node.until(&format!("the order as '{state}'"), |client| {
        let Some(value) = client.find(&path)? else {
            return Ok(None);
        };
        let held: Order = shaped(&path, value)?;
        if held.state == state {
            return Ok(Some(()));
        }
        if matches!(held.state.as_str(), "declined" | "cancelled" | "lapsed") {
            let reason = held
                .reason
                .map(|reason| format!(": {}", clean(&reason)))
                .unwrap_or_default();
            return Err(Failure::fault(format!("the order is {}{reason}", held.state)));
        }
        Ok(None)
    })
}

/// The listing that a post's tag stands for, once it is here.
fn tagged(client: &Client, post: &EnvelopeId) -> Result<Option<Listing>, Failure> {
    let mut page = client.read("/feed", &[])?;
    let entries: Vec<Entry> = shaped("/feed", page["items"].take())?;
    let entry = entries.into_iter().find(|entry| entry.id == *post);
    Ok(entry.and_then(|entry| entry.tags.into_iter().find_map(|tag| tag.listing)))
}

fn find_tab(client: &Client, tab: &TabId) -> Result<Option<Tab>, Failure> {
    let path = format!("/tabs/{tab}");
    client.find(&path)?.map(|value| shaped(&path, value)).transpose()
}

fn reviewed(client: &Client, shop: &AuthorId, listing: &ListingId, by: &AuthorId) -> Result<bool, Failure> {
    let path = format!("/shops/{shop}/listings/{listing}/reviews");
    let Some(mut page) = client.find(&path)? else {
        return Ok(false);
    };
    let reviews: Vec<Review> = shaped(&path, page["items"].take())?;
    let fits = |review: &Review| review.author == *by && review.rating == RATING && review.text == REVIEW;
    Ok(reviews.iter().any(fits))
}

fn goods(client: &Client, shop: &AuthorId) -> Result<Goods, Failure> {
    let listings: Vec<Listing> = client.all(&format!("/shops/{shop}/listings"))?;
    let variant = |variant: Variant| (variant.variant, (variant.price, variant.label));
    let listing = |listing: Listing| {
        (
            listing.listing,
            listing.variants.into_iter().map(variant).collect(),
        )
    };
    Ok(listings.into_iter().map(listing).collect())
}

fn variants(goods: &Goods) -> u64 {
    goods.values().map(|variants| variants.len() as u64).sum()
}

fn choose(listings: &[Listing]) -> Option<Choice> {
    let all = || {
        listings
            .iter()
            .flat_map(|listing| listing.variants.iter().map(move |variant| (listing, variant)))
    };
    let sold = |variant: &Variant| variant.price.is_some_and(|price| price.minor > 0);
    let counted =
        all().find(|(_, variant)| sold(variant) && variant.available.is_some_and(|units| units > 0));
    let uncounted = || all().find(|(_, variant)| sold(variant) && variant.available.is_none());
    let (listing, variant) = counted.or_else(uncounted)?;
    Some(Choice {
        listing: listing.listing,
        variant: variant.variant,
        title: listing.title.clone(),
        price: variant.price?,
    })
}

/// A limit that covers the purchase with room to spare, in whole units of the currency.
fn limit(price: Amount, shipping: Amount) -> Result<Amount, Failure> {
    let fault = |error: souk_protocol::money::MoneyError| Failure::fault(error.to_string());
    let exact = price
        .plus(shipping)
        .and_then(|total| total.times(LIMIT_TIMES))
        .map_err(fault)?;
    let unit = 10_i64.pow(u32::from(price.currency.exponent()));
    let rounded = exact
        .minor
        .div_euclid(unit)
        .saturating_add(1)
        .saturating_mul(unit);
    Amount::new(rounded, price.currency).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(n: u8, variants: &[(i64, Option<u64>)]) -> Listing {
        let variants: Vec<_> = variants
            .iter()
            .enumerate()
            .map(|(at, (minor, available))| {
                json!({
                    "variant": VariantId::from_bytes([u8::try_from(at).unwrap(); 8]).to_string(),
                    "price": {"minor": minor, "currency": "EUR"}, "available": available,
                })
            })
            .collect();
        serde_json::from_value(json!({
            "shop": AuthorId::from_bytes([1; 32]).to_string(),
            "listing": ListingId::from_bytes([n; 16]).to_string(),
            "title": format!("product {n}"), "variants": variants,
        }))
        .unwrap()
    }

    #[test]
    fn what_is_counted_and_there_is_bought_first() {
        let listings = [
            listing(1, &[(0, Some(9)), (500, None)]),
            listing(2, &[(700, Some(0)), (800, Some(1))]),
        ];
        let choice = choose(&listings).unwrap();
        assert_eq!((choice.title.as_str(), choice.price.minor), ("product 2", 800));
    }

    #[test]
    fn what_is_not_counted_is_bought_if_nothing_else_is_there() {
        let listings = [
            listing(1, &[(0, None), (500, None)]),
            listing(2, &[(700, Some(0))]),
        ];
        assert_eq!(choose(&listings).unwrap().price.minor, 500);
    }

    #[test]
    fn a_shop_that_is_sold_out_sells_nothing() {
        assert!(choose(&[listing(1, &[(0, None), (500, Some(0))])]).is_none());
    }

    #[test]
    fn the_limit_covers_the_purchase() {
        for (minor, code, expected) in [(2850, "EUR", 9800), (2800, "EUR", 9700), (700, "JPY", 2113)] {
            let currency: Currency = code.parse().unwrap();
            let shipping = Amount::parse(SHIPPING, currency).unwrap();
            let limit = limit(Amount { minor, currency }, shipping).unwrap();
            assert_eq!(limit.minor, expected, "{minor} {code}");
        }
    }
}
