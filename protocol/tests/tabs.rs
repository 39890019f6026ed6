//! Laws of tabs: nobody signs two states of one number, no limit is passed, no money comes or goes,
//! whatever is lost, repeated, reordered or forged on the way.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use proptest::sample::Index;
use souk_protocol::codec;
use souk_protocol::filed::Filed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, StateId};
use souk_protocol::limits::{AMOUNT_MINOR_MAX, TAB_GAP_MAX, TAB_HOLDS_MAX};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::tab::{
    Answer, Change, Ledger, Parties, Reason, Side, Standing, Tab, TabAct, TabMessage, TabRefusal, TabState,
};
use souk_protocol::time::{Hybrid, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

const ALICE: AuthorId = AuthorId::from_bytes([1; 32]);
const BOB: AuthorId = AuthorId::from_bytes([2; 32]);
const EVE: AuthorId = AuthorId::from_bytes([3; 32]);

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::EUR).unwrap()
}

fn parties() -> Parties {
    Parties::new(BOB, ALICE, Currency::EUR).unwrap()
}

fn order(number: u8) -> OrderId {
    OrderId::from_bytes([number; 32])
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    id: EnvelopeId,
    author: AuthorId,
    at: u64,
    message: TabMessage,
}

impl Said {
    fn new(author: AuthorId, at: u64, message: TabMessage) -> Self {
        let id = EnvelopeId::of(&codec::encode(&(author, at, &message)).unwrap());
        Self {
            id,
            author,
            at,
            message,
        }
    }
    fn filed(&self) -> Filed<'_, TabMessage> {
        Filed {
            id: self.id,
            author: self.author,
            device: DeviceId::from_bytes(*self.author.as_bytes()),
            time: Hybrid {
                wall_ms: self.at,
                count: 0,
            },
            message: &self.message,
        }
    }
}

/// Reads a tab, and shows that it reads the same when its messages are heard one by one, in this order
/// and in the opposite one.
fn fold<'a>(said: impl IntoIterator<Item = &'a Said>) -> Tab {
    let said: Vec<&Said> = said.into_iter().collect();
    let tab = Tab::fold(parties(), said.iter().map(|said| said.filed())).unwrap();
    assert_eq!(heard(said.iter().copied()), tab);
    assert_eq!(heard(said.iter().rev().copied()), tab);
    tab
}

fn heard<'a>(said: impl Iterator<Item = &'a Said>) -> Tab {
    let mut ledger = Ledger::fold(parties(), []).unwrap();
    for said in said {
        ledger.hear(&said.filed()).unwrap();
    }
    ledger.into_tab()
}

/// Both sides, who agree on everything: proposes a change and countersigns it.
fn settle(said: &mut Vec<Said>, by: AuthorId, change: Change, at: u64) -> Result<Tab, TabRefusal> {
    let proposal = Said::new(by, at, fold(&*said).propose(&by, change, Timestamp(at))?);
    said.push(proposal.clone());
    let other = parties().other(&by)?;
    let agreement = fold(&*said).agree(&other, &proposal.id)?;
    said.push(Said::new(other, at, agreement));
    Ok(fold(&*said))
}

fn limit(by: AuthorId, limit_minor: i64) -> Change {
    Change::SetLimit { by, limit_minor }
}

fn pay(from: AuthorId, number: u8, amount_minor: i64) -> Change {
    Change::Pay {
        order: order(number),
        from,
        amount_minor,
    }
}

fn refund(from: AuthorId, number: u8, amount_minor: i64) -> Change {
    Change::Refund {
        order: order(number),
        from,
        amount_minor,
    }
}

fn hold(from: AuthorId, number: u8, amount_minor: i64, deadline: u64) -> Change {
    Change::Hold {
        order: order(number),
        from,
        amount_minor,
        deadline: Timestamp(deadline),
    }
}

/// Alice lets bob owe her 100 euros, and he has paid order 1 with 60 of them.
fn opened() -> Vec<Said> {
    let mut said = Vec::new();
    settle(&mut said, ALICE, limit(ALICE, 10_000), 1).unwrap();
    settle(&mut said, BOB, pay(BOB, 1, 6_000), 2).unwrap();
    said
}

