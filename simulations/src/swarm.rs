//! The real node many times, in this process or in several, over wires with real delays.
//!
//! Nothing is modelled here but the wires: each node is `souk_node`'s own network layer, or the whole node with
//! its driver and store. So a swarm is no function of its seed: the seed fixes who is who, the graph's delays and
//! what is published, and the rest is what the machine made of it. Its figures have the names of the model's, so
//! that both fit on one graph. Delays must be large beside the work of the nodes;
//! [`Swarm::without_delay`] tells how much of a latency is work.

mod crowd;
mod host;
mod networks;
mod part;
mod relay;
pub mod scenario;
mod tally;
mod whole;

use crate::chance::Chance;
use crate::figure::Played;
pub use host::{PART, serve};
use souk_node::network::{DialError, NetworkError, PublishError, SubscribeError};
use souk_node::node::{CommandError, StartError};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One-way delays in microseconds, from one node to another.
pub type DelayUs = Arc<dyn Fn(usize, usize) -> u64 + Send + Sync>;

/// Hears what is being done, how much of it is done, and of how much.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

/// What runs at each place of the graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The network layer, and a driver that accepts every message at once.
    #[default]
    Network,
    /// The whole node with its driver, its store and its index. All follow the publishers.
    Whole,
}

/// What the nodes' connections run over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wiring {
    /// A network in memory; with `noise` encrypted as on sockets.
    Memory {
        /// Whether connections are encrypted.
        noise: bool,
    },
    /// TCP sockets of this machine with Noise, each edge through a relay that delays.
    Loopback,
    /// The same, with the nodes spread over other processes.
    Processes {
        /// How many.
        count: usize,
        /// The program that is started with [`PART`].
        program: PathBuf,
    },
}

/// A swarm and what is published in it.
#[derive(Clone)]
pub struct Swarm {
    /// How many nodes; at most 65,536.
    pub nodes: usize,
    /// Who dials whom; no other connections come into being.
    pub edges: Vec<(usize, usize)>,
    /// Within this time they are dialled, evenly and in an order drawn from the seed.
    pub dialled_within: Duration,
    /// How long bytes take on an edge, in each direction.
    pub delay_us: DelayUs,
    /// What runs at each place.
    pub kind: Kind,
    /// Who publishes, in turns. None for a node drawn anew for each message; a whole node needs them named.
    pub publishers: Vec<usize>,
    /// How many messages are published.
    pub messages: usize,
    /// Bytes of each, at least 8.
    pub message_bytes: usize,
    /// Time from one message to the next.
    pub interval: Duration,
    /// What the connections run over.
    pub wiring: Wiring,
}

impl fmt::Debug for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Swarm({:?}, {} nodes, {} edges, {} messages)",
            self.kind,
            self.nodes,
            self.edges.len(),
            self.messages
        )
    }
}

