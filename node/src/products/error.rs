//! Why a product file is refused, and what was decided on the way. Every refusal names the line and the column, what was
//! expected and what was there, so that the merchant can go and mend the file. Described in `spec/listing.md`.

use super::limits::{
    FILE_BYTES_MAX, FILE_PRODUCTS_MAX, FILE_VARIANTS_MAX, PRICE_MINOR_MAX, PRODUCT_OPTIONS_MAX,
    PRODUCT_VARIANTS_MAX,
};

/// Why a product file is not read. Nothing of a refused file is kept. Lines count from 1, the header's.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("the file could not be read: {0}")]
    Read(#[from] std::io::Error),
    /// The file is larger than allowed.
    #[error("expected a file of at most {FILE_BYTES_MAX} bytes, got more")]
    TooManyBytes,
    /// The file has nothing in it.
    #[error("expected a product file, got an empty file")]
    Empty,
    /// The file is not text at all.
    #[error("expected a CSV file in UTF-8, got {actual} at byte {byte}; save it as CSV UTF-8")]
    NotText {
        /// What it is instead.
        actual: &'static str,
        /// Where that shows, counted from 0.
        byte: usize,
    },
    /// The text is in another encoding.
    #[error(
        "line {line}: expected UTF-8, got the byte 0x{actual:02x} at byte {byte} of the file; save it as CSV UTF-8"
    )]
    NotUtf8 {
        /// Line of the first byte that is not UTF-8.
        line: u64,
        /// Where in the file it is, counted from 0.
        byte: usize,
        /// The byte.
        actual: u8,
    },
    /// A quoted cell has no end.
    #[error("line {line}: the quote that opens a cell here is never closed")]
    UnclosedQuote {
        /// Line of the opening quote.
        line: u64,
    },
    /// A quoted cell goes on after its end.
    #[error(
        "line {line}: expected a separator after a closing quote, got '{actual}'; a quote within a cell is written twice"
    )]
    TextAfterQuote {
        /// Line of the closing quote.
        line: u64,
        /// What follows it.
        actual: char,
    },
    /// The bytes are text, but not rows.
    #[error("the file is not a CSV: {0}")]
    NotCsv(String),
    /// None of the columns is one that a product file has.
    #[error(
        "expected a first line with at least 'Title' or 'Handle' and 'Variant Price' or 'Price', got {actual}"
    )]
    NoHeader {
        /// The first line.
        actual: String,
    },
    /// A column without which nothing can be sold is missing.
    #[error("the first line lacks a column: expected {expected}, got {actual}")]
    MissingColumn {
        /// The names that would do.
        expected: &'static str,
        /// The columns that are there.
        actual: String,
    },
    /// A header, and nothing below it.
    #[error("expected products below the first line, got none")]
    NoProducts,
    /// A row has more cells than the header.
    #[error(
        "line {line}: expected at most {expected} cells, as in the first line, got {actual}; is a quote missing?"
    )]
    TooManyCells {
        /// Line of the row.
        line: u64,
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        actual: usize,
    },
    /// A row belongs to no product.
    #[error("line {line}: expected a handle or a title, or a product above to belong to, got neither")]
    NoProduct {
        /// Line of the row.
        line: u64,
    },
    /// A price is not a number.
    #[error("line {line}, column '{column}': expected a price such as 42.99, got '{actual}'")]
    BadPrice {
        /// Line of the row.
        line: u64,
        /// Column of the price.
        column: String,
        /// The cell.
        actual: String,
    },
    /// A price is below zero.
    #[error("line {line}, column '{column}': expected a price of 0 or more, got '{actual}'")]
    NegativePrice {
        /// Line of the row.
        line: u64,
        /// Column of the price.
        column: String,
        /// The cell.
        actual: String,
    },
    /// A price has a fraction that the currency does not have.
    #[error(
        "line {line}, column '{column}': expected at most {expected} decimals in this currency, got '{actual}'"
    )]
    TooPrecise {
        /// Line of the row.
        line: u64,
        /// Column of the price.
        column: String,
        /// Decimals of the currency.
        expected: u8,
        /// The cell.
        actual: String,
    },
    /// A price is larger than an amount may be.
    #[error(
        "line {line}, column '{column}': expected a price of at most {PRICE_MINOR_MAX} minor units, got '{actual}'"
    )]
    PriceTooLarge {
        /// Line of the row.
        line: u64,
        /// Column of the price.
        column: String,
        /// The cell.
        actual: String,
    },
    /// A price can be read in two ways, and no other price of the file shows which is meant.
    #[error(
        "line {line}, column '{column}': '{actual}' may be a fraction or a thousand, and no other price of the file shows which; write it without a thousands separator and with a decimal point"
    )]
    AmbiguousPrice {
        /// Line of the row.
        line: u64,
        /// Column of the price.
        column: String,
        /// The cell.
        actual: String,
    },
    /// Some prices have a decimal point and others a decimal comma.
    #[error(
        "expected one decimal mark in all prices, got a point in '{point}' on line {point_line} and a comma in '{comma}' on line {comma_line}"
    )]
    MixedPrices {
        /// Line of the first price with a decimal point.
        point_line: u64,
        /// That price.
        point: String,
        /// Line of the first price with a decimal comma.
        comma_line: u64,
        /// That price.
        comma: String,
    },
    /// Two variants of a product have the same option values and are not the same.
    #[error(
        "line {line}: '{handle}' has the variant {options} on line {first_line} already, and {differing} differs"
    )]
    DuplicateVariant {
        /// Line of the second one.
        line: u64,
        /// Line of the first one.
        first_line: u64,
        /// The product.
        handle: String,
        /// Their option values.
        options: String,
        /// The column in which they differ.
        differing: &'static str,
    },
    /// More products than a shop may have.
    #[error("line {line}: expected at most {FILE_PRODUCTS_MAX} products in a file, got more")]
    TooManyProducts {
        /// Line of the first one too many.
        line: u64,
    },
    /// More variants than a product may have.
    #[error(
        "line {line}: expected at most {PRODUCT_VARIANTS_MAX} variants of one product, got more of '{handle}'"
    )]
    TooManyVariants {
        /// Line of the first one too many.
        line: u64,
        /// The product.
        handle: String,
    },
    /// More variants than are read at once.
    #[error("line {line}: expected at most {FILE_VARIANTS_MAX} variants in a file, got more")]
    TooManyFileVariants {
        /// Line of the first one too many.
        line: u64,
    },
}

