//! node

use super::super::app::App;
use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use super::page::screen;
use axum::Router;
use axum::response::Response;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/network", screen(network))
        .route("/settings", screen(settings))
        .route("/welcome", screen(welcome))
        .route("/notices", screen(notices))
        .route("/more", screen(more))
}

pub(super) async fn network(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn settings(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn welcome(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn notices(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn more(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn act(_: &Page, name: &str, _: &Form) -> Result<Done, Problem> {
    Err(unknown(name))
}
