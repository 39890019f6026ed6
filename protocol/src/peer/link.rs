//! Connections: who is at the other end, and catching up with what they hold.

use super::step::{Action, Checked};
use super::turn::Turn;
use super::{Exchange, Peer, Purpose, Session};
use crate::api::Happening;
use crate::body::Kind;
use crate::id::{AuthorId, DeviceId};
use crate::limits::{NEW_CONNECTION_MS, RESYNC_MS, SEEK_AGAIN_MS, SYNC_AUTHORS_MAX};
use crate::post::ProductTag;
use crate::records::Fault;
use crate::sync::{self, Answer, Digests, Hello, Holding, Pulled, Request, Slot};
use crate::text::{List, Prose};
use serde_bytes::ByteBuf;

impl Peer {
    pub(super) fn say_hello(&mut self, turn: &mut Turn<'_>, device: DeviceId) {
        self.sessions.entry(device).or_default().greeted_ms = turn.now.0;
        let hello = Hello {
            author: self.keys.author,
            grant: self.keys.grant.clone(),
        };
        self.ask(turn, device, Request::Hello(hello), Purpose::Hello);
    }

    /// Says hello again to those who have not said who they are: the first one may be lost, and without
    /// it nothing else is answered.
    pub(super) fn say_hello_again(&mut self, turn: &mut Turn<'_>) {
        let due = self.sessions.iter().filter(|(_, session)| {
            session.author.is_none() && turn.now.0.abs_diff(session.greeted_ms) >= SEEK_AGAIN_MS
        });
        let due: Vec<DeviceId> = due.map(|(device, _)| *device).collect();
        for device in due {
            self.say_hello(turn, device);
        }
    }

    pub(super) fn disconnected(&mut self, turn: &mut Turn<'_>, device: DeviceId) {
        if self
            .sessions
            .remove(&device)
            .is_some_and(|session| session.author.is_some())
        {
            turn.tell(Happening::PeerLeft { device });
        }
    }

    /// Checks what a device says of itself; the transport has proved that it is that device.
    fn greet(&mut self, turn: &mut Turn<'_>, device: DeviceId, hello: &Hello) -> Result<bool, Fault> {
        if self.grants.verify(&hello.grant, &hello.author, &device).is_err() {
            return Ok(false);
        }
        let session = self.sessions.entry(device).or_default();
        if session.author == Some(hello.author) {
            return Ok(true);
        }
        session.author = Some(hello.author);
        turn.tell(Happening::PeerCame {
            device,
            author: hello.author,
        });
        self.catch_up(turn, device)?;
        self.deliver_to(turn, device)?;
        Ok(true)
    }

    /// A device that says hello though it was greeted has started again, and nobody saw it go: what it was
    /// told since may be lost, and what it has said nobody may have heard. Only on a new connection both
    /// sides may say hello, one after the other.
    fn welcome_back(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        was_greeted: bool,
    ) -> Result<(), Fault> {
        let session = self.sessions.entry(device).or_default();
        let is_new = turn.now.0.abs_diff(session.compared_ms) < NEW_CONNECTION_MS;
        let said_hello = std::mem::replace(&mut session.said_hello, true);
        if was_greeted && (said_hello || !is_new) {
            session.reads.clear();
            self.catch_up(turn, device)?;
            self.deliver_to(turn, device)?;
        }
        Ok(())
    }

    /// Asks a device what it holds of everyone whom this node wants to hear.
    pub(super) fn catch_up(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Result<(), Fault> {
        if let Some(session) = self.sessions.get_mut(&device) {
            session.compared_ms = turn.now.0;
        }
        let wanted: Vec<AuthorId> = self.wanted().collect();
        for authors in wanted.chunks(SYNC_AUTHORS_MAX) {
            self.have(turn, device, authors);
        }
        Ok(())
    }

    pub(super) fn have(&mut self, turn: &mut Turn<'_>, device: DeviceId, authors: &[AuthorId]) {
        if let Ok(list) = List::new(authors.to_vec()) {
            self.ask(turn, device, Request::Have(list), Purpose::Have);
        }
    }

    /// Compares again with peers that were not asked for a while: gossip may have lost something.
    pub(super) fn catch_up_now_and_then(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let due: Vec<DeviceId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.author.is_some())
            .filter(|(_, session)| turn.now.0.abs_diff(session.compared_ms) >= RESYNC_MS)
            .map(|(device, _)| *device)
            .collect();
        for device in due {
            self.catch_up(turn, device)?;
        }
        Ok(())
    }

