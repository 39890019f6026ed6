//! Bags: what the owner has put aside to buy, one for each shop. A bag is a draft of this node, so it
//! outlives the browser, the node and the power, and nobody else hears of it.

use serde::{Deserialize, Serialize};
use souk_protocol::api::{Command, LineDraft};
use souk_protocol::id::{AuthorId, ListingId, VariantId};
use souk_protocol::records::{Fault, Records};
use souk_protocol::view;

/// Beginning of a bag's name among the drafts; its shop follows.
pub(super) const PREFIX: &str = "bag/";
/// Drafts that are looked through for bags.
const DRAFTS_READ: usize = 1_000;
/// Lines of one bag.
pub(super) const LINES_MAX: usize = 40;
/// Units of one line.
pub(super) const UNITS_MAX: u32 = 9_999;

/// What is wanted of one shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bag {
    pub(super) shop: AuthorId,
    pub(super) lines: Vec<LineDraft>,
}

impl Bag {
    pub(super) fn empty(shop: AuthorId) -> Self {
        Self {
            shop,
            lines: Vec::new(),
        }
    }

    fn place(&self, listing: &ListingId, variant: Option<&VariantId>) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| line.listing == *listing && line.variant.as_ref() == variant)
    }

    /// Puts units into it; says whether there was room for another line.
    pub(super) fn add(&mut self, listing: ListingId, variant: Option<VariantId>, units: u32) -> bool {
        match self.place(&listing, variant.as_ref()) {
            Some(place) => {
                if let Some(line) = self.lines.get_mut(place) {
                    line.units = line.units.saturating_add(units).min(UNITS_MAX);
                }
                true
            }
            None if self.lines.len() >= LINES_MAX => false,
            None => {
                self.lines.push(LineDraft {
                    listing,
                    variant,
                    units: units.min(UNITS_MAX),
                });
                true
            }
        }
    }

    /// Changes how many of a line are wanted; none removes it.
    pub(super) fn set(&mut self, listing: &ListingId, variant: Option<&VariantId>, units: u32) {
        if let Some(place) = self.place(listing, variant) {
            match (units, self.lines.get_mut(place)) {
                (0, _) | (_, None) => drop(self.lines.remove(place)),
                (units, Some(line)) => line.units = units.min(UNITS_MAX),
            }
        }
    }

    /// Takes these lines out of it.
    pub(super) fn take(&mut self, lines: &[(ListingId, Option<VariantId>)]) -> Vec<LineDraft> {
        let is_one = |line: &LineDraft| lines.contains(&(line.listing, line.variant));
        let (taken, left) = std::mem::take(&mut self.lines).into_iter().partition(is_one);
        self.lines = left;
        taken
    }

    /// The command that keeps it.
    pub(super) fn kept(&self) -> Command {
        let text = match self.lines.is_empty() {
            true => String::new(),
            false => serde_json::to_string(&self.lines).unwrap_or_default(),
        };
        Command::SaveDraft {
            name: format!("{PREFIX}{}", self.shop),
            text,
        }
    }
}

/// All bags with something in them.
pub(super) fn all(records: &dyn Records) -> Result<Vec<Bag>, Fault> {
    let drafts = view::drafts(records, Some(PREFIX.as_bytes().to_vec()), DRAFTS_READ)?;
    let bags = drafts.items.into_iter().map_while(|draft| {
        let shop = draft.name.strip_prefix(PREFIX)?;
        Some(
            shop.parse()
                .ok()
                .zip(serde_json::from_str(draft.text.as_str()).ok()),
        )
    });
    Ok(bags.flatten().map(|(shop, lines)| Bag { shop, lines }).collect())
}

/// The bag of one shop.
pub(super) fn of(records: &dyn Records, shop: &AuthorId) -> Result<Bag, Fault> {
    let bag = all(records)?.into_iter().find(|bag| bag.shop == *shop);
    Ok(bag.unwrap_or_else(|| Bag::empty(*shop)))
}

/// Units in all bags.
pub(super) fn units(records: &dyn Records) -> Result<u32, Fault> {
    let lines = all(records)?.into_iter().flat_map(|bag| bag.lines);
    Ok(lines.map(|line| line.units).fold(0, u32::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_variant_are_one_line() {
        let (shop, listing, variant) = (
            AuthorId::from_bytes([1; 32]),
            ListingId::from_bytes([2; 16]),
            VariantId::from_bytes([3; 8]),
        );
        let mut bag = Bag::empty(shop);
        assert!(bag.add(listing, Some(variant), 2) && bag.add(listing, Some(variant), 3));
        assert!(bag.add(listing, None, 1));
        assert_eq!(
            bag.lines.iter().map(|line| line.units).collect::<Vec<_>>(),
            [5, 1]
        );
        let mut other = bag.clone();
        assert_eq!(other.take(&[(listing, Some(variant))]).len(), 1);
        assert_eq!((other.lines.len(), other.take(&[]).len()), (1, 0));
        bag.set(&listing, Some(&variant), 0);
        assert_eq!(bag.lines.len(), 1);
        bag.set(&listing, None, u32::MAX);
        assert_eq!(bag.lines[0].units, UNITS_MAX);
    }
}
