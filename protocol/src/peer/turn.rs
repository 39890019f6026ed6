//! One input's working space: what was decided so far is visible to what is decided next, though
//! nothing of it is committed yet.

use super::folds::Folds;
use super::step::{Action, Step};
use crate::admission::{self, Admission, Refusal};
use crate::api::{Event, Happening};
use crate::codec;
use crate::envelope::{Admitted, Signed};
use crate::id::{AuthorId, ListingId, OrderId};
use crate::limits::EVENTS_KEPT_MAX;
use crate::order::Order;
use crate::records::{Fault, Overlay, Records, Tree, Write};
use crate::tab::{Ledger, Parties};
use crate::time::Timestamp;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    records: Overlay<'a>,
    writes: Vec<Write>,
    actions: Vec<Action>,
    changed: BTreeMap<AuthorId, BTreeSet<ListingId>>,
    happenings: Vec<Happening>,
    folds: RefCell<Folds>,
    lasting: bool,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Timestamp, records: &'a dyn Records, folds: Folds) -> Self {
        Self {
            now,
            records: Overlay::over(records),
            writes: Vec::new(),
            actions: Vec::new(),
            changed: BTreeMap::new(),
            happenings: Vec::new(),
            folds: RefCell::new(folds),
            lasting: false,
        }
    }

    pub(super) fn records(&self) -> &dyn Records {
        &self.records
    }

    /// Reads an order, what this turn has kept of it included.
    pub(super) fn order(&self, id: &OrderId) -> Result<Option<Arc<Order>>, Fault> {
        self.folds.borrow_mut().order(id, &self.records)
    }

    /// How many messages of an order one side has said.
    pub(super) fn said_in(&self, id: &OrderId, author: &AuthorId) -> Result<usize, Fault> {
        self.folds.borrow_mut().said_in(id, author, &self.records)
    }

    /// Reads a tab, what this turn has kept of it included.
    pub(super) fn tab(&self, parties: Parties) -> Result<Arc<Ledger>, Fault> {
        self.folds.borrow_mut().tab(parties, &self.records)
    }

    pub(super) fn write(&mut self, writes: Vec<Write>) {
        self.lasting |= !writes.is_empty();
        self.stage(writes);
    }

    fn stage(&mut self, writes: Vec<Write>) {
        self.records.stage(&writes);
        self.writes.extend(writes);
    }

    /// Forgets a row whose only use was to have something done that is done now: if the removal is lost
    /// it is done once more, and nobody minds.
    pub(super) fn forget(&mut self, tree: Tree, key: &[u8]) -> Result<(), Fault> {
        let write = Write::local(tree, key, None)?;
        self.stage(vec![write]);
        Ok(())
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn act_all(&mut self, actions: impl IntoIterator<Item = Action>) {
        self.actions.extend(actions);
    }

    pub(super) fn tell(&mut self, happening: Happening) {
        self.happenings.push(happening);
    }

    /// A listing changed: it is indexed, and its shop's watchers are told, once for each input.
    pub(super) fn listing_changed(&mut self, shop: AuthorId, listing: ListingId) {
        self.changed.entry(shop).or_default().insert(listing);
    }

    /// Keeps an envelope, if the rules let it in.
    pub(super) fn admit(&mut self, envelope: Signed) -> Result<Result<Admitted, Refusal>, Fault> {
        match admission::admit(envelope, self.now, &self.records)? {
            Err(refusal) => Ok(Err(refusal)),
            Ok(Admission { envelope, writes }) => {
                self.write(writes);
                self.folds.borrow_mut().hear(&envelope)?;
                Ok(Ok(envelope))
            }
        }
    }

    /// Puts a private value, or removes it.
    pub(super) fn local<T: Serialize>(
        &mut self,
        tree: Tree,
        key: &[u8],
        value: Option<&T>,
    ) -> Result<(), Fault> {
        let value = value
            .map(codec::encode)
            .transpose()
            .map_err(|error| Fault::Broken(error.to_string()))?;
        let write = Write::local(tree, key, value)?;
        self.write(vec![write]);
        Ok(())
    }

    /// The step that this input leads to. Events take the numbers after the last one.
    pub(super) fn finish(mut self, next_event: &mut u64) -> Result<(Step, Folds), Fault> {
        for (shop, listings) in std::mem::take(&mut self.changed) {
            self.tell(Happening::ShopChanged {
                shop,
                listings: listings.len() as u64,
            });
            self.act(Action::Index {
                shop,
                listings: listings.into_iter().collect(),
            });
        }
        for what in std::mem::take(&mut self.happenings) {
            let event = Event {
                number: *next_event,
                at: self.now,
                what,
            };
            self.local(Tree::Events, &event.number.to_be_bytes(), Some(&event))?;
            if let Some(old) = event.number.checked_sub(EVENTS_KEPT_MAX) {
                self.local::<()>(Tree::Events, &old.to_be_bytes(), None)?;
            }
            *next_event += 1;
            self.act(Action::Tell(event));
        }
        let step = Step {
            writes: self.writes,
            actions: self.actions,
            may_wait: !self.lasting,
        };
        Ok((step, self.folds.into_inner()))
    }
}
