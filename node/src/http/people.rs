//! Queries about people, what they said, and what the owner keeps in private.

use super::app::{App, Nothing, Paging, Params, Place, parse};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use souk_protocol::id::EnvelopeId;
use souk_protocol::view::{self, AddressView, DraftView, EntryView, FollowView, Page, PostView, ProfileView};

/// `GET /api/v1/profiles/{author}`
pub(super) async fn profile(
    State(app): State<App>,
    Place(author): Place<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<ProfileView>, Problem> {
    let (me, who) = (app.node.author(), app.author(&author)?);
    let profile = app.read(move |records| view::profile(records, &me, &who)).await?;
    profile.map(Json).ok_or_else(|| Problem::NotFound {
        message: format!("nothing is known here of {who}"),
        next: "Follow them; this node then looks for them.",
    })
}

/// `GET /api/v1/follows`
pub(super) async fn follows(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<FollowView>>, Problem> {
    let (after, limit) = (paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::follows(records, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/feed`
pub(super) async fn feed(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<EntryView>>, Problem> {
    let (me, after, limit) = (app.node.author(), paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::feed(records, &me, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/posts/{id}`
pub(super) async fn post(
    State(app): State<App>,
    Place(id): Place<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<PostView>, Problem> {
    let (me, id): (_, EnvelopeId) = (app.node.author(), parse(&id)?);
    let post = app.read(move |records| view::post(records, &me, &id)).await?;
    post.map(Json).ok_or_else(|| Problem::NotFound {
        message: format!("no post {id} is held here"),
        next: "See 'souk feed' for posts that are.",
    })
}

/// `GET /api/v1/addresses`
pub(super) async fn addresses(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<AddressView>>, Problem> {
    let (after, limit) = (paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::addresses(records, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/drafts`
pub(super) async fn drafts(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<DraftView>>, Problem> {
    let (after, limit) = (paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::drafts(records, after, limit))
            .await?,
    ))
}
