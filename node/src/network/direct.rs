//! Requests over libp2p streams, as the swarm sees them: ours until they are answered, and those of others
//! until the driver has answered.

use std::collections::HashMap;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    PeerId,
    request_response::{self, InboundRequestId, OutboundFailure, OutboundRequestId, ResponseChannel},
    swarm::Swarm,
};
use tokio::sync::oneshot;

use super::{
    behaviour::Node,
    carrier::{Failure, Held, Reply, settle},
    counters::{add, count},
    device::{device_of, peer_of},
    error::RequestError,
    event::Event,
    frame::{Answer, Outcome},
    protocol::Protocol,
    shared::Shared,
    stream::{Answered, Ask, Asked},
};

/// One of our requests on a stream.
struct Asking {
    answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    sent: usize,
}

/// An answer of the driver on its way to its stream.
pub(crate) struct Replying {
    protocol: Protocol,
    from: PeerId,
    request: InboundRequestId,
    channel: ResponseChannel<Answered>,
    body: Option<Vec<u8>>,
}

/// All requests over streams.
pub(crate) struct Direct {
    shared: Shared,
    asking: HashMap<(Protocol, OutboundRequestId), Asking>,
    replying: FuturesUnordered<BoxFuture<'static, Replying>>,
    /// Answers that are being written, and the room that they take.
    writing: HashMap<(Protocol, InboundRequestId), Held>,
}