#[test]
fn what_one_is_owed_the_other_owes() {
    let tab = fold(&opened());
    assert_eq!(tab.balance(&ALICE), Ok(eur(6_000)));
    assert_eq!(tab.balance(&BOB), Ok(eur(-6_000)));
    assert_eq!(tab.credit_left(&BOB), Ok(eur(4_000)));
    assert_eq!(
        tab.credit_left(&ALICE),
        Ok(eur(6_000)),
        "she may pay back what he owes"
    );
    assert_eq!(tab.limit(&ALICE), Ok(eur(10_000)));
    assert!(matches!(tab.balance(&EVE), Err(TabRefusal::Stranger(EVE))));
}

#[test]
fn an_order_is_paid_once_and_refunded_at_most_that() {
    let mut said = opened();
    let tab = fold(&said);
    let payment = &tab.paid[&order(1)];
    assert!(tab.proves(&payment.proof(), &order(1), &BOB, eur(6_000)));
    assert!(!tab.proves(&payment.proof(), &order(1), &BOB, eur(6_001)));
    assert!(!tab.proves(&payment.proof(), &order(2), &BOB, eur(6_000)));
    let again = |change| tab.propose(&BOB, change, Timestamp(3)).unwrap_err();
    assert_eq!(again(pay(BOB, 1, 1)), TabRefusal::AlreadyPaid(order(1)));
    assert_eq!(again(hold(BOB, 1, 1, 9)), TabRefusal::AlreadyPaid(order(1)));
    assert_eq!(
        again(refund(BOB, 1, 1)),
        TabRefusal::NotPaid(order(1)),
        "by who paid it"
    );
    settle(&mut said, ALICE, refund(ALICE, 1, 2_500), 4).unwrap();
    let over = fold(&said).propose(&ALICE, refund(ALICE, 1, 3_501), Timestamp(5));
    assert_eq!(
        over,
        Err(TabRefusal::OverRefund {
            left: eur(3_500),
            asked: eur(3_501)
        })
    );
    let tab = settle(&mut said, ALICE, refund(ALICE, 1, 3_500), 6).unwrap();
    assert_eq!(tab.balance(&BOB), Ok(eur(0)));
    assert!(
        tab.propose(&BOB, pay(BOB, 1, 1), Timestamp(7)).is_err(),
        "not even then"
    );
}

#[test]
fn what_is_given_back_waits_until_there_is_room_for_it() {
    let mut said = opened();
    // Alice buys something of bob with what he owes her. He never let her owe him anything.
    let tab = settle(&mut said, ALICE, pay(ALICE, 2, 5_000), 3).unwrap();
    assert_eq!(tab.credit_left(&ALICE), Ok(eur(1_000)));
    let back = |tab: &Tab, at| tab.propose(&ALICE, refund(ALICE, 1, 6_000), Timestamp(at));
    assert_eq!(
        back(&tab, 4),
        Err(TabRefusal::OverLimit {
            payer: ALICE,
            left: eur(1_000),
            asked: eur(6_000)
        })
    );
    let tab = settle(&mut said, BOB, limit(BOB, 5_000), 5).unwrap();
    assert!(back(&tab, 6).is_ok());
}

#[test]
fn a_limit_below_the_balance_only_stops_growth() {
    let mut said = opened();
    let tab = settle(&mut said, ALICE, limit(ALICE, 1_000), 3).unwrap();
    assert_eq!(tab.balance(&ALICE), Ok(eur(6_000)));
    assert_eq!(tab.credit_left(&BOB), Ok(eur(0)));
    let refused = tab.propose(&BOB, pay(BOB, 2, 1), Timestamp(4));
    assert_eq!(
        refused,
        Err(TabRefusal::OverLimit {
            payer: BOB,
            left: eur(0),
            asked: eur(1)
        })
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "{BOB} has 0.00 EUR of credit left, this takes 0.01 EUR; ask for a higher limit or pay another way"
        )
    );
    // What lowers the debt goes through.
    let tab = settle(&mut said, ALICE, pay(ALICE, 3, 500), 5).unwrap();
    assert_eq!(tab.balance(&ALICE), Ok(eur(5_500)));
}

