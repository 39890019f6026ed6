//! What a swarm heard, made into figures.

use super::Swarm;
use super::crowd::Wires;
use crate::figure::{Figures, Played, Row};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use souk_node::network::Device;
use std::sync::Arc;
use std::time::Duration;

/// Points of a curve.
const POINTS: usize = 200;

/// A moment by a clock that never jumps and that all processes of this machine share, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Clock(u64);

impl Clock {
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
        Self(seconds.unwrap_or(0) * 1_000_000 + nanos.unwrap_or(0) / 1_000)
    }

    pub(super) fn since(self, before: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(before.0))
    }
}

/// A message came to a node, or from it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) at: Clock,
    pub(super) node: usize,
    pub(super) message: usize,
    /// Who passed it on; nobody if it was published here, or if that is not known.
    pub(super) from: Option<Device>,
}

/// What was heard while messages were on their way.
pub(super) struct Heard {
    /// When the first message was about to be published.
    pub(super) begun: Clock,
    pub(super) published: Vec<Note>,
    pub(super) first: Vec<Note>,
    /// Gossip that arrived again.
    pub(super) duplicates: u64,
    /// Of whole nodes it is not known.
    pub(super) mesh: Option<Mesh>,
    /// Time on all cores, and time on the clock, from the first message to the end.
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    /// Time on all cores in a second in which nothing is published.
    pub(super) idle: Duration,
    /// Which device is at which place.
    pub(super) wires: Arc<Wires>,
}

/// The meshes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mesh {
    /// At the end.
    pub(super) degree_mean: f64,
    /// Before the first message.
    pub(super) full_share: f64,
}

/// Time that this process has spent on all cores, in microseconds, as Linux tells it; zero elsewhere.
pub(super) fn cpu_us() -> u64 {
    /// Microseconds of one tick of that file.
    const TICK: u64 = 10_000;
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name stands in parentheses and may hold spaces; time in the program and in the kernel are the
    // twelfth and thirteenth words behind it.
    let words = told
        .rsplit_once(')')
        .map_or("", |(_, words)| words)
        .split_ascii_whitespace();
    let ticks = words.skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
    ticks.sum::<u64>() * TICK
}

/// The figures and rows of what was heard.
pub(super) fn played(swarm: &Swarm, seed: u64, heard: Heard) -> Played {
    let mut latencies: Vec<f64> = heard
        .first
        .iter()
        .filter_map(|note| {
            let published = heard.published.get(note.message)?;
            Some(note.at.since(published.at).as_secs_f64() * 1_000.0)
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    let pairs = (swarm.nodes.saturating_sub(1) * heard.published.len()).max(1) as f64;
    let deliveries = latencies.len().max(1) as f64;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let idle = heard.idle.as_secs_f64() * heard.wall.as_secs_f64();
    let work = (heard.cpu.as_secs_f64() - idle).max(0.0);

    let mut figures = Figures::default();
    figures.number("delivered_share", latencies.len() as f64 / pairs);
    figures.number("latency_ms_p50", quantile(&latencies, 0.5));
    figures.number("latency_ms_p99", quantile(&latencies, 0.99));
    figures.number("latency_ms_mean", latencies.iter().sum::<f64>() / deliveries);
    figures.number("duplicates", heard.duplicates as f64 / deliveries);
    if let Some(mesh) = &heard.mesh {
        figures.number("mesh_degree_mean", mesh.degree_mean);
        figures.number("mesh_full_share", mesh.full_share);
    }
    figures.number("gossip_cpu_us_per_delivery", work * 1e6 / deliveries);
    let load = heard.cpu.as_secs_f64() / (heard.wall.as_secs_f64() * cores).max(f64::MIN_POSITIVE);
    figures.number("cpu_load", load);
    figures.number("idle_cpu_load", heard.idle.as_secs_f64() / cores);
    figures.curve("delivery_cdf", cdf(&latencies, pairs));
    Played {
        seed,
        digest: digest(swarm, seed),
        figures,
        events: rows(&heard),
        broken: None,
    }
}

/// The value below which this share of sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn cdf(sorted: &[f64], pairs: f64) -> Vec<(f64, f64)> {
    let point = |point: usize| {
        let at = sorted.len() * point / POINTS;
        let value = sorted.get(at.checked_sub(1)?)?;
        Some((*value, at as f64 / pairs))
    };
    (1..=POINTS).filter_map(point).collect()
}

fn rows(heard: &Heard) -> Vec<Row> {
    let row = |kind: &str, note: &Note| Row {
        time_us: u64::try_from(note.at.since(heard.begun).as_micros()).unwrap_or(u64::MAX),
        node: note.node as u64,
        kind: kind.to_owned(),
        other: note
            .from
            .and_then(|from| heard.wires.place(&from))
            .map(|from| from as u64),
        about: Some(note.message as u64),
    };
    let published = heard.published.iter().map(|note| row("published", note));
    let first = heard.first.iter().map(|note| row("first", note));
    let mut rows: Vec<Row> = published.chain(first).collect();
    rows.sort_by_key(|row| row.time_us);
    rows
}

/// Of what a swarm is, not of what happened in it: that is never the same twice.
fn digest(swarm: &Swarm, seed: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    for number in [
        seed,
        swarm.nodes as u64,
        swarm.messages as u64,
        swarm.message_bytes as u64,
        swarm.interval.as_micros() as u64,
    ] {
        hasher.update(&number.to_le_bytes());
    }
    for (one, other) in &swarm.edges {
        for number in [
            *one as u64,
            *other as u64,
            (swarm.delay_us)(*one, *other),
            (swarm.delay_us)(*other, *one),
        ] {
            hasher.update(&number.to_le_bytes());
        }
    }
    for speaker in swarm.speakers(seed) {
        hasher.update(&(speaker as u64).to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        for (share, expected) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert!((quantile(&sorted, share) - expected).abs() < 1e-9, "{share}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_curve_ends_at_the_share_that_was_delivered() {
        let curve = cdf(&[1.0, 2.0, 4.0], 6.0);
        assert_eq!(curve.len(), POINTS - POINTS.div_ceil(3) + 1);
        assert!(
            curve
                .last()
                .is_some_and(|(x, y)| (x - 4.0).abs() < 1e-9 && (y - 0.5).abs() < 1e-9)
        );
        assert!(curve.is_sorted_by(|one, next| one.0 <= next.0));
    }
}
