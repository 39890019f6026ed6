//! What a run holds of every node and every connection, in a few large lists. A million nodes must fit in
//! a few gigabytes, so numbers are as small as they can be, and a set of neighbours is a bit for each.

use crate::mesh::pack::packed;
use crate::mesh::params::{COUNT, Factor, Params, Score, decay, decayed};

/// One, as counters count.
pub(crate) const COUNT_ONE: u32 = COUNT as u32;

/// No connection, no neighbour, no node.
pub(crate) const NONE: u32 = u32::MAX;

/// One side of a connection: what a node knows of its neighbour. Times are in milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    /// The neighbour.
    pub(crate) peer: u32,
    /// The neighbour's side of the same connection.
    pub(crate) twin: u32,
    /// When the last message on it arrives over there; a stream keeps its order.
    pub(crate) last_arrival_us: u64,
    /// P2's counter, in parts of [`COUNT`], as all counters.
    pub(crate) first: u32,
    /// P3's.
    pub(crate) delivered: u32,
    /// P3b's.
    pub(crate) failure: u32,
    /// P4's.
    pub(crate) invalid: u32,
    /// P7's.
    pub(crate) behaviour: u32,
    /// Messages that waited too long for the line, for which gossipsub blames the peer.
    pub(crate) slow: u32,
    /// Since when it is in the mesh.
    pub(crate) grafted_ms: u32,
    /// P1's time, as it was at the last refresh.
    pub(crate) mesh_ms: u32,
    /// Until when it may not be grafted; 0 is not at all.
    pub(crate) backoff_ms: u32,
    /// Until when the score of a disconnected peer is kept; 0 is not kept.
    pub(crate) kept_ms: u32,
    /// Peers with the same address, itself among them.
    pub(crate) colocated: u16,
    /// IHAVE read since the last heartbeat.
    pub(crate) ihaves: u16,
    /// Ids asked for since the last heartbeat.
    pub(crate) asked: u16,
    /// See the constants.
    pub(crate) flags: u16,
}

packed!(Link {
    peer,
    twin,
    last_arrival_us,
    first,
    delivered,
    failure,
    invalid,
    behaviour,
    slow,
    grafted_ms,
    mesh_ms,
    backoff_ms,
    kept_ms,
    colocated,
    ihaves,
    asked,
    flags,
});

/// It is up.
pub(crate) const CONNECTED: u16 = 1;
/// This side dialled.
pub(crate) const OUTBOUND: u16 = 2;
/// The neighbour has said that it is in the topic.
pub(crate) const SUBSCRIBED: u16 = 4;
/// It is in this side's mesh.
pub(crate) const MESH: u16 = 8;
/// Long enough in the mesh for P3.
pub(crate) const ACTIVE: u16 = 16;
/// It was graylisted once, which is counted once.
pub(crate) const GRAYLISTED: u16 = 32;
/// This side is outside the topic, and tells the neighbour what it publishes.
pub(crate) const FANOUT: u16 = 64;

impl Link {
    pub(crate) fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    pub(crate) fn set(&mut self, flag: u16, on: bool) {
        match on {
            true => self.flags |= flag,
            false => self.flags &= !flag,
        }
    }

    /// Whether nothing can have taken the score below zero: most neighbours, most of the time.
    pub(crate) fn is_clean(&self, rules: &Rules) -> bool {
        self.invalid == 0
            && self.behaviour == 0
            && self.slow == 0
            && self.colocated <= rules.colocated_free
            && (rules.silence_is_free || (self.failure == 0 && !self.is(ACTIVE)))
    }

