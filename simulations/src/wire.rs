//! The modelled network: where nodes are, how long a message is under way, who can dial whom, and what
//! goes wrong. Integers alone: microseconds, bytes, parts of a thousand or a million.

use crate::chance::Chance;
use crate::graph::Graph;
use std::collections::BTreeMap;

/// Bytes of one packet, for how often one is lost and how long it takes to send.
const PACKET_BYTES: u64 = 1_200;
/// How often one packet can be lost again before the model stops counting.
const LOST_AGAIN: u32 = 6;

/// Regions and how far they are from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// Their names.
    pub names: Vec<String>,
    /// One-way microseconds that half of all messages need at most: half the median round trip.
    median_us: Vec<u32>,
    /// What nine of ten messages need more than that at most.
    spread_us: Vec<u32>,
}

/// Why a table of round trips is none.
#[derive(Debug, thiserror::Error)]
pub enum RegionsError {
    /// It is no JSON of the form `{"data": {"from": {"to": milliseconds}}}`.
    #[error("the table of round trips cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// A pair is missing.
    #[error("expected a round trip from {from} to {to}, got none")]
    Missing {
        /// From here.
        from: String,
        /// To here.
        to: String,
    },
    /// There is no region.
    #[error("expected at least one region, got none")]
    Empty,
}

