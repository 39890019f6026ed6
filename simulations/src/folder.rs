//! The directory that a run leaves: `summary.json`, `seeds.jsonl`, `events.csv` and `report.html`.

use crate::figure::Played;
use crate::report;
use crate::scene::{Scene, SceneError, Setting};
use crate::summary::Summary;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is there after a run: everything, in one file for machines.
pub const SUMMARY: &str = "summary.json";
/// Each seed's figures, one line of JSON each.
pub const SEEDS: &str = "seeds.jsonl";
/// Kept events of all seeds.
pub const EVENTS: &str = "events.csv";
/// The page.
pub const REPORT: &str = "report.html";

/// Why a directory could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The machine's own reason.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It holds something else.
    #[error("{path} is no result of a run: {error}")]
    Form {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// Results that do not belong together.
    #[error("{one} and {other} are results of different scenarios or settings, so they cannot be merged")]
    Different {
        /// The first.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// One seed with two digests.
    #[error(
        "seed {seed} has the digest {one} in one result and {other} in another: they were made by different programs"
    )]
    Contradiction {
        /// The seed.
        seed: u64,
        /// One digest.
        one: String,
        /// The other.
        other: String,
    },
    /// The scenario cannot be read any more.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// Nothing was given.
    #[error("expected at least one directory of results")]
    Nothing,
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> FolderError {
    move |error| FolderError::Io {
        path: path.to_owned(),
        error,
    }
}

fn form(path: &Path, error: impl std::fmt::Display) -> FolderError {
    FolderError::Form {
        path: path.to_owned(),
        error: error.to_string(),
    }
}

/// Writes everything that a run left.
pub fn write(folder: &Path, summary: &Summary, played: &[Played]) -> Result<(), FolderError> {
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    let path = folder.join(SEEDS);
    let mut seeds = BufWriter::new(File::create(&path).map_err(io(&path))?);
    for one in played {
        let bare = Played {
            events: Vec::new(),
            ..one.clone()
        };
        let line = serde_json::to_string(&bare).map_err(|error| form(&path, error))?;
        writeln!(seeds, "{line}").map_err(io(&path))?;
    }
    seeds.flush().map_err(io(&path))?;
    if played.iter().any(|one| !one.events.is_empty()) {
        write_events(&folder.join(EVENTS), played)?;
    }
    write_summary(folder, summary)
}

fn write_summary(folder: &Path, summary: &Summary) -> Result<(), FolderError> {
    let path = folder.join(REPORT);
    std::fs::write(&path, report::page(summary)).map_err(io(&path))?;
    // Last: whoever finds it finds the rest.
    let path = folder.join(SUMMARY);
    let text = serde_json::to_string_pretty(summary).map_err(|error| form(&path, error))?;
    std::fs::write(&path, text + "\n").map_err(io(&path))
}

fn write_events(path: &Path, played: &[Played]) -> Result<(), FolderError> {
    let failed = |error: csv::Error| form(path, error);
    let mut table = csv::Writer::from_path(path).map_err(failed)?;
    table
        .write_record(["seed", "time_us", "node", "kind", "other", "about"])
        .map_err(failed)?;
    for one in played {
        for row in &one.events {
            let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let cells = [
                one.seed.to_string(),
                row.time_us.to_string(),
                row.node.to_string(),
                row.kind.clone(),
                number(row.other),
                number(row.about),
            ];
            table.write_record(cells).map_err(failed)?;
        }
    }
    table.flush().map_err(io(path))
}

/// The summary in a directory, or in the file itself.
pub fn read_summary(path: &Path) -> Result<Summary, FolderError> {
    let path = match path.is_dir() {
        true => path.join(SUMMARY),
        false => path.to_owned(),
    };
    let text = std::fs::read_to_string(&path).map_err(io(&path))?;
    serde_json::from_str(&text).map_err(|error| form(&path, error))
}

fn read_seeds(folder: &Path) -> Result<Vec<Played>, FolderError> {
    let path = folder.join(SEEDS);
    let lines = BufReader::new(File::open(&path).map_err(io(&path))?).lines();
    let read = |line: std::io::Result<String>| {
        serde_json::from_str(&line.map_err(io(&path))?).map_err(|error| form(&path, error))
    };
    lines.map(read).collect()
}

/// The scenario of a summary, as it was played.
pub fn scene_of(summary: &Summary) -> Result<Scene, SceneError> {
    let settings = summary.settings.iter().map(|text| text.parse());
    let settings = settings.collect::<Result<Vec<Setting>, _>>()?;
    Scene::read(&summary.text, &settings, summary.nodes)
}

/// Puts the seeds of several results together, as if one run had played them. Kept events stay where
/// they are.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<Summary, FolderError> {
    let (first, rest) = folders.split_first().ok_or(FolderError::Nothing)?;
    let summary = read_summary(first)?;
    let mut played = read_seeds(first)?;
    for folder in rest {
        let other = read_summary(folder)?;
        let same = |one: &Summary| {
            (
                one.text.clone(),
                one.settings.clone(),
                one.nodes,
                one.version.clone(),
            )
        };
        if same(&summary) != same(&other) {
            return Err(FolderError::Different {
                one: first.clone(),
                other: folder.clone(),
            });
        }
        played.extend(read_seeds(folder)?);
    }
    played.sort_by_key(|one| one.seed);
    for pair in played.windows(2) {
        if let [one, other] = pair
            && one.seed == other.seed
            && one.digest != other.digest
        {
            return Err(FolderError::Contradiction {
                seed: one.seed,
                one: one.digest.clone(),
                other: other.digest.clone(),
            });
        }
    }
    played.dedup_by_key(|one| one.seed);
    let scene = scene_of(&summary)?;
    let (text, settings) = (summary.text, summary.settings);
    let merged = Summary::of(
        &summary.scenario,
        &text,
        settings,
        summary.nodes,
        &scene,
        &mut played,
    );
    write(out, &merged, &played)?;
    Ok(merged)
}
