//! The whole way out: products to a file of Shopify's classic template, which both Shopify and [`super::read_shopify`]
//! read. Described in `spec/listing.md`.

use std::io::Write;

use super::error::ExportError;
use super::html;
use super::limits::PRODUCT_OPTIONS_MAX;
use super::price::decimal;
use super::{Image, Product, ProductKind, Variant};

const HEADER: [&str; 32] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Product Category",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Fulfillment Service",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Gift Card",
    "Variant Image",
    "Variant Weight Unit",
    "Status",
];

/// Writes products as a Shopify product CSV, prices in a currency with `currency_exponent` decimals.
///
/// What [`super::read_shopify`] has read, it reads again from this file, without a warning that the first reading did not
/// have: the same products in the same order.
///
/// # Errors
///
/// [`ExportError`] if the file cannot be written, or a product has more options than the file has columns for, or a variant
/// has a price below zero or not a value for each option; some rows may have been written by then.
pub fn write_shopify(
    products: &[Product],
    currency_exponent: u8,
    writer: impl Write,
) -> Result<(), ExportError> {
    let mut rows = csv::Writer::from_writer(writer);
    rows.write_record(HEADER)?;
    for product in products {
        check(product)?;
        let count = product.variants.len().max(product.images.len());
        for number in 0..count {
            let variant = product.variants.get(number);
            let image = product.images.get(number);
            let mut row = Vec::with_capacity(HEADER.len());
            row.push(product.handle.clone());
            row.extend(product_cells(product, number == 0));
            row.extend(option_cells(product, variant, number == 0));
            row.extend(variant_cells(variant, currency_exponent));
            row.extend(image_cells(image, number));
            row.push(if number == 0 {
                gift_card(product)
            } else {
                String::new()
            });
            row.push(
                variant
                    .and_then(|variant| variant.image.clone())
                    .unwrap_or_default(),
            );
            row.push(if variant.is_some() {
                "g".to_owned()
            } else {
                String::new()
            });
            row.push(if number == 0 {
                status(product)
            } else {
                String::new()
            });
            rows.write_record(&row)?;
        }
    }
    rows.flush()?;
    Ok(())
}

fn check(product: &Product) -> Result<(), ExportError> {
    let expected = product.options.len();
    let handle = || product.handle.clone();
    if expected > PRODUCT_OPTIONS_MAX {
        return Err(ExportError::TooManyOptions {
            handle: handle(),
            actual: expected,
        });
    }
    for variant in &product.variants {
        let actual = variant.options.len();
        if actual != expected {
            return Err(ExportError::OptionValues {
                handle: handle(),
                expected,
                actual,
            });
        }
        if let Some(actual) = [Some(variant.price_minor), variant.compare_at_minor]
            .into_iter()
            .flatten()
            .find(|p| *p < 0)
        {
            return Err(ExportError::NegativePrice {
                handle: handle(),
                actual,
            });
        }
    }
    Ok(())
}

fn product_cells(product: &Product, first: bool) -> [String; 7] {
    if !first {
        return Default::default();
    }
    let product_type = match product.kind {
        ProductKind::Service => product
            .product_type
            .clone()
            .unwrap_or_else(|| "Service".to_owned()),
        ProductKind::Physical | ProductKind::Digital => product.product_type.clone().unwrap_or_default(),
    };
    [
        product.title.clone(),
        html::from_text(&product.description),
        product.vendor.clone(),
        product.category.clone().unwrap_or_default(),
        product_type,
        product.tags.join(", "),
        product.published.to_string(),
    ]
}

fn option_cells(product: &Product, variant: Option<&Variant>, first: bool) -> Vec<String> {
    let default = product.options.is_empty() && variant.is_some();
    let mut cells = Vec::with_capacity(2 * PRODUCT_OPTIONS_MAX);
    for number in 0..PRODUCT_OPTIONS_MAX {
        let name = product.options.get(number).filter(|_| first).cloned();
        let value = variant.and_then(|variant| variant.options.get(number)).cloned();
        let (name, value) = match (number, default) {
            (0, true) => (
                Some("Title".to_owned()).filter(|_| first),
                Some("Default Title".to_owned()),
            ),
            _ => (name, value),
        };
        cells.extend([name.unwrap_or_default(), value.unwrap_or_default()]);
    }
    cells
}

fn variant_cells(variant: Option<&Variant>, exponent: u8) -> [String; 11] {
    let Some(variant) = variant else {
        return Default::default();
    };
    let price = |minor: i64| decimal(minor.unsigned_abs(), exponent);
    let word = |word: &str| word.to_owned();
    let sent = variant.requires_shipping;
    [
        variant.sku.clone(),
        variant
            .weight_grams
            .map(|grams| grams.to_string())
            .unwrap_or_default(),
        if variant.tracked {
            word("shopify")
        } else {
            String::new()
        },
        variant
            .quantity
            .map(|quantity| quantity.to_string())
            .unwrap_or_default(),
        if variant.oversell {
            word("continue")
        } else {
            word("deny")
        },
        word("manual"),
        price(variant.price_minor),
        variant.compare_at_minor.map(price).unwrap_or_default(),
        sent.to_string(),
        word("true"),
        variant.barcode.clone(),
    ]
}

fn image_cells(image: Option<&Image>, number: usize) -> [String; 3] {
    match image {
        Some(image) => [
            image.source_url.clone(),
            (number + 1).to_string(),
            image.alt.clone(),
        ],
        None => Default::default(),
    }
}

/// A digital product of which something is sent can only have been a gift card.
fn gift_card(product: &Product) -> String {
    let sent = product.variants.iter().any(|variant| variant.requires_shipping);
    (product.kind == ProductKind::Digital && sent).to_string()
}

fn status(product: &Product) -> String {
    if product.published { "active" } else { "draft" }.to_owned()
}
