//! Floods: of topics, of connections, of records in the routing table; and lies about oneself.

use crate::eve::{Eve, Look, Script, Wire};
use crate::said::{field, rpc, subscription};
use crate::town::{DEADLINE, Town, until};
use libp2p::Multiaddr;
use libp2p::kad::{Quorum, Record, RecordKey};
use souk_node::network::{
    ADDRESSES_PER_PEER_MAX, HANDSHAKES_INBOUND_MAX, PROVIDED_KEYS_PER_DEVICE_MAX, TOPIC_BYTES_MAX, TOPICS_MAX,
};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn no_peer_is_in_more_topics_than_the_network_allows() {
    let mut town = Town::new().await;
    let address = town.alice.address("quic");
    let known = "souk_subscriptions_known";
    let before = town.alice.metric(known).await;
    let mut eves = Vec::new();
    let crowd = 8;
    for number in 0..crowd {
        let eve = Eve::at(&format!("eve {number}"), &address).await;
        let names = |list: usize, count: usize| -> Vec<Vec<u8>> {
            (0..count)
                .map(|n| subscription(&format!("{number}/{list}/{n}")))
                .collect()
        };
        // Twenty lists that would be all right each, if there were not the others.
        let mut pieces: Vec<Vec<u8>> = (0..20).map(|list| rpc(&names(list, TOPICS_MAX))).collect();
        pieces.push(rpc(&names(99, 2 * TOPICS_MAX + 1)));
        pieces.push(rpc(&[
            subscription(&"t".repeat(TOPIC_BYTES_MAX + 1)),
            subscription(""),
        ]));
        eve.writes(
            Wire::Mesh,
            Script {
                pieces,
                pause: Duration::from_millis(1),
            },
        )
        .await;
        eves.push(eve);
    }
    town.alice.counts("souk_subscriptions_refused", 2 * crowd).await;
    let most = before + crowd * TOPICS_MAX as u64;
    assert_eq!(town.alice.metric(known).await, most);
    town.serves().await;
    assert!(town.alice.metric(known).await <= most);
    drop(eves);
    town.stands().await;
}

/// An eve whose packets come from this address.
async fn eve_from(ip: &str, name: &str) -> Eve {
    Eve::start(Look {
        listen: Some(format!("/ip4/{ip}/udp/0/quic-v1").parse().unwrap()),
        ..Look::named(name)
    })
}

