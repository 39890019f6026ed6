//! Stores in memory: the reference that every other store is held against, and writes that are not
//! committed yet, laid over a store. Described in `spec/store.md`.

use super::{Change, Fault, Op, Range, Records, Row, Tree, Write};
use std::collections::BTreeMap;

/// The reference store: ordered maps in memory. What it holds is what a commit made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    pub(super) rows: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(super) documents: BTreeMap<[u8; 32], Vec<u8>>,
}

impl Memory {
    /// Remembers all writes of a commit.
    pub fn commit(&mut self, writes: &[Write]) {
        for write in writes {
            match &write.0 {
                Op::Document(id, bytes) => {
                    self.documents.insert(*id, bytes.clone());
                }
                Op::Change(Change {
                    tree,
                    key,
                    value: Some(value),
                }) => {
                    self.rows
                        .entry(*tree)
                        .or_default()
                        .insert(key.clone(), value.clone());
                }
                Op::Change(Change {
                    tree,
                    key,
                    value: None,
                }) => {
                    self.rows.entry(*tree).or_default().remove(key);
                }
            }
        }
    }

    /// A store that holds just this: one that was written down with [`Memory::rows`] and [`Memory::documents`].
    pub fn of(
        rows: impl IntoIterator<Item = (Tree, Vec<u8>, Vec<u8>)>,
        documents: impl IntoIterator<Item = ([u8; 32], Vec<u8>)>,
    ) -> Self {
        let mut memory = Self {
            rows: BTreeMap::new(),
            documents: documents.into_iter().collect(),
        };
        for (tree, key, value) in rows {
            memory.rows.entry(tree).or_default().insert(key, value);
        }
        memory
    }

    /// All rows: tree, key, value.
    pub fn rows(&self) -> impl Iterator<Item = (Tree, &Vec<u8>, &Vec<u8>)> {
        let trees = self.rows.iter();
        trees.flat_map(|(tree, rows)| rows.iter().map(|(key, value)| (*tree, key, value)))
    }

    /// All documents, by their ids.
    pub const fn documents(&self) -> &BTreeMap<[u8; 32], Vec<u8>> {
        &self.documents
    }

    /// Rows that it holds.
    pub fn len(&self) -> usize {
        self.rows.values().map(BTreeMap::len).sum()
    }
    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// A hash over all rows: equal stores have equal digests.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (tree, rows) in &self.rows {
            for (key, value) in rows {
                hasher.update(&[*tree as u8]);
                for part in [key, value] {
                    hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
                }
            }
        }
        *hasher.finalize().as_bytes()
    }
}

impl Records for Memory {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.rows.get(&tree).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        let Some(rows) = self.rows.get(&tree) else {
            return Ok(Vec::new());
        };
        let rows = rows
            .range(range.bounds())
            .map(|(key, value)| (key.clone(), value.clone()));
        Ok(match range.down {
            true => rows.rev().take(range.limit).collect(),
            false => rows.take(range.limit).collect(),
        })
    }

    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.documents.get(id).cloned())
    }
}

/// A store, and writes upon it that are not committed yet: what a step reads while several steps
/// wait for one commit.
pub struct Overlay<'a> {
    base: &'a dyn Records,
    staged: BTreeMap<Tree, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    documents: BTreeMap<[u8; 32], Vec<u8>>,
}

impl<'a> Overlay<'a> {
    /// Nothing staged yet.
    pub fn over(base: &'a dyn Records) -> Self {
        Self {
            base,
            staged: BTreeMap::new(),
            documents: BTreeMap::new(),
        }
    }

    /// Shows these writes to what is read from now on.
    pub fn stage(&mut self, writes: &[Write]) {
        for write in writes {
            match &write.0 {
                Op::Document(id, bytes) => {
                    self.documents.insert(*id, bytes.clone());
                }
                Op::Change(change) => {
                    let rows = self.staged.entry(change.tree).or_default();
                    rows.insert(change.key.clone(), change.value.clone());
                }
            }
        }
    }
}

impl Records for Overlay<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.staged.get(&tree).and_then(|rows| rows.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(tree, key),
        }
    }

    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        let Some(staged) = self.staged.get(&tree) else {
            return self.base.scan(tree, range);
        };
        let staged = || staged.range(range.bounds());
        // A staged removal hides at most one row, so so many more are enough.
        let removals = staged().filter(|(_, value)| value.is_none()).count();
        let wider = Range {
            limit: range.limit.saturating_add(removals),
            ..range.clone()
        };
        let base = self.base.scan(tree, &wider)?;
        Ok(match range.down {
            true => merged(base, staged().rev(), range.limit, |key, other| key >= other),
            false => merged(base, staged(), range.limit, |key, other| key <= other),
        })
    }

    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        match self.documents.get(id) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.base.document(id),
        }
    }
}

/// Rows and what is staged upon them, both in one order, the same in that order. `comes` says whether a
/// key comes before another one or is the same.
fn merged<'s>(
    base: Vec<Row>,
    staged: impl Iterator<Item = (&'s Vec<u8>, &'s Option<Vec<u8>>)>,
    limit: usize,
    comes: impl Fn(&Vec<u8>, &Vec<u8>) -> bool,
) -> Vec<Row> {
    let mut rows = Vec::with_capacity(base.len());
    let mut base = base.into_iter().peekable();
    for (key, value) in staged {
        while rows.len() < limit
            && let Some(row) = base.next_if(|(held, _)| held != key && comes(held, key))
        {
            rows.push(row);
        }
        if rows.len() >= limit {
            return rows;
        }
        base.next_if(|(held, _)| held == key);
        rows.extend(value.as_ref().map(|value| (key.clone(), value.clone())));
    }
    let left = limit.saturating_sub(rows.len());
    rows.extend(base.take(left));
    rows
}
