//! What a node remembers: trees of rows, the port through which the peer reads them, and the typed
//! writes that are the only way in.
//!
//! Of what peers say a [`Write`] can only be made from an [`Admitted`] envelope; what is private and
//! no envelope goes to the local trees. The rows that a write makes are derived here, once, for every
//! store: [`Memory`] is the reference, the node's store on disk is tested against it. The schema is
//! written down in `spec/store.md`.

use crate::body::{Body, Kind, Lane};
use crate::envelope::{Admitted, Foreign, OpenError, Signed};
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::tab::{Side, TabAct};
use crate::time::Hybrid;
use std::ops::Bound;

#[cfg(any(test, feature = "laws"))]
pub mod laws;
mod memory;
mod reading;

pub use memory::{Memory, Overlay};
pub use reading::{LogRow, Pair};

/// The version of the schema that this program writes.
pub const SCHEMA: u32 = 1;

/// A tree of rows: one for each kind of fact. `‖` is concatenation; numbers are big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tree {
    /// `device ‖ seq` → `id ‖ envelope`; of an unknown kind only `id`.
    Log = 1,
    /// `author ‖ device` → nothing: the devices of whom anything is kept.
    Devices = 2,
    /// `author ‖ kind ‖ key ‖ device` → `id ‖ envelope`: each device's newest.
    State = 3,
    /// `order ‖ id` → `id ‖ envelope`.
    Order = 4,
    /// `tab ‖ id` → `id ‖ envelope`.
    Tab = 5,
    /// `id` → tree, then key there: where a `Log` or `Sealed` envelope is.
    Place = 6,
    /// `time ‖ id` → `kind ‖ author`: what a feed may show, oldest first.
    Timeline = 7,
    /// `subject ‖ author ‖ time ‖ id` → nothing: vouches for a subject.
    Vouches = 8,
    /// `merchant ‖ listing ‖ time ‖ id` → nothing: reviews of a listing.
    Reviews = 9,
    /// `post ‖ kind ‖ time ‖ id` → nothing: replies and reactions to a post.
    Answers = 10,
    /// `device ‖ seq` → two different envelopes with that number, length-prefixed: proof of equivocation;
    /// `author ‖ device ‖ seq` → nothing: where an author's proofs are.
    Equivocations = 11,
    /// `author ‖ device` → last number that counts.
    Revoked = 12,
    /// `number` → what happened, for whoever watches: an encoded event.
    Events = 13,
    /// `time ‖ order` → nothing: orders by when they were opened.
    Orders = 14,
    /// `tab` → `low ‖ high ‖ currency`.
    Tabs = 15,
    /// Private. Text → bytes: keys, settings, counters of this node.
    Me = 32,
    /// Private. `author` → how it is followed.
    Follows = 33,
    /// Private. `author ‖ time ‖ id` → nothing: sealed envelopes that the author has not taken yet.
    Outbox = 34,
    /// Private. `epoch ‖ shard` → the shop's document, as the id of a file beside the store.
    Shards = 35,
    /// Private. Name → a draft.
    Drafts = 36,
    /// Private. Name → a delivery address.
    Addresses = 37,
    /// Private. `order` → an order that is not over, or whose money is not given back, and what becomes of its stock here.
    Holds = 38,
    /// Private. What commands were carried out, by the caller's own key, so that a repeated one is not.
    Done = 39,
    /// Private. `epoch ‖ shard` → a digest of the shop's document, by which devices see whether theirs differ.
    Heads = 44,
    /// Private. `epoch ‖ shard ‖ device` → what is known of another device's copy of a document.
    Meets = 45,
}

