//! Deliberately broken switches, to show that each oracle fires. They sit in the layer around the peer
//! (its store, its driver, its wires); the protocol's code is the same with and without them.

use crate::laws::Law;
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
    /// Merchants' stores forget what was taken off their stock.
    OversellStock,
    /// Stores forget what waits in the outbox.
    DropOutbox,
    /// Stores take an envelope with a broken signature.
    AdmitForged,
    /// Of concurrent messages of an order, the one that came first counts.
    ArrivalOrder,
    /// One node's wires bring it nothing that it did not ask its own device for.
    DeafReader,
}

impl Sabotage {
    /// Every switch.
    pub const ALL: &'static [Self] = &[
        Self::SkipCommit,
        Self::ForkLog,
        Self::DoublePay,
        Self::OverLimit,
        Self::OversellStock,
        Self::DropOutbox,
        Self::AdmitForged,
        Self::ArrivalOrder,
        Self::DeafReader,
    ];

    /// The laws of which one must be found broken.
    pub fn breaks(self) -> BTreeSet<Law> {
        BTreeSet::from(match self {
            Self::SkipCommit => [Law::CommitFirst, Law::NoFork],
            Self::ForkLog => [Law::NoFork, Law::NoFork],
            Self::DoublePay => [Law::PaidOnce, Law::PaidOnce],
            Self::OverLimit => [Law::Limit, Law::Limit],
            Self::OversellStock => [Law::Stock, Law::Stock],
            Self::DropOutbox => [Law::OrdersAgree, Law::TabsAgree],
            Self::AdmitForged => [Law::Admitted, Law::Admitted],
            Self::ArrivalOrder => [Law::AnyOrder, Law::AnyOrder],
            Self::DeafReader => [Law::Followed, Law::Followed],
        })
    }
}
