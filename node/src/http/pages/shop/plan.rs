//! What a product file would change in the shop, found out without writing anything.

use super::super::super::imports::{Difference, Plan, Planned};
use super::super::super::limits::IMPORT_PREVIEW_MAX;
use super::super::super::product_file;
use crate::products::{Product, ProductFile, Variant};
use souk_protocol::id::{AuthorId, ListingId, VariantId};
use souk_protocol::listing::Listing;
use souk_protocol::market;
use souk_protocol::records::{Fault, Records};
use souk_protocol::stock::Stock;
use souk_protocol::text::Tag;
use std::collections::BTreeSet;

/// Compares a file with the shop.
pub(super) fn plan(
    records: &dyn Records,
    me: &AuthorId,
    file: &ProductFile,
    drafts: bool,
) -> Result<Plan, Fault> {
    let mut plan = Plan {
        variants: file.variant_count(),
        ..Plan::default()
    };
    for product in &file.products {
        let id = ListingId::of(me, &product.handle);
        let published = product.published || drafts;
        let listing = market::listing(records, me, &id)?.filter(|listing| !listing.removed);
        let changes = match listing {
            None => {
                plan.new += 1;
                None
            }
            Some(listing) => {
                let stock = market::stock(records, me, &id)?;
                plan.stock_stays += stock_stays(&id, product, &stock);
                let changes = differences(&listing, product, published, &stock);
                if changes.is_empty() {
                    plan.same += 1;
                    continue;
                }
                plan.changed += 1;
                Some(changes)
            }
        };
        if plan.rows.len() < IMPORT_PREVIEW_MAX {
            let prices = product.variants.iter().map(|variant| variant.price_minor);
            plan.rows.push(Planned {
                listing: id,
                title: product.title.clone(),
                price_minor: prices.min().unwrap_or(0),
                variants: product.variants.len(),
                published,
                changes,
            });
        }
    }
    Ok(plan)
}

fn counted(variant: &Variant) -> Option<i64> {
    variant.quantity.filter(|_| variant.tracked)
}

fn stock_stays(id: &ListingId, product: &Product, stock: &Stock) -> usize {
    let stays = |variant: &&Variant| {
        let known = VariantId::of(id, &variant.options);
        let units = counted(variant).and_then(|units| u64::try_from(units).ok());
        stock.is_counted(&known) && units.is_some_and(|units| units != stock.available(&known))
    };
    product.variants.iter().filter(stays).count()
}

fn differences(listing: &Listing, product: &Product, published: bool, stock: &Stock) -> Vec<Difference> {
    let known = product_file::product(listing, |id| stock.available(id));
    let mut found = Vec::new();
    if known.title != product.title {
        let old = known.title.clone();
        found.push(Difference::Title { old });
    }
    if known.published != published {
        found.push(Difference::Published(published));
    }
    let (mut added, mut named, mut details) = (0, BTreeSet::new(), differs(&known, product));
    for variant in &product.variants {
        let id = VariantId::of(&listing.id, &variant.options);
        named.insert(id);
        let Some(old) = listing.variant(&id) else {
            added += 1;
            continue;
        };
        let (label, old_minor) = (variant.options.join(" / "), old.price.map(|price| price.minor));
        if let Some(units) = counted(variant).filter(|_| !stock.is_counted(&id)) {
            let label = label.clone();
            found.push(Difference::Counted { label, units });
        }
        if old_minor != Some(variant.price_minor) {
            found.push(Difference::Price {
                label,
                old_minor,
                new_minor: variant.price_minor,
            });
        }
        let exported = known
            .variants
            .iter()
            .find(|known| known.options == variant.options);
        details |= exported.is_some_and(|known| variant_differs(known, variant));
    }
    if added > 0 {
        found.push(Difference::Added(added));
    }
    let removed = listing.variants.iter().filter(|known| !named.contains(&known.id));
    match removed.count() {
        0 => {}
        count => found.push(Difference::Removed(count)),
    }
    if details {
        found.push(Difference::Details);
    }
    found
}

/// Whether anything else than title, prices, stock and being published differs.
fn differs(known: &Product, product: &Product) -> bool {
    let tags = |product: &Product| -> BTreeSet<String> {
        let tags = product.tags.iter();
        tags.map(|tag| Tag::new(tag).map_or_else(|_| tag.clone(), |tag| tag.to_string()))
            .collect()
    };
    known.description != product.description
        || known.vendor != product.vendor
        || known.category.as_deref().unwrap_or_default() != product.category.as_deref().unwrap_or_default()
        || known.kind != product.kind
        || known.options != product.options
        || tags(known) != tags(product)
        || known.images != product.images
}

fn variant_differs(known: &Variant, variant: &Variant) -> bool {
    let rest = |variant: &Variant| Variant {
        price_minor: 0,
        quantity: None,
        weight_grams: variant.weight_grams.filter(|grams| *grams > 0),
        ..variant.clone()
    };
    rest(known) != rest(variant)
}
