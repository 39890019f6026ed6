//! The whole story over three peers and nothing else: a merchant opens a shop, a friend posts about it,
//! a buyer learns of it from the post, is granted a tab upon the friend's vouch, buys, pays, and
//! reviews. The shuttle between them is trivial: in order, at once, nothing is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use souk_protocol::admission::Refusal;
use souk_protocol::api::{
    Command, LineDraft, Product, ProductDraft, Refused, Reply, ShopDraft, VariantDraft,
};
use souk_protocol::body::{Body, Revoke};
use souk_protocol::envelope::{self, Chain, Signed};
use souk_protocol::feed::{self, Shown};
use souk_protocol::id::{AuthorId, DeviceId, ListingId, OrderId};
use souk_protocol::identity::{DeviceKey, GrantCache, Phrase, Scopes};
use souk_protocol::limits::COMPARE_AGAIN_MS;
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::State;
use souk_protocol::peer::{Action, Checked, Input, Keys, Peer, read_order, read_tab};
use souk_protocol::post::Post;
use souk_protocol::records::{Memory, Records};
use souk_protocol::sync::{Raw, Request};
use souk_protocol::text::{Prose, Tag};
use souk_protocol::time::{Hybrid, Timestamp};
use souk_protocol::vouch::{PEOPLE, Vouch};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

struct Node {
    peer: Peer,
    memory: Memory,
    grants: GrantCache,
    topics: BTreeSet<AuthorId>,
    connected: BTreeSet<usize>,
}

/// Three nodes and the messages between them.
struct Net {
    now: u64,
    nodes: Vec<Node>,
    queue: VecDeque<(usize, Input)>,
    questions: BTreeMap<u64, (usize, u64)>,
    next: u64,
    replies: BTreeMap<u64, Result<Reply, Refused>>,
    /// How often anybody asked for proofs of equivocation.
    proofs_asked: usize,
}

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

impl Net {
    fn new(count: u8) -> Self {
        let nodes = (0..count).map(|n| {
            let memory = Memory::default();
            Node {
                peer: Peer::start(keys(n + 1), &memory).unwrap(),
                memory,
                grants: GrantCache::default(),
                topics: BTreeSet::new(),
                connected: BTreeSet::new(),
            }
        });
        let mut net = Self {
            now: 1_700_000_000_000,
            nodes: nodes.collect(),
            queue: VecDeque::new(),
            questions: BTreeMap::new(),
            next: 0,
            replies: BTreeMap::new(),
            proofs_asked: 0,
        };
        for n in 0..net.nodes.len() {
            net.queue.push_back((n, Input::Start));
        }
        net.run();
        net
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn at(&self, device: &DeviceId) -> usize {
        self.nodes
            .iter()
            .position(|node| node.peer.device() == *device)
            .unwrap()
    }

    fn connect(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            if self.nodes[here].connected.insert(there) {
                let device = self.nodes[there].peer.device();
                self.queue.push_back((here, Input::Connected(device)));
            }
        }
    }

    fn opened(&mut self, at: usize, raws: Vec<Raw>) -> Vec<Checked> {
        let grants = &mut self.nodes[at].grants;
        raws.iter().map(|raw| envelope::open(raw, grants)).collect()
    }

    /// Handles until nothing is left to say.
    fn run(&mut self) {
        self.run_until(|_| false);
    }

