//! The directory of a device that another one of its author let in: no words, a grant, and where the
//! device is that gave it. Described in `spec/devices.md`.

use super::files::{HomeLock, enter};
use super::keys::{self, Keys};
use super::{Home, HomeError, KEYS, STORE, read_secret, write_anew};
use serde::{Deserialize, Serialize};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const PRIMARY: &str = "primary.json";

/// The device that let this one in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Primary {
    /// Which.
    pub device: DeviceId,
    /// Where it could be reached then, as multiaddrs.
    pub addresses: Vec<String>,
}

/// A directory that is held for an identity to come.
pub struct Vacancy {
    dir: PathBuf,
    lock: HomeLock,
}

impl Vacancy {
    /// Holds a directory in which there is no identity yet.
    pub fn hold(dir: &Path) -> Result<Self, HomeError> {
        let lock = enter(dir)?;
        if dir.join(KEYS).exists() {
            return Err(HomeError::Exists { dir: dir.to_owned() });
        }
        if dir.join(STORE).exists() {
            return Err(HomeError::KeysMissing { dir: dir.to_owned() });
        }
        let dir = dir.to_owned();
        Ok(Self { dir, lock })
    }

    /// Makes it the directory of a device that was let in.
    pub fn fill(
        self,
        key: &DeviceKey,
        name: &str,
        author: AuthorId,
        grant: Grant,
        primary: &Primary,
    ) -> Result<Home, HomeError> {
        let keys = Keys {
            author,
            device: key.device(),
            name: (!name.is_empty()).then(|| name.to_owned()),
            secret: key.secret(),
            grant,
            words: None,
        };
        write_json(&self.dir.join(PRIMARY), primary)?;
        keys::write(&self.dir.join(KEYS), &keys, None)?;
        Home::read(&self.dir, self.lock, None)
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), HomeError> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| HomeError::NotWritable {
        path: path.to_owned(),
        source: error.into(),
    })?;
    write_anew(path, &Zeroizing::new(text))
}

impl Home {
    /// Whether a directory is one of a device that another one let in.
    pub fn was_let_in(dir: &Path) -> bool {
        dir.join(PRIMARY).exists()
    }

    /// The device that let this one in; none if this one made the identity, or was given its words.
    pub fn primary(&self) -> Result<Option<Primary>, HomeError> {
        let path = self.dir.join(PRIMARY);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_secret(&path)?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| HomeError::FileDamaged {
                path,
                reason: error.to_string(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use souk_protocol::identity::{Phrase, Scopes};

    #[test]
    fn a_device_that_was_let_in_opens_again_without_the_words() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("laptop");
        let root = Phrase::from_entropy(&[1; 32]).unwrap().root_key().unwrap();
        let key = DeviceKey::from_secret(&[2; 32]);
        let grant = root.grant(key.device(), Scopes::ALL, 3, None).unwrap();
        let primary = Primary {
            device: DeviceId::from_bytes([9; 32]),
            addresses: vec!["/ip4/127.0.0.1/udp/1/quic-v1".into()],
        };
        let vacancy = Vacancy::hold(&dir).unwrap();
        assert!(matches!(Vacancy::hold(&dir), Err(HomeError::InUse { .. })));
        let home = vacancy
            .fill(&key, "", root.author(), grant.clone(), &primary)
            .unwrap();
        drop(home);
        assert!(matches!(Vacancy::hold(&dir), Err(HomeError::Exists { .. })));
        assert!(Home::was_let_in(&dir));
        let home = Home::open(&dir).unwrap();
        assert_eq!((home.author(), home.device()), (root.author(), key.device()));
        assert_eq!(home.grant(), &grant);
        assert!(home.root_key().unwrap().is_none());
        assert_eq!(home.primary().unwrap(), Some(primary));
    }
}
