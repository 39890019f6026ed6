//! What the store promises, tried on real files: the laws that it shares with the store in memory,
//! death at any moment, power cuts (`power`), full disks, flipped bits, second programs. Described in
//! `spec/store.md`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what is wrong by stopping there"
)]

#[path = "../faults/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod faults;
mod power;

use souk_node::store::{OpenStoreError, Options, Store};
use souk_protocol::records::laws::{self, Commit};
use souk_protocol::records::{Fault, Range, Records, Row, Tree, Write};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Values of the numbered steps: large enough that a run crosses pieces of the log.
const VALUE_BYTES: usize = 12_000;
const SEED: u64 = 20_260;
/// Steps of the largest group that a child commits.
const GROUP_STEPS_MAX: u64 = 250;
/// Steps that are committed while somebody reads.
const STEPS_WHILE_READ: u64 = 200;
/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);

fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn step(number: u64) -> Vec<Write> {
    laws::step(number, VALUE_BYTES).unwrap()
}

fn holds(store: &Store, number: u64) -> bool {
    laws::holds_step(store, number, VALUE_BYTES).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The next of a row of numbers that a seed gives.
fn draw(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

struct Opened {
    dir: tempfile::TempDir,
    store: Option<Store>,
}

impl Opened {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Some(open(&dir.path().join("store")));
        Self { dir, store }
    }
    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
    fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }
    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(open(&self.path()));
    }
}

impl Records for Opened {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.store().get(tree, key)
    }
    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        self.store().scan(tree, range)
    }
    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        self.store().document(id)
    }
}

impl Commit for Opened {
    fn commit(&mut self, writes: &[Write]) -> Result<(), Fault> {
        self.store().commit(writes)
    }
}

#[test]
fn the_store_reads_as_memory_does_before_and_after_it_is_opened_again() {
    for seed in SEED..SEED + 12 {
        if let Err(broken) = laws::check(seed, &mut Opened::new(), Opened::reopen) {
            panic!("{broken}");
        }
    }
}

#[test]
fn its_counts_are_those_of_its_trees() {
    let mut opened = Opened::new();
    laws::check(SEED, &mut opened, Opened::reopen).unwrap();
    let counts = opened.store().counts();
    for tree in Tree::ALL {
        let rows = opened.scan(*tree, &Range::of([], usize::MAX)).unwrap().len() as u64;
        assert_eq!(counts.get(tree).copied().unwrap_or(0), rows, "{tree:?}");
    }
    assert!(opened.store().size_bytes().unwrap() > 0);
    assert!(opened.store().commits() > 0);
}

