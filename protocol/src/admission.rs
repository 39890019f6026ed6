//! What a node may keep, and what it owes a peer that brings something else.
//!
//! Form, size and signature were judged by [`crate::envelope::open`], without knowing anything. Here
//! an envelope meets what is already held: its chain, newer versions of the same state, revocations,
//! the clock. A [`Refusal`] says which rule spoke; [`Refusal::verdict`] is the one place that says
//! what follows for whoever brought it. Described in `spec/gossip.md` and `spec/threats.md`.

use crate::body::{Body, Kind, Lane};
use crate::envelope::{Admitted, Foreign, OpenError, Signed};
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::limits::{
    DIRECT_PER_HOUR, FUTURE_MS_MAX, PROOFS_PER_AUTHOR_MAX, PUSH_STRANGER_BYTES_PER_DAY,
    PUSH_STRANGER_PER_HOUR, PUSH_STRANGERS_TRACKED_MAX, PUSH_TRUSTED_PER_HOUR,
};
use crate::records::{Fault, LogRow, Records, Write};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What becomes of a gossip message, and of the standing of whoever forwarded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Drop it; nobody is at fault.
    Ignore,
    /// Drop it and punish the forwarder, who could have known.
    Reject,
}

/// Why an envelope is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no good envelope.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its kind is unknown to this version.
    #[error("the kind '{0}' is unknown to this version")]
    UnknownKind(String),
    /// It claims a time that has not come.
    #[error("it claims a time {0} ms ahead of this node's clock; the limit is {FUTURE_MS_MAX} ms")]
    Future(u64),
    /// This node does not keep what this author says.
    #[error("this node keeps nothing of {0}")]
    Unwanted(AuthorId),
    /// The author said too much in too short a time.
    #[error("{0} said more than this node takes unasked; it will be fetched later")]
    TooMuch(AuthorId),
    /// It is held already.
    #[error("it is held already")]
    Known,
    /// A newer version of the same state is held.
    #[error("a newer version is held")]
    Stale,
    /// What comes before it in its log is missing.
    #[error("expected number {expected} of the log, got {actual}")]
    Gap {
        /// The number that comes next here.
        expected: u64,
        /// The number of the envelope.
        actual: u64,
    },
    /// Its device gave its number to another envelope too: proof of equivocation.
    #[error("number {seq} of this log was already given to {first}")]
    Equivocation {
        /// The number.
        seq: u64,
        /// The envelope that is held.
        first: EnvelopeId,
    },
    /// It continues another chain than the one that is held.
    #[error("it continues a log with another envelope at number {0}")]
    OtherChain(u64),
    /// Its device was revoked.
    #[error("its device was revoked")]
    Revoked,
    /// It is addressed to somebody else.
    #[error("it is addressed to somebody else")]
    NotForMe,
    /// What it rests on is still on its way; it is welcome again.
    #[error("what it rests on has not come yet")]
    NotYet,
    /// It breaks a rule of its order, tab or stock.
    #[error("{0}")]
    Rule(String),
    /// It was said to prove an equivocation, and proves none.
    #[error(transparent)]
    NoProof(#[from] NoProof),
}

impl Refusal {
    /// What follows for whoever brought it. Only what every node must refuse, whatever it knows, is
    /// held against the bringer.
    pub const fn verdict(&self) -> Verdict {
        match self {
            // It came another way before: others may still lack it.
            Self::Known => Verdict::Accept,
            Self::Open(error) if error.may_be_newer() => Verdict::Ignore,
            Self::Open(_) => Verdict::Reject,
            Self::UnknownKind(_)
            | Self::Future(_)
            | Self::Unwanted(_)
            | Self::TooMuch(_)
            | Self::Stale
            | Self::Gap { .. }
            | Self::Equivocation { .. }
            | Self::OtherChain(_)
            | Self::Revoked
            | Self::NotForMe
            | Self::NotYet
            | Self::Rule(_)
            | Self::NoProof(_) => Verdict::Ignore,
        }
    }

    /// A short name for counting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open(error) => error.class(),
            Self::UnknownKind(_) => "unknown_kind",
            Self::Future(_) => "future",
            Self::Unwanted(_) => "unwanted",
            Self::TooMuch(_) => "too_much",
            Self::Known => "known",
            Self::Stale => "stale",
            Self::Gap { .. } => "gap",
            Self::Equivocation { .. } => "equivocation",
            Self::OtherChain(_) => "other_chain",
            Self::Revoked => "revoked",
            Self::NotForMe => "not_for_me",
            Self::NotYet => "not_yet",
            Self::Rule(_) => "rule",
            Self::NoProof(_) => "no_proof",
        }
    }
}

/// An envelope that may be kept, and everything to remember with it.
#[derive(Debug)]
pub struct Admission {
    /// The envelope.
    pub envelope: Admitted,
    /// What to remember.
    pub writes: Vec<Write>,
}

