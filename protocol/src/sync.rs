//! What two connected peers ask each other, and how they find what one of them lacks.
//!
//! `Log`: each device's log is asked for by number. `State`: both sides fold what they hold of an
//! author into 256 digests; where two differ, the asker names what it has there and gets the rest.
//! Two devices of one author ask each other more (`together`): `Sealed` envelopes, which are compared as
//! states are, the shop's documents, and rights to sell. Frames are canonical DAG-CBOR and bounded before
//! they are read. Described in `spec/sync.md` and `spec/devices.md`.

mod answer;

pub use answer::{find_answer, proofs_answer, pull_answer, recall_answer};

use crate::body::Kind;
use crate::codec::{self, CodecError};
use crate::envelope::Signed;
use crate::id::{AuthorId, DeviceId, EnvelopeId, ListingId, VariantId};
use crate::identity::{Grant, Scope};
use crate::limits::{
    AUTHOR_DEVICES_MAX, COUNTS_MAX, PROOFS_PER_AUTHOR_MAX, RECALL_REVOKED_MAX, SHARDS, SYNC_AUTHORS_MAX,
    SYNC_DIGESTS_MAX, SYNC_ENVELOPES_MAX, SYNC_FRAME_BYTES_MAX, TALK_PIECE_BYTES,
};
use crate::pairing::{PairAnswer, PairAsk};
use crate::records::{Fault, Range, Records, Tree};
use crate::text::{List, Prose};
use crate::time::Hybrid;
use answer::Packed;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Buckets into which the states of an author fall.
pub const BUCKETS: usize = 256;
/// Room that an answer leaves for its framing, in bytes.
const FRAME_MARGIN: usize = 64 * 1024;

/// Bytes of an envelope as they came, before anyone looked at them.
pub type Raw = ByteBuf;

/// A request. `E` is [`Raw`] on the wire and an opened envelope inside the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request<E = Raw> {
    /// Who this device speaks for. The first thing that either side says.
    Hello(Hello),
    /// What do you hold of these authors?
    Have(List<AuthorId, SYNC_AUTHORS_MAX>),
    /// The logs of these devices, each after a number.
    Pull(List<(DeviceId, u64), SYNC_AUTHORS_MAX>),
    /// The digests of an author's states.
    Buckets(AuthorId),
    /// States that the asker lacks.
    States(StatesWanted),
    /// The states of one key, or of all keys that start with it.
    Find(Slot),
    /// The proofs that these devices gave these numbers twice.
    Proofs(List<(DeviceId, u64), SYNC_AUTHORS_MAX>),
    /// New things are here of these authors, too many to send unasked.
    Changed(List<AuthorId, SYNC_AUTHORS_MAX>),
    /// Messages of orders for the peer that is asked.
    Deliver(Vec<E>),
    /// Messages about tabs for the peer that is asked.
    Settle(Vec<E>),
    /// All that is between the asker's author and the peer's, orders and tabs: the asker lost its own copy.
    Recall(Recall<E>),
    /// A step of a new device towards its grant.
    Pair(PairAsk),
    /// How this device and another one of its author stand to each other.
    Together(Together),
    /// Sealed envelopes that a device of the same author has just kept.
    Share(Vec<E>),
    /// Sealed envelopes that the asker, a device of the same author, lacks.
    Sealed(SealedWanted),
    /// A step by which two devices of a shop bring one of its documents together.
    Talk(Talk),
    /// Rights to sell, for an order that the asker cannot serve.
    Units(UnitsWanted),
    /// First counts of variants, from a file that was imported on a device that counts nothing by itself.
    Counts(List<(ListingId, VariantId, u64), COUNTS_MAX>),
    /// The author's newer word for the device that is asked.
    Regrant(Grant),
}

/// A question for one's own past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall<E = Raw> {
    /// The revocations that the asker's root key signed, so that nobody goes on with a device that is gone.
    pub said: Vec<E>,
    /// Only what comes beyond this place: where the last answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<ByteBuf>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer<E = Raw> {
    /// Who answers.
    Hello(Hello),
    /// What is held.
    Have(List<Holding, SYNC_AUTHORS_MAX>),
    /// 256 digests of 8 bytes, one after another; no bytes if nothing is held.
    Buckets(ByteBuf),
    /// Envelopes, and where to go on if there are more.
    Pulled(Pulled<E>),
    /// What became of each envelope that was delivered.
    Taken(Vec<Taken>),
    /// Where a new device stands.
    Pair(PairAnswer),
    /// How the device that was asked stands.
    Together(Together),
    /// The next step about a document.
    Talk(Talk),
    /// The request was read.
    Noted,
    /// The request was refused.
    Refused(Prose),
}

