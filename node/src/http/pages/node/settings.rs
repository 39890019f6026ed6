//! The settings: who one is, delivery addresses, language and colours, limits, other programs. Each part
//! has a screen of its own.

use super::super::super::limits::{
    BODY_BYTES_MAX, EVENT_STREAMS_MAX, LOGIN_CODE_MS, PAIR_CODE_MS, PHONES_MAX, PRODUCT_FILE_BYTES_MAX,
};
use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::preferences::{self, Look, Theme};
use super::super::qr;
use super::super::{bags, words};
use super::recovery::Recovery;
use crate::home::TOKEN;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::Command;
use souk_protocol::limits::{
    ADDRESS_LINES_MAX, AUTHOR_DEVICES_MAX, ENVELOPE_BYTES_MAX, EVENTS_KEPT_MAX, FOLLOWS_MAX, INVITATION_MS,
    LISTING_VARIANTS_MAX, ORDER_LINES_MAX, ORDER_UNITS_MAX, ORDERS_OPEN_PER_BUYER_MAX, POST_TAGS_MAX,
    PUSH_STRANGER_BYTES_PER_DAY, PUSH_STRANGER_PER_HOUR, PUSH_TRUSTED_PER_HOUR, TEXT_BYTES_MAX,
};
use souk_protocol::view::{self, AddressView};

/// Delivery addresses that are shown.
const ADDRESSES: usize = 100;

#[derive(Template)]
#[template(path = "html/settings-identity.html")]
struct IdentityScreen<'a> {
    page: &'a Page,
    my_name: String,
    about: String,
    recovery: Recovery,
    code: Option<String>,
}

/// `GET /settings`
pub(super) async fn identity(page: Page) -> Result<Response, Problem> {
    let recovery = Recovery::of(&page).await?;
    show_identity(&page, recovery).await
}

/// `POST /settings/words`: the same with the words.
pub(super) async fn show_words(page: Page, _: Form) -> Result<Response, Problem> {
    let recovery = Recovery::shown(&page).await?;
    show_identity(&page, recovery).await
}

async fn show_identity(page: &Page, recovery: Recovery) -> Result<Response, Problem> {
    page.show(&IdentityScreen {
        page,
        my_name: page.my_name.as_ref().map(ToString::to_string).unwrap_or_default(),
        about: about(page).await?,
        recovery,
        code: qr::code(&page.me.to_string()),
    })
}

/// What the owner says of themselves.
async fn about(page: &Page) -> Result<String, Problem> {
    let me = page.me;
    let profile = page
        .app
        .read(move |records| view::profile(records, &me, &me))
        .await?;
    Ok(profile
        .map(|profile| profile.about.to_string())
        .unwrap_or_default())
}

/// Says who the owner is. A profile is said as a whole, so what the form does not ask for is said again.
pub(super) async fn save_profile(page: &Page, form: &Form) -> Result<Done, Problem> {
    let asked = form.all("about").next().map(str::to_owned);
    let about = match asked {
        Some(about) => about,
        None => about(page).await?,
    };
    page.carry_out(Command::SetProfile {
        name: form.text("name").to_owned(),
        about,
    })
    .await?;
    Ok(Done::here("profile"))
}

#[derive(Template)]
#[template(path = "html/settings-addresses.html")]
struct AddressesScreen<'a> {
    page: &'a Page,
    addresses: Vec<AddressView>,
}

impl AddressesScreen<'_> {
    fn lines(&self, address: &AddressView) -> String {
        let lines: Vec<&str> = address.address.lines.iter().map(|line| line.as_str()).collect();
        lines.join("\n")
    }
    fn rows(&self) -> usize {
        ADDRESS_LINES_MAX.div_ceil(2)
    }
}

/// `GET /settings/addresses`
pub(super) async fn addresses(page: Page) -> Result<Response, Problem> {
    let addresses = page
        .app
        .read(|records| view::addresses(records, None, ADDRESSES))
        .await?;
    page.show(&AddressesScreen {
        page: &page,
        addresses: addresses.items,
    })
}

/// Keeps a delivery address: a new one, or in the place of the one that `key` names. None remains of one
/// that is removed.
pub(super) async fn save_address(page: &Page, form: &Form) -> Result<Done, Problem> {
    let (old, name) = (form.get("key"), form.text("name"));
    let remove = |name: &str| Command::SaveAddress {
        name: name.to_owned(),
        lines: Vec::new(),
        country: String::new(),
    };
    if form.ticked("remove") {
        page.carry_out(remove(old)).await?;
        return Ok(Done::here("address-removed"));
    }
    let lines = form.lines("lines");
    // No lines would mean to remove it.
    if lines.is_empty() || name.is_empty() {
        return Err(Problem::Field(
            "an address has a name and at least one line".into(),
        ));
    }
    let (wanted, kept) = (
        name.to_owned(),
        page.app.read(|records| view::addresses(records, None, ADDRESSES)),
    );
    let is_taken = kept.await?.items.iter().any(|one| one.name.as_str() == wanted);
    if old != name && is_taken {
        return Err(Problem::Field(format!(
            "there is an address called '{name}' already"
        )));
    }
    page.carry_out(Command::SaveAddress {
        name: name.to_owned(),
        lines,
        country: form.text("country").to_uppercase(),
    })
    .await?;
    if !old.is_empty() && old != name {
        page.carry_out(remove(old)).await?;
    }
    Ok(Done::here("address-kept"))
}

