//! market

use super::super::problem::Problem;
use super::act::{Done, unknown};
use super::form::Form;
use super::page::Page;
use axum::response::Response;

pub(super) async fn explore(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn shop(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn listing(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn bag(page: Page) -> Result<Response, Problem> {
    Err(Problem::NoPath(page.path.clone()))
}

pub(super) async fn act(_: &Page, name: &str, _: &Form) -> Result<Done, Problem> {
    Err(unknown(name))
}
