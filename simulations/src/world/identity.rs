//! The keys of simulated devices. Described in `spec/simulations.md`.

use super::*;

/// A node's keys.
#[derive(Clone)]
pub(super) struct Identity {
    secret: [u8; 32],
    pub(super) author: AuthorId,
    pub(super) device: DeviceId,
    /// None before the author let the device in.
    pub(super) grant: Option<Grant>,
    /// Where the author's words are.
    pub(super) root: Option<RootKey>,
}

/// Bytes that are a node's own: they depend on its number alone.
pub(super) fn named(what: &str, at: usize) -> [u8; 32] {
    *blake3::hash(format!("{what} of node {at}").as_bytes()).as_bytes()
}

impl Identity {
    /// The keys of somebody's first device, made once for all worlds.
    pub(super) fn of(at: usize) -> Result<Self, Broken> {
        static KNOWN: Mutex<BTreeMap<usize, Identity>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = known.get(&at) {
            return Ok(identity.clone());
        }
        let broken = |error: &dyn std::fmt::Display| Broken::new(Law::NoFault, error.to_string(), [at]);
        let root = Phrase::from_entropy(&named("words", at)).and_then(|phrase| phrase.root_key());
        let root = root.map_err(|error| broken(&error))?;
        let secret = named("device", at);
        let device = DeviceKey::from_secret(&secret).device();
        let grant = root.grant(device, Scopes::ALL, 0, None);
        let identity = Self {
            secret,
            author: root.author(),
            device,
            grant: Some(grant.map_err(|error| broken(&error))?),
            root: Some(root),
        };
        known.insert(at, identity.clone());
        Ok(identity)
    }

    /// What it signs with, once it may.
    pub(super) fn keys(&self) -> Option<Keys> {
        Some(Keys {
            device: DeviceKey::from_secret(&self.secret),
            author: self.author,
            grant: self.grant.clone()?,
        })
    }

    /// A device of somebody who has another one already, and has not let this one in yet.
    pub(super) fn further(at: usize, author: AuthorId) -> Self {
        let secret = named("device", at);
        Self {
            secret,
            author,
            device: DeviceKey::from_secret(&secret).device(),
            grant: None,
            root: None,
        }
    }
}
