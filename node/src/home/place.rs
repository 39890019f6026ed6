//! Where the directory is: told by the file that holds its lock, which is made once and never written
//! again. A copy of the directory, or one that was put back from a backup of files, has another such
//! file; one that was renamed has the same. Described in `spec/backup.md`, "Copies".

use super::HomeError;
use super::files::{read_bounded, write_anew};
use std::fs;
use std::path::Path;

const PLACE: &str = "place";
const LOCK: &str = "lock";

/// Whether the directory is elsewhere than when it was used last. A new one is not.
pub(super) fn has_moved(dir: &Path) -> Result<bool, HomeError> {
    let path = dir.join(PLACE);
    if !path.exists() {
        keep(dir)?;
        return Ok(false);
    }
    Ok(*read_bounded(&path)? != *here(dir)?.as_bytes())
}

/// Remembers where it is.
pub(super) fn keep(dir: &Path) -> Result<(), HomeError> {
    write_anew(&dir.join(PLACE), here(dir)?.as_bytes())
}

#[cfg(unix)]
fn here(dir: &Path) -> Result<String, HomeError> {
    use std::os::unix::fs::MetadataExt;
    let path = dir.join(LOCK);
    let data = fs::metadata(&path).map_err(|source| HomeError::NotReadable { path, source })?;
    Ok(format!(
        "{} {}.{:09}\n",
        data.ino(),
        data.ctime(),
        data.ctime_nsec()
    ))
}

#[cfg(not(unix))]
fn here(_: &Path) -> Result<String, HomeError> {
    Ok("here\n".into())
}
