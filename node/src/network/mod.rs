//! The network layer: devices, topics and frames of bytes. It knows nothing of envelopes.
//!
//! [`start`] gives a [`Network`], a handle to ask things of, and a stream of [`Event`]s. One task owns
//! the libp2p swarm; the lane has tasks of its own. Neither waits for whoever reads the events. All that
//! comes out of here is what strangers said, checked for size and for nothing else.
//!
//! What it speaks is written down in `spec/transport.md` and `spec/gossip.md`.
//!
//! | file | what it holds |
//! |---|---|
//! | `limits` | every bound, by name |
//! | `device` | a device and its peer id |
//! | `protocol` | the direct protocols |
//! | `error` | one error for each act |
//! | `counters` | what happened and what was refused |
//! | `frame` | the bytes of a request and its answer |
//! | `gossip` | gossipsub, message ids, scoring |
//! | `carrier` | direct requests, apart from what carries them |
//! | `event` | what the driver is told |
//! | `stream` | the carrier over libp2p streams |
//! | `tls` | sockets and certificates of the lane |
//! | `lane` | the carrier over quinn |
//! | `agent` | what a node says of itself: its lane, and which run of the program it is |
//! | `gate` | connections per address and subnet |
//! | `address` | multiaddrs |
//! | `announced` | what others provide, and who makes room |
//! | `behaviour` | the behaviours of libp2p and the swarm |
//! | `delayed` | a network in memory, with delays, for simulations |
//! | `config` | what it is started with, and listening |
//! | `status` | a picture of it all |
//! | `search` | dials and searches |
//! | `shared` | what the handle and the task both hold |
//! | `direct` | requests over streams, as the swarm sees them |
//! | `peers` | the devices that are connected |
//! | `task` | the one task that owns the swarm |

mod address;
mod agent;
mod announced;
mod behaviour;
mod carrier;
mod config;
mod counters;
mod delayed;
mod device;
mod direct;
mod error;
mod event;
mod frame;
mod gate;
mod gossip;
mod lane;
mod limits;
mod peers;
mod protocol;
mod search;
mod shared;
mod status;
mod stream;
mod task;
mod tls;

use std::{fmt, sync::Arc};

use libp2p::identity::Keypair;
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

use self::{
    address::{parse_own, parse_peer},
    agent::Agent,
    carrier::{Carrier, Failure, Turns, Unread},
    counters::{Counters, count},
    device::peer_of,
    lane::Lane,
    shared::Shared,
    stream::StreamCarrier,
    task::{Channels, Command, Task},
};
pub use self::{
    carrier::Reply,
    config::{Config, ListenOn, Medium, Transport},
    counters::Counts,
    delayed::{Delays, Memory},
    device::{Device, device_text},
    error::{
        DialError, ListenError, NetworkError, ProvideError, PublishError, ReplyError, RequestError,
        SubscribeError,
    },
    event::{Direction, Event},
    gossip::{GossipId, REJECTS_MAX, Verdict, message_id},
    lane::LanePorts,
    limits::*,
    protocol::Protocol,
    status::{ConnectionStatus, PeerStatus, Status, TopicStatus},
};

/// A handle to the running network. Clones are the same network; when the last one is dropped, it stops.
#[derive(Clone)]
pub struct Network {
    commands: mpsc::Sender<Command>,
    streams: StreamCarrier,
    running: watch::Receiver<()>,
    shared: Shared,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", device_text(&self.shared.device))
    }
}

