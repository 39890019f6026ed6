//! Scenarios of every kind behind one door: found by name or file, changed by settings, played.

use crate::figure::{Played, Progress, Thresholds};
use crate::mesh;
use crate::run;
use crate::scenario::{self, Scenario, ScenarioError, Unknown};
use crate::swarm;
use serde::Deserialize;

/// Something that can be played.
#[derive(Debug, Clone)]
pub enum Scene {
    /// The product's own peers with their whole content.
    Market(Box<Scenario>),
    /// gossipsub among up to millions of nodes, without content.
    Mesh(Box<mesh::scenario::Scenario>),
    /// The real node many times.
    Swarm(Box<swarm::scenario::Scenario>),
}

/// One setting of a scenario: `storm.lost=30`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Where it stands, parts separated by dots.
    pub path: String,
    /// What it is, as in TOML.
    pub value: toml::Value,
}

/// Why there is nothing to play.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The file cannot be read.
    #[error("the scenario file {path} cannot be read: {error}; 'list' shows what is built in")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is no TOML, or not what a scenario of its kind has.
    #[error("the scenario cannot be read: {0}")]
    Form(#[from] toml::de::Error),
    /// A market scenario that cannot be played.
    #[error(transparent)]
    Market(#[from] ScenarioError),
    /// A mesh scenario that cannot be played.
    #[error(transparent)]
    Mesh(#[from] mesh::scenario::ScenarioError),
    /// A scenario of real nodes that cannot be played.
    #[error(transparent)]
    Swarm(#[from] swarm::scenario::ScenarioError),
    /// The kind is not known.
    #[error("expected a scenario with kind = \"market\", \"mesh\" or \"swarm\", got {0}")]
    Kind(String),
    /// The name is not known.
    #[error("expected one of the scenarios {known}, or a file that ends in .toml, got '{actual}'")]
    Unknown {
        /// Names that are.
        known: String,
        /// The name given.
        actual: String,
    },
    /// It builds upon something that there is not.
    #[error("'extends' names the built-in scenario that this one builds upon; 'list' shows them")]
    Extends,
    /// A setting that is none.
    #[error("expected a setting like 'storm.lost=30', got '{0}'")]
    Setting(String),
    /// A setting for something that the scenario does not have.
    #[error("the scenario has no '{0}'; see its file for what can be set")]
    NoSuchSetting(String),
}

impl std::str::FromStr for Setting {
    type Err = SceneError;

    fn from_str(text: &str) -> Result<Self, SceneError> {
        let none = || SceneError::Setting(text.to_owned());
        let (path, value) = text.split_once('=').ok_or_else(none)?;
        let (path, value) = (path.trim(), value.trim());
        if path.is_empty() || value.is_empty() {
            return Err(none());
        }
        // What is no value of TOML is a word.
        let read = toml::from_str::<toml::Table>(&format!("value = {value}"));
        let value = match read.ok().and_then(|mut table| table.remove("value")) {
            Some(value) => value,
            None => toml::Value::String(value.to_owned()),
        };
        Ok(Self {
            path: path.to_owned(),
            value,
        })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.path, self.value)
    }
}

impl Setting {
    fn apply(&self, table: &mut toml::Table) -> Result<(), SceneError> {
        let missing = || SceneError::NoSuchSetting(self.path.clone());
        let (parents, name) = match self.path.rsplit_once('.') {
            Some((parents, name)) => (Some(parents), name),
            None => (None, self.path.as_str()),
        };
        let mut place = table;
        for part in parents.into_iter().flat_map(|parents| parents.split('.')) {
            place = place
                .get_mut(part)
                .and_then(toml::Value::as_table_mut)
                .ok_or_else(missing)?;
        }
        match place.get_mut(name) {
            Some(old) => *old = self.value.clone(),
            None => return Err(missing()),
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Header {
    kind: String,
}

impl Scene {
    /// Every built-in scenario: its name, and its text.
    pub fn built_in() -> Vec<(&'static str, &'static str)> {
        [
            scenario::BUILT_IN,
            mesh::scenario::BUILT_IN,
            swarm::scenario::BUILT_IN,
        ]
        .concat()
    }

    /// The text of a built-in scenario, or of a file that ends in `.toml`.
    pub fn text(name: &str) -> Result<String, SceneError> {
        if name.ends_with(".toml") {
            return std::fs::read_to_string(name).map_err(|error| SceneError::File {
                path: name.to_owned(),
                error,
            });
        }
        let text = scenario::find(&Self::built_in(), name);
        text.map(str::to_owned)
            .map_err(|Unknown { known, actual }| SceneError::Unknown { known, actual })
    }

    /// A scenario from its text, with other settings and perhaps another number of nodes than it says.
    pub fn read(text: &str, settings: &[Setting], nodes: Option<usize>) -> Result<Self, SceneError> {
        let mut table = whole(text, 0)?;
        for setting in settings {
            setting.apply(&mut table)?;
        }
        let kind = table.clone().try_into::<Header>().map(|header| header.kind);
        match kind.as_deref() {
            Ok("market") => {
                let scenario: Scenario = table.try_into()?;
                let scenario = scenario.checked()?;
                Ok(Self::Market(Box::new(match nodes {
                    Some(nodes) => scenario.with_nodes(nodes)?,
                    None => scenario,
                })))
            }
            Ok("mesh") => {
                let scenario: mesh::scenario::Scenario = table.try_into()?;
                let scenario = scenario.checked()?;
                Ok(Self::Mesh(Box::new(match nodes {
                    Some(nodes) => scenario.with_nodes(nodes)?,
                    None => scenario,
                })))
            }
            Ok("swarm") => {
                let scenario: swarm::scenario::Scenario = table.try_into()?;
                let scenario = scenario.checked()?;
                Ok(Self::Swarm(Box::new(match nodes {
                    Some(nodes) => scenario.with_nodes(nodes)?,
                    None => scenario,
                })))
            }
            Ok(other) => Err(SceneError::Kind(format!("'{other}'"))),
            Err(_) => Err(SceneError::Kind("none".into())),
        }
    }

    /// The first sentence of a scenario's text, which says what it is for.
    pub fn words(text: &str) -> String {
        let lines = text.lines().take_while(|line| line.starts_with('#'));
        let words: Vec<&str> = lines.map(|line| line.trim_start_matches(['#', ' '])).collect();
        let words = words.join(" ");
        match words.split_once(". ") {
            Some((first, _)) => format!("{first}."),
            None => words,
        }
    }

    /// Nodes that it has.
    pub fn nodes(&self) -> usize {
        match self {
            Self::Market(scenario) => scenario.nodes,
            Self::Mesh(scenario) => scenario.nodes,
            Self::Swarm(scenario) => scenario.nodes,
        }
    }

    /// Between what its figures must lie.
    pub fn thresholds(&self) -> &Thresholds {
        match self {
            Self::Market(scenario) => &scenario.thresholds,
            Self::Mesh(scenario) => &scenario.thresholds,
            Self::Swarm(scenario) => &scenario.thresholds,
        }
    }

    /// Whether a seed needs the machine for itself: it runs in real time.
    pub fn runs_alone(&self) -> bool {
        matches!(self, Self::Swarm(_))
    }

    /// Where the model was checked against reality, and what it leaves out, in words.
    pub fn checked_in(&self) -> &'static str {
        match self {
            Self::Market(_) => {
                "Peers, stores' contents, orders, tabs and signatures are the product's own code; links, clocks, crashes, people and attackers are modelled. Checked: the laws, at 10 to 50 nodes over 1,000 seeds. Not modelled here: gossipsub's mesh; bandwidth, regions and NAT only where the scenario has places. Times in it say how many steps something takes, not how long it takes in a real network."
            }
            Self::Mesh(_) => {
                "gossipsub is modelled step by step after its own code, over modelled lines; messages have no content. Checked: its parameters, against the node's own files. Its figures are held beside those of real nodes on the same graph by the scenario 'fidelity'. Not modelled: processor time, queues of the operating system, several topics."
            }
            Self::Swarm(_) => {
                "The nodes are the real ones, and time is real: no two runs are the same, and the digest is of what was asked for, not of what happened. Only the delays of the wires are made. Latencies hold while the machine is not busy with other things: see its load."
            }
        }
    }

    /// Plays a seed; `tell` hears now and then how far it is.
    pub fn play(&self, seed: u64, tell: &mut dyn FnMut(Progress)) -> Played {
        match self {
            Self::Market(scenario) => {
                run::seed(scenario, seed, None, run::TRIES_MAX, tell).played(scenario.nodes)
            }
            Self::Mesh(scenario) => mesh::play(scenario, seed, tell),
            Self::Swarm(scenario) => swarm::scenario::play(scenario, seed, None, tell),
        }
    }
}

/// How many scenarios may build upon each other.
const EXTENDS_MAX: usize = 4;

/// A scenario with what it leaves to the built-in one that it `extends`.
fn whole(text: &str, depth: usize) -> Result<toml::Table, SceneError> {
    let mut table: toml::Table = toml::from_str(text)?;
    let Some(base) = table.remove("extends") else {
        return Ok(table);
    };
    let known = Scene::built_in();
    let base = known
        .iter()
        .find(|(name, _)| base.as_str() == Some(*name) && depth < EXTENDS_MAX);
    let Some((_, base)) = base else {
        return Err(SceneError::Extends);
    };
    let mut under = whole(base, depth + 1)?;
    // What is asked for belongs to one scenario.
    under.remove("thresholds");
    lay(&mut under, table);
    Ok(under)
}

fn lay(under: &mut toml::Table, over: toml::Table) {
    for (name, value) in over {
        match (under.get_mut(&name), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => lay(under, over),
            (_, value) => drop(under.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(settings: &[&str]) -> Result<Scene, SceneError> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        Scene::read(&Scene::text("first").unwrap(), &settings, Some(10))
    }

    #[test]
    fn a_setting_changes_one_number_and_nothing_that_is_not_there() {
        let Scene::Market(scenario) = first(&["storm.lost=7", "merchants=25"]).unwrap() else {
            panic!("no market")
        };
        assert_eq!(
            (scenario.storm.lost, scenario.nodes, scenario.merchants),
            (7, 10, 5)
        );
        assert!(matches!(
            first(&["storm.loss=7"]),
            Err(SceneError::NoSuchSetting(_))
        ));
        assert!(matches!(first(&["storm.lost=many"]), Err(SceneError::Form(_))));
        assert!(matches!(first(&["kind=zoo"]), Err(SceneError::Kind(_))));
        assert!(matches!(
            "storm.lost".parse::<Setting>(),
            Err(SceneError::Setting(_))
        ));
    }

    #[test]
    fn every_built_in_scenario_reads_and_says_what_it_is_for() {
        for (name, text) in Scene::built_in() {
            Scene::read(text, &[], None).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(Scene::words(text).len() > 20, "{name}");
        }
        assert!(matches!(Scene::text("second"), Err(SceneError::Unknown { .. })));
    }
}
