//! Who becomes one of an author's devices, and what they alone are told.

use super::*;
use souk_protocol::id::DeviceId;
use souk_protocol::pairing::{Invitation, Joining, PairAsk};
use souk_protocol::text::Name;

#[test]
fn a_device_whose_words_agree_becomes_one_of_the_author_s() {
    let (net, laptop) = two_devices(vec![product("lamp", 500, Some(3))], None);
    assert_eq!(net.author(laptop), net.author(ALICE));
    assert_ne!(net.device(laptop), net.device(ALICE));
    for (here, there) in [(ALICE, laptop), (laptop, ALICE)] {
        let known = peer::siblings(net.records(here)).unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].0, net.device(there));
    }
    assert_eq!(listing_at(&net, laptop, "lamp"), listing_at(&net, ALICE, "lamp"));
    assert_eq!(heads(&net, laptop), heads(&net, ALICE));
    assert_eq!(available(&net, laptop, "lamp"), 3);
}

#[test]
fn whoever_has_the_code_but_is_not_in_front_of_the_owner_gets_nothing() {
    let mut net = Net::new(1, None);
    let addresses = Vec::new();
    let Reply::Invited { code, .. } = net.done(ALICE, Command::InviteDevice { addresses }) else {
        panic!("no code")
    };
    let (eve, laptop) = (DeviceId::from_bytes([66; 32]), DeviceId::from_bytes([67; 32]));
    let join = |device, nonce| {
        Joining::begin(
            Invitation::parse(&code).unwrap(),
            device,
            [nonce; 32],
            Name::default(),
        )
    };
    // Without the code nothing begins.
    let (_, PairAsk::Begin { commitment, name, .. }) = join(eve, 1) else {
        panic!()
    };
    let proof = commitment;
    assert!(
        net.pair_step(
            ALICE,
            eve,
            PairAsk::Begin {
                proof,
                commitment,
                name
            }
        )
        .is_err()
    );
    // Eve saw the code and is first.
    let (joining, begin) = join(eve, 1);
    let begun = net.pair_step(ALICE, eve, begin).unwrap();
    let (_, reveal) = joining.begun(&begun).unwrap();
    // A number other than the one that she committed to is refused.
    let other = PairAsk::Reveal {
        nonce: souk_protocol::pairing::Nonce::new([2; 32]),
    };
    assert!(net.pair_step(ALICE, eve, other).is_err());
    net.pair_step(ALICE, eve, reveal).unwrap();
    // The laptop is told that the code is used; its owner sees no words on it, and none that agree.
    let (_, begin) = join(laptop, 3);
    assert!(
        net.pair_step(ALICE, laptop, begin)
            .unwrap_err()
            .contains("used already")
    );
    assert!(net.pair_step(ALICE, laptop, PairAsk::Fetch {}).is_err());
    let waiting = net.words_at(ALICE).unwrap();
    assert_eq!(waiting.split(' ').count(), 4);
    let words = "abandon abandon abandon abandon".to_owned();
    assert_eq!(
        net.wish(ALICE, Command::ConfirmDevice { words })
            .unwrap_err()
            .code,
        Code::Invalid
    );
    assert!(
        net.pair_step(ALICE, eve, PairAsk::Fetch {}).is_err(),
        "the invitation is closed"
    );
    let words = waiting;
    assert_eq!(
        net.wish(ALICE, Command::ConfirmDevice { words })
            .unwrap_err()
            .code,
        Code::NotFound
    );
}

#[test]
fn an_invitation_ends() {
    let mut net = Net::new(1, None);
    let addresses = Vec::new();
    let Reply::Invited { code, .. } = net.done(ALICE, Command::InviteDevice { addresses }) else {
        panic!("no code")
    };
    let laptop = DeviceId::from_bytes([67; 32]);
    let (_, begin) = Joining::begin(
        Invitation::parse(&code).unwrap(),
        laptop,
        [1; 32],
        Name::default(),
    );
    net.now += souk_protocol::limits::INVITATION_MS + 1;
    assert!(
        net.pair_step(ALICE, laptop, begin)
            .unwrap_err()
            .contains("no invitation")
    );
}

#[test]
fn only_the_device_with_the_words_invites_and_revokes() {
    let (mut net, laptop) = two_devices(Vec::new(), None);
    let addresses = Vec::new();
    let refused = net.wish(laptop, Command::InviteDevice { addresses }).unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    let device = net.device(ALICE);
    assert_eq!(
        net.wish(laptop, Command::RevokeDevice { device })
            .unwrap_err()
            .code,
        Code::NotAllowed
    );
}

#[test]
fn what_is_for_the_author_s_devices_is_answered_to_no_one_else() {
    use souk_protocol::sync::{Request, SealedWanted, Together, UnitsWanted};
    let (mut net, laptop) = two_devices(vec![product("lamp", 500, Some(3))], None);
    net.connect(ALICE, BOB);
    net.run();
    let buckets: Vec<u8> = (0..=255).collect();
    let sealed = SealedWanted {
        buckets: buckets.into(),
        have: Vec::new().into(),
        beyond: None,
    };
    let units = UnitsWanted {
        listing: id(&net, "lamp"),
        variant: variant(&net, "lamp"),
        units: 1,
    };
    for request in [
        Request::Together(Together::default()),
        Request::Sealed(sealed),
        Request::Units(units),
    ] {
        let answer = net.asks(BOB, ALICE, request.clone());
        assert!(answer.contains("own devices"), "{answer}");
        let answer = net.asks(laptop, ALICE, request);
        assert!(!answer.contains("Refused"), "{answer}");
    }
}
