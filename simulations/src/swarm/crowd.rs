//! A swarm of nodes, here or in other processes: stood up, connected, published in and measured.

use super::host::Host;
use super::part::{Answer, Counts, Look, Order, Part};
use super::relay::Relays;
use super::tally::{Clock, Heard, Mesh, Note, cpu_us};
use super::{DelayUs, Kind, Progress, Swarm, SwarmError, Wiring};
use crate::chance::Chance;
use futures::{StreamExt, TryStreamExt, stream};
use souk_node::network::{Config, Delays, Device, ListenOn, Memory, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// gossipsub's least number of peers in a mesh.
const MESH_LOW: usize = 5;
/// How long the nodes may take to hang together and to fill their meshes.
const STAND_MAX: Duration = Duration::from_secs(180);
/// How long the last messages may take.
const ARRIVE_MAX: Duration = Duration::from_secs(60);
/// Between two looks at all nodes: a bit more than a heartbeat.
const LOOK: Duration = Duration::from_millis(1_200);
/// How long nothing may arrive at whole nodes before they hang together: they compare what they hold.
const QUIET: Duration = Duration::from_secs(3);
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

    pub(super) fn place(&self, device: &Device) -> Option<usize> {
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

/// What the nodes of a swarm are started with, by place.
fn configs(swarm: &Swarm, wires: &Arc<Wires>) -> impl Fn(usize) -> Config + use<> {
    let memory = match &swarm.wiring {
        Wiring::Memory { noise: true } => Some(Memory::with_noise(wires.clone())),
        Wiring::Memory { noise: false } => Some(Memory::new(wires.clone())),
        Wiring::Loopback | Wiring::Processes { .. } => None,
    };
    let degrees = swarm.degrees();
    move |place| {
        let degree = degrees.get(place).copied().unwrap_or(0);
        match &memory {
            Some(memory) => roomy(
                Config::memory(memory, u16::try_from(place).unwrap_or(u16::MAX)),
                degree,
            ),
            None => socket_config(degree),
        }
    }
}

/// A node on a socket of this machine.
pub(super) fn socket_config(degree: usize) -> Config {
    let on_loopback = ListenOn {
        transport: Transport::Tcp,
        addr: (Ipv4Addr::LOCALHOST, 0).into(),
    };
    let config = Config {
        listen: vec![on_loopback],
        lane: Vec::new(),
        closed: true,
        ..Config::loopback()
    };
    roomy(config, degree)
}

/// A hub of the graph has as many connections as the graph says.
fn roomy(mut config: Config, degree: usize) -> Config {
    let most = u32::try_from(degree).unwrap_or(u32::MAX).saturating_add(8);
    config.limits.connections_max = config.limits.connections_max.max(most);
    config.limits.connections_inbound_max = config.limits.connections_inbound_max.max(most);
    config
}

/// The addresses that the edges' first ends dial, in their order. On sockets each leads through a relay.
async fn dialled(
    swarm: &Swarm,
    addresses: &[String],
    relays: &mut Relays,
) -> Result<Vec<String>, SwarmError> {
    let mut dialled = Vec::with_capacity(swarm.edges.len());
    for (one, other) in &swarm.edges {
        let address = addresses.get(*other).cloned().unwrap_or_default();
        if matches!(swarm.wiring, Wiring::Memory { .. }) {
            dialled.push(address);
            continue;
        }
        let port = port_of(&address).ok_or_else(|| {
            SwarmError::Stopped(format!("expected a TCP address of this machine, got {address}"))
        })?;
        let delay = |from, to| Duration::from_micros((swarm.delay_us)(from, to));
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let relay = relays
            .open(target, delay(*one, *other), delay(*other, *one))
            .await?;
        dialled.push(address.replacen(&format!("/tcp/{port}"), &format!("/tcp/{}", relay.port()), 1));
    }
    Ok(dialled)
}

fn port_of(address: &str) -> Option<u16> {
    let (_, rest) = address.split_once("/tcp/")?;
    rest.split('/').next()?.parse().ok()
}

/// Dials all edges in an order drawn anew, spread over the time that the swarm takes for it, some at once.
async fn dial(
    swarm: &Swarm,
    seed: u64,
    dials: impl Iterator<Item = impl Future<Output = Result<(), SwarmError>>>,
    progress: Progress<'_>,
) -> Result<(), SwarmError> {
    let mut dials: Vec<_> = dials.collect();
    Chance::of(seed).shuffle(&mut dials);
    let (begun, count) = (tokio::time::Instant::now(), dials.len());
    let numbered = dials.into_iter().enumerate().map(|(number, dial)| async move {
        let share = number as f64 / count.max(1) as f64;
        tokio::time::sleep_until(begun + swarm.dialled_within.mul_f64(share)).await;
        dial.await?;
        progress("edges", number + 1, count);
        Ok::<_, SwarmError>(())
    });
    stream::iter(numbered)
        .buffer_unordered(DIALS)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(())
}

struct Crowd {
    hosts: Vec<Host>,
    /// Nodes of each host.
    share: usize,
    degrees: Vec<usize>,
    wires: Arc<Wires>,
    notes: mpsc::UnboundedReceiver<Note>,
    _relays: Relays,
    /// Of all nodes, those in other processes too: these are killed in the end, and clean up nothing.
    _dir: TempDir,
}

pub(super) async fn run(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Heard, SwarmError> {
    let mut crowd = Crowd::stand(swarm, seed, progress).await?;
    let full_share = match swarm.kind {
        Kind::Network => Some(crowd.fill(progress).await?),
        Kind::Whole => {
            crowd.hang_together().await?;
            None
        }
    };
    let idle = idle(async || crowd.cpu().await).await?;
    let heard = crowd.publish(swarm, seed, progress, full_share, idle).await?;
    crowd.count_edges(swarm.edges.len()).await?;
    crowd.all(Order::Stop).await?;
    Ok(heard)
}

/// Time on all cores in one second in which nothing is published, by what tells the time spent until now.
async fn idle(spent: impl AsyncFn() -> Result<Duration, SwarmError>) -> Result<Duration, SwarmError> {
    let (begun, before) = (Instant::now(), spent().await?);
    tokio::time::sleep(IDLE).await;
    let more = spent().await?.saturating_sub(before);
    Ok(more.div_f64(begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE)))
}

impl Crowd {
    /// Starts all nodes, has them follow and connects the graph.
    async fn stand(swarm: &Swarm, seed: u64, progress: Progress<'_>) -> Result<Self, SwarmError> {
        let (degrees, wires) = (swarm.degrees(), Wires::new(swarm.delay_us.clone()));
        let config = configs(swarm, &wires);
        let (noting, notes) = mpsc::unbounded_channel();
        let dir = TempDir::new()?;
        let share = match swarm.wiring {
            Wiring::Processes { count, .. } => swarm.nodes.div_ceil(count.max(1)),
            Wiring::Memory { .. } | Wiring::Loopback => swarm.nodes,
        }
        .max(1);
        let (mut hosts, mut listening) = (Vec::new(), Vec::new());
        for first in (0..swarm.nodes).step_by(share) {
            let places = first..(first + share).min(swarm.nodes);
            let end = places.end;
            let (host, listen) = match &swarm.wiring {
                Wiring::Processes { program, .. } => {
                    let of = (swarm.kind, seed);
                    Host::start(program, of, places, &degrees, dir.path(), noting.clone()).await?
                }
                Wiring::Memory { .. } | Wiring::Loopback => {
                    let (part, listen) =
                        Part::start(swarm.kind, seed, places, &config, dir.path(), &noting).await?;
                    (Host::Here(part), listen)
                }
            };
            hosts.push(host);
            listening.extend(listen);
            progress("nodes", end, swarm.nodes);
        }
        wires.tell(listening.iter().map(|node| node.device));
        let mut relays = Relays::default();
        let addresses: Vec<String> = listening.iter().map(|node| node.address.clone()).collect();
        let dialled = dialled(swarm, &addresses, &mut relays).await?;
        let crowd = Self {
            hosts,
            share,
            degrees,
            wires,
            notes,
            _relays: relays,
            _dir: dir,
        };
        let publishers: BTreeSet<usize> = swarm.publishers.iter().copied().collect();
        let authors = publishers
            .iter()
            .filter_map(|place| listening.get(*place)?.author);
        // As nodes at home do, which follow somebody before they are connected.
        crowd.all(Order::Follow(authors.collect())).await?;
        let dials = swarm.edges.iter().zip(dialled).map(|((one, _), address)| {
            let order = Order::Dial { node: *one, address };
            let crowd = &crowd;
            async move { crowd.at(*one)?.ask(order).await.map(drop) }
        });
        dial(swarm, seed, dials, progress).await?;
        Ok(crowd)
    }

    /// The host of a node.
    fn at(&self, node: usize) -> Result<&Host, SwarmError> {
        self.hosts.get(node / self.share).ok_or(SwarmError::NoNode {
            nodes: self.degrees.len(),
            actual: node,
        })
    }

    async fn all(&self, order: Order) -> Result<Vec<Answer>, SwarmError> {
        let asked = self.hosts.iter().map(|host| host.ask(order.clone()));
        futures::future::try_join_all(asked).await
    }

    /// How all nodes stand, in their order.
    async fn looks(&self) -> Result<Vec<Look>, SwarmError> {
        let answers = self.all(Order::Look).await?.into_iter();
        let looks = answers.filter_map(|answer| match answer {
            Answer::Looks(looks) => Some(looks),
            _ => None,
        });
        Ok(looks.flatten().collect())
    }

    /// Sums over all nodes, and the processor time of all processes.
    async fn counts(&self) -> Result<Counts, SwarmError> {
        let answers = self.all(Order::Count).await?.into_iter();
        let mut sum = answers.fold(Counts::default(), |sum, answer| match answer {
            Answer::Counts(counts) => Counts {
                arrived: sum.arrived + counts.arrived,
                duplicates: sum.duplicates + counts.duplicates,
                cpu_us: sum.cpu_us + counts.cpu_us,
            },
            _ => sum,
        });
        if self.hosts.iter().any(|host| matches!(host, Host::Elsewhere(_))) {
            // The relays are here.
            sum.cpu_us += cpu_us();
        }
        Ok(sum)
    }

    /// Processor time of all processes.
    async fn cpu(&self) -> Result<Duration, SwarmError> {
        Ok(Duration::from_micros(self.counts().await?.cpu_us))
    }

    /// Waits until all have heard of their neighbours' subscriptions and the meshes change no more. Returns the
    /// share of full ones.
    async fn fill(&self, progress: Progress<'_>) -> Result<f64, SwarmError> {
        let (begun, mut before) = (Instant::now(), None);
        loop {
            let looks = self.looks().await?;
            let (mut total, mut known, mut full) = (0, 0, 0);
            for (look, degree) in looks.iter().zip(&self.degrees) {
                total += look.mesh;
                known += usize::from(look.subscribers == *degree);
                full += usize::from(look.mesh >= MESH_LOW.min(*degree));
            }
            let all = self.degrees.len();
            progress("meshes", full, all);
            let late = begun.elapsed() > STAND_MAX;
            if known < all && late {
                return Err(SwarmError::TimedOut {
                    what: "all subscriptions",
                    seconds: STAND_MAX.as_secs(),
                });
            }
            // Whose neighbours are all full already may stay below the least number; that is a figure.
            if known == all && (full == all && before == Some(total) || late) {
                return Ok(full as f64 / all.max(1) as f64);
            }
            before = Some(total);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nothing arrives at whole nodes for a while: each has compared what it holds with its neighbours.
    async fn hang_together(&self) -> Result<(), SwarmError> {
        match self.quiet(QUIET, STAND_MAX).await? {
            true => Ok(()),
            false => Err(SwarmError::TimedOut {
                what: "a quiet swarm",
                seconds: STAND_MAX.as_secs(),
            }),
        }
    }

    /// Publishes all messages and waits until everything has come, or nothing more comes.
    async fn publish(
        &mut self,
        swarm: &Swarm,
        seed: u64,
        progress: Progress<'_>,
        full_share: Option<f64>,
        idle: Duration,
    ) -> Result<Heard, SwarmError> {
        let (before, begun) = (self.counts().await?, Clock::now());
        let mut ticks = tokio::time::interval(swarm.interval.max(Duration::from_micros(1)));
        let (mut published, mut first) = (Vec::new(), Vec::new());
        for (message, node) in swarm.speakers(seed).into_iter().enumerate() {
            ticks.tick().await;
            let order = Order::Publish {
                node,
                message,
                bytes: swarm.message_bytes,
            };
            let Answer::Published(out) = self.at(node)?.ask(order).await? else {
                continue;
            };
            if let Some(post) = out.post {
                self.all(Order::Await(post)).await?;
            }
            published.push(Note {
                at: out.at,
                node,
                message,
                from: None,
            });
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
        // Duplicates are still on their way.
        let still = match swarm.kind {
            Kind::Network => LOOK,
            Kind::Whole => QUIET,
        };
        self.quiet(still, ARRIVE_MAX).await?;
        let after = self.counts().await?;
        let members: usize = self.looks().await?.iter().map(|look| look.mesh).sum();
        let mesh = full_share.map(|full_share| Mesh {
            degree_mean: members as f64 / swarm.nodes.max(1) as f64,
            full_share,
        });
        Ok(Heard {
            begun,
            published,
            first,
            duplicates: after.duplicates.saturating_sub(before.duplicates),
            mesh,
            wires: self.wires.clone(),
            cpu: Duration::from_micros(after.cpu_us.saturating_sub(before.cpu_us)),
            wall: Clock::now().since(begun),
            idle,
        })
    }

    /// Waits until nothing has arrived anywhere for so long; whether that came about in time.
    async fn quiet(&self, still: Duration, most: Duration) -> Result<bool, SwarmError> {
        let (begun, mut since, mut before) = (Instant::now(), Instant::now(), self.counts().await?.arrived);
        while since.elapsed() < still {
            if begun.elapsed() > most {
                return Ok(false);
            }
            tokio::time::sleep(still.min(LOOK)).await;
            let now = self.counts().await?.arrived;
            if now != before {
                (since, before) = (Instant::now(), now);
            }
        }
        Ok(true)
    }

    /// What was measured is of the graph only if nobody else got connected.
    async fn count_edges(&self, expected: usize) -> Result<(), SwarmError> {
        let ends: usize = self.looks().await?.iter().map(|look| look.connections).sum();
        let actual = ends / 2;
        match actual == expected {
            true => Ok(()),
            false => Err(SwarmError::WrongGraph { expected, actual }),
        }
    }
}
