//! What devices of one author tell each other beside what they tell everybody: the sealed envelopes of
//! orders and tabs, the shop's private ways, and in what its documents differ. Described in
//! `spec/devices.md`.

use super::step::Checked;
use super::turn::Turn;
use super::{Peer, Purpose};
use crate::admission::Refusal;
use crate::body::Body;
use crate::envelope::{Opened, Signed};
use crate::id::{AuthorId, DeviceId, EnvelopeId, OrderId, TabId};
use crate::identity::Scope;
use crate::limits::SHARDS;
use crate::records::{Fault, Range, Records, Tree};
use crate::sync::{self, Digests, Pulled, Raw, Request, ShopWays, Taken, Together};
use crate::tab::{TabAct, TabState};
use crate::text::Prose;
use crate::time::Hybrid;
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

const WAYS: &[u8] = b"shop";
const WAYS_SET: &[u8] = b"shop/set";

/// The private ways of the owner's shop: what was set last, or what holds until something is.
pub fn own_ways(records: &dyn Records) -> Result<ShopWays, Fault> {
    match records.get(Tree::Me, WAYS)? {
        Some(bytes) => super::stored(Tree::Me, WAYS, &bytes),
        None => Ok(ShopWays::default()),
    }
}

impl Peer {
    /// Asks a device of the same author how it stands.
    pub(super) fn compare_with_sibling(
        &mut self,
        turn: &mut Turn<'_>,
        device: DeviceId,
    ) -> Result<(), Fault> {
        // What follows from the answers makes a device sign.
        if self.may_sign().is_err() {
            return Ok(());
        }
        let together = self.together(turn)?;
        self.ask(turn, device, Request::Together(together), Purpose::Together);
        self.hand_counts_over(turn)
    }

    /// How this device stands.
    pub(super) fn together(&mut self, turn: &mut Turn<'_>) -> Result<Together, Fault> {
        let digests = self.shard_digests(turn)?;
        let shards = match digests.iter().all(|digest| *digest == 0) {
            true => Vec::new(),
            false => digests.iter().flat_map(|digest| digest.to_be_bytes()).collect(),
        };
        Ok(Together {
            epoch: self.keys.grant.epoch,
            shards: shards.into(),
            sealed: self.sealed_digests(turn)?.to_bytes().into(),
            ways: self.known_ways(turn)?,
        })
    }

    /// The digests of all sealed envelopes, folded again only after one came.
    fn sealed_digests(&mut self, turn: &Turn<'_>) -> Result<Digests, Fault> {
        if let Some(digests) = &self.sealed {
            return Ok(digests.clone());
        }
        let digests = Digests::of_sealed(turn.records())?;
        self.sealed = Some(digests.clone());
        Ok(digests)
    }

    /// Takes from what another device says of itself whatever this one lacks.
    pub(super) fn stand_together(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        theirs: &Together,
    ) -> Result<(), Fault> {
        if let Some((set, ways)) = &theirs.ways {
            self.keep_ways(turn, *set, ways)?;
        }
        if self.is_sibling(&with, Scope::Orders)
            && let Some(sealed) = Digests::from_bytes(&theirs.sealed)
        {
            let buckets = self.sealed_digests(turn)?.lacking(&sealed);
            self.want_sealed(turn, with, buckets, None)?;
        }
        if self.is_sibling(&with, Scope::Catalog) && theirs.epoch == self.keys.grant.epoch {
            let mine = self.shard_digests(turn)?;
            let (words, _) = theirs.shards.as_chunks::<8>();
            let theirs = |shard: usize| words.get(shard).map_or(0, |word| u64::from_be_bytes(*word));
            let unlike: BTreeSet<u8> = (0..=u8::MAX)
                .filter(|shard| {
                    mine.get(usize::from(*shard)).copied().unwrap_or(0) != theirs(usize::from(*shard))
                })
                .collect();
            if unlike.is_empty() {
                return self.documents_are_here(turn);
            }
            self.unlike.entry(with).or_default().extend(unlike);
            self.talk_on(turn, with)?;
        }
        Ok(())
    }

