//! What happens at set times: machines that are off, groups that cannot reach each other, a rush for
//! the last units. Described in `spec/simulations.md`.

use super::*;
use crate::scenario::{Deed, Who};

impl World {
    /// Those to whom something planned happens, drawn from the seed.
    fn chosen(&mut self, who: Who, share: u64) -> Vec<usize> {
        let person = |at: &usize| self.people.get(self.homes.person(*at));
        let sells = |at: &usize| person(at).is_some_and(|person| person.sells);
        let all = 0..self.nodes.len();
        let mut of: Vec<usize> = match who {
            Who::Everybody => all.collect(),
            Who::Merchants => all.filter(sells).collect(),
            Who::Buyers => all.filter(|at| !sells(at)).collect(),
            Who::Devices => all
                .filter(|at| self.homes.siblings(*at).next().is_some())
                .collect(),
        };
        let count = (of.len() as u64 * share).div_ceil(1_000);
        self.chance.shuffle(&mut of);
        of.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        of
    }

    /// Those to whom something planned happens.
    pub(super) fn chosen_for(&mut self, number: usize) -> Vec<usize> {
        let planned = self.scenario.plan.get(number);
        let of = planned.map(|planned| (planned.who, planned.share));
        of.map(|(who, share)| self.chosen(who, share)).unwrap_or_default()
    }

    pub(super) fn carry_out(&mut self, number: usize, chosen: Vec<usize>) {
        let Some(planned) = self.scenario.plan.get(number).cloned() else {
            return;
        };
        if !self.stormy {
            return;
        }
        if !matches!(planned.what, Deed::Rush | Deed::Edit | Deed::Jump) {
            // Of these the wishes are written down, and the jump.
            self.note(|| Stimulated::Planned(number, chosen.clone()));
        }
        match planned.what {
            Deed::Away => {
                for at in chosen {
                    if let Some(node) = self.nodes.get_mut(at) {
                        node.off_until = self.time + planned.for_ms;
                    }
                    self.stop(at);
                    self.queue.plan(self.time + planned.for_ms, Event::Start(at));
                }
            }
            Deed::Apart => {
                self.apart = chosen.into_iter().collect();
                for (one, other) in self.links.ends() {
                    if self.apart.contains(&one) != self.apart.contains(&other) {
                        self.disconnect(one, other);
                    }
                }
                self.queue.plan(self.time + planned.for_ms, Event::Together);
            }
            Deed::Rush => {
                for at in chosen {
                    let soon = self.time + self.chance.below(planned.for_ms + 1);
                    self.queue.plan(soon, Event::Rush(at));
                }
            }
            Deed::Alone => self.part_devices(chosen, planned.for_ms),
            Deed::Edit => self.plan_edits(&chosen, planned.for_ms),
            Deed::Jump => self.jump(planned.for_ms),
        }
    }

    /// Everybody dials again whom they know.
    pub(super) fn meet_again(&mut self) {
        self.apart.clear();
        for at in 0..self.nodes.len() {
            for other in self.companions(at) {
                let soon = self.time + self.luck(at, other) % 2_000;
                self.queue.plan(soon, Event::Connect(at, other));
            }
        }
    }

    /// Of a rush: units that were sold, how many of them by a further device of the shop, and orders that wanted one.
    pub(super) fn rush(&self) -> (u64, u64, u64) {
        let first = self.people.iter().position(|person| person.sells);
        let Some((at, shop)) = first.and_then(|at| Some((at, self.people.get(at)?.author))) else {
            return (0, 0, 0);
        };
        let product = cast::rush_product(&shop);
        let (mut sold, mut elsewhere, mut wanted) = (0, 0, 0);
        for ((node, _), order) in &self.book.folds {
            let is_for_it = *node == at && order.lines().iter().any(|line| line.listing == product);
            if order.merchant != shop || !is_for_it {
                continue;
            }
            wanted += 1;
            let is_sold = matches!(
                order.state,
                State::Accepted | State::Paid | State::Receipted | State::Fulfilled | State::Completed
            );
            sold += u64::from(is_sold);
            let quote = order.quote.as_ref().and_then(|(id, _)| self.book.signed(id));
            let seller = quote.map(|quote| quote.device());
            elsewhere += u64::from(is_sold && seller != self.device(at));
        }
        (sold, elsewhere, wanted)
    }
}