#[test]
fn a_hold_counts_as_owed_and_is_paid_or_freed() {
    let mut said = opened();
    let tab = settle(&mut said, BOB, hold(BOB, 2, 3_000, 100), 3).unwrap();
    let id = tab.agreed.as_ref().unwrap().seq;
    assert_eq!(tab.credit_left(&BOB), Ok(eur(1_000)));
    assert_eq!(tab.balance(&ALICE), Ok(eur(6_000)));
    assert!(tab.propose(&BOB, pay(BOB, 3, 1_001), Timestamp(4)).is_err());
    assert_eq!(
        tab.propose(&BOB, pay(BOB, 2, 1), Timestamp(4)),
        Err(TabRefusal::AlreadyPaid(order(2)))
    );
    let capture = Change::Capture { hold: id };
    let release = Change::Release { hold: id };
    assert!(matches!(
        tab.propose(&BOB, capture.clone(), Timestamp(4)),
        Err(TabRefusal::NotYours { .. })
    ));
    assert!(matches!(
        tab.propose(&BOB, release.clone(), Timestamp(99)),
        Err(TabRefusal::HoldNotOver { .. })
    ));
    assert!(
        tab.propose(&BOB, release.clone(), Timestamp(100)).is_ok(),
        "past the deadline"
    );
    assert!(
        tab.propose(&ALICE, release, Timestamp(4)).is_ok(),
        "the payee at any time"
    );
    assert_eq!(
        tab.propose(&ALICE, Change::Capture { hold: 77 }, Timestamp(4)),
        Err(TabRefusal::UnknownHold(77))
    );
    let tab = settle(&mut said, ALICE, capture, 5).unwrap();
    assert_eq!(tab.balance(&ALICE), Ok(eur(9_000)));
    assert_eq!(tab.credit_left(&BOB), Ok(eur(1_000)));
    assert_eq!(tab.paid[&order(2)].payer, BOB);
    assert_eq!(tab.paid[&order(2)].amount, eur(3_000));
}

#[test]
fn holds_are_bounded() {
    let mut said = opened();
    for number in 0..TAB_HOLDS_MAX {
        settle(&mut said, BOB, hold(BOB, 100 + number as u8, 1, 9), 3).unwrap();
    }
    let state = fold(&said).agreed.unwrap();
    assert!(codec::encode(&state).unwrap().len() < 8 * 1024);
    assert_eq!(
        fold(&said).propose(&BOB, hold(BOB, 200, 1, 9), Timestamp(4)),
        Err(TabRefusal::TooManyHolds)
    );
}

#[test]
fn a_node_signs_by_itself_only_what_favours_it() {
    let owed = |number: &OrderId| (*number == order(2)).then(|| eur(500));
    let answer = |by: AuthorId, change: Change, at: u64| {
        let mut said = opened();
        settle(&mut said, BOB, hold(BOB, 9, 1_000, 50), 3).unwrap();
        let proposal = fold(&said).propose(&by, change, Timestamp(at)).unwrap();
        let proposal = Said::new(by, at, proposal);
        said.push(proposal.clone());
        let tab = fold(&said);
        assert_eq!(
            tab.answer(&by, &proposal.id, owed),
            Answer::Nothing,
            "nobody answers themselves"
        );
        assert_eq!(tab.answer(&EVE, &proposal.id, owed), Answer::Nothing);
        assert_eq!(
            tab.propose(&by, limit(by, 1), Timestamp(at)),
            Err(TabRefusal::Waiting(proposal.id))
        );
        tab.answer(&parties().other(&by).unwrap(), &proposal.id, owed)
    };
    let held = {
        let mut said = opened();
        settle(&mut said, BOB, hold(BOB, 9, 1_000, 50), 3)
            .unwrap()
            .agreed
            .unwrap()
            .seq
    };
    assert_eq!(answer(BOB, limit(BOB, 5), 4), Answer::Agree);
    assert_eq!(answer(ALICE, limit(ALICE, 5), 4), Answer::Agree);
    assert_eq!(answer(ALICE, refund(ALICE, 1, 5), 4), Answer::Agree);
    assert_eq!(answer(BOB, pay(BOB, 2, 500), 4), Answer::Agree);
    assert_eq!(
        answer(BOB, pay(BOB, 2, 499), 4),
        Answer::Refuse(Reason::WrongAmount)
    );
    assert_eq!(
        answer(BOB, pay(BOB, 3, 500), 4),
        Answer::Refuse(Reason::UnknownOrder)
    );
    assert_eq!(answer(BOB, hold(BOB, 2, 500, 9), 4), Answer::Agree);
    assert_eq!(answer(ALICE, Change::Release { hold: held }, 4), Answer::Agree);
    assert_eq!(answer(BOB, Change::Release { hold: held }, 50), Answer::Agree);
    assert_eq!(
        answer(ALICE, Change::Capture { hold: held }, 4),
        Answer::NeedsDecision
    );
}

