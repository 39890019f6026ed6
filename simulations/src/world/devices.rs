//! Several devices of one author: which nodes are whose, and how a further one is let in, with a code, words
//! and a grant, over the same wires as everything else. Described in `spec/simulations.md`.

use super::identity::named;
use super::*;
use souk_protocol::api::{Refused, Reply};
use souk_protocol::pairing::{Invitation, Joining, PairAnswer, PairAsk};
use souk_protocol::text::Name;

/// When further devices begin to be let in, in milliseconds: after their owners opened their shops.
const PAIR_FROM_MS: u64 = 10_000;
/// How often a device that waits for something of its pairing tries again, in milliseconds.
const PAIR_AGAIN_MS: u64 = 2_000;
/// How long somebody who wants to edit waits for a device that is not running, in milliseconds.
const EDIT_AGAIN_MS: u64 = 1_000;

/// Which nodes are whose.
pub(super) struct Homes {
    /// Each person's nodes, the first device first. Its number is the person's.
    nodes: Vec<Vec<usize>>,
    /// Each node's person.
    persons: Vec<usize>,
}

impl Homes {
    /// Everybody has one device, so many others beside the people too, and shops this many.
    pub(super) fn of(people: &[Person], others: usize, devices: usize) -> Self {
        let all = people.len() + others;
        let mut homes = Self {
            nodes: (0..all).map(|at| vec![at]).collect(),
            persons: (0..all).collect(),
        };
        for ((person, who), nodes) in people.iter().enumerate().zip(&mut homes.nodes) {
            for _ in 1..if who.sells { devices } else { 1 } {
                nodes.push(homes.persons.len());
                homes.persons.push(person);
            }
        }
        homes
    }

    /// Nodes that are somebody's further device, and whose.
    pub(super) fn further(&self) -> impl Iterator<Item = (usize, usize)> {
        let persons = self.persons.iter().copied().enumerate();
        persons.filter(|(at, person)| at != person)
    }

    /// Whose a node is.
    pub(super) fn person(&self, at: usize) -> usize {
        self.persons.get(at).copied().unwrap_or(at)
    }

    /// A person's nodes, the first device first.
    pub(super) fn devices(&self, person: usize) -> &[usize] {
        self.nodes.get(person).map_or(&[], Vec::as_slice)
    }

    /// The other nodes of a node's person.
    pub(super) fn siblings(&self, at: usize) -> impl Iterator<Item = usize> {
        let all = self.devices(self.person(at)).iter().copied();
        all.filter(move |other| *other != at)
    }

    /// Which device of a person somebody's node dials: always the same one, and each is dialled by some.
    pub(super) fn dialled(&self, person: usize, by: usize) -> Option<usize> {
        let devices = self.devices(person);
        by.checked_rem(devices.len())
            .and_then(|place| devices.get(place).copied())
    }
}

/// What a device does to become one of its author's: nothing before its owner has made a code for it.
#[derive(Default)]
pub(super) struct Newcomer(Option<Pairing>);

/// A pairing that goes on.
struct Pairing {
    joining: Joining,
    /// What it shows to its owner, once it knows it.
    words: String,
    step: PairStep,
}

/// What comes next in a pairing.
#[derive(Clone)]
enum PairStep {
    /// It shows that it has the code, or its number, and waits for the answer.
    Ask(PairAsk),
    /// Both devices show these words, and the owner says yes on the first one.
    Confirm(String),
}

/// What a command was for whose reply is awaited.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ticket {
    /// To let this node in.
    Pair(usize),
    /// To edit a shop.
    Edit,
}

impl World {
    /// The peer of a node's keys and store, if it may speak.
    pub(super) fn peer(&self, at: usize) -> Result<Option<Peer>, Fault> {
        let node = self.nodes.get(at);
        let Some((node, keys)) = node.and_then(|node| Some((node, node.identity.keys()?))) else {
            return Ok(None);
        };
        let peer = Peer::start(keys, &node.store)?;
        let drawn = format!("{} {} {}", self.seed, at, node.life);
        let peer = peer.with_chance(*blake3::hash(drawn.as_bytes()).as_bytes());
        Ok(Some(
            match (&node.identity.root, self.device(self.homes.person(at))) {
                (Some(root), _) => peer.with_root(root.clone()),
                (None, Some(first)) => peer.with_primary(first, &node.store)?,
                (None, None) => peer,
            },
        ))
    }

