//! Rights to sell, between the devices of one shop: a device that lacks units for an ask asks the one
//! that holds them, and says nothing to the buyer before it has an answer. Described in `spec/devices.md`.

use super::turn::Turn;
use super::{Peer, Purpose};
use crate::body::{Body, Kind};
use crate::envelope::Signed;
use crate::id::{DeviceId, ListingId, OrderId, VariantId};
use crate::identity::Scope;
use crate::limits::{COUNTS_MAX, UNITS_AGAIN_MS, UNITS_WAIT_MS};
use crate::market;
use crate::records::{Fault, Range, Tree, state_key};
use crate::stock::Stock;
use crate::sync::{Pulled, Raw, Request, UnitsWanted};
use crate::text::List;
use std::collections::{BTreeMap, BTreeSet};

/// An ask that waits for units.
#[derive(Debug)]
pub(super) struct Wait {
    until_ms: u64,
    again_ms: u64,
    asked: BTreeSet<DeviceId>,
    /// Who was asked and has not answered.
    open: BTreeSet<DeviceId>,
    /// Whether somebody who did not answer may have given units all the same.
    unsure: bool,
}

const COUNT: &[u8] = b"count/";

impl Peer {
    /// Asks another device for the units that an order lacks; says whether there is anything to wait for.
    pub(super) fn fetch_units(
        &mut self,
        turn: &mut Turn<'_>,
        order: &OrderId,
        wanted: UnitsWanted,
    ) -> Result<bool, Fault> {
        let stock = market::stock(turn.records(), &self.author(), &wanted.listing)?;
        let now = turn.now.0;
        let wait = self.waits.entry(*order).or_insert_with(|| Wait {
            until_ms: now.saturating_add(UNITS_WAIT_MS),
            again_ms: now.saturating_add(UNITS_AGAIN_MS),
            asked: BTreeSet::new(),
            open: BTreeSet::new(),
            unsure: false,
        });
        if now >= wait.until_ms {
            return Ok(false);
        }
        if !wait.open.is_empty() {
            return Ok(true);
        }
        let asked = wait.asked.clone();
        let holds = |device: &DeviceId| stock.rights(device, &wanted.variant);
        let candidates = self.siblings_here().into_iter();
        let best = candidates
            .filter(|device| !asked.contains(device) && self.is_sibling(device, Scope::Catalog))
            .filter(|device| holds(device) > 0)
            .max_by_key(holds);
        let Some(device) = best else {
            // Whoever is away, or was not heard, may come in time.
            let here = self.siblings_here();
            let away = |device: &DeviceId| !here.contains(device) && holds(device) > 0;
            let unsure = self.waits.get(order).is_some_and(|wait| wait.unsure);
            let waits = unsure || self.siblings.keys().any(away);
            if !waits {
                self.waits.remove(order);
            }
            return Ok(waits);
        };
        if let Some(wait) = self.waits.get_mut(order) {
            wait.asked.insert(device);
            wait.open.insert(device);
        }
        self.ask(turn, device, Request::Units(wanted), Purpose::Units(*order));
        Ok(true)
    }

    /// Another device answered with its account of the listing; none if it did not.
    pub(super) fn units_came(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        order: &OrderId,
        came: bool,
    ) -> Result<(), Fault> {
        // Whoever did not answer may have given units all the same: it is asked again, or its account
        // comes with the next comparison, and the buyer waits until then.
        if let Some(wait) = self.waits.get_mut(order)
            && came
        {
            wait.open.remove(&from);
            wait.unsure = false;
        }
        self.look_at_ask(turn, order)
    }

    fn look_at_ask(&mut self, turn: &mut Turn<'_>, order: &OrderId) -> Result<(), Fault> {
        let before = turn.order(order)?.map(|order| order.state);
        self.moved(turn, order, before).map(drop)
    }

    /// An account of another device changed: asks that wait may go on. And those that waited for long end.
    pub(super) fn look_at_waiting(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let now = turn.now.0;
        for wait in self.waits.values_mut() {
            if now >= wait.again_ms || now >= wait.until_ms {
                wait.again_ms = now.saturating_add(UNITS_AGAIN_MS);
                wait.unsure |= !wait.open.is_empty();
                wait.asked.clear();
                wait.open.clear();
            }
        }
        let waiting: Vec<OrderId> = self.waits.keys().copied().collect();
        for order in waiting {
            self.look_at_ask(turn, &order)?;
        }
        Ok(())
    }

