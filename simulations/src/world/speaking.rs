//! What a peer does once its step is committed: over links that lose, delay and repeat. Described in
//! `spec/simulations.md`.

use super::*;
use crate::sabotage::flipped;

impl World {
    pub(super) fn perform(&mut self, at: usize, action: Action) -> Result<(), Broken> {
        if self.nodes.get(at).is_none_or(|node| node.peer.is_none()) {
            return Ok(());
        }
        match action {
            Action::Judge {
                gossip,
                verdict,
                refusal,
            } => self.judged(at, gossip, verdict, refusal),
            Action::Announce(announcement) => {
                let bytes: Arc<[u8]> = announcement.bytes().into();
                self.spoken(at, &bytes)?;
                if let Some(node) = self.nodes.get_mut(at) {
                    node.seen.insert(EnvelopeId::of(&bytes));
                }
                self.spread(at, &bytes);
                Ok(())
            }
            Action::Join(author) => {
                if let Some(node) = self.nodes.get_mut(at) {
                    node.topics.insert(author);
                }
                Ok(())
            }
            Action::Leave(author) => {
                if let Some(node) = self.nodes.get_mut(at) {
                    node.topics.remove(&author);
                }
                Ok(())
            }
            Action::Ask {
                exchange,
                to,
                request,
            } => self.ask(at, exchange, &to, request),
            Action::Answer { question, answer } => self.answer(at, question, answer),
            Action::Seek { author, devices } => {
                let (luck, soon) = (self.luck(at, at), self.luck(at, at));
                if !self.stormy || luck % 1_000 >= 200 {
                    for other in self.found(at, &author, &devices, luck / 1_000) {
                        let soon = self.time + 50 + soon % 500;
                        self.queue.plan(soon, Event::Connect(at, other));
                    }
                }
                Ok(())
            }
            Action::Reply { ticket, reply } => {
                if self.is_for_pairing(ticket, &reply)? {
                    return Ok(());
                }
                match &reply {
                    Ok(_) => self.counts.wishes += 1,
                    Err(_) => self.counts.refused += 1,
                }
                if self.remembers {
                    self.remember(at, format!("is told {reply:?}"));
                }
                Ok(())
            }
            Action::Count(refusal) => {
                if self.remembers {
                    self.remember(at, format!("refuses: {refusal}"));
                }
                *self.counts.refusals.entry(refusal.name().to_owned()).or_default() += 1;
                Ok(())
            }
            Action::Tell(event) => {
                let is_actor = self.tell_actor(at, &event.what);
                match event.what {
                    _ if is_actor => {}
                    Happening::OrderMoved { order, state } => {
                        self.keep(at, &order, &state);
                        self.told(at, Moved::Order(order));
                    }
                    Happening::TabMoved { with, .. } => self.told(at, Moved::Tab(with)),
                    _ => {}
                }
                Ok(())
            }
            Action::Provide(_) | Action::Index { .. } => Ok(()),
        }
    }

    /// Keeps an event for the table, if the scenario asks for it. An order is told by the first bytes of its id.
    fn keep(&mut self, at: usize, order: &OrderId, state: &str) {
        if self.scenario.keep_events.iter().any(|kind| kind == "order") {
            let about = order.as_bytes().first_chunk::<8>();
            self.events.push(Row {
                time_us: self.time * 1_000,
                node: at as u64,
                kind: format!("order {state}"),
                other: None,
                about: about.map(|bytes| u64::from_be_bytes(*bytes)),
            });
        }
    }

    /// A node tells its owner that something moved. Most look at it, after a while.
    fn told(&mut self, at: usize, moved: Moved) {
        let people = &self.scenario.people;
        if self.stormy && !self.script.is_played() && self.chance.in_thousand(people.attentive) {
            let soon = self.time + 500 + self.chance.below(people.look_ms_max);
            self.queue.plan(soon, Event::Attend(at, moved));
        }
    }

    /// What a node says of its own is in its store.
    pub(super) fn spoken(&mut self, at: usize, bytes: &[u8]) -> Result<(), Broken> {
        self.book.heard(at, bytes)?;
        let id = EnvelopeId::of(bytes);
        let (Some(node), Some(signed)) = (self.nodes.get(at), self.book.signed(&id)) else {
            return Ok(());
        };
        if signed.device() != node.identity.device {
            return Ok(());
        }
        let store: &dyn Records = &node.store;
        let held = match signed.body().state_key() {
            Some(key) => {
                let held = store.state_of(&signed.author(), signed.body().kind(), &key, &signed.device());
                // A later word of the same step may stand there by now.
                held.map(|held| held.is_some_and(|held| held.time() >= signed.time()))
            }
            None => store.holds(&id),
        };
        match held {
            Ok(true) => Ok(()),
            Ok(false) => Err(Broken::new(
                Law::CommitFirst,
                format!("node {at} says {id}, which its store does not hold"),
                [at],
            )),
            Err(fault) => Err(Broken::new(Law::NoFault, fault.to_string(), [at])),
        }
    }