impl Tree {
    /// Every tree.
    pub const ALL: &'static [Tree] = &[
        Self::Log,
        Self::Devices,
        Self::State,
        Self::Order,
        Self::Tab,
        Self::Place,
        Self::Timeline,
        Self::Vouches,
        Self::Reviews,
        Self::Answers,
        Self::Equivocations,
        Self::Revoked,
        Self::Events,
        Self::Orders,
        Self::Tabs,
        Self::Me,
        Self::Follows,
        Self::Outbox,
        Self::Shards,
        Self::Drafts,
        Self::Addresses,
        Self::Holds,
        Self::Done,
        Self::Heads,
        Self::Meets,
    ];

    /// Its name, for stores that name trees.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Devices => "devices",
            Self::State => "state",
            Self::Order => "order",
            Self::Tab => "tab",
            Self::Place => "place",
            Self::Timeline => "timeline",
            Self::Vouches => "vouches",
            Self::Reviews => "reviews",
            Self::Answers => "answers",
            Self::Equivocations => "equivocations",
            Self::Revoked => "revoked",
            Self::Events => "events",
            Self::Orders => "orders",
            Self::Tabs => "tabs",
            Self::Me => "local.me",
            Self::Follows => "local.follows",
            Self::Outbox => "local.outbox",
            Self::Shards => "local.shards",
            Self::Drafts => "local.drafts",
            Self::Addresses => "local.addresses",
            Self::Holds => "local.holds",
            Self::Done => "local.done",
            Self::Heads => "local.heads",
            Self::Meets => "local.meets",
        }
    }

    /// Whether it is private: no envelopes, and never told to anybody.
    pub const fn is_local(self) -> bool {
        self as u8 >= Self::Me as u8
    }

    /// The tree with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|tree| *tree as u8 == number)
    }
}

/// Our own failure, never a peer's: the store, or what it holds, is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store could not read or write.
    #[error("the store failed: {0}")]
    Store(String),
    /// The disk has no room for it. Nothing was changed, and there may be room again.
    #[error("the disk is full: {0}")]
    Full(String),
    /// A row is not what was written: a flipped bit, or another program's work.
    #[error("the store holds a damaged row in '{tree}' at {key}: {reason}")]
    Damaged {
        /// In which tree.
        tree: &'static str,
        /// The row's key, in hexadecimal.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A statement of our own could not be made.
    #[error("could not sign a statement of our own: {0}")]
    Seal(#[from] OpenError),
    /// A rule that this program keeps did not hold.
    #[error("a rule of this program did not hold: {0}")]
    Broken(String),
}

/// Which rows of a tree are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// What their keys start with.
    pub prefix: Vec<u8>,
    /// Only rows beyond this key (after it, or before it when going down), not the key itself.
    pub beyond: Option<Vec<u8>>,
    /// Greatest key first.
    pub down: bool,
    /// At most so many.
    pub limit: usize,
}

impl Range {
    /// Rows whose keys start with these bytes, least first.
    pub fn of(prefix: impl Into<Vec<u8>>, limit: usize) -> Self {
        Self {
            prefix: prefix.into(),
            beyond: None,
            down: false,
            limit,
        }
    }
    /// The same rows, greatest first.
    pub fn down(self) -> Self {
        Self { down: true, ..self }
    }
    /// Only what lies beyond this key.
    pub fn beyond(self, key: Option<Vec<u8>>) -> Self {
        Self { beyond: key, ..self }
    }

    /// The range as bounds of an ordered map.
    pub fn bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        let mut low = Bound::Included(self.prefix.clone());
        let mut high = match successor(&self.prefix) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        match &self.beyond {
            Some(key) if self.down && *key < self.prefix => high = Bound::Excluded(self.prefix.clone()),
            Some(key) if self.down && successor(&self.prefix).is_none_or(|end| *key < end) => {
                high = Bound::Excluded(key.clone());
            }
            Some(key) if !self.down && *key >= self.prefix => low = Bound::Excluded(key.clone()),
            _ => {}
        }
        // Ordered maps panic on a range that ends before it starts.
        if let (Bound::Excluded(from), Bound::Excluded(to)) = (&low, &high)
            && from >= to
        {
            return (Bound::Included(to.clone()), Bound::Excluded(to.clone()));
        }
        (low, high)
    }
}

/// The least byte string that is greater than all that start with `prefix`; none if there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut next = prefix.get(..=end)?.to_vec();
    if let Some(last) = next.last_mut() {
        *last += 1;
    }
    Some(next)
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The read port: everything that the protocol asks of a store.
pub trait Records {
    /// The value at a key.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;
    /// The rows of a range, in its order.
    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault>;
    /// A document that is too large for a row: BLAKE3-256 of its bytes names it.
    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault>;
}

/// One change to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In which tree.
    pub tree: Tree,
    /// At which key.
    pub key: Vec<u8>,
    /// The value to put there; none removes the row.
    pub value: Option<Vec<u8>>,
}

/// Something to remember. Made only by this crate, so that a store can take nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write(Op);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Op {
    Change(Change),
    Document([u8; 32], Vec<u8>),
}

