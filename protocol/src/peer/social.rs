//! Commands about people: profile, follows, posts, reactions, vouches; and what the owner keeps in private.

use super::turn::Turn;
use super::{Followed, Peer, invalid};
use crate::api::{Code, Product, Refused, Reply};
use crate::body::{Body, Kind};
use crate::feed;
use crate::follow::Follow;
use crate::id::{AuthorId, DeviceId, EnvelopeId};
use crate::limits::{ADDRESS_LINES_MAX, FOLLOWS_MAX};
use crate::post::{Post, ProductTag, Reaction};
use crate::profile::Profile;
use crate::records::{Fault, Tree};
use crate::text::{List, Name, Prose, Tag, Text};
use crate::vouch::Vouch;
use serde::{Deserialize, Serialize};

/// What a command comes to: a fault of ours, a refusal, or what was done.
pub(super) type Outcome<T = Reply> = Result<Result<T, Refused>, Fault>;

/// Leaves a command with the refusal that a check found.
macro_rules! check {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(refused) => return Ok(Err(refused)),
        }
    };
}
pub(super) use check;

/// A delivery address that the owner keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Its lines.
    pub lines: Vec<Name>,
    /// ISO 3166 code.
    pub country: Name,
}

impl Peer {
    pub(super) fn set_profile(&mut self, turn: &mut Turn<'_>, name: &str, about: &str) -> Outcome {
        let name = check!(Name::new(name.trim()).map_err(invalid));
        if name.is_empty() {
            return Ok(Err(invalid("a profile needs a name")));
        }
        let about = check!(Prose::new(about).map_err(invalid));
        let said = self.say(
            turn,
            Profile {
                name,
                about,
                links: List::default(),
            }
            .into(),
        )?;
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    pub(super) fn follow(&mut self, turn: &mut Turn<'_>, author: AuthorId, public: bool) -> Outcome {
        if author == self.keys.author {
            return Ok(Err(invalid("this is your own id; nobody follows themselves")));
        }
        if self.follows.len() >= FOLLOWS_MAX && !self.follows.contains_key(&author) {
            let message = format!("you follow {FOLLOWS_MAX} authors already");
            return Ok(Err(Refused::new(
                Code::TooMany,
                message,
                "Unfollow somebody first.",
            )));
        }
        let was = self.follows.get(&author).copied();
        let followed = Followed {
            since: was.map_or(turn.now, |was| was.since),
            public,
        };
        turn.local(Tree::Follows, author.as_bytes(), Some(&followed))?;
        self.follows.insert(author, followed);
        if public != was.is_some_and(|was| was.public) {
            self.say(
                turn,
                Follow {
                    who: author,
                    stands: public,
                }
                .into(),
            )?;
        }
        turn.act(super::Action::Join(author));
        turn.act(super::Action::Provide(author));
        let devices: Vec<DeviceId> = self.greeted().collect();
        for device in devices {
            self.have(turn, device, &[author]);
        }
        if self.device_of(&author).is_none() {
            self.seek(turn, author)?;
        }
        Ok(Ok(Reply::Done))
    }

    pub(super) fn unfollow(&mut self, turn: &mut Turn<'_>, author: AuthorId) -> Outcome {
        let Some(was) = self.follows.remove(&author) else {
            let message = format!("you do not follow {author}");
            return Ok(Err(Refused::new(
                Code::NotFound,
                message,
                "See whom you follow with 'souk follow'.",
            )));
        };
        turn.local::<()>(Tree::Follows, author.as_bytes(), None)?;
        if was.public {
            self.say(
                turn,
                Follow {
                    who: author,
                    stands: false,
                }
                .into(),
            )?;
        }
        turn.act(super::Action::Leave(author));
        Ok(Ok(Reply::Done))
    }

    /// Devices that said for whom they speak.
    pub(super) fn greeted(&self) -> impl Iterator<Item = DeviceId> {
        self.sessions
            .iter()
            .filter(|(_, session)| session.author.is_some())
            .map(|(device, _)| *device)
    }

    pub(super) fn post(
        &mut self,
        turn: &mut Turn<'_>,
        text: &str,
        tags: &[Product],
        reply_to: Option<EnvelopeId>,
        reshare: Option<EnvelopeId>,
    ) -> Outcome {
        let text = check!(Prose::new(text).map_err(invalid));
        if text.is_empty() && tags.is_empty() && reshare.is_none() {
            return Ok(Err(invalid(
                "a post says something, names a product or passes a post on",
            )));
        }
        for tag in tags {
            let held = turn
                .records()
                .state(&tag.shop, Kind::Listing, tag.listing.as_bytes())?;
            if held.is_empty() {
                let message = format!("this node knows no listing {} of {}", tag.listing, tag.shop);
                let next = "Follow the shop first, and see its listings with 'souk shop list --shop AUTHOR'.";
                return Ok(Err(Refused::new(Code::NotFound, message, next)));
            }
        }
        for (what, id) in [("answers", reply_to), ("passes on", reshare)] {
            if let Some(id) = id
                && turn.records().envelope(&id)?.is_none()
            {
                let message = format!("the post that this one {what} is not held here: {id}");
                return Ok(Err(Refused::new(
                    Code::NotFound,
                    message,
                    "See 'souk feed' for posts that are.",
                )));
            }
        }
        let tags = tags
            .iter()
            .map(|tag| ProductTag {
                shop: tag.shop,
                listing: tag.listing,
            })
            .collect();
        let tags = check!(List::new(tags).map_err(invalid));
        let said = self.say(
            turn,
            Post {
                text,
                tags,
                reply_to,
                reshare,
                media: List::default(),
            }
            .into(),
        )?;
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    pub(super) fn react(&mut self, turn: &mut Turn<'_>, to: EnvelopeId, emoji: &str) -> Outcome {
        let emoji = check!(Text::new(emoji).map_err(invalid));
        let post = turn.records().envelope(&to)?;
        if !matches!(post.as_ref().map(|post| post.body()), Some(Body::Post(_))) {
            let message = format!("no post {to} is held here");
            return Ok(Err(Refused::new(
                Code::NotFound,
                message,
                "See 'souk feed' for posts that are.",
            )));
        }
        let said = self.say(turn, Reaction { to, emoji }.into())?;
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    pub(super) fn vouch(
        &mut self,
        turn: &mut Turn<'_>,
        subject: AuthorId,
        category: &str,
        stands: bool,
        why: &str,
    ) -> Outcome {
        let category = check!(Tag::new(category.trim()).map_err(invalid));
        if category.is_empty() {
            return Ok(Err(invalid(
                "a vouch names what it is about, such as 'people' or 'books'",
            )));
        }
        if subject == self.keys.author {
            return Ok(Err(invalid("nobody vouches for themselves")));
        }
        let why = check!(Prose::new(why).map_err(invalid));
        let said = self.say(
            turn,
            Vouch {
                subject,
                category,
                stands,
                why,
            }
            .into(),
        )?;
        Ok(Ok(Reply::Said { id: said.id() }))
    }

    /// Whom of those that the owner follows vouches for a subject as a person.
    pub(super) fn vouchers(&self, turn: &Turn<'_>, subject: &AuthorId) -> Result<Vec<AuthorId>, Fault> {
        let standing = feed::standing_vouches(turn.records(), subject, crate::vouch::PEOPLE)?;
        Ok(standing
            .into_keys()
            .filter(|author| self.follows.contains_key(author))
            .collect())
    }

    pub(super) fn save_address(
        &mut self,
        turn: &mut Turn<'_>,
        name: &str,
        lines: &[String],
        country: &str,
    ) -> Outcome {
        let key = check!(Name::new(name.trim()).map_err(invalid));
        if lines.is_empty() {
            turn.local::<()>(Tree::Addresses, key.as_str().as_bytes(), None)?;
            return Ok(Ok(Reply::Done));
        }
        if lines.len() > ADDRESS_LINES_MAX {
            return Ok(Err(invalid(format!(
                "an address has at most {ADDRESS_LINES_MAX} lines"
            ))));
        }
        let lines = check!(
            lines
                .iter()
                .map(|line| Name::new(line))
                .collect::<Result<_, _>>()
                .map_err(invalid)
        );
        let country = check!(Name::new(country).map_err(invalid));
        turn.local(
            Tree::Addresses,
            key.as_str().as_bytes(),
            Some(&Address { lines, country }),
        )?;
        Ok(Ok(Reply::Done))
    }

    pub(super) fn save_draft(&mut self, turn: &mut Turn<'_>, name: &str, text: &str) -> Outcome {
        let key = check!(Name::new(name.trim()).map_err(invalid));
        let text = check!(Prose::new(text).map_err(invalid));
        let draft = (!text.is_empty()).then_some(&text);
        turn.local(Tree::Drafts, key.as_str().as_bytes(), draft)?;
        Ok(Ok(Reply::Done))
    }
}
