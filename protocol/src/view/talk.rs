//! What was said: the feed, and one post with its answers.

use super::shop::{ListingView, listing};
use super::{Page, people};
use crate::body::Kind;
use crate::feed::{self, Entry, Reason, Shown};
use crate::id::{AuthorId, EnvelopeId, ListingId};
use crate::post::ProductTag;
use crate::records::{Fault, Records};
use crate::text::{Name, Prose, Tag};
use serde::Serialize;
use std::collections::BTreeMap;

/// Answers that are shown with a post.
const ANSWERS_SHOWN_MAX: usize = 200;

/// A product that a post is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagView {
    /// Whose shop.
    pub shop: AuthorId,
    /// Which listing.
    pub id: ListingId,
    /// The listing as the shop has it now, if it is held here and for sale.
    pub listing: Option<ListingView>,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum SaidView {
    /// A post. Its products are the entry's `tags`.
    Post {
        /// What is said.
        text: Prose,
        /// The post that it answers.
        reply_to: Option<EnvelopeId>,
        /// The post that it passes on.
        reshare: Option<EnvelopeId>,
    },
    /// A vouch, or its withdrawal.
    Vouch {
        /// For whom.
        subject: AuthorId,
        /// How they want to be called.
        name: Option<Name>,
        /// In what.
        category: Tag,
        /// Whether it stands.
        stands: bool,
        /// Why.
        why: Prose,
    },
    /// A review by who bought it.
    Review {
        /// Whose shop.
        shop: AuthorId,
        /// Which listing.
        listing: ListingId,
        /// One to five.
        rating: u8,
        /// A few words.
        text: Prose,
    },
}

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryView {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who said it.
    pub author: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
    /// When, in milliseconds since 1970, as the author says.
    pub time: u64,
    /// What: `kind` and `body`.
    #[serde(flatten)]
    pub said: SaidView,
    /// Why it is shown.
    pub why: Reason,
    /// Whether its author said two things under one number.
    pub equivocated: bool,
    /// How many answered it.
    pub replies: usize,
    /// How many reacted with what.
    pub reactions: BTreeMap<String, usize>,
    /// The products that it is about: of a post in the order of its tags, of a review the one.
    pub tags: Vec<TagView>,
}

/// One post and what was said to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PostView {
    /// The post.
    #[serde(flatten)]
    pub entry: EntryView,
    /// Its answers, oldest first.
    pub answers: Vec<EntryView>,
}

/// A page of what the owner sees, newest first.
pub fn feed(
    records: &dyn Records,
    me: &AuthorId,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<EntryView>, Fault> {
    let followed = std::cell::RefCell::new(BTreeMap::new());
    // A fault shows itself again right after, when the page's envelopes are read.
    let follows = |author: &AuthorId| {
        let mut followed = followed.borrow_mut();
        *followed
            .entry(*author)
            .or_insert_with(|| people::reads(records, author).unwrap_or(false))
    };
    let page = feed::page(records, me, &follows, after, limit)?;
    let items = page.entries.into_iter().map(|entry| seen(records, me, entry));
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next: page.next,
    })
}

/// A page of what one author said, as far as it is held here, newest first.
pub fn said_by(
    records: &dyn Records,
    me: &AuthorId,
    who: &AuthorId,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<EntryView>, Fault> {
    let page = feed::page(records, who, &|_| false, after, limit)?;
    let items = page.entries.into_iter().map(|entry| {
        let why = why(me, *who);
        seen(records, me, Entry { why, ..entry })
    });
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next: page.next,
    })
}

/// One post, vouch or review, with the answers to it.
pub fn post(records: &dyn Records, me: &AuthorId, id: &EnvelopeId) -> Result<Option<PostView>, Fault> {
    let Some(envelope) = records.envelope(id)? else {
        return Ok(None);
    };
    let Some(entry) = feed::entry(records, &envelope, why(me, envelope.author()))? else {
        return Ok(None);
    };
    let mut answers = Vec::new();
    for answer in records.answers(id, Kind::Post, ANSWERS_SHOWN_MAX)? {
        if let Some(entry) = feed::entry(records, &answer, why(me, answer.author()))? {
            answers.push(seen(records, me, entry)?);
        }
    }
    Ok(Some(PostView {
        entry: seen(records, me, entry)?,
        answers,
    }))
}

fn why(me: &AuthorId, author: AuthorId) -> Reason {
    if author == *me {
        Reason::Yours
    } else {
        Reason::YouFollow { author }
    }
}

fn seen(records: &dyn Records, me: &AuthorId, entry: Entry) -> Result<EntryView, Fault> {
    let about: Vec<ProductTag> = match &entry.shown {
        Shown::Post(post) => post.tags.to_vec(),
        Shown::Review(review) => {
            vec![ProductTag {
                shop: review.receipt.merchant,
                listing: review.receipt.listing,
            }]
        }
        Shown::Vouch(_) => Vec::new(),
    };
    let tags = about.into_iter().map(|ProductTag { shop, listing: id }| {
        let listing = listing(records, me, &shop, &id)?;
        Ok(TagView { shop, id, listing })
    });
    Ok(EntryView {
        tags: tags.collect::<Result<_, Fault>>()?,
        id: entry.id,
        author: entry.author,
        name: entry.name,
        time: entry.time.wall_ms,
        said: said(records, entry.shown)?,
        why: entry.why,
        equivocated: entry.equivocated,
        replies: entry.replies,
        reactions: entry.reactions,
    })
}

fn said(records: &dyn Records, shown: Shown) -> Result<SaidView, Fault> {
    Ok(match shown {
        Shown::Post(post) => SaidView::Post {
            text: post.text,
            reply_to: post.reply_to,
            reshare: post.reshare,
        },
        Shown::Vouch(vouch) => SaidView::Vouch {
            subject: vouch.subject,
            name: feed::name(records, &vouch.subject)?,
            category: vouch.category,
            stands: vouch.stands,
            why: vouch.why,
        },
        Shown::Review(review) => SaidView::Review {
            shop: review.receipt.merchant,
            listing: review.receipt.listing,
            rating: review.rating.into(),
            text: review.text,
        },
    })
}