/// Why a swarm was not played.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The runtime, or a directory for the nodes, cannot be had.
    #[error("the machine does not give what a swarm needs: {0}")]
    Io(#[from] std::io::Error),
    /// A network does not start.
    #[error("a network does not start: {0}")]
    Network(#[from] NetworkError),
    /// A whole node does not start.
    #[error("a node does not start: {0}")]
    Start(#[from] StartError),
    /// The directory of a whole node cannot be made.
    #[error("a node has no directory: {0}")]
    Home(#[from] souk_node::home::HomeError),
    /// An edge cannot be dialled.
    #[error("an edge cannot be dialled: {0}")]
    Dial(#[from] DialError),
    /// The topic cannot be joined.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// A message cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A whole node does not do as it is told.
    #[error("a node does not do as it is told: {0}")]
    Command(#[from] CommandError),
    /// A part of the swarm in another process fails.
    #[error("another process of the swarm fails: {0}")]
    Elsewhere(String),
    /// A node has stopped by itself.
    #[error("a node has stopped: {0}")]
    Stopped(String),
    /// The graph names a node that there is not, or there are too many.
    #[error("a graph of {nodes} nodes has no node {actual}")]
    NoNode {
        /// How many nodes there are.
        nodes: usize,
        /// The one that was named.
        actual: usize,
    },
    /// There are other connections than those of the graph.
    #[error("the graph has {expected} edges, and there are {actual} connections")]
    WrongGraph {
        /// Edges of the graph.
        expected: usize,
        /// Connections.
        actual: usize,
    },
    /// Something did not come about in time.
    #[error("waited in vain for {what} for {seconds} s")]
    TimedOut {
        /// What.
        what: &'static str,
        /// For how long.
        seconds: u64,
    },
}

impl Swarm {
    /// The same with wires that take no time: what is measured then is the work of the machine, the floor
    /// under every latency.
    pub fn without_delay(&self) -> Self {
        Self {
            delay_us: Arc::new(|_, _| 0),
            ..self.clone()
        }
    }

    /// How many edges a node has, for each node.
    pub fn degrees(&self) -> Vec<usize> {
        let mut degrees = vec![0; self.nodes];
        for end in self.edges.iter().flat_map(|(one, other)| [*one, *other]) {
            if let Some(degree) = degrees.get_mut(end) {
                *degree += 1;
            }
        }
        degrees
    }

    fn check(&self) -> Result<(), SwarmError> {
        let ends = self.edges.iter().flat_map(|(one, other)| [*one, *other]);
        let no_node = |actual| SwarmError::NoNode {
            nodes: self.nodes,
            actual,
        };
        if self.nodes > usize::from(u16::MAX) + 1 {
            return Err(no_node(self.nodes - 1));
        }
        match ends
            .chain(self.publishers.iter().copied())
            .find(|end| *end >= self.nodes)
        {
            Some(end) => Err(no_node(end)),
            None => Ok(()),
        }
    }

    /// Who publishes the messages, in their order.
    fn speakers(&self, seed: u64) -> Vec<usize> {
        let mut chance = Chance::of(seed);
        let turns = self.publishers.iter().copied().cycle();
        match self.publishers.is_empty() {
            true => (0..self.messages).map(|_| chance.index(self.nodes)).collect(),
            false => turns.take(self.messages).collect(),
        }
    }
}

/// A connected random graph in which each node dials half of this degree.
pub fn random_edges(nodes: usize, degree: usize, seed: u64) -> Vec<(usize, usize)> {
    let mut chance = Chance::of(seed);
    let mut edges = BTreeSet::new();
    for node in 1..nodes {
        // The first dial leads to an earlier node, so all hangs together.
        edges.insert((chance.index(node), node));
        for _ in 1..degree.div_ceil(2).min(node) {
            let other = chance.index(nodes);
            if other != node {
                edges.insert((node.min(other), node.max(other)));
            }
        }
    }
    edges.into_iter().collect()
}

/// Delays of each pair, the same in both directions, drawn between two bounds in milliseconds.
pub fn random_delays(low_ms: u64, high_ms: u64, seed: u64) -> DelayUs {
    Arc::new(move |one, other| {
        let mut pair = [0; 24];
        let parts = [seed, one.min(other) as u64, one.max(other) as u64];
        for (to, from) in pair.chunks_exact_mut(8).zip(parts) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        let (hash, spread) = (
            blake3::hash(&pair),
            (high_ms.saturating_sub(low_ms) * 1_000).max(1),
        );
        let drawn = hash
            .as_bytes()
            .first_chunk()
            .copied()
            .map_or(0, u64::from_le_bytes);
        low_ms * 1_000 + drawn % spread
    })
}

/// Plays a swarm: starts the nodes, connects the graph, waits for the meshes, publishes, and measures.
///
/// Figures: `delivered_share` (of all pairs of message and node other than its publisher), `latency_ms_p50`,
/// `latency_ms_p99` and `latency_ms_mean` (from the call that publishes to the first arrival in the driver), `duplicates`
/// (arrivals after the first, for each delivery), `mesh_degree_mean`, `gossip_cpu_us_per_delivery` (of the
/// whole process, less what it needs when nothing is published), `cpu_load` (of all cores, while messages were on their
/// way), and the curve `delivery_cdf` (milliseconds, share of all pairs). Rows are `published` and
/// `first`, with who passed the message on.
///
/// # Errors
/// If the nodes cannot be brought up. That messages are lost is a figure, not an error.
pub fn play(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Played, SwarmError> {
    swarm.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let heard = runtime.block_on(crowd::run(swarm, seed, progress))?;
    Ok(tally::played(swarm, seed, heard))
}