#[test]
fn a_state_that_says_more_than_its_change_is_refused() {
    let said = opened();
    let tab = fold(&said);
    let TabAct::Propose { state } = tab.propose(&BOB, pay(BOB, 2, 100), Timestamp(3)).unwrap().act else {
        panic!("a proposal")
    };
    let spoilt: [fn(&mut TabState); 7] = [
        |state| state.book.balance_minor -= 1,
        |state| state.book.limit_low_minor += 1,
        |state| state.book.limit_high_minor += 1,
        |state| state.prev = None,
        |state| state.seq += TAB_GAP_MAX * 2,
        |state| state.change = pay(BOB, 2, 99),
        |state| state.change = pay(ALICE, 2, 100),
    ];
    for (number, spoil) in spoilt.into_iter().enumerate() {
        let mut wrong = state.clone();
        spoil(&mut wrong);
        let message = TabMessage {
            tab: parties().tab(),
            to: ALICE,
            act: TabAct::Propose { state: wrong },
        };
        let message = Said::new(BOB, 3, message);
        let after = fold(said.iter().chain([&message]));
        assert_eq!(after.pending, None, "case {number}");
        assert_eq!(after.agreed, tab.agreed, "case {number}");
        assert!(after.agree(&ALICE, &message.id).is_err(), "case {number}");
        assert!(matches!(
            after.answer(&ALICE, &message.id, |_| Some(eur(100))),
            Answer::Refuse(Reason::Invalid | Reason::Stale)
        ));
    }
}

#[test]
fn who_refused_can_revive_nothing_and_who_signed_can_take_nothing_back() {
    // Alice proposes, bob refuses, she proposes again, he agrees to the new and then to the old.
    let mut said = Vec::new();
    let first = Said::new(
        ALICE,
        1,
        fold(&said)
            .propose(&ALICE, limit(ALICE, 100), Timestamp(1))
            .unwrap(),
    );
    said.push(first.clone());
    let yes = Said::new(BOB, 2, fold(&said).agree(&BOB, &first.id).unwrap());
    let no = Said::new(
        BOB,
        2,
        fold(&said).refuse(&BOB, &first.id, Reason::Declined).unwrap(),
    );
    let mut refused = said.clone();
    refused.push(no.clone());
    let second = fold(&refused)
        .propose(&ALICE, limit(ALICE, 7), Timestamp(3))
        .unwrap();
    let second = Said::new(ALICE, 3, second);
    refused.push(second.clone());
    refused.push(yes.clone());
    let tab = fold(&refused);
    assert_eq!(tab.agreed, None, "the first was given up by both");
    assert_eq!(tab.pending.as_ref().map(|(id, _)| *id), Some(second.id));
    // But a refusal after the signature takes nothing back.
    said.extend([yes, no]);
    assert_eq!(fold(&said).limit(&ALICE), Ok(eur(100)));
    // Nor does a second proposal upon the old state, by one side alone.
    let lonely = Said::new(
        ALICE,
        4,
        Tab::fold(parties(), [])
            .unwrap()
            .propose(&ALICE, limit(ALICE, 0), Timestamp(4))
            .unwrap(),
    );
    said.push(lonely.clone());
    let tab = fold(&said);
    assert_eq!(tab.limit(&ALICE), Ok(eur(100)));
    assert_eq!(tab.standing[&lonely.id], Standing::Stale);
}

