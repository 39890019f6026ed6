//! Forms: each names what is to be done, becomes a command like those of the API, and sends the browser
//! on. One that is refused comes back as its screen with what was typed and why it was refused.

use super::super::app::App;
use super::super::command::Answers;
use super::super::phones::{Why, rights};
use super::super::problem::Problem;
use super::done::{Done, again, local, unknown};
use super::form::Form;
use super::page::{Page, see};
use super::{bag, market, money, node, orders, people, shop, talk};
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `POST /act`
pub(super) async fn act(
    State(app): State<App>,
    Extension(deeds): Extension<Arc<Answers<Done>>>,
    page: Page,
    form: Form,
) -> Response {
    let back = local(form.get("back")).unwrap_or("/").to_owned();
    match once(&deeds, &page, &form).await {
        Ok(done) => {
            let to = done.to.unwrap_or(back);
            let mut response = see(&with_word(&to, done.word));
            if let Some(Ok(cookie)) = done.cookie.map(|cookie| cookie.parse()) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(problem) => again(app, &page, back, form, problem).await,
    }
}

/// Carries a form out once, however often it is sent: who presses a button twice wants one thing. It is
/// carried out even if the browser goes away meanwhile; a form that was refused can be sent again.
async fn once(deeds: &Answers<Done>, page: &Page, form: &Form) -> Result<Done, Problem> {
    if !page.is_seal(form.get("csrf")) {
        return Err(Problem::Seal);
    }
    let place = match form.get("once") {
        "" => Arc::default(),
        key => deeds.place_of_form(key, form.hash())?,
    };
    let (page, form) = (page.clone(), form.clone());
    let task = tokio::spawn(async move {
        let done = place.get_or_try_init(|| carried_out(&page, &form));
        done.await.cloned()
    });
    task.await.map_err(|error| Problem::Fault(error.to_string()))?
}

async fn carried_out(page: &Page, form: &Form) -> Result<Done, Problem> {
    let act = form.get("do");
    if page.on_phone() && !rights::may_act(act) {
        page.app.phones.refuse(Why::NotFromPhone);
        return Err(Problem::NotFromPhone);
    }
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
