//! What the network tells the driver.

use super::{
    carrier::Reply,
    device::Device,
    error::{DialError, ListenError},
    gossip::GossipId,
    protocol::Protocol,
};

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other side dialled.
    Inbound,
    /// We dialled.
    Outbound,
}

/// One thing that happened. The order is that of the swarm; requests over the lane come beside it, so
/// one may arrive before its sender's [`Event::Connected`].
#[derive(Debug)]
pub enum Event {
    /// This node can be dialled here; the address ends in `/p2p/<id>`.
    Listening {
        /// A multiaddr.
        addr: String,
    },
    /// This address cannot be listened on; at least one other can, or the start would have failed.
    NotListening {
        /// Which one and why.
        error: ListenError,
    },
    /// Nobody on the LAN will be found: there is no multicast here. All else works.
    NoMdns {
        /// What the system said.
        reason: String,
    },
    /// A configured peer did not answer; it will be dialled again.
    PeerAway {
        /// The configured address.
        addr: String,
        /// Why.
        error: DialError,
    },
    /// The first connection with a device.
    Connected {
        /// The device.
        device: Device,
        /// Its end of the connection, a multiaddr.
        addr: String,
        /// Who dialled.
        direction: Direction,
    },
    /// The last connection with a device is gone.
    Disconnected {
        /// The device.
        device: Device,
    },
    /// A message that was not seen before. It goes nowhere until it has its
    /// [`verdict`](super::Network::verdict), which must come within ten seconds.
    Gossip {
        /// What the verdict names.
        id: GossipId,
        /// Who passed it to us; not its author.
        from: Device,
        /// Its topic, one that this node is in.
        topic: String,
        /// Its payload, not checked in any way but for its size.
        data: Vec<u8>,
    },
    /// A request of another device.
    Request {
        /// Who asks: the key that authenticated the connection.
        from: Device,
        /// What about.
        protocol: Protocol,
        /// The request, not checked in any way but for its size.
        data: Vec<u8>,
        /// The right to answer. Dropping it refuses.
        reply: Reply,
    },
}