    /// Answers a question of the sync protocol.
    pub(super) fn asked(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        request: Request<Checked>,
    ) -> Result<Answer, Fault> {
        let greeted = self
            .sessions
            .get(&from)
            .is_some_and(|session| session.author.is_some());
        Ok(match request {
            Request::Hello(hello) => match self.greet(turn, from, &hello)? {
                true => {
                    self.welcome_back(turn, from, greeted)?;
                    Answer::Hello(Hello {
                        author: self.keys.author,
                        grant: self.keys.grant.clone(),
                    })
                }
                false => refused("the grant does not belong to this device"),
            },
            _ if !greeted => refused("say hello first"),
            Request::Have(authors) => Answer::Have(self.holdings(turn, from, &authors)?),
            Request::Pull(logs) => Answer::Pulled(sync::pull_answer(turn.records(), &logs)?),
            Request::Buckets(author) => {
                Answer::Buckets(ByteBuf::from(self.digests(turn, &author)?.to_bytes()))
            }
            Request::States(wanted) => Answer::Pulled(sync::states_answer(turn.records(), &wanted)?),
            Request::Find(slot) => Answer::Pulled(sync::find_answer(turn.records(), &slot)?),
            Request::Changed(authors) => {
                let wanted: Vec<AuthorId> = authors
                    .iter()
                    .copied()
                    .filter(|author| self.wants(author))
                    .collect();
                if !wanted.is_empty() {
                    self.have(turn, from, &wanted);
                }
                Answer::Noted
            }
            Request::Deliver(envelopes) | Request::Settle(envelopes) => {
                Answer::Taken(self.take_delivery(turn, from, envelopes)?)
            }
        })
    }

    fn holdings(
        &mut self,
        turn: &Turn<'_>,
        from: DeviceId,
        authors: &List<AuthorId, SYNC_AUTHORS_MAX>,
    ) -> Result<List<Holding, SYNC_AUTHORS_MAX>, Fault> {
        let mut holdings = Vec::new();
        for author in authors {
            if let Some(session) = self.sessions.get_mut(&from) {
                session.reads.insert(*author);
            }
            let mut logs = Vec::new();
            for device in turn.records().devices(author)? {
                if let Some((seq, _)) = turn.records().log_head(&device)? {
                    logs.push((device, seq));
                }
            }
            let states = self.digests(turn, author)?.root();
            if states != 0 || !logs.is_empty() {
                holdings.push(Holding {
                    author: *author,
                    logs: bounded(logs),
                    states,
                });
            }
        }
        Ok(bounded(holdings))
    }

    /// The digests of an author's states, folded again only after one of them changed.
    fn digests(&mut self, turn: &Turn<'_>, author: &AuthorId) -> Result<Digests, Fault> {
        if let Some(digests) = self.digests.get(author) {
            return Ok(digests.clone());
        }
        let digests = Digests::of(turn.records(), author)?;
        self.digests.insert(*author, digests.clone());
        Ok(digests)
    }

    /// Goes on with what an answer makes possible.
    pub(super) fn answered(
        &mut self,
        turn: &mut Turn<'_>,
        exchange: u64,
        answer: Option<Answer<Checked>>,
    ) -> Result<(), Fault> {
        let Some(Exchange { with, purpose }) = self.exchanges.remove(&exchange) else {
            return Ok(());
        };
        match (purpose, answer) {
            (Purpose::Hello, Some(Answer::Hello(hello))) => {
                self.greet(turn, with, &hello)?;
            }
            (Purpose::Have, Some(Answer::Have(holdings))) => {
                for holding in &holdings {
                    self.compare(turn, with, holding)?;
                }
            }
            (Purpose::Buckets(author), Some(Answer::Buckets(digests))) => {
                if let Some(theirs) = Digests::from_bytes(&digests) {
                    let buckets = self.digests(turn, &author)?.lacking(&theirs);
                    self.want_states(turn, with, author, buckets, None)?;
                }
            }
            (Purpose::States(author, buckets), Some(Answer::Pulled(pulled))) => {
                let Pulled { envelopes, more } = pulled;
                let fresh = self.take_all(turn, with, envelopes)?;
                if let Some(beyond) = more
                    && fresh
                {
                    self.want_states(turn, with, author, buckets, Some(beyond))?;
                }
            }
            (Purpose::Pull(logs), Some(Answer::Pulled(Pulled { envelopes, more }))) => {
                let fresh = self.take_all(turn, with, envelopes)?;
                if more.is_some() && fresh {
                    self.pull(turn, with, logs.into_iter().map(|(device, _)| device).collect())?;
                }
            }
            (Purpose::Find, Some(Answer::Pulled(pulled))) => {
                self.take_all(turn, with, pulled.envelopes)?;
            }
            (Purpose::Deliver(to, ids), Some(Answer::Taken(outcomes))) => {
                self.delivered(turn, &to, &ids, &outcomes)?;
            }
            // The other side may have been asked before it knew who asks: soon again.
            (Purpose::Have, _) => {
                if let Some(session) = self.sessions.get_mut(&with) {
                    session.compared_ms = turn.now.0.saturating_sub(RESYNC_MS);
                }
            }
            // No answer, or not one to this question: the next comparison tries again.
            _ => {}
        }
        Ok(())
    }

