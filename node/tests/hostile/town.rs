//! Alice, in a process of her own; bob, who trades with her; and what they may expect of each other
//! whatever happens around them.

use serde_json::{Value, json};
use souk_node::home::Home;
use souk_node::http::serve;
use souk_node::network;
use souk_node::node::Node;
use souk_protocol::api::{Command, LineDraft, ProductDraft, Reply, ShopDraft, VariantDraft};
use souk_protocol::id::{AuthorId, DeviceId, ListingId, OrderId};
use souk_protocol::market;
use souk_protocol::money::Currency;
use souk_protocol::order::State;
use souk_protocol::peer::read_order;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take on a busy machine before the test says what it waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(20);
/// How much larger alice's process may become under any one attack, in KiB.
pub(crate) const GROWTH_KIB_MAX: u64 = 96 * 1024;
/// Processor time that alice may spend under any one attack, the honest trade within it included.
pub(crate) const BUSY_MAX: Duration = Duration::from_secs(40);

const HOME: &str = "SOUK_HOSTILE_HOME";
const LIMITS: &str = "SOUK_HOSTILE_LIMITS";
/// Clock ticks in a second, as `/proc` counts them.
const TICKS: u64 = 100;

pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// What alice's process does: runs a node until its input ends.
pub(crate) fn alice() {
    let Ok(dir) = std::env::var(HOME) else { return };
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (home, _) = Home::open_or_create(&dir.join("node"), None).unwrap();
        let node = Node::start(&home, config()).unwrap();
        let api = serve(node.clone(), &home, None).await.unwrap();
        let listen = until("two addresses", || async {
            Some(node.status().await.listen).filter(|listen| listen.len() == 2)
        })
        .await;
        let ready = json!({
            "api": api.address(), "token": home.token().unwrap().reveal(), "listen": listen,
            "author": node.author(), "device": node.device(),
        });
        fs::write(dir.join("ready.new"), ready.to_string()).unwrap();
        fs::rename(dir.join("ready.new"), dir.join("ready")).unwrap();
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()))
            .await
            .unwrap()
            .unwrap();
        let fault = node.fault();
        api.stop().await;
        node.shut_down().await;
        assert_eq!(fault, None);
    });
}

/// Limits that a test wants different, from the environment: `name=value`, one after another.
fn config() -> network::Config {
    let mut config = network::Config::loopback();
    let limits = &mut config.limits;
    for pair in std::env::var(LIMITS).unwrap_or_default().split_whitespace() {
        let (name, value) = pair.split_once('=').unwrap();
        let value: u64 = value.parse().unwrap();
        match name {
            "sync_deadline_ms" => limits.sync_deadline_ms = value,
            "order_deadline_ms" => limits.order_deadline_ms = value,
            "tab_deadline_ms" => limits.tab_deadline_ms = value,
            "loopback_exempt" => limits.loopback_exempt = value != 0,
            _ => panic!("no such limit: {name}"),
        }
    }
    config
}

/// Alice's process, from outside.
pub(crate) struct Alice {
    child: Child,
    api: SocketAddr,
    token: String,
    pub(crate) author: AuthorId,
    pub(crate) device: DeviceId,
    listen: Vec<String>,
    _dir: TempDir,
}

impl Drop for Alice {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Alice {
    async fn start(limits: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["alice_herself", "--exact", "--nocapture"])
            .env(HOME, dir.path())
            .env(LIMITS, limits)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ready = until("alice to be ready", || async {
            fs::read(dir.path().join("ready")).ok()
        })
        .await;
        let ready: Value = serde_json::from_slice(&ready).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            child,
            api: text("api").parse().unwrap(),
            token: text("token"),
            author: text("author").parse().unwrap(),
            device: text("device").parse().unwrap(),
            listen: serde_json::from_value(ready["listen"].clone()).unwrap(),
            _dir: dir,
        }
    }

    /// Her address for a transport: `quic` or `tcp`.
    pub(crate) fn address(&self, transport: &str) -> String {
        let found = self.listen.iter().find(|addr| addr.contains(transport));
        found.unwrap().clone()
    }

    async fn http(&self, request: &str, body: &str) -> (u16, String) {
        let request = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
            Content-Length: {}\r\n\r\n{body}",
            self.api,
            self.token,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.api).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let answer = tokio::time::timeout(DEADLINE, exchange)
            .await
            .expect("an answer of alice's API in time");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("chunked"), "{head}");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) async fn gets(&self, path: &str) -> Value {
        let (status, body) = self.http(&format!("GET /api/v1{path}"), "").await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) async fn does(&self, command: Command) -> Value {
        let body = serde_json::to_string(&command).unwrap();
        let (status, answer) = self.http("POST /api/v1/commands", &body).await;
        assert_eq!(status, 200, "{body}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// All numbers of `/metrics`, by name and labels.
    pub(crate) async fn metrics(&self) -> BTreeMap<String, u64> {
        let (status, text) = self.http("GET /metrics", "").await;
        assert_eq!(status, 200, "{text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        pairs
            .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
            .collect()
    }

    /// One of them: a counter that has not counted yet is 0.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        self.metrics().await.get(name).copied().unwrap_or(0)
    }

    /// Waits until a counter is at least so high.
    pub(crate) async fn counts(&self, name: &str, at_least: u64) {
        let begun = Instant::now();
        while self.metric(name).await < at_least {
            let late = begun.elapsed() > DEADLINE;
            assert!(
                !late,
                "waited in vain for {name} to be {at_least}: {:#?}",
                self.metrics().await
            );
            tokio::time::sleep(STEP).await;
        }
    }

    /// Memory that her process holds, in KiB.
    fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time that her process has spent.
    fn busy(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1;
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS)
    }
}

