//! An order: messages that its two sides sign, and one fold over them.
//!
//! Each message names the one that it acts upon, so the messages of an order form a tree. At each of
//! them the fold takes one of the valid next ones, always the same whatever the order of arrival, and
//! so on to the last: both sides read the same order from the same messages. Nothing that a clock says
//! changes it: a passed deadline only lets one side sign a lapse. Described in `spec/order.md`.

use crate::id::{AuthorId, EnvelopeId, ListingId, OrderId};
use crate::limits::{ADDRESS_LINES_MAX, ORDER_LINES_MAX, ORDER_MESSAGES_MAX, ORDER_UNITS_MAX, RAILS_MAX};
use crate::money::Amount;
use crate::quote::{Line, Quote};
use crate::receipt::{Receipt, Token};
use crate::settlement::{Instruction, Proof, Rail};
use crate::shop::Country;
use crate::text::{List, Name, Prose};
use crate::time::{Hybrid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One message of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderMessage {
    /// The order; none in its first message, which names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The other side.
    pub to: AuthorId,
    /// The message that this one acts upon; none in the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnvelopeId>,
    /// What it does.
    pub act: Act,
}

/// What a message does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// The buyer asks for a price.
    Ask {
        /// What is wanted.
        lines: List<Line, ORDER_LINES_MAX>,
        /// Where to.
        country: Country,
        /// A word to the merchant.
        note: Prose,
    },
    /// The merchant offers.
    Quote(Box<Quote>),
    /// The buyer takes the offer.
    Place {
        /// Which of the offered ways to pay.
        rail: Rail,
        /// Where to deliver.
        address: List<Name, ADDRESS_LINES_MAX>,
    },
    /// The merchant takes the order.
    Accept {
        /// How to pay.
        instruction: Instruction,
    },
    /// The merchant does not.
    Decline {
        /// Why.
        reason: Prose,
    },
    /// The buyer wants it no longer.
    Cancel,
    /// The buyer has paid.
    Pay {
        /// What shows it.
        proof: Proof,
    },
    /// The merchant has the money.
    Receipt(Box<Receipt>),
    /// The goods are on their way, or handed over.
    Fulfil {
        /// Who carries them.
        carrier: Name,
        /// By which number they can be followed.
        tracking: Name,
    },
    /// The buyer has everything.
    Complete,
    /// A deadline has passed.
    Lapse,
}

/// The kinds of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// See [`Act::Ask`].
    Ask,
    /// See [`Act::Quote`].
    Quote,
    /// See [`Act::Place`].
    Place,
    /// See [`Act::Accept`].
    Accept,
    /// See [`Act::Decline`].
    Decline,
    /// See [`Act::Cancel`].
    Cancel,
    /// See [`Act::Pay`].
    Pay,
    /// See [`Act::Receipt`].
    Receipt,
    /// See [`Act::Fulfil`].
    Fulfil,
    /// See [`Act::Complete`].
    Complete,
    /// See [`Act::Lapse`].
    Lapse,
}

impl Deed {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Quote => "quote",
            Self::Place => "place",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
            Self::Pay => "pay",
            Self::Receipt => "receipt",
            Self::Fulfil => "fulfil",
            Self::Complete => "complete",
            Self::Lapse => "lapse",
        }
    }

    /// Which of two concurrent acts holds, least first: before a payment a lapse or a withdrawal hurts
    /// nobody, so it wins; a payment is weighed before this is asked.
    const fn rank(self) -> u8 {
        match self {
            Self::Lapse => 0,
            Self::Cancel => 1,
            Self::Decline => 2,
            _ => 3,
        }
    }
}

impl Act {
    /// Its kind.
    pub const fn deed(&self) -> Deed {
        match self {
            Self::Ask { .. } => Deed::Ask,
            Self::Quote(_) => Deed::Quote,
            Self::Place { .. } => Deed::Place,
            Self::Accept { .. } => Deed::Accept,
            Self::Decline { .. } => Deed::Decline,
            Self::Cancel => Deed::Cancel,
            Self::Pay { .. } => Deed::Pay,
            Self::Receipt(_) => Deed::Receipt,
            Self::Fulfil { .. } => Deed::Fulfil,
            Self::Complete => Deed::Complete,
            Self::Lapse => Deed::Lapse,
        }
    }
}

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who buys.
    Buyer,
    /// Who sells.
    Merchant,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The buyer has asked.
    Asked,
    /// The merchant has offered.
    Quoted,
    /// The buyer has ordered.
    Placed,
    /// The merchant has accepted.
    Accepted,
    /// The buyer has paid.
    Paid,
    /// The merchant has signed the receipt.
    Receipted,
    /// The goods are on their way.
    Fulfilled,
    /// Everything is done.
    Completed,
    /// The merchant did not want it.
    Declined,
    /// The buyer took it back.
    Cancelled,
    /// A deadline passed.
    Lapsed,
}

