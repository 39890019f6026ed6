//! The product file that was chosen on the page and waits for the owner's word, or is being imported: one
//! at a time, in memory, for a while.

use super::limits::IMPORT_WAIT_MS;
use crate::products::ProductFile;
use serde::Serialize;
use souk_protocol::id::ListingId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How an import went.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Imported {
    pub(super) listings_in_file: usize,
    pub(super) variants_in_file: usize,
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) same: u64,
    pub(super) warnings: Vec<String>,
}

/// What a file would change, told before anything is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) new: usize,
    pub(super) changed: usize,
    pub(super) same: usize,
    pub(super) variants: usize,
    /// Variants of which the file has another number than the shop. The shop's own stays: sales count from it.
    pub(super) stock_stays: usize,
    /// The first of those that are new or changed.
    pub(super) rows: Vec<Planned>,
}

/// What becomes of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) listing: ListingId,
    pub(super) title: String,
    /// Of a new one its cheapest price.
    pub(super) price_minor: i64,
    pub(super) variants: usize,
    pub(super) published: bool,
    /// None for a new one.
    pub(super) changes: Option<Vec<Difference>>,
}

/// One thing that a file says otherwise than the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    Title {
        old: String,
    },
    /// Of the variant with this label.
    Price {
        label: String,
        old_minor: Option<i64>,
        new_minor: i64,
    },
    /// Units of the file begin to be counted.
    Counted {
        label: String,
        units: i64,
    },
    Published(bool),
    /// Variants that the shop does not have yet.
    Added(usize),
    /// Variants that the file does not have any more.
    Removed(usize),
    /// Description, pictures, labels and the like.
    Details,
}

/// How far it is.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// It was read, and nothing was written.
    Waits(Arc<ProductFile>, Arc<Plan>),
    /// So many listings of so many are written.
    Runs {
        listings: usize,
        of: usize,
    },
    Done(Arc<Imported>),
    /// Why it ended early; what was written until then stays, and importing it again goes on.
    Failed(String),
}

/// A file.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Names it in addresses.
    pub(super) id: String,
    /// What the file is called.
    pub(super) name: String,
    /// Whether to publish what the file keeps unpublished, too.
    pub(super) drafts: bool,
    pub(super) stage: Stage,
    made: Instant,
}

/// Where it is kept.
#[derive(Debug, Default)]
pub(super) struct Imports(Mutex<Option<Pending>>);

impl Imports {
    fn held(&self) -> MutexGuard<'_, Option<Pending>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let life = Duration::from_millis(IMPORT_WAIT_MS);
        let over = |pending: &Pending| {
            !matches!(pending.stage, Stage::Runs { .. }) && pending.made.elapsed() >= life
        };
        if held.as_ref().is_some_and(over) {
            *held = None;
        }
        held
    }

    /// Keeps a file in place of the last one; not while that one is being written.
    pub(super) fn keep(&self, id: &str, name: &str, drafts: bool, file: ProductFile, plan: Plan) -> bool {
        let mut held = self.held();
        let runs = held
            .as_ref()
            .is_some_and(|pending| matches!(pending.stage, Stage::Runs { .. }));
        if !runs {
            *held = Some(Pending {
                id: id.to_owned(),
                name: name.to_owned(),
                drafts,
                stage: Stage::Waits(Arc::new(file), Arc::new(plan)),
                made: Instant::now(),
            });
        }
        !runs
    }

    /// The one that is kept.
    pub(super) fn newest(&self) -> Option<Pending> {
        self.held().clone()
    }
    /// The one with this id, if it is still there.
    pub(super) fn of(&self, id: &str) -> Option<Pending> {
        self.newest().filter(|pending| pending.id == id)
    }

    /// Takes the file out to be written; only one caller gets it.
    pub(super) fn begin(&self, id: &str) -> Option<(Arc<ProductFile>, bool)> {
        let mut held = self.held();
        let pending = held.as_mut().filter(|pending| pending.id == id)?;
        let Stage::Waits(file, _) = &pending.stage else {
            return None;
        };
        let file = file.clone();
        pending.stage = Stage::Runs {
            listings: 0,
            of: file.products.len(),
        };
        Some((file, pending.drafts))
    }

    /// Says how far it is.
    pub(super) fn tell(&self, id: &str, stage: Stage) {
        let mut held = self.held();
        if let Some(pending) = held.as_mut().filter(|pending| pending.id == id) {
            pending.stage = stage;
            pending.made = Instant::now();
        }
    }

    /// Forgets a file that waits.
    pub(super) fn forget(&self, id: &str) {
        let mut held = self.held();
        let waits = |pending: &Pending| pending.id == id && !matches!(pending.stage, Stage::Runs { .. });
        if held.as_ref().is_some_and(waits) {
            *held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_and_not_replaced_while_it_is_written() {
        let imports = Imports::default();
        let keep = |id: &str| imports.keep(id, "shop.csv", false, ProductFile::default(), Plan::default());
        assert!(keep("a") && keep("b"));
        assert!(imports.of("a").is_none() && imports.begin("a").is_none());
        assert!(imports.begin("b").is_some() && imports.begin("b").is_none());
        assert!(!keep("c"));
        imports.forget("b");
        assert!(imports.of("b").is_some());
        imports.tell("b", Stage::Failed("the disk is full".into()));
        assert!(keep("c"));
    }
}
