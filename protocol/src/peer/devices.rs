//! The devices of one author: inviting another one, knowing them again, throwing one out.
//!
//! The **primary** is the device that holds the 24 words, or that brought a device its newest grant: it
//! invites, revokes, takes in first counts of stock, and is the only one that signs about tabs. All of
//! this is settled between an author's own devices; others see grants and revocations alone. Described in
//! `spec/devices.md`.

use super::documents::ABREAST;
use super::holds::Watch;
use super::social::{Outcome, check};
use super::step::Action;
use super::turn::Turn;
use super::{Peer, Purpose, broken, invalid};
use crate::api::{Code, Happening, Refused, Reply};
use crate::body::{Body, Kind, Revoke};
use crate::envelope::{self, Chain};
use crate::id::{DeviceId, ListingId, OrderId};
use crate::identity::{Grant, RootKey, Scope, Scopes};
use crate::limits::{AUTHOR_DEVICES_MAX, INVITATION_MS, SEEK_AGAIN_MS};
use crate::market;
use crate::pairing::{self, Invitation, Nonce, PairAnswer, PairAsk, Secret};
use crate::records::{Fault, Range, Records, Tree};
use crate::sync::{Answer, Request};
use crate::text::{List, Name, Prose, Text};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Another device of the same author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sibling {
    /// What its owner calls it; empty if that is not known here.
    pub name: Name,
    /// Since when it is known here.
    pub since: Timestamp,
    /// The author's newest word for it, as far as known here.
    pub grant: Grant,
}

/// An invitation that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    /// What stands in the code.
    secret: Secret,
    /// Until when it is good.
    pub ends: Timestamp,
    /// Who came.
    pub joiner: Option<Joiner>,
}

/// A device that used the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joiner {
    /// The device.
    pub device: DeviceId,
    /// What its owner calls it.
    pub name: Name,
    commitment: Nonce,
    nonce: Nonce,
    /// The words that both sides show, once both numbers are known.
    pub words: Option<String>,
    grant: Option<Grant>,
}

/// Where the author's newest word for this device is kept, if it is newer than that in its keys.
pub(crate) const GRANT: &[u8] = b"grant";
const PRIMARY: &[u8] = b"primary";
const INVITATION: &[u8] = b"invitation";
const DEVICE: &[u8] = b"device/";

/// The other devices of this node's author, as far as known here.
pub fn siblings(records: &dyn Records) -> Result<Vec<(DeviceId, Sibling)>, Fault> {
    let mut found = Vec::new();
    for (key, value) in records.scan(Tree::Me, &Range::of(DEVICE, usize::MAX))? {
        let device = key.get(DEVICE.len()..).map(DeviceId::from_slice);
        if let Some(Ok(device)) = device {
            found.push((device, super::stored(Tree::Me, &key, &value)?));
        }
    }
    Ok(found)
}

/// The invitation that is open, if one is.
pub fn invited(records: &dyn Records, now: Timestamp) -> Result<Option<Invited>, Fault> {
    let Some(row) = records.get(Tree::Me, INVITATION)? else {
        return Ok(None);
    };
    let invited: Invited = super::stored(Tree::Me, INVITATION, &row)?;
    Ok((now <= invited.ends).then_some(invited))
}

/// The device that does what one device alone may do, if another one brought this one its grant since.
pub fn primary(records: &dyn Records) -> Result<Option<DeviceId>, Fault> {
    let row = records.get(Tree::Me, PRIMARY)?;
    row.map(|row| super::stored(Tree::Me, PRIMARY, &row)).transpose()
}

fn device_row(device: &DeviceId) -> Vec<u8> {
    [DEVICE, device.as_bytes()].concat()
}

impl Peer {
    /// With the author's root key: this device can invite others and revoke them.
    #[must_use]
    pub fn with_root(mut self, root: RootKey) -> Self {
        if root.author() == self.author() {
            self.root = Some(root);
        }
        self
    }

    /// With luck that nobody can guess, drawn anew at each start: what invitations are made of.
    #[must_use]
    pub fn with_chance(mut self, chance: [u8; 32]) -> Self {
        self.chance = chance;
        self
    }

    /// With the device that invited this one.
    pub fn with_primary(mut self, primary: DeviceId, records: &dyn Records) -> Result<Self, Fault> {
        if self::primary(records)?.is_none() {
            self.primary = primary;
        }
        self.awaits = self.waits_for_documents(records)?;
        Ok(self)
    }

