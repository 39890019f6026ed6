//! Migrations, from a schema that never was.

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
