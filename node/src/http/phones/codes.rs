//! Codes that pair a phone: each once, for a while, few at a time. Nobody guesses one; that wrong ones are
//! few all the same keeps whoever tries from costing anything.

use super::super::limits::{PAIR_CODE_MS, PAIR_CODES_MAX, PAIR_WRONG_PER_MINUTE_MAX};
use super::super::problem::Problem;
use crate::home::{HomeError, random};
use data_encoding::BASE64URL_NOPAD;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const CODE_BYTES: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// Codes that wait, as hashes, and when wrong ones were tried.
#[derive(Default)]
pub(super) struct Codes {
    waiting: VecDeque<(blake3::Hash, Instant)>,
    wrong: VecDeque<Instant>,
}

impl Codes {
    /// A new code. When too many wait, the oldest is forgotten.
    pub(super) fn draw(&mut self, now: Instant) -> Result<String, HomeError> {
        let code = BASE64URL_NOPAD.encode(random::<CODE_BYTES>()?.as_slice());
        self.forget(now);
        if self.waiting.len() >= PAIR_CODES_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back((blake3::hash(code.as_bytes()), now));
        Ok(code)
    }

    /// Whether a code is good now; one that is not counts as a try. After too many, none is.
    pub(super) fn check(&mut self, code: &str, now: Instant) -> Result<(), Problem> {
        self.place(code, now).map(|_| ())
    }

    /// Uses a code up.
    pub(super) fn redeem(&mut self, code: &str, now: Instant) -> Result<(), Problem> {
        let place = self.place(code, now)?;
        self.waiting.remove(place);
        Ok(())
    }

    /// All codes end.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    fn place(&mut self, code: &str, now: Instant) -> Result<usize, Problem> {
        self.forget(now);
        if self.wrong.len() >= PAIR_WRONG_PER_MINUTE_MAX {
            return Err(Problem::TooMany {
                message: "too many wrong codes were tried".into(),
                next: "Wait a minute and try again.",
            });
        }
        let code = blake3::hash(code.as_bytes());
        let place = self.waiting.iter().position(|(known, _)| *known == code);
        if place.is_none() {
            self.wrong.push_back(now);
        }
        place.ok_or(Problem::PairCode)
    }

    fn forget(&mut self, now: Instant) {
        let life = Duration::from_millis(PAIR_CODE_MS);
        self.waiting
            .retain(|(_, made)| now.saturating_duration_since(*made) < life);
        self.wrong
            .retain(|tried| now.saturating_duration_since(*tried) < MINUTE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once_and_looking_at_it_does_not_use_it() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let code = codes.draw(now).unwrap();
        assert!(code.len() * 6 >= 128);
        for _ in 0..50 {
            assert_eq!(codes.check(&code, now), Ok(()));
        }
        assert_eq!(codes.redeem(&code, now), Ok(()));
        assert_eq!(codes.redeem(&code, now), Err(Problem::PairCode));
        assert_eq!(codes.check(&code, now), Err(Problem::PairCode));
    }

    #[test]
    fn a_code_ends_after_its_time_and_the_oldest_makes_room() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let code = codes.draw(now).unwrap();
        let life = Duration::from_millis(PAIR_CODE_MS);
        assert_eq!(codes.check(&code, now + life - Duration::from_millis(1)), Ok(()));
        assert_eq!(codes.redeem(&code, now + life), Err(Problem::PairCode));
        let first = codes.draw(now).unwrap();
        let later: Vec<String> = (0..PAIR_CODES_MAX).map(|_| codes.draw(now).unwrap()).collect();
        assert_eq!(codes.check(&first, now), Err(Problem::PairCode));
        for code in &later {
            assert_eq!(codes.check(code, now), Ok(()));
        }
        codes.clear();
        assert_eq!(codes.check(&later[0], now), Err(Problem::PairCode));
    }

    #[test]
    fn after_too_many_wrong_codes_the_right_one_waits_too() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let code = codes.draw(now).unwrap();
        for _ in 0..PAIR_WRONG_PER_MINUTE_MAX {
            assert_eq!(codes.check("other", now), Err(Problem::PairCode));
        }
        assert!(matches!(codes.redeem(&code, now), Err(Problem::TooMany { .. })));
        let soon = now + MINUTE - Duration::from_millis(1);
        assert!(matches!(codes.redeem(&code, soon), Err(Problem::TooMany { .. })));
        assert_eq!(codes.redeem(&code, now + MINUTE), Ok(()));
    }
}
