//! Commands of a merchant: terms, import, edits, stock. A command edits the shop's documents
//! (`documents`).

use super::social::{Outcome, check};
use super::turn::Turn;
use super::{Peer, invalid};
use crate::api::{Code, ListingEdit, ProductDraft, Refused, Reply, ShopDraft, VariantDraft};
use crate::body::Body;
use crate::catalog::{Edit, shard_of};
use crate::id::{ListingId, VariantId};
use crate::listing::{Kind as Goods, Listing, Media, MediaKey, Product, Variant};
use crate::market;
use crate::money::{Amount, Currency};
use crate::records::Fault;
use crate::shop::{Place, ShippingProfile, ShopTerms, Zone};
use crate::stock::StockError;
use crate::sync::ShopWays;
use crate::text::{List, Name, Prose, Tag, Text};
use std::collections::{BTreeMap, BTreeSet};

/// How an import went, listing by listing.
#[derive(Default)]
struct Tally {
    new: u64,
    changed: u64,
    same: u64,
}

impl Peer {
    pub(super) fn set_shop(&mut self, turn: &mut Turn<'_>, draft: &ShopDraft) -> Outcome {
        let me = self.author();
        let before = market::terms(turn.records(), &me)?;
        let has_listings = !market::listing_ids(turn.records(), &me, None, 1)?.is_empty();
        if let Some(before) = &before
            && before.currency != draft.currency
            && has_listings
        {
            let message = format!(
                "the shop's prices are in {}, and it has listings",
                before.currency
            );
            let next = "Remove the listings first, or keep the currency.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let zone = Zone {
            places: check!(List::new(vec![Place::Elsewhere]).map_err(invalid)),
            base_minor: draft.shipping_minor,
            per_kg_minor: 0,
            free_from_minor: draft.shipping_free_from_minor,
        };
        let zones = check!(List::new(vec![zone]).map_err(invalid));
        let profile = ShippingProfile {
            name: check!(Name::new("standard").map_err(invalid)),
            zones,
        };
        let mut terms = before.unwrap_or_else(|| ShopTerms::new(draft.currency));
        terms.currency = draft.currency;
        terms.shipping = check!(List::new(vec![profile]).map_err(invalid));
        terms.policies.returns_days =
            check!(u16::try_from(draft.returns_days).map_err(|_| invalid("too many days for returns")));
        check!(terms.check().map_err(invalid));
        let payment_instructions = check!(Prose::new(&draft.payment_instructions).map_err(invalid));
        let ways = ShopWays {
            payment_instructions,
            accept_by_itself: draft.accept_by_itself,
        };
        let said = self.say(turn, terms.into())?;
        self.keep_ways(turn, said.time(), &ways)?;
        for device in self.siblings_here() {
            self.compare_with_sibling(turn, device)?;
        }
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    pub(super) fn import(&mut self, turn: &mut Turn<'_>, products: Vec<ProductDraft>) -> Outcome {
        let me = self.author();
        let Some(terms) = market::terms(turn.records(), &me)? else {
            let message = "the shop has no terms yet, so its currency is unknown";
            let next = "Set them with 'souk shop terms --currency EUR'.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        };
        // All drafts are read before anything is written: a bad one leaves the shop as it was.
        let mut listings = BTreeMap::new();
        let mut counts = Vec::new();
        for draft in &products {
            let listing = check!(listing_of(&me, draft, terms.currency));
            for (variant, draft) in listing.variants.iter().zip(&draft.variants) {
                if let (true, Some(units)) = (draft.tracked, draft.quantity) {
                    counts.push((listing.id, variant.id, u64::try_from(units).unwrap_or(0)));
                }
            }
            listings.insert(listing.id, listing);
        }
        let mut tally = Tally::default();
        let mut edits = Vec::new();
        for (id, listing) in listings {
            edits.extend(self.edits_for(turn, id, listing, &mut tally)?);
        }
        let changed = check!(self.edit(turn, edits)?);
        tally.changed += changed.len() as u64;
        tally.changed = tally.changed.saturating_sub(tally.new);
        tally.same = tally.same.saturating_sub(tally.changed);
        check!(self.count_first(turn, counts)?);
        Ok(Ok(Reply::Imported {
            new: tally.new,
            changed: tally.changed,
            same: tally.same,
        }))
    }

    /// The edits that make a listing what the file says, taking away variants that it no longer has.
    fn edits_for(
        &self,
        turn: &Turn<'_>,
        id: ListingId,
        listing: Listing,
        tally: &mut Tally,
    ) -> Result<Vec<Edit>, Fault> {
        let kept: BTreeSet<VariantId> = listing.variants.iter().map(|variant| variant.id).collect();
        let mut edits = Edit::put(listing);
        match self.shard(turn, shard_of(&id))? {
            Ok(shard) if shard.listings().contains(&id) => {
                tally.same += 1;
                let fields = shard.project(&id).map_err(broken)?;
                let gone = fields
                    .variants()
                    .into_iter()
                    .filter(|variant| !kept.contains(variant));
                edits.extend(gone.map(|variant| Edit::RemoveVariant { listing: id, variant }));
            }
            _ => tally.new += 1,
        }
        Ok(edits)
    }

    pub(super) fn edit_listing(&mut self, turn: &mut Turn<'_>, change: &ListingEdit) -> Outcome {
        let (me, id) = (self.author(), change.listing);
        let Some(mut listing) = market::listing(turn.records(), &me, &id)? else {
            return Ok(Err(no_listing(&id)));
        };
        let mut edits = Vec::new();
        if let Some(title) = &change.title {
            listing.product.title = check!(Name::new(title.trim()).map_err(invalid));
            if listing.product.title.is_empty() {
                return Ok(Err(invalid("a listing needs a title")));
            }
        }
        if let Some(description) = &change.description {
            listing.product.description = check!(Prose::new(description).map_err(invalid));
        }
        if let Some(vendor) = &change.vendor {
            listing.product.vendor = check!(Name::new(vendor.trim()).map_err(invalid));
        }
        if let Some(category) = &change.category {
            listing.product.category = check!(Name::new(category.trim()).map_err(invalid));
        }
        if let Some(tags) = &change.tags {
            let tags = tags.iter().map(|tag| Tag::new(tag).map_err(invalid));
            listing.product.tags = check!(tags.collect::<Result<_, _>>());
        }
        if let Some(published) = change.published {
            listing.product.published = published;
        }
        let currency = market::terms(turn.records(), &me)?.map_or(Currency::EUR, |terms| terms.currency);
        for (variant, price) in &change.prices {
            let Some(known) = listing.variants.iter_mut().find(|known| known.id == *variant) else {
                let message = format!("the listing has no {variant}");
                let next = "See its variants with 'souk shop show LISTING'.";
                return Ok(Err(Refused::new(Code::NotFound, message, next)));
            };
            if price.currency != currency || price.minor < 0 {
                return Ok(Err(invalid(format!(
                    "a price of this shop is at least 0 {currency}, not {price}"
                ))));
            }
            known.price = Some(*price);
            edits.push(Edit::PutVariant {
                listing: id,
                variant: Box::new(known.clone()),
            });
        }
        edits.push(match change.removed {
            Some(true) => Edit::Remove { listing: id },
            _ => Edit::Put {
                listing: id,
                product: Box::new(listing.product),
            },
        });
        let changed = check!(self.edit(turn, edits)?);
        Ok(Ok(Reply::Imported {
            new: 0,
            changed: changed.len() as u64,
            same: u64::from(changed.is_empty()),
        }))
    }

    pub(super) fn set_stock(
        &mut self,
        turn: &mut Turn<'_>,
        id: ListingId,
        variant: Option<VariantId>,
        units: Option<u64>,
    ) -> Outcome {
        let me = self.author();
        let Some(listing) = market::listing(turn.records(), &me, &id)? else {
            return Ok(Err(no_listing(&id)));
        };
        let mut variant = check!(one_variant(&listing, variant)).clone();
        if variant.tracked != units.is_some() {
            variant.tracked = units.is_some();
            let edit = Edit::PutVariant {
                listing: id,
                variant: Box::new(variant.clone()),
            };
            check!(self.edit(turn, vec![edit])?);
        }
        if let Some(units) = units {
            let holds = self.holds(turn)?;
            let mut stock = market::stock(turn.records(), &me, &id)?;
            // What is held for open orders is on top of what can be sold, and stays.
            let wanted = units.saturating_add(holds.held(&id, &variant.id));
            let less = stock.available(&variant.id).saturating_sub(wanted);
            let have = holds.sellable(&stock, &self.device(), &variant.id);
            let set = match less <= have {
                true => stock.set_available(self.device(), variant.id, wanted).map(drop),
                false => Err(StockError::NotEnough { wanted: less, have }),
            };
            if let Err(error) = set {
                let next = "Lower the stock on the device that holds the units.";
                return Ok(Err(Refused::new(Code::NoStock, error.to_string(), next)));
            }
            self.say_stock(turn, &stock)?;
        }
        Ok(Ok(Reply::Done))
    }

    /// Says those states that differ from what this device said last.
    pub(super) fn say_new(&mut self, turn: &mut Turn<'_>, bodies: Vec<Body>) -> Result<(), Fault> {
        let mut new = Vec::new();
        for body in bodies {
            let key = body.state_key().unwrap_or_default();
            let said = turn
                .records()
                .state_of(&self.author(), body.kind(), &key, &self.device())?;
            if said.is_none_or(|said| *said.body() != body) {
                new.push(body);
            }
        }
        self.say_all(turn, new)?;
        Ok(())
    }
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::Broken(error.to_string())
}

pub(super) fn no_listing(id: &ListingId) -> Refused {
    let message = format!("this node knows no {id}");
    Refused::new(
        Code::NotFound,
        message,
        "See what there is with 'souk shop list' or 'souk search'.",
    )
}

/// The variant that is meant: the one that is named, or the only one.
pub(super) fn one_variant(listing: &Listing, id: Option<VariantId>) -> Result<&Variant, Refused> {
    let next = "Name one of the variants that 'souk shop show LISTING' lists.";
    match (id, listing.variants.as_slice()) {
        (Some(id), _) => listing
            .variant(&id)
            .ok_or_else(|| Refused::new(Code::NotFound, format!("the listing has no {id}"), next)),
        (None, [only]) => Ok(only),
        (None, variants) => {
            let message = format!(
                "the listing has {} variants, so one must be named",
                variants.len()
            );
            Err(Refused::new(Code::Invalid, message, next))
        }
    }
}

/// A product of a file as a listing of this shop.
fn listing_of(
    shop: &crate::id::AuthorId,
    draft: &ProductDraft,
    currency: Currency,
) -> Result<Listing, Refused> {
    let named = |error: &dyn std::fmt::Display| invalid(format!("product '{}': {error}", draft.handle));
    let id = ListingId::of(shop, &draft.handle);
    let name = |text: &str| Name::new(text).map_err(|error| named(&error));
    let source = |text: &str| Text::new(text).map_err(|error| named(&error));
    let mut media = Vec::new();
    for (position, (url, alt)) in (0u32..).zip(&draft.images) {
        let key = MediaKey::of_source(url);
        media.push(Media {
            key,
            id: None,
            source: source(url)?,
            alt: source(alt)?,
            position,
        });
    }
    let options = draft
        .options
        .iter()
        .map(|option| name(option))
        .collect::<Result<_, _>>()?;
    let tags = draft
        .tags
        .iter()
        .map(|tag| Tag::new(tag).map_err(|error| named(&error)));
    let product = Product {
        handle: name(&draft.handle)?,
        title: name(&draft.title)?,
        description: Prose::new(&draft.description).map_err(|error| named(&error))?,
        vendor: name(&draft.vendor)?,
        kind: match draft.kind.as_str() {
            "physical" => Goods::Physical,
            "digital" => Goods::Digital,
            "service" => Goods::Service,
            other => {
                return Err(named(&format!(
                    "expected physical, digital or service, got '{other}'"
                )));
            }
        },
        category: name(draft.category.as_deref().unwrap_or_default())?,
        tags: tags.collect::<Result<_, _>>()?,
        options: List::new(options).map_err(|error| named(&error))?,
        media,
        published: draft.published,
        ..Product::default()
    };
    let variants = (0u32..).zip(&draft.variants).map(|(position, variant)| {
        variant_of(&id, position, variant, currency).map_err(|error| named(&error))
    });
    let variants = variants.collect::<Result<Vec<_>, _>>()?;
    if variants.is_empty() {
        return Err(named(&"a listing needs a variant"));
    }
    Ok(Listing {
        id,
        product,
        variants,
        removed: false,
    })
}

fn variant_of(
    listing: &ListingId,
    position: u32,
    draft: &VariantDraft,
    currency: Currency,
) -> Result<Variant, String> {
    let text = |error: crate::text::TextError| error.to_string();
    let money = |minor: i64| Amount::new(minor, currency).map_err(|error| error.to_string());
    if draft.price_minor < 0 {
        return Err("a price is at least 0".into());
    }
    let options = draft.options.iter().map(|option| Name::new(option).map_err(text));
    Ok(Variant {
        options: List::new(options.collect::<Result<_, _>>()?).map_err(text)?,
        price: Some(money(draft.price_minor)?),
        compare_at: draft.compare_at_minor.map(money).transpose()?,
        sku: Name::new(&draft.sku).map_err(text)?,
        barcode: Name::new(&draft.barcode).map_err(text)?,
        weight_grams: u32::try_from(draft.weight_grams.unwrap_or(0)).map_err(|error| error.to_string())?,
        requires_shipping: draft.requires_shipping,
        tracked: draft.tracked,
        oversell: draft.oversell,
        media: draft.image.as_deref().map(MediaKey::of_source),
        position,
        ..Variant::new(VariantId::of(listing, &draft.options))
    })
}
