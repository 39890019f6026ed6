//! A merchant's signed word that an order was paid. Its private half names order and money and stays
//! between the two; its public half says no more than that this buyer bought this listing here, so
//! that a review can prove it without a price, an address or a link to the order. Described in
//! `spec/order.md`.

use crate::codec;
use crate::id::{AuthorId, DeviceId, ListingId, OrderId, PurchaseId};
use crate::identity::{self, DeviceKey, Grant, GrantCache, IdentityError, Scope, SignatureBytes};
use crate::limits::ORDER_LINES_MAX;
use crate::money::Amount;
use crate::settlement::Rail;
use crate::text::List;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const RECEIPT_DOMAIN: &[u8] = b"souk receipt v1\0";

/// Why a receipt is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Somebody who buys from themselves.
    #[error("the merchant {0} cannot be the buyer too")]
    OwnShop(AuthorId),
    /// A public half by another merchant, device, for another buyer or purchase.
    #[error("the public half for {listing} does not belong to this receipt")]
    Foreign {
        /// The listing that it names.
        listing: ListingId,
    },
    /// Not one public half for each distinct listing, in order.
    #[error("expected one public half for each of {expected} listings in order, got {actual}")]
    Halves {
        /// Distinct listings of the quote.
        expected: usize,
        /// Public halves.
        actual: usize,
    },
    /// Another amount than was quoted.
    #[error("expected a receipt over {expected}, got {actual}")]
    Total {
        /// The quote's total.
        expected: Amount,
        /// The receipt's.
        actual: Amount,
    },
    /// Another order, or another way to pay than was agreed.
    #[error("the receipt names another order or way to pay")]
    Order,
    /// A key, grant or signature is not good.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// "This buyer bought this listing from me."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicReceipt {
    /// Who sold.
    pub merchant: AuthorId,
    /// The merchant's device that signed.
    pub device: DeviceId,
    /// The merchant's word for the device.
    pub grant: Grant,
    /// What was bought.
    pub listing: ListingId,
    /// Who bought.
    pub buyer: AuthorId,
    /// The purchase: the same for every copy of the receipt, so that one purchase gives one review.
    pub purchase: PurchaseId,
    /// The device's signature over all of this but the grant.
    #[serde(rename = "sig")]
    pub signature: SignatureBytes,
}

/// What the device signs.
#[derive(Serialize)]
struct Statement {
    merchant: AuthorId,
    device: DeviceId,
    listing: ListingId,
    buyer: AuthorId,
    purchase: PurchaseId,
}

impl Statement {
    fn signed_bytes(&self) -> Result<Vec<u8>, IdentityError> {
        Ok([RECEIPT_DOMAIN, &codec::encode(self)?].concat())
    }
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
    ) -> Result<Self, ReceiptError> {
        let statement = Statement {
            merchant,
            device: key.device(),
            listing,
            buyer,
            purchase: PurchaseId::of(order, &listing),
        };
        let signature = key.sign(&statement.signed_bytes()?);
        Ok(Self {
            merchant,
            device: statement.device,
            grant: grant.clone(),
            listing,
            buyer,
            purchase: statement.purchase,
            signature,
        })
    }

    /// Checks that a device which may sign the merchant's orders signed this. The receipt tells no
    /// time, so the end of a grant does not count here; its scope does.
    pub fn verify(&self, grants: &mut GrantCache) -> Result<(), ReceiptError> {
        if self.merchant == self.buyer {
            return Err(ReceiptError::OwnShop(self.merchant));
        }
        if !self.grant.scopes.allows(Scope::Orders) {
            return Err(IdentityError::Scope(Scope::Orders).into());
        }
        grants.verify(&self.grant, &self.merchant, &self.device)?;
        let statement = Statement {
            merchant: self.merchant,
            device: self.device,
            listing: self.listing,
            buyer: self.buyer,
            purchase: self.purchase,
        };
        identity::verify(
            "the merchant's device",
            self.device.as_bytes(),
            &statement.signed_bytes()?,
            &self.signature,
        )?;
        Ok(())
    }
}

/// The merchant's word that an order was paid in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Which order.
    pub order: OrderId,
    /// How much: the quote's total.
    pub total: Amount,
    /// How.
    pub rail: Rail,
    /// When, as the merchant says.
    pub paid_at: Timestamp,
    /// One public half for each distinct listing, in the order of their ids.
    pub public: List<PublicReceipt, ORDER_LINES_MAX>,
}

/// What a receipt must say: taken from the order that it is for.
#[derive(Debug, Clone)]
pub struct Sale {
    /// The order.
    pub order: OrderId,
    /// Who sells.
    pub merchant: AuthorId,
    /// Who buys.
    pub buyer: AuthorId,
    /// The quote's total.
    pub total: Amount,
    /// How it was agreed to pay.
    pub rail: Rail,
    /// The quote's distinct listings.
    pub listings: BTreeSet<ListingId>,
}

impl Receipt {
    /// Signs for the payment of a sale.
    pub fn issue(
        key: &DeviceKey,
        grant: &Grant,
        sale: &Sale,
        paid_at: Timestamp,
    ) -> Result<Self, ReceiptError> {
        let public = sale
            .listings
            .iter()
            .map(|listing| PublicReceipt::sign(key, grant, sale.merchant, sale.buyer, &sale.order, *listing))
            .collect::<Result<Vec<_>, _>>()?;
        let count = public.len();
        Ok(Self {
            order: sale.order,
            total: sale.total,
            rail: sale.rail,
            paid_at,
            public: List::new(public).map_err(|_| ReceiptError::Halves {
                expected: ORDER_LINES_MAX,
                actual: count,
            })?,
        })
    }

    /// Checks the signatures of its public halves, and that merchant and device are those that say it.
    pub fn verify(
        &self,
        merchant: &AuthorId,
        device: &DeviceId,
        grants: &mut GrantCache,
    ) -> Result<(), ReceiptError> {
        for half in &self.public {
            if half.merchant != *merchant || half.device != *device {
                return Err(ReceiptError::Foreign {
                    listing: half.listing,
                });
            }
            half.verify(grants)?;
        }
        Ok(())
    }

    /// Checks that it says what the sale was, to the cent. Signatures are [`Receipt::verify`]'s.
    pub fn matches(&self, sale: &Sale) -> Result<(), ReceiptError> {
        if self.order != sale.order || self.rail != sale.rail {
            return Err(ReceiptError::Order);
        }
        if self.total != sale.total {
            return Err(ReceiptError::Total {
                expected: sale.total,
                actual: self.total,
            });
        }
        if !self
            .public
            .iter()
            .map(|half| half.listing)
            .eq(sale.listings.iter().copied())
        {
            return Err(ReceiptError::Halves {
                expected: sale.listings.len(),
                actual: self.public.len(),
            });
        }
        let foreign = |half: &&PublicReceipt| {
            half.merchant != sale.merchant
                || half.buyer != sale.buyer
                || half.purchase != PurchaseId::of(&sale.order, &half.listing)
        };
        match self.public.iter().find(foreign) {
            Some(half) => Err(ReceiptError::Foreign {
                listing: half.listing,
            }),
            None => Ok(()),
        }
    }
}
