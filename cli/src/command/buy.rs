//! `souk buy`: asks a shop for a quote, shows what it would cost and under which terms, and orders if
//! the person agrees.

use super::orders::details;
use super::shop::promises;
use super::{Context, address};
use crate::answer::{Order, Shop};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::pick::{self, short};
use crate::progress::Progress;
use clap::{Args, ValueEnum};
use serde_json::Value;
use souk_protocol::api::{Command, LineDraft, Reply};
use souk_protocol::id::OrderId;
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long one call waits for an order to move, in milliseconds.
const WAIT_MS: u64 = 5_000;
/// States in which nothing more will happen to a quote that was asked for.
const QUOTE_ENDED: &str = "quoted,declined,cancelled,lapsed";
/// States in which the buyer has nothing to wait for after ordering.
const ORDER_ENDED: [&str; 6] = [
    "receipted",
    "fulfilled",
    "completed",
    "declined",
    "cancelled",
    "lapsed",
];

/// What `buy` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Buy {
    /// Whose shop: a name or an id
    shop: String,
    /// The product: its handle or id
    listing: String,
    /// Which variant: its label, option, number or id; may be left out if there is one only
    #[arg(long)]
    variant: Option<String>,
    /// How many
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    units: u32,
    /// Where to: a country code of two letters; an address kept with `souk address` has its own
    #[arg(long, required_unless_present = "address")]
    country: Option<String>,
    /// A delivery address kept with `souk address save`
    #[arg(long, value_name = "NAME")]
    address: Option<String>,
    /// A line of the delivery address; repeated for each
    #[arg(long = "address-line", value_name = "LINE", conflicts_with = "address")]
    address_lines: Vec<String>,
    /// How to pay
    #[arg(long, value_enum, default_value_t = Rail::Tab)]
    rail: Rail,
    /// A word to the merchant
    #[arg(long, default_value = "")]
    note: String,
    /// Order without asking you again
    #[arg(long)]
    yes: bool,
    /// Wait until the merchant has accepted and signed the receipt, or said no
    #[arg(long)]
    wait: bool,
    /// How long to wait for the merchant each time, in seconds
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// Ways to pay.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rail {
    /// On your tab with the merchant
    Tab,
    /// Outside: bank transfer, cash
    Manual,
}

impl Rail {
    fn name(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Manual => "manual",
        }
    }
}

/// Buys.
pub(crate) fn run(wish: &Buy, context: &Context) -> Result<(), Failure> {
    let asks = !wish.yes;
    if asks && (context.output.is_json() || !std::io::stdin().is_terminal()) {
        return Err(Failure::usage(
            "nobody is there to be asked whether to order",
            "add --yes to order unasked",
        ));
    }
    let client = context.client()?;
    let wait = Duration::from_secs(wish.timeout);
    let (country, lines) = destination(wish, &client)?;
    let order = quote(wish, country, &client, wait)?;
    show(&order, &client, context)?;
    if asks && !agreed()? {
        context.output.line("not ordered; the quote ends by itself");
        return Ok(());
    }
    let place = Command::PlaceOrder {
        order: order.order,
        address: lines,
        rail: wish.rail.name().to_owned(),
    };
    client.command(&place)?;
    let value = match wish.wait {
        true => settled(&order.order, &client, wait)?,
        false => client.read(&format!("/orders/{}", order.order), &[])?,
    };
    context.output.object(&value);
    let order: Order = shaped("/orders", value)?;
    for line in details(&order)
        .into_iter()
        .filter(|line| line.starts_with("pay") || line.starts_with("receipt"))
    {
        context.output.line(line);
    }
    context
        .output
        .line(format!("{} is {}", short(&order.order), order.state));
    context
        .output
        .line(format!("→ souk orders show {}", short(&order.order)));
    Ok(())
}

