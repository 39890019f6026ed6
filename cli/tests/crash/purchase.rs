//! A market of three nodes in which one purchase follows the other, and in each of them somebody is
//! killed. Beside it stands the ledger: whatever a node acknowledged to its owner.

use super::faults::{Deed, Op};
use super::node::{No, Node, READY_MAX, Watch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Units in stock at the beginning.
const STOCK: u64 = 100_000;
/// What one costs, and its shipping, in minor units.
const PRICE: i64 = 1_000;
const SHIPPING: i64 = 490;
/// Every act of an order, in its order, each with the state that it leads to.
pub(crate) const ACTS: [(&str, &str); 8] = [
    ("ask", "asked"),
    ("quote", "quoted"),
    ("place", "placed"),
    ("accept", "accepted"),
    ("pay", "paid"),
    ("receipt", "receipted"),
    ("fulfil", "fulfilled"),
    ("complete", "completed"),
];
/// The steps of a purchase: the acts, and the review.
pub(crate) const STEPS: [&str; 9] = [
    "ask", "quote", "place", "accept", "pay", "receipt", "fulfil", "complete", "review",
];
/// What the owners do, and the first step that each deed leads to.
pub(crate) const PHASES: [usize; 6] = [0, 2, 3, 6, 7, 8];
/// The nodes, by their place in the market.
const FRIEND: usize = 0;
pub(crate) const MERCHANT: usize = 1;
pub(crate) const BUYER: usize = 2;
/// What is counted, and killed at.
pub(crate) const OPS: [Op; 2] = [Op::Commit, Op::Send];
/// How long it takes a node to look at its deadlines twice.
const LOOKS_AT_DEADLINES: Duration = Duration::from_millis(2_500);
const HOUR_MS: u128 = 3_600_000;
/// How often to look again.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// How long anything may take, a death and a start included; it is about a second.
const AWAIT_MAX: Duration = Duration::from_secs(45);
/// Newest things of the ledger that are looked up after each kill; all of them at the end.
const NEWEST: usize = 3;

/// A moment to die at: the phase in which it is armed, whose process, which operation, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    pub(crate) phase: usize,
    pub(crate) victim: usize,
    pub(crate) op: Op,
    pub(crate) number: u64,
    pub(crate) deed: Deed,
}

/// Where a kill hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// The first step that was not at all sides.
    pub(crate) step: usize,
    pub(crate) victim: usize,
    pub(crate) op: Op,
    pub(crate) deed: Deed,
}

/// What was acknowledged to one owner.
#[derive(Debug, Default)]
struct Ledger {
    /// Posts and reviews.
    said: Vec<String>,
    /// Orders, and the act that was acknowledged last.
    orders: BTreeMap<String, usize>,
    /// In which order they came.
    opened: Vec<String>,
    /// Number of the tab's last state.
    tab_seq: u64,
}

impl Ledger {
    fn acted(&mut self, order: &str, act: usize) {
        let known = self.orders.entry(order.to_owned()).or_insert_with(|| {
            self.opened.push(order.to_owned());
            act
        });
        *known = act.max(*known);
    }
}

/// How often each node did what in each phase of a purchase that nobody disturbed.
pub(crate) type Profile = BTreeMap<(usize, usize, Op), u64>;

/// Three nodes.
pub(crate) struct Market {
    nodes: [Node; 3],
    ledgers: [Ledger; 3],
    listing: String,
    purchases: u64,
    /// What is armed.
    armed: Option<Kill>,
    /// By how much whose clock jumps in which phase.
    jump: Option<(usize, usize, i64)>,
    /// The order of this purchase, once it is known.
    order: Option<String>,
    hit: Option<Hit>,
    /// The longest time until a killed node was ready again.
    pub(crate) slowest: Duration,
    /// Counts of the operations at the beginning of each phase of this purchase, and at its end.
    marks: Vec<[[u64; 2]; 3]>,
}

