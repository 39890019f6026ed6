//! The whole way in: text, rows, drafts, the decimal mark that the file uses, products. Described in `spec/listing.md`.

use std::collections::HashMap;
use std::io::Read;

use super::columns::Column;
use super::draft::{Draft, Priced, VariantDraft, is_variant};
use super::error::{ImportError, Warning};
use super::limits::{
    FILE_PRODUCTS_MAX, FILE_VARIANTS_MAX, NAME_BYTES_MAX, PRODUCT_OPTIONS_MAX, PRODUCT_VARIANTS_MAX,
    WARNINGS_MAX,
};
use super::price::{Evidence, Figure, Mark, PriceFault};
use super::sheet::{Row, Sheet, read_text};
use super::text::{cut, handle_of, line, quoted};
use super::{Image, Product, ProductFile, ProductKind, Variant};

/// Rows between two calls of `progress`.
const PROGRESS_ROWS: usize = 256;
/// Bytes of a handle that are left for a number.
const HANDLE_NUMBER_BYTES: usize = 8;
/// What the only variant of a product without options is called.
const DEFAULT_VALUE: &str = "Default Title";
/// What its option is called.
const DEFAULT_OPTION: &str = "Title";

/// Reads a Shopify product CSV of the classic or the newer template.
///
/// `currency_exponent` is how many decimals the currency of the prices has (2 for EUR, 0 for JPY, 3 for BHD). `progress`
/// is told now and then, and at the end, how many bytes of the file have been read into products. At most
/// [`super::limits::FILE_BYTES_MAX`] bytes are taken from `reader` and held in memory.
///
/// # Errors
///
/// [`ImportError`] where the file cannot be understood without guessing; nothing of it is kept then.
pub fn read_shopify(
    reader: impl Read,
    currency_exponent: u8,
    progress: &mut dyn FnMut(u64),
) -> Result<ProductFile, ImportError> {
    let text = read_text(reader)?;
    let mut warnings = Vec::new();
    let mut sheet = Sheet::open(&text, &mut warnings)?;
    if sheet.columns.has(Column::Quantity) && !sheet.columns.has(Column::Tracker) {
        warnings.push(Warning::NoTracker);
    }
    let mut gathering = Gathering::new(warnings);
    let mut rows = 0_usize;
    while let Some(row) = sheet.next_row()? {
        gathering.take(&row)?;
        rows += 1;
        if rows.is_multiple_of(PROGRESS_ROWS) {
            progress(sheet.bytes_read());
        }
    }
    let file = gathering.finish(&sheet, currency_exponent)?;
    progress(u64::try_from(text.len()).unwrap_or(u64::MAX));
    Ok(file)
}

/// What the prices so far show of the file's decimal mark: the first of each kind.
#[derive(Default)]
struct Marks {
    point: Option<Priced>,
    comma: Option<Priced>,
    either: Option<Priced>,
    /// The first price that can be read in two ways and does not look as Shopify itself writes prices.
    either_not_plain: Option<Priced>,
    signs: Vec<String>,
}

impl Marks {
    fn note(&mut self, priced: &Priced) -> Result<(), PriceFault> {
        let first = match priced.figure.evidence()? {
            Evidence::Nothing => return Ok(()),
            Evidence::Shows(Mark::Point) => &mut self.point,
            Evidence::Shows(Mark::Comma) => &mut self.comma,
            Evidence::Either if priced.figure.has_point_alone() => &mut self.either,
            Evidence::Either => &mut self.either_not_plain,
        };
        first.get_or_insert_with(|| priced.clone());
        Ok(())
    }

