//! Who speaks: an author's root key from 24 words, the keys of its devices, and the grants that tie
//! them. The root key signs grants and revocations and nothing else; a device's key signs what the
//! device says, and is its libp2p peer. Described in `spec/identity.md`.

use crate::codec::{self, CodecError};
use crate::id::{AuthorId, DeviceId};
use crate::limits::GRANT_CACHE_MAX;
use crate::time::Timestamp;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

const GRANT_DOMAIN: &[u8] = b"souk grant v1\0";

/// Why words, a key or a grant are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not 24 words of the BIP-39 English list with a right checksum.
    #[error("these are not 24 valid recovery words: {0}")]
    Words(String),
    /// The key is no point of the curve, or of small order: anyone could forge its signatures.
    #[error("the public key of {0} is not a safe Ed25519 key")]
    WeakKey(&'static str),
    /// The signature is not by the key.
    #[error("the signature does not belong to the key of {0}")]
    Signature(&'static str),
    /// The grant does not allow this kind of statement.
    #[error("the device's grant lacks the scope {0:?}")]
    Scope(Scope),
    /// The grant ended before the statement was made.
    #[error("the device's grant ended at {until:?}, the statement says {stated:?}")]
    Expired {
        /// End of the grant.
        until: Timestamp,
        /// What the statement says of its time.
        stated: Timestamp,
    },
    /// A grant's scopes have a bit that this version does not know, or none.
    #[error("the grant has the unknown scopes 0b{0:b}")]
    UnknownScopes(u16),
    /// A grant could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl IdentityError {
    /// Its class: a short name for counting, which `spec/envelope.md` lists.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Words(_) => "words",
            Self::WeakKey(_) => "weak_key",
            Self::Signature(_) => "signature",
            Self::Scope(_) => "scope",
            Self::Expired { .. } => "expired",
            Self::UnknownScopes(_) => "shape",
            Self::Codec(error) => error.class(),
        }
    }
}

/// What a device may sign for its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Scope {
    /// Profile, posts, reactions, follows, vouches, reviews.
    Post = 1,
    /// Listings and stock.
    Catalog = 2,
    /// Orders, receipts, tabs.
    Orders = 4,
    /// Communities.
    Community = 8,
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Scopes(u16);

impl Scopes {
    /// All scopes.
    pub const ALL: Self = Self(15);

    /// Just these.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | *scope as u16))
    }
    /// Whether the scope is one of them.
    pub fn allows(self, scope: Scope) -> bool {
        self.0 & scope as u16 != 0
    }
}

impl TryFrom<u16> for Scopes {
    type Error = IdentityError;
    fn try_from(bits: u16) -> Result<Self, IdentityError> {
        if bits == 0 || bits & !Self::ALL.0 != 0 {
            return Err(IdentityError::UnknownScopes(bits));
        }
        Ok(Self(bits))
    }
}

impl From<Scopes> for u16 {
    fn from(scopes: Scopes) -> u16 {
        scopes.0
    }
}

/// A word of BIP-39's English list: the one with this number, counted around the 2,048.
pub(crate) fn word(number: u64) -> &'static str {
    let list = bip39::Language::English.word_list();
    let index = usize::try_from(number % 2_048).unwrap_or(0);
    list.get(index).copied().unwrap_or_default()
}

/// Twenty-four words (BIP-39, English) that stand for an author's root key.
pub struct Phrase(Zeroizing<String>);

impl Phrase {
    /// The words for 32 bytes of true randomness.
    pub fn from_entropy(entropy: &[u8; 32]) -> Result<Self, IdentityError> {
        let words =
            bip39::Mnemonic::from_entropy(entropy).map_err(|e| IdentityError::Words(e.to_string()))?;
        Ok(Self(Zeroizing::new(words.to_string())))
    }

    /// Words as a person typed them: case and spacing do not matter, the checksum does.
    pub fn parse(words: &str) -> Result<Self, IdentityError> {
        let words = Zeroizing::new(
            words
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase(),
        );
        let count = words.split(' ').count();
        if count != 24 {
            return Err(IdentityError::Words(format!("expected 24 words, got {count}")));
        }
        bip39::Mnemonic::parse_in_normalized(bip39::Language::English, &words)
            .map_err(|e| IdentityError::Words(e.to_string()))?;
        Ok(Self(words))
    }

    /// The words, separated by single spaces. Whoever reads them is the author.
    pub fn words(&self) -> &str {
        &self.0
    }

