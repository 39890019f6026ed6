//! A network in memory with delays: what simulations count on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "that is how a test fails"
)]

use souk_node::network::{Config, Device, Event, Memory, Network, Protocol, start};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Long enough for a busy machine; a passing test never waits it out.
const DEADLINE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(5);
const DELAY: Duration = Duration::from_millis(100);

fn node(memory: &Memory, number: u8) -> (Network, mpsc::Receiver<Event>) {
    let config = Config::memory(memory, u16::from(number));
    start(config, Zeroizing::new([number + 1; 32])).unwrap()
}

async fn address(events: &mut mpsc::Receiver<Event>) -> String {
    loop {
        if let Event::Listening { addr } = events.recv().await.expect("the network runs") {
            return addr;
        }
    }
}

/// Answers every request with its own bytes.
fn echo(mut events: mpsc::Receiver<Event>) {
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Request { data, reply, .. } = event {
                reply.send(data).ok();
            }
        }
    });
}

async fn pair(memory: Memory) -> (Network, Network, Device) {
    let ((alice, events), (bob, mut bobs)) = (node(&memory, 0), node(&memory, 1));
    let addr = address(&mut bobs).await;
    echo(events);
    echo(bobs);
    let device = alice.dial(&addr).await.unwrap();
    assert_eq!(device, bob.device());
    (alice, bob, device)
}

async fn round_trip(network: &Network) -> Duration {
    let begun = Instant::now();
    loop {
        let status = network.status().await.unwrap();
        if let Some(us) = status.peers.iter().find_map(|peer| peer.rtt_us) {
            return Duration::from_micros(us);
        }
        assert!(begun.elapsed() < DEADLINE, "no ping within {DEADLINE:?}");
        tokio::time::sleep(STEP).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_takes_both_delays() {
    for make in [Memory::new, Memory::with_noise] {
        let mut least = Duration::MAX;
        // On a busy machine a ping may be late; it can never be early.
        for _ in 0..10 {
            let (alice, bob, _) = pair(make(Arc::new(DELAY))).await;
            for network in [&alice, &bob] {
                let trip = round_trip(network).await;
                assert!(trip >= 2 * DELAY, "{trip:?}");
                least = least.min(trip);
            }
            if least < Duration::from_millis(260) {
                break;
            }
        }
        assert!(least < Duration::from_millis(260), "{least:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_arrive_whole_and_in_order_and_are_not_slowed_down() {
    let (alice, _bob, bob) = pair(Memory::new(Arc::new(DELAY))).await;
    let data: Vec<u8> = (0..900_000_u32).map(|at| (at % 251) as u8).collect();
    let begun = Instant::now();
    let asks = (0..4).map(|_| alice.request(bob, Protocol::Sync, data.clone()));
    for answer in futures::future::join_all(asks).await {
        assert!(answer.unwrap() == data, "other bytes came back");
    }
    // Yamux cuts this into hundreds of chunks. If each waited for the one before, they would take most of a minute.
    assert!(begun.elapsed() < DEADLINE / 6, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_graph_stays_as_it_was_dialled() {
    let memory = Memory::new(Arc::new(Duration::ZERO));
    let mut line = Vec::new();
    for number in 0..4 {
        let (network, mut events) = node(&memory, number);
        let addr = address(&mut events).await;
        echo(events);
        line.push((network, addr));
    }
    for (from, to) in line.iter().zip(line.iter().skip(1)) {
        from.0.dial(&to.1).await.unwrap();
    }
    for (network, _) in &line {
        round_trip(network).await;
        network.subscribe("a").await.unwrap();
    }
    // Bootstrapping would begin half a second after the first entry of the table.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        for (number, (network, _)) in line.iter().enumerate() {
            let status = network.status().await.unwrap();
            let expected = if number == 0 || number == 3 { 1 } else { 2 };
            assert_eq!(status.peers.len(), expected);
            assert_eq!(status.routing_table, 0);
        }
        tokio::time::sleep(STEP * 20).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_free_again_after_the_shutdown() {
    let memory = Memory::new(Arc::new(Duration::ZERO));
    let (first, mut events) = node(&memory, 0);
    address(&mut events).await;
    first.shutdown().await;
    first.released().await;
    let (_second, mut events) = node(&memory, 0);
    address(&mut events).await;
}
