//! A tab: who owes whom between two people in one currency, as a chain of states that both sign. No
//! coin, bank or server; what one is owed the other owes, and the most that anyone can lose is the
//! limit that they granted.
//!
//! One side proposes a state, the other agrees; with both signatures it stands. The low side (by
//! author id) proposes odd numbers and the high one even ones, each a number greater than any that it
//! signed before, so nobody ever signs two states of one number, and a restart from what was written
//! down before it was said changes nothing. When both propose upon one state at once the greater
//! number wins and the other is abandoned; its change can be proposed again upon the new state.
//!
//! The fold reads nothing but the set of messages. A state that both signed can be undone only by
//! contradictions of both: its proposer signed a greater number upon the same state before, and the
//! other had refused it or signed a greater number too. So neither side alone can take back what
//! stands, nor revive what it gave up. Described in `spec/settlement.md`.

mod ledger;
mod message;
mod state;

pub use ledger::Ledger;
pub use message::{Reason, TabAct, TabMessage};
pub use state::{Book, Change, Hold, Parties, Side, TabState};

use crate::codec::CodecError;
use crate::filed::Filed;
use crate::id::{AuthorId, EnvelopeId, OrderId};
use crate::limits::TAB_REOPEN_GAP;
use crate::money::{Amount, MoneyError};
use crate::settlement::Proof;
use crate::time::Timestamp;
use ledger::Proposal;
use std::collections::BTreeMap;

/// Why a tab does not change. Says what to do instead, where something can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TabRefusal {
    /// One author on both sides.
    #[error("a tab needs two people")]
    Alone,
    /// Somebody who is on neither side.
    #[error("{0} has no part in this tab")]
    Stranger(AuthorId),
    /// Not a state that follows from the one before.
    #[error("the state does not follow from the one that it names")]
    Invalid,
    /// A number that is not greater than the one before, or far too great.
    #[error("expected a number soon after {before}, got {actual}")]
    Number {
        /// Number of the state before.
        before: u64,
        /// The number given.
        actual: u64,
    },
    /// A change that the other side must propose.
    #[error("only {expected} may propose this, not {actual}")]
    NotYours {
        /// Who may.
        expected: AuthorId,
        /// Who did.
        actual: AuthorId,
    },
    /// An amount below the least, or beyond what the protocol allows.
    #[error("expected an amount of at least {least} minor units and within limits, got {actual}")]
    Amount {
        /// The least.
        least: i64,
        /// The amount given.
        actual: i64,
    },
    /// More than the granted limit.
    #[error(
        "{payer} has {left} of credit left, this takes {asked}; ask for a higher limit or pay another way"
    )]
    OverLimit {
        /// Who would owe.
        payer: AuthorId,
        /// How much more it may owe.
        left: Amount,
        /// By how much its debt would grow.
        asked: Amount,
    },
    /// A hold that is not there.
    #[error("the tab holds nothing under number {0}")]
    UnknownHold(u64),
    /// A hold that its payee may still capture.
    #[error("the hold is the payee's until {deadline:?}, it is {stated:?}")]
    HoldNotOver {
        /// Until when.
        deadline: Timestamp,
        /// The time stated.
        stated: Timestamp,
    },
    /// Too much set aside at once.
    #[error(
        "the tab has {} holds already; release one first",
        crate::limits::TAB_HOLDS_MAX
    )]
    TooManyHolds,
    /// An order that is paid, or has an amount set aside, already.
    #[error("{0} is paid or has an amount set aside already; an order is paid once")]
    AlreadyPaid(OrderId),
    /// A refund of what was not paid to who refunds.
    #[error("{0} was not paid to you on this tab, so it cannot be refunded here")]
    NotPaid(OrderId),
    /// Refunds beyond what was paid.
    #[error("at most {left} of this order can still be refunded, not {asked}")]
    OverRefund {
        /// What was paid less what was refunded.
        left: Amount,
        /// The refund.
        asked: Amount,
    },
    /// A proposal waits for its answer.
    #[error("the proposal {0} waits for an answer; try again when it is answered")]
    Waiting(EnvelopeId),
    /// Not a proposal that can be answered by this side now.
    #[error("{0} is no proposal that waits for your answer")]
    NotPending(EnvelopeId),
    /// An amount that cannot be.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A state that cannot be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// An order's payment on a tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Who paid.
    pub payer: AuthorId,
    /// How much.
    pub amount: Amount,
    /// How much of it was given back.
    pub refunded: Amount,
    /// The envelope that proposed it.
    pub propose: EnvelopeId,
    /// The envelope that agreed to it.
    pub agree: EnvelopeId,
    /// The number of the state that made it.
    pub seq: u64,
}

