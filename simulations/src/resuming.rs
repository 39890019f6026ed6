//! The commands that write a market down on its way and play on from there.

use crate::commands::{code, settings, tell};
use anyhow::Context;
use souk_simulations::figure::Played;
use souk_simulations::meter::Meter;
use souk_simulations::run;
use souk_simulations::scene::{Scene, Setting};
use souk_simulations::snapshot::{ResumeError, Snapshot};
use souk_simulations::summary::Summary;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(
    name: &str,
    nodes: Option<usize>,
    seed: u64,
    set: &[String],
    seconds: u64,
    file: &Path,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let text = Scene::text(name)?;
    let settings = settings(set)?;
    let scene = Scene::read(&text, &settings, nodes)?;
    let Scene::Market(scenario) = &scene else {
        return Err(ResumeError::Kind.into());
    };
    let meter = Meter::new(1, json);
    let mut share = meter.share();
    let at_ms = seconds.saturating_mul(1_000);
    let (outcome, world) = run::with_snapshot(scenario, seed, at_ms, &mut |progress| share.note(progress))?;
    share.end();
    let snapshot = Snapshot {
        scenario: name.to_owned(),
        text,
        settings: settings.iter().map(Setting::to_string).collect(),
        nodes,
        world,
    };
    let bytes = snapshot.write();
    std::fs::write(file, &bytes).with_context(|| format!("{} cannot be written", file.display()))?;
    meter.say(&format!("wrote {} bytes to {}", bytes.len(), file.display()));
    let played = outcome.played(scenario.nodes);
    told(&snapshot, &scene, played, &meter, json)
}

pub(crate) fn resume(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let snapshot = Snapshot::read(&bytes).with_context(|| format!("{}", file.display()))?;
    let meter = Meter::new(1, json);
    let mut share = meter.share();
    let played = snapshot.play(&mut |progress| share.note(progress))?;
    share.end();
    told(&snapshot, &snapshot.scene()?, played, &meter, json)
}

fn told(
    snapshot: &Snapshot,
    scene: &Scene,
    played: Played,
    meter: &Meter,
    json: bool,
) -> anyhow::Result<ExitCode> {
    meter.finish();
    let Snapshot {
        scenario,
        text,
        settings,
        nodes,
        ..
    } = snapshot;
    let summary = Summary::of(scenario, text, settings.clone(), *nodes, scene, &mut [played]);
    tell(&summary, scene.nodes(), meter, None, json)?;
    Ok(code(summary.is_good()))
}
