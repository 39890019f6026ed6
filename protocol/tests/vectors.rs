//! The test vectors in `spec/vectors`: what another implementation must read, and what it must refuse.
//!
//! `SOUK_WRITE_VECTORS=1 cargo test -p souk-protocol --test vectors` writes the files; otherwise the tests
//! check that the files are what this code makes, and that this code reads them as they say. Everything in
//! them comes from fixed secrets. `.ci/vectors.py` opens the same files without any of this code.
//! Described in `spec/README.md`.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be made is a failed test")]
#![expect(clippy::panic, reason = "a vector that cannot be made is a failed test")]

use made::cbor::{self, array, bytes, map, null};
use made::refused::{FORGED, WEAK_KEY, add_group_order, class, refused};
use made::said::{NOW_MS, alice, bob, envelopes, hat, list, phrase, prose};
use serde_json::{Value as Json, json};
use souk_protocol::admission::{Admission, Refusal, admit};
use souk_protocol::body::{Kind, Lane};
use souk_protocol::codec;
use souk_protocol::envelope::{Opened, Signed, open};
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, MediaId, OrderId, TabId, VariantId};
use souk_protocol::identity::{Grant, GrantCache, Phrase, Scope, Scopes};
use souk_protocol::pairing::{self, Invitation, Joining, Nonce, PairAnswer, PairAsk, Secret};
use souk_protocol::records::Memory;
use souk_protocol::sync::{
    Answer, Digests, Hello, Holding, Pulled, Raw, Recall, Request, SealedWanted, ShopWays, Slot,
    StatesWanted, Taken, Talk, Together, UnitsWanted,
};
use souk_protocol::text::{Name, Text};
use souk_protocol::time::{Hybrid, Timestamp};
use std::path::PathBuf;

mod made;

// ---- the files --------------------------------------------------------------------------------

fn ids() -> Json {
    let (alice, bob) = (alice().author(), bob().author());
    let all: [u8; 32] = std::array::from_fn(|n| n as u8);
    let author = AuthorId::from_bytes(all).to_string();
    let one = |kind: &str, length: usize, text: String| json!({"type": kind, "bytes": hex(&all[..length]), "text": text});
    let listing = |handle| json!({"shop": alice, "handle": handle, "text": ListingId::of(&alice, handle)});
    let variant =
        |values: &[&str]| json!({"listing": hat(), "values": values, "text": VariantId::of(&hat(), values)});
    let tab = |one, other| json!({"one": one, "other": other, "currency": "EUR", "text": TabId::of(&one, &other, "EUR")});
    json!({
        "texts": [
            one("author", 32, author.clone()),
            one("device", 32, DeviceId::from_bytes(all).to_string()),
            one("envelope", 32, EnvelopeId::from_bytes(all).to_string()),
            one("order", 32, OrderId::from_bytes(all).to_string()),
            one("tab", 32, TabId::from_bytes(all).to_string()),
            one("listing", 16, ListingId::from_slice(&all[..16]).unwrap().to_string()),
            one("variant", 8, VariantId::from_slice(&all[..8]).unwrap().to_string()),
            one("media", 32, MediaId::from_bytes(all).to_string()),
        ],
        "no_author": [
            author.replace("author-", "device-"),
            author.replace("author-", ""),
            author.to_uppercase(),
            author[..author.len() - 2].to_owned(),
            format!("{author}aa"),
            // The last character carries bits that belong to no byte: they are zero or it is no id.
            format!("{}b", &author[..author.len() - 1]),
            format!("{author}===="),
            author.replace("author-a", "author-0"),
        ],
        "envelope_id": {"bytes": hex(b"souk"), "text": EnvelopeId::of(b"souk")},
        "listing_ids": [listing("hat"), listing("h\u{fc}te-gr\u{fc}n")],
        "variant_ids": [variant(&[]), variant(&["S"]), variant(&["S", "green"]), variant(&["Sgreen"]), variant(&["", "S"])],
        "tab_ids": [tab(alice, bob), tab(bob, alice)],
    })
}

#[test]
fn no_text_of_the_vectors_that_is_no_author_reads_as_one() {
    for text in ids()["no_author"].as_array().unwrap() {
        assert!(text.as_str().unwrap().parse::<AuthorId>().is_err(), "{text}");
    }
}

