//! Shops with several devices, small: their laws over some seeds, their digests, and each law's broken switch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use souk_simulations::figure::{Played, missed};
use souk_simulations::law::Law;
use souk_simulations::run;
use souk_simulations::sabotage::Sabotage;
use souk_simulations::scenario::{Deed, Scenario};
use souk_simulations::scene::Scene;

fn scenario(name: &str, nodes: usize) -> Scenario {
    match Scene::read(Scene::text(name).unwrap().as_str(), &[], Some(nodes)).unwrap() {
        Scene::Market(scenario) => *scenario,
        Scene::Mesh(_) | Scene::Swarm(_) => unreachable!("{name} is a market"),
    }
}

fn double_sell() -> Scenario {
    scenario("double-sell", 25)
}

/// Four devices and a few edits of each, within some minutes, and all devices apart when the storm ends.
fn catalog_storm() -> Scenario {
    let mut scenario = scenario("catalog-storm", 5);
    (scenario.shop.devices, scenario.shop.edits) = (4, 15);
    (scenario.shop.listings_min, scenario.shop.listings_max) = (3, 3);
    scenario.storm.duration_ms = 400_000;
    scenario.storm.crashes_per_million = 6_000;
    for planned in &mut scenario.plan {
        (planned.at_ms, planned.for_ms) = match planned.what {
            Deed::Edit => (90_000, 280_000),
            _ if planned.at_ms < 1_000_000 => (120_000, 60_000),
            _ => (300_000, 200_000),
        };
    }
    scenario
}

fn play(scenario: &Scenario, seed: u64) -> Played {
    let outcome = run::seed(scenario, seed, None, 0, &mut |_| ());
    outcome.played(scenario.nodes)
}

fn kept(scenario: &Scenario, seed: u64) -> Played {
    let played = play(scenario, seed);
    assert_eq!(played.broken, None, "seed {seed}");
    let missed = missed(&scenario.thresholds, &played.figures);
    assert!(missed.is_empty(), "seed {seed}: {missed:?}");
    played
}

#[test]
fn the_last_units_are_sold_once_whichever_device_sells_them() {
    let mut elsewhere = 0.0;
    for seed in 1..=5 {
        elsewhere += kept(&double_sell(), seed).figures.numbers["rush_sold_elsewhere"];
    }
    assert!(elsewhere >= 5.0, "further devices sold {elsewhere}");
}

#[test]
fn all_devices_and_readers_end_with_one_shop() {
    for seed in 1..=3 {
        let figures = kept(&catalog_storm(), seed).figures.numbers;
        assert!(figures["edits"] >= 60.0, "{figures:?}");
        assert!(figures["converged_ms"] > 0.0, "they were apart: {figures:?}");
        assert!(figures["largest_document_bytes"] < figures["documents_bytes"]);
    }
}

#[test]
fn every_law_holds_where_shops_have_several_devices() {
    let mut scenario = scenario("first", 8);
    (scenario.merchants, scenario.shop.devices) = (2, 3);
    scenario.people.acts = 300;
    scenario.storm.drops = 40;
    scenario.storm.crashes_per_million = 3_000;
    scenario.thresholds.clear();
    for seed in 1..=3 {
        let figures = kept(&scenario, seed).figures.numbers;
        assert!(figures["orders"] >= 5.0, "{figures:?}");
    }
}

#[test]
fn one_seed_has_one_digest() {
    for scenario in [double_sell(), catalog_storm()] {
        let [once, again, other] = [1, 1, 2].map(|seed| play(&scenario, seed).digest);
        assert_eq!(once, again);
        assert_ne!(once, other);
    }
}

#[test]
fn each_broken_switch_of_devices_is_noticed_by_its_law() {
    for sabotage in Sabotage::OF_DEVICES.iter().copied() {
        let scenario = match sabotage.breaks() {
            Law::OneShop => catalog_storm(),
            _ => double_sell(),
        };
        let mut seen = Vec::new();
        let noticed = (1..=4).any(|seed| {
            let law = run::broken_law(&scenario, seed, Some(sabotage));
            seen.push(law);
            law == Some(sabotage.breaks())
        });
        assert!(noticed, "{sabotage:?} was not noticed: {seen:?}");
    }
}
