//! What the demo reports: one object with the keys in the order that was agreed, or a table.

use crate::failure::Failure;
use crate::output::{Output, Table, bytes, strong};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use souk_protocol::money::{Amount, Currency};
use std::time::Duration;

/// What the nodes hold at the end.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) listings_in_file: u64,
    pub(super) listings_at_buyer: u64,
    pub(super) variants_in_file: u64,
    pub(super) variants_at_buyer: u64,
    pub(super) order_state: String,
    pub(super) receipt_verified: bool,
    /// In minor units, below zero for what the buyer owes.
    pub(super) balance_buyer: i64,
    pub(super) balance_merchant: i64,
    pub(super) currency: Currency,
    pub(super) review_at_friend: bool,
    pub(super) processes: usize,
    pub(super) seconds: Seconds,
    pub(super) nodes: Vec<Link>,
    pub(super) product: String,
    pub(super) total: Option<Amount>,
    pub(super) tab_state_buyer: String,
    pub(super) tab_state_merchant: String,
    /// Whether the buyer's node had any connection to the merchant's before the post, as the distributed
    /// hash table makes them; what the merchant sells it did not know.
    pub(super) connected_before: bool,
}

/// A one-time link to a node's page.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) url: String,
}

/// How long each step took, in the order of the story.
#[derive(Debug, Default)]
pub(super) struct Seconds(Vec<(&'static str, Duration)>);

impl Seconds {
    /// One more step.
    pub(super) fn push(&mut self, step: &'static str, took: Duration) {
        self.0.push((step, took));
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (step, took) in &self.0 {
            map.serialize_entry(step, &((took.as_secs_f64() * 1_000.0).round() / 1_000.0))?;
        }
        map.end()
    }
}

/// Shows it.
pub(super) fn show(outcome: &Outcome, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        // Not by way of a JSON value, which would sort the keys.
        let text = serde_json::to_string(outcome)
            .map_err(|error| Failure::fault(format!("the report cannot be written: {error}")))?;
        bytes(format!("{text}\n").as_bytes());
        return Ok(());
    }
    output.line("");
    output.line(strong("What each of them holds now"));
    output.table(&table(outcome));
    Ok(())
}

fn table(outcome: &Outcome) -> Table {
    let money = |minor| {
        Amount {
            minor,
            currency: outcome.currency,
        }
        .to_string()
    };
    let yes = |good: bool| if good { "yes" } else { "NO" }.to_owned();
    let of = |have: u64, all: u64| format!("{have} of {all}");
    let total = outcome.total.map(|total| total.to_string()).unwrap_or_default();
    let mut table = Table::new(&["what", "", "who says so"]);
    let mut row = |what: &str, value: String, who: &str| table.row([what.to_owned(), value, who.to_owned()]);
    row(
        "listings of the file",
        of(outcome.listings_at_buyer, outcome.listings_in_file),
        "buyer",
    );
    row(
        "variants of the file",
        of(outcome.variants_at_buyer, outcome.variants_in_file),
        "buyer",
    );
    row("bought", format!("{} for {total}", outcome.product), "buyer");
    row("order", outcome.order_state.clone(), "buyer");
    row("receipt verified", yes(outcome.receipt_verified), "buyer");
    row("balance", money(outcome.balance_buyer), "buyer");
    row("balance", money(outcome.balance_merchant), "merchant");
    row(
        "one tab in both copies",
        yes(outcome.tab_state_buyer == outcome.tab_state_merchant),
        "both",
    );
    row("review there", yes(outcome.review_at_friend), "friend");
    row("processes", outcome.processes.to_string(), "");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let mut seconds = Seconds::default();
        seconds.push("start", Duration::from_micros(1_234_567));
        seconds.push("introduce", Duration::from_millis(40));
        Outcome {
            listings_in_file: 3,
            listings_at_buyer: 3,
            variants_in_file: 4,
            variants_at_buyer: 4,
            order_state: "completed".into(),
            receipt_verified: true,
            balance_buyer: -3250,
            balance_merchant: 3250,
            currency: Currency::EUR,
            review_at_friend: true,
            processes: 3,
            seconds,
            nodes: vec![Link {
                name: "buyer",
                url: "http://127.0.0.1:1/login?once=x".into(),
            }],
            product: "Wool scarf".into(),
            total: None,
            tab_state_buyer: "aa".into(),
            tab_state_merchant: "aa".into(),
            connected_before: false,
        }
    }

    #[test]
    fn the_object_has_its_keys_in_the_order_that_was_agreed() {
        let text = serde_json::to_string(&outcome()).unwrap();
        let start = r#"{"listings_in_file":3,"listings_at_buyer":3,"variants_in_file":4,"variants_at_buyer":4,"order_state":"completed","receipt_verified":true,"balance_buyer":-3250,"balance_merchant":3250,"currency":"EUR","review_at_friend":true,"processes":3,"seconds":{"start":1.235,"introduce":0.04},"nodes":[{"name":"buyer","url":"http://127.0.0.1:1/login?once=x"}]"#;
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn people_see_the_balances_as_money() {
        let lines = table(&outcome()).lines(usize::MAX).join("\n");
        assert!(
            lines.contains("-32.50 EUR") && lines.contains("3 of 3"),
            "{lines}"
        );
    }
}
