//! The rows, in sled: one of its trees for each [`Tree`], and two of the store's own.
//!
//! What was learnt of sled 0.34.7 and is minded here: a transaction over several trees is recovered
//! whole or not at all, because its mark is written with the number of its last entry. `flush` hands
//! pages to the kernel and no further, so the file is synced through a second handle, which also sees
//! an error that another handle has already been told of. Its background thread is off: it would move
//! pages between our syncs, so that a power cut could take old rows with it; each commit moves pages
//! itself, inside its batch. A page over a quarter of a segment would go to `blobs/`, which nothing
//! syncs, so values are bounded. A write that fails on a thread of its pool may leave `flush` asleep
//! for good, so a watch wakes it. A snapshot that a kill cut short would be read as the newest one, so
//! it is removed first. And it panics in places, so every call is fenced.

use super::error::RowsError;
use rustix::fs::{Advice, fadvise};
use sled::transaction::{ConflictableTransactionError, Transactional, TransactionalTree};
use souk_protocol::limits::ENVELOPE_BYTES_MAX;
use souk_protocol::records::{Change, Range, Row, Tree};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes of one piece of sled's log. A page may have a quarter of it.
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// What stands before an envelope in a row: its id, lengths.
const HEADER_BYTES_MAX: usize = 256;
/// Largest value of a row. A page has up to 17 rows.
pub(super) const VALUE_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + HEADER_BYTES_MAX;
/// Largest value of a row of [`Tree::Equivocations`]: two envelopes. What is over [`PART_BYTES`] is
/// kept in a tree of its own, or a page of such rows would be too large.
pub(super) const PROOF_BYTES_MAX: usize = 2 * ENVELOPE_BYTES_MAX + HEADER_BYTES_MAX;
/// Bytes of a value that stand in its row. A value of exactly so many may have more in `rest`.
const PART_BYTES: usize = VALUE_BYTES_MAX + 1;
/// Largest key.
pub(super) const KEY_BYTES_MAX: usize = 1_024;
/// A commit over this is preceded by a sync, so that no room is used again that unsynced pages left.
const UNSYNCED_BYTES_MAX: usize = 1024 * 1024;
/// How long sled may take to let go of a file that was closed just now, in milliseconds.
const RELEASE_DEADLINE_MS: u64 = 5_000;
/// How often a flush is looked after, in milliseconds.
const WATCH_MS: u64 = 250;

const OWN: &str = "store";
const REST: &str = "store.rest";
const PROGRESS: &[u8] = b"progress";
const SCHEMA: &[u8] = b"schema";

/// How far the commits have come; written with each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The number of the last commit.
    pub(super) number: u64,
    /// Rows in each tree.
    pub(super) counts: BTreeMap<Tree, u64>,
}

impl Progress {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.number.to_be_bytes().to_vec();
        for (tree, count) in &self.counts {
            bytes.push(*tree as u8);
            bytes.extend_from_slice(&count.to_be_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (counts, []) = rest.as_chunks::<9>() else {
            return None;
        };
        let count = |[tree, count @ ..]: &[u8; 9]| {
            let tree = Tree::ALL.iter().copied().find(|known| *known as u8 == *tree)?;
            Some((tree, u64::from_be_bytes(*count)))
        };
        Some(Self {
            number: u64::from_be_bytes(*number),
            counts: counts.iter().filter_map(count).collect(),
        })
    }
}

/// The database.
pub(super) struct Rows {
    db: Option<sled::Db>,
    trees: BTreeMap<Tree, sled::Tree>,
    own: sled::Tree,
    rest: sled::Tree,
    file: File,
    blobs: PathBuf,
    /// Held to write while a commit's rows go in, so that a scan sees all of a commit or none.
    gate: RwLock<()>,
    watch: Watch,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows")
            .field("blobs", &self.blobs)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Opens or makes the database in a directory, and makes what that wrote last.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, RowsError> {
        remove_torn_snapshots(dir)?;
        let blobs = dir.join("blobs");
        refuse_spilled(&blobs)?;
        let rows = fenced("opening", || {
            let db = open_database(dir, cache_bytes)?;
            let trees = Tree::ALL
                .iter()
                .map(|tree| Ok((*tree, db.open_tree(tree.name())?)))
                .collect::<Result<_, sled::Error>>()?;
            Ok(Self {
                own: db.open_tree(OWN)?,
                rest: db.open_tree(REST)?,
                watch: Watch::over(&db)?,
                db: Some(db),
                trees,
                file: File::options().read(true).write(true).open(dir.join("db"))?,
                blobs,
                gate: RwLock::new(()),
            })
        })?;
        rows.sync()?;
        File::open(dir.join("conf"))?.sync_all()?;
        rows.file.sync_all()?;
        super::files::sync_dir(dir)?;
        Ok(rows)
    }

