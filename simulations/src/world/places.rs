//! Where nodes are, what their lines are like, who cannot be dialled, and who sleeps. Described in
//! `spec/simulations.md`.

use super::*;
use crate::scenario::society::Row as Wished;
use crate::wire::Regions;

/// Wishes are drawn again so often until somebody is found who is awake.
const DRAWN_AGAIN: usize = 16;

/// Where a node is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    region: u8,
    /// Nobody can dial it.
    natted: bool,
    /// Until when its line is busy with what it sends, in microseconds.
    busy_until_us: u64,
    /// How much later its owner's day begins; none for who never sleeps.
    later_ms: Option<u64>,
}

impl Place {
    /// Until when its line is busy, in microseconds.
    pub(super) const fn busy_until_us(&self) -> u64 {
        self.busy_until_us
    }

    /// Its line is busy until then.
    pub(super) const fn be_busy_until(&mut self, until_us: u64) {
        self.busy_until_us = until_us;
    }
}

impl World {
    /// Gives every node a place, if the scenario has places or people who sleep.
    pub(super) fn settle(&mut self) {
        let (places, rhythm) = (self.scenario.places.clone(), self.scenario.rhythm.clone());
        if places.is_none() && rhythm.is_none() {
            return;
        }
        let regions = places
            .as_ref()
            .and_then(|places| places.regions())
            .map(|regions| regions.len());
        let regions = regions.or(rhythm.as_ref().map(|rhythm| rhythm.regions_hours.len()));
        for at in 0..self.nodes.len() {
            let region = self.chance.index(regions.unwrap_or(1));
            let natted = places.as_ref().map_or(0, |places| places.line.behind_nat);
            let natted = self.chance.in_thousand(natted);
            let people = at < self.scenario.nodes;
            let later_ms = rhythm.as_ref().filter(|_| people);
            let later_ms = later_ms.map(|rhythm| rhythm.later_ms(region, &mut self.chance));
            self.places.push(Place {
                region: u8::try_from(region).unwrap_or(0),
                natted,
                busy_until_us: 0,
                later_ms,
            });
            if let Some((rhythm, later)) = rhythm.as_ref().zip(later_ms)
                && self.chance.in_thousand(rhythm.off_at_night)
            {
                let soon = rhythm.wakes_ms(later, 0);
                self.queue.plan(soon.max(1), Event::Night(at));
            }
        }
    }

    /// How long somebody still sleeps; 0 if they are awake.
    pub(super) fn sleeps_ms(&self, at: usize) -> u64 {
        let later = self.places.get(at).and_then(|place| place.later_ms);
        let rhythm = self.scenario.rhythm.as_ref().zip(later);
        rhythm.map_or(0, |(rhythm, later)| rhythm.sleeps_ms(later, self.time))
    }

    /// Somebody who is awake, if one was found.
    pub(super) fn awake(&mut self) -> Option<usize> {
        let all = self.scenario.nodes;
        if self.scenario.rhythm.is_none() {
            return Some(self.chance.index(all));
        }
        let mut drawn = (0..DRAWN_AGAIN)
            .map(|_| self.chance.index(all))
            .collect::<Vec<_>>();
        drawn.retain(|at| self.sleeps_ms(*at) == 0);
        drawn.first().copied()
    }

    /// Somebody who keeps no machine on at night goes to bed.
    pub(super) fn night(&mut self, at: usize) {
        let later = self.places.get(at).and_then(|place| place.later_ms);
        let Some((rhythm, later)) = self.scenario.rhythm.clone().zip(later).filter(|_| self.stormy) else {
            return;
        };
        let until = self.time + rhythm.sleeps_ms(later, self.time).max(1);
        if let Some(node) = self.nodes.get_mut(at) {
            node.off_until = until;
        }
        self.counts.nights += 1;
        self.stop(at);
        self.queue.plan(until, Event::Start(at));
        let again = until + rhythm.wakes_ms(later, until).max(1);
        self.queue.plan(again, Event::Night(at));
    }

    /// A row of the list of wishes. Whoever made the list knows when people sleep.
    pub(super) fn listed(&mut self, number: usize) -> Result<(), Broken> {
        let row: Option<Wished> = self
            .scenario
            .trace
            .as_ref()
            .and_then(|trace| trace.rows().get(number).cloned());
        match row {
            Some(row) => self.decide(row.node, |view, chance| view.listed(&row, chance)),
            None => Ok(()),
        }
    }

    fn regions(&self) -> Option<Arc<Regions>> {
        self.scenario
            .places
            .as_ref()
            .and_then(|places| places.regions())
            .cloned()
    }

    fn region(&self, at: usize) -> u8 {
        self.places.get(at).map_or(0, |place| place.region)
    }

