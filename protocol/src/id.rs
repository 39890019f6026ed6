//! Ids: every one a fixed number of bytes with a type of its own and one text form.
//!
//! In binary encodings an id is a byte string; in text (JSON, addresses, command lines) it is a
//! prefix, a hyphen and the bytes in lower-case base32 without padding (RFC 4648). Envelope ids are
//! the exception: they are CIDv1 (dag-cbor, BLAKE3-256) and print as such, so that IPLD tools read
//! them. Described in `spec/identity.md` and `spec/envelope.md`.

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use std::sync::LazyLock;

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().unwrap_or(BASE32_NOPAD)
});

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text does not start with the prefix of the id that was expected.
    #[error("expected an id that starts with '{expected}', got '{actual}'")]
    Prefix {
        /// The prefix that belongs there.
        expected: &'static str,
        /// The text as given, shortened.
        actual: String,
    },
    /// What follows the prefix is not lower-case base32.
    #[error("'{actual}' is not an id: it has a character outside a-z and 2-7, or was cut")]
    Base32 {
        /// The text as given, shortened.
        actual: String,
    },
    /// The bytes are too few or too many.
    #[error("expected an id of {expected} bytes, got {actual}")]
    Length {
        /// Bytes of such an id.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn parse(prefix: &'static str, text: &str) -> Result<Vec<u8>, IdError> {
    let rest = text.strip_prefix(prefix).ok_or_else(|| IdError::Prefix {
        expected: prefix,
        actual: shortened(text),
    })?;
    BASE32.decode(rest.as_bytes()).map_err(|_| IdError::Base32 {
        actual: shortened(text),
    })
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $len:expr, $prefix:expr, $head:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Bytes of this id.
            pub const LEN: usize = $len;
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// The bytes of the id.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
            /// The id with these bytes, if there are as many as it needs.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                bytes
                    .try_into()
                    .map(Self)
                    .map_err(|_| IdError::Length { expected: $len, actual: bytes.len() })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let head: &[u8] = &$head;
                let mut bytes = head.to_vec();
                bytes.extend_from_slice(&self.0);
                write!(f, "{}{}", $prefix, BASE32.encode(&bytes))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let head: &[u8] = &$head;
                let bytes = parse($prefix, text)?;
                match bytes.strip_prefix(head) {
                    Some(rest) => Self::from_slice(rest),
                    None => Err(IdError::Prefix { expected: $prefix, actual: shortened(text) }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
                    Self::from_slice(&bytes).map_err(D::Error::custom)
                }
            }
        }
    };
}

/// CIDv1, codec dag-cbor, hash BLAKE3-256 of 32 bytes: what stands before an envelope's hash.
pub const CID_HEAD: [u8; 4] = [0x01, 0x71, 0x1e, 0x20];

id_type!(
    /// A person, shop or community: the public half of its Ed25519 root key.
    AuthorId, 32, "author-", []
);
id_type!(
    /// One device of an author: the public half of its Ed25519 key, and the libp2p peer of that device.
    DeviceId, 32, "device-", []
);
id_type!(
    /// The content id of an envelope: BLAKE3-256 of its bytes, as a CIDv1.
    EnvelopeId, 32, "b", CID_HEAD
);
id_type!(
    /// An order: the id of the buyer's first message in it.
    OrderId, 32, "order-", []
);
id_type!(
    /// A tab between two authors in one currency.
    TabId, 32, "tab-", []
);
id_type!(
    /// A listing within a shop: the first 16 bytes of a BLAKE3 hash over shop and handle.
    ListingId, 16, "listing-", []
);
id_type!(
    /// A variant within a listing: the first 8 bytes of a BLAKE3 hash over listing and option values.
    VariantId, 8, "variant-", []
);
id_type!(
    /// A picture or file: BLAKE3-256 of its bytes.
    MediaId, 32, "media-", []
);

id_type!(
    /// A state of a tab: a BLAKE3 hash over its encoding, keyed by purpose.
    StateId, 32, "state-", []
);
id_type!(
    /// One purchase of one listing, as a public receipt names it: a BLAKE3 hash over order and
    /// listing, from which nobody finds the order.
    PurchaseId, 16, "purchase-", []
);

impl EnvelopeId {
    /// The id of the envelope with these bytes.
    pub fn of(envelope: &[u8]) -> Self {
        Self(*blake3::hash(envelope).as_bytes())
    }
}

impl From<EnvelopeId> for OrderId {
    /// An order is named by its first message.
    fn from(id: EnvelopeId) -> Self {
        Self(id.0)
    }
}

impl ListingId {
    /// The listing that a shop keeps under a handle: the same on each of the shop's devices, so
    /// that importing one file on two of them edits one listing.
    pub fn of(shop: &AuthorId, handle: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("souk 2026 listing id v1");
        hasher.update(&shop.0).update(handle.as_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}

impl VariantId {
    /// The variant of a listing with these option values, in the order of the listing's options.
    pub fn of(listing: &ListingId, values: &[impl AsRef<str>]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("souk 2026 variant id v1");
        hasher.update(&listing.0);
        for value in values {
            let value = value.as_ref().as_bytes();
            hasher.update(&(value.len() as u64).to_be_bytes()).update(value);
        }
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}

impl TabId {
    /// The one tab of two authors in a currency (ISO 4217 code), whichever of them is named first.
    pub fn of(one: &AuthorId, other: &AuthorId, currency: &str) -> Self {
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        let mut hasher = blake3::Hasher::new_derive_key("souk 2026 tab id v1");
        hasher.update(&low.0).update(&high.0).update(currency.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

impl StateId {
    /// The state of a tab with this canonical encoding.
    pub fn of(state: &[u8]) -> Self {
        Self(blake3::derive_key("souk 2026 tab state v1", state))
    }
}

impl PurchaseId {
    /// The purchase of a listing in an order.
    pub fn of(order: &OrderId, listing: &ListingId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("souk 2026 purchase id v1");
        hasher.update(&order.0).update(&listing.0);
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let author = AuthorId::from_bytes([7; 32]);
        assert_eq!(author.to_string().parse::<AuthorId>(), Ok(author));
        let envelope = EnvelopeId::of(b"souk");
        assert!(envelope.to_string().starts_with("bafyr4i"));
        assert_eq!(envelope.to_string().parse::<EnvelopeId>(), Ok(envelope));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let author = AuthorId::from_bytes([7; 32]).to_string();
        assert!(matches!(author.parse::<DeviceId>(), Err(IdError::Prefix { .. })));
        assert!(matches!(
            author[..20].parse::<AuthorId>(),
            Err(IdError::Length { .. } | IdError::Base32 { .. })
        ));
        assert!(matches!(
            "author-UPPER".parse::<AuthorId>(),
            Err(IdError::Base32 { .. })
        ));
    }

    #[test]
    fn a_tab_has_one_id_from_both_sides() {
        let (alice, bob) = (AuthorId::from_bytes([1; 32]), AuthorId::from_bytes([2; 32]));
        assert_eq!(TabId::of(&alice, &bob, "EUR"), TabId::of(&bob, &alice, "EUR"));
        assert_ne!(TabId::of(&alice, &bob, "EUR"), TabId::of(&alice, &bob, "USD"));
    }
}
