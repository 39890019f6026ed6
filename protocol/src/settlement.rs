//! How an amount owed becomes paid: what the merchant names when it accepts, and what the buyer shows
//! when it has paid. Rails differ in who must be trusted, and whoever shows them says so. Described in
//! `spec/settlement.md`.

use crate::id::TabId;
use crate::text::{Name, Prose};
use serde::{Deserialize, Serialize};

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Credit between the two, co-signed. The merchant trusts the buyer up to a limit it granted.
    Tab,
    /// Outside: bank transfer, cash. The buyer trusts the merchant to sign for what arrives.
    Manual,
}

impl Rail {
    /// Its name in messages and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Manual => "manual",
        }
    }

    /// The rail with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Tab, Self::Manual]
            .into_iter()
            .find(|rail| rail.name() == name)
    }
}

/// How an accepted order is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Instruction {
    /// Upon this tab.
    Tab {
        /// The tab.
        tab: TabId,
    },
    /// Outside, by these words.
    Manual {
        /// What to do: an account, a place.
        words: Prose,
        /// What to name when paying.
        reference: Name,
    },
}

impl Instruction {
    /// The rail that it belongs to.
    pub const fn rail(&self) -> Rail {
        match self {
            Self::Tab { .. } => Rail::Tab,
            Self::Manual { .. } => Rail::Manual,
        }
    }
}

/// That an order was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// In this co-signed state of a tab, which both sides hold.
    Tab {
        /// The tab.
        tab: TabId,
        /// The state's number.
        seq: u64,
    },
    /// Outside; the merchant's receipt says whether it arrived.
    Manual {
        /// What the payment can be found by.
        reference: Name,
    },
}

impl Proof {
    /// The rail that it belongs to.
    pub const fn rail(&self) -> Rail {
        match self {
            Self::Tab { .. } => Rail::Tab,
            Self::Manual { .. } => Rail::Manual,
        }
    }
}