    /// How long so many bytes take over a link between two places, in milliseconds: until the sender's line is free,
    /// to be sent, to be under way, and for packets that are lost.
    pub(super) fn way_ms(&mut self, link: Link, from: usize, to: usize, bytes: u64) -> Option<u64> {
        let (regions, draw) = (self.regions()?, self.luck(from, to));
        let line = self.scenario.places.as_ref()?.line.clone();
        let (here, there) = (self.region(from), self.region(to));
        let stops = [Some(here), link.via.map(|via| self.region(via)), Some(there)];
        let stops: Vec<u8> = stops.into_iter().flatten().collect();
        let mut latency_us = 0;
        for (leg, pair) in stops.windows(2).enumerate() {
            if let [one, other] = pair {
                let draw = u16::try_from(draw >> (16 * leg) & 0xffff).unwrap_or(0);
                latency_us += regions.latency_us(*one, *other, draw);
            }
        }
        let late_us = line.late_us(bytes, 2 * latency_us, draw);
        let now_us = self.time * 1_000;
        let place = self.places.get_mut(from)?;
        place.busy_until_us = place.busy_until_us.max(now_us) + line.sending_us(bytes);
        self.counts.bytes += bytes;
        Some((place.busy_until_us - now_us + latency_us + late_us).div_ceil(1_000))
    }

    /// Whether one node may dial another. One that nobody can dial is asked over a relay to dial back; two of that
    /// kind stay on a relay.
    pub(super) fn dials(&mut self, one: usize, other: usize) -> Dial {
        let natted = |at: usize| self.places.get(at).is_some_and(|place| place.natted);
        match (natted(one), natted(other)) {
            (_, false) => Dial::Direct,
            (false, true) => {
                let trip = self
                    .regions()
                    .map_or(0, |regions| regions.trip_us(self.region(one), self.region(other)));
                self.counts.dialled_back += 1;
                self.queue
                    .plan(self.time + trip.div_ceil(1_000) + 1, Event::Connect(other, one));
                Dial::Back
            }
            (true, true) => {
                let open: Vec<usize> = (0..self.places.len()).filter(|at| !natted(*at)).collect();
                let drawn = self.luck(one, other).checked_rem(open.len() as u64);
                let via = drawn.and_then(|at| open.get(usize::try_from(at).unwrap_or(0)).copied());
                self.counts.relayed += 1;
                Dial::Over(via)
            }
        }
    }
}

/// How a connection begins.
pub(super) enum Dial {
    /// As it was dialled.
    Direct,
    /// The other side dials.
    Back,
    /// Over a relay; none if no node could be one.
    Over(Option<usize>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Scene;

    fn continents(behind_nat: u64) -> World {
        let text = Scene::text("continents").unwrap();
        let setting = format!("places.line.behind_nat={behind_nat}").parse().unwrap();
        let Scene::Market(scenario) = Scene::read(&text, &[setting], Some(20)).unwrap() else {
            panic!("no market")
        };
        World::new(*scenario, 1, None, false, Script::Drawn, &[]).unwrap()
    }

    #[test]
    fn what_is_large_takes_long_and_what_comes_after_it_waits() {
        let mut world = continents(0);
        let link = Link {
            number: 1,
            latency_ms: 0,
            via: None,
        };
        // The line sends 125,000 bytes a second, and nothing on earth is further away than half a second.
        let first = world.way_ms(link, 0, 1, 125_000).unwrap();
        let second = world.way_ms(link, 0, 2, 125).unwrap();
        let other = world.way_ms(link, 3, 2, 125).unwrap();
        assert!(
            (1_000..3_500).contains(&first) && second > 1_000 && other < 500,
            "{first} {second} {other}"
        );
        let relayed = Link { via: Some(4), ..link };
        let mean = |world: &mut World, link| {
            let ways = (0..50).map(|_| world.way_ms(link, 5, 6, 0).unwrap());
            ways.sum::<u64>() / 50
        };
        assert!(mean(&mut world, relayed) > mean(&mut world, link));
    }

    #[test]
    fn who_is_behind_a_nat_is_dialled_by_nobody() {
        let mut world = continents(500);
        let (closed, open): (Vec<usize>, Vec<usize>) = (0..20).partition(|at| world.places[*at].natted);
        assert!(matches!(world.dials(closed[0], open[0]), Dial::Direct));
        assert!(matches!(world.dials(open[0], closed[0]), Dial::Back));
        match world.dials(closed[0], closed[1]) {
            Dial::Over(Some(via)) => assert!(open.contains(&via)),
            _ => panic!("two that nobody can dial need a relay"),
        }
    }
}
