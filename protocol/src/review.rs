//! What a buyer says in public of something bought. It carries the receipt's public half, so that
//! anyone can check that it was bought, and nobody can review their own shop. `Log`: the newest
//! review of a purchase counts. Described in `spec/order.md`.

use crate::id::{AuthorId, ListingId, PurchaseId};
use crate::identity::GrantCache;
use crate::receipt::{PublicReceipt, ReceiptError};
use crate::text::Prose;
use serde::{Deserialize, Serialize};

/// Why a review is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Not one to five.
    #[error("expected a rating of 1 to 5, got {0}")]
    Rating(u8),
    /// Somebody else's purchase.
    #[error("expected a review by the buyer {expected}, got one by {actual}")]
    NotBuyer {
        /// The receipt's buyer.
        expected: AuthorId,
        /// The review's author.
        actual: AuthorId,
    },
    /// The receipt proves nothing.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

/// One (bad) to five (good).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Rating(u8);

impl TryFrom<u8> for Rating {
    type Error = ReviewError;
    fn try_from(stars: u8) -> Result<Self, ReviewError> {
        match stars {
            1..=5 => Ok(Self(stars)),
            _ => Err(ReviewError::Rating(stars)),
        }
    }
}

impl From<Rating> for u8 {
    fn from(rating: Rating) -> u8 {
        rating.0
    }
}

/// A review of something bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The merchant's word that it was bought.
    pub receipt: PublicReceipt,
    /// How good it was.
    pub rating: Rating,
    /// Why.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub text: Prose,
}

impl Review {
    /// Checks that its author is the receipt's buyer and not the merchant, and that the merchant
    /// signed the receipt.
    pub fn check(&self, author: &AuthorId) -> Result<(), ReviewError> {
        if self.receipt.buyer != *author {
            return Err(ReviewError::NotBuyer {
                expected: self.receipt.buyer,
                actual: *author,
            });
        }
        Ok(self.receipt.verify(&mut GrantCache::default())?)
    }

    /// What was reviewed: shop and listing.
    pub const fn subject(&self) -> (AuthorId, ListingId) {
        (self.receipt.merchant, self.receipt.listing)
    }

    /// The purchase that it is about. Readers count one review of a purchase, the newest.
    pub const fn purchase(&self) -> PurchaseId {
        self.receipt.purchase
    }
}
