//! Several devices of one shop: what must hold however they are connected, and when one is thrown out.
//! `SOUK_SEEDS` sets how many seeds are tried, `SOUK_UNITS` how many for the last unit, `SOUK_SEAMS` how
//! many for what comes too early, `SOUK_SEED` the
//! first of them; a failure prints its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "devices/net.rs"]
mod net;
#[path = "devices/pairing.rs"]
mod pairing;
#[path = "devices/revocation.rs"]
mod revocation;
#[path = "devices/seams.rs"]
mod seams;

use net::{Dice, Net, for_each_seed};
use souk_protocol::api::{
    Code, Command, LineDraft, ListingEdit, Past, ProductDraft, Reply, ShopDraft, VariantDraft,
};
use souk_protocol::id::{DeviceId, ListingId, OrderId, TabId, VariantId};
use souk_protocol::limits::{COMPARE_AGAIN_MS, RESYNC_MS};
use souk_protocol::listing::Listing;
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::State;
use souk_protocol::peer::{self, read_tab};
use souk_protocol::records::Tree;
use souk_protocol::sync::Request;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The shop's first device.
const ALICE: usize = 0;
/// Two who read and buy.
const BOB: usize = 1;
const CAROL: usize = 2;

fn product(handle: &str, price_minor: i64, quantity: Option<i64>) -> ProductDraft {
    ProductDraft {
        handle: handle.into(),
        title: format!("Lamp {handle}"),
        description: String::new(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: vec!["light".into()],
        published: true,
        options: Vec::new(),
        images: Vec::new(),
        variants: vec![VariantDraft {
            price_minor,
            tracked: quantity.is_some(),
            quantity,
            ..VariantDraft::default()
        }],
    }
}

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::EUR).unwrap()
}

fn shop() -> ShopDraft {
    ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 0,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: "IBAN".into(),
        accept_by_itself: true,
    }
}

/// Alice's shop with these products, a second device of hers, and Bob and Carol who follow her.
fn two_devices(products: Vec<ProductDraft>, seed: Option<u64>) -> (Net, usize) {
    let mut net = Net::new(3, seed);
    let alice = net.author(ALICE);
    net.done(ALICE, Command::SetShop(shop()));
    net.done(ALICE, Command::ImportListings { products });
    let laptop = net.pair(ALICE, 50);
    net.connect(ALICE, laptop);
    net.run();
    net.wait(6_000);
    for reader in [BOB, CAROL] {
        net.done(
            reader,
            Command::Follow {
                author: alice,
                public: false,
            },
        );
    }
    net.run();
    (net, laptop)
}

fn listing_at(net: &Net, at: usize, handle: &str) -> Option<Listing> {
    let alice = net.author(ALICE);
    market::listing(net.records(at), &alice, &ListingId::of(&alice, handle)).unwrap()
}

fn id(net: &Net, handle: &str) -> ListingId {
    ListingId::of(&net.author(ALICE), handle)
}

fn variant(net: &Net, handle: &str) -> VariantId {
    VariantId::of(&id(net, handle), &[] as &[&str])
}

fn set_price(net: &mut Net, at: usize, handle: &str, minor: i64) {
    let (listing, variant) = (id(net, handle), variant(net, handle));
    net.done(
        at,
        Command::EditListing(ListingEdit {
            prices: BTreeMap::from([(variant, eur(minor))]),
            ..ListingEdit::of(listing)
        }),
    );
}

fn title_edit(listing: ListingId, title: &str) -> Command {
    Command::EditListing(ListingEdit {
        title: Some(title.into()),
        ..ListingEdit::of(listing)
    })
}

fn set_title(net: &mut Net, at: usize, handle: &str, title: &str) {
    let listing = id(net, handle);
    net.done(at, title_edit(listing, title));
}

fn set_stock(net: &mut Net, at: usize, handle: &str, units: u64) -> bool {
    let listing = id(net, handle);
    let (variant, units) = (None, Some(units));
    net.wish(
        at,
        Command::SetStock {
            listing,
            variant,
            units,
        },
    )
    .is_ok()
}

fn available(net: &Net, at: usize, handle: &str) -> u64 {
    let alice = net.author(ALICE);
    let stock = market::stock(net.records(at), &alice, &id(net, handle)).unwrap();
    stock.available(&variant(net, handle))
}

