//! One process for each directory: an advisory lock on a file that says whose it is. The kernel lets
//! go of it when the process ends, however it ends, so nothing is ever left to clean up.

use super::error::OpenStoreError;
use super::files::at;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Longest process number that is read from the file, in bytes.
const PID_BYTES_MAX: u64 = 16;

/// The hold on a directory; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    file: File,
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is just being started holds a copy of it until
        // its own program runs. Failing is harmless: the lock goes with the last copy.
        flock(&self.file, FlockOperation::Unlock).ok();
    }
}

impl DirectoryLock {
    /// Takes the directory, or says at once who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenStoreError> {
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(at("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(OpenStoreError::InUse {
                    dir: dir.to_owned(),
                    pid: pid_in(&mut file),
                });
            }
            Err(error) => return Err(at("lock", &path)(error.into())),
        }
        // Only for people to read: losing it costs nothing.
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(at("write", &path))?;
        Ok(Self { file })
    }
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
