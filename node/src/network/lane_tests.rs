//! The lane alone, with quinn at the other end: what strangers and broken programs are told.

use std::net::Ipv4Addr;

use super::*;

/// A lane that echoes, its counters, and where it is.
struct Bench {
    lane: Lane,
    keypair: Keypair,
    counters: Arc<Counters>,
    addr: SocketAddr,
    _events: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start() -> Self {
        let (keypair, counters) = (Keypair::generate_ed25519(), Arc::new(Counters::default()));
        let (events, mut asked) = mpsc::channel(16);
        let (lane, errors) = Lane::bind(
            &[(Ipv4Addr::LOCALHOST, 0).into()],
            &keypair,
            &Limits::default(),
            counters.clone(),
            Default::default(),
            events,
        )
        .unwrap();
        assert!(errors.is_empty());
        lane.open();
        let echo = tokio::spawn(async move {
            while let Some(event) = asked.recv().await {
                if let Event::Request { data, reply, .. } = event {
                    reply.send(data).unwrap();
                }
            }
        });
        let addr = lane.ports().at(Ipv4Addr::LOCALHOST.into()).unwrap();
        Self {
            lane,
            keypair,
            counters,
            addr,
            _events: echo,
        }
    }

    fn device(&self) -> Device {
        device(&self.keypair)
    }

    /// Dials the lane with bare quinn, as the owner of this key, expecting this device.
    async fn dial(&self, own: &Keypair, expected: &Device) -> Result<Connection, quinn::ConnectionError> {
        let config = client_config(own, expected, Arc::new(transport_config())).unwrap();
        let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        endpoint
            .connect_with(config, self.addr, SERVER_NAME)
            .unwrap()
            .await
    }
}

fn device(keypair: &Keypair) -> Device {
    crate::network::device::device_of(&keypair.public().to_peer_id()).unwrap()
}

/// Sends these bytes as a request and reads what comes back.
async fn say(connection: &Connection, bytes: &[u8]) -> Vec<u8> {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    // The other side may stop reading what it refuses.
    send.write_all(bytes).await.ok();
    send.finish().ok();
    recv.read_to_end(1024).await.unwrap()
}

#[tokio::test]
async fn a_stranger_to_libp2p_is_shown_out() {
    let (bob, eve) = (Bench::start(), Keypair::generate_ed25519());
    let connection = bob.dial(&eve, &bob.device()).await.unwrap();
    let closed = timeout(Duration::from_secs(10), connection.closed())
        .await
        .unwrap();
    let quinn::ConnectionError::ApplicationClosed(close) = closed else {
        panic!("{closed}")
    };
    assert_eq!(close.error_code, CLOSE_STRANGER);
    assert_eq!(bob.counters.read().lane_refused, 1);
}

#[tokio::test]
async fn a_device_that_libp2p_knows_is_let_in_until_libp2p_lets_it_go() {
    let (bob, alice) = (Bench::start(), Keypair::generate_ed25519());
    bob.lane.admit(device(&alice));
    let connection = bob.dial(&alice, &bob.device()).await.unwrap();
    assert_eq!(
        say(&connection, &[3, 0, 0, 0, 2, 7, 8]).await,
        [0, 0, 0, 0, 2, 7, 8]
    );
    bob.lane.dismiss(&device(&alice));
    let closed = timeout(Duration::from_secs(10), connection.closed())
        .await
        .unwrap();
    assert!(
        matches!(closed, quinn::ConnectionError::ApplicationClosed(close) if close.error_code == CLOSE_BYE)
    );
}

#[tokio::test]
async fn whoever_expects_another_device_fails_the_handshake() {
    let (bob, alice) = (Bench::start(), Keypair::generate_ed25519());
    bob.lane.admit(device(&alice));
    let error = bob
        .dial(&alice, &device(&Keypair::generate_ed25519()))
        .await
        .unwrap_err();
    assert!(is_wrong_peer(&error), "{error}");
}

#[tokio::test]
async fn another_quic_service_is_not_mistaken_for_a_lane() {
    let (bob, alice) = (Bench::start(), Keypair::generate_ed25519());
    bob.lane.admit(device(&alice));
    let tls = libp2p_tls::make_client_config(&alice, None).unwrap();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    assert!(
        endpoint
            .connect_with(config, bob.addr, SERVER_NAME)
            .unwrap()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_no_frame_is_told_so_and_the_connection_lives() {
    let (bob, alice) = (Bench::start(), Keypair::generate_ed25519());
    bob.lane.admit(device(&alice));
    let connection = bob.dial(&alice, &bob.device()).await.unwrap();
    let malformed: [&[u8]; 5] = [
        &[],
        &[1, 0, 0],
        &[9, 0, 0, 0, 0],
        &[1, 0, 0, 0, 2, 7],
        &[1, 0, 0, 0, 2, 7, 8, 9],
    ];
    for bytes in malformed {
        assert_eq!(say(&connection, bytes).await, [4, 0, 0, 0, 0], "{bytes:?}");
    }
    assert_eq!(
        say(&connection, &[3, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]).await,
        [3, 0, 0, 0, 0]
    );
    assert_eq!(say(&connection, &[1, 0, 0, 0, 1, 7]).await, [0, 0, 0, 0, 1, 7]);
    let counts = bob.counters.read();
    assert_eq!(
        (
            counts.frames_malformed,
            counts.frames_too_large,
            counts.requests_lane_in
        ),
        (5, 1, 1)
    );
}

#[tokio::test]
async fn of_many_lanes_the_oldest_goes() {
    let (bob, alice) = (Bench::start(), Keypair::generate_ed25519());
    bob.lane.admit(device(&alice));
    let mut connections = Vec::new();
    for _ in 0..=LANES_PER_DEVICE_MAX {
        let connection = bob.dial(&alice, &bob.device()).await.unwrap();
        say(&connection, &[1, 0, 0, 0, 0]).await;
        connections.push(connection);
    }
    let closed = timeout(Duration::from_secs(10), connections[0].closed())
        .await
        .unwrap();
    assert!(
        matches!(closed, quinn::ConnectionError::ApplicationClosed(close) if close.error_code == CLOSE_SURPLUS)
    );
    assert!(
        connections[1..]
            .iter()
            .all(|connection| connection.close_reason().is_none())
    );
}
