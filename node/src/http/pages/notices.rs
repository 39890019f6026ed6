//! Notices: what happened that the owner will want to know: an order moved by the other side, an answer
//! to one's post, a vouch, a device that asks. Made from the node's events, so nothing is kept twice.

use souk_protocol::api::{Event, Happening, Past};
use souk_protocol::body::Body;
use souk_protocol::id::{AuthorId, EnvelopeId, OrderId, TabId};
use souk_protocol::order::State;
use souk_protocol::records::{Fault, Records};
use souk_protocol::time::Timestamp;
use souk_protocol::view::{self, OrderView};
use std::collections::BTreeSet;

/// Suffix of the cookie's name.
pub(super) const COOKIE: &str = "seen";
/// Newest events that are looked through for the count.
const COUNTED: u64 = 100;

/// The last event that a browser was shown, from its cookie.
pub(super) fn seen(cookie: Option<&str>) -> u64 {
    cookie.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// One notice.
pub(super) struct Notice {
    pub(super) number: u64,
    pub(super) at: u64,
    pub(super) about: About,
}

/// What a notice is about.
pub(super) enum About {
    Order {
        order: Box<OrderView>,
    },
    Tab {
        tab: TabId,
        with: AuthorId,
    },
    Answer {
        post: EnvelopeId,
        by: AuthorId,
    },
    Reaction {
        post: EnvelopeId,
        by: AuthorId,
        emoji: String,
    },
    Reshare {
        post: EnvelopeId,
        by: AuthorId,
    },
    Vouch {
        by: AuthorId,
        stands: bool,
    },
    Review {
        post: EnvelopeId,
        by: AuthorId,
    },
    Equivocated {
        author: AuthorId,
    },
    DeviceAsks,
    Past(Past),
}

/// Notices among the newest events before one, newest first; an order or tab only with its last step.
pub(super) fn newest(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    after: u64,
    events: u64,
) -> Result<Vec<Notice>, Fault> {
    let newest = view::newest_event(records)?;
    let from = after.max(newest.saturating_sub(events));
    let mut once = Once::default();
    let mut notices = Vec::new();
    let read = usize::try_from(events).unwrap_or(usize::MAX);
    for event in view::events(records, from, read)?.into_iter().rev() {
        if let Some(about) = about(records, me, now, &event, &mut once)? {
            notices.push(Notice {
                number: event.number,
                at: event.at.0,
                about,
            });
        }
    }
    Ok(notices)
}

/// How many notices are newer than what was seen, as far as they are counted.
pub(super) fn unread(records: &dyn Records, me: &AuthorId, seen: u64) -> Result<usize, Fault> {
    Ok(newest(records, me, Timestamp(0), seen, COUNTED)?.len())
}

#[derive(Default)]
struct Once {
    orders: BTreeSet<OrderId>,
    tabs: BTreeSet<TabId>,
}

fn about(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    event: &Event,
    once: &mut Once,
) -> Result<Option<About>, Fault> {
    Ok(match &event.what {
        Happening::OrderMoved { order, .. } => match once.orders.insert(*order) {
            true => view::order(records, me, now, order)?
                .filter(by_other)
                .map(|order| About::Order {
                    order: Box::new(order),
                }),
            false => None,
        },
        Happening::TabMoved { tab, with } => once.tabs.insert(*tab).then_some(About::Tab {
            tab: *tab,
            with: *with,
        }),
        Happening::Said { author, id, .. } if author != me => said(records, me, author, id)?,
        Happening::Equivocated { author, .. } => Some(About::Equivocated { author: *author }),
        Happening::DeviceAsks { .. } => Some(About::DeviceAsks),
        Happening::OwnPast { past } => Some(About::Past(*past)),
        _ => None,
    })
}

/// Whether the last step was the other side's, or nobody's.
fn by_other(order: &OrderView) -> bool {
    order.state == State::Lapsed || order.history.last().is_some_and(|act| act.by != order.you)
}

fn said(
    records: &dyn Records,
    me: &AuthorId,
    by: &AuthorId,
    id: &EnvelopeId,
) -> Result<Option<About>, Fault> {
    let Some(envelope) = records.envelope(id)? else {
        return Ok(None);
    };
    let mine =
        |id: &EnvelopeId| Ok::<_, Fault>(records.envelope(id)?.is_some_and(|said| said.author() == *me));
    let (post, by) = (*id, *by);
    Ok(match envelope.body() {
        Body::Post(said) => match (&said.reply_to, &said.reshare) {
            (Some(to), _) if mine(to)? => Some(About::Answer { post, by }),
            (_, Some(of)) if mine(of)? => Some(About::Reshare { post, by }),
            _ => None,
        },
        Body::Reaction(said) if mine(&said.to)? && !said.emoji.is_empty() => Some(About::Reaction {
            post: said.to,
            by,
            emoji: said.emoji.to_string(),
        }),
        Body::Vouch(said) if said.subject == *me => Some(About::Vouch {
            by,
            stands: said.stands,
        }),
        Body::Review(said) if said.receipt.merchant == *me => Some(About::Review { post, by }),
        _ => None,
    })
}