    /// Takes from the records what they know of this author's devices.
    pub(super) fn recall_devices(&mut self, records: &dyn Records) -> Result<(), Fault> {
        self.siblings = siblings(records)?.into_iter().collect();
        self.primary = primary(records)?.unwrap_or(self.device());
        self.is_out = records.revocation(&self.author(), &self.device())?.is_some();
        Ok(())
    }

    /// Whether this device does what one device alone may do.
    pub(super) fn is_primary(&self) -> bool {
        self.primary == self.device()
    }

    /// Devices of the same author that are connected and have said so.
    pub(super) fn siblings_here(&self) -> Vec<DeviceId> {
        let me = self.author();
        let here = self
            .sessions
            .iter()
            .filter(|(_, session)| session.author == Some(me));
        here.map(|(device, _)| *device).collect()
    }

    /// Whether a connected device speaks for this author, with a scope.
    pub(super) fn is_sibling(&self, device: &DeviceId, scope: Scope) -> bool {
        self.sessions.get(device).is_some_and(|session| {
            let may = session
                .grant
                .as_ref()
                .is_some_and(|grant| grant.scopes.allows(scope));
            session.author == Some(self.keys.author) && may
        })
    }

    /// Why this device can say nothing any more, if that is so.
    pub(super) fn thrown_out(&self) -> Option<Refused> {
        self.is_out.then(|| {
            Refused::new(
                Code::NotAllowed,
                "this device was revoked by its owner: nothing that it says counts any more",
                "Link it again: make a new code with 'souk device invite' on another device, and use 'souk device join CODE' with a new --home.",
            )
        })
    }

    /// 32 bytes that nobody can guess, other ones each time.
    fn draw(&mut self, turn: &mut Turn<'_>, what: &str) -> Result<[u8; 32], Fault> {
        // The clock never shows one time twice, so neither does what is drawn by it.
        self.clock = self.clock.next(turn.now);
        turn.local(Tree::Me, super::CLOCK, Some(&self.clock))?;
        let parts: [&[u8]; 3] = [&self.chance, what.as_bytes(), &self.clock.to_sortable()];
        Ok(blake3::derive_key("souk 2026 pairing draws v1", &parts.concat()))
    }

