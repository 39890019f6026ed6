//! The stock of a listing over all devices: who may sell how much, and the acts of the own device.

use super::account::Row;
use super::{StockAccount, StockError, Tally};
use crate::codec;
use crate::id::{DeviceId, ListingId, VariantId};
use crate::limits::{LISTING_VARIANTS_MAX, STOCK_PART_BYTES_MAX, STOCK_TRANSFERS_MAX, STOCK_UNITS_MAX};
use std::collections::{BTreeMap, BTreeSet};

/// The stock of one listing as known here: every device's account, joined from all that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    listing: ListingId,
    accounts: BTreeMap<DeviceId, BTreeMap<VariantId, Tally>>,
    /// Devices that were thrown out: nobody sells what was handed to them.
    gone: BTreeSet<DeviceId>,
}

impl Stock {
    /// No stock yet.
    pub fn new(listing: ListingId) -> Self {
        Self {
            listing,
            accounts: BTreeMap::new(),
            gone: BTreeSet::new(),
        }
    }

    /// Counts a device out: it was revoked.
    pub fn count_out(&mut self, device: DeviceId) {
        self.accounts.remove(&device);
        self.gone.insert(device);
    }

    /// The listing.
    pub fn listing(&self) -> ListingId {
        self.listing
    }

    /// Takes in an account of a device. Order, repetition and loss do not matter.
    ///
    /// # Errors
    /// [`StockError::Unrelated`]: the account is of another listing. [`StockError::ToItself`]: it counts
    /// rights that the device handed to itself.
    pub fn admit(&mut self, device: DeviceId, account: &StockAccount) -> Result<(), StockError> {
        if account.listing != self.listing {
            return Err(StockError::Unrelated);
        }
        if account
            .tallies()
            .any(|(_, tally)| tally.sent.contains_key(&device))
        {
            return Err(StockError::ToItself);
        }
        let known = self.accounts.entry(device).or_default();
        for (variant, tally) in account.tallies() {
            known.entry(variant).or_default().join(&tally);
        }
        Ok(())
    }

    /// Takes in all that another copy knows.
    ///
    /// # Errors
    /// [`StockError::Unrelated`]: the other is of another listing.
    pub fn join(&mut self, other: &Self) -> Result<(), StockError> {
        if other.listing != self.listing {
            return Err(StockError::Unrelated);
        }
        for (device, tallies) in &other.accounts {
            let known = self.accounts.entry(*device).or_default();
            for (variant, tally) in tallies {
                known.entry(*variant).or_default().join(tally);
            }
        }
        Ok(())
    }

    /// What a device did with a variant.
    pub fn tally(&self, device: &DeviceId, variant: &VariantId) -> Option<&Tally> {
        self.accounts.get(device)?.get(variant)
    }

    /// Whether any device keeps an account of the variant.
    pub fn is_counted(&self, variant: &VariantId) -> bool {
        self.accounts
            .values()
            .any(|tallies| tallies.contains_key(variant))
    }

    /// Units that a device may sell, as far as known here; never more than it truly may.
    pub fn rights(&self, device: &DeviceId, variant: &VariantId) -> u64 {
        if self.gone.contains(device) {
            return 0;
        }
        let received = self.accounts.iter().filter(|(from, _)| *from != device);
        let received = received.filter_map(|(_, tallies)| tallies.get(variant)?.sent.get(device));
        let own = self.tally(device, variant).cloned().unwrap_or_default();
        let have = received.fold(own.minted.saturating_add(own.restored), |sum, units| {
            sum.saturating_add(*units)
        });
        let gone = own
            .sent
            .values()
            .fold(own.retired.saturating_add(own.spent), |sum, units| {
                sum.saturating_add(*units)
            });
        // Below zero only if another device's account is not known yet.
        have.saturating_sub(gone)
    }

    /// Units that some device of the shop may sell, as far as known here.
    pub fn available(&self, variant: &VariantId) -> u64 {
        let mut devices: BTreeSet<&DeviceId> = self.accounts.keys().collect();
        for tally in self.accounts.values().filter_map(|tallies| tallies.get(variant)) {
            devices.extend(tally.sent.keys());
        }
        devices
            .into_iter()
            .fold(0, |sum, device| sum.saturating_add(self.rights(device, variant)))
    }

