//! What a run of the mesh is made of, read from TOML. Every number has its unit in its name; a share
//! without one is of a thousand. The files lie in `simulations/scenarios` and are built in by name.

use crate::figure::Thresholds;
use crate::mesh::params::Params;
use crate::mesh::policy::Role;
use crate::scenario::{Unknown, find};
use crate::wire::{Churn, Line, Partition};
use serde::Deserialize;

/// A network and what happens in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What this file is a scenario of.
    pub kind: Kind,
    /// Honest nodes.
    pub nodes: usize,
    /// How long a run is.
    pub duration_ms: u64,
    /// How long a message takes to be judged, at least
    pub judging_us_min: u64,
    /// and at most.
    pub judging_us_max: u64,
    /// Messages whose shortest ways are looked for.
    pub shortest_ways: usize,
    /// Kinds of events that are kept one by one.
    #[serde(default)]
    pub keep_events: Vec<String>,
    /// Who is connected with whom.
    pub graph: Graph,
    /// What the lines are like.
    pub line: Line,
    /// Where nodes are; a table of the project's own without it.
    pub regions: Option<Regions>,
    /// What is said.
    pub traffic: Traffic,
    /// What gossipsub is told; what the real node tells it without it.
    #[serde(default)]
    pub params: Params,
    /// Who attacks.
    pub attack: Option<Attack>,
    /// Who leaves and comes back.
    pub churn: Option<Churn>,
    /// When the network is in parts.
    #[serde(default)]
    pub partition: Vec<Partition>,
    /// What figures must be, by name.
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Tells scenarios of the mesh from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A scenario of the mesh.
    Mesh,
}

/// Who is connected with whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What it is like.
    pub shape: Shape,
    /// Connections of a node, on average, both ways together.
    pub degree: usize,
    /// For a small world: edges that lead far, of a thousand.
    #[serde(default)]
    pub rewired: u64,
    /// For a list: the file.
    pub file: Option<String>,
    /// Within this time all connections are dialled.
    pub dialled_ms: u64,
    /// Connections of a node; 0 is any number. The real node has 128.
    #[serde(default)]
    pub connections_max: u32,
    /// Connections that others dialled, of these; 0 is any number. The real node takes 96.
    #[serde(default)]
    pub connections_inbound_max: u32,
}

/// What a graph is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Anybody with anybody.
    Random,
    /// Watts and Strogatz.
    SmallWorld,
    /// Barabási and Albert.
    PowerLaw,
    /// From a file of edges.
    List,
}

/// Tables of round trips.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// File of medians.
    pub p50_file: String,
    /// File of ninetieth percentiles.
    pub p90_file: String,
}

/// What is said, by honest nodes drawn one by one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// When the first message is published.
    pub from_ms: u64,
    /// Time between two.
    pub every_ms: u64,
    /// How many.
    pub messages: u32,
    /// Smallest message.
    pub size_bytes_min: u64,
    /// Largest message.
    pub size_bytes_max: u64,
    /// Honest nodes that are not in the topic, of a thousand. If there are any, they publish everything, and
    /// nothing is meant for them.
    #[serde(default)]
    pub outside: u64,
}

/// Who attacks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// What attackers do.
    pub role: Role,
    /// How many.
    pub nodes: usize,
    /// Honest nodes that each of them dials.
    pub connections_each: usize,
    /// Whether each of them also dials the first honest node.
    #[serde(default)]
    pub surround_first: bool,
    /// From when on they dial.
    pub dial_from_ms: u64,
    /// From when on they misbehave.
    pub from_ms: u64,
    /// Attackers at one address.
    #[serde(default = "one")]
    pub per_address: u32,
    /// Spam: messages of each at every heartbeat.
    #[serde(default)]
    pub messages_each_heartbeat: u32,
    /// Spam: their size.
    #[serde(default)]
    pub size_bytes: u32,
}

fn one() -> u32 {
    1
}

/// Scenarios that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("baseline", include_str!("../../scenarios/baseline.toml")),
    ("churn", include_str!("../../scenarios/churn.toml")),
    ("partition", include_str!("../../scenarios/partition.toml")),
    ("cold-boot", include_str!("../../scenarios/cold-boot.toml")),
    ("sybil-20", include_str!("../../scenarios/sybil-20.toml")),
    ("sybil-40", include_str!("../../scenarios/sybil-40.toml")),
    ("eclipse", include_str!("../../scenarios/eclipse.toml")),
    ("covert-flash", include_str!("../../scenarios/covert-flash.toml")),
    ("spam", include_str!("../../scenarios/spam.toml")),
    ("fan-out", include_str!("../../scenarios/fan-out.toml")),
];

