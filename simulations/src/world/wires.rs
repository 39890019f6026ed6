//! Connections between nodes, and what the wires draw. Described in `spec/simulations.md`.

use super::places::Dial;
use super::*;

impl World {
    /// What the wires draw between two nodes, or a machine by itself: a number that depends on the seed, on the
    /// two, and on how often they have drawn. So one event more or less changes nothing elsewhere, and a
    /// trace can be made shorter.
    pub(super) fn luck(&mut self, from: usize, to: usize) -> u64 {
        let drawn = self.drawn.entry((from, to)).or_default();
        *drawn += 1;
        let mut hasher = blake3::Hasher::new();
        for number in [self.seed, from as u64, to as u64, *drawn] {
            hasher.update(&number.to_le_bytes());
        }
        let hash = hasher.finalize();
        hash.as_bytes()
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    pub(super) fn link(&self, one: usize, other: usize) -> Option<Link> {
        self.links.get(one, other)
    }

    pub(super) fn stands(&self, one: usize, other: usize, number: u64) -> bool {
        self.link(one, other).is_some_and(|link| link.number == number)
    }

    /// How long a message takes over a link, in milliseconds.
    pub(super) fn delay(&mut self, link: Link, from: usize, to: usize, bytes: impl FnOnce() -> usize) -> u64 {
        if self.scenario.places.is_some()
            && let Some(way_ms) = self.way_ms(link, from, to, bytes() as u64)
        {
            return way_ms;
        }
        link.latency_ms + self.luck(from, to) % (self.scenario.links.jitter_ms_max + 1)
    }

    pub(super) fn loses(&mut self, from: usize, to: usize) -> bool {
        let lost = self.stormy && self.luck(from, to) % 1_000 < self.scenario.storm.lost;
        self.counts.lost += u64::from(lost);
        lost
    }

    pub(super) fn repeats(&mut self, from: usize, to: usize) -> bool {
        self.stormy && self.luck(from, to) % 1_000 < self.scenario.storm.repeated
    }

    pub(super) fn connect(&mut self, one: usize, other: usize) {
        let is_up = |node: &Node| node.peer.is_some() || node.newcomer.is_some();
        let up = |at: usize| self.nodes.get(at).is_some_and(is_up);
        if self.parted(one, other) {
            return;
        }
        if self.apart.contains(&one) != self.apart.contains(&other) {
            return;
        }
        if one == other || !up(one) || !up(other) || self.link(one, other).is_some() {
            return;
        }
        let via = match self.dials(one, other) {
            Dial::Direct => None,
            Dial::Over(via) => via,
            Dial::Back => return,
        };
        let number = self.fresh();
        let links = &self.scenario.links;
        let (low, high) = (links.latency_ms_min, links.latency_ms_max);
        let latency_ms = low + self.luck(one, other) % (high.saturating_sub(low) + 1);
        let link = Link {
            number,
            latency_ms,
            via,
        };
        self.links.insert(one, other, link);
        for (at, other) in [(one, other), (other, one)] {
            let soon = self.time + 1 + self.luck(at, other) % 50;
            let link = number;
            self.queue.plan(soon, Event::Connected { at, other, link });
        }
    }

    pub(super) fn disconnect(&mut self, one: usize, other: usize) {
        let Some(link) = self.links.remove(one, other) else {
            return;
        };
        for (at, other) in [(one, other), (other, one)] {
            let life = self.nodes.get(at).map_or(0, |node| node.life);
            self.queue
                .plan(self.time, Event::Disconnected { at, other, life });
        }
        let gone = self
            .questions
            .iter()
            .filter(|(_, question)| question.link == link.number);
        let gone: Vec<u64> = gone.map(|(number, _)| *number).collect();
        for number in gone {
            if let Some(question) = self.questions.remove(&number) {
                let Question {
                    asker: at,
                    life,
                    exchange,
                    ..
                } = question;
                self.queue
                    .plan(self.time, Event::Unanswered { at, life, exchange });
            }
        }
    }

    pub(super) fn reconnect(&mut self, one: usize, other: usize) {
        let away = self.luck(one, other) % (self.scenario.storm.away_ms_max + 1);
        self.queue.plan(self.time + away + 1, Event::Connect(one, other));
    }

    pub(super) fn drop_link(&mut self, one: usize, other: usize) {
        self.note(|| Stimulated::Drop(one, other));
        self.disconnect(one, other);
        self.reconnect(one, other);
    }
}
