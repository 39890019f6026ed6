//! A listing: what a shop offers, as replaceable state that merges by itself.
//!
//! A listing is a flat set of fields. Every field carries the [`Stamp`] of the edit that set it, and
//! two versions of a listing are joined field by field: the greater stamp wins. That is the order in
//! which automerge resolves concurrent edits, so a reader who joins what two devices of a shop
//! signed sees just what the devices will see once they have met, and runs no automerge for it
//! (`catalog` has the other half of that law). Nothing is ever taken out of the set: what is removed is
//! set to null or marked, so that its stamp survives and an old copy cannot bring it back.
//!
//! Described in `spec/listing.md`.

mod fields;
mod media;
mod part;
mod product;
mod stamp;

pub use fields::{FieldKey, FieldName, Fields, Value};
pub use media::{Media, MediaKey};
pub use part::ListingPart;
pub use product::{Kind, Listing, Product, Variant};
pub use stamp::Stamp;

use crate::codec::CodecError;
use crate::id::IdError;
use crate::limits::{
    FIELD_NAME_BYTES_MAX, LISTING_FIELDS_MAX, LISTING_MEDIA_MAX, LISTING_PART_BYTES_MAX, LISTING_PARTS_MAX,
    LISTING_TAGS_MAX, STAMP_COUNTER_MAX, STAMP_DEVICES_MAX,
};
use crate::text::TextError;

/// Why a listing, or a part of one, cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A field's name is empty, too long or has other characters than a–z, 0–9, `.`, `-`, `_`.
    #[error(
        "expected a field name of 1 to {FIELD_NAME_BYTES_MAX} characters a-z, 0-9, '.', '-', '_', got '{0}'"
    )]
    Name(String),
    /// A stamp's counter is zero or too large.
    #[error("expected a counter from 1 to {STAMP_COUNTER_MAX}, got {0}")]
    Counter(u64),
    /// More parts than a listing may have.
    #[error("expected a part number below {LISTING_PARTS_MAX}, got {0}")]
    Part(u16),
    /// More fields and variants than one part may carry.
    #[error("expected at most {LISTING_FIELDS_MAX} fields and variants in a part, got {0}")]
    TooManyFields(usize),
    /// More devices than one part may name.
    #[error("expected at most {STAMP_DEVICES_MAX} devices with their epochs in a part, got {0}")]
    TooManyDevices(usize),
    /// More tags than a listing may have.
    #[error("expected at most {LISTING_TAGS_MAX} tags, got {0}")]
    TooManyTags(usize),
    /// More pictures than a listing may have.
    #[error("expected at most {LISTING_MEDIA_MAX} pictures, got {0}")]
    TooManyMedia(usize),
    /// A table of a part is not sorted, or names something twice.
    #[error("the {0} of the part are not in strictly rising order")]
    Unsorted(&'static str),
    /// A part with an empty table where nothing should be said at all.
    #[error("the part names a {0} and says nothing of it")]
    Idle(&'static str),
    /// A field points to a device that the part does not name.
    #[error("expected one of {expected} devices of the part, got number {actual}")]
    UnknownDevice {
        /// Devices in the table.
        expected: usize,
        /// The number that a field gave.
        actual: u16,
    },
    /// The listing is too large even when split.
    #[error("expected parts of at most {LISTING_PART_BYTES_MAX} bytes, got one of {0} that cannot be split")]
    TooLarge(usize),
    /// A key of a picture is not 16 hexadecimal digits.
    #[error("expected a picture's key of 16 hexadecimal digits, got '{0}'")]
    MediaKey(String),
    /// A text in the listing.
    #[error(transparent)]
    Text(#[from] TextError),
    /// An id in the listing.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A part that cannot be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
