//! The outbox: sealed envelopes on their way to one author. A row stays until a device of that author
//! said that it has taken the envelope, so a crash, a lost answer or a long absence repeats a
//! delivery and never loses one; the other side knows by its id what it has already.

use super::step::{Action, Checked};
use super::turn::Turn;
use super::{Peer, Purpose};
use crate::admission::Refusal;
use crate::body::{Body, Kind, Lane};
use crate::envelope::{Opened, Signed};
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::limits::{
    ASK_BOUND_MS, DELIVERY_PAUSE_MS_MAX, ORDER_FRAME_BYTES_MAX, OUTBOX_MAX, SEEK_AGAIN_MS,
    TAB_FRAME_BYTES_MAX,
};
use crate::records::{Fault, Range, Tree};
use crate::sync::{Raw, Request, Taken};
use crate::text::Prose;
use crate::time::{Hybrid, Timestamp};
use std::collections::BTreeSet;

/// Envelopes in one delivery.
const BATCH: usize = 16;
/// For how long it is one device's turn to be brought what waits for its author, in milliseconds.
const DELIVER_TURN_MS: u64 = 1_000;
/// Deliveries in a row of which the other side took nothing, before they become rarer.
const LATER_AT_ONCE: u32 = 4;
/// How long the first of these waits, in milliseconds; each further one twice as long.
const LATER_MS: u64 = 10_000;
/// Room that a delivery leaves for its framing, in bytes.
const FRAME_MARGIN: usize = 1_024;

/// What a row of the outbox holds: the device that was first to be brought an ask, and when.
type Bound = Option<(DeviceId, Timestamp)>;

/// How often an author has said in a row that nothing of a delivery can be taken yet, and when last. What is sent again and
/// again spends its sender's share of an hour, so that in the end nothing is taken.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Later {
    times: u32,
    last: Timestamp,
}

impl Later {
    fn is_over(self, now: Timestamp) -> bool {
        let Some(doubled) = self.times.checked_sub(LATER_AT_ONCE) else {
            return true;
        };
        let wait = LATER_MS
            .saturating_mul(1 << doubled.min(16))
            .min(DELIVERY_PAUSE_MS_MAX);
        // Whichever way the clock jumps.
        now.0.abs_diff(self.last.0) >= wait
    }
}

/// An envelope that is under way: enough of it to strike it off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    id: EnvelopeId,
    time: Hybrid,
}

impl Sent {
    fn of(envelope: &Signed) -> Self {
        Self {
            id: envelope.id(),
            time: envelope.time(),
        }
    }

    fn outbox_key(&self, to: &AuthorId) -> Vec<u8> {
        [
            to.as_bytes().as_slice(),
            &self.time.to_sortable(),
            self.id.as_bytes(),
        ]
        .concat()
    }
}

/// Envelopes of one kind, as many as one frame of their protocol holds.
#[derive(Default)]
struct Batch {
    kind: Option<Kind>,
    sent: Vec<Sent>,
    raws: Vec<Raw>,
    bytes: usize,
}

impl Batch {
    fn takes(&self, envelope: &Signed) -> bool {
        let kind = envelope.body().kind();
        let frame = if kind == Kind::Tab {
            TAB_FRAME_BYTES_MAX
        } else {
            ORDER_FRAME_BYTES_MAX
        };
        let fits = self.bytes + envelope.bytes().len() <= frame - FRAME_MARGIN;
        self.kind.is_none_or(|of| of == kind) && self.sent.len() < BATCH && fits
    }

    fn add(&mut self, envelope: &Signed) {
        self.kind = Some(envelope.body().kind());
        self.sent.push(Sent::of(envelope));
        self.bytes += envelope.bytes().len();
        self.raws.push(Raw::from(envelope.bytes()));
    }
}

impl Peer {
    /// Puts an envelope into the outbox and sends it at once if its addressee is connected.
    pub(super) fn post_out(
        &mut self,
        turn: &mut Turn<'_>,
        to: AuthorId,
        envelope: &Signed,
    ) -> Result<(), Fault> {
        let device = self.device_of(&to);
        let bound = device
            .filter(|_| opens_order(envelope))
            .map(|device| (device, turn.now));
        turn.local(Tree::Outbox, &Sent::of(envelope).outbox_key(&to), Some(&bound))?;
        match device {
            Some(device) => {
                let mut batch = Batch::default();
                batch.add(envelope);
                self.send(turn, device, to, batch);
                Ok(())
            }
            None => self.seek(turn, to),
        }
    }

