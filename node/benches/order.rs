//! Figure `order`: a whole direct order between two nodes (ask, quote, place, accept, pay by tab,
//! receipt), beside the sum of its parts. The goal is 1.2 or less.
//!
//! What an order consists of is read off the nodes' own counters and records. Each message is one
//! request, and the next one leaves together with its answer, so a message takes half a round trip; the
//! side that takes a message commits once before it speaks, and so does the side that carries out a
//! command. What the nodes do beside that (taking delivered messages out of their outboxes) is printed,
//! and is no part of the baseline.
//!
//! The baseline does those parts bare, in the same order: echoes between two networks of the same kind,
//! signatures and checks over messages of the same size, commits of as many rows to two stores on the
//! same disk. Whole orders and bare parts take turns; each order is divided by the parts beside it.
//! `SOUK_BENCH=small` only shows that it runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that fails should say where"
)]

use ed25519_dalek::{Signer, SigningKey};
use souk_node::home::Home;
use souk_node::network::{Config, Device, Event, Network, Protocol, start};
use souk_node::node::Node;
use souk_node::store::{Options, Store};
use souk_protocol::api::{Command, LineDraft, ProductDraft, Reply, ShopDraft, VariantDraft};
use souk_protocol::id::{ListingId, OrderId, TabId};
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::State;
use souk_protocol::peer::{read_order, read_tab};
use souk_protocol::records::{Records, Write, laws};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// How long anything may take before the benchmark says what it waited for.
const DEADLINE: Duration = Duration::from_secs(60);
/// What all orders together may cost.
const LIMIT_MINOR: i64 = 1_000_000_000;
/// Rows of the posts that the baseline commits.
const BARE_ROWS: usize = 4;
const SEED: u64 = 1;

struct Plan {
    runs: usize,
    orders: usize,
}

impl Plan {
    fn read() -> Self {
        match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => Self { runs: 2, orders: 4 },
            _ => Self { runs: 7, orders: 10 },
        }
    }
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A merchant that accepts by itself and a buyer with a tab there.
struct Market {
    merchant: Node,
    buyer: Node,
    listing: ListingId,
}

impl Market {
    async fn open(dir: &Path) -> Self {
        let node = |name: &str| {
            let (home, _) = Home::open_or_create(&dir.join(name), None).unwrap();
            Node::start(&home, Config::loopback()).unwrap()
        };
        let (merchant, buyer) = (node("merchant"), node("buyer"));
        let shop = ShopDraft {
            currency: Currency::EUR,
            shipping_minor: 490,
            shipping_free_from_minor: None,
            returns_days: 14,
            payment_instructions: String::new(),
            accept_by_itself: true,
        };
        merchant.command(Command::SetShop(shop)).await.unwrap();
        let products = vec![lamp()];
        merchant
            .command(Command::ImportListings { products })
            .await
            .unwrap();
        let address = until("an address of the merchant", async || {
            let listen = merchant.status().await.listen;
            listen.into_iter().find(|address| address.contains("quic"))
        });
        buyer.dial(&address.await).await.unwrap();
        let (author, public) = (merchant.author(), false);
        buyer.command(Command::Follow { author, public }).await.unwrap();
        let listing = ListingId::of(&author, "lamp");
        until("the shop at the buyer", async || {
            let listing = market::listing(buyer.records(), &author, &listing).unwrap();
            let terms = market::terms(buyer.records(), &author).unwrap();
            listing.zip(terms)
        })
        .await;
        let grant = Command::GrantTab {
            to: buyer.author(),
            limit: Amount::new(LIMIT_MINOR, Currency::EUR).unwrap(),
            vouched: false,
        };
        merchant.command(grant).await.unwrap();
        until("the tab to be agreed", async || {
            let tab = read_tab(buyer.records(), &buyer.author(), &author, Currency::EUR);
            tab.unwrap().agreed.map(|_| ())
        })
        .await;
        Self {
            merchant,
            buyer,
            listing,
        }
    }