fn phrases() -> Json {
    let entropies = [
        [0; 32],
        [1; 32],
        [2; 32],
        [0xff; 32],
        std::array::from_fn(|n| n as u8),
    ];
    let valid = entropies.map(|entropy| {
        let phrase = Phrase::from_entropy(&entropy).unwrap();
        let root = phrase.root_key().unwrap();
        let secret = hex(&*root.as_device().secret());
        json!({"entropy": hex(&entropy), "words": phrase.words(), "root_secret": secret, "author": root.author()})
    });
    let good = phrase(1).words().to_owned();
    let (head, _) = good.rsplit_once(' ').unwrap();
    let no_phrases = [
        head.to_owned(),
        format!("{head} souk"),
        format!("{head} abandon"),
        format!("{good} {good}"),
    ];
    for words in &no_phrases {
        assert!(Phrase::parse(words).is_err(), "{words}");
    }
    json!({"valid": valid, "no_phrases": no_phrases})
}

fn grants() -> Json {
    let (alice, bob) = (alice(), bob());
    let (author, mine) = (alice.author(), alice.device.device());
    let valid = [
        ("all scopes, no end", alice.grant.clone()),
        ("posts alone", alice.granted(&[Scope::Post], 0, None)),
        (
            "catalog, until a time, in a later epoch",
            alice.granted(&[Scope::Catalog], 3, Some(NOW_MS)),
        ),
    ];
    let wider = Grant {
        scopes: Scopes::ALL,
        ..alice.granted(&[Scope::Post], 0, None)
    };
    let endless = Grant {
        until: None,
        ..alice.granted(&[Scope::Post], 0, Some(1))
    };
    let later = Grant {
        epoch: 1,
        ..alice.grant.clone()
    };
    let (mut malleable, mut forged) = (alice.grant.clone(), alice.grant.clone());
    add_group_order(&mut malleable.signature.0);
    forged.signature.0 = FORGED;
    let invalid = [
        (
            "of another device",
            author,
            bob.device.device(),
            alice.grant.clone(),
        ),
        ("of another author", bob.author(), mine, alice.grant.clone()),
        ("widened", author, mine, wider),
        ("of another epoch", author, mine, later),
        ("made endless", author, mine, endless),
        (
            "a signature with the group's order added to it",
            author,
            mine,
            malleable,
        ),
        (
            "a forgery under a key of small order",
            AuthorId::from_bytes(WEAK_KEY),
            mine,
            forged,
        ),
    ];
    json!({
        "valid": valid.map(|(name, grant)| {
            assert_eq!(grant.verify(&author, &mine), Ok(()), "{name}");
            grant_vector(name, &author, &mine, &grant)
        }),
        "invalid": invalid.map(|(name, author, device, grant)| {
            let mut vector = grant_vector(name, &author, &device, &grant);
            vector["error"] = json!(grant.verify(&author, &device).unwrap_err().class());
            vector
        }),
    })
}

fn grant_vector(name: &str, author: &AuthorId, device: &DeviceId, grant: &Grant) -> Json {
    json!({
        "name": name, "author": author, "device": device, "scopes": u16::from(grant.scopes),
        "epoch": grant.epoch, "until": grant.until, "hex": hex(&codec::encode(grant).unwrap()),
    })
}

fn valid_envelopes() -> Json {
    let vectors: Vec<Json> = envelopes()
        .iter()
        .map(|(name, envelope)| envelope_vector(name, envelope))
        .collect();
    let secret = hex(&*alice().device.secret());
    json!({"alice": {"words": phrase(1).words(), "device_secret": secret}, "envelopes": vectors})
}

fn envelope_vector(name: &str, envelope: &Signed) -> Json {
    let (head, body) = (envelope.head(), envelope.body());
    json!({
        "name": name,
        "kind": body.kind().name(),
        "kind_number": body.kind() as u8,
        "lane": format!("{:?}", envelope.lane()).to_lowercase(),
        "id": envelope.id(),
        "author": head.author,
        "device": head.device,
        "time": [head.time.wall_ms, u64::from(head.time.count)],
        "chain": head.chain.map(|chain| json!([chain.seq, chain.prev])),
        "to": body.to(),
        "state_key": body.state_key().map(|key| hex(&key)),
        "body": cbor::json_of(&body_bytes(envelope)),
        "hex": hex(envelope.bytes()),
    })
}

/// The encoded body within an envelope's bytes.
fn body_bytes(envelope: &Signed) -> Vec<u8> {
    let wire = cbor::read(envelope.bytes());
    let content = cbor::read(wire.item(0).as_bytes());
    content.entry("body").as_bytes().to_vec()
}

