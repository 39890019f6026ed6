//! `souk shop edit` and `souk shop stock`: changes to one product.

use super::amount_of;
use crate::answer::Listing;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{clean, count};
use crate::pick;
use clap::Args;
use souk_protocol::api::{Command, ListingEdit};
use souk_protocol::id::VariantId;
use souk_protocol::money::Amount;
use std::collections::BTreeMap;

/// What `edit` takes.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Edit {
    /// The product: its handle or id
    listing: String,
    /// A new title
    #[arg(long, group = "change")]
    title: Option<String>,
    /// A new description
    #[arg(long, group = "change")]
    description: Option<String>,
    /// Another maker or brand; empty for none
    #[arg(long, group = "change")]
    vendor: Option<String>,
    /// Another category; empty for none
    #[arg(long, group = "change")]
    category: Option<String>,
    /// A tag: those that are given are all that it has from now on; may be repeated
    #[arg(long = "tag", value_name = "TAG", group = "change")]
    tags: Vec<String>,
    /// Take all tags away
    #[arg(long, group = "change", conflicts_with = "tags")]
    no_tags: bool,
    /// A new price: VARIANT=AMOUNT, or AMOUNT if there is one variant; may be repeated
    #[arg(long = "price", value_name = "VARIANT=AMOUNT", group = "change")]
    prices: Vec<String>,
    /// Show it to the world
    #[arg(long, group = "change", conflicts_with = "unpublish")]
    publish: bool,
    /// Make it a draft
    #[arg(long, group = "change")]
    unpublish: bool,
    /// Take it away for good
    #[arg(long, group = "change", conflicts_with_all = ["title", "description", "vendor", "category", "tags", "no_tags", "prices", "publish", "unpublish"])]
    remove: bool,
}

impl Edit {
    /// The tags from now on; none if they stay.
    fn tags(&self) -> Option<Vec<String>> {
        (self.no_tags || !self.tags.is_empty()).then(|| self.tags.clone())
    }
}

/// What `stock` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Stock {
    /// The product: its handle or id
    listing: String,
    /// Units that can be sold
    #[arg(required_unless_present = "untracked")]
    units: Option<u64>,
    /// Which variant: its label, option, number or id; may be left out if there is one only
    #[arg(long)]
    variant: Option<String>,
    /// Do not count: sell as many as are asked for
    #[arg(long, conflicts_with = "units")]
    untracked: bool,
}

/// Changes it.
pub(super) fn edit(wish: &Edit, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let listing = pick::listing(&client, &pick::oneself(&client)?, &wish.listing)?;
    let prices: BTreeMap<VariantId, Amount> = wish
        .prices
        .iter()
        .map(|text| price(&listing, text))
        .collect::<Result<_, _>>()?;
    let published = match (wish.publish, wish.unpublish) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let (value, _) = client.command(&Command::EditListing(ListingEdit {
        title: wish.title.clone(),
        description: wish.description.clone(),
        vendor: wish.vendor.clone(),
        category: wish.category.clone(),
        tags: wish.tags(),
        prices,
        published,
        removed: wish.remove.then_some(true),
        ..ListingEdit::of(listing.listing)
    }))?;
    let what = if wish.remove { "is gone" } else { "is changed" };
    context
        .output
        .answer(&value, format!("{} {what}", clean(&listing.title)));
    Ok(())
}

/// Says how many units there are.
pub(super) fn stock(wish: &Stock, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let listing = pick::listing(&client, &pick::oneself(&client)?, &wish.listing)?;
    let variant = pick::variant(&listing, wish.variant.as_deref())?;
    let (value, _) = client.command(&Command::SetStock {
        listing: listing.listing,
        variant: Some(variant.variant),
        units: wish.units,
    })?;
    let what = match wish.units {
        Some(units) => format!("{} can be sold", count(units, "unit", "units")),
        None => "sold without counting".to_owned(),
    };
    let name = [clean(&listing.title), clean(&variant.label)].join(" ");
    context.output.answer(&value, format!("{}: {what}", name.trim()));
    Ok(())
}

fn price(listing: &Listing, text: &str) -> Result<(VariantId, Amount), Failure> {
    let (which, text) = match text.rsplit_once('=') {
        Some((which, text)) => (Some(which), text),
        None => (None, text),
    };
    let variant = pick::variant(listing, which)?;
    let currency = variant
        .price
        .or_else(|| listing.variants.iter().find_map(|variant| variant.price));
    let price = amount_of(text, currency.map(|price| price.currency))?;
    Ok((variant.variant, price))
}
