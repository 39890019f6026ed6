//! Rows gathered into products. The rows of a product need not stand together, and each says as much as it likes: the
//! first one that says something of the product as a whole is believed, every row with option values, a price or a SKU is
//! a variant, and every row with a picture adds it. Prices stay as they were written until the whole file has shown which
//! decimal mark it uses. Described in `spec/listing.md`.

use super::Image;
use super::columns::Column;
use super::error::Warning;
use super::html;
use super::limits::{
    DESCRIPTION_BYTES_MAX, NAME_BYTES_MAX, PRODUCT_IMAGES_MAX, PRODUCT_OPTIONS_MAX, PRODUCT_TAGS_MAX,
    SOURCE_BYTES_MAX, TAG_BYTES_MAX,
};
use super::price::Figure;
use super::sheet::Row;
use super::text::{cut, line, quoted};
use super::weight::{Unit, grams};

/// A price as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Priced {
    /// The number as it stands there.
    pub(super) figure: Figure,
    /// Line of the row.
    pub(super) line: u64,
    /// Column of the price.
    pub(super) column: Column,
    /// The cell, short enough for a message.
    pub(super) actual: String,
}

/// A variant whose prices are not decided yet.
#[derive(Debug, Clone, Default)]
pub(super) struct VariantDraft {
    /// Line of its row.
    pub(super) line: u64,
    /// Values of the three option columns.
    pub(super) options: [String; PRODUCT_OPTIONS_MAX],
    /// Stock-keeping code.
    pub(super) sku: String,
    /// Bar code.
    pub(super) barcode: String,
    /// What it costs.
    pub(super) price: Option<Priced>,
    /// What it cost before.
    pub(super) compare_at: Option<Priced>,
    /// What it weighs.
    pub(super) weight_grams: Option<u64>,
    /// Whether it has to be sent.
    pub(super) requires_shipping: bool,
    /// Whether units of it are counted.
    pub(super) tracked: bool,
    /// Units that there are.
    pub(super) quantity: Option<i64>,
    /// Whether it may be sold when none is left.
    pub(super) oversell: bool,
    /// Address of its picture.
    pub(super) image: Option<String>,
}

/// A product of which more rows may come.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Line of its first row.
    pub(super) line: u64,
    /// Its handle.
    pub(super) handle: String,
    /// What it is called.
    pub(super) title: String,
    /// What it is like; nothing until a row says so.
    pub(super) description: Option<String>,
    /// Who makes it.
    pub(super) vendor: String,
    /// Standard category.
    pub(super) category: String,
    /// Category of another platform.
    pub(super) foreign_category: String,
    /// The merchant's own type.
    pub(super) product_type: String,
    /// Words to find it by.
    pub(super) tags: Vec<String>,
    /// Whether it is shown; nothing until a row says so.
    pub(super) published: Option<bool>,
    /// Whether its status lets it be shown; nothing until a row says so.
    pub(super) active: Option<bool>,
    /// Whether it is a gift card; nothing until a row says so.
    pub(super) gift_card: Option<bool>,
    /// Names of the three option columns.
    pub(super) option_names: [String; PRODUCT_OPTIONS_MAX],
    /// Pictures with their places, in the order of the rows.
    pub(super) images: Vec<(Option<u32>, Image)>,
    /// Its variants.
    pub(super) variants: Vec<VariantDraft>,
    /// What its first row says of a variant, in case no row says more.
    pub(super) first: VariantDraft,
}

impl Draft {
    /// Takes what a row says of the product as a whole.
    pub(super) fn describe(&mut self, row: &Row<'_>, warnings: &mut Vec<Warning>) {
        for (column, held) in [
            (Column::Title, &mut self.title),
            (Column::Vendor, &mut self.vendor),
            (Column::Category, &mut self.category),
            (Column::ForeignCategory, &mut self.foreign_category),
            (Column::Type, &mut self.product_type),
        ] {
            keep_first(row, column, held, warnings);
        }
        for (number, held) in self.option_names.iter_mut().enumerate() {
            keep_first(row, Column::OptionName(number), held, warnings);
        }
        if self.description.is_none() && !row.cell(Column::Description).is_empty() {
            let text = html::to_text(row.cell(Column::Description));
            self.description = Some(bounded(
                row,
                Column::Description,
                text,
                DESCRIPTION_BYTES_MAX,
                warnings,
            ));
        }
        if self.tags.is_empty() {
            self.tags = tags(row, warnings);
        }
        self.published = self
            .published
            .or_else(|| flag(row, Column::Published, true, warnings));
        self.active = self.active.or_else(|| active(row, warnings));
        self.gift_card = self
            .gift_card
            .or_else(|| flag(row, Column::GiftCard, false, warnings));
    }