#[test]
fn every_kind_has_a_vector() {
    let said: Vec<Kind> = envelopes()
        .iter()
        .map(|(_, envelope)| envelope.body().kind())
        .collect();
    for kind in Kind::ALL {
        assert!(
            said.contains(kind),
            "add a line for '{}' to bodies()",
            kind.name()
        );
    }
}

#[test]
fn every_envelope_of_the_vectors_opens_to_itself() {
    for (name, envelope) in envelopes() {
        let opened = open(envelope.bytes(), &mut GrantCache::default());
        assert_eq!(opened, Ok(Opened::Known(envelope)), "{name}");
    }
}

fn invalid_envelopes() -> Json {
    let vectors = refused().into_iter().map(|(name, bytes)| {
        let outcome = open(&bytes, &mut GrantCache::default());
        let refusal = match &outcome {
            Ok(Opened::Foreign(foreign)) => Refusal::UnknownKind(foreign.kind().to_owned()),
            Err(error) => Refusal::Open(error.clone()),
            Ok(Opened::Known(_)) => panic!("it opened: {name}"),
        };
        let verdict = format!("{:?}", refusal.verdict()).to_lowercase();
        json!({"name": name, "error": class(&outcome), "verdict": verdict, "hex": hex(&bytes)})
    });
    vectors.collect()
}

// ---- sync -------------------------------------------------------------------------------------

/// A node that holds what alice said before the grants changed.
fn holder() -> Memory {
    let mut records = Memory::default();
    for (name, envelope) in envelopes() {
        if matches!(name, "revoke" | "last_moment_of_a_grant") || envelope.lane() == Lane::Sealed {
            continue;
        }
        if let Ok(Admission { writes, .. }) = admit(envelope, Timestamp(NOW_MS), &records).unwrap() {
            records.commit(&writes);
        }
    }
    records
}

fn requests() -> Vec<Request> {
    let alice = alice();
    let author = alice.author();
    let wanted = |beyond: Option<Raw>| StatesWanted {
        author,
        buckets: Raw::from(vec![3, 250]),
        have: Raw::from(vec![7; 16]),
        beyond,
    };
    let listing = Slot {
        author,
        kind: "listing".into(),
        key: Raw::from(hat().as_bytes().to_vec()),
    };
    vec![
        Request::Hello(Hello {
            author,
            grant: alice.grant.clone(),
        }),
        Request::Have(list([author, bob().author()])),
        Request::Pull(list([(alice.device.device(), 3)])),
        Request::Buckets(author),
        Request::States(wanted(None)),
        Request::States(wanted(Some(Raw::from(vec![1, 2, 3])))),
        Request::Find(listing),
        Request::Proofs(list([(alice.device.device(), 3)])),
        Request::Changed(list([author])),
        Request::Deliver(vec![raw("post_bare")]),
        Request::Recall(Recall {
            said: vec![raw("revoke")],
            beyond: None,
        }),
        Request::Recall(Recall {
            said: vec![],
            beyond: Some(Raw::from(vec![1, 2, 3])),
        }),
        Request::Pair(pairing_begin()),
        Request::Pair(PairAsk::Reveal {
            nonce: Nonce::new([9; 32]),
        }),
        Request::Pair(PairAsk::Fetch {}),
        Request::Together(Together::default()),
        Request::Together(together()),
        Request::Share(vec![raw("post_bare")]),
        Request::Sealed(SealedWanted {
            buckets: Raw::from(vec![3, 250]),
            have: Raw::from(vec![7; 16]),
            beyond: Some(Raw::from(vec![1, 2, 3])),
        }),
        Request::Talk(talk(true, false)),
        Request::Talk(talk(false, true)),
        Request::Units(UnitsWanted {
            listing: hat(),
            variant: hat_variant(),
            units: 2,
        }),
        Request::Counts(list([(hat(), hat_variant(), 7)])),
        Request::Regrant(alice.grant.clone()),
    ]
}

fn hat_variant() -> VariantId {
    VariantId::of(&hat(), &["S"])
}

fn together() -> Together {
    let ways = ShopWays {
        payment_instructions: prose("IBAN"),
        accept_by_itself: true,
    };
    Together {
        epoch: 2,
        shards: Raw::from(vec![1; 2_048]),
        sealed: Raw::from(vec![2; 2_048]),
        ways: Some((
            Hybrid {
                wall_ms: NOW_MS,
                count: 1,
            },
            ways,
        )),
    }
}

