//! One's own past: a device that was restored, a directory that was copied, a device that was revoked.
//! Whoever may have signed more than is remembered here asks first, and signs nothing that would
//! contradict it.
//!
//! ```text
//! restored ─┐  somebody who knows the author has answered        ┌─ settled: in public as always; on an
//! copied   ─┴──────────────────────────────────────────────────►─┘  order or tab once the other side's
//!     └── an envelope of this very device that is not here ──► outdated    copy was merged
//! ```
//!
//! A node that was never restored or copied has no such past and does none of this, but it too stops
//! when it meets an envelope of its own that it does not hold. Described in `spec/backup.md`.

use super::devices::GRANT;
use super::holds::Watch;
use super::step::{Action, Checked};
use super::turn::Turn;
use super::{Keys, Peer, Purpose};
use crate::admission::Refusal;
use crate::api::{Code, Happening, Past, Refused};
use crate::backup::DEVICE;
use crate::body::{Body, Lane};
use crate::envelope::{Opened, Signed};
use crate::id::{AuthorId, DeviceId, OrderId, TabId};
use crate::identity::{Grant, RootKey};
use crate::limits::{
    ORDER_MESSAGES_MAX, PAST_HEARD_MS, PAST_STRANGERS_MS, SEEK_AGAIN_MS, SOUGHT_AT_START_MAX,
};
use crate::order::{Order, Role, State};
use crate::records::{Fault, Range, Records, Tree, Write};
use crate::sync::{Holding, Raw, Recall, Request};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

const PAST: &[u8] = b"past";
const RECALLED: &[u8] = b"recalled/";

/// What is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    past: Past,
    /// The device in whose place this one stands, if it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DeviceId>,
}

/// What this device knows of its own past.
#[derive(Default)]
pub(super) struct Own {
    kept: Option<Kept>,
    /// At hand as long as there may be devices to revoke.
    pub(super) root: Option<RootKey>,
    /// When the first answer came to what others hold of this author.
    heard_ms: Option<u64>,
    /// Whether any of them holds something.
    known: bool,
    /// Authors whose copy of what is between them and this one was merged.
    recalled: BTreeSet<AuthorId>,
    /// Orders that the copies that are under way tell of.
    between: BTreeMap<AuthorId, BTreeSet<OrderId>>,
}

/// What this node's device knows of its own past, for its owner; none if it has been what it is all along.
pub fn own_past(records: &dyn Records, device: &DeviceId) -> Result<Option<Past>, Fault> {
    match records.get(Tree::Me, DEVICE)? {
        // Written by another one, and this one has not begun yet.
        Some(wrote) if wrote != device.as_bytes() => Ok(Some(Past::Restored)),
        _ => Ok(kept(records)?.map(|kept| kept.past)),
    }
}

fn kept(records: &dyn Records) -> Result<Option<Kept>, Fault> {
    let row = records.get(Tree::Me, PAST)?;
    row.map(|bytes| super::stored(Tree::Me, PAST, &bytes)).transpose()
}

/// What to remember of a directory that was copied or put back, before a peer starts there: it asks
/// first. Nothing if it has never signed anything.
pub fn copied(records: &dyn Records) -> Result<Vec<Write>, Fault> {
    let may_go_on = kept(records)?.is_none_or(|kept| kept.past == Past::Settled);
    if !may_go_on || records.get(Tree::Me, super::CLOCK)?.is_none() {
        return Ok(Vec::new());
    }
    let kept = Kept {
        past: Past::Copied,
        from: None,
    };
    let value = crate::codec::encode(&kept).map_err(super::broken)?;
    let mut writes = forget_recalled(records)?;
    writes.push(Write::local(Tree::Me, PAST, Some(value))?);
    Ok(writes)
}

fn forget_recalled(records: &dyn Records) -> Result<Vec<Write>, Fault> {
    let rows = records.scan(Tree::Me, &Range::of(RECALLED, usize::MAX))?;
    rows.iter()
        .map(|(key, _)| Write::local(Tree::Me, key, None))
        .collect()
}