    /// A connected device that speaks for an author.
    pub(super) fn device_of(&self, author: &AuthorId) -> Option<DeviceId> {
        let speaks = |session: &super::Session| session.author == Some(*author) && !session.revoked;
        self.sessions
            .iter()
            .find(|(_, session)| speaks(session))
            .map(|(device, _)| *device)
    }

    /// Looks for an author who is not connected, not more often than now and then.
    pub(super) fn seek(&mut self, turn: &mut Turn<'_>, author: AuthorId) -> Result<(), Fault> {
        let again = self
            .sought
            .get(&author)
            .is_none_or(|last| turn.now.0.abs_diff(*last) >= SEEK_AGAIN_MS);
        if author == self.keys.author || !again {
            return Ok(());
        }
        self.sought.insert(author, turn.now.0);
        let mut devices: BTreeSet<DeviceId> = turn.records().devices(&author)?.into_iter().collect();
        for kind in [Kind::Shop, Kind::Profile] {
            devices.extend(
                turn.records()
                    .state(&author, kind, &[])?
                    .iter()
                    .map(Signed::device),
            );
        }
        turn.act(Action::Seek {
            author,
            devices: devices.into_iter().collect(),
        });
        Ok(())
    }

    /// Sends all that waits for the author of a device that has just come.
    pub(super) fn deliver_to(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Result<(), Fault> {
        let author = self.session(&device).and_then(|session| session.author);
        let first = author.is_some_and(|author| self.device_of(&author) == Some(device));
        // A device that comes may know by now what was missing.
        author.and_then(|author| self.later.remove(&author));
        self.deliver(turn, device, first)
    }

    /// Sends to a device what waits for its author: what is bound to it, and the rest if it is its turn.
    fn deliver(&mut self, turn: &mut Turn<'_>, device: DeviceId, first: bool) -> Result<(), Fault> {
        let heard = self.session(&device).filter(|session| !session.revoked);
        let Some(author) = heard.and_then(|session| session.author) else {
            return Ok(());
        };
        let rows = turn
            .records()
            .scan(Tree::Outbox, &Range::of(author.as_bytes().as_slice(), OUTBOX_MAX))?;
        let mut batch = Batch::default();
        for (key, value) in rows {
            let Some(id) = key.last_chunk::<32>().copied().map(EnvelopeId::from_bytes) else {
                continue;
            };
            let Some(envelope) = turn.records().envelope(&id)? else {
                continue;
            };
            let bound: Bound = super::stored(Tree::Outbox, &key, &value)?;
            match self.still_bound(turn, &author, bound)? {
                Some(to) if to != device => continue,
                Some(_) => {}
                None if !first => continue,
                None if opens_order(&envelope) => {
                    turn.local(Tree::Outbox, &key, Some(&Some((device, turn.now))))?;
                }
                None => {}
            }
            if !batch.takes(&envelope) {
                self.send(turn, device, author, std::mem::take(&mut batch));
            }
            batch.add(&envelope);
        }
        self.send(turn, device, author, batch);
        Ok(())
    }

    fn send(&mut self, turn: &mut Turn<'_>, device: DeviceId, to: AuthorId, batch: Batch) {
        if batch.sent.is_empty() {
            return;
        }
        let request = match batch.kind {
            Some(Kind::Tab) => Request::Settle(batch.raws),
            _ => Request::Deliver(batch.raws),
        };
        self.ask(turn, device, request, Purpose::Deliver(to, batch.sent));
    }

    /// Tries again what still waits: sends it where its addressee is connected, looks for them where not.
    pub(super) fn deliver_again(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let underway: BTreeSet<AuthorId> = self
            .exchanges
            .values()
            .filter_map(|exchange| match &exchange.purpose {
                Purpose::Deliver(to, _) => Some(*to),
                _ => None,
            })
            .collect();
        for to in self.waiting(turn)? {
            let speaks = |session: &super::Session| session.author == Some(to);
            let here = self.sessions.iter().filter(|(_, session)| speaks(session));
            let here: Vec<DeviceId> = here.map(|(device, _)| *device).collect();
            if here.is_empty() {
                self.seek(turn, to)?;
            } else if !underway.contains(&to)
                && self.later.get(&to).is_none_or(|later| later.is_over(turn.now))
            {
                // One that said "later" may wait for what another one has.
                let turns = turn.now.0 / DELIVER_TURN_MS % u64::try_from(here.len()).unwrap_or(1).max(1);
                for (place, device) in (0..).zip(here) {
                    self.deliver(turn, device, place == turns)?;
                }
            }
        }
        Ok(())
    }

    /// The device to which an ask is bound. Whoever takes an ask sees to the order, so it is not brought
    /// to two devices of a shop: one that gave no answer may have it all the same, and tells the others.
    fn still_bound(
        &self,
        turn: &Turn<'_>,
        author: &AuthorId,
        bound: Bound,
    ) -> Result<Option<DeviceId>, Fault> {
        let Some((device, since)) = bound else {
            return Ok(None);
        };
        let gone = turn.records().revocation(author, &device)?.is_some();
        Ok((!gone && turn.now.since_ms(since) < ASK_BOUND_MS).then_some(device))
    }

    /// Authors for whom something waits.
    fn waiting(&self, turn: &Turn<'_>) -> Result<Vec<AuthorId>, Fault> {
        let mut authors: Vec<AuthorId> = Vec::new();
        let mut beyond = None;
        loop {
            let rows = turn
                .records()
                .scan(Tree::Outbox, &Range::of([], 1).beyond(beyond))?;
            let Some(author) = rows.first().and_then(|(key, _)| key.first_chunk::<32>()) else {
                break;
            };
            authors.push(AuthorId::from_bytes(*author));
            // The greatest key of this author: on to the next one.
            beyond = Some([author.as_slice(), &[u8::MAX; 45]].concat());
        }
        Ok(authors)
    }

    /// The other side said what it took. What it refused for good is not sent again.
    pub(super) fn delivered(
        &mut self,
        turn: &mut Turn<'_>,
        to: &AuthorId,
        sent: &[Sent],
        outcomes: &[Taken],
    ) -> Result<(), Fault> {
        match outcomes.iter().all(|outcome| *outcome == Taken::Later) {
            true => {
                let later = self.later.entry(*to).or_default();
                (later.times, later.last) = (later.times.saturating_add(1), turn.now);
            }
            false => drop(self.later.remove(to)),
        }
        for (sent, outcome) in sent.iter().zip(outcomes) {
            if *outcome == Taken::Later {
                continue;
            }
            turn.forget(Tree::Outbox, &sent.outbox_key(to))?;
            if let Taken::Refused(why) = outcome {
                turn.act(Action::Count(Refusal::Rule(format!(
                    "the other side refused {}: {why}",
                    sent.id
                ))));
            }
        }
        Ok(())
    }

    /// Sealed envelopes for this node's owner. Says of each what became of it.
    pub(super) fn take_delivery(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelopes: Vec<Checked>,
    ) -> Result<Vec<Taken>, Fault> {
        let mut outcomes = Vec::with_capacity(envelopes.len());
        for envelope in envelopes {
            outcomes.push(match self.take_sealed(turn, from, envelope)? {
                Ok(()) | Err(Refusal::Known) => Taken::Kept,
                // Time heals these.
                Err(Refusal::NotYet | Refusal::Future(_) | Refusal::TooMuch(_)) => Taken::Later,
                Err(refusal) => {
                    let why = Prose::fitted(&refusal.to_string());
                    turn.act(Action::Count(refusal));
                    Taken::Refused(why)
                }
            });
        }
        Ok(outcomes)
    }

    fn take_sealed(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelope: Checked,
    ) -> Result<Result<(), Refusal>, Fault> {
        let signed = match envelope {
            Err(error) => return Ok(Err(Refusal::Open(error))),
            Ok(Opened::Foreign(foreign)) => return Ok(Err(Refusal::UnknownKind(foreign.kind().to_owned()))),
            Ok(Opened::Known(signed)) => signed,
        };
        let bringer = self.session(&from).and_then(|session| session.author);
        let mine = signed.body().to() == Some(self.keys.author) && bringer == Some(signed.author());
        if signed.lane() != Lane::Sealed || !mine {
            return Ok(Err(Refusal::NotForMe));
        }
        if self.session(&from).is_some_and(|session| session.revoked) {
            return Ok(Err(Refusal::Revoked));
        }
        // Before it is known here what was said before, nothing is said to it.
        if !self.acts_with(&signed.author()) {
            return Ok(Err(Refusal::NotYet));
        }
        // What is here already costs nobody anything: it comes again because an answer was lost.
        let is_here = turn.records().holds(&signed.id())?;
        if !is_here && let Err(refusal) = self.quotas.spend_direct(&signed, turn.now) {
            return Ok(Err(refusal));
        }
        let copy = signed.clone();
        let taken = match signed.body() {
            Body::Order(_) => self.take_order_message(turn, signed)?,
            Body::Tab(_) => self.take_tab_message(turn, signed)?,
            _ => Err(Refusal::NotForMe),
        };
        if taken.is_ok() {
            self.share(turn, &copy, Some(from));
        }
        Ok(taken)
    }
}

fn opens_order(envelope: &Signed) -> bool {
    matches!(envelope.body(), Body::Order(message) if message.order.is_none())
}
