//! Documents that are too large for a row: files named by the BLAKE3 of what they hold. Content never
//! changes under a name, so a document is written before the rows that point to it and removed only
//! at the next opening, when no row does. Described in `spec/store.md`.

use super::files::{private_dir, replace, sync_dir};
use data_encoding::HEXLOWER;
use souk_protocol::records::Fault;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a document's id.
pub(super) const ID_BYTES: usize = 32;

/// The directory of documents.
#[derive(Debug)]
pub(super) struct Documents {
    dir: PathBuf,
}

impl Documents {
    /// The documents of a store, with a directory for them.
    pub(super) fn in_store(store: &Path) -> io::Result<Self> {
        let dir = store.join("docs");
        private_dir(&dir)?;
        Ok(Self { dir })
    }

    fn path(&self, id: &[u8; ID_BYTES]) -> PathBuf {
        self.dir.join(HEXLOWER.encode(id))
    }

    /// Makes documents last. What is there already and whole is left alone.
    pub(super) fn keep<'a>(
        &self,
        documents: impl Iterator<Item = (&'a [u8; ID_BYTES], &'a [u8])>,
    ) -> io::Result<()> {
        let mut any = false;
        for (id, bytes) in documents {
            any = true;
            let path = self.path(id);
            if fs::read(&path).is_ok_and(|held| held == bytes) {
                continue;
            }
            replace(&path, bytes)?;
        }
        if any { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// A document, if it is there and still what its name says.
    pub(super) fn read(&self, id: &[u8; ID_BYTES]) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = match fs::read(self.path(id)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::Store(format!("could not read a document: {error}"))),
        };
        if blake3::hash(&bytes).as_bytes() != id {
            return Err(Fault::Damaged {
                tree: "documents",
                key: HEXLOWER.encode(id),
                reason: "its bytes do not have its id".into(),
            });
        }
        Ok(Some(bytes))
    }

    /// Removes every file that is not one of these documents, what a killed write left included.
    pub(super) fn sweep(&self, wanted: &BTreeSet<[u8; ID_BYTES]>) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let id = name
                .to_str()
                .and_then(|name| HEXLOWER.decode(name.as_bytes()).ok())
                .and_then(|id| <[u8; ID_BYTES]>::try_from(id).ok());
            if id.is_none_or(|id| !wanted.contains(&id)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Bytes of all documents.
    pub(super) fn size_bytes(&self) -> io::Result<u64> {
        fs::read_dir(&self.dir)?
            .map(|entry| entry?.metadata().map(|metadata| metadata.len()))
            .sum()
    }
}
