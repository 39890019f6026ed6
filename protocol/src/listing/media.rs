//! Pictures of a listing and the names that they have on every device.

use super::ListingError;
use crate::id::MediaId;
use crate::limits::SOURCE_BYTES_MAX;
use crate::text::Text;
use serde::{Deserialize, Serialize, de};

/// Names a picture within its listing, the same on every device: eight bytes of a hash over where it
/// came from. Text form: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct MediaKey([u8; 8]);

impl MediaKey {
    /// The key of a picture that was named by an address elsewhere.
    pub fn of_source(source: &str) -> Self {
        Self(short_hash(source.as_bytes()))
    }
    /// The key of a picture that was added as a file.
    pub fn of_media(id: &MediaId) -> Self {
        Self(short_hash(id.as_bytes()))
    }
}

pub(super) fn short_hash(bytes: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    blake3::Hasher::new()
        .update(bytes)
        .finalize_xof()
        .fill(&mut short);
    short
}

impl std::fmt::Display for MediaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl std::fmt::Debug for MediaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for MediaKey {
    type Err = ListingError;
    fn from_str(text: &str) -> Result<Self, ListingError> {
        let digits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(number) if digits => Ok(Self(number.to_be_bytes())),
            _ => Err(ListingError::MediaKey(text.chars().take(40).collect())),
        }
    }
}

impl From<MediaKey> for String {
    fn from(key: MediaKey) -> Self {
        key.to_string()
    }
}

impl<'de> Deserialize<'de> for MediaKey {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A picture of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Its name within the listing.
    pub key: MediaKey,
    /// Its content, once the shop holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MediaId>,
    /// Where it came from; empty if it was added as a file.
    #[serde(default)]
    pub source: Text<SOURCE_BYTES_MAX>,
    /// What it shows, for who cannot see it.
    #[serde(default)]
    pub alt: Text<SOURCE_BYTES_MAX>,
    /// Its place among the pictures, lowest first.
    #[serde(default)]
    pub position: u32,
}