    /// Takes the row's picture, and its variant's if it is one. Whether there was a picture.
    pub(super) fn picture(&mut self, row: &Row<'_>, is_variant: bool, warnings: &mut Vec<Warning>) -> bool {
        let alt = line(row.cell(Column::ImageAlt));
        let position = row.cell(Column::ImagePosition).parse().ok();
        if let Some(source_url) = address(row, Column::Image, warnings) {
            let alt = bounded(row, Column::ImageAlt, alt, SOURCE_BYTES_MAX, warnings);
            self.add_image(row, position, Image { source_url, alt }, warnings);
        }
        if is_variant && let Some(source_url) = address(row, Column::VariantImage, warnings) {
            let image = Image {
                source_url,
                alt: String::new(),
            };
            self.add_image(row, None, image, warnings);
        }
        !row.cell(Column::Image).is_empty()
    }

    fn add_image(&mut self, row: &Row<'_>, position: Option<u32>, image: Image, warnings: &mut Vec<Warning>) {
        let full = self.images.len() == PRODUCT_IMAGES_MAX;
        let held = self
            .images
            .iter_mut()
            .find(|(_, held)| held.source_url == image.source_url);
        match held {
            Some((place, held)) => {
                *place = place.or(position);
                if held.alt.is_empty() {
                    held.alt = image.alt;
                }
            }
            None if !full => self.images.push((position, image)),
            None => warnings.push(Warning::LeftOut {
                line: row.line,
                what: "pictures",
                expected: PRODUCT_IMAGES_MAX,
                actual: quoted(&image.source_url),
            }),
        }
    }
}

/// Whether a row is a variant, rather than a further picture or a heading.
pub(super) fn is_variant(row: &Row<'_>) -> bool {
    let has = |column| !row.cell(column).is_empty();
    (0..PRODUCT_OPTIONS_MAX).any(|number| has(Column::OptionValue(number)))
        || has(Column::Price)
        || has(Column::Sku)
}

impl VariantDraft {
    /// Takes what a row says of a variant, but for its prices.
    pub(super) fn read(row: &Row<'_>, warnings: &mut Vec<Warning>) -> Self {
        let mut name = |column| bounded(row, column, line(row.cell(column)), NAME_BYTES_MAX, warnings);
        Self {
            line: row.line,
            options: std::array::from_fn(|number| name(Column::OptionValue(number))),
            sku: name(Column::Sku),
            barcode: name(Column::Barcode),
            price: None,
            compare_at: None,
            weight_grams: weight(row, warnings),
            requires_shipping: flag(row, Column::Shipping, true, warnings).unwrap_or(true),
            tracked: tracked(row.cell(Column::Tracker)),
            quantity: quantity(row, warnings),
            oversell: oversell(row, warnings),
            image: address(row, Column::VariantImage, &mut Vec::new()),
        }
    }
}

fn keep_first(row: &Row<'_>, column: Column, held: &mut String, warnings: &mut Vec<Warning>) {
    let cell = row.cell(column);
    if cell.is_empty() {
        return;
    }
    if held.is_empty() {
        *held = bounded(row, column, line(cell), NAME_BYTES_MAX, warnings);
    } else if *held != cut(line(cell), NAME_BYTES_MAX).0 {
        warnings.push(Warning::Differs {
            line: row.line,
            column: row.name(column),
            kept: quoted(held),
            actual: quoted(cell),
        });
    }
}

fn bounded(
    row: &Row<'_>,
    column: Column,
    text: String,
    bytes_max: usize,
    warnings: &mut Vec<Warning>,
) -> String {
    let actual = text.len();
    let (text, cut_off) = cut(text, bytes_max);
    if cut_off > 0 {
        warnings.push(Warning::Cut {
            line: row.line,
            column: row.name(column),
            expected: bytes_max,
            actual,
            cut: cut_off,
        });
    }
    text
}

