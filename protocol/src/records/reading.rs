//! Typed readings of the trees: rows back to what was kept. Each envelope is held against its id, so a
//! flipped bit is noticed and never read as truth. Described in `spec/store.md`.

use super::{Fault, Range, Records, Row, Tree, device_key, log_key, state_key};
use crate::body::Kind;
use crate::envelope::Signed;
use crate::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, TabId};
use crate::limits::PROOFS_PER_AUTHOR_MAX;

/// The bytes of two envelopes.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What is in a row of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRow {
    /// An envelope.
    Envelope(Box<Signed>),
    /// One of a kind that this version does not know.
    Skipped(EnvelopeId),
}

impl LogRow {
    /// The envelope's id.
    pub fn id(&self) -> EnvelopeId {
        match self {
            Self::Envelope(envelope) => envelope.id(),
            Self::Skipped(id) => *id,
        }
    }
}

/// Typed readings of the trees.
impl dyn Records + '_ {
    fn damaged(tree: Tree, key: &[u8], reason: impl ToString) -> Fault {
        Fault::Damaged {
            tree: tree.name(),
            key: data_encoding::HEXLOWER.encode(key),
            reason: reason.to_string(),
        }
    }

    fn reopen(tree: Tree, (key, value): &Row) -> Result<Signed, Fault> {
        let (id, bytes) = value
            .split_at_checked(EnvelopeId::LEN)
            .ok_or_else(|| Self::damaged(tree, key, "it is too short"))?;
        let actual = EnvelopeId::of(bytes);
        if actual.as_bytes() != id {
            return Err(Self::damaged(tree, key, "its bytes do not have its id"));
        }
        Signed::reopen(actual, bytes).map_err(|error| Self::damaged(tree, key, error))
    }

    fn reopen_all(tree: Tree, rows: &[Row]) -> Result<Vec<Signed>, Fault> {
        rows.iter().map(|row| Self::reopen(tree, row)).collect()
    }

    /// The row of a device's log at a number.
    pub fn log_row(&self, device: &DeviceId, seq: u64) -> Result<Option<LogRow>, Fault> {
        let key = log_key(device, seq);
        self.get(Tree::Log, &key)?
            .map(|value| Self::log_row_of(&(key, value)))
            .transpose()
    }

    fn log_row_of(row: &Row) -> Result<LogRow, Fault> {
        if let Ok(id) = EnvelopeId::from_slice(&row.1) {
            return Ok(LogRow::Skipped(id));
        }
        Ok(LogRow::Envelope(Box::new(Self::reopen(Tree::Log, row)?)))
    }

    /// The head of a device's log: its last number and the envelope there.
    pub fn log_head(&self, device: &DeviceId) -> Result<Option<(u64, EnvelopeId)>, Fault> {
        let rows = self.scan(Tree::Log, &Range::of(device.as_bytes().as_slice(), 1).down())?;
        let Some((key, value)) = rows.first() else {
            return Ok(None);
        };
        let bad = || Self::damaged(Tree::Log, key, "its key or value is cut");
        let seq = key
            .last_chunk::<8>()
            .map(|seq| u64::from_be_bytes(*seq))
            .ok_or_else(bad)?;
        let id = value
            .get(..EnvelopeId::LEN)
            .and_then(|id| EnvelopeId::from_slice(id).ok())
            .ok_or_else(bad)?;
        Ok(Some((seq, id)))
    }

    /// A device's log after a number. Skipped numbers have no bytes here, so they are left out.
    pub fn log_after(&self, device: &DeviceId, seq: u64, limit: usize) -> Result<Vec<Signed>, Fault> {
        let range = Range::of(device.as_bytes().as_slice(), limit).beyond(Some(log_key(device, seq)));
        let mut found = Vec::new();
        for row in self.scan(Tree::Log, &range)? {
            if let LogRow::Envelope(envelope) = Self::log_row_of(&row)? {
                found.push(*envelope);
            }
        }
        Ok(found)
    }

    /// The devices of an author of which a log is held.
    pub fn devices(&self, author: &AuthorId) -> Result<Vec<DeviceId>, Fault> {
        let range = Range::of(author.as_bytes().as_slice(), crate::limits::AUTHOR_DEVICES_MAX);
        let rows = self.scan(Tree::Devices, &range)?;
        Ok(rows
            .iter()
            .filter_map(|(key, _)| key.get(32..).and_then(|device| DeviceId::from_slice(device).ok()))
            .collect())
    }

    /// Each device's newest envelope of a state.
    pub fn state(&self, author: &AuthorId, kind: Kind, key: &[u8]) -> Result<Vec<Signed>, Fault> {
        let range = Range::of(
            state_key(author, kind, key, None),
            crate::limits::AUTHOR_DEVICES_MAX,
        );
        Self::reopen_all(Tree::State, &self.scan(Tree::State, &range)?)
    }

    /// One device's newest envelope of a state.
    pub fn state_of(
        &self,
        author: &AuthorId,
        kind: Kind,
        key: &[u8],
        device: &DeviceId,
    ) -> Result<Option<Signed>, Fault> {
        let slot = state_key(author, kind, key, Some(device));
        let value = self.get(Tree::State, &slot)?;
        value
            .map(|value| Self::reopen(Tree::State, &(slot, value)))
            .transpose()
    }

    /// The state envelope in a slot.
    pub fn state_at(&self, slot: &[u8]) -> Result<Option<Signed>, Fault> {
        let value = self.get(Tree::State, slot)?;
        value
            .map(|value| Self::reopen(Tree::State, &(slot.to_vec(), value)))
            .transpose()
    }

    /// All state envelopes whose slots start with these bytes.
    pub fn states_from(&self, slot: &[u8]) -> Result<Vec<Signed>, Fault> {
        Self::reopen_all(
            Tree::State,
            &self.scan(Tree::State, &Range::of(slot, usize::MAX))?,
        )
    }

    /// The first author beyond a slot of whom any state is held.
    pub fn first_state_author(&self, beyond: Option<Vec<u8>>) -> Result<Option<AuthorId>, Fault> {
        let rows = self.scan(Tree::State, &Range::of([], 1).beyond(beyond))?;
        Ok(rows
            .first()
            .and_then(|(key, _)| key.first_chunk::<32>())
            .copied()
            .map(AuthorId::from_bytes))
    }

    /// The first key of a kind of state beyond a slot.
    pub fn first_state_key(
        &self,
        author: &AuthorId,
        kind: Kind,
        beyond: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let prefix = state_key(author, kind, &[], None);
        let skip = prefix.len();
        let rows = self.scan(Tree::State, &Range::of(prefix, 1).beyond(beyond))?;
        Ok(rows
            .first()
            .and_then(|(key, _)| key.get(skip..))
            .map(<[u8]>::to_vec))
    }

    /// All states of an author, or those of one kind, after a slot: slot and envelope.
    pub fn states(
        &self,
        author: &AuthorId,
        kind: Option<Kind>,
        beyond: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Signed)>, Fault> {
        let prefix = match kind {
            Some(kind) => state_key(author, kind, &[], None),
            None => author.as_bytes().to_vec(),
        };
        let rows = self.scan(Tree::State, &Range::of(prefix, limit).beyond(beyond))?;
        rows.into_iter()
            .map(|row| Ok((row.0.clone(), Self::reopen(Tree::State, &row)?)))
            .collect()
    }

    /// Slot and id of every state of an author, without reading the envelopes.
    pub fn state_ids(&self, author: &AuthorId) -> Result<Vec<(Vec<u8>, EnvelopeId)>, Fault> {
        let rows = self.scan(Tree::State, &Range::of(author.as_bytes().as_slice(), usize::MAX))?;
        rows.into_iter()
            .map(|(key, value)| match value.get(..32).map(EnvelopeId::from_slice) {
                Some(Ok(id)) => Ok((key, id)),
                _ => Err(Self::damaged(Tree::State, &key, "it is too short")),
            })
            .collect()
    }

    /// The `Log` or `Sealed` envelope with an id.
    pub fn envelope(&self, id: &EnvelopeId) -> Result<Option<Signed>, Fault> {
        let Some(place) = self.get(Tree::Place, id.as_bytes())? else {
            return Ok(None);
        };
        let bad = || Self::damaged(Tree::Place, id.as_bytes(), "it names no row");
        let (tree, key) = place.split_first().ok_or_else(bad)?;
        let tree = Tree::from_number(*tree).ok_or_else(bad)?;
        let value = self.get(tree, key)?.ok_or_else(bad)?;
        let envelope = Self::reopen(tree, &(key.to_vec(), value))?;
        Ok(Some(envelope))
    }

    /// Whether the `Log` or `Sealed` envelope with an id is held, without reading what it says.
    pub fn holds(&self, id: &EnvelopeId) -> Result<bool, Fault> {
        let Some(place) = self.get(Tree::Place, id.as_bytes())? else {
            return Ok(false);
        };
        let bad = || Self::damaged(Tree::Place, id.as_bytes(), "it names no row");
        let (tree, key) = place.split_first().ok_or_else(bad)?;
        let tree = Tree::from_number(*tree).ok_or_else(bad)?;
        let value = self.get(tree, key)?.ok_or_else(bad)?;
        match value.starts_with(id.as_bytes()) {
            true => Ok(true),
            false => Err(bad()),
        }
    }

    /// All messages of an order, in the order of their ids.
    pub fn order(&self, order: &OrderId) -> Result<Vec<Signed>, Fault> {
        let range = Range::of(order.as_bytes().as_slice(), usize::MAX);
        Self::reopen_all(Tree::Order, &self.scan(Tree::Order, &range)?)
    }

    /// All messages of a tab, in the order of their ids.
    pub fn tab(&self, tab: &TabId) -> Result<Vec<Signed>, Fault> {
        let range = Range::of(tab.as_bytes().as_slice(), usize::MAX);
        Self::reopen_all(Tree::Tab, &self.scan(Tree::Tab, &range)?)
    }

    /// Messages of orders or of tabs, whoever's they are, each with its key.
    pub fn sealed(&self, tree: Tree, range: &Range) -> Result<Vec<(Vec<u8>, Signed)>, Fault> {
        let rows = self.scan(tree, range)?;
        rows.into_iter()
            .map(|row| Ok((row.0.clone(), Self::reopen(tree, &row)?)))
            .collect()
    }

    /// Envelopes named by the last 32 bytes of the keys of an index.
    fn indexed(&self, tree: Tree, range: &Range) -> Result<Vec<Signed>, Fault> {
        let mut found = Vec::new();
        for (key, _) in self.scan(tree, range)? {
            let id = key.last_chunk::<32>().copied().map(EnvelopeId::from_bytes);
            let id = id.ok_or_else(|| Self::damaged(tree, &key, "its key is cut"))?;
            match self.envelope(&id)? {
                Some(envelope) => found.push(envelope),
                None => {
                    return Err(Self::damaged(
                        tree,
                        &key,
                        "it names an envelope that is not there",
                    ));
                }
            }
        }
        Ok(found)
    }

    /// Vouches for a subject, oldest first.
    pub fn vouches(&self, subject: &AuthorId, limit: usize) -> Result<Vec<Signed>, Fault> {
        self.indexed(Tree::Vouches, &Range::of(subject.as_bytes().as_slice(), limit))
    }

    /// Reviews of a listing, newest first.
    pub fn reviews(
        &self,
        merchant: &AuthorId,
        listing: &ListingId,
        limit: usize,
    ) -> Result<Vec<Signed>, Fault> {
        let about = [merchant.as_bytes().as_slice(), listing.as_bytes()].concat();
        self.indexed(Tree::Reviews, &Range::of(about, limit).down())
    }

    /// Replies or reactions to a post, oldest first.
    pub fn answers(&self, post: &EnvelopeId, kind: Kind, limit: usize) -> Result<Vec<Signed>, Fault> {
        let about = [post.as_bytes().as_slice(), &[kind as u8]].concat();
        self.indexed(Tree::Answers, &Range::of(about, limit))
    }

    /// What was said in public, newest first, before a place in the timeline: place and envelope.
    pub fn timeline(&self, before: Option<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Signed)>, Fault> {
        let rows = self.scan(Tree::Timeline, &Range::of([], limit).down().beyond(before))?;
        let mut found = Vec::new();
        for (key, _) in rows {
            let id = key.last_chunk::<32>().copied().map(EnvelopeId::from_bytes);
            let id = id.ok_or_else(|| Self::damaged(Tree::Timeline, &key, "its key is cut"))?;
            if let Some(envelope) = self.envelope(&id)? {
                found.push((key, envelope));
            }
        }
        Ok(found)
    }

    /// The last number of a device that counts, if the device was revoked.
    pub fn revocation(&self, author: &AuthorId, device: &DeviceId) -> Result<Option<u64>, Fault> {
        let key = device_key(author, device);
        let Some(value) = self.get(Tree::Revoked, &key)? else {
            return Ok(None);
        };
        let seq = value
            .try_into()
            .map_err(|_| Self::damaged(Tree::Revoked, &key, "it is no number"))?;
        Ok(Some(u64::from_be_bytes(seq)))
    }

    /// Whether an author is known to have revoked a device.
    pub fn has_revoked(&self, author: &AuthorId) -> Result<bool, Fault> {
        let range = Range::of(author.as_bytes().as_slice(), 1);
        Ok(!self.scan(Tree::Revoked, &range)?.is_empty())
    }

    /// The devices that an author is known to have revoked.
    pub fn revoked_devices(&self, author: &AuthorId) -> Result<Vec<DeviceId>, Fault> {
        let rows = self.scan(
            Tree::Revoked,
            &Range::of(author.as_bytes().as_slice(), usize::MAX),
        )?;
        let devices = rows
            .iter()
            .filter_map(|(key, _)| DeviceId::from_slice(key.get(32..)?).ok());
        Ok(devices.collect())
    }

    /// Whether a proof is held that a device gave this number twice.
    pub fn has_proof(&self, device: &DeviceId, seq: u64) -> Result<bool, Fault> {
        Ok(self.get(Tree::Equivocations, &log_key(device, seq))?.is_some())
    }

    /// The two envelopes of a proof, as they came.
    pub fn proof(&self, device: &DeviceId, seq: u64) -> Result<Option<Pair>, Fault> {
        let key = log_key(device, seq);
        let Some(value) = self.get(Tree::Equivocations, &key)? else {
            return Ok(None);
        };
        let bad = || Self::damaged(Tree::Equivocations, &key, "it is no pair");
        let (length, both) = value.split_first_chunk::<4>().ok_or_else(bad)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (first, second) = both.split_at_checked(length).ok_or_else(bad)?;
        Ok(Some((first.to_vec(), second.to_vec())))
    }

    /// Which devices of an author gave which numbers twice, as far as it is proved here.
    pub fn proofs_of(&self, author: &AuthorId) -> Result<Vec<(DeviceId, u64)>, Fault> {
        // Of a root key that speaks for itself the proofs stand at the same beginning.
        let range = Range::of(author.as_bytes().as_slice(), 2 * PROOFS_PER_AUTHOR_MAX);
        let rows = self.scan(Tree::Equivocations, &range)?;
        let place = |key: &[u8]| {
            let (device, seq) = key.get(AuthorId::LEN..)?.split_last_chunk::<8>()?;
            Some((DeviceId::from_slice(device).ok()?, u64::from_be_bytes(*seq)))
        };
        Ok(rows.iter().filter_map(|(key, _)| place(key)).collect())
    }

    /// Whether it is proved that one of an author's devices said two things under one number, and the author
    /// has not taken both back by a revocation.
    pub fn has_equivocated(&self, author: &AuthorId) -> Result<bool, Fault> {
        Ok(!self.proofs_of(author)?.is_empty())
    }
}
