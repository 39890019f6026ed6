//! What the laws know of the whole world: every envelope that was ever opened, who holds which message
//! of which order and tab, and which numbers and stamps each device has used.
//!
//! Opening is a pure function of bytes, so each envelope is opened once for the whole world; a real
//! node opens each of them for itself.

pub mod liars;
pub mod strands;
pub mod sums;

use crate::law::{Broken, Law};
use liars::Liars;
use souk_protocol::body::Body;
use souk_protocol::envelope::{self, Opened, Signed};
use souk_protocol::filed::Filed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, StateId, TabId};
use souk_protocol::identity::GrantCache;
use souk_protocol::order::{Order, OrderMessage, State};
use souk_protocol::peer::Checked;
use souk_protocol::records::{Change, Records, Tree};
use souk_protocol::sync::Raw;
use souk_protocol::tab::{Ledger, TabAct};
use souk_protocol::time::Hybrid;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use strands::Strands;
use sums::Sums;

/// The stamps of each device.
pub(crate) type Stamps = BTreeMap<(DeviceId, Hybrid), EnvelopeId>;
/// The numbers of each device.
pub(crate) type Numbers = BTreeMap<(DeviceId, u64), EnvelopeId>;

/// The messages of one order or tab, and which node holds which of them, in the order of arrival.
#[derive(Debug, Default)]
pub struct Thread {
    /// By node.
    pub held: BTreeMap<usize, Vec<EnvelopeId>>,
    /// How many of them there were in each node's copy, and of all together, when they were read last.
    pub(crate) read: BTreeMap<Option<usize>, usize>,
    ids: BTreeMap<usize, HashSet<EnvelopeId>>,
}

impl Thread {
    /// Every message that any side holds.
    pub fn union(&self) -> Vec<EnvelopeId> {
        let all: BTreeSet<EnvelopeId> = self.held.values().flatten().copied().collect();
        all.into_iter().collect()
    }
}

/// What a step touched, for the laws to look at.
#[derive(Debug, Default)]
pub struct Touched {
    /// Orders with a new message.
    pub orders: BTreeSet<OrderId>,
    /// Tabs with a new message.
    pub tabs: BTreeSet<TabId>,
    /// Own listings whose stock account changed.
    pub stocks: BTreeSet<ListingId>,
}

/// What the laws know.
#[derive(Default)]
pub struct Book {
    opened: HashMap<EnvelopeId, Checked>,
    /// The hash of the state that a tab's proposal proposes.
    states: BTreeMap<EnvelopeId, Result<StateId, String>>,
    grants: GrantCache,
    stamps: Stamps,
    numbers: Numbers,
    /// Who is not honest, and what they signed by hand.
    pub liars: Liars,
    /// Orders.
    pub orders: BTreeMap<OrderId, Thread>,
    /// Tabs.
    pub tabs: BTreeMap<TabId, Thread>,
    /// Tabs, read message by message.
    pub strands: BTreeMap<TabId, Strands>,
    /// Each node's copies of tabs, as the protocol reads them.
    ledgers: BTreeMap<(usize, TabId), Ledger>,
    /// Each order as all its messages tell it.
    pub wholes: BTreeMap<OrderId, Arc<Order>>,
    /// Each node's reading of each order that it holds a part of.
    pub folds: BTreeMap<(usize, OrderId), Arc<Order>>,
    /// Sums over these.
    pub sums: Sums,
}

impl Book {
    /// Opens bytes, once for the whole world.
    pub fn open(&mut self, bytes: &[u8]) -> Checked {
        self.open_as(EnvelopeId::of(bytes), bytes)
    }

    /// Opens bytes whose id is known.
    fn open_as(&mut self, id: EnvelopeId, bytes: &[u8]) -> Checked {
        if let Some(known) = self.opened.get(&id) {
            return known.clone();
        }
        let opened = envelope::open(bytes, &mut self.grants);
        if let Ok(Opened::Known(signed)) = &opened
            && let Body::Tab(message) = signed.body()
            && let TabAct::Propose { state } = &message.act
        {
            let hash = state.id().map_err(|error| error.to_string());
            self.states.insert(id, hash);
        }
        self.opened.insert(id, opened.clone());
        opened
    }

    /// Opens several.
    pub fn open_all(&mut self, raws: Vec<Raw>) -> Vec<Checked> {
        raws.iter().map(|raw| self.open(raw)).collect()
    }

    /// An envelope that was opened and found good.
    pub fn signed(&self, id: &EnvelopeId) -> Option<&Signed> {
        match self.opened.get(id) {
            Some(Ok(Opened::Known(signed))) => Some(signed),
            _ => None,
        }
    }

    /// The hash of the state that a tab's proposal proposes.
    pub fn state_id(&self, proposal: &EnvelopeId) -> Result<StateId, String> {
        let known = self.states.get(proposal).cloned();
        known.unwrap_or_else(|| Err(format!("{proposal} proposes nothing")))
    }

