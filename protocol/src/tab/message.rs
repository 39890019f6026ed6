//! What the two sides of a tab say to each other: a proposed state, the other's signature under it,
//! or a refusal.

use super::TabRefusal;
use super::state::TabState;
use crate::id::{AuthorId, EnvelopeId, StateId, TabId};
use serde::{Deserialize, Serialize};

/// One message of a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabMessage {
    /// The tab.
    pub tab: TabId,
    /// The other side.
    pub to: AuthorId,
    /// What is said.
    pub act: TabAct,
}

/// What a message of a tab says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TabAct {
    /// This state should come next. The envelope's signature is its proposer's under it.
    Propose {
        /// The state.
        state: Box<TabState>,
    },
    /// So be it. The envelope's signature is the other's under the same state.
    Agree {
        /// The envelope that proposed it.
        propose: EnvelopeId,
        /// The state, by its hash.
        state: StateId,
    },
    /// No.
    Refuse {
        /// The envelope that proposed it.
        propose: EnvelopeId,
        /// Why.
        reason: Reason,
    },
}

/// Why a proposal is refused, in one word for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It builds upon a state that is not the newest.
    Stale,
    /// A proposal with a greater number upon the same state is there.
    Crossed,
    /// It does not follow from the state that it names: limit, order, amount or signer.
    Invalid,
    /// It pays an order that this side does not know, or that is not to be paid now.
    UnknownOrder,
    /// It pays another amount than is owed.
    WrongAmount,
    /// A person said no.
    Declined,
}

impl TabMessage {
    /// The rules that anyone can check who knows nothing else of the tab.
    pub fn check(&self, author: &AuthorId) -> Result<(), TabRefusal> {
        if self.to == *author {
            return Err(TabRefusal::Alone);
        }
        match &self.act {
            TabAct::Propose { state } => {
                state.parties.side(author)?;
                state.parties.side(&self.to)?;
                match state.parties.tab() == self.tab {
                    true => Ok(()),
                    false => Err(TabRefusal::Invalid),
                }
            }
            TabAct::Agree { .. } | TabAct::Refuse { .. } => Ok(()),
        }
    }
}