    /// The file's decimal mark. With three decimals a currency's prices all look like `1.234`, as Shopify writes them;
    /// elsewhere such a price alone decides nothing.
    fn decide(&self, sheet: &Sheet<'_>, exponent: u8) -> Result<Mark, ImportError> {
        let undecided = match exponent {
            3 => self.either_not_plain.as_ref(),
            _ => self.either.as_ref().or(self.either_not_plain.as_ref()),
        };
        match (&self.point, &self.comma, undecided) {
            (Some(point), Some(comma), _) => Err(ImportError::MixedPrices {
                point_line: point.line,
                point: point.actual.clone(),
                comma_line: comma.line,
                comma: comma.actual.clone(),
            }),
            (None, Some(_), _) => Ok(Mark::Comma),
            (None, None, Some(priced)) => Err(ImportError::AmbiguousPrice {
                line: priced.line,
                column: sheet.columns.name(priced.column).to_owned(),
                actual: priced.actual.clone(),
            }),
            (Some(_), None, _) | (None, None, None) => Ok(Mark::Point),
        }
    }
}

/// Everything gathered from the rows so far.
struct Gathering {
    drafts: Vec<Draft>,
    places: HashMap<String, usize>,
    current: Option<usize>,
    /// Handles made of titles.
    made: HashMap<String, String>,
    /// The last number given to a handle that more than one title makes.
    numbers: HashMap<String, usize>,
    variants: usize,
    marks: Marks,
    warnings: Vec<Warning>,
    further: usize,
}

impl Gathering {
    fn new(warnings: Vec<Warning>) -> Self {
        Self {
            drafts: Vec::new(),
            places: HashMap::new(),
            current: None,
            made: HashMap::new(),
            numbers: HashMap::new(),
            variants: 0,
            marks: Marks::default(),
            warnings,
            further: 0,
        }
    }

    fn take(&mut self, row: &Row<'_>) -> Result<(), ImportError> {
        let place = self.product(row)?;
        let Some(draft) = self.drafts.get_mut(place) else {
            return Ok(());
        };
        let warnings = &mut self.warnings;
        let starts = draft.line == row.line;
        let sells = is_variant(row);
        draft.describe(row, warnings);
        let pictured = draft.picture(row, sells || starts, warnings);
        if sells || starts {
            let mut variant = VariantDraft::read(row, warnings);
            variant.price = priced(row, Column::Price, &mut self.marks, warnings)?;
            variant.compare_at = priced(row, Column::CompareAt, &mut self.marks, warnings)?;
            if starts {
                draft.first = variant.clone();
            }
            if sells {
                if draft.variants.len() == PRODUCT_VARIANTS_MAX {
                    return Err(ImportError::TooManyVariants {
                        line: row.line,
                        handle: quoted(&draft.handle),
                    });
                }
                draft.variants.push(variant);
                self.variants += 1;
            }
        } else if !pictured {
            warnings.push(Warning::NothingInRow { line: row.line });
        }
        if self.variants > FILE_VARIANTS_MAX {
            return Err(ImportError::TooManyFileVariants { line: row.line });
        }
        self.bound_warnings();
        Ok(())
    }

    fn bound_warnings(&mut self) {
        self.further += self.warnings.len().saturating_sub(WARNINGS_MAX);
        self.warnings.truncate(WARNINGS_MAX);
    }

    /// The product that a row belongs to: its handle's, or else the one above, or else a new one of this title.
    fn product(&mut self, row: &Row<'_>) -> Result<usize, ImportError> {
        let (handle, _) = cut(line(row.cell(Column::Handle)), NAME_BYTES_MAX);
        let (title, _) = cut(line(row.cell(Column::Title)), NAME_BYTES_MAX);
        if !handle.is_empty() {
            return self.place_of(row, handle);
        }
        let above = self.current.and_then(|place| self.drafts.get(place));
        match (self.current, above) {
            (Some(place), Some(draft)) if title.is_empty() || title == draft.title => Ok(place),
            _ if title.is_empty() => Err(ImportError::NoProduct { line: row.line }),
            _ => {
                let handle = self.free_handle(&title);
                if !self.places.contains_key(&handle) {
                    self.warnings.push(Warning::NoHandle {
                        line: row.line,
                        handle: quoted(&handle),
                    });
                }
                self.place_of(row, handle)
            }
        }
    }

