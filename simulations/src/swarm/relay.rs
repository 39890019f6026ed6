//! Wires between sockets on this machine: what comes in at one end goes out at the other after a delay.
//!
//! The kernel here cannot delay loopback, so each edge of a swarm's graph leads through a relay of its own. Each
//! chunk carries the moment at which it goes on, so delays neither add up nor limit the throughput.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Bytes of one chunk.
const CHUNK_BYTES: usize = 16 * 1_024;
/// Chunks on one wire; whoever sends more waits, as on a socket.
const CHUNKS_MAX: usize = 1_024;

/// The relays of a swarm. They end with it.
#[derive(Debug, Default)]
pub(super) struct Relays {
    wires: JoinSet<()>,
}

impl Relays {
    /// A relay to `target` with one-way delays: towards it, and back. Returns where it listens.
    pub(super) async fn open(
        &mut self,
        target: SocketAddr,
        there: Duration,
        back: Duration,
    ) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        self.wires.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(async move {
                    // Who dials sees a connection that ends, as with a target that is gone.
                    if let Ok(far) = TcpStream::connect(target).await {
                        join(near, far, there, back).await.ok();
                    }
                });
            }
        });
        Ok(address)
    }
}

async fn join(near: TcpStream, far: TcpStream, there: Duration, back: Duration) -> io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::try_join!(carry(near_in, far_out, there), carry(far_in, near_out, back))?;
    Ok(())
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) -> io::Result<()> {
    let (sending, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let reads = async move {
        let mut room = vec![0; CHUNK_BYTES];
        loop {
            let count = from.read(&mut room).await?;
            let Some(chunk) = room.get(..count).filter(|chunk| !chunk.is_empty()) else {
                return Ok::<_, io::Error>(());
            };
            if sending
                .send((Instant::now() + delay, chunk.to_vec()))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
    };
    let writes = async move {
        while let Some((due, chunk)) = under_way.recv().await {
            sleep_until(due).await;
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reads, writes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_whole_in_order_and_not_before_their_time() {
        const THERE: Duration = Duration::from_millis(40);
        const BACK: Duration = Duration::from_millis(90);
        let target = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut relays = Relays::default();
        let relay = relays
            .open(target.local_addr().unwrap(), THERE, BACK)
            .await
            .unwrap();
        let echo = tokio::spawn(async move {
            let (mut stream, _) = target.accept().await.unwrap();
            let mut all = Vec::new();
            let mut room = vec![0; 4_096];
            while all.len() < 300_000 {
                let count = stream.read(&mut room).await.unwrap();
                all.extend_from_slice(&room[..count]);
            }
            let came = Instant::now();
            stream.write_all(&all).await.unwrap();
            came
        });
        let sent: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let begun = Instant::now();
        let mut stream = TcpStream::connect(relay).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).await.unwrap();
        let (ended, came) = (Instant::now(), echo.await.unwrap());
        assert!(back == sent);
        assert!(came - begun >= THERE && ended - came >= BACK);
    }
}
