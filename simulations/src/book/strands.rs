//! A tab as the laws read it, message by message: what a message adds to the agreed chain of all messages and
//! of each node's copy is looked at when it comes, and not all that came before it once more. Read without the
//! protocol's fold; [`crate::laws::tab`] reads everything again now and then, and must find the same.

use crate::law::Law;
use souk_protocol::envelope::Signed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, StateId};
use souk_protocol::tab::{Change, Side, TabAct, TabMessage, TabState};
use std::collections::{BTreeMap, BTreeSet};

/// A proposal that somebody holds.
#[derive(Debug)]
struct Proposed {
    hash: StateId,
    upon: Option<StateId>,
    /// Who has to agree.
    other: AuthorId,
    pays: Option<OrderId>,
}

/// The agreed chain of some messages of a tab.
#[derive(Debug, Default)]
pub struct Strand {
    proposed: BTreeMap<EnvelopeId, Proposed>,
    agreed: BTreeSet<(EnvelopeId, StateId, AuthorId)>,
    /// Proposals that both signed, by the state that they build upon.
    upon: BTreeMap<Option<StateId>, BTreeMap<StateId, EnvelopeId>>,
    /// The states of the chain and the proposals of them, the first state first.
    chain: Vec<(StateId, EnvelopeId)>,
    on_chain: BTreeSet<StateId>,
    payments: BTreeMap<OrderId, EnvelopeId>,
    fork: Option<String>,
}

impl Strand {
    /// The states of the chain, each with the proposal of it.
    pub fn chain(&self) -> &[(StateId, EnvelopeId)] {
        &self.chain
    }

    /// How the chain forks, if it does.
    pub fn fork(&self) -> Option<&str> {
        self.fork.as_deref()
    }

    /// The proposal in the chain that pays an order.
    pub fn payment(&self, order: &OrderId) -> Option<&EnvelopeId> {
        self.payments.get(order)
    }

    fn propose(&mut self, id: EnvelopeId, hash: StateId, other: AuthorId, state: &TabState) {
        let proposed = Proposed {
            hash,
            upon: state.prev,
            other,
            pays: match &state.change {
                Change::Pay { order, .. } => Some(*order),
                _ => None,
            },
        };
        self.proposed.insert(id, proposed);
        self.join(&id);
    }

    fn agree(&mut self, propose: EnvelopeId, state: StateId, by: AuthorId) {
        self.agreed.insert((propose, state, by));
        self.join(&propose);
    }

    /// A proposal that both signed takes its place, and the chain goes on as far as it can.
    fn join(&mut self, id: &EnvelopeId) {
        let Some(proposed) = self.proposed.get(id) else {
            return;
        };
        if !self.agreed.contains(&(*id, proposed.hash, proposed.other)) {
            return;
        }
        let upon = proposed.upon;
        self.upon.entry(upon).or_default().insert(proposed.hash, *id);
        self.look_for_fork(upon);
        while let Some((hash, id)) = self.next() {
            self.chain.push((hash, id));
            self.on_chain.insert(hash);
            if let Some(order) = self.proposed.get(&id).and_then(|proposed| proposed.pays) {
                self.payments.insert(order, id);
            }
            self.look_for_fork(Some(hash));
        }
    }

    fn next(&self) -> Option<(StateId, EnvelopeId)> {
        let next = self.upon.get(&self.chain.last().map(|(hash, _)| *hash))?;
        next.first_key_value().map(|(hash, id)| (*hash, *id))
    }

    fn look_for_fork(&mut self, upon: Option<StateId>) {
        let counts = upon.is_none_or(|state| self.on_chain.contains(&state));
        if counts && self.upon.get(&upon).is_some_and(|next| next.len() > 1) {
            let words = || "both signed two states upon one".to_owned();
            self.fork.get_or_insert_with(words);
        }
    }
}

/// A tab: the chain of all messages, those of the copies, and what was found wrong with them.
#[derive(Debug, Default)]
pub struct Strands {
    /// Of all messages that any node holds.
    pub whole: Strand,
    /// Of each node's.
    pub copies: BTreeMap<usize, Strand>,
    /// How far the chain of all was held against its own arithmetic.
    pub balances: Balances,
    /// The state that each side signed under each number.
    signed: BTreeMap<(AuthorId, u64), StateId>,
    hands: BTreeMap<AuthorId, DeviceId>,
    two_states: Option<String>,
    parted: Option<String>,
    two_hands: Option<String>,
}

impl Strands {
    /// Hears a message that a node's store now has. `hash` is that of the state that it proposes, `answered` the
    /// proposal that it answers.
    pub fn hear(
        &mut self,
        at: usize,
        signed: &Signed,
        message: &TabMessage,
        hash: Option<StateId>,
        answered: Option<&TabState>,
    ) {
        let (id, by) = (signed.id(), signed.author());
        let first = *self.hands.entry(by).or_insert(signed.device());
        if first != signed.device() {
            let words = || format!("{} and {first} both sign for one side", signed.device());
            self.two_hands.get_or_insert_with(words);
        }
        let copy = self.copies.entry(at).or_default();
        match &message.act {
            TabAct::Propose { state } => {
                let (Some(hash), Ok(other)) = (hash, state.parties.other(&by)) else {
                    return;
                };
                self.whole.propose(id, hash, other, state);
                copy.propose(id, hash, other, state);
                self.sign(by, state.seq, hash);
            }
            TabAct::Agree { propose, state } => {
                self.whole.agree(*propose, *state, by);
                copy.agree(*propose, *state, by);
                if let Some(answered) = answered {
                    self.sign(by, answered.seq, *state);
                }
            }
            TabAct::Refuse { .. } => {}
        }
        self.compare(at);
    }

