//! Queries about orders and tabs, and waiting for an order to move.

use super::app::{App, Nothing, Paging, Params, Place, parse};
use super::limits::WAIT_MS_MAX;
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use souk_protocol::id::{OrderId, TabId};
use souk_protocol::order;
use souk_protocol::view::{self, OrderView, Page, TabView};
use std::time::Duration;
use tokio::time::Instant;

/// For which state of an order to wait, and for how long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    wait: Option<String>,
    timeout_ms: Option<u64>,
}

/// `GET /api/v1/orders`
pub(super) async fn orders(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let (me, after, limit) = (app.node.author(), paging.after()?, paging.limit()?);
    let now = app.node.now();
    Ok(Json(
        app.read(move |records| view::orders(records, &me, now, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/orders/{order}`
pub(super) async fn order(
    State(app): State<App>,
    Place(order): Place<String>,
    Params(wait): Params<Wait>,
) -> Result<Json<OrderView>, Problem> {
    let (id, until) = (parse(&order)?, wait.until()?);
    let states = wait.states()?;
    let (mut moved, mut stopping) = (app.node.events(), app.stopping.clone());
    loop {
        // Before the order is read, so that what comes between is seen as a change.
        moved.borrow_and_update();
        let order = read(&app, id).await?;
        if states.is_empty() || states.contains(&order.state) {
            return Ok(Json(order));
        }
        tokio::select! {
            moved = moved.changed() => if moved.is_err() { return Err(Problem::Stopping) },
            () = tokio::time::sleep_until(until) => return Ok(Json(order)),
            _ = stopping.wait_for(|stop| *stop) => return Err(Problem::Stopping),
        }
    }
}

async fn read(app: &App, id: OrderId) -> Result<OrderView, Problem> {
    let (me, now) = (app.node.author(), app.node.now());
    let order = app
        .read(move |records| view::order(records, &me, now, &id))
        .await?;
    order.ok_or_else(|| Problem::NotFound {
        message: format!("no order {id} is held here"),
        next: "See 'souk orders list' for those that are.",
    })
}

impl Wait {
    fn until(&self) -> Result<Instant, Problem> {
        match self.timeout_ms.unwrap_or(WAIT_MS_MAX) {
            ms @ 0..=WAIT_MS_MAX => Ok(Instant::now() + Duration::from_millis(ms)),
            ms => Err(Problem::Form(format!(
                "expected a timeout of at most {WAIT_MS_MAX} ms, got {ms}"
            ))),
        }
    }

    fn states(&self) -> Result<Vec<order::State>, Problem> {
        let names = self
            .wait
            .iter()
            .flat_map(|names| names.split(','))
            .filter(|name| !name.is_empty());
        let states = names.map(|name| {
            let state = order::State::ALL.into_iter().find(|state| state.name() == name);
            state.ok_or_else(|| Problem::Form(format!("'{name}' is no state of an order")))
        });
        states.collect()
    }
}

/// `GET /api/v1/tabs`
pub(super) async fn tabs(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<TabView>>, Problem> {
    let (me, after, limit) = (app.node.author(), paging.after()?, paging.limit()?);
    Ok(Json(
        app.read(move |records| view::tabs(records, &me, after, limit))
            .await?,
    ))
}

/// `GET /api/v1/tabs/{tab}`
pub(super) async fn tab(
    State(app): State<App>,
    Place(tab): Place<String>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<TabView>, Problem> {
    let (me, id): (_, TabId) = (app.node.author(), parse(&tab)?);
    let tab = app.read(move |records| view::tab(records, &me, &id)).await?;
    tab.map(Json).ok_or_else(|| Problem::NotFound {
        message: format!("no tab {id} is held here"),
        next: "See 'souk tab show' for those that are.",
    })
}
