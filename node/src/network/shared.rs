//! What the handle and the task both hold.

use std::sync::Arc;

use super::{
    carrier::{Turns, Unread},
    counters::Counters,
    device::Device,
    lane::{Lane, LanePorts},
    limits::Limits,
};

/// The parts of a running network that need no swarm.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) device: Device,
    pub(crate) limits: Limits,
    /// Whether nobody is met by searching, see [`Config::closed`](super::Config::closed).
    pub(crate) closed: bool,
    pub(crate) counters: Arc<Counters>,
    pub(crate) lane: Option<Lane>,
    pub(crate) told_ports: LanePorts,
    pub(crate) turns: Turns,
    pub(crate) unread: Unread,
}
