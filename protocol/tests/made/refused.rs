//! What no node keeps: envelopes that are spoiled in one place and otherwise well made and signed.

use super::cbor::{self, array, bytes, map, null, text, uint};
use super::said::{NOW_MS, alice, bob, receipt_of_bob};
use ed25519_dalek::{Signer, SigningKey};
use souk_protocol::codec;
use souk_protocol::envelope::{OpenError, Opened};
use souk_protocol::id::{AuthorId, DeviceId, ListingId};
use souk_protocol::identity::{Grant, Scope, Scopes};
use souk_protocol::limits;
use souk_protocol::receipt::PublicReceipt;
use souk_protocol::review::Review;
use souk_protocol::text::Prose;

const DOMAIN: &[u8] = b"souk envelope v1\0";

/// The identity point: of small order, no secret belongs to it.
pub(crate) const WEAK_KEY: [u8; 32] = {
    let mut key = [0; 32];
    key[0] = 1;
    key
};
/// A signature that a lenient check accepts for any message under [`WEAK_KEY`].
pub(crate) const FORGED: [u8; 64] = {
    let mut signature = [0; 64];
    signature[0] = 1;
    signature
};
/// The order of Ed25519's group, little-endian: 2^252 and this.
pub(crate) const ORDER_LOW: [u8; 16] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
];

/// Turns a signature into another one that a lenient check accepts too.
pub(crate) fn add_group_order(signature: &mut [u8; 64]) {
    let mut order = [0; 32];
    order[..16].copy_from_slice(&ORDER_LOW);
    order[31] = 0x10;
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
}

/// An envelope as a list of parts that can be spoiled one by one, and is then signed all the same.
pub(crate) struct Parts {
    version: Vec<u8>,
    kind: String,
    author: AuthorId,
    device: Vec<u8>,
    grant: Option<Vec<u8>>,
    time: Vec<u8>,
    chain: Option<Vec<u8>>,
    body: Vec<u8>,
    key: SigningKey,
}

impl Parts {
    /// Alice's profile.
    pub(crate) fn profile() -> Self {
        let alice = alice();
        Self {
            version: uint(1),
            kind: "profile".into(),
            author: alice.author(),
            device: bytes(alice.device.device().as_bytes()),
            grant: Some(codec::encode(&alice.grant).unwrap()),
            time: array(&[uint(NOW_MS), uint(0)]),
            chain: None,
            body: map(&[("name", text("Alice"))]),
            key: SigningKey::from_bytes(&alice.device.secret()),
        }
    }
    /// Alice's first post.
    pub(crate) fn post() -> Self {
        let chain = Some(array(&[uint(1), null()]));
        Self {
            kind: "post".into(),
            chain,
            body: map(&[("text", text("Hello."))]),
            ..Self::profile()
        }
    }
    /// Alice's post with another body.
    pub(crate) fn posting(body: Vec<u8>) -> Vec<u8> {
        Self { body, ..Self::post() }.sealed()
    }
    pub(crate) fn chained(self, chain: Vec<u8>) -> Self {
        Self {
            chain: Some(chain),
            ..self
        }
    }
    pub(crate) fn granted(self, grant: Vec<u8>) -> Self {
        Self {
            grant: Some(grant),
            ..self
        }
    }
    pub(crate) fn saying(self, kind: &str, body: Vec<u8>) -> Self {
        Self {
            kind: kind.into(),
            body,
            ..self
        }
    }
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut entries = vec![
            ("v", self.version.clone()),
            ("body", bytes(&self.body)),
            ("kind", text(&self.kind)),
        ];
        entries.push(("time", self.time.clone()));
        entries.extend(self.chain.clone().map(|chain| ("chain", chain)));
        entries.extend(self.grant.clone().map(|grant| ("grant", grant)));
        entries.extend([
            ("author", bytes(self.author.as_bytes())),
            ("device", self.device.clone()),
        ]);
        map(&entries)
    }
    pub(crate) fn sealed(&self) -> Vec<u8> {
        self.signed(&self.content())
    }
    /// Signs whatever content.
    pub(crate) fn signed(&self, content: &[u8]) -> Vec<u8> {
        wire(content, &self.key.sign(&[DOMAIN, content].concat()).to_bytes())
    }
}

pub(crate) fn wire(content: &[u8], signature: &[u8]) -> Vec<u8> {
    array(&[bytes(content), bytes(signature)])
}

