//! What is published, who should get it, what is looked at, and what is told in the end.

use super::build;
use super::measure::{Chain, Histogram, share_curve};
use super::pack::{Pack, Reader};
use super::policy::Policy;
use super::scenario::{Scenario, Shape};
use super::state::{CONNECTED, Event, Kind, MESH, NONE, SUBSCRIBED};
use super::{List, MeshError, Snapshot, World};
use crate::chance::Chance;
use crate::figure::{Figures, Played, Row};
use crate::kernel::Kernel;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A message that is not there after so long does not come any more: it is out of everybody's cache.
const LIFE_US: u64 = 10_000_000;
/// After so long an attack should be over, as far as the meshes are concerned.
const RECOVERED_MS: u64 = 120_000;
/// Draws for an author that is there.
const TRIES: usize = 64;

impl World {
    /// Keeps an event as a row, if the scenario asks for its kind.
    pub(crate) fn keep(&mut self, event: Event) {
        if self.keeps >> event.kind as u8 & 1 == 0 {
            return;
        }
        let about = matches!(
            event.kind,
            Kind::Judged | Kind::Data | Kind::DontWant | Kind::Publish | Kind::Delivered
        );
        self.measures.rows.push(Row {
            time_us: self.now_us,
            node: u64::from(event.node),
            kind: event.kind.word().to_owned(),
            other: (event.link != NONE).then(|| u64::from(self.links.at(event.link).peer)),
            about: about.then_some(u64::from(event.about)),
        });
    }

    /// An honest node publishes the message of this number of the scenario's traffic.
    pub(crate) fn publish_next(&mut self, number: u32) {
        let traffic = self.scenario.traffic.clone();
        if number + 1 < traffic.messages {
            let at = self.now_us + traffic.every_ms * 1_000;
            self.kernel.plan(at, Event::at(Kind::Publish, NONE, number + 1));
        }
        let size = self
            .chance
            .between(traffic.size_bytes_min, traffic.size_bytes_max);
        for _ in 0..TRIES {
            let author = match self.outsiders.is_empty() {
                true => u32::try_from(self.chance.below(self.scenario.nodes as u64)).unwrap_or(0),
                false => self.chance.pick(&self.outsiders).copied().unwrap_or(0),
            };
            let here = self.nodes.at(author);
            // gossipsub publishes nothing to a topic in which it knows nobody.
            let knows_some = match here.outside {
                true => here
                    .sides()
                    .any(|side| self.links.at(side).is(CONNECTED | SUBSCRIBED)),
                false => here.connected > 0,
            };
            if here.online && knows_some {
                self.keep(Event::at(Kind::Publish, author, number));
                self.publish(author, u32::try_from(size).unwrap_or(u32::MAX), true);
                return;
            }
        }
    }

    /// Notes who should get a message that an honest node has just published.
    pub(crate) fn expect(&mut self, message: u32) {
        let author = self.messages.at(message).author;
        let group = self.nodes.at(author).group;
        let parted = self.split.is_some();
        let linked = (self.scenario.graph.shape == Shape::List).then(|| self.linked(author));
        let is_linked = |at: usize| linked.as_ref().is_none_or(|linked| linked.get(at) == Some(&true));
        let honest = self.nodes.all.iter().take(self.scenario.nodes).enumerate();
        let reached = honest
            .filter(|(at, node)| {
                let is_there = node.online && !node.outside && *at != author as usize;
                is_linked(*at) && is_there && (!parted || node.group == group)
            })
            .count();
        let every = self.scenario.traffic.messages as usize / self.scenario.shortest_ways.max(1);
        let sampled = self.scenario.shortest_ways > 0 && (message as usize).is_multiple_of(every.max(1));
        let known = self.messages.at_mut(message);
        known.expected = u32::try_from(reached).unwrap_or(u32::MAX);
        (known.parted, known.sampled) = (parted, sampled);
        if self.scenario.nodes > 0 && author != 0 && (!parted || self.nodes.at(0).group == group) {
            self.measures.first_expected += 1;
        }
        if sampled {
            self.shortest_ways(author, message);
        }
    }

