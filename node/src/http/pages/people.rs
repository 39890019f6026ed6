//! People: whom the owner follows, who is near, and one person: what they say, who vouches for them,
//! what they sell. Names stand before keys, and a name that looks like a known one is flagged.

use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use super::qr;
use super::talk::{Told, after};
use askama::Template;
use axum::response::Response;
use souk_protocol::api::Command;
use souk_protocol::id::AuthorId;
use souk_protocol::records::{Fault, Records};
use souk_protocol::text::{Name, Tag};
use souk_protocol::view::{self, FollowView, Named, ProfileView, SaidView, ShopView, TabView};
use souk_protocol::vouch::PEOPLE as PEOPLE_CATEGORY;
use unicode_normalization::UnicodeNormalization;

/// People on one page.
const PEOPLE: usize = 50;
/// What one person said, on their page.
const SAID: usize = 20;
/// People whose names are compared with a stranger's.
const COMPARED: usize = 2_000;
/// Tabs that are looked through.
const TABS: usize = 200;
/// What one can vouch for, besides the person as such.
const CATEGORIES: [&str; 6] = ["people", "goods", "crafts", "food", "books", "hotels"];

#[derive(Template)]
#[template(path = "html/people.html")]
struct PeopleScreen<'a> {
    page: &'a Page,
    follows: Vec<FollowView>,
    next: Option<String>,
    near: Vec<Named>,
    suggested: Vec<Suggestion>,
    code: Option<String>,
}

/// Somebody whom people one follows vouch for.
struct Suggestion {
    who: Named,
    by: Vec<Named>,
}

/// `GET /people`
pub(super) async fn all(page: Page) -> Result<Response, Problem> {
    let (me, after) = (page.me, after(&page.query)?);
    let first = after.is_none();
    let peers: Vec<AuthorId> = page
        .app
        .node
        .status()
        .await
        .peers
        .iter()
        .filter_map(|peer| peer.author)
        .collect();
    let (follows, near, suggested) = page
        .app
        .read(move |records| {
            let follows = view::follows(records, after, PEOPLE)?;
            let mut near = Vec::new();
            for author in peers {
                if author != me
                    && !view::reads(records, &author)?
                    && !near.iter().any(|one: &Named| one.author == author)
                {
                    near.push(Named {
                        author,
                        name: souk_protocol::feed::name(records, &author)?,
                    });
                }
            }
            let suggested = if first {
                suggestions(records, &me)?
            } else {
                Vec::new()
            };
            Ok((follows, near, suggested))
        })
        .await?;
    let code = qr::code(&me.to_string());
    page.show(&PeopleScreen {
        page: &page,
        follows: follows.items,
        next: follows.next,
        near,
        suggested,
        code,
    })
}

/// Whom the people one follows vouch for, and one does not follow yet: those with most vouchers first.
fn suggestions(records: &dyn Records, me: &AuthorId) -> Result<Vec<Suggestion>, Fault> {
    let mut found: Vec<Suggestion> = Vec::new();
    for subject in view::vouched_for(records)? {
        if subject == *me || view::reads(records, &subject)? {
            continue;
        }
        let Some(profile) = view::profile(records, me, &subject)? else {
            continue;
        };
        let mut by = Vec::new();
        for one in profile.vouched_by {
            if view::reads(records, &one.author)? {
                by.push(one);
            }
        }
        if !by.is_empty() {
            found.push(Suggestion {
                who: Named {
                    author: subject,
                    name: profile.name,
                },
                by,
            });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.by.len()));
    found.truncate(PEOPLE);
    Ok(found)
}

#[derive(Template)]
#[template(path = "html/person.html")]
struct PersonScreen<'a> {
    page: &'a Page,
    who: ProfileView,
    said: Vec<Told>,
    next: Option<String>,
    shop: Option<ShopView>,
    /// Listings that they sell.
    goods: usize,
    tab: Option<TabView>,
    lookalike: Option<Named>,
    code: Option<String>,
    vouched: bool,
    /// Who vouches for them in what else than as a person.
    vouched_in: Vec<(Tag, Vec<Named>)>,
}

impl PersonScreen<'_> {
    /// A category in words; somebody's own stands as it was written.
    fn category(&self, category: &Tag) -> String {
        match CATEGORIES.contains(&category.as_str()) {
            true => self.page.t(&self.page.category_key(category.as_str())),
            false => category.to_string(),
        }
    }
    fn categories(&self) -> [&'static str; 6] {
        CATEGORIES
    }
}

