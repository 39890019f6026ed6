//! The node's directory: its keys, its token, its port, and the lock that keeps a second program out.
//!
//! Everything in it is for the owner's eyes. A secret that others on the machine may read is refused
//! rather than repaired: whoever could read it may have done so. Files are written anew, synced and
//! renamed, so that a crash leaves the old one or the new one and never half of one. Described in
//! `spec/identity.md`, "On disk".

mod joined;

pub use joined::{Primary, Vacancy};

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant, IdentityError, Phrase, RootKey, Scopes};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const KEYS: &str = "keys.json";
const TOKEN: &str = "api.token";
const PORT: &str = "api.port";
const PEER_PORTS: &str = "peers.port";
const LOCK: &str = "lock";
const STORE: &str = "store";
const SEARCH: &str = "search";
/// The form of the keys' file that this program writes.
const KEYS_VERSION: u32 = 1;
/// Largest file of keys, token or port that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Secret bytes of an API token.
pub const TOKEN_BYTES: usize = 32;

/// Why the directory cannot be used. Each says what to do in [`HomeError::next`].
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It, or a file in it, cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    NotWritable {
        /// What cannot be written.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    NotReadable {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others on this machine may read or change it.
    #[error("{} can be read or changed by others on this machine: expected mode {expected:o}, found {actual:o}", path.display())]
    TooOpen {
        /// What is too open.
        path: PathBuf,
        /// The mode that it must have.
        expected: u32,
        /// The mode that it has.
        actual: u32,
    },
    /// Another program works in it.
    #[error("a node is already running on {}", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// It holds a node's records and no keys.
    #[error("{} holds a node's records but not its keys", dir.display())]
    KeysMissing {
        /// The directory.
        dir: PathBuf,
    },
    /// The file of keys is not as it was written.
    #[error("the keys in {} are damaged: {reason}", path.display())]
    KeysDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is an identity already.
    #[error("{} has an identity already", dir.display())]
    Exists {
        /// The directory.
        dir: PathBuf,
    },
    /// There is no identity yet.
    #[error("{} has no identity yet", dir.display())]
    Absent {
        /// The directory.
        dir: PathBuf,
    },
    /// The token or the port is not as it was written.
    #[error("{} is damaged: {reason}", path.display())]
    FileDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The machine gives no random numbers.
    #[error("this machine gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// An identity could not be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl HomeError {
    /// What to do next, one sentence.
    pub fn next(&self) -> String {
        match self {
            Self::NotWritable { .. } => "Free some space, or choose a directory of your own with --home.".into(),
            Self::NotReadable { path, .. } => format!("See who owns it with 'ls -ld {}'.", path.display()),
            Self::TooOpen { path, expected, .. } => format!(
                "If nobody else has read it, close it with 'chmod {expected:o} {}' and start again.",
                path.display()
            ),
            Self::InUse { .. } => "Use that one, stop it, or choose another directory with --home.".into(),
            Self::KeysMissing { dir } => {
                format!("Put keys.json back into {} from your backup.", dir.display())
            }
            Self::KeysDamaged { .. } => {
                "Put the file back from your backup, or restore the identity from its 24 words in a new directory.".into()
            }
            Self::Exists { .. } => "Use it as it is, or choose another directory with --home.".into(),
            Self::Absent { .. } => "Make one with 'souk init'.".into(),
            Self::FileDamaged { path, .. } => {
                format!("Remove {} and start again; a new one is made.", path.display())
            }
            Self::Random(_) | Self::Identity(_) => "Start again; if it stays so, report it.".into(),
        }
    }
}

/// The file of keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    version: u32,
    author: AuthorId,
    device: DeviceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    secret: Zeroizing<String>,
    grant: Grant,
    /// The owner may keep them on paper alone and take them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Zeroizing<String>>,
}

/// The secret that a caller of the local API shows. Never printed.
pub struct Token(Zeroizing<String>);

impl Token {
    /// The secret, 43 characters of base64url.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The directory of one node, for this process alone.
pub struct Home {
    dir: PathBuf,
    author: AuthorId,
    device: DeviceId,
    name: Option<String>,
    secret: Zeroizing<[u8; 32]>,
    grant: Grant,
    root: Option<RootKey>,
    /// The lock goes with the open file.
    _lock: HomeLock,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home")
            .field("dir", &self.dir)
            .field("author", &self.author)
            .finish_non_exhaustive()
    }
}