impl Own {
    /// What the records tell: a store that another device wrote last is a restored one.
    pub(super) fn start(keys: &mut Keys, records: &dyn Records) -> Result<Self, Fault> {
        let device = keys.device.device();
        if let Some(bytes) = records.get(Tree::Me, GRANT)? {
            let grant: Grant = super::stored(Tree::Me, GRANT, &bytes)?;
            // Of another device if the store was restored: then it says nothing about this one.
            if grant.epoch > keys.grant.epoch && grant.verify(&keys.author, &device).is_ok() {
                keys.grant = grant;
            }
        }
        let mut own = Self {
            kept: kept(records)?,
            ..Self::default()
        };
        match records.get(Tree::Me, DEVICE)?.map(|id| DeviceId::from_slice(&id)) {
            Some(Ok(from)) if from != device => {
                let from = Some(from).filter(|from| from.as_bytes() != keys.author.as_bytes());
                let past = Past::Restored;
                own.kept = Some(Kept { past, from });
                return Ok(own);
            }
            _ => {}
        }
        if records.revocation(&keys.author, &device)?.is_some() {
            own.kept = Some(Kept {
                past: Past::Revoked,
                from: None,
            });
        }
        for (key, _) in records.scan(Tree::Me, &Range::of(RECALLED, usize::MAX))? {
            own.recalled
                .extend(key.last_chunk::<32>().copied().map(AuthorId::from_bytes));
        }
        Ok(own)
    }

    fn past(&self) -> Option<Past> {
        self.kept.map(|kept| kept.past)
    }

    fn waits(&self) -> bool {
        matches!(self.past(), Some(Past::Restored | Past::Copied))
    }
}

impl Peer {
    /// Gives this peer the root key for as long as it may need it: to revoke the devices in whose place it
    /// stands. Not needed, and let go at once, if it was not restored.
    pub fn hold_root(&mut self, root: RootKey) {
        if self.own.past() == Some(Past::Restored) && root.author() == self.author() {
            self.own.root = Some(root);
        }
    }

    /// Writes down, once, which device this is and what its past is.
    pub(super) fn begin_past(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let device = self.device();
        if turn.records().get(Tree::Me, DEVICE)?.as_deref() != Some(device.as_bytes()) {
            let write = Write::local(Tree::Me, DEVICE, Some(device.as_bytes().to_vec()))?;
            turn.write(vec![write]);
            let forgotten = forget_recalled(turn.records())?;
            turn.write(forgotten);
        }
        if kept(turn.records())? != self.own.kept {
            let kept = self.own.kept;
            turn.local(Tree::Me, PAST, kept.as_ref())?;
        }
        Ok(())
    }

    fn become_past(&mut self, turn: &mut Turn<'_>, past: Past) -> Result<(), Fault> {
        if self.own.past() == Some(past) {
            return Ok(());
        }
        let kept = Kept { past, from: None };
        self.own.kept = Some(kept);
        turn.local(Tree::Me, PAST, Some(&kept))?;
        turn.tell(Happening::OwnPast { past });
        Ok(())
    }

    /// Whether this device may sign at all, and if not, what its owner can do.
    pub(super) fn may_sign(&self) -> Result<(), Refused> {
        let (message, next) = match self.own.past() {
            None | Some(Past::Settled) => return Ok(()),
            Some(Past::Restored) => (
                "this node was restored and has not heard yet what was said since; until then it signs nothing",
                "Connect it to somebody who follows you with 'souk peer add ADDRESS'; 'souk status' says how it stands.",
            ),
            Some(Past::Copied) => (
                "this directory was copied or put back, and nobody has said yet whether it is the newest copy; until then it signs nothing",
                "Connect it to somebody who follows you with 'souk peer add ADDRESS'; 'souk status' says how it stands.",
            ),
            Some(Past::Outdated) => (
                "this is an old copy: others hold more that this device signed than this directory does, so it signs nothing any more",
                "Use the newer copy. If there is none, stop this node and make it a new device with 'souk recover'.",
            ),
            Some(Past::Revoked) => (
                "this device was revoked by its owner: nothing that it says counts any more",
                "Use another device of yours, or link this one again: make a code with 'souk device invite' there, and use 'souk device join CODE' here with a new --home. If there is no other, stop this node and make it a new device with 'souk recover'.",
            ),
        };
        Err(Refused::new(Code::NotAllowed, message, next))
    }

    /// Whether this device may sign anything that is between its author and another.
    pub(super) fn may_act_with(&self, other: &AuthorId) -> Result<(), Refused> {
        self.may_sign()?;
        if self.own.past().is_none() || self.own.recalled.contains(other) {
            return Ok(());
        }
        let message = format!("this node was restored, and {other} has not told yet what is between you");
        let next = "Wait until they are connected; it is asked for by itself.";
        Err(Refused::new(Code::NotAllowed, message, next))
    }

    pub(super) fn acts_with(&self, other: &AuthorId) -> bool {
        self.may_act_with(other).is_ok()
    }

    /// An envelope of this very device that was not held here: somebody signed with its key elsewhere, or
    /// this directory is an old copy. Whichever it is, whatever is signed here now may contradict it.
    pub(super) fn met_own(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match self.own.past() {
            Some(Past::Outdated | Past::Revoked) => Ok(()),
            _ => self.become_past(turn, Past::Outdated),
        }
    }