    pub(super) fn want_sealed(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        buckets: Vec<u8>,
        beyond: Option<ByteBuf>,
    ) -> Result<(), Fault> {
        if buckets.is_empty() {
            return Ok(());
        }
        let wanted = sync::sealed_wanted(turn.records(), buckets.clone(), beyond)?;
        self.ask(turn, with, Request::Sealed(wanted), Purpose::Sealed(buckets));
        Ok(())
    }

    /// Sealed envelopes that another device held and this one asked for.
    pub(super) fn take_sealed_pulled(
        &mut self,
        turn: &mut Turn<'_>,
        with: DeviceId,
        buckets: Vec<u8>,
        pulled: Pulled<Checked>,
    ) -> Result<(), Fault> {
        let outcomes = self.take_shared(turn, with, pulled.envelopes)?;
        if pulled.more.is_some() && outcomes.contains(&Taken::Kept) {
            self.want_sealed(turn, with, buckets, pulled.more)?;
        }
        Ok(())
    }

    /// Shows the author's other devices a sealed envelope that was just kept here.
    pub(super) fn share(&mut self, turn: &mut Turn<'_>, envelope: &Signed, except: Option<DeviceId>) {
        self.sealed = None;
        for device in self.siblings_here() {
            if Some(device) != except && self.is_sibling(&device, Scope::Orders) {
                let raws = vec![Raw::from(envelope.bytes())];
                self.ask(turn, device, Request::Share(raws), Purpose::Noted);
            }
        }
    }

    /// A sealed envelope that another device has just taken or said. Of an ask it is remembered where
    /// the buyer brought it: until that device answers, nothing else tells who sees to the order.
    pub(super) fn take_said(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelopes: Vec<Checked>,
    ) -> Result<Vec<Taken>, Fault> {
        let asks: Vec<OrderId> = envelopes.iter().filter_map(|it| self.ask_for_us(it)).collect();
        if self.is_sibling(&from, Scope::Orders) {
            for id in asks {
                if turn.order(&id)?.is_none() {
                    self.note_taker(turn, &id, from)?;
                }
            }
        }
        self.take_shared(turn, from, envelopes)
    }

    /// The order that an envelope opens, if it is one in which this author sells.
    fn ask_for_us(&self, envelope: &Checked) -> Option<OrderId> {
        let Ok(Opened::Known(signed)) = envelope else {
            return None;
        };
        match signed.body() {
            Body::Order(message) if message.order.is_none() && message.to == self.author() => {
                Some(OrderId::from(signed.id()))
            }
            _ => None,
        }
    }

    /// Sealed envelopes of this author's orders and tabs, from another of its devices: kept, and acted
    /// upon as far as it is this device's to act.
    pub(super) fn take_shared(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelopes: Vec<Checked>,
    ) -> Result<Vec<Taken>, Fault> {
        let mut outcomes = Vec::with_capacity(envelopes.len());
        let mut orders = BTreeMap::new();
        let (mut proposals, mut tabs) = (Vec::new(), BTreeSet::new());
        for envelope in envelopes {
            outcomes.push(match self.keep_shared(turn, from, envelope, &mut orders)? {
                Ok(kept) => {
                    if let Body::Tab(message) = kept.body() {
                        let other = if kept.author() == self.author() {
                            message.to
                        } else {
                            kept.author()
                        };
                        tabs.insert((message.tab, other));
                        if let (TabAct::Propose { state }, true) = (&message.act, kept.author() == other) {
                            proposals.push((kept.id(), (**state).clone()));
                        }
                    }
                    Taken::Kept
                }
                Err(Refusal::Known) => Taken::Kept,
                Err(refusal) => {
                    let why = Prose::fitted(&refusal.to_string());
                    turn.act(super::Action::Count(refusal));
                    Taken::Refused(why)
                }
            });
        }
        self.follow_shared(turn, orders, proposals, tabs)?;
        Ok(outcomes)
    }

