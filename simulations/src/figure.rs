//! What a run measured, in one form for every kind of run: numbers, and curves to be drawn.
//!
//! Figures are derived at the end of a run with `+ - * /` and square roots alone, which are the same on
//! every machine; nothing that a run does depends on them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one run measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// By name; the unit is the end of the name (`latency_ms_p99`, `bytes_per_node`), a ratio has none.
    pub numbers: BTreeMap<String, f64>,
    /// Points `(x, y)` by name, `x` ascending.
    pub curves: BTreeMap<String, Vec<(f64, f64)>>,
}

impl Figures {
    /// Notes a number.
    pub fn number(&mut self, name: &str, value: f64) {
        self.numbers.insert(name.to_owned(), value);
    }

    /// Notes a curve.
    pub fn curve(&mut self, name: &str, points: Vec<(f64, f64)>) {
        self.curves.insert(name.to_owned(), points);
    }
}

/// What became of one seed of any kind of run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Played {
    /// The seed.
    pub seed: u64,
    /// BLAKE3 over everything that happened, in hexadecimal. Equal for equal scenario, seed and program.
    pub digest: String,
    /// What was measured.
    pub figures: Figures,
    /// Events that the run asked to keep, one row each, in the order in which they happened.
    pub events: Vec<Row>,
    /// The law that was found broken, in words, with what is needed to see it again.
    pub broken: Option<String>,
}

/// One event of a run, for a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Virtual time, in microseconds.
    pub time_us: u64,
    /// Where.
    pub node: u64,
    /// What, in a word.
    pub kind: String,
    /// With whom, if with somebody.
    pub other: Option<u64>,
    /// What it was about: a message, an order.
    pub about: Option<u64>,
}