fn talk(begins: bool, listens: bool) -> Talk {
    Talk {
        epoch: 2,
        shard: 5,
        begins,
        listens,
        more: begins,
        piece: Raw::from(if listens { vec![] } else { vec![1, 2, 3] }),
    }
}

// ---- pairing ----------------------------------------------------------------------------------

fn invitation() -> Invitation {
    let address = "/ip4/192.0.2.1/udp/4001/quic-v1";
    Invitation {
        device: alice().device.device(),
        secret: Secret::new([7; 16]),
        addresses: list([Text::new(address).unwrap()]),
    }
}

fn new_device() -> DeviceId {
    DeviceId::from_bytes([3; 32])
}

fn pairing_begin() -> PairAsk {
    let name = Name::new("laptop").unwrap();
    Joining::begin(invitation(), new_device(), [9; 32], name).1
}

fn pairing() -> Json {
    let PairAsk::Begin {
        proof, commitment, ..
    } = pairing_begin()
    else {
        panic!("a pairing begins otherwise")
    };
    let (secret, device) = (invitation().secret, invitation().device);
    let (mine, theirs) = (Nonce::new([8; 32]), Nonce::new([9; 32]));
    let code = invitation().code().unwrap();
    assert_eq!(Invitation::parse(&code), Ok(invitation()));
    let wrong = code.replacen(code.chars().nth(20).unwrap(), "1", 1);
    let no_codes = [
        wrong,
        code[..code.len() - 2].to_owned(),
        code.replace("pair-", "pear-"),
    ];
    for code in &no_codes {
        assert!(Invitation::parse(code).is_err(), "{code}");
    }
    json!({
        "inviter": device,
        "new_device": new_device(),
        "secret": hex(secret.as_slice()),
        "address": invitation().addresses.first().unwrap(),
        "code": code,
        "no_codes": no_codes,
        "inviters_nonce": hex(mine.as_slice()),
        "new_devices_nonce": hex(theirs.as_slice()),
        "proof": hex(proof.as_slice()),
        "commitment": hex(commitment.as_slice()),
        "words": pairing::words(&secret, (&device, &mine), (&new_device(), &theirs)).join(" "),
    })
}

fn answers(digests: &Digests) -> Vec<Answer> {
    let alice = alice();
    let author = alice.author();
    let logs = list([(alice.device.device(), 9)]);
    vec![
        Answer::Hello(Hello {
            author,
            grant: alice.grant.clone(),
        }),
        Answer::Have(list([Holding {
            author,
            logs: logs.clone(),
            states: digests.root(),
            forks: list([]),
            heads: 0,
        }])),
        Answer::Have(list([Holding {
            author,
            logs: logs.clone(),
            states: 0,
            forks: list([(alice.device.device(), 3)]),
            heads: 0x0123_4567_89ab_cdef,
        }])),
        Answer::Buckets(Raw::new()),
        Answer::Buckets(digests.to_bytes().into()),
        Answer::Pulled(Pulled {
            envelopes: vec![raw("profile"), raw("post")],
            more: None,
        }),
        Answer::Pulled(Pulled {
            envelopes: vec![],
            more: Some(Raw::from(vec![1, 2, 3])),
        }),
        Answer::Taken(vec![
            Taken::Kept,
            Taken::Later,
            Taken::Refused(prose("it is addressed to somebody else")),
        ]),
        Answer::Pair(PairAnswer::Begun {
            nonce: Nonce::new([8; 32]),
        }),
        Answer::Pair(PairAnswer::Wait {}),
        Answer::Pair(PairAnswer::Granted {
            author,
            grant: alice.grant.clone(),
        }),
        Answer::Together(together()),
        Answer::Talk(talk(false, false)),
        Answer::Noted,
        Answer::Refused(prose("say hello first")),
    ]
}

fn raw(name: &str) -> Raw {
    let said = envelopes();
    let (_, envelope) = said.iter().find(|(other, _)| *other == name).unwrap();
    Raw::from(envelope.bytes())
}

