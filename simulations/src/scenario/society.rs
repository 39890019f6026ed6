//! Who knows whom, when people are awake, where they are, and what they do by a list of one's own.

use super::ScenarioError;
use crate::chance::Chance;
use crate::graph::Graph;
use crate::wire::{Line, Regions};
use serde::Deserialize;
use std::sync::Arc;

/// Who knows whom, if it is not the ring small world of `people`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquaintance {
    /// What it is like.
    pub shape: Shape,
    /// Acquaintances of a person on average. A power law gives most people half of them, and some many more.
    #[serde(default)]
    pub degree: usize,
    /// For a list: the file, lines of two numbers. People without an acquaintance in it get one.
    pub file: Option<String>,
    /// What the file says.
    #[serde(skip)]
    list: Option<Arc<str>>,
}

/// What acquaintance is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Anybody with anybody.
    Random,
    /// Barabási and Albert: some know very many.
    PowerLaw,
    /// From a file of edges.
    List,
}

/// When people are awake: each by their own clock, some later than others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// How long a day is. Short ones let a short run have several.
    pub day_ms: u64,
    /// From which hour of 24 people are awake.
    pub wakes_hour: u64,
    /// Until which.
    pub sleeps_hour: u64,
    /// By how many hours the rhythm of one person differs from that of others, at most.
    pub spread_hours: u64,
    /// Hours by which the day of each region begins later than in the first one; people live in one of them, by
    /// `places` or drawn.
    pub regions_hours: Vec<u64>,
    /// Machines that are off while their owners sleep, of a thousand.
    #[serde(default)]
    pub off_at_night: u64,
}

/// Wishes by a list of one's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file: CSV with the columns `time_ms,node,what,other,minor,units,text`.
    pub file: String,
    /// Whether people have wishes of their own beside it. What their node tells them they look at anyway.
    pub beside: bool,
    /// What the file says.
    #[serde(skip)]
    rows: Arc<[Row]>,
}

/// One wish of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// When, in milliseconds of virtual time.
    pub time_ms: u64,
    /// Whose: the node's number, from 0.
    pub node: usize,
    /// What.
    pub what: What,
    /// With whom: the node's number. Needed by all but `post`, `react` and `act`.
    pub other: Option<usize>,
    /// `grant`: the limit, in minor units.
    pub minor: Option<i64>,
    /// `buy`: units of the shop's first listing; 1 without it.
    pub units: Option<u32>,
    /// `post` and `vouch`: the text.
    #[serde(default)]
    pub text: String,
}

/// What a list can wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Says something.
    Post,
    /// Follows somebody.
    Follow,
    /// Follows somebody no longer.
    Unfollow,
    /// Vouches for somebody.
    Vouch,
    /// Asks a shop for its first listing.
    Buy,
    /// Gives somebody room on a tab.
    Grant,
    /// Whatever the person would want out of the blue.
    Act,
}

/// Where nodes are and how they are connected, in place of the uniform latency of `links`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Files of medians and of ninetieth percentiles of round trips; a table of the project's own without them.
    pub p50_file: Option<String>,
    /// The other one.
    pub p90_file: Option<String>,
    /// What a node's line is like.
    pub line: Line,
    /// The table.
    #[serde(skip)]
    regions: Option<Arc<Regions>>,
}

fn text(path: &str) -> Result<String, ScenarioError> {
    std::fs::read_to_string(path).map_err(|error| ScenarioError::File {
        path: path.to_owned(),
        error: Arc::new(error),
    })
}

impl Acquaintance {
    /// The same, with its file read.
    pub(super) fn loaded(mut self) -> Result<Self, ScenarioError> {
        match (self.shape, &self.file) {
            (Shape::List, None) => return Err(ScenarioError::Missing("graph.file")),
            (Shape::List, Some(file)) if self.list.is_none() => self.list = Some(text(file)?.into()),
            _ => {}
        }
        Ok(self)
    }

    /// Whom each of so many people knows: both know each other, and everybody knows somebody.
    pub fn knows(&self, nodes: usize, chance: &mut Chance) -> Vec<Vec<usize>> {
        let graph = match (self.shape, &self.list) {
            (Shape::PowerLaw, _) => Graph::power_law(chance, nodes, self.degree.div_ceil(2)),
            (Shape::List, Some(list)) => Graph::of_list(list),
            _ => Graph::random(chance, nodes, self.degree),
        };
        let mut knows = vec![Vec::new(); nodes];
        let mut meet = |one: usize, other: usize| {
            for (at, who) in [(one, other), (other, one)] {
                if let Some(known) = knows.get_mut(at) {
                    known.push(who);
                }
            }
        };
        for (one, other) in &graph.edges {
            let ends = [*one, *other].map(|end| usize::try_from(end).unwrap_or(usize::MAX));
            if ends.iter().all(|end| *end < nodes) {
                meet(ends[0], ends[1]);
            }
        }
        for at in 0..nodes {
            if knows.get(at).is_some_and(Vec::is_empty) {
                let other = (at + 1 + chance.index(nodes - 1)) % nodes;
                for (one, two) in [(at, other), (other, at)] {
                    if let Some(known) = knows.get_mut(one) {
                        known.push(two);
                    }
                }
            }
        }
        knows
    }
}

impl Rhythm {
    pub(super) fn checked(self) -> Result<Self, ScenarioError> {
        let hours = self.wakes_hour < self.sleeps_hour && self.sleeps_hour <= 24;
        match hours && self.day_ms >= 24 && self.spread_hours < 24 && !self.regions_hours.is_empty() {
            true => Ok(self),
            false => Err(ScenarioError::Missing(
                "a rhythm with wakes_hour < sleeps_hour <= 24, a day_ms of at least 24 and a region",
            )),
        }
    }

