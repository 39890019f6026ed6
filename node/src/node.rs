//! A running node: the driver, the network, the search index and what ties them, behind one handle.

use crate::clock::Clock;
use crate::driver::{self, DriverCounts};
use crate::home::{self, Home, HomeError};
use crate::indexer;
use crate::network::{self, DialError, Network, NetworkError};
use crate::perform::World;
use crate::search::{self, Index, SearchError};
use crate::store::{OpenStoreError, Options, Store};
use crate::verify::Verifier;
use souk_protocol::api::{Command, Refused, Reply};
use souk_protocol::id::{AuthorId, DeviceId};
use souk_protocol::identity::DeviceKey;
use souk_protocol::peer::{Input, Keys, Peer};
use souk_protocol::records::{Fault, Range, Records, Tree};
use souk_protocol::time::Timestamp;
use souk_protocol::view::{self, DevicesView};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a dialled device may take to say for whom it speaks.
const GREETING: Duration = Duration::from_secs(10);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// What the store holds is not as it must be.
    #[error(transparent)]
    Records(#[from] Fault),
    /// Its search index cannot be opened.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// It cannot listen or speak.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// Why a command has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The peer says no, and why.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The node stopped because something is wrong with it.
    #[error("the node has stopped: {0}")]
    Fault(String),
}

/// A connected device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// The device.
    pub device: DeviceId,
    /// For whom it speaks, once it said so.
    pub author: Option<AuthorId>,
    /// Its end of the connection, a multiaddr.
    pub address: String,
    /// `quic` or `tcp`.
    pub transport: String,
    /// Whether the other side dialled, so that it has found a way here.
    pub incoming: bool,
    /// Last round trip of a ping.
    pub rtt_ms: Option<u64>,
}

/// A picture of the node now.
#[derive(Debug, Clone, Default)]
pub struct NodeStatus {
    /// Addresses at which others reach it.
    pub listen: Vec<String>,
    /// Who is connected.
    pub peers: Vec<PeerStatus>,
    /// Counters: name, labels as Prometheus writes them, value.
    pub counters: Vec<(String, String, u64)>,
}

