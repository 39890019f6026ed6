//! One state of a tab, and how the next one follows from it. A state is never taken from the wire as
//! it is: whoever reads one works it out again from the state before and the change, so nothing can
//! slip in beside the change.

use super::TabRefusal;
use crate::codec;
use crate::id::{AuthorId, OrderId, StateId, TabId};
use crate::limits::{AMOUNT_MINOR_MAX, TAB_GAP_MAX, TAB_HOLDS_MAX};
use crate::money::{Amount, Currency};
use crate::text::List;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The two authors of a tab, by their ids, and its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawParties")]
pub struct Parties {
    low: AuthorId,
    high: AuthorId,
    currency: Currency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParties {
    low: AuthorId,
    high: AuthorId,
    currency: Currency,
}

impl TryFrom<RawParties> for Parties {
    type Error = TabRefusal;
    fn try_from(raw: RawParties) -> Result<Self, TabRefusal> {
        match raw.low < raw.high {
            true => Self::new(raw.low, raw.high, raw.currency),
            false => Err(TabRefusal::Invalid),
        }
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The author with the smaller id. Proposes odd numbers.
    Low,
    /// The author with the greater id. Proposes even numbers.
    High,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
    /// Who proposes states of this number.
    pub const fn of_seq(seq: u64) -> Self {
        match seq % 2 {
            1 => Self::Low,
            _ => Self::High,
        }
    }
    /// The smallest number of this side that is greater than `seq`.
    pub const fn seq_after(self, seq: u64) -> u64 {
        let following = seq.saturating_add(1);
        match (Self::of_seq(following), self) {
            (Self::Low, Self::Low) | (Self::High, Self::High) => following,
            _ => following.saturating_add(1),
        }
    }
}

impl Parties {
    /// The parties of the tab between two authors, whichever is named first.
    pub fn new(one: AuthorId, other: AuthorId, currency: Currency) -> Result<Self, TabRefusal> {
        if one == other {
            return Err(TabRefusal::Alone);
        }
        Ok(Self {
            low: one.min(other),
            high: one.max(other),
            currency,
        })
    }
    /// The tab.
    pub fn tab(&self) -> TabId {
        TabId::of(&self.low, &self.high, self.currency.code())
    }
    /// Its currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }
    /// On which side an author is.
    pub fn side(&self, author: &AuthorId) -> Result<Side, TabRefusal> {
        match author {
            _ if *author == self.low => Ok(Side::Low),
            _ if *author == self.high => Ok(Side::High),
            _ => Err(TabRefusal::Stranger(*author)),
        }
    }
    /// Who is on a side.
    pub const fn author(&self, side: Side) -> AuthorId {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }
    /// The author who is not this one.
    pub fn other(&self, author: &AuthorId) -> Result<AuthorId, TabRefusal> {
        Ok(self.author(self.side(author)?.other()))
    }
    /// An amount in the tab's currency.
    pub(super) const fn amount(&self, minor: i64) -> Amount {
        Amount {
            minor,
            currency: self.currency,
        }
    }
}

/// What happens to a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// One side sets how much the other may owe it. Proposed by that side.
    SetLimit {
        /// Who grants.
        by: AuthorId,
        /// How much, at least 0.
        limit_minor: i64,
    },
    /// An order is paid. Proposed by the payer.
    Pay {
        /// Which order. Each can be paid once.
        order: OrderId,
        /// The payer.
        from: AuthorId,
        /// How much, at least 0.
        amount_minor: i64,
    },
    /// A payment is given back, whole or in part. Proposed by who gives it.
    Refund {
        /// Of which order.
        order: OrderId,
        /// Who was paid and gives back.
        from: AuthorId,
        /// How much, at least 1, all refunds together at most what was paid.
        amount_minor: i64,
    },
    /// An amount is set aside for an order. Proposed by the payer.
    Hold {
        /// Which order.
        order: OrderId,
        /// The payer.
        from: AuthorId,
        /// How much, at least 1.
        amount_minor: i64,
        /// When the payer may release it without the payee having done so.
        deadline: Timestamp,
    },
    /// What was set aside becomes the order's payment. Proposed by the payee.
    Capture {
        /// The number of the state that set it aside.
        hold: u64,
    },
    /// What was set aside is free again. Proposed by the payee, past the deadline also by the payer.
    Release {
        /// The number of the state that set it aside.
        hold: u64,
    },
}

/// An amount that is set aside: it counts as owed for limits, and not yet as paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The number of the state that set it aside.
    pub id: u64,
    /// For which order.
    pub order: OrderId,
    /// How much.
    pub amount_minor: i64,
    /// Who would pay.
    pub payer: AuthorId,
    /// When the payer may release it.
    pub deadline: Timestamp,
}

