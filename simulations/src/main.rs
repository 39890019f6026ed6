//! The program: plays scenarios, again and again, and says what they show.

mod commands;
mod resuming;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A market makes and drops small things all the time: an eighth of its time went to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Souk's simulations: many peers in one process, under one seed.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Print JSON and nothing else.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the scenarios that are built in.
    List,
    /// Play one seed of a scenario, or several over all cores.
    Run {
        #[command(flatten)]
        what: What,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many seeds.
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// Change a number of the scenario, for instance 'storm.lost=30'. May be repeated.
        #[arg(long, value_name = "PATH=VALUE")]
        set: Vec<String>,
        /// Leave summary.json, seeds.jsonl, events.csv and report.html in this directory.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Write a market down after so many seconds of virtual time, and play on. All nodes start again at that
        /// moment, so the digest is that of this run and of those resumed from it.
        #[arg(long, value_name = "SECONDS", requires = "snapshot", conflicts_with_all = ["out", "seeds"])]
        snapshot_at: Option<u64>,
        /// The file to write it into.
        #[arg(long, value_name = "FILE", requires = "snapshot_at")]
        snapshot: Option<PathBuf>,
    },
    /// Play on from a file that 'run --snapshot' wrote.
    Resume {
        /// The file.
        file: PathBuf,
    },
    /// Play every combination of some settings with many seeds, over all cores or as cells of a job array.
    Sweep {
        #[command(flatten)]
        what: What,
        /// Values of a number, for instance 'storm.lost=10,30,50'. May be repeated.
        #[arg(long, value_name = "PATH=VALUE,VALUE,…")]
        set: Vec<String>,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Seeds of each combination.
        #[arg(long, default_value_t = 10)]
        seeds: u64,
        /// Seeds of one cell, at most.
        #[arg(long, default_value_t = 10)]
        per_cell: u64,
        /// The directory of the cells.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print one command for each cell, and play none.
        #[arg(long, conflicts_with = "cell")]
        cells: bool,
        /// Play this cell alone.
        #[arg(long, value_name = "NUMBER")]
        cell: Option<usize>,
    },
    /// Play the seeds of a result again, and compare the digests.
    Replay {
        /// A directory that 'run --out' left.
        result: PathBuf,
    },
    /// Compare two results: each figure with its interval.
    Compare {
        /// The one to compare with.
        baseline: PathBuf,
        /// The other one.
        result: PathBuf,
    },
    /// Be some nodes of a swarm; another process of this program talks with it.
    #[command(name = souk_simulations::swarm::PART, hide = true)]
    SwarmPart,
    /// Put results together: the cells of a sweep, or runs of other seeds.
    Merge {
        /// Directories of results, or directories that hold such.
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// Where to put them.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
struct What {
    /// A built-in scenario's name ('list' shows them), or a TOML file.
    scenario: String,
    /// Another number of nodes than the scenario's.
    #[arg(long)]
    nodes: Option<usize>,
}

fn main() -> anyhow::Result<ExitCode> {
    let Cli { json, command } = Cli::parse();
    match command {
        Command::List => commands::list(json),
        Command::Run {
            what: What { scenario, nodes },
            seed,
            seeds,
            set,
            out,
            snapshot_at,
            snapshot,
        } => match snapshot_at.zip(snapshot) {
            Some((seconds, file)) => resuming::run(&scenario, nodes, seed, &set, seconds, &file, json),
            None => commands::run(&scenario, nodes, seed, seeds, &set, out.as_deref(), json),
        },
        Command::Resume { file } => resuming::resume(&file, json),
        Command::Sweep {
            what: What { scenario, nodes },
            set,
            seed,
            seeds,
            per_cell,
            out,
            cells,
            cell,
        } => {
            let sweep = commands::Sweep {
                scenario,
                nodes,
                set,
                seed,
                seeds,
                per_cell,
                out,
            };
            match (cells, cell) {
                (true, _) => commands::show_cells(&sweep),
                (false, Some(number)) => commands::play_cell(&sweep, number, json),
                (false, None) => commands::play_sweep(&sweep, json),
            }
        }
        Command::Replay { result } => commands::replay(&result, json),
        Command::Compare { baseline, result } => commands::compare(&baseline, &result, json),
        Command::SwarmPart => {
            souk_simulations::swarm::serve()?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Merge { results, out } => commands::merge(&results, &out, json),
    }
}
