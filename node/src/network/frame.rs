//! Frames: the bytes of a request and of its answer, the same on both carriers.
//!
//! ```text
//! request:  [tag u8, lane only] [length u32 big-endian] [length bytes]
//! answer:   [status u8]         [length u32 big-endian] [length bytes]
//! ```
//! The sender closes its side of the stream after the frame. A length over the protocol's limit is
//! refused before a byte of the body is read. `spec/transport.md` has the table of tags and statuses.

/// Bytes before the body, on the lane and in an answer.
pub(crate) const HEADER_BYTES: usize = 5;
/// Bytes of the length alone, as a request on a libp2p stream has it.
pub(crate) const LENGTH_BYTES: usize = 4;

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// The body is the answer.
    Answered = 0,
    /// The other side does not want to answer.
    Refused = 1,
    /// The other side has too much to do.
    Busy = 2,
    /// The request was over the other side's limit.
    TooLarge = 3,
    /// The request was no frame of the protocol, or its tag is not known there.
    Malformed = 4,
}

impl Outcome {
    /// The status byte's meaning; none if it is not known.
    pub(crate) fn parse(byte: u8) -> Option<Self> {
        [
            Self::Answered,
            Self::Refused,
            Self::Busy,
            Self::TooLarge,
            Self::Malformed,
        ]
        .into_iter()
        .find(|outcome| *outcome as u8 == byte)
    }
}

/// An answer as it travels: how it ended, and its body, which is empty unless it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn bare(outcome: Outcome) -> Self {
        Self {
            outcome,
            body: Vec::new(),
        }
    }

    /// The answer with this body.
    pub(crate) fn of(body: Vec<u8>) -> Self {
        Self {
            outcome: Outcome::Answered,
            body,
        }
    }
}

/// Header of a frame: its first byte (tag or status) and the length of its body.
///
/// Lengths are checked against a limit of a few MiB before, so they fit.
pub(crate) fn header(first: u8, length: usize) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = length_prefix(length);
    [first, a, b, c, d]
}

/// The length alone.
pub(crate) fn length_prefix(length: usize) -> [u8; LENGTH_BYTES] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// Splits a header into its first byte and its length.
pub(crate) fn parse_header(bytes: [u8; HEADER_BYTES]) -> (u8, usize) {
    let [first, a, b, c, d] = bytes;
    (first, parse_length([a, b, c, d]))
}

/// The length that a prefix announces.
pub(crate) fn parse_length(bytes: [u8; LENGTH_BYTES]) -> usize {
    u32::from_be_bytes(bytes) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written() {
        assert_eq!(header(3, 0x0102_0304), [3, 1, 2, 3, 4]);
        assert_eq!(parse_header([3, 1, 2, 3, 4]), (3, 0x0102_0304));
    }

    #[test]
    fn an_unknown_status_is_no_outcome() {
        assert_eq!(Outcome::parse(4), Some(Outcome::Malformed));
        assert_eq!(Outcome::parse(5), None);
    }
}