    fn place_of(&mut self, row: &Row<'_>, handle: String) -> Result<usize, ImportError> {
        let place = match self.places.get(&handle) {
            Some(place) => *place,
            None if self.drafts.len() == FILE_PRODUCTS_MAX => {
                return Err(ImportError::TooManyProducts { line: row.line });
            }
            None => {
                self.drafts.push(Draft {
                    line: row.line,
                    handle: handle.clone(),
                    ..Draft::default()
                });
                self.places.insert(handle, self.drafts.len() - 1);
                self.drafts.len() - 1
            }
        };
        self.current = Some(place);
        Ok(place)
    }

    /// A handle made of a title: that of a product of the same title, or one that no other product has.
    fn free_handle(&mut self, title: &str) -> String {
        if let Some(made) = self.made.get(title) {
            return made.clone();
        }
        let base = cut(handle_of(title), NAME_BYTES_MAX - HANDLE_NUMBER_BYTES).0;
        let number = self.numbers.entry(base.clone()).or_default();
        let mut handle = base.clone();
        while let Some(held) = self.places.get(&handle).and_then(|place| self.drafts.get(*place))
            && held.title != title
        {
            *number += 1;
            handle = format!("{base}-{number}");
        }
        self.made.insert(title.to_owned(), handle.clone());
        handle
    }

    fn finish(mut self, sheet: &Sheet<'_>, exponent: u8) -> Result<ProductFile, ImportError> {
        if self.drafts.is_empty() {
            return Err(ImportError::NoProducts);
        }
        let mark = self.marks.decide(sheet, exponent)?;
        let mut products = Vec::with_capacity(self.drafts.len());
        for draft in std::mem::take(&mut self.drafts) {
            let finishing = Finishing {
                sheet,
                mark,
                exponent,
                warnings: &mut self.warnings,
            };
            products.push(finishing.product(draft)?);
            self.bound_warnings();
        }
        if self.further > 0 {
            self.warnings.push(Warning::Further { count: self.further });
        }
        Ok(ProductFile {
            products,
            warnings: self.warnings,
        })
    }
}

fn priced(
    row: &Row<'_>,
    column: Column,
    marks: &mut Marks,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Priced>, ImportError> {
    let cell = row.cell(column);
    if cell.is_empty() {
        return Ok(None);
    }
    let actual = quoted(cell);
    let refuse = |fault| refusal(fault, row.line, row.name(column), actual.clone(), 0);
    let priced = Priced {
        figure: Figure::read(cell).map_err(refuse)?,
        line: row.line,
        column,
        actual: actual.clone(),
    };
    marks.note(&priced).map_err(refuse)?;
    if let Some(sign) = priced.figure.sign()
        && !marks.signs.iter().any(|known| known == sign)
    {
        marks.signs.push(sign.to_owned());
        warnings.push(Warning::CurrencySign {
            line: row.line,
            column: row.name(column),
            actual: sign.to_owned(),
        });
    }
    Ok(Some(priced))
}

fn refusal(fault: PriceFault, line: u64, column: String, actual: String, expected: u8) -> ImportError {
    match fault {
        PriceFault::NotANumber => ImportError::BadPrice { line, column, actual },
        PriceFault::Negative => ImportError::NegativePrice { line, column, actual },
        PriceFault::TooLarge => ImportError::PriceTooLarge { line, column, actual },
        PriceFault::TooPrecise => ImportError::TooPrecise {
            line,
            column,
            expected,
            actual,
        },
    }
}

/// Turns a draft into a product, now that all is known.
struct Finishing<'a> {
    sheet: &'a Sheet<'a>,
    mark: Mark,
    exponent: u8,
    warnings: &'a mut Vec<Warning>,
}