    /// Asks for whatever a peer holds more of than this one.
    fn compare(&mut self, turn: &mut Turn<'_>, with: DeviceId, holding: &Holding) -> Result<(), Fault> {
        if !self.wants(&holding.author) {
            return Ok(());
        }
        let mut behind = Vec::new();
        for (device, seq) in &holding.logs {
            let mine = turn.records().log_head(device)?.map_or(0, |(mine, _)| mine);
            if *seq > mine && *device != self.device() {
                behind.push(*device);
            }
        }
        if !behind.is_empty() {
            self.pull(turn, with, behind)?;
        }
        if holding.states != 0 && holding.states != self.digests(turn, &holding.author)?.root() {
            self.ask(
                turn,
                with,
                Request::Buckets(holding.author),
                Purpose::Buckets(holding.author),
            );
        }
        Ok(())
    }

    /// Asks for logs from where they end here.
    pub(super) fn pull(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        devices: Vec<DeviceId>,
    ) -> Result<(), Fault> {
        for devices in devices.chunks(SYNC_AUTHORS_MAX) {
            let mut logs = Vec::new();
            for device in devices {
                logs.push((
                    *device,
                    turn.records().log_head(device)?.map_or(0, |(seq, _)| seq),
                ));
            }
            self.ask(
                turn,
                with,
                Request::Pull(bounded(logs.clone())),
                Purpose::Pull(logs),
            );
        }
        Ok(())
    }

    fn want_states(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        author: AuthorId,
        buckets: Vec<u8>,
        beyond: Option<ByteBuf>,
    ) -> Result<(), Fault> {
        if buckets.is_empty() {
            return Ok(());
        }
        let wanted = sync::states_wanted(turn.records(), &author, buckets.clone(), beyond)?;
        self.ask(
            turn,
            with,
            Request::States(wanted),
            Purpose::States(author, buckets),
        );
        Ok(())
    }

    /// Asks a peer for the products that a post names, for their shop's terms, and for who keeps it.
    pub(super) fn resolve(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        tags: &[ProductTag],
    ) -> Result<(), Fault> {
        for tag in tags {
            if self.wants(&tag.shop)
                || !turn
                    .records()
                    .state(&tag.shop, Kind::Listing, tag.listing.as_bytes())?
                    .is_empty()
            {
                continue;
            }
            self.resolving.insert(tag.shop);
            let keys = [
                (Kind::Listing, tag.listing.as_bytes().to_vec()),
                (Kind::Stock, tag.listing.as_bytes().to_vec()),
            ];
            let whole = [(Kind::Shop, Vec::new()), (Kind::Profile, Vec::new())];
            for (kind, key) in whole.into_iter().chain(keys) {
                let slot = Slot {
                    author: tag.shop,
                    kind: kind.name().to_owned(),
                    key: ByteBuf::from(key),
                };
                self.ask(turn, with, Request::Find(slot), Purpose::Find);
            }
        }
        Ok(())
    }

    /// Tells peers that read an author that there is much to fetch.
    pub(super) fn nudge(&mut self, turn: &mut Turn<'_>, author: AuthorId, except: Option<DeviceId>) {
        let readers: Vec<DeviceId> = self
            .sessions
            .iter()
            .filter(|(device, session)| session.reads.contains(&author) && Some(**device) != except)
            .map(|(device, _)| *device)
            .collect();
        for device in readers {
            self.ask(
                turn,
                device,
                Request::Changed(bounded(vec![author])),
                Purpose::Changed,
            );
        }
    }

    pub(super) fn ask(&mut self, turn: &mut Turn<'_>, to: DeviceId, request: Request, purpose: Purpose) {
        let exchange = self.next_exchange;
        self.next_exchange += 1;
        self.exchanges.insert(exchange, Exchange { with: to, purpose });
        turn.act(Action::Ask {
            exchange,
            to,
            request,
        });
    }

    pub(super) fn session(&self, device: &DeviceId) -> Option<&Session> {
        self.sessions.get(device)
    }
}

fn refused(why: &str) -> Answer {
    Answer::Refused(Prose::fitted(why))
}

/// As much of a list as it may hold.
fn bounded<T, const MAX: usize>(mut items: Vec<T>) -> List<T, MAX> {
    items.truncate(MAX);
    List::new(items).unwrap_or_default()
}
