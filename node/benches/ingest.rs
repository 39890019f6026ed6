//! Figure `ingest`: durable ingest of envelopes (decode, verify strictly, deduplicate, admit, store,
//! fsync) beside the same cores doing nothing but `verify_strict`. The goal is 0.6 or more.
//!
//! Both sides get envelopes that were made beforehand; the two alternate, and the rate of the one is
//! divided by the rate of the other round by round.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it fails"
)]

use ed25519_dalek::{Signature, Signer, SigningKey};
use rayon::prelude::*;
use souk_node::store::{Options, Store};
use souk_node::verify::Verifier;
use souk_protocol::api::Command;
use souk_protocol::body::Body;
use souk_protocol::envelope::{Chain, seal};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, Scopes};
use souk_protocol::peer::{Input, Keys, Peer};
use souk_protocol::post::Post;
use souk_protocol::records::{Overlay, Records};
use souk_protocol::sync::Raw;
use souk_protocol::text::Prose;
use souk_protocol::time::{Hybrid, Timestamp};
use std::time::{Duration, Instant};

/// Envelopes of one author: no more than an author may push in an hour.
const EACH: u64 = 100;
/// Envelopes in one commit.
const GROUP: usize = 1_000;
const NOW: Timestamp = Timestamp(1_800_000_000_000);

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
fn posts(speaker: &Speaker) -> Vec<Raw> {
    let mut head = None;
    let mut time = Hybrid::default();
    let mut made = Vec::new();
    for number in 0..EACH {
        time = time.next(NOW);
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

/// Where the time of ingesting goes.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    verify: Duration,
    decide: Duration,
    commit: Duration,
}

/// Ingests everything into a fresh store and says how long it took, and with what.
fn ingest(speakers: &[Speaker], envelopes: &[Raw]) -> (Duration, Spent) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&dir.path().join("store"), Options::default()).expect("a store");
    let me = speaker(u32::MAX);
    let keys = Keys {
        device: me.key,
        author: me.author,
        grant: me.grant,
    };
    let mut peer = Peer::start(keys, &store).expect("a peer");
    for speaker in speakers {
        let command = Box::new(Command::Follow {
            author: speaker.author,
            public: false,
        });
        let step = peer
            .handle(NOW, Input::Command { ticket: 0, command }, &store)
            .expect("a step");
        store.commit(&step.writes).expect("a commit");
    }
    let from = DeviceId::from_bytes([9; 32]);
    // A new one each time, so that it remembers nothing of the last round.
    let verifier = Verifier::default();
    let mut spent = Spent::default();
    let begun = Instant::now();
    for group in envelopes.chunks(GROUP) {
        let started = Instant::now();
        let checked = verifier.check_all(group.to_vec());
        spent.verify += started.elapsed();
        let started = Instant::now();
        let mut overlay = Overlay::over(&store as &dyn Records);
        let mut writes = Vec::new();
        for envelope in checked {
            let input = Input::Heard {
                gossip: 0,
                from,
                envelope: Box::new(envelope),
            };
            let step = peer.handle(NOW, input, &overlay).expect("a step");
            overlay.stage(&step.writes);
            writes.extend(step.writes);
        }
        spent.decide += started.elapsed();
        let started = Instant::now();
        store.commit(&writes).expect("a commit");
        spent.commit += started.elapsed();
    }
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
    (took, spent)
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
    let logs: Vec<Vec<Raw>> = speakers.par_iter().map(posts).collect();
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
        let (whole, spent) = ingest(&speakers, &envelopes);
        let share = |part: Duration| part.as_secs_f64() / whole.as_secs_f64() * 100.0;
        let rate = |took: Duration| envelopes.len() as f64 / took.as_secs_f64();
        println!(
            "round {round}: {:.0}/s whole (verify {:.0} %, decide {:.0} %, commit {:.0} %), {:.0}/s verify_strict alone",
            rate(whole),
            share(spent.verify),
            share(spent.decide),
            share(spent.commit),
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
