//! A tab: credit between two authors in one currency, as a chain of states that both sign.
//!
//! The most that a side can lose is the limit that it granted. Of the two authors `low` is the one
//! whose id sorts first; a positive balance is what `high` owes `low`. `low` proposes odd numbers and
//! `high` even ones, each the smallest greater than the number before, so nobody ever signs two states
//! of one number; of two proposals upon one state the greater number holds, and the other is made
//! again upon it. Described in `spec/settlement.md`.

use crate::codec::{self, CodecError};
use crate::id::{AuthorId, EnvelopeId, OrderId, TabId};
use crate::limits::{AMOUNT_MINOR_MAX, TAB_HOLDS_MAX};
use crate::money::{Amount, Currency};
use crate::text::{List, Prose};
use crate::time::{Hybrid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One message about a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabMessage {
    /// The other side.
    pub to: AuthorId,
    /// The tab.
    pub tab: TabId,
    /// What it does.
    pub act: TabAct,
}

/// What a message about a tab does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TabAct {
    /// Proposes the next state. Its author has signed it.
    Propose(Box<TabState>),
    /// Signs a proposed state too.
    Agree {
        /// The proposal.
        proposal: EnvelopeId,
        /// BLAKE3-256 of the state's bytes.
        state: StateHash,
    },
    /// Says no to a proposal, so that its author need not wait.
    Refuse {
        /// The proposal.
        proposal: EnvelopeId,
        /// Why.
        reason: Prose,
    },
}

/// BLAKE3-256 of the canonical bytes of a state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct StateHash([u8; 32]);

impl std::fmt::Display for StateHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for StateHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl TryFrom<serde_bytes::ByteBuf> for StateHash {
    type Error = String;
    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, String> {
        let length = bytes.len();
        bytes
            .into_vec()
            .try_into()
            .map(Self)
            .map_err(|_| format!("expected a hash of 32 bytes, got {length}"))
    }
}

impl From<StateHash> for serde_bytes::ByteBuf {
    fn from(hash: StateHash) -> Self {
        Self::from(hash.0)
    }
}

/// A state of a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabState {
    /// The author whose id sorts first.
    pub low: AuthorId,
    /// The other one.
    pub high: AuthorId,
    /// What all amounts are in.
    pub currency: Currency,
    /// Its number.
    pub seq: u64,
    /// The state before it; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<StateHash>,
    /// What `high` owes `low`, in minor units; negative: what `low` owes `high`.
    pub balance_minor: i64,
    /// How much `low` lets `high` owe.
    pub limit_low_minor: i64,
    /// How much `high` lets `low` owe.
    pub limit_high_minor: i64,
    /// Amounts set aside, by order.
    #[serde(default, skip_serializing_if = "no_holds")]
    pub holds: List<TabHold, TAB_HOLDS_MAX>,
    /// What made it of the state before.
    pub change: Change,
}

fn no_holds(holds: &List<TabHold, TAB_HOLDS_MAX>) -> bool {
    holds.is_empty()
}

/// An amount set aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabHold {
    /// For which order.
    pub order: OrderId,
    /// Who would pay.
    pub from: AuthorId,
    /// How much, in minor units.
    pub minor: i64,
    /// From when on the payer may release it alone.
    pub until: Timestamp,
}

/// What one state makes of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The proposer lets the other side owe so much.
    Limit {
        /// How much, in minor units.
        minor: i64,
    },
    /// The proposer pays for an order.
    Pay {
        /// Which.
        order: OrderId,
        /// How much, in minor units.
        minor: i64,
    },
    /// The proposer gives back (part of) what was paid for an order.
    Refund {
        /// Which.
        order: OrderId,
        /// How much, in minor units.
        minor: i64,
    },
    /// The proposer sets an amount aside for an order.
    Hold {
        /// Which.
        order: OrderId,
        /// How much, in minor units.
        minor: i64,
        /// From when on the proposer may take it back alone.
        until: Timestamp,
    },
    /// The proposer, to whom an amount was set aside, takes it.
    Capture {
        /// For which order.
        order: OrderId,
    },
    /// An amount is set aside no longer: by whom it was for, or after its time by whose it was.
    Release {
        /// For which order.
        order: OrderId,
    },
}