    /// Its score, in billionths of a point.
    pub(crate) fn score(&self, rules: &Rules) -> i64 {
        let score = &rules.params.score;
        let weighted =
            |counter: i64, weight: i64| (i128::from(counter) * i128::from(weight) / i128::from(COUNT)) as i64;
        let squared = |counter: i64| (i128::from(counter) * i128::from(counter) / i128::from(COUNT)) as i64;
        let mut sum = 0;
        if self.is(MESH) {
            let most = score.time_quantum_ms * score.time_cap;
            let time = i64::from(self.mesh_ms).min(most) * score.time_weight_nano;
            sum += time / score.time_quantum_ms.max(1);
        }
        sum += weighted(
            i64::from(self.first).min(score.first_cap * COUNT),
            score.first_weight_nano,
        );
        if score.delivery_weight_nano != 0 && self.is(ACTIVE) {
            let missing = (score.delivery_threshold * COUNT - i64::from(self.delivered)).max(0);
            sum += weighted(squared(missing), score.delivery_weight_nano);
        }
        sum += weighted(i64::from(self.failure), score.failure_weight_nano);
        sum += weighted(squared(i64::from(self.invalid)), score.invalid_weight_nano);
        sum = sum.min(score.topic_cap_nano);
        let crowd = (i64::from(self.colocated) - score.colocated_threshold).max(0);
        sum += crowd * crowd * score.colocated_weight_nano;
        let offences = (i64::from(self.behaviour) - score.behaviour_threshold * COUNT).max(0);
        sum += weighted(squared(offences), score.behaviour_weight_nano);
        sum + weighted(i64::from(self.slow), score.slow_weight_nano)
    }

    /// What a second does to the counters: gossipsub's refresh.
    pub(crate) fn refresh(&mut self, rules: &Rules, now_ms: u32) {
        let decays = &rules.decays;
        if self.first != 0 {
            self.first = decayed(self.first, decays.first);
        }
        if self.delivered != 0 {
            self.delivered = decayed(self.delivered, decays.delivered);
        }
        if self.failure != 0 {
            self.failure = decayed(self.failure, decays.failure);
        }
        if self.invalid != 0 {
            self.invalid = decayed(self.invalid, decays.invalid);
        }
        if self.behaviour != 0 {
            self.behaviour = decayed(self.behaviour, decays.behaviour);
        }
        if self.slow != 0 {
            self.slow = decayed(self.slow, decays.slow);
        }
        if self.is(MESH) {
            self.mesh_ms = now_ms.saturating_sub(self.grafted_ms);
            if u64::from(self.mesh_ms) > rules.params.score.delivery_activation_ms {
                self.set(ACTIVE, true);
            }
        }
    }

    /// It comes into the mesh, as far as the score is concerned.
    pub(crate) fn score_graft(&mut self, now_ms: u32) {
        (self.grafted_ms, self.mesh_ms) = (now_ms, 0);
        self.set(ACTIVE, false);
    }

    /// It leaves the mesh, as far as the score is concerned: what it owed stays with it.
    pub(crate) fn score_prune(&mut self, rules: &Rules) {
        let owed = rules.params.score.delivery_threshold * COUNT - i64::from(self.delivered);
        if self.is(ACTIVE) && owed > 0 && !rules.silence_is_free {
            let square = u32::try_from(owed * owed / COUNT).unwrap_or(u32::MAX);
            self.failure = self.failure.saturating_add(square);
        }
        self.set(ACTIVE, false);
        self.mesh_ms = 0;
    }

    /// A graft before this time is too soon. The longer of two backoffs holds.
    pub(crate) fn back_off(&mut self, until_ms: u64) {
        self.backoff_ms = self.backoff_ms.max(u32::try_from(until_ms).unwrap_or(u32::MAX));
    }

    /// What a new connection starts with; who is on it and who dialled stays.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            peer: self.peer,
            twin: self.twin,
            colocated: self.colocated,
            backoff_ms: self.backoff_ms,
            last_arrival_us: self.last_arrival_us,
            flags: self.flags & (OUTBOUND | GRAYLISTED),
            ..Self::default()
        };
    }
}

/// Adds one to a counter that has a cap.
pub(crate) fn count_up(counter: &mut u32, cap: i64) {
    let cap = u32::try_from(cap * COUNT).unwrap_or(u32::MAX);
    *counter = counter.saturating_add(COUNT_ONE).min(cap);
}

