//! The driver: the one thread that steps the peer. It takes what has queued up, lets the peer decide
//! about each input in turn, commits all of that at once, and only then lets the actions out. It never
//! waits for the network, a disk other than the store's, or a person.
//!
//! What a step only strikes off may wait for the next commit: a sync of the disk stands between two
//! messages of a purchase otherwise, for a row whose loss would cost a repetition. It waits a tick at the
//! longest, and always goes before whatever was decided upon it. Described in `spec/architecture.md`.

use crate::store::Store;
use souk_protocol::peer::{Action, Input, Peer};
use souk_protocol::records::{Fault, Overlay, Records, Write};
use souk_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Inputs that wait for the driver before whoever brings more has to wait.
pub const INPUTS_MAX: usize = 4_096;
/// Inputs that go into one commit at most.
const GROUP_MAX: usize = 1_000;
/// Writes that may wait before they are committed by themselves.
const WAITING_MAX: usize = 1_024;
/// Groups of actions that wait to be performed before the driver waits.
pub const GROUPS_MAX: usize = 256;

/// What the driver did so far.
#[derive(Debug, Default)]
pub struct DriverCounts {
    /// Inputs that were handled.
    pub inputs: AtomicU64,
    /// Commits that were made.
    pub commits: AtomicU64,
    /// Rows and documents that were written.
    pub writes: AtomicU64,
}

/// Now, by the system's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Runs until nobody can send inputs any more, or until a fault.
///
/// # Errors
/// The store or what it holds failed; what was not committed by then was not let out.
pub fn run(
    mut peer: Peer,
    store: &Store,
    mut inputs: mpsc::Receiver<Input>,
    actions: &mpsc::Sender<Vec<Action>>,
    counts: &Arc<DriverCounts>,
) -> Result<(), Fault> {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    let mut writes: Vec<Write> = Vec::new();
    while inputs.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
        let mut overlay = Overlay::over(store as &dyn Records);
        overlay.stage(&writes);
        let (mut group, mut lasting) = (Vec::new(), writes.len() >= WAITING_MAX);
        for input in waiting.drain(..) {
            counts.inputs.fetch_add(1, Ordering::Relaxed);
            lasting |= matches!(input, Input::Tick);
            let step = peer.handle(now(), input, &overlay)?;
            lasting |= !step.may_wait;
            overlay.stage(&step.writes);
            writes.extend(step.writes);
            group.extend(step.actions);
        }
        if lasting {
            commit(store, &mut writes, counts)?;
        }
        // Nobody performs any more: the node is stopping, and what was decided is in the store.
        if !group.is_empty() && actions.blocking_send(group).is_err() {
            break;
        }
    }
    commit(store, &mut writes, counts)
}

fn commit(store: &Store, writes: &mut Vec<Write>, counts: &DriverCounts) -> Result<(), Fault> {
    if !writes.is_empty() {
        store.commit(writes)?;
        counts.commits.fetch_add(1, Ordering::Relaxed);
        counts.writes.fetch_add(writes.len() as u64, Ordering::Relaxed);
        writes.clear();
    }
    Ok(())
}
