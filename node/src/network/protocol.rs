//! The direct protocols: what they are called, how large their frames are, how long they may take.

use std::{fmt, time::Duration};

use super::limits::Limits;

/// What a direct request is about. Each is a protocol of its own with a version, a limit and a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Protocol {
    /// Catch-up of what the other side holds: `/souk/sync/1`.
    Sync,
    /// Messages of an order: `/souk/order/1`.
    Order,
    /// Steps of a tab: `/souk/tab/1`.
    Tab,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 3] = [Self::Sync, Self::Order, Self::Tab];

    /// Its name on a libp2p stream.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "/souk/sync/1",
            Self::Order => "/souk/order/1",
            Self::Tab => "/souk/tab/1",
        }
    }

    /// Its first byte on the lane.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::Sync => 1,
            Self::Order => 2,
            Self::Tab => 3,
        }
    }

    /// The protocol with this tag.
    pub(crate) fn parse(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.tag() == tag)
    }

    /// Its largest frame, in bytes, without the header.
    pub fn bytes_max(self, limits: &Limits) -> usize {
        match self {
            Self::Sync => limits.sync_bytes_max,
            Self::Order => limits.order_bytes_max,
            Self::Tab => limits.tab_bytes_max,
        }
    }

    /// Its deadline in milliseconds.
    pub fn deadline_ms(self, limits: &Limits) -> u64 {
        match self {
            Self::Sync => limits.sync_deadline_ms,
            Self::Order => limits.order_deadline_ms,
            Self::Tab => limits.tab_deadline_ms,
        }
    }

    pub(crate) fn deadline(self, limits: &Limits) -> Duration {
        Duration::from_millis(self.deadline_ms(limits))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_its_own_tag() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::parse(protocol.tag()), Some(protocol));
        }
        assert_eq!(Protocol::parse(0), None);
    }
}
