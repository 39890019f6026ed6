//! What the node answers, as far as this program reads it. Fields that are not read are left out, so
//! a newer node may say more. Described in `spec/api.md`.

use serde::Deserialize;
use serde_json::Value;
use souk_protocol::api::Past;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, TabId, VariantId};
use souk_protocol::money::{Amount, Currency};
use std::collections::BTreeMap;

/// The node itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) author: AuthorId,
    pub(crate) device: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) home: String,
    pub(crate) api: String,
    #[serde(default)]
    pub(crate) listen: Vec<String>,
    #[serde(default)]
    pub(crate) peers: Vec<Peer>,
    pub(crate) follows: u64,
    pub(crate) store_bytes: u64,
    #[serde(default)]
    pub(crate) shop: Option<OwnShop>,
    #[serde(default)]
    pub(crate) past: Option<Past>,
    #[serde(default)]
    pub(crate) phones: Phones,
}

/// Whether the page is served to paired phones.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Phones {
    pub(crate) on: bool,
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    #[serde(default)]
    pub(crate) paired: u64,
}

/// Somebody's device that the node is connected to.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Peer {
    pub(crate) device: String,
    #[serde(default)]
    pub(crate) author: Option<AuthorId>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) address: Option<String>,
    #[serde(default)]
    pub(crate) transport: Option<String>,
    #[serde(default)]
    pub(crate) rtt_ms: Option<f64>,
}

/// The owner's devices.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Devices {
    pub(crate) items: Vec<Device>,
    pub(crate) together: bool,
    pub(crate) revoked: bool,
    #[serde(default)]
    pub(crate) asks: Option<Asking>,
}

/// One of the owner's devices.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Device {
    pub(crate) device: DeviceId,
    pub(crate) name: String,
    pub(crate) this: bool,
    pub(crate) primary: bool,
    pub(crate) connected: bool,
    #[serde(default)]
    pub(crate) since: Option<u64>,
}

/// A device that wants to become one of them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Asking {
    pub(crate) words: String,
}

/// The node's own shop.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OwnShop {
    pub(crate) currency: Currency,
    pub(crate) listings: u64,
}

/// Somebody that the owner follows.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Followed {
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) public: bool,
    #[serde(default)]
    pub(crate) since: Option<u64>,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Profile {
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) about: Option<String>,
    #[serde(default)]
    pub(crate) followed: bool,
    #[serde(default)]
    pub(crate) vouched_by: Vec<Named>,
    #[serde(default)]
    pub(crate) equivocated: bool,
}

/// An author and how they want to be called.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// One entry of the feed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: EnvelopeId,
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Milliseconds since 1970, and a counter.
    pub(crate) time: Value,
    pub(crate) kind: String,
    pub(crate) body: Value,
    #[serde(default)]
    pub(crate) why: Value,
    #[serde(default)]
    pub(crate) equivocated: bool,
    #[serde(default)]
    pub(crate) replies: u64,
    #[serde(default)]
    pub(crate) reactions: BTreeMap<String, u64>,
    /// The products that a post is about, in the order of its tags.
    #[serde(default)]
    pub(crate) tags: Vec<Tagged>,
}

/// A product that a post is about.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tagged {
    /// Whose shop.
    pub(crate) shop: AuthorId,
    /// Which listing there.
    pub(crate) id: ListingId,
    /// The live listing, once this node has it.
    #[serde(default)]
    pub(crate) listing: Option<Listing>,
}

/// A shop and its terms.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Shop {
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) currency: Currency,
    pub(crate) listings: u64,
    #[serde(default)]
    pub(crate) shipping: Vec<Shipping>,
    #[serde(default)]
    pub(crate) returns_days: u64,
    #[serde(default)]
    pub(crate) deadlines: BTreeMap<String, Value>,
}

/// How a shop sends things.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Shipping {
    #[serde(default)]
    pub(crate) zones: Vec<Zone>,
}

/// Where to, and for how much.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Zone {
    #[serde(default)]
    pub(crate) places: Vec<Value>,
    pub(crate) base: Amount,
    #[serde(default)]
    pub(crate) per_kg: Option<Amount>,
    #[serde(default)]
    pub(crate) free_from: Option<Amount>,
}

