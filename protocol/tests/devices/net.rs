//! Devices and the messages between them: in any order if there is luck, lost when a connection breaks.

use souk_protocol::api::{Command, Refused, Reply};
use souk_protocol::envelope::{self, Opened};
use souk_protocol::id::{AuthorId, DeviceId, OrderId};
use souk_protocol::identity::{DeviceKey, GrantCache, Phrase, RootKey, Scopes};
use souk_protocol::order::{Order, State};
use souk_protocol::pairing::{Invitation, Joining, PairAnswer, PairAsk};
use souk_protocol::peer::{self, Action, Checked, Input, Keys, Peer, read_order};
use souk_protocol::records::{Memory, Records};
use souk_protocol::sync::{Answer, Raw, Request};
use souk_protocol::text::Name;
use souk_protocol::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// SplitMix64: all that a test's luck needs, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % sides as u64).unwrap()
    }
}

/// Tries a law with as many seeds as `variable` says, and says which one broke it.
pub(crate) fn for_each_seed(variable: &str, few: u64, law: fn(u64)) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let (first, cases) = (number("SOUK_SEED").unwrap_or(1), number(variable).unwrap_or(few));
    for seed in first..first + cases {
        if let Err(failure) = std::panic::catch_unwind(|| law(seed)) {
            eprintln!("broken by seed {seed}: repeat with SOUK_SEED={seed} {variable}=1");
            std::panic::resume_unwind(failure);
        }
    }
}

pub(crate) fn root(seed: u8) -> RootKey {
    Phrase::from_entropy(&[seed; 32]).unwrap().root_key().unwrap()
}

/// Whose keys a device starts with.
#[derive(Clone)]
enum Origin {
    /// An author's first device.
    Own(u8),
    /// One that was let in: its own seed, its author, its grant, and the device that let it in.
    Joined(u8, AuthorId, souk_protocol::identity::Grant, DeviceId),
}

fn key(seed: u8) -> DeviceKey {
    DeviceKey::from_secret(&[seed; 32])
}

pub(crate) struct Node {
    origin: Origin,
    pub(crate) peer: Peer,
    pub(crate) memory: Memory,
    grants: GrantCache,
    topics: BTreeSet<AuthorId>,
    connected: BTreeSet<usize>,
    pub(crate) refusals: Vec<String>,
}

enum Flight {
    Input(Input),
    /// A question on its way: who asked, and under which number.
    Question(usize, u64, Request),
    Answer(u64, Answer),
}

/// Nodes and what is under way between them: from where, to where, what.
pub(crate) struct Net {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Node>,
    dice: Option<Dice>,
    queue: Vec<(Option<usize>, usize, Flight)>,
    /// Questions being answered: by which node, who asked under which number.
    questions: BTreeMap<u64, (usize, usize, u64)>,
    next: u64,
    replies: BTreeMap<u64, Result<Reply, Refused>>,
}

impl Net {
    /// So many people with one device each. With a seed, what is under way arrives in any order.
    pub(crate) fn new(people: u8, seed: Option<u64>) -> Self {
        let mut net = Self {
            now: 1_700_000_000_000,
            nodes: Vec::new(),
            dice: seed.map(Dice),
            queue: Vec::new(),
            questions: BTreeMap::new(),
            next: 0,
            replies: BTreeMap::new(),
        };
        for n in 0..people {
            net.add(Origin::Own(n + 1), Memory::default());
        }
        net.run();
        net
    }

    /// The same people with what they remember, none of them connected: many trials from one beginning.
    pub(crate) fn again(&self, seed: Option<u64>) -> Self {
        let mut net = Self {
            now: self.now,
            nodes: Vec::new(),
            dice: seed.map(Dice),
            queue: Vec::new(),
            questions: BTreeMap::new(),
            next: self.next,
            replies: BTreeMap::new(),
        };
        for node in &self.nodes {
            net.add(node.origin.clone(), node.memory.clone());
        }
        net.run();
        net
    }

