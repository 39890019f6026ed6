//! The mesh: gossipsub as the real node sets it up, among up to millions of nodes, honest and not.
//!
//! What a message says is left out: it is a number, an author, a size, and valid or not. What the router
//! does is modelled step by step after libp2p-gossipsub 0.50, over [`crate::wire`]: grafts and prunes,
//! heartbeats spread over the second, flood publishing, fan-out, IHAVE and IWANT over the windows of the message
//! cache, IDONTWANT, scores, backoffs, opportunistic grafting, the graylist. There is one topic, and everybody
//! is in it but those who publish from outside, where a scenario has such. All that happens is integers drawn from one seed, so a run is the same on every machine.
//!
//! Left out: peer exchange (the node has it off), explicit peers, joining and leaving the topic,
//! IDONTWANT taking messages out of a queue that are already in line, the limit of three answers to one
//! peer's IWANT for one message. A node that is refused a connection does not dial somebody else. A seen
//! message is never forgotten (the node forgets after two minutes, long after it stopped being named).
//! Checking a message costs its delay and no processor.

mod beat;
mod build;
mod fanout;
mod measure;
pub(crate) mod pack;
mod router;
mod send;
mod state;
mod tell;

pub mod params;
pub mod policy;
pub mod scenario;

use crate::chance::Chance;
use crate::figure::{Played, Progress};
use crate::graph::Graph;
use crate::kernel::Kernel;
use crate::wire::Regions;
use measure::{Chain, Measures};
use policy::Policy;
use scenario::Scenario;
use state::{Event, Link, Message, Node, Rules, Table};
use std::collections::BTreeMap;

/// A world written down, for [`World::resume`].
pub type Snapshot = Vec<u8>;

/// Why there is no world.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// A file that the scenario names cannot be read.
    #[error("the file '{name}' cannot be read: {why}")]
    File {
        /// The file.
        name: String,
        /// Why.
        why: std::io::Error,
    },
    /// A table of round trips is none.
    #[error(transparent)]
    Regions(#[from] crate::wire::RegionsError),
    /// A kind of event to keep that there is not.
    #[error("expected one of the events {known}, got '{actual}'")]
    Event {
        /// Those that there are.
        known: String,
        /// The one that is asked for.
        actual: String,
    },
    /// A list of edges is asked for and no file named.
    #[error("expected a file with edges, got none")]
    NoFile,
    /// What should be resumed was not written by this program for this scenario.
    #[error("expected a world as this program writes it for this scenario, got something else")]
    Snapshot,
}

/// A list of messages under way to some neighbours.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    ids: Vec<u32>,
    /// To how many.
    left: u32,
}

pack::packed!(List { ids, left });

/// Who has seen what: a bit for each message and node.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Of one node.
    words: usize,
    bits: Vec<u64>,
}

pack::packed!(Seen { words, bits });

impl Seen {
    /// Room for so many messages.
    fn reserve(&mut self, nodes: usize, messages: usize) {
        let words = messages.div_ceil(64).max(1);
        if words <= self.words {
            return;
        }
        let mut bits = vec![0; nodes * words];
        if self.words > 0 {
            for (new, old) in bits.chunks_mut(words).zip(self.bits.chunks(self.words)) {
                new.iter_mut().zip(old).for_each(|(new, old)| *new = *old);
            }
        }
        (self.words, self.bits) = (words, bits);
    }

    fn has(&self, node: u32, message: u32) -> bool {
        let word = self.bits.get(node as usize * self.words + message as usize / 64);
        word.is_some_and(|word| word >> (message % 64) & 1 == 1)
    }

    fn put(&mut self, node: u32, message: u32) {
        if let Some(word) = self
            .bits
            .get_mut(node as usize * self.words + message as usize / 64)
        {
            *word |= 1 << (message % 64);
        }
    }
}

/// The network, at some moment of its run.
pub struct World {
    scenario: Scenario,
    rules: Rules,
    regions: Regions,
    seed: u64,
    chance: Chance,
    kernel: Kernel<Event>,
    nodes: Table<Node>,
    links: Table<Link>,
    messages: Table<Message>,
    lists: Table<List>,
    lists_free: Vec<u32>,
    seen: Seen,
    policies: Vec<Box<dyn Policy>>,
    /// Honest nodes outside the topic, which publish.
    outsiders: Vec<u32>,
    /// Those of them that have a fan-out, and when they used it last, in microseconds.
    fanouts: BTreeMap<u32, u64>,
    /// Whether the network is in parts, and in which of the scenario's.
    split: Option<u32>,
    now_us: u64,
    measures: Measures,
    chain: Chain,
    /// Kinds of events to keep, a bit for each.
    keeps: u64,
    /// Room that handlers use again and again.
    room: Vec<u32>,
}

