//! The fields of the index.

use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value,
};
use tantivy::schema::{INDEXED, TantivyDocument};

use super::Document;

/// Version of the fields and of how text becomes words. Whoever changes either raises it, so that old indexes are built
/// anew.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// Name under which the tokenizer is registered.
pub(super) const TOKENIZER: &str = "souk";
/// Names of the fields that are counted or sorted by.
pub(super) const CATEGORY: &str = "category";
/// See [`CATEGORY`].
pub(super) const KIND: &str = "kind";
/// See [`CATEGORY`].
pub(super) const VENDOR: &str = "vendor";
/// See [`CATEGORY`].
pub(super) const PRICE_MIN: &str = "price_min";
/// See [`CATEGORY`].
pub(super) const PRICE_MAX: &str = "price_max";
/// See [`CATEGORY`].
pub(super) const UPDATED: &str = "updated";

/// The fields of the index.
#[derive(Clone)]
pub(super) struct Fields {
    /// Stored, unique.
    pub(super) key: Field,
    /// Stored, exact.
    pub(super) shop: Field,
    /// Stored.
    pub(super) listing: Field,
    /// Words of the title.
    pub(super) title: Field,
    /// Words of vendor, tags, categories and options.
    pub(super) labels: Field,
    /// Words of the description.
    pub(super) description: Field,
    /// Exact, counted.
    pub(super) category: Field,
    /// Exact, counted.
    pub(super) kind: Field,
    /// Exact, counted.
    pub(super) vendor: Field,
    /// Exact.
    pub(super) currency: Field,
    /// Minor units, sorted.
    pub(super) price_min: Field,
    /// Minor units, sorted.
    pub(super) price_max: Field,
    /// Yes or no.
    pub(super) in_stock: Field,
    /// Milliseconds, sorted.
    pub(super) updated: Field,
}

impl Fields {
    /// The schema and its fields.
    pub(super) fn build() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let words = || {
            let indexing = TextFieldIndexing::default().set_tokenizer(TOKENIZER);
            TextOptions::default()
                .set_indexing_options(indexing.set_index_option(IndexRecordOption::WithFreqs))
        };
        let fields = Self {
            key: schema.add_text_field("key", STRING | STORED),
            shop: schema.add_text_field("shop", STRING | STORED),
            listing: schema.add_text_field("listing", STORED),
            title: schema.add_text_field("title", words()),
            labels: schema.add_text_field("labels", words()),
            description: schema.add_text_field("description", words()),
            category: schema.add_text_field(CATEGORY, STRING | FAST),
            kind: schema.add_text_field(KIND, STRING | FAST),
            vendor: schema.add_text_field(VENDOR, STRING | FAST),
            currency: schema.add_text_field("currency", STRING),
            price_min: schema.add_i64_field(PRICE_MIN, FAST),
            price_max: schema.add_i64_field(PRICE_MAX, FAST),
            in_stock: schema.add_bool_field("in_stock", INDEXED),
            updated: schema.add_u64_field(UPDATED, FAST),
        };
        (schema.build(), fields)
    }

    /// A document as the index takes it.
    pub(super) fn document(&self, document: &Document) -> TantivyDocument {
        let mut out = TantivyDocument::default();
        out.add_text(self.key, &document.key);
        out.add_text(self.shop, &document.shop);
        out.add_text(self.listing, &document.listing);
        out.add_text(self.title, &document.title);
        out.add_text(self.description, &document.description);
        out.add_text(self.kind, &document.kind);
        out.add_text(self.currency, &document.currency);
        if !document.vendor.is_empty() {
            out.add_text(self.vendor, &document.vendor);
            out.add_text(self.labels, &document.vendor);
        }
        for category in &document.categories {
            out.add_text(self.category, category);
        }
        for label in document
            .tags
            .iter()
            .chain(&document.categories)
            .chain(&document.options)
        {
            out.add_text(self.labels, label);
        }
        out.add_i64(self.price_min, document.price_min_minor);
        out.add_i64(self.price_max, document.price_max_minor);
        out.add_bool(self.in_stock, document.in_stock);
        out.add_u64(self.updated, document.updated_ms);
        out
    }

    /// A stored text of a document.
    pub(super) fn stored(document: &TantivyDocument, field: Field) -> String {
        document
            .get_first(field)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    }
}