    fn peer(origin: &Origin, memory: &Memory) -> Peer {
        match origin {
            Origin::Own(seed) => {
                let (root, device) = (root(*seed), key(seed + 100));
                let grant = root.grant(device.device(), Scopes::ALL, 0, None).unwrap();
                let author = root.author();
                let keys = Keys {
                    device,
                    author,
                    grant,
                };
                Peer::start(keys, memory)
                    .unwrap()
                    .with_root(root)
                    .with_chance([*seed; 32])
            }
            Origin::Joined(seed, author, grant, primary) => {
                let (author, grant) = (*author, grant.clone());
                let device = key(*seed);
                let keys = Keys {
                    device,
                    author,
                    grant,
                };
                let peer = Peer::start(keys, memory).unwrap().with_chance([*seed; 32]);
                peer.with_primary(*primary, memory).unwrap()
            }
        }
    }

    fn add(&mut self, origin: Origin, memory: Memory) -> usize {
        self.nodes.push(Node {
            peer: Self::peer(&origin, &memory),
            origin,
            memory,
            grants: GrantCache::default(),
            topics: BTreeSet::new(),
            connected: BTreeSet::new(),
            refusals: Vec::new(),
        });
        let at = self.nodes.len() - 1;
        self.queue.push((None, at, Flight::Input(Input::Start)));
        at
    }

    /// Stops a node and starts it again from what it remembers.
    pub(crate) fn restart(&mut self, at: usize) {
        for other in self.nodes[at].connected.clone() {
            self.disconnect(at, other);
        }
        self.queue.retain(|(_, to, _)| *to != at);
        let node = &mut self.nodes[at];
        node.peer = Self::peer(&node.origin, &node.memory);
        node.topics.clear();
        self.queue.push((None, at, Flight::Input(Input::Start)));
    }

    /// Puts an older copy of a node's directory in its place, as an owner does who thinks it is a backup.
    pub(crate) fn put_back(&mut self, at: usize, older: Memory) {
        let writes = peer::copied(&older).unwrap();
        self.nodes[at].memory = older;
        self.nodes[at].memory.commit(&writes);
        self.restart(at);
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn at(&self, device: &DeviceId) -> Option<usize> {
        self.nodes.iter().position(|node| node.peer.device() == *device)
    }

    pub(crate) fn connect(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            if self.nodes[here].connected.insert(there) {
                let device = self.nodes[there].peer.device();
                self.queue
                    .push((None, here, Flight::Input(Input::Connected(device))));
            }
        }
    }

