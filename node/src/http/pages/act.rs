//! Forms: each names what is to be done, becomes a command like those of the API, and sends the browser
//! on. One that is refused comes back as its screen with what was typed and why it was refused.

use super::super::app::App;
use super::super::door::Caller;
use super::super::problem::Problem;
use super::done::{Done, local, unknown};
use super::form::Form;
use super::page::{Page, Tried, see};
use super::{bag, market, money, node, orders, people, shop, talk};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower::ServiceExt;

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
        "bag" => bag::act(page, name, form).await,
        "orders" => orders::act(page, name, form).await,
        "money" => money::act(page, name, form).await,
        "people" => people::act(page, name, form).await,
        "shop" => shop::act(page, name, form).await,
        "node" => node::act(page, name, form).await,
        _ => Err(unknown(act)),
    }
}

/// The screen that the form stands on, with what was typed.
async fn again(
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
    fn the_word_stands_before_the_anchor() {
        assert_eq!(with_word("/a?x=1#b", "posted"), "/a?x=1&done=posted#b");
        assert_eq!(with_word("/a", ""), "/a");
    }
}
