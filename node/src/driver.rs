//! The driver: the one thread that steps the peer. It takes what has queued up, lets the peer decide
//! about each input in turn, commits all of that at once, and only then lets the actions out. It never
//! waits for the network, a disk other than the store's, or a person.
//!
//! What a step only strikes off may wait for the next commit: a sync of the disk stands between two
//! messages of a purchase otherwise, for a row whose loss would cost a repetition. It waits a tick at the
//! longest, and always goes before whatever was decided upon it.
//!
//! Without room on the disk nothing is committed and nothing is let out: whoever asked is told so, and
//! the peer, which has decided what will never be, is started again from the records once there is room.
//! Any other failed commit ends the driver. Described in `spec/architecture.md`.

use crate::clock::Clock;
use crate::store::Store;
use souk_protocol::admission::Verdict;
use souk_protocol::api::{Code, Refused};
use souk_protocol::id::DeviceId;
use souk_protocol::peer::{Action, Input, Peer};
use souk_protocol::records::{Fault, Overlay, Records, Write};
use souk_protocol::sync::Answer;
use souk_protocol::text::Prose;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Inputs that wait for the driver before whoever brings more has to wait.
pub const INPUTS_MAX: usize = 4_096;
/// Inputs that go into one commit at most.
const GROUP_MAX: usize = 1_000;
/// Writes that may wait before they are committed by themselves.
const WAITING_MAX: usize = 1_024;
/// Groups of actions that wait to be performed before the driver waits.
pub const GROUPS_MAX: usize = 256;

/// What the driver did so far.
#[derive(Debug, Default)]
pub struct DriverCounts {
    /// Inputs that were handled.
    pub inputs: AtomicU64,
    /// Commits that were made.
    pub commits: AtomicU64,
    /// Rows and documents that were written.
    pub writes: AtomicU64,
}

/// Runs until nobody can send inputs any more, or until a fault. `start` makes the peer from the records.
///
/// # Errors
/// The store or what it holds failed; what was not committed by then was not let out.
pub fn run(
    start: impl Fn() -> Result<Peer, Fault>,
    store: &Store,
    clock: &Clock,
    mut inputs: mpsc::Receiver<Input>,
    actions: &mpsc::Sender<Vec<Action>>,
    counts: &Arc<DriverCounts>,
) -> Result<(), Fault> {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    let mut life = Life::first(start()?);
    while inputs.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
        waiting.iter().for_each(|input| life.note(input));
        let unanswered: Vec<Action> = waiting.iter().filter_map(without_room).collect();
        let done = match life.peer.is_none() && store.has_room()? {
            true => life.again(start()?, &mut waiting),
            false => life.peer.is_some(),
        };
        let stepped = match done {
            true => life.step(&mut waiting, store, clock, counts),
            false => Err(Fault::Full("nothing is taken in until there is room".into())),
        };
        let group = match stepped {
            Ok(group) => group,
            Err(Fault::Full(reason)) => {
                if life.peer.take().is_some() {
                    tracing::error!(
                        reason,
                        "the disk is full: this node only reads until there is room"
                    );
                }
                // The peer that comes after this one decides anew.
                life.writes.clear();
                unanswered
            }
            Err(fault) => return Err(fault),
        };
        waiting.clear();
        // Nobody performs any more: the node is stopping, and what was decided is in the store.
        if !group.is_empty() && actions.blocking_send(group).is_err() {
            break;
        }
    }
    match life.commit(store, counts) {
        // What still waited only struck off what was done.
        Err(Fault::Full(_)) => Ok(()),
        done => done,
    }
}

