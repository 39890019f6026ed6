//! The direct lane: quinn connections between devices that can reach each other.
//!
//! libp2p's own QUIC costs two to three times quinn's round trip for a new stream, because every stream
//! negotiates its protocol and passes through the swarm's one task. The lane has neither: a stream, a tag
//! byte, a frame. It lives beside a libp2p connection and never without one: libp2p finds the peer and
//! tells its lane's port, and when the last libp2p connection closes, the lane closes too. So the
//! limits on connections hold for both.
//!
//! Both sides show the certificates of libp2p's TLS, so the key at the other end is known: whoever dials
//! expects one device, and any other fails the handshake. See `spec/transport.md`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use libp2p::identity::Keypair;
use quinn::{
    Connection, Endpoint, Incoming, ReadExactError, ReadToEndError, RecvStream, SendStream, TransportConfig,
    VarInt, WriteError,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{
    carrier::{Carrier, Failure, Reply, Turn, Turns, Unread, settle},
    counters::{Counters, add, count},
    device::Device,
    error::{ListenError, NetworkError, RequestError},
    event::Event,
    frame::{Answer, HEADER_BYTES, Outcome, header, parse_header},
    limits::{LANE_DIAL_MS, LANE_HANDSHAKES_MAX, LANE_RETRY_MS, LANES_PER_DEVICE_MAX, Limits},
    protocol::Protocol,
    tls::{SERVER_NAME, bind, client_config, device_behind, is_wrong_peer, server_config, transport_config},
};

/// Frames up to this size are written in one piece with their header.
const ONE_PIECE_BYTES: usize = 64 * 1024;
/// Lane addresses of one device that are tried.
const ADDRESSES_MAX: usize = 2;

/// Close codes: the node goes away, the device is not connected by libp2p, or has too many lanes.
const CLOSE_BYE: VarInt = VarInt::from_u32(0);
const CLOSE_STRANGER: VarInt = VarInt::from_u32(1);
const CLOSE_SURPLUS: VarInt = VarInt::from_u32(2);

/// The UDP ports of a lane, by family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LanePorts {
    /// Port for those who reach us by IPv4.
    pub v4: Option<u16>,
    /// Port for those who reach us by IPv6.
    pub v6: Option<u16>,
}

impl LanePorts {
    /// The lane address of a peer that has this IP.
    pub(crate) fn at(self, ip: IpAddr) -> Option<SocketAddr> {
        let port = if ip.is_ipv4() { self.v4 } else { self.v6 };
        port.map(|port| SocketAddr::new(ip, port))
    }
}

/// What is known of a device that libp2p is connected with.
#[derive(Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    connections: Vec<Connection>,
    /// Held while dialling, so that ten requests make one dial.
    dialling: Arc<tokio::sync::Mutex<()>>,
    /// Not tried again before this.
    resting_until: Option<Instant>,
    /// Made once for each device, because the expected key is part of it.
    config: Option<quinn::ClientConfig>,
}

struct Inner {
    v4: Option<Endpoint>,
    v6: Option<Endpoint>,
    keypair: Keypair,
    transport: Arc<TransportConfig>,
    limits: Limits,
    counters: Arc<Counters>,
    turns: Turns,
    unread: Unread,
    handshakes: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    known: Mutex<BTreeMap<Device, Known>>,
}

/// The lane of this node: both its ends of every lane connection.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Inner>);

