//! One peer against somebody who signs whatever they like: words that contradict what was answered
//! already, late or beside it, change nothing for who keeps the rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use souk_protocol::api::{Code, Command, LineDraft, ProductDraft, Refused, Reply, ShopDraft, VariantDraft};
use souk_protocol::body::Body;
use souk_protocol::envelope::{self, Chain, Signed};
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, TabId};
use souk_protocol::identity::{DeviceKey, GrantCache, Phrase, Scopes};
use souk_protocol::limits::PROOFS_PER_AUTHOR_MAX;
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::{Act, Ask, Order, OrderMessage, Place, Role, State};
use souk_protocol::peer::{Action, Checked, Input, Keys, Peer, Step, read_order, read_tab};
use souk_protocol::post::Post;
use souk_protocol::quote::{Due, Line, Quote, QuoteLine, Terms};
use souk_protocol::receipt::Receipt;
use souk_protocol::records::{Memory, Records, Tree, Write};
use souk_protocol::settlement::{Instruction, Proof, Rail, Reference};
use souk_protocol::sync::{Answer, Hello, Holding, Pulled, Request, Taken};
use souk_protocol::tab::{Change, Reason, Tab, TabAct, TabMessage};
use souk_protocol::text::{List, Name, Prose};
use souk_protocol::time::{Hybrid, Timestamp};
use std::collections::BTreeSet;

#[path = "hostile/credit.rs"]
mod credit;
#[path = "hostile/sequences.rs"]
mod sequences;

const ALICE: u8 = 1;
const EVE: u8 = 2;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn keys(seed: u8) -> Keys {
    let root = Phrase::from_entropy(&[seed; 32]).unwrap().root_key().unwrap();
    let device = DeviceKey::from_secret(&[seed + 100; 32]);
    let grant = root.grant(device.device(), Scopes::ALL, 0, None).unwrap();
    Keys {
        device,
        author: root.author(),
        grant,
    }
}

/// Alice's peer, and eve with nothing but her keys.
struct Stage {
    alice: Peer,
    memory: Memory,
    /// What was written of public states.
    public: Vec<Write>,
    eve: Keys,
    now: u64,
    next: u64,
}

impl Stage {
    fn new() -> Self {
        Self::of(ALICE, EVE)
    }

    fn of(alice: u8, eve: u8) -> Self {
        let memory = Memory::default();
        let alice = Peer::start(keys(alice), &memory).unwrap();
        let mut stage = Self {
            alice,
            memory,
            public: Vec::new(),
            eve: keys(eve),
            now: 1_700_000_000_000,
            next: 0,
        };
        stage.gives(Input::Start);
        let hello = Hello {
            author: stage.eve.author,
            grant: stage.eve.grant.clone(),
        };
        stage.gives(Input::Connected(stage.eve.device.device()));
        stage.asks(Request::Hello(hello));
        stage
    }

    fn gives(&mut self, input: Input) -> Step {
        self.now += 5;
        let step = self
            .alice
            .handle(Timestamp(self.now), input, &self.memory)
            .unwrap();
        self.memory.commit(&step.writes);
        let public = |write: &&Write| write.change().is_some_and(|change| change.tree == Tree::State);
        self.public.extend(step.writes.iter().filter(public).cloned());
        step
    }

    fn asks(&mut self, request: Request<Checked>) -> Step {
        self.next += 1;
        let (question, from) = (self.next, self.eve.device.device());
        self.gives(Input::Asked {
            question,
            from,
            request,
        })
    }

    fn tries(&mut self, command: Command) -> Result<Reply, Refused> {
        self.next += 1;
        let command = Box::new(command);
        let ticket = self.next;
        let step = self.gives(Input::Command { ticket, command });
        let reply = step.actions.into_iter().find_map(|action| match action {
            Action::Reply { reply, .. } => Some(reply),
            _ => None,
        });
        reply.unwrap()
    }

