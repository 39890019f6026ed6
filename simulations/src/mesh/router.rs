//! What a node does with what arrives: gossipsub's `behaviour.rs`, handler by handler.

use super::World;
use super::policy::{About, Act, Answer, Handling, Me, Neighbour};
use super::send::data_bytes;
use super::state::{
    ACCEPTED, CONNECTED, COUNT_ONE, Event, GRAYLISTED, Held, Kind, MESH, Mark, Message, OUTBOUND, PENDING,
    Promise, REJECTED, SUBSCRIBED, UNSEEN, count_up,
};
use crate::wire::blend;

/// Longest backoff that a peer can ask for.
const BACKOFF_S_MAX: u32 = 3_600;

impl World {
    pub(crate) fn happen(&mut self, event: Event) {
        let Event {
            kind,
            node,
            link,
            about,
            hops,
        } = event;
        self.measures.events += 1;
        let what = u64::from(kind as u8) << 40 | u64::from(hops) << 32 | u64::from(about);
        let place = u64::from(node) << 32 | u64::from(link);
        self.chain.add([self.now_us, what, place]);
        // Who publishes is not drawn yet.
        if event.kind != Kind::Publish {
            self.keep(event);
        }
        match kind {
            Kind::Data | Kind::Graft | Kind::Prune if self.nodes.at(node).outside => {}
            Kind::Ihave if self.nodes.at(node).outside => self.give_back(about),
            Kind::Beat => self.beat(node),
            Kind::Judged => self.judged(node, about),
            Kind::Connect => self.connect(node, link),
            Kind::Publish => self.publish_next(about),
            Kind::Leave => self.leave(node, about),
            Kind::Return => self.come_back(node),
            Kind::Split => self.split(about),
            Kind::Heal => self.heal(),
            Kind::Sample => self.sample(about),
            Kind::Delivered | Kind::Graylisted => {}
            _ if self.is_refused(node, link) => {
                if matches!(kind, Kind::Ihave | Kind::Iwant) {
                    self.give_back(about);
                }
            }
            Kind::Data => self.data(node, link, about, hops),
            Kind::Ihave | Kind::Iwant => {
                let ids = self.take_list(about);
                match kind {
                    Kind::Ihave => self.ihave(node, link, &ids),
                    _ => self.iwant(node, link, &ids),
                }
                self.give_list(about, ids);
            }
            Kind::Graft => self.graft(node, link),
            Kind::Prune => self.prune(node, link, about),
            Kind::DontWant => self.dont_want(node, link, about),
            Kind::Hello => self.hello(node, link),
        }
    }

    /// Whether nothing is read from a neighbour: the connection is gone, or it is graylisted.
    fn is_refused(&mut self, node: u32, link: u32) -> bool {
        let near = self.links.at(link);
        if !near.is(CONNECTED) {
            return true;
        }
        if near.is_clean(&self.rules)
            || near.score(&self.rules) >= self.rules.params.score.graylist_threshold_nano
        {
            return false;
        }
        let (first, peer) = (!near.is(GRAYLISTED), near.peer);
        self.links.at_mut(link).set(GRAYLISTED, true);
        if first && self.is_honest(node) {
            match self.is_honest(peer) {
                true => self.measures.graylisted_honest += 1,
                false => self.measures.graylisted_attackers += 1,
            }
            self.keep(Event {
                link,
                ..Event::at(Kind::Graylisted, node, 0)
            });
        }
        true
    }

    /// Whether a neighbour's score is below this.
    pub(crate) fn is_below(&self, link: u32, threshold: i64) -> bool {
        let link = self.links.at(link);
        !link.is_clean(&self.rules) && link.score(&self.rules) < threshold
    }

    pub(crate) fn me(&self, node: u32) -> Me {
        let attack = self.scenario.attack.as_ref();
        Me {
            node,
            now_ms: self.now_us / 1_000,
            attack_from_ms: attack.map_or(0, |attack| attack.from_ms),
            beats: self.nodes.at(node).beats,
        }
    }

    pub(crate) fn about(&self, message: u32) -> About {
        let known = self.messages.at(message);
        About {
            message,
            author: known.author,
            size_bytes: known.size_bytes,
            valid: known.valid,
        }
    }

