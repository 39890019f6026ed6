//! The listener for paired phones: TLS on the local network, apart from the owner's on loopback. It begins
//! when the owner turns it on and ends at once when they turn it off. Nothing of the owner's door counts
//! here: neither the token nor the page's cookie. Whoever is no paired phone is told so and nothing else.
//! Described in `spec/api.md`, "Phones".

use super::app::{App, blocking};
use super::door::{Caller, shortened};
use super::gate::{answered, dress};
use super::limits::{PHONE_ADDRESS_CONNECTIONS_MAX, PHONE_CONNECTIONS_MAX, PHONE_HANDSHAKE_MS_MAX};
use super::phones::{Listening, Turn, Why, config, host, is_near, rights};
use super::problem::Problem;
use super::server::{self, Api};
use super::{pages, route};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The listener for phones, whether or not it listens now. Dropping it ends it at once.
pub struct PhoneServer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Serves the page to paired phones whenever the owner lets them in: at this address, else on the whole
/// local network at the port of last time. What cannot be listened on is told on the owner's page; a node
/// starts without it.
pub async fn serve_phones(api: &Api, at: Option<SocketAddr>) -> PhoneServer {
    let app = api.app().clone();
    let (stop, stopping) = watch::channel(false);
    let mut open = None;
    if app.phones.is_on()
        && let Err(problem) = begin(&app, at, &mut open).await
    {
        tracing::warn!(%problem, "phones cannot come in");
        app.phones.tell(Listening::Failed(problem.to_string()));
    }
    let turns = app.phones.turned();
    let task = tokio::spawn(async move {
        if let Some(turns) = turns {
            turn(app, at, turns, stopping, open).await;
        }
    });
    PhoneServer { stop, task }
}

impl PhoneServer {
    /// Takes no more requests, lets open ones end for a short while, and closes.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the listener for phones did not end well");
        }
    }
}

impl Drop for PhoneServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.task.abort();
    }
}