    /// Handles until something holds; what is still under way then stays under way.
    fn run_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let mut steps = 0;
        while !holds(self) {
            let Some((at, input)) = self.queue.pop_front() else {
                return;
            };
            steps += 1;
            assert!(steps < 10_000, "the peers never fall silent");
            self.now += 5;
            let now = Timestamp(self.now);
            let node = &mut self.nodes[at];
            let step = node.peer.handle(now, input, &node.memory).unwrap();
            node.memory.commit(&step.writes);
            for action in step.actions {
                self.perform(at, action);
            }
        }
    }

    fn perform(&mut self, at: usize, action: Action) {
        let me = self.nodes[at].peer.device();
        match action {
            Action::Announce(announcement) => {
                let bytes = announcement.bytes().to_vec();
                for to in self.nodes[at].connected.clone() {
                    let envelope = envelope::open(&bytes, &mut self.nodes[to].grants);
                    let author = match &envelope {
                        Ok(envelope::Opened::Known(signed)) => signed.author(),
                        other => panic!("an announcement does not open: {other:?}"),
                    };
                    if self.nodes[to].topics.contains(&author) {
                        let gossip = self.fresh();
                        let envelope = Box::new(envelope);
                        self.queue.push_back((
                            to,
                            Input::Heard {
                                gossip,
                                from: me,
                                envelope,
                            },
                        ));
                    }
                }
            }
            Action::Join(author) => {
                self.nodes[at].topics.insert(author);
            }
            Action::Leave(author) => {
                self.nodes[at].topics.remove(&author);
            }
            Action::Ask {
                exchange,
                to,
                request,
            } => {
                let to = self.at(&to);
                self.proofs_asked += usize::from(matches!(request, Request::Proofs(_)));
                let question = self.fresh();
                self.questions.insert(question, (at, exchange));
                let request = request.map(|raws| self.opened(to, raws));
                self.queue.push_back((
                    to,
                    Input::Asked {
                        question,
                        from: me,
                        request,
                    },
                ));
            }
            Action::Answer { question, answer } => {
                let (asker, exchange) = self.questions.remove(&question).unwrap();
                let answer = Some(answer.map(|raws| self.opened(asker, raws)));
                self.queue
                    .push_back((asker, Input::Answered { exchange, answer }));
            }
            Action::Seek { author, .. } => {
                let found = self.nodes.iter().position(|node| node.peer.author() == author);
                // Not everybody who is followed has a node here.
                if let Some(found) = found {
                    self.connect(at, found);
                }
            }
            Action::Reply { ticket, reply } => {
                self.replies.insert(ticket, reply);
            }
            // Whoever has not read a revocation yet still offers what it took back.
            Action::Count(Refusal::Revoked) => {}
            // So a reader learns that an author says two things.
            Action::Count(Refusal::Equivocation { .. } | Refusal::OtherChain(_) | Refusal::Gap { .. }) => {}
            Action::Count(refusal) => panic!("{at} refused: {refusal}"),
            Action::Judge { .. } | Action::Provide(_) | Action::Tell(_) | Action::Index { .. } => {}
        }
    }

    fn wish(&mut self, at: usize, command: Command) -> Result<Reply, Refused> {
        let ticket = self.fresh();
        let command = Box::new(command);
        self.queue.push_back((at, Input::Command { ticket, command }));
        self.run();
        self.replies.remove(&ticket).unwrap()
    }

    fn done(&mut self, at: usize, command: Command) -> Reply {
        let words = format!("{command:?}");
        self.wish(at, command)
            .unwrap_or_else(|refused| panic!("{words}: {refused:?}"))
    }

    fn author(&self, at: usize) -> AuthorId {
        self.nodes[at].peer.author()
    }

    fn records(&self, at: usize) -> &dyn Records {
        &self.nodes[at].memory
    }

    fn state(&self, at: usize, order: &OrderId) -> State {
        read_order(self.records(at), order).unwrap().unwrap().state
    }
}

const MERCHANT: usize = 0;
const FRIEND: usize = 1;
const BUYER: usize = 2;

fn mug() -> ProductDraft {
    ProductDraft {
        handle: "mug".into(),
        title: "A mug".into(),
        description: "Holds tea.".into(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: vec!["tea".into()],
        published: true,
        options: vec!["Colour".into()],
        images: Vec::new(),
        variants: ["blue", "red"]
            .map(|colour| VariantDraft {
                options: vec![colour.into()],
                price_minor: 1_250,
                requires_shipping: true,
                tracked: true,
                quantity: Some(3),
                ..VariantDraft::default()
            })
            .into(),
    }
}

/// The shop is open, the friend has posted about it, and the buyer reads the friend.
fn told() -> (Net, Product) {
    let mut net = Net::new(3);
    let (merchant, friend) = (net.author(MERCHANT), net.author(FRIEND));
    net.connect(MERCHANT, FRIEND);
    net.connect(FRIEND, BUYER);
    net.run();
    for (at, name) in [(MERCHANT, "Alice"), (FRIEND, "Bob"), (BUYER, "Carol")] {
        let (name, about) = (name.into(), String::new());
        net.done(at, Command::SetProfile { name, about });
    }
    let draft = ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 500,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: String::new(),
        accept_by_itself: true,
    };
    net.done(MERCHANT, Command::SetShop(draft));
    let products = vec![mug()];
    let imported = net.done(MERCHANT, Command::ImportListings { products });
    assert_eq!(
        imported,
        Reply::Imported {
            new: 1,
            changed: 0,
            same: 0
        }
    );
    let follow = |author| Command::Follow {
        author,
        public: false,
    };
    net.done(FRIEND, follow(merchant));
    net.done(MERCHANT, follow(friend));
    net.done(BUYER, follow(friend));
    let tag = Product {
        shop: merchant,
        listing: ListingId::of(&merchant, "mug"),
    };
    let post = Command::Post {
        text: "Look at this mug".into(),
        tags: vec![tag],
        reply_to: None,
        reshare: None,
    };
    net.done(FRIEND, post);
    (net, tag)
}