    pub(crate) fn neighbour(&self, node: u32, link: u32) -> Neighbour {
        let near = self.links.at(link);
        Neighbour {
            node: near.peer,
            slot: self.slot_of(node, link),
            in_mesh: near.is(MESH),
            backed_off: near.backoff_ms != 0,
        }
    }

    fn data(&mut self, node: u32, link: u32, message: u32, hops: u8) {
        let slot = self.slot_of(node, link);
        if self.seen.has(node, message) {
            self.duplicate(node, link, slot, message);
            return;
        }
        let (role, peer) = (self.nodes.at(node).role, self.links.at(link).peer);
        if role != 0 {
            let (me, about) = (self.me(node), self.about(message));
            let handling = self
                .policies
                .get_mut(usize::from(role))
                .map(|policy| policy.on_message(me, about, peer));
            if handling == Some(Handling::Drop) {
                self.seen.put(node, message);
                return;
            }
        }
        if data_bytes(self.messages.at(message).size_bytes) > self.rules.params.dontwant_over_bytes {
            self.announce_dont_want(node, slot, message);
        }
        self.seen.put(node, message);
        let here = self.nodes.at_mut(node);
        here.promises.retain(|promise| promise.message != message);
        let held = Held {
            message,
            from: slot,
            beat: here.beats,
            hops,
            verdict: PENDING,
            ..Held::default()
        };
        match here.find(message).and_then(|place| here.held.get_mut(place)) {
            // Somebody has said that it does not want it.
            Some(known) => {
                let unwanted_ms = known.unwanted_ms;
                *known = Held { unwanted_ms, ..held };
            }
            None => {
                here.hold(held);
            }
        }
        self.note_delivery(node, message, hops, link);
        let at = self.now_us + self.judging_us(node, message);
        self.kernel.plan(at, Event::at(Kind::Judged, node, message));
    }

    /// Tells the mesh, and whoever was asked for it, that this message has come.
    fn announce_dont_want(&mut self, node: u32, but: u32, message: u32) {
        let mut told = std::mem::take(&mut self.room);
        told.clear();
        let here = self.nodes.at(node);
        told.extend(here.mesh.iter().copied());
        let asked = here.promises.iter().filter(|promise| promise.message == message);
        for promise in asked {
            if !told.contains(&promise.slot) {
                told.push(promise.slot);
            }
        }
        let from = here.links_from;
        for slot in told.iter().filter(|slot| **slot != but) {
            self.send_control(node, from + slot, Kind::DontWant, message, 1);
        }
        self.room = told;
    }

    fn duplicate(&mut self, node: u32, link: u32, slot: u32, message: u32) {
        let honest = self.messages.at(message).honest;
        let here = self.nodes.at_mut(node);
        if here.role == 0 && honest {
            here.duplicates += 1;
            self.measures.duplicates += 1;
        }
        let Some(place) = here.find(message) else {
            return;
        };
        let fresh = here.mark(place, Mark::Heard, slot);
        let held = here.held.get(place).cloned().unwrap_or_default();
        let score = &self.rules.params.score;
        let now_ms = u32::try_from(self.now_us / 1_000).unwrap_or(u32::MAX);
        let near = self.links.at_mut(link);
        let in_time = u64::from(now_ms.saturating_sub(held.accepted_ms)) <= score.delivery_window_ms;
        match held.verdict {
            ACCEPTED if fresh && in_time && near.is(MESH) => {
                count_up(&mut near.delivered, score.delivery_cap)
            }
            REJECTED => near.invalid = near.invalid.saturating_add(COUNT_ONE),
            _ => {}
        }
    }