/// The parameters, and what follows from them.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) params: Params,
    pub(crate) decays: Decays,
    /// Whether P3 and P3b are off.
    pub(crate) silence_is_free: bool,
    colocated_free: u16,
}

/// What a second leaves of each counter.
#[derive(Debug, Clone)]
pub(crate) struct Decays {
    first: Factor,
    delivered: Factor,
    failure: Factor,
    invalid: Factor,
    behaviour: Factor,
    slow: Factor,
}

impl Rules {
    pub(crate) fn of(params: &Params) -> Self {
        let score: &Score = &params.score;
        Self {
            decays: Decays {
                first: decay(score.first_decay_s),
                delivered: decay(score.delivery_decay_s),
                failure: decay(score.failure_decay_s),
                invalid: decay(score.invalid_decay_s),
                behaviour: decay(score.behaviour_decay_s),
                slow: (score.slow_kept << 32) / 1_000,
            },
            silence_is_free: score.delivery_weight_nano == 0 && score.failure_weight_nano == 0,
            colocated_free: u16::try_from(score.colocated_threshold).unwrap_or(u16::MAX),
            params: params.clone(),
        }
    }
}

/// A node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Its first connection; they lie together.
    pub(crate) links_from: u32,
    /// How many there are, up or not.
    pub(crate) links: u32,
    /// Its address. Sybils may share one.
    pub(crate) address: u32,
    /// Heartbeats so far.
    pub(crate) beats: u32,
    /// When its line is free.
    pub(crate) line_free_us: u64,
    /// Since when it is there.
    pub(crate) online_since_us: u64,
    /// Bytes it has sent.
    pub(crate) sent_bytes: u64,
    /// Messages that it got and had.
    pub(crate) duplicates: u32,
    /// Messages that it got first.
    pub(crate) deliveries: u32,
    /// Connections that are up.
    pub(crate) connected: u32,
    /// Of these, the ones that others dialled.
    pub(crate) inbound: u32,
    /// Its region.
    pub(crate) region: u8,
    /// Its place in the list of policies; 0 is honest.
    pub(crate) role: u8,
    /// Its group while the network is in parts.
    pub(crate) group: u8,
    /// Whether it is there.
    pub(crate) online: bool,
    /// Whether it is not in the topic.
    pub(crate) outside: bool,
    /// What it holds of recent messages, oldest first.
    pub(crate) held: Vec<Held>,
    /// Sets of neighbours, by bits: for each held message those it came from, then those that do not want it.
    pub(crate) marks: Vec<u64>,
    /// Mesh neighbours, by their place among the connections.
    pub(crate) mesh: Vec<u32>,
    /// What was asked for and by when it must be there.
    pub(crate) promises: Vec<Promise>,
}

packed!(Node {
    links_from,
    links,
    address,
    beats,
    line_free_us,
    online_since_us,
    sent_bytes,
    duplicates,
    deliveries,
    connected,
    inbound,
    mesh,
    region,
    role,
    group,
    online,
    outside,
    held,
    marks,
    promises,
});

/// What a node holds of a message for some heartbeats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    /// Which.
    pub(crate) message: u32,
    /// The connection, by its place among the node's, that it came over first.
    pub(crate) from: u32,
    /// The heartbeat after which it came.
    pub(crate) beat: u32,
    /// When somebody first did not want it, in milliseconds; 0 is nobody.
    pub(crate) unwanted_ms: u32,
    /// When it was accepted, in milliseconds.
    pub(crate) accepted_ms: u32,
    /// How many nodes had it before.
    pub(crate) hops: u8,
    /// See the constants.
    pub(crate) verdict: u8,
}

packed!(Held {
    message,
    from,
    beat,
    unwanted_ms,
    accepted_ms,
    hops,
    verdict
});

/// Only announced: somebody does not want it.
pub(crate) const UNSEEN: u8 = 0;
/// It waits for its verdict.
pub(crate) const PENDING: u8 = 1;
/// It is passed on.
pub(crate) const ACCEPTED: u8 = 2;
/// It is dropped, and who sends it is punished.
pub(crate) const REJECTED: u8 = 3;

