//! Migrations, from a schema that never was, in peace and under death at any of its writes and syncs.

#[cfg(target_os = "linux")]
#[path = "../../tests/faults/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod faults;

use super::open::{Migration, open_with};
use super::rows::Rows;
use super::{OpenStoreError, Options, Store};
use souk_protocol::records::{Change, Range, Records, SCHEMA, Tree, laws};
use std::path::Path;

const NEXT: u32 = SCHEMA + 1;
const AFTER_NEXT: u32 = SCHEMA + 2;

/// What a later program might do: drafts move to another tree.
fn move_drafts(rows: &Rows) -> Result<Vec<Change>, String> {
    let drafts = rows
        .scan(Tree::Drafts, &Range::of([], usize::MAX))
        .map_err(|error| error.to_string())?;
    let moved = |(key, value): (Vec<u8>, Vec<u8>)| {
        let moved_key = [b"draft/".as_slice(), &key].concat();
        [
            Change {
                tree: Tree::Drafts,
                key,
                value: None,
            },
            Change {
                tree: Tree::Done,
                key: moved_key,
                value: Some(value),
            },
        ]
    };
    Ok(drafts.into_iter().flat_map(moved).collect())
}

fn fail(_: &Rows) -> Result<Vec<Change>, String> {
    Err("the moon is wrong".into())
}

const MOVE: Migration = Migration {
    from: SCHEMA,
    run: move_drafts,
};
const FAIL: Migration = Migration {
    from: NEXT,
    run: fail,
};

fn store_of_one_step(dir: &Path) {
    let store = Store::open(dir, Options::default()).unwrap();
    store.commit(&laws::step(1, 50).unwrap()).unwrap();
}

fn rows(store: &Store, tree: Tree) -> usize {
    store.scan(tree, &Range::of([], usize::MAX)).unwrap().len()
}

#[test]
fn an_older_store_is_migrated_once_and_an_older_program_then_refuses_it() {
    let root = tempfile::tempdir().unwrap();
    store_of_one_step(root.path());
    for _ in 0..2 {
        let store = open_with(root.path(), Options::default(), NEXT, &[MOVE]).unwrap();
        assert_eq!((rows(&store, Tree::Drafts), rows(&store, Tree::Done)), (0, 2));
        assert_eq!(store.counts().get(&Tree::Done), Some(&2));
    }
    let refused = Store::open(root.path(), Options::default()).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenStoreError::Newer {
                found: NEXT,
                known: SCHEMA,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_migration_that_fails_leaves_the_schema_before_it() {
    let root = tempfile::tempdir().unwrap();
    store_of_one_step(root.path());
    let failed = open_with(root.path(), Options::default(), AFTER_NEXT, &[MOVE, FAIL]).unwrap_err();
    assert!(
        matches!(failed, OpenStoreError::Migration { from: NEXT, .. }),
        "{failed}"
    );
    // The first one held; its schema is in the rows, though the file beside them was not written yet.
    let refused = Store::open(root.path(), Options::default()).unwrap_err();
    assert!(
        matches!(refused, OpenStoreError::Newer { found: NEXT, .. }),
        "{refused}"
    );
    let store = open_with(root.path(), Options::default(), NEXT, &[MOVE]).unwrap();
    assert_eq!((rows(&store, Tree::Drafts), rows(&store, Tree::Done)), (0, 2));
}

#[test]
fn a_store_that_nobody_knows_to_migrate_is_left_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    store_of_one_step(root.path());
    let failed = open_with(root.path(), Options::default(), NEXT, &[]).unwrap_err();
    assert!(
        matches!(failed, OpenStoreError::Migration { from: SCHEMA, .. }),
        "{failed}"
    );
    let store = Store::open(root.path(), Options::default()).unwrap();
    assert!(laws::holds_step(&store, 1, 50).unwrap());
}

#[cfg(target_os = "linux")]
mod killed {
    use super::faults::{Deed, Faults, Op};
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};

    const CHILD_DIR: &str = "SOUK_MIGRATION_CHILD_DIR";
    /// Drafts that move, and moments at which it is killed.
    const STEPS: u64 = 150;
    const KILLS: u64 = 12;

    #[test]
    #[ignore = "runs in a process that another test starts and kills"]
    fn child_that_migrates() {
        let dir = std::path::PathBuf::from(std::env::var_os(CHILD_DIR).unwrap());
        open_with(&dir, Options::default(), NEXT, &[MOVE]).unwrap();
    }

    fn migrate(dir: &Path, faults: &Faults) -> ExitStatus {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let child = "store::tests::killed::child_that_migrates";
        command
            .args(["--ignored", "--exact", child])
            .env(CHILD_DIR, dir)
            .stdout(std::process::Stdio::null());
        faults.load_into(&mut command, dir.parent().unwrap(), None);
        command.status().unwrap()
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => copy(&entry.path(), &target),
                false => drop(std::fs::copy(entry.path(), target).unwrap()),
            }
        }
    }

    #[test]
    fn a_migration_that_is_killed_anywhere_has_happened_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let old = root.path().join("old");
        let store = Store::open(&old, Options::default()).unwrap();
        for number in 1..=STEPS {
            store.commit(&laws::step(number, 2_000).unwrap()).unwrap();
        }
        let (drafts, done) = (rows(&store, Tree::Drafts), rows(&store, Tree::Done));
        drop(store);
        // Once in peace: how often it writes and syncs.
        let faults = Faults::new(&root.path().join("page"));
        let new = root.path().join("new");
        copy(&old, &new);
        assert!(migrate(&new, &faults).success() && faults.is_loaded());
        let counts = [Op::Write, Op::Sync].map(|op| (op, faults.count(op)));
        std::fs::remove_dir_all(&new).unwrap();
        let (mut before, mut after) = (0, 0);
        for kill in 0..KILLS {
            let (op, count) = counts[kill as usize % 2];
            let deed = [Deed::KillBefore, Deed::KillAfter][kill as usize / 2 % 2];
            let number = 1 + kill * count / KILLS;
            copy(&old, &new);
            faults.arm(op, number, deed, 0);
            let what = format!("{deed:?} {op:?} {number} of {count}");
            let status = migrate(&new, &faults);
            assert_eq!(status.signal(), Some(9), "{what}: {status}");
            faults.disarm();
            let looked_at = root.path().join("looked-at");
            copy(&new, &looked_at);
            match Store::open(&looked_at, Options::default()) {
                Ok(store) => {
                    before += 1;
                    assert_eq!(
                        (rows(&store, Tree::Drafts), rows(&store, Tree::Done)),
                        (drafts, done),
                        "{what}"
                    );
                }
                Err(OpenStoreError::Newer { found: NEXT, .. }) => after += 1,
                Err(error) => panic!("{what}: {error}"),
            }
            let store = open_with(&new, Options::default(), NEXT, &[MOVE]).unwrap();
            assert_eq!(
                (rows(&store, Tree::Drafts), rows(&store, Tree::Done)),
                (0, done + drafts),
                "{what}"
            );
            drop(store);
            std::fs::remove_dir_all(&looked_at).unwrap();
            std::fs::remove_dir_all(&new).unwrap();
        }
        println!("{KILLS} kills: {before} before it had happened, {after} after");
        assert!(before > 0 && after > 0);
    }
}
