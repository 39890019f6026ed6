//! What the owner of a node can want and see: commands, replies and events, one vocabulary for the
//! node, the command line and the pages. JSON over HTTP; described in `spec/api.md`.

use crate::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, TabId, VariantId};
use crate::money::{Amount, Currency};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that the owner wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Say who one is.
    SetProfile {
        /// How one wants to be called.
        name: String,
        /// A few words.
        #[serde(default)]
        about: String,
    },
    /// Read somebody. Private unless `public`.
    Follow {
        /// Whom.
        author: AuthorId,
        /// Whether to say so in public.
        #[serde(default)]
        public: bool,
    },
    /// Read somebody no longer.
    Unfollow {
        /// Whom.
        author: AuthorId,
    },
    /// Say something in public.
    Post {
        /// What.
        text: String,
        /// Products that it is about.
        #[serde(default)]
        tags: Vec<Product>,
        /// The post that it answers.
        #[serde(default)]
        reply_to: Option<EnvelopeId>,
        /// The post that it passes on.
        #[serde(default)]
        reshare: Option<EnvelopeId>,
    },
    /// React to a post; no emoji withdraws the reaction.
    React {
        /// The post.
        to: EnvelopeId,
        /// The emoji.
        emoji: String,
    },
    /// Vouch for somebody, or withdraw that.
    Vouch {
        /// For whom.
        subject: AuthorId,
        /// In what; `people` for the person as such.
        category: String,
        /// Whether the vouch stands.
        stands: bool,
        /// Why.
        #[serde(default)]
        why: String,
    },
    /// Review something bought.
    Review {
        /// The order in which it was bought.
        order: OrderId,
        /// What is reviewed; needed when the order had several listings.
        #[serde(default)]
        listing: Option<ListingId>,
        /// One to five.
        rating: u8,
        /// A few words.
        #[serde(default)]
        text: String,
    },
    /// Set the shop's terms.
    SetShop(ShopDraft),
    /// Add or change listings from a product file; what is there already and the same stays as it is.
    ImportListings {
        /// The products.
        products: Vec<ProductDraft>,
    },
    /// Change one listing.
    EditListing(ListingEdit),
    /// Set how many units of a variant can be sold; none stops counting them.
    SetStock {
        /// Which listing.
        listing: ListingId,
        /// Which variant; may be left out if there is one only.
        #[serde(default)]
        variant: Option<VariantId>,
        /// Units, or none for as many as are asked for.
        units: Option<u64>,
    },
    /// Ask a shop for a price.
    AskQuote {
        /// Whose shop.
        shop: AuthorId,
        /// What.
        lines: Vec<LineDraft>,
        /// Where to, as an ISO 3166 code.
        country: String,
        /// A word to the merchant.
        #[serde(default)]
        note: String,
    },
    /// Order what was quoted.
    PlaceOrder {
        /// The order.
        order: OrderId,
        /// Where to deliver: lines of an address.
        #[serde(default)]
        address: Vec<String>,
        /// How to pay: `tab` or `manual`.
        rail: String,
    },
    /// Accept an order (merchant).
    AcceptOrder {
        /// The order.
        order: OrderId,
    },
    /// Turn an order down (merchant).
    DeclineOrder {
        /// The order.
        order: OrderId,
        /// Why.
        reason: String,
    },
    /// Take an order back before it is accepted (buyer).
    CancelOrder {
        /// The order.
        order: OrderId,
    },
    /// Say that an order was paid outside (buyer, rail `manual`).
    PayOrder {
        /// The order.
        order: OrderId,
        /// What the payment can be found by.
        reference: String,
    },
    /// Say that the payment of an order arrived (merchant, rail `manual`).
    PaymentArrived {
        /// The order.
        order: OrderId,
    },
    /// Say that an order is on its way (merchant).
    ShipOrder {
        /// The order.
        order: OrderId,
        /// Who carries it.
        #[serde(default)]
        carrier: String,
        /// Its tracking number.
        #[serde(default)]
        tracking: String,
    },
    /// Say that everything arrived (buyer).
    CompleteOrder {
        /// The order.
        order: OrderId,
    },
    /// Use the right that a passed deadline gives.
    LapseOrder {
        /// The order.
        order: OrderId,
    },
    /// Let somebody owe up to a limit.
    GrantTab {
        /// Whom.
        to: AuthorId,
        /// How much.
        limit: Amount,
        /// Refuse unless somebody whom the owner follows vouches for them.
        #[serde(default)]
        vouched: bool,
    },
    /// Open an invitation for another device of one's own.
    InviteDevice {
        /// Where this node can be reached, as multiaddrs.
        #[serde(default)]
        addresses: Vec<String>,
    },
    /// Let the device in that shows these words.
    ConfirmDevice {
        /// The words that both devices show.
        words: String,
    },
    /// Let no device in: the invitation is closed.
    CloseInvitation,
    /// Throw one of one's own devices out.
    RevokeDevice {
        /// Which.
        device: DeviceId,
    },
    /// Keep a delivery address on this node; no lines remove it.
    SaveAddress {
        /// What to call it.
        name: String,
        /// Its lines.
        lines: Vec<String>,
        /// Its country, as an ISO 3166 code.
        country: String,
    },
    /// Keep a draft on this node; no text removes it.
    SaveDraft {
        /// What to call it.
        name: String,
        /// Its text.
        text: String,
    },
}

