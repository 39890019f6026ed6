//! What a run leaves behind, and results of several runs together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use souk_simulations::figure::Played;
use souk_simulations::folder::{self, EVENTS, FolderError, REPORT, SEEDS, SUMMARY};
use souk_simulations::scene::{Scene, Setting};
use souk_simulations::summary::Summary;
use std::path::{Path, PathBuf};

/// Plays some seeds of a small world, and leaves them in a directory.
fn leave(folder: &Path, acts: &str, seeds: &[u64]) -> Summary {
    let text = Scene::text("drop").unwrap();
    let settings: Vec<Setting> = [acts, "keep_events=[\"order\"]", "storm.duration_ms=90000"]
        .iter()
        .map(|setting| setting.parse().unwrap())
        .collect();
    // What is not in the built-in file cannot be set, so the file names it.
    let text = text.replace("nodes = 61", "nodes = 61\nkeep_events = []");
    let scene = Scene::read(&text, &settings, Some(8)).unwrap();
    let mut played: Vec<Played> = seeds.iter().map(|seed| scene.play(*seed, &mut |_| ())).collect();
    let settings = settings.iter().map(Setting::to_string).collect();
    let summary = Summary::of("drop", &text, settings, Some(8), &scene, &mut played);
    folder::write(folder, &summary, &played).unwrap();
    summary
}

#[test]
fn results_of_other_seeds_merge_into_what_one_run_would_have_left() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let whole = leave(&at("whole"), "people.acts=3", &[1, 2, 3]);
    leave(&at("one"), "people.acts=3", &[3, 1]);
    leave(&at("other"), "people.acts=3", &[2, 3]);
    let merged = folder::merge(&[at("one"), at("other")], &at("merged")).unwrap();
    assert_eq!(merged, whole);
    for file in [SUMMARY, SEEDS, REPORT] {
        let [one, other] = ["whole", "merged"].map(|name| std::fs::read(at(name).join(file)).unwrap());
        assert_eq!(one, other, "{file}");
    }
    assert_eq!(folder::read_summary(&at("merged")).unwrap(), whole);
    // What is kept of events says which order came to which state, where and when.
    let events = std::fs::read_to_string(at("whole").join(EVENTS)).unwrap();
    assert!(
        events.starts_with("seed,time_us,node,kind,other,about\n1,"),
        "{events:.200}"
    );
    assert!(events.contains("order completed"), "{events:.500}");
}

#[test]
fn results_that_do_not_belong_together_are_not_merged() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    leave(&at("one"), "people.acts=3", &[1]);
    leave(&at("other"), "people.acts=4", &[2]);
    let out = at("out");
    let refused = folder::merge(&[at("one"), at("other")], &out).unwrap_err();
    assert!(matches!(refused, FolderError::Different { .. }), "{refused}");
    // The same seed by a program that does something else.
    leave(&at("again"), "people.acts=3", &[1]);
    let seeds = at("again").join(SEEDS);
    let mut played: Played = serde_json::from_str(&std::fs::read_to_string(&seeds).unwrap()).unwrap();
    played.digest = "00".into();
    std::fs::write(&seeds, serde_json::to_string(&played).unwrap()).unwrap();
    let refused = folder::merge(&[at("one"), at("again")], &out).unwrap_err();
    assert!(
        matches!(refused, FolderError::Contradiction { seed: 1, .. }),
        "{refused}"
    );
    assert!(!out.exists(), "nothing half done");
    let none: [PathBuf; 0] = [];
    assert!(matches!(folder::merge(&none, &out), Err(FolderError::Nothing)));
    std::fs::write(at("one").join(SUMMARY), "{").unwrap();
    assert!(matches!(
        folder::read_summary(&at("one")),
        Err(FolderError::Form { .. })
    ));
    assert!(matches!(
        folder::read_summary(&at("nowhere")),
        Err(FolderError::Io { .. })
    ));
}
