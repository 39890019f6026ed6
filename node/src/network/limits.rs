//! Every bound of the network layer, by name.
//!
//! They stand together so that one page answers "how much can a stranger make this node hold?". What a
//! user may change is in [`Limits`]; what all nodes must agree on is a constant. `spec/transport.md` and
//! `spec/gossip.md` repeat them with their reasons.

/// Topics one peer may be subscribed to. All nodes must agree: a peer over the cap is ignored by
/// those with a lower one, without an error anywhere.
pub const TOPICS_MAX: usize = souk_protocol::limits::TOPICS_MAX;
/// Length of a topic's name, in bytes.
pub const TOPIC_BYTES_MAX: usize = 96;
/// Payload of one gossip message, in bytes: an envelope.
pub const GOSSIP_BYTES_MAX: usize = souk_protocol::limits::GOSSIP_BYTES_MAX;
/// What the decoder may hold of one peer's gossip, in bytes. gossipsub measures its whole read buffer
/// against this, so it is the largest RPC and the bytes that were read behind it.
pub const GOSSIP_FRAME_BYTES_MAX: usize = 64 * 1024;
/// Subscriptions and control messages of one RPC, in bytes. The largest is the list of all our topics
/// that greets a new peer; gossipsub drops the stream of a peer whose greeting is larger.
pub const GOSSIP_CONTROL_BYTES_MAX: usize = 55 * 1024;
/// What is read from a stream at a time, in bytes, and so may lie behind an RPC in the buffer.
const GOSSIP_READ_BYTES: usize = 8 * 1024;
/// What protobuf adds to a topic in the greeting: three field keys with flags, two keys with lengths.
const GOSSIP_TOPIC_FRAMING_BYTES: usize = 10;
/// What protobuf adds to a message beside its topic and its payload.
const GOSSIP_MESSAGE_FRAMING_BYTES: usize = 32;

const _: () = {
    assert!(TOPICS_MAX * (TOPIC_BYTES_MAX + GOSSIP_TOPIC_FRAMING_BYTES) <= GOSSIP_CONTROL_BYTES_MAX);
    assert!(GOSSIP_CONTROL_BYTES_MAX + GOSSIP_READ_BYTES < GOSSIP_FRAME_BYTES_MAX);
    let message = GOSSIP_BYTES_MAX + TOPIC_BYTES_MAX + GOSSIP_MESSAGE_FRAMING_BYTES;
    assert!(message + GOSSIP_READ_BYTES < GOSSIP_FRAME_BYTES_MAX);
};

/// Heartbeats for which a message waits in the cache for its verdict.
pub const GOSSIP_HISTORY_HEARTBEATS: usize = 10;
/// How long a message's id is remembered.
pub const GOSSIP_SEEN_MS: u64 = 120_000;

/// Requests of one device that this node works on at once, over both carriers.
pub const REQUESTS_PER_DEVICE_MAX: usize = 16;
/// Requests of all devices that this node works on at once.
pub const REQUESTS_MAX: usize = 256;
/// Bytes of answers that one device has asked for and not taken yet, over both carriers.
pub const UNREAD_BYTES_PER_DEVICE_MAX: usize = 4 * 1024 * 1024;
/// Bytes of answers that all devices have asked for and not taken yet; beyond either they are told "busy".
pub const UNREAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Events waiting for the driver; beyond it gossip is ignored and requests are told "busy".
pub const EVENTS_MAX: usize = 1024;
/// Commands of the driver waiting for the swarm.
pub const COMMANDS_MAX: usize = 1024;

