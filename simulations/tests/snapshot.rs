//! A market that is written down on its way and played on from there is the market that went on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, what it calls included"
)]

use souk_simulations::actor::Troupe;
use souk_simulations::run::{resumed, with_snapshot};
use souk_simulations::scenario::Scenario;
use souk_simulations::scene::{Scene, Setting};
use souk_simulations::snapshot::Snapshot;
use souk_simulations::world::World;
use souk_simulations::world::snapshot::SnapshotError;

fn market(name: &str, nodes: usize, settings: &[&str]) -> Scenario {
    let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    match Scene::read(&Scene::text(name).unwrap(), &settings, Some(nodes)).unwrap() {
        Scene::Market(scenario) => *scenario,
        other => panic!("{other:?} is no market"),
    }
}

/// Orders, crashes, and two parts of the network that cannot reach each other from 100 s to 160 s.
fn orders() -> Scenario {
    let settings = [
        "people.acts=300",
        "storm.duration_ms=170000",
        "storm.crashes_per_million=6000",
    ];
    market("orders", 6, &settings)
}

/// Written down at a moment and played on, it ends as the run that went on: the same steps, rows, counts, figures.
fn assert_resumes(scenario: &Scenario, seed: u64, at_ms: u64) {
    let (whole, world) = with_snapshot(scenario, seed, at_ms, &mut |_| ()).unwrap();
    assert!(whole.broken.is_none(), "{:?}", whole.broken);
    let again = resumed(scenario, &world, &mut |_| ()).unwrap();
    assert!(again.broken.is_none(), "{:?}", again.broken);
    assert_eq!(whole.digest, again.digest, "seed {seed}");
    assert_eq!(whole.counts, again.counts, "seed {seed}");
    let [whole, again] = [whole, again].map(|outcome| outcome.played(scenario.nodes));
    assert_eq!(whole.figures, again.figures, "seed {seed}");
    assert_eq!(whole.events, again.events, "seed {seed}");
}

#[test]
fn a_resumed_market_is_the_one_that_went_on() {
    let mut crashes = 0;
    for seed in 1..=3 {
        // In the middle of the partition, at no moment at which anything is counted.
        assert_resumes(&orders(), seed, 121_234);
        let (whole, _) = with_snapshot(&orders(), seed, 30_000, &mut |_| ()).unwrap();
        crashes += whole.counts.crashes_before + whole.counts.crashes_after;
    }
    assert!(crashes > 0, "nothing crashed");
}

#[test]
fn a_world_can_be_written_down_again() {
    let (scenario, troupes) = (orders(), Vec::<Troupe>::new());
    let (_, first) = with_snapshot(&scenario, 4, 40_000, &mut |_| ()).unwrap();
    let mut ends = Vec::new();
    for _ in 0..2 {
        let mut world = World::resume(scenario.clone(), &troupes, &first).unwrap();
        world.play_until(90_000, &mut |_| ()).unwrap();
        ends.push(world.snapshot().unwrap());
    }
    assert_eq!(ends[0], ends[1]);
    let mut world = World::resume(scenario, &troupes, &ends[0]).unwrap();
    world.play(&mut |_| ()).unwrap();
}

#[test]
fn another_file_a_damaged_one_and_a_cut_one_are_refused_in_words() {
    let scenario = orders();
    let (_, world) = with_snapshot(&scenario, 1, 20_000, &mut |_| ()).unwrap();
    let snapshot = Snapshot {
        scenario: "orders".into(),
        text: Scene::text("orders").unwrap(),
        settings: vec!["people.acts=300".into()],
        nodes: Some(6),
        world: world.clone(),
    };
    let file = snapshot.write();
    assert_eq!(Snapshot::read(&file).unwrap(), snapshot);
    let words = |file: &[u8]| Snapshot::read(file).unwrap_err().to_string();
    let start = 16 + 4 + 32;
    for at in [start - 1, start, start + 1_000, file.len() / 2, file.len() - 1] {
        let mut damaged = file.clone();
        damaged[at] ^= 4;
        assert!(words(&damaged).starts_with("the file is damaged"), "byte {at}");
    }
    for end in [17, 40, start, file.len() / 2, file.len() - 1] {
        assert!(
            words(&file[..end]).starts_with("the file is damaged"),
            "{end} bytes"
        );
    }
    let mut newer = file.clone();
    newer[16] += 1;
    assert!(words(&newer).starts_with("the file was written by version 2"));
    assert!(words(b"kind = \"market\"").starts_with("this is no file that"));
    // Other settings than it was written with.
    assert!(matches!(
        snapshot.play(&mut |_| ()),
        Err(souk_simulations::snapshot::ResumeError::Snapshot(
            SnapshotError::Scenario
        ))
    ));
    assert!(matches!(
        World::resume(scenario.clone(), &[], &world[..world.len() - 1]),
        Err(SnapshotError::Damaged)
    ));
    // After the storm there is nothing to write down.
    assert!(matches!(
        with_snapshot(&scenario, 1, 170_000, &mut |_| ()),
        Err(SnapshotError::Moment { .. })
    ));
}

#[test]
fn worlds_with_actors_devices_and_places_go_on_too() {
    const ACTS: &str = "people.acts=150";
    for (name, at_ms, settings) in [
        ("first", 60_000, &[ACTS][..]),
        ("defaulters", 150_000, &[ACTS]),
        ("exit-scammers", 150_000, &[ACTS]),
        ("equivocators", 150_000, &[ACTS]),
        ("review-ring", 150_000, &[ACTS]),
        ("double-sell", 60_000, &[ACTS]),
        ("continents", 150_000, &[ACTS]),
        // Lines so narrow, and a moment so early, that they are busy.
        (
            "continents",
            20_400,
            &[ACTS, "places.line.upload_bytes_per_s=600"],
        ),
        ("market-day", 150_000, &[ACTS]),
    ] {
        for seed in 1..=2 {
            assert_resumes(&market(name, 8, settings), seed, at_ms);
        }
    }
}
