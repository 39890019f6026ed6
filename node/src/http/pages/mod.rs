//! The pages: everything that a person does with their node, in a browser. HTML from the same queries
//! and commands as the API, escaped by the templates. Every screen reads, posts and buys without any
//! script; scripts of our own make it live. Nothing is loaded from anywhere else. Described in
//! `spec/pages.md`.
//!
//! A file imports only files that stand above it in this map; screens are named by `act` and by the router.
//!
//! | file | what it holds |
//! |---|---|
//! | `words` `preferences` | languages, and how a reader wants it |
//! | `icons` `assets` | what the pages are made of |
//! | `prose` | what people wrote, as elements |
//! | `form` | the fields of a form |
//! | `bags` `notices` | what the owner put aside, and what they should know |
//! | `page` | what every screen needs |
//! | `act` | forms that change something |
//! | `talk` `people` | the feed, a post, people |
//! | `market` `orders` `money` | finding, buying, paying |
//! | `shop` | the owner's own shop |
//! | `front` | the shop for everybody else |
//! | `node` | the node, its settings, the first steps |

mod act;
mod assets;
mod bags;
mod form;
pub(super) mod front;
mod icons;
mod market;
mod money;
mod node;
mod notices;
mod orders;
mod page;
mod people;
mod preferences;
mod prose;
mod shop;
mod talk;
mod words;

use super::app::{App, Params};
use super::problem::Problem;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing;
use page::screen;
use preferences::Look;
use serde::Deserialize;
use std::time::Instant;

/// Paths below which no page is.
const OTHERS: [&str; 3] = ["/api/", "/metrics", "/healthz"];
/// Files that the pages are made of hold nothing of the owner's.
const OPEN: &str = "/assets/";

/// The routes of all screens.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/", screen(talk::feed))
        .route("/posts/{id}", screen(talk::post))
        .route("/explore", screen(market::explore))
        .route("/shops/{author}", screen(market::shop))
        .route("/shops/{author}/{listing}", screen(market::listing))
        .route("/bag", screen(market::bag))
        .route("/orders", screen(orders::all))
        .route("/orders/{order}", screen(orders::order))
        .route("/orders/{order}/receipt", screen(orders::receipt))
        .route("/money", screen(money::tabs))
        .route("/money/{tab}", screen(money::tab))
        .route("/people", screen(people::all))
        .route("/people/{author}", screen(people::person))
        .merge(shop::router())
        .merge(node::router())
        .route("/act", routing::post(act::act).get(act::nothing))
        .route("/assets/{hash}/{name}", routing::get(assets::asset))
}

/// Whether a path is one of pages, and what it says to strangers.
pub(super) fn is_page(path: &str) -> bool {
    !OTHERS.iter().any(|other| path.starts_with(other))
}

/// Whether a path holds nothing of the owner's.
pub(super) fn is_open(path: &str) -> bool {
    path.starts_with(OPEN)
}

/// The page for whoever has no cookie.
#[derive(Template)]
#[template(path = "html/door.html")]
struct DoorScreen {
    look: Look,
    used: bool,
    style: String,
}

impl DoorScreen {
    fn t(&self, key: &str) -> String {
        words::message(self.look.lang, key, None)
    }
}

/// What somebody without the cookie sees, wherever they wanted to go.
pub(super) fn door(headers: &HeaderMap, used: bool) -> Response {
    let look = Look::of(headers, None);
    let screen = DoorScreen {
        look,
        used,
        style: assets::address("style.css"),
    };
    let html = screen
        .render()
        .map(Html)
        .map_err(|error| Problem::Fault(error.to_string()));
    (StatusCode::UNAUTHORIZED, html).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[serde(default)]
    once: String,
    /// Where to go.
    #[serde(default)]
    to: String,
}

/// `GET /login`
pub(super) async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Params(login): Params<Login>,
) -> Response {
    match app.door.redeem(&login.once, Instant::now()) {
        true => {
            let to = act::local(&login.to).unwrap_or("/");
            let headers = [
                (header::SET_COOKIE, app.door.set_cookie()),
                (header::LOCATION, to.to_owned()),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        false => door(&headers, true),
    }
}
