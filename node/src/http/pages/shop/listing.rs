//! One listing of the owner's: what it says, what it costs, how many there are, whether the world sees it.

use super::super::super::app::parse;
use super::super::super::problem::Problem;
use super::super::super::product_file;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::cells::{self, Cell};
use askama::Template;
use axum::response::Response;
use souk_protocol::api::Command;
use souk_protocol::id::ListingId;
use souk_protocol::listing::Kind;
use souk_protocol::view::{self, ListingView};
use std::collections::BTreeMap;

/// Variants of one screen: all fields must fit into one form.
const CELLS: usize = 200;

#[derive(Template)]
#[template(path = "html/shop_listing.html")]
struct ListingScreen<'a> {
    page: &'a Page,
    listing: ListingView,
    key: String,
    title: String,
    description: String,
    on: bool,
    was: String,
    cells: Vec<Cell>,
    earlier: Option<usize>,
    later: Option<usize>,
}

impl ListingScreen<'_> {
    fn kind(listing: &ListingView) -> &'static str {
        match listing.kind {
            Kind::Physical => "shop-kind-physical",
            Kind::Digital => "shop-kind-digital",
            Kind::Service => "shop-kind-service",
        }
    }
}

/// `GET /shop/{listing}`
pub(super) async fn listing(page: Page) -> Result<Response, Problem> {
    let id: ListingId = parse(page.place("listing"))?;
    let listing = held(&page, id).await?;
    let key = id.to_string();
    let from: usize = page.query.maybe("from")?.unwrap_or(0);
    let act = "shop.listing";
    let ticked = page.kept(act, &key, &format!("on.{key}"));
    let was = u8::from(listing.published).to_string();
    page.show(&ListingScreen {
        page: &page,
        title: page.kept_or(act, &key, "title", &listing.title),
        description: page.kept_or(act, &key, "description", &listing.description),
        on: ticked.map_or(listing.published, |on| !on.is_empty()),
        was: page.kept_or(act, &key, &format!("was.{key}"), &was),
        cells: Cell::all(&page, act, &key, &listing, from, CELLS),
        earlier: (from > 0).then(|| from.saturating_sub(CELLS)),
        later: (from.saturating_add(CELLS) < listing.variants.len()).then(|| from + CELLS),
        key,
        listing,
    })
}

async fn held(page: &Page, id: ListingId) -> Result<ListingView, Problem> {
    let me = page.me;
    let found = page
        .app
        .read(move |records| view::listing(records, &me, &me, &id))
        .await?;
    found.ok_or_else(|| Problem::NotFound {
        message: format!("your shop has no {id}"),
        next: "Go back to your shop's listings.",
    })
}

/// `shop.listing`
pub(super) async fn save(page: &Page, form: &Form) -> Result<Done, Problem> {
    let id: ListingId = form.parsed("key")?;
    let (before, currency) = (held(page, id).await?, product_file::currency(&page.app).await?);
    let mut all = cells::changes(form, currency)?;
    let (title, description) = (form.text("title"), form.text("description"));
    if title.is_empty() {
        return Err(Problem::Field("a listing needs a title".into()));
    }
    if title != before.title.as_str() {
        all.entry(id).or_default().title = Some(title.to_owned());
    }
    if description != before.description.as_str().trim() {
        all.entry(id).or_default().description = Some(description.to_owned());
    }
    let all: BTreeMap<_, _> = all.into_iter().filter(|(listing, _)| *listing == id).collect();
    Ok(match cells::carry_out(page, all).await? {
        0 => Done::here("shop-same"),
        _ => Done::here("shop-saved"),
    })
}

/// `shop.remove`
pub(super) async fn remove(page: &Page, form: &Form) -> Result<Done, Problem> {
    let id: ListingId = form.parsed("key")?;
    let command = Command::EditListing {
        listing: id,
        title: None,
        description: None,
        prices: BTreeMap::new(),
        published: None,
        removed: Some(true),
    };
    page.app.node.command(command).await?;
    cells::renew(page, vec![id]).await?;
    Ok(Done::to("/shop".into(), "shop-removed"))
}