impl Write {
    /// The row that changes, if it is a row.
    pub fn change(&self) -> Option<&Change> {
        match &self.0 {
            Op::Change(change) => Some(change),
            Op::Document(..) => None,
        }
    }
    /// The document to keep beside the rows, if it is one: its id and its bytes. It must be on disk
    /// before the rows of its commit are.
    pub fn document(&self) -> Option<(&[u8; 32], &[u8])> {
        match &self.0 {
            Op::Document(id, bytes) => Some((id, bytes)),
            Op::Change(_) => None,
        }
    }

    fn put(tree: Tree, key: Vec<u8>, value: Vec<u8>) -> Self {
        Self(Op::Change(Change {
            tree,
            key,
            value: Some(value),
        }))
    }
    fn remove(tree: Tree, key: Vec<u8>) -> Self {
        Self(Op::Change(Change {
            tree,
            key,
            value: None,
        }))
    }

    /// A private row.
    pub(crate) fn local(tree: Tree, key: &[u8], value: Option<Vec<u8>>) -> Result<Self, Fault> {
        if (tree as u8) < Tree::Me as u8 && tree != Tree::Events {
            return Err(Fault::Broken(format!(
                "'{}' holds admitted envelopes alone",
                tree.name()
            )));
        }
        Ok(Self(Op::Change(Change {
            tree,
            key: key.to_vec(),
            value,
        })))
    }

    /// A document beside the rows, and its id.
    pub(crate) fn document_of(bytes: Vec<u8>) -> ([u8; 32], Self) {
        let id = *blake3::hash(&bytes).as_bytes();
        (id, Self(Op::Document(id, bytes)))
    }

    /// All rows that keep an admitted envelope.
    pub(crate) fn keep(envelope: &Admitted) -> Result<Vec<Self>, Fault> {
        let (id, head) = (envelope.id(), envelope.head());
        let value = stored(envelope);
        let body = envelope.body();
        let mut writes = Vec::with_capacity(4);
        match envelope.lane() {
            Lane::Log => {
                let seq = head.chain.map_or(0, |chain| chain.seq);
                let key = log_key(&head.device, seq);
                writes.push(Self::put(
                    Tree::Place,
                    id.as_bytes().to_vec(),
                    place(Tree::Log, &key),
                ));
                writes.push(Self::put(Tree::Log, key, value));
                if seq == 1 {
                    writes.push(Self::put(
                        Tree::Devices,
                        device_key(&head.author, &head.device),
                        Vec::new(),
                    ));
                }
                writes.extend(
                    index(envelope)
                        .into_iter()
                        .map(|(tree, key, value)| Self::put(tree, key, value)),
                );
            }
            Lane::State => {
                let key = body.state_key().unwrap_or_default();
                let slot = state_key(&head.author, body.kind(), &key, Some(&head.device));
                writes.push(Self::put(Tree::State, slot, value));
            }
            Lane::Sealed => {
                let (tree, thread) = sealed_thread(envelope)?;
                let key = [thread.as_slice(), id.as_bytes()].concat();
                writes.push(Self::put(Tree::Place, id.as_bytes().to_vec(), place(tree, &key)));
                writes.push(Self::put(tree, key, value));
                writes.extend(thread_row(envelope).map(|(tree, key, value)| Self::put(tree, key, value)));
            }
        }
        Ok(writes)
    }

    /// The mark that a number of a log is taken by an envelope of an unknown kind.
    pub(crate) fn skip(foreign: &Foreign) -> Vec<Self> {
        let head = foreign.head();
        match head.chain {
            Some(chain) => Self::mark(&head.author, &head.device, chain.seq, &foreign.id()),
            None => Vec::new(),
        }
    }

    /// The same mark, from a backup, which has not kept the envelope either.
    pub(crate) fn mark(author: &AuthorId, device: &DeviceId, seq: u64, id: &EnvelopeId) -> Vec<Self> {
        let mut writes = vec![Self::put(Tree::Log, log_key(device, seq), id.as_bytes().to_vec())];
        if seq == 1 {
            writes.push(Self::put(Tree::Devices, device_key(author, device), Vec::new()));
        }
        writes
    }