    /// To whom there is a way at all. A list of edges need not hang together.
    fn linked(&self, from: u32) -> Vec<bool> {
        let mut linked = vec![false; self.nodes.all.len()];
        let mut next = vec![from];
        while let Some(node) = next.pop() {
            let known = linked.get_mut(node as usize);
            if known.is_none_or(|known| std::mem::replace(known, true)) {
                continue;
            }
            let here = self.nodes.at(node);
            // Who is not in the topic passes nothing on.
            if here.outside && node != from {
                continue;
            }
            next.extend((0..here.links).map(|slot| self.links.at(here.links_from + slot).peer));
        }
        linked
    }

    /// Notes that a node has got a message for the first time.
    pub(crate) fn note_delivery(&mut self, node: u32, message: u32, hops: u8, link: u32) {
        let here = self.nodes.at(node);
        let known = self.messages.at(message);
        if here.role != 0 || !known.honest || !known.valid || here.online_since_us > known.published_us {
            return;
        }
        let is_more = known.parted && here.group != self.nodes.at(known.author).group;
        let took_us = self.now_us - known.published_us;
        let sampled = known.sampled;
        self.nodes.at_mut(node).deliveries += 1;
        let known = self.messages.at_mut(message);
        known.delivered += 1;
        known.expected += u32::from(is_more);
        if node == 0 && !is_more {
            self.measures.first_delivered += 1;
        }
        self.measures.delivered(took_us, hops, sampled);
        self.keep(Event {
            link,
            hops,
            ..Event::at(Kind::Delivered, node, message)
        });
    }

    /// A node that goes need not get what it has not got yet.
    pub(crate) fn excuse(&mut self, node: u32) {
        if !self.is_honest(node) || self.nodes.at(node).outside {
            return;
        }
        for message in self.recent() {
            let here = self.nodes.at(node);
            let known = self.messages.at(message);
            let is_there = here.online && here.online_since_us <= known.published_us;
            let is_reached = !known.parted || here.group == self.nodes.at(known.author).group;
            if is_there && is_reached && !self.seen.has(node, message) {
                let known = self.messages.at_mut(message);
                known.expected = known.expected.saturating_sub(1);
                if node == 0 {
                    self.measures.first_expected = self.measures.first_expected.saturating_sub(1);
                }
            }
        }
    }

    /// The network falls into parts: the other sides need not get what they have not got yet.
    pub(crate) fn excuse_the_other_side(&mut self) {
        for message in self.recent() {
            let (author, published_us) = (
                self.messages.at(message).author,
                self.messages.at(message).published_us,
            );
            let group = self.nodes.at(author).group;
            let honest = (0..).zip(self.nodes.all.iter().take(self.scenario.nodes));
            let cut_off = honest.filter(|(node, here)| {
                let is_there = here.online && here.online_since_us <= published_us;
                is_there && !here.outside && here.group != group && !self.seen.has(*node, message)
            });
            let count = u32::try_from(cut_off.count()).unwrap_or(u32::MAX);
            let known = self.messages.at_mut(message);
            known.expected = known.expected.saturating_sub(count);
            known.parted = true;
        }
    }

    /// Honest messages that may still be under way.
    fn recent(&self) -> Vec<u32> {
        let since_us = self.now_us.saturating_sub(LIFE_US);
        let count = u32::try_from(self.messages.all.len()).unwrap_or(u32::MAX);
        let numbered = (0..count).zip(&self.messages.all).rev();
        let recent = numbered.take_while(|(_, known)| known.published_us >= since_us);
        recent
            .filter(|(_, known)| known.honest && known.valid)
            .map(|(message, _)| message)
            .collect()
    }

