//! "I know this author, and trust them with this." `Log`, so that it cannot be unsaid quietly: the
//! newest vouch of an author for a subject in a category counts, a withdrawal included. Described
//! in `spec/social.md`.

use crate::id::AuthorId;
use crate::text::{Prose, Tag};
use serde::{Deserialize, Serialize};

/// A vouch for an author, or its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouch {
    /// For whom.
    pub subject: AuthorId,
    /// In what: `people`, `books`, `hotels`, … Trust in one says nothing of another.
    pub category: Tag,
    /// Whether it stands; false withdraws an earlier one.
    pub stands: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub why: Prose,
}

/// The category of a vouch for the person as such: pays debts, keeps promises.
pub const PEOPLE: &str = "people";
