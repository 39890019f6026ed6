//! Shops: their terms, their listings joined over all parts and devices with what is left of each, and
//! what buyers said of them.

use super::{Page, people};
use crate::body::Body;
use crate::envelope::Signed;
use crate::feed;
use crate::id::{AuthorId, EnvelopeId, ListingId, OrderId, PurchaseId, VariantId};
use crate::listing::{Kind as Goods, Listing, Media, Variant};
use crate::market;
use crate::money::{Amount, Currency};
use crate::records::{Fault, Records};
use crate::shop::{Deadlines, Place, ShippingProfile, Zone};
use crate::stock::Stock;
use crate::text::{Name, Prose, Tag};
use serde::Serialize;
use std::collections::BTreeSet;

/// Listings that are looked at for one page, shown or not.
const LISTINGS_READ_MAX: usize = 1_000;
/// Reviews of one listing that are read.
const REVIEWS_READ_MAX: usize = 1_000;

/// A shop's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShopView {
    /// Whose shop.
    pub author: AuthorId,
    /// How its owner wants to be called.
    pub name: Option<Name>,
    /// Currency of all prices.
    pub currency: Currency,
    /// What delivery costs.
    pub shipping: Vec<ShippingView>,
    /// Days in which things may be sent back.
    pub returns_days: u16,
    /// How, in words.
    pub returns: Prose,
    /// Everything else, in words.
    pub terms: Prose,
    /// How long the steps of an order may take.
    pub deadlines: Deadlines,
}

/// A way of sending things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShippingView {
    /// What it is called.
    pub name: Name,
    /// Where to, and for how much.
    pub zones: Vec<ZoneView>,
}

/// What it costs to send something to some countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoneView {
    /// ISO 3166 codes; `*` for all that no other zone names.
    pub places: Vec<Place>,
    /// For the parcel.
    pub base: Amount,
    /// For each kilogram.
    pub per_kg: Amount,
    /// From this subtotal on nothing.
    pub free_from: Option<Amount>,
}

/// A listing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListingView {
    /// Whose shop.
    pub shop: AuthorId,
    /// The listing.
    pub listing: ListingId,
    /// What names it within the shop.
    pub handle: Name,
    /// Its title.
    pub title: Name,
    /// Plain text.
    pub description: Prose,
    /// Who made it.
    pub vendor: Name,
    /// What it is: a path of words.
    pub category: Name,
    /// `physical`, `digital` or `service`.
    pub kind: Goods,
    /// Words to find it by.
    pub tags: BTreeSet<Tag>,
    /// Names of its options.
    pub options: Vec<Name>,
    /// Pictures elsewhere.
    pub images: Vec<ImageView>,
    /// Whether the world sees it.
    pub published: bool,
    /// When it was last signed, in milliseconds since 1970, as the shop says.
    pub updated: u64,
    /// Whether it has a price, and nothing of it can be bought now.
    pub sold_out: bool,
    /// What can be chosen.
    pub variants: Vec<VariantView>,
    /// What buyers gave it.
    pub rating: Option<RatingView>,
}

/// A picture elsewhere. Nobody fetches it unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageView {
    /// Where.
    pub url: String,
    /// What it shows.
    pub alt: String,
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantView {
    /// The variant.
    pub variant: VariantId,
    /// Its option values in one line; empty if it has none.
    pub label: String,
    /// One value for each option.
    pub options: Vec<Name>,
    /// The shop's own number.
    pub sku: Name,
    /// What it costs; without a price it is not sold.
    pub price: Option<Amount>,
    /// What it cost before.
    pub compare_at: Option<Amount>,
    /// Weight.
    pub weight_grams: u32,
    /// Whether it is shipped.
    pub requires_shipping: bool,
    /// Units that the shop may sell, as far as known here; none where it sells any number, because they are
    /// not counted or because it takes orders beyond what it has.
    pub available: Option<u64>,
    /// Units that the shop has by its own count, whatever it sells; none where they are not counted.
    pub counted: Option<u64>,
}

impl VariantView {
    /// Whether it can be bought now.
    pub fn is_sellable(&self) -> bool {
        self.price.is_some() && self.available != Some(0)
    }
}

/// What buyers gave a listing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatingView {
    /// How many purchases were rated.
    pub count: usize,
    /// The mean, one to five.
    pub mean: f64,
}

