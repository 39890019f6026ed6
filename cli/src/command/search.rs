//! `souk search`: the listings that this node holds.

use super::Context;
use super::shop::prices;
use crate::answer::Listing;
use crate::client::shaped;
use crate::failure::Failure;
use crate::output::{Table, count};
use crate::pick::{Names, author};
use clap::Args;
use souk_protocol::money::{Amount, Currency};

/// What `search` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Search {
    /// What to look for; without it everything
    words: Vec<String>,
    /// In one shop: a name or an id
    #[arg(long)]
    shop: Option<String>,
    /// In one category
    #[arg(long)]
    category: Option<String>,
    /// physical, digital or service
    #[arg(long)]
    kind: Option<String>,
    /// The currency of prices
    #[arg(long, default_value_t = Currency::EUR)]
    currency: Currency,
    /// Not cheaper than this
    #[arg(long, value_name = "AMOUNT")]
    min: Option<String>,
    /// Not dearer than this
    #[arg(long, value_name = "AMOUNT")]
    max: Option<String>,
    /// Only what is there
    #[arg(long)]
    in_stock: bool,
    /// How to sort
    #[arg(long)]
    sort: Option<String>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// How many to skip
    #[arg(long, default_value_t = 0)]
    offset: u32,
}

/// Searches.
pub(crate) fn run(wish: &Search, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let mut query: Vec<(&str, String)> = vec![("q", wish.words.join(" "))];
    let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
    add(
        "shop",
        wish.shop
            .as_ref()
            .map(|shop| author(&client, shop))
            .transpose()?
            .map(|shop| shop.to_string()),
    );
    add("category", wish.category.clone());
    add("kind", wish.kind.clone());
    let (min, max) = (
        minor(wish.min.as_deref(), wish.currency)?,
        minor(wish.max.as_deref(), wish.currency)?,
    );
    add(
        "currency",
        (min.is_some() || max.is_some()).then(|| wish.currency.to_string()),
    );
    add("min", min);
    add("max", max);
    add("in_stock", wish.in_stock.then(|| "true".to_owned()));
    add("sort", wish.sort.clone());
    add("limit", Some(wish.limit.to_string()));
    add("offset", Some(wish.offset.to_string()));
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut page = client.read("/search", &query)?;
    if context.output.is_json() {
        context.output.object(&page);
        return Ok(());
    }
    let listings: Vec<Listing> = shaped("/search", page["items"].take())?;
    let mut names = Names::of(&client);
    let mut table = Table::new(&["title", ">price", "shop", "listing"]);
    for listing in &listings {
        let shop = names.show(&listing.shop);
        table.row([
            listing.title.clone(),
            prices(listing),
            shop,
            listing.handle.clone(),
        ]);
    }
    if table.is_empty() {
        context
            .output
            .line("nothing found among the listings that this node holds; follow shops to hold more");
        return Ok(());
    }
    context.output.table(&table);
    let total = page["total"].as_u64().unwrap_or(0);
    context
        .output
        .line(format!("{} in all", count(total, "listing", "listings")));
    Ok(())
}

fn minor(text: Option<&str>, currency: Currency) -> Result<Option<String>, Failure> {
    text.map(|text| super::shop::amount(text, currency).map(|amount: Amount| amount.minor.to_string()))
        .transpose()
}
