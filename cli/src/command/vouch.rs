//! `souk vouch`: "I know them, and trust them with this."

use super::Context;
use crate::failure::Failure;
use crate::pick::author;
use clap::Args;
use souk_protocol::api::Command;
use souk_protocol::vouch::PEOPLE;

/// What `vouch` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Vouch {
    /// For whom: a name or an id
    author: String,
    /// In what: people (the person as such), books, hotels …
    #[arg(long, default_value = PEOPLE)]
    category: String,
    /// Why
    #[arg(long, default_value = "")]
    why: String,
    /// Take it back
    #[arg(long)]
    withdraw: bool,
}

/// Says it in public.
pub(crate) fn run(wish: &Vouch, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let subject = author(&client, &wish.author)?;
    let (value, _) = client.command(&Command::Vouch {
        subject,
        category: wish.category.clone(),
        stands: !wish.withdraw,
        why: wish.why.clone(),
    })?;
    let verb = if wish.withdraw {
        "you no longer vouch for"
    } else {
        "you vouch for"
    };
    context.output.answer(
        &value,
        format!("{verb} {} ({}); everybody can see it", wish.author, wish.category),
    );
    Ok(())
}