#[derive(Template)]
#[template(path = "html/settings-look.html")]
struct LookScreen<'a> {
    page: &'a Page,
}

impl LookScreen<'_> {
    fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }
    fn theme_key(&self, theme: &Theme) -> String {
        format!("theme-{}", theme.name())
    }
}

/// `GET /settings/look`
pub(super) async fn look(page: Page) -> Result<Response, Problem> {
    page.show(&LookScreen { page: &page })
}

/// Has the browser keep a language and colours.
pub(super) fn save_look(page: &Page, form: &Form) -> Result<Done, Problem> {
    let look = Look::cookie(form.get("lang"), form.get("theme"))
        .ok_or_else(|| Problem::Field("there is no such language, or no such colours".into()))?;
    Ok(Done {
        to: None,
        word: "look",
        cookie: Some(page.keep_cookie(preferences::COOKIE, &look)),
    })
}

/// A limit that a person may meet: the end of a message's key, and its value in words.
struct Limit {
    key: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "html/settings-limits.html")]
struct LimitsScreen<'a> {
    page: &'a Page,
    groups: Vec<(&'static str, Vec<Limit>)>,
}

/// `GET /settings/limits`
pub(super) async fn limits(page: Page) -> Result<Response, Problem> {
    let count = |key, value: usize| Limit {
        key,
        value: words::number_grouped(page.look.lang, value as u64),
    };
    let size = |key, bytes: usize| Limit {
        key,
        value: page.size(&(bytes as u64)),
    };
    let minutes = |key, ms: u64| Limit {
        key,
        value: page.t1("minutes", "count", ms / 60_000),
    };
    let hourly = |key, value: u32| Limit {
        key,
        value: page.t1("an-hour", "count", value),
    };
    let groups = vec![
        (
            "limits-talk",
            vec![
                size("limit-text", TEXT_BYTES_MAX),
                size("limit-envelope", ENVELOPE_BYTES_MAX),
                count("limit-post-tags", POST_TAGS_MAX),
                count("limit-follows", FOLLOWS_MAX),
                hourly("limit-push-trusted", PUSH_TRUSTED_PER_HOUR),
                hourly("limit-push-stranger", PUSH_STRANGER_PER_HOUR),
                Limit {
                    key: "limit-push-bytes",
                    value: page.size(&PUSH_STRANGER_BYTES_PER_DAY),
                },
            ],
        ),
        (
            "limits-trade",
            vec![
                count("limit-bag-lines", bags::LINES_MAX),
                count("limit-order-lines", ORDER_LINES_MAX),
                count("limit-order-units", ORDER_UNITS_MAX as usize),
                count("limit-orders-open", ORDERS_OPEN_PER_BUYER_MAX),
                count("limit-variants", LISTING_VARIANTS_MAX),
                size("limit-product-file", PRODUCT_FILE_BYTES_MAX),
            ],
        ),
        (
            "limits-node",
            vec![
                count("limit-devices", AUTHOR_DEVICES_MAX),
                minutes("limit-invitation", INVITATION_MS),
                minutes("limit-login", LOGIN_CODE_MS),
                count("limit-phones", PHONES_MAX),
                minutes("limit-phone-code", PAIR_CODE_MS),
                Limit {
                    key: "limit-events",
                    value: words::number_grouped(page.look.lang, EVENTS_KEPT_MAX),
                },
                size("limit-body", BODY_BYTES_MAX),
                count("limit-streams", EVENT_STREAMS_MAX),
            ],
        ),
    ];
    page.show(&LimitsScreen { page: &page, groups })
}

#[derive(Template)]
#[template(path = "html/settings-access.html")]
struct AccessScreen<'a> {
    page: &'a Page,
    token_file: String,
    link: Option<String>,
    minutes: u64,
}

/// `GET /settings/access`
pub(super) async fn access(page: Page) -> Result<Response, Problem> {
    show_access(&page, None)
}

/// `POST /settings/access/link`: the same with a link for another browser.
pub(super) async fn link(page: Page, _: Form) -> Result<Response, Problem> {
    let link = page.app.login_link();
    let link = link.map_err(|error| Problem::Fault(error.to_string()))?;
    show_access(&page, Some(link))
}

fn show_access(page: &Page, link: Option<String>) -> Result<Response, Problem> {
    page.show(&AccessScreen {
        page,
        token_file: page.app.dir.join(TOKEN).display().to_string(),
        link,
        minutes: LOGIN_CODE_MS / 60_000,
    })
}