    pub(super) fn plan_devices(&mut self) {
        for (at, _) in self.homes.further().collect::<Vec<_>>() {
            let soon = PAIR_FROM_MS + self.luck(at, at) % PAIR_AGAIN_MS;
            self.queue.plan(soon, Event::Pair(at));
        }
    }

    fn newcomer(&mut self, at: usize) -> Option<&mut Newcomer> {
        self.nodes.get_mut(at)?.newcomer.as_mut()
    }

    /// A device that is not its author's yet goes on with that, or tries again: its owner makes a code on
    /// the first device, types it here, and says yes there to the words that both show.
    pub(super) fn pair(&mut self, at: usize) -> Result<(), Broken> {
        if self.newcomer(at).is_none() {
            return Ok(());
        }
        self.queue.plan(self.time + PAIR_AGAIN_MS, Event::Pair(at));
        let first = self.homes.person(at);
        // A newer code takes the place of an older one, so they come one after another.
        let waits = |other: &usize| self.nodes.get(*other).is_some_and(|node| node.newcomer.is_some());
        if self.homes.devices(first).iter().find(|other| waits(other)) != Some(&at) {
            return Ok(());
        }
        let going = self.newcomer(at).and_then(|newcomer| newcomer.0.as_ref());
        match going.map(|pairing| pairing.step.clone()) {
            None => {
                let addresses = Vec::new();
                self.command_for(at, Command::InviteDevice { addresses })
            }
            Some(PairStep::Confirm(words)) => self.command_for(at, Command::ConfirmDevice { words }),
            Some(PairStep::Ask(ask)) => self.pair_ask(at, ask),
        }
    }

    /// A command of the owner on the first device, for the sake of another one.
    fn command_for(&mut self, newcomer: usize, command: Command) -> Result<(), Broken> {
        let first = self.homes.person(newcomer);
        let ticket = self.fresh();
        self.tickets.insert(ticket, Ticket::Pair(newcomer));
        let command = Box::new(command);
        self.step(first, Input::Command { ticket, command }, "command")
    }

    fn pair_ask(&mut self, at: usize, ask: PairAsk) -> Result<(), Broken> {
        let first = self.homes.person(at);
        self.connect(at, first);
        match self.device(first) {
            Some(device) => self.ask(at, 0, &device, Request::Pair(ask)),
            None => Ok(()),
        }
    }

    /// What becomes of a reply that belongs to the pairing of a device; says whether it does.
    pub(super) fn is_for_pairing(
        &mut self,
        ticket: u64,
        reply: &Result<Reply, Refused>,
    ) -> Result<bool, Broken> {
        let at = match self.tickets.remove(&ticket) {
            Some(Ticket::Pair(at)) => at,
            Some(Ticket::Edit) => {
                self.counts.edits_refused += u64::from(reply.is_err());
                return Ok(false);
            }
            None => return Ok(false),
        };
        let broken = |words: String| Broken::new(Law::NoFault, words, [at]);
        let device = self.device(at);
        let Some(Newcomer(going)) = self.newcomer(at) else {
            return Ok(true);
        };
        let ask = match (reply, going.as_mut(), device) {
            (Ok(Reply::Invited { code, .. }), _, Some(device)) => {
                let invitation = Invitation::parse(code).map_err(|error| broken(error.to_string()))?;
                let name = Name::new("another device").map_err(|error| broken(error.to_string()))?;
                let (joining, ask) = Joining::begin(invitation, device, named("nonce", at), name);
                let step = PairStep::Ask(ask.clone());
                let words = String::new();
                *going = Some(Pairing { joining, words, step });
                ask
            }
            (Ok(_), Some(pairing), _) => {
                pairing.step = PairStep::Ask(PairAsk::Fetch {});
                PairAsk::Fetch {}
            }
            // The invitation is over: its owner will make another code.
            _ => {
                *going = None;
                return Ok(true);
            }
        };
        self.pair_ask(at, ask)?;
        Ok(true)
    }