#[test]
fn a_new_store_is_its_owners_alone() {
    let opened = Opened::new();
    let mode = fs::metadata(opened.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_second_opener_leaves_at_once_and_says_who_is_there() {
    let opened = Opened::new();
    let started = Instant::now();
    let refused = Store::open(&opened.path(), Options::default()).unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        started.elapsed()
    );
    assert!(matches!(&refused, OpenStoreError::InUse { pid, .. } if *pid == Some(std::process::id())));
    assert!(refused.to_string().contains(&opened.path().display().to_string()));
    // A clone keeps the directory, the last one lets it go.
    let clone = opened.store().clone();
    let path = opened.path();
    let Opened { dir, store } = opened;
    drop(store);
    assert!(matches!(
        Store::open(&path, Options::default()),
        Err(OpenStoreError::InUse { .. })
    ));
    drop(clone);
    open(&path);
    drop(dir);
}

#[test]
fn a_store_of_a_newer_program_is_refused_and_left_untouched() {
    let mut opened = Opened::new();
    opened.store().commit(&step(1)).unwrap();
    opened.store = None;
    fs::write(opened.path().join("schema"), "4000\n").unwrap();
    let before = files(&opened.path());
    let refused = Store::open(&opened.path(), Options::default()).unwrap_err();
    assert!(
        matches!(refused, OpenStoreError::Newer { found: 4000, .. }),
        "{refused}"
    );
    assert_eq!(before, files(&opened.path()));
}

#[test]
fn what_is_too_large_is_refused_and_nothing_of_its_commit_is_kept() {
    let opened = Opened::new();
    let large = laws::step(3, 400_000).unwrap();
    let fault = opened.store().commit(&large).unwrap_err();
    assert!(
        fault.to_string().contains("expected a value of at most"),
        "{fault}"
    );
    assert!(opened.store().counts().is_empty());
    // And it is no reason to stop.
    opened.store().commit(&step(3)).unwrap();
    assert!(holds(opened.store(), 3));
}

#[test]
fn documents_that_no_row_names_are_gone_after_opening() {
    let mut opened = Opened::new();
    let id_of = |writes: &[Write]| *writes.iter().find_map(Write::document).unwrap().0;
    let (named, mut unnamed) = (step(7), step(14));
    unnamed.retain(|write| write.document().is_some());
    opened.store().commit(&named).unwrap();
    opened.store().commit(&unnamed).unwrap();
    assert!(opened.document(&id_of(&unnamed)).unwrap().is_some());
    opened.reopen();
    assert_eq!(opened.document(&id_of(&unnamed)).unwrap(), None);
    assert!(opened.document(&id_of(&named)).unwrap().is_some());
}

#[test]
fn a_document_with_a_flipped_bit_is_no_document() {
    let opened = Opened::new();
    let writes = step(7);
    opened.store().commit(&writes).unwrap();
    let id = *writes.iter().find_map(Write::document).unwrap().0;
    let path = fs::read_dir(opened.path().join("docs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&path).unwrap();
    bytes[17] ^= 4;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(
        opened.document(&id),
        Err(Fault::Damaged {
            tree: "documents",
            ..
        })
    ));
    // Committing it again heals it.
    opened.store().commit(&writes).unwrap();
    assert!(opened.document(&id).unwrap().is_some());
}

#[test]
fn a_scan_sees_all_of_a_commit_or_none() {
    const GROUP: u64 = 50;
    let opened = Opened::new();
    let reader = opened.store().clone();
    let (stop, stopped) = mpsc::channel::<()>();
    let reading = thread::spawn(move || {
        let mut scans = 0;
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let rows = reader
                .scan(Tree::Drafts, &Range::of([], usize::MAX))
                .unwrap()
                .len() as u64;
            assert_eq!(rows % GROUP, 0, "{rows} rows");
            scans += 1;
        }
        scans
    });
    for group in 0..20 {
        let writes: Vec<Write> = (0..GROUP)
            .flat_map(|n| laws::step(group * GROUP + n, 100).unwrap())
            .collect();
        opened.store().commit(&writes).unwrap();
    }
    drop(stop);
    assert!(reading.join().unwrap() > 0);
}

#[test]
fn rows_that_lost_an_acknowledged_commit_are_damaged() {
    let mut opened = Opened::new();
    let (rows, old) = (opened.path().join("rows"), opened.dir.path().join("old"));
    opened.store().commit(&step(1)).unwrap();
    opened.store = None;
    copy(&rows, &old);
    opened.reopen();
    opened.store().commit(&step(2)).unwrap();
    opened.store = None;
    fs::remove_dir_all(&rows).unwrap();
    copy(&old, &rows);
    let refused = Store::open(&opened.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, OpenStoreError::Damaged { .. }), "{refused}");
    // A witness that a power cut tore accuses nobody.
    fs::write(opened.path().join("witness"), b"souk").unwrap();
    opened.reopen();
    assert!(holds(opened.store(), 1) && !holds(opened.store(), 2));
}

#[test]
fn a_snapshot_that_a_kill_cut_short_does_not_keep_the_store_shut() {
    let mut opened = Opened::new();
    opened.store().commit(&step(1)).unwrap();
    opened.store = None;
    fs::write(
        opened.path().join("rows/snap.7FFFFFFFFFFFFFFF.generating"),
        b"half",
    )
    .unwrap();
    opened.reopen();
    assert!(holds(opened.store(), 1));
}

#[test]
fn a_page_that_nothing_would_sync_keeps_the_store_shut() {
    let mut opened = Opened::new();
    opened.store = None;
    fs::write(opened.path().join("rows/blobs/77"), b"page").unwrap();
    let refused = Store::open(&opened.path(), Options::default()).unwrap_err();
    assert!(refused.to_string().contains("blobs"), "{refused}");
}

/// Opens a damaged store and reads all of it: an error, or no other value than what was written.
fn read_damaged(dir: &Path, last: u64) -> Result<(), String> {
    let store = match Store::open(dir, Options::default()) {
        Ok(store) => store,
        Err(error) => return Err(error.to_string()),
    };
    for number in 1..=last {
        for write in step(number) {
            let Some(change) = write.change().filter(|change| change.key.len() == 8) else {
                continue;
            };
            let held = store
                .get(change.tree, &change.key)
                .map_err(|fault| fault.to_string())?;
            assert!(
                held.is_none() || held == change.value,
                "a damaged row was read as truth"
            );
        }
    }
    Ok(())
}

