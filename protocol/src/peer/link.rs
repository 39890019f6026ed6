//! Connections: who is at the other end, and catching up with what they hold.

use super::step::{Action, Checked};
use super::turn::Turn;
use super::{Exchange, Peer, Purpose, Session};
use crate::api::Happening;
use crate::body::{Body, Kind};
use crate::envelope::Opened;
use crate::id::{AuthorId, DeviceId};
use crate::limits::{
    AUTHOR_DEVICES_MAX, COMPARE_AGAIN_MS, NEW_CONNECTION_MS, PROOFS_PER_AUTHOR_MAX, RESYNC_MS, SEEK_AGAIN_MS,
    SYNC_AUTHORS_MAX,
};
use crate::post::ProductTag;
use crate::records::Fault;
use crate::sync::{self, Answer, Digests, Hello, Holding, Pulled, Recall, Request, Slot};
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
        self.asking.remove(&device);
        self.answering.remove(&device);
        self.unlike.remove(&device);
    }

    /// Checks what a device says of itself; the transport has proved that it is that device.
    fn greet(&mut self, turn: &mut Turn<'_>, device: DeviceId, hello: &Hello) -> Result<bool, Fault> {
        if self.grants.verify(&hello.grant, &hello.author, &device).is_err() {
            return Ok(false);
        }
        if turn.records().revocation(&hello.author, &device)?.is_some() {
            self.sessions.entry(device).or_default().revoked = true;
            return Ok(false);
        }
        let session = self.sessions.entry(device).or_default();
        let known = session.author == Some(hello.author);
        if known && session.grant.as_ref() == Some(&hello.grant) {
            return Ok(true);
        }
        (session.author, session.grant) = (Some(hello.author), Some(hello.grant.clone()));
        if hello.author == self.keys.author {
            self.meet_sibling(turn, device, &hello.grant)?;
        }
        if known {
            return Ok(true);
        }
        turn.tell(Happening::PeerCame {
            device,
            author: hello.author,
        });
        self.catch_up(turn, device)?;
        self.deliver_to(turn, device)?;
        self.recall(turn, device)?;
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
        // Whom it asked about stays: it may have asked before this hello came, and a word too many costs little.
        if was_greeted && (said_hello || !is_new) {
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

    /// Compares again before its time with a peer whose answer was lost, or that refused.
    pub(super) fn compare_soon(&mut self, turn: &Turn<'_>, with: &DeviceId) {
        if let Some(session) = self.sessions.get_mut(with) {
            session.compared_ms = (turn.now.0 + COMPARE_AGAIN_MS).saturating_sub(RESYNC_MS);
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
            if self.siblings.contains_key(&device) {
                self.compare_with_sibling(turn, device)?;
            }
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
        let session = self.sessions.get(&from);
        let greeted = session.is_some_and(|session| session.author.is_some());
        let reads = greeted || session.is_some_and(|session| session.revoked);
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
            // A new device has nothing to say hello with.
            Request::Pair(ask) if !self.is_out => self.pair(turn, from, ask)?,
            Request::Have(_) | Request::Pull(_) | Request::Buckets(_) | Request::States(_) if !reads => {
                refused("say hello first")
            }
            _ if self.is_out => refused("this device was revoked; ask another one of its author"),
            Request::Have(authors) => Answer::Have(self.holdings(turn, from, &authors)?),
            Request::Pull(logs) => Answer::Pulled(sync::pull_answer(turn.records(), &logs)?),
            Request::Buckets(author) => {
                Answer::Buckets(ByteBuf::from(self.digests(turn, &author)?.to_bytes()))
            }
            Request::States(wanted) => Answer::Pulled(sync::states_answer(turn.records(), &wanted)?),
            _ if !greeted => refused("say hello first"),
            Request::Find(slot) => Answer::Pulled(sync::find_answer(turn.records(), &slot)?),
            Request::Proofs(forks) => Answer::Pulled(sync::proofs_answer(turn.records(), &forks)?),
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
            Request::Recall(recall) => self.remind(turn, from, recall)?,
            Request::Deliver(envelopes) | Request::Settle(envelopes) => {
                Answer::Taken(self.take_delivery(turn, from, envelopes)?)
            }
            Request::Pair(_) => refused("this device was revoked; it lets nobody in"),
            // What follows may make this device sign, and it must not yet.
            _ if self.may_sign().is_err() => refused("this device waits for its own past"),
            ours if self.is_sibling(&from, ours.scope()) => self.asked_by_sibling(turn, from, ours)?,
            _ => refused("this is for the author's own devices"),
        })
    }

    /// Answers what only a device of the same author may ask.
    fn asked_by_sibling(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        request: Request<Checked>,
    ) -> Result<Answer, Fault> {
        Ok(match request {
            Request::Together(theirs) => {
                let mine = self.together(turn)?;
                if let Some((set, ways)) = &theirs.ways {
                    self.keep_ways(turn, *set, ways)?;
                }
                self.bring_grant(turn, from, theirs.epoch);
                Answer::Together(mine)
            }
            Request::Share(envelopes) => Answer::Taken(self.take_said(turn, from, envelopes)?),
            Request::Sealed(wanted) => Answer::Pulled(sync::sealed_answer(turn.records(), &wanted)?),
            Request::Talk(talk) => match self.talk_back(turn, from, &talk)? {
                Some(talk) => Answer::Talk(talk),
                None => refused("begin this conversation again"),
            },
            Request::Units(wanted) => Answer::Pulled(self.give_units(turn, from, wanted)?),
            Request::Counts(counts) => match self.count_first(turn, counts.into_vec())? {
                Ok(()) if self.is_primary() => Answer::Noted,
                Ok(()) => refused("another device counts"),
                Err(refusal) => refused(&refusal.message),
            },
            Request::Regrant(grant) => {
                self.take_grant(turn, from, grant)?;
                Answer::Noted
            }
            _ => refused("this is for anybody"),
        })
    }

    /// Tells an author who lost its copy what is between the two, and hears first which devices of theirs
    /// are gone.
    fn remind(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        recall: Recall<Checked>,
    ) -> Result<Answer, Fault> {
        let Some(author) = self
            .session(&from)
            .filter(|session| !session.revoked)
            .and_then(|it| it.author)
            // Devices of one author share what is theirs in another way.
            .filter(|author| *author != self.keys.author)
        else {
            return Ok(refused("the device was revoked"));
        };
        // Whoever has nothing to do with this node leaves nothing here.
        if self.wants(&author) || self.deals_with(turn, &author)? {
            for envelope in recall.said {
                let Ok(Opened::Known(signed)) = envelope else {
                    continue;
                };
                if signed.author() == author
                    && matches!(signed.body(), Body::Revoke(_))
                    && let Ok(revoke) = turn.admit(signed)?
                {
                    self.took_effect(turn, &revoke)?;
                }
            }
        }
        let me = self.author();
        let beyond = recall.beyond.as_ref().map(|place| place.as_slice());
        Ok(Answer::Pulled(sync::recall_answer(
            turn.records(),
            &me,
            &author,
            beyond,
        )?))
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
            let (mut logs, mut heads) = (Vec::new(), Vec::new());
            for device in turn.records().devices(author)? {
                if let Some((seq, id)) = turn.records().log_head(&device)? {
                    logs.push((device, seq));
                    heads.push((device, id));
                }
            }
            heads.truncate(AUTHOR_DEVICES_MAX);
            let states = self.digests(turn, author)?.root();
            let forks = turn.records().proofs_of(author)?;
            if states != 0 || !logs.is_empty() || !forks.is_empty() {
                holdings.push(Holding {
                    author: *author,
                    logs: bounded(logs),
                    states,
                    forks: bounded(forks),
                    heads: sync::digest_of_heads(heads),
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
                self.heard_of_own(turn, &holdings);
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
            (Purpose::Proofs, Some(Answer::Pulled(pulled))) => {
                self.take_proofs(turn, with, pulled.envelopes)?;
            }
            (Purpose::Find, Some(Answer::Pulled(pulled))) => {
                self.take_all(turn, with, pulled.envelopes)?;
            }
            (Purpose::Recall(author), Some(Answer::Pulled(Pulled { envelopes, more }))) => {
                self.recalled(turn, with, author, envelopes, more)?;
            }
            (Purpose::Deliver(to, sent), Some(Answer::Taken(outcomes))) => {
                self.delivered(turn, &to, &sent, &outcomes)?;
            }
            (Purpose::Together, Some(Answer::Together(theirs))) => {
                self.stand_together(turn, with, &theirs)?;
            }
            (Purpose::Sealed(buckets), Some(Answer::Pulled(pulled))) => {
                self.take_sealed_pulled(turn, with, buckets, pulled)?;
            }
            (Purpose::Talk, answer) => match answer {
                Some(Answer::Talk(talk)) => self.talked(turn, with, Some(&talk))?,
                _ => self.talked(turn, with, None)?,
            },
            (Purpose::Units(order), answer) => {
                let came = match answer {
                    Some(Answer::Pulled(pulled)) => {
                        self.take_all(turn, with, pulled.envelopes)?;
                        true
                    }
                    _ => false,
                };
                self.units_came(turn, with, &order, came)?;
            }
            (Purpose::Counts(told), Some(Answer::Noted)) => self.counts_taken(turn, &told)?,
            // Whoever is asked before it has heard this device's hello refuses: it is asked again soon.
            (Purpose::Have | Purpose::Together, _) => self.compare_soon(turn, &with),
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
        let (mut behind, mut level) = (Vec::new(), Vec::new());
        for (device, seq) in &holding.logs {
            match turn.records().log_head(device)? {
                Some((mine, id)) if *seq == mine => level.push((*device, id)),
                Some((mine, _)) if *seq < mine => {}
                _ => behind.push(*device),
            }
        }
        // Ends that have one number and are not the same were signed twice.
        let differ = level.len() == holding.logs.len() && holding.heads != 0;
        if differ && holding.heads != sync::digest_of_heads(level.iter().copied()) {
            for (device, _) in &level {
                self.pull_end(turn, with, &holding.author, *device)?;
            }
        }
        if !behind.is_empty() {
            self.pull(turn, with, behind)?;
        }
        self.ask_for_proofs(turn, with, holding)?;
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

    /// Asks for proofs of equivocation that are not held here. Once some are, more prove nothing new.
    fn ask_for_proofs(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        holding: &Holding,
    ) -> Result<(), Fault> {
        let held = turn.records().proofs_of(&holding.author)?;
        let mut lacking = Vec::new();
        for (device, seq) in &holding.forks {
            let last = turn.records().revocation(&holding.author, device)?;
            if last.is_none_or(|last| *seq <= last) && !held.contains(&(*device, *seq)) {
                lacking.push((*device, *seq));
            }
        }
        if !lacking.is_empty() && held.len() < PROOFS_PER_AUTHOR_MAX {
            self.ask(turn, with, Request::Proofs(bounded(lacking)), Purpose::Proofs);
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

    /// Asks for a log from its last number here on, that one included: the other side may hold another envelope under
    /// it, and then the two prove an equivocation. Once there is a proof, another one says nothing new.
    pub(super) fn pull_end(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        author: &AuthorId,
        device: DeviceId,
    ) -> Result<(), Fault> {
        let Some((last, _)) = turn.records().log_head(&device)? else {
            return Ok(());
        };
        let mut proofs = turn.records().proofs_of(author)?.into_iter();
        if proofs.any(|(proved, _)| proved == device) {
            return Ok(());
        }
        let from = vec![(device, last.saturating_sub(1))];
        self.ask(
            turn,
            with,
            Request::Pull(bounded(from.clone())),
            Purpose::Pull(from),
        );
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