fn rights(net: &Net, at: usize, device: &DeviceId, handle: &str) -> u64 {
    let alice = net.author(ALICE);
    let stock = market::stock(net.records(at), &alice, &id(net, handle)).unwrap();
    stock.rights(device, &variant(net, handle))
}

fn ask(net: &mut Net, at: usize, handle: &str) -> Option<OrderId> {
    let (shop, listing) = (net.author(ALICE), id(net, handle));
    let lines = vec![LineDraft {
        listing,
        variant: None,
        units: 1,
    }];
    let (country, note) = ("DE".into(), String::new());
    match net.wish(
        at,
        Command::AskQuote {
            shop,
            lines,
            country,
            note,
        },
    ) {
        Ok(Reply::Order { order, .. }) => Some(order),
        Ok(other) => panic!("{other:?}"),
        Err(refused) => {
            assert_eq!(refused.code, Code::NoStock, "{refused}");
            None
        }
    }
}

fn place(net: &mut Net, at: usize, order: OrderId, rail: &str) {
    let (address, rail) = (vec!["Street 1".into()], rail.into());
    net.done(at, Command::PlaceOrder { order, address, rail });
}

/// Carol is quoted a lamp, of so many, at the second device of two.
fn quoted_at_the_laptop(units: i64) -> (Net, usize, OrderId) {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(units))], None);
    net.connect(CAROL, laptop);
    net.run();
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    (net, laptop, order)
}

/// The same, and she places the order, to be paid by hand.
fn placed_at_the_laptop(units: i64) -> (Net, usize, OrderId) {
    let (mut net, laptop, order) = quoted_at_the_laptop(units);
    place(&mut net, CAROL, order, "manual");
    net.run();
    (net, laptop, order)
}

/// The shop's documents at a device, by their digests.
fn heads(net: &Net, at: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    net.records(at)
        .scan(Tree::Heads, &souk_protocol::records::Range::of([], usize::MAX))
        .unwrap()
}

// --- The merged shop ---

#[test]
fn edits_made_apart_read_as_one_shop_everywhere() {
    let file = || {
        (0..20)
            .map(|n| product(&format!("l{n}"), 500 + n, Some(4)))
            .collect::<Vec<_>>()
    };
    let (mut net, laptop) = two_devices(vec![product("l0", 500, Some(4))], None);
    net.disconnect(ALICE, laptop);
    net.run();
    // Price here, title and stock there, and the same file on both.
    set_price(&mut net, ALICE, "l0", 777);
    set_title(&mut net, laptop, "l0", "Bright lamp");
    assert!(set_stock(&mut net, laptop, "l0", 9));
    for at in [ALICE, laptop] {
        net.done(
            at,
            Command::ImportListings {
                products: file()[1..].to_vec(),
            },
        );
    }
    // A reader who is connected to both sees them merged before they have met.
    net.connect(BOB, ALICE);
    net.connect(BOB, laptop);
    net.run();
    let seen = listing_at(&net, BOB, "l0").unwrap();
    assert_eq!(seen.product.title.as_str(), "Bright lamp");
    assert_eq!(seen.variants[0].price, Some(eur(777)));
    net.connect(ALICE, laptop);
    net.connect(CAROL, laptop);
    net.run();
    net.wait(70_000);
    assert_eq!(heads(&net, ALICE), heads(&net, laptop));
    for n in 0..20 {
        let handle = format!("l{n}");
        for at in [laptop, BOB, CAROL] {
            assert_eq!(
                listing_at(&net, at, &handle),
                listing_at(&net, ALICE, &handle),
                "{handle} at {at}"
            );
            let units = if n == 0 { 9 } else { 4 };
            assert_eq!(available(&net, at, &handle), units, "{handle} at {at}");
        }
    }
}