#[derive(serde::Deserialize)]
struct Table {
    data: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Regions {
    /// From two tables of round trips in milliseconds, the median and the ninetieth percentile.
    pub fn read(median: &str, ninetieth: &str) -> Result<Self, RegionsError> {
        let (median, ninetieth): (Table, Table) =
            (serde_json::from_str(median)?, serde_json::from_str(ninetieth)?);
        let names: Vec<String> = median.data.keys().cloned().collect();
        if names.is_empty() {
            return Err(RegionsError::Empty);
        }
        let trip = |table: &Table, from: &String, to: &String| {
            let found = table.data.get(from).and_then(|row| row.get(to));
            let found = found.ok_or_else(|| RegionsError::Missing {
                from: from.clone(),
                to: to.clone(),
            })?;
            // Rounded once, here; all that follows are integers.
            Ok::<_, RegionsError>((found * 500.0).round().clamp(0.0, 60_000_000.0) as u32)
        };
        let (mut median_us, mut spread_us) = (Vec::new(), Vec::new());
        for from in &names {
            for to in &names {
                let half = trip(&median, from, to)?;
                median_us.push(half);
                spread_us.push(trip(&ninetieth, from, to)?.saturating_sub(half));
            }
        }
        Ok(Self {
            names,
            median_us,
            spread_us,
        })
    }

    /// Six regions with round trips of the project's own making: numbers that are plausible between large
    /// data centres, not measured by anybody. The ninetieth percentile is an eighth and two milliseconds
    /// above the median.
    pub fn own() -> Self {
        const NAMES: [&str; 6] = [
            "europe",
            "america-east",
            "america-west",
            "america-south",
            "asia",
            "oceania",
        ];
        const TRIPS_MS: [[u32; 6]; 6] = [
            [18, 90, 145, 200, 170, 270],
            [90, 14, 65, 120, 200, 205],
            [145, 65, 12, 175, 120, 145],
            [200, 120, 175, 16, 300, 310],
            [170, 200, 120, 300, 40, 120],
            [270, 205, 145, 310, 120, 16],
        ];
        let trips = TRIPS_MS.iter().flatten();
        Self {
            names: NAMES.map(str::to_owned).to_vec(),
            median_us: trips.clone().map(|ms| ms * 500).collect(),
            spread_us: trips.map(|ms| ms * 500 / 8 + 1_000).collect(),
        }
    }

    /// The same regions with all ways longer and more or less jitter, both in thousandths of what they are.
    pub fn scaled(&self, stretch: u64, jitter: u64) -> Self {
        let scale = |us: &u32, by: u64| {
            let scaled = u64::from(*us) * by / 1_000;
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        Self {
            names: self.names.clone(),
            median_us: self.median_us.iter().map(|us| scale(us, stretch)).collect(),
            spread_us: (self.spread_us.iter())
                .map(|us| scale(&scale(us, stretch), jitter))
                .collect(),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How long a message is under way, for a draw of 16 bits. The faster half needs the median: queues
    /// only ever add. Above it the wait grows evenly, through the ninetieth percentile at nine tenths.
    pub fn latency_us(&self, from: u8, to: u8, draw: u16) -> u64 {
        let place = usize::from(from) * self.names.len() + usize::from(to);
        let median = self.median_us.get(place).copied().unwrap_or(0);
        let spread = self.spread_us.get(place).copied().unwrap_or(0);
        let above = u64::from(draw).saturating_sub(1 << 15);
        // 0.4 of 2^16 draws lie between the median and the ninetieth percentile.
        u64::from(median) + u64::from(spread) * above * 10 / (4 << 16)
    }

    /// A round trip without waits.
    pub fn trip_us(&self, from: u8, to: u8) -> u64 {
        self.latency_us(from, to, 0) + self.latency_us(to, from, 0)
    }
}

/// How a node's line is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Bytes that a node sends in a second.
    pub upload_bytes_per_s: u64,
    /// Packets that get lost, of a million. The stream is reliable: the message comes later.
    pub lost_per_million: u64,
    /// Nodes that nobody can dial, of a thousand.
    pub behind_nat: u64,
    /// How long all ways are, in thousandths of what the regions say.
    #[serde(default = "whole")]
    pub stretch: u64,
    /// How much messages wait on the way beyond its median, in thousandths of what the regions say.
    #[serde(default = "whole")]
    pub jitter: u64,
}

const fn whole() -> u64 {
    1_000
}

impl Line {
    /// How long it takes to send this.
    pub fn sending_us(&self, bytes: u64) -> u64 {
        (bytes * 1_000_000)
            .checked_div(self.upload_bytes_per_s)
            .unwrap_or(0)
    }

    /// How much later a message of this size comes because packets of it were lost: for each loss a round
    /// trip and a quarter, which is about when the sender notices.
    pub fn late_us(&self, bytes: u64, trip_us: u64, draws: u64) -> u64 {
        if self.lost_per_million == 0 {
            return 0;
        }
        let packets = bytes.div_ceil(PACKET_BYTES);
        let mut late = 0;
        for again in 0..LOST_AGAIN {
            // The packets of one message share a draw, which is exact as long as losses are rare.
            let draw = blend(draws, u64::from(again), 0) % 1_000_000;
            let sent = if again == 0 { packets } else { 1 };
            if draw >= self.lost_per_million * sent {
                break;
            }
            late += trip_us * 5 / 4;
        }
        late
    }
}

/// Groups that cannot reach each other for a while.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// From then on.
    pub from_ms: u64,
    /// Until then.
    pub until_ms: u64,
    /// How many groups; a node's group is drawn.
    pub groups: u8,
}

/// Nodes that leave and come back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// Nodes that do, of a thousand; each of them once.
    pub leave: u64,
    /// Between then
    pub from_ms: u64,
    /// and then they leave.
    pub until_ms: u64,
    /// Shortest time away.
    pub away_ms_min: u64,
    /// Longest time away.
    pub away_ms_max: u64,
}

/// Turns edges round, or leads them elsewhere, until no node that is behind a NAT is dialled.
pub fn dialled_in_the_open(graph: Graph, natted: &[bool], chance: &mut Chance) -> Graph {
    let is_natted = |node: u32| {
        let node = usize::try_from(node).unwrap_or(usize::MAX);
        natted.get(node).copied().unwrap_or(false)
    };
    let open: Vec<u32> = (0..u32::try_from(graph.nodes).unwrap_or(u32::MAX))
        .filter(|node| !is_natted(*node))
        .collect();
    let turned = graph
        .edges
        .into_iter()
        .filter_map(|(from, to)| match (is_natted(from), is_natted(to)) {
            (_, false) => Some((from, to)),
            (false, true) => Some((to, from)),
            (true, true) => chance.pick(&open).map(|other| (from, *other)),
        });
    let mut edges: Vec<(u32, u32)> = turned.collect();
    let pair = |(a, b): &(u32, u32)| (*a.min(b), *a.max(b));
    edges.sort_by_key(pair);
    edges.dedup_by_key(|edge| pair(edge));
    Graph { edges, ..graph }
}

/// A draw that belongs to three numbers, whenever and however often it is drawn: what one message waits on
/// one connection is the same when its shortest way is looked for as when it was sent.
pub fn blend(a: u64, b: u64, c: u64) -> u64 {
    let mut sum = a ^ 0x2545_f491_4f6c_dd1d;
    for part in [b, c, 0x5851_f42d] {
        sum = (sum ^ part).wrapping_mul(0xd134_2543_de82_ef95).rotate_left(29);
        sum ^= sum >> 31;
    }
    sum.wrapping_mul(0xda94_2042_e4dd_58b5) ^ (sum >> 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_messages_need_the_median_and_nine_tenths_fit_the_ninetieth() {
        let table = |ms: u32| format!(r#"{{"data": {{"a": {{"a": {ms}.0}}}}, "metadata": 1}}"#);
        let regions = Regions::read(&table(100), &table(140)).unwrap();
        let mut drawn: Vec<u64> = (0..10_000u64)
            .map(|n| regions.latency_us(0, 0, blend(7, n, 1) as u16))
            .collect();
        drawn.sort_unstable();
        assert!((50_000..50_600).contains(&drawn[5_000]), "{}", drawn[5_000]);
        assert!((69_000..71_000).contains(&drawn[9_000]), "{}", drawn[9_000]);
        assert!(drawn[9_999] <= 75_000);
        assert_eq!(Regions::own().len(), 6);
        let steady = regions.scaled(3_000, 0);
        assert_eq!(
            [0, u16::MAX].map(|draw| steady.latency_us(0, 0, draw)),
            [150_000; 2]
        );
    }

    #[test]
    fn a_lost_packet_costs_time_and_not_the_message() {
        let line = Line {
            upload_bytes_per_s: 1_000_000,
            lost_per_million: 10_000,
            behind_nat: 0,
            stretch: 1_000,
            jitter: 1_000,
        };
        let late = (0..100_000u64).filter(|n| line.late_us(1_200, 100_000, blend(1, *n, 2)) > 0);
        assert!((900..1_100).contains(&late.count()));
        assert_eq!(line.sending_us(2_000), 2_000);
    }

    #[test]
    fn nobody_behind_a_nat_is_dialled() {
        let mut chance = Chance::of(5);
        let graph = Graph::random(&mut chance, 500, 12);
        let natted: Vec<bool> = (0..500).map(|_| chance.in_thousand(400)).collect();
        let open = dialled_in_the_open(graph, &natted, &mut chance);
        assert!(open.edges.iter().all(|(_, to)| !natted[*to as usize]));
        assert!(open.edges.len() > 2_700);
    }
}
