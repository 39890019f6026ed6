//! The views, over envelopes that were really sealed, opened and admitted.

use super::*;
use crate::admission;
use crate::body::Body;
use crate::envelope::{self, Chain};
use crate::id::{DeviceId, EnvelopeId, ListingId, TabId, VariantId};
use crate::identity::{DeviceKey, Grant, Phrase, Scopes};
use crate::listing::{FieldKey, FieldName, Fields, Stamp, Value};
use crate::money::{Amount, Currency};
use crate::order::{Act, Ask, OrderMessage, Role, State};
use crate::post::{Post, ProductTag};
use crate::profile::Profile;
use crate::quote::Line;
use crate::receipt::PublicReceipt;
use crate::records::{Memory, Write};
use crate::review::Review;
use crate::settlement::Rail;
use crate::shop::ShopTerms;
use crate::stock::Stock;
use crate::tab::{Change, Parties};
use crate::text::{List, Name, Tag};
use crate::time::{Hybrid, Timestamp};
use crate::vouch::Vouch;

/// A device of somebody, and the chain of what it says.
struct Speaker {
    author: AuthorId,
    key: DeviceKey,
    grant: Grant,
    head: Option<(u64, EnvelopeId)>,
}

impl Speaker {
    fn new(person: u8, device: u8) -> Self {
        let root = Phrase::from_entropy(&[person; 32]).unwrap().root_key().unwrap();
        let key = DeviceKey::from_secret(&[device; 32]);
        let grant = root.grant(key.device(), Scopes::ALL, 0, None).unwrap();
        Self {
            author: root.author(),
            key,
            grant,
            head: None,
        }
    }

    fn device(&self) -> DeviceId {
        self.key.device()
    }
}

/// One node's records, filled as a node fills them: sealed, opened again, admitted, committed.
#[derive(Default)]
struct World {
    records: Memory,
    clock: u64,
}

impl World {
    fn records(&self) -> &dyn Records {
        &self.records
    }

    fn hears(&mut self, by: &mut Speaker, body: impl Into<Body>) -> EnvelopeId {
        let body = body.into();
        self.clock += 1;
        let chain = (body.kind().lane() == crate::body::Lane::Log).then(|| Chain::after(by.head));
        let time = Hybrid {
            wall_ms: self.clock,
            count: 0,
        };
        let signed = envelope::seal(&by.key, by.author, Some(&by.grant), time, chain, body).unwrap();
        if let Some(chain) = chain {
            by.head = Some((chain.seq, signed.id()));
        }
        let opened = envelope::open(signed.bytes(), &mut Default::default()).unwrap();
        let envelope::Opened::Known(opened) = opened else {
            panic!("its kind is known")
        };
        let admission = admission::admit(opened, Timestamp(self.clock), &self.records)
            .unwrap()
            .unwrap();
        self.records.commit(&admission.writes);
        signed.id()
    }

    fn follows(&mut self, who: &AuthorId) {
        let followed = crate::peer::Followed {
            since: Timestamp(1),
            public: false,
        };
        let value = codec::encode(&followed).unwrap();
        let write = Write::local(Tree::Follows, who.as_bytes(), Some(value)).unwrap();
        self.records.commit(&[write]);
    }
}

fn profile_of(name: &str) -> Profile {
    Profile {
        name: Name::new(name).unwrap(),
        ..Profile::default()
    }
}

fn post_of(text: &str) -> Post {
    Post {
        text: Prose::new(text).unwrap(),
        ..Post::default()
    }
}

fn vouch_for(subject: AuthorId, stands: bool) -> Vouch {
    Vouch {
        subject,
        category: Tag::new("people").unwrap(),
        stands,
        why: Prose::default(),
    }
}

/// Field values of a listing with one variant, as a device sets them at a counter.
fn fields(by: &Speaker, counter: u64, values: &[(Option<VariantId>, &str, Value)]) -> Fields {
    let mut fields = Fields::new();
    for (variant, name, value) in values {
        let key = FieldKey {
            variant: *variant,
            name: FieldName::new(name).unwrap(),
        };
        fields.set(key, Stamp::new(0, counter, by.device()).unwrap(), value.clone());
    }
    fields
}