#[test]
fn every_change_in_every_state_from_every_sender_keeps_the_law() {
    let mut states: Vec<Option<TabState>> = vec![None];
    let mut said = Vec::new();
    for (by, change) in [
        (ALICE, limit(ALICE, 1_000)),
        (BOB, limit(BOB, 500)),
        (BOB, pay(BOB, 1, 700)),
        (BOB, hold(BOB, 2, 300, 50)),
        (ALICE, limit(ALICE, 10)),
        (ALICE, pay(ALICE, 3, 1_000)),
        (ALICE, hold(ALICE, 4, 100, 50)),
    ] {
        states.push(settle(&mut said, by, change, 1).unwrap().agreed);
    }
    let amounts = [i64::MIN, -1, 0, 1, 300, 5_000, AMOUNT_MINOR_MAX, i64::MAX];
    for state in &states {
        let seqs = state.as_ref().map_or(0, |state| state.seq);
        let mut changes = Vec::new();
        for who in [ALICE, BOB, EVE] {
            for amount in amounts {
                changes.extend([
                    limit(who, amount),
                    pay(who, 5, amount),
                    refund(who, 1, amount),
                    hold(who, 6, amount, 50),
                ]);
            }
        }
        for hold in 0..20 {
            changes.extend([Change::Capture { hold }, Change::Release { hold }]);
        }
        let before = state.as_ref().map(|state| state.book.clone()).unwrap_or_default();
        for change in changes {
            for seq in [0, seqs, seqs + 1, seqs + 2, seqs + TAB_GAP_MAX + 1, u64::MAX] {
                for at in [0, 50] {
                    let Ok(next) =
                        TabState::next(parties(), state.as_ref(), seq, change.clone(), Timestamp(at))
                    else {
                        continue;
                    };
                    let by = parties().author(Side::of_seq(seq));
                    let author = match &change {
                        Change::SetLimit { by, .. } => Some(*by),
                        Change::Pay { from, .. }
                        | Change::Refund { from, .. }
                        | Change::Hold { from, .. } => Some(*from),
                        Change::Capture { hold } => {
                            let held = before.holds.iter().find(|held| held.id == *hold).unwrap();
                            Some(parties().other(&held.payer).unwrap())
                        }
                        Change::Release { hold } => {
                            let held = before.holds.iter().find(|held| held.id == *hold).unwrap();
                            (at < 50).then(|| parties().other(&held.payer).unwrap())
                        }
                    };
                    assert!(author.is_none_or(|author| author == by), "{change:?} by {by}");
                    for payer in [ALICE, BOB] {
                        let granter = parties().other(&payer).unwrap();
                        let held = |book: &souk_protocol::tab::Book| -> i64 {
                            book.holds
                                .iter()
                                .filter(|hold| hold.payer == payer)
                                .map(|hold| hold.amount_minor)
                                .sum()
                        };
                        let owes = held(&next.book) - next.balance(&payer).unwrap().minor;
                        let owed =
                            held(&before) - state.as_ref().map_or(0, |s| s.balance(&payer).unwrap().minor);
                        assert!(
                            owes <= next.limit(&granter).unwrap().minor || owes <= owed,
                            "{change:?}"
                        );
                    }
                    assert_eq!(
                        next.balance(&ALICE).unwrap().minor + next.balance(&BOB).unwrap().minor,
                        0
                    );
                    assert_eq!(
                        codec::decode::<TabState>(&codec::encode(&next).unwrap()),
                        Ok(next)
                    );
                }
            }
        }
    }
}

/// One of the two, with what it wrote down before it said it.
#[derive(Debug, Clone)]
struct Node {
    me: AuthorId,
    disk: Vec<Said>,
}

/// What every node signed, by number: the oracle against two states of one number.
type Signed = BTreeMap<(AuthorId, u64), StateId>;

impl Node {
    fn new(me: AuthorId) -> Self {
        Self { me, disk: Vec::new() }
    }

    fn tab(&self) -> Tab {
        fold(&self.disk)
    }

    /// Writes down what it is about to say, and says it.
    fn say(&mut self, at: u64, message: TabMessage, signed: &mut Signed) -> Said {
        let state = match &message.act {
            TabAct::Propose { state } => Some((state.seq, state.id().unwrap())),
            TabAct::Agree { propose, state } => {
                let proposed = self.disk.iter().find(|said| said.id == *propose).unwrap();
                let TabAct::Propose { state: proposed } = &proposed.message.act else {
                    panic!("agreed to what is no proposal")
                };
                Some((proposed.seq, *state))
            }
            TabAct::Refuse { .. } => None,
        };
        if let Some((seq, state)) = state {
            let before = signed.insert((self.me, seq), state);
            assert!(
                before.is_none_or(|before| before == state),
                "two states of number {seq}"
            );
        }
        let said = Said::new(self.me, at, message);
        self.disk.push(said.clone());
        said
    }

    /// Takes a message; answers what can be answered. `costly` decides where its owner must.
    fn hear(&mut self, said: &Said, at: u64, costly: bool, signed: &mut Signed) -> Vec<Said> {
        if !self.disk.contains(said) {
            self.disk.push(said.clone());
        }
        self.answer_all(at, costly, signed)
    }

