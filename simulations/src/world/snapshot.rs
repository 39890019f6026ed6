//! A world written down, and gone on with. What is in the memory of its peers is not written: at the moment of a
//! snapshot every node is stopped, what is on the wires is lost, and those that ran start again from their records, in the
//! run that goes on and in those that are resumed. Described in `spec/simulations.md`.

use super::acting::Cue;
use super::*;
use crate::actor::To;
use crate::mesh::pack::{Pack, Reader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use souk_protocol::envelope::Opened;
use souk_protocol::order::Order;
use souk_protocol::records::Memory;

/// What a file begins with.
const MAGIC: &[u8] = b"souk market run\n";
/// The version of what follows.
const VERSION: u32 = 1;

/// Why a world is not written down, or not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Something else, or its beginning is lost.
    #[error("this is no file that 'run --snapshot' wrote")]
    NoSnapshot,
    /// Another version's.
    #[error("the file was written by version {actual}, and this program reads version {expected}")]
    Version {
        /// The version that is read.
        expected: String,
        /// The file's.
        actual: String,
    },
    /// Bytes are missing or changed.
    #[error("the file is damaged: its checksum does not match what is in it; take another copy of it")]
    Damaged,
    /// The scenario is not the one that it was written in.
    #[error("the file was written in another scenario, or with other settings")]
    Scenario,
    /// A moment at which there is nothing to write down.
    #[error("expected a moment within the storm, before {end_s} s, got {actual_s} s")]
    Moment {
        /// When the storm ends.
        end_s: u64,
        /// The moment given.
        actual_s: u64,
    },
    /// What does not belong to the seed is not written down.
    #[error(
        "a run that is broken on purpose, or that plays what another one wrote down, is not written down"
    )]
    NotFromSeed,
    /// An envelope that does not open has no place in the file.
    #[error("an envelope was sent that does not open, so the run is not written down")]
    Unopened,
    /// An actor does not know what it wrote.
    #[error("an actor cannot take up what it wrote down")]
    Actor,
    /// What the world is made of could not be made.
    #[error("{0}")]
    World(#[from] Broken),
}

/// Puts the name and the checksum before what a file is to hold.
pub fn sealed(content: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    VERSION.pack(&mut file);
    file.extend_from_slice(blake3::hash(content).as_bytes());
    file.extend_from_slice(content);
    file
}

/// What a file holds, if nothing of it is missing or changed.
pub fn unsealed(file: &[u8]) -> Result<&[u8], SnapshotError> {
    let mut from = Reader(file.strip_prefix(MAGIC).ok_or(SnapshotError::NoSnapshot)?);
    let version = u32::unpack(&mut from).ok_or(SnapshotError::Damaged)?;
    if version != VERSION {
        return Err(SnapshotError::Version {
            expected: VERSION.to_string(),
            actual: version.to_string(),
        });
    }
    let checksum = from.take(blake3::OUT_LEN).ok_or(SnapshotError::Damaged)?;
    match blake3::hash(from.0).as_bytes() == checksum {
        true => Ok(from.0),
        false => Err(SnapshotError::Damaged),
    }
}

fn put(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_vec(value).unwrap_or_default().pack(out);
}

fn got<T: DeserializeOwned>(from: &mut Reader<'_>) -> Option<T> {
    serde_json::from_slice(&Vec::<u8>::unpack(from)?).ok()
}

/// A hash of a scenario with all its settings.
fn mark(scenario: &Scenario) -> Vec<u8> {
    blake3::hash(format!("{scenario:?}").as_bytes())
        .as_bytes()
        .to_vec()
}