    fn sign(&mut self, by: AuthorId, seq: u64, hash: StateId) {
        if *self.signed.entry((by, seq)).or_insert(hash) != hash {
            let words = || format!("{by} signed two states of number {seq}");
            self.two_states.get_or_insert_with(words);
        }
    }

    /// A copy's chain is the beginning of the whole one.
    fn compare(&mut self, at: usize) {
        let Some(copy) = self.copies.get(&at) else {
            return;
        };
        let end = copy.chain.len();
        let last = copy.chain.last();
        if self.parted.is_none() && end > 0 && self.whole.chain.get(end - 1) != last {
            self.parted = Some("the copies part".into());
        }
    }

    /// What is wrong with it, but for its balances.
    pub fn wrong(&self) -> Option<(Law, &str)> {
        let forks = std::iter::once(&self.whole).chain(self.copies.values());
        let fork = forks.filter_map(|strand| strand.fork()).next();
        let states = self.two_states.as_deref().map(|words| (Law::OneState, words));
        let chains = fork.or(self.parted.as_deref());
        states.or(chains.map(|words| (Law::OneChain, words)))
    }

    /// Two devices that sign for one side.
    pub fn two_hands(&self) -> Option<&str> {
        self.two_hands.as_deref()
    }
}

/// The balance of a chain, by arithmetic of its own.
#[derive(Debug, Default)]
pub struct Balances {
    /// Links that were counted.
    pub links: usize,
    paid: BTreeMap<OrderId, i64>,
    /// What was paid and not given back for orders that are not known to be completed, and to whom.
    advances: BTreeMap<OrderId, (AuthorId, i64)>,
    owed_by_high: i64,
    limit_low: i64,
    limit_high: i64,
}

impl Balances {
    /// The next state follows from the one before, and nobody owes beyond a limit.
    pub fn count(&mut self, by: &AuthorId, state: &TabState) -> Result<(), (Law, String)> {
        self.links += 1;
        let by_high = *by == state.parties.author(Side::High);
        match &state.change {
            Change::SetLimit { limit_minor, .. } if by_high => self.limit_high = *limit_minor,
            Change::SetLimit { limit_minor, .. } => self.limit_low = *limit_minor,
            Change::Pay {
                order,
                from,
                amount_minor,
            } => {
                if from != by {
                    return Err((Law::Limit, format!("{order} is paid by who does not pay")));
                }
                if self.paid.insert(*order, *amount_minor).is_some() {
                    return Err((Law::PaidOnce, format!("{order} is paid twice")));
                }
                let seller = state.parties.author(if by_high { Side::Low } else { Side::High });
                self.advances.insert(*order, (seller, *amount_minor));
                self.owed_by_high += if by_high { *amount_minor } else { -*amount_minor };
            }
            Change::Refund {
                order, amount_minor, ..
            } => {
                let rest = self.paid.entry(*order).or_default();
                *rest -= amount_minor;
                if *rest < 0 {
                    let words = format!("more was given back for {order} than paid");
                    return Err((Law::PaidOnce, words));
                }
                if let Some((_, left)) = self.advances.get_mut(order) {
                    *left = *rest;
                }
                self.owed_by_high += if by_high { *amount_minor } else { -*amount_minor };
            }
            Change::Hold { .. } | Change::Capture { .. } | Change::Release { .. } => {
                return Err((Law::Limit, "no peer of this world sets anything aside".into()));
            }
        }
        let book = &state.book;
        let said = (book.balance_minor, book.limit_low_minor, book.limit_high_minor);
        if said != (self.owed_by_high, self.limit_low, self.limit_high) {
            return Err((Law::Limit, format!("number {} does not follow", state.seq)));
        }
        let grows = !matches!(state.change, Change::SetLimit { .. });
        let (debt, limit) = self.debt(by_high);
        if grows && debt > limit {
            let words = format!("number {}: {debt} are owed, the limit is {limit}", state.seq);
            return Err((Law::Limit, words));
        }
        Ok(())
    }
    /// What a side owes, and its limit.
    const fn debt(&self, high: bool) -> (i64, i64) {
        match high {
            true => (self.owed_by_high, self.limit_low),
            false => (-self.owed_by_high, self.limit_high),
        }
    }

    /// After a payment its payer could still give back all that it was paid for what is not completed.
    pub fn earned(
        &mut self,
        by: &AuthorId,
        state: &TabState,
        completed: impl Fn(&OrderId) -> bool,
    ) -> Result<(), (Law, String)> {
        let Change::Pay {
            order: paid,
            amount_minor: 1..,
            ..
        } = &state.change
        else {
            return Ok(());
        };
        self.advances
            .retain(|order, (seller, left)| *left > 0 && (seller != by || !completed(order)));
        let unearned = self.advances.values().filter(|(seller, _)| seller == by);
        let unearned: i64 = unearned.map(|(_, left)| left).sum();
        let (debt, limit) = self.debt(*by == state.parties.author(Side::High));
        match debt + unearned > limit {
            true => Err((
                Law::Earned,
                format!(
                    "{paid} is paid with money for what is not completed: {debt} are owed and {unearned} not earned, the limit is {limit}"
                ),
            )),
            false => Ok(()),
        }
    }
}