    /// Brings the units that the whole shop may sell to a number: mints what is lacking, or retires of
    /// this device's own what is too much. Returns whether anything changed.
    ///
    /// # Errors
    /// [`StockError::NotEnough`]: other devices hold what would have to go; nothing is changed.
    pub fn set_available(
        &mut self,
        own: DeviceId,
        variant: VariantId,
        units: u64,
    ) -> Result<bool, StockError> {
        let available = self.available(&variant);
        if units >= available {
            let more = units - available;
            let tally = self.own(own, variant)?;
            tally.minted = grown(tally.minted, more)?;
            return Ok(more > 0);
        }
        let less = available - units;
        self.require(&own, &variant, less)?;
        let tally = self.own(own, variant)?;
        tally.retired = grown(tally.retired, less)?;
        Ok(true)
    }

    /// Sells units that this device holds.
    ///
    /// # Errors
    /// [`StockError::NotEnough`]: nothing is changed.
    pub fn spend(&mut self, own: DeviceId, variant: VariantId, units: u64) -> Result<(), StockError> {
        self.require(&own, &variant, units)?;
        let tally = self.own(own, variant)?;
        tally.spent = grown(tally.spent, units)?;
        Ok(())
    }

    /// Takes back units that this device sold.
    ///
    /// # Errors
    /// [`StockError::NotSpent`]: it did not sell that many; nothing is changed.
    pub fn restore(&mut self, own: DeviceId, variant: VariantId, units: u64) -> Result<(), StockError> {
        let sold = self
            .tally(&own, &variant)
            .map_or(0, |tally| tally.spent - tally.restored.min(tally.spent));
        if units > sold {
            return Err(StockError::NotSpent {
                wanted: units,
                have: sold,
            });
        }
        let tally = self.own(own, variant)?;
        tally.restored = grown(tally.restored, units)?;
        Ok(())
    }

    /// Hands units that this device holds to another one.
    ///
    /// # Errors
    /// [`StockError::NotEnough`], [`StockError::ToItself`], too many devices; nothing is changed.
    pub fn hand_over(
        &mut self,
        own: DeviceId,
        variant: VariantId,
        to: DeviceId,
        units: u64,
    ) -> Result<(), StockError> {
        if to == own {
            return Err(StockError::ToItself);
        }
        self.require(&own, &variant, units)?;
        if units == 0 {
            return Ok(());
        }
        let tally = self.own(own, variant)?;
        let known = tally.sent.get(&to).copied();
        if known.is_none() && tally.sent.len() >= STOCK_TRANSFERS_MAX {
            return Err(StockError::TooManyTransfers(tally.sent.len() + 1));
        }
        let total = grown(known.unwrap_or(0), units)?;
        tally.sent.insert(to, total);
        Ok(())
    }

    /// Takes over from a device that was thrown out, before its account is forgotten: what it had handed to
    /// this device is minted here instead, and with `rest` also what it still held. So nothing that a device
    /// may be selling at this moment is minted by another. Returns whether anything changed here.
    ///
    /// # Errors
    /// A counter would be too large; nothing is changed.
    pub fn inherit(&mut self, own: DeviceId, from: &DeviceId, rest: bool) -> Result<bool, StockError> {
        let mut next = self.clone();
        let mut changed = false;
        // It may hold what it was handed without having an account of its own.
        let variants: BTreeSet<VariantId> =
            self.accounts.values().flat_map(BTreeMap::keys).copied().collect();
        for variant in &variants {
            let tally = self.tally(from, variant);
            let handed = tally.and_then(|tally| tally.sent.get(&own)).copied().unwrap_or(0);
            let left = if rest { self.rights(from, variant) } else { 0 };
            let gained = handed.saturating_add(left);
            if gained > 0 {
                let tally = next.own(own, *variant)?;
                tally.minted = grown(tally.minted, gained)?;
                changed = true;
            }
        }
        next.count_out(*from);
        *self = next;
        Ok(changed)
    }

    /// Mints units that are sold already: an order passes here from a device that was thrown out, and its
    /// account with it.
    ///
    /// # Errors
    /// A counter would be too large; nothing is changed.
    pub fn take_over_sale(
        &mut self,
        own: DeviceId,
        variant: VariantId,
        units: u64,
    ) -> Result<(), StockError> {
        let tally = self.own(own, variant)?;
        let (minted, spent) = (grown(tally.minted, units)?, grown(tally.spent, units)?);
        (tally.minted, tally.spent) = (minted, spent);
        Ok(())
    }

    fn require(&self, device: &DeviceId, variant: &VariantId, wanted: u64) -> Result<(), StockError> {
        let have = self.rights(device, variant);
        match wanted <= have {
            true => Ok(()),
            false => Err(StockError::NotEnough { wanted, have }),
        }
    }

    fn own(&mut self, own: DeviceId, variant: VariantId) -> Result<&mut Tally, StockError> {
        let tallies = self.accounts.entry(own).or_default();
        if !tallies.contains_key(&variant) && tallies.len() >= LISTING_VARIANTS_MAX {
            return Err(StockError::TooManyVariants(tallies.len() + 1));
        }
        Ok(tallies.entry(variant).or_default())
    }

