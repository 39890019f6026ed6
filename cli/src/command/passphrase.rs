//! `souk passphrase`: closes the keys of a stopped node's directory, with the 24 words among them.

use super::{Context, up};
use crate::failure::Failure;
use crate::secret;
use clap::{Args, Subcommand};
use serde_json::json;
use souk_node::home::Home;
use souk_node::vault::Passphrase;
use std::path::PathBuf;

/// How the file of a new passphrase is named.
const NEW_OPTION: &str = "--new-passphrase-file";

/// What can be done with it.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Wish {
    /// Close the keys with a passphrase; the node asks for it whenever it starts
    Set(New),
    /// Close them with another one
    Change(Change),
    /// Leave them to the file's permissions again
    Remove(up::KeysPassphrase),
}

/// A passphrase that is new.
#[derive(Debug, Clone, Args)]
pub(crate) struct New {
    /// A file with the new passphrase; without it you are asked
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

/// A passphrase in the place of another.
#[derive(Debug, Clone, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    old: up::KeysPassphrase,
    #[command(flatten)]
    new: New,
}

/// Does it. The node must be stopped.
pub(crate) fn run(wish: &Wish, context: &Context) -> Result<(), Failure> {
    let locked = Home::is_locked(&context.home).map_err(|error| up::home_refused(&error))?;
    let (old, new) = match wish {
        Wish::Set(new) if !locked => (None, Some(new)),
        Wish::Set(_) => {
            let message = "the keys are closed with a passphrase already";
            return Err(Failure::refused(
                "locked",
                message,
                "change it with `souk passphrase change`",
            ));
        }
        Wish::Change(_) | Wish::Remove(_) if !locked => {
            let message = "the keys are not closed with a passphrase";
            return Err(Failure::refused(
                "open",
                message,
                "close them with `souk passphrase set`",
            ));
        }
        Wish::Change(change) => (change.old.ask(&context.home)?, Some(&change.new)),
        Wish::Remove(old) => (old.ask(&context.home)?, None),
    };
    // Opened before a new passphrase is asked for: a wrong old one is told at once.
    let home = Home::open_with(&context.home, old.as_ref()).map_err(|error| up::home_refused(&error))?;
    let new: Option<Passphrase> = new
        .map(|new| secret::new_passphrase(new.new_passphrase_file.as_deref(), NEW_OPTION, "New passphrase: "))
        .transpose()?;
    home.close_with(new.as_ref())
        .map_err(|error| up::home_refused(&error))?;
    let line = match new {
        Some(_) => {
            "the keys and the 24 words are closed; without the passphrase only the paper brings them back"
        }
        None => "the keys and the 24 words are open to whoever may read the file",
    };
    context.output.answer(&json!({"locked": new.is_some()}), line);
    Ok(())
}
