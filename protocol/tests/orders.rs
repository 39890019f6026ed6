//! Laws of orders: the table is the specification's, and nothing but the set of messages matters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use proptest::sample::Index;
use souk_protocol::codec;
use souk_protocol::filed::Filed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, TabId, VariantId};
use souk_protocol::identity::{DeviceKey, Grant, GrantCache, Phrase, RootKey, Scope, Scopes};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::{
    Act, ActKind, Ask, Fulfil, Order, OrderMessage, OrderRefusal, Place, Role, State, TABLE, next,
};
use souk_protocol::quote::{Due, Line, Quote, QuoteLine, Terms};
use souk_protocol::receipt::{PublicReceipt, Receipt, ReceiptError, Sale};
use souk_protocol::review::{Review, ReviewError};
use souk_protocol::settlement::{Instruction, Proof, Rail, Reference};
use souk_protocol::text::{List, Name, Prose};
use souk_protocol::time::{Hybrid, Timestamp};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const DAY: u64 = 24 * 60 * 60 * 1_000;

struct Person {
    root: RootKey,
    key: DeviceKey,
    grant: Grant,
}

impl Person {
    fn new(byte: u8) -> Self {
        let root = Phrase::from_entropy(&[byte; 32]).unwrap().root_key().unwrap();
        let key = DeviceKey::from_secret(&[byte; 32]);
        let grant = root.grant(key.device(), Scopes::ALL, 0, None).unwrap();
        Self { root, key, grant }
    }
    fn author(&self) -> AuthorId {
        self.root.author()
    }
}

/// Buyer, merchant, and someone who has no part in it.
static ALICE: LazyLock<Person> = LazyLock::new(|| Person::new(1));
static BOB: LazyLock<Person> = LazyLock::new(|| Person::new(2));
static EVE: LazyLock<Person> = LazyLock::new(|| Person::new(3));

fn person(role: Role) -> &'static Person {
    match role {
        Role::Buyer => &ALICE,
        Role::Merchant => &BOB,
    }
}

#[derive(Debug, Clone)]
struct Said {
    id: EnvelopeId,
    author: AuthorId,
    device: DeviceId,
    time: Hybrid,
    message: OrderMessage,
}

impl Said {
    fn new(who: &Person, at: u64, message: OrderMessage) -> Self {
        let time = Hybrid {
            wall_ms: at,
            count: 0,
        };
        let bytes = codec::encode(&(who.author(), time, &message)).unwrap();
        Self {
            id: EnvelopeId::of(&bytes),
            author: who.author(),
            device: who.key.device(),
            time,
            message,
        }
    }
    fn filed(&self) -> Filed<'_, OrderMessage> {
        Filed {
            id: self.id,
            author: self.author,
            device: self.device,
            time: self.time,
            message: &self.message,
        }
    }
}

fn fold(order: OrderId, said: &[Said]) -> Option<Order> {
    Order::fold(order, said.iter().map(Said::filed))
}

fn lines() -> Vec<Line> {
    [(1, 1, 2), (1, 2, 1), (2, 3, 4)]
        .map(|(listing, variant, units)| Line {
            listing: ListingId::from_bytes([listing; 16]),
            variant: VariantId::from_bytes([variant; 8]),
            units,
        })
        .to_vec()
}

fn ask() -> Said {
    let ask = Ask {
        lines: List::new(lines()).unwrap(),
        country: "DE".parse().unwrap(),
        note: Prose::default(),
        rails: List::new(Rail::ALL.to_vec()).unwrap(),
    };
    Said::new(&ALICE, 1_000, OrderMessage::ask(BOB.author(), ask))
}

fn quote(price_minor: i64, at: u64) -> Quote {
    let line = |line: Line| QuoteLine {
        listing: line.listing,
        variant: line.variant,
        title: Name::new("Bowl").unwrap(),
        label: Name::new("blue").unwrap(),
        price_minor,
        units: line.units,
        total_minor: 0,
        held: 1,
    };
    Quote::new(
        List::new(lines().into_iter().map(line).collect()).unwrap(),
        Amount::new(490, Currency::EUR).unwrap(),
        Terms::usual(14),
        Timestamp(at + DAY),
        List::new(Rail::ALL.to_vec()).unwrap(),
    )
    .unwrap()
}

