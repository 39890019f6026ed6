//! Those who are no people: their turns, what they wish, and what they say by hand. Described in
//! `spec/simulations.md`.

use super::*;
use crate::actor::{Doing, Own, To};
use crate::cast::Habit;
use souk_protocol::admission;
use souk_protocol::body::Lane;
use std::cell::Cell;

/// How often something by hand is tried while its addressee is not connected.
pub(super) const TRIES: u8 = 4;
/// How long until it is tried again.
const AGAIN_MS: u64 = 2_000;
/// Counts of stamps by hand begin here: a peer's never come so far.
const BY_HAND: u32 = 1 << 30;
/// The number under which a question by hand goes out: no peer asks under it.
const NOBODY_ASKED: u64 = u64::MAX;

/// Why it is an actor's turn.
#[derive(Debug, Clone)]
pub(super) enum Cue {
    /// It comes.
    Comes,
    /// It was its turn a while ago.
    Acts,
    /// Its node tells it something.
    Told(Box<Happening>),
}

impl World {
    /// Gives every actor a node and a place among the people.
    pub(super) fn enlist(&mut self, troupes: &[Troupe]) {
        let mut at = self.scenario.nodes;
        for troupe in troupes {
            for actor in (troupe.make)(troupe.count) {
                let Some(author) = self.nodes.get(at).map(|node| node.identity.author) else {
                    return;
                };
                if !actor.is_honest() {
                    self.book.liars.enlist(at, author);
                }
                let knows = (0..troupe.knows).map(|_| self.chance.index(self.scenario.nodes));
                let knows: BTreeSet<usize> = knows.collect();
                self.people.push(Person {
                    author,
                    sells: actor.sells(),
                    silent: false,
                    trusts: true,
                    pays: actor.pays(),
                    habit: Habit::All,
                    knows: knows.into_iter().collect(),
                });
                self.actors.insert(at, (actor, troupe.every_ms.max(1)));
                at += 1;
            }
        }
    }

    /// When they come, and who follows them from the beginning.
    pub(super) fn plan_actors(&mut self, troupes: &[Troupe]) {
        if self.script.is_played() {
            return;
        }
        let mut at = self.scenario.nodes;
        for troupe in troupes {
            for _ in 0..troupe.count {
                let comes = troupe.from_ms + self.chance.below(1_000);
                self.queue.plan(comes, Event::Cue(at, Cue::Comes));
                let acts = comes + AGAIN_MS + self.chance.below(troupe.every_ms);
                self.queue.plan(acts, Event::Cue(at, Cue::Acts));
                let author = self.people.get(at).map(|person| person.author);
                let mut fans: Vec<usize> = (0..self.scenario.nodes).collect();
                self.chance.shuffle(&mut fans);
                for (fan, author) in fans
                    .into_iter()
                    .take(troupe.followers)
                    .zip(author.into_iter().cycle())
                {
                    let public = self.chance.in_thousand(300);
                    let follow = Box::new(Command::Follow { author, public });
                    self.queue.plan(comes, Event::Wish(fan, follow));
                }
                at += 1;
            }
        }
    }

    /// An actor hears, after a while, what its node told it. Says whether the node is an actor's.
    pub(super) fn tell_actor(&mut self, at: usize, what: &Happening) -> bool {
        let is_actor = self.actors.contains_key(&at);
        if is_actor && self.stormy && !self.script.is_played() {
            let soon = self.time + 500 + self.chance.below(self.scenario.people.look_ms_max);
            let told = Cue::Told(Box::new(what.clone()));
            self.queue.plan(soon, Event::Cue(at, told));
        }
        is_actor
    }

