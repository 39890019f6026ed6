//! The connections that stand, and who is connected with whom.

use super::Link;
use std::collections::BTreeMap;

/// Connections, from both of their ends: a network of ten thousand is asked for one node's all the time.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<usize, BTreeMap<usize, Link>>);

impl Links {
    pub(super) fn insert(&mut self, one: usize, other: usize, link: Link) {
        for (from, to) in [(one, other), (other, one)] {
            self.0.entry(from).or_default().insert(to, link);
        }
    }

    pub(super) fn remove(&mut self, one: usize, other: usize) -> Option<Link> {
        self.0.get_mut(&other)?.remove(&one);
        self.0.get_mut(&one)?.remove(&other)
    }

    pub(super) fn get(&self, one: usize, other: usize) -> Option<Link> {
        self.0.get(&one)?.get(&other).copied()
    }

    /// With whom a node is connected, in the order of their numbers.
    pub(super) fn of(&self, at: usize) -> impl Iterator<Item = (usize, Link)> {
        let links = self.0.get(&at).into_iter().flatten();
        links.map(|(other, link)| (*other, *link))
    }

    /// Both ends of each, the lower number first, in their order.
    pub(super) fn ends(&self) -> Vec<(usize, usize)> {
        let from = |(one, others): (&usize, &BTreeMap<usize, Link>)| {
            let higher = others.range(*one..).map(|(other, _)| (*one, *other));
            higher.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(from).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
