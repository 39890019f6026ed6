//! What the two sides of an order say to each other. Every message names the one that it acts upon,
//! so that both hold one hash-linked history. Described in `spec/order.md`.

use super::OrderRefusal;
use super::table::ActKind;
use crate::id::{AuthorId, DeviceId, EnvelopeId, OrderId};
use crate::identity::GrantCache;
use crate::limits::{ADDRESS_LINES_MAX, ORDER_LINES_MAX, RAILS_MAX};
use crate::quote::{Due, Line, Quote, check_lines, check_rails};
use crate::receipt::Receipt;
use crate::settlement::{Instruction, Proof, Rail};
use crate::shop::Country;
use crate::text::{List, Name, Prose};
use serde::{Deserialize, Serialize};

/// One message of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderMessage {
    /// The order; none in the ask, whose envelope names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The other side.
    pub to: AuthorId,
    /// The message that this one acts upon; none in the ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnvelopeId>,
    /// What it does.
    pub act: Act,
}

/// What a message of an order does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// The buyer asks for a price.
    Ask(Ask),
    /// The merchant makes a binding offer.
    Quote(Box<Quote>),
    /// The buyer orders upon it.
    Place(Place),
    /// The merchant takes the order.
    Accept {
        /// How to pay.
        instruction: Instruction,
    },
    /// The merchant says no.
    Decline {
        /// Why.
        reason: Prose,
    },
    /// The buyer takes the order back.
    Cancel {
        /// Why, if the buyer wants to say.
        #[serde(default, skip_serializing_if = "Prose::is_empty")]
        reason: Prose,
    },
    /// The buyer says that it paid.
    Pay {
        /// Where to look.
        proof: Proof,
    },
    /// The merchant signs that the money arrived.
    Receipt(Box<Receipt>),
    /// The merchant says that the goods are on their way.
    Fulfil(Fulfil),
    /// The buyer says that they came.
    Complete {},
    /// One side uses the right that the other's silence gives.
    Lapse {
        /// What was due and did not come.
        due: Due,
    },
}

/// A buyer's question for a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What.
    pub lines: List<Line, ORDER_LINES_MAX>,
    /// Where to. The address comes with the order.
    pub country: Country,
    /// A word to the merchant.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub note: Prose,
    /// How the buyer could pay.
    pub rails: List<Rail, RAILS_MAX>,
}

/// A buyer's order upon a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The quote that it takes, as it stands.
    pub quote: EnvelopeId,
    /// Where to deliver; empty for what is not delivered.
    pub address: List<Name, ADDRESS_LINES_MAX>,
    /// How the buyer will pay: one of the quote's ways.
    pub rail: Rail,
}

/// A merchant's word that everything was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fulfil {
    /// Who carries it; empty if nobody does.
    #[serde(default, skip_serializing_if = "Name::is_empty")]
    pub carrier: Name,
    /// Its tracking number.
    #[serde(default, skip_serializing_if = "Name::is_empty")]
    pub tracking: Name,
    /// What was sent: the quote's lines.
    pub lines: List<Line, ORDER_LINES_MAX>,
}

impl Act {
    /// What it does.
    pub const fn kind(&self) -> ActKind {
        match self {
            Self::Ask(_) => ActKind::Ask,
            Self::Quote(_) => ActKind::Quote,
            Self::Place(_) => ActKind::Place,
            Self::Accept { .. } => ActKind::Accept,
            Self::Decline { .. } => ActKind::Decline,
            Self::Cancel { .. } => ActKind::Cancel,
            Self::Pay { .. } => ActKind::Pay,
            Self::Receipt(_) => ActKind::Receipt,
            Self::Fulfil(_) => ActKind::Fulfil,
            Self::Complete {} => ActKind::Complete,
            Self::Lapse { .. } => ActKind::Lapse,
        }
    }
}

impl OrderMessage {
    /// The first message of an order.
    pub const fn ask(merchant: AuthorId, ask: Ask) -> Self {
        Self {
            order: None,
            to: merchant,
            after: None,
            act: Act::Ask(ask),
        }
    }

    /// The order to which it belongs, given the id of its envelope.
    pub fn order(&self, envelope: EnvelopeId) -> OrderId {
        self.order.unwrap_or_else(|| envelope.into())
    }

    /// The rules that anyone can check who knows nothing else of the order, signatures of receipts
    /// included: what an envelope is refused for.
    pub fn check(&self, author: &AuthorId, device: &DeviceId) -> Result<(), OrderRefusal> {
        self.check_form(author)?;
        match &self.act {
            Act::Receipt(receipt) => Ok(receipt.verify(author, device, &mut GrantCache::default())?),
            _ => Ok(()),
        }
    }

    /// As [`OrderMessage::check`], but without signatures: what a fold checks again.
    pub(super) fn check_form(&self, author: &AuthorId) -> Result<(), OrderRefusal> {
        if self.to == *author {
            return Err(OrderRefusal::OwnShop);
        }
        let opens = matches!(self.act, Act::Ask(_));
        if opens != self.order.is_none() || opens != self.after.is_none() {
            return Err(OrderRefusal::Link);
        }
        match &self.act {
            Act::Ask(ask) => {
                check_lines(ask.lines.iter().copied())?;
                Ok(check_rails(&ask.rails)?)
            }
            Act::Quote(quote) => Ok(quote.check()?),
            Act::Fulfil(fulfil) => Ok(check_lines(fulfil.lines.iter().copied())?),
            _ => Ok(()),
        }
    }
}
