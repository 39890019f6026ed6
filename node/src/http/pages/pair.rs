//! What a phone sees that is not paired yet: the closed door, and behind a good code the one form that
//! pairs it. Neither says anything about the node or whose it is. A look at the link does not use it up,
//! since messengers and cameras look at links that nobody opened.

use super::super::app::{App, Place, bytes};
use super::super::door::Caller;
use super::super::limits::{PAIR_BODY_BYTES_MAX, PHONE_NAME_CHARS_MAX};
use super::super::phones::Why;
use super::super::problem::Problem;
use super::form::Form;
use super::page::see;
use super::preferences::Look;
use super::{assets, first, icons, words};
use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::time::Instant;

/// What a browser calls itself, and how its owner does.
const KINDS: [(&str, &str); 4] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mobile", "Phone"),
];

#[derive(Template)]
#[template(path = "html/pair.html")]
struct PairScreen {
    look: Look,
    /// The key of what is said; none above the form.
    closed: Option<&'static str>,
    code: String,
    name: String,
    name_max: usize,
    refused: Option<String>,
    style: String,
    mark: String,
}

impl PairScreen {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            look: Look::of(headers, None),
            closed: None,
            code: String::new(),
            name: String::new(),
            name_max: PHONE_NAME_CHARS_MAX,
            refused: None,
            style: assets::address("style.css"),
            mark: assets::address("mark.svg"),
        }
    }
    fn t(&self, key: &str) -> String {
        words::message(self.look.lang, key, None)
    }
    fn icon(&self, name: &str) -> String {
        icons::icon(name)
    }
    fn answer(&self, status: StatusCode) -> Response {
        let html = self
            .render()
            .map(Html)
            .map_err(|error| Problem::Fault(error.to_string()));
        (status, html).into_response()
    }
}

/// What whoever is no paired phone sees, wherever they wanted to go.
pub(in super::super) fn closed(headers: &HeaderMap, problem: &Problem) -> Response {
    let screen = PairScreen {
        closed: Some(match problem {
            Problem::PairCode => "pair-ended",
            Problem::TooMany { .. } => "pair-wait",
            _ => "pair-closed",
        }),
        ..PairScreen::of(headers)
    };
    screen.answer(problem.status())
}

/// A name to begin with: what kind of phone it says that it is.
fn kind(headers: &HeaderMap) -> &'static str {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = KINDS.iter().find(|(sign, _)| agent.contains(sign));
    kind.map_or("", |(_, name)| name)
}

fn turned_away(app: &App, headers: &HeaderMap, problem: &Problem) -> Response {
    app.phones.refuse(Why::Code);
    closed(headers, problem)
}

/// `GET /pair/{code}`
pub(super) async fn look(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Place(code): Place<String>,
) -> Response {
    if matches!(caller, Caller::Phone(_)) {
        return see("/");
    }
    match app.phones.look_at(&code, Instant::now()) {
        Ok(()) => PairScreen {
            code,
            name: kind(&headers).to_owned(),
            ..PairScreen::of(&headers)
        }
        .answer(StatusCode::OK),
        Err(problem) => turned_away(&app, &headers, &problem),
    }
}

/// `POST /pair/{code}`: uses the code up, and the browser is a paired phone.
pub(super) async fn pair(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Place(code): Place<String>,
    body: Body,
) -> Result<Response, Problem> {
    if matches!(caller, Caller::Phone(_)) {
        return Ok(see("/"));
    }
    let form = Form::parse(&bytes(body, PAIR_BODY_BYTES_MAX).await?)?;
    let (named, given) = (form.text("name").to_owned(), code.clone());
    let shared = app.clone();
    let now = app.node.now().0;
    let paired =
        super::super::app::blocking(move || shared.phones.pair(&given, &named, Instant::now(), now)).await?;
    match paired {
        Ok(cookie) => {
            let to = first(&app).await.to_owned();
            Ok((
                StatusCode::SEE_OTHER,
                [(header::SET_COOKIE, cookie), (header::LOCATION, to)],
            )
                .into_response())
        }
        Err(problem @ (Problem::PairCode | Problem::TooMany { .. })) => {
            Ok(turned_away(&app, &headers, &problem))
        }
        Err(problem) => Ok(PairScreen {
            code,
            name: form.text("name").to_owned(),
            refused: Some(problem.to_string()),
            ..PairScreen::of(&headers)
        }
        .answer(problem.status())),
    }
}