fn tab() -> TabId {
    TabId::of(&ALICE.author(), &BOB.author(), "EUR")
}

fn sale(order: OrderId, quote: Option<&Quote>, rail: Rail) -> Sale {
    let offered = quote.cloned().unwrap_or_else(|| self::quote(500, 0));
    Sale {
        order,
        merchant: BOB.author(),
        buyer: ALICE.author(),
        total: offered.total(),
        rail,
        listings: offered.listings(),
    }
}

/// A well-formed act of a kind that fits what the order says so far.
fn act(kind: ActKind, order: &Order, at: u64, pick: u8) -> Act {
    let quoted = order.quote.as_ref();
    let rail = order.place.as_ref().map_or(Rail::Tab, |place| place.rail);
    match kind {
        ActKind::Ask => Act::Ask(order.ask.clone()),
        ActKind::Quote => Act::Quote(Box::new(quote(500 + i64::from(pick), at))),
        ActKind::Place => Act::Place(Place {
            quote: quoted.map_or(EnvelopeId::of(b"none"), |(id, _)| *id),
            address: List::new(vec![Name::new("1 Main Street").unwrap()]).unwrap(),
            rail: Rail::ALL[usize::from(pick) % 2],
        }),
        ActKind::Accept => Act::Accept {
            instruction: match rail {
                Rail::Tab => Instruction::Tab { tab: tab() },
                Rail::Manual => Instruction::Manual {
                    text: Prose::new(&format!("cash {pick}")).unwrap(),
                    account: None,
                },
            },
        },
        ActKind::Decline => Act::Decline {
            reason: Prose::new(&format!("sold out {pick}")).unwrap(),
        },
        ActKind::Cancel => Act::Cancel {
            reason: Prose::default(),
        },
        ActKind::Pay => Act::Pay {
            proof: match rail {
                Rail::Tab => Proof::Tab {
                    propose: EnvelopeId::of(&[pick]),
                    agree: EnvelopeId::of(b"agree"),
                    seq: 3,
                },
                Rail::Manual => Proof::Manual {
                    reference: Reference::new(&format!("transfer {pick}")).unwrap(),
                },
            },
        },
        ActKind::Receipt => Act::Receipt(Box::new(
            Receipt::issue(
                &BOB.key,
                &BOB.grant,
                &sale(order.id, quoted.map(|(_, quote)| quote), rail),
                Timestamp(at),
            )
            .unwrap(),
        )),
        ActKind::Fulfil => Act::Fulfil(Fulfil {
            carrier: Name::new("post").unwrap(),
            tracking: Name::new(&pick.to_string()).unwrap(),
            lines: List::new(lines()).unwrap(),
        }),
        ActKind::Complete => Act::Complete {},
        ActKind::Lapse => Act::Lapse {
            due: order.state.due().unwrap_or(Due::Place),
        },
    }
}

/// A message upon the order's head, by whoever, whether it may or not.
fn upon(order: &Order, role: Role, act: Act, at: u64) -> Said {
    let message = OrderMessage {
        order: Some(order.id),
        to: person(role.other()).author(),
        after: Some(order.head),
        act,
    };
    Said::new(person(role), at, message)
}

/// A history that follows these kinds from the ask on, each by whom the table says.
fn story(kinds: &[ActKind]) -> (OrderId, Vec<Said>) {
    let mut said = vec![ask()];
    let order = OrderId::from(said[0].id);
    for kind in kinds {
        let now = fold(order, &said).unwrap();
        let row = TABLE
            .iter()
            .find(|row| row.state == now.state && row.act == *kind)
            .unwrap();
        let at = match now.due() {
            Some((_, deadline)) if *kind == ActKind::Lapse => deadline.0,
            _ => 1_000 + 1_000 * said.len() as u64,
        };
        said.push(upon(&now, row.role, act(*kind, &now, at, 0), at));
        assert_eq!(fold(order, &said).unwrap().state, row.next, "{kind}");
    }
    (order, said)
}

const TO_FULFILLED: [ActKind; 6] = [
    ActKind::Quote,
    ActKind::Place,
    ActKind::Accept,
    ActKind::Pay,
    ActKind::Receipt,
    ActKind::Fulfil,
];

