//! The signed envelope: the only thing that is true between peers.
//!
//! `&[u8] → Signed → Admitted`, and no other way: [`open`] and [`seal`] are the only doors to
//! [`Signed`], which proves canonical bytes, a good signature and a grant that covers the kind;
//! admission is the only door to [`Admitted`], which proves that this node may keep it. Every byte
//! is written down in `spec/envelope.md`.

use crate::body::{Body, BodyError, Kind, Lane};
use crate::codec::{self, CodecError};
use crate::filed::Filed;
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::identity::{self, DeviceKey, Grant, GrantCache, IdentityError, SignatureBytes};
use crate::limits::{ENVELOPE_BYTES_MAX, KIND_BYTES_MAX};
use crate::order::OrderMessage;
use crate::tab::TabMessage;
use crate::time::{Hybrid, Timestamp};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::sync::Arc;

/// The version of the envelope's form.
pub const VERSION: u64 = 1;
const DOMAIN: &[u8] = b"souk envelope v1\0";

/// Why bytes are no envelope, or could not be made one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// More bytes than an envelope may have.
    #[error("expected an envelope of at most {ENVELOPE_BYTES_MAX} bytes, got {0}")]
    TooLarge(usize),
    /// A version that this program does not know.
    #[error("expected envelope version {VERSION}, got {0}")]
    UnknownVersion(u64),
    /// The outer form is not an envelope's.
    #[error("not an envelope: {0}")]
    Form(#[source] CodecError),
    /// The body is not one of its kind.
    #[error("not a {kind} body: {error}")]
    Body {
        /// The kind that the envelope names.
        kind: &'static str,
        /// What is wrong with it.
        #[source]
        error: BodyError,
    },
    /// A key, signature or grant is not good.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A chain where none belongs, none where one belongs, or a chain that starts wrongly.
    #[error("an envelope of kind {kind} {fault}")]
    Chain {
        /// The kind that the envelope names.
        kind: &'static str,
        /// What is wrong.
        fault: &'static str,
    },
}

impl OpenError {
    /// Whether a newer program may find these bytes good: then they are nobody's fault.
    pub const fn may_be_newer(&self) -> bool {
        matches!(self, Self::UnknownVersion(_))
    }

    /// Its class: a short name for counting, which `spec/envelope.md` lists.
    pub fn class(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::UnknownVersion(_) => "unknown_version",
            Self::Form(error) => error.class(),
            Self::Body {
                error: BodyError::Codec(error),
                ..
            } => match error.class() {
                "shape" => "body",
                form => form,
            },
            Self::Body { .. } => "rule",
            Self::Identity(error) => error.class(),
            Self::Chain { .. } => "chain",
        }
    }
}

/// A `Log` envelope's place in its device's chain. Encoded as the list `[seq, prev]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Option<EnvelopeId>)", into = "(u64, Option<EnvelopeId>)")]
pub struct Chain {
    /// Number within the device's log, from 1, without gaps.
    pub seq: u64,
    /// The envelope before it; none for number 1.
    pub prev: Option<EnvelopeId>,
}

impl From<(u64, Option<EnvelopeId>)> for Chain {
    fn from((seq, prev): (u64, Option<EnvelopeId>)) -> Self {
        Self { seq, prev }
    }
}

impl From<Chain> for (u64, Option<EnvelopeId>) {
    fn from(chain: Chain) -> Self {
        (chain.seq, chain.prev)
    }
}

impl Chain {
    /// The place after the head of a device's log.
    pub fn after(head: Option<(u64, EnvelopeId)>) -> Self {
        match head {
            Some((seq, id)) => Self {
                seq: seq.saturating_add(1),
                prev: Some(id),
            },
            None => Self { seq: 1, prev: None },
        }
    }
}

/// What stands around a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who speaks.
    pub author: AuthorId,
    /// Through which device.
    pub device: DeviceId,
    /// The author's word for the device; none when the root key itself signs.
    pub grant: Option<Grant>,
    /// When, as the author says.
    pub time: Hybrid,
    /// Its place in the device's log, on the `Log` lane.
    pub chain: Option<Chain>,
}

/// The part that is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    v: u64,
    kind: String,
    author: AuthorId,
    device: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<Grant>,
    time: Hybrid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<Chain>,
    body: ByteBuf,
}

#[derive(Deserialize)]
struct VersionProbe {
    v: u64,
}

/// Content and signature: the list `[content, signature]` of two byte strings.
#[derive(Serialize, Deserialize)]
struct Wire(ByteBuf, SignatureBytes);

/// An envelope whose bytes are canonical and whose signature and grant are good. A copy of it is one more
/// hand on the same envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed(Arc<Read>);

