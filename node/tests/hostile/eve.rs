//! Eve: a libp2p peer that is not this program. She opens whatever protocol she likes, writes whatever
//! bytes she likes, as slowly as she likes, and answers what she is asked with whatever she likes.

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identify,
    identity::Keypair,
    kad::{self, store::MemoryStore},
    noise, ping,
    request_response::{self, ProtocolSupport},
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

use crate::town::DEADLINE;

/// Bytes that eve reads of anything.
const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What eve writes on a stream: pieces, with a pause after each.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) pause: Duration,
}

impl Script {
    pub(crate) fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            pieces: vec![bytes.into()],
            pause: Duration::ZERO,
        }
    }

    /// One byte after another, and after each of them nothing for a while.
    pub(crate) fn slowly(bytes: &[u8], pause: Duration) -> Self {
        Self {
            pieces: bytes.iter().map(|byte| vec![*byte]).collect(),
            pause,
        }
    }
}

/// A protocol that eve writes on by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Sync,
    Order,
    Tab,
    Mesh,
    Records,
    Push,
}

/// What eve answers: the request as it came, the answer as it goes out.
pub(crate) type Answers = Arc<dyn Fn(Wire, &[u8]) -> Vec<u8> + Send + Sync>;

#[derive(Debug)]
pub(crate) enum Said {
    Out(Script),
    In(Vec<u8>),
}

#[derive(Clone)]
pub(crate) struct Hand;

impl request_response::Codec for Hand {
    type Protocol = StreamProtocol;
    type Request = Said;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Said>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.take(READ_BYTES_MAX).read_to_end(&mut bytes).await?;
        Ok(Said::In(bytes))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.take(READ_BYTES_MAX).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, said: Said) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let Said::Out(script) = said else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        for piece in script.pieces {
            io.write_all(&piece).await?;
            io.flush().await?;
            tokio::time::sleep(script.pause).await;
        }
        Ok(())
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

type Hands = request_response::Behaviour<Hand>;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviours {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    sync: Hands,
    order: Hands,
    tab: Hands,
    mesh: Hands,
    records: Hands,
    push: Hands,
}

impl Behaviours {
    fn hands(&mut self, wire: Wire) -> &mut Hands {
        match wire {
            Wire::Sync => &mut self.sync,
            Wire::Order => &mut self.order,
            Wire::Tab => &mut self.tab,
            Wire::Mesh => &mut self.mesh,
            Wire::Records => &mut self.records,
            Wire::Push => &mut self.push,
        }
    }
}

type Job = Box<dyn FnOnce(&mut Swarm<Behaviours>) + Send>;

/// What eve notices.
#[derive(Debug)]
pub(crate) enum Noticed {
    Connected,
    /// She could not connect, or was thrown out.
    Gone,
    /// What came back on a stream, or why nothing did.
    Answer(Result<Vec<u8>, String>),
    /// How the other side calls itself.
    Agent(String),
}

/// Her, until dropped.
pub(crate) struct Eve {
    pub(crate) keypair: Keypair,
    jobs: mpsc::UnboundedSender<Job>,
    noticed: mpsc::UnboundedReceiver<Noticed>,
    /// Whom she is connected with.
    pub(crate) with: Option<PeerId>,
}

/// How eve appears.
pub(crate) struct Look {
    pub(crate) secret: [u8; 32],
    /// Where she listens, and so from where her packets come.
    pub(crate) listen: Option<Multiaddr>,
    pub(crate) answers: Answers,
}

impl Look {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            secret: *blake3::hash(name.as_bytes()).as_bytes(),
            listen: None,
            answers: Arc::new(|_, _| vec![1, 0, 0, 0, 0]),
        }
    }
}

impl Eve {
    pub(crate) fn start(look: Look) -> Self {
        let mut secret = look.secret;
        let keypair = Keypair::ed25519_from_bytes(&mut secret).unwrap();
        let mut swarm = swarm(&keypair);
        if let Some(listen) = look.listen {
            swarm.listen_on(listen).unwrap();
        }
        let (jobs, todo) = mpsc::unbounded_channel();
        let (notice, noticed) = mpsc::unbounded_channel();
        tokio::spawn(live(swarm, todo, notice, look.answers));
        Self {
            keypair,
            jobs,
            noticed,
            with: None,
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::start(Look::named(name))
    }

    /// An eve who is connected.
    pub(crate) async fn at(name: &str, address: &str) -> Self {
        let mut eve = Self::named(name);
        assert!(eve.dial(address).await, "eve was not let in");
        eve
    }

    /// Does something with her swarm.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Swarm<Behaviours>) -> T + Send + 'static,
    ) -> T {
        let (done, waiting) = oneshot::channel();
        let job = move |swarm: &mut Swarm<Behaviours>| drop(done.send(job(swarm)));
        assert!(self.jobs.send(Box::new(job)).is_ok(), "eve lives");
        waiting.await.unwrap()
    }

