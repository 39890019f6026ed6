//! What somebody signs who signs whatever they like, and gossipsub's bytes by hand.

use souk_protocol::body::{Body, Revoke};
use souk_protocol::envelope::{Chain, Signed, seal};
use souk_protocol::id::{AuthorId, EnvelopeId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, RootKey, Scopes};
use souk_protocol::post::Post;
use souk_protocol::profile::Profile;
use souk_protocol::sync::Hello;
use souk_protocol::text::{Name, Prose};
use souk_protocol::time::Hybrid;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// Somebody with a root key, a device and no scruples.
pub(crate) struct Mallory {
    pub(crate) root: RootKey,
    pub(crate) key: DeviceKey,
    pub(crate) grant: Grant,
    /// Numbers and ids of the log so far, as the rules would have it.
    pub(crate) head: Option<(u64, EnvelopeId)>,
    count: u32,
}

impl Mallory {
    /// Whoever has this device's secret, and a root key from a byte.
    pub(crate) fn new(seed: u8, device: [u8; 32]) -> Self {
        let root = Phrase::from_entropy(&[seed; 32]).unwrap().root_key().unwrap();
        let key = DeviceKey::from_secret(&device);
        let grant = root.grant(key.device(), Scopes::ALL, 0, None).unwrap();
        Self {
            root,
            key,
            grant,
            head: None,
            count: 0,
        }
    }

    pub(crate) fn author(&self) -> AuthorId {
        self.root.author()
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            author: self.author(),
            grant: self.grant.clone(),
        }
    }

    fn time(&mut self) -> Hybrid {
        self.count += 1;
        Hybrid {
            wall_ms: now_ms(),
            count: self.count,
        }
    }

    /// Signs a body at any place of the log, at any time.
    pub(crate) fn signs(&self, time: Hybrid, chain: Option<Chain>, body: impl Into<Body>) -> Signed {
        let grant = Some(&self.grant);
        seal(&self.key, self.author(), grant, time, chain, body.into()).unwrap()
    }

    pub(crate) fn post_at(&mut self, chain: Chain, text: &str) -> Signed {
        let time = self.time();
        self.signs(time, Some(chain), post(text))
    }

    /// The next post, as the rules want it.
    pub(crate) fn post(&mut self, text: &str) -> Signed {
        let chain = Chain::after(self.head);
        let signed = self.post_at(chain, text);
        self.head = Some((chain.seq, signed.id()));
        signed
    }

    pub(crate) fn profile(&mut self, name: &str) -> Signed {
        let (time, name) = (self.time(), Name::new(name).unwrap());
        let profile = Profile {
            name,
            ..Profile::default()
        };
        self.signs(time, None, profile)
    }

    /// The root key takes the device back, after its number.
    pub(crate) fn revoke(&mut self, last_seq: u64) -> Signed {
        let (time, device) = (self.time(), self.key.device());
        let revoke = Revoke { device, last_seq };
        let chain = Some(Chain { seq: 1, prev: None });
        let root = self.root.as_device();
        seal(&root, self.author(), None, time, chain, revoke.into()).unwrap()
    }
}

pub(crate) fn post(text: &str) -> Post {
    Post {
        text: Prose::new(text).unwrap(),
        ..Post::default()
    }
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field of protobuf that is bytes.
pub(crate) fn field(number: usize, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len()), bytes.to_vec()].concat()
}

/// A subscription in an RPC of gossipsub.
pub(crate) fn subscription(topic: &str) -> Vec<u8> {
    let subscribe = [vec![1 << 3, 1], field(2, topic.as_bytes())].concat();
    field(1, &subscribe)
}

/// A message in an RPC of gossipsub, without author and signature.
pub(crate) fn message(topic: &str, data: &[u8]) -> Vec<u8> {
    field(2, &[field(2, data), field(4, topic.as_bytes())].concat())
}

/// An RPC of gossipsub, with its length.
pub(crate) fn rpc(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [varint(body.len()), body].concat()
}
