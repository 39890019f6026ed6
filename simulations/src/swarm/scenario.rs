//! What a run of real nodes is made of, read from TOML, and the same run in the model beside it. Every number has its
//! unit in its name. The files lie in `simulations/scenarios` and are built in by name.

use super::{DelayUs, Kind, Swarm, SwarmError, Wiring};
use crate::figure::{Figures, Played, Progress, Row, Thresholds};
use crate::mesh;
use crate::mesh::scenario::{Graph, Regions};
use crate::wire::Line;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Real nodes and what is published among them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What this file is a scenario of.
    pub kind: Tag,
    /// How many nodes.
    pub nodes: usize,
    /// What runs at each place.
    pub runs: Kind,
    /// What the connections run over.
    pub wires: Wires,
    /// Over how many processes the nodes are spread, if over others than this one.
    #[serde(default = "two")]
    pub processes: usize,
    /// Whether the model plays the same, to be compared with.
    #[serde(default)]
    pub with_model: bool,
    /// Who is connected with whom.
    pub graph: Graph,
    /// Where nodes are; a table of the project's own without it.
    pub regions: Option<Regions>,
    /// How long all ways are, in thousandths of what the regions say. Delays must be large beside the work of
    /// the machine, or the machine is measured.
    pub stretch: u64,
    /// What is said.
    pub traffic: Traffic,
    /// What figures must be, by name.
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Tells scenarios of real nodes from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// A scenario of real nodes.
    Swarm,
}

/// What connections run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wires {
    /// A network in memory.
    Memory,
    /// The same with Noise.
    MemoryNoise,
    /// Sockets of this machine.
    Loopback,
    /// Sockets of this machine, between processes.
    Processes,
}

/// What is said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// How many nodes publish, in turns; 0 is one drawn anew for each message. Whole nodes need some, whom all follow.
    #[serde(default)]
    pub publishers: usize,
    /// How many messages.
    pub messages: u32,
    /// Time between two.
    pub every_ms: u64,
    /// Bytes of each.
    pub size_bytes: u64,
}

const fn two() -> usize {
    2
}

/// Scenarios that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("swarm", include_str!("../../scenarios/swarm.toml")),
    ("swarm-whole", include_str!("../../scenarios/swarm-whole.toml")),
    (
        "swarm-loopback",
        include_str!("../../scenarios/swarm-loopback.toml"),
    ),
    (
        "swarm-processes",
        include_str!("../../scenarios/swarm-processes.toml"),
    ),
    (
        "swarm-whole-processes",
        include_str!("../../scenarios/swarm-whole-processes.toml"),
    ),
    ("fidelity", include_str!("../../scenarios/fidelity.toml")),
];

/// Why a scenario is none.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, got {actual}")]
pub struct ScenarioError {
    /// What would do.
    pub expected: &'static str,
    /// What there is.
    pub actual: u64,
}

