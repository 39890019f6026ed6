//! Deliberately broken switches, to show that each oracle fires. They sit in the layer around the peer
//! (its store, its driver, its wires); the protocol's code is the same with and without them.

use crate::chance::Chance;
use crate::law::Law;
use crate::laws::Link;
use crate::store::Store;
use souk_protocol::body::Kind;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, StateId};
use souk_protocol::records::{Range, Records, Tree, Write};
use souk_protocol::tab::{Change, Side, TabState};

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident => $law:ident;)*) => {
        /// Something that is broken on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Sabotage { $($(#[$doc])* $name,)* }

        impl Sabotage {
            /// Every switch.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The law that must be found broken.
            pub const fn breaks(self) -> Law {
                match self { $(Self::$name => Law::$law,)* }
            }
        }
    };
}

switches! {
    /// Stores show a private row with a flipped bit.
    FlippedBit => NoFault;
    /// Some drivers speak first and crash before they commit.
    SkipCommit => CommitFirst;
    /// Stores forget, in a crash, the last word that their node has said in public.
    ForkLog => NoFork;
    /// Stores take an envelope with a broken signature.
    AdmitForged => Admitted;
    /// Wires change a bit of what is announced.
    GarbleGossip => NoneRejected;
    /// Wires change a bit of what one side sends the other.
    GarbleDelivery => NoneRefused;
    /// Of concurrent messages of an order, the one that came first counts.
    ArrivalOrder => AnyOrder;
    /// Every message of an order counts, in the order of the times stated.
    EveryWord => Table;
    /// Both sides of a tab sign a payment for an order that is paid already.
    DoublePay => PaidOnce;
    /// Both sides of a tab sign that who was just paid in advance spends everything that there is.
    SpendAdvance => Earned;
    /// Both sides of a tab sign a payment for nothing that was quoted.
    PayUnquoted => Quoted;
    /// A buyer says that it paid and the merchant signs for it, and no tab shows it.
    UnpaidReceipt => Receipted;
    /// A side of a tab signs two states of one number.
    TwoStates => OneState;
    /// Both sides of a tab sign two different states upon one.
    TwoChains => OneChain;
    /// People sign for money that never came.
    BlindTrust => Granted;
    /// Shops take what those who are not honest order, whether or not there is room for it.
    TakeAnyOrder => Granted;
    /// Drivers tell their peer another hour with every other announcement, so that it counts anew who said how much.
    OtherHour => Share;
    /// A shop's device signs a receipt for something that nobody bought.
    FalseReceipt => Bought;
    /// Both sides of a tab sign a payment beyond its limit.
    OverLimit => Limit;
    /// Merchants' stores forget what was taken off their stock.
    OversellStock => Stock;
    /// A shop's device tells another one that it hands it all its units, and keeps them.
    HandTwice => Stock;
    /// Another device of a shop signs in an order that one of them sees to.
    TwoHands => OneHand;
    /// Stores forget messages of orders that they said they had taken.
    ForgetOrder => OrdersAgree;
    /// Stores forget messages of tabs that they said they had taken.
    ForgetTab => TabsAgree;
    /// Stores forget what waits in the outbox: the first message of an order is gone, and all that
    /// follow it wait for it.
    DropOutbox => Delivered;
    /// One node's wires bring it no public word of anybody.
    DeafReader => Followed;
    /// Stores forget proofs that somebody said two things under one number.
    ForgetProofs => Exposed;
    /// Wires carry nothing of its shop's documents to the last device or from it.
    DeafDevice => OneShop;
    /// Of a listing, what the device that spoke last says counts, instead of all joined.
    NewestPart => OneShop;
    /// Stores forget with whom there are tabs, so nobody sees what is due upon them.
    ForgetTabs => Finished;
}

impl Sabotage {
    /// Switches that break nothing where every author has one device.
    pub const OF_DEVICES: &'static [Self] = &[
        Self::HandTwice,
        Self::TwoHands,
        Self::DeafDevice,
        Self::NewestPart,
    ];

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
                (Self::FlippedBit, Tree::Holds, Some(value)) if chance.in_thousand(50) => {
                    rows.extend(flipped(value).map(|flipped| (change.tree, key(), Some(flipped))));
                }
                (Self::ForgetProofs, Tree::Equivocations, Some(_)) if chance.in_thousand(500) => {
                    rows.push((change.tree, key(), None));
                }
                (Self::ForgetTabs, Tree::Tabs, Some(_)) => rows.push((change.tree, key(), None)),
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
            (Self::SpendAdvance, Change::Pay { .. }) => {
                let all = last.state.credit_left(&other).ok()?.minor;
                paid(last.state, last.hash, other, nothing, all)
            }
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

/// The same bytes with one bit of the last one changed; of an envelope that is its signature's.
pub(crate) fn flipped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    *bytes.last_mut()? ^= 1;
    Some(bytes)
}

/// A stored envelope with a broken signature; its id is right.
fn forged(value: &[u8]) -> Option<Vec<u8>> {
    let (_, bytes) = value.split_first_chunk::<32>()?;
    let bytes = flipped(bytes)?;
    Some([EnvelopeId::of(&bytes).as_bytes().as_slice(), &bytes].concat())
}

/// A store forgets what its device said last in public.
pub(crate) fn forget_last_word(store: &mut Store, device: &DeviceId) {
    let last = store.scan(Tree::Log, &Range::of(device.as_bytes().as_slice(), 1).down());
    let Some((key, value)) = last.ok().and_then(|rows| rows.into_iter().next()) else {
        return;
    };
    let id = value
        .get(..EnvelopeId::LEN)
        .map(<[u8]>::to_vec)
        .unwrap_or_default();
    for tree in [Tree::Timeline, Tree::Vouches, Tree::Reviews, Tree::Answers] {
        let rows = store.scan(tree, &Range::of([], usize::MAX)).unwrap_or_default();
        for (key, _) in rows.into_iter().filter(|(key, _)| key.ends_with(&id)) {
            store.alter(tree, key, None);
        }
    }
    store.alter(Tree::Place, id, None);
    store.alter(Tree::Log, key, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_law_has_a_switch_that_breaks_it() {
        let aimed: BTreeSet<Law> = Sabotage::ALL.iter().map(|switch| switch.breaks()).collect();
        let missing = Law::ALL.iter().filter(|law| !aimed.contains(law));
        let missing: Vec<&str> = missing.map(|law| law.name()).collect();
        assert!(missing.is_empty(), "no switch for {missing:?}");
    }

    #[test]
    fn the_page_names_every_law_and_every_switch() {
        let page = include_str!("../../spec/simulations.md");
        for switch in Sabotage::ALL {
            let row = format!("| `{switch:?}` | {} |", switch.breaks().name());
            assert!(page.contains(&row), "spec/simulations.md has no row {row}");
        }
    }
}