fn tags(row: &Row<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let cell = line(row.cell(Column::Tags));
    for tag in cell.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if tags.len() == PRODUCT_TAGS_MAX {
            warnings.push(Warning::LeftOut {
                line: row.line,
                what: "tags",
                expected: PRODUCT_TAGS_MAX,
                actual: quoted(tag),
            });
            break;
        }
        let tag = bounded(row, Column::Tags, tag.to_owned(), TAG_BYTES_MAX, warnings);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Yes and no, in English and as spreadsheets of other languages write them.
pub(super) fn truth(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "wahr" | "vrai" | "verdadero" | "verdadeiro" | "vero" | "waar" => {
            Some(true)
        }
        "false" | "f" | "no" | "n" | "0" | "falsch" | "faux" | "falso" | "onwaar" => Some(false),
        _ => None,
    }
}

fn flag(row: &Row<'_>, column: Column, otherwise: bool, warnings: &mut Vec<Warning>) -> Option<bool> {
    let cell = row.cell(column);
    if cell.is_empty() {
        return None;
    }
    let read = truth(cell);
    if read.is_none() {
        let taken = if otherwise { "true" } else { "false" };
        warnings.push(unknown(row, column, "true or false", taken));
    }
    Some(read.unwrap_or(otherwise))
}

fn unknown(row: &Row<'_>, column: Column, expected: &'static str, taken: &'static str) -> Warning {
    Warning::UnknownValue {
        line: row.line,
        column: row.name(column),
        expected,
        actual: quoted(row.cell(column)),
        taken,
    }
}

fn active(row: &Row<'_>, warnings: &mut Vec<Warning>) -> Option<bool> {
    match row.cell(Column::Status).to_lowercase().as_str() {
        "" => None,
        "active" => Some(true),
        "draft" | "archived" | "unlisted" => Some(false),
        _ => {
            warnings.push(unknown(row, Column::Status, "active, draft or archived", "draft"));
            Some(false)
        }
    }
}

fn tracked(cell: &str) -> bool {
    !cell.is_empty() && truth(cell) != Some(false) && !cell.eq_ignore_ascii_case("none")
}

fn oversell(row: &Row<'_>, warnings: &mut Vec<Warning>) -> bool {
    let cell = row.cell(Column::Policy).to_lowercase();
    match (cell.as_str(), truth(&cell)) {
        ("continue", _) | (_, Some(true)) => true,
        ("" | "deny", _) | (_, Some(false)) => false,
        _ => {
            warnings.push(unknown(row, Column::Policy, "deny or continue", "deny"));
            false
        }
    }
}

fn quantity(row: &Row<'_>, warnings: &mut Vec<Warning>) -> Option<i64> {
    let cell = row.cell(Column::Quantity);
    let whole = match cell.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        _ => cell,
    };
    match whole.parse() {
        Ok(quantity) => Some(quantity),
        Err(_) if cell.is_empty() => None,
        Err(_) => {
            warnings.push(unknown(row, Column::Quantity, "a whole number", "0"));
            Some(0)
        }
    }
}

fn weight(row: &Row<'_>, warnings: &mut Vec<Warning>) -> Option<u64> {
    let (column, unit) = match row.cell(Column::Grams) {
        "" => (Column::Weight, Unit::read(row.cell(Column::WeightUnit))),
        _ => (Column::Grams, Some(Unit::Gram)),
    };
    let cell = row.cell(column);
    if cell.is_empty() {
        return None;
    }
    let read = unit.and_then(|unit| grams(cell, unit));
    if read.is_none() {
        warnings.push(unknown(row, column, "a weight in g, kg, lb or oz", "none"));
    }
    read
}

/// The address of a picture, if the cell has one that could be fetched.
fn address(row: &Row<'_>, column: Column, warnings: &mut Vec<Warning>) -> Option<String> {
    let cell = line(row.cell(column));
    if cell.is_empty() {
        return None;
    }
    let cell = if cell.starts_with("//") {
        format!("https:{cell}")
    } else {
        cell
    };
    let scheme = cell
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let fetched = matches!(scheme.as_deref(), Some("http" | "https"));
    if fetched && cell.len() <= SOURCE_BYTES_MAX {
        return Some(cell);
    }
    warnings.push(Warning::BadImage {
        line: row.line,
        column: row.name(column),
        actual: quoted(&cell),
    });
    None
}
