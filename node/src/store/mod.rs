//! The store: everything that a node remembers, on the disk of its owner.
//!
//! It reads through the port [`Records`] and takes nothing but [`Write`]s, which only the protocol can
//! make. A commit is acknowledged when it would survive a power cut; a failed one stops the store,
//! because a file system that has failed to sync once has forgotten what it failed on, and asking
//! again would be answered with a yes. sled is named nowhere but here. Described in `spec/store.md`.
//!
//! A file imports only files that stand above it in this map; `open` also makes the types below it.

mod error;
mod files;

mod lock;

mod documents;
mod lasting;
mod rows;
mod witness;

mod open;

#[cfg(test)]
mod tests;

pub use error::OpenStoreError;

use documents::Documents;
use error::{CommitError, RowsError};
use lasting::{Lasting, MayBeLost};
use lock::DirectoryLock;
use rows::{KEY_BYTES_MAX, PROOF_BYTES_MAX, Progress, Rows, VALUE_BYTES_MAX, size_of_change};
use souk_protocol::records::{Change, Fault, Range, Records, Row, Tree, Write};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use witness::Witness;

/// Free room that a commit leaves on the disk, in bytes: the pieces that the database may begin.
const FREE_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// Room that a commit may need, as a multiple of what it brings.
const ROOM_FACTOR: u64 = 4;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Memory for pages that were read or written of late, in bytes.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 * 1024 * 1024,
        }
    }
}

/// An open store. Clones are the same store; it closes when the last one is dropped. Any thread may
/// read; commits go one after another.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    rows: Rows,
    documents: Documents,
    writer: Mutex<Writer>,
    progress: RwLock<Progress>,
    lasting: Lasting,
    // Last: the directory is let go when all else is closed.
    _lock: DirectoryLock,
}

#[derive(Debug)]
struct Writer {
    witness: Witness,
    /// The failure after which nothing more is written.
    stopped: Option<String>,
}

impl Store {
    /// Opens the store in a directory, or makes one there.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenStoreError> {
        open::open(dir, options)
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Remembers all writes or none, and returns when they would survive a power cut. Of several
    /// changes to one row the last one counts. Through [`Records`] the rows may be seen a little earlier,
    /// through [`Store::read`] not. A disk without room is noticed before anything is touched
    /// ([`Fault::Full`]), and the next commit may find room. After any other failure every further commit
    /// is refused until the store is opened again, and so is [`Store::read`]. Once it is opened again all
    /// of that commit is there or nothing.
    pub fn commit(&self, writes: &[Write]) -> Result<(), Fault> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.commit(&mut writer, writes).map_err(|error| {
            if error.stops() {
                writer.stopped = Some(error.to_string());
                self.0.rows.forget_cached();
            }
            match error.wants_room() {
                true => Fault::Full(error.to_string()),
                false => Fault::Store(error.to_string()),
            }
        })
    }

    /// Reads, and gives back what was read once it would survive a power cut: whoever is told of it may act
    /// upon it. Waits for one commit at the longest.
    ///
    /// # Errors
    /// Those of the reading; or a commit has failed, so what was read may be lost.
    pub fn read<T>(&self, query: impl FnOnce(&dyn Records) -> Result<T, Fault>) -> Result<T, Fault> {
        let read = query(self)?;
        match self.0.lasting.settled() {
            Ok(()) => Ok(read),
            Err(MayBeLost) => Err(Fault::Store("what was read may not be on the disk".into())),
        }
    }

    /// Whether the disk has room for a commit again, after one was refused with [`Fault::Full`].
    pub fn has_room(&self) -> Result<bool, Fault> {
        match self.0.check_room(&[]) {
            Ok(()) => Ok(true),
            Err(error) if error.wants_room() => Ok(false),
            Err(error) => Err(Fault::Store(error.to_string())),
        }
    }

    /// Bytes of its files. What the database has freed within them is counted too.
    pub fn size_bytes(&self) -> Result<u64, Fault> {
        let fault = |error: io::Error| Fault::Store(error.to_string());
        let documents = self.0.documents.size_bytes().map_err(fault)?;
        Ok(self.0.rows.size_bytes().map_err(read_fault)? + documents)
    }

    /// Rows in each tree, trees without any left out. Counted by the commits, so it costs nothing.
    pub fn counts(&self) -> BTreeMap<Tree, u64> {
        let progress = self.0.progress.read().unwrap_or_else(PoisonError::into_inner);
        let counts = progress.counts.iter();
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(tree, count)| (*tree, *count))
            .collect()
    }

    /// How many commits it has taken since it was made.
    pub fn commits(&self) -> u64 {
        self.0
            .progress
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .number
    }
}

impl Inner {
    fn commit(&self, writer: &mut Writer, writes: &[Write]) -> Result<(), CommitError> {
        if let Some(reason) = &writer.stopped {
            return Err(CommitError::Stopped(reason.clone()));
        }
        let changes: Vec<&Change> = writes.iter().filter_map(Write::change).collect();
        changes.iter().try_for_each(|change| check_size(change))?;
        self.check_room(writes)?;
        self.documents
            .keep(writes.iter().filter_map(Write::document))
            .map_err(|source| CommitError::Io {
                what: "a document",
                source,
            })?;
        if changes.is_empty() {
            return Ok(());
        }
        let before = self
            .progress
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let number = before.number + 1;
        self.lasting.begin(number);
        let applied = self.rows.apply(&changes, &before, number, None).map(|after| {
            *self.progress.write().unwrap_or_else(PoisonError::into_inner) = after;
        });
        self.lasting.end(number, applied.is_ok());
        applied?;
        writer.witness.note(number).map_err(|source| CommitError::Io {
            what: "the witness",
            source,
        })
    }

    /// A full disk is noticed before anything is touched.
    fn check_room(&self, writes: &[Write]) -> Result<(), CommitError> {
        let brought = |write: &Write| match write.document() {
            Some((_, bytes)) => bytes.len(),
            None => write.change().map_or(0, size_of_change),
        };
        let bytes: u64 = writes.iter().map(|write| brought(write) as u64).sum();
        let expected = FREE_BYTES_MIN + ROOM_FACTOR * bytes;
        let disk = rustix::fs::statvfs(&self.dir).map_err(|error| CommitError::Io {
            what: "to the disk",
            source: error.into(),
        })?;
        let actual = disk.f_bavail.saturating_mul(disk.f_frsize);
        match actual < expected {
            true => Err(CommitError::Full { expected, actual }),
            false => Ok(()),
        }
    }
}

fn check_size(change: &Change) -> Result<(), CommitError> {
    let value_max = match change.tree {
        Tree::Equivocations => PROOF_BYTES_MAX,
        _ => VALUE_BYTES_MAX,
    };
    let value = change.value.as_ref().map_or(0, Vec::len);
    let parts = [
        ("key", change.key.len(), KEY_BYTES_MAX),
        ("value", value, value_max),
    ];
    for (part, actual, expected) in parts {
        if actual > expected {
            let tree = change.tree.name();
            return Err(CommitError::TooLarge {
                part,
                tree,
                expected,
                actual,
            });
        }
    }
    Ok(())
}

fn read_fault(error: RowsError) -> Fault {
    Fault::Store(error.to_string())
}

impl Records for Store {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.rows.get(tree, key).map_err(read_fault)
    }

    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        self.0.rows.scan(tree, range).map_err(read_fault)
    }

    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.documents.read(id)
    }
}
