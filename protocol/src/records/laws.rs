//! The laws of a store: whatever is committed, it reads as [`Memory`] does, before and after it is
//! opened again. Behind the feature `laws`, since only a test or a benchmark may make writes that
//! admission has not seen. Everything is drawn from a seed, which a failure names. Described in
//! `spec/store.md`.

use super::{Fault, Memory, Range, Records, Tree, Write};
use crate::body::{Body, Kind, Revoke};
use crate::envelope::{Chain, Signed, seal};
use crate::follow::Follow;
use crate::id::{AuthorId, EnvelopeId, ListingId};
use crate::identity::{DeviceKey, Grant, IdentityError, Phrase, RootKey, Scopes};
use crate::limits::ENVELOPE_BYTES_MAX;
use crate::post::{Post, Reaction};
use crate::profile::Profile;
use crate::text::{Name, Prose, Tag, Text};
use crate::time::{Hybrid, Timestamp};
use crate::vouch::{PEOPLE, Vouch};

mod steps;

pub use steps::{holds_step, posts, step};

/// A store that is tested.
pub trait Commit: Records {
    /// Remembers all writes or none.
    fn commit(&mut self, writes: &[Write]) -> Result<(), Fault>;
}

impl Commit for Memory {
    fn commit(&mut self, writes: &[Write]) -> Result<(), Fault> {
        Memory::commit(self, writes);
        Ok(())
    }
}

/// A law that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, after commit {commit}: {what}")]
pub struct Broken {
    /// The seed that repeats it.
    pub seed: u64,
    /// After how many commits.
    pub commit: usize,
    /// What was read, and what should have been.
    pub what: String,
}

/// Commits of one run.
const COMMITS: usize = 40;
/// Writes of one commit, at most.
const ACTS_MAX: u64 = 8;
/// One in so many commits is followed by opening the store again.
const REOPEN_EVERY: u64 = 10;

/// Commits what the seed gives, and compares every reading with [`Memory`] after each commit and
/// after each reopening. `reopen` closes the store and opens it again; documents that no row names
/// may be gone then.
pub fn check<C: Commit>(seed: u64, store: &mut C, mut reopen: impl FnMut(&mut C)) -> Result<(), Broken> {
    let broken = |commit: usize| move |what: String| Broken { seed, commit, what };
    let mut world = World::new(seed).map_err(|error| broken(0)(error.to_string()))?;
    let mut memory = Memory::default();
    for commit in 1..=COMMITS {
        let fault = |fault: Fault| broken(commit)(fault.to_string());
        let writes = world.commit().map_err(fault)?;
        store.commit(&writes).map_err(fault)?;
        memory.commit(&writes);
        compare(&mut world, &memory, store, &writes).map_err(broken(commit))?;
        if commit == COMMITS || world.draw.below(REOPEN_EVERY) == 0 {
            reopen(store);
            memory.forget_unnamed_documents();
            compare(&mut world, &memory, store, &[])
                .map_err(|what| broken(commit)(format!("{what}, once it was opened again")))?;
        }
    }
    Ok(())
}

impl Memory {
    fn forget_unnamed_documents(&mut self) {
        let shards = self.rows.get(&Tree::Shards);
        let named = |id: &[u8; 32]| {
            shards.is_some_and(|rows| {
                rows.values()
                    .any(|value| value.windows(32).any(|part| part == id))
            })
        };
        self.documents.retain(|id, _| named(id));
    }
}

/// SplitMix64: enough for tests, and the same everywhere.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len() as u64) as usize)
    }
    fn bytes(&mut self, len: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len as usize + 8);
        while (bytes.len() as u64) < len {
            bytes.extend_from_slice(&self.next().to_be_bytes());
        }
        bytes.truncate(len as usize);
        bytes
    }
    /// Short keys of few letters, so that keys meet, and are each other's beginnings.
    fn key(&mut self) -> Vec<u8> {
        let len = self.below(5);
        (0..len)
            .map(|_| [0, 1, 0x7f, u8::MAX][self.below(4) as usize])
            .collect()
    }
    fn value(&mut self) -> Vec<u8> {
        let len = match self.below(12) {
            0 => 0,
            1 => ENVELOPE_BYTES_MAX as u64,
            _ => 1 + self.below(600),
        };
        self.bytes(len)
    }
}

struct Speaker {
    author: AuthorId,
    root: DeviceKey,
    key: DeviceKey,
    grant: Grant,
    time: Hybrid,
    head: Option<(u64, EnvelopeId)>,
    root_head: Option<(u64, EnvelopeId)>,
}