/// A product of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Whose shop.
    pub shop: AuthorId,
    /// Which listing.
    pub listing: ListingId,
}

/// One line of a bag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineDraft {
    /// What.
    pub listing: ListingId,
    /// Which variant; may be left out if there is one only.
    #[serde(default)]
    pub variant: Option<VariantId>,
    /// How many.
    pub units: u32,
}

/// What changes in a listing; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingEdit {
    /// Which.
    pub listing: ListingId,
    /// A new title.
    #[serde(default)]
    pub title: Option<String>,
    /// A new description.
    #[serde(default)]
    pub description: Option<String>,
    /// Another maker or brand; empty for none.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Another category; empty for none.
    #[serde(default)]
    pub category: Option<String>,
    /// All tags that it has from now on.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// New prices.
    #[serde(default)]
    pub prices: BTreeMap<VariantId, Amount>,
    /// Whether the world sees it.
    #[serde(default)]
    pub published: Option<bool>,
    /// Whether it is gone for good.
    #[serde(default)]
    pub removed: Option<bool>,
}

impl ListingEdit {
    /// An edit that changes nothing yet.
    pub fn of(listing: ListingId) -> Self {
        Self {
            listing,
            title: None,
            description: None,
            vendor: None,
            category: None,
            tags: None,
            prices: BTreeMap::new(),
            published: None,
            removed: None,
        }
    }

    /// Whether it leaves everything as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::of(self.listing)
    }
}

/// A shop's terms as its owner states them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopDraft {
    /// Currency of all prices.
    pub currency: Currency,
    /// Flat price of shipping an order anywhere, in minor units.
    #[serde(default)]
    pub shipping_minor: i64,
    /// Shipping is free from this subtotal on, in minor units.
    #[serde(default)]
    pub shipping_free_from_minor: Option<i64>,
    /// Days in which a buyer may send things back.
    #[serde(default)]
    pub returns_days: u32,
    /// How to pay outside a tab: words, an IBAN. Without it only tabs are taken.
    #[serde(default)]
    pub payment_instructions: String,
    /// Accept every order that the stock allows without being asked.
    #[serde(default)]
    pub accept_by_itself: bool,
}

/// A product as a product file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductDraft {
    /// What names it within the shop.
    pub handle: String,
    /// Its title.
    pub title: String,
    /// Plain text.
    #[serde(default)]
    pub description: String,
    /// Who made it.
    #[serde(default)]
    pub vendor: String,
    /// What it is: a path of words.
    #[serde(default)]
    pub category: Option<String>,
    /// `physical`, `digital` or `service`.
    pub kind: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether the world sees it.
    pub published: bool,
    /// Names of its options, at most three.
    #[serde(default)]
    pub options: Vec<String>,
    /// Addresses of pictures elsewhere, never fetched unasked, and what they show.
    #[serde(default)]
    pub images: Vec<(String, String)>,
    /// Its variants, at least one.
    pub variants: Vec<VariantDraft>,
}

