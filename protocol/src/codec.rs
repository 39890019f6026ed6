//! The one encoding: DAG-CBOR, canonical on the way out and enforced on the way in. A value has
//! exactly one encoding, so its hash and its signature mean one thing. Described in
//! `spec/envelope.md`.

use crate::limits::{CBOR_ITEMS_MAX, NESTING_MAX, PART_BITS_MAX};
use serde::{Serialize, de::DeserializeOwned};

/// Why bytes are no canonical value of the type that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Lists and maps inside each other deeper than the limit.
    #[error("the value nests deeper than {NESTING_MAX} levels")]
    TooDeep,
    /// More items than the limit.
    #[error("the value has more than {CBOR_ITEMS_MAX} items")]
    TooManyItems,
    /// The bytes end inside the value.
    #[error("the value is cut short at byte {0}")]
    Cut(usize),
    /// Bytes follow the value.
    #[error("expected {expected} bytes, got {actual}")]
    Trailing {
        /// Length of the value.
        expected: usize,
        /// Length of what was given.
        actual: usize,
    },
    /// An encoding that DAG-CBOR leaves out: indefinite length, tag, float, undefined, …
    #[error("byte {at} has the initial byte 0x{byte:02x}, which souk's messages never use")]
    Forbidden {
        /// Offset of the item.
        at: usize,
        /// Its first byte.
        byte: u8,
    },
    /// Well-formed, but not what was expected there.
    #[error("not the expected value: {0}")]
    Shape(String),
    /// Another encoding of the same value exists, and it is the canonical one.
    #[error("the encoding is not canonical")]
    NotCanonical,
    /// A value of ours that has no encoding (a bug of this program).
    #[error("the value cannot be encoded: {0}")]
    Encode(String),
}

impl CodecError {
    /// Its class: a short name for counting, which `spec/envelope.md` lists. Which of the last two
    /// speaks depends on what a reader forgives before it encodes again, so they are one class.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::TooDeep => "too_deep",
            Self::TooManyItems => "too_many_items",
            Self::Cut(_) => "cut",
            Self::Trailing { .. } => "trailing",
            Self::Forbidden { .. } => "forbidden",
            Self::Encode(_) => "encode",
            Self::Shape(_) | Self::NotCanonical => "shape",
        }
    }
}

/// The canonical bytes of a value.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    serde_ipld_dagcbor::to_vec(value).map_err(|error| CodecError::Encode(error.to_string()))
}

/// The value with these canonical bytes. Size is the caller's to bound; depth and item count are
/// bounded here, before anything is allocated for them.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    check_form(bytes)?;
    let value: T =
        serde_ipld_dagcbor::from_slice(bytes).map_err(|error| CodecError::Shape(error.to_string()))?;
    // Re-encoding catches what a reader forgives: long integers, unsorted or repeated keys,
    // unknown fields, defaults spelled out.
    if encode(&value)? != bytes {
        return Err(CodecError::NotCanonical);
    }
    Ok(value)
}

/// Reads again what [`decode`] or [`encode`] has seen before. The caller has checked that the bytes are
/// the same ones, so their form and that they are canonical need not be checked once more.
pub(crate) fn decode_again<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    serde_ipld_dagcbor::from_slice(bytes).map_err(|error| CodecError::Shape(error.to_string()))
}

/// Reads a part of a value whose whole may have fields that this program does not know. Checks form
/// and bounds, not that the encoding is canonical.
pub(crate) fn probe<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    check_form(bytes)?;
    serde_ipld_dagcbor::from_slice(bytes).map_err(|error| CodecError::Shape(error.to_string()))
}

/// Walks one item and all within it without recursion or allocation that the input could drive.
fn check_form(bytes: &[u8]) -> Result<(), CodecError> {
    let mut open = [0u64; NESTING_MAX];
    let mut depth = 0;
    let mut items = 0;
    let mut at = 0;
    loop {
        items += 1;
        if items > CBOR_ITEMS_MAX {
            return Err(CodecError::TooManyItems);
        }
        let head = Head::read(bytes, at)?;
        at = head.end;
        let inside = match head.major {
            0 | 1 | 7 => 0,
            2 | 3 => {
                let length = usize::try_from(head.argument).map_err(|_| CodecError::Cut(bytes.len()))?;
                at = at
                    .checked_add(length)
                    .filter(|&end| end <= bytes.len())
                    .ok_or(CodecError::Cut(bytes.len()))?;
                0
            }
            4 => head.argument,
            _ => head.argument.checked_mul(2).ok_or(CodecError::TooManyItems)?,
        };
        if matches!(head.major, 4 | 5) {
            // An empty list still is a level.
            if depth == NESTING_MAX {
                return Err(CodecError::TooDeep);
            }
            if inside > 0 {
                if let Some(level) = open.get_mut(depth) {
                    *level = inside;
                }
                depth += 1;
                continue;
            }
        }
        // One item is complete: so may be the lists and maps around it.
        loop {
            let Some(level) = depth.checked_sub(1).and_then(|top| open.get_mut(top)) else {
                return match at == bytes.len() {
                    true => Ok(()),
                    false => Err(CodecError::Trailing {
                        expected: at,
                        actual: bytes.len(),
                    }),
                };
            };
            *level -= 1;
            if *level > 0 {
                break;
            }
            depth -= 1;
        }
    }
}