/// Starts the network of the device with this ed25519 secret key. Must be called within a tokio runtime.
///
/// # Errors
/// If no transport binds at all, if a configured address does not parse, or if TLS cannot be set up. What
/// merely does not work here (IPv6, multicast, the lane) is told as an event.
pub fn start(
    config: Config,
    mut device_secret: Zeroizing<[u8; 32]>,
) -> Result<(Network, mpsc::Receiver<Event>), NetworkError> {
    let keypair = Keypair::ed25519_from_bytes(device_secret.as_mut_slice()).map_err(|_| NetworkError::Key)?;
    let device = device::device_of(&keypair.public().to_peer_id()).ok_or(NetworkError::Key)?;
    let wanted = config
        .peers
        .iter()
        .map(|peer| parse_peer(peer))
        .collect::<Result<Vec<_>, _>>();
    let wanted = wanted.map_err(NetworkError::Address)?;
    let external = config
        .external
        .iter()
        .map(|addr| parse_own(addr))
        .collect::<Result<Vec<_>, _>>();
    let external = external.map_err(NetworkError::Address)?;

    let counters = Arc::new(Counters::default());
    let (turns, unread) = (Turns::default(), Unread::default());
    let (events, received) = mpsc::channel(EVENTS_MAX);
    let (lane, mut not_listening) = Lane::bind(
        &config.lane,
        &keypair,
        &config.limits,
        counters.clone(),
        (turns.clone(), unread.clone()),
        events.clone(),
    )?;
    let told_ports = config.lane_external.unwrap_or_else(|| lane.ports());
    let lane = (!config.lane.is_empty()).then_some(lane);

    let (mut swarm, no_mdns) =
        behaviour::swarm(&keypair, &config, Agent::draw(told_ports)?.to_string(), &counters)?;
    not_listening.extend(config::listen(&mut swarm, &config.listen, &config.medium)?);
    lane.iter().for_each(Lane::open);
    external
        .into_iter()
        .for_each(|addr| swarm.add_external_address(addr));
    let mut news: Vec<_> = not_listening
        .into_iter()
        .map(|error| Event::NotListening { error })
        .collect();
    news.extend(no_mdns.map(|reason| Event::NoMdns { reason }));

    let (commands, asked) = mpsc::channel(COMMANDS_MAX);
    let (run, running) = watch::channel(());
    let (asks, requested) = mpsc::channel(COMMANDS_MAX);
    let shared = Shared {
        device,
        limits: config.limits,
        closed: config.closed,
        counters,
        lane,
        told_ports,
        turns,
        unread,
    };
    let channels = Channels {
        commands: asked,
        asks: requested,
        events,
        running: run,
    };
    let mut task = Task::new(swarm, shared.clone(), news);
    wanted
        .into_iter()
        .for_each(|(_, peer, addr)| task.want(peer, addr));
    tokio::spawn(task.run(channels));
    Ok((
        Network {
            commands,
            streams: StreamCarrier { asks },
            running,
            shared,
        },
        received,
    ))
}

impl Network {
    /// This device.
    pub fn device(&self) -> Device {
        self.shared.device
    }