    /// A node reads an order so.
    pub fn keep_fold(&mut self, at: usize, order: Arc<Order>) {
        let before = self.folds.get(&(at, order.id));
        self.sums.change(at, before.map(Arc::as_ref), &order);
        self.folds.insert((at, order.id), order);
    }

    /// The orders between two people, whoever of them buys, as a node reads them.
    pub fn between(&self, at: usize, one: &AuthorId, other: &AuthorId) -> impl Iterator<Item = &Order> {
        let both = [(one, other), (other, one)].map(|(shop, buyer)| self.sums.between(at, shop, buyer));
        let ids = both.into_iter().flatten().flat_map(|between| &between.orders);
        ids.filter_map(move |id| self.folds.get(&(at, *id)).map(Arc::as_ref))
    }

    /// Counts all sums anew.
    pub fn recount(&mut self) {
        self.sums = Sums::of(&self.folds);
    }

    /// A node's copy of a tab, as the protocol reads it; none if it holds nothing of it.
    pub fn ledger(&self, at: usize, tab: &TabId) -> Option<&Ledger> {
        self.ledgers.get(&(at, *tab))
    }

    /// A message of a tab that a node's store now has.
    fn hear_tab(&mut self, at: usize, id: &EnvelopeId) -> Result<(), String> {
        let known = |id: &EnvelopeId| match self.opened.get(id) {
            Some(Ok(Opened::Known(signed))) => Some(signed),
            _ => None,
        };
        let Some((signed, filed)) = known(id).and_then(|signed| Some((signed, signed.tab_message()?))) else {
            return Ok(());
        };
        let proposed = match &filed.message.act {
            TabAct::Propose { .. } => Some(id),
            TabAct::Agree { propose, .. } | TabAct::Refuse { propose, .. } => Some(propose),
        };
        let state = proposed.and_then(known).and_then(|signed| match signed.body() {
            Body::Tab(message) => match &message.act {
                TabAct::Propose { state } => Some(&**state),
                _ => None,
            },
            _ => None,
        });
        let hash = self.states.get(id).and_then(|hash| hash.as_ref().ok());
        let strands = self.strands.entry(filed.message.tab).or_default();
        strands.hear(at, signed, filed.message, hash.copied(), state);
        let Some(parties) = state.map(|state| state.parties) else {
            return Ok(());
        };
        let ledger = match self.ledgers.entry((at, filed.message.tab)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(room) => room.insert(Ledger::fold(parties, []).map_err(|error| error.to_string())?),
        };
        ledger.hear(&filed).map_err(|error| error.to_string())
    }

    /// What was signed by hand.
    pub fn by_hand(&self) -> impl Iterator<Item = &Signed> {
        self.liars.by_hand().filter_map(|id| self.signed(id))
    }

