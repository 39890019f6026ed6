//! Sums over what nodes read of their orders, kept up as each reading changes: the laws ask for them at every
//! step, and counting all orders again each time made a shop's hundredth order cost more than its tenth.

use souk_protocol::id::{AuthorId, DeviceId, ListingId, OrderId, VariantId};
use souk_protocol::order::{Order, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Units of one listing in orders that one device sees to, by variant, as it reads them.
#[derive(Debug, Default)]
pub struct Units {
    /// Of accepted orders.
    pub sold: BTreeMap<VariantId, u64>,
    /// Of quoted and placed ones.
    pub held: BTreeMap<VariantId, u64>,
    /// Of one that was paid after it had lapsed may be none left: then it gets no receipt.
    pub paid: BTreeMap<VariantId, u64>,
}

/// Orders of one buyer at one shop, as one node reads them.
#[derive(Debug, Default)]
pub struct Between {
    /// All of them.
    pub orders: BTreeSet<OrderId>,
    /// Those that wait for a quote, or for the buyer's word about it.
    pub open: usize,
    /// Those that came to their good end.
    pub completed: u64,
    /// What is paid, by receipts, in minor units.
    pub paid_minor: i64,
}

/// A node and the shop's device whose sales it reads.
pub type Seller = (usize, AuthorId, DeviceId);

/// The sums.
#[derive(Debug, Default)]
pub struct Sums {
    units: BTreeMap<(Seller, ListingId), Units>,
    between: BTreeMap<(usize, AuthorId, AuthorId), Between>,
}

impl Sums {
    /// The sums over all readings, counted anew.
    pub fn of(readings: &BTreeMap<(usize, OrderId), Arc<Order>>) -> Self {
        let mut sums = Self::default();
        for ((at, _), order) in readings {
            sums.change(*at, None, order);
        }
        sums
    }

    /// A node reads an order in another way than before.
    pub fn change(&mut self, at: usize, before: Option<&Order>, now: &Order) {
        if let Some(before) = before {
            self.count(at, before, false);
        }
        self.count(at, now, true);
    }

    /// Units of a listing in orders that a device of a shop sees to.
    pub fn units(&self, seller: &Seller, listing: &ListingId) -> Option<&Units> {
        self.units.get(&(*seller, *listing))
    }

    /// Orders between a shop and a buyer.
    pub fn between(&self, at: usize, shop: &AuthorId, buyer: &AuthorId) -> Option<&Between> {
        self.between.get(&(at, *shop, *buyer))
    }

    /// Orders of all pairs: node, shop, buyer.
    pub fn pairs(&self) -> impl Iterator<Item = (&(usize, AuthorId, AuthorId), &Between)> {
        self.between.iter()
    }

    fn count(&mut self, at: usize, order: &Order, adds: bool) {
        let between = self.between.entry((at, order.merchant, order.buyer)).or_default();
        between.orders.insert(order.id);
        let paid = order.receipt.as_ref().and_then(|_| order.total());
        let paid = paid.map_or(0, |total| total.minor);
        let open = matches!(order.state, State::Asked | State::Quoted);
        let completed = order.state == State::Completed;
        match adds {
            true => {
                between.open += usize::from(open);
                between.completed += u64::from(completed);
                between.paid_minor += paid;
            }
            false => {
                between.open -= usize::from(open);
                between.completed -= u64::from(completed);
                between.paid_minor -= paid;
            }
        }
        // Of a shop's devices it is the one that signed the quote that holds and sells the units.
        let quote = order.quote.as_ref().map(|(id, _)| *id);
        let quoted = order.history.iter().find(|done| Some(done.id) == quote);
        let Some(seller) = quoted.map(|done| (at, order.merchant, done.device)) else {
            return;
        };
        for line in order.lines() {
            let units = self.units.entry((seller, line.listing)).or_default();
            let counts = match order.state {
                State::Quoted | State::Placed => &mut units.held,
                State::Accepted | State::Receipted | State::Fulfilled | State::Completed => &mut units.sold,
                State::Paid => &mut units.paid,
                _ => continue,
            };
            let count = counts.entry(line.variant).or_default();
            match adds {
                true => *count += u64::from(line.units),
                false => *count -= u64::from(line.units),
            }
        }
    }
}