/// What a tab says: who owes what, who may owe how much, what is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// What the high side owes the low one; below 0 it is the other way round.
    pub balance_minor: i64,
    /// How much the low side lets the high one owe it.
    pub limit_low_minor: i64,
    /// How much the high side lets the low one owe it.
    pub limit_high_minor: i64,
    /// What is set aside, oldest first.
    pub holds: List<Hold, TAB_HOLDS_MAX>,
}

impl Book {
    /// What a side would owe if all that it set aside were captured: what limits speak of. Wide, so
    /// that no sum of what decodes can overflow.
    fn owes(&self, parties: &Parties, side: Side) -> i128 {
        let payer = parties.author(side);
        let held: i128 = self
            .holds
            .iter()
            .filter(|hold| hold.payer == payer)
            .map(|hold| i128::from(hold.amount_minor))
            .sum();
        held + match side {
            Side::High => i128::from(self.balance_minor),
            Side::Low => -i128::from(self.balance_minor),
        }
    }

    /// How much a side may owe: what the other one grants.
    const fn may_owe(&self, side: Side) -> i64 {
        match side {
            Side::High => self.limit_low_minor,
            Side::Low => self.limit_high_minor,
        }
    }

    fn credit_left(&self, parties: &Parties, side: Side) -> i64 {
        let left = i128::from(self.may_owe(side)) - self.owes(parties, side);
        i64::try_from(left.max(0)).unwrap_or(AMOUNT_MINOR_MAX)
    }

    /// The law of limits. What a side owes, holds included, is within its limit or has not grown. So
    /// a limit may be set below what is owed already: then it only stops growth.
    fn check_limits(&self, before: &Book, parties: &Parties) -> Result<(), TabRefusal> {
        for side in [Side::Low, Side::High] {
            let (owes, owed) = (self.owes(parties, side), before.owes(parties, side));
            if owes > i128::from(self.may_owe(side)) && owes > owed {
                return Err(TabRefusal::OverLimit {
                    payer: parties.author(side),
                    left: parties.amount(before.credit_left(parties, side)),
                    asked: parties.amount(i64::try_from(owes - owed).unwrap_or(i64::MAX)),
                });
            }
        }
        Ok(())
    }

    /// Moves money: what a payer gives raises what it owes, or lowers what it is owed.
    fn pay(&mut self, parties: &Parties, payer: Side, amount_minor: i64) -> Result<(), TabRefusal> {
        let moved = match payer {
            Side::High => self.balance_minor.checked_add(amount_minor),
            Side::Low => self.balance_minor.checked_sub(amount_minor),
        };
        let balance = moved.ok_or(crate::money::MoneyError::TooLarge)?;
        self.balance_minor = Amount::new(balance, parties.currency())?.minor;
        Ok(())
    }

    fn hold(&self, id: u64) -> Result<Hold, TabRefusal> {
        let found = self.holds.iter().find(|hold| hold.id == id);
        found.cloned().ok_or(TabRefusal::UnknownHold(id))
    }

    fn without(&self, id: u64) -> List<Hold, TAB_HOLDS_MAX> {
        let kept = self.holds.iter().filter(|hold| hold.id != id).cloned();
        List::new(kept.collect()).unwrap_or_default()
    }
}

/// One state of a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabState {
    /// Between whom, in what.
    pub parties: Parties,
    /// Its number: odd if the low side proposed it, even if the high one did.
    pub seq: u64,
    /// The state before; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<StateId>,
    /// What the tab says now.
    pub book: Book,
    /// How that came out of the state before.
    pub change: Change,
}

