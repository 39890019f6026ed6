//! Deliberately broken switches, to show that each oracle fires. They sit in the layer around the peer
//! (its store, its driver, its wires); the protocol's code is the same with and without them.

use crate::chance::Chance;
use crate::law::Law;
use crate::laws::Link;
use souk_protocol::body::Kind;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, StateId};
use souk_protocol::records::{Records, Tree, Write};
use souk_protocol::tab::{Change, Side, TabState};
use std::collections::BTreeSet;

/// Something that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sabotage {
    /// Some drivers speak first and crash before they commit.
    SkipCommit,
    /// Some nodes are restored from an old copy of their store.
    ForkLog,
    /// Both sides of a tab sign a payment for an order that is paid already.
    DoublePay,
    /// Both sides of a tab sign a payment beyond its limit.
    OverLimit,
    /// Both sides of a tab sign a payment for nothing that was quoted.
    PayUnquoted,
    /// A side of a tab signs two states of one number.
    TwoStates,
    /// Both sides of a tab sign two different states upon one.
    TwoChains,
    /// Merchants' stores forget what was taken off their stock.
    OversellStock,
    /// Stores forget what waits in the outbox.
    DropOutbox,
    /// Stores forget messages of orders that they said they had taken.
    ForgetOrder,
    /// Stores forget messages of tabs that they said they had taken.
    ForgetTab,
    /// Stores take an envelope with a broken signature.
    AdmitForged,
    /// Of concurrent messages of an order, the one that came first counts.
    ArrivalOrder,
    /// One node's wires bring it no public word of anybody.
    DeafReader,
}

impl Sabotage {
    /// Every switch.
    pub const ALL: &'static [Self] = &[
        Self::SkipCommit,
        Self::ForkLog,
        Self::DoublePay,
        Self::OverLimit,
        Self::PayUnquoted,
        Self::TwoStates,
        Self::TwoChains,
        Self::OversellStock,
        Self::DropOutbox,
        Self::ForgetOrder,
        Self::ForgetTab,
        Self::AdmitForged,
        Self::ArrivalOrder,
        Self::DeafReader,
    ];

    /// The laws of which one must be found broken.
    pub fn breaks(self) -> BTreeSet<Law> {
        let laws: &[Law] = match self {
            Self::SkipCommit => &[Law::CommitFirst],
            Self::ForkLog => &[Law::NoFork],
            Self::DoublePay => &[Law::PaidOnce],
            Self::OverLimit => &[Law::Limit],
            Self::OversellStock => &[Law::Stock],
            Self::PayUnquoted => &[Law::Quoted],
            Self::TwoStates => &[Law::OneState],
            Self::TwoChains => &[Law::OneChain],
            // The first message of an order is gone, and all that follow it wait for it.
            Self::DropOutbox => &[Law::Delivered],
            Self::ForgetOrder => &[Law::OrdersAgree],
            Self::ForgetTab => &[Law::TabsAgree],
            Self::AdmitForged => &[Law::Admitted],
            Self::ArrivalOrder => &[Law::AnyOrder],
            Self::DeafReader => &[Law::Followed],
        };
        laws.iter().copied().collect()
    }

    /// Rows that a broken store shows after a commit: tree, key, and what stands there instead.
    pub(crate) fn undoes(
        self,
        store: &dyn Records,
        own: &DeviceId,
        writes: &[Write],
        chance: &mut Chance,
    ) -> Vec<(Tree, Vec<u8>, Option<Vec<u8>>)> {
        let mut rows = Vec::new();
        for change in writes.iter().filter_map(Write::change) {
            let key = || change.key.clone();
            let before = store.get(change.tree, &change.key).ok().flatten();
            match (self, change.tree, &change.value) {
                (Self::OversellStock, Tree::State, _)
                    if change.key.get(32) == Some(&(Kind::Stock as u8))
                        && change.key.ends_with(own.as_bytes()) =>
                {
                    rows.extend(before.map(|before| (change.tree, key(), Some(before))));
                }
                (Self::DropOutbox, Tree::Outbox, Some(_)) if chance.in_thousand(200) => {
                    rows.push((change.tree, key(), None));
                }
                (Self::ForgetOrder, Tree::Order, Some(_)) | (Self::ForgetTab, Tree::Tab, Some(_))
                    if !opens(&change.key) && !says(&change.key, writes) && chance.in_thousand(50) =>
                {
                    let id = change.key.get(32..).unwrap_or_default().to_vec();
                    rows.push((change.tree, key(), None));
                    rows.push((Tree::Place, id, None));
                }
                (Self::AdmitForged, Tree::Log, Some(value))
                    if !change.key.starts_with(own.as_bytes()) && chance.in_thousand(50) =>
                {
                    rows.extend(forged(value).map(|forged| (change.tree, key(), Some(forged))));
                }
                _ => {}
            }
        }
        rows
    }

    /// The state that both sides sign though it must not be, and who proposes it.
    pub(crate) fn next_state(self, chain: &[Link<'_>]) -> Option<(AuthorId, TabState)> {
        let last = chain.last()?;
        let other = last.state.parties.other(&last.by).ok()?;
        let nothing = OrderId::from_bytes([7; 32]);
        match (self, &last.state.change) {
            (
                Self::DoublePay,
                Change::Pay {
                    order, amount_minor, ..
                },
            ) => paid(last.state, last.hash, last.by, *order, *amount_minor),
            (Self::OverLimit, Change::SetLimit { limit_minor, .. }) => {
                paid(last.state, last.hash, other, nothing, limit_minor.checked_add(1)?)
            }
            (Self::PayUnquoted, Change::SetLimit { limit_minor: 1.., .. }) => {
                paid(last.state, last.hash, other, nothing, 1)
            }
            (Self::TwoStates, Change::SetLimit { limit_minor, .. }) => {
                limited(last.state, last.by, last.state.seq, limit_minor.checked_add(1)?)
            }
            (Self::TwoChains, Change::SetLimit { limit_minor, .. }) => limited(
                last.state,
                last.by,
                last.state.seq + 2,
                limit_minor.checked_add(1)?,
            ),
            _ => None,
        }
    }
}