    /// Breaks a connection: what is under way on it is lost, and whoever asked learns that there is no answer.
    pub(crate) fn disconnect(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            if self.nodes[here].connected.remove(&there) {
                let device = self.nodes[there].peer.device();
                self.queue
                    .push((None, here, Flight::Input(Input::Disconnected(device))));
            }
        }
        let mut unanswered = Vec::new();
        self.queue.retain(|(from, to, flight)| {
            let lost = *from == Some(one) && *to == other || *from == Some(other) && *to == one;
            match flight {
                Flight::Question(asker, exchange, _) if lost => unanswered.push((*asker, *exchange)),
                Flight::Answer(exchange, _) if lost => unanswered.push((*to, *exchange)),
                _ => {}
            }
            !lost
        });
        self.questions.retain(|_, (by, asker, exchange)| {
            let lost = (*by, *asker) == (one, other) || (*by, *asker) == (other, one);
            if lost {
                unanswered.push((*asker, *exchange));
            }
            !lost
        });
        self.tell_unanswered(unanswered);
    }

    /// Loses the questions of a kind that are under way, and says how many: who asked learns that there is no answer.
    pub(crate) fn lose(&mut self, kind: fn(&Request) -> bool) -> usize {
        let mut unanswered = Vec::new();
        self.queue.retain(|(_, _, flight)| match flight {
            Flight::Question(asker, exchange, request) if kind(request) => {
                unanswered.push((*asker, *exchange));
                false
            }
            _ => true,
        });
        let lost = unanswered.len();
        self.tell_unanswered(unanswered);
        lost
    }

    /// Whoever asked these learns that there is no answer.
    fn tell_unanswered(&mut self, exchanges: Vec<(usize, u64)>) {
        for (asker, exchange) in exchanges {
            let answer = None;
            self.queue
                .push((None, asker, Flight::Input(Input::Answered { exchange, answer })));
        }
    }

    fn opened(&mut self, at: usize, raws: Vec<Raw>) -> Vec<Checked> {
        let grants = &mut self.nodes[at].grants;
        raws.iter().map(|raw| envelope::open(raw, grants)).collect()
    }

    /// Delivers one thing that is under way; says whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        if self.queue.is_empty() {
            return false;
        }
        let index = match &mut self.dice {
            Some(dice) => dice.roll(self.queue.len()),
            None => 0,
        };
        // What a node is told by its own machine keeps its order.
        let index = match &self.queue[index] {
            (None, to, _) => {
                let first = |(from, at, _): &(Option<usize>, usize, Flight)| from.is_none() && at == to;
                self.queue.iter().position(first).unwrap()
            }
            _ => index,
        };
        let (_, at, flight) = self.queue.remove(index);
        let input = match flight {
            Flight::Input(input) => input,
            Flight::Question(asker, exchange, request) => {
                let question = self.fresh();
                self.questions.insert(question, (at, asker, exchange));
                let from = self.nodes[asker].peer.device();
                let request = request.map(|raws| self.opened(at, raws));
                Input::Asked {
                    question,
                    from,
                    request,
                }
            }
            Flight::Answer(exchange, answer) => {
                let answer = Some(answer.map(|raws| self.opened(at, raws)));
                Input::Answered { exchange, answer }
            }
        };
        self.handle(at, input);
        true
    }

    /// Handles until nothing is left to say.
    pub(crate) fn run(&mut self) {
        for _ in 0..200_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the peers never fall silent");
    }

    /// A node looks at its clock.
    pub(crate) fn tick(&mut self, at: usize) {
        self.queue.push((None, at, Flight::Input(Input::Tick)));
    }

    /// Lets time pass, and what follows from it.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now += ms;
        (0..self.nodes.len()).for_each(|at| self.tick(at));
        self.run();
    }

    fn handle(&mut self, at: usize, input: Input) {
        self.now += 1;
        let now = Timestamp(self.now);
        let node = &mut self.nodes[at];
        let step = node.peer.handle(now, input, &node.memory).unwrap();
        node.memory.commit(&step.writes);
        for action in step.actions {
            self.perform(at, action);
        }
    }

    fn perform(&mut self, at: usize, action: Action) {
        let me = self.nodes[at].peer.device();
        match action {
            Action::Announce(announcement) => {
                let bytes = announcement.bytes().to_vec();
                for to in self.nodes[at].connected.clone() {
                    let envelope = envelope::open(&bytes, &mut self.nodes[to].grants);
                    let Ok(Opened::Known(signed)) = &envelope else {
                        panic!("an announcement does not open: {envelope:?}");
                    };
                    if self.nodes[to].topics.contains(&signed.author()) {
                        let gossip = self.fresh();
                        let heard = Input::Heard {
                            gossip,
                            from: me,
                            envelope: Box::new(envelope),
                        };
                        self.queue.push((Some(at), to, Flight::Input(heard)));
                    }
                }
            }
            Action::Join(author) => drop(self.nodes[at].topics.insert(author)),
            Action::Leave(author) => drop(self.nodes[at].topics.remove(&author)),
            Action::Ask {
                exchange,
                to,
                request,
            } => {
                // As on the wire: written and read again.
                let request = Request::read(&request.write().unwrap()).unwrap();
                match self.at(&to).filter(|to| self.nodes[at].connected.contains(to)) {
                    Some(to) => self
                        .queue
                        .push((Some(at), to, Flight::Question(at, exchange, request))),
                    None => {
                        let answer = None;
                        self.queue
                            .push((None, at, Flight::Input(Input::Answered { exchange, answer })));
                    }
                }
            }
            Action::Answer { question, answer } => {
                let answer = Answer::read(&answer.write().unwrap()).unwrap();
                if let Some((_, asker, exchange)) = self.questions.remove(&question) {
                    self.queue
                        .push((Some(at), asker, Flight::Answer(exchange, answer)));
                }
            }
            Action::Reply { ticket, reply } => drop(self.replies.insert(ticket, reply)),
            Action::Count(refusal) => self.nodes[at].refusals.push(refusal.to_string()),
            Action::Judge { .. } | Action::Provide(_) | Action::Tell(_) | Action::Index { .. } => {}
            // Who is connected to whom is what a test decides.
            Action::Seek { .. } => {}
        }
    }

    /// A wish, carried out at once; what follows from it is under way.
    pub(crate) fn wish(&mut self, at: usize, command: Command) -> Result<Reply, Refused> {
        let ticket = self.fresh();
        let command = Box::new(command);
        self.handle(at, Input::Command { ticket, command });
        self.replies.remove(&ticket).unwrap()
    }

    pub(crate) fn done(&mut self, at: usize, command: Command) -> Reply {
        let words = format!("{command:?}");
        self.wish(at, command)
            .unwrap_or_else(|refused| panic!("{words}: {refused:?}"))
    }

    /// A new device of the author at a node, let in as an owner would: with the words that it shows.
    pub(crate) fn pair(&mut self, at: usize, seed: u8) -> usize {
        let Reply::Invited { code, .. } = self.done(
            at,
            Command::InviteDevice {
                addresses: Vec::new(),
            },
        ) else {
            panic!("no code")
        };
        let joiner = key(seed).device();
        let invitation = Invitation::parse(&code).unwrap();
        let inviter = invitation.device;
        let name = Name::new("laptop").unwrap();
        let (joining, begin) = Joining::begin(invitation, joiner, [seed; 32], name);
        let begun = self.pair_step(at, joiner, begin).unwrap();
        let (words, reveal) = joining.begun(&begun).unwrap();
        self.pair_step(at, joiner, reveal).unwrap();
        let words = words.join(" ");
        self.done(at, Command::ConfirmDevice { words });
        let granted = self.pair_step(at, joiner, PairAsk::Fetch {}).unwrap();
        let (author, grant) = joining.fetched(granted).unwrap().unwrap();
        self.add(Origin::Joined(seed, author, grant, inviter), Memory::default())
    }

    /// One step of pairing: what the inviting device answers, or why it does not.
    pub(crate) fn pair_step(
        &mut self,
        at: usize,
        from: DeviceId,
        ask: PairAsk,
    ) -> Result<PairAnswer, String> {
        let question = self.fresh();
        let request = Request::Pair(ask);
        let now = Timestamp(self.now);
        let node = &mut self.nodes[at];
        let asked = Input::Asked {
            question,
            from,
            request,
        };
        let step = node.peer.handle(now, asked, &node.memory).unwrap();
        node.memory.commit(&step.writes);
        for action in step.actions {
            match action {
                Action::Answer {
                    answer: Answer::Pair(answer),
                    ..
                } => return Ok(answer),
                Action::Answer {
                    answer: Answer::Refused(why),
                    ..
                } => return Err(why.to_string()),
                Action::Answer { answer, .. } => panic!("{answer:?}"),
                _ => {}
            }
        }
        panic!("no answer")
    }

    /// What a connected device is answered to a question.
    pub(crate) fn asks(&mut self, from: usize, to: usize, request: Request) -> String {
        let (question, from) = (self.fresh(), self.device(from));
        let request = request.map(|raws| self.opened(to, raws));
        let now = Timestamp(self.now);
        let node = &mut self.nodes[to];
        let step = node
            .peer
            .handle(
                now,
                Input::Asked {
                    question,
                    from,
                    request,
                },
                &node.memory,
            )
            .unwrap();
        node.memory.commit(&step.writes);
        let answer = step
            .actions
            .iter()
            .find(|action| matches!(action, Action::Answer { .. }));
        format!("{:?}", answer.unwrap())
    }

    /// The words that wait for the owner at a node.
    pub(crate) fn words_at(&self, at: usize) -> Option<String> {
        let invited = peer::invited(&self.nodes[at].memory, Timestamp(self.now)).unwrap();
        invited?.joiner?.words
    }

    pub(crate) fn author(&self, at: usize) -> AuthorId {
        self.nodes[at].peer.author()
    }
    pub(crate) fn device(&self, at: usize) -> DeviceId {
        self.nodes[at].peer.device()
    }
    pub(crate) fn records(&self, at: usize) -> &dyn Records {
        &self.nodes[at].memory
    }
    pub(crate) fn order(&self, at: usize, order: &OrderId) -> Option<Order> {
        read_order(self.records(at), order).unwrap()
    }
    pub(crate) fn state(&self, at: usize, order: &OrderId) -> Option<State> {
        self.order(at, order).map(|order| order.state)
    }
}
