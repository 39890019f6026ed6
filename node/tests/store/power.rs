//! Power cuts: a process commits under a library that traces what it does to its files, and from the one
//! trace hundreds of disks are rebuilt as a cut at any moment may leave them. What the process had said
//! by then is the ledger. Described in `spec/store.md`.

use super::faults::replay::{Disk, Survives, Trace};
use super::faults::{Faults, Op};
use super::{draw, files, open};
use souk_node::store::{Options, Store};
use souk_protocol::limits::ENVELOPE_BYTES_MAX;
use souk_protocol::records::Write;
use souk_protocol::records::laws;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const SEED: u64 = 40_000;
/// Commits of the traced process, and how often it opens the store anew between them.
const COMMITS: u64 = 70;
const REOPEN_EVERY: u64 = 25;
/// Steps of the largest commit.
const STEPS_MAX: u64 = 4;
/// How long an opening may take.
const READY_MAX: Duration = Duration::from_secs(5);
const CHILD_DIR: &str = "SOUK_POWER_CHILD_DIR";

/// One step in three has values of as many bytes as an envelope may have.
fn value_bytes(number: u64) -> usize {
    match number % 3 {
        0 => ENVELOPE_BYTES_MAX + 1,
        _ => 3_000,
    }
}

fn step(number: u64) -> Vec<Write> {
    laws::step(number, value_bytes(number)).unwrap()
}

#[test]
#[ignore = "runs in a process that other tests start"]
fn child_that_commits_under_a_trace() {
    let dir = PathBuf::from(std::env::var_os(CHILD_DIR).expect("started by another test"));
    let (mut state, mut next) = (SEED, 1);
    let mut store = open(&dir);
    println!("\nopened");
    for commit in 1..=COMMITS {
        if commit.is_multiple_of(REOPEN_EVERY) {
            drop(store);
            store = open(&dir);
        }
        let end = next + 1 + draw(&mut state) % STEPS_MAX;
        let writes: Vec<Write> = (next..end).flat_map(step).collect();
        store.commit(&writes).unwrap();
        println!("acked {}", end - 1);
        next = end;
    }
}

struct Traced {
    root: tempfile::TempDir,
    trace: Trace,
}

/// One run for all tests here.
fn traced() -> &'static Traced {
    static TRACED: OnceLock<Traced> = OnceLock::new();
    TRACED.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let (under, trace) = (root.path().join("disk"), root.path().join("trace"));
        fs::create_dir(&under).unwrap();
        let faults = Faults::new(&root.path().join("page"));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--ignored",
                "--exact",
                "power::child_that_commits_under_a_trace",
                "--nocapture",
            ])
            .env(CHILD_DIR, under.join("store"))
            .stdout(Stdio::null());
        faults.load_into(&mut command, &under, Some(&trace));
        assert!(command.status().unwrap().success());
        assert!(faults.is_loaded() && faults.count(Op::Commit) >= COMMITS);
        let trace = Trace::read(&trace);
        Traced { root, trace }
    })
}

fn acked(said: &str) -> u64 {
    let mut acked = said.lines().filter_map(|line| line.strip_prefix("acked "));
    acked.next_back().map_or(0, |number| number.parse().unwrap())
}

/// What became of one disk.
#[derive(Debug, Default, Clone, Copy)]
struct Outcome {
    acked: u64,
    lost: u64,
    /// Whole though nobody was told.
    more: u64,
}

