//! Envelopes that no node keeps, by gossip, in answers and in deliveries; and envelopes that are well made
//! and do not belong where they are brought.

use crate::eve::{Eve, Look, Script, Wire};
use crate::said::{Mallory, message, now_ms, post, rpc, subscription};
use crate::town::{DEADLINE, Town, refused, until};
use souk_protocol::api::Command;
use souk_protocol::envelope::{Chain, Signed, author_topic};
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId};
use souk_protocol::limits::{FUTURE_MS_MAX, PUSH_TRUSTED_PER_HOUR};
use souk_protocol::order::{Ask, OrderMessage};
use souk_protocol::settlement::Rail;
use souk_protocol::sync::{Answer, Holding, Pulled, Request};
use souk_protocol::text::{List, Prose};
use souk_protocol::time::Hybrid;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const INVALID: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../spec/vectors/invalid_envelopes.json"
);

/// An envelope of the specification that is refused.
struct Invalid {
    name: String,
    class: String,
    verdict: String,
    bytes: Vec<u8>,
}

fn invalid() -> Vec<Invalid> {
    let text = std::fs::read_to_string(INVALID).unwrap();
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let read = vectors.iter().map(|vector| {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        Invalid {
            name: text("name"),
            class: text("error"),
            verdict: text("verdict"),
            bytes: data_encoding::HEXLOWER.decode(text("hex").as_bytes()).unwrap(),
        }
    });
    read.collect()
}

/// Publishes these on a topic, as somebody whom nobody knows.
async fn publishes(name: &str, address: &str, topic: &str, data: &[&[u8]]) -> Eve {
    let mut parts = vec![rpc(&[subscription(topic)])];
    parts.extend(data.iter().map(|data| rpc(&[message(topic, data)])));
    let eve = Eve::at(name, address).await;
    eve.writes(Wire::Mesh, Script::of(parts.concat())).await;
    eve
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_node_keeps_is_refused_by_its_class_and_its_bringer_pays() {
    let town = Town::new().await;
    let (address, topic) = (town.alice.address("quic"), author_topic(&town.bob.author()));
    {
        for vector in invalid() {
            let (counter, at_fault) = match vector.class.as_str() {
                "too_large" => ("souk_gossip_too_large".to_owned(), None),
                class => (
                    refused(class),
                    Some(format!("souk_gossip_{}ed", vector.verdict.trim_end_matches('e'))),
                ),
            };
            let before = town.alice.metrics().await;
            let of = |name: &str| before.get(name).copied().unwrap_or(0);
            let _eve = publishes(&vector.name, &address, &topic, &[&vector.bytes]).await;
            println!("{}", vector.name);
            town.alice.counts(&counter, of(&counter) + 1).await;
            if let Some(verdict) = at_fault {
                town.alice.counts(&verdict, of(&verdict) + 1).await;
            }
        }
    }
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_brings_is_judged_as_strictly() {
    let town = Town::new().await;
    let mallory = Mallory::new(66, [66; 32]);
    let unheard = DeviceId::from_bytes([77; 32]);
    let bob = town.bob.author();
    let bad: Vec<Invalid> = invalid();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for vector in &bad {
        *expected.entry(vector.class.clone()).or_default() += 1;
    }
    let raws = bad.iter().map(|vector| vector.bytes.clone().into());
    let pulled: Answer = Answer::Pulled(Pulled {
        envelopes: raws.collect(),
        // "There is more": who believes it asks for ever.
        more: Some(Vec::new().into()),
    });
    let look = Look {
        secret: [66; 32],
        answers: Arc::new(move |_, request| {
            let request = Request::read(request.get(4..).unwrap_or_default());
            let answer = match request {
                Ok(Request::Have(_)) => Answer::Have(List::new(vec![boasts(bob, unheard)]).unwrap()),
                Ok(Request::Pull(_)) => pulled.clone(),
                _ => Answer::Noted,
            };
            answered(&answer.write().unwrap())
        }),
        ..Look::named("mallory")
    };
    let mut eve = Eve::start(look);
    assert!(eve.dial(&town.alice.address("quic")).await);
    let hello: Request = Request::Hello(mallory.hello());
    let answer = eve.asks(Wire::Sync, &hello.write().unwrap()).await.unwrap();
    assert!(matches!(Answer::read(&answer[5..]), Ok(Answer::Hello(_))));
    for (class, count) in &expected {
        town.alice.counts(&refused(class), *count).await;
    }
    // Nothing was new, so nothing more was asked for.
    let asked = town.alice.metric(&refused("weak_key")).await;
    assert_eq!(asked, expected["weak_key"]);
    town.stands().await;
}

fn boasts(author: AuthorId, device: DeviceId) -> Holding {
    Holding {
        author,
        logs: List::new(vec![(device, u64::MAX)]).unwrap(),
        states: 0,
        forks: List::default(),
        heads: 0,
    }
}

/// An answer as it travels.
fn answered(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0], &length[..], body].concat()
}

