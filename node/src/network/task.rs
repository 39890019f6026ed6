//! The one task that owns the swarm: commands and requests in, events out, decisions elsewhere.
//!
//! It never waits for the driver, or the two could wait for each other: what the driver does not take
//! stays in a backlog, and beyond its limit gossip is ignored and requests are told "busy". News about
//! connections is never dropped; its number is bounded by the handshakes that cause it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, PeerId,
    core::ConnectedPoint,
    gossipsub::{self, IdentTopic, MessageId},
    identify, kad, mdns, ping,
    request_response::{self, OutboundFailure, OutboundRequestId, ResponseChannel},
    swarm::{
        ConnectionDenied, ConnectionId, DialError as Libp2pError, ListenError as Libp2pListenError, Swarm,
        SwarmEvent,
    },
};
use tokio::sync::{mpsc, oneshot};

use super::{
    address::{is_worth_keeping, transport_of},
    behaviour::{Node, NodeEvent},
    carrier::{Failure, Reply, Turns, settle},
    config::released,
    counters::{Counters, add, count},
    device::{Device, device_of, device_text, peer_of},
    error::{DialError, ProvideError, PublishError, RequestError, SubscribeError},
    event::{Direction, Event},
    frame::{Answer, Outcome},
    gate::{Crowded, ip_of},
    gossip::{GossipId, Verdict, is_topic, topic_score},
    lane::{Lane, LanePorts},
    limits::{
        ADDRESSES_PER_PEER_MAX, AGENT_BYTES_MAX, EVENTS_MAX, GOSSIP_BYTES_MAX, LOOKUP_MS, Limits,
        PROVIDED_KEYS_MAX, SHUTDOWN_MS, TOPIC_BYTES_MAX, TOPICS_MAX,
    },
    protocol::Protocol,
    search::{Away, Searches, Waiting, limit_of},
    status::{ConnectionStatus, PeerStatus, Status, TopicStatus},
    stream::{Answered, Ask, Asked},
};

/// Pings without an answer after which a connection is given up.
const PINGS_MISSED_MAX: u32 = 2;
/// How often configured peers are looked after.
const TICK: Duration = Duration::from_secs(1);

/// What the driver may ask of the swarm.
pub(crate) enum Command {
    Dial {
        peer: PeerId,
        addr: Multiaddr,
        waiting: Waiting,
    },
    Connect {
        peer: PeerId,
        waiting: Waiting,
    },
    Disconnect {
        peer: PeerId,
    },
    Subscribe {
        topic: String,
        done: oneshot::Sender<Result<(), SubscribeError>>,
    },
    Unsubscribe {
        topic: String,
    },
    Publish {
        topic: String,
        data: Vec<u8>,
        done: oneshot::Sender<Result<(), PublishError>>,
    },
    Verdict {
        id: GossipId,
        verdict: Verdict,
    },
    Provide {
        key: [u8; 32],
        done: oneshot::Sender<Result<(), ProvideError>>,
    },
    Unprovide {
        key: [u8; 32],
    },
    Providers {
        key: [u8; 32],
        done: oneshot::Sender<Result<Vec<Device>, ProvideError>>,
    },
    Status {
        done: oneshot::Sender<Status>,
    },
    Shutdown {
        done: oneshot::Sender<()>,
    },
}

/// One open connection.
struct Link {
    addr: Multiaddr,
    direction: Direction,
    pings_missed: u32,
}

/// One connected peer.
#[derive(Default)]
struct Peer {
    links: BTreeMap<ConnectionId, Link>,
    rtt: Option<Duration>,
    agent: Option<String>,
    claimed: BTreeSet<Multiaddr>,
}

/// One of our requests on a stream.
struct Asking {
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    sent: usize,
}

/// An answer of the driver on its way to its stream.
type Replying = (Protocol, ResponseChannel<Answered>, Option<Vec<u8>>);

