//! What is measured while a run goes on, and the figures that come of it. Nothing in a run depends on it.

use crate::figure::Row;
use crate::mesh::pack::{Pack, Reader, packed};

/// How many of what took how long, in steps of a quarter of a millisecond.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    steps: Vec<u64>,
    count: u64,
    most_us: u64,
}

packed!(Histogram {
    steps,
    count,
    most_us
});

const STEP_US: u64 = 250;
/// Beyond a minute all is one step.
const STEPS: u64 = 240_000;
/// Points of a curve, at most.
const POINTS: usize = 200;

impl Histogram {
    pub(crate) fn add(&mut self, took_us: u64) {
        let step = usize::try_from((took_us / STEP_US).min(STEPS)).unwrap_or(0);
        if self.steps.len() <= step {
            self.steps.resize(step + 1, 0);
        }
        if let Some(step) = self.steps.get_mut(step) {
            *step += 1;
        }
        self.count += 1;
        self.most_us = self.most_us.max(took_us);
    }

    /// Adds what another holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), 0);
        }
        self.steps
            .iter_mut()
            .zip(&other.steps)
            .for_each(|(ours, theirs)| *ours += theirs);
        self.count += other.count;
        self.most_us = self.most_us.max(other.most_us);
    }

    /// What so many of a thousand took at most, in milliseconds.
    pub(crate) fn within_ms(&self, share: u64) -> f64 {
        let wanted = (self.count * share).div_ceil(1_000).max(1);
        let mut sum = 0;
        for (step, count) in self.steps.iter().enumerate() {
            sum += count;
            if sum >= wanted {
                return (step as f64 + 1.0) * STEP_US as f64 / 1_000.0;
            }
        }
        0.0
    }

    pub(crate) fn most_ms(&self) -> f64 {
        self.most_us as f64 / 1_000.0
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Which share took at most so many milliseconds; of a greater whole, if some never came.
    pub(crate) fn curve(&self, whole: u64) -> Vec<(f64, f64)> {
        let every = self.steps.len().div_ceil(POINTS).max(1);
        let mut sum = 0;
        let mut points = Vec::new();
        for (step, count) in self.steps.iter().enumerate() {
            sum += count;
            if step % every == every - 1 || step + 1 == self.steps.len() {
                let ms = (step as f64 + 1.0) * STEP_US as f64 / 1_000.0;
                points.push((ms, sum as f64 / whole.max(1) as f64));
            }
        }
        points
    }
}

/// Which share of some numbers is at most so much.
pub(crate) fn share_curve(mut numbers: Vec<f64>) -> Vec<(f64, f64)> {
    numbers.sort_by(f64::total_cmp);
    let whole = numbers.len();
    let every = whole.div_ceil(POINTS).max(1);
    let numbered = numbers.into_iter().enumerate();
    let some = numbered.filter(|(place, _)| place % every == every - 1 || place + 1 == whole);
    some.map(|(place, number)| (number, (place + 1) as f64 / whole as f64))
        .collect()
}

/// What is counted and noted on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measures {
    pub(crate) events: u64,
    /// Messages of honest authors that were new to honest nodes.
    pub(crate) deliveries: u64,
    pub(crate) latency: Histogram,
    /// Of the messages whose shortest ways were looked for alone.
    pub(crate) sampled: Histogram,
    pub(crate) shortest: Histogram,
    /// By hops: how often, and microseconds together.
    pub(crate) hops: Vec<(u64, u64)>,
    /// Received again by honest nodes.
    pub(crate) duplicates: u64,
    /// Sent by honest nodes.
    pub(crate) data_bytes: u64,
    pub(crate) control_bytes: u64,
    /// Messages that waited too long for the line.
    pub(crate) dropped: u64,
    pub(crate) graylisted_honest: u64,
    pub(crate) graylisted_attackers: u64,
    pub(crate) broken_promises: u64,
    /// How often a fan-out was used, and neighbours told by it.
    pub(crate) fanouts: (u64, u64),
    pub(crate) first_delivered: u64,
    pub(crate) first_expected: u64,
    /// Seconds, thousandths of healthy nodes.
    pub(crate) health: Vec<(u64, u64)>,
    /// Mesh links of honest nodes to honest ones and in all, when it was looked.
    pub(crate) honest_mesh: Option<(u64, u64)>,
    pub(crate) memory_bytes: u64,
    pub(crate) rows: Vec<Row>,
}

packed!(Measures {
    events,
    deliveries,
    latency,
    sampled,
    shortest,
    hops,
    duplicates,
    data_bytes,
    control_bytes,
    dropped,
    graylisted_honest,
    graylisted_attackers,
    broken_promises,
    fanouts,
    first_delivered,
    first_expected,
    health,
    honest_mesh,
    memory_bytes,
    rows,
});

impl Measures {
    pub(crate) fn delivered(&mut self, took_us: u64, hops: u8, sampled: bool) {
        self.deliveries += 1;
        self.latency.add(took_us);
        if sampled {
            self.sampled.add(took_us);
        }
        let hops = usize::from(hops);
        if self.hops.len() <= hops {
            self.hops.resize(hops + 1, (0, 0));
        }
        if let Some((count, sum)) = self.hops.get_mut(hops) {
            *count += 1;
            *sum += took_us;
        }
    }
}

impl Pack for Row {
    fn pack(&self, out: &mut Vec<u8>) {
        self.time_us.pack(out);
        self.node.pack(out);
        self.kind.pack(out);
        self.other.pack(out);
        self.about.pack(out);
    }

    fn unpack(from: &mut Reader) -> Option<Self> {
        Some(Self {
            time_us: u64::unpack(from)?,
            node: u64::unpack(from)?,
            kind: String::unpack(from)?,
            other: Option::unpack(from)?,
            about: Option::unpack(from)?,
        })
    }
}

/// BLAKE3 over everything that happened, in blocks: of each block and the digest before it. So it can be
/// written down between two events, which a hasher cannot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    before: Vec<u8>,
    block: Vec<u8>,
}

packed!(Chain { before, block });

/// Bytes of one block: enough for the hash to run at full speed.
const BLOCK_BYTES: usize = 64 * 1_024;

impl Chain {
    pub(crate) fn add(&mut self, numbers: [u64; 3]) {
        for number in numbers {
            self.block.extend_from_slice(&number.to_le_bytes());
        }
        if self.block.len() >= BLOCK_BYTES {
            self.before = self.finish().to_vec();
            self.block.clear();
        }
    }

    fn finish(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.before).update(&self.block);
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.finish()).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_off_a_histogram() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|ms| histogram.add(ms * 1_000));
        assert!((500.0..=500.5).contains(&histogram.within_ms(500)));
        assert!((990.0..=990.5).contains(&histogram.within_ms(990)));
        assert!((1_000.0..=1_000.0).contains(&histogram.most_ms()));
        let (_, last) = histogram.curve(2_000).pop().unwrap();
        assert!((last - 0.5).abs() < 1e-9);
        assert!(histogram.curve(2_000).len() <= POINTS + 1);
    }

    #[test]
    fn a_chain_can_be_written_down_anywhere() {
        let whole = {
            let mut chain = Chain::default();
            (0..20_000).for_each(|n| chain.add([n, 1, 2]));
            chain.hex()
        };
        let mut chain = Chain::default();
        for n in 0..20_000 {
            if n % 777 == 0 {
                let mut bytes = Vec::new();
                chain.pack(&mut bytes);
                chain = Chain::unpack(&mut Reader(&bytes)).unwrap();
            }
            chain.add([n, 1, 2]);
        }
        assert_eq!(chain.hex(), whole);
    }
}
