//! Those who are no people: what attackers can cost, that the laws about them can be broken, and actors of one's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use souk_protocol::api::Command;
use souk_protocol::id::EnvelopeId;
use souk_simulations::actor::{Actor, Doing, Done, Own, To, Troupe};
use souk_simulations::chance::Chance;
use souk_simulations::run::{self, Outcome};
use souk_simulations::sabotage::Sabotage;
use souk_simulations::scenario::Scenario;
use souk_simulations::scene::{Scene, Setting};
use souk_simulations::world::World;
use souk_simulations::world::script::{Script, Stimulated};
use std::sync::Arc;

/// A built-in scenario, smaller and shorter.
fn small(name: &str, settings: &[&str]) -> Scenario {
    let settings = ["storm.duration_ms=150000", "people.acts=200"]
        .iter()
        .chain(settings);
    let settings: Vec<Setting> = settings.map(|setting| setting.parse().unwrap()).collect();
    let scene = Scene::read(&Scene::text(name).unwrap(), &settings, Some(10)).unwrap();
    let Scene::Market(scenario) = scene else {
        panic!("{name} is no market")
    };
    *scenario
}

fn play(scenario: &Scenario, seed: u64) -> Outcome {
    run::seed(scenario, seed, None, 0, &mut |_| ())
}

fn kept(outcome: &Outcome) -> &Outcome {
    if let Some(broken) = &outcome.broken {
        panic!("seed {}: {}: {}", outcome.seed, broken.law, broken.words);
    }
    outcome
}

#[test]
fn whatever_attackers_do_every_law_about_the_others_holds() {
    for name in [
        "defaulters",
        "exit-scammers",
        "equivocators",
        "review-ring",
        "spam-and-sybils",
    ] {
        kept(&play(&small(name, &[]), 2));
    }
}

#[test]
fn a_defaulter_takes_no_more_than_was_granted() {
    let toll = kept(&play(&small("defaulters", &[]), 3))
        .census
        .toll
        .clone()
        .unwrap();
    assert!(toll.lost_minor_sum > 0, "they do take something");
    assert!(toll.lost_of_granted_max <= 1.0, "{toll:?}");
}

#[test]
fn what_was_paid_in_advance_buys_nothing_of_who_paid_it() {
    let outcome = play(&small("exit-scammers", &["merchants=6"]), 1);
    let toll = kept(&outcome).census.toll.clone().unwrap();
    assert!(toll.advanced_minor_sum > 0, "they are paid in advance: {toll:?}");
    assert!(toll.placed_by_hand > 0, "they try to spend it: {toll:?}");
    assert!(toll.lost_of_granted_max <= 1.0, "{toll:?}");
}

#[test]
fn two_words_under_one_number_become_known_to_readers() {
    let toll = kept(&play(&small("equivocators", &[]), 1))
        .census
        .toll
        .clone()
        .unwrap();
    assert!(toll.equivocators > 0 && toll.proved_share > 0.7, "{toll:?}");
}

#[test]
fn reviews_of_a_ring_are_no_buyers_words_about_honest_shops() {
    let outcome = play(&small("review-ring", &[]), 1);
    let census = &kept(&outcome).census;
    let toll = census.toll.clone().unwrap();
    assert!(census.fake_reviews > 0 && toll.fake_reviews_held > 0, "{toll:?}");
    assert!(outcome.counts.unsayable > 0, "they tried");
    assert_eq!(toll.fake_badges, 0);
}

#[test]
fn one_seed_has_one_digest_with_attackers_too() {
    for name in ["equivocators", "review-ring"] {
        let scenario = small(name, &["storm.duration_ms=60000"]);
        let [once, again, other] = [4, 4, 5].map(|seed| play(&scenario, seed).digest);
        assert_eq!(once, again, "{name}");
        assert_ne!(once, other, "{name}");
    }
}

