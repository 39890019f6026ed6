//! Backups: everything that a node remembers, in one encrypted file, and back.
//!
//! A backup holds no device's key. Whoever restores one gets a new device, so that no key ever signs on
//! two machines; what the old device said is read as history. Both ways go item by item, so that neither
//! needs more memory than one item and one commit. Described in `spec/backup.md`.

mod error;
mod restore;

pub use error::{BackupFailure, RestoreError};
pub use restore::{Restored, Wanted, from_file, from_words, recover};

use crate::home::{Owner, private, sync_dir};
use crate::store::Store;
use crate::vault::Passphrase;
use souk_protocol::backup::{Contents, HEAD_BYTES, Identity, Item, MAGIC, read_head};
use souk_protocol::records::{Records, SCHEMA, Tree};
use souk_protocol::text::Name;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Whose backup is made now.
pub fn identity(owner: &Owner) -> Identity {
    Identity {
        author: owner.author,
        device: owner.device,
        epoch: owner.epoch,
        schema: SCHEMA,
        made: crate::clock::Clock::default().now(),
        name: owner.name.as_ref().and_then(|name| Name::new(name).ok()),
        words: owner.words.clone(),
    }
}

/// About how many items a backup of these records has.
pub fn items(store: &Store) -> u64 {
    let counts = store.counts();
    let counted = counts.iter().filter(|(tree, _)| {
        let derived = [
            Tree::Devices,
            Tree::Place,
            Tree::Timeline,
            Tree::Vouches,
            Tree::Reviews,
        ];
        let more = [
            Tree::Answers,
            Tree::Revoked,
            Tree::Events,
            Tree::Orders,
            Tree::Tabs,
            Tree::Done,
        ];
        !derived.contains(tree) && !more.contains(tree)
    });
    counted.map(|(_, rows)| rows).sum()
}

/// Writes everything that is remembered, and that nothing is missing; `seen` hears how many items there
/// are so far.
pub fn write_contents(
    records: &dyn Records,
    output: &mut dyn Write,
    seen: &mut dyn FnMut(u64),
) -> Result<u64, BackupFailure> {
    let mut contents = Contents::of(records);
    let mut items = 0;
    while let Some(page) = contents.page()? {
        for item in page {
            output.write_all(&item.write()?)?;
            items += 1;
        }
        seen(items);
    }
    output.write_all(&Item::End { items }.write()?)?;
    Ok(items)
}

/// Copies what [`write_contents`] wrote elsewhere, item by item, up to the one that says that nothing is
/// missing.
pub fn copy_contents(
    input: &mut dyn Read,
    output: &mut dyn Write,
    seen: &mut dyn FnMut(u64),
) -> Result<u64, BackupFailure> {
    let mut items = 0;
    loop {
        let (head, kind, content) = next(input)?;
        output.write_all(&head)?;
        output.write_all(&content)?;
        if let Item::End { items: expected } = Item::read(kind, &content)? {
            return match expected == items {
                true => Ok(items),
                false => Err(BackupFailure::Missing { expected, items }),
            };
        }
        items += 1;
        seen(items);
    }
}

/// An item's head, its kind, and its content.
type Piece = ([u8; HEAD_BYTES], u8, Zeroizing<Vec<u8>>);

/// The bytes of the next item.
fn next(input: &mut dyn Read) -> Result<Piece, BackupFailure> {
    let mut head = [0; HEAD_BYTES];
    input.read_exact(&mut head)?;
    let (kind, length) = read_head(head)?;
    let mut content = Zeroizing::new(vec![0; length]);
    input.read_exact(&mut content)?;
    Ok((head, kind, content))
}

/// Writes a backup into a file of its own: beside the place, synced, renamed. `contents` writes what is
/// remembered; the file is there as a whole or not at all.
pub fn write_file(
    path: &Path,
    replace: bool,
    passphrase: &Passphrase,
    identity: &Identity,
    contents: impl FnOnce(&mut dyn Write) -> Result<u64, BackupFailure>,
) -> Result<u64, BackupFailure> {
    if path.exists() && !replace {
        return Err(BackupFailure::Exists {
            path: path.to_owned(),
        });
    }
    let new = beside(path, "new");
    let written = write_new(&new, passphrase, identity, contents).and_then(|bytes| {
        fs::rename(&new, path)?;
        sync_dir(parent(path))?;
        Ok(bytes)
    });
    if written.is_err() {
        // What could not be written must not fill the disk as well.
        fs::remove_file(&new).ok();
    }
    written
}

fn write_new(
    path: &Path,
    passphrase: &Passphrase,
    identity: &Identity,
    contents: impl FnOnce(&mut dyn Write) -> Result<u64, BackupFailure>,
) -> Result<u64, BackupFailure> {
    let file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(path)?;
    let file: File = write_locked(BufWriter::new(file), passphrase, identity, contents)?
        .into_inner()
        .map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Writes a backup to wherever it goes; gives back what it was written to, with everything in it.
pub(crate) fn write_locked<W: Write>(
    output: W,
    passphrase: &Passphrase,
    identity: &Identity,
    contents: impl FnOnce(&mut dyn Write) -> Result<u64, BackupFailure>,
) -> Result<W, BackupFailure> {
    let mut locking = passphrase.lock(output)?;
    locking.write_all(MAGIC)?;
    locking.write_all(&Item::Identity(Box::new(identity.clone())).write()?)?;
    contents(&mut locking)?;
    Ok(locking.finish()?)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
