//! What others can see of the owner, and what stays on this node.

use super::super::super::problem::Problem;
use super::super::bags;
use super::super::page::Page;
use askama::Template;
use axum::response::Response;
use souk_protocol::body::Kind;
use souk_protocol::id::AuthorId;
use souk_protocol::limits::FOLLOWS_MAX;
use souk_protocol::market;
use souk_protocol::records::{Fault, Range, Records, Tree};
use souk_protocol::view::{self, FollowView};

/// What was said in public that is looked through for the owner's own.
const SAID_READ: usize = 20_000;
/// Public follows that are named.
const NAMED: usize = 24;
/// Private rows that are counted.
const ROWS_READ: usize = 1_000;

/// How often the owner said what in public.
#[derive(Default)]
struct Said {
    posts: usize,
    vouches: usize,
    reviews: usize,
    /// Whether there was more than was looked through.
    more: bool,
}

#[derive(Template)]
#[template(path = "html/settings-privacy.html")]
struct PrivacyScreen<'a> {
    page: &'a Page,
    about: String,
    public: Vec<FollowView>,
    private: usize,
    said: Said,
    /// How many listings of the shop are for sale, if there is one.
    shop: Option<usize>,
    addresses: usize,
    drafts: usize,
}

impl PrivacyScreen<'_> {
    fn named(&self) -> &[FollowView] {
        self.public.get(..NAMED).unwrap_or(&self.public)
    }
    fn unnamed(&self) -> usize {
        self.public.len().saturating_sub(NAMED)
    }
}

/// `GET /settings/privacy`
pub(super) async fn privacy(page: Page) -> Result<Response, Problem> {
    let me = page.me;
    let (about, follows, said, has_shop, addresses, drafts) = page
        .app
        .read(move |records| {
            let about = view::profile(records, &me, &me)?.map(|profile| profile.about.to_string());
            // Drafts of the page's own are bags and what it remembers of the owner's first steps.
            let drafts = view::drafts(records, None, ROWS_READ)?.items;
            let written = drafts
                .iter()
                .filter(|draft| !draft.name.starts_with(bags::PREFIX) && !draft.name.starts_with("page/"));
            Ok((
                about.unwrap_or_default(),
                view::follows(records, None, FOLLOWS_MAX)?.items,
                said(records, &me)?,
                market::terms(records, &me)?.is_some(),
                view::addresses(records, None, ROWS_READ)?.items.len(),
                written.count(),
            ))
        })
        .await?;
    let shop = match has_shop {
        true => Some(page.app.for_sale(me).await?),
        false => None,
    };
    let (public, private): (Vec<_>, Vec<_>) = follows.into_iter().partition(|follow| follow.public);
    page.show(&PrivacyScreen {
        page: &page,
        about,
        public,
        private: private.len(),
        said,
        shop,
        addresses,
        drafts,
    })
}

fn said(records: &dyn Records, me: &AuthorId) -> Result<Said, Fault> {
    let rows = records.scan(Tree::Timeline, &Range::of([], SAID_READ).down())?;
    let mut said = Said {
        more: rows.len() == SAID_READ,
        ..Said::default()
    };
    for (_, value) in rows {
        // A kind and its author.
        match value.split_first() {
            Some((kind, author)) if author == me.as_bytes() => match *kind {
                kind if kind == Kind::Post as u8 => said.posts += 1,
                kind if kind == Kind::Vouch as u8 => said.vouches += 1,
                kind if kind == Kind::Review as u8 => said.reviews += 1,
                _ => {}
            },
            _ => {}
        }
    }
    Ok(said)
}
