//! Figure `checks_per_envelope`: signature checks per distinct envelope that a node took from others,
//! over a swarm of real nodes on loopback in this process. The goal is 1.05 or less.
//!
//! Each node dials a few others at random, half of them over QUIC and half over TCP, follows some, as people
//! do, and posts. Envelopes come by gossip and by comparison, most of them both ways and several times. Counted
//! are the checks of envelopes' signatures, by the nodes' own counters. The author's signature under a
//! device's grant is checked once for an author and thread, and is not counted. `SOUK_BENCH=small` runs
//! fewer nodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that fails should say where"
)]

use souk_node::home::Home;
use souk_node::network::Config;
use souk_node::node::Node;
use souk_protocol::api::Command;
use souk_protocol::records::Records;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before the benchmark says what it waited for.
const DEADLINE: Duration = Duration::from_secs(600);
/// How long nothing may change before the swarm is called quiet.
const QUIET: Duration = Duration::from_secs(3);
/// Nodes that each node dials.
const DIALS: usize = 6;
/// The counter of signature checks.
const CHECKED: &str = "souk_envelopes_checked_total";
/// Seed of the graph.
const SEED: u64 = 1;

struct Plan {
    nodes: usize,
    follows: usize,
    rounds: usize,
    posts: usize,
}

impl Plan {
    fn read() -> Self {
        match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => Self {
                nodes: 12,
                follows: 11,
                rounds: 3,
                posts: 2,
            },
            _ => Self {
                nodes: 100,
                follows: 16,
                rounds: 5,
                posts: 2,
            },
        }
    }
}

/// Draws numbers (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

struct Swarm {
    nodes: Vec<Node>,
    _dir: TempDir,
}

impl Swarm {
    async fn start(size: usize) -> Self {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut nodes = Vec::new();
        for number in 0..size {
            let (home, _) = Home::open_or_create(&dir.path().join(number.to_string()), None).unwrap();
            nodes.push(Node::start(&home, Config::loopback()).unwrap());
        }
        Self { nodes, _dir: dir }
    }

    /// Dials a random graph in which each node has dialled the one before it too, so that it hangs together.
    async fn connect(&self) {
        let mut draw = Draw(SEED);
        for (number, node) in self.nodes.iter().enumerate().skip(1) {
            for dial in 0..DIALS.min(number) {
                let other = match dial {
                    0 => number - 1,
                    _ => draw.below(number),
                };
                let transport = if dial % 2 == 0 { "quic" } else { "tcp" };
                let address = loop {
                    let listen = self.nodes[other].status().await.listen;
                    if let Some(address) = listen.into_iter().find(|address| address.contains(transport)) {
                        break address;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                };
                node.dial(&address).await.unwrap();
            }
        }
    }

    /// Each node follows so many others, drawn at random.
    async fn follow(&self, count: usize) {
        let mut draw = Draw(SEED);
        let follows = self.nodes.iter().enumerate().map(|(number, node)| {
            let mut others: Vec<usize> = (0..self.nodes.len()).filter(|other| *other != number).collect();
            let chosen: Vec<usize> = (0..count.min(others.len()))
                .map(|_| others.swap_remove(draw.below(others.len())))
                .collect();
            async move {
                for other in chosen {
                    let (author, public) = (self.nodes[other].author(), false);
                    node.command(Command::Follow { author, public }).await.unwrap();
                }
            }
        });
        let follows: Vec<_> = follows.collect();
        futures::future::join_all(follows).await;
    }

    async fn post(&self, text: &str) {
        for node in &self.nodes {
            let post = Command::Post {
                text: text.to_owned(),
                tags: Vec::new(),
                reply_to: None,
                reshare: None,
            };
            node.command(post).await.unwrap();
        }
    }

    /// Distinct envelopes that each node holds of the others.
    fn delivered(&self) -> u64 {
        let mut delivered = 0;
        for node in &self.nodes {
            for other in self.nodes.iter().filter(|other| other.device() != node.device()) {
                let head = (node.records() as &dyn Records)
                    .log_head(&other.device())
                    .unwrap();
                delivered += head.map_or(0, |(last, _)| last);
            }
        }
        delivered
    }

    async fn counter(&self, name: &str) -> u64 {
        let mut sum = 0;
        for node in &self.nodes {
            let counters = node.status().await.counters;
            sum += counters
                .iter()
                .filter(|(known, ..)| known == name)
                .map(|(.., value)| value)
                .sum::<u64>();
        }
        sum
    }

    /// Waits until nothing is asked and nothing is checked for a while.
    async fn quiet(&self) {
        let begun = Instant::now();
        let mut last = (Instant::now(), 0, 0);
        while last.0.elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = (
                self.counter(CHECKED).await,
                self.counter("souk_gossip_received").await,
            );
            if now != (last.1, last.2) {
                last = (Instant::now(), now.0, now.1);
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "waited in vain for the swarm to be quiet"
            );
        }
    }

    async fn all_have(&self, expected: u64) {
        let begun = Instant::now();
        while self.delivered() < expected {
            let delivered = self.delivered();
            assert!(begun.elapsed() < DEADLINE, "{delivered} of {expected} came");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn measure(plan: &Plan) {
    let begun = Instant::now();
    let swarm = Swarm::start(plan.nodes).await;
    swarm.connect().await;
    swarm.follow(plan.follows).await;
    swarm.quiet().await;
    println!(
        "{} nodes stand after {:.0} s",
        plan.nodes,
        begun.elapsed().as_secs_f64()
    );
    let each = (plan.nodes * plan.follows.min(plan.nodes - 1)) as u64;
    let mut ratios = Vec::new();
    for round in 0..plan.rounds {
        let begun = Instant::now();
        let (checked, delivered) = (swarm.counter(CHECKED).await, swarm.delivered());
        let gossip = swarm.counter("souk_gossip_received").await;
        for number in 0..plan.posts {
            swarm.post(&format!("round {round}, post {number}")).await;
        }
        swarm.all_have(delivered + each * plan.posts as u64).await;
        let took = begun.elapsed();
        // What is still on its way by another way is checked, too.
        swarm.quiet().await;
        let (checks, new) = (
            swarm.counter(CHECKED).await - checked,
            swarm.delivered() - delivered,
        );
        println!(
            "round {round}: {new} envelopes in {:.1} s, {checks} checks, {} gossip messages with duplicates",
            took.as_secs_f64(),
            swarm.counter("souk_gossip_received").await - gossip,
        );
        ratios.push(checks as f64 / new as f64);
    }
    ratios.sort_by(f64::total_cmp);
    let (min, median, max) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    println!(
        r#"{{"figure":"checks_per_envelope","value":{median:.4},"baseline":"distinct_envelopes","unit":"ratio","runs":{},"min":{min:.4},"max":{max:.4}}}"#,
        ratios.len()
    );
    let stops = swarm.nodes.iter().map(|node| node.clone().shut_down());
    futures::future::join_all(stops).await;
    for node in &swarm.nodes {
        assert_eq!(node.fault(), None);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(&Plan::read()));
}
