//! Why a search or a change of the index fails.

use super::limits::{OFFSET_MAX, PAGE_HITS_MAX};

/// Why a search or a change of the index fails. A query's text is never among the reasons.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Another program, or another part of this one, has the index open.
    #[error("expected an index that nobody else has open, got one in use; stop the other node first")]
    InUse,
    /// The index's directory cannot be read or written.
    #[error("the index directory could not be used: {0}")]
    Directory(#[from] std::io::Error),
    /// More hits than one page has.
    #[error("expected at most {PAGE_HITS_MAX} hits on a page, got {0}")]
    Limit(usize),
    /// More hits to skip than is allowed.
    #[error("expected at most {OFFSET_MAX} hits to skip, got {0}; narrow the query instead")]
    Offset(usize),
    /// Prices are to be compared without a currency.
    #[error("expected a currency with an order or range of prices, got none")]
    CurrencyMissing,
    /// The index failed.
    #[error("the index failed: {0}")]
    Index(String),
}

impl From<tantivy::TantivyError> for SearchError {
    fn from(error: tantivy::TantivyError) -> Self {
        use tantivy::TantivyError::LockFailure;
        use tantivy::directory::error::LockError::LockBusy;
        match error {
            LockFailure(LockBusy, _) => Self::InUse,
            other => Self::Index(other.to_string()),
        }
    }
}
