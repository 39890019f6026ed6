//! The owner's own shop: its terms, its listings as a grid that is edited in place, single listings, new
//! ones, and product files that are looked at before they are imported.
//!
//! | file | what it holds |
//! |---|---|
//! | `cells` | prices and stock as fields, and which of them changed |
//! | `plan` | what a product file would change |
//! | `terms` | the terms, which open a shop |
//! | `home` | the grid |
//! | `listing` | one listing |
//! | `create` | a new listing |
//! | `import` | product files |

mod cells;
mod create;
mod home;
mod import;
mod listing;
mod plan;
mod terms;

use super::super::app::App;
use super::super::limits::PRODUCT_FILE_BYTES_MAX;
use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::{Page, screen};
use axum::Router;
use axum::extract::DefaultBodyLimit;

/// Bytes of a form beside the file in it.
const AROUND_FILE_BYTES: usize = 64 * 1024;

pub(super) fn router() -> Router<App> {
    let import = screen(import::choose)
        .post(import::upload)
        .layer(DefaultBodyLimit::max(PRODUCT_FILE_BYTES_MAX + AROUND_FILE_BYTES));
    Router::new()
        .route("/shop", screen(home::home))
        .route("/shop/terms", screen(terms::terms))
        .route("/shop/new", screen(create::new))
        .route("/shop/import", import)
        .route("/shop/import/{id}", screen(import::pending))
        .route("/shop/{listing}", screen(listing::listing))
}

/// Forms of the shop.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "terms" => terms::set(page, form).await,
        "rows" => home::save(page, form).await,
        "listing" => listing::save(page, form).await,
        "remove" => listing::remove(page, form).await,
        "new" => create::create(page, form).await,
        "import" => import::begin(page, form).await,
        "forget" => import::forget(page, form),
        other => Err(unknown(other)),
    }
}
