//! A picture of the network at one moment, for `souk status`, the status page and `/metrics`.

use super::{counters::Counts, device::Device, event::Direction, lane::LanePorts};

/// The network at one moment.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Status {
    /// This device.
    #[serde(skip)]
    pub device: Device,
    /// Its id as addresses carry it.
    pub id: String,
    /// Addresses to be dialled at, each with `/p2p/<id>`.
    pub listening: Vec<String>,
    /// Addresses that the owner says lead here.
    pub external: Vec<String>,
    /// Ports of the lane that others are told.
    pub lane: LanePorts,
    /// Whether peers on the LAN are looked for.
    pub mdns: bool,
    /// Devices that are connected.
    pub peers: Vec<PeerStatus>,
    /// Topics that this node is in.
    pub topics: Vec<TopicStatus>,
    /// Topics that connected peers are in, as far as this node heeds them.
    pub subscriptions: usize,
    /// Devices in the routing table.
    pub routing_table: usize,
    /// Datagram bytes sent on open lanes.
    pub lane_bytes_out: u64,
    /// Datagram bytes received on open lanes.
    pub lane_bytes_in: u64,
    /// All counters.
    pub counts: Counts,
}

/// One connected device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PeerStatus {
    /// The device.
    #[serde(skip)]
    pub device: Device,
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub agent: Option<String>,
    /// Its connections.
    pub connections: Vec<ConnectionStatus>,
    /// Last round trip of a ping, in microseconds.
    pub rtt_us: Option<u64>,
    /// Its gossip score; 0 is neutral.
    pub score: f64,
    /// Where its lane is said to be.
    pub lane: Option<String>,
    /// Whether a lane is open.
    pub lane_open: bool,
}

/// One connection.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ConnectionStatus {
    /// The other end, a multiaddr.
    pub addr: String,
    /// Who dialled.
    pub direction: Direction,
    /// `quic` or `tcp`.
    pub transport: &'static str,
}

/// One topic.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TopicStatus {
    /// Its name.
    pub topic: String,
    /// Peers that messages are exchanged with at once.
    pub mesh: usize,
    /// Connected peers that are in it.
    pub peers: usize,
}
