//! What a run is made of, read from TOML. Every number has its unit in its name; shares are of a
//! thousand. The files lie in `simulations/scenarios` and are built in by name.

pub mod company;
pub mod society;

use crate::figure::Thresholds;
use crate::wire::RegionsError;
use company::Company;
use serde::Deserialize;
use society::{Acquaintance, Places, Rhythm, Trace};
use std::sync::Arc;

/// A world and what happens in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Which kind of run this is: `market`.
    pub kind: Kind,
    /// Nodes, each of them one person's first device. Shops may have more devices: `shop.devices`. Actors come on top of them.
    pub nodes: usize,
    /// How many of them keep a shop.
    pub merchants: usize,
    /// What people are like.
    pub people: People,
    /// What shops are like.
    pub shop: Shop,
    /// What the wires are like.
    pub links: Links,
    /// What goes wrong.
    pub storm: Storm,
    /// What is asked for after it.
    pub heal: Heal,
    /// How often the laws look at everything.
    pub check: Check,
    /// What happens at set times.
    #[serde(default)]
    pub plan: Vec<Planned>,
    /// Who takes part beside the people.
    #[serde(default)]
    pub actors: Vec<Company>,
    /// Who knows whom; a ring small world by `people` without it.
    pub graph: Option<Acquaintance>,
    /// When people are awake; always without it.
    pub rhythm: Option<Rhythm>,
    /// Where nodes are; latencies of `links` without it.
    pub places: Option<Places>,
    /// Wishes by a list of one's own.
    pub trace: Option<Trace>,
    /// Kinds of events that are kept for a table: `order`.
    #[serde(default)]
    pub keep_events: Vec<String>,
    /// Between what figures must lie. Laws about orders that nobody brings to an end mean nothing, so how many
    /// do is among them.
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// The kind of a scenario that has the product's own peers with their whole content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// People, shops and orders.
    Market,
}

/// What people are like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Acquaintances on the ring, both sides together.
    pub neighbours: usize,
    /// Acquaintances that are far away instead, of a thousand.
    pub rewired: u64,
    /// Wishes of all together during the storm.
    pub acts: u64,
    /// Of what somebody's node tells them of an order, how much they look at, of a thousand.
    pub attentive: u64,
    /// How long they take to look, at most.
    pub look_ms_max: u64,
    /// Finished orders that get a review, of a thousand.
    pub reviews: u64,
    /// People who never answer in an order, of a thousand.
    pub silent: u64,
    /// Acts out of the blue in an order that may be cancellations and refusals, of a thousand.
    pub gives_up: u64,
    /// Acts out of the blue in an order that are tried in any state, of a thousand.
    pub wrong: u64,
    /// Of the posts, vouches, reactions and follows that come to people's minds, those that they say, of a
    /// thousand. Instead of the others they ask for something.
    pub talks: u64,
    /// Of those who keep no shop, people who follow and read, and say nothing, of a thousand.
    #[serde(default)]
    pub lurkers: u64,
    /// Of those who keep no shop, people who buy, and say nothing but their name, orders and reviews, of
    /// a thousand.
    #[serde(default)]
    pub buyers: u64,
}

/// What shops are like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// Devices of one shop, the one with the root key included.
    #[serde(default = "one")]
    pub devices: usize,
    /// Edits that each device makes when edits are planned.
    #[serde(default)]
    pub edits: u64,
    /// Fewest listings of one shop.
    #[serde(default = "few")]
    pub listings_min: u64,
    /// Most listings of one shop.
    pub listings_max: u64,
    /// Variants of one listing.
    pub variants_max: u64,
    /// Counted units of a variant when the shop opens.
    pub units_max: u64,
    /// Variants that are not counted, of a thousand.
    pub untracked: u64,
    /// Dearest price, in minor units.
    pub price_minor_max: u64,
    /// Shops that accept without being asked, of a thousand.
    pub accepts_by_itself: u64,
    /// Shops that also take payments outside, of a thousand.
    pub manual: u64,
    /// Shops that give room on a tab to whoever wants to buy, of a thousand.
    pub trusting: u64,
    /// Counted units of the product that a rush is for.
    #[serde(default)]
    pub rush_units: u64,
}