impl Direct {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared,
            asking: HashMap::new(),
            replying: FuturesUnordered::new(),
            writing: HashMap::new(),
        }
    }

    /// Whether an answer of the driver is waited for.
    pub(crate) fn is_replying(&self) -> bool {
        !self.replying.is_empty()
    }

    /// The next answer of the driver. Waits for ever if none is waited for.
    pub(crate) async fn replied(&mut self) -> Replying {
        match self.replying.next().await {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }

    /// Sends a request, or hands it back if its device is not connected.
    pub(crate) fn ask(&mut self, swarm: &mut Swarm<Node>, ask: Ask) {
        let Ask {
            device,
            protocol,
            data,
            answer,
        } = ask;
        let Some(peer) = peer_of(&device).filter(|peer| swarm.is_connected(peer)) else {
            answer.send(Err(Failure::NotSent(data))).ok();
            return;
        };
        let sent = data.len();
        count(&self.shared.counters.requests_stream_out);
        add(&self.shared.counters.request_bytes_out, sent);
        let id = swarm
            .behaviour_mut()
            .streams(protocol)
            .send_request(&peer, Asked::Data(data));
        self.asking.insert((protocol, id), Asking { answer, sent });
    }

    /// Sends an answer of the driver on its way.
    pub(crate) fn reply(&mut self, swarm: &mut Swarm<Node>, reply: Replying) {
        let Replying {
            protocol,
            from,
            request,
            channel,
            body,
        } = reply;
        let Shared { counters, unread, .. } = &self.shared;
        let answer = match body {
            Some(body) => match device_of(&from).and_then(|device| unread.hold(device, body.len())) {
                Some(held) => {
                    self.writing.insert((protocol, request), held);
                    Answer::of(body)
                }
                None => {
                    count(&counters.requests_busy);
                    Answer::bare(Outcome::Busy)
                }
            },
            None => {
                count(&counters.requests_refused);
                Answer::bare(Outcome::Refused)
            }
        };
        if !self.respond(swarm, protocol, channel, answer) {
            self.writing.remove(&(protocol, request));
        }
    }

    fn respond(
        &self,
        swarm: &mut Swarm<Node>,
        protocol: Protocol,
        channel: ResponseChannel<Answered>,
        answer: Answer,
    ) -> bool {
        add(&self.shared.counters.request_bytes_out, answer.body.len());
        // Fails if the asker is gone or the deadline passed; then there is nobody to tell.
        swarm
            .behaviour_mut()
            .streams(protocol)
            .send_response(channel, Answered::Answer(answer))
            .is_ok()
    }

    /// Something happened on the streams of a protocol; a request becomes an event if there is `room` for it.
    pub(crate) fn on_event(
        &mut self,
        swarm: &mut Swarm<Node>,
        protocol: Protocol,
        event: request_response::Event<Asked, Answered>,
        room: bool,
    ) -> Option<Event> {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request_id,
                    request,
                    channel,
                } => match self.admit(peer, protocol, request, room) {
                    Ok((event, waiting)) => {
                        let reply = async move {
                            Replying {
                                protocol,
                                from: peer,
                                request: request_id,
                                channel,
                                body: waiting.await.ok(),
                            }
                        };
                        self.replying.push(reply.boxed());
                        return Some(event);
                    }
                    Err(outcome) => {
                        self.respond(swarm, protocol, channel, Answer::bare(outcome));
                    }
                },
                request_response::Message::Response { request_id, response } => {
                    if let Some(asking) = self.asking.remove(&(protocol, request_id)) {
                        let answer = self.read_answer(protocol, response, asking.sent);
                        asking.answer.send(answer.map_err(Failure::Final)).ok();
                    }
                }
            },
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some(asking) = self.asking.remove(&(protocol, request_id)) {
                    asking
                        .answer
                        .send(Err(Failure::Final(self.explain(protocol, &error))))
                        .ok();
                }
            }
            // What was not read is counted where it is read; this is an answer that nobody took.
            request_response::Event::InboundFailure {
                request_id, error, ..
            } => {
                self.writing.remove(&(protocol, request_id));
                if matches!(error, request_response::InboundFailure::Timeout) {
                    count(&self.shared.counters.requests_slow);
                }
            }
            request_response::Event::ResponseSent { request_id, .. } => {
                self.writing.remove(&(protocol, request_id));
            }
        }
        None
    }

    fn read_answer(
        &self,
        protocol: Protocol,
        response: Answered,
        sent: usize,
    ) -> Result<Vec<u8>, RequestError> {
        match response {
            Answered::Answer(answer) => {
                add(&self.shared.counters.request_bytes_in, answer.body.len());
                settle(answer, protocol, sent)
            }
            Answered::TooLarge(actual) => {
                let limit = protocol.bytes_max(&self.shared.limits);
                Err(RequestError::AnswerTooLarge {
                    protocol,
                    actual,
                    limit,
                })
            }
            Answered::Malformed(status) => Err(RequestError::Malformed {
                reason: format!("unknown status {status}"),
            }),
        }
    }

    fn explain(&self, protocol: Protocol, error: &OutboundFailure) -> RequestError {
        match error {
            OutboundFailure::Timeout => {
                let deadline_ms = protocol.deadline_ms(&self.shared.limits);
                RequestError::TimedOut {
                    protocol,
                    deadline_ms,
                }
            }
            OutboundFailure::UnsupportedProtocols => RequestError::Unsupported { protocol },
            OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed | OutboundFailure::Io(_) => {
                RequestError::Lost {
                    reason: error.to_string(),
                }
            }
        }
    }

    /// The request as an event, with the end at which its answer will come; or how it ends at once.
    fn admit(
        &self,
        peer: PeerId,
        protocol: Protocol,
        asked: Asked,
        room: bool,
    ) -> Result<(Event, oneshot::Receiver<Vec<u8>>), Outcome> {
        let Shared {
            counters,
            limits,
            turns,
            ..
        } = &self.shared;
        let Asked::Data(data) = asked else {
            count(&counters.frames_too_large);
            return Err(Outcome::TooLarge);
        };
        count(&counters.requests_stream_in);
        add(&counters.request_bytes_in, data.len());
        let from = device_of(&peer).ok_or(Outcome::Refused)?;
        let turn = room.then(|| turns.take(from)).flatten().ok_or_else(|| {
            count(&counters.requests_busy);
            Outcome::Busy
        })?;
        let (reply, waiting) = Reply::new(protocol, limits, counters.clone(), turn);
        Ok((
            Event::Request {
                from,
                protocol,
                data,
                reply,
            },
            waiting,
        ))
    }
}
