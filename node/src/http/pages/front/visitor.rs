//! What every screen of the storefront needs, and how it says no.

use super::super::super::limits::FRONT_RETRY_S;
use super::super::super::problem::Problem;
use super::super::assets;
use super::super::preferences::Look;
use super::super::voice::{Voice, called};
use super::super::words::{self, Lang};
use super::Shown;
use super::reader::About;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use souk_protocol::id::{AuthorId, ListingId};
use souk_protocol::money::Amount;
use souk_protocol::shop::Place;
use std::ops::Deref;

/// Names that are paths of the storefront, so no listing is found there by its handle.
const TAKEN: [&str; 5] = ["sitemap.xml", "feed.xml", "feed.json", "robots.txt", "assets"];

/// Why somebody gets no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is nothing.
    Missing,
    /// It is asked for something else than reading.
    Method,
    /// It is asked too often; again after so many seconds.
    TooMany(u64),
    /// Too many ask for something just now; again after so many seconds.
    Busy(u64),
    /// Something is wrong here.
    Failed,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) | Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    fn key(self) -> &'static str {
        match self {
            Self::Missing => "front-missing",
            Self::Method => "front-method",
            Self::TooMany(_) => "front-too-many",
            Self::Busy(_) => "front-busy",
            Self::Failed => "front-failed",
        }
    }
}

impl IntoResponse for Refusal {
    /// Only marks the answer: its words are in the reader's language, which the gate knows.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.status() {
            _ if problem == Problem::TooSlow => Self::Busy(FRONT_RETRY_S),
            status if status.is_server_error() => {
                // What exactly is the owner's to know.
                tracing::warn!(%problem, "a page of the storefront failed");
                Self::Failed
            }
            _ => Self::Missing,
        }
    }
}

/// One request for a screen.
pub(super) struct Front {
    pub(super) shown: Shown,
    pub(super) about: About,
    voice: Voice,
}

impl FromRequestParts<Shown> for Front {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, shown: &Shown) -> Result<Self, Refusal> {
        Ok(Self {
            about: shown.shop.about().await?,
            voice: Voice {
                lang: lang(&parts.headers),
                now: shown.shop.now_ms(),
            },
            shown: shown.clone(),
        })
    }
}

/// What the browser asks for; nothing is kept in it.
fn lang(headers: &HeaderMap) -> Lang {
    Look::of(headers, None).lang
}

#[derive(Template)]
#[template(path = "html/front_refused.html")]
struct RefusedScreen {
    lang: Lang,
    title: String,
    what: String,
    back: String,
    style: String,
}

impl Deref for Front {
    type Target = Voice;
    fn deref(&self) -> &Voice {
        &self.voice
    }
}

impl Front {
    /// A page that says no.
    pub(super) fn refused(headers: &HeaderMap, refusal: Refusal) -> Response {
        let lang = lang(headers);
        let key = refusal.key();
        let screen = RefusedScreen {
            lang,
            title: words::message(lang, key, None),
            what: words::message(lang, &format!("{key}-what"), None),
            back: words::message(lang, "front-back", None),
            style: assets::address("style.css"),
        };
        let mut response = (refusal.status(), Html(screen.render().unwrap_or_default())).into_response();
        match refusal {
            Refusal::TooMany(seconds) | Refusal::Busy(seconds) => {
                let seconds = HeaderValue::from(seconds);
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            Refusal::Method => {
                let allowed = HeaderValue::from_static("GET, HEAD");
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            Refusal::Missing | Refusal::Failed => {}
        }
        response
    }

    pub(super) fn show(&self, screen: &impl Template) -> Result<Response, Refusal> {
        let html = screen
            .render()
            .map_err(|error| Problem::Fault(error.to_string()))?;
        Ok(Html(html).into_response())
    }

    pub(super) fn avatar(&self) -> String {
        self.voice.avatar(&self.about.name, &self.about.shop)
    }
    /// What the shop is called.
    pub(super) fn name(&self) -> String {
        called(self.about.name.as_ref(), &self.about.shop)
    }
    pub(super) fn shop(&self) -> AuthorId {
        self.about.shop
    }

    /// An absolute address.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.shown.base)
    }
    /// The path of a listing: its handle, where that can be a path.
    pub(super) fn path(&self, handle: &impl ToString, id: &ListingId) -> String {
        path(&handle.to_string(), id)
    }

    /// What shipping costs, in sentences.
    pub(super) fn shipping(&self, ships: bool) -> Vec<String> {
        let Some(terms) = self.about.terms.as_ref().filter(|_| ships) else {
            return vec![self.t("front-ships-not")];
        };
        let zones = terms.shipping.first().map(|profile| &*profile.zones);
        let amount = |minor| Amount {
            minor,
            currency: terms.currency,
        };
        match zones.unwrap_or_default() {
            [zone] if zone.per_kg_minor == 0 && zone.places.contains(&Place::Elsewhere) => {
                let mut said = vec![match zone.base_minor {
                    0 => self.t("front-ships-free"),
                    minor => self.t1("front-ships-flat", "price", self.money(&amount(minor))),
                }];
                if let Some(from) = zone.free_from_minor.filter(|_| zone.base_minor > 0) {
                    said.push(self.t1("front-ships-free-from", "price", self.money(&amount(from))));
                }
                said
            }
            _ => vec![self.t("front-ships-asked")],
        }
    }
    /// What becomes of what is sent back.
    pub(super) fn returns(&self) -> String {
        let days = self
            .about
            .terms
            .as_ref()
            .map_or(0, |terms| terms.policies.returns_days);
        self.t1("front-returns", "count", days)
    }
}

fn path(handle: &str, id: &ListingId) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    match !handle.is_empty() && handle.chars().all(plain) && !TAKEN.contains(&handle) {
        true => {
            let encoded: String = form_urlencoded::byte_serialize(handle.as_bytes()).collect();
            format!("/{encoded}")
        }
        false => format!("/{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_has_a_path_of_its_own() {
        let id = ListingId::from_bytes([7; 16]);
        assert_eq!(path("blue-lamp", &id), "/blue-lamp");
        assert_eq!(path("café", &id), "/caf%C3%A9");
        for odd in ["", "a/b", "..", "feed.xml", "a b", "a?b", "assets"] {
            assert_eq!(path(odd, &id), format!("/{id}"), "{odd}");
        }
    }
}
