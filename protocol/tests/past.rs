//! One's own past, over peers and nothing else: a backup that is older than what was signed since, the 24
//! words alone, old copies. The shuttle between the peers is trivial: in order, at once, nothing is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use souk_protocol::api::{
    Code, Command, LineDraft, ListingEdit, Past, ProductDraft, Refused, Reply, ShopDraft, VariantDraft,
};
use souk_protocol::backup::{self, Contents, HEAD_BYTES, Item};
use souk_protocol::body::{Body, Kind};
use souk_protocol::envelope;
use souk_protocol::id::{AuthorId, DeviceId, ListingId, OrderId};
use souk_protocol::identity::{DeviceKey, GrantCache, Phrase, Scopes};
use souk_protocol::limits::{PAST_HEARD_MS, PAST_STRANGERS_MS, TAB_REOPEN_GAP};
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::State;
use souk_protocol::peer::{Action, Checked, Input, Keys, Peer, copied, own_past, read_order, read_tab};
use souk_protocol::records::{Memory, Range, Records, Tree};
use souk_protocol::sync::{Answer, Holding, Raw};
use souk_protocol::tab::{Tab, TabAct};
use souk_protocol::text::List;
use souk_protocol::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const MERCHANT: usize = 0;
const BUYER: usize = 1;
const FRIEND: usize = 2;

struct Node {
    peer: Peer,
    memory: Memory,
    grants: GrantCache,
    /// Who is at the other end of each connection: a copy has the device of its original.
    links: BTreeMap<DeviceId, usize>,
}

struct Net {
    now: u64,
    nodes: Vec<Node>,
    queue: VecDeque<(usize, Input)>,
    questions: BTreeMap<u64, (usize, u64)>,
    next: u64,
    replies: BTreeMap<u64, Result<Reply, Refused>>,
    /// What everybody says they hold, whatever they hold.
    lie: Option<Holding>,
}

fn phrase(author: usize) -> Phrase {
    Phrase::from_entropy(&[u8::try_from(author).unwrap() + 1; 32]).unwrap()
}

fn keys(author: usize, device: u8, epoch: u32) -> Keys {
    let root = phrase(author).root_key().unwrap();
    let device = DeviceKey::from_secret(&[device; 32]);
    let grant = root.grant(device.device(), Scopes::ALL, epoch, None).unwrap();
    Keys {
        device,
        author: root.author(),
        grant,
    }
}

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::EUR).unwrap()
}

impl Net {
    fn new() -> Self {
        let mut net = Self {
            now: 1_700_000_000_000,
            nodes: Vec::new(),
            queue: VecDeque::new(),
            questions: BTreeMap::new(),
            next: 0,
            replies: BTreeMap::new(),
            lie: None,
        };
        for author in [MERCHANT, BUYER, FRIEND] {
            net.join(keys(author, 100 + author as u8, 0), Memory::default());
        }
        net
    }

    fn join(&mut self, keys: Keys, memory: Memory) -> usize {
        let peer = Peer::start(keys, &memory).unwrap();
        self.nodes.push(Node {
            peer,
            memory,
            grants: GrantCache::default(),
            links: BTreeMap::new(),
        });
        let at = self.nodes.len() - 1;
        self.queue.push_back((at, Input::Start));
        self.run();
        at
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn connect(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            let device = self.nodes[there].peer.device();
            self.nodes[here].links.insert(device, there);
            self.queue.push_back((here, Input::Connected(device)));
        }
        self.run();
    }

