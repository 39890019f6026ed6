//! What is public of one shop. This is all that the storefront can reach of the node: reading, of this
//! shop, of what any stranger gets who asks for it.

use super::super::super::Node;
use super::super::super::inventory::{Inventory, Shelf};
use super::super::super::limits::FRONT_REVIEWS_MAX;
use super::super::super::problem::Problem;
use super::reads::{Places, Ratings};
use crate::search::Query;
use crate::search::limits::OFFSET_MAX;
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::market;
use souk_protocol::records::{Fault, Records};
use souk_protocol::shop::ShopTerms;
use souk_protocol::text::{Name, Prose};
use souk_protocol::view::{self, ListingView, ReviewView};
use std::sync::Arc;
use std::time::Instant;

/// As whom it reads: somebody who is nobody, whom the shop shows what is published.
const STRANGER: AuthorId = AuthorId::from_bytes([0; 32]);

/// A shop as the world sees it.
#[derive(Clone)]
pub(in super::super::super) struct PublicShop {
    node: Node,
    shelf: Arc<Shelf>,
    places: Arc<Places>,
    ratings: Arc<Ratings>,
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
        Self {
            node,
            shelf,
            places: Arc::default(),
            ratings: Arc::default(),
        }
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
        let read = self
            .places
            .read(move || node.records().read(|records| query(records, shop)));
        Ok(read.await??)
    }

    pub(super) async fn about(&self) -> Result<About, Problem> {
        self.read(|records, shop| {
            let said = view::own_words(records, &shop)?;
            let (name, words) = said.map(|said| (said.name, said.about)).unzip();
            Ok(About {
                shop,
                name,
                words: words.unwrap_or_default(),
                terms: market::terms(records, &shop)?,
            })
        })
        .await
    }

    /// All listings, of which those are shown that are for sale.
    pub(super) async fn inventory(&self) -> Result<Arc<Inventory>, Problem> {
        let (shelf, node) = (self.shelf.clone(), self.node.clone());
        let read = self.places.read(move || {
            let inventory = shelf.inventory(&node)?;
            // Sorted here, away from the threads that serve.
            inventory.for_sale();
            Ok::<_, Fault>(inventory)
        });
        Ok(read.await??)
    }

    /// A listing that is published.
    pub(super) async fn listing(&self, id: ListingId) -> Result<Option<ListingView>, Problem> {
        let ratings = self.ratings.clone();
        self.read(move |records, shop| listing(records, &ratings, &shop, &id))
            .await
    }
    /// Those of these listings that are published.
    pub(super) async fn listings(&self, ids: Vec<ListingId>) -> Result<Vec<ListingView>, Problem> {
        let ratings = self.ratings.clone();
        self.read(move |records, shop| {
            let mut found = Vec::with_capacity(ids.len());
            for id in &ids {
                found.extend(listing(records, &ratings, &shop, id)?);
            }
            Ok(found)
        })
        .await
    }

    /// What buyers said of a listing, the newest first.
    pub(super) async fn reviews(&self, id: ListingId) -> Result<Vec<ReviewView>, Problem> {
        let reviews = self
            .read(move |records, shop| view::newest_reviews(records, &shop, &id, FRONT_REVIEWS_MAX))
            .await?;
        Ok(reviews)
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
        let page = self
            .places
            .read(move || node.search(&query))
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

/// A listing that is published. Its rating takes reading every review, so it is remembered for a while.
fn listing(
    records: &dyn Records,
    ratings: &Ratings,
    shop: &AuthorId,
    id: &ListingId,
) -> Result<Option<ListingView>, Fault> {
    let Some(mut listing) = view::unrated(records, &STRANGER, shop, id)? else {
        return Ok(None);
    };
    listing.rating = ratings.of(*id, Instant::now(), || view::rating(records, shop, id))?;
    Ok(Some(listing))
}
