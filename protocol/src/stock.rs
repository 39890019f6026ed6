//! Stock as rights to sell: two devices of a shop can never sell one unit twice, however long they are
//! apart, because a unit is a right that one device at a time holds.
//!
//! Every device keeps an account of numbers that only grow and that it alone writes: what it minted,
//! retired, spent (sold), restored (a sale undone) and handed to other devices. What it may sell is
//! what it minted, restored and received, less what it retired, spent and handed over. Since the
//! numbers only grow, accounts join by taking the greater ones, and a copy that comes late, twice or in
//! another order does no harm: a device that has not heard of rights sent to it holds fewer of them,
//! never more. Summed over all devices, rights + spent − restored + retired + rights on their way = minted.
//!
//! A variant that is not tracked has no account. Described in `spec/listing.md`.

mod account;
mod hold;
mod rights;

pub use account::{StockAccount, Tally};
pub use hold::{Hold, Holds};
pub use rights::Stock;

use crate::codec::CodecError;
use crate::id::VariantId;
use crate::limits::{LISTING_PARTS_MAX, LISTING_VARIANTS_MAX, STOCK_TRANSFERS_MAX, STOCK_UNITS_MAX};

/// Why an account cannot be, or an act on stock is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Fewer units are there than were asked for.
    #[error("expected at least {wanted} units in stock, have {have}")]
    NotEnough {
        /// Units asked for.
        wanted: u64,
        /// Units that this device may use.
        have: u64,
    },
    /// More units would come back than this device sold.
    #[error("expected at most {have} units to come back, got {wanted}")]
    NotSpent {
        /// Units to come back.
        wanted: u64,
        /// Units that this device sold and that have not come back.
        have: u64,
    },
    /// A device hands rights to itself.
    #[error("a device cannot hand stock to itself")]
    ToItself,
    /// Rights would go to more devices than an account may name.
    #[error("expected at most {STOCK_TRANSFERS_MAX} devices that were handed stock, got {0}")]
    TooManyTransfers(usize),
    /// More variants than a listing may have.
    #[error("expected at most {LISTING_VARIANTS_MAX} variants, got {0}")]
    TooManyVariants(usize),
    /// A counter would leave its bounds.
    #[error("a counter of the stock account would pass {STOCK_UNITS_MAX} units")]
    TooLarge,
    /// More parts than an account may have.
    #[error("expected a part number below {LISTING_PARTS_MAX}, got {0}")]
    Part(u16),
    /// An account's table is not sorted, names something twice, or counts a transfer of nothing.
    #[error("the {0} of the stock account are not in strictly rising order, or one of them is idle")]
    Form(&'static str),
    /// An account takes back more than it sold.
    #[error("the stock account of {0} restores more than it spent")]
    Impossible(VariantId),
    /// A newer account has a smaller counter than an older one of the same device: the device lost
    /// part of its memory, or lies.
    #[error("the {counter} units of {variant} shrank from {expected} to {actual}")]
    Regressed {
        /// The variant.
        variant: VariantId,
        /// Which number.
        counter: &'static str,
        /// What it was.
        expected: u64,
        /// What the newer account says.
        actual: u64,
    },
    /// One account is compared with another's.
    #[error("the two stock accounts are about different listings or parts")]
    Unrelated,
    /// An account that cannot be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

#[cfg(test)]
mod tests {
    //! The law of conservation, over random acts and a wire that delays, repeats and reorders.

    use super::*;
    use crate::id::{DeviceId, ListingId};
    use proptest::prelude::*;

    fn listing() -> ListingId {
        ListingId::from_bytes([1; 16])
    }
    fn variant(n: u8) -> VariantId {
        VariantId::from_bytes([n; 8])
    }
    fn device(n: u8) -> DeviceId {
        DeviceId::from_bytes([n; 32])
    }

    #[derive(Debug, Clone)]
    enum Act {
        Set(usize, u64),
        Spend(usize, u64),
        Restore(usize, u64),
        HandOver(usize, usize, u64),
        /// Puts a device's account on the wire.
        Send(usize),
        /// Delivers some message that was ever sent, maybe again and out of order.
        Deliver(usize, usize),
    }

    fn any_act() -> impl Strategy<Value = Act> {
        let (at, units) = (0usize..3, 0u64..8);
        prop_oneof![
            1 => (at.clone(), units.clone()).prop_map(|(d, n)| Act::Set(d, n)),
            3 => (at.clone(), units.clone()).prop_map(|(d, n)| Act::Spend(d, n)),
            1 => (at.clone(), units.clone()).prop_map(|(d, n)| Act::Restore(d, n)),
            2 => (at.clone(), at.clone(), units).prop_map(|(d, to, n)| Act::HandOver(d, to, n)),
            2 => at.clone().prop_map(Act::Send),
            4 => (at, any::<usize>()).prop_map(|(d, n)| Act::Deliver(d, n)),
        ]
    }

    /// Three devices that see only what reached them, and every message that was ever sent.
    struct World {
        devices: [Stock; 3],
        wire: Vec<(DeviceId, StockAccount)>,
    }

    impl World {
        fn act(&mut self, act: &Act) {
            let me = |d: &usize| device(u8::try_from(*d).unwrap());
            // Refusals are fine; what they must not do is checked after every act.
            let _ = match act {
                Act::Set(d, n) => self.devices[*d].set_available(me(d), variant(0), *n).map(drop),
                Act::Spend(d, n) => self.devices[*d].spend(me(d), variant(0), *n),
                Act::Restore(d, n) => self.devices[*d].restore(me(d), variant(0), *n),
                Act::HandOver(d, to, n) => self.devices[*d].hand_over(me(d), variant(0), me(to), *n),
                Act::Send(d) => {
                    let parts = self.devices[*d].account(&me(d)).unwrap();
                    self.wire.extend(parts.into_iter().map(|part| (me(d), part)));
                    Ok(())
                }
                Act::Deliver(d, n) if !self.wire.is_empty() => {
                    let (from, account) = &self.wire[n % self.wire.len()];
                    self.devices[*d].admit(*from, account)
                }
                Act::Deliver(..) => Ok(()),
            };
        }

        /// What is true, though no device may know it: each device's own account.
        fn truth(&self) -> Stock {
            let mut truth = Stock::new(listing());
            for (n, stock) in self.devices.iter().enumerate() {
                let own = device(u8::try_from(n).unwrap());
                for part in stock.account(&own).unwrap() {
                    truth.admit(own, &part).unwrap();
                }
            }
            truth
        }
    }

    proptest! {
        #[test]
        fn units_are_neither_lost_nor_sold_twice(acts in proptest::collection::vec(any_act(), 1..60)) {
            let mut world = World {
                devices: std::array::from_fn(|_| Stock::new(listing())),
                wire: Vec::new(),
            };
            for act in &acts {
                world.act(act);
                let truth = world.truth();
                let tallies: Vec<Tally> = (0..3)
                    .map(|n| truth.tally(&device(n), &variant(0)).cloned().unwrap_or_default())
                    .collect();
                let sum = |part: fn(&Tally) -> u64| tallies.iter().map(part).sum::<u64>();
                let (minted, retired) = (sum(|t| t.minted), sum(|t| t.retired));
                let sold = sum(|t| t.spent) - sum(|t| t.restored);
                prop_assert_eq!(truth.available(&variant(0)) + sold + retired, minted);
                prop_assert!(sold <= minted);
                for (n, stock) in world.devices.iter().enumerate() {
                    let own = device(u8::try_from(n).unwrap());
                    // Checked without saturation: no account is ever overdrawn.
                    let tally = truth.tally(&own, &variant(0)).cloned().unwrap_or_default();
                    let received: u64 = tallies.iter().filter_map(|t| t.sent.get(&own)).sum();
                    let gone = tally.retired + tally.spent + tally.sent.values().sum::<u64>();
                    prop_assert!(gone <= tally.minted + tally.restored + received);
                    // A device never believes that it may sell more than it may.
                    prop_assert!(stock.rights(&own, &variant(0)) <= truth.rights(&own, &variant(0)));
                }
            }
            // Once all has been heard, all see the truth.
            let truth = world.truth();
            for stock in &mut world.devices {
                stock.join(&truth).unwrap();
                prop_assert_eq!(stock.available(&variant(0)), truth.available(&variant(0)));
            }
        }
    }
}