#[test]
fn flipped_bits_and_cut_files_are_an_error_and_never_a_panic_or_a_wrong_row() {
    const LAST: u64 = 60;
    const TRIES: u64 = 40;
    let opened = Opened::new();
    (1..=LAST).for_each(|number| opened.store().commit(&step(number)).unwrap());
    let path = opened.path();
    let Opened { dir, store } = opened;
    drop(store);
    // One store whose log was never read back, and one that starts from a snapshot of it.
    let reopened = dir.path().join("reopened");
    copy(&path, &reopened);
    assert_eq!(read_damaged(&reopened, LAST), Ok(()), "a copy without damage");
    let mut told = 0;
    for seed in SEED..SEED + TRIES {
        let damaged = dir.path().join(format!("damaged-{seed}"));
        copy(if seed % 2 == 0 { &path } else { &reopened }, &damaged);
        let mut state = seed;
        let names = files(&damaged.join("rows"));
        // Mostly the database itself; the files of a few bytes beside it now and then.
        let database = names.iter().position(|(name, _)| name.ends_with("db")).unwrap();
        let any = draw(&mut state) as usize % names.len();
        let (name, mut bytes) = names[if draw(&mut state) % 7 > 1 { database } else { any }].clone();
        match draw(&mut state) % 4 {
            0 => bytes.truncate(draw(&mut state) as usize % bytes.len()),
            _ => (0..8).for_each(|_| {
                let place = draw(&mut state) as usize % bytes.len();
                bytes[place] ^= 1 << (draw(&mut state) % 8);
            }),
        }
        fs::write(&name, bytes).unwrap();
        let (done, result) = mpsc::channel();
        let reading = damaged.clone();
        thread::spawn(move || done.send(read_damaged(&reading, LAST)));
        match result.recv_timeout(DEADLINE) {
            Ok(outcome) => {
                println!("seed {seed}, {}: {outcome:?}", name.display());
                told += u64::from(outcome.is_err());
            }
            Err(error) => panic!("seed {seed}, {}: {error}", name.display()),
        }
        fs::remove_dir_all(&damaged).unwrap();
    }
    println!("{told} of {TRIES} damages were told of");
    assert!(told > 0);
}

/// Whether an acknowledged step still reads after the database failed: what it had not come to write
/// is an error then, never another value and never absent.
fn still_reads(store: &Store, number: u64) -> bool {
    match laws::holds_step(store, number, VALUE_BYTES) {
        Err(Fault::Store(_)) => false,
        held => held.unwrap_or_else(|fault| panic!("{fault}")) || panic!("step {number} is lost"),
    }
}

const CHILD_DIR: &str = "SOUK_STORE_CHILD_DIR";

/// Commits numbered steps in a process of its own, and says which are acknowledged.
#[test]
#[ignore = "runs in a process that other tests start and kill"]
fn child_that_commits_until_it_ends() {
    let dir = PathBuf::from(std::env::var_os(CHILD_DIR).expect("started by another test"));
    let store = open(&dir);
    let mut state = store.commits() + 1;
    let last = store.get(Tree::Follows, b"last").unwrap();
    let mut next = 1 + last.map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap()));
    println!("\nopened");
    loop {
        let usual = 1 + draw(&mut state) % 4 * (draw(&mut state) % 10);
        // Now and then one far larger than a piece of the database's log.
        let group = if next > 60 && draw(&mut state).is_multiple_of(16) {
            GROUP_STEPS_MAX
        } else {
            usual
        };
        let writes: Vec<Write> = (next..next + group).flat_map(step).collect();
        match store.commit(&writes) {
            Ok(()) => println!("acked {}", next + group - 1),
            Err(fault) => {
                println!("refused {fault}");
                let again = store.commit(&writes).unwrap_err();
                println!("refused {again}");
                println!(
                    "still reads {}",
                    (1..next).filter(|number| still_reads(&store, *number)).count()
                );
                return;
            }
        }
        next += group;
    }
}

fn child(dir: &Path, limit_blocks: Option<u64>) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = match limit_blocks {
        // With the signal ignored, a file that grows too large is an error of the write.
        Some(blocks) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh"]);
            shell.arg(blocks.to_string()).arg(program);
            shell
        }
        None => Command::new(program),
    };
    command
        .args([
            "--ignored",
            "--exact",
            "child_that_commits_until_it_ends",
            "--nocapture",
        ])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// All lines of a child; those that matter to a test are taken out by their first word.
fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let out = BufReader::new(child.stdout.take().unwrap());
    let (line, lines) = mpsc::channel();
    thread::spawn(move || {
        out.lines()
            .map_while(Result::ok)
            .try_for_each(|read| line.send(read))
    });
    lines
}

fn last_acked(lines: &[String]) -> u64 {
    let mut acked = lines.iter().filter_map(|line| line.strip_prefix("acked "));
    acked.next_back().map_or(0, |number| number.parse().unwrap())
}

