//! Posts, and reactions to them. `Log`: kept, in the order in which a device wrote them. Described
//! in `spec/social.md`.

use crate::id::{AuthorId, EnvelopeId, ListingId, MediaId};
use crate::limits::{POST_MEDIA_MAX, POST_TAGS_MAX, REACTION_BYTES_MAX};
use crate::text::{List, Prose, Text};
use serde::{Deserialize, Serialize};

/// Something said in public.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// What is said.
    pub text: Prose,
    /// Products that it is about.
    #[serde(default, skip_serializing_if = "is_none")]
    pub tags: List<ProductTag, POST_TAGS_MAX>,
    /// The post that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EnvelopeId>,
    /// The post that this one passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reshare: Option<EnvelopeId>,
    /// Pictures.
    #[serde(default, skip_serializing_if = "is_none")]
    pub media: List<MediaId, POST_MEDIA_MAX>,
}

fn is_none<T, const MAX: usize>(list: &List<T, MAX>) -> bool {
    list.is_empty()
}

/// A product named in a post: a pointer, never a price. The reader resolves it to the live listing
/// that the shop signed, so an old post shows today's price and a tag cannot lie about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductTag {
    /// Whose shop.
    pub shop: AuthorId,
    /// Which listing there.
    pub listing: ListingId,
}

/// One emoji, or its withdrawal, about a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// The post.
    pub to: EnvelopeId,
    /// The emoji; empty withdraws the author's earlier reaction to that post.
    pub emoji: Text<REACTION_BYTES_MAX>,
}
