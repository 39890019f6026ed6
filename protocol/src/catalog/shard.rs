//! One document of a shop: loaded when it is edited or synced, projected, saved, and let go.

use super::{CatalogError, Edit, guarded, key, shard_of};
use crate::id::{DeviceId, ListingId, VariantId};
use crate::limits::{CHANGE_FIELDS_MAX, LISTING_VARIANTS_MAX, SHARD_BYTES_MAX, SHARD_LISTINGS};
use crate::listing::{FieldKey, Fields, Stamp, Value};
use automerge::transaction::{Transactable, Transaction};
use automerge::{ActorId, Automerge, ObjId, ROOT, ReadDoc, ScalarValue, ScalarValueRef, ValueRef};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Fields after which a running import is written down and the next change begun: with what one edit
/// may add, a change stays below the limit at which other devices refuse it.
const COMMIT_FIELDS: usize = CHANGE_FIELDS_MAX / 2;

/// A document with the listings of one shard. Acts wholly or not at all: after an error it is as it
/// was before.
#[derive(Debug, Clone)]
pub struct Shard {
    number: u8,
    device: DeviceId,
    epoch: u32,
    pub(super) doc: Automerge,
}

impl Shard {
    /// A new document, edited by a device in an epoch of its author.
    pub fn new(number: u8, device: DeviceId, epoch: u32) -> Self {
        let doc = Automerge::new().with_actor(actor(&device));
        Self {
            number,
            device,
            epoch,
            doc,
        }
    }

    /// The document with these saved bytes.
    ///
    /// # Errors
    /// Too many bytes, or bytes that are no document.
    pub fn load(number: u8, bytes: &[u8], device: DeviceId, epoch: u32) -> Result<Self, CatalogError> {
        if bytes.len() > SHARD_BYTES_MAX {
            return Err(CatalogError::TooLarge(bytes.len()));
        }
        let doc = guarded(|| {
            let doc = Automerge::load(bytes).map_err(|error| CatalogError::Document(error.to_string()))?;
            Ok(doc.with_actor(actor(&device)))
        })?;
        Ok(Self {
            number,
            device,
            epoch,
            doc,
        })
    }

    /// The document's bytes, to be stored. Equal documents may have different bytes: never sign, hash
    /// or compare them.
    ///
    /// # Errors
    /// [`CatalogError::TooLarge`]: it could not be loaded again.
    pub fn save(&self) -> Result<Vec<u8>, CatalogError> {
        let bytes = self.doc.save();
        match bytes.len() <= SHARD_BYTES_MAX {
            true => Ok(bytes),
            false => Err(CatalogError::TooLarge(bytes.len())),
        }
    }

    /// The number of the shard.
    pub fn number(&self) -> u8 {
        self.number
    }
    /// The device that edits here.
    pub fn device(&self) -> DeviceId {
        self.device
    }
    /// The author's epoch that this document belongs to.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Eight bytes that are equal for two documents with the same edits, and different for others; zero if
    /// there are none. For comparison between a shop's own devices alone.
    pub fn digest(&self) -> u64 {
        let mut heads: Vec<[u8; 32]> = self.doc.get_heads().iter().map(|head| head.0).collect();
        if heads.is_empty() {
            return 0;
        }
        heads.sort_unstable();
        let hash = blake3::hash(heads.as_flattened());
        let word = hash.as_bytes().first_chunk::<8>();
        word.map_or(1, |word| u64::from_be_bytes(*word)).max(1)
    }