    /// The next thing that she notices and that `pick` wants.
    pub(crate) async fn waits<T>(&mut self, mut pick: impl FnMut(Noticed) -> Option<T>) -> T {
        let found = async {
            loop {
                let noticed = self.noticed.recv().await.expect("eve lives");
                if let Some(found) = pick(noticed) {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, found)
            .await
            .expect("eve notices something in time")
    }

    /// Dials; says whether she is connected then.
    pub(crate) async fn dial(&mut self, address: &str) -> bool {
        let address: Multiaddr = address.parse().unwrap();
        let Some(libp2p::multiaddr::Protocol::P2p(peer)) = address.iter().last() else {
            panic!("{address} names nobody")
        };
        self.with = Some(peer);
        self.with(move |swarm| swarm.dial(address).unwrap()).await;
        self.waits(|noticed| match noticed {
            Noticed::Connected => Some(true),
            Noticed::Gone => Some(false),
            _ => None,
        })
        .await
    }

    /// Writes this on a new stream.
    pub(crate) async fn writes(&self, wire: Wire, script: Script) {
        let peer = self.with.expect("eve is connected");
        self.with(move |swarm| {
            let hands = swarm.behaviour_mut().hands(wire);
            hands.send_request(&peer, Said::Out(script));
        })
        .await;
    }

    /// What comes back on a stream, sooner or later.
    pub(crate) async fn answer(&mut self) -> Result<Vec<u8>, String> {
        self.waits(|noticed| match noticed {
            Noticed::Answer(answer) => Some(answer),
            _ => None,
        })
        .await
    }

    /// Writes a frame and waits for what comes back.
    pub(crate) async fn asks(&mut self, wire: Wire, body: &[u8]) -> Result<Vec<u8>, String> {
        self.writes(wire, Script::of(frame(body))).await;
        self.answer().await
    }

    /// The port of the other side's lane, from how it calls itself.
    pub(crate) async fn lane_port(&mut self) -> u16 {
        let agent = self
            .waits(|noticed| match noticed {
                Noticed::Agent(agent) => Some(agent),
                _ => None,
            })
            .await;
        agent.split('/').nth(2).unwrap().parse().unwrap()
    }
}

/// A request as it travels on a libp2p stream.
pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn swarm(keypair: &Keypair) -> Swarm<Behaviours> {
    let id = keypair.public().to_peer_id();
    let hands = |name, support| {
        let config = request_response::Config::default()
            .with_request_timeout(2 * DEADLINE)
            .with_max_concurrent_streams(4_096);
        Hands::with_codec(Hand, [(StreamProtocol::new(name), support)], config)
    };
    let mut kad = kad::Behaviour::with_config(
        id,
        MemoryStore::new(id),
        kad::Config::new(StreamProtocol::new("/souk/kad/1")),
    );
    kad.set_mode(Some(kad::Mode::Server));
    let identify = identify::Config::new("/souk/1".into(), keypair.public()).with_agent_version("eve".into());
    let behaviours = Behaviours {
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::default(),
        kad,
        sync: hands("/souk/sync/1", ProtocolSupport::Full),
        order: hands("/souk/order/1", ProtocolSupport::Full),
        tab: hands("/souk/tab/1", ProtocolSupport::Full),
        // No gossipsub here: a stream of its own would take the place of those that eve opens by hand.
        mesh: hands("/meshsub/1.1.0", ProtocolSupport::Full),
        records: hands("/souk/kad/1", ProtocolSupport::Outbound),
        push: hands("/ipfs/id/push/1.0.0", ProtocolSupport::Outbound),
    };
    SwarmBuilder::with_existing_identity(keypair.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_quic()
        .with_behaviour(|_| behaviours)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(2 * DEADLINE))
        .build()
}

async fn live(
    mut swarm: Swarm<Behaviours>,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    notice: mpsc::UnboundedSender<Noticed>,
    answers: Answers,
) {
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => job(&mut swarm),
                None => return,
            },
            event = swarm.select_next_some() => {
                if let Some(noticed) = notices(&mut swarm, event, &answers) {
                    // Whoever no longer looks misses nothing.
                    notice.send(noticed).ok();
                }
            }
        }
    }
}

fn notices(
    swarm: &mut Swarm<Behaviours>,
    event: SwarmEvent<BehavioursEvent>,
    answers: &Answers,
) -> Option<Noticed> {
    let (wire, event) = match event {
        SwarmEvent::ConnectionEstablished { .. } => return Some(Noticed::Connected),
        SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
            return Some(Noticed::Gone);
        }
        SwarmEvent::Behaviour(BehavioursEvent::Identify(identify::Event::Received { info, .. })) => {
            return Some(Noticed::Agent(info.agent_version));
        }
        SwarmEvent::Behaviour(BehavioursEvent::Sync(event)) => (Wire::Sync, event),
        SwarmEvent::Behaviour(BehavioursEvent::Order(event)) => (Wire::Order, event),
        SwarmEvent::Behaviour(BehavioursEvent::Tab(event)) => (Wire::Tab, event),
        SwarmEvent::Behaviour(BehavioursEvent::Mesh(event)) => (Wire::Mesh, event),
        SwarmEvent::Behaviour(BehavioursEvent::Records(event)) => (Wire::Records, event),
        SwarmEvent::Behaviour(BehavioursEvent::Push(event)) => (Wire::Push, event),
        _ => return None,
    };
    match event {
        request_response::Event::Message { message, .. } => match message {
            request_response::Message::Request { request, channel, .. } => {
                let Said::In(bytes) = request else { return None };
                let answer = answers(wire, &bytes);
                // The asker may be gone already.
                swarm
                    .behaviour_mut()
                    .hands(wire)
                    .send_response(channel, answer)
                    .ok();
                None
            }
            request_response::Message::Response { response, .. } => Some(Noticed::Answer(Ok(response))),
        },
        request_response::Event::OutboundFailure { error, .. } => {
            Some(Noticed::Answer(Err(error.to_string())))
        }
        _ => None,
    }
}