/// Judges an envelope by what is held. The outer error is ours, the inner one its bringer's.
pub fn admit(
    envelope: Signed,
    now: Timestamp,
    records: &dyn Records,
) -> Result<Result<Admission, Refusal>, Fault> {
    let ahead = envelope.time().wall_ms.saturating_sub(now.0);
    if ahead > FUTURE_MS_MAX {
        return Ok(Err(Refusal::Future(ahead)));
    }
    // What is sealed is judged by who brings it: a device that is not revoked may hand on what one said
    // that is.
    if envelope.lane() != Lane::Sealed
        && let Some(last) = records.revocation(&envelope.author(), &envelope.device())?
    {
        let counts = envelope.head().chain.is_some_and(|chain| chain.seq <= last);
        if !counts {
            return Ok(Err(Refusal::Revoked));
        }
    }
    let refused = match envelope.lane() {
        Lane::Log => next_in_log(&envelope, records)?,
        Lane::State => match newest_of_state(&envelope, records)? {
            None => stock_grows(&envelope, records)?,
            refused => refused,
        },
        Lane::Sealed => records.holds(&envelope.id())?.then_some(Refusal::Known),
    };
    if let Some(refusal) = refused {
        return Ok(Err(refusal));
    }
    let envelope = envelope.admit();
    let mut writes = Write::keep(&envelope)?;
    if let Body::Revoke(revoke) = envelope.body() {
        writes.extend(cut_off(&envelope.author(), revoke, records)?);
    }
    Ok(Ok(Admission { envelope, writes }))
}

/// Judges the place of an envelope of unknown kind; a good one leaves its mark in the log.
pub fn admit_foreign(foreign: &Foreign, records: &dyn Records) -> Result<Vec<Write>, Fault> {
    let Some(chain) = foreign.head().chain else {
        return Ok(Vec::new());
    };
    let head = records.log_head(&foreign.head().device)?;
    let next = head.map_or(1, |(seq, _)| seq.saturating_add(1));
    match chain.seq == next && chain.prev == head.map(|(_, id)| id) {
        true => Ok(Write::skip(foreign)),
        false => Ok(Vec::new()),
    }
}

fn next_in_log(envelope: &Signed, records: &dyn Records) -> Result<Option<Refusal>, Fault> {
    let Some(chain) = envelope.head().chain else {
        return Ok(None);
    };
    let head = records.log_head(&envelope.device())?;
    let (last, last_id) = head.map_or((0, None), |(seq, id)| (seq, Some(id)));
    if chain.seq > last.saturating_add(1) {
        return Ok(Some(Refusal::Gap {
            expected: last.saturating_add(1),
            actual: chain.seq,
        }));
    }
    if chain.seq == last.saturating_add(1) {
        return Ok((chain.prev != last_id).then_some(Refusal::OtherChain(last)));
    }
    Ok(match records.log_row(&envelope.device(), chain.seq)? {
        Some(row) if row.id() != envelope.id() => Some(Refusal::Equivocation {
            seq: chain.seq,
            first: row.id(),
        }),
        _ => Some(Refusal::Known),
    })
}

fn newest_of_state(envelope: &Signed, records: &dyn Records) -> Result<Option<Refusal>, Fault> {
    let key = envelope.body().state_key().unwrap_or_default();
    let kind = envelope.body().kind();
    let Some(held) = records.state_of(&envelope.author(), kind, &key, &envelope.device())? else {
        return Ok(None);
    };
    if held.id() == envelope.id() {
        return Ok(Some(Refusal::Known));
    }
    // Of two with one time the greater id stays, so that all readers keep the same one.
    if (held.time(), held.id()) > (envelope.time(), envelope.id()) {
        return Ok(Some(Refusal::Stale));
    }
    Ok(None)
}

/// A stock account takes back nothing that its device said before.
fn stock_grows(envelope: &Signed, records: &dyn Records) -> Result<Option<Refusal>, Fault> {
    let Body::Stock(account) = envelope.body() else {
        return Ok(None);
    };
    let key = envelope.body().state_key().unwrap_or_default();
    let held = records.state_of(&envelope.author(), Kind::Stock, &key, &envelope.device())?;
    Ok(match held.as_ref().map(Signed::body) {
        Some(Body::Stock(older)) => account
            .follows(older)
            .err()
            .map(|error| Refusal::Rule(error.to_string())),
        _ => None,
    })
}

/// What a revocation takes away: the device's log beyond its last number, its states, and the proofs that it
/// said two things where nothing counts any more.
fn cut_off(
    author: &AuthorId,
    revoke: &crate::body::Revoke,
    records: &dyn Records,
) -> Result<Vec<Write>, Fault> {
    let mut writes = vec![Write::revoked(author, &revoke.device, revoke.last_seq)];
    for envelope in records.log_after(&revoke.device, revoke.last_seq, usize::MAX)? {
        writes.extend(Write::cut(&envelope));
    }
    for (device, seq) in records.proofs_of(author)? {
        if device == revoke.device && seq > revoke.last_seq {
            writes.extend(Write::cut_proof(author, &device, seq));
        }
    }
    for (slot, _) in records.state_ids(author)? {
        if slot.ends_with(revoke.device.as_bytes()) {
            writes.push(Write::cut_state(&slot));
        }
    }
    Ok(writes)
}