/// Why a scenario was not played.
#[derive(Debug, thiserror::Error)]
enum PlayError {
    /// The graph cannot be had.
    #[error(transparent)]
    Mesh(#[from] mesh::MeshError),
    /// The nodes do not do it.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// This program does not know where it is.
    #[error("this program's own file is not known: {0}")]
    Program(#[from] std::io::Error),
    #[error("the thread that plays the swarm has panicked")]
    Panicked,
}

/// When the model publishes first: its meshes stand by then, as those of real nodes do.
const MODEL_FROM_MS: u64 = 30_000;
/// How long the model goes on after the last message.
const MODEL_LAST_MS: u64 = 60_000;
/// Bytes a second that no line of the model limits.
const MODEL_UPLOAD: u64 = 1_000_000_000_000;
/// What takes up a message's way in a real node beside its delay, about: the model has no processor.
const MODEL_JUDGING_US: u64 = 500;

impl Scenario {
    /// The same scenario with another number of nodes.
    pub fn with_nodes(self, nodes: usize) -> Result<Self, ScenarioError> {
        let traffic = Traffic {
            publishers: self.traffic.publishers.min(nodes),
            ..self.traffic
        };
        Self {
            nodes,
            traffic,
            ..self
        }
        .checked()
    }

    /// The same scenario, if it can be played.
    pub fn checked(self) -> Result<Self, ScenarioError> {
        let wrong = |expected, actual: usize| {
            let actual = actual as u64;
            Err(ScenarioError { expected, actual })
        };
        if self.nodes < 3 || self.nodes > usize::from(u16::MAX) {
            return wrong("3 to 65535 real nodes", self.nodes);
        }
        if self.traffic.publishers > self.nodes {
            return wrong("no more publishers than nodes", self.traffic.publishers);
        }
        if self.runs == Kind::Whole && self.traffic.publishers == 0 {
            return wrong("publishers whom all whole nodes follow", 0);
        }
        if self.runs == Kind::Whole && self.with_model {
            return wrong("no model beside whole nodes: it has no stores", 1);
        }
        if self.processes == 0 {
            return wrong("at least one process", 0);
        }
        Ok(self)
    }

    /// The same in the model: gossip alone, on lines that delay and do nothing else.
    fn model(&self) -> mesh::scenario::Scenario {
        let traffic = &self.traffic;
        mesh::scenario::Scenario {
            kind: mesh::scenario::Kind::Mesh,
            nodes: self.nodes,
            duration_ms: MODEL_FROM_MS + u64::from(traffic.messages) * traffic.every_ms + MODEL_LAST_MS,
            judging_us_min: MODEL_JUDGING_US,
            judging_us_max: MODEL_JUDGING_US,
            shortest_ways: 0,
            // Who publishes is told to the real nodes.
            keep_events: vec!["published".into()],
            graph: self.graph.clone(),
            line: Line {
                upload_bytes_per_s: MODEL_UPLOAD,
                lost_per_million: 0,
                behind_nat: 0,
                stretch: self.stretch,
                jitter: 0,
            },
            regions: self.regions.clone(),
            traffic: mesh::scenario::Traffic {
                from_ms: MODEL_FROM_MS,
                every_ms: traffic.every_ms,
                messages: traffic.messages,
                size_bytes_min: traffic.size_bytes,
                size_bytes_max: traffic.size_bytes,
                outside: 0,
            },
            params: mesh::params::Params::default(),
            attack: None,
            churn: None,
            partition: Vec::new(),
            thresholds: Thresholds::default(),
        }
    }

    fn wiring(&self, program: Option<PathBuf>) -> Result<Wiring, PlayError> {
        Ok(match self.wires {
            Wires::Memory => Wiring::Memory { noise: false },
            Wires::MemoryNoise => Wiring::Memory { noise: true },
            Wires::Loopback => Wiring::Loopback,
            Wires::Processes => Wiring::Processes {
                count: self.processes,
                program: match program {
                    Some(program) => program,
                    None => std::env::current_exe()?,
                },
            },
        })
    }
}

/// Plays a seed; `tell` hears now and then how far it is. Other processes run `program`, or else this program
/// itself, which must understand [`super::PART`].
pub fn play(
    scenario: &Scenario,
    seed: u64,
    program: Option<PathBuf>,
    tell: &mut dyn FnMut(Progress),
) -> Played {
    played(scenario, seed, program, tell).unwrap_or_else(|error| Played::failed(seed, &error))
}

fn played(
    scenario: &Scenario,
    seed: u64,
    program: Option<PathBuf>,
    tell: &mut dyn FnMut(Progress),
) -> Result<Played, PlayError> {
    let model = scenario.model();
    let world = mesh::World::new(&model, seed)?;
    let (edges, way_us) = world.wires();
    let delay_us: DelayUs = Arc::new(way_us);
    let model = (scenario.with_model).then(|| mesh::play_world(world, &mut |_| {}));
    let publishers = match &model {
        Some(model) => publishers(&model.events),
        None => (0..scenario.traffic.publishers).collect(),
    };
    let swarm = Swarm {
        nodes: scenario.nodes,
        edges,
        dialled_within: Duration::from_millis(scenario.graph.dialled_ms),
        delay_us,
        kind: scenario.runs,
        publishers,
        messages: scenario.traffic.messages as usize,
        message_bytes: usize::try_from(scenario.traffic.size_bytes).unwrap_or(usize::MAX),
        interval: Duration::from_millis(scenario.traffic.every_ms),
        wiring: scenario.wiring(program)?,
    };
    let (telling, told) = mpsc::channel();
    let played = std::thread::scope(|scope| {
        let plays = scope.spawn(move || {
            super::play(&swarm, seed, &|what, done, of| {
                telling.send(far(what, done, of)).ok();
            })
        });
        for progress in told {
            tell(progress);
        }
        plays.join()
    });
    let mut played = played.map_err(|_| PlayError::Panicked)??;
    if let Some(model) = model {
        compare(&mut played.figures, &model.figures);
    }
    Ok(played)
}

/// Who publishes, in order.
fn publishers(events: &[Row]) -> Vec<usize> {
    let nodes = events.iter().map(|row| usize::try_from(row.node));
    nodes.filter_map(Result::ok).collect()
}

/// How far a swarm is: each of its stages is a part of the whole.
fn far(what: &str, done: usize, of: usize) -> Progress {
    const STAGES: [&str; 5] = ["nodes", "edges", "meshes", "messages", "deliveries"];
    const STAGE_US: u64 = 1_000_000;
    let stage = STAGES.iter().position(|stage| *stage == what).unwrap_or(0) as u64;
    let within = (done as u64 * STAGE_US).checked_div(of as u64).unwrap_or(0);
    Progress {
        time_us: stage * STAGE_US + within,
        end_us: STAGES.len() as u64 * STAGE_US,
        events: done as u64,
    }
}

/// Figures of the model beside the real ones, and what a figure of the model is for one of the real nodes.
fn compare(real: &mut Figures, model: &Figures) {
    const COMPARED: [(&str, &str); 4] = [
        ("latency_ms_p50", "fidelity_p50"),
        ("latency_ms_p99", "fidelity_p99"),
        ("duplicates", "fidelity_duplicates"),
        ("mesh_degree_mean", "fidelity_mesh_degree"),
    ];
    for (name, ratio) in COMPARED {
        let (Some(ours), Some(theirs)) = (model.numbers.get(name), real.numbers.get(name).copied()) else {
            continue;
        };
        real.number(&format!("model_{name}"), *ours);
        if theirs > 0.0 {
            real.number(ratio, ours / theirs);
        }
    }
    if let Some(curve) = model.curves.get("delivery_cdf") {
        real.curve("delivery_cdf.model", curve.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_scenarios_read_and_the_model_has_their_graph() {
        // The others build upon these, which scenes read.
        for (name, text) in BUILT_IN.iter().filter(|(_, text)| !text.contains("extends")) {
            let scenario: Scenario = toml::from_str(text).unwrap();
            let scenario = scenario.checked().unwrap().with_nodes(12).unwrap();
            let world = mesh::World::new(&scenario.model(), 1).unwrap();
            let (edges, way_us) = world.wires();
            assert!(
                edges.len() >= 12 && edges.iter().all(|(a, b)| *a < 12 && *b < 12),
                "{name}"
            );
            assert!(
                edges.iter().all(|(a, b)| way_us(*a, *b) == way_us(*b, *a)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_swarm_without_sense_is_refused() {
        let read = |text: String| toml::from_str::<Scenario>(&text).unwrap();
        let network = include_str!("../../scenarios/swarm.toml");
        assert!(read(network.to_owned()).with_nodes(2).is_err());
        let whole = network.replace(r#"runs = "network""#, r#"runs = "whole""#);
        assert!(read(whole.clone()).checked().is_err(), "nobody publishes");
        let heard = whole.replace("[traffic]", "[traffic]\npublishers = 3");
        assert!(read(heard.clone()).checked().is_ok());
        let modelled = heard.replace("nodes = 100", "nodes = 100\nwith_model = true");
        assert!(read(modelled).checked().is_err(), "the model has no stores");
    }
}