impl Speaker {
    fn new(draw: &mut Draw) -> Result<Self, IdentityError> {
        let mut secret = || -> [u8; 32] { std::array::from_fn(|_| draw.next() as u8) };
        let root: RootKey = Phrase::from_entropy(&secret())?.root_key()?;
        let key = DeviceKey::from_secret(&secret());
        Ok(Self {
            author: root.author(),
            grant: root.grant(key.device(), Scopes::ALL, 0, None)?,
            root: root.as_device(),
            key,
            time: Hybrid::default(),
            head: None,
            root_head: None,
        })
    }

    fn tick(&mut self, wall_ms: u64) -> Hybrid {
        self.time = self.time.next(Timestamp(wall_ms));
        self.time
    }

    /// Says something in the device's log, or as a state.
    fn say(&mut self, wall_ms: u64, body: Body) -> Result<Signed, Fault> {
        let log = body.state_key().is_none();
        let chain = log.then(|| Chain::after(self.head));
        let time = self.tick(wall_ms);
        let said = seal(&self.key, self.author, Some(&self.grant), time, chain, body)?;
        if let Some(chain) = chain {
            self.head = Some((chain.seq, said.id()));
        }
        Ok(said)
    }

    fn say_as_root(&mut self, wall_ms: u64, body: Body) -> Result<Signed, Fault> {
        let chain = Chain::after(self.root_head);
        let time = self.tick(wall_ms);
        let said = seal(&self.root, self.author, None, time, Some(chain), body)?;
        self.root_head = Some((chain.seq, said.id()));
        Ok(said)
    }
}

/// Who speaks, and what they have said.
struct World {
    draw: Draw,
    speakers: Vec<Speaker>,
    said: Vec<Signed>,
    documents: Vec<[u8; 32]>,
    clock_ms: u64,
}