/// What became of a delivered envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It is on disk here, now or from before.
    Kept,
    /// What it rests on has not come yet: deliver it again.
    Later,
    /// It is refused for good.
    Refused(Prose),
}

/// Which author a device speaks for. That it is this device, the transport has proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The author.
    pub author: AuthorId,
    /// The author's grant for the device.
    pub grant: Grant,
}

/// What a peer holds of one author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The author.
    pub author: AuthorId,
    /// The last number of each device's log.
    pub logs: List<(DeviceId, u64), AUTHOR_DEVICES_MAX>,
    /// A digest of all states; zero if there are none.
    pub states: u64,
    /// Which devices gave which numbers twice, as far as it is proved there.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub forks: List<(DeviceId, u64), PROOFS_PER_AUTHOR_MAX>,
    /// [`digest_of_heads`] of these logs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heads: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A digest of the last envelopes of some logs; zero if there are none. Two readers whose logs end at one number and
/// whose digests differ were told different things.
pub fn digest_of_heads(heads: impl IntoIterator<Item = (DeviceId, EnvelopeId)>) -> u64 {
    let folds = heads.into_iter().map(|(device, id)| {
        let hash = blake3::hash(&[device.as_bytes().as_slice(), id.as_bytes()].concat());
        first_word(hash.as_bytes())
    });
    folds.fold(0, |digest, fold| digest ^ fold)
}

fn is_empty<T, const MAX: usize>(list: &List<T, MAX>) -> bool {
    list.is_empty()
}

/// Which states the asker wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatesWanted {
    /// Of whom.
    pub author: AuthorId,
    /// In which buckets.
    pub buckets: ByteBuf,
    /// The first 8 bytes of each envelope id that the asker has there, one after another.
    pub have: ByteBuf,
    /// Only slots beyond this one: where the last answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<ByteBuf>,
}

/// A kind of state and (the start of) a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Whose state.
    pub author: AuthorId,
    /// Its kind's name.
    pub kind: String,
    /// Its key, or how that starts.
    pub key: ByteBuf,
}

/// How one device of an author stands: what it holds of what is for the author's devices alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// The epoch of its grant.
    pub epoch: u32,
    /// A digest of each of the shop's 256 documents in that epoch, 8 bytes each; no bytes if there are none.
    pub shards: ByteBuf,
    /// The digests of all sealed envelopes, as of states; no bytes if there are none.
    pub sealed: ByteBuf,
    /// The shop's private ways, if they were set, and when: the newest hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ways: Option<(Hybrid, ShopWays)>,
}

/// What is said of a shop's private ways: never in an envelope of its own, but known to all its devices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopWays {
    /// How to pay outside a tab; empty if only tabs are taken.
    pub payment_instructions: Prose,
    /// Whether orders that the stock allows are accepted without asking.
    pub accept_by_itself: bool,
}

/// Which sealed envelopes a device wants of another one of its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedWanted {
    /// In which buckets.
    pub buckets: ByteBuf,
    /// The first 8 bytes of each envelope id that the asker has there, one after another.
    pub have: ByteBuf,
    /// Only rows beyond this one: where the last answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<ByteBuf>,
}

/// A piece of a message about one of the shop's documents: messages may be larger than a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    /// The epoch of the document.
    pub epoch: u32,
    /// Its number.
    pub shard: u8,
    /// Whether the conversation begins here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub begins: bool,
    /// Whether this asks for the next piece of the other side's message, and says nothing itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub listens: bool,
    /// Whether more of the message follows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more: bool,
    /// The piece; no bytes if there is nothing to say.
    pub piece: ByteBuf,
}

fn is_false(truth: &bool) -> bool {
    !*truth
}

/// Which rights to sell a device asks another one of its author for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsWanted {
    /// Of which listing.
    pub listing: ListingId,
    /// Of which variant.
    pub variant: VariantId,
    /// How many are lacking.
    pub units: u64,
}

/// Envelopes of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulled<E = Raw> {
    /// The envelopes.
    pub envelopes: Vec<E>,
    /// Set if there are more: the slot after which to go on (no bytes for a log, which goes on by number).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<ByteBuf>,
}

