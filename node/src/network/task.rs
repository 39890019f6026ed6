//! The one task that owns the swarm: commands and requests in, events out, decisions elsewhere.
//!
//! It never waits for the driver, or the two could wait for each other: what the driver does not take
//! stays in a backlog, and beyond its limit gossip is ignored and requests are told "busy". News about
//! connections is never dropped; its number is bounded by the handshakes that cause it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId,
    core::ConnectedPoint,
    gossipsub::{self, IdentTopic, MessageId},
    identify, kad, mdns, ping, request_response,
    swarm::{
        ConnectionDenied, ConnectionId, DialError as Libp2pError, ListenError as Libp2pListenError, Swarm,
        SwarmEvent, dial_opts::DialOpts,
    },
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    announced::Announced,
    behaviour::{Node, NodeEvent},
    config::released,
    counters::{add, count},
    device::{Device, device_of, peer_of},
    direct::Direct,
    error::{ProvideError, PublishError, SubscribeError},
    event::Event,
    gate::Crowded,
    gossip::{GossipId, Verdict, is_topic, topic_score},
    lane::Lane,
    limits::{
        EVENTS_MAX, GOSSIP_BYTES_MAX, LOOKUP_MS, PROVIDED_KEYS_MAX, RELEASE_MS, SHUTDOWN_MS, TOPIC_BYTES_MAX,
        TOPICS_MAX,
    },
    peers::Peers,
    protocol::Protocol,
    search::{Away, Searches, Waiting, limit_of},
    shared::Shared,
    status::{Status, TopicStatus},
    stream::{Answered, Ask, Asked},
};

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

/// The ends of the channels that the task reads and writes.
pub(crate) struct Channels {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) events: mpsc::Sender<Event>,
    /// Dropped when all is over, down to the sockets.
    pub(crate) running: watch::Sender<()>,
}

/// A search for providers: who was found so far, and who waits.
struct Finding {
    devices: BTreeSet<Device>,
    done: oneshot::Sender<Result<Vec<Device>, ProvideError>>,
}

/// The task.
pub(crate) struct Task {
    swarm: Swarm<Node>,
    shared: Shared,
    backlog: VecDeque<Event>,
    peers: Peers,
    searches: Searches,
    providing: HashMap<kad::QueryId, oneshot::Sender<Result<(), ProvideError>>>,
    finding: HashMap<kad::QueryId, Finding>,
    announced: Announced,
    direct: Direct,
    topics: BTreeSet<String>,
}

impl Task {
    pub(crate) fn new(swarm: Swarm<Node>, shared: Shared, news: Vec<Event>) -> Self {
        Self {
            swarm,
            direct: Direct::new(shared.clone()),
            shared,
            backlog: news.into(),
            peers: Peers::default(),
            searches: Searches::default(),
            providing: HashMap::new(),
            finding: HashMap::new(),
            announced: Announced::default(),
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
            running,
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
                Some(ask) = asks.recv() => self.direct.ask(&mut self.swarm, ask),
                reply = self.direct.replied(), if self.direct.is_replying() => self.direct.reply(&mut self.swarm, reply),
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
        // From here on whoever asks is told that the network is shut down.
        drop((commands, asks));
        let listening: Vec<_> = self.swarm.listeners().cloned().collect();
        self.stop().await;
        if let Some(done) = done {
            done.send(()).ok();
        }
        tokio::time::timeout(Duration::from_millis(RELEASE_MS), released(listening))
            .await
            .ok();
        drop(running);
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
                let devices = BTreeSet::new();
                self.finding.insert(query, Finding { devices, done });
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
                ..
            } => self.on_closed(peer_id, connection_id),
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
        if let Some((addr, direction)) = self.peers.open(peer, device, connection, endpoint) {
            if let Some(lane) = &self.shared.lane {
                lane.admit(device);
            }
            self.tell(Event::Connected {
                device,
                addr,
                direction,
            });
        }
        self.searches.connected(&peer, &connection);
    }