#[test]
fn a_conversation_that_breaks_off_is_begun_again_soon_and_once() {
    let (mut net, laptop) = two_devices(vec![product("basket", 500, None)], None);
    let is_talk = |request: &Request| matches!(request, Request::Talk(_));
    let agree = |net: &Net| heads(net, ALICE) == heads(net, laptop);
    set_title(&mut net, laptop, "basket", "Large basket");
    assert_eq!(net.lose(is_talk), 1);
    net.run();
    assert!(!agree(&net));
    net.wait(COMPARE_AGAIN_MS);
    assert!(agree(&net), "after seconds, not after a minute");

    // One that breaks off each time does not keep both busy.
    // That its first piece is answered each time does not count.
    let goes_on = |request: &Request| matches!(request, Request::Talk(talk) if !talk.begins);
    set_title(&mut net, laptop, "basket", "Largest basket");
    while net.lose(goes_on) == 0 {
        assert!(net.step(), "it has several pieces");
    }
    net.run();
    net.now += COMPARE_AGAIN_MS;
    net.tick(laptop);
    while net.lose(goes_on) == 0 {
        assert!(net.step(), "it is begun again");
    }
    net.run();
    net.wait(COMPARE_AGAIN_MS * 2);
    assert!(!agree(&net));
    net.wait(RESYNC_MS);
    assert!(agree(&net));
}

#[test]
fn whatever_two_devices_do_all_end_with_one_shop() {
    for_each_seed("SOUK_SEEDS", 12, |seed| {
        let mut dice = Dice(seed ^ 0x5eed);
        let handles = ["a", "b", "c"];
        let first = handles[..2]
            .iter()
            .map(|handle| product(handle, 500, Some(5)))
            .collect();
        let (mut net, laptop) = two_devices(first, Some(seed));
        let all = [ALICE, BOB, CAROL, laptop];
        for round in 0..25 {
            let at = [ALICE, laptop][dice.roll(2)];
            let handle = handles[dice.roll(2)];
            match dice.roll(9) {
                0 | 1 => set_price(&mut net, at, handle, 100 + round),
                2 | 3 => set_title(&mut net, at, handle, &format!("Lamp {round}")),
                4 => drop(set_stock(
                    &mut net,
                    at,
                    handle,
                    u64::try_from(dice.roll(9)).unwrap(),
                )),
                5 => {
                    let products = handles
                        .iter()
                        .map(|handle| product(handle, 450, Some(5)))
                        .collect();
                    net.done(at, Command::ImportListings { products });
                }
                6 => net.restart(at),
                _ => {
                    let (one, other) = (all[dice.roll(4)], all[dice.roll(4)]);
                    if one != other && dice.roll(2) == 0 {
                        net.connect(one, other);
                    } else if one != other {
                        net.disconnect(one, other);
                    }
                }
            }
            for _ in 0..dice.roll(40) {
                net.step();
            }
        }
        for other in [BOB, CAROL, laptop] {
            net.connect(ALICE, other);
        }
        net.run();
        for _ in 0..3 {
            net.wait(70_000);
        }
        assert_eq!(heads(&net, ALICE), heads(&net, laptop));
        for handle in handles {
            for at in [BOB, CAROL, laptop] {
                assert_eq!(
                    listing_at(&net, at, handle),
                    listing_at(&net, ALICE, handle),
                    "{handle} at {at}"
                );
                assert_eq!(
                    available(&net, at, handle),
                    available(&net, ALICE, handle),
                    "{handle} at {at}"
                );
            }
        }
    });
}

#[test]
fn a_device_that_lacks_the_documents_edits_nothing() {
    let mut net = Net::new(1, None);
    net.done(ALICE, Command::SetShop(shop()));
    let products = vec![product("lamp", 500, None)];
    net.done(ALICE, Command::ImportListings { products });
    let laptop = net.pair(ALICE, 50);
    net.run();
    net.done(laptop, Command::SetShop(shop()));
    let products = vec![product("lamp", 600, None)];
    let refused = net
        .wish(laptop, Command::ImportListings { products })
        .unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    net.connect(ALICE, laptop);
    net.run();
    set_price(&mut net, laptop, "lamp", 600);
    net.run();
    assert_eq!(
        listing_at(&net, ALICE, "lamp").unwrap().variants[0].price,
        Some(eur(600))
    );
}

// --- Stock ---

