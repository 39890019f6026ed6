//! Figure `ingest`: durable ingest of envelopes (decode, verify strictly, deduplicate, admit, store,
//! fsync) beside the same cores doing nothing but `verify_strict`. The goal is 0.6 or more.
//!
//! Both sides get envelopes that were made beforehand; the two alternate, and the rate of the one is
//! divided by the rate of the other round by round. Ingesting is what a node does: envelopes are opened
//! on all cores, batch by batch, while the node's own driver decides about those before and commits them
//! in groups with a true sync each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it fails"
)]

use ed25519_dalek::{Signature, Signer, SigningKey};
use rayon::prelude::*;
use souk_node::clock::Clock;
use souk_node::driver::{self, DriverCounts};
use souk_node::store::{Options, Store};
use souk_node::verify::Verifier;
use souk_protocol::api::Command;
use souk_protocol::body::Body;
use souk_protocol::envelope::{Chain, seal};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, Scopes};
use souk_protocol::peer::{Input, Keys, Peer};
use souk_protocol::post::Post;
use souk_protocol::records::Records;
use souk_protocol::sync::Raw;
use souk_protocol::text::Prose;
use souk_protocol::time::{Hybrid, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Envelopes of one author: no more than an author may push in an hour.
const EACH: u64 = 100;
/// Envelopes that are opened together, as a node does with what the network brings.
const BATCH: usize = 256;

struct Speaker {
    author: AuthorId,
    key: DeviceKey,
    grant: Grant,
}

fn speaker(number: u32) -> Speaker {
    let mut entropy = [0; 32];
    entropy[..4].copy_from_slice(&number.to_be_bytes());
    let root = Phrase::from_entropy(&entropy)
        .and_then(|phrase| phrase.root_key())
        .expect("a root key");
    entropy[4] = 1;
    let key = DeviceKey::from_secret(&entropy);
    let grant = root.grant(key.device(), Scopes::ALL, 0, None).expect("a grant");
    Speaker {
        author: root.author(),
        key,
        grant,
    }
}

/// The posts of one author, in order.
fn posts(speaker: &Speaker, at: Timestamp) -> Vec<Raw> {
    let mut head = None;
    let mut time = Hybrid::default();
    let mut made = Vec::new();
    for number in 0..EACH {
        time = time.next(at);
        let text = format!(
            "post {number}: {}",
            "a few words about a thing that somebody liked. ".repeat(4)
        );
        let post = Post {
            text: Prose::new(&text).expect("short text"),
            ..Post::default()
        };
        let chain = Some(Chain::after(head));
        let envelope = seal(
            &speaker.key,
            speaker.author,
            Some(&speaker.grant),
            time,
            chain,
            Body::from(post),
        );
        let envelope = envelope.expect("an envelope");
        head = Some((number + 1, envelope.id()));
        made.push(Raw::from(envelope.bytes()));
    }
    made
}

/// Ingests everything into a fresh store, and says how long it took and in how many commits.
fn ingest(speakers: &[Speaker], envelopes: &[Raw]) -> (Duration, u64) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let store = Store::open(&dir.path().join("store"), Options::default()).expect("a store");
    let start = || {
        let me = speaker(u32::MAX);
        let keys = Keys {
            device: me.key,
            author: me.author,
            grant: me.grant,
        };
        Peer::start(keys, &store)
    };
    let mut peer = start().expect("a peer");
    for speaker in speakers {
        let command = Box::new(Command::Follow {
            author: speaker.author,
            public: false,
        });
        let step = peer
            .handle(now(), Input::Command { ticket: 0, command }, &store)
            .expect("a step");
        store.commit(&step.writes).expect("a commit");
    }
    let from = DeviceId::from_bytes([9; 32]);
    // A new one each time, so that it remembers nothing of the last round.
    let verifier = Verifier::default();
    let counts = Arc::<DriverCounts>::default();
    let (inputs, waiting) = mpsc::channel(driver::INPUTS_MAX);
    let (actions, mut performed) = mpsc::channel(driver::GROUPS_MAX);
    let begun = Instant::now();
    std::thread::scope(|threads| {
        let (start, store, counts) = (&start, &store, &counts);
        let clock = Clock::default();
        let driving = threads.spawn(move || driver::run(start, store, &clock, waiting, &actions, counts));
        threads.spawn(move || while performed.blocking_recv().is_some() {});
        for batch in envelopes.chunks(BATCH) {
            for envelope in verifier.check_all(batch.to_vec()) {
                let heard = Input::Heard {
                    gossip: 0,
                    from,
                    envelope: Box::new(envelope),
                };
                inputs.blocking_send(heard).expect("the driver runs");
            }
        }
        drop(inputs);
        driving.join().expect("the driver ends").expect("no fault");
    });
    let took = begun.elapsed();
    let kept: usize = speakers
        .iter()
        .map(|speaker| {
            (&store as &dyn Records)
                .log_head(&speaker.key.device())
                .expect("a head")
        })
        .map(|head| head.map_or(0, |(seq, _)| seq as usize))
        .sum();
    assert_eq!(kept, envelopes.len(), "every envelope is kept");
    (took, counts.commits.load(Ordering::Relaxed))
}

/// Now, by the system's clock: the driver reads it too.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp(since.as_millis() as u64)
}

/// Checks as many signatures over as many bytes, and nothing else.
fn verify_alone(envelopes: &[Raw], signatures: &[(SigningKey, Signature)]) -> Duration {
    let begun = Instant::now();
    let pairs = envelopes.par_iter().zip(signatures);
    let good =
        pairs.filter(|(raw, (key, signature))| key.verifying_key().verify_strict(raw, signature).is_ok());
    assert_eq!(good.count(), envelopes.len());
    begun.elapsed()
}

fn main() {
    let small = std::env::var("SOUK_BENCH").is_ok_and(|mode| mode == "small");
    let (authors, rounds) = if small { (20, 3) } else { (200, 7) };
    let speakers: Vec<Speaker> = (0..authors).map(speaker).collect();
    let at = now();
    let logs: Vec<Vec<Raw>> = speakers.par_iter().map(|speaker| posts(speaker, at)).collect();
    // Authors take turns, as they do on a network.
    let envelopes: Vec<Raw> = (0..EACH as usize)
        .flat_map(|number| logs.iter().map(move |log| log[number].clone()))
        .collect();
    let signatures: Vec<(SigningKey, Signature)> = envelopes
        .par_iter()
        .enumerate()
        .map(|(number, raw)| {
            let key = SigningKey::from_bytes(&[(number % 251) as u8; 32]);
            let signature = key.sign(raw);
            (key, signature)
        })
        .collect();
    let mut ratios = Vec::new();
    for round in 0..=rounds {
        let alone = verify_alone(&envelopes, &signatures);
        let (whole, commits) = ingest(&speakers, &envelopes);
        let rate = |took: Duration| envelopes.len() as f64 / took.as_secs_f64();
        println!(
            "round {round}: {:.0}/s whole in {commits} commits, {:.0}/s verify_strict alone",
            rate(whole),
            rate(alone)
        );
        // The first one warms up.
        if round > 0 {
            ratios.push(alone.as_secs_f64() / whole.as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (min, median, max) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    println!(
        "{{\"figure\":\"ingest\",\"value\":{median:.3},\"baseline\":\"verify_strict\",\"unit\":\"ratio\",\"runs\":{},\"min\":{min:.3},\"max\":{max:.3}}}",
        ratios.len()
    );
}