    const fn hours_ms(&self, hours: u64) -> u64 {
        hours * self.day_ms / 24
    }

    /// By how much a person's day begins later, in milliseconds.
    pub fn later_ms(&self, region: usize, chance: &mut Chance) -> u64 {
        let region = self.regions_hours.get(region % self.regions_hours.len());
        let own = chance.below(self.hours_ms(self.spread_hours) + 1);
        self.hours_ms(region.copied().unwrap_or(0)) + own
    }

    /// How long somebody whose day begins so much later still sleeps at a time; 0 if they are awake.
    pub fn sleeps_ms(&self, later_ms: u64, time_ms: u64) -> u64 {
        let (wakes, sleeps) = (self.hours_ms(self.wakes_hour), self.hours_ms(self.sleeps_hour));
        // Virtual time begins at the waking hour of who is earliest, so that runs begin with people.
        let now = (time_ms + wakes + self.day_ms - later_ms % self.day_ms) % self.day_ms;
        match now {
            now if now < wakes => wakes - now,
            now if now < sleeps => 0,
            now => self.day_ms - now + wakes,
        }
    }

    /// How long somebody is still awake at a time; 0 if they sleep.
    pub fn wakes_ms(&self, later_ms: u64, time_ms: u64) -> u64 {
        match self.sleeps_ms(later_ms, time_ms) {
            0 => {
                let now = (time_ms + self.hours_ms(self.wakes_hour) + self.day_ms - later_ms % self.day_ms)
                    % self.day_ms;
                self.hours_ms(self.sleeps_hour).saturating_sub(now)
            }
            _ => 0,
        }
    }
}

impl Trace {
    pub(super) fn loaded(mut self, nodes: usize) -> Result<Self, ScenarioError> {
        if self.rows.is_empty() {
            let text = text(&self.file)?;
            self.rows = Self::read(&text).map_err(|words| ScenarioError::Trace {
                path: self.file.clone(),
                words,
            })?;
        }
        match self
            .rows
            .iter()
            .find(|row| row.node >= nodes || row.other.is_some_and(|other| other >= nodes))
        {
            None => Ok(self),
            Some(row) => Err(ScenarioError::Trace {
                path: self.file,
                words: format!("expected nodes below {nodes}, got {row:?}"),
            }),
        }
    }

    /// Rows from CSV.
    fn read(text: &str) -> Result<Arc<[Row]>, String> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for row in reader.deserialize() {
            let row: Row = row.map_err(|error| error.to_string())?;
            let alone = matches!(row.what, What::Post | What::Act);
            if !alone && row.other.is_none() {
                return Err(format!("expected somebody under 'other', got {row:?}"));
            }
            rows.push(row);
        }
        Ok(rows.into())
    }

    /// What it wishes, in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Places {
    pub(super) fn loaded(mut self) -> Result<Self, ScenarioError> {
        if self.regions.is_none() {
            let regions = match (&self.p50_file, &self.p90_file) {
                (Some(median), Some(ninetieth)) => Regions::read(&text(median)?, &text(ninetieth)?)?,
                (None, None) => Regions::own(),
                _ => return Err(ScenarioError::Missing("both places.p50_file and places.p90_file")),
            };
            self.regions = Some(Arc::new(regions));
        }
        Ok(self)
    }

    /// The table of round trips.
    pub fn regions(&self) -> Option<&Arc<Regions>> {
        self.regions.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_two_regions_sleep_at_two_times() {
        let rhythm = Rhythm {
            day_ms: 24_000,
            wakes_hour: 8,
            sleeps_hour: 20,
            spread_hours: 0,
            regions_hours: vec![0, 12],
            off_at_night: 0,
        };
        let later = [0, 1].map(|region| rhythm.later_ms(region, &mut Chance::of(1)));
        assert_eq!(later, [0, 12_000]);
        for hour in 0..48 {
            let awake = later.map(|later| rhythm.sleeps_ms(later, hour * 1_000) == 0);
            assert_ne!(awake[0], awake[1], "hour {hour}");
            assert_eq!(awake[0], hour % 24 < 12, "hour {hour}");
        }
        assert_eq!(
            (rhythm.sleeps_ms(0, 13_000), rhythm.wakes_ms(0, 2_000)),
            (11_000, 10_000)
        );
    }

    #[test]
    fn a_list_of_wishes_is_read_or_refused_in_words() {
        let read = Trace::read(
            "time_ms,node,what,other,minor,units,text\n5,0,buy,1,,2,\n9, 1, post,,,,\"so, there\"\n",
        );
        let rows = read.unwrap();
        assert_eq!(
            (rows[0].what, rows[0].units, rows[1].text.as_str()),
            (What::Buy, Some(2), "so, there")
        );
        assert!(Trace::read("time_ms,node,what,other,minor,units,text\n5,0,buy,,,,\n").is_err());
        assert!(Trace::read("time_ms,node,what,other,minor,units,text\n5,0,dance,,,,\n").is_err());
    }

    #[test]
    fn everybody_knows_somebody_and_is_known() {
        let of = |shape, list: Option<&str>| Acquaintance {
            shape,
            degree: 4,
            file: None,
            list: list.map(Into::into),
        };
        for acquaintance in [
            of(Shape::Random, None),
            of(Shape::PowerLaw, None),
            of(Shape::List, Some("1 2 1\n2 3 1\n9 1 1\n")),
        ] {
            let knows = acquaintance.knows(10, &mut Chance::of(2));
            for (at, known) in knows.iter().enumerate() {
                assert!(!known.is_empty() && known.iter().all(|other| knows[*other].contains(&at)));
            }
        }
    }
}
