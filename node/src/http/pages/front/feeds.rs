//! What programs read of the storefront: the sitemap, the feeds, and data within pages.

use super::super::super::limits::{FRONT_FEED_ITEMS, FRONT_SITEMAP_MAX};
use super::super::super::problem::Problem;
use super::super::words;
use super::visitor::{Front, Refusal};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::fmt::rfc2822;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use souk_protocol::view::ListingView;
use std::fmt::Write;

const XML: &str = "application/xml; charset=utf-8";
const RSS: &str = "application/rss+xml; charset=utf-8";
const JSON_FEED: &str = "application/feed+json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// JSON that can stand within a script element: nothing in it begins or ends an element or a comment.
pub(super) fn data(value: &Value) -> String {
    let mut safe = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => {
                // A string is all that these can stand in, and there they may be written so.
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Text as XML has it; what XML cannot say at all is left out.
fn xml(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().filter(allowed).collect();
    html_escape::encode_quoted_attribute(&text).into_owned()
}

fn typed(media: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, media)], text).into_response()
}

/// `GET /robots.txt`
pub(super) async fn robots(front: Front) -> Response {
    let text = format!(
        "User-agent: *\nAllow: /\nDisallow: /*?q=\n\nSitemap: {}\n",
        front.url("/sitemap.xml")
    );
    typed(TEXT, text)
}

/// `GET /sitemap.xml`
pub(super) async fn sitemap(front: Front) -> Result<Response, Refusal> {
    let inventory = front.shown.shop.inventory().await?;
    let rows = &inventory.for_sale().rows;
    let mut text = format!("{DECLARATION}<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    let mut put = |path: &str, changed: Option<u64>| {
        let changed = changed.map(|ms| format!("<lastmod>{}</lastmod>", words::rfc3339(ms)));
        text.push_str(&format!(
            "<url><loc>{}</loc>{}</url>\n",
            xml(&front.url(path)),
            changed.unwrap_or_default()
        ));
    };
    put("/", rows.first().map(|row| row.updated));
    for row in rows.iter().take(FRONT_SITEMAP_MAX - 1) {
        put(&front.path(&row.handle, &row.id), Some(row.updated));
    }
    text.push_str("</urlset>\n");
    Ok(typed(XML, text))
}

async fn newest(front: &Front) -> Result<Vec<ListingView>, Refusal> {
    let inventory = front.shown.shop.inventory().await?;
    let ids = inventory
        .for_sale()
        .rows
        .iter()
        .take(FRONT_FEED_ITEMS)
        .map(|row| row.id);
    Ok(front.shown.shop.listings(ids.collect()).await?)
}

/// What a reader of feeds sees of a listing.
fn told(front: &Front, listing: &ListingView) -> String {
    match listing.description.is_empty() {
        true => front.price(listing),
        false => format!("{}\n\n{}", front.price(listing), listing.description),
    }
}

/// `GET /feed.xml`: RSS 2.0.
pub(super) async fn rss(front: Front) -> Result<Response, Refusal> {
    let listings = newest(&front).await?;
    let mut text = format!(
        "{DECLARATION}<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>\n<title>{}</title>\n<link>{}</link>\n<description>{}</description>\n<language>{}</language>\n<atom:link href=\"{}\" rel=\"self\" type=\"application/rss+xml\"/>\n",
        xml(&front.name()),
        xml(&front.url("/")),
        xml(match front.about.words.as_str() {
            "" => "Souk",
            words => words,
        }),
        front.lang(),
        xml(&front.url("/feed.xml")),
    );
    for listing in &listings {
        let url = front.url(&front.path(&listing.handle, &listing.listing));
        text.push_str(&format!(
            "<item><title>{}</title><link>{}</link><guid isPermaLink=\"false\">{}</guid><pubDate>{}</pubDate><description>{}</description></item>\n",
            xml(listing.title.as_str()),
            xml(&url),
            listing.listing,
            mail_date(listing.updated)?,
            xml(&told(&front, listing)),
        ));
    }
    text.push_str("</channel>\n</rss>\n");
    Ok(typed(RSS, text))
}

/// A moment as RSS writes it.
fn mail_date(ms: u64) -> Result<String, Refusal> {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let written = rfc2822::to_string(&time.to_zoned(TimeZone::UTC));
    Ok(written.map_err(|error| Problem::Fault(error.to_string()))?)
}

/// `GET /feed.json`: JSON Feed 1.1.
pub(super) async fn json(front: Front) -> Result<Response, Refusal> {
    let listings = newest(&front).await?;
    let items = listings.iter().map(|listing| {
        let tags: Vec<&str> = listing.tags.iter().map(|tag| tag.as_str()).collect();
        json!({
            "id": listing.listing,
            "url": front.url(&front.path(&listing.handle, &listing.listing)),
            "title": listing.title.as_str(),
            "content_text": told(&front, listing),
            "date_modified": words::rfc3339(listing.updated),
            "tags": tags,
        })
    });
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": front.name(),
        "description": front.about.words.as_str(),
        "home_page_url": front.url("/"),
        "feed_url": front.url("/feed.json"),
        "language": front.lang(),
        "items": items.collect::<Vec<_>>(),
    });
    Ok(typed(JSON_FEED, feed.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_never_ends_its_element_and_stays_the_same_data() {
        let value = json!({"name": "</script><!--<script>&\u{2028}'\"", "é": "😀"});
        let text = data(&value);
        assert!(!text.contains(['<', '>', '&', '\'']) && !text.contains('\u{2028}'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn xml_holds_only_what_xml_can_say() {
        assert_eq!(xml("a<b>&\"'\u{0}\u{b}\u{fffe}z"), "a&lt;b&gt;&amp;&quot;&#x27;z");
    }

    #[test]
    fn a_moment_in_rss_is_one_of_mail() {
        assert_eq!(mail_date(0).unwrap(), "Thu, 1 Jan 1970 00:00:00 +0000");
    }
}