/// What the task shares with the handle.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) device: Device,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) lane: Option<Lane>,
    pub(crate) told_ports: LanePorts,
    pub(crate) turns: Turns,
}

/// The ends of the channels that the task reads and writes.
pub(crate) struct Channels {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) events: mpsc::Sender<Event>,
}

/// The task.
pub(crate) struct Task {
    swarm: Swarm<Node>,
    shared: Shared,
    backlog: VecDeque<Event>,
    peers: BTreeMap<PeerId, Peer>,
    searches: Searches,
    providing: HashMap<kad::QueryId, oneshot::Sender<Result<(), ProvideError>>>,
    finding: HashMap<
        kad::QueryId,
        (
            BTreeSet<Device>,
            oneshot::Sender<Result<Vec<Device>, ProvideError>>,
        ),
    >,
    asking: HashMap<(Protocol, OutboundRequestId), Asking>,
    replying: FuturesUnordered<BoxFuture<'static, Replying>>,
    topics: BTreeSet<String>,
}

impl Task {
    pub(crate) fn new(swarm: Swarm<Node>, shared: Shared, news: Vec<Event>) -> Self {
        Self {
            swarm,
            shared,
            backlog: news.into(),
            peers: BTreeMap::new(),
            searches: Searches::default(),
            providing: HashMap::new(),
            finding: HashMap::new(),
            asking: HashMap::new(),
            replying: FuturesUnordered::new(),
            topics: BTreeSet::new(),
        }
    }

    /// Keeps this peer dialled.
    pub(crate) fn want(&mut self, peer: PeerId, addr: Multiaddr) {
        self.searches.want(peer, addr);
    }