impl Market {
    /// Three nodes that know each other, a shop with one product, and a tab.
    pub(crate) fn open(root: &Path, trace: bool) -> Self {
        let mut nodes = ["friend", "merchant", "buyer"].map(|name| Node::below(root, name, trace));
        for number in 0..3 {
            let peers: Vec<String> = nodes[..number].iter().map(|node| node.address.clone()).collect();
            let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
            assert!(nodes[number].start(&peers), "{}", nodes[number].said);
        }
        let [friend, merchant, buyer] = nodes.each_ref().map(|node| node.author.clone());
        for (who, whom) in [
            (FRIEND, &merchant),
            (FRIEND, &buyer),
            (MERCHANT, &friend),
            (MERCHANT, &buyer),
            (BUYER, &friend),
            (BUYER, &merchant),
        ] {
            does(
                &nodes[who],
                &json!({"do": "follow", "author": whom, "public": true}),
            );
        }
        does(
            &nodes[MERCHANT],
            &json!({"do": "set_shop", "currency": "EUR", "shipping_minor": SHIPPING, "returns_days": 14}),
        );
        let product = json!({
            "handle": "lamp", "title": "Lamp", "kind": "physical", "published": true,
            "variants": [{"price_minor": PRICE, "tracked": true, "quantity": STOCK, "requires_shipping": true}],
        });
        does(
            &nodes[MERCHANT],
            &json!({"do": "import_listings", "products": [product]}),
        );
        let path = format!("/shops/{merchant}/listings");
        let listing = nodes[BUYER].until("the listing", |node| {
            let listings = node.read(&path).ok()?;
            listings["items"][0]["listing"].as_str().map(str::to_owned)
        });
        let granted = does(
            &nodes[MERCHANT],
            &json!({"do": "grant_tab", "to": buyer, "limit": {"minor": 1_000_000_000, "currency": "EUR"}, "vouched": false}),
        );
        let tab = granted["tab"].as_str().unwrap().to_owned();
        nodes[BUYER].until("the tab", |node| {
            let held = node.read(&format!("/tabs/{tab}")).ok()?;
            (held["limit_they_gave_minor"].as_i64()? > 0 && held["pending"] == false).then_some(())
        });
        Self {
            nodes,
            ledgers: Default::default(),
            listing,
            purchases: 0,
            armed: None,
            jump: None,
            order: None,
            hit: None,
            slowest: Duration::ZERO,
            marks: Vec::new(),
        }
    }

    /// One purchase from the question to the review, whoever dies meanwhile. Says where the kill hit.
    pub(crate) fn purchase(&mut self, kill: Option<Kill>) -> Option<Hit> {
        (self.order, self.hit) = (None, None);
        self.marks.clear();
        self.tell_something();
        self.begin(0, kill);
        self.ask();
        self.begin(1, kill);
        let place = json!({"do": "place_order", "address": ["Bea", "1 Market Street"], "rail": "tab"});
        self.act(BUYER, &place, 2);
        self.reaches(MERCHANT, 2);
        self.begin(2, kill);
        self.act(MERCHANT, &json!({"do": "accept_order"}), 3);
        self.reaches(BUYER, 5);
        self.reaches(MERCHANT, 5);
        self.begin(3, kill);
        self.act(
            MERCHANT,
            &json!({"do": "ship_order", "carrier": "bike", "tracking": "1"}),
            6,
        );
        self.reaches(BUYER, 6);
        self.begin(4, kill);
        self.act(BUYER, &json!({"do": "complete_order"}), 7);
        self.reaches(MERCHANT, 7);
        self.begin(5, kill);
        self.say_review();
        self.mark();
        self.purchases += 1;
        self.one_tab();
        self.defuse();
        self.balance();
        self.hit
    }

    /// From here on nobody dies; whoever did at the last moment is started again.
    fn defuse(&mut self) {
        let Some(kill) = self.armed else { return };
        match self.nodes[kill.victim].faults.defuse() {
            true => self.until("the one who was killed", |market| {
                market.armed.is_none().then_some(())
            }),
            false => self.armed = None,
        }
    }