fn ask(net: &mut Net, tag: Product, units: u32) -> OrderId {
    let listing = market::listing(net.records(BUYER), &tag.shop, &tag.listing)
        .unwrap()
        .expect("the buyer resolved the tag");
    let reply = net.done(
        BUYER,
        Command::AskQuote {
            shop: tag.shop,
            lines: vec![LineDraft {
                listing: tag.listing,
                variant: Some(listing.variants[0].id),
                units,
            }],
            country: "DE".into(),
            note: String::new(),
        },
    );
    match reply {
        Reply::Order { order, .. } => order,
        other => panic!("expected an order, got {other:?}"),
    }
}

#[test]
fn a_friend_tells_a_buyer_who_pays_by_tab_and_reviews() {
    let (mut net, tag) = told();
    let (merchant, buyer) = (net.author(MERCHANT), net.author(BUYER));
    let limit = Amount {
        minor: 5_000,
        currency: Currency::EUR,
    };
    let grant = Command::GrantTab {
        to: buyer,
        limit,
        vouched: true,
    };
    assert!(net.wish(MERCHANT, grant.clone()).is_err(), "nobody vouches yet");
    let vouch = Command::Vouch {
        subject: buyer,
        category: "people".into(),
        stands: true,
        why: String::new(),
    };
    net.done(FRIEND, vouch);
    net.done(
        FRIEND,
        Command::Follow {
            author: buyer,
            public: false,
        },
    );
    match net.done(MERCHANT, grant) {
        Reply::Tab { vouched_by, .. } => assert_eq!(vouched_by, [net.author(FRIEND)]),
        other => panic!("expected a tab, got {other:?}"),
    }

    let order = ask(&mut net, tag, 2);
    assert_eq!(net.state(BUYER, &order), State::Quoted);
    net.done(
        BUYER,
        Command::PlaceOrder {
            order,
            address: vec!["Carol".into(), "1 Road".into()],
            rail: "tab".into(),
        },
    );
    // Accepted by itself, paid by itself, receipted by itself.
    assert_eq!(net.state(BUYER, &order), State::Receipted);
    net.done(
        MERCHANT,
        Command::ShipOrder {
            order,
            carrier: "Post".into(),
            tracking: "1".into(),
        },
    );
    net.done(BUYER, Command::CompleteOrder { order });
    let review = Command::Review {
        order,
        listing: None,
        rating: 5,
        text: "Holds tea indeed.".into(),
    };
    net.done(BUYER, review);

    for at in [MERCHANT, BUYER] {
        assert_eq!(net.state(at, &order), State::Completed);
    }
    let [here, there] =
        [MERCHANT, BUYER].map(|at| read_tab(net.records(at), &merchant, &buyer, Currency::EUR).unwrap());
    assert_eq!(here, there);
    assert_eq!(here.balance(&merchant).unwrap().minor, 3_000);
    assert_eq!(there.balance(&buyer).unwrap().minor, -3_000);
    let read = read_order(net.records(BUYER), &order).unwrap().unwrap();
    let receipt = read.receipt.expect("the merchant signed a receipt");
    for public in &receipt.public {
        public.verify(&mut GrantCache::default()).unwrap();
    }
    assert_eq!(here.paid[&order].amount, receipt.total);
    let stock = market::stock(net.records(FRIEND), &merchant, &tag.listing).unwrap();
    let line = read.ask.lines.first().unwrap();
    assert_eq!(stock.available(&line.variant), 1, "the friend sees what is left");
    let page = feed::page(
        net.records(FRIEND),
        &net.author(FRIEND),
        &|who| *who == buyer,
        None,
        10,
    )
    .unwrap();
    let reviewed = page.entries.iter().any(
        |entry| matches!(&entry.shown, Shown::Review(review) if u8::from(review.rating) == 5 && entry.author == buyer),
    );
    assert!(reviewed, "the friend's feed shows the review");
    let seen = net.records(FRIEND).reviews(&merchant, &tag.listing, 10).unwrap();
    assert!(matches!(seen[0].body(), Body::Review(_)));
}