/// Why a frame is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More bytes than a frame may have.
    #[error("expected a frame of at most {SYNC_FRAME_BYTES_MAX} bytes, got {0}")]
    TooLarge(usize),
    /// Not a request or answer.
    #[error("not a frame of this protocol: {0}")]
    Form(#[from] CodecError),
    /// More envelopes or digests than a frame may carry.
    #[error("expected at most {expected} items in a frame, got {actual}")]
    TooMany {
        /// Items that it may carry.
        expected: usize,
        /// Items that it carries.
        actual: usize,
    },
}

fn within(actual: usize, expected: usize) -> Result<(), FrameError> {
    if actual <= expected {
        Ok(())
    } else {
        Err(FrameError::TooMany { expected, actual })
    }
}

impl Request {
    /// Reads a request.
    pub fn read(frame: &[u8]) -> Result<Self, FrameError> {
        if frame.len() > SYNC_FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge(frame.len()));
        }
        let request = codec::decode(frame)?;
        match &request {
            Self::Deliver(envelopes) | Self::Settle(envelopes) | Self::Share(envelopes) => {
                within(envelopes.len(), SYNC_ENVELOPES_MAX)?;
            }
            Self::Sealed(wanted) => {
                within(wanted.have.len() / 8, SYNC_DIGESTS_MAX)?;
                within(wanted.buckets.len(), BUCKETS)?;
            }
            Self::Together(together) => together.check()?,
            Self::Talk(talk) => within(talk.piece.len(), TALK_PIECE_BYTES)?,
            Self::States(wanted) => {
                within(wanted.have.len() / 8, SYNC_DIGESTS_MAX)?;
                within(wanted.buckets.len(), BUCKETS)?;
            }
            Self::Recall(recall) => within(recall.said.len(), RECALL_REVOKED_MAX)?,
            _ => {}
        }
        Ok(request)
    }

    /// The bytes of a request.
    pub fn write(&self) -> Result<Vec<u8>, FrameError> {
        Ok(codec::encode(self)?)
    }
}

impl Answer {
    /// Reads an answer.
    pub fn read(frame: &[u8]) -> Result<Self, FrameError> {
        if frame.len() > SYNC_FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge(frame.len()));
        }
        let answer = codec::decode(frame)?;
        match &answer {
            Self::Pulled(pulled) => within(pulled.envelopes.len(), SYNC_ENVELOPES_MAX)?,
            Self::Taken(outcomes) => within(outcomes.len(), SYNC_ENVELOPES_MAX)?,
            Self::Together(together) => together.check()?,
            Self::Talk(talk) => within(talk.piece.len(), TALK_PIECE_BYTES)?,
            Self::Buckets(digests) if !digests.is_empty() && digests.len() != BUCKETS * 8 => {
                within(digests.len(), 0)?;
            }
            _ => {}
        }
        Ok(answer)
    }

    /// The bytes of an answer.
    pub fn write(&self) -> Result<Vec<u8>, FrameError> {
        Ok(codec::encode(self)?)
    }
}

impl<E> Request<E> {
    /// The scope that a device of the same author needs to ask this of another one.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Share(_) | Self::Sealed(_) => Scope::Orders,
            Self::Talk(_) | Self::Units(_) | Self::Counts(_) => Scope::Catalog,
            _ => Scope::Post,
        }
    }

    /// The same request with its envelopes turned into something else.
    pub fn map<F>(self, mut turn: impl FnMut(Vec<E>) -> Vec<F>) -> Request<F> {
        match self {
            Self::Hello(hello) => Request::Hello(hello),
            Self::Have(authors) => Request::Have(authors),
            Self::Pull(logs) => Request::Pull(logs),
            Self::Buckets(author) => Request::Buckets(author),
            Self::States(wanted) => Request::States(wanted),
            Self::Find(slot) => Request::Find(slot),
            Self::Proofs(forks) => Request::Proofs(forks),
            Self::Changed(authors) => Request::Changed(authors),
            Self::Deliver(envelopes) => Request::Deliver(turn(envelopes)),
            Self::Settle(envelopes) => Request::Settle(turn(envelopes)),
            Self::Recall(recall) => Request::Recall(Recall {
                said: turn(recall.said),
                beyond: recall.beyond,
            }),
            Self::Pair(ask) => Request::Pair(ask),
            Self::Together(together) => Request::Together(together),
            Self::Share(envelopes) => Request::Share(turn(envelopes)),
            Self::Sealed(wanted) => Request::Sealed(wanted),
            Self::Talk(talk) => Request::Talk(talk),
            Self::Units(wanted) => Request::Units(wanted),
            Self::Counts(counts) => Request::Counts(counts),
            Self::Regrant(grant) => Request::Regrant(grant),
        }
    }
}

