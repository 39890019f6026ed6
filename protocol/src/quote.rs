//! A merchant's binding offer: lines, sums, terms, until when. The sums are stated and checked, not
//! left to the reader's arithmetic; the deadlines can be read from signed timestamps alone. Described
//! in `spec/order.md`.

use crate::id::{ListingId, VariantId};
use crate::limits::{DEADLINE_MS_MAX, ORDER_LINES_MAX, ORDER_UNITS_MAX, RAILS_MAX, RETURNS_DAYS_MAX};
use crate::money::{Amount, Currency, MoneyError};
use crate::settlement::Rail;
use crate::shop::Deadlines;
use crate::text::{List, Name};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why a bag or a quote is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// Nothing in it.
    #[error("expected at least one line, got none")]
    Empty,
    /// No units, or too many.
    #[error("expected 1 to {ORDER_UNITS_MAX} units in a line, got {0}")]
    Units(u32),
    /// One variant in two lines.
    #[error("the variant {0} stands in more than one line; put its units into one")]
    Repeated(VariantId),
    /// More units set aside than offered.
    #[error("expected at most {expected} units held in a line, got {actual}")]
    Held {
        /// Units of the line.
        expected: u32,
        /// Units said to be held.
        actual: u32,
    },
    /// A price below zero.
    #[error("expected a {what} of at least zero, got {actual}")]
    Negative {
        /// Which amount.
        what: &'static str,
        /// What it is.
        actual: Amount,
    },
    /// A sum that does not add up.
    #[error("expected a {what} of {expected}, got {actual}")]
    Sum {
        /// Which sum.
        what: &'static str,
        /// What it should be.
        expected: Amount,
        /// What is stated.
        actual: Amount,
    },
    /// No rail, or one named twice or out of order.
    #[error("expected at least one way to pay, each named once and in order")]
    Rails,
    /// A deadline that counts from something that need not have happened, or a far too long one.
    #[error("the deadline for {0} counts from a message that may never come, or lasts over a year")]
    Deadline(Due),
    /// Longer returns than a shop may promise.
    #[error("expected at most {RETURNS_DAYS_MAX} days to return things, got {0}")]
    Returns(u16),
    /// An amount that cannot be.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// One line of a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What.
    pub listing: ListingId,
    /// Which variant.
    pub variant: VariantId,
    /// How many.
    pub units: u32,
}

/// Checks the lines of a bag: some, each variant once, units within bounds.
pub(crate) fn check_lines(lines: impl IntoIterator<Item = Line>) -> Result<(), QuoteError> {
    let mut seen = BTreeSet::new();
    for line in lines {
        if !(1..=ORDER_UNITS_MAX).contains(&line.units) {
            return Err(QuoteError::Units(line.units));
        }
        if !seen.insert((line.listing, line.variant)) {
            return Err(QuoteError::Repeated(line.variant));
        }
    }
    match seen.is_empty() {
        true => Err(QuoteError::Empty),
        false => Ok(()),
    }
}

/// Checks that rails are named, each once and in order, so that one choice has one encoding.
pub(crate) fn check_rails(rails: &[Rail]) -> Result<(), QuoteError> {
    match !rails.is_empty() && rails.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(QuoteError::Rails),
    }
}

/// One line of a quote, in the words in which it was offered: what a listing says later is another
/// matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteLine {
    /// What.
    pub listing: ListingId,
    /// Which variant.
    pub variant: VariantId,
    /// The listing's title.
    pub title: Name,
    /// The variant's options in words; empty if the listing has one variant only.
    #[serde(default, skip_serializing_if = "Name::is_empty")]
    pub label: Name,
    /// Price of one unit, in minor units of the quote's currency.
    pub price_minor: i64,
    /// How many.
    pub units: u32,
    /// Price of them all.
    pub total_minor: i64,
    /// How many of them are set aside until the quote expires; none where units are not counted.
    pub held: u32,
}

