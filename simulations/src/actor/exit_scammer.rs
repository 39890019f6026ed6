//! Keeps a shop until somebody pays in advance, buys of that somebody with the money, and sends nothing.

use super::{Actor, Doing, Done, Own, To, newcomer};
use crate::chance::Chance;
use souk_protocol::api::Happening;
use souk_protocol::id::{AuthorId, OrderId, TabId};
use souk_protocol::order::{Act, Order, OrderMessage, Place, Role, State};
use souk_protocol::records::Fault;
use souk_protocol::settlement::Rail;
use souk_protocol::tab::{Change, Tab};
use souk_protocol::text::{List, Name};
use std::collections::BTreeSet;

/// Takes and does not send. Its own peer would spend nothing that is not earned, so it orders and pays by hand.
#[derive(Debug, Default)]
pub struct ExitScammer {
    bought: BTreeSet<OrderId>,
}

impl Actor for ExitScammer {
    fn name(&self) -> &'static str {
        "exit-scammer"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn sells(&self) -> bool {
        true
    }

    fn pays(&self) -> bool {
        false
    }

    fn written(&self) -> Vec<u8> {
        super::written(&self.bought)
    }

    fn resume(&mut self, written: &[u8]) -> bool {
        super::resume(&mut self.bought, written)
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let view = &own.view;
        let shop = crate::cast::opening(view.scenario, view.people, view.at, chance);
        let shop = shop.into_iter().map(Doing::wish);
        Ok(shop.chain(newcomer(own, chance)).collect())
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let mut doings: Vec<Doing> = self.bought.iter().filter_map(|id| pays(id, own)).collect();
        let payers = payers(own)?;
        let wish = match chance.pick(&payers) {
            Some(payer) => own.view.buy_of(*payer, chance)?,
            None => None,
        };
        doings.extend(wish.map(Doing::wish));
        Ok(doings)
    }

    fn told(&mut self, what: &Happening, own: &Own<'_>, chance: &mut Chance) -> Done {
        let Happening::OrderMoved { order: id, .. } = what else {
            return Ok(Vec::new());
        };
        let Some(order) = own.view.order(id) else {
            return Ok(Vec::new());
        };
        match (order.role(&own.author()), order.state) {
            (Some(Role::Buyer), State::Quoted) => {
                self.bought.insert(*id);
                Ok(places(order, own).into_iter().collect())
            }
            // What it has been paid for it does not send.
            (Some(Role::Merchant), State::Paid | State::Receipted) | (Some(Role::Buyer), _) => Ok(Vec::new()),
            _ => {
                let wish = own.view.attend(&crate::cast::Moved::Order(*id), chance)?;
                Ok(wish.map(Doing::wish).into_iter().collect())
            }
        }
    }
}

/// Shops that paid in advance for what has not been sent.
fn payers(own: &Own<'_>) -> Result<Vec<AuthorId>, Fault> {
    let sells = |author: &AuthorId| {
        let mut people = own.view.people.iter();
        people.any(|person| person.sells && person.author == *author)
    };
    let orders = own.view.orders()?;
    let orders = orders.iter().filter_map(|id| own.view.order(id));
    let paid = orders.filter(|order| {
        let sold = order.role(&own.author()) == Some(Role::Merchant);
        sold && matches!(order.state, State::Paid | State::Receipted) && sells(&order.buyer)
    });
    Ok(paid.map(|order| order.buyer).collect())
}

/// Orders upon a quote, to be paid upon the tab, whatever there is to pay with.
fn places(order: &Order, own: &Own<'_>) -> Option<Doing> {
    let (quote, _) = order.quote.as_ref()?;
    let address = List::new(vec![Name::fitted("Somewhere 1")]).ok()?;
    let place = Place {
        quote: *quote,
        address,
        rail: Rail::Tab,
    };
    says(order, Act::Place(place), own)
}

/// The next word towards the payment of an order that was placed by hand. Its own node knows nothing of such
/// words, so it goes by what the shop's node has: all of it was said to it, or by it.
fn pays(id: &OrderId, own: &Own<'_>) -> Option<Doing> {
    let order = own.view.book.wholes.get(id)?;
    let (total, me) = (order.total()?, own.author());
    let tab = shops_copy(order, own)?;
    match (order.state, tab.paid.get(id)) {
        (State::Accepted, Some(payment)) => says(
            order,
            Act::Pay {
                proof: payment.proof(),
            },
            own,
        ),
        (State::Accepted, None) => {
            let change = Change::Pay {
                order: *id,
                from: me,
                amount_minor: total.minor,
            };
            // Nothing while another state waits.
            let message = tab.propose(&me, change, own.view.now).ok()?;
            Some(Doing::say(own.sign(None, message)?, To::All))
        }
        _ => None,
    }
}

fn shops_copy<'a>(order: &Order, own: &Own<'a>) -> Option<&'a Tab> {
    let tab = TabId::of(&order.buyer, &order.merchant, order.total()?.currency.code());
    let mut people = own.view.people.iter();
    let shop = people.position(|person| person.author == order.merchant)?;
    Some(own.view.book.ledger(shop, &tab)?.tab())
}

fn says(order: &Order, act: Act, own: &Own<'_>) -> Option<Doing> {
    let message = OrderMessage {
        order: Some(order.id),
        to: order.merchant,
        after: Some(order.head),
        act,
    };
    Some(Doing::say(own.sign(None, message)?, To::All))
}
