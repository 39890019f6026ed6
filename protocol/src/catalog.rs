//! Where a shop is edited: automerge documents that live on the devices the shop trusts and merge with
//! each other. The world never sees them; it gets listings projected from them (`listing`).
//!
//! A shop's listings are spread over [`SHARDS`] documents by the first byte of the listing's id. The
//! split is fixed, so two devices that import one file at once write to the same documents without
//! asking each other, and no listing ever moves; a shop of 100,000 listings has about 390 in each.
//!
//! Every field is one scalar at one flat key of the document's root. There is no nested object, since
//! two devices that create one under the same key shadow each other's contents; no list or counter,
//! since their order is not a stamp's; no delete, since it would take the stamp along. So the value that
//! automerge's `get` returns, the one with the greatest operation id, is the one with the greatest
//! stamp, and [`Shard::project`] obeys `join(project(a), project(b)) = project(merge(a, b))`: an
//! operation that was overwritten has a smaller counter than the one that did it, hence the greatest
//! is always visible.
//!
//! Devices trust each other no further than they must: their messages are bounded, counted before
//! automerge reads them, applied to a copy, and guarded against panics. Only this module names
//! automerge. Described in `spec/listing.md`.

mod census;
mod edit;
mod key;
mod shard;
mod sync;

pub use edit::Edit;
pub use shard::Shard;
pub use sync::SyncState;

use crate::id::{ListingId, VariantId};
use crate::limits::{
    CHANGE_COUNTER_MAX, CHANGE_FIELDS_MAX, LISTING_VARIANTS_MAX, SHARD_BYTES_MAX, SHARD_LISTINGS,
    SHARD_MESSAGE_BYTES_MAX, SHARDS,
};
use crate::listing::ListingError;

/// Which of the shop's documents a listing belongs to, below [`SHARDS`].
pub fn shard_of(listing: &ListingId) -> u8 {
    const { assert!(SHARDS == 1 << u8::BITS) };
    listing.as_bytes()[0]
}

/// Why a document is not read, changed or synced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The listing belongs into another document.
    #[error("expected a listing of shard {expected}, got one of shard {actual}")]
    WrongShard {
        /// The document's number.
        expected: u8,
        /// The listing's.
        actual: u8,
    },
    /// The document has no such listing.
    #[error("the shop has no {0}")]
    NoListing(ListingId),
    /// The listing has no such variant.
    #[error("{listing} has no {variant}")]
    NoVariant {
        /// The listing.
        listing: ListingId,
        /// The variant.
        variant: VariantId,
    },
    /// More listings than a document may have.
    #[error("expected at most {SHARD_LISTINGS} listings in a shard, got {0}")]
    TooManyListings(usize),
    /// More variants than a listing may have.
    #[error("expected at most {LISTING_VARIANTS_MAX} variants of {listing}, got {actual}")]
    TooManyVariants {
        /// The listing.
        listing: ListingId,
        /// How many there would be, removed ones counted.
        actual: usize,
    },
    /// The saved document is too large.
    #[error("expected a document of at most {SHARD_BYTES_MAX} bytes, got {0}")]
    TooLarge(usize),
    /// The message between devices is too large.
    #[error("expected a message of at most {SHARD_MESSAGE_BYTES_MAX} bytes, got {0}")]
    MessageTooLarge(usize),
    /// The bytes are no automerge document.
    #[error("the document cannot be read: {0}")]
    Document(String),
    /// The bytes are no sync message or sync state, or do not fit this document.
    #[error("the message of the other device cannot be read: {0}")]
    Message(String),
    /// A change that is cut short, compressed or of another kind.
    #[error("a change of the other device has no form that a shop's devices send")]
    ChangeForm,
    /// A change claims more operations than allowed.
    #[error("expected a change of at most {CHANGE_FIELDS_MAX} fields, got at least {0}")]
    ChangeTooLarge(u64),
    /// A change claims a counter near the end of all counters.
    #[error(
        "expected operation numbers of at most {CHANGE_COUNTER_MAX}, got {0}; a new epoch starts again from 1"
    )]
    CounterTooLarge(u64),
    /// Something that no edit of a shop writes: another key, a nested object, a deletion, an unknown
    /// kind of author.
    #[error("expected fields of listings alone, got '{0}'")]
    Foreign(String),
    /// An edit failed within automerge.
    #[error("the document cannot be changed: {0}")]
    Edit(String),
    /// automerge panicked on these bytes. The document is as it was before.
    #[error("the document's library broke down on these bytes")]
    Panicked,
    /// A record of the edit is not valid.
    #[error(transparent)]
    Listing(#[from] ListingError),
}

/// Runs what automerge does with bytes that are not from this device: it panics on some of them.
/// What `act` changes must be thrown away after an error.
fn guarded<T>(act: impl FnOnce() -> Result<T, CatalogError>) -> Result<T, CatalogError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).unwrap_or(Err(CatalogError::Panicked))
}