impl Home {
    /// Opens the directory; with no identity in it, makes one. The words are given back when they are
    /// new: it is the moment to write them down. `name` is how a new owner wants to be called.
    pub fn open_or_create(dir: &Path, name: Option<&str>) -> Result<(Self, Option<Phrase>), HomeError> {
        let lock = enter(dir)?;
        if dir.join(KEYS).exists() {
            return Ok((Self::read(dir, lock)?, None));
        }
        let phrase = Phrase::from_entropy(&*random::<32>()?)?;
        let home = Self::make(dir, lock, name, &phrase)?;
        Ok((home, Some(phrase)))
    }

    /// Opens the directory of an identity that is there.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        if !dir.join(KEYS).exists() {
            return Err(HomeError::Absent { dir: dir.to_owned() });
        }
        let lock = enter(dir)?;
        Self::read(dir, lock)
    }

    /// Makes an identity where none is: a new one, or that of these words with a new device.
    pub fn create(
        dir: &Path,
        name: Option<&str>,
        words: Option<Phrase>,
    ) -> Result<(Self, Phrase), HomeError> {
        let lock = enter(dir)?;
        if dir.join(KEYS).exists() {
            return Err(HomeError::Exists { dir: dir.to_owned() });
        }
        let phrase = match words {
            Some(phrase) => phrase,
            None => Phrase::from_entropy(&*random::<32>()?)?,
        };
        Ok((Self::make(dir, lock, name, &phrase)?, phrase))
    }

    fn make(dir: &Path, lock: HomeLock, name: Option<&str>, phrase: &Phrase) -> Result<Self, HomeError> {
        if dir.join(STORE).exists() {
            return Err(HomeError::KeysMissing { dir: dir.to_owned() });
        }
        let root = phrase.root_key()?;
        let key = DeviceKey::from_secret(&*random::<32>()?);
        let file = KeysFile {
            version: KEYS_VERSION,
            author: root.author(),
            device: key.device(),
            name: name.map(str::to_owned),
            secret: Zeroizing::new(BASE64URL_NOPAD.encode(&*key.secret())),
            grant: root.grant(key.device(), Scopes::ALL, 0, None)?,
            words: Some(Zeroizing::new(phrase.words().to_owned())),
        };
        let path = dir.join(KEYS);
        let text = serde_json::to_vec_pretty(&file).map_err(|error| HomeError::NotWritable {
            path: path.clone(),
            source: error.into(),
        })?;
        write_anew(&path, &Zeroizing::new(text))?;
        Self::read(dir, lock)
    }

    fn read(dir: &Path, lock: HomeLock) -> Result<Self, HomeError> {
        let path = dir.join(KEYS);
        let text = read_secret(&path)?;
        let damaged = |reason: String| HomeError::KeysDamaged {
            path: path.clone(),
            reason,
        };
        let file: KeysFile = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if file.version != KEYS_VERSION {
            return Err(damaged(format!(
                "expected version {KEYS_VERSION}, got {}",
                file.version
            )));
        }
        let secret = BASE64URL_NOPAD.decode(file.secret.as_bytes()).map(Zeroizing::new);
        let secret = secret.map_err(|_| damaged("the device's secret is not base64url".into()))?;
        let secret: [u8; 32] = secret
            .as_slice()
            .try_into()
            .map_err(|_| damaged(format!("expected 32 secret bytes, got {}", secret.len())))?;
        let secret = Zeroizing::new(secret);
        if DeviceKey::from_secret(&secret).device() != file.device {
            return Err(damaged("the secret is not that of the device".into()));
        }
        file.grant
            .verify(&file.author, &file.device)
            .map_err(|error| damaged(error.to_string()))?;
        let mut root_key = None;
        if let Some(words) = &file.words {
            let root = Phrase::parse(words).and_then(|phrase| phrase.root_key());
            match root {
                Ok(root) if root.author() == file.author => root_key = Some(root),
                Ok(_) => return Err(damaged("the words are another author's".into())),
                Err(error) => return Err(damaged(error.to_string())),
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            author: file.author,
            device: file.device,
            name: file.name,
            secret,
            grant: file.grant,
            root: root_key,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Whose it is.
    pub fn author(&self) -> AuthorId {
        self.author
    }
    /// Which device this is.
    pub fn device(&self) -> DeviceId {
        self.device
    }
    /// How the owner wanted to be called when the identity was made; the profile counts once there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    /// What the device signs with.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey::from_secret(&self.secret)
    }
    /// The author's word for the device.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
    /// Where the store is.
    pub fn store(&self) -> PathBuf {
        self.dir.join(STORE)
    }
    /// Where the search index is. It can be made again from the store.
    pub fn search(&self) -> PathBuf {
        self.dir.join(SEARCH)
    }

    /// The token of the local API; the first call makes it.
    pub fn token(&self) -> Result<Token, HomeError> {
        let path = self.dir.join(TOKEN);
        if !path.exists() {
            let token = Zeroizing::new(BASE64URL_NOPAD.encode(&*random::<TOKEN_BYTES>()?));
            write_anew(&path, token.as_bytes())?;
            return Ok(Token(token));
        }
        let text = read_secret(&path)?;
        let text = std::str::from_utf8(&text).unwrap_or_default().trim();
        let decoded = BASE64URL_NOPAD.decode(text.as_bytes()).map(Zeroizing::new);
        match decoded {
            Ok(bytes) if bytes.len() == TOKEN_BYTES => Ok(Token(Zeroizing::new(text.to_owned()))),
            _ => Err(HomeError::FileDamaged {
                path,
                reason: format!("expected {TOKEN_BYTES} bytes in base64url"),
            }),
        }
    }

    /// The port that the local API had the last time.
    pub fn port(&self) -> Result<Option<u16>, HomeError> {
        let path = self.dir.join(PORT);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_bounded(&path)?;
        let port = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        match port {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => Err(HomeError::FileDamaged {
                path,
                reason: "expected a port from 1 to 65535".into(),
            }),
        }
    }

    /// Keeps the port of the local API for the next time, and for whoever looks for the node.
    pub fn keep_port(&self, port: u16) -> Result<(), HomeError> {
        write_anew(&self.dir.join(PORT), format!("{port}\n").as_bytes())
    }
}

/// The ports at which other nodes reach this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerPorts {
    /// Of QUIC (UDP) and of TCP.
    pub peers: u16,
    /// Of the direct lane (UDP).
    pub lane: u16,
}