/// A variant as a product file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantDraft {
    /// One value for each option.
    #[serde(default)]
    pub options: Vec<String>,
    /// The shop's own number.
    #[serde(default)]
    pub sku: String,
    /// GTIN or another bar code.
    #[serde(default)]
    pub barcode: String,
    /// Price in minor units of the shop's currency.
    pub price_minor: i64,
    /// Price before, in minor units.
    #[serde(default)]
    pub compare_at_minor: Option<i64>,
    /// Weight.
    #[serde(default)]
    pub weight_grams: Option<u64>,
    /// Whether it is shipped.
    #[serde(default)]
    pub requires_shipping: bool,
    /// Whether units are counted.
    #[serde(default)]
    pub tracked: bool,
    /// Units.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// Whether it is sold when none is left.
    #[serde(default)]
    pub oversell: bool,
    /// Address of its picture elsewhere.
    #[serde(default)]
    pub image: Option<String>,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "done", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// It was said, in this envelope.
    Said {
        /// The envelope.
        id: EnvelopeId,
    },
    /// Listings were written.
    Imported {
        /// Listings that are new.
        new: u64,
        /// Listings that changed.
        changed: u64,
        /// Listings that were the same already.
        same: u64,
    },
    /// An order moved.
    Order {
        /// The order.
        order: OrderId,
        /// Its state now.
        state: String,
    },
    /// A device may come with this code.
    Invited {
        /// The code.
        code: String,
        /// Until when it is good.
        ends: Timestamp,
    },
    /// A device was let in.
    Device {
        /// Which.
        device: DeviceId,
    },
    /// A tab is offered or changed.
    Tab {
        /// The tab.
        tab: TabId,
        /// Who vouches for the other side, of those whom the owner follows.
        vouched_by: Vec<AuthorId>,
    },
}

/// Why a wish was not carried out. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// One word for programs.
    pub code: Code,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub next: String,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Something in the wish is not as it must be.
    Invalid,
    /// What it names is not known here.
    NotFound,
    /// It is not for this side, or not in this state.
    NotAllowed,
    /// The tab has too little room.
    TooLittleCredit,
    /// Too few units are left.
    NoStock,
    /// A limit is reached.
    TooMany,
    /// The node's disk has no room to remember it.
    DiskFull,
}

impl Refused {
    /// A refusal and what to do next.
    pub fn new(code: Code, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: next.into(),
        }
    }
}

/// Something that happened at a node, numbered so that a watcher who was away can go on where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// From 1, without gaps.
    pub number: u64,
    /// When, by this node's clock.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Somebody said something: a post, reaction, vouch or review.
    Said {
        /// Who.
        author: AuthorId,
        /// The kind.
        kind: String,
        /// The envelope.
        id: EnvelopeId,
    },
    /// Somebody's profile changed.
    ProfileChanged {
        /// Whose.
        author: AuthorId,
    },
    /// Listings, stock or terms of a shop changed.
    ShopChanged {
        /// Whose shop.
        shop: AuthorId,
        /// How many listings.
        listings: u64,
    },
    /// An order moved.
    OrderMoved {
        /// The order.
        order: OrderId,
        /// Its state now.
        state: String,
    },
    /// A tab moved.
    TabMoved {
        /// The tab.
        tab: TabId,
        /// With whom.
        with: AuthorId,
    },
    /// A device of somebody is connected.
    PeerCame {
        /// The device.
        device: DeviceId,
        /// For whom it speaks.
        author: AuthorId,
    },
    /// A device is not connected any more.
    PeerLeft {
        /// The device.
        device: DeviceId,
    },
    /// A device gave one number to two statements; the proof is kept.
    Equivocated {
        /// Whose device.
        author: AuthorId,
        /// The device.
        device: DeviceId,
    },
    /// A device wants to become one of the owner's; its words wait to be compared.
    DeviceAsks {
        /// Which.
        device: DeviceId,
    },
    /// A device of somebody was revoked.
    Revoked {
        /// Whose device.
        author: AuthorId,
        /// The device.
        device: DeviceId,
    },
    /// This node learnt something about its own past.
    OwnPast {
        /// What.
        past: Past,
    },
}

/// What a node's device knows of its own past, if it has not been what it is all along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Past {
    /// It was restored, and has not heard yet what was said since. It signs nothing.
    Restored,
    /// Its directory was copied, and nobody has said yet whether it is the newest copy. It signs nothing.
    Copied,
    /// It knows what others know; of an order or tab it signs nothing before the other side has told it.
    Settled,
    /// It is an old copy: its key signed things that it does not hold. It signs nothing any more.
    Outdated,
    /// It was revoked. It signs nothing any more.
    Revoked,
}