/// A shortest history that leads to each state.
fn way_to(state: State) -> Vec<ActKind> {
    let go = |count: usize| TO_FULFILLED[..count].to_vec();
    match state {
        State::Asked => go(0),
        State::Quoted => go(1),
        State::Placed => go(2),
        State::Accepted => go(3),
        State::Paid => go(4),
        State::Receipted => go(5),
        State::Fulfilled => go(6),
        State::Completed => [go(6), vec![ActKind::Complete]].concat(),
        State::Declined => vec![ActKind::Decline],
        State::Cancelled => vec![ActKind::Cancel],
        State::Lapsed => [go(4), vec![ActKind::Lapse]].concat(),
    }
}

#[test]
fn the_table_is_the_one_in_the_specification() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/order.md")).unwrap();
    let written: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.starts_with("| state | by | message |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).take(4).collect())
        .collect();
    let built: Vec<Vec<&str>> = TABLE
        .iter()
        .map(|row| vec![row.state.name(), row.role.name(), row.act.name(), row.next.name()])
        .collect();
    assert_eq!(written, built);
}

#[test]
fn every_message_in_every_state_from_every_sender_does_what_the_table_says() {
    for state in State::ALL {
        let (id, said) = story(&way_to(state));
        let order = fold(id, &said).unwrap();
        assert_eq!(order.state, state);
        let late = order.due().map_or(1 << 50, |(_, deadline)| deadline.0);
        for kind in ActKind::ALL {
            for role in [Role::Buyer, Role::Merchant] {
                let new = upon(&order, role, act(kind, &order, late, 7), late);
                let expected = next(state, role, kind);
                let admitted = order.admits(&new.filed());
                assert_eq!(
                    admitted.as_ref().ok().copied(),
                    expected,
                    "{state} {role:?} {kind}: {admitted:?}"
                );
                let after = fold(id, &[said.clone(), vec![new.clone()]].concat()).unwrap();
                assert_eq!(after.state, expected.unwrap_or(state), "{state} {role:?} {kind}");
                if expected.is_none() {
                    assert_eq!(after, order, "{state} {role:?} {kind}");
                }
                // The same words by somebody else, or sent to somebody else, are nothing.
                let forged = Said::new(&EVE, late, new.message.clone());
                let astray = OrderMessage {
                    to: EVE.author(),
                    ..new.message.clone()
                };
                let astray = Said::new(person(role), late, astray);
                for wrong in [forged, astray] {
                    assert!(order.admits(&wrong.filed()).is_err());
                    assert_eq!(fold(id, &[said.clone(), vec![wrong]].concat()).unwrap(), order);
                }
            }
        }
    }
}

#[test]
fn only_a_lapse_after_payment_owes_money_back() {
    for (kinds, state, owed) in [
        (&TO_FULFILLED[..1], State::Lapsed, false),
        (&TO_FULFILLED[..2], State::Lapsed, false),
        (&TO_FULFILLED[..3], State::Lapsed, false),
        (&TO_FULFILLED[..4], State::Lapsed, true),
        (&TO_FULFILLED[..5], State::Lapsed, true),
        (&TO_FULFILLED[..6], State::Completed, false),
    ] {
        let (id, said) = story(&[kinds, &[ActKind::Lapse]].concat());
        let order = fold(id, &said).unwrap();
        assert_eq!((order.state, order.refund_due), (state, owed), "{kinds:?}");
    }
}

#[test]
fn a_lapse_before_its_deadline_is_void_for_ever() {
    for count in 1..=TO_FULFILLED.len() {
        let (id, said) = story(&TO_FULFILLED[..count]);
        let order = fold(id, &said).unwrap();
        let (due, deadline) = order.due().unwrap();
        let row = TABLE
            .iter()
            .find(|row| row.state == order.state && row.act == ActKind::Lapse);
        let role = row.unwrap().role;
        let early = upon(&order, role, Act::Lapse { due }, deadline.0 - 1);
        assert!(matches!(
            order.admits(&early.filed()),
            Err(OrderRefusal::NotYet { .. })
        ));
        assert!(
            order
                .allows(role, ActKind::Lapse, Timestamp(deadline.0 - 1))
                .is_err()
        );
        assert_eq!(
            fold(id, &[said.clone(), vec![early.clone()]].concat()).unwrap(),
            order
        );
        // What was not due is no reason either.
        let other = Due::ALL.into_iter().find(|other| *other != due).unwrap();
        let wrong = upon(&order, role, Act::Lapse { due: other }, deadline.0);
        assert!(matches!(
            order.admits(&wrong.filed()),
            Err(OrderRefusal::NotDue { .. })
        ));
        assert!(order.allows(role, ActKind::Lapse, deadline).is_ok());
    }
}