/// What a reader decided or left out, and would rather have been told. Nothing of it concerns how a price is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The cells are not separated by commas.
    #[error("the cells are separated by {actual:?}, not by commas; read so")]
    Separator {
        /// What separates them.
        actual: char,
    },
    /// The header names one thing twice.
    #[error("column '{column}' says what column '{kept}' says already; only the latter is read")]
    RepeatedColumn {
        /// The column left out.
        column: String,
        /// The column that is read.
        kept: String,
    },
    /// There is stock, but no column that says whether it is counted.
    #[error("the file has quantities but no inventory tracker column; stock is not counted")]
    NoTracker,
    /// A product without a title is called by its handle.
    #[error("line {line}: '{handle}' has no title; called by its handle")]
    NoTitle {
        /// Line of the product.
        line: u64,
        /// Its handle.
        handle: String,
    },
    /// A product without a handle got one made of its title.
    #[error("line {line}: the product has no handle; given '{handle}', made of its title")]
    NoHandle {
        /// Line of the product.
        line: u64,
        /// The handle.
        handle: String,
    },
    /// A later row says otherwise of a whole product.
    #[error(
        "line {line}, column '{column}': '{actual}' differs from '{kept}' of the same product above; the first is kept"
    )]
    Differs {
        /// Line of the later row.
        line: u64,
        /// Column in which it differs.
        column: String,
        /// What is kept.
        kept: String,
        /// What is not.
        actual: String,
    },
    /// A text was longer than a listing holds.
    #[error(
        "line {line}, column '{column}': expected at most {expected} bytes, got {actual}; the last {cut} were cut off"
    )]
    Cut {
        /// Line of the row.
        line: u64,
        /// Column of the text.
        column: String,
        /// Bytes that a listing holds.
        expected: usize,
        /// Bytes that the text had.
        actual: usize,
        /// Bytes cut off.
        cut: usize,
    },
    /// There were more tags or pictures than a listing holds.
    #[error("line {line}: expected at most {expected} {what}, got more; '{actual}' is left out")]
    LeftOut {
        /// Line of the row.
        line: u64,
        /// What there was too much of.
        what: &'static str,
        /// How many a listing holds.
        expected: usize,
        /// What was left out.
        actual: String,
    },
    /// A variant has no price and costs nothing.
    #[error("line {line}: a variant of '{handle}' has no price; it costs 0")]
    BlankPrice {
        /// Line of the variant.
        line: u64,
        /// The product.
        handle: String,
    },
    /// Prices carry a sign of a currency, which is not what says the currency here.
    #[error(
        "line {line}, column '{column}': the price carries '{actual}'; the number is read, the currency is not"
    )]
    CurrencySign {
        /// Line of the first price with this sign.
        line: u64,
        /// Column of the price.
        column: String,
        /// The sign.
        actual: String,
    },
    /// A cell has a value that this column does not have.
    #[error("line {line}, column '{column}': expected {expected}, got '{actual}'; taken as {taken}")]
    UnknownValue {
        /// Line of the row.
        line: u64,
        /// Column of the cell.
        column: String,
        /// What would be understood.
        expected: &'static str,
        /// The cell.
        actual: String,
        /// What it is taken as.
        taken: &'static str,
    },
    /// A variant has no value for an option that others of the product have.
    #[error("line {line}: a variant of '{handle}' has no value for '{option}'; left empty")]
    BlankOption {
        /// Line of the variant.
        line: u64,
        /// The product.
        handle: String,
        /// The option's name.
        option: String,
    },
    /// An option has values but no name.
    #[error("line {line}: option {number} of '{handle}' has values but no name; called '{taken}'")]
    UnnamedOption {
        /// Line of the product.
        line: u64,
        /// The product.
        handle: String,
        /// Which option, from 1.
        number: usize,
        /// The name given to it.
        taken: String,
    },
    /// A row repeats a variant in full and was read once.
    #[error("line {line}: repeats the variant of '{handle}' on line {first_line}; read once")]
    RepeatedVariant {
        /// Line of the repetition.
        line: u64,
        /// Line of the variant.
        first_line: u64,
        /// The product.
        handle: String,
    },
    /// A picture's address is none that could be fetched.
    #[error(
        "line {line}, column '{column}': expected an http or https address of a picture, got '{actual}'; left out"
    )]
    BadImage {
        /// Line of the row.
        line: u64,
        /// Column of the address.
        column: String,
        /// The cell.
        actual: String,
    },
    /// A row is neither a variant nor a picture.
    #[error("line {line}: the row has neither option values, a price, a SKU nor a picture; left out")]
    NothingInRow {
        /// Line of the row.
        line: u64,
    },
    /// There were more warnings.
    #[error("and {count} more warnings")]
    Further {
        /// How many.
        count: usize,
    },
}

/// Why products are not written to a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be written.
    #[error("the file could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// The rows cannot be written.
    #[error("the rows could not be written: {0}")]
    Csv(#[from] csv::Error),
    /// A price below zero.
    #[error("expected a price of 0 or more for a variant of '{handle}', got {actual} minor units")]
    NegativePrice {
        /// The product.
        handle: String,
        /// The price.
        actual: i64,
    },
    /// More options than the file has columns for.
    #[error("expected at most {PRODUCT_OPTIONS_MAX} options for '{handle}', got {actual}")]
    TooManyOptions {
        /// The product.
        handle: String,
        /// How many it has.
        actual: usize,
    },
    /// A variant does not choose among its product's options.
    #[error("expected {expected} option values for every variant of '{handle}', got {actual}")]
    OptionValues {
        /// The product.
        handle: String,
        /// Options of the product.
        expected: usize,
        /// Values of the variant.
        actual: usize,
    },
}
