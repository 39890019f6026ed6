//! What became of a form, and where it leads.

use super::super::app::App;
use super::super::phones::rights;
use super::super::problem::Problem;
use super::form::Form;
use super::page::{Page, Tried};
use axum::body::Body;
use axum::http::{Request, header};
use axum::response::Response;
use std::sync::Arc;
use tower::ServiceExt;

/// Where a form leads when it was taken.
#[derive(Clone)]
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

/// No form of these pages asks for such a thing.
pub(super) fn unknown(act: &str) -> Problem {
    Problem::Form(format!("'{act}' is nothing that can be done here"))
}

/// A path of these pages, and nothing that a browser would take for another place.
pub(super) fn local(path: &str) -> Option<&str> {
    let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    (path.starts_with('/') && !path.starts_with("//") && plain).then_some(path)
}

/// The screen that the form stands on, with what was typed.
pub(super) async fn again(app: App, page: &Page, back: String, form: Form, problem: Problem) -> Response {
    // What a phone may not ask for it is not shown by the way of a form that fails either.
    if page.on_phone() && !rights::may_ask(&back) {
        return page.trouble(&problem);
    }
    let mut request = Request::get(back.as_str());
    for name in [header::COOKIE, header::ACCEPT_LANGUAGE] {
        if let Some(value) = page.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let Ok(mut request) = request.body(Body::empty()) else {
        return page.trouble(&problem);
    };
    request.extensions_mut().insert(page.caller.clone());
    request.extensions_mut().insert(Arc::new(Tried { form, problem }));
    match super::router().with_state(app).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
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
}
