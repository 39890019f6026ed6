//! The only source of randomness: one seed, drawn from in one order. Integers alone, so that a run is
//! the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws from one seed.
#[derive(Debug, Clone)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The draws of a seed.
    pub fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// How much has been drawn. With the seed it is all that there is to a [`Chance`].
    pub fn position(&self) -> u128 {
        self.0.get_word_pos()
    }

    /// The draws of a seed from a position on.
    pub fn resumed(seed: u64, position: u128) -> Self {
        let mut draws = ChaCha8Rng::seed_from_u64(seed);
        draws.set_word_pos(position);
        Self(draws)
    }

    /// A number below `end`; 0 if `end` is 0. The bias of the remainder is below 2⁻³² for what is
    /// drawn here.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64().checked_rem(end).unwrap_or(0)
    }

    /// An index into something of this length.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// A number of a range, both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn in_thousand(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    /// Whether something happens that happens so many times in a million.
    pub fn in_million(&mut self, times: u64) -> bool {
        self.below(1_000_000) < times
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.index(items.len()))
    }

    /// Puts these into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.index(end + 1);
            items.swap(end, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_on_every_machine() {
        let mut chance = Chance::of(7);
        let drawn: Vec<u64> = (0..4).map(|_| chance.below(1_000)).collect();
        let mut again = Chance::of(7);
        assert_eq!(drawn, (0..4).map(|_| again.below(1_000)).collect::<Vec<_>>());
        assert_ne!(drawn, {
            let mut other = Chance::of(8);
            (0..4).map(|_| other.below(1_000)).collect::<Vec<_>>()
        });
        assert_eq!(Chance::of(1).pick::<u8>(&[]), None);
        assert!((0..100).all(|_| (3..=5).contains(&chance.between(3, 5))));
    }
}
