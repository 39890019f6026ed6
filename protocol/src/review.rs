//! Reviews. A review carries the public half of the merchant's receipt, so "bought it" means bought.
//! `Log`; one for each purchase counts, the newest. Described in `spec/social.md`.

use crate::receipt::PublicReceipt;
use crate::text::Prose;
use serde::{Deserialize, Serialize};

/// The best rating; the worst is one.
pub const RATING_MAX: u8 = 5;

/// What a buyer says about something bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The merchant's word that it was bought.
    pub receipt: PublicReceipt,
    /// One to five.
    pub rating: u8,
    /// A few words.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub text: Prose,
}
