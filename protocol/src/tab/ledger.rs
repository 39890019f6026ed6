//! A tab together with what it was read from, so that one more message costs what it brings and not all
//! that came before it: a tab of a thousand payments is not read a thousand times to make the next one.
//!
//! A message touches only the proposals upon one state. Upon the newest state it leads on from there;
//! upon a state that is not part of the chain it changes nothing but how that proposal stands; upon an
//! older state of the chain, where only contradictions and repetitions come, everything is walked again.
//! Whatever the order in which messages come, [`Ledger::hear`] leads where [`Ledger::fold`] does.

use super::message::{Reason, TabAct, TabMessage};
use super::state::{Parties, Side, TabState};
use super::{Standing, Tab, TabRefusal};
use crate::filed::Filed;
use crate::id::{EnvelopeId, StateId};
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A proposal and what was said to it.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) id: EnvelopeId,
    pub(super) by: Side,
    pub(super) at: Timestamp,
    pub(super) state: TabState,
    pub(super) hash: StateId,
    pub(super) agree: Option<EnvelopeId>,
    pub(super) refused: Option<(EnvelopeId, Reason)>,
}

/// What one side said to a proposal.
#[derive(Debug, Clone, Copy)]
struct Said {
    id: EnvelopeId,
    by: Side,
    word: Word,
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Agree(StateId),
    Refuse(Reason),
}

impl Proposal {
    fn signed_by(&self, side: Side) -> bool {
        self.by == side || self.agree.is_some()
    }

    /// Whether both sides contradicted it: then it does not stand even with both signatures.
    fn is_dead(&self, siblings: &[&Proposal]) -> bool {
        let outdone = |side| {
            siblings
                .iter()
                .any(|sibling| sibling.state.seq > self.state.seq && sibling.signed_by(side))
        };
        outdone(self.by) && (self.refused.is_some() || outdone(self.by.other()))
    }

    /// The greatest number is the greatest; of one number, which only a cheat signs twice, the
    /// smaller id.
    pub(super) fn rank(&self) -> (u64, Reverse<EnvelopeId>) {
        (self.state.seq, Reverse(self.id))
    }

    /// Hears the other side. Of several words of one kind the one with the smallest id counts.
    fn take(&mut self, said: &Said) {
        if said.by == self.by {
            return;
        }
        match said.word {
            Word::Agree(state) if state == self.hash => {
                self.agree = Some(self.agree.map_or(said.id, |known| known.min(said.id)));
            }
            Word::Agree(_) => {}
            Word::Refuse(reason) => {
                if self.refused.is_none_or(|(known, _)| said.id < known) {
                    self.refused = Some((said.id, reason));
                }
            }
        }
    }
}

/// A tab and all that was said in it.
#[derive(Debug, Clone)]
pub struct Ledger {
    tab: Tab,
    proposals: BTreeMap<EnvelopeId, Proposal>,
    /// The proposals upon each state, by their ids; upon none those that begin the tab.
    upon: BTreeMap<Option<StateId>, BTreeSet<EnvelopeId>>,
    /// States that somebody proposed.
    known: BTreeSet<StateId>,
    /// What was said to proposals that have not come yet.
    early: BTreeMap<EnvelopeId, Vec<Said>>,
    /// The newest state of the chain, by its hash.
    head: Option<StateId>,
    /// The states before it.
    passed: BTreeSet<Option<StateId>>,
}

