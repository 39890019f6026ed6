//! A network in memory: every byte arrives after the delay of its pair of devices.
//!
//! Many nodes in one process meet in a [`Memory`] instead of on sockets, under addresses that look like those
//! of sockets, so that all above the transport is what users run. Each chunk carries the moment from which the
//! other side may read it: delays neither add up nor limit the throughput, and chunks keep their order.
//! The time is real, so a delay means something as long as it is large beside the work of the nodes.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite, FutureExt, future::BoxFuture};
use libp2p::{
    Multiaddr, PeerId, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{DialOpts, ListenerId, TransportError, TransportEvent},
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
    },
    identity::Keypair,
    multiaddr::Protocol,
    noise, yamux,
};
use tokio::{
    sync::mpsc,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    address::tcp_multiaddr,
    device::{Device, device_of},
    gate::ip_of,
};

/// What a connection of this transport is to libp2p.
type Connected = (PeerId, StreamMuxerBox);
/// Who listens where, and how it is called.
type Listeners = BTreeMap<SocketAddr, (Device, PeerId, mpsc::UnboundedSender<Call>)>;
type Connecting = BoxFuture<'static, io::Result<Connected>>;

/// How long bytes take between two devices.
pub trait Delays: fmt::Debug + Send + Sync {
    /// From one to the other; asked once for each connection and direction.
    fn one_way(&self, from: &Device, to: &Device) -> Duration;
}

/// The same delay between all.
impl Delays for Duration {
    fn one_way(&self, _: &Device, _: &Device) -> Duration {
        *self
    }
}

/// A place where nodes of this process meet. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Place>);

struct Place {
    delays: Arc<dyn Delays>,
    noise: bool,
    listeners: Mutex<Listeners>,
    /// The port of the next caller, which nobody listens on.
    caller_port: AtomicU16,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Place({} listeners, {:?})",
            self.listeners().len(),
            self.delays
        )
    }
}

/// Somebody dials a listener.
struct Call {
    caller: PeerId,
    /// Where the caller says it is.
    addr: Multiaddr,
    pipe: Pipe,
}

impl Memory {
    /// A place without nodes. Connections are not encrypted: who is at the other end, the place itself says.
    pub fn new(delays: Arc<dyn Delays>) -> Self {
        Self::of(delays, false)
    }

    /// The same with Noise, for whoever wants its work in the measurement.
    pub fn with_noise(delays: Arc<dyn Delays>) -> Self {
        Self::of(delays, true)
    }

    fn of(delays: Arc<dyn Delays>, noise: bool) -> Self {
        Self(Arc::new(Place {
            delays,
            noise,
            listeners: Mutex::default(),
            caller_port: AtomicU16::new(1),
        }))
    }

    /// The transport of one node.
    pub(crate) fn transport(&self, keypair: &Keypair) -> Option<MemoryTransport> {
        Some(MemoryTransport {
            place: self.0.clone(),
            device: device_of(&keypair.public().to_peer_id())?,
            keypair: keypair.clone(),
            listeners: Vec::new(),
            news: VecDeque::new(),
        })
    }

    /// The same for a swarm that is not ours, to be compared with it; none if the key is not of a device.
    pub fn bare_transport(&self, keypair: &Keypair) -> Option<libp2p::core::transport::Boxed<Connected>> {
        self.transport(keypair).map(Transport::boxed)
    }
}

impl Place {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Nothing that holds this lock can panic half way through a change.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands one end of a new pipe to whoever listens there, and returns the other.
    fn call(
        &self,
        to: SocketAddr,
        from: &Device,
        caller: PeerId,
        ip: Option<IpAddr>,
    ) -> io::Result<(PeerId, Pipe)> {
        let listeners = self.listeners();
        let (device, peer, listener) = listeners.get(&to).ok_or(io::ErrorKind::ConnectionRefused)?;
        let (out, arriving) = mpsc::unbounded_channel();
        let (back, returning) = mpsc::unbounded_channel();
        let port = self.caller_port.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            caller,
            addr: tcp_multiaddr(SocketAddr::new(ip.unwrap_or(to.ip()), port)),
            pipe: Pipe::new(back, self.delays.one_way(device, from), arriving),
        };
        listener
            .send(call)
            .map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok((
            *peer,
            Pipe::new(out, self.delays.one_way(from, device), returning),
        ))
    }
}

/// Bytes, and the moment from which the other side may read them.
struct Chunk {
    due: Instant,
    bytes: io::Cursor<Vec<u8>>,
}

/// One end of a connection. How much lies in it is bounded by the windows of what runs over it.
struct Pipe {
    /// None once it was closed.
    out: Option<mpsc::UnboundedSender<Chunk>>,
    delay: Duration,
    incoming: mpsc::UnboundedReceiver<Chunk>,
    /// The chunk that is read next.
    next: Option<Chunk>,
    timer: Pin<Box<Sleep>>,
}

