//! `report.html`: one page without anything from elsewhere, for a person who does not read code.

use crate::figure::Threshold;
use crate::plot::{self, Line, number};
use crate::summary::{Figure, Summary, Verdict};
use crate::words::words;
use html_escape::encode_safe;
use std::collections::BTreeMap;
use std::fmt::Write;

const STYLE: &str = "
:root{--ground:#fdfdfc;--ink:#1d1f23;--quiet:#666b75;--rule:#e2e3e6;--good:#176b3a;--bad:#a4262c;--c0:#2457c5;--c1:#c2570c;--c2:#1c7c54;--c3:#8a3ffc;--c4:#b0255b;--c5:#5b6470}
@media (prefers-color-scheme:dark){:root{--ground:#16181c;--ink:#e8e9ec;--quiet:#9aa0ab;--rule:#2e3138;--good:#5fd38d;--bad:#ff8389;--c0:#78a9ff;--c1:#ff9d57;--c2:#5fd38d;--c3:#be95ff;--c4:#ff7eb6;--c5:#a8b0bd}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1180px;padding:32px 20px 64px;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:28px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:40px 0 12px}h3{font-size:16px;margin:0 0 4px}
p{margin:0 0 12px;max-width:72ch}.quiet{color:var(--quiet)}.good{color:var(--good)}.bad{color:var(--bad)}
.verdict{font-size:20px;font-weight:600;margin:16px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:8px 12px 8px 0;border-bottom:1px solid var(--rule);vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}.wide{overflow-x:auto}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(460px,100%),1fr));gap:28px}
svg{width:100%;height:auto;display:block}.grid{stroke:var(--rule)}.tick,.axis{fill:var(--quiet);font-size:12px}.line{fill:none;stroke-width:2}.legend{margin:0 0 4px;font-size:13px}.legend svg{display:inline-block;width:20px;height:8px;margin:0 6px 2px 0}.legend span{margin-right:16px}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
pre{overflow-x:auto;padding:12px;border:1px solid var(--rule);border-radius:6px;font-size:13px}code{font-size:14px;overflow-wrap:anywhere}
";

/// The page of a summary.
pub fn page(summary: &Summary) -> String {
    let mut html = head(&summary.scenario);
    let seeds = summary.seeds.len();
    let nodes = summary
        .nodes
        .map(|nodes| format!(", {} nodes", number(nodes as f64)));
    let settings = match summary.settings.is_empty() {
        true => String::new(),
        false => format!(", with {}", summary.settings.join(", ")),
    };
    let _ = write!(
        html,
        "<h1>{}</h1><p class=quiet>{} seed{}{}{}, version {}</p>",
        encode_safe(&summary.scenario),
        seeds,
        if seeds == 1 { "" } else { "s" },
        nodes.unwrap_or_default(),
        encode_safe(&settings),
        encode_safe(&summary.version),
    );
    let broken: Vec<_> = summary
        .seeds
        .iter()
        .filter(|seed| seed.broken.is_some())
        .collect();
    let missed = summary.thresholds.iter().filter(|verdict| !verdict.held).count();
    let (class, words) = match (broken.len(), missed) {
        (0, 0) => ("good", "Every law and every threshold held.".to_owned()),
        (0, missed) => (
            "bad",
            format!(
                "Every law held; {missed} of {} thresholds did not.",
                summary.thresholds.len()
            ),
        ),
        (broken, _) => ("bad", format!("{broken} of {seeds} seeds broke a law.")),
    };
    let _ = write!(html, "<p class='verdict {class}'>{words}</p>");
    for seed in &broken {
        let _ = write!(
            html,
            "<h3 class=bad>Seed {}</h3><pre>{}</pre>",
            seed.seed,
            encode_safe(seed.broken.as_deref().unwrap_or_default())
        );
    }
    if !summary.thresholds.is_empty() {
        html.push_str("<h2>What was asked for</h2><div class=wide><table><tr><th>Figure<th>Asked for<th class=n>Found<th>");
        for verdict in &summary.thresholds {
            threshold_row(&mut html, verdict);
        }
        html.push_str("</table></div>");
    }
    html.push_str("<h2>Figures</h2><div class=wide><table><tr><th>Figure<th class=n>Mean<th class=n>± 95 %<th class=n>Least<th class=n>Greatest<th>What it means");
    for (name, figure) in &summary.figures {
        figure_row(&mut html, name, figure);
    }
    html.push_str("</table></div>");
    charts(&mut html, summary);
    let _ = write!(
        html,
        "<h2>How far to trust it</h2><p>{}</p><h2>Again</h2><p>The same seeds, the same program: the same digest, on any machine.</p><p><code>{}</code></p><p class=quiet>Digest of the whole run: <code>{}</code></p><h2>The scenario</h2><pre>{}</pre>",
        encode_safe(&summary.checked_in),
        encode_safe(&again(summary)),
        encode_safe(&summary.digest),
        encode_safe(&summary.text),
    );
    html.push_str("</body></html>\n");
    html
}

