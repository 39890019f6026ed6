//! The shop's documents: edited here, brought together with other devices of the shop, opened anew in a
//! new epoch. What changed is projected and said; documents and envelopes are in one commit. Described in
//! `spec/devices.md` and `spec/listing.md`.

use super::social::{Outcome, check};
use super::step::Action;
use super::turn::Turn;
use super::{Peer, Purpose, broken, invalid};
use crate::admission::Refusal;
use crate::api::{Code, Refused};
use crate::body::Body;
use crate::catalog::{CatalogError, Edit, Shard, SyncState, shard_of};
use crate::id::{DeviceId, ListingId};
use crate::limits::{REOPENED_AT_ONCE, SHARD_MESSAGE_BYTES_MAX, TALK_PIECE_BYTES, TALK_ROUNDS_MAX};
use crate::records::{Fault, Range, Records, Tree, Write};
use crate::sync::{Request, Talk};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

/// Where the epoch is kept whose documents this device has got.
pub(crate) const ABREAST: &[u8] = b"abreast";

/// One conversation about one document with one device.
#[derive(Debug)]
pub(super) struct Conversation {
    shard: u8,
    epoch: u32,
    state: SyncState,
    /// What is still to be said of a message.
    saying: Vec<u8>,
    /// What was heard of a message so far.
    heard: Vec<u8>,
    rounds: u32,
    begins: bool,
}

impl Conversation {
    fn talk(&mut self) -> Talk {
        let rest = self.saying.split_off(self.saying.len().min(TALK_PIECE_BYTES));
        let piece = std::mem::replace(&mut self.saying, rest);
        Talk {
            epoch: self.epoch,
            shard: self.shard,
            begins: std::mem::take(&mut self.begins),
            listens: false,
            more: !self.saying.is_empty(),
            piece: piece.into(),
        }
    }

    fn listen(&self) -> Talk {
        Talk {
            epoch: self.epoch,
            shard: self.shard,
            begins: false,
            listens: true,
            more: false,
            piece: ByteBuf::new(),
        }
    }

    /// Takes in a piece; the whole message once it is there.
    fn hear(&mut self, talk: &Talk) -> Result<Option<Vec<u8>>, CatalogError> {
        let bytes = self.heard.len() + talk.piece.len();
        if bytes > SHARD_MESSAGE_BYTES_MAX {
            return Err(CatalogError::MessageTooLarge(bytes));
        }
        self.heard.extend_from_slice(&talk.piece);
        Ok((!talk.more).then(|| std::mem::take(&mut self.heard)))
    }
}

