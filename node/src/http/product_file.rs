//! Product files, in and out.
//!
//! A file is read whole before anything is written, so a bad one leaves the shop as it was. Then its
//! products go to the peer a few at a time, so that nothing else has to wait long, and whoever asked
//! hears how far it is. It goes on if they go away: what is imported twice is the same.

use super::app::{App, Nothing, Params, blocking, bytes};
use super::imports::Imported;
use super::limits::{IMPORT_PRODUCTS_MAX, PAGE_ITEMS_MAX, PRODUCT_FILE_BYTES_MAX};
use super::problem::Problem;
use crate::products::{self, ProductFile, ProductKind};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};
use souk_protocol::api::{Code, Command, ProductDraft, Refused, Reply, VariantDraft};
use souk_protocol::catalog::shard_of;
use souk_protocol::id::ListingId;
use souk_protocol::listing::{Kind, Listing, Variant};
use souk_protocol::market;
use souk_protocol::money::Currency;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Lines that wait for a slow reader.
const LINES_WAITING: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Publish what the file keeps unpublished, too.
    #[serde(default)]
    drafts: bool,
}

/// A line of the answer.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress { listings: usize, of: usize },
    Done(Imported),
}

/// `POST /api/v1/shop/import`
pub(super) async fn import(
    State(app): State<App>,
    Params(wish): Params<Wish>,
    body: Body,
) -> Result<Response, Problem> {
    let turn = turn(&app)?;
    let currency = currency(&app).await?;
    let file = bytes(body, PRODUCT_FILE_BYTES_MAX).await?;
    let file = blocking(move || read(&file, currency)).await??;
    let (lines, told) = mpsc::channel(LINES_WAITING);
    tokio::spawn(async move {
        let tell = |listings, of| {
            // Whoever reads slowly hears less often; the import waits for nobody.
            lines.try_send(line(&Line::Progress { listings, of })).ok();
        };
        let last = match write(&app, &file, wish.drafts, tell).await {
            Ok(imported) => line(&Line::Done(imported)),
            Err(problem) => [problem.to_json(), b"\n".to_vec()].concat().into(),
        };
        // Whoever asked may have gone.
        lines.send(last).await.ok();
        drop(turn);
    });
    let told = stream::unfold(told, |mut told: mpsc::Receiver<Bytes>| async move {
        let line: Bytes = told.recv().await?;
        Some((Ok::<_, Infallible>(line), told))
    });
    Ok((
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(told),
    )
        .into_response())
}

/// The right to import, which one at a time has.
pub(super) fn turn(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let turn = Arc::clone(&app.imports).try_acquire_owned();
    turn.map_err(|_| Problem::TooMany {
        message: "an import is under way already".into(),
        next: "Wait until it is done.",
    })
}

/// The currency of the owner's shop.
pub(super) async fn currency(app: &App) -> Result<Currency, Problem> {
    let me = app.node.author();
    let terms = app.read(move |records| market::terms(records, &me)).await?;
    terms
        .map(|terms| terms.currency)
        .ok_or_else(|| Problem::NotAllowed {
            message: "the shop has no terms yet, so its currency is unknown".into(),
            next: "Set them with 'souk shop terms --currency EUR'.",
        })
}

/// Reads a file whole, or says where and how to mend it.
pub(super) fn read(file: &[u8], currency: Currency) -> Result<ProductFile, Problem> {
    products::read_shopify(file, currency.exponent(), &mut |_| {}).map_err(|error| {
        let next = "Mend the file where it says so and import it again; nothing was written.";
        Problem::Refused(Refused::new(Code::Invalid, error.to_string(), next))
    })
}

fn line(line: &Line) -> Bytes {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes.into()
}

/// Writes all products of a file, some at a time, and tells how many of how many are written.
pub(super) async fn write(
    app: &App,
    file: &ProductFile,
    drafts: bool,
    tell: impl Fn(usize, usize),
) -> Result<Imported, Problem> {
    let of = file.products.len();
    let mut imported = Imported {
        listings_in_file: of,
        variants_in_file: file.variant_count(),
        warnings: file.warnings.iter().map(ToString::to_string).collect(),
        ..Imported::default()
    };
    let mut listings = 0;
    // Listings of one document of the shop go together, so that each document is written few times.
    let me = app.node.author();
    let mut sorted: Vec<&products::Product> = file.products.iter().collect();
    sorted.sort_by_cached_key(|product| shard_of(&ListingId::of(&me, &product.handle)));
    for products in sorted.chunks(IMPORT_PRODUCTS_MAX) {
        let ids: Vec<ListingId> = products
            .iter()
            .map(|product| ListingId::of(&me, &product.handle))
            .collect();
        let products = products.iter().map(|product| draft(product, drafts)).collect();
        match app.node.command(Command::ImportListings { products }).await? {
            Reply::Imported { new, changed, same } => {
                imported.new += new;
                imported.changed += changed;
                imported.same += same;
            }
            other => return Err(Problem::Fault(format!("an import was answered with {other:?}"))),
        }
        // The page shows them at once, however many there will be.
        let (shelf, node) = (app.shelf.clone(), app.node.clone());
        blocking(move || shelf.renew(&node, &ids)).await??;
        listings = (listings + IMPORT_PRODUCTS_MAX).min(of);
        tell(listings, of);
    }
    Ok(imported)
}