impl TabState {
    /// The state that follows from one (none: the tab is new) by a change, under a number, as stated
    /// at a time. Who proposes it is the side that the number belongs to. What the tab's history
    /// says of the order (paid already, refunded already) is for [`super::Tab`] to check.
    pub fn next(
        parties: Parties,
        prev: Option<&TabState>,
        seq: u64,
        change: Change,
        at: Timestamp,
    ) -> Result<Self, TabRefusal> {
        let before = prev.map_or(0, |state| state.seq);
        if prev.is_some_and(|state| state.parties != parties) {
            return Err(TabRefusal::Invalid);
        }
        if seq <= before || seq - before > TAB_GAP_MAX {
            return Err(TabRefusal::Number { before, actual: seq });
        }
        let old = prev.map(|state| state.book.clone()).unwrap_or_default();
        let book = apply(&parties, &old, seq, &change, at)?;
        book.check_limits(&old, &parties)?;
        Ok(Self {
            parties,
            seq,
            prev: prev.map(TabState::id).transpose()?,
            book,
            change,
        })
    }

    /// Its hash: what the other side signs, and what the next state names.
    pub fn id(&self) -> Result<StateId, TabRefusal> {
        Ok(StateId::of(&codec::encode(self)?))
    }

    /// What the other side owes an author; below 0 the author owes.
    pub fn balance(&self, author: &AuthorId) -> Result<Amount, TabRefusal> {
        Ok(self.parties.amount(match self.parties.side(author)? {
            Side::Low => self.book.balance_minor,
            Side::High => -self.book.balance_minor,
        }))
    }

    /// How much an author lets the other side owe it.
    pub fn limit(&self, granter: &AuthorId) -> Result<Amount, TabRefusal> {
        let payer = self.parties.side(granter)?.other();
        Ok(self.parties.amount(self.book.may_owe(payer)))
    }

    /// How much more an author may owe the other side.
    pub fn credit_left(&self, payer: &AuthorId) -> Result<Amount, TabRefusal> {
        let side = self.parties.side(payer)?;
        Ok(self.parties.amount(self.book.credit_left(&self.parties, side)))
    }
}

/// The change alone, by the side that the number belongs to; limits are checked after it.
fn apply(
    parties: &Parties,
    old: &Book,
    seq: u64,
    change: &Change,
    at: Timestamp,
) -> Result<Book, TabRefusal> {
    let proposer = Side::of_seq(seq);
    let mut book = old.clone();
    match change {
        Change::SetLimit { by, limit_minor } => {
            let granter = only(parties, proposer, parties.side(by)?)?;
            let limit = within(*limit_minor, 0)?;
            match granter {
                Side::Low => book.limit_low_minor = limit,
                Side::High => book.limit_high_minor = limit,
            }
        }
        Change::Pay {
            from, amount_minor, ..
        } => {
            let payer = only(parties, proposer, parties.side(from)?)?;
            book.pay(parties, payer, within(*amount_minor, 0)?)?;
        }
        Change::Refund {
            from, amount_minor, ..
        } => {
            let payee = only(parties, proposer, parties.side(from)?)?;
            book.pay(parties, payee, within(*amount_minor, 1)?)?;
        }
        Change::Hold {
            order,
            from,
            amount_minor,
            deadline,
        } => {
            only(parties, proposer, parties.side(from)?)?;
            let mut holds = old.holds.to_vec();
            holds.push(Hold {
                id: seq,
                order: *order,
                amount_minor: within(*amount_minor, 1)?,
                payer: *from,
                deadline: *deadline,
            });
            book.holds = List::new(holds).map_err(|_| TabRefusal::TooManyHolds)?;
        }
        Change::Capture { hold } => {
            let hold = old.hold(*hold)?;
            let payer = parties.side(&hold.payer)?;
            only(parties, proposer, payer.other())?;
            book.holds = old.without(hold.id);
            book.pay(parties, payer, hold.amount_minor)?;
        }
        Change::Release { hold } => {
            let hold = old.hold(*hold)?;
            if parties.side(&hold.payer)? == proposer && at < hold.deadline {
                return Err(TabRefusal::HoldNotOver {
                    deadline: hold.deadline,
                    stated: at,
                });
            }
            book.holds = old.without(hold.id);
        }
    }
    Ok(book)
}

fn only(parties: &Parties, proposer: Side, expected: Side) -> Result<Side, TabRefusal> {
    match proposer == expected {
        true => Ok(expected),
        false => Err(TabRefusal::NotYours {
            expected: parties.author(expected),
            actual: parties.author(proposer),
        }),
    }
}

fn within(minor: i64, least: i64) -> Result<i64, TabRefusal> {
    match (least..=AMOUNT_MINOR_MAX).contains(&minor) {
        true => Ok(minor),
        false => Err(TabRefusal::Amount { least, actual: minor }),
    }
}