fn text(text: &str) -> Value {
    Value::text(text).unwrap()
}

fn lists(world: &mut World, by: &mut Speaker, handle: &str, published: bool) -> (ListingId, VariantId) {
    let id = ListingId::of(&by.author, handle);
    let variant = VariantId::of(&id, &[""; 0]);
    let values = [
        (None, "handle", text(handle)),
        (None, "title", text(&format!("The {handle}"))),
        (None, "published", Value::Bool(published)),
        (Some(variant), "price", text("4299 EUR")),
        (Some(variant), "tracked", Value::Bool(true)),
    ];
    for part in fields(by, 1, &values).split(id).unwrap() {
        world.hears(by, part);
    }
    (id, variant)
}

#[test]
fn a_listing_is_joined_from_all_devices_and_so_is_its_stock() {
    let mut world = World::default();
    let (mut shop, mut phone) = (Speaker::new(1, 11), Speaker::new(1, 12));
    let (me, merchant) = (Speaker::new(2, 21).author, shop.author);
    let (id, variant) = lists(&mut world, &mut shop, "lamp", true);
    for part in fields(&phone, 2, &[(None, "title", text("Renamed"))])
        .split(id)
        .unwrap()
    {
        world.hears(&mut phone, part);
    }
    for (device, units) in [(&mut shop, 3), (&mut phone, 7)] {
        let mut stock = Stock::new(id);
        stock.set_available(device.device(), variant, units).unwrap();
        for account in stock.account(&device.device()).unwrap() {
            world.hears(device, account);
        }
    }
    let seen = listing(world.records(), &me, &merchant, &id).unwrap().unwrap();
    assert_eq!((seen.title.as_str(), seen.handle.as_str()), ("Renamed", "lamp"));
    assert_eq!(
        seen.variants[0].price,
        Some(Amount {
            minor: 4_299,
            currency: Currency::EUR
        })
    );
    assert_eq!(seen.variants[0].available, Some(10));
    assert_eq!((seen.updated, seen.rating), (2, None));
}

#[test]
fn what_may_be_oversold_is_for_sale_beyond_its_count() {
    let mut world = World::default();
    let (mut shop, mut phone) = (Speaker::new(1, 11), Speaker::new(1, 12));
    let (me, merchant, mut counter) = (Speaker::new(2, 21).author, shop.author, 1);
    let (id, variant) = lists(&mut world, &mut shop, "lamp", true);
    let mut seen_when = |values: &[(&str, Value)]| {
        counter += 1;
        let values: Vec<_> = values
            .iter()
            .map(|(name, value)| (Some(variant), *name, value.clone()))
            .collect();
        for part in fields(&phone, counter, &values).split(id).unwrap() {
            world.hears(&mut phone, part);
        }
        let seen = listing(world.records(), &me, &merchant, &id).unwrap().unwrap();
        let one = &seen.variants[0];
        (one.available, one.counted, one.is_sellable(), seen.sold_out)
    };
    let is = |oversell, tracked| {
        vec![
            ("oversell", Value::Bool(oversell)),
            ("tracked", Value::Bool(tracked)),
        ]
    };
    assert_eq!(seen_when(&is(false, true)), (Some(0), Some(0), false, true));
    assert_eq!(seen_when(&is(true, true)), (None, Some(0), true, false));
    assert_eq!(seen_when(&is(false, false)), (None, None, true, false));
    // Without a price it is not sold, and not sold out either.
    let unpriced = [is(false, true), vec![("price", text(""))]].concat();
    assert_eq!(seen_when(&unpriced), (Some(0), Some(0), false, false));
}

