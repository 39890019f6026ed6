//! Which column means what. Shopify's classic template and its newer one name the same things differently, and people and
//! programs vary case, order and completeness; a column is found by its name alone, and what has no meaning here is passed
//! over. Described in `spec/listing.md`.

use std::collections::BTreeMap;

use super::error::{ImportError, Warning};
use super::text::quoted;

/// What a column can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// The product's own unique name.
    Handle,
    /// What the product is called.
    Title,
    /// What it is like, in HTML.
    Description,
    /// Who makes it.
    Vendor,
    /// Its standard category.
    Category,
    /// Its category as another platform names it.
    ForeignCategory,
    /// The merchant's own type.
    Type,
    /// Words to find it by.
    Tags,
    /// Whether it is shown.
    Published,
    /// Whether it is active, a draft or archived.
    Status,
    /// Name of the option of this number, from 0.
    OptionName(usize),
    /// Value of the option of this number, from 0.
    OptionValue(usize),
    /// Stock-keeping code.
    Sku,
    /// Bar code.
    Barcode,
    /// Weight in grams.
    Grams,
    /// Weight in the unit of `WeightUnit`.
    Weight,
    /// Unit of `Weight`.
    WeightUnit,
    /// Who counts the stock; blank if nobody does.
    Tracker,
    /// Units in stock.
    Quantity,
    /// Whether it is sold when none is left.
    Policy,
    /// Price.
    Price,
    /// Price before.
    CompareAt,
    /// Whether it has to be sent.
    Shipping,
    /// Address of a picture.
    Image,
    /// Place of the picture.
    ImagePosition,
    /// What the picture shows.
    ImageAlt,
    /// Address of the variant's picture.
    VariantImage,
    /// Whether it is a gift card.
    GiftCard,
}

/// Names of columns, in lower case; of two names for one thing the one that stands first is read.
const NAMES: &[(&str, Column)] = &[
    ("handle", Column::Handle),
    ("url handle", Column::Handle),
    ("title", Column::Title),
    ("body (html)", Column::Description),
    ("body html", Column::Description),
    ("body", Column::Description),
    ("description", Column::Description),
    ("vendor", Column::Vendor),
    ("product category", Column::Category),
    ("standard product type", Column::Category),
    ("standardized product type", Column::Category),
    (
        "google shopping / google product category",
        Column::ForeignCategory,
    ),
    ("type", Column::Type),
    ("custom product type", Column::Type),
    ("product type", Column::Type),
    ("tags", Column::Tags),
    ("published", Column::Published),
    ("published on online store", Column::Published),
    ("status", Column::Status),
    ("option1 name", Column::OptionName(0)),
    ("option2 name", Column::OptionName(1)),
    ("option3 name", Column::OptionName(2)),
    ("option1 value", Column::OptionValue(0)),
    ("option2 value", Column::OptionValue(1)),
    ("option3 value", Column::OptionValue(2)),
    ("variant sku", Column::Sku),
    ("sku", Column::Sku),
    ("variant barcode", Column::Barcode),
    ("barcode", Column::Barcode),
    ("variant grams", Column::Grams),
    ("weight value (grams)", Column::Grams),
    ("grams", Column::Grams),
    ("variant weight", Column::Weight),
    ("weight", Column::Weight),
    ("weight value", Column::Weight),
    ("variant weight unit", Column::WeightUnit),
    ("weight unit for display", Column::WeightUnit),
    ("weight unit", Column::WeightUnit),
    ("variant inventory tracker", Column::Tracker),
    ("inventory tracker", Column::Tracker),
    ("variant inventory qty", Column::Quantity),
    ("variant inventory quantity", Column::Quantity),
    ("inventory quantity", Column::Quantity),
    ("variant inventory policy", Column::Policy),
    ("inventory policy", Column::Policy),
    ("continue selling when out of stock", Column::Policy),
    ("variant price", Column::Price),
    ("price", Column::Price),
    ("variant compare at price", Column::CompareAt),
    ("variant compare-at price", Column::CompareAt),
    ("compare-at price", Column::CompareAt),
    ("compare at price", Column::CompareAt),
    ("variant requires shipping", Column::Shipping),
    ("requires shipping", Column::Shipping),
    ("image src", Column::Image),
    ("product image url", Column::Image),
    ("image position", Column::ImagePosition),
    ("image alt text", Column::ImageAlt),
    ("variant image", Column::VariantImage),
    ("variant image url", Column::VariantImage),
    ("gift card", Column::GiftCard),
];

/// The columns that a header names.
#[derive(Debug, Default)]
pub(super) struct Columns {
    places: BTreeMap<Column, usize>,
    names: Vec<String>,
}

impl Columns {
    /// Reads a header.
    pub(super) fn read<'a>(header: impl Iterator<Item = &'a str>, warnings: &mut Vec<Warning>) -> Self {
        let mut columns = Self {
            places: BTreeMap::new(),
            names: header.map(quoted).collect(),
        };
        for (place, name) in columns.names.iter().enumerate() {
            let Some(column) = meaning(name) else {
                continue;
            };
            match columns
                .places
                .get(&column)
                .and_then(|first| columns.names.get(*first))
            {
                Some(kept) => warnings.push(Warning::RepeatedColumn {
                    column: name.clone(),
                    kept: kept.clone(),
                }),
                None => {
                    columns.places.insert(column, place);
                }
            }
        }
        columns
    }

    /// How many columns have a meaning.
    pub(super) fn known(&self) -> usize {
        self.places.len()
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the header has this column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.places.contains_key(&column)
    }

    /// Where this column stands.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.get(&column).copied()
    }

    /// This column's name as the file writes it; nothing if the file does not have it.
    pub(super) fn name(&self, column: Column) -> &str {
        self.place(column)
            .and_then(|place| self.names.get(place))
            .map_or("", String::as_str)
    }

    /// Whether enough is there to sell something.
    pub(super) fn check(&self) -> Result<(), ImportError> {
        let has_product = self.has(Column::Title) || self.has(Column::Handle);
        let actual = || quoted_all(&self.names);
        if self.places.is_empty() || (!has_product && !self.has(Column::Price)) {
            return Err(ImportError::NoHeader { actual: actual() });
        }
        for (there, expected) in [
            (has_product, "'Title' or 'Handle' (or 'URL handle')"),
            (self.has(Column::Price), "'Variant Price' or 'Price'"),
        ] {
            if !there {
                return Err(ImportError::MissingColumn {
                    expected,
                    actual: actual(),
                });
            }
        }
        Ok(())
    }
}

fn meaning(name: &str) -> Option<Column> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let name = words.join(" ").to_lowercase();
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, column)| *column)
}

/// A few names of a header for a message: the first ones, and how many more there are.
fn quoted_all(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("'{name}'")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