    /// A whole order, and when each of its steps was through: quote, acceptance, payment, receipt.
    async fn order(&self) -> (OrderId, [f64; 4]) {
        let mut events = self.buyer.events();
        let begun = Instant::now();
        let ask = Command::AskQuote {
            shop: self.merchant.author(),
            lines: vec![LineDraft {
                listing: self.listing,
                variant: None,
                units: 1,
            }],
            country: "DE".into(),
            note: String::new(),
        };
        let Reply::Order { order, .. } = self.buyer.command(ask).await.unwrap() else {
            panic!("no order")
        };
        let mut through = [0.0; 4];
        let states = [State::Quoted, State::Accepted, State::Paid, State::Receipted];
        let mut next = 0;
        while next < states.len() {
            // Marked as seen before it is read, so that what comes in between wakes us again.
            events.borrow_and_update();
            let state = read_order(self.buyer.records(), &order).unwrap().unwrap().state;
            if let Some(reached) = states.iter().position(|known| *known == state) {
                through[next..=reached.max(next)].fill(begun.elapsed().as_secs_f64());
                if next == 0 {
                    let place = Command::PlaceOrder {
                        order,
                        address: vec!["Bea".into(), "Street 1".into()],
                        rail: "tab".into(),
                    };
                    self.buyer.command(place).await.unwrap();
                }
                next = next.max(reached + 1);
                continue;
            }
            assert!(!state.is_over(), "the order is {}", state.name());
            let changed = tokio::time::timeout(DEADLINE, events.changed()).await;
            changed.expect("waited in vain for the order").unwrap();
        }
        (order, through)
    }

    /// Delivers an order, so that it is over at both sides.
    async fn finish(&self, order: OrderId) {
        let is = |node: &Node, state: State| {
            let now = read_order(node.records(), &order).unwrap();
            now.is_some_and(|order| order.state == state).then_some(())
        };
        let ship = Command::ShipOrder {
            order,
            carrier: "bike".into(),
            tracking: "1".into(),
        };
        self.merchant.command(ship).await.unwrap();
        until("the goods", async || is(&self.buyer, State::Fulfilled)).await;
        self.buyer
            .command(Command::CompleteOrder { order })
            .await
            .unwrap();
        until("the end", async || is(&self.merchant, State::Completed)).await;
        self.quiet().await;
    }

    /// Waits until nothing is on its way and all outboxes are empty.
    async fn quiet(&self) {
        let mut last = self.tally().await;
        loop {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = self.tally().await;
            if now.commits == last.commits && now.requests == last.requests {
                return;
            }
            last = now;
        }
    }

    async fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for node in [&self.merchant, &self.buyer] {
            for (name, _, value) in node.status().await.counters {
                match name.as_str() {
                    "souk_driver_commits_total" => tally.commits += value,
                    "souk_driver_writes_total" => tally.rows += value,
                    "souk_requests_lane_in" | "souk_requests_stream_in" => tally.requests += value,
                    "souk_request_bytes_in" => tally.bytes += value,
                    "souk_envelopes_checked_total" => tally.checks += value,
                    _ => {}
                }
            }
        }
        tally
    }

    /// What was signed for an order: its messages, the public receipts, and its payment on the tab.
    fn signatures(&self, order: &OrderId, tab_messages_before: usize) -> (usize, usize) {
        let messages = (self.buyer.records() as &dyn Records).order(order).unwrap().len();
        let folded = read_order(self.buyer.records(), order).unwrap().unwrap();
        let receipts = folded.receipt.map_or(0, |receipt| receipt.public.len());
        (messages + self.tab_messages() - tab_messages_before, receipts)
    }

    fn tab_messages(&self) -> usize {
        let (one, other) = (self.buyer.author(), self.merchant.author());
        let tab = TabId::of(&one, &other, Currency::EUR.code());
        (self.buyer.records() as &dyn Records).tab(&tab).unwrap().len()
    }
}

/// Counters of both nodes together.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    commits: u64,
    rows: u64,
    requests: u64,
    bytes: u64,
    checks: u64,
}

