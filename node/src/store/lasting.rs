//! What of the rows is on the disk for good. A commit can be read before that, and whoever is told what
//! a crash then takes back has been told something that never was.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Numbers of the commit that can be read, and of the one that lasts.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    numbers: Mutex<Numbers>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Numbers {
    begun: u64,
    lasts: u64,
    /// The commit that was begun last has failed.
    failed: bool,
}

/// What was read may be of a commit that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MayBeLost;

impl Lasting {
    /// From here on the rows of a commit may be seen.
    pub(super) fn begin(&self, number: u64) {
        self.numbers().begun = number;
    }

    /// They last, or never will.
    pub(super) fn end(&self, number: u64, done: bool) {
        let mut numbers = self.numbers();
        match done {
            true => numbers.lasts = number,
            false => numbers.failed = true,
        }
        self.changed.notify_all();
    }

    /// Waits until whatever could be read when it was called lasts.
    pub(super) fn settled(&self) -> Result<(), MayBeLost> {
        let numbers = self.numbers();
        let seen = numbers.begun;
        let wait = |numbers: &mut Numbers| numbers.lasts < seen && !numbers.failed;
        let numbers = self
            .changed
            .wait_while(numbers, wait)
            .unwrap_or_else(PoisonError::into_inner);
        match numbers.lasts < seen {
            true => Err(MayBeLost),
            false => Ok(()),
        }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