/// One unit, a buyer at each device. Exactly one of them gets it if the devices can talk; never both.
fn last_unit(seed: u64, apart: bool) -> usize {
    static BEGINNING: OnceLock<(Mutex<Net>, usize)> = OnceLock::new();
    let (beginning, laptop) = BEGINNING.get_or_init(|| {
        let (mut net, laptop) = two_devices(vec![product("rare", 500, Some(1))], None);
        net.connect(BOB, ALICE);
        net.connect(CAROL, laptop);
        net.run();
        net.wait(6_000);
        (Mutex::new(net), laptop)
    });
    let laptop = *laptop;
    let beginning = beginning.lock().unwrap_or_else(PoisonError::into_inner);
    let mut dice = Dice(seed);
    let mut net = beginning.again(Some(seed));
    drop(beginning);
    net.connect(BOB, ALICE);
    net.connect(CAROL, laptop);
    net.run();
    if !apart {
        net.connect(ALICE, laptop);
        net.run();
    }
    net.wait(6_000);
    let mut orders = BTreeMap::new();
    let mut buyers = if dice.roll(2) == 0 {
        [BOB, CAROL]
    } else {
        [CAROL, BOB]
    }
    .to_vec();
    let mut asked = BTreeSet::new();
    for _ in 0..600 {
        if let Some(buyer) = buyers.pop_if(|_| dice.roll(3) == 0) {
            asked.insert(buyer);
            if let Some(order) = ask(&mut net, buyer, "rare") {
                orders.insert(buyer, order);
            }
        }
        for (buyer, order) in orders.clone() {
            if net.state(buyer, &order) == Some(State::Quoted) && dice.roll(4) == 0 {
                place(&mut net, buyer, order, "manual");
            }
        }
        // Connections between the devices come and go.
        if !apart && dice.roll(25) == 0 {
            net.disconnect(ALICE, laptop);
            net.connect(ALICE, laptop);
        }
        if dice.roll(60) == 0 {
            let at = [ALICE, laptop][dice.roll(2)];
            let others: Vec<usize> = if at == ALICE {
                vec![BOB, laptop]
            } else {
                vec![CAROL, ALICE]
            };
            net.restart(at);
            for other in others {
                if !apart || ![ALICE, laptop].contains(&other) {
                    net.connect(at, other);
                }
            }
        }
        if dice.roll(20) == 0 {
            net.now += 500;
        }
        net.step();
    }
    for _ in 0..4 {
        net.wait(5_000);
        for (buyer, order) in orders.clone() {
            if net.state(buyer, &order) == Some(State::Quoted) {
                place(&mut net, buyer, order, "manual");
            }
        }
        net.run();
    }
    net.connect(ALICE, laptop);
    net.run();
    net.wait(70_000);
    assert!(available(&net, ALICE, "rare") <= 1);
    let accepted = orders
        .iter()
        .filter(|(buyer, order)| net.state(**buyer, order) == Some(State::Accepted));
    let accepted = accepted.count();
    if std::env::var("SOUK_TELL").is_ok() {
        for (buyer, order) in &orders {
            for at in [*buyer, ALICE, laptop] {
                let order = net.order(at, order).unwrap();
                eprintln!("order of {buyer} at {at}: {:?} {:?}", order.state, order.history);
            }
        }
        let alice = net.author(ALICE);
        for at in [ALICE, laptop] {
            eprintln!(
                "{at} is {} {:?}",
                net.device(at),
                market::stock(net.records(at), &alice, &id(&net, "rare")).unwrap()
            );
        }
    }
    // What is sold and what is left is what came in.
    assert_eq!(
        available(&net, ALICE, "rare") + accepted as u64,
        1,
        "units are conserved"
    );
    for (buyer, order) in &orders {
        let here = net.state(*buyer, order);
        for at in [ALICE, laptop] {
            assert_eq!(net.state(at, order), here, "both sides and both devices agree");
        }
    }
    accepted
}

#[test]
fn the_last_unit_is_sold_exactly_once() {
    for_each_seed("SOUK_UNITS", 20, |seed| assert_eq!(last_unit(seed, false), 1));
}

#[test]
fn the_last_unit_is_never_sold_twice_while_the_devices_are_apart() {
    for_each_seed("SOUK_UNITS", 20, |seed| assert!(last_unit(seed, true) <= 1));
}

