//! A node's heartbeat, and what opens and closes connections.

use super::World;
use super::policy::Neighbour;
use super::state::{ACCEPTED, CONNECTED, COUNT_ONE, Event, FANOUT, Kind, MESH, OUTBOUND, SUBSCRIBED};

/// A node that comes back dials for this long; who knows it dials it again within this time.
const REDIAL_US: u64 = 2_000_000;

impl World {
    pub(crate) fn beat(&mut self, node: u32) {
        let next_us = self.now_us + self.rules.params.heartbeat_ms * 1_000;
        self.kernel.plan(next_us, Event::at(Kind::Beat, node, 0));
        let here = self.nodes.at_mut(node);
        if !here.online {
            return;
        }
        here.beats += 1;
        let role = here.role;
        self.refresh(node);
        if role != 0 {
            self.beat_of_policy(node, role);
        }
        match self.nodes.at(node).outside {
            true => self.keep_fanout(node),
            false if self.follows(node) => self.keep_mesh(node),
            false => {}
        }
        let history = self.rules.params.history_length;
        let here = self.nodes.at_mut(node);
        let beats = here.beats;
        here.shift(beats, history);
    }

    /// Counters decay, backoffs end, broken promises are counted.
    fn refresh(&mut self, node: u32) {
        let now_ms = self.now_ms();
        let slack_ms = self.rules.params.backoff_slack_heartbeats * self.rules.params.heartbeat_ms;
        let here = self.nodes.at_mut(node);
        let (from, count) = (here.links_from as usize, here.links as usize);
        let mut broken = Vec::new();
        if !here.promises.is_empty() {
            here.promises.retain(|promise| {
                let holds = promise.until_ms >= now_ms;
                if !holds {
                    broken.push(promise.slot);
                }
                holds
            });
            if here.promises.is_empty() {
                here.promises = Vec::new();
            }
        }
        for near in self.links.all.get_mut(from..from + count).unwrap_or_default() {
            (near.ihaves, near.asked) = (0, 0);
            if near.backoff_ms != 0 && u64::from(near.backoff_ms) + slack_ms <= u64::from(now_ms) {
                near.backoff_ms = 0;
            }
            match near.is(CONNECTED) {
                true => near.refresh(&self.rules, now_ms),
                // What is kept of a peer that is gone does not decay, or it would pay to be gone.
                false if near.kept_ms != 0 && near.kept_ms < now_ms => near.forget(),
                false => {}
            }
        }
        for slot in broken {
            let near = self.links.at_mut(from as u32 + slot);
            near.behaviour = near.behaviour.saturating_add(COUNT_ONE);
            self.measures.broken_promises += 1;
        }
    }

    fn beat_of_policy(&mut self, node: u32, role: u8) {
        let here = self.nodes.at(node);
        let links = here.sides();
        let up = links.filter(|link| self.links.at(*link).is(CONNECTED | SUBSCRIBED));
        let neighbours: Vec<Neighbour> = up.map(|link| self.neighbour(node, link)).collect();
        let me = self.me(node);
        let mut acts = Vec::new();
        if let Some(policy) = self.policies.get_mut(usize::from(role)) {
            policy.heartbeat(me, &neighbours, &mut acts);
        }
        self.act(node, &acts);
    }

