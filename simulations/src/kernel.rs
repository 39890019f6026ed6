//! What is still to happen in a large run, by virtual microsecond; of one microsecond, in the order in
//! which it was planned.
//!
//! A heap's cost grows with what it holds, and each of its steps misses the cache. Here the second that is
//! under way is cut into buckets, later seconds lie in one list each, and only the bucket that is being
//! emptied is sorted. The sort is stable and lists keep the order of planning, so equal times keep it too.

use std::collections::BTreeMap;

/// Binary digits of the microseconds of one bucket.
const BUCKET_BITS: u32 = 8;
/// Binary digits of the microseconds of one span: about a second.
const SPAN_BITS: u32 = 20;
/// Buckets of a span.
const BUCKETS: usize = 1 << (SPAN_BITS - BUCKET_BITS);
/// Emptied lists that are kept for reuse.
const SPARES: usize = 64;
/// A list with more room than this is given back, so that one crowded moment does not cost memory for good.
const SPARE_ROOM: usize = 4_096;

/// A moment and what happens in it.
#[derive(Debug, Clone, Copy)]
struct Planned<T> {
    at: u64,
    what: T,
}

/// What is still to happen.
#[derive(Debug)]
pub struct Kernel<T> {
    /// The span that is under way.
    span: u64,
    /// The bucket that is being emptied.
    bucket: usize,
    /// Its content, sorted; what lies before `next` has happened.
    open: Vec<Planned<T>>,
    next: usize,
    /// The span's later buckets, in the order of planning.
    near: Vec<Vec<Planned<T>>>,
    /// The span after it, which most plans beyond this one are for.
    after: Vec<Planned<T>>,
    /// All later spans.
    far: BTreeMap<u64, Vec<Planned<T>>>,
    spares: Vec<Vec<Planned<T>>>,
    now: u64,
    count: usize,
}

impl<T: Copy> Default for Kernel<T> {
    fn default() -> Self {
        Self::from_time(0)
    }
}

impl<T: Copy> Kernel<T> {
    /// An empty one, whose time is this.
    pub fn from_time(now: u64) -> Self {
        Self {
            span: now >> SPAN_BITS,
            bucket: bucket_of(now),
            open: Vec::new(),
            next: 0,
            near: (0..BUCKETS).map(|_| Vec::new()).collect(),
            after: Vec::new(),
            far: BTreeMap::new(),
            spares: Vec::new(),
            now,
            count: 0,
        }
    }

    /// Plans something for a time; for what lies in the past, that is now.
    pub fn plan(&mut self, at: u64, what: T) {
        let at = at.max(self.now);
        let planned = Planned { at, what };
        self.count += 1;
        let span = at >> SPAN_BITS;
        match span.saturating_sub(self.span) {
            // Looking at what comes next may have opened a later bucket than that of now.
            0 if span < self.span || bucket_of(at) <= self.bucket => {
                let open = self.open.get(self.next..).unwrap_or_default();
                let place = self.next + open.partition_point(|other| other.at <= at);
                self.open.insert(place, planned);
            }
            0 => self.put_near(planned),
            1 => self.after.push(planned),
            _ => self.far.entry(span).or_default().push(planned),
        }
    }

