//! Who speaks in the vectors, and what is said in them.

use souk_protocol::body::{Body, Lane, Revoke};
use souk_protocol::envelope::{Chain, Signed, seal};
use souk_protocol::follow::Follow;
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId, MediaId, OrderId, TabId, VariantId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, RootKey, Scope, Scopes};
use souk_protocol::listing::{FieldKey, FieldName, Fields, ListingPart, Stamp, Value};
use souk_protocol::money::Currency;
use souk_protocol::order::{Act, OrderMessage};
use souk_protocol::post::{Post, ProductTag, Reaction};
use souk_protocol::profile::Profile;
use souk_protocol::quote::{Line, Quote, QuoteLine};
use souk_protocol::receipt::{PublicReceipt, Receipt};
use souk_protocol::review::Review;
use souk_protocol::settlement::{Instruction, Proof, Rail};
use souk_protocol::shop::{ShippingProfile, ShopTerms, Zone};
use souk_protocol::stock::{Stock, StockAccount};
use souk_protocol::tab::{Change, TabAct, TabHold, TabMessage, TabState};
use souk_protocol::text::{List, Name, Prose, Tag, Text};
use souk_protocol::time::{Hybrid, Timestamp};
use souk_protocol::vouch::Vouch;
use std::sync::LazyLock;

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

/// A key from words takes a while: each person is made once.
pub(crate) fn alice() -> &'static Person {
    static ALICE: LazyLock<Person> = LazyLock::new(|| Person::new(1));
    &ALICE
}
pub(crate) fn bob() -> &'static Person {
    static BOB: LazyLock<Person> = LazyLock::new(|| Person::new(2));
    &BOB
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
        ("review", Review { receipt: receipt_of_bob(), rating: 5, text: prose("Warm.") }.into()),
        ("order_ask", order(None, Act::Ask { lines: list([Line { listing: hat(), variant: small_hat(), units: 2 }]), country: "DE".parse().unwrap(), note: prose("A present.") })),
        ("order_quote", order(Some(post), Act::Quote(Box::new(quote())))),
        ("order_place", order(Some(post), Act::Place { rail: Rail::Tab, address: list([name("Alice"), name("1 Hat Lane")]) })),
        ("order_accept_on_a_tab", order(Some(post), Act::Accept { instruction: Instruction::Tab { tab: tab() } })),
        ("order_accept_by_hand", order(Some(post), Act::Accept { instruction: Instruction::Manual { words: prose("IBAN \u{2026}"), reference: name("hat 7") } })),
        ("order_decline", order(Some(post), Act::Decline { reason: prose("All gone.") })),
        ("order_cancel", order(Some(post), Act::Cancel)),
        ("order_pay", order(Some(post), Act::Pay { proof: Proof::Tab { tab: tab(), seq: 2 } })),
        ("order_receipt", order(Some(post), Act::Receipt(Box::new(Receipt { total_minor: 9_088, currency: euro(), rail: Rail::Tab, public: list([receipt_of_bob()]) })))),
        ("order_fulfil", order(Some(post), Act::Fulfil { carrier: name("Post"), tracking: name("RR123") })),
        ("order_complete", order(Some(post), Act::Complete)),
        ("order_lapse", order(Some(post), Act::Lapse)),
        ("tab_propose", tab_message(TabAct::Propose(Box::new(tab_state())))),
        ("tab_agree", tab_message(TabAct::Agree { proposal: post, state: tab_state().hash().unwrap() })),
        ("tab_refuse", tab_message(TabAct::Refuse { proposal: post, reason: prose("Too much.") })),
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

/// A message to bob about the order that hangs on an envelope; the first one names it by itself.
fn order(after: Option<EnvelopeId>, act: Act) -> Body {
    let (order, to) = (after.map(OrderId::from), bob().author());
    Body::from(OrderMessage {
        order,
        to,
        after,
        act,
    })
}

fn quote() -> Quote {
    let line = QuoteLine {
        listing: hat(),
        variant: small_hat(),
        title: name("Green hat"),
        label: name("S"),
        units: 2,
        unit_minor: 4_299,
        total_minor: 8_598,
    };
    Quote {
        lines: list([line]),
        currency: euro(),
        subtotal_minor: 8_598,
        shipping_minor: 490,
        total_minor: 9_088,
        expires: Timestamp(NOW_MS + 3_600_000),
        deadlines: shop_terms().deadlines,
        returns_days: 14,
        rails: list([Rail::Tab, Rail::Manual]),
    }
}

/// Bob's word that alice bought a hat.
pub(crate) fn receipt_of_bob() -> PublicReceipt {
    let (bob, order) = (bob(), OrderId::from(EnvelopeId::of(b"an order")));
    PublicReceipt::sign(
        &bob.device,
        &bob.grant,
        bob.author(),
        alice().author(),
        &order,
        hat(),
    )
    .unwrap()
}

fn euro() -> Currency {
    "EUR".parse().unwrap()
}
fn tab() -> TabId {
    TabId::of(&alice().author(), &bob().author(), "EUR")
}
fn tab_message(act: TabAct) -> Body {
    let to = bob().author();
    Body::from(TabMessage { to, tab: tab(), act })
}

fn tab_state() -> TabState {
    let (one, other) = (alice().author(), bob().author());
    let order = OrderId::from(EnvelopeId::of(b"an order"));
    let hold = TabHold {
        order,
        from: one,
        minor: 100,
        until: Timestamp(NOW_MS),
    };
    TabState {
        low: one.min(other),
        high: one.max(other),
        currency: euro(),
        seq: 0,
        prev: None,
        balance_minor: -9_088,
        limit_low_minor: 0,
        limit_high_minor: 20_000,
        holds: list([hold]),
        change: Change::Pay { order, minor: 9_088 },
    }
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