    /// gossipsub's `heartbeat`, for one topic.
    fn keep_mesh(&mut self, node: u32) {
        let params = &self.rules.params;
        let (aim, low, high) = (params.mesh_n, params.mesh_low, params.mesh_high);
        let (outbound_min, every) = (params.mesh_outbound_min, params.opportunistic_every);
        let from = self.nodes.at(node).links_from;
        let bad = self.nodes.at(node).mesh.iter().map(|slot| from + slot);
        let mut pruned: Vec<u32> = bad.filter(|link| self.is_below(*link, 0)).collect();
        for link in &pruned {
            self.mesh_remove(node, *link);
        }
        let mut grafted = Vec::new();
        let members = self.nodes.at(node).mesh.len();
        if members < low {
            self.take_in(node, aim.saturating_sub(members), &mut grafted, |_, _| true);
        }
        let members = self.nodes.at(node).mesh.len();
        if members >= high {
            self.let_go(node, members.saturating_sub(aim), &mut pruned);
        }
        let mesh = &self.nodes.at(node).mesh;
        if mesh.len() >= low {
            let outbound = mesh
                .iter()
                .filter(|slot| self.links.at(from + **slot).is(OUTBOUND))
                .count();
            if outbound < outbound_min {
                let is_outbound = |world: &Self, link| world.links.at(link).is(OUTBOUND);
                self.take_in(node, outbound_min - outbound, &mut grafted, is_outbound);
            }
        }
        let here = self.nodes.at(node);
        if here.beats.is_multiple_of(every.max(1)) && here.mesh.len() > 1 {
            self.improve(node, &mut grafted);
        }
        self.name_messages(node, MESH);
        for link in grafted {
            self.send_control(node, link, Kind::Graft, 0, 0);
        }
        for link in pruned {
            self.send_prune(node, link);
        }
    }

    /// Takes so many random neighbours into the mesh that may be taken.
    fn take_in(&mut self, node: u32, count: usize, taken: &mut Vec<u32>, also: impl Fn(&Self, u32) -> bool) {
        let here = self.nodes.at(node);
        let links = here.sides();
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        room.extend(links.filter(|link| {
            let near = self.links.at(*link);
            near.is(CONNECTED | SUBSCRIBED)
                && !near.is(MESH)
                && near.backoff_ms == 0
                && !self.is_below(*link, 0)
                && also(self, *link)
        }));
        for link in self.some_of(&mut room, count) {
            self.mesh_add(node, *link);
            taken.push(*link);
        }
        self.room = room;
    }

