//! What people do in orders: ask, go on with what their node tells them, give up, try what does not fit.

use super::*;
use souk_protocol::id::TabId;
use souk_protocol::order::{ActKind, Order, Role, State};
use souk_protocol::peer::read_tab;
use souk_protocol::room;
use souk_protocol::settlement::Rail;
use souk_protocol::tab::Tab;
use std::sync::Arc;

impl View<'_> {
    /// A listing of somebody's shop that this node holds.
    pub fn listing(&self, chance: &mut Chance) -> Result<Option<(AuthorId, ListingId)>, Fault> {
        let shops: Vec<&Person> = self.people.iter().filter(|person| person.sells).collect();
        for _ in 0..3 {
            let Some(shop) = chance.pick(&shops) else {
                continue;
            };
            let listings = market::listing_ids(self.records, &shop.author, None, 8)?;
            if let Some(listing) = chance.pick(&listings) {
                return Ok(Some((shop.author, *listing)));
            }
        }
        Ok(None)
    }

    /// Asks some shop for a price.
    pub fn buy(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        match self.listing(chance)? {
            Some((shop, first)) => self.ask(shop, first, chance).map(Some),
            None => Ok(None),
        }
    }

    /// Asks this shop for a price, if its listings have come.
    pub fn buy_of(&self, shop: AuthorId, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let listings = market::listing_ids(self.records, &shop, None, 8)?;
        match chance.pick(&listings) {
            Some(first) => self.ask(shop, *first, chance).map(Some),
            None => Ok(None),
        }
    }

    fn ask(&self, shop: AuthorId, first: ListingId, chance: &mut Chance) -> Result<Command, Fault> {
        let mut lines = Vec::new();
        let others = market::listing_ids(self.records, &shop, None, 8)?;
        for listing in std::iter::once(first).chain(chance.pick(&others).copied()) {
            let Some(read) = market::listing(self.records, &shop, &listing)? else {
                continue;
            };
            if let Some(variant) = chance.pick(&read.variants)
                && (lines.is_empty() || chance.in_thousand(300))
            {
                lines.push(LineDraft {
                    listing,
                    variant: Some(variant.id),
                    units: u32::try_from(chance.between(1, 2)).unwrap_or(1),
                });
            }
        }
        Ok(Command::AskQuote {
            shop,
            lines,
            country: "DE".into(),
            note: String::new(),
        })
    }

    pub(super) fn grant(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let orders = self.orders()?;
        let buyer = match chance.pick(&orders) {
            Some(id) if chance.in_thousand(600) => self.order(id).map(|order| order.buyer),
            _ => self.acquaintance(chance).map(|known| known.author),
        };
        let minor = i64::try_from(chance.pick(&[0, 20_000, 60_000, 60_000]).copied().unwrap_or(0u64));
        Ok(buyer.map(|to| Command::GrantTab {
            to,
            limit: Amount {
                minor: minor.unwrap_or(0),
                currency: Currency::EUR,
            },
            vouched: chance.in_thousand(300),
        }))
    }

    /// An order, as this node's messages tell it.
    pub fn order(&self, id: &OrderId) -> Option<&Order> {
        self.book.folds.get(&(self.at, *id)).map(Arc::as_ref)
    }

    /// Orders that this node knows, newest first, at most twenty.
    pub fn orders(&self) -> Result<Vec<OrderId>, Fault> {
        let rows = self.records.scan(Tree::Orders, &Range::of([], 20).down())?;
        let ids = rows.iter().filter_map(|(key, _)| key.last_chunk::<32>().copied());
        Ok(ids.map(OrderId::from_bytes).collect())
    }

    /// What this person does about something of which their node told them.
    pub fn attend(&self, moved: &Moved, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        match moved {
            Moved::Order(id) => match self.order(id) {
                Some(order) => self.go_on(order, chance),
                None => Ok(None),
            },
            // There may be room now for what waited for it.
            Moved::Tab(with) => {
                for id in self.orders()? {
                    let Some(order) = self.order(&id) else {
                        continue;
                    };
                    let waits = match order.role(with) {
                        Some(Role::Merchant) => order.state == State::Quoted,
                        Some(Role::Buyer) => order.state == State::Placed,
                        None => false,
                    };
                    if waits {
                        return self.go_on(order, chance);
                    }
                }
                Ok(None)
            }
        }
    }

    /// The next thing that brings an order to its end.
    fn go_on(&self, order: &Order, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let Some(person) = self.person().filter(|person| !person.silent) else {
            return Ok(None);
        };
        let Some(role) = order.role(&person.author) else {
            return Ok(None);
        };
        let asks_for_room = order.rail().is_none_or(|rail| rail == Rail::Tab) && !self.has_room(order)?;
        match (role, order.state) {
            (Role::Buyer, State::Quoted) if asks_for_room => {
                let rails = order.quote.as_ref().map(|(_, quote)| quote.rails.to_vec());
                let outside = rails.is_some_and(|rails| rails.contains(&Rail::Manual));
                Ok(outside.then(|| place(order, Rail::Manual)))
            }
            (Role::Merchant, State::Quoted | State::Placed) if asks_for_room => match person.trusts {
                true => self.lend(order, chance).map(Some),
                false => Ok(None),
            },
            (Role::Buyer, State::Completed) if chance.in_thousand(self.scenario.people.reviews) => {
                Ok(review(order, chance))
            }
            _ => {
                let mut open = order.open_to(role, self.now);
                open.retain(|kind| {
                    let ends = matches!(
                        kind,
                        ActKind::Quote | ActKind::Cancel | ActKind::Decline | ActKind::Lapse
                    );
                    !ends && self.may_sign_for(order, *kind)
                });
                Ok(chance.pick(&open).map(|kind| act(order, *kind, chance)))
            }
        }
    }

    /// Nobody signs for money that their account does not show.
    fn may_sign_for(&self, order: &Order, kind: ActKind) -> bool {
        let outside = kind == ActKind::Receipt && order.rail() != Some(Rail::Tab);
        let pays = |buyer: &Person| buyer.author != order.buyer || buyer.pays;
        !outside || !self.looks_at_account || self.people.iter().all(pays)
    }

    /// Whether the tab of an order's two sides has room for what it costs.
    fn has_room(&self, order: &Order) -> Result<bool, Fault> {
        let Some(total) = order.total() else {
            return Ok(false);
        };
        let tab = TabId::of(&order.buyer, &order.merchant, total.currency.code());
        let between = self.book.between(self.at, &order.buyer, &order.merchant);
        let between: Vec<&Order> = between.collect();
        let room = |tab: &Tab| {
            let room = room::promisable(tab, &order.buyer, between.iter().copied());
            room.is_ok_and(|room| room.minor >= total.minor)
        };
        match self.book.ledger(self.at, &tab) {
            Some(ledger) => Ok(room(ledger.tab())),
            None => Ok(room(&read_tab(
                self.records,
                &order.buyer,
                &order.merchant,
                total.currency,
            )?)),
        }
    }

    /// More room for the buyer of an order.
    fn lend(&self, order: &Order, chance: &mut Chance) -> Result<Command, Fault> {
        let tab = TabId::of(&order.buyer, &order.merchant, Currency::EUR.code());
        let limit = |tab: &Tab| tab.limit(&order.merchant).map_or(0, |limit| limit.minor);
        let limit = match self.book.ledger(self.at, &tab) {
            Some(ledger) => limit(ledger.tab()),
            None => limit(&read_tab(
                self.records,
                &order.buyer,
                &order.merchant,
                Currency::EUR,
            )?),
        };
        let more = i64::try_from(chance.between(20_000, 60_000)).unwrap_or(0);
        Ok(Command::GrantTab {
            to: order.buyer,
            limit: Amount {
                minor: limit.saturating_add(more),
                currency: Currency::EUR,
            },
            vouched: false,
        })
    }

    /// Something that may be done in some order: what fits, mostly, and now and then what does not.
    pub(super) fn in_an_order(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let Some(person) = self.person() else {
            return Ok(None);
        };
        let orders = self.orders()?;
        for _ in 0..8 {
            let Some(id) = chance.pick(&orders) else {
                return Ok(None);
            };
            let Some(order) = self.order(id) else {
                continue;
            };
            let Some(role) = order.role(&person.author) else {
                continue;
            };
            if chance.in_thousand(self.scenario.people.wrong) {
                let acts = [
                    ActKind::Place,
                    ActKind::Accept,
                    ActKind::Cancel,
                    ActKind::Pay,
                    ActKind::Receipt,
                    ActKind::Lapse,
                ];
                let wrong = chance.pick(&acts).filter(|kind| self.may_sign_for(order, **kind));
                return Ok(wrong.map(|kind| act(order, *kind, chance)));
            }
            let mut open = order.open_to(role, self.now);
            open.retain(|kind| *kind != ActKind::Quote && self.may_sign_for(order, *kind));
            // People give up less often than they go on.
            let gives_up = |kind: &ActKind| matches!(kind, ActKind::Cancel | ActKind::Decline);
            if !chance.in_thousand(self.scenario.people.gives_up) {
                open.retain(|kind| !gives_up(kind));
            }
            if let Some(kind) = chance.pick(&open) {
                return Ok(Some(act(order, *kind, chance)));
            }
        }
        Ok(None)
    }
}