impl World {
    fn new(seed: u64) -> Result<Self, IdentityError> {
        let mut draw = Draw(seed);
        let speakers = (0..3)
            .map(|_| Speaker::new(&mut draw))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            draw,
            speakers,
            said: Vec::new(),
            documents: Vec::new(),
            clock_ms: 1_700_000_000_000,
        })
    }

    fn commit(&mut self) -> Result<Vec<Write>, Fault> {
        let acts = self.draw.below(ACTS_MAX + 1);
        let mut writes = Vec::new();
        for _ in 0..acts {
            writes.extend(self.act()?);
        }
        Ok(writes)
    }

    fn act(&mut self) -> Result<Vec<Write>, Fault> {
        self.clock_ms += self.draw.below(3);
        match self.draw.below(10) {
            0..=2 => self.local(),
            3..=6 => self.speak(),
            7 => self.equivocate(),
            8 => self.cut(),
            _ => self.document(),
        }
    }

    fn local(&mut self) -> Result<Vec<Write>, Fault> {
        const TREES: &[Tree] = &[
            Tree::Me,
            Tree::Follows,
            Tree::Outbox,
            Tree::Drafts,
            Tree::Addresses,
            Tree::Holds,
            Tree::Done,
            Tree::Events,
        ];
        let tree = self.draw.pick(TREES).copied().unwrap_or(Tree::Me);
        let value = (self.draw.below(3) > 0).then(|| self.draw.value());
        Ok(vec![Write::local(tree, &self.draw.key(), value)?])
    }

    fn speak(&mut self) -> Result<Vec<Write>, Fault> {
        let (who, whom) = (self.draw.below(3) as usize, self.draw.below(2) as usize);
        let others = self
            .speakers
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != who);
        let Some(other) = others.map(|(_, other)| other.author).nth(whom) else {
            return Ok(Vec::new());
        };
        let parent = self.draw.pick(&self.said).map(Signed::id);
        let words = "ware ".repeat(self.draw.below(300) as usize);
        let text = Prose::fitted(&words);
        let body: Body = match (self.draw.below(6), parent) {
            (0, _) => Profile {
                name: Name::fitted(&words),
                ..Profile::default()
            }
            .into(),
            (1, _) => Follow {
                who: other,
                stands: self.draw.below(2) == 0,
            }
            .into(),
            (2, _) => {
                let category = Tag::fitted(PEOPLE);
                Vouch {
                    subject: other,
                    category,
                    stands: true,
                    why: text,
                }
                .into()
            }
            (3, Some(to)) => Reaction {
                to,
                emoji: Text::fitted("♥"),
            }
            .into(),
            (_, reply_to) => Post {
                text,
                reply_to,
                ..Post::default()
            }
            .into(),
        };
        let clock_ms = self.clock_ms;
        let Some(speaker) = self.speakers.get_mut(who) else {
            return Ok(Vec::new());
        };
        let said = speaker.say(clock_ms, body)?;
        self.said.push(said.clone());
        Write::keep(&said.admit())
    }

    /// Two envelopes of one number, or a proof as large as any can be.
    fn equivocate(&mut self) -> Result<Vec<Write>, Fault> {
        let who = self.draw.below(3) as usize;
        if self.draw.below(4) == 0 {
            let len = ENVELOPE_BYTES_MAX as u64 * 2 + 4 - self.draw.below(2) * ENVELOPE_BYTES_MAX as u64;
            return Ok(vec![Write::put(
                Tree::Equivocations,
                self.draw.key(),
                self.draw.bytes(len),
            )]);
        }
        if self.draw.below(4) == 0 {
            return Ok(vec![Write::remove(Tree::Equivocations, self.draw.key())]);
        }
        let clock_ms = self.clock_ms;
        let Some(speaker) = self.speakers.get_mut(who) else {
            return Ok(Vec::new());
        };
        let before = speaker.head;
        let first = speaker.say(clock_ms, Post::default().into())?;
        speaker.head = before;
        let second = speaker.say(
            clock_ms,
            Post {
                text: Prose::fitted("no"),
                ..Post::default()
            }
            .into(),
        )?;
        Ok(Write::equivocation(&first, &second))
    }

    /// A revocation, and the end of something said.
    fn cut(&mut self) -> Result<Vec<Write>, Fault> {
        let who = self.draw.below(3) as usize;
        let clock_ms = self.clock_ms;
        let mut writes = Vec::new();
        if let Some(speaker) = self
            .speakers
            .get_mut(who)
            .filter(|_| self.clock_ms.is_multiple_of(2))
        {
            let (device, last_seq) = (speaker.key.device(), self.draw.below(9));
            let said = speaker.say_as_root(clock_ms, Revoke { device, last_seq }.into())?;
            writes.push(Write::revoked(&speaker.author, &device, last_seq));
            writes.extend(Write::keep(&said.admit())?);
        }
        if let Some(said) = self.draw.pick(&self.said) {
            writes.extend(match said.body().state_key() {
                None => Write::cut(said),
                Some(key) => {
                    let (head, kind) = (said.head(), said.body().kind());
                    let slot = super::state_key(&head.author, kind, &key, Some(&head.device));
                    vec![Write::cut_state(&slot)]
                }
            });
        }
        Ok(writes)
    }

    fn document(&mut self) -> Result<Vec<Write>, Fault> {
        if self.draw.below(4) == 0 {
            return Ok(vec![Write::local(
                Tree::Shards,
                &[self.draw.below(4) as u8],
                None,
            )?]);
        }
        let len = self.draw.below(100_000);
        let (id, write) = Write::document_of(self.draw.bytes(len));
        self.documents.push(id);
        let row = Write::local(Tree::Shards, &[self.draw.below(4) as u8], Some(id.to_vec()))?;
        Ok(vec![write, row])
    }
}

/// Compares all readings; an error says what differs.
fn compare(world: &mut World, memory: &Memory, store: &dyn Records, writes: &[Write]) -> Result<(), String> {
    for change in writes.iter().filter_map(Write::change) {
        same(
            "get",
            (change.tree, &change.key),
            |records| records.get(change.tree, &change.key),
            memory,
            store,
        )?;
    }
    for tree in Tree::ALL.iter().copied() {
        same(
            "scan",
            tree,
            |records| records.scan(tree, &Range::of([], usize::MAX)),
            memory,
            store,
        )?;
        let key = world.draw.key();
        same(
            "get",
            (tree, &key),
            |records| records.get(tree, &key),
            memory,
            store,
        )?;
        for _ in 0..4 {
            let range = world.range(tree, memory);
            same(
                "scan",
                (tree, &range),
                |records| records.scan(tree, &range),
                memory,
                store,
            )?;
        }
    }
    for id in &world.documents {
        same("document", id, |records| records.document(id), memory, store)?;
    }
    compare_typed(world, memory, store)
}

