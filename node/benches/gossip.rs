//! Figure `gossip_cpu`: the work of one delivery by gossip in our nodes, beside gossipsub as it comes.
//!
//! All run over the same graph in memory without delays, with the same mesh sizes and the same envelopes. The
//! baseline is gossipsub alone in its default configuration: every message is signed by who published it, and each
//! copy of it that arrives is checked. Beside it is gossipsub alone with messages as ours: anonymous, and the signature of
//! each distinct envelope is checked once, by what checks it in a node. That is like for like, and the figure. The third is
//! our whole network layer, with all that a node has beside gossip: the figure `network_cpu`. Counted is the processor time
//! of the process until all have heard everything, less what it needs in that time when nothing is
//! published, for each delivery. The three take turns. The goal is 0.45 or less. `SOUK_BENCH=small` runs fewer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that fails should say where"
)]

use futures::StreamExt;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::swarm::{Config as SwarmConfig, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId};
use souk_node::network::{Config, Event, Memory, Network, Verdict, start};
use souk_node::verify::Verifier;
use souk_protocol::body::Body;
use souk_protocol::envelope::{Chain, seal};
use souk_protocol::identity::{DeviceKey, Phrase, Scopes};
use souk_protocol::post::Post;
use souk_protocol::text::Prose;
use souk_protocol::time::{Hybrid, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

const TOPIC: &str = "gossip";
/// How long anything may take before the benchmark says what it waited for.
const DEADLINE: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(1);
/// Between two looks at all meshes: a bit more than a heartbeat.
const LOOK: Duration = Duration::from_millis(1_200);
/// How long the idle nodes are looked at.
const IDLE: Duration = Duration::from_secs(5);
/// Connections of each node, about.
const DEGREE: usize = 16;
/// gossipsub's least number of peers in a mesh.
const MESH_LOW: usize = 5;

struct Plan {
    nodes: usize,
    runs: usize,
    messages: usize,
    noise: bool,
}

impl Plan {
    fn read() -> Self {
        let noise = std::env::var_os("SOUK_BENCH_NOISE").is_some();
        match std::env::var("SOUK_BENCH").as_deref() {
            Ok("small") => Self {
                nodes: 50,
                runs: 1,
                messages: 20,
                noise,
            },
            _ => Self {
                nodes: 500,
                runs: 5,
                messages: 20,
                noise,
            },
        }
    }

    fn memory(&self) -> Memory {
        match self.noise {
            true => Memory::with_noise(Arc::new(Duration::ZERO)),
            false => Memory::new(Arc::new(Duration::ZERO)),
        }
    }
}

/// Draws numbers (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// A random graph that hangs together; the same for both.
fn graph(nodes: usize) -> Vec<(usize, usize)> {
    let (mut draw, mut edges) = (Draw(1), BTreeSet::new());
    for node in 1..nodes {
        edges.insert((draw.below(node), node));
        for _ in 1..DEGREE / 2 {
            let other = draw.below(nodes);
            if other != node {
                edges.insert((node.min(other), node.max(other)));
            }
        }
    }
    edges.into_iter().collect()
}

/// Posts of one author, in order.
fn envelopes(count: usize, run: usize) -> Vec<Vec<u8>> {
    let entropy = [run as u8 + 1; 32];
    let root = Phrase::from_entropy(&entropy)
        .and_then(|phrase| phrase.root_key())
        .unwrap();
    let key = DeviceKey::from_secret(&[run as u8 + 101; 32]);
    let grant = root.grant(key.device(), Scopes::ALL, 0, None).unwrap();
    let (mut head, mut time, mut made) = (None, Hybrid::default(), Vec::new());
    for number in 0..count {
        time = time.next(Timestamp(1_700_000_000_000));
        let text = format!("post {number}: {}", "a few words about a thing. ".repeat(8));
        let post = Post {
            text: Prose::new(&text).unwrap(),
            ..Post::default()
        };
        let chain = Some(Chain::after(head));
        let envelope = seal(&key, root.author(), Some(&grant), time, chain, Body::from(post)).unwrap();
        head = Some((number as u64 + 1, envelope.id()));
        made.push(envelope.bytes().to_vec());
    }
    made
}

/// A crowd of nodes that are connected and in the topic.
trait Crowd {
    async fn publish(&self, node: usize, data: Vec<u8>);
    /// Peers in the topic and in the mesh, for each node.
    async fn meshes(&self) -> Vec<(usize, usize)>;
    /// Messages that came to nodes, each counted once for each node.
    fn delivered(&self) -> usize;
    async fn stop(self);
}

struct Ours {
    networks: Vec<Network>,
    delivered: Arc<AtomicUsize>,
}

impl Ours {
    async fn start(plan: &Plan, edges: &[(usize, usize)]) -> Self {
        let (memory, delivered) = (plan.memory(), Arc::new(AtomicUsize::new(0)));
        let (mut networks, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..plan.nodes {
            let config = Config::memory(&memory, number as u16);
            let (network, mut events) = start(config, Zeroizing::new(secret(number))).unwrap();
            addresses.push(loop {
                if let Event::Listening { addr } = events.recv().await.unwrap() {
                    break addr;
                }
            });
            networks.push(network.clone());
            let delivered = delivered.clone();
            tokio::spawn(async move {
                let verifier = Verifier::default();
                while let Some(event) = events.recv().await {
                    if let Event::Gossip { id, data, .. } = event {
                        assert!(verifier.check(&data).is_ok(), "a good envelope opens");
                        network.verdict(id, Verdict::Accept).await;
                        delivered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for (one, other) in edges {
            networks[*one].dial(&addresses[*other]).await.unwrap();
        }
        for network in &networks {
            network.subscribe(TOPIC).await.unwrap();
        }
        Self { networks, delivered }
    }
}

impl Crowd for Ours {
    async fn publish(&self, node: usize, data: Vec<u8>) {
        self.networks[node].publish(TOPIC, data).await.unwrap();
    }

    async fn meshes(&self) -> Vec<(usize, usize)> {
        let mut meshes = Vec::new();
        for network in &self.networks {
            let status = network.status().await.unwrap();
            meshes.push((status.topics[0].peers, status.topics[0].mesh));
        }
        meshes
    }

    fn delivered(&self) -> usize {
        self.delivered.load(Ordering::Relaxed)
    }

    async fn stop(self) {
        futures::future::join_all(self.networks.iter().map(Network::shutdown)).await;
    }
}

enum Ask {
    Dial(Multiaddr, PeerId),
    Publish(Vec<u8>),
    Mesh(oneshot::Sender<(usize, usize)>),
}

/// gossipsub and nothing else.
struct Alone {
    nodes: Vec<mpsc::UnboundedSender<Ask>>,
    delivered: Arc<AtomicUsize>,
}

/// What messages are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Messages {
    /// Signed by who publishes them; each copy is checked.
    Signed,
    /// Anonymous; what is in them is checked once.
    Anonymous,
}

impl Messages {
    fn behaviour(self, key: &Keypair) -> gossipsub::Behaviour {
        let (authenticity, config) = match self {
            Self::Signed => (
                MessageAuthenticity::Signed(key.clone()),
                gossipsub::Config::default(),
            ),
            Self::Anonymous => {
                let config = gossipsub::ConfigBuilder::default()
                    .validation_mode(ValidationMode::Anonymous)
                    .message_id_fn(|message| blake3::hash(&message.data).as_bytes().to_vec().into())
                    .validate_messages()
                    .build();
                (MessageAuthenticity::Anonymous, config.unwrap())
            }
        };
        gossipsub::Behaviour::new(authenticity, config).unwrap()
    }
}

impl Alone {
    async fn start(plan: &Plan, edges: &[(usize, usize)], messages: Messages) -> Self {
        let (memory, delivered) = (plan.memory(), Arc::new(AtomicUsize::new(0)));
        let (mut nodes, mut places) = (Vec::new(), Vec::new());
        for number in 0..plan.nodes {
            let key = Keypair::ed25519_from_bytes(secret(number)).unwrap();
            let peer = key.public().to_peer_id();
            let gossip = messages.behaviour(&key);
            let transport = memory.bare_transport(&key).unwrap();
            let mut swarm = Swarm::new(transport, gossip, peer, SwarmConfig::with_tokio_executor());
            let [high, low] = (number as u16).to_be_bytes();
            let address: Multiaddr = format!("/ip4/10.{high}.{low}.1/tcp/4001").parse().unwrap();
            swarm.listen_on(address.clone()).unwrap();
            let (asking, asked) = mpsc::unbounded_channel();
            tokio::spawn(run_alone(swarm, messages, asked, delivered.clone()));
            nodes.push(asking);
            places.push((address, peer));
        }
        let crowd = Self { nodes, delivered };
        // All listen before the first one dials.
        crowd.meshes().await;
        for (one, other) in edges {
            let (address, peer) = places[*other].clone();
            crowd.nodes[*one].send(Ask::Dial(address, peer)).ok().unwrap();
        }
        crowd
    }
}

async fn run_alone(
    mut swarm: Swarm<gossipsub::Behaviour>,
    messages: Messages,
    mut asked: mpsc::UnboundedReceiver<Ask>,
    delivered: Arc<AtomicUsize>,
) {
    let topic = IdentTopic::new(TOPIC);
    swarm.behaviour_mut().subscribe(&topic).unwrap();
    let verifier = Verifier::default();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => match event {
                SwarmEvent::Behaviour(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                    if messages == Messages::Anonymous {
                        assert!(verifier.check(&message.data).is_ok(), "a good envelope opens");
                        let accepted = gossipsub::MessageAcceptance::Accept;
                        let gossip = swarm.behaviour_mut();
                        gossip.report_message_validation_result(&message_id, &propagation_source, accepted);
                    }
                    delivered.fetch_add(1, Ordering::Relaxed);
                }
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("not dialled: {error}"),
                _ => {}
            },
            ask = asked.recv() => match ask {
                Some(Ask::Dial(address, peer)) => {
                    let known = libp2p::swarm::dial_opts::DialOpts::peer_id(peer).addresses(vec![address]);
                    swarm.dial(known.build()).unwrap();
                }
                Some(Ask::Publish(data)) => drop(swarm.behaviour_mut().publish(topic.clone(), data).unwrap()),
                Some(Ask::Mesh(done)) => {
                    let (gossip, hash) = (swarm.behaviour(), topic.hash());
                    let peers = gossip.all_peers().filter(|(_, topics)| topics.contains(&&hash)).count();
                    done.send((peers, gossip.mesh_peers(&hash).count())).ok();
                }
                None => return,
            },
        }
    }
}

impl Crowd for Alone {
    async fn publish(&self, node: usize, data: Vec<u8>) {
        self.nodes[node].send(Ask::Publish(data)).ok().unwrap();
    }

    async fn meshes(&self) -> Vec<(usize, usize)> {
        let mut meshes = Vec::new();
        for node in &self.nodes {
            let (done, waiting) = oneshot::channel();
            node.send(Ask::Mesh(done)).ok().unwrap();
            meshes.push(waiting.await.unwrap());
        }
        meshes
    }

    fn delivered(&self) -> usize {
        self.delivered.load(Ordering::Relaxed)
    }

    async fn stop(self) {}
}

fn secret(number: usize) -> [u8; 32] {
    *blake3::hash(format!("gossip {number}").as_bytes()).as_bytes()
}

/// Time that this process has spent on all cores, as Linux tells it, in ticks of a hundredth of a second.
fn cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The program's name stands in parentheses and may hold spaces; the two times follow it.
    let words: Vec<&str> = told
        .rsplit_once(')')
        .unwrap()
        .1
        .split_ascii_whitespace()
        .collect();
    let ticks = |at: usize| words[at].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Waits until all have heard of their neighbours and the meshes change no more.
async fn fill(crowd: &impl Crowd, degrees: &[usize]) -> f64 {
    let (begun, mut before) = (Instant::now(), None);
    loop {
        let meshes = crowd.meshes().await;
        let full = meshes
            .iter()
            .zip(degrees)
            .all(|((peers, mesh), degree)| peers == degree && *mesh >= MESH_LOW.min(*degree));
        let total: usize = meshes.iter().map(|(_, mesh)| mesh).sum();
        if full && before == Some(total) {
            return total as f64 / degrees.len() as f64;
        }
        before = Some(total);
        assert!(begun.elapsed() < DEADLINE, "waited in vain for the meshes");
        tokio::time::sleep(LOOK).await;
    }
}

/// Microseconds of processor time for one delivery.
async fn measure(crowd: impl Crowd, name: &str, degrees: &[usize], messages: &[Vec<u8>]) -> f64 {
    let begun = Instant::now();
    let mesh = fill(&crowd, degrees).await;
    let (wall, spent) = (Instant::now(), cpu());
    tokio::time::sleep(IDLE).await;
    let idle = (cpu() - spent).as_secs_f64() / wall.elapsed().as_secs_f64();

    let (mut draw, nodes) = (Draw(2), degrees.len());
    let (wall, spent) = (Instant::now(), cpu());
    for (number, message) in messages.iter().enumerate() {
        crowd.publish(draw.below(nodes), message.clone()).await;
        while crowd.delivered() < (number + 1) * (nodes - 1) {
            let delivered = crowd.delivered();
            assert!(
                begun.elapsed() < DEADLINE,
                "{delivered} deliveries of message {number}"
            );
            tokio::time::sleep(STEP).await;
        }
    }
    // The last duplicates, too.
    tokio::time::sleep(LOOK / 4).await;
    let work = (cpu() - spent).as_secs_f64() - idle * wall.elapsed().as_secs_f64();
    let each = work * 1e6 / crowd.delivered() as f64;
    println!(
        "{name}: {each:.0} us for each of {} deliveries in {:.1} s; {mesh:.1} peers in a mesh, idle {:.0} % of a core",
        crowd.delivered(),
        wall.elapsed().as_secs_f64(),
        idle * 100.0
    );
    crowd.stop().await;
    each
}

async fn compare(plan: &Plan) {
    let edges = graph(plan.nodes);
    let mut degrees = vec![0; plan.nodes];
    for (one, other) in &edges {
        degrees[*one] += 1;
        degrees[*other] += 1;
    }
    let mut rounds = Vec::new();
    for run in 0..plan.runs {
        let messages = envelopes(plan.messages, run);
        let mut each = [0.0; 3];
        // Whoever is measured last may find a warmer machine, so each is in turn.
        for turn in 0..each.len() {
            let which = (turn + run) % each.len();
            each[which] = match which {
                0 => {
                    let stock = Alone::start(plan, &edges, Messages::Signed).await;
                    measure(stock, "stock", &degrees, &messages).await
                }
                1 => {
                    let ours = Alone::start(plan, &edges, Messages::Anonymous).await;
                    measure(ours, "anonymous", &degrees, &messages).await
                }
                _ => {
                    let whole = Ours::start(plan, &edges).await;
                    measure(whole, "the whole network layer", &degrees, &messages).await
                }
            };
        }
        rounds.push(each);
    }
    for (figure, which) in [("gossip_cpu", 1), ("network_cpu", 2)] {
        let mut ratios: Vec<f64> = rounds.iter().map(|each| each[which] / each[0]).collect();
        ratios.sort_by(f64::total_cmp);
        let (min, value, max) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
        println!(
            r#"{{"figure":"{figure}","value":{value:.4},"baseline":"gossipsub_signed","unit":"ratio","runs":{},"min":{min:.4},"max":{max:.4}}}"#,
            ratios.len()
        );
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(compare(&Plan::read()));
}
