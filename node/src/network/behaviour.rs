//! The behaviours of libp2p that make up a node, and the swarm that drives them.
//!
//! QUIC first, TCP with Noise and Yamux beside it. Kademlia is always in server mode: a node does not
//! wait for somebody to confirm that it is reachable, or three nodes on one machine would never find
//! each other. It keeps no records of others, only who provides what.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, Transport as _,
    connection_limits::{self, ConnectionLimits},
    identify,
    identity::Keypair,
    kad::{self, store::MemoryStore, store::MemoryStoreConfig},
    mdns, noise, ping,
    swarm::{self, NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, yamux,
};

use super::{
    config::{Config, Medium},
    counters::Counters,
    error::NetworkError,
    gate::Gate,
    gossip::{Gossip, gossip},
    limits::{
        CONNECTIONS_PER_DEVICE_MAX, DIAL_MS, HANDSHAKES_INBOUND_MAX, IDLE_MS, LOOKUP_MS, Limits,
        PROVIDED_KEYS_MAX, PROVIDERS_PER_KEY_MAX,
    },
    protocol::Protocol,
    stream::{Streams, streams},
};

/// What identify says the node speaks; peers of another network are not disturbed.
const IDENTIFY: &str = "/souk/1";
const KADEMLIA: StreamProtocol = StreamProtocol::new("/souk/kad/1");
/// A provider's entry is forgotten after this, and announced again well before.
const PROVIDER_TTL: Duration = Duration::from_secs(24 * 3600);
const PROVIDER_AGAIN: Duration = Duration::from_secs(8 * 3600);
/// Nodes that are asked at once in one search.
const SEARCH_PARALLEL: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// All behaviours. Those that refuse connections stand first.
#[derive(NetworkBehaviour)]
pub(crate) struct Node {
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) gate: Gate,
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) gossip: Gossip,
    pub(crate) sync: Streams,
    pub(crate) order: Streams,
    pub(crate) tab: Streams,
}

impl Node {
    /// The streams of one protocol.
    pub(crate) fn streams(&mut self, protocol: Protocol) -> &mut Streams {
        match protocol {
            Protocol::Sync => &mut self.sync,
            Protocol::Order => &mut self.order,
            Protocol::Tab => &mut self.tab,
        }
    }
}

/// A swarm that listens nowhere yet, and why mDNS is off if it was wanted.
pub(crate) fn swarm(
    keypair: &Keypair,
    config: &Config,
    agent: String,
    counters: &Arc<Counters>,
) -> Result<(Swarm<Node>, Option<String>), NetworkError> {
    let setup = |what, reason: String| NetworkError::Setup { what, reason };
    let (id, limits) = (keypair.public().to_peer_id(), &config.limits);
    let wanted = config.mdns;
    let (mdns, no_mdns) = match wanted.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), id)) {
        Some(Ok(mdns)) => (Some(mdns), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    let identify = identify::Config::new(IDENTIFY.into(), keypair.public())
        .with_agent_version(agent)
        .with_push_listen_addr_updates(true);
    let node = Node {
        limits: connection_limits::Behaviour::new(connection_limits(limits)),
        gate: Gate::new(limits),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::default(),
        mdns: mdns.into(),
        kad: kademlia(id, config.closed),
        gossip: gossip(counters).map_err(|reason| setup("gossip", reason))?,
        sync: streams(Protocol::Sync, limits, counters),
        order: streams(Protocol::Order, limits, counters),
        tab: streams(Protocol::Tab, limits, counters),
    };
    if let Medium::Memory(memory) = &config.medium {
        let transport = memory.transport(keypair).ok_or(NetworkError::Key)?.boxed();
        let config = swarm_config(swarm::Config::with_tokio_executor());
        return Ok((Swarm::new(transport, node, id, config), no_mdns));
    }
    let swarm = SwarmBuilder::with_existing_identity(keypair.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| setup("noise", error.to_string()))?
        .with_quic()
        .with_behaviour(|_| node)
        .map_err(|error| setup("the behaviours", error.to_string()))?
        .with_swarm_config(swarm_config)
        .with_connection_timeout(Duration::from_millis(DIAL_MS))
        .build();
    Ok((swarm, no_mdns))
}

fn swarm_config(config: swarm::Config) -> swarm::Config {
    config
        .with_smart_dial()
        .with_idle_connection_timeout(Duration::from_millis(IDLE_MS))
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_established(Some(limits.connections_max))
        .with_max_established_incoming(Some(limits.connections_inbound_max))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_DEVICE_MAX))
        .with_max_pending_incoming(Some(HANDSHAKES_INBOUND_MAX))
}

fn kademlia(id: PeerId, closed: bool) -> kad::Behaviour<MemoryStore> {
    let store = MemoryStoreConfig {
        max_records: 0,
        max_value_bytes: 0,
        max_providers_per_key: PROVIDERS_PER_KEY_MAX,
        // What others announce has a limit of its own (`announced`), so there is always room for ours.
        max_provided_keys: 2 * PROVIDED_KEYS_MAX,
    };
    let mut config = kad::Config::new(KADEMLIA);
    config
        .set_query_timeout(Duration::from_millis(LOOKUP_MS))
        .set_parallelism(SEARCH_PARALLEL)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDER_AGAIN));
    if closed {
        // Nothing enters the table by itself, and without a table nobody is met by looking around.
        config
            .set_kbucket_inserts(kad::BucketInserts::Manual)
            .set_periodic_bootstrap_interval(None);
    }
    let mut kad = kad::Behaviour::with_config(id, MemoryStore::with_config(id, store), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}
