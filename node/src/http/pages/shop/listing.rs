//! One listing of the owner's: what it says, what it costs, how many there are, whether the world sees it.

use super::super::super::app::parse;
use super::super::super::problem::Problem;
use super::super::super::product_file;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::cells::{self, Cell, Changes, listed};
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, ListingEdit};
use souk_protocol::id::ListingId;
use souk_protocol::listing::Kind;
use souk_protocol::view::{self, ListingView};

/// Variants of one screen: all fields must fit into one form.
const CELLS: usize = 200;

#[derive(Template)]
#[template(path = "html/shop_listing.html")]
struct ListingScreen<'a> {
    page: &'a Page,
    listing: ListingView,
    key: String,
    texts: Vec<Text>,
    on: bool,
    was: String,
    cells: Vec<Cell>,
    earlier: Option<usize>,
    later: Option<usize>,
}

/// A field of text, and what it was when the form was drawn: what the owner left alone is not sent again, and
/// so takes back nothing that another window or device changed since.
struct Text {
    name: &'static str,
    now: String,
    was: String,
}

/// The texts of a listing that its form holds.
fn texts(listing: &ListingView) -> [(&'static str, String); 5] {
    [
        ("title", listing.title.to_string()),
        ("description", listing.description.to_string()),
        ("vendor", listing.vendor.to_string()),
        ("category", listing.category.to_string()),
        ("tags", joined(listing.tags.iter())),
    ]
}

/// Tags as their field shows them.
fn joined(tags: impl Iterator<Item = impl ToString>) -> String {
    tags.map(|tag| tag.to_string()).collect::<Vec<_>>().join(", ")
}

impl ListingScreen<'_> {
    /// What a field of text holds.
    fn text(&self, name: &str) -> &str {
        self.texts
            .iter()
            .find(|text| text.name == name)
            .map_or("", |text| text.now.as_str())
    }
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
        texts: texts(&listing)
            .map(|(name, held)| Text {
                name,
                now: page.kept_or(act, &key, name, &held),
                was: page.kept_or(act, &key, &format!("was-{name}"), &held),
            })
            .into(),
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
    held(page, id).await?;
    let currency = product_file::currency(&page.app).await?;
    let mut all = cells::changes(form, currency)?;
    if form.text("title").is_empty() {
        return Err(Problem::Field("a listing needs a title".into()));
    }
    let changed = |name: &str| {
        let now = form.text(name);
        (now != form.text(&format!("was-{name}"))).then(|| now.to_owned())
    };
    let edit = &mut all.entry(id).or_insert_with(|| Changes::of(id)).edit;
    edit.title = changed("title");
    edit.description = changed("description");
    edit.vendor = changed("vendor");
    edit.category = changed("category");
    edit.tags = changed("tags").map(|tags| listed(&tags));
    let is_asked = |listing: &ListingId, changes: &Changes| *listing == id && !changes.is_empty();
    all.retain(|listing, changes| is_asked(listing, changes));
    Ok(match cells::carry_out(page, all).await? {
        0 => Done::here("shop-same"),
        _ => Done::here("shop-saved"),
    })
}

/// `shop.remove`
pub(super) async fn remove(page: &Page, form: &Form) -> Result<Done, Problem> {
    let id: ListingId = form.parsed("key")?;
    let edit = ListingEdit {
        removed: Some(true),
        ..ListingEdit::of(id)
    };
    page.carry_out(Command::EditListing(edit)).await?;
    cells::renew(page, vec![id]).await?;
    Ok(Done::to("/shop".into(), "shop-removed"))
}