#[test]
fn vouches_are_told_by_category() {
    let mut world = World::default();
    let (mut one, mut two, subject) = (
        Speaker::new(1, 11),
        Speaker::new(2, 21),
        Speaker::new(3, 31).author,
    );
    let of = |category: &str, stands| Vouch {
        category: Tag::new(category).unwrap(),
        ..vouch_for(subject, stands)
    };
    world.hears(&mut one, of("people", true));
    world.hears(&mut one, of("books", true));
    world.hears(&mut two, of("books", true));
    world.hears(&mut two, of("lamps", true));
    world.hears(&mut two, of("lamps", false));
    let told: Vec<(String, usize)> = vouched_in(world.records(), &subject)
        .unwrap()
        .into_iter()
        .map(|(category, by)| (category.to_string(), by.len()))
        .collect();
    assert_eq!(told, [("books".to_owned(), 2), ("people".to_owned(), 1)]);
    let profile = profile(world.records(), &one.author, &subject).unwrap().unwrap();
    assert_eq!(profile.vouched_by.len(), 1);
}

#[test]
fn strangers_see_what_is_published_and_pages_hold_each_listing_once() {
    let mut world = World::default();
    let (mut shop, me) = (Speaker::new(1, 11), Speaker::new(2, 21).author);
    let merchant = shop.author;
    for number in 0..9 {
        lists(&mut world, &mut shop, &format!("thing-{number}"), number % 3 != 0);
    }
    for (reader, expected) in [(me, 6), (merchant, 9)] {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = listings(world.records(), &reader, &merchant, after, 2).unwrap();
            assert!(page.items.len() <= 2);
            ids.extend(page.items.iter().map(|item| item.listing));
            match page.next {
                Some(next) => after = Some(data_encoding::HEXLOWER.decode(next.as_bytes()).unwrap()),
                None => break,
            }
        }
        let mut once = ids.clone();
        once.dedup();
        assert_eq!((ids.len(), once.len()), (expected, expected));
        assert!(ids.is_sorted());
    }
    world.hears(&mut shop, ShopTerms::new(Currency::EUR));
    assert_eq!(super::shop(world.records(), &me).unwrap(), None);
}

#[test]
fn a_tag_shows_the_listing_once_it_is_held() {
    let mut world = World::default();
    let (mut friend, mut shop, me) = (
        Speaker::new(3, 31),
        Speaker::new(1, 11),
        Speaker::new(2, 21).author,
    );
    world.follows(&friend.author);
    world.hears(&mut friend, profile_of("Fred"));
    let tag = ProductTag {
        shop: shop.author,
        listing: ListingId::of(&shop.author, "lamp"),
    };
    let post = Post {
        tags: List::new(vec![tag]).unwrap(),
        ..post_of("see")
    };
    let id = world.hears(&mut friend, post);
    let shown = |world: &World| feed(world.records(), &me, None, 10).unwrap().items;
    assert_eq!(shown(&world)[0].tags[0].listing, None);
    lists(&mut world, &mut shop, "lamp", true);
    // Nobody follows the shop: its own words are not in the feed.
    world.hears(&mut shop, post_of("buy, buy"));
    let items = shown(&world);
    assert_eq!(items.len(), 1);
    assert_eq!(
        (items[0].id, items[0].name.as_ref().unwrap().as_str()),
        (id, "Fred")
    );
    assert_eq!(
        items[0].tags[0].listing.as_ref().unwrap().title.as_str(),
        "The lamp"
    );
    let answer = world.hears(
        &mut shop,
        Post {
            reply_to: Some(id),
            ..post_of("thanks")
        },
    );
    let answers = super::post(world.records(), &me, &id).unwrap().unwrap().answers;
    assert_eq!(answers.iter().map(|entry| entry.id).collect::<Vec<_>>(), [answer]);
}

