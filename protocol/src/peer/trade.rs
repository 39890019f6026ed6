//! Orders: commands of both sides, messages of the other one, and what follows by itself. All of it is
//! derived from the fold, so doing it again after a crash does nothing twice.

use super::shop::{no_listing, one_variant};
use super::social::{Outcome, check};
use super::turn::Turn;
use super::{Peer, invalid};
use crate::admission::Refusal;
use crate::api::{Code, Happening, LineDraft, Refused, Reply};
use crate::body::Body;
use crate::envelope::Signed;
use crate::id::{AuthorId, ListingId, OrderId};
use crate::limits::{ORDER_MESSAGES_MAX, ORDERS_OPEN_PER_BUYER_MAX};
use crate::market;
use crate::money::Amount;
use crate::order::{Act, Deed, Filed, Order, OrderMessage, OrderRefusal, Role, State, next_state};
use crate::quote::{Line, Quote, QuoteLine};
use crate::receipt::{PublicReceipt, Receipt};
use crate::records::{Fault, Range, Records, Tree};
use crate::review::Review;
use crate::settlement::{Instruction, Proof, Rail};
use crate::shop::{Country, ShopTerms};
use crate::stock::{Hold, Holds};
use crate::text::{List, Name, Prose};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What this node does about an order that is not over, and with the stock of one that it sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Watch {
    /// Nothing is kept for it here.
    Open,
    /// Its units are held.
    Held,
    /// Its units are sold.
    Sold,
    /// It was paid after it had lapsed here, and its units went to somebody else meanwhile.
    Short,
}

/// Reads an order from the records.
pub fn read_order(records: &dyn Records, id: &OrderId) -> Result<Option<Order>, Fault> {
    let envelopes = records.order(id)?;
    let filed = envelopes.iter().filter_map(|envelope| match envelope.body() {
        Body::Order(message) => Some(Filed {
            id: envelope.id(),
            author: envelope.author(),
            time: envelope.time(),
            message,
        }),
        _ => None,
    });
    Ok(Order::fold(*id, filed).ok())
}

impl Peer {
    pub(super) fn ask_quote(
        &mut self,
        turn: &mut Turn<'_>,
        shop: AuthorId,
        drafts: &[LineDraft],
        country: &str,
        note: &str,
    ) -> Outcome {
        if shop == self.author() {
            return Ok(Err(invalid("this is your own shop")));
        }
        let country: Country = check!(country.parse().map_err(invalid));
        let note = check!(Prose::new(note).map_err(invalid));
        let mut lines = Vec::new();
        for draft in drafts {
            let Some(listing) = market::listing(turn.records(), &shop, &draft.listing)? else {
                return Ok(Err(no_listing(&draft.listing)));
            };
            let variant = check!(one_variant(&listing, draft.variant));
            if listing.removed || !listing.product.published || !variant.is_sellable() {
                let message = format!("'{}' is not for sale", listing.product.title);
                let next = "Look for another one with 'souk search'.";
                return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
            }
            if variant.tracked && !variant.oversell {
                let left = market::stock(turn.records(), &shop, &draft.listing)?.available(&variant.id);
                if left < u64::from(draft.units) {
                    return Ok(Err(no_stock(listing.product.title.as_str(), left)));
                }
            }
            lines.push(Line {
                listing: draft.listing,
                variant: variant.id,
                units: draft.units,
            });
        }
        let lines = check!(List::new(lines).map_err(invalid));
        let message = OrderMessage {
            order: None,
            to: shop,
            after: None,
            act: Act::Ask { lines, country, note },
        };
        let probe = Filed {
            id: crate::id::EnvelopeId::from_bytes([0; 32]),
            author: self.author(),
            time: self.clock,
            message: &message,
        };
        check!(Order::begin(OrderId::from_bytes([0; 32]), &probe).map_err(invalid));
        let said = self.say_to(turn, message.into())?;
        let order = OrderId::from(said.id());
        self.moved(turn, &order, None)?;
        Ok(Ok(Reply::Order {
            order,
            state: State::Asked.name().into(),
        }))
    }

