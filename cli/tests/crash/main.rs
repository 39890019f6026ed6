//! What whole programs survive: death at any commit or send, full and failing disks, flipped bits, wrong
//! clocks, a second program. Real processes over loopback, a library of faults in each of them, and a
//! ledger of what they acknowledged to their owners. Described in `spec/threats.md`, "The machine".

#![cfg(target_os = "linux")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod disk;
#[path = "../../../node/tests/faults/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod faults;
mod node;
mod purchase;

use faults::Deed;
use purchase::{BUYER, Hit, Kill, MERCHANT, Market, OPS, PHASES, Profile, STEPS};
use std::collections::BTreeMap;

const SEED: u64 = 70_000;
/// Kills if nobody says how many, and from how many on each step is hit five times.
const KILLS: u64 = 10;
const KILLS_FOR_EACH_STEP: u64 = 100;
const HITS_OF_EACH_STEP_MIN: u64 = 5;

/// The next of a row of numbers that a seed gives, below an end.
fn draw(state: &mut u64, end: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % end.max(1)
}

/// A moment, drawn over all commits and sends of all processes: each other time in the whole purchase,
/// else around the step that was hit least.
fn draw_kill(state: &mut u64, profile: &Profile, hits: &[u64; STEPS.len()]) -> Kill {
    let least = (0..STEPS.len()).min_by_key(|step| hits[*step]).unwrap();
    let around = PHASES.iter().rposition(|first| *first <= least).unwrap();
    let any = draw(state, 2) == 0;
    let op = OPS[draw(state, 2) as usize];
    let points: Vec<_> = profile
        .iter()
        .filter(|((phase, _, of), _)| *of == op && (any || *phase == around))
        .collect();
    let mut at = draw(state, points.iter().map(|(_, count)| **count).sum());
    let deed = [Deed::KillBefore, Deed::KillAfter][draw(state, 2) as usize];
    for ((phase, victim, op), count) in points {
        if at < *count {
            return Kill {
                phase: *phase,
                victim: *victim,
                op: *op,
                number: at + 1,
                deed,
            };
        }
        at -= count;
    }
    panic!("no moment was drawn");
}

fn show(hits: &BTreeMap<Hit, u64>) {
    let columns: Vec<_> = OPS
        .iter()
        .flat_map(|op| [Deed::KillBefore, Deed::KillAfter].map(|deed| (*op, deed)))
        .collect();
    println!(
        "{:<10} {:>14} {:>14} {:>14} {:>14} {:>8}",
        "step", "before commit", "after commit", "before send", "after send", "all"
    );
    for (step, name) in STEPS.iter().enumerate() {
        let of = |op, deed| {
            let fits = |hit: &Hit| hit.step == step && hit.op == op && hit.deed == deed;
            hits.iter()
                .filter(|(hit, _)| fits(hit))
                .map(|(_, count)| count)
                .sum::<u64>()
        };
        let row: Vec<u64> = columns.iter().map(|(op, deed)| of(*op, *deed)).collect();
        let cells: Vec<String> = row.iter().map(|count| format!("{count:>14}")).collect();
        println!("{name:<10} {} {:>8}", cells.join(" "), row.iter().sum::<u64>());
    }
    for (victim, name) in ["friend", "merchant", "buyer"].iter().enumerate() {
        let killed: u64 = hits
            .iter()
            .filter(|(hit, _)| hit.victim == victim)
            .map(|(_, count)| count)
            .sum();
        println!("the {name} was killed {killed} times");
    }
}

#[test]
fn whoever_is_killed_in_a_purchase_it_completes_and_nothing_acknowledged_is_lost() {
    let kills: u64 = std::env::var("SOUK_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("SOUK_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let root = tempfile::tempdir().unwrap();
    let mut market = Market::open(root.path(), false);
    market.purchase(None);
    market.purchase(None);
    let profile = market.profile();
    let (mut state, mut hits, mut steps, mut missed) =
        (seed, BTreeMap::<Hit, u64>::new(), [0; STEPS.len()], 0);
    while hits.values().sum::<u64>() < kills {
        let kill = draw_kill(&mut state, &profile, &steps);
        let begun = std::time::Instant::now();
        let hit = market.purchase(Some(kill));
        println!("{:?} {kill:?} {hit:?}", begun.elapsed());
        match hit {
            Some(hit) => {
                *hits.entry(hit).or_default() += 1;
                steps[hit.step.min(STEPS.len() - 1)] += 1;
            }
            None => missed += 1,
        }
        assert!(missed <= kills + 10, "most moments never come: {profile:?}");
    }
    let acked = market.check_all();
    show(&hits);
    println!(
        "{missed} moments did not come; a killed node was ready after {:?} at most",
        market.slowest
    );
    println!(
        r#"{{"figure":"acked_lost","value":0,"baseline":"ledger","unit":"acknowledgements","runs":{kills},"min":0,"max":0,"acked":{acked}}}"#
    );
    if kills >= KILLS_FOR_EACH_STEP {
        let least = steps.iter().min().unwrap();
        assert!(
            *least >= HITS_OF_EACH_STEP_MIN,
            "{STEPS:?} were hit {steps:?} times"
        );
    }
}

const TEN_YEARS_MS: i64 = 10 * 365 * 24 * 3_600 * 1_000;

#[test]
fn a_clock_that_jumps_ten_years_changes_no_number_order_or_balance() {
    let root = tempfile::tempdir().unwrap();
    let mut market = Market::open(root.path(), false);
    // While it is accepted, and while it is on its way: both sides have deadlines then.
    for (phase, who, ms) in [
        (3, MERCHANT, TEN_YEARS_MS),
        (2, BUYER, TEN_YEARS_MS),
        (1, MERCHANT, -TEN_YEARS_MS),
        (4, BUYER, -TEN_YEARS_MS),
        (3, MERCHANT, 0),
    ] {
        market.purchase_with_a_jump(phase, who, ms);
    }
    // A machine whose battery is dead starts in the past.
    market.start_again_at(MERCHANT, -TEN_YEARS_MS);
    market.start_again_at(BUYER, 0);
    market.purchase(None);
    market.check_all();
}
