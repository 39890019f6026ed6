//! What every screen needs to be drawn, and how a screen is answered: with its HTML, or with a page that
//! says in words what went wrong and what to do.

use super::super::app::App;
use super::super::command;
use super::super::problem::Problem;
use super::form::Form;
use super::notices::{self, Bell};
use super::preferences::{self, Look};
use super::words::{self, Lang, args};
use super::{assets, bags, icons, prose};
use crate::home::random;
use askama::Template;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use data_encoding::BASE64URL_NOPAD;
use fluent_bundle::FluentValue;
use souk_protocol::api::{Command, Reply};
use souk_protocol::feed;
use souk_protocol::id::AuthorId;
use souk_protocol::money::Amount;
use souk_protocol::order::State;
use souk_protocol::text::Name;
use souk_protocol::view::ListingView;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of an id that stand for it where there is no name.
const SHORT_ID_CHARS: usize = 16;
/// Random bytes that tell one form from the next.
const ONCE_BYTES: usize = 12;
/// Hues of pictures that are made from an id.
const HUES: u8 = 12;

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
    pub(super) me: AuthorId,
    pub(super) my_name: Option<Name>,
    pub(super) look: Look,
    /// Now, in milliseconds since 1970.
    pub(super) now: u64,
    /// The path of the screen.
    pub(super) path: String,
    /// What the path's query says.
    pub(super) query: Form,
    /// Notices that were not looked at.
    pub(super) unread: usize,
    /// Units in the bags.
    pub(super) bagged: u32,
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
        let bell = parts.extensions.get::<Arc<Bell>>().cloned().unwrap_or_default();
        let (my_name, unread, bagged) = app
            .read(move |records| {
                let name = feed::name(records, &me)?;
                Ok((name, bell.unread(records, &me, seen)?, bags::units(records)?))
            })
            .await?;
        Ok(Self {
            me,
            my_name,
            look,
            now: app.node.now().0,
            path: parts.uri.path().to_owned(),
            query: Form::parse(raw_query.as_bytes())?,
            unread,
            bagged,
            headers: parts.headers.clone(),
            places,
            raw_query,
            tried: parts.extensions.get::<Arc<Tried>>().cloned(),
            app: app.clone(),
        })
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
        };
        let html = screen
            .render()
            .map(Html)
            .map_err(|error| Problem::Fault(error.to_string()));
        (problem.status(), html).into_response()
    }

    /// A message.
    pub(super) fn t(&self, key: &str) -> String {
        words::message(self.look.lang, key, None)
    }
    /// A message with one value in it.
    pub(super) fn t1<'a>(&self, key: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        words::message(self.look.lang, key, Some(&args([(name, value.into())])))
    }
    /// A message with two values in it.
    pub(super) fn t2<'a>(
        &self,
        key: &str,
        name: &'a str,
        value: impl Into<FluentValue<'a>>,
        other: &'a str,
        other_value: impl Into<FluentValue<'a>>,
    ) -> String {
        let args = args([(name, value.into()), (other, other_value.into())]);
        words::message(self.look.lang, key, Some(&args))
    }

    pub(super) fn lang(&self) -> &'static str {
        self.look.lang.code()
    }
    pub(super) fn dir(&self) -> &'static str {
        self.look.lang.dir()
    }
    pub(super) fn theme(&self) -> &'static str {
        self.look.theme.name()
    }
    pub(super) fn languages(&self) -> [Lang; 3] {
        Lang::ALL
    }

    pub(super) fn money(&self, amount: &Amount) -> String {
        words::money(self.look.lang, amount)
    }
    pub(super) fn price(&self, listing: &ListingView) -> String {
        price(self.look.lang, listing)
    }
    /// The message that names what one vouches for.
    pub(super) fn category_key(&self, category: &str) -> String {
        format!("category-{category}")
    }
    /// The message that names a state of an order.
    pub(super) fn state_key(&self, state: &State) -> String {
        format!("state-{}", state.name())
    }
    /// Whether nothing of a listing can be had now.
    pub(super) fn is_sold_out(&self, listing: &ListingView) -> bool {
        !listing
            .variants
            .iter()
            .any(|variant| variant.price.is_some() && variant.available != Some(0))
    }
    /// A mean with one digit after the point.
    pub(super) fn tenth(&self, mean: &f64) -> String {
        let text = format!("{mean:.1}");
        if self.look.lang == Lang::De {
            text.replace('.', ",")
        } else {
            text
        }
    }
    pub(super) fn plain_amount(&self, amount: &Amount) -> String {
        words::plain_amount(amount)
    }
    pub(super) fn size(&self, bytes: &u64) -> String {
        words::size(self.look.lang, *bytes)
    }
    pub(super) fn ago(&self, ms: &u64) -> String {
        words::ago(self.look.lang, self.now, *ms)
    }
    pub(super) fn until(&self, ms: &u64) -> String {
        words::until(self.look.lang, self.now, *ms).unwrap_or_else(|| self.t("in-past"))
    }
    pub(super) fn date(&self, ms: &u64) -> String {
        words::date(self.look.lang, *ms)
    }
    pub(super) fn date_time(&self, ms: &u64) -> String {
        words::date_time(self.look.lang, *ms)
    }
    pub(super) fn rfc3339(&self, ms: &u64) -> String {
        words::rfc3339(*ms)
    }

    /// Somebody's name; the beginning of their id if they have none.
    pub(super) fn called(&self, name: &Option<Name>, id: &impl ToString) -> String {
        called(name.as_ref(), id)
    }
    pub(super) fn short(&self, id: &impl ToString) -> String {
        short(&id.to_string())
    }
    /// The owner's own name.
    pub(super) fn my_called(&self) -> String {
        called(self.my_name.as_ref(), &self.me)
    }
    pub(super) fn is_me(&self, author: &AuthorId) -> bool {
        *author == self.me
    }

    /// A small picture that is made from a name and an id: the same wherever they are shown, so that a
    /// stranger who takes a friend's name still looks like somebody else.
    pub(super) fn avatar(&self, name: &Option<Name>, id: &impl ToString) -> String {
        let letter = called(name.as_ref(), id)
            .chars()
            .next()
            .unwrap_or('?')
            .to_uppercase()
            .to_string();
        figure("avatar", &letter, &id.to_string())
    }
    /// The same for a thing.
    pub(super) fn tile(&self, title: &impl ToString, id: &impl ToString) -> String {
        let letter = title
            .to_string()
            .chars()
            .next()
            .unwrap_or('·')
            .to_uppercase()
            .to_string();
        figure("tile", &letter, &id.to_string())
    }
    pub(super) fn icon(&self, name: &str) -> String {
        icons::icon(name)
    }
    /// What somebody wrote, as elements.
    pub(super) fn prose(&self, text: &impl ToString) -> String {
        prose::html(&text.to_string())
    }

    /// The address of a file of the pages; it changes when the file does.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
    /// The hidden fields of every form: the proof that it comes from this page, and where to go back to.
    pub(super) fn sealed(&self, act: &str) -> String {
        let mut back = String::new();
        html_escape::encode_double_quoted_attribute_to_string(self.here(), &mut back);
        let (csrf, once) = (self.app.door.csrf(), once());
        format!(
            r#"<input type="hidden" name="csrf" value="{csrf}"><input type="hidden" name="back" value="{back}"><input type="hidden" name="once" value="{once}"><input type="hidden" name="do" value="{act}">"#,
        )
    }
    /// Carries out what a form asks for. The same form sent twice does it once.
    pub(super) async fn carry_out(&self, form: &Form, command: Command) -> Result<Reply, Problem> {
        match form.get("once") {
            "" => Ok(self.app.node.command(command).await?),
            key => command::once(&self.app, key, command).await,
        }
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

/// A name, or the beginning of an id.
pub(super) fn called(name: Option<&Name>, id: &impl ToString) -> String {
    match name {
        Some(name) if !name.is_empty() => name.as_str().to_owned(),
        _ => short(&id.to_string()),
    }
}

/// What a listing costs: the least that one of its variants does.
pub(super) fn price(lang: Lang, listing: &ListingView) -> String {
    let prices = listing.variants.iter().filter_map(|variant| variant.price);
    let (least, most) = (
        prices.clone().min_by_key(|price| price.minor),
        prices.max_by_key(|price| price.minor),
    );
    match (least, most) {
        (Some(least), Some(most)) if least != most => {
            let least = args([("price", words::money(lang, &least).into())]);
            words::message(lang, "price-from", Some(&least))
        }
        (Some(price), _) => words::money(lang, &price),
        (None, _) => words::message(lang, "no-price", None),
    }
}

fn short(id: &str) -> String {
    let head: String = id.chars().take(SHORT_ID_CHARS).collect();
    format!("{head}…")
}

/// A small picture with a letter, made from an id.
pub(super) fn figure(class: &str, letter: &str, id: &str) -> String {
    let [hue, pattern @ ..] = *blake3::hash(id.as_bytes()).as_bytes();
    let hue = hue % HUES;
    let mut shape = String::new();
    // A pattern of its own behind the letter: six rows of three places, mirrored.
    for (row, bits) in pattern.into_iter().take(6).enumerate() {
        for column in (0..3).filter(|column| bits >> column & 1 == 1) {
            for x in [column, 5 - column] {
                shape.push_str(&format!("M{} {}h8v8h-8z", x * 8, row * 8));
            }
        }
    }
    let mut shown = String::new();
    html_escape::encode_text_to_string(letter, &mut shown);
    format!(
        r#"<span class="{class} hue-{hue}" aria-hidden="true"><svg viewBox="0 0 48 48"><path d="{shape}"/></svg><b>{shown}</b></span>"#
    )
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
