//! The first steps: a name, the recovery words, people to follow. Nothing here has to be done at once;
//! what is left open shows itself in the settings.

use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::Page;
use super::super::qr;
use super::recovery::Recovery;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::Command;
use souk_protocol::feed;
use souk_protocol::id::AuthorId;
use souk_protocol::records::{Fault, Records, Tree};
use souk_protocol::text::Name;
use souk_protocol::view;
use std::collections::BTreeSet;

/// The draft that says that the owner has been through this.
const WELCOMED: &str = "page/welcomed";

/// Whether the owner has neither a name nor said that they want none: then a browser that is let in
/// begins here.
pub(in super::super) fn is_new(records: &dyn Records, me: &AuthorId) -> Result<bool, Fault> {
    let welcomed = records.get(Tree::Drafts, WELCOMED.as_bytes())?.is_some();
    Ok(!welcomed && feed::name(records, me)?.is_none())
}

/// Somebody who is connected and not followed yet.
struct Near {
    author: AuthorId,
    name: Option<Name>,
}

#[derive(Template)]
#[template(path = "html/welcome.html")]
struct WelcomeScreen<'a> {
    page: &'a Page,
    my_name: String,
    recovery: Recovery,
    code: Option<String>,
    near: Vec<Near>,
    follows: usize,
}

/// `GET /welcome`
pub(super) async fn welcome(page: Page) -> Result<Response, Problem> {
    let recovery = Recovery::of(&page).await?;
    show(&page, recovery).await
}

/// `POST /welcome/words`: the same with the words.
pub(super) async fn show_words(page: Page, _: Form) -> Result<Response, Problem> {
    let recovery = Recovery::shown(&page).await?;
    show(&page, recovery).await
}

async fn show(page: &Page, recovery: Recovery) -> Result<Response, Problem> {
    let me = page.me;
    let status = page.app.node.status().await;
    let there: BTreeSet<AuthorId> = status.peers.iter().filter_map(|peer| peer.author).collect();
    let (near, follows) = page
        .app
        .read(move |records| {
            let mut near = Vec::new();
            for author in there.into_iter().filter(|author| *author != me) {
                if !view::reads(records, &author)? {
                    let name = feed::name(records, &author)?;
                    near.push(Near { author, name });
                }
            }
            Ok((near, view::follows_count(records)?))
        })
        .await?;
    page.show(&WelcomeScreen {
        page,
        my_name: page.my_name.as_ref().map(ToString::to_string).unwrap_or_default(),
        recovery,
        code: qr::code(&me.to_string()),
        near,
        follows,
    })
}

/// Whom a pasted text names: an id as such or within a link, or an address to ask who is there.
fn named(text: &str) -> Option<AuthorId> {
    let text = text.to_lowercase();
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .find_map(|word| word.parse().ok())
}

fn address(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.starts_with('/') && word.contains("/p2p/"))
}

/// Follows whoever a pasted text names, after dialling the address in it if there is one.
pub(super) async fn follow(page: &Page, form: &Form) -> Result<Done, Problem> {
    let text = form.text("who");
    let mut author = named(text);
    if let Some(address) = address(text) {
        let dialled = page.app.node.dial(address).await;
        let (_, there) = dialled.map_err(|error| Problem::Unreachable(error.to_string()))?;
        author = author.or(there);
    }
    let author = author.ok_or_else(|| Problem::Field("expected an id, a link or an address".into()))?;
    page.carry_out(Command::Follow {
        author,
        public: form.ticked("public"),
    })
    .await?;
    Ok(Done::here("following"))
}

/// The owner goes on to the feed, with or without a name.
pub(super) async fn finish(page: &Page) -> Result<Done, Problem> {
    page.carry_out(Command::SaveDraft {
        name: WELCOMED.into(),
        text: "yes".into(),
    })
    .await?;
    Ok(Done::to("/".into(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_an_id_or_a_link() {
        let id = AuthorId::from_bytes([7; 32]);
        for text in [
            format!("{id}"),
            format!(" {id}\n"),
            format!("http://127.0.0.1:7001/people/{id}?x=1"),
            format!("<{id}>").to_uppercase(),
        ] {
            assert_eq!(named(&text), Some(id), "{text}");
        }
        for text in ["", "author-", "Moe", "device-aaaa"] {
            assert_eq!(named(text), None, "{text}");
        }
        let text = format!("{id} /ip4/192.0.2.1/udp/4000/quic-v1/p2p/12D3");
        assert_eq!(address(&text), Some("/ip4/192.0.2.1/udp/4000/quic-v1/p2p/12D3"));
        assert_eq!(address("/people/x /p2p"), None);
    }
}
