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
use crate::listing::{FieldKey, Fields, Value};
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

    /// The fields that this device set and that the other one is not known to have, with the values that
    /// they have here now.
    ///
    /// # Errors
    /// As [`Shard::project`].
    pub fn unshared(&self, state: &SyncState) -> Result<Vec<(ListingId, FieldKey, Value)>, CatalogError> {
        let mut keys = BTreeSet::new();
        let own = self.device();
        guarded(|| {
            for change in self.doc.get_changes(&state.0.shared_heads) {
                if change.actor_id().to_bytes() != own.as_bytes().as_slice() {
                    continue;
                }
                let named = change.decode().operations;
                keys.extend(named.iter().filter_map(|operation| match &operation.key {
                    Key::Map(text) => key::parse(text),
                    Key::Seq(_) => None,
                }));
            }
            Ok(())
        })?;
        let mut fields = Vec::with_capacity(keys.len());
        let mut projected: Option<(ListingId, Fields)> = None;
        // The keys of one listing stand together.
        for (listing, field) in keys {
            let of = match projected.take().filter(|(known, _)| *known == listing) {
                Some((_, of)) => of,
                None => self.project(&listing)?,
            };
            if let Some(value) = of.value(&field) {
                fields.push((listing, field, value.clone()));
            }
            projected = Some((listing, of));
        }
        Ok(fields)
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

#[cfg(test)]
mod tests {
    use super::super::Edit;
    use super::*;
    use crate::limits::CHANGE_FIELDS_MAX;
    use crate::listing::{FieldKey, FieldName, Listing, Product, Value};
    use crate::text::Name;
    use automerge::transaction::{Transactable, Transaction};
    use automerge::{ActorId, AutoCommit, Automerge, ObjType, ROOT, ScalarValue};

    const BOB: [u8; 32] = [2; 32];

    fn listing() -> ListingId {
        ListingId::from_bytes([5; 16])
    }

    fn title() -> String {
        let name = FieldName::new("title").unwrap();
        key::key(&listing(), &FieldKey::product(name))
    }

    fn shop() -> Shard {
        let mut shard = Shard::new(5, DeviceId::from_bytes([1; 32]), 0);
        let put = Edit::Put {
            listing: listing(),
            product: Box::new(Product {
                title: Name::new("hat").unwrap(),
                ..Product::default()
            }),
        };
        shard.apply(&[put]).unwrap();
        shard
    }

    /// What alice's device answers when bob's, which lies, has done this to its document.
    fn told(
        actor: &[u8],
        lie: impl FnOnce(&mut Transaction<'_>),
    ) -> Result<BTreeSet<ListingId>, CatalogError> {
        let mut alice = shop();
        let mut bob = Automerge::load(&alice.save().unwrap())
            .unwrap()
            .with_actor(ActorId::from(actor));
        let mut transaction = bob.transaction();
        lie(&mut transaction);
        transaction.commit();
        let (mut to_alice, mut to_bob) = (State::new(), SyncState::new());
        let before = alice.project(&listing()).unwrap();
        let mut answer = Ok(BTreeSet::new());
        for _ in 0..4 {
            if let Some(message) = bob.generate_sync_message(&mut to_alice) {
                answer = alice.receive(&mut to_bob, &message.encode());
            }
            if answer != Ok(BTreeSet::new()) {
                break;
            }
            if let Some(bytes) = alice.generate(&mut to_bob).unwrap() {
                bob.receive_sync_message(&mut to_alice, Message::decode(&bytes).unwrap())
                    .unwrap();
            }
        }
        if answer.is_err() {
            assert_eq!(alice.project(&listing()).unwrap(), before);
        }
        answer
    }

    #[test]
    fn an_honest_edit_is_taken_in_and_named() {
        let answer = told(&BOB, |t| t.put(ROOT, title(), "cap").unwrap());
        assert_eq!(answer, Ok(BTreeSet::from([listing()])));
    }

    #[test]
    fn what_no_edit_writes_is_refused() {
        let foreign = |answer| matches!(answer, Err(CatalogError::Foreign(_)));
        assert!(foreign(told(&BOB, |t| t.put(ROOT, "junk", 1).unwrap())));
        assert!(foreign(told(&BOB, |t| t.delete(ROOT, title()).unwrap())));
        assert!(foreign(told(&BOB, |t| {
            t.put_object(ROOT, title(), ObjType::Map).unwrap();
        })));
        assert!(foreign(told(&BOB, |t| {
            t.put(ROOT, title(), ScalarValue::counter(1)).unwrap();
            t.increment(ROOT, title(), 1).unwrap();
        })));
        let elsewhere = title().replace(&title()[2..24], &data_encoding::BASE64URL_NOPAD.encode(&[6; 16]));
        assert!(foreign(told(&BOB, |t| t
            .put(ROOT, elsewhere.as_str(), "cap")
            .unwrap())));
        assert!(foreign(told(&[7; 16], |t| t.put(ROOT, title(), "cap").unwrap())));
    }

    #[test]
    fn a_change_that_is_too_large_is_refused() {
        let answer = told(&BOB, |t| {
            for n in 0..=CHANGE_FIELDS_MAX as i64 {
                t.put(ROOT, format!("{}{n}", title()), n).unwrap();
            }
        });
        assert!(matches!(answer, Err(CatalogError::ChangeTooLarge(_))));
    }

    #[test]
    fn a_value_that_no_field_can_hold_reads_as_nothing() {
        let mut alice = shop();
        let mut bob = AutoCommit::load(&alice.save().unwrap())
            .unwrap()
            .with_actor(ActorId::from(&BOB[..]));
        bob.put(ROOT, title(), 1.5).unwrap();
        alice = Shard::load(5, &bob.save(), alice.device(), 0).unwrap();
        let fields = alice.project(&listing()).unwrap();
        let name = FieldName::new("title").unwrap();
        assert_eq!(fields.value(&FieldKey::product(name)), Some(&Value::Null));
        assert!(Listing::read(listing(), &fields).product.title.is_empty());
    }

    #[test]
    fn whole_documents_are_not_taken_from_another_device() {
        let mut alice = shop();
        let message = Message {
            heads: Vec::new(),
            need: Vec::new(),
            have: Vec::new(),
            changes: alice.save().unwrap().into(),
            flags: None,
            version: automerge::sync::MessageVersion::V2,
        };
        let answer = alice.receive(&mut SyncState::new(), &message.encode());
        assert_eq!(answer, Err(CatalogError::ChangeForm));
        let huge = vec![0; SHARD_MESSAGE_BYTES_MAX + 1];
        let answer = alice.receive(&mut SyncState::new(), &huge);
        assert_eq!(
            answer,
            Err(CatalogError::MessageTooLarge(SHARD_MESSAGE_BYTES_MAX + 1))
        );
    }

    #[test]
    fn a_sync_state_reads_back() {
        let mut state = SyncState::new();
        shop().generate(&mut state).unwrap();
        assert!(SyncState::load(&state.save()).is_ok());
        assert!(matches!(
            SyncState::load(&[1, 2, 3]),
            Err(CatalogError::Message(_))
        ));
    }
}