impl Lane {
    /// Binds the addresses. A family that does not bind is reported and left out.
    pub(crate) fn bind(
        addresses: &[SocketAddr],
        keypair: &Keypair,
        limits: &Limits,
        counters: Arc<Counters>,
        (turns, unread): (Turns, Unread),
        events: mpsc::Sender<Event>,
    ) -> Result<(Self, Vec<ListenError>), NetworkError> {
        let transport = Arc::new(transport_config());
        let server = server_config(keypair, transport.clone())?;
        let (mut v4, mut v6, mut errors) = (None, None, Vec::new());
        for addr in addresses {
            let place = if addr.is_ipv4() { &mut v4 } else { &mut v6 };
            match bind(*addr, server.clone()) {
                Ok(endpoint) if place.is_none() => *place = Some(endpoint),
                Ok(_) => errors.push(listen_error(
                    *addr,
                    "one address for each family is enough".into(),
                )),
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                    errors.push(ListenError::PortTaken {
                        transport: "lane",
                        addr: *addr,
                    });
                }
                Err(error) => errors.push(listen_error(*addr, error.to_string())),
            }
        }
        let lane = Self(Arc::new(Inner {
            v4,
            v6,
            keypair: keypair.clone(),
            transport,
            limits: limits.clone(),
            counters,
            turns,
            unread,
            handshakes: Arc::new(Semaphore::new(LANE_HANDSHAKES_MAX)),
            events,
            known: Mutex::default(),
        }));
        Ok((lane, errors))
    }

    /// Begins to accept.
    pub(crate) fn open(&self) {
        for endpoint in self.endpoints() {
            tokio::spawn(self.clone().accept(endpoint.clone()));
        }
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.v4.iter().chain(&self.0.v6)
    }

    /// The ports bound.
    pub(crate) fn ports(&self) -> LanePorts {
        let port = |endpoint: &Option<Endpoint>| Some(endpoint.as_ref()?.local_addr().ok()?.port());
        LanePorts {
            v4: port(&self.0.v4),
            v6: port(&self.0.v6),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Device, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// libp2p is connected with this device: it may have a lane.
    pub(crate) fn admit(&self, device: Device) {
        self.known().entry(device).or_default();
    }

    /// The device, authenticated by libp2p, told where its lane is.
    pub(crate) fn learn(&self, device: Device, mut addresses: Vec<SocketAddr>) {
        addresses.truncate(ADDRESSES_MAX);
        if let Some(known) = self
            .known()
            .get_mut(&device)
            .filter(|known| known.addresses != addresses)
        {
            // The device moved or restarted: connections with where it was lead nowhere now.
            for old in &known.connections {
                if !addresses.contains(&old.remote_address()) {
                    old.close(CLOSE_BYE, b"moved");
                }
            }
            known.resting_until = None;
            known.addresses = addresses;
        }
    }

    /// libp2p's last connection with this device is gone.
    pub(crate) fn dismiss(&self, device: &Device) {
        if let Some(known) = self.known().remove(device) {
            known
                .connections
                .iter()
                .for_each(|connection| connection.close(CLOSE_BYE, b"disconnected"));
        }
    }

    /// Where the device's lane is said to be, and whether a connection is open.
    pub(crate) fn describe(&self, device: &Device) -> (Option<SocketAddr>, bool) {
        let known = self.known();
        let Some(known) = known.get(device) else {
            return (None, false);
        };
        (known.addresses.first().copied(), known.live().is_some())
    }

    /// Bytes sent and received on all open lanes, as quinn counts datagrams.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        let known = self.known();
        let all = known
            .values()
            .flat_map(|known| &known.connections)
            .map(Connection::stats);
        all.fold((0, 0), |sum, stats| {
            (sum.0 + stats.udp_tx.bytes, sum.1 + stats.udp_rx.bytes)
        })
    }

    /// Says goodbye on all lanes and waits, not long, until it is on its way.
    pub(crate) async fn stop(&self, wait: Duration) {
        self.endpoints()
            .for_each(|endpoint| endpoint.close(CLOSE_BYE, b"shutdown"));
        for endpoint in self.endpoints() {
            // A peer that does not hear the goodbye must not keep us.
            drop(timeout(wait, endpoint.wait_idle()).await);
        }
    }

    async fn accept(self, endpoint: Endpoint) {
        while let Some(incoming) = endpoint.accept().await {
            let Ok(turn) = self.0.handshakes.clone().try_acquire_owned() else {
                count(&self.0.counters.lane_refused);
                incoming.refuse();
                continue;
            };
            let lane = self.clone();
            tokio::spawn(async move {
                let connection = lane.shake_hands(incoming).await;
                drop(turn);
                if let Some((device, connection)) = connection {
                    lane.serve(device, connection).await;
                }
            });
        }
    }

    /// Lets a connection in if libp2p knows the device behind it.
    async fn shake_hands(&self, incoming: Incoming) -> Option<(Device, Connection)> {
        let wait = Duration::from_millis(LANE_DIAL_MS);
        let connection = match timeout(wait, async { incoming.await }).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(_)) | Err(_) => {
                count(&self.0.counters.lane_refused);
                return None;
            }
        };
        let device = device_behind(&connection);
        match device.filter(|device| self.adopt(*device, &connection)) {
            Some(device) => Some((device, connection)),
            None => {
                count(&self.0.counters.lane_refused);
                connection.close(CLOSE_STRANGER, b"not connected by libp2p");
                None
            }
        }
    }

    /// Keeps the connection, and lets the oldest go if there are too many: it belongs to a process that
    /// was restarted. False if libp2p is not connected with the device.
    fn adopt(&self, device: Device, connection: &Connection) -> bool {
        let mut known = self.known();
        let Some(known) = known.get_mut(&device) else {
            return false;
        };
        known.connections.retain(|kept| kept.close_reason().is_none());
        if known.connections.len() >= LANES_PER_DEVICE_MAX {
            known
                .connections
                .remove(0)
                .close(CLOSE_SURPLUS, b"too many lanes");
        }
        known.connections.push(connection.clone());
        true
    }

    /// An open lane to the device, dialled if there is none. None if there can be none now.
    async fn connection(&self, device: Device) -> Option<Connection> {
        let dialling = {
            let known = self.known();
            let known = known.get(&device)?;
            if let Some(connection) = known.live() {
                return Some(connection);
            }
            if !known.worth_dialling() {
                return None;
            }
            known.dialling.clone()
        };
        let _turn = dialling.lock().await;
        self.dial(device).await
    }

    async fn dial(&self, device: Device) -> Option<Connection> {
        let (addresses, config) = {
            let mut known = self.known();
            let known = known.get_mut(&device)?;
            if let Some(connection) = known.live() {
                return Some(connection);
            }
            if !known.worth_dialling() {
                return None;
            }
            if known.config.is_none() {
                known.config = client_config(&self.0.keypair, &device, self.0.transport.clone());
            }
            (known.addresses.clone(), known.config.clone()?)
        };
        for addr in addresses {
            if let Some(connection) = self.dial_at(device, addr, config.clone()).await {
                return Some(connection);
            }
        }
        if let Some(known) = self.known().get_mut(&device) {
            known.resting_until = Some(Instant::now() + Duration::from_millis(LANE_RETRY_MS));
        }
        None
    }

    async fn dial_at(
        &self,
        device: Device,
        addr: SocketAddr,
        config: quinn::ClientConfig,
    ) -> Option<Connection> {
        let endpoint = if addr.is_ipv4() { &self.0.v4 } else { &self.0.v6 }.as_ref()?;
        count(&self.0.counters.lane_dials);
        let dialled = match endpoint.connect_with(config, addr, SERVER_NAME) {
            Ok(connecting) => timeout(Duration::from_millis(LANE_DIAL_MS), connecting).await,
            Err(error) => {
                tracing::debug!(%addr, %error, "lane cannot be dialled");
                count(&self.0.counters.lane_dials_failed);
                return None;
            }
        };
        let connection = match dialled {
            Ok(Ok(connection)) => connection,
            failed => {
                count(&self.0.counters.lane_dials_failed);
                if matches!(&failed, Ok(Err(error)) if is_wrong_peer(error)) {
                    count(&self.0.counters.lane_wrong_peer);
                }
                tracing::debug!(%addr, ?failed, "no lane");
                return None;
            }
        };
        // The handshake has checked it; this holds even if a TLS library forgets to.
        if device_behind(&connection) != Some(device) || !self.adopt(device, &connection) {
            connection.close(CLOSE_STRANGER, b"not who was dialled");
            return None;
        }
        let lane = self.clone();
        let served = connection.clone();
        tokio::spawn(async move { lane.serve(device, served).await });
        Some(connection)
    }

    /// Answers what the device asks on this connection, until it closes.
    async fn serve(self, device: Device, connection: Connection) {
        // quinn holds a connection to its number of streams, read or not.
        while let Ok((send, recv)) = connection.accept_bi().await {
            tokio::spawn(self.clone().answer(device, send, recv));
        }
        if let Some(known) = self.known().get_mut(&device) {
            known
                .connections
                .retain(|kept| kept.stable_id() != connection.stable_id());
        }
    }

    /// A request takes its turn when it is here: whoever sends slowly keeps nobody else waiting.
    async fn answer(self, device: Device, send: SendStream, mut recv: RecvStream) {
        let Inner { limits, counters, .. } = &*self.0;
        let reading = timeout(Protocol::Sync.deadline(limits), read_request(&mut recv, limits)).await;
        let answer = match reading {
            Ok(Ok((protocol, data))) => {
                count(&counters.requests_lane_in);
                add(&counters.request_bytes_in, data.len());
                match self.0.turns.take(device) {
                    Some(turn) => self.ask_driver(device, protocol, data, turn).await,
                    None => {
                        count(&counters.requests_busy);
                        Answer::bare(Outcome::Busy)
                    }
                }
            }
            Ok(Err(outcome)) => {
                count(match outcome {
                    Outcome::TooLarge => &counters.frames_too_large,
                    _ => &counters.frames_malformed,
                });
                Answer::bare(outcome)
            }
            Err(_) => {
                count(&counters.requests_slow);
                return;
            }
        };
        let (answer, _held) = match self.0.unread.hold(device, answer.body.len()) {
            Some(held) => (answer, Some(held)),
            None => {
                count(&counters.requests_busy);
                (Answer::bare(Outcome::Busy), None)
            }
        };
        add(&counters.request_bytes_out, answer.body.len());
        let writing = timeout(Protocol::Sync.deadline(limits), write_answer(send, answer)).await;
        if writing.is_err() {
            count(&counters.requests_slow);
        }
    }

    async fn ask_driver(&self, from: Device, protocol: Protocol, data: Vec<u8>, turn: Turn) -> Answer {
        let Inner {
            limits,
            counters,
            events,
            ..
        } = &*self.0;
        let (reply, waiting) = Reply::new(protocol, limits, counters.clone(), turn);
        let ask = async {
            events
                .send(Event::Request {
                    from,
                    protocol,
                    data,
                    reply,
                })
                .await
                .ok()?;
            waiting.await.ok()
        };
        match timeout(protocol.deadline(limits), ask).await {
            Ok(Some(body)) => Answer::of(body),
            Ok(None) | Err(_) => {
                count(&counters.requests_refused);
                Answer::bare(Outcome::Refused)
            }
        }
    }

    async fn ask(
        &self,
        connection: &Connection,
        protocol: Protocol,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let Ok((mut send, mut recv)) = connection.open_bi().await else {
            return Err(Failure::NotSent(data));
        };
        count(&self.0.counters.requests_lane_out);
        add(&self.0.counters.request_bytes_out, data.len());
        match write_frame(&mut send, protocol.tag(), &data).await {
            // The other side stopped reading: its answer says why.
            Ok(()) | Err(WriteError::Stopped(_)) => {}
            Err(error) => return Err(lost(error)),
        }
        let answer = read_answer(&mut recv, protocol, protocol.bytes_max(&self.0.limits)).await?;
        add(&self.0.counters.request_bytes_in, answer.body.len());
        settle(answer, protocol, data.len()).map_err(Failure::Final)
    }
}