    /// Sets fields to values that this device had set in an earlier epoch, where they are other ones now.
    ///
    /// # Errors
    /// A listing of another shard, too many listings or variants.
    pub fn carry_over(
        &mut self,
        fields: &[(ListingId, FieldKey, Value)],
    ) -> Result<BTreeSet<ListingId>, CatalogError> {
        let mut doc = self.doc.clone();
        let mut changes = Changes::default();
        let mut transaction = doc.transaction();
        let mut projected: BTreeMap<ListingId, Fields> = BTreeMap::new();
        for (listing, field, value) in fields {
            let actual = shard_of(listing);
            if actual != self.number {
                let expected = self.number;
                return Err(CatalogError::WrongShard { expected, actual });
            }
            let before = match projected.entry(*listing) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(self.project(listing)?),
            };
            if before.value(field).unwrap_or(&Value::Null) != value {
                put(&mut transaction, &key::key(listing, field), value)?;
                changes.changed.insert(*listing);
                changes.grown.insert(*listing);
            }
        }
        transaction.commit();
        let next = Self { doc, ..*self };
        next.check_size(&changes)?;
        *self = next;
        Ok(changes.changed)
    }

    /// Performs edits, all or none, and says which listings are other than before.
    ///
    /// # Errors
    /// A listing of another shard or one that is not there, too many listings or variants, a record
    /// that is not valid.
    pub fn apply(&mut self, edits: &[Edit]) -> Result<BTreeSet<ListingId>, CatalogError> {
        for edit in edits {
            let actual = shard_of(&edit.listing());
            if actual != self.number {
                return Err(CatalogError::WrongShard {
                    expected: self.number,
                    actual,
                });
            }
        }
        let mut doc = self.doc.clone();
        let changes = guarded(|| write(&mut doc, edits))?;
        let next = Self { doc, ..*self };
        next.check_size(&changes)?;
        *self = next;
        Ok(changes.changed)
    }

    fn check_size(&self, changes: &Changes) -> Result<(), CatalogError> {
        for listing in &changes.grown {
            let actual = self.variants(listing).len();
            if actual > LISTING_VARIANTS_MAX {
                return Err(CatalogError::TooManyVariants {
                    listing: *listing,
                    actual,
                });
            }
        }
        // Counting is a walk over all keys: only a listing that grew can be a new one.
        match if changes.grown.is_empty() {
            0
        } else {
            self.listings().len()
        } {
            actual if actual > SHARD_LISTINGS => Err(CatalogError::TooManyListings(actual)),
            _ => Ok(()),
        }
    }

    /// Every listing of the document, removed ones too.
    pub fn listings(&self) -> BTreeSet<ListingId> {
        let keys = self.doc.keys(ROOT);
        keys.filter_map(|text| Some(key::parse(&text)?.0)).collect()
    }

    fn variants(&self, listing: &ListingId) -> BTreeSet<VariantId> {
        let items = key::ranges(listing)
            .into_iter()
            .flat_map(|range| self.doc.map_range(ROOT, range));
        items
            .filter_map(|item| key::parse(&item.key)?.1.variant)
            .collect()
    }

    /// The fields of a listing, each with the stamp of the operation that set it: what the world may
    /// know of it. Empty if there is no such listing.
    ///
    /// # Errors
    /// [`CatalogError::Foreign`]: the document holds an operation of no device.
    pub fn project(&self, listing: &ListingId) -> Result<Fields, CatalogError> {
        let mut fields = Fields::new();
        for range in key::ranges(listing) {
            for item in self.doc.map_range(ROOT, range) {
                if let Some((_, field)) = key::parse(&item.key) {
                    let stamp = stamp(self.epoch, &item.id())?;
                    fields.set(field, stamp, read(&item.value));
                }
            }
        }
        Ok(fields)
    }

    /// A fresh document for a new epoch, written by this device, with the values of this one and none
    /// of its history: what a revoked device wrote no longer counts for more than it should. Of what
    /// was removed it keeps that it was removed.
    ///
    /// # Errors
    /// As [`Shard::project`].
    pub fn reopened(&self, device: DeviceId, epoch: u32) -> Result<Self, CatalogError> {
        let mut fresh = Self::new(self.number, device, epoch);
        for listing in self.listings() {
            fresh.open_with(&listing, &self.project(&listing)?)?;
        }
        Ok(fresh)
    }

    /// A fresh document with the values of these listings, as [`Shard::reopened`] makes it: for a device
    /// that has the listings as the world knows them and no document.
    ///
    /// # Errors
    /// [`CatalogError::TooManyListings`], or automerge's own.
    pub fn of(
        number: u8,
        device: DeviceId,
        epoch: u32,
        listings: &BTreeMap<ListingId, Fields>,
    ) -> Result<Self, CatalogError> {
        if listings.len() > SHARD_LISTINGS {
            return Err(CatalogError::TooManyListings(listings.len()));
        }
        let mut fresh = Self::new(number, device, epoch);
        for (listing, fields) in listings {
            fresh.open_with(listing, fields)?;
        }
        Ok(fresh)
    }

    fn open_with(&mut self, listing: &ListingId, fields: &Fields) -> Result<(), CatalogError> {
        {
            let removed = |variant| {
                fields
                    .value(&FieldKey::removed(variant))
                    .is_some_and(Value::is_true)
            };
            let kept = fields.iter().filter(|(key, _, value)| {
                let gone = removed(None) || (key.variant.is_some() && removed(key.variant));
                !value.is_null() && (!gone || **key == FieldKey::removed(key.variant))
            });
            let mut transaction = self.doc.transaction();
            for (field, _, value) in kept {
                put(&mut transaction, &key::key(listing, field), value)?;
            }
            transaction.commit();
        }
        Ok(())
    }
}

