//! `souk shop terms`: what one's shop promises. Terms are stated as a whole, so that nobody wonders
//! which half of an older statement still holds.

use super::amount_of;
use crate::answer::{Shop, Status};
use crate::client::shaped;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{count, strong};
use crate::pick::person;
use clap::Args;
use serde_json::Value;
use souk_protocol::api::{Command, ShopDraft};
use souk_protocol::money::Currency;

/// What `terms` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Terms {
    /// State new terms, with prices in this currency; what is not named beside it is none
    #[arg(long)]
    currency: Option<Currency>,
    /// Flat price of shipping an order
    #[arg(long, value_name = "AMOUNT", requires = "currency")]
    shipping: Option<String>,
    /// Shipping is free from this subtotal on
    #[arg(long, value_name = "AMOUNT", requires = "shipping")]
    free_from: Option<String>,
    /// Days in which a buyer may send things back
    #[arg(long, value_name = "DAYS", requires = "currency", default_value_t = 0)]
    returns_days: u32,
    /// How to pay outside a tab, in words: an IBAN, a place. Without it only tabs are taken
    #[arg(long, value_name = "WORDS", requires = "currency", default_value = "")]
    payment: String,
    /// Accept every order that the stock allows without asking you
    #[arg(long, requires = "currency")]
    accept_by_itself: bool,
}

/// Shows or sets them.
pub(super) fn run(wish: &Terms, context: &Context) -> Result<(), Failure> {
    match wish.currency {
        Some(currency) => set(wish, currency, context),
        None => show(context),
    }
}

fn set(wish: &Terms, currency: Currency, context: &Context) -> Result<(), Failure> {
    let minor = |text: &Option<String>| -> Result<Option<i64>, Failure> {
        let amount = text
            .as_deref()
            .map(|text| amount_of(text, Some(currency)))
            .transpose()?;
        match amount {
            Some(amount) if amount.currency != currency => Err(Failure::usage(
                format!("{amount} is not in {currency}"),
                format!("write all amounts in {currency}"),
            )),
            amount => Ok(amount.map(|amount| amount.minor)),
        }
    };
    let (value, _) = context.client()?.command(&Command::SetShop(ShopDraft {
        currency,
        shipping_minor: minor(&wish.shipping)?.unwrap_or(0),
        shipping_free_from_minor: minor(&wish.free_from)?,
        returns_days: wish.returns_days,
        payment_instructions: wish.payment.clone(),
        accept_by_itself: wish.accept_by_itself,
    }))?;
    context.output.answer(
        &value,
        format!("your shop's terms are set; prices are in {currency}"),
    );
    Ok(())
}

fn show(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let me = client.read_as::<Status>("/status", &[])?.author;
    let Some(value) = client.find(&format!("/shops/{me}"))? else {
        return Err(Failure::not_found(
            "you have no shop yet",
            "`souk shop import FILE` opens one, `souk shop terms --currency EUR …` too",
        ));
    };
    context.output.object(&value);
    let shop: Shop = shaped("/shops", value)?;
    let out = context.output;
    out.line(strong(&person(shop.name.as_deref(), &shop.author)));
    out.line(format!(
        "{}, prices in {}",
        count(shop.listings, "listing", "listings"),
        shop.currency
    ));
    for line in promises(&shop) {
        out.line(line);
    }
    Ok(())
}

/// What a shop promises, line by line.
pub(crate) fn promises(shop: &Shop) -> Vec<String> {
    let mut lines = Vec::new();
    for zone in shop.shipping.iter().flat_map(|profile| &profile.zones) {
        let places: Vec<&str> = zone.places.iter().filter_map(Value::as_str).collect();
        let mut line = format!(
            "shipping to {}: {}",
            places.join(", ").replace('*', "anywhere else"),
            zone.base
        );
        if let Some(per_kg) = zone.per_kg.filter(|amount| amount.minor > 0) {
            line.push_str(&format!(" and {per_kg} for each kilogram"));
        }
        if let Some(free) = zone.free_from {
            line.push_str(&format!(", free from {free}"));
        }
        lines.push(line);
    }
    lines.push(match shop.returns_days {
        0 => "nothing can be sent back".to_owned(),
        days => format!("things can be sent back for {}", count(days, "day", "days")),
    });
    let silences = shop.deadlines.iter().filter_map(|(name, value)| {
        let hours = value.as_u64()? / 3_600_000;
        let time = if hours < 48 {
            count(hours, "hour", "hours")
        } else {
            format!("{} days", hours / 24)
        };
        Some(format!("time for {}: {time}", name.strip_suffix("_ms")?))
    });
    lines.extend(silences);
    lines
}
