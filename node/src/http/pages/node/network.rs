//! How the node stands in the network: in one sentence, with what to do; then who is connected, what came
//! and went, what is kept, and what was checked.

use super::super::super::app::blocking;
use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::words;
use crate::home::{SEARCH, STORE, bytes_below};
use crate::node::PeerStatus;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::Past;
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::peer::own_past;
use souk_protocol::records::Tree;
use souk_protocol::text::Name;
use souk_protocol::view;
use std::net::IpAddr;
use std::path::Path;

/// Room on the disk below which the owner is warned.
const ROOM_BYTES_LOW: u64 = 1024 * 1024 * 1024;

/// From how far away an address can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Machine,
    Local,
    World,
}

impl Reach {
    /// Of a multiaddr. A name in it may lead anywhere.
    fn of(address: &str) -> Self {
        let mut parts = address.split('/').skip(1);
        let (protocol, host) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (true, Ok(ip)) = (matches!(protocol, "ip4" | "ip6"), host.parse::<IpAddr>()) else {
            return Self::World;
        };
        let local = match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        };
        match ip.is_loopback() {
            true => Self::Machine,
            false if local => Self::Local,
            false => Self::World,
        }
    }
    /// The end of a message's key.
    fn key(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Local => "local",
            Self::World => "world",
        }
    }
}

/// A device that is connected.
struct Peer {
    device: DeviceId,
    author: Option<AuthorId>,
    name: Option<Name>,
    transport: String,
    reach: &'static str,
    incoming: bool,
    rtt_ms: Option<u64>,
}

/// An address to give to others.
struct Given {
    address: String,
    reach: &'static str,
}

/// Bytes of one kind of talk.
struct Traffic {
    key: &'static str,
    came: u64,
    went: u64,
}

/// How much there is of something: the end of a message's key, and a number.
struct Kept {
    key: &'static str,
    count: u64,
}

/// Something that was looked at.
struct Check {
    good: bool,
    /// What, and what is known of it.
    title: String,
    says: String,
    /// What to do if it is not good.
    next: String,
}

#[derive(Template)]
#[template(path = "html/network.html")]
struct NetworkScreen<'a> {
    page: &'a Page,
    verdict: &'static str,
    /// How far away the one is who has reached this node from farthest.
    reached: &'static str,
    peers: Vec<Peer>,
    given: Vec<Given>,
    traffic: Vec<Traffic>,
    kept: Vec<Kept>,
    sizes: Vec<Kept>,
    checks: Vec<Check>,
}

impl NetworkScreen<'_> {
    fn is_good(&self) -> bool {
        self.verdict == "reached"
    }
    fn verdict_key(&self) -> String {
        format!("network-{}", self.verdict)
    }
    fn next_key(&self) -> String {
        format!("network-{}-next", self.verdict)
    }
    fn reached_key(&self) -> String {
        format!("network-reached-{}", self.reached)
    }
    fn reach_key(&self, reach: &str) -> String {
        format!("reach-{reach}")
    }
    fn given_key(&self, reach: &str) -> String {
        format!("given-{reach}")
    }
    fn number(&self, count: &u64) -> String {
        words::number_grouped(self.page.look.lang, *count)
    }
    fn all_good(&self) -> bool {
        self.checks.iter().all(|check| check.good)
    }
}

/// `GET /network`
pub(super) async fn network(page: Page) -> Result<Response, Problem> {
    let status = page.app.node.status().await;
    let dir = page.app.dir.clone();
    let (sizes, room) = blocking(move || (sizes(&dir), room(&dir))).await?;
    let connected: Vec<PeerStatus> = status.peers;
    let device = page.app.node.device();
    let (peers, last, past) = page
        .app
        .read(move |records| {
            let mut peers = Vec::with_capacity(connected.len());
            for peer in connected {
                let name = match &peer.author {
                    Some(author) => feed::name(records, author)?,
                    None => None,
                };
                peers.push(Peer {
                    device: peer.device,
                    author: peer.author,
                    name,
                    reach: Reach::of(&peer.address).key(),
                    transport: peer.transport,
                    incoming: peer.incoming,
                    rtt_ms: peer.rtt_ms,
                });
            }
            let newest = view::newest_event(records)?;
            let last = view::events(records, newest.saturating_sub(1), 1)?.pop();
            Ok((peers, last.map(|event| event.at.0), own_past(records, &device)?))
        })
        .await?;
    let mut given: Vec<(Reach, String)> = status
        .listen
        .into_iter()
        .map(|address| (Reach::of(&address), address))
        .collect();
    // What helps those farthest away first.
    given.sort_by_key(|(reach, _)| std::cmp::Reverse(*reach));
    let reached = peers.iter().filter(|peer| peer.incoming).map(|peer| peer.reach);
    let reached = ["world", "local", "machine"]
        .into_iter()
        .find(|reach| reached.clone().any(|known| known == *reach));
    let verdict = match (given.is_empty(), peers.is_empty(), reached) {
        (true, ..) => "deaf",
        (_, true, _) => "alone",
        (.., Some(_)) => "reached",
        (.., None) => "outward",
    };
    let counter = |name: &str| {
        let found = status.counters.iter().find(|(known, ..)| known == name);
        found.map_or(0, |(.., value)| *value)
    };
    let traffic = vec![
        Traffic {
            key: "traffic-gossip",
            came: counter("souk_gossip_bytes_in"),
            went: counter("souk_gossip_bytes_published"),
        },
        Traffic {
            key: "traffic-requests",
            came: counter("souk_request_bytes_in"),
            went: counter("souk_request_bytes_out"),
        },
    ];
    let checks = checks(&page, &given, &peers, room, last, past);
    page.show(&NetworkScreen {
        page: &page,
        verdict,
        reached: reached.unwrap_or_default(),
        peers,
        given: given
            .into_iter()
            .map(|(reach, address)| Given {
                address,
                reach: reach.key(),
            })
            .collect(),
        traffic,
        kept: kept(&page),
        sizes,
        checks,
    })
}