impl Carrier for Lane {
    async fn exchange(&self, device: Device, protocol: Protocol, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let Some(connection) = self.connection(device).await else {
            return Err(Failure::NotSent(data));
        };
        let deadline = protocol.deadline(&self.0.limits);
        match timeout(deadline, self.ask(&connection, protocol, data)).await {
            Ok(answer) => answer,
            Err(_) => {
                let deadline_ms = protocol.deadline_ms(&self.0.limits);
                Err(Failure::Final(RequestError::TimedOut {
                    protocol,
                    deadline_ms,
                }))
            }
        }
    }
}

impl Known {
    fn live(&self) -> Option<Connection> {
        self.connections
            .iter()
            .rev()
            .find(|connection| connection.close_reason().is_none())
            .cloned()
    }

    fn worth_dialling(&self) -> bool {
        !self.addresses.is_empty() && self.resting_until.is_none_or(|until| until <= Instant::now())
    }
}

fn lost(error: impl ToString) -> Failure {
    Failure::Final(RequestError::Lost {
        reason: error.to_string(),
    })
}

async fn write_frame(send: &mut SendStream, first: u8, body: &[u8]) -> Result<(), WriteError> {
    let head = header(first, body.len());
    if body.len() <= ONE_PIECE_BYTES {
        send.write_all(&[&head[..], body].concat()).await?;
    } else {
        send.write_all(&head).await?;
        send.write_all(body).await?;
    }
    // Fails only on a stream that the other side stopped, which its answer explains.
    send.finish().ok();
    Ok(())
}

