//! Orders and tabs as they were read last. A purchase asks for them at every message, several times, and
//! reading one means opening every envelope of it again; so a peer keeps what it read while it is in use.
//!
//! What is kept here follows from the records alone, and every envelope that is kept in the records is
//! heard here in the same turn. It is lost without harm: what is missing is read again.

use super::broken;
use crate::body::Body;
use crate::envelope::{Admitted, Signed};
use crate::id::{AuthorId, OrderId, TabId};
use crate::limits::{FOLDED_MESSAGES_MAX, FOLDS_MAX};
use crate::order::Order;
use crate::records::{Fault, Records};
use crate::tab::{Ledger, Parties};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An order and the messages that it was read from.
#[derive(Debug, Clone)]
pub(super) struct Story {
    messages: Vec<Signed>,
    order: Option<Arc<Order>>,
}

impl Story {
    fn read(id: &OrderId, messages: Vec<Signed>) -> Self {
        let order = Order::fold(*id, messages.iter().filter_map(Signed::order_message));
        Self {
            messages,
            order: order.map(Arc::new),
        }
    }

    /// How many messages one side has said, whether or not they count.
    fn said_by(&self, author: &AuthorId) -> usize {
        let theirs = self.messages.iter().filter(|said| said.author() == *author);
        theirs.count()
    }
}

/// A reading, and when it was last asked for.
#[derive(Debug)]
struct Kept<T> {
    reading: T,
    used: u64,
}

/// What a peer has read of late.
#[derive(Debug, Default)]
pub(super) struct Folds {
    orders: BTreeMap<OrderId, Kept<Story>>,
    tabs: BTreeMap<TabId, Kept<Arc<Ledger>>>,
    used: u64,
}

impl Folds {
    /// An order; none if nothing of it is held.
    pub(super) fn order(&mut self, id: &OrderId, records: &dyn Records) -> Result<Option<Arc<Order>>, Fault> {
        Ok(self.story(id, records)?.order.clone())
    }

    /// How many messages of an order one side has said.
    pub(super) fn said_in(
        &mut self,
        id: &OrderId,
        author: &AuthorId,
        records: &dyn Records,
    ) -> Result<usize, Fault> {
        Ok(self.story(id, records)?.said_by(author))
    }

    fn story(&mut self, id: &OrderId, records: &dyn Records) -> Result<&Story, Fault> {
        self.used += 1;
        if !self.orders.contains_key(id) {
            let reading = Story::read(id, records.order(id)?);
            self.make_room();
            self.orders.insert(*id, Kept { reading, used: 0 });
        }
        let kept = self
            .orders
            .get_mut(id)
            .ok_or_else(|| broken("a reading is gone"))?;
        kept.used = self.used;
        Ok(&kept.reading)
    }

    /// A tab; empty if nothing was said about it.
    pub(super) fn tab(&mut self, parties: Parties, records: &dyn Records) -> Result<Arc<Ledger>, Fault> {
        self.used += 1;
        let tab = parties.tab();
        if !self.tabs.contains_key(&tab) {
            let envelopes = records.tab(&tab)?;
            let messages = envelopes.iter().filter_map(Signed::tab_message);
            let reading = Arc::new(Ledger::fold(parties, messages).map_err(broken)?);
            self.make_room();
            self.tabs.insert(tab, Kept { reading, used: 0 });
        }
        let kept = self
            .tabs
            .get_mut(&tab)
            .ok_or_else(|| broken("a reading is gone"))?;
        kept.used = self.used;
        Ok(kept.reading.clone())
    }

    /// Hears what was kept in the records just now.
    pub(super) fn hear(&mut self, envelope: &Admitted) -> Result<(), Fault> {
        match envelope.body() {
            Body::Order(message) => {
                let id = message.order(envelope.id());
                if let Some(kept) = self.orders.get_mut(&id) {
                    let mut messages = std::mem::take(&mut kept.reading.messages);
                    messages.push((**envelope).clone());
                    kept.reading = Story::read(&id, messages);
                }
            }
            Body::Tab(message) => {
                if let (Some(kept), Some(filed)) = (self.tabs.get_mut(&message.tab), envelope.tab_message()) {
                    Arc::make_mut(&mut kept.reading).hear(&filed).map_err(broken)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets go of what was not asked for the longest, until one more fits.
    fn make_room(&mut self) {
        while self.orders.len() + self.tabs.len() >= FOLDS_MAX || self.messages() > FOLDED_MESSAGES_MAX {
            let order = self.orders.iter().min_by_key(|(_, kept)| kept.used);
            let order = order.map(|(id, kept)| (kept.used, *id));
            let tab = self.tabs.iter().min_by_key(|(_, kept)| kept.used);
            let tab = tab.map(|(id, kept)| (kept.used, *id));
            match (order, tab) {
                (Some((order_used, _)), Some((tab_used, tab))) if tab_used < order_used => {
                    self.tabs.remove(&tab);
                }
                (Some((_, order)), _) => {
                    self.orders.remove(&order);
                }
                (None, Some((_, tab))) => {
                    self.tabs.remove(&tab);
                }
                (None, None) => return,
            }
        }
    }

    fn messages(&self) -> usize {
        let orders = self.orders.values().map(|kept| kept.reading.messages.len());
        let tabs = self.tabs.values().map(|kept| kept.reading.len());
        orders.chain(tabs).sum()
    }
}