/// The table of a sweep: one row for each cell, with the figures that thresholds are about, or else all.
pub fn overview(title: &str, cells: &[(String, &Summary)]) -> String {
    let mut html = head(title);
    let _ = write!(
        html,
        "<h1>{}</h1><p class=quiet>{} cells</p>",
        encode_safe(title),
        cells.len()
    );
    let asked: Vec<&String> = cells
        .first()
        .map(|(_, summary)| match summary.thresholds.is_empty() {
            true => summary.figures.keys().collect(),
            false => summary.thresholds.iter().map(|verdict| &verdict.figure).collect(),
        })
        .unwrap_or_default();
    html.push_str("<div class=wide><table><tr><th>Cell<th>Settings<th class=n>Seeds");
    for name in &asked {
        let _ = write!(html, "<th class=n>{}", encode_safe(title_of(name)));
    }
    html.push_str("<th>");
    for (folder, summary) in cells {
        let _ = write!(
            html,
            "<tr><td><a href='{0}/report.html'>{0}</a><td>{1}<td class=n>{2}",
            encode_safe(folder),
            encode_safe(&summary.settings.join(", ")),
            summary.seeds.len()
        );
        for name in &asked {
            let told = summary.figures.get(*name).map(interval);
            let _ = write!(html, "<td class=n>{}", told.unwrap_or_default());
        }
        let class = if summary.is_good() { "good" } else { "bad" };
        let _ = write!(html, "<td class={class}>{}", summary.verdict());
    }
    html.push_str("</table></div></body></html>\n");
    html
}

fn head(title: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>{}</title><style>{STYLE}</style></head><body>",
        encode_safe(title)
    )
}

fn title_of(name: &str) -> &str {
    words(name).map_or(name, |words| words.title)
}

fn interval(figure: &Figure) -> String {
    match figure.ci95 {
        Some(ci95) if ci95 > 0.0 => format!("{} ± {}", number(figure.mean), number(ci95)),
        _ => number(figure.mean),
    }
}

/// A threshold in words.
pub fn asked(threshold: &Threshold) -> String {
    let words = |min: Option<f64>, max: Option<f64>| match (min, max) {
        (Some(min), Some(max)) => Some(format!("{} to {}", number(min), number(max))),
        (Some(min), None) => Some(format!("at least {}", number(min))),
        (None, Some(max)) => Some(format!("at most {}", number(max))),
        (None, None) => None,
    };
    let each = words(threshold.min, threshold.max);
    let mean = words(threshold.mean_min, threshold.mean_max).map(|words| format!("{words} in the mean"));
    let both: Vec<String> = [each, mean].into_iter().flatten().collect();
    match both.is_empty() {
        true => "measured".into(),
        false => both.join(", "),
    }
}

