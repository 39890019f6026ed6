//! How far a long run is: a bar with the time to go and events per second, for many runs at once.

use crate::figure::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The bar's length, for one run: it is in thousandths of a run.
const WHOLE: u64 = 1_000;
/// How often a line is printed where no bar can be shown.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar for so many runs.
pub struct Meter {
    bar: ProgressBar,
    runs: u64,
    is_silent: bool,
    events: AtomicU64,
    begun: Instant,
    told_ms: AtomicU64,
}

/// One run's share of it.
pub struct Share<'a> {
    meter: &'a Meter,
    done: u64,
    events: u64,
}

impl Meter {
    /// A bar for so many runs; `is_silent` shows nothing.
    pub fn new(runs: u64, is_silent: bool) -> Self {
        let bar = match is_silent {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(runs * WHOLE),
        };
        let style =
            ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {elapsed} gone, {eta} to go");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            bar,
            runs,
            is_silent,
            events: AtomicU64::new(0),
            begun: Instant::now(),
            told_ms: AtomicU64::new(0),
        }
    }

    /// The share of one run.
    pub fn share(&self) -> Share<'_> {
        Share {
            meter: self,
            done: 0,
            events: 0,
        }
    }

    /// Prints a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// How long it has taken.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Events of all runs so far.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn told(&self, done: u64, events: u64) {
        let all = self.events.fetch_add(events, Ordering::Relaxed) + events;
        self.bar.inc(done);
        let elapsed = self.begun.elapsed();
        let rate = all as f64 / elapsed.as_secs_f64().max(0.001);
        let words = format!("{rate:.0} events/s");
        if self.is_silent || !self.bar.is_hidden() {
            self.bar.set_message(words);
            return;
        }
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let last = self.told_ms.load(Ordering::Relaxed);
        let due = u128::from(now.saturating_sub(last)) >= LINE_EVERY.as_millis();
        let mine = due
            && self
                .told_ms
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            let percent = 100 * self.bar.position() / (self.runs * WHOLE).max(1);
            eprintln!("{percent} %, {words}, {:.0} s gone", elapsed.as_secs_f64());
        }
    }
}

impl Share<'_> {
    /// Notes how far the run is.
    pub fn note(&mut self, progress: Progress) {
        let share = progress.time_us.min(progress.end_us).saturating_mul(WHOLE);
        // It may yet end, so the last step is for `end`.
        let done = share.checked_div(progress.end_us).unwrap_or(0).min(WHOLE - 1);
        let (more, events) = (
            done.saturating_sub(self.done),
            progress.events.saturating_sub(self.events),
        );
        (self.done, self.events) = (self.done.max(done), self.events.max(progress.events));
        self.meter.told(more, events);
    }

    /// The run has ended.
    pub fn end(self) {
        self.meter.told(WHOLE.saturating_sub(self.done), 0);
    }
}