    /// A message has its verdict: it is passed on, or whoever sent it is punished.
    fn judged(&mut self, node: u32, message: u32) {
        let now_ms = self.now_ms();
        let valid = self.messages.at(message).valid;
        let here = self.nodes.at_mut(node);
        let Some(place) = here.find(message) else {
            return;
        };
        let Some(held) = here.held.get_mut(place).filter(|held| held.verdict == PENDING) else {
            return;
        };
        held.verdict = if valid { ACCEPTED } else { REJECTED };
        held.accepted_ms = now_ms;
        let (from, hops) = (held.from, held.hops);
        let (links_from, links) = (here.links_from, here.links);
        let score = &self.rules.params.score;
        let senders = (0..links).filter(|slot| *slot != from && here.is_marked(place, Mark::Heard, *slot));
        let senders: Vec<u32> = senders.collect();
        for slot in senders.iter().chain([&from]) {
            let near = self.links.at_mut(links_from + slot);
            match valid {
                false => near.invalid = near.invalid.saturating_add(COUNT_ONE),
                true => {
                    if *slot == from {
                        count_up(&mut near.first, score.first_cap);
                    }
                    if near.is(MESH) {
                        count_up(&mut near.delivered, score.delivery_cap);
                    }
                }
            }
        }
        if valid {
            self.forward(node, place, message, hops.saturating_add(1), from);
        }
    }

    fn forward(&mut self, node: u32, place: usize, message: u32, hops: u8, but: u32) {
        let mut told = std::mem::take(&mut self.room);
        told.clear();
        let here = self.nodes.at(node);
        let (role, from) = (here.role, here.links_from);
        let others = here.mesh.iter().filter(|slot| {
            **slot != but
                && !here.is_marked(place, Mark::Heard, **slot)
                && !self.is_unwanted(node, place, **slot)
        });
        told.extend(others);
        // gossipsub goes through a set in no order; here each message has its own first neighbour.
        let turn = blend(self.seed, u64::from(node), u64::from(message)) % (told.len() as u64).max(1);
        told.rotate_left(usize::try_from(turn).unwrap_or(0));
        for slot in &told {
            if role != 0 {
                let (me, about) = (self.me(node), self.about(message));
                let to = self.links.at(from + slot).peer;
                let policy = self.policies.get_mut(usize::from(role));
                if policy.is_some_and(|policy| !policy.forwards(me, about, to)) {
                    continue;
                }
            }
            self.send_data(
                node,
                from + slot,
                message,
                hops,
                self.rules.params.forward_wait_ms,
            );
        }
        self.room = told;
    }

    fn is_unwanted(&self, node: u32, place: usize, slot: u32) -> bool {
        let here = self.nodes.at(node);
        let since_ms = here.held.get(place).map_or(0, |held| held.unwanted_ms);
        let is_minded = u64::from(since_ms) + self.rules.params.dontwant_ms >= self.now_us / 1_000;
        is_minded && here.is_marked(place, Mark::Unwanted, slot)
    }

    fn ihave(&mut self, node: u32, link: u32, ids: &[u32]) {
        let params = &self.rules.params;
        if self.is_below(link, params.score.gossip_threshold_nano) || !self.follows(node) {
            return;
        }
        let slot = self.slot_of(node, link);
        let near = self.links.at_mut(link);
        near.ihaves = near.ihaves.saturating_add(1);
        if near.ihaves > params.ihave_max || usize::from(near.asked) >= params.ids_max {
            return;
        }
        let room = params.ids_max - usize::from(near.asked);
        let until_ms = u32::try_from(self.now_us / 1_000 + params.promise_ms).unwrap_or(u32::MAX);
        let here = self.nodes.at_mut(node);
        let mut wanted = Vec::new();
        for &message in ids {
            let is_promised = here.promises.iter().any(|promise| promise.message == message);
            if !self.seen.has(node, message) && !is_promised && wanted.len() < room {
                here.promises.push(Promise {
                    message,
                    slot,
                    until_ms,
                });
                wanted.push(message);
            }
        }
        let near = self.links.at_mut(link);
        near.asked = near
            .asked
            .saturating_add(u16::try_from(wanted.len()).unwrap_or(u16::MAX));
        self.send_list(node, &[link], Kind::Iwant, wanted);
    }

