//! What a backup holds: everything that a node remembers and cannot make again, as a row of items.
//!
//! Of what was signed it holds the envelopes, never the rows that were derived from them: whoever
//! restores one opens and admits each anew, so a backup can bring in nothing that the network could
//! not. Private rows and the shop's documents go as they are. How the items are kept from others' eyes
//! is the node's business. Described in `spec/backup.md`.

use crate::admission::{self, Admission, Refusal};
use crate::codec::{self, CodecError};
use crate::envelope::{OpenError, Opened, Signed};
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::limits::{
    BACKUP_IDENTITY_BYTES_MAX, BACKUP_KEY_BYTES_MAX, BACKUP_PAGE_ROWS, ENVELOPE_BYTES_MAX, SHARD_BYTES_MAX,
};
use crate::records::{Fault, Range, Records, Row, Tree, Write};
use crate::text::Name;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the inside of a backup starts with.
pub const MAGIC: &[u8; 15] = b"souk backup v1\n";
/// Bytes before an item's content: its kind, and how many bytes follow.
pub const HEAD_BYTES: usize = 5;

/// Under which key of [`Tree::Me`] the device is named that wrote the records.
pub(crate) const DEVICE: &[u8] = b"device";

/// The mark that records are those of another device than the one that will use them: of the one that
/// made a backup, or of the root key if there is none.
///
/// # Errors
/// None that a caller could mend.
pub fn restored(from: Option<DeviceId>, author: AuthorId) -> Result<Write, Fault> {
    let from = from.unwrap_or(DeviceId::from_bytes(*author.as_bytes()));
    Write::local(Tree::Me, DEVICE, Some(from.as_bytes().to_vec()))
}

