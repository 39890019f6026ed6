//! How what a node says comes to its neighbour: the sender's line, the way, and the order of a stream.

use super::World;
use super::state::{CONNECTED, COUNT_ONE, Event, Kind};
use crate::wire::blend;

/// Protobuf's framing, the length before an RPC and the topic's name, in bytes.
const FRAME_BYTES: u64 = 48;
/// An id and its framing, in bytes.
const ID_BYTES: u64 = 34;
/// Keeps the draws for ways apart from those for judging.
const FOR_WAYS: u64 = 1;
const FOR_JUDGING: u64 = 2;

/// Bytes of a message on the wire.
pub(crate) fn data_bytes(size_bytes: u32) -> u64 {
    u64::from(size_bytes) + FRAME_BYTES
}

/// Bytes of what names so many ids.
pub(crate) fn control_bytes(ids: usize) -> u64 {
    FRAME_BYTES + ID_BYTES * ids as u64
}

impl World {
    /// Sends a message; it is dropped if the line is taken for longer than it may wait. gossipsub blames
    /// the peer for that.
    pub(crate) fn send_data(&mut self, node: u32, link: u32, message: u32, hops: u8, wait_ms: u64) {
        let bytes = data_bytes(self.messages.at(message).size_bytes);
        let wait_us = self.nodes.at(node).line_free_us.saturating_sub(self.now_us);
        if wait_us > wait_ms * 1_000 {
            let link = self.links.at_mut(link);
            link.slow = link.slow.saturating_add(COUNT_ONE);
            self.measures.dropped += 1;
            return;
        }
        let draw = self.way_draw(self.links.at(link).twin, message);
        self.send(
            node,
            link,
            Event {
                hops,
                ..Event::at(Kind::Data, 0, message)
            },
            bytes,
            wait_us,
            draw,
        );
    }

    /// Sends something that is said before all messages that wait for the line, or, as IHAVE and IWANT,
    /// after them.
    pub(crate) fn send_control(&mut self, node: u32, link: u32, kind: Kind, about: u32, ids: usize) {
        let in_line = matches!(kind, Kind::Ihave | Kind::Iwant);
        let free_us = self.nodes.at(node).line_free_us;
        let wait_us = if in_line {
            free_us.saturating_sub(self.now_us)
        } else {
            0
        };
        let draw = blend(self.seed ^ self.now_us, u64::from(link), kind as u64);
        self.send(
            node,
            link,
            Event::at(kind, 0, about),
            control_bytes(ids),
            wait_us,
            draw,
        );
    }

    fn send(&mut self, node: u32, link: u32, event: Event, bytes: u64, wait_us: u64, draw: u64) {
        let (peer, twin, connected) = {
            let link = self.links.at(link);
            (link.peer, link.twin, link.is(CONNECTED))
        };
        if !connected {
            return;
        }
        let now_us = self.now_us;
        let sending_us = self.scenario.line.sending_us(bytes);
        let (from, to) = (self.nodes.at(node).region, self.nodes.at(peer).region);
        let way_us = self.regions.latency_us(from, to, draw as u16);
        let late_us = self
            .scenario
            .line
            .late_us(bytes, self.regions.trip_us(from, to), draw >> 16);
        let sender = self.nodes.at_mut(node);
        sender.line_free_us = sender.line_free_us.max(now_us) + sending_us;
        sender.sent_bytes += bytes;
        if sender.role == 0 {
            match event.kind {
                Kind::Data => self.measures.data_bytes += bytes,
                _ => self.measures.control_bytes += bytes,
            }
        }
        let link = self.links.at_mut(link);
        let arrives_us = (now_us + wait_us + sending_us + way_us + late_us).max(link.last_arrival_us);
        link.last_arrival_us = arrives_us;
        self.kernel.plan(
            arrives_us,
            Event {
                node: peer,
                link: twin,
                ..event
            },
        );
    }

    /// What is drawn for a message's way over a connection, by its far side.
    fn way_draw(&self, link: u32, message: u32) -> u64 {
        blend(self.seed ^ FOR_WAYS, u64::from(link), u64::from(message))
    }

    /// How long a message is on its way over a connection if the line is free and nothing gets lost.
    pub(crate) fn way_us(&self, node: u32, link: u32, message: u32) -> u64 {
        let link = self.links.at(link);
        let (from, to) = (self.nodes.at(node).region, self.nodes.at(link.peer).region);
        let draw = self.way_draw(link.twin, message) as u16;
        let bytes = data_bytes(self.messages.at(message).size_bytes);
        self.scenario.line.sending_us(bytes) + self.regions.latency_us(from, to, draw)
    }

    /// How long a node takes to judge a message.
    pub(crate) fn judging_us(&self, node: u32, message: u32) -> u64 {
        let (low, high) = (self.scenario.judging_us_min, self.scenario.judging_us_max);
        low + blend(self.seed ^ FOR_JUDGING, u64::from(node), u64::from(message)) % (high - low + 1).max(1)
    }

    /// Sends a list of ids to somebody, or to several at once. Nothing is copied.
    pub(crate) fn send_list(&mut self, node: u32, links: &[u32], kind: Kind, ids: Vec<u32>) {
        let up = links
            .iter()
            .filter(|link| self.links.at(**link).is(CONNECTED))
            .count();
        if ids.is_empty() || up == 0 {
            return;
        }
        let count = ids.len();
        let list = super::List {
            ids,
            left: u32::try_from(up).unwrap_or(u32::MAX),
        };
        let place = match self.lists_free.pop() {
            Some(place) => {
                *self.lists.at_mut(place) = list;
                place
            }
            None => {
                self.lists.all.push(list);
                u32::try_from(self.lists.all.len() - 1).unwrap_or(u32::MAX)
            }
        };
        for link in links {
            self.send_control(node, *link, kind, place, count);
        }
    }

    /// A list that has arrived, until it is given back: several may be waiting for it, and none needs a copy.
    pub(crate) fn take_list(&mut self, place: u32) -> Vec<u32> {
        std::mem::take(&mut self.lists.at_mut(place).ids)
    }

    /// Gives back a list that nobody reads.
    pub(crate) fn give_back(&mut self, place: u32) {
        let ids = self.take_list(place);
        self.give_list(place, ids);
    }

    /// Gives back a list. When it has arrived everywhere, it is gone.
    pub(crate) fn give_list(&mut self, place: u32, ids: Vec<u32>) {
        let list = self.lists.at_mut(place);
        list.left = list.left.saturating_sub(1);
        match list.left {
            0 => self.lists_free.push(place),
            _ => list.ids = ids,
        }
    }
}
