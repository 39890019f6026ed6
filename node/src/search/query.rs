//! A question, and the index's way to ask it. All words must be found, in any field; the last one may be the beginning of
//! a word, since people see results while they type. Titles count most, then labels, then descriptions.

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, FuzzyTermQuery,
    Query as IndexQuery, RangeQuery, TermQuery,
};
use tantivy::schema::IndexRecordOption;

use super::error::SearchError;
use super::limits::{
    FUZZY_CHARS_MIN, OFFSET_MAX, PAGE_HITS_MAX, PREFIX_CHARS_MIN, QUERY_BYTES_MAX, QUERY_WORDS_MAX,
};
use super::schema::Fields;
use super::words::words;

/// What a word counts in a title, in labels and in a description.
const WEIGHTS: [f32; 3] = [4.0, 2.0, 1.0];
/// What counts of the fields other than the best one.
const TIE_BREAKER: f32 = 0.2;
/// What a word that only begins as asked counts, against one that is as asked.
const PREFIX_WEIGHT: f32 = 0.5;

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Those that match best first; without a text, the newest first.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// The last changed first.
    Newest,
}

/// A question to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What a person typed; blank for everything.
    pub text: String,
    /// Of this shop alone.
    pub shop: Option<String>,
    /// Of this category alone, as a facet gives it.
    pub category: Option<String>,
    /// Of this kind alone.
    pub kind: Option<String>,
    /// Of this vendor alone, as a facet gives it.
    pub vendor: Option<String>,
    /// With prices in this currency alone.
    pub currency: Option<String>,
    /// With a variant at this price or above, in minor units; needs a currency.
    pub price_from_minor: Option<i64>,
    /// With a variant at this price or below, in minor units; needs a currency.
    pub price_to_minor: Option<i64>,
    /// Only what can be had.
    pub in_stock: bool,
    /// Hits to skip.
    pub offset: usize,
    /// Hits on the page, at most [`PAGE_HITS_MAX`].
    pub limit: usize,
    /// The order of hits; by price needs a currency.
    pub sort: Sort,
    /// Whether facets are counted as well.
    pub facets: bool,
}

impl Default for Query {
    /// Everything, the newest first, 20 on a page.
    fn default() -> Self {
        Self {
            text: String::new(),
            shop: None,
            category: None,
            kind: None,
            vendor: None,
            currency: None,
            price_from_minor: None,
            price_to_minor: None,
            in_stock: false,
            offset: 0,
            limit: 20,
            sort: Sort::Relevance,
            facets: false,
        }
    }
}

impl Query {
    /// A question for words alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Whether it is within its limits.
    pub(super) fn check(&self) -> Result<(), SearchError> {
        let by_price = matches!(self.sort, Sort::PriceUp | Sort::PriceDown);
        let ranged = self.price_from_minor.is_some() || self.price_to_minor.is_some();
        match self {
            query if query.limit > PAGE_HITS_MAX => Err(SearchError::Limit(query.limit)),
            query if query.offset > OFFSET_MAX => Err(SearchError::Offset(query.offset)),
            query if query.currency.is_none() && (by_price || ranged) => Err(SearchError::CurrencyMissing),
            _ => Ok(()),
        }
    }

    /// The words that are looked for, none twice; nothing if there is no text. The last one keeps its place.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        if self.text.trim().is_empty() {
            return None;
        }
        let end = (0..=QUERY_BYTES_MAX.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at));
        let mut words = words(self.text.get(..end.unwrap_or(0)).unwrap_or_default());
        words.truncate(QUERY_WORDS_MAX);
        let last = words.pop();
        let mut distinct: Vec<String> = Vec::with_capacity(words.len() + 1);
        for word in words {
            if !distinct.contains(&word) && last.as_ref() != Some(&word) {
                distinct.push(word);
            }
        }
        distinct.extend(last);
        Some(distinct)
    }

    /// The order of hits once it is known whether there is a text to be relevant to.
    pub(super) fn order(&self) -> Sort {
        match self.sort {
            Sort::Relevance if self.text.trim().is_empty() => Sort::Newest,
            sort => sort,
        }
    }
}

/// How exactly words must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// As written, the last one as a beginning too.
    Written,
    /// With at most one letter wrong, missing, too many or swapped with its neighbour.
    OneEdit,
}

/// The index's form of a question; `words` as [`Query::words`] gives them.
pub(super) fn build(
    query: &Query,
    words: Option<&[String]>,
    how: Match,
    fields: &Fields,
) -> Box<dyn IndexQuery> {
    let mut clauses = filters(query, fields);
    match words {
        None => clauses.push(Box::new(AllQuery)),
        Some([]) => return Box::new(EmptyQuery),
        Some([before @ .., last]) => {
            clauses.extend(before.iter().map(|word| word_query(word, false, how, fields)));
            clauses.push(word_query(last, true, how, fields));
        }
    }
    Box::new(BooleanQuery::intersection(clauses))
}

/// What must hold besides the words; it says nothing about relevance.
fn filters(query: &Query, fields: &Fields) -> Vec<Box<dyn IndexQuery>> {
    let mut filters: Vec<Box<dyn IndexQuery>> = Vec::new();
    for (field, value) in [
        (fields.shop, &query.shop),
        (fields.category, &query.category),
        (fields.kind, &query.kind),
        (fields.vendor, &query.vendor),
        (fields.currency, &query.currency),
    ] {
        if let Some(value) = value {
            filters.push(exact(Term::from_field_text(field, value)));
        }
    }
    if query.in_stock {
        filters.push(exact(Term::from_field_bool(fields.in_stock, true)));
    }
    if let Some(from) = query.price_from_minor {
        let from = Bound::Included(Term::from_field_i64(fields.price_max, from));
        filters.push(Box::new(RangeQuery::new(from, Bound::Unbounded)));
    }
    if let Some(to) = query.price_to_minor {
        let to = Bound::Included(Term::from_field_i64(fields.price_min, to));
        filters.push(Box::new(RangeQuery::new(Bound::Unbounded, to)));
    }
    filters
        .into_iter()
        .map(|filter| -> Box<dyn IndexQuery> { Box::new(ConstScoreQuery::new(filter, 0.0)) })
        .collect()
}

fn exact(term: Term) -> Box<dyn IndexQuery> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn word_query(word: &str, is_last: bool, how: Match, fields: &Fields) -> Box<dyn IndexQuery> {
    let chars = word.chars().count();
    let mut ways: Vec<Box<dyn IndexQuery>> = Vec::new();
    for (field, weight) in [fields.title, fields.labels, fields.description]
        .into_iter()
        .zip(WEIGHTS)
    {
        let term = || Term::from_field_text(field, word);
        ways.push(weighted(
            TermQuery::new(term(), IndexRecordOption::WithFreqs),
            weight,
        ));
        match how {
            Match::Written if is_last && chars >= PREFIX_CHARS_MIN => {
                ways.push(weighted(
                    FuzzyTermQuery::new_prefix(term(), 0, true),
                    weight * PREFIX_WEIGHT,
                ));
            }
            Match::OneEdit if chars >= FUZZY_CHARS_MIN => {
                ways.push(weighted(
                    FuzzyTermQuery::new(term(), 1, true),
                    weight * PREFIX_WEIGHT,
                ));
            }
            Match::Written | Match::OneEdit => {}
        }
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE_BREAKER))
}

fn weighted(query: impl IndexQuery, weight: f32) -> Box<dyn IndexQuery> {
    Box::new(BoostQuery::new(Box::new(query), weight))
}