    /// The root key: BLAKE3's key derivation over the 64 bytes of the BIP-39 seed (no passphrase).
    pub fn root_key(&self) -> Result<RootKey, IdentityError> {
        let words = bip39::Mnemonic::parse_in_normalized(bip39::Language::English, &self.0)
            .map_err(|e| IdentityError::Words(e.to_string()))?;
        let seed = Zeroizing::new(words.to_seed_normalized(""));
        let secret = Zeroizing::new(blake3::derive_key("souk 2026 author root key v1", &*seed));
        Ok(RootKey(SigningKey::from_bytes(&secret)))
    }
}

/// The secret root key of an author.
#[derive(Clone)]
pub struct RootKey(SigningKey);

impl RootKey {
    /// The author whose key this is.
    pub fn author(&self) -> AuthorId {
        AuthorId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Allows a device to sign for the author.
    pub fn grant(
        &self,
        device: DeviceId,
        scopes: Scopes,
        epoch: u32,
        until: Option<Timestamp>,
    ) -> Result<Grant, IdentityError> {
        let terms = GrantTerms {
            author: self.author(),
            device,
            scopes,
            epoch,
            until,
        };
        let signature = self.0.sign(&terms.signed_bytes()?).to_bytes();
        Ok(Grant {
            scopes,
            epoch,
            until,
            signature: SignatureBytes(signature),
        })
    }

    /// The root key as a signer of its own envelopes: revocations.
    pub fn as_device(&self) -> DeviceKey {
        DeviceKey(self.0.clone())
    }
}

/// The secret key of one device.
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// The key with these 32 secret bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }
    /// The secret bytes.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
    /// The device whose key this is.
    pub fn device(&self) -> DeviceId {
        DeviceId::from_bytes(self.0.verifying_key().to_bytes())
    }
    pub(crate) fn sign(&self, message: &[u8]) -> SignatureBytes {
        SignatureBytes(self.0.sign(message).to_bytes())
    }
}

/// Sixty-four bytes of an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignatureBytes(pub [u8; 64]);

impl std::fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignatureBytes({:02x?}…)", &self.0[..4])
    }
}

impl Serialize for SignatureBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(&data_encoding::BASE64.encode(&self.0));
        }
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SignatureBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let bytes = if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            data_encoding::BASE64
                .decode(text.as_bytes())
                .map_err(D::Error::custom)?
        } else {
            serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec()
        };
        let length = bytes.len();
        let bytes = bytes
            .try_into()
            .map_err(|_| D::Error::invalid_length(length, &"64 bytes"))?;
        Ok(Self(bytes))
    }
}

/// An author's signed word that a device may speak for it. Travels in every envelope of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What the device may sign.
    pub scopes: Scopes,
    /// The author's epoch: revoking a device starts the next one.
    pub epoch: u32,
    /// When the grant ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The root key's signature over author, device and all of this.
    #[serde(rename = "sig")]
    pub signature: SignatureBytes,
}

/// What the root key signs.
#[derive(Serialize)]
struct GrantTerms {
    author: AuthorId,
    device: DeviceId,
    scopes: Scopes,
    epoch: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl GrantTerms {
    fn signed_bytes(&self) -> Result<Vec<u8>, IdentityError> {
        Ok([GRANT_DOMAIN, &codec::encode(self)?].concat())
    }
}

impl Grant {
    /// Checks that the author's root key signed this grant for the device.
    pub fn verify(&self, author: &AuthorId, device: &DeviceId) -> Result<(), IdentityError> {
        let terms = GrantTerms {
            author: *author,
            device: *device,
            scopes: self.scopes,
            epoch: self.epoch,
            until: self.until,
        };
        verify(
            "the author",
            author.as_bytes(),
            &terms.signed_bytes()?,
            &self.signature,
        )
    }

    /// Checks that the grant covers a statement of this scope that claims this time.
    pub fn covers(&self, scope: Scope, stated: Timestamp) -> Result<(), IdentityError> {
        if !self.scopes.allows(scope) {
            return Err(IdentityError::Scope(scope));
        }
        match self.until {
            Some(until) if stated > until => Err(IdentityError::Expired { until, stated }),
            _ => Ok(()),
        }
    }
}

/// Grants whose signature was found good, so that each is checked once and not with every envelope.
/// Bounded: when full, it starts again from nothing.
#[derive(Debug, Default, Clone)]
pub struct GrantCache(BTreeSet<[u8; 32]>);

impl GrantCache {
    /// As [`Grant::verify`], but remembers a good one. Returns whether a signature was checked.
    pub fn verify(
        &mut self,
        grant: &Grant,
        author: &AuthorId,
        device: &DeviceId,
    ) -> Result<bool, IdentityError> {
        let key = Self::key(grant, author, device);
        if self.0.contains(&key) {
            return Ok(false);
        }
        grant.verify(author, device)?;
        if self.0.len() >= GRANT_CACHE_MAX {
            self.0.clear();
        }
        self.0.insert(key);
        Ok(true)
    }

