//! Frames that are none, too large, or never whole, on every protocol and on both carriers; and peers that
//! read nothing of what they asked for.

use crate::eve::{Eve, Look, Script, Wire, frame};
use crate::said::{Mallory, field, message, rpc, subscription};
use crate::town::{Town, refused};
use libp2p::PeerId;
use quinn::crypto::rustls::QuicClientConfig;
use souk_protocol::envelope::author_topic;
use souk_protocol::sync::{Answer, Request};
use souk_protocol::text::List;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A request's protocol: how eve writes on it, its tag on the lane, and its limit.
const PROTOCOLS: [(Wire, u8, usize); 3] = [
    (Wire::Sync, 1, 1024 * 1024),
    (Wire::Order, 2, 256 * 1024),
    (Wire::Tab, 3, 64 * 1024),
];
/// Deadlines short enough for a test to see them pass.
const SHORT: &str = "sync_deadline_ms=2000 order_deadline_ms=2000 tab_deadline_ms=2000";

/// A lane that eve opens with quinn alone. It lives as long as she is connected by libp2p.
async fn lane(eve: &mut Eve) -> (quinn::Endpoint, quinn::Connection) {
    lane_with(eve, 1_000_000).await
}

/// The same, and of each stream she takes no more than so many bytes unread.
async fn lane_with(eve: &mut Eve, window: u32) -> (quinn::Endpoint, quinn::Connection) {
    let port = eve.lane_port().await;
    let alice: PeerId = eve.with.unwrap();
    let mut tls = libp2p_tls::make_client_config(&eve.keypair, Some(alice)).unwrap();
    tls.alpn_protocols = vec![b"souk/1".to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let mut transport = quinn::TransportConfig::default();
    transport.stream_receive_window(window.into());
    config.transport_config(Arc::new(transport));
    let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connection = endpoint
        .connect_with(config, addr, "souk")
        .unwrap()
        .await
        .unwrap();
    (endpoint, connection)
}

/// Writes these bytes on a new stream of the lane, and reads what comes back.
async fn says(lane: &quinn::Connection, bytes: &[u8]) -> Vec<u8> {
    let (mut send, mut recv) = lane.open_bi().await.unwrap();
    // Alice may stop reading what she refuses.
    send.write_all(bytes).await.ok();
    send.finish().ok();
    recv.read_to_end(2 * 1024 * 1024).await.unwrap()
}

/// Bodies that are no frame of any protocol.
fn rubbish() -> Vec<Vec<u8>> {
    let deep = [vec![0x81; 2_000], vec![0]].concat();
    let mut many = vec![0x9a, 0, 1, 0, 0];
    many.extend(vec![0; 65_536 - 16]);
    let announced = vec![0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let float = vec![0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0];
    let unknown = b"\xa1\x65prove\x80".to_vec();
    let twice = b"\xa2\x65hello\x80\x65hello\x80".to_vec();
    let text = b"{\"have\": []}".to_vec();
    vec![Vec::new(), deep, many, announced, float, unknown, twice, text]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_is_told_so_and_counted_on_every_protocol_and_carrier() {
    let mut town = Town::new().await;
    let mut eve = Eve::at("eve", &town.alice.address("quic")).await;
    let (_endpoint, lane) = lane(&mut eve).await;
    let bodies = rubbish();
    let attack = async {
        for (wire, tag, limit) in PROTOCOLS {
            for body in &bodies {
                let answer = eve.asks(wire, body).await.unwrap();
                let by_lane = says(&lane, &[&[tag], &frame(body)[..]].concat()).await;
                for answer in [answer, by_lane] {
                    assert_eq!(
                        answer[0], 0,
                        "{wire:?}: it was read, and an answer says why it is none"
                    );
                    assert!(matches!(Answer::read(&answer[5..]), Ok(Answer::Refused(_))));
                }
            }
            // Over the limit: not read, and told so. Announced and not sent: the stream ends, no more.
            let over = u32::try_from(limit + 1).unwrap().to_be_bytes();
            eve.writes(wire, Script::of(over)).await;
            assert_eq!(eve.answer().await.unwrap(), [3, 0, 0, 0, 0], "{wire:?}");
            eve.writes(wire, Script::of(vec![0xff; 4])).await;
            assert_eq!(eve.answer().await.unwrap(), [3, 0, 0, 0, 0], "{wire:?}");
            eve.writes(wire, Script::of(vec![0, 0, 0, 9, 1, 2])).await;
            assert!(eve.answer().await.unwrap_or_default().is_empty(), "{wire:?}");
            let lied = [&[tag], &over[..], b"x"].concat();
            assert_eq!(says(&lane, &lied).await, [3, 0, 0, 0, 0], "{wire:?}");
            assert_eq!(
                says(&lane, &[tag, 0, 0, 0, 9, 1]).await,
                [4, 0, 0, 0, 0],
                "{wire:?}"
            );
            assert_eq!(
                says(&lane, &[tag, 0, 0, 0, 0, 1]).await,
                [4, 0, 0, 0, 0],
                "{wire:?}"
            );
        }
        assert_eq!(
            says(&lane, &[9, 0, 0, 0, 0]).await,
            [4, 0, 0, 0, 0],
            "no such protocol"
        );
    };
    attack.await;
    let alice = &town.alice;
    let each = PROTOCOLS.len() as u64;
    assert_eq!(
        alice.metric(&refused("frame")).await,
        2 * each * bodies.len() as u64
    );
    assert_eq!(alice.metric("souk_frames_too_large").await, 3 * each);
    alice.counts("souk_frames_malformed", 3 * each + 1).await;
    town.serves().await;
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_slowly_keeps_nobody_waiting() {
    let mut town = Town::with_limits(SHORT).await;
    let address = town.alice.address("quic");
    // So many that they would hold every turn that alice has for all together, twice.
    let (mut eves, mut lanes) = (Vec::new(), Vec::new());
    for number in 0..32 {
        let mut eve = Eve::at(&format!("slow {number}"), &address).await;
        lanes.push(lane(&mut eve).await);
        eves.push(eve);
    }
    let pause = Duration::from_millis(300);
    for eve in &eves {
        for (wire, _, _) in PROTOCOLS {
            for _ in 0..8 {
                eve.writes(wire, Script::slowly(&frame(&[0; 60]), pause)).await;
            }
        }
    }
    town.serves().await;
    // Each of them is given up on by itself.
    let by_stream = 32 * 3 * 8;
    town.alice.counts("souk_requests_slow", by_stream).await;
    let drip = tokio::spawn(async move {
        loop {
            let mut held = Vec::new();
            for (_, lane) in &lanes {
                for _ in 0..16 {
                    let Ok(opened) = tokio::time::timeout(pause, lane.open_bi()).await else {
                        break;
                    };
                    // A busy machine may have ended a connection meanwhile: the others drip for it.
                    let Ok((mut send, recv)) = opened else { break };
                    if send.write_all(&[1, 0, 0, 0, 100]).await.is_ok() {
                        held.push((send, recv));
                    }
                }
            }
            for (send, _) in &mut held {
                send.write_all(&[0]).await.ok();
            }
            for (_, recv) in &mut held {
                recv.read_to_end(16).await.ok();
            }
        }
    });
    town.serves().await;
    town.alice.counts("souk_requests_slow", by_stream + 32 * 16).await;
    town.serves().await;
    drip.abort();
    assert_eq!(town.alice.metric("souk_requests_busy").await, 0);
    drop(eves);
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_nothing_of_what_they_ask_for_costs_little() {
    let mut town = Town::with_limits("sync_deadline_ms=20000").await;
    let address = town.alice.address("quic");
    // Alice has said enough for an answer of nearly a MiB.
    for number in 0..130 {
        let post = souk_protocol::api::Command::Post {
            text: format!("{number} {}", "blah ".repeat(1_600)),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        };
        town.alice.does(post).await;
    }
    let pull: Request = Request::Pull(List::new(vec![(town.alice.device, 0)]).unwrap());
    let pull = pull.write().unwrap();
    let (mut eves, mut lanes, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let crowd = 3u8;
    for number in 0..crowd {
        let secret = [100 + number; 32];
        let mallory = Mallory::new(number, secret);
        let mut eve = Eve::start(Look {
            secret,
            ..Look::named("deaf")
        });
        assert!(eve.dial(&address).await);
        let (endpoint, lane) = lane_with(&mut eve, 1_024).await;
        let hello: Request = Request::Hello(mallory.hello());
        let hello = [&[1], &frame(&hello.write().unwrap())[..]].concat();
        assert_eq!(says(&lane, &hello).await[0], 0);
        eves.push(eve);
        lanes.push((endpoint, lane));
    }
    for (_, lane) in &lanes {
        for _ in 0..7 {
            let (mut send, recv) = lane.open_bi().await.unwrap();
            send.write_all(&[&[1], &frame(&pull)[..]].concat()).await.unwrap();
            send.finish().unwrap();
            unread.push(recv);
        }
    }
    town.serves().await;
    // Each of them had a few answers on its way, which were given up, and was told "busy" for the others.
    town.alice
        .counts("souk_requests_busy", u64::from(crowd) * 3)
        .await;
    town.alice
        .counts("souk_requests_slow", u64::from(crowd) * 3)
        .await;
    drop((unread, eves));
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_that_is_no_gossip_ends_its_own_stream_and_no_other() {
    let mut town = Town::new().await;
    let (address, topic) = (town.alice.address("quic"), author_topic(&town.bob.author()));
    let huge = vec![7; 60_000];
    let signed = |field_number: usize| {
        let body = [
            field(2, b"x"),
            field(4, topic.as_bytes()),
            field(field_number, &[1; 64]),
        ];
        rpc(&[field(2, &body.concat())])
    };
    let control = |kind: usize, count: usize| {
        let one = field(kind, &field(1, topic.as_bytes()));
        rpc(&[field(3, &one.repeat(count))])
    };
    let ids = {
        let ids = field(2, &[9; 32]).repeat(1_000);
        let have = [field(1, topic.as_bytes()), ids].concat();
        rpc(&[field(3, &field(1, &have))])
    };
    let scripts: Vec<(&str, Script)> = vec![
        ("a length without end", Script::of(vec![0xff; 64])),
        (
            "a length of a gigabyte",
            Script::of(vec![0x80, 0x80, 0x80, 0x80, 0x04]),
        ),
        (
            "a length and then slowly",
            Script::slowly(&[0xff, 0x7f, 1, 2, 3], Duration::from_millis(200)),
        ),
        ("no protobuf", Script::of([vec![100], vec![0xff; 100]].concat())),
        (
            "more than an RPC may have",
            Script::of(rpc(&[message(&topic, &huge), message(&topic, &huge)])),
        ),
        ("with an author", Script::of(signed(1))),
        ("with a number", Script::of(signed(3))),
        ("with a signature", Script::of(signed(5))),
        ("with a key", Script::of(signed(6))),
        ("grafts without end", Script::of(control(3, 2_000))),
        ("prunes without end", Script::of(control(4, 2_000))),
        ("boasts of messages", Script::of(ids)),
        (
            "over the size of an envelope",
            Script::of(rpc(&[subscription(&topic), message(&topic, &huge[..40_000])])),
        ),
    ];
    let mut eves = Vec::new();
    for (name, script) in &scripts {
        for transport in ["quic", "tcp"] {
            let eve = Eve::at(&format!("{name} by {transport}"), &town.alice.address(transport)).await;
            eve.writes(Wire::Mesh, script.clone()).await;
            eves.push(eve);
        }
    }
    town.serves().await;
    town.alice.counts("souk_gossip_too_large", 2).await;
    town.alice.counts("souk_gossip_not_anonymous", 2).await;
    let published = town.bob.status().await.counters;
    let published = published
        .iter()
        .find(|(name, _, _)| name == "souk_gossip_published");
    let distinct = town.alice.metric("souk_gossip_distinct").await;
    assert!(
        distinct <= published.unwrap().2,
        "something of theirs reached alice's driver"
    );
    drop((eves, address));
    town.stands().await;
}