    fn keep_shared(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelope: Checked,
        orders: &mut BTreeMap<OrderId, Option<crate::order::State>>,
    ) -> Result<Result<Signed, Refusal>, Fault> {
        let signed = match envelope {
            Err(error) => return Ok(Err(Refusal::Open(error))),
            Ok(Opened::Foreign(foreign)) => return Ok(Err(Refusal::UnknownKind(foreign.kind().to_owned()))),
            Ok(Opened::Known(signed)) => signed,
        };
        let me = self.author();
        let ours = signed.author() == me || signed.body().to() == Some(me);
        if !self.is_sibling(&from, Scope::Orders) || !ours {
            return Ok(Err(Refusal::NotForMe));
        }
        if let Body::Order(message) = signed.body() {
            let id = message.order(signed.id());
            let state = turn.order(&id)?.map(|order| order.state);
            orders.entry(id).or_insert(state);
        }
        let own = signed.device() == self.device();
        Ok(match turn.admit(signed)? {
            Ok(admitted) => {
                self.sealed = None;
                if own {
                    self.met_own(turn)?;
                }
                Ok((*admitted).clone())
            }
            Err(refusal) => Err(refusal),
        })
    }

    fn follow_shared(
        &mut self,
        turn: &mut Turn<'_>,
        orders: BTreeMap<OrderId, Option<crate::order::State>>,
        proposals: Vec<(EnvelopeId, TabState)>,
        tabs: BTreeSet<(TabId, AuthorId)>,
    ) -> Result<(), Fault> {
        for (id, before) in &orders {
            self.take_note(turn, id, *before)?;
        }
        for (id, before) in orders {
            self.moved(turn, &id, before)?;
        }
        for (proposal, state) in proposals {
            self.answer_proposal(turn, &proposal, &state)?;
        }
        for (tab, with) in tabs {
            self.tab_moved(turn, &tab, &with)?;
        }
        Ok(())
    }

    /// The shop's private ways.
    pub(super) fn shop_ways(&self, turn: &Turn<'_>) -> Result<ShopWays, Fault> {
        own_ways(turn.records())
    }

    fn known_ways(&self, turn: &Turn<'_>) -> Result<Option<(Hybrid, ShopWays)>, Fault> {
        let Some(row) = turn.records().get(Tree::Me, WAYS)? else {
            return Ok(None);
        };
        let set = match turn.records().get(Tree::Me, WAYS_SET)? {
            Some(row) => super::stored(Tree::Me, WAYS_SET, &row)?,
            None => Hybrid::default(),
        };
        Ok(Some((set, super::stored(Tree::Me, WAYS, &row)?)))
    }

    /// Keeps the shop's private ways as they were set at a time, unless newer ones are known.
    pub(super) fn keep_ways(
        &mut self,
        turn: &mut Turn<'_>,
        set: Hybrid,
        ways: &ShopWays,
    ) -> Result<(), Fault> {
        if self.known_ways(turn)?.is_some_and(|(known, _)| known >= set) {
            return Ok(());
        }
        turn.local(Tree::Me, WAYS, Some(ways))?;
        turn.local(Tree::Me, WAYS_SET, Some(&set))
    }

    /// Eight bytes for each of the shop's documents in this epoch.
    fn shard_digests(&mut self, turn: &mut Turn<'_>) -> Result<Vec<u64>, Fault> {
        let epoch = self.keys.grant.epoch.to_be_bytes();
        let mut digests = vec![0u64; SHARDS];
        for (key, _) in turn.records().scan(Tree::Shards, &Range::of(epoch, SHARDS))? {
            let Some(number) = key.last().copied() else {
                continue;
            };
            let digest = match turn.records().get(Tree::Heads, &key)? {
                Some(row) => super::stored(Tree::Heads, &key, &row)?,
                // Written by a program that knew no other devices.
                None => {
                    let shard = self.shard(turn, number)?.map_err(super::broken)?;
                    turn.local(Tree::Heads, &key, Some(&shard.digest()))?;
                    shard.digest()
                }
            };
            if let Some(place) = digests.get_mut(usize::from(number)) {
                *place = digest;
            }
        }
        Ok(digests)
    }
}
