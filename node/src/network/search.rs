//! Reaching devices: dials at an address, searches by id, and configured peers that are kept dialled.
//!
//! A search goes through three stages: dial what is known; if that leads nowhere, ask the routing table,
//! whose search dials the device itself on its way; then dial what others know of it.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr, PeerId, kad,
    swarm::{
        ConnectionDenied, ConnectionId, DialError as Libp2pError, Swarm,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::sync::oneshot;

use super::{
    behaviour::Node,
    counters::{Counters, count},
    device::{Device, device_of},
    error::DialError,
    limits::{DIAL_MS, REDIAL_MS_MAX, REDIAL_MS_MIN},
};

/// Who hears how a dial went.
pub(crate) type Waiting = oneshot::Sender<Result<(), DialError>>;

/// Why a dial was begun.
enum Purpose {
    /// Somebody gave us the address.
    Asked(Waiting),
    /// First stage of a search.
    Known,
    /// Last stage of a search.
    Found,
    /// A configured peer.
    Wanted,
    /// A peer that was restarted.
    Again,
}

/// A configured peer.
struct Wanted {
    text: String,
    addr: Multiaddr,
    next: Instant,
    pause: Duration,
}

/// All dials and searches under way.
#[derive(Default)]
pub(crate) struct Searches {
    dials: HashMap<ConnectionId, (PeerId, Purpose)>,
    waiting: BTreeMap<PeerId, Vec<Waiting>>,
    lookups: HashMap<kad::QueryId, PeerId>,
    wanted: BTreeMap<PeerId, Wanted>,
    again: BTreeMap<PeerId, Multiaddr>,
}

/// A configured peer that did not answer.
pub(crate) struct Away {
    pub(crate) addr: String,
    pub(crate) error: DialError,
}

impl Searches {
    /// Keeps this peer dialled from now on.
    pub(crate) fn want(&mut self, peer: PeerId, addr: Multiaddr) {
        let pause = Duration::from_millis(REDIAL_MS_MIN);
        let text = addr.to_string();
        self.wanted.insert(
            peer,
            Wanted {
                text,
                addr,
                next: Instant::now(),
                pause,
            },
        );
    }

    /// Dials the configured peers whose time has come.
    pub(crate) fn redial(&mut self, swarm: &mut Swarm<Node>, counters: &Counters) -> Vec<Away> {
        let now = Instant::now();
        let due: Vec<_> = self
            .wanted
            .iter_mut()
            .filter(|(peer, wanted)| wanted.next <= now && !swarm.is_connected(peer))
            .map(|(peer, wanted)| {
                wanted.next = now + wanted.pause;
                wanted.pause = (wanted.pause * 2).min(Duration::from_millis(REDIAL_MS_MAX));
                (*peer, wanted.addr.clone())
            })
            .collect();
        due.into_iter()
            .filter_map(|(peer, addr)| {
                let options = DialOpts::peer_id(peer).addresses(vec![addr]).build();
                self.dial(swarm, counters, peer, options, Purpose::Wanted)
                    .and_then(|error| {
                        // Already under way is no news.
                        (!matches!(error, Libp2pError::DialPeerConditionFalse(_)))
                            .then(|| self.away(&peer, &error))?
                    })
            })
            .collect()
    }

    /// Dials one address for somebody who waits.
    pub(crate) fn dial_at(
        &mut self,
        swarm: &mut Swarm<Node>,
        counters: &Counters,
        peer: PeerId,
        addr: Multiaddr,
        waiting: Waiting,
    ) {
        if let Some(settled) = settled(swarm, &peer) {
            waiting.send(settled).ok();
            return;
        }
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(vec![addr])
            .build();
        let id = options.connection_id();
        self.dials.insert(id, (peer, Purpose::Asked(waiting)));
        count(&counters.dials);
        if let Err(error) = swarm.dial(options) {
            count(&counters.dials_failed);
            if let Some((_, Purpose::Asked(waiting))) = self.dials.remove(&id) {
                waiting.send(Err(explain(&peer, &error))).ok();
            }
        }
    }

    /// Finds a device and dials it, for somebody who waits.
    pub(crate) fn connect(
        &mut self,
        swarm: &mut Swarm<Node>,
        counters: &Counters,
        peer: PeerId,
        waiting: Waiting,
    ) {
        if let Some(settled) = settled(swarm, &peer) {
            waiting.send(settled).ok();
            return;
        }
        let others = self.waiting.entry(peer).or_default();
        others.push(waiting);
        if others.len() > 1 {
            return;
        }
        let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).build();
        if self
            .dial(swarm, counters, peer, options, Purpose::Known)
            .is_some()
        {
            self.look_up(swarm, peer);
        }
    }

    /// This peer is being disconnected, and will be dialled as soon as it is.
    pub(crate) fn again(&mut self, peer: PeerId, addr: Multiaddr) {
        self.again.insert(peer, addr);
    }

    /// The last connection with a peer has closed.
    pub(crate) fn closed(&mut self, swarm: &mut Swarm<Node>, counters: &Counters, peer: PeerId) {
        if let Some(addr) = self.again.remove(&peer) {
            let options = DialOpts::peer_id(peer).addresses(vec![addr]).build();
            // If that leads nowhere it is as with anybody who went away: whoever needs the other dials.
            self.dial(swarm, counters, peer, options, Purpose::Again);
        }
    }

    fn dial(
        &mut self,
        swarm: &mut Swarm<Node>,
        counters: &Counters,
        peer: PeerId,
        options: DialOpts,
        purpose: Purpose,
    ) -> Option<Libp2pError> {
        let id = options.connection_id();
        count(&counters.dials);
        match swarm.dial(options) {
            Ok(()) => {
                self.dials.insert(id, (peer, purpose));
                None
            }
            Err(error) => {
                count(&counters.dials_failed);
                Some(error)
            }
        }
    }

    fn look_up(&mut self, swarm: &mut Swarm<Node>, peer: PeerId) {
        let query = swarm.behaviour_mut().kad.get_closest_peers(peer);
        self.lookups.insert(query, peer);
    }

    /// A connection is open: all who wait for this peer are told.
    pub(crate) fn connected(&mut self, peer: &PeerId, connection: &ConnectionId) {
        if let Some((_, Purpose::Asked(waiting))) = self.dials.remove(connection) {
            waiting.send(Ok(())).ok();
        }
        for waiting in self.waiting.remove(peer).unwrap_or_default() {
            waiting.send(Ok(())).ok();
        }
        if let Some(wanted) = self.wanted.get_mut(peer) {
            wanted.pause = Duration::from_millis(REDIAL_MS_MIN);
            wanted.next = Instant::now() + wanted.pause;
        }
    }

    /// A dial failed.
    pub(crate) fn failed(
        &mut self,
        swarm: &mut Swarm<Node>,
        connection: &ConnectionId,
        error: &Libp2pError,
    ) -> Option<Away> {
        let (peer, purpose) = self.dials.remove(connection)?;
        match purpose {
            Purpose::Asked(waiting) => {
                let outcome = settled(swarm, &peer).unwrap_or_else(|| Err(explain(&peer, error)));
                waiting.send(outcome).ok();
                None
            }
            Purpose::Known => {
                if self.waiting.contains_key(&peer) {
                    self.look_up(swarm, peer);
                }
                None
            }
            Purpose::Found => {
                self.give_up(&peer, &explain(&peer, error));
                None
            }
            Purpose::Wanted => self.away(&peer, error),
            Purpose::Again => None,
        }
    }

    /// The routing table answered.
    pub(crate) fn looked_up(
        &mut self,
        swarm: &mut Swarm<Node>,
        counters: &Counters,
        query: &kad::QueryId,
        found: Vec<kad::PeerInfo>,
    ) {
        let Some(peer) = self.lookups.remove(query) else {
            return;
        };
        if !self.waiting.contains_key(&peer) {
            return;
        }
        let addresses = found
            .into_iter()
            .find(|info| info.peer_id == peer)
            .map(|info| info.addrs);
        let Some(addresses) = addresses.filter(|addresses| !addresses.is_empty()) else {
            return self.give_up(&peer, &not_found(&peer));
        };
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(addresses)
            .build();
        if let Some(error) = self.dial(swarm, counters, peer, options, Purpose::Found) {
            self.give_up(&peer, &explain(&peer, &error));
        }
    }

    fn give_up(&mut self, peer: &PeerId, error: &DialError) {
        for waiting in self.waiting.remove(peer).unwrap_or_default() {
            waiting.send(Err(error.clone())).ok();
        }
    }

    fn away(&self, peer: &PeerId, error: &Libp2pError) -> Option<Away> {
        let wanted = self.wanted.get(peer)?;
        Some(Away {
            addr: wanted.text.clone(),
            error: explain(peer, error),
        })
    }
}

