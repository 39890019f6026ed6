//! `souk demo`: three nodes in processes of their own, and the story of one purchase between them. A
//! merchant opens a shop; a friend of theirs tells of a product; a buyer who only knows the friend
//! finds it, buys upon the friend's word and reviews it. Everything that is shown was asked of the
//! nodes. Nothing is left behind.

mod node;
mod report;
mod story;

use crate::command::import_file;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::note;
use clap::Args;
use node::Interrupt;
use souk_protocol::money::Currency;
use std::path::PathBuf;
use std::time::Duration;

/// What is sold if nobody names another file.
const SAMPLE: &[u8] = include_bytes!("../assets/sample-products.csv");
/// How often to look for Ctrl-C.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What `demo` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Demo {
    /// Another product file (CSV as shop systems export it)
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The currency of its prices
    #[arg(long, default_value_t = Currency::EUR)]
    currency: Currency,
    /// Leave the nodes up until Ctrl-C, and show a one-time link to the page of each
    #[arg(long)]
    stay: bool,
}

/// Tells the story.
pub(crate) fn run(wish: &Demo, output: Output) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let (catalog, name) = match &wish.catalog {
        Some(path) => (import_file(path)?, path.display().to_string()),
        None => (SAMPLE.to_vec(), "the sample that comes with souk".to_owned()),
    };
    note(&format!("products: {name}; prices are read as {}", wish.currency));
    // The nodes end when they are dropped, after what went well and after what did not.
    let (_nodes, outcome) = story::tell(&catalog, wish.currency, &interrupt)?;
    report::show(&outcome, output)?;
    if wish.stay {
        note("the nodes stay up; Ctrl-C ends them");
        for link in &outcome.nodes {
            note(&format!("{:<9} {}", link.name, link.url));
        }
        while interrupt.check().is_ok() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Ok(())
}
