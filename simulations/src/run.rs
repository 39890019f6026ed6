//! One run and what is told of it; many runs over the machine's cores.

use crate::actor::Troupe;
use crate::figure::{Figures, Played, Progress, Row};
use crate::law::Law;
use crate::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::shorter;
use crate::world::census::{Census, Sample};
use crate::world::script::{Script, Stimulus};
use crate::world::snapshot::SnapshotError;
use crate::world::{Counts, World};
use serde::Serialize;
use souk_protocol::order::State;
use souk_protocol::settlement::Rail;

/// How often a broken law is played again to find what it takes, if nobody says otherwise.
pub const TRIES_MAX: usize = 300;

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
    /// How orders stood, every few seconds.
    #[serde(skip)]
    pub samples: Vec<Sample>,
    /// Kept events.
    #[serde(skip)]
    pub events: Vec<Row>,
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
    /// What has to come from outside so that the law breaks, as little as was found in a while.
    pub trace: Vec<String>,
    #[serde(skip)]
    kind: Law,
}

/// Plays a seed. A seed that breaks a law is played a second time, to tell its last events, and then again with
/// less and less from outside, at most `tries` times, to tell what it takes. `tell` hears now and then how far it is.
pub fn seed(
    scenario: &Scenario,
    seed: u64,
    sabotage: Option<Sabotage>,
    tries: usize,
    tell: &mut dyn FnMut(Progress),
) -> Outcome {
    let troupes: Vec<Troupe> = scenario.actors.iter().map(Troupe::of).collect();
    played(scenario, &troupes, seed, sabotage, tries, tell)
}

/// The same with actors of one's own instead of those that the scenario names.
pub fn played(
    scenario: &Scenario,
    troupes: &[Troupe],
    seed: u64,
    sabotage: Option<Sabotage>,
    tries: usize,
    tell: &mut dyn FnMut(Progress),
) -> Outcome {
    let play = |remembers, script, tell: &mut dyn FnMut(Progress)| {
        play(scenario, troupes, seed, sabotage, remembers, script, tell)
    };
    let first = play(false, Script::Drawn, tell).0;
    if first.broken.is_none() {
        return first;
    }
    let written = Script::Written(Vec::new());
    let (mut again, script) = play(true, written, &mut |_| ());
    if let Some(failure) = again.broken.as_mut().filter(|_| tries > 0) {
        let breaks = |stimuli: &[Stimulus]| {
            let script = Script::Played(stimuli.to_vec());
            let (outcome, _) = play(false, script, &mut |_| ());
            outcome.broken.is_some_and(|broken| broken.kind == failure.kind)
        };
        let shortest = shorter::shortest(script, tries, breaks);
        failure.trace = shortest.iter().map(Stimulus::to_string).collect();
    }
    again
}

/// The law that a seed breaks, if it breaks one, without what led to it.
pub fn broken_law(scenario: &Scenario, seed: u64, sabotage: Option<Sabotage>) -> Option<Law> {
    let outcome = self::seed(scenario, seed, sabotage, 0, &mut |_| ());
    outcome.broken.map(|failure| failure.kind)
}

fn play(
    scenario: &Scenario,
    troupes: &[Troupe],
    seed: u64,
    sabotage: Option<Sabotage>,
    remembers: bool,
    script: Script,
    tell: &mut dyn FnMut(Progress),
) -> (Outcome, Vec<Stimulus>) {
    let mut world = match World::new(scenario.clone(), seed, sabotage, remembers, script, troupes) {
        Ok(world) => world,
        Err(broken) => {
            let outcome = Outcome {
                seed,
                digest: String::new(),
                counts: Counts::default(),
                census: Census::default(),
                samples: Vec::new(),
                events: Vec::new(),
                broken: Some(Failure {
                    law: broken.law.name().to_owned(),
                    words: broken.words,
                    step: 0,
                    last_events: Vec::new(),
                    trace: Vec::new(),
                    kind: broken.law,
                }),
            };
            return (outcome, Vec::new());
        }
    };
    let outcome = played_on(&mut world, tell);
    (outcome, world.script().to_vec())
}

/// Plays a seed and writes the world down at a moment of the storm, in milliseconds: what became of the seed, and the
/// world as it was written. At that moment all nodes start again, so the digest is not that of a run without it.
pub fn with_snapshot(
    scenario: &Scenario,
    seed: u64,
    at_ms: u64,
    tell: &mut dyn FnMut(Progress),
) -> Result<(Outcome, Vec<u8>), SnapshotError> {
    let end_ms = scenario.storm.duration_ms;
    if at_ms >= end_ms {
        let (end_s, actual_s) = (end_ms / 1_000, at_ms / 1_000);
        return Err(SnapshotError::Moment { end_s, actual_s });
    }
    let troupes: Vec<Troupe> = scenario.actors.iter().map(Troupe::of).collect();
    let mut world = World::new(scenario.clone(), seed, None, false, Script::Drawn, &troupes)?;
    world.play_until(at_ms, tell)?;
    let snapshot = world.snapshot()?;
    Ok((played_on(&mut world, tell), snapshot))
}

/// Plays on from a world that was written down. A law that breaks is told without what led to it.
pub fn resumed(
    scenario: &Scenario,
    snapshot: &[u8],
    tell: &mut dyn FnMut(Progress),
) -> Result<Outcome, SnapshotError> {
    let troupes: Vec<Troupe> = scenario.actors.iter().map(Troupe::of).collect();
    let mut world = World::resume(scenario.clone(), &troupes, snapshot)?;
    Ok(played_on(&mut world, tell))
}