    fn answer_all(&mut self, at: u64, costly: bool, signed: &mut Signed) -> Vec<Said> {
        let mut answers = Vec::new();
        loop {
            let tab = self.tab();
            let owed = |number: &OrderId| Some(eur(i64::from(number.as_bytes()[1])));
            let act = tab
                .standing
                .keys()
                .find_map(|id| match tab.answer(&self.me, id, owed) {
                    Answer::Agree => Some(tab.agree(&self.me, id)),
                    Answer::NeedsDecision if costly => Some(tab.agree(&self.me, id)),
                    Answer::NeedsDecision => Some(tab.refuse(&self.me, id, Reason::Declined)),
                    Answer::Refuse(reason) => Some(tab.refuse(&self.me, id, reason)),
                    Answer::Nothing => None,
                });
            match act {
                Some(message) => answers.push(self.say(at, message.unwrap(), signed)),
                None => return answers,
            }
        }
    }

    fn own(&self) -> Vec<Said> {
        let own = self.disk.iter().filter(|said| said.author == self.me);
        own.cloned().collect()
    }
}

/// Something that happens between the two.
#[derive(Debug, Clone)]
enum Happens {
    Propose {
        alice: bool,
        change: u8,
        amount: u8,
        number: u8,
    },
    Deliver {
        index: Index,
        keep: bool,
        costly: bool,
    },
    Lose {
        index: Index,
    },
    Resend {
        alice: bool,
    },
    Crash {
        alice: bool,
    },
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (any::<bool>(), 0..6u8, 0..40u8, 0..12u8).prop_map(|(alice, change, amount, number)| Happens::Propose {
            alice, change, amount, number,
        }),
        8 => (any::<Index>(), prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(index, keep, costly)| Happens::Deliver { index, keep, costly }),
        1 => any::<Index>().prop_map(|index| Happens::Lose { index }),
        1 => any::<bool>().prop_map(|alice| Happens::Resend { alice }),
        1 => any::<bool>().prop_map(|alice| Happens::Crash { alice }),
    ]
}

/// An order whose second byte says what is owed for it, so that both sides know it.
fn priced(number: u8, amount: u8) -> OrderId {
    let mut bytes = [number; 32];
    bytes[1] = amount;
    OrderId::from_bytes(bytes)
}

fn change(me: AuthorId, tab: &Tab, kind: u8, amount: u8, number: u8, at: u64) -> Change {
    let holds = tab
        .agreed
        .as_ref()
        .map(|state| state.book.holds.to_vec())
        .unwrap_or_default();
    let hold = holds
        .get(usize::from(number))
        .map_or(u64::from(number), |hold| hold.id);
    let order = priced(number, amount);
    let amount_minor = i64::from(amount);
    match kind {
        0 => limit(me, amount_minor * 4),
        1 => Change::Pay {
            order,
            from: me,
            amount_minor,
        },
        2 => Change::Refund {
            order: tab
                .paid
                .keys()
                .nth(usize::from(number) % 3)
                .copied()
                .unwrap_or(order),
            from: me,
            amount_minor,
        },
        3 => Change::Hold {
            order,
            from: me,
            amount_minor,
            deadline: Timestamp(at + 5),
        },
        4 => Change::Capture { hold },
        _ => Change::Release { hold },
    }
}

/// The two copies agree, or one is a state ahead that the other has proposed and marked as pending.
fn copies_are_equal_or_pending(one: &Tab, other: &Tab) -> bool {
    let behind = |behind: &Tab, ahead: &Tab| {
        let Some(state) = &ahead.agreed else { return false };
        let offered = behind
            .pending
            .as_ref()
            .is_some_and(|(_, pending)| pending == state);
        let before = behind.agreed.as_ref().map(|state| state.id().unwrap());
        offered && state.prev == before
    };
    one.agreed == other.agreed || behind(one, other) || behind(other, one)
}