/// `GET /people/{author}`
pub(super) async fn person(page: Page) -> Result<Response, Problem> {
    let (me, who) = (page.me, page.app.author(page.place("author"))?);
    let after = after(&page.query)?;
    let found = page
        .app
        .read(move |records| {
            let Some(profile) = view::profile(records, &me, &who)? else {
                return Ok(None);
            };
            let page = view::said_by(records, &me, &who, after, SAID)?;
            let mut said = Vec::with_capacity(page.items.len());
            for entry in page.items {
                said.push(Told::of(records, &me, entry)?);
            }
            let tabs = view::tabs(records, &me, None, TABS)?.items;
            let lookalike = lookalike(records, &me, &profile)?;
            Ok(Some((
                said,
                page.next,
                view::shop(records, &who)?,
                tabs.into_iter().find(|tab| tab.with == who),
                lookalike,
                profile,
                view::vouched_in(records, &who)?,
            )))
        })
        .await?;
    let Some((said, next, shop, tab, lookalike, profile, mut vouched_in)) = found else {
        return page.show(&StrangerScreen { page: &page, who });
    };
    let goods = match shop.is_some() {
        true => page.app.for_sale(who).await?,
        false => 0,
    };
    let code = qr::code(&who.to_string());
    let vouched = profile.vouched_by.iter().any(|one| one.author == me);
    vouched_in.retain(|(category, _)| category.as_str() != PEOPLE_CATEGORY);
    page.show(&PersonScreen {
        page: &page,
        who: profile,
        said,
        next,
        shop,
        goods,
        tab,
        lookalike,
        code,
        vouched,
        vouched_in,
    })
}

/// Somebody of whom nothing is held.
#[derive(Template)]
#[template(path = "html/stranger.html")]
struct StrangerScreen<'a> {
    page: &'a Page,
    who: AuthorId,
}

/// Somebody whom the owner follows, or is, and whose name looks like this person's.
fn lookalike(records: &dyn Records, me: &AuthorId, who: &ProfileView) -> Result<Option<Named>, Fault> {
    let Some(name) = who.name.as_ref().filter(|_| !who.followed && who.author != *me) else {
        return Ok(None);
    };
    let shape = shape(name);
    let own = Named {
        author: *me,
        name: souk_protocol::feed::name(records, me)?,
    };
    let followed = view::follows(records, None, COMPARED)?.items;
    let known = followed.into_iter().map(|one| Named {
        author: one.author,
        name: one.name,
    });
    let mut known = known.chain([own]);
    Ok(known.find(|one| {
        one.author != who.author && one.name.as_ref().is_some_and(|name| self::shape(name) == shape)
    }))
}

/// What is left of a name when whatever eyes pass over is taken away: case, accents, spaces and signs,
/// letters of other scripts and digits that look like Latin letters.
fn shape(name: &Name) -> String {
    let plain = name
        .as_str()
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric());
    plain.map(looks_like).collect()
}

fn looks_like(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'в' => 'b',
        'с' => 'c',
        'е' | 'ε' => 'e',
        'н' => 'h',
        'і' | 'ι' | 'l' | '1' | 'ı' => 'i',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'о' | 'ο' | '0' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' | '5' => 's',
        'т' | 'τ' => 't',
        'у' | 'υ' => 'y',
        'х' | 'χ' => 'x',
        other => other,
    }
}

/// Forms of people.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "find" => {
            let who = found(form.text("who"))?;
            Ok(Done::to(format!("/people/{who}"), ""))
        }
        "follow" => {
            let author = found(form.text("author"))?;
            page.carry_out(Command::Follow {
                author,
                public: form.ticked("public"),
            })
            .await?;
            Ok(Done::here("followed"))
        }
        "unfollow" => {
            let author: AuthorId = form.parsed("author")?;
            page.carry_out(Command::Unfollow { author }).await?;
            Ok(Done::here("unfollowed"))
        }
        "vouch" => {
            let command = Command::Vouch {
                subject: form.parsed("author")?,
                category: form.text("category").to_owned(),
                stands: form.text("stands") != "no",
                why: form.text("why").to_owned(),
            };
            page.carry_out(command).await?;
            Ok(Done::here("vouched"))
        }
        "dial" => {
            let dialled = page.app.node.dial(form.text("address")).await;
            let (_, author) = dialled.map_err(|error| Problem::Unreachable(error.to_string()))?;
            match author {
                Some(author) => Ok(Done::to(format!("/people/{author}"), "connected")),
                None => Ok(Done::here("connected")),
            }
        }
        other => Err(unknown(other)),
    }
}

/// An author's id, alone or at the end of a link.
fn found(text: &str) -> Result<AuthorId, Problem> {
    let id = text
        .rsplit(['/', ':', ' '])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    id.parse().map_err(|_| {
        Problem::Field("this is nobody's id: it begins with 'author-' and is 60 characters long".into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_eyes_take_for_each_other_have_one_shape() {
        let shape = |text: &str| shape(&Name::new(text).unwrap());
        for other in [
            "moe's lamps",
            "Moes Lamps",
            "Мoe's Lamps",
            "M0e's-Lamps",
            "Moé’s  Lamps",
        ] {
            assert_eq!(shape(other), shape("Moe's Lamps"), "{other}");
        }
        assert_ne!(shape("Joe's Lamps"), shape("Moe's Lamps"));
    }

    #[test]
    fn an_id_is_found_in_a_link() {
        let id = AuthorId::from_bytes([7; 32]);
        for text in [
            format!("{id}"),
            format!("souk:{id}"),
            format!("http://127.0.0.1:1/people/{id}/"),
            format!("me: {id}"),
        ] {
            assert_eq!(found(&text), Ok(id), "{text}");
        }
        assert!(found("").is_err() && found("https://evil.example").is_err());
    }
}