/// What alice counts when this is gossiped.
struct Case {
    rule: &'static str,
    verdict: &'static str,
    signed: Signed,
}

#[tokio::test(flavor = "multi_thread")]
async fn well_made_envelopes_in_the_wrong_place_are_refused_by_rule_and_punish_nobody() {
    let mut town = Town::new().await;
    let mut mallory = Mallory::new(66, [66; 32]);
    let mut stranger = Mallory::new(67, [67; 32]);
    let author = mallory.author();
    let follow = Command::Follow {
        author,
        public: false,
    };
    town.alice.does(follow).await;
    let address = town.alice.address("quic");
    let topic = author_topic(&author);
    let (first, second) = (mallory.post("first"), mallory.post("second"));
    let newest = {
        mallory.profile("older");
        mallory.profile("Mallory")
    };
    let older = mallory.signs(Hybrid::default(), None, newest.body().clone());
    let chain = |seq: u64, prev: &[u8]| Chain {
        seq,
        prev: Some(EnvelopeId::of(prev)),
    };
    let ahead = Hybrid {
        wall_ms: now_ms() + 10 * FUTURE_MS_MAX,
        count: 0,
    };
    let third = Chain::after(mallory.head);
    let sealed = mallory.signs(
        Hybrid {
            wall_ms: now_ms(),
            count: 0,
        },
        None,
        OrderMessage::ask(town.alice.author, ask()),
    );
    let cases = [
        Case {
            rule: "known",
            verdict: "accepted",
            signed: newest.clone(),
        },
        Case {
            rule: "stale",
            verdict: "ignored",
            signed: older,
        },
        Case {
            rule: "gap",
            verdict: "ignored",
            signed: mallory.post_at(chain(9, b"x"), "a gap"),
        },
        Case {
            rule: "other_chain",
            verdict: "ignored",
            signed: mallory.post_at(chain(3, b"x"), "upon something else"),
        },
        Case {
            rule: "equivocation",
            verdict: "ignored",
            signed: mallory.post_at(Chain { seq: 1, prev: None }, "another first"),
        },
        Case {
            rule: "future",
            verdict: "ignored",
            signed: mallory.signs(ahead, Some(third), post("tomorrow")),
        },
        Case {
            rule: "unwanted",
            verdict: "ignored",
            signed: stranger.post("hello"),
        },
        Case {
            rule: "not_for_me",
            verdict: "ignored",
            signed: sealed,
        },
    ];
    let _eve = publishes(
        "mallory",
        &address,
        &topic,
        &[first.bytes(), second.bytes(), newest.bytes()],
    )
    .await;
    until("both posts of mallory", || async {
        let feed = town.alice.gets("/feed").await;
        let items = feed["items"].as_array().unwrap();
        let hers = items.iter().filter(|item| item["author"] == author.to_string());
        (hers.count() == 2).then_some(())
    })
    .await;
    for case in &cases {
        let before = town.alice.metrics().await;
        let verdict = format!("souk_gossip_{}", case.verdict);
        let of = |name: &str| before.get(name).copied().unwrap_or(0);
        // The same bytes on the same topic are dropped as seen; on another they are judged again.
        let elsewhere = author_topic(&town.bob.author());
        let _eve = publishes(case.rule, &address, &elsewhere, &[case.signed.bytes()]).await;
        println!("{}", case.rule);
        town.alice
            .counts(&refused(case.rule), of(&refused(case.rule)) + 1)
            .await;
        town.alice.counts(&verdict, of(&verdict) + 1).await;
    }
    let rejected = town.alice.metric("souk_gossip_rejected").await;
    assert_eq!(rejected, 0, "nobody is punished for what depends on who hears it");

    // The root key takes the device back: from then on it says nothing more.
    let revoke = mallory.revoke(2);
    let _eve = publishes("revoke", &address, &topic, &[revoke.bytes()]).await;
    let late = mallory.post("late");
    let begun = Instant::now();
    while town.alice.metric(&refused("revoked")).await == 0 {
        assert!(begun.elapsed() < DEADLINE, "the device is heard still");
        let name = format!("late {}", now_ms());
        let profile = mallory.profile(&name);
        let _eve = publishes(&name, &address, &topic, &[profile.bytes(), late.bytes()]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    town.serves().await;
    town.stands().await;
}

fn ask() -> Ask {
    Ask {
        lines: List::new(vec![souk_protocol::quote::Line {
            listing: souk_protocol::id::ListingId::from_bytes([1; 16]),
            variant: souk_protocol::id::VariantId::from_bytes([1; 8]),
            units: 1,
        }])
        .unwrap(),
        country: "DE".parse().unwrap(),
        note: Prose::default(),
        rails: List::new(vec![Rail::Manual]).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_too_much_is_heard_up_to_their_share() {
    let mut town = Town::new().await;
    let mut mallory = Mallory::new(66, [66; 32]);
    let author = mallory.author();
    town.alice
        .does(Command::Follow {
            author,
            public: false,
        })
        .await;
    let topic = author_topic(&author);
    let posts: Vec<Signed> = (0..PUSH_TRUSTED_PER_HOUR + 100)
        .map(|number| mallory.post(&format!("buy this: {number}")))
        .collect();
    let bytes: Vec<&[u8]> = posts.iter().map(Signed::bytes).collect();
    let _eve = publishes("mallory", &town.alice.address("quic"), &topic, &bytes).await;
    // The hour may turn once while this runs, which gives mallory a second share and no third.
    town.alice.counts(&refused("too_much"), 1).await;
    town.serves().await;
    let held = town.alice.metric("souk_gossip_accepted").await;
    println!("{held} of {} were heard", posts.len());
    assert!(held <= u64::from(PUSH_TRUSTED_PER_HOUR) + 100);
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_words_are_taken_from_their_author_alone() {
    let mut town = Town::new().await;
    let (mallory, other) = (Mallory::new(66, [66; 32]), Mallory::new(67, [67; 32]));
    let mut eve = Eve::start(Look {
        secret: [66; 32],
        ..Look::named("mallory")
    });
    assert!(eve.dial(&town.alice.address("quic")).await);
    let time = Hybrid {
        wall_ms: now_ms(),
        count: 0,
    };
    let mine = mallory.signs(time, None, OrderMessage::ask(town.alice.author, ask()));
    let theirs = other.signs(time, None, OrderMessage::ask(town.alice.author, ask()));
    let strangers = mallory.signs(time, None, OrderMessage::ask(other.author(), ask()));
    let deliver = |signed: &Signed| {
        let request: Request = Request::Deliver(vec![signed.bytes().to_vec().into()]);
        request.write().unwrap()
    };
    // Before a hello nothing is taken; a hello with somebody else's grant is none.
    let answer = eve.asks(Wire::Order, &deliver(&mine)).await.unwrap();
    assert!(matches!(Answer::read(&answer[5..]), Ok(Answer::Refused(_))));
    let lie: Request = Request::Hello(other.hello());
    let answer = eve.asks(Wire::Sync, &lie.write().unwrap()).await.unwrap();
    assert!(matches!(Answer::read(&answer[5..]), Ok(Answer::Refused(_))));
    let hello: Request = Request::Hello(mallory.hello());
    eve.asks(Wire::Sync, &hello.write().unwrap()).await.unwrap();
    for signed in [&theirs, &strangers] {
        let before = town.alice.metric(&refused("not_for_me")).await;
        let answer = eve.asks(Wire::Order, &deliver(signed)).await.unwrap();
        let Ok(Answer::Taken(outcomes)) = Answer::read(&answer[5..]) else {
            panic!("{answer:?}")
        };
        assert!(
            matches!(outcomes[..], [souk_protocol::sync::Taken::Refused(_)]),
            "{outcomes:?}"
        );
        town.alice.counts(&refused("not_for_me"), before + 1).await;
    }
    town.serves().await;
    town.stands().await;
}
