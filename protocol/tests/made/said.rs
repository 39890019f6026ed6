//! Who speaks in the vectors, and what is said in them.

use souk_protocol::body::{Body, Lane, Revoke};
use souk_protocol::envelope::{Chain, Signed, seal};
use souk_protocol::follow::Follow;
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId, MediaId, VariantId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, RootKey, Scope, Scopes};
use souk_protocol::listing::{FieldKey, FieldName, Fields, ListingPart, Stamp, Value};
use souk_protocol::post::{Post, ProductTag, Reaction};
use souk_protocol::profile::Profile;
use souk_protocol::shop::{ShippingProfile, ShopTerms, Zone};
use souk_protocol::stock::{Stock, StockAccount};
use souk_protocol::text::{List, Name, Prose, Tag, Text};
use souk_protocol::time::{Hybrid, Timestamp};
use souk_protocol::vouch::Vouch;

/// What alice's clock says in all vectors: 2026-01-01T00:00:00Z.
pub(crate) const NOW_MS: u64 = 1_767_225_600_000;

pub(crate) fn phrase(seed: u8) -> Phrase {
    Phrase::from_entropy(&[seed; 32]).unwrap()
}

/// A person with one device, all from one byte.
pub(crate) struct Person {
    pub(crate) root: RootKey,
    pub(crate) device: DeviceKey,
    pub(crate) grant: Grant,
}

impl Person {
    pub(crate) fn new(seed: u8) -> Self {
        let root = phrase(seed).root_key().unwrap();
        let device = DeviceKey::from_secret(&[seed + 100; 32]);
        let grant = root.grant(device.device(), Scopes::ALL, 0, None).unwrap();
        Self { root, device, grant }
    }
    pub(crate) fn author(&self) -> AuthorId {
        self.root.author()
    }
    pub(crate) fn granted(&self, scopes: &[Scope], epoch: u32, until_ms: Option<u64>) -> Grant {
        let until = until_ms.map(Timestamp);
        self.root
            .grant(self.device.device(), Scopes::of(scopes), epoch, until)
            .unwrap()
    }
    pub(crate) fn seal(&self, time: Hybrid, chain: Option<Chain>, body: Body) -> Signed {
        seal(&self.device, self.author(), Some(&self.grant), time, chain, body).unwrap()
    }
}

pub(crate) fn alice() -> Person {
    Person::new(1)
}
pub(crate) fn bob() -> Person {
    Person::new(2)
}
pub(crate) fn at(count: u32) -> Hybrid {
    Hybrid {
        wall_ms: NOW_MS,
        count,
    }
}

// ---- what is said: one line for each kind -----------------------------------------------------

