//! Reading a shop from what is held of it: its terms, a listing joined over all its devices and parts,
//! its stock. The same on the shop's own node and on a stranger's. Described in `spec/listing.md`.

use crate::body::{Body, Kind};
use crate::envelope::Signed;
use crate::id::{AuthorId, ListingId};
use crate::listing::{Fields, Listing, Variant};
use crate::records::{Fault, Records, state_key};
use crate::shop::ShopTerms;
use crate::stock::Stock;
use crate::time::Timestamp;

/// The terms of a shop: the newest of any of its devices.
pub fn terms(records: &dyn Records, shop: &AuthorId) -> Result<Option<ShopTerms>, Fault> {
    let held = records.state(shop, Kind::Shop, &[])?;
    let newest = held
        .into_iter()
        .max_by_key(|envelope| (envelope.time(), envelope.id()));
    Ok(newest.and_then(|envelope| match envelope.body() {
        Body::Shop(terms) => Some(terms.clone()),
        _ => None,
    }))
}

/// All fields of a listing: the join of every part from every device. Once a revocation is known, only
/// those of the newest epoch in which the shop said anything of it: the devices that stayed say all of it
/// again, and what the one that went may have written into the epoch before is gone.
pub fn fields(records: &dyn Records, shop: &AuthorId, listing: &ListingId) -> Result<Fields, Fault> {
    let said = parts(records, shop, Kind::Listing, listing)?;
    joined(records, shop, &said)
}

fn joined(records: &dyn Records, shop: &AuthorId, said: &[Signed]) -> Result<Fields, Fault> {
    let mut fields = Fields::new();
    let mut newest = 0;
    for envelope in said {
        if let Body::Listing(part) = envelope.body() {
            newest = newest.max(part.epoch_max());
            fields.join(part.fields());
        }
    }
    match newest > 0 && records.has_revoked(shop)? {
        true => Ok(fields.since(newest)),
        false => Ok(fields),
    }
}

/// A listing as a person reads it; none if nothing of it is held.
pub fn listing(records: &dyn Records, shop: &AuthorId, id: &ListingId) -> Result<Option<Listing>, Fault> {
    let fields = fields(records, shop, id)?;
    Ok((!fields.is_empty()).then(|| Listing::read(*id, &fields)))
}

/// A listing as a person reads it, and when it was last said anew, as its shop says.
pub fn dated(
    records: &dyn Records,
    shop: &AuthorId,
    id: &ListingId,
) -> Result<Option<(Listing, Timestamp)>, Fault> {
    let said = parts(records, shop, Kind::Listing, id)?;
    let fields = joined(records, shop, &said)?;
    Ok((!fields.is_empty()).then(|| (Listing::read(*id, &fields), newest(&said))))
}

fn newest(said: &[Signed]) -> Timestamp {
    let times = said.iter().map(|envelope| envelope.time().wall_ms);
    Timestamp(times.max().unwrap_or(0))
}

/// The stock of a listing over all the shop's devices.
pub fn stock(records: &dyn Records, shop: &AuthorId, listing: &ListingId) -> Result<Stock, Fault> {
    let mut stock = Stock::new(*listing);
    for envelope in parts(records, shop, Kind::Stock, listing)? {
        if let Body::Stock(account) = envelope.body() {
            // Each device's account was checked against its older one when it was admitted; one that
            // does not fit here says nothing about what can be sold.
            stock.admit(envelope.device(), account).ok();
        }
    }
    for device in records.revoked_devices(shop)? {
        stock.count_out(device);
    }
    Ok(stock)
}

/// Units of a variant that may be sold; none for any number: they are not counted, or the shop takes orders
/// beyond what it has.
pub fn left(variant: &Variant, stock: &Stock) -> Option<u64> {
    (variant.tracked && !variant.oversell).then(|| stock.available(&variant.id))
}

/// Whether a variant can be bought now: it has a price, and something of it may be sold.
pub fn can_be_had(variant: &Variant, stock: &Stock) -> bool {
    variant.is_sellable() && left(variant, stock) != Some(0)
}

/// Whether a listing has a price, and nothing of it can be bought now.
pub fn is_sold_out(listing: &Listing, stock: &Stock) -> bool {
    let mut priced = listing
        .variants
        .iter()
        .filter(|variant| variant.is_sellable())
        .peekable();
    priced.peek().is_some() && !priced.any(|variant| can_be_had(variant, stock))
}

/// Each device's newest envelopes about a listing, over all parts.
fn parts(
    records: &dyn Records,
    shop: &AuthorId,
    kind: Kind,
    listing: &ListingId,
) -> Result<Vec<Signed>, Fault> {
    records.states_from(&state_key(shop, kind, listing.as_bytes(), None))
}

/// Ids of a shop's listings, in their order, after one: a page of them.
pub fn listing_ids(
    records: &dyn Records,
    shop: &AuthorId,
    after: Option<ListingId>,
    limit: usize,
) -> Result<Vec<ListingId>, Fault> {
    let mut found: Vec<ListingId> = Vec::new();
    let mut after = after;
    while found.len() < limit {
        // One listing may have many rows: step over all of one at a time.
        let beyond = after.map(|last| [last.as_bytes().as_slice(), &[u8::MAX; 35]].concat());
        let beyond = beyond.map(|key| state_key(shop, Kind::Listing, &key, None));
        let Some(next) = records.first_state_key(shop, Kind::Listing, beyond)? else {
            break;
        };
        let Some(id) = next
            .get(..ListingId::LEN)
            .and_then(|id| ListingId::from_slice(id).ok())
        else {
            break;
        };
        found.push(id);
        after = Some(id);
    }
    Ok(found)
}

/// When a listing was last said anew, as its shop says.
pub fn updated(records: &dyn Records, shop: &AuthorId, listing: &ListingId) -> Result<Timestamp, Fault> {
    Ok(newest(&parts(records, shop, Kind::Listing, listing)?))
}

/// Everybody of whom a listing is held.
pub fn shops(records: &dyn Records) -> Result<Vec<AuthorId>, Fault> {
    let (mut shops, mut beyond) = (Vec::new(), None);
    while let Some(author) = records.first_state_author(beyond.take())? {
        if records.first_state_key(&author, Kind::Listing, None)?.is_some() {
            shops.push(author);
        }
        // Past all rows of this author.
        beyond = Some([author.as_bytes().as_slice(), &[u8::MAX; 128]].concat());
    }
    Ok(shops)
}
