//! The real node, twenty times over wires with delays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how a test fails"
)]

use souk_simulations::figure::Played;
use souk_simulations::swarm::scenario::{self, Scenario};
use souk_simulations::swarm::{Kind, Swarm, Wiring, play, random_delays, random_edges};
use std::process::Command;
use std::time::Duration;

const NODES: usize = 20;
const SEED: u64 = 3;

fn swarm() -> Swarm {
    Swarm {
        nodes: NODES,
        edges: random_edges(NODES, 6, SEED),
        dialled_within: Duration::ZERO,
        delay_us: random_delays(10, 60, SEED),
        kind: Kind::Network,
        publishers: Vec::new(),
        messages: 20,
        message_bytes: 500,
        interval: Duration::from_millis(50),
        wiring: Wiring::Memory { noise: false },
    }
}

/// The shortest way from a node to each other one, in microseconds.
fn shortest(swarm: &Swarm, from: usize) -> Vec<u64> {
    let mut away = vec![u64::MAX; swarm.nodes];
    away[from] = 0;
    // As many rounds as a way can have edges; twenty nodes need no queue.
    for _ in 0..swarm.nodes {
        for (one, other) in &swarm.edges {
            for (near, far) in [(*one, *other), (*other, *one)] {
                let there = away[near].saturating_add((swarm.delay_us)(near, far));
                away[far] = away[far].min(there);
            }
        }
    }
    away
}

/// Everything reaches everybody, and not before it can.
fn check(swarm: &Swarm, played: &Played) {
    let share = played.figures.numbers["delivered_share"];
    assert!((share - 1.0).abs() < 1e-9, "{share} was delivered");
    let published: Vec<_> = played
        .events
        .iter()
        .filter(|row| row.kind == "published")
        .collect();
    assert_eq!(published.len(), swarm.messages);
    for publishing in published {
        let away = shortest(swarm, publishing.node as usize);
        let first = played
            .events
            .iter()
            .filter(|row| row.kind == "first" && row.about == publishing.about);
        let mut seen = 0;
        for row in first {
            seen += 1;
            let (took, least) = (row.time_us - publishing.time_us, away[row.node as usize]);
            assert!(
                took + 1 >= least,
                "{took} us to node {}, at least {least}",
                row.node
            );
        }
        assert_eq!(seen, swarm.nodes - 1);
    }
}

#[test]
fn every_message_reaches_everybody_and_none_is_faster_than_the_wires() {
    let swarm = swarm();
    let played = play(&swarm, SEED, &|_, _, _| {}).unwrap();
    check(&swarm, &played);
    let numbers = &played.figures.numbers;
    assert!(numbers["mesh_degree_mean"] >= 4.0, "{numbers:?}");
    assert!(numbers["duplicates"] > 0.5, "{numbers:?}");
    assert!(numbers["latency_ms_p50"] <= numbers["latency_ms_p99"]);
    let curve = &played.figures.curves["delivery_cdf"];
    assert!((curve[curve.len() - 1].1 - 1.0).abs() < 1e-9);
}

#[test]
fn whole_nodes_do_the_same_in_one_process_and_in_several() {
    let program = env!("CARGO_BIN_EXE_souk-simulations").into();
    for wiring in [
        Wiring::Memory { noise: false },
        Wiring::Processes { count: 3, program },
    ] {
        let swarm = Swarm {
            kind: Kind::Whole,
            nodes: 8,
            edges: random_edges(8, 4, SEED),
            publishers: vec![0, 5],
            messages: 6,
            message_bytes: 200,
            interval: Duration::from_millis(200),
            wiring,
            ..swarm()
        };
        check(&swarm, &play(&swarm, SEED, &|_, _, _| {}).unwrap());
    }
}

#[test]
fn nothing_is_left_of_whole_nodes_in_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_souk-simulations"))
        .args(["run", "swarm-whole-processes", "--nodes", "8"])
        .args(["--set", "traffic.messages=2"])
        .env("TMPDIR", dir.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{words}");
    assert!(words.contains("held   delivered_share"), "{words}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn sockets_and_other_processes_do_the_same() {
    let program = env!("CARGO_BIN_EXE_souk-simulations").into();
    for wiring in [Wiring::Loopback, Wiring::Processes { count: 3, program }] {
        let swarm = Swarm {
            nodes: 10,
            edges: random_edges(10, 4, SEED),
            messages: 8,
            wiring,
            ..swarm()
        };
        check(&swarm, &play(&swarm, SEED, &|_, _, _| {}).unwrap());
    }
}

#[test]
fn another_process_that_is_none_of_ours_is_an_error() {
    let wiring = |program: &str| Wiring::Processes {
        count: 2,
        program: program.into(),
    };
    for program in ["/bin/true", "/nowhere"] {
        let swarm = Swarm {
            wiring: wiring(program),
            ..swarm()
        };
        assert!(play(&swarm, SEED, &|_, _, _| {}).is_err(), "{program}");
    }
}

#[test]
fn a_scenario_of_real_nodes_has_the_model_beside_it() {
    let mut scenario: Scenario = toml::from_str(include_str!("../scenarios/fidelity.toml")).unwrap();
    scenario.traffic.messages = 5;
    scenario.traffic.every_ms = 330;
    scenario.graph.dialled_ms = 500;
    let scenario = scenario.with_nodes(15).unwrap();
    let played = scenario::play(&scenario, SEED, None, &mut |_| {});
    assert_eq!(played.broken, None);
    let numbers = &played.figures.numbers;
    // How near the model comes is for a machine that does nothing else; that it plays the same messages is not.
    for name in [
        "fidelity_p50",
        "fidelity_p99",
        "fidelity_duplicates",
        "fidelity_mesh_degree",
    ] {
        assert!(numbers[name] > 0.0, "{name}: {numbers:?}");
    }
    for curve in ["delivery_cdf", "delivery_cdf.model"] {
        let (_, share) = *played.figures.curves[curve].last().unwrap();
        assert!((share - 1.0).abs() < 1e-9, "{curve}");
    }
}

#[test]
fn an_edge_to_nowhere_is_refused() {
    let mut swarm = swarm();
    swarm.edges.push((0, NODES));
    assert!(play(&swarm, SEED, &|_, _, _| {}).is_err());
}
