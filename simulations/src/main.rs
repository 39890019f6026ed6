//! The program: plays one seed or many, and says whether a law broke.

use anyhow::Context;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde_json::json;
use souk_simulations::run::{self, Ends, Outcome};
use souk_simulations::scenario::Scenario;
use std::process::ExitCode;
use std::time::Instant;

/// Souk's simulations: many peers in one process, under one seed.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Print one JSON object and nothing else.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play one seed.
    Run {
        /// A built-in scenario's name, or a TOML file.
        scenario: String,
        /// Another number of nodes than the scenario's.
        #[arg(long)]
        nodes: Option<usize>,
        /// The seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Play many seeds over all cores.
    Seeds {
        /// A built-in scenario's name, or a TOML file.
        scenario: String,
        /// Another number of nodes than the scenario's.
        #[arg(long)]
        nodes: Option<usize>,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// How many.
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
}

/// Seeds between two lines about how far a run is, where no progress bar can be shown.
const TELL_EVERY: u64 = 50;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let started = Instant::now();
    let (name, nodes, seeds) = match &cli.command {
        Command::Run {
            scenario,
            nodes,
            seed,
        } => (scenario, *nodes, *seed..seed.saturating_add(1)),
        Command::Seeds {
            scenario,
            nodes,
            from,
            count,
        } => (scenario, *nodes, *from..from.saturating_add(*count)),
    };
    let scenario = scenario(name, nodes)?;
    let bar = match cli.json {
        true => ProgressBar::hidden(),
        false => progress(seeds.end - seeds.start)?,
    };
    let mut outcomes: Vec<Outcome> = seeds
        .into_par_iter()
        .map(|seed| {
            let outcome = run::seed(&scenario, seed, None);
            if let Some(failure) = &outcome.broken {
                bar.suspend(|| eprintln!("seed {seed}: {}: {}", failure.law, failure.words));
            }
            bar.inc(1);
            // Where there is no bar to be seen, a line now and then tells how far it is.
            if !cli.json && bar.is_hidden() && bar.position().is_multiple_of(TELL_EVERY) {
                eprintln!(
                    "{} seeds played, {:.0} s",
                    bar.position(),
                    started.elapsed().as_secs_f64()
                );
            }
            outcome
        })
        .collect();
    bar.finish_and_clear();
    outcomes.sort_by_key(|outcome| outcome.seed);
    let ends = Ends::of(&outcomes);
    let many = matches!(cli.command, Command::Seeds { .. });
    let shortfall = ends.shortfall(&scenario.check).filter(|_| many);
    tell(&cli, name, &scenario, &outcomes, &ends, started)?;
    if let Some(shortfall) = &shortfall {
        eprintln!("too little happened: {shortfall}");
    }
    let broken = outcomes.iter().any(|outcome| outcome.broken.is_some());
    Ok(match broken || shortfall.is_some() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn scenario(name: &str, nodes: Option<usize>) -> anyhow::Result<Scenario> {
    let scenario = match name.ends_with(".toml") {
        true => {
            let text = std::fs::read_to_string(name).with_context(|| format!("could not read {name}"))?;
            Scenario::read(&text)?
        }
        false => Scenario::named(name)?,
    };
    Ok(match nodes {
        Some(nodes) => scenario.with_nodes(nodes)?,
        None => scenario,
    })
}

fn progress(seeds: u64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} seeds, {elapsed} gone, {eta} to go")?;
    Ok(ProgressBar::new(seeds).with_style(style))
}

fn tell(
    cli: &Cli,
    name: &str,
    scenario: &Scenario,
    outcomes: &[Outcome],
    ends: &Ends,
    started: Instant,
) -> anyhow::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    let steps: u64 = outcomes.iter().map(|outcome| outcome.counts.steps).sum();
    let crashes = outcomes
        .iter()
        .map(|outcome| outcome.counts.crashes_before + outcome.counts.crashes_after);
    let crashes: u64 = crashes.sum();
    let failed: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.broken.is_some())
        .collect();
    if cli.json {
        let shown: Vec<&Outcome> = match outcomes {
            [only] => vec![only],
            _ => failed,
        };
        let told = json!({
            "scenario": name, "nodes": scenario.nodes, "seeds": outcomes.len(), "steps": steps,
            "orders": ends, "crashes": crashes, "seconds": seconds, "outcomes": shown,
            "broken": outcomes.iter().filter(|outcome| outcome.broken.is_some()).count(),
        });
        println!("{told}");
        return Ok(());
    }
    for outcome in &failed {
        let Some(failure) = &outcome.broken else {
            continue;
        };
        println!("\nseed {} broke a law at step {}", outcome.seed, failure.step);
        println!("  {}: {}", failure.law, failure.words);
        println!("  the last events of the nodes involved:");
        for line in &failure.last_events {
            println!("    {line}");
        }
        println!(
            "  again: cargo run --release -p souk-simulations -- run {name} --nodes {} --seed {}",
            scenario.nodes, outcome.seed
        );
    }
    if let [only] = outcomes {
        println!("seed {}  digest {}", only.seed, only.digest);
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({"counts": only.counts, "census": only.census}))?
        );
    }
    println!("{ends}");
    println!(
        "{} of {} seeds kept every law: {} nodes, {steps} steps, {crashes} crashes, {seconds:.1} s",
        outcomes.len() - failed.len(),
        outcomes.len(),
        scenario.nodes,
    );
    Ok(())
}
