//! Product files: what a merchant brings along from elsewhere, and takes away again.
//!
//! [`read_shopify`] turns a Shopify product CSV, of the classic or of the newer template, into [`Product`]s, plain
//! structs that know nothing of Shopify, of files or of this node. It either understands a file or says in one
//! [`ImportError`] where and why it does not; whatever it had to decide or leave out is told as a [`Warning`]. It never
//! guesses where money is concerned: prices are exact decimal strings, and a file whose prices can be read in two ways is
//! refused. [`write_shopify`] writes a file that reads back to the same products, so that nobody is held here.
//!
//! What the columns mean is described in `spec/listing.md`.
//!
//! | file | what it holds |
//! |---|---|
//! | `limits` | every bound, by name |
//! | `error` | why a file is refused, and what was decided on the way |
//! | `price` | decimal strings to minor units and back, and which mark a file uses |
//! | `weight` | weights in their units to grams |
//! | `html` | descriptions to plain text and back |
//! | `text` | cells brought to form and bounded |
//! | `columns` | which column means what, under both templates |
//! | `sheet` | bytes to rows with their line numbers |
//! | `draft` | rows gathered into products |
//! | `read` | the whole way in |
//! | `write` | the whole way out |

mod columns;
mod draft;
mod error;
mod html;
pub mod limits;
mod price;
mod read;
mod sheet;
mod text;
mod weight;
mod write;

pub use error::{ExportError, ImportError, Warning};
pub use read::read_shopify;
pub use text::handle_of;
pub use write::write_shopify;

/// What a product file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductFile {
    /// Its products, in the order in which the file first names them.
    pub products: Vec<Product>,
    /// What had to be decided or left out, in the order in which it was met; at most
    /// [`limits::WARNINGS_MAX`] and one that counts the rest.
    pub warnings: Vec<Warning>,
}

impl ProductFile {
    /// How many variants the products have together.
    pub fn variant_count(&self) -> usize {
        self.products.iter().map(|product| product.variants.len()).sum()
    }
}

/// Whether a thing is sent, downloaded or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProductKind {
    /// A thing that is sent or picked up.
    #[default]
    Physical,
    /// A download, a code or a gift card: nothing is sent.
    Digital,
    /// Work that someone does; nothing is sent.
    Service,
}

/// A product: what a merchant describes once and sells in one or more variants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Product {
    /// The merchant's own unique name for it, as in its address on the web.
    pub handle: String,
    /// What it is called.
    pub title: String,
    /// What it is like, as plain text; an empty line parts paragraphs.
    pub description: String,
    /// Who makes it; empty if the file does not say.
    pub vendor: String,
    /// Where it belongs: the standard category, or else the merchant's own type.
    pub category: Option<String>,
    /// The merchant's own type.
    pub product_type: Option<String>,
    /// What kind of thing it is.
    pub kind: ProductKind,
    /// Words to find it by, in the file's order, none twice.
    pub tags: Vec<String>,
    /// Whether anybody may see it.
    pub published: bool,
    /// Names of its options, at most three; none if there is nothing to choose.
    pub options: Vec<String>,
    /// Its pictures in their order, none twice.
    pub images: Vec<Image>,
    /// What can be bought; always at least one.
    pub variants: Vec<Variant>,
}

/// A picture that lies elsewhere on the web.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    /// Its address, `http` or `https`.
    pub source_url: String,
    /// What it shows, for who cannot see it; empty if the file does not say.
    pub alt: String,
}

/// One choice of a product's options: what is bought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Values of the product's options, as many and in the same order.
    pub options: Vec<String>,
    /// The merchant's stock-keeping code; empty if there is none.
    pub sku: String,
    /// Its bar code; empty if there is none.
    pub barcode: String,
    /// What it costs, in minor units of the currency.
    pub price_minor: i64,
    /// What it cost before, in minor units of the currency.
    pub compare_at_minor: Option<i64>,
    /// What it weighs, in grams.
    pub weight_grams: Option<u64>,
    /// Whether it has to be sent.
    pub requires_shipping: bool,
    /// Whether units of it are counted; what is not counted can always be sold.
    pub tracked: bool,
    /// Units that there are; less than none if more were sold.
    pub quantity: Option<i64>,
    /// Whether it may be sold when none is left.
    pub oversell: bool,
    /// Address of the picture that shows it, one of the product's pictures.
    pub image: Option<String>,
}