impl QuoteLine {
    /// What it offers, without the words and prices.
    pub const fn line(&self) -> Line {
        Line {
            listing: self.listing,
            variant: self.variant,
            units: self.units,
        }
    }
}

/// A message from whose stated time a deadline can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The quote.
    Quote,
    /// The buyer's order upon it.
    Place,
    /// The merchant's acceptance.
    Accept,
    /// The buyer's payment.
    Pay,
    /// The merchant's receipt.
    Receipt,
    /// The merchant's word that the goods are on their way.
    Fulfil,
}

/// What somebody must do by a deadline. Past it, the other side may sign a lapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// Placing the order, by the buyer, until the quote expires.
    Place,
    /// Accepting it, by the merchant.
    Accept,
    /// Paying, by the buyer.
    Pay,
    /// Signing for the payment, by the merchant.
    Receipt,
    /// Sending the goods, by the merchant.
    Fulfil,
    /// Saying that they came, by the buyer.
    Complete,
}

impl Due {
    /// Everything that can be due.
    pub const ALL: [Due; 6] = [
        Due::Place,
        Due::Accept,
        Due::Pay,
        Due::Receipt,
        Due::Fulfil,
        Due::Complete,
    ];

    /// Whether the message that is marked must have been said before this is due.
    const fn follows(self, mark: Mark) -> bool {
        mark as u8 <= self as u8
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Place => "placing the order",
            Self::Accept => "accepting",
            Self::Pay => "paying",
            Self::Receipt => "the receipt",
            Self::Fulfil => "sending the goods",
            Self::Complete => "saying that they came",
        })
    }
}

/// Until when something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deadline {
    /// Until a fixed time.
    At(Timestamp),
    /// So long after a message.
    After {
        /// The message.
        mark: Mark,
        /// How long, in milliseconds.
        ms: u64,
    },
}

/// The stated times of an order's messages: all that a deadline can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times([Option<Timestamp>; 6]);

impl Times {
    /// When a message was said, if it was.
    pub fn of(&self, mark: Mark) -> Option<Timestamp> {
        self.0.get(mark as usize).copied().flatten()
    }
    /// These times and one more.
    pub fn with(mut self, mark: Mark, at: Timestamp) -> Self {
        if let Some(slot) = self.0.get_mut(mark as usize) {
            *slot = Some(at);
        }
        self
    }
}

/// The rules by which silence is read: what a lapse means in each state. They are named in the quote
/// so that both sides sign them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rules {
    /// The table in `spec/order.md`, version 1: a quote not taken and an order not accepted or not
    /// paid in time are off; one paid and not signed for or not sent in time is off and the money is
    /// due back; one sent and not disputed in time is complete.
    #[default]
    #[serde(rename = "souk order v1")]
    V1,
}

/// What both sides promise, and what silence means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Until when the merchant accepts an order that was placed.
    pub accept_by: Deadline,
    /// Until when the buyer pays.
    pub pay_by: Deadline,
    /// Until when the merchant signs for the payment.
    pub receipt_by: Deadline,
    /// Until when the merchant sends the goods.
    pub fulfil_by: Deadline,
    /// Until when the buyer says that they came.
    pub complete_by: Deadline,
    /// Days in which things can be sent back; 0 if they cannot.
    pub returns_days: u16,
    /// What silence means at each deadline.
    pub silence: Rules,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Terms {
    /// What a shop promises: each step so long after the one before it.
    pub const fn of(deadlines: &Deadlines, returns_days: u16) -> Self {
        const fn after(mark: Mark, ms: u64) -> Deadline {
            Deadline::After { mark, ms }
        }
        Self {
            accept_by: after(Mark::Place, deadlines.accept_ms),
            pay_by: after(Mark::Accept, deadlines.pay_ms),
            receipt_by: after(Mark::Pay, deadlines.receipt_ms),
            fulfil_by: after(Mark::Receipt, deadlines.fulfil_ms),
            complete_by: after(Mark::Fulfil, deadlines.complete_ms),
            returns_days,
            silence: Rules::V1,
        }
    }

    /// Terms for a shop that states none: 3 days to accept, 3 to pay, 7 to sign for it, 14 to send,
    /// 30 to complain, each from the message before it.
    pub const fn usual(returns_days: u16) -> Self {
        const fn days(mark: Mark, days: u64) -> Deadline {
            Deadline::After {
                mark,
                ms: days * DAY_MS,
            }
        }
        Self {
            accept_by: days(Mark::Place, 3),
            pay_by: days(Mark::Accept, 3),
            receipt_by: days(Mark::Pay, 7),
            fulfil_by: days(Mark::Receipt, 14),
            complete_by: days(Mark::Fulfil, 30),
            returns_days,
            silence: Rules::V1,
        }
    }
}