fn sizes(dir: &Path) -> Vec<Kept> {
    let (store, search, all) = (
        bytes_below(&dir.join(STORE)),
        bytes_below(&dir.join(SEARCH)),
        bytes_below(dir),
    );
    [
        ("bytes-store", store),
        ("bytes-search", search),
        ("bytes-all", all),
    ]
    .into_iter()
    .map(|(key, count)| Kept { key, count })
    .collect()
}

/// Bytes that the disk of a directory still has for this program, if the system says so.
#[cfg(unix)]
fn room(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}

/// Rows of the store, as a person would name them.
fn kept(page: &Page) -> Vec<Kept> {
    const KINDS: [(&str, &[Tree]); 9] = [
        ("kept-said", &[Tree::Log]),
        ("kept-state", &[Tree::State]),
        ("kept-orders", &[Tree::Orders]),
        ("kept-tabs", &[Tree::Tabs]),
        ("kept-follows", &[Tree::Follows]),
        ("kept-waiting", &[Tree::Outbox]),
        ("kept-own", &[Tree::Drafts, Tree::Addresses]),
        ("kept-events", &[Tree::Events]),
        ("kept-proofs", &[Tree::Equivocations]),
    ];
    let counts = page.app.node.records().counts();
    let kept = KINDS.into_iter().map(|(key, trees)| Kept {
        key,
        count: trees
            .iter()
            .filter_map(|tree| counts.get(tree))
            .copied()
            .fold(0, u64::saturating_add),
    });
    kept.filter(|kept| kept.count > 0).collect()
}

fn checks(
    page: &Page,
    given: &[(Reach, String)],
    peers: &[Peer],
    room: Option<u64>,
    last: Option<u64>,
    past: Option<Past>,
) -> Vec<Check> {
    let check = |key: &str, good: bool, says: String| Check {
        good,
        title: page.t(&format!("check-{key}")),
        says,
        next: match good {
            true => String::new(),
            false => page.t(&format!("check-{key}-next")),
        },
    };
    let rows: u64 = page
        .app
        .node
        .records()
        .counts()
        .values()
        .fold(0, |sum, rows| sum.saturating_add(*rows));
    // The request came through the one, and was drawn from the other: had either failed, no page would be here.
    let mut checks = vec![
        check("api", true, page.app.url.clone()),
        check("store", true, page.t1("check-store-rows", "count", rows)),
    ];
    if let Some(room) = room {
        checks.push(check("room", room >= ROOM_BYTES_LOW, page.size(&room)));
    }
    let believed = page.app.node.believes_clock();
    checks.push(check("clock", believed, page.date_time(&page.now)));
    checks.push(check(
        "listening",
        !given.is_empty(),
        page.t1("check-addresses", "count", given.len()),
    ));
    checks.push(check(
        "peers",
        !peers.is_empty(),
        page.t1("check-devices", "count", peers.len()),
    ));
    let lately = last.map_or_else(|| page.t("check-nothing-yet"), |at| page.ago(&at));
    checks.push(check("event", last.is_some(), lately));
    if let Some(past) = past {
        checks.push(check(
            "past",
            past == Past::Settled,
            page.t(&format!("past-{}", past_key(past))),
        ));
    }
    checks
}

/// The end of the keys of messages about a past.
pub(super) fn past_key(past: Past) -> &'static str {
    match past {
        Past::Restored => "restored",
        Past::Copied => "copied",
        Past::Settled => "settled",
        Past::Outdated => "outdated",
        Past::Revoked => "revoked",
    }
}

/// Dials an address.
pub(super) async fn dial(page: &Page, form: &Form) -> Result<Done, Problem> {
    let dialled = page.app.node.dial(form.text("address")).await;
    dialled.map_err(|error| Problem::Unreachable(error.to_string()))?;
    Ok(Done::here("dialled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_as_far_as_it_leads() {
        for (address, reach) in [
            ("/ip4/127.0.0.1/udp/1/quic-v1", Reach::Machine),
            ("/ip6/::1/tcp/1", Reach::Machine),
            ("/ip4/192.168.1.5/udp/1/quic-v1", Reach::Local),
            ("/ip4/10.0.0.1/tcp/1", Reach::Local),
            ("/ip6/fe80::1/tcp/1", Reach::Local),
            ("/ip4/203.0.113.9/udp/1/quic-v1", Reach::World),
            ("/ip6/2001:db8::1/tcp/1", Reach::World),
            ("/dns4/node.example/tcp/1", Reach::World),
        ] {
            assert_eq!(Reach::of(address), reach, "{address}");
        }
    }
}