/// What a buyer said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewView {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who bought it.
    pub author: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
    /// One to five.
    pub rating: u8,
    /// A few words.
    pub text: Prose,
    /// When, in milliseconds since 1970, as the author says.
    pub time: u64,
    /// Whether the owner follows them.
    pub you_follow: bool,
    /// Always true: a review without the merchant's receipt is not let in.
    pub bought: bool,
}

/// A shop, if its terms are held.
pub fn shop(records: &dyn Records, author: &AuthorId) -> Result<Option<ShopView>, Fault> {
    let Some(terms) = market::terms(records, author)? else {
        return Ok(None);
    };
    let shipping = terms
        .shipping
        .iter()
        .map(|profile| shipping(profile, terms.currency));
    Ok(Some(ShopView {
        author: *author,
        name: feed::name(records, author)?,
        currency: terms.currency,
        shipping: shipping.collect(),
        returns_days: terms.policies.returns_days,
        returns: terms.policies.returns.clone(),
        terms: terms.policies.terms.clone(),
        deadlines: terms.deadlines,
    }))
}

fn shipping(profile: &ShippingProfile, currency: Currency) -> ShippingView {
    let amount = |minor| Amount { minor, currency };
    let zone = |zone: &Zone| ZoneView {
        places: zone.places.to_vec(),
        base: amount(zone.base_minor),
        per_kg: amount(zone.per_kg_minor),
        free_from: zone.free_from_minor.map(amount),
    };
    ShippingView {
        name: profile.name.clone(),
        zones: profile.zones.iter().map(zone).collect(),
    }
}