/// Every acknowledged step is there, and every other one is whole or absent; says how many there are.
fn check_steps(store: &Store, acked: u64) -> u64 {
    for number in 1..=acked {
        assert!(
            holds(store, number),
            "step {number} of {acked} acknowledged ones is lost"
        );
    }
    // At most one group was under way.
    let more = (acked + 1..acked + 1 + GROUP_STEPS_MAX)
        .filter(|number| holds(store, *number))
        .count() as u64;
    acked + more
}

#[test]
fn whenever_it_is_killed_acknowledged_steps_are_there_and_the_others_whole_or_absent() {
    let kills: u64 = std::env::var("SOUK_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    let mut state = SEED;
    let (mut acked, mut unacked) = (0, 0);
    for _ in 0..kills {
        let mut child = child(&dir, None);
        let said = lines(&mut child);
        let wait = Duration::from_millis(draw(&mut state) % 250);
        let mut seen = Vec::new();
        // Some are killed while they open, the others at a random moment of their commits.
        if !draw(&mut state).is_multiple_of(5) {
            while !seen.contains(&"opened".to_owned()) {
                seen.push(said.recv_timeout(DEADLINE).unwrap());
            }
        }
        thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        seen.extend(said.iter());
        acked = acked.max(last_acked(&seen));
        let store = open(&dir);
        let there = check_steps(&store, acked);
        unacked += there - acked;
        acked = there;
    }
    println!("{kills} kills, {acked} steps there, {unacked} of them never acknowledged");
    assert!(acked > kills, "the child hardly came to commit anything");
}

#[test]
fn when_a_file_may_not_grow_nothing_more_is_acknowledged_and_the_rest_stays() {
    for blocks in [20_000, 24_500, 30_001, 33_000] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("store");
        let mut child = child(&dir, Some(blocks));
        let said = lines(&mut child);
        let mut seen = Vec::new();
        while let Ok(line) = said.recv_timeout(DEADLINE) {
            seen.push(line);
        }
        assert!(child.wait().unwrap().success(), "{seen:#?}");
        let refused = seen.iter().filter(|line| line.starts_with("refused ")).count();
        let tail = seen.get(seen.len().saturating_sub(8)..);
        assert_eq!(refused, 2, "{tail:#?}");
        let stopped = seen.iter().any(|line| line.contains("must be opened again"));
        assert!(stopped, "{tail:#?}");
        assert!(
            seen.iter().any(|line| line.starts_with("still reads ")),
            "{tail:#?}"
        );
        let acked = last_acked(&seen);
        assert!(acked > 0);
        check_steps(&open(&dir), acked);
    }
}

#[test]
fn on_a_full_disk_nothing_is_acknowledged_until_there_is_room_again() {
    let root = tempfile::tempdir().unwrap();
    let disk = root.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = |program: &str, args: &[&str]| {
        let run = Command::new(program)
            .args(args)
            .arg(&disk)
            .stderr(Stdio::null())
            .status();
        run.is_ok_and(|status| status.success())
    };
    if !mount("mount", &["-t", "tmpfs", "-o", "size=48m", "tmpfs"]) {
        println!("skipped: needs root, to mount a small disk");
        return;
    }
    let outcome = std::panic::catch_unwind(|| fill_disk(&disk));
    assert!(mount("umount", &[]));
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

fn fill_disk(disk: &Path) {
    let store = open(&disk.join("store"));
    fs::write(disk.join("ballast"), vec![1; 16 * 1024 * 1024]).unwrap();
    let mut number = 1;
    let fault = loop {
        match store.commit(&step(number)) {
            Ok(()) => number += 1,
            Err(fault) => break fault,
        }
    };
    assert!(fault.to_string().contains("the disk is full"), "{fault}");
    assert_eq!(store.commits(), number - 1);
    assert!(!holds(&store, number));
    assert_eq!(check_steps(&store, number - 1), number - 1);
    fs::remove_file(disk.join("ballast")).unwrap();
    store.commit(&step(number)).unwrap();
    assert!(holds(&store, number));
}

/// A kill that hits between the two would take back what somebody has already been told.
#[test]
fn what_is_read_for_somebody_lasts_before_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writer = {
        let store = store.clone();
        thread::spawn(move || (1..=STEPS_WHILE_READ).for_each(|number| store.commit(&step(number)).unwrap()))
    };
    let newest =
        |records: &dyn Records| Ok(records.scan(Tree::Drafts, &Range::of([], usize::MAX))?.len() as u64);
    let mut looks = 0;
    loop {
        let seen = store.read(newest).unwrap();
        // A commit is counted once it lasts.
        assert!(
            store.commits() >= seen,
            "commit {seen} was read, {} last",
            store.commits()
        );
        looks += 1;
        if seen == STEPS_WHILE_READ {
            break;
        }
    }
    writer.join().unwrap();
    println!("{looks} looks");
}
