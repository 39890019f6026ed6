//! Stamped fields, and how two sets of them become one.

use super::{ListingError, Stamp};
use crate::codec;
use crate::id::VariantId;
use crate::limits::{FIELD_NAME_BYTES_MAX, LISTING_VARIANTS_MAX};
use crate::text::{Prose, TextError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// The name of a field: `title`, `price`, `tag.6d3f…`. Names that a program does not know are kept and
/// passed on, so that newer programs may add some.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FieldName(String);

impl FieldName {
    /// The name, if it is one.
    pub fn new(name: &str) -> Result<Self, ListingError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > FIELD_NAME_BYTES_MAX || !name.bytes().all(allowed) {
            return Err(ListingError::Name(name.chars().take(80).collect()));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that this crate wrote itself, known to be one.
    pub(super) fn known(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Which field: one of the product, or one of a variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldKey {
    /// The variant, if the field is one of a variant.
    pub variant: Option<VariantId>,
    /// The field's name.
    pub name: FieldName,
}

impl FieldKey {
    /// A field of the product.
    pub fn product(name: FieldName) -> Self {
        Self { variant: None, name }
    }
    /// A field of a variant.
    pub fn variant(variant: VariantId, name: FieldName) -> Self {
        Self {
            variant: Some(variant),
            name,
        }
    }
}

/// What a field may hold: one scalar, so that no merge can tear it apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Nothing, or nothing any more.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text of at most `TEXT_BYTES_MAX` bytes.
    Text(Prose),
}

impl Value {
    /// Text as a person typed it, brought to its one form; no text at all is [`Value::Null`].
    pub fn text(text: &str) -> Result<Self, TextError> {
        Ok(match text {
            "" => Self::Null,
            _ => Self::Text(Prose::new(text)?),
        })
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }
    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
    /// Whether it is `true`. Null and all that is no truth value are not.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }
    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Decides between two values with one stamp, which an honest device never makes: the greater
    /// encoding wins, so that all readers pick the same one.
    fn beats(&self, other: &Self) -> bool {
        self != other && codec::encode(self).ok() > codec::encode(other).ok()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl de::Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("null, a truth value, a whole number or text")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number)
            .map(Value::Int)
            .map_err(|_| E::custom(format!("expected a number below 2^63, got {number}")))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        let prose = Prose::deserialize(StrictText(text)).map_err(|e: de::value::Error| E::custom(e))?;
        match prose.is_empty() {
            // Two encodings of nothing would be two listings that read alike.
            true => Err(E::custom("expected null instead of empty text")),
            false => Ok(Value::Text(prose)),
        }
    }
}

/// A string that reads as one from an envelope: what is not canonical is refused.
struct StrictText<'a>(&'a str);

impl<'de> Deserializer<'de> for StrictText<'_> {
    type Error = de::value::Error;
    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_str(self.0)
    }
    fn is_human_readable(&self) -> bool {
        false
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Fields with their stamps: a join semilattice. [`Fields::join`] is commutative, associative and
/// idempotent, so copies that come late, twice or in another order give the same listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(BTreeMap<FieldKey, (Stamp, Value)>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field, unless it holds a value with a greater stamp.
    pub fn set(&mut self, key: FieldKey, stamp: Stamp, value: Value) {
        match self.0.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((stamp, value));
            }
            Entry::Occupied(mut entry) => {
                let (old_stamp, old_value) = entry.get();
                if stamp > *old_stamp || (stamp == *old_stamp && value.beats(old_value)) {
                    entry.insert((stamp, value));
                }
            }
        }
    }

    /// Takes over from another copy every field that has a greater stamp there.
    pub fn join(&mut self, other: Self) {
        for (key, (stamp, value)) in other.0 {
            self.set(key, stamp, value);
        }
    }

    /// Only what was set in this epoch or later: what a reader keeps once the author has revoked a
    /// device, since the trusted devices say the rest again in the new epoch.
    #[must_use]
    pub fn since(mut self, epoch: u32) -> Self {
        self.0.retain(|_, (stamp, _)| stamp.epoch >= epoch);
        self
    }

    /// What a field holds.
    pub fn value(&self, key: &FieldKey) -> Option<&Value> {
        self.0.get(key).map(|(_, value)| value)
    }
    /// One field with all that belongs to it.
    pub(super) fn row<'a>(&'a self, key: &'a FieldKey) -> Option<(&'a FieldKey, &'a Stamp, &'a Value)> {
        self.0.get(key).map(|(stamp, value)| (key, stamp, value))
    }
    /// Every field, those of the product first, then by variant and name.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldKey, &Stamp, &Value)> {
        self.0.iter().map(|(key, (stamp, value))| (key, stamp, value))
    }
    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Every variant that a field names, removed ones too, at most `LISTING_VARIANTS_MAX`.
    pub fn variants(&self) -> BTreeSet<VariantId> {
        let mut variants = BTreeSet::new();
        for variant in self.0.keys().filter_map(|key| key.variant) {
            if variants.len() == LISTING_VARIANTS_MAX {
                break;
            }
            variants.insert(variant);
        }
        variants
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::DeviceId;
    use proptest::prelude::*;

    pub(in crate::listing) fn any_fields() -> impl Strategy<Value = Fields> {
        let name = prop_oneof![
            Just("title"),
            Just("price"),
            Just("tag.0011223344556677"),
            Just("removed"),
        ];
        let value = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            "[a-zé]{1,40}".prop_map(|text| Value::text(&text).unwrap()),
        ];
        // Few stamps, so that forged ones (one stamp, two values) do occur.
        let stamp = (0u32..2, 1u64..4, 0u8..3).prop_map(|(epoch, counter, device)| Stamp {
            epoch,
            counter,
            device: DeviceId::from_bytes([device; 32]),
        });
        let variant = proptest::option::of((0u8..4).prop_map(|n| VariantId::from_bytes([n * 64; 8])));
        proptest::collection::vec((variant, name, stamp, value), 0..12).prop_map(|entries| {
            let mut fields = Fields::new();
            for (variant, name, stamp, value) in entries {
                let name = FieldName::new(name).unwrap();
                fields.set(FieldKey { variant, name }, stamp, value);
            }
            fields
        })
    }

    fn joined(mut one: Fields, other: Fields) -> Fields {
        one.join(other);
        one
    }

    proptest! {
        #[test]
        fn joining_is_commutative_associative_and_idempotent(
            a in any_fields(), b in any_fields(), c in any_fields()
        ) {
            prop_assert_eq!(joined(a.clone(), b.clone()), joined(b.clone(), a.clone()));
            prop_assert_eq!(
                joined(joined(a.clone(), b.clone()), c.clone()),
                joined(a.clone(), joined(b, c))
            );
            prop_assert_eq!(joined(a.clone(), a.clone()), a);
        }

        #[test]
        fn a_value_reads_back_from_its_bytes(number: i64, text in "[a-zé]{1,20}", truth: bool) {
            for value in [Value::Null, Value::Bool(truth), Value::Int(number), Value::text(&text).unwrap()] {
                let bytes = codec::encode(&value).unwrap();
                prop_assert_eq!(codec::decode::<Value>(&bytes).unwrap(), value);
            }
        }
    }

    #[test]
    fn a_forged_stamp_gives_all_readers_the_same_value() {
        let stamp = Stamp::new(0, 1, DeviceId::from_bytes([1; 32])).unwrap();
        let key = FieldKey::product(FieldName::new("title").unwrap());
        let values = ["aa", "b", "ab"].map(|text| Value::text(text).unwrap());
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut fields = Fields::new();
            for index in order {
                fields.set(key.clone(), stamp, values[index].clone());
            }
            assert_eq!(fields.value(&key), Some(&values[2]));
        }
    }

    #[test]
    fn a_revocation_leaves_only_what_its_epoch_says() {
        let (eve, bob) = (DeviceId::from_bytes([9; 32]), DeviceId::from_bytes([2; 32]));
        let key = FieldKey::product(FieldName::new("title").unwrap());
        let junk = FieldKey::product(FieldName::new("junk").unwrap());
        let mut fields = Fields::new();
        fields.set(junk.clone(), Stamp::new(0, 7, eve).unwrap(), Value::Int(1));
        fields.set(
            key.clone(),
            Stamp::new(0, crate::limits::STAMP_COUNTER_MAX, eve).unwrap(),
            Value::Int(1),
        );
        fields.set(key.clone(), Stamp::new(1, 1, bob).unwrap(), Value::Int(2));
        let fields = fields.since(1);
        assert_eq!(fields.value(&key), Some(&Value::Int(2)));
        assert_eq!(fields.value(&junk), None);
    }

    #[test]
    fn what_is_no_field_name_is_refused() {
        for name in ["", "Title", "a/b", "naïve", &"a".repeat(65)] {
            assert!(FieldName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn text_that_is_not_canonical_is_refused() {
        for text in ["", "cafe\u{301}", "a\u{7}"] {
            let bytes = codec::encode(&text).unwrap();
            assert!(codec::decode::<Value>(&bytes).is_err(), "{text:?}");
        }
    }
}