/// A merchant's binding offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// What is offered.
    pub lines: List<QuoteLine, ORDER_LINES_MAX>,
    /// The currency of every amount in it.
    pub currency: Currency,
    /// Sum of the lines.
    pub subtotal_minor: i64,
    /// Shipping of them all.
    pub shipping_minor: i64,
    /// What the buyer pays: the subtotal and the shipping, and nothing else.
    pub total_minor: i64,
    /// Deadlines and returns.
    pub terms: Terms,
    /// Until when the offer binds, and the units are set aside.
    pub expires: Timestamp,
    /// Ways to pay, in the order of their names' definition.
    pub rails: List<Rail, RAILS_MAX>,
}

impl Quote {
    /// The quote of these lines: line totals, subtotal and total are worked out here.
    pub fn new(
        mut lines: List<QuoteLine, ORDER_LINES_MAX>,
        shipping: Amount,
        terms: Terms,
        expires: Timestamp,
        rails: List<Rail, RAILS_MAX>,
    ) -> Result<Self, QuoteError> {
        let currency = shipping.currency;
        let mut subtotal = Amount::zero(currency);
        let mut priced = Vec::with_capacity(lines.len());
        for mut line in std::mem::take(&mut lines).into_vec() {
            let total = Amount::new(line.price_minor, currency)?.times(line.units)?;
            line.total_minor = total.minor;
            subtotal = subtotal.plus(total)?;
            priced.push(line);
        }
        let quote = Self {
            lines: List::new(priced).unwrap_or_default(),
            currency,
            subtotal_minor: subtotal.minor,
            shipping_minor: shipping.minor,
            total_minor: subtotal.plus(shipping)?.minor,
            terms,
            expires,
            rails,
        };
        quote.check()?;
        Ok(quote)
    }

    /// What the buyer pays.
    pub const fn total(&self) -> Amount {
        Amount {
            minor: self.total_minor,
            currency: self.currency,
        }
    }

    /// The distinct listings in it, in order.
    pub fn listings(&self) -> BTreeSet<ListingId> {
        self.lines.iter().map(|line| line.listing).collect()
    }

    /// Until when something is due, as far as the messages so far say.
    pub fn deadline(&self, due: Due, times: &Times) -> Option<Timestamp> {
        let deadline = match due {
            Due::Place => return Some(self.expires),
            Due::Accept => self.terms.accept_by,
            Due::Pay => self.terms.pay_by,
            Due::Receipt => self.terms.receipt_by,
            Due::Fulfil => self.terms.fulfil_by,
            Due::Complete => self.terms.complete_by,
        };
        match deadline {
            Deadline::At(at) => Some(at),
            Deadline::After { mark, ms } => times.of(mark).map(|at| at.plus_ms(ms)),
        }
    }

