//! Buys whatever somebody gives credit for, or takes a promise for, and never pays. What it got it disputes.

use super::{Actor, Doing, Done, Own, To, newcomer};
use crate::chance::Chance;
use souk_protocol::api::Happening;
use souk_protocol::order::{Act, Order, Role, State};
use souk_protocol::quote::Due;
use souk_protocol::text::Prose;
use std::collections::BTreeSet;

/// Buys, and does not pay.
#[derive(Debug, Default)]
pub struct Defaulter {
    disputed: BTreeSet<souk_protocol::id::OrderId>,
}

impl Actor for Defaulter {
    fn name(&self) -> &'static str {
        "defaulter"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn pays(&self) -> bool {
        false
    }

    fn written(&self) -> Vec<u8> {
        super::written(&self.disputed)
    }

    fn resume(&mut self, written: &[u8]) -> bool {
        super::resume(&mut self.disputed, written)
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        Ok(newcomer(own, chance))
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let wish = own.view.buy(chance)?;
        Ok(wish.map(Doing::wish).into_iter().collect())
    }

    fn told(&mut self, what: &Happening, own: &Own<'_>, chance: &mut Chance) -> Done {
        let Happening::OrderMoved { order: id, .. } = what else {
            return Ok(Vec::new());
        };
        let order = own.view.order(id);
        match order.filter(|order| order.role(&own.author()) == Some(Role::Buyer)) {
            Some(order) if matches!(order.state, State::Receipted | State::Fulfilled) => {
                // Nothing of this takes back what both signed.
                Ok(match self.disputed.insert(*id) {
                    true => disputes(order, own),
                    false => Vec::new(),
                })
            }
            _ => {
                let wish = own.view.attend(&crate::cast::Moved::Order(*id), chance)?;
                Ok(wish.map(Doing::wish).into_iter().collect())
            }
        }
    }
}

/// Takes the order back, and says that the merchant was silent.
fn disputes(order: &Order, own: &Own<'_>) -> Vec<Doing> {
    let reason = Prose::fitted("It never came.");
    let acts = [
        Act::Cancel { reason },
        Act::Lapse { due: Due::Fulfil },
        Act::Lapse { due: Due::Receipt },
    ];
    let words = acts.into_iter().filter_map(|act| own.act(order, act));
    words.map(|word| Doing::say(word, To::All)).collect()
}