/// Nodes, honest and others, that the model can number.
const NODES_MAX: usize = 50_000_000;

/// Why a scenario is none.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The name is not known.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The file cannot be read as a scenario.
    #[error("the scenario cannot be read: {0}")]
    Form(#[from] toml::de::Error),
    /// Its numbers cannot be played.
    #[error("expected {expected}, got {actual}")]
    Numbers {
        /// What would do.
        expected: &'static str,
        /// What there is.
        actual: u64,
    },
}

impl Scenario {
    /// A scenario that is built in.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        Self::read(find(BUILT_IN, name)?)
    }

    /// A scenario from TOML.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.checked()
    }

    /// The same scenario with another number of honest nodes; attackers in proportion. So that an honest
    /// node has as many attackers around it as before, each of them dials as many, if there are so many.
    /// A graph that is read from a file keeps the nodes that the file has.
    pub fn with_nodes(self, nodes: usize) -> Result<Self, ScenarioError> {
        let before = self.nodes.max(1);
        let attack = self.attack.map(|attack| Attack {
            nodes: (attack.nodes * nodes).div_ceil(before),
            connections_each: attack.connections_each.min(nodes),
            ..attack
        });
        Self {
            nodes,
            attack,
            ..self
        }
        .checked()
    }

    /// The same scenario, if its numbers can be played.
    pub fn checked(self) -> Result<Self, ScenarioError> {
        let attackers = self.attack.as_ref().map_or(0, |attack| attack.nodes);
        let wrong = |expected, actual| Err(ScenarioError::Numbers { expected, actual });
        if self.nodes < 3 || self.nodes + attackers > NODES_MAX {
            return wrong("3 to 50000000 nodes", (self.nodes + attackers) as u64);
        }
        if self.params.heartbeat_ms == 0 {
            return wrong("a heartbeat of at least a millisecond", 0);
        }
        if self.duration_ms > u64::from(u32::MAX) / 2 {
            return wrong("a run of at most 2147483647 ms", self.duration_ms);
        }
        if self.line.upload_bytes_per_s == 0 {
            return wrong("an upload of at least one byte a second", 0);
        }
        if self.judging_us_max < self.judging_us_min {
            return wrong("judging_us_max of at least judging_us_min", self.judging_us_max);
        }
        let params = &self.params;
        // gossipsub refuses others too.
        if params.mesh_low > params.mesh_n
            || params.mesh_n > params.mesh_high
            || params.mesh_outbound_min * 2 > params.mesh_n
            || params.mesh_outbound_min >= params.mesh_low
            || params.history_gossip > params.history_length
        {
            return wrong(
                "mesh_low <= mesh_n <= mesh_high, mesh_outbound_min < mesh_low and at most half of mesh_n, \
                 history_gossip <= history_length",
                params.mesh_n as u64,
            );
        }
        if self.traffic.outside > 500 {
            return wrong(
                "at most 500 of 1000 nodes outside the topic",
                self.traffic.outside,
            );
        }
        if self.traffic.every_ms == 0 {
            return wrong("a millisecond between two messages", 0);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_scenarios_read_and_scale() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::named(name).unwrap();
            let attackers = scenario.attack.as_ref().map(|attack| attack.nodes);
            let small = scenario.with_nodes(100).unwrap();
            assert_eq!(small.nodes, 100, "{name}");
            assert_eq!(
                small.attack.map(|attack| attack.nodes),
                attackers.map(|count| count / 10),
                "{name}"
            );
        }
        assert!(matches!(
            Scenario::named("none"),
            Err(ScenarioError::Unknown { .. })
        ));
        assert!(matches!(
            Scenario::read("kind = \"mesh\""),
            Err(ScenarioError::Form(_))
        ));
        let with_typo = format!("nodse = 3\n{}", BUILT_IN[0].1);
        assert!(matches!(Scenario::read(&with_typo), Err(ScenarioError::Form(_))));
        let baseline = Scenario::named("baseline").unwrap();
        assert!(matches!(
            baseline.with_nodes(1),
            Err(ScenarioError::Numbers { .. })
        ));
    }
}