impl World {
    /// A range that starts, ends or goes on at what is there, or beside it.
    fn range(&mut self, tree: Tree, memory: &Memory) -> Range {
        let keys: Vec<&Vec<u8>> = memory
            .rows
            .get(&tree)
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
            .collect();
        let mut key = || match self.draw.below(3) {
            0 => self.draw.key(),
            _ => self.draw.pick(&keys).map_or_else(Vec::new, |key| (*key).clone()),
        };
        let (mut prefix, beyond) = (key(), key());
        prefix.truncate(self.draw.below(prefix.len() as u64 + 1) as usize);
        let limits = [0, 1, 2, 5, 100, usize::MAX];
        Range {
            prefix,
            beyond: (self.draw.below(2) == 0).then_some(beyond),
            down: self.draw.below(2) == 0,
            limit: self.draw.pick(&limits).copied().unwrap_or(usize::MAX),
        }
    }
}

fn compare_typed(world: &mut World, memory: &Memory, store: &dyn Records) -> Result<(), String> {
    let limit = 1 + world.draw.below(20) as usize;
    for speaker in &world.speakers {
        let (author, device) = (speaker.author, speaker.key.device());
        let seq = world.draw.below(9);
        same(
            "log head",
            device,
            |records| records.log_head(&device),
            memory,
            store,
        )?;
        same(
            "log row",
            (device, seq),
            |records| records.log_row(&device, seq),
            memory,
            store,
        )?;
        same(
            "log after",
            (device, seq),
            |records| records.log_after(&device, seq, limit),
            memory,
            store,
        )?;
        same(
            "devices",
            author,
            |records| records.devices(&author),
            memory,
            store,
        )?;
        same(
            "state",
            author,
            |records| records.state(&author, Kind::Profile, &[]),
            memory,
            store,
        )?;
        same(
            "state of",
            author,
            |records| records.state_of(&author, Kind::Profile, &[], &device),
            memory,
            store,
        )?;
        same(
            "states",
            author,
            |records| records.states(&author, None, None, limit),
            memory,
            store,
        )?;
        same(
            "state ids",
            author,
            |records| records.state_ids(&author),
            memory,
            store,
        )?;
        same(
            "vouches",
            author,
            |records| records.vouches(&author, limit),
            memory,
            store,
        )?;
        same(
            "revocation",
            author,
            |records| records.revocation(&author, &device),
            memory,
            store,
        )?;
        same(
            "equivocated",
            author,
            |records| records.has_equivocated(&author),
            memory,
            store,
        )?;
        let listing = ListingId::of(&author, "lamp");
        same(
            "reviews",
            author,
            |records| records.reviews(&author, &listing, limit),
            memory,
            store,
        )?;
    }
    for _ in 0..4 {
        let Some(said) = world.draw.pick(&world.said) else {
            break;
        };
        let id = said.id();
        same("envelope", id, |records| records.envelope(&id), memory, store)?;
        same(
            "answers",
            id,
            |records| records.answers(&id, Kind::Post, limit),
            memory,
            store,
        )?;
    }
    same(
        "timeline",
        limit,
        |records| records.timeline(None, limit),
        memory,
        store,
    )
}

fn same<T: PartialEq + std::fmt::Debug>(
    reading: &str,
    of: impl std::fmt::Debug,
    read: impl Fn(&dyn Records) -> T,
    memory: &Memory,
    store: &dyn Records,
) -> Result<(), String> {
    let (expected, actual) = (read(memory), read(store));
    if expected == actual {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(600).collect::<String>();
    Err(format!(
        "{reading} of {of:?}: expected {}, got {}",
        short(&expected),
        short(&actual)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_reads_as_memory_does() {
        for seed in 0..20 {
            check(seed, &mut Memory::default(), |memory| {
                memory.forget_unnamed_documents()
            })
            .unwrap();
        }
    }

    /// A store that forgets every removal.
    struct Hoarder(Memory);

    impl Records for Hoarder {
        fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
            self.0.get(tree, key)
        }
        fn scan(&self, tree: Tree, range: &Range) -> Result<Vec<super::super::Row>, Fault> {
            self.0.scan(tree, range)
        }
        fn document(&self, id: &[u8; 32]) -> Result<Option<Vec<u8>>, Fault> {
            self.0.document(id)
        }
    }

    impl Commit for Hoarder {
        fn commit(&mut self, writes: &[Write]) -> Result<(), Fault> {
            let removal = |write: &Write| write.change().is_some_and(|change| change.value.is_none());
            let kept: Vec<Write> = writes.iter().filter(|write| !removal(write)).cloned().collect();
            self.0.commit(&kept);
            Ok(())
        }
    }

    #[test]
    fn a_store_that_forgets_removals_is_found_out() {
        let found = (0..5).filter(|seed| check(*seed, &mut Hoarder(Memory::default()), |_| ()).is_err());
        assert_eq!(found.count(), 5);
    }
}
