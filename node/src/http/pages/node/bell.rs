//! The notices: what happened that the owner will want to know, by day, newest first, each one sentence
//! that leads to where it can be acted on. Looking at them is what makes them seen.

use super::super::super::problem::Problem;
use super::super::notices::{self, About, Notice};
use super::super::page::Page;
use super::super::voice::called;
use super::super::words::args;
use super::super::{icons, words};
use super::network::past_key;
use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use souk_protocol::body::Body;
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, EnvelopeId};
use souk_protocol::order::Role;
use souk_protocol::records::{Fault, Records};
use souk_protocol::text::Name;
use souk_protocol::time::Timestamp;
use souk_protocol::view;

/// Characters of what was said that a notice repeats.
const QUOTED_CHARS: usize = 140;
const DAY_MS: u64 = 86_400_000;

/// A notice with what it takes to say it.
struct Known {
    notice: Notice,
    /// Who did it.
    who: Option<(AuthorId, Option<Name>)>,
    /// What they said, or what it was about.
    quote: String,
}

/// A notice as it is shown.
struct Row {
    fresh: bool,
    at: u64,
    href: String,
    /// A picture of somebody, or an icon.
    picture: String,
    sentence: String,
    quote: String,
}

/// The notices of a day.
struct Day {
    title: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "html/notices.html")]
struct NoticesScreen<'a> {
    page: &'a Page,
    days: Vec<Day>,
    next: Option<u64>,
}

/// `GET /notices`
pub(super) async fn notices(mut page: Page) -> Result<Response, Problem> {
    let (me, now) = (page.me, page.now);
    let before = page.query.maybe("before")?;
    let cookie = page.app.door.cookie(&page.headers, notices::COOKIE);
    let (seen, before_that) = notices::marks(cookie.as_deref());
    // A screen that renews itself is the same visit: what was new a moment ago still is.
    let renews = page
        .headers
        .get("sec-fetch-dest")
        .is_some_and(|dest| dest.as_bytes() == b"empty");
    let mark = if renews { before_that } else { seen };
    let (known, next, newest) = page
        .app
        .read(move |records| {
            let (found, next) = notices::page(records, &me, Timestamp(now), before)?;
            let known: Result<Vec<_>, Fault> =
                found.into_iter().map(|notice| known(records, notice)).collect();
            Ok((known?, next, view::newest_event(records)?))
        })
        .await?;
    page.unread = 0;
    let mut days: Vec<Day> = Vec::new();
    for known in known {
        let title = day(&page, known.notice.at);
        let row = row(&page, known, mark);
        match days.last_mut() {
            Some(day) if day.title == title => day.rows.push(row),
            _ => days.push(Day {
                title,
                rows: vec![row],
            }),
        }
    }
    let mut response = page
        .show(&NoticesScreen {
            page: &page,
            days,
            next,
        })?
        .into_response();
    let cookie = page.keep_cookie(notices::COOKIE, &notices::marked(newest, mark));
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn day(page: &Page, at: u64) -> String {
    let date = |ms| words::date(page.look.lang, ms);
    let title = date(at);
    match title {
        title if title == date(page.now) => page.t("today"),
        title if title == date(page.now.saturating_sub(DAY_MS)) => page.t("yesterday"),
        title => title,
    }
}

fn known(records: &dyn Records, notice: Notice) -> Result<Known, Fault> {
    let (who, quote) = match &notice.about {
        About::Order { order } => {
            let titles: Vec<&str> = order
                .lines
                .iter()
                .map(|line| line.title.as_str())
                .filter(|title| !title.is_empty())
                .collect();
            let other = match order.you {
                Role::Buyer => order.merchant,
                Role::Merchant => order.buyer,
            };
            (Some(other), titles.join(", "))
        }
        About::Tab { with, .. } => (Some(*with), String::new()),
        About::Answer { post, by } | About::Review { post, by } => (Some(*by), quoted(records, post)?),
        About::Reaction { post, by, .. } => (Some(*by), quoted(records, post)?),
        About::Reshare { by, .. } => (Some(*by), String::new()),
        About::Vouch { by, why, .. } => (Some(*by), why.clone()),
        About::Equivocated { author } => (Some(*author), String::new()),
        About::DeviceAsks | About::Past(_) => (None, String::new()),
    };
    let who = match who {
        Some(author) => Some((author, feed::name(records, &author)?)),
        None => None,
    };
    Ok(Known { notice, who, quote })
}

/// What somebody said in public.
fn quoted(records: &dyn Records, id: &EnvelopeId) -> Result<String, Fault> {
    let said = records.envelope(id)?;
    Ok(match said.as_ref().map(|said| said.body()) {
        Some(Body::Post(post)) => post.text.to_string(),
        Some(Body::Review(review)) => review.text.to_string(),
        _ => String::new(),
    })
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// A name in a sentence of another direction must not turn it around.
fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

fn row(page: &Page, known: Known, mark: u64) -> Row {
    let Known { notice, who, quote } = known;
    let (key, href, icon) = place(&notice.about, who.as_ref().map(|(author, _)| author));
    let name = who.as_ref().map(|(author, name)| called(name.as_ref(), author));
    let emoji = match &notice.about {
        About::Reaction { emoji, .. } => emoji.clone(),
        _ => String::new(),
    };
    let values = args([
        ("name", isolated(&name.unwrap_or_default()).into()),
        ("emoji", emoji.into()),
    ]);
    Row {
        fresh: notice.number > mark,
        at: notice.at,
        href,
        picture: match &who {
            Some((author, name)) => page.avatar(name, author),
            None => icons::icon(icon),
        },
        sentence: words::message(page.look.lang, &key, Some(&values)),
        quote: shortened(&quote),
    }
}

/// How a notice is said, where it leads, and an icon for one that nobody did.
fn place(about: &About, who: Option<&AuthorId>) -> (String, String, &'static str) {
    let person = || who.map_or_else(|| "/people".to_owned(), |who| format!("/people/{who}"));
    match about {
        About::Order { order } => (
            format!("notice-order-{}", order.state.name()),
            format!("/orders/{}", order.order),
            "orders",
        ),
        About::Tab { tab, .. } => ("notice-tab".into(), format!("/money/{tab}"), "money"),
        About::Answer { post, .. } => ("notice-answer".into(), format!("/posts/{post}"), "reply"),
        About::Reaction { post, .. } => ("notice-reaction".into(), format!("/posts/{post}"), "heart"),
        About::Reshare { post, .. } => ("notice-reshare".into(), format!("/posts/{post}"), "reshare"),
        About::Vouch { stands: true, .. } => ("notice-vouch".into(), person(), "shield"),
        About::Vouch { .. } => ("notice-unvouch".into(), person(), "shield"),
        About::Review { post, .. } => ("notice-review".into(), format!("/posts/{post}"), "star"),
        About::Equivocated { .. } => ("notice-equivocated".into(), person(), "warn"),
        About::DeviceAsks => ("notice-device".into(), "/settings/devices".into(), "phone"),
        About::Past(past) => (format!("past-{}", past_key(*past)), "/network".into(), "warn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened(" a\n b "), "a b");
        let long = "ü".repeat(QUOTED_CHARS + 1);
        assert_eq!(shortened(&long), format!("{}…", "ü".repeat(QUOTED_CHARS)));
    }
}
