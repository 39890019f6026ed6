//! The screens of the storefront: its listings, and one of them.

use super::super::super::inventory::Row;
use super::super::super::limits::{FRONT_CATEGORIES_MAX, FRONT_LISTINGS};
use super::super::form::Form;
use super::super::words;
use super::feeds::data;
use super::reader::Found;
use super::visitor::{Front, Refusal};
use crate::search::limits::OFFSET_MAX;
use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use serde_json::{Map, Value, json};
use souk_protocol::id::ListingId;
use souk_protocol::view::{ListingView, ReviewView, VariantView};
use std::sync::Arc;

/// Characters of a description that say what a page is about.
const SUMMARY_CHARS: usize = 200;
/// Reviews that are told to programs.
const REVIEWS_TOLD: usize = 10;
/// Units from which on nobody needs to hurry.
const FEW: u64 = 5;

struct Kind {
    href: String,
    name: String,
    count: usize,
    here: bool,
}

#[derive(Template)]
#[template(path = "html/front_listings.html")]
struct ListingsScreen<'a> {
    front: &'a Front,
    canonical: String,
    summary: String,
    text: String,
    category: String,
    kinds: Vec<Kind>,
    listings: Vec<ListingView>,
    total: usize,
    earlier: Option<String>,
    later: Option<String>,
}

fn address(text: &str, category: &str, page: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (field, value) in [("q", text), ("category", category)] {
        if !value.is_empty() {
            query.append_pair(field, value);
        }
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    match query.finish() {
        query if query.is_empty() => "/".into(),
        query => format!("/?{query}"),
    }
}

/// The beginning of a text, on one line.
fn summary(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SUMMARY_CHARS) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

/// `GET /`
pub(super) async fn listings(front: Front, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Form::parse(query.unwrap_or_default().as_bytes())?;
    let (text, category) = (query.text("q").to_owned(), query.text("category").to_owned());
    let page = query.maybe("page").ok().flatten().unwrap_or(1_usize).max(1);
    let offset = (page - 1).saturating_mul(FRONT_LISTINGS);
    let shop = &front.shown.shop;
    let inventory = shop.inventory().await?;
    let for_sale = inventory.for_sale();
    let found = match text.is_empty() {
        true => {
            let of_kind = |row: &&Arc<Row>| category.is_empty() || row.category == category;
            let rows = || for_sale.rows.iter().filter(of_kind);
            let ids = rows().skip(offset).take(FRONT_LISTINGS).map(|row| row.id);
            Found {
                listings: shop.listings(ids.collect()).await?,
                total: rows().count(),
            }
        }
        false => {
            let wanted = Some(category.clone()).filter(|category| !category.is_empty());
            shop.search(text.clone(), wanted, offset, FRONT_LISTINGS).await?
        }
    };
    let mut kinds = vec![Kind {
        href: address(&text, "", 1),
        name: front.t("front-all"),
        count: 0,
        here: category.is_empty(),
    }];
    let categories = for_sale.categories.iter().take(FRONT_CATEGORIES_MAX);
    kinds.extend(categories.map(|(name, count)| Kind {
        href: address(&text, name, 1),
        // Of a path of words the last one says enough.
        name: name.rsplit(" > ").next().unwrap_or(name).to_owned(),
        count: *count,
        here: *name == category,
    }));
    let next = offset.saturating_add(FRONT_LISTINGS);
    // A search goes only so far; what lies behind is reached by asking for less.
    let has_later = next < found.total && (text.is_empty() || next <= OFFSET_MAX);
    front.show(&ListingsScreen {
        canonical: front.url(&address("", &category, page)),
        summary: summary(front.about.words.as_str()),
        kinds,
        earlier: (page > 1).then(|| address(&text, &category, page - 1)),
        later: has_later.then(|| address(&text, &category, page + 1)),
        listings: found.listings,
        total: found.total,
        text,
        category,
        front: &front,
    })
}

#[derive(Template)]
#[template(path = "html/front_listing.html")]
struct ListingScreen<'a> {
    front: &'a Front,
    canonical: String,
    summary: String,
    listing: &'a ListingView,
    reviews: Vec<ReviewView>,
    ships: bool,
    /// JSON-LD that cannot end its element.
    data: String,
}

