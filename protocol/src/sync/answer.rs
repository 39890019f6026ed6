//! What a node answers to the questions of the sync protocol, packed until a frame is full. Described in
//! `spec/sync.md`.

use super::{FRAME_MARGIN, Pulled, Raw, Slot};
use crate::body::Kind;
use crate::id::{AuthorId, DeviceId};
use crate::limits::{RECALL_ROWS_MAX, SYNC_ENVELOPES_MAX, SYNC_FRAME_BYTES_MAX};
use crate::records::{Fault, Range, Records, Tree};

/// Answers [`Request::Find`](super::Request::Find): states whose key starts as asked.
pub fn find_answer(records: &dyn Records, slot: &Slot) -> Result<Pulled, Fault> {
    let Some(kind) = Kind::from_name(&slot.kind) else {
        return Ok(Packed::default().whole());
    };
    let mut packed = Packed::default();
    for envelope in records.state(&slot.author, kind, &slot.key)? {
        if !packed.push(envelope.bytes()) {
            return Ok(packed.cut());
        }
    }
    Ok(packed.whole())
}

/// Answers [`Request::Pull`](super::Request::Pull): the logs after their numbers, as much as fits a frame.
pub fn pull_answer(records: &dyn Records, logs: &[(DeviceId, u64)]) -> Result<Pulled, Fault> {
    let mut packed = Packed::default();
    for (device, after) in logs {
        for envelope in records.log_after(device, *after, SYNC_ENVELOPES_MAX)? {
            if !packed.push(envelope.bytes()) {
                return Ok(packed.cut());
            }
        }
    }
    Ok(packed.whole())
}

/// Answers [`Request::Proofs`](super::Request::Proofs): two envelopes for each that is held, as much as fits a frame.
pub fn proofs_answer(records: &dyn Records, forks: &[(DeviceId, u64)]) -> Result<Pulled, Fault> {
    let mut packed = Packed::default();
    for (device, seq) in forks {
        let Some((first, second)) = records.proof(device, *seq)? else {
            continue;
        };
        if !packed.fits(first.len() + second.len() + 10, 2) {
            return Ok(packed.cut());
        }
        packed.push(&first);
        packed.push(&second);
    }
    Ok(packed.whole())
}

/// Answers [`Request::Recall`](super::Request::Recall): what two authors said to each other, as much as fits a frame and as is
/// found among a few rows. Where it ended is a tree and a key in it.
pub fn recall_answer(
    records: &dyn Records,
    one: &AuthorId,
    other: &AuthorId,
    beyond: Option<&[u8]>,
) -> Result<Pulled, Fault> {
    let (from, mut beyond) = match beyond.and_then(<[u8]>::split_first) {
        Some((tree, key)) => (*tree, Some(key.to_vec())),
        None => (0, None),
    };
    let (mut packed, mut looked) = (Packed::default(), 0);
    for tree in [Tree::Order, Tree::Tab] {
        if (tree as u8) < from {
            continue;
        }
        let after = if tree as u8 == from { beyond.take() } else { None };
        for (key, envelope) in records.sealed(tree, &Range::of([], RECALL_ROWS_MAX - looked).beyond(after))? {
            looked += 1;
            let sides = (envelope.author(), envelope.body().to());
            let between = sides == (*one, Some(*other)) || sides == (*other, Some(*one));
            if between && !packed.push(envelope.bytes()) {
                return Ok(packed.cut());
            }
            packed.last = [&[tree as u8], key.as_slice()].concat();
        }
        if looked >= RECALL_ROWS_MAX {
            return Ok(packed.cut());
        }
    }
    Ok(packed.whole())
}

/// Envelopes as far as a frame holds them.
#[derive(Default)]
pub(super) struct Packed {
    envelopes: Vec<Raw>,
    bytes: usize,
    pub(super) last: Vec<u8>,
}

impl Packed {
    pub(super) fn fits(&self, bytes: usize, envelopes: usize) -> bool {
        self.bytes + bytes <= SYNC_FRAME_BYTES_MAX - FRAME_MARGIN
            && self.envelopes.len() + envelopes <= SYNC_ENVELOPES_MAX
    }
    pub(super) fn push(&mut self, envelope: &[u8]) -> bool {
        let bytes = envelope.len() + 5;
        if !self.fits(bytes, 1) {
            return false;
        }
        self.bytes += bytes;
        self.envelopes.push(Raw::from(envelope));
        true
    }
    pub(super) fn cut(self) -> Pulled {
        Pulled {
            envelopes: self.envelopes,
            more: Some(self.last.into()),
        }
    }
    pub(super) fn whole(self) -> Pulled {
        Pulled {
            envelopes: self.envelopes,
            more: None,
        }
    }
}