/// The head of one CBOR item.
struct Head {
    major: u8,
    argument: u64,
    end: usize,
}

impl Head {
    fn read(bytes: &[u8], at: usize) -> Result<Self, CodecError> {
        let byte = *bytes.get(at).ok_or(CodecError::Cut(at))?;
        let (major, low) = (byte >> 5, byte & 0x1f);
        let forbidden = CodecError::Forbidden { at, byte };
        if major == 6 || (major == 7 && !matches!(low, 20..=22)) {
            return Err(forbidden);
        }
        let width = match low {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(forbidden),
        };
        let end = at + 1 + width;
        let tail = bytes.get(at + 1..end).ok_or(CodecError::Cut(bytes.len()))?;
        let argument = match width {
            0 => u64::from(low),
            _ => tail.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        Ok(Self { major, argument, end })
    }
}

/// Splits what may be too large for one envelope as little as its size allows: not at all, by one bit, and so on. The
/// error is that of the finest split.
pub(crate) fn split_least<T, E>(mut split: impl FnMut(Option<u32>) -> Result<T, E>) -> Result<T, E> {
    let mut split_is = split(None);
    for bits in 1..=PART_BITS_MAX {
        if split_is.is_ok() {
            break;
        }
        split_is = split(Some(bits));
    }
    split_is
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        b: u64,
        aa: Vec<i64>,
    }

    #[test]
    fn map_keys_go_shortest_first() {
        let bytes = encode(&Small { b: 1, aa: vec![-1] }).unwrap();
        assert_eq!(bytes, [0xa2, 0x61, b'b', 1, 0x62, b'a', b'a', 0x81, 0x20]);
        assert_eq!(decode::<Small>(&bytes).unwrap(), Small { b: 1, aa: vec![-1] });
    }

    #[test]
    fn other_encodings_of_the_same_value_are_refused() {
        let cases: [(&str, &[u8]); 6] = [
            (
                "long integer",
                &[0xa2, 0x61, b'b', 0x18, 1, 0x62, b'a', b'a', 0x80],
            ),
            ("unsorted keys", &[0xa2, 0x62, b'a', b'a', 0x80, 0x61, b'b', 1]),
            (
                "repeated key",
                &[0xa3, 0x61, b'b', 1, 0x61, b'b', 1, 0x62, b'a', b'a', 0x80],
            ),
            (
                "indefinite list",
                &[0xa2, 0x61, b'b', 1, 0x62, b'a', b'a', 0x9f, 0xff],
            ),
            ("tag", &[0xa2, 0x61, b'b', 0xc1, 1, 0x62, b'a', b'a', 0x80]),
            (
                "float",
                &[0xa2, 0x61, b'b', 0xf9, 0x3c, 0, 0x62, b'a', b'a', 0x80],
            ),
        ];
        for (name, bytes) in cases {
            assert!(decode::<Small>(bytes).is_err(), "{name}");
        }
        assert!(matches!(
            decode::<u64>(&[1, 1]),
            Err(CodecError::Trailing {
                expected: 1,
                actual: 2
            })
        ));
    }

    #[test]
    fn depth_and_length_are_bounded_before_they_cost_anything() {
        let nested = |levels: usize| [vec![0x81; levels - 1], vec![0x80]].concat();
        assert_eq!(check_form(&nested(NESTING_MAX)), Ok(()));
        assert_eq!(check_form(&nested(NESTING_MAX + 1)), Err(CodecError::TooDeep));
        let huge = [0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(check_form(&huge), Err(CodecError::Cut(_))));
        assert_eq!(
            check_form(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Err(CodecError::TooManyItems)
        );
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = decode::<BTreeMap<String, Vec<i64>>>(&bytes) {
                prop_assert_eq!(encode(&value).unwrap(), bytes);
            }
        }

        #[test]
        fn what_is_encoded_is_accepted(value: BTreeMap<String, Vec<i64>>) {
            let bytes = encode(&value).unwrap();
            match decode::<BTreeMap<String, Vec<i64>>>(&bytes) {
                Ok(read) => prop_assert_eq!(read, value),
                Err(error) => prop_assert_eq!(error, CodecError::TooManyItems),
            }
        }
    }
}
