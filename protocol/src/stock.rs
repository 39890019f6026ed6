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

use crate::codec::{self, CodecError};
use crate::id::{DeviceId, ListingId, OrderId, VariantId};
use crate::limits::{
    LISTING_PARTS_MAX, LISTING_VARIANTS_MAX, STOCK_PART_BYTES_MAX, STOCK_TRANSFERS_MAX, STOCK_UNITS_MAX,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What one device did with one variant, in units. Every number only grows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Brought into being: goods that came in.
    pub minted: u64,
    /// Taken out of being: goods that are no longer for sale.
    pub retired: u64,
    /// Sold.
    pub spent: u64,
    /// Sold, and then not: the order lapsed, or the goods came back.
    pub restored: u64,
    /// Handed over, in all, to each other device.
    pub sent: BTreeMap<DeviceId, u64>,
}

impl Tally {
    fn join(&mut self, other: &Self) {
        self.minted = self.minted.max(other.minted);
        self.retired = self.retired.max(other.retired);
        self.spent = self.spent.max(other.spent);
        self.restored = self.restored.max(other.restored);
        for (to, total) in &other.sent {
            let known = self.sent.entry(*to).or_default();
            *known = (*known).max(*total);
        }
    }

    fn check(&self, variant: VariantId) -> Result<(), StockError> {
        if self.restored > self.spent {
            return Err(StockError::Impossible(variant));
        }
        if self.sent.len() > STOCK_TRANSFERS_MAX {
            return Err(StockError::TooManyTransfers(self.sent.len()));
        }
        let counters = [self.minted, self.retired, self.spent, self.restored];
        match counters
            .iter()
            .chain(self.sent.values())
            .all(|units| *units <= STOCK_UNITS_MAX)
        {
            true => Ok(()),
            false => Err(StockError::TooLarge),
        }
    }

    /// The counters with their names, for comparison.
    fn counters(&self) -> [(&'static str, u64); 4] {
        [
            ("minted", self.minted),
            ("retired", self.retired),
            ("spent", self.spent),
            ("restored", self.restored),
        ]
    }

    fn follows(&self, older: &Self, variant: VariantId) -> Result<(), StockError> {
        let sent = older
            .sent
            .iter()
            .map(|(to, old)| ("sent", *old, self.sent.get(to).copied().unwrap_or(0)));
        let counters = older.counters().into_iter().zip(self.counters());
        let counters = counters.map(|((name, old), (_, new))| (name, old, new));
        match counters.chain(sent).find(|(_, old, new)| new < old) {
            Some((counter, expected, actual)) => Err(StockError::Regressed {
                variant,
                counter,
                expected,
                actual,
            }),
            None => Ok(()),
        }
    }
}

/// One row of an account on the wire: variant, minted, retired, spent, restored, sent.
type Row = (VariantId, u64, u64, u64, u64, Vec<(DeviceId, u64)>);

/// What one device did with a listing's stock, as it signs it: all of it, or as much as fits one
/// envelope. `State`: a device's newest one for each (listing, part) counts. Always valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawAccount")]
pub struct StockAccount {
    listing: ListingId,
    part: u16,
    variants: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccount {
    listing: ListingId,
    part: u16,
    variants: Vec<Row>,
}

impl TryFrom<RawAccount> for StockAccount {
    type Error = StockError;
    fn try_from(raw: RawAccount) -> Result<Self, StockError> {
        let account = Self {
            listing: raw.listing,
            part: raw.part,
            variants: raw.variants,
        };
        account.check()?;
        Ok(account)
    }
}

impl StockAccount {
    /// The listing.
    pub fn listing(&self) -> ListingId {
        self.listing
    }
    /// The number of the part: 0 for the whole account, else 1 and the smallest first byte of the
    /// variants' ids that belong into it (as for listings).
    pub fn part(&self) -> u16 {
        self.part
    }
    /// What it says of each variant.
    pub fn tallies(&self) -> impl Iterator<Item = (VariantId, Tally)> + '_ {
        self.variants
            .iter()
            .map(|(variant, minted, retired, spent, restored, sent)| {
                let tally = Tally {
                    minted: *minted,
                    retired: *retired,
                    spent: *spent,
                    restored: *restored,
                    sent: sent.iter().copied().collect(),
                };
                (*variant, tally)
            })
    }

