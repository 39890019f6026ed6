//! What goes into the peer and what comes out: events of the world in, things to remember and to do
//! out.

use crate::admission::{Refusal, Verdict};
use crate::api::{Command, Event, Refused, Reply};
use crate::envelope::{Announcement, OpenError, Opened};
use crate::id::{AuthorId, DeviceId, ListingId};
use crate::records::Write;
use crate::sync::{Answer, Request};

/// An envelope as it was opened before it reached the peer.
pub type Checked = Result<Opened, OpenError>;

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The node has started.
    Start,
    /// Time has passed.
    Tick,
    /// The owner wants something; `ticket` names the wish in the reply.
    Command {
        /// Names the wish in the reply.
        ticket: u64,
        /// What is wanted.
        command: Box<Command>,
    },
    /// A connection to a device stands.
    Connected(DeviceId),
    /// The last connection to a device is gone.
    Disconnected(DeviceId),
    /// A gossip message came; it is not passed on before it is judged.
    Heard {
        /// Names the message in the judgement.
        gossip: u64,
        /// Who forwarded it.
        from: DeviceId,
        /// The envelope in it.
        envelope: Box<Checked>,
    },
    /// A device asks.
    Asked {
        /// Names the question in the answer.
        question: u64,
        /// Who asks.
        from: DeviceId,
        /// What.
        request: Request<Checked>,
    },
    /// A device answered what this peer asked.
    Answered {
        /// The number under which this peer asked.
        exchange: u64,
        /// The answer; none if there was no connection, no answer in time, or no readable one.
        answer: Option<Answer<Checked>>,
    },
}

/// Something to do, after what it rests on is remembered.
#[derive(Debug)]
pub enum Action {
    /// Pass a gossip message on, or not.
    Judge {
        /// The message.
        gossip: u64,
        /// What becomes of it.
        verdict: Verdict,
        /// Why it was not kept, if it was not.
        refusal: Option<Refusal>,
    },
    /// Announce an envelope on its topic.
    Announce(Announcement),
    /// Listen to an author's topic.
    Join(AuthorId),
    /// Listen to it no longer.
    Leave(AuthorId),
    /// Ask a device; the answer comes back under the number.
    Ask {
        /// Names the question in the answer.
        exchange: u64,
        /// Whom.
        to: DeviceId,
        /// What.
        request: Request,
    },
    /// Answer a device that asked.
    Answer {
        /// The question.
        question: u64,
        /// The answer.
        answer: Answer,
    },
    /// Find devices that speak for or hold an author, and connect to them.
    Seek {
        /// Whom.
        author: AuthorId,
        /// Devices of the author that are known by name.
        devices: Vec<DeviceId>,
    },
    /// Tell the network that this node holds an author.
    Provide(AuthorId),
    /// Tell the owner what became of a wish.
    Reply {
        /// The wish.
        ticket: u64,
        /// What became of it.
        reply: Result<Reply, Refused>,
    },
    /// Tell whoever watches.
    Tell(Event),
    /// Bring these listings of a shop up to date in the search index.
    Index {
        /// The shop.
        shop: AuthorId,
        /// Its listings that changed.
        listings: Vec<ListingId>,
    },
    /// Count a refusal that no gossip message stands behind.
    Count(Refusal),
}

/// What follows from an input: first remember, then do.
#[derive(Debug, Default)]
pub struct Step {
    /// What to remember, in this order, all of it or nothing.
    pub writes: Vec<Write>,
    /// What to do once it is remembered.
    pub actions: Vec<Action>,
    /// Whether the writes may be remembered with those of a later step: they only strike off what was
    /// done, nothing that is said rests upon them, and losing them has it done once more.
    pub may_wait: bool,
}