impl World {
    /// Stops every node, starts those that ran again from their records, and writes down what the future of the
    /// world depends on.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, SnapshotError> {
        if self.sabotage.is_some() || !matches!(self.script, Script::Drawn) {
            return Err(SnapshotError::NotFromSeed);
        }
        let (end_ms, now_ms) = (self.scenario.storm.duration_ms, self.time);
        if now_ms >= end_ms {
            let (end_s, actual_s) = (end_ms / 1_000, now_ms / 1_000);
            return Err(SnapshotError::Moment { end_s, actual_s });
        }
        let trace = self.start_all_again();
        let mut out = Vec::new();
        mark(&self.scenario).pack(&mut out);
        self.seed.pack(&mut out);
        trace.as_bytes().to_vec().pack(&mut out);
        self.write_world(&mut out);
        self.write_queue(&mut out);
        self.write_nodes(&mut out);
        let envelopes = self.book.all().ok_or(SnapshotError::Unopened)?;
        envelopes.len().pack(&mut out);
        for signed in envelopes.values() {
            signed.bytes().to_vec().pack(&mut out);
        }
        self.write_book(&mut out);
        Ok(out)
    }

    /// The world that was written down, in the scenario and with the actors that it was written in.
    pub fn resume(scenario: Scenario, troupes: &[Troupe], snapshot: &[u8]) -> Result<Self, SnapshotError> {
        let mut from = Reader(snapshot);
        let marked = Vec::<u8>::unpack(&mut from).ok_or(SnapshotError::Damaged)?;
        if marked != mark(&scenario) {
            return Err(SnapshotError::Scenario);
        }
        let seed = u64::unpack(&mut from).ok_or(SnapshotError::Damaged)?;
        let mut world = Self::new(scenario, seed, None, false, Script::Drawn, troupes)?;
        world.read_world(&mut from).ok_or(SnapshotError::Damaged)?;
        // Events are read before the envelopes in them could be opened, so they open their own.
        world.read_queue(&mut from).ok_or(SnapshotError::Damaged)?;
        let actors = world.read_nodes(&mut from).ok_or(SnapshotError::Damaged)?;
        if !actors {
            return Err(SnapshotError::Actor);
        }
        world.read_envelopes(&mut from).ok_or(SnapshotError::Damaged)?;
        world.read_book(&mut from).ok_or(SnapshotError::Damaged)?;
        match from.0.is_empty() {
            true => Ok(world),
            false => Err(SnapshotError::Damaged),
        }
    }

    /// What is in memory is gone, and what is on the wires; nodes that ran start at once. Returns the hash of all steps
    /// so far, with which the hash of the further ones begins.
    fn start_all_again(&mut self) -> blake3::Hash {
        self.links.clear();
        self.questions.clear();
        self.gossip.clear();
        self.pushed.clear();
        // Replies come in the step of their command: what still stands here waits for nothing.
        self.tickets.clear();
        let trace = self.trace.finalize();
        self.goes_on_from(trace.as_bytes());
        let planned = std::mem::take(&mut self.queue).into_planned();
        for (at, event) in planned.filter(|(_, event)| !event.is_on_the_wires()) {
            self.queue.plan(at, event);
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            node.topics.clear();
            node.seen.clear();
            // A device that is being let in asks for a new code.
            if let Some(newcomer) = &mut node.newcomer {
                *newcomer = Newcomer::default();
            }
            if node.peer.take().is_some() {
                self.queue.plan(self.time, Event::Start(at));
            }
        }
        trace
    }

    fn goes_on_from(&mut self, trace: &[u8]) {
        self.trace = blake3::Hasher::new();
        self.trace.update(trace);
    }

    fn write_world(&self, out: &mut Vec<u8>) {
        self.chance.position().pack(out);
        self.drawn.pack(out);
        (self.time, self.jumped_ms, self.next).pack(out);
        self.stormy.pack(out);
        self.apart.pack(out);
        self.alone.pack(out);
        let lines: Vec<u64> = self.places.iter().map(places::Place::busy_until_us).collect();
        lines.pack(out);
        put(&self.counts, out);
        put(&self.samples, out);
        put(&self.events, out);
    }

    fn read_world(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let trace = Vec::<u8>::unpack(from)?;
        self.goes_on_from(&trace);
        self.chance = Chance::resumed(self.seed, u128::unpack(from)?);
        self.drawn = BTreeMap::unpack(from)?;
        (self.time, self.jumped_ms, self.next) = Pack::unpack(from)?;
        self.stormy = bool::unpack(from)?;
        self.apart = BTreeSet::unpack(from)?;
        self.alone = BTreeSet::unpack(from)?;
        let lines: Vec<u64> = Vec::unpack(from)?;
        for (place, until_us) in self.places.iter_mut().zip(lines) {
            place.be_busy_until(until_us);
        }
        self.counts = got(from)?;
        self.samples = got(from)?;
        self.events = got(from)?;
        Some(())
    }

    fn write_queue(&self, out: &mut Vec<u8>) {
        let planned = self.queue.planned();
        planned.len().pack(out);
        for (at, event) in planned {
            at.pack(out);
            event.write(out);
        }
    }

    fn read_queue(&mut self, from: &mut Reader<'_>) -> Option<()> {
        self.queue = Queue::default();
        for _ in 0..usize::unpack(from)? {
            let at = u64::unpack(from)?;
            let event = Event::read(from)?;
            self.queue.plan(at, event);
        }
        Some(())
    }

    fn write_nodes(&self, out: &mut Vec<u8>) {
        for node in &self.nodes {
            (node.life, node.off_until, node.skew_ms).pack(out);
            node.newcomer.is_some().pack(out);
            put(&node.identity.grant, out);
            write_memory(node.store.memory(), out);
        }
        for (actor, _) in self.actors.values() {
            actor.written().pack(out);
        }
    }

    /// Says whether all actors could take up what they wrote.
    fn read_nodes(&mut self, from: &mut Reader<'_>) -> Option<bool> {
        for node in &mut self.nodes {
            (node.life, node.off_until, node.skew_ms) = Pack::unpack(from)?;
            node.newcomer = bool::unpack(from)?.then(Newcomer::default);
            node.identity.grant = got(from)?;
            node.store = Store::of(read_memory(from)?);
        }
        let mut known = true;
        for (actor, _) in self.actors.values_mut() {
            known &= actor.resume(&Vec::<u8>::unpack(from)?);
        }
        Some(known)
    }

    fn read_envelopes(&mut self, from: &mut Reader<'_>) -> Option<()> {
        for _ in 0..usize::unpack(from)? {
            let bytes = Vec::<u8>::unpack(from)?;
            self.book.open(&bytes).ok()?;
        }
        Some(())
    }

    fn write_book(&self, out: &mut Vec<u8>) {
        let (stamps, numbers) = self.book.given();
        stamps.len().pack(out);
        for ((device, time), id) in stamps {
            (*device, *id).pack(out);
            (time.wall_ms, time.count).pack(out);
        }
        numbers.pack(out);
        self.book.liars.written().pack(out);
        self.book.orders.keys().copied().collect::<Vec<_>>().pack(out);
        let of_orders = self.book.orders.values().map(|thread| thread.held.clone());
        of_orders.collect::<Vec<_>>().pack(out);
        self.book.tabs.keys().copied().collect::<Vec<_>>().pack(out);
        let of_tabs = self.book.tabs.values().map(|thread| thread.held.clone());
        of_tabs.collect::<Vec<_>>().pack(out);
    }

    fn read_book(&mut self, from: &mut Reader<'_>) -> Option<()> {
        let mut stamps = BTreeMap::new();
        for _ in 0..usize::unpack(from)? {
            let (device, id) = Pack::unpack(from)?;
            let (wall_ms, count) = Pack::unpack(from)?;
            stamps.insert((device, Hybrid { wall_ms, count }), id);
        }
        self.book.take_given(stamps, BTreeMap::unpack(from)?);
        self.book.liars.resume(Pack::unpack(from)?);
        type Held = Vec<BTreeMap<usize, Vec<EnvelopeId>>>;
        let orders: Vec<OrderId> = Vec::unpack(from)?;
        for (order, held) in orders.into_iter().zip(Held::unpack(from)?) {
            for (at, ids) in held {
                for id in ids {
                    self.book.take_order_message(at, order, id);
                }
            }
            self.read_order(&order);
        }
        let tabs: Vec<TabId> = Vec::unpack(from)?;
        for (tab, held) in tabs.into_iter().zip(Held::unpack(from)?) {
            for (at, ids) in held {
                for id in ids {
                    self.book.take_tab_message(at, tab, id).ok()?;
                }
            }
        }
        Some(())
    }

    /// What each node reads of an order, and what all its messages tell. The laws look at it again when it moves.
    fn read_order(&mut self, id: &OrderId) {
        let Some(thread) = self.book.orders.get(id) else {
            return;
        };
        let read = |ids: &[EnvelopeId]| Order::fold(*id, self.book.order_messages(ids)).map(Arc::new);
        let whole = read(&thread.union());
        let mut readings = Vec::new();
        for (at, held) in &thread.held {
            readings.extend(read(held).map(|order| (*at, order)));
        }
        for (at, order) in readings {
            self.book.keep_fold(at, order);
        }
        self.book.wholes.extend(whole.map(|order| (*id, order)));
    }
}

