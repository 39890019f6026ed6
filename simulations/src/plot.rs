//! Curves as SVG: one chart with axes, ticks and a line for each curve.

use html_escape::encode_safe;
use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
const TICKS: usize = 5;

/// A line of a chart.
pub struct Line<'a> {
    /// What it shows.
    pub name: &'a str,
    /// Its points, `x` ascending.
    pub points: &'a [(f64, f64)],
}

/// A chart of some lines; nothing if there are no points.
pub fn chart(lines: &[Line<'_>], axes: (&str, &str)) -> Option<String> {
    let points = || {
        lines
            .iter()
            .flat_map(|line| line.points)
            .filter(|point| is_drawn(point))
    };
    points().next()?;
    let (x_low, x_high) = range(points().map(|point| point.0));
    let (y_low, y_high) = range(points().map(|point| point.1).chain([0.0]));
    let x = |value: f64| LEFT + (value - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - (value - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">"#);
    for value in ticks(y_low, y_high) {
        let at = y(value);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            number(value),
        );
    }
    for value in ticks(x_low, x_high) {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            x(value),
            HEIGHT - BOTTOM + 16.0,
            number(value),
        );
    }
    for (order, line) in lines.iter().enumerate() {
        let mut path = String::new();
        for (across, up) in thinned(line.points) {
            let begin = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{begin}{:.1} {:.1}", x(across), y(up));
        }
        let _ = write!(
            svg,
            r#"<path class="line c{}" d="{path}"><title>{}</title></path>"#,
            order % 6,
            encode_safe(line.name)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{}</text><text class="axis" x="{LEFT}" y="10">{}</text></svg>"#,
        WIDTH - RIGHT,
        HEIGHT - 6.0,
        encode_safe(axes.0),
        encode_safe(axes.1),
    );
    Some(svg)
}

/// Which line is which, in the order of the lines.
pub fn legend(names: &[&str]) -> String {
    let mut html = String::from("<p class=legend>");
    for (order, name) in names.iter().enumerate() {
        let _ = write!(
            html,
            r#"<span><svg viewBox="0 0 20 8" aria-hidden="true"><path class="line c{}" d="M0 4L20 4"/></svg>{}</span>"#,
            order % 6,
            encode_safe(name)
        );
    }
    html.push_str("</p>");
    html
}

fn is_drawn(point: &(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// As many points as can be told apart, the last one among them.
fn thinned(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    const DRAWN: usize = 600;
    let every = points.len().div_ceil(DRAWN).max(1);
    let last = points.len().saturating_sub(1);
    let kept = move |at: &usize| at.is_multiple_of(every) || *at == last;
    let points = points.iter().enumerate();
    points
        .filter(move |(at, point)| kept(at) && is_drawn(point))
        .map(|(_, point)| *point)
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match high > low {
        true => (low, high),
        false => (low - 0.5, low + 0.5),
    }
}

/// Round values within a range.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / TICKS as f64;
    let mut step = 1.0;
    while step > rough {
        step /= 10.0;
    }
    while step * 10.0 <= rough {
        step *= 10.0;
    }
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * step);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil();
    let mut ticks = Vec::new();
    let mut at = first;
    while at * step <= high + step / 1e6 && ticks.len() <= 2 * TICKS {
        ticks.push(at * step);
        at += 1.0;
    }
    ticks
}

/// A number as a person reads it: four digits that matter, thousands in groups.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "none".into();
    }
    let decimals = match size {
        _ if (value - value.round()).abs() < 1e-9 || size >= 1_000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 0.01 => 3,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    match fraction {
        "" => format!("{sign}{grouped}"),
        fraction => format!("{sign}{grouped}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_at_a_glance() {
        let told = [0.0, 1.0, 0.25, 1234567.0, -1234.5, 12.345, 0.0001, f64::NAN].map(number);
        assert_eq!(
            told,
            ["0", "1", "0.25", "1,234,567", "-1,234", "12.35", "0.0001", "none"]
        );
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 1.0).len(), 6);
        assert_eq!(ticks(0.0, 97.0), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert!(
            ticks(-3.0, 12_345.0)
                .iter()
                .all(|tick| (-3.0..=12_346.0).contains(tick))
        );
    }

    #[test]
    fn a_chart_has_its_lines_and_none_is_none() {
        let points = [(0.0, 0.0), (1.0, 2.0), (f64::NAN, 1.0)];
        let lines = [Line {
            name: "<a>",
            points: &points,
        }];
        let svg = chart(&lines, ("seconds", "orders")).unwrap();
        assert!(svg.contains("&lt;a&gt;") && svg.contains("<path") && !svg.contains("NaN"));
        assert!(
            chart(
                &[Line {
                    name: "a",
                    points: &[]
                }],
                ("", "")
            )
            .is_none()
        );
        let flat = [(1.0, 5.0)];
        assert!(
            chart(
                &[Line {
                    name: "a",
                    points: &flat
                }],
                ("", "")
            )
            .is_some()
        );
    }
}