#[test]
fn rights_to_sell_move_by_demand() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(10))], None);
    net.connect(CAROL, laptop);
    net.run();
    let (first, second) = (net.device(ALICE), net.device(laptop));
    assert_eq!(rights(&net, ALICE, &second, "lamp"), 0);
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Quoted));
    // Half of what was left, so that it can go on selling while it is apart.
    for at in [ALICE, laptop] {
        assert_eq!(
            (
                rights(&net, at, &first, "lamp"),
                rights(&net, at, &second, "lamp")
            ),
            (5, 5)
        );
    }
    place(&mut net, CAROL, order, "manual");
    net.run();
    net.disconnect(ALICE, laptop);
    for _ in 0..4 {
        let order = ask(&mut net, CAROL, "lamp").unwrap();
        net.run();
        assert_eq!(net.state(CAROL, &order), Some(State::Quoted));
    }
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    assert_eq!(
        net.state(CAROL, &order),
        Some(State::Asked),
        "the other device may come"
    );
    net.wait(21_000);
    assert_eq!(
        net.state(CAROL, &order),
        Some(State::Declined),
        "what the other device holds is not promised"
    );
}

#[test]
fn a_file_that_both_devices_import_brings_its_units_in_once() {
    let (mut net, laptop) = two_devices(Vec::new(), None);
    net.disconnect(ALICE, laptop);
    for at in [laptop, ALICE] {
        net.done(
            at,
            Command::ImportListings {
                products: vec![product("lamp", 500, Some(7))],
            },
        );
        net.run();
    }
    net.done(
        laptop,
        Command::ImportListings {
            products: vec![product("other", 500, Some(3))],
        },
    );
    net.connect(ALICE, laptop);
    net.run();
    for at in [ALICE, laptop] {
        assert_eq!(available(&net, at, "lamp"), 7);
        assert_eq!(
            available(&net, at, "other"),
            3,
            "the primary counts what the other device imported"
        );
    }
}

#[test]
fn what_was_sold_beyond_the_count_brings_no_more_back_than_it_took() {
    let mut net = Net::new(2, None);
    let alice = net.author(ALICE);
    net.done(ALICE, Command::SetShop(shop()));
    let mut draft = product("lamp", 500, Some(2));
    draft.variants[0].oversell = true;
    net.done(
        ALICE,
        Command::ImportListings {
            products: vec![draft],
        },
    );
    net.done(
        BOB,
        Command::Follow {
            author: alice,
            public: false,
        },
    );
    net.connect(ALICE, BOB);
    net.run();
    let orders: Vec<OrderId> = (0..3)
        .map(|_| {
            let order = ask(&mut net, BOB, "lamp").unwrap();
            net.run();
            place(&mut net, BOB, order, "manual");
            net.run();
            order
        })
        .collect();
    assert_eq!(available(&net, ALICE, "lamp"), 0);
    // The first two are paid; the third, for which no unit was there, lapses.
    for order in orders[..2].iter().copied() {
        let reference = "x".to_owned();
        net.done(BOB, Command::PayOrder { order, reference });
        net.run();
        net.done(ALICE, Command::PaymentArrived { order });
        net.run();
    }
    net.wait(3 * 24 * 60 * 60 * 1_000);
    assert_eq!(net.state(ALICE, &orders[2]), Some(State::Lapsed));
    assert_eq!(net.state(ALICE, &orders[1]), Some(State::Receipted));
    assert_eq!(available(&net, ALICE, "lamp"), 0);
}

// --- Orders and tabs ---

#[test]
fn an_order_is_seen_to_by_the_device_that_took_it() {
    let (mut net, laptop, order) = placed_at_the_laptop(4);
    assert_eq!(
        net.state(ALICE, &order),
        Some(State::Accepted),
        "the first device sees it"
    );
    let reference = "x".to_owned();
    net.done(CAROL, Command::PayOrder { order, reference });
    net.run();
    let refused = net.wish(ALICE, Command::PaymentArrived { order }).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(refused.message.contains(&net.device(laptop).to_string()));
    net.done(laptop, Command::PaymentArrived { order });
    net.run();
    for at in [ALICE, laptop, CAROL] {
        assert_eq!(net.state(at, &order), Some(State::Receipted));
    }
    // What comes to the first device reaches the other one.
    net.disconnect(CAROL, laptop);
    net.connect(CAROL, ALICE);
    net.done(
        laptop,
        Command::ShipOrder {
            order,
            carrier: String::new(),
            tracking: String::new(),
        },
    );
    net.run();
    net.connect(CAROL, laptop);
    net.run();
    net.disconnect(CAROL, laptop);
    net.run();
    net.done(CAROL, Command::CompleteOrder { order });
    net.run();
    assert_eq!(net.state(laptop, &order), Some(State::Completed));
}

