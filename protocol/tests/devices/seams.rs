//! Where devices, restored pasts, tabs and orders meet: who answers when the one who should is gone, silent,
//! or does not remember.

use super::*;
use souk_protocol::limits::LISTING_VARIANTS_MAX;
use souk_protocol::peer::own_past;
use souk_protocol::sync::{Recall, Request};

fn grant_tab(net: &mut Net, to: usize) {
    let (to, limit, vouched) = (net.author(to), eur(100_000), false);
    net.done(ALICE, Command::GrantTab { to, limit, vouched });
    net.run();
}

/// Two minutes as a node lives them, which looks around every few seconds.
fn a_while(net: &mut Net) {
    for _ in 0..40 {
        net.wait(3_000);
    }
}

/// Devices of Alice that signed something about her tab with Bob, as he holds it.
fn signers_of_tab(net: &Net) -> Vec<DeviceId> {
    let tab = TabId::of(&net.author(ALICE), &net.author(BOB), "EUR");
    let said = net.records(BOB).tab(&tab).unwrap();
    let of_alice = said.iter().filter(|said| said.author() == net.author(ALICE));
    of_alice.map(|said| said.device()).collect()
}

#[test]
fn an_ask_whose_taker_is_gone_before_it_answered_is_the_primary_s() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(1))], None);
    net.connect(CAROL, laptop);
    net.run();
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    // The laptop takes it and lacks the unit; it dies while it waits for it.
    while net.order(ALICE, &order).is_none() {
        assert!(net.step());
    }
    net.disconnect(ALICE, laptop);
    net.disconnect(CAROL, laptop);
    net.connect(CAROL, ALICE);
    net.run();
    net.wait(70_000);
    assert_eq!(net.state(CAROL, &order), Some(State::Asked), "it may come back");
    let device = net.device(laptop);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Quoted));
    place(&mut net, CAROL, order, "manual");
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Accepted));
    assert_eq!(available(&net, CAROL, "lamp"), 0);
}

/// A product with so many variants, called by a device.
fn wide(handle: &str, of: &str, variants: usize) -> ProductDraft {
    let mut draft = product(handle, 500, None);
    draft.options = vec!["Size".into()];
    let one = draft.variants[0].clone();
    draft.variants = (0..variants)
        .map(|n| {
            let mut variant = one.clone();
            variant.options = vec![format!("{of} {n}")];
            variant
        })
        .collect();
    draft
}

#[test]
fn what_two_devices_would_make_too_large_together_stops_neither() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(4))], None);
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.run();
    net.disconnect(ALICE, laptop);
    let many = LISTING_VARIANTS_MAX / 2 + 50;
    for (at, name) in [(ALICE, "a"), (laptop, "b")] {
        let products = vec![wide("rug", name, many)];
        net.done(at, Command::ImportListings { products });
    }
    // In the new epoch the laptop would write what is its own into a listing that is half full already.
    let device = net.device(phone);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    net.connect(ALICE, laptop);
    net.connect(BOB, ALICE);
    net.run();
    a_while(&mut net);
    let refusals = &net.nodes[laptop].refusals;
    assert!(
        refusals.iter().any(|refusal| refusal.contains("variants")),
        "{refusals:?}"
    );
    for at in [ALICE, laptop] {
        net.restart(at);
        net.run();
    }
    net.connect(ALICE, laptop);
    net.connect(BOB, ALICE);
    net.run();
    a_while(&mut net);
    for (at, price) in [(ALICE, 600), (laptop, 700)] {
        set_price(&mut net, at, "lamp", price);
        net.run();
        let seen = listing_at(&net, BOB, "lamp").unwrap();
        assert_eq!(
            seen.variants[0].price,
            Some(eur(price)),
            "the rest goes on at {at}"
        );
    }
}

#[test]
fn a_copy_of_a_device_that_signs_no_tabs_takes_none_up() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(4))], None);
    net.connect(BOB, ALICE);
    net.connect(BOB, laptop);
    grant_tab(&mut net, BOB);
    // Whoever never signed anything has no past to ask for.
    set_title(&mut net, laptop, "lamp", "Bright lamp");
    a_while(&mut net);
    let older = net.nodes[laptop].memory.clone();
    net.put_back(laptop, older);
    net.connect(BOB, laptop);
    net.connect(ALICE, laptop);
    net.run();
    a_while(&mut net);
    let device = net.device(laptop);
    assert_eq!(
        own_past(net.records(laptop), &device).unwrap(),
        Some(Past::Settled)
    );
    let signers = signers_of_tab(&net);
    assert!(!signers.is_empty() && !signers.contains(&device), "{signers:?}");
}