    pub(super) fn place(
        &mut self,
        turn: &mut Turn<'_>,
        id: OrderId,
        address: Vec<String>,
        rail: &str,
    ) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        let Some(rail) = Rail::from_name(rail) else {
            return Ok(Err(invalid(format!(
                "expected the rail 'tab' or 'manual', got '{rail}'"
            ))));
        };
        let lines = address
            .iter()
            .map(|line| Name::new(line))
            .collect::<Result<Vec<_>, _>>();
        let address = check!(List::new(check!(lines.map_err(invalid))).map_err(invalid));
        let act = Act::Place { rail, address };
        check!(permitted(&order, Role::Buyer, &act, turn.now));
        if let (Rail::Tab, Some(total)) = (rail, order.total()) {
            let tab = self.tab_with(turn, &order.merchant, total.currency)?;
            let room = tab.room_of(&self.author());
            if room.minor < total.minor {
                let message =
                    format!("the order costs {total}, and your tab with the merchant has room for {room}");
                let next = "Ask the merchant to raise the limit with 'souk tab grant', or pay another way with '--rail manual'.";
                return Ok(Err(Refused::new(Code::TooLittleCredit, message, next)));
            }
        }
        self.act_on(turn, &order, act)
    }

    pub(super) fn accept(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Merchant)?);
        let act = check!(self.acceptance(turn, &order)?);
        self.act_on(turn, &order, act)
    }

    fn acceptance(&self, turn: &Turn<'_>, order: &Order) -> Outcome<Act> {
        let instruction = match (order.rail, order.total()) {
            (Some(Rail::Tab), Some(total)) => {
                let tab = self.tab_with(turn, &order.buyer, total.currency)?;
                let room = tab.room_of(&order.buyer);
                if room.minor < total.minor {
                    let message = format!("the order costs {total}, and the buyer's tab has room for {room}");
                    let next = "Raise the limit with 'souk tab grant', or decline the order.";
                    return Ok(Err(Refused::new(Code::TooLittleCredit, message, next)));
                }
                Instruction::Tab { tab: tab.id }
            }
            _ => Instruction::Manual {
                words: self.shop_ways(turn)?.payment_instructions,
                reference: Name::fitted(&order.id.to_string()),
            },
        };
        Ok(Ok(Act::Accept { instruction }))
    }

    pub(super) fn decline(&mut self, turn: &mut Turn<'_>, id: OrderId, reason: &str) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Merchant)?);
        let reason = check!(Prose::new(reason).map_err(invalid));
        self.act_on(turn, &order, Act::Decline { reason })
    }

    pub(super) fn cancel(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        self.act_on(turn, &order, Act::Cancel)
    }

    pub(super) fn pay(&mut self, turn: &mut Turn<'_>, id: OrderId, reference: &str) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        let reference = check!(Name::new(reference).map_err(invalid));
        self.act_on(
            turn,
            &order,
            Act::Pay {
                proof: Proof::Manual { reference },
            },
        )
    }

    pub(super) fn payment_arrived(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Merchant)?);
        let (state, deed, role) = (order.state, Deed::Receipt, Role::Merchant);
        if next_state(state, deed, role).is_none() {
            let error = OrderRefusal::NotNow { state, deed, role };
            return Ok(Err(not_permitted(&order, role, &error, turn.now)));
        }
        if order.rail == Some(Rail::Tab) && !self.is_paid_by_tab(turn, &order)? {
            let message = "the tab does not show this payment";
            return Ok(Err(Refused::new(
                Code::NotAllowed,
                message,
                "Wait for it: it is signed for by itself.",
            )));
        }
        self.keep_watch(turn, &order)?;
        if self.watch(turn, &id)? == Some(Watch::Short) {
            let message = "the order was paid after it had lapsed, and its units are sold";
            let next = "Raise the stock with 'souk shop stock', or give the money back.";
            return Ok(Err(Refused::new(Code::NoStock, message, next)));
        }
        let act = self.receipt(&order)?;
        self.act_on(turn, &order, act)
    }

    pub(super) fn ship(
        &mut self,
        turn: &mut Turn<'_>,
        id: OrderId,
        carrier: &str,
        tracking: &str,
    ) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Merchant)?);
        let carrier = check!(Name::new(carrier).map_err(invalid));
        let tracking = check!(Name::new(tracking).map_err(invalid));
        self.act_on(turn, &order, Act::Fulfil { carrier, tracking })
    }

    pub(super) fn complete(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        self.act_on(turn, &order, Act::Complete)
    }

    pub(super) fn lapse(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let Some(order) = read_order(turn.records(), &id)? else {
            return Ok(Err(no_order(&id)));
        };
        self.act_on(turn, &order, Act::Lapse)
    }

    pub(super) fn review(
        &mut self,
        turn: &mut Turn<'_>,
        id: OrderId,
        listing: Option<ListingId>,
        rating: u8,
        text: &str,
    ) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        let public = order
            .receipt
            .as_ref()
            .map(|receipt| receipt.public.to_vec())
            .unwrap_or_default();
        let receipt = match (listing, public.as_slice()) {
            (_, []) => {
                let message = format!(
                    "the order is {}, and the merchant has signed no receipt",
                    order.state.name()
                );
                return Ok(Err(Refused::new(
                    Code::NotAllowed,
                    message,
                    "Review it once it is paid.",
                )));
            }
            (None, [only]) => only,
            (None, several) => {
                let message = format!("the order has {} listings, so one must be named", several.len());
                return Ok(Err(Refused::new(
                    Code::Invalid,
                    message,
                    "Name it with '--listing'.",
                )));
            }
            (Some(listing), public) => match public.iter().find(|receipt| receipt.listing == listing) {
                Some(receipt) => receipt,
                None => return Ok(Err(no_listing(&listing))),
            },
        };
        let text = check!(Prose::new(text).map_err(invalid));
        if !(1..=crate::review::RATING_MAX).contains(&rating) {
            return Ok(Err(invalid(format!(
                "expected a rating of 1 to {}, got {rating}",
                crate::review::RATING_MAX
            ))));
        }
        let said = self.say(
            turn,
            Review {
                receipt: receipt.clone(),
                rating,
                text,
            }
            .into(),
        )?;
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    /// An order in which this node's owner has a role.
    fn mine(&self, turn: &Turn<'_>, id: &OrderId, role: Role) -> Outcome<Order> {
        let Some(order) = read_order(turn.records(), id)? else {
            return Ok(Err(no_order(id)));
        };
        if order.role(&self.author()) != Some(role) {
            let (message, next) = match role {
                Role::Buyer => (
                    "only the buyer can do that",
                    "You sell here: see 'souk orders show ORDER'.",
                ),
                Role::Merchant => (
                    "only the merchant can do that",
                    "You buy here: see 'souk orders show ORDER'.",
                ),
            };
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        Ok(Ok(order))
    }

    /// Signs the next message of an order, if it may follow.
    fn act_on(&mut self, turn: &mut Turn<'_>, order: &Order, act: Act) -> Outcome {
        let Some(role) = order.role(&self.author()) else {
            return Ok(Err(no_order(&order.id)));
        };
        let now = Timestamp(self.clock.next(turn.now).wall_ms.max(order.head_time().wall_ms));
        check!(permitted(order, role, &act, now));
        let to = if role == Role::Buyer {
            order.merchant
        } else {
            order.buyer
        };
        // The message must not claim to be older than the one it acts upon.
        self.clock = self.clock.max(order.head_time());
        let message = OrderMessage {
            order: Some(order.id),
            to,
            after: Some(order.head()),
            act,
        };
        self.say_to(turn, message.into())?;
        let state = self.moved(turn, &order.id, Some(order.state))?;
        Ok(Ok(Reply::Order {
            order: order.id,
            state: state.name().into(),
        }))
    }

    /// A message of an order, from its other side. Kept if the order is known here and has room for it,
    /// whether or not it counts now: what it acts upon may still be on its way.
    pub(super) fn take_order_message(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: Signed,
    ) -> Result<Result<(), Refusal>, Fault> {
        let Body::Order(message) = envelope.body() else {
            return Ok(Err(Refusal::NotForMe));
        };
        let (id, author) = (message.order.unwrap_or(envelope.id().into()), envelope.author());
        let before = read_order(turn.records(), &id)?;
        match &before {
            None if message.order.is_none() => {
                let filed = Filed {
                    id: envelope.id(),
                    author,
                    time: envelope.time(),
                    message,
                };
                if let Err(refusal) = Order::begin(id, &filed) {
                    return Ok(Err(Refusal::Rule(refusal.to_string())));
                }
                if self.open_orders_of(turn, &author)? >= ORDERS_OPEN_PER_BUYER_MAX {
                    return Ok(Err(Refusal::TooMuch(author)));
                }
            }
            None => return Ok(Err(Refusal::NotYet)),
            Some(order) => {
                if order.role(&author).is_none() {
                    return Ok(Err(Refusal::NotForMe));
                }
                // Half of the room is each side's, so neither can silence the other.
                let said = turn.records().order(&id)?;
                if said.iter().filter(|said| said.author() == author).count() >= ORDER_MESSAGES_MAX / 2 {
                    return Ok(Err(Refusal::Rule(OrderRefusal::TooMany.to_string())));
                }
            }
        }
        if let Act::Receipt(receipt) = &message.act
            && receipt
                .public
                .iter()
                .any(|public| public.verify(&mut self.grants).is_err())
        {
            return Ok(Err(Refusal::Rule(
                "a signature in the receipt is not good".into(),
            )));
        }
        if let Err(refusal) = turn.admit(envelope)? {
            return Ok(Err(refusal));
        }
        self.moved(turn, &id, before.map(|order| order.state))?;
        Ok(Ok(()))
    }

    fn open_orders_of(&self, turn: &Turn<'_>, buyer: &AuthorId) -> Result<usize, Fault> {
        let mut open = 0;
        for id in self.watched.keys() {
            open += usize::from(read_order(turn.records(), id)?.is_some_and(|order| order.buyer == *buyer));
        }
        Ok(open)
    }

    /// An order may have moved: brings what depends on it in line, and does what this side does by itself.
    pub(super) fn moved(
        &mut self,
        turn: &mut Turn<'_>,
        id: &OrderId,
        before: Option<State>,
    ) -> Result<State, Fault> {
        let Some(order) = read_order(turn.records(), id)? else {
            return Ok(before.unwrap_or(State::Asked));
        };
        if before != Some(order.state) {
            turn.tell(Happening::OrderMoved {
                order: *id,
                state: order.state.name().into(),
            });
        }
        self.keep_watch(turn, &order)?;
        let act = match order.role(&self.author()) {
            Some(Role::Merchant) => self.merchants_turn(turn, &order)?,
            Some(Role::Buyer) => self.buyers_turn(turn, &order)?,
            None => None,
        };
        match act {
            Some(act) => match self.act_on(turn, &order, act)? {
                Ok(_) => Ok(read_order(turn.records(), id)?.map_or(order.state, |order| order.state)),
                Err(refused) => {
                    turn.act(super::Action::Count(Refusal::Rule(refused.message)));
                    Ok(order.state)
                }
            },
            None => Ok(order.state),
        }
    }

    /// What the merchant's node does without being asked.
    fn merchants_turn(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<Option<Act>, Fault> {
        Ok(match order.state {
            State::Asked => Some(match self.offer(turn, order)? {
                Ok(quote) => Act::Quote(Box::new(quote)),
                Err(reason) => Act::Decline {
                    reason: Prose::fitted(&reason),
                },
            }),
            State::Placed if self.shop_ways(turn)?.accept_by_itself => self.acceptance(turn, order)?.ok(),
            State::Paid
                if order.rail == Some(Rail::Tab)
                    && self.is_paid_by_tab(turn, order)?
                    && self.watch(turn, &order.id)? != Some(Watch::Short) =>
            {
                Some(self.receipt(order)?)
            }
            State::Lapsed if order.refund_due() => {
                self.tab_duties(turn, &order.buyer)?;
                None
            }
            _ => None,
        })
    }

    /// What the buyer's node does without being asked: pay what was accepted, the way that was chosen.
    fn buyers_turn(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<Option<Act>, Fault> {
        if order.state != State::Accepted || order.rail != Some(Rail::Tab) {
            return Ok(None);
        }
        let Some(total) = order.total() else {
            return Ok(None);
        };
        let tab = self.tab_with(turn, &order.merchant, total.currency)?;
        match tab.payment(&order.id) {
            Some(paid) => Ok(Some(Act::Pay {
                proof: Proof::Tab {
                    tab: tab.id,
                    seq: paid.state.seq,
                },
            })),
            None => {
                self.tab_duties(turn, &order.merchant)?;
                Ok(None)
            }
        }
    }

    /// A quote for what was asked, from the shop as it is now; or in words why there is none.
    fn offer(&self, turn: &Turn<'_>, order: &Order) -> Result<Result<Quote, String>, Fault> {
        let me = self.author();
        let Some(terms) = market::terms(turn.records(), &me)? else {
            return Ok(Err("this is no shop".into()));
        };
        let holds = self.holds(turn)?;
        let (mut lines, mut weight, mut ships) = (Vec::new(), 0u64, None);
        for line in &order.lines {
            let Some(listing) = market::listing(turn.records(), &me, &line.listing)? else {
                return Ok(Err(format!("the shop has no {}", line.listing)));
            };
            let title = listing.product.title.clone();
            let variant = listing.variant(&line.variant).filter(|_| listing.is_for_sale());
            let Some((variant, price)) = variant.and_then(|variant| Some((variant, variant.price?))) else {
                return Ok(Err(format!("'{title}' is not for sale")));
            };
            if variant.tracked && !variant.oversell {
                let stock = market::stock(turn.records(), &me, &line.listing)?;
                let left = holds.sellable(&stock, &self.device(), &line.variant);
                // Two lines may name one variant.
                let alike = |other: &&Line| (other.listing, other.variant) == (line.listing, line.variant);
                let wanted = order.lines.iter().filter(alike);
                let wanted: u64 = wanted.map(|line| u64::from(line.units)).sum();
                if left < wanted {
                    return Ok(Err(format!("of '{title}' only {left} are left")));
                }
            }
            if variant.requires_shipping {
                ships = ships.or(Some(listing.product.shipping.clone()));
                weight = weight.saturating_add(u64::from(variant.weight_grams) * u64::from(line.units));
            }
            let label = variant
                .options
                .iter()
                .map(Name::as_str)
                .collect::<Vec<_>>()
                .join(" / ");
            let total = match price.times(line.units) {
                Ok(total) if price.currency == terms.currency => total,
                _ => return Ok(Err(format!("'{title}' has no price for so many"))),
            };
            lines.push(QuoteLine {
                listing: line.listing,
                variant: line.variant,
                title,
                label: Name::fitted(&label),
                units: line.units,
                unit_minor: price.minor,
                total_minor: total.minor,
            });
        }
        Ok(self
            .priced(turn, &terms, order.country, lines, weight, ships)?
            .map_err(|error| error.to_string()))
    }

    fn priced(
        &self,
        turn: &Turn<'_>,
        terms: &ShopTerms,
        country: Country,
        lines: Vec<QuoteLine>,
        weight_grams: u64,
        ships: Option<Name>,
    ) -> Result<Result<Quote, Box<dyn std::error::Error>>, Fault> {
        let manual = !self.shop_ways(turn)?.payment_instructions.is_empty();
        let price = || -> Result<Quote, Box<dyn std::error::Error>> {
            let mut subtotal = Amount::zero(terms.currency);
            for line in &lines {
                subtotal = subtotal.plus(Amount::new(line.total_minor, terms.currency)?)?;
            }
            let shipping = match &ships {
                Some(profile) if !terms.shipping.is_empty() => {
                    terms.rate(profile, country, weight_grams, subtotal)?
                }
                _ => Amount::zero(terms.currency),
            };
            let rails = if manual {
                vec![Rail::Tab, Rail::Manual]
            } else {
                vec![Rail::Tab]
            };
            Ok(Quote {
                lines: List::new(lines.clone())?,
                currency: terms.currency,
                subtotal_minor: subtotal.minor,
                shipping_minor: shipping.minor,
                total_minor: subtotal.plus(shipping)?.minor,
                expires: turn.now.plus_ms(terms.deadlines.quote_ms),
                deadlines: terms.deadlines,
                returns_days: terms.policies.returns_days,
                rails: List::new(rails)?,
            })
        };
        Ok(price())
    }

    /// The receipt of a paid order.
    fn receipt(&self, order: &Order) -> Result<Act, Fault> {
        let broken = |error: &dyn std::fmt::Display| Fault::Broken(error.to_string());
        let total = order
            .total()
            .ok_or_else(|| broken(&"an order without a quote was paid"))?;
        let listings: BTreeSet<ListingId> = order.lines.iter().map(|line| line.listing).collect();
        let keys = &self.keys;
        let public = listings.into_iter().map(|listing| {
            PublicReceipt::sign(
                &keys.device,
                &keys.grant,
                keys.author,
                order.buyer,
                &order.id,
                listing,
            )
        });
        let public = public
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| broken(&error))?;
        Ok(Act::Receipt(Box::new(Receipt {
            total_minor: total.minor,
            currency: total.currency,
            rail: order.rail.unwrap_or(Rail::Manual),
            public: List::new(public).map_err(|error| broken(&error))?,
        })))
    }

    fn is_paid_by_tab(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let Some(total) = order.total() else {
            return Ok(false);
        };
        let tab = self.tab_with(turn, &order.buyer, total.currency)?;
        Ok(tab.paid(&order.id) == Some(total.minor))
    }

    /// Keeps the row of an open order, and moves its stock from held to sold to back again as it goes.
    fn keep_watch(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<(), Fault> {
        let key = order.id.as_bytes();
        let sells = order.role(&self.author()) == Some(Role::Merchant);
        let row = self.watch(turn, &order.id)?;
        let had = row.unwrap_or(Watch::Open);
        let mut has = match order.state {
            _ if !sells => Watch::Open,
            state if state.holds_stock() => Watch::Held,
            State::Asked | State::Declined | State::Cancelled | State::Lapsed => Watch::Open,
            _ => Watch::Sold,
        };
        // A payment that was made before the other side heard of a lapse brings an order back whose
        // units are free again, or somebody else's.
        let is_back = row.is_none() && !self.watched.contains_key(&order.id) && !order.state.is_over();
        if has == Watch::Sold && (had == Watch::Short || is_back) {
            has = match self.has_units(turn, order)? {
                true => Watch::Sold,
                false => Watch::Short,
            };
        }
        if had != Watch::Sold && has == Watch::Sold && !(row.is_none() && order.state.is_over()) {
            self.change_stock(turn, order, true)?;
        } else if had == Watch::Sold && has != Watch::Sold {
            self.change_stock(turn, order, false)?;
        }
        let settled = order.state.is_over() && !order.refund_due();
        let row = (!settled).then_some(&has);
        if row != Some(&had) || !self.watched.contains_key(&order.id) {
            turn.local(Tree::Holds, key, row)?;
        }
        if settled {
            self.watched.remove(&order.id);
        } else {
            self.watched
                .insert(order.id, order.deadline().map(|deadline| deadline.at));
        }
        Ok(())
    }

    /// What is kept for an order that is not over.
    fn watch(&self, turn: &Turn<'_>, id: &OrderId) -> Result<Option<Watch>, Fault> {
        let row = turn.records().get(Tree::Holds, id.as_bytes())?;
        row.map(|bytes| super::stored(Tree::Holds, id.as_bytes(), &bytes))
            .transpose()
    }

    /// Whether this device can still sell what an order is for.
    fn has_units(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let holds = self.holds(turn)?;
        for line in &order.lines {
            let stock = market::stock(turn.records(), &self.author(), &line.listing)?;
            let alike = |other: &&Line| (other.listing, other.variant) == (line.listing, line.variant);
            let wanted: u64 = order
                .lines
                .iter()
                .filter(alike)
                .map(|line| u64::from(line.units))
                .sum();
            if stock.is_counted(&line.variant)
                && holds.sellable(&stock, &self.device(), &line.variant) < wanted
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes an order's counted units off the stock, or puts them back.
    fn change_stock(&mut self, turn: &mut Turn<'_>, order: &Order, sell: bool) -> Result<(), Fault> {
        let (me, device) = (self.author(), self.device());
        for line in &order.lines {
            let mut stock = market::stock(turn.records(), &me, &line.listing)?;
            if !stock.is_counted(&line.variant) {
                continue;
            }
            let units = u64::from(line.units);
            let changed = match sell {
                // What may be sold beyond the count is counted as far as it goes.
                true => stock.spend(
                    device,
                    line.variant,
                    units.min(stock.rights(&device, &line.variant)),
                ),
                false => stock.restore(device, line.variant, units),
            };
            if changed.is_ok() {
                self.say_stock(turn, &stock)?;
            }
        }
        Ok(())
    }

    /// What this device holds for open orders.
    pub(super) fn holds(&self, turn: &Turn<'_>) -> Result<Holds, Fault> {
        let mut holds = Vec::new();
        for id in self.watched.keys() {
            let key = id.as_bytes();
            let Some(row) = turn.records().get(Tree::Holds, key)? else {
                continue;
            };
            if super::stored::<Watch>(Tree::Holds, key, &row)? != Watch::Held {
                continue;
            }
            let Some(order) = read_order(turn.records(), id)? else {
                continue;
            };
            holds.extend(order.lines.iter().map(|line| Hold {
                order: *id,
                listing: line.listing,
                variant: line.variant,
                units: line.units.into(),
            }));
        }
        Ok(Holds::new(holds))
    }

    /// Signs the lapses that only free what is kept for a buyer who is silent. What would take
    /// something from somebody is left to the owner's word.
    pub(super) fn watch_deadlines(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let due = self
            .watched
            .iter()
            .filter(|(_, at)| at.is_some_and(|at| turn.now > at));
        let due: Vec<OrderId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(order) = read_order(turn.records(), &id)? else {
                continue;
            };
            let mine = order.role(&self.author());
            let frees = matches!(order.state, State::Quoted | State::Accepted | State::Fulfilled);
            match order.deadline() {
                Some(deadline) if frees && mine == Some(deadline.who) => {
                    // Refused only while the clock that signed the order's head is ahead of this one.
                    if self.act_on(turn, &order, Act::Lapse)?.is_err() {
                        self.watched.insert(id, Some(turn.now.plus_ms(60_000)));
                    }
                }
                _ => {
                    self.watched.insert(id, None);
                }
            }
        }
        Ok(())
    }

    /// After a start: what was begun before is gone on with.
    pub(super) fn finish_what_was_begun(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        for row in turn.records().scan(Tree::Holds, &Range::of([], usize::MAX))? {
            let Ok(id) = OrderId::from_slice(&row.0) else {
                continue;
            };
            let before = read_order(turn.records(), &id)?.map(|order| order.state);
            self.moved(turn, &id, before)?;
        }
        self.all_tab_duties(turn)
    }
}

/// Whether an act may follow now, in words for the owner.
fn permitted(order: &Order, role: Role, act: &Act, now: Timestamp) -> Result<(), Refused> {
    match order.allows(role, act, now) {
        Ok(_) => Ok(()),
        Err(error) => Err(not_permitted(order, role, &error, now)),
    }
}

fn not_permitted(order: &Order, role: Role, error: &OrderRefusal, now: Timestamp) -> Refused {
    let next = match error {
        OrderRefusal::Expired { .. } => "Ask for a new quote with 'souk buy'.".into(),
        OrderRefusal::NotNow { .. } => match order.open_to(role, now).as_slice() {
            [] => "Nothing is left to do on your side; see 'souk orders show ORDER'.".into(),
            open => {
                let names: Vec<&str> = open.iter().copied().map(Deed::name).collect();
                format!("What you can do now: {}.", names.join(", "))
            }
        },
        _ => "See 'souk orders show ORDER'.".to_owned(),
    };
    Refused::new(Code::NotAllowed, error.to_string(), next)
}

fn no_order(id: &OrderId) -> Refused {
    Refused::new(
        Code::NotFound,
        format!("this node knows no {id}"),
        "See your orders with 'souk orders list'.",
    )
}

fn no_stock(title: &str, left: u64) -> Refused {
    let message = match left {
        0 => format!("'{title}' is sold out"),
        left => format!("of '{title}' only {left} are left"),
    };
    Refused::new(
        Code::NoStock,
        message,
        "Take fewer, or look for another one with 'souk search'.",
    )
}