/// Envelopes that no node keeps.
#[rustfmt::skip]
pub(crate) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let (profile, post) = (Parts::profile, Parts::post);
    let good = profile().sealed();
    [
        outer_form(&good),
        vec![
            ("a non-canonical integer", Parts { version: vec![0x18, 1], ..profile() }.sealed()),
            ("a non-canonical length", Parts { device: [&[0x59, 0, 32], alice().device.device().as_bytes().as_slice()].concat(), ..profile() }.sealed()),
            ("a float", Parts { time: array(&[vec![0xfb, 0x42, 0x79, 0xb7, 0x74, 0, 0, 0, 0], uint(0)]), ..profile() }.sealed()),
            ("undefined", profile().chained(vec![0xf7]).sealed()),
            ("null where a field is to be left out", profile().chained(null()).sealed()),
            ("keys unsorted", profile().signed(&cbor::swap_first_entries(&profile().content()))),
            ("a key twice", profile().signed(&cbor::repeat_first_entry(&profile().content()))),
            ("an unknown field of the content", profile().signed(&cbor::add_entry(&profile().content(), "urgency", &uint(1)))),
            ("fields missing", profile().signed(&map(&[("v", uint(1))]))),
            ("a kind of 33 bytes", profile().saying(&"k".repeat(33), vec![]).sealed()),
            ("an unknown version", Parts { version: uint(2), ..profile() }.sealed()),
            ("an unknown version of another form", profile().signed(&map(&[("v", uint(2)), ("novelty", array(&[]))]))),
            ("an unknown kind", profile().saying("horoscope", map(&[("sign", text("hat"))])).sealed()),
            ("an unknown kind on a chain", post().saying("horoscope", vec![0xff]).sealed()),
            ("an unknown kind on a chain that starts with 0", post().saying("horoscope", vec![]).chained(array(&[uint(0), null()])).sealed()),
            ("a chain where none belongs", profile().chained(array(&[uint(1), null()])).sealed()),
            ("no chain where one belongs", Parts { chain: None, ..post() }.sealed()),
            ("number 0 of a chain", post().chained(array(&[uint(0), null()])).sealed()),
            ("number 1 with one before it", post().chained(array(&[uint(1), bytes(&[7; 32])])).sealed()),
            ("number 2 with none before it", post().chained(array(&[uint(2), null()])).sealed()),
        ],
        not_signed(&good),
        no_bodies(),
    ]
    .concat()
}

pub(crate) fn outer_form(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let unknown = |length| Parts::profile().saying("horoscope", vec![0; length]).sealed();
    let too_large = unknown(limits::ENVELOPE_BYTES_MAX + 1 - (unknown(1_000).len() - 1_000));
    assert_eq!(too_large.len(), limits::ENVELOPE_BYTES_MAX + 1);
    vec![
        ("no bytes", vec![]),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("a trailing byte", [good, &[0]].concat()),
        ("one byte too large", too_large),
        (
            "a third item beside the signature",
            [&[0x83], &good[1..], &[0xf6]].concat(),
        ),
        ("an indefinite list", [&[0x9f], &good[1..], &[0xff]].concat()),
        ("a tag around it", [&[0xc1], good].concat()),
        ("a short signature", wire(&Parts::profile().content(), &[7; 63])),
    ]
}