#[test]
fn a_copy_gives_back_no_units_that_another_device_sold() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(6))], None);
    net.connect(CAROL, laptop);
    net.connect(BOB, ALICE);
    net.run();
    // One is sold here too: what was never taken off here could not be given back.
    let own = ask(&mut net, BOB, "lamp").unwrap();
    net.run();
    place(&mut net, BOB, own, "manual");
    net.run();
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    place(&mut net, CAROL, order, "manual");
    net.run();
    assert_eq!(available(&net, ALICE, "lamp"), 4);
    let older = net.nodes[ALICE].memory.clone();
    net.put_back(ALICE, older);
    net.connect(CAROL, ALICE);
    net.connect(ALICE, laptop);
    net.run();
    a_while(&mut net);
    assert_eq!(net.state(ALICE, &order), Some(State::Accepted));
    for at in [ALICE, laptop, CAROL] {
        assert_eq!(available(&net, at, "lamp"), 4, "at {at}");
    }
}

/// Bob buys of a shop with two devices; what he proposes comes to either, and to the one that signs about tabs
/// in whatever order.
fn pays_two_devices(seed: u64) {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(9))], Some(seed));
    net.connect(BOB, ALICE);
    net.connect(BOB, laptop);
    net.run();
    net.wait(6_000);
    grant_tab(&mut net, BOB);
    let orders: Vec<OrderId> = (0..3).filter_map(|_| ask(&mut net, BOB, "lamp")).collect();
    net.run();
    for order in &orders {
        place(&mut net, BOB, *order, "tab");
    }
    net.run();
    a_while(&mut net);
    for order in &orders {
        assert_eq!(net.state(BOB, order), Some(State::Receipted), "{order}");
    }
}

#[test]
fn a_proposal_that_came_too_early_is_answered_when_it_can_be() {
    for_each_seed("SOUK_SEAMS", 40, pays_two_devices);
}

#[test]
fn a_silent_copy_opens_no_documents() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(6))], None);
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.run();
    net.disconnect(ALICE, laptop);
    set_title(&mut net, laptop, "lamp", "Bright lamp");
    let device = net.device(phone);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    let older = net.nodes[laptop].memory.clone();
    net.put_back(laptop, older);
    net.connect(ALICE, laptop);
    let device = net.device(laptop);
    let said = |net: &Net| {
        let ids = net.records(laptop).state_ids(&net.author(ALICE)).unwrap();
        ids.into_iter()
            .filter(|(slot, _)| slot.ends_with(device.as_bytes()))
            .collect::<Vec<_>>()
    };
    let before = said(&net);
    while net.step() {
        if own_past(net.records(laptop), &device).unwrap() == Some(Past::Copied) {
            assert_eq!(said(&net), before, "it signs while it asks what it had signed");
        }
    }
    a_while(&mut net);
    assert_eq!(
        own_past(net.records(laptop), &device).unwrap(),
        Some(Past::Settled)
    );
    assert_eq!(
        listing_at(&net, ALICE, "lamp").unwrap().product.title.as_str(),
        "Bright lamp"
    );
}

#[test]
fn not_to_know_a_device_is_no_reason_to_take_its_orders_over() {
    let (mut net, _) = two_devices(vec![product("lamp", 500, None)], None);
    let older = net.nodes[ALICE].memory.clone();
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.connect(CAROL, ALICE);
    net.run();
    net.wait(6_000);
    net.disconnect(CAROL, ALICE);
    net.connect(CAROL, phone);
    net.run();
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    place(&mut net, CAROL, order, "manual");
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Accepted));
    // Alice puts a copy back from before she had the phone, and hears of the order from Carol.
    net.put_back(ALICE, older);
    net.disconnect(CAROL, phone);
    net.connect(CAROL, ALICE);
    net.run();
    a_while(&mut net);
    let reference = "x".to_owned();
    net.done(CAROL, Command::PayOrder { order, reference });
    net.run();
    assert_eq!(net.state(ALICE, &order), Some(State::Paid));
    let refused = net.wish(ALICE, Command::PaymentArrived { order }).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(
        refused.message.contains(&net.device(phone).to_string()),
        "{refused}"
    );
    // With the phone it goes on.
    net.connect(CAROL, phone);
    net.connect(ALICE, phone);
    net.run();
    net.done(phone, Command::PaymentArrived { order });
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Receipted));
}

#[test]
fn devices_of_one_author_recall_nothing_from_each_other() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(6))], None);
    let recall = || {
        Request::Recall(Recall {
            said: Vec::new(),
            beyond: None,
        })
    };
    let answer = net.asks(laptop, ALICE, recall());
    assert!(answer.contains("Refused"), "{answer}");
    net.connect(BOB, ALICE);
    net.run();
    let answer = net.asks(BOB, ALICE, recall());
    assert!(answer.contains("Pulled"), "{answer}");
}

