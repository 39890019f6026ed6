//! What happened and what was refused, counted by kind; read by the node's `/metrics`.
//!
//! Counters only grow and start from zero with the process. Each is one relaxed atomic: a reading is a
//! set of numbers that were true at about the same time, which is all that a graph needs.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $help:literal])+ $name:ident,)+) => {
        /// Live counters, shared by all parts of the network.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[doc = $help])+ pub(crate) $name: AtomicU64,)+
        }

        /// A reading of all counters.
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
        pub struct Counts {
            $($(#[doc = $help])+ pub $name: u64,)+
        }

        impl Counters {
            /// Reads them all.
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Counts {
            /// Name, meaning and value of each counter, in the order of their declaration.
            pub fn entries(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($help),+).trim_ascii(), self.$name),)+]
            }
        }
    };
}

counters! {
    /// Gossip messages that arrived, with duplicates.
    gossip_received,
    /// Gossip messages that arrived for the first time, on a topic that this node is in.
    gossip_distinct,
    /// Payload bytes of gossip that arrived, with duplicates.
    gossip_bytes_in,
    /// Gossip messages that this node published.
    gossip_published,
    /// Payload bytes that this node published, each message counted once.
    gossip_bytes_published,
    /// Messages accepted and passed on.
    gossip_accepted,
    /// Messages ignored: not passed on, nobody punished.
    gossip_ignored,
    /// Messages rejected: not passed on, the forwarder punished.
    gossip_rejected,
    /// Messages ignored because the driver was behind.
    gossip_overflow,
    /// Messages refused because of their size; the forwarder is punished.
    gossip_too_large,
    /// Messages refused because they carry somebody's key; the forwarder is punished.
    gossip_not_anonymous,
    /// Verdicts that came after the message had left the cache.
    gossip_verdicts_late,
    /// Subscriptions of peers refused because no topic has such a name.
    subscriptions_refused,
    /// Requests sent over the lane.
    requests_lane_out,
    /// Requests sent over a libp2p stream.
    requests_stream_out,
    /// Requests received over the lane.
    requests_lane_in,
    /// Requests received over a libp2p stream.
    requests_stream_in,
    /// Bytes of requests and answers received.
    request_bytes_in,
    /// Bytes of requests and answers sent.
    request_bytes_out,
    /// Our requests that had no answer in time.
    requests_timed_out,
    /// Our requests that were refused, or whose connection broke.
    requests_failed,
    /// Requests of others that the driver refused.
    requests_refused,
    /// Requests of others refused because too many were being worked on.
    requests_busy,
    /// Requests of others that did not come, or whose answers were not read, in time.
    requests_slow,
    /// Frames over a limit, in either direction.
    frames_too_large,
    /// Frames that were cut short, had no known protocol tag, or carried more than they announced.
    frames_malformed,
    /// Lane connections dialled.
    lane_dials,
    /// Lane connections that could not be had.
    lane_dials_failed,
    /// Lane handshakes in which somebody else, or nobody with a good certificate, answered.
    lane_wrong_peer,
    /// Inbound lane connections refused: unknown device or too many handshakes.
    lane_refused,
    /// Dials begun.
    dials,
    /// Dials failed.
    dials_failed,
    /// Connections opened.
    connections_opened,
    /// Connections closed.
    connections_closed,
    /// Inbound connections that failed in their handshake.
    inbound_failed,
    /// Connections refused by a limit on their number.
    connections_refused_number,
    /// Connections refused by a limit per address or subnet.
    connections_refused_address,
    /// Connections closed because the other side is not an ed25519 device.
    connections_refused_key,
    /// Devices that came back as another process while connections with the old one stood.
    restarts_seen,
    /// Addresses that peers claim and that lead nowhere, or are more than one needs.
    addresses_refused,
    /// Records that peers wanted to put into the routing table, which holds none.
    records_refused,
    /// Announcements of providers refused because the table, or its peer's share of it, was full.
    providers_refused,
}

impl Counts {
    /// Gossip messages that arrived again, or too late for a topic that was left.
    pub fn gossip_duplicates(&self) -> u64 {
        self.gossip_received
            .saturating_sub(self.gossip_distinct + self.gossip_too_large + self.gossip_not_anonymous)
    }
}

/// Counts one.
pub(crate) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

/// Counts many.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}