    /// A device's account as it is to be signed, in as few parts as its size allows.
    ///
    /// # Errors
    /// One part is too large even when split as far as it goes.
    pub fn account(&self, device: &DeviceId) -> Result<Vec<StockAccount>, StockError> {
        codec::split_least(|bits| self.account_by(device, bits))
    }

    fn account_by(&self, device: &DeviceId, bits: Option<u32>) -> Result<Vec<StockAccount>, StockError> {
        let mut parts: BTreeMap<u16, Vec<Row>> = BTreeMap::new();
        for (variant, tally) in self.accounts.get(device).into_iter().flatten() {
            let part = bits.map_or(0, |bits| {
                let first = u16::from(variant.as_bytes()[0]);
                1 + (first >> (8 - bits) << (8 - bits))
            });
            let sent = tally.sent.iter().map(|(to, total)| (*to, *total)).collect();
            let row = (
                *variant,
                tally.minted,
                tally.retired,
                tally.spent,
                tally.restored,
                sent,
            );
            parts.entry(part).or_default().push(row);
        }
        parts
            .into_iter()
            .map(|(part, variants)| {
                let account = StockAccount {
                    listing: self.listing,
                    part,
                    variants,
                };
                account.check()?;
                match codec::encode(&account)?.len() <= STOCK_PART_BYTES_MAX {
                    true => Ok(account),
                    false => Err(StockError::TooLarge),
                }
            })
            .collect()
    }
}

