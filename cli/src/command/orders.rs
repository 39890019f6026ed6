//! `souk orders`: one's orders, as buyer and as merchant, and what one can do with them.

use super::Context;
use crate::answer::{Order, millis};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::{Table, clean, moment, strong, until};
use crate::pick::{self, Names, order_command, short};
use clap::Subcommand;
use serde_json::{Value, json};
use souk_protocol::api::{Command, Reply};
use souk_protocol::id::OrderId;

/// What `orders` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Orders {
    /// List them, newest first
    List,
    /// Show one with its history
    Show {
        /// The order
        order: String,
    },
    /// Accept an order (merchant)
    Accept {
        /// The order
        order: String,
    },
    /// Turn an order down (merchant)
    Decline {
        /// The order
        order: String,
        /// Why
        #[arg(num_args = 1.., required = true)]
        reason: Vec<String>,
    },
    /// Say that an order is on its way (merchant)
    Ship {
        /// The order
        order: String,
        /// Who carries it
        #[arg(long, default_value = "")]
        carrier: String,
        /// Its tracking number
        #[arg(long, default_value = "")]
        tracking: String,
    },
    /// Take an order back before it is accepted (buyer)
    Cancel {
        /// The order
        order: String,
    },
    /// Say that you paid outside, by the rail `manual` (buyer)
    Pay {
        /// The order
        order: String,
        /// What the payment can be found by
        #[arg(long)]
        reference: String,
    },
    /// Say that the payment of an order arrived (merchant)
    Arrived {
        /// The order
        order: String,
    },
    /// Say that everything arrived (buyer)
    Received {
        /// The order
        order: String,
    },
    /// Use the right that a passed deadline gives
    Lapse {
        /// The order
        order: String,
    },
}

/// Does it.
pub(crate) fn run(wish: &Orders, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let id = |text: &str| pick::order(&client, text);
    let command = match wish {
        Orders::List => return list(&client, context),
        Orders::Show { order } => return show(&client, &id(order)?, context),
        Orders::Accept { order } => Command::AcceptOrder { order: id(order)? },
        Orders::Decline { order, reason } => Command::DeclineOrder {
            order: id(order)?,
            reason: reason.join(" "),
        },
        Orders::Ship {
            order,
            carrier,
            tracking,
        } => Command::ShipOrder {
            order: id(order)?,
            carrier: carrier.clone(),
            tracking: tracking.clone(),
        },
        Orders::Cancel { order } => Command::CancelOrder { order: id(order)? },
        Orders::Pay { order, reference } => Command::PayOrder {
            order: id(order)?,
            reference: reference.clone(),
        },
        Orders::Arrived { order } => Command::PaymentArrived { order: id(order)? },
        Orders::Received { order } => Command::CompleteOrder { order: id(order)? },
        Orders::Lapse { order } => Command::LapseOrder { order: id(order)? },
    };
    let (value, reply) = client.command(&command)?;
    let line = match reply {
        Reply::Order { order, state } => format!("{} is {state} now", short(&order)),
        _ => "done".to_owned(),
    };
    context.output.answer(&value, line);
    Ok(())
}

fn list(client: &Client, context: &Context) -> Result<(), Failure> {
    let items: Vec<Value> = client.all("/orders")?;
    context.output.object(&json!({ "items": items }));
    let mut names = Names::of(client);
    let mut table = Table::new(&["order", "state", "you", "with", ">total", "opened", "to do"]);
    for item in items {
        let order: Order = shaped("/orders", item)?;
        let other = if order.you == "buyer" {
            order.merchant
        } else {
            order.buyer
        };
        let to_do: Vec<String> = order.next.iter().map(|next| next.replace("_order", "")).collect();
        table.row([
            short(&order.order),
            order.state.clone(),
            order.you.clone(),
            names.show(&other),
            order.total.map(|total| total.to_string()).unwrap_or_default(),
            order.opened.map(moment).unwrap_or_default(),
            to_do.join(", "),
        ]);
    }
    if table.is_empty() {
        context
            .output
            .line("no orders yet; `souk buy SHOP LISTING` asks for a first quote");
    } else {
        context.output.table(&table);
    }
    Ok(())
}

fn show(client: &Client, id: &OrderId, context: &Context) -> Result<(), Failure> {
    let value = client.read(&format!("/orders/{id}"), &[])?;
    context.output.object(&value);
    let order: Order = shaped("/orders", value)?;
    let out = context.output;
    let mut names = Names::of(client);
    out.line(strong(&order.order.to_string()));
    out.line(format!("state     {}", order.state));
    out.line(format!("buyer     {}", names.show(&order.buyer)));
    out.line(format!("merchant  {}", names.show(&order.merchant)));
    if order.equivocated {
        out.line("careful: a device of the other side has signed two different things under one number");
    }
    for line in details(&order) {
        out.line(line);
    }
    let mut history = Table::new(&["when", "by", "what"]);
    for act in &order.history {
        history.row([moment(millis(&act.time)), act.by.clone(), act.act.clone()]);
    }
    out.table(&history);
    for command in order.next.iter().filter_map(|next| order_command(next, id)) {
        out.line(format!("→ {command}"));
    }
    Ok(())
}

/// An order's lines, its price and where it stands.
pub(super) fn details(order: &Order) -> Vec<String> {
    let mut table = Table::new(&[">units", "what", ">each", ">total"]);
    for line in &order.lines {
        let title = if line.title.is_empty() {
            short(&line.listing)
        } else {
            line.title.clone()
        };
        table.row([
            line.units.to_string(),
            [title, line.label.clone()].join(" ").trim().to_owned(),
            line.unit.map(|unit| unit.to_string()).unwrap_or_default(),
            line.total.map(|total| total.to_string()).unwrap_or_default(),
        ]);
    }
    let mut lines = table.lines(usize::MAX);
    lines.extend(order.shipping.map(|shipping| format!("shipping  {shipping}")));
    lines.extend(
        order
            .total
            .map(|total| format!("total     {}", strong(&total.to_string()))),
    );
    lines.extend(order.rail.as_ref().map(|rail| format!("rail      {rail}")));
    if matches!(order.state.as_str(), "quoted") {
        lines.extend(
            order
                .expires
                .map(|expires| format!("this quote ends {}", until(expires))),
        );
    }
    if let Some(deadline) = &order.deadline {
        let (at, who, then) = (until(deadline.at), clean(&deadline.who), clean(&deadline.then));
        lines.push(format!("deadline  {at}: then the {who} may end it as {then}"));
    }
    if let Some(pay) = order.instruction.as_ref().filter(|pay| pay.rail == "manual") {
        lines.push(format!(
            "pay       {}; name {}",
            clean(&pay.words),
            clean(&pay.reference)
        ));
    }
    if let Some(tracking) = &order.tracking {
        lines.push(format!(
            "carrier   {} {}",
            clean(&tracking.carrier),
            clean(&tracking.number)
        ));
    }
    lines.extend(
        order
            .reason
            .as_ref()
            .map(|reason| format!("reason    {}", clean(reason))),
    );
    if let Some(receipt) = &order.receipt {
        let good = if receipt.verified {
            "its signatures are good"
        } else {
            "its signatures are NOT good"
        };
        lines.push(format!("receipt   {good}"));
    }
    lines
}
