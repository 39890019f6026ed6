//! The network layer over real swarms on loopback: what `spec/transport.md` and `spec/gossip.md` promise.
//!
//! Nothing here waits for a time to pass; each test waits for a condition, and fails at its deadline.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "that is how a test fails"
)]

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use souk_node::network::{
    Config, Device, DialError, Event, LanePorts, ListenOn, Network, NetworkError, PeerStatus, Protocol,
    PublishError, REJECTS_MAX, ReplyError, RequestError, Status, SubscribeError, TOPIC_BYTES_MAX, TOPICS_MAX,
    Transport, Verdict, start,
};
use tokio::{sync::mpsc, time::timeout};
use zeroize::Zeroizing;

/// Long enough for a busy machine; a passing test never waits it out.
const DEADLINE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// A node with its events.
struct Peer {
    network: Network,
    events: mpsc::Receiver<Event>,
}

fn secret(name: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(*blake3::hash(name.as_bytes()).as_bytes())
}

fn peer(name: &str, config: Config) -> Peer {
    let (network, events) = start(config, secret(name)).unwrap();
    Peer { network, events }
}

impl Peer {
    /// The next event that `pick` wants; others are dropped.
    async fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        };
        timeout(DEADLINE, found)
            .await
            .unwrap_or_else(|_| panic!("no {what} within {DEADLINE:?}"))
    }

    /// An address to dial this peer at, over QUIC.
    async fn addr(&mut self) -> String {
        self.wait("QUIC address", |event| match event {
            Event::Listening { addr } if addr.contains("quic-v1") => Some(addr),
            _ => None,
        })
        .await
    }

    async fn status(&self) -> Status {
        self.network.status().await.unwrap()
    }

    /// Waits until the status is as wanted.
    async fn until(&self, what: &str, good: impl Fn(&Status) -> bool) -> Status {
        let reached = async {
            loop {
                let status = self.status().await;
                if good(&status) {
                    return status;
                }
                tokio::time::sleep(STEP).await;
            }
        };
        match timeout(DEADLINE, reached).await {
            Ok(status) => status,
            Err(_) => panic!("not {what} within {DEADLINE:?}: {:#?}", self.status().await),
        }
    }

    /// Answers every request with its own bytes, in the background.
    fn echo(mut self) -> Network {
        let network = self.network.clone();
        tokio::spawn(async move {
            while let Some(event) = self.events.recv().await {
                if let Event::Request { data, reply, .. } = event {
                    reply.send(data).ok();
                }
            }
        });
        network
    }
}

fn of<'a>(status: &'a Status, device: &Device) -> Option<&'a PeerStatus> {
    status.peers.iter().find(|peer| &peer.device == device)
}

fn knows_lane_of(device: Device) -> impl Fn(&Status) -> bool {
    move |status| of(status, &device).is_some_and(|peer| peer.lane.is_some())
}

fn without_lane() -> Config {
    Config {
        lane: Vec::new(),
        ..Config::loopback()
    }
}

/// Bob, who only knows frank; frank; and mary, whom frank knows. Frank has everybody in his table.
async fn three() -> (Peer, Peer, Peer) {
    let mut frank = peer("frank", Config::loopback());
    let addr = frank.addr().await;
    let config = Config {
        peers: vec![addr],
        ..Config::loopback()
    };
    let (bob, mary) = (peer("bob", config.clone()), peer("mary", config));
    frank
        .until("routing table of two", |status| status.routing_table == 2)
        .await;
    bob.until("identified by bob", |status| status.routing_table >= 1)
        .await;
    (bob, frank, mary)
}

async fn joined(peers: &[&Peer], topic: &str) {
    for peer in peers {
        peer.network.subscribe(topic).await.unwrap();
    }
}

