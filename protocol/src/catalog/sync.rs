//! How two devices of a shop bring one document together: automerge's sync protocol, on a stream that
//! the node has authenticated, with the state of each pair kept so that a changed field costs a few
//! hundred bytes.
//!
//! The flags by which automerge offers to send whole documents are taken off, so what travels is
//! plain uncompressed changes, each of which can be counted before it is read (`census`) and whose
//! every operation must be one that an edit writes.

use super::{CatalogError, Shard, census, guarded, key, shard_of};
use crate::id::{DeviceId, ListingId};
use crate::limits::SHARD_MESSAGE_BYTES_MAX;
use automerge::legacy::{Key, ObjectId, OpType};
use automerge::sync::{Message, State, SyncDoc};
use automerge::{Change, ExpandedChange};
use std::collections::BTreeSet;

/// What this device knows of what another one has of one document. Belongs to the pair, and to one
/// epoch.
#[derive(Debug, Clone, Default)]
pub struct SyncState(State);

impl SyncState {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is worth keeping when the connection ends.
    pub fn save(&self) -> Vec<u8> {
        self.0.encode()
    }

    /// The state with these saved bytes, for a new connection.
    ///
    /// # Errors
    /// The bytes are no sync state; then start from [`SyncState::new`].
    pub fn load(bytes: &[u8]) -> Result<Self, CatalogError> {
        guarded(|| {
            State::decode(bytes)
                .map(Self)
                .map_err(|error| CatalogError::Message(error.to_string()))
        })
    }
}

impl Shard {
    /// The next message to the other device; none when there is nothing to say.
    ///
    /// # Errors
    /// The message is too large, or what the other device said made automerge fail.
    pub fn generate(&self, state: &mut SyncState) -> Result<Option<Vec<u8>>, CatalogError> {
        let mut next = state.clone();
        let message = guarded(|| Ok(self.doc.generate_sync_message(&mut next.0)))?;
        let bytes = message.map(|mut message| {
            message.flags = None;
            message.encode()
        });
        if let Some(bytes) = bytes
            .as_ref()
            .filter(|bytes| bytes.len() > SHARD_MESSAGE_BYTES_MAX)
        {
            return Err(CatalogError::MessageTooLarge(bytes.len()));
        }
        *state = next;
        Ok(bytes)
    }

    /// Takes in a message of the other device, and says which listings it changed.
    ///
    /// # Errors
    /// The message is too large, cannot be read, or brings what no edit of a shop writes. Document and
    /// state are as before.
    pub fn receive(
        &mut self,
        state: &mut SyncState,
        bytes: &[u8],
    ) -> Result<BTreeSet<ListingId>, CatalogError> {
        if bytes.len() > SHARD_MESSAGE_BYTES_MAX {
            return Err(CatalogError::MessageTooLarge(bytes.len()));
        }
        let (mut doc, mut next) = (self.doc.clone(), state.clone());
        let changed = guarded(|| {
            let unreadable = |error: String| CatalogError::Message(error);
            let mut message = Message::decode(bytes).map_err(|error| unreadable(error.to_string()))?;
            message.flags = None;
            for chunk in message.changes.iter() {
                census::check(chunk)?;
                let change = Change::try_from(chunk).map_err(|error| unreadable(error.to_string()))?;
                listings_of(self.number(), &change.decode())?;
            }
            let before = doc.get_heads();
            doc.receive_sync_message(&mut next.0, message)
                .map_err(|error| unreadable(error.to_string()))?;
            let mut changed = BTreeSet::new();
            // A change may also have been waiting for one that came now.
            for change in doc.get_changes(&before) {
                changed.extend(listings_of(self.number(), &change.decode())?);
            }
            Ok(changed)
        })?;
        (self.doc, *state) = (doc, next);
        Ok(changed)
    }
}

/// The listings that a change writes to, if all that it does is what edits do.
fn listings_of(shard: u8, change: &ExpandedChange) -> Result<BTreeSet<ListingId>, CatalogError> {
    let author = change.actor_id.to_bytes();
    DeviceId::from_slice(author)
        .map_err(|_| CatalogError::Foreign(format!("a change by {}", change.actor_id)))?;
    let mut listings = BTreeSet::new();
    for operation in &change.operations {
        let (Key::Map(text), ObjectId::Root, OpType::Put(_)) =
            (&operation.key, &operation.obj, &operation.action)
        else {
            return Err(CatalogError::Foreign(
                "an operation that sets no field".to_owned(),
            ));
        };
        match key::parse(text) {
            Some((listing, _)) if shard_of(&listing) == shard => listings.insert(listing),
            _ => return Err(CatalogError::Foreign(text.chars().take(80).collect())),
        };
    }
    Ok(listings)
}