/// One whose device had signed anything since would be outdated, and would sign nothing at all.
#[test]
fn a_primary_that_forgot_a_revocation_goes_on_in_the_epoch_of_the_others() {
    let (mut net, laptop) = two_devices(Vec::new(), None);
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.connect(BOB, ALICE);
    net.run();
    let older = net.nodes[ALICE].memory.clone();
    let device = net.device(phone);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    let products = vec![product("lamp", 500, None)];
    net.done(laptop, Command::ImportListings { products });
    net.run();
    net.put_back(ALICE, older);
    net.connect(ALICE, laptop);
    net.connect(BOB, ALICE);
    net.run();
    a_while(&mut net);
    set_price(&mut net, ALICE, "lamp", 777);
    net.run();
    for at in [ALICE, laptop, BOB] {
        let lamp = listing_at(&net, at, "lamp").unwrap();
        assert_eq!(lamp.variants[0].price, Some(eur(777)), "at {at}");
    }
    assert!(!heads(&net, ALICE).is_empty());
    assert_eq!(heads(&net, ALICE), heads(&net, laptop));
    let known = peer::siblings(net.records(ALICE)).unwrap();
    assert!(known.iter().all(|(known, _)| *known != device), "{known:?}");
    // And the next one is later than both.
    let device = net.device(laptop);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    set_price(&mut net, ALICE, "lamp", 888);
    net.run();
    let lamp = listing_at(&net, BOB, "lamp").unwrap();
    assert_eq!(lamp.variants[0].price, Some(eur(888)));
}

#[test]
fn a_lapse_is_signed_where_the_order_is_seen_to() {
    let (mut net, laptop, order) = placed_at_the_laptop(6);
    assert_eq!(net.state(ALICE, &order), Some(State::Accepted));
    net.now += 2 * 24 * 60 * 60 * 1_000;
    let refused = net.wish(ALICE, Command::LapseOrder { order }).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert!(
        refused.message.contains(&net.device(laptop).to_string()),
        "{refused}"
    );
    net.done(laptop, Command::LapseOrder { order });
    net.run();
    for at in [ALICE, laptop, CAROL] {
        assert_eq!(net.state(at, &order), Some(State::Lapsed), "at {at}");
        assert_eq!(available(&net, at, "lamp"), 6, "at {at}");
    }
}

#[test]
fn what_is_held_for_a_quote_is_not_taken_off_the_stock() {
    let (mut net, laptop, order) = quoted_at_the_laptop(6);
    assert_eq!(net.state(CAROL, &order), Some(State::Quoted));
    let second = net.device(laptop);
    assert_eq!(rights(&net, laptop, &second, "lamp"), 3);
    // Two and the one that is held: three of six would go, and the laptop has two that nobody waits for.
    assert!(!set_stock(&mut net, laptop, "lamp", 2));
    assert!(set_stock(&mut net, laptop, "lamp", 3));
    net.run();
    assert_eq!(rights(&net, laptop, &second, "lamp"), 1);
    place(&mut net, CAROL, order, "manual");
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Accepted));
    assert_eq!(rights(&net, laptop, &second, "lamp"), 0);
    assert_eq!(available(&net, CAROL, "lamp"), 3);
}

#[test]
fn a_payment_waits_for_the_device_that_accepted_its_order() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, None)], None);
    net.connect(CAROL, ALICE);
    net.run();
    grant_tab(&mut net, CAROL);
    a_while(&mut net);
    net.disconnect(CAROL, ALICE);
    net.connect(CAROL, laptop);
    net.run();
    let order = ask(&mut net, CAROL, "lamp").unwrap();
    net.run();
    // The laptop accepts while it is apart, and is gone before Carol's payment comes.
    net.disconnect(ALICE, laptop);
    net.run();
    place(&mut net, CAROL, order, "tab");
    while net.state(CAROL, &order) != Some(State::Accepted) {
        assert!(net.step());
    }
    net.disconnect(CAROL, laptop);
    net.connect(CAROL, ALICE);
    net.run();
    a_while(&mut net);
    assert_ne!(net.state(ALICE, &order), Some(State::Accepted));
    net.connect(ALICE, laptop);
    net.connect(CAROL, laptop);
    net.run();
    a_while(&mut net);
    for at in [CAROL, ALICE, laptop] {
        assert_eq!(net.state(at, &order), Some(State::Receipted), "at {at}");
    }
}
