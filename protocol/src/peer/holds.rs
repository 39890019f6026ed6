//! Orders that are not settled, and the stock of those that this node sells: held from the quote on, sold
//! with the acceptance, back again when nothing comes of it. Described in `spec/order.md`.

use super::turn::Turn;
use super::{Peer, Watched};
use crate::id::{AuthorId, DeviceId, ListingId, OrderId, VariantId};
use crate::market;
use crate::order::{Order, Role, State};
use crate::quote::Line;
use crate::records::{Fault, Tree};
use crate::stock::{Hold, Holds};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What this node does about an order that is not settled, and with the stock of one that it sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Watch {
    /// Nothing is kept for it here.
    Open,
    /// Its units are held.
    Held,
    /// Its units are sold.
    Sold,
    /// It was paid after it had lapsed here, and its units went to somebody else meanwhile.
    Short,
    /// Another device of this side sees to it.
    Elsewhere,
    /// As [`Watch::Elsewhere`], and this is the device that the buyer brought the ask to.
    At(DeviceId),
}

impl Watch {
    /// Whether another device of this side sees to it.
    pub(super) const fn is_elsewhere(self) -> bool {
        matches!(self, Self::Elsewhere | Self::At(_))
    }
}

impl Peer {
    /// Keeps the row of an open order, and moves its stock from held to sold to back again as it goes.
    /// `before` is the state in which this device read the order last.
    pub(super) fn keep_watch(
        &mut self,
        turn: &mut Turn<'_>,
        order: &Order,
        before: Option<State>,
    ) -> Result<(), Fault> {
        let key = order.id.as_bytes();
        let sells = order.role(&self.author()) == Some(Role::Merchant);
        let row = self.watch(turn, &order.id)?;
        // A completed order has no row, and it can still lapse: goods sent late lose to a lapse that the
        // buyer signed before it heard of them, however late that comes. What it sold is back then.
        let was_sold = sells && before == Some(State::Completed) && self.signer(order) == Some(self.device());
        let had = row.unwrap_or(if was_sold { Watch::Sold } else { Watch::Open });
        let mut has = match order.state {
            _ if !self.sees_to(turn, order)? && had.is_elsewhere() => had,
            _ if !self.sees_to(turn, order)? => Watch::Elsewhere,
            _ if !sells => Watch::Open,
            state if state.holds_stock() => Watch::Held,
            State::Asked | State::Declined | State::Cancelled | State::Lapsed => Watch::Open,
            _ => Watch::Sold,
        };
        // A payment that was made before the other side heard of a lapse brings an order back whose
        // units are free again, or somebody else's.
        let was_over = before.is_some_and(State::is_over);
        let is_new = row.is_none() && !self.watched.contains_key(&order.id);
        let is_back = had == Watch::Open && (was_over || is_new) && !order.state.is_over();
        if has == Watch::Sold && (had == Watch::Short || is_back) {
            has = match self.has_units(turn, order)? {
                true => Watch::Sold,
                false => Watch::Short,
            };
        }
        if had.is_elsewhere() && has == Watch::Sold {
            self.take_over_sale(turn, order)?;
        } else if had != Watch::Sold && has == Watch::Sold && !(row.is_none() && order.state.is_over()) {
            self.change_stock(turn, order, true)?;
        } else if had == Watch::Sold && has != Watch::Sold {
            self.change_stock(turn, order, false)?;
        }
        let settled = order.state.is_over() && !self.is_money_open(turn, order)?;
        let row = (!settled).then_some(&has);
        if row != Some(&had) || !self.watched.contains_key(&order.id) {
            turn.local(Tree::Holds, key, row)?;
        }
        if settled {
            self.watched.remove(&order.id);
        } else {
            let watched = Watched {
                with: Some(order.author(if sells { Role::Buyer } else { Role::Merchant })),
                buys: !sells,
                deadline: order.due().map(|(_, deadline)| deadline),
                held: Some(match has {
                    Watch::Held => order.lines(),
                    _ => Vec::new(),
                }),
            };
            self.watched.insert(order.id, watched);
        }
        Ok(())
    }

    /// The orders that are not settled and are, or may be, with somebody.
    pub(super) fn watched_with(&self, other: &AuthorId) -> impl Iterator<Item = OrderId> {
        let between = self.watched.iter();
        let between = between.filter(|(_, watched)| watched.may_be_with(other));
        between.map(|(id, _)| *id)
    }

    /// One of several orders that came at once: what one of them takes, another must not take as well, so all
    /// are known before any goes on.
    pub(super) fn take_note(
        &mut self,
        turn: &mut Turn<'_>,
        id: &OrderId,
        before: Option<State>,
    ) -> Result<(), Fault> {
        match turn.order(id)? {
            Some(order) if !order.state.is_over() && self.may_sign().is_ok() => {
                self.keep_watch(turn, &order, before)
            }
            _ => Ok(()),
        }
    }

    /// Remembers that an order's units were sold, by a device that is no more.
    pub(super) fn remember_sold(&mut self, turn: &mut Turn<'_>, id: &OrderId) -> Result<(), Fault> {
        self.watched.entry(*id).or_default().held = Some(Vec::new());
        turn.local(Tree::Holds, id.as_bytes(), Some(&Watch::Sold))
    }

