//! Every limit of reading and writing product files, by name. The bounds on text, tags, options and pictures are those
//! that a listing has in the protocol's `limits`, so that what is read here always fits one.

/// Largest product file, in bytes: the shop of the largest allowed size fits several times.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Products of one file: the listings that a shop may have.
pub const FILE_PRODUCTS_MAX: usize = 100_000;
/// Variants of one file, over all its products: bounds the memory of an import.
pub const FILE_VARIANTS_MAX: usize = 500_000;
/// Variants of one product.
pub const PRODUCT_VARIANTS_MAX: usize = 2_048;
/// Options of one product.
pub const PRODUCT_OPTIONS_MAX: usize = 3;
/// Pictures of one product.
pub const PRODUCT_IMAGES_MAX: usize = 250;
/// Tags of one product.
pub const PRODUCT_TAGS_MAX: usize = 250;
/// Longest description, in bytes of UTF-8.
pub const DESCRIPTION_BYTES_MAX: usize = 8 * 1024;
/// Longest handle, title, vendor, category, option name or value, SKU or bar code, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 256;
/// Longest tag, in bytes of UTF-8.
pub const TAG_BYTES_MAX: usize = 64;
/// Longest address of a picture and longest text in its place, in bytes of UTF-8.
pub const SOURCE_BYTES_MAX: usize = 1_024;
/// Largest price in minor units.
pub const PRICE_MINOR_MAX: i64 = 1_000_000_000_000_000;
/// Largest weight of a variant, in grams.
pub const WEIGHT_GRAMS_MAX: u64 = u32::MAX as u64;
/// Warnings that are told one by one; of further ones only the number is told.
pub const WARNINGS_MAX: usize = 1_000;
/// Bytes of a cell that an error or a warning repeats.
pub const QUOTED_BYTES_MAX: usize = 60;
