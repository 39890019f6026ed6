//! The node itself: what it is and whom it is connected to, dialling, links to its page, health, stop.

use super::app::{App, Nothing, Params, Wanted, blocking};
use super::phones::PhonesView;
use super::problem::Problem;
use crate::home::{HomeError, bytes_below};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use souk_protocol::api::Past;
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::market;
use souk_protocol::money::Currency;
use souk_protocol::peer::own_past;
use souk_protocol::records::{Fault, Records};
use souk_protocol::text::Name;
use souk_protocol::view::{self, DevicesView};

/// The owner's own shop in two numbers.
#[derive(Serialize)]
pub(super) struct OwnShopView {
    currency: Currency,
    /// How many listings are for sale.
    listings: usize,
}

/// What a node says of itself.
#[derive(Serialize)]
pub(super) struct StatusView {
    pub(super) version: &'static str,
    pub(super) author: AuthorId,
    pub(super) device: DeviceId,
    pub(super) name: Option<Name>,
    pub(super) home: String,
    pub(super) api: String,
    pub(super) listen: Vec<String>,
    pub(super) peers: Vec<PeerView>,
    pub(super) follows: usize,
    pub(super) store_bytes: u64,
    pub(super) shop: Option<OwnShopView>,
    /// What the device knows of its own past, if it was restored or copied.
    pub(super) past: Option<Past>,
    /// Whether the page is served to paired phones.
    pub(super) phones: PhonesView,
}

/// A device that is connected.
#[derive(Serialize)]
pub(super) struct PeerView {
    pub(super) device: DeviceId,
    pub(super) author: Option<AuthorId>,
    pub(super) name: Option<Name>,
    pub(super) address: String,
    pub(super) transport: String,
    pub(super) rtt_ms: Option<u64>,
}

/// `GET /api/v1/status`
pub(super) async fn status(
    State(app): State<App>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<StatusView>, Problem> {
    app.status().await.map(Json)
}

impl App {
    pub(super) async fn status(&self) -> Result<StatusView, Problem> {
        let status = self.node.status().await;
        let dir = self.dir.clone();
        let store_bytes = blocking(move || bytes_below(&dir)).await?;
        let me = self.node.author();
        let peers: Vec<PeerView> = status
            .peers
            .into_iter()
            .map(|peer| PeerView {
                device: peer.device,
                author: peer.author,
                name: None,
                address: peer.address,
                transport: peer.transport,
                rtt_ms: peer.rtt_ms,
            })
            .collect();
        let device = self.node.device();
        let (name, follows, shop, peers, past) = self
            .read(move |records| {
                let follows = view::follows_count(records)?;
                Ok((
                    feed::name(records, &me)?,
                    follows,
                    market::terms(records, &me)?,
                    named(records, peers)?,
                    own_past(records, &device)?,
                ))
            })
            .await?;
        let shop = match shop {
            Some(terms) => Some(OwnShopView {
                currency: terms.currency,
                listings: self.for_sale(me).await?,
            }),
            None => None,
        };
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION"),
            author: me,
            device: self.node.device(),
            name,
            home: self.dir.display().to_string(),
            api: self.url.clone(),
            listen: status.listen,
            peers,
            follows,
            store_bytes,
            shop,
            past,
            phones: self.phones.view(),
        })
    }

    /// A one-time link to the node's page.
    pub(super) fn login_link(&self) -> Result<String, HomeError> {
        Ok(format!("{}/login?once={}", self.url, self.door.code()?))
    }
}

fn named(records: &dyn Records, mut peers: Vec<PeerView>) -> Result<Vec<PeerView>, Fault> {
    for peer in &mut peers {
        if let Some(author) = &peer.author {
            peer.name = feed::name(records, author)?;
        }
    }
    Ok(peers)
}

/// `GET /api/v1/devices`
pub(super) async fn devices(
    State(app): State<App>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<DevicesView>, Problem> {
    Ok(Json(app.node.devices().await?))
}

/// Whom to dial.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dial {
    address: String,
}

/// Who answered.
#[derive(Serialize)]
pub(super) struct Dialled {
    device: DeviceId,
    author: Option<AuthorId>,
}

/// `POST /api/v1/peers`
pub(super) async fn dial(
    State(app): State<App>,
    Wanted(dial): Wanted<Dial>,
) -> Result<Json<Dialled>, Problem> {
    let dialled = app.node.dial(&dial.address).await;
    let (device, author) = dialled.map_err(|error| Problem::Unreachable(error.to_string()))?;
    Ok(Json(Dialled { device, author }))
}

/// A one-time link.
#[derive(Serialize)]
pub(super) struct Link {
    url: String,
}

/// `POST /api/v1/login-links`
pub(super) async fn login_link(State(app): State<App>) -> Result<Json<Link>, Problem> {
    let url = app
        .login_link()
        .map_err(|error| Problem::Fault(error.to_string()))?;
    Ok(Json(Link { url }))
}

/// `POST /api/v1/stop`
pub(super) async fn stop(State(app): State<App>) -> (StatusCode, Json<Stopping>) {
    app.node.stop();
    (StatusCode::ACCEPTED, Json(Stopping { stopping: true }))
}

/// That the node is on its way out.
#[derive(Serialize)]
pub(super) struct Stopping {
    stopping: bool,
}

/// `GET /healthz`: whether the records can be read.
pub(super) async fn health(State(app): State<App>) -> Result<&'static str, Problem> {
    app.read(view::newest_event).await?;
    Ok("ok\n")
}
