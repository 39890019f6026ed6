//! Some nodes of a swarm in one process, and what they are told.

use super::SwarmError;
use super::crowd::{Wires, secret};
use super::tally::{Clock, Note, cpu};
use serde::{Deserialize, Serialize};
use souk_node::network::{Config, Device, Event, Network, Verdict, start};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The one topic.
const TOPIC: &str = "swarm";

/// What a part of a swarm is told to do. Nodes are called by their places in the whole swarm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Order {
    /// A node dials an address.
    Dial {
        node: usize,
        address: String,
    },
    /// All join the topic.
    Subscribe,
    /// How all stand.
    Look,
    Count,
    /// A node publishes.
    Publish {
        node: usize,
        data: Vec<u8>,
    },
    Stop,
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    /// When it was published.
    Published(Clock),
    Looks(Vec<Look>),
    Counts(Counts),
    Failed(String),
}

/// How a node stands.
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
    pub(super) received: u64,
    pub(super) duplicates: u64,
    /// Processor time of this process.
    pub(super) cpu_us: u64,
}

/// The nodes from a place of the swarm on.
pub(super) struct Part {
    first: usize,
    networks: Vec<Network>,
}

impl Part {
    /// Starts the nodes of some places; what comes to them is noted. Returns where they listen, too.
    pub(super) async fn start(
        seed: u64,
        places: Range<usize>,
        config: impl Fn(usize) -> Config,
        wires: &Arc<Wires>,
        noting: &mpsc::UnboundedSender<Note>,
    ) -> Result<(Self, Vec<String>), SwarmError> {
        let (first, mut networks, mut addresses) = (places.start, Vec::new(), Vec::new());
        for place in places {
            let (network, mut events) = start(config(place), secret(seed, place))?;
            addresses.push(address(&mut events).await?);
            tokio::spawn(listen(
                place,
                network.clone(),
                events,
                wires.clone(),
                noting.clone(),
            ));
            networks.push(network);
        }
        Ok((Self { first, networks }, addresses))
    }

    fn node(&self, place: usize) -> Result<&Network, SwarmError> {
        let node = place.checked_sub(self.first).and_then(|at| self.networks.get(at));
        node.ok_or(SwarmError::NoNode {
            nodes: self.networks.len(),
            actual: place,
        })
    }

    /// Does what it is told.
    pub(super) async fn obey(&self, order: Order) -> Result<Answer, SwarmError> {
        match order {
            Order::Dial { node, address } => drop(self.node(node)?.dial(&address).await?),
            Order::Subscribe => {
                for network in &self.networks {
                    network.subscribe(TOPIC).await?;
                }
            }
            Order::Look => return Ok(Answer::Looks(self.look().await?)),
            Order::Count => return Ok(Answer::Counts(self.counts())),
            Order::Publish { node, data } => {
                let (network, at) = (self.node(node)?, Clock::now());
                network.publish(TOPIC, data).await?;
                return Ok(Answer::Published(at));
            }
            Order::Stop => {
                futures::future::join_all(self.networks.iter().map(Network::shutdown)).await;
            }
        }
        Ok(Answer::Done)
    }

    async fn look(&self) -> Result<Vec<Look>, SwarmError> {
        let asked = futures::future::join_all(self.networks.iter().map(Network::status)).await;
        let looks = asked.into_iter().map(|status| {
            let status = status.ok_or_else(|| SwarmError::Stopped("a network is gone".to_owned()))?;
            let topic = status.topics.first();
            Ok(Look {
                connections: status.peers.len(),
                subscribers: topic.map_or(0, |topic| topic.peers),
                mesh: topic.map_or(0, |topic| topic.mesh),
            })
        });
        looks.collect()
    }

    fn counts(&self) -> Counts {
        let none = Counts {
            cpu_us: u64::try_from(cpu().as_micros()).unwrap_or(u64::MAX),
            ..Counts::default()
        };
        self.networks
            .iter()
            .map(Network::counts)
            .fold(none, |sum, counts| Counts {
                received: sum.received + counts.gossip_received,
                duplicates: sum.duplicates + counts.gossip_duplicates(),
                ..sum
            })
    }
}

/// Where a node listens.
async fn address(events: &mut mpsc::Receiver<Event>) -> Result<String, SwarmError> {
    while let Some(event) = events.recv().await {
        match event {
            Event::Listening { addr } => return Ok(addr),
            Event::NotListening { error } => return Err(SwarmError::Stopped(error.to_string())),
            _ => {}
        }
    }
    Err(SwarmError::Stopped("it ended before it listened".to_owned()))
}

/// The driver: notes what comes first, and passes everything on.
async fn listen(
    node: usize,
    network: Network,
    mut events: mpsc::Receiver<Event>,
    wires: Arc<Wires>,
    noting: mpsc::UnboundedSender<Note>,
) {
    while let Some(event) = events.recv().await {
        let Event::Gossip { id, from, data, .. } = event else {
            continue;
        };
        let at = Clock::now();
        network.verdict(id, Verdict::Accept).await;
        let message = data.first_chunk().copied().map(u64::from_be_bytes);
        if let Some(message) = message.and_then(|message| usize::try_from(message).ok()) {
            let from = wires.place(&from);
            // Who measures may have heard enough.
            noting
                .send(Note {
                    at,
                    node,
                    message,
                    from,
                })
                .ok();
        }
    }
}

/// The devices of all nodes of a swarm of networks, in their order.
pub(super) fn devices(seed: u64, nodes: usize) -> impl Iterator<Item = Device> {
    (0..nodes).map(move |node| {
        *souk_protocol::identity::DeviceKey::from_secret(&secret(seed, node))
            .device()
            .as_bytes()
    })
}
