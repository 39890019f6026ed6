//! The world: peers, their stores, the links between them, and one queue of what happens next.

mod acting;
pub mod census;
mod colluding;
mod counts;
mod devices;
mod hearing;
mod identity;
mod links;
mod places;
mod planned;
pub mod script;
pub mod snapshot;
mod speaking;
mod stepping;
pub mod toll;
mod wires;
mod wishing;

use crate::actor::{Actor, Said, Troupe};
use crate::book::{Book, Touched};
use crate::cast::{self, Moved, Person};
use crate::chance::Chance;
use crate::figure::{Progress, Row};
use crate::law::{Broken, Law};
use crate::laws::{self, Seen};
use crate::queue::Queue;
use crate::sabotage::{self, Sabotage};
use crate::scenario::Scenario;
use crate::store::Store;
use acting::Cue;
use census::Sample;
pub use counts::Counts;
use devices::{Homes, Newcomer, Ticket};
use identity::Identity;
use links::Links;
use places::Place;
use script::{Script, Stimulated};
use souk_protocol::admission::{Refusal, Verdict};
use souk_protocol::api::{Command, Happening};
use souk_protocol::envelope::{self, Signed};
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, OrderId, TabId};
use souk_protocol::identity::{DeviceKey, Grant, Phrase, RootKey, Scopes};
use souk_protocol::order::{OrderMessage, State};
use souk_protocol::peer::{Action, Input, Keys, Peer, Step};
use souk_protocol::records::{Change, Fault, Range, Records, Tree};
use souk_protocol::sync::{Answer, Raw, Request, Taken};
use souk_protocol::tab::{TabAct, TabMessage};
use souk_protocol::time::{Hybrid, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// When virtual time starts, in milliseconds since 1970. The clocks of nodes are off by their skew.
const BEGINNING_MS: u64 = 1_800_000_000_000;
/// Events of each node that a report of a broken law shows.
const LAST_EVENTS: usize = 25;
/// How often orders are counted, in milliseconds.
const SAMPLE_MS: u64 = 5_000;

struct Node {
    identity: Identity,
    /// None while it is down.
    peer: Option<Peer>,
    /// What it does to become one of its author's devices, if it is none yet.
    newcomer: Option<Newcomer>,
    store: Store,
    /// How often it was started.
    life: u64,
    /// Until when its machine is off.
    off_until: u64,
    skew_ms: u64,
    topics: BTreeSet<AuthorId>,
    /// Gossip that came before: a second copy does not reach the peer.
    seen: BTreeSet<EnvelopeId>,
    /// What happened to it of late, if the world is told to remember.
    last: VecDeque<String>,
}

impl Node {
    fn new(identity: Identity, skew_ms: u64) -> Self {
        Self {
            newcomer: identity.grant.is_none().then(Newcomer::default),
            identity,
            peer: None,
            store: Store::default(),
            life: 0,
            off_until: 0,
            skew_ms,
            topics: BTreeSet::new(),
            seen: BTreeSet::new(),
            last: VecDeque::new(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Link {
    number: u64,
    latency_ms: u64,
    /// The node that relays, if one does.
    via: Option<usize>,
}

#[derive(Debug, Clone)]
struct Question {
    asker: usize,
    life: u64,
    exchange: u64,
    asked: usize,
    link: u64,
}

enum Event {
    Tick(usize),
    Start(usize),
    Wish(usize, Box<Command>),
    Attend(usize, Moved),
    Somebody,
    Connect(usize, usize),
    Connected {
        at: usize,
        other: usize,
        link: u64,
    },
    Disconnected {
        at: usize,
        other: usize,
        life: u64,
    },
    Heard {
        at: usize,
        from: usize,
        link: u64,
        /// On whose topic.
        topic: AuthorId,
        bytes: Arc<[u8]>,
    },
    Asked {
        question: u64,
        request: Request,
    },
    Answered {
        question: u64,
        answer: Answer,
    },
    Silence {
        question: u64,
    },
    Unanswered {
        at: usize,
        life: u64,
        exchange: u64,
    },
    Drop,
    Jump,
    /// The next of the script.
    Stimulus(usize),
    Planned(usize),
    /// Those who were apart meet the others again.
    Together,
    /// Devices of one owner that could not reach each other can again.
    Reunited,
    Rush(usize),
    /// A row of the list of wishes.
    Listed(usize),
    /// Somebody's machine goes off for the night.
    Night(usize),
    /// It is an actor's turn.
    Cue(usize, Cue),
    /// An actor tries again, so many times, to say something by hand.
    Say(usize, Box<Said>, u8),
    /// The owner of a shop edits something.
    Edit(usize),
    /// A device goes on with becoming one of its author's.
    Pair(usize),
}

/// The world.
pub struct World {
    /// The scenario that it plays.
    scenario: Scenario,
    seed: u64,
    chance: Chance,
    /// How often the wires between two nodes have drawn.
    drawn: BTreeMap<(usize, usize), u64>,
    /// What comes from outside: written down while it happens, or the only thing that happens.
    script: Script,
    /// Nodes that crash at their next write.
    armed: BTreeMap<usize, bool>,
    sabotage: Option<Sabotage>,
    nodes: Vec<Node>,
    people: Vec<Person>,
    /// Where nodes are; empty if it makes no difference.
    places: Vec<Place>,
    /// Those who are no people, by their nodes, and how often they act.
    actors: BTreeMap<usize, (Box<dyn Actor>, u64)>,
    devices: BTreeMap<DeviceId, usize>,
    /// Everybody's first device, which has the number of the person.
    authors: BTreeMap<AuthorId, usize>,
    homes: Homes,
    /// What was wanted with commands whose replies matter to the world.
    tickets: BTreeMap<u64, Ticket>,
    links: Links,
    questions: BTreeMap<u64, Question>,
    gossip: BTreeMap<u64, (usize, Arc<[u8]>)>,
    /// What a node took of an author unasked: in which life and hour, and how much.
    pushed: BTreeMap<(usize, AuthorId), ((u64, u64), u32)>,
    queue: Queue<Event>,
    /// Virtual time, in milliseconds.
    time: u64,
    /// How far all clocks have jumped.
    jumped_ms: u64,
    /// Nodes that can reach each other and nobody else.
    apart: BTreeSet<usize>,
    /// Devices that cannot reach the other ones of their owner.
    alone: BTreeSet<usize>,
    stormy: bool,
    next: u64,
    remembers: bool,
    trace: blake3::Hasher,
    book: Book,
    /// What was counted.
    pub counts: Counts,
    /// How orders stood, every few seconds.
    pub samples: Vec<Sample>,
    /// Kept events.
    pub events: Vec<Row>,
}

impl World {
    /// The world of a scenario and a seed. `remembers` keeps the last events of each node in words.
    pub fn new(
        scenario: Scenario,
        seed: u64,
        sabotage: Option<Sabotage>,
        remembers: bool,
        script: Script,
        troupes: &[Troupe],
    ) -> Result<Self, Broken> {
        let mut chance = Chance::of(seed);
        let mut nodes = Vec::new();
        let actors: usize = troupes.iter().map(|troupe| troupe.count).sum();
        for at in 0..scenario.nodes + actors {
            nodes.push(Node::new(Identity::of(at)?, scenario.storm.skew_ms_max));
        }
        let ids = nodes.iter().map(|node| node.identity.author);
        let authors: Vec<AuthorId> = ids.collect();
        let of_people = authors.get(..scenario.nodes).unwrap_or_default();
        let people = cast::people(&scenario, of_people, &mut chance);
        let homes = Homes::of(&people, actors, scenario.shop.devices);
        for (at, person) in homes.further() {
            let author = people.get(person).map(|person| person.author);
            let identity = author.map(|author| Identity::further(at, author));
            nodes.extend(identity.map(|identity| Node::new(identity, scenario.storm.skew_ms_max)));
        }
        let devices = nodes.iter().map(|node| node.identity.device).zip(0..).collect();
        let mut world = Self {
            seed,
            chance,
            drawn: BTreeMap::new(),
            script,
            armed: BTreeMap::new(),
            sabotage,
            devices,
            authors: authors.into_iter().zip(0..).collect(),
            homes,
            tickets: BTreeMap::new(),
            nodes,
            people,
            places: Vec::new(),
            actors: BTreeMap::new(),
            links: Links::default(),
            questions: BTreeMap::new(),
            gossip: BTreeMap::new(),
            pushed: BTreeMap::new(),
            queue: Queue::default(),
            time: 0,
            jumped_ms: 0,
            apart: BTreeSet::new(),
            alone: BTreeSet::new(),
            stormy: true,
            next: 0,
            remembers,
            trace: blake3::Hasher::new(),
            book: Book::default(),
            counts: Counts::default(),
            samples: Vec::new(),
            events: Vec::new(),
            scenario,
        };
        world.enlist(troupes);
        world.settle();
        world.plan();
        world.plan_actors(troupes);
        Ok(world)
    }

    /// Everything that is known beforehand.
    fn plan(&mut self) {
        let storm = self.scenario.storm.clone();
        for at in 0..self.nodes.len() {
            let start = self.luck(at, at) % 500;
            self.queue.plan(start, Event::Start(at));
            let tick = start + self.luck(at, at) % storm.tick_ms.max(1);
            self.queue.plan(tick, Event::Tick(at));
            let mut wish = 1_000 + self.chance.below(5_000);
            let opening = match self.actors.contains_key(&at) {
                true => Vec::new(),
                false => cast::opening(&self.scenario, &self.people, at, &mut self.chance),
            };
            for command in opening {
                wish += self.chance.below(1_000);
                if !self.script.is_played() {
                    self.queue.plan(wish, Event::Wish(at, Box::new(command)));
                }
            }
            let knows = self.people.get(at).map(|person| person.knows.clone());
            let knows = knows.unwrap_or_default().into_iter();
            let dialled = knows.filter_map(|person| self.homes.dialled(person, at));
            for other in dialled.collect::<Vec<_>>() {
                let soon = 1_000 + self.luck(at, other) % 3_000;
                self.queue.plan(soon, Event::Connect(at, other));
            }
        }
        self.plan_devices();
        if let Script::Played(stimuli) = &self.script {
            for (number, stimulus) in stimuli.iter().enumerate() {
                self.queue.plan(stimulus.at_ms, Event::Stimulus(number));
            }
            return;
        }
        let trace = self.scenario.trace.as_ref();
        let out_of_the_blue = trace.is_none_or(|trace| trace.beside);
        for (number, row) in trace
            .into_iter()
            .flat_map(|trace| trace.rows().iter().enumerate())
        {
            self.queue.plan(row.time_ms, Event::Listed(number));
        }
        let acts = self.scenario.people.acts * u64::from(out_of_the_blue);
        for (times, event) in [
            (acts, (|| Event::Somebody) as fn() -> Event),
            (storm.drops, || Event::Drop),
            (storm.jumps, || Event::Jump),
        ] {
            for _ in 0..times {
                let at = self.chance.between(10_000, storm.duration_ms.max(10_000));
                self.queue.plan(at, event());
            }
        }
        for (number, planned) in self.scenario.plan.iter().enumerate() {
            self.queue.plan(planned.at_ms, Event::Planned(number));
        }
    }

    /// Plays the storm as far as this moment, but not to its end. `tell` hears now and then how far it is.
    pub fn play_until(&mut self, stop: u64, tell: &mut dyn FnMut(Progress)) -> Result<(), Broken> {
        let end = self.scenario.storm.duration_ms;
        while self.time < stop {
            let sampled = (self.time - self.time % SAMPLE_MS + SAMPLE_MS).min(end);
            self.until(sampled.min(stop))?;
            if sampled <= stop {
                self.sample();
                self.tell(tell);
            }
        }
        Ok(())
    }

    /// Plays what is left of the storm, and the healing. `tell` hears now and then how far it is.
    pub fn play(&mut self, tell: &mut dyn FnMut(Progress)) -> Result<(), Broken> {
        let end = self.scenario.storm.duration_ms;
        self.play_until(end, tell)?;
        self.whole()?;
        self.heal();
        let (within, every) = (self.scenario.heal.within_ms, self.scenario.heal.look_every_ms);
        let mut look = end;
        loop {
            look += every;
            self.until(look)?;
            self.sample();
            self.tell(tell);
            match self.agreement() {
                Ok(()) => break,
                Err(broken) if look - end >= within => return Err(broken),
                Err(_) => {}
            }
        }
        self.whole()
    }

    fn tell(&self, tell: &mut dyn FnMut(Progress)) {
        let last = self.scenario.storm.duration_ms + self.scenario.heal.within_ms;
        tell(Progress {
            time_us: self.time * 1_000,
            end_us: last * 1_000,
            events: self.counts.events,
        });
    }

    fn until(&mut self, end: u64) -> Result<(), Broken> {
        while self.queue.next_at().is_some_and(|at| at < end) {
            let Some((at, event)) = self.queue.pop() else {
                break;
            };
            self.time = at;
            self.counts.events += 1;
            self.happen(event)?;
        }
        self.time = end;
        Ok(())
    }

    /// Nothing fails any more; whoever is down comes back, and everybody is connected to those whom
    /// they know or follow.
    fn heal(&mut self) {
        self.stormy = false;
        self.apart.clear();
        self.alone.clear();
        for at in 0..self.nodes.len() {
            let soon = self.time + self.luck(at, at) % 500;
            self.queue.plan(soon, Event::Start(at));
            for other in self.companions(at) {
                self.queue.plan(soon + 1_000, Event::Connect(at, other));
            }
        }
    }

    /// Whom a node dials: acquaintances, whom it follows, and its owner's other devices.
    fn companions(&self, at: usize) -> Vec<usize> {
        let follows = Range::of([], usize::MAX);
        let follows = self.nodes.get(at).and_then(|node| {
            let rows = node.store.scan(Tree::Follows, &follows);
            rows.ok()
        });
        let followed = follows.unwrap_or_default();
        let followed = followed.iter().filter_map(|(key, _)| {
            let author = AuthorId::from_slice(key).ok()?;
            self.authors.get(&author).copied()
        });
        let known = self.people.get(at).map(|person| person.knows.clone());
        let others = followed.chain(known.unwrap_or_default());
        let dialled = others.filter_map(|person| self.homes.dialled(person, at));
        let all: BTreeSet<usize> = dialled.chain(self.homes.siblings(at)).collect();
        all.into_iter().collect()
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn clock(&self, node: &Node) -> Timestamp {
        Timestamp(BEGINNING_MS + self.time + self.jumped_ms + node.skew_ms - self.scenario.storm.skew_ms_max)
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Tick(at) => {
                let again = self.time + self.scenario.storm.tick_ms;
                self.queue.plan(again, Event::Tick(at));
                self.step(at, Input::Tick, "tick")
            }
            Event::Start(at) => self.start(at),
            Event::Wish(at, command) => self.wish(at, command),
            Event::Attend(at, moved) => self.attend(at, &moved),
            Event::Somebody => self.somebody(),
            Event::Connect(one, other) => {
                self.connect(one, other);
                Ok(())
            }
            Event::Connected { at, other, link } => {
                let device = self.device(other);
                match device.filter(|_| self.stands(at, other, link)) {
                    Some(device) => self.step(at, Input::Connected(device), "connected"),
                    None => Ok(()),
                }
            }
            Event::Disconnected { at, other, life } => match self.device(other) {
                Some(device) if self.lives(at, life) => {
                    self.step(at, Input::Disconnected(device), "disconnected")
                }
                _ => Ok(()),
            },
            Event::Heard {
                at,
                from,
                link,
                topic,
                bytes,
            } => self.heard(at, from, link, &topic, bytes),
            Event::Asked { question, request } => self.asked(question, request),
            Event::Answered { question, answer } => self.answered(question, answer),
            Event::Silence { question } => match self.questions.remove(&question) {
                Some(Question {
                    asker,
                    life,
                    exchange,
                    ..
                }) => self.unanswered(asker, life, exchange),
                None => Ok(()),
            },
            Event::Unanswered { at, life, exchange } => self.unanswered(at, life, exchange),
            Event::Drop => {
                if let Some((one, other)) = self
                    .chance
                    .pick(&self.links.ends())
                    .copied()
                    .filter(|_| self.stormy)
                {
                    self.drop_link(one, other);
                }
                Ok(())
            }
            Event::Jump => {
                const MINUTE_MS: u64 = 60_000;
                const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
                let jumps = [
                    20 * MINUTE_MS,
                    20 * MINUTE_MS,
                    DAY_MS + MINUTE_MS,
                    3 * DAY_MS,
                    22 * DAY_MS,
                ];
                let jump = self.chance.pick(&jumps).copied().unwrap_or(0);
                self.jump(jump);
                Ok(())
            }
            Event::Stimulus(number) => self.stimulate(number),
            Event::Planned(number) => {
                let chosen = self.chosen_for(number);
                self.carry_out(number, chosen);
                Ok(())
            }
            Event::Together => {
                self.meet_again();
                Ok(())
            }
            Event::Reunited => {
                self.reunite();
                Ok(())
            }
            Event::Rush(at) => self.decide(at, |view, _| Ok(view.rush())),
            Event::Listed(number) => self.listed(number),
            Event::Night(at) => {
                self.night(at);
                Ok(())
            }
            Event::Cue(at, cue) => self.cue(at, &cue),
            Event::Say(at, said, again) => self.say(at, &said, again),
            Event::Edit(at) => self.edit(at),
            Event::Pair(at) => self.pair(at),
        }
    }

    fn device(&self, at: usize) -> Option<DeviceId> {
        self.nodes.get(at).map(|node| node.identity.device)
    }

    fn lives(&self, at: usize, life: u64) -> bool {
        self.nodes
            .get(at)
            .is_some_and(|node| node.peer.is_some() && node.life == life)
    }

    fn start(&mut self, at: usize) -> Result<(), Broken> {
        let (now, stormy) = (self.time, self.stormy);
        let skew_ms = self.luck(at, at) % (2 * self.scenario.storm.skew_ms_max + 1);
        let may = |node: &Node| node.peer.is_none() && (now >= node.off_until || !stormy);
        if !self.nodes.get(at).is_some_and(may) {
            return Ok(());
        }
        let peer = self.peer(at);
        let peer = peer.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))?;
        let Some((peer, node)) = peer.zip(self.nodes.get_mut(at)) else {
            return Ok(());
        };
        node.peer = Some(peer);
        node.life += 1;
        if stormy {
            node.skew_ms = skew_ms;
        }
        for other in self.companions(at) {
            let soon = self.time + 50 + self.luck(at, other) % 2_000;
            self.queue.plan(soon, Event::Connect(at, other));
        }
        self.step(at, Input::Start, "start")
    }

    /// A crash: what is in memory is gone, connections break, and it comes back later.
    fn stop(&mut self, at: usize) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.peer = None;
            node.topics.clear();
            node.seen.clear();
            if self.sabotage == Some(Sabotage::ForkLog) {
                sabotage::forget_last_word(&mut node.store, &node.identity.device);
            }
        }
        let others: Vec<usize> = self.links.of(at).map(|(other, _)| other).collect();
        for other in others {
            self.disconnect(at.min(other), at.max(other));
        }
        let away = self.luck(at, at) % (self.scenario.storm.away_ms_max + 1);
        self.queue.plan(self.time + away, Event::Start(at));
    }

    fn unanswered(&mut self, at: usize, life: u64, exchange: u64) -> Result<(), Broken> {
        match self.lives(at, life) {
            true => {
                let answer = None;
                self.step(at, Input::Answered { exchange, answer }, "unanswered")
            }
            false => Ok(()),
        }
    }

    fn wish(&mut self, at: usize, command: Box<Command>) -> Result<(), Broken> {
        if self.nodes.get(at).is_none_or(|node| node.peer.is_none()) {
            return Ok(());
        }
        if self.remembers {
            self.remember(at, format!("wants {command:?}"));
        }
        self.note(|| Stimulated::Wish(at, command.clone()));
        let ticket = self.fresh();
        self.count_edit(ticket, &command);
        self.step(at, Input::Command { ticket, command }, "command")
    }

    fn jump(&mut self, ms: u64) {
        self.note(|| Stimulated::Jump(ms));
        self.jumped_ms += ms;
    }

    /// The seed that it is drawn from.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A hash over everything that happened and everything that is stored.
    pub fn digest(&self) -> blake3::Hash {
        let mut hasher = self.trace.clone();
        for node in &self.nodes {
            hasher.update(&node.store.digest());
        }
        hasher.finalize()
    }

    /// The last events of some nodes, in words.
    pub fn last_events(&self, nodes: &[usize]) -> Vec<String> {
        let nodes = nodes.iter().filter_map(|at| self.nodes.get(*at));
        let mut lines: Vec<String> = nodes.flat_map(|node| node.last.iter().cloned()).collect();
        lines.sort_by_key(|line| {
            line.trim_start()
                .split(' ')
                .next()
                .and_then(|ms| ms.parse::<u64>().ok())
        });
        lines
    }
}

/// An input in few words.
fn short(input: &Input) -> String {
    let mut words = format!("{input:?}");
    if let Some((end, _)) = words.char_indices().nth(180) {
        words.truncate(end);
    }
    words
}