fn lamp() -> ProductDraft {
    ProductDraft {
        handle: "lamp".into(),
        title: "Lamp".into(),
        description: "It shines.".into(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: vec!["light".into()],
        published: true,
        options: Vec::new(),
        images: Vec::new(),
        variants: vec![VariantDraft {
            price_minor: 4_299,
            requires_shipping: true,
            ..VariantDraft::default()
        }],
    }
}

/// What one order consists of.
#[derive(Debug, Clone, Copy)]
struct Parts {
    deliveries: usize,
    frame_bytes: usize,
    envelopes: usize,
    receipts: usize,
    commits: usize,
    rows_each: usize,
}

impl Parts {
    /// Makes an order and counts.
    async fn count(market: &Market) -> Self {
        market.quiet().await;
        let (before, tab_before) = (market.tally().await, market.tab_messages());
        let (order, _) = market.order().await;
        market.quiet().await;
        let after = market.tally().await;
        let deliveries = (after.requests - before.requests) as usize;
        let (envelopes, receipts) = market.signatures(&order, tab_before);
        // Requests and their answers, of which an envelope is nearly all.
        let frame_bytes = (after.bytes - before.bytes) as usize / deliveries;
        let all = (after.commits - before.commits) as usize;
        let rows_each = ((after.rows - before.rows) as usize).div_ceil(all);
        assert_eq!(
            deliveries, envelopes,
            "each message is delivered once, and nothing else"
        );
        assert_eq!(
            (after.checks - before.checks) as usize,
            envelopes,
            "each is checked once"
        );
        // Two commands, and what each delivery leads to.
        let commits = 2 + deliveries;
        println!(
            "an order: {deliveries} messages = {} round trips of {frame_bytes} B; {} signatures made and checked; \
             {commits} commits before something is said or shown, {all} in all, of {rows_each} rows",
            deliveries as f64 / 2.0,
            envelopes + receipts,
        );
        market.finish(order).await;
        Self {
            deliveries,
            frame_bytes,
            envelopes,
            receipts,
            commits,
            rows_each,
        }
    }
}

/// Seconds of the parts of one order.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    trips: f64,
    signatures: f64,
    commits: f64,
}

impl Spent {
    fn sum(&self) -> f64 {
        self.trips + self.signatures + self.commits
    }
}

/// The parts, with nothing around them.
struct Bare {
    alice: Network,
    bob: Network,
    to: Device,
    key: SigningKey,
    stores: [Store; 2],
    groups: std::vec::IntoIter<Vec<Write>>,
}

impl Bare {
    async fn start(dir: &Path, parts: Parts, orders: usize) -> Self {
        let (bob, mut events) = start(Config::loopback(), Zeroizing::new([2; 32])).unwrap();
        let address = loop {
            match events.recv().await.expect("bob runs") {
                Event::Listening { addr } if addr.contains("quic") => break addr,
                _ => {}
            }
        };
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Request { data, reply, .. } = event {
                    reply.send(data).expect("alice waits");
                }
            }
        });
        let (alice, mut events) = start(Config::loopback(), Zeroizing::new([1; 32])).unwrap();
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        alice.dial(&address).await.unwrap();
        until("the lane", async || {
            let peers = alice.status().await.unwrap().peers;
            peers.iter().any(|peer| peer.lane.is_some()).then_some(())
        })
        .await;
        let store = |name: &str| Store::open(&dir.join(name), Options::default()).unwrap();
        // As many rows as a node commits at once, of posts as large as the messages are.
        let posts_each = parts.rows_each.div_ceil(BARE_ROWS);
        let posts = laws::posts(SEED, orders * parts.commits * posts_each, parts.frame_bytes).unwrap();
        let groups: Vec<Vec<Write>> = posts.chunks(posts_each).map(<[_]>::concat).collect();
        Self {
            to: bob.device(),
            alice,
            bob,
            key: SigningKey::from_bytes(&[7; 32]),
            stores: [store("bare-1"), store("bare-2")],
            groups: groups.into_iter(),
        }
    }

    /// Does the parts in the order in which they come in a purchase. A disk takes longer over a sync the
    /// more others have written since the last one, so the syncs stand between the rest here too.
    async fn order(&mut self, parts: Parts) -> Spent {
        let message = vec![7; parts.frame_bytes];
        let mut spent = Spent::default();
        let (mut signed, signatures) = (0, parts.envelopes + parts.receipts);
        for number in 0..parts.commits {
            let begun = Instant::now();
            while signed * parts.commits < signatures * (number + 1) {
                let signature = black_box(&self.key).sign(black_box(&message));
                self.key
                    .verifying_key()
                    .verify_strict(&message, &signature)
                    .unwrap();
                signed += 1;
            }
            spent.signatures += begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            let group = self.groups.next().expect("enough posts were made");
            self.stores[number % 2].commit(&group).unwrap();
            spent.commits += begun.elapsed().as_secs_f64();
            // Echoed: the answer is as large as the message, for the next message travels with it.
            let begun = Instant::now();
            if number % 2 == 1 && number / 2 < parts.deliveries / 2 {
                let asked = self.alice.request(self.to, Protocol::Order, message.clone());
                assert_eq!(asked.await.unwrap().len(), message.len());
            }
            spent.trips += begun.elapsed().as_secs_f64();
        }
        assert_eq!(signed, signatures);
        spent
    }
}

