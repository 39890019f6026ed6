//! The one table of an order: who may say what in which state, and what state follows. As data, so
//! that the page in `spec/order.md`, the fold, refusals and tests all read the same rows.

use crate::quote::Due;
use serde::{Deserialize, Serialize};

/// On which side of an order somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who buys.
    Buyer,
    /// Who sells.
    Merchant,
}

impl Role {
    /// Whether it is the buyer's.
    pub const fn is_buyer(self) -> bool {
        matches!(self, Self::Buyer)
    }
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::Buyer => Self::Merchant,
            Self::Merchant => Self::Buyer,
        }
    }
    /// Its name, as in the table of the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Merchant => "merchant",
        }
    }
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The buyer asked for a price.
    Asked,
    /// The merchant made a binding offer.
    Quoted,
    /// The buyer ordered upon it.
    Placed,
    /// The merchant took the order and said how to pay.
    Accepted,
    /// The buyer says that it paid.
    Paid,
    /// The merchant signed that the money arrived: settled.
    Receipted,
    /// The goods are on their way.
    Fulfilled,
    /// Done.
    Completed,
    /// The merchant said no.
    Declined,
    /// The buyer took it back.
    Cancelled,
    /// Somebody was silent for too long.
    Lapsed,
}

impl State {
    /// Every state.
    pub const ALL: [State; 11] = [
        State::Asked,
        State::Quoted,
        State::Placed,
        State::Accepted,
        State::Paid,
        State::Receipted,
        State::Fulfilled,
        State::Completed,
        State::Declined,
        State::Cancelled,
        State::Lapsed,
    ];

    /// Its name, as in the API and the table of the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Quoted => "quoted",
            Self::Placed => "placed",
            Self::Accepted => "accepted",
            Self::Paid => "paid",
            Self::Receipted => "receipted",
            Self::Fulfilled => "fulfilled",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
        }
    }

    /// Whether nothing more can be said.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Declined | Self::Cancelled | Self::Lapsed
        )
    }

    /// Whether the buyer has said that it paid, in a state that is not over.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::Receipted | Self::Fulfilled)
    }

    /// Whether units are set aside for the buyer.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Quoted | Self::Placed)
    }

    /// What is due in this state, if its silence means something.
    pub const fn due(self) -> Option<Due> {
        match self {
            Self::Quoted => Some(Due::Place),
            Self::Placed => Some(Due::Accept),
            Self::Accepted => Some(Due::Pay),
            Self::Paid => Some(Due::Receipt),
            Self::Receipted => Some(Due::Fulfil),
            Self::Fulfilled => Some(Due::Complete),
            Self::Asked | Self::Completed | Self::Declined | Self::Cancelled | Self::Lapsed => None,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a message of an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Asks for a price. Opens the order.
    Ask,
    /// Makes a binding offer.
    Quote,
    /// Orders upon it.
    Place,
    /// Takes the order.
    Accept,
    /// Says no.
    Decline,
    /// Takes the order back.
    Cancel,
    /// Says that it was paid.
    Pay,
    /// Signs that the money arrived.
    Receipt,
    /// Says that the goods are on their way.
    Fulfil,
    /// Says that they came.
    Complete,
    /// Uses the right that the other side's silence gives.
    Lapse,
}

impl ActKind {
    /// Every kind.
    pub const ALL: [ActKind; 11] = [
        ActKind::Ask,
        ActKind::Quote,
        ActKind::Place,
        ActKind::Accept,
        ActKind::Decline,
        ActKind::Cancel,
        ActKind::Pay,
        ActKind::Receipt,
        ActKind::Fulfil,
        ActKind::Complete,
        ActKind::Lapse,
    ];

    /// Its name on the wire and in the table of the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Quote => "quote",
            Self::Place => "place",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
            Self::Pay => "pay",
            Self::Receipt => "receipt",
            Self::Fulfil => "fulfil",
            Self::Complete => "complete",
            Self::Lapse => "lapse",
        }
    }
}

impl std::fmt::Display for ActKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One row: in this state this side may say this, and the order is in that state then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The state before.
    pub state: State,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub act: ActKind,
    /// The state after.
    pub next: State,
}

const fn row(state: State, role: Role, act: ActKind, next: State) -> Row {
    Row {
        state,
        role,
        act,
        next,
    }
}

/// Every row. What is not here cannot be.
pub const TABLE: [Row; 18] = {
    use Role::{Buyer, Merchant};
    [
        row(State::Asked, Merchant, ActKind::Quote, State::Quoted),
        row(State::Asked, Merchant, ActKind::Decline, State::Declined),
        row(State::Asked, Buyer, ActKind::Cancel, State::Cancelled),
        row(State::Quoted, Buyer, ActKind::Place, State::Placed),
        row(State::Quoted, Buyer, ActKind::Cancel, State::Cancelled),
        row(State::Quoted, Merchant, ActKind::Lapse, State::Lapsed),
        row(State::Placed, Merchant, ActKind::Accept, State::Accepted),
        row(State::Placed, Merchant, ActKind::Decline, State::Declined),
        row(State::Placed, Buyer, ActKind::Cancel, State::Cancelled),
        row(State::Placed, Buyer, ActKind::Lapse, State::Lapsed),
        row(State::Accepted, Buyer, ActKind::Pay, State::Paid),
        row(State::Accepted, Merchant, ActKind::Lapse, State::Lapsed),
        row(State::Paid, Merchant, ActKind::Receipt, State::Receipted),
        row(State::Paid, Buyer, ActKind::Lapse, State::Lapsed),
        row(State::Receipted, Merchant, ActKind::Fulfil, State::Fulfilled),
        row(State::Receipted, Buyer, ActKind::Lapse, State::Lapsed),
        row(State::Fulfilled, Buyer, ActKind::Complete, State::Completed),
        row(State::Fulfilled, Merchant, ActKind::Lapse, State::Completed),
    ]
};

/// The state that follows, if the table has such a row.
pub fn next(state: State, role: Role, act: ActKind) -> Option<State> {
    TABLE
        .iter()
        .find(|row| row.state == state && row.role == role && row.act == act)
        .map(|row| row.next)
}

/// What can be said in a state, in words: for refusals that tell what to do instead.
pub fn ways_on(state: State) -> String {
    let ways: Vec<String> = TABLE
        .iter()
        .filter(|row| row.state == state)
        .map(|row| format!("{} by the {}", row.act, row.role.name()))
        .collect();
    match ways.is_empty() {
        true => "nothing; ask for a new quote".to_owned(),
        false => ways.join(", "),
    }
}
