//! The driver: the one thread that steps the peer. It takes what has queued up, lets the peer decide
//! about each input in turn, commits all of that at once, and only then lets the actions out. It never
//! waits for the network, a disk other than the store's, or a person. Described in
//! `spec/architecture.md`.

use crate::store::Store;
use souk_protocol::peer::{Action, Input, Peer};
use souk_protocol::records::{Fault, Overlay, Records};
use souk_protocol::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Inputs that wait for the driver before whoever brings more has to wait.
pub(crate) const INPUTS_MAX: usize = 4_096;
/// Inputs that go into one commit at most.
const GROUP_MAX: usize = 256;
/// Groups of actions that wait to be performed before the driver waits.
pub(crate) const GROUPS_MAX: usize = 256;

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
pub(crate) fn run(
    mut peer: Peer,
    store: &Store,
    mut inputs: mpsc::Receiver<Input>,
    actions: &mpsc::Sender<Vec<Action>>,
    counts: &Arc<DriverCounts>,
) -> Result<(), Fault> {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    while inputs.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
        let mut overlay = Overlay::over(store as &dyn Records);
        let (mut writes, mut group) = (Vec::new(), Vec::new());
        for input in waiting.drain(..) {
            counts.inputs.fetch_add(1, Ordering::Relaxed);
            let step = peer.handle(now(), input, &overlay)?;
            overlay.stage(&step.writes);
            writes.extend(step.writes);
            group.extend(step.actions);
        }
        if !writes.is_empty() {
            store.commit(&writes)?;
            counts.commits.fetch_add(1, Ordering::Relaxed);
            counts.writes.fetch_add(writes.len() as u64, Ordering::Relaxed);
        }
        // Nobody performs any more: the node is stopping, and what was decided is in the store.
        if !group.is_empty() && actions.blocking_send(group).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