fn destination(wish: &Buy, client: &Client) -> Result<(String, Vec<String>), Failure> {
    match &wish.address {
        Some(name) => {
            let kept = address::named(client, name)?;
            Ok((wish.country.clone().unwrap_or(kept.country), kept.lines))
        }
        None => Ok((
            wish.country.clone().unwrap_or_default(),
            wish.address_lines.clone(),
        )),
    }
}

fn quote(wish: &Buy, country: String, client: &Client, wait: Duration) -> Result<Order, Failure> {
    let shop = pick::author(client, &wish.shop)?;
    let listing = pick::listing(client, &shop, &wish.listing)?;
    let variant = pick::variant(&listing, wish.variant.as_deref())?;
    let line = LineDraft {
        listing: listing.listing,
        variant: Some(variant.variant),
        units: wish.units,
    };
    let ask = Command::AskQuote {
        shop,
        lines: vec![line],
        country,
        note: wish.note.clone(),
    };
    let (value, reply) = client.command(&ask)?;
    let Reply::Order { order, .. } = reply else {
        return Err(Failure::fault(format!(
            "the node answered a question for a quote with {value}"
        )));
    };
    let progress = Progress::start(format!("waiting for a quote from {}", wish.shop));
    let ended: Vec<&str> = QUOTE_ENDED.split(',').collect();
    let value = moved(&order, client, &ended, wait).map_err(|failure| late(failure, "the shop", &order))?;
    let answer: Order = shaped("/orders", value)?;
    if answer.state != "quoted" {
        let reason = answer
            .reason
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let message = format!("the shop gave no quote, the order is {}{reason}", answer.state);
        return Err(Failure::refused(
            "not_allowed",
            message,
            "ask for something else, or ask the merchant",
        ));
    }
    progress.done("");
    Ok(answer)
}

/// Waits until the merchant has done its part.
fn settled(order: &OrderId, client: &Client, wait: Duration) -> Result<Value, Failure> {
    let progress = Progress::start("waiting for the merchant");
    // Outside a tab the next step after acceptance is the buyer's own.
    let mut ended = ORDER_ENDED.to_vec();
    let now: Order = client.read_as(&format!("/orders/{order}"), &[])?;
    if now.rail.as_deref() == Some("manual") {
        ended.extend(["accepted", "paid"]);
    }
    let value = moved(order, client, &ended, wait).map_err(|failure| late(failure, "the merchant", order))?;
    progress.done(value["state"].as_str().unwrap_or_default());
    Ok(value)
}

/// Waits until an order is in one of some states.
fn moved(order: &OrderId, client: &Client, states: &[&str], wait: Duration) -> Result<Value, Failure> {
    let deadline = Instant::now() + wait;
    let (names, timeout) = (states.join(","), WAIT_MS.to_string());
    loop {
        let value = client.read(
            &format!("/orders/{order}"),
            &[("wait", &names), ("timeout_ms", &timeout)],
        )?;
        if value["state"]
            .as_str()
            .is_some_and(|state| states.contains(&state))
        {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Failure::too_late(format!("still {}", value["state"]), ""));
        }
    }
}

fn late(failure: Failure, who: &str, order: &OrderId) -> Failure {
    if failure.code != "too_late" {
        return failure;
    }
    Failure::too_late(
        format!("{who} has not answered yet; it may be away"),
        format!(
            "nothing is lost: `souk orders show {}` shows when it has",
            short(order)
        ),
    )
}

fn show(order: &Order, client: &Client, context: &Context) -> Result<(), Failure> {
    if context.output.is_json() {
        return Ok(());
    }
    for line in details(order) {
        context.output.line(line);
    }
    if let Some(shop) = client.find(&format!("/shops/{}", order.merchant))? {
        for line in promises(&shaped::<Shop>("/shops", shop)?) {
            context.output.line(line);
        }
    }
    Ok(())
}

fn agreed() -> Result<bool, Failure> {
    let trouble = |error: std::io::Error| Failure::fault(format!("the answer cannot be read: {error}"));
    let mut out = std::io::stderr();
    write!(out, "Order this? [y/N] ")
        .and_then(|()| out.flush())
        .map_err(trouble)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(trouble)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