/// Why bytes are no item of a backup, or one that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// A kind of item that this program does not know.
    #[error("it holds an item of the unknown kind {0}; a newer program may have made it")]
    UnknownKind(u8),
    /// More bytes than an item of its kind may have.
    #[error("expected at most {expected} bytes in an item of kind {kind}, got {actual}")]
    TooLarge {
        /// The kind's number.
        kind: u8,
        /// Bytes that it may have.
        expected: usize,
        /// Bytes that it has.
        actual: usize,
    },
    /// An item ends before it should, or is not of its form.
    #[error("an item of kind {0} is not of its form")]
    Form(u8),
    /// The item that says whose backup it is cannot be read.
    #[error("it does not say whose it is: {0}")]
    Identity(#[from] CodecError),
    /// An envelope in it is none.
    #[error("it holds an envelope that is none: {0}")]
    Envelope(#[from] OpenError),
    /// An envelope in it may not be kept.
    #[error("it holds an envelope that may not be kept: {0}")]
    Refused(#[from] Refusal),
    /// A private tree that this program does not know.
    #[error("it holds a row of the unknown tree {0}; a newer program may have made it")]
    UnknownTree(u8),
    /// A proof of equivocation that proves nothing.
    #[error("it holds two envelopes that prove no equivocation")]
    Proof,
    /// This node's own store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Whose backup it is, and from when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Whose.
    pub author: AuthorId,
    /// The device that made it. Its key is not in it, since no key is ever used on two machines.
    pub device: DeviceId,
    /// The author's epoch that the device spoke in.
    pub epoch: u32,
    /// The schema of the rows.
    pub schema: u32,
    /// When it was made, by that device's clock.
    pub made: Timestamp,
    /// How the owner wanted to be called when the identity was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The 24 words, unless the owner keeps them on paper alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Zeroizing<String>>,
}

/// One thing in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Whose it is. The first item.
    Identity(Box<Identity>),
    /// An envelope, of any lane.
    Envelope(Vec<u8>),
    /// The mark that a number of a log is taken by an envelope of a kind unknown there.
    Mark {
        /// Whose log.
        author: AuthorId,
        /// Of which device.
        device: DeviceId,
        /// The number.
        seq: u64,
        /// The envelope.
        id: EnvelopeId,
    },
    /// Two envelopes that prove that a device gave one number twice.
    Proof(Vec<u8>, Vec<u8>),
    /// A private row.
    Local {
        /// Its tree's number.
        tree: u8,
        /// Its key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// A document of the shop.
    Document(Vec<u8>),
    /// That nothing is missing. The last item.
    End {
        /// Items before it.
        items: u64,
    },
}

const END: u8 = 0;
const IDENTITY: u8 = 1;
const ENVELOPE: u8 = 2;
const MARK: u8 = 3;
const PROOF: u8 = 4;
const LOCAL: u8 = 5;
const DOCUMENT: u8 = 6;

/// The kind of the item whose head this is, and how many bytes follow.
///
/// # Errors
/// A kind that is not known, or more bytes than it may have.
pub fn read_head(head: [u8; HEAD_BYTES]) -> Result<(u8, usize), BackupError> {
    let [kind, length @ ..] = head;
    let actual = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let expected = match kind {
        END => 8,
        IDENTITY => BACKUP_IDENTITY_BYTES_MAX,
        ENVELOPE => ENVELOPE_BYTES_MAX,
        MARK => 32 + 32 + 8 + 32,
        PROOF => 4 + 2 * ENVELOPE_BYTES_MAX,
        LOCAL => 1 + 2 + BACKUP_KEY_BYTES_MAX + 2 * ENVELOPE_BYTES_MAX,
        DOCUMENT => SHARD_BYTES_MAX,
        unknown => return Err(BackupError::UnknownKind(unknown)),
    };
    match actual <= expected {
        true => Ok((kind, actual)),
        false => Err(BackupError::TooLarge {
            kind,
            expected,
            actual,
        }),
    }
}

impl Item {
    /// The item's bytes, its head before them.
    ///
    /// # Errors
    /// It has more bytes than its kind may have.
    pub fn write(&self) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let (kind, content) = match self {
            Self::End { items } => (END, items.to_be_bytes().to_vec()),
            Self::Identity(identity) => (IDENTITY, codec::encode(identity)?),
            Self::Envelope(bytes) => (ENVELOPE, bytes.clone()),
            Self::Mark {
                author,
                device,
                seq,
                id,
            } => {
                let seq = seq.to_be_bytes();
                let parts: [&[u8]; 4] = [author.as_bytes(), device.as_bytes(), &seq, id.as_bytes()];
                (MARK, parts.concat())
            }
            Self::Proof(first, second) => {
                let length = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
                (PROOF, [length.as_slice(), first, second].concat())
            }
            Self::Local { tree, key, value } => {
                let length = u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes();
                (LOCAL, [&[*tree], length.as_slice(), key, value].concat())
            }
            Self::Document(bytes) => (DOCUMENT, bytes.clone()),
        };
        let content = Zeroizing::new(content);
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let mut head = [kind; HEAD_BYTES];
        head[1..].copy_from_slice(&length.to_be_bytes());
        read_head(head)?;
        Ok(Zeroizing::new([head.as_slice(), &content].concat()))
    }

    /// The item of a kind with this content.
    ///
    /// # Errors
    /// The content is not of its kind's form.
    pub fn read(kind: u8, content: &[u8]) -> Result<Self, BackupError> {
        let form = || BackupError::Form(kind);
        Ok(match kind {
            END => Self::End {
                items: u64::from_be_bytes(content.try_into().map_err(|_| form())?),
            },
            IDENTITY => Self::Identity(Box::new(codec::decode(content)?)),
            ENVELOPE => Self::Envelope(content.to_vec()),
            MARK => {
                let (author, rest) = content.split_first_chunk::<32>().ok_or_else(form)?;
                let (device, rest) = rest.split_first_chunk::<32>().ok_or_else(form)?;
                let (seq, id) = rest.split_first_chunk::<8>().ok_or_else(form)?;
                Self::Mark {
                    author: AuthorId::from_bytes(*author),
                    device: DeviceId::from_bytes(*device),
                    seq: u64::from_be_bytes(*seq),
                    id: EnvelopeId::from_slice(id).map_err(|_| form())?,
                }
            }
            PROOF => {
                let (length, rest) = content.split_first_chunk::<4>().ok_or_else(form)?;
                let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| form())?;
                let (first, second) = rest.split_at_checked(length).ok_or_else(form)?;
                Self::Proof(first.to_vec(), second.to_vec())
            }
            LOCAL => {
                let (tree, rest) = content.split_first().ok_or_else(form)?;
                let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(form)?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (key, value) = rest.split_at_checked(length).ok_or_else(form)?;
                Self::Local {
                    tree: *tree,
                    key: key.to_vec(),
                    value: value.to_vec(),
                }
            }
            DOCUMENT => Self::Document(content.to_vec()),
            unknown => return Err(BackupError::UnknownKind(unknown)),
        })
    }
}

/// Private trees that are this node's own past and mean nothing on another device.
const LEFT_OUT: &[Tree] = &[Tree::Done];

/// Everything that a node remembers, item by item, a page at a time: private rows and documents, then
/// the envelopes. In this order a backup that is made while the node works holds every envelope that its
/// private rows speak of.
pub struct Contents<'a> {
    records: &'a dyn Records,
    stage: Stage,
}