impl Ledger {
    /// Reads a tab from its messages, in any order and number. What belongs to another tab, is signed
    /// by nobody of the two, or does not follow changes nothing.
    ///
    /// # Errors
    /// A state has no encoding.
    pub fn fold<'a>(
        parties: Parties,
        messages: impl IntoIterator<Item = Filed<'a, TabMessage>>,
    ) -> Result<Self, TabRefusal> {
        let mut ledger = Self {
            tab: Tab::empty(parties),
            proposals: BTreeMap::new(),
            upon: BTreeMap::new(),
            known: BTreeSet::new(),
            early: BTreeMap::new(),
            head: None,
            passed: BTreeSet::new(),
        };
        for filed in messages {
            ledger.note(&filed)?;
        }
        ledger.walk_again();
        Ok(ledger)
    }

    /// Hears one more message.
    ///
    /// # Errors
    /// A state has no encoding; the ledger is as it was.
    pub fn hear(&mut self, filed: &Filed<'_, TabMessage>) -> Result<(), TabRefusal> {
        let Some(upon) = self.note(filed)? else {
            return Ok(());
        };
        if upon == self.head {
            self.walk();
        } else if self.passed.contains(&upon) {
            self.walk_again();
        }
        Ok(())
    }

    /// What it says.
    pub const fn tab(&self) -> &Tab {
        &self.tab
    }

    /// What it says, without what it was read from.
    pub fn into_tab(self) -> Tab {
        self.tab
    }

    /// How many proposals it holds.
    pub fn len(&self) -> usize {
        self.proposals.len()
    }
    /// Whether nothing was ever proposed.
    pub fn is_empty(&self) -> bool {
        self.proposals.is_empty()
    }

    /// Whether a proposal builds upon a state that nobody here has heard of.
    pub fn is_ahead(&self, proposed: &TabState) -> bool {
        !self.knows(proposed.prev)
    }

    fn knows(&self, upon: Option<StateId>) -> bool {
        upon.is_none_or(|state| self.known.contains(&state))
    }

    /// Files a message, and says upon which state the proposal builds that it concerns; none if it
    /// concerns no proposal that is here.
    fn note(&mut self, filed: &Filed<'_, TabMessage>) -> Result<Option<Option<StateId>>, TabRefusal> {
        let Some(by) = side_of(&self.tab.parties, filed) else {
            return Ok(None);
        };
        let (id, parties) = (filed.id, self.tab.parties);
        Ok(match &filed.message.act {
            TabAct::Propose { state } if state.parties == parties && Side::of_seq(state.seq) == by => {
                let proposal = Proposal {
                    id,
                    by,
                    at: filed.stated(),
                    hash: state.id()?,
                    state: (**state).clone(),
                    agree: None,
                    refused: None,
                };
                self.proposed(proposal)
            }
            TabAct::Propose { .. } => None,
            TabAct::Agree { propose, state } => {
                let word = Word::Agree(*state);
                self.answered(propose, Said { id, by, word })
            }
            TabAct::Refuse { propose, reason } => {
                let word = Word::Refuse(*reason);
                self.answered(propose, Said { id, by, word })
            }
        })
    }

    fn proposed(&mut self, mut proposal: Proposal) -> Option<Option<StateId>> {
        let (id, upon) = (proposal.id, proposal.state.prev);
        if self.proposals.contains_key(&id) {
            return None;
        }
        for said in self.early.remove(&id).unwrap_or_default() {
            proposal.take(&said);
        }
        self.tab.proposers.insert(id, proposal.by);
        self.tab.count_signed(&proposal);
        self.upon.entry(upon).or_default().insert(id);
        let first = self.known.insert(proposal.hash);
        let followers = self.upon.get(&Some(proposal.hash)).filter(|_| first);
        let followers: Vec<EnvelopeId> = followers.into_iter().flatten().copied().collect();
        self.proposals.insert(id, proposal);
        self.stand_apart(&id);
        // What built upon something unknown may now build upon this.
        for follower in &followers {
            self.stand_apart(follower);
        }
        Some(upon)
    }

    fn answered(&mut self, propose: &EnvelopeId, said: Said) -> Option<Option<StateId>> {
        let Some(proposal) = self.proposals.get_mut(propose) else {
            self.early.entry(*propose).or_default().push(said);
            return None;
        };
        proposal.take(&said);
        self.tab.count_signed(proposal);
        let upon = proposal.state.prev;
        if upon != self.head && !self.passed.contains(&upon) {
            self.stand_apart(propose);
        }
        Some(upon)
    }

    /// How a proposal stands that is no part of the chain and does not build upon its newest state.
    fn stand_apart(&mut self, id: &EnvelopeId) {
        let Some(proposal) = self.proposals.get(id) else {
            return;
        };
        let standing = match proposal.refused {
            Some(_) => Standing::Refused,
            None if self.knows(proposal.state.prev) => Standing::Stale,
            None => Standing::Ahead,
        };
        self.tab.standing.insert(*id, standing);
    }

    /// Follows the agreed states from the first one on.
    fn walk_again(&mut self) {
        let empty = Tab::empty(self.tab.parties);
        let Tab {
            signed, proposers, ..
        } = std::mem::replace(&mut self.tab, empty);
        (self.tab.signed, self.tab.proposers) = (signed, proposers);
        (self.head, self.passed) = (None, BTreeSet::new());
        let ids: Vec<EnvelopeId> = self.proposals.keys().copied().collect();
        for id in &ids {
            self.stand_apart(id);
        }
        self.walk();
    }

    /// Follows the agreed states from the newest known one on, then looks for what is pending.
    fn walk(&mut self) {
        loop {
            self.tab.forget_pending();
            let siblings: Vec<&Proposal> = self
                .upon
                .get(&self.head)
                .into_iter()
                .flatten()
                .filter_map(|id| self.proposals.get(id))
                .collect();
            for sibling in &siblings {
                let standing = match sibling.refused {
                    Some(_) => Standing::Refused,
                    None => Standing::Stale,
                };
                self.tab.standing.insert(sibling.id, standing);
            }
            let siblings = self.tab.valid(&siblings);
            let standing = siblings
                .iter()
                .filter(|proposal| proposal.agree.is_some() && !proposal.is_dead(&siblings))
                .max_by_key(|proposal| proposal.rank());
            let Some(proposal) = standing else {
                self.tab.look_for_pending(&siblings);
                return;
            };
            self.tab.stand(proposal);
            self.passed.insert(self.head);
            self.head = Some(proposal.hash);
        }
    }
}

impl Tab {
    /// Counts the signatures under a proposal towards the greatest number of each side.
    fn count_signed(&mut self, proposal: &Proposal) {
        for side in [Side::Low, Side::High] {
            if let Some(signed) = self.signed.get_mut(side as usize)
                && proposal.signed_by(side)
            {
                *signed = (*signed).max(proposal.state.seq);
            }
        }
    }

    fn forget_pending(&mut self) {
        self.pending = None;
        self.refused.clear();
        self.proposed = 0;
    }
}

/// The side that says a message, if it belongs to this tab.
fn side_of(parties: &Parties, filed: &Filed<'_, TabMessage>) -> Option<Side> {
    let side = parties.side(&filed.author).ok()?;
    let to = parties.side(&filed.message.to).ok()?;
    (to != side && filed.message.tab == parties.tab()).then_some(side)
}
