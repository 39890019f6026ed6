//! How things stand in a world, now and then and at its end. Described in `spec/simulations.md`.

use super::*;

/// How orders stood at a moment.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// When, in milliseconds.
    pub time_ms: u64,
    /// Orders that were begun.
    pub orders: u64,
    /// Of these, completed.
    pub completed: u64,
    /// Money of orders with a receipt, in minor units.
    pub paid_minor: i64,
}

/// What stands in the world at its end.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Census {
    /// Envelopes that were signed.
    pub envelopes: usize,
    /// Orders, by state as their buyers read them.
    pub orders: BTreeMap<&'static str, u64>,
    /// Completed orders, by the way they were paid.
    pub completed: BTreeMap<&'static str, u64>,
    /// Orders with a receipt.
    pub receipts: u64,
    /// Completed orders with a review.
    pub reviews: u64,
    /// Tabs.
    pub tabs: usize,
    /// Units sold of the first shop's first product.
    pub rush_sold: u64,
    /// Of these, sold by another device than the shop's first one.
    pub rush_sold_elsewhere: u64,
    /// Orders for it.
    pub rush_wanted: u64,
    /// Bytes of all documents of the first device of each shop.
    pub documents_bytes: u64,
    /// Bytes of the largest of them.
    pub largest_document_bytes: u64,
    /// Rows of all stores.
    pub rows: usize,
    /// Reviews that were signed by hand.
    pub fake_reviews: u64,
    /// What liars cost, if there are any and all laws held.
    pub toll: Option<super::toll::Toll>,
    /// How long it took in the world.
    pub virtual_ms: u64,
    /// How long after the storm it took until all agreed, to the scenario's `look_every_ms`.
    pub converged_ms: u64,
}

impl World {
    /// Who takes part.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Public words that somebody's first device has said.
    pub fn public_words(&self, author: &AuthorId) -> Result<u64, Fault> {
        let at = self.authors.get(author).and_then(|at| self.nodes.get(*at));
        let head = at.map(|node| (&node.store as &dyn Records).log_head(&node.identity.device));
        Ok(head.transpose()?.flatten().map_or(0, |(seq, _)| seq))
    }

    /// How orders stand at this moment, for the curves of a report.
    pub(super) fn sample(&mut self) {
        let mut sample = Sample {
            time_ms: self.time,
            ..Sample::default()
        };
        let authors = |at: &usize| self.people.get(*at).map(|person| person.author);
        for ((at, _, buyer), between) in self.book.sums.pairs() {
            if authors(at) == Some(*buyer) {
                sample.orders += between.orders.len() as u64;
                sample.completed += between.completed;
                sample.paid_minor += between.paid_minor;
            }
        }
        self.samples.push(sample);
    }

    /// What stands in the world: orders by state, tabs, envelopes, rows.
    pub fn census(&self) -> Census {
        let mut census = Census {
            envelopes: self.book.envelopes(),
            tabs: self.book.tabs.len(),
            reviews: self.book.reviewed(),
            fake_reviews: self.fake_reviews(),
            toll: self.toll().ok().filter(|_| !self.book.liars.is_empty()),
            virtual_ms: self.time,
            converged_ms: self.time.saturating_sub(self.scenario.storm.duration_ms),
            ..Census::default()
        };
        let authors: Vec<AuthorId> = self.people.iter().map(|person| person.author).collect();
        for ((at, _), order) in &self.book.folds {
            if authors.get(*at) == Some(&order.buyer) {
                *census.orders.entry(order.state.name()).or_default() += 1;
                census.receipts += u64::from(order.receipt.is_some());
                if let Some(rail) = order.rail().filter(|_| order.state == State::Completed) {
                    *census.completed.entry(rail.name()).or_default() += 1;
                }
            }
        }
        let documents = self
            .people
            .iter()
            .zip(&self.nodes)
            .filter(|(person, _)| person.sells);
        for bytes in documents.flat_map(|(_, node)| laws::document_sizes(&node.store)) {
            census.documents_bytes += bytes;
            census.largest_document_bytes = census.largest_document_bytes.max(bytes);
        }
        (census.rush_sold, census.rush_sold_elsewhere, census.rush_wanted) = self.rush();
        census.rows = self.nodes.iter().map(|node| node.store.rows()).sum();
        census
    }
}
