//! What every request passes before its handler, and every answer after it.

use super::app::App;
use super::door::Caller;
use super::limits::REQUEST_MS_MAX;
use super::problem::Problem;
use super::{pages, route};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Nothing to others. Under `no-referrer` browsers would call the origin of the pages' own forms `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Lets a request in, or not, and dresses its answer.
pub(super) async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let strangers_page = (request.method().is_safe() && pages::is_page(request.uri().path()))
        .then(|| request.headers().clone());
    let mut response = match (checked(&app, request), strangers_page) {
        (Ok(request), _) => answered(next, request).await,
        (Err(Problem::NoToken), Some(headers)) => pages::door(&headers, false),
        (Err(problem), _) => problem.into_response(),
    };
    dress(&mut response);
    app.requests.count(response.status());
    response
}

/// Puts on an answer what every one has.
pub(super) fn dress(response: &mut Response) {
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        // What never changes says itself how long it may be kept.
        if name != header::CACHE_CONTROL || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn checked(app: &App, mut request: Request) -> Result<Request, Problem> {
    app.door.check_address(request.uri(), request.headers())?;
    let caller = app.door.caller(request.method(), request.headers())?;
    if caller == Caller::Nobody && !route::is_open(request.uri().path()) {
        return Err(Problem::NoToken);
    }
    request.extensions_mut().insert(caller);
    Ok(request)
}

/// The handler's answer, within its time; a panic is a fault of ours and ends this request alone.
pub(super) async fn answered(next: Next, request: Request) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(Duration::from_millis(REQUEST_MS_MAX), handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::Fault("this request met an error in the program".into()).into_response(),
        Err(_) => Problem::TooSlow.into_response(),
    }
}
