//! The feed and single posts: what people said, each with why it is shown; composing, answering,
//! reacting and passing on.

use super::super::app::parse;
use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, Product};
use souk_protocol::feed::Reason;
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId};
use souk_protocol::records::{Fault, Records};
use souk_protocol::view::{self, EntryView, ListingView, SaidView};

/// Entries of one page of the feed.
const ENTRIES: usize = 30;
/// Listings of one's own shop that can be picked for a post.
const PICKED_FROM: usize = 50;
/// What can be said with one touch.
const EMOJI: [&str; 6] = ["👍", "❤️", "😄", "🎉", "😮", "🙏"];
/// The draft of a post that is being written.
const DRAFT: &str = "post";
/// Beginning of the names of answers that are being written; the post follows.
const ANSWER_DRAFTS: &str = "reply/";
/// Times that the feed is read on for one page, when most of what is found is of another kind.
const READ_ON_MAX: usize = 10;

/// An entry, with what it passes on.
pub(super) struct Told {
    pub(super) entry: EntryView,
    pub(super) passed_on: Option<EntryView>,
    /// The message that says why it is shown; none for somebody whom the owner went to see.
    pub(super) why: Option<&'static str>,
}

impl Told {
    pub(super) fn of(records: &dyn Records, me: &AuthorId, entry: EntryView) -> Result<Self, Fault> {
        let passed_on = match &entry.said {
            SaidView::Post {
                reshare: Some(id), ..
            } => view::post(records, me, id)?.map(|post| post.entry),
            _ => None,
        };
        let why = match entry.why {
            Reason::Yours => Some("why-yours"),
            Reason::YouFollow { author } => view::reads(records, &author)?.then_some("why-followed"),
        };
        Ok(Self {
            entry,
            passed_on,
            why,
        })
    }
    pub(super) fn emoji(&self) -> [&'static str; 6] {
        EMOJI
    }
}

#[derive(Template)]
#[template(path = "html/feed.html")]
struct FeedScreen<'a> {
    page: &'a Page,
    entries: Vec<Told>,
    next: Option<String>,
    show: String,
    follows: usize,
    draft: String,
    picked: Vec<ListingView>,
    own: Vec<ListingView>,
}

/// `GET /`
pub(super) async fn feed(page: Page) -> Result<Response, Problem> {
    let me = page.me;
    let show = page.query.get("show").to_owned();
    let after = after(&page.query)?;
    let tags: Vec<Product> = page.query.all("tag").filter_map(product).collect();
    let wanted = show.clone();
    let (entries, next, follows, draft, picked, own) = page
        .app
        .read(move |records| {
            let (entries, next) = told(records, &me, after, &wanted)?;
            let draft = draft(records, DRAFT)?;
            let mut picked = Vec::new();
            for tag in &tags {
                picked.extend(view::listing(records, &me, &tag.shop, &tag.listing)?);
            }
            let own = view::listings(records, &me, &me, None, PICKED_FROM)?.items;
            Ok((
                entries,
                next,
                view::follows_count(records)?,
                draft,
                picked,
                own.into_iter().filter(|listing| listing.published).collect(),
            ))
        })
        .await?;
    page.show(&FeedScreen {
        page: &page,
        entries,
        next,
        show,
        follows,
        draft,
        picked,
        own,
    })
}

/// A page of the feed after a place in it, and where it goes on. What is of another kind than the wanted one is
/// passed over, and so much more is read, within bounds.
fn told(
    records: &dyn Records,
    me: &AuthorId,
    after: Option<Vec<u8>>,
    wanted: &str,
) -> Result<(Vec<Told>, Option<String>), Fault> {
    let (mut entries, mut at, mut next) = (Vec::new(), after, None);
    for _ in 0..READ_ON_MAX {
        let found = view::feed(records, me, at.take(), ENTRIES - entries.len())?;
        for entry in found.items.into_iter().filter(|entry| is_shown(wanted, entry)) {
            entries.push(Told::of(records, me, entry)?);
        }
        next = found.next;
        at = next.as_ref().and_then(|key| place(key));
        if at.is_none() || entries.len() >= ENTRIES {
            break;
        }
    }
    Ok((entries, next))
}

/// A place in a list, as an address has it.
fn place(key: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER.decode(key.as_bytes()).ok()
}

fn is_shown(show: &str, entry: &EntryView) -> bool {
    match show {
        "posts" => matches!(entry.said, SaidView::Post { .. }),
        "reviews" => !matches!(entry.said, SaidView::Post { .. }),
        _ => true,
    }
}

/// The name of an answer's draft.
fn answer_draft(to: &EnvelopeId) -> String {
    format!("{ANSWER_DRAFTS}{to}")
}

