//! The bag and the way from it to an order: one shop at a time. The shop answers with a signed quote;
//! until then every sum here is what its published prices say.

use super::super::app::parse;
use super::super::problem::Problem;
use super::bags::{self, Bag};
use super::done::{Done, unknown};
use super::form::Form;
use super::market::{Seen, Shipping, home_country};
use super::page::Page;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, Reply};
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, ListingId, VariantId};
use souk_protocol::market as held;
use souk_protocol::money::Amount;
use souk_protocol::text::Name;
use souk_protocol::view::{self, ListingView, VariantView};

#[derive(Template)]
#[template(path = "html/bag.html")]
struct BagScreen<'a> {
    page: &'a Page,
    bags: Vec<Packed>,
    country: String,
}

/// One shop's bag with what is known of the things in it.
struct Packed {
    shop: AuthorId,
    name: Option<Name>,
    lines: Vec<Line>,
    subtotal: Option<Amount>,
    shipping: Shipping,
    total: Option<Amount>,
    seen: Seen,
}

struct Line {
    key: String,
    units: u32,
    listing: Option<ListingView>,
    variant: Option<VariantView>,
    total: Option<Amount>,
}

impl Line {
    /// The name of the field with its units.
    fn field(&self) -> String {
        format!("units/{}", self.key)
    }
    /// Whether it cannot be had as it stands here.
    fn is_gone(&self) -> bool {
        self.variant
            .as_ref()
            .is_none_or(|variant| variant.price.is_none())
    }
    fn too_few(&self) -> Option<u64> {
        let left = self.variant.as_ref()?.available?;
        (left < u64::from(self.units)).then_some(left)
    }
}

/// `GET /bag`
pub(super) async fn bag(page: Page) -> Result<Response, Problem> {
    let (me, asked) = (page.me, page.query.text("country").to_uppercase());
    let (packed, country) = page
        .app
        .read(move |records| {
            let country = if asked.is_empty() {
                home_country(records)?
            } else {
                asked
            };
            let mut packed = Vec::new();
            for Bag { shop, lines } in bags::all(records)? {
                let terms = held::terms(records, &shop)?;
                let mut shown = Vec::with_capacity(lines.len());
                for line in lines {
                    let listing = view::listing(records, &me, &shop, &line.listing)?;
                    let of = |listing: &ListingView| match line.variant {
                        Some(id) => listing
                            .variants
                            .iter()
                            .find(|variant| variant.variant == id)
                            .cloned(),
                        None => listing.variants.first().cloned(),
                    };
                    let variant = listing.as_ref().and_then(of);
                    let price = variant.as_ref().and_then(|variant| variant.price);
                    shown.push(Line {
                        key: match line.variant {
                            Some(variant) => format!("{}/{variant}", line.listing),
                            None => line.listing.to_string(),
                        },
                        units: line.units,
                        total: price.and_then(|price| price.times(line.units).ok()),
                        listing,
                        variant,
                    });
                }
                let subtotal = sum(shown.iter().map(|line| line.total));
                let sent = |line: &&Line| {
                    line.variant
                        .as_ref()
                        .is_some_and(|variant| variant.requires_shipping)
                };
                let weighs = |line: &Line| {
                    line.variant.as_ref().map_or(0, |variant| {
                        u64::from(variant.weight_grams) * u64::from(line.units)
                    })
                };
                let grams = shown.iter().filter(sent).map(weighs).sum();
                let shipping = match subtotal {
                    Some(subtotal) => Shipping::of(
                        terms.as_ref(),
                        &country,
                        grams,
                        subtotal,
                        shown.iter().any(|line| sent(&line)),
                    ),
                    None => Shipping::Unknown,
                };
                let total = match (&shipping, subtotal) {
                    (Shipping::None, subtotal) => subtotal,
                    (Shipping::Costs(shipping), Some(subtotal)) => subtotal.plus(*shipping).ok(),
                    _ => None,
                };
                let name = feed::name(records, &shop)?;
                packed.push(Packed {
                    shop,
                    name,
                    lines: shown,
                    subtotal,
                    shipping,
                    total,
                    seen: Seen::Never,
                });
            }
            Ok((packed, country))
        })
        .await?;
    let mut bags = packed;
    for bag in &mut bags {
        bag.seen = Seen::of(&page, bag.shop).await?;
    }
    page.show(&BagScreen {
        page: &page,
        bags,
        country,
    })
}

/// All of them together, if all are known and of one currency.
fn sum(amounts: impl Iterator<Item = Option<Amount>>) -> Option<Amount> {
    amounts.reduce(|sum, next| sum?.plus(next?).ok()).flatten()
}

/// Forms of the bag.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "units" => {
            let shop: AuthorId = form.parsed("shop")?;
            let _turn = page.app.bags.lock().await;
            let mut bag = page.app.read(move |records| bags::of(records, &shop)).await?;
            let removed = form.text("remove").to_owned();
            let mut shown = Vec::new();
            for (line, units) in form.beginning("units/") {
                let (listing, variant) = line_of(line)?;
                let units = match removed == line {
                    true => 0,
                    false => units
                        .trim()
                        .parse()
                        .map_err(|_| Problem::Field(format!("'{units}' is no number of units")))?,
                };
                bag.set(&listing, variant.as_ref(), units);
                shown.push((listing, variant));
            }
            page.carry_out(bag.kept()).await?;
            match form.text("go") {
                "ask" => ask(page, form, bag, &shown).await,
                _ => Ok(Done::to("/bag".into(), "bag-changed")),
            }
        }
        other => Err(unknown(other)),
    }
}

/// A line of a bag as a form names it.
fn line_of(text: &str) -> Result<(ListingId, Option<VariantId>), Problem> {
    let (listing, variant) = text.split_once('/').unwrap_or((text, ""));
    let variant = match variant {
        "" => None,
        id => Some(parse(id)?),
    };
    Ok((parse(listing)?, variant))
}

/// Asks the shop for its binding price of what the form showed; that is the order's from then on. What was put in
/// from another window meanwhile stays in the bag.
async fn ask(
    page: &Page,
    form: &Form,
    mut bag: Bag,
    shown: &[(ListingId, Option<VariantId>)],
) -> Result<Done, Problem> {
    let shop = bag.shop;
    let lines = bag.take(shown);
    if lines.is_empty() {
        return Err(Problem::Field("the bag is empty".into()));
    }
    let command = Command::AskQuote {
        shop,
        lines,
        country: form.text("country").to_uppercase(),
        note: form.text("note").to_owned(),
    };
    match page.carry_out(command).await? {
        Reply::Order { order, .. } => {
            // The question was asked: a bag that stays full is no reason to send the form again.
            if let Err(problem) = page.carry_out(bag.kept()).await {
                tracing::warn!(%problem, "a bag was not emptied");
            }
            Ok(Done::to(format!("/orders/{order}"), "asked"))
        }
        other => Err(Problem::Fault(format!(
            "a question for a price was answered with {other:?}"
        ))),
    }
}