impl Peer {
    /// Edits the shop's documents, and says what the world sees differently. Nothing is kept if one
    /// edit fails.
    pub(super) fn edit(&mut self, turn: &mut Turn<'_>, edits: Vec<Edit>) -> Outcome<BTreeSet<ListingId>> {
        if self.awaits && !edits.is_empty() {
            let message = format!(
                "this device does not have all of the shop's documents yet; {} has them",
                self.primary
            );
            let next =
                "Keep both devices connected until 'souk device list' says 'together' here, and try again.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let mut by_shard: BTreeMap<u8, Vec<Edit>> = BTreeMap::new();
        for edit in edits {
            by_shard.entry(shard_of(&edit.listing())).or_default().push(edit);
        }
        let (mut shards, mut changed, mut bodies) = (Vec::new(), BTreeSet::new(), Vec::new());
        for (number, edits) in by_shard {
            let mut shard = self.shard(turn, number)?.map_err(broken)?;
            let touched = check!(shard.apply(&edits).map_err(invalid));
            bodies.extend(check!(said_of(&shard, &touched).map_err(invalid)));
            if !touched.is_empty() {
                let saved = check!(shard.save().map_err(invalid));
                shards.push((shard, saved));
            }
            changed.extend(touched);
        }
        let numbers = shards.iter().map(|(shard, _)| shard.number()).collect();
        for (shard, saved) in shards {
            self.keep_shard(turn, &shard, saved)?;
        }
        self.say_new(turn, bodies)?;
        self.tell_siblings(turn, numbers)?;
        Ok(Ok(changed))
    }

    fn shard_key(&self, number: u8) -> Vec<u8> {
        [self.keys.grant.epoch.to_be_bytes().as_slice(), &[number]].concat()
    }

    /// One of the shop's documents. In a new epoch the primary opens it anew from the one before.
    pub(super) fn shard(&self, turn: &Turn<'_>, number: u8) -> Result<Result<Shard, CatalogError>, Fault> {
        let (device, epoch) = (self.device(), self.keys.grant.epoch);
        if let Some(shard) = self.shard_in(turn, epoch, number)? {
            return Ok(shard);
        }
        let older = match self.is_primary() && !self.awaits {
            true => self.older_shard(turn, number)?,
            false => None,
        };
        Ok(match older {
            Some(older) => older.and_then(|older| older.reopened(device, epoch)),
            None => Ok(Shard::new(number, device, epoch)),
        })
    }

    fn older_shard(&self, turn: &Turn<'_>, number: u8) -> Result<Option<Result<Shard, CatalogError>>, Fault> {
        for epoch in (0..self.keys.grant.epoch).rev() {
            if let Some(shard) = self.shard_in(turn, epoch, number)? {
                return Ok(Some(shard));
            }
        }
        Ok(None)
    }

    fn shard_in(
        &self,
        turn: &Turn<'_>,
        epoch: u32,
        number: u8,
    ) -> Result<Option<Result<Shard, CatalogError>>, Fault> {
        let key = [epoch.to_be_bytes().as_slice(), &[number]].concat();
        let Some(row) = turn.records().get(Tree::Shards, &key)? else {
            return Ok(None);
        };
        let id: ByteBuf = super::stored(Tree::Shards, &key, &row)?;
        let id =
            <[u8; 32]>::try_from(id.as_slice()).map_err(|_| broken("the id of a shop's document is cut"))?;
        let bytes = turn.records().document(&id)?;
        let bytes = bytes.ok_or_else(|| broken("a document of the shop is not there"))?;
        Ok(Some(Shard::load(number, &bytes, self.device(), epoch)))
    }

    /// Keeps a document, of which these are the saved bytes.
    pub(super) fn keep_shard(
        &mut self,
        turn: &mut Turn<'_>,
        shard: &Shard,
        saved: Vec<u8>,
    ) -> Result<(), Fault> {
        let key = self.shard_key(shard.number());
        let (document, write) = Write::document_of(saved);
        turn.write(vec![write]);
        turn.local(Tree::Shards, &key, Some(&ByteBuf::from(document)))?;
        turn.local(Tree::Heads, &key, Some(&shard.digest()))
    }

    // --- With the shop's other devices ---

    /// Some documents changed here: brings them together with every device of the shop that is connected.
    fn tell_siblings(&mut self, turn: &mut Turn<'_>, shards: Vec<u8>) -> Result<(), Fault> {
        if shards.is_empty() {
            return Ok(());
        }
        for device in self.siblings_here() {
            self.unlike.entry(device).or_default().extend(&shards);
            self.talk_on(turn, device)?;
        }
        Ok(())
    }

    /// Begins with the next document that differs, unless a conversation with the device is going on.
    pub(super) fn talk_on(&mut self, turn: &mut Turn<'_>, with: DeviceId) -> Result<(), Fault> {
        while !self.asking.contains_key(&with) {
            let Some(number) = self.unlike.get_mut(&with).and_then(BTreeSet::pop_first) else {
                return Ok(());
            };
            let shard = self.shard(turn, number)?.map_err(broken)?;
            let mut conversation = self.conversation(turn, &with, number)?;
            match self.next_message(turn, &shard, &mut conversation, &with)? {
                true => self.send_talk(turn, with, conversation),
                false => continue,
            }
        }
        Ok(())
    }

    fn conversation(&self, turn: &Turn<'_>, with: &DeviceId, shard: u8) -> Result<Conversation, Fault> {
        let key = self.meeting_key(shard, with);
        let row = turn.records().get(Tree::Meets, &key)?;
        let state = match row {
            Some(row) => {
                let kept: ByteBuf = super::stored(Tree::Meets, &key, &row)?;
                // What cannot be read costs bytes, not truth.
                SyncState::load(&kept).unwrap_or_default()
            }
            None => SyncState::new(),
        };
        Ok(Conversation {
            shard,
            epoch: self.keys.grant.epoch,
            state,
            saying: Vec::new(),
            heard: Vec::new(),
            rounds: 0,
            begins: true,
        })
    }

    fn meeting_key(&self, shard: u8, with: &DeviceId) -> Vec<u8> {
        let epoch = self.keys.grant.epoch.to_be_bytes();
        [epoch.as_slice(), &[shard], with.as_bytes()].concat()
    }

    /// Puts the next message of a conversation where it is said from; says whether there is one.
    fn next_message(
        &mut self,
        turn: &mut Turn<'_>,
        shard: &Shard,
        conversation: &mut Conversation,
        with: &DeviceId,
    ) -> Result<bool, Fault> {
        conversation.rounds += 1;
        let message = match conversation.rounds {
            ..=TALK_ROUNDS_MAX => shard.generate(&mut conversation.state),
            _ => Ok(None),
        };
        let kept = ByteBuf::from(conversation.state.save());
        let key = self.meeting_key(conversation.shard, with);
        turn.local(Tree::Meets, &key, Some(&kept))?;
        match message {
            Ok(message) => conversation.saying = message.unwrap_or_default(),
            Err(error) => turn.act(Action::Count(Refusal::Rule(error.to_string()))),
        }
        Ok(!conversation.saying.is_empty())
    }

    fn send_talk(&mut self, turn: &mut Turn<'_>, with: DeviceId, mut conversation: Conversation) {
        let talk = conversation.talk();
        self.asking.insert(with, conversation);
        self.ask(turn, with, Request::Talk(talk), Purpose::Talk);
    }

    /// The other device answered in a conversation that this one began.
    pub(super) fn talked(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        talk: Option<&Talk>,
    ) -> Result<(), Fault> {
        let Some(mut conversation) = self.asking.remove(&with) else {
            return Ok(());
        };
        let fits = |talk: &&Talk| (talk.epoch, talk.shard) == (conversation.epoch, conversation.shard);
        let current = conversation.epoch == self.keys.grant.epoch && !self.is_out;
        let Some(talk) = talk.filter(fits).filter(|_| current) else {
            // The next comparison begins again: soon, but for one that breaks off each time.
            self.unlike.remove(&with);
            let hurried = self.sessions.get_mut(&with).map(|session| &mut session.hurried);
            if hurried.is_some_and(|hurried| !std::mem::replace(hurried, true)) {
                self.compare_soon(turn, &with);
            }
            return Ok(());
        };
        if !conversation.saying.is_empty() {
            self.send_talk(turn, with, conversation);
            return Ok(());
        }
        match conversation.hear(talk) {
            Ok(None) => {
                let listen = conversation.listen();
                self.asking.insert(with, conversation);
                self.ask(turn, with, Request::Talk(listen), Purpose::Talk);
                return Ok(());
            }
            Ok(Some(message)) => {
                if let Some(shard) = self.take_in(turn, &mut conversation, &message, &with)? {
                    if self.next_message(turn, &shard, &mut conversation, &with)? {
                        self.send_talk(turn, with, conversation);
                        return Ok(());
                    }
                    // It has come to its end.
                    if let Some(session) = self.sessions.get_mut(&with) {
                        session.hurried = false;
                    }
                }
            }
            Err(error) => turn.act(Action::Count(Refusal::Rule(error.to_string()))),
        }
        self.talk_on(turn, with)?;
        if self.awaits && !self.asking.contains_key(&with) {
            self.compare_with_sibling(turn, with)?;
        }
        Ok(())
    }

    /// A step of a conversation that another device of the shop began; none if it must begin again.
    pub(super) fn talk_back(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        talk: &Talk,
    ) -> Result<Option<Talk>, Fault> {
        if talk.epoch != self.keys.grant.epoch {
            return Ok(None);
        }
        let mut conversation = match self.answering.remove(&from) {
            _ if talk.begins => Conversation {
                begins: false,
                ..self.conversation(turn, &from, talk.shard)?
            },
            Some(kept) if (kept.epoch, kept.shard) == (talk.epoch, talk.shard) => kept,
            _ => return Ok(None),
        };
        if !talk.listens {
            match conversation.hear(talk) {
                Ok(None) => {}
                Ok(Some(message)) => match self.take_in(turn, &mut conversation, &message, &from)? {
                    Some(shard) => {
                        self.next_message(turn, &shard, &mut conversation, &from)?;
                    }
                    None => return Ok(None),
                },
                Err(error) => {
                    turn.act(Action::Count(Refusal::Rule(error.to_string())));
                    return Ok(None);
                }
            }
        }
        let answer = conversation.talk();
        self.answering.insert(from, conversation);
        Ok(Some(answer))
    }

    /// Takes in a message; the document as it is then, or none if the message was refused.
    fn take_in(
        &mut self,
        turn: &mut Turn<'_>,
        conversation: &mut Conversation,
        message: &[u8],
        with: &DeviceId,
    ) -> Result<Option<Shard>, Fault> {
        let mut shard = self.shard(turn, conversation.shard)?.map_err(broken)?;
        if message.is_empty() {
            return Ok(Some(shard));
        }
        // Two devices may each stay within a bound that both together exceed: then each keeps its own.
        let taken = shard
            .receive(&mut conversation.state, message)
            .and_then(|changed| match changed.is_empty() {
                true => Ok((changed, None)),
                false => shard.save().map(|saved| (changed, Some(saved))),
            });
        let (changed, saved) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                turn.act(Action::Count(Refusal::Rule(error.to_string())));
                return Ok(None);
            }
        };
        if let Some(saved) = saved {
            self.keep_shard(turn, &shard, saved)?;
            let me = self.author();
            changed
                .into_iter()
                .for_each(|listing| turn.listing_changed(me, listing));
            // Devices that are connected to this one alone get it from here.
            for device in self.siblings_here() {
                if device != *with {
                    self.unlike.entry(device).or_default().insert(conversation.shard);
                    self.talk_on(turn, device)?;
                }
            }
        }
        Ok(Some(shard))
    }

    // --- Epochs ---

    /// Whether this device has a grant from another one and not yet the documents of its epoch. The primary
    /// opens them itself, but for those of an epoch that it learned of from others.
    pub(super) fn waits_for_documents(&self, records: &dyn Records) -> Result<bool, Fault> {
        let abreast: Option<u32> = match records.get(Tree::Me, ABREAST)? {
            Some(row) => Some(super::stored(Tree::Me, ABREAST, &row)?),
            None => None,
        };
        Ok(abreast.map_or(!self.is_primary(), |epoch| epoch < self.keys.grant.epoch))
    }

    /// This device has what another one of the shop has: its owner may edit here. What was edited here
    /// in the last epoch and did not reach the device that opened the new one is written into it.
    pub(super) fn documents_are_here(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        if !self.awaits || self.may_sign().is_err() {
            return Ok(());
        }
        self.awaits = false;
        turn.local(Tree::Me, ABREAST, Some(&self.keys.grant.epoch))?;
        let before = self.keys.grant.epoch.checked_sub(1);
        // A primary that lost its memory does not know what it had shared: all of its old values would come back.
        let Some(before) = before.filter(|_| !self.is_primary()) else {
            return Ok(());
        };
        let mut carried = Vec::new();
        for number in 0..=u8::MAX {
            let Some(old) = self.shard_in(turn, before, number)? else {
                continue;
            };
            let key = [
                before.to_be_bytes().as_slice(),
                &[number],
                self.primary.as_bytes(),
            ]
            .concat();
            let state = match turn.records().get(Tree::Meets, &key)? {
                Some(row) => {
                    let kept: ByteBuf = super::stored(Tree::Meets, &key, &row)?;
                    SyncState::load(&kept).unwrap_or_default()
                }
                None => SyncState::new(),
            };
            let mut shard = self.shard(turn, number)?.map_err(broken)?;
            match carried_over(old, &state, &mut shard) {
                Ok(None) => {}
                Ok(Some(Carried { bodies, saved })) => {
                    self.keep_shard(turn, &shard, saved)?;
                    self.say_new(turn, bodies)?;
                    carried.push(number);
                }
                // It stays as it is in the new epoch; nobody else is kept from going on.
                Err(error) => turn.act(Action::Count(Refusal::Rule(error.to_string()))),
            }
        }
        self.tell_siblings(turn, carried)
    }

    /// Opens some of the documents of the epoch before anew, and says their listings again.
    pub(super) fn reopen_some(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let mut said = 0;
        let mut opened = Vec::new();
        for number in self.not_reopened(turn.records())? {
            if said >= REOPENED_AT_ONCE {
                return self.tell_siblings(turn, opened);
            }
            let reopened = self.shard(turn, number)?.and_then(|shard| {
                let listings = shard.listings();
                Ok((said_of(&shard, &listings)?, shard.save()?, listings.len(), shard))
            });
            let (bodies, saved, listings, shard) = match reopened {
                Ok(reopened) => reopened,
                // It is tried again at the next start; the other documents go on.
                Err(error) => {
                    turn.act(Action::Count(Refusal::Rule(error.to_string())));
                    continue;
                }
            };
            said += listings;
            self.keep_shard(turn, &shard, saved)?;
            self.say_new(turn, bodies)?;
            opened.push(number);
        }
        self.reopening = false;
        self.tell_siblings(turn, opened)
    }

    /// Documents of earlier epochs that are not opened in this one.
    pub(super) fn not_reopened(&self, records: &dyn Records) -> Result<BTreeSet<u8>, Fault> {
        let epoch = self.keys.grant.epoch.to_be_bytes();
        let (mut older, mut here) = (BTreeSet::new(), BTreeSet::new());
        if epoch == [0; 4] || !self.is_primary() || self.awaits {
            return Ok(older);
        }
        for (key, _) in records.scan(Tree::Shards, &Range::of([], usize::MAX))? {
            match key.split_last() {
                Some((number, of)) if of == epoch.as_slice() => here.insert(*number),
                Some((number, _)) => older.insert(*number),
                None => false,
            };
        }
        Ok(&older - &here)
    }
}

/// What came out of an older document: what the world is to hear of it, and the successor's bytes.
struct Carried {
    bodies: Vec<Body>,
    saved: Vec<u8>,
}

/// Writes what an older document did not share into its successor; none if nothing is other than before.
fn carried_over(
    old: Result<Shard, CatalogError>,
    state: &SyncState,
    shard: &mut Shard,
) -> Result<Option<Carried>, CatalogError> {
    let changed = shard.carry_over(&old?.unshared(state)?)?;
    match changed.is_empty() {
        true => Ok(None),
        false => Ok(Some(Carried {
            bodies: said_of(shard, &changed)?,
            saved: shard.save()?,
        })),
    }
}

/// What the world is to hear of some listings of a document.
fn said_of(shard: &Shard, listings: &BTreeSet<ListingId>) -> Result<Vec<Body>, CatalogError> {
    let mut bodies = Vec::new();
    for listing in listings {
        let parts = shard.project(listing)?.split(*listing)?;
        bodies.extend(parts.into_iter().map(Body::from));
    }
    Ok(bodies)
}