    /// An ask came to this device: it sees to the order, unless another one has answered already.
    pub(super) fn take_ask(&mut self, turn: &mut Turn<'_>, id: &OrderId) -> Result<(), Fault> {
        turn.local(Tree::Holds, id.as_bytes(), Some(&Watch::Open))
    }

    /// An ask came to another device of this side, which showed it here.
    pub(super) fn note_taker(
        &mut self,
        turn: &mut Turn<'_>,
        id: &OrderId,
        taker: DeviceId,
    ) -> Result<(), Fault> {
        match self.watch(turn, id)? {
            Some(_) => Ok(()),
            None => turn.local(Tree::Holds, id.as_bytes(), Some(&Watch::At(taker))),
        }
    }

    /// An order that was sold by a device that is none of this author's any more passes here, with the
    /// units that it sold.
    fn take_over_sale(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<(), Fault> {
        for line in order.lines() {
            let mut stock = market::stock(turn.records(), &self.author(), &line.listing)?;
            if stock.is_counted(&line.variant)
                && stock
                    .take_over_sale(self.device(), line.variant, line.units.into())
                    .is_ok()
            {
                self.say_stock(turn, &stock)?;
            }
        }
        Ok(())
    }

    /// What is kept for an order that is not settled.
    pub(super) fn watch(&self, turn: &Turn<'_>, id: &OrderId) -> Result<Option<Watch>, Fault> {
        let row = turn.records().get(Tree::Holds, id.as_bytes())?;
        row.map(|bytes| super::stored(Tree::Holds, id.as_bytes(), &bytes))
            .transpose()
    }

    /// Whether this device can still sell what an order is for.
    pub(super) fn has_units(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let holds = self.holds(turn)?;
        for line in order.lines() {
            let stock = market::stock(turn.records(), &self.author(), &line.listing)?;
            let left = holds.sellable(&stock, &self.device(), &line.variant);
            if stock.is_counted(&line.variant) && left < u64::from(line.units) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes an order's counted units off the stock, or puts them back.
    pub(super) fn change_stock(
        &mut self,
        turn: &mut Turn<'_>,
        order: &Order,
        sell: bool,
    ) -> Result<(), Fault> {
        let (me, device) = (self.author(), self.device());
        let mut short = self.sold_short(turn, &order.id)?;
        for line in order.lines() {
            let mut stock = market::stock(turn.records(), &me, &line.listing)?;
            if !stock.is_counted(&line.variant) {
                continue;
            }
            let (units, key) = (u64::from(line.units), (line.listing, line.variant));
            let changed = match sell {
                // What may be sold beyond the count is counted as far as it goes, and no more comes back.
                true => {
                    let spent = units.min(stock.rights(&device, &line.variant));
                    if spent < units {
                        short.insert(key, spent);
                    }
                    stock.spend(device, line.variant, spent)
                }
                false => stock.restore(device, line.variant, short.remove(&key).unwrap_or(units)),
            };
            if changed.is_ok() {
                self.say_stock(turn, &stock)?;
            }
        }
        let rows: Vec<_> = short
            .into_iter()
            .map(|((listing, variant), units)| (listing, variant, units))
            .collect();
        turn.local(
            Tree::Me,
            &short_key(&order.id),
            (!rows.is_empty()).then_some(&rows),
        )
    }

    /// The lines of an order for which fewer units were spent than sold, and how many were.
    fn sold_short(
        &self,
        turn: &Turn<'_>,
        order: &OrderId,
    ) -> Result<BTreeMap<(ListingId, VariantId), u64>, Fault> {
        let key = short_key(order);
        let rows: Vec<(ListingId, VariantId, u64)> = match turn.records().get(Tree::Me, &key)? {
            Some(row) => super::stored(Tree::Me, &key, &row)?,
            None => Vec::new(),
        };
        Ok(rows
            .into_iter()
            .map(|(listing, variant, units)| ((listing, variant), units))
            .collect())
    }

    /// What this device holds for open orders.
    pub(super) fn holds(&self, turn: &Turn<'_>) -> Result<Holds, Fault> {
        let mut holds = Vec::new();
        for (id, watched) in self.watched.iter().filter(|(_, watched)| !watched.buys) {
            let read;
            let lines = match &watched.held {
                Some(lines) => lines,
                None => {
                    read = self.held_lines(turn, id)?;
                    &read
                }
            };
            holds.extend(lines.iter().map(|line| Hold {
                order: *id,
                listing: line.listing,
                variant: line.variant,
                units: line.units.into(),
            }));
        }
        Ok(Holds::new(holds))
    }

    /// What is held for an order, by its row.
    fn held_lines(&self, turn: &Turn<'_>, id: &OrderId) -> Result<Vec<Line>, Fault> {
        if self.watch(turn, id)? != Some(Watch::Held) {
            return Ok(Vec::new());
        }
        Ok(turn.order(id)?.map(|order| order.lines()).unwrap_or_default())
    }
}

fn short_key(order: &OrderId) -> Vec<u8> {
    [b"short/".as_slice(), order.as_bytes()].concat()
}
