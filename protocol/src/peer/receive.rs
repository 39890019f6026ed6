//! What others say in public, however it came.

use super::Peer;
use super::step::{Action, Checked};
use super::turn::Turn;
use crate::admission::{self, Equivocation, NoProof, Refusal, Verdict};
use crate::api::Happening;
use crate::body::{Body, Lane};
use crate::envelope::{Admitted, Opened, Signed};
use crate::id::{AuthorId, DeviceId};
use crate::records::Fault;
use std::collections::BTreeSet;

impl Peer {
    /// A gossip message: kept or not, and passed on or not.
    pub(super) fn heard(
        &mut self,
        turn: &mut Turn<'_>,
        gossip: u64,
        from: DeviceId,
        envelope: Checked,
    ) -> Result<(), Fault> {
        let outcome = self.take(turn, from, envelope, true)?;
        let (verdict, refusal) = match outcome {
            Ok(()) => (Verdict::Accept, None),
            Err(refusal) => (refusal.verdict(), Some(refusal)),
        };
        turn.act(Action::Judge {
            gossip,
            verdict,
            refusal,
        });
        Ok(())
    }

    /// Envelopes that this peer asked for. Says whether any was new.
    pub(super) fn take_all(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelopes: Vec<Checked>,
    ) -> Result<bool, Fault> {
        let mut fresh = BTreeSet::new();
        for envelope in envelopes {
            let author = envelope.as_ref().ok().map(author_of);
            match self.take(turn, from, envelope, false)? {
                Ok(()) => fresh.extend(author),
                Err(Refusal::Known | Refusal::Stale) => {}
                Err(refusal) => turn.act(Action::Count(refusal)),
            }
        }
        // Whoever reads these authors through this node should not wait for the next comparison.
        for author in &fresh {
            self.nudge(turn, *author, Some(from));
        }
        Ok(!fresh.is_empty())
    }

    fn take(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelope: Checked,
        unasked: bool,
    ) -> Result<Result<(), Refusal>, Fault> {
        let signed = match envelope {
            Err(error) => return Ok(Err(Refusal::Open(error))),
            Ok(Opened::Foreign(foreign)) => {
                if self.wants(&foreign.head().author) {
                    let writes = admission::admit_foreign(&foreign, turn.records())?;
                    turn.write(writes);
                }
                return Ok(Err(Refusal::UnknownKind(foreign.kind().to_owned())));
            }
            Ok(Opened::Known(signed)) => signed,
        };
        let author = signed.author();
        if signed.lane() == Lane::Sealed {
            return Ok(Err(Refusal::NotForMe));
        }
        let resolved = !unasked && self.resolving.contains(&author) && signed.lane() == Lane::State;
        if !self.wants(&author) && !resolved {
            return Ok(Err(Refusal::Unwanted(author)));
        }
        if unasked && let Err(refusal) = self.quotas.spend(&signed, self.wants(&author), turn.now) {
            return Ok(Err(refusal));
        }
        if let Body::Revoke(revoke) = signed.body()
            && author == self.author()
            && admission::admit(signed.clone(), turn.now, turn.records())?.is_ok()
        {
            // Before its account is gone, and only if this word of the root key will be kept.
            let device = revoke.device;
            self.lose_sibling(turn, device)?;
        }
        let (device, copy) = (signed.device(), signed.clone());
        let own = device == self.device();
        match turn.admit(signed)? {
            Ok(envelope) => {
                if own {
                    self.met_own(turn)?;
                }
                self.took_effect(turn, &envelope)?;
                if author == self.author()
                    && self.may_sign().is_ok()
                    && super::units::is_siblings_stock(&envelope, &self.device())
                {
                    self.look_at_waiting(turn)?;
                }
                if let Body::Post(post) = envelope.body()
                    && !post.tags.is_empty()
                {
                    self.resolve(turn, from, &post.tags)?;
                }
                Ok(Ok(()))
            }
            Err(refusal) => {
                if own
                    && matches!(
                        refusal,
                        Refusal::Gap { .. } | Refusal::OtherChain(_) | Refusal::Equivocation { .. }
                    )
                {
                    self.met_own(turn)?;
                }
                match &refusal {
                    Refusal::Gap { .. } if unasked => self.pull(turn, from, vec![device])?,
                    Refusal::Equivocation { .. } => self.prove_equivocation(turn, &copy)?,
                    // Whoever brings it may have what its chain says where this one ends.
                    Refusal::OtherChain(_) if !own => self.pull_end(turn, from, &author, device)?,
                    _ => {}
                }
                Ok(Err(refusal))
            }
        }
    }

