//! The pages: everything that a person does with their node, in a browser. HTML from the same queries
//! and commands as the API, escaped by the templates. Every screen reads, posts and buys without any
//! script; scripts of our own make it live. Nothing is loaded from anywhere else. Described in
//! `spec/pages.md`.
//!
//! A file imports only files that stand above it in this map.
//!
//! | file | what it holds |
//! |---|---|
//! | `words` `preferences` | languages, and how a reader wants it |
//! | `icons` `assets` | what the pages are made of |
//! | `prose` `qr` | what people wrote, as elements; what cameras read |
//! | `voice` | how a screen says things |
//! | `form` | the fields of a form |
//! | `bags` `notices` | what the owner put aside, and what they should know |
//! | `page` | what every screen needs |
//! | `pair` | what a phone sees that is not paired yet |
//! | `done` | what becomes of a form |
//! | `talk` `people` | the feed, a post, people |
//! | `market` | finding things |
//! | `bag` `orders` `money` | buying, paying |
//! | `shop` | the owner's own shop |
//! | `front` | the shop for everybody else |
//! | `node` | the node, its settings, the first steps |
//! | `act` | forms that change something |

mod act;
mod assets;
mod bag;
mod bags;
mod done;
mod form;
pub(super) mod front;
mod icons;
mod market;
mod money;
mod node;
mod notices;
mod orders;
mod page;
mod pair;
mod people;
mod preferences;
mod prose;
mod qr;
mod shop;
mod talk;
mod voice;
mod words;

use super::app::{App, Params};
use super::command::Answers;
use super::problem::Problem;
use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing;
use axum::{Extension, Router};
use done::Done;
use notices::Bell;
use page::{Page, screen};
use preferences::Look;
use serde::Deserialize;
use std::sync::Arc;
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
        .route("/bag", screen(bag::bag))
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
        .layer(Extension(Arc::<Answers<Done>>::default()))
        .layer(Extension(Arc::<Bell>::default()))
}

/// Whether a path is one of pages, and what it says to strangers.
pub(super) fn is_page(path: &str) -> bool {
    !OTHERS.iter().any(|other| path.starts_with(other))
}

/// What is at no path: a page that says so, or for programs an error.
pub(super) async fn nowhere(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let problem = Problem::NoPath(path.clone());
    let (mut parts, _) = request.into_parts();
    match is_page(&path) {
        true => trouble(&app, &mut parts, &problem).await,
        false => problem.into_response(),
    }
}

/// A page that says why a request is not answered as wished.
pub(super) async fn trouble(app: &App, parts: &mut Parts, problem: &Problem) -> Response {
    match Page::from_request_parts(parts, app).await {
        Ok(page) => page.trouble(problem),
        Err(other) => other.into_response(),
    }
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
    mark: String,
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
        mark: assets::address("mark.svg"),
    };
    let html = screen
        .render()
        .map(Html)
        .map_err(|error| Problem::Fault(error.to_string()));
    (StatusCode::UNAUTHORIZED, html).into_response()
}

/// The routes of whoever comes by the listener for phones and is not paired yet.
pub(super) fn pairing() -> Router<App> {
    Router::new().route("/pair/{code}", routing::get(pair::look).post(pair::pair))
}

pub(super) use pair::closed;

/// Where a browser begins that was let in and wants to go nowhere else.
async fn first(app: &App) -> &'static str {
    let me = app.node.author();
    match app.read(move |records| node::is_new(records, &me)).await {
        Ok(true) => "/welcome",
        // What is wrong with the records shows itself there.
        Ok(false) | Err(_) => "/",
    }
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
            let to = match done::local(&login.to) {
                Some(to) => to,
                None => first(&app).await,
            };
            let headers = [
                (header::SET_COOKIE, app.door.set_cookie()),
                (header::LOCATION, to.to_owned()),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        false => door(&headers, true),
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use souk_protocol::order::State;
    use std::fs;
    use std::path::Path;

    /// What is between the quotes after each of these words.
    fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
    }

    fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                None => sources(&path, found),
                Some("rs" | "html") => {
                    found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn every_message_that_a_screen_names_is_there() {
        let mut found = Vec::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/pages"),
            &mut found,
        );
        let mut named = 0;
        for (path, text) in &found {
            for call in [".t(\"", ".t1(\"", ".t2(\"", "Done::here(\""] {
                for key in quoted(text, call) {
                    let key = if call.starts_with("Done") {
                        format!("done-{key}")
                    } else {
                        key.to_owned()
                    };
                    assert!(words::has(&key), "{path}: {key}");
                    named += 1;
                }
            }
        }
        assert!(named > 200, "{named}");
    }

    #[test]
    fn every_message_that_is_put_together_is_there() {
        let mut keys: Vec<String> = (1..=12).map(|month| format!("month-{month}")).collect();
        for state in State::ALL {
            keys.push(format!("state-{}", state.name()));
            keys.extend(["buyer", "merchant"].map(|side| format!("means-{}-{side}", state.name())));
        }
        for act in [
            "ask", "quote", "place", "accept", "decline", "cancel", "pay", "receipt", "fulfil", "complete",
            "lapse",
        ] {
            keys.push(format!("act-{act}"));
        }
        for change in ["limit", "pay", "refund", "hold", "capture", "release"] {
            keys.push(format!("change-{change}"));
        }
        for kind in ["physical", "digital", "service"] {
            keys.push(format!("kind-{kind}"));
        }
        let problems = [
            "invalid",
            "no-token",
            "origin",
            "seal",
            "no-phone",
            "pair-code",
            "not-from-phone",
            "host",
            "not-found",
            "method",
            "not-allowed",
            "too-large",
            "too-many",
            "unreachable",
            "stopping",
            "fault",
            "too-little-credit",
            "no-stock",
            "disk-full",
        ];
        keys.extend(problems.map(|code| format!("problem-{code}")));
        for key in keys {
            assert!(words::has(&key), "{key}");
        }
    }
}
