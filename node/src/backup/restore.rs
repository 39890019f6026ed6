//! Restoring: a new device in a new directory, with what a backup holds or, from the 24 words alone, with
//! nothing yet. The directory is made beside its place and renamed when it is whole, so whatever
//! interrupts it leaves nothing behind that a node would run on.

use super::error::{BackupFailure, RestoreError};
use super::{beside, next, parent};
use crate::home::{Home, HomeError, sync_dir};
use crate::store::{Options, Store};
use crate::vault::Passphrase;
use crate::verify::Verifier;
use souk_protocol::backup::{self, BackupError, Identity, Item, MAGIC};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::Phrase;
use souk_protocol::records::{Overlay, Records, SCHEMA, Write};
use souk_protocol::sync::Raw;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Items that go into one commit at most.
const BATCH_ITEMS: usize = 512;
/// Bytes of items after which a commit is made.
const BATCH_BYTES: usize = 1024 * 1024;

/// How something is restored.
pub struct Wanted<'a> {
    /// Into which directory: one that is not there, or empty.
    pub dir: &'a Path,
    /// The 24 words; needed if the backup does not hold them.
    pub words: Option<&'a Phrase>,
    /// What the keys of the new device are closed with.
    pub close_with: Option<&'a Passphrase>,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Whose node it is.
    pub author: AuthorId,
    /// Its new device.
    pub device: DeviceId,
    /// The device that made the backup.
    pub from: Option<DeviceId>,
    /// Items that the backup held.
    pub items: u64,
}

/// Restores what a backup holds. `seen` hears how many of the file's bytes were read.
pub fn from_file(
    path: &Path,
    passphrase: &Passphrase,
    wanted: &Wanted<'_>,
    seen: &mut dyn FnMut(u64),
) -> Result<Restored, RestoreError> {
    let file = File::open(path).map_err(|source| RestoreError::File {
        path: path.to_owned(),
        source,
    })?;
    let input = Counted {
        inner: BufReader::new(file),
        bytes: 0,
        seen,
    };
    let opened = passphrase.unlock(input).map_err(|source| RestoreError::Vault {
        path: path.to_owned(),
        source,
    })?;
    let mut reading = Reading { path, input: opened };
    let identity = reading.identity()?;
    let given;
    let phrase = match (&identity.words, wanted.words) {
        (_, Some(words)) => words,
        (Some(words), None) => {
            given = Phrase::parse(words)?;
            &given
        }
        (None, None) => return Err(RestoreError::NoWords),
    };
    let author = phrase.root_key()?.author();
    if author != identity.author {
        return Err(RestoreError::OtherAuthor {
            words: author,
            backup: identity.author,
        });
    }
    let name = identity.name.as_ref().map(|name| name.as_str());
    let epoch = identity.epoch.saturating_add(1);
    into_new(wanted, name, phrase, epoch, |store| {
        let items = reading.into_store(store)?;
        Ok((Some(identity.device), items))
    })
}

/// Makes a new device from the words alone; what was public comes back from the network.
pub fn from_words(
    phrase: &Phrase,
    name: Option<&str>,
    wanted: &Wanted<'_>,
) -> Result<Restored, RestoreError> {
    into_new(wanted, name, phrase, 0, |_| Ok((None, 0)))
}

/// Makes a directory's node a new device of its author, with all that it remembers. Says first whose the
/// records are, then changes the keys: a crash between the two changes nothing.
pub fn recover(
    home: &mut Home,
    words: Option<&Phrase>,
    passphrase: Option<&Passphrase>,
) -> Result<(), RestoreError> {
    let store = Store::open(&home.store(), Options::default())?;
    store.commit(&[backup::restored(Some(home.device()), home.author())?])?;
    drop(store);
    Ok(home.renew(words, passphrase)?)
}

/// Makes the directory beside its place, fills its store, and puts it there.
fn into_new(
    wanted: &Wanted<'_>,
    name: Option<&str>,
    phrase: &Phrase,
    epoch: u32,
    fill: impl FnOnce(&Store) -> Result<(Option<DeviceId>, u64), RestoreError>,
) -> Result<Restored, RestoreError> {
    require_empty(wanted.dir)?;
    let new = beside(wanted.dir, "restoring");
    clear(&new)?;
    let restored = || -> Result<Restored, RestoreError> {
        let home = Home::restore(&new, name, phrase, wanted.close_with, epoch)?;
        let store = Store::open(&home.store(), Options::default())?;
        let (from, items) = fill(&store)?;
        store.commit(&[backup::restored(from, home.author())?])?;
        drop(store);
        Ok(Restored {
            author: home.author(),
            device: home.device(),
            from,
            items,
        })
    };
    let put = restored().and_then(|restored| {
        put_in_place(&new, wanted.dir).map_err(|source| HomeError::NotWritable {
            path: wanted.dir.to_owned(),
            source,
        })?;
        Ok(restored)
    });
    if put.is_err() {
        fs::remove_dir_all(&new).ok();
    }
    put
}

