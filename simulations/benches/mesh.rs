//! How quick the mesh is and what a node of it costs: `sim_speed` and `sim_memory` of the goals.
//!
//! The baseline of `sim_speed` is a bare loop: a binary heap with as many pending events of the same size,
//! each of which plans one more, so that it holds as many all the time, and does nothing else. The mesh has
//! scores, heartbeats and its digest on. `SOUK_BENCH=small` only shows that it runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that fails should say where"
)]

use peak_alloc::PeakAlloc;
use souk_simulations::chance::Chance;
use souk_simulations::mesh::World;
use souk_simulations::mesh::scenario::Scenario;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

struct Plan {
    rounds: usize,
    nodes: usize,
    large: Vec<usize>,
}

impl Plan {
    fn read() -> Self {
        match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => Self {
                rounds: 5,
                nodes: 1_000,
                large: vec![10_000],
            },
            _ => Self {
                rounds: 7,
                nodes: 10_000,
                large: vec![100_000, MANY_NODES],
            },
        }
    }
}

/// With that many nodes fewer messages do, or one would wait for long.
const MANY_NODES: usize = 1_000_000;

fn scenario(nodes: usize) -> Scenario {
    let mut scenario = Scenario::named("baseline").unwrap().with_nodes(nodes).unwrap();
    scenario.traffic.from_ms = 5_000;
    scenario.duration_ms = 15_000;
    scenario.traffic.messages = if nodes < MANY_NODES { 15 } else { 3 };
    scenario.traffic.every_ms = 500;
    scenario.shortest_ways = 0;
    scenario
}

/// Events a second of the mesh, how many were pending on average, and how many there were.
fn mesh(nodes: usize, seed: u64) -> (f64, usize, u64) {
    let mut world = World::new(&scenario(nodes), seed).unwrap();
    world.play_until(4_000_000);
    let before = world.progress().events;
    let (mut pending, mut looks) = (0, 0);
    let start = Instant::now();
    let mut until_us = 4_000_000;
    while world.play_until(until_us) {
        pending += world.pending();
        looks += 1;
        until_us += 20_000;
    }
    let seconds = start.elapsed().as_secs_f64();
    let events = world.progress().events - before;
    (events as f64 / seconds, pending / looks, events)
}

/// Events a second of the bare loop.
fn bare(pending: usize, events: u64) -> f64 {
    let mut chance = Chance::of(1);
    let delays: Vec<u64> = (0..4_096).map(|_| chance.below(1_000_000)).collect();
    let mut heap = BinaryHeap::with_capacity(pending + 1);
    for number in 0..pending as u64 {
        heap.push(Reverse((chance.below(1_000_000), number, [number; 2])));
    }
    let mut number = pending as u64;
    let start = Instant::now();
    for _ in 0..events {
        let Reverse((at, _, what)) = heap.pop().unwrap();
        number += 1;
        heap.push(Reverse((
            at + delays[(number % 4_096) as usize],
            number,
            black_box(what),
        )));
    }
    events as f64 / start.elapsed().as_secs_f64()
}

fn report(figure: &str, mut values: Vec<f64>, baseline: &str, unit: &str, note: &str) {
    values.sort_by(f64::total_cmp);
    let (value, min, max) = (values[values.len() / 2], values[0], values[values.len() - 1]);
    let runs = values.len();
    println!("{figure}: {value:.3} {unit} ({min:.3} to {max:.3}); {note}");
    println!(
        r#"{{"figure":"{figure}","value":{value:.4},"baseline":"{baseline}","unit":"{unit}","runs":{runs},"min":{min:.4},"max":{max:.4}}}"#
    );
}

fn main() {
    let plan = Plan::read();
    let mut ratios = Vec::new();
    let mut note = String::new();
    let (_, pending, events) = mesh(plan.nodes, 1);
    for round in 0..plan.rounds {
        let (ours, theirs) = match round % 2 {
            0 => {
                let ours = mesh(plan.nodes, 1).0;
                (ours, bare(pending, events))
            }
            _ => {
                let theirs = bare(pending, events);
                (mesh(plan.nodes, 1).0, theirs)
            }
        };
        note = format!(
            "{} nodes, {pending} events pending, last round {:.0} against {:.0} thousand events a second",
            plan.nodes,
            ours / 1e3,
            theirs / 1e3
        );
        ratios.push(ours / theirs);
    }
    report("sim_speed", ratios, "bare event loop", "ratio", &note);

    for nodes in plan.large {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let start = Instant::now();
        let mut world = World::new(&scenario(nodes), 1).unwrap();
        world.play_until(if nodes < MANY_NODES { 15_000_000 } else { 7_500_000 });
        let peak = MEMORY.peak_usage() - before;
        let each = peak as f64 / nodes as f64;
        let note = format!(
            "{nodes} nodes, {:.2} GiB at the peak, {:.2} million events in {:.0} s",
            peak as f64 / f64::from(1 << 30),
            world.progress().events as f64 / 1e6,
            start.elapsed().as_secs_f64()
        );
        let figure = match nodes {
            MANY_NODES => "sim_memory_million",
            _ => "sim_memory",
        };
        report(figure, vec![each], "4096 bytes", "bytes_per_node", &note);
    }
}