    /// The first device answered a device that wants to become one of its author's.
    pub(super) fn paired(&mut self, at: usize, answer: Answer) -> Result<(), Broken> {
        let Some(Newcomer(going)) = self.newcomer(at) else {
            return Ok(());
        };
        let (Some(pairing), Answer::Pair(answer)) = (going.as_mut(), answer) else {
            *going = None;
            return Ok(());
        };
        let broken = |error: &dyn std::fmt::Display| Broken::new(Law::NoFault, error.to_string(), [at]);
        match (&pairing.step, answer) {
            (PairStep::Ask(PairAsk::Begin { .. }), begun @ PairAnswer::Begun { .. }) => {
                let (words, reveal) = pairing.joining.begun(&begun).map_err(|error| broken(&error))?;
                pairing.words = words.join(" ");
                pairing.step = PairStep::Ask(reveal.clone());
                self.pair_ask(at, reveal)
            }
            (PairStep::Ask(PairAsk::Reveal { .. }), PairAnswer::Wait {}) => {
                let words = pairing.words.clone();
                pairing.step = PairStep::Confirm(words.clone());
                self.command_for(at, Command::ConfirmDevice { words })
            }
            (PairStep::Ask(PairAsk::Fetch {}), granted @ PairAnswer::Granted { .. }) => {
                match pairing.joining.fetched(granted).map_err(|error| broken(&error))? {
                    Some((_, grant)) => self.let_in(at, grant),
                    None => Ok(()),
                }
            }
            // It came twice, or late.
            _ => Ok(()),
        }
    }

    /// A device has its author's word: it starts as any other one.
    fn let_in(&mut self, at: usize, grant: Grant) -> Result<(), Broken> {
        let Some(node) = self.nodes.get_mut(at) else {
            return Ok(());
        };
        (node.identity.grant, node.newcomer) = (Some(grant), None);
        self.disconnect(at, self.homes.person(at));
        self.start(at)
    }

    // --- Who reaches whom ---

    /// Whom a node finds that looks for somebody: of other people whichever device the luck leads to, of its
    /// own owner all that it looks for.
    pub(super) fn found(&self, at: usize, author: &AuthorId, devices: &[DeviceId], luck: u64) -> Vec<usize> {
        let Some(person) = self.authors.get(author).copied() else {
            return Vec::new();
        };
        if person == self.homes.person(at) {
            let nodes = devices.iter().filter_map(|device| self.devices.get(device));
            return nodes.copied().collect();
        }
        let luck = usize::try_from(luck).unwrap_or(0);
        self.homes.dialled(person, luck).into_iter().collect()
    }

    /// Whether two devices of one owner cannot reach each other now.
    pub(super) fn parted(&self, one: usize, other: usize) -> bool {
        let one_owner = self.homes.person(one) == self.homes.person(other);
        one_owner && (self.alone.contains(&one) || self.alone.contains(&other))
    }

    /// Devices lose their owner's other ones for a while.
    pub(super) fn part_devices(&mut self, chosen: Vec<usize>, for_ms: u64) {
        self.alone = chosen.into_iter().collect();
        for (one, other) in self.links.ends() {
            if self.parted(one, other) {
                self.disconnect(one, other);
            }
        }
        self.queue.plan(self.time + for_ms, Event::Reunited);
    }

    /// They dial each other again.
    pub(super) fn reunite(&mut self) {
        for at in std::mem::take(&mut self.alone) {
            for other in self.homes.siblings(at).collect::<Vec<_>>() {
                let soon = self.time + self.luck(at, other) % 2_000;
                self.queue.plan(soon, Event::Connect(at, other));
            }
        }
    }

    // --- Edits ---

    /// Plans what the owners of some devices edit there.
    pub(super) fn plan_edits(&mut self, chosen: &[usize], for_ms: u64) {
        for at in chosen {
            for _ in 0..self.scenario.shop.edits {
                let soon = self.time + self.chance.below(for_ms + 1);
                self.queue.plan(soon, Event::Edit(*at));
            }
        }
    }

    /// Somebody edits their shop on one of their devices, once it is running.
    pub(super) fn edit(&mut self, at: usize) -> Result<(), Broken> {
        if self.stormy && self.nodes.get(at).is_some_and(|node| node.peer.is_none()) {
            self.queue.plan(self.time + EDIT_AGAIN_MS, Event::Edit(at));
            return Ok(());
        }
        self.decide(at, |view, chance| view.edit(chance))
    }

    /// Counts a wish if it edits a shop.
    pub(super) fn count_edit(&mut self, ticket: u64, command: &Command) {
        if matches!(
            command,
            Command::EditListing(_) | Command::SetStock { .. } | Command::ImportListings { .. }
        ) {
            self.counts.edits += 1;
            self.tickets.insert(ticket, Ticket::Edit);
        }
    }
}