    /// A device was revoked by its author.
    pub(super) fn met_revocation(
        &mut self,
        turn: &mut Turn<'_>,
        author: &AuthorId,
        device: &DeviceId,
    ) -> Result<(), Fault> {
        let session = self.sessions.get_mut(device);
        if let Some(session) = session.filter(|session| session.author == Some(*author)) {
            session.revoked = true;
        }
        match (*author, *device) == (self.author(), self.device()) {
            true => self.become_past(turn, Past::Revoked),
            false => Ok(()),
        }
    }

    /// Somebody told what they hold of this author.
    pub(super) fn heard_of_own(&mut self, turn: &Turn<'_>, holdings: &[Holding]) {
        self.own.heard_ms.get_or_insert(turn.now.0);
        let me = self.author();
        self.own.known |= holdings.iter().any(|holding| holding.author == me);
    }

    /// What time brings: whoever waits goes on when it has heard enough, and looks for others until then;
    /// whoever was restored asks those whom it has not asked.
    pub(super) fn mind_past(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        if self.own.waits() {
            if self.has_heard_enough(turn) {
                return self.go_on(turn);
            }
            self.seek_own(turn);
            return Ok(());
        }
        if self.own.past() != Some(Past::Settled) {
            return Ok(());
        }
        let greeted: Vec<DeviceId> = self.greeted().collect();
        for device in greeted {
            self.recall(turn, device)?;
        }
        if self.looks_again(turn) {
            for other in self.not_recalled(turn)? {
                self.seek(turn, other)?;
            }
        }
        Ok(())
    }

    fn has_heard_enough(&self, turn: &Turn<'_>) -> bool {
        let asks = |purpose: &Purpose| {
            matches!(
                purpose,
                Purpose::Hello | Purpose::Have | Purpose::Buckets(_) | Purpose::States(..) | Purpose::Pull(_)
            )
        };
        let wait_ms = if self.own.known {
            PAST_HEARD_MS
        } else {
            PAST_STRANGERS_MS
        };
        let heard = |since| turn.now.0.saturating_sub(since) >= wait_ms;
        self.own.heard_ms.is_some_and(heard)
            && !self.exchanges.values().any(|exchange| asks(&exchange.purpose))
    }

    fn go_on(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let (past, from) = (self.own.past(), self.own.kept.and_then(|kept| kept.from));
        let root = self.own.root.take();
        if past == Some(Past::Restored) && root.is_none() {
            return Ok(());
        }
        self.become_past(turn, Past::Settled)?;
        if let Some(root) = root {
            self.succeed(turn, &root, from)?;
        }
        // What it was told while it waited it had refused.
        for device in self.siblings_here() {
            self.compare_with_sibling(turn, device)?;
        }
        self.mind_past(turn)
    }

    /// Looks for those who hold this author.
    fn seek_own(&mut self, turn: &mut Turn<'_>) {
        if self.looks_again(turn) {
            let (author, devices) = (self.author(), Vec::new());
            turn.act(Action::Seek { author, devices });
        }
    }

    /// Whether it is time to look around again.
    fn looks_again(&mut self, turn: &Turn<'_>) -> bool {
        let last = self.sought.entry(self.keys.author).or_default();
        let again = turn.now.0.saturating_sub(*last) >= SEEK_AGAIN_MS;
        if again {
            *last = turn.now.0;
        }
        again
    }

    /// Some of those with whom something is open and whose copy was not merged yet.
    fn not_recalled(&self, turn: &Turn<'_>) -> Result<Vec<AuthorId>, Fault> {
        let mut others: BTreeSet<AuthorId> = self.tabs(turn)?.into_iter().map(|(other, _)| other).collect();
        others.extend(self.watched.values().filter_map(|watched| watched.with));
        let missing = others
            .into_iter()
            .filter(|other| !self.own.recalled.contains(other) && self.device_of(other).is_none());
        Ok(missing.take(SOUGHT_AT_START_MAX).collect())
    }

