//! Stores in memory: the reference that every other store is held against, and writes that are not
//! committed yet, laid over a store. Described in `spec/store.md`.

use super::{Change, Fault, Op, Range, Records, Row, Tree, Write};
use std::collections::BTreeMap;
use std::ops::Bound;

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
    staged: BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>,
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
                    self.staged
                        .insert((change.tree, change.key.clone()), change.value.clone());
                }
            }
        }
    }
}

impl Records for Overlay<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match self.staged.get(&(tree, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(tree, key),
        }
    }

    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        let (low, high) = range.bounds();
        let staged: BTreeMap<&Vec<u8>, &Option<Vec<u8>>> = self
            .staged
            .range((low.map(|key| (tree, key)), Bound::Unbounded))
            .take_while(|((of, key), _)| *of == tree && below(key, &high))
            .map(|((_, key), value)| (key, value))
            .collect();
        if staged.is_empty() {
            return self.base.scan(tree, range);
        }
        // A staged removal hides at most one row, so so many more are enough.
        let wider = Range {
            limit: range.limit.saturating_add(staged.len()),
            ..range.clone()
        };
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = self.base.scan(tree, &wider)?.into_iter().collect();
        for (key, value) in staged {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(match range.down {
            true => rows.into_iter().rev().take(range.limit).collect(),
            false => rows.into_iter().take(range.limit).collect(),
        })
    }

    fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
        match self.documents.get(id) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.base.document(id),
        }
    }
}

fn below(key: &[u8], high: &Bound<Vec<u8>>) -> bool {
    match high {
        Bound::Unbounded => true,
        Bound::Excluded(end) => key < end.as_slice(),
        Bound::Included(end) => key <= end.as_slice(),
    }
}