impl Finishing<'_> {
    fn product(mut self, mut draft: Draft) -> Result<Product, ImportError> {
        if draft.variants.is_empty() {
            draft.variants.push(std::mem::take(&mut draft.first));
        }
        if draft.title.is_empty() {
            draft.title.clone_from(&draft.handle);
            self.warnings.push(Warning::NoTitle {
                line: draft.line,
                handle: quoted(&draft.handle),
            });
        }
        let slots = slots(&draft);
        let options: Vec<String> = slots.iter().map(|slot| self.option_name(&draft, *slot)).collect();
        let images = images(&mut draft);
        let variants = self.variants(&draft, &slots, &options, &images)?;
        let kind = kind(&draft, &variants);
        let product_type = filled(draft.product_type);
        let category = filled(draft.category)
            .or(filled(draft.foreign_category))
            .or(product_type.clone());
        Ok(Product {
            handle: draft.handle,
            title: draft.title,
            description: draft.description.unwrap_or_default(),
            vendor: draft.vendor,
            category,
            product_type,
            kind,
            tags: draft.tags,
            published: draft.published.unwrap_or(true) && draft.active.unwrap_or(true),
            options,
            images,
            variants,
        })
    }

    fn option_name(&mut self, draft: &Draft, slot: usize) -> String {
        match draft.option_names.get(slot) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => {
                let taken = format!("Option {}", slot + 1);
                self.warnings.push(Warning::UnnamedOption {
                    line: draft.line,
                    handle: quoted(&draft.handle),
                    number: slot + 1,
                    taken: taken.clone(),
                });
                taken
            }
        }
    }

    fn variants(
        &mut self,
        draft: &Draft,
        slots: &[usize],
        names: &[String],
        images: &[Image],
    ) -> Result<Vec<Variant>, ImportError> {
        let mut variants: Vec<Variant> = Vec::with_capacity(draft.variants.len());
        let mut places: HashMap<Vec<String>, (usize, &VariantDraft)> = HashMap::new();
        for held in &draft.variants {
            let options: Vec<String> = slots
                .iter()
                .filter_map(|slot| held.options.get(*slot))
                .cloned()
                .collect();
            let variant = self.variant(held, options.clone(), images)?;
            if let Some((place, first)) = places.get(&options) {
                let same = variants
                    .get(*place)
                    .map_or(Ok(()), |kept| same(kept, &variant, held));
                self.repeated(draft, first, held, &options, same)?;
                continue;
            }
            for (name, _) in names.iter().zip(&options).filter(|(_, value)| value.is_empty()) {
                self.warnings.push(Warning::BlankOption {
                    line: held.line,
                    handle: quoted(&draft.handle),
                    option: quoted(name),
                });
            }
            if held.price.is_none() {
                self.warnings.push(Warning::BlankPrice {
                    line: held.line,
                    handle: quoted(&draft.handle),
                });
            }
            places.insert(options, (variants.len(), held));
            variants.push(variant);
        }
        Ok(variants)
    }

    fn repeated(
        &mut self,
        draft: &Draft,
        first: &VariantDraft,
        second: &VariantDraft,
        options: &[String],
        same: Result<(), &'static str>,
    ) -> Result<(), ImportError> {
        let (line, first_line, handle) = (second.line, first.line, quoted(&draft.handle));
        same.map_err(|differing| ImportError::DuplicateVariant {
            line,
            first_line,
            handle: handle.clone(),
            options: match options {
                [] => "without options".to_owned(),
                values => format!("'{}'", quoted(&values.join(" / "))),
            },
            differing,
        })?;
        self.warnings.push(Warning::RepeatedVariant {
            line,
            first_line,
            handle,
        });
        Ok(())
    }

    fn variant(
        &self,
        held: &VariantDraft,
        options: Vec<String>,
        images: &[Image],
    ) -> Result<Variant, ImportError> {
        let known = |url: &&String| images.iter().any(|image| image.source_url == **url);
        Ok(Variant {
            options,
            sku: held.sku.clone(),
            barcode: held.barcode.clone(),
            price_minor: self.minor(held.price.as_ref())?.unwrap_or(0),
            // A former price of nothing is how some programs write that there was none.
            compare_at_minor: self.minor(held.compare_at.as_ref())?.filter(|minor| *minor > 0),
            weight_grams: held.weight_grams,
            requires_shipping: held.requires_shipping,
            tracked: held.tracked,
            quantity: held.quantity,
            oversell: held.oversell,
            image: held.image.as_ref().filter(known).cloned(),
        })
    }

    fn minor(&self, priced: Option<&Priced>) -> Result<Option<i64>, ImportError> {
        let Some(priced) = priced else {
            return Ok(None);
        };
        let refuse = |fault| {
            let column = self.sheet.columns.name(priced.column).to_owned();
            refusal(fault, priced.line, column, priced.actual.clone(), self.exponent)
        };
        priced
            .figure
            .minor(self.mark, self.exponent)
            .map(Some)
            .map_err(refuse)
    }
}