    fn tree(&self, tree: Tree) -> Result<&sled::Tree, RowsError> {
        self.trees.get(&tree).ok_or(RowsError::Own("trees"))
    }

    /// The value at a key.
    pub(super) fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        fenced("reading", || {
            let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            match self.tree(tree)?.get(key)? {
                Some(part) => self.whole(tree, key, &part).map(Some),
                None => Ok(None),
            }
        })
    }

    /// The rows of a range, in its order.
    pub(super) fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, RowsError> {
        fenced("reading", || {
            let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let rows = self.tree(tree)?.range(range.bounds());
            let whole = |row: sled::Result<(sled::IVec, sled::IVec)>| {
                let (key, part) = row?;
                let value = self.whole(tree, &key, &part)?;
                Ok((key.to_vec(), value))
            };
            match range.down {
                true => rows.rev().take(range.limit).map(whole).collect(),
                false => rows.take(range.limit).map(whole).collect(),
            }
        })
    }

    fn whole(&self, tree: Tree, key: &[u8], part: &[u8]) -> Result<Vec<u8>, RowsError> {
        let mut value = part.to_vec();
        if part.len() == PART_BYTES
            && let Some(rest) = self.rest.get(rest_key(tree, key))?
        {
            value.extend_from_slice(&rest);
        }
        Ok(value)
    }

    /// The schema that the rows are written in; none if none was ever written.
    pub(super) fn schema(&self) -> Result<Option<u32>, RowsError> {
        let row = fenced("reading", || Ok(self.own.get(SCHEMA)?))?;
        row.map(|row| <[u8; 4]>::try_from(row.as_ref()).map(u32::from_be_bytes))
            .transpose()
            .map_err(|_| RowsError::Own("schema"))
    }

    /// How far the commits have come.
    pub(super) fn progress(&self) -> Result<Progress, RowsError> {
        match fenced("reading", || Ok(self.own.get(PROGRESS)?))? {
            Some(row) => Progress::decode(&row).ok_or(RowsError::Own("progress")),
            None => Ok(Progress::default()),
        }
    }

    /// Changes all rows or none, as the commit with this number, and makes them last. A schema is
    /// written with them if one is given.
    pub(super) fn apply(
        &self,
        changes: &[&Change],
        before: &Progress,
        number: u64,
        schema: Option<u32>,
    ) -> Result<Progress, RowsError> {
        let bytes: usize = changes.iter().map(|change| size_of_change(change)).sum();
        if bytes > UNSYNCED_BYTES_MAX {
            self.sync()?;
        }
        let after = fenced("a commit", || {
            let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
            self.transact(changes, before, number, schema)
        })?;
        self.sync()?;
        Ok(after)
    }

    fn transact(
        &self,
        changes: &[&Change],
        before: &Progress,
        number: u64,
        schema: Option<u32>,
    ) -> Result<Progress, RowsError> {
        // Only the trees that change take part. They are written in this order, the store's own at the
        // end: what the log holds of a broken batch is its beginning, so the progress is never ahead
        // of the rows.
        let mut slots: BTreeMap<Tree, usize> = BTreeMap::new();
        let mut trees = Vec::new();
        for change in changes {
            if let Entry::Vacant(slot) = slots.entry(change.tree) {
                slot.insert(trees.len());
                trees.push(self.tree(change.tree)?);
            }
        }
        trees.extend([&self.rest, &self.own]);
        // sled asks for a closure that it may call again, though with one writer it never does.
        let result = RefCell::new(Progress::default());
        let done = trees.as_slice().transaction(|views| {
            let [.., rest, own] = views.as_slice() else {
                return Err(ConflictableTransactionError::Abort(()));
            };
            let mut after = Progress {
                number,
                counts: before.counts.clone(),
            };
            for change in changes {
                let Some(view) = slots.get(&change.tree).and_then(|slot| views.get(*slot)) else {
                    return Err(ConflictableTransactionError::Abort(()));
                };
                let held = change_row(view, rest, change)?;
                let count = after.counts.entry(change.tree).or_default();
                match (held, &change.value) {
                    (false, Some(_)) => *count += 1,
                    (true, None) => *count = count.saturating_sub(1),
                    _ => {}
                }
            }
            own.insert(PROGRESS, after.encode())?;
            if let Some(schema) = schema {
                own.insert(SCHEMA, schema.to_be_bytes().as_slice())?;
            }
            *result.borrow_mut() = after;
            Ok(())
        });
        match done {
            Ok(()) => Ok(result.into_inner()),
            Err(sled::transaction::TransactionError::Storage(error)) => Err(error.into()),
            Err(sled::transaction::TransactionError::Abort(())) => Err(RowsError::Own("trees")),
        }
    }

