//! Says as much as it can: posts without end to whoever follows it, questions without end to shops.

use super::{Actor, Doing, Done, Own, newcomer};
use crate::chance::Chance;
use souk_protocol::api::Command;

/// How often it asks a shop too, of a thousand.
const ASKS: u64 = 50;

/// Says much.
#[derive(Debug)]
pub struct Spammer {
    /// Words at a time.
    pub words: u64,
}

impl Actor for Spammer {
    fn name(&self) -> &'static str {
        "spammer"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        Ok(newcomer(own, chance))
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let posts = (0..self.words).map(|n| Command::Post {
            text: format!("Buy now! {} {n} {}", own.view.now.0, "!".repeat(500)),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        });
        let mut doings: Vec<Doing> = posts.map(Doing::wish).collect();
        if chance.in_thousand(ASKS) {
            doings.extend(own.view.buy(chance)?.map(Doing::wish));
        }
        Ok(doings)
    }

    fn told(&mut self, _what: &souk_protocol::api::Happening, _own: &Own<'_>, _chance: &mut Chance) -> Done {
        Ok(Vec::new())
    }
}
