//! What is signed: a listing, or as much of it as fits one envelope.
//!
//! A listing that fits goes into part 0 whole. One that does not keeps its plain fields there and
//! spreads the rest — fields of variants, tags, pictures — over parts by the first byte of a hash,
//! using as many leading bits of it as are needed. The number of a part is 1 plus the smallest byte
//! that falls into it, so a part that is split again keeps its number for its lower half. Since a
//! field is never dropped and an old value never wins, parts that a later split no longer writes do no
//! harm, and the newest of every part from every device joined is always the whole.

use super::{FieldKey, FieldName, Fields, ListingError, Stamp, Value};
use crate::codec;
use crate::id::{DeviceId, ListingId, VariantId};
use crate::limits::{
    LISTING_FIELDS_MAX, LISTING_PART_BYTES_MAX, LISTING_PARTS_MAX, STAMP_COUNTER_MAX, STAMP_DEVICES_MAX,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One field on the wire: its name, the number of its device in the table, the counter, the value.
type Row = (FieldName, u16, u64, Value);

/// A listing, or a part of one, as it is signed and sent. `State`: a device's newest one for each
/// (listing, part) counts. Always valid: reading one checks order, bounds and references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawPart")]
pub struct ListingPart {
    listing: ListingId,
    part: u16,
    /// Who set the fields: epoch and device, each named once, in rising order.
    #[serde(rename = "by")]
    stampers: Vec<(u32, DeviceId)>,
    fields: Vec<Row>,
    variants: Vec<(VariantId, Vec<Row>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    listing: ListingId,
    part: u16,
    by: Vec<(u32, DeviceId)>,
    fields: Vec<Row>,
    variants: Vec<(VariantId, Vec<Row>)>,
}

impl TryFrom<RawPart> for ListingPart {
    type Error = ListingError;
    fn try_from(raw: RawPart) -> Result<Self, ListingError> {
        let part = Self {
            listing: raw.listing,
            part: raw.part,
            stampers: raw.by,
            fields: raw.fields,
            variants: raw.variants,
        };
        part.check()?;
        Ok(part)
    }
}

impl ListingPart {
    /// The listing.
    pub fn listing(&self) -> ListingId {
        self.listing
    }
    /// The number of the part.
    pub fn part(&self) -> u16 {
        self.part
    }

    /// The latest epoch that a field claims. A part whose signer's grant is of an earlier epoch is a
    /// forgery: it would pin fields beyond the reach of a revocation.
    pub fn epoch_max(&self) -> u32 {
        self.stampers.last().map_or(0, |(epoch, _)| *epoch)
    }

    /// The fields of the part, to be joined with those of the others.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        for (variant, rows) in self.groups() {
            for (name, by, counter, value) in rows {
                if let Some((epoch, device)) = self.stampers.get(usize::from(*by)) {
                    let stamp = Stamp {
                        epoch: *epoch,
                        counter: *counter,
                        device: *device,
                    };
                    let name = name.clone();
                    fields.set(FieldKey { variant, name }, stamp, value.clone());
                }
            }
        }
        fields
    }

    fn groups(&self) -> impl Iterator<Item = (Option<VariantId>, &[Row])> {
        let product = std::iter::once((None, self.fields.as_slice()));
        product.chain(
            self.variants
                .iter()
                .map(|(id, rows)| (Some(*id), rows.as_slice())),
        )
    }

    fn of(listing: ListingId, part: u16, fields: &Fields, keys: &[&FieldKey]) -> Result<Self, ListingError> {
        let rows: Vec<_> = keys.iter().filter_map(|key| fields.row(key)).collect();
        let stampers: BTreeSet<_> = rows
            .iter()
            .map(|(_, stamp, _)| (stamp.epoch, stamp.device))
            .collect();
        let stampers: Vec<_> = stampers.into_iter().collect();
        let mut whole = Self {
            listing,
            part,
            fields: Vec::new(),
            variants: Vec::new(),
            stampers,
        };
        for (key, stamp, value) in rows {
            let by = whole
                .stampers
                .binary_search(&(stamp.epoch, stamp.device))
                .unwrap_or(usize::MAX);
            let by = u16::try_from(by).map_err(|_| ListingError::TooManyDevices(whole.stampers.len()))?;
            let row = (key.name.clone(), by, stamp.counter, value.clone());
            match (key.variant, whole.variants.last_mut()) {
                (None, _) => whole.fields.push(row),
                (Some(id), Some((last, rows))) if *last == id => rows.push(row),
                (Some(id), _) => whole.variants.push((id, vec![row])),
            }
        }
        whole.check()?;
        Ok(whole)
    }

    fn check(&self) -> Result<(), ListingError> {
        if self.part >= LISTING_PARTS_MAX {
            return Err(ListingError::Part(self.part));
        }
        if self.stampers.len() > STAMP_DEVICES_MAX {
            return Err(ListingError::TooManyDevices(self.stampers.len()));
        }
        // A variant counts as a field: so many always stay below the codec's bound of items.
        let count = self.groups().map(|(_, rows)| 1 + rows.len()).sum();
        if count > LISTING_FIELDS_MAX {
            return Err(ListingError::TooManyFields(count));
        }
        rising("devices", self.stampers.iter())?;
        rising("variants", self.variants.iter().map(|(id, _)| id))?;
        self.check_rows()
    }

    fn check_rows(&self) -> Result<(), ListingError> {
        let mut named = vec![false; self.stampers.len()];
        for (variant, rows) in self.groups() {
            if variant.is_some() && rows.is_empty() {
                return Err(ListingError::Idle("variant"));
            }
            rising("fields", rows.iter().map(|(name, ..)| name))?;
            for (_, by, counter, _) in rows {
                if *counter == 0 || *counter > STAMP_COUNTER_MAX {
                    return Err(ListingError::Counter(*counter));
                }
                match named.get_mut(usize::from(*by)) {
                    Some(named) => *named = true,
                    None => {
                        return Err(ListingError::UnknownDevice {
                            expected: self.stampers.len(),
                            actual: *by,
                        });
                    }
                }
            }
        }
        match named.iter().all(|named| *named) {
            true => Ok(()),
            false => Err(ListingError::Idle("device")),
        }
    }
}