/// Whether a row that has the options of a variant above says nothing else than that one; or in what it differs. A blank
/// cell says nothing.
fn same(kept: &Variant, variant: &Variant, held: &VariantDraft) -> Result<(), &'static str> {
    let text = |kept: &String, other: &String| other.is_empty() || kept == other;
    for (same, column) in [
        (
            held.price.is_none() || kept.price_minor == variant.price_minor,
            "the price",
        ),
        (
            held.compare_at.is_none() || kept.compare_at_minor == variant.compare_at_minor,
            "the former price",
        ),
        (text(&kept.sku, &variant.sku), "the SKU"),
        (text(&kept.barcode, &variant.barcode), "the bar code"),
        (
            held.quantity.is_none() || kept.quantity == variant.quantity,
            "the quantity",
        ),
        (
            held.weight_grams.is_none() || kept.weight_grams == variant.weight_grams,
            "the weight",
        ),
    ] {
        if !same {
            return Err(column);
        }
    }
    Ok(())
}

/// The option columns that a product uses: those in which any variant has a value. A single variant that is called
/// nothing, or by the name that Shopify gives to what has no name, leaves nothing to choose.
fn slots(draft: &Draft) -> Vec<usize> {
    let value = |variant: &VariantDraft, slot: usize| variant.options.get(slot).cloned().unwrap_or_default();
    let is_default = |slot: usize| {
        let name = draft.option_names.get(slot).map_or("", String::as_str);
        let unnamed = name.is_empty() || name.eq_ignore_ascii_case(DEFAULT_OPTION);
        unnamed
            && draft.variants.iter().all(|variant| {
                let value = value(variant, slot);
                value.is_empty() || value.eq_ignore_ascii_case(DEFAULT_VALUE)
            })
    };
    let used = |slot: &usize| {
        draft
            .variants
            .iter()
            .any(|variant| !value(variant, *slot).is_empty())
    };
    (0..PRODUCT_OPTIONS_MAX)
        .filter(used)
        .filter(|slot| !is_default(*slot))
        .collect()
}

/// The pictures by their places; those without one stay behind the picture that stands before them in the file.
fn images(draft: &mut Draft) -> Vec<Image> {
    let mut placed = Vec::with_capacity(draft.images.len());
    let mut last = 0;
    for (position, image) in std::mem::take(&mut draft.images) {
        last = position.unwrap_or(last);
        placed.push((last, image));
    }
    placed.sort_by_key(|(position, _)| *position);
    placed.into_iter().map(|(_, image)| image).collect()
}

fn kind(draft: &Draft, variants: &[Variant]) -> ProductKind {
    let unsent = variants.iter().all(|variant| !variant.requires_shipping);
    let service = matches!(draft.product_type.to_lowercase().as_str(), "service" | "services");
    match (draft.gift_card.unwrap_or(false), unsent) {
        (true, _) => ProductKind::Digital,
        (false, true) if service => ProductKind::Service,
        (false, true) => ProductKind::Digital,
        (false, false) => ProductKind::Physical,
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
