//! Says two things under one number, each to others; and signs two states of a tab with one number.

use super::{Actor, Doing, Done, Own, To, newcomer};
use crate::chance::Chance;
use souk_protocol::envelope::{Chain, Signed};
use souk_protocol::id::TabId;
use souk_protocol::money::Currency;
use souk_protocol::peer::{read_tab, tab_parties};
use souk_protocol::post::Post;
use souk_protocol::records::{Range, Tree};
use souk_protocol::tab::Change;
use souk_protocol::text::{List, Prose};

/// Has two tongues.
#[derive(Debug, Default)]
pub struct Equivocator {
    /// The last word of each tongue.
    last: [Option<(u64, souk_protocol::id::EnvelopeId)>; 2],
}

impl Actor for Equivocator {
    fn name(&self) -> &'static str {
        "equivocator"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn written(&self) -> Vec<u8> {
        super::written(&self.last)
    }

    fn resume(&mut self, written: &[u8]) -> bool {
        super::resume(&mut self.last, written)
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        Ok(newcomer(own, chance))
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        match chance.below(4) {
            0 => {
                let wish = own.view.buy(chance)?;
                Ok(wish.map(Doing::wish).into_iter().collect())
            }
            1 => two_states(own, chance),
            _ => self.two_words(own),
        }
    }
}

impl Equivocator {
    /// Half of the listeners hear one word, half another one with the same number; always the same halves.
    fn two_words(&mut self, own: &Own<'_>) -> Done {
        let (one, other) = own.connected.iter().partition(|listener| **listener % 2 == 0);
        let mut doings = Vec::new();
        let halves: [Vec<usize>; 2] = [one, other];
        for (tongue, half) in halves.into_iter().enumerate() {
            let Some(last) = self.last.get_mut(tongue) else {
                continue;
            };
            let place = match last {
                Some(_) => Chain::after(*last),
                None => own.next()?,
            };
            let said = own.sign(Some(place), word(&format!("Tongue {tongue} says {}", place.seq)));
            *last = said.as_ref().map(|said| (place.seq, said.id())).or(*last);
            doings.extend(said.map(|said| Doing::say(said, To::Some(half))));
        }
        Ok(doings)
    }
}

fn word(text: &str) -> Post {
    Post {
        text: Prose::fitted(text),
        tags: List::default(),
        reply_to: None,
        reshare: None,
        media: List::default(),
    }
}

/// The other side of a tab gets two states of one number.
fn two_states(own: &Own<'_>, chance: &mut Chance) -> Done {
    let (me, records) = (own.author(), own.view.records);
    let rows = records.scan(Tree::Tabs, &Range::of([], usize::MAX))?;
    let tabs: Vec<TabId> = rows
        .iter()
        .filter_map(|(key, _)| TabId::from_slice(key).ok())
        .collect();
    let Some(tab) = chance.pick(&tabs) else {
        return Ok(Vec::new());
    };
    let other = tab_parties(records, tab)?.and_then(|parties| parties.other(&me).ok());
    let Some(other) = other else {
        return Ok(Vec::new());
    };
    let tab = read_tab(records, &me, &other, Currency::EUR)?;
    let states = [100, 200].into_iter().filter_map(|limit_minor| {
        let change = Change::SetLimit { by: me, limit_minor };
        let message = tab.propose(&me, change, own.view.now).ok()?;
        own.sign(None, message)
    });
    let states: Vec<Signed> = states.collect();
    Ok(states
        .into_iter()
        .map(|state| Doing::say(state, To::All))
        .collect())
}
