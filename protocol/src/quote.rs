//! A quote: what a merchant offers, to the cent and to the minute. Everything that the price and the
//! promises rest on is in it, so a later change of the shop leaves it alone. Described in
//! `spec/order.md`.

use crate::id::{ListingId, VariantId};
use crate::limits::{ORDER_LINES_MAX, ORDER_UNITS_MAX, RAILS_MAX};
use crate::money::{Amount, Currency, MoneyError};
use crate::settlement::Rail;
use crate::shop::Deadlines;
use crate::text::{List, Name};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is wanted of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The listing.
    pub listing: ListingId,
    /// The variant.
    pub variant: VariantId,
    /// How many.
    pub units: u32,
}

/// A line with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteLine {
    /// The listing.
    pub listing: ListingId,
    /// The variant.
    pub variant: VariantId,
    /// What the listing was called when this was quoted.
    pub title: Name,
    /// What the variant was called.
    pub label: Name,
    /// How many.
    pub units: u32,
    /// Price of one, in minor units.
    pub unit_minor: i64,
    /// Price of all, in minor units.
    pub total_minor: i64,
}

/// An offer, good until it expires. The units in it are held for the buyer until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// What is offered.
    pub lines: List<QuoteLine, ORDER_LINES_MAX>,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Sum of the lines, in minor units.
    pub subtotal_minor: i64,
    /// Shipping, in minor units.
    pub shipping_minor: i64,
    /// What is to be paid, in minor units.
    pub total_minor: i64,
    /// The end of the offer and of the hold.
    pub expires: Timestamp,
    /// How long each later step may take.
    pub deadlines: Deadlines,
    /// Days in which things may be sent back.
    pub returns_days: u16,
    /// Ways to pay that the merchant takes.
    pub rails: List<Rail, RAILS_MAX>,
}

/// Why a quote is no quote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// No line, or a line of no or too many units.
    #[error("expected lines of 1 to {ORDER_UNITS_MAX} units, got a line of {0}")]
    Units(u32),
    /// Nothing is offered.
    #[error("the quote has no lines")]
    Empty,
    /// A negative price.
    #[error("expected prices of at least 0, got {0}")]
    Negative(i64),
    /// A sum is not what its parts add up to.
    #[error("expected a {what} of {expected} minor units, got {actual}")]
    Sum {
        /// Which sum.
        what: &'static str,
        /// What the parts add up to.
        expected: i64,
        /// What is stated.
        actual: i64,
    },
    /// An amount beyond the limit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Quote {
    /// Checks that everything adds up.
    pub fn check(&self) -> Result<(), QuoteError> {
        if self.lines.is_empty() {
            return Err(QuoteError::Empty);
        }
        let mut subtotal = Amount::zero(self.currency);
        for line in &self.lines {
            if line.units == 0 || line.units > ORDER_UNITS_MAX {
                return Err(QuoteError::Units(line.units));
            }
            if line.unit_minor < 0 {
                return Err(QuoteError::Negative(line.unit_minor));
            }
            let total = Amount::new(line.unit_minor, self.currency)?.times(line.units)?;
            equal("line total", total.minor, line.total_minor)?;
            subtotal = subtotal.plus(total)?;
        }
        if self.shipping_minor < 0 {
            return Err(QuoteError::Negative(self.shipping_minor));
        }
        equal("subtotal", subtotal.minor, self.subtotal_minor)?;
        let total = subtotal.plus(Amount::new(self.shipping_minor, self.currency)?)?;
        equal("total", total.minor, self.total_minor)
    }

    /// What is to be paid.
    pub fn total(&self) -> Amount {
        Amount {
            minor: self.total_minor,
            currency: self.currency,
        }
    }
}

fn equal(what: &'static str, expected: i64, actual: i64) -> Result<(), QuoteError> {
    if expected == actual {
        Ok(())
    } else {
        Err(QuoteError::Sum {
            what,
            expected,
            actual,
        })
    }
}
