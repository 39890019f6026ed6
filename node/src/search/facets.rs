//! Values of the hits, counted: which categories, kinds and vendors a search has found, so that it can be narrowed.

use std::collections::{BTreeMap, HashMap};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::limits::FACET_VALUES_MAX;
use super::schema::{CATEGORY, KIND, VENDOR};

/// A value and how many hits have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// The value, fit for a query's filter.
    pub value: String,
    /// How many hits have it.
    pub count: usize,
}

/// The most frequent values of all hits, at most [`FACET_VALUES_MAX`] of each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    /// Where they belong; a hit may have several.
    pub categories: Vec<FacetValue>,
    /// What kinds of things they are.
    pub kinds: Vec<FacetValue>,
    /// Who makes them.
    pub vendors: Vec<FacetValue>,
}

/// Counts of one field's values.
type Counts = BTreeMap<String, usize>;

/// Counts the values of one field over all hits.
pub(super) struct Counter(&'static str);

impl Counter {
    /// One counter for each facet.
    pub(super) fn all() -> (Self, Self, Self) {
        (Self(CATEGORY), Self(KIND), Self(VENDOR))
    }
}

/// Counts within one segment, by the values' numbers; the values themselves are looked up at the end.
pub(super) struct SegmentCounter {
    column: Option<StrColumn>,
    counts: HashMap<u64, usize>,
}

impl Collector for Counter {
    type Fruit = Counts;
    type Child = SegmentCounter;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounter> {
        Ok(SegmentCounter {
            column: segment.fast_fields().str(self.0)?,
            counts: HashMap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Counts>>) -> tantivy::Result<Counts> {
        let mut counts = Counts::new();
        for segment in segments {
            for (value, count) in segment? {
                *counts.entry(value).or_default() += count;
            }
        }
        Ok(counts)
    }
}

impl SegmentCollector for SegmentCounter {
    type Fruit = tantivy::Result<Counts>;

    fn collect(&mut self, document: DocId, _: Score) {
        if let Some(column) = &self.column {
            for number in column.ords().values_for_doc(document) {
                *self.counts.entry(number).or_default() += 1;
            }
        }
    }

    fn harvest(self) -> tantivy::Result<Counts> {
        let mut counts = Counts::new();
        if let Some(column) = &self.column {
            for (number, count) in self.counts {
                let mut value = String::new();
                if column.ord_to_str(number, &mut value)? {
                    counts.insert(value, count);
                }
            }
        }
        Ok(counts)
    }
}

/// The most frequent values, by count and then by name.
pub(super) fn most_frequent(counts: Counts) -> Vec<FacetValue> {
    let mut values: Vec<FacetValue> = counts
        .into_iter()
        .map(|(value, count)| FacetValue { value, count })
        .collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values.truncate(FACET_VALUES_MAX);
    values
}