    /// How soon everybody could have a message, if lines were free, nothing got lost and the mesh stayed
    /// as it is: Dijkstra over the meshes of honest nodes and, for the author, all its connections, with the
    /// same ways and delays that the message itself meets.
    fn shortest_ways(&mut self, author: u32, message: u32) {
        let mut soonest: Vec<u64> = vec![u64::MAX; self.nodes.all.len()];
        let mut front = BinaryHeap::from([Reverse((0u64, author))]);
        if let Some(start) = soonest.get_mut(author as usize) {
            *start = 0;
        }
        let mut found = Histogram::default();
        while let Some(Reverse((at, node))) = front.pop() {
            if soonest.get(node as usize).is_none_or(|best| *best < at) {
                continue;
            }
            let here = self.nodes.at(node);
            if here.role != 0 {
                continue;
            }
            let (leaves_us, needed) = match node == author {
                true => (at, CONNECTED | SUBSCRIBED),
                false => {
                    found.add(at);
                    (at + self.judging_us(node, message), MESH)
                }
            };
            for link in here.sides() {
                let near = self.links.at(link);
                if !near.is(needed) {
                    continue;
                }
                let there = leaves_us + self.way_us(node, link, message);
                if let Some(best) = soonest.get_mut(near.peer as usize).filter(|best| there < **best) {
                    *best = there;
                    front.push(Reverse((there, near.peer)));
                }
            }
        }
        self.measures.shortest.merge(&found);
    }

    /// Looks at the whole, once a second.
    pub(crate) fn sample(&mut self, second: u32) {
        let at = self.now_us + 1_000_000;
        self.kernel.plan(at, Event::at(Kind::Sample, NONE, second + 1));
        let (low, high) = (self.rules.params.mesh_low, self.rules.params.mesh_high);
        let honest = self.nodes.all.iter().take(self.scenario.nodes);
        let online = honest.filter(|node| node.online && !node.outside);
        let (mut all, mut healthy) = (0u64, 0u64);
        for node in online {
            all += 1;
            healthy += u64::from((low..=high).contains(&node.mesh.len()));
        }
        let share = (healthy * 1_000).checked_div(all).unwrap_or(0);
        self.measures.health.push((u64::from(second), share));
        self.measures.memory_bytes = self.measures.memory_bytes.max(self.memory_bytes());
        let since_ms = self.scenario.attack.as_ref().map_or(0, |attack| attack.from_ms);
        if self.measures.honest_mesh.is_none() && self.now_us >= (since_ms + RECOVERED_MS) * 1_000 {
            self.measures.honest_mesh = Some(self.honest_mesh());
        }
    }

    /// Mesh links of honest nodes: to honest ones, and all.
    fn honest_mesh(&self) -> (u64, u64) {
        let (mut to_honest, mut all) = (0, 0);
        for node in self.nodes.all.iter().take(self.scenario.nodes) {
            for slot in &node.mesh {
                all += 1;
                let peer = self.links.at(node.links_from + slot).peer;
                to_honest += u64::from(self.is_honest(peer));
            }
        }
        (to_honest, all)
    }

    /// Memory that the run's lists hold.
    pub fn memory_bytes(&self) -> u64 {
        let nodes: usize = self.nodes.all.iter().map(super::state::Node::bytes).sum();
        let links = self.links.all.capacity() * size_of::<super::state::Link>();
        let lists: usize = self
            .lists
            .all
            .iter()
            .map(|list| size_of::<List>() + list.ids.capacity() * 4)
            .sum();
        let seen = self.seen.bits.capacity() * 8;
        (nodes + links + lists + seen + self.kernel.bytes()) as u64
    }

    /// What the run is: its digest and its figures.
    pub fn played(self) -> Played {
        let figures = self.figures();
        Played {
            seed: self.seed,
            digest: self.chain.hex(),
            broken: None,
            figures,
            events: self.measures.rows,
        }
    }