/// A product of a file as a command has it.
pub(super) fn draft(product: &products::Product, drafts: bool) -> ProductDraft {
    let kind = match product.kind {
        ProductKind::Physical => Kind::Physical,
        ProductKind::Digital => Kind::Digital,
        ProductKind::Service => Kind::Service,
    };
    let images = product
        .images
        .iter()
        .map(|image| (image.source_url.clone(), image.alt.clone()));
    ProductDraft {
        handle: product.handle.clone(),
        title: product.title.clone(),
        description: product.description.clone(),
        vendor: product.vendor.clone(),
        category: product.category.clone(),
        kind: kind.as_str().to_owned(),
        tags: product.tags.clone(),
        published: product.published || drafts,
        options: product.options.clone(),
        images: images.collect(),
        variants: product.variants.iter().map(variant_draft).collect(),
    }
}

fn variant_draft(variant: &products::Variant) -> VariantDraft {
    VariantDraft {
        options: variant.options.clone(),
        sku: variant.sku.clone(),
        barcode: variant.barcode.clone(),
        price_minor: variant.price_minor,
        compare_at_minor: variant.compare_at_minor,
        weight_grams: variant.weight_grams,
        requires_shipping: variant.requires_shipping,
        tracked: variant.tracked,
        quantity: variant.quantity,
        oversell: variant.oversell,
        image: variant.image.clone(),
    }
}

/// `GET /api/v1/shop/export`
pub(super) async fn export(
    State(app): State<App>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Response, Problem> {
    let (me, currency) = (app.node.author(), currency(&app).await?);
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = app.read(move |records| {
            let ids = market::listing_ids(records, &me, after, PAGE_ITEMS_MAX)?;
            let mut products = Vec::with_capacity(ids.len());
            for id in &ids {
                let stock = market::stock(records, &me, id)?;
                let listing = market::listing(records, &me, id)?.filter(|listing| !listing.removed);
                products.extend(listing.map(|listing| product(&listing, |id| stock.available(id))));
            }
            Ok((ids, products))
        });
        let (ids, products) = page.await?;
        listed.extend(products);
        after = ids.last().copied();
        if ids.len() < PAGE_ITEMS_MAX {
            break;
        }
    }
    let file = blocking(move || {
        let mut file = Vec::new();
        products::write_shopify(&listed, currency.exponent(), &mut file).map(|()| file)
    });
    let file = file.await?.map_err(|error| Problem::NotAllowed {
        message: error.to_string(),
        next: "Mend that listing with 'souk shop edit' and try again.",
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"products.csv\"",
        ),
    ];
    Ok((headers, file).into_response())
}

/// A listing as a file has it.
pub(super) fn product(
    listing: &Listing,
    available: impl Fn(&souk_protocol::id::VariantId) -> u64,
) -> products::Product {
    let product = &listing.product;
    let images = product.media.iter().filter(|media| !media.source.is_empty());
    let images = images.map(|media| products::Image {
        source_url: media.source.as_str().to_owned(),
        alt: media.alt.as_str().to_owned(),
    });
    let category = product.category.as_str();
    let variants = listing.variants.iter().filter_map(|variant| {
        let image = variant
            .media
            .and_then(|key| product.media.iter().find(|media| media.key == key));
        let image = image
            .map(|media| media.source.as_str().to_owned())
            .filter(|source| !source.is_empty());
        exported(variant, image, available(&variant.id))
    });
    products::Product {
        handle: product.handle.as_str().to_owned(),
        title: product.title.as_str().to_owned(),
        description: product.description.as_str().to_owned(),
        vendor: product.vendor.as_str().to_owned(),
        category: (!category.is_empty()).then(|| category.to_owned()),
        product_type: None,
        kind: match product.kind {
            Kind::Physical => ProductKind::Physical,
            Kind::Digital => ProductKind::Digital,
            Kind::Service => ProductKind::Service,
        },
        tags: product.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        published: product.published,
        options: product
            .options
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect(),
        images: images.collect(),
        variants: variants.collect(),
    }
}

/// A variant as a file has it; one without a price is no product that a file could name.
fn exported(variant: &Variant, image: Option<String>, available: u64) -> Option<products::Variant> {
    Some(products::Variant {
        options: variant
            .options
            .iter()
            .map(|value| value.as_str().to_owned())
            .collect(),
        sku: variant.sku.as_str().to_owned(),
        barcode: variant.barcode.as_str().to_owned(),
        price_minor: variant.price?.minor,
        compare_at_minor: variant.compare_at.map(|amount| amount.minor),
        weight_grams: (variant.weight_grams > 0).then_some(u64::from(variant.weight_grams)),
        requires_shipping: variant.requires_shipping,
        tracked: variant.tracked,
        quantity: variant
            .tracked
            .then(|| i64::try_from(available).unwrap_or(i64::MAX)),
        oversell: variant.oversell,
        image,
    })
}
