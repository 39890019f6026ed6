//! Who takes part in a market beside its people.

use serde::Deserialize;

/// Actors of one kind. Each has a node of its own, beside those of the people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// What they do.
    pub kind: Kind,
    /// How many, at the scenario's number of nodes.
    pub count: usize,
    /// When they come.
    pub from_ms: u64,
    /// How often each of them does something.
    pub every_ms: u64,
    /// How much each of them says at a time, where its kind says much.
    #[serde(default = "one")]
    pub words: u64,
    /// People whom each of them dials.
    pub knows: usize,
    /// People who follow each of them from the beginning.
    #[serde(default)]
    pub followers: usize,
}

/// What actors do. `simulations/src/actor` has one file for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Buys on tabs and by promise, never pays, and disputes what it got.
    Defaulter,
    /// Signs two statements with one number, and two states of a tab with one number.
    Equivocator,
    /// Takes what is paid in advance, buys with it of who paid, and sends nothing.
    ExitScammer,
    /// Shops whose owners review each other without a purchase, and vouch for each other.
    ReviewRing,
    /// Says much, in public and to shops.
    Spammer,
    /// Fresh accounts that vouch for each other and ask one shop for prices.
    Sybil,
}

impl Company {
    /// As many of them for another number of people.
    pub(super) fn scaled(self, nodes: usize, before: usize) -> Self {
        Self {
            count: (self.count * nodes).div_ceil(before),
            ..self
        }
    }
}

const fn one() -> u64 {
    1
}
