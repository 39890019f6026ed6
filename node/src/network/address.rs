//! Addresses: what a person writes, what libp2p dials, and which of a peer's claims are worth keeping.

use std::net::{IpAddr, SocketAddr};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

use super::{
    device::{Device, device_of},
    error::DialError,
};

/// Reads an address with the device that is expected there.
pub(crate) fn parse_peer(text: &str) -> Result<(Device, PeerId, Multiaddr), DialError> {
    let bad = |reason: String| DialError::BadAddress {
        addr: text.into(),
        reason,
    };
    let addr: Multiaddr = text
        .parse()
        .map_err(|error: libp2p::multiaddr::Error| bad(error.to_string()))?;
    let Some(Protocol::P2p(peer)) = addr.iter().last() else {
        return Err(DialError::NoDevice { addr: text.into() });
    };
    if transport_of(&addr).is_none() {
        let reason = "expected /ip4 or /ip6, then /udp/<port>/quic-v1 or /tcp/<port>, then /p2p/<id>";
        return Err(bad(reason.into()));
    }
    let device = device_of(&peer).ok_or_else(|| DialError::NotADevice { id: peer.to_string() })?;
    Ok((device, peer, addr))
}

/// Reads an address of this node itself, with or without its id.
pub(crate) fn parse_own(text: &str) -> Result<Multiaddr, DialError> {
    let bad = |reason: String| DialError::BadAddress {
        addr: text.into(),
        reason,
    };
    let addr: Multiaddr = text
        .parse()
        .map_err(|error: libp2p::multiaddr::Error| bad(error.to_string()))?;
    match transport_of(&addr) {
        Some(_) => Ok(addr),
        None => Err(bad(
            "expected /ip4 or /ip6, then /udp/<port>/quic-v1 or /tcp/<port>".into(),
        )),
    }
}

/// `quic` or `tcp`, if the address is one that this node can dial.
pub(crate) fn transport_of(addr: &Multiaddr) -> Option<&'static str> {
    let mut parts = addr.iter();
    if !matches!(parts.next()?, Protocol::Ip4(_) | Protocol::Ip6(_)) {
        return None;
    }
    let transport = match parts.next()? {
        Protocol::Tcp(_) => "tcp",
        Protocol::Udp(_) if parts.next() == Some(Protocol::QuicV1) => "quic",
        _ => return None,
    };
    match parts.next() {
        None | Some(Protocol::P2p(_)) => Some(transport),
        Some(_) => None,
    }
}

/// The multiaddr that listens with QUIC on this socket address.
pub(crate) fn quic_multiaddr(addr: SocketAddr) -> Multiaddr {
    Multiaddr::from(addr.ip())
        .with(Protocol::Udp(addr.port()))
        .with(Protocol::QuicV1)
}

/// The multiaddr that listens with TCP on this socket address.
pub(crate) fn tcp_multiaddr(addr: SocketAddr) -> Multiaddr {
    Multiaddr::from(addr.ip()).with(Protocol::Tcp(addr.port()))
}

/// Whether what a peer at `seen` says of itself can be true for us and for those we tell.
///
/// Loopback means something only between two programs on one machine; a link-local address needs a
/// scope that multiaddrs do not carry.
pub(crate) fn is_worth_keeping(claimed: &Multiaddr, seen: Option<IpAddr>) -> bool {
    let Some(ip) = super::gate::ip_of(claimed) else {
        return false;
    };
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    transport_of(claimed).is_some()
        && !ip.is_unspecified()
        && !ip.is_multicast()
        && !link_local
        && (!ip.is_loopback() || seen.is_some_and(|seen| seen.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn an_address_says_where_and_who() {
        for head in ["/ip4/192.0.2.1/udp/1/quic-v1", "/ip6/2001:db8::1/tcp/1"] {
            parse_peer(&format!("{head}/p2p/{ID}")).unwrap();
            assert!(
                matches!(parse_peer(head), Err(DialError::NoDevice { .. })),
                "{head}"
            );
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_a_bad_address() {
        for text in [
            "",
            "localhost:80",
            "/ip4/1.2.3.4/udp/1",
            "/dns4/x.example/tcp/1",
            "/ip4/1.2.3.4/tcp/1/ws",
        ] {
            let text = if text.starts_with('/') {
                format!("{text}/p2p/{ID}")
            } else {
                text.into()
            };
            let refused = parse_peer(&text);
            assert!(
                matches!(
                    refused,
                    Err(DialError::BadAddress { .. } | DialError::NoDevice { .. })
                ),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn loopback_is_kept_only_of_a_peer_on_this_machine() {
        let claimed: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        assert!(is_worth_keeping(&claimed, Some(IpAddr::from([127, 0, 0, 1]))));
        assert!(!is_worth_keeping(&claimed, Some(IpAddr::from([192, 0, 2, 1]))));
        assert!(!is_worth_keeping(&claimed, None));
    }
}