/// Why two envelopes prove no equivocation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// One of them has no place in a log.
    #[error("one of the two has no place in a log")]
    NoChain,
    /// They are of two authors or devices, or have two numbers: each may be true.
    #[error("the two are not of one author, device and number")]
    TwoPlaces,
    /// They are one.
    #[error("the two are one envelope")]
    Same,
}

/// Proof that a device gave one number to two envelopes. Both were opened, so both are signed by the device
/// and it speaks for their author: nobody else can make such a pair, and whoever shows it need not be
/// believed in anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivocation {
    first: Signed,
    second: Signed,
    seq: u64,
}

impl Equivocation {
    /// Holds two envelopes against each other.
    pub fn prove(first: Signed, second: Signed) -> Result<Self, NoProof> {
        let (Some(one), Some(other)) = (first.head().chain, second.head().chain) else {
            return Err(NoProof::NoChain);
        };
        let place = |signed: &Signed, seq: u64| (signed.author(), signed.device(), seq);
        if place(&first, one.seq) != place(&second, other.seq) {
            return Err(NoProof::TwoPlaces);
        }
        match first.id() == second.id() {
            true => Err(NoProof::Same),
            false => Ok(Self {
                first,
                second,
                seq: one.seq,
            }),
        }
    }

    /// Whose device.
    pub fn author(&self) -> AuthorId {
        self.first.author()
    }
    /// The device.
    pub fn device(&self) -> DeviceId {
        self.first.device()
    }
    /// The number that it gave twice.
    pub const fn seq(&self) -> u64 {
        self.seq
    }
    /// What keeps it; nothing if it, or enough of its author, is held, or if the author took both back.
    pub fn keep(&self, records: &dyn Records) -> Result<Vec<Write>, Fault> {
        let held = records.has_proof(&self.device(), self.seq)?;
        let enough = records.proofs_of(&self.author())?.len() >= PROOFS_PER_AUTHOR_MAX;
        let last = records.revocation(&self.author(), &self.device())?;
        Ok(match held || enough || last.is_some_and(|last| self.seq > last) {
            true => Vec::new(),
            false => Write::equivocation(&self.first, &self.second),
        })
    }
}

/// The proof that an envelope and the one that is held with its number make, if they make one.
pub fn equivocation_proof(second: &Signed, records: &dyn Records) -> Result<Option<Equivocation>, Fault> {
    let Some(chain) = second.head().chain else {
        return Ok(None);
    };
    Ok(match records.log_row(&second.device(), chain.seq)? {
        Some(LogRow::Envelope(first)) => Equivocation::prove(*first, second.clone()).ok(),
        Some(LogRow::Skipped(_)) | None => None,
    })
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How much each author pushed unasked of late.
#[derive(Debug, Default)]
pub struct Quotas {
    pushed: BTreeMap<AuthorId, Spent>,
    direct: BTreeMap<AuthorId, Spent>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Spent {
    hour: u64,
    count: u32,
    day: u64,
    bytes: u64,
}

impl Quotas {
    /// Counts a sealed envelope that was delivered; says no when its author has used up its share.
    pub fn spend_direct(&mut self, envelope: &Signed, now: Timestamp) -> Result<(), Refusal> {
        let author = envelope.author();
        let (hour, spent) = (now.0 / HOUR_MS, self.direct.entry(author).or_default());
        if spent.hour != hour {
            (spent.hour, spent.count) = (hour, 0);
        }
        if spent.count >= DIRECT_PER_HOUR {
            return Err(Refusal::TooMuch(author));
        }
        spent.count += 1;
        if self.direct.len() > PUSH_STRANGERS_TRACKED_MAX {
            self.direct.retain(|_, spent| spent.hour == hour);
        }
        Ok(())
    }

    /// Counts an envelope that came unasked; says no when its author has used up its share.
    pub fn spend(&mut self, envelope: &Signed, trusted: bool, now: Timestamp) -> Result<(), Refusal> {
        let author = envelope.author();
        if self.pushed.len() >= PUSH_STRANGERS_TRACKED_MAX && !self.pushed.contains_key(&author) {
            let today = now.0 / DAY_MS;
            self.pushed.retain(|_, spent| spent.day == today);
            if self.pushed.len() >= PUSH_STRANGERS_TRACKED_MAX && !trusted {
                return Err(Refusal::TooMuch(author));
            }
        }
        let spent = self.pushed.entry(author).or_default();
        let (hour, day) = (now.0 / HOUR_MS, now.0 / DAY_MS);
        if spent.hour != hour {
            (spent.hour, spent.count) = (hour, 0);
        }
        if spent.day != day {
            (spent.day, spent.bytes) = (day, 0);
        }
        let (count, bytes) = (spent.count + 1, spent.bytes + envelope.bytes().len() as u64);
        let full = match trusted {
            true => count > PUSH_TRUSTED_PER_HOUR,
            false => count > PUSH_STRANGER_PER_HOUR || bytes > PUSH_STRANGER_BYTES_PER_DAY,
        };
        if full {
            return Err(Refusal::TooMuch(author));
        }
        (spent.count, spent.bytes) = (count, bytes);
        Ok(())
    }
}
