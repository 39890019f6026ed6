//! `souk shop list` and `souk shop show`: what a shop sells.

use super::prices;
use crate::answer::{Listing, Review};
use crate::client::{Client, shaped};
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Table, clean, count, faint, paragraph, strong};
use crate::pick::{self, Names, person};
use clap::Args;
use serde_json::{Value, json};
use souk_protocol::id::AuthorId;

/// What `list` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Whose shop: a name or an id; without it your own
    #[arg(long, value_name = "AUTHOR")]
    shop: Option<String>,
}

/// What `show` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// The product: its handle or id
    listing: String,
    /// Whose shop: a name or an id; without it your own
    #[arg(long, value_name = "AUTHOR")]
    shop: Option<String>,
}

/// The shop that is meant.
pub(super) fn whose(client: &Client, shop: Option<&str>) -> Result<AuthorId, Failure> {
    match shop {
        Some(text) => pick::author(client, text),
        None => pick::oneself(client),
    }
}

/// Lists its products.
pub(super) fn list(wish: &List, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let shop = whose(&client, wish.shop.as_deref())?;
    let items: Vec<Value> = client.all(&format!("/shops/{shop}/listings"))?;
    context.output.object(&json!({ "shop": shop, "items": items }));
    let mut table = Table::new(&["product", "title", ">price", ">variants", ">left", ""]);
    for item in items {
        let listing: Listing = shaped("listings", item)?;
        table.row([
            listing.handle.clone(),
            listing.title.clone(),
            prices(&listing),
            listing.variants.len().to_string(),
            left(&listing),
            if listing.published { "" } else { "draft" }.to_owned(),
        ]);
    }
    if table.is_empty() {
        context
            .output
            .line("nothing here yet; `souk shop import FILE` fills your own shop");
    } else {
        context.output.table(&table);
    }
    Ok(())
}

/// Shows one product.
pub(super) fn show(wish: &Show, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let shop = whose(&client, wish.shop.as_deref())?;
    let listing = pick::listing(&client, &shop, &wish.listing)?;
    let path = format!("/shops/{shop}/listings/{}", listing.listing);
    if context.output.is_json() {
        context.output.object(&client.read(&path, &[])?);
        return Ok(());
    }
    let out = context.output;
    out.line(strong(&clean(&listing.title)));
    out.line(format!(
        "{} of {}",
        clean(&listing.handle),
        Names::of(&client).show(&shop)
    ));
    out.line(faint(&listing.listing.to_string()));
    for (name, value) in [
        ("made by", &listing.vendor),
        ("category", &listing.category),
        ("kind", &listing.kind),
    ] {
        if !value.is_empty() {
            out.line(format!("{name} {}", clean(value)));
        }
    }
    if !listing.tags.is_empty() {
        out.line(format!("tags {}", clean(&listing.tags.join(", "))));
    }
    if !listing.published {
        out.line("a draft: nobody else sees it; `souk shop edit … --publish` changes that");
    }
    if !listing.description.is_empty() {
        out.line(paragraph(&listing.description, 2));
    }
    out.table(&variants(&listing));
    if let Some(rating) = &listing.rating {
        out.line(format!(
            "{:.1} of 5 from {}",
            rating.mean,
            count(rating.count, "buyer", "buyers")
        ));
        for review in client.all::<Review>(&format!("{path}/reviews"))? {
            out.line(format!(
                "  {} of 5 by {}",
                review.rating,
                person(review.name.as_deref(), &review.author)
            ));
            out.line(paragraph(&review.text, 4));
        }
    }
    Ok(())
}

fn variants(listing: &Listing) -> Table {
    let mut table = Table::new(&["variant", ">price", ">before", ">left", "number", "id"]);
    for variant in &listing.variants {
        table.row([
            variant.label.clone(),
            variant
                .price
                .map_or_else(|| "no price".to_owned(), |price| price.to_string()),
            variant
                .compare_at
                .map(|before| before.to_string())
                .unwrap_or_default(),
            variant
                .available
                .map(|units| units.to_string())
                .unwrap_or_default(),
            variant.sku.clone(),
            variant.variant.to_string(),
        ]);
    }
    table
}

/// Units left over all variants; empty where any of them is not counted.
fn left(listing: &Listing) -> String {
    let units: Option<u64> = listing
        .variants
        .iter()
        .map(|variant| variant.available)
        .try_fold(0, |sum: u64, units| sum.checked_add(units?));
    units.map(|units| units.to_string()).unwrap_or_default()
}
