//! What restores nothing, and what restores.

use super::*;
use crate::backup::{identity, write_contents, write_file};
use crate::vault::VaultError;
use std::io::Write as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// Alice's node, which has only just begun: its records hold that it has a clock and a device.
struct Alice {
    place: TempDir,
    identity: Identity,
    contents: Vec<u8>,
}

impl Alice {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("alice");
        drop(Home::open_or_create(&dir, Some("Alice")).unwrap());
        let identity = identity(&Home::owner(&dir, None).unwrap());
        let store = Store::open(&dir.join("store"), Options::default()).unwrap();
        store
            .commit(&[backup::restored(Some(identity.device), identity.author).unwrap()])
            .unwrap();
        let mut contents = Vec::new();
        write_contents(&store, &mut contents, &mut |_| {}).unwrap();
        Self {
            place,
            identity,
            contents,
        }
    }

    fn inside(&self) -> Vec<u8> {
        let identity = Item::Identity(Box::new(self.identity.clone())).write().unwrap();
        [MAGIC.as_slice(), &identity, &self.contents].concat()
    }

    /// The inside of a backup, taken into a store that goes away.
    fn takes(&self, inside: &[u8]) -> Result<u64, RestoreError> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), Options::default()).unwrap();
        let mut reading = Reading {
            path: Path::new("backup"),
            input: inside,
        };
        reading.identity()?;
        reading.into_store(&store)
    }

    fn file(&self, name: &str, inside: &[u8], passphrase: &Passphrase) -> PathBuf {
        let path = self.place.path().join(name);
        let mut locking = passphrase.lock(File::create(&path).unwrap()).unwrap();
        locking.write_all(inside).unwrap();
        locking.finish().unwrap();
        path
    }

    fn restores(
        &self,
        path: &Path,
        passphrase: &Passphrase,
        words: Option<&Phrase>,
    ) -> Result<Restored, RestoreError> {
        let dir = self.place.path().join("new");
        let wanted = Wanted {
            dir: &dir,
            words,
            close_with: None,
        };
        let restored = from_file(path, passphrase, &wanted, &mut |_| {});
        assert!(!self.place.path().join("new.restoring").exists());
        assert_eq!(restored.is_ok(), dir.exists());
        restored
    }
}

fn end(items: u64) -> Vec<u8> {
    Item::End { items }.write().unwrap().to_vec()
}

#[test]
fn a_backup_that_is_not_as_it_must_be_restores_nothing() {
    let alice = Alice::new();
    let whole = alice.inside();
    let items = alice.takes(&whole).unwrap();
    assert!(items >= 1);
    let cut = whole.len() - end(items).len();
    let body = &whole[..cut];
    let newer = Identity {
        schema: SCHEMA + 1,
        ..alice.identity.clone()
    };
    let newer = [
        MAGIC.as_slice(),
        &Item::Identity(Box::new(newer)).write().unwrap(),
    ]
    .concat();
    let damaged: [(&str, Vec<u8>); 8] = [
        ("no end", body.to_vec()),
        ("half an item", whole[..cut - 1].to_vec()),
        ("another number", [body, &end(items + 1)].concat()),
        ("something behind the end", [whole.as_slice(), b"x"].concat()),
        ("no identity", [MAGIC.as_slice(), &alice.contents].concat()),
        ("an unknown kind", [body, &[99, 0, 0, 0, 0]].concat()),
        ("a length without end", [body, &[2, 255, 255, 255, 255]].concat()),
        ("an envelope that is none", [body, &[2, 0, 0, 0, 1, 0]].concat()),
    ];
    for (name, inside) in &damaged {
        let taken = alice.takes(inside);
        let refused = matches!(
            taken,
            Err(RestoreError::Damaged { .. } | RestoreError::Item { .. })
        );
        assert!(refused, "{name}: {taken:?}");
    }
    assert!(matches!(alice.takes(&newer), Err(RestoreError::Newer { .. })));
    for none in [b"souk backup v2\n".as_slice(), b"", b"PK"] {
        assert!(matches!(alice.takes(none), Err(RestoreError::NoBackup { .. })));
    }
}

#[test]
fn no_change_of_the_inside_is_more_than_refused() {
    let (alice, mut state) = (Alice::new(), 7u64);
    let whole = alice.inside();
    for _ in 0..40 {
        // Knuth's constants; the seed is above.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 33).unwrap() % whole.len();
        let mut changed = whole.clone();
        changed[place] ^= 1 << (state % 8);
        // A private row may say something else; what says whose it is or how long it is may not.
        alice.takes(&changed).ok();
        assert!(alice.takes(&whole[..place]).is_err(), "{place} bytes");
    }
}

#[test]
fn words_and_passphrase_must_be_the_right_ones() {
    let alice = Alice::new();
    let (right, wrong) = (
        Passphrase::new("right").unwrap(),
        Passphrase::new("wrong").unwrap(),
    );
    let eve = Phrase::from_entropy(&[9; 32]).unwrap();
    let path = alice.file("kept", &alice.inside(), &right);
    let refused = alice.restores(&path, &wrong, None);
    let source = VaultError::WrongPassphrase;
    assert!(
        matches!(&refused, Err(RestoreError::Vault { source: other, .. }) if other.to_string() == source.to_string()),
        "{refused:?}"
    );
    let refused = alice.restores(&path, &right, Some(&eve));
    assert!(
        matches!(refused, Err(RestoreError::OtherAuthor { .. })),
        "{refused:?}"
    );
    let mut without = Alice::new();
    without.identity.words = None;
    let path = without.file("without", &without.inside(), &right);
    assert!(matches!(
        without.restores(&path, &right, None),
        Err(RestoreError::NoWords)
    ));
    // What an interrupted restoring left behind is in nobody's way, but one that is at work is.
    let left = alice.place.path().join("new.restoring");
    drop(Home::restore(&left, None, &eve, None, 0).unwrap());
    let path = alice.place.path().join("kept");
    let busy = Home::open(&left).unwrap();
    let dir = alice.place.path().join("new");
    let wanted = Wanted {
        dir: &dir,
        words: None,
        close_with: None,
    };
    let refused = from_file(&path, &right, &wanted, &mut |_| {});
    assert!(
        matches!(refused, Err(RestoreError::Home(HomeError::InUse { .. }))),
        "{refused:?}"
    );
    drop(busy);
    let restored = alice.restores(&path, &right, None).unwrap();
    assert_eq!(
        (restored.author, restored.from),
        (alice.identity.author, Some(alice.identity.device))
    );
    assert_ne!(restored.device, alice.identity.device);
    assert_eq!(Home::open(&dir).unwrap().grant().epoch, 1);
}

#[test]
fn a_backup_that_cannot_be_finished_leaves_the_old_one() {
    let alice = Alice::new();
    let passphrase = Passphrase::new("right").unwrap();
    let path = alice.place.path().join("kept");
    fs::write(&path, "the old one").unwrap();
    let refused = write_file(&path, false, &passphrase, &alice.identity, |_| Ok(0));
    assert!(matches!(refused, Err(BackupFailure::Exists { .. })));
    let broken = write_file(&path, true, &passphrase, &alice.identity, |output| {
        output.write_all(b"half")?;
        Err(io::Error::other("the node broke off").into())
    });
    assert!(matches!(broken, Err(BackupFailure::Io(_))));
    assert_eq!(fs::read(&path).unwrap(), b"the old one");
    assert_eq!(fs::read_dir(alice.place.path()).unwrap().count(), 2);
}
