//! What a device that was thrown out can still do: nothing; and what stays with the others.

use super::*;

#[test]
fn a_revoked_device_changes_nothing_afterwards() {
    let products = || vec![product("lamp", 500, Some(6)), product("rug", 900, Some(2))];
    let (mut net, laptop) = two_devices(products(), None);
    let thief = net.device(laptop);
    for reader in [BOB, CAROL] {
        net.connect(reader, ALICE);
        net.connect(reader, laptop);
    }
    net.run();
    // It takes some units, and writes a listing of its own and a price before anybody notices.
    ask(&mut net, BOB, "lamp").unwrap();
    net.run();
    net.done(
        laptop,
        Command::ImportListings {
            products: vec![product("junk", 1, None)],
        },
    );
    set_price(&mut net, laptop, "rug", 1);
    net.run();
    assert_eq!(
        listing_at(&net, CAROL, "rug").unwrap().variants[0].price,
        Some(eur(1))
    );
    set_price(&mut net, ALICE, "rug", 900);
    net.run();
    net.done(ALICE, Command::RevokeDevice { device: thief });
    net.run();
    // It can say nothing any more, and does not even try.
    let listing = id(&net, "rug");
    assert_eq!(
        net.wish(laptop, title_edit(listing, "Mine")).unwrap_err().code,
        Code::NotAllowed
    );
    assert!(peer::siblings(net.records(ALICE)).unwrap().is_empty());
    for at in [ALICE, BOB, CAROL] {
        assert_eq!(
            listing_at(&net, at, "rug").unwrap().variants[0].price,
            Some(eur(900)),
            "at {at}"
        );
        assert_eq!(
            listing_at(&net, at, "lamp"),
            listing_at(&net, ALICE, "lamp"),
            "at {at}"
        );
        let held = net.records(at).state_ids(&net.author(ALICE)).unwrap();
        assert!(
            held.iter().all(|(slot, _)| !slot.ends_with(thief.as_bytes())),
            "at {at}"
        );
        assert_eq!(
            available(&net, at, "lamp"),
            6,
            "what it held is the shop's again, at {at}"
        );
        assert_eq!(available(&net, at, "rug"), 2, "at {at}");
    }
    // The shop goes on, in documents of the new epoch.
    set_price(&mut net, ALICE, "lamp", 550);
    net.run();
    assert_eq!(
        listing_at(&net, BOB, "lamp").unwrap().variants[0].price,
        Some(eur(550))
    );
}

#[test]
fn a_thief_that_was_apart_pins_no_field_and_adds_no_variant() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(6))], None);
    let thief = net.device(laptop);
    net.connect(BOB, ALICE);
    net.connect(CAROL, laptop);
    net.run();
    net.disconnect(ALICE, laptop);
    // Apart, it writes many times, so that its counters are far ahead, and a variant that only it has.
    for n in 0..40 {
        set_price(&mut net, laptop, "lamp", n);
    }
    let mut draft = product("lamp", 1, None);
    draft.options = vec!["Size".into()];
    draft.variants[0].options = vec!["fake".into()];
    net.done(
        laptop,
        Command::ImportListings {
            products: vec![draft],
        },
    );
    net.run();
    assert_eq!(
        listing_at(&net, CAROL, "lamp")
            .unwrap()
            .variants
            .iter()
            .filter(|v| v.price == Some(eur(1)))
            .count(),
        1
    );
    net.done(ALICE, Command::RevokeDevice { device: thief });
    net.run();
    // Carol hears of it from Bob.
    net.connect(BOB, CAROL);
    net.run();
    net.connect(CAROL, ALICE);
    net.run();
    for at in [BOB, CAROL] {
        assert_eq!(
            listing_at(&net, at, "lamp"),
            listing_at(&net, ALICE, "lamp"),
            "at {at}"
        );
        assert_eq!(
            listing_at(&net, at, "lamp").unwrap().variants[0].price,
            Some(eur(500))
        );
    }
    // What it says afterwards is kept by nobody who knows.
    net.connect(ALICE, laptop);
    net.run();
    assert_eq!(listing_at(&net, CAROL, "lamp"), listing_at(&net, ALICE, "lamp"));
}