#[test]
fn a_stated_time_in_the_past_moves_no_deadline_back() {
    let (id, mut said) = story(&TO_FULFILLED[..3]);
    let accepted = fold(id, &said).unwrap();
    let pay = act(ActKind::Pay, &accepted, 0, 0);
    said.push(upon(&accepted, Role::Buyer, pay, 1));
    let paid = fold(id, &said).unwrap();
    // Counted from the acceptance, which the payment cannot precede.
    let accepted_at = said[3].time.wall_ms;
    assert_eq!(paid.due(), Some((Due::Receipt, Timestamp(accepted_at + 7 * DAY))));
}

/// Forks: after a common history two rivals upon its head, and what the first of them is followed by.
fn rivals(
    kinds: &[ActKind],
    first: (Role, ActKind, u64),
    then: &[(Role, ActKind, u64)],
    second: (Role, ActKind, u64),
) -> Order {
    let (id, said) = story(kinds);
    let order = fold(id, &said).unwrap();
    let say = |order: &Order, (role, kind, at): (Role, ActKind, u64), pick| {
        upon(order, role, act(kind, order, at, pick), at)
    };
    let mut chain = said.clone();
    chain.push(say(&order, first, 1));
    for step in then {
        let now = fold(id, &chain).unwrap();
        chain.push(say(&now, *step, 1));
    }
    let mut orders = (0..20u8).map(|pick| {
        let mut all = chain.clone();
        all.push(say(&order, second, 100 + pick));
        let forward = fold(id, &all).unwrap();
        all.reverse();
        assert_eq!(fold(id, &all).unwrap(), forward);
        forward
    });
    let one = orders.next().unwrap();
    for other in orders {
        assert_eq!(other.state, one.state, "the smaller id must not decide here");
    }
    one
}

#[test]
fn concurrent_messages_settle_by_the_rule() {
    use Role::{Buyer, Merchant};
    let late = 100 * DAY;
    let go = |count: usize| &TO_FULFILLED[..count];
    let cases = [
        (
            "a cancellation beats an acceptance",
            rivals(
                go(2),
                (Merchant, ActKind::Accept, 9_000),
                &[],
                (Buyer, ActKind::Cancel, 9_000),
            ),
            State::Cancelled,
        ),
        (
            "a cancellation beats a refusal",
            rivals(
                go(2),
                (Merchant, ActKind::Decline, 9_000),
                &[],
                (Buyer, ActKind::Cancel, 9_000),
            ),
            State::Cancelled,
        ),
        (
            "a lapse beats an acceptance",
            rivals(
                go(2),
                (Merchant, ActKind::Accept, 9_000),
                &[],
                (Buyer, ActKind::Lapse, late),
            ),
            State::Lapsed,
        ),
        (
            "a payment beats a lapse",
            rivals(
                go(3),
                (Buyer, ActKind::Pay, late),
                &[],
                (Merchant, ActKind::Lapse, late),
            ),
            State::Paid,
        ),
        (
            "an acceptance that was paid beats a cancellation",
            rivals(
                go(2),
                (Merchant, ActKind::Accept, 9_000),
                &[(Buyer, ActKind::Pay, 9_500)],
                (Buyer, ActKind::Cancel, 9_000),
            ),
            State::Paid,
        ),
        (
            "a receipt beats a lapse",
            rivals(
                go(4),
                (Merchant, ActKind::Receipt, late),
                &[],
                (Buyer, ActKind::Lapse, late),
            ),
            State::Receipted,
        ),
        (
            "goods sent in time beat a lapse",
            rivals(
                go(5),
                (Merchant, ActKind::Fulfil, 9_000),
                &[],
                (Buyer, ActKind::Lapse, late),
            ),
            State::Fulfilled,
        ),
        (
            "a lapse beats goods sent late",
            rivals(
                go(5),
                (Merchant, ActKind::Fulfil, late),
                &[],
                (Buyer, ActKind::Lapse, late),
            ),
            State::Lapsed,
        ),
        (
            "a second payment undoes no receipt",
            rivals(
                go(3),
                (Buyer, ActKind::Pay, 9_000),
                &[
                    (Merchant, ActKind::Receipt, 9_500),
                    (Merchant, ActKind::Fulfil, 9_600),
                ],
                (Buyer, ActKind::Pay, 9_000),
            ),
            State::Fulfilled,
        ),
        (
            "a second quote undoes no order",
            rivals(
                go(0),
                (Merchant, ActKind::Quote, 2_000),
                &[(Buyer, ActKind::Place, 3_000)],
                (Merchant, ActKind::Quote, 2_000),
            ),
            State::Placed,
        ),
    ];
    for (law, order, state) in cases {
        assert_eq!(order.state, state, "{law}");
    }
}

