//! What those who are not honest cost the others, and what others know of them. Described in `spec/simulations.md`.

use super::*;
use souk_protocol::body::Body;
use souk_protocol::feed;
use souk_protocol::market;
use souk_protocol::order::Act;
use souk_protocol::view;
use souk_protocol::vouch::PEOPLE;

/// Listings of a shop and reviews of a listing that are looked at.
const READ_MAX: usize = 1_000;

/// What liars cost and what is known of them.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Toll {
    /// The most that somebody honest would lose to one liar, in minor units.
    pub lost_minor_max: i64,
    /// All such losses.
    pub lost_minor_sum: i64,
    /// The greatest part of a limit that was lost.
    pub lost_of_granted_max: f64,
    /// Liars to whom somebody lost something.
    pub debtors: u64,
    /// What honest people paid liars upon tabs for orders that are not completed, given back or not, in minor units.
    pub advanced_minor_sum: i64,
    /// Orders that liars placed past their peers.
    pub placed_by_hand: u64,
    /// Authors who said two things under one number by hand.
    pub equivocators: u64,
    /// Of all pairs of one of them and an honest reader, those where the reader can prove it.
    pub proved_share: f64,
    /// Reviews that were signed without a purchase, each as often as somebody honest holds it.
    pub fake_reviews_held: u64,
    /// Of these, those that are shown as a buyer's word about a shop that is not the liars' own.
    pub fake_badges: u64,
    /// Of all pairs of a liar and somebody honest, those where somebody whom the latter follows vouches for the liar.
    pub vouched_share: f64,
    /// Of orders between honest people, those that came to their good end.
    pub honest_completed_share: f64,
    /// The most public words of one liar that somebody honest holds.
    pub words_of_one_max: u64,
}

impl World {
    /// What the liars of this world cost; all 0 if there are none.
    pub fn toll(&self) -> Result<Toll, Broken> {
        let mut toll = Toll::default();
        let liars: Vec<usize> = (0..self.nodes.len())
            .filter(|at| self.book.liars.has(*at))
            .collect();
        let honest: Vec<usize> = (0..self.nodes.len())
            .filter(|at| !self.book.liars.has(*at))
            .collect();
        let share = |part: u64, of: u64| part as f64 / of.max(1) as f64;
        self.lost(&liars, &honest, &mut toll)?;
        let placed = self.book.by_hand().filter_map(Signed::order_message);
        let placed = placed.filter(|filed| matches!(filed.message.act, Act::Place(_)));
        let placed: BTreeSet<_> = placed.map(|filed| filed.message.order).collect();
        toll.placed_by_hand = placed.len() as u64;
        let seen = self.seen();
        let witnesses = laws::witnesses(&self.book, &seen)?;
        let faces: BTreeSet<AuthorId> = self.book.liars.two_faced().map(|(author, ..)| author).collect();
        toll.equivocators = faces.len() as u64;
        let proving = witnesses.iter().filter(|witness| witness.proves).count();
        toll.proved_share = share(proving as u64, witnesses.len() as u64);
        let (mut pairs, mut vouched) = (0, 0);
        for at in &honest {
            let fault = |fault: Fault| Broken::new(Law::NoFault, fault.to_string(), [*at]);
            self.read_reviews(*at, &mut toll).map_err(fault)?;
            for liar in &liars {
                pairs += 1;
                vouched += u64::from(self.trusts(*at, *liar).map_err(fault)?);
            }
            self.count_words(*at, &liars, &mut toll).map_err(fault)?;
        }
        toll.vouched_share = share(vouched, pairs);
        let between =
            |order: &&Arc<souk_protocol::order::Order>| !self.book.with_liar([&order.buyer, &order.merchant]);
        let orders = self.book.wholes.values().filter(between);
        let (mut all, mut completed) = (0, 0);
        for order in orders {
            all += 1;
            completed += u64::from(order.state == State::Completed);
        }
        toll.honest_completed_share = share(completed, all);
        Ok(toll)
    }

    fn lost(&self, liars: &[usize], honest: &[usize], toll: &mut Toll) -> Result<(), Broken> {
        let author = |at: &usize| self.nodes.get(*at).map(|node| node.identity.author);
        for liar in liars {
            let mut owes = false;
            for at in honest {
                let (Some(me), Some(to)) = (author(at), author(liar)) else {
                    continue;
                };
                let devices = self.homes.devices(self.homes.person(*at));
                let pays = |author: &AuthorId| self.pays(author);
                let exposure = laws::exposure(&self.book, *at, devices, &me, &to, pays)?;
                let lost = exposure.lost_minor.max(0);
                toll.advanced_minor_sum += exposure.advanced_minor;
                owes |= lost > 0;
                toll.lost_minor_sum += lost;
                toll.lost_minor_max = toll.lost_minor_max.max(lost);
                let of_granted = lost as f64 / exposure.granted_minor.max(1) as f64;
                toll.lost_of_granted_max = toll.lost_of_granted_max.max(of_granted);
            }
            toll.debtors += u64::from(owes);
        }
        Ok(())
    }

    /// Fake reviews that a node shows.
    fn read_reviews(&self, at: usize, toll: &mut Toll) -> Result<(), Fault> {
        let Some(node) = self.nodes.get(at) else {
            return Ok(());
        };
        let held = node.store.scan(Tree::Reviews, &Range::of([], usize::MAX))?;
        let ids = held.iter().filter_map(|(key, _)| key.last_chunk::<32>().copied());
        let fake = ids.filter(|id| self.book.liars.signed(&EnvelopeId::from_bytes(*id)));
        toll.fake_reviews_held += fake.count() as u64;
        let honest = |shop: &AuthorId| !self.book.liars.speaks(shop);
        for shop in market::shops(&node.store)?.into_iter().filter(honest) {
            for listing in market::listing_ids(&node.store, &shop, None, READ_MAX)? {
                let shown = view::reviews(&node.store, &shop, &listing, READ_MAX)?.items;
                let fake = shown
                    .iter()
                    .filter(|shown| shown.bought && self.book.liars.signed(&shown.id));
                toll.fake_badges += fake.count() as u64;
            }
        }
        Ok(())
    }

    /// Whether somebody whom a node's owner follows vouches for a liar: what a grant upon a vouch asks.
    fn trusts(&self, at: usize, liar: usize) -> Result<bool, Fault> {
        let (Some(node), Some(liar)) = (self.nodes.get(at), self.nodes.get(liar)) else {
            return Ok(false);
        };
        let standing = feed::standing_vouches(&node.store, &liar.identity.author, PEOPLE)?;
        for author in standing.keys() {
            if view::reads(&node.store, author)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn count_words(&self, at: usize, liars: &[usize], toll: &mut Toll) -> Result<(), Fault> {
        let Some(store) = self.nodes.get(at).map(|node| &node.store as &dyn Records) else {
            return Ok(());
        };
        for liar in liars.iter().filter_map(|liar| self.nodes.get(*liar)) {
            let head = store.log_head(&liar.identity.device)?;
            toll.words_of_one_max = toll.words_of_one_max.max(head.map_or(0, |(seq, _)| seq));
        }
        Ok(())
    }

    /// Reviews that were signed by hand.
    pub(super) fn fake_reviews(&self) -> u64 {
        let by_hand = self
            .book
            .by_hand()
            .filter(|signed| matches!(signed.body(), Body::Review(_)));
        by_hand.count() as u64
    }
}
