//! Units that are promised and not sold yet.

use super::Stock;
use crate::id::{DeviceId, ListingId, OrderId, VariantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
            .saturating_sub(self.held(&stock.listing(), variant))
    }
}