fn is_meshed(topic: &str, peers: usize) -> impl Fn(&Status) -> bool {
    move |status| {
        status
            .topics
            .iter()
            .any(|known| known.topic == topic && known.mesh == peers)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_found_by_id_through_a_common_peer() {
    let (bob, _frank, mary) = three().await;
    assert!(of(&bob.status().await, &mary.network.device()).is_none());
    bob.network.connect(mary.network.device()).await.unwrap();
    assert!(of(&bob.status().await, &mary.network.device()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_found_by_what_it_provides() {
    let (bob, _frank, mary) = three().await;
    let key = *blake3::hash(b"author/mary").as_bytes();
    mary.network.provide(key).await.unwrap();
    assert_eq!(bob.network.providers(key).await.unwrap(), [mary.network.device()]);
    bob.network.connect(mary.network.device()).await.unwrap();
    assert!(of(&bob.status().await, &mary.network.device()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_found_where_nobody_knows() {
    let (bob, _frank, _mary) = three().await;
    let eve = peer("eve", Config::loopback());
    let error = bob.network.connect(eve.network.device()).await.unwrap_err();
    assert!(
        matches!(error, DialError::NotFound { device } if device == eve.network.device()),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_fail_a_dial_has_its_own_error() {
    let (alice, mut bob) = (peer("alice", Config::loopback()), peer("bob", Config::loopback()));
    let (addr, eve) = (bob.addr().await, peer("eve", Config::loopback()));
    let dial = |addr: String| {
        let network = alice.network.clone();
        async move { network.dial(&addr).await }
    };
    let bob_id = bob.status().await.id;
    let eve_id = eve.status().await.id;
    let alice_id = alice.status().await.id;
    assert!(matches!(
        dial("rubbish".into()).await,
        Err(DialError::BadAddress { .. })
    ));
    assert!(matches!(
        dial("/ip4/127.0.0.1/tcp/1".into()).await,
        Err(DialError::NoDevice { .. })
    ));
    let nobody = dial(format!("/ip4/127.0.0.1/tcp/1/p2p/{eve_id}")).await;
    assert!(matches!(nobody, Err(DialError::Unreachable { .. })), "{nobody:?}");
    let wrong = dial(addr.replace(&bob_id, &eve_id)).await;
    let expected = eve.network.device();
    assert!(
        matches!(&wrong, Err(DialError::WrongPeer { expected: e, actual }) if *e == expected && *actual == bob_id)
    );
    let myself = dial(addr.replace(&bob_id, &alice_id)).await;
    assert!(matches!(myself, Err(DialError::Myself)), "{myself:?}");
    assert_eq!(dial(addr.clone()).await.unwrap(), bob.network.device());
    assert_eq!(dial(addr).await.unwrap(), bob.network.device());
    assert!(alice.network.counts().dials_failed >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_works_where_quic_does_not() {
    let mut config = without_lane();
    config.listen.retain(|on| on.transport == Transport::Tcp);
    let mut bob = peer("bob", config);
    let addr = bob
        .wait("address", |event| match event {
            Event::Listening { addr } => Some(addr),
            _ => None,
        })
        .await;
    let alice = peer("alice", Config::loopback());
    alice.network.dial(&addr).await.unwrap();
    let status = alice.status().await;
    assert_eq!(
        of(&status, &bob.network.device()).unwrap().connections[0].transport,
        "tcp"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_reaches_the_third_node_only_after_the_middle_accepted_it() {
    let (bob, mut frank, mut mary) = three().await;
    joined(&[&bob, &frank, &mary], "world/shoes").await;
    frank
        .until("mesh of two at frank", is_meshed("world/shoes", 2))
        .await;
    bob.until("mesh at bob", is_meshed("world/shoes", 1)).await;
    mary.until("mesh at mary", is_meshed("world/shoes", 1)).await;

    let take = |event: Event| match event {
        Event::Gossip { id, topic, data, .. } => Some((id, topic, data)),
        _ => None,
    };
    for (text, verdict) in [("ignored", Verdict::Ignore), ("accepted", Verdict::Accept)] {
        bob.network.publish("world/shoes", text.into()).await.unwrap();
        let (id, topic, data) = frank.wait("gossip at frank", take).await;
        assert_eq!(
            (topic.as_str(), data.as_slice()),
            ("world/shoes", text.as_bytes())
        );
        // Mary heard nothing yet, though frank has had it in his hands for a round trip with himself.
        assert_eq!(mary.network.counts().gossip_received, 0);
        frank.network.verdict(id, verdict).await;
        frank.status().await;
    }
    // The streams are ordered, so had the ignored one been passed on, it would have come first.
    let (id, _, data) = mary.wait("gossip at mary", take).await;
    assert_eq!(data, b"accepted");
    assert_eq!(id.from, frank.network.device());
    let counts = frank.network.counts();
    assert_eq!(
        (
            counts.gossip_accepted,
            counts.gossip_ignored,
            counts.gossip_rejected
        ),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rejects_graylist_a_peer_in_whatever_topics() {
    let mut alice = peer("alice", Config::loopback());
    let eve = peer("eve", Config::loopback());
    let device = eve.network.device();
    eve.network.dial(&alice.addr().await).await.unwrap();
    let topics: Vec<_> = (0..REJECTS_MAX).map(|n| format!("author/{n}")).collect();
    for topic in &topics {
        joined(&[&alice, &eve], topic).await;
    }
    eve.until("meshed everywhere", |status| {
        status.topics.iter().all(|topic| topic.mesh == 1)
    })
    .await;

    for (n, topic) in topics.iter().enumerate() {
        eve.network
            .publish(topic, format!("rubbish {n}").into())
            .await
            .unwrap();
        let id = alice
            .wait("gossip", |event| match event {
                Event::Gossip { id, .. } => Some(id),
                _ => None,
            })
            .await;
        alice.network.verdict(id, Verdict::Reject).await;
    }
    let status = alice
        .until("rejected", |status| {
            status.counts.gossip_rejected == u64::from(REJECTS_MAX)
        })
        .await;
    assert!(
        of(&status, &device).unwrap().score < -100.0,
        "{:#?}",
        status.peers
    );

    // Eve goes on, and a request behind it shows that her gossip had the time to arrive.
    let before = alice.network.counts();
    for n in 0..5 {
        eve.network
            .publish(&topics[0], format!("more rubbish {n}").into())
            .await
            .ok();
    }
    let asked = {
        let network = eve.network.clone();
        let to = alice.network.device();
        tokio::spawn(async move { network.request(to, Protocol::Tab, b"still there?".to_vec()).await })
    };
    let reply = alice
        .wait("request", |event| match event {
            Event::Gossip { data, .. } => {
                panic!("heard {:?} of a graylisted peer", String::from_utf8_lossy(&data))
            }
            Event::Request { reply, .. } => Some(reply),
            _ => None,
        })
        .await;
    reply.send(b"yes".to_vec()).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), b"yes");
    assert_eq!(alice.network.counts().gossip_received, before.gossip_received);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_message_over_the_limit_is_refused_and_the_largest_passes() {
    let mut alice = peer("alice", Config::loopback());
    let bob = peer("bob", Config::loopback());
    bob.network.dial(&alice.addr().await).await.unwrap();
    let topic = "t".repeat(TOPIC_BYTES_MAX);
    joined(&[&alice, &bob], &topic).await;
    bob.until("meshed", is_meshed(&topic, 1)).await;
    let limit = souk_node::network::GOSSIP_BYTES_MAX;
    let refused = bob.network.publish(&topic, vec![1; limit + 1]).await;
    assert_eq!(
        refused,
        Err(PublishError::TooLarge {
            actual: limit + 1,
            limit
        })
    );
    bob.network.publish(&topic, vec![1; limit]).await.unwrap();
    assert_eq!(
        bob.network.publish(&topic, vec![1; limit]).await,
        Err(PublishError::Duplicate)
    );
    let size = alice
        .wait("gossip", |event| match event {
            Event::Gossip { data, .. } => Some(data.len()),
            _ => None,
        })
        .await;
    assert_eq!(size, limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_beyond_the_cap_are_refused_and_the_full_list_still_greets_a_peer() {
    let mut alice = peer("alice", Config::loopback());
    let name = |n: usize| format!("{n:0>width$}", width = TOPIC_BYTES_MAX);
    for n in 0..TOPICS_MAX {
        alice.network.subscribe(&name(n)).await.unwrap();
    }
    let refused = alice.network.subscribe("one more").await;
    assert_eq!(
        refused,
        Err(SubscribeError::TooMany {
            actual: TOPICS_MAX,
            limit: TOPICS_MAX
        })
    );
    alice.network.subscribe(&name(0)).await.unwrap();
    let long = "t".repeat(TOPIC_BYTES_MAX + 1);
    let limit = TOPIC_BYTES_MAX;
    assert_eq!(
        alice.network.subscribe(&long).await,
        Err(SubscribeError::Name {
            actual: limit + 1,
            limit
        })
    );

    let bob = peer("bob", Config::loopback());
    bob.network.subscribe(&name(TOPICS_MAX - 1)).await.unwrap();
    bob.network.dial(&alice.addr().await).await.unwrap();
    bob.until("told of alice's last topic", |status| status.topics[0].peers == 1)
        .await;

    alice.network.unsubscribe(&name(0)).await;
    alice.network.subscribe("one more").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lane_and_fallback_carry_the_same_bytes() {
    let mut echo = peer("bob", Config::loopback());
    let addr = echo.addr().await;
    let bob = echo.echo();
    let fast = peer("alice", Config::loopback());
    let slow = peer("carol", without_lane());
    fast.network.dial(&addr).await.unwrap();
    slow.network.dial(&addr).await.unwrap();
    fast.until("told of bob's lane", knows_lane_of(bob.device()))
        .await;

    for (n, protocol) in Protocol::ALL.into_iter().enumerate() {
        for size in [0, 1, 70, 60_000] {
            let data: Vec<_> = (0..size).map(|byte| (byte % 251) as u8 ^ n as u8).collect();
            let over_lane = fast
                .network
                .request(bob.device(), protocol, data.clone())
                .await
                .unwrap();
            let over_stream = slow
                .network
                .request(bob.device(), protocol, data.clone())
                .await
                .unwrap();
            assert_eq!(over_lane, data);
            assert_eq!(over_stream, data);
        }
    }
    let largest = vec![9; 1024 * 1024];
    for network in [&fast.network, &slow.network] {
        assert_eq!(
            network
                .request(bob.device(), Protocol::Sync, largest.clone())
                .await
                .unwrap(),
            largest
        );
    }
    let (fast, slow, bob) = (fast.network.counts(), slow.network.counts(), bob.counts());
    assert_eq!(
        (fast.requests_lane_out, fast.requests_stream_out, fast.lane_dials),
        (13, 0, 1)
    );
    assert_eq!((slow.requests_lane_out, slow.requests_stream_out), (0, 13));
    assert_eq!((bob.requests_lane_in, bob.requests_stream_in), (13, 13));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lane_serves_both_sides() {
    let mut bob = peer("bob", Config::loopback());
    let addr = bob.addr().await;
    let alice = peer("alice", Config::loopback());
    alice.network.dial(&addr).await.unwrap();
    alice
        .until("told of bob's lane", knows_lane_of(bob.network.device()))
        .await;
    let (alice, bob) = (alice.echo(), bob.echo());
    alice
        .request(bob.device(), Protocol::Tab, b"there".to_vec())
        .await
        .unwrap();
    bob.request(alice.device(), Protocol::Tab, b"and back".to_vec())
        .await
        .unwrap();
    assert_eq!((bob.counts().requests_lane_out, bob.counts().lane_dials), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_peer_on_the_lane_fails_and_the_fallback_serves() {
    // Eve tells mallory's lane port as hers; mallory is a real node with a real lane.
    let mallory = peer("mallory", Config::loopback());
    let stolen = mallory.status().await.lane;
    assert!(stolen.v4.is_some());
    let mut eve = peer(
        "eve",
        Config {
            lane_external: Some(stolen),
            ..Config::loopback()
        },
    );
    let addr = eve.addr().await;
    let eve = eve.echo();
    let alice = peer("alice", Config::loopback());
    alice.network.dial(&addr).await.unwrap();
    alice.until("told of a lane", knows_lane_of(eve.device())).await;

    let answer = alice
        .network
        .request(eve.device(), Protocol::Order, b"for eve alone".to_vec())
        .await
        .unwrap();
    assert_eq!(answer, b"for eve alone");
    let counts = alice.network.counts();
    assert_eq!(
        (
            counts.lane_wrong_peer,
            counts.lane_dials_failed,
            counts.requests_lane_out
        ),
        (1, 1, 0)
    );
    assert_eq!(mallory.network.counts().requests_lane_in, 0);
    // The lane rests: the next request does not try again.
    alice
        .network
        .request(eve.device(), Protocol::Order, b"again".to_vec())
        .await
        .unwrap();
    assert_eq!(alice.network.counts().lane_dials, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_lane_port_costs_a_moment_and_no_request() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let ports = LanePorts {
        v4: Some(port),
        v6: None,
    };
    let mut bob = peer(
        "bob",
        Config {
            lane_external: Some(ports),
            ..Config::loopback()
        },
    );
    let addr = bob.addr().await;
    let bob = bob.echo();
    let alice = peer("alice", Config::loopback());
    alice.network.dial(&addr).await.unwrap();
    alice
        .until("told of bob's lane", knows_lane_of(bob.device()))
        .await;
    assert_eq!(
        alice
            .network
            .request(bob.device(), Protocol::Tab, b"x".to_vec())
            .await
            .unwrap(),
        b"x"
    );
    let counts = alice.network.counts();
    assert_eq!(
        (
            counts.lane_dials_failed,
            counts.lane_wrong_peer,
            counts.requests_stream_out
        ),
        (1, 0, 1)
    );
}

/// Alice, who is connected with bob, by lane or without.
async fn pair(lane: bool, config: Config) -> (Peer, Peer) {
    let mut bob = peer("bob", config);
    let alice = peer("alice", if lane { Config::loopback() } else { without_lane() });
    alice.network.dial(&bob.addr().await).await.unwrap();
    if lane {
        alice
            .until("told of bob's lane", knows_lane_of(bob.network.device()))
            .await;
    }
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_too_large_is_refused_by_either_side_and_the_connection_lives() {
    for lane in [true, false] {
        let mut config = Config::loopback();
        config.limits.order_bytes_max = 1_000;
        let (alice, bob) = pair(lane, config).await;
        let bob = bob.echo();
        let ask = |size: usize| {
            alice
                .network
                .request(bob.device(), Protocol::Order, vec![1; size])
        };
        let limit = 256 * 1024;
        let here = ask(limit + 1).await;
        assert!(
            matches!(here, Err(RequestError::TooLarge { actual, limit: l, .. }) if (actual, l) == (limit + 1, limit))
        );
        for size in [1_001, limit] {
            let there = ask(size).await;
            assert!(
                matches!(there, Err(RequestError::TooLargeThere { actual, .. }) if actual == size),
                "lane {lane}, {size} bytes: {there:?}"
            );
        }
        assert_eq!(ask(1_000).await.unwrap(), vec![1; 1_000]);
        assert_eq!(alice.network.counts().connections_closed, 0);
        assert_eq!(alice.network.counts().frames_too_large, 1);
        assert_eq!(bob.counts().frames_too_large, 2);
        assert_eq!(alice.network.counts().lane_dials, u64::from(lane));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_is_refused_at_its_source() {
    for lane in [true, false] {
        let (alice, mut bob) = pair(lane, Config::loopback()).await;
        let asked = {
            let (network, to) = (alice.network.clone(), bob.network.device());
            tokio::spawn(async move { network.request(to, Protocol::Tab, Vec::new()).await })
        };
        let reply = bob.wait("request", request).await.2;
        let error = reply.send(vec![0; 64 * 1024 + 1]).unwrap_err();
        assert!(
            matches!(
                error,
                ReplyError::TooLarge {
                    actual: 65_537,
                    limit: 65_536,
                    ..
                }
            ),
            "{error}"
        );
        assert!(matches!(asked.await.unwrap(), Err(RequestError::Refused { .. })));
    }
}

fn request(event: Event) -> Option<(Device, Vec<u8>, souk_node::network::Reply)> {
    match event {
        Event::Request {
            from, data, reply, ..
        } => Some((from, data, reply)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_reply_refuses_and_silence_times_out() {
    for lane in [true, false] {
        let mut config = Config::loopback();
        config.limits.tab_deadline_ms = 60_000;
        let mut bob = peer("bob", config);
        let mut config = if lane { Config::loopback() } else { without_lane() };
        config.limits.tab_deadline_ms = 300;
        let alice = peer("alice", config);
        alice.network.dial(&bob.addr().await).await.unwrap();
        if lane {
            alice
                .until("told of bob's lane", knows_lane_of(bob.network.device()))
                .await;
        }
        let (network, to) = (alice.network.clone(), bob.network.device());
        let ask = |data: &[u8]| {
            let (network, data) = (network.clone(), data.to_vec());
            tokio::spawn(async move { network.request(to, Protocol::Tab, data).await })
        };
        let asked = ask(b"no");
        let (from, data, reply) = bob.wait("request", request).await;
        assert_eq!((from, data.as_slice()), (alice.network.device(), &b"no"[..]));
        drop(reply);
        assert!(matches!(asked.await.unwrap(), Err(RequestError::Refused { .. })));

        let asked = ask(b"later");
        let (_, _, held) = bob.wait("request", request).await;
        assert!(matches!(
            asked.await.unwrap(),
            Err(RequestError::TimedOut { deadline_ms: 300, .. })
        ));
        drop(held);
        assert_eq!(alice.network.counts().requests_timed_out, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_cannot_occupy_the_driver() {
    let (alice, mut bob) = pair(false, Config::loopback()).await;
    let most = souk_node::network::REQUESTS_PER_DEVICE_MAX;
    let (network, to) = (alice.network.clone(), bob.network.device());
    let ask = || {
        let network = network.clone();
        tokio::spawn(async move { network.request(to, Protocol::Sync, Vec::new()).await })
    };
    let asked: Vec<_> = (0..most).map(|_| ask()).collect();
    let one_too_many = {
        let mut held = Vec::new();
        while held.len() < most {
            held.push(bob.wait("request", request).await.2);
        }
        let answer = network.request(to, Protocol::Sync, Vec::new()).await;
        held.into_iter().for_each(|reply| reply.send(Vec::new()).unwrap());
        answer
    };
    assert!(
        matches!(one_too_many, Err(RequestError::Busy)),
        "{one_too_many:?}"
    );
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(bob.network.counts().requests_busy, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_finds_its_way_to_a_stranger() {
    let (bob, _frank, mary) = three().await;
    let mary = mary.echo();
    assert_eq!(
        bob.network
            .request(mary.device(), Protocol::Sync, b"hello".to_vec())
            .await
            .unwrap(),
        b"hello"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = tcp.local_addr().unwrap();
    let only = |transport, addr| Config {
        listen: vec![ListenOn { transport, addr }],
        ..without_lane()
    };
    let error = start(only(Transport::Tcp, addr), secret("alice")).unwrap_err();
    assert!(
        matches!(&error, NetworkError::PortTaken { transport: "tcp", addr: a } if *a == addr),
        "{error}"
    );
    assert!(error.to_string().contains(&addr.port().to_string()));

    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = udp.local_addr().unwrap();
    let error = start(only(Transport::Quic, addr), secret("alice")).unwrap_err();
    assert!(
        matches!(&error, NetworkError::PortTaken { transport: "quic", addr: a } if *a == addr),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_cannot_hold_one_port() {
    let mut bob = peer("bob", Config::loopback());
    let mut held = Vec::new();
    while held.len() < 2 {
        held.push(
            bob.wait("address", |event| match event {
                Event::Listening { addr } => Some(addr),
                _ => None,
            })
            .await,
        );
    }
    let tcp = held.iter().find(|addr| addr.contains("/tcp/")).unwrap();
    let port = tcp.split('/').nth(4).unwrap().parse().unwrap();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = Config {
        listen: vec![ListenOn {
            transport: Transport::Tcp,
            addr,
        }],
        ..without_lane()
    };
    assert!(matches!(
        start(config, secret("eve")),
        Err(NetworkError::PortTaken { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_bind_is_told_and_the_rest_works() {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut config = Config::loopback();
    config
        .listen
        .iter_mut()
        .filter(|on| on.transport == Transport::Tcp)
        .for_each(|on| on.addr = tcp.local_addr().unwrap());
    let mut bob = peer("bob", config);
    let error = bob
        .wait("report", |event| match event {
            Event::NotListening { error } => Some(error),
            _ => None,
        })
        .await;
    assert!(error.to_string().contains("is taken"), "{error}");
    peer("alice", Config::loopback())
        .network
        .dial(&bob.addr().await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_refused_and_counted() {
    let mut config = Config::loopback();
    config.limits.connections_max = 1;
    let mut bob = peer("bob", config);
    let addr = bob.addr().await;
    let (alice, eve) = (peer("alice", Config::loopback()), peer("eve", Config::loopback()));
    alice.network.dial(&addr).await.unwrap();
    bob.until("connected with alice", |status| status.peers.len() == 1)
        .await;
    // The refusal comes after the handshake, so eve may see the connection for a moment.
    eve.network.dial(&addr).await.ok();
    bob.until("refused eve", |status| {
        status.counts.connections_refused_number >= 1
    })
    .await;
    eve.until("without bob", |status| status.peers.is_empty()).await;
    assert_eq!(bob.status().await.peers[0].device, alice.network.device());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_noticed_at_once_and_a_configured_peer_is_dialled_again() {
    let mut bob = peer("bob", Config::loopback());
    let addr = bob.addr().await;
    let port = addr.split('/').nth(4).unwrap().parse().unwrap();
    let mut alice = peer(
        "alice",
        Config {
            peers: vec![addr],
            ..Config::loopback()
        },
    );
    let device = bob.network.device();
    let connected =
        |event: Event| matches!(event, Event::Connected { device: d, .. } if d == device).then_some(());
    let gone = |event: Event| matches!(event, Event::Disconnected { device: d } if d == device).then_some(());
    alice.wait("connection", connected).await;
    bob.network.shutdown().await;
    assert!(bob.network.status().await.is_none());
    assert!(matches!(
        bob.network.subscribe("t").await,
        Err(SubscribeError::Stopped)
    ));
    alice.wait("goodbye", gone).await;
    timeout(DEADLINE, bob.network.released()).await.unwrap();

    let config = Config {
        lane: vec![],
        ..Config::on_ports(&[Ipv4Addr::LOCALHOST.into()], port)
    };
    let _bob = peer(
        "bob",
        Config {
            listen: config.listen.into_iter().take(1).collect(),
            ..Config::loopback()
        },
    );
    alice.wait("connection again", connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_peer_is_asked_over_its_new_lane() {
    let (alice, bob) = pair(true, Config::loopback()).await;
    let device = bob.network.device();
    let bob = bob.echo();
    alice
        .network
        .request(device, Protocol::Tab, b"one".to_vec())
        .await
        .unwrap();
    bob.shutdown().await;
    alice.until("without bob", |status| status.peers.is_empty()).await;

    let mut bob = peer("bob", Config::loopback());
    let addr = bob.addr().await;
    let _bob = bob.echo();
    alice.network.dial(&addr).await.unwrap();
    alice.until("told of bob's new lane", knows_lane_of(device)).await;
    assert_eq!(
        alice
            .network
            .request(device, Protocol::Tab, b"two".to_vec())
            .await
            .unwrap(),
        b"two"
    );
    assert_eq!(alice.network.counts().requests_lane_out, 2);
}

/// The machine of mary lost its power and is back before anybody noticed: two processes of one device, of
/// which the first stays silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_was_restarted_hears_which_topics_one_is_in() {
    let (mut bob, mut dead) = (peer("bob", Config::loopback()), peer("mary", Config::loopback()));
    joined(&[&bob], "shop").await;
    let addr = bob.addr().await;
    bob.network.dial(&dead.addr().await).await.unwrap();
    let mary = dead.network.device();
    bob.until("identified", |status| {
        of(status, &mary).is_some_and(|peer| peer.agent.is_some())
    })
    .await;

    let back = peer("mary", Config::loopback());
    joined(&[&back], "shop").await;
    back.network.dial(&addr).await.unwrap();
    back.until("told of bob's topics", |status| {
        status.topics.iter().all(|topic| topic.peers == 1)
    })
    .await;
    let status = bob
        .until("one process of mary", |status| {
            of(status, &mary).is_some_and(|peer| peer.connections.len() == 1)
        })
        .await;
    assert_eq!(status.counts.restarts_seen, 1);
    dead.until("left alone", |status| status.peers.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_the_largest_messages_arrives_whole() {
    let (mut alice, bob) = (peer("alice", Config::loopback()), peer("bob", Config::loopback()));
    bob.network.dial(&alice.addr().await).await.unwrap();
    joined(&[&alice, &bob], "world/books").await;
    bob.until("meshed", is_meshed("world/books", 1)).await;
    let count = 50;
    for n in 0..count {
        bob.network
            .publish("world/books", vec![n; souk_node::network::GOSSIP_BYTES_MAX])
            .await
            .unwrap();
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < usize::from(count) {
        let (id, data) = alice
            .wait("gossip", |event| match event {
                Event::Gossip { id, data, .. } => Some((id, data)),
                _ => None,
            })
            .await;
        seen.insert(data[0]);
        alice.network.verdict(id, Verdict::Accept).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lonely_node_provides_and_publishes_without_waiting() {
    let alice = peer("alice", Config::loopback());
    let work = async {
        alice.network.provide([1; 32]).await.unwrap();
        assert_eq!(
            alice.network.providers([1; 32]).await.unwrap(),
            [alice.network.device()]
        );
        alice.network.unprovide([1; 32]).await;
        assert_eq!(alice.network.providers([1; 32]).await.unwrap(), [] as [Device; 0]);
        assert_eq!(
            alice.network.publish("t", vec![1]).await,
            Err(PublishError::NoPeers)
        );
    };
    timeout(DEADLINE, work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_carries_all_that_ipv4_carries() {
    let ip = std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST);
    if UdpSocket::bind((ip, 0)).is_err() {
        println!("skipped: no IPv6 here");
        return;
    }
    let config = Config {
        lane: vec![(ip, 0).into()],
        ..Config::on_ports(&[ip], 0)
    };
    let (mut bob, alice) = (peer("bob", config.clone()), peer("alice", config));
    let addr = bob.addr().await;
    let bob = bob.echo();
    alice.network.dial(&addr).await.unwrap();
    alice
        .until("told of bob's lane", knows_lane_of(bob.device()))
        .await;
    assert_eq!(
        alice
            .network
            .request(bob.device(), Protocol::Tab, b"six".to_vec())
            .await
            .unwrap(),
        b"six"
    );
    assert_eq!(alice.network.counts().requests_lane_out, 1);
}
