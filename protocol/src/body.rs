//! The kinds of statement, and the lane that each travels on. Adding a kind is one line here and a
//! page in `spec/`. Described in `spec/envelope.md`.

use crate::codec::{self, CodecError};
use crate::follow::Follow;
use crate::id::{AuthorId, DeviceId, ListingId};
use crate::identity::Scope;
use crate::listing::ListingPart;
use crate::order::OrderMessage;
use crate::post::{Post, Reaction};
use crate::profile::Profile;
use crate::review::Review;
use crate::shop::ShopTerms;
use crate::stock::StockAccount;
use crate::tab::TabMessage;
use crate::vouch::Vouch;
use serde::{Deserialize, Serialize};

/// How a kind of statement travels and is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Public, chained by device and number, kept for good.
    Log,
    /// Public, replaceable: of one key only each device's newest is kept.
    State,
    /// Addressed to one author, between the two alone. Never gossiped, never served to others.
    Sealed,
}

/// The root key's word that a device speaks for the author no longer. Signed by the root key itself,
/// on a chain of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The device that is thrown out.
    pub device: DeviceId,
    /// The last number of its log that still counts; 0 if none does.
    pub last_seq: u64,
}

/// Why a body is no valid statement of its kind, whoever reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not the canonical bytes of such a body.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A rule of the kind is broken.
    #[error("{0}")]
    Rule(String),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $text:literal, $number:literal, $lane:ident, $scope:ident;)*) => {
        /// The kinds that this version knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The kind with this name on the wire, if this version knows it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
            /// The lane that it travels on.
            pub const fn lane(self) -> Lane {
                match self { $(Self::$name => Lane::$lane,)* }
            }
            /// The scope that a device's grant needs for it.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }
        }

        /// What an envelope says.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Body { $($(#[$doc])* $name($body),)* }

        impl Body {
            /// Its kind.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$name(_) => Kind::$name,)* }
            }
            pub(crate) fn encode(&self) -> Result<Vec<u8>, CodecError> {
                match self { $(Self::$name(body) => codec::encode(body),)* }
            }
            pub(crate) fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, CodecError> {
                match kind { $(Kind::$name => codec::decode(bytes).map(Self::$name),)* }
            }
            /// What was decoded or encoded before.
            pub(crate) fn decode_again(kind: Kind, bytes: &[u8]) -> Result<Self, CodecError> {
                match kind { $(Kind::$name => codec::decode_again(bytes).map(Self::$name),)* }
            }
        }

        $(impl From<$body> for Body {
            fn from(body: $body) -> Self { Self::$name(body) }
        })*
    };
}

kinds! {
    /// Who an author says it is.
    Profile(Profile) = "profile", 1, State, Post;
    /// A public follow.
    Follow(Follow) = "follow", 2, State, Post;
    /// A post.
    Post(Post) = "post", 3, Log, Post;
    /// A reaction to a post.
    Reaction(Reaction) = "reaction", 4, Log, Post;
    /// A vouch for an author.
    Vouch(Vouch) = "vouch", 5, Log, Post;
    /// The terms of a shop.
    Shop(ShopTerms) = "shop", 8, State, Catalog;
    /// A listing, or a part of one.
    Listing(ListingPart) = "listing", 9, State, Catalog;
    /// A device's rights to sell a listing.
    Stock(StockAccount) = "stock", 10, State, Catalog;
    /// A review of something bought.
    Review(Review) = "review", 6, Log, Post;
    /// A message of an order.
    Order(OrderMessage) = "order", 11, Sealed, Orders;
    /// A message about a tab.
    Tab(TabMessage) = "tab", 12, Sealed, Orders;
    /// A device is thrown out.
    Revoke(Revoke) = "revoke", 7, Log, Post;
}

impl Body {
    /// The key under which a `State` body replaces an earlier one of its author, device and kind.
    pub fn state_key(&self) -> Option<Vec<u8>> {
        match self {
            Self::Profile(_) | Self::Shop(_) => Some(Vec::new()),
            Self::Listing(part) => Some(part_key(&part.listing(), part.part())),
            Self::Stock(account) => Some(part_key(&account.listing(), account.part())),
            Self::Follow(follow) => Some(follow.who.as_bytes().to_vec()),
            Self::Post(_)
            | Self::Reaction(_)
            | Self::Vouch(_)
            | Self::Review(_)
            | Self::Revoke(_)
            | Self::Order(_)
            | Self::Tab(_) => None,
        }
    }

    /// To whom a `Sealed` body is addressed.
    pub const fn to(&self) -> Option<AuthorId> {
        match self {
            Self::Order(message) => Some(message.to),
            Self::Tab(message) => Some(message.to),
            _ => None,
        }
    }

    /// The rules of its kind that anyone can check without knowing anything else.
    pub(crate) fn check(&self, author: &AuthorId, device: &DeviceId, epoch: u32) -> Result<(), BodyError> {
        let rule = |held: bool, words: &str| match held {
            true => Ok(()),
            false => Err(BodyError::Rule(words.to_owned())),
        };
        let by_root = author.as_bytes() == device.as_bytes();
        match self {
            Self::Revoke(_) => rule(by_root, "a revocation is signed by the author's root key"),
            _ if by_root => rule(false, "a root key signs nothing but revocations"),
            Self::Vouch(vouch) => rule(vouch.subject != *author, "nobody vouches for themselves"),
            Self::Follow(follow) => rule(follow.who != *author, "nobody follows themselves"),
            Self::Shop(terms) => terms.check().map_err(broken),
            Self::Order(message) => message.check(author, device).map_err(broken),
            Self::Tab(message) => message.check(author).map_err(broken),
            Self::Review(review) => review.check(author).map_err(broken),
            Self::Listing(part) => rule(
                part.epoch_max() <= epoch,
                "a listing's stamps are of its device's epoch at most",
            ),
            Self::Profile(_) | Self::Post(_) | Self::Reaction(_) | Self::Stock(_) => Ok(()),
        }
    }
}

fn broken(refusal: impl std::fmt::Display) -> BodyError {
    BodyError::Rule(refusal.to_string())
}

/// The key of a part of what is said about a listing: all parts of one listing start alike.
fn part_key(listing: &ListingId, part: u16) -> Vec<u8> {
    [listing.as_bytes().as_slice(), &part.to_be_bytes()].concat()
}