impl Home {
    /// The ports for other nodes that were kept.
    pub fn peer_ports(&self) -> Result<Option<PeerPorts>, HomeError> {
        let path = self.dir.join(PEER_PORTS);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_bounded(&path)?;
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| HomeError::FileDamaged {
                path,
                reason: error.to_string(),
            })
    }

    /// Keeps the ports for other nodes: whoever knows this node's address finds it there again.
    pub fn keep_peer_ports(&self, ports: PeerPorts) -> Result<(), HomeError> {
        let text = format!("{{\"peers\":{},\"lane\":{}}}\n", ports.peers, ports.lane);
        write_anew(&self.dir.join(PEER_PORTS), text.as_bytes())
    }
}

/// Bytes on disk below a directory; what cannot be read counts nothing.
pub fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        // It went away meanwhile.
        Err(_) => 0,
    });
    sizes.sum()
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, HomeError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(HomeError::Random)?;
    Ok(bytes)
}

/// Makes the directory if need be, checks that it is closed to others, and locks it.
/// The hold on the directory. Let go by name: a process that is just being started holds a copy of the
/// file until its own program runs, so closing this one would not be enough.
struct HomeLock(File);

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Failing is harmless: the lock goes with the last copy of the file.
        self.0.unlock().ok();
    }
}

fn enter(dir: &Path) -> Result<HomeLock, HomeError> {
    let not_writable = |source| HomeError::NotWritable {
        path: dir.to_owned(),
        source,
    };
    if !dir.exists() {
        fs::create_dir_all(dir).map_err(not_writable)?;
        close(dir)?;
    } else if fs::read_dir(dir).map_err(not_writable)?.next().is_none() {
        close(dir)?;
    }
    require_closed(dir, 0o700)?;
    let path = dir.join(LOCK);
    let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
        .open(&path)
        .map_err(|source| HomeError::NotWritable {
            path: path.clone(),
            source,
        })?;
    match lock.try_lock() {
        Ok(()) => Ok(HomeLock(lock)),
        Err(TryLockError::WouldBlock) => Err(HomeError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(HomeError::NotWritable { path, source }),
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn close(dir: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|source| HomeError::NotWritable {
        path: dir.to_owned(),
        source,
    })
}

#[cfg(not(unix))]
fn close(_: &Path) -> Result<(), HomeError> {
    Ok(())
}

#[cfg(unix)]
fn require_closed(path: &Path, expected: u32) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    let data = fs::metadata(path).map_err(|source| HomeError::NotReadable {
        path: path.to_owned(),
        source,
    })?;
    let actual = data.permissions().mode() & 0o7777;
    match actual & 0o077 {
        0 => Ok(()),
        _ => Err(HomeError::TooOpen {
            path: path.to_owned(),
            expected,
            actual,
        }),
    }
}

#[cfg(not(unix))]
fn require_closed(_: &Path, _: u32) -> Result<(), HomeError> {
    Ok(())
}

fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    require_closed(path, 0o600)?;
    read_bounded(path)
}

fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    let not_readable = |source| HomeError::NotReadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(not_readable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(not_readable)?;
    Ok(bytes)
}

