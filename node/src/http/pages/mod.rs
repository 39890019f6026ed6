//! The node's page: who the owner is, whom the node is connected to, what waits and what is new. Plain
//! HTML from the same queries as the API, escaped by the template; it needs no script and loads nothing
//! from anywhere else.

use super::app::{App, Params};
use super::door::Caller;
use super::limits::STATUS_ITEMS;
use super::node::StatusView;
use super::problem::Problem;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use souk_protocol::money::Amount;
use souk_protocol::text::Name;
use souk_protocol::time::Timestamp;
use souk_protocol::view::{self, EntryView, OrderView, SaidView};
use std::time::Instant;

/// The page itself.
#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    status: StatusView,
    orders: Vec<OrderLine>,
    feed: Vec<FeedLine>,
}

/// The page for whoever has no cookie.
#[derive(Template)]
#[template(path = "door.html")]
struct DoorPage {
    used: bool,
}

/// An order that waits for the owner.
struct OrderLine {
    with: String,
    you: &'static str,
    state: &'static str,
    total: Option<Amount>,
    next: String,
    id: String,
}

/// Something that somebody said.
struct FeedLine {
    who: String,
    when: String,
    what: String,
    text: String,
    products: Vec<String>,
}

/// `GET /`
pub(super) async fn page(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    if caller == Caller::Nobody {
        return Ok((StatusCode::UNAUTHORIZED, rendered(&DoorPage { used: false })?).into_response());
    }
    let me = app.node.author();
    let status = app.status().await?;
    let now = app.node.now();
    let (orders, feed) = app
        .read(move |records| {
            let orders = view::orders_to_act_on(records, &me, now, STATUS_ITEMS)?;
            Ok((orders, view::feed(records, &me, None, STATUS_ITEMS)?.items))
        })
        .await?;
    let orders = orders.into_iter().map(order_line).collect();
    let feed = feed.into_iter().map(|entry| feed_line(entry, now)).collect();
    Ok(rendered(&StatusPage { status, orders, feed })?.into_response())
}

/// `GET /style.css`
pub(super) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[serde(default)]
    once: String,
}

/// `GET /login`
pub(super) async fn login(State(app): State<App>, Params(login): Params<Login>) -> Result<Response, Problem> {
    match app.door.redeem(&login.once, Instant::now()) {
        true => {
            let headers = [
                (header::SET_COOKIE, app.door.set_cookie()),
                (header::LOCATION, "/".to_owned()),
            ];
            Ok((StatusCode::SEE_OTHER, headers).into_response())
        }
        false => Ok((StatusCode::UNAUTHORIZED, rendered(&DoorPage { used: true })?).into_response()),
    }
}

fn rendered(page: &impl Template) -> Result<Html<String>, Problem> {
    page.render()
        .map(Html)
        .map_err(|error| Problem::Fault(error.to_string()))
}

fn called(name: Option<&Name>, id: &impl ToString) -> String {
    match name {
        Some(name) if !name.is_empty() => name.as_str().to_owned(),
        _ => shortened(&id.to_string()),
    }
}

fn shortened(id: &str) -> String {
    let head: String = id.chars().take(16).collect();
    format!("{head}…")
}

fn order_line(order: OrderView) -> OrderLine {
    use souk_protocol::order::Role;
    let (you, other) = match order.you {
        Role::Buyer => ("you buy from", order.merchant),
        Role::Merchant => ("you sell to", order.buyer),
    };
    OrderLine {
        with: called(order.name.as_ref(), &other),
        you,
        state: order.state.name(),
        total: order.total,
        next: order.next.join(", ").replace('_', " "),
        id: order.order.to_string(),
    }
}

fn feed_line(entry: EntryView, now: Timestamp) -> FeedLine {
    let (what, text) = match &entry.said {
        SaidView::Post { text, reply_to, .. } => (
            if reply_to.is_some() { "answered" } else { "said" }.to_owned(),
            text.to_string(),
        ),
        SaidView::Vouch {
            subject,
            name,
            category,
            stands,
            why,
        } => {
            let verb = if *stands {
                "vouches for"
            } else {
                "no longer vouches for"
            };
            (
                format!("{verb} {} ({category})", called(name.as_ref(), subject)),
                why.to_string(),
            )
        }
        SaidView::Review { rating, text, .. } => (format!("bought and gave {rating} of 5"), text.to_string()),
    };
    let products = entry.tags.iter().map(|tag| match &tag.listing {
        Some(listing) => listing.title.as_str().to_owned(),
        None => "a product that is not held here yet".to_owned(),
    });
    FeedLine {
        who: called(entry.name.as_ref(), &entry.author),
        when: ago(now.since_ms(Timestamp(entry.time))),
        what,
        text,
        products: products.collect(),
    }
}

/// How long ago, in one unit.
fn ago(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Bytes as a person reads them.
fn size(bytes: &u64) -> String {
    match bytes / (1024 * 1024) {
        0 => format!("{} KiB", bytes / 1024),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        let line = FeedLine {
            who: "<script>alert(1)</script>".into(),
            when: ago(90_000),
            what: "said".into(),
            text: "\"><img src=x onerror=alert(1)>".into(),
            products: vec!["</li>&".into()],
        };
        let status = StatusView {
            version: "0",
            author: souk_protocol::id::AuthorId::from_bytes([1; 32]),
            device: souk_protocol::id::DeviceId::from_bytes([2; 32]),
            name: Some(Name::new("<b>Eve</b>").unwrap()),
            home: "/<home>".into(),
            api: "http://127.0.0.1:1".into(),
            listen: vec![],
            peers: vec![],
            follows: 0,
            store_bytes: 5 * 1024,
            shop: None,
            past: None,
        };
        let page = StatusPage {
            status,
            orders: vec![],
            feed: vec![line],
        }
        .render()
        .unwrap();
        for tag in ["<script", "<img", "<b>", "<home>"] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("1 min ago") && page.contains("5 KiB"));
    }
}
