//! A swarm of network layers: everything of a node up to its driver, which here accepts what it hears.

use super::tally::{Heard, Mesh, Note, cpu};
use super::{DelayUs, Progress, Swarm, SwarmError};
use futures::{StreamExt, TryStreamExt, stream};
use souk_node::network::{Config, Delays, Device, Event, Memory, Network, Status, Verdict, start};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// The one topic.
const TOPIC: &str = "swarm";
/// gossipsub's least number of peers in a mesh.
const MESH_LOW: usize = 5;
/// How long the nodes may take to hang together and to fill their meshes.
const STAND_MAX: Duration = Duration::from_secs(180);
/// How long the last messages may take.
const ARRIVE_MAX: Duration = Duration::from_secs(60);
/// Between two looks at all nodes: a bit more than a heartbeat.
const LOOK: Duration = Duration::from_millis(1_200);
/// How long the idle nodes are looked at.
const IDLE: Duration = Duration::from_secs(3);
/// Dials under way at once.
const DIALS: usize = 64;

/// The delays of a swarm, by device.
pub(super) struct Wires {
    /// Told when all devices are known, before the first of them dials.
    places: OnceLock<BTreeMap<Device, usize>>,
    delay_us: DelayUs,
}

impl Wires {
    pub(super) fn new(delay_us: DelayUs) -> Arc<Self> {
        Arc::new(Self {
            places: OnceLock::new(),
            delay_us,
        })
    }

    pub(super) fn tell(&self, devices: impl Iterator<Item = Device>) {
        self.places.get_or_init(|| {
            devices
                .enumerate()
                .map(|(place, device)| (device, place))
                .collect()
        });
    }

    fn place(&self, device: &Device) -> Option<usize> {
        self.places.get()?.get(device).copied()
    }
}

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wires")
    }
}

impl Delays for Wires {
    fn one_way(&self, from: &Device, to: &Device) -> Duration {
        match (self.place(from), self.place(to)) {
            (Some(from), Some(to)) => Duration::from_micros((self.delay_us)(from, to)),
            _ => Duration::ZERO,
        }
    }
}

/// A place in memory for the nodes of a swarm.
pub(super) fn memory(swarm: &Swarm, wires: Arc<Wires>) -> Memory {
    match swarm.noise {
        true => Memory::with_noise(wires),
        false => Memory::new(wires),
    }
}

/// What a node of this place and degree is started with.
pub(super) fn config(memory: &Memory, number: usize, degree: usize) -> Config {
    let mut config = Config::memory(memory, u16::try_from(number).unwrap_or(u16::MAX));
    // A hub of the graph has as many connections as the graph says.
    let most = u32::try_from(degree).unwrap_or(u32::MAX).saturating_add(8);
    config.limits.connections_max = config.limits.connections_max.max(most);
    config.limits.connections_inbound_max = config.limits.connections_inbound_max.max(most);
    config
}

struct Crowd {
    networks: Vec<Network>,
    degrees: Vec<usize>,
    notes: mpsc::UnboundedReceiver<Note>,
}

pub(super) async fn run(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Heard, SwarmError> {
    let mut crowd = Crowd::stand(swarm, seed, progress).await?;
    let mesh = crowd.fill(progress).await?;
    let idle = idle().await;
    let heard = crowd.publish(swarm, seed, progress, mesh, idle).await?;
    crowd.count_edges(swarm.edges.len()).await?;
    futures::future::join_all(crowd.networks.iter().map(Network::shutdown)).await;
    Ok(heard)
}

/// Time on all cores in one second in which nothing is published.
pub(super) async fn idle() -> Duration {
    let (begun, before) = (Instant::now(), cpu());
    tokio::time::sleep(IDLE).await;
    let spent = cpu().saturating_sub(before);
    spent.div_f64(begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE))
}