fn require_empty(dir: &Path) -> Result<(), RestoreError> {
    let is_empty = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    match is_empty {
        true => Ok(()),
        false => Err(RestoreError::NotEmpty { dir: dir.to_owned() }),
    }
}

/// Removes what an interrupted restoring left behind, unless it is still at work.
fn clear(new: &Path) -> Result<(), RestoreError> {
    if !new.exists() {
        return Ok(());
    }
    Home::require_idle(new)?;
    fs::remove_dir_all(new).map_err(|source| {
        HomeError::NotWritable {
            path: new.to_owned(),
            source,
        }
        .into()
    })
}

/// An empty directory is replaced by the rename; anything that came into it meanwhile prevents it.
fn put_in_place(new: &Path, dir: &Path) -> io::Result<()> {
    sync_dir(new)?;
    fs::rename(new, dir)?;
    sync_dir(parent(dir))
}

/// A backup that is read.
struct Reading<'a, R> {
    path: &'a Path,
    input: R,
}

impl<R: Read> Reading<'_, R> {
    fn damaged(&self, reason: impl ToString) -> RestoreError {
        RestoreError::Damaged {
            path: self.path.to_owned(),
            reason: reason.to_string(),
        }
    }

    fn wrong(&self, source: BackupError) -> RestoreError {
        match source {
            BackupError::Fault(fault) => fault.into(),
            source => RestoreError::Item {
                path: self.path.to_owned(),
                source,
            },
        }
    }

    fn next(&mut self) -> Result<Item, RestoreError> {
        let (_, kind, content) = next(&mut self.input).map_err(|error| match error {
            BackupFailure::Io(error) => self.damaged(error),
            BackupFailure::Item(error) => self.wrong(error),
            other => self.damaged(other),
        })?;
        Item::read(kind, &content).map_err(|error| self.wrong(error))
    }

    fn identity(&mut self) -> Result<Identity, RestoreError> {
        let no_backup = || RestoreError::NoBackup {
            path: self.path.to_owned(),
        };
        let mut magic = [0; MAGIC.len()];
        self.input
            .read_exact(&mut magic)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => no_backup(),
                _ => self.damaged(error),
            })?;
        if magic != *MAGIC {
            return Err(no_backup());
        }
        match self.next()? {
            Item::Identity(identity) if identity.schema <= SCHEMA => Ok(*identity),
            Item::Identity(identity) => Err(RestoreError::Newer {
                path: self.path.to_owned(),
                found: identity.schema,
            }),
            _ => Err(self.damaged("it does not begin with whose it is")),
        }
    }

    /// Takes everything into a store, and says how many items there were.
    fn into_store(mut self, store: &Store) -> Result<u64, RestoreError> {
        let verifier = Verifier::default();
        let (mut batch, mut bytes, mut items) = (Vec::new(), 0, 0);
        let expected = loop {
            let item = self.next()?;
            if let Item::End { items: expected } = item {
                break expected;
            }
            items += 1;
            bytes += size(&item);
            batch.push(item);
            if batch.len() >= BATCH_ITEMS || bytes >= BATCH_BYTES {
                self.commit(store, &verifier, std::mem::take(&mut batch))?;
                bytes = 0;
            }
        };
        self.commit(store, &verifier, batch)?;
        if expected != items {
            return Err(self.damaged(format!("expected {expected} items, got {items}")));
        }
        // The end of an encrypted file is proved only by reading up to it.
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(items),
            Ok(_) => Err(self.damaged("something stands behind its end")),
            Err(error) => Err(self.damaged(error)),
        }
    }

    fn commit(&self, store: &Store, verifier: &Verifier, batch: Vec<Item>) -> Result<(), RestoreError> {
        let raws = batch.iter().flat_map(envelopes_in).collect();
        let mut opened = verifier.check_all(raws).into_iter();
        let mut overlay = Overlay::over(store as &dyn Records);
        let mut writes: Vec<Write> = Vec::new();
        for item in batch {
            let own = opened.by_ref().take(envelopes_in(&item).len()).collect();
            let more = backup::take_in(item, own, &overlay).map_err(|error| self.wrong(error))?;
            overlay.stage(&more);
            writes.extend(more);
        }
        Ok(store.commit(&writes)?)
    }
}

fn envelopes_in(item: &Item) -> Vec<Raw> {
    match item {
        Item::Envelope(bytes) => vec![Raw::from(bytes.clone())],
        Item::Proof(first, second) => vec![Raw::from(first.clone()), Raw::from(second.clone())],
        _ => Vec::new(),
    }
}

fn size(item: &Item) -> usize {
    match item {
        Item::Envelope(bytes) | Item::Document(bytes) => bytes.len(),
        Item::Proof(first, second) => first.len() + second.len(),
        Item::Local { key, value, .. } => key.len() + value.len(),
        Item::Identity(_) | Item::Mark { .. } | Item::End { .. } => 0,
    }
}

/// Tells how much of a file was read.
struct Counted<'a, R> {
    inner: R,
    bytes: u64,
    seen: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.bytes += read as u64;
        (self.seen)(self.bytes);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
