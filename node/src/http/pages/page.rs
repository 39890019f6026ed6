//! What every screen needs to be drawn, and how a screen is answered: with its HTML, or with a page that
//! says in words what went wrong and what to do.

use super::super::app::App;
use super::super::door::Caller;
use super::super::problem::Problem;
use super::bags;
use super::form::Form;
use super::notices::{self, Bell};
use super::preferences::{self, Look};
use super::voice::{Voice, called};
use super::words::{self, Lang};
use crate::home::random;
use askama::Template;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use data_encoding::BASE64URL_NOPAD;
use souk_protocol::api::{Command, Reply};
use souk_protocol::feed;
use souk_protocol::id::AuthorId;
use souk_protocol::records::Tree;
use souk_protocol::text::Name;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The draft that says that three recovery words were confirmed.
pub(super) const WORDS_CONFIRMED: &str = "page/words-confirmed";
/// Random bytes that tell one form from the next.
const ONCE_BYTES: usize = 12;

/// A form that was refused, and why: the screen that it came from shows both again.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) form: Form,
    pub(super) problem: Problem,
}

/// One request for a screen.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) app: App,
    /// Who looks at it.
    pub(super) caller: Caller,
    pub(super) me: AuthorId,
    pub(super) my_name: Option<Name>,
    pub(super) look: Look,
    /// How it says things to this reader.
    pub(super) voice: Voice,
    /// The path of the screen.
    pub(super) path: String,
    /// What the path's query says.
    pub(super) query: Form,
    /// Notices that were not looked at.
    pub(super) unread: usize,
    /// Units in the bags.
    pub(super) bagged: u32,
    /// Whether the recovery words are kept here and it is not known yet that they were written down.
    pub(super) words_open: bool,
    /// Of the request.
    pub(super) headers: HeaderMap,
    places: BTreeMap<String, String>,
    raw_query: String,
    tried: Option<Arc<Tried>>,
}

impl FromRequestParts<App> for Page {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let places = RawPathParams::from_request_parts(parts, app).await;
        let places = places.map_err(|error| Problem::Form(error.to_string()))?;
        let places = places
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let look = Look::of(
            &parts.headers,
            app.door.cookie(&parts.headers, preferences::COOKIE).as_deref(),
        );
        let seen = notices::seen(app.door.cookie(&parts.headers, notices::COOKIE).as_deref());
        let me = app.node.author();
        let caller = parts.extensions.get().cloned().unwrap_or(Caller::Nobody);
        let bell = parts.extensions.get::<Arc<Bell>>().cloned().unwrap_or_default();
        let (my_name, unread, bagged, confirmed) = app
            .read(move |records| {
                let name = feed::name(records, &me)?;
                let confirmed = records.get(Tree::Drafts, WORDS_CONFIRMED.as_bytes())?.is_some();
                Ok((
                    name,
                    bell.unread(records, &me, seen)?,
                    bags::units(records)?,
                    confirmed,
                ))
            })
            .await?;
        Ok(Self {
            caller,
            me,
            my_name,
            look,
            voice: Voice {
                lang: look.lang,
                now: app.node.now().0,
            },
            path: parts.uri.path().to_owned(),
            query: Form::parse(raw_query.as_bytes())?,
            unread,
            bagged,
            words_open: app.owner.words.is_some() && !confirmed,
            headers: parts.headers.clone(),
            places,
            raw_query,
            tried: parts.extensions.get::<Arc<Tried>>().cloned(),
            app: app.clone(),
        })
    }
}

impl Deref for Page {
    type Target = Voice;
    fn deref(&self) -> &Voice {
        &self.voice
    }
}

impl Page {
    /// What a path's `{name}` says here.
    pub(super) fn place(&self, name: &str) -> &str {
        self.places.get(name).map_or("", String::as_str)
    }

    /// The screen as an answer. One that shows a refused form has the status of the refusal.
    pub(super) fn show(&self, screen: &impl Template) -> Result<Response, Problem> {
        let html = screen
            .render()
            .map_err(|error| Problem::Fault(error.to_string()))?;
        let status = self
            .tried
            .as_ref()
            .map_or(StatusCode::OK, |tried| tried.problem.status());
        Ok((status, Html(html)).into_response())
    }

    /// A page that says what went wrong.
    pub(super) fn trouble(&self, problem: &Problem) -> Response {
        let screen = TroubleScreen {
            page: self,
            title: self.t(&problem_key(problem)),
            detail: problem.to_string(),
            // What programs are told to read is nothing for people.
            next: match problem {
                Problem::NoPath(_) | Problem::Method(_) => String::new(),
                other => other.next().to_owned(),
            },
            may_pass: problem.status().is_server_error() && self.path != "/act",
        };
        let html = screen
            .render()
            .map(Html)
            .map_err(|error| Problem::Fault(error.to_string()));
        (problem.status(), html).into_response()
    }

