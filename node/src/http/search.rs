//! Search over the listings that this node holds.

use super::app::{App, Params, blocking};
use super::problem::Problem;
use crate::search::{FacetValue, Page, Query, SearchError, Sort};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use souk_protocol::id::AuthorId;
use souk_protocol::money::Currency;
use souk_protocol::records::{Fault, Records};
use souk_protocol::view::{self, ListingView};

/// What is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
    shop: Option<String>,
    category: Option<String>,
    kind: Option<String>,
    vendor: Option<String>,
    currency: Option<Currency>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    in_stock: bool,
    #[serde(default)]
    sort: Order,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// The order of what is found.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Relevance,
    PriceUp,
    PriceDown,
    Newest,
}

/// What was found.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) items: Vec<ListingView>,
    pub(super) total: usize,
    pub(super) corrected: bool,
    pub(super) facets: FacetsView,
}

/// Values that are common among all that was found.
#[derive(Serialize)]
pub(super) struct FacetsView {
    pub(super) categories: Vec<FacetView>,
    pub(super) kinds: Vec<FacetView>,
    pub(super) vendors: Vec<FacetView>,
}

#[derive(Serialize)]
pub(super) struct FacetView {
    pub(super) value: String,
    pub(super) count: usize,
}

/// `GET /api/v1/search`
pub(super) async fn search(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Found>, Problem> {
    let shop = wanted.shop.as_deref().map(|shop| app.author(shop)).transpose()?;
    find(&app, wanted.query(shop.as_ref())?).await.map(Json)
}

impl App {
    /// How many listings of a shop are for sale, as far as is known here: neither drafts nor what was removed.
    pub(super) async fn for_sale(&self, shop: AuthorId) -> Result<usize, Problem> {
        let node = self.node.clone();
        if shop == node.author() {
            let shelf = self.shelf.clone();
            return Ok(blocking(move || shelf.inventory(&node))
                .await??
                .for_sale()
                .rows
                .len());
        }
        let query = Query {
            shop: Some(shop.to_string()),
            limit: 1,
            ..Query::default()
        };
        let found = blocking(move || node.search(&query)).await?.map_err(problem)?;
        Ok(found.total)
    }
}

/// What the index finds, as the records have it.
pub(super) async fn find(app: &App, query: Query) -> Result<Found, Problem> {
    let node = app.node.clone();
    let page = blocking(move || node.search(&query)).await?.map_err(problem)?;
    let me = app.node.author();
    app.read(move |records| found(records, &me, page)).await
}

impl Wanted {
    fn query(self, shop: Option<&AuthorId>) -> Result<Query, Problem> {
        Ok(Query {
            text: self.q,
            shop: shop.map(ToString::to_string),
            category: self.category,
            kind: self.kind,
            vendor: self.vendor,
            currency: self.currency.map(String::from),
            price_from_minor: self.min,
            price_to_minor: self.max,
            in_stock: self.in_stock,
            offset: self.offset,
            limit: super::app::limit(self.limit)?,
            sort: match self.sort {
                Order::Relevance => Sort::Relevance,
                Order::PriceUp => Sort::PriceUp,
                Order::PriceDown => Sort::PriceDown,
                Order::Newest => Sort::Newest,
            },
            facets: true,
        })
    }
}

/// The index names listings; what is shown of them comes from the records.
fn found(records: &dyn Records, me: &AuthorId, page: Page) -> Result<Found, Fault> {
    let mut items = Vec::with_capacity(page.hits.len());
    for hit in &page.hits {
        if let (Ok(shop), Ok(listing)) = (hit.shop.parse(), hit.listing.parse()) {
            items.extend(view::listing(records, me, &shop, &listing)?);
        }
    }
    let facets = FacetsView {
        categories: facet(page.facets.categories),
        kinds: facet(page.facets.kinds),
        vendors: facet(page.facets.vendors),
    };
    Ok(Found {
        items,
        total: page.total,
        corrected: page.corrected,
        facets,
    })
}

fn facet(values: Vec<FacetValue>) -> Vec<FacetView> {
    values
        .into_iter()
        .map(|FacetValue { value, count }| FacetView { value, count })
        .collect()
}

/// A question that the index does not take is the asker's fault, all else is ours.
fn problem(error: SearchError) -> Problem {
    match error {
        SearchError::Limit(_) | SearchError::Offset(_) | SearchError::CurrencyMissing => {
            Problem::Form(error.to_string())
        }
        other => Problem::Fault(other.to_string()),
    }
}
