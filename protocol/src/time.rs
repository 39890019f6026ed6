//! Time as peers state it. The protocol reads no clock: a node hands in [`Timestamp`]s, and a
//! timestamp in a message is a claim of its author, never a fact. Described in `spec/envelope.md`.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This time and some milliseconds, at most the end of time.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Milliseconds from `earlier` to this time; zero if it is not earlier.
    pub const fn since_ms(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A hybrid timestamp: the author's clock, and a counter that orders what one clock tick cannot.
/// Encoded as the list `[wall_ms, count]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "(u64, u32)", into = "(u64, u32)")]
pub struct Hybrid {
    /// Milliseconds since 1970.
    pub wall_ms: u64,
    /// Orders stamps of one millisecond.
    pub count: u32,
}

impl Hybrid {
    /// The next stamp of an author whose last one is `self`, at a clock that says `now`. Strictly
    /// greater than `self` even when the clock stands still or goes back.
    pub fn next(self, now: Timestamp) -> Self {
        if now.0 > self.wall_ms {
            return Self {
                wall_ms: now.0,
                count: 0,
            };
        }
        match self.count.checked_add(1) {
            Some(count) => Self {
                wall_ms: self.wall_ms,
                count,
            },
            None => Self {
                wall_ms: self.wall_ms.saturating_add(1),
                count: 0,
            },
        }
    }

    /// Twelve bytes that sort as the stamps do.
    pub fn to_sortable(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (wall, count) = bytes.split_at_mut(8);
        wall.copy_from_slice(&self.wall_ms.to_be_bytes());
        count.copy_from_slice(&self.count.to_be_bytes());
        bytes
    }
}

impl From<(u64, u32)> for Hybrid {
    fn from((wall_ms, count): (u64, u32)) -> Self {
        Self { wall_ms, count }
    }
}

impl From<Hybrid> for (u64, u32) {
    fn from(stamp: Hybrid) -> Self {
        (stamp.wall_ms, stamp.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_one_author_grow_whatever_the_clock_does() {
        let mut last = Hybrid::default();
        for now in [5, 5, 4, 0, u64::MAX, 3, 9] {
            let next = last.next(Timestamp(now));
            assert!(next > last && next.to_sortable() > last.to_sortable());
            last = next;
        }
    }
}
