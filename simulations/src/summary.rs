//! What some seeds of one scenario show together: each figure with its confidence interval, and whether
//! the thresholds held.

use crate::figure::{Figures, Played, Threshold};
use crate::scene::Scene;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A figure over some seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Mean over the seeds.
    pub mean: f64,
    /// The mean of all worlds lies within this much of it with 95 % confidence (Student's t); none for
    /// one seed.
    pub ci95: Option<f64>,
    /// Least of the seeds.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Seeds.
    pub seeds: usize,
}

/// A threshold, and the seed that is worst by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The figure.
    pub figure: String,
    /// Between what it must lie.
    pub threshold: Threshold,
    /// Whether it did, in every seed.
    pub held: bool,
    /// A value that did not, or else the mean; none if no seed has the figure.
    pub value: Option<f64>,
}

/// One seed of a summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// Its digest.
    pub digest: String,
    /// The law that it broke, in words.
    pub broken: Option<String>,
}

/// Everything that a run shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The scenario's name or file.
    pub scenario: String,
    /// Its whole text.
    pub text: String,
    /// What was set otherwise, as `path=value`.
    pub settings: Vec<String>,
    /// Nodes, if other than the scenario says.
    pub nodes: Option<usize>,
    /// Version of the program.
    pub version: String,
    /// BLAKE3 over the digests of all seeds, in their order: of the whole run.
    pub digest: String,
    /// Each seed.
    pub seeds: Vec<Seed>,
    /// Each figure.
    pub figures: BTreeMap<String, Figure>,
    /// Each threshold.
    pub thresholds: Vec<Verdict>,
    /// Where the model was checked, in words.
    pub checked_in: String,
    /// Curves of the first seed.
    pub curves: BTreeMap<String, Vec<(f64, f64)>>,
}

/// Student's t for 95 % confidence, both sides, by degrees of freedom from 1 on; beyond, the normal one.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL: f64 = 1.960;

impl Figure {
    /// Of these values; none of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (first, seeds) = (values.first()?, values.len());
        let mean = values.iter().sum::<f64>() / seeds as f64;
        let ci95 = (seeds > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            let deviation = (squares / (seeds - 1) as f64).sqrt();
            let t = STUDENT.get(seeds - 2).copied().unwrap_or(NORMAL);
            t * deviation / (seeds as f64).sqrt()
        });
        Some(Self {
            mean,
            ci95,
            min: values.iter().copied().fold(*first, f64::min),
            max: values.iter().copied().fold(*first, f64::max),
            seeds,
        })
    }

    /// Whether the intervals of two figures meet.
    pub fn meets(&self, other: &Self) -> bool {
        (self.mean - other.mean).abs() <= self.ci95.unwrap_or(0.0) + other.ci95.unwrap_or(0.0)
    }
}

/// A digest over digests.
pub fn digest_of<'a>(digests: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for digest in digests {
        hasher.update(digest.as_bytes()).update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

impl Summary {
    /// What these seeds show; they are put into the order of their numbers.
    pub fn of(
        scenario: &str,
        text: &str,
        settings: Vec<String>,
        nodes: Option<usize>,
        scene: &Scene,
        played: &mut [Played],
    ) -> Self {
        played.sort_by_key(|played| played.seed);
        let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for Figures { numbers, .. } in played.iter().map(|played| &played.figures) {
            for (name, value) in numbers {
                values.entry(name).or_default().push(*value);
            }
        }
        let verdict = |(figure, threshold): (&String, &Threshold)| {
            let values = values.get(figure.as_str()).map_or(&[] as &[f64], Vec::as_slice);
            let worst = values.iter().find(|value| !threshold.holds(**value)).copied();
            let mean = Figure::of(values).map(|figure| figure.mean);
            Verdict {
                figure: figure.clone(),
                threshold: *threshold,
                // What was never measured was not kept either.
                held: worst.is_none() && mean.is_some_and(|mean| threshold.holds_in_mean(mean)),
                value: worst.or(mean),
            }
        };
        let thresholds = scene.thresholds().iter().map(verdict).collect();
        let figures = values
            .iter()
            .filter_map(|(name, values)| Some(((*name).to_owned(), Figure::of(values)?)));
        Self {
            scenario: scenario.to_owned(),
            text: text.to_owned(),
            settings,
            nodes,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: digest_of(played.iter().map(|played| played.digest.as_str())),
            seeds: played
                .iter()
                .map(|played| Seed {
                    seed: played.seed,
                    digest: played.digest.clone(),
                    broken: played.broken.clone(),
                })
                .collect(),
            figures: figures.collect(),
            thresholds,
            checked_in: scene.checked_in().to_owned(),
            curves: played
                .first()
                .map(|played| played.figures.curves.clone())
                .unwrap_or_default(),
        }
    }

    /// How it went, in a few words.
    pub fn verdict(&self) -> String {
        let broken = self.seeds.iter().filter(|seed| seed.broken.is_some()).count();
        let missed = self.thresholds.iter().filter(|verdict| !verdict.held).count();
        match (broken, missed) {
            (0, 0) => "held".into(),
            (0, missed) => format!("{missed} of {} thresholds missed", self.thresholds.len()),
            (broken, _) => format!("{broken} of {} seeds broke a law", self.seeds.len()),
        }
    }

    /// Whether every law and every threshold held.
    pub fn is_good(&self) -> bool {
        self.seeds.iter().all(|seed| seed.broken.is_none())
            && self.thresholds.iter().all(|verdict| verdict.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_student_s() {
        let figure = Figure::of(&[1.0, 2.0, 3.0]).unwrap();
        assert!((figure.mean - 2.0).abs() < 1e-12);
        // t(2) = 4.303, deviation 1, over the root of 3.
        assert!((figure.ci95.unwrap() - 4.303 / 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(Figure::of(&[5.0]).unwrap().ci95, None);
        assert_eq!(Figure::of(&[]), None);
        let many: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(Figure::of(&many).unwrap().ci95.unwrap() < 6.0);
    }

    #[test]
    fn a_threshold_that_nothing_measured_is_not_held() {
        let text = Scene::text("first")
            .unwrap()
            .replace("converged_ms = {", "never_measured = {");
        let scene = Scene::read(&text, &[], None).unwrap();
        let mut played = [Played {
            seed: 1,
            digest: "d".into(),
            figures: Figures::default(),
            events: Vec::new(),
            broken: None,
        }];
        let summary = Summary::of("first", &text, Vec::new(), None, &scene, &mut played);
        assert!(!summary.is_good());
        assert_eq!(summary.thresholds[0].value, None);
    }
}
