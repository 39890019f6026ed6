//! What is public of one shop. This is all that the storefront can reach of the node: reading, of this
//! shop, of what any stranger gets who asks for it.

use super::super::super::Node;
use super::super::super::app::blocking;
use super::super::super::inventory::{Row, Shelf};
use super::super::super::limits::FRONT_REVIEWS_MAX;
use super::super::super::problem::Problem;
use crate::search::Query;
use crate::search::limits::OFFSET_MAX;
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::market;
use souk_protocol::records::{Fault, Records};
use souk_protocol::shop::ShopTerms;
use souk_protocol::text::{Name, Prose};
use souk_protocol::view::{self, ListingView, ReviewView};
use std::sync::Arc;

/// As whom it reads: somebody who is nobody, whom the shop shows what is published.
const STRANGER: AuthorId = AuthorId::from_bytes([0; 32]);

/// A shop as the world sees it.
#[derive(Clone)]
pub(in super::super::super) struct PublicShop {
    node: Node,
    shelf: Arc<Shelf>,
}

/// What the shop says of itself.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) shop: AuthorId,
    pub(super) name: Option<Name>,
    pub(super) words: Prose,
    pub(super) terms: Option<ShopTerms>,
}

/// Listings that were found.
pub(super) struct Found {
    pub(super) listings: Vec<ListingView>,
    pub(super) total: usize,
}

impl PublicShop {
    pub(in super::super::super) fn new(node: Node, shelf: Arc<Shelf>) -> Self {
        Self { node, shelf }
    }
    /// Whose shop it is.
    pub(super) fn shop(&self) -> AuthorId {
        self.node.author()
    }
    /// Now, in milliseconds since 1970.
    pub(super) fn now_ms(&self) -> u64 {
        self.node.now().0
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Records, AuthorId) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let (node, shop) = (self.node.clone(), self.shop());
        Ok(blocking(move || node.records().read(|records| query(records, shop))).await??)
    }

    pub(super) async fn about(&self) -> Result<About, Problem> {
        self.read(|records, shop| {
            let profile = view::profile(records, &STRANGER, &shop)?;
            Ok(About {
                shop,
                name: feed::name(records, &shop)?,
                words: profile.map(|profile| profile.about).unwrap_or_default(),
                terms: market::terms(records, &shop)?,
            })
        })
        .await
    }

    /// All that is for sale, the last changed first.
    pub(super) async fn rows(&self) -> Result<Vec<Arc<Row>>, Problem> {
        let (shelf, node) = (self.shelf.clone(), self.node.clone());
        let inventory = blocking(move || shelf.inventory(&node)).await??;
        let for_sale = inventory.rows().iter().filter(|row| row.for_sale);
        let mut rows: Vec<Arc<Row>> = for_sale.cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.updated));
        Ok(rows)
    }
    /// Categories of what is for sale, the most frequent first.
    pub(super) async fn categories(&self) -> Result<Vec<(String, usize)>, Problem> {
        let (shelf, node) = (self.shelf.clone(), self.node.clone());
        Ok(blocking(move || shelf.inventory(&node)).await??.categories())
    }

    /// A listing that is published.
    pub(super) async fn listing(&self, id: ListingId) -> Result<Option<ListingView>, Problem> {
        self.read(move |records, shop| view::listing(records, &STRANGER, &shop, &id))
            .await
    }
    /// Those of these listings that are published.
    pub(super) async fn listings(&self, ids: Vec<ListingId>) -> Result<Vec<ListingView>, Problem> {
        self.read(move |records, shop| {
            let mut found = Vec::with_capacity(ids.len());
            for id in &ids {
                found.extend(view::listing(records, &STRANGER, &shop, id)?);
            }
            Ok(found)
        })
        .await
    }

    /// What buyers said of a listing, the newest first.
    pub(super) async fn reviews(&self, id: ListingId) -> Result<Vec<ReviewView>, Problem> {
        let reviews =
            self.read(move |records, shop| Ok(view::reviews(records, &shop, &id, usize::MAX)?.items));
        Ok(newest(reviews.await?))
    }

    /// Searches the shop.
    pub(super) async fn search(
        &self,
        text: String,
        category: Option<String>,
        offset: usize,
        limit: usize,
    ) -> Result<Found, Problem> {
        if offset > OFFSET_MAX {
            let listings = Vec::new();
            return Ok(Found { listings, total: 0 });
        }
        let node = self.node.clone();
        let query = Query {
            shop: Some(self.shop().to_string()),
            category,
            offset,
            limit,
            ..Query::text(text)
        };
        let page = blocking(move || node.search(&query))
            .await?
            .map_err(|error| Problem::Fault(error.to_string()))?;
        let hits = page.hits.iter();
        let ids = hits.filter_map(|hit| hit.listing.parse().ok()).collect();
        Ok(Found {
            listings: self.listings(ids).await?,
            total: page.total,
        })
    }
}

/// The newest reviews, by time alone: for the owner those of people whom they follow stand first, and whom the
/// owner follows is nobody else's business.
fn newest(mut reviews: Vec<ReviewView>) -> Vec<ReviewView> {
    reviews.sort_by_key(|review| std::cmp::Reverse((review.time, review.id)));
    reviews.truncate(FRONT_REVIEWS_MAX);
    reviews
}

#[cfg(test)]
mod tests {
    use super::*;
    use souk_protocol::id::EnvelopeId;

    #[test]
    fn the_order_of_reviews_does_not_tell_whom_the_owner_follows() {
        let review = |time: u64, you_follow: bool| ReviewView {
            id: EnvelopeId::from_bytes([u8::try_from(time % 200).unwrap(); 32]),
            author: STRANGER,
            name: None,
            rating: 5,
            text: Prose::default(),
            time,
            you_follow,
            bought: true,
        };
        let times = |reviews: Vec<ReviewView>| -> Vec<u64> {
            newest(reviews).iter().map(|review| review.time).collect()
        };
        let followed_first = vec![review(1, true), review(9, false), review(5, false)];
        assert_eq!(times(followed_first), [9, 5, 1]);
        let many = (0..200).map(|time| review(time, time < 100)).collect();
        let newest = times(many);
        assert_eq!((newest.len(), newest[0]), (FRONT_REVIEWS_MAX, 199));
    }
}