    pub(super) fn theme(&self) -> &'static str {
        self.look.theme.name()
    }
    pub(super) fn languages(&self) -> [Lang; 3] {
        Lang::ALL
    }

    /// The owner's own name.
    pub(super) fn my_called(&self) -> String {
        called(self.my_name.as_ref(), &self.me)
    }
    pub(super) fn is_me(&self, author: &AuthorId) -> bool {
        *author == self.me
    }

    /// The hidden fields of every form: the proof that it comes from this page, and where to go back to.
    pub(super) fn sealed(&self, act: &str) -> String {
        let mut back = String::new();
        html_escape::encode_double_quoted_attribute_to_string(self.here(), &mut back);
        let (csrf, once) = (self.app.door.csrf(&self.caller), once());
        format!(
            r#"<input type="hidden" name="csrf" value="{csrf}"><input type="hidden" name="back" value="{back}"><input type="hidden" name="once" value="{once}"><input type="hidden" name="do" value="{act}">"#,
        )
    }
    /// Whether a form shows the proof that this reader's forms hold.
    pub(super) fn is_seal(&self, shown: &str) -> bool {
        self.app.door.is_csrf(&self.caller, shown)
    }
    /// Whether it is read on a paired phone: not all is done there.
    pub(super) fn on_phone(&self) -> bool {
        matches!(self.caller, Caller::Phone(_))
    }
    /// The header that has the reader's browser keep something.
    pub(super) fn keep_cookie(&self, name: &str, value: &str) -> String {
        let cookie = self.app.door.keep_cookie(name, value);
        match self.on_phone() {
            true => format!("{cookie}; Secure"),
            false => cookie,
        }
    }
    /// Carries out what a form asks for.
    pub(super) async fn carry_out(&self, command: Command) -> Result<Reply, Problem> {
        Ok(self.app.node.command(command).await?)
    }
    /// This screen's address, without the word about the last deed.
    pub(super) fn here(&self) -> String {
        let kept = self
            .raw_query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
        let kept = kept.collect::<Vec<_>>().join("&");
        match kept.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{kept}", self.path),
        }
    }
    /// Whether the screen is the one at this path, or below it.
    pub(super) fn at(&self, path: &str) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.path == path || (path != "/" && self.path.strip_prefix(path).is_some_and(below))
    }

    /// What was done just now, in words.
    pub(super) fn done(&self) -> Option<String> {
        let key = format!("done-{}", self.query.get("done"));
        (!self.query.get("done").is_empty() && words::has(&key)).then(|| self.t(&key))
    }
    /// Why the last form was refused: one sentence, and the details.
    pub(super) fn refused(&self) -> Option<(String, String)> {
        let tried = self.tried.as_ref()?;
        Some((self.t(&problem_key(&tried.problem)), tried.problem.to_string()))
    }
    /// What the reader had typed into a field of a form that was refused; `key` tells forms of one kind apart.
    pub(super) fn kept(&self, act: &str, key: &str, field: &str) -> Option<String> {
        let form = &self.tried.as_ref()?.form;
        (form.get("do") == act && form.get("key") == key).then(|| form.get(field).to_owned())
    }
    /// The same, or else what the field holds at first.
    pub(super) fn kept_or(
        &self,
        act: &str,
        key: &str,
        field: &str,
        first: &(impl ToString + ?Sized),
    ) -> String {
        self.kept(act, key, field).unwrap_or_else(|| first.to_string())
    }
}

#[derive(Template)]
#[template(path = "html/trouble.html")]
struct TroubleScreen<'a> {
    page: &'a Page,
    title: String,
    detail: String,
    next: String,
    /// Whether the same may go well in a moment.
    may_pass: bool,
}

impl TroubleScreen<'_> {
    /// The screen that leads here.
    fn above(&self) -> &'static str {
        match self.page.path.split('/').nth(1).unwrap_or_default() {
            "shops" | "explore" => "/explore",
            "orders" => "/orders",
            "money" => "/money",
            "people" => "/people",
            "shop" => "/shop",
            "settings" => "/settings",
            _ => "/",
        }
    }
}

fn problem_key(problem: &Problem) -> String {
    format!("problem-{}", problem.code().replace('_', "-"))
}

/// What tells one form from the next.
fn once() -> String {
    // Without random numbers the node would not have started; then every form counts as another.
    random::<ONCE_BYTES>()
        .map(|bytes| BASE64URL_NOPAD.encode(bytes.as_slice()))
        .unwrap_or_default()
}

/// A route that shows a screen.
pub(super) fn screen<F, Answered>(draw: F) -> MethodRouter<App>
where
    F: Fn(Page) -> Answered + Clone + Send + Sync + 'static,
    Answered: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    routing::get(move |page: Page| {
        let draw = draw.clone();
        async move {
            let drawn = draw(page.clone()).await;
            drawn.unwrap_or_else(|problem| page.trouble(&problem))
        }
    })
}

/// An answer that sends the browser on with GET.
pub(super) fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]).into_response()
}