/// How the matter stands without a dial: connected already, or ourselves.
fn settled(swarm: &Swarm<Node>, peer: &PeerId) -> Option<Result<(), DialError>> {
    if peer == swarm.local_peer_id() {
        return Some(Err(DialError::Myself));
    }
    swarm.is_connected(peer).then_some(Ok(()))
}

/// The device that was dialled. Only devices are, so the zeros never show.
fn dialled(peer: &PeerId) -> Device {
    device_of(peer).unwrap_or_default()
}

fn not_found(peer: &PeerId) -> DialError {
    DialError::NotFound {
        device: dialled(peer),
    }
}

/// libp2p's reason in our words.
fn explain(peer: &PeerId, error: &Libp2pError) -> DialError {
    let device = dialled(peer);
    match error {
        Libp2pError::LocalPeerId { .. } => DialError::Myself,
        Libp2pError::WrongPeerId { obtained, .. } => DialError::WrongPeer {
            expected: device,
            actual: obtained.to_base58(),
        },
        Libp2pError::Denied { cause } => DialError::Limit {
            reason: limit_of(cause),
        },
        Libp2pError::NoAddresses => not_found(peer),
        Libp2pError::Transport(errors) => {
            let reasons: Vec<_> = errors
                .iter()
                .map(|(addr, error)| format!("{addr}: {}", root(error)))
                .collect();
            let timed_out = |reason: &String| reason.to_lowercase().contains("timed out");
            if !reasons.is_empty() && reasons.iter().all(timed_out) {
                return DialError::TimedOut {
                    device,
                    deadline_ms: DIAL_MS,
                };
            }
            DialError::Unreachable {
                device,
                reason: reasons.join("; "),
            }
        }
        Libp2pError::DialPeerConditionFalse(_) | Libp2pError::Aborted => DialError::Unreachable {
            device,
            reason: error.to_string(),
        },
    }
}

/// The innermost reason: libp2p wraps it several times.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Which limit a behaviour named when it refused a connection.
pub(crate) fn limit_of(cause: &ConnectionDenied) -> String {
    root(cause)
}