    fn does(&mut self, command: Command) -> Reply {
        self.tries(command)
            .unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// What eve signs at a time.
    fn signs(&self, at: u64, body: impl Into<Body>) -> Signed {
        let (eve, time) = (
            &self.eve,
            Hybrid {
                wall_ms: at,
                count: 0,
            },
        );
        envelope::seal(&eve.device, eve.author, Some(&eve.grant), time, None, body.into()).unwrap()
    }

    fn delivers(&mut self, signed: &Signed) {
        let opened = envelope::open(signed.bytes(), &mut GrantCache::default());
        self.asks(Request::Deliver(vec![opened]));
    }

    /// What eve signs as the next thing in an order, as the rules allow.
    fn next_word(&self, id: OrderId, role: Role, act: Act) -> Signed {
        let time = Hybrid {
            wall_ms: self.now,
            count: 0,
        };
        let message = self.order(id).say(role, act, time).unwrap();
        self.signs(self.now, message)
    }

    /// Eve says the next thing in an order.
    fn says(&mut self, id: OrderId, role: Role, act: Act) -> Signed {
        let signed = self.next_word(id, role, act);
        self.delivers(&signed);
        signed
    }

    /// Alice asks eve's shop for a price.
    fn asks_for_quote(&mut self, line: Line) -> OrderId {
        let reply = self.does(Command::AskQuote {
            shop: self.eve.author,
            lines: vec![LineDraft {
                listing: line.listing,
                variant: Some(line.variant),
                units: line.units,
            }],
            country: "DE".into(),
            note: String::new(),
        });
        let Reply::Order { order, .. } = reply else {
            panic!("expected an order, got {reply:?}")
        };
        order
    }

    /// The tab between the two, as alice reads it.
    fn tab(&self) -> Tab {
        let (alice, eve) = (self.alice.author(), self.eve.author);
        read_tab(self.records(), &alice, &eve, Currency::EUR).unwrap()
    }

    /// Eve signs one more message upon an old one of an order, trying until its id is the smaller one.
    fn signs_beside(&self, id: OrderId, rival: &Signed, act: impl Fn(u64) -> Act) -> Signed {
        let Body::Order(first) = rival.body() else {
            panic!("it is no message of an order")
        };
        let tries = (0..1_000).map(|n| {
            let message = OrderMessage {
                order: Some(id),
                act: act(n),
                ..first.clone()
            };
            self.signs(self.now, message)
        });
        let mut tries = tries.filter(|signed| signed.id() < rival.id());
        tries.next().expect("one of a thousand ids is smaller")
    }

    fn records(&self) -> &dyn Records {
        &self.memory
    }

    fn order(&self, id: OrderId) -> Order {
        read_order(self.records(), &id).unwrap().unwrap()
    }
}

fn open_shop(stage: &mut Stage) -> Line {
    stage.does(Command::SetShop(ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 0,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: "Cash, at the shop.".into(),
        accept_by_itself: true,
    }));
    let mug = ProductDraft {
        handle: "mug".into(),
        title: "A mug".into(),
        description: String::new(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: Vec::new(),
        published: true,
        options: Vec::new(),
        images: Vec::new(),
        variants: vec![VariantDraft {
            price_minor: 1_250,
            tracked: true,
            quantity: Some(3),
            ..VariantDraft::default()
        }],
    };
    stage.does(Command::ImportListings { products: vec![mug] });
    let shop = stage.alice.author();
    let listing = ListingId::of(&shop, "mug");
    let read = market::listing(stage.records(), &shop, &listing)
        .unwrap()
        .unwrap();
    Line {
        listing,
        variant: read.variants[0].id,
        units: 1,
    }
}

/// What a buyer asks who pays by hand.
fn ask_for(line: Line) -> Ask {
    Ask {
        lines: List::new(vec![line]).unwrap(),
        country: "DE".parse().unwrap(),
        note: Prose::default(),
        rails: List::new(vec![Rail::Manual]).unwrap(),
    }
}

/// Eve has bought alice's mug with cash, and alice has signed for it: the payment, and the order.
fn bought() -> (Stage, Line, OrderId, Signed) {
    let mut stage = Stage::new();
    let line = open_shop(&mut stage);
    let ask = stage.signs(stage.now, OrderMessage::ask(stage.alice.author(), ask_for(line)));
    stage.delivers(&ask);
    let id = OrderId::from(ask.id());
    let (quote, _) = stage.order(id).quote.expect("a quote by itself");
    let place = Place {
        quote,
        address: List::default(),
        rail: Rail::Manual,
    };
    stage.says(id, Role::Buyer, Act::Place(place));
    assert_eq!(stage.order(id).state, State::Accepted);
    let pay = stage.says(id, Role::Buyer, paid(0));
    stage.does(Command::PaymentArrived { order: id });
    assert_eq!(stage.order(id).state, State::Receipted);
    (stage, line, id, pay)
}

fn paid(number: u64) -> Act {
    let reference = Reference::new(&format!("cash {number}")).unwrap();
    Act::Pay {
        proof: Proof::Manual { reference },
    }
}

fn left(stage: &Stage, line: &Line) -> u64 {
    let shop = stage.alice.author();
    let stock = market::stock(stage.records(), &shop, &line.listing).unwrap();
    stock.available(&line.variant)
}

#[test]
fn a_late_lapse_takes_nothing_back_that_was_receipted() {
    let (mut stage, line, id, pay) = bought();
    let before = stage.order(id);
    stage.now += 10 * DAY_MS;
    let lapse = OrderMessage {
        order: Some(id),
        to: stage.alice.author(),
        after: Some(pay.id()),
        act: Act::Lapse { due: Due::Receipt },
    };
    let lapse = stage.signs(stage.now, lapse);
    stage.delivers(&lapse);
    let after = stage.order(id);
    assert!(
        after.losing.contains(&lapse.id()),
        "it is kept, and does not count"
    );
    assert_eq!((after.state, after.refund_due), (State::Receipted, false));
    assert_eq!((after.head, left(&stage, &line)), (before.head, 2));
}

#[test]
fn a_completed_order_that_lapses_after_all_gives_its_units_back_once() {
    let (mut stage, line, id, _) = bought();
    let (_, fulfil_by) = stage.order(id).due().unwrap();
    stage.now = fulfil_by.0 + DAY_MS;
    // Eve may let it lapse now, does so, and keeps it to herself. Alice ships too late.
    let lapses = |stage: &Stage| stage.next_word(id, Role::Buyer, Act::Lapse { due: Due::Fulfil });
    let kept = lapses(&stage);
    stage.now += DAY_MS;
    let kept_too = lapses(&stage);
    let (carrier, tracking) = (String::new(), String::new());
    stage.does(Command::ShipOrder {
        order: id,
        carrier,
        tracking,
    });
    let (_, complete_by) = stage.order(id).due().unwrap();
    stage.now = complete_by.0 + DAY_MS;
    stage.does(Command::LapseOrder { order: id });
    assert_eq!(
        (stage.order(id).state, left(&stage, &line)),
        (State::Completed, 2)
    );
    for lapse in [kept, kept_too] {
        stage.delivers(&lapse);
        let order = stage.order(id);
        assert_eq!((order.state, order.refund_due), (State::Lapsed, true));
        assert_eq!(left(&stage, &line), 3);
    }
}

#[test]
fn a_second_payment_does_not_undo_a_receipt() {
    let (mut stage, line, id, pay) = bought();
    let before = stage.order(id);
    let second = stage.signs_beside(id, &pay, paid);
    stage.delivers(&second);
    let after = stage.order(id);
    assert!(
        after.losing.contains(&second.id()),
        "it is kept, and does not count"
    );
    assert_eq!((after.head, after.state), (before.head, State::Receipted));
    assert_eq!(after.proof, before.proof);
    assert_eq!(left(&stage, &line), 2);
}

#[test]
fn a_second_quote_does_not_undo_the_order_upon_the_first() {
    let mut stage = Stage::new();
    let line = eve_opens_a_shop(&mut stage);
    let id = stage.asks_for_quote(line);
    let offer = |price_minor| Act::Quote(Box::new(offer(line, price_minor)));
    let first = stage.says(id, Role::Merchant, offer(1_000));
    stage.does(Command::PlaceOrder {
        order: id,
        address: vec!["Alice".into()],
        rail: "manual".into(),
    });
    let second = stage.signs_beside(id, &first, |n| offer(2_000 + i64::try_from(n).unwrap()));
    stage.delivers(&second);
    let order = stage.order(id);
    assert_eq!(order.state, State::Placed);
    assert_eq!(order.total().unwrap().minor, 1_000);
    assert!(
        order.losing.contains(&second.id()),
        "it is kept, and does not count"
    );
}

/// Eve's shop, as a pull would have brought it to alice: its public states, and nothing else of hers.
fn eve_opens_a_shop(stage: &mut Stage) -> Line {
    let mut hers = Stage::of(EVE, ALICE);
    let line = open_shop(&mut hers);
    stage.memory.commit(&hers.public);
    line
}

fn offer(line: Line, price_minor: i64) -> Quote {
    offer_for(line, price_minor, Rail::Manual)
}

fn offer_for(line: Line, price_minor: i64, rail: Rail) -> Quote {
    let line = QuoteLine {
        listing: line.listing,
        variant: line.variant,
        title: Name::new("A mug").unwrap(),
        label: Name::default(),
        price_minor,
        units: line.units,
        total_minor: 0,
        held: 0,
    };
    Quote::new(
        List::new(vec![line]).unwrap(),
        Amount::zero(Currency::EUR),
        Terms::usual(14),
        Timestamp(u64::MAX),
        List::new(vec![rail]).unwrap(),
    )
    .unwrap()
}

#[test]
fn a_merchant_who_takes_the_payment_and_lets_the_order_lapse_is_paid_all_the_same() {
    let mut stage = Stage::new();
    let line = eve_opens_a_shop(&mut stage);
    let (alice, eve) = (stage.alice.author(), stage.eve.author);
    let limit = Change::SetLimit {
        by: eve,
        limit_minor: 10_000,
    };
    let limit = stage.tab().propose(&eve, limit, Timestamp(stage.now)).unwrap();
    let limit = stage.signs(stage.now, limit);
    stage.delivers(&limit);
    let id = stage.asks_for_quote(line);
    let quote = Act::Quote(Box::new(offer_for(line, 1_000, Rail::Tab)));
    stage.says(id, Role::Merchant, quote);
    let (address, rail) = (vec!["Alice".into()], "tab".into());
    stage.does(Command::PlaceOrder {
        order: id,
        address,
        rail,
    });
    let instruction = Instruction::Tab {
        tab: TabId::of(&alice, &eve, "EUR"),
    };
    stage.says(id, Role::Merchant, Act::Accept { instruction });
    let (_, propose) = *proposals(&stage).last().expect("alice pays by herself");
    // Eve says nothing until she may let the order go, does so, and only then takes the money.
    let (_, pay_by) = stage.order(id).due().unwrap();
    stage.now = pay_by.0 + DAY_MS;
    stage.says(id, Role::Merchant, Act::Lapse { due: Due::Pay });
    assert_eq!(stage.order(id).state, State::Lapsed);
    let agree = stage.tab().agree(&eve, &propose).unwrap();
    let agree = stage.signs(stage.now, agree);
    stage.delivers(&agree);
    assert!(stage.tab().paid.contains_key(&id));
    let order = stage.order(id);
    assert_eq!((order.state, order.refund_due), (State::Paid, false));
    assert!(order.proof.is_some(), "what alice can show");
    // And if she still signs no receipt, the money is due back.
    let (due, receipt_by) = order.due().unwrap();
    assert_eq!(due, Due::Receipt);
    stage.now = receipt_by.0 + DAY_MS;
    stage.does(Command::LapseOrder { order: id });
    assert!(stage.order(id).refund_due);
}

/// The states that alice has proposed so far: number and envelope.
fn proposals(stage: &Stage) -> Vec<(u64, EnvelopeId)> {
    let tab = TabId::of(&stage.alice.author(), &stage.eve.author, "EUR");
    let held = stage.records().tab(&tab).unwrap();
    let mine = held
        .iter()
        .filter(|signed| signed.author() == stage.alice.author());
    let proposed = mine.filter_map(|signed| match &signed.tab_message()?.message.act {
        TabAct::Propose { state } => Some((state.seq, signed.id())),
        _ => None,
    });
    let mut proposed: Vec<(u64, EnvelopeId)> = proposed.collect();
    proposed.sort_unstable();
    proposed
}

#[test]
fn a_number_of_a_tab_is_never_proposed_twice_whatever_is_refused() {
    let mut stage = Stage::new();
    let (alice, eve) = (stage.alice.author(), stage.eve.author);
    for round in 1..=4 {
        stage.does(Command::GrantTab {
            to: eve,
            limit: Amount::new(round * 1_000, Currency::EUR).unwrap(),
            vouched: false,
        });
        let proposed = proposals(&stage);
        assert_eq!(proposed.len() as i64, round, "one new proposal for each wish");
        let numbers: BTreeSet<u64> = proposed.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(
            numbers.len(),
            proposed.len(),
            "a number was signed twice: {proposed:?}"
        );
        let (_, propose) = *proposed.last().unwrap();
        let refuse = TabMessage {
            tab: TabId::of(&alice, &eve, "EUR"),
            to: alice,
            act: TabAct::Refuse {
                propose,
                reason: Reason::Declined,
            },
        };
        let refuse = stage.signs(stage.now, refuse);
        stage.delivers(&refuse);
        // A wish that was refused upon this state is not repeated by itself.
        stage.gives(Input::Tick);
        assert_eq!(proposals(&stage), proposed);
    }
    let tab = stage.tab();
    assert_eq!((tab.agreed, tab.pending), (None, None));
}

/// What somebody signs at a place of their log.
fn logged(keys: &Keys, seq: u64, text: &str) -> Signed {
    let time = Hybrid {
        wall_ms: 1_700_000_000_000,
        count: 0,
    };
    let chain = Chain {
        seq,
        prev: (seq > 1).then(|| EnvelopeId::of(b"before")),
    };
    let post = Post {
        text: Prose::new(text).unwrap(),
        ..Post::default()
    };
    let grant = Some(&keys.grant);
    envelope::seal(&keys.device, keys.author, grant, time, Some(chain), post.into()).unwrap()
}

#[test]
fn a_pair_that_proves_nothing_is_refused_by_name_and_kept_nowhere() {
    let mut stage = Stage::new();
    let (mallory, carol) = (keys(66), keys(67));
    stage.does(Command::Follow {
        author: mallory.author,
        public: false,
    });
    let fork = (mallory.device.device(), 5);
    let (five, other, six) = (
        logged(&mallory, 5, "yes"),
        logged(&mallory, 5, "no"),
        logged(&mallory, 6, "yes"),
    );
    let (hers, again) = (logged(&carol, 5, "yes"), logged(&carol, 5, "no"));
    let mut forged = other.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let raw = |signed: &Signed| signed.bytes().to_vec();
    let cases: [(&str, Vec<Vec<u8>>); 7] = [
        ("no_proof", vec![raw(&five), raw(&five)]),
        ("no_proof", vec![raw(&five), raw(&six)]),
        ("no_proof", vec![raw(&five), raw(&hers)]),
        ("no_proof", vec![raw(&five)]),
        ("signature", vec![raw(&five), forged]),
        ("cut", vec![vec![], raw(&five)]),
        ("unwanted", vec![raw(&hers), raw(&again)]),
    ];
    for (rule, pair) in cases {
        let step = answers_with_proofs(&mut stage, mallory.author, fork, pair);
        let counted: Vec<&str> = step
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Count(refusal) => Some(refusal.name()),
                _ => None,
            })
            .collect();
        assert_eq!(counted, [rule]);
        assert_eq!(stage.records().proofs_of(&mallory.author).unwrap(), []);
        assert_eq!(stage.records().proofs_of(&carol.author).unwrap(), []);
    }
    answers_with_proofs(&mut stage, mallory.author, fork, vec![raw(&five), raw(&other)]);
    assert_eq!(stage.records().proofs_of(&mallory.author).unwrap(), [fork]);
    assert!(
        stage.records().log_head(&fork.0).unwrap().is_none(),
        "no log is read from a proof"
    );
    // However many more there are, no more are kept than prove it.
    for seq in 6..40 {
        let pair = vec![
            raw(&logged(&mallory, seq, "yes")),
            raw(&logged(&mallory, seq, "no")),
        ];
        let held = stage.records().proofs_of(&mallory.author).unwrap().len();
        if held < PROOFS_PER_AUTHOR_MAX {
            answers_with_proofs(&mut stage, mallory.author, (fork.0, seq), pair);
        } else {
            assert!(asked_for_proofs(&mut stage, mallory.author, (fork.0, seq)).is_none());
        }
    }
    let held = stage.records().proofs_of(&mallory.author).unwrap();
    assert_eq!(held.len(), PROOFS_PER_AUTHOR_MAX);
}