    pub(super) fn judged(
        &mut self,
        at: usize,
        gossip: u64,
        verdict: Verdict,
        refusal: Option<Refusal>,
    ) -> Result<(), Broken> {
        let message = self.gossip.remove(&gossip);
        if let Some(refusal) = &refusal {
            *self.counts.refusals.entry(refusal.name().to_owned()).or_default() += 1;
            if self.remembers {
                self.remember(at, format!("judges {verdict:?}: {refusal}"));
            }
        }
        match (verdict, message) {
            (Verdict::Reject, _) => {
                let why = refusal.map(|refusal| refusal.to_string()).unwrap_or_default();
                Err(Broken::new(Law::NoneRejected, why, [at]))
            }
            (Verdict::Accept, Some((_, bytes))) => {
                if refusal.is_none() {
                    self.count_pushed(at, &bytes)?;
                }
                self.spread(at, &bytes);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Counts what a node took unasked of somebody else, since it last started and within an hour of its clock.
    fn count_pushed(&mut self, at: usize, bytes: &[u8]) -> Result<(), Broken> {
        const HOUR_MS: u64 = 3_600_000;
        let Some(node) = self.nodes.get(at).filter(|_| !self.book.liars.has(at)) else {
            return Ok(());
        };
        let when = (node.life, self.clock(node).0 / HOUR_MS);
        let id = EnvelopeId::of(bytes);
        let Some(author) = self.book.signed(&id).map(Signed::author) else {
            return Ok(());
        };
        let (last, count) = self.pushed.entry((at, author)).or_insert((when, 0));
        *count = if *last == when { *count + 1 } else { 1 };
        *last = when;
        laws::pushed(at, &author, *count)
    }

    pub(super) fn ask(
        &mut self,
        at: usize,
        exchange: u64,
        to: &DeviceId,
        request: Request,
    ) -> Result<(), Broken> {
        if let Request::Deliver(raws) | Request::Settle(raws) = &request {
            for raw in raws {
                self.spoken(at, raw)?;
            }
        }
        if let Request::Talk(talk) = &request {
            self.counts.talk_bytes += talk.piece.len() as u64;
        }
        self.put(at, exchange, to, request);
        Ok(())
    }

    /// Sends a question, or says that there is no way to.
    pub(super) fn put(&mut self, at: usize, exchange: u64, to: &DeviceId, request: Request) {
        let life = self.nodes.get(at).map_or(0, |node| node.life);
        let other = self.devices.get(to).copied();
        let Some((other, link)) = other.and_then(|other| Some((other, self.link(at, other)?))) else {
            self.queue
                .plan(self.time + 1, Event::Unanswered { at, life, exchange });
            return;
        };
        let times = 1 + u64::from(self.repeats(at, other));
        for _ in 0..times {
            let question = self.fresh();
            let known = Question {
                asker: at,
                life,
                exchange,
                asked: other,
                link: link.number,
            };
            self.questions.insert(question, known);
            let timeout = self.time + self.scenario.links.timeout_ms;
            self.queue.plan(timeout, Event::Silence { question });
            if !self.loses(at, other) {
                let size = || request.write().map_or(0, |frame| frame.len());
                let soon = self.time + self.delay(link, at, other, size);
                let request = self.brought(request.clone());
                self.queue.plan(soon, Event::Asked { question, request });
            }
        }
    }

    /// What comes out of a wire of a request that went in.
    fn brought(&mut self, request: Request) -> Request {
        if self.sabotage != Some(Sabotage::GarbleDelivery) || !self.chance.in_thousand(50) {
            return request;
        }
        let garbled = |raws: Vec<Raw>| {
            let garbled = raws.into_iter().filter_map(|raw| flipped(&raw));
            garbled.map(Raw::from).collect()
        };
        match request {
            Request::Deliver(raws) => Request::Deliver(garbled(raws)),
            Request::Settle(raws) => Request::Settle(garbled(raws)),
            other => other,
        }
    }

    pub(super) fn answer(&mut self, at: usize, question: u64, answer: Answer) -> Result<(), Broken> {
        if let Answer::Taken(outcomes) = &answer {
            for outcome in outcomes {
                if let Taken::Refused(why) = outcome {
                    let asker = self.questions.get(&question).map(|known| known.asker);
                    let nodes = std::iter::once(at).chain(asker);
                    // What a liar says may be refused, and a liar may refuse anything.
                    if nodes.clone().any(|node| self.book.liars.has(node)) {
                        break;
                    }
                    return Err(Broken::new(Law::NoneRefused, why.to_string(), nodes));
                }
            }
        }
        if let Answer::Talk(talk) = &answer {
            self.counts.talk_bytes += talk.piece.len() as u64;
        }
        let known = self.questions.get(&question).map(|known| known.asker);
        let Some((asker, link)) = known.and_then(|asker| Some((asker, self.link(asker, at)?))) else {
            return Ok(());
        };
        if !self.loses(at, asker) {
            let size = || answer.write().map_or(0, |frame| frame.len());
            let soon = self.time + self.delay(link, at, asker, size);
            self.queue.plan(soon, Event::Answered { question, answer });
        }
        Ok(())
    }
}
