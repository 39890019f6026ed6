//! Disks that are full, fail or forget, and a second program: from the words of the program down to the bytes.

use super::draw;
use super::faults::replay::{Disk, Survives, Trace};
use super::faults::{Deed, EIO, ENOSPC, Op};
use super::node::{No, Node, READY_MAX, Watch};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SEED: u64 = 80_000;
/// How long a second program may take to leave.
const LEAVE_MAX: Duration = Duration::from_secs(1);

fn started(root: &Path, name: &'static str) -> Node {
    let mut node = Node::below(root, name, false);
    assert!(node.start(&[]), "{}", node.said);
    node
}

fn post(node: &Node, text: &str) -> Result<String, No> {
    let said = node.does(&json!({"do": "post", "text": text}))?;
    Ok(said["id"].as_str().unwrap().to_owned())
}

fn holds(node: &Node, id: &str) -> bool {
    node.read(&format!("/posts/{id}")).is_ok()
}

fn mount(program: &str, args: &[&str], at: &Path) -> bool {
    let run = Command::new(program)
        .args(args)
        .arg(at)
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// A small disk of its own, gone when this is dropped.
struct SmallDisk(PathBuf);

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if !mount("umount", &[], &self.0) {
            mount("umount", &["-l"], &self.0);
        }
    }
}

/// Takes all room of a disk but a little: enough for a commit, too little to be sure of it.
fn fill(path: &Path) {
    const PIECE: usize = 1024 * 1024;
    const LEFT: u64 = 8 * 1024 * 1024;
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&vec![1; PIECE]).is_ok() {}
    let bytes = file.metadata().unwrap().len();
    file.set_len(bytes - LEFT).unwrap();
}

#[test]
fn on_a_full_disk_a_node_says_so_signs_nothing_and_reads_on() {
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("alice");
    fs::create_dir(&place).unwrap();
    if !mount("mount", &["-t", "tmpfs", "-o", "size=64m", "tmpfs"], &place) {
        println!("skipped: needs root, to mount a small disk");
        return;
    }
    let _disk = SmallDisk(place.clone());
    let mut alice = started(root.path(), "alice");
    let mut bob = Node::below(root.path(), "bob", false);
    assert!(bob.start(&[&alice.address]), "{}", bob.said);
    bob.does(&json!({"do": "follow", "author": alice.author, "public": false}))
        .unwrap();
    let before = post(&alice, "There is room.").unwrap();
    bob.until("what was said with room", |bob| holds(bob, &before).then_some(()));

    fill(&place.join("ballast"));
    for _ in 0..2 {
        let (code, said, error) = alice.souk("post Nothing.");
        assert_eq!((code, said.as_str()), (Some(5), ""), "{error}");
        assert!(
            error.starts_with("error: the disk is full") && error.contains("→ Free some space"),
            "{error}"
        );
        // What was there is read as ever, by whoever asks.
        let (code, said, _) = alice.souk("feed");
        assert!(
            code == Some(0) && said.contains("There is room.") && !said.contains("Nothing."),
            "{said}"
        );
    }
    let code = |no: No| match no {
        No::Refused { code, .. } => code,
        No::Lost(why) => panic!("{why}"),
    };
    assert_eq!(
        post(&alice, "Still none.").map_err(code),
        Err("disk_full".to_owned())
    );
    assert!(!alice.has_ended());

    fs::remove_file(place.join("ballast")).unwrap();
    let after = alice.until("room", |alice| post(alice, "Room again.").ok());
    // No number was spent: a gap in the numbers would keep it from whoever follows.
    bob.until("what was said with room again", |bob| {
        holds(bob, &after).then_some(())
    });
    alice.stop();
    assert!(alice.start(&[]), "{}", alice.said);
    assert!(holds(&alice, &before) && holds(&alice, &after));
}