    /// What each node did in each phase of the last purchase.
    pub(crate) fn profile(&self) -> Profile {
        let mut profile = Profile::new();
        for (phase, pair) in self.marks.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            for victim in 0..3 {
                for (at, op) in OPS.into_iter().enumerate() {
                    profile.insert((phase, victim, op), after[victim][at] - before[victim][at]);
                }
            }
        }
        profile
    }

    fn mark(&mut self) {
        let count = |node: &Node| OPS.map(|op| node.faults.count(op));
        self.marks.push(self.nodes.each_ref().map(count));
    }

    /// One purchase in which somebody's clock jumps, and stays there.
    pub(crate) fn purchase_with_a_jump(&mut self, phase: usize, who: usize, ms: i64) {
        self.jump = Some((phase, who, ms));
        self.purchase(None);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let order = self.order.clone().unwrap();
        for at in [BUYER, MERCHANT] {
            let held = self.nodes[at].reads(&format!("/orders/{order}"));
            for act in held["history"].as_array().unwrap() {
                let time = u128::from(act["time"].as_u64().unwrap());
                assert!(now.abs_diff(time) < HOUR_MS, "{act} stands at another time");
            }
        }
    }

    /// Starts a node anew with a clock that is so far off.
    pub(crate) fn start_again_at(&mut self, who: usize, ms: i64) {
        self.nodes[who].stop();
        self.nodes[who].faults.move_clock(ms);
        let others = (0..3).filter(|other| *other != who);
        let peers: Vec<String> = others.map(|other| self.nodes[other].address.clone()).collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        assert!(self.nodes[who].start(&peers), "{}", self.nodes[who].said);
    }

    fn begin(&mut self, phase: usize, kill: Option<Kill>) {
        self.mark();
        if let Some((_, who, ms)) = self.jump.take_if(|(at, _, _)| *at == phase) {
            self.nodes[who].faults.move_clock(ms);
            // It looks at its deadlines every second: here it comes to that.
            std::thread::sleep(LOOKS_AT_DEADLINES);
        }
        if let Some(kill) = kill.filter(|kill| kill.phase == phase) {
            self.nodes[kill.victim]
                .faults
                .arm(kill.op, kill.number, kill.deed, 0);
            self.armed = Some(kill);
        }
    }

    /// Somebody says something that must never be lost.
    fn tell_something(&mut self) {
        let who = (self.purchases % 3) as usize;
        let said = does(
            &self.nodes[who],
            &json!({"do": "post", "text": format!("Number {}", self.purchases)}),
        );
        self.ledgers[who]
            .said
            .push(said["id"].as_str().unwrap().to_owned());
    }

    fn ask(&mut self) {
        let command = json!({
            "do": "ask_quote", "shop": self.nodes[MERCHANT].author, "country": "DE", "note": "",
            "lines": [{"listing": self.listing, "units": 1}],
        });
        let deadline = Instant::now() + AWAIT_MAX;
        while self.order.is_none() {
            assert!(Instant::now() < deadline, "no order comes to be");
            match self.nodes[BUYER].does(&command) {
                Ok(reply) => {
                    let order = reply["order"].as_str().unwrap().to_owned();
                    self.ledgers[BUYER].acted(&order, 0);
                    self.order = Some(order);
                }
                Err(No::Lost(_)) => {
                    self.bury_the_dead();
                    // It may have been on the disk, though nobody was told.
                    self.order = self.newest_order(BUYER);
                }
                Err(no) => panic!("{no:?}"),
            }
        }
        self.reaches(BUYER, 1);
    }

    /// An order at a node that was not there before this purchase.
    fn newest_order(&self, at: usize) -> Option<String> {
        let orders = self.nodes[at].read("/orders?limit=1").ok()?;
        let order = orders["items"][0]["order"].as_str()?.to_owned();
        let known =
            |ledger: &Ledger| ledger.orders.contains_key(&order) && self.order.as_ref() != Some(&order);
        (!self.ledgers.iter().any(known)).then_some(order)
    }

    /// Has an act of the order carried out, again if it is unknown whether it was.
    fn act(&mut self, who: usize, command: &Value, act: usize) {
        let order = self.order.clone().unwrap();
        let mut command = command.clone();
        command["order"] = json!(order);
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            assert!(Instant::now() < deadline, "{command} is never carried out");
            match self.nodes[who].does(&command) {
                Ok(_) => return self.ledgers[who].acted(&order, act),
                Err(No::Lost(_)) => self.bury_the_dead(),
                // It was on the disk before its node died.
                Err(No::Refused { code, .. })
                    if code == "not_allowed" && self.acts(who, &order).len() > act =>
                {
                    return;
                }
                Err(no) => panic!("{command}: {no:?}\n{}", self.nodes[who].log_end()),
            }
        }
    }

    fn say_review(&mut self) {
        let command =
            json!({"do": "review", "order": self.order, "listing": null, "rating": 5, "text": "It shines."});
        let deadline = Instant::now() + AWAIT_MAX;
        let id = loop {
            assert!(Instant::now() < deadline, "the review is never said");
            match self.nodes[BUYER].does(&command) {
                Ok(said) => break said["id"].as_str().unwrap().to_owned(),
                Err(No::Lost(_)) => self.bury_the_dead(),
                Err(no) => panic!("{no:?}"),
            }
        };
        self.ledgers[BUYER].said.push(id.clone());
        let path = format!("/posts/{id}");
        self.until("the review at the friend", |market| {
            market.nodes[FRIEND].read(&path).ok().map(drop)
        });
    }

    fn reaches(&mut self, who: usize, act: usize) {
        let (order, (_, state)) = (self.order.clone().unwrap(), ACTS[act]);
        let what = format!("'{state}' at the {}", self.nodes[who].name);
        self.until(&what, |market| {
            (market.acts(who, &order).len() > act).then_some(())
        });
    }

    fn until<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            self.bury_the_dead();
            if let Some(seen) = look(self) {
                return seen;
            }
            let logs = || self.nodes.each_ref().map(Node::log_end).join("\n---\n");
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; the last kill: {:?}\n{}",
                self.hit,
                logs()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The acts of an order as a node tells them, each with its author and its envelope; they follow
    /// the table, or else an order has ended otherwise than by its own steps.
    fn acts(&self, who: usize, order: &str) -> Vec<(String, String)> {
        let Ok(held) = self.nodes[who].read(&format!("/orders/{order}")) else {
            return Vec::new();
        };
        let text = |act: &Value, name: &str| act[name].as_str().unwrap().to_owned();
        let history = held["history"].as_array().unwrap();
        for (act, (name, _)) in history.iter().zip(ACTS) {
            assert_eq!(act["act"], name, "{held}");
        }
        history
            .iter()
            .map(|act| (text(act, "by"), text(act, "id")))
            .collect()
    }

    /// Whoever has died is started again, alone at first, and asked what it knows.
    fn bury_the_dead(&mut self) {
        let Some(victim) = (0..3).find(|number| self.nodes[*number].has_ended()) else {
            return;
        };
        let status = self.nodes[victim].wait_for_end();
        let kill = self.armed.take();
        let log = self.nodes[victim].log_end();
        let kill = kill.filter(|kill| kill.victim == victim && self.nodes[victim].faults.has_fired());
        let kill = kill
            .unwrap_or_else(|| panic!("the {} ended by itself, {status}\n{log}", self.nodes[victim].name));
        self.nodes[victim].faults.disarm();
        let others: Vec<usize> = (0..3).filter(|number| *number != victim).collect();
        let order = self
            .order
            .clone()
            .or_else(|| others.iter().find_map(|other| self.newest_order(*other)));
        let told: Vec<_> = others
            .iter()
            .map(|other| self.acts_of(*other, order.as_deref()))
            .collect();
        let tabs: Vec<_> = others.iter().map(|other| self.tab_at(*other)).collect();

        // Nobody can tell it anything while it is asked.
        others.iter().for_each(|other| self.nodes[*other].halt(true));
        let peers: Vec<String> = others
            .iter()
            .map(|other| self.nodes[*other].address.clone())
            .collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let started = Watch::start();
        assert!(
            self.nodes[victim].start(&peers),
            "{kill:?}: {}",
            self.nodes[victim].said
        );
        let ready = started.elapsed();
        self.slowest = self.slowest.max(ready);
        assert!(ready < READY_MAX, "{kill:?}: ready after {ready:?}");
        let order = order.or_else(|| self.newest_order(victim));
        let knows = self.acts_of(victim, order.as_deref());
        let own = if victim == MERCHANT { "merchant" } else { "buyer" };
        for (by, id) in told
            .iter()
            .flatten()
            .filter(|(by, _)| victim != FRIEND && by == own)
        {
            assert!(
                knows.iter().any(|(_, known)| known == id),
                "{kill:?}: the {by} does not know what it said"
            );
        }
        if let (Some(mine), Some(theirs)) = (self.tab_at(victim), tabs.iter().flatten().max()) {
            // What the other side holds as agreed was signed here.
            assert!(
                mine.0 >= theirs.0 || mine.1,
                "{kill:?}: the tab went back: {mine:?}, {theirs:?}"
            );
        }
        self.check_ledger(victim, NEWEST, &format!("{kill:?}"));
        others.iter().for_each(|other| self.nodes[*other].halt(false));

        let both = [knows.len()].into_iter().chain(told.iter().map(Vec::len));
        let sides: Vec<usize> = if victim == FRIEND {
            told.iter().map(Vec::len).collect()
        } else {
            // The friend has no part in the order.
            let other = others.iter().position(|other| *other != FRIEND).unwrap();
            both.enumerate()
                .filter(|(place, _)| *place == 0 || *place == other + 1)
                .map(|(_, len)| len)
                .collect()
        };
        self.hit = Some(Hit {
            step: sides.into_iter().min().unwrap(),
            victim,
            op: kill.op,
            deed: kill.deed,
        });
    }

    fn acts_of(&self, who: usize, order: Option<&str>) -> Vec<(String, String)> {
        order.map(|order| self.acts(who, order)).unwrap_or_default()
    }

    /// Number of the tab's state at a node, and whether a proposal waits.
    fn tab_at(&self, who: usize) -> Option<(u64, bool)> {
        let tabs = self.nodes[who].read("/tabs?limit=1").ok()?;
        let tab = tabs["items"].as_array()?.first()?;
        Some((tab["seq"].as_u64()?, tab["pending"].as_bool()?))
    }

    /// Everything that was acknowledged to an owner is there, or the newest of it.
    fn check_ledger(&self, who: usize, newest: usize, what: &str) {
        let (node, ledger) = (&self.nodes[who], &self.ledgers[who]);
        for id in ledger.said.iter().rev().take(newest) {
            let held = node.read(&format!("/posts/{id}"));
            assert!(
                held.is_ok(),
                "{what}: the {} lost what it said: {held:?}",
                node.name
            );
        }
        for order in ledger.opened.iter().rev().take(newest) {
            let (acts, acked) = (self.acts(who, order).len(), ledger.orders[order]);
            assert!(
                acts > acked,
                "{what}: the {} lost '{}' of {order}",
                node.name,
                ACTS[acked].0
            );
        }
        let seq = self.tab_at(who).map_or(0, |(seq, _)| seq);
        assert!(
            seq >= ledger.tab_seq,
            "{what}: the {} lost a state of its tab",
            node.name
        );
    }

    /// Everything that was ever acknowledged, at every node; says how many things those are.
    pub(crate) fn check_all(&self) -> usize {
        (0..3).for_each(|who| self.check_ledger(who, usize::MAX, "at the end"));
        let entries =
            |ledger: &Ledger| ledger.said.len() + ledger.orders.values().map(|act| act + 1).sum::<usize>();
        self.ledgers.iter().map(entries).sum()
    }

    /// The tab as both sides hold it, once that is the same.
    fn one_tab(&mut self) -> [Value; 2] {
        let path = "/tabs?limit=1";
        self.until("one tab at both sides", |market| {
            let tabs =
                [BUYER, MERCHANT].map(|who| market.nodes[who].read(path).ok()?["items"].get(0).cloned());
            let [Some(buyer), Some(merchant)] = tabs else {
                return None;
            };
            let same = buyer["state"] == merchant["state"]
                && buyer["pending"] == false
                && merchant["pending"] == false;
            same.then_some([buyer, merchant])
        })
    }

    /// Both sides agree, money is neither made nor lost, nor are goods.
    fn balance(&mut self) {
        let order = self.order.clone().unwrap();
        let [buyer, merchant] = self.one_tab();
        let owed = (PRICE + SHIPPING) * i64::try_from(self.purchases).unwrap();
        let last = self.hit;
        assert_eq!(
            merchant["balance_minor"], owed,
            "after {} purchases; {last:?}",
            self.purchases
        );
        assert_eq!(buyer["balance_minor"], -owed, "{last:?}");
        let (ours, theirs) = (self.acts(BUYER, &order), self.acts(MERCHANT, &order));
        assert_eq!((ours.len(), &ours), (ACTS.len(), &theirs), "{last:?}");
        let path = format!("/shops/{}/listings/{}", self.nodes[MERCHANT].author, self.listing);
        let left = self.nodes[MERCHANT].reads(&path)["variants"][0]["available"]
            .as_u64()
            .unwrap();
        assert_eq!(left + self.purchases, STOCK, "{last:?}");
        let receipt = &self.nodes[BUYER].reads(&format!("/orders/{order}"))["receipt"];
        assert_eq!(receipt["verified"], true, "{last:?}");
        for who in [BUYER, MERCHANT] {
            self.ledgers[who].acted(&order, ACTS.len() - 1);
            self.ledgers[who].tab_seq = merchant["seq"].as_u64().unwrap();
        }
    }
}

fn does(node: &Node, command: &Value) -> Value {
    node.does(command)
        .unwrap_or_else(|no| panic!("{command} at {}: {no:?}\n{}", node.name, node.log_end()))
}