    /// Runs until it is told to stop or nobody holds the network any more.
    pub(crate) async fn run(mut self, channels: Channels) {
        let Channels {
            mut commands,
            mut asks,
            events,
        } = channels;
        let mut tick = tokio::time::interval(TICK);
        let done = loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                command = commands.recv() => match command {
                    Some(Command::Shutdown { done }) => break Some(done),
                    Some(command) => self.on_command(command),
                    None => break None,
                },
                Some(ask) = asks.recv() => self.on_ask(ask),
                Some(reply) = self.replying.next(), if !self.replying.is_empty() => self.on_reply(reply),
                permit = events.reserve(), if !self.backlog.is_empty() => match permit {
                    Ok(permit) => if let Some(event) = self.backlog.pop_front() { permit.send(event) },
                    // Nobody listens. What is dropped here is refused by being dropped.
                    Err(_) => self.backlog.clear(),
                },
                _ = tick.tick() => {
                    let away = self.searches.redial(&mut self.swarm, &self.shared.counters);
                    away.into_iter().for_each(|away| self.tell_away(away));
                }
            }
        };
        self.stop().await;
        if let Some(done) = done {
            done.send(()).ok();
        }
    }

    /// Says goodbye to all, and waits a moment for it to be heard.
    async fn stop(mut self) {
        let wait = Duration::from_millis(SHUTDOWN_MS);
        if let Some(lane) = &self.shared.lane {
            lane.stop(wait).await;
        }
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            self.swarm.disconnect_peer_id(peer).ok();
        }
        let goodbyes = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        // Who does not hear the goodbye will notice the silence.
        tokio::time::timeout(wait, goodbyes).await.ok();
        let listening = self.swarm.listeners().cloned().collect();
        drop(self.swarm);
        tokio::time::timeout(wait, released(listening)).await.ok();
    }

    fn tell(&mut self, event: Event) {
        self.backlog.push_back(event);
    }

    fn tell_away(&mut self, away: Away) {
        self.tell(Event::PeerAway {
            addr: away.addr,
            error: away.error,
        });
    }

    fn on_command(&mut self, command: Command) {
        let counters = self.shared.counters.clone();
        match command {
            Command::Dial { peer, addr, waiting } => {
                self.searches
                    .dial_at(&mut self.swarm, &counters, peer, addr, waiting);
            }
            Command::Connect { peer, waiting } => {
                self.searches.connect(&mut self.swarm, &counters, peer, waiting);
            }
            Command::Disconnect { peer } => drop(self.swarm.disconnect_peer_id(peer)),
            Command::Subscribe { topic, done } => drop(done.send(self.subscribe(topic))),
            Command::Unsubscribe { topic } => {
                self.swarm
                    .behaviour_mut()
                    .gossip
                    .unsubscribe(&IdentTopic::new(&topic));
                self.topics.remove(&topic);
            }
            Command::Publish { topic, data, done } => drop(done.send(self.publish(&topic, data))),
            Command::Verdict { id, verdict } => self.judge(id, verdict),
            Command::Provide { key, done } => self.provide(key, done),
            Command::Unprovide { key } => self
                .swarm
                .behaviour_mut()
                .kad
                .stop_providing(&kad::RecordKey::new(&key)),
            Command::Providers { key, done } => {
                let query = self
                    .swarm
                    .behaviour_mut()
                    .kad
                    .get_providers(kad::RecordKey::new(&key));
                self.finding.insert(query, (BTreeSet::new(), done));
            }
            Command::Status { done } => drop(done.send(self.status())),
            // Answered by the loop, which ends with it.
            Command::Shutdown { done } => drop(done),
        }
    }

    fn subscribe(&mut self, topic: String) -> Result<(), SubscribeError> {
        if !is_topic(&topic) {
            return Err(SubscribeError::Name {
                actual: topic.len(),
                limit: TOPIC_BYTES_MAX,
            });
        }
        if self.topics.contains(&topic) {
            return Ok(());
        }
        if self.topics.len() >= TOPICS_MAX {
            return Err(SubscribeError::TooMany {
                actual: self.topics.len(),
                limit: TOPICS_MAX,
            });
        }
        let (gossip, name) = (&mut self.swarm.behaviour_mut().gossip, IdentTopic::new(&topic));
        // Before joining: what arrives in between would cost an offender nothing. Scoring is on since
        // the start and our filter allows what `is_topic` allows, so neither call can fail.
        gossip.set_topic_params(name.clone(), topic_score()).ok();
        gossip.subscribe(&name).ok();
        self.topics.insert(topic);
        Ok(())
    }

    fn publish(&mut self, topic: &str, data: Vec<u8>) -> Result<(), PublishError> {
        if !is_topic(topic) {
            return Err(PublishError::Name {
                actual: topic.len(),
                limit: TOPIC_BYTES_MAX,
            });
        }
        let size = data.len();
        let too_large = PublishError::TooLarge {
            actual: size,
            limit: GOSSIP_BYTES_MAX,
        };
        if size > GOSSIP_BYTES_MAX {
            count(&self.shared.counters.gossip_too_large);
            return Err(too_large);
        }
        match self
            .swarm
            .behaviour_mut()
            .gossip
            .publish(IdentTopic::new(topic), data)
        {
            Ok(_) => {
                count(&self.shared.counters.gossip_published);
                add(&self.shared.counters.gossip_bytes_published, size);
                Ok(())
            }
            Err(gossipsub::PublishError::Duplicate) => Err(PublishError::Duplicate),
            Err(gossipsub::PublishError::AllQueuesFull(peers)) => Err(PublishError::QueuesFull { peers }),
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => Err(PublishError::NoPeers),
            // Signing is off, and sizes were checked: what is left is size again.
            Err(_) => Err(too_large),
        }
    }

    fn judge(&mut self, id: GossipId, verdict: Verdict) {
        let counters = &self.shared.counters;
        count(match verdict {
            Verdict::Accept => &counters.gossip_accepted,
            Verdict::Ignore => &counters.gossip_ignored,
            Verdict::Reject => &counters.gossip_rejected,
        });
        let Some(from) = peer_of(&id.from) else { return };
        let message = MessageId::from(id.id.to_vec());
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(&message, &from, verdict.acceptance()) {
            count(&self.shared.counters.gossip_verdicts_late);
        }
    }

    fn provide(&mut self, key: [u8; 32], done: oneshot::Sender<Result<(), ProvideError>>) {
        match self
            .swarm
            .behaviour_mut()
            .kad
            .start_providing(kad::RecordKey::new(&key))
        {
            Ok(query) => drop(self.providing.insert(query, done)),
            Err(_) => drop(done.send(Err(ProvideError::TooMany {
                limit: PROVIDED_KEYS_MAX,
            }))),
        }
    }

    fn on_ask(&mut self, ask: Ask) {
        let Ask {
            device,
            protocol,
            data,
            answer,
        } = ask;
        let Some(peer) = peer_of(&device).filter(|peer| self.swarm.is_connected(peer)) else {
            answer.send(Err(Failure::NotSent(data))).ok();
            return;
        };
        let sent = data.len();
        count(&self.shared.counters.requests_stream_out);
        add(&self.shared.counters.request_bytes_out, sent);
        let id = self
            .swarm
            .behaviour_mut()
            .streams(protocol)
            .send_request(&peer, Asked::Data(data));
        self.asking.insert((protocol, id), Asking { answer, sent });
    }

    fn on_reply(&mut self, (protocol, channel, body): Replying) {
        let answer = match body {
            Some(body) => Answer::of(body),
            None => {
                count(&self.shared.counters.requests_refused);
                Answer::bare(Outcome::Refused)
            }
        };
        self.respond(protocol, channel, answer);
    }

    fn respond(&mut self, protocol: Protocol, channel: ResponseChannel<Answered>, answer: Answer) {
        add(&self.shared.counters.request_bytes_out, answer.body.len());
        // Fails if the asker is gone or the deadline passed; then there is nobody to tell.
        self.swarm
            .behaviour_mut()
            .streams(protocol)
            .send_response(channel, Answered::Answer(answer))
            .ok();
    }

    fn on_swarm(&mut self, event: SwarmEvent<NodeEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                self.on_closed(peer_id, connection_id, num_established);
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id, error, ..
            } => {
                count(&self.shared.counters.dials_failed);
                if let Libp2pError::Denied { cause } = &error {
                    self.count_denied(cause);
                }
                let away = self.searches.failed(&mut self.swarm, &connection_id, &error);
                away.into_iter().for_each(|away| self.tell_away(away));
            }
            SwarmEvent::IncomingConnectionError { error, .. } => match error {
                Libp2pListenError::Denied { cause } => self.count_denied(&cause),
                _ => count(&self.shared.counters.inbound_failed),
            },
            SwarmEvent::NewListenAddr { address, .. } => {
                let addr = self.full(&address);
                self.tell(Event::Listening { addr });
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "listener"),
            SwarmEvent::ListenerClosed {
                addresses, reason, ..
            } => {
                tracing::warn!(?addresses, ?reason, "a listener closed");
            }
            _ => {}
        }
    }

    fn count_denied(&self, cause: &ConnectionDenied) {
        tracing::debug!(reason = limit_of(cause), "connection refused");
        count(match cause.downcast_ref::<Crowded>() {
            Some(_) => &self.shared.counters.connections_refused_address,
            None => &self.shared.counters.connections_refused_number,
        });
    }

    fn on_connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        count(&self.shared.counters.connections_opened);
        let Some(device) = device_of(&peer) else {
            count(&self.shared.counters.connections_refused_key);
            self.swarm.disconnect_peer_id(peer).ok();
            return;
        };
        let direction = if endpoint.is_dialer() {
            Direction::Outbound
        } else {
            Direction::Inbound
        };
        let addr = endpoint.get_remote_address().clone();
        let known = self.peers.entry(peer).or_default();
        let first = known.links.is_empty();
        known.links.insert(
            connection,
            Link {
                addr: addr.clone(),
                direction,
                pings_missed: 0,
            },
        );
        if first {
            if let Some(lane) = &self.shared.lane {
                lane.admit(device);
            }
            self.tell(Event::Connected {
                device,
                addr: addr.to_string(),
                direction,
            });
        }
        self.searches.connected(&peer, &connection);
    }

    fn on_closed(&mut self, peer: PeerId, connection: ConnectionId, left: u32) {
        count(&self.shared.counters.connections_closed);
        if left > 0 {
            if let Some(known) = self.peers.get_mut(&peer) {
                known.links.remove(&connection);
            }
            return;
        }
        let Some(device) = self.peers.remove(&peer).and_then(|_| device_of(&peer)) else {
            return;
        };
        if let Some(lane) = &self.shared.lane {
            lane.dismiss(&device);
        }
        self.tell(Event::Disconnected { device });
    }

    fn on_behaviour(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => {
                self.on_gossip(propagation_source, &message_id, message);
            }
            NodeEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                self.on_identified(peer_id, connection_id, info);
            }
            NodeEvent::Ping(event) => self.on_ping(event),
            NodeEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, addr) in found.into_iter().filter(|(peer, _)| device_of(peer).is_some()) {
                    self.swarm.behaviour_mut().kad.add_address(&peer, addr.clone());
                    // Fails if it is connected or being dialled, or if there is no room: all the same.
                    self.swarm
                        .dial(
                            libp2p::swarm::dial_opts::DialOpts::peer_id(peer)
                                .addresses(vec![addr])
                                .build(),
                        )
                        .ok();
                }
            }
            NodeEvent::Kad(kad::Event::OutboundQueryProgressed { id, result, step, .. }) => {
                self.on_query(&id, result, step.last);
            }
            NodeEvent::Sync(event) => self.on_stream(Protocol::Sync, event),
            NodeEvent::Order(event) => self.on_stream(Protocol::Order, event),
            NodeEvent::Tab(event) => self.on_stream(Protocol::Tab, event),
            NodeEvent::Gossip(_) | NodeEvent::Identify(_) | NodeEvent::Mdns(_) | NodeEvent::Kad(_) => {}
            NodeEvent::Limits(never) | NodeEvent::Gate(never) => match never {},
        }
    }

    fn on_gossip(&mut self, from: PeerId, id: &MessageId, message: gossipsub::Message) {
        count(&self.shared.counters.gossip_distinct);
        let (Some(device), Ok(bytes)) = (device_of(&from), <[u8; 32]>::try_from(id.0.as_slice())) else {
            return;
        };
        let id = GossipId {
            id: bytes,
            from: device,
        };
        if self.backlog.len() >= EVENTS_MAX {
            count(&self.shared.counters.gossip_overflow);
            return self.judge(id, Verdict::Ignore);
        }
        let topic = message.topic.into_string();
        self.tell(Event::Gossip {
            id,
            from: device,
            topic,
            data: message.data,
        });
    }

    fn on_identified(&mut self, peer: PeerId, connection: ConnectionId, info: identify::Info) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let seen = known.links.get(&connection).and_then(|link| ip_of(&link.addr));
        let agent: String = info.agent_version.chars().take(AGENT_BYTES_MAX).collect();
        if let (Some(lane), Some(device), Some(ip)) = (&self.shared.lane, device_of(&peer), seen) {
            lane.learn(device, LanePorts::parse(&agent).at(ip).into_iter().collect());
        }
        known.agent = Some(agent);
        let claimed: BTreeSet<_> = info
            .listen_addrs
            .into_iter()
            .filter(|addr| is_worth_keeping(addr, seen))
            .take(ADDRESSES_PER_PEER_MAX)
            .collect();
        let kad = &mut self.swarm.behaviour_mut().kad;
        for addr in &claimed {
            kad.add_address(&peer, addr.clone());
        }
        // What it no longer claims is forgotten, or a peer could fill the table with inventions.
        for addr in known.claimed.difference(&claimed) {
            kad.remove_address(&peer, addr);
        }
        known.claimed = claimed;
    }

    fn on_ping(&mut self, event: ping::Event) {
        let Some(known) = self.peers.get_mut(&event.peer) else {
            return;
        };
        match event.result {
            Ok(rtt) => {
                known.rtt = Some(rtt);
                known
                    .links
                    .get_mut(&event.connection)
                    .into_iter()
                    .for_each(|link| link.pings_missed = 0);
            }
            Err(_) => {
                let Some(link) = known.links.get_mut(&event.connection) else {
                    return;
                };
                link.pings_missed += 1;
                if link.pings_missed >= PINGS_MISSED_MAX {
                    self.swarm.close_connection(event.connection);
                }
            }
        }
    }

    fn on_query(&mut self, id: &kad::QueryId, result: kad::QueryResult, last: bool) {
        let timed_out = ProvideError::TimedOut {
            deadline_ms: LOOKUP_MS,
        };
        match result {
            kad::QueryResult::GetClosestPeers(found) if last => {
                let peers = match found {
                    Ok(found) => found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                self.searches
                    .looked_up(&mut self.swarm, &self.shared.counters, id, peers);
            }
            kad::QueryResult::StartProviding(provided) => {
                if let Some(done) = self.providing.remove(id) {
                    done.send(provided.map(drop).map_err(|_| timed_out)).ok();
                }
            }
            kad::QueryResult::GetProviders(found) => {
                let Some((devices, _)) = self.finding.get_mut(id) else {
                    return;
                };
                if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = &found {
                    devices.extend(providers.iter().filter_map(device_of));
                }
                if let Some((devices, done)) = last.then(|| self.finding.remove(id)).flatten() {
                    let nothing = found.is_err() && devices.is_empty();
                    let devices = devices.into_iter().collect();
                    done.send(if nothing { Err(timed_out) } else { Ok(devices) }).ok();
                }
            }
            _ => {}
        }
    }

    fn on_stream(&mut self, protocol: Protocol, event: request_response::Event<Asked, Answered>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request { request, channel, .. } => {
                    self.on_asked(peer, protocol, request, channel);
                }
                request_response::Message::Response { request_id, response } => {
                    let Some(asking) = self.asking.remove(&(protocol, request_id)) else {
                        return;
                    };
                    let answer = self.read_answer(protocol, response, asking.sent);
                    asking.answer.send(answer.map_err(Failure::Final)).ok();
                }
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                let Some(asking) = self.asking.remove(&(protocol, request_id)) else {
                    return;
                };
                asking
                    .answer
                    .send(Err(Failure::Final(self.explain(protocol, &error))))
                    .ok();
            }
            request_response::Event::InboundFailure { error, .. } => {
                if matches!(error, request_response::InboundFailure::Io(_)) {
                    count(&self.shared.counters.frames_malformed);
                }
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn read_answer(
        &self,
        protocol: Protocol,
        response: Answered,
        sent: usize,
    ) -> Result<Vec<u8>, RequestError> {
        match response {
            Answered::Answer(answer) => {
                add(&self.shared.counters.request_bytes_in, answer.body.len());
                settle(answer, protocol, sent)
            }
            Answered::TooLarge(actual) => {
                let limit = protocol.bytes_max(&self.shared.limits);
                Err(RequestError::AnswerTooLarge {
                    protocol,
                    actual,
                    limit,
                })
            }
            Answered::Malformed(status) => Err(RequestError::Malformed {
                reason: format!("unknown status {status}"),
            }),
        }
    }

    fn explain(&self, protocol: Protocol, error: &OutboundFailure) -> RequestError {
        match error {
            OutboundFailure::Timeout => {
                let deadline_ms = protocol.deadline_ms(&self.shared.limits);
                RequestError::TimedOut {
                    protocol,
                    deadline_ms,
                }
            }
            OutboundFailure::UnsupportedProtocols => RequestError::Unsupported { protocol },
            OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed | OutboundFailure::Io(_) => {
                RequestError::Lost {
                    reason: error.to_string(),
                }
            }
        }
    }

    fn on_asked(
        &mut self,
        peer: PeerId,
        protocol: Protocol,
        asked: Asked,
        channel: ResponseChannel<Answered>,
    ) {
        let Some(from) = device_of(&peer) else { return };
        let Asked::Data(data) = asked else {
            count(&self.shared.counters.frames_too_large);
            return self.respond(protocol, channel, Answer::bare(Outcome::TooLarge));
        };
        count(&self.shared.counters.requests_stream_in);
        add(&self.shared.counters.request_bytes_in, data.len());
        let room = self.backlog.len() < EVENTS_MAX;
        let Some(turn) = room.then(|| self.shared.turns.take(from)).flatten() else {
            count(&self.shared.counters.requests_busy);
            return self.respond(protocol, channel, Answer::bare(Outcome::Busy));
        };
        let (reply, waiting) = Reply::new(protocol, &self.shared.limits, self.shared.counters.clone(), turn);
        self.replying
            .push(async move { (protocol, channel, waiting.await.ok()) }.boxed());
        self.tell(Event::Request {
            from,
            protocol,
            data,
            reply,
        });
    }

    fn full(&self, addr: &Multiaddr) -> String {
        let id = *self.swarm.local_peer_id();
        addr.clone().with_p2p(id).unwrap_or_else(|addr| addr).to_string()
    }

    fn status(&mut self) -> Status {
        let lane_bytes = self.shared.lane.as_ref().map(Lane::traffic).unwrap_or_default();
        let routing_table = self
            .swarm
            .behaviour_mut()
            .kad
            .kbuckets()
            .map(|bucket| bucket.num_entries())
            .sum();
        Status {
            device: self.shared.device,
            id: self.swarm.local_peer_id().to_base58(),
            listening: self.swarm.listeners().map(|addr| self.full(addr)).collect(),
            external: self
                .swarm
                .external_addresses()
                .map(|addr| self.full(addr))
                .collect(),
            lane: self.shared.told_ports,
            mdns: self.swarm.behaviour().mdns.is_enabled(),
            peers: self
                .peers
                .iter()
                .filter_map(|(id, peer)| self.peer_status(id, peer))
                .collect(),
            topics: self.topics.iter().map(|topic| self.topic_status(topic)).collect(),
            routing_table,
            lane_bytes_out: lane_bytes.0,
            lane_bytes_in: lane_bytes.1,
            counts: self.shared.counters.read(),
        }
    }

    fn peer_status(&self, id: &PeerId, peer: &Peer) -> Option<PeerStatus> {
        let device = device_of(id)?;
        let lane = self.shared.lane.as_ref();
        let (lane, lane_open) = lane.map(|lane| lane.describe(&device)).unwrap_or_default();
        let link = |link: &Link| ConnectionStatus {
            addr: link.addr.to_string(),
            direction: link.direction,
            transport: transport_of(&link.addr).unwrap_or("other"),
        };
        Some(PeerStatus {
            device,
            id: device_text(&device),
            agent: peer.agent.clone(),
            connections: peer.links.values().map(link).collect(),
            rtt_us: peer.rtt.and_then(|rtt| u64::try_from(rtt.as_micros()).ok()),
            score: self.swarm.behaviour().gossip.peer_score(id).unwrap_or(0.0),
            lane: lane.map(|addr| addr.to_string()),
            lane_open,
        })
    }

    fn topic_status(&self, topic: &str) -> TopicStatus {
        let (gossip, hash) = (&self.swarm.behaviour().gossip, IdentTopic::new(topic).hash());
        let peers = gossip
            .all_peers()
            .filter(|(_, topics)| topics.contains(&&hash))
            .count();
        TopicStatus {
            topic: topic.into(),
            mesh: gossip.mesh_peers(&hash).count(),
            peers,
        }
    }
}

/// A dial that never got an answer because the task is gone.
pub(crate) fn stopped<T>(_: T) -> DialError {
    DialError::Stopped
}