#[test]
fn a_second_receipt_does_not_postpone_what_the_first_one_promised() {
    let (id, mut said) = story(&TO_FULFILLED[..4]);
    let paid = fold(id, &said).unwrap();
    said.push(upon(
        &paid,
        Role::Merchant,
        act(ActKind::Receipt, &paid, 9_000, 0),
        9_000,
    ));
    let receipted = fold(id, &said).unwrap();
    let (due, deadline) = receipted.due().unwrap();
    said.push(upon(&receipted, Role::Buyer, Act::Lapse { due }, deadline.0));
    assert!(fold(id, &said).unwrap().refund_due);
    // Not even when the merchant goes on alone upon the second one.
    for pick in 0..20 {
        let mut other = said[..5].to_vec();
        for kind in [ActKind::Receipt, ActKind::Fulfil, ActKind::Lapse] {
            let now = fold(id, &other).unwrap();
            let at = deadline.0 + pick + 100 * DAY * u64::from(kind == ActKind::Lapse);
            other.push(upon(&now, Role::Merchant, act(kind, &now, at, 0), at));
        }
        assert_eq!(fold(id, &other).unwrap().state, State::Completed);
        assert!(fold(id, &[said.clone(), other].concat()).unwrap().refund_due);
    }
}

#[test]
fn what_is_not_as_agreed_is_refused_with_the_reason() {
    let at = 9_000;
    let check = |count: usize, role, act: Act| {
        let (id, said) = story(&TO_FULFILLED[..count]);
        let order = fold(id, &said).unwrap();
        order
            .say(
                role,
                act,
                Hybrid {
                    wall_ms: at,
                    count: 0,
                },
            )
            .unwrap_err()
    };
    let mut dear = quote(500, at);
    dear.total_minor += 1;
    assert!(matches!(
        check(0, Role::Merchant, Act::Quote(Box::new(dear))),
        OrderRefusal::Quote(_)
    ));
    let place = |quote, rail| {
        Act::Place(Place {
            quote,
            address: List::default(),
            rail,
        })
    };
    assert!(matches!(
        check(1, Role::Buyer, place(EnvelopeId::of(b"other"), Rail::Tab)),
        OrderRefusal::OtherQuote { .. }
    ));
    let cash = Instruction::Manual {
        text: Prose::default(),
        account: None,
    };
    assert!(matches!(
        check(2, Role::Merchant, Act::Accept { instruction: cash }),
        OrderRefusal::OtherRail { .. }
    ));
    let elsewhere = Instruction::Tab {
        tab: TabId::of(&BOB.author(), &EVE.author(), "EUR"),
    };
    assert!(matches!(
        check(
            2,
            Role::Merchant,
            Act::Accept {
                instruction: elsewhere
            }
        ),
        OrderRefusal::OtherTab(_)
    ));
    let cash = Proof::Manual {
        reference: Reference::default(),
    };
    assert!(matches!(
        check(3, Role::Buyer, Act::Pay { proof: cash }),
        OrderRefusal::OtherRail { .. }
    ));
    let (id, said) = story(&TO_FULFILLED[..4]);
    let order = fold(id, &said).unwrap();
    let spoilt: [fn(&mut Sale); 5] = [
        |sale| sale.total.minor -= 1,
        |sale| sale.order = OrderId::from_bytes([9; 32]),
        |sale| sale.rail = Rail::Manual,
        |sale| {
            sale.listings.pop_first();
        },
        |sale| sale.buyer = EVE.author(),
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let mut wrong = order.sale().unwrap();
        spoil(&mut wrong);
        let receipt = Receipt::issue(&BOB.key, &BOB.grant, &wrong, Timestamp(at)).unwrap();
        assert!(
            matches!(
                check(4, Role::Merchant, Act::Receipt(Box::new(receipt))),
                OrderRefusal::Receipt(_)
            ),
            "case {number}"
        );
    }
    let part = Act::Fulfil(Fulfil {
        carrier: Name::default(),
        tracking: Name::default(),
        lines: List::new(lines()[..1].to_vec()).unwrap(),
    });
    assert_eq!(check(5, Role::Merchant, part), OrderRefusal::OtherGoods);
    assert!(matches!(
        check(
            6,
            Role::Buyer,
            Act::Cancel {
                reason: Prose::default()
            }
        ),
        OrderRefusal::NotNow {
            state: State::Fulfilled,
            ..
        }
    ));
}

