//! Keeps the search index in step with the store: a thread that takes the listings that changed, reads
//! them anew and puts them into the index. The index remembers up to which event it is whole; what came
//! later, while the program was not running, is read again at the start.

use crate::search::{Document, Index, SearchError};
use crate::store::Store;
use souk_protocol::api::{Event, Happening};
use souk_protocol::codec;
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::market;
use souk_protocol::records::{Fault, Range, Records, Tree};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Changes that wait for the index before whoever brings more has to wait.
pub(crate) const CHANGES_MAX: usize = 1_024;
/// Listings that are read into the index at a time.
const BATCH: usize = 500;
/// How long the index gathers changes before it commits: a commit costs several syncs.
const GATHER: Duration = Duration::from_millis(50);

/// Listings of a shop that changed.
pub(crate) type Changes = (AuthorId, Vec<ListingId>);

#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Records(#[from] Fault),
}

/// Runs until nobody brings changes any more.
pub(crate) fn run(
    store: &Store,
    index: &Index,
    mut changes: mpsc::Receiver<Changes>,
    newest: &watch::Receiver<u64>,
) -> Result<(), IndexError> {
    catch_up(store, index, *newest.borrow())?;
    while let Some(first) = changes.blocking_recv() {
        std::thread::sleep(GATHER);
        // Read before the queue is emptied: whatever this event brought is in the queue already.
        let mark = *newest.borrow();
        put(store, index, &first)?;
        while let Ok(more) = changes.try_recv() {
            put(store, index, &more)?;
        }
        index.commit_at(mark)?;
    }
    Ok(())
}

/// Reads again what changed after the index was last whole; everything, if it never was.
fn catch_up(store: &Store, index: &Index, newest: u64) -> Result<(), IndexError> {
    let records: &dyn Records = store;
    let shops = match index.mark() {
        Some(mark) => changed_after(records, mark)?,
        None => None,
    };
    let shops = match shops {
        Some(shops) => shops,
        None => {
            index.clear()?;
            market::shops(records)?.into_iter().collect()
        }
    };
    for shop in shops {
        let mut after = None;
        loop {
            let listings = market::listing_ids(records, &shop, after, BATCH)?;
            let Some(last) = listings.last().copied() else {
                break;
            };
            put(store, index, &(shop, listings))?;
            after = Some(last);
        }
    }
    Ok(index.commit_at(newest)?)
}

/// Shops that changed after an event; none if the events since are not all here any more.
fn changed_after(records: &dyn Records, mark: u64) -> Result<Option<BTreeSet<AuthorId>>, IndexError> {
    let range = Range::of([], usize::MAX).beyond(Some(mark.to_be_bytes().to_vec()));
    let rows = records.scan(Tree::Events, &range)?;
    let mut shops = BTreeSet::new();
    for (place, (_, value)) in (1u64..).zip(rows) {
        let event: Event = codec::decode(&value).map_err(|error| Fault::Broken(error.to_string()))?;
        if event.number != mark + place {
            return Ok(None);
        }
        if let Happening::ShopChanged { shop, .. } = event.what {
            shops.insert(shop);
        }
    }
    Ok(Some(shops))
}

fn put(store: &Store, index: &Index, (shop, listings): &Changes) -> Result<(), IndexError> {
    let (mut documents, mut gone) = (Vec::new(), Vec::new());
    for listing in listings {
        match document(store, shop, listing)? {
            Some(document) => documents.push(document),
            None => gone.push(key(shop, listing)),
        }
    }
    index.remove(&gone);
    Ok(index.put(&documents)?)
}

fn key(shop: &AuthorId, listing: &ListingId) -> String {
    format!("{shop}/{listing}")
}

/// A listing as the index holds it; none if it is not for sale.
fn document(store: &Store, shop: &AuthorId, id: &ListingId) -> Result<Option<Document>, Fault> {
    let records: &dyn Records = store;
    let Some(listing) = market::listing(records, shop, id)?.filter(|listing| listing.is_for_sale()) else {
        return Ok(None);
    };
    let stock = market::stock(records, shop, id)?;
    let prices = || listing.variants.iter().filter_map(|variant| variant.price);
    let product = &listing.product;
    let options: BTreeSet<&str> = listing
        .variants
        .iter()
        .flat_map(|variant| variant.options.iter())
        .map(|name| name.as_str())
        .collect();
    Ok(Some(Document {
        key: key(shop, id),
        shop: shop.to_string(),
        listing: id.to_string(),
        title: product.title.to_string(),
        description: product.description.to_string(),
        vendor: product.vendor.to_string(),
        tags: product.tags.iter().map(ToString::to_string).collect(),
        categories: Some(product.category.to_string())
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect(),
        options: options.into_iter().map(str::to_owned).collect(),
        price_min_minor: prices().map(|price| price.minor).min().unwrap_or(0),
        price_max_minor: prices().map(|price| price.minor).max().unwrap_or(0),
        currency: prices()
            .next()
            .map(|price| price.currency.to_string())
            .unwrap_or_default(),
        kind: product.kind.as_str().to_owned(),
        in_stock: listing
            .variants
            .iter()
            .any(|variant| market::can_be_had(variant, &stock)),
        updated_ms: market::updated(records, shop, id)?.0,
    }))
}
