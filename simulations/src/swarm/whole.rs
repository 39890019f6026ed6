//! Whole nodes: driver, store, index, comparison and gossip, as users run them.
//!
//! All follow the publishers, and a message is a post. It has come to a node when the node's store has it,
//! by whatever way; stores are looked at every two milliseconds.

use super::SwarmError;
use super::part::{Answer, Counts, Listening, Look, Order, Post, Published, at_place};
use super::tally::{Clock, Note, cpu_us};
use souk_node::home::Home;
use souk_node::network::Config;
use souk_node::node::Node;
use souk_protocol::api::Command;
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::records::Records;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long a node may take until it listens.
const LISTEN_MAX: Duration = Duration::from_secs(180);
/// Between two looks at all stores.
const LOOK: Duration = Duration::from_millis(2);

/// The nodes from a place of the swarm on.
pub(super) struct Nodes {
    seed: u64,
    first: usize,
    nodes: Vec<Node>,
    awaiting: mpsc::UnboundedSender<Post>,
}

impl Nodes {
    pub(super) async fn start(
        seed: u64,
        places: Range<usize>,
        config: impl Fn(usize) -> Config,
        dir: &Path,
        noting: &mpsc::UnboundedSender<Note>,
    ) -> Result<(Self, Vec<Listening>), SwarmError> {
        let (first, mut nodes, mut listening) = (places.start, Vec::new(), Vec::new());
        for place in places {
            let (home, _) = Home::open_or_create(&dir.join(place.to_string()), None)?;
            let node = Node::start(&home, config(place))?;
            listening.push(Listening {
                address: address(&node).await?,
                device: *node.device().as_bytes(),
                author: Some(node.author()),
            });
            nodes.push(node);
        }
        let (awaiting, awaited) = mpsc::unbounded_channel();
        let (watched, noting) = (nodes.clone(), noting.clone());
        std::thread::spawn(move || watch(&watched, first, awaited, &noting));
        let part = Self {
            seed,
            first,
            nodes,
            awaiting,
        };
        Ok((part, listening))
    }

    pub(super) async fn obey(&self, order: Order) -> Result<Answer, SwarmError> {
        let node = |place| at_place(&self.nodes, self.first, place);
        match order {
            Order::Follow(authors) => self.follow(&authors).await?,
            Order::Dial { node: place, address } => drop(node(place)?.dial(&address).await?),
            Order::Look => return Ok(Answer::Looks(self.look().await)),
            Order::Count => return Ok(Answer::Counts(self.counts().await)),
            Order::Publish {
                node: place,
                message,
                bytes,
            } => {
                return Ok(Answer::Published(
                    self.publish(node(place)?, message, bytes).await?,
                ));
            }
            Order::Await(post) => {
                let gone = |_| SwarmError::Stopped("nobody looks at its store".to_owned());
                self.awaiting.send(post).map_err(gone)?;
            }
            Order::Stop => {
                let stops = self.nodes.iter().map(|node| node.clone().shut_down());
                futures::future::join_all(stops).await;
                if let Some(fault) = self.nodes.iter().find_map(Node::fault) {
                    return Err(SwarmError::Stopped(fault));
                }
            }
        }
        Ok(Answer::Done)
    }

    async fn follow(&self, authors: &[AuthorId]) -> Result<(), SwarmError> {
        for node in &self.nodes {
            for author in authors.iter().copied().filter(|author| *author != node.author()) {
                let public = false;
                node.command(Command::Follow { author, public }).await?;
            }
        }
        Ok(())
    }

    async fn publish(&self, node: &Node, message: usize, bytes: usize) -> Result<Published, SwarmError> {
        let words = format!("{} {message} ", self.seed);
        let text = words.chars().cycle().take(bytes).collect();
        let at = Clock::now();
        node.command(Command::Post {
            text,
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        })
        .await?;
        let device = node.device();
        let post = Post {
            message,
            device,
            number: last_of(node, &device),
        };
        Ok(Published { at, post: Some(post) })
    }

    async fn look(&self) -> Vec<Look> {
        let asked = futures::future::join_all(self.nodes.iter().map(Node::status)).await;
        let looks = asked.into_iter().map(|status| Look {
            connections: status.peers.len(),
            subscribers: 0,
            mesh: 0,
        });
        looks.collect()
    }

    async fn counts(&self) -> Counts {
        let mut sum = Counts {
            cpu_us: cpu_us(),
            ..Counts::default()
        };
        let asked = self.nodes.iter().map(Node::status);
        for status in futures::future::join_all(asked).await {
            let counter = |wanted| {
                let mut known = status.counters.iter();
                known.find_map(|(name, _, value)| (*name == wanted).then_some(*value))
            };
            let [received, distinct, checked, subscriptions] = [
                "souk_gossip_received",
                "souk_gossip_distinct",
                "souk_envelopes_checked_total",
                "souk_subscriptions_known",
            ]
            .map(|name| counter(name).unwrap_or(0));
            sum.arrived += received + checked + subscriptions;
            sum.duplicates += received.saturating_sub(distinct);
        }
        sum
    }
}

/// Looks at all stores for what is awaited, and notes what they have, until nobody awaits anything any more.
fn watch(
    nodes: &[Node],
    first: usize,
    mut awaited: mpsc::UnboundedReceiver<Post>,
    noting: &mpsc::UnboundedSender<Note>,
) {
    let mut missing = Vec::new();
    loop {
        let post = match missing.is_empty() {
            true => awaited
                .blocking_recv()
                .ok_or(mpsc::error::TryRecvError::Disconnected),
            false => awaited.try_recv(),
        };
        match post {
            Ok(post) => {
                let others = nodes.iter().enumerate();
                let others = others.filter(|(_, node)| node.device() != post.device);
                missing.extend(others.map(|(at, _)| (at, post)));
                continue;
            }
            Err(mpsc::error::TryRecvError::Empty) => {}
            Err(mpsc::error::TryRecvError::Disconnected) => return,
        }
        missing.retain(|(at, post): &(usize, Post)| {
            let node = nodes.get(*at);
            let has = node.is_some_and(|node| last_of(node, &post.device) >= post.number);
            if has {
                let note = Note {
                    at: Clock::now(),
                    node: first + at,
                    message: post.message,
                    from: None,
                };
                // Who measures may have heard enough.
                noting.send(note).ok();
            }
            !has
        });
        std::thread::sleep(LOOK);
    }
}

/// The last number of a device's log that a node has.
fn last_of(node: &Node, device: &DeviceId) -> u64 {
    let records: &dyn Records = node.records();
    // A store that cannot be read stops its node, which is told in the end.
    records
        .log_head(device)
        .ok()
        .flatten()
        .map_or(0, |(last, _)| last)
}

/// Where a node listens.
async fn address(node: &Node) -> Result<String, SwarmError> {
    let begun = Instant::now();
    while begun.elapsed() < LISTEN_MAX {
        if let Some(address) = node.status().await.listen.into_iter().next() {
            return Ok(address);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(SwarmError::TimedOut {
        what: "an address",
        seconds: LISTEN_MAX.as_secs(),
    })
}
