//! Who someone says they are: a name, a few words, links. `State`: the newest one counts.
//! Described in `spec/social.md`.

use crate::limits::PROFILE_LINKS_MAX;
use crate::text::{List, Name, Prose};
use serde::{Deserialize, Serialize};

/// An author's public face.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How the author wants to be called.
    pub name: Name,
    /// A few words.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub about: Prose,
    /// Addresses elsewhere.
    #[serde(default, skip_serializing_if = "is_none")]
    pub links: List<Name, PROFILE_LINKS_MAX>,
}

fn is_none<T, const MAX: usize>(list: &List<T, MAX>) -> bool {
    list.is_empty()
}
