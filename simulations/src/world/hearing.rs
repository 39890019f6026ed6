//! What reaches a peer over its links: gossip, questions and answers. Described in
//! `spec/simulations.md`.

use super::*;
use crate::sabotage::flipped;

impl World {
    pub(super) fn heard(
        &mut self,
        at: usize,
        from: usize,
        link: u64,
        topic: &AuthorId,
        bytes: Arc<[u8]>,
    ) -> Result<(), Broken> {
        let (stands, device) = (self.stands(at, from, link), self.device(from));
        let deaf = self.is_deaf(at) || self.denies(at, &bytes);
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.peer.is_some()) else {
            return Ok(());
        };
        let joined = node.topics.contains(topic);
        let Some(from) = device.filter(|_| stands && joined && !deaf) else {
            return Ok(());
        };
        if !node.seen.insert(EnvelopeId::of(&bytes)) && !self.stormy {
            return Ok(());
        }
        let envelope = Box::new(self.book.open(&bytes));
        let gossip = self.fresh();
        self.gossip.insert(gossip, (at, bytes));
        let heard = Input::Heard {
            gossip,
            from,
            envelope,
        };
        self.step(at, heard, "heard")
    }

    /// Sends an envelope to all connected nodes that listen to its author.
    pub(super) fn spread(&mut self, at: usize, bytes: &Arc<[u8]>) {
        let id = EnvelopeId::of(bytes);
        let Some(topic) = self.book.signed(&id).map(|signed| signed.author()) else {
            return;
        };
        let links: Vec<(usize, Link)> = self.links.of(at).collect();
        for (to, link) in links {
            let wants = |node: &Node| node.topics.contains(&topic) && !node.seen.contains(&id);
            if self.nodes.get(to).is_some_and(wants) {
                self.announce(at, to, link, topic, bytes);
            }
        }
    }

    /// Sends an envelope over one link.
    pub(super) fn announce(&mut self, at: usize, to: usize, link: Link, topic: AuthorId, bytes: &Arc<[u8]>) {
        let times = 1 + u64::from(self.repeats(at, to));
        for _ in 0..times {
            if self.loses(at, to) {
                continue;
            }
            let soon = self.time + self.delay(link, at, to, || bytes.len());
            let heard = Event::Heard {
                at: to,
                from: at,
                link: link.number,
                topic,
                bytes: self.carried(bytes),
            };
            self.queue.plan(soon, heard);
        }
    }

    /// What comes out of a wire of what went in.
    fn carried(&mut self, bytes: &Arc<[u8]>) -> Arc<[u8]> {
        let garbles = self.sabotage == Some(Sabotage::GarbleGossip) && self.chance.in_thousand(10);
        match garbles.then(|| flipped(bytes)).flatten() {
            Some(flipped) => flipped.into(),
            None => Arc::clone(bytes),
        }
    }

    pub(super) fn asked(&mut self, question: u64, request: Request) -> Result<(), Broken> {
        let Some(known) = self.questions.get(&question).cloned() else {
            return Ok(());
        };
        let Some(from) = self.device(known.asker) else {
            return Ok(());
        };
        if self.hears_no_talk([known.asker, known.asked], &request) {
            return Ok(());
        }
        let request = request.map(|raws| self.book.open_all(raws));
        let asked = Input::Asked {
            question,
            from,
            request,
        };
        self.step(known.asked, asked, "asked")
    }

    pub(super) fn answered(&mut self, question: u64, answer: Answer) -> Result<(), Broken> {
        let Some(known) = self.questions.remove(&question) else {
            return Ok(());
        };
        if self
            .nodes
            .get(known.asker)
            .is_some_and(|node| node.newcomer.is_some())
        {
            return self.paired(known.asker, answer);
        }
        if !self.lives(known.asker, known.life) {
            return Ok(());
        }
        let deaf = self.is_deaf(known.asker);
        let asker = known.asker;
        let answer = answer.map(|mut raws| {
            raws.retain(|raw| !deaf && !self.denies(asker, raw));
            self.book.open_all(raws)
        });
        let exchange = known.exchange;
        let answer = Some(answer);
        self.step(known.asker, Input::Answered { exchange, answer }, "answered")
    }

    /// Whether a broken wire carries nothing of its shop's documents to the last device or from it.
    fn hears_no_talk(&self, ends: [usize; 2], request: &Request) -> bool {
        let is_last = ends.iter().any(|at| at + 1 == self.nodes.len());
        self.sabotage == Some(Sabotage::DeafDevice) && is_last && matches!(request, Request::Talk(_))
    }

    pub(super) fn is_deaf(&self, at: usize) -> bool {
        self.sabotage == Some(Sabotage::DeafReader) && at == 0
    }

    pub(super) fn remember(&mut self, at: usize, words: String) {
        let line = format!("{:>9} ms  node {at:<3} {words}", self.time);
        if let Some(node) = self.nodes.get_mut(at) {
            if node.last.len() == LAST_EVENTS {
                node.last.pop_front();
            }
            node.last.push_back(line);
        }
    }
}
