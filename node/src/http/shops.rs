//! Queries about shops and their listings.

use super::app::{App, Nothing, Paging, Params, Place, limit, parse};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::view::{self, ListingView, Page, ReviewView, ShopView};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limited {
    limit: Option<usize>,
}

/// A shop, with what only the node knows of it.
#[derive(Serialize)]
pub(super) struct ShopAnswer {
    #[serde(flatten)]
    shop: ShopView,
    /// How many of its listings are for sale.
    listings: usize,
}

/// `GET /api/v1/shops/{author}`
pub(super) async fn shop(
    State(app): State<App>,
    Place(author): Place<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<ShopAnswer>, Problem> {
    let author = app.author(&author)?;
    let shop = app.read(move |records| view::shop(records, &author)).await?;
    let shop = shop.ok_or_else(|| no_shop(&author))?;
    let listings = app.for_sale(author).await?;
    Ok(Json(ShopAnswer { shop, listings }))
}

fn no_shop(author: &AuthorId) -> Problem {
    Problem::NotFound {
        message: format!("no shop of {author} is held here"),
        next: "Follow its owner; a shop of one's own starts with 'souk shop terms'.",
    }
}

/// `GET /api/v1/shops/{author}/listings`
pub(super) async fn listings(
    State(app): State<App>,
    Place(author): Place<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<ListingView>>, Problem> {
    let (me, shop) = (app.node.author(), app.author(&author)?);
    let (after, limit) = (paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::listings(records, &me, &shop, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/shops/{author}/listings/{listing}`
pub(super) async fn listing(
    State(app): State<App>,
    Place((author, listing)): Place<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<ListingView>, Problem> {
    let (me, shop, id): (_, _, ListingId) = (app.node.author(), app.author(&author)?, parse(&listing)?);
    let listing = app
        .read(move |records| view::listing(records, &me, &shop, &id))
        .await?;
    listing.map(Json).ok_or_else(|| Problem::NotFound {
        message: format!("{shop} has no listing {id} that is known here"),
        next: "See its listings with 'souk shop list'.",
    })
}

/// `GET /api/v1/shops/{author}/listings/{listing}/reviews`
pub(super) async fn reviews(
    State(app): State<App>,
    Place((author, listing)): Place<(String, String)>,
    Params(Limited { limit: asked }): Params<Limited>,
) -> Result<Json<Page<ReviewView>>, Problem> {
    let (shop, id, limit): (_, ListingId, _) = (app.author(&author)?, parse(&listing)?, limit(asked)?);
    Ok(Json(
        app.read(move |records| view::reviews(records, &shop, &id, limit))
            .await?,
    ))
}
