//! Small steps with the files of the node's directory: closed to others, written whole, locked.

use super::HomeError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The file that the running program holds.
const LOCK: &str = "lock";
/// Largest file of keys, token or port that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The hold on the directory. Let go by name: a process that is just being started holds a copy of the
/// file until its own program runs, so closing this one would not be enough.
pub(super) struct HomeLock(File);

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Failing is harmless: the lock goes with the last copy of the file.
        self.0.unlock().ok();
    }
}

/// Makes the directory if need be, checks that it is closed to others, and locks it.
pub(super) fn enter(dir: &Path) -> Result<HomeLock, HomeError> {
    let not_writable = |source| HomeError::NotWritable {
        path: dir.to_owned(),
        source,
    };
    if !dir.exists() {
        make(dir).map_err(not_writable)?;
        close(dir)?;
    } else if fs::read_dir(dir).map_err(not_writable)?.next().is_none() {
        close(dir)?;
    }
    require_closed(dir, 0o700)?;
    let path = dir.join(LOCK);
    let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
        .open(&path)
        .map_err(|source| HomeError::NotWritable {
            path: path.clone(),
            source,
        })?;
    match lock.try_lock() {
        Ok(()) => Ok(HomeLock(lock)),
        Err(TryLockError::WouldBlock) => Err(HomeError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(HomeError::NotWritable { path, source }),
    }
}

/// Makes a directory and those above it, and makes their names last: keys in a directory that a power cut
/// takes away are lost keys.
fn make(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let above: Vec<&Path> = dir.ancestors().skip(1).collect();
    let there = above
        .iter()
        .position(|above| above.is_dir())
        .unwrap_or(above.len());
    fs::create_dir_all(&dir)?;
    above.iter().take(there + 1).try_for_each(|above| sync_dir(above))
}

#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn close(dir: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|source| HomeError::NotWritable {
        path: dir.to_owned(),
        source,
    })
}

#[cfg(not(unix))]
fn close(_: &Path) -> Result<(), HomeError> {
    Ok(())
}

#[cfg(unix)]
fn require_closed(path: &Path, expected: u32) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    let data = fs::metadata(path).map_err(|source| HomeError::NotReadable {
        path: path.to_owned(),
        source,
    })?;
    let actual = data.permissions().mode() & 0o7777;
    match actual & 0o077 {
        0 => Ok(()),
        _ => Err(HomeError::TooOpen {
            path: path.to_owned(),
            expected,
            actual,
        }),
    }
}

#[cfg(not(unix))]
fn require_closed(_: &Path, _: u32) -> Result<(), HomeError> {
    Ok(())
}

pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    require_closed(path, 0o600)?;
    read_bounded(path)
}

pub(super) fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    let not_readable = |source| HomeError::NotReadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(not_readable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(not_readable)?;
    Ok(bytes)
}

/// Writes a file beside the old one, syncs it, and puts it in the old one's place.
pub(crate) fn write_anew(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let new = path.with_extension("new");
    let written = || -> io::Result<()> {
        // What a crash left behind may have another mode.
        if new.exists() {
            fs::remove_file(&new)?;
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(dir) => sync_dir(dir),
            None => Ok(()),
        }
    };
    written().map_err(|source| HomeError::NotWritable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(unix)]
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}