impl Crowd {
    /// Starts all nodes, connects the graph and joins the topic everywhere.
    async fn stand(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Self, SwarmError> {
        let (degrees, wires) = (swarm.degrees(), Wires::new(swarm.delay_us.clone()));
        let memory = memory(swarm, wires.clone());
        let (noting, notes) = mpsc::unbounded_channel();
        let (mut networks, mut addresses, mut heard) = (Vec::new(), Vec::new(), Vec::new());
        for (number, degree) in degrees.iter().enumerate() {
            let (network, mut events) = start(config(&memory, number, *degree), secret(seed, number))?;
            addresses.push(address(&mut events).await?);
            networks.push(network);
            heard.push(events);
            progress("nodes", number + 1, swarm.nodes);
        }
        wires.tell(networks.iter().map(Network::device));
        for (node, (network, events)) in networks.iter().zip(heard).enumerate() {
            tokio::spawn(listen(
                node,
                network.clone(),
                events,
                wires.clone(),
                noting.clone(),
            ));
        }
        let (networks, addresses) = (&networks, &addresses);
        let dials = swarm
            .edges
            .iter()
            .enumerate()
            .map(|(number, (one, other))| async move {
                if let (Some(dialler), Some(address)) = (networks.get(*one), addresses.get(*other)) {
                    dialler.dial(address).await?;
                }
                progress("edges", number + 1, swarm.edges.len());
                Ok::<_, SwarmError>(())
            });
        stream::iter(dials)
            .buffer_unordered(DIALS)
            .try_collect::<Vec<_>>()
            .await?;
        for network in networks {
            network.subscribe(TOPIC).await?;
        }
        Ok(Self {
            networks: networks.clone(),
            degrees,
            notes,
        })
    }

    async fn statuses(&self) -> Result<Vec<Status>, SwarmError> {
        let asked = self.networks.iter().map(Network::status);
        let statuses = futures::future::join_all(asked).await;
        let gone = || SwarmError::Stopped("a network is gone".to_owned());
        statuses
            .into_iter()
            .map(|status| status.ok_or_else(gone))
            .collect()
    }

    /// Waits until all have heard of their neighbours' subscriptions and the meshes change no more.
    async fn fill(&self, progress: Progress<'_>) -> Result<Mesh, SwarmError> {
        let (begun, mut before) = (Instant::now(), None);
        loop {
            let statuses = self.statuses().await?;
            let (mut total, mut known, mut full) = (0, 0, 0);
            for (status, degree) in statuses.iter().zip(&self.degrees) {
                let topic = status.topics.first();
                let (mesh, peers) = topic.map_or((0, 0), |topic| (topic.mesh, topic.peers));
                total += mesh;
                known += usize::from(peers == *degree);
                full += usize::from(mesh >= MESH_LOW.min(*degree));
            }
            progress("meshes", full, self.networks.len());
            let all = self.networks.len();
            let late = begun.elapsed() > STAND_MAX;
            if known < all && late {
                return Err(SwarmError::TimedOut {
                    what: "all subscriptions",
                    seconds: STAND_MAX.as_secs(),
                });
            }
            // Whose neighbours are all full already may stay below the least number; that is a figure.
            if known == all && (full == all && before == Some(total) || late) {
                return Ok(Mesh {
                    degree_mean: total as f64 / all.max(1) as f64,
                    full_share: full as f64 / all.max(1) as f64,
                });
            }
            before = Some(total);
            tokio::time::sleep(LOOK).await;
        }
    }

    fn counts(&self) -> (u64, u64) {
        self.networks
            .iter()
            .map(Network::counts)
            .fold((0, 0), |sum, counts| {
                (sum.0 + counts.gossip_received, sum.1 + counts.gossip_duplicates())
            })
    }

    /// Publishes all messages and waits until everything has come, or nothing more comes.
    async fn publish(
        &mut self,
        swarm: &Swarm,
        seed: u64,
        progress: Progress<'_>,
        mesh: Mesh,
        idle: Duration,
    ) -> Result<Heard, SwarmError> {
        let (before, spent, begun) = (self.counts(), cpu(), Instant::now());
        let mut ticks = tokio::time::interval(swarm.interval.max(Duration::from_micros(1)));
        let (mut published, mut first) = (Vec::new(), Vec::new());
        for (message, node) in swarm.speakers(seed).into_iter().enumerate() {
            ticks.tick().await;
            let Some(network) = self.networks.get(node) else {
                continue;
            };
            published.push(Note {
                at: Instant::now(),
                node,
                message,
                from: None,
            });
            network
                .publish(TOPIC, payload(seed, message, swarm.message_bytes))
                .await?;
            progress("messages", message + 1, swarm.messages);
        }
        let expected = published.len() * swarm.nodes.saturating_sub(1);
        let last = Instant::now();
        while first.len() < expected && last.elapsed() < ARRIVE_MAX {
            let wait = ARRIVE_MAX.saturating_sub(last.elapsed());
            match tokio::time::timeout(wait, self.notes.recv()).await {
                Ok(Some(note)) => first.push(note),
                Ok(None) | Err(_) => break,
            }
        }
        progress("deliveries", first.len(), expected);
        self.settle().await;
        let (after, wall) = (self.counts(), begun.elapsed());
        Ok(Heard {
            begun,
            published,
            first,
            duplicates: after.1.saturating_sub(before.1),
            mesh: Some(mesh),
            cpu: cpu().saturating_sub(spent),
            wall,
            idle,
        })
    }

    /// Waits until no duplicate is on its way any more.
    async fn settle(&self) {
        let (begun, mut before) = (Instant::now(), self.counts());
        while begun.elapsed() < ARRIVE_MAX {
            tokio::time::sleep(LOOK).await;
            let now = self.counts();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// What was measured is of the graph only if nobody else got connected.
    async fn count_edges(&self, expected: usize) -> Result<(), SwarmError> {
        let statuses = self.statuses().await?;
        let ends: usize = statuses.iter().map(|status| status.peers.len()).sum();
        let actual = ends / 2;
        match actual == expected {
            true => Ok(()),
            false => Err(SwarmError::WrongGraph { expected, actual }),
        }
    }
}

/// Where a node listens.
async fn address(events: &mut mpsc::Receiver<Event>) -> Result<String, SwarmError> {
    while let Some(event) = events.recv().await {
        match event {
            Event::Listening { addr } => return Ok(addr),
            Event::NotListening { error } => return Err(SwarmError::Stopped(error.to_string())),
            _ => {}
        }
    }
    Err(SwarmError::Stopped("it ended before it listened".to_owned()))
}

/// The driver: notes what comes first, and passes everything on.
async fn listen(
    node: usize,
    network: Network,
    mut events: mpsc::Receiver<Event>,
    wires: Arc<Wires>,
    noting: mpsc::UnboundedSender<Note>,
) {
    while let Some(event) = events.recv().await {
        let Event::Gossip { id, from, data, .. } = event else {
            continue;
        };
        let at = Instant::now();
        network.verdict(id, Verdict::Accept).await;
        let message = data.first_chunk().copied().map(u64::from_be_bytes);
        if let Some(message) = message.and_then(|message| usize::try_from(message).ok()) {
            let from = wires.place(&from);
            // Who measures may have heard enough.
            noting
                .send(Note {
                    at,
                    node,
                    message,
                    from,
                })
                .ok();
        }
    }
}

/// The secret key of a node.
fn secret(seed: u64, node: usize) -> Zeroizing<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(b"swarm")
        .update(&seed.to_le_bytes())
        .update(&(node as u64).to_le_bytes());
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// A message: its number, and bytes that nothing can make smaller.
fn payload(seed: u64, message: usize, bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes.max(8)];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_le_bytes())
        .update(&(message as u64).to_le_bytes());
    hasher.finalize_xof().fill(&mut data);
    if let Some(head) = data.first_chunk_mut() {
        *head = (message as u64).to_be_bytes();
    }
    data
}