/// Where the reading is.
#[derive(Debug, Clone)]
enum Stage {
    /// In a private tree (its place among all), after a key.
    Locals(usize, Option<Vec<u8>>),
    /// Among the devices, after a row.
    Devices(Option<Vec<u8>>),
    /// In a device's log, after a row.
    Log(Vec<u8>, Option<Vec<u8>>),
    /// In one of the other trees of envelopes, after a key.
    Rows(usize, Option<Vec<u8>>),
    Done,
}

/// Trees of envelopes beside the logs.
const ENVELOPES: [Tree; 4] = [Tree::State, Tree::Order, Tree::Tab, Tree::Equivocations];

impl<'a> Contents<'a> {
    /// From the beginning.
    pub fn of(records: &'a dyn Records) -> Self {
        Self {
            records,
            stage: Stage::Locals(0, None),
        }
    }

    /// The next items; none when there are no more. A page may be empty.
    ///
    /// # Errors
    /// The store could not be read, or holds a damaged row.
    pub fn page(&mut self) -> Result<Option<Vec<Item>>, Fault> {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        match stage {
            Stage::Locals(place, beyond) => self.locals(place, beyond).map(Some),
            Stage::Devices(beyond) => self.next_device(beyond).map(Some),
            Stage::Log(device, beyond) => self.log(device, beyond).map(Some),
            Stage::Rows(place, beyond) => self.rows(place, beyond).map(Some),
            Stage::Done => Ok(None),
        }
    }

    fn scan(&self, tree: Tree, prefix: &[u8], beyond: Option<Vec<u8>>) -> Result<Vec<Row>, Fault> {
        // A row of the shards brings a whole document with it.
        let limit = if tree == Tree::Shards { 1 } else { BACKUP_PAGE_ROWS };
        self.records.scan(tree, &Range::of(prefix, limit).beyond(beyond))
    }

    fn locals(&mut self, place: usize, beyond: Option<Vec<u8>>) -> Result<Vec<Item>, Fault> {
        let Some(tree) = Tree::ALL.get(place).copied() else {
            self.stage = Stage::Devices(None);
            return Ok(Vec::new());
        };
        if !tree.is_local() || LEFT_OUT.contains(&tree) {
            self.stage = Stage::Locals(place + 1, None);
            return Ok(Vec::new());
        }
        let rows = self.scan(tree, &[], beyond)?;
        self.stage = match rows.last() {
            Some((last, _)) => Stage::Locals(place, Some(last.clone())),
            None => Stage::Locals(place + 1, None),
        };
        let mut items = Vec::new();
        for (key, value) in rows {
            if tree == Tree::Shards {
                items.extend(self.document(&value)?.map(Item::Document));
            }
            let tree = tree as u8;
            items.push(Item::Local { tree, key, value });
        }
        Ok(items)
    }

    /// The document that a row of [`Tree::Shards`] names.
    fn document(&self, value: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let id: serde_bytes::ByteBuf =
            codec::decode(value).map_err(|error| Fault::Broken(format!("a shard's row: {error}")))?;
        match <[u8; 32]>::try_from(id.as_slice()) {
            Ok(id) => self.records.document(&id),
            Err(_) => Err(Fault::Broken("the id of a shop's document is cut".into())),
        }
    }

    fn next_device(&mut self, beyond: Option<Vec<u8>>) -> Result<Vec<Item>, Fault> {
        let rows = self
            .records
            .scan(Tree::Devices, &Range::of([], 1).beyond(beyond))?;
        self.stage = match rows.into_iter().next() {
            Some((key, _)) => Stage::Log(key, None),
            None => Stage::Rows(0, None),
        };
        Ok(Vec::new())
    }

    fn log(&mut self, row: Vec<u8>, beyond: Option<Vec<u8>>) -> Result<Vec<Item>, Fault> {
        let cut = || Fault::Broken("a row of the devices is cut".into());
        let (author, device) = row.split_first_chunk::<32>().ok_or_else(cut)?;
        let device = DeviceId::from_slice(device).map_err(|_| cut())?;
        let rows = self.scan(Tree::Log, device.as_bytes(), beyond)?;
        let items = rows
            .iter()
            .map(|(key, value)| {
                let seq = key.last_chunk::<8>().map_or(0, |seq| u64::from_be_bytes(*seq));
                match EnvelopeId::from_slice(value) {
                    Ok(id) => Ok(Item::Mark {
                        author: AuthorId::from_bytes(*author),
                        device,
                        seq,
                        id,
                    }),
                    Err(_) => envelope_of(Tree::Log, key, value),
                }
            })
            .collect();
        self.stage = match rows.into_iter().last() {
            Some((last, _)) => Stage::Log(row, Some(last)),
            None => Stage::Devices(Some(row)),
        };
        items
    }