fn sync_frames() -> Json {
    let digests = Digests::of(&holder(), &alice().author()).unwrap();
    let one = |frame: Vec<u8>| json!({"value": cbor::json_of(&frame), "hex": hex(&frame)});
    let requests = requests().into_iter().map(|request| {
        let frame = request.write().unwrap();
        assert_eq!(Request::read(&frame), Ok(request));
        one(frame)
    });
    let answers = answers(&digests).into_iter().map(|answer| {
        let frame = answer.write().unwrap();
        assert_eq!(Answer::read(&frame), Ok(answer));
        one(frame)
    });
    let wanted = map(&[
        ("have", bytes(&[])),
        ("author", bytes(&[1; 32])),
        ("buckets", bytes(&[0; 257])),
    ]);
    let long = array(&[array(&[bytes(&[1; 32]), vec![0x18, 3]])]);
    let no_requests = [
        ("an unknown request", map(&[("whisper", null())])),
        (
            "two requests in one",
            map(&[("find", null()), ("have", array(&[]))]),
        ),
        ("65 authors", map(&[("have", array(&vec![bytes(&[1; 32]); 65]))])),
        (
            "a trailing byte",
            [map(&[("buckets", bytes(&[1; 32]))]), vec![0]].concat(),
        ),
        ("a long integer", map(&[("pull", long)])),
        ("257 buckets", map(&[("states", wanted)])),
        (
            "a document's piece that is too large",
            map(&[(
                "talk",
                map(&[
                    ("epoch", vec![0]),
                    ("piece", bytes(&vec![0; 512 * 1024 + 1])),
                    ("shard", vec![0]),
                ]),
            )]),
        ),
    ];
    for (name, frame) in &no_requests {
        assert!(Request::read(frame).is_err(), "{name}");
    }
    json!({
        "requests": requests.collect::<Vec<_>>(),
        "answers": answers.collect::<Vec<_>>(),
        "no_requests": no_requests.map(|(name, frame)| json!({"name": name, "hex": hex(&frame)})),
        "states_of_alice": {"buckets": hex(&digests.to_bytes()), "root": digests.root().to_string()},
    })
}

// ---- reading and writing ----------------------------------------------------------------------

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../spec")
        .join(name)
}

/// Writes a file of vectors when told to; otherwise the file must be what this code makes.
fn agree(name: &str, made: &Json) {
    let path = path(&format!("vectors/{name}.json"));
    let text = serde_json::to_string_pretty(made).unwrap() + "\n";
    if std::env::var_os("SOUK_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        held == text,
        "{name}.json is not what this code makes; if the change is meant, run this test with \
         SOUK_WRITE_VECTORS=1 and read the difference"
    );
}

#[test]
fn the_vectors_are_what_this_code_makes() {
    agree("ids", &ids());
    agree("phrase", &phrases());
    agree("grants", &grants());
    agree("envelopes", &valid_envelopes());
    agree("invalid_envelopes", &invalid_envelopes());
    agree("sync_frames", &sync_frames());
    agree("pairing", &pairing());
}

// ---- the table of limits ----------------------------------------------------------------------

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let table = std::fs::read_to_string(path("envelope.md")).unwrap();
    let written: Vec<(&str, u128)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .map(|(name, rest)| {
            (
                name,
                rest.split(" |").next().unwrap().replace(',', "").parse().unwrap(),
            )
        })
        .collect();
    let source = include_str!("../src/limits.rs");
    let lines = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": "));
    let coded: Vec<(&str, u128)> = lines.map(|(name, _)| (name, limit(name, source))).collect();
    for (name, value) in &coded {
        assert!(
            written.contains(&(name, *value)),
            "spec/envelope.md does not say that {name} is {value}"
        );
    }
    for (name, value) in &written {
        assert!(
            coded.contains(&(name, *value)),
            "limits.rs does not say that {name} is {value}"
        );
    }
}

/// The value of a constant of limits.rs.
fn limit(name: &str, source: &str) -> u128 {
    let line = source
        .lines()
        .find(|line| line.starts_with(&format!("pub const {name}:")));
    let (_, value) = line
        .and_then(|line| line.split_once(" = "))
        .unwrap_or_else(|| panic!("no limit {name}"));
    evaluate(value.trim_end_matches(';'), source)
}

/// The value of an expression of limits.rs: numbers, names, `+`, `<<` and `*`.
fn evaluate(expression: &str, source: &str) -> u128 {
    let apply = |operator: &str, with: fn(u128, u128) -> u128| {
        let (left, right) = expression.split_once(operator)?;
        Some(with(evaluate(left, source), evaluate(right, source)))
    };
    let compound = apply(" + ", |a, b| a + b)
        .or_else(|| apply(" << ", |a, b| a << b))
        .or_else(|| apply(" * ", |a, b| a * b));
    let number = || expression.replace('_', "").parse().ok();
    compound
        .or_else(number)
        .unwrap_or_else(|| limit(expression, source))
}
