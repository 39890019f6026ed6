//! Many fresh accounts of one person: they follow and vouch for each other, and all of them ask the first shop for
//! prices that they never take, so that its units are held for nobody.

use super::{Actor, Doing, Done, Own};
use crate::chance::Chance;
use souk_protocol::api::{Command, Happening, LineDraft};
use souk_protocol::market;
use souk_protocol::vouch::PEOPLE;

/// One of many.
#[derive(Debug)]
pub struct Sybil {
    /// Questions at a time.
    pub words: u64,
    /// How many there are.
    pub of: usize,
}

impl Actor for Sybil {
    fn name(&self) -> &'static str {
        "sybil"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let view = &own.view;
        let mut doings = vec![Doing::wish(Command::SetProfile {
            name: format!("Friend {}", view.at),
            about: String::new(),
        })];
        let shop = view.people.iter().find(|person| person.sells);
        let shop = shop.map(|shop| shop.author);
        // Its kind came at once, so their numbers are near its own.
        let near = view.at.saturating_sub(self.of)..=view.at + self.of;
        let fresh = near.filter(|at| *at >= view.scenario.nodes && *at != view.at);
        let mut others: Vec<_> = fresh
            .filter_map(|at| view.people.get(at))
            .map(|other| other.author)
            .collect();
        chance.shuffle(&mut others);
        others.truncate(4);
        for other in &others {
            doings.push(Doing::wish(Command::Vouch {
                subject: *other,
                category: PEOPLE.into(),
                stands: true,
                why: String::new(),
            }));
        }
        let follows = others.into_iter().chain(shop);
        doings.extend(follows.map(|author| Doing::wish(Command::Follow { author, public: true })));
        Ok(doings)
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let view = &own.view;
        let Some(shop) = view
            .people
            .iter()
            .find(|person| person.sells)
            .map(|shop| shop.author)
        else {
            return Ok(Vec::new());
        };
        let mut doings = Vec::new();
        for _ in 0..self.words {
            let listings = market::listing_ids(view.records, &shop, None, 8)?;
            let Some(listing) = chance.pick(&listings).copied() else {
                break;
            };
            let variants = market::listing(view.records, &shop, &listing)?.map(|read| read.variants);
            let variant = chance
                .pick(&variants.unwrap_or_default())
                .map(|variant| variant.id);
            doings.push(Doing::wish(Command::AskQuote {
                shop,
                lines: vec![LineDraft {
                    listing,
                    variant,
                    units: 1,
                }],
                country: "DE".into(),
                note: String::new(),
            }));
        }
        Ok(doings)
    }

    fn told(&mut self, _what: &Happening, _own: &Own<'_>, _chance: &mut Chance) -> Done {
        Ok(Vec::new())
    }
}