    fn iwant(&mut self, node: u32, link: u32, ids: &[u32]) {
        if self.is_below(link, self.rules.params.score.gossip_threshold_nano) || !self.follows(node) {
            return;
        }
        let slot = self.slot_of(node, link);
        for &message in ids {
            let here = self.nodes.at(node);
            let Some(place) = here.find(message) else {
                continue;
            };
            let held = here.held.get(place).cloned().unwrap_or_default();
            if held.verdict == ACCEPTED && !self.is_unwanted(node, place, slot) {
                let hops = held.hops.saturating_add(1);
                self.send_data(node, link, message, hops, self.rules.params.forward_wait_ms);
            }
        }
    }

    fn dont_want(&mut self, node: u32, link: u32, message: u32) {
        let (slot, now_ms) = (self.slot_of(node, link), self.now_ms());
        let seen = self.seen.has(node, message);
        let here = self.nodes.at_mut(node);
        let beat = here.beats;
        let place = match here.find(message) {
            Some(place) => place,
            // Nobody will ask for it here any more.
            None if seen => return,
            None => here.hold(Held {
                message,
                beat,
                verdict: UNSEEN,
                ..Held::default()
            }),
        };
        here.mark(place, Mark::Unwanted, slot);
        if let Some(held) = here.held.get_mut(place).filter(|held| held.unwanted_ms == 0) {
            held.unwanted_ms = now_ms.max(1);
        }
    }

    fn graft(&mut self, node: u32, link: u32) {
        let (role, peer) = (self.nodes.at(node).role, self.links.at(link).peer);
        let answer = match role {
            0 => Answer::Follow,
            role => {
                let me = self.me(node);
                let policy = self.policies.get_mut(usize::from(role));
                policy.map_or(Answer::Follow, |policy| policy.on_graft(me, peer))
            }
        };
        let now_ms = self.now_us / 1_000;
        let params = &self.rules.params;
        let (high, backoff_ms, flood_ms) = (params.mesh_high, params.prune_backoff_ms, params.graft_flood_ms);
        let is_negative = self.is_below(link, 0);
        let members = self.nodes.at(node).mesh.len();
        let near = self.links.at_mut(link);
        if near.is(MESH) {
            return;
        }
        let refused = match answer {
            Answer::Accept => false,
            Answer::Refuse => true,
            Answer::Follow if u64::from(near.backoff_ms) > now_ms => {
                near.behaviour = near.behaviour.saturating_add(COUNT_ONE);
                if u64::from(near.backoff_ms) - now_ms > backoff_ms.saturating_sub(flood_ms) {
                    near.behaviour = near.behaviour.saturating_add(COUNT_ONE);
                }
                true
            }
            Answer::Follow if is_negative => true,
            Answer::Follow if !near.is(SUBSCRIBED) => return,
            Answer::Follow => members >= high && !near.is(OUTBOUND),
        };
        match refused {
            true => self.send_prune(node, link),
            false => self.mesh_add(node, link),
        }
    }

    /// Sends a prune to a neighbour that is not in the mesh, or not any more.
    pub(crate) fn send_prune(&mut self, node: u32, link: u32) {
        let backoff_ms = self.rules.params.prune_backoff_ms;
        let near = self.links.at_mut(link);
        near.score_prune(&self.rules);
        near.back_off(self.now_us / 1_000 + backoff_ms);
        let seconds = u32::try_from(backoff_ms / 1_000).unwrap_or(u32::MAX);
        self.send_control(node, link, Kind::Prune, seconds, 0);
    }

    fn prune(&mut self, node: u32, link: u32, seconds: u32) {
        self.mesh_remove(node, link);
        let until_ms = self.now_us / 1_000 + u64::from(seconds.min(BACKOFF_S_MAX)) * 1_000;
        self.links.at_mut(link).back_off(until_ms);
        let role = self.nodes.at(node).role;
        if role != 0 {
            let (me, near) = (self.me(node), self.neighbour(node, link));
            let mut acts = Vec::new();
            if let Some(policy) = self.policies.get_mut(usize::from(role)) {
                policy.on_prune(me, near, &mut acts);
            }
            self.act(node, &acts);
        }
    }

