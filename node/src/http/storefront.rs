//! The storefront's listener: the owner's shop for ordinary browsers, apart from the API and its door.

use super::limits::{FRONT_CONNECTION_MS_MAX, FRONT_CONNECTIONS_MAX, FRONT_LAST_MS_MAX};
use super::pages::front::{self, Guest, Guests, PublicShop, Shown};
use super::server::{self, Api, ServeError};
use axum::{Extension, Router};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LIFE: Duration = Duration::from_millis(FRONT_CONNECTION_MS_MAX);
const LAST: Duration = Duration::from_millis(FRONT_LAST_MS_MAX);

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
        let ip = from.ip().to_canonical();
        // A proxy on this machine brings many people over its own connections.
        let visit = match ip.is_loopback() {
            true => Some(None),
            false => guests.come(ip).map(Some),
        };
        let router = router.clone().layer(Extension(Guest(ip)));
        async move {
            if let Some(_visit) = visit {
                connection(stream, router, stopping, LIFE, LAST).await;
            }
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

/// Serves one connection for its time. An answer that is under way then is still given, unless it takes too
/// long: the place is wanted.
async fn connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    life: Duration,
    last: Duration,
) {
    let end = async {
        // Whether it is to stop or its time is up, it ends the same way.
        let stopped = stopping.wait_for(|stop| *stop);
        tokio::time::timeout(life, stopped)
            .await
            .map(drop)
            .unwrap_or_default();
    };
    let served = server::connection(stream, router, end);
    tokio::time::timeout(life.saturating_add(last), served).await.ok();
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// What comes back over a connection with this life, of a page that takes 300 ms.
    async fn answered(life: u64, last: u64) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut asks = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "whole"
        };
        let router = Router::new().route("/", get(slow));
        let (_stop, stopping) = watch::channel(false);
        let (life, last) = (Duration::from_millis(life), Duration::from_millis(last));
        let served = tokio::spawn(connection(stream, router, stopping, life, last));
        asks.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        // Closed by the other side: it does not wait for another request.
        asks.read_to_string(&mut answer).await.unwrap();
        served.await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_connection_whose_time_is_up_still_gives_its_answer() {
        let answer = answered(50, 20_000).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("whole"),
            "{answer}"
        );
        assert_eq!(answered(50, 50).await, "");
    }
}
