//! The listener and its connections.

use super::app::App;
use super::door::Door;
use super::inventory::Shelf;
use super::limits::{CONNECTIONS_MAX, HEAD_MS_MAX, HEADERS_MAX, STOP_MS_MAX};
use super::phones::Phones;
use super::{Node, route};
use crate::home::{Home, HomeError, Owner};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use zeroize::Zeroizing;

/// How long the listener rests after it could not take a connection, in milliseconds.
const REST_MS: u64 = 50;

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens on the port.
    #[error("port {port} on 127.0.0.1 is taken by another program")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The port cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The storefront cannot be listened on.
    #[error("cannot serve the storefront at {address}: {source}")]
    Storefront {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The token or the port could not be read or kept.
    #[error(transparent)]
    Home(#[from] HomeError),
}

impl ServeError {
    /// What to do next, one sentence.
    pub fn next(&self) -> String {
        match self {
            Self::PortTaken { .. } => {
                "Stop that program, or start with --api-port and another number; 0 picks a free one.".into()
            }
            Self::Listen { .. } => "Start with --api-port 0 to have a free port picked.".into(),
            Self::Storefront { .. } => {
                "Stop what listens there, or choose another address with --storefront, such as 127.0.0.1:8080."
                    .into()
            }
            Self::Home(error) => error.next(),
        }
    }
}

/// The API while it is served. Dropping it ends the API at once; [`Api::stop`] lets open requests end.
pub struct Api {
    app: App,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Serves a node's API on 127.0.0.1: on this port, else on the one of last time, else on a free one. The
/// port is kept for the next time.
pub async fn serve(node: Node, home: &Home, port: Option<u16>) -> Result<Api, ServeError> {
    let wanted = match port {
        Some(port) => port,
        None => home.port()?.unwrap_or(0),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortTaken { port: wanted },
        _ => ServeError::Listen { port: wanted, source },
    })?;
    let address = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { port: wanted, source })?;
    let door = Door::new(address.port(), &home.device(), &home.token()?);
    home.keep_port(address.port())?;
    let (stop, stopping) = watch::channel(false);
    let url = format!("http://{address}");
    let owner = owner_of(home);
    let phones = Phones::open(home, door.cookie_name())?;
    let app = App::new(
        node,
        door,
        phones,
        home.dir().to_owned(),
        owner,
        url,
        stopping.clone(),
    );
    // The owner's listings are in memory before anybody opens the page.
    app.shelf.renew_beside(&app.node);
    let router = route::router(app.clone());
    let serve = move |stream, _, stopping| connection(stream, router.clone(), stopped(stopping));
    let task = tokio::spawn(accept(listener, CONNECTIONS_MAX, serve, stopping));
    Ok(Api {
        app,
        address,
        stop,
        task,
    })
}

/// Who owns the directory, for the pages: they show the words when asked, and put them into a backup.
fn owner_of(home: &Home) -> Owner {
    Owner {
        author: home.author(),
        device: home.device(),
        epoch: home.grant().epoch,
        name: home.name().map(str::to_owned),
        words: home.words().map(|words| Zeroizing::new(words.to_owned())),
    }
}

impl Api {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.app.url
    }
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// A one-time link to the node's page.
    pub fn login_link(&self) -> Result<String, HomeError> {
        self.app.login_link()
    }
    /// What its handlers share.
    pub(super) fn app(&self) -> &App {
        &self.app
    }
    /// The node that it serves.
    pub(super) fn node(&self) -> &Node {
        &self.app.node
    }
    /// The owner's listings.
    pub(super) fn shelf(&self) -> Arc<Shelf> {
        self.app.shelf.clone()
    }
    /// Takes no more requests, lets open ones end for a short while, and closes.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the local API did not end well");
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.task.abort();
    }
}

/// Takes connections, so many at a time, and has each served, until it is to stop.
pub(super) async fn accept<Served>(
    listener: TcpListener,
    connections_max: usize,
    serve: impl Fn(TcpStream, SocketAddr, watch::Receiver<bool>) -> Served,
    mut stopping: watch::Receiver<bool>,
) where
    Served: Future<Output = ()> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(connections_max));
    let mut open = JoinSet::new();
    loop {
        let taken = tokio::select! {
            taken = take(&listener, &turns) => taken,
            // The sender lives as long as this task; an error would mean the same.
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match taken {
            Ok((stream, from, turn)) => {
                let served = serve(stream, from, stopping.clone());
                open.spawn(async move {
                    served.await;
                    drop(turn);
                });
            }
            Err(error) => {
                // Too few file handles, most likely: they come back as connections end.
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(Duration::from_millis(REST_MS)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), all)
        .await
        .is_err()
    {
        tracing::info!("requests were cut off");
    }
}

async fn take(
    listener: &TcpListener,
    turns: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let turn = Arc::clone(turns)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, from) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, from, turn))
}

/// Ends when the server is to stop.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender lives as long as the server; an error would mean the same.
    stopping.wait_for(|stop| *stop).await.ok();
}

/// Serves one connection until it ends, or until it is to end: then what was asked is still answered.
pub(super) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    end: impl Future<Output = ()>,
) {
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS_MAX))
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = end => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
