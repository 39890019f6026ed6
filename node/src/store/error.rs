//! Every "no" of the store: why it was not opened, why a read or a commit failed.

use std::io;
use std::path::PathBuf;

/// Why a store was not opened. Nothing in it was changed, unless the sentence says so.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The file system said no.
    #[error("could not {act} '{}': {source}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Upon what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("'{}' is in use by another souk{}", dir.display(), of_process(*pid))]
    InUse {
        /// Which directory.
        dir: PathBuf,
        /// The process that has it, if it said so.
        pid: Option<u32>,
    },
    /// A newer program wrote it.
    #[error(
        "'{}' was written by a newer souk: expected schema {known} or older, got {found}; use that version",
        dir.display()
    )]
    Newer {
        /// Which directory.
        dir: PathBuf,
        /// The schema in it.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// It could not be brought to the schema of this program; it is as it was.
    #[error("'{}' could not be migrated from schema {from}: {reason}", dir.display())]
    Migration {
        /// Which directory.
        dir: PathBuf,
        /// The schema that it is left at.
        from: u32,
        /// Why.
        reason: String,
    },
    /// What is in it is not what was written.
    #[error("the store in '{}' is damaged: {reason}", dir.display())]
    Damaged {
        /// Which directory.
        dir: PathBuf,
        /// What was found.
        reason: String,
    },
}

fn of_process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// Why a commit was not made. Becomes a [`Fault`].
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("it stopped after a failure and must be opened again: {0}")]
    Stopped(String),
    #[error("expected {expected} bytes free, got {actual}")]
    Full { expected: u64, actual: u64 },
    #[error("expected a {part} of at most {expected} bytes in '{tree}', got {actual}")]
    TooLarge {
        part: &'static str,
        tree: &'static str,
        expected: usize,
        actual: usize,
    },
    #[error("could not write {what}: {source}")]
    Io { what: &'static str, source: io::Error },
    #[error(transparent)]
    Rows(#[from] RowsError),
}

impl CommitError {
    /// Whether the store cannot know any more what is on the disk. Running out of room before the
    /// database is touched is no such thing: there may be room again.
    pub(super) fn stops(&self) -> bool {
        match self {
            Self::Stopped(_) | Self::TooLarge { .. } => false,
            Self::Full { .. } | Self::Io { .. } => !self.wants_room(),
            Self::Rows(_) => true,
        }
    }

    /// Whether it only wants room on the disk.
    pub(super) fn wants_room(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            Self::Stopped(_) | Self::TooLarge { .. } | Self::Rows(_) => false,
        }
    }
}

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    #[error("the database failed: {0}")]
    Sled(#[from] sled::Error),
    #[error("the database's files failed: {0}")]
    Io(#[from] io::Error),
    #[error("the database is damaged: it stopped in the middle of {0}")]
    Panicked(&'static str),
    #[error("the database put a page where nothing makes it last ('{0}')")]
    Spilled(PathBuf),
    #[error("the database is damaged: the row '{0}' of its own is not what was written")]
    Own(&'static str),
}