/// How many peers alice says that she has.
async fn peers(town: &Town) -> u64 {
    town.alice.metric("souk_peers").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_few_connections_and_begins_few_handshakes() {
    // On Linux all of 127/8 is this machine: crowds come from 127.0.1 and 127.0.2, bob from 127.0.0.1.
    let mut town = Town::with_limits("loopback_exempt=0").await;
    let address = town.alice.address("quic");
    let refused = "souk_connections_refused_address";
    let mut crowd = Vec::new();
    for number in 0..10 {
        let mut eve = eve_from("127.0.1.1", &format!("eve {number}")).await;
        eve.dial(&address).await;
        crowd.push(eve);
    }
    town.alice.counts(refused, 6).await;
    until("four of them to be left", || async {
        (peers(&town).await == 1 + 4).then_some(())
    })
    .await;
    for number in 0..10 {
        let mut eve = eve_from(
            &format!("127.0.1.{}", number + 10),
            &format!("neighbour {number}"),
        )
        .await;
        eve.dial(&address).await;
        crowd.push(eve);
    }
    town.alice.counts(refused, 12).await;
    until("eight of the subnet to be left", || async {
        (peers(&town).await == 1 + 8).then_some(())
    })
    .await;

    // Handshakes that are begun and never ended: more than alice answers at once, from two more subnets.
    let tcp = town.alice.address("tcp");
    let port: u16 = tcp.split('/').nth(4).unwrap().parse().unwrap();
    let mut silent: Vec<TcpStream> = Vec::new();
    for host in 0..4 * HANDSHAKES_INBOUND_MAX {
        let socket = TcpSocket::new_v4().unwrap();
        let subnet = 2 + host % 2;
        socket
            .bind(format!("127.0.{subnet}.{}:0", host % 200 + 1).parse().unwrap())
            .unwrap();
        silent.push(socket.connect(([127, 0, 0, 1], port).into()).await.unwrap());
    }
    let mut friend = Eve::start(Look::named("friend"));
    assert!(friend.dial(&tcp).await, "a friend finds the door open");
    until("the friend to be in", || async {
        (peers(&town).await == 1 + 8 + 1).then_some(())
    })
    .await;
    town.serves().await;
    drop((silent, crowd));
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routing_table_keeps_no_records_and_of_one_device_few_announcements() {
    let mut town = Town::new().await;
    let eve = Eve::at("eve", &town.alice.address("quic")).await;
    let alice = eve.with.unwrap();
    let records = 200;
    eve.with(move |swarm| {
        for number in 0..records as u32 {
            let key = RecordKey::new(&number.to_be_bytes());
            let record = Record::new(key, vec![7; 8_000]);
            swarm
                .behaviour_mut()
                .kad
                .put_record_to(record, [alice].into_iter(), Quorum::One);
        }
    })
    .await;
    town.alice.counts("souk_records_refused", records).await;
    // Announcements by hand, as the protocol writes them: type 2, the key, and who provides.
    let id = eve.keypair.public().to_peer_id().to_bytes();
    let announcement = |number: u64| {
        let key = *blake3::hash(&number.to_be_bytes()).as_bytes();
        let provider = field(9, &field(1, &id));
        rpc(&[vec![1 << 3, 2], field(2, &key), provider])
    };
    let flood = 3 * PROVIDED_KEYS_PER_DEVICE_MAX as u64;
    let all: Vec<u8> = (0..flood).flat_map(announcement).collect();
    eve.writes(Wire::Records, Script::of(all)).await;
    let refused = flood - PROVIDED_KEYS_PER_DEVICE_MAX as u64;
    town.alice.counts("souk_providers_refused", refused).await;
    town.serves().await;
    assert_eq!(town.alice.metric("souk_providers_refused").await, refused);
    town.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_about_oneself_lead_nowhere() {
    let mut town = Town::new().await;
    let address = town.alice.address("quic");
    // An identity by hand: 100 addresses, of which a quarter could be dialled, and a name for oneself.
    let lie = |n: usize| -> Multiaddr {
        let text = match n % 4 {
            0 => format!("/ip4/192.0.2.{n}/tcp/{}", n + 1),
            1 => format!("/ip4/0.0.0.0/tcp/{}", n + 1),
            2 => format!("/ip4/224.0.0.1/udp/{}/quic-v1", n + 1),
            _ => format!("/dns4/x.example/tcp/{}", n + 1),
        };
        text.parse().unwrap()
    };
    let identity = |agent: &str| {
        let mut parts = vec![field(5, b"/souk/1"), field(6, agent.as_bytes())];
        parts.extend((0..100).map(|n| field(2, &lie(n).to_vec())));
        rpc(&parts)
    };
    let agents = [
        "souk/9 lane/1/1".to_owned(),
        "souk/0.1.0 lane/99999/-1".to_owned(),
        "\u{202e}\u{0}<script>".to_owned(),
        "x".repeat(1_000),
        String::new(),
    ];
    let most = 100 - ADDRESSES_PER_PEER_MAX as u64;
    let mut eves = Vec::new();
    for (number, agent) in agents.iter().enumerate() {
        let eve = Eve::at(&format!("liar {number}"), &address).await;
        let before = town.alice.metric("souk_addresses_refused").await;
        let begun = Instant::now();
        // News about oneself are heeded only after the first word about oneself, which eve says by the rules.
        while town.alice.metric("souk_addresses_refused").await < before + most {
            assert!(begun.elapsed() < DEADLINE, "{agent}");
            eve.writes(Wire::Push, Script::of(identity(agent))).await;
        }
        // What is none at all, or larger than any may be.
        eve.writes(Wire::Push, Script::of(vec![0xff; 5_000])).await;
        eve.writes(Wire::Push, Script::of(rpc(&[field(6, &[b'x'; 100_000])])))
            .await;
        eves.push(eve);
    }
    town.serves().await;
    let status = town.alice.gets("/status").await;
    let hers = status["device"].as_str().unwrap();
    assert_eq!(hers, town.alice.device.to_string());
    drop(eves);
    town.stands().await;
}