/// Opens what a cut left and counts what is there; a step that is neither whole nor absent is a panic.
fn judge(dir: &Path, acked: u64, what: &str) -> Outcome {
    let started = Instant::now();
    let store = match Store::open(dir, Options::default()) {
        Ok(store) => store,
        // Without anything acknowledged there must be a store all the same.
        Err(error) => {
            println!("{what}: {error}");
            return Outcome {
                acked,
                lost: acked.max(1),
                more: 0,
            };
        }
    };
    assert!(
        started.elapsed() < READY_MAX,
        "{what}: open after {:?}",
        started.elapsed()
    );
    let holds = |number: u64| {
        laws::holds_step(&store, number, value_bytes(number)).unwrap_or_else(|fault| {
            println!("{what}: {fault}");
            false
        })
    };
    let lost = (1..=acked).filter(|number| !holds(*number)).count() as u64;
    let more = (acked + 1..=acked + STEPS_MAX).filter(|number| {
        match laws::holds_step(&store, *number, value_bytes(*number)) {
            Ok(there) => there,
            Err(fault) => panic!("{what}: {fault}"),
        }
    });
    let more = more.count() as u64;
    // It is a store to go on with, not only one to read.
    if lost == 0 {
        let next = acked + more + 1;
        store
            .commit(&step(next))
            .unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(holds(next), "{what}: step {next}");
    }
    Outcome { acked, lost, more }
}

/// Cuts the power so many times, with syncs of some files ignored; the sum of what became of it.
fn cut_power(cuts: u64, ignored: &[&str]) -> Outcome {
    let Traced { root, trace } = traced();
    let mut state = SEED;
    let mut places: Vec<usize> = (0..cuts)
        .map(|_| {
            let place = draw(&mut state) as usize % trace.len();
            // One in three at the moment when something was acknowledged: nothing has followed that helps.
            match draw(&mut state) % 3 {
                0 => trace.next_said(place),
                _ => place,
            }
        })
        .collect();
    places.sort_unstable();
    let mut disk = ignored
        .iter()
        .fold(Disk::before(trace), |disk, path| disk.ignoring(path));
    let mut sum = Outcome::default();
    for (number, place) in places.into_iter().enumerate() {
        disk.advance(place);
        let bytes = Survives::ALL[draw(&mut state) as usize % 4];
        let names = Survives::ALL[draw(&mut state) as usize % 3];
        let what = format!(
            "seed {SEED}, cut {number} at {place}, {bytes:?} of the bytes and {names:?} of the names"
        );
        let dir = root.path().join(format!("cut-{number}-{}", ignored.len()));
        disk.lay_out(&dir, bytes, names, draw(&mut state));
        let outcome = judge(&dir.join("store"), acked(&trace.said_before(place)), &what);
        fs::remove_dir_all(&dir).unwrap();
        assert!(
            outcome.lost == 0 || !ignored.is_empty(),
            "{what}: {} of {} acknowledged steps are lost",
            outcome.lost,
            outcome.acked
        );
        sum.acked += outcome.acked;
        sum.lost += outcome.lost;
        sum.more += outcome.more;
    }
    sum
}

#[test]
fn the_trace_amounts_to_what_is_on_the_disk() {
    let Traced { root, trace } = traced();
    let mut disk = Disk::before(trace);
    disk.advance(trace.len());
    let (real, rebuilt) = (root.path().join("disk"), root.path().join("rebuilt"));
    disk.lay_out(&rebuilt, Survives::All, Survives::All, 0);
    let below = |dir: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let files = files(dir).into_iter();
        files
            .map(|(path, bytes)| (path.strip_prefix(dir).unwrap().to_owned(), bytes))
            .collect()
    };
    let (real, rebuilt) = (below(&real), below(&rebuilt));
    assert!(
        real == rebuilt,
        "something was written that the trace does not show"
    );
    assert!(real.len() > 5);
}

#[test]
fn after_a_power_cut_acknowledged_steps_are_there_and_the_others_whole_or_absent() {
    let cuts = std::env::var("SOUK_CUTS").map_or(150, |cuts| cuts.parse().unwrap());
    let sum = cut_power(cuts, &[]);
    println!("{cuts} power cuts: {sum:?}");
    println!(
        r#"{{"figure":"acked_lost","value":{},"baseline":"ledger","unit":"steps","runs":{cuts},"min":0,"max":0,"acked":{}}}"#,
        sum.lost, sum.acked
    );
    assert!(sum.acked > cuts && sum.more > 0, "hardly anything was tried");
}

#[test]
fn a_program_that_does_not_sync_its_database_is_found_out() {
    let sum = cut_power(20, &["store/rows/db"]);
    assert!(sum.lost > 0, "{sum:?}");
}