/// What whoever brought an input hears if there is no room to remember what would follow from it.
fn without_room(input: &Input) -> Option<Action> {
    const WORDS: &str = "the disk is full, so nothing can be remembered";
    match input {
        Input::Command { ticket, .. } => Some(Action::Reply {
            ticket: *ticket,
            reply: Err(Refused::new(
                Code::DiskFull,
                WORDS,
                "Free some space on the disk of the node's directory; it goes on by itself.",
            )),
        }),
        Input::Asked { question, .. } => Some(Action::Answer {
            question: *question,
            answer: Answer::Refused(Prose::fitted(WORDS)),
        }),
        // Whoever passed it on is not to blame, and it is not passed on.
        Input::Heard { gossip, .. } => Some(Action::Judge {
            gossip: *gossip,
            verdict: Verdict::Ignore,
            refusal: None,
        }),
        Input::Start
        | Input::Tick
        | Input::Connected(_)
        | Input::Disconnected(_)
        | Input::Answered { .. } => None,
    }
}

/// Bits of an exchange's number that are the peer's own; those above are the number of its life.
const EXCHANGE_BITS: u32 = 40;

/// One life of the peer: from a start until the disk is full.
struct Life {
    /// None while the disk is full.
    peer: Option<Peer>,
    number: u64,
    /// Devices that are connected: a peer that is started again has to be told.
    connected: BTreeSet<DeviceId>,
    /// What was decided and not committed yet.
    writes: Vec<Write>,
}

impl Life {
    fn first(peer: Peer) -> Self {
        Self {
            peer: Some(peer),
            number: 0,
            connected: BTreeSet::new(),
            writes: Vec::new(),
        }
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::Connected(device) => drop(self.connected.insert(*device)),
            Input::Disconnected(device) => drop(self.connected.remove(device)),
            _ => {}
        }
    }

    /// There is room again: the peer goes on from what is remembered.
    fn again(&mut self, peer: Peer, waiting: &mut Vec<Input>) -> bool {
        tracing::warn!("there is room on the disk again");
        (self.peer, self.number) = (Some(peer), self.number + 1);
        let connected = self.connected.iter().copied().map(Input::Connected);
        let rest: Vec<Input> = waiting
            .drain(..)
            .filter(|input| !matches!(input, Input::Connected(_)))
            .collect();
        waiting.push(Input::Start);
        waiting.extend(connected);
        waiting.extend(rest);
        true
    }

    /// Takes the inputs that wait, commits what follows from them, and gives back what is to be done.
    fn step(
        &mut self,
        waiting: &mut Vec<Input>,
        store: &Store,
        clock: &Clock,
        counts: &DriverCounts,
    ) -> Result<Vec<Action>, Fault> {
        let Some(peer) = &mut self.peer else {
            return Ok(Vec::new());
        };
        let mut overlay = Overlay::over(store as &dyn Records);
        overlay.stage(&self.writes);
        let (mut group, mut lasting) = (Vec::new(), self.writes.len() >= WAITING_MAX);
        for input in waiting.drain(..) {
            let Some(input) = asked_in(self.number, input) else {
                continue;
            };
            counts.inputs.fetch_add(1, Ordering::Relaxed);
            lasting |= matches!(input, Input::Tick);
            let step = peer.handle(clock.now(), input, &overlay)?;
            lasting |= !step.may_wait;
            overlay.stage(&step.writes);
            self.writes.extend(step.writes);
            group.extend(step.actions);
        }
        if lasting {
            self.commit(store, counts)?;
        }
        for action in &mut group {
            if let Action::Ask { exchange, .. } = action {
                *exchange |= self.number << EXCHANGE_BITS;
            }
        }
        Ok(group)
    }

    fn commit(&mut self, store: &Store, counts: &DriverCounts) -> Result<(), Fault> {
        if !self.writes.is_empty() {
            store.commit(&self.writes)?;
            counts.commits.fetch_add(1, Ordering::Relaxed);
            counts
                .writes
                .fetch_add(self.writes.len() as u64, Ordering::Relaxed);
            self.writes.clear();
        }
        Ok(())
    }
}

/// An input as this life of the peer knows it; none if it answers what an earlier life asked.
fn asked_in(life: u64, input: Input) -> Option<Input> {
    match input {
        Input::Answered { exchange, .. } if exchange >> EXCHANGE_BITS != life => None,
        Input::Answered { exchange, answer } => Some(Input::Answered {
            exchange: exchange & ((1 << EXCHANGE_BITS) - 1),
            answer,
        }),
        input => Some(input),
    }
}
