//! Addresses of the local network: from where phones are let in, and under which the node is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// An address that is nobody's (RFC 5737). To connect a datagram socket to it sends nothing, and the
/// system says which of the machine's addresses leads out.
const NOBODY: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
/// Networks that programs make on one machine; no phone is in them.
const INNER: [&str; 8] = [
    "docker", "br-", "veth", "virbr", "podman", "cni", "vboxnet", "vmnet",
];
/// Addresses that are shown.
const SHOWN_MAX: usize = 4;

/// Whether somebody at `from` who reached this machine at `own` is in its local network. A machine with an
/// address on the internet does not serve its owner's page there.
pub(in super::super) fn is_near(from: IpAddr, own: IpAddr) -> bool {
    match (from.to_canonical(), own.to_canonical()) {
        (IpAddr::V4(from), _) => from.is_private() || from.is_link_local() || from.is_loopback(),
        (IpAddr::V6(from), IpAddr::V6(own)) => {
            let network = |address: std::net::Ipv6Addr| {
                let [a, b, c, d, ..] = address.segments();
                [a, b, c, d]
            };
            from.is_loopback()
                || from.is_unique_local()
                || from.is_unicast_link_local()
                || network(from) == network(own)
        }
        (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// `IP:PORT` as browsers write it in `Host`.
pub(in super::super) fn host(at: SocketAddr) -> String {
    let at = SocketAddr::new(at.ip().to_canonical(), at.port());
    match (at.port(), at.ip()) {
        (443, IpAddr::V4(ip)) => ip.to_string(),
        (443, IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => at.to_string(),
    }
}

/// Where phones reach a listener, the likeliest first.
pub(in super::super) fn reachable(at: SocketAddr) -> Vec<SocketAddr> {
    if !at.ip().is_unspecified() {
        return vec![at];
    }
    let leads_out = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(NOBODY)?;
        Ok(socket.local_addr()?.ip())
    });
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    let mut found: Vec<(bool, bool, bool, IpAddr)> = found
        .into_iter()
        .map(|interface| {
            let inner = INNER.iter().any(|inner| interface.name.starts_with(inner));
            (inner, interface.ip())
        })
        .filter(|(_, ip)| match ip {
            IpAddr::V4(ip) => !ip.is_loopback() && is_near((*ip).into(), (*ip).into()),
            // Browsers take no address that needs the name of an interface.
            IpAddr::V6(ip) => at.is_ipv6() && !ip.is_loopback() && !ip.is_unicast_link_local(),
        })
        .map(|(inner, ip)| (leads_out.as_ref().ok() != Some(&ip), inner, ip.is_ipv6(), ip))
        .collect();
    found.sort();
    found.dedup();
    found
        .into_iter()
        .map(|(.., ip)| SocketAddr::new(ip, at.port()))
        .take(SHOWN_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_internet_is_not_the_local_network() {
        let (v4, v6) = (ip("203.0.113.5"), ip("2001:db8:0:1::5"));
        for near in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.9",
            "169.254.1.1",
            "127.0.0.1",
            "::ffff:192.168.0.9",
            "::1",
            "fd00::1",
            "fe80::1",
            "2001:db8:0:1::9",
        ] {
            assert!(is_near(ip(near), v6), "{near}");
        }
        for far in [
            "203.0.113.5",
            "8.8.8.8",
            "172.32.0.1",
            "100.64.0.1",
            "::ffff:8.8.8.8",
            "2001:db8:0:2::9",
            "2600::1",
        ] {
            assert!(!is_near(ip(far), v6), "{far}");
        }
        assert!(!is_near(ip("203.0.113.9"), v4) && is_near(ip("192.168.0.9"), v4));
    }

    #[test]
    fn a_host_is_written_as_browsers_write_it() {
        for (at, written) in [
            ("192.168.0.9:4000", "192.168.0.9:4000"),
            ("[::ffff:192.168.0.9]:4000", "192.168.0.9:4000"),
            ("[2001:db8::5]:4000", "[2001:db8::5]:4000"),
            ("192.168.0.9:443", "192.168.0.9"),
            ("[fd00::1]:443", "[fd00::1]"),
        ] {
            assert_eq!(host(at.parse().unwrap()), written);
        }
    }

    #[test]
    fn one_address_is_where_it_is_and_all_are_those_of_the_machine() {
        let one: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        assert_eq!(reachable(one), [one]);
        for at in reachable("0.0.0.0:4000".parse().unwrap()) {
            assert!(
                at.is_ipv4() && !at.ip().is_loopback() && at.port() == 4_000,
                "{at}"
            );
        }
    }
}
