//! Some nodes of a swarm in one process, and what they are told.

use super::networks::Networks;
use super::tally::{Clock, Note};
use super::whole::Nodes;
use super::{Kind, SwarmError};
use serde::{Deserialize, Serialize};
use souk_node::network::{Config, Device};
use souk_protocol::id::{AuthorId, DeviceId};
use std::ops::Range;
use std::path::Path;
use tokio::sync::mpsc;

/// What a part of a swarm is told to do. Nodes are called by their places in the whole swarm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// Everybody wants to hear: networks the one topic, whole nodes these authors.
    Follow(Vec<AuthorId>),
    /// A node dials an address.
    Dial {
        node: usize,
        address: String,
    },
    /// How all stand.
    Look,
    Count,
    /// A node publishes a message of about so many bytes.
    Publish {
        node: usize,
        message: usize,
        bytes: usize,
    },
    /// A post of a whole node is on its way: each store that has it is to be noted.
    Await(Post),
    Stop,
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Published(Published),
    Looks(Vec<Look>),
    Counts(Counts),
    Failed(String),
}

/// A message went out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) at: Clock,
    /// Of a whole node, where it stands in its log.
    pub(super) post: Option<Post>,
}

/// A message that is a post: whose, and its number in the device's log.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Post {
    pub(super) message: usize,
    pub(super) device: DeviceId,
    pub(super) number: u64,
}

/// A node that listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Listening {
    pub(super) address: String,
    pub(super) device: Device,
    /// Of a whole node.
    pub(super) author: Option<AuthorId>,
}

/// How a node stands. What it is joined to is known of networks alone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) connections: usize,
    /// Neighbours that joined the topic, as far as it knows.
    pub(super) subscribers: usize,
    pub(super) mesh: usize,
}

/// Sums over the nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Grows whenever something arrives.
    pub(super) arrived: u64,
    pub(super) duplicates: u64,
    /// Processor time of this process.
    pub(super) cpu_us: u64,
}

/// The nodes from a place of the swarm on.
pub(super) enum Part {
    Networks(Networks),
    Nodes(Nodes),
}

impl Part {
    /// Starts the nodes of some places, those that need one with a directory of their own in `dir`; what comes to them
    /// is noted. Returns where they listen, too.
    pub(super) async fn start(
        kind: Kind,
        seed: u64,
        places: Range<usize>,
        config: impl Fn(usize) -> Config,
        dir: &Path,
        noting: &mpsc::UnboundedSender<Note>,
    ) -> Result<(Self, Vec<Listening>), SwarmError> {
        Ok(match kind {
            Kind::Network => {
                let (networks, listening) = Networks::start(seed, places, config, noting).await?;
                (Self::Networks(networks), listening)
            }
            Kind::Whole => {
                let (nodes, listening) = Nodes::start(seed, places, config, dir, noting).await?;
                (Self::Nodes(nodes), listening)
            }
        })
    }

    /// Does what it is told.
    pub(super) async fn obey(&self, order: Order) -> Result<Answer, SwarmError> {
        match self {
            Self::Networks(part) => part.obey(order).await,
            Self::Nodes(part) => part.obey(order).await,
        }
    }
}

/// The one at a place among those from `first` on.
pub(super) fn at_place<T>(of: &[T], first: usize, place: usize) -> Result<&T, SwarmError> {
    let one = place.checked_sub(first).and_then(|at| of.get(at));
    one.ok_or(SwarmError::NoNode {
        nodes: of.len(),
        actual: place,
    })
}