impl State {
    /// Every state.
    pub const ALL: [State; 11] = [
        Self::Asked,
        Self::Quoted,
        Self::Placed,
        Self::Accepted,
        Self::Paid,
        Self::Receipted,
        Self::Fulfilled,
        Self::Completed,
        Self::Declined,
        Self::Cancelled,
        Self::Lapsed,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Quoted => "quoted",
            Self::Placed => "placed",
            Self::Accepted => "accepted",
            Self::Paid => "paid",
            Self::Receipted => "receipted",
            Self::Fulfilled => "fulfilled",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
        }
    }

    /// Whether nothing can follow.
    pub fn is_over(self) -> bool {
        !TABLE.iter().any(|(state, ..)| *state == self)
    }

    /// Whether stock is kept for the order.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Quoted | Self::Placed)
    }
}

/// The one table: in which state who may do what, and what follows. `spec/order.md` prints it.
pub const TABLE: &[(State, Deed, Role, State)] = &[
    (State::Asked, Deed::Quote, Role::Merchant, State::Quoted),
    (State::Asked, Deed::Decline, Role::Merchant, State::Declined),
    (State::Asked, Deed::Cancel, Role::Buyer, State::Cancelled),
    (State::Quoted, Deed::Place, Role::Buyer, State::Placed),
    (State::Quoted, Deed::Decline, Role::Merchant, State::Declined),
    (State::Quoted, Deed::Cancel, Role::Buyer, State::Cancelled),
    (State::Quoted, Deed::Lapse, Role::Merchant, State::Lapsed),
    (State::Placed, Deed::Accept, Role::Merchant, State::Accepted),
    (State::Placed, Deed::Decline, Role::Merchant, State::Declined),
    (State::Placed, Deed::Cancel, Role::Buyer, State::Cancelled),
    (State::Placed, Deed::Lapse, Role::Buyer, State::Lapsed),
    (State::Accepted, Deed::Pay, Role::Buyer, State::Paid),
    (State::Accepted, Deed::Lapse, Role::Merchant, State::Lapsed),
    (State::Paid, Deed::Receipt, Role::Merchant, State::Receipted),
    (State::Paid, Deed::Lapse, Role::Buyer, State::Lapsed),
    (State::Receipted, Deed::Fulfil, Role::Merchant, State::Fulfilled),
    (State::Receipted, Deed::Lapse, Role::Buyer, State::Lapsed),
    (State::Fulfilled, Deed::Complete, Role::Buyer, State::Completed),
    (State::Fulfilled, Deed::Lapse, Role::Merchant, State::Completed),
];

/// What follows when a role does something in a state; nothing if it may not.
pub fn next_state(state: State, deed: Deed, role: Role) -> Option<State> {
    let row = TABLE
        .iter()
        .find(|(from, what, who, _)| *from == state && *what == deed && *who == role);
    row.map(|(.., to)| *to)
}

/// A message as it was kept.
#[derive(Debug, Clone, Copy)]
pub struct Filed<'a> {
    /// Its envelope.
    pub id: EnvelopeId,
    /// Who signed it.
    pub author: AuthorId,
    /// When, as its author says.
    pub time: Hybrid,
    /// What it says.
    pub message: &'a OrderMessage,
}

/// When a deadline passes, who may then sign a lapse, and what that leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: Role,
    /// The state after it.
    pub then: State,
}

/// One message that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Its envelope.
    pub id: EnvelopeId,
    /// Who signed it.
    pub by: Role,
    /// What it did.
    #[serde(serialize_with = "deed_name")]
    pub act: Deed,
    /// When, as its author says.
    pub time: Hybrid,
}

fn deed_name<S: serde::Serializer>(deed: &Deed, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(deed.name())
}