/// A page of a shop's listings, by id. Strangers see what is published, the owner all that is not removed.
pub fn listings(
    records: &dyn Records,
    me: &AuthorId,
    shop: &AuthorId,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<ListingView>, Fault> {
    let mut last = after.and_then(|key| ListingId::from_slice(&key).ok());
    let (mut items, mut looked_at) = (Vec::new(), 0);
    while items.len() < limit && looked_at < LISTINGS_READ_MAX {
        let wanted = limit - items.len();
        let ids = market::listing_ids(records, shop, last, wanted)?;
        for id in &ids {
            items.extend(listing(records, me, shop, id)?);
        }
        looked_at += ids.len();
        last = ids.last().copied().or(last);
        if ids.len() < wanted {
            return Ok(Page::whole(items));
        }
    }
    Ok(Page::new(items, last.map(|id| id.as_bytes().to_vec())))
}

/// A listing, if it is held and the owner may see it.
pub fn listing(
    records: &dyn Records,
    me: &AuthorId,
    shop: &AuthorId,
    id: &ListingId,
) -> Result<Option<ListingView>, Fault> {
    let Some(mut listing) = unrated(records, me, shop, id)? else {
        return Ok(None);
    };
    listing.rating = rating(records, shop, id)?;
    Ok(Some(listing))
}

/// The same without what buyers gave it, which takes reading every review.
pub fn unrated(
    records: &dyn Records,
    me: &AuthorId,
    shop: &AuthorId,
    id: &ListingId,
) -> Result<Option<ListingView>, Fault> {
    let shown = |listing: &Listing| !listing.removed && (listing.product.published || shop == me);
    let dated = market::dated(records, shop, id)?.filter(|(listing, _)| shown(listing));
    let Some((listing, updated)) = dated else {
        return Ok(None);
    };
    let stock = market::stock(records, shop, id)?;
    let sold_out = market::is_sold_out(&listing, &stock);
    let Listing {
        product, variants, ..
    } = listing;
    Ok(Some(ListingView {
        shop: *shop,
        listing: *id,
        handle: product.handle,
        title: product.title,
        description: product.description,
        vendor: product.vendor,
        category: product.category,
        kind: product.kind,
        tags: product.tags,
        options: product.options.into_vec(),
        images: product.media.iter().filter_map(image).collect(),
        published: product.published,
        updated: updated.0,
        sold_out,
        variants: variants.into_iter().map(|one| variant(one, &stock)).collect(),
        rating: None,
    }))
}

fn image(media: &Media) -> Option<ImageView> {
    let url = media.source.as_str().to_owned();
    (!url.is_empty()).then(|| ImageView {
        url,
        alt: media.alt.as_str().to_owned(),
    })
}

fn variant(variant: Variant, stock: &Stock) -> VariantView {
    let values: Vec<&str> = variant.options.iter().map(Name::as_str).collect();
    VariantView {
        variant: variant.id,
        label: values.join(" / "),
        available: market::left(&variant, stock),
        counted: variant.tracked.then(|| stock.available(&variant.id)),
        options: variant.options.to_vec(),
        sku: variant.sku,
        price: variant.price,
        compare_at: variant.compare_at,
        weight_grams: variant.weight_grams,
        requires_shipping: variant.requires_shipping,
    }
}

/// What buyers said of a listing: of each purchase the newest word, people first whom the owner follows,
/// then the newest.
pub fn reviews(
    records: &dyn Records,
    shop: &AuthorId,
    id: &ListingId,
    limit: usize,
) -> Result<Page<ReviewView>, Fault> {
    let mut views = reviews_of(
        records,
        one_for_each_purchase(records, shop, id, REVIEWS_READ_MAX)?,
    )?;
    views.sort_by_key(|view| !view.you_follow);
    views.truncate(limit);
    for view in &mut views {
        view.name = feed::name(records, &view.author)?;
    }
    Ok(Page::whole(views))
}

/// What buyers said of a listing last, the newest first whoever follows them: no more is read than that.
pub fn newest_reviews(
    records: &dyn Records,
    shop: &AuthorId,
    id: &ListingId,
    limit: usize,
) -> Result<Vec<ReviewView>, Fault> {
    let mut views = reviews_of(records, one_for_each_purchase(records, shop, id, limit)?)?;
    for view in &mut views {
        view.name = feed::name(records, &view.author)?;
    }
    Ok(views)
}

/// A review's envelope, its stars, its words.
type Said = (Signed, u8, Prose);

/// Reviews without the names of who wrote them.
fn reviews_of(records: &dyn Records, said: Vec<Said>) -> Result<Vec<ReviewView>, Fault> {
    let mut views = Vec::with_capacity(said.len());
    for (envelope, rating, text) in said {
        let (id, author, time) = (envelope.id(), envelope.author(), envelope.time().wall_ms);
        let you_follow = people::reads(records, &author)?;
        views.push(ReviewView {
            id,
            author,
            name: None,
            rating,
            text,
            time,
            you_follow,
            bought: true,
        });
    }
    Ok(views)
}

/// Whether somebody reviewed what they bought of a listing in an order.
pub fn is_reviewed(
    records: &dyn Records,
    by: &AuthorId,
    shop: &AuthorId,
    listing: &ListingId,
    order: &OrderId,
) -> Result<bool, Fault> {
    let purchase = PurchaseId::of(order, listing);
    let is_it = |envelope: &Signed| match envelope.body() {
        Body::Review(review) => review.purchase() == purchase && envelope.author() == *by,
        _ => false,
    };
    Ok(records
        .reviews(shop, listing, REVIEWS_READ_MAX)?
        .iter()
        .any(is_it))
}

/// What buyers gave a listing: reads all of their reviews, as many as are read of one listing.
pub fn rating(records: &dyn Records, shop: &AuthorId, id: &ListingId) -> Result<Option<RatingView>, Fault> {
    let mut ratings = Vec::new();
    for (envelope, rating, text) in one_for_each_purchase(records, shop, id, REVIEWS_READ_MAX)? {
        // Who says two things under one number may say anything: shown, and not counted.
        if !records.has_equivocated(&envelope.author())? {
            ratings.push((envelope, rating, text));
        }
    }
    let sum: u32 = ratings.iter().map(|(_, rating, _)| u32::from(*rating)).sum();
    let count = u32::try_from(ratings.len()).unwrap_or(u32::MAX);
    let mean = (f64::from(sum) / f64::from(count) * 100.0).round() / 100.0;
    Ok((count > 0).then_some(RatingView {
        count: ratings.len(),
        mean,
    }))
}

/// Reviews of a listing, newest first, one for each receipt.
fn one_for_each_purchase(
    records: &dyn Records,
    shop: &AuthorId,
    id: &ListingId,
    most: usize,
) -> Result<Vec<Said>, Fault> {
    let (mut purchases, mut reviews) = (BTreeSet::new(), Vec::new());
    for envelope in records.reviews(shop, id, most)? {
        let Body::Review(review) = envelope.body() else {
            continue;
        };
        if purchases.insert((review.receipt.buyer, review.purchase())) {
            let (rating, text) = (u8::from(review.rating), review.text.clone());
            reviews.push((envelope, rating, text));
        }
    }
    Ok(reviews)
}
