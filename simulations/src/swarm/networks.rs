//! Network layers: everything of a node up to its driver, which here accepts what it hears.

use super::SwarmError;
use super::part::{Answer, Counts, Listening, Look, Order, Published, at_place};
use super::tally::{Clock, Note, cpu_us};
use souk_node::network::{Config, Event, Network, Verdict, start};
use souk_protocol::identity::DeviceKey;
use std::ops::Range;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// The one topic.
const TOPIC: &str = "swarm";

/// The networks from a place of the swarm on.
pub(super) struct Networks {
    seed: u64,
    first: usize,
    networks: Vec<Network>,
}

impl Networks {
    pub(super) async fn start(
        seed: u64,
        places: Range<usize>,
        config: impl Fn(usize) -> Config,
        noting: &mpsc::UnboundedSender<Note>,
    ) -> Result<(Self, Vec<Listening>), SwarmError> {
        let (first, mut networks, mut listening) = (places.start, Vec::new(), Vec::new());
        for place in places {
            let secret = secret(seed, place);
            let device = *DeviceKey::from_secret(&secret).device().as_bytes();
            let (network, mut events) = start(config(place), secret)?;
            listening.push(Listening {
                address: address(&mut events).await?,
                device,
                author: None,
            });
            tokio::spawn(listen(place, network.clone(), events, noting.clone()));
            networks.push(network);
        }
        let part = Self {
            seed,
            first,
            networks,
        };
        Ok((part, listening))
    }

    pub(super) async fn obey(&self, order: Order) -> Result<Answer, SwarmError> {
        let node = |place| at_place(&self.networks, self.first, place);
        match order {
            Order::Follow(_) => {
                for network in &self.networks {
                    network.subscribe(TOPIC).await?;
                }
            }
            Order::Dial { node: place, address } => drop(node(place)?.dial(&address).await?),
            Order::Look => return Ok(Answer::Looks(self.look().await?)),
            Order::Count => return Ok(Answer::Counts(self.counts())),
            Order::Publish {
                node: place,
                message,
                bytes,
            } => {
                let (network, data) = (node(place)?, payload(self.seed, message, bytes));
                let at = Clock::now();
                network.publish(TOPIC, data).await?;
                return Ok(Answer::Published(Published { at, post: None }));
            }
            // What comes is noted without.
            Order::Await(_) => {}
            Order::Stop => {
                futures::future::join_all(self.networks.iter().map(Network::shutdown)).await;
            }
        }
        Ok(Answer::Done)
    }

    async fn look(&self) -> Result<Vec<Look>, SwarmError> {
        let asked = futures::future::join_all(self.networks.iter().map(Network::status)).await;
        let looks = asked.into_iter().map(|status| {
            let status = status.ok_or_else(|| SwarmError::Stopped("a network is gone".to_owned()))?;
            let topic = status.topics.first();
            Ok(Look {
                connections: status.peers.len(),
                subscribers: topic.map_or(0, |topic| topic.peers),
                mesh: topic.map_or(0, |topic| topic.mesh),
            })
        });
        looks.collect()
    }

    fn counts(&self) -> Counts {
        let none = Counts {
            cpu_us: cpu_us(),
            ..Counts::default()
        };
        self.networks
            .iter()
            .map(Network::counts)
            .fold(none, |sum, counts| Counts {
                arrived: sum.arrived + counts.gossip_received,
                duplicates: sum.duplicates + counts.gossip_duplicates(),
                ..sum
            })
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
    noting: mpsc::UnboundedSender<Note>,
) {
    while let Some(event) = events.recv().await {
        let Event::Gossip { id, from, data, .. } = event else {
            continue;
        };
        let at = Clock::now();
        network.verdict(id, Verdict::Accept).await;
        let message = data.first_chunk().copied().map(u64::from_be_bytes);
        if let Some(message) = message.and_then(|message| usize::try_from(message).ok()) {
            // Who measures may have heard enough.
            noting
                .send(Note {
                    at,
                    node,
                    message,
                    from: Some(from),
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
