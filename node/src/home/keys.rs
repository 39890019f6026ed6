//! The file of keys: what this device signs with, and the 24 words, in the open or closed with a
//! passphrase. Described in `spec/identity.md`, "On disk".

use super::HomeError;
use super::files::{read_secret, write_anew};
use crate::vault::{Passphrase, VaultError};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase};
use std::path::Path;
use zeroize::Zeroizing;

/// The form of a file with its secrets in the open.
const OPEN_VERSION: u32 = 1;
/// The form of a file whose secrets a passphrase closes.
const LOCKED_VERSION: u32 = 2;

/// What the file says.
pub(super) struct Keys {
    pub(super) author: AuthorId,
    pub(super) device: DeviceId,
    /// How the owner wanted to be called when the identity was made.
    pub(super) name: Option<String>,
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) grant: Grant,
    /// The owner may keep them on paper alone and take them out.
    pub(super) words: Option<Zeroizing<String>>,
}

/// The file of keys. Either `locked` or the two secrets stand in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    version: u32,
    author: AuthorId,
    device: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    grant: Grant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked: Option<String>,
}

/// What a passphrase closes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    secret: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Zeroizing<String>>,
}

fn damaged(path: &Path, reason: impl ToString) -> HomeError {
    HomeError::KeysDamaged {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read_file(path: &Path) -> Result<KeysFile, HomeError> {
    let text = read_secret(path)?;
    let file: KeysFile = serde_json::from_slice(&text).map_err(|error| damaged(path, error))?;
    match file.version {
        OPEN_VERSION if file.locked.is_none() => Ok(file),
        LOCKED_VERSION if file.locked.is_some() && file.secret.is_none() && file.words.is_none() => Ok(file),
        OPEN_VERSION | LOCKED_VERSION => Err(damaged(path, "its secrets are not of its version's form")),
        other => Err(damaged(
            path,
            format!("expected version {OPEN_VERSION} or {LOCKED_VERSION}, got {other}"),
        )),
    }
}

/// Whether a passphrase is needed to read the file.
pub(super) fn is_locked(path: &Path) -> Result<bool, HomeError> {
    Ok(read_file(path)?.locked.is_some())
}

/// Reads the file. Everything in it must fit together.
pub(super) fn read(path: &Path, passphrase: Option<&Passphrase>) -> Result<Keys, HomeError> {
    let file = read_file(path)?;
    let secrets = match (file.locked, file.secret) {
        (Some(locked), _) => {
            let passphrase = passphrase.ok_or_else(|| HomeError::Locked {
                path: path.to_owned(),
            })?;
            unlock(path, &locked, passphrase)?
        }
        (None, Some(secret)) => Secrets {
            secret,
            words: file.words,
        },
        (None, None) => return Err(damaged(path, "missing field `secret`")),
    };
    let secret = BASE64URL_NOPAD
        .decode(secrets.secret.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| damaged(path, "the device's secret is not base64url"))?;
    let secret: [u8; 32] = secret
        .as_slice()
        .try_into()
        .map_err(|_| damaged(path, format!("expected 32 secret bytes, got {}", secret.len())))?;
    let secret = Zeroizing::new(secret);
    if DeviceKey::from_secret(&secret).device() != file.device {
        return Err(damaged(path, "the secret is not that of the device"));
    }
    file.grant
        .verify(&file.author, &file.device)
        .map_err(|error| damaged(path, error))?;
    if let Some(words) = &secrets.words {
        match Phrase::parse(words).and_then(|phrase| phrase.root_key()) {
            Ok(root) if root.author() == file.author => {}
            Ok(_) => return Err(damaged(path, "the words are another author's")),
            Err(error) => return Err(damaged(path, error)),
        }
    }
    Ok(Keys {
        author: file.author,
        device: file.device,
        name: file.name,
        secret,
        grant: file.grant,
        words: secrets.words,
    })
}

fn unlock(path: &Path, locked: &str, passphrase: &Passphrase) -> Result<Secrets, HomeError> {
    let locked = BASE64
        .decode(locked.as_bytes())
        .map_err(|_| damaged(path, "what is locked is not base64"))?;
    let secrets = passphrase.unlock_bytes(&locked).map_err(|error| match error {
        VaultError::WrongPassphrase => HomeError::WrongPassphrase {
            path: path.to_owned(),
        },
        error => damaged(path, error),
    })?;
    serde_json::from_slice(&secrets).map_err(|error| damaged(path, error))
}

/// Writes the file in the old one's place, its secrets closed if there is a passphrase. A crash leaves
/// the old one or the new one.
pub(super) fn write(path: &Path, keys: &Keys, passphrase: Option<&Passphrase>) -> Result<(), HomeError> {
    let not_writable = |source| HomeError::NotWritable {
        path: path.to_owned(),
        source,
    };
    let secrets = Secrets {
        secret: Zeroizing::new(BASE64URL_NOPAD.encode(&*keys.secret)),
        words: keys.words.clone(),
    };
    let mut file = KeysFile {
        version: OPEN_VERSION,
        author: keys.author,
        device: keys.device,
        name: keys.name.clone(),
        secret: None,
        grant: keys.grant.clone(),
        words: None,
        locked: None,
    };
    match passphrase {
        Some(passphrase) => {
            let text = serde_json::to_vec(&secrets).map_err(|error| not_writable(error.into()))?;
            let locked = passphrase.lock_bytes(&Zeroizing::new(text));
            let locked = locked.map_err(|error| not_writable(std::io::Error::other(error)))?;
            file.version = LOCKED_VERSION;
            file.locked = Some(BASE64.encode(&locked));
        }
        None => (file.secret, file.words) = (Some(secrets.secret), secrets.words),
    }
    let text = serde_json::to_vec_pretty(&file).map_err(|error| not_writable(error.into()))?;
    write_anew(path, &Zeroizing::new(text))
}