/// A listener that listens. Dropping it cuts all of its connections.
struct Open {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Open {
    /// Lets open requests end, for a while.
    async fn end(mut self) {
        self.stop.send_replace(true);
        (&mut self.task).await.ok();
    }
    /// Cuts everything off.
    async fn cut(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

/// Begins and ends the listener as the owner turns the switch, until the node stops.
async fn turn(
    app: App,
    at: Option<SocketAddr>,
    mut turns: mpsc::Receiver<Turn>,
    mut stopping: watch::Receiver<bool>,
    mut open: Option<Open>,
) {
    loop {
        let turned = tokio::select! {
            turned = turns.recv() => turned,
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        let Some(Turn { on, settled }) = turned else { break };
        let done = match on {
            true => begin(&app, at, &mut open).await,
            false => {
                if let Some(open) = open.take() {
                    open.cut().await;
                }
                app.phones.tell(Listening::No);
                Ok(())
            }
        };
        // What is on now is on after a restart too, and what failed to begin is off.
        let kept = match done {
            Ok(()) => keep(&app, on).await,
            Err(problem) => Err(problem),
        };
        // Whoever asked may be gone.
        settled.send(kept).ok();
    }
    if let Some(open) = open {
        open.end().await;
    }
    app.phones.tell(Listening::No);
    let phones = app.clone();
    blocking(move || phones.phones.save()).await.ok();
}

async fn keep(app: &App, on: bool) -> Result<(), Problem> {
    let app = app.clone();
    blocking(move || app.phones.keep_on(on)).await?
}

async fn bound(app: &App, at: Option<SocketAddr>) -> io::Result<TcpListener> {
    if let Some(at) = at {
        return TcpListener::bind(at).await;
    }
    let everywhere = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
    match everywhere(app.phones.port().unwrap_or(0)).await {
        // Another program has the port of the last time: phones find the page at the new address.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => everywhere(0).await,
        bound => bound,
    }
}

/// Begins to listen, unless it does.
async fn begin(app: &App, at: Option<SocketAddr>, open: &mut Option<Open>) -> Result<(), Problem> {
    if open.is_some() {
        return Ok(());
    }
    let cannot = |error: io::Error| Problem::NotAllowed {
        message: format!("this computer cannot be listened on for phones: {error}"),
        next: "Start the node with --phones and another address, such as 0.0.0.0:7443.",
    };
    let shared = app.clone();
    let now = app.node.now().0;
    let certificate = blocking(move || shared.phones.certificate(now)).await??;
    let acceptor = TlsAcceptor::from(config(&certificate)?);
    let listener = bound(app, at).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    if at.is_none() && app.phones.port() != Some(address.port()) {
        let shared = app.clone();
        blocking(move || shared.phones.keep_port(address.port())).await??;
    }
    let (stop, stopping) = watch::channel(false);
    let router = router(app.clone());
    let (crowd, app) = (Arc::<Crowd>::default(), app.clone());
    app.phones.tell(Listening::At(address));
    let serve = move |stream: TcpStream, from: SocketAddr, stopping: watch::Receiver<bool>| {
        let (app, acceptor, router) = (app.clone(), acceptor.clone(), router.clone());
        let place = crowd.come(from.ip());
        async move {
            let Some(_place) = place else {
                return app.phones.refuse(Why::Crowded);
            };
            serve_one(app, stream, from, acceptor, router, stopping).await;
        }
    };
    let task = tokio::spawn(server::accept(listener, PHONE_CONNECTIONS_MAX, serve, stopping));
    *open = Some(Open { stop, task });
    Ok(())
}

/// How many connections each address has.
#[derive(Default)]
struct Crowd(Mutex<HashMap<IpAddr, usize>>);

/// A connection of somebody; it is counted until this is dropped.
struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn come(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut held = self.held();
        let count = held.entry(address).or_default();
        if *count >= PHONE_ADDRESS_CONNECTIONS_MAX {
            return None;
        }
        *count += 1;
        Some(Place {
            crowd: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.crowd.held();
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// One connection: under which address it was reached, and which phones asked something by it.
struct Line {
    host: String,
    phones: Mutex<BTreeSet<String>>,
}

impl Line {
    fn phones(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve_one(
    app: App,
    stream: TcpStream,
    from: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    // Where it came to is where it meant to come: no list of addresses has to be kept right.
    let Ok(own) = stream.local_addr() else { return };
    if !is_near(from.ip(), own.ip()) {
        return app.phones.refuse(Why::Far);
    }
    let handshake = tokio::time::timeout(
        Duration::from_millis(PHONE_HANDSHAKE_MS_MAX),
        acceptor.accept(stream),
    );
    let Ok(Ok(stream)) = handshake.await else {
        return app.phones.refuse(Why::Handshake);
    };
    let line = Arc::new(Line {
        host: host(own),
        phones: Mutex::default(),
    });
    let thrown_out = thrown_out(app, line.clone());
    let stopped = async move {
        // The sender lives as long as the listener; an error would mean the same.
        stopping.wait_for(|stop| *stop).await.ok();
    };
    let served = server::connection(stream, router.layer(Extension(line)), stopped);
    tokio::select! {
        () = served => {}
        () = thrown_out => {}
    }
}

/// Ends when a phone that asked something by this line is paired no more: whatever is being told ends too.
async fn thrown_out(app: App, line: Arc<Line>) {
    let mut changes = app.phones.changes();
    while changes.changed().await.is_ok() {
        if line.phones().iter().any(|id| !app.phones.is_paired(id)) {
            return;
        }
    }
}

/// The same routes as the owner's and those that pair, behind another gate.
fn router(app: App) -> Router {
    route::handlers()
        .merge(pages::pairing())
        .layer(axum::middleware::from_fn_with_state(app.clone(), gate))
        .with_state(app)
}

/// Lets a phone's request in, or not, and dresses its answer.
async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let wants_page = request.method().is_safe() && pages::is_page(request.uri().path());
    let headers = wants_page.then(|| request.headers().clone());
    let mut response = match (checked(&app, request).await, headers) {
        (Ok(Ok(request)), _) => answered(next, request).await,
        // A phone that may not: a screen that says so, if it wanted one.
        (Ok(Err(refused)), _) => refused,
        (Err(Problem::NoPhone), Some(headers)) => pages::closed(&headers, &Problem::NoPhone),
        (Err(problem), _) => problem.into_response(),
    };
    dress(&mut response);
    if response.status().is_client_error() && !response.headers().contains_key(header::SET_COOKIE) {
        // Whoever was refused does not hold a place.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    app.requests.count(response.status());
    response
}

/// Where a request is meant to go and where it comes from: by the address under which it came, and from
/// no other page than those of this listener. Whatever changes something has to say so.
fn check_address(line: &Line, uri: &Uri, headers: &HeaderMap, safe: bool) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.as_bytes());
    let named = hosts.next().unwrap_or_default();
    let known = |host: &[u8]| host == line.host.as_bytes();
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    if !known(named) || hosts.next().is_some() || !authority.is_none_or(known) {
        return Err(Problem::Host(shortened(named)));
    }
    let own = format!("https://{}", line.host);
    for origin in headers.get_all(header::ORIGIN) {
        if origin.as_bytes() != own.as_bytes() {
            return Err(Problem::Origin(shortened(origin.as_bytes())));
        }
    }
    match safe || headers.contains_key(header::ORIGIN) {
        true => Ok(()),
        false => Err(Problem::Origin(String::new())),
    }
}

/// The request of a phone, or of somebody who wants to become one; or how a phone is refused.
async fn checked(app: &App, mut request: Request) -> Result<Result<Request, Response>, Problem> {
    let Some(line) = request.extensions().get::<Arc<Line>>().cloned() else {
        return Err(Problem::NoPhone);
    };
    let (safe, path) = (request.method().is_safe(), request.uri().path().to_owned());
    check_address(&line, request.uri(), request.headers(), safe)?;
    let is_pairing = path.starts_with("/pair/");
    let Some((phone, stale)) = app.phones.who(request.headers(), app.node.now().0) else {
        if is_pairing || pages::is_open(&path) {
            request.extensions_mut().insert(Caller::Nobody);
            return Ok(Ok(request));
        }
        app.phones.refuse(Why::NoPhone);
        return Err(Problem::NoPhone);
    };
    let id = phone.id.clone();
    request.extensions_mut().insert(Caller::Phone(Arc::new(phone)));
    line.phones().insert(id.clone());
    // Thrown out meanwhile: from now on the line would have noticed.
    if !app.phones.is_paired(&id) {
        return Err(Problem::NoPhone);
    }
    if stale {
        let app = app.clone();
        // Not waited for: nobody asked for it.
        drop(tokio::task::spawn_blocking(move || app.phones.save()));
    }
    let is_somewhere = request.extensions().get::<MatchedPath>().is_some();
    if !is_pairing && is_somewhere && !rights::may_ask(&path) {
        app.phones.refuse(Why::NotFromPhone);
        let problem = Problem::NotFromPhone;
        return Ok(Err(match safe && pages::is_page(&path) {
            true => {
                let (mut parts, _) = request.into_parts();
                pages::trouble(app, &mut parts, &problem).await
            }
            false => problem.into_response(),
        }));
    }
    Ok(Ok(request))
}
