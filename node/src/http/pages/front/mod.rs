//! The storefront: the owner's shop for everybody else, in an ordinary browser, without a node, a script
//! or a cookie. It stands on a listener of its own, and what is behind it can read what is public of one
//! shop and nothing else: it has no door, no token, and no way to give a command. Described in
//! `spec/pages.md`.
//!
//! | file | what it holds |
//! |---|---|
//! | `guests` | how often an address may ask |
//! | `reads` | how much is read for strangers |
//! | `reader` | what is public of the shop |
//! | `visitor` | what every screen needs |
//! | `screens` | the listings, a listing |
//! | `feeds` | what programs read |

mod feeds;
mod guests;
mod reader;
mod reads;
mod screens;
mod visitor;

pub(in super::super) use guests::Guests;
pub(in super::super) use reader::PublicShop;

use super::super::limits::{FRONT_PAGE_BYTES_MAX, FRONT_REQUEST_MS_MAX, FRONT_RETRY_S};
use super::assets;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use visitor::{Front, Refusal};

/// Of every answer. Scripts are forbidden altogether; JSON-LD is data and is not run.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];
/// How long a page may be shown again without asking.
const PAGE_KEPT: &str = "public, max-age=60";
const ASSET_KEPT: &str = "public, max-age=31536000, immutable";

/// What the screens share.
#[derive(Clone)]
pub(in super::super) struct Shown {
    pub(in super::super) shop: PublicShop,
    /// The address under which the world reaches it, without a slash at its end.
    pub(in super::super) base: Arc<str>,
    pub(in super::super) guests: Arc<Guests>,
}

/// Who asks, as the connection says.
#[derive(Clone, Copy)]
pub(in super::super) struct Guest(pub(in super::super) IpAddr);

/// The routes of the storefront. There is none that writes.
pub(in super::super) fn router(shown: Shown) -> Router {
    Router::new()
        .route("/", get(screens::listings))
        .route("/{listing}", get(screens::listing))
        .route("/sitemap.xml", get(feeds::sitemap))
        .route("/feed.xml", get(feeds::rss))
        .route("/feed.json", get(feeds::json))
        .route("/robots.txt", get(feeds::robots))
        .route("/assets/{hash}/{name}", get(asset))
        .fallback(|| async { Refusal::Missing })
        .layer(axum::middleware::from_fn_with_state(shown.clone(), gate))
        .with_state(shown)
}

/// `GET /assets/{hash}/{name}`
async fn asset(path: Path<(String, String)>) -> Result<Response, Refusal> {
    assets::asset(path).await.map_err(|_| Refusal::Missing)
}

/// What every request passes before its handler, and every answer after it.
async fn gate(State(shown): State<Shown>, mut request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let head = request.method() == Method::HEAD;
    let guest = guest(&request);
    let answered = if !(head || request.method() == Method::GET) {
        Refusal::Method.into_response()
    } else if let Err(wait) = shown.guests.ask(guest, Instant::now()) {
        Refusal::TooMany(wait).into_response()
    } else {
        // An answer to HEAD is made as one to GET, so that it has the same headers.
        *request.method_mut() = Method::GET;
        let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
        match tokio::time::timeout(Duration::from_millis(FRONT_REQUEST_MS_MAX), handled).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Refusal::Failed.into_response(),
            Err(_) => Refusal::Busy(FRONT_RETRY_S).into_response(),
        }
    };
    let answered = match answered.extensions().get::<Refusal>().copied() {
        Some(refusal) => Front::refused(&asked, refusal),
        None => answered,
    };
    dressed(answered, &asked, head).await
}

/// The address that asks. A program on this machine is a proxy that serves others: then the last address
/// that it names counts, which is the one that it saw itself.
fn guest(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Guest>().map(|guest| guest.0);
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
    let named = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
    match named {
        Some(named) if peer.is_loopback() => named,
        _ => peer,
    }
}

/// The answer with its headers: with a tag by which a browser asks whether it changed, without its body
/// for HEAD.
async fn dressed(response: Response, asked: &HeaderMap, head: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, FRONT_PAGE_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(_) => {
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            Default::default()
        }
    };
    for (name, value) in HEADERS {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    // A file says itself whether it was asked for under its own hash; under another one it is not kept.
    let said = parts.headers.get(header::CACHE_CONTROL);
    let said = said.and_then(|value| value.to_str().ok());
    let kept = match (parts.status, said) {
        (StatusCode::OK, None) => PAGE_KEPT,
        (StatusCode::OK, Some(said)) if said.contains("immutable") => ASSET_KEPT,
        _ => "no-store",
    };
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    parts
        .headers
        .insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    if parts.status == StatusCode::OK {
        let tag = format!(
            "\"{}\"",
            blake3::hash(&bytes).to_hex().get(..32).unwrap_or_default()
        );
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let known = known
            .flat_map(|value| value.split(','))
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == tag || one == "*");
        if let Ok(value) = HeaderValue::from_str(&tag) {
            parts.headers.insert(header::ETAG, value);
        }
        if known {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            return Response::from_parts(parts, Body::empty());
        }
    }
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let body = if head { Body::empty() } else { Body::from(bytes) };
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn only_a_proxy_on_this_machine_speaks_for_others() {
        let from = |peer: [u8; 4], forwarded: &[&str]| {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(Guest(IpAddr::from(peer)));
            for value in forwarded {
                let value = HeaderValue::from_str(value).unwrap();
                request.headers_mut().append("x-forwarded-for", value);
            }
            guest(&request)
        };
        assert_eq!(from([9, 9, 9, 9], &["1.1.1.1"]), IpAddr::from([9, 9, 9, 9]));
        assert_eq!(from([127, 0, 0, 1], &[]), IpAddr::from([127, 0, 0, 1]));
        let named = from([127, 0, 0, 1], &["6.6.6.6", "1.1.1.1, 2.2.2.2"]);
        assert_eq!(named, IpAddr::from([2, 2, 2, 2]));
        assert_eq!(from([127, 0, 0, 1], &["nonsense"]), IpAddr::from([127, 0, 0, 1]));
        // A listener of both families names an address of the older one within the newer.
        let mut request = Request::new(Body::empty());
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        request.extensions_mut().insert(Guest(mapped.into()));
        let named = HeaderValue::from_static("2.2.2.2");
        request.headers_mut().append("x-forwarded-for", named);
        assert_eq!(guest(&request), IpAddr::from([2, 2, 2, 2]));
    }
}