#[test]
fn an_order_that_the_tab_shows_as_paid_is_not_let_go() {
    let (mut net, tag) = told();
    let (merchant, buyer) = (net.author(MERCHANT), net.author(BUYER));
    let limit = Amount {
        minor: 5_000,
        currency: Currency::EUR,
    };
    let grant = Command::GrantTab {
        to: buyer,
        limit,
        vouched: false,
    };
    net.done(MERCHANT, grant);
    let order = ask(&mut net, tag, 2);
    let place = Command::PlaceOrder {
        order,
        address: vec!["Carol".into()],
        rail: "tab".into(),
    };
    let (ticket, command) = (net.fresh(), Box::new(place));
    net.queue.push_back((BUYER, Input::Command { ticket, command }));
    net.run_until(|net| {
        let tab = read_tab(net.records(MERCHANT), &merchant, &buyer, Currency::EUR).unwrap();
        tab.paid.contains_key(&order)
    });
    // The merchant has agreed to the payment; the buyer does not know it, and long says nothing.
    let under_way = std::mem::take(&mut net.queue);
    assert_eq!(net.state(MERCHANT, &order), State::Accepted);
    net.now += 30 * 24 * 60 * 60 * 1_000;
    let refused = net.wish(MERCHANT, Command::LapseOrder { order }).unwrap_err();
    assert_eq!(refused.message, "the tab shows that the order is paid");
    net.queue.push_back((MERCHANT, Input::Tick));
    net.run();
    assert_eq!(net.state(MERCHANT, &order), State::Accepted, "nor by itself");
    net.queue.extend(under_way);
    net.run();
    for at in [MERCHANT, BUYER] {
        assert_eq!(net.state(at, &order), State::Receipted);
    }
}

#[test]
fn what_is_said_while_nobody_is_connected_arrives_later() {
    let (mut net, tag) = told();
    let order = ask(&mut net, tag, 1);
    // Both stop; nothing that either of them committed is lost.
    for at in [MERCHANT, BUYER] {
        let seed = u8::try_from(at).unwrap() + 1;
        net.nodes[at].peer = Peer::start(keys(seed), &net.nodes[at].memory).unwrap();
        net.nodes[at].topics.clear();
        for other in 0..3 {
            net.nodes[at].connected.remove(&other);
            if net.nodes[other].connected.remove(&at) {
                let device = net.nodes[at].peer.device();
                net.queue.push_back((other, Input::Disconnected(device)));
            }
        }
        net.queue.push_back((at, Input::Start));
    }
    net.run();
    net.done(BUYER, Command::CancelOrder { order });
    assert_eq!(
        net.state(MERCHANT, &order),
        State::Cancelled,
        "the buyer sought the merchant"
    );
    let stock = market::stock(net.records(MERCHANT), &tag.shop, &tag.listing).unwrap();
    let variant = read_order(net.records(BUYER), &order).unwrap().unwrap().ask.lines[0].variant;
    assert_eq!(stock.available(&variant), 3);
}

/// A machine with a dead battery: its clock is years behind what it said last.
#[test]
fn a_peer_whose_clock_went_back_says_more_and_takes_what_others_say() {
    const TEN_YEARS_MS: u64 = 10 * 366 * 24 * 3_600 * 1_000;
    let post = |text: &str| Command::Post {
        text: text.into(),
        tags: Vec::new(),
        reply_to: None,
        reshare: None,
    };
    let mut net = Net::new(2);
    net.connect(0, 1);
    net.run();
    net.now += 1_000;
    net.queue.push_back((
        0,
        Input::Command {
            ticket: 9_001,
            command: Box::new(post("Before.")),
        },
    ));
    net.run();
    let now = net.now;
    net.now -= TEN_YEARS_MS;
    net.queue.push_back((
        0,
        Input::Command {
            ticket: 9_002,
            command: Box::new(post("After.")),
        },
    ));
    net.run();
    let node = &net.nodes[0];
    let records: &dyn Records = &node.memory;
    let said = records.log_after(&node.peer.device(), 0, 10).unwrap();
    let times: Vec<u64> = said.iter().map(|said| said.time().wall_ms).collect();
    assert_eq!(said.len(), 2);
    assert!(times.is_sorted() && times[1].abs_diff(now) < 10_000, "{times:?}");
}

