//! The first world, small: its laws over some seeds, its digests, and each law's broken switch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use souk_simulations::figure::Played;
use souk_simulations::run::{self, Outcome};
use souk_simulations::sabotage::Sabotage;
use souk_simulations::scenario::Scenario;
use souk_simulations::scene::Scene;
use souk_simulations::summary::Summary;

fn small() -> Scenario {
    let mut scenario = Scenario::named("first").unwrap().with_nodes(10).unwrap();
    scenario.merchants = 3;
    scenario.people.acts = 400;
    scenario.people.wrong = 50;
    scenario.storm.drops = 30;
    scenario.storm.crashes_per_million = 6_000;
    // In few small worlds a single one in which days pass at a bad moment weighs much.
    let completed = scenario.thresholds.get_mut("completed_share").unwrap();
    completed.mean_min = Some(0.25);
    scenario
}

fn play(scenario: &Scenario, seed: u64) -> Outcome {
    run::seed(scenario, seed, None, 0, &mut |_| ())
}

fn summary(scenario: &Scenario, outcomes: Vec<Outcome>) -> Summary {
    let scene = Scene::Market(Box::new(scenario.clone()));
    let mut played: Vec<Played> = outcomes.into_iter().map(|it| it.played(scenario.nodes)).collect();
    Summary::of("small", "", Vec::new(), None, &scene, &mut played)
}

fn told(outcome: &Outcome) -> String {
    match &outcome.broken {
        Some(failure) => format!(
            "seed {} broke '{}' at step {}: {}\n{}",
            outcome.seed,
            failure.law,
            failure.step,
            failure.words,
            failure.last_events.join("\n")
        ),
        None => format!("seed {} kept every law", outcome.seed),
    }
}

#[test]
fn every_law_holds_in_some_small_worlds_in_which_much_comes_to_its_end() {
    let mut outcomes = Vec::new();
    for seed in 1..=10 {
        let outcome = play(&small(), seed);
        assert!(outcome.broken.is_none(), "{}", told(&outcome));
        outcomes.push(outcome);
    }
    let crashes = outcomes
        .iter()
        .map(|outcome| outcome.counts.crashes_before.min(outcome.counts.crashes_after));
    let crashes: u64 = crashes.sum();
    assert!(crashes >= 5, "only {crashes} crashes of each kind");
    let shown = summary(&small(), outcomes);
    assert!(shown.is_good(), "{:#?}", shown.thresholds);
    for other_end in ["declined_share", "cancelled_share", "lapsed_share"] {
        let figure = &shown.figures[other_end];
        assert!(
            figure.mean > 0.0,
            "nobody refuses, gives up or is silent: {other_end}"
        );
    }
}

#[test]
fn a_world_in_which_nobody_looks_after_their_orders_shows_too_little() {
    let mut scenario = small();
    scenario.people.attentive = 0;
    let outcome = play(&scenario, 1);
    assert!(!summary(&scenario, vec![outcome]).is_good());
}

#[test]
fn one_seed_has_one_digest() {
    let mut digests = Vec::new();
    for seed in [1, 2] {
        let [once, again] = [(); 2].map(|()| play(&small(), seed).digest);
        assert_eq!(once, again, "seed {seed}");
        digests.push(once);
    }
    digests.dedup();
    assert_eq!(digests.len(), 2, "different seeds differ");
}

#[test]
fn each_broken_switch_is_noticed_by_its_law() {
    // These need somebody who is not honest (`actors.rs` has them), or a shop with several devices (`shops.rs`).
    let others = [
        Sabotage::BlindTrust,
        Sabotage::TakeAnyOrder,
        Sabotage::OtherHour,
        Sabotage::ForgetProofs,
    ];
    let here = Sabotage::ALL
        .iter()
        .filter(|switch| !others.contains(switch) && !Sabotage::OF_DEVICES.contains(switch));
    for sabotage in here.copied() {
        let mut seen = Vec::new();
        let noticed = (1..=12).any(|seed| {
            let law = run::broken_law(&small(), seed, Some(sabotage));
            seen.push(law);
            law == Some(sabotage.breaks())
        });
        assert!(noticed, "{sabotage:?} was not noticed: {seen:?}");
    }
}

#[test]
fn a_broken_law_is_told_with_what_led_to_it_the_same_each_time() {
    let broken = |_| run::seed(&small(), 1, Some(Sabotage::AdmitForged), 0, &mut |_| ());
    let [once, again] = [0, 1].map(broken);
    let (once, again) = (once.broken.unwrap(), again.broken.unwrap());
    assert_eq!((once.step, &once.last_events), (again.step, &again.last_events));
    assert!(!once.last_events.is_empty());
}

#[test]
fn what_a_broken_law_takes_is_found_among_all_that_came_from_outside() {
    let outcome = run::seed(&small(), 1, Some(Sabotage::OversellStock), 60, &mut |_| ());
    let trace = outcome.broken.unwrap().trace;
    let words = trace.join("\n");
    assert!(
        (1..=30).contains(&trace.len()),
        "{} are left of hundreds:\n{words}",
        trace.len()
    );
    // A shop, somebody who asks, and goes on with it.
    for needed in ["ImportListings", "AskQuote", "PlaceOrder"] {
        assert!(words.contains(needed), "{words}");
    }
}