    /// The next thing, and its time.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        while self.next >= self.open.len() {
            if self.count == 0 {
                return None;
            }
            self.turn();
        }
        let planned = self.open.get(self.next).copied()?;
        self.next += 1;
        self.count -= 1;
        self.now = planned.at;
        Some((planned.at, planned.what))
    }

    /// When the next thing happens.
    pub fn next_at(&mut self) -> Option<u64> {
        while self.next >= self.open.len() {
            if self.count == 0 {
                return None;
            }
            self.turn();
        }
        self.open.get(self.next).map(|planned| planned.at)
    }

    /// The time of what happened last.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// How much is still to happen.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All that is still to happen. Planned again in this order into an empty one of the same time, it
    /// happens in the same order.
    pub fn planned(&self) -> impl Iterator<Item = (u64, T)> + '_ {
        let open = self.open.get(self.next..).unwrap_or_default();
        let near = self.near.iter().flatten();
        let far = self.far.values().flatten();
        let all = open.iter().chain(near).chain(&self.after).chain(far);
        all.map(|planned| (planned.at, planned.what))
    }

    /// Memory that its lists hold.
    pub fn bytes(&self) -> usize {
        let lists = self.near.iter().chain(&self.spares).chain(self.far.values());
        let room: usize =
            lists.map(Vec::capacity).sum::<usize>() + self.open.capacity() + self.after.capacity();
        room * size_of::<Planned<T>>() + BUCKETS * size_of::<Vec<Planned<T>>>()
    }

    fn put_near(&mut self, planned: Planned<T>) {
        if let Some(bucket) = self.near.get_mut(bucket_of(planned.at)) {
            if bucket.capacity() == 0
                && let Some(spare) = self.spares.pop()
            {
                *bucket = spare;
            }
            bucket.push(planned);
        }
    }

    /// Opens the next bucket, or the next span and its first bucket.
    fn turn(&mut self) {
        let mut emptied = std::mem::take(&mut self.open);
        emptied.clear();
        if emptied.capacity() <= SPARE_ROOM && self.spares.len() < SPARES {
            self.spares.push(emptied);
        }
        self.next = 0;
        self.bucket += 1;
        if self.bucket >= BUCKETS {
            self.span += 1;
            self.bucket = 0;
            let mut span = std::mem::take(&mut self.after);
            if span.is_empty()
                && let Some((first, _)) = self.far.first_key_value()
                && *first > self.span
            {
                // Nothing for a while: what comes next lies beyond this span.
                self.span = *first;
            }
            if let Some(later) = self.far.remove(&self.span) {
                span = later;
            }
            for planned in span {
                self.put_near(planned);
            }
            self.after = self.far.remove(&(self.span + 1)).unwrap_or_default();
        }
        if let Some(bucket) = self.near.get_mut(self.bucket) {
            self.open = std::mem::take(bucket);
            self.open.sort_by_key(|planned| planned.at);
        }
    }
}

fn bucket_of(at: u64) -> usize {
    let within = (at >> BUCKET_BITS) & (BUCKETS as u64 - 1);
    usize::try_from(within).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use crate::queue::Queue;

    #[test]
    fn it_keeps_the_order_of_a_heap() {
        for seed in 0..20 {
            let mut chance = Chance::of(seed);
            let (mut heap, mut kernel) = (Queue::default(), Kernel::default());
            let (mut now, mut number) = (0, 0u64);
            for _ in 0..20_000 {
                // Now, soon, at the next heartbeat, or much later; more at first than happens.
                if chance.in_thousand(550) {
                    let reach = [1, 300, 40_000, 1_000_001, 3_000_000, 90_000_000];
                    let reach = *chance.pick(&reach).unwrap();
                    let at = now + chance.below(reach);
                    number += 1;
                    heap.plan(at, number);
                    kernel.plan(at, number);
                } else {
                    assert_eq!(heap.next_at(), kernel.next_at());
                    let expected = heap.pop();
                    assert_eq!(expected, kernel.pop());
                    now = expected.map_or(now, |(at, _)| at);
                }
            }
            while let Some(expected) = heap.pop() {
                assert_eq!(Some(expected), kernel.pop());
            }
            assert_eq!((kernel.pop(), kernel.len()), (None, 0));
        }
    }

    #[test]
    fn what_was_planned_can_be_planned_again() {
        let mut chance = Chance::of(3);
        let mut kernel = Kernel::default();
        for number in 0..5_000u64 {
            kernel.plan(chance.below(5_000_000) / 100 * 100, number);
        }
        for _ in 0..1_500 {
            kernel.pop();
        }
        let mut again = Kernel::from_time(kernel.now());
        kernel.planned().for_each(|(at, what)| again.plan(at, what));
        while let Some(expected) = kernel.pop() {
            assert_eq!(Some(expected), again.pop());
        }
        assert!(again.is_empty());
    }
}