fn middle(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ms(seconds: f64) -> f64 {
    seconds * 1e3
}

async fn measure(plan: &Plan) {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let market = Market::open(dir.path()).await;
    // The lane stands and all caches are warm before anything is counted.
    for _ in 0..3 {
        let (order, _) = market.order().await;
        market.finish(order).await;
    }
    let parts = Parts::count(&market).await;
    let mut bare = Bare::start(dir.path(), parts, plan.runs * plan.orders + 1).await;
    bare.order(parts).await;
    let mut ratios = Vec::new();
    for run in 0..plan.runs {
        let (mut wholes, mut spents) = (Vec::new(), Vec::new());
        for turn in 0..plan.orders {
            let spent = match turn % 2 {
                0 => Some(bare.order(parts).await),
                _ => None,
            };
            let (order, through) = market.order().await;
            market.finish(order).await;
            let spent = match spent {
                Some(spent) => spent,
                None => bare.order(parts).await,
            };
            wholes.push(through);
            spents.push(spent);
        }
        let step = |number: usize| {
            let since = |through: &[f64; 4]| match number {
                0 => through[0],
                number => through[number] - through[number - 1],
            };
            ms(middle(wholes.iter().map(since)))
        };
        println!(
            "run {run}: {:.2} ms: ask to quote {:.2}, place to acceptance {:.2}, payment {:.2}, receipt {:.2}; \
             parts {:.2} ms: round trips {:.2}, signatures {:.2}, commits {:.2}",
            ms(middle(wholes.iter().map(|through| through[3]))),
            step(0),
            step(1),
            step(2),
            step(3),
            ms(middle(spents.iter().map(Spent::sum))),
            ms(middle(spents.iter().map(|spent| spent.trips))),
            ms(middle(spents.iter().map(|spent| spent.signatures))),
            ms(middle(spents.iter().map(|spent| spent.commits))),
        );
        let pairs = wholes.iter().zip(&spents);
        ratios.push(middle(pairs.map(|(through, spent)| through[3] / spent.sum())));
    }
    ratios.sort_by(f64::total_cmp);
    let (min, max, runs) = (ratios[0], ratios[ratios.len() - 1], ratios.len());
    let value = middle(ratios);
    println!(
        r#"{{"figure":"order","value":{value:.3},"baseline":"parts","unit":"ratio","runs":{runs},"min":{min:.3},"max":{max:.3}}}"#
    );
    bare.alice.shutdown().await;
    bare.bob.shutdown().await;
    let Market { merchant, buyer, .. } = market;
    for node in [merchant, buyer] {
        node.clone().shut_down().await;
        assert_eq!(node.fault(), None);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(&Plan::read()));
}
