//! shop

use super::super::app::App;
use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use super::page::screen;
use axum::Router;
use axum::response::Response;

pub(super) fn router() -> Router<App> {
    Router::new().route("/shop", screen(home))
}

pub(super) async fn home(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn act(_: &Page, name: &str, _: &Form) -> Result<Done, Problem> {
    Err(unknown(name))
}