async fn write_answer(mut send: SendStream, answer: Answer) {
    // An asker that is gone needs no answer.
    write_frame(&mut send, answer.outcome as u8, &answer.body)
        .await
        .ok();
}

async fn read_request(recv: &mut RecvStream, limits: &Limits) -> Result<(Protocol, Vec<u8>), Outcome> {
    let mut head = [0; HEADER_BYTES];
    recv.read_exact(&mut head).await.map_err(|_| Outcome::Malformed)?;
    let (tag, length) = parse_header(head);
    let protocol = Protocol::parse(tag).ok_or(Outcome::Malformed)?;
    if length > protocol.bytes_max(limits) {
        return Err(Outcome::TooLarge);
    }
    let body = recv.read_to_end(length).await.map_err(|_| Outcome::Malformed)?;
    if body.len() == length {
        Ok((protocol, body))
    } else {
        Err(Outcome::Malformed)
    }
}

async fn read_answer(recv: &mut RecvStream, protocol: Protocol, limit: usize) -> Result<Answer, Failure> {
    let malformed = |reason: &str| {
        Failure::Final(RequestError::Malformed {
            reason: reason.into(),
        })
    };
    let mut head = [0; HEADER_BYTES];
    recv.read_exact(&mut head).await.map_err(|error| match error {
        ReadExactError::FinishedEarly(_) => malformed("shorter than its header"),
        ReadExactError::ReadError(error) => lost(error),
    })?;
    let (status, length) = parse_header(head);
    let outcome = Outcome::parse(status).ok_or_else(|| malformed("unknown status"))?;
    if length > limit {
        return Err(Failure::Final(RequestError::AnswerTooLarge {
            protocol,
            actual: length,
            limit,
        }));
    }
    let body = recv.read_to_end(length).await.map_err(|error| match error {
        ReadToEndError::TooLong => malformed("longer than announced"),
        ReadToEndError::Read(error) => lost(error),
    })?;
    if body.len() == length {
        Ok(Answer { outcome, body })
    } else {
        Err(malformed("shorter than announced"))
    }
}

fn listen_error(addr: SocketAddr, reason: String) -> ListenError {
    ListenError::Other {
        transport: "lane",
        addr,
        reason,
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
