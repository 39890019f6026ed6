//! A swarm of whole nodes: driver, store, index, comparison and gossip, as users run them.
//!
//! All follow the publishers, and a message is a post. It has come to a node when the node's store has it,
//! by whatever way; stores are looked at every two milliseconds.

use super::crowd::{Wires, configs, dial, dialled, idle};
use super::relay::Relays;
use super::tally::{Clock, Heard, Note, cpu};
use super::{Progress, Swarm, SwarmError};
use souk_node::home::Home;
use souk_node::node::Node;
use souk_protocol::api::Command;
use souk_protocol::id::DeviceId;
use souk_protocol::records::Records;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long anything may take before the first message.
const STAND_MAX: Duration = Duration::from_secs(180);
/// How long the last messages may take.
const ARRIVE_MAX: Duration = Duration::from_secs(60);
/// How long nothing may arrive before the swarm is called quiet.
const QUIET: Duration = Duration::from_secs(3);
/// Between two looks at all stores.
const LOOK: Duration = Duration::from_millis(2);
/// Between two looks at what else is going on.
const STEP: Duration = Duration::from_millis(100);

struct Town {
    nodes: Vec<Node>,
    _relays: Relays,
    _dir: TempDir,
}

/// A post that is awaited: whose, and the number in its device's log.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    message: usize,
    device: DeviceId,
    number: u64,
}