#[test]
fn a_refusal_says_what_to_do_instead() {
    let now = Timestamp(9_000);
    let (id, said) = story(&way_to(State::Lapsed));
    let over = fold(id, &said)
        .unwrap()
        .allows(Role::Buyer, ActKind::Pay, now)
        .unwrap_err();
    assert_eq!(
        over.to_string(),
        "this order is lapsed; nothing more can be said in it, ask for a new quote"
    );
    let (id, said) = story(&way_to(State::Placed));
    let early = fold(id, &said)
        .unwrap()
        .allows(Role::Buyer, ActKind::Pay, now)
        .unwrap_err();
    assert_eq!(
        early.to_string(),
        "this order is placed: the buyer cannot pay now; possible is accept by the merchant, \
         decline by the merchant, cancel by the buyer, lapse by the buyer"
    );
    let (id, said) = story(&way_to(State::Quoted));
    let late = fold(id, &said)
        .unwrap()
        .allows(Role::Buyer, ActKind::Place, Timestamp(100 * DAY));
    assert!(matches!(late, Err(OrderRefusal::Expired { .. })));
}

#[test]
fn nobody_opens_an_order_with_themselves_and_no_ask_stands_inside_one() {
    let first = ask();
    let own = OrderMessage {
        to: ALICE.author(),
        ..first.message.clone()
    };
    assert_eq!(
        own.check(&ALICE.author(), &ALICE.key.device()),
        Err(OrderRefusal::OwnShop)
    );
    let own = Said::new(&ALICE, 1_000, own);
    assert_eq!(fold(own.id.into(), &[own]), None);
    let (_, said) = story(&[ActKind::Quote]);
    for message in [
        OrderMessage {
            order: None,
            ..said[1].message.clone()
        },
        OrderMessage {
            after: None,
            ..said[1].message.clone()
        },
        OrderMessage {
            after: Some(said[1].id),
            ..first.message.clone()
        },
    ] {
        let author = if matches!(message.act, Act::Ask(_)) {
            &*ALICE
        } else {
            &*BOB
        };
        assert_eq!(
            message.check(&author.author(), &author.key.device()),
            Err(OrderRefusal::Link)
        );
    }
}

#[test]
fn every_message_reads_back_from_its_bytes_and_fits_an_envelope() {
    let (_, said) = story(&way_to(State::Completed));
    for said in said {
        let bytes = codec::encode(&said.message).unwrap();
        assert!(bytes.len() < 8 * 1024);
        assert_eq!(codec::decode::<OrderMessage>(&bytes), Ok(said.message.clone()));
        assert_eq!(said.message.check(&said.author, &said.device), Ok(()));
    }
}

fn receipt() -> (Receipt, PublicReceipt) {
    let (id, said) = story(&way_to(State::Receipted));
    let receipt = fold(id, &said).unwrap().receipt.unwrap();
    let half = receipt.public.first().unwrap().clone();
    (receipt, half)
}

#[test]
fn a_receipt_has_one_public_half_for_each_listing_and_no_order_in_it() {
    let (receipt, half) = receipt();
    assert_eq!(receipt.public.len(), 2);
    assert_eq!(half.verify(&mut GrantCache::default()), Ok(()));
    let bytes = codec::encode(&half).unwrap();
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(contains(half.listing.as_bytes()));
    assert!(!contains(receipt.order.as_bytes()));
    assert_ne!(receipt.public[0].purchase, receipt.public[1].purchase);
}