impl<E> Answer<E> {
    /// The same answer with its envelopes turned into something else.
    pub fn map<F>(self, mut turn: impl FnMut(Vec<E>) -> Vec<F>) -> Answer<F> {
        match self {
            Self::Hello(hello) => Answer::Hello(hello),
            Self::Have(holdings) => Answer::Have(holdings),
            Self::Buckets(digests) => Answer::Buckets(digests),
            Self::Pulled(pulled) => Answer::Pulled(Pulled {
                envelopes: turn(pulled.envelopes),
                more: pulled.more,
            }),
            Self::Taken(outcomes) => Answer::Taken(outcomes),
            Self::Pair(answer) => Answer::Pair(answer),
            Self::Together(together) => Answer::Together(together),
            Self::Talk(talk) => Answer::Talk(talk),
            Self::Noted => Answer::Noted,
            Self::Refused(why) => Answer::Refused(why),
        }
    }
}

impl Together {
    fn check(&self) -> Result<(), FrameError> {
        for (bytes, full) in [(&self.shards, SHARDS * 8), (&self.sealed, BUCKETS * 8)] {
            if !bytes.is_empty() && bytes.len() != full {
                within(bytes.len(), 0)?;
            }
        }
        Ok(())
    }
}

/// The digests of an author's states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    buckets: Box<[u64; BUCKETS]>,
    /// One digest of all, which is asked for much more often than the buckets change.
    root: u64,
}

impl Digests {
    /// Folds all states that are held of an author. The fold of a bucket is the exclusive or of a
    /// hash of each slot and id in it: only the author could sign two sets that fold alike, and
    /// would hide from its readers nothing but its own words.
    pub fn of(records: &dyn Records, author: &AuthorId) -> Result<Self, Fault> {
        Ok(Self::over(records.state_ids(author)?))
    }

    /// Folds all sealed envelopes that are held: of orders and of tabs.
    pub fn of_sealed(records: &dyn Records) -> Result<Self, Fault> {
        Ok(Self::over(sealed_ids(records)?))
    }

    fn over(rows: Vec<(Vec<u8>, EnvelopeId)>) -> Self {
        let mut digests = Box::new([0; BUCKETS]);
        for (slot, id) in rows {
            if let Some(digest) = digests.get_mut(usize::from(bucket(&slot))) {
                *digest ^= fold(&slot, &id);
            }
        }
        Self::new(digests)
    }

    fn new(buckets: Box<[u64; BUCKETS]>) -> Self {
        let root = match buckets.iter().all(|digest| *digest == 0) {
            true => 0,
            false => {
                let mut hasher = blake3::Hasher::new();
                for digest in buckets.iter() {
                    hasher.update(&digest.to_be_bytes());
                }
                first_word(hasher.finalize().as_bytes()).max(1)
            }
        };
        Self { buckets, root }
    }

    /// The digests on the wire; no bytes if nothing is held.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self.root() {
            0 => Vec::new(),
            _ => self
                .buckets
                .iter()
                .flat_map(|digest| digest.to_be_bytes())
                .collect(),
        }
    }

    /// The digests from the wire.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut digests = Box::new([0; BUCKETS]);
        if bytes.is_empty() {
            return Some(Self::new(digests));
        }
        let (words, rest) = bytes.as_chunks::<8>();
        if words.len() != BUCKETS || !rest.is_empty() {
            return None;
        }
        for (digest, word) in digests.iter_mut().zip(words) {
            *digest = u64::from_be_bytes(*word);
        }
        Some(Self::new(digests))
    }

    /// One digest of all; zero if nothing is held.
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// The buckets in which two differ and the other side has something.
    pub fn lacking(&self, theirs: &Self) -> Vec<u8> {
        (0..=u8::MAX)
            .zip(self.buckets.iter().zip(theirs.buckets.iter()))
            .filter(|(_, (mine, theirs))| mine != theirs && **theirs != 0)
            .map(|(bucket, _)| bucket)
            .collect()
    }
}

fn first_word(hash: &[u8; 32]) -> u64 {
    hash.first_chunk::<8>()
        .map_or(0, |word| u64::from_be_bytes(*word))
}

/// The bucket of a state's slot (the key of its row; the author's 32 bytes are left out).
fn bucket(slot: &[u8]) -> u8 {
    blake3::hash(slot.get(32..).unwrap_or(slot)).as_bytes()[0]
}

