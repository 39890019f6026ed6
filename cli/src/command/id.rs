//! `souk id`: who one is on this node, and the words that bring the identity back.

use super::{Context, up};
use crate::answer::{Profile, Status};
use crate::client::shaped;
use crate::failure::Failure;
use clap::Args;
use serde_json::json;

/// What `id` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Id {
    /// Show the 24 words that bring this identity back; the node may be stopped
    #[arg(long)]
    words: bool,
    #[command(flatten)]
    keys: up::KeysPassphrase,
}

/// Shows it.
pub(crate) fn run(wish: &Id, context: &Context) -> Result<(), Failure> {
    if wish.words {
        let words = up::words(&context.home, &wish.keys)?;
        context.output.answer(&json!({ "words": words }), &words);
        return Ok(());
    }
    let client = context.client()?;
    let status: Status = shaped("/status", client.read("/status", &[])?)?;
    let profile: Profile = shaped("/profiles", client.read("/profiles/me", &[])?)?;
    let equivocated = profile.equivocated;
    let value = json!({
        "author": status.author, "device": status.device, "name": status.name, "equivocated": equivocated,
    });
    context.output.object(&value);
    context.output.line(format!("author  {}", status.author));
    context.output.line(format!("device  {}", status.device));
    if equivocated {
        let words = "careful: two different things were signed under one number with a key of yours. Is a copy of this \
            directory in use elsewhere? Stop one of the two; others see that you said both";
        context.output.line(words);
    }
    Ok(())
}