/// Writes a file beside the old one, syncs it, and puts it in the old one's place.
fn write_anew(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let new = path.with_extension("new");
    let written = || -> io::Result<()> {
        // What a crash left behind may have another mode.
        if new.exists() {
            fs::remove_file(&new)?;
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(dir) => sync_dir(dir),
            None => Ok(()),
        }
    };
    written().map_err(|source| HomeError::NotWritable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("alice");
        (place, dir)
    }

    #[test]
    fn a_home_opens_again_as_it_was_made() {
        let (_place, dir) = place();
        let (home, words) = Home::open_or_create(&dir, Some("Alice")).unwrap();
        let words = words.unwrap();
        assert_eq!(words.root_key().unwrap().author(), home.author());
        let (author, device, token) = (
            home.author(),
            home.device(),
            home.token().unwrap().reveal().to_owned(),
        );
        home.keep_port(4_321).unwrap();
        drop(home);
        let (home, words) = Home::open_or_create(&dir, None).unwrap();
        assert!(words.is_none());
        assert_eq!(
            (home.author(), home.device(), home.name()),
            (author, device, Some("Alice"))
        );
        assert_eq!(
            (home.token().unwrap().reveal(), home.port().unwrap()),
            (token.as_str(), Some(4_321))
        );
        assert_eq!(home.device_key().device(), device);
    }

    #[test]
    fn the_same_words_make_the_same_author_with_another_device() {
        let (_one, first) = place();
        let (_other, second) = place();
        let (alice, words) = Home::create(&first, None, None).unwrap();
        let (again, _) = Home::create(&second, None, Some(words)).unwrap();
        assert_eq!(alice.author(), again.author());
        assert_ne!(alice.device(), again.device());
        drop(alice);
        assert!(matches!(
            Home::create(&first, None, None),
            Err(HomeError::Exists { .. })
        ));
    }

    #[test]
    fn a_second_program_is_turned_away() {
        let (_place, dir) = place();
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        assert!(matches!(Home::open(&dir), Err(HomeError::InUse { .. })));
        drop(home);
        assert!(Home::open(&dir).is_ok());
    }

    #[test]
    fn damaged_or_missing_keys_are_never_replaced() {
        let (_place, dir) = place();
        assert!(matches!(Home::open(&dir), Err(HomeError::Absent { .. })));
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        let (path, good) = (dir.join(KEYS), fs::read_to_string(dir.join(KEYS)).unwrap());
        drop(home);
        let author = "author-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let start = good.find("author-").unwrap();
        let mut other = good.clone();
        other.replace_range(start..start + author.len(), author);
        for bad in [
            "",
            "{}",
            &good[..good.len() / 2],
            &good.replace("\"version\": 1", "\"version\": 2"),
            &other,
        ] {
            fs::write(&path, bad).unwrap();
            let opened = Home::open_or_create(&dir, None);
            assert!(matches!(opened, Err(HomeError::KeysDamaged { .. })), "{bad}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(dir.join(STORE)).unwrap();
        assert!(matches!(
            Home::open_or_create(&dir, None),
            Err(HomeError::KeysMissing { .. })
        ));
        fs::write(&path, &good).unwrap();
        close_file(&path);
        assert!(Home::open_or_create(&dir, None).is_ok());
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn close_file(path: &Path) {
        #[cfg(unix)]
        set_mode(path, 0o600);
        let _ = path;
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_read_is_refused_with_the_way_to_close_it() {
        let (_place, dir) = place();
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        home.token().unwrap();
        set_mode(&dir.join(TOKEN), 0o644);
        assert!(matches!(
            home.token(),
            Err(HomeError::TooOpen { actual: 0o644, .. })
        ));
        drop(home);
        set_mode(&dir.join(KEYS), 0o640);
        let refused = Home::open(&dir).unwrap_err();
        assert!(refused.next().contains("chmod 600"), "{}", refused.next());
        set_mode(&dir.join(KEYS), 0o600);
        set_mode(&dir, 0o755);
        let refused = Home::open(&dir).unwrap_err();
        assert!(refused.next().contains("chmod 700"), "{}", refused.next());
    }

    #[test]
    fn a_damaged_token_or_port_is_named() {
        let (_place, dir) = place();
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        for port in ["", "0", "65536", "x"] {
            fs::write(dir.join(PORT), port).unwrap();
            assert!(
                matches!(home.port(), Err(HomeError::FileDamaged { .. })),
                "{port}"
            );
        }
        fs::write(dir.join(TOKEN), "short").unwrap();
        close_file(&dir.join(TOKEN));
        assert!(matches!(home.token(), Err(HomeError::FileDamaged { .. })));
    }
}