    /// Asks a device for its author's copy of all that is between the two, once, and again if no answer came.
    pub(super) fn recall(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Result<(), Fault> {
        if self.own.past() != Some(Past::Settled) {
            return Ok(());
        }
        let me = self.author();
        let Some(session) = self.sessions.get_mut(&device) else {
            return Ok(());
        };
        let Some(author) = session.author.filter(|author| *author != me) else {
            return Ok(());
        };
        let asked = session
            .recalled_ms
            .is_some_and(|last| turn.now.0.saturating_sub(last) < SEEK_AGAIN_MS);
        if session.revoked || asked || self.own.recalled.contains(&author) {
            return Ok(());
        }
        session.recalled_ms = Some(turn.now.0);
        self.own.between.remove(&author);
        self.recall_beyond(turn, device, author, None)
    }

    fn recall_beyond(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        author: AuthorId,
        beyond: Option<ByteBuf>,
    ) -> Result<(), Fault> {
        let root = DeviceId::from_bytes(*self.author().as_bytes());
        let said = match beyond {
            None => turn
                .records()
                .log_after(&root, 0, crate::limits::RECALL_REVOKED_MAX)?,
            Some(_) => Vec::new(),
        };
        let said = said.iter().map(|revoke| Raw::from(revoke.bytes())).collect();
        let request = Request::Recall(Recall { said, beyond });
        self.ask(turn, device, request, Purpose::Recall(author));
        Ok(())
    }

    /// A page of another author's copy.
    pub(super) fn recalled(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        author: AuthorId,
        envelopes: Vec<Checked>,
        more: Option<ByteBuf>,
    ) -> Result<(), Fault> {
        for envelope in envelopes {
            if let Ok(Opened::Known(signed)) = envelope {
                self.take_recalled(turn, &author, signed)?;
            }
        }
        match more {
            Some(beyond) => {
                if let Some(session) = self.sessions.get_mut(&device) {
                    session.recalled_ms = Some(turn.now.0);
                }
                self.recall_beyond(turn, device, author, Some(beyond))
            }
            None => self.all_recalled(turn, author),
        }
    }

    fn take_recalled(&mut self, turn: &mut Turn<'_>, other: &AuthorId, signed: Signed) -> Result<(), Fault> {
        let me = self.author();
        let (author, to) = (signed.author(), signed.body().to());
        let between = (author == me && to == Some(*other)) || (author == *other && to == Some(me));
        if signed.lane() != Lane::Sealed || !between {
            turn.act(Action::Count(Refusal::NotForMe));
            return Ok(());
        }
        let own = signed.device() == self.device();
        if let Body::Order(message) = signed.body() {
            let order = message.order(signed.id());
            self.own.between.entry(*other).or_default().insert(order);
            if turn.said_in(&order, &author)? >= ORDER_MESSAGES_MAX / 2 {
                return Ok(());
            }
        }
        match turn.admit(signed)? {
            Ok(_) if own => self.met_own(turn),
            Ok(_) | Err(Refusal::Known) => Ok(()),
            Err(refusal) => {
                turn.act(Action::Count(refusal));
                Ok(())
            }
        }
    }

    /// The other side's copy is whole: what it tells is gone on with, upon numbers that nobody has seen.
    fn all_recalled(&mut self, turn: &mut Turn<'_>, other: AuthorId) -> Result<(), Fault> {
        if self.own.past() != Some(Past::Settled) {
            return Ok(());
        }
        let mut orders = self.own.between.remove(&other).unwrap_or_default();
        orders.extend(self.watched_with(&other));
        self.own.recalled.insert(other);
        let tabs: Vec<TabId> = self.tabs_with(turn, &other)?;
        if !orders.is_empty() || !tabs.is_empty() {
            turn.local(Tree::Me, &[RECALLED, other.as_bytes()].concat(), Some(&()))?;
        }
        self.reopen_tabs(turn, &other)?;
        let mut open = Vec::new();
        for id in orders {
            open.extend(self.take_up(turn, &other, &id)?);
        }
        for (id, state) in open {
            self.moved(turn, &id, Some(state))?;
        }
        self.tab_duties(turn, &other)
    }

    /// Takes an order up as the other side's copy tells it; the state in which to go on with it. What was sold
    /// before was taken off a stock that is no more, so nothing is taken off the new one.
    fn take_up(
        &mut self,
        turn: &mut Turn<'_>,
        other: &AuthorId,
        id: &OrderId,
    ) -> Result<Option<(OrderId, State)>, Fault> {
        let Some(order) = turn.order(id)? else {
            return Ok(None);
        };
        let is_open = !order.state.is_over() || order.refund_due || self.watched.contains_key(id);
        if order.role(other).is_none() || !is_open {
            return Ok(None);
        }
        // A device that was copied has its own rows; what another device sold is on that one's account.
        let known = matches!(self.watch(turn, id)?, Some(Watch::Sold | Watch::Short));
        let sells = order.role(&self.author()) == Some(Role::Merchant) && is_sold(&order);
        if sells && !known && self.sees_to(turn, &order)? {
            self.remember_sold(turn, id)?;
        }
        self.take_note(turn, id, Some(order.state))?;
        Ok(Some((*id, order.state)))
    }
}

fn is_sold(order: &Order) -> bool {
    let free = matches!(
        order.state,
        State::Asked | State::Declined | State::Cancelled | State::Lapsed
    );
    !free && !order.state.holds_stock() && !order.state.is_over()
}
