//! `souk shop import`: a product file becomes listings. Nothing is written if the file is not good.

use crate::answer::{OwnShop, Status};
use crate::client::Client;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{clean, count};
use crate::progress::{Progress, note};
use clap::Args;
use serde_json::Value;
use souk_protocol::api::{Command, ShopDraft};
use souk_protocol::money::Currency;
use std::path::{Path, PathBuf};

/// Largest product file that a node takes, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Warnings that people are shown; programs get all.
const WARNINGS_SHOWN: usize = 20;

/// What `import` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Import {
    /// The product file
    file: PathBuf,
    /// Currency of its prices; a new shop without it uses EUR
    #[arg(long)]
    currency: Option<Currency>,
    /// Show the world drafts and archived products too
    #[arg(long)]
    drafts: bool,
}

/// Imports it.
pub(super) fn run(wish: &Import, context: &Context) -> Result<(), Failure> {
    let bytes = file(&wish.file)?;
    let client = context.client()?;
    open(&client, wish.currency)?;
    let progress = Progress::start(format!("importing {}", wish.file.display()));
    let done = client.import(&bytes, wish.drafts, |step| progress.at(step.listings, step.of))?;
    progress.done("");
    context.output.answer(&done, summary(&done));
    if !context.output.is_json() {
        warn(&done);
    }
    Ok(())
}

/// A product file's bytes, if it is one that a node would take.
pub(crate) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    let trouble = |error: std::io::Error| Failure::file(path, &error);
    let size = std::fs::metadata(path).map_err(trouble)?.len();
    if size > FILE_BYTES_MAX {
        let text = format!(
            "{} has {size} bytes, a product file may have {FILE_BYTES_MAX}",
            path.display()
        );
        return Err(Failure::refused(
            "too_large",
            text,
            "split it and import the parts one after the other",
        ));
    }
    std::fs::read(path).map_err(trouble)
}

/// Opens a shop if there is none; a shop keeps the currency that it has.
fn open(client: &Client, currency: Option<Currency>) -> Result<(), Failure> {
    let status: Status = client.read_as("/status", &[])?;
    match (status.shop, currency) {
        (None, wanted) => {
            let currency = wanted.unwrap_or(Currency::EUR);
            note(&format!(
                "opening your shop with prices in {currency}; `souk shop terms` says more"
            ));
            client.command(&Command::SetShop(plain(currency)))?;
            Ok(())
        }
        (Some(OwnShop { currency: held, .. }), Some(wanted)) if held != wanted => Err(Failure::usage(
            format!("your shop's prices are in {held}, not in {wanted}"),
            format!("import it as {held}, or change the shop with `souk shop terms --currency {wanted}`"),
        )),
        _ => Ok(()),
    }
}

/// Terms with nothing but a currency.
fn plain(currency: Currency) -> ShopDraft {
    ShopDraft {
        currency,
        shipping_minor: 0,
        shipping_free_from_minor: None,
        returns_days: 0,
        payment_instructions: String::new(),
        accept_by_itself: false,
    }
}

fn summary(done: &Value) -> String {
    let number = |name: &str| done[name].as_u64().unwrap_or(0);
    format!(
        "{} with {}: {} new, {} changed, {} the same",
        count(number("listings_in_file"), "listing", "listings"),
        count(number("variants_in_file"), "variant", "variants"),
        number("new"),
        number("changed"),
        number("same"),
    )
}

fn warn(done: &Value) {
    let warnings = done["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    for warning in warnings.iter().take(WARNINGS_SHOWN) {
        let text = warning
            .as_str()
            .map_or_else(|| warning.to_string(), str::to_owned);
        note(&format!("careful: {}", clean(&text)));
    }
    if warnings.len() > WARNINGS_SHOWN {
        note(&format!(
            "and {} more warnings; --json shows all",
            warnings.len() - WARNINGS_SHOWN
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = file(Path::new("/no/such.csv")).unwrap_err();
        assert_eq!(failure.message, "there is no file /no/such.csv");
    }

    #[test]
    fn an_import_is_summed_up_in_one_line() {
        let done = json!({"listings_in_file": 1, "variants_in_file": 3, "new": 1, "changed": 0, "same": 0});
        assert_eq!(
            summary(&done),
            "1 listing with 3 variants: 1 new, 0 changed, 0 the same"
        );
    }
}
