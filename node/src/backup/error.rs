//! Why a backup is not made, or not restored.

use crate::home::HomeError;
use crate::store::OpenStoreError;
use crate::vault::VaultError;
use souk_protocol::backup::BackupError;
use souk_protocol::id::AuthorId;
use souk_protocol::identity::IdentityError;
use souk_protocol::records::{Fault, SCHEMA};
use std::io;
use std::path::PathBuf;

/// Why a backup is not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// A file is there already.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is remembered cannot be read.
    #[error(transparent)]
    Records(#[from] Fault),
    /// Something that is remembered fits no backup.
    #[error("something that the node remembers fits no backup: {0}")]
    Item(#[from] BackupError),
    /// It cannot be encrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It ends with another number of items than it should.
    #[error("expected {expected} items, got {items}")]
    Missing {
        /// Items that there should be.
        expected: u64,
        /// Items that came.
        items: u64,
    },
    /// The file cannot be written, or the node broke off.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why nothing is restored. The directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something is in the directory already.
    #[error("{} is not empty", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The passphrase does not open it, or it is no such file.
    #[error("cannot open {}: {source}", path.display())]
    Vault {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VaultError,
    },
    /// It opens, and is no backup.
    #[error("{} is no backup of a node", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
    },
    /// It ends too early, or somebody changed it.
    #[error("{} is cut or was changed: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer program made it.
    #[error("{} has schema {found}; this program knows {SCHEMA}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// Something in it is not as it must be.
    #[error("{} cannot be restored: {source}", path.display())]
    Item {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: BackupError,
    },
    /// The words are not in it, and none were given.
    #[error("the backup holds no words: its owner keeps them on paper alone")]
    NoWords,
    /// The words are of another author.
    #[error("the words are those of {words}, the backup is that of {backup}")]
    OtherAuthor {
        /// Whose the words are.
        words: AuthorId,
        /// Whose the backup is.
        backup: AuthorId,
    },
    /// The words are none.
    #[error(transparent)]
    Words(#[from] IdentityError),
    /// The directory cannot be made.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store cannot be made.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// The store cannot be written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl RestoreError {
    /// What to do next, one sentence.
    pub fn next(&self) -> String {
        match self {
            Self::NotEmpty { .. } => {
                "Name another directory with --home; nothing is ever restored over a node.".into()
            }
            Self::File { .. } => "See that the file is there and that you may read it.".into(),
            Self::Vault {
                source: VaultError::WrongPassphrase,
                ..
            } => "Try again with the passphrase that the backup was made with; nothing was changed.".into(),
            Self::Vault { .. } | Self::NoBackup { .. } => "Name the file that 'souk backup' wrote.".into(),
            Self::Damaged { .. } | Self::Item { .. } => {
                "Take an older backup, or restore the identity from its 24 words with 'souk restore --words'."
                    .into()
            }
            Self::Newer { .. } => "Restore it with the program that made it, or a newer one.".into(),
            Self::NoWords => "Give them with --words or --words-file.".into(),
            Self::OtherAuthor { .. } | Self::Words(_) => {
                "Look at the paper that they were written on.".into()
            }
            Self::Home(error) => error.next(),
            Self::Store(_) | Self::Fault(_) => {
                "See that the disk has room and is sound, and try again.".into()
            }
        }
    }
}
