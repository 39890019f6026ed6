//! CBOR written and read by hand, so that vectors can be built that the protocol's own codec would never
//! make. Shares nothing with it.

use serde_json::{Value as Json, json};

fn head(major: u8, argument: u64) -> Vec<u8> {
    let major = major << 5;
    match argument {
        0..=23 => vec![major | argument as u8],
        24..=0xff => vec![major | 24, argument as u8],
        0x100..=0xffff => [&[major | 25], (argument as u16).to_be_bytes().as_slice()].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26], (argument as u32).to_be_bytes().as_slice()].concat(),
        _ => [&[major | 27], argument.to_be_bytes().as_slice()].concat(),
    }
}

pub(crate) fn uint(number: u64) -> Vec<u8> {
    head(0, number)
}
pub(crate) fn bytes(content: &[u8]) -> Vec<u8> {
    [&head(2, content.len() as u64), content].concat()
}
pub(crate) fn text(content: &str) -> Vec<u8> {
    [&head(3, content.len() as u64), content.as_bytes()].concat()
}
pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}
pub(crate) fn null() -> Vec<u8> {
    vec![0xf6]
}

/// A map with its entries in the given order: the caller sees to the canonical one, or not.
pub(crate) fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries_bytes: Vec<Vec<u8>> = entries
        .iter()
        .map(|(key, value)| [text(key), value.clone()].concat())
        .collect();
    [head(5, entries.len() as u64), entries_bytes.concat()].concat()
}

/// A decoded item.
pub(crate) enum Item {
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Item>),
    Map(Vec<(String, Item)>),
    Bool(bool),
    Null,
}

impl Item {
    pub(crate) fn item(&self, at: usize) -> &Item {
        match self {
            Self::List(items) => &items[at],
            _ => panic!("not a list"),
        }
    }
    pub(crate) fn entry(&self, name: &str) -> &Item {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .unwrap(),
            _ => panic!("not a map"),
        }
    }
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => panic!("not a byte string"),
        }
    }
    /// As JSON; a byte string is `{"hex": "…"}`, a number beyond 2^53 a decimal text in `{"int": "…"}`.
    fn json(&self) -> Json {
        match self {
            Self::Int(number) if number.unsigned_abs() > 1 << 53 => json!({"int": number.to_string()}),
            Self::Int(number) => json!(i64::try_from(*number).unwrap()),
            Self::Bytes(bytes) => json!({"hex": data_encoding::HEXLOWER.encode(bytes)}),
            Self::Text(text) => json!(text),
            Self::List(items) => items.iter().map(Item::json).collect(),
            Self::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.json()))
                    .collect(),
            ),
            Self::Bool(truth) => json!(truth),
            Self::Null => Json::Null,
        }
    }
}

/// One item and nothing after it.
pub(crate) fn read(bytes: &[u8]) -> Item {
    let (item, rest) = next(bytes);
    assert!(rest.is_empty(), "bytes follow the item");
    item
}

pub(crate) fn json_of(bytes: &[u8]) -> Json {
    read(bytes).json()
}

fn next(bytes: &[u8]) -> (Item, &[u8]) {
    let (first, rest) = bytes.split_first().unwrap();
    let width = match first & 0x1f {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => 0,
    };
    let (tail, mut rest) = rest.split_at(width);
    let argument = match width {
        0 => u64::from(first & 0x1f),
        _ => tail.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    let item = match first >> 5 {
        0 => Item::Int(argument.into()),
        1 => Item::Int(-1 - i128::from(argument)),
        2 => Item::Bytes(take(&mut rest, argument)),
        3 => Item::Text(String::from_utf8(take(&mut rest, argument)).unwrap()),
        4 => Item::List((0..argument).map(|_| step(&mut rest)).collect()),
        5 => Item::Map((0..argument).map(|_| (key(&mut rest), step(&mut rest))).collect()),
        _ => match first & 0x1f {
            20 => Item::Bool(false),
            21 => Item::Bool(true),
            22 => Item::Null,
            other => panic!("simple value {other}"),
        },
    };
    (item, rest)
}

fn step(rest: &mut &[u8]) -> Item {
    let (item, after) = next(rest);
    *rest = after;
    item
}

fn key(rest: &mut &[u8]) -> String {
    match step(rest) {
        Item::Text(text) => text,
        _ => panic!("a key that is no text"),
    }
}

fn take(rest: &mut &[u8], count: u64) -> Vec<u8> {
    let (taken, after) = rest.split_at(count as usize);
    *rest = after;
    taken.to_vec()
}

/// The encoded entries of a map, and what follows its head.
fn entries(map: &[u8]) -> Vec<&[u8]> {
    let (first, mut rest) = map.split_first().unwrap();
    assert!(*first >= 0xa0 && *first < 0xb8, "a map of at most 23 entries");
    (0..first & 0x1f)
        .map(|_| {
            let start = rest;
            key(&mut rest);
            step(&mut rest);
            &start[..start.len() - rest.len()]
        })
        .collect()
}

fn join(entries: &[&[u8]]) -> Vec<u8> {
    [head(5, entries.len() as u64), entries.concat()].concat()
}

/// The same map with its first two entries the other way round.
pub(crate) fn swap_first_entries(map: &[u8]) -> Vec<u8> {
    let mut entries = entries(map);
    entries.swap(0, 1);
    join(&entries)
}

/// The same map with its first entry twice.
pub(crate) fn repeat_first_entry(map: &[u8]) -> Vec<u8> {
    let mut entries = entries(map);
    entries.insert(0, entries[0]);
    join(&entries)
}

/// The same map with one more entry, at the end.
pub(crate) fn add_entry(map: &[u8], name: &str, value: &[u8]) -> Vec<u8> {
    let entry = [&text(name), value].concat();
    let mut entries = entries(map);
    entries.push(&entry);
    join(&entries)
}

/// The same bytes with one bit flipped where these words stand.
pub(crate) fn flip(bytes: &[u8], words: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(words.len())
        .position(|window| window == words)
        .unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