#[derive(Debug, PartialEq, Eq)]
struct Read {
    id: EnvelopeId,
    bytes: Box<[u8]>,
    head: Head,
    body: Body,
}

/// A signed envelope that this node may keep. Only admission makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted(Signed);

/// A good envelope of a kind that this version does not know. It cannot be kept, and it is nobody's
/// fault; its place in a chain is, so that what follows it can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    id: EnvelopeId,
    head: Head,
    kind: String,
}

/// What [`open`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// An envelope of a known kind.
    Known(Signed),
    /// A good envelope of an unknown kind.
    Foreign(Box<Foreign>),
}

/// Reads an envelope: form first, then the signatures, then the body.
pub fn open(bytes: &[u8], grants: &mut GrantCache) -> Result<Opened, OpenError> {
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(OpenError::TooLarge(bytes.len()));
    }
    let Wire(content_bytes, signature) = codec::decode(bytes).map_err(OpenError::Form)?;
    let version: VersionProbe = codec::probe(&content_bytes).map_err(OpenError::Form)?;
    if version.v != VERSION {
        return Err(OpenError::UnknownVersion(version.v));
    }
    let content: Content = codec::decode(&content_bytes).map_err(OpenError::Form)?;
    if content.kind.len() > KIND_BYTES_MAX {
        return Err(OpenError::Form(CodecError::Shape(
            "the kind's name is too long".into(),
        )));
    }
    let Content {
        kind,
        author,
        device,
        grant,
        time,
        chain,
        body,
        ..
    } = content;
    match &grant {
        Some(grant) => {
            grants.verify(grant, &author, &device)?;
        }
        None if author.as_bytes() == device.as_bytes() => {}
        None => return Err(IdentityError::Signature("the author").into()),
    }
    identity::verify(
        "the device",
        device.as_bytes(),
        &signed_bytes(&content_bytes),
        &signature,
    )?;
    let head = Head {
        author,
        device,
        grant,
        time,
        chain,
    };
    let id = EnvelopeId::of(bytes);
    match Kind::from_name(&kind) {
        None => {
            head.check_chain("unknown", head.chain.is_some())?;
            Ok(Opened::Foreign(Box::new(Foreign { id, head, kind })))
        }
        Some(kind) => {
            head.check(kind)?;
            let wrong = |error| OpenError::Body {
                kind: kind.name(),
                error,
            };
            let body = Body::decode(kind, &body).map_err(|error| wrong(error.into()))?;
            body.check(&head.author, &head.device, head.epoch())
                .map_err(wrong)?;
            Ok(Opened::Known(Signed::of(id, bytes.into(), head, body)))
        }
    }
}

/// Makes an envelope: what the author says through this device, at this time and place in its log.
pub fn seal(
    key: &DeviceKey,
    author: AuthorId,
    grant: Option<&Grant>,
    time: Hybrid,
    chain: Option<Chain>,
    body: Body,
) -> Result<Signed, OpenError> {
    let device = key.device();
    let head = Head {
        author,
        device,
        grant: grant.cloned(),
        time,
        chain,
    };
    let kind = body.kind();
    head.check(kind)?;
    let wrong = |error| OpenError::Body {
        kind: kind.name(),
        error,
    };
    body.check(&author, &device, head.epoch()).map_err(wrong)?;
    let content = codec::encode(&Content {
        v: VERSION,
        kind: kind.name().to_owned(),
        author,
        device,
        grant: head.grant.clone(),
        time,
        chain,
        body: ByteBuf::from(body.encode().map_err(|error| wrong(error.into()))?),
    })
    .map_err(OpenError::Form)?;
    let signature = key.sign(&signed_bytes(&content));
    let bytes = codec::encode(&Wire(ByteBuf::from(content), signature)).map_err(OpenError::Form)?;
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(OpenError::TooLarge(bytes.len()));
    }
    let id = EnvelopeId::of(&bytes);
    Ok(Signed::of(id, bytes.into(), head, body))
}

fn signed_bytes(content: &[u8]) -> Vec<u8> {
    [DOMAIN, content].concat()
}

impl Head {
    /// The author's epoch that its device speaks in.
    pub fn epoch(&self) -> u32 {
        self.grant.as_ref().map_or(0, |grant| grant.epoch)
    }

    fn check(&self, kind: Kind) -> Result<(), OpenError> {
        self.check_chain(kind.name(), kind.lane() == Lane::Log)?;
        match &self.grant {
            Some(grant) => Ok(grant.covers(kind.scope(), Timestamp(self.time.wall_ms))?),
            None => Ok(()),
        }
    }