    fn rows(&mut self, place: usize, beyond: Option<Vec<u8>>) -> Result<Vec<Item>, Fault> {
        let Some(tree) = ENVELOPES.get(place).copied() else {
            return Ok(Vec::new());
        };
        let rows = self.scan(tree, &[], beyond)?;
        let items = rows
            .iter()
            // A proof also has a row that only says whose it is.
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| match tree {
                Tree::Equivocations => proof_of(key, value),
                _ => envelope_of(tree, key, value),
            })
            .collect();
        self.stage = match rows.into_iter().last() {
            Some((last, _)) => Stage::Rows(place, Some(last)),
            None => Stage::Rows(place + 1, None),
        };
        items
    }
}

fn damaged(tree: Tree, key: &[u8]) -> Fault {
    Fault::Damaged {
        tree: tree.name(),
        key: data_encoding::HEXLOWER.encode(key),
        reason: "its bytes do not have its id".into(),
    }
}

/// The envelope of a row, held against its id: a flipped bit does not go into a backup unseen.
fn envelope_of(tree: Tree, key: &[u8], value: &[u8]) -> Result<Item, Fault> {
    let (id, bytes) = value
        .split_at_checked(EnvelopeId::LEN)
        .ok_or_else(|| damaged(tree, key))?;
    match EnvelopeId::of(bytes).as_bytes() == id {
        true => Ok(Item::Envelope(bytes.to_vec())),
        false => Err(damaged(tree, key)),
    }
}

fn proof_of(key: &[u8], value: &[u8]) -> Result<Item, Fault> {
    Item::read(PROOF, value).map_err(|_| damaged(Tree::Equivocations, key))
}

/// What is to be remembered of an item. The envelopes of it were opened before: none for items that
/// hold none, one for an envelope, two for a proof. What is held already is left as it is.
///
/// # Errors
/// The item, or an envelope in it, is not as it must be.
pub fn take_in(
    item: Item,
    opened: Vec<Result<Opened, OpenError>>,
    records: &dyn Records,
) -> Result<Vec<Write>, BackupError> {
    match item {
        Item::Identity(_) | Item::End { .. } => Ok(Vec::new()),
        Item::Document(bytes) => Ok(vec![Write::document_of(bytes).1]),
        Item::Mark {
            author,
            device,
            seq,
            id,
        } => mark(records, author, device, seq, id),
        Item::Local { tree, key, value } => match Tree::from_number(tree) {
            Some(tree) if tree.is_local() => Ok(vec![Write::local(tree, &key, Some(value))?]),
            _ => Err(BackupError::UnknownTree(tree)),
        },
        Item::Envelope(_) => {
            let signed = only(opened)?;
            // The clock of this machine judges nothing that was kept before.
            match admission::admit(signed, Timestamp(u64::MAX), records)? {
                Ok(Admission { writes, .. }) => Ok(writes),
                // Held, or replaced or thrown out while the backup was being made.
                Err(Refusal::Known | Refusal::Stale | Refusal::Revoked) => Ok(Vec::new()),
                Err(refusal) => Err(refusal.into()),
            }
        }
        Item::Proof(..) => {
            let mut opened = opened.into_iter();
            let (Some(first), Some(second)) = (opened.next(), opened.next()) else {
                return Err(BackupError::Proof);
            };
            match (first?, second?) {
                (Opened::Known(first), Opened::Known(second)) if proves(&first, &second) => {
                    Ok(Write::equivocation(&first, &second))
                }
                _ => Err(BackupError::Proof),
            }
        }
    }
}

fn only(opened: Vec<Result<Opened, OpenError>>) -> Result<Signed, BackupError> {
    match opened.into_iter().next() {
        Some(Ok(Opened::Known(signed))) => Ok(signed),
        Some(Ok(Opened::Foreign(foreign))) => Err(Refusal::UnknownKind(foreign.kind().to_owned()).into()),
        Some(Err(error)) => Err(error.into()),
        None => Err(BackupError::Form(ENVELOPE)),
    }
}

fn proves(first: &Signed, second: &Signed) -> bool {
    let place = |envelope: &Signed| Some((envelope.device(), envelope.head().chain?.seq));
    first.id() != second.id() && place(first).is_some() && place(first) == place(second)
}

/// A mark goes in as the next number of its log, like an envelope.
fn mark(
    records: &dyn Records,
    author: AuthorId,
    device: DeviceId,
    seq: u64,
    id: EnvelopeId,
) -> Result<Vec<Write>, BackupError> {
    let last = records.log_head(&device)?.map_or(0, |(last, _)| last);
    if seq <= last {
        return Ok(Vec::new());
    }
    if seq != last.saturating_add(1) {
        let (expected, actual) = (last.saturating_add(1), seq);
        return Err(Refusal::Gap { expected, actual }.into());
    }
    Ok(Write::mark(&author, &device, seq, &id))
}
