//! Forms: each names what is to be done, becomes a command like those of the API, and sends the browser
//! on. One that is refused comes back as its screen with what was typed and why it was refused.

use super::super::app::App;
use super::super::door::Caller;
use super::super::problem::Problem;
use super::form::Form;
use super::page::{Page, Tried, see};
use super::{market, money, node, orders, people, shop, talk};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower::ServiceExt;

/// Where a form leads when it was taken.
pub(super) struct Done {
    /// The screen; none for the one that the form stands on.
    pub(super) to: Option<String>,
    /// The word about it: the message `done-WORD`.
    pub(super) word: &'static str,
    /// A cookie to set.
    pub(super) cookie: Option<String>,
}

impl Done {
    /// Back to where the form stands.
    pub(super) fn here(word: &'static str) -> Self {
        Self {
            to: None,
            word,
            cookie: None,
        }
    }
    /// On to another screen.
    pub(super) fn to(path: String, word: &'static str) -> Self {
        Self {
            to: Some(path),
            word,
            cookie: None,
        }
    }
}

/// `POST /act`
pub(super) async fn act(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    page: Page,
    form: Form,
) -> Response {
    let back = local(form.get("back")).unwrap_or("/").to_owned();
    match carried_out(&page, &form).await {
        Ok(done) => {
            let to = done.to.unwrap_or(back);
            let mut response = see(&with_word(&to, done.word));
            if let Some(Ok(cookie)) = done.cookie.map(|cookie| cookie.parse()) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(problem) => again(app, caller, &page, back, form, problem).await,
    }
}

async fn carried_out(page: &Page, form: &Form) -> Result<Done, Problem> {
    if !page.app.door.is_csrf(form.get("csrf")) {
        return Err(Problem::Seal);
    }
    let act = form.get("do");
    let (area, name) = act.split_once('.').unwrap_or_default();
    match area {
        "talk" => talk::act(page, name, form).await,
        "market" => market::act(page, name, form).await,
        "orders" => orders::act(page, name, form).await,
        "money" => money::act(page, name, form).await,
        "people" => people::act(page, name, form).await,
        "shop" => shop::act(page, name, form).await,
        "node" => node::act(page, name, form).await,
        _ => Err(unknown(act)),
    }
}

/// No form of these pages asks for such a thing.
pub(super) fn unknown(act: &str) -> Problem {
    Problem::Form(format!("'{act}' is nothing that can be done here"))
}

/// The screen that the form stands on, with what was typed.
pub(super) async fn again(
    app: App,
    caller: Caller,
    page: &Page,
    back: String,
    form: Form,
    problem: Problem,
) -> Response {
    let mut request = Request::get(back.as_str());
    for name in [header::COOKIE, header::ACCEPT_LANGUAGE] {
        if let Some(value) = page.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let Ok(mut request) = request.body(Body::empty()) else {
        return page.trouble(&problem);
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Arc::new(Tried { form, problem }));
    match super::router().with_state(app).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// A path of these pages, and nothing that a browser would take for another place.
pub(super) fn local(path: &str) -> Option<&str> {
    let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    (path.starts_with('/') && !path.starts_with("//") && plain).then_some(path)
}

fn with_word(path: &str, word: &str) -> String {
    let (rest, anchor) = path
        .split_once('#')
        .map_or((path, String::new()), |(rest, anchor)| {
            (rest, format!("#{anchor}"))
        });
    match word {
        "" => path.to_owned(),
        word => format!(
            "{rest}{}done={word}{anchor}",
            if rest.contains('?') { '&' } else { '?' }
        ),
    }
}

/// `/act` asked for with GET: somebody reloaded what a refusal had shown.
pub(super) async fn nothing() -> Response {
    see("/").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_no_other_place() {
        for path in ["/", "/orders?after=1#x", "/people/a"] {
            assert_eq!(local(path), Some(path));
        }
        for path in [
            "",
            "orders",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/a\nb",
            "/ä",
        ] {
            assert_eq!(local(path), None, "{path}");
        }
    }

    #[test]
    fn the_word_stands_before_the_anchor() {
        assert_eq!(with_word("/a?x=1#b", "posted"), "/a?x=1&done=posted#b");
        assert_eq!(with_word("/a", ""), "/a");
    }
}