#[test]
fn a_profile_names_standing_vouchers_and_followed_ones_first() {
    let mut world = World::default();
    let me = Speaker::new(2, 21).author;
    let (mut alice, mut bob, mut eve) = (Speaker::new(4, 41), Speaker::new(5, 51), Speaker::new(6, 61));
    let subject = Speaker::new(7, 71).author;
    assert_eq!(profile(world.records(), &me, &subject).unwrap(), None);
    let greatest = if alice.author > bob.author {
        alice.author
    } else {
        bob.author
    };
    world.follows(&greatest);
    for voucher in [&mut alice, &mut bob, &mut eve] {
        world.hears(voucher, vouch_for(subject, true));
    }
    world.hears(&mut eve, vouch_for(subject, false));
    let seen = profile(world.records(), &me, &subject).unwrap().unwrap();
    let vouchers: Vec<AuthorId> = seen.vouched_by.iter().map(|named| named.author).collect();
    assert_eq!((vouchers.len(), vouchers[0]), (2, greatest));
    assert!(!seen.followed && !seen.equivocated && seen.name.is_none());
}

#[test]
fn of_each_purchase_the_newest_review_counts_and_friends_come_first() {
    let mut world = World::default();
    let me = Speaker::new(2, 21).author;
    let (shop, mut alice, mut bob) = (Speaker::new(1, 11), Speaker::new(4, 41), Speaker::new(5, 51));
    let id = ListingId::of(&shop.author, "lamp");
    let receipt = |buyer: &Speaker, order: u8| {
        let order = crate::id::OrderId::from_bytes([order; 32]);
        PublicReceipt::sign(&shop.key, &shop.grant, shop.author, buyer.author, &order, id).unwrap()
    };
    let review = |receipt: PublicReceipt, rating: u8| Review {
        receipt,
        rating: rating.try_into().unwrap(),
        text: Prose::default(),
    };
    let (of_alice, of_bob) = (receipt(&alice, 1), receipt(&bob, 2));
    world.hears(&mut alice, review(of_alice.clone(), 1));
    world.hears(&mut alice, review(of_alice, 4));
    world.hears(&mut bob, review(of_bob, 5));
    world.follows(&alice.author);
    // For the world they stand by time, so that their order does not tell whom the owner follows.
    let newest = newest_reviews(world.records(), &shop.author, &id, 2).unwrap();
    assert!(newest.is_sorted_by_key(|review| std::cmp::Reverse(review.time)));
    let seen = reviews(world.records(), &shop.author, &id, 10).unwrap().items;
    let ratings: Vec<(AuthorId, u8, bool)> = seen
        .iter()
        .map(|view| (view.author, view.rating, view.you_follow))
        .collect();
    assert_eq!(ratings, [(alice.author, 4, true), (bob.author, 5, false)]);
    let mut shop = shop;
    lists(&mut world, &mut shop, "lamp", true);
    let rating = listing(world.records(), &me, &shop.author, &id)
        .unwrap()
        .unwrap()
        .rating
        .unwrap();
    assert_eq!((rating.count, rating.mean.to_string()), (2, "4.5".to_owned()));
}

