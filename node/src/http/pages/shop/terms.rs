//! The shop's terms. Setting them for the first time opens the shop.

use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::words;
use super::cells;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, ShopDraft};
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::peer::own_ways;
use souk_protocol::records::{Fault, Records};

/// Currencies that are offered first; any other is typed.
const CURRENCIES: [&str; 14] = [
    "EUR", "USD", "GBP", "CHF", "SEK", "PLN", "CZK", "TRY", "AED", "SAR", "EGP", "MAD", "JPY", "INR",
];

/// The terms as fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) currency: String,
    pub(super) shipping: String,
    pub(super) free_from: String,
    pub(super) returns_days: String,
    pub(super) payment: String,
    pub(super) by_itself: bool,
}

/// The terms as they are; none before there is a shop.
pub(super) fn fields(
    records: &dyn Records,
    me: &souk_protocol::id::AuthorId,
) -> Result<Option<Fields>, Fault> {
    let Some(terms) = market::terms(records, me)? else {
        return Ok(None);
    };
    let ways = own_ways(records)?;
    let amount = |minor| {
        words::plain_amount(&Amount {
            minor,
            currency: terms.currency,
        })
    };
    let zone = terms.shipping.first().and_then(|profile| profile.zones.first());
    Ok(Some(Fields {
        currency: terms.currency.to_string(),
        shipping: zone.map(|zone| amount(zone.base_minor)).unwrap_or_default(),
        free_from: zone
            .and_then(|zone| zone.free_from_minor)
            .map(amount)
            .unwrap_or_default(),
        returns_days: terms.policies.returns_days.to_string(),
        payment: ways.payment_instructions.to_string(),
        by_itself: ways.accept_by_itself,
    }))
}

#[derive(Template)]
#[template(path = "html/shop_terms.html")]
struct TermsScreen<'a> {
    page: &'a Page,
    /// Whether there is a shop already.
    open: bool,
    fields: Fields,
    currencies: [&'static str; 14],
}

/// `GET /shop/terms`
pub(super) async fn terms(page: Page) -> Result<Response, Problem> {
    let me = page.me;
    let fields = page.app.read(move |records| fields(records, &me)).await?;
    show(&page, fields)
}

/// The terms as a form, for a shop that is open or one that is not yet.
pub(super) fn show(page: &Page, known: Option<Fields>) -> Result<Response, Problem> {
    let open = known.is_some();
    let mut fields = known.unwrap_or_else(|| Fields {
        currency: "EUR".into(),
        returns_days: "14".into(),
        ..Fields::default()
    });
    for (name, field) in [
        ("currency", &mut fields.currency),
        ("shipping", &mut fields.shipping),
        ("free_from", &mut fields.free_from),
        ("returns_days", &mut fields.returns_days),
        ("payment", &mut fields.payment),
    ] {
        if let Some(kept) = page.kept("shop.terms", "", name) {
            *field = kept;
        }
    }
    if let Some(kept) = page.kept("shop.terms", "", "by_itself") {
        fields.by_itself = !kept.is_empty();
    }
    page.show(&TermsScreen {
        page,
        open,
        fields,
        currencies: CURRENCIES,
    })
}

/// `shop.terms`
pub(super) async fn set(page: &Page, form: &Form) -> Result<Done, Problem> {
    let currency: Currency = form
        .text("currency")
        .to_uppercase()
        .parse()
        .map_err(|error| Problem::Field(format!("{error}")))?;
    let minor = |name: &str| match form.text(name) {
        "" => Ok(None),
        text => cells::amount(text, currency).map(|amount| Some(amount.minor)),
    };
    let draft = ShopDraft {
        currency,
        shipping_minor: minor("shipping")?.unwrap_or(0),
        shipping_free_from_minor: minor("free_from")?,
        returns_days: form.maybe("returns_days")?.unwrap_or(0),
        payment_instructions: form.text("payment").to_owned(),
        accept_by_itself: form.ticked("by_itself"),
    };
    let me = page.me;
    let open = page
        .app
        .read(move |records| Ok(market::terms(records, &me)?.is_some()))
        .await?;
    page.carry_out(Command::SetShop(draft)).await?;
    Ok(match open {
        true => Done::to("/shop/terms".into(), "shop-terms"),
        false => Done::to("/shop".into(), "shop-open"),
    })
}