fn limits_hold(tab: &Tab, before: &Tab) -> bool {
    [ALICE, BOB].into_iter().all(|payer| {
        let granter = parties().other(&payer).unwrap();
        let owes = |tab: &Tab| {
            let holds = tab.agreed.iter().flat_map(|state| state.book.holds.iter());
            let held: i64 = holds
                .filter(|hold| hold.payer == payer)
                .map(|hold| hold.amount_minor)
                .sum();
            held - tab.balance(&payer).unwrap().minor
        };
        owes(tab) <= tab.limit(&granter).unwrap().minor || owes(tab) <= owes(before)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn both_copies_end_equal_whatever_happens_on_the_way(
        story in prop::collection::vec(happens(), 0..80),
        order in any::<u64>(),
    ) {
        let mut nodes = BTreeMap::from([(ALICE, Node::new(ALICE)), (BOB, Node::new(BOB))]);
        let (mut wire, mut signed): (Vec<Said>, Signed) = (Vec::new(), Signed::new());
        let mut now = 1;
        let mut before: BTreeMap<AuthorId, Tab> = nodes.iter().map(|(me, node)| (*me, node.tab())).collect();
        for happening in story {
            now += 1;
            let who = |alice: bool| if alice { ALICE } else { BOB };
            match happening {
                Happens::Propose { alice, change: kind, amount, number } => {
                    let node = nodes.get_mut(&who(alice)).unwrap();
                    let tab = node.tab();
                    let change = change(node.me, &tab, kind, amount, number, now);
                    if let Ok(message) = tab.propose(&node.me, change, Timestamp(now)) {
                        wire.push(node.say(now, message, &mut signed));
                    }
                }
                Happens::Deliver { index, keep, costly } if !wire.is_empty() => {
                    let at = index.index(wire.len());
                    let said = if keep { wire[at].clone() } else { wire.swap_remove(at) };
                    let node = nodes.get_mut(&said.message.to).unwrap();
                    wire.extend(node.hear(&said, now, costly, &mut signed));
                }
                Happens::Lose { index } if !wire.is_empty() => {
                    let at = index.index(wire.len());
                    wire.swap_remove(at);
                }
                Happens::Resend { alice } => wire.extend(nodes[&who(alice)].own()),
                Happens::Crash { alice } => {
                    // What was on its way from it is gone, what it wrote down is there.
                    wire.retain(|said| said.author != who(alice));
                    let node = nodes.get_mut(&who(alice)).unwrap();
                    *node = Node { me: node.me, disk: node.disk.clone() };
                }
                Happens::Deliver { .. } | Happens::Lose { .. } => {}
            }
            let tabs: BTreeMap<AuthorId, Tab> = nodes.iter().map(|(me, node)| (*me, node.tab())).collect();
            prop_assert!(copies_are_equal_or_pending(&tabs[&ALICE], &tabs[&BOB]));
            for (me, tab) in &tabs {
                let sum = tab.balance(&ALICE).unwrap().minor + tab.balance(&BOB).unwrap().minor;
                prop_assert_eq!(sum, 0);
                prop_assert!(limits_hold(tab, &before[me]));
                prop_assert!(tab.signed(me).unwrap() >= before[me].signed(me).unwrap());
            }
            before = tabs;
        }
        // Quiet: each side repeats what it said until nobody has anything new to say.
        for _ in 0..10 {
            let all: Vec<Said> = nodes.values().flat_map(Node::own).collect();
            for said in all {
                nodes.get_mut(&said.message.to).unwrap().hear(&said, now, true, &mut signed);
            }
        }
        let (alice, bob) = (nodes[&ALICE].tab(), nodes[&BOB].tab());
        prop_assert_eq!(&alice, &bob);
        prop_assert!(alice.pending.is_none());
        // The set alone decides.
        let mut all: Vec<Said> = nodes.values().flat_map(|node| node.disk.clone()).collect();
        all.sort_by_key(|said| *blake3::hash(&[said.id.as_bytes(), &order.to_be_bytes()[..]].concat()).as_bytes());
        prop_assert_eq!(&fold(&all), &alice);
        // Every payment is in the balance, and nothing else is.
        let payments: i64 = alice.paid.values().map(|payment| {
            let kept = payment.amount.minor - payment.refunded.minor;
            prop_assert!(payment.refunded.minor <= payment.amount.minor);
            Ok(if payment.payer == BOB { kept } else { -kept })
        }).sum::<Result<i64, TestCaseError>>()?;
        prop_assert_eq!(alice.balance(&ALICE).unwrap().minor, payments);
    }

    #[test]
    fn a_cheat_takes_nothing_back_from_who_keeps_the_rules(
        tricks in prop::collection::vec((0..6u8, 0..6u8, 0..40u8, any::<Index>(), any::<Index>(), any::<bool>()), 0..60),
    ) {
        // Alice keeps the rules; bob's key signs whatever hurts: any number, any state before, yes
        // after no, no after yes.
        let mut alice = Node::new(ALICE);
        let mut signed = Signed::new();
        let mut states: Vec<Option<TabState>> = vec![None];
        let mut path: Vec<StateId> = Vec::new();
        for (now, (trick, kind, amount, one, other, costly)) in tricks.into_iter().enumerate() {
            let now = now as u64 + 1;
            let proposals: Vec<Said> = alice.own().into_iter()
                .filter(|said| matches!(said.message.act, TabAct::Propose { .. })).collect();
            let cheat = |act| TabMessage { tab: parties().tab(), to: ALICE, act };
            let message = match trick {
                0 | 1 => {
                    let tab = alice.tab();
                    let change = change(ALICE, &tab, kind, amount, kind, now);
                    if let Ok(message) = tab.propose(&ALICE, change, Timestamp(now)) {
                        alice.say(now, message, &mut signed);
                    }
                    None
                }
                2 | 3 => {
                    let prev = one.get(&states).clone();
                    let seq = Side::High.seq_after(prev.as_ref().map_or(0, |state| state.seq)) + 2 * (other.index(4) as u64);
                    let change = change(BOB, &alice.tab(), kind, amount, kind, now);
                    TabState::next(parties(), prev.as_ref(), seq, change, Timestamp(now)).ok()
                        .map(|state| cheat(TabAct::Propose { state: Box::new(state) }))
                }
                4 if !proposals.is_empty() => {
                    let said = one.get(&proposals);
                    let TabAct::Propose { state } = &said.message.act else { unreachable!() };
                    Some(cheat(TabAct::Agree { propose: said.id, state: state.id().unwrap() }))
                }
                5 if !proposals.is_empty() => {
                    Some(cheat(TabAct::Refuse { propose: one.get(&proposals).id, reason: Reason::Declined }))
                }
                _ => None,
            };
            if let Some(message) = message {
                alice.hear(&Said::new(BOB, now, message), now, costly, &mut signed);
            }
            states = vec![None];
            states.extend(alice.disk.iter().filter_map(|said| match &said.message.act {
                TabAct::Propose { state } => Some(Some((**state).clone())),
                _ => None,
            }));
            // What stood for alice still stands, one state after the other.
            let tab = alice.tab();
            let by_id: BTreeMap<StateId, &TabState> =
                states.iter().flatten().map(|state| (state.id().unwrap(), state)).collect();
            let mut now_path = Vec::new();
            let mut at = tab.agreed.as_ref().map(|state| state.id().unwrap());
            while let Some(id) = at {
                now_path.push(id);
                at = by_id[&id].prev;
            }
            now_path.reverse();
            prop_assert!(now_path.starts_with(&path), "a state that both signed was undone");
            path = now_path;
        }
        let numbers: BTreeSet<u64> = signed.keys().map(|(_, seq)| *seq).collect();
        prop_assert_eq!(numbers.len(), signed.len());
    }

    #[test]
    fn messages_of_strangers_and_of_other_tabs_change_nothing(
        amount in 0..10_000i64,
        seq in 0..12u64,
        pick in any::<Index>(),
    ) {
        let said = opened();
        let tab = fold(&said);
        let mut all = said.clone();
        for old in &said {
            all.push(Said::new(EVE, old.at, old.message.clone()));
            all.push(Said::new(old.author, old.at, TabMessage { to: EVE, ..old.message.clone() }));
            let elsewhere = Parties::new(ALICE, EVE, Currency::EUR).unwrap().tab();
            all.push(Said::new(old.author, old.at, TabMessage { tab: elsewhere, ..old.message.clone() }));
        }
        // An agreement to nothing, or to another state than was proposed.
        let propose = pick.get(&said).id;
        for state in [StateId::of(&amount.to_be_bytes()), StateId::of(&seq.to_be_bytes())] {
            for (author, to) in [(ALICE, BOB), (BOB, ALICE)] {
                let act = TabAct::Agree { propose, state };
                all.push(Said::new(author, 9, TabMessage { tab: parties().tab(), to, act }));
            }
        }
        prop_assert_eq!(fold(&all), tab);
    }
}
