//! What is still to happen, by virtual time; of one millisecond, in the order in which it was planned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

struct Planned<T> {
    at: u64,
    number: u64,
    what: T,
}

impl<T> PartialEq for Planned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Planned<T> {}

impl<T> PartialOrd for Planned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Planned<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What is still to happen.
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Planned<T>>>,
    planned: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            planned: 0,
        }
    }
}

impl<T> Queue<T> {
    /// Plans something for a time.
    pub fn plan(&mut self, at: u64, what: T) {
        self.planned += 1;
        let number = self.planned;
        self.heap.push(Reverse(Planned { at, number, what }));
    }

    /// All that is still to happen, and when, in the order in which it happens.
    pub fn into_planned(self) -> impl Iterator<Item = (u64, T)> {
        let planned = self.heap.into_sorted_vec().into_iter().rev();
        planned.map(|Reverse(planned)| (planned.at, planned.what))
    }

    /// The same, and it stays.
    pub fn planned(&self) -> Vec<(u64, &T)> {
        let mut planned: Vec<&Planned<T>> = self.heap.iter().map(|Reverse(planned)| planned).collect();
        planned.sort();
        planned
            .into_iter()
            .map(|planned| (planned.at, &planned.what))
            .collect()
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(planned)| planned.at)
    }

    /// The next thing, and its time.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|Reverse(planned)| (planned.at, planned.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_of_one_time_happen_in_the_order_of_their_planning() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.plan(at, what);
        }
        assert_eq!(queue.next_at(), Some(1));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }
}
