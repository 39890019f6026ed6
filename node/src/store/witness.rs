//! A witness of how many commits were acknowledged.
//!
//! The database takes the first entry of its log that does not match its checksum for the end of the
//! log, so one flipped bit there would silently take the store back in time. A small file beside it
//! says which number the last acknowledged commit had; rows that are behind it are damaged. It is
//! written after each commit and never synced: after a power cut it may be torn, which its hash tells,
//! or behind, which accuses nobody. Described in `spec/store.md`.
//!
//! ```text
//! 0        16        24       56
//! | magic  | number  | BLAKE3 |
//! ```
//! The number is big-endian; the hash is over magic and number.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

const MAGIC: &[u8; 16] = b"souk witness v1\0";

/// The file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
}

impl Witness {
    /// Opens the witness of a store, and reads what it says, if it can be read.
    pub(super) fn open(store: &Path) -> io::Result<(Self, Option<u64>)> {
        let path = store.join("witness");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        Ok((Self { file }, decode(&fs::read(&path)?)))
    }

    /// Notes the number of a commit that is on the disk.
    pub(super) fn note(&self, number: u64) -> io::Result<()> {
        self.file.write_all_at(&encode(number), 0)
    }
}

fn encode(number: u64) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), &number.to_be_bytes()].concat();
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let number = bytes.strip_prefix(MAGIC.as_slice())?.first_chunk::<8>()?;
    let number = u64::from_be_bytes(*number);
    (encode(number) == bytes).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_or_flipped_witness_says_nothing() {
        let said = encode(7);
        assert_eq!(decode(&said), Some(7));
        for place in 0..said.len() {
            assert_eq!(decode(&said[..place]), None, "cut after {place} bytes");
            let mut flipped = said.clone();
            flipped[place] ^= 1;
            assert_eq!(decode(&flipped), None, "flipped at {place}");
        }
    }
}
