//! Notices: what happened that the owner will want to know: an order moved by the other side, an answer
//! to one's post, a vouch, a device that asks. Made from the node's events, so nothing is kept twice.

use souk_protocol::api::{Event, Happening, Past};
use souk_protocol::body::Body;
use souk_protocol::id::{AuthorId, EnvelopeId, OrderId, TabId};
use souk_protocol::order::State;
use souk_protocol::records::{Fault, Records};
use souk_protocol::settlement::Rail;
use souk_protocol::time::Timestamp;
use souk_protocol::view::{self, OrderView};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Suffix of the cookie's name.
pub(super) const COOKIE: &str = "seen";
/// Newest events that are looked through for the count.
const COUNTED: u64 = 100;

/// Notices of one page at least, if there are as many.
const NOTICES: usize = 30;
/// Events that are looked through for one page at most.
const EVENTS_READ: u64 = 2_000;
/// Events that are read at a time.
const EVENTS_AT_A_TIME: u64 = 200;

/// The last event that a browser was shown, from its cookie.
pub(super) fn seen(cookie: Option<&str>) -> u64 {
    marks(cookie).0
}

/// The last event that a browser was shown, and the last one at the visit before: what came in between is
/// marked as new for as long as the visit goes on.
pub(super) fn marks(cookie: Option<&str>) -> (u64, u64) {
    let (last, before) = cookie.and_then(|value| value.split_once('.')).unwrap_or_default();
    let number = |text: &str| text.parse().unwrap_or(0);
    (number(last), number(before))
}

/// The cookie's value.
pub(super) fn marked(last: u64, before: u64) -> String {
    format!("{last}.{before}")
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
        why: String,
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

/// A page of notices, newest first; an order or tab only with its last step. It begins before an event, or
/// with the newest; with it the event before which the next page begins, if there may be one.
pub(super) fn page(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    before: Option<u64>,
) -> Result<(Vec<Notice>, Option<u64>), Fault> {
    let newest = view::newest_event(records)?;
    let start = before.map_or(newest, |before| before.saturating_sub(1).min(newest));
    let mut once = Once::default();
    for event in between(records, start, newest)? {
        once.pass(&event.what);
    }
    let (mut to, mut notices) = (start, Vec::new());
    while to > 0 && notices.len() < NOTICES && start - to < EVENTS_READ {
        let from = to.saturating_sub(EVENTS_AT_A_TIME);
        let found = between(records, from, to)?;
        // Older ones are kept no more.
        if found.is_empty() {
            return Ok((notices, None));
        }
        notices.extend(told(records, me, now, found, &mut once)?);
        to = from;
    }
    Ok((notices, (to > 0).then_some(to + 1)))
}

/// The events after one, up to another.
fn between(records: &dyn Records, after: u64, to: u64) -> Result<Vec<Event>, Fault> {
    let most = usize::try_from(to.saturating_sub(after)).unwrap_or(usize::MAX);
    match most {
        0 => Ok(Vec::new()),
        most => {
            let mut found = view::events(records, after, most)?;
            found.retain(|event| event.number <= to);
            Ok(found)
        }
    }
}

/// Notices of some events, newest first.
fn told(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    events: Vec<Event>,
    once: &mut Once,
) -> Result<Vec<Notice>, Fault> {
    let mut notices = Vec::new();
    for event in events.into_iter().rev() {
        if let Some(about) = about(records, me, now, &event, once)? {
            notices.push(Notice {
                number: event.number,
                at: event.at.0,
                about,
            });
        }
    }
    Ok(notices)
}

/// The count on the bell: what each of the newest events amounts to is found out once, not at every page.
#[derive(Default)]
pub(super) struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    /// The last event that was looked at.
    through: u64,
    /// The number of the event that each notice is from.
    notices: BTreeMap<Thing, u64>,
}

/// What one notice is about: of an order or tab there is one, with its last step.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Order(OrderId),
    Tab(TabId),
    Event(u64),
}

impl Bell {
    /// How many notices are newer than what was seen, as far as they are counted.
    pub(super) fn unread(&self, records: &dyn Records, me: &AuthorId, seen: u64) -> Result<usize, Fault> {
        let newest = view::newest_event(records)?;
        let mut rung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = newest.saturating_sub(COUNTED);
        let after = rung.through.max(counted);
        for event in between(records, after, newest)? {
            let about = about(records, me, Timestamp(0), &event, &mut Once::default())?;
            let thing = match &event.what {
                Happening::OrderMoved { order, .. } => Thing::Order(*order),
                Happening::TabMoved { tab, .. } => Thing::Tab(*tab),
                _ => Thing::Event(event.number),
            };
            match about {
                Some(_) => drop(rung.notices.insert(thing, event.number)),
                None => drop(rung.notices.remove(&thing)),
            }
        }
        rung.through = newest;
        rung.notices.retain(|_, number| *number > counted);
        Ok(rung.notices.values().filter(|number| **number > seen).count())
    }
}

#[derive(Default)]
struct Once {
    orders: BTreeSet<OrderId>,
    tabs: BTreeSet<TabId>,
}

impl Once {
    /// Takes an event as told.
    fn pass(&mut self, what: &Happening) {
        match what {
            Happening::OrderMoved { order, .. } => drop(self.orders.insert(*order)),
            Happening::TabMoved { tab, .. } => drop(self.tabs.insert(*tab)),
            _ => {}
        }
    }
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
                .filter(is_news)
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

/// Whether the last step was the other side's or nobody's, or the own node took it and something waits now: with a
/// tab it accepts and signs the receipt by itself.
fn is_news(order: &OrderView) -> bool {
    let by_other = order.history.last().is_some_and(|act| act.by != order.you);
    let by_itself = order.rail == Some(Rail::Tab) && order.waits_for_you();
    order.state == State::Lapsed || by_other || by_itself
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
            why: said.why.to_string(),
        }),
        Body::Review(said) if said.receipt.merchant == *me => Some(About::Review { post, by }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_says_what_was_seen_and_what_before() {
        assert_eq!(marks(Some(&marked(17, 5))), (17, 5));
        assert_eq!(seen(Some("17.5")), 17);
        for bad in [None, Some(""), Some("17"), Some("x.y"), Some("-1.2.3")] {
            assert_eq!(seen(bad), 0, "{bad:?}");
        }
    }
}