    fn prove_equivocation(&mut self, turn: &mut Turn<'_>, second: &Signed) -> Result<(), Fault> {
        match admission::equivocation_proof(second, turn.records())? {
            Some(proof) => self.keep_proof(turn, &proof, None),
            None => Ok(()),
        }
    }

    /// Keeps a proof that is new here, and lets those who read its author know that there is one: each of
    /// them asks for it if they lack it, and no more than once, since then they have it.
    fn keep_proof(
        &mut self,
        turn: &mut Turn<'_>,
        proof: &Equivocation,
        from: Option<DeviceId>,
    ) -> Result<(), Fault> {
        let writes = proof.keep(turn.records())?;
        if writes.is_empty() {
            return Ok(());
        }
        turn.write(writes);
        let (author, device) = (proof.author(), proof.device());
        turn.tell(Happening::Equivocated { author, device });
        self.nudge(turn, author, from);
        Ok(())
    }

    /// Proofs that this peer asked for: pairs of envelopes. Whoever brings a pair that proves nothing is
    /// not punished, and nothing is kept.
    pub(super) fn take_proofs(
        &mut self,
        turn: &mut Turn<'_>,
        from: DeviceId,
        envelopes: Vec<Checked>,
    ) -> Result<(), Fault> {
        let mut envelopes = envelopes.into_iter();
        while let Some(first) = envelopes.next() {
            let proof = match (first, envelopes.next()) {
                (Ok(Opened::Known(first)), Some(Ok(Opened::Known(second)))) => {
                    Equivocation::prove(first, second).map_err(Refusal::NoProof)
                }
                (Err(error), _) | (_, Some(Err(error))) => Err(Refusal::Open(error)),
                // Half a pair, or of a kind that a newer version understands.
                _ => Err(Refusal::NoProof(NoProof::NoChain)),
            };
            match proof {
                Ok(proof) if self.wants(&proof.author()) => self.keep_proof(turn, &proof, Some(from))?,
                Ok(proof) => turn.act(Action::Count(Refusal::Unwanted(proof.author()))),
                Err(refusal) => turn.act(Action::Count(refusal)),
            }
        }
        Ok(())
    }

    /// What changes here because something was kept.
    pub(super) fn took_effect(&mut self, turn: &mut Turn<'_>, envelope: &Admitted) -> Result<(), Fault> {
        let author = envelope.author();
        if envelope.lane() == Lane::State {
            self.digests.remove(&author);
        }
        match envelope.body() {
            Body::Post(_) | Body::Reaction(_) | Body::Vouch(_) | Body::Review(_) => {
                let kind = envelope.body().kind().name().to_owned();
                turn.tell(Happening::Said {
                    author,
                    kind,
                    id: envelope.id(),
                });
            }
            Body::Profile(_) => turn.tell(Happening::ProfileChanged { author }),
            Body::Listing(part) => turn.listing_changed(author, part.listing()),
            Body::Stock(account) => turn.listing_changed(author, account.listing()),
            Body::Shop(_) => turn.tell(Happening::ShopChanged {
                shop: author,
                listings: 0,
            }),
            Body::Revoke(revoke) => {
                self.digests.remove(&author);
                self.forget_device(&revoke.device);
                turn.tell(Happening::Revoked {
                    author,
                    device: revoke.device,
                });
                self.met_revocation(turn, &author, &revoke.device)?;
            }
            Body::Follow(_) | Body::Order(_) | Body::Tab(_) => {}
        }
        Ok(())
    }
}

fn author_of(opened: &Opened) -> AuthorId {
    match opened {
        Opened::Known(signed) => signed.author(),
        Opened::Foreign(foreign) => foreign.head().author,
    }
}
