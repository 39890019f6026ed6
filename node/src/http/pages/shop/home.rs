//! The shop's own screen: what waits for the owner, and all listings as a grid that is edited in place.

use super::super::super::app::blocking;
use super::super::super::inventory::{Inventory, Row, Shown};
use super::super::super::problem::Problem;
use super::super::super::product_file;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::words::{self, args};
use super::cells::{self, Cell};
use super::terms;
use crate::search::Query;
use crate::search::limits::PAGE_HITS_MAX;
use askama::Template;
use axum::response::Response;
use souk_protocol::id::ListingId;
use souk_protocol::order::Role;
use souk_protocol::view::{self, ListingView, OrderView};
use std::sync::Arc;

/// Listings of one page of the grid.
const LINES: usize = 50;
/// Variants of a listing that are edited within the grid; one with more has a screen for that. All fields
/// of a page must fit into one form.
const CELLS: usize = 5;
/// Orders that are shown.
const ORDERS: usize = 8;

/// A listing of the grid.
struct Line {
    listing: ListingView,
    cells: Vec<Cell>,
    /// Variants that are not shown.
    further: usize,
    on: bool,
    /// Whether it was published when the form was made.
    was: String,
}

/// A way to narrow the grid.
struct Tab {
    href: String,
    label: String,
    count: usize,
    here: bool,
}

#[derive(Template)]
#[template(path = "html/shop_home.html")]
struct HomeScreen<'a> {
    page: &'a Page,
    orders: Vec<OrderView>,
    more_orders: bool,
    counts: [usize; 4],
    orders_count: usize,
    tabs: Vec<Tab>,
    text: String,
    show: &'static str,
    lines: Vec<Line>,
    range: String,
    corrected: bool,
    earlier: Option<String>,
    later: Option<String>,
}

impl HomeScreen<'_> {
    /// The message about what an order waits for.
    fn doing(order: &OrderView) -> &'static str {
        match order.next.first() {
            Some(&"accept_order") => "shop-do-accept",
            Some(&"payment_arrived") => "shop-do-paid",
            Some(&"ship_order") => "shop-do-ship",
            _ => "shop-do-look",
        }
    }
}

fn name(shown: Shown) -> &'static str {
    match shown {
        Shown::All => "",
        Shown::Published => "published",
        Shown::Drafts => "drafts",
        Shown::SoldOut => "sold-out",
    }
}

fn named(text: &str) -> Shown {
    let found = Shown::ALL.into_iter().find(|shown| name(*shown) == text);
    found.unwrap_or(Shown::All)
}

/// The address of a page of the grid.
fn address(text: &str, show: &str, after: Option<&ListingId>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (field, value) in [("q", text), ("show", show)] {
        if !value.is_empty() {
            query.append_pair(field, value);
        }
    }
    if let Some(after) = after {
        query.append_pair("after", &after.to_string());
    }
    match query.finish() {
        query if query.is_empty() => "/shop".into(),
        query => format!("/shop?{query}"),
    }
}

/// What is to be shown, and whether it is only what nearly matches.
fn found<'a>(
    page: &Page,
    inventory: &'a Inventory,
    shown: Shown,
    text: &str,
) -> Result<(Vec<&'a Arc<Row>>, bool), Problem> {
    let found = inventory.find(shown, text);
    if !found.is_empty() || text.is_empty() {
        return Ok((found, false));
    }
    // The index also looks into descriptions and forgives a wrong letter, but knows nothing of drafts.
    let query = Query {
        shop: Some(page.me.to_string()),
        limit: PAGE_HITS_MAX,
        ..Query::text(text)
    };
    let hits = page
        .app
        .node
        .search(&query)
        .map_err(|error| Problem::Fault(error.to_string()))?;
    let ids: Vec<ListingId> = hits
        .hits
        .iter()
        .filter_map(|hit| hit.listing.parse().ok())
        .collect();
    Ok((inventory.named(shown, &ids), hits.corrected))
}