/// Deliveries that a step asks for: under which numbers, and how many envelopes each.
fn deliveries(step: &Step) -> Vec<(u64, usize)> {
    let asked = step.actions.iter().filter_map(|action| match action {
        Action::Ask {
            exchange,
            request: Request::Deliver(raws) | Request::Settle(raws),
            ..
        } => Some((*exchange, raws.len())),
        _ => None,
    });
    asked.collect()
}

#[test]
fn who_takes_nothing_yet_is_asked_more_and_more_rarely_and_in_the_end_gets_everything() {
    const TICK_MS: u64 = 5_000;
    let mut stage = Stage::new();
    let (ticket, to) = (1_000, stage.eve.author);
    let grant = Command::GrantTab {
        to,
        limit: Amount::new(100, Currency::EUR).unwrap(),
        vouched: false,
    };
    let mut step = stage.gives(Input::Command {
        ticket,
        command: Box::new(grant),
    });
    let (mut asked, mut last) = (0, stage.now);
    let mut rarest = 0;
    for _ in 0..3_600_000 / TICK_MS {
        for (exchange, count) in deliveries(&step) {
            (asked, rarest, last) = (asked + 1, rarest.max(stage.now - last), stage.now);
            let answer = Some(Answer::Taken(vec![Taken::Later; count]));
            stage.gives(Input::Answered { exchange, answer });
        }
        stage.now += TICK_MS;
        step = stage.gives(Input::Tick);
    }
    // Each time spends a share of the 3,600 that an author has in an hour.
    assert!((10..40).contains(&asked), "asked {asked} times in an hour");
    assert!(rarest <= 300_000 + 2 * TICK_MS, "once it took {rarest} ms");
    let mut kept = 0;
    for _ in 0..600_000 / TICK_MS {
        for (exchange, count) in deliveries(&step) {
            kept += count;
            let answer = Some(Answer::Taken(vec![Taken::Kept; count]));
            stage.gives(Input::Answered { exchange, answer });
        }
        stage.now += TICK_MS;
        step = stage.gives(Input::Tick);
    }
    assert_eq!(kept, 1, "what is kept is not sent again");
}