fn write_memory(memory: &Memory, out: &mut Vec<u8>) {
    memory.len().pack(out);
    for (tree, key, value) in memory.rows() {
        out.push(tree as u8);
        key.pack(out);
        value.pack(out);
    }
    memory.documents().len().pack(out);
    for (id, bytes) in memory.documents() {
        out.extend_from_slice(id);
        bytes.pack(out);
    }
}

fn read_memory(from: &mut Reader<'_>) -> Option<Memory> {
    let mut rows = Vec::new();
    for _ in 0..usize::unpack(from)? {
        let tree = Tree::from_number(u8::unpack(from)?)?;
        rows.push((tree, Vec::unpack(from)?, Vec::unpack(from)?));
    }
    let mut documents = Vec::new();
    for _ in 0..usize::unpack(from)? {
        let id: [u8; 32] = from.take(32)?.try_into().ok()?;
        documents.push((id, Vec::unpack(from)?));
    }
    Some(Memory::of(rows, documents))
}

impl Event {
    /// Whether it is under way between nodes, or belongs to a connection.
    const fn is_on_the_wires(&self) -> bool {
        matches!(
            self,
            Self::Connected { .. }
                | Self::Disconnected { .. }
                | Self::Heard { .. }
                | Self::Asked { .. }
                | Self::Answered { .. }
                | Self::Silence { .. }
                | Self::Unanswered { .. }
        )
    }