fn threshold_row(html: &mut String, verdict: &Verdict) {
    let found = verdict.value.map_or("not measured".to_owned(), number);
    let _ = write!(
        html,
        "<tr><td>{}<td>{}<td class=n>{found}<td class={}>{}",
        encode_safe(title_of(&verdict.figure)),
        asked(&verdict.threshold),
        if verdict.held { "good" } else { "bad" },
        if verdict.held { "held" } else { "missed" },
    );
}

fn figure_row(html: &mut String, name: &str, figure: &Figure) {
    let _ = write!(
        html,
        "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=quiet>{}",
        encode_safe(title_of(name)),
        number(figure.mean),
        figure.ci95.map_or("–".to_owned(), number),
        number(figure.min),
        number(figure.max),
        encode_safe(words(name).map_or(name, |words| words.meaning)),
    );
}

/// Curves whose names differ after a dot alone are lines of one chart.
fn charts(html: &mut String, summary: &Summary) {
    let mut groups: BTreeMap<&str, Vec<(&str, Line<'_>)>> = BTreeMap::new();
    for (name, points) in &summary.curves {
        let (title, line) = name.split_once('.').unwrap_or((name, "measured"));
        let name = name.as_str();
        groups
            .entry(title)
            .or_default()
            .push((line, Line { name, points }));
    }
    let drawn: Vec<String> = groups
        .into_iter()
        .filter_map(|(name, lines)| {
            let told = words(name);
            let (names, lines): (Vec<&str>, Vec<Line<'_>>) = lines.into_iter().unzip();
            let svg = plot::chart(&lines, told.map_or(("", ""), |words| words.axes))?;
            let meaning = told.map_or("", |words| words.meaning);
            let legend = match names.len() {
                0 | 1 => String::new(),
                _ => plot::legend(&names),
            };
            Some(format!(
                "<section><h3>{}</h3><p class=quiet>{}</p>{legend}{svg}</section>",
                encode_safe(title_of(name)),
                encode_safe(meaning)
            ))
        })
        .collect();
    if !drawn.is_empty() {
        let first = summary.seeds.first().map_or(0, |seed| seed.seed);
        let _ = write!(
            html,
            "<h2>Curves</h2><p class=quiet>Of seed {first}.</p><div class=charts>{}</div>",
            drawn.concat()
        );
    }
}

/// The command that plays the same again.
pub fn again(summary: &Summary) -> String {
    let mut command = format!(
        "cargo run --release -p souk-simulations -- run {}",
        summary.scenario
    );
    if let Some(nodes) = summary.nodes {
        let _ = write!(command, " --nodes {nodes}");
    }
    for setting in &summary.settings {
        let _ = write!(command, " --set '{setting}'");
    }
    if let (Some(first), Some(last)) = (summary.seeds.first(), summary.seeds.last()) {
        let _ = match summary.seeds.len() {
            1 => write!(command, " --seed {}", first.seed),
            _ => write!(
                command,
                " --seed {} --seeds {}",
                first.seed,
                last.seed - first.seed + 1
            ),
        };
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Figures, Played};
    use crate::scene::Scene;

    #[test]
    fn a_page_tells_what_broke_and_runs_nothing_that_a_file_says() {
        let text = format!("# <script>alert(1)</script>\n{}", Scene::text("first").unwrap());
        let scene = Scene::read(&text, &[], None).unwrap();
        let mut figures = Figures::default();
        figures.number("converged_ms", 700_000.0);
        figures.curve("orders_begun", vec![(0.0, 0.0), (5.0, 9.0)]);
        let mut played = [Played {
            seed: 3,
            digest: "d".into(),
            figures,
            events: Vec::new(),
            broken: Some("money was <made>".into()),
        }];
        let summary = Summary::of("first", &text, Vec::new(), Some(10), &scene, &mut played);
        let page = page(&summary);
        assert!(page.contains("money was &lt;made&gt;") && page.contains("missed") && page.contains("<svg"));
        assert!(!page.contains("<script"), "what a file says is shown, not run");
        assert!(page.contains("run first --nodes 10 --seed 3"));
    }
}
