//! Figures of the real node in a swarm over wires with delays, and of the same without delays: how much of the
//! latencies is work of this machine.
//!
//! Random graphs of degree 16, delays of 10 to 150 ms up to a hundred nodes and proportionally more beyond: a message
//! is work for every node, and must not be more work than its delays leave time for. `SOUK_BENCH=small`
//! plays fewer nodes; numbers as arguments are the sizes to be played.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that fails should say where"
)]

use souk_simulations::swarm::{Kind, Swarm, Wiring, play, random_delays, random_edges};
use std::time::{Duration, Instant};

const SEED: u64 = 1;
const DEGREE: usize = 16;
const MESSAGES: usize = 25;

fn swarm(nodes: usize) -> Swarm {
    let stretch = (nodes as u64).div_ceil(100);
    Swarm {
        nodes,
        edges: random_edges(nodes, DEGREE, SEED),
        dialled_within: Duration::ZERO,
        delay_us: random_delays(10 * stretch, 150 * stretch, SEED),
        kind: Kind::Network,
        publishers: Vec::new(),
        messages: MESSAGES,
        message_bytes: 500,
        // The more nodes, the more work is a message.
        interval: Duration::from_millis(nodes as u64 * 8),
        wiring: Wiring::Memory { noise: false },
    }
}

fn report(name: &str, swarm: &Swarm) {
    let begun = Instant::now();
    let played = play(swarm, SEED, &|_, _, _| {}).unwrap();
    for (figure, value) in &played.figures.numbers {
        println!(
            r#"{{"figure":"swarm_{name}_{figure}","value":{value:.4},"nodes":{},"runs":1}}"#,
            swarm.nodes
        );
    }
    println!(
        "{name} with {} nodes took {:.0} s",
        swarm.nodes,
        begun.elapsed().as_secs_f64()
    );
}

fn main() {
    let mut sizes: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => vec![30],
            _ => vec![100, 500],
        };
    }
    for nodes in sizes {
        let swarm = swarm(nodes);
        report("delayed", &swarm);
        report("floor", &swarm.without_delay());
    }
}