/// A node whose disk fails it at an operation: what it said at last, and whether the next start is fine.
fn fails_at(op: Op, deed: Deed, errno: u64, words: &str) {
    let root = tempfile::tempdir().unwrap();
    let mut alice = started(root.path(), "alice");
    let before = post(&alice, "All is well.").unwrap();
    alice.faults.arm(op, 1, deed, errno);
    let refused = post(&alice, "Is it?").unwrap_err();
    if let No::Refused { code, message } = &refused {
        assert_eq!(code, "fault", "{message}");
    }
    let status = alice.wait_for_end();
    assert!(alice.faults.has_fired());
    assert_eq!(status.code(), Some(7), "{status}\n{}", alice.log_end());
    let error = alice.last_words()["error"].take();
    let (message, next) = (
        error["message"].as_str().unwrap(),
        error["next"].as_str().unwrap(),
    );
    assert!(
        message.starts_with("the node has stopped: the store failed") && message.contains(words),
        "{message}"
    );
    assert!(next.contains("start it again"), "{next}");

    alice.faults.disarm();
    assert!(alice.start(&[]), "{}", alice.said);
    assert!(holds(&alice, &before));
    let after = post(&alice, "All is well again.").unwrap();
    alice.kill();
    assert!(alice.start(&[]), "{}", alice.said);
    assert!(holds(&alice, &before) && holds(&alice, &after));
}

#[test]
fn a_sync_that_fails_stops_the_node_and_the_next_start_is_fine() {
    fails_at(Op::Commit, Deed::FailOnce, EIO, "Input/output error");
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_commit_stops_the_node_and_the_next_start_is_fine() {
    fails_at(Op::Write, Deed::FailFromThere, ENOSPC, "No space left");
}

#[test]
fn a_second_program_on_one_directory_leaves_within_a_second_and_says_why() {
    let root = tempfile::tempdir().unwrap();
    let alice = started(root.path(), "alice");
    let begun = Instant::now();
    let (code, said, error) = alice.souk("up --no-mdns --listen 127.0.0.1:0 --api-port 0");
    assert!(begun.elapsed() < LEAVE_MAX, "it took {:?}", begun.elapsed());
    assert_eq!((code, said.as_str()), (Some(6), ""), "{error}");
    let words = format!("error: a node is already running on {}\n→ ", alice.home.display());
    assert!(error.starts_with(&words), "{error}");
    assert!(post(&alice, "I was here first.").is_ok());
}

/// Files and what is in them, without those that say who runs here.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.ends_with("lock") => {}
            false => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn a_store_of_a_newer_program_is_refused_in_words_and_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let mut alice = started(root.path(), "alice");
    alice.stop();
    fs::write(alice.home.join("store/schema"), "4000\n").unwrap();
    let before = files(&alice.home.join("store"));
    let (code, said, error) = alice.souk("up --no-mdns --listen 127.0.0.1:0");
    assert_eq!((code, said.as_str()), (Some(6), ""), "{error}");
    assert!(
        error.contains("was written by a newer souk") && error.contains("got 4000"),
        "{error}"
    );
    assert!(error.contains("→ Start the newer program"), "{error}");
    assert_eq!(before, files(&alice.home.join("store")));
}

