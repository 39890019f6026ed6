//! Direct requests, apart from what carries them.
//!
//! A request goes to one device and has one answer. Two carriers bring it: the lane (quinn, fast) and
//! a libp2p stream (works wherever libp2p does). Both speak the frames of [`frame`](super::frame), obey
//! the same limits, and end in the same event, so the driver cannot tell them apart.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    counters::{Counters, count},
    device::Device,
    error::{ReplyError, RequestError},
    frame::{Answer, Outcome},
    limits::{Limits, REQUESTS_MAX, REQUESTS_PER_DEVICE_MAX, UNREAD_BYTES_MAX, UNREAD_BYTES_PER_DEVICE_MAX},
    protocol::Protocol,
};

/// How a carrier failed.
pub(crate) enum Failure {
    /// Nothing left this node: another carrier may take the request, which is handed back.
    NotSent(Vec<u8>),
    /// Something may have been heard, or nothing will help. Sending again is the asker's decision.
    Final(RequestError),
}

/// What an answer means to the asker, who sent `sent` bytes.
pub(crate) fn settle(answer: Answer, protocol: Protocol, sent: usize) -> Result<Vec<u8>, RequestError> {
    match answer.outcome {
        Outcome::Answered => Ok(answer.body),
        Outcome::Refused => Err(RequestError::Refused { protocol }),
        Outcome::Busy => Err(RequestError::Busy),
        Outcome::TooLarge => Err(RequestError::TooLargeThere {
            protocol,
            actual: sent,
        }),
        Outcome::Malformed => Err(RequestError::Unsupported { protocol }),
    }
}

/// One way to bring a request to a device and its answer back.
pub(crate) trait Carrier {
    /// Sends `data` and waits for the answer, no longer than the protocol's deadline.
    fn exchange(
        &self,
        device: Device,
        protocol: Protocol,
        data: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;
}

/// The right to answer one request, once. Dropping it tells the asker that it was refused. Keeping it
/// keeps one of the asker's turns occupied, even after the asker has given up.
pub struct Reply {
    answer: oneshot::Sender<Vec<u8>>,
    protocol: Protocol,
    bytes_max: usize,
    counters: Arc<Counters>,
    /// Held until the answer is given, so that no device occupies more than its share.
    _turn: Turn,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", self.protocol)
    }
}

impl Reply {
    /// A reply and the end at which its carrier waits.
    pub(crate) fn new(
        protocol: Protocol,
        limits: &Limits,
        counters: Arc<Counters>,
        turn: Turn,
    ) -> (Self, oneshot::Receiver<Vec<u8>>) {
        let (answer, waiting) = oneshot::channel();
        let bytes_max = protocol.bytes_max(limits);
        (
            Self {
                answer,
                protocol,
                bytes_max,
                counters,
                _turn: turn,
            },
            waiting,
        )
    }

    /// Answers with these bytes.
    ///
    /// # Errors
    /// [`ReplyError::TooLarge`] if they are over the protocol's limit (the asker hears "refused"),
    /// [`ReplyError::Gone`] if nobody waits any more.
    pub fn send(self, data: Vec<u8>) -> Result<(), ReplyError> {
        if data.len() > self.bytes_max {
            count(&self.counters.frames_too_large);
            let (protocol, actual, limit) = (self.protocol, data.len(), self.bytes_max);
            return Err(ReplyError::TooLarge {
                protocol,
                actual,
                limit,
            });
        }
        self.answer.send(data).map_err(|_| ReplyError::Gone)
    }
}

/// How many requests of each device are being worked on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<BTreeMap<Device, usize>>>);

impl Turns {
    /// A turn for this device; none if it, or all together, have as many as they may.
    pub(crate) fn take(&self, device: Device) -> Option<Turn> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(&device).copied().unwrap_or(0);
        if all >= REQUESTS_MAX || own >= REQUESTS_PER_DEVICE_MAX {
            return None;
        }
        open.insert(device, own + 1);
        Some(Turn {
            turns: self.clone(),
            device,
        })
    }

    fn give_back(&self, device: &Device) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(device) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(device)),
        }
    }
}

/// One request being worked on; given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    device: Device,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.give_back(&self.device);
    }
}

/// How many bytes of answers are on their way to each device. Whoever asks and does not read holds memory here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread(Arc<Mutex<BTreeMap<Device, usize>>>);

impl Unread {
    /// Room for an answer; none if this device, or all together, leave as much unread as they may.
    pub(crate) fn hold(&self, device: Device, bytes: usize) -> Option<Held> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(&device).copied().unwrap_or(0);
        if all + bytes > UNREAD_BYTES_MAX || own + bytes > UNREAD_BYTES_PER_DEVICE_MAX {
            return None;
        }
        open.insert(device, own + bytes);
        Some(Held {
            unread: self.clone(),
            device,
            bytes,
        })
    }

    fn let_go(&self, device: &Device, bytes: usize) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(device) {
            Some(own) if *own > bytes => *own -= bytes,
            _ => drop(open.remove(device)),
        }
    }
}

/// The room of one answer; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    unread: Unread,
    device: Device,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.unread.let_go(&self.device, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_device_cannot_take_the_turns_of_another() {
        let (turns, eve, bob) = (Turns::default(), [1; 32], [2; 32]);
        let mut held: Vec<_> = (0..REQUESTS_PER_DEVICE_MAX)
            .map(|_| turns.take(eve).unwrap())
            .collect();
        assert!(turns.take(eve).is_none());
        assert!(turns.take(bob).is_some());
        held.pop();
        assert!(turns.take(eve).is_some());
    }

    #[test]
    fn what_one_device_leaves_unread_takes_no_room_from_another() {
        let (unread, eve, bob) = (Unread::default(), [1; 32], [2; 32]);
        let held = unread.hold(eve, UNREAD_BYTES_PER_DEVICE_MAX).unwrap();
        assert!(unread.hold(eve, 1).is_none());
        assert!(unread.hold(bob, 1).is_some());
        drop(held);
        assert!(unread.hold(eve, 1).is_some());
        assert!(unread.0.lock().unwrap().is_empty());
    }
}
