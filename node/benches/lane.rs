//! The direct lane against bare quinn on loopback: `lane_rtt` and `lane_bulk` of the performance goals.
//!
//! Bare quinn echoes a frame on a new stream of one kept connection; the lane does the same through
//! [`Network::request`], with limits, deadlines, accounts, and the driver's channel in between. Both use the same
//! certificates and ciphers, in one process, in turns. `SOUK_BENCH=small` only shows that it runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that fails should say where"
)]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use libp2p::identity::Keypair;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use souk_node::network::{Config, Device, Event, Network, Protocol, start};
use zeroize::Zeroizing;

/// Bytes of a settlement message, about.
const SMALL_BYTES: usize = 300;
/// The largest frame.
const BULK_BYTES: usize = 1024 * 1024;

struct Plan {
    rounds: usize,
    small: usize,
    bulk: usize,
}

impl Plan {
    fn read() -> Self {
        match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => Self {
                rounds: 5,
                small: 20,
                bulk: 2,
            },
            _ => Self {
                rounds: 9,
                small: 2_000,
                bulk: 64,
            },
        }
    }
}

/// The lane: alice asks, bob echoes.
struct Ours {
    alice: Network,
    bob: Device,
    _bob: Network,
}

impl Ours {
    async fn start() -> Self {
        let (bob, mut events) = start(Config::loopback(), Zeroizing::new([2; 32])).unwrap();
        let addr = loop {
            match events.recv().await.expect("bob runs") {
                Event::Listening { addr } if addr.contains("quic") => break addr,
                _ => {}
            }
        };
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Request { data, reply, .. } = event {
                    reply.send(data).expect("alice waits");
                }
            }
        });
        let (alice, mut events) = start(Config::loopback(), Zeroizing::new([1; 32])).unwrap();
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        alice.dial(&addr).await.unwrap();
        while alice
            .status()
            .await
            .unwrap()
            .peers
            .iter()
            .all(|peer| peer.lane.is_none())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self {
            alice,
            bob: bob.device(),
            _bob: bob,
        }
    }

    async fn echo(&self, data: &[u8]) {
        let answer = self
            .alice
            .request(self.bob, Protocol::Sync, data.to_vec())
            .await
            .unwrap();
        assert_eq!(answer.len(), data.len());
    }
}

/// Bare quinn: a stream, the bytes, the echo.
struct Bare {
    connection: quinn::Connection,
    _endpoints: [quinn::Endpoint; 2],
}

impl Bare {
    async fn start() -> Self {
        let key = Keypair::generate_ed25519();
        let server = QuicServerConfig::try_from(libp2p_tls::make_server_config(&key).unwrap()).unwrap();
        let client = QuicClientConfig::try_from(libp2p_tls::make_client_config(&key, None).unwrap()).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server =
            quinn::Endpoint::server(quinn::ServerConfig::with_crypto(Arc::new(server)), any).unwrap();
        let accepting = server.clone();
        tokio::spawn(async move {
            let connection = accepting.accept().await.unwrap().await.unwrap();
            while let Ok((mut send, mut recv)) = connection.accept_bi().await {
                tokio::spawn(async move {
                    let data = recv.read_to_end(BULK_BYTES).await.unwrap();
                    send.write_all(&data).await.unwrap();
                    send.finish().unwrap();
                });
            }
        });
        let dialling = quinn::Endpoint::client(any).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(client));
        let addr = server.local_addr().unwrap();
        let connection = dialling
            .connect_with(config, addr, "bare")
            .unwrap()
            .await
            .unwrap();
        Self {
            connection,
            _endpoints: [server, dialling],
        }
    }

    async fn echo(&self, data: &[u8]) {
        let (mut send, mut recv) = self.connection.open_bi().await.unwrap();
        send.write_all(data).await.unwrap();
        send.finish().unwrap();
        assert_eq!(recv.read_to_end(BULK_BYTES).await.unwrap().len(), data.len());
    }
}

/// Median time of one call.
async fn median<F: Future<Output = ()>>(times: usize, call: impl Fn() -> F) -> f64 {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        call().await;
        taken.push(start.elapsed().as_secs_f64());
    }
    middle(&mut taken)
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(figure: &str, mut ratios: Vec<f64>, note: &str) {
    let value = middle(&mut ratios);
    let (min, max, runs) = (ratios[0], ratios[ratios.len() - 1], ratios.len());
    println!("{figure}: {value:.3} of quinn ({min:.3} to {max:.3}); {note}");
    println!(
        r#"{{"figure":"{figure}","value":{value:.4},"baseline":"quinn","unit":"ratio","runs":{runs},"min":{min:.4},"max":{max:.4}}}"#
    );
}

async fn measure(ours: &Ours, bare: &Bare, plan: &Plan) {
    let (small, bulk) = (vec![7; SMALL_BYTES], vec![7; BULK_BYTES]);
    // Both connections are warm before the first round.
    median(plan.small.min(200), || ours.echo(&small)).await;
    median(plan.small.min(200), || bare.echo(&small)).await;

    let (mut trips, mut flows, mut last) = (Vec::new(), Vec::new(), [0.0; 4]);
    for round in 0..plan.rounds {
        for first in [round % 2 == 0, round % 2 != 0] {
            match first {
                true => {
                    last[0] = median(plan.small, || ours.echo(&small)).await;
                    last[2] = median(plan.bulk, || ours.echo(&bulk)).await;
                }
                false => {
                    last[1] = median(plan.small, || bare.echo(&small)).await;
                    last[3] = median(plan.bulk, || bare.echo(&bulk)).await;
                }
            }
        }
        trips.push(last[0] / last[1]);
        flows.push(last[3] / last[2]);
    }
    let micros = |seconds: f64| seconds * 1e6;
    let rate = |seconds: f64| 2.0 / seconds;
    let trip = format!(
        "last round {:.0} us against {:.0} us",
        micros(last[0]),
        micros(last[1])
    );
    report("lane_rtt", trips, &trip);
    let flow = format!(
        "last round {:.0} MiB/s against {:.0} MiB/s, there and back",
        rate(last[2]),
        rate(last[3])
    );
    report("lane_bulk", flows, &flow);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (ours, bare) = (Ours::start().await, Bare::start().await);
        measure(&ours, &bare, &Plan::read()).await;
        assert_eq!(
            ours.alice.counts().requests_stream_out,
            0,
            "all went over the lane"
        );
    });
}
