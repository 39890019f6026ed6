//! The fallback carrier: one libp2p stream for each request.
//!
//! It goes wherever a libp2p connection goes, later also through relays, at two to three times the
//! lane's round trip. The codec reads the same frames as the lane; a frame over the limit becomes an
//! [`Asked::TooLarge`], so that it can be answered instead of breaking the stream.

use std::{io, sync::Arc};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    StreamProtocol,
    request_response::{self, ProtocolSupport},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    carrier::{Carrier, Failure},
    counters::{Counters, count},
    device::Device,
    error::RequestError,
    frame::{Answer, HEADER_BYTES, LENGTH_BYTES, Outcome, header, length_prefix, parse_header, parse_length},
    limits::{Limits, REQUESTS_PER_DEVICE_MAX},
    protocol::Protocol,
};

/// Bytes taken at a time, so that a length is not believed before its bytes are there.
const CHUNK_BYTES: usize = 64 * 1024;

/// A request as it was read.
#[derive(Debug)]
pub(crate) enum Asked {
    /// In form.
    Data(Vec<u8>),
    /// It announced more than the limit and was not read.
    TooLarge,
}

/// An answer as it was read.
#[derive(Debug)]
pub(crate) enum Answered {
    /// In form.
    Answer(Answer),
    /// It announced this many bytes, over the limit, and was not read.
    TooLarge(usize),
    /// Its status is not known.
    Malformed(u8),
}

/// Reads and writes the frames of one protocol.
#[derive(Clone)]
pub(crate) struct Codec {
    bytes_max: usize,
    counters: Arc<Counters>,
}

/// A request that is being read. libp2p lets go of one that takes too long, and says nothing.
struct Reading<'a> {
    counters: &'a Counters,
    whole: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.whole {
            count(&self.counters.requests_slow);
        }
    }
}

impl Codec {
    async fn read<T: AsyncRead + Unpin>(&self, io: &mut T) -> io::Result<Asked> {
        let mut prefix = [0; LENGTH_BYTES];
        io.read_exact(&mut prefix).await?;
        let length = parse_length(prefix);
        if length > self.bytes_max {
            return Ok(Asked::TooLarge);
        }
        Ok(Asked::Data(read_body(io, length).await?))
    }
}

/// The behaviour of one protocol.
pub(crate) type Streams = request_response::Behaviour<Codec>;

/// Sets up one protocol.
pub(crate) fn streams(protocol: Protocol, limits: &Limits, counters: &Arc<Counters>) -> Streams {
    let config = request_response::Config::default()
        .with_request_timeout(protocol.deadline(limits))
        .with_max_concurrent_streams(2 * REQUESTS_PER_DEVICE_MAX);
    let name = StreamProtocol::new(protocol.name());
    let codec = Codec {
        bytes_max: protocol.bytes_max(limits),
        counters: counters.clone(),
    };
    Streams::with_codec(codec, [(name, ProtocolSupport::Full)], config)
}

async fn read_body<T: AsyncRead + Unpin>(io: &mut T, length: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < length {
        let start = body.len();
        body.resize(length.min(start + CHUNK_BYTES), 0);
        io.read_exact(body.get_mut(start..).unwrap_or_default()).await?;
    }
    Ok(body)
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Asked;
    type Response = Answered;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Asked>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut reading = Reading {
            counters: &self.counters,
            whole: false,
        };
        let asked = self.read(io).await;
        reading.whole = true;
        if asked.is_err() {
            count(&self.counters.frames_malformed);
        }
        asked
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Answered>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = [0; HEADER_BYTES];
        io.read_exact(&mut bytes).await?;
        let (status, length) = parse_header(bytes);
        let Some(outcome) = Outcome::parse(status) else {
            return Ok(Answered::Malformed(status));
        };
        if length > self.bytes_max {
            return Ok(Answered::TooLarge(length));
        }
        let body = read_body(io, length).await?;
        Ok(Answered::Answer(Answer { outcome, body }))
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, asked: Asked) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let Asked::Data(data) = asked else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        io.write_all(&length_prefix(data.len())).await?;
        io.write_all(&data).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, answer: Answered) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let Answered::Answer(answer) = answer else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        io.write_all(&header(answer.outcome as u8, answer.body.len()))
            .await?;
        io.write_all(&answer.body).await
    }
}

/// A request on its way to the swarm, which alone may open libp2p streams.
pub(crate) struct Ask {
    pub(crate) device: Device,
    pub(crate) protocol: Protocol,
    pub(crate) data: Vec<u8>,
    pub(crate) answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

/// The carrier: hands requests to the swarm.
#[derive(Clone)]
pub(crate) struct StreamCarrier {
    pub(crate) asks: mpsc::Sender<Ask>,
}

impl Carrier for StreamCarrier {
    async fn exchange(&self, device: Device, protocol: Protocol, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let (answer, waiting) = oneshot::channel();
        let stopped = || Failure::Final(RequestError::Stopped);
        self.asks
            .send(Ask {
                device,
                protocol,
                data,
                answer,
            })
            .await
            .map_err(|_| stopped())?;
        waiting.await.map_err(|_| stopped())?
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};
    use request_response::Codec as _;

    use super::*;

    fn codec(bytes_max: usize) -> Codec {
        Codec {
            bytes_max,
            counters: Arc::default(),
        }
    }

    const NAME: StreamProtocol = StreamProtocol::new("/souk/sync/1");

    #[test]
    fn a_frame_reads_as_it_was_written() {
        let mut codec = codec(100_000);
        let mut io = Cursor::new(Vec::new());
        block_on(codec.write_request(&NAME, &mut io, Asked::Data(vec![7; 70_000]))).unwrap();
        io.set_position(0);
        let read = block_on(codec.read_request(&NAME, &mut io)).unwrap();
        assert!(matches!(read, Asked::Data(data) if data == vec![7; 70_000]));
    }

    #[test]
    fn a_frame_over_the_limit_is_not_read() {
        let mut codec = codec(9);
        let mut io = Cursor::new(10u32.to_be_bytes().to_vec());
        assert!(matches!(
            block_on(codec.read_request(&NAME, &mut io)).unwrap(),
            Asked::TooLarge
        ));
    }

    #[test]
    fn a_frame_cut_short_is_an_error() {
        let mut codec = codec(9);
        let mut io = Cursor::new([&5u32.to_be_bytes()[..], b"abc"].concat());
        assert!(block_on(codec.read_request(&NAME, &mut io)).is_err());
        assert_eq!(codec.counters.read().frames_malformed, 1);
    }
}
