//! Opening a store: who may, what is made, what is repaired, what is refused. Described in
//! `spec/store.md`.

use super::documents::{Documents, ID_BYTES};
use super::error::{OpenStoreError, RowsError};
use super::files::{at, private_dir, replace, sync_dir};
use super::lasting::Lasting;
use super::lock::DirectoryLock;
use super::rows::{Progress, Rows};
use super::witness::Witness;
use super::{Inner, Options, Store, Writer};
use souk_protocol::records::{Change, Range, SCHEMA, Tree};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

/// A way from one schema to the next. What it returns is committed together with the new number:
/// whole or not at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// The schema that it starts from; it leads to the next number.
    pub(super) from: u32,
    /// Reads the old rows, says what changes.
    pub(super) run: fn(&Rows) -> Result<Vec<Change>, String>,
}

/// Every migration of this program. Schema 1 is the first, so there is none yet.
const MIGRATIONS: &[Migration] = &[];

/// Opens a store with the schema of this program.
pub(super) fn open(dir: &Path, options: Options) -> Result<Store, OpenStoreError> {
    open_with(dir, options, SCHEMA, MIGRATIONS)
}

/// Opens a store with some schema, for tests of what a later program will do.
pub(super) fn open_with(
    dir: &Path,
    options: Options,
    known: u32,
    migrations: &[Migration],
) -> Result<Store, OpenStoreError> {
    private_dir(dir).map_err(at("make", dir))?;
    let lock = DirectoryLock::take(dir)?;
    let stated = stated_schema(dir)?;
    refuse_newer(dir, stated.unwrap_or(known), known)?;

    let documents = Documents::in_store(dir).map_err(at("make documents in", dir))?;
    let rows_dir = dir.join("rows");
    match (rows_dir.exists(), stated) {
        (true, _) => {}
        (false, None) => begin(dir, &rows_dir, known)?,
        (false, Some(_)) => return Err(damaged(dir, "its rows are gone")),
    }
    let rows = Rows::open(&rows_dir, options.cache_bytes).map_err(wrong_rows(dir))?;
    let Some(found) = rows.schema().map_err(wrong_rows(dir))? else {
        return Err(damaged(dir, "its rows have lost their schema"));
    };
    refuse_newer(dir, found, known)?;

    let (witness, progress) = check_progress(dir, &rows)?;
    let progress = migrate(dir, &rows, progress, found..known, migrations)?;
    if stated != Some(known) {
        state_schema(dir, known)?;
    }
    documents
        .sweep(&wanted_documents(&rows).map_err(wrong_rows(dir))?)
        .map_err(at("sweep documents in", dir))?;
    Ok(Store(Arc::new(Inner {
        dir: dir.to_owned(),
        rows,
        documents,
        writer: Mutex::new(Writer {
            witness,
            stopped: None,
        }),
        progress: RwLock::new(progress),
        lasting: Lasting::default(),
        _lock: lock,
    })))
}

fn refuse_newer(dir: &Path, found: u32, known: u32) -> Result<(), OpenStoreError> {
    match found > known {
        true => Err(OpenStoreError::Newer {
            dir: dir.to_owned(),
            found,
            known,
        }),
        false => Ok(()),
    }
}

fn damaged(dir: &Path, reason: impl ToString) -> OpenStoreError {
    OpenStoreError::Damaged {
        dir: dir.to_owned(),
        reason: reason.to_string(),
    }
}

fn wrong_rows(dir: &Path) -> impl Fn(RowsError) -> OpenStoreError {
    move |error| match error {
        RowsError::Io(source) | RowsError::Sled(sled::Error::Io(source)) => OpenStoreError::Io {
            act: "open the database in",
            path: dir.to_owned(),
            source,
        },
        error => damaged(dir, error),
    }
}

/// The schema in the file beside the rows: read before anything is opened, so that a newer store is
/// left untouched.
fn stated_schema(dir: &Path) -> Result<Option<u32>, OpenStoreError> {
    let path = dir.join("schema");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(schema) => Ok(Some(schema)),
            Err(_) => Err(damaged(dir, "its file 'schema' has no number")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at("read", &path)(error)),
    }
}

fn state_schema(dir: &Path, schema: u32) -> Result<(), OpenStoreError> {
    let path = dir.join("schema");
    replace(&path, format!("{schema}\n").as_bytes())
        .and_then(|()| sync_dir(dir))
        .map_err(at("write", &path))
}

/// Makes the rows of a new store beside their place, and puts them there once all of it would survive a
/// power cut: a database that is half made cannot be told from a damaged one.
fn begin(dir: &Path, rows_dir: &Path, schema: u32) -> Result<(), OpenStoreError> {
    let new = dir.join("rows.new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(at("remove", &new))?;
    }
    private_dir(&new).map_err(at("make", &new))?;
    let rows = Rows::open(&new, Options::default().cache_bytes).map_err(wrong_rows(dir))?;
    rows.apply(&[], &Progress::default(), 0, Some(schema))
        .map_err(wrong_rows(dir))?;
    drop(rows);
    fs::rename(&new, rows_dir).map_err(at("make", rows_dir))?;
    sync_dir(dir).map_err(at("sync", dir))?;
    if let Some(parent) = fs::canonicalize(dir).ok().as_deref().and_then(Path::parent) {
        sync_dir(parent).map_err(at("sync", parent))?;
    }
    Ok(())
}

/// How far the rows have come; behind what was acknowledged is damaged.
fn check_progress(dir: &Path, rows: &Rows) -> Result<(Witness, Progress), OpenStoreError> {
    let progress = rows.progress().map_err(wrong_rows(dir))?;
    let (witness, seen) = Witness::open(dir).map_err(at("open the witness in", dir))?;
    match seen {
        Some(seen) if seen > progress.number => {
            let (got, lost) = (progress.number, "its database has lost acknowledged commits");
            Err(damaged(dir, format!("{lost}: expected {seen}, got {got}")))
        }
        _ => Ok((witness, progress)),
    }
}

fn migrate(
    dir: &Path,
    rows: &Rows,
    mut progress: Progress,
    schemas: std::ops::Range<u32>,
    migrations: &[Migration],
) -> Result<Progress, OpenStoreError> {
    for from in schemas {
        let failed = |reason: String| OpenStoreError::Migration {
            dir: dir.to_owned(),
            from,
            reason,
        };
        let migration = migrations
            .iter()
            .find(|migration| migration.from == from)
            .ok_or_else(|| failed("this program does not know how".into()))?;
        let changes = (migration.run)(rows).map_err(failed)?;
        let changes: Vec<&Change> = changes.iter().collect();
        progress = rows
            .apply(&changes, &progress, progress.number, Some(from + 1))
            .map_err(wrong_rows(dir))?;
    }
    Ok(progress)
}

/// Every document that a row of [`Tree::Shards`] may name: wherever its value holds 32 bytes that are
/// an id. Rather one document too many than one too few.
fn wanted_documents(rows: &Rows) -> Result<BTreeSet<[u8; ID_BYTES]>, RowsError> {
    let shards = rows.scan(Tree::Shards, &Range::of([], usize::MAX))?;
    let ids = |(_, value): &(Vec<u8>, Vec<u8>)| {
        let windows = value.windows(ID_BYTES);
        windows
            .filter_map(|window| window.try_into().ok())
            .collect::<Vec<_>>()
    };
    Ok(shards.iter().flat_map(ids).collect())
}
