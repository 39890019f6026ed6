//! What somebody sees, and how they come to a wish. Described in `spec/simulations.md`.

use super::*;
use crate::cast::View;

impl World {
    /// Somebody wants something.
    pub(super) fn somebody(&mut self) -> Result<(), Broken> {
        match self.awake() {
            Some(at) => self.decide(at, |view, chance| view.wish(chance)),
            None => Ok(()),
        }
    }

    /// Somebody looks at what their node told them, in the morning if they sleep.
    pub(super) fn attend(&mut self, at: usize, moved: &Moved) -> Result<(), Broken> {
        let sleeps = self.sleeps_ms(at);
        if sleeps > 0 {
            let morning = self.time + sleeps + self.chance.below(self.scenario.people.look_ms_max);
            self.counts.slept_over += 1;
            self.queue.plan(morning, Event::Attend(at, *moved));
            return Ok(());
        }
        self.decide(at, |view, chance| view.attend(moved, chance))
    }

    /// Somebody decides what to do, by what their node holds. After the storm nobody wants anything.
    pub(super) fn decide(
        &mut self,
        at: usize,
        decision: impl FnOnce(&View<'_>, &mut Chance) -> Result<Option<Command>, Fault>,
    ) -> Result<(), Broken> {
        let Some(view) = self.view(at).filter(|_| self.stormy) else {
            return Ok(());
        };
        let mut chance = self.chance.clone();
        let wish = decision(&view, &mut chance);
        self.chance = chance;
        match wish.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))? {
            Some(command) => self.wish(at, Box::new(command)),
            None => Ok(()),
        }
    }

    /// What somebody sees, if their machine is on.
    pub(super) fn view(&self, at: usize) -> Option<View<'_>> {
        let node = self.nodes.get(at).filter(|node| node.peer.is_some())?;
        Some(View {
            scenario: &self.scenario,
            people: &self.people,
            at,
            person: self.homes.person(at),
            records: &node.store,
            book: &self.book,
            now: self.clock(node),
            looks_at_account: self.sabotage != Some(Sabotage::BlindTrust),
        })
    }
}