    pub(super) fn invite_device(&mut self, turn: &mut Turn<'_>, addresses: &[String]) -> Outcome {
        check!(self.needs_root("invite another"));
        if self.siblings.len() + 1 >= AUTHOR_DEVICES_MAX {
            let message = format!("you have {AUTHOR_DEVICES_MAX} devices already");
            let next = "Revoke one first with 'souk device revoke DEVICE'.";
            return Ok(Err(Refused::new(Code::TooMany, message, next)));
        }
        let addresses = addresses
            .iter()
            .map(|address| Text::new(address))
            .collect::<Result<_, _>>();
        let addresses = check!(List::new(check!(addresses.map_err(invalid))).map_err(invalid));
        let [secret @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.draw(turn, "secret")?;
        let secret = Secret::new(secret);
        let ends = turn.now.plus_ms(INVITATION_MS);
        let invited = Invited {
            secret,
            ends,
            joiner: None,
        };
        turn.local(Tree::Me, INVITATION, Some(&invited))?;
        let invitation = Invitation {
            device: self.device(),
            secret,
            addresses,
        };
        let code = invitation.code().map_err(broken)?;
        Ok(Ok(Reply::Invited { code, ends }))
    }

    fn needs_root(&self, what: &str) -> Result<(), Refused> {
        match self.root {
            Some(_) => Ok(()),
            None => Err(Refused::new(
                Code::NotAllowed,
                format!("this device does not hold your 24 words, so it cannot {what}"),
                "Do it on the device where 'souk id --words' shows them.",
            )),
        }
    }

    /// Answers a device that wants to become one of the author's.
    pub(super) fn pair(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        ask: PairAsk,
    ) -> Result<Answer, Fault> {
        let refused = |why: &str| Ok(Answer::Refused(Prose::fitted(why)));
        let Some(mut invited) = invited(turn.records(), turn.now)? else {
            return refused("no invitation is open there; make a new code with 'souk device invite'");
        };
        let answer = match ask {
            PairAsk::Begin {
                proof,
                commitment,
                name,
            } => {
                if proof != pairing::proof(&invited.secret, &self.device(), &from) {
                    return refused(
                        "the code is not the newest one; make a new one with 'souk device invite'",
                    );
                }
                let nonce = match &invited.joiner {
                    Some(joiner) if (joiner.device, joiner.commitment) != (from, commitment) => {
                        return refused(
                            "the code was used already; make a new one with 'souk device invite'",
                        );
                    }
                    Some(joiner) => joiner.nonce,
                    None => Nonce::new(self.draw(turn, "nonce")?),
                };
                invited.joiner.get_or_insert(Joiner {
                    device: from,
                    name,
                    commitment,
                    nonce,
                    words: None,
                    grant: None,
                });
                PairAnswer::Begun { nonce }
            }
            PairAsk::Reveal { nonce } => {
                let device = self.device();
                let Some(joiner) = invited.joiner.as_mut().filter(|joiner| joiner.device == from) else {
                    return refused("begin with the code");
                };
                if joiner.commitment != pairing::commitment(&nonce, &from) {
                    return refused("this is not the number that was committed to");
                }
                let words = pairing::words(&invited.secret, (&device, &joiner.nonce), (&from, &nonce));
                if joiner.words.is_none() {
                    joiner.words = Some(words.join(" "));
                    turn.tell(Happening::DeviceAsks { device: from });
                }
                PairAnswer::Wait {}
            }
            PairAsk::Fetch {} => match invited.joiner.as_ref().filter(|joiner| joiner.device == from) {
                None => return refused("the invitation was closed; the words did not agree"),
                Some(Joiner { grant: None, .. }) => return Ok(Answer::Pair(PairAnswer::Wait {})),
                Some(Joiner {
                    grant: Some(grant), ..
                }) => {
                    return Ok(Answer::Pair(PairAnswer::Granted {
                        author: self.author(),
                        grant: grant.clone(),
                    }));
                }
            },
        };
        turn.local(Tree::Me, INVITATION, Some(&invited))?;
        Ok(Answer::Pair(answer))
    }

    pub(super) fn confirm_device(&mut self, turn: &mut Turn<'_>, words: &str) -> Outcome {
        check!(self.needs_root("let another one in"));
        let again = "Make a new code with 'souk device invite'.";
        let Some(mut invited) = invited(turn.records(), turn.now)? else {
            let message = "no invitation is open";
            return Ok(Err(Refused::new(Code::NotFound, message, again)));
        };
        let Some(joiner) = invited.joiner.as_mut() else {
            let message = "no device has used the code yet";
            let next = "Use it on the other device with 'souk device join CODE'.";
            return Ok(Err(Refused::new(Code::NotFound, message, next)));
        };
        let typed = words
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        if joiner.words.as_ref() != Some(&typed) {
            // Whoever asked is not the device in front of the owner, or the owner mistyped: both begin anew.
            turn.local::<()>(Tree::Me, INVITATION, None)?;
            let message = "these are not the words of the device that asks; nothing was granted";
            return Ok(Err(Refused::new(Code::Invalid, message, again)));
        }
        let (device, name) = (joiner.device, joiner.name.clone());
        let grant = self.grant_for(device)?;
        joiner.grant = Some(grant.clone());
        turn.local(Tree::Me, INVITATION, Some(&invited))?;
        self.keep_sibling(turn, device, name, grant)?;
        Ok(Ok(Reply::Device { device }))
    }

    pub(super) fn close_invitation(&mut self, turn: &mut Turn<'_>) -> Outcome {
        turn.local::<()>(Tree::Me, INVITATION, None)?;
        Ok(Ok(Reply::Done))
    }

    fn grant_for(&self, device: DeviceId) -> Result<Grant, Fault> {
        let root = self
            .root
            .as_ref()
            .ok_or_else(|| broken("the root key is not here"))?;
        root.grant(device, Scopes::ALL, self.keys.grant.epoch, None)
            .map_err(broken)
    }

    fn keep_sibling(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        name: Name,
        grant: Grant,
    ) -> Result<(), Fault> {
        let since = turn.now;
        let sibling = Sibling { name, since, grant };
        turn.local(Tree::Me, &device_row(&device), Some(&sibling))?;
        self.siblings.insert(device, sibling);
        Ok(())
    }

    /// A device of the same author said hello: it is remembered, gets its newest grant, and both compare.
    pub(super) fn meet_sibling(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
        grant: &Grant,
    ) -> Result<(), Fault> {
        match self.siblings.get(&device).cloned() {
            None if self.siblings.len() < AUTHOR_DEVICES_MAX => {
                self.keep_sibling(turn, device, Name::default(), grant.clone())?;
            }
            Some(mut known) if known.grant.epoch < grant.epoch => {
                known.grant = grant.clone();
                turn.local(Tree::Me, &device_row(&device), Some(&known))?;
                self.siblings.insert(device, known);
                self.catch_up_with_epoch(turn, grant.epoch)?;
            }
            _ => self.bring_grant(turn, device, grant.epoch),
        }
        match self.may_sign() {
            Ok(()) => self.compare_with_sibling(turn, device),
            Err(_) => Ok(()),
        }
    }

    /// Brings another device the author's newest word for it, if it speaks under an older one.
    pub(super) fn bring_grant(&mut self, turn: &mut Turn<'_>, device: DeviceId, epoch: u32) {
        let newer = self
            .siblings
            .get(&device)
            .filter(|known| known.grant.epoch > epoch);
        if let (Some(known), true) = (newer.cloned(), self.root.is_some()) {
            self.ask(turn, device, Request::Regrant(known.grant), Purpose::Noted);
        }
    }

    /// A device with the root key that lost its memory of a revocation: it granted an epoch to others that
    /// it does not know itself. The documents of that epoch are theirs, and it waits for them as they would.
    fn catch_up_with_epoch(&mut self, turn: &mut Turn<'_>, epoch: u32) -> Result<(), Fault> {
        if self.root.is_none() || epoch <= self.keys.grant.epoch || self.is_out {
            return Ok(());
        }
        let abreast = self.keys.grant.epoch;
        self.keys.grant.epoch = epoch;
        self.keys.grant = self.grant_for(self.device())?;
        let own = self.keys.grant.clone();
        turn.local(Tree::Me, GRANT, Some(&own))?;
        turn.local(Tree::Me, ABREAST, Some(&abreast))?;
        (self.awaits, self.reopening) = (true, false);
        let connected: Vec<DeviceId> = self.sessions.keys().copied().collect();
        for device in connected {
            self.say_hello(turn, device);
        }
        Ok(())
    }

    /// The author's newer word for this device, brought by the device that has the root key.
    pub(super) fn take_grant(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        grant: Grant,
    ) -> Result<(), Fault> {
        let good = grant.verify(&self.author(), &self.device()).is_ok();
        if !good || grant.epoch <= self.keys.grant.epoch || self.is_out {
            return Ok(());
        }
        turn.local(Tree::Me, GRANT, Some(&grant))?;
        turn.local(Tree::Me, PRIMARY, Some(&from))?;
        self.primary = from;
        self.keys.grant = grant;
        self.awaits = self.waits_for_documents(turn.records())?;
        // Everyone who is connected should know under which grant this device speaks from here on.
        let connected: Vec<DeviceId> = self.sessions.keys().copied().collect();
        for device in connected {
            self.say_hello(turn, device);
        }
        self.compare_with_sibling(turn, from)
    }

    pub(super) fn revoke_device(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Outcome {
        check!(self.needs_root("revoke another"));
        if device == self.device() {
            let message = "this is the device that you are using";
            let next = "Revoke it from another device that holds the 24 words.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        if !self.siblings.contains_key(&device) {
            let message = format!("you have no {device}, or revoked it already");
            return Ok(Err(Refused::new(
                Code::NotFound,
                message,
                "See your devices with 'souk device list'.",
            )));
        }
        let orders = self.orders_of_device(turn, &device)?;
        let last_seq = turn.records().log_head(&device)?.map_or(0, |(seq, _)| seq);
        self.lose_sibling(turn, device)?;
        self.say_revocation(turn, Revoke { device, last_seq })?;
        self.open_epoch(turn)?;
        for (id, state) in orders {
            self.moved(turn, &id, Some(state))?;
        }
        Ok(Ok(Reply::Done))
    }

    /// Signs the revocation with the root key, on the root key's own chain.
    fn say_revocation(&mut self, turn: &mut Turn<'_>, revoke: Revoke) -> Result<(), Fault> {
        let key = match &self.root {
            Some(root) => root.as_device(),
            None => return Err(broken("the root key is not here")),
        };
        self.clock = self.clock.next(turn.now);
        turn.local(Tree::Me, super::CLOCK, Some(&self.clock))?;
        let chain = Chain::after(turn.records().log_head(&key.device())?);
        let signed = envelope::seal(
            &key,
            self.author(),
            None,
            self.clock,
            Some(chain),
            Body::from(revoke),
        )?;
        let admitted = turn.admit(signed)?.map_err(broken)?;
        self.took_effect(turn, &admitted)?;
        turn.act_all(admitted.announcement().map(Action::Announce));
        let me = self.author();
        self.nudge(turn, me, None);
        Ok(())
    }

    /// A new epoch: grants for every device that stays, and fresh documents for the shop.
    fn open_epoch(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let next = self.keys.grant.epoch.saturating_add(1);
        self.keys.grant.epoch = next;
        self.keys.grant = self.grant_for(self.device())?;
        let own = self.keys.grant.clone();
        turn.local(Tree::Me, GRANT, Some(&own))?;
        self.become_primary(turn)?;
        let staying: Vec<DeviceId> = self.siblings.keys().copied().collect();
        for device in staying {
            let grant = self.grant_for(device)?;
            if let Some(sibling) = self.siblings.get_mut(&device) {
                sibling.grant = grant.clone();
                let sibling = sibling.clone();
                turn.local(Tree::Me, &device_row(&device), Some(&sibling))?;
            }
            if self.sessions.get(&device).and_then(|session| session.author) == Some(self.author()) {
                self.ask(turn, device, Request::Regrant(grant), Purpose::Noted);
            }
        }
        self.reopening = true;
        self.reopen_some(turn)
    }

    /// Before a revocation of one of this author's devices takes its account away: what it had handed to
    /// this device is kept, and at the primary also what it still held. Then it is forgotten.
    pub(super) fn lose_sibling(&mut self, turn: &mut Turn<'_>, device: DeviceId) -> Result<(), Fault> {
        let me = self.author();
        let known = turn.records().revocation(&me, &device)?.is_some();
        if !known && device != self.device() && !self.is_out && self.may_sign().is_ok() {
            let mut listings = BTreeSet::new();
            for (slot, _) in turn.records().state_ids(&me)? {
                let is_stock = slot.get(32) == Some(&(Kind::Stock as u8));
                let listing = slot.get(33..33 + ListingId::LEN).map(ListingId::from_slice);
                if let (true, Some(Ok(listing))) = (is_stock, listing) {
                    listings.insert(listing);
                }
            }
            for listing in listings {
                let mut stock = market::stock(turn.records(), &me, &listing)?;
                if stock
                    .inherit(self.device(), &device, self.is_primary())
                    .map_err(broken)?
                {
                    self.say_stock(turn, &stock)?;
                }
            }
        }
        self.forget_sibling(turn, &device)
    }

    /// A device is one of this author's no more.
    pub(super) fn forget_sibling(&mut self, turn: &mut Turn<'_>, device: &DeviceId) -> Result<(), Fault> {
        turn.local::<()>(Tree::Me, &device_row(device), None)?;
        self.siblings.remove(device);
        Ok(())
    }

    /// From here on this device does what one device alone may do.
    pub(super) fn become_primary(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        self.primary = self.device();
        self.awaits = false;
        turn.local::<()>(Tree::Me, ABREAST, None)?;
        turn.local(Tree::Me, PRIMARY, Some(&self.device()))
    }

    /// What changes at once when a device of this author is revoked.
    pub(super) fn forget_device(&mut self, device: &DeviceId) {
        if *device == self.device() {
            self.is_out = true;
        }
        if let Some(session) = self.sessions.get_mut(device) {
            (session.author, session.grant, session.revoked) = (None, None, true);
        }
        self.asking.remove(device);
        self.answering.remove(device);
        self.unlike.remove(device);
    }

    /// Orders that a device sees to, and their states.
    fn orders_of_device(
        &self,
        turn: &Turn<'_>,
        device: &DeviceId,
    ) -> Result<Vec<(OrderId, crate::order::State)>, Fault> {
        let mut orders = Vec::new();
        for id in self.watched.keys() {
            let Some(order) = turn.order(id)? else {
                continue;
            };
            let its = match self.signer(&order) {
                Some(signer) => signer == *device,
                // It may have been the one that took the ask.
                None => match self.watch(turn, id)? {
                    Some(Watch::At(taker)) => taker == *device,
                    watch => watch == Some(Watch::Elsewhere),
                },
            };
            if its {
                orders.push((*id, order.state));
            }
        }
        Ok(orders)
    }

    /// Looks for the author's other devices, as for anybody for whom something waits.
    pub(super) fn seek_siblings(&mut self, turn: &mut Turn<'_>) {
        if turn.now.0.saturating_sub(self.sought_siblings_ms) < SEEK_AGAIN_MS || self.is_out {
            return;
        }
        let away = self
            .siblings
            .keys()
            .filter(|device| !self.sessions.contains_key(*device));
        let devices: Vec<DeviceId> = away.copied().collect();
        if !devices.is_empty() {
            self.sought_siblings_ms = turn.now.0;
            let author = self.author();
            turn.act(Action::Seek { author, devices });
        }
    }
}
