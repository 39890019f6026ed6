//! A message between two authors as the folds take it: what was said, and what its envelope proves
//! of who said it. A fold sees nothing else of an envelope, so it can depend on nothing else.
//! Described in `spec/order.md`.

use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::time::{Hybrid, Timestamp};

/// A message whose envelope was opened: its signature and grant are good, its body has passed the
/// rules of its kind.
#[derive(Debug)]
pub struct Filed<'a, M> {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who speaks.
    pub author: AuthorId,
    /// Through which device.
    pub device: DeviceId,
    /// When, as the author says.
    pub time: Hybrid,
    /// What is said.
    pub message: &'a M,
}

impl<M> Clone for Filed<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Filed<'_, M> {}

impl<M> Filed<'_, M> {
    /// When, as the author says, without the counter.
    pub const fn stated(&self) -> Timestamp {
        Timestamp(self.time.wall_ms)
    }
}