    /// Hands units over to another device of the shop, as far as none are held here: half of what is left
    /// if that is more than it lacks, so that it can sell while it is apart. Answers with this device's account.
    pub(super) fn give_units(
        &mut self,
        turn: &mut Turn<'_>,
        to: DeviceId,
        wanted: UnitsWanted,
    ) -> Result<Pulled, Fault> {
        let (me, own) = (self.author(), self.device());
        let mut stock = market::stock(turn.records(), &me, &wanted.listing)?;
        let free = self.holds(turn)?.sellable(&stock, &own, &wanted.variant);
        let units = free.min(wanted.units.max(free / 2));
        if units > 0 && stock.hand_over(own, wanted.variant, to, units).is_ok() {
            self.say_stock(turn, &stock)?;
        }
        let said =
            turn.records()
                .states_from(&state_key(&me, Kind::Stock, wanted.listing.as_bytes(), None))?;
        let mine = said.iter().filter(|envelope| envelope.device() == own);
        Ok(Pulled {
            envelopes: mine.map(|envelope| Raw::from(envelope.bytes())).collect(),
            more: None,
        })
    }

    // --- First counts ---

    /// Starts counting variants that were not counted; counts that stand are sales' business. Two devices
    /// that import one file while they are apart must not bring its units into being twice, so the primary
    /// counts, and the others tell it.
    pub(super) fn count_first(
        &mut self,
        turn: &mut Turn<'_>,
        counts: Vec<(ListingId, VariantId, u64)>,
    ) -> super::social::Outcome<()> {
        let mut stocks: BTreeMap<ListingId, Stock> = BTreeMap::new();
        for (listing, variant, units) in counts {
            let mut stock = match stocks.remove(&listing) {
                Some(stock) => stock,
                None => market::stock(turn.records(), &self.author(), &listing)?,
            };
            if !stock.is_counted(&variant) && self.is_primary() {
                super::social::check!(
                    stock
                        .set_available(self.device(), variant, units)
                        .map_err(super::invalid)
                );
            } else if !stock.is_counted(&variant) {
                let key = [COUNT, listing.as_bytes(), variant.as_bytes()].concat();
                turn.local(Tree::Me, &key, Some(&units))?;
            }
            stocks.insert(listing, stock);
        }
        for stock in stocks.values() {
            self.say_stock(turn, stock)?;
        }
        self.hand_counts_over(turn)?;
        Ok(Ok(()))
    }

    /// Tells the primary, if it is connected, what is to be counted.
    pub(super) fn hand_counts_over(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        if self.is_primary() || !self.is_sibling(&self.primary, Scope::Catalog) {
            return Ok(());
        }
        let mut counts = Vec::new();
        for (key, value) in turn.records().scan(Tree::Me, &Range::of(COUNT, COUNTS_MAX))? {
            let ids = key
                .get(COUNT.len()..)
                .and_then(|ids| ids.split_at_checked(ListingId::LEN));
            if let Some((listing, variant)) = ids
                && let (Ok(listing), Ok(variant)) =
                    (ListingId::from_slice(listing), VariantId::from_slice(variant))
            {
                counts.push((listing, variant, super::stored(Tree::Me, &key, &value)?));
            }
        }
        let told: Vec<_> = counts
            .iter()
            .map(|(listing, variant, _)| (*listing, *variant))
            .collect();
        if let (Ok(counts), false) = (List::new(counts), told.is_empty()) {
            let primary = self.primary;
            self.ask(turn, primary, Request::Counts(counts), Purpose::Counts(told));
        }
        Ok(())
    }

    /// The primary has these counts.
    pub(super) fn counts_taken(
        &mut self,
        turn: &mut Turn<'_>,
        told: &[(ListingId, VariantId)],
    ) -> Result<(), Fault> {
        for (listing, variant) in told {
            let key = [COUNT, listing.as_bytes(), variant.as_bytes()].concat();
            turn.local::<()>(Tree::Me, &key, None)?;
        }
        match told.len() {
            COUNTS_MAX => self.hand_counts_over(turn),
            _ => Ok(()),
        }
    }

    /// Says what changed in this device's account of a listing.
    pub(super) fn say_stock(&mut self, turn: &mut Turn<'_>, stock: &Stock) -> Result<(), Fault> {
        if self.is_out {
            return Ok(());
        }
        let accounts = stock.account(&self.device()).map_err(super::broken)?;
        let bodies = accounts.into_iter().map(Body::from).collect();
        self.say_new(turn, bodies)
    }
}

/// Whether an envelope is an account of stock by another device of the same author.
pub(super) fn is_siblings_stock(envelope: &Signed, own: &DeviceId) -> bool {
    envelope.body().kind() == Kind::Stock && envelope.device() != *own
}