/// The state after one by which somebody pays, whatever was agreed about that.
fn paid(
    state: &TabState,
    hash: StateId,
    from: AuthorId,
    order: OrderId,
    amount_minor: i64,
) -> Option<(AuthorId, TabState)> {
    let side = state.parties.side(&from).ok()?;
    let mut next = TabState {
        seq: side.seq_after(state.seq),
        prev: Some(hash),
        change: Change::Pay {
            order,
            from,
            amount_minor,
        },
        ..state.clone()
    };
    next.book.balance_minor += match side {
        Side::High => amount_minor,
        Side::Low => -amount_minor,
    };
    Some((from, next))
}

/// Another state beside one, of this number, with another limit.
fn limited(state: &TabState, by: AuthorId, seq: u64, limit_minor: i64) -> Option<(AuthorId, TabState)> {
    let mut beside = TabState {
        seq,
        change: Change::SetLimit { by, limit_minor },
        ..state.clone()
    };
    match state.parties.side(&by).ok()? {
        Side::Low => beside.book.limit_low_minor = limit_minor,
        Side::High => beside.book.limit_high_minor = limit_minor,
    }
    Some((by, beside))
}

/// Whether the message of this row opens its order.
fn opens(key: &[u8]) -> bool {
    key.split_at_checked(32).is_some_and(|(order, id)| order == id)
}

/// Whether the message of this row is one that the step itself puts into the outbox.
fn says(key: &[u8], writes: &[Write]) -> bool {
    let id = key.get(32..).unwrap_or_default();
    let mut changes = writes.iter().filter_map(Write::change);
    changes.any(|change| change.tree == Tree::Outbox && change.key.ends_with(id))
}

/// A stored envelope with its last byte, the signature's, changed; its id is right.
fn forged(value: &[u8]) -> Option<Vec<u8>> {
    let (_, bytes) = value.split_first_chunk::<32>()?;
    let mut bytes = bytes.to_vec();
    *bytes.last_mut()? ^= 1;
    Some([EnvelopeId::of(&bytes).as_bytes().as_slice(), &bytes].concat())
}
