//! A public word that one author reads another. Following needs no such word: a node follows in
//! private unless its owner says otherwise. `State`, one for each author that is named. Described in
//! `spec/social.md`.

use crate::id::AuthorId;
use serde::{Deserialize, Serialize};

/// A public follow, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Who is followed.
    pub who: AuthorId,
    /// Whether the follow still stands.
    pub stands: bool,
}
