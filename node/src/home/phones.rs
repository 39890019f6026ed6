//! The file of paired phones: whether they are let in, where, with which certificate, and which they are.
//! Of a phone's secret only its hash is here. Described in `spec/identity.md`, "On disk".

use super::{Home, HomeError, read_secret, write_anew};
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

const PHONES: &str = "phones.json";
const VERSION: u8 = 1;

/// What is kept about phones.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhonesFile {
    version: u8,
    /// Whether the owner lets phones in.
    pub(crate) on: bool,
    /// The port of the last time.
    pub(crate) port: Option<u16>,
    pub(crate) certificate: Option<KeptCertificate>,
    pub(crate) phones: Vec<KeptPhone>,
}

/// A certificate and its key, both DER in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptCertificate {
    pub(crate) der: String,
    pub(crate) key: Zeroizing<String>,
    /// When it ends, in milliseconds since 1970.
    pub(crate) ends: u64,
}

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPhone {
    pub(crate) id: String,
    pub(crate) name: String,
    /// BLAKE3 of its secret, hexadecimal.
    pub(crate) secret_hash: String,
    pub(crate) paired: u64,
    pub(crate) seen: u64,
}

impl Default for PhonesFile {
    fn default() -> Self {
        Self {
            version: VERSION,
            on: false,
            port: None,
            certificate: None,
            phones: Vec::new(),
        }
    }
}

impl PhonesFile {
    /// Keeps it in a directory that this process holds.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), HomeError> {
        let path = dir.join(PHONES);
        let text = serde_json::to_vec(self).map(Zeroizing::new);
        let text = text.map_err(|error| HomeError::FileDamaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_anew(&path, &text)
    }
}

impl Home {
    /// What was kept about phones; nothing is no phone, and none let in.
    pub(crate) fn phones(&self) -> Result<PhonesFile, HomeError> {
        let path = self.dir.join(PHONES);
        if !path.exists() {
            return Ok(PhonesFile::default());
        }
        let text = read_secret(&path)?;
        let damaged = |reason: String| HomeError::FileDamaged {
            path: path.clone(),
            reason,
        };
        let file: PhonesFile = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        match file.version {
            VERSION => Ok(file),
            other => Err(damaged(format!("expected version {VERSION}, got {other}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_kept_for_the_owner_alone_and_damage_is_told() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("alice");
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        assert!(!home.phones().unwrap().on);
        let phone = KeptPhone {
            id: "00".into(),
            name: "Pocket".into(),
            secret_hash: "ab".into(),
            paired: 1,
            seen: 2,
        };
        let file = PhonesFile {
            on: true,
            port: Some(4_000),
            phones: vec![phone.clone()],
            ..PhonesFile::default()
        };
        file.write(&dir).unwrap();
        let read = home.phones().unwrap();
        assert_eq!(
            (read.on, read.port, read.phones),
            (true, Some(4_000), vec![phone])
        );
        let path = dir.join(PHONES);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        for damage in [
            "",
            "{}",
            "{\"version\":2,\"on\":false,\"port\":null,\"certificate\":null,\"phones\":[]}",
        ] {
            std::fs::write(&path, damage).unwrap();
            assert!(
                matches!(home.phones(), Err(HomeError::FileDamaged { .. })),
                "{damage}"
            );
        }
    }
}
