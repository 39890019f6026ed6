//! What the network is started with, and the addresses it then listens on.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use libp2p::{Multiaddr, Swarm, multiaddr::Protocol};

use super::{
    address::{quic_multiaddr, tcp_multiaddr},
    behaviour::Node,
    delayed::Memory,
    error::{ListenError, NetworkError},
    gate::ip_of,
    lane::LanePorts,
    limits::Limits,
};

/// The port of all nodes in memory.
const MEMORY_PORT: u16 = 4_001;

/// The two transports of libp2p that a node listens with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// QUIC over UDP.
    Quic,
    /// TCP with Noise and Yamux.
    Tcp,
}

impl Transport {
    /// `quic` or `tcp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

/// One address to listen on; port 0 takes a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOn {
    /// With which transport.
    pub transport: Transport,
    /// Where.
    pub addr: SocketAddr,
}

/// What carries libp2p's connections.
#[derive(Debug, Clone, Default)]
pub enum Medium {
    /// Sockets of this machine.
    #[default]
    Sockets,
    /// A place in this process, for simulations. There is TCP alone, on addresses that are only names.
    Memory(Memory),
}

/// What the network is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where libp2p listens. Addresses that do not bind are reported as
    /// [`Event::NotListening`](super::Event::NotListening) as long as one does.
    pub listen: Vec<ListenOn>,
    /// Where the lane listens, at most one address of each family; empty for no lane.
    pub lane: Vec<SocketAddr>,
    /// Ports to tell others instead of the lane's own, where a router forwards others to us.
    pub lane_external: Option<LanePorts>,
    /// Whether to look for peers on the LAN.
    pub mdns: bool,
    /// Multiaddrs with `/p2p/<id>` that are kept dialled.
    pub peers: Vec<String>,
    /// Multiaddrs under which others reach this node, beside those it sees itself.
    pub external: Vec<String>,
    /// Bounds.
    pub limits: Limits,
    /// What carries the connections.
    pub medium: Medium,
    /// Whether connections are only those that somebody asked for: the routing table stays empty, so that
    /// nobody is met by searching. For simulations of a given graph.
    pub closed: bool,
}

impl Default for Config {
    /// All families, both transports and the lane, on free ports, with mDNS.
    fn default() -> Self {
        Self {
            lane: vec![
                (Ipv4Addr::UNSPECIFIED, 0).into(),
                (Ipv6Addr::UNSPECIFIED, 0).into(),
            ],
            mdns: true,
            ..Self::on_ports(&[Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()], 0)
        }
    }
}

impl Config {
    /// Loopback only, IPv4, free ports, no mDNS: for tests and demos.
    pub fn loopback() -> Self {
        Self {
            lane: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            mdns: false,
            ..Self::on_ports(&[Ipv4Addr::LOCALHOST.into()], 0)
        }
    }

    /// In memory, in a closed graph; each number has an address in a subnet of its own, so that no limit on
    /// addresses is in the way. No lane, no mDNS.
    pub fn memory(memory: &Memory, number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        let addr = SocketAddr::from(([10, high, low, 1], MEMORY_PORT));
        let transport = Transport::Tcp;
        Self {
            listen: vec![ListenOn { transport, addr }],
            medium: Medium::Memory(memory.clone()),
            closed: true,
            ..Self::on_ports(&[], 0)
        }
    }

    /// Both transports on one port of each of these addresses; no lane, no mDNS.
    pub fn on_ports(ips: &[IpAddr], port: u16) -> Self {
        let both = |ip: &IpAddr| {
            let addr = SocketAddr::new(*ip, port);
            [Transport::Quic, Transport::Tcp].map(|transport| ListenOn { transport, addr })
        };
        Self {
            listen: ips.iter().flat_map(both).collect(),
            lane: Vec::new(),
            lane_external: None,
            mdns: false,
            peers: Vec::new(),
            external: Vec::new(),
            limits: Limits::default(),
            medium: Medium::Sockets,
            closed: false,
        }
    }
}

/// Listens on all addresses, and says which do not bind.
///
/// # Errors
/// If none binds: [`NetworkError::PortTaken`] when a port was taken, else all the reasons.
pub(crate) fn listen(
    swarm: &mut Swarm<Node>,
    on: &[ListenOn],
    medium: &Medium,
) -> Result<Vec<ListenError>, NetworkError> {
    if on.is_empty() {
        return Err(NetworkError::NothingToListenOn);
    }
    let errors: Vec<_> = on
        .iter()
        .filter_map(|on| listen_on(swarm, *on, medium).err())
        .collect();
    if errors.len() < on.len() {
        return Ok(errors);
    }
    let taken = errors.iter().find_map(|error| match error {
        ListenError::PortTaken { transport, addr } => Some((*transport, *addr)),
        ListenError::Other { .. } => None,
    });
    Err(match taken {
        Some((transport, addr)) => NetworkError::PortTaken { transport, addr },
        None => NetworkError::NothingBinds(errors),
    })
}

fn listen_on(swarm: &mut Swarm<Node>, on: ListenOn, medium: &Medium) -> Result<(), ListenError> {
    let ListenOn { transport, addr } = on;
    let other = |reason: String| ListenError::Other {
        transport: transport.name(),
        addr,
        reason,
    };
    let bound = match medium {
        Medium::Sockets => try_bind(on),
        Medium::Memory(_) => Ok(()),
    };
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::PortTaken {
            transport: transport.name(),
            addr,
        },
        _ => other(error.to_string()),
    })?;
    let multiaddr: Multiaddr = match transport {
        Transport::Quic => quic_multiaddr(addr),
        Transport::Tcp => tcp_multiaddr(addr),
    };
    swarm
        .listen_on(multiaddr)
        .map(drop)
        .map_err(|error| other(error.to_string()))
}

/// Waits until the sockets behind these addresses are let go, as QUIC does a moment after its last
/// goodbye. Whoever starts the node again on its old port in the same process counts on it.
pub(crate) async fn released(addresses: Vec<Multiaddr>) {
    const AGAIN: Duration = Duration::from_millis(5);
    for on in addresses.iter().filter_map(listened_on) {
        while try_bind(on).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn listened_on(addr: &Multiaddr) -> Option<ListenOn> {
    let (ip, mut parts) = (ip_of(addr)?, addr.iter().skip(1));
    let (transport, port) = match parts.next()? {
        Protocol::Udp(port) => (Transport::Quic, port),
        Protocol::Tcp(port) => (Transport::Tcp, port),
        _ => return None,
    };
    Some(ListenOn {
        transport,
        addr: SocketAddr::new(ip, port),
    })
}

/// Binds and lets go again. libp2p hides why a bind failed, and its TCP shares a port with any program
/// of the same user that shares it too, so two nodes could hold one port without an error.
fn try_bind(on: ListenOn) -> io::Result<()> {
    let kind = match on.transport {
        Transport::Quic => socket2::Type::DGRAM,
        Transport::Tcp => socket2::Type::STREAM,
    };
    let socket = socket2::Socket::new(socket2::Domain::for_address(on.addr), kind, None)?;
    if on.addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if on.transport == Transport::Tcp && cfg!(unix) {
        // A port that was just closed may be taken again; one that is listened on may not.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&on.addr.into())
}