/// The name of a refusal's counter.
pub(crate) fn refused(rule: &str) -> String {
    format!("souk_refused_total{{rule=\"{rule}\"}}")
}

/// Alice and bob, who follow each other; alice has a shop.
pub(crate) struct Town {
    pub(crate) alice: Alice,
    pub(crate) bob: Node,
    mug: LineDraft,
    days: u64,
    before: (u64, Duration),
    _dir: TempDir,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with_limits("").await
    }

    pub(crate) async fn with_limits(limits: &str) -> Self {
        let alice = Alice::start(limits).await;
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = Home::open_or_create(&dir.path().join("bob"), None).unwrap();
        let bob = Node::start(&home, network::Config::loopback()).unwrap();
        alice
            .does(Command::SetShop(ShopDraft {
                currency: Currency::EUR,
                shipping_minor: 0,
                shipping_free_from_minor: None,
                returns_days: 14,
                payment_instructions: "Cash, at the shop.".into(),
                accept_by_itself: true,
            }))
            .await;
        alice
            .does(Command::ImportListings {
                products: vec![mug()],
            })
            .await;
        let listing = ListingId::of(&alice.author, "mug");
        bob.dial(&alice.address("quic")).await.unwrap();
        let follow = |author| Command::Follow {
            author,
            public: false,
        };
        bob.command(follow(alice.author)).await.unwrap();
        alice.does(follow(bob.author())).await;
        until("alice's mug at bob's", || async {
            market::listing(bob.records(), &alice.author, &listing).unwrap()
        })
        .await;
        let mug = LineDraft {
            listing,
            variant: None,
            units: 1,
        };
        let before = (alice.memory_kib(), alice.busy());
        Self {
            alice,
            bob,
            mug,
            days: 0,
            before,
            _dir: dir,
        }
    }

    /// Bob says something that alice reads, and buys a mug of hers, down to the last message.
    pub(crate) async fn serves(&mut self) {
        self.days += 1;
        let text = format!("day {}", self.days);
        let post = Command::Post {
            text: text.clone(),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        };
        self.bob.command(post).await.unwrap();
        until("bob's post at alice's", || async {
            let feed = self.alice.gets("/feed").await;
            let mut items = feed["items"].as_array().unwrap().iter();
            items.any(|item| item["body"]["text"] == text).then_some(())
        })
        .await;
        let ask = Command::AskQuote {
            shop: self.alice.author,
            lines: vec![self.mug.clone()],
            country: "DE".into(),
            note: String::new(),
        };
        let Ok(Reply::Order { order, .. }) = self.bob.command(ask).await else {
            panic!("bob gets no order")
        };
        self.sees(order, State::Quoted).await;
        let place = Command::PlaceOrder {
            order,
            address: vec!["Bob".into()],
            rail: "manual".into(),
        };
        self.bob.command(place).await.unwrap();
        self.sees(order, State::Accepted).await;
        let reference = "cash".into();
        self.bob
            .command(Command::PayOrder { order, reference })
            .await
            .unwrap();
        self.at_alice(order, "paid").await;
        self.alice.does(Command::PaymentArrived { order }).await;
        self.sees(order, State::Receipted).await;
        let ship = Command::ShipOrder {
            order,
            carrier: "bike".into(),
            tracking: "1".into(),
        };
        self.alice.does(ship).await;
        self.sees(order, State::Fulfilled).await;
        self.bob.command(Command::CompleteOrder { order }).await.unwrap();
        self.at_alice(order, "completed").await;
    }

    async fn sees(&self, order: OrderId, state: State) {
        until(&format!("the order to be {} at bob's", state.name()), || async {
            let read = read_order(self.bob.records(), &order).unwrap();
            read.filter(|order| order.state == state)
        })
        .await;
    }

    async fn at_alice(&self, order: OrderId, state: &str) {
        until(&format!("the order to be {state} at alice's"), || async {
            let (status, body) = self.alice.http(&format!("GET /api/v1/orders/{order}"), "").await;
            let read: Value = serde_json::from_str(&body).unwrap();
            (status == 200 && read["state"] == state).then_some(())
        })
        .await;
    }

    /// After an attack: bob is served, alice is not much larger than she was, was not kept busy beyond the
    /// bound, and nothing is wrong with her.
    pub(crate) async fn stands(mut self) {
        self.serves().await;
        let (memory, busy) = (self.alice.memory_kib(), self.alice.busy());
        let grown = memory.saturating_sub(self.before.0);
        let spent = busy.saturating_sub(self.before.1);
        println!("alice grew by {grown} KiB to {memory} KiB and was busy for {spent:?}");
        assert!(grown <= GROWTH_KIB_MAX, "alice grew by {grown} KiB");
        assert!(spent <= BUSY_MAX, "alice was busy for {spent:?}");
        assert!(self.alice.child.try_wait().unwrap().is_none(), "alice is gone");
        self.bob.clone().shut_down().await;
        assert_eq!(self.bob.fault(), None);
    }
}

fn mug() -> ProductDraft {
    ProductDraft {
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
            quantity: Some(1_000),
            ..VariantDraft::default()
        }],
    }
}