/// A handle to the running node. Clones are the same node.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    author: AuthorId,
    device: DeviceId,
    epoch: u32,
    primary: Option<DeviceId>,
    store: Store,
    verifier: Arc<Verifier>,
    index: Arc<Index>,
    network: Network,
    world: World,
    events: watch::Receiver<u64>,
    counts: Arc<DriverCounts>,
    clock: Arc<Clock>,
    stop: watch::Sender<bool>,
    fault: Arc<Mutex<Option<String>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Starts a node in its directory. Must be called within a tokio runtime.
    pub fn start(home: &Home, mut network: network::Config) -> Result<Self, StartError> {
        let store = Store::open(&home.store(), Options::default())?;
        let index = Arc::new(Index::open(&home.search())?);
        let secret = home.device_key().secret();
        if home.has_moved() {
            // On disk before the directory is called settled: a crash between the two asks once more.
            store.commit(&souk_protocol::peer::copied(&store)?)?;
            home.settle_here()?;
        }
        let primary = home.primary()?;
        if let Some(primary) = &primary {
            network.peers.extend(primary.addresses.iter().cloned());
        }
        let primary = primary.map(|primary| primary.device);
        let peer = peer_of(home, primary, store.clone())?;
        // What keeps it from starting is told before anything listens.
        peer()?;
        let (network, events) = network::start(network, secret)?;

        let newest = newest_event(&store)?;
        let (newest_event, watched) = watch::channel(newest);
        let (inputs, waiting) = mpsc::channel(driver::INPUTS_MAX);
        let (actions, performed) = mpsc::channel(driver::GROUPS_MAX);
        let (changes, changed) = mpsc::channel(indexer::CHANGES_MAX);
        let (stop, _) = watch::channel(false);
        let verifier = Arc::<Verifier>::default();
        let world = World::new(
            network.clone(),
            store.clone(),
            verifier.clone(),
            inputs.clone(),
            newest_event,
            changes,
        );
        let inner = Inner {
            author: home.author(),
            device: home.device(),
            epoch: home.grant().epoch,
            primary,
            store,
            verifier,
            index,
            network,
            world: world.clone(),
            events: watched,
            counts: Arc::default(),
            clock: Arc::default(),
            stop,
            fault: Arc::default(),
            threads: Mutex::default(),
        };
        let node = Self(Arc::new(inner));
        node.drive(peer, waiting, actions).map_err(StartError::Thread)?;
        node.keep_index(changed).map_err(StartError::Thread)?;
        tokio::spawn(world.clone().perform_all(performed));
        tokio::spawn(async move {
            // The first input, before anything that the network brings.
            let begun = inputs.send(Input::Start).await.is_ok();
            // The world alone holds a sender from here on, and lets it go when the node stops.
            drop(inputs);
            if begun {
                tokio::spawn(world.clone().tick());
                world.listen(events).await;
            }
        });
        Ok(node)
    }

    fn drive(
        &self,
        peer: impl Fn() -> Result<Peer, Fault> + Send + 'static,
        inputs: mpsc::Receiver<Input>,
        actions: mpsc::Sender<Vec<souk_protocol::peer::Action>>,
    ) -> std::io::Result<()> {
        let Inner {
            store,
            counts,
            clock,
            fault,
            stop,
            world,
            ..
        } = &*self.0;
        let (store, counts, fault) = (store.clone(), counts.clone(), fault.clone());
        let clock = clock.clone();
        let (stop, world) = (stop.clone(), world.clone());
        self.thread("souk-driver", move || {
            if let Err(error) = driver::run(peer, &store, &clock, inputs, &actions, &counts) {
                tracing::error!(%error, "the driver stopped");
                *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
            world.close();
            stop.send_replace(true);
        })
    }

    fn keep_index(&self, changes: mpsc::Receiver<indexer::Changes>) -> std::io::Result<()> {
        let Inner {
            store, index, events, ..
        } = &*self.0;
        let (store, index, events) = (store.clone(), index.clone(), events.clone());
        self.thread("souk-index", move || {
            if let Err(error) = indexer::run(&store, &index, changes, &events) {
                // Search is stale from here on; everything else works, and the next start mends it.
                tracing::error!(%error, "the search index stopped");
            }
        })
    }

    fn thread(&self, name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let handle = std::thread::Builder::new().name(name.into()).spawn(body)?;
        self.0
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle);
        Ok(())
    }

    /// For whom it speaks.
    pub fn author(&self) -> AuthorId {
        self.0.author
    }
    /// Which device it is.
    pub fn device(&self) -> DeviceId {
        self.0.device
    }
    /// The author's devices as this one knows them.
    pub async fn devices(&self) -> Result<DevicesView, Fault> {
        let status = self.status().await;
        let here: Vec<DeviceId> = status.peers.iter().map(|peer| peer.device).collect();
        let this = view::This {
            author: self.author(),
            device: self.device(),
            epoch: self.0.epoch,
            primary: self.0.primary,
        };
        self.records()
            .read(|records| view::devices(records, &this, &here, self.now()))
    }
    /// What it remembers; readable on any thread.
    pub fn records(&self) -> &Store {
        &self.0.store
    }
    /// Now, by the node's own clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
    /// Whether the machine's clock goes on steadily since the node was started.
    pub(crate) fn believes_clock(&self) -> bool {
        self.0.clock.is_believed()
    }
    /// The number of the newest event; the events are in the records.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.0.events.clone()
    }
    /// Turns true when the node stops, by itself or because it was told to.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stop.subscribe()
    }
    /// What went wrong, if something did.
    pub fn fault(&self) -> Option<String> {
        self.0
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Tells the node to stop.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Carries out a command; answers when it is on disk.
    pub async fn command(&self, command: Command) -> Result<Reply, CommandError> {
        match self.0.world.wish(command).await {
            Some(outcome) => Ok(outcome?),
            None => Err(self.fault().map_or(CommandError::Stopping, CommandError::Fault)),
        }
    }

    /// Dials a multiaddr that ends in `/p2p/<id>`, and says who is there if they say so in time.
    pub async fn dial(&self, address: &str) -> Result<(DeviceId, Option<AuthorId>), DialError> {
        let device = DeviceId::from_bytes(self.0.network.dial(address).await?);
        let mut greeted = self.0.world.greeted();
        let met = tokio::time::timeout(GREETING, greeted.wait_for(|peers| peers.contains_key(&device))).await;
        let author = match met {
            Ok(Ok(peers)) => peers.get(&device).copied(),
            _ => None,
        };
        Ok((device, author))
    }

    /// Searches what this node holds.
    pub fn search(&self, query: &search::Query) -> Result<search::Page, SearchError> {
        self.0.index.search(query)
    }

    /// A picture of the node now.
    pub async fn status(&self) -> NodeStatus {
        let mut status = NodeStatus {
            counters: self.counters(),
            ..NodeStatus::default()
        };
        let Some(network) = self.0.network.status().await else {
            return status;
        };
        let greeted = self.0.world.greeted();
        let authors = greeted.borrow();
        status.listen = network.listening;
        status.counters.push((
            "souk_subscriptions_known".to_owned(),
            String::new(),
            network.subscriptions as u64,
        ));
        status.peers = network
            .peers
            .into_iter()
            .map(|peer| {
                let device = DeviceId::from_bytes(peer.device);
                let connection = peer.connections.first();
                PeerStatus {
                    device,
                    author: authors.get(&device).copied(),
                    address: connection
                        .map(|connection| connection.addr.clone())
                        .unwrap_or_default(),
                    transport: connection
                        .map(|connection| connection.transport.to_owned())
                        .unwrap_or_default(),
                    incoming: peer
                        .connections
                        .iter()
                        .any(|connection| connection.direction == network::Direction::Inbound),
                    rtt_ms: peer.rtt_us.map(|us| us.div_ceil(1_000)),
                }
            })
            .collect();
        status
    }

    fn counters(&self) -> Vec<(String, String, u64)> {
        let plain = |name: &str, value: u64| (format!("souk_{name}"), String::new(), value);
        let counts = &self.0.counts;
        let mut counters = vec![
            plain("driver_inputs_total", counts.inputs.load(Ordering::Relaxed)),
            plain("driver_commits_total", counts.commits.load(Ordering::Relaxed)),
            plain("driver_writes_total", counts.writes.load(Ordering::Relaxed)),
            plain("envelopes_checked_total", self.0.verifier.checked()),
        ];
        let network = self.0.network.counts();
        counters.extend(
            network
                .entries()
                .into_iter()
                .map(|(name, _, value)| plain(name, value)),
        );
        counters.extend(
            self.0
                .world
                .refusals()
                .into_iter()
                .map(|(rule, value)| ("souk_refused_total".to_owned(), format!("rule=\"{rule}\""), value)),
        );
        let rows = self.0.store.counts();
        counters.extend(rows.into_iter().map(|(tree, value)| {
            (
                "souk_store_rows".to_owned(),
                format!("tree=\"{}\"", tree.name()),
                value,
            )
        }));
        counters
    }

    /// Says goodbye to all peers and waits until everything that was begun is on disk.
    pub async fn shut_down(self) {
        self.stop();
        self.0.network.shutdown().await;
        self.0.world.close();
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A thread that panicked has said so; there is nothing left to wait for.
                thread.join().ok();
            }
        });
        joined.await.ok();
    }
}

/// Makes the peer of a directory from its records, each time anew.
fn peer_of(
    home: &Home,
    primary: Option<DeviceId>,
    store: Store,
) -> Result<impl Fn() -> Result<Peer, Fault> + Send + 'static, HomeError> {
    let (secret, author, grant) = (home.device_key().secret(), home.author(), home.grant().clone());
    let (root, chance) = (home.root_key()?, home::random::<32>()?);
    Ok(move || {
        let keys = Keys {
            device: DeviceKey::from_secret(&secret),
            author,
            grant: grant.clone(),
        };
        let mut peer = Peer::start(keys, &store)?.with_chance(*chance);
        if let Some(root) = &root {
            peer.hold_root(root.clone());
            peer = peer.with_root(root.clone());
        }
        if let Some(primary) = primary {
            peer = peer.with_primary(primary, &store)?;
        }
        Ok(peer)
    })
}

fn newest_event(store: &Store) -> Result<u64, Fault> {
    let rows = store.scan(Tree::Events, &Range::of([], 1).down())?;
    Ok(rows
        .first()
        .and_then(|(key, _)| <[u8; 8]>::try_from(key.as_slice()).ok())
        .map_or(0, u64::from_be_bytes))
}
