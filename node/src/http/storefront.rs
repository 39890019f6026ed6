//! The storefront's listener: the owner's shop for ordinary browsers, apart from the API and its door.

use super::limits::{FRONT_CONNECTION_MS_MAX, FRONT_CONNECTIONS_MAX};
use super::pages::front::{self, Guest, Guests, PublicShop, Shown};
use super::server::{self, Api, ServeError};
use axum::Extension;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The storefront while it is served. Dropping it ends it at once.
pub struct Storefront {
    address: SocketAddr,
    url: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Serves the shop of a node at an address. `url` is how the world reaches it, if not by that address.
pub async fn serve_storefront(
    api: &Api,
    address: SocketAddr,
    url: Option<&str>,
) -> Result<Storefront, ServeError> {
    let listen = |source| ServeError::Storefront { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let url = match url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    };
    let guests = Arc::<Guests>::default();
    let router = front::router(Shown {
        shop: PublicShop::new(api.node().clone(), api.shelf()),
        base: url.as_str().into(),
        guests: guests.clone(),
    });
    let (stop, stopping) = watch::channel(false);
    let serve = move |stream: TcpStream, from: SocketAddr, stopping: watch::Receiver<bool>| {
        let visit = guests.come(from.ip());
        let router = router.clone().layer(Extension(Guest(from.ip())));
        async move {
            let Some(_visit) = visit else {
                return;
            };
            let life = Duration::from_millis(FRONT_CONNECTION_MS_MAX);
            let served = server::connection(stream, router, stopping);
            // One that takes longer is cut off: its place is wanted.
            tokio::time::timeout(life, served).await.ok();
        }
    };
    let task = tokio::spawn(server::accept(listener, FRONT_CONNECTIONS_MAX, serve, stopping));
    Ok(Storefront {
        address,
        url,
        stop,
        task,
    })
}

impl Storefront {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// How the world reaches it.
    pub fn url(&self) -> &str {
        &self.url
    }
    /// Takes no more requests, lets open ones end for a short while, and closes.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the storefront did not end well");
        }
    }
}

impl Drop for Storefront {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.task.abort();
    }
}
