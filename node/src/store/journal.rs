//! The last commit, written down before the rows of the database are touched.
//!
//! The database makes a batch whole or absent when the process dies, but not when a write of its own
//! fails in the middle: then it takes the batch's mark back and what had reached the disk stays. So
//! the whole commit is noted here first, in one file that is overwritten each time and needs no sync:
//! after a kill the file is whole, and opening carries the commit out again; after a power cut it may
//! be torn or old, which its hash and number tell, and then the database's own mark is enough. A
//! number two ahead of the database's proves that the database lost commits. Described in
//! `spec/store.md`.
//!
//! ```text
//! 0        16        24        32       64
//! | magic  | number  | length  | BLAKE3 | rows …
//! row: tree u8 | key length u32 | value length u32, or 2³²−1 to remove | key | value
//! ```
//! Numbers are big-endian; the hash is over number, length and rows.

use souk_protocol::records::{Change, Tree};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const MAGIC: &[u8; 16] = b"souk journal v1\0";
const HEAD_BYTES: usize = 64;
const REMOVED: u32 = u32::MAX;
/// A journal that grew past this is cut at the next opening.
const KEPT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

/// A commit as it was noted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Noted {
    /// Its number, counted from 1.
    pub(super) number: u64,
    /// Its rows.
    pub(super) changes: Vec<Change>,
}

impl Journal {
    /// Opens the journal of a store and reads the commit noted last, if it is whole.
    pub(super) fn open(store: &Path) -> io::Result<(Self, Option<Noted>)> {
        let path = store.join("journal");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        let noted = decode(&fs::read(&path)?);
        Ok((Self { file }, noted))
    }

    /// Notes a commit over the one before it.
    pub(super) fn note<'a>(&self, number: u64, changes: impl Iterator<Item = &'a Change>) -> io::Result<()> {
        self.file.write_all_at(&encode(number, changes)?, 0)
    }

    /// Gives back the room of an unusually large commit. Only once its rows are safe.
    pub(super) fn trim(&self) -> io::Result<()> {
        if self.file.metadata()?.len() > KEPT_BYTES_MAX {
            self.file.set_len(0)?;
        }
        Ok(())
    }

    /// Bytes of the file.
    pub(super) fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

fn encode<'a>(number: u64, changes: impl Iterator<Item = &'a Change>) -> io::Result<Vec<u8>> {
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .ok()
            .filter(|length| *length != REMOVED)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    };
    let mut noted = vec![0; HEAD_BYTES];
    for change in changes {
        noted.push(change.tree as u8);
        noted.extend_from_slice(&length(&change.key)?.to_be_bytes());
        let value = change.value.as_deref();
        let value_length = value.map(length).transpose()?.unwrap_or(REMOVED);
        noted.extend_from_slice(&value_length.to_be_bytes());
        noted.extend_from_slice(&change.key);
        noted.extend_from_slice(value.unwrap_or_default());
    }
    let (head, rows) = noted.split_at_mut(HEAD_BYTES);
    let (number, rows_length) = (number.to_be_bytes(), (rows.len() as u64).to_be_bytes());
    let hash = hash(&number, &rows_length, rows);
    let head_of: [&[u8]; 4] = [MAGIC, &number, &rows_length, &hash];
    head.copy_from_slice(&head_of.concat());
    Ok(noted)
}

fn hash(number: &[u8], length: &[u8], rows: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(number).update(length).update(rows);
    *hasher.finalize().as_bytes()
}

fn decode(bytes: &[u8]) -> Option<Noted> {
    let mut rest = bytes;
    if take::<16>(&mut rest)? != *MAGIC {
        return None;
    }
    let number = take::<8>(&mut rest)?;
    let length = take::<8>(&mut rest)?;
    let expected = take::<32>(&mut rest)?;
    let mut rows = rest.get(..usize::try_from(u64::from_be_bytes(length)).ok()?)?;
    if hash(&number, &length, rows) != expected {
        return None;
    }
    let mut changes = Vec::new();
    while !rows.is_empty() {
        let [tree] = take::<1>(&mut rows)?;
        let key_length = u32::from_be_bytes(take::<4>(&mut rows)?);
        let value_length = u32::from_be_bytes(take::<4>(&mut rows)?);
        changes.push(Change {
            tree: Tree::ALL.iter().copied().find(|known| *known as u8 == tree)?,
            key: split(&mut rows, key_length)?,
            value: match value_length {
                REMOVED => None,
                length => Some(split(&mut rows, length)?),
            },
        });
    }
    Some(Noted {
        number: u64::from_be_bytes(number),
        changes,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn split(bytes: &mut &[u8], length: u32) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(head.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Change> {
        let change = |tree, key: &[u8], value: Option<&[u8]>| Change {
            tree,
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        };
        vec![
            change(Tree::Log, b"a", Some(b"one")),
            change(Tree::Me, b"", Some(b"")),
            change(Tree::Place, b"b", None),
        ]
    }

    #[test]
    fn a_noted_commit_reads_back_and_a_torn_one_does_not() {
        let noted = encode(7, changes().iter()).unwrap();
        let whole = decode(&noted).unwrap();
        assert_eq!((whole.number, whole.changes), (7, changes()));
        for cut in 0..noted.len() {
            assert_eq!(decode(&noted[..cut]), None, "cut after {cut} bytes");
            let mut flipped = noted.clone();
            flipped[cut] ^= 1;
            assert_eq!(decode(&flipped), None, "flipped at {cut}");
        }
    }

    #[test]
    fn a_shorter_commit_overwrites_a_longer_one() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, none) = Journal::open(dir.path()).unwrap();
        assert_eq!(none, None);
        journal.note(1, changes().iter()).unwrap();
        journal.note(2, changes().iter().take(1)).unwrap();
        let (_, noted) = Journal::open(dir.path()).unwrap();
        let noted = noted.unwrap();
        assert_eq!((noted.number, noted.changes), (2, changes()[..1].to_vec()));
    }
}