    /// The counters, without asking the swarm.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Sends a command and waits for what comes back; none if the network is gone.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, waiting) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        waiting.await.ok()
    }

    /// Dials a multiaddr that ends in `/p2p/<id>`, and says which device is connected now.
    ///
    /// # Errors
    /// See [`DialError`]: each way to fail has its own.
    pub async fn dial(&self, addr: &str) -> Result<Device, DialError> {
        let (device, peer, addr) = parse_peer(addr)?;
        let dialled = self.ask(|waiting| Command::Dial { peer, addr, waiting }).await;
        dialled.unwrap_or(Err(DialError::Stopped))?;
        Ok(device)
    }

    /// Makes sure that the device is connected: by what is known of it, else through the routing table.
    ///
    /// # Errors
    /// [`DialError::NotFound`] if nobody knows it, and those of a dial.
    pub async fn connect(&self, device: Device) -> Result<(), DialError> {
        let peer = peer_of(&device).ok_or_else(|| DialError::NotADevice {
            id: device_text(&device),
        })?;
        self.ask(|waiting| Command::Connect { peer, waiting })
            .await
            .unwrap_or(Err(DialError::Stopped))
    }

    /// Closes all connections with the device.
    pub async fn disconnect(&self, device: Device) {
        if let Some(peer) = peer_of(&device) {
            // A network that is gone has no connections.
            self.commands.send(Command::Disconnect { peer }).await.ok();
        }
    }

    /// Joins a topic. Joining twice is joining once.
    ///
    /// # Errors
    /// [`SubscribeError::TooMany`] beyond [`TOPICS_MAX`], which peers would not heed.
    pub async fn subscribe(&self, topic: &str) -> Result<(), SubscribeError> {
        let topic = topic.to_owned();
        self.ask(|done| Command::Subscribe { topic, done })
            .await
            .unwrap_or(Err(SubscribeError::Stopped))
    }

    /// Leaves a topic.
    pub async fn unsubscribe(&self, topic: &str) {
        // A network that is gone is in no topic.
        self.commands
            .send(Command::Unsubscribe { topic: topic.into() })
            .await
            .ok();
    }

    /// Publishes to all connected peers in the topic, which this node need not be in.
    ///
    /// # Errors
    /// [`PublishError::NoPeers`] is no fault; the others are.
    pub async fn publish(&self, topic: &str, data: Vec<u8>) -> Result<(), PublishError> {
        let topic = topic.to_owned();
        self.ask(|done| Command::Publish { topic, data, done })
            .await
            .unwrap_or(Err(PublishError::Stopped))
    }

    /// Says what becomes of a message. Exactly one verdict for each [`Event::Gossip`].
    pub async fn verdict(&self, id: GossipId, verdict: Verdict) {
        // A network that is gone passes nothing on.
        self.commands.send(Command::Verdict { id, verdict }).await.ok();
    }

    /// Announces that this device provides the key, and keeps announcing it.
    ///
    /// # Errors
    /// If the table is full, or nobody took the announcement in time; it is repeated all the same.
    pub async fn provide(&self, key: [u8; 32]) -> Result<(), ProvideError> {
        self.ask(|done| Command::Provide { key, done })
            .await
            .unwrap_or(Err(ProvideError::Stopped))
    }

    /// No longer announces the key.
    pub async fn unprovide(&self, key: [u8; 32]) {
        // A network that is gone announces nothing.
        self.commands.send(Command::Unprovide { key }).await.ok();
    }

    /// Devices that provide the key, as far as the nodes nearest to it know; in the order of their keys.
    ///
    /// # Errors
    /// If nobody answered in time.
    pub async fn providers(&self, key: [u8; 32]) -> Result<Vec<Device>, ProvideError> {
        self.ask(|done| Command::Providers { key, done })
            .await
            .unwrap_or(Err(ProvideError::Stopped))
    }

    /// Asks a device and waits for its answer: over the lane if there is one or it can be had, else over
    /// a libp2p stream. Connects first if need be. A request is never sent twice: once it may have been
    /// heard, the error says so and repeating it is the caller's decision.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(
        &self,
        device: Device,
        protocol: Protocol,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let (actual, limit) = (data.len(), protocol.bytes_max(&self.shared.limits));
        if actual > limit {
            count(&self.shared.counters.frames_too_large);
            return Err(RequestError::TooLarge {
                protocol,
                actual,
                limit,
            });
        }
        let answer = self.exchange(device, protocol, data).await;
        match &answer {
            Ok(_) => {}
            Err(RequestError::TimedOut { .. }) => count(&self.shared.counters.requests_timed_out),
            Err(_) => count(&self.shared.counters.requests_failed),
        }
        answer
    }

    async fn exchange(
        &self,
        device: Device,
        protocol: Protocol,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let data = match self.carry(device, protocol, data).await {
            Err(Failure::NotSent(data)) => data,
            Err(Failure::Final(error)) => return Err(error),
            Ok(answer) => return Ok(answer),
        };
        self.connect(device).await?;
        self.carry(device, protocol, data)
            .await
            .map_err(|failure| match failure {
                Failure::NotSent(_) => RequestError::Lost {
                    reason: "disconnected before it was sent".into(),
                },
                Failure::Final(error) => error,
            })
    }

    /// The lane first, then a stream.
    async fn carry(&self, device: Device, protocol: Protocol, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let data = match &self.shared.lane {
            Some(lane) => match lane.exchange(device, protocol, data).await {
                Err(Failure::NotSent(data)) => data,
                settled => return settled,
            },
            None => data,
        };
        self.streams.exchange(device, protocol, data).await
    }

    /// A picture of the network now; none if it is shut down.
    pub async fn status(&self) -> Option<Status> {
        self.ask(|done| Command::Status { done }).await
    }

    /// Says goodbye to all peers and stops. Returns when that is done, within about two seconds; the
    /// sockets may linger a little longer, see [`Network::released`].
    pub async fn shutdown(&self) {
        self.ask(|done| Command::Shutdown { done }).await;
    }

    /// Returns when the network has stopped and its ports can be bound again, or at the latest after
    /// [`RELEASE_MS`]. A process that ends need not wait for it.
    pub async fn released(&self) {
        // Nothing is ever sent; the error says that the task is gone.
        self.running.clone().changed().await.err();
    }
}