fn place(order: &Order, rail: Rail) -> Command {
    Command::PlaceOrder {
        order: order.id,
        address: vec!["Somewhere 1".into()],
        rail: rail.name().into(),
    }
}

fn review(order: &Order, chance: &mut Chance) -> Option<Command> {
    let public = order.receipt.as_ref().map(|receipt| receipt.public.to_vec());
    let bought = chance.pick(&public?).map(|public| public.listing)?;
    Some(Command::Review {
        order: order.id,
        listing: Some(bought),
        rating: u8::try_from(chance.between(1, 5)).unwrap_or(1),
        text: String::new(),
    })
}

fn act(order: &Order, kind: ActKind, chance: &mut Chance) -> Command {
    let id = order.id;
    match kind {
        ActKind::Place | ActKind::Ask | ActKind::Quote => {
            let rails = order.quote.as_ref().map(|(_, quote)| quote.rails.to_vec());
            let rail = chance
                .pick(&rails.unwrap_or_default())
                .copied()
                .unwrap_or(Rail::Tab);
            place(order, rail)
        }
        ActKind::Accept => Command::AcceptOrder { order: id },
        ActKind::Decline => Command::DeclineOrder {
            order: id,
            reason: "not today".into(),
        },
        ActKind::Cancel => Command::CancelOrder { order: id },
        ActKind::Pay => Command::PayOrder {
            order: id,
            reference: "paid".into(),
        },
        ActKind::Receipt => Command::PaymentArrived { order: id },
        ActKind::Fulfil => Command::ShipOrder {
            order: id,
            carrier: "Post".into(),
            tracking: "1".into(),
        },
        ActKind::Complete => Command::CompleteOrder { order: id },
        ActKind::Lapse => Command::LapseOrder { order: id },
    }
}