#[test]
fn one_order_more_than_a_shop_keeps_open_is_refused_at_once() {
    let mut stage = Stage::new();
    let (line, shop) = (eve_opens_a_shop(&mut stage), stage.eve.author);
    let ask = || Command::AskQuote {
        shop,
        lines: vec![LineDraft {
            listing: line.listing,
            variant: Some(line.variant),
            units: 1,
        }],
        country: "DE".into(),
        note: String::new(),
    };
    let mut first = None;
    for _ in 0..souk_protocol::limits::ORDERS_OPEN_PER_BUYER_MAX {
        if let Reply::Order { order, .. } = stage.does(ask()) {
            first.get_or_insert(order);
        }
    }
    let refused = |stage: &mut Stage| {
        let command = Box::new(ask());
        let step = stage.gives(Input::Command {
            ticket: 9_999,
            command,
        });
        step.actions.into_iter().find_map(|action| match action {
            Action::Reply { reply, .. } => reply.err(),
            _ => None,
        })
    };
    assert_eq!(
        refused(&mut stage).map(|refused| refused.code),
        Some(Code::TooMany)
    );
    stage.does(Command::CancelOrder {
        order: first.unwrap(),
    });
    assert_eq!(refused(&mut stage), None);
}

#[test]
fn what_is_here_already_spends_no_share_of_an_hour() {
    let (mut stage, line, _, pay) = bought();
    for _ in 0..=souk_protocol::limits::DIRECT_PER_HOUR {
        stage.delivers(&pay);
    }
    let another = stage.signs(stage.now, OrderMessage::ask(stage.alice.author(), ask_for(line)));
    stage.delivers(&another);
    assert_eq!(stage.order(OrderId::from(another.id())).state, State::Quoted);
}