impl Payment {
    /// The buyer's proof of it, for the order.
    pub const fn proof(&self) -> Proof {
        Proof::Tab {
            propose: self.propose,
            agree: self.agree,
            seq: self.seq,
        }
    }
}

/// How a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Both signed, and it counts.
    Agreed,
    /// It waits for the other side's answer.
    Pending,
    /// The other side said no.
    Refused,
    /// A greater number upon the same state won.
    Crossed,
    /// It builds upon a state that is not the newest.
    Stale,
    /// It builds upon a state that is not known here (yet).
    Ahead,
    /// It does not follow from the state that it builds upon.
    Invalid,
}

/// What a node may do with a proposal without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Countersign: it favours this side, or pays it for an order that it knows.
    Agree,
    /// Say no.
    Refuse(Reason),
    /// Ask the owner: it costs this side something.
    NeedsDecision,
    /// Say nothing: it is answered already, this side's own, or builds upon something unknown.
    Nothing,
}

/// A tab as a set of messages tells it. Equal sets give equal tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Between whom, in what.
    pub parties: Parties,
    /// The newest state that both signed; none as long as there is none.
    pub agreed: Option<TabState>,
    /// The envelopes that proposed it and agreed to it.
    pub agreed_by: Option<(EnvelopeId, EnvelopeId)>,
    /// The proposal that waits for an answer.
    pub pending: Option<(EnvelopeId, TabState)>,
    /// Changes upon the newest state that the other side said no to: who proposed each, and why not.
    pub refused: Vec<Refused>,
    /// Orders paid on this tab.
    pub paid: BTreeMap<OrderId, Payment>,
    /// How every proposal stands.
    pub standing: BTreeMap<EnvelopeId, Standing>,
    /// The greatest number that the low and the high side signed, in whatever state.
    signed: [u64; 2],
    /// The greatest number proposed upon the newest state.
    proposed: u64,
    /// Who made each proposal.
    proposers: BTreeMap<EnvelopeId, Side>,
}

/// A change that was proposed upon the newest state and refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who proposed it.
    pub by: AuthorId,
    /// The change.
    pub change: Change,
    /// The other side's reason.
    pub reason: Reason,
}