fn grown(counter: u64, units: u64) -> Result<u64, StockError> {
    let total = counter
        .checked_add(units)
        .filter(|total| *total <= STOCK_UNITS_MAX);
    total.ok_or(StockError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::super::account::Row;
    use super::super::{Hold, Holds};
    use super::*;
    use crate::id::OrderId;

    fn listing() -> ListingId {
        ListingId::from_bytes([1; 16])
    }
    fn variant(n: u8) -> VariantId {
        VariantId::from_bytes([n; 8])
    }
    fn device(n: u8) -> DeviceId {
        DeviceId::from_bytes([n; 32])
    }
    const ALICE: u8 = 0;
    const BOB: u8 = 1;

    fn stocked(units: u64) -> Stock {
        let mut stock = Stock::new(listing());
        assert_eq!(stock.set_available(device(ALICE), variant(0), units), Ok(true));
        stock
    }

    #[test]
    fn a_device_sells_what_it_holds_and_no_more() {
        let mut stock = stocked(3);
        assert_eq!(stock.spend(device(ALICE), variant(0), 2), Ok(()));
        let refused = Err(StockError::NotEnough { wanted: 2, have: 1 });
        assert_eq!(stock.spend(device(ALICE), variant(0), 2), refused);
        assert_eq!(
            stock.spend(device(BOB), variant(0), 1),
            Err(StockError::NotEnough { wanted: 1, have: 0 })
        );
        assert_eq!(stock.restore(device(ALICE), variant(0), 1), Ok(()));
        assert_eq!(
            stock.restore(device(ALICE), variant(0), 2),
            Err(StockError::NotSpent { wanted: 2, have: 1 })
        );
        assert_eq!(stock.rights(&device(ALICE), &variant(0)), 2);
        assert_eq!(stock.available(&variant(0)), 2);
    }

    #[test]
    fn rights_that_are_handed_over_are_sold_by_the_other_device_alone() {
        let mut stock = stocked(5);
        stock
            .hand_over(device(ALICE), variant(0), device(BOB), 3)
            .unwrap();
        assert_eq!(stock.rights(&device(ALICE), &variant(0)), 2);
        assert_eq!(stock.rights(&device(BOB), &variant(0)), 3);
        assert_eq!(stock.available(&variant(0)), 5);
        assert_eq!(stock.spend(device(BOB), variant(0), 3), Ok(()));
        assert!(
            stock
                .hand_over(device(ALICE), variant(0), device(BOB), 3)
                .is_err()
        );
        assert_eq!(
            stock.hand_over(device(ALICE), variant(0), device(ALICE), 1),
            Err(StockError::ToItself)
        );
    }

    #[test]
    fn setting_stock_counts_what_other_devices_hold() {
        let mut stock = stocked(5);
        stock
            .hand_over(device(ALICE), variant(0), device(BOB), 3)
            .unwrap();
        assert_eq!(stock.set_available(device(ALICE), variant(0), 4), Ok(true));
        assert_eq!(stock.available(&variant(0)), 4);
        assert_eq!(stock.set_available(device(ALICE), variant(0), 4), Ok(false));
        assert_eq!(
            stock.set_available(device(ALICE), variant(0), 2),
            Err(StockError::NotEnough { wanted: 2, have: 1 })
        );
        assert_eq!(stock.available(&variant(0)), 4);
        assert_eq!(
            stock.set_available(device(ALICE), variant(0), u64::MAX),
            Err(StockError::TooLarge)
        );
    }

    #[test]
    fn what_is_held_is_not_promised_again() {
        let stock = stocked(5);
        let hold = |order, units| Hold {
            order: OrderId::from_bytes([order; 32]),
            listing: listing(),
            variant: variant(0),
            units,
        };
        let holds = Holds::new([hold(1, 2), hold(2, 1), hold(1, 1)]);
        assert_eq!(holds.held(&listing(), &variant(0)), 4);
        assert_eq!(holds.sellable(&stock, &device(ALICE), &variant(0)), 1);
        assert_eq!(holds.sellable(&stock, &device(BOB), &variant(0)), 0);
        assert_eq!(
            Holds::new([hold(1, u64::MAX)]).sellable(&stock, &device(ALICE), &variant(0)),
            0
        );
        assert_eq!(holds.sellable(&stock, &device(ALICE), &variant(1)), 0);
        assert!(!stock.is_counted(&variant(1)));
    }

    #[test]
    fn an_account_of_many_variants_is_split_and_joins_again() {
        let mut stock = Stock::new(listing());
        for n in 0..2_048u16 {
            let id = VariantId::of(&listing(), &[n.to_string()]);
            stock.set_available(device(ALICE), id, u64::from(n)).unwrap();
        }
        let parts = stock.account(&device(ALICE)).unwrap();
        assert!(parts.len() > 1);
        let mut read = Stock::new(listing());
        for part in &parts {
            let bytes = codec::encode(part).unwrap();
            assert!(bytes.len() <= STOCK_PART_BYTES_MAX);
            read.admit(device(ALICE), &codec::decode(&bytes).unwrap())
                .unwrap();
        }
        assert_eq!(read, stock);
        let more = VariantId::of(&listing(), &["more"]);
        assert_eq!(
            stock.set_available(device(ALICE), more, 1),
            Err(StockError::TooManyVariants(2_049))
        );
    }

    #[test]
    fn a_newer_account_never_shrinks() {
        let mut stock = stocked(5);
        let old = stock.account(&device(ALICE)).unwrap().remove(0);
        stock.spend(device(ALICE), variant(0), 1).unwrap();
        stock
            .hand_over(device(ALICE), variant(0), device(BOB), 1)
            .unwrap();
        let new = stock.account(&device(ALICE)).unwrap().remove(0);
        assert_eq!(new.follows(&old), Ok(()));
        assert_eq!(
            old.follows(&new),
            Err(StockError::Regressed {
                variant: variant(0),
                counter: "spent",
                expected: 1,
                actual: 0
            })
        );
        let other = Stock::new(ListingId::from_bytes([2; 16]));
        assert_eq!(stock.join(&other), Err(StockError::Unrelated));
        // Taken in all the same, the old account changes nothing.
        let before = stock.clone();
        stock.admit(device(ALICE), &old).unwrap();
        assert_eq!(stock, before);
    }

    #[test]
    fn an_account_has_one_form() {
        let row = |n, spent, restored, sent: &[(u8, u64)]| -> Row {
            let sent = sent.iter().map(|(to, units)| (device(*to), *units)).collect();
            (variant(n), 9, 0, spent, restored, sent)
        };
        let account = |variants| StockAccount {
            listing: listing(),
            part: 0,
            variants,
        };
        let cases = [
            ("unsorted", account(vec![row(1, 0, 0, &[]), row(0, 0, 0, &[])])),
            ("twice", account(vec![row(1, 0, 0, &[]), row(1, 0, 0, &[])])),
            ("restored too much", account(vec![row(1, 1, 2, &[])])),
            (
                "transfers unsorted",
                account(vec![row(1, 0, 0, &[(2, 1), (1, 1)])]),
            ),
            ("transfer of nothing", account(vec![row(1, 0, 0, &[(2, 0)])])),
            ("too large", account(vec![row(1, STOCK_UNITS_MAX + 1, 0, &[])])),
        ];
        for (name, account) in cases {
            let bytes = codec::encode(&account).unwrap();
            assert!(codec::decode::<StockAccount>(&bytes).is_err(), "{name}");
        }
        let own = account(vec![row(1, 0, 0, &[(ALICE, 1)])]);
        assert_eq!(
            Stock::new(listing()).admit(device(ALICE), &own),
            Err(StockError::ToItself)
        );
    }
}
