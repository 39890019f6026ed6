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

/// Between what figures must lie, by name.
pub type Thresholds = BTreeMap<String, Threshold>;

/// The least and the most that a figure may be, in each seed and in the mean of all seeds of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The least in each seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most in each seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The least that the mean may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_min: Option<f64>,
    /// The most that the mean may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_max: Option<f64>,
}

impl Threshold {
    /// Whether the value of a seed lies within. What is no number never does.
    pub fn holds(&self, value: f64) -> bool {
        within(self.min, self.max, value)
    }

    /// Whether the mean of all seeds lies within.
    pub fn holds_in_mean(&self, mean: f64) -> bool {
        within(self.mean_min, self.mean_max, mean)
    }
}

/// The thresholds that the figures of one seed miss, in words.
pub fn missed(thresholds: &Thresholds, figures: &Figures) -> Vec<String> {
    let missed = thresholds
        .iter()
        .filter_map(|(name, threshold)| match figures.numbers.get(name).copied() {
            None => Some(format!("expected a figure '{name}', got none")),
            Some(value) if threshold.holds(value) => None,
            Some(value) => Some(format!("expected {name} within {threshold:?}, got {value}")),
        });
    missed.collect()
}

fn within(min: Option<f64>, max: Option<f64>, value: f64) -> bool {
    min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max) && !value.is_nan()
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Virtual time, in microseconds.
    pub time_us: u64,
    /// When it ends, in microseconds; it may end earlier.
    pub end_us: u64,
    /// Events so far.
    pub events: u64,
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

impl Played {
    /// A seed that could not be played, and why.
    pub fn failed(seed: u64, why: &impl std::fmt::Display) -> Self {
        Self {
            seed,
            digest: String::new(),
            figures: Figures::default(),
            events: Vec::new(),
            broken: Some(why.to_string()),
        }
    }
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
