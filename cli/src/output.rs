//! What is shown: lines and tables for people, one JSON object for programs. Colours appear on a
//! terminal only, and not under NO_COLOR; tables are cut to a terminal's width and whole elsewhere.
//! What strangers wrote loses what could move a terminal's cursor.

use crate::failure::Failure;
use console::{Alignment, Term, measure_text_width, pad_str, style, truncate_str};
use serde_json::Value;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Narrowest that a column is cut to.
const COLUMN_MIN: usize = 8;
/// Spaces between columns.
const GAP: usize = 2;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// For programs, or for people.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A line for people; programs do not get it.
    pub(crate) fn line(self, line: impl AsRef<str>) {
        if !self.json {
            say(line.as_ref());
        }
    }

    /// What the node answered to programs, and for people what `lines` makes of it.
    pub(crate) fn answer(self, value: &Value, line: impl AsRef<str>) {
        if self.json {
            self.object(value)
        } else {
            say(line.as_ref())
        }
    }

    /// An object for programs; people do not get it.
    pub(crate) fn object(self, value: &Value) {
        if self.json {
            say(&format!("{value:#}"));
        }
    }

    /// An object for programs that read line by line.
    pub(crate) fn object_line(self, value: &Value) {
        if self.json {
            say(&value.to_string());
        }
    }

    /// A table for people.
    pub(crate) fn table(self, table: &Table) {
        if !self.json {
            let term = Term::stdout();
            let width = if term.is_term() {
                usize::from(term.size().1)
            } else {
                usize::MAX
            };
            for line in table.lines(width) {
                say(&line);
            }
        }
    }

    /// An error: an object on standard output for programs, words on standard error for people.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            return say(&failure.to_json().to_string());
        }
        let text = failure.to_text();
        let text = text.strip_prefix("error:").unwrap_or(&text);
        // Nobody is left to tell if standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "{}{text}",
            style("error:").red().bold().for_stderr()
        );
    }
}

fn say(line: &str) {
    // A reader that has seen enough (`souk feed | head -1`) is no error.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Bytes as they are, on standard output.
pub(crate) fn bytes(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}

/// A heading on a terminal.
pub(crate) fn strong(text: &str) -> String {
    style(text).bold().to_string()
}

/// Something less important on a terminal.
pub(crate) fn faint(text: &str) -> String {
    style(text).dim().to_string()
}

/// Which side a column's cells stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under headings.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// No rows yet. A heading that starts with `>` names a column of numbers.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| match heading.strip_prefix('>') {
            Some(heading) => (heading, Side::Right),
            None => (*heading, Side::Left),
        };
        Self {
            columns: headings.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// One more row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| clean(&cell)).collect());
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its lines, none wider than `width` if that can be.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|(name, _)| measure_text_width(name))
            .collect();
        for row in &self.rows {
            for (wide, cell) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(measure_text_width(cell));
            }
        }
        narrow(&mut widths, width);
        let headings = self
            .columns
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>();
        let mut lines = vec![faint(&self.line(&headings, &widths))];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        lines
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (((_, side), cell), width) in self.columns.iter().zip(cells).zip(widths) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let cut = truncate_str(cell, *width, "…");
            let alignment = if *side == Side::Right {
                Alignment::Right
            } else {
                Alignment::Left
            };
            line.push_str(&pad_str(&cut, *width, alignment, None));
        }
        line.trim_end().to_owned()
    }
}

/// Takes from the widest column until all fit.
fn narrow(widths: &mut [usize], width: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > COLUMN_MIN => *widest -= 1,
            _ => return,
        }
    }
}

/// One line without control characters or marks that turn the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = text
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() { ' ' } else { c });
    shown.collect::<String>().trim().to_owned()
}

/// Text of several lines, each cleaned and set in.
pub(crate) fn paragraph(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    text.lines()
        .map(|line| format!("{margin}{}", clean(line)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A time as `2026-11-24 10:05`, in UTC.
pub(crate) fn moment(ms: u64) -> String {
    let minutes = ms / 60_000;
    let (year, month, day) = civil(minutes / 1_440);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        minutes / 60 % 24,
        minutes % 60
    )
}

/// Year, month and day of a count of days since 1970: March-based years of 400-year cycles, as the
/// proleptic Gregorian calendar has them.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (cycle, of_cycle) = (shifted / 146_097, shifted % 146_097);
    let of_cycle_years = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * of_cycle_years + of_cycle_years / 4 - of_cycle_years / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = cycle * 400 + of_cycle_years + u64::from(month <= 2);
    (year, month, day)
}

/// How long until a time: `in 14 min`, or `passed`.
pub(crate) fn until(ms: u64) -> String {
    let now = now_ms();
    if ms <= now {
        return "passed".to_owned();
    }
    let seconds = (ms - now).div_ceil(1_000);
    match seconds {
        0..=119 => format!("in {seconds} s"),
        120..=7_199 => format!("in {} min", seconds / 60),
        7_200..=172_799 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} days", seconds / 86_400),
    }
}

/// Now, by this machine's clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Bytes as `3.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (name, step) in STEPS {
        if bytes >= step {
            return format!("{}.{} {name}", bytes / step, bytes % step * 10 / step);
        }
    }
    format!("{bytes} B")
}

/// A count with its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "what it says", ">price"]);
        table.row(["bob".into(), "a long story about shoes".into(), "9.50 EUR".into()]);
        table.row(["alice".into(), "short".into(), "120.00 EUR".into()]);
        table
    }

    #[test]
    fn a_table_is_whole_where_there_is_no_terminal() {
        let lines: Vec<String> = table()
            .lines(usize::MAX)
            .iter()
            .map(|line| console::strip_ansi_codes(line).into_owned())
            .collect();
        assert_eq!(
            lines,
            [
                "name   what it says                   price",
                "bob    a long story about shoes    9.50 EUR",
                "alice  short                     120.00 EUR",
            ]
        );
    }

    #[test]
    fn a_table_fits_the_terminal_and_cuts_the_widest_column_first() {
        for line in table().lines(32) {
            assert!(measure_text_width(&line) <= 32, "{line}");
        }
        assert!(table().lines(32)[1].contains('…'));
        assert!(table().lines(32)[2].ends_with("120.00 EUR"));
    }

    #[test]
    fn what_strangers_write_moves_no_cursor() {
        assert_eq!(clean("red\u{1b}[2J\u{202e}shoes\n"), "red [2Jshoes");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (1_709_251_199_000, "2024-02-29 23:59 UTC"),
            (1_796_083_200_000, "2026-12-01 00:00 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(moment(ms), text);
        }
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            (size(999), size(3_456_789)),
            ("999 B".to_owned(), "3.4 MB".to_owned())
        );
    }
}