/// An order as its messages tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Who buys.
    pub buyer: AuthorId,
    /// Who sells.
    pub merchant: AuthorId,
    /// Where it stands.
    pub state: State,
    /// What is wanted.
    pub lines: List<Line, ORDER_LINES_MAX>,
    /// Where to.
    pub country: Country,
    /// The offer.
    pub quote: Option<Quote>,
    /// The chosen way to pay.
    pub rail: Option<Rail>,
    /// Where to deliver.
    pub address: List<Name, ADDRESS_LINES_MAX>,
    /// How to pay.
    pub instruction: Option<Instruction>,
    /// What shows the payment.
    pub proof: Option<Proof>,
    /// The merchant's receipt.
    pub receipt: Option<Receipt>,
    /// Carrier and tracking number.
    pub tracking: Option<(Name, Name)>,
    /// Why the merchant declined.
    pub reason: Option<Prose>,
    /// The messages that count, in order.
    pub history: Vec<Done>,
    /// Messages that are kept and do not count.
    pub losing: BTreeSet<EnvelopeId>,
}

/// Why something cannot be done with an order now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// The first message is not here.
    #[error("the first message of the order is not here")]
    NoAsk,
    /// The table has no such row.
    #[error("the order is {}; the {} cannot {} it now", state.name(), role_name(*role), deed.name())]
    NotNow {
        /// Where it stands.
        state: State,
        /// What was tried.
        deed: Deed,
        /// By whom.
        role: Role,
    },
    /// The deadline has not passed.
    #[error("the deadline passes at {at:?}; until then nothing lapses")]
    TooEarly {
        /// When it passes.
        at: Timestamp,
    },
    /// The offer is over.
    #[error("the quote expired at {at:?}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// A detail does not fit what was signed before.
    #[error("{0}")]
    Detail(String),
    /// The order has as many messages as it may have.
    #[error("the order has {ORDER_MESSAGES_MAX} messages already")]
    TooMany,
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Buyer => "buyer",
        Role::Merchant => "merchant",
    }
}