#[test]
fn what_another_device_repeated_of_a_thief_goes_with_the_epoch() {
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(6))], None);
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.run();
    net.wait(6_000);
    net.disconnect(ALICE, laptop);
    net.disconnect(ALICE, phone);
    net.connect(laptop, phone);
    net.connect(BOB, phone);
    net.run();
    // The thief writes a variant of its own; the phone takes it for an edit of its owner, and says it too.
    let mut draft = product("lamp", 1, None);
    draft.options = vec!["Size".into()];
    draft.variants[0].options = vec!["fake".into()];
    let products = vec![draft];
    net.done(laptop, Command::ImportListings { products });
    net.run();
    set_title(&mut net, phone, "lamp", "Lamp");
    net.run();
    let offered = |net: &Net, at| {
        let listing = listing_at(net, at, "lamp").unwrap();
        listing
            .variants
            .iter()
            .any(|variant| variant.price == Some(eur(1)))
    };
    assert!(offered(&net, BOB));
    net.disconnect(BOB, phone);
    net.connect(BOB, ALICE);
    net.run();
    let device = net.device(laptop);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    net.wait(70_000);
    assert!(!offered(&net, BOB), "the phone's old words do not bring it back");
    assert_eq!(listing_at(&net, BOB, "lamp"), listing_at(&net, ALICE, "lamp"));
}

#[test]
fn devices_that_stay_go_on_in_the_new_epoch_with_what_they_had_not_shared() {
    let (mut net, laptop) = two_devices(
        vec![product("lamp", 500, Some(6)), product("rug", 900, None)],
        None,
    );
    let phone = net.pair(ALICE, 51);
    net.connect(ALICE, phone);
    net.run();
    net.disconnect(ALICE, laptop);
    // The laptop is apart while the phone is thrown out; it has edits of its own.
    set_title(&mut net, laptop, "rug", "Soft rug");
    let device = net.device(phone);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    set_price(&mut net, ALICE, "rug", 950);
    net.connect(ALICE, laptop);
    net.connect(BOB, ALICE);
    net.run();
    net.wait(70_000);
    net.wait(70_000);
    for at in [ALICE, laptop, BOB] {
        let rug = listing_at(&net, at, "rug").unwrap();
        assert_eq!(rug.product.title.as_str(), "Soft rug", "at {at}");
        assert_eq!(rug.variants[0].price, Some(eur(950)), "at {at}");
    }
    set_title(&mut net, laptop, "rug", "Softer rug");
    net.run();
    assert_eq!(
        listing_at(&net, BOB, "rug").unwrap().product.title.as_str(),
        "Softer rug"
    );
    let now: Vec<_> = heads(&net, ALICE)
        .into_iter()
        .filter(|(key, _)| key[3] == 1)
        .collect();
    let there: Vec<_> = heads(&net, laptop)
        .into_iter()
        .filter(|(key, _)| key[3] == 1)
        .collect();
    assert!(!now.is_empty());
    assert_eq!(now, there);
}

#[test]
fn orders_of_a_revoked_device_pass_to_the_primary() {
    let (mut net, laptop, order) = placed_at_the_laptop(6);
    assert_eq!(net.state(ALICE, &order), Some(State::Accepted));
    let device = net.device(laptop);
    net.done(ALICE, Command::RevokeDevice { device });
    net.run();
    net.disconnect(CAROL, laptop);
    net.connect(CAROL, ALICE);
    let reference = "x".to_owned();
    net.done(CAROL, Command::PayOrder { order, reference });
    net.run();
    net.done(ALICE, Command::PaymentArrived { order });
    net.run();
    assert_eq!(net.state(CAROL, &order), Some(State::Receipted));
    assert_eq!(available(&net, CAROL, "lamp"), 5);
}