    /// Checks that it adds up exactly and that each deadline can be read when it matters.
    pub fn check(&self) -> Result<(), QuoteError> {
        check_lines(self.lines.iter().map(QuoteLine::line))?;
        check_rails(&self.rails)?;
        self.check_terms()?;
        let amount = |minor| Amount::new(minor, self.currency);
        let sum = |what, expected: Amount, stated: i64| match expected.minor == stated {
            true => Ok(()),
            false => Err(QuoteError::Sum {
                what,
                expected,
                actual: amount(stated)?,
            }),
        };
        let mut subtotal = Amount::zero(self.currency);
        for line in &self.lines {
            let price = at_least_zero("price", amount(line.price_minor)?)?;
            let total = price.times(line.units)?;
            sum("line total", total, line.total_minor)?;
            subtotal = subtotal.plus(total)?;
            if line.held > line.units {
                return Err(QuoteError::Held {
                    expected: line.units,
                    actual: line.held,
                });
            }
        }
        let shipping = at_least_zero("shipping price", amount(self.shipping_minor)?)?;
        sum("subtotal", subtotal, self.subtotal_minor)?;
        sum("total", subtotal.plus(shipping)?, self.total_minor)
    }

    fn check_terms(&self) -> Result<(), QuoteError> {
        let terms = &self.terms;
        for (due, deadline) in [
            (Due::Accept, terms.accept_by),
            (Due::Pay, terms.pay_by),
            (Due::Receipt, terms.receipt_by),
            (Due::Fulfil, terms.fulfil_by),
            (Due::Complete, terms.complete_by),
        ] {
            match deadline {
                Deadline::After { mark, ms } if !due.follows(mark) || ms > DEADLINE_MS_MAX => {
                    return Err(QuoteError::Deadline(due));
                }
                _ => {}
            }
        }
        match terms.returns_days > RETURNS_DAYS_MAX {
            true => Err(QuoteError::Returns(terms.returns_days)),
            false => Ok(()),
        }
    }
}

fn at_least_zero(what: &'static str, amount: Amount) -> Result<Amount, QuoteError> {
    match amount.minor < 0 {
        true => Err(QuoteError::Negative { what, actual: amount }),
        false => Ok(amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn quote() -> Quote {
        let line = |byte, price_minor, units| QuoteLine {
            listing: ListingId::from_bytes([byte; 16]),
            variant: VariantId::from_bytes([byte; 8]),
            title: Name::new("Bowl").unwrap(),
            label: Name::default(),
            price_minor,
            units,
            total_minor: 0,
            held: 1,
        };
        Quote::new(
            List::new(vec![line(1, 1999, 3), line(2, 5, 1)]).unwrap(),
            Amount::new(490, Currency::EUR).unwrap(),
            Terms::usual(14),
            Timestamp(1_000),
            List::new(vec![Rail::Tab, Rail::Manual]).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn a_quote_adds_up_and_reads_back() {
        let quote = quote();
        assert_eq!((quote.subtotal_minor, quote.total_minor), (6002, 6492));
        let bytes = codec::encode(&quote).unwrap();
        assert_eq!(codec::decode::<Quote>(&bytes), Ok(quote));
    }

    #[test]
    fn a_quote_that_does_not_add_up_is_refused() {
        let broken: [fn(&mut Quote); 7] = [
            |quote| quote.total_minor += 1,
            |quote| quote.subtotal_minor -= 1,
            |quote| quote.shipping_minor = -1,
            |quote| quote.rails = List::default(),
            |quote| quote.lines = List::default(),
            |quote| quote.terms.returns_days = u16::MAX,
            |quote| {
                quote.terms.pay_by = Deadline::After {
                    mark: Mark::Receipt,
                    ms: 1,
                }
            },
        ];
        for (number, spoil) in broken.into_iter().enumerate() {
            let mut quote = quote();
            spoil(&mut quote);
            assert!(quote.check().is_err(), "case {number}");
        }
    }

    #[test]
    fn every_deadline_can_be_read_once_it_matters() {
        let quote = quote();
        let mut times = Times::default();
        let marks = [
            Mark::Quote,
            Mark::Place,
            Mark::Accept,
            Mark::Pay,
            Mark::Receipt,
            Mark::Fulfil,
        ];
        for (due, mark) in Due::ALL.into_iter().zip(marks) {
            times = times.with(mark, Timestamp(5));
            assert!(quote.deadline(due, &times).is_some(), "{due}");
        }
    }
}