    /// Makes all that was written last: down to the kernel, from there to the disk.
    fn sync(&self) -> Result<(), RowsError> {
        let Some(db) = &self.db else {
            return Err(RowsError::Own("database"));
        };
        self.watch.during(|| fenced("a flush", || Ok(db.flush()?)))?;
        self.file.sync_data()?;
        refuse_spilled(&self.blobs)
    }

    /// Has the kernel forget what it remembers of the database's file. A page that it failed to write counts
    /// as written from then on, though the disk never got it: whoever opens the file next reads the disk.
    pub(super) fn forget_cached(&self) {
        // It is advice: where it is not taken, the next opening may read more than would survive a power cut.
        fadvise(&self.file, 0, None, Advice::DontNeed).ok();
    }

    /// Bytes of the database's file.
    pub(super) fn size_bytes(&self) -> Result<u64, RowsError> {
        Ok(self.file.metadata()?.len())
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.watch.stop();
        let db = self.db.take();
        // The last sync of a database whose disk has failed panics.
        catch_unwind(AssertUnwindSafe(|| drop(db))).ok();
    }
}

/// Changes one row within a transaction; says whether there was one.
fn change_row(
    view: &TransactionalTree,
    rest: &TransactionalTree,
    change: &Change,
) -> Result<bool, sled::transaction::UnabortableTransactionError> {
    let key = change.key.as_slice();
    let (held, over) = match &change.value {
        Some(value) => match value.split_at_checked(PART_BYTES) {
            Some((part, over)) => (view.insert(key, part)?, Some(over)),
            None => (view.insert(key, value.as_slice())?, None),
        },
        None => (view.remove(key)?, None),
    };
    match over {
        Some(over) => {
            rest.insert(rest_key(change.tree, key), over)?;
        }
        None if held.as_ref().is_some_and(|held| held.len() == PART_BYTES) => {
            rest.remove(rest_key(change.tree, key))?;
        }
        None => {}
    }
    Ok(held.is_some())
}

fn rest_key(tree: Tree, key: &[u8]) -> Vec<u8> {
    [&[tree as u8], key].concat()
}

/// Bytes that a change brings.
pub(super) fn size_of_change(change: &Change) -> usize {
    change.key.len() + change.value.as_ref().map_or(0, Vec::len)
}

/// sled panics in places; nothing of that leaves here.
fn fenced<T>(during: &'static str, act: impl FnOnce() -> Result<T, RowsError>) -> Result<T, RowsError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(Err(RowsError::Panicked(during)))
}

fn open_database(dir: &Path, cache_bytes: u64) -> Result<sled::Db, RowsError> {
    let deadline = Instant::now() + Duration::from_millis(RELEASE_DEADLINE_MS);
    loop {
        let opened = sled::Config::new()
            .path(dir)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            .flush_every_ms(None)
            .open();
        match opened {
            // Our own lock is held, so this can only be a thread of an instance that was closed in
            // this process and is about to let go.
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock") && Instant::now() < deadline =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            opened => return Ok(opened?),
        }
    }
}

fn remove_torn_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn refuse_spilled(blobs: &Path) -> Result<(), RowsError> {
    match fs::read_dir(blobs) {
        Ok(mut entries) => match entries.next() {
            Some(entry) => Err(RowsError::Spilled(entry?.path())),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Looks after flushes: one that sleeps too long is woken by another, which finds the error that the
/// first was not told of and wakes all that wait.
#[derive(Debug)]
struct Watch {
    /// Odd while a flush runs.
    turns: Arc<AtomicU64>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn over(db: &sled::Db) -> io::Result<Self> {
        let turns = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = channel();
        let (db, seen) = (db.clone(), turns.clone());
        let thread = thread::Builder::new()
            .name("store watch".into())
            .spawn(move || watch(&db, &seen, &stopped))?;
        Ok(Self {
            turns,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    fn during<T>(&self, act: impl FnOnce() -> T) -> T {
        self.turns.fetch_add(1, Ordering::Relaxed);
        let result = act();
        self.turns.fetch_add(1, Ordering::Relaxed);
        result
    }

    fn stop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn watch(db: &sled::Db, turns: &AtomicU64, stopped: &Receiver<()>) {
    let (mut last, mut beats) = (0, 0_u32);
    while stopped.recv_timeout(Duration::from_millis(WATCH_MS)) == Err(RecvTimeoutError::Timeout) {
        let now = turns.load(Ordering::Relaxed);
        let same = now % 2 == 1 && now == last;
        (last, beats) = (now, if same { beats.saturating_add(1) } else { 0 });
        // Ever more seldom: on a slow disk each of these waits as well.
        if beats.is_power_of_two() {
            let db = db.clone();
            let waking = thread::Builder::new().name("store waking".into());
            waking
                .spawn(move || catch_unwind(AssertUnwindSafe(|| db.flush().ok())))
                .ok();
        }
    }
}
