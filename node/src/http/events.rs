//! What happens, as a stream of server-sent events. A watcher that comes back names the last number it
//! saw and misses nothing; of what is kept no more it is told with a `gap`.

use super::app::{App, Params};
use super::limits::{EVENT_STREAMS_MAX, EVENTS_ALIVE_MS, EVENTS_READ};
use super::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use souk_protocol::api::{Event, Happening};
use souk_protocol::view;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// The kind of the event that is told when phones change.
const PHONES: &str = "phones";
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    after: Option<u64>,
}

/// Events that were kept no more when their watcher came back.
#[derive(Serialize)]
struct Gap {
    from: u64,
    to: u64,
}

/// One watcher's place in the events.
struct Watcher {
    app: App,
    after: u64,
    newest: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// A phone came or went: nothing that is remembered, and the owner's page shows it.
    phones: watch::Receiver<u64>,
    read: VecDeque<Event>,
    _turn: OwnedSemaphorePermit,
}

/// `GET /api/v1/events`
pub(super) async fn events(
    State(app): State<App>,
    headers: HeaderMap,
    Params(since): Params<Since>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let turn = Arc::clone(&app.event_streams)
        .try_acquire_owned()
        .map_err(|_| Problem::TooMany {
            message: format!("{EVENT_STREAMS_MAX} event streams are open already"),
            next: "Close one first.",
        })?;
    let newest = app.node.events();
    let last = app.read(view::newest_event).await?;
    let after = match last_event_id(&headers)?.or(since.after) {
        // A number from before this node's records began anew.
        Some(after) if after > last => 0,
        Some(after) => after,
        None => last,
    };
    let stopping = app.stopping.clone();
    let phones = app.phones.changes();
    let watcher = Watcher {
        app,
        after,
        newest,
        stopping,
        phones,
        read: VecDeque::new(),
        _turn: turn,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let sent = watcher.next().await?;
        Some((Ok(sent), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_millis(EVENTS_ALIVE_MS))))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let id = id.to_str().ok().and_then(|id| id.parse().ok());
    id.map(Some)
        .ok_or_else(|| Problem::Form("expected a number in 'Last-Event-ID'".into()))
}

impl Watcher {
    /// The next event, once there is one; none when the stream ends.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(self.told(event));
            }
            // Before the records are read, so that what comes between is seen as a change.
            self.newest.borrow_and_update();
            let after = self.after;
            let events = self
                .app
                .read(move |records| view::events(records, after, EVENTS_READ))
                .await;
            match events {
                Ok(events) if events.is_empty() => {}
                Ok(events) => {
                    self.read = events.into();
                    continue;
                }
                Err(problem) => {
                    tracing::warn!(%problem, "an event stream ended");
                    return None;
                }
            }
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                changed = self.phones.changed() => {
                    changed.ok()?;
                    // Without a number: nobody who comes back is told it again.
                    return Some(Sent::default().event(PHONES).data("{}"));
                }
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            }
        }
    }

    /// An event as it is sent; before one that does not follow the last, the gap.
    fn told(&mut self, event: Event) -> Sent {
        if event.number > self.after + 1 {
            let gap = Gap {
                from: self.after + 1,
                to: event.number - 1,
            };
            self.after = gap.to;
            self.read.push_front(event);
            return sent(gap.to, "gap", &gap);
        }
        self.after = event.number;
        sent(event.number, &kind(&event.what), &event)
    }
}

/// The name of a kind of event: the one that its JSON has.
fn kind(what: &Happening) -> String {
    let json = serde_json::to_value(what).unwrap_or_default();
    json.as_object()
        .and_then(|object| object.keys().next().cloned())
        .unwrap_or_default()
}

fn sent(number: u64, kind: &str, data: &impl Serialize) -> Sent {
    let sent = Sent::default().id(number.to_string()).event(kind);
    sent.json_data(data)
        .unwrap_or_else(|_| Sent::default().comment("an event could not be written"))
}
