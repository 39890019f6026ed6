//! `souk review`: what one thinks of something bought; the receipt's public half goes with it.

use super::Context;
use crate::failure::Failure;
use crate::pick;
use clap::Args;
use souk_protocol::api::Command;
use souk_protocol::id::ListingId;

/// What `review` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Review {
    /// The order in which you bought it
    order: String,
    /// One to five
    #[arg(value_parser = clap::value_parser!(u8).range(1..=5))]
    rating: u8,
    /// A few words
    #[arg(default_value = "")]
    text: String,
    /// What you review, if the order had several things
    #[arg(long)]
    listing: Option<String>,
}

/// Says it in public.
pub(crate) fn run(wish: &Review, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let id = pick::order(&client, &wish.order)?;
    let listing = match &wish.listing {
        None => None,
        Some(text) => {
            let order: crate::answer::Order = client.read_as(&format!("/orders/{id}"), &[])?;
            // Of the order's own lines, so that it works when the shop has dropped the listing since.
            let handle = ListingId::of(&order.merchant, text);
            let among = order.lines.iter().map(|line| line.listing);
            let fits = |listing: &ListingId| *listing == handle || listing.to_string() == *text;
            let Some(listing) = among.into_iter().find(fits) else {
                return Err(Failure::not_found(
                    format!("the order has no line of '{text}'"),
                    format!("`souk orders show {}` shows its lines", pick::short(&id)),
                ));
            };
            Some(listing)
        }
    };
    let (value, _) = client.command(&Command::Review {
        order: id,
        listing,
        rating: wish.rating,
        text: wish.text.clone(),
    })?;
    context
        .output
        .answer(&value, "reviewed; everybody can see it, and that you bought it");
    Ok(())
}