    fn disconnect(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            let device = self.nodes[there].peer.device();
            if self.nodes[here].links.remove(&device).is_some() {
                self.queue.push_back((here, Input::Disconnected(device)));
            }
        }
        self.run();
    }

    fn opened(&mut self, at: usize, raws: Vec<Raw>) -> Vec<Checked> {
        let grants = &mut self.nodes[at].grants;
        raws.iter().map(|raw| envelope::open(raw, grants)).collect()
    }

    fn run(&mut self) {
        let mut steps = 0;
        while let Some((at, input)) = self.queue.pop_front() {
            steps += 1;
            assert!(steps < 20_000, "the peers never fall silent");
            self.now += 5;
            let node = &mut self.nodes[at];
            let step = node
                .peer
                .handle(Timestamp(self.now), input, &node.memory)
                .unwrap();
            node.memory.commit(&step.writes);
            for action in step.actions {
                self.perform(at, action);
            }
        }
    }

    /// Lets time pass at every node, second by second.
    fn wait(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(1_000) {
            self.now += 1_000;
            for at in 0..self.nodes.len() {
                self.queue.push_back((at, Input::Tick));
            }
            self.run();
        }
    }

    fn perform(&mut self, at: usize, action: Action) {
        let me = self.nodes[at].peer.device();
        match action {
            Action::Announce(announcement) => {
                let bytes = announcement.bytes().to_vec();
                for to in self.nodes[at].links.values().copied().collect::<Vec<_>>() {
                    let envelope = Box::new(envelope::open(&bytes, &mut self.nodes[to].grants));
                    let (gossip, from) = (self.fresh(), me);
                    let heard = Input::Heard {
                        gossip,
                        from,
                        envelope,
                    };
                    self.queue.push_back((to, heard));
                }
            }
            Action::Ask {
                exchange,
                to,
                request,
            } => {
                let Some(to) = self.nodes[at].links.get(&to).copied() else {
                    let answer = None;
                    return self.queue.push_back((at, Input::Answered { exchange, answer }));
                };
                let question = self.fresh();
                self.questions.insert(question, (at, exchange));
                let request = request.map(|raws| self.opened(to, raws));
                let asked = Input::Asked {
                    question,
                    from: me,
                    request,
                };
                self.queue.push_back((to, asked));
            }
            Action::Answer { question, answer } => {
                let (asker, exchange) = self.questions.remove(&question).unwrap();
                let answer = match (&self.lie, answer) {
                    (Some(lie), Answer::Have(_)) => Answer::Have(List::new(vec![lie.clone()]).unwrap()),
                    (_, answer) => answer,
                };
                let answer = Some(answer.map(|raws| self.opened(asker, raws)));
                self.queue
                    .push_back((asker, Input::Answered { exchange, answer }));
            }
            Action::Reply { ticket, reply } => {
                self.replies.insert(ticket, reply);
            }
            _ => {}
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

    fn says(&mut self, at: usize, text: &str) -> Result<Reply, Refused> {
        let post = Command::Post {
            text: text.into(),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        };
        self.wish(at, post)
    }

    fn author(&self, at: usize) -> AuthorId {
        self.nodes[at].peer.author()
    }

    fn device(&self, at: usize) -> DeviceId {
        self.nodes[at].peer.device()
    }

    fn records(&self, at: usize) -> &dyn Records {
        &self.nodes[at].memory
    }

    fn past(&self, at: usize) -> Option<Past> {
        own_past(self.records(at), &self.device(at)).unwrap()
    }

    fn state(&self, at: usize, order: &OrderId) -> Option<State> {
        read_order(self.records(at), order)
            .unwrap()
            .map(|order| order.state)
    }

    fn tab(&self, at: usize) -> Tab {
        read_tab(
            self.records(at),
            &self.author(MERCHANT),
            &self.author(BUYER),
            Currency::EUR,
        )
        .unwrap()
    }

    fn price(&self, at: usize) -> i64 {
        let listing = market::listing(self.records(at), &self.author(MERCHANT), &self.lamp()).unwrap();
        listing.unwrap().variants[0].price.unwrap().minor
    }

    fn lamp(&self) -> ListingId {
        ListingId::of(&self.author(MERCHANT), "lamp")
    }

    fn texts(&self, at: usize, of: DeviceId) -> Vec<String> {
        let log = self.records(at).log_after(&of, 0, 100).unwrap();
        let texts = log.iter().filter_map(|envelope| match envelope.body() {
            Body::Post(post) => Some(post.text.to_string()),
            _ => None,
        });
        texts.collect()
    }

    /// Numbers of the tab's states that a device signed, as proposer or by agreeing.
    fn numbers(&self, at: usize, device: DeviceId) -> BTreeSet<u64> {
        let tab = self.tab(at).parties.tab();
        let envelopes = self.records(at).tab(&tab).unwrap();
        let proposed: BTreeMap<_, _> = envelopes
            .iter()
            .filter_map(|envelope| match envelope.body() {
                Body::Tab(message) => match &message.act {
                    TabAct::Propose { state } => Some((envelope.id(), state.seq)),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let signed = envelopes.iter().filter(|envelope| envelope.device() == device);
        signed
            .filter_map(|envelope| match envelope.body() {
                Body::Tab(message) => match &message.act {
                    TabAct::Propose { state } => Some(state.seq),
                    TabAct::Agree { propose, .. } => proposed.get(propose).copied(),
                    TabAct::Refuse { .. } => None,
                },
                _ => None,
            })
            .collect()
    }

    fn sets_limit(&mut self, minor: i64) {
        let grant = Command::GrantTab {
            to: self.author(BUYER),
            limit: eur(minor),
            vouched: false,
        };
        self.done(MERCHANT, grant);
    }

    /// The buyer orders a lamp and the order goes as far as the receipt, which the nodes sign by themselves.
    fn buys(&mut self, merchant: usize) -> OrderId {
        let ask = Command::AskQuote {
            shop: self.author(MERCHANT),
            lines: vec![LineDraft {
                listing: self.lamp(),
                variant: None,
                units: 1,
            }],
            country: "DE".into(),
            note: String::new(),
        };
        let Reply::Order { order, .. } = self.done(BUYER, ask) else {
            panic!("no order")
        };
        assert_eq!(self.state(BUYER, &order), Some(State::Quoted));
        let place = Command::PlaceOrder {
            order,
            address: vec!["Bea".into()],
            rail: "tab".into(),
        };
        self.done(BUYER, place);
        self.done(merchant, Command::AcceptOrder { order });
        assert_eq!(self.state(BUYER, &order), Some(State::Receipted));
        order
    }

    /// Everything that a node remembers, through the bytes of a backup.
    fn backup(&self, at: usize) -> Vec<u8> {
        let mut contents = Contents::of(self.records(at));
        let mut bytes = Vec::new();
        while let Some(page) = contents.page().unwrap() {
            for item in page {
                bytes.extend_from_slice(&item.write().unwrap());
            }
        }
        bytes
    }

    fn restored(&mut self, author: usize, backup: &[u8], device: u8, epoch: u32) -> usize {
        let mut memory = Memory::default();
        for item in items(backup) {
            let writes = backup::take_in(item.clone(), open_all(&item), &memory).unwrap();
            memory.commit(&writes);
        }
        self.begin_anew(author, memory, Some(self.device(author)), device, epoch)
    }

    fn begin_anew(
        &mut self,
        author: usize,
        mut memory: Memory,
        from: Option<DeviceId>,
        device: u8,
        epoch: u32,
    ) -> usize {
        memory.commit(&[backup::restored(from, self.author(author)).unwrap()]);
        let at = self.join(keys(author, device, epoch), memory);
        self.nodes[at].peer.hold_root(phrase(author).root_key().unwrap());
        at
    }
}

fn items(mut bytes: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() {
        let (kind, length) = backup::read_head(*head).unwrap();
        let (content, rest) = rest.split_at(length);
        items.push(Item::read(kind, content).unwrap());
        bytes = rest;
    }
    items
}

fn open_all(item: &Item) -> Vec<Checked> {
    let mut grants = GrantCache::default();
    match item {
        Item::Envelope(bytes) => vec![envelope::open(bytes, &mut grants)],
        Item::Proof(first, second) => [first, second]
            .map(|bytes| envelope::open(bytes, &mut grants))
            .into(),
        _ => Vec::new(),
    }
}

/// A shop, a friend who reads it, a buyer with a tab, and one purchase.
fn market() -> Net {
    let mut net = Net::new();
    net.connect(MERCHANT, FRIEND);
    net.connect(MERCHANT, BUYER);
    net.connect(FRIEND, BUYER);
    for (at, other) in [(FRIEND, MERCHANT), (BUYER, MERCHANT), (MERCHANT, FRIEND)] {
        let (author, public) = (net.author(other), at == MERCHANT);
        net.done(at, Command::Follow { author, public });
    }
    let profile = Command::SetProfile {
        name: "Mona".into(),
        about: "Lamps".into(),
    };
    net.done(MERCHANT, profile);
    let shop = ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 0,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: "IBAN".into(),
        accept_by_itself: false,
    };
    net.done(MERCHANT, Command::SetShop(shop));
    let lamp = ProductDraft {
        handle: "lamp".into(),
        title: "Lamp".into(),
        description: String::new(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: Vec::new(),
        published: true,
        options: Vec::new(),
        images: Vec::new(),
        variants: vec![VariantDraft {
            price_minor: 1_000,
            tracked: true,
            quantity: Some(5),
            ..VariantDraft::default()
        }],
    };
    net.done(MERCHANT, Command::ImportListings { products: vec![lamp] });
    net.sets_limit(10_000);
    net.says(MERCHANT, "before").unwrap();
    let draft = Command::SaveDraft {
        name: "idea".into(),
        text: "a red one".into(),
    };
    net.done(MERCHANT, draft);
    let order = net.buys(MERCHANT);
    net.done(
        MERCHANT,
        Command::ShipOrder {
            order,
            carrier: String::new(),
            tracking: String::new(),
        },
    );
    net.done(BUYER, Command::CompleteOrder { order });
    net
}

/// What happens at the merchant after its backup: another order, another limit, another price, a post.
fn goes_on(net: &mut Net) -> OrderId {
    let order = net.buys(MERCHANT);
    net.sets_limit(8_000);
    net.says(MERCHANT, "after").unwrap();
    let (lamp, variant) = (net.lamp(), net.variant());
    let edit = Command::EditListing(ListingEdit {
        prices: BTreeMap::from([(variant, eur(1_200))]),
        ..ListingEdit::of(lamp)
    });
    net.done(MERCHANT, edit);
    order
}

impl Net {
    fn variant(&self) -> souk_protocol::id::VariantId {
        let listing = market::listing(self.records(MERCHANT), &self.author(MERCHANT), &self.lamp());
        listing.unwrap().unwrap().variants[0].id
    }

    fn leaves(&mut self, at: usize) {
        for other in 0..self.nodes.len() {
            if other != at {
                self.disconnect(at, other);
            }
        }
    }

    /// What must hold once a merchant's new device has heard from a friend and the buyer.
    fn took_the_place(&mut self, new: usize, order: &OrderId) {
        let (old, me) = (self.device(MERCHANT), self.author(MERCHANT));
        assert_eq!(self.past(new), Some(Past::Settled));
        for at in [new, FRIEND, BUYER] {
            assert!(
                self.records(at).revocation(&me, &old).unwrap().is_some(),
                "at {at}"
            );
            assert_eq!(self.texts(at, old), ["before", "after"], "at {at}");
            assert_eq!(self.price(at), 1_200, "at {at}");
            let states = self.records(at).states(&me, None, None, 100).unwrap();
            assert!(
                states.iter().all(|(_, said)| said.device() == self.device(new)),
                "at {at}"
            );
            let stands = |kind| !self.records(at).state(&me, kind, &[]).unwrap().is_empty();
            assert!(
                stands(Kind::Profile) && stands(Kind::Shop) && stands(Kind::Follow),
                "at {at}"
            );
        }
        assert_eq!(self.state(new, order), Some(State::Receipted));
        let (mine, theirs) = (self.tab(new), self.tab(BUYER));
        assert_eq!(mine.agreed, theirs.agreed);
        assert_eq!(mine.limit(&me).unwrap(), eur(8_000));
        assert_eq!(mine.balance(&me).unwrap(), eur(2_000));
        let before = self.numbers(BUYER, old).last().copied().unwrap();
        let after = self.numbers(BUYER, self.device(new));
        assert!(
            after
                .first()
                .is_some_and(|first| *first > before + TAB_REOPEN_GAP)
        );

        // Nothing can be sold until the owner has counted it.
        assert_eq!(self.available(BUYER), 0);
        let stock = Command::SetStock {
            listing: self.lamp(),
            variant: None,
            units: Some(3),
        };
        self.done(new, stock);
        self.wait(1_000);
        assert_eq!(self.available(BUYER), 3);

        // The order that the backup did not know goes on, and so does trade.
        let ship = Command::ShipOrder {
            order: *order,
            carrier: String::new(),
            tracking: String::new(),
        };
        self.done(new, ship);
        assert_eq!(self.state(BUYER, order), Some(State::Fulfilled));
        self.buys(new);
        assert_eq!((self.available(BUYER), self.available(new)), (2, 2));
        assert_eq!(self.tab(new).agreed, self.tab(BUYER).agreed);
        assert_eq!(self.tab(BUYER).balance(&me).unwrap(), eur(3_200));
        self.says(new, "again").unwrap();
        assert_eq!(self.texts(FRIEND, self.device(new)), ["again"]);
    }

    fn available(&self, at: usize) -> u64 {
        let stock = market::stock(self.records(at), &self.author(MERCHANT), &self.lamp()).unwrap();
        stock.available(&self.variant())
    }
}

#[test]
fn a_backup_that_is_older_than_what_was_signed_since_loses_nothing_of_it() {
    let mut net = market();
    let backup = net.backup(MERCHANT);
    let order = goes_on(&mut net);
    net.leaves(MERCHANT);

    let new = net.restored(MERCHANT, &backup, 200, 1);
    assert_eq!(net.past(new), Some(Past::Restored));
    assert_ne!(net.device(new), net.device(MERCHANT));
    // Alone it signs nothing, however long it waits.
    net.wait(2 * PAST_STRANGERS_MS);
    assert_eq!(net.says(new, "too early").unwrap_err().code, Code::NotAllowed);
    assert!(net.texts(new, net.device(new)).is_empty());
    // What is private came with the backup.
    assert!(net.records(new).get(Tree::Drafts, b"idea").unwrap().is_some());

    net.connect(new, FRIEND);
    net.wait(PAST_HEARD_MS + 1_000);
    net.connect(new, BUYER);
    net.wait(PAST_HEARD_MS + 1_000);
    net.took_the_place(new, &order);
}

#[test]
fn the_words_alone_bring_back_what_others_hold() {
    let mut net = market();
    let order = goes_on(&mut net);
    net.leaves(MERCHANT);

    let new = net.begin_anew(MERCHANT, Memory::default(), None, 200, 0);
    net.connect(new, BUYER);
    net.connect(new, FRIEND);
    net.wait(PAST_HEARD_MS + 1_000);
    net.took_the_place(new, &order);
    // Whom the author followed in public it follows again; what nobody else knew is gone.
    let follows = net.records(new).scan(Tree::Follows, &Range::of([], 10)).unwrap();
    assert_eq!(follows.len(), 1);
    assert_eq!(follows[0].0, net.author(FRIEND).as_bytes());
    assert!(net.records(new).get(Tree::Drafts, b"idea").unwrap().is_none());
}

#[test]
fn restoring_twice_forks_neither_the_root_key_s_log_nor_the_epoch() {
    let mut net = market();
    let order = goes_on(&mut net);
    net.leaves(MERCHANT);
    let first = net.begin_anew(MERCHANT, Memory::default(), None, 200, 0);
    net.connect(first, FRIEND);
    net.connect(first, BUYER);
    net.wait(PAST_HEARD_MS + 1_000);
    net.says(first, "from the second device").unwrap();
    net.leaves(first);

    let second = net.begin_anew(MERCHANT, Memory::default(), None, 201, 0);
    net.connect(second, FRIEND);
    net.connect(second, BUYER);
    net.wait(PAST_HEARD_MS + 1_000);
    let (me, root) = (
        net.author(MERCHANT),
        DeviceId::from_bytes(*net.author(MERCHANT).as_bytes()),
    );
    for at in [second, FRIEND, BUYER] {
        assert!(!net.records(at).has_equivocated(&me).unwrap(), "at {at}");
        assert_eq!(
            net.records(at).log_head(&root).unwrap().map(|(seq, _)| seq),
            Some(2),
            "at {at}"
        );
        assert!(
            net.records(at)
                .revocation(&me, &net.device(first))
                .unwrap()
                .is_some(),
            "at {at}"
        );
        assert_eq!(net.price(at), 1_200, "at {at}");
    }
    assert_eq!(net.state(second, &order), Some(State::Receipted));
    assert_eq!(net.tab(second).agreed, net.tab(BUYER).agreed);
    assert_eq!(net.texts(FRIEND, net.device(first)), ["from the second device"]);
    // The one that was restored first hears it too, and stops.
    net.connect(first, FRIEND);
    net.wait(1_000);
    assert_eq!(net.past(first), Some(Past::Revoked));
    assert_eq!(net.says(first, "no more").unwrap_err().code, Code::NotAllowed);
}

#[test]
fn the_old_device_beside_the_new_one_stops_when_it_hears_of_it() {
    let mut net = market();
    let backup = net.backup(MERCHANT);
    let order = goes_on(&mut net);
    net.leaves(MERCHANT);
    let new = net.restored(MERCHANT, &backup, 200, 1);
    net.connect(new, FRIEND);
    net.connect(new, BUYER);
    net.wait(PAST_HEARD_MS + 1_000);

    // The old one signs before it has heard, and hands it to the buyer, who has.
    net.sets_limit(50_000);
    let ship = Command::ShipOrder {
        order,
        carrier: String::new(),
        tracking: String::new(),
    };
    net.done(MERCHANT, ship);
    net.connect(MERCHANT, BUYER);
    net.wait(2_000);
    assert_eq!(net.state(BUYER, &order), Some(State::Receipted));
    assert_eq!(net.past(MERCHANT), Some(Past::Revoked));
    assert_eq!(net.says(MERCHANT, "me too").unwrap_err().code, Code::NotAllowed);
    let me = net.author(MERCHANT);
    assert_eq!(net.tab(BUYER).limit(&me).unwrap(), eur(8_000));
    assert_eq!(net.tab(BUYER).agreed, net.tab(new).agreed);
    assert!(!net.records(FRIEND).has_equivocated(&me).unwrap());
}

#[test]
fn before_the_other_side_has_told_its_copy_nothing_is_signed_on_it() {
    let mut net = market();
    let backup = net.backup(MERCHANT);
    let order = goes_on(&mut net);
    net.leaves(MERCHANT);
    let new = net.restored(MERCHANT, &backup, 200, 1);
    net.connect(new, FRIEND);
    net.wait(PAST_HEARD_MS + 1_000);
    assert_eq!(net.past(new), Some(Past::Settled));
    let grant = Command::GrantTab {
        to: net.author(BUYER),
        limit: eur(20_000),
        vouched: false,
    };
    assert_eq!(net.wish(new, grant.clone()).unwrap_err().code, Code::NotAllowed);
    assert!(net.numbers(new, net.device(new)).is_empty());
    // What is public it may say; what it counts now was not sold before.
    let stock = Command::SetStock {
        listing: net.lamp(),
        variant: None,
        units: Some(3),
    };
    net.done(new, stock);
    net.connect(new, BUYER);
    assert_eq!(net.state(new, &order), Some(State::Receipted));
    assert_eq!((net.available(new), net.available(BUYER)), (3, 3));
    net.done(new, grant);
    assert_eq!(net.tab(BUYER).limit(&net.author(MERCHANT)).unwrap(), eur(20_000));
    assert_eq!(net.tab(BUYER).agreed, net.tab(new).agreed);
}

#[test]
fn a_partner_who_does_not_follow_hears_of_the_revocation_too() {
    let mut net = market();
    let backup = net.backup(BUYER);
    let order = goes_on(&mut net);
    net.leaves(BUYER);
    let new = net.restored(BUYER, &backup, 201, 1);
    net.connect(new, MERCHANT);
    net.wait(PAST_STRANGERS_MS + 2_000);
    let (old, author) = (net.device(BUYER), net.author(BUYER));
    assert_eq!(net.past(new), Some(Past::Settled));
    assert!(net.records(MERCHANT).revocation(&author, &old).unwrap().is_some());
    assert_eq!(net.state(new, &order), Some(State::Receipted));
    assert_eq!(net.tab(new).agreed, net.tab(MERCHANT).agreed);
    assert_eq!(net.tab(new).balance(&author).unwrap(), eur(-2_000));
    // A stranger's revocations are not kept: nothing is between the friend and the buyer.
    net.connect(new, FRIEND);
    net.wait(1_000);
    assert!(net.records(FRIEND).revocation(&author, &old).unwrap().is_none());
    let ship = Command::ShipOrder {
        order,
        carrier: String::new(),
        tracking: String::new(),
    };
    net.done(MERCHANT, ship);
    net.done(new, Command::CompleteOrder { order });
    assert_eq!(net.state(MERCHANT, &order), Some(State::Completed));
}

#[test]
fn a_proposal_that_nobody_heard_never_shares_its_number_with_one_of_the_new_device() {
    let mut net = market();
    let backup = net.backup(MERCHANT);
    net.leaves(MERCHANT);
    // Signed, on disk, and lost with the machine.
    net.sets_limit(9_000);
    let unheard = net.numbers(MERCHANT, net.device(MERCHANT));
    assert!(unheard.last() > net.numbers(BUYER, net.device(MERCHANT)).last());
    let new = net.restored(MERCHANT, &backup, 200, 1);
    net.connect(new, BUYER);
    net.connect(new, FRIEND);
    net.wait(PAST_HEARD_MS + 1_000);
    let signed = net.numbers(BUYER, net.device(new));
    assert!(!signed.is_empty() && signed.is_disjoint(&unheard));
    assert!(signed.first() > unheard.last());
    assert_eq!(net.tab(new).agreed, net.tab(BUYER).agreed);
}

#[test]
fn an_old_copy_of_a_directory_asks_first_and_signs_nothing_that_forks() {
    let mut net = market();
    let mut memory = net.nodes[MERCHANT].memory.clone();
    goes_on(&mut net);
    net.leaves(MERCHANT);
    memory.commit(&copied(&memory).unwrap());
    let copy = net.join(keys(MERCHANT, 100, 0), memory);
    assert_eq!(net.past(copy), Some(Past::Copied));
    net.wait(2 * PAST_STRANGERS_MS);
    assert_eq!(
        net.says(copy, "from the copy").unwrap_err().code,
        Code::NotAllowed
    );
    net.connect(copy, FRIEND);
    net.wait(PAST_HEARD_MS + 1_000);
    assert_eq!(net.past(copy), Some(Past::Outdated));
    assert_eq!(
        net.says(copy, "from the copy").unwrap_err().code,
        Code::NotAllowed
    );
    assert!(
        !net.records(FRIEND)
            .has_equivocated(&net.author(MERCHANT))
            .unwrap()
    );
}

#[test]
fn an_old_copy_that_only_its_partners_know_finds_out_from_them() {
    let mut net = market();
    // The buyer says nothing in public; all that it signs since is upon an order and a tab.
    let mut memory = net.nodes[BUYER].memory.clone();
    goes_on(&mut net);
    net.leaves(BUYER);
    memory.commit(&copied(&memory).unwrap());
    let copy = net.join(keys(BUYER, 101, 0), memory);
    net.connect(copy, MERCHANT);
    net.wait(PAST_STRANGERS_MS + 2_000);
    assert_eq!(net.past(copy), Some(Past::Outdated));
    let signed = net.numbers(MERCHANT, net.device(BUYER));
    assert_eq!(signed, net.numbers(BUYER, net.device(BUYER)));
}

#[test]
fn the_newest_copy_goes_on_once_somebody_has_said_so() {
    let mut net = market();
    net.leaves(MERCHANT);
    let mut memory = net.nodes[MERCHANT].memory.clone();
    memory.commit(&copied(&memory).unwrap());
    let copy = net.join(keys(MERCHANT, 100, 0), memory);
    net.connect(copy, FRIEND);
    net.connect(copy, BUYER);
    net.wait(PAST_HEARD_MS + 1_000);
    assert_eq!(net.past(copy), Some(Past::Settled));
    net.says(copy, "moved house").unwrap();
    net.buys(copy);
    assert_eq!(net.texts(FRIEND, net.device(copy)), ["before", "moved house"]);
    assert!(
        !net.records(FRIEND)
            .has_equivocated(&net.author(MERCHANT))
            .unwrap()
    );
    assert_eq!(net.available(copy), 3);
}

#[test]
fn a_node_that_was_never_copied_stops_when_it_meets_what_it_does_not_hold() {
    let mut net = market();
    let memory = net.nodes[MERCHANT].memory.clone();
    net.says(MERCHANT, "after").unwrap();
    net.leaves(MERCHANT);
    // As after the rollback of a whole machine: nothing tells that time went back.
    let back = net.join(keys(MERCHANT, 100, 0), memory);
    assert_eq!(net.past(back), None);
    net.connect(back, FRIEND);
    net.wait(1_000);
    assert_eq!(net.past(back), Some(Past::Outdated));
    assert_eq!(net.texts(back, net.device(back)), ["before", "after"]);
    assert_eq!(net.says(back, "fork").unwrap_err().code, Code::NotAllowed);
}

#[test]
fn nobody_silences_a_node_by_lying_about_its_log() {
    let mut net = market();
    let (device, author) = (net.device(MERCHANT), net.author(MERCHANT));
    let lie = Holding {
        author,
        logs: List::new(vec![(device, 1_000_000)]).unwrap(),
        states: 7,
        forks: List::default(),
        heads: 0,
    };
    net.lie = Some(lie);
    net.wait(130_000);
    assert_eq!(net.past(MERCHANT), None);
    net.says(MERCHANT, "still here").unwrap();
}

#[test]
fn a_backup_gives_back_what_was_kept_and_takes_in_nothing_that_is_not_signed() {
    let net = market();
    let bytes = net.backup(MERCHANT);
    let mut memory = Memory::default();
    for item in items(&bytes) {
        let writes = backup::take_in(item.clone(), open_all(&item), &memory).unwrap();
        memory.commit(&writes);
        // What comes twice changes nothing.
        let again = backup::take_in(item.clone(), open_all(&item), &memory).unwrap();
        let before = memory.digest();
        memory.commit(&again);
        assert_eq!(memory.digest(), before);
    }
    for tree in Tree::ALL
        .iter()
        .filter(|tree| !matches!(tree, Tree::Events | Tree::Done))
    {
        let all = Range::of([], usize::MAX);
        let kept = net.records(MERCHANT).scan(*tree, &all).unwrap();
        assert_eq!(memory.scan(*tree, &all).unwrap(), kept, "{}", tree.name());
    }
    for shard in net
        .records(MERCHANT)
        .scan(Tree::Shards, &Range::of([], 10))
        .unwrap()
    {
        let id = <[u8; 32]>::try_from(&shard.1[2..]).unwrap();
        assert!(memory.document(&id).unwrap().is_some());
    }
    // A flipped bit in any envelope is refused.
    for item in items(&bytes) {
        if let Item::Envelope(mut envelope) = item {
            let middle = envelope.len() / 2;
            envelope[middle] ^= 1;
            let item = Item::Envelope(envelope);
            let taken = backup::take_in(item.clone(), open_all(&item), &Memory::default());
            assert!(taken.is_err());
        }
    }
    // A public row is no private one.
    let row = Item::Local {
        tree: Tree::Log as u8,
        key: vec![1],
        value: vec![2],
    };
    assert!(backup::take_in(row, Vec::new(), &Memory::default()).is_err());
}