impl Order {
    /// Reads an order from its messages, whichever of them are here and however often.
    pub fn fold<'a>(
        id: OrderId,
        messages: impl IntoIterator<Item = Filed<'a>>,
    ) -> Result<Self, OrderRefusal> {
        let mut next: BTreeMap<EnvelopeId, BTreeMap<EnvelopeId, Filed<'a>>> = BTreeMap::new();
        let mut ask = None;
        let mut all = BTreeSet::new();
        for filed in messages {
            if filed.message.order.is_none() && OrderId::from(filed.id) == id {
                ask = Some(filed);
                all.insert(filed.id);
            } else if let (Some(of), Some(after)) = (filed.message.order, filed.message.after)
                && of == id
            {
                next.entry(after).or_default().insert(filed.id, filed);
                all.insert(filed.id);
            }
        }
        let order = Self::begin(id, &ask.ok_or(OrderRefusal::NoAsk)?)?;
        let mut order = order.follow(&next);
        let counted: BTreeSet<EnvelopeId> = order.history.iter().map(|done| done.id).collect();
        order.losing = all.difference(&counted).copied().collect();
        Ok(order)
    }

    /// The order that a first message opens.
    pub fn begin(id: OrderId, ask: &Filed<'_>) -> Result<Self, OrderRefusal> {
        let Act::Ask { lines, country, .. } = &ask.message.act else {
            return Err(OrderRefusal::NoAsk);
        };
        if ask.message.after.is_some() || ask.message.order.is_some() || ask.author == ask.message.to {
            return Err(OrderRefusal::Detail(
                "an order starts with a question to somebody else".into(),
            ));
        }
        let units = |line: &Line| line.units > 0 && line.units <= ORDER_UNITS_MAX;
        if lines.is_empty() || !lines.iter().all(units) {
            let words = format!("expected lines of 1 to {ORDER_UNITS_MAX} units");
            return Err(OrderRefusal::Detail(words));
        }
        let done = Done {
            id: ask.id,
            by: Role::Buyer,
            act: Deed::Ask,
            time: ask.time,
        };
        Ok(Self {
            id,
            buyer: ask.author,
            merchant: ask.message.to,
            state: State::Asked,
            lines: lines.clone(),
            country: *country,
            quote: None,
            rail: None,
            address: List::default(),
            instruction: None,
            proof: None,
            receipt: None,
            tracking: None,
            reason: None,
            history: vec![done],
            losing: BTreeSet::new(),
        })
    }

    /// Goes on along the branch that holds.
    fn follow(self, next: &BTreeMap<EnvelopeId, BTreeMap<EnvelopeId, Filed<'_>>>) -> Self {
        if self.history.len() >= ORDER_MESSAGES_MAX {
            return self;
        }
        let branches = next
            .get(&self.head())
            .into_iter()
            .flatten()
            .filter_map(|(id, filed)| {
                let order = self.after(filed).ok()?.follow(next);
                // A branch in which money moved holds against one in which none did.
                let paid = order.history.iter().any(|done| done.act == Deed::Pay);
                Some(((!paid, filed.message.act.deed().rank(), *id), order))
            });
        let best = branches.min_by_key(|(rank, _)| *rank).map(|(_, order)| order);
        best.unwrap_or(self)
    }

    /// The order after one more message, if it may follow.
    pub fn after(&self, filed: &Filed<'_>) -> Result<Self, OrderRefusal> {
        let role = self
            .role(&filed.author)
            .ok_or_else(|| OrderRefusal::Detail("a stranger signed it".into()))?;
        let other = if role == Role::Buyer {
            self.merchant
        } else {
            self.buyer
        };
        if filed.message.to != other || filed.message.after != Some(self.head()) {
            return Err(OrderRefusal::Detail(
                "it does not act upon the last message".into(),
            ));
        }
        if filed.time < self.head_time() {
            return Err(OrderRefusal::Detail(
                "it claims to be older than what it acts upon".into(),
            ));
        }
        let now = Timestamp(filed.time.wall_ms);
        let state = self.allows(role, &filed.message.act, now)?;
        let mut order = self.clone();
        order.state = state;
        let done = Done {
            id: filed.id,
            by: role,
            act: filed.message.act.deed(),
            time: filed.time,
        };
        order.history.push(done);
        match filed.message.act.clone() {
            Act::Quote(quote) => order.quote = Some(*quote),
            Act::Place { rail, address } => (order.rail, order.address) = (Some(rail), address),
            Act::Accept { instruction } => order.instruction = Some(instruction),
            Act::Decline { reason } => order.reason = Some(reason),
            Act::Pay { proof } => order.proof = Some(proof),
            Act::Receipt(receipt) => order.receipt = Some(*receipt),
            Act::Fulfil { carrier, tracking } => order.tracking = Some((carrier, tracking)),
            Act::Ask { .. } | Act::Cancel | Act::Complete | Act::Lapse => {}
        }
        Ok(order)
    }

    /// The state after an act that a role states at a time, or why it may not.
    pub fn allows(&self, role: Role, act: &Act, now: Timestamp) -> Result<State, OrderRefusal> {
        let deed = act.deed();
        let state = next_state(self.state, deed, role);
        let state = state.ok_or(OrderRefusal::NotNow {
            state: self.state,
            deed,
            role,
        })?;
        if self.history.len() >= ORDER_MESSAGES_MAX {
            return Err(OrderRefusal::TooMany);
        }
        let quote = || self.quote.as_ref().ok_or_else(|| detail("there is no quote"));
        match act {
            Act::Quote(quote) => self.fits_question(quote)?,
            Act::Place { rail, .. } => {
                let quote = quote()?;
                if now > quote.expires {
                    return Err(OrderRefusal::Expired { at: quote.expires });
                }
                if !quote.rails.contains(rail) {
                    return Err(detail("the merchant does not take this way to pay"));
                }
            }
            Act::Accept { instruction } if Some(instruction.rail()) != self.rail => {
                return Err(detail(
                    "the instruction is for another way to pay than the buyer chose",
                ));
            }
            Act::Pay { proof } => self.fits_instruction(proof)?,
            Act::Receipt(receipt) => self.fits_payment(quote()?, receipt)?,
            Act::Lapse => {
                let deadline = self.deadline().ok_or_else(|| detail("nothing can lapse now"))?;
                if now <= deadline.at {
                    return Err(OrderRefusal::TooEarly { at: deadline.at });
                }
            }
            _ => {}
        }
        Ok(state)
    }

    fn fits_question(&self, quote: &Quote) -> Result<(), OrderRefusal> {
        quote
            .check()
            .map_err(|error| OrderRefusal::Detail(error.to_string()))?;
        let asked = self
            .lines
            .iter()
            .map(|line| (line.listing, line.variant, line.units));
        let offered = quote
            .lines
            .iter()
            .map(|line| (line.listing, line.variant, line.units));
        if !asked.eq(offered) {
            return Err(detail("the quote is for other things than were asked for"));
        }
        const { assert!(RAILS_MAX > 0) };
        if quote.rails.is_empty() {
            return Err(detail("the quote names no way to pay"));
        }
        Ok(())
    }

    fn fits_instruction(&self, proof: &Proof) -> Result<(), OrderRefusal> {
        match (&self.instruction, proof) {
            (Some(Instruction::Tab { tab }), Proof::Tab { tab: paid, .. }) if tab == paid => Ok(()),
            (Some(Instruction::Manual { .. }), Proof::Manual { .. }) => Ok(()),
            _ => Err(detail("the payment was made another way than the merchant named")),
        }
    }

    fn fits_payment(&self, quote: &Quote, receipt: &Receipt) -> Result<(), OrderRefusal> {
        let amount = (receipt.total_minor, receipt.currency) == (quote.total_minor, quote.currency);
        if !amount || Some(receipt.rail) != self.rail {
            return Err(detail(
                "the receipt is for another payment than the quote asks for",
            ));
        }
        let wanted: BTreeSet<ListingId> = quote.lines.iter().map(|line| line.listing).collect();
        let receipted: BTreeSet<ListingId> = receipt.public.iter().map(|public| public.listing).collect();
        let ours = receipt.public.iter().all(|public| {
            public.merchant == self.merchant
                && public.buyer == self.buyer
                && public.token == Token::of(&self.id, &public.listing)
        });
        match ours && wanted == receipted && receipt.public.len() == wanted.len() {
            true => Ok(()),
            false => Err(detail("the receipt's public halves are not those of this order")),
        }
    }

    /// The deadline that runs now, from what was signed. Silence until then lets `who` sign a lapse.
    pub fn deadline(&self) -> Option<Deadline> {
        let quote = self.quote.as_ref()?;
        let since = Timestamp(self.head_time().wall_ms);
        let of = quote.deadlines;
        let (at, who, then) = match self.state {
            State::Quoted => (quote.expires, Role::Merchant, State::Lapsed),
            State::Placed => (since.plus_ms(of.accept_ms), Role::Buyer, State::Lapsed),
            State::Accepted => (since.plus_ms(of.pay_ms), Role::Merchant, State::Lapsed),
            State::Paid => (since.plus_ms(of.receipt_ms), Role::Buyer, State::Lapsed),
            State::Receipted => (since.plus_ms(of.fulfil_ms), Role::Buyer, State::Lapsed),
            State::Fulfilled => (since.plus_ms(of.complete_ms), Role::Merchant, State::Completed),
            _ => return None,
        };
        Some(Deadline { at, who, then })
    }

    /// The message that the next one acts upon.
    pub fn head(&self) -> EnvelopeId {
        self.history
            .last()
            .map_or(EnvelopeId::from_bytes(*self.id.as_bytes()), |done| done.id)
    }

    /// When that message was signed, as its author says.
    pub fn head_time(&self) -> Hybrid {
        self.history.last().map_or(Hybrid::default(), |done| done.time)
    }

    /// The side that an author is on.
    pub fn role(&self, author: &AuthorId) -> Option<Role> {
        match *author {
            author if author == self.buyer => Some(Role::Buyer),
            author if author == self.merchant => Some(Role::Merchant),
            _ => None,
        }
    }

    /// What is to be paid, once it was quoted.
    pub fn total(&self) -> Option<Amount> {
        self.quote.as_ref().map(Quote::total)
    }

    /// Whether the buyer paid for something that will not come: the merchant owes it back.
    pub fn refund_due(&self) -> bool {
        self.state == State::Lapsed && self.proof.is_some()
    }

    /// What a side may do now, lapses that are not due yet left out.
    pub fn open_to(&self, role: Role, now: Timestamp) -> Vec<Deed> {
        let due = self.deadline().is_some_and(|deadline| now > deadline.at);
        let rows = TABLE.iter().filter(|(state, deed, who, _)| {
            *state == self.state && *who == role && (*deed != Deed::Lapse || due)
        });
        rows.map(|(_, deed, ..)| *deed).collect()
    }
}

fn detail(words: &str) -> OrderRefusal {
    OrderRefusal::Detail(words.to_owned())
}