/// Handshakes on the lane going on at once; further ones are refused.
pub const LANE_HANDSHAKES_MAX: usize = 32;
/// Lane connections kept with one device: one dialled by each side, and one for a restart.
pub const LANES_PER_DEVICE_MAX: usize = 3;
/// How long a request waits for a lane before it takes the fallback.
pub const LANE_DIAL_MS: u64 = 1_000;
/// How long a lane that could not be had is not tried again.
pub const LANE_RETRY_MS: u64 = 60_000;
/// A lane without any packet for so long is closed.
pub const LANE_IDLE_MS: u64 = 30_000;
/// A packet is sent on an idle lane this often.
pub const LANE_KEEP_ALIVE_MS: u64 = 10_000;
/// Unread bytes of one lane stream.
pub const LANE_STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Unread bytes of one lane connection.
pub const LANE_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// How long one dial may take.
pub const DIAL_MS: u64 = 10_000;
/// How long one search in the routing table may take.
pub const LOOKUP_MS: u64 = 15_000;
/// Shortest and longest pause before a configured peer is dialled again.
pub const REDIAL_MS_MIN: u64 = 2_000;
/// See [`REDIAL_MS_MIN`].
pub const REDIAL_MS_MAX: u64 = 300_000;
/// A connection that nothing uses is closed after this time.
pub const IDLE_MS: u64 = 300_000;
/// How long a clean shutdown waits for its goodbyes.
pub const SHUTDOWN_MS: u64 = 1_000;
/// How long after it the ports may still be held: three of QUIC's probe timeouts, of a connection that
/// had no time to measure its round trip.
pub const RELEASE_MS: u64 = 5_000;

/// Inbound handshakes going on at once.
pub const HANDSHAKES_INBOUND_MAX: u32 = 64;
/// Connections with one device, both directions.
pub const CONNECTIONS_PER_DEVICE_MAX: u32 = 4;
/// Addresses remembered for one peer out of what it says about itself.
pub const ADDRESSES_PER_PEER_MAX: usize = 16;
/// Length of a peer's agent string that is read, in bytes.
pub const AGENT_BYTES_MAX: usize = 128;
/// Keys in the table of providers.
pub const PROVIDED_KEYS_MAX: usize = 16_384;
/// Keys in the table of providers that one device may be kept for.
pub const PROVIDED_KEYS_PER_DEVICE_MAX: usize = 1_024;
/// Providers kept for one key.
pub const PROVIDERS_PER_KEY_MAX: usize = 20;

/// What the owner of a node may set. The defaults are the network's.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections in all.
    pub connections_max: u32,
    /// Connections that others opened. Lower than all, so that no crowd can keep us from dialling out.
    pub connections_inbound_max: u32,
    /// Connections with one IPv4 address or one IPv6 /64; loopback is exempt.
    pub connections_per_ip_max: usize,
    /// Connections with one IPv4 /24 or one IPv6 /48; loopback is exempt.
    pub connections_per_subnet_max: usize,
    /// Whether the limits by address leave loopback out. Whoever wants them kept on one machine says no.
    pub loopback_exempt: bool,
    /// Largest frame of [`Protocol::Sync`](super::Protocol::Sync), in bytes.
    pub sync_bytes_max: usize,
    /// Largest frame of [`Protocol::Order`](super::Protocol::Order), in bytes.
    pub order_bytes_max: usize,
    /// Largest frame of [`Protocol::Tab`](super::Protocol::Tab), in bytes.
    pub tab_bytes_max: usize,
    /// Deadline of a sync request, from its first byte to the last of its answer.
    pub sync_deadline_ms: u64,
    /// Deadline of an order request.
    pub order_deadline_ms: u64,
    /// Deadline of a tab request.
    pub tab_deadline_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 128,
            connections_inbound_max: 96,
            connections_per_ip_max: 4,
            connections_per_subnet_max: 8,
            loopback_exempt: true,
            sync_bytes_max: souk_protocol::limits::SYNC_FRAME_BYTES_MAX,
            order_bytes_max: souk_protocol::limits::ORDER_FRAME_BYTES_MAX,
            tab_bytes_max: souk_protocol::limits::TAB_FRAME_BYTES_MAX,
            sync_deadline_ms: 30_000,
            order_deadline_ms: 15_000,
            tab_deadline_ms: 15_000,
        }
    }
}
