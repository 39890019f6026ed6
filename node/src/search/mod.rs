//! Search: full text over the listings that this node holds, and nothing that it would have to ask anybody for.
//!
//! The index is a fold over what the store holds, so it may be thrown away and filled again at any time; it says itself
//! when that is due ([`Index::rebuild_needed`]) and up to where it has read ([`Index::mark`]). What a person types is
//! taken apart into words and never parsed as a query language: no text is an error, and none costs more than
//! [`limits::QUERY_WORDS_MAX`] words do. Hits are ranked by how well they match, and by nothing that anybody could buy.
//!
//! Described in `spec/architecture.md`.
//!
//! | file | what it holds |
//! |---|---|
//! | `limits` | every bound, by name |
//! | `error` | why a search or a change fails |
//! | `words` | text to words, the same for texts and queries |
//! | `schema` | the fields of the index |
//! | `facets` | values of the hits, counted |
//! | `query` | a question, and the index's way to ask it |
//! | `index` | the index on disk: put, remove, commit, search |

mod error;
mod facets;
mod index;
pub mod limits;
mod query;
mod schema;
mod words;

pub use error::SearchError;
pub use facets::{FacetValue, Facets};
pub use index::Index;
pub use query::{Query, Sort};

/// What is found again of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Unique: the shop and the listing, `<shop>/<listing>`.
    pub key: String,
    /// The shop that offers it.
    pub shop: String,
    /// The listing within the shop.
    pub listing: String,
    /// What it is called.
    pub title: String,
    /// What it is like, as plain text.
    pub description: String,
    /// Who makes it; empty if nobody says.
    pub vendor: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where it belongs.
    pub categories: Vec<String>,
    /// Values of its options, such as colours and sizes.
    pub options: Vec<String>,
    /// The least that a variant costs, in minor units.
    pub price_min_minor: i64,
    /// The most that a variant costs, in minor units.
    pub price_max_minor: i64,
    /// Currency of the prices, as its three letters.
    pub currency: String,
    /// What kind of thing it is.
    pub kind: String,
    /// Whether any variant can be had.
    pub in_stock: bool,
    /// When it was last changed, in milliseconds since 1970.
    pub updated_ms: u64,
}

/// A listing that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The document's key.
    pub key: String,
    /// The shop that offers it.
    pub shop: String,
    /// The listing within the shop.
    pub listing: String,
    /// How well it matches; 0 where hits are in another order than relevance.
    pub score: f32,
}

/// Some of the hits, and what all of them have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The hits asked for, best first.
    pub hits: Vec<Hit>,
    /// How many hits there are altogether.
    pub total: usize,
    /// Categories, kinds and vendors of all of them.
    pub facets: Facets,
    /// Whether nothing matched as written, and these match with a letter wrong.
    pub corrected: bool,
}
