//! The devices that are connected: their connections, how far away they are, what they say of themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, core::ConnectedPoint, identify, swarm::ConnectionId};

use super::{
    address::{is_worth_keeping, transport_of},
    agent::Agent,
    device::{Device, device_text},
    event::Direction,
    gate::ip_of,
    lane::{Lane, LanePorts},
    limits::{ADDRESSES_PER_PEER_MAX, AGENT_BYTES_MAX},
    status::{ConnectionStatus, PeerStatus},
};

/// Pings without an answer after which a connection is given up.
const PINGS_MISSED_MAX: u32 = 2;

/// One open connection.
struct Link {
    addr: Multiaddr,
    direction: Direction,
    pings_missed: u32,
}

/// One connected device.
struct Peer {
    device: Device,
    links: BTreeMap<ConnectionId, Link>,
    rtt: Option<Duration>,
    agent: Option<String>,
    /// The run of the program that it told last, and on which connection.
    run: Option<(Option<u64>, ConnectionId)>,
    claimed: BTreeSet<Multiaddr>,
}

/// All connected devices.
#[derive(Default)]
pub(crate) struct Peers(BTreeMap<PeerId, Peer>);

/// What changed when a peer said who it is.
pub(crate) struct Identified {
    pub(crate) device: Device,
    /// The IP that it was seen at.
    pub(crate) seen: Option<IpAddr>,
    pub(crate) ports: LanePorts,
    /// It was another process when it last said who it is; where it is now.
    pub(crate) restarted: Option<Multiaddr>,
    /// Addresses that it claims and that are worth keeping.
    pub(crate) claimed: BTreeSet<Multiaddr>,
    /// Addresses that it claimed before and claims no longer.
    pub(crate) disclaimed: Vec<Multiaddr>,
    /// How many more it claims.
    pub(crate) refused: usize,
}

impl Peers {
    /// Notes a connection; returns its address and direction if it is the first with this device.
    pub(crate) fn open(
        &mut self,
        peer: PeerId,
        device: Device,
        connection: ConnectionId,
        endpoint: &ConnectedPoint,
    ) -> Option<(String, Direction)> {
        let direction = if endpoint.is_dialer() {
            Direction::Outbound
        } else {
            Direction::Inbound
        };
        let addr = endpoint.get_remote_address().clone();
        let text = addr.to_string();
        let known = self.0.entry(peer).or_insert_with(|| Peer {
            device,
            links: BTreeMap::new(),
            rtt: None,
            agent: None,
            run: None,
            claimed: BTreeSet::new(),
        });
        known.links.insert(
            connection,
            Link {
                addr,
                direction,
                pings_missed: 0,
            },
        );
        (known.links.len() == 1).then_some((text, direction))
    }

    /// Forgets a connection; returns the device if it was the last with it.
    pub(crate) fn close(&mut self, peer: &PeerId, connection: &ConnectionId) -> Option<Device> {
        let known = self.0.get_mut(peer)?;
        known.links.remove(connection);
        if !known.links.is_empty() {
            return None;
        }
        self.0.remove(peer).map(|peer| peer.device)
    }

    /// Notes a ping; true if so many are missing that the connection should be given up.
    pub(crate) fn pinged(&mut self, peer: &PeerId, connection: &ConnectionId, rtt: Option<Duration>) -> bool {
        let Some(known) = self.0.get_mut(peer) else {
            return false;
        };
        let Some(link) = known.links.get_mut(connection) else {
            return false;
        };
        link.pings_missed = if rtt.is_some() { 0 } else { link.pings_missed + 1 };
        known.rtt = rtt.or(known.rtt);
        link.pings_missed >= PINGS_MISSED_MAX
    }

    /// Notes what a peer says of itself.
    pub(crate) fn identified(
        &mut self,
        peer: &PeerId,
        connection: &ConnectionId,
        info: identify::Info,
    ) -> Option<Identified> {
        let known = self.0.get_mut(peer)?;
        let seen = known.links.get(connection).and_then(|link| ip_of(&link.addr));
        let text: String = info.agent_version.chars().take(AGENT_BYTES_MAX).collect();
        let agent = Agent::parse(&text);
        let before = known.run.replace((agent.run, *connection));
        // One that changes its mind on one connection is the same process all the same.
        let restarted = before
            .filter(|(run, on)| *run != agent.run && on != connection)
            .and_then(|_| Some(known.links.get(connection)?.addr.clone()));
        let said = info.listen_addrs.len();
        let claimed: BTreeSet<_> = info
            .listen_addrs
            .into_iter()
            .filter(|addr| is_worth_keeping(addr, seen))
            .take(ADDRESSES_PER_PEER_MAX)
            .collect();
        let refused = said.saturating_sub(claimed.len());
        let disclaimed = known.claimed.difference(&claimed).cloned().collect();
        known.agent = Some(text);
        known.claimed = claimed.clone();
        Some(Identified {
            device: known.device,
            seen,
            ports: agent.ports,
            restarted,
            claimed,
            disclaimed,
            refused,
        })
    }

    /// The IP that a peer is seen at.
    pub(crate) fn seen(&self, peer: &PeerId) -> Option<IpAddr> {
        self.0
            .get(peer)?
            .links
            .values()
            .find_map(|link| ip_of(&link.addr))
    }

    /// All of them, with the score that gossip gives each.
    pub(crate) fn status(&self, lane: Option<&Lane>, score: impl Fn(&PeerId) -> f64) -> Vec<PeerStatus> {
        self.0
            .iter()
            .map(|(id, peer)| peer.status(lane, score(id)))
            .collect()
    }
}

impl Peer {
    fn status(&self, lane: Option<&Lane>, score: f64) -> PeerStatus {
        let (lane, lane_open) = lane.map(|lane| lane.describe(&self.device)).unwrap_or_default();
        let link = |link: &Link| ConnectionStatus {
            addr: link.addr.to_string(),
            direction: link.direction,
            transport: transport_of(&link.addr).unwrap_or("other"),
        };
        PeerStatus {
            device: self.device,
            id: device_text(&self.device),
            agent: self.agent.clone(),
            connections: self.links.values().map(link).collect(),
            rtt_us: self.rtt.and_then(|rtt| u64::try_from(rtt.as_micros()).ok()),
            score,
            lane: lane.map(|addr| addr.to_string()),
            lane_open,
        }
    }
}
