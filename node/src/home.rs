//! The node's directory: its keys, its token, its port, and the lock that keeps a second program out.
//!
//! Everything in it is for the owner's eyes. A secret that others on the machine may read is refused
//! rather than repaired: whoever could read it may have done so. Files are written anew, synced and
//! renamed, so that a crash leaves the old one or the new one and never half of one. Described in
//! `spec/identity.md`, "On disk".

mod files;
mod joined;
mod keys;
mod phones;
mod place;

pub(crate) use files::{private, read_secret, sync_dir, write_anew};
pub use joined::{Primary, Vacancy};
pub(crate) use phones::{KeptCertificate, KeptPhone, PhonesFile};

use crate::vault::Passphrase;
use data_encoding::BASE64URL_NOPAD;
use files::{HomeLock, enter, read_bounded};
use keys::Keys;
use serde::{Deserialize, Serialize};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::{DeviceKey, Grant, IdentityError, Phrase, RootKey, Scopes};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const KEYS: &str = "keys.json";
pub(crate) const TOKEN: &str = "api.token";
const PORT: &str = "api.port";
const PEER_PORTS: &str = "peers.port";
pub(crate) const STORE: &str = "store";
pub(crate) const SEARCH: &str = "search";
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
    /// A passphrase closes the keys, and none was given.
    #[error("the keys in {} are closed with a passphrase", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another one.
    #[error("the passphrase does not open {}", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The words that are needed are not kept there.
    #[error("the 24 words were taken out of {}", path.display())]
    NoWords {
        /// The file.
        path: PathBuf,
    },
    /// The words are of another author.
    #[error("these words are those of {words}, and {} is {dir_of}", dir.display())]
    OtherAuthor {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        dir_of: AuthorId,
        /// Whose the words are.
        words: AuthorId,
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
            Self::Locked { .. } => {
                "Type it when you are asked, or name a file that holds it with --passphrase-file.".into()
            }
            Self::WrongPassphrase { .. } => "Try again; nothing was changed.".into(),
            Self::NoWords { .. } | Self::OtherAuthor { .. } => {
                "Look for the paper that they were written on, and name them with --words-file.".into()
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

/// Who owns a directory.
pub struct Owner {
    /// The author.
    pub author: AuthorId,
    /// The device.
    pub device: DeviceId,
    /// The epoch of its grant.
    pub epoch: u32,
    /// How the owner wanted to be called when the identity was made.
    pub name: Option<String>,
    /// The 24 words, unless the owner took them out.
    pub words: Option<Zeroizing<String>>,
}

/// The directory of one node, for this process alone.
pub struct Home {
    dir: PathBuf,
    keys: Keys,
    /// Whether the directory was copied or put back since it was used last.
    moved: bool,
    /// The lock goes with the open file.
    _lock: HomeLock,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home")
            .field("dir", &self.dir)
            .field("author", &self.keys.author)
            .finish_non_exhaustive()
    }
}

impl Home {
    /// Opens the directory; with no identity in it, makes one. The words are given back when they are
    /// new: it is the moment to write them down. `name` is how a new owner wants to be called.
    pub fn open_or_create(dir: &Path, name: Option<&str>) -> Result<(Self, Option<Phrase>), HomeError> {
        Self::open_or_create_with(dir, name, None)
    }

    /// The same, with the passphrase that closes the keys, or is to close those of a new identity.
    pub fn open_or_create_with(
        dir: &Path,
        name: Option<&str>,
        passphrase: Option<&Passphrase>,
    ) -> Result<(Self, Option<Phrase>), HomeError> {
        let lock = enter(dir)?;
        if dir.join(KEYS).exists() {
            return Ok((Self::read(dir, lock, passphrase)?, None));
        }
        let phrase = Phrase::from_entropy(&*random::<32>()?)?;
        let home = Self::make(dir, lock, name, &phrase, passphrase, 0)?;
        Ok((home, Some(phrase)))
    }

    /// Opens the directory of an identity that is there.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        Self::open_with(dir, None)
    }

    /// The same, with the passphrase that closes the keys.
    pub fn open_with(dir: &Path, passphrase: Option<&Passphrase>) -> Result<Self, HomeError> {
        if !dir.join(KEYS).exists() {
            return Err(HomeError::Absent { dir: dir.to_owned() });
        }
        let lock = enter(dir)?;
        Self::read(dir, lock, passphrase)
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
        Ok((Self::make(dir, lock, name, &phrase, None, 0)?, phrase))
    }

    /// Makes a new device for these words, in an epoch of its author, where no identity is.
    pub(crate) fn restore(
        dir: &Path,
        name: Option<&str>,
        phrase: &Phrase,
        passphrase: Option<&Passphrase>,
        epoch: u32,
    ) -> Result<Self, HomeError> {
        let lock = enter(dir)?;
        if dir.join(KEYS).exists() {
            return Err(HomeError::Exists { dir: dir.to_owned() });
        }
        Self::make(dir, lock, name, phrase, passphrase, epoch)
    }

    fn make(
        dir: &Path,
        lock: HomeLock,
        name: Option<&str>,
        phrase: &Phrase,
        passphrase: Option<&Passphrase>,
        epoch: u32,
    ) -> Result<Self, HomeError> {
        if dir.join(STORE).exists() {
            return Err(HomeError::KeysMissing { dir: dir.to_owned() });
        }
        let keys = new_device(&phrase.root_key()?, phrase, name.map(str::to_owned), epoch)?;
        keys::write(&dir.join(KEYS), &keys, passphrase)?;
        Self::read(dir, lock, passphrase)
    }

    fn read(dir: &Path, lock: HomeLock, passphrase: Option<&Passphrase>) -> Result<Self, HomeError> {
        Ok(Self {
            dir: dir.to_owned(),
            keys: keys::read(&dir.join(KEYS), passphrase)?,
            moved: place::has_moved(dir)?,
            _lock: lock,
        })
    }

    /// Who owns a directory, whether or not a node runs on it.
    pub fn owner(dir: &Path, passphrase: Option<&Passphrase>) -> Result<Owner, HomeError> {
        let path = dir.join(KEYS);
        if !path.exists() {
            return Err(HomeError::Absent { dir: dir.to_owned() });
        }
        let keys = keys::read(&path, passphrase)?;
        Ok(Owner {
            author: keys.author,
            device: keys.device,
            epoch: keys.grant.epoch,
            name: keys.name,
            words: keys.words,
        })
    }

    /// Refuses a directory that a program works in.
    pub(crate) fn require_idle(dir: &Path) -> Result<(), HomeError> {
        enter(dir).map(drop)
    }

    /// Whether a passphrase closes the keys in a directory. An absent identity has none.
    pub fn is_locked(dir: &Path) -> Result<bool, HomeError> {
        match dir.join(KEYS) {
            keys if keys.exists() => keys::is_locked(&keys),
            _ => Ok(false),
        }
    }

    /// Closes the keys with a passphrase, or opens them to whoever may read the file.
    pub fn close_with(&self, passphrase: Option<&Passphrase>) -> Result<(), HomeError> {
        keys::write(&self.dir.join(KEYS), &self.keys, passphrase)
    }

    /// Puts a new device of the same author in the place of this one, whose key is gone for good then.
    /// The words are those that are kept here, unless they are given.
    pub fn renew(
        &mut self,
        words: Option<&Phrase>,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), HomeError> {
        let path = self.dir.join(KEYS);
        let kept = match (words, &self.keys.words) {
            (Some(_), _) => None,
            (None, Some(kept)) => Some(Phrase::parse(kept)?),
            (None, None) => return Err(HomeError::NoWords { path }),
        };
        let Some(phrase) = words.or(kept.as_ref()) else {
            return Err(HomeError::NoWords { path });
        };
        let root = phrase.root_key()?;
        if root.author() != self.keys.author {
            return Err(HomeError::OtherAuthor {
                dir: self.dir.clone(),
                dir_of: self.keys.author,
                words: root.author(),
            });
        }
        let epoch = self.keys.grant.epoch.saturating_add(1);
        let keys = new_device(&root, phrase, self.keys.name.clone(), epoch)?;
        keys::write(&path, &keys, passphrase)?;
        self.keys = keys;
        Ok(())
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Whose it is.
    pub fn author(&self) -> AuthorId {
        self.keys.author
    }
    /// Which device this is.
    pub fn device(&self) -> DeviceId {
        self.keys.device
    }
    /// How the owner wanted to be called when the identity was made; the profile counts once there is one.
    pub fn name(&self) -> Option<&str> {
        self.keys.name.as_deref()
    }
    /// What the device signs with.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey::from_secret(&self.keys.secret)
    }
    /// The author's word for the device.
    pub fn grant(&self) -> &Grant {
        &self.keys.grant
    }
    /// The 24 words, unless the owner took them out.
    pub fn words(&self) -> Option<&str> {
        self.keys.words.as_ref().map(|words| words.as_str())
    }
    /// The root key, unless the owner took the words out.
    pub(crate) fn root_key(&self) -> Result<Option<RootKey>, HomeError> {
        match self.words() {
            Some(words) => Ok(Some(Phrase::parse(words)?.root_key()?)),
            None => Ok(None),
        }
    }
    /// Whether the directory was copied, or put back from elsewhere, since a node ran on it last: then
    /// another copy may have gone on without this one.
    pub fn has_moved(&self) -> bool {
        self.moved
    }
    /// Remembers that the directory is where it is now. Only after what follows from a move is on disk.
    pub fn settle_here(&self) -> Result<(), HomeError> {
        place::keep(&self.dir)
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

/// A device that never was before, and the author's word for it.
fn new_device(root: &RootKey, phrase: &Phrase, name: Option<String>, epoch: u32) -> Result<Keys, HomeError> {
    let key = DeviceKey::from_secret(&*random::<32>()?);
    Ok(Keys {
        author: root.author(),
        device: key.device(),
        name,
        secret: key.secret(),
        grant: root.grant(key.device(), Scopes::ALL, epoch, None)?,
        words: Some(Zeroizing::new(phrase.words().to_owned())),
    })
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

    #[test]
    fn a_flipped_bit_in_the_keys_is_refused_or_changes_nobody() {
        let (_place, dir) = place();
        let (home, _) = Home::open_or_create(&dir, None).unwrap();
        let who = |home: &Home| {
            (
                home.keys.author,
                home.keys.device,
                *home.keys.secret,
                home.keys.grant.clone(),
            )
        };
        let (path, whole) = (dir.join(KEYS), who(&home));
        drop(home);
        let good = fs::read(&path).unwrap();
        let mut refused = 0;
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(&path, bad).unwrap();
            match Home::open(&dir) {
                Ok(home) => assert!(who(&home) == whole, "byte {place}"),
                Err(HomeError::KeysDamaged { .. }) => refused += 1,
                Err(error) => panic!("byte {place}: {error}"),
            }
        }
        assert!(
            refused > good.len() / 2,
            "{refused} of {} were refused",
            good.len()
        );
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
    fn closed_keys_open_with_their_passphrase_alone() {
        let (_place, dir) = place();
        let (one, two) = (Passphrase::new("one").unwrap(), Passphrase::new("two").unwrap());
        let (home, words) = Home::open_or_create_with(&dir, None, Some(&one)).unwrap();
        let (device, words) = (home.device(), words.unwrap());
        drop(home);
        let text = || fs::read_to_string(dir.join(KEYS)).unwrap();
        let closed = text();
        assert!(!closed.contains(words.words()) && Home::is_locked(&dir).unwrap());
        assert!(matches!(Home::open(&dir), Err(HomeError::Locked { .. })));
        let wrong = Home::open_with(&dir, Some(&two));
        assert!(matches!(wrong, Err(HomeError::WrongPassphrase { .. })));
        assert_eq!(text(), closed);
        let home = Home::open_with(&dir, Some(&one)).unwrap();
        assert_eq!((home.device(), home.words()), (device, Some(words.words())));
        home.close_with(Some(&two)).unwrap();
        // What a crash left behind beside the file is not the file.
        fs::write(dir.join("keys.new"), "half").unwrap();
        drop(home);
        assert!(matches!(
            Home::open_with(&dir, Some(&one)),
            Err(HomeError::WrongPassphrase { .. })
        ));
        let home = Home::open_with(&dir, Some(&two)).unwrap();
        home.close_with(None).unwrap();
        drop(home);
        assert_eq!(Home::open(&dir).unwrap().device(), device);
        assert!(text().contains(words.words()));
        // Closed and open at once is neither.
        let both = text().replacen("\"secret\"", "\"locked\": \"eA==\", \"secret\"", 1);
        for bad in [
            &both,
            &closed.replace("\"version\": 2", "\"version\": 1"),
            &closed.replace("\"locked\": \"YW", "\"locked\": \"YX"),
        ] {
            fs::write(dir.join(KEYS), bad).unwrap();
            let opened = Home::open_with(&dir, Some(&two));
            assert!(matches!(opened, Err(HomeError::KeysDamaged { .. })), "{bad}");
        }
    }

    #[test]
    fn a_new_device_takes_the_place_of_the_old_one_by_its_author_s_words_alone() {
        let (_place, dir) = place();
        let (mut home, words) = Home::open_or_create(&dir, Some("Alice")).unwrap();
        let (author, device, words) = (home.author(), home.device(), words.unwrap());
        let eve = Phrase::from_entropy(&[9; 32]).unwrap();
        let refused = home.renew(Some(&eve), None);
        assert!(matches!(refused, Err(HomeError::OtherAuthor { .. })));
        assert_eq!(home.device(), device);
        home.renew(Some(&words), None).unwrap();
        let renewed = home.device();
        drop(home);
        let home = Home::open(&dir).unwrap();
        assert_eq!(
            (home.author(), home.device(), home.name()),
            (author, renewed, Some("Alice"))
        );
        assert_ne!(renewed, device);
        assert_eq!(home.grant().epoch, 1);
        assert_eq!(home.grant().verify(&author, &renewed), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn a_copied_directory_is_told_from_one_that_was_renamed() {
        let (place, dir) = place();
        drop(Home::open_or_create(&dir, None).unwrap());
        assert!(!Home::open(&dir).unwrap().has_moved());
        let renamed = place.path().join("renamed");
        fs::rename(&dir, &renamed).unwrap();
        assert!(!Home::open(&renamed).unwrap().has_moved());
        let copy = place.path().join("copy");
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([&renamed, &copy])
            .status();
        assert!(copied.unwrap().success());
        let home = Home::open(&copy).unwrap();
        assert!(home.has_moved());
        drop(home);
        // As long as nobody has written down what follows from it, it stays so.
        let home = Home::open(&copy).unwrap();
        assert!(home.has_moved());
        home.settle_here().unwrap();
        drop(home);
        assert!(!Home::open(&copy).unwrap().has_moved());
        assert!(!Home::open(&renamed).unwrap().has_moved());
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