fn rising<T: Ord>(what: &'static str, items: impl Iterator<Item = T>) -> Result<(), ListingError> {
    match items.is_sorted_by(|low, high| low < high) {
        true => Ok(()),
        false => Err(ListingError::Unsorted(what)),
    }
}

impl Fields {
    /// The listing in as few parts as its size allows. The same fields give the same parts.
    ///
    /// # Errors
    /// One part is too large even when the listing is split as far as it goes.
    pub fn split(&self, listing: ListingId) -> Result<Vec<ListingPart>, ListingError> {
        codec::split_least(|bits| self.split_by(listing, bits))
    }

    fn split_by(&self, listing: ListingId, bits: Option<u32>) -> Result<Vec<ListingPart>, ListingError> {
        // Part 0 is written even when it is empty: its absence could mean that it was not heard yet.
        let mut keys = BTreeMap::from([(0, Vec::new())]);
        for (key, ..) in self.iter() {
            let part = bits.map_or(0, |bits| part_of(key, bits));
            keys.entry(part).or_insert_with(Vec::new).push(key);
        }
        keys.into_iter()
            .map(|(part, keys)| {
                let part = ListingPart::of(listing, part, self, &keys)?;
                let size = codec::encode(&part)?.len();
                match size <= LISTING_PART_BYTES_MAX {
                    true => Ok(part),
                    false => Err(ListingError::TooLarge(size)),
                }
            })
            .collect()
    }
}

