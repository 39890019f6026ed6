//! `souk tab`: credit between two people. The most that one can lose is the limit that one granted.

use super::Context;
use super::shop::amount_of;
use crate::answer::{Status, Tab as Answer, millis};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::{Table, moment, strong};
use crate::pick::{Names, author, person, short};
use clap::Subcommand;
use serde_json::{Value, json};
use souk_protocol::api::{Command, Reply};
use souk_protocol::id::TabId;
use souk_protocol::money::Amount;

/// What `tab` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Tab {
    /// Let somebody owe you up to a limit
    Grant {
        /// Whom: a name or an id
        author: String,
        /// The limit, such as 50 EUR; without a currency that of your shop
        #[arg(num_args = 1..=2, required = true)]
        limit: Vec<String>,
        /// Only if somebody whom you follow vouches for them
        #[arg(long)]
        vouched: bool,
    },
    /// Your tabs, or one of them with its history
    Show {
        /// With whom, or the tab's id
        which: Option<String>,
    },
}

/// Does it.
pub(crate) fn run(wish: &Tab, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    match wish {
        Tab::Grant {
            author,
            limit,
            vouched,
        } => grant(&client, author, &limit.join(" "), *vouched, context),
        Tab::Show { which: None } => list(&client, context),
        Tab::Show { which: Some(text) } => show(&client, text, context),
    }
}

fn grant(client: &Client, text: &str, limit: &str, vouched: bool, context: &Context) -> Result<(), Failure> {
    let to = author(client, text)?;
    let shop = client.read_as::<Status>("/status", &[])?.shop;
    let limit = amount_of(limit, shop.map(|shop| shop.currency))?;
    let (value, reply) = client.command(&Command::GrantTab { to, limit, vouched })?;
    let mut line = format!("{text} may owe you up to {limit}");
    if let Reply::Tab { vouched_by, .. } = reply {
        let mut names = Names::of(client);
        let who: Vec<String> = vouched_by.iter().map(|voucher| names.show(voucher)).collect();
        if !who.is_empty() {
            line.push_str(&format!("; vouched for by {}", who.join(", ")));
        }
    }
    context.output.answer(&value, line);
    Ok(())
}

fn list(client: &Client, context: &Context) -> Result<(), Failure> {
    let items: Vec<Value> = client.all("/tabs")?;
    context.output.object(&json!({ "items": items }));
    let mut table = Table::new(&["with", ">balance", ">you can spend", ">they may owe", "", "tab"]);
    for item in items {
        let tab: Answer = shaped("/tabs", item)?;
        table.row([
            person(tab.name.as_deref(), &tab.with),
            money(&tab, tab.balance_minor),
            money(&tab, tab.room_minor),
            money(&tab, tab.limit_you_gave_minor),
            if tab.pending { "pending" } else { "" }.to_owned(),
            short(&tab.tab),
        ]);
    }
    if table.is_empty() {
        context
            .output
            .line("no tabs yet; `souk tab grant AUTHOR AMOUNT` opens one");
    } else {
        context.output.table(&table);
        context.output.line("a balance below zero is what you owe");
    }
    Ok(())
}

fn show(client: &Client, text: &str, context: &Context) -> Result<(), Failure> {
    let id = which(client, text)?;
    let value = client.read(&format!("/tabs/{id}"), &[])?;
    context.output.object(&value);
    let tab: Answer = shaped("/tabs", value)?;
    let out = context.output;
    out.line(strong(&format!(
        "tab with {}",
        person(tab.name.as_deref(), &tab.with)
    )));
    let owed = money(&tab, tab.balance_minor.saturating_abs());
    out.line(match tab.balance_minor {
        0 => "nobody owes anything".to_owned(),
        1.. => format!("they owe you {owed}"),
        _ => format!("you owe them {owed}"),
    });
    out.line(format!(
        "they may owe you up to {}",
        money(&tab, tab.limit_you_gave_minor)
    ));
    out.line(format!(
        "you may owe them up to {}",
        money(&tab, tab.limit_they_gave_minor)
    ));
    let agreed = if tab.pending {
        "a change is under way"
    } else {
        "both sides agree"
    };
    out.line(format!("state {} ({agreed}): {}", tab.seq, tab.state));
    let mut table = Table::new(&[">no", "when", "change", ">amount", "order"]);
    for change in &tab.history {
        table.row([
            change.seq.to_string(),
            moment(millis(&change.time)),
            change.change.clone(),
            money(&tab, change.amount_minor),
            change.order.map(|order| short(&order)).unwrap_or_default(),
        ]);
    }
    if !table.is_empty() {
        out.table(&table);
    }
    Ok(())
}

/// A tab by its id, or by whom it is with; with one person there may be one for each currency.
fn which(client: &Client, text: &str) -> Result<TabId, Failure> {
    if let Ok(tab) = text.parse() {
        return Ok(tab);
    }
    let tabs: Vec<Answer> = client.all("/tabs")?;
    // Tabs are also held with people whom one does not follow: those are found by the tab's id alone.
    let begins = |tab: &&Answer| text.len() >= short(&tab.tab).len() && tab.tab.to_string().starts_with(text);
    let by_id: Vec<&Answer> = tabs.iter().filter(begins).collect();
    let matches = match by_id.is_empty() {
        false => by_id,
        true => {
            let with = author(client, text)?;
            tabs.iter().filter(|tab| tab.with == with).collect()
        }
    };
    match matches.as_slice() {
        [tab] => Ok(tab.tab),
        [] => Err(Failure::not_found(
            format!("there is no tab with {text}"),
            "`souk tab show` lists yours",
        )),
        several => {
            let shown: Vec<String> = several
                .iter()
                .map(|tab| format!("{} {}", tab.currency, tab.tab))
                .collect();
            Err(Failure::ambiguous("tabs", text, &shown))
        }
    }
}

fn money(tab: &Answer, minor: i64) -> String {
    Amount {
        minor,
        currency: tab.currency,
    }
    .to_string()
}
