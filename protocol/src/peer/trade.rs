//! Orders: commands of both sides, messages of the other one, and what follows by itself. All of it is
//! derived from the fold, so doing it again after a crash does nothing twice.

use super::holds::Watch;
use super::offer::NoOffer;
use super::shop::{no_listing, one_variant};
use super::social::{Outcome, check};
use super::turn::Turn;
use super::{Peer, broken, invalid};
use crate::admission::Refusal;
use crate::api::{Code, Happening, LineDraft, Refused, Reply};
use crate::body::Body;
use crate::envelope::Signed;
use crate::id::{AuthorId, DeviceId, ListingId, OrderId};
use crate::limits::{ORDER_MESSAGES_MAX, ORDERS_OPEN_PER_BUYER_MAX};
use crate::market;
use crate::order::{Act, ActKind, Ask, Fulfil, Order, OrderMessage, OrderRefusal, Place, Role, State};
use crate::quote::{Line, QuoteLine};
use crate::receipt::Receipt;
use crate::records::{Fault, Range, Records, Tree};
use crate::review::{Rating, Review};
use crate::settlement::{Instruction, Proof, Rail, Reference};
use crate::shop::Country;
use crate::text::{List, Name, Prose};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// When a deadline that could not be used is looked at again.
const LOOK_AGAIN_MS: u64 = 60_000;