    /// Proof that a device gave one number to two envelopes. Kept once.
    pub(crate) fn equivocation(first: &Signed, second: &Signed) -> Vec<Self> {
        let seq = second.head().chain.map_or(0, |chain| chain.seq);
        let mut value = (first.bytes().len() as u32).to_be_bytes().to_vec();
        value.extend_from_slice(first.bytes());
        value.extend_from_slice(second.bytes());
        let place = log_key(&second.device(), seq);
        let of_author = [second.author().as_bytes().as_slice(), &place].concat();
        vec![
            Self::put(Tree::Equivocations, place, value),
            Self::put(Tree::Equivocations, of_author, Vec::new()),
        ]
    }

    /// The removal of a proof about what a revocation took back.
    pub(crate) fn cut_proof(author: &AuthorId, device: &DeviceId, seq: u64) -> Vec<Self> {
        let place = log_key(device, seq);
        let of_author = [author.as_bytes().as_slice(), &place].concat();
        vec![
            Self::remove(Tree::Equivocations, place),
            Self::remove(Tree::Equivocations, of_author),
        ]
    }

    /// The last number of a device that still counts, from the root key's revocation.
    pub(crate) fn revoked(author: &AuthorId, device: &DeviceId, last_seq: u64) -> Self {
        Self::put(
            Tree::Revoked,
            device_key(author, device),
            last_seq.to_be_bytes().to_vec(),
        )
    }

    /// The removal of a log envelope that a revocation cut off, with what points to it.
    pub(crate) fn cut(envelope: &Signed) -> Vec<Self> {
        let Some(chain) = envelope.head().chain else {
            return Vec::new();
        };
        let mut writes = vec![
            Self::remove(Tree::Log, log_key(&envelope.device(), chain.seq)),
            Self::remove(Tree::Place, envelope.id().as_bytes().to_vec()),
        ];
        writes.extend(
            index(envelope)
                .into_iter()
                .map(|(tree, key, _)| Self::remove(tree, key)),
        );
        writes
    }

    /// The removal of a state envelope of a revoked device.
    pub(crate) fn cut_state(slot: &[u8]) -> Self {
        Self::remove(Tree::State, slot.to_vec())
    }
}

/// The value of a row that holds an envelope: its id, so that a flipped bit is noticed, and its bytes.
fn stored(envelope: &Signed) -> Vec<u8> {
    [envelope.id().as_bytes().as_slice(), envelope.bytes()].concat()
}

fn place(tree: Tree, key: &[u8]) -> Vec<u8> {
    [&[tree as u8], key].concat()
}

/// Key of a log row.
pub fn log_key(device: &DeviceId, seq: u64) -> Vec<u8> {
    [device.as_bytes().as_slice(), &seq.to_be_bytes()].concat()
}

/// Key of a row about an author's device.
pub fn device_key(author: &AuthorId, device: &DeviceId) -> Vec<u8> {
    [author.as_bytes().as_slice(), device.as_bytes()].concat()
}

/// Key of a state row, or without a device the prefix of all devices' rows.
pub fn state_key(author: &AuthorId, kind: Kind, key: &[u8], device: Option<&DeviceId>) -> Vec<u8> {
    let device: &[u8] = device.map_or(&[], |device| device.as_bytes());
    [author.as_bytes().as_slice(), &[kind as u8], key, device].concat()
}

fn timed(prefix: &[&[u8]], time: Hybrid, id: EnvelopeId) -> Vec<u8> {
    [&prefix.concat(), time.to_sortable().as_slice(), id.as_bytes()].concat()
}

/// The rows that let a log envelope be found by what it is about.
fn index(envelope: &Signed) -> Vec<(Tree, Vec<u8>, Vec<u8>)> {
    let (id, time, author) = (envelope.id(), envelope.time(), envelope.author());
    let kind = envelope.body().kind();
    let shown = || {
        let value = [&[kind as u8], author.as_bytes().as_slice()].concat();
        (Tree::Timeline, timed(&[], time, id), value)
    };
    let answer = |to: &EnvelopeId| {
        (
            Tree::Answers,
            timed(&[to.as_bytes(), &[kind as u8]], time, id),
            Vec::new(),
        )
    };
    match envelope.body() {
        Body::Post(post) => match &post.reply_to {
            Some(parent) => vec![shown(), answer(parent)],
            None => vec![shown()],
        },
        Body::Reaction(reaction) => vec![answer(&reaction.to)],
        Body::Vouch(vouch) => {
            let key = timed(&[vouch.subject.as_bytes(), author.as_bytes()], time, id);
            vec![shown(), (Tree::Vouches, key, Vec::new())]
        }
        Body::Review(review) => {
            let about = [
                review.receipt.merchant.as_bytes().as_slice(),
                review.receipt.listing.as_bytes(),
            ];
            vec![shown(), (Tree::Reviews, timed(&about, time, id), Vec::new())]
        }
        Body::Revoke(_)
        | Body::Order(_)
        | Body::Tab(_)
        | Body::Profile(_)
        | Body::Follow(_)
        | Body::Shop(_)
        | Body::Listing(_)
        | Body::Stock(_) => Vec::new(),
    }
}