#[test]
fn a_public_receipt_that_was_changed_proves_nothing() {
    let (_, half) = receipt();
    let spoilt: [fn(&mut PublicReceipt); 6] = [
        |half| half.listing = ListingId::from_bytes([9; 16]),
        |half| half.buyer = EVE.author(),
        |half| half.merchant = EVE.author(),
        |half| half.buyer = half.merchant,
        |half| half.signature.0[0] ^= 1,
        |half| half.device = EVE.key.device(),
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let mut wrong = half.clone();
        spoil(&mut wrong);
        assert!(wrong.verify(&mut GrantCache::default()).is_err(), "case {number}");
    }
    let narrow = BOB
        .root
        .grant(BOB.key.device(), Scopes::of(&[Scope::Post]), 0, None)
        .unwrap();
    let order = OrderId::from_bytes([5; 32]);
    let unfit = PublicReceipt::sign(
        &BOB.key,
        &narrow,
        BOB.author(),
        ALICE.author(),
        &order,
        half.listing,
    );
    assert!(unfit.unwrap().verify(&mut GrantCache::default()).is_err());
}

#[test]
fn a_receipt_signed_by_another_device_than_says_it_is_refused() {
    let (id, said) = story(&way_to(State::Paid));
    let sale = fold(id, &said).unwrap().sale().unwrap();
    let receipt = Receipt::issue(&BOB.key, &BOB.grant, &sale, Timestamp(1)).unwrap();
    let message = OrderMessage {
        order: Some(id),
        to: ALICE.author(),
        after: Some(said[4].id),
        act: Act::Receipt(Box::new(receipt)),
    };
    assert_eq!(message.check(&BOB.author(), &BOB.key.device()), Ok(()));
    assert!(matches!(
        message.check(&BOB.author(), &EVE.key.device()),
        Err(OrderRefusal::Receipt(ReceiptError::Foreign { .. }))
    ));
}

#[test]
fn only_who_bought_reviews_and_no_merchant_their_own_shop() {
    let (_, half) = receipt();
    let review = Review {
        receipt: half.clone(),
        rating: 5.try_into().unwrap(),
        text: Prose::new("good bowl").unwrap(),
    };
    assert_eq!(review.check(&ALICE.author()), Ok(()));
    assert_eq!(
        codec::decode::<Review>(&codec::encode(&review).unwrap()),
        Ok(review.clone())
    );
    for other in [&BOB, &EVE] {
        assert!(matches!(
            review.check(&other.author()),
            Err(ReviewError::NotBuyer { .. })
        ));
    }
    let order = OrderId::from_bytes([5; 32]);
    let own = PublicReceipt::sign(
        &BOB.key,
        &BOB.grant,
        BOB.author(),
        BOB.author(),
        &order,
        half.listing,
    );
    let own = Review {
        receipt: own.unwrap(),
        ..review
    };
    assert_eq!(
        own.check(&BOB.author()),
        Err(ReviewError::Receipt(ReceiptError::OwnShop(BOB.author())))
    );
    for stars in [0, 6, 255] {
        assert!(codec::decode::<souk_protocol::review::Rating>(&codec::encode(&stars).unwrap()).is_err());
    }
}

/// One thing that somebody says in a random history.
type Move = (Index, bool, Index, u8, bool, u8, Index);