/// A message that was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promise {
    pub(crate) message: u32,
    pub(crate) slot: u32,
    pub(crate) until_ms: u32,
}

packed!(Promise {
    message,
    slot,
    until_ms
});

/// Which of a held message's two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It came from them.
    Heard,
    /// They do not want it.
    Unwanted,
}

impl Node {
    /// Its sides of its connections.
    pub(crate) fn sides(&self) -> std::ops::Range<u32> {
        self.links_from..self.links_from + self.links
    }

    fn words(&self) -> usize {
        (self.links as usize).div_ceil(64)
    }

    /// Where a message is held, if it is.
    pub(crate) fn find(&self, message: u32) -> Option<usize> {
        self.held.iter().rposition(|held| held.message == message)
    }

    /// Holds a message, and says where.
    pub(crate) fn hold(&mut self, held: Held) -> usize {
        self.held.push(held);
        self.marks.resize(self.held.len() * 2 * self.words(), 0);
        self.held.len() - 1
    }

    fn word(&self, place: usize, mark: Mark, slot: u32) -> usize {
        let set = place * 2 + usize::from(mark == Mark::Unwanted);
        set * self.words() + slot as usize / 64
    }

    /// Whether a neighbour is in a set.
    pub(crate) fn is_marked(&self, place: usize, mark: Mark, slot: u32) -> bool {
        let word = self.marks.get(self.word(place, mark, slot));
        word.is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Puts a neighbour into a set, and says whether it was not there.
    pub(crate) fn mark(&mut self, place: usize, mark: Mark, slot: u32) -> bool {
        let word = self.word(place, mark, slot);
        match self.marks.get_mut(word) {
            Some(word) => {
                let before = *word;
                *word |= 1 << (slot % 64);
                before != *word
            }
            None => false,
        }
    }

    /// Lets go of what was put so many heartbeats ago.
    pub(crate) fn shift(&mut self, beats: u32, history: u32) {
        let is_over = |held: &Held| beats.saturating_sub(held.beat) >= history;
        if !self.held.iter().any(is_over) {
            return;
        }
        let size = 2 * self.words();
        let mut kept = Vec::with_capacity(self.held.len() * size);
        for (held, marks) in self.held.iter().zip(self.marks.chunks(size.max(1))) {
            if !is_over(held) {
                kept.extend_from_slice(marks);
            }
        }
        kept.shrink_to_fit();
        self.marks = kept;
        self.held.retain(|held| !is_over(held));
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Memory that its lists hold.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.held.capacity() * size_of::<Held>()
            + self.marks.capacity() * 8
            + self.mesh.capacity() * 4
            + self.promises.capacity() * size_of::<Promise>()
    }
}

/// A message; nothing but what can be told of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) author: u32,
    pub(crate) published_us: u64,
    pub(crate) size_bytes: u32,
    /// Honest nodes that should get it.
    pub(crate) expected: u32,
    /// And how many of them did.
    pub(crate) delivered: u32,
    pub(crate) valid: bool,
    /// Whether it was published when the network was in parts, or just before: then the other parts need
    /// not get it.
    pub(crate) parted: bool,
    /// Whether its shortest ways were looked for.
    pub(crate) sampled: bool,
    /// Whether its author is honest.
    pub(crate) honest: bool,
}

packed!(Message {
    author,
    published_us,
    size_bytes,
    expected,
    delivered,
    valid,
    parted,
    sampled,
    honest
});

/// A list whose entries are there, as far as the program knows: a place that is not has an entry that
/// nobody looks at, so that a mistake in the model is a wrong figure in a test, and not a panic.
#[derive(Debug, Default)]
pub(crate) struct Table<T> {
    pub(crate) all: Vec<T>,
    spare: T,
}

impl<T: Default> Table<T> {
    pub(crate) fn of(all: Vec<T>) -> Self {
        Self {
            all,
            spare: T::default(),
        }
    }

    pub(crate) fn at(&self, place: u32) -> &T {
        self.all.get(place as usize).unwrap_or(&self.spare)
    }