    /// What has been measured so far.
    pub fn figures(&self) -> Figures {
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let measures = &self.measures;
        let mut figures = Figures::default();
        let honest = self.scenario.nodes as f64;
        let judged = self
            .messages
            .all
            .iter()
            .filter(|known| known.honest && known.valid);
        let (delivered, expected) = judged.clone().fold((0u64, 0u64), |(delivered, expected), known| {
            (
                delivered + u64::from(known.delivered),
                expected + u64::from(known.expected),
            )
        });
        figures.number("delivered_share", ratio(delivered as f64, expected as f64));
        let inside = honest - self.outsiders.len() as f64;
        let meant_for = if self.outsiders.is_empty() {
            honest - 1.0
        } else {
            inside
        };
        let pairs = judged.clone().count() as f64 * meant_for;
        figures.number("reachable_share", ratio(expected as f64, pairs));
        let first = ratio(measures.first_delivered as f64, measures.first_expected as f64);
        figures.number("delivered_share_of_first_node", first);
        figures.number("latency_ms_p50", measures.latency.within_ms(500));
        figures.number("latency_ms_p99", measures.latency.within_ms(990));
        figures.number("latency_ms_max", measures.latency.most_ms());
        figures.number(
            "duplicates",
            ratio(measures.duplicates as f64, measures.deliveries as f64),
        );
        let sent: u64 = self
            .nodes
            .all
            .iter()
            .take(self.scenario.nodes)
            .map(|node| node.sent_bytes)
            .sum();
        figures.number("bytes_per_node", ratio(sent as f64, honest));
        let control = measures.control_bytes as f64;
        figures.number(
            "control_bytes_share",
            ratio(control, control + measures.data_bytes as f64),
        );
        let (to_honest, members) = self.honest_mesh();
        figures.number("mesh_degree_mean", ratio(members as f64, inside));
        if measures.fanouts.0 > 0 {
            let (used, told) = measures.fanouts;
            figures.number("fanout_mean", ratio(told as f64, used as f64));
        }
        let share = ratio(to_honest as f64, members as f64);
        figures.number("mesh_honest_share", share);
        let after = measures
            .honest_mesh
            .map_or(share, |(to, all)| ratio(to as f64, all as f64));
        figures.number("mesh_honest_share_after_120s", after);
        let shortest = measures.shortest.within_ms(990);
        figures.number("shortest_ms_p99", shortest);
        figures.number(
            "latency_over_dijkstra",
            ratio(measures.sampled.within_ms(990), shortest),
        );
        figures.number("events", measures.events as f64);
        figures.number("events_delivered", measures.deliveries as f64);
        figures.number("graylisted_honest", measures.graylisted_honest as f64);
        figures.number("graylisted_attackers", measures.graylisted_attackers as f64);
        figures.number("broken_promises", measures.broken_promises as f64);
        figures.number("dropped_messages", measures.dropped as f64);
        let nodes = self.nodes.all.len() as f64;
        let memory = measures.memory_bytes.max(self.memory_bytes());
        figures.number("memory_bytes_per_node", ratio(memory as f64, nodes));

        figures.curve(
            "delivery_cdf",
            measures.latency.curve(expected.max(measures.latency.count())),
        );
        let by_hops = (0u32..).zip(&measures.hops).filter(|(_, (count, _))| *count > 0);
        let by_hops =
            by_hops.map(|(hops, (count, us))| (f64::from(hops), *us as f64 / *count as f64 / 1_000.0));
        figures.curve("latency_by_hops", by_hops.collect());
        let health = measures
            .health
            .iter()
            .map(|(at, share)| (*at as f64, *share as f64 / 1_000.0));
        figures.curve("mesh_health", health.collect());
        let honest = || self.nodes.all.iter().take(self.scenario.nodes);
        figures.curve(
            "bytes_per_node_cdf",
            share_curve(honest().map(|node| node.sent_bytes as f64).collect()),
        );
        let inside = honest().filter(|node| !node.outside);
        let duplicates = inside.map(|node| ratio(f64::from(node.duplicates), f64::from(node.deliveries)));
        figures.curve("duplicates_cdf", share_curve(duplicates.collect()));
        figures
    }