    fn check_chain(&self, kind: &'static str, belongs: bool) -> Result<(), OpenError> {
        let fault = match self.chain {
            None if belongs => "needs a chain",
            Some(_) if !belongs => "has no chain",
            Some(Chain { seq: 0, .. }) => "counts from 1",
            Some(Chain {
                seq: 1,
                prev: Some(_),
            }) => "has nothing before number 1",
            Some(Chain { seq, prev: None }) if seq > 1 => "names the one before it",
            _ => return Ok(()),
        };
        Err(OpenError::Chain { kind, fault })
    }
}

impl Signed {
    fn of(id: EnvelopeId, bytes: Box<[u8]>, head: Head, body: Body) -> Self {
        Self(Arc::new(Read {
            id,
            bytes,
            head,
            body,
        }))
    }

    /// Its content id.
    pub fn id(&self) -> EnvelopeId {
        self.0.id
    }
    /// The message of an order that it is, if it is one, as the fold takes it.
    pub fn order_message(&self) -> Option<Filed<'_, OrderMessage>> {
        match &self.0.body {
            Body::Order(message) => Some(self.filed(message)),
            _ => None,
        }
    }
    /// The message of a tab that it is, if it is one, as the fold takes it.
    pub fn tab_message(&self) -> Option<Filed<'_, TabMessage>> {
        match &self.0.body {
            Body::Tab(message) => Some(self.filed(message)),
            _ => None,
        }
    }
    fn filed<'a, M>(&self, message: &'a M) -> Filed<'a, M> {
        Filed {
            id: self.id(),
            author: self.0.head.author,
            device: self.0.head.device,
            time: self.0.head.time,
            message,
        }
    }
    /// Its bytes, as signed.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
    /// Who speaks, when, and where in the log.
    pub fn head(&self) -> &Head {
        &self.0.head
    }
    /// Who speaks.
    pub fn author(&self) -> AuthorId {
        self.0.head.author
    }
    /// Through which device.
    pub fn device(&self) -> DeviceId {
        self.0.head.device
    }
    /// When, as the author says.
    pub fn time(&self) -> Hybrid {
        self.0.head.time
    }
    /// What is said.
    pub fn body(&self) -> &Body {
        &self.0.body
    }
    /// The lane that it travels on.
    pub fn lane(&self) -> Lane {
        self.0.body.kind().lane()
    }
    /// Reads again what this node opened and kept before; its caller has checked that the bytes have
    /// the id under which they were kept, so they are the same.
    pub(crate) fn reopen(id: EnvelopeId, bytes: &[u8]) -> Result<Self, OpenError> {
        let Wire(content, _) = codec::decode_again(bytes).map_err(OpenError::Form)?;
        let Content {
            kind,
            author,
            device,
            grant,
            time,
            chain,
            body,
            ..
        } = codec::decode_again(&content).map_err(OpenError::Form)?;
        let kind = Kind::from_name(&kind).ok_or_else(|| {
            OpenError::Form(CodecError::Shape(format!("the unknown kind '{kind}' was kept")))
        })?;
        let wrong = |error: CodecError| OpenError::Body {
            kind: kind.name(),
            error: error.into(),
        };
        let body = Body::decode_again(kind, &body).map_err(wrong)?;
        let head = Head {
            author,
            device,
            grant,
            time,
            chain,
        };
        Ok(Self::of(id, bytes.into(), head, body))
    }
    /// Admission's word that this node may keep it.
    pub(crate) fn admit(self) -> Admitted {
        Admitted(self)
    }
}

impl std::ops::Deref for Admitted {
    type Target = Signed;
    fn deref(&self) -> &Signed {
        &self.0
    }
}

/// An admitted envelope of a public lane: the only thing that can be announced. A sealed one cannot
/// become one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement(Signed);

impl Admitted {
    /// The envelope as an announcement, if its lane is public.
    pub fn announcement(&self) -> Option<Announcement> {
        match self.0.lane() {
            Lane::Log | Lane::State => Some(Announcement(self.0.clone())),
            Lane::Sealed => None,
        }
    }
}

impl Announcement {
    /// Where it is announced: its author's topic.
    pub fn topic(&self) -> String {
        author_topic(&self.0.author())
    }
    /// The bytes to announce.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// The gossip topic of an author.
pub fn author_topic(author: &AuthorId) -> String {
    format!("author/{author}")
}

impl Foreign {
    /// Its content id.
    pub const fn id(&self) -> EnvelopeId {
        self.id
    }
    /// Who speaks, when, and where in the log.
    pub const fn head(&self) -> &Head {
        &self.head
    }
    /// The name of its kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}