pub(super) async fn run(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Heard, SwarmError> {
    let town = Town::stand(swarm, seed, progress).await?;
    town.follow(swarm, progress).await?;
    town.quiet(STAND_MAX).await?;
    let idle = idle(async || Ok(cpu())).await?;
    let heard = town.publish(swarm, seed, progress, idle).await?;
    town.count_edges(swarm.edges.len()).await?;
    let stops = town.nodes.iter().map(|node| node.clone().shut_down());
    futures::future::join_all(stops).await;
    match town.nodes.iter().find_map(Node::fault) {
        Some(fault) => Err(SwarmError::Stopped(fault)),
        None => Ok(heard),
    }
}

impl Town {
    async fn stand(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Self, SwarmError> {
        let (dir, wires) = (TempDir::new()?, Wires::new(swarm.delay_us.clone()));
        let config = configs(swarm, &wires);
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..swarm.nodes {
            let (home, _) = Home::open_or_create(&dir.path().join(number.to_string()), None)?;
            let node = Node::start(&home, config(number))?;
            addresses.push(address(&node).await?);
            nodes.push(node);
            progress("nodes", number + 1, swarm.nodes);
        }
        wires.tell(nodes.iter().map(|node| *node.device().as_bytes()));
        let mut relays = Relays::default();
        let dialled = dialled(swarm, &addresses, &mut relays).await?;
        let dials = swarm.edges.iter().zip(&dialled).map(|((one, _), address)| {
            let dialler = nodes.get(*one).ok_or(SwarmError::NoNode {
                nodes: swarm.nodes,
                actual: *one,
            });
            async move {
                dialler?.dial(address).await?;
                Ok(())
            }
        });
        dial(swarm, seed, dials, progress).await?;
        Ok(Self {
            nodes,
            _relays: relays,
            _dir: dir,
        })
    }

    async fn follow(&self, swarm: &Swarm, progress: Progress<'_>) -> Result<(), SwarmError> {
        for (number, node) in self.nodes.iter().enumerate() {
            let others = swarm.publishers.iter().filter(|publisher| **publisher != number);
            for author in others
                .filter_map(|publisher| self.nodes.get(*publisher))
                .map(Node::author)
            {
                let public = false;
                node.command(Command::Follow { author, public }).await?;
            }
            progress("followers", number + 1, swarm.nodes);
        }
        Ok(())
    }

    /// Sums of these counters over all nodes.
    async fn counters<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        let mut sums = [0; N];
        let asked = self.nodes.iter().map(Node::status);
        for status in futures::future::join_all(asked).await {
            for (known, _, value) in status.counters {
                for (sum, name) in sums.iter_mut().zip(names) {
                    *sum += if known == name { value } else { 0 };
                }
            }
        }
        sums
    }

    /// Waits until nothing arrives for a while.
    async fn quiet(&self, most: Duration) -> Result<(), SwarmError> {
        let names = [
            "souk_gossip_received",
            "souk_envelopes_checked_total",
            "souk_subscriptions_known",
        ];
        let (begun, mut since, mut before) = (Instant::now(), Instant::now(), [0; 3]);
        while since.elapsed() < QUIET {
            let now = self.counters(names).await;
            if now != before {
                (since, before) = (Instant::now(), now);
            }
            if begun.elapsed() > most {
                return Err(SwarmError::TimedOut {
                    what: "a quiet swarm",
                    seconds: most.as_secs(),
                });
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(())
    }

    /// What was measured is of the graph only if nobody else got connected.
    async fn count_edges(&self, expected: usize) -> Result<(), SwarmError> {
        let asked = self.nodes.iter().map(Node::status);
        let statuses = futures::future::join_all(asked).await;
        let ends: usize = statuses.iter().map(|status| status.peers.len()).sum();
        let actual = ends / 2;
        match actual == expected {
            true => Ok(()),
            false => Err(SwarmError::WrongGraph { expected, actual }),
        }
    }

    async fn publish(
        &self,
        swarm: &Swarm,
        seed: u64,
        progress: Progress<'_>,
        idle: Duration,
    ) -> Result<Heard, SwarmError> {
        let names = ["souk_gossip_received", "souk_gossip_distinct"];
        let before = self.counters(names).await;
        let (awaiting, awaited) = mpsc::unbounded_channel();
        let (spent, begun, nodes) = (cpu(), Clock::now(), self.nodes.clone());
        let watched = tokio::task::spawn_blocking(move || watch(&nodes, awaited));
        let mut ticks = tokio::time::interval(swarm.interval.max(Duration::from_micros(1)));
        let mut published = Vec::new();
        for (message, node) in swarm.speakers(seed).into_iter().enumerate() {
            ticks.tick().await;
            let Some(speaker) = self.nodes.get(node) else {
                continue;
            };
            let text: String = format!("{seed} {message} ")
                .chars()
                .cycle()
                .take(swarm.message_bytes)
                .collect();
            published.push(Note {
                at: Clock::now(),
                node,
                message,
                from: None,
            });
            speaker
                .command(Command::Post {
                    text,
                    tags: Vec::new(),
                    reply_to: None,
                    reshare: None,
                })
                .await?;
            let number = last_of(speaker, &speaker.device());
            let device = speaker.device();
            // If the watch has ended, its notes say so.
            awaiting
                .send(Awaited {
                    message,
                    device,
                    number,
                })
                .ok();
            progress("messages", message + 1, swarm.messages);
        }
        drop(awaiting);
        let first = watched
            .await
            .map_err(|error| SwarmError::Stopped(error.to_string()))?;
        let (cpu, wall) = (cpu().saturating_sub(spent), Clock::now().since(begun));
        self.quiet(ARRIVE_MAX).await?;
        let after = self.counters(names).await;
        let again = |[received, distinct]: [u64; 2]| received.saturating_sub(distinct);
        Ok(Heard {
            begun,
            published,
            first,
            duplicates: again(after).saturating_sub(again(before)),
            mesh: None,
            cpu,
            wall,
            idle,
        })
    }
}

/// Looks at all stores until everything has come, or nothing more comes.
fn watch(nodes: &[Node], mut awaited: mpsc::UnboundedReceiver<Awaited>) -> Vec<Note> {
    let (mut notes, mut missing, mut changed) = (Vec::new(), Vec::new(), Instant::now());
    loop {
        loop {
            match awaited.try_recv() {
                Ok(post) => {
                    let others = nodes
                        .iter()
                        .enumerate()
                        .filter(|(_, node)| node.device() != post.device);
                    missing.extend(others.map(|(node, _)| (node, post)));
                    changed = Instant::now();
                }
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    if missing.is_empty() || changed.elapsed() > ARRIVE_MAX {
                        return notes;
                    }
                    break;
                }
            }
        }
        missing.retain(|(node, post)| {
            let has = nodes
                .get(*node)
                .is_some_and(|node| last_of(node, &post.device) >= post.number);
            if has {
                changed = Instant::now();
                notes.push(Note {
                    at: Clock::now(),
                    node: *node,
                    message: post.message,
                    from: None,
                });
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
    while begun.elapsed() < STAND_MAX {
        if let Some(address) = node.status().await.listen.into_iter().next() {
            return Ok(address);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(SwarmError::TimedOut {
        what: "an address",
        seconds: STAND_MAX.as_secs(),
    })
}