/// Why a state cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TabRefusal {
    /// Someone who is not on the tab.
    #[error("{0} has no part in this tab")]
    Stranger(AuthorId),
    /// An amount that is none.
    #[error("expected an amount of 1 to {AMOUNT_MINOR_MAX} minor units, got {0}")]
    Amount(i64),
    /// The other side granted too little.
    #[error("{wanted} minor units are too many: the tab has room for {room}")]
    TooLittleRoom {
        /// What would be added to the debt.
        wanted: i64,
        /// What may be.
        room: i64,
    },
    /// An order is paid once.
    #[error("{0} was paid already")]
    PaidAlready(OrderId),
    /// Nothing was paid that could be given back.
    #[error("expected a refund of at most {paid} minor units for {order}, got {wanted}")]
    NotPaid {
        /// The order.
        order: OrderId,
        /// What may be given back.
        paid: i64,
        /// What was proposed.
        wanted: i64,
    },
    /// No such hold, or not for this side to end.
    #[error("nothing is set aside for {0} that this side may take or release")]
    NoHold(OrderId),
    /// More holds than a tab has room for, or a second one for one order.
    #[error("another amount cannot be set aside on this tab")]
    TooManyHolds,
    /// It does not follow from the state that is agreed.
    #[error("expected a state upon number {expected}, got number {actual}")]
    NotNext {
        /// The number of the agreed state.
        expected: u64,
        /// The number of the proposed one.
        actual: u64,
    },
    /// It is not what its change makes of the state before.
    #[error("the proposed state is not what its change makes of the one before")]
    NotDerived,
    /// The other side's own proposal has the greater number.
    #[error("a proposal with the greater number {0} stands against it")]
    Outnumbered(u64),
    /// It changes something that its receiver did not agree to elsewhere.
    #[error("{0}")]
    NotAgreed(String),
    /// It cannot be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl TabState {
    /// Nothing yet between two authors.
    fn empty(one: AuthorId, other: AuthorId, currency: Currency) -> Self {
        Self {
            low: one.min(other),
            high: one.max(other),
            currency,
            seq: 0,
            prev: None,
            balance_minor: 0,
            limit_low_minor: 0,
            limit_high_minor: 0,
            holds: List::default(),
            change: Change::Limit { minor: 0 },
        }
    }

    /// The tab.
    pub fn tab(&self) -> TabId {
        TabId::of(&self.low, &self.high, self.currency.code())
    }

    /// BLAKE3-256 of its canonical bytes.
    pub fn hash(&self) -> Result<StateHash, TabRefusal> {
        Ok(StateHash(*blake3::hash(&codec::encode(self)?).as_bytes()))
    }

    /// What an author owes the other one; negative: what it is owed.
    pub fn owed_by(&self, author: &AuthorId) -> i64 {
        if *author == self.high {
            self.balance_minor
        } else {
            -self.balance_minor
        }
    }

    /// How much an author lets the other one owe.
    pub fn limit_of(&self, author: &AuthorId) -> i64 {
        if *author == self.low {
            self.limit_low_minor
        } else {
            self.limit_high_minor
        }
    }

    /// The author on the other side.
    pub fn other(&self, author: &AuthorId) -> AuthorId {
        if *author == self.low { self.high } else { self.low }
    }

    /// How much more an author may come to owe; never negative.
    pub fn room_of(&self, author: &AuthorId) -> i64 {
        let held: i64 = self
            .holds
            .iter()
            .filter(|hold| hold.from == *author)
            .map(|hold| hold.minor)
            .sum();
        (self.limit_of(&self.other(author)) - self.owed_by(author) - held).max(0)
    }

    /// The state that a change by one side makes of this one (or of nothing, where `self` is empty).
    fn with(&self, by: AuthorId, change: &Change, now: Timestamp) -> Result<Self, TabRefusal> {
        if by != self.low && by != self.high {
            return Err(TabRefusal::Stranger(by));
        }
        let mut next = self.clone();
        next.prev = if self.seq == 0 { None } else { Some(self.hash()?) };
        next.seq = self.next_number(&by);
        next.change = change.clone();
        match change {
            Change::Limit { minor } => {
                if !(0..=AMOUNT_MINOR_MAX).contains(minor) {
                    return Err(TabRefusal::Amount(*minor));
                }
                let limit = if by == self.low {
                    &mut next.limit_low_minor
                } else {
                    &mut next.limit_high_minor
                };
                *limit = *minor;
            }
            Change::Pay { minor, .. } | Change::Refund { minor, .. } => next.owe(&by, *minor)?,
            Change::Hold { order, minor, until } => {
                self.has_room(&by, *minor)?;
                let mut holds = self.holds.clone().into_vec();
                if holds.iter().any(|hold| hold.order == *order) {
                    return Err(TabRefusal::TooManyHolds);
                }
                holds.push(TabHold {
                    order: *order,
                    from: by,
                    minor: *minor,
                    until: *until,
                });
                holds.sort_by_key(|hold| hold.order);
                next.holds = List::new(holds).map_err(|_| TabRefusal::TooManyHolds)?;
            }
            Change::Capture { order } => {
                let hold = next.end_hold(order)?;
                if hold.from == by {
                    return Err(TabRefusal::NoHold(*order));
                }
                next.owe(&hold.from, hold.minor)?;
            }
            Change::Release { order } => {
                let hold = next.end_hold(order)?;
                if hold.from == by && now < hold.until {
                    return Err(TabRefusal::NoHold(*order));
                }
            }
        }
        Ok(next)
    }

    /// The number of a side's next state: `low` takes odd ones, `high` even ones.
    fn next_number(&self, by: &AuthorId) -> u64 {
        let odd = *by == self.low;
        let next = self.seq.saturating_add(1);
        if (next % 2 == 1) == odd {
            next
        } else {
            next.saturating_add(1)
        }
    }

    fn has_room(&self, debtor: &AuthorId, minor: i64) -> Result<(), TabRefusal> {
        if !(1..=AMOUNT_MINOR_MAX).contains(&minor) {
            return Err(TabRefusal::Amount(minor));
        }
        let room = self.room_of(debtor);
        if minor > room {
            Err(TabRefusal::TooLittleRoom { wanted: minor, room })
        } else {
            Ok(())
        }
    }

    fn owe(&mut self, debtor: &AuthorId, minor: i64) -> Result<(), TabRefusal> {
        self.has_room(debtor, minor)?;
        self.balance_minor += if *debtor == self.high { minor } else { -minor };
        Ok(())
    }

    fn end_hold(&mut self, order: &OrderId) -> Result<TabHold, TabRefusal> {
        let mut holds = self.holds.clone().into_vec();
        let place = holds
            .iter()
            .position(|hold| hold.order == *order)
            .ok_or(TabRefusal::NoHold(*order))?;
        let hold = holds.remove(place);
        self.holds = List::new(holds).map_err(|_| TabRefusal::TooManyHolds)?;
        Ok(hold)
    }
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
    pub message: &'a TabMessage,
}