/// Reads an order from the records.
pub fn read_order(records: &dyn Records, id: &OrderId) -> Result<Option<Order>, Fault> {
    let envelopes = records.order(id)?;
    Ok(Order::fold(
        *id,
        envelopes.iter().filter_map(Signed::order_message),
    ))
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
        // The shop would not take it, and it would wait here without a word.
        if self.open_orders_with(&shop, true) >= ORDERS_OPEN_PER_BUYER_MAX {
            let message = format!(
                "{ORDERS_OPEN_PER_BUYER_MAX} of your orders at this shop are open, and it takes no more"
            );
            let next = "Go on with one of them, or cancel it; 'souk orders list' shows them. One that lapsed after you paid is open until the money is back.";
            return Ok(Err(Refused::new(Code::TooMany, message, next)));
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
            let stock = market::stock(turn.records(), &shop, &draft.listing)?;
            if let Some(left) = market::left(variant, &stock).filter(|left| *left < u64::from(draft.units)) {
                return Ok(Err(no_stock(listing.product.title.as_str(), left)));
            }
            lines.push(Line {
                listing: draft.listing,
                variant: variant.id,
                units: draft.units,
            });
        }
        let lines = check!(List::new(lines).map_err(invalid));
        let rails = List::new(Rail::ALL.to_vec()).map_err(broken)?;
        let ask = Ask {
            lines,
            country,
            note,
            rails,
        };
        let message = OrderMessage::ask(shop, ask);
        check!(message.check(&self.author(), &self.device()).map_err(invalid));
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
        let rail: Rail = check!(rail.parse().map_err(invalid));
        let lines = address
            .iter()
            .map(|line| Name::new(line))
            .collect::<Result<Vec<_>, _>>();
        let address = check!(List::new(check!(lines.map_err(invalid))).map_err(invalid));
        check!(permitted(&order, Role::Buyer, ActKind::Place, turn.now));
        let Some((id, quote)) = &order.quote else {
            return Ok(Err(no_order(&order.id)));
        };
        let offered: BTreeSet<Line> = quote.lines.iter().map(QuoteLine::line).collect();
        if offered != order.ask.lines.iter().copied().collect() {
            let message = "the quote is for other things than were asked for";
            let next = "Cancel the order with 'souk orders cancel ORDER', or ask again with 'souk buy'.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let place = Place {
            quote: *id,
            address,
            rail,
        };
        if let (Rail::Tab, Some(total)) = (rail, order.total()) {
            let tab = self.tab_with(turn, &order.merchant, total.currency)?;
            if let Some(room) = self.lacks_room(turn, tab.tab(), &self.author(), total)? {
                let message =
                    format!("the order costs {total}, and your tab with the merchant has room for {room}");
                let next = "Ask the merchant to raise the limit with 'souk tab grant', or pay another way with '--rail manual'.";
                return Ok(Err(Refused::new(Code::TooLittleCredit, message, next)));
            }
        }
        self.act_on(turn, &order, Act::Place(place))
    }

    pub(super) fn accept(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Merchant)?);
        let act = check!(self.acceptance(turn, &order)?);
        self.act_on(turn, &order, act)
    }

    fn acceptance(&self, turn: &Turn<'_>, order: &Order) -> Outcome<Act> {
        let instruction = match (order.rail(), order.total()) {
            (Some(Rail::Tab), Some(total)) => {
                let tab = self.tab_with(turn, &order.buyer, total.currency)?;
                if let Some(room) = self.lacks_room(turn, tab.tab(), &order.buyer, total)? {
                    let message = format!("the order costs {total}, and the buyer's tab has room for {room}");
                    let next = "Raise the limit with 'souk tab grant', or decline the order.";
                    return Ok(Err(Refused::new(Code::TooLittleCredit, message, next)));
                }
                Instruction::Tab {
                    tab: tab.tab().parties.tab(),
                }
            }
            _ => Instruction::Manual {
                text: self.shop_ways(turn)?.payment_instructions,
                account: None,
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
        let reason = Prose::default();
        self.act_on(turn, &order, Act::Cancel { reason })
    }

    pub(super) fn pay(&mut self, turn: &mut Turn<'_>, id: OrderId, reference: &str) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        let reference = check!(Reference::new(reference).map_err(invalid));
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
        check!(permitted(&order, Role::Merchant, ActKind::Receipt, turn.now));
        if order.rail() == Some(Rail::Tab) && !self.is_paid_by_tab(turn, &order)? {
            let message = "the tab does not show this payment";
            return Ok(Err(Refused::new(
                Code::NotAllowed,
                message,
                "Wait for it: it is signed for by itself.",
            )));
        }
        self.keep_watch(turn, &order, Some(order.state))?;
        if self.watch(turn, &id)? == Some(Watch::Short) {
            let message = "the order was paid after it had lapsed, and its units are sold";
            let next = "Raise the stock with 'souk shop stock', or give the money back.";
            return Ok(Err(Refused::new(Code::NoStock, message, next)));
        }
        let act = self.receipt(turn, &order)?;
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
        let lines = List::new(order.lines()).map_err(broken)?;
        let fulfil = Fulfil {
            carrier,
            tracking,
            lines,
        };
        self.act_on(turn, &order, Act::Fulfil(fulfil))
    }

    pub(super) fn complete(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let order = check!(self.mine(turn, &id, Role::Buyer)?);
        self.act_on(turn, &order, Act::Complete {})
    }

    pub(super) fn lapse(&mut self, turn: &mut Turn<'_>, id: OrderId) -> Outcome {
        let (order, role) = check!(self.seen_to(turn, &id)?);
        check!(permitted(&order, role, ActKind::Lapse, turn.now));
        // The buyer would hear of the lapse before it says that it paid, and its money would be gone.
        if order.state == State::Accepted && self.tab_shows_payment(turn, &order)? {
            let message = "the tab shows that the order is paid";
            let next = "Wait for the buyer's node to say so: the receipt is signed by itself.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let act = lapse(&order)?;
        self.act_on(turn, &order, act)
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
        let rating = check!(Rating::try_from(rating).map_err(invalid));
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

    /// An order to which this device sees, and its owner's role in it.
    fn seen_to(&self, turn: &Turn<'_>, id: &OrderId) -> Outcome<(Arc<Order>, Role)> {
        let Some(order) = turn.order(id)? else {
            return Ok(Err(no_order(id)));
        };
        let Some(role) = order.role(&self.author()) else {
            return Ok(Err(no_order(id)));
        };
        if !self.sees_to(turn, &order)? {
            let at = self.signer(&order).unwrap_or(self.primary);
            let message = format!("your device {at} sees to this order");
            let next = "Do it there; 'souk device list' names your devices.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        Ok(Ok((order, role)))
    }

    /// An order to which this device sees and in which its owner has this role.
    fn mine(&self, turn: &Turn<'_>, id: &OrderId, role: Role) -> Outcome<Arc<Order>> {
        let (order, actual) = check!(self.seen_to(turn, id)?);
        if actual != role {
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
    pub(super) fn act_on(&mut self, turn: &mut Turn<'_>, order: &Order, act: Act) -> Outcome {
        let Some(role) = order.role(&self.author()) else {
            return Ok(Err(no_order(&order.id)));
        };
        check!(self.may_act_with(&order.author(role.other())));
        let time = self.clock.next(turn.now);
        let now = Timestamp(time.wall_ms);
        let message = check!(
            order
                .say(role, act, time)
                .map_err(|error| refused(order, role, &error, now))
        );
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
        let (id, author) = (message.order(envelope.id()), envelope.author());
        let before = turn.order(&id)?;
        match &before {
            None if message.order.is_none() => {
                if self.open_orders_with(&author, false) >= ORDERS_OPEN_PER_BUYER_MAX {
                    return Ok(Err(Refusal::TooMuch(author)));
                }
            }
            None => return Ok(Err(Refusal::NotYet)),
            Some(order) => {
                if order.role(&author).is_none() {
                    return Ok(Err(Refusal::NotForMe));
                }
                // Half of the room is each side's, so neither can silence the other.
                if turn.said_in(&id, &author)? >= ORDER_MESSAGES_MAX / 2 {
                    let words = format!("{author} has said all that one side may say in {id}");
                    return Ok(Err(Refusal::Rule(words)));
                }
            }
        }
        let opens = message.order.is_none();
        if let Err(refusal) = turn.admit(envelope)? {
            return Ok(Err(refusal));
        }
        self.sealed = None;
        if opens {
            self.take_ask(turn, &id)?;
        }
        self.moved(turn, &id, before.map(|order| order.state))?;
        Ok(Ok(()))
    }

    /// Orders with somebody that are not settled: those in which this node's owner buys, or those in which it sells.
    fn open_orders_with(&self, other: &AuthorId, buys: bool) -> usize {
        let open = self.watched.values().filter(|watched| watched.buys == buys);
        open.filter(|watched| watched.may_be_with(other)).count()
    }

    /// An order may have moved: brings what depends on it in line, and does what this side does by itself.
    pub(super) fn moved(
        &mut self,
        turn: &mut Turn<'_>,
        id: &OrderId,
        before: Option<State>,
    ) -> Result<State, Fault> {
        let Some(order) = turn.order(id)? else {
            return Ok(before.unwrap_or(State::Asked));
        };
        if before != Some(order.state) {
            turn.tell(Happening::OrderMoved {
                order: *id,
                state: order.state.name().into(),
            });
        }
        if self.may_sign().is_err() {
            return Ok(order.state);
        }
        self.keep_watch(turn, &order, before)?;
        let moved = before.is_some_and(|before| before != order.state);
        if moved && order.rail() == Some(Rail::Tab) && order.state.is_over() {
            self.room_came_free(turn, &order)?;
        }
        if !self.sees_to(turn, &order)? {
            self.settle_for_sibling(turn, &order)?;
            return Ok(order.state);
        }
        let act = match order.role(&self.author()) {
            Some(role) if !self.acts_with(&order.author(role.other())) => None,
            Some(Role::Merchant) => self.merchants_turn(turn, &order)?,
            Some(Role::Buyer) => self.buyers_turn(turn, &order)?,
            None => None,
        };
        match act {
            Some(act) => match self.act_on(turn, &order, act)? {
                Ok(_) => Ok(turn.order(id)?.map_or(order.state, |order| order.state)),
                Err(refused) => {
                    turn.act(super::Action::Count(Refusal::Rule(refused.message)));
                    Ok(order.state)
                }
            },
            None => Ok(order.state),
        }
    }

    /// The device of this side that signed first in an order: what this side says in it, it says there.
    pub(super) fn signer(&self, order: &Order) -> Option<DeviceId> {
        let role = order.role(&self.author());
        let first = order.history.iter().find(|done| Some(done.by) == role);
        first.map(|first| first.device)
    }

    /// Whether this device is the one of its author's that acts in an order: the one that spoke in it
    /// first, before that the one that took the ask. Orders and asks of a device that is none of them any
    /// more are the primary's.
    pub(super) fn sees_to(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        if self.is_out {
            return Ok(false);
        }
        Ok(match self.signer(order) {
            Some(device) if device == self.device() => true,
            // Not to know a device is no proof that it is gone.
            Some(device) => {
                let gone = turn.records().revocation(&self.author(), &device)?.is_some();
                self.is_primary() && gone
            }
            // Nobody has answered: it is the one's to which the buyer brought it.
            None => match self.watch(turn, &order.id)? {
                Some(Watch::At(taker)) => {
                    let gone = turn.records().revocation(&self.author(), &taker)?.is_some();
                    self.is_primary() && gone
                }
                // Nobody is left who could have taken it.
                None | Some(Watch::Elsewhere) => self.is_primary() && self.siblings.is_empty(),
                Some(_) => true,
            },
        })
    }

    /// What the merchant's node does without being asked.
    fn merchants_turn(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<Option<Act>, Fault> {
        Ok(match order.state {
            State::Asked => Some(match self.offer(turn, order)? {
                Ok(quote) => {
                    self.waits.remove(&order.id);
                    Act::Quote(Box::new(quote))
                }
                Err(NoOffer {
                    lacking: Some(lacking),
                    ..
                }) if self.fetch_units(turn, &order.id, lacking)? => return Ok(None),
                Err(NoOffer { words, .. }) => {
                    self.waits.remove(&order.id);
                    Act::Decline {
                        reason: Prose::fitted(&words),
                    }
                }
            }),
            State::Placed if self.shop_ways(turn)?.accept_by_itself => self.acceptance(turn, order)?.ok(),
            State::Paid
                if order.rail() == Some(Rail::Tab)
                    && self.is_paid_by_tab(turn, order)?
                    && self.watch(turn, &order.id)? != Some(Watch::Short) =>
            {
                Some(self.receipt(turn, order)?)
            }
            State::Lapsed if order.refund_due => {
                self.tab_duties(turn, &order.buyer)?;
                None
            }
            _ => None,
        })
    }

    /// What the buyer's node does without being asked: pay what was accepted, the way that was chosen.
    fn buyers_turn(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<Option<Act>, Fault> {
        if order.state != State::Accepted || order.rail() != Some(Rail::Tab) {
            return Ok(None);
        }
        match self.payment_of(turn, order)? {
            Some(proof) => Ok(Some(Act::Pay { proof })),
            None => {
                self.tab_duties(turn, &order.merchant)?;
                Ok(None)
            }
        }
    }

    /// The receipt of a paid order.
    fn receipt(&self, turn: &Turn<'_>, order: &Order) -> Result<Act, Fault> {
        let sale = order.sale().map_err(broken)?;
        let receipt = Receipt::issue(&self.keys.device, &self.keys.grant, &sale, turn.now);
        Ok(Act::Receipt(Box::new(receipt.map_err(broken)?)))
    }

    /// Signs the lapses that only free what is kept for a buyer who is silent. What would take
    /// something from somebody is left to the owner's word.
    pub(super) fn watch_deadlines(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let due = self.watched.iter().filter(|(_, watched)| {
            let passed = |deadline| turn.now >= deadline;
            watched.deadline.is_some_and(passed)
        });
        let due: Vec<OrderId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(order) = turn.order(&id)? else {
                continue;
            };
            // Another device sees to it, or the other side's copy of it has not come yet.
            let other = order.role(&self.author()).map(|role| order.author(role.other()));
            let waits = !self.sees_to(turn, &order)? || other.is_none_or(|other| !self.acts_with(&other));
            let next_look = match !waits && self.lapses_by_itself(turn, &order)? {
                _ if waits => Some(turn.now.plus_ms(LOOK_AGAIN_MS)),
                // Refused only where the order's messages tell of a later deadline than was kept.
                true => match self.act_on(turn, &order, lapse(&order)?)? {
                    Ok(_) => continue,
                    Err(_) => Some(turn.now.plus_ms(LOOK_AGAIN_MS)),
                },
                false => None,
            };
            if let Some(watched) = self.watched.get_mut(&id) {
                watched.deadline = next_look;
            }
        }
        Ok(())
    }

    /// Whether this side's lapse frees what is kept for a silent buyer, and takes nothing from anybody:
    /// an order that the tab shows as paid is not let go, though its buyer has not said so yet.
    fn lapses_by_itself(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let mine = order.lapse().map(|row| row.role) == order.role(&self.author());
        Ok(mine
            && match order.state {
                State::Quoted | State::Fulfilled => true,
                State::Accepted => !self.tab_shows_payment(turn, order)?,
                _ => false,
            })
    }

    /// After a start: what was begun before is gone on with.
    pub(super) fn finish_what_was_begun(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        for row in turn.records().scan(Tree::Holds, &Range::of([], usize::MAX))? {
            let Ok(id) = OrderId::from_slice(&row.0) else {
                continue;
            };
            let before = turn.order(&id)?.map(|order| order.state);
            self.moved(turn, &id, before)?;
        }
        self.all_tab_duties(turn)
    }
}

/// Whether an act may follow now, in words for the owner.
fn permitted(order: &Order, role: Role, act: ActKind, now: Timestamp) -> Result<(), Refused> {
    match order.allows(role, act, now) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(order, role, &error, now)),
    }
}

fn refused(order: &Order, role: Role, error: &OrderRefusal, now: Timestamp) -> Refused {
    let next = match error {
        OrderRefusal::Expired { .. } => "Ask for a new quote with 'souk buy'.".into(),
        OrderRefusal::NotNow { .. } | OrderRefusal::Over { .. } => {
            match order.open_to(role, now).as_slice() {
                [] => "Nothing is left to do on your side; see 'souk orders show ORDER'.".into(),
                open => {
                    let names: Vec<&str> = open.iter().copied().map(ActKind::name).collect();
                    format!("What you can do now: {}.", names.join(", "))
                }
            }
        }
        _ => "See 'souk orders show ORDER'.".to_owned(),
    };
    Refused::new(Code::NotAllowed, error.to_string(), next)
}

/// The lapse of what is due now.
fn lapse(order: &Order) -> Result<Act, Fault> {
    let due = order.due().map(|(due, _)| Act::Lapse { due });
    due.ok_or_else(|| broken("an order lapses in which nothing is due"))
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
