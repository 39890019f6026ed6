//! How a node publishes to a topic that it is not in: gossipsub's fan-out. Whom it told it tells again, as long as
//! it goes on publishing. With flood publishing there is none, since everybody is told.

use super::World;
use super::state::{CONNECTED, FANOUT, SUBSCRIBED};

impl World {
    /// Of those whom a node outside the topic may tell, those whom it tells.
    pub(crate) fn told_by_fanout(&mut self, node: u32, may_be_told: Vec<u32>) -> Vec<u32> {
        let (fanout, mut others): (Vec<u32>, Vec<u32>) = may_be_told
            .into_iter()
            .partition(|link| self.links.at(*link).is(FANOUT));
        let needed = self.rules.params.mesh_n.saturating_sub(fanout.len());
        let mut told = fanout;
        if needed > 0 {
            let new = self.some_of(&mut others, needed).to_vec();
            // As in libp2p-gossipsub 0.50: the new ones are the fan-out now, and the heartbeat fills it up.
            self.let_fanout_go(node);
            new.iter()
                .for_each(|link| self.links.at_mut(*link).set(FANOUT, true));
            told.extend(new);
        }
        self.fanouts.insert(node, self.now_us);
        let (used, neighbours) = self.measures.fanouts;
        self.measures.fanouts = (used + 1, neighbours + told.len() as u64);
        told
    }

    /// The heartbeat of a node outside the topic: a fan-out that was not used for long is gone, another one is
    /// filled up, and recent messages are named to some who are not in it.
    pub(crate) fn keep_fanout(&mut self, node: u32) {
        let Some(used_us) = self.fanouts.get(&node).copied() else {
            return;
        };
        if self.now_us - used_us > self.rules.params.fanout_ms * 1_000 {
            self.fanouts.remove(&node);
            self.let_fanout_go(node);
            return;
        }
        let threshold = self.rules.params.score.publish_threshold_nano;
        let (mut members, mut others) = (0, Vec::new());
        for link in self.nodes.at(node).sides() {
            let near = self.links.at(link);
            let stays = near.is(CONNECTED | SUBSCRIBED) && !self.is_below(link, threshold);
            match (near.is(FANOUT), stays) {
                (true, true) => members += 1,
                (true, false) => self.links.at_mut(link).set(FANOUT, false),
                (false, true) => others.push(link),
                (false, false) => {}
            }
        }
        let needed = self.rules.params.mesh_n.saturating_sub(members);
        for link in self.some_of(&mut others, needed).to_vec() {
            self.links.at_mut(link).set(FANOUT, true);
        }
        self.name_messages(node, FANOUT);
    }

    fn let_fanout_go(&mut self, node: u32) {
        for link in self.nodes.at(node).sides() {
            self.links.at_mut(link).set(FANOUT, false);
        }
    }
}