fn fold(slot: &[u8], id: &EnvelopeId) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(slot.get(32..).unwrap_or(slot))
        .update(id.as_bytes());
    first_word(hasher.finalize().as_bytes())
}

fn short(id: &EnvelopeId) -> [u8; 8] {
    first_word(id.as_bytes()).to_be_bytes()
}

/// Names what is there of some buckets, in a request for what they lack.
fn named(slots: Vec<(Vec<u8>, EnvelopeId)>, buckets: &[u8]) -> ByteBuf {
    let mut have = Vec::new();
    for (slot, id) in slots {
        if buckets.contains(&bucket(&slot)) && have.len() < SYNC_DIGESTS_MAX * 8 {
            have.extend_from_slice(&short(&id));
        }
    }
    have.into()
}

/// What a request did not name of some buckets beyond a slot, as much as fits a frame.
fn not_named(
    slots: Vec<(Vec<u8>, EnvelopeId)>,
    (buckets, have, beyond): (&[u8], &[u8], Option<&[u8]>),
    read: impl Fn(&[u8], &EnvelopeId) -> Result<Option<Signed>, Fault>,
) -> Result<Pulled, Fault> {
    let mut have: Vec<&[u8; 8]> = have.as_chunks::<8>().0.iter().collect();
    have.sort_unstable();
    let mut packed = Packed::default();
    for (slot, id) in slots {
        let passed = beyond.is_some_and(|beyond| slot.as_slice() <= beyond);
        if passed || !buckets.contains(&bucket(&slot)) || have.binary_search(&&short(&id)).is_ok() {
            continue;
        }
        let Some(envelope) = read(&slot, &id)? else {
            continue;
        };
        if !packed.push(envelope.bytes()) {
            return Ok(packed.cut());
        }
        packed.last = slot;
    }
    Ok(packed.whole())
}

/// Asks for what the buckets of an author lack, naming what is there.
pub fn states_wanted(
    records: &dyn Records,
    author: &AuthorId,
    buckets: Vec<u8>,
    beyond: Option<ByteBuf>,
) -> Result<StatesWanted, Fault> {
    let have = named(records.state_ids(author)?, &buckets);
    Ok(StatesWanted {
        author: *author,
        buckets: buckets.into(),
        have,
        beyond,
    })
}

/// Answers [`Request::States`]: what the asker did not name, as much as fits a frame.
pub fn states_answer(records: &dyn Records, wanted: &StatesWanted) -> Result<Pulled, Fault> {
    let slots = records.state_ids(&wanted.author)?;
    let beyond = wanted.beyond.as_ref().map(|slot| slot.as_slice());
    let asked = (wanted.buckets.as_slice(), wanted.have.as_slice(), beyond);
    not_named(slots, asked, |slot, _| records.state_at(slot))
}

/// Where every sealed envelope is, and its id. The first 32 bytes of a slot are the thread's, as an
/// author's are of a state's, so that both fall into buckets alike: by kind and id.
fn sealed_ids(records: &dyn Records) -> Result<Vec<(Vec<u8>, EnvelopeId)>, Fault> {
    let mut rows = Vec::new();
    for (kind, tree) in [(Kind::Order, Tree::Order), (Kind::Tab, Tree::Tab)] {
        for (key, _) in records.scan(tree, &Range::of([], usize::MAX))? {
            let (thread, id) = key.split_at_checked(32).unwrap_or((&key, &[]));
            if let Ok(envelope) = EnvelopeId::from_slice(id) {
                rows.push(([thread, &[kind as u8], id].concat(), envelope));
            }
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

/// Asks for the sealed envelopes that some buckets lack, naming what is there.
pub fn sealed_wanted(
    records: &dyn Records,
    buckets: Vec<u8>,
    beyond: Option<ByteBuf>,
) -> Result<SealedWanted, Fault> {
    let have = named(sealed_ids(records)?, &buckets);
    Ok(SealedWanted {
        buckets: buckets.into(),
        have,
        beyond,
    })
}

/// Answers [`Request::Sealed`]: what the asker did not name, as much as fits a frame.
pub fn sealed_answer(records: &dyn Records, wanted: &SealedWanted) -> Result<Pulled, Fault> {
    let beyond = wanted.beyond.as_ref().map(|slot| slot.as_slice());
    let asked = (wanted.buckets.as_slice(), wanted.have.as_slice(), beyond);
    not_named(sealed_ids(records)?, asked, |_, id| records.envelope(id))
}