    /// Whether one of two sides of an order or tab is not honest.
    pub fn with_liar<'a>(&self, sides: impl IntoIterator<Item = &'a AuthorId>) -> bool {
        sides.into_iter().any(|side| self.liars.speaks(side))
    }

    /// The two sides of a tab.
    pub fn sides(&self, tab: &TabId) -> Option<[AuthorId; 2]> {
        let thread = self.tabs.get(tab)?;
        let signed = thread.held.values().flatten().find_map(|id| self.signed(id))?;
        Some([signed.author(), signed.body().to()?])
    }

    /// Envelopes that were opened.
    pub fn envelopes(&self) -> usize {
        self.opened.len()
    }

    /// Completed orders of which somebody reviewed something.
    pub fn reviewed(&self) -> u64 {
        let purchase = |opened: &Checked| match opened {
            Ok(Opened::Known(signed)) => match signed.body() {
                Body::Review(review) => Some(review.receipt.purchase),
                _ => None,
            },
            _ => None,
        };
        let reviewed: BTreeSet<_> = self.opened.values().filter_map(purchase).collect();
        let receipts = self
            .wholes
            .values()
            .filter(|order| order.state == State::Completed);
        let receipts = receipts.filter_map(|order| order.receipt.as_ref());
        let with_one = receipts.filter(|receipt| {
            let mut halves = receipt.public.iter();
            halves.any(|half| reviewed.contains(&half.purchase))
        });
        with_one.count() as u64
    }

    /// Messages of an order as its fold takes them.
    pub fn order_messages(&self, ids: &[EnvelopeId]) -> Vec<Filed<'_, OrderMessage>> {
        let signed = ids.iter().filter_map(|id| self.signed(id));
        signed.filter_map(|signed| signed.order_message()).collect()
    }

    /// Takes note of a row that a node's store now has, as the store shows it.
    pub fn note(
        &mut self,
        at: usize,
        own: &DeviceId,
        store: &dyn Records,
        change: &Change,
        touched: &mut Touched,
    ) -> Result<(), Broken> {
        if !matches!(change.tree, Tree::Log | Tree::State | Tree::Order | Tree::Tab) {
            return Ok(());
        }
        let row = store
            .get(change.tree, &change.key)
            .map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))?;
        let Some(row) = row else {
            return Ok(());
        };
        let id = self.proved(at, change.tree, &row)?;
        self.unique(at, id)?;
        let Some(signed) = self.signed(&id) else {
            return Ok(());
        };
        match signed.body() {
            Body::Stock(account) if signed.device() == *own => {
                touched.stocks.insert(account.listing());
            }
            Body::Order(message) => {
                let order = message.order.unwrap_or(id.into());
                touched.orders.insert(order);
                keep(self.orders.entry(order).or_default(), at, id);
            }
            Body::Tab(message) => {
                let tab = message.tab;
                touched.tabs.insert(tab);
                if keep(self.tabs.entry(tab).or_default(), at, id) {
                    let heard = self.hear_tab(at, &id);
                    heard.map_err(|words| Broken::new(Law::NoFault, words, [at]))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A stored envelope opens: canonical bytes, good signature, good grant.
    pub fn proved(&mut self, at: usize, tree: Tree, row: &[u8]) -> Result<EnvelopeId, Broken> {
        let broken = |words: String| Broken::new(Law::Admitted, words, [at]);
        let (id, bytes) = row
            .split_first_chunk::<32>()
            .ok_or_else(|| broken(format!("a row of '{}' is cut", tree.name())))?;
        let id = EnvelopeId::from_bytes(*id);
        if EnvelopeId::of(bytes) != id {
            return Err(broken(format!("the bytes of {id} have another id")));
        }
        match self.open_as(id, bytes) {
            Ok(Opened::Known(_)) => Ok(id),
            Ok(Opened::Foreign(foreign)) => Err(broken(format!("{id} is of the kind '{}'", foreign.kind()))),
            Err(error) => Err(broken(format!("{id} does not open: {error}"))),
        }
    }

    /// No device gives one number, or one stamp, to two envelopes; but by hand.
    fn unique(&mut self, at: usize, id: EnvelopeId) -> Result<(), Broken> {
        let Some(signed) = self.signed(&id).filter(|_| !self.liars.signed(&id)) else {
            return Ok(());
        };
        let (device, time, chain) = (signed.device(), signed.time(), signed.head().chain);
        let first = *self.stamps.entry((device, time)).or_insert(id);
        if first != id {
            let words = format!("{device} gave the stamp {time:?} to {first} and to {id}");
            return Err(Broken::new(Law::NoFork, words, [at]));
        }
        if let Some(chain) = chain {
            let first = *self.numbers.entry((device, chain.seq)).or_insert(id);
            if first != id {
                let words = format!("{device} gave the number {} to {first} and to {id}", chain.seq);
                return Err(Broken::new(Law::NoFork, words, [at]));
            }
        }
        Ok(())
    }

    /// Every envelope that was opened, by its id; none if one of them did not open, or is of an unknown kind.
    pub(crate) fn all(&self) -> Option<BTreeMap<EnvelopeId, &Signed>> {
        let all = self.opened.iter().map(|(id, opened)| match opened {
            Ok(Opened::Known(signed)) => Some((*id, signed)),
            _ => None,
        });
        all.collect()
    }

    /// The numbers and the stamps that each device gave, and to which envelope.
    pub(crate) const fn given(&self) -> (&Stamps, &Numbers) {
        (&self.stamps, &self.numbers)
    }

    /// The same, as they were written down.
    pub(crate) fn take_given(&mut self, stamps: Stamps, numbers: Numbers) {
        (self.stamps, self.numbers) = (stamps, numbers);
    }

    /// A node's store has held a message of an order since before the run was written down.
    pub(crate) fn take_order_message(&mut self, at: usize, order: OrderId, id: EnvelopeId) {
        keep(self.orders.entry(order).or_default(), at, id);
    }

    /// The same of a tab.
    pub(crate) fn take_tab_message(&mut self, at: usize, tab: TabId, id: EnvelopeId) -> Result<(), String> {
        keep(self.tabs.entry(tab).or_default(), at, id);
        self.hear_tab(at, &id)
    }

    /// Takes note of an envelope that was sent, wherever it came from.
    pub fn heard(&mut self, at: usize, bytes: &[u8]) -> Result<(), Broken> {
        match self.open(bytes) {
            Ok(Opened::Known(signed)) => self.unique(at, signed.id()),
            _ => Ok(()),
        }
    }
}

/// Says whether the node did not hold it before.
fn keep(thread: &mut Thread, at: usize, id: EnvelopeId) -> bool {
    let is_new = thread.ids.entry(at).or_default().insert(id);
    if is_new {
        thread.held.entry(at).or_default().push(id);
    }
    is_new
}