impl ListingScreen<'_> {
    /// What is left of a variant, in words, and whether that is little.
    fn left(&self, variant: &VariantView) -> (String, &'static str) {
        match variant.available {
            _ if variant.price.is_none() => (self.front.t("no-price"), ""),
            None => (self.front.t("front-uncounted"), "good"),
            Some(0) => (self.front.t("front-sold-out"), "bad"),
            Some(units @ 1..=FEW) => (self.front.t1("front-left", "count", units), "warn"),
            Some(units) => (self.front.t1("front-left", "count", units), "good"),
        }
    }
}

/// `GET /{listing}`: by its handle or its id.
pub(super) async fn listing(front: Front, Path(name): Path<String>) -> Result<Response, Refusal> {
    let id = name
        .parse()
        .unwrap_or_else(|_| ListingId::of(&front.shop(), &name));
    let shop = &front.shown.shop;
    let listing = shop.listing(id).await?.ok_or(Refusal::Missing)?;
    let reviews = shop.reviews(id).await?;
    let canonical = front.url(&front.path(&listing.handle, &id));
    let data = data(&product(&front, &listing, &reviews, &canonical));
    front.show(&ListingScreen {
        front: &front,
        summary: summary(listing.description.as_str()),
        ships: listing.variants.iter().any(|variant| variant.requires_shipping),
        listing: &listing,
        reviews,
        data,
        canonical,
    })
}

/// A listing as schema.org has it.
fn product(front: &Front, listing: &ListingView, reviews: &[ReviewView], url: &str) -> Value {
    let offers = listing.variants.iter().filter_map(|variant| {
        let price = variant.price?;
        let available = match variant.is_sellable() {
            false => "https://schema.org/OutOfStock",
            true => "https://schema.org/InStock",
        };
        let mut offer = Map::new();
        offer.insert("@type".into(), "Offer".into());
        offer.insert("url".into(), url.into());
        offer.insert("price".into(), words::plain_amount(&price).into());
        offer.insert("priceCurrency".into(), price.currency.code().into());
        offer.insert("availability".into(), available.into());
        offer.insert(
            "seller".into(),
            json!({"@type": "Organization", "name": front.name()}),
        );
        if !variant.label.is_empty() {
            offer.insert("name".into(), variant.label.as_str().into());
        }
        if !variant.sku.is_empty() {
            offer.insert("sku".into(), variant.sku.as_str().into());
        }
        Some(Value::Object(offer))
    });
    let mut product = Map::new();
    product.insert("@context".into(), "https://schema.org".into());
    product.insert("@type".into(), "Product".into());
    product.insert("@id".into(), url.into());
    product.insert("name".into(), listing.title.as_str().into());
    product.insert("url".into(), url.into());
    product.insert("productID".into(), listing.listing.to_string().into());
    for (name, text) in [
        ("description", listing.description.as_str()),
        ("category", listing.category.as_str()),
    ] {
        if !text.is_empty() {
            product.insert(name.into(), text.into());
        }
    }
    if !listing.vendor.is_empty() {
        product.insert(
            "brand".into(),
            json!({"@type": "Brand", "name": listing.vendor.as_str()}),
        );
    }
    product.insert("offers".into(), offers.collect());
    if let Some(rating) = listing.rating {
        product.insert(
            "aggregateRating".into(),
            json!({"@type": "AggregateRating", "ratingValue": rating.mean, "reviewCount": rating.count, "bestRating": 5, "worstRating": 1}),
        );
        let told = reviews.iter().take(REVIEWS_TOLD).map(|review| {
            json!({
                "@type": "Review",
                "author": {"@type": "Person", "name": front.called(&review.name, &review.author)},
                "datePublished": words::rfc3339(review.time),
                "reviewBody": review.text.as_str(),
                "reviewRating": {"@type": "Rating", "ratingValue": review.rating, "bestRating": 5, "worstRating": 1},
            })
        });
        product.insert("review".into(), told.collect());
    }
    Value::Object(product)
}
