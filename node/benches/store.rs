//! Durable writes a second, beside what the disk itself can sync: `acked_rate`. Groups of 1, 100 and
//! 1,000 posts, three or four rows each, one commit for a group; the baseline writes as many bytes to
//! a file that has its room already and syncs them.
//!
//! On a disk that others use too, both sides wait for the others most of the time: the ratio of the
//! rates then wanders about 1, to either side, and proves nothing. So `undisturbed` stands beside it,
//! the ratio of the times that one in a hundred stays below. That one over 1 would mean that the store
//! acknowledges what it has not synced. `SOUK_BENCH=small` runs it once, briefly.

use souk_node::store::{Options, Store};
use souk_protocol::records::{Write, laws};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

const SEED: u64 = 1;
/// A post of ordinary length, as an envelope.
const ENVELOPE_BYTES: usize = 500;
/// Room of the baseline's file: it is written around and around.
const FILE_BYTES: usize = 16 * 1024 * 1024;

/// One group size, and how many envelopes a run commits in such groups.
struct Series {
    group: usize,
    envelopes: usize,
}

const LARGE: &[Series] = &[
    Series {
        group: 1,
        envelopes: 1_000,
    },
    Series {
        group: 100,
        envelopes: 10_000,
    },
    Series {
        group: 1_000,
        envelopes: 50_000,
    },
];
const SMALL: &[Series] = &[
    Series {
        group: 1,
        envelopes: 50,
    },
    Series {
        group: 100,
        envelopes: 500,
    },
    Series {
        group: 1_000,
        envelopes: 2_000,
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let small = std::env::var("SOUK_BENCH").is_ok_and(|size| size == "small");
    let (series, runs) = if small { (SMALL, 1) } else { (LARGE, 5) };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for Series { group, envelopes } in series {
        let posts = laws::posts(SEED, *envelopes, ENVELOPE_BYTES)?;
        let groups: Vec<Vec<Write>> = posts.chunks(*group).map(<[_]>::concat).collect();
        let (mut ratios, mut rates, mut raws, mut bests) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let Times { acked, raw } = run(dir, &groups)?;
            ratios.push(rate(&acked) / rate(&raw));
            rates.push(rate(&acked) * *group as f64);
            raws.push(rate(&raw));
            bests.push(undisturbed(&raw) / undisturbed(&acked));
        }
        let rows = groups.iter().map(Vec::len).sum::<usize>() as f64 / *envelopes as f64;
        println!(
            "groups of {group}: {:.0} envelopes ({:.0} rows) a second acknowledged, beside {:.0} bare syncs a second",
            median(&rates),
            median(&rates) * rows,
            median(&raws),
        );
        let (least, most) = ratios.iter().fold((f64::MAX, 0.0_f64), |(low, high), ratio| {
            (low.min(*ratio), high.max(*ratio))
        });
        println!(
            r#"{{"figure":"acked_rate","value":{:.4},"baseline":"fdatasync","unit":"ratio","runs":{runs},"min":{least:.4},"max":{most:.4},"group":{group},"undisturbed":{:.4},"envelopes_per_second":{:.0}}}"#,
            median(&ratios),
            median(&bests),
            median(&rates),
        );
    }
    Ok(())
}

/// How long each commit and each bare sync of a run took, in seconds, shortest first.
struct Times {
    acked: Vec<f64>,
    raw: Vec<f64>,
}

/// Commits and bare syncs take turns, group by group.
fn run(dir: &Path, groups: &[Vec<Write>]) -> Result<Times, Box<dyn std::error::Error>> {
    let root = tempfile::tempdir_in(dir)?;
    let store = Store::open(&root.path().join("store"), Options::default())?;
    let file = preallocated(root.path())?;
    let bytes = vec![7; FILE_BYTES];
    let (mut acked, mut raw, mut place) = (Vec::new(), Vec::new(), 0);
    for group in groups {
        let started = Instant::now();
        place = sync_as_many(&file, &bytes, place, group)?;
        raw.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        store.commit(group)?;
        acked.push(started.elapsed().as_secs_f64());
    }
    acked.sort_by(f64::total_cmp);
    raw.sort_by(f64::total_cmp);
    Ok(Times { acked, raw })
}

/// How many a second.
fn rate(times: &[f64]) -> f64 {
    times.len() as f64 / times.iter().sum::<f64>()
}

/// What one in a hundred stays below.
fn undisturbed(times: &[f64]) -> f64 {
    times.get(times.len() / 100).copied().unwrap_or_default()
}

/// Writes and syncs as many bytes as a group brings, with nothing around them; says where it ended.
fn sync_as_many(file: &File, bytes: &[u8], place: usize, group: &[Write]) -> io::Result<usize> {
    let changes = group.iter().filter_map(Write::change);
    let len: usize = changes
        .map(|change| change.key.len() + change.value.as_ref().map_or(0, Vec::len))
        .sum();
    let place = if place + len > FILE_BYTES { 0 } else { place };
    let piece = bytes
        .get(..len)
        .ok_or_else(|| io::Error::other("a group larger than the file"))?;
    file.write_all_at(piece, place as u64)?;
    file.sync_data()?;
    Ok(place + len)
}

fn preallocated(dir: &Path) -> io::Result<File> {
    let path = dir.join("raw-syncs");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)?;
    file.write_all_at(&vec![0; FILE_BYTES], 0)?;
    file.sync_all()?;
    Ok(file)
}

fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