#[test]
fn an_ask_is_brought_to_one_device_though_its_answer_is_lost() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, None)], None);
    net.disconnect(ALICE, laptop);
    net.connect(BOB, ALICE);
    net.connect(BOB, laptop);
    net.run();
    let (first, other) = match net.device(ALICE) < net.device(laptop) {
        true => (ALICE, laptop),
        false => (laptop, ALICE),
    };
    let order = ask(&mut net, BOB, "lamp").unwrap();
    while net.state(first, &order).is_none() {
        assert!(net.step(), "the ask is brought to the device that comes first");
    }
    net.disconnect(BOB, first);
    net.run();
    net.wait(16_000);
    net.wait(16_000);
    assert_eq!(net.state(other, &order), None);
    net.connect(BOB, first);
    net.run();
    assert_eq!(net.state(BOB, &order), Some(State::Quoted));
    net.connect(ALICE, laptop);
    net.run();
    for at in [ALICE, laptop, BOB] {
        let said = net.records(at).order(&order).unwrap();
        let quotes = said.iter().filter(|said| said.author() == net.author(ALICE));
        assert_eq!(quotes.count(), 1, "at {at}");
    }
}

#[test]
fn a_tab_is_signed_by_one_device_of_a_side_alone() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(4))], None);
    let (alice, carol) = (net.author(ALICE), net.author(CAROL));
    net.connect(CAROL, laptop);
    net.connect(CAROL, ALICE);
    net.run();
    let grant = Command::GrantTab {
        to: carol,
        limit: eur(5_000),
        vouched: false,
    };
    assert_eq!(
        net.wish(laptop, grant.clone()).unwrap_err().code,
        Code::NotAllowed
    );
    net.done(ALICE, grant);
    net.run();
    net.disconnect(CAROL, ALICE);
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    place(&mut net, CAROL, order, "tab");
    net.run();
    // The proposal to pay reaches the laptop, which hands it to the first device; that one answers once
    // it can.
    assert_eq!(net.state(CAROL, &order), Some(State::Accepted));
    net.connect(CAROL, ALICE);
    net.run();
    for at in [ALICE, laptop, CAROL] {
        assert_eq!(net.state(at, &order), Some(State::Receipted), "at {at}");
    }
    let tabs =
        [ALICE, laptop, CAROL].map(|at| read_tab(net.records(at), &alice, &carol, Currency::EUR).unwrap());
    assert_eq!(tabs[0].balance(&alice).unwrap(), eur(500));
    assert_eq!(tabs[0].agreed, tabs[2].agreed);
    assert_eq!(tabs[1].agreed, tabs[2].agreed);
    let tab = tabs[0].parties.tab();
    for said in net.records(CAROL).tab(&tab).unwrap() {
        assert!(said.author() == carol || said.device() == net.device(ALICE));
    }
}

#[test]
fn a_new_device_has_the_orders_that_were_there() {
    let mut net = Net::new(3, None);
    let alice = net.author(ALICE);
    net.done(ALICE, Command::SetShop(shop()));
    net.done(
        ALICE,
        Command::ImportListings {
            products: vec![product("lamp", 500, Some(9))],
        },
    );
    net.done(
        BOB,
        Command::Follow {
            author: alice,
            public: false,
        },
    );
    net.connect(ALICE, BOB);
    net.run();
    let order = ask(&mut net, BOB, "lamp").unwrap();
    net.run();
    place(&mut net, BOB, order, "manual");
    net.run();
    let laptop = net.pair(ALICE, 50);
    net.connect(ALICE, laptop);
    net.run();
    assert_eq!(net.order(laptop, &order), net.order(ALICE, &order));
    assert_eq!(available(&net, laptop, "lamp"), 8, "it sells nothing again");
}
