//! The gate: how many connections one address or subnet may hold.
//!
//! libp2p counts connections in all and per peer; it does not look at addresses. Without that one
//! machine could make keys until it held every place. IPv4 is counted by address and by /24, IPv6 by
//! /64 (what one household gets) and by /48. Loopback is exempt: whoever is on this machine has other
//! ways to do harm, and tests and demos live there.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

use super::limits::Limits;

/// A connection was refused for its address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{actual} connections with {whence}: at most {limit}")]
pub(crate) struct Crowded {
    whence: String,
    actual: usize,
    limit: usize,
}

/// Counts connections by address and by subnet, from the first packet of their handshake: an address
/// that begins handshakes and ends none must not take the places of others.
pub(crate) struct Gate {
    per_ip_max: usize,
    per_subnet_max: usize,
    loopback_exempt: bool,
    open: BTreeMap<ConnectionId, (u128, u128)>,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_ip_max: limits.connections_per_ip_max,
            per_subnet_max: limits.connections_per_subnet_max,
            loopback_exempt: limits.loopback_exempt,
            open: BTreeMap::new(),
        }
    }

    /// Notes the connection, or says why there is no place for it.
    fn enter(&mut self, connection: ConnectionId, addr: &Multiaddr) -> Result<(), Crowded> {
        let Some(ip) = ip_of(addr).filter(|ip| !(self.loopback_exempt && ip.is_loopback())) else {
            return Ok(());
        };
        // It was let in when its handshake began.
        if self.open.contains_key(&connection) {
            return Ok(());
        }
        let (host, subnet) = places(ip);
        let same_host = self.open.values().filter(|place| place.0 == host).count();
        if same_host >= self.per_ip_max {
            return Err(Crowded {
                whence: ip.to_string(),
                actual: same_host,
                limit: self.per_ip_max,
            });
        }
        let same_subnet = self.open.values().filter(|place| place.1 == subnet).count();
        if same_subnet >= self.per_subnet_max {
            let whence = format!("the subnet of {ip}");
            return Err(Crowded {
                whence,
                actual: same_subnet,
                limit: self.per_subnet_max,
            });
        }
        self.open.insert(connection, (host, subnet));
        Ok(())
    }
}

/// The address at the head of a multiaddr.
pub(crate) fn ip_of(addr: &Multiaddr) -> Option<IpAddr> {
    match addr.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    }
}

/// Host and subnet as numbers; IPv4 is mapped into IPv6, so that the two cannot meet.
fn places(ip: IpAddr) -> (u128, u128) {
    match ip {
        IpAddr::V4(ip) => {
            let bits = u128::from(ip.to_ipv6_mapped());
            (bits, bits >> 8 << 8)
        }
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            (bits >> 64 << 64, bits >> 80 << 80)
        }
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.enter(connection, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(connection, remote).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(connection, remote).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(closed) => drop(self.open.remove(&closed.connection_id)),
            // Another behaviour may refuse after we let a connection in.
            FromSwarm::ListenFailure(failed) => drop(self.open.remove(&failed.connection_id)),
            FromSwarm::DialFailure(failed) => drop(self.open.remove(&failed.connection_id)),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections_per_ip_max: usize, connections_per_subnet_max: usize) -> Gate {
        Gate::new(&Limits {
            connections_per_ip_max,
            connections_per_subnet_max,
            ..Limits::default()
        })
    }

    fn enter(gate: &mut Gate, id: usize, addr: &str) -> Result<(), Crowded> {
        gate.enter(ConnectionId::new_unchecked(id), &addr.parse().unwrap())
    }

    #[test]
    fn one_address_holds_as_many_connections_as_it_may_and_no_more() {
        let mut gate = gate(4, 8);
        for id in 0..4 {
            enter(&mut gate, id, "/ip4/192.0.2.1/tcp/1").unwrap();
        }
        let refused = enter(&mut gate, 4, "/ip4/192.0.2.1/udp/9/quic-v1").unwrap_err();
        assert_eq!((refused.actual, refused.limit), (4, 4));
        enter(&mut gate, 5, "/ip4/192.0.2.2/tcp/1").unwrap();
        gate.open.remove(&ConnectionId::new_unchecked(0));
        enter(&mut gate, 6, "/ip4/192.0.2.1/tcp/1").unwrap();
    }

    #[test]
    fn one_subnet_holds_as_many_connections_as_it_may_and_no_more() {
        let mut gate = gate(4, 8);
        for id in 0..8 {
            enter(&mut gate, id, &format!("/ip4/192.0.2.{id}/tcp/1")).unwrap();
        }
        assert!(enter(&mut gate, 9, "/ip4/192.0.2.99/tcp/1").is_err());
        enter(&mut gate, 10, "/ip4/192.0.3.1/tcp/1").unwrap();
    }

    #[test]
    fn an_ipv6_household_is_one_address() {
        let mut gate = gate(1, 2);
        enter(&mut gate, 0, "/ip6/2001:db8:1:1::1/tcp/1").unwrap();
        assert!(enter(&mut gate, 1, "/ip6/2001:db8:1:1::2/tcp/1").is_err());
        enter(&mut gate, 2, "/ip6/2001:db8:1:2::1/tcp/1").unwrap();
        assert!(enter(&mut gate, 3, "/ip6/2001:db8:1:3::1/tcp/1").is_err());
    }

    #[test]
    fn a_handshake_takes_a_place_once() {
        let mut gate = gate(1, 2);
        enter(&mut gate, 0, "/ip4/192.0.2.1/tcp/1").unwrap();
        assert!(enter(&mut gate, 1, "/ip4/192.0.2.1/tcp/2").is_err());
        enter(&mut gate, 0, "/ip4/192.0.2.1/tcp/1").unwrap();
        assert_eq!(gate.open.len(), 1);
    }

    #[test]
    fn loopback_is_exempt() {
        let mut gate = gate(1, 1);
        for id in 0..20 {
            enter(&mut gate, id, "/ip4/127.0.0.1/tcp/1").unwrap();
            enter(&mut gate, 100 + id, "/ip6/::1/tcp/1").unwrap();
        }
    }
}