#[test]
fn orders_come_newest_first_and_say_what_each_side_can_do() {
    let mut world = World::default();
    let (mut buyer, mut shop) = (Speaker::new(2, 21), Speaker::new(1, 11));
    let (me, merchant) = (buyer.author, shop.author);
    let listing = ListingId::of(&merchant, "lamp");
    let line = Line {
        listing,
        variant: VariantId::of(&listing, &[""; 0]),
        units: 2,
    };
    let ask = |note: &str| {
        let ask = Ask {
            lines: List::new(vec![line]).unwrap(),
            country: "DE".parse().unwrap(),
            note: Prose::new(note).unwrap(),
            rails: List::new(vec![Rail::Tab]).unwrap(),
        };
        OrderMessage::ask(merchant, ask)
    };
    let ids: Vec<EnvelopeId> = ["one", "two", "three"]
        .iter()
        .map(|note| world.hears(&mut buyer, ask(note)))
        .collect();
    let decline = OrderMessage {
        order: Some(ids[1].into()),
        to: me,
        after: Some(ids[1]),
        act: Act::Decline {
            reason: Prose::new("sold out").unwrap(),
        },
    };
    world.hears(&mut shop, decline);
    let now = Timestamp(world.clock);
    let first = orders(world.records(), &me, now, None, 2).unwrap();
    let after = data_encoding::HEXLOWER
        .decode(first.next.as_ref().unwrap().as_bytes())
        .unwrap();
    let rest = orders(world.records(), &me, now, Some(after), 2).unwrap();
    let notes: Vec<&str> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|order| order.note.as_str())
        .collect();
    assert_eq!((notes, rest.next), (vec!["three", "two", "one"], None));
    let (open, declined) = (&first.items[0], &first.items[1]);
    assert_eq!(
        (open.state, open.you, open.next.as_slice()),
        (State::Asked, Role::Buyer, ["cancel_order"].as_slice())
    );
    assert_eq!((open.lines[0].units, open.lines[0].total), (2, None));
    assert_eq!((declined.state, declined.next.len()), (State::Declined, 0));
    assert_eq!(declined.reason.as_ref().unwrap().as_str(), "sold out");
    // To take back and to turn down are possible, and nothing that waits.
    let theirs = orders(world.records(), &merchant, now, None, 10).unwrap().items;
    assert_eq!(
        theirs.iter().map(|order| order.next.clone()).collect::<Vec<_>>(),
        [vec!["decline_order"], vec![], vec!["decline_order"]]
    );
    assert!(
        theirs
            .iter()
            .chain(&first.items)
            .all(|order| !order.waits_for_you())
    );
    let eve = Speaker::new(6, 61).author;
    assert_eq!(order(world.records(), &eve, now, &ids[0].into()).unwrap(), None);
}

#[test]
fn a_tab_reads_the_same_from_both_sides_with_the_signs_turned() {
    let mut world = World::default();
    let (mut alice, mut bob) = (Speaker::new(4, 41), Speaker::new(5, 51));
    let parties = Parties::new(alice.author, bob.author, Currency::EUR).unwrap();
    let id = parties.tab();
    let agree = |world: &mut World, by: &mut Speaker, other: &mut Speaker, change: Change| {
        let (one, two) = (by.author, other.author);
        let read = |world: &World| crate::peer::read_tab(world.records(), &one, &two, Currency::EUR).unwrap();
        let propose = read(world).propose(&one, change, Timestamp(world.clock));
        let proposal = world.hears(by, propose.unwrap());
        let agree = read(world).agree(&two, &proposal);
        world.hears(other, agree.unwrap());
    };
    let order = crate::id::OrderId::from_bytes([1; 32]);
    let limit = Change::SetLimit {
        by: alice.author,
        limit_minor: 5_000,
    };
    let pay = Change::Pay {
        order,
        from: bob.author,
        amount_minor: 1_200,
    };
    agree(&mut world, &mut alice, &mut bob, limit);
    agree(&mut world, &mut bob, &mut alice, pay);
    let of = |me: &Speaker| tab(world.records(), &me.author, &id).unwrap().unwrap();
    let (hers, his) = (of(&alice), of(&bob));
    assert_eq!(
        (hers.balance_minor, his.balance_minor, his.you_owe_minor),
        (1_200, -1_200, 1_200)
    );
    assert_eq!(
        (
            hers.limit_you_gave_minor,
            his.limit_they_gave_minor,
            his.room_minor
        ),
        (5_000, 5_000, 3_800)
    );
    assert_eq!(
        (&hers.state, hers.seq, hers.pending),
        (&his.state, his.seq, false)
    );
    let history = hers.history.unwrap();
    let changes: Vec<(&str, i64)> = history
        .iter()
        .map(|change| (change.change, change.amount_minor))
        .collect();
    assert_eq!(
        (changes, history[1].order),
        (vec![("limit", 5_000), ("pay", 1_200)], Some(order))
    );
    assert!(
        tabs(world.records(), &alice.author, None, 10).unwrap().items[0]
            .history
            .is_none()
    );
    assert_eq!(
        tab(world.records(), &Speaker::new(6, 61).author, &id).unwrap(),
        None
    );
    let unknown = TabId::of(&alice.author, &AuthorId::from_bytes([9; 32]), "EUR");
    assert_eq!(tab(world.records(), &alice.author, &unknown).unwrap(), None);
}