/// `GET /shop`
pub(super) async fn home(page: Page) -> Result<Response, Problem> {
    let (me, now) = (page.me, page.app.node.now());
    let (known, mut orders) = page
        .app
        .read(move |records| {
            let known = terms::fields(records, &me)?;
            let orders = view::orders_to_act_on(records, &me, now, Some(Role::Merchant))?;
            Ok((known, orders))
        })
        .await?;
    if known.is_none() {
        return terms::show(&page, None);
    }
    let orders_count = orders.len();
    orders.truncate(ORDERS);
    let (text, shown) = (page.query.text("q").to_owned(), named(page.query.get("show")));
    let after: Option<ListingId> = page.query.maybe("after")?;
    let asked = page.clone();
    let read = blocking(move || {
        let (page, node) = (&asked, &asked.app.node);
        let inventory = asked.app.shelf.inventory(node)?;
        let (found, corrected) = found(page, &inventory, shown, &text)?;
        let start = after
            .and_then(|after| found.iter().position(|row| row.id == after))
            .map_or(0, |place| place + 1);
        let end = (start + LINES).min(found.len());
        let rows = found.get(start..end).unwrap_or_default();
        let lines = node.records().read(|records| {
            let mut lines = Vec::with_capacity(rows.len());
            for row in rows {
                let listing = view::listing(records, &me, &me, &row.id)?;
                lines.extend(listing.map(|listing| line(page, listing)));
            }
            Ok(lines)
        })?;
        let earlier = (start > 0).then(|| {
            let before = start.checked_sub(LINES + 1).and_then(|place| found.get(place));
            address(&text, name(shown), before.map(|row| &row.id))
        });
        let later = (end < found.len())
            .then(|| rows.last())
            .flatten()
            .map(|last| address(&text, name(shown), Some(&last.id)));
        let counts = Shown::ALL.map(|shown| inventory.count(shown));
        let range = args([
            ("from", (start + 1).into()),
            ("to", end.into()),
            ("count", found.len().into()),
        ]);
        let range = words::message(page.look.lang, "shop-range", Some(&range));
        Ok::<_, Problem>((lines, earlier, later, counts, range, corrected, text))
    });
    let (lines, earlier, later, counts, range, corrected, text) = read.await??;
    let tabs = Shown::ALL.into_iter().zip(counts).map(|(tab, count)| Tab {
        href: address(&text, name(tab), None),
        label: page.t(match tab {
            Shown::All => "shop-all",
            Shown::Published => "shop-published",
            Shown::Drafts => "shop-drafts",
            Shown::SoldOut => "shop-sold-out",
        }),
        count,
        here: tab == shown,
    });
    page.show(&HomeScreen {
        page: &page,
        more_orders: orders_count > orders.len(),
        orders,
        counts,
        orders_count,
        tabs: tabs.collect(),
        text,
        show: name(shown),
        lines,
        range,
        corrected,
        earlier,
        later,
    })
}

fn line(page: &Page, listing: ListingView) -> Line {
    let few = listing.variants.len() <= CELLS;
    let cells = match few {
        true => Cell::all(page, "shop.rows", "", &listing, 0, CELLS),
        false => Vec::new(),
    };
    let kept = |field: &str| page.kept("shop.rows", "", &format!("{field}.{}", listing.listing));
    Line {
        further: if few { 0 } else { listing.variants.len() },
        on: kept("on").map_or(listing.published, |on| !on.is_empty()),
        was: kept("was").unwrap_or_else(|| u8::from(listing.published).to_string()),
        cells,
        listing,
    }
}

/// `shop.rows`
pub(super) async fn save(page: &Page, form: &Form) -> Result<Done, Problem> {
    let currency = product_file::currency(&page.app).await?;
    let all = cells::changes(form, currency)?;
    Ok(match cells::carry_out(page, all).await? {
        0 => Done::here("shop-same"),
        _ => Done::here("shop-saved"),
    })
}
