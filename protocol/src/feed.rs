//! The feed: what the people one follows posted, vouched for and reviewed, newest first, each with
//! the reason why it is shown. Nothing else gets in, so nothing that money can buy does. Described in
//! `spec/social.md`.

use crate::body::{Body, Kind};
use crate::envelope::Signed;
use crate::id::{AuthorId, EnvelopeId};
use crate::post::{Post, Reaction};
use crate::records::{Fault, Records};
use crate::review::Review;
use crate::text::{Name, Tag};
use crate::time::Hybrid;
use crate::vouch::Vouch;
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows of the timeline that one page looks at for each entry that it shows.
const LOOKED_AT: usize = 20;
/// Answers of one kind to one post that are counted.
const ANSWERS_COUNTED_MAX: usize = 1_000;
/// Vouches for one subject that are looked at.
const VOUCHES_READ_MAX: usize = 10_000;

/// Why an entry is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Reason {
    /// The reader said it.
    Yours,
    /// The reader follows its author.
    YouFollow {
        /// The author.
        author: AuthorId,
    },
}

/// What an entry shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Shown {
    /// A post.
    Post(Post),
    /// A vouch.
    Vouch(Vouch),
    /// A review.
    Review(Review),
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who said it.
    pub author: AuthorId,
    /// How the author wants to be called.
    pub name: Option<Name>,
    /// When, as the author says.
    pub time: Hybrid,
    /// What.
    #[serde(flatten)]
    pub shown: Shown,
    /// Why it is shown.
    pub why: Reason,
    /// Whether its author said two things under one number.
    pub equivocated: bool,
    /// How many answered it.
    pub replies: usize,
    /// How many reacted with what.
    pub reactions: BTreeMap<String, usize>,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Its entries, newest first.
    pub entries: Vec<Entry>,
    /// Where the next page starts, if there may be one: hexadecimal.
    pub next: Option<String>,
}

/// A page of what `reader` sees, following `follows`.
pub fn page(
    records: &dyn Records,
    reader: &AuthorId,
    follows: &dyn Fn(&AuthorId) -> bool,
    before: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page, Fault> {
    let look = limit.saturating_mul(LOOKED_AT);
    let rows = records.timeline(before, look)?;
    let whole = rows.len() < look;
    let (mut entries, mut last) = (Vec::new(), None);
    for (place, envelope) in rows {
        last = Some(place);
        let author = envelope.author();
        let why = if author == *reader {
            Reason::Yours
        } else if follows(&author) {
            Reason::YouFollow { author }
        } else {
            continue;
        };
        entries.extend(entry(records, &envelope, why)?);
        if entries.len() == limit {
            break;
        }
    }
    let next = if whole && entries.len() < limit {
        None
    } else {
        last
    };
    Ok(Page {
        entries,
        next: next.map(|place| data_encoding::HEXLOWER.encode(&place)),
    })
}

/// One envelope as an entry, if it is something that a feed shows.
pub fn entry(records: &dyn Records, envelope: &Signed, why: Reason) -> Result<Option<Entry>, Fault> {
    let shown = match envelope.body() {
        Body::Post(post) => Shown::Post(post.clone()),
        Body::Vouch(vouch) => Shown::Vouch(vouch.clone()),
        Body::Review(review) => Shown::Review(review.clone()),
        _ => return Ok(None),
    };
    let id = envelope.id();
    Ok(Some(Entry {
        id,
        author: envelope.author(),
        name: name(records, &envelope.author())?,
        time: envelope.time(),
        shown,
        why,
        equivocated: records.has_equivocated(&envelope.author())?,
        replies: records.answers(&id, Kind::Post, ANSWERS_COUNTED_MAX)?.len(),
        reactions: reactions(records, &id)?,
    }))
}

/// How an author wants to be called: the newest profile of any of their devices.
pub fn name(records: &dyn Records, author: &AuthorId) -> Result<Option<Name>, Fault> {
    let profiles = records.state(author, Kind::Profile, &[])?;
    let newest = profiles
        .iter()
        .max_by_key(|envelope| (envelope.time(), envelope.id()));
    Ok(newest.and_then(|envelope| match envelope.body() {
        Body::Profile(profile) => Some(profile.name.clone()),
        _ => None,
    }))
}

/// Reactions to a post: of each author the newest one counts.
fn reactions(records: &dyn Records, post: &EnvelopeId) -> Result<BTreeMap<String, usize>, Fault> {
    let mut newest: BTreeMap<AuthorId, Reaction> = BTreeMap::new();
    for envelope in records.answers(post, Kind::Reaction, ANSWERS_COUNTED_MAX)? {
        if let Body::Reaction(reaction) = envelope.body() {
            newest.insert(envelope.author(), reaction.clone());
        }
    }
    let mut counts = BTreeMap::new();
    for reaction in newest.into_values().filter(|reaction| !reaction.emoji.is_empty()) {
        *counts.entry(reaction.emoji.as_str().to_owned()).or_insert(0) += 1;
    }
    Ok(counts)
}

/// Who vouches for a subject in a category today, and with which envelope: of each author the newest
/// vouch counts, and it counts only while it stands. Whoever said two things under one number vouches for
/// nobody, and nobody's vouch for them counts: what was said of them was said of one of two.
pub fn standing_vouches(
    records: &dyn Records,
    subject: &AuthorId,
    category: &str,
) -> Result<BTreeMap<AuthorId, EnvelopeId>, Fault> {
    let mut standing = standing(records, subject, |said| said.as_str() == category)?;
    Ok(standing.pop_first().map(|(_, by)| by).unwrap_or_default())
}

/// The same in every category in which anybody vouches for them.
pub fn standing_by_category(
    records: &dyn Records,
    subject: &AuthorId,
) -> Result<BTreeMap<Tag, BTreeMap<AuthorId, EnvelopeId>>, Fault> {
    standing(records, subject, |_| true)
}

fn standing(
    records: &dyn Records,
    subject: &AuthorId,
    wanted: impl Fn(&Tag) -> bool,
) -> Result<BTreeMap<Tag, BTreeMap<AuthorId, EnvelopeId>>, Fault> {
    let mut newest: BTreeMap<(Tag, AuthorId), (Hybrid, EnvelopeId, bool)> = BTreeMap::new();
    for envelope in records.vouches(subject, VOUCHES_READ_MAX)? {
        let Body::Vouch(vouch) = envelope.body() else {
            continue;
        };
        if !wanted(&vouch.category) {
            continue;
        }
        let this = (envelope.time(), envelope.id(), vouch.stands);
        let held = newest
            .entry((vouch.category.clone(), envelope.author()))
            .or_insert(this);
        if (held.0, held.1) < (this.0, this.1) {
            *held = this;
        }
    }
    let mut standing: BTreeMap<Tag, BTreeMap<AuthorId, EnvelopeId>> = BTreeMap::new();
    if newest.is_empty() || records.has_equivocated(subject)? {
        return Ok(standing);
    }
    for ((category, author), (_, id, stands)) in newest {
        if stands && !records.has_equivocated(&author)? {
            standing.entry(category).or_default().insert(author, id);
        }
    }
    Ok(standing)
}