#[test]
fn a_flipped_bit_is_told_and_never_read_as_truth() {
    const TRIES: u64 = 8;
    let root = tempfile::tempdir().unwrap();
    let mut alice = started(root.path(), "alice");
    let texts: Vec<String> = (0..40)
        .map(|n| format!("Number {n} of what alice said. {}", "So it was. ".repeat(60)))
        .collect();
    let posts: Vec<String> = texts.iter().map(|text| post(&alice, text).unwrap()).collect();
    alice.stop();
    let db = alice.home.join("store/rows/db");
    let good = fs::read(&db).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let (mut state, mut told) = (SEED, 0);
    for number in 0..TRIES {
        let place = draw(&mut state, used) as usize;
        let mut bad = good.clone();
        bad[place] ^= 1 << draw(&mut state, 8);
        fs::write(&db, bad).unwrap();
        // A store that was opened may have been written to.
        let snapshots = alice.home.join("kept");
        copy(&alice.home.join("store"), &snapshots);
        if !alice.start(&[]) {
            let error = alice.said["error"].take();
            println!("bit {number} at {place}: {}", error["message"]);
            assert_eq!(error["code"], "cannot_open", "{error}");
            told += 1;
        } else {
            for (id, text) in posts.iter().zip(&texts) {
                if let Ok(entry) = alice.read(&format!("/posts/{id}")) {
                    assert_eq!(
                        entry["body"]["text"],
                        text.trim(),
                        "seed {SEED}, bit {number} at {place}"
                    );
                } else {
                    told += 1;
                }
            }
            alice.kill();
        }
        fs::remove_dir_all(alice.home.join("store")).unwrap();
        fs::rename(&snapshots, alice.home.join("store")).unwrap();
        fs::write(&db, &good).unwrap();
    }
    println!("{told} times a damage was told of");
    assert!(told > 0);
    assert!(alice.start(&[]), "{}", alice.said);
    assert!(posts.iter().all(|id| holds(&alice, id)));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// What a node had acknowledged when its trace was so long.
struct Acked {
    changes: usize,
    posts: usize,
}

#[test]
fn after_a_power_cut_a_node_is_who_it_was_and_knows_what_it_acknowledged() {
    let cuts: u64 = std::env::var("SOUK_CUTS").map_or(10, |cuts: String| cuts.parse::<u64>().unwrap() / 25);
    let root = tempfile::tempdir().unwrap();
    let mut alice = Node::below(root.path(), "alice", true);
    assert!(alice.start(&[]), "{}", alice.said);
    let trace_bytes = |alice: &Node| fs::metadata(alice.trace()).unwrap().len();
    let mut marks = vec![(trace_bytes(&alice), 0)];
    let mut posts = Vec::new();
    alice
        .does(&json!({"do": "set_shop", "currency": "EUR", "shipping_minor": 0, "returns_days": 14}))
        .unwrap();
    for number in 0..24 {
        posts.push(post(&alice, &format!("Number {number}")).unwrap());
        // Read after the answer had come: all that it rests upon is in the trace by then.
        marks.push((trace_bytes(&alice), posts.len()));
        if number % 6 == 0 {
            let product = json!({
                "handle": format!("lamp-{number}"), "title": "Lamp", "kind": "physical", "published": true,
                "variants": [{"price_minor": 100, "requires_shipping": true}],
            });
            alice
                .does(&json!({"do": "import_listings", "products": [product]}))
                .unwrap();
        }
    }
    let author = alice.author.clone();
    alice.stop();
    let trace = Trace::read(alice.trace());
    let acked: Vec<Acked> = marks
        .into_iter()
        .map(|(bytes, posts)| Acked {
            changes: trace.changes_within(bytes),
            posts,
        })
        .collect();
    let mut disk = Disk::before(&trace);
    let mut state = SEED;
    let mut places: Vec<usize> = (0..cuts)
        .map(|_| draw(&mut state, trace.len() as u64) as usize)
        .collect();
    places.sort_unstable();
    for (number, place) in places.into_iter().enumerate() {
        disk.advance(place);
        let (bytes, names) = (
            Survives::ALL[draw(&mut state, 4) as usize],
            Survives::ALL[draw(&mut state, 3) as usize],
        );
        let what = format!(
            "seed {SEED}, cut {number} at {place}, {bytes:?} of the bytes and {names:?} of the names"
        );
        let again = root.path().join(format!("again-{number}"));
        disk.lay_out(&again.join("alice"), bytes, names, draw(&mut state, u64::MAX));
        stays_in_place(&again.join("alice").join("home"));
        let mut alice = Node::below(&again, "alice", false);
        let begun = Watch::start();
        assert!(alice.start(&[]), "{what}: {}\n{}", alice.said, alice.log_end());
        let ready = begun.elapsed();
        assert!(ready < READY_MAX, "{what}: ready after {ready:?}");
        let acked = acked.iter().rev().find(|acked| acked.changes <= place);
        if let Some(acked) = acked {
            assert_eq!(alice.author, author, "{what}");
            let lost = posts
                .iter()
                .take(acked.posts)
                .filter(|id| !holds(&alice, id))
                .count();
            assert_eq!(lost, 0, "{what}: of {} acknowledged posts", acked.posts);
        }
        post(&alice, "It goes on.").unwrap_or_else(|no| panic!("{what}: {no:?}"));
        let found: Value = alice.reads("/search?q=lamp");
        assert!(found["items"].is_array(), "{what}");
        alice.kill();
        fs::remove_dir_all(&again).unwrap();
    }
}

/// A disk that lost its power is the same disk, and its directories are where they were; the one that was
/// laid out anew would be taken for a copy.
fn stays_in_place(dir: &Path) {
    use std::os::unix::fs::MetadataExt;
    let place = dir.join("place");
    if let (Ok(lock), true) = (fs::metadata(dir.join("lock")), place.exists()) {
        let here = format!("{} {}.{:09}\n", lock.ino(), lock.ctime(), lock.ctime_nsec());
        fs::write(&place, here).unwrap();
    }
}
