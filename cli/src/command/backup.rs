//! `souk backup`, `souk restore`, `souk recover`: one's own past in an encrypted file, and back on a new
//! device. The directory of a running node is read through its API, that of a stopped one here.

use super::{Context, up};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::size;
use crate::progress::Progress;
use crate::secret;
use clap::Args;
use serde_json::{Value, json};
use souk_node::backup::{self, BackupFailure, RestoreError, Restored, Wanted};
use souk_node::home::Home;
use souk_node::store::{Options, Store};
use souk_node::vault::Passphrase;
use souk_protocol::identity::Phrase;
use std::path::{Path, PathBuf};

/// How the file of a backup's passphrase is named.
const BACKUP_OPTION: &str = "--backup-passphrase-file";

/// What `backup` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Backup {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// A file with the passphrase of the backup; without it you are asked
    #[arg(long, value_name = "FILE", env = "SOUK_BACKUP_PASSPHRASE_FILE")]
    backup_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    keys: up::KeysPassphrase,
}

/// What `restore` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Restore {
    /// The backup; without one, the words alone bring back what was public
    #[arg(required_unless_present_any = ["words", "words_file"])]
    file: Option<PathBuf>,
    /// Ask for the 24 words
    #[arg(long)]
    words: bool,
    /// A file with the 24 words
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// A file with the passphrase of the backup; without it you are asked
    #[arg(long, value_name = "FILE", env = "SOUK_BACKUP_PASSPHRASE_FILE")]
    backup_passphrase_file: Option<PathBuf>,
    /// A file with a passphrase to close the new device's keys with
    #[arg(long, value_name = "FILE", env = "SOUK_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

/// What `recover` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Recover {
    /// A file with the 24 words, if they were taken out of the directory
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    #[command(flatten)]
    keys: up::KeysPassphrase,
}

/// Writes a backup.
pub(crate) fn run(wish: &Backup, context: &Context) -> Result<(), Failure> {
    if wish.file.exists() && !wish.force {
        return Err(refused(&BackupFailure::Exists {
            path: wish.file.clone(),
        }));
    }
    let keys = wish.keys.ask(&context.home)?;
    let owner = Home::owner(&context.home, keys.as_ref()).map_err(|error| up::home_refused(&error))?;
    let passphrase = wish.backup_passphrase_file.as_deref();
    let passphrase = secret::new_passphrase(passphrase, BACKUP_OPTION, "Passphrase of the backup: ")?;
    let progress = Progress::start(format!("writing {}", wish.file.display()));
    let (identity, mut items) = (backup::identity(&owner), 0);
    let running = Client::of(&context.home).ok().filter(Client::answers);
    let written = backup::write_file(&wish.file, wish.force, &passphrase, &identity, |output| {
        items = match &running {
            Some(client) => {
                let (mut contents, of) = client.backup().map_err(|failure| told(&failure.message))?;
                backup::copy_contents(&mut contents, output, &mut |done| progress.at(done, of.max(done)))?
            }
            None => {
                let home = Home::open_with(&context.home, keys.as_ref()).map_err(|error| told(&error))?;
                let store = Store::open(&home.store(), Options::default()).map_err(|error| told(&error))?;
                let of = backup::items(&store);
                backup::write_contents(&store, output, &mut |done| progress.at(done, of.max(done)))?
            }
        };
        Ok(items)
    });
    let bytes = written.map_err(|error| refused(&error))?;
    progress.done(&size(bytes));
    let value = json!({"file": wish.file, "items": items, "bytes": bytes, "words": identity.words.is_some()});
    context.output.answer(
        &value,
        format!("{} holds all of {}", wish.file.display(), owner.author),
    );
    if identity.words.is_none() {
        context
            .output
            .line("The 24 words are not in it, since they were taken out of this directory.");
    }
    context.output.line("→ keep it elsewhere, and its passphrase where you find it; `souk restore FILE` brings it back on a new device");
    Ok(())
}

fn told(failure: &dyn std::fmt::Display) -> BackupFailure {
    BackupFailure::Io(std::io::Error::other(failure.to_string()))
}