/// It was killed, and started again before anybody had noticed.
#[test]
fn a_peer_that_says_hello_again_is_asked_for_what_it_said_before_it_died() {
    let mut net = Net::new(2);
    net.connect(0, 1);
    net.run();
    let alice = net.nodes[0].peer.author();
    let follow = Command::Follow {
        author: alice,
        public: false,
    };
    net.queue.push_back((
        1,
        Input::Command {
            ticket: 9_003,
            command: Box::new(follow),
        },
    ));
    net.run();
    // It is on the disk; then it dies, and nobody hears it.
    let post = Command::Post {
        text: "My last words.".into(),
        tags: Vec::new(),
        reply_to: None,
        reshare: None,
    };
    let (now, bob) = (Timestamp(net.now), net.nodes[1].peer.device());
    let node = &mut net.nodes[0];
    let command = Input::Command {
        ticket: 9_004,
        command: Box::new(post),
    };
    let step = node.peer.handle(now, command, &node.memory).unwrap();
    node.memory.commit(&step.writes);
    node.peer = Peer::start(keys(1), &node.memory).unwrap();
    net.queue.push_back((0, Input::Start));
    net.queue.push_back((0, Input::Connected(bob)));
    net.run();
    // It may have been asked before it knew by whom; then it is asked again, soon.
    net.now += COMPARE_AGAIN_MS;
    net.queue.push_back((1, Input::Tick));
    net.run();
    let records: &dyn Records = &net.nodes[1].memory;
    assert_eq!(
        records
            .log_after(&net.nodes[0].peer.device(), 0, 10)
            .unwrap()
            .len(),
        1
    );
}

/// What mallory, who has no node here, signs at a place of her log.
fn mallory_signs(seq: u64, prev: Option<&Signed>, body: impl Into<Body>) -> Signed {
    let keys = keys(66);
    let time = Hybrid {
        wall_ms: 1_700_000_000_000 + seq,
        count: 0,
    };
    let chain = Chain {
        seq,
        prev: prev.map(Signed::id),
    };
    envelope::seal(
        &keys.device,
        keys.author,
        Some(&keys.grant),
        time,
        Some(chain),
        body.into(),
    )
    .unwrap()
}

