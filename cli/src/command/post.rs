//! `souk post`: say something in public, with products named in it; pass a post on; react to one.

use super::Context;
use crate::client::Client;
use crate::failure::Failure;
use crate::pick;
use clap::Args;
use souk_protocol::api::{Command, Product, Reply};

/// What `post` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Post {
    /// What you say; with --react the emoji, and nothing to take it back
    #[arg(required_unless_present_any = ["reshare", "react"])]
    text: Option<String>,
    /// A product that it is about: SHOP/LISTING, or a listing of your own; may be repeated
    #[arg(long = "tag", value_name = "SHOP/LISTING")]
    tags: Vec<String>,
    /// The post that it answers
    #[arg(long, value_name = "POST", conflicts_with = "reshare")]
    reply_to: Option<String>,
    /// A post to pass on
    #[arg(long, value_name = "POST")]
    reshare: Option<String>,
    /// A post to react to
    #[arg(long, value_name = "POST", conflicts_with_all = ["tags", "reply_to", "reshare"])]
    react: Option<String>,
}

/// Says it.
pub(crate) fn run(wish: &Post, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let text = wish.text.clone().unwrap_or_default();
    let command = match &wish.react {
        Some(to) => Command::React {
            to: pick::post(&client, to)?,
            emoji: text,
        },
        None => Command::Post {
            text,
            tags: wish
                .tags
                .iter()
                .map(|tag| product(&client, tag))
                .collect::<Result<_, _>>()?,
            reply_to: wish
                .reply_to
                .as_ref()
                .map(|post| pick::post(&client, post))
                .transpose()?,
            reshare: wish
                .reshare
                .as_ref()
                .map(|post| pick::post(&client, post))
                .transpose()?,
        },
    };
    let (value, reply) = client.command(&command)?;
    let said = match reply {
        Reply::Said { id } => format!("said: {id}"),
        _ => "done".to_owned(),
    };
    context.output.answer(&value, said);
    Ok(())
}

fn product(client: &Client, tag: &str) -> Result<Product, Failure> {
    let (shop, listing) = match tag.split_once('/') {
        Some((shop, listing)) => (pick::author(client, shop)?, listing),
        None => (pick::oneself(client)?, tag),
    };
    // A full id may name a listing that this node does not hold yet.
    let listing = match listing.parse() {
        Ok(listing) => listing,
        Err(_) => pick::listing(client, &shop, listing)?.listing,
    };
    Ok(Product { shop, listing })
}
