//! What everybody reads of a shop once all is healed and quiet: the same, and what its documents say.

use super::*;
use serde_bytes::ByteBuf;
use souk_protocol::body::Kind;
use souk_protocol::catalog::{CatalogError, Shard};
use souk_protocol::codec;
use souk_protocol::listing::Fields;
use souk_protocol::records::state_key;

/// How a listing is read of what a node holds of it. The world passes the protocol's own reading, a broken
/// switch another.
pub type Reading = fn(&dyn Records, &AuthorId, &ListingId) -> Result<Fields, Fault>;

/// The protocol's reading.
pub fn read(records: &dyn Records, shop: &AuthorId, listing: &ListingId) -> Result<Fields, Fault> {
    market::fields(records, shop, listing)
}

/// A reading that is wrong on purpose: the device that spoke last counts, and nobody's words are joined.
pub fn read_newest(records: &dyn Records, shop: &AuthorId, listing: &ListingId) -> Result<Fields, Fault> {
    let parts = records.states_from(&state_key(shop, Kind::Listing, listing.as_bytes(), None))?;
    let newest = parts
        .iter()
        .max_by_key(|said| said.time())
        .map(|said| said.device());
    let mut fields = Fields::new();
    for said in parts.iter().filter(|said| Some(said.device()) == newest) {
        if let Body::Listing(part) = said.body() {
            fields.join(part.fields());
        }
    }
    Ok(fields)
}

/// All devices of a shop have the same documents; they and everybody who follows the shop read the listings
/// that are in them, the same stock and the same terms.
pub(super) fn one_shop(
    shop: &AuthorId,
    devices: &[&Seen<'_>],
    readers: &[&Seen<'_>],
    reading: Reading,
) -> Result<(), Broken> {
    let Some(first) = devices.first() else {
        return Ok(());
    };
    let everything = Range::of([], usize::MAX);
    let heads = |node: &Seen<'_>| node.store.scan(Tree::Heads, &everything).map_err(faulty(node.at));
    let own = heads(first)?;
    for other in devices {
        if heads(other)? != own {
            let words = format!(
                "nodes {} and {} have other documents of one shop",
                first.at, other.at
            );
            return Err(Broken::new(Law::OneShop, words, [first.at, other.at]));
        }
    }
    let documents = documented(first)?;
    let (terms, mut stocks) = (market::terms(first.store, shop).map_err(faulty(first.at))?, None);
    for node in devices.iter().chain(readers) {
        let fault = faulty(node.at);
        let broken = |what: &str| {
            let words = format!("node {} reads {what} of the shop of node {}", node.at, first.at);
            Broken::new(Law::OneShop, words, [first.at, node.at])
        };
        let ids = market::listing_ids(node.store, shop, None, usize::MAX).map_err(&fault)?;
        if !ids.iter().eq(documents.keys()) {
            return Err(broken(&format!(
                "{} listings, not {},",
                ids.len(),
                documents.len()
            )));
        }
        let mut available = Vec::new();
        for (id, expected) in &documents {
            if reading(node.store, shop, id).map_err(&fault)? != *expected {
                return Err(broken(&format!("something else in {id}")));
            }
            let stock = market::stock(node.store, shop, id).map_err(&fault)?;
            let units = |variant| (variant, stock.is_counted(&variant), stock.available(&variant));
            available.extend(expected.variants().into_iter().map(units));
        }
        if *stocks.get_or_insert_with(|| available.clone()) != available {
            return Err(broken("another stock"));
        }
        if market::terms(node.store, shop).map_err(&fault)? != terms {
            return Err(broken("other terms"));
        }
    }
    Ok(())
}

/// A document of a shop: its epoch, its number and its bytes.
type Document = (u32, u8, Vec<u8>);

/// The documents of a shop that a node holds, those of later epochs later.
fn documents(store: &dyn Records) -> Result<Vec<Document>, Fault> {
    let cut = || Fault::Broken("a row about a document is cut".into());
    let mut documents = Vec::new();
    for (key, row) in store.scan(Tree::Shards, &Range::of([], usize::MAX))? {
        let (number, epoch) = key.split_last().ok_or_else(cut)?;
        let epoch = <[u8; 4]>::try_from(epoch).map_err(|_| cut())?;
        let id: ByteBuf = codec::decode(&row).map_err(|error| Fault::Broken(error.to_string()))?;
        let id = <[u8; 32]>::try_from(id.as_slice()).map_err(|_| cut())?;
        let bytes = store.document(&id)?.ok_or_else(cut)?;
        documents.push((u32::from_be_bytes(epoch), *number, bytes));
    }
    Ok(documents)
}

/// The sizes of the documents of a shop that a node holds, in bytes.
pub fn document_sizes(store: &dyn Records) -> Vec<u64> {
    let documents = documents(store).unwrap_or_default();
    documents.iter().map(|(_, _, bytes)| bytes.len() as u64).collect()
}

/// What the documents of a shop say, listing by listing. Those of a later epoch say all that counts.
fn documented(node: &Seen<'_>) -> Result<BTreeMap<ListingId, Fields>, Broken> {
    let broken = |error: CatalogError| Broken::new(Law::NoFault, error.to_string(), [node.at]);
    let mut listings = BTreeMap::new();
    for (epoch, number, bytes) in documents(node.store).map_err(faulty(node.at))? {
        let shard = Shard::load(number, &bytes, node.device, epoch).map_err(broken)?;
        for listing in shard.listings() {
            listings.insert(listing, shard.project(&listing).map_err(broken)?);
        }
    }
    Ok(listings)
}
