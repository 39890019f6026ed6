//! Keeps a shop until somebody pays in advance, buys of that somebody with the money, and sends nothing.

use super::{Actor, Doing, Done, Own, To, shopkeeper};
use crate::chance::Chance;
use souk_protocol::api::Happening;
use souk_protocol::id::{AuthorId, OrderId, TabId};
use souk_protocol::order::{Act, Order, Place, Role, State};
use souk_protocol::settlement::Rail;
use souk_protocol::tab::Change;
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
        Ok(shopkeeper(own, chance))
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let mut doings: Vec<Doing> = self.bought.iter().filter_map(|id| pays(id, own)).collect();
        let payers = payers(own);
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

/// Shops that paid in advance, upon the tab, for what has not been sent.
fn payers(own: &Own<'_>) -> Vec<AuthorId> {
    let (view, me) = (&own.view, own.author());
    let shops = view
        .people
        .iter()
        .filter(|person| person.sells && person.author != me);
    let paid = shops.filter(|shop| {
        view.book.between(view.at, &me, &shop.author).any(|order| {
            let is_paid = matches!(order.state, State::Paid | State::Receipted);
            order.merchant == me && is_paid && order.rail() == Some(Rail::Tab)
        })
    });
    paid.map(|shop| shop.author).collect()
}

/// Orders upon a quote, to be paid upon the tab, whatever there is to pay with.
fn places(order: &Order, own: &Own<'_>) -> Option<Doing> {
    let (quote, _) = order.quote.as_ref()?;
    let place = Place {
        quote: *quote,
        address: List::new(vec![Name::fitted("Somewhere 1")]).ok()?,
        rail: Rail::Tab,
    };
    Some(Doing::say(own.act(order, Act::Place(place))?, To::All))
}

/// The next word towards the payment of an order that was placed by hand. Its own node knows nothing of such
/// words, so it goes by what the shop's node holds: all of it was said to it, or by it.
fn pays(id: &OrderId, own: &Own<'_>) -> Option<Doing> {
    let (view, me) = (&own.view, own.author());
    let merchant = view.order(id)?.merchant;
    let shop = view.people.iter().position(|person| person.author == merchant)?;
    let order = view.book.folds.get(&(shop, *id))?;
    let total = order.total()?;
    let tab = TabId::of(&me, &merchant, total.currency.code());
    let tab = view.book.ledger(shop, &tab)?.tab();
    let word = match (order.state, tab.paid.get(id)) {
        (State::Accepted, Some(payment)) => {
            let proof = payment.proof();
            own.act(order, Act::Pay { proof })?
        }
        (State::Accepted, None) => {
            let change = Change::Pay {
                order: *id,
                from: me,
                amount_minor: total.minor,
            };
            // Nothing while another state waits.
            own.sign(None, tab.propose(&me, change, view.now).ok()?)?
        }
        _ => return None,
    };
    Some(Doing::say(word, To::All))
}