    fn hello(&mut self, node: u32, link: u32) {
        self.links.at_mut(link).set(SUBSCRIBED, true);
        let is_low = self.nodes.at(node).mesh.len() < self.rules.params.mesh_low;
        let is_free = self.links.at(link).backoff_ms == 0;
        let keeps_mesh = !self.nodes.at(node).outside && self.follows(node);
        if is_low && is_free && !self.links.at(link).is(MESH) && !self.is_below(link, 0) && keeps_mesh {
            self.mesh_add(node, link);
            self.send_control(node, link, Kind::Graft, 0, 0);
        }
    }

    /// Whether the router keeps this node's mesh and gossip.
    pub(crate) fn follows(&self, node: u32) -> bool {
        match self.nodes.at(node).role {
            0 => true,
            role => {
                let policy = self.policies.get(usize::from(role));
                policy.is_none_or(|policy| policy.follows_router(self.me(node)))
            }
        }
    }

    pub(crate) fn mesh_add(&mut self, node: u32, link: u32) {
        let (slot, now_ms) = (self.slot_of(node, link), self.now_ms());
        let near = self.links.at_mut(link);
        if !near.is(MESH) {
            near.set(MESH, true);
            near.score_graft(now_ms);
            self.nodes.at_mut(node).mesh.push(slot);
        }
    }

    pub(crate) fn mesh_remove(&mut self, node: u32, link: u32) {
        let slot = self.slot_of(node, link);
        let near = self.links.at_mut(link);
        if near.is(MESH) {
            near.set(MESH, false);
            near.score_prune(&self.rules);
            self.nodes.at_mut(node).mesh.retain(|other| *other != slot);
        }
    }

    /// Does what a policy asks for.
    pub(crate) fn act(&mut self, node: u32, acts: &[Act]) {
        for act in acts {
            match *act {
                Act::Publish { size_bytes, valid } => self.publish(node, size_bytes, valid),
                Act::Graft { slot } => {
                    let link = self.link_at(node, slot);
                    if slot < self.nodes.at(node).links && self.links.at(link).is(CONNECTED) {
                        self.mesh_add(node, link);
                        self.send_control(node, link, Kind::Graft, 0, 0);
                    }
                }
                Act::Prune { slot } => {
                    let link = self.link_at(node, slot);
                    if slot < self.nodes.at(node).links && self.links.at(link).is(MESH) {
                        self.mesh_remove(node, link);
                        self.send_prune(node, link);
                    }
                }
            }
        }
    }

    /// A node publishes a message.
    pub(crate) fn publish(&mut self, node: u32, size_bytes: u32, valid: bool) {
        let message = u32::try_from(self.messages.all.len()).unwrap_or(u32::MAX);
        let honest = self.is_honest(node);
        self.messages.all.push(Message {
            author: node,
            published_us: self.now_us,
            size_bytes,
            valid,
            honest,
            ..Message::default()
        });
        let room = self.messages.all.len().next_power_of_two();
        self.seen.reserve(self.nodes.all.len(), room);
        self.seen.put(node, message);
        let now_ms = self.now_ms();
        let here = self.nodes.at_mut(node);
        let beat = here.beats;
        here.hold(Held {
            message,
            from: super::state::NONE,
            beat,
            accepted_ms: now_ms,
            verdict: ACCEPTED,
            ..Held::default()
        });
        let (from, links) = (here.links_from, here.links);
        let threshold = self.rules.params.score.publish_threshold_nano;
        let mut told: Vec<u32> = (from..from + links)
            .filter(|link| {
                self.links.at(*link).is(CONNECTED | SUBSCRIBED) && !self.is_below(*link, threshold)
            })
            .collect();
        self.chance.shuffle(&mut told);
        let floods = self.rules.params.flood_publish;
        if !floods && self.nodes.at(node).outside {
            told = self.told_by_fanout(node, told);
        } else if !floods {
            // The mesh, and others if it is too small.
            told.sort_by_key(|link| !self.links.at(*link).is(MESH));
            let members = told.iter().filter(|link| self.links.at(**link).is(MESH)).count();
            told.truncate(members.max(self.rules.params.mesh_n));
        }
        if honest && valid {
            self.expect(message);
        }
        for link in told {
            self.send_data(node, link, message, 1, self.rules.params.publish_wait_ms);
        }
    }
}
