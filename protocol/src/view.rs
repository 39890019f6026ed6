//! What the owner sees: queries over the records, in the shapes that the local API answers with.
//!
//! Pure, like everything here: the node's API serves these, a simulation can ask the same. A query reads
//! no more than its page needs, as far as the trees allow; where it looks at more, a named limit bounds
//! it. The shapes are written down in `spec/api.md`.

mod devices;
mod people;
mod shop;
mod talk;
mod trade;

pub use devices::{AskingView, DeviceView, DevicesView, This, devices};
pub use people::{
    FollowView, Named, ProfileView, follows, follows_count, last_word, own_words, profile, reads,
    vouched_for, vouched_in,
};
pub use shop::{
    ImageView, ListingView, RatingView, ReviewView, ShippingView, ShopView, VariantView, ZoneView,
    is_reviewed, listing, listings, newest_reviews, rating, reviews, shop, unrated,
};
pub use talk::{EntryView, PostView, SaidView, TagView, feed, post, said_by};
pub use trade::{
    ActView, ChangeView, DeadlineView, InstructionView, LineView, OrderView, ReceiptView, ReceiptedView,
    TabView, TrackingView, order, orders, orders_to_act_on, tab, tabs,
};

use crate::api::Event;
use crate::codec;
use crate::id::AuthorId;
use crate::peer::Address;
use crate::records::{Fault, Range, Records, Tree};
use crate::text::Prose;
use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// What to ask for the next page with, if there may be one: hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    fn new(items: Vec<T>, next: Option<Vec<u8>>) -> Self {
        Self {
            items,
            next: next.map(|key| data_encoding::HEXLOWER.encode(&key)),
        }
    }

    /// All there is.
    fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// A delivery address that the owner keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressView {
    /// What it is called.
    pub name: String,
    /// The address.
    #[serde(flatten)]
    pub address: Address,
}

/// A draft that the owner keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftView {
    /// What it is called.
    pub name: String,
    /// Its text.
    pub text: Prose,
}

/// The owner's delivery addresses, by name.
pub fn addresses(
    records: &dyn Records,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<AddressView>, Fault> {
    named_rows(records, Tree::Addresses, after, limit, |name, address| {
        AddressView { name, address }
    })
}

/// The owner's drafts, by name.
pub fn drafts(records: &dyn Records, after: Option<Vec<u8>>, limit: usize) -> Result<Page<DraftView>, Fault> {
    named_rows(records, Tree::Drafts, after, limit, |name, text| DraftView {
        name,
        text,
    })
}

/// What is kept under a name, if anything is.
pub fn draft(records: &dyn Records, name: &str) -> Result<Option<Prose>, Fault> {
    let held = records.get(Tree::Drafts, name.as_bytes())?;
    held.map(|value| read(Tree::Drafts, name.as_bytes(), &value))
        .transpose()
}

/// Rows whose keys are names.
fn named_rows<T: Serialize + serde::de::DeserializeOwned, V>(
    records: &dyn Records,
    tree: Tree,
    after: Option<Vec<u8>>,
    limit: usize,
    view: impl Fn(String, T) -> V,
) -> Result<Page<V>, Fault> {
    let rows = records.scan(tree, &Range::of([], limit).beyond(after))?;
    let next = if rows.len() == limit {
        rows.last().map(|(key, _)| key.clone())
    } else {
        None
    };
    let views = rows.iter().map(|(key, value)| {
        let name = String::from_utf8(key.clone()).map_err(|error| damaged(tree, key, error))?;
        Ok(view(name, read(tree, key, value)?))
    });
    Ok(Page::new(views.collect::<Result<_, Fault>>()?, next))
}

/// The number of the newest event; 0 if nothing happened yet.
pub fn newest_event(records: &dyn Records) -> Result<u64, Fault> {
    let rows = records.scan(Tree::Events, &Range::of([], 1).down())?;
    match rows.first() {
        Some((key, _)) => event_number(key),
        None => Ok(0),
    }
}

/// Events after a number, oldest first. The first one has a greater number than the next if events were
/// dropped since.
pub fn events(records: &dyn Records, after: u64, limit: usize) -> Result<Vec<Event>, Fault> {
    let range = Range::of([], limit).beyond(Some(after.to_be_bytes().to_vec()));
    let rows = records.scan(Tree::Events, &range)?;
    rows.iter()
        .map(|(key, value)| read(Tree::Events, key, value))
        .collect()
}

fn event_number(key: &[u8]) -> Result<u64, Fault> {
    let number = key
        .try_into()
        .map_err(|_| damaged(Tree::Events, key, "its key is no number"))?;
    Ok(u64::from_be_bytes(number))
}

/// A private row of this crate's own making.
fn read<T: Serialize + for<'de> Deserialize<'de>>(tree: Tree, key: &[u8], value: &[u8]) -> Result<T, Fault> {
    codec::decode(value).map_err(|error| damaged(tree, key, error))
}

fn damaged(tree: Tree, key: &[u8], reason: impl std::fmt::Display) -> Fault {
    Fault::Damaged {
        tree: tree.name(),
        key: data_encoding::HEXLOWER.encode(key),
        reason: reason.to_string(),
    }
}

/// An id at the start of a row's key or value.
fn author_at(tree: Tree, bytes: &[u8]) -> Result<AuthorId, Fault> {
    let id = bytes.get(..AuthorId::LEN).map(AuthorId::from_slice);
    match id {
        Some(Ok(id)) => Ok(id),
        _ => Err(damaged(tree, bytes, "it names no author")),
    }
}

#[cfg(test)]
mod tests;
