//! One run and what is told of it; many runs over the machine's cores.

use crate::law::Law;
use crate::sabotage::Sabotage;
use crate::scenario::{Check, Scenario};
use crate::world::{Census, Counts, World};
use serde::Serialize;
use souk_protocol::settlement::Rail;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What became of one seed.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// BLAKE3 over everything that happened and is stored, in hexadecimal.
    pub digest: String,
    /// What was counted.
    pub counts: Counts,
    /// What stands at the end.
    pub census: Census,
    /// The law that was found broken, if one was.
    pub broken: Option<Failure>,
}

/// A broken law, and what is needed to see it again.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The law's name.
    pub law: String,
    /// How it is broken.
    pub words: String,
    /// At which step.
    pub step: u64,
    /// The last events of the nodes involved.
    pub last_events: Vec<String>,
    #[serde(skip)]
    kind: Law,
}

/// How the orders of some runs stand at their end.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ends {
    /// All of them.
    pub orders: u64,
    /// By state.
    pub states: BTreeMap<&'static str, u64>,
    /// Completed ones, by the way they were paid.
    pub completed: BTreeMap<&'static str, u64>,
    /// Orders with a receipt.
    pub receipts: u64,
    /// Purchases with a review.
    pub reviews: u64,
}

impl Ends {
    /// Of these runs together.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut ends = Self::default();
        for census in outcomes.into_iter().map(|outcome| &outcome.census) {
            for (state, count) in &census.orders {
                ends.orders += count;
                *ends.states.entry(state).or_default() += count;
            }
            for (rail, count) in &census.completed {
                *ends.completed.entry(rail).or_default() += count;
            }
            ends.receipts += census.receipts;
            ends.reviews += census.reviews;
        }
        ends
    }

    /// Why these runs show too little, if they do: laws about orders that nobody brings to an end mean
    /// nothing.
    pub fn shortfall(&self, least: &Check) -> Option<String> {
        let completed = self.completed.values().sum();
        let outside = Rail::ALL.map(|rail| {
            let count = self.completed.get(rail.name()).copied().unwrap_or(0);
            (
                format!("completed orders paid by '{}'", rail.name()),
                count,
                least.completed_each_way,
            )
        });
        let mut shares = vec![(
            "orders that completed".to_owned(),
            completed,
            self.orders,
            least.completed,
        )];
        shares.extend(outside.map(|(what, count, least)| (what, count, completed, least)));
        shares.push((
            "completed orders with a review".into(),
            self.reviews,
            completed,
            least.reviewed,
        ));
        let short = shares
            .into_iter()
            .find(|(_, count, of, least)| count * 1_000 < of * least);
        short.map(|(what, count, of, least)| {
            format!("expected at least {least} of a thousand {what}, got {count} of {of}")
        })
    }
}

impl std::fmt::Display for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = |counts: &BTreeMap<&str, u64>| {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(name, count)| (Reverse(**count), **name));
            let told = counts.iter().map(|(name, count)| format!("{count} {name}"));
            told.collect::<Vec<_>>().join(", ")
        };
        write!(
            f,
            "{} orders: {}; completed by rail: {}; {} receipts, {} purchases reviewed",
            self.orders,
            told(&self.states),
            told(&self.completed),
            self.receipts,
            self.reviews
        )
    }
}

/// Plays a seed. A seed that breaks a law is played a second time, to tell its last events.
pub fn seed(scenario: &Scenario, seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    let first = play(scenario, seed, sabotage, false);
    match first.broken {
        Some(_) => play(scenario, seed, sabotage, true),
        None => first,
    }
}

/// The law that a seed breaks, if it breaks one, without what led to it.
pub fn broken_law(scenario: &Scenario, seed: u64, sabotage: Option<Sabotage>) -> Option<Law> {
    let outcome = play(scenario, seed, sabotage, false);
    outcome.broken.map(|failure| failure.kind)
}

fn play(scenario: &Scenario, seed: u64, sabotage: Option<Sabotage>, remembers: bool) -> Outcome {
    let mut world = match World::new(scenario.clone(), seed, sabotage, remembers) {
        Ok(world) => world,
        Err(broken) => {
            return Outcome {
                seed,
                digest: String::new(),
                counts: Counts::default(),
                census: Census::default(),
                broken: Some(Failure {
                    law: broken.law.name().to_owned(),
                    words: broken.words,
                    step: 0,
                    last_events: Vec::new(),
                    kind: broken.law,
                }),
            };
        }
    };
    let broken = world.play().err().map(|broken| Failure {
        law: broken.law.name().to_owned(),
        words: broken.words,
        step: world.counts.steps,
        last_events: world.last_events(&broken.nodes),
        kind: broken.law,
    });
    Outcome {
        seed,
        digest: world.digest().to_hex().to_string(),
        counts: world.counts.clone(),
        census: world.census(),
        broken,
    }
}