    /// Checks that this account can come after an older one of the same device, listing and part: no
    /// number shrank. Variants that are missing moved to another part.
    ///
    /// # Errors
    /// [`StockError::Regressed`]: do not take the newer account for the truth; joined with the older
    /// one ([`Stock::admit`]) it does no harm.
    pub fn follows(&self, older: &Self) -> Result<(), StockError> {
        if (self.listing, self.part) != (older.listing, older.part) {
            return Err(StockError::Unrelated);
        }
        let old: BTreeMap<_, _> = older.tallies().collect();
        for (variant, tally) in self.tallies() {
            if let Some(old) = old.get(&variant) {
                tally.follows(old, variant)?;
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), StockError> {
        if self.part >= LISTING_PARTS_MAX {
            return Err(StockError::Part(self.part));
        }
        if self.variants.len() > LISTING_VARIANTS_MAX {
            return Err(StockError::TooManyVariants(self.variants.len()));
        }
        if !self.variants.is_sorted_by(|low, high| low.0 < high.0) {
            return Err(StockError::Form("variants"));
        }
        for (.., sent) in &self.variants {
            if !sent.is_sorted_by(|low, high| low.0 < high.0) || sent.iter().any(|(_, units)| *units == 0) {
                return Err(StockError::Form("transfers"));
            }
        }
        self.tallies()
            .try_for_each(|(variant, tally)| tally.check(variant))
    }
}

/// The stock of one listing as known here: every device's account, joined from all that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    listing: ListingId,
    accounts: BTreeMap<DeviceId, BTreeMap<VariantId, Tally>>,
}

impl Stock {
    /// No stock yet.
    pub fn new(listing: ListingId) -> Self {
        Self {
            listing,
            accounts: BTreeMap::new(),
        }
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
        let mut devices: std::collections::BTreeSet<&DeviceId> = self.accounts.keys().collect();
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
        let mut refused = StockError::TooLarge;
        for bits in [
            None,
            Some(1),
            Some(2),
            Some(3),
            Some(4),
            Some(5),
            Some(6),
            Some(7),
            Some(8),
        ] {
            match self.account_by(device, bits) {
                Ok(parts) => return Ok(parts),
                Err(error) => refused = error,
            }
        }
        Err(refused)
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

/// Units that an open quote or order keeps from being sold to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The order that they are kept for.
    pub order: OrderId,
    /// The listing.
    pub listing: ListingId,
    /// The variant.
    pub variant: VariantId,
    /// How many.
    pub units: u64,
}

/// What a device holds back: computed from its open quotes whenever it is needed, never stored, so
/// that it cannot be forgotten or leak. A quote that expired is simply not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holds(BTreeMap<(ListingId, VariantId), BTreeMap<OrderId, u64>>);

impl Holds {
    /// These holds; several of one order for one variant add up.
    pub fn new(holds: impl IntoIterator<Item = Hold>) -> Self {
        let mut all = Self::default();
        for hold in holds {
            let orders = all.0.entry((hold.listing, hold.variant)).or_default();
            let units = orders.entry(hold.order).or_default();
            *units = units.saturating_add(hold.units);
        }
        all
    }

    /// Units of a variant that are held.
    pub fn held(&self, listing: &ListingId, variant: &VariantId) -> u64 {
        let orders = self
            .0
            .get(&(*listing, *variant))
            .into_iter()
            .flat_map(BTreeMap::values);
        orders.fold(0, |sum, units| sum.saturating_add(*units))
    }

    /// Units that a device may promise to somebody new.
    pub fn sellable(&self, stock: &Stock, own: &DeviceId, variant: &VariantId) -> u64 {
        stock
            .rights(own, variant)
            .saturating_sub(self.held(&stock.listing, variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