    /// It is an actor's turn. After the storm nobody does anything.
    pub(super) fn cue(&mut self, at: usize, cue: &Cue) -> Result<(), Broken> {
        if !self.stormy {
            return Ok(());
        }
        let Some((mut actor, every_ms)) = self.actors.remove(&at) else {
            return Ok(());
        };
        if matches!(cue, Cue::Acts) {
            self.queue.plan(self.time + every_ms, Event::Cue(at, Cue::Acts));
        }
        let doings = self.doings(at, actor.as_mut(), cue);
        self.actors.insert(at, (actor, every_ms));
        for doing in doings.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))? {
            match doing {
                Doing::Wish(command) => self.wish(at, command)?,
                Doing::Say(said) => {
                    self.note(|| Stimulated::Said(at, said.clone()));
                    self.say(at, &said, TRIES)?;
                }
            }
        }
        Ok(())
    }

    fn doings(&mut self, at: usize, actor: &mut dyn Actor, cue: &Cue) -> Result<Vec<Doing>, Fault> {
        let connected: Vec<usize> = self.links.of(at).map(|(other, _)| other).collect();
        let keys = self.nodes.get(at).and_then(|node| node.identity.keys());
        let (Some(view), Some(keys)) = (self.view(at), keys) else {
            return Ok(Vec::new());
        };
        let own = Own {
            view,
            keys,
            connected: &connected,
            count: Cell::new(BY_HAND + u32::try_from(self.next % (1 << 20)).unwrap_or(0) * 512),
            unsayable: Cell::new(0),
        };
        let mut chance = self.chance.clone();
        let doings = match cue {
            Cue::Comes => actor.comes(&own, &mut chance),
            Cue::Acts => actor.acts(&own, &mut chance),
            Cue::Told(what) => actor.told(what, &own, &mut chance),
        };
        let unsayable = own.unsayable.get();
        self.chance = chance;
        self.next += 1;
        self.counts.unsayable += unsayable;
        doings
    }

    /// Words by hand on their way: past the speaker's peer, over the same wires.
    pub(super) fn say(&mut self, at: usize, said: &Said, tries: u8) -> Result<(), Broken> {
        if self.nodes.get(at).is_none_or(|node| node.peer.is_none()) {
            return Ok(());
        }
        let Said { envelope, to } = said;
        let bytes: Arc<[u8]> = envelope.bytes().into();
        if tries == TRIES {
            self.counts.by_hand += 1;
            let kept = *to == To::All && self.keep_by_hand(at, envelope)?;
            self.book.liars.note(envelope, kept);
            // Read once, as by whoever hears it.
            drop(self.book.open(&bytes));
        }
        if envelope.lane() == Lane::Sealed {
            self.say_sealed(at, said, tries);
            return Ok(());
        }
        let author = envelope.author();
        let nodes: Vec<usize> = match to {
            To::All => (0..self.nodes.len()).collect(),
            To::Some(nodes) => nodes.clone(),
        };
        for other in nodes {
            if let Some(link) = self.link(at, other) {
                self.announce(at, other, link, author, &bytes);
            }
        }
        Ok(())
    }

    fn say_sealed(&mut self, at: usize, said: &Said, tries: u8) {
        let to = said.envelope.body().to();
        let Some(other) = to.and_then(|to| self.authors.get(&to).copied()) else {
            return;
        };
        let Some(device) = self.device(other) else {
            return;
        };
        if self.link(at, other).is_none() {
            self.connect(at, other);
            if tries > 1 {
                let again = Event::Say(at, Box::new(said.clone()), tries - 1);
                self.queue.plan(self.time + AGAIN_MS, again);
            }
            return;
        }
        let raws = vec![Raw::from(said.envelope.bytes().to_vec())];
        let request = match said.envelope.body() {
            souk_protocol::body::Body::Tab(_) => Request::Settle(raws),
            _ => Request::Deliver(raws),
        };
        self.put(at, NOBODY_ASKED, &device, request);
    }

    /// The speaker's own node takes what continues its log.
    pub(super) fn keep_by_hand(&mut self, at: usize, envelope: &Signed) -> Result<bool, Broken> {
        let Some(node) = self.nodes.get(at) else {
            return Ok(false);
        };
        if envelope.lane() != Lane::Log {
            return Ok(false);
        }
        let admitted = admission::admit(envelope.clone(), self.clock(node), &node.store);
        let admitted = admitted.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))?;
        let Ok(admission) = admitted else {
            return Ok(false);
        };
        self.commit(at, &admission.writes)?;
        Ok(true)
    }

    /// Whether an actor's node pretends not to hear this: something that it says itself, past its peer.
    pub(super) fn denies(&self, at: usize, bytes: &[u8]) -> bool {
        let id = EnvelopeId::of(bytes);
        if !self.book.liars.has(at) || !self.book.liars.signed(&id) {
            return false;
        }
        let own = self.book.signed(&id).map(Signed::device) == self.device(at);
        let held = self
            .nodes
            .get(at)
            .map(|node| (&node.store as &dyn Records).envelope(&id));
        own && !held.is_some_and(|held| held.is_ok_and(|held| held.is_some()))
    }
}
