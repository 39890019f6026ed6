//! The readers, each with its corpus and its law.

use crate::grow::{Dice, hold, turn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use souk_protocol::api::Command;
use souk_protocol::body::Revoke;
use souk_protocol::catalog::{Edit, Shard, SyncState};
use souk_protocol::codec;
use souk_protocol::envelope::{self, Opened};
use souk_protocol::follow::Follow;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, MediaId, OrderId, TabId, VariantId};
use souk_protocol::identity::{Grant, GrantCache, Phrase};
use souk_protocol::listing::{ListingPart, Product, Variant};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::OrderMessage;
use souk_protocol::post::{Post, Reaction};
use souk_protocol::profile::Profile;
use souk_protocol::review::Review;
use souk_protocol::shop::ShopTerms;
use souk_protocol::stock::StockAccount;
use souk_protocol::sync::{Answer, Request};
use souk_protocol::tab::TabMessage;
use souk_protocol::text::Name;
use souk_protocol::vouch::Vouch;
use std::fmt::{Debug, Display};
use std::str::FromStr;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/vectors/");

fn vectors(file: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(format!("{VECTORS}{file}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The bytes of each member of a list that has them.
fn bytes(list: &serde_json::Value, field: &str) -> Vec<Vec<u8>> {
    let texts = list
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item[field].as_str());
    texts
        .map(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap())
        .collect()
}

fn short(value: &impl Debug) -> String {
    format!("{value:?}")
        .chars()
        .filter(|c| c.is_alphabetic())
        .take(60)
        .collect()
}

#[test]
fn envelopes() {
    let turn = turn();
    let mut seeds = bytes(&vectors("envelopes.json")["envelopes"], "hex");
    seeds.extend(bytes(&vectors("invalid_envelopes.json"), "hex"));
    hold(&turn, "envelope", seeds, |input| {
        // A cache that is empty, as a stranger meets it.
        match envelope::open(input, &mut GrantCache::default()) {
            Ok(Opened::Known(signed)) => {
                assert_eq!(signed.bytes(), input);
                assert_eq!(signed.id(), EnvelopeId::of(input));
                Ok(short(signed.body()))
            }
            Ok(Opened::Foreign(foreign)) => Ok(foreign.kind().to_owned()),
            Err(error) => Err(format!("{} {error}", error.class())),
        }
    });
}

#[test]
fn requests() {
    let turn = turn();
    let file = vectors("sync_frames.json");
    let mut seeds = bytes(&file["requests"], "hex");
    seeds.extend(bytes(&file["no_requests"], "hex"));
    hold(&turn, "request", seeds, |input| match Request::read(input) {
        Ok(request) => {
            assert_eq!(request.write().unwrap(), input);
            Ok(short(&request))
        }
        Err(error) => Err(error.to_string()),
    });
}

#[test]
fn answers() {
    let turn = turn();
    let seeds = bytes(&vectors("sync_frames.json")["answers"], "hex");
    hold(&turn, "answer", seeds, |input| match Answer::read(input) {
        Ok(answer) => {
            assert_eq!(answer.write().unwrap(), input);
            Ok(short(&answer))
        }
        Err(error) => Err(error.to_string()),
    });
}

/// What a codec reads it writes again, byte for byte.
fn reads_what_it_writes<T: Serialize + DeserializeOwned + Debug>(input: &[u8]) -> Result<String, String> {
    match codec::decode::<T>(input) {
        Ok(value) => {
            assert_eq!(codec::encode(&value).unwrap(), input, "{value:?}");
            Ok(short(&value))
        }
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn bodies() {
    let turn = turn();
    let file = vectors("envelopes.json");
    let envelopes = file["envelopes"].as_array().unwrap();
    let of = |kind: &str| -> Vec<Vec<u8>> {
        let opened = envelopes.iter().filter(|envelope| envelope["kind"] == kind);
        let seeds = opened.map(|envelope| {
            let bytes = data_encoding::HEXLOWER
                .decode(envelope["hex"].as_str().unwrap().as_bytes())
                .unwrap();
            body_of(&bytes)
        });
        seeds.collect()
    };
    hold(&turn, "profile", of("profile"), reads_what_it_writes::<Profile>);
    hold(&turn, "follow", of("follow"), reads_what_it_writes::<Follow>);
    hold(&turn, "post", of("post"), reads_what_it_writes::<Post>);
    hold(
        &turn,
        "reaction",
        of("reaction"),
        reads_what_it_writes::<Reaction>,
    );
    hold(&turn, "vouch", of("vouch"), reads_what_it_writes::<Vouch>);
    hold(&turn, "review", of("review"), reads_what_it_writes::<Review>);
    hold(&turn, "revoke", of("revoke"), reads_what_it_writes::<Revoke>);
    hold(&turn, "shop", of("shop"), reads_what_it_writes::<ShopTerms>);
    hold(
        &turn,
        "listing",
        of("listing"),
        reads_what_it_writes::<ListingPart>,
    );
    hold(&turn, "stock", of("stock"), reads_what_it_writes::<StockAccount>);
    hold(&turn, "order", of("order"), reads_what_it_writes::<OrderMessage>);
    hold(&turn, "tab", of("tab"), reads_what_it_writes::<TabMessage>);
}

/// The body inside an envelope's bytes, read as anybody would who knows nothing but the form.
fn body_of(bytes: &[u8]) -> Vec<u8> {
    let marker = b"\x64body";
    let start = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .unwrap()
        + marker.len();
    let (length, head) = match bytes[start] {
        short @ 0x40..=0x57 => (usize::from(short - 0x40), 1),
        0x58 => (usize::from(bytes[start + 1]), 2),
        0x59 => (
            usize::from(u16::from_be_bytes([bytes[start + 1], bytes[start + 2]])),
            3,
        ),
        other => panic!("no byte string: {other:02x}"),
    };
    bytes[start + head..][..length].to_vec()
}

#[test]
fn grants_and_any_other_value() {
    let turn = turn();
    let mut seeds = bytes(&vectors("envelopes.json")["envelopes"], "hex");
    seeds.extend(bytes(&vectors("sync_frames.json")["answers"], "hex"));
    hold(&turn, "grant", seeds.clone(), reads_what_it_writes::<Grant>);
    hold(
        &turn,
        "bytes",
        seeds.clone(),
        reads_what_it_writes::<serde_bytes::ByteBuf>,
    );
    hold(
        &turn,
        "list",
        seeds,
        reads_what_it_writes::<Vec<serde_bytes::ByteBuf>>,
    );
}

#[test]
fn messages_between_the_devices_of_a_shop() {
    let turn = turn();
    let device = |n| DeviceId::from_bytes([n; 32]);
    let (mut one, mut other) = (Shard::new(7, device(1), 0), Shard::new(7, device(2), 0));
    let mut seeds = Vec::new();
    let mut states = [SyncState::new(), SyncState::new()];
    let mut dice = Dice::new(3);
    one.apply(&edits(&mut dice)).unwrap();
    other.apply(&edits(&mut dice)).unwrap();
    for _ in 0..6 {
        if let Some(bytes) = one.generate(&mut states[0]).unwrap() {
            other.receive(&mut states[1], &bytes).unwrap();
            seeds.push(bytes);
        }
        if let Some(bytes) = other.generate(&mut states[1]).unwrap() {
            one.receive(&mut states[0], &bytes).unwrap();
            seeds.push(bytes);
        }
    }
    assert!(seeds.len() >= 4);
    hold(&turn, "shard", seeds, |input| {
        let mut shard = Shard::new(7, device(3), 0);
        shard.apply(&edits(&mut Dice::new(4))).unwrap();
        let listing = ListingId::from_bytes([7; 16]);
        let before = shard.project(&listing).unwrap();
        match shard.receive(&mut SyncState::new(), input) {
            Ok(changed) => Ok(format!("{} changed", changed.len())),
            Err(error) => {
                assert_eq!(
                    shard.project(&listing).unwrap(),
                    before,
                    "a refusal changes nothing"
                );
                Err(error.to_string())
            }
        }
    });
}

/// A mug, at some price.
fn edits(dice: &mut Dice) -> Vec<Edit> {
    let listing = ListingId::from_bytes([7; 16]);
    let product = Product {
        title: Name::new("A mug").unwrap(),
        ..Product::default()
    };
    let minor = i64::try_from(dice.below(10_000)).unwrap();
    let variant = Variant {
        price: Some(Amount::new(minor, Currency::EUR).unwrap()),
        ..Variant::new(VariantId::of(&listing, &["S"]))
    };
    vec![
        Edit::Put {
            listing,
            product: Box::new(product),
        },
        Edit::PutVariant {
            listing,
            variant: Box::new(variant),
        },
    ]
}

/// What comes back as text is what went in, or another way to write the same.
fn parses<T: FromStr + Display + PartialEq + Debug>(text: &str) -> bool
where
    T::Err: Debug,
{
    let Ok(value) = text.parse::<T>() else {
        return false;
    };
    let written = value.to_string();
    assert_eq!(
        written.parse::<T>().unwrap(),
        value,
        "{text} is written as {written}"
    );
    true
}

#[test]
fn ids_words_and_commands() {
    let turn = turn();
    let me = AuthorId::from_bytes([9; 32]);
    let mut texts = vec![
        me.to_string(),
        DeviceId::from_bytes([8; 32]).to_string(),
        EnvelopeId::of(b"x").to_string(),
        OrderId::from(EnvelopeId::of(b"y")).to_string(),
        TabId::of(&me, &AuthorId::from_bytes([1; 32]), "EUR").to_string(),
        ListingId::of(&me, "mug").to_string(),
        VariantId::from_bytes([3; 8]).to_string(),
    ];
    texts.push(Phrase::from_entropy(&[5; 32]).unwrap().words().to_owned());
    let seeds: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    hold(&turn, "text", seeds, |input| {
        let text = String::from_utf8_lossy(input);
        let read = [
            parses::<AuthorId>(&text),
            parses::<DeviceId>(&text),
            parses::<EnvelopeId>(&text),
            parses::<OrderId>(&text),
            parses::<TabId>(&text),
            parses::<ListingId>(&text),
            parses::<VariantId>(&text),
            parses::<MediaId>(&text),
            Phrase::parse(&text).is_ok(),
        ];
        match read.contains(&true) {
            true => Ok(format!("{read:?}")),
            false => Err(format!("{:?}", text.parse::<AuthorId>().err())),
        }
    });
    let commands = [
        r#"{"do":"post","text":"Look","tags":[{"shop":"me","listing":"x"}],"reply_to":null}"#.to_owned(),
        format!(r#"{{"do":"follow","author":"{me}","public":true}}"#),
        r#"{"do":"import_listings","products":[{"handle":"a","title":"b","variants":[{"price_minor":1}]}]}"#
            .to_owned(),
        format!(
            r#"{{"do":"grant_tab","to":"{me}","limit":{{"minor":5000,"currency":"EUR"}},"vouched":false}}"#
        ),
        format!(r#"{{"do":"vouch","subject":"{me}","category":"people","stands":true,"why":"w"}}"#),
        "[".repeat(300),
    ];
    let seeds = commands.map(String::into_bytes).to_vec();
    hold(&turn, "command", seeds, |input| {
        match serde_json::from_slice::<Command>(input) {
            Ok(command) => {
                let written = serde_json::to_vec(&command).unwrap();
                assert_eq!(serde_json::from_slice::<Command>(&written).unwrap(), command);
                Ok(short(&command))
            }
            Err(error) => Err(error.to_string()),
        }
    });
}