    /// Writes the world down, so that [`Self::resume`] goes on with it as if nothing had been.
    pub fn snapshot(&self) -> Snapshot {
        let mut out = Vec::new();
        MARK.pack(&mut out);
        self.seed.pack(&mut out);
        self.now_us.pack(&mut out);
        self.chance.position().pack(&mut out);
        self.split.pack(&mut out);
        self.fanouts.pack(&mut out);
        self.kernel.now().pack(&mut out);
        self.kernel.len().pack(&mut out);
        for (at, event) in self.kernel.planned() {
            at.pack(&mut out);
            event.pack(&mut out);
        }
        self.nodes.all.pack(&mut out);
        self.links.all.pack(&mut out);
        self.messages.all.pack(&mut out);
        self.lists.all.pack(&mut out);
        self.lists_free.pack(&mut out);
        self.seen.pack(&mut out);
        self.measures.pack(&mut out);
        self.chain.pack(&mut out);
        let saved: Vec<Vec<u8>> = self.policies.iter().map(|policy| policy.save()).collect();
        saved.pack(&mut out);
        out
    }

    /// Goes on with a world that was written down in a run of this scenario.
    pub fn resume(scenario: &Scenario, snapshot: &[u8]) -> Result<Self, MeshError> {
        Self::resumed(Self::new(scenario, seed_of(snapshot)?)?, snapshot)
    }

    /// The same with policies of one's own.
    pub fn resume_with(
        scenario: &Scenario,
        policies: Vec<Box<dyn Policy>>,
        snapshot: &[u8],
    ) -> Result<Self, MeshError> {
        Self::resumed(build::world(scenario, seed_of(snapshot)?, policies)?, snapshot)
    }

    fn resumed(mut self, snapshot: &[u8]) -> Result<Self, MeshError> {
        let counts = (self.nodes.all.len(), self.links.all.len());
        let mut from = Reader(snapshot);
        self.restore(&mut from).ok_or(MeshError::Snapshot)?;
        match from.0.is_empty() && counts == (self.nodes.all.len(), self.links.all.len()) {
            true => Ok(self),
            false => Err(MeshError::Snapshot),
        }
    }

    fn restore(&mut self, from: &mut Reader) -> Option<()> {
        u64::unpack(from)?;
        self.seed = u64::unpack(from)?;
        self.now_us = u64::unpack(from)?;
        self.chance = Chance::resumed(self.seed, u128::unpack(from)?);
        self.split = Option::unpack(from)?;
        self.fanouts = Pack::unpack(from)?;
        self.kernel = Kernel::from_time(u64::unpack(from)?);
        for _ in 0..usize::unpack(from)? {
            let at = u64::unpack(from)?;
            self.kernel.plan(at, Event::unpack(from)?);
        }
        self.nodes.all = Vec::unpack(from)?;
        self.links.all = Vec::unpack(from)?;
        self.messages.all = Vec::unpack(from)?;
        self.lists.all = Vec::unpack(from)?;
        self.lists_free = Vec::unpack(from)?;
        self.seen = Pack::unpack(from)?;
        self.measures = Pack::unpack(from)?;
        self.chain = Chain::unpack(from)?;
        let saved: Vec<Vec<u8>> = Vec::unpack(from)?;
        for (policy, saved) in self.policies.iter_mut().zip(&saved) {
            policy.restore(saved);
        }
        Some(())
    }
}

/// What a world that is written down begins with, and the form of what follows.
const MARK: u64 = u64::from_le_bytes(*b"soukmsh2");

fn seed_of(snapshot: &[u8]) -> Result<u64, MeshError> {
    let mut from = Reader(snapshot);
    let mark = u64::unpack(&mut from);
    let seed = u64::unpack(&mut from).filter(|_| mark == Some(MARK));
    seed.ok_or(MeshError::Snapshot)
}
