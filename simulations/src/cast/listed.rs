//! Wishes by a list of a researcher's own.

use super::*;
use crate::scenario::society::{Row, What};

impl View<'_> {
    /// What a row of a list wishes.
    pub fn listed(&self, row: &Row, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        if row.what == What::Act {
            return self.wish(chance);
        }
        let post = || Command::Post {
            text: row.text.clone(),
            tags: Vec::new(),
            reply_to: None,
            reshare: None,
        };
        let Some(author) = row
            .other
            .and_then(|other| self.people.get(other))
            .map(|other| other.author)
        else {
            return Ok((row.what == What::Post).then(post));
        };
        Ok(match row.what {
            What::Post => Some(post()),
            What::Follow => Some(Command::Follow {
                author,
                public: false,
            }),
            What::Unfollow => Some(Command::Unfollow { author }),
            What::Vouch => Some(Command::Vouch {
                subject: author,
                category: "people".into(),
                stands: true,
                why: row.text.clone(),
            }),
            What::Grant => Some(Command::GrantTab {
                to: author,
                limit: Amount {
                    minor: row.minor.unwrap_or(0),
                    currency: Currency::EUR,
                },
                vouched: false,
            }),
            What::Buy => self.buys(author, row.units.unwrap_or(1))?,
            What::Act => None,
        })
    }

    /// A question for the first listing of a shop, if it is held here.
    fn buys(&self, shop: AuthorId, units: u32) -> Result<Option<Command>, Fault> {
        let listings = market::listing_ids(self.records, &shop, None, 1)?;
        let Some(listing) = listings.first().copied() else {
            return Ok(None);
        };
        let variants = market::listing(self.records, &shop, &listing)?.map(|read| read.variants);
        let variant = variants.and_then(|variants| variants.first().map(|variant| variant.id));
        Ok(Some(Command::AskQuote {
            shop,
            lines: vec![LineDraft {
                listing,
                variant,
                units,
            }],
            country: "DE".into(),
            note: String::new(),
        }))
    }
}
