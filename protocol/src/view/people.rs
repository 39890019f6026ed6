//! People: who they are, whom the owner follows, who vouches for whom.

use super::{Page, author_at, damaged, read};
use crate::body::{Body, Kind};
use crate::feed;
use crate::id::AuthorId;
use crate::limits::FOLLOWS_MAX;
use crate::peer::Followed;
use crate::profile::Profile;
use crate::records::{Fault, Range, Records, Tree};
use crate::text::{Name, Prose, Tag};
use crate::time::Timestamp;
use crate::vouch::PEOPLE;
use serde::Serialize;

/// Vouchers that a profile names.
const VOUCHERS_SHOWN_MAX: usize = 100;

/// Authors whose vouchers are looked at for suggestions.
const SUBJECTS_READ_MAX: usize = 500;

/// An author and how they want to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The author.
    pub author: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
}

/// Somebody whom the owner follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FollowView {
    /// Who.
    pub author: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
    /// Whether that was said in public.
    pub public: bool,
    /// Since when.
    pub since: Timestamp,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileView {
    /// Who.
    pub author: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
    /// What they say of themselves.
    pub about: Prose,
    /// Whether the owner follows them.
    pub followed: bool,
    /// Who vouches for them as a person, those first whom the owner follows.
    pub vouched_by: Vec<Named>,
    /// Whether one of their devices gave one number to two statements.
    pub equivocated: bool,
}

/// Whether the owner follows an author.
pub fn reads(records: &dyn Records, author: &AuthorId) -> Result<bool, Fault> {
    Ok(records.get(Tree::Follows, author.as_bytes())?.is_some())
}

/// When an author last signed something that is held here, by their own clock: the newest end of their
/// devices' logs.
pub fn last_word(records: &dyn Records, author: &AuthorId) -> Result<Option<Timestamp>, Fault> {
    let mut last = None;
    for device in records.devices(author)? {
        if let Some((_, id)) = records.log_head(&device)?
            && let Some(said) = records.envelope(&id)?
        {
            last = last.max(Some(Timestamp(said.time().wall_ms)));
        }
    }
    Ok(last)
}

/// Authors for whom anybody ever vouched, by id, as many as are looked at for suggestions.
pub fn vouched_for(records: &dyn Records) -> Result<Vec<AuthorId>, Fault> {
    let mut subjects = Vec::new();
    let mut beyond = None;
    while subjects.len() < SUBJECTS_READ_MAX {
        let range = Range::of([], 1).beyond(beyond.take());
        let Some((key, _)) = records.scan(Tree::Vouches, &range)?.into_iter().next() else {
            break;
        };
        let Some(subject) = key.first_chunk::<32>().copied() else {
            return Err(damaged(Tree::Vouches, &key, "its key is cut"));
        };
        subjects.push(AuthorId::from_bytes(subject));
        // Behind all vouches for this one: no key is longer than this.
        beyond = Some([subject.as_slice(), &[u8::MAX; 64]].concat());
    }
    Ok(subjects)
}

/// How many authors the owner follows.
pub fn follows_count(records: &dyn Records) -> Result<usize, Fault> {
    Ok(records.scan(Tree::Follows, &Range::of([], FOLLOWS_MAX))?.len())
}

/// Whom the owner follows, by id.
pub fn follows(
    records: &dyn Records,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<FollowView>, Fault> {
    let rows = records.scan(Tree::Follows, &Range::of([], limit).beyond(after))?;
    let next = if rows.len() == limit {
        rows.last().map(|(key, _)| key.clone())
    } else {
        None
    };
    let views = rows.iter().map(|(key, value)| {
        let author = author_at(Tree::Follows, key)?;
        let Followed { since, public } = read(Tree::Follows, key, value)?;
        Ok(FollowView {
            author,
            name: feed::name(records, &author)?,
            public,
            since,
        })
    });
    Ok(Page::new(views.collect::<Result<_, Fault>>()?, next))
}

/// What somebody says of themselves, and nothing else: the newest of their devices' profiles.
pub fn own_words(records: &dyn Records, who: &AuthorId) -> Result<Option<Profile>, Fault> {
    let profiles = records.state(who, Kind::Profile, &[])?;
    let newest = profiles
        .iter()
        .max_by_key(|envelope| (envelope.time(), envelope.id()));
    Ok(newest.and_then(|envelope| match envelope.body() {
        Body::Profile(profile) => Some(profile.clone()),
        _ => None,
    }))
}

/// Somebody, if anything is known of them.
pub fn profile(records: &dyn Records, me: &AuthorId, who: &AuthorId) -> Result<Option<ProfileView>, Fault> {
    let profile = own_words(records, who)?;
    let (followed, vouched_by) = (reads(records, who)?, vouchers(records, who)?);
    let known = profile.is_some() || followed || who == me || !vouched_by.is_empty();
    if !known && records.devices(who)?.is_empty() {
        return Ok(None);
    }
    let (name, about) = profile.map_or((None, Prose::default()), |profile| {
        (Some(profile.name), profile.about)
    });
    let equivocated = records.has_equivocated(who)?;
    Ok(Some(ProfileView {
        author: *who,
        name,
        about,
        followed,
        vouched_by,
        equivocated,
    }))
}

fn vouchers(records: &dyn Records, subject: &AuthorId) -> Result<Vec<Named>, Fault> {
    named(
        records,
        feed::standing_vouches(records, subject, PEOPLE)?.into_keys(),
    )
}

/// Who vouches for somebody in which category, by its name; those first whom the owner follows.
pub fn vouched_in(records: &dyn Records, subject: &AuthorId) -> Result<Vec<(Tag, Vec<Named>)>, Fault> {
    let standing = feed::standing_by_category(records, subject)?;
    let by_category = standing
        .into_iter()
        .map(|(category, by)| Ok((category, named(records, by.into_keys())?)));
    by_category.collect()
}

/// Vouchers as a profile names them, as many as it does.
fn named(records: &dyn Records, by: impl Iterator<Item = AuthorId>) -> Result<Vec<Named>, Fault> {
    let mut vouchers = Vec::new();
    for author in by {
        vouchers.push((!reads(records, &author)?, author));
    }
    vouchers.sort_unstable();
    vouchers.truncate(VOUCHERS_SHOWN_MAX);
    let named = vouchers.into_iter().map(|(_, author)| {
        Ok(Named {
            author,
            name: feed::name(records, &author)?,
        })
    });
    named.collect()
}