/// The order or tab that a sealed envelope belongs to.
fn sealed_thread(envelope: &Signed) -> Result<(Tree, [u8; 32]), Fault> {
    match envelope.body() {
        Body::Order(message) => Ok((Tree::Order, *message.order(envelope.id()).as_bytes())),
        Body::Tab(message) => Ok((Tree::Tab, *message.tab.as_bytes())),
        _ => Err(Fault::Broken(
            "a sealed envelope belongs to an order or a tab".into(),
        )),
    }
}

/// The row by which an order or tab is listed, from the message that opens it.
fn thread_row(envelope: &Signed) -> Option<(Tree, Vec<u8>, Vec<u8>)> {
    match envelope.body() {
        Body::Order(message) if message.order.is_none() => {
            let opened = envelope.time().to_sortable();
            Some((
                Tree::Orders,
                [opened.as_slice(), envelope.id().as_bytes()].concat(),
                Vec::new(),
            ))
        }
        Body::Tab(message) => match &message.act {
            TabAct::Propose { state } => {
                let (low, high) = (state.parties.author(Side::Low), state.parties.author(Side::High));
                let currency = state.parties.currency();
                let sides = [
                    low.as_bytes().as_slice(),
                    high.as_bytes(),
                    currency.code().as_bytes(),
                ]
                .concat();
                Some((Tree::Tabs, message.tab.as_bytes().to_vec(), sides))
            }
            TabAct::Agree { .. } | TabAct::Refuse { .. } => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(key: Vec<u8>, value: Option<Vec<u8>>) -> Write {
        Write::local(Tree::Drafts, &key, value).unwrap()
    }

    #[test]
    fn envelopes_get_in_by_admission_alone() {
        assert!(matches!(
            Write::local(Tree::Log, b"k", None),
            Err(Fault::Broken(_))
        ));
        assert!(Write::local(Tree::Me, b"k", None).is_ok());
    }

    proptest! {
        #[test]
        fn an_overlay_reads_as_if_it_were_committed(
            before in proptest::collection::vec((proptest::collection::vec(0u8..3, 0..4), any::<Option<u8>>()), 0..20),
            after in proptest::collection::vec((proptest::collection::vec(0u8..3, 0..4), any::<Option<u8>>()), 0..20),
            prefix in proptest::collection::vec(0u8..3, 0..3),
            beyond in proptest::option::of(proptest::collection::vec(0u8..3, 0..4)),
            down: bool,
            limit in 0usize..6,
        ) {
            let writes = |rows: Vec<(Vec<u8>, Option<u8>)>| -> Vec<Write> {
                rows.into_iter().map(|(key, value)| write(key, value.map(|value| vec![value]))).collect()
            };
            let mut memory = Memory::default();
            memory.commit(&writes(before));
            memory.commit(&[Write::local(Tree::Follows, &[1], Some(vec![9])).unwrap()]);
            memory.commit(&[Write::local(Tree::Addresses, &[1], Some(vec![9])).unwrap()]);
            let after = writes(after);
            let range = Range { prefix, beyond, down, limit };
            let base = memory.clone();
            let mut overlay = Overlay::over(&base);
            overlay.stage(&after);
            memory.commit(&after);
            prop_assert_eq!(overlay.scan(Tree::Drafts, &range), memory.scan(Tree::Drafts, &range));
            // And the range means what it says.
            let all = memory.scan(Tree::Drafts, &Range::of([], usize::MAX)).unwrap();
            let mut expected: Vec<Row> = all.into_iter().filter(|(key, _)| key.starts_with(&range.prefix)).collect();
            if range.down { expected.reverse(); }
            if let Some(beyond) = &range.beyond {
                expected.retain(|(key, _)| if range.down { key < beyond } else { key > beyond });
            }
            expected.truncate(range.limit);
            prop_assert_eq!(memory.scan(Tree::Drafts, &range).unwrap(), expected);
        }
    }
}
