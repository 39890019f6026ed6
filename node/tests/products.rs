//! Laws of product files: what a merchant's file says arrives, to the cent, or is refused with its line and the reason.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "products/files.rs"]
mod files;
#[path = "products/forms.rs"]
mod forms;
#[path = "products/laws.rs"]
mod laws;
#[path = "products/refusals.rs"]
mod refusals;

use souk_node::products::{ImportError, Product, ProductFile, read_shopify};

/// Reads a file in euros.
fn read(text: &str) -> Result<ProductFile, ImportError> {
    read_shopify(text.as_bytes(), 2, &mut |_| {})
}

/// The products of a file that is read without a refusal.
fn products(text: &str) -> Vec<Product> {
    read(text).expect("the file is read").products
}