    fn write(&self, out: &mut Vec<u8>) {
        let number = |number: u8, at: usize, out: &mut Vec<u8>| {
            out.push(number);
            at.pack(out);
        };
        match self {
            Self::Tick(at) => number(0, *at, out),
            Self::Start(at) => number(1, *at, out),
            Self::Wish(at, command) => {
                number(2, *at, out);
                put(command, out);
            }
            Self::Attend(at, Moved::Order(order)) => {
                number(3, *at, out);
                order.pack(out);
            }
            Self::Attend(at, Moved::Tab(with)) => {
                number(4, *at, out);
                with.pack(out);
            }
            Self::Somebody => number(5, 0, out),
            Self::Connect(one, other) => {
                number(6, *one, out);
                other.pack(out);
            }
            Self::Drop => number(7, 0, out),
            Self::Jump => number(8, 0, out),
            Self::Planned(part) => number(9, *part, out),
            Self::Together => number(10, 0, out),
            Self::Reunited => number(11, 0, out),
            Self::Rush(at) => number(12, *at, out),
            Self::Listed(row) => number(13, *row, out),
            Self::Night(at) => number(14, *at, out),
            Self::Cue(at, Cue::Comes) => number(15, *at, out),
            Self::Cue(at, Cue::Acts) => number(16, *at, out),
            Self::Cue(at, Cue::Told(what)) => {
                number(17, *at, out);
                put(what, out);
            }
            Self::Say(at, said, again) => {
                number(18, *at, out);
                let to = match &said.to {
                    To::All => None,
                    To::Some(nodes) => Some(nodes.clone()),
                };
                (said.envelope.bytes().to_vec(), to, *again).pack(out);
            }
            Self::Edit(at) => number(19, *at, out),
            Self::Pair(at) => number(20, *at, out),
            // Of a script, which is not written down, and of wires that are cut.
            Self::Stimulus(_)
            | Self::Connected { .. }
            | Self::Disconnected { .. }
            | Self::Heard { .. }
            | Self::Asked { .. }
            | Self::Answered { .. }
            | Self::Silence { .. }
            | Self::Unanswered { .. } => out.push(u8::MAX),
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (number, at) = (u8::unpack(from)?, usize::unpack(from)?);
        Some(match number {
            0 => Self::Tick(at),
            1 => Self::Start(at),
            2 => Self::Wish(at, got(from)?),
            3 => Self::Attend(at, Moved::Order(Pack::unpack(from)?)),
            4 => Self::Attend(at, Moved::Tab(Pack::unpack(from)?)),
            5 => Self::Somebody,
            6 => Self::Connect(at, usize::unpack(from)?),
            7 => Self::Drop,
            8 => Self::Jump,
            9 => Self::Planned(at),
            10 => Self::Together,
            11 => Self::Reunited,
            12 => Self::Rush(at),
            13 => Self::Listed(at),
            14 => Self::Night(at),
            15 => Self::Cue(at, Cue::Comes),
            16 => Self::Cue(at, Cue::Acts),
            17 => Self::Cue(at, Cue::Told(got(from)?)),
            18 => {
                let (bytes, to, again): (Vec<u8>, Option<Vec<usize>>, u8) = Pack::unpack(from)?;
                let opened = envelope::open(&bytes, &mut souk_protocol::identity::GrantCache::default());
                let Ok(Opened::Known(envelope)) = opened else {
                    return None;
                };
                let to = to.map_or(To::All, To::Some);
                Self::Say(at, Box::new(Said { envelope, to }), again)
            }
            19 => Self::Edit(at),
            20 => Self::Pair(at),
            _ => return None,
        })
    }
}