#[rustfmt::skip]
pub(crate) fn not_signed(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (alice, bob, profile) = (alice(), bob(), Parts::profile);
    let encoded = |grant: &Grant| codec::encode(grant).unwrap();
    let content = profile().content();
    let mut malleable = profile().key.sign(&[DOMAIN, &content].concat()).to_bytes();
    add_group_order(&mut malleable);
    let weak_device = Parts {
        device: bytes(&WEAK_KEY),
        grant: Some(encoded(&alice.root.grant(DeviceId::from_bytes(WEAK_KEY), Scopes::ALL, 0, None).unwrap())),
        ..profile()
    };
    let mut forged = alice.grant.clone();
    forged.signature.0 = FORGED;
    let scopes = |bits| map(&[("sig", bytes(&[0; 64])), ("epoch", uint(0)), ("scopes", uint(bits))]);
    let by_root = Parts { device: bytes(alice.author().as_bytes()), grant: None, key: SigningKey::from_bytes(&alice.root.as_device().secret()), ..profile() };
    vec![
        ("a flipped bit in the body", cbor::flip(good, b"Alice")),
        ("signed by another device", Parts { key: SigningKey::from_bytes(&bob.device.secret()), ..profile() }.sealed()),
        ("signed without the domain", wire(&content, &profile().key.sign(&content).to_bytes())),
        ("a signature with the group's order added to it", wire(&content, &malleable)),
        ("a device key of small order", wire(&weak_device.content(), &FORGED)),
        ("an author key of small order", Parts { author: AuthorId::from_bytes(WEAK_KEY), ..profile().granted(encoded(&forged)) }.sealed()),
        ("no grant", Parts { grant: None, ..profile() }.sealed()),
        ("a grant of another author", profile().granted(encoded(&bob.grant)).sealed()),
        ("a grant without scopes", profile().granted(scopes(0)).sealed()),
        ("a grant with an unknown scope", profile().granted(scopes(31)).sealed()),
        ("a grant that lacks the scope", profile().granted(encoded(&alice.granted(&[Scope::Catalog], 0, None))).sealed()),
        ("a grant that ended a millisecond before", profile().granted(encoded(&alice.granted(&[Scope::Post], 0, Some(NOW_MS - 1)))).sealed()),
        ("a profile by the root key", by_root.sealed()),
    ]
}

#[rustfmt::skip]
pub(crate) fn no_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let (me, yes) = (bytes(alice().author().as_bytes()), vec![0xf5]);
    let tag = map(&[("shop", bytes(&[1; 32])), ("listing", bytes(&[2; 16]))]);
    let hello = || ("text", text("Hello."));
    let vouch = map(&[("stands", yes.clone()), ("subject", me.clone()), ("category", text("people"))]);
    vec![
        ("a body with a trailing byte", Parts::posting([map(&[hello()]), vec![0]].concat())),
        ("a body that nests nine deep", Parts::posting([vec![0x81; 8], vec![0x80]].concat())),
        ("a body of too many items", Parts::posting(array(&vec![uint(0); limits::CBOR_ITEMS_MAX]))),
        ("a body of another kind", Parts::posting(map(&[("name", text("Alice"))]))),
        ("an unknown field of the body", Parts::posting(map(&[("mood", text("")), hello()]))),
        ("an empty list spelled out", Parts::posting(map(&[("tags", array(&[])), hello()]))),
        ("text not in form C", Parts::posting(map(&[("text", text("cafe\u{301}"))]))),
        ("text with a control character", Parts::posting(map(&[("text", text("a\u{7}"))]))),
        ("text that is no UTF-8", Parts::posting(map(&[("text", vec![0x61, 0xff])]))),
        ("text of one byte too many", Parts::profile().saying("profile", map(&[("name", text(&"a".repeat(limits::NAME_BYTES_MAX + 1)))])).sealed()),
        ("21 product tags", Parts::posting(map(&[("tags", array(&vec![tag; 21])), hello()]))),
        ("a vouch for oneself", Parts::post().saying("vouch", vouch).sealed()),
        ("a follow of oneself", Parts::profile().saying("follow", map(&[("who", me), ("stands", yes)])).sealed()),
        ("a review of one's own shop", review(|receipt| receipt.merchant = alice().author())),
        ("a review upon another buyer's receipt", review(|receipt| receipt.buyer = bob().author())),
        ("a review upon a receipt for another listing", review(|receipt| receipt.listing = ListingId::from_bytes([7; 16]))),
        ("a review upon a receipt by a device that may not sign orders", review(|receipt| receipt.grant = bob().granted(&[Scope::Post], 0, None))),
        ("a revocation by a device", Parts::post().saying("revoke", map(&[("device", bytes(&[7; 32])), ("last_seq", uint(0))])).sealed()),
    ]
}

/// Alice's review of bob's hat, upon a receipt that was spoiled.
fn review(spoil: impl FnOnce(&mut PublicReceipt)) -> Vec<u8> {
    let mut receipt = receipt_of_bob();
    spoil(&mut receipt);
    let body = Review {
        receipt,
        rating: 5.try_into().unwrap(),
        text: Prose::default(),
    };
    Parts::post()
        .saying("review", codec::encode(&body).unwrap())
        .sealed()
}

/// The class of a refusal, as the vectors name it.
pub(crate) fn class(outcome: &Result<Opened, OpenError>) -> &'static str {
    match outcome {
        Ok(Opened::Known(_)) => "none",
        Ok(Opened::Foreign(_)) => "unknown_kind",
        Err(error) => error.class(),
    }
}
