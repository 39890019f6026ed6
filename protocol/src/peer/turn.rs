//! One input's working space: what was decided so far is visible to what is decided next, though
//! nothing of it is committed yet.

use super::step::{Action, Step};
use crate::admission::{self, Admission, Refusal};
use crate::api::{Event, Happening};
use crate::codec;
use crate::envelope::{Admitted, Signed};
use crate::id::{AuthorId, ListingId};
use crate::limits::EVENTS_KEPT_MAX;
use crate::records::{Fault, Overlay, Records, Tree, Write};
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    records: Overlay<'a>,
    writes: Vec<Write>,
    actions: Vec<Action>,
    changed: BTreeMap<AuthorId, BTreeSet<ListingId>>,
    happenings: Vec<Happening>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Timestamp, records: &'a dyn Records) -> Self {
        Self {
            now,
            records: Overlay::over(records),
            writes: Vec::new(),
            actions: Vec::new(),
            changed: BTreeMap::new(),
            happenings: Vec::new(),
        }
    }

    pub(super) fn records(&self) -> &dyn Records {
        &self.records
    }

    pub(super) fn write(&mut self, writes: Vec<Write>) {
        self.records.stage(&writes);
        self.writes.extend(writes);
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
    pub(super) fn finish(mut self, next_event: &mut u64) -> Result<Step, Fault> {
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
        Ok(Step {
            writes: self.writes,
            actions: self.actions,
        })
    }
}
