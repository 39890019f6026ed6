//! The node's own time: the wall's clock, as long as it goes on steadily.
//!
//! A clock that somebody sets, or that a dead battery resets, would make deadlines pass that have not,
//! and stamps that no peer believes for years. So the time of the start is carried on by the clocks
//! that nobody can set, and the wall's clock is followed only while it stays near that. A correction of
//! more than a few minutes counts from the next start. Described in `spec/architecture.md`.

use souk_protocol::limits::FUTURE_MS_MAX;
use souk_protocol::time::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the wall's clock may be from the steady one, in milliseconds: as far as peers forgive.
const ASTRAY_MS_MAX: u64 = FUTURE_MS_MAX;
/// Seconds since the machine was started, those that it slept included.
const UPTIME: &str = "/proc/uptime";

/// A moment, as three clocks show it.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall_ms: u64,
    steady: Instant,
    /// Goes on while the machine sleeps, which `steady` does not; none where there is no such clock.
    up: Option<Duration>,
}

impl Moment {
    fn now() -> Self {
        Self {
            wall_ms: wall_ms(),
            steady: Instant::now(),
            up: uptime(),
        }
    }
}

/// The clock of one node.
#[derive(Debug)]
pub struct Clock {
    /// When the wall's clock was last believed after a start or a sleep, and whether it is now.
    state: Mutex<(Moment, bool)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            state: Mutex::new((Moment::now(), true)),
        }
    }
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (anchor, believed) = *state;
        let wall = wall_ms();
        let (time, anchor, believes) = told(anchor, wall, anchor.steady.elapsed(), uptime);
        if believes != believed {
            match believes {
                true => tracing::warn!("the system's clock is back"),
                false => tracing::warn!(
                    "the system's clock jumped by {} s; this node keeps its own time until it is started again",
                    (i128::from(wall) - i128::from(time)) / 1_000
                ),
            }
        }
        *state = (anchor, believes);
        Timestamp(time)
    }

    /// Whether the wall's clock is believed now.
    pub fn is_believed(&self) -> bool {
        self.now();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// What time it is, from where it is counted from now on, and whether that is the wall's time.
fn told(
    anchor: Moment,
    wall_ms: u64,
    steady: Duration,
    uptime: impl FnOnce() -> Option<Duration>,
) -> (u64, Moment, bool) {
    let after = |passed: Duration| {
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        anchor.wall_ms.saturating_add(passed)
    };
    let is_near = |expected: u64| expected.abs_diff(wall_ms) <= ASTRAY_MS_MAX;
    let awake = after(steady);
    if is_near(awake) {
        return (wall_ms, anchor, true);
    }
    // It may have slept: then another clock knows for how long.
    let Some((up, begun)) = uptime().zip(anchor.up) else {
        // Nobody knows. A clock that went ahead may have slept, one that went back has not.
        let ahead = wall_ms > awake;
        return (if ahead { wall_ms } else { awake }, anchor, ahead);
    };
    let expected = after(up.saturating_sub(begun));
    if !is_near(expected) {
        return (expected, anchor, false);
    }
    let slept = Moment {
        wall_ms,
        steady: anchor.steady + steady,
        up: Some(up),
    };
    (wall_ms, slept, true)
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string(UPTIME).ok()?;
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let (seconds, hundredths): (u64, u32) = (seconds.parse().ok()?, hundredths.parse().ok()?);
    Some(Duration::new(seconds, hundredths.checked_mul(10_000_000)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: u64 = 1_800_000_000_000;
    const YEARS_MS: u64 = 10 * 366 * 24 * 3_600 * 1_000;

    fn anchor() -> Moment {
        Moment {
            wall_ms: BEGUN,
            steady: Instant::now(),
            up: Some(Duration::from_secs(50)),
        }
    }

    /// What is told when the steady clock has gone on by some seconds and the machine's by others.
    fn at(wall_ms: u64, steady_s: u64, up_s: u64) -> (u64, bool) {
        let up = Some(Duration::from_secs(50 + up_s));
        let (time, _, believed) = told(anchor(), wall_ms, Duration::from_secs(steady_s), || up);
        (time, believed)
    }

    #[test]
    fn a_clock_that_goes_on_is_followed_and_so_is_a_small_correction() {
        assert_eq!(at(BEGUN + 5_000, 5, 5), (BEGUN + 5_000, true));
        assert_eq!(at(BEGUN + 65_000, 5, 5), (BEGUN + 65_000, true));
        assert_eq!(at(BEGUN - 55_000, 5, 5), (BEGUN - 55_000, true));
    }

    #[test]
    fn ten_years_to_either_side_are_not_followed() {
        assert_eq!(at(BEGUN + YEARS_MS, 5, 5), (BEGUN + 5_000, false));
        assert_eq!(at(BEGUN - YEARS_MS, 5, 5), (BEGUN + 5_000, false));
        assert_eq!(at(0, 5, 5), (BEGUN + 5_000, false));
    }

    #[test]
    fn a_machine_that_slept_has_the_time_of_the_wall() {
        let night_s = 8 * 3_600;
        assert_eq!(
            at(BEGUN + night_s * 1_000, 5, night_s),
            (BEGUN + night_s * 1_000, true)
        );
        // It slept and its clock jumped.
        assert_eq!(at(BEGUN + YEARS_MS, 5, night_s), (BEGUN + night_s * 1_000, false));
    }

    #[test]
    fn where_nobody_counts_the_sleep_only_going_back_is_not_followed() {
        let ahead = told(anchor(), BEGUN + YEARS_MS, Duration::from_secs(5), || None);
        assert_eq!((ahead.0, ahead.2), (BEGUN + YEARS_MS, true));
        let back = told(anchor(), BEGUN - YEARS_MS, Duration::from_secs(5), || None);
        assert_eq!((back.0, back.2), (BEGUN + 5_000, false));
    }

    #[test]
    fn the_clock_of_this_machine_is_believed() {
        let clock = Clock::default();
        let told = clock.now();
        assert!(told.0.abs_diff(wall_ms()) < 5_000 && clock.now() >= told);
    }
}