    fn on_closed(&mut self, peer: PeerId, connection: ConnectionId) {
        count(&self.shared.counters.connections_closed);
        let Some(device) = self.peers.close(&peer, &connection) else {
            return;
        };
        if let Some(lane) = &self.shared.lane {
            lane.dismiss(&device);
        }
        self.tell(Event::Disconnected { device });
        self.searches.closed(&mut self.swarm, &self.shared.counters, peer);
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
            NodeEvent::Ping(ping::Event {
                peer,
                connection,
                result,
            }) => {
                if self.peers.pinged(&peer, &connection, result.ok()) {
                    self.swarm.close_connection(connection);
                }
            }
            NodeEvent::Mdns(mdns::Event::Discovered(found)) => self.on_discovered(found),
            NodeEvent::Kad(kad::Event::OutboundQueryProgressed { id, result, step, .. }) => {
                self.on_query(&id, result, step.last);
            }
            NodeEvent::Kad(kad::Event::InboundRequest { request }) => self.on_record(request),
            NodeEvent::Sync(event) => self.on_direct(Protocol::Sync, event),
            NodeEvent::Order(event) => self.on_direct(Protocol::Order, event),
            NodeEvent::Tab(event) => self.on_direct(Protocol::Tab, event),
            NodeEvent::Gossip(_) | NodeEvent::Identify(_) | NodeEvent::Mdns(_) | NodeEvent::Kad(_) => {}
            NodeEvent::Limits(never) | NodeEvent::Gate(never) => match never {},
        }
    }

    fn on_discovered(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        for (peer, addr) in found.into_iter().filter(|(peer, _)| device_of(peer).is_some()) {
            self.swarm.behaviour_mut().kad.add_address(&peer, addr.clone());
            // Fails if it is connected or being dialled, or if there is no room: all the same.
            self.swarm
                .dial(DialOpts::peer_id(peer).addresses(vec![addr]).build())
                .ok();
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
        let Some(identified) = self.peers.identified(&peer, &connection, info) else {
            return;
        };
        if let (Some(lane), Some(ip)) = (&self.shared.lane, identified.seen) {
            let addr = identified.ports.at(ip);
            lane.learn(identified.device, addr.into_iter().collect());
        }
        add(&self.shared.counters.addresses_refused, identified.refused);
        let kad = &mut self.swarm.behaviour_mut().kad;
        for addr in identified.claimed.into_iter().filter(|_| !self.shared.closed) {
            kad.add_address(&peer, addr);
        }
        // What it no longer claims is forgotten, or a peer could fill the table with inventions.
        for addr in &identified.disclaimed {
            kad.remove_address(&peer, addr);
        }
        if let Some(addr) = identified.restarted {
            // The process that those connections led to is dead. gossipsub greets a peer on its first connection
            // alone, so the new process would never hear which topics we are in: all of them end, the new one too.
            count(&self.shared.counters.restarts_seen);
            self.searches.again(peer, addr);
            self.swarm.disconnect_peer_id(peer).ok();
        }
    }

    /// Somebody wants something kept in the routing table: only who provides what is, and only so much of it.
    fn on_record(&mut self, request: kad::InboundRequest) {
        match request {
            kad::InboundRequest::AddProvider { record: Some(record) } => {
                let table = self.swarm.behaviour_mut().kad.store_mut();
                let seen = self.peers.seen(&record.provider);
                if !self.announced.admit(table, record, seen, Instant::now()) {
                    count(&self.shared.counters.providers_refused);
                }
            }
            kad::InboundRequest::PutRecord { .. } => count(&self.shared.counters.records_refused),
            _ => {}
        }
    }

    fn on_direct(&mut self, protocol: Protocol, event: request_response::Event<Asked, Answered>) {
        let room = self.backlog.len() < EVENTS_MAX;
        let request = self.direct.on_event(&mut self.swarm, protocol, event, room);
        request.into_iter().for_each(|event| self.tell(event));
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
                let Some(finding) = self.finding.get_mut(id) else {
                    return;
                };
                if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = &found {
                    finding.devices.extend(providers.iter().filter_map(device_of));
                }
                if let Some(Finding { devices, done }) = last.then(|| self.finding.remove(id)).flatten() {
                    let nothing = found.is_err() && devices.is_empty();
                    done.send(if nothing {
                        Err(timed_out)
                    } else {
                        Ok(devices.into_iter().collect())
                    })
                    .ok();
                }
            }
            _ => {}
        }
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
            peers: self.peers.status(self.shared.lane.as_ref(), |peer| {
                self.swarm.behaviour().gossip.peer_score(peer).unwrap_or(0.0)
            }),
            topics: self.topics.iter().map(|topic| self.topic_status(topic)).collect(),
            subscriptions: self
                .swarm
                .behaviour()
                .gossip
                .all_peers()
                .map(|(_, topics)| topics.len())
                .sum(),
            routing_table,
            lane_bytes_out: lane_bytes.0,
            lane_bytes_in: lane_bytes.1,
            counts: self.shared.counters.read(),
        }
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