/// What the wires are like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Shortest one-way latency of a link.
    pub latency_ms_min: u64,
    /// Longest one.
    pub latency_ms_max: u64,
    /// What a single message may take longer.
    pub jitter_ms_max: u64,
    /// When an unanswered request counts as lost.
    pub timeout_ms: u64,
}

/// What goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// How long it lasts.
    pub duration_ms: u64,
    /// How often a node's timer fires.
    pub tick_ms: u64,
    /// Messages, requests and answers that get lost, of a thousand.
    pub lost: u64,
    /// Messages and requests that come twice, of a thousand.
    pub repeated: u64,
    /// Links that break, over the whole storm.
    pub drops: u64,
    /// Longest time that a broken link or crashed node stays away.
    pub away_ms_max: u64,
    /// Before this time nobody crashes, so that whoever matters can set up.
    #[serde(default)]
    pub crashes_from_ms: u64,
    /// Crashes, of a million steps that write.
    pub crashes_per_million: u64,
    /// How far a clock is off, either way.
    pub skew_ms_max: u64,
    /// How often all clocks jump over a deadline.
    pub jumps: u64,
}

/// Something that happens at a set time, to some.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// What.
    pub what: Deed,
    /// When it begins.
    pub at_ms: u64,
    /// How long it lasts; of a rush or of edits, within which time all come; of a jump, how far.
    pub for_ms: u64,
    /// To whom.
    pub who: Who,
    /// To how many of them, of a thousand.
    #[serde(default = "all")]
    pub share: u64,
}

/// What can be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Their machines are off.
    Away,
    /// They can reach each other, and nobody else.
    Apart,
    /// They all want one unit of the first product of the first shop. Everybody follows that shop, and its
    /// product has `shop.rush_units`.
    Rush,
    /// They cannot reach the other devices of their owner; everybody else reaches them.
    Alone,
    /// Their owners edit the shop there, `shop.edits` times each.
    Edit,
    /// The clocks of all jump.
    Jump,
}

/// Whom something happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// All nodes.
    Everybody,
    /// Those who keep a shop.
    Merchants,
    /// Those who do not.
    Buyers,
    /// Devices of somebody who has several.
    Devices,
}

const fn all() -> u64 {
    1_000
}

const fn one() -> usize {
    1
}

const fn few() -> u64 {
    1
}

/// What is asked for after the storm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// Within this time everybody agrees.
    pub within_ms: u64,
    /// How often it is looked whether they do.
    pub look_every_ms: u64,
}

/// How often the laws look at everything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Steps between two checks of the whole world.
    pub whole_every_steps: u64,
}

/// Scenarios that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("first", include_str!("../scenarios/first.toml")),
    ("merchant-away", include_str!("../scenarios/merchant-away.toml")),
    (
        "market-partition",
        include_str!("../scenarios/market-partition.toml"),
    ),
    ("market-churn", include_str!("../scenarios/market-churn.toml")),
    ("clock-skew", include_str!("../scenarios/clock-skew.toml")),
    ("drop", include_str!("../scenarios/drop.toml")),
    ("orders", include_str!("../scenarios/orders.toml")),
    ("market-day", include_str!("../scenarios/market-day.toml")),
    ("defaulters", include_str!("../scenarios/defaulters.toml")),
    ("exit-scammers", include_str!("../scenarios/exit-scammers.toml")),
    ("equivocators", include_str!("../scenarios/equivocators.toml")),
    ("review-ring", include_str!("../scenarios/review-ring.toml")),
    ("continents", include_str!("../scenarios/continents.toml")),
    (
        "spam-and-sybils",
        include_str!("../scenarios/spam-and-sybils.toml"),
    ),
    ("double-sell", include_str!("../scenarios/double-sell.toml")),
    ("catalog-storm", include_str!("../scenarios/catalog-storm.toml")),
];

