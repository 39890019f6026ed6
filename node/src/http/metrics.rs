//! Numbers for Prometheus, in its text format 0.0.4.

use super::NodeStatus;
use super::app::App;
use super::phones::Listening;
use super::problem::Problem;
use crate::home::bytes_below;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Requests that were answered, by the first digit of their status.
#[derive(Default)]
pub(super) struct Requests([AtomicU64; 6]);

impl Requests {
    pub(super) fn count(&self, status: StatusCode) {
        if let Some(class) = self.0.get(usize::from(status.as_u16() / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0
            .iter()
            .map(|class| class.load(Ordering::Relaxed))
            .enumerate()
            .filter(|(_, count)| *count > 0)
    }
}

/// Samples by family: what Prometheus reads at one time.
#[derive(Default)]
struct Samples(BTreeMap<String, (&'static str, Vec<String>)>);

impl Samples {
    fn put(&mut self, kind: &'static str, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{}=\"{}\"", cleaned(label), escaped(value)))
            .collect();
        self.put_labelled(kind, name, &labels.join(","), value);
    }

    /// As [`Samples::put`], with labels that are written already.
    fn put_labelled(&mut self, kind: &'static str, name: &str, labels: &str, value: u64) {
        let name = cleaned(name);
        let line = match labels {
            "" => format!("{name} {value}"),
            labels => format!("{name}{{{labels}}} {value}"),
        };
        self.0.entry(name).or_insert((kind, Vec::new())).1.push(line);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, (kind, lines)) in &self.0 {
            // Writing to a string cannot fail.
            writeln!(text, "# TYPE {name} {kind}").ok();
            for line in lines {
                writeln!(text, "{line}").ok();
            }
        }
        text
    }
}

/// A name that Prometheus takes: letters, digits and underscores, no digit first.
fn cleaned(name: &str) -> String {
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(clean).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("_{name}"),
        false => name,
    }
}

/// A label's value as it stands between quotes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let status = app.node.status().await;
    let dir = app.dir.clone();
    let bytes = super::app::blocking(move || bytes_below(&dir)).await?;
    let mut samples = Samples::default();
    of_node(&mut samples, &status);
    samples.put("gauge", "souk_home_bytes", &[], bytes);
    samples.put("gauge", "souk_events_newest", &[], *app.node.events().borrow());
    for (class, count) in app.requests.read() {
        samples.put(
            "counter",
            "souk_http_requests_total",
            &[("status", &format!("{class}xx"))],
            count,
        );
    }
    let phones = app.phones.view();
    samples.put("gauge", "souk_phones_paired", &[], phones.paired as u64);
    let listening = matches!(app.phones.listening(), Listening::At(_));
    samples.put("gauge", "souk_phones_listening", &[], u64::from(listening));
    for (why, count) in app.phones.refused() {
        samples.put("counter", "souk_phones_refused_total", &[("why", why)], count);
    }
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], samples.text()).into_response())
}

fn of_node(samples: &mut Samples, status: &NodeStatus) {
    samples.put("gauge", "souk_peers", &[], status.peers.len() as u64);
    for (name, labels, value) in &status.counters {
        samples.put_labelled("counter", name, labels, *value);
    }
    samples.put("gauge", "souk_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_leave_their_quotes_and_names_are_names() {
        let mut samples = Samples::default();
        samples.put("counter", "souk refused", &[("rule", "a\"b\\c\nd")], 7);
        samples.put("counter", "souk refused", &[("rule", "x")], 1);
        samples.put("gauge", "2nd", &[], 3);
        let expected = "# TYPE _2nd gauge\n_2nd 3\n# TYPE souk_refused counter\n\
            souk_refused{rule=\"a\\\"b\\\\c\\nd\"} 7\nsouk_refused{rule=\"x\"} 1\n";
        assert_eq!(samples.text(), expected);
    }
}