/// Eve says that she can prove something; the number under which alice asks her for it, if she does.
fn asked_for_proofs(stage: &mut Stage, author: AuthorId, fork: (DeviceId, u64)) -> Option<u64> {
    let asked = stage.asks(Request::Changed(List::new(vec![author]).unwrap()));
    let number = |step: &Step, wanted: fn(&Request) -> bool| {
        step.actions.iter().find_map(|action| match action {
            Action::Ask {
                exchange, request, ..
            } if wanted(request) => Some(*exchange),
            _ => None,
        })
    };
    let exchange = number(&asked, |request| matches!(request, Request::Have(_))).unwrap();
    let holding = Holding {
        author,
        logs: List::default(),
        states: 0,
        forks: List::new(vec![fork]).unwrap(),
        heads: 0,
    };
    let answer = Some(Answer::Have(List::new(vec![holding]).unwrap()));
    let step = stage.gives(Input::Answered { exchange, answer });
    number(&step, |request| matches!(request, Request::Proofs(_)))
}

fn answers_with_proofs(
    stage: &mut Stage,
    author: AuthorId,
    fork: (DeviceId, u64),
    pair: Vec<Vec<u8>>,
) -> Step {
    let exchange = asked_for_proofs(stage, author, fork).expect("alice asks for what she lacks");
    let opened = pair
        .iter()
        .map(|bytes| envelope::open(bytes, &mut GrantCache::default()));
    let pulled = Pulled {
        envelopes: opened.collect(),
        more: None,
    };
    stage.gives(Input::Answered {
        exchange,
        answer: Some(Answer::Pulled(pulled)),
    })
}
