//! How far long work is: a bar on a terminal, a plain line for each step elsewhere. Always on
//! standard error, so that what a program reads stays clean.

use console::style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// How often a bar moves.
const TICK: Duration = Duration::from_millis(100);

/// One piece of long work.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    label: String,
    plain: bool,
    started: Instant,
}

impl Progress {
    /// Starts a piece of work of unknown length.
    pub(crate) fn start(label: impl Into<String>) -> Self {
        let label = label.into();
        let plain = !console::user_attended_stderr();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(label.clone());
        if !plain {
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            label,
            plain,
            started: Instant::now(),
        }
    }

    /// Says how much of how much is done.
    pub(crate) fn at(&self, done: u64, of: u64) {
        if self.bar.length() != Some(of) {
            let template = "{spinner} {msg} [{wide_bar}] {pos}/{len} {elapsed}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style.progress_chars("=> "));
            }
            self.bar.set_length(of);
        }
        self.bar.set_position(done);
    }

    /// Ends it well, and says how long it took.
    pub(crate) fn done(self, result: &str) -> Duration {
        let took = self.started.elapsed();
        self.bar.finish_and_clear();
        let mark = style("✓").green().for_stderr();
        let result = if result.is_empty() {
            String::new()
        } else {
            format!(": {result}")
        };
        note(&format!(
            "{mark} {}{result} ({:.2} s)",
            self.label,
            took.as_secs_f64()
        ));
        took
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
            if self.plain {
                note(&format!("✗ {}", self.label));
            }
        }
    }
}

/// A line on standard error.
pub(crate) fn note(line: &str) {
    use std::io::Write;
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
