//! One error for each act of the network that can fail, saying what was expected and what came.

use std::net::SocketAddr;

use super::{
    device::{Device, device_text},
    protocol::Protocol,
};

/// Why the network could not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No address could be bound, and at least one of them because somebody else holds the port.
    #[error("{transport} port {} on {} is taken by another program", addr.port(), addr.ip())]
    PortTaken {
        /// `tcp` or `quic` or `lane`.
        transport: &'static str,
        /// The address asked for.
        addr: SocketAddr,
    },
    /// No address could be bound, for other reasons; each is named.
    #[error("no transport could listen: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NothingBinds(Vec<ListenError>),
    /// The configuration names nothing to listen on.
    #[error("nothing to listen on: expected at least one address, got none")]
    NothingToListenOn,
    /// A configured peer or external address does not parse.
    #[error("configured address: {0}")]
    Address(#[source] DialError),
    /// The secret key was refused.
    #[error("device key is not a valid ed25519 secret key")]
    Key,
    /// The runtime, TLS or a behaviour could not be set up.
    #[error("could not set up {what}: {reason}")]
    Setup {
        /// The part that failed.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}

/// Why one address is not listened on. Others may be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ListenError {
    /// Somebody else holds the port.
    #[error("{transport} port {} on {} is taken by another program", addr.port(), addr.ip())]
    PortTaken {
        /// `tcp`, `quic` or `lane`.
        transport: &'static str,
        /// The address asked for.
        addr: SocketAddr,
    },
    /// Anything else: no IPv6 here, no permission.
    #[error("cannot listen with {transport} on {addr}: {reason}")]
    Other {
        /// `tcp`, `quic` or `lane`.
        transport: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        reason: String,
    },
}

/// Why a peer could not be reached.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DialError {
    /// The text is no address that this node can dial.
    #[error("bad address {addr}: {reason}")]
    BadAddress {
        /// The text given.
        addr: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address does not say who is expected there.
    #[error("address {addr} has no /p2p/<id> at its end, so there is no telling who should answer")]
    NoDevice {
        /// The text given.
        addr: String,
    },
    /// The id is not an ed25519 key.
    #[error("{id} is not the id of a device: expected an ed25519 key")]
    NotADevice {
        /// The id given.
        id: String,
    },
    /// It is this node.
    #[error("that is this device itself")]
    Myself,
    /// Nothing answers.
    #[error("{} is unreachable: {reason}", device_text(.device))]
    Unreachable {
        /// Who was dialled.
        device: Device,
        /// Each address with what went wrong.
        reason: String,
    },
    /// Somebody else answers.
    #[error("wrong peer: expected {}, got {actual}", device_text(.expected))]
    WrongPeer {
        /// Who was dialled.
        expected: Device,
        /// Who answered.
        actual: String,
    },
    /// No answer came in time.
    #[error("{} did not answer within {deadline_ms} ms", device_text(.device))]
    TimedOut {
        /// Who was dialled.
        device: Device,
        /// The deadline.
        deadline_ms: u64,
    },
    /// Nobody whom we asked knows a way to it, or the ways that they know do not lead there.
    #[error("{} was not found: no peer knows an address where it answers", device_text(.device))]
    NotFound {
        /// Who was looked for.
        device: Device,
    },
    /// Our own limits forbid one more connection.
    #[error("connection refused by a limit of this node: {reason}")]
    Limit {
        /// Which limit.
        reason: String,
    },
    /// The network was shut down.
    #[error("the network is shut down")]
    Stopped,
}

/// Why a topic was not joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// Peers would ignore all our topics beyond this.
    #[error("too many topics: at most {limit}, already in {actual}")]
    TooMany {
        /// Topics joined.
        actual: usize,
        /// The network-wide cap.
        limit: usize,
    },
    /// The name is too long or empty.
    #[error("topic name of {actual} bytes: expected 1 to {limit}")]
    Name {
        /// Its length.
        actual: usize,
        /// The greatest length.
        limit: usize,
    },
    /// The network was shut down.
    #[error("the network is shut down")]
    Stopped,
}

/// Why nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The payload is too large for gossip.
    #[error("gossip of {actual} bytes: at most {limit}")]
    TooLarge {
        /// Its size in bytes.
        actual: usize,
        /// The greatest size in bytes.
        limit: usize,
    },
    /// The name is too long or empty.
    #[error("topic name of {actual} bytes: expected 1 to {limit}")]
    Name {
        /// Its length.
        actual: usize,
        /// The greatest length.
        limit: usize,
    },
    /// No connected peer is in the topic. Not a fault: whoever comes later catches up by sync.
    #[error("no connected peer is in this topic")]
    NoPeers,
    /// These bytes went out on this topic a moment ago.
    #[error("the same bytes were already published or received on this topic")]
    Duplicate,
    /// Every peer's queue is full.
    #[error("the queues of all {peers} peers are full")]
    QueuesFull {
        /// How many peers there were.
        peers: usize,
    },
    /// The network was shut down.
    #[error("the network is shut down")]
    Stopped,
}

/// Why a key was not announced or its providers not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvideError {
    /// The table of provided keys is full.
    #[error("too many provided keys: at most {limit}")]
    TooMany {
        /// The cap.
        limit: usize,
    },
    /// The search took too long.
    #[error("no answer from the routing table within {deadline_ms} ms")]
    TimedOut {
        /// The deadline.
        deadline_ms: u64,
    },
    /// The network was shut down.
    #[error("the network is shut down")]
    Stopped,
}

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// Our own frame is over the protocol's limit; nothing was sent.
    #[error("{protocol} request of {actual} bytes: at most {limit}")]
    TooLarge {
        /// The protocol.
        protocol: Protocol,
        /// Its size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The other side says that our frame is over its limit.
    #[error("{protocol} request of {actual} bytes is too large for the other side")]
    TooLargeThere {
        /// The protocol.
        protocol: Protocol,
        /// Its size in bytes.
        actual: usize,
    },
    /// The other side sent an answer over the protocol's limit.
    #[error("{protocol} answer of {actual} bytes: at most {limit}")]
    AnswerTooLarge {
        /// The protocol.
        protocol: Protocol,
        /// Its announced size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no connection and none could be made.
    #[error("not connected: {0}")]
    Unreachable(#[from] DialError),
    /// The other side refuses to answer.
    #[error("the other side refused this {protocol} request")]
    Refused {
        /// The protocol.
        protocol: Protocol,
    },
    /// The other side works on too many requests.
    #[error("the other side is busy with other requests")]
    Busy,
    /// The other side does not speak the protocol.
    #[error("the other side does not speak {protocol}")]
    Unsupported {
        /// The protocol.
        protocol: Protocol,
    },
    /// No answer in time. Whether the request was heard is unknown.
    #[error("no answer to the {protocol} request within {deadline_ms} ms")]
    TimedOut {
        /// The protocol.
        protocol: Protocol,
        /// The deadline.
        deadline_ms: u64,
    },
    /// The connection broke after the request was sent. Whether it was heard is unknown.
    #[error("the connection was lost before the answer came: {reason}")]
    Lost {
        /// What broke.
        reason: String,
    },
    /// The answer is not a frame of this protocol.
    #[error("malformed answer: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The network was shut down.
    #[error("the network is shut down")]
    Stopped,
}

/// Why an answer did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The answer is over the protocol's limit; the asker is told that it was refused.
    #[error("{protocol} answer of {actual} bytes: at most {limit}")]
    TooLarge {
        /// The protocol.
        protocol: Protocol,
        /// Its size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Nobody waits any more: the deadline passed or the connection broke.
    #[error("the asker is gone")]
    Gone,
}