/// A name that no scenario has.
#[derive(Debug, thiserror::Error)]
#[error("expected one of the scenarios {known}, got '{actual}'")]
pub struct Unknown {
    /// Names that there are.
    pub known: String,
    /// The name given.
    pub actual: String,
}

/// The text of a scenario in a list of names and texts.
pub fn find<'a>(list: &[(&str, &'a str)], name: &str) -> Result<&'a str, Unknown> {
    let found = list.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text).ok_or_else(|| Unknown {
        known: list
            .iter()
            .map(|(known, _)| *known)
            .collect::<Vec<_>>()
            .join(", "),
        actual: name.to_owned(),
    })
}

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
    #[error("expected at least 3 nodes and 1 to {nodes} merchants, got {nodes} and {merchants}")]
    Size {
        /// Nodes.
        nodes: usize,
        /// Merchants.
        merchants: usize,
    },
    /// A file that it names cannot be read.
    #[error("the file {path} that the scenario names cannot be read: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: Arc<std::io::Error>,
    },
    /// A list of wishes is none.
    #[error("the list of wishes {path} cannot be played: {words}")]
    Trace {
        /// The file.
        path: String,
        /// Why.
        words: String,
    },
    /// A table of round trips is none.
    #[error(transparent)]
    Regions(#[from] RegionsError),
    /// Something is not there that is needed, or does not fit together.
    #[error("expected {0}")]
    Missing(&'static str),
}

impl Scenario {
    /// Whether a rush is planned.
    pub fn has_rush(&self) -> bool {
        self.plan.iter().any(|planned| planned.what == Deed::Rush)
    }

    /// A scenario that is built in.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        Self::read(find(BUILT_IN, name)?)
    }

    /// A scenario from TOML.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str::<Self>(text)?.checked()
    }

    /// The same scenario with another number of nodes; merchants, actors, wishes and broken links in proportion.
    pub fn with_nodes(self, nodes: usize) -> Result<Self, ScenarioError> {
        let before = self.nodes.max(1);
        let scaled = |part: u64| (part * nodes as u64).div_ceil(before as u64);
        Self {
            nodes,
            merchants: (self.merchants * nodes).div_ceil(before),
            people: People {
                acts: scaled(self.people.acts),
                ..self.people
            },
            storm: Storm {
                drops: scaled(self.storm.drops),
                ..self.storm
            },
            actors: self
                .actors
                .into_iter()
                .map(|company| company.scaled(nodes, before))
                .collect(),
            ..self
        }
        .checked()
    }

    /// The same scenario with the files that it names, if it can be played.
    pub fn checked(self) -> Result<Self, ScenarioError> {
        let (nodes, merchants) = (self.nodes, self.merchants);
        if nodes < 3 || !(1..=nodes).contains(&merchants) {
            return Err(ScenarioError::Size { nodes, merchants });
        }
        if self.people.lurkers.saturating_add(self.people.buyers) > 1_000 {
            return Err(ScenarioError::Missing(
                "people.lurkers and people.buyers of at most 1000 together",
            ));
        }
        Ok(Self {
            graph: self.graph.map(Acquaintance::loaded).transpose()?,
            rhythm: self.rhythm.map(Rhythm::checked).transpose()?,
            places: self.places.map(Places::loaded).transpose()?,
            trace: self.trace.map(|trace| trace.loaded(nodes)).transpose()?,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_in_scenario_reads_and_scales() {
        let first = Scenario::named("first").unwrap();
        assert_eq!((first.nodes, first.merchants), (50, 10));
        let small = first.with_nodes(10).unwrap();
        assert_eq!((small.nodes, small.merchants, small.people.acts), (10, 2, 200));
        assert!(small.with_nodes(2).is_err());
        assert!(matches!(
            Scenario::named("second"),
            Err(ScenarioError::Unknown { .. })
        ));
        assert!(matches!(Scenario::read("nodes = 1"), Err(ScenarioError::Form(_))));
    }
}
