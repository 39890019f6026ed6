//! A whole node from start to stop, for the program: directory, node, API, and the way out.

use crate::home::{Home, HomeError, PeerPorts};
use crate::http::{self, ServeError};
use crate::network::{self, ListenOn, Transport};
use crate::node::{Node, StartError};
use crate::vault::Passphrase;
use souk_protocol::api::Command;
use souk_protocol::body::Kind;
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::peer::own_past;
use souk_protocol::records::Records;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

/// How a node is run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its directory.
    pub home: PathBuf,
    /// Addresses to listen on, `IP:PORT` each; none for all addresses and the port of the last time.
    pub listen: Vec<String>,
    /// Multiaddrs of peers that are kept dialled.
    pub peers: Vec<String>,
    /// Whether to look for peers on the local network.
    pub mdns: bool,
    /// The API's port; none for that of the last time, or a free one.
    pub api_port: Option<u16>,
    /// Where to serve the shop to ordinary browsers, if anywhere.
    pub storefront: Option<SocketAddr>,
    /// How the world reaches that, if not by its address.
    pub storefront_url: Option<String>,
    /// Where phones are served when the owner lets them in; none for the local network at the port of last time.
    pub phones: Option<SocketAddr>,
    /// How a new owner wants to be called.
    pub name: Option<String>,
    /// What opens the keys, if a passphrase closes them, and closes those of a new identity.
    pub passphrase: Option<Passphrase>,
}

/// A node that is ready.
#[derive(Debug)]
pub struct Ready {
    /// Where its API is.
    pub api_url: String,
    /// Where its shop is for ordinary browsers, if anywhere.
    pub storefront_url: Option<String>,
    /// A link to its page that works once.
    pub login_url: String,
    /// For whom it speaks.
    pub author: AuthorId,
    /// Which device it is.
    pub device: DeviceId,
    /// Multiaddrs under which others reach it.
    pub peer_addresses: Vec<String>,
    /// The recovery words, when the identity is new.
    pub new_identity_words: Option<String>,
}

/// Why a node does not run, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Its API cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An address to listen on is none.
    #[error("expected an address such as 127.0.0.1:4000 to listen on, got '{0}'")]
    Listen(String),
    /// It runs, but could not carry out what belongs to its start.
    #[error("the node could not be set up: {0}")]
    SetUp(String),
    /// The runtime cannot be started.
    #[error("the program cannot start its threads: {0}")]
    Runtime(std::io::Error),
    /// It stopped because something is wrong with it.
    #[error("the node has stopped: {0}")]
    Fault(String),
}

/// Makes an identity in a directory where there is none, without starting a node: its author, its
/// device and its recovery words.
pub fn init(dir: &Path, name: Option<&str>) -> Result<(AuthorId, DeviceId, String), HomeError> {
    let (home, words) = Home::create(dir, name, None)?;
    Ok((home.author(), home.device(), words.words().to_owned()))
}

/// Runs a node until it is told to stop (by its API, SIGINT or SIGTERM) or until a fault. Calls `ready`
/// once it can be used.
pub fn run(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    runtime.block_on(run_node(config, ready))
}

async fn run_node(config: Config, ready: impl FnOnce(&Ready)) -> Result<(), RunError> {
    let (home, words) =
        Home::open_or_create_with(&config.home, config.name.as_deref(), config.passphrase.as_ref())?;
    let node = Node::start(&home, network_config(&config, &home)?)?;
    let served = serve(
        &config,
        &home,
        &node,
        words.as_ref().map(|words| words.words()),
        ready,
    )
    .await;
    let fault = node.fault();
    node.shut_down().await;
    served?;
    fault.map_or(Ok(()), |fault| Err(RunError::Fault(fault)))
}

async fn serve(
    config: &Config,
    home: &Home,
    node: &Node,
    words: Option<&str>,
    ready: impl FnOnce(&Ready),
) -> Result<(), RunError> {
    // The name that the owner gave when the identity was made; from then on the profile counts.
    let records: &dyn Records = node.records();
    let profile = records.state(&node.author(), Kind::Profile, &[]);
    let unnamed = profile
        .map_err(|error| RunError::SetUp(error.to_string()))?
        .is_empty();
    // A restored node says nothing before it has heard what was said since; its old profile comes back then.
    let past = own_past(records, &node.device()).map_err(|error| RunError::SetUp(error.to_string()))?;
    if let (true, None, Some(name)) = (unnamed, past, home.name()) {
        let command = Command::SetProfile {
            name: name.to_owned(),
            about: String::new(),
        };
        node.command(command)
            .await
            .map_err(|error| RunError::SetUp(error.to_string()))?;
    }
    let api = http::serve(node.clone(), home, config.api_port).await?;
    let storefront = match config.storefront {
        Some(at) => Some(http::serve_storefront(&api, at, config.storefront_url.as_deref()).await?),
        None => None,
    };
    let phones = http::serve_phones(&api, config.phones).await;
    ready(&Ready {
        api_url: api.url().to_owned(),
        storefront_url: storefront.as_ref().map(|front| front.url().to_owned()),
        login_url: api.login_link()?,
        author: node.author(),
        device: node.device(),
        peer_addresses: node.status().await.listen,
        new_identity_words: words.map(str::to_owned),
    });
    let mut stopping = node.stopping();
    tokio::select! {
        // The sender lives as long as the node does.
        _ = stopping.wait_for(|stop| *stop) => {}
        _ = asked_to_stop() => {}
    }
    if let Some(storefront) = storefront {
        storefront.stop().await;
    }
    phones.stop().await;
    api.stop().await;
    Ok(())
}

/// Waits for SIGINT, or SIGTERM where there is such a thing.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // No signal can be waited for: only the API stops the node.
        std::future::pending::<()>().await;
    }
}

fn network_config(config: &Config, home: &Home) -> Result<network::Config, RunError> {
    let mut network = match config.listen.as_slice() {
        [] => everywhere(kept_ports(home)?),
        listen => only_at(listen)?,
    };
    network.mdns = config.mdns;
    network.peers = config.peers.clone();
    Ok(network)
}

/// The ports of the last time; the first time two that are free now.
fn kept_ports(home: &Home) -> Result<PeerPorts, RunError> {
    if let Some(ports) = home.peer_ports()? {
        return Ok(ports);
    }
    let free = || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
            .and_then(|socket| Ok((socket.local_addr()?.port(), socket)))
    };
    let (peers, lane) = (
        free().map_err(RunError::Runtime)?,
        free().map_err(RunError::Runtime)?,
    );
    let ports = PeerPorts {
        peers: peers.0,
        lane: lane.0,
    };
    home.keep_peer_ports(ports)?;
    Ok(ports)
}

fn everywhere(ports: PeerPorts) -> network::Config {
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let mut network = network::Config::on_ports(&any, ports.peers);
    network.lane = any.map(|ip| SocketAddr::new(ip, ports.lane)).to_vec();
    network
}

fn only_at(listen: &[String]) -> Result<network::Config, RunError> {
    let mut network = network::Config::on_ports(&[], 0);
    for text in listen {
        let addr: SocketAddr = text.parse().map_err(|_| RunError::Listen(text.clone()))?;
        let both = [Transport::Quic, Transport::Tcp];
        network
            .listen
            .extend(both.map(|transport| ListenOn { transport, addr }));
        // The lane takes a free port of its own: two listeners cannot share one.
        if !network.lane.iter().any(|lane| lane.is_ipv4() == addr.is_ipv4()) {
            network.lane.push(SocketAddr::new(addr.ip(), 0));
        }
    }
    Ok(network)
}