/// The part that a field goes to when `bits` bits of its hash decide.
fn part_of(key: &FieldKey, bits: u32) -> u16 {
    let byte = match (key.variant, key.name.as_str().split_once('.')) {
        (Some(id), _) => id.as_bytes()[0],
        // A tag or picture: `media.<key>.alt` and `media.<key>.source` stay together.
        (None, Some((head, tail))) => {
            let member = tail.split_once('.').map_or(tail, |(member, _)| member);
            let mut hasher = blake3::Hasher::new();
            hasher
                .update(head.as_bytes())
                .update(b".")
                .update(member.as_bytes());
            hasher.finalize().as_bytes()[0]
        }
        (None, None) => return 0,
    };
    let low = u32::from(byte) >> (8 - bits) << (8 - bits);
    1 + u16::try_from(low).unwrap_or(u16::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::any_fields;
    use super::*;
    use crate::limits::ENVELOPE_BYTES_MAX;
    use proptest::prelude::*;

    fn listing() -> ListingId {
        ListingId::from_bytes([5; 16])
    }

    fn stamp(counter: u64) -> Stamp {
        Stamp::new(0, counter, DeviceId::from_bytes([1; 32])).unwrap()
    }

    fn large(variants: u64, counter: u64) -> Fields {
        let mut fields = Fields::new();
        let title = FieldKey::product(FieldName::new("title").unwrap());
        fields.set(title, stamp(counter), Value::text("hat").unwrap());
        for n in 0..variants {
            let id = VariantId::of(&listing(), &[n.to_string()]);
            for name in ["option1", "price", "sku", "weight"] {
                let key = FieldKey::variant(id, FieldName::new(name).unwrap());
                fields.set(
                    key,
                    stamp(counter),
                    Value::text(&format!("{n} {counter}")).unwrap(),
                );
            }
        }
        fields
    }

    fn rejoined<'a>(parts: impl IntoIterator<Item = &'a ListingPart>) -> Fields {
        let mut whole = Fields::new();
        for part in parts {
            whole.join(part.fields());
        }
        whole
    }

    /// What a reader holds after each newer part replaced the older one of the same number.
    fn replaced(old: &[ListingPart], new: &[ListingPart]) -> Vec<ListingPart> {
        let mut kept = BTreeMap::new();
        for part in old.iter().chain(new) {
            kept.insert(part.part(), part.clone());
        }
        kept.into_values().collect()
    }

    proptest! {
        #[test]
        fn the_parts_of_a_listing_join_to_the_whole(fields in any_fields()) {
            let parts = fields.split(listing()).unwrap();
            prop_assert_eq!(parts.len(), 1);
            for part in &parts {
                let bytes = codec::encode(part).unwrap();
                prop_assert_eq!(&codec::decode::<ListingPart>(&bytes).unwrap(), part);
            }
            prop_assert_eq!(rejoined(&parts), fields);
        }

        #[test]
        fn a_listing_that_grows_or_shrinks_across_a_split_stays_whole(before in 1u64..900, after in 1u64..900) {
            let old = large(before, 1);
            let mut new = old.clone();
            new.join(large(after, 2));
            let kept = replaced(&old.split(listing()).unwrap(), &new.split(listing()).unwrap());
            prop_assert_eq!(rejoined(&kept), new);
        }
    }

    #[test]
    fn the_largest_listing_fits_its_parts() {
        let fields = large(2_048, 3);
        let parts = fields.split(listing()).unwrap();
        assert!(parts.len() > 8 && parts.len() <= usize::from(LISTING_PARTS_MAX));
        for part in &parts {
            assert!(codec::encode(part).unwrap().len() < ENVELOPE_BYTES_MAX - 4_096);
        }
        assert_eq!(rejoined(&parts), fields);
    }

    #[test]
    fn many_tags_and_pictures_are_split_too() {
        let mut fields = large(1, 1);
        for n in 0..250 {
            let name = format!("media.{n:016x}.source");
            let source = format!("https://example.org/{n}/{}", "x".repeat(900));
            let key = FieldKey::product(FieldName::new(&name).unwrap());
            fields.set(key, stamp(1), Value::text(&source).unwrap());
        }
        let parts = fields.split(listing()).unwrap();
        assert!(parts.len() > 2);
        assert_eq!(rejoined(&parts), fields);
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let mut fields = Fields::new();
        for n in 0..4 {
            let key = FieldKey::product(FieldName::new(&format!("text{n}")).unwrap());
            fields.set(key, stamp(1), Value::text(&"a".repeat(8_000)).unwrap());
        }
        assert!(matches!(fields.split(listing()), Err(ListingError::TooLarge(_))));
    }

    fn two_devices() -> ListingPart {
        let mut fields = large(2, 1);
        let key = FieldKey::product(FieldName::new("vendor").unwrap());
        fields.set(
            key,
            Stamp::new(3, 9, DeviceId::from_bytes([7; 32])).unwrap(),
            Value::Bool(true),
        );
        fields.split(listing()).unwrap().remove(0)
    }

    #[test]
    fn a_part_says_the_latest_epoch_that_it_claims() {
        assert_eq!(two_devices().epoch_max(), 3);
    }

    #[test]
    fn a_part_has_one_form() {
        type Spoil = fn(&mut ListingPart);
        let spoilers: [(&str, Spoil); 9] = [
            ("part out of range", |p| p.part = LISTING_PARTS_MAX),
            ("devices unsorted", |p| p.stampers.reverse()),
            ("device named twice", |p| p.stampers.insert(0, p.stampers[0])),
            ("device unused", |p| {
                p.stampers.push((4, DeviceId::from_bytes([9; 32])))
            }),
            ("unknown device", |p| p.fields[0].1 = 2),
            ("fields unsorted", |p| p.fields.reverse()),
            ("variants unsorted", |p| p.variants.reverse()),
            ("empty variant", |p| p.variants[0].1.clear()),
            ("counter too large", |p| p.fields[0].2 = STAMP_COUNTER_MAX + 1),
        ];
        for (name, spoil) in spoilers {
            let mut part = two_devices();
            spoil(&mut part);
            let bytes = codec::encode(&part).unwrap();
            assert!(codec::decode::<ListingPart>(&bytes).is_err(), "{name}");
        }
        let bytes = codec::encode(&two_devices()).unwrap();
        assert_eq!(codec::decode::<ListingPart>(&bytes).unwrap(), two_devices());
    }
}
