//! A node's store: the protocol's reference store, and where it is sabotaged, rows that say something
//! else than what was committed.

use souk_protocol::records::{Fault, Memory, Range, Records, Row, Tree, Write};
use std::collections::BTreeMap;

/// What a node remembers.
#[derive(Debug, Clone, Default)]
pub struct Store {
    memory: Memory,
    /// Rows that a broken switch put over those of the memory; none hides a row.
    altered: BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>,
}

impl Store {
    /// Remembers all writes of a commit.
    pub fn commit(&mut self, writes: &[Write]) {
        self.memory.commit(writes);
    }

    /// Makes a row say something else than what was committed, or hides it.
    pub fn alter(&mut self, tree: Tree, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.altered.insert((tree, key), value);
    }

    /// What was committed.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A store in which this was committed.
    pub fn of(memory: Memory) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// A hash over everything that was committed.
    pub fn digest(&self) -> [u8; 32] {
        self.memory.digest()
    }

    /// Rows that were committed.
    pub fn rows(&self) -> usize {
        self.memory.len()
    }
}

impl Records for Store {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if !self.altered.is_empty()
            && let Some(value) = self.altered.get(&(tree, key.to_vec()))
        {
            return Ok(value.clone());
        }
        self.memory.get(tree, key)
    }

    fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<Row>, Fault> {
        let bounds = range.bounds();
        let within = |of: Tree, key: &Vec<u8>| of == tree && std::ops::RangeBounds::contains(&bounds, key);
        if !self.altered.keys().any(|(of, key)| within(*of, key)) {
            return self.memory.scan(tree, range);
        }
        let whole = Range {
            limit: usize::MAX,
            ..range.clone()
        };
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = self.memory.scan(tree, &whole)?.into_iter().collect();
        for ((of, key), value) in &self.altered {
            if !within(*of, key) {
                continue;
            }
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
        self.memory.document(id)
    }
}