impl Tab {
    /// Reads a tab from its messages, in any order and number. What belongs to another tab, is signed
    /// by nobody of the two, or does not follow changes nothing.
    pub fn fold<'a>(
        parties: Parties,
        messages: impl IntoIterator<Item = Filed<'a, TabMessage>>,
    ) -> Result<Self, TabRefusal> {
        Ok(Ledger::fold(parties, messages)?.into_tab())
    }

    fn empty(parties: Parties) -> Self {
        Self {
            parties,
            agreed: None,
            agreed_by: None,
            pending: None,
            refused: Vec::new(),
            paid: BTreeMap::new(),
            standing: BTreeMap::new(),
            signed: [0; 2],
            proposed: 0,
            proposers: BTreeMap::new(),
        }
    }

    /// The proposals upon the newest state that follow from it; the others are marked invalid.
    fn valid<'p>(&mut self, proposals: &[&'p Proposal]) -> Vec<&'p Proposal> {
        let mut valid = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            let change = proposal.state.change.clone();
            match self.derive(proposal.state.seq, change, proposal.at) {
                Ok(state) if state == proposal.state => valid.push(*proposal),
                _ if proposal.refused.is_some() => {}
                _ => {
                    self.standing.insert(proposal.id, Standing::Invalid);
                }
            }
        }
        valid
    }

    /// The state that follows from the newest one by a change, order's payments included.
    fn derive(&self, seq: u64, change: Change, at: Timestamp) -> Result<TabState, TabRefusal> {
        self.check_orders(&change)?;
        TabState::next(self.parties, self.agreed.as_ref(), seq, change, at)
    }

    /// An order is paid once, and at most that is refunded, by who was paid.
    fn check_orders(&self, change: &Change) -> Result<(), TabRefusal> {
        match change {
            Change::Pay { order, .. } | Change::Hold { order, .. } => {
                let mut held = self.agreed.iter().flat_map(|state| &state.book.holds);
                match self.paid.contains_key(order) || held.any(|hold| hold.order == *order) {
                    true => Err(TabRefusal::AlreadyPaid(*order)),
                    false => Ok(()),
                }
            }
            Change::Refund {
                order,
                from,
                amount_minor,
            } => {
                let payment = self.paid.get(order).filter(|payment| payment.payer != *from);
                let payment = payment.ok_or(TabRefusal::NotPaid(*order))?;
                let left = payment.amount.minus(payment.refunded)?;
                match *amount_minor > left.minor {
                    true => Err(TabRefusal::OverRefund {
                        left,
                        asked: self.parties.amount(*amount_minor),
                    }),
                    false => Ok(()),
                }
            }
            Change::SetLimit { .. } | Change::Capture { .. } | Change::Release { .. } => Ok(()),
        }
    }

    /// Takes a proposal that both signed as the newest state.
    fn stand(&mut self, proposal: &Proposal) {
        let Some(agree) = proposal.agree else { return };
        let payment = |payer: AuthorId, amount_minor: i64| Payment {
            payer,
            amount: self.parties.amount(amount_minor),
            refunded: self.parties.amount(0),
            propose: proposal.id,
            agree,
            seq: proposal.state.seq,
        };
        match &proposal.state.change {
            Change::Pay {
                order,
                from,
                amount_minor,
            } => {
                let payment = payment(*from, *amount_minor);
                self.paid.insert(*order, payment);
            }
            Change::Capture { hold } => {
                let mut holds = self.agreed.iter().flat_map(|state| &state.book.holds);
                if let Some(hold) = holds.find(|held| held.id == *hold) {
                    let payment = payment(hold.payer, hold.amount_minor);
                    self.paid.insert(hold.order, payment);
                }
            }
            Change::Refund {
                order, amount_minor, ..
            } => {
                if let Some(payment) = self.paid.get_mut(order) {
                    payment.refunded.minor = payment.refunded.minor.saturating_add(*amount_minor);
                }
            }
            Change::SetLimit { .. } | Change::Hold { .. } | Change::Release { .. } => {}
        }
        self.standing.insert(proposal.id, Standing::Agreed);
        self.agreed = Some(proposal.state.clone());
        self.agreed_by = Some((proposal.id, agree));
    }

    /// Of all proposals upon the newest state only the one with the greatest number can be answered.
    fn look_for_pending(&mut self, siblings: &[&Proposal]) {
        let greatest = siblings.iter().max_by_key(|proposal| proposal.rank());
        for proposal in siblings {
            if let Some((_, reason)) = proposal.refused {
                self.refused.push(Refused {
                    by: self.parties.author(proposal.by),
                    change: proposal.state.change.clone(),
                    reason,
                });
                continue;
            }
            let open = greatest.is_some_and(|greatest| greatest.id == proposal.id);
            let standing = if open {
                Standing::Pending
            } else {
                Standing::Crossed
            };
            self.standing.insert(proposal.id, standing);
            if open {
                self.pending = Some((proposal.id, proposal.state.clone()));
            }
        }
        self.proposed = greatest.map_or(0, |proposal| proposal.state.seq);
    }

    /// What the other side owes an author; below 0 the author owes.
    pub fn balance(&self, author: &AuthorId) -> Result<Amount, TabRefusal> {
        self.parties.side(author)?;
        self.agreed
            .as_ref()
            .map_or(Ok(self.parties.amount(0)), |state| state.balance(author))
    }

    /// How much an author lets the other side owe it.
    pub fn limit(&self, granter: &AuthorId) -> Result<Amount, TabRefusal> {
        self.parties.side(granter)?;
        self.agreed
            .as_ref()
            .map_or(Ok(self.parties.amount(0)), |state| state.limit(granter))
    }

    /// How much more an author may owe the other side.
    pub fn credit_left(&self, payer: &AuthorId) -> Result<Amount, TabRefusal> {
        self.parties.side(payer)?;
        self.agreed
            .as_ref()
            .map_or(Ok(self.parties.amount(0)), |state| state.credit_left(payer))
    }

    /// Whether a proof names a payment of this amount for an order, by this payer, that stands.
    pub fn proves(&self, proof: &Proof, order: &OrderId, payer: &AuthorId, amount: Amount) -> bool {
        self.paid.get(order).is_some_and(|payment| {
            payment.proof() == *proof && payment.payer == *payer && payment.amount == amount
        })
    }

    /// The greatest number that a side signed, in whatever state.
    pub fn signed(&self, author: &AuthorId) -> Result<u64, TabRefusal> {
        let side = self.parties.side(author)?;
        Ok(self.signed.get(side as usize).copied().unwrap_or(0))
    }

    /// The proposal of a change by one side, to be sealed, kept and then sent. Refused as long as a
    /// proposal of either side waits for its answer. `at` is what its envelope will state.
    pub fn propose(&self, me: &AuthorId, change: Change, at: Timestamp) -> Result<TabMessage, TabRefusal> {
        let side = self.parties.side(me)?;
        if let Some((id, _)) = &self.pending {
            return Err(TabRefusal::Waiting(*id));
        }
        let newest = self.agreed.as_ref().map_or(0, |state| state.seq);
        let seq = side.seq_after(newest.max(self.proposed).max(self.signed(me)?));
        let state = Box::new(self.derive(seq, change, at)?);
        Ok(self.message(side, TabAct::Propose { state }))
    }

    /// The proposal by which a side that lost its memory takes a tab up again: its own limit as it is,
    /// under a number far above all that are known, so above all that it ever signed. It is made though a
    /// proposal waits, and outbids it.
    pub fn reopen(&self, me: &AuthorId, at: Timestamp) -> Result<TabMessage, TabRefusal> {
        let side = self.parties.side(me)?;
        let newest = self.agreed.as_ref().map_or(0, |state| state.seq);
        let known = newest.max(self.proposed).max(self.signed[0]).max(self.signed[1]);
        let seq = side.seq_after(known.saturating_add(TAB_REOPEN_GAP));
        let limit_minor = self.limit(me)?.minor;
        let state = Box::new(self.derive(seq, Change::SetLimit { by: *me, limit_minor }, at)?);
        Ok(self.message(side, TabAct::Propose { state }))
    }

    /// What one side may say to a proposal without asking its owner. `owed` is what the other side is
    /// to pay now for an order, on this tab, as this side knows it; none if nothing. Never agrees to
    /// what raises what this side may lose beyond the limit that it granted.
    pub fn answer(
        &self,
        me: &AuthorId,
        propose: &EnvelopeId,
        owed: impl Fn(&OrderId) -> Option<Amount>,
    ) -> Answer {
        match (self.standing.get(propose), &self.pending) {
            (Some(Standing::Pending), Some((_, state))) => self.judge(me, state, owed),
            (Some(Standing::Crossed), _) => self.refuse_theirs(me, propose, Reason::Crossed),
            (Some(Standing::Stale), _) => self.refuse_theirs(me, propose, Reason::Stale),
            (Some(Standing::Invalid), _) => self.refuse_theirs(me, propose, Reason::Invalid),
            _ => Answer::Nothing,
        }
    }

    fn judge(&self, me: &AuthorId, state: &TabState, owed: impl Fn(&OrderId) -> Option<Amount>) -> Answer {
        let (Ok(side), Ok(signed)) = (self.parties.side(me), self.signed(me)) else {
            return Answer::Nothing;
        };
        if Side::of_seq(state.seq) == side {
            return Answer::Nothing;
        }
        if state.seq <= signed {
            return Answer::Refuse(Reason::Crossed);
        }
        match &state.change {
            // Of what the other side lets me owe, or gives me back, or sets free for me.
            Change::SetLimit { .. } | Change::Refund { .. } => Answer::Agree,
            // The payee gives up, or the deadline that both signed has passed.
            Change::Release { .. } => Answer::Agree,
            Change::Pay {
                order, amount_minor, ..
            }
            | Change::Hold {
                order, amount_minor, ..
            } => match owed(order) {
                None => Answer::Refuse(Reason::UnknownOrder),
                Some(amount) if amount == self.parties.amount(*amount_minor) => Answer::Agree,
                Some(_) => Answer::Refuse(Reason::WrongAmount),
            },
            Change::Capture { .. } => Answer::NeedsDecision,
        }
    }

    fn refuse_theirs(&self, me: &AuthorId, propose: &EnvelopeId, reason: Reason) -> Answer {
        match self.is_theirs(me, propose) {
            true => Answer::Refuse(reason),
            false => Answer::Nothing,
        }
    }

    fn is_theirs(&self, me: &AuthorId, propose: &EnvelopeId) -> bool {
        self.parties
            .side(me)
            .is_ok_and(|side| self.proposers.get(propose) == Some(&side.other()))
    }

    /// This side's signature under the pending proposal of the other.
    pub fn agree(&self, me: &AuthorId, propose: &EnvelopeId) -> Result<TabMessage, TabRefusal> {
        let side = self.parties.side(me)?;
        match &self.pending {
            Some((id, state))
                if id == propose && Side::of_seq(state.seq) != side && state.seq > self.signed(me)? =>
            {
                let act = TabAct::Agree {
                    propose: *id,
                    state: state.id()?,
                };
                Ok(self.message(side, act))
            }
            _ => Err(TabRefusal::NotPending(*propose)),
        }
    }

    /// This side's no to a proposal of the other that does not stand.
    pub fn refuse(
        &self,
        me: &AuthorId,
        propose: &EnvelopeId,
        reason: Reason,
    ) -> Result<TabMessage, TabRefusal> {
        let side = self.parties.side(me)?;
        match self.standing.get(propose) {
            Some(Standing::Agreed | Standing::Refused) | None => Err(TabRefusal::NotPending(*propose)),
            Some(_) if !self.is_theirs(me, propose) => Err(TabRefusal::NotPending(*propose)),
            Some(_) => Ok(self.message(
                side,
                TabAct::Refuse {
                    propose: *propose,
                    reason,
                },
            )),
        }
    }

    fn message(&self, from: Side, act: TabAct) -> TabMessage {
        TabMessage {
            tab: self.parties.tab(),
            to: self.parties.author(from.other()),
            act,
        }
    }
}