#[test]
fn each_switch_about_attackers_is_noticed_by_its_law() {
    let mut spam = small(
        "spam-and-sybils",
        &[
            "storm.lost=0",
            "storm.jumps=0",
            "storm.crashes_per_million=0",
            "links.jitter_ms_max=0",
            "storm.drops=0",
        ],
    );
    for company in &mut spam.actors {
        (company.every_ms, company.words) = (3_000, 30);
    }
    spam.actors.truncate(1);
    for (scenario, sabotage) in [
        (small("defaulters", &["shop.manual=1000"]), Sabotage::BlindTrust),
        (
            small("exit-scammers", &["merchants=6", "shop.untracked=1000"]),
            Sabotage::TakeAnyOrder,
        ),
        (spam, Sabotage::OtherHour),
        (
            small("equivocators", &["heal.within_ms=120000"]),
            Sabotage::ForgetProofs,
        ),
    ] {
        let mut seen = Vec::new();
        let noticed = (1..=3).any(|seed| {
            let law = run::broken_law(&scenario, seed, Some(sabotage));
            seen.push(law);
            law == Some(sabotage.breaks())
        });
        assert!(noticed, "{sabotage:?} was not noticed: {seen:?}");
    }
}

#[test]
fn what_is_said_by_hand_is_written_down_and_said_again() {
    let scenario = small("equivocators", &["storm.crashes_per_million=0"]);
    let troupes: Vec<Troupe> = scenario.actors.iter().map(Troupe::of).collect();
    let play = |script| {
        let mut world = World::new(scenario.clone(), 1, None, false, script, &troupes).unwrap();
        world.play(&mut |_| ()).unwrap();
        world
    };
    let world = play(Script::Written(Vec::new()));
    let by_hand = world.script().iter().filter_map(|stimulus| match &stimulus.what {
        Stimulated::Said(at, said) => Some((*at, said.envelope.id())),
        _ => None,
    });
    let by_hand: Vec<(usize, EnvelopeId)> = by_hand.collect();
    assert!(by_hand.len() > 5 && by_hand.iter().all(|(at, _)| *at >= scenario.nodes));
    let again = play(Script::Played(world.script().to_vec()));
    assert_eq!(again.counts.by_hand, world.counts.by_hand);
    assert_eq!(
        again.toll().unwrap().equivocators,
        world.toll().unwrap().equivocators
    );
    let shown = world.script().iter().map(ToString::to_string);
    assert!(shown.into_iter().any(|line| line.contains("says by hand")));
}

/// Says after each other what its node and its hand say.
struct Echo;

impl Actor for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn acts(&mut self, own: &Own<'_>, _chance: &mut Chance) -> Done {
        let post = souk_protocol::post::Post {
            text: souk_protocol::text::Prose::fitted("By hand"),
            ..Default::default()
        };
        let by_hand = own
            .sign(Some(own.next()?), post)
            .map(|said| Doing::say(said, To::All));
        let by_node = Doing::wish(Command::Post {
            text: "By my node".into(),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        });
        Ok(by_hand.into_iter().chain([by_node]).collect())
    }
}

#[test]
fn an_actor_of_one_s_own_says_by_hand_what_continues_its_log() {
    let scenario = small("first", &[]);
    let echo = Troupe {
        count: 2,
        from_ms: 5_000,
        every_ms: 10_000,
        knows: 4,
        followers: 6,
        make: Arc::new(|count| (0..count).map(|_| Box::new(Echo) as Box<dyn Actor>).collect()),
    };
    let outcome = run::played(&scenario, &[echo], 1, None, 0, &mut |_| ());
    let toll = kept(&outcome).census.toll.clone().unwrap();
    assert!(
        outcome.counts.by_hand > 10 && toll.words_of_one_max > 20,
        "{toll:?}"
    );
    assert_eq!(toll.equivocators, 0, "its node goes on from what it said by hand");
}

#[test]
fn what_an_attack_takes_is_found_among_all_that_came_from_outside() {
    let scenario = small("defaulters", &["shop.manual=1000"]);
    let broken = |seed| run::seed(&scenario, seed, Some(Sabotage::BlindTrust), 60, &mut |_| ()).broken;
    let failure = (1..=3).find_map(broken).unwrap();
    let words = failure.trace.join("\n");
    assert!((1..=40).contains(&failure.trace.len()), "{words}");
    // The attacker's words, and those of whoever signed for its money.
    for needed in ["AskQuote", "PayOrder", "PaymentArrived"] {
        assert!(words.contains(needed), "{words}");
    }
}
