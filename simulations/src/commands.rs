//! What the program's commands do.

use anyhow::{Context, bail, ensure};
use rayon::prelude::*;
use serde_json::json;
use souk_simulations::figure::Played;
use souk_simulations::folder::{self, SUMMARY};
use souk_simulations::meter::Meter;
use souk_simulations::plot::number;
use souk_simulations::report::{self, again};
use souk_simulations::scene::{Scene, Setting};
use souk_simulations::summary::Summary;
use souk_simulations::sweep::{self, Cell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A sweep as it was asked for.
pub(crate) struct Sweep {
    pub(crate) scenario: String,
    pub(crate) nodes: Option<usize>,
    pub(crate) set: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) seeds: u64,
    pub(crate) per_cell: u64,
    pub(crate) out: PathBuf,
}

pub(crate) fn code(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

pub(crate) fn settings(texts: &[String]) -> anyhow::Result<Vec<Setting>> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}

pub(crate) fn list(json: bool) -> anyhow::Result<ExitCode> {
    let all = Scene::built_in();
    if json {
        let told: Vec<_> = all
            .iter()
            .map(|(name, text)| json!({"name": name, "words": Scene::words(text)}))
            .collect();
        println!("{}", json!(told));
        return Ok(ExitCode::SUCCESS);
    }
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in all {
        println!("{name:<width$}  {}", Scene::words(text));
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays seeds over all cores, or one after the other if each needs the machine for itself.
fn play(scene: &Scene, seeds: std::ops::Range<u64>, meter: &Meter) -> Vec<Played> {
    let play = |seed| {
        let mut share = meter.share();
        let played = scene.play(seed, &mut |progress| share.note(progress));
        share.end();
        if let Some(broken) = &played.broken {
            meter.say(&format!(
                "seed {seed} broke a law: {}",
                broken.lines().next().unwrap_or_default()
            ));
        }
        played
    };
    match scene.runs_alone() {
        true => seeds.map(play).collect(),
        false => seeds.into_par_iter().map(play).collect(),
    }
}

pub(crate) fn run(
    name: &str,
    nodes: Option<usize>,
    seed: u64,
    seeds: u64,
    set: &[String],
    out: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    ensure!(seeds > 0, "expected at least one seed");
    let text = Scene::text(name)?;
    let settings = settings(set)?;
    let scene = Scene::read(&text, &settings, nodes)?;
    let meter = Meter::new(seeds, json);
    let mut played = play(&scene, seed..seed.saturating_add(seeds), &meter);
    meter.finish();
    let settings = settings.iter().map(Setting::to_string).collect();
    let summary = Summary::of(name, &text, settings, nodes, &scene, &mut played);
    if let Some(out) = out {
        folder::write(out, &summary, &played)?;
    }
    tell(&summary, scene.nodes(), &meter, out, json)?;
    Ok(code(summary.is_good()))
}

pub(crate) fn tell(
    summary: &Summary,
    nodes: usize,
    meter: &Meter,
    out: Option<&Path>,
    json: bool,
) -> anyhow::Result<()> {
    let seconds = meter.elapsed().as_secs_f64();
    let events_per_second = meter.events() as f64 / seconds.max(0.001);
    let broken = summary.seeds.iter().filter(|seed| seed.broken.is_some()).count();
    if json {
        let told = json!({
            "scenario": summary.scenario, "nodes": nodes, "seeds": summary.seeds.len(), "broken": broken,
            "good": summary.is_good(), "digest": summary.digest, "figures": summary.figures,
            "thresholds": summary.thresholds, "seconds": seconds, "events_per_second": events_per_second,
            "out": out,
        });
        println!("{told}");
        return Ok(());
    }
    for seed in &summary.seeds {
        if let Some(words) = &seed.broken {
            println!("\nseed {} broke a law\n{words}\n", seed.seed);
        }
    }
    println!("{}", table(summary));
    for verdict in &summary.thresholds {
        println!(
            "{} {}: {} asked for, {} found",
            if verdict.held { "held  " } else { "MISSED" },
            verdict.figure,
            report::asked(&verdict.threshold),
            verdict.value.map_or("nothing".into(), number),
        );
    }
    println!("digest {}", summary.digest);
    println!("again: {}", again(summary));
    if let Some(out) = out {
        println!("see {}", out.join(folder::REPORT).display());
    }
    println!(
        "{} of {} seeds kept every law: {nodes} nodes, {} events, {} events/s, {seconds:.1} s",
        summary.seeds.len() - broken,
        summary.seeds.len(),
        number(meter.events() as f64),
        number(events_per_second),
    );
    Ok(())
}

fn table(summary: &Summary) -> String {
    let rows: Vec<[String; 4]> = summary
        .figures
        .iter()
        .map(|(name, figure)| {
            let ci95 = figure.ci95.map(|ci95| format!("± {}", number(ci95)));
            let range = match figure.seeds {
                1 => String::new(),
                _ => format!("{} to {}", number(figure.min), number(figure.max)),
            };
            [name.clone(), number(figure.mean), ci95.unwrap_or_default(), range]
        })
        .collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let [names, means, intervals] = widths;
    let line = |[name, mean, ci95, range]: &[String; 4]| {
        format!("{name:<names$}  {mean:>means$}  {ci95:<intervals$}  {range}")
            .trim_end()
            .to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Sweep {
    fn plan(&self) -> anyhow::Result<Vec<Cell>> {
        ensure!(self.seeds > 0, "expected at least one seed");
        let axes = self
            .set
            .iter()
            .map(|text| sweep::values(text))
            .collect::<Result<Vec<_>, _>>()?;
        let cells = sweep::cells(&axes, self.seed, self.seeds, self.per_cell);
        // What cannot be played is said before an hour has gone.
        let text = Scene::text(&self.scenario)?;
        for cell in &cells {
            Scene::read(&text, &cell.settings, self.nodes)?;
        }
        Ok(cells)
    }

    /// Plays a cell and leaves its directory.
    fn play(&self, cell: &Cell, text: &str, meter: &Meter) -> anyhow::Result<(Scene, Summary)> {
        let scene = Scene::read(text, &cell.settings, self.nodes)?;
        let mut played = play(&scene, cell.from..cell.from + cell.count, meter);
        let settings = cell.settings.iter().map(Setting::to_string).collect();
        let summary = Summary::of(&self.scenario, text, settings, self.nodes, &scene, &mut played);
        folder::write(&self.out.join(cell.folder()), &summary, &played)?;
        Ok((scene, summary))
    }
}

pub(crate) fn show_cells(sweep: &Sweep) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("this program's own file is not known")?;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut command = format!(
        "{} sweep {}",
        quoted(&program.display().to_string()),
        quoted(&sweep.scenario)
    );
    if let Some(nodes) = sweep.nodes {
        command += &format!(" --nodes {nodes}");
    }
    for set in &sweep.set {
        command += &format!(" --set {}", quoted(set));
    }
    let Sweep {
        seed,
        seeds,
        per_cell,
        out,
        ..
    } = sweep;
    let out = quoted(&out.display().to_string());
    command += &format!(" --seed {seed} --seeds {seeds} --per-cell {per_cell} --out {out}");
    for cell in sweep.plan()? {
        println!("{command} --cell {}", cell.number);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn play_cell(sweep: &Sweep, number: usize, json: bool) -> anyhow::Result<ExitCode> {
    let cells = sweep.plan()?;
    let Some(cell) = cells.get(number) else {
        bail!("expected a cell below {}, got {number}", cells.len())
    };
    let meter = Meter::new(cell.count, json);
    let (scene, summary) = sweep.play(cell, &Scene::text(&sweep.scenario)?, &meter)?;
    meter.finish();
    tell(
        &summary,
        scene.nodes(),
        &meter,
        Some(&sweep.out.join(cell.folder())),
        json,
    )?;
    Ok(code(summary.is_good()))
}

pub(crate) fn play_sweep(sweep: &Sweep, json: bool) -> anyhow::Result<ExitCode> {
    let (cells, text) = (sweep.plan()?, Scene::text(&sweep.scenario)?);
    let meter = Meter::new(cells.iter().map(|cell| cell.count).sum(), json);
    // Over cells and seeds at once: the last cell must not leave cores idle.
    let folders = cells
        .par_iter()
        .map(|cell| {
            sweep.play(cell, &text, &meter)?;
            Ok(sweep.out.join(cell.folder()))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    meter.finish();
    put_together(&folders, &sweep.out.join("all"), json)
}

pub(crate) fn merge(results: &[PathBuf], out: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut folders = Vec::new();
    for result in results {
        if result.join(SUMMARY).is_file() {
            folders.push(result.clone());
            continue;
        }
        let entries =
            std::fs::read_dir(result).with_context(|| format!("{} cannot be read", result.display()))?;
        let mut within: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        within.retain(|path| path.join(SUMMARY).is_file());
        ensure!(!within.is_empty(), "{} holds no results", result.display());
        within.sort();
        folders.extend(within);
    }
    put_together(&folders, out, json)
}

/// Results of equal settings become one; if there are several settings, an overview shows them side by side.
fn put_together(folders: &[PathBuf], out: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut groups: BTreeMap<Vec<String>, Vec<PathBuf>> = BTreeMap::new();
    let mut order = Vec::new();
    for folder in folders {
        let settings = folder::read_summary(folder)?.settings;
        if !groups.contains_key(&settings) {
            order.push(settings.clone());
        }
        groups.entry(settings).or_default().push(folder.clone());
    }
    let mut merged = Vec::new();
    for (at, settings) in order.iter().enumerate() {
        let name = format!("setting-{:03}", at + 1);
        let to = match order.len() {
            1 => out.to_owned(),
            _ => out.join(&name),
        };
        let group = groups.get(settings).map(Vec::as_slice).unwrap_or_default();
        merged.push((name, folder::merge(group, &to)?));
    }
    if merged.len() > 1 {
        let cells: Vec<(String, &Summary)> = merged
            .iter()
            .map(|(name, summary)| (name.clone(), summary))
            .collect();
        let title = merged
            .first()
            .map(|(_, summary)| summary.scenario.clone())
            .unwrap_or_default();
        let page = out.join(folder::REPORT);
        std::fs::write(&page, report::overview(&title, &cells))
            .with_context(|| page.display().to_string())?;
    }
    let good = merged.iter().all(|(_, summary)| summary.is_good());
    if json {
        let told = merged.iter().map(|(name, summary)| {
            json!({"name": name, "settings": summary.settings, "seeds": summary.seeds.len(), "good": summary.is_good(), "digest": summary.digest})
        });
        println!(
            "{}",
            json!({"out": out, "good": good, "merged": told.collect::<Vec<_>>()})
        );
    } else {
        for (_, summary) in &merged {
            println!(
                "{}  {} seeds  {}",
                summary.settings.join(", "),
                summary.seeds.len(),
                summary.verdict()
            );
        }
        println!("see {}", out.join(folder::REPORT).display());
    }
    Ok(code(good))
}

pub(crate) fn replay(result: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let summary = folder::read_summary(result)?;
    if summary.version != env!("CARGO_PKG_VERSION") {
        eprintln!(
            "the result was made by version {}, and this is {}: other digests are no wonder",
            summary.version,
            env!("CARGO_PKG_VERSION")
        );
    }
    let scene = folder::scene_of(&summary)?;
    let meter = Meter::new(summary.seeds.len() as u64, json);
    let other: Vec<_> = summary
        .seeds
        .par_iter()
        .filter_map(|seed| {
            let mut share = meter.share();
            let played = scene.play(seed.seed, &mut |progress| share.note(progress));
            share.end();
            (played.digest != seed.digest).then_some((seed.seed, played.digest))
        })
        .collect();
    meter.finish();
    if json {
        println!(
            "{}",
            json!({"seeds": summary.seeds.len(), "equal": other.is_empty(), "other": other})
        );
    } else {
        for (seed, digest) in &other {
            println!("seed {seed}: now {digest}");
        }
        println!(
            "{} of {} seeds have the same digest again",
            summary.seeds.len() - other.len(),
            summary.seeds.len()
        );
    }
    Ok(code(other.is_empty()))
}

pub(crate) fn compare(baseline: &Path, result: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let (before, after) = (folder::read_summary(baseline)?, folder::read_summary(result)?);
    let mut rows = Vec::new();
    for (name, old) in &before.figures {
        let Some(new) = after.figures.get(name) else {
            continue;
        };
        let ratio = if old.mean.abs() > f64::EPSILON {
            Some(new.mean / old.mean)
        } else {
            None
        };
        rows.push((name, old, new, ratio, !old.meets(new)));
    }
    ensure!(!rows.is_empty(), "the two results have no figure in common");
    let good = after.is_good();
    if json {
        let told = rows.iter().map(|(name, old, new, ratio, differs)| {
            json!({"figure": name, "baseline": old, "result": new, "ratio": ratio, "differs": differs})
        });
        println!("{}", json!({"good": good, "figures": told.collect::<Vec<_>>()}));
        return Ok(code(good));
    }
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    for (name, old, new, ratio, differs) in rows {
        println!(
            "{name:<width$}  {:>14} → {:>14}  {:>8}  {}",
            number(old.mean),
            number(new.mean),
            ratio
                .map(|ratio| format!("× {}", number(ratio)))
                .unwrap_or_default(),
            if differs {
                "differs beyond both intervals"
            } else {
                ""
            },
        );
    }
    for verdict in after.thresholds.iter().filter(|verdict| !verdict.held) {
        println!(
            "MISSED {}: {} asked for",
            verdict.figure,
            report::asked(&verdict.threshold)
        );
    }
    Ok(code(good))
}
