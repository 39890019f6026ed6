//! What this peer signs. There is one way: seal, admit like anybody's envelope, keep, and only after
//! the commit announce or deliver.

use super::Peer;
use super::step::Action;
use super::turn::Turn;
use crate::body::{Body, Lane};
use crate::envelope::{self, Admitted, Chain};
use crate::limits::GOSSIP_BURST_MAX;
use crate::records::{Fault, Tree};

impl Peer {
    /// Signs a statement and keeps it. The caller decides how it is spread.
    fn seal(&mut self, turn: &mut Turn<'_>, body: Body) -> Result<Admitted, Fault> {
        // Whoever asks for this has looked before; a statement too many could not be taken back.
        if let Err(refused) = self.may_sign() {
            return Err(Fault::Broken(refused.message));
        }
        let chain = match body.kind().lane() {
            Lane::Log => Some(Chain::after(turn.records().log_head(&self.device())?)),
            Lane::State | Lane::Sealed => None,
        };
        self.clock = self.clock.next(turn.now);
        turn.local(Tree::Me, super::CLOCK, Some(&self.clock))?;
        let keys = &self.keys;
        let signed = envelope::seal(
            &keys.device,
            keys.author,
            Some(&keys.grant),
            self.clock,
            chain,
            body,
        )?;
        match turn.admit(signed)? {
            Ok(envelope) => Ok(envelope),
            Err(refusal) => Err(Fault::Broken(format!(
                "a statement of our own was refused: {refusal}"
            ))),
        }
    }

    /// Says something in public.
    pub(super) fn say(&mut self, turn: &mut Turn<'_>, body: Body) -> Result<Admitted, Fault> {
        Ok(self.say_all(turn, vec![body])?.swap_remove(0))
    }

    /// Says many things in public. Of more than a few, readers are told to come and fetch them.
    pub(super) fn say_all(&mut self, turn: &mut Turn<'_>, bodies: Vec<Body>) -> Result<Vec<Admitted>, Fault> {
        let few = bodies.len() <= GOSSIP_BURST_MAX;
        let mut said = Vec::with_capacity(bodies.len());
        for body in bodies {
            let envelope = self.seal(turn, body)?;
            self.took_effect(turn, &envelope)?;
            if few {
                turn.act_all(envelope.announcement().map(Action::Announce));
            }
            said.push(envelope);
        }
        if !said.is_empty() {
            let me = self.keys.author;
            self.nudge(turn, me, None);
        }
        Ok(said)
    }

    /// Says something to one author: it waits in the outbox until they have taken it.
    pub(super) fn say_to(&mut self, turn: &mut Turn<'_>, body: Body) -> Result<Admitted, Fault> {
        let to = body
            .to()
            .ok_or_else(|| Fault::Broken("only a sealed statement has an addressee".into()))?;
        let envelope = self.seal(turn, body)?;
        self.share(turn, &envelope, None);
        self.post_out(turn, to, &envelope)?;
        Ok(envelope)
    }
}
