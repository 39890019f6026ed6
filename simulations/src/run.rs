//! One run and what is told of it; many runs over the machine's cores.

use crate::law::Law;
use crate::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::world::{Census, Counts, World};
use serde::Serialize;

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