#[test]
fn an_equivocation_is_told_to_each_reader_once_and_costs_the_author_their_standing() {
    const ALICE: usize = 0;
    const BOB: usize = 1;
    const CAROL: usize = 2;
    let mut net = Net::new(3);
    let mallory = keys(66).author;
    for at in [ALICE, BOB, CAROL] {
        net.done(
            at,
            Command::Follow {
                author: mallory,
                public: false,
            },
        );
    }
    net.connect(ALICE, BOB);
    net.connect(BOB, CAROL);
    net.run();
    let hears = |net: &mut Net, at: usize, signed: &Signed| {
        let from = net.nodes[(at + 1) % 3].peer.device();
        let envelope = envelope::open(signed.bytes(), &mut GrantCache::default());
        let (gossip, envelope) = (net.fresh(), Box::new(envelope));
        net.queue.push_back((
            at,
            Input::Heard {
                gossip,
                from,
                envelope,
            },
        ));
        net.run();
    };
    let subject = net.author(CAROL);
    let vouch = mallory_signs(
        1,
        None,
        Vouch {
            subject,
            category: Tag::new(PEOPLE).unwrap(),
            stands: true,
            why: Prose::default(),
        },
    );
    let post = |text: &str| Post {
        text: Prose::new(text).unwrap(),
        ..Post::default()
    };
    let (one, other) = (
        mallory_signs(2, Some(&vouch), post("yes")),
        mallory_signs(2, Some(&vouch), post("no")),
    );
    for at in [ALICE, BOB, CAROL] {
        hears(&mut net, at, &vouch);
        // Alice reads one half of the lie, the others the other half.
        hears(&mut net, at, if at == ALICE { &one } else { &other });
    }
    let vouched = |net: &Net, at: usize| {
        !feed::standing_vouches(net.records(at), &subject, PEOPLE)
            .unwrap()
            .is_empty()
    };
    let equivocated = |net: &Net, at: usize| net.records(at).has_equivocated(&mallory).unwrap();
    let marked = |net: &Net, at: usize| {
        let page = feed::page(net.records(at), &net.author(at), &|_| true, None, 10).unwrap();
        page.entries.iter().all(|entry| entry.equivocated)
    };
    for at in [ALICE, BOB, CAROL] {
        assert!(vouched(&net, at) && !equivocated(&net, at) && !marked(&net, at));
    }

    // Nobody but alice ever sees both halves by themselves.
    hears(&mut net, ALICE, &other);
    let proof = net.records(ALICE).proofs_of(&mallory).unwrap();
    assert_eq!(proof, [(keys(66).device.device(), 2)]);
    for at in [ALICE, BOB, CAROL] {
        assert!(equivocated(&net, at), "{at} was not told");
        assert_eq!(net.records(at).proofs_of(&mallory).unwrap(), proof);
        assert!(!vouched(&net, at) && marked(&net, at));
    }
    assert_eq!(net.proofs_asked, 2, "bob and carol asked once each");
    for _ in 0..3 {
        net.now += 120_000;
        for at in [ALICE, BOB, CAROL] {
            net.queue.push_back((at, Input::Tick));
        }
        net.run();
    }
    assert_eq!(net.proofs_asked, 2, "whoever has it does not ask for it again");

    // Mallory takes back what was said twice. Alice reads that, and nobody can tell her the proof again.
    let root = Phrase::from_entropy(&[66; 32]).unwrap().root_key().unwrap();
    let revoke = Revoke {
        device: keys(66).device.device(),
        last_seq: 1,
    };
    let time = Hybrid {
        wall_ms: net.now,
        count: 0,
    };
    let chain = Some(Chain { seq: 1, prev: None });
    let revoke = envelope::seal(&root.as_device(), mallory, None, time, chain, revoke.into()).unwrap();
    hears(&mut net, ALICE, &revoke);
    assert!(!equivocated(&net, ALICE) && vouched(&net, ALICE));
    for _ in 0..3 {
        net.now += 120_000;
        for at in [BOB, ALICE, CAROL] {
            net.queue.push_back((at, Input::Tick));
        }
        net.run();
    }
    for at in [ALICE, BOB, CAROL] {
        assert!(!equivocated(&net, at), "the revocation reached {at}");
    }
    assert_eq!(net.proofs_asked, 2);
}

/// Two readers who were told different things, and who meet only afterwards.
#[test]
fn readers_who_meet_find_out_that_they_were_told_different_things() {
    let post = |text: &str| Post {
        text: Prose::new(text).unwrap(),
        ..Post::default()
    };
    let first = mallory_signs(1, None, post("hello"));
    let [yes, no] = ["yes", "no"].map(|text| mallory_signs(2, Some(&first), post(text)));
    let more = mallory_signs(3, Some(&no), post("no, I say"));
    // Their logs end at one number, or one of them heard more.
    for others in [vec![&first, &no], vec![&first, &no, &more]] {
        let mut net = Net::new(3);
        let mallory = keys(66).author;
        for (at, heard) in [(0, vec![&first, &yes]), (1, others)] {
            let follow = Command::Follow {
                author: mallory,
                public: false,
            };
            net.done(at, follow);
            for signed in heard {
                let from = net.nodes[2].peer.device();
                let envelope = Box::new(envelope::open(signed.bytes(), &mut GrantCache::default()));
                let gossip = net.fresh();
                let heard = Input::Heard {
                    gossip,
                    from,
                    envelope,
                };
                net.queue.push_back((at, heard));
            }
        }
        net.run();
        let equivocated = |net: &Net, at: usize| net.records(at).has_equivocated(&mallory).unwrap();
        assert!(!equivocated(&net, 0) && !equivocated(&net, 1));
        net.connect(0, 1);
        net.run();
        assert!(equivocated(&net, 0) && equivocated(&net, 1));
    }
}