/// A product.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listing {
    pub(crate) shop: AuthorId,
    pub(crate) listing: ListingId,
    #[serde(default)]
    pub(crate) handle: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) vendor: String,
    #[serde(default)]
    pub(crate) category: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) published: bool,
    #[serde(default)]
    pub(crate) variants: Vec<Variant>,
    #[serde(default)]
    pub(crate) rating: Option<Rating>,
}

/// One of a product's variants.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Variant {
    pub(crate) variant: VariantId,
    #[serde(default)]
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) options: Vec<String>,
    #[serde(default)]
    pub(crate) sku: String,
    /// None where it cannot be bought yet.
    #[serde(default)]
    pub(crate) price: Option<Amount>,
    #[serde(default)]
    pub(crate) compare_at: Option<Amount>,
    /// None where units are not counted.
    #[serde(default)]
    pub(crate) available: Option<u64>,
}

/// What buyers thought.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rating {
    pub(crate) count: u64,
    pub(crate) mean: f64,
}

/// What one buyer thought.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Review {
    pub(crate) author: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) rating: u8,
    #[serde(default)]
    pub(crate) text: String,
}

/// An order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Order {
    pub(crate) order: OrderId,
    pub(crate) state: String,
    pub(crate) you: String,
    pub(crate) buyer: AuthorId,
    pub(crate) merchant: AuthorId,
    #[serde(default)]
    pub(crate) equivocated: bool,
    #[serde(default)]
    pub(crate) opened: Option<u64>,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) shipping: Option<Amount>,
    #[serde(default)]
    pub(crate) total: Option<Amount>,
    #[serde(default)]
    pub(crate) rail: Option<String>,
    #[serde(default)]
    pub(crate) expires: Option<u64>,
    #[serde(default)]
    pub(crate) deadline: Option<Deadline>,
    #[serde(default)]
    pub(crate) next: Vec<String>,
    #[serde(default)]
    pub(crate) history: Vec<Act>,
    #[serde(default)]
    pub(crate) receipt: Option<Receipt>,
    #[serde(default)]
    pub(crate) tracking: Option<Tracking>,
    #[serde(default)]
    pub(crate) instruction: Option<Instruction>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// How goods can be followed.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tracking {
    #[serde(default)]
    pub(crate) carrier: String,
    #[serde(default)]
    pub(crate) number: String,
}

/// How to pay outside.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Instruction {
    pub(crate) rail: String,
    #[serde(default)]
    pub(crate) words: String,
    #[serde(default)]
    pub(crate) reference: String,
}

/// One line of an order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Line {
    pub(crate) listing: ListingId,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) label: String,
    pub(crate) units: u64,
    #[serde(default)]
    pub(crate) unit: Option<Amount>,
    #[serde(default)]
    pub(crate) total: Option<Amount>,
}

/// What happens if nobody acts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Deadline {
    pub(crate) at: u64,
    #[serde(default)]
    pub(crate) who: String,
    #[serde(default)]
    pub(crate) then: String,
}

/// One message of an order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Act {
    pub(crate) time: Value,
    pub(crate) by: String,
    pub(crate) act: String,
}

/// The merchant's receipt.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) verified: bool,
}

/// A tab.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tab {
    pub(crate) tab: TabId,
    pub(crate) with: AuthorId,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) currency: Currency,
    pub(crate) balance_minor: i64,
    #[serde(default)]
    pub(crate) limit_you_gave_minor: i64,
    #[serde(default)]
    pub(crate) limit_they_gave_minor: i64,
    #[serde(default)]
    pub(crate) room_minor: i64,
    pub(crate) seq: u64,
    pub(crate) state: String,
    pub(crate) pending: bool,
    #[serde(default)]
    pub(crate) history: Vec<Change>,
}

/// One step of a tab.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) change: String,
    #[serde(default)]
    pub(crate) amount_minor: i64,
    #[serde(default)]
    pub(crate) order: Option<OrderId>,
    #[serde(default)]
    pub(crate) time: Value,
}

/// An address kept on the node.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Address {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) lines: Vec<String>,
    #[serde(default)]
    pub(crate) country: String,
}

/// A time, which stands alone or with its counter: `1764000000000` or `[1764000000000, 3]`.
pub(crate) fn millis(time: &Value) -> u64 {
    time.as_u64()
        .or_else(|| time.get(0).and_then(Value::as_u64))
        .unwrap_or(0)
}