/// Restores a backup, or an identity from its words.
pub(crate) fn restore(wish: &Restore, context: &Context) -> Result<(), Failure> {
    let asks = wish.words || wish.words_file.is_some();
    let words = asks
        .then(|| secret::words(wish.words_file.as_deref()))
        .transpose()?;
    let close_with = wish
        .passphrase_file
        .as_deref()
        .map(secret::from_file)
        .transpose()?;
    let wanted = Wanted {
        dir: &context.home,
        words: words.as_ref(),
        close_with: close_with.as_ref(),
    };
    let restored = match (&wish.file, &words) {
        (Some(file), _) => from_file(file, wish.backup_passphrase_file.as_deref(), &wanted)?,
        (None, Some(words)) => from_words(words, &wanted)?,
        (None, None) => return Err(Failure::usage("neither a backup nor words", "name one of them")),
    };
    context.output.object(&shown(&restored));
    context.output.line(format!("you are {}", restored.author));
    next_steps(context);
    Ok(())
}

fn shown(restored: &Restored) -> Value {
    json!({
        "author": restored.author,
        "device": restored.device,
        "from": restored.from,
        "items": restored.items,
    })
}

fn from_file(path: &Path, passphrase: Option<&Path>, wanted: &Wanted<'_>) -> Result<Restored, Failure> {
    let bytes = std::fs::metadata(path)
        .map_err(|error| Failure::file(path, &error))?
        .len();
    let passphrase = secret::passphrase(passphrase, BACKUP_OPTION, "Passphrase of the backup: ")?;
    let progress = Progress::start(format!("restoring {}", path.display()));
    let restored = backup::from_file(path, &passphrase, wanted, &mut |read| progress.at(read, bytes));
    let restored = restored.map_err(|error| not_restored(&error))?;
    progress.done(&crate::output::count(restored.items, "item", "items"));
    Ok(restored)
}

fn from_words(words: &Phrase, wanted: &Wanted<'_>) -> Result<Restored, Failure> {
    backup::from_words(words, None, wanted).map_err(|error| not_restored(&error))
}

/// Makes the directory of a stopped node a new device of the same author.
pub(crate) fn recover(wish: &Recover, context: &Context) -> Result<(), Failure> {
    let words = wish
        .words_file
        .as_deref()
        .map(|file| secret::words(Some(file)))
        .transpose()?;
    let keys: Option<Passphrase> = wish.keys.ask(&context.home)?;
    let failed = |error| up::home_refused(&error);
    let mut home = Home::open_with(&context.home, keys.as_ref()).map_err(failed)?;
    let from = home.device();
    backup::recover(&mut home, words.as_ref(), keys.as_ref()).map_err(|error| not_restored(&error))?;
    let value = json!({"author": home.author(), "device": home.device(), "from": from});
    context.output.object(&value);
    context
        .output
        .line(format!("you are {}, on a new device", home.author()));
    next_steps(context);
    Ok(())
}

fn next_steps(context: &Context) {
    let out = context.output;
    out.line(
        "Every device that spoke for you before is revoked as soon as this one has heard what they said;",
    );
    out.line(
        "until somebody has answered it, it signs nothing. Stock that was not sold is to be counted again:",
    );
    out.line("`souk shop stock`, or `souk shop import` of a product file.");
    out.line("→ souk up --peer ADDRESS-OF-A-FRIEND");
}

fn refused(error: &BackupFailure) -> Failure {
    let message = error.to_string();
    match error {
        BackupFailure::Exists { .. } => {
            Failure::refused("exists", message, "name another file, or replace it with --force")
        }
        BackupFailure::Io(_) => Failure::unusable(message, "see that the disk has room; nothing was written"),
        BackupFailure::Vault(_) => Failure::usage(message, "try another passphrase"),
        BackupFailure::Records(_) | BackupFailure::Item(_) | BackupFailure::Missing { .. } => {
            Failure::fault(message)
        }
    }
}

fn not_restored(error: &RestoreError) -> Failure {
    let (message, next) = (error.to_string(), error.next());
    match error {
        RestoreError::Home(error) => up::home_refused(error),
        RestoreError::NotEmpty { .. } => Failure::refused("not_empty", message, next),
        RestoreError::Vault { .. } => Failure::refused("not_opened", message, next),
        RestoreError::File { .. } => Failure::unusable(message, next),
        RestoreError::NoWords | RestoreError::OtherAuthor { .. } | RestoreError::Words(_) => {
            Failure::refused("words", message, next)
        }
        RestoreError::Newer { .. } => Failure::refused("newer", message, next),
        RestoreError::NoBackup { .. } | RestoreError::Damaged { .. } | RestoreError::Item { .. } => {
            Failure::refused("damaged", message, next)
        }
        RestoreError::Store(_) | RestoreError::Fault(_) => Failure::unusable(message, next),
    }
}
