//! What others say in public, however it came.

use super::Peer;
use super::step::{Action, Checked};
use super::turn::Turn;
use crate::admission::{self, Refusal, Verdict};
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
        match turn.admit(signed)? {
            Ok(envelope) => {
                self.took_effect(turn, &envelope);
                if author == self.author() && super::units::is_siblings_stock(&envelope, &self.device()) {
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
                match &refusal {
                    Refusal::Gap { .. } if unasked => self.pull(turn, from, vec![device])?,
                    Refusal::Equivocation { .. } => self.prove_equivocation(turn, &copy)?,
                    _ => {}
                }
                Ok(Err(refusal))
            }
        }
    }

    fn prove_equivocation(&mut self, turn: &mut Turn<'_>, second: &Signed) -> Result<(), Fault> {
        if turn.records().has_proof(&second.device(), second.head().chain)? {
            return Ok(());
        }
        if let Some(proof) = admission::equivocation_proof(second, turn.records())? {
            turn.write(vec![proof]);
            turn.tell(Happening::Equivocated {
                author: second.author(),
                device: second.device(),
            });
        }
        Ok(())
    }

    /// What changes here because something was kept.
    pub(super) fn took_effect(&mut self, turn: &mut Turn<'_>, envelope: &Admitted) {
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
            }
            Body::Follow(_) | Body::Order(_) | Body::Tab(_) => {}
        }
    }
}

fn author_of(opened: &Opened) -> AuthorId {
    match opened {
        Opened::Known(signed) => signed.author(),
        Opened::Foreign(foreign) => foreign.head().author,
    }
}
