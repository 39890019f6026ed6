//! Small steps with files that the store repeats: naming what failed, and making a new name last.

use super::error::OpenStoreError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Turns the failure of an act upon a path into a sentence.
pub(super) fn at(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenStoreError {
    let path = path.to_owned();
    move |source| OpenStoreError::Io { act, path, source }
}

/// Makes a directory that only its owner may enter, if there is none yet.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the names in a directory last.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Puts a whole file at a path, or leaves what was there: written anew beside it, synced, renamed.
/// The caller syncs the directory.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What could not be written must not fill the disk as well.
        fs::remove_file(&new).ok();
    }
    written
}