/// A state that both signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The proposal.
    pub proposal: EnvelopeId,
    /// Who proposed it.
    pub by: AuthorId,
    /// When, as its author says.
    pub time: Hybrid,
    /// The state.
    pub state: TabState,
}

/// A tab as its messages tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The tab.
    pub id: TabId,
    /// Every agreed state of the chain, first to last.
    pub chain: Vec<Agreed>,
    /// Proposals upon the last state that are neither agreed nor refused, greatest number first.
    pub pending: Vec<Agreed>,
    /// Proposals upon the last state that the other side refused.
    pub refused: Vec<Agreed>,
    empty: TabState,
    paid: BTreeMap<OrderId, i64>,
}

impl Tab {
    /// Reads a tab from its messages, whichever of them are here and however often.
    pub fn fold<'a>(
        one: AuthorId,
        other: AuthorId,
        currency: Currency,
        messages: impl IntoIterator<Item = Filed<'a>>,
    ) -> Self {
        let empty = TabState::empty(one, other, currency);
        let id = empty.tab();
        // By the state that they rest upon, so that a long chain is read in one go.
        let mut proposals: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let (mut agreements, mut refusals) = (BTreeSet::new(), BTreeSet::new());
        for filed in messages.into_iter().filter(|filed| filed.message.tab == id) {
            match &filed.message.act {
                TabAct::Propose(state) => {
                    proposals
                        .entry(state.prev)
                        .or_default()
                        .insert(filed.id, (filed.author, filed.time, state.as_ref()));
                }
                TabAct::Agree { proposal, state } => {
                    agreements.insert((*proposal, filed.author, *state));
                }
                TabAct::Refuse { proposal, .. } => {
                    refusals.insert((*proposal, filed.author));
                }
            }
        }
        let mut tab = Self {
            id,
            chain: Vec::new(),
            pending: Vec::new(),
            refused: Vec::new(),
            empty,
            paid: BTreeMap::new(),
        };
        loop {
            // Of all proposals upon the last state, the agreed one with the greatest number holds.
            let here = tab.head().ok().and_then(|head| proposals.get(&head));
            let upon = here.into_iter().flatten().filter_map(|(id, (by, time, state))| {
                let agreed = Agreed {
                    proposal: *id,
                    by: *by,
                    time: *time,
                    state: (*state).clone(),
                };
                tab.follows(&agreed).ok().map(|()| agreed)
            });
            let mut upon: Vec<Agreed> = upon.collect();
            upon.sort_by_key(|agreed| (std::cmp::Reverse(agreed.state.seq), agreed.proposal));
            let both = |agreed: &&Agreed| {
                let other = agreed.state.other(&agreed.by);
                agreed
                    .state
                    .hash()
                    .is_ok_and(|hash| agreements.contains(&(agreed.proposal, other, hash)))
            };
            match upon.iter().find(both) {
                Some(agreed) => tab.push(agreed.clone()),
                None => {
                    let open = |agreed: &Agreed| {
                        !refusals.contains(&(agreed.proposal, agreed.state.other(&agreed.by)))
                    };
                    (tab.pending, tab.refused) = upon.into_iter().partition(open);
                    return tab;
                }
            }
        }
    }

    /// The last state that both signed; an empty one before the first.
    pub fn state(&self) -> &TabState {
        self.chain.last().map_or(&self.empty, |agreed| &agreed.state)
    }

    /// What the next state names as the one before it: the hash of the last one, if there is one.
    fn head(&self) -> Result<Option<StateHash>, TabRefusal> {
        match self.state() {
            TabState { seq: 0, .. } => Ok(None),
            last => Ok(Some(last.hash()?)),
        }
    }

    /// What was paid for an order upon this tab, less what was given back, in minor units.
    pub fn paid(&self, order: &OrderId) -> Option<i64> {
        self.paid.get(order).copied()
    }

    /// The agreed state that paid an order.
    pub fn payment(&self, order: &OrderId) -> Option<&Agreed> {
        self.chain.iter().find(|agreed| match &agreed.state.change {
            Change::Pay { order: paid, .. } | Change::Capture { order: paid } => paid == order,
            _ => false,
        })
    }

    /// The state that a side would propose for a change now.
    pub fn propose(&self, by: AuthorId, change: &Change, now: Timestamp) -> Result<TabState, TabRefusal> {
        self.allows(&by, change)?;
        self.state().with(by, change, now)
    }

    /// Whether a proposal follows from the last state, and from what was paid before.
    pub fn follows(&self, proposed: &Agreed) -> Result<(), TabRefusal> {
        if proposed.state.prev != self.head()? {
            return Err(TabRefusal::NotNext {
                expected: self.state().seq,
                actual: proposed.state.seq,
            });
        }
        let stated = Timestamp(proposed.time.wall_ms);
        match self.propose(proposed.by, &proposed.state.change, stated)? == proposed.state {
            true => Ok(()),
            false => Err(TabRefusal::NotDerived),
        }
    }

    /// Whether a side may answer a proposal of the other one with its signature, its own open
    /// proposals weighed. What the change is for is the caller's to judge.
    pub fn answer(&self, me: &AuthorId, proposed: &Agreed) -> Result<(), TabRefusal> {
        if proposed.by == *me {
            return Err(TabRefusal::Stranger(*me));
        }
        self.follows(proposed)?;
        let mine = self
            .pending
            .iter()
            .filter(|pending| pending.by == *me)
            .map(|pending| pending.state.seq)
            .max();
        match mine {
            Some(seq) if seq > proposed.state.seq => Err(TabRefusal::Outnumbered(seq)),
            _ => Ok(()),
        }
    }

    fn allows(&self, by: &AuthorId, change: &Change) -> Result<(), TabRefusal> {
        match change {
            Change::Pay { order, .. } | Change::Hold { order, .. } if self.paid.contains_key(order) => {
                Err(TabRefusal::PaidAlready(*order))
            }
            Change::Pay { order, .. } if self.state().holds.iter().any(|hold| hold.order == *order) => {
                Err(TabRefusal::PaidAlready(*order))
            }
            Change::Refund { order, minor } => {
                let by_payee = self.payment(order).is_some_and(|paid| match paid.state.change {
                    Change::Capture { .. } => paid.by == *by,
                    _ => paid.by != *by,
                });
                let paid = if by_payee {
                    self.paid(order).unwrap_or(0)
                } else {
                    0
                };
                match *minor <= paid {
                    true => Ok(()),
                    false => Err(TabRefusal::NotPaid {
                        order: *order,
                        paid,
                        wanted: *minor,
                    }),
                }
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, agreed: Agreed) {
        match &agreed.state.change {
            Change::Pay { order, minor } => {
                self.paid.insert(*order, *minor);
            }
            Change::Capture { order } => {
                let hold = self.state().holds.iter().find(|hold| hold.order == *order);
                let minor = hold.map_or(0, |hold| hold.minor);
                self.paid.insert(*order, minor);
            }
            Change::Refund { order, minor } => {
                if let Some(paid) = self.paid.get_mut(order) {
                    *paid -= minor;
                }
            }
            Change::Limit { .. } | Change::Hold { .. } | Change::Release { .. } => {}
        }
        self.chain.push(agreed);
    }

    /// What an author may still spend upon the tab.
    pub fn room_of(&self, author: &AuthorId) -> Amount {
        Amount {
            minor: self.state().room_of(author),
            currency: self.empty.currency,
        }
    }
}