    fn key(grant: &Grant, author: &AuthorId, device: &DeviceId) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(author.as_bytes())
            .update(device.as_bytes())
            .update(&grant.signature.0);
        hasher
            .update(&u16::from(grant.scopes).to_be_bytes())
            .update(&grant.epoch.to_be_bytes());
        hasher.update(&grant.until.map_or([0xff; 8], |until| until.0.to_be_bytes()));
        hasher.update(&[u8::from(grant.until.is_some())]);
        *hasher.finalize().as_bytes()
    }
}

/// Checks a signature strictly: keys of small order and signatures with another valid form are
/// refused (`spec/threats.md` says what the lenient check lets through). `whose` names the key in errors.
pub(crate) fn verify(
    whose: &'static str,
    key: &[u8; 32],
    message: &[u8],
    signature: &SignatureBytes,
) -> Result<(), IdentityError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| IdentityError::WeakKey(whose))?;
    if key.is_weak() {
        return Err(IdentityError::WeakKey(whose));
    }
    key.verify_strict(message, &Signature::from_bytes(&signature.0))
        .map_err(|_| IdentityError::Signature(whose))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> (RootKey, DeviceKey) {
        (
            Phrase::from_entropy(&[1; 32]).unwrap().root_key().unwrap(),
            DeviceKey::from_secret(&[2; 32]),
        )
    }

    #[test]
    fn the_same_words_give_the_same_author() {
        let phrase = Phrase::from_entropy(&[1; 32]).unwrap();
        let typed = format!("  {} ", phrase.words().to_uppercase().replace(' ', "  "));
        assert_eq!(
            Phrase::parse(&typed).unwrap().root_key().unwrap().author(),
            alice().0.author()
        );
    }

    #[test]
    fn wrong_words_are_refused() {
        let words = Phrase::from_entropy(&[1; 32]).unwrap().words().to_owned();
        let (head, _) = words.rsplit_once(' ').unwrap();
        assert!(matches!(Phrase::parse(head), Err(IdentityError::Words(_))));
        assert!(matches!(
            Phrase::parse(&format!("{head} souk")),
            Err(IdentityError::Words(_))
        ));
        let swapped = format!(
            "{head} {}",
            if words.ends_with("abandon") {
                "zoo"
            } else {
                "abandon"
            }
        );
        assert!(matches!(Phrase::parse(&swapped), Err(IdentityError::Words(_))));
    }

    #[test]
    fn a_grant_holds_for_its_device_scope_and_time_alone() {
        let (root, key) = alice();
        let grant = root
            .grant(key.device(), Scopes::of(&[Scope::Post]), 0, Some(Timestamp(10)))
            .unwrap();
        let author = root.author();
        assert_eq!(grant.verify(&author, &key.device()), Ok(()));
        let eve = DeviceKey::from_secret(&[3; 32]).device();
        assert_eq!(
            grant.verify(&author, &eve),
            Err(IdentityError::Signature("the author"))
        );
        let wider = Grant {
            scopes: Scopes::ALL,
            ..grant.clone()
        };
        assert!(wider.verify(&author, &key.device()).is_err());
        assert_eq!(
            grant.covers(Scope::Orders, Timestamp(1)),
            Err(IdentityError::Scope(Scope::Orders))
        );
        assert!(matches!(
            grant.covers(Scope::Post, Timestamp(11)),
            Err(IdentityError::Expired { .. })
        ));
        assert_eq!(grant.covers(Scope::Post, Timestamp(10)), Ok(()));
    }

    #[test]
    fn a_cached_grant_vouches_for_itself_alone() {
        let (root, key) = alice();
        let grant = root
            .grant(key.device(), Scopes::of(&[Scope::Post]), 0, None)
            .unwrap();
        let mut cache = GrantCache::default();
        assert_eq!(cache.verify(&grant, &root.author(), &key.device()), Ok(true));
        assert_eq!(cache.verify(&grant, &root.author(), &key.device()), Ok(false));
        let wider = Grant {
            scopes: Scopes::ALL,
            ..grant
        };
        assert!(cache.verify(&wider, &root.author(), &key.device()).is_err());
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        // The identity point: R = identity, s = 0 is accepted by a lenient check for any message.
        let mut weak = [0; 32];
        weak[0] = 1;
        let mut forged = [0; 64];
        forged[0] = 1;
        assert_eq!(
            verify("eve", &weak, b"any", &SignatureBytes(forged)),
            Err(IdentityError::WeakKey("eve"))
        );
    }
}