impl World {
    /// The world at its beginning, with the policies that the scenario names.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, MeshError> {
        let attack = scenario.attack.as_ref();
        let policies = attack.map(|attack| {
            attack
                .role
                .policy(attack.messages_each_heartbeat, attack.size_bytes)
        });
        Self::with_policies(scenario, seed, policies.into_iter().collect())
    }

    /// The world at its beginning; the attackers of the scenario take turns with these policies.
    pub fn with_policies(
        scenario: &Scenario,
        seed: u64,
        policies: Vec<Box<dyn Policy>>,
    ) -> Result<Self, MeshError> {
        build::world(scenario, seed, policies)
    }

    /// Plays until this time, or the end of the scenario. Says whether there is more.
    pub fn play_until(&mut self, until_us: u64) -> bool {
        let end_us = self.end_us();
        let until_us = until_us.min(end_us);
        while self.kernel.next_at().is_some_and(|at| at <= until_us) {
            if let Some((at, event)) = self.kernel.pop() {
                self.now_us = at;
                self.happen(event);
            }
        }
        self.now_us = self.now_us.max(until_us);
        until_us < end_us
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            time_us: self.now_us,
            end_us: self.end_us(),
            events: self.measures.events,
        }
    }

    /// Events that are still to happen, as far as they are known.
    pub fn pending(&self) -> usize {
        self.kernel.len()
    }

    /// Who dials whom among the honest nodes, and how long the way between two of them is without waits, in
    /// microseconds: what a swarm of real nodes needs to be on the same graph.
    pub fn wires(
        &self,
    ) -> (
        Vec<(usize, usize)>,
        impl Fn(usize, usize) -> u64 + Send + Sync + use<>,
    ) {
        let honest = self.scenario.nodes;
        let nodes = self.nodes.all.iter().take(honest);
        let edges = nodes.clone().enumerate().flat_map(|(from, node)| {
            let from_link = node.links_from as usize;
            let links = self.links.all.iter().skip(from_link).take(node.links as usize);
            let dialled = links.filter(|link| link.is(state::OUTBOUND) && (link.peer as usize) < honest);
            dialled.map(move |link| (from, link.peer as usize))
        });
        let places: Vec<u8> = nodes.map(|node| node.region).collect();
        let regions = self.regions.clone();
        let place = move |node: usize| places.get(node).copied().unwrap_or(0);
        let way_us = move |from, to| regions.latency_us(place(from), place(to), 0);
        (edges.collect(), way_us)
    }

    fn end_us(&self) -> u64 {
        self.scenario.duration_ms * 1_000
    }

    fn now_ms(&self) -> u32 {
        u32::try_from(self.now_us / 1_000).unwrap_or(u32::MAX)
    }

    /// A node's side of its connection at this place.
    fn link_at(&self, node: u32, slot: u32) -> u32 {
        self.nodes.at(node).links_from + slot
    }

    fn slot_of(&self, node: u32, link: u32) -> u32 {
        link - self.nodes.at(node).links_from.min(link)
    }

    fn is_honest(&self, node: u32) -> bool {
        (node as usize) < self.scenario.nodes
    }
}

/// Plays a seed of a scenario and tells now and then how far it is.
pub fn play(scenario: &Scenario, seed: u64, told: &mut dyn FnMut(Progress)) -> Played {
    match World::new(scenario, seed) {
        Ok(world) => play_world(world, told),
        Err(error) => Played::failed(seed, &error),
    }
}

/// Plays a world to its end.
pub fn play_world(mut world: World, told: &mut dyn FnMut(Progress)) -> Played {
    /// Virtual time between two lines about how far it is.
    const TELL_EVERY_US: u64 = 100_000;
    while world.play_until(world.now_us + TELL_EVERY_US) {
        told(world.progress());
    }
    told(world.progress());
    world.played()
}

/// The graph of a scenario's honest nodes, from its file if it names one.
fn graph_of(scenario: &Scenario, chance: &mut Chance) -> Result<Graph, MeshError> {
    let (nodes, degree) = (scenario.nodes, scenario.graph.degree);
    Ok(match scenario.graph.shape {
        scenario::Shape::Random => Graph::random(chance, nodes, degree),
        scenario::Shape::SmallWorld => Graph::small_world(chance, nodes, degree, scenario.graph.rewired),
        scenario::Shape::PowerLaw => Graph::power_law(chance, nodes, degree / 2),
        scenario::Shape::List => {
            let name = scenario.graph.file.as_ref().ok_or(MeshError::NoFile)?;
            Graph::of_list(&read(name)?)
        }
    })
}

fn read(name: &str) -> Result<String, MeshError> {
    std::fs::read_to_string(name).map_err(|why| MeshError::File {
        name: name.to_owned(),
        why,
    })
}
