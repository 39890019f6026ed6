//! Taking the place of devices that are gone: the root key revokes them, the new device says again, in a
//! new epoch, what they said in public, and opens the shop's documents anew. Stock is not said again: what
//! they had not sold is on no account until its owner has counted it. Described in `spec/backup.md`.

use super::step::Action;
use super::turn::Turn;
use super::{Followed, GRANT, Peer, broken};
use crate::body::{Body, Kind, Revoke};
use crate::catalog::{Shard, shard_of};
use crate::envelope::{self, Chain, Signed};
use crate::follow::Follow;
use crate::id::{AuthorId, DeviceId, ListingId};
use crate::identity::{RootKey, Scopes};
use crate::listing::Fields;
use crate::records::{Fault, Range, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// What the devices that are gone said in public and is to be said again.
#[derive(Default)]
struct Legacy {
    devices: BTreeSet<DeviceId>,
    epoch: Option<u32>,
    /// The newest of each kind that an author has once.
    newest: BTreeMap<Kind, Signed>,
    /// The newest word about each author who was followed in public.
    follows: BTreeMap<AuthorId, Signed>,
    listings: BTreeMap<ListingId, Fields>,
}

impl Legacy {
    fn saw(&mut self, envelope: &Signed) {
        self.devices.insert(envelope.device());
        self.epoch = self.epoch.max(Some(envelope.head().epoch()));
    }

    fn take(&mut self, envelope: Signed) {
        self.saw(&envelope);
        let newer = |held: Option<&Signed>| {
            held.is_none_or(|held| (held.time(), held.id()) < (envelope.time(), envelope.id()))
        };
        match envelope.body() {
            Body::Profile(_) | Body::Shop(_) => {
                let kind = envelope.body().kind();
                if newer(self.newest.get(&kind)) {
                    self.newest.insert(kind, envelope);
                }
            }
            Body::Follow(Follow { who, .. }) => {
                let who = *who;
                if newer(self.follows.get(&who)) {
                    self.follows.insert(who, envelope);
                }
            }
            Body::Listing(part) => {
                let fields = part.fields();
                self.listings.entry(part.listing()).or_default().join(fields);
            }
            _ => {}
        }
    }
}

impl Peer {
    /// Takes the place of every device that speaks for this author.
    pub(super) fn succeed(
        &mut self,
        turn: &mut Turn<'_>,
        root: &RootKey,
        from: Option<DeviceId>,
    ) -> Result<(), Fault> {
        let mut legacy = self.legacy(turn)?;
        legacy.devices.extend(from);
        legacy.devices.remove(&self.device());
        self.outgrow(turn, root, legacy.epoch)?;
        self.become_primary(turn)?;
        for device in &legacy.devices {
            self.revoke(turn, root, *device)?;
            self.forget_sibling(turn, device)?;
        }
        let mut bodies: Vec<Body> = legacy.newest.values().map(|said| said.body().clone()).collect();
        for (who, said) in &legacy.follows {
            if let Body::Follow(follow) = said.body()
                && follow.stands
            {
                bodies.push(said.body().clone());
                self.follow_again(turn, *who)?;
            }
        }
        bodies.extend(self.reopen_shop(turn, legacy.listings)?);
        self.reopening = false;
        self.digests.remove(&self.author());
        self.say_all(turn, bodies)?;
        Ok(())
    }

    fn legacy(&self, turn: &Turn<'_>) -> Result<Legacy, Fault> {
        let (me, root) = (self.author(), DeviceId::from_bytes(*self.author().as_bytes()));
        let records = turn.records();
        let mut legacy = Legacy::default();
        // Of some nothing is known but that they were let in.
        for (device, sibling) in &self.siblings {
            legacy.devices.insert(*device);
            legacy.epoch = legacy.epoch.max(Some(sibling.grant.epoch));
        }
        for device in records.devices(&me)? {
            if device == root || records.revocation(&me, &device)?.is_some() {
                continue;
            }
            legacy.devices.insert(device);
            let first = records.log_after(&device, 0, 1)?;
            first.iter().for_each(|envelope| legacy.saw(envelope));
        }
        for (_, envelope) in records.states(&me, None, None, usize::MAX)? {
            legacy.take(envelope);
        }
        Ok(legacy)
    }

    /// The grant of this device for an epoch that is later than any that was seen.
    fn outgrow(&mut self, turn: &mut Turn<'_>, root: &RootKey, seen: Option<u32>) -> Result<(), Fault> {
        let Some(seen) = seen.filter(|seen| *seen >= self.keys.grant.epoch) else {
            return Ok(());
        };
        let epoch = seen.saturating_add(1);
        let grant = root
            .grant(self.device(), Scopes::ALL, epoch, None)
            .map_err(broken)?;
        turn.local(Tree::Me, GRANT, Some(&grant))?;
        self.keys.grant = grant;
        Ok(())
    }

    /// The root key's word that a device speaks no longer. What it is known to have said in its log counts.
    fn revoke(&mut self, turn: &mut Turn<'_>, root: &RootKey, device: DeviceId) -> Result<(), Fault> {
        let key = root.as_device();
        let last_seq = turn.records().log_head(&device)?.map_or(0, |(seq, _)| seq);
        let chain = Chain::after(turn.records().log_head(&key.device())?);
        self.clock = self.clock.next(turn.now);
        turn.local(Tree::Me, super::CLOCK, Some(&self.clock))?;
        let body = Revoke { device, last_seq }.into();
        let signed = envelope::seal(&key, self.author(), None, self.clock, Some(chain), body)?;
        match turn.admit(signed)? {
            Ok(envelope) => {
                self.took_effect(turn, &envelope)?;
                turn.act_all(envelope.announcement().map(Action::Announce));
                Ok(())
            }
            Err(refusal) => Err(broken(format!("a revocation of our own was refused: {refusal}"))),
        }
    }

    fn follow_again(&mut self, turn: &mut Turn<'_>, who: AuthorId) -> Result<(), Fault> {
        let followed = Followed {
            since: self.follows.get(&who).map_or(turn.now, |followed| followed.since),
            public: true,
        };
        turn.local(Tree::Follows, who.as_bytes(), Some(&followed))?;
        if self.follows.insert(who, followed).is_none() {
            turn.act(Action::Join(who));
            turn.act(Action::Provide(who));
            let greeted: Vec<DeviceId> = self.greeted().collect();
            for device in greeted {
                self.have(turn, device, &[who]);
            }
            self.seek(turn, who)?;
        }
        Ok(())
    }

    /// The shop's documents of this epoch, with the values of all listings, and what the world gets of them.
    fn reopen_shop(
        &mut self,
        turn: &mut Turn<'_>,
        listings: BTreeMap<ListingId, Fields>,
    ) -> Result<Vec<Body>, Fault> {
        for tree in [Tree::Shards, Tree::Heads] {
            for (key, _) in turn.records().scan(tree, &Range::of([], usize::MAX))? {
                turn.local::<()>(tree, &key, None)?;
            }
        }
        let mut shards: BTreeMap<u8, BTreeMap<ListingId, Fields>> = BTreeMap::new();
        for (id, fields) in listings {
            shards.entry(shard_of(&id)).or_default().insert(id, fields);
        }
        let (device, epoch) = (self.device(), self.keys.grant.epoch);
        let mut bodies = Vec::new();
        for (number, listings) in shards {
            let shard = Shard::of(number, device, epoch, &listings).map_err(broken)?;
            for id in listings.keys() {
                let fields = shard.project(id).map_err(broken)?;
                let parts = fields.split(*id).map_err(broken)?;
                bodies.extend(parts.into_iter().map(Body::from));
            }
            let saved = shard.save().map_err(broken)?;
            self.keep_shard(turn, &shard, saved)?;
        }
        Ok(bodies)
    }
}
