//! Shops whose owners sign receipts for each other without an order, review each other upon them, and vouch for
//! each other. They also try to review honest shops, upon receipts that they made up or took from somebody else.

use super::{Actor, Doing, Done, Own, To, shopkeeper};
use crate::chance::Chance;
use serde::{Deserialize, Serialize};
use souk_protocol::body::Body;
use souk_protocol::id::{AuthorId, ListingId, OrderId};
use souk_protocol::market;
use souk_protocol::receipt::PublicReceipt;
use souk_protocol::records::{Range, Tree};
use souk_protocol::review::{Rating, Review};
use souk_protocol::text::Prose;
use souk_protocol::vouch::{PEOPLE, Vouch};
use std::sync::{Arc, Mutex, PoisonError};

/// What the reviewers of a ring tell each other.
#[derive(Debug, Clone, Default)]
pub struct Ring(Arc<Mutex<Told>>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    members: Vec<AuthorId>,
    receipts: Vec<PublicReceipt>,
}

/// One of a ring.
#[derive(Debug)]
pub struct Reviewer {
    ring: Ring,
    acts: u64,
}

impl Reviewer {
    /// One of this ring.
    pub fn of(ring: &Ring) -> Self {
        Self {
            ring: ring.clone(),
            acts: 0,
        }
    }
}

impl Actor for Reviewer {
    fn name(&self) -> &'static str {
        "review-ring"
    }

    fn is_honest(&self) -> bool {
        false
    }

    fn sells(&self) -> bool {
        true
    }

    fn written(&self) -> Vec<u8> {
        super::written(&(self.acts, &*self.told_ring()))
    }

    fn resume(&mut self, written: &[u8]) -> bool {
        // Each of the ring tells all that they told each other.
        let mut known = (0, Told::default());
        let is_read = super::resume(&mut known, written);
        (self.acts, *self.told_ring()) = known;
        is_read
    }

    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        self.told_ring().members.push(own.author());
        Ok(shopkeeper(own, chance))
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        self.acts += 1;
        self.sign_receipts(own)?;
        let said: Option<Body> = match self.acts % 3 {
            0 => self.vouch(own, chance).map(Body::from),
            1 => self.review_each_other(own, chance).map(Body::from),
            _ => self.review_honest(own, chance)?.map(Body::from),
        };
        let said = match said {
            Some(body) => own.sign(Some(own.next()?), body),
            None => None,
        };
        Ok(said.map(|said| Doing::say(said, To::All)).into_iter().collect())
    }
}

impl Reviewer {
    fn told_ring(&self) -> std::sync::MutexGuard<'_, Told> {
        self.ring.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For each other one of the ring a receipt for something that nobody bought.
    fn sign_receipts(&self, own: &Own<'_>) -> Result<(), souk_protocol::records::Fault> {
        let me = own.author();
        let listings = market::listing_ids(own.view.records, &me, None, 1)?;
        let mut told = self.told_ring();
        let known = told.receipts.iter().any(|receipt| receipt.merchant == me);
        let Some(listing) = listings.first().filter(|_| !known) else {
            return Ok(());
        };
        for buyer in told.members.clone() {
            let order = OrderId::from_bytes(*buyer.as_bytes());
            let receipt = made_up(own, me, buyer, order, *listing);
            told.receipts.extend(receipt);
        }
        Ok(())
    }

    fn vouch(&self, own: &Own<'_>, chance: &mut Chance) -> Option<Vouch> {
        let others: Vec<AuthorId> = self.told_ring().members.clone();
        Some(Vouch {
            subject: chance
                .pick(&others)
                .copied()
                .filter(|other| *other != own.author())?,
            category: PEOPLE.parse().ok()?,
            stands: true,
            why: Prose::fitted("The best there is."),
        })
    }

    fn review_each_other(&self, own: &Own<'_>, chance: &mut Chance) -> Option<Review> {
        let told = self.told_ring();
        let mine = told
            .receipts
            .iter()
            .filter(|receipt| receipt.buyer == own.author());
        let mine: Vec<PublicReceipt> = mine.cloned().collect();
        review(chance.pick(&mine)?.clone(), 5)
    }

    /// A bad word about an honest shop, upon a receipt that it never gave.
    fn review_honest(
        &self,
        own: &Own<'_>,
        chance: &mut Chance,
    ) -> Result<Option<Review>, souk_protocol::records::Fault> {
        let stolen = own.view.records.scan(Tree::Timeline, &Range::of([], 50).down())?;
        for (key, _) in &stolen {
            let id = key.last_chunk::<32>().copied();
            let Some(id) = id.map(souk_protocol::id::EnvelopeId::from_bytes) else {
                continue;
            };
            let held = own.view.records.envelope(&id)?;
            if let Some(Body::Review(read)) = held.as_ref().map(|held| held.body())
                && chance.in_thousand(300)
            {
                return Ok(review(read.receipt.clone(), 1));
            }
        }
        let Some((shop, listing)) = own.view.listing(chance)? else {
            return Ok(None);
        };
        let order = OrderId::from_bytes([1; 32]);
        let receipt = made_up(own, shop, own.author(), order, listing);
        Ok(receipt.and_then(|receipt| review(receipt, 1)))
    }
}

/// A receipt in a shop's name that the actor's own device signs.
fn made_up(
    own: &Own<'_>,
    shop: AuthorId,
    buyer: AuthorId,
    order: OrderId,
    listing: ListingId,
) -> Option<PublicReceipt> {
    let keys = &own.keys;
    PublicReceipt::sign(&keys.device, &keys.grant, shop, buyer, &order, listing).ok()
}

fn review(receipt: PublicReceipt, stars: u8) -> Option<Review> {
    Some(Review {
        receipt,
        rating: Rating::try_from(stars).ok()?,
        text: Prose::default(),
    })
}