/// A random tree of messages: mostly what the table allows somewhere in it, the rest anything.
fn grow(moves: &[Move]) -> (OrderId, Vec<Said>) {
    let mut said = vec![ask()];
    let order = OrderId::from(said[0].id);
    // For each message its way from the ask, to say something that fits there.
    let mut ways: BTreeMap<EnvelopeId, Vec<Said>> = BTreeMap::from([(said[0].id, said.clone())]);
    for (parent, fits, row, days, merchant, pick, kind) in moves {
        let parent = parent.get(&said).clone();
        let way = ways[&parent.id].clone();
        let now = fold(order, &way).unwrap();
        let rows: Vec<_> = TABLE.iter().filter(|row| row.state == now.state).collect();
        let (role, kind) = match *fits && !rows.is_empty() {
            true => {
                let row = row.get(&rows);
                (row.role, row.act)
            }
            false => {
                let role = if *merchant { Role::Merchant } else { Role::Buyer };
                (role, *kind.get(&ActKind::ALL))
            }
        };
        let at = parent.time.wall_ms + u64::from(*days) * DAY / 4;
        let mut new = upon(&now, role, act(kind, &now, at, pick % 3), at);
        new.message.after = Some(parent.id);
        let speaker = match pick {
            200..=215 => &*EVE,
            _ => person(role),
        };
        let new = Said::new(speaker, at, new.message);
        ways.insert(new.id, [way, vec![new.clone()]].concat());
        said.push(new);
    }
    (order, said)
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (
        any::<Index>(),
        prop::bool::weighted(0.85),
        any::<Index>(),
        0..160u8,
        any::<bool>(),
        any::<u8>(),
        any::<Index>(),
    );
    prop::collection::vec(one, 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_order_reads_the_same_in_any_arrival_order(
        moves in moves(),
        order in any::<u64>(),
        again in prop::collection::vec(any::<Index>(), 0..12),
        cut in any::<Index>(),
    ) {
        let (id, said) = grow(&moves);
        let expected = fold(id, &said).unwrap();
        // Another order of arrival, with repetitions.
        let mut shuffled = said.clone();
        shuffled.sort_by_key(|said| *blake3::hash(&[said.id.as_bytes(), &order.to_be_bytes()[..]].concat()).as_bytes());
        for index in again {
            let repeated = index.get(&said).clone();
            shuffled.push(repeated);
        }
        prop_assert_eq!(&fold(id, &shuffled).unwrap(), &expected);
        // Two sides that each had a part of it, and exchange what they have.
        let (left, right) = shuffled.split_at(cut.index(shuffled.len()));
        let _ = (fold(id, left), fold(id, right));
        prop_assert_eq!(&fold(id, &[right, left].concat()).unwrap(), &expected);
    }

    #[test]
    fn what_counts_is_a_chain_that_the_table_allows(moves in moves()) {
        let (id, said) = grow(&moves);
        let order = fold(id, &said).unwrap();
        let by_id: BTreeMap<EnvelopeId, &Said> = said.iter().map(|said| (said.id, said)).collect();
        let chain: Vec<&Said> = order.history.iter().map(|done| by_id[&done.id]).collect();
        let mut state = State::Asked;
        for pair in chain.windows(2) {
            prop_assert_eq!(pair[1].message.after, Some(pair[0].id));
            let role = order.role(&pair[1].author).unwrap();
            state = next(state, role, pair[1].message.act.kind()).unwrap();
        }
        prop_assert_eq!(state, order.state);
        prop_assert_eq!(chain.last().unwrap().id, order.head);
        for kind in ActKind::ALL {
            let count = chain.iter().filter(|said| said.message.act.kind() == kind).count();
            prop_assert!(count <= 1, "{} {}", kind, count);
        }
        let paid = chain.iter().any(|said| said.message.act.kind() == ActKind::Pay);
        prop_assert_eq!(order.proof.is_some(), paid);
        prop_assert_eq!(order.refund_due, paid && order.state == State::Lapsed);
        // A payment that is valid anywhere in the set is not forgotten.
        let lost_payment = order.losing.iter().any(|id| by_id[id].message.act.kind() == ActKind::Pay);
        prop_assert!(paid || !lost_payment);
    }

    #[test]
    fn junk_and_forgeries_change_nothing(moves in moves(), noise in moves()) {
        let (id, said) = grow(&moves);
        let expected = fold(id, &said).unwrap();
        let mut all = said.clone();
        // Everything that anyone said, said by eve, sent to eve, and said about another order.
        for said in grow(&noise).1.iter().chain(&said) {
            all.push(Said::new(&EVE, said.time.wall_ms, said.message.clone()));
            let astray = OrderMessage { to: EVE.author(), ..said.message.clone() };
            all.push(Said { message: astray.clone(), ..Said::new(&ALICE, said.time.wall_ms, astray) });
            if said.message.order.is_some() {
                let foreign = OrderMessage { order: Some(OrderId::from_bytes([8; 32])), ..said.message.clone() };
                for who in [&*ALICE, &*BOB] {
                    all.push(Said::new(who, said.time.wall_ms, foreign.clone()));
                }
            }
        }
        prop_assert_eq!(fold(id, &all).unwrap(), expected);
    }
}
