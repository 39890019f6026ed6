//! `souk address`: delivery addresses, kept on this node only and named when buying.

use super::Context;
use crate::answer::Address as Answer;
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::{Table, clean};
use clap::Subcommand;
use serde_json::{Value, json};
use souk_protocol::api::Command;

/// What `address` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Address {
    /// Keep an address, or replace the one of that name
    Save {
        /// What you call it
        name: String,
        /// One of its lines; repeated for each
        #[arg(long = "line", required = true)]
        lines: Vec<String>,
        /// Its country: a code of two letters such as DE
        #[arg(long)]
        country: String,
    },
    /// Show them
    List,
    /// Forget one
    Remove {
        /// What you call it
        name: String,
    },
}

/// Does it.
pub(crate) fn run(wish: &Address, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    match wish {
        Address::Save { name, lines, country } => {
            let command = Command::SaveAddress {
                name: name.clone(),
                lines: lines.clone(),
                country: country.clone(),
            };
            let (value, _) = client.command(&command)?;
            context
                .output
                .answer(&value, format!("kept as {name}, on this node only"));
        }
        Address::List => list(&client, context)?,
        Address::Remove { name } => {
            let country = named(&client, name)?.country;
            let command = Command::SaveAddress {
                name: name.clone(),
                lines: Vec::new(),
                country,
            };
            let (value, _) = client.command(&command)?;
            context.output.answer(&value, format!("{name} is forgotten"));
        }
    }
    Ok(())
}

/// The address of a name.
pub(crate) fn named(client: &Client, name: &str) -> Result<Answer, Failure> {
    let addresses: Vec<Answer> = client.all("/addresses")?;
    addresses
        .into_iter()
        .find(|address| address.name == name)
        .ok_or_else(|| {
            Failure::not_found(
                format!("there is no address '{}' on this node", clean(name)),
                "`souk address list` shows them, `souk address save` keeps one",
            )
        })
}

fn list(client: &Client, context: &Context) -> Result<(), Failure> {
    let items: Vec<Value> = client.all("/addresses")?;
    context.output.object(&json!({ "items": items }));
    let mut table = Table::new(&["name", "country", "lines"]);
    for item in items {
        let address: Answer = shaped("/addresses", item)?;
        table.row([address.name, address.country, address.lines.join(", ")]);
    }
    if table.is_empty() {
        context
            .output
            .line("no addresses yet; `souk address save NAME --country DE --line …` keeps one");
    } else {
        context.output.table(&table);
    }
    Ok(())
}