/// Bodies of alice. A new kind is one line here.
#[rustfmt::skip]
pub(crate) fn bodies() -> Vec<(&'static str, Body)> {
    let (post, shop) = (EnvelopeId::of(b"a post"), bob().author());
    let tag = ProductTag { shop, listing: hat() };
    vec![
        ("profile", Profile { name: name("Alice"), about: prose("Hats, mostly."), links: list([name("https://alice.example")]) }.into()),
        ("profile_bare", Profile { name: name("Alice"), ..Profile::default() }.into()),
        ("follow", Follow { who: shop, stands: true }.into()),
        ("unfollow", Follow { who: shop, stands: false }.into()),
        ("post", Post { text: prose("Look at this hat.\n\tIt is gr\u{fc}n."), tags: list([tag]), ..Post::default() }.into()),
        ("post_bare", Post { text: prose("Good morning."), ..Post::default() }.into()),
        ("post_reply", Post { text: prose("So it is."), reply_to: Some(post), media: list([MediaId::from_bytes([9; 32])]), ..Post::default() }.into()),
        ("post_reshare", Post { reshare: Some(post), ..Post::default() }.into()),
        ("reaction", Reaction { to: post, emoji: Text::new("\u{1f3a9}").unwrap() }.into()),
        ("reaction_withdrawn", Reaction { to: post, emoji: Text::new("").unwrap() }.into()),
        ("vouch", Vouch { subject: shop, category: Tag::new("people").unwrap(), stands: true, why: prose("Pays debts.") }.into()),
        ("vouch_withdrawn", Vouch { subject: shop, category: Tag::new("people").unwrap(), stands: false, why: prose("") }.into()),
        ("shop", shop_terms().into()),
        ("listing", listing_part().into()),
        ("stock", stock_account().into()),
    ]
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
pub(crate) fn prose(text: &str) -> Prose {
    Prose::new(text).unwrap()
}
pub(crate) fn list<T, const MAX: usize, const N: usize>(items: [T; N]) -> List<T, MAX> {
    List::new(items.into()).unwrap()
}
pub(crate) fn hat() -> ListingId {
    ListingId::of(&alice().author(), "hat")
}
pub(crate) fn small_hat() -> VariantId {
    VariantId::of(&hat(), &["S"])
}

pub(crate) fn shop_terms() -> ShopTerms {
    let mut terms = ShopTerms::new("EUR".parse().unwrap());
    let near = Zone {
        places: list(["DE".parse().unwrap(), "AT".parse().unwrap()]),
        base_minor: 490,
        per_kg_minor: 0,
        free_from_minor: Some(5_000),
    };
    let far = Zone {
        places: list(["*".parse().unwrap()]),
        base_minor: 1_490,
        per_kg_minor: 200,
        free_from_minor: None,
    };
    terms.shipping = list([ShippingProfile {
        name: name("parcel"),
        zones: list([near, far]),
    }]);
    terms
}

pub(crate) fn listing_part() -> ListingPart {
    let stamp = |counter| Stamp::new(0, counter, alice().device.device()).unwrap();
    let field = |name| FieldName::new(name).unwrap();
    let (product, variant) = (FieldKey::product, |name| FieldKey::variant(small_hat(), name));
    let mut fields = Fields::new();
    fields.set(
        product(field("title")),
        stamp(1),
        Value::text("Green hat").unwrap(),
    );
    fields.set(product(field("published")), stamp(2), Value::Bool(true));
    fields.set(product(field("description")), stamp(300), Value::Null);
    fields.set(variant(field("option1")), stamp(3), Value::text("S").unwrap());
    fields.set(
        variant(field("price")),
        stamp(4),
        Value::text("4299 EUR").unwrap(),
    );
    fields.set(variant(field("weight_grams")), stamp(5), Value::Int(250));
    fields.split(hat()).unwrap().swap_remove(0)
}

pub(crate) fn stock_account() -> StockAccount {
    let own = alice().device.device();
    let mut stock = Stock::new(hat());
    stock.set_available(own, small_hat(), 7).unwrap();
    stock.spend(own, small_hat(), 2).unwrap();
    stock.account(&own).unwrap().swap_remove(0)
}

/// Alice says all of it, in one chain; then, with a grant that ends at that moment, once more her name;
/// then her root key throws her device out.
pub(crate) fn envelopes() -> Vec<(&'static str, Signed)> {
    let (alice, mut head, mut said) = (alice(), None, Vec::new());
    for (count, (name, body)) in (0..).zip(bodies()) {
        let chain = (body.kind().lane() == Lane::Log).then(|| Chain::after(head));
        let envelope = alice.seal(at(count), chain, body);
        if let Some(chain) = chain {
            head = Some((chain.seq, envelope.id()));
        }
        said.push((name, envelope));
    }
    let until = alice.granted(&[Scope::Post], 1, Some(NOW_MS));
    let body = Body::from(Profile {
        name: name("Alice"),
        ..Profile::default()
    });
    let last = seal(&alice.device, alice.author(), Some(&until), at(0), None, body).unwrap();
    said.push(("last_moment_of_a_grant", last));
    let body = Body::from(Revoke {
        device: alice.device.device(),
        last_seq: 3,
    });
    let (root, first) = (alice.root.as_device(), Some(Chain::after(None)));
    said.push((
        "revoke",
        seal(&root, alice.author(), None, at(99), first, body).unwrap(),
    ));
    said
}