/// What edits did.
#[derive(Default)]
struct Changes {
    changed: BTreeSet<ListingId>,
    /// Listings that have a field that they had not.
    grown: BTreeSet<ListingId>,
}

fn write(doc: &mut Automerge, edits: &[Edit]) -> Result<Changes, CatalogError> {
    let mut changes = Changes::default();
    let mut edits = edits.iter().peekable();
    while edits.peek().is_some() {
        let mut transaction = doc.transaction();
        let mut written = 0;
        while written < COMMIT_FIELDS {
            let Some(edit) = edits.next() else { break };
            written += write_one(&mut transaction, edit, &mut changes)?;
        }
        transaction.commit();
    }
    Ok(changes)
}

fn write_one(
    transaction: &mut Transaction<'_>,
    edit: &Edit,
    changes: &mut Changes,
) -> Result<usize, CatalogError> {
    let listing = edit.listing();
    let range = match edit.variant() {
        None => key::product_range(&listing),
        Some(variant) => key::variant_range(&listing, &variant),
    };
    // One walk over the record is cheaper than a search for each of its fields.
    let items = transaction.map_range(ROOT, range);
    let current: BTreeMap<FieldKey, Value> = items
        .filter_map(|item| Some((key::parse(&item.key)?.1, read(&item.value))))
        .collect();
    let mut written = 0;
    for (field, value) in edit.writes(&current)? {
        let old = current.get(&field);
        if old.unwrap_or(&Value::Null) == &value {
            continue;
        }
        put(transaction, &key::key(&listing, &field), &value)?;
        written += 1;
        changes.changed.insert(listing);
        if old.is_none() {
            changes.grown.insert(listing);
        }
    }
    Ok(written)
}

fn put(transaction: &mut Transaction<'_>, key: &str, value: &Value) -> Result<(), CatalogError> {
    let scalar = match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(truth) => ScalarValue::Boolean(*truth),
        Value::Int(number) => ScalarValue::Int(*number),
        Value::Text(text) => ScalarValue::Str(text.as_str().into()),
    };
    transaction.put(ROOT, key, scalar).map_err(failed)
}

fn failed(error: automerge::AutomergeError) -> CatalogError {
    CatalogError::Edit(error.to_string())
}

/// automerge orders concurrent operations by counter, then by the actor's bytes; a stamp by counter, then
/// by the device's key. They agree because the actor is the key.
fn actor(device: &DeviceId) -> ActorId {
    ActorId::from(device.as_bytes().as_slice())
}

fn stamp(epoch: u32, id: &ObjId) -> Result<Stamp, CatalogError> {
    let ObjId::Id(counter, actor, _) = id else {
        return Err(CatalogError::Foreign("an operation without an id".to_owned()));
    };
    let device = DeviceId::from_slice(actor.to_bytes());
    let device = device.map_err(|_| CatalogError::Foreign(format!("an edit by {actor}")))?;
    Ok(Stamp::new(epoch, *counter, device)?)
}

/// What another program wrote there and no field can hold reads as nothing, with its stamp: were it
/// left out, an older value from another device could take its place in a join.
fn read(value: &ValueRef<'_>) -> Value {
    match value {
        ValueRef::Scalar(ScalarValueRef::Str(text)) => Value::text(text).unwrap_or_default(),
        ValueRef::Scalar(ScalarValueRef::Int(number)) => Value::Int(*number),
        ValueRef::Scalar(ScalarValueRef::Boolean(truth)) => Value::Bool(*truth),
        _ => Value::Null,
    }
}
