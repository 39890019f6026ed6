//! What can be done to a shop's listings, and the fields that each command writes.

use super::CatalogError;
use crate::id::{ListingId, VariantId};
use crate::listing::{FieldKey, FieldName, Listing, Product, Value, Variant};
use std::collections::BTreeMap;

/// A command. Writing what is there already writes nothing, so that running an import twice neither
/// grows the document nor outranks what another device changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The product is this: every field of the record, tags and pictures that it no longer has taken
    /// away. Brings back a listing that was removed.
    Put {
        /// Which listing.
        listing: ListingId,
        /// What it says.
        product: Box<Product>,
    },
    /// The variant is this. Brings back a variant that was removed.
    PutVariant {
        /// Of which listing.
        listing: ListingId,
        /// What it is.
        variant: Box<Variant>,
    },
    /// One field of a listing, or of a variant, that exists is this.
    Set {
        /// Of which listing.
        listing: ListingId,
        /// Which field.
        field: FieldKey,
        /// What it holds.
        value: Value,
    },
    /// The listing is no longer offered.
    Remove {
        /// Which listing.
        listing: ListingId,
    },
    /// The variant is no longer offered.
    RemoveVariant {
        /// Of which listing.
        listing: ListingId,
        /// Which variant.
        variant: VariantId,
    },
}

impl Edit {
    /// The commands that write a whole listing: its product and every variant. Variants that it no
    /// longer has stay; [`Edit::RemoveVariant`] takes them away.
    pub fn put(listing: Listing) -> Vec<Self> {
        let id = listing.id;
        let product = Self::Put {
            listing: id,
            product: Box::new(listing.product),
        };
        let variants = listing.variants.into_iter().map(|variant| Self::PutVariant {
            listing: id,
            variant: Box::new(variant),
        });
        std::iter::once(product).chain(variants).collect()
    }

    /// The listing that it changes.
    pub fn listing(&self) -> ListingId {
        match self {
            Self::Put { listing, .. }
            | Self::PutVariant { listing, .. }
            | Self::Set { listing, .. }
            | Self::Remove { listing }
            | Self::RemoveVariant { listing, .. } => *listing,
        }
    }

    /// The variant whose record it changes; none if it changes the product's.
    pub(super) fn variant(&self) -> Option<VariantId> {
        match self {
            Self::Put { .. } | Self::Remove { .. } => None,
            Self::PutVariant { variant, .. } => Some(variant.id),
            Self::Set { field, .. } => field.variant,
            Self::RemoveVariant { variant, .. } => Some(*variant),
        }
    }

    /// What it writes into a record that has these fields, unchanged values included.
    pub(super) fn writes(
        &self,
        current: &BTreeMap<FieldKey, Value>,
    ) -> Result<Vec<(FieldKey, Value)>, CatalogError> {
        match self {
            Self::Put { product, .. } => {
                let mut writes: Vec<_> = product.fields()?.into_iter().map(product_field).collect();
                for name in product.leftovers(current.keys().map(|key| key.name.as_str())) {
                    writes.push(product_field((FieldName::new(name)?, Value::Null)));
                }
                Ok(writes)
            }
            Self::PutVariant { variant, .. } => {
                let fields = variant.fields()?.into_iter();
                let keyed = fields.map(|(name, value)| (FieldKey::variant(variant.id, name), value));
                Ok(keyed.collect())
            }
            Self::Set { field, value, .. } => {
                self.require(current)?;
                Ok(vec![(field.clone(), value.clone())])
            }
            Self::Remove { .. } | Self::RemoveVariant { .. } => {
                self.require(current)?;
                Ok(vec![(FieldKey::removed(self.variant()), Value::Bool(true))])
            }
        }
    }

    fn require(&self, current: &BTreeMap<FieldKey, Value>) -> Result<(), CatalogError> {
        let listing = self.listing();
        match (current.is_empty(), self.variant()) {
            (false, _) => Ok(()),
            (true, None) => Err(CatalogError::NoListing(listing)),
            (true, Some(variant)) => Err(CatalogError::NoVariant { listing, variant }),
        }
    }
}

fn product_field((name, value): (FieldName, Value)) -> (FieldKey, Value) {
    (FieldKey::product(name), value)
}
