//! What one device did with a listing's stock, and how it is signed.

use super::StockError;
use crate::id::{DeviceId, ListingId, VariantId};
use crate::limits::{LISTING_PARTS_MAX, LISTING_VARIANTS_MAX, STOCK_TRANSFERS_MAX, STOCK_UNITS_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    pub(super) fn join(&mut self, other: &Self) {
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
pub(super) type Row = (VariantId, u64, u64, u64, u64, Vec<(DeviceId, u64)>);

/// What one device did with a listing's stock, as it signs it: all of it, or as much as fits one
/// envelope. `State`: a device's newest one for each (listing, part) counts. Always valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawAccount")]
pub struct StockAccount {
    pub(super) listing: ListingId,
    pub(super) part: u16,
    pub(super) variants: Vec<Row>,
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
    /// one (`Stock::admit`) it does no harm.
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

    pub(super) fn check(&self) -> Result<(), StockError> {
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