/// What was kept under a name, or nothing.
fn draft(records: &dyn Records, name: &str) -> Result<String, Fault> {
    let draft = view::draft(records, name)?;
    Ok(draft.map(|text| text.to_string()).unwrap_or_default())
}

/// Where a list goes on.
pub(super) fn after(query: &Form) -> Result<Option<Vec<u8>>, Problem> {
    match query.get("after") {
        "" => Ok(None),
        key => match place(key) {
            Some(place) => Ok(Some(place)),
            None => Err(Problem::Form("this is no place in the list".into())),
        },
    }
}

/// A product as a form names it: shop and listing, with a slash between them.
fn product(text: &str) -> Option<Product> {
    let (shop, listing) = text.split_once('/')?;
    Some(Product {
        shop: shop.parse().ok()?,
        listing: listing.parse::<ListingId>().ok()?,
    })
}

#[derive(Template)]
#[template(path = "html/post.html")]
struct PostScreen<'a> {
    page: &'a Page,
    post: Told,
    answers: Vec<Told>,
    answered: Option<EntryView>,
    /// The draft of an answer.
    draft: String,
}

/// `GET /posts/{id}`
pub(super) async fn post(page: Page) -> Result<Response, Problem> {
    let (me, id): (_, EnvelopeId) = (page.me, parse(page.place("id"))?);
    let found = page
        .app
        .read(move |records| {
            let Some(found) = view::post(records, &me, &id)? else {
                return Ok(None);
            };
            let answered = match &found.entry.said {
                SaidView::Post {
                    reply_to: Some(to), ..
                } => view::post(records, &me, to)?.map(|post| post.entry),
                _ => None,
            };
            let mut answers = Vec::with_capacity(found.answers.len());
            for answer in found.answers {
                answers.push(Told::of(records, &me, answer)?);
            }
            let draft = draft(records, &answer_draft(&id))?;
            Ok(Some((
                Told::of(records, &me, found.entry)?,
                answers,
                answered,
                draft,
            )))
        })
        .await?;
    let (post, answers, answered, draft) = found.ok_or_else(|| Problem::NotFound {
        message: format!("no post {id} is held here"),
        next: "It may arrive later; go back to the feed.",
    })?;
    page.show(&PostScreen {
        page: &page,
        post,
        answers,
        answered,
        draft,
    })
}

/// Forms of the feed and of posts.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "post" if form.ticked("keep") => {
            keep_draft(page, DRAFT.into(), form.get("text").into()).await?;
            Ok(Done::here("kept"))
        }
        "post" => {
            let tags = form.all("tag").filter_map(product).collect();
            say(page, something(form)?, tags, None, None).await?;
            forget_draft(page, DRAFT.into()).await;
            Ok(Done::to("/".into(), "posted"))
        }
        "reply" => {
            let to: EnvelopeId = form.parsed("key")?;
            say(page, something(form)?, Vec::new(), Some(to), None).await?;
            forget_draft(page, answer_draft(&to)).await;
            Ok(Done::to(format!("/posts/{to}"), "replied"))
        }
        "reshare" => {
            let of: EnvelopeId = form.parsed("key")?;
            say(page, form.text("text").to_owned(), Vec::new(), None, Some(of)).await?;
            Ok(Done::here("reshared"))
        }
        "react" => {
            let to: EnvelopeId = form.parsed("key")?;
            page.carry_out(Command::React {
                to,
                emoji: form.get("emoji").into(),
            })
            .await?;
            Ok(Done {
                to: Some(format!("{}#post-{to}", page_of(form))),
                word: "",
                cookie: None,
            })
        }
        other => Err(unknown(other)),
    }
}

/// What was typed, if it was anything.
fn something(form: &Form) -> Result<String, Problem> {
    match form.text("text") {
        "" => Err(Problem::Field("there is nothing to say yet".into())),
        text => Ok(text.to_owned()),
    }
}

async fn say(
    page: &Page,
    text: String,
    tags: Vec<Product>,
    reply_to: Option<EnvelopeId>,
    reshare: Option<EnvelopeId>,
) -> Result<(), Problem> {
    let command = Command::Post {
        text,
        tags,
        reply_to,
        reshare,
    };
    page.carry_out(command).await.map(drop)
}

/// Removes the draft of what was said. One that stays is no reason to say it twice.
async fn forget_draft(page: &Page, name: String) {
    if let Err(problem) = keep_draft(page, name, String::new()).await {
        tracing::warn!(%problem, "a draft was not removed");
    }
}

/// Keeps a draft; no text removes it.
async fn keep_draft(page: &Page, name: String, text: String) -> Result<(), Problem> {
    page.carry_out(Command::SaveDraft { name, text }).await.map(drop)
}

/// The screen that a form stands on.
fn page_of(form: &Form) -> &str {
    super::done::local(form.get("back")).unwrap_or("/")
}