impl Pipe {
    fn new(
        out: mpsc::UnboundedSender<Chunk>,
        delay: Duration,
        incoming: mpsc::UnboundedReceiver<Chunk>,
    ) -> Self {
        Self {
            out: Some(out),
            delay,
            incoming,
            next: None,
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Waits until the next chunk may be read; false if there will be none.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.next.is_none() {
            self.next = ready!(self.incoming.poll_recv(cx));
        }
        let Some(chunk) = &self.next else {
            return Poll::Ready(false);
        };
        if Instant::now() < chunk.due {
            if self.timer.deadline() != chunk.due {
                self.timer.as_mut().reset(chunk.due);
            }
            ready!(self.timer.as_mut().poll(cx));
        }
        Poll::Ready(true)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() || !ready!(self.poll_due(cx)) {
            return Poll::Ready(Ok(0));
        }
        let Some(mut chunk) = self.next.take() else {
            return Poll::Ready(Ok(0));
        };
        let read = io::Read::read(&mut chunk.bytes, buf)?;
        if chunk.bytes.position() < chunk.bytes.get_ref().len() as u64 {
            self.next = Some(chunk);
        }
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // An empty chunk would read as the end.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let chunk = Chunk {
            due: Instant::now() + self.delay,
            bytes: io::Cursor::new(buf.to_vec()),
        };
        let sent = self.out.as_ref().and_then(|out| out.send(chunk).ok());
        Poll::Ready(sent.map(|()| buf.len()).ok_or(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out = None;
        Poll::Ready(Ok(()))
    }
}

struct Listener {
    id: ListenerId,
    addr: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
}

/// The transport of one node in a [`Memory`].
pub(crate) struct MemoryTransport {
    place: Arc<Place>,
    device: Device,
    keypair: Keypair,
    listeners: Vec<Listener>,
    news: VecDeque<TransportEvent<Connecting, io::Error>>,
}

impl MemoryTransport {
    fn stop_listening(&mut self, at: usize) {
        let listener = self.listeners.swap_remove(at);
        self.place.listeners().remove(&listener.addr);
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        (0..self.listeners.len()).for_each(|_| self.stop_listening(0));
    }
}

impl Transport for MemoryTransport {
    type Output = Connected;
    type Error = io::Error;
    type ListenerUpgrade = Connecting;
    type Dial = Connecting;

    fn listen_on(&mut self, id: ListenerId, addr: Multiaddr) -> Result<(), TransportError<io::Error>> {
        let at = socket_of(&addr).ok_or(TransportError::MultiaddrNotSupported(addr))?;
        let (calling, calls) = mpsc::unbounded_channel();
        {
            let mut listeners = self.place.listeners();
            if listeners.contains_key(&at) {
                return Err(TransportError::Other(io::ErrorKind::AddrInUse.into()));
            }
            let peer = self.keypair.public().to_peer_id();
            listeners.insert(at, (self.device, peer, calling));
        }
        self.listeners.push(Listener { id, addr: at, calls });
        self.news.push_back(TransportEvent::NewAddress {
            listener_id: id,
            listen_addr: tcp_multiaddr(at),
        });
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(at) = self.listeners.iter().position(|listener| listener.id == id) else {
            return false;
        };
        self.stop_listening(at);
        self.news.push_back(TransportEvent::ListenerClosed {
            listener_id: id,
            reason: Ok(()),
        });
        true
    }

    fn dial(&mut self, addr: Multiaddr, _: DialOpts) -> Result<Connecting, TransportError<io::Error>> {
        let to = socket_of(&addr).ok_or(TransportError::MultiaddrNotSupported(addr))?;
        let (place, keypair, device) = (self.place.clone(), self.keypair.clone(), self.device);
        let ip = self.listeners.first().map(|listener| listener.addr.ip());
        Ok(async move {
            let (peer, pipe) = place.call(to, &device, keypair.public().to_peer_id(), ip)?;
            if !place.noise {
                return carry(yamux::Config::default().upgrade_outbound(pipe, "").await?, peer);
            }
            let noise = noise::Config::new(&keypair).map_err(io::Error::other)?;
            let (peer, safe) = noise.upgrade_outbound(pipe, "").await.map_err(io::Error::other)?;
            carry(yamux::Config::default().upgrade_outbound(safe, "").await?, peer)
        }
        .boxed())
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TransportEvent<Connecting, io::Error>> {
        if let Some(news) = self.news.pop_front() {
            return Poll::Ready(news);
        }
        let keypair = self.place.noise.then(|| self.keypair.clone());
        for listener in &mut self.listeners {
            if let Poll::Ready(Some(call)) = listener.calls.poll_recv(cx) {
                return Poll::Ready(TransportEvent::Incoming {
                    listener_id: listener.id,
                    local_addr: tcp_multiaddr(listener.addr),
                    send_back_addr: call.addr.clone(),
                    upgrade: answer(call, keypair).boxed(),
                });
            }
        }
        Poll::Pending
    }
}

/// The listener's side of the handshake; with a key over Noise.
async fn answer(call: Call, keypair: Option<Keypair>) -> io::Result<Connected> {
    let Some(keypair) = keypair else {
        let muxer = yamux::Config::default().upgrade_inbound(call.pipe, "").await?;
        return carry(muxer, call.caller);
    };
    let noise = noise::Config::new(&keypair).map_err(io::Error::other)?;
    let (peer, safe) = noise
        .upgrade_inbound(call.pipe, "")
        .await
        .map_err(io::Error::other)?;
    carry(yamux::Config::default().upgrade_inbound(safe, "").await?, peer)
}

fn carry<C>(muxer: yamux::Muxer<C>, peer: PeerId) -> io::Result<Connected>
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    Ok((peer, StreamMuxerBox::new(muxer)))
}

/// The socket address that a TCP multiaddr stands for.
fn socket_of(addr: &Multiaddr) -> Option<SocketAddr> {
    match addr.iter().nth(1)? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip_of(addr)?, port)),
        _ => None,
    }
}