    /// So many of these, at random.
    pub(crate) fn some_of<'a>(&mut self, all: &'a mut [u32], count: usize) -> &'a [u32] {
        if all.len() <= count {
            return all;
        }
        for place in 0..count {
            let other = place + self.chance.index(all.len() - place);
            all.swap(place, other);
        }
        all.get(..count).unwrap_or_default()
    }

    /// Removes so many from the mesh: not the best, and not so many that too few outbound ones are left.
    fn let_go(&mut self, node: u32, count: usize, pruned: &mut Vec<u32>) {
        let here = self.nodes.at(node);
        let from = here.links_from;
        let mut members: Vec<u32> = here.mesh.iter().map(|slot| from + slot).collect();
        self.chance.shuffle(&mut members);
        members.sort_by_cached_key(|link| self.links.at(*link).score(&self.rules));
        let others = members.len().saturating_sub(self.rules.params.retain_best);
        if let Some(others) = members.get_mut(..others) {
            self.chance.shuffle(others);
        }
        let mut outbound = members
            .iter()
            .filter(|link| self.links.at(**link).is(OUTBOUND))
            .count();
        let mut left = count;
        for link in members {
            if left == 0 {
                break;
            }
            if self.links.at(link).is(OUTBOUND) {
                if outbound <= self.rules.params.mesh_outbound_min {
                    continue;
                }
                outbound -= 1;
            }
            self.mesh_remove(node, link);
            pruned.push(link);
            left -= 1;
        }
    }

    /// If the mesh's median score is poor, takes in some that are better: opportunistic grafting.
    fn improve(&mut self, node: u32, grafted: &mut Vec<u32>) {
        let here = self.nodes.at(node);
        let members = here.mesh.iter().map(|slot| self.links.at(here.links_from + slot));
        let mut scores: Vec<i64> = members.map(|near| near.score(&self.rules)).collect();
        scores.sort_unstable();
        let at = |place: usize| scores.get(place).copied().unwrap_or(0);
        let middle = scores.len() / 2;
        let median = match scores.len().is_multiple_of(2) {
            true => (at(middle.saturating_sub(1)) + at(middle)) / 2,
            false => at(middle),
        };
        if median < self.rules.params.score.opportunistic_threshold_nano {
            let count = self.rules.params.opportunistic_peers;
            let is_better = |world: &Self, link| world.links.at(link).score(&world.rules) > median;
            self.take_in(node, count, grafted, is_better);
        }
    }

    /// Names recent messages to some neighbours that are not told of them anyway, being in the mesh or the fan-out:
    /// IHAVE.
    pub(crate) fn name_messages(&mut self, node: u32, told_anyway: u16) {
        let params = &self.rules.params;
        let (lazy, factor, most) = (params.gossip_lazy, params.gossip_factor, params.ids_max);
        let threshold = params.score.gossip_threshold_nano;
        let here = self.nodes.at(node);
        let since = here.beats.saturating_sub(params.history_gossip);
        let recent = here
            .held
            .iter()
            .filter(|held| held.verdict == ACCEPTED && held.beat >= since);
        let ids: Vec<u32> = recent.map(|held| held.message).take(most).collect();
        if ids.is_empty() {
            return;
        }
        let links = here.sides();
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        room.extend(links.filter(|link| {
            let near = self.links.at(*link);
            near.is(CONNECTED | SUBSCRIBED) && !near.is(told_anyway) && !self.is_below(*link, threshold)
        }));
        let count = lazy.max(room.len() * factor / 1_000);
        let told = self.some_of(&mut room, count);
        self.send_list(node, told, Kind::Ihave, ids);
        self.room = room;
    }

    /// A connection opens, if both are there, can reach each other and have room.
    pub(crate) fn connect(&mut self, node: u32, link: u32) {
        let (peer, twin, up) = {
            let near = self.links.at(link);
            (near.peer, near.twin, near.is(CONNECTED))
        };
        let (here, there) = (self.nodes.at(node), self.nodes.at(peer));
        let limit = |most| if most == 0 { u32::MAX } else { most };
        let most = limit(self.scenario.graph.connections_max);
        let is_full = there.inbound >= limit(self.scenario.graph.connections_inbound_max);
        let apart = self.split.is_some() && here.group != there.group;
        if up
            || is_full
            || !here.online
            || !there.online
            || apart
            || here.connected >= most
            || there.connected >= most
        {
            return;
        }
        for (near, side) in [(node, link), (peer, twin)] {
            let now_us = self.now_us;
            let link = self.links.at_mut(side);
            // A score that was kept goes on; else the peer is new.
            if link.kept_ms == 0 {
                link.forget();
            }
            link.kept_ms = 0;
            link.last_arrival_us = now_us;
            link.set(CONNECTED, true);
            let inbound = u32::from(!self.links.at(side).is(OUTBOUND));
            let here = self.nodes.at_mut(near);
            here.connected += 1;
            here.inbound += inbound;
            self.count_colocated(near, side);
        }
        let (from, to) = (self.nodes.at(node).region, self.nodes.at(peer).region);
        // The handshake; then both say in which topics they are.
        let ready_us = self.now_us + self.regions.trip_us(from, to);
        for side in [link, twin] {
            let link = self.links.at_mut(side);
            link.last_arrival_us = link.last_arrival_us.max(ready_us);
        }
        for (near, side) in [(node, link), (peer, twin)] {
            if !self.nodes.at(near).outside {
                self.send_control(near, side, Kind::Hello, 0, 0);
            }
        }
    }

    /// Counts who of a node's peers has the same address as the one on this connection, for all of them.
    fn count_colocated(&mut self, node: u32, link: u32) {
        let address = self.nodes.at(self.links.at(link).peer).address;
        if (address as usize) < self.scenario.nodes
            || self.scenario.attack.as_ref().is_none_or(|a| a.per_address <= 1)
        {
            self.links.at_mut(link).colocated = 1;
            return;
        }
        let here = self.nodes.at(node);
        let links = here.sides();
        let same: Vec<u32> = links
            .filter(|other| {
                let other = self.links.at(*other);
                // A peer that is gone counts as long as its score is kept.
                (other.is(CONNECTED) || other.kept_ms != 0) && self.nodes.at(other.peer).address == address
            })
            .collect();
        let count = u16::try_from(same.len()).unwrap_or(u16::MAX);
        for other in same {
            self.links.at_mut(other).colocated = count;
        }
    }

    /// A connection is gone, on both sides.
    fn disconnect(&mut self, node: u32, link: u32) {
        let near = self.links.at(link);
        let (peer, twin) = (near.peer, near.twin);
        if !near.is(CONNECTED) {
            return;
        }
        let retain_ms = self.rules.params.score.retain_s * 1_000;
        let kept_ms = u32::try_from(self.now_us / 1_000 + retain_ms).unwrap_or(u32::MAX);
        for (node, side) in [(node, link), (peer, twin)] {
            let is_good = self.links.at(side).score(&self.rules) > 0;
            self.mesh_remove(node, side);
            let near = self.links.at_mut(side);
            near.set(CONNECTED, false);
            near.set(SUBSCRIBED, false);
            near.set(FANOUT, false);
            match is_good {
                true => near.forget(),
                false => (near.first, near.kept_ms) = (0, kept_ms),
            }
            let inbound = u32::from(!near.is(OUTBOUND));
            let here = self.nodes.at_mut(node);
            here.connected = here.connected.saturating_sub(1);
            here.inbound = here.inbound.saturating_sub(inbound);
        }
    }

    pub(crate) fn leave(&mut self, node: u32, away_ms: u32) {
        let back_us = self.now_us + u64::from(away_ms) * 1_000;
        self.kernel.plan(back_us, Event::at(Kind::Return, node, 0));
        self.excuse(node);
        let here = self.nodes.at_mut(node);
        here.online = false;
        let links = here.sides();
        for link in links {
            self.disconnect(node, link);
        }
        let here = self.nodes.at_mut(node);
        (here.held, here.marks, here.promises) = (Vec::new(), Vec::new(), Vec::new());
        self.fanouts.remove(&node);
    }

    /// A node is back: it dials whom it knows, and who knows it dials it.
    pub(crate) fn come_back(&mut self, node: u32) {
        let now_us = self.now_us;
        let here = self.nodes.at_mut(node);
        (here.online, here.online_since_us, here.line_free_us) = (true, now_us, now_us);
        let links = here.sides();
        links.for_each(|link| self.redial(node, link));
    }

    /// Plans that a connection is dialled by whoever dialled it before.
    fn redial(&mut self, node: u32, link: u32) {
        let near = self.links.at(link);
        let (dialler, link) = match near.is(OUTBOUND) {
            true => (node, link),
            false => (near.peer, near.twin),
        };
        let at = self.now_us + self.chance.below(REDIAL_US);
        self.kernel.plan(
            at,
            Event {
                link,
                ..Event::at(Kind::Connect, dialler, 0)
            },
        );
    }

    /// The network falls into parts: what leads from one to the other is gone.
    pub(crate) fn split(&mut self, place: u32) {
        let groups = self
            .scenario
            .partition
            .get(place as usize)
            .map_or(1, |part| part.groups.max(1));
        self.split = Some(place);
        for node in &mut self.nodes.all {
            node.group = u8::try_from(self.chance.below(u64::from(groups))).unwrap_or(0);
        }
        self.excuse_the_other_side();
        for node in 0..u32::try_from(self.nodes.all.len()).unwrap_or(u32::MAX) {
            let here = self.nodes.at(node);
            let (group, links) = (here.group, here.sides());
            for link in links {
                let near = self.links.at(link);
                if near.is(OUTBOUND) && self.nodes.at(near.peer).group != group {
                    self.disconnect(node, link);
                }
            }
        }
    }

    /// The network is whole again: what was cut is dialled.
    pub(crate) fn heal(&mut self) {
        self.split = None;
        for node in 0..u32::try_from(self.nodes.all.len()).unwrap_or(u32::MAX) {
            let here = self.nodes.at(node);
            let links = here.sides();
            for link in links {
                let near = self.links.at(link);
                if near.is(OUTBOUND) && !near.is(CONNECTED) {
                    self.redial(node, link);
                }
            }
        }
    }
}