    pub(crate) fn at_mut(&mut self, place: u32) -> &mut T {
        self.all.get_mut(place as usize).unwrap_or(&mut self.spare)
    }
}

/// Something that happens, in sixteen bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) hops: u8,
    /// Where.
    pub(crate) node: u32,
    /// That node's side of a connection.
    pub(crate) link: u32,
    /// A message, a list, a time.
    pub(crate) about: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What happens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is called in `keep_events` and in tables.
            pub(crate) fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// A node's heartbeat.
    Beat = "heartbeat",
    /// A message has its verdict.
    Judged = "judged",
    /// A message arrives.
    Data = "received",
    /// IHAVE arrives.
    Ihave = "ihave",
    /// IWANT arrives.
    Iwant = "iwant",
    /// GRAFT arrives.
    Graft = "grafted",
    /// PRUNE arrives.
    Prune = "pruned",
    /// IDONTWANT arrives.
    DontWant = "idontwant",
    /// The list of topics arrives.
    Hello = "subscribed",
    /// A connection opens.
    Connect = "connected",
    /// A message is published.
    Publish = "published",
    /// A node leaves.
    Leave = "left",
    /// A node comes back.
    Return = "returned",
    /// The network falls into parts.
    Split = "split",
    /// It is whole again.
    Heal = "healed",
    /// Somebody looks at the whole.
    Sample = "sampled",
    /// A message was new to an honest node. Never planned, only told.
    Delivered = "delivered",
    /// An honest node graylists a peer. Never planned, only told.
    Graylisted = "graylisted",
}

impl crate::mesh::pack::Pack for Event {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend([self.kind as u8, self.hops]);
        self.node.pack(out);
        self.link.pack(out);
        self.about.pack(out);
    }

    fn unpack(from: &mut crate::mesh::pack::Reader) -> Option<Self> {
        Some(Self {
            kind: Kind::ALL.get(usize::from(u8::unpack(from)?)).copied()?,
            hops: u8::unpack(from)?,
            node: u32::unpack(from)?,
            link: u32::unpack(from)?,
            about: u32::unpack(from)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::params::POINT;

    #[test]
    fn what_a_node_and_its_events_cost_is_known() {
        assert_eq!(size_of::<Event>(), 16);
        assert!(size_of::<Link>() <= 64, "{}", size_of::<Link>());
        assert!(size_of::<Node>() <= 168, "{}", size_of::<Node>());
    }

    #[test]
    fn a_score_is_the_one_of_the_specification() {
        let rules = Rules::of(&Params::default());
        let mut link = Link {
            colocated: 1,
            ..Link::default()
        };
        assert_eq!(link.score(&rules), 0);
        link.set(MESH, true);
        link.mesh_ms = 4_000_000;
        link.first = 20 * COUNT as u32;
        let best = link.score(&rules);
        assert!(
            (POINT / 52..POINT / 51).contains(&best),
            "10/512 of a point, got {best}"
        );
        link.invalid = 2 * COUNT as u32;
        assert_eq!(link.score(&rules), best - 160 * POINT);
        link.invalid = 0;
        link.behaviour = 8 * COUNT as u32;
        assert_eq!(link.score(&rules), best - 40 * POINT);
        link.behaviour = 0;
        link.colocated = 6;
        assert_eq!(link.score(&rules), best - 40 * POINT);
    }

    #[test]
    fn marks_stay_with_their_message() {
        let mut node = Node {
            links: 100,
            ..Node::default()
        };
        for message in 0..4 {
            let place = node.hold(Held {
                message,
                beat: message,
                ..Held::default()
            });
            assert!(node.mark(place, Mark::Heard, 70 + message));
            assert!(!node.mark(place, Mark::Heard, 70 + message));
        }
        node.shift(11, 10);
        assert_eq!(node.find(1), None);
        let place = node.find(3).unwrap();
        assert!(node.is_marked(place, Mark::Heard, 73));
        assert!(!node.is_marked(place, Mark::Unwanted, 73));
        assert!(!node.is_marked(place, Mark::Heard, 72));
    }
}
