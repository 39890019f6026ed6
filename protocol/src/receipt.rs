//! Receipts: the merchant's signed word that an order was paid. The private half stays between the two;
//! the public half, one for each listing, lets the buyer show that a review rests on a purchase. It
//! names no price, address or order. Described in `spec/order.md`.

use crate::codec;
use crate::id::{AuthorId, DeviceId, ListingId, OrderId};
use crate::identity::{self, DeviceKey, Grant, GrantCache, IdentityError, Scope, SignatureBytes};
use crate::limits::ORDER_LINES_MAX;
use crate::money::Currency;
use crate::settlement::Rail;
use crate::text::List;
use serde::{Deserialize, Serialize};

const DOMAIN: &[u8] = b"souk receipt v1\0";

/// The merchant's word for one listing of a paid order, fit to be shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicReceipt {
    /// Who sold.
    pub merchant: AuthorId,
    /// The device that signed.
    pub device: DeviceId,
    /// The merchant's word for that device.
    pub grant: Grant,
    /// What was sold.
    pub listing: ListingId,
    /// To whom.
    pub buyer: AuthorId,
    /// Tells purchases apart without naming the order: one review for each.
    pub token: Token,
    /// The device's signature.
    #[serde(rename = "sig")]
    pub signature: SignatureBytes,
}

/// Sixteen bytes that only the two sides of an order can link to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct Token([u8; 16]);

impl Token {
    /// The token of a listing in an order.
    pub fn of(order: &OrderId, listing: &ListingId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("souk 2026 receipt token v1");
        hasher.update(order.as_bytes()).update(listing.as_bytes());
        let mut token = [0; 16];
        hasher.finalize_xof().fill(&mut token);
        Self(token)
    }
}

impl TryFrom<serde_bytes::ByteBuf> for Token {
    type Error = String;
    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, String> {
        let length = bytes.len();
        let bytes = bytes.into_vec().try_into();
        bytes
            .map(Self)
            .map_err(|_| format!("expected a token of 16 bytes, got {length}"))
    }
}

impl From<Token> for serde_bytes::ByteBuf {
    fn from(token: Token) -> Self {
        Self::from(token.0)
    }
}

/// What the merchant's device signs.
#[derive(Serialize)]
struct Signed<'a> {
    merchant: &'a AuthorId,
    device: &'a DeviceId,
    listing: &'a ListingId,
    buyer: &'a AuthorId,
    token: &'a Token,
}

impl PublicReceipt {
    /// Signs the public half for one listing of an order.
    pub fn sign(
        key: &DeviceKey,
        grant: &Grant,
        merchant: AuthorId,
        buyer: AuthorId,
        order: &OrderId,
        listing: ListingId,
    ) -> Result<Self, IdentityError> {
        let mut receipt = Self {
            merchant,
            device: key.device(),
            grant: grant.clone(),
            listing,
            buyer,
            token: Token::of(order, &listing),
            signature: SignatureBytes([0; 64]),
        };
        receipt.signature = key.sign(&receipt.signed_bytes()?);
        Ok(receipt)
    }

    /// Checks the signature, and that the merchant let the device sign orders.
    pub fn verify(&self, grants: &mut GrantCache) -> Result<(), IdentityError> {
        grants.verify(&self.grant, &self.merchant, &self.device)?;
        if !self.grant.scopes.allows(Scope::Orders) {
            return Err(IdentityError::Scope(Scope::Orders));
        }
        identity::verify(
            "the merchant's device",
            self.device.as_bytes(),
            &self.signed_bytes()?,
            &self.signature,
        )
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, IdentityError> {
        let Self {
            merchant,
            device,
            listing,
            buyer,
            token,
            ..
        } = self;
        let signed = Signed {
            merchant,
            device,
            listing,
            buyer,
            token,
        };
        Ok([DOMAIN, &codec::encode(&signed)?].concat())
    }
}

/// The whole receipt, between the two sides of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What was paid, in minor units.
    pub total_minor: i64,
    /// Of this currency.
    pub currency: Currency,
    /// How.
    pub rail: Rail,
    /// The public half of each listing.
    pub public: List<PublicReceipt, ORDER_LINES_MAX>,
}
