//! Who signs what no peer would. The laws about honest nodes do not speak of what these signed themselves.

use souk_protocol::envelope::{Chain, Signed};
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are not honest, and what was signed by hand.
#[derive(Debug, Default)]
pub struct Liars {
    nodes: BTreeSet<usize>,
    authors: BTreeSet<AuthorId>,
    by_hand: BTreeSet<EnvelopeId>,
    /// Public words by hand that no store of their speaker holds.
    hidden: BTreeSet<AuthorId>,
    /// Words that were said under one number.
    places: BTreeMap<(AuthorId, DeviceId, u64), BTreeSet<EnvelopeId>>,
}

/// What was signed by hand, as it is written down: the words, those who hide some of theirs, and places with the
/// words under them.
pub(crate) type ByHand = (
    BTreeSet<EnvelopeId>,
    BTreeSet<AuthorId>,
    BTreeMap<(AuthorId, DeviceId, u64), BTreeSet<EnvelopeId>>,
);

impl Liars {
    /// What was signed by hand, to be written down.
    pub(crate) fn written(&self) -> ByHand {
        (self.by_hand.clone(), self.hidden.clone(), self.places.clone())
    }

    /// What was signed by hand before the run was written down.
    pub(crate) fn resume(&mut self, (by_hand, hidden, places): ByHand) {
        (self.by_hand, self.hidden, self.places) = (by_hand, hidden, places);
    }

    /// A node that is not honest.
    pub fn enlist(&mut self, at: usize, author: AuthorId) {
        self.nodes.insert(at);
        self.authors.insert(author);
    }

    /// Words that were signed by hand. `kept` says whether the speaker's own node has them.
    pub fn note(&mut self, envelope: &Signed, kept: bool) {
        self.by_hand.insert(envelope.id());
        if let Some(Chain { seq, .. }) = envelope.head().chain {
            let place = (envelope.author(), envelope.device(), seq);
            self.places.entry(place).or_default().insert(envelope.id());
        }
        if !kept && envelope.body().to().is_none() {
            self.hidden.insert(envelope.author());
        }
    }

    /// What was signed by hand.
    pub fn by_hand(&self) -> impl Iterator<Item = &EnvelopeId> {
        self.by_hand.iter()
    }

    /// Whether anybody is not honest.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a node is not honest.
    pub fn has(&self, at: usize) -> bool {
        self.nodes.contains(&at)
    }

    /// Whether an author is not honest.
    pub fn speaks(&self, author: &AuthorId) -> bool {
        self.authors.contains(author)
    }

    /// Whether an envelope was signed by hand.
    pub fn signed(&self, id: &EnvelopeId) -> bool {
        self.by_hand.contains(id)
    }

    /// Whether an author said something in public that its own node does not hold.
    pub fn hides(&self, author: &AuthorId) -> bool {
        self.hidden.contains(author)
    }

    /// Authors who gave one number to two words by hand, with that place.
    pub fn two_faced(&self) -> impl Iterator<Item = (AuthorId, DeviceId, u64)> {
        let twice = self.places.iter().filter(|(_, ids)| ids.len() > 1);
        twice.map(|(place, _)| *place)
    }
}
