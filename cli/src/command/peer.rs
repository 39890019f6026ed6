//! `souk peer`: connections to other nodes, made by hand.

use super::Context;
use crate::failure::Failure;
use clap::Subcommand;
use serde_json::json;

/// What `peer` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Peer {
    /// Connect to a node whose address you were given
    Add {
        /// Its address, as its owner's `souk status` shows it: /ip4/…/p2p/…
        address: String,
    },
}

/// Does it.
pub(crate) fn run(wish: &Peer, context: &Context) -> Result<(), Failure> {
    let Peer::Add { address } = wish;
    let value = context.client()?.post("/peers", &json!({ "address": address }))?;
    let author = value["author"].as_str().unwrap_or("somebody").to_owned();
    context.output.answer(
        &value,
        format!("connected to {author}; `souk follow {author}` follows them"),
    );
    Ok(())
}