/// Plays a world to its end.
fn played_on(world: &mut World, tell: &mut dyn FnMut(Progress)) -> Outcome {
    let broken = world.play(tell).err().map(|broken| Failure {
        law: broken.law.name().to_owned(),
        words: broken.words,
        step: world.counts.steps,
        last_events: world.last_events(&broken.nodes),
        trace: Vec::new(),
        kind: broken.law,
    });
    Outcome {
        seed: world.seed(),
        digest: world.digest().to_hex().to_string(),
        counts: world.counts.clone(),
        census: world.census(),
        samples: std::mem::take(&mut world.samples),
        events: std::mem::take(&mut world.events),
        broken,
    }
}

impl Outcome {
    /// The same in the form that all kinds of runs have.
    pub fn played(self, nodes: usize) -> Played {
        let mut figures = Figures::default();
        let (counts, census) = (&self.counts, &self.census);
        let share = |part: u64, of: u64| part as f64 / of.max(1) as f64;
        let orders = census.orders.values().sum();
        let completed = census.completed.values().sum();
        let ended = |state: State| share(census.orders.get(state.name()).copied().unwrap_or(0), orders);
        let paid = |rail: Rail| share(census.completed.get(rail.name()).copied().unwrap_or(0), completed);
        for (name, value) in [
            ("orders", orders as f64),
            ("completed_share", share(completed, orders)),
            ("completed_by_tab_share", paid(Rail::Tab)),
            ("completed_by_hand_share", paid(Rail::Manual)),
            ("declined_share", ended(State::Declined)),
            ("cancelled_share", ended(State::Cancelled)),
            ("lapsed_share", ended(State::Lapsed)),
            ("reviewed_share", share(census.reviews, completed)),
            ("converged_ms", census.converged_ms as f64),
            (
                "refused_wishes_share",
                share(counts.refused, counts.refused + counts.wishes),
            ),
            ("crashes", (counts.crashes_before + counts.crashes_after) as f64),
            ("lost_messages", counts.lost as f64),
            ("rush_sold", census.rush_sold as f64),
            ("rush_sold_elsewhere", census.rush_sold_elsewhere as f64),
            ("rush_wanted", census.rush_wanted as f64),
            ("edits", counts.edits as f64),
            ("edits_refused", counts.edits_refused as f64),
            ("edits_refused_share", share(counts.edits_refused, counts.edits)),
            ("talk_bytes_per_edit", share(counts.talk_bytes, counts.edits)),
            ("documents_bytes", census.documents_bytes as f64),
            ("largest_document_bytes", census.largest_document_bytes as f64),
            ("steps", counts.steps as f64),
            ("envelopes_per_node", share(census.envelopes as u64, nodes as u64)),
            ("rows_per_node", share(census.rows as u64, nodes as u64)),
            ("broken_laws", f64::from(u8::from(self.broken.is_some()))),
        ] {
            figures.number(name, value);
        }
        if counts.bytes > 0 {
            figures.number("bytes_per_node", share(counts.bytes, nodes as u64));
            figures.number("dialled_back", counts.dialled_back as f64);
            figures.number("relayed_connections", counts.relayed as f64);
        }
        if counts.nights + counts.slept_over > 0 {
            figures.number("machine_nights", counts.nights as f64);
            figures.number("slept_over", counts.slept_over as f64);
        }
        if let Some(toll) = &census.toll {
            for (name, value) in [
                ("lost_minor_max", toll.lost_minor_max as f64),
                ("lost_minor_sum", toll.lost_minor_sum as f64),
                ("lost_of_granted_max", toll.lost_of_granted_max),
                ("debtors", toll.debtors as f64),
                ("advanced_minor_sum", toll.advanced_minor_sum as f64),
                ("placed_by_hand", toll.placed_by_hand as f64),
                ("equivocators", toll.equivocators as f64),
                ("equivocation_proved_share", toll.proved_share),
                ("fake_reviews", census.fake_reviews as f64),
                ("fake_reviews_held", toll.fake_reviews_held as f64),
                ("fake_badges", toll.fake_badges as f64),
                ("liars_vouched_share", toll.vouched_share),
                ("honest_completed_share", toll.honest_completed_share),
                ("words_of_one_liar_max", toll.words_of_one_max as f64),
                (
                    "refused_as_too_much",
                    counts.refusals.get("too_much").copied().unwrap_or(0) as f64,
                ),
                ("words_by_hand", counts.by_hand as f64),
                ("unsayable_words", counts.unsayable as f64),
            ] {
                figures.number(name, value);
            }
        }
        let over_time = |of: fn(&Sample) -> f64| {
            let points = self.samples.iter();
            points
                .map(|sample| (sample.time_ms as f64 / 1_000.0, of(sample)))
                .collect()
        };
        figures.curve("orders_begun", over_time(|sample| sample.orders as f64));
        figures.curve("orders_completed", over_time(|sample| sample.completed as f64));
        figures.curve("money_paid_minor", over_time(|sample| sample.paid_minor as f64));
        Played {
            seed: self.seed,
            digest: self.digest,
            figures,
            events: self.events,
            broken: self.broken.map(|failure| {
                let (last, trace) = (failure.last_events.join("\n"), failure.trace.join("\n"));
                format!(
                    "{} at step {}: {}\n{last}\nWhat it takes from outside:\n{trace}",
                    failure.law, failure.step, failure.words
                )
            }),
        }
    }
}
