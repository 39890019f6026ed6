//! Money: what people owe each other on tabs, how much they let each other owe, and what can be lost.

use super::super::app::parse;
use super::super::problem::Problem;
use super::done::{Done, unknown};
use super::form::Form;
use super::page::Page;
use super::talk::after;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, Reply};
use souk_protocol::feed;
use souk_protocol::id::{AuthorId, TabId};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::text::Name;
use souk_protocol::view::{self, TabView};
use std::collections::BTreeMap;

/// Tabs on one page.
const TABS: usize = 100;
/// Tabs that the sums are made of: all that a person has.
const TABS_SUMMED: usize = 10_000;
/// People to choose from for a new tab.
const PEOPLE: usize = 200;

#[derive(Template)]
#[template(path = "html/money.html")]
struct MoneyScreen<'a> {
    page: &'a Page,
    tabs: Vec<TabView>,
    next: Option<String>,
    totals: Vec<Totals>,
    /// People to choose from, and who is chosen.
    people: Vec<(AuthorId, Option<Name>)>,
    chosen: Option<AuthorId>,
}

/// All tabs of one currency.
struct Totals {
    owed: Amount,
    owing: Amount,
    at_risk: Amount,
}

fn amount(minor: i64, currency: Currency) -> Amount {
    Amount::new(minor, currency).unwrap_or(Amount::zero(currency))
}

impl MoneyScreen<'_> {
    fn amount(&self, minor: &i64, tab: &TabView) -> String {
        self.page.money(&amount(*minor, tab.currency))
    }
    fn owes(&self, tab: &TabView) -> bool {
        tab.balance_minor > 0
    }
    fn is_chosen(&self, one: &AuthorId) -> bool {
        self.chosen.as_ref() == Some(one)
    }
}

/// `GET /money`
pub(super) async fn tabs(page: Page) -> Result<Response, Problem> {
    let (me, after) = (page.me, after(&page.query)?);
    let asked = page.kept_or("money.grant", "", "to", page.query.text("to"));
    let chosen: Option<AuthorId> = asked.parse().ok().filter(|asked| *asked != me);
    let (found, all, people) = page
        .app
        .read(move |records| {
            let followed = view::follows(records, None, PEOPLE)?.items;
            let mut people: Vec<_> = followed.into_iter().map(|one| (one.author, one.name)).collect();
            // Whoever was asked for is among them, known or not: a list without them would choose somebody else.
            if let Some(chosen) = chosen.filter(|chosen| people.iter().all(|(one, _)| one != chosen)) {
                people.push((chosen, feed::name(records, &chosen)?));
            }
            Ok((
                view::tabs(records, &me, after, TABS)?,
                view::tabs(records, &me, None, TABS_SUMMED)?.items,
                people,
            ))
        })
        .await?;
    let mut sums: BTreeMap<Currency, (i64, i64, i64)> = BTreeMap::new();
    for tab in &all {
        let (owed, owing, at_risk) = sums.entry(tab.currency).or_default();
        *owed = owed.saturating_add(tab.balance_minor.max(0));
        *owing = owing.saturating_add(tab.you_owe_minor);
        // What they may still take on, and what they owe beyond a limit that was lowered since.
        *at_risk = at_risk.saturating_add(tab.limit_you_gave_minor.max(tab.balance_minor));
    }
    let totals = sums.into_iter().map(|(currency, (owed, owing, at_risk))| Totals {
        owed: amount(owed, currency),
        owing: amount(owing, currency),
        at_risk: amount(at_risk, currency),
    });
    page.show(&MoneyScreen {
        page: &page,
        totals: totals.collect(),
        tabs: found.items,
        next: found.next,
        people,
        chosen,
    })
}

#[derive(Template)]
#[template(path = "html/tab.html")]
struct TabScreen<'a> {
    page: &'a Page,
    tab: TabView,
}

impl TabScreen<'_> {
    fn amount(&self, minor: &i64) -> String {
        self.page.money(&amount(*minor, self.tab.currency))
    }
    fn limit(&self) -> String {
        self.page
            .plain_amount(&amount(self.tab.limit_you_gave_minor, self.tab.currency))
    }
    fn change(&self, change: &str) -> String {
        self.page.t(&format!("change-{change}"))
    }
    fn at_risk(&self) -> String {
        self.amount(&self.tab.limit_you_gave_minor.max(self.tab.balance_minor))
    }
}

/// `GET /money/{tab}`
pub(super) async fn tab(page: Page) -> Result<Response, Problem> {
    let (me, id): (_, TabId) = (page.me, parse(page.place("tab"))?);
    let tab = page.app.read(move |records| view::tab(records, &me, &id)).await?;
    let tab = tab.ok_or_else(|| Problem::NotFound {
        message: format!("no tab {id} is held here"),
        next: "See the list of tabs.",
    })?;
    page.show(&TabScreen { page: &page, tab })
}

/// Forms of tabs.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    match name {
        "grant" => {
            let to: AuthorId = form.parsed("to")?;
            let currency: Currency = form
                .text("currency")
                .to_uppercase()
                .parse()
                .map_err(|error| Problem::Field(format!("{error}")))?;
            let limit = Amount::parse(&form.text("limit").replace(',', "."), currency)
                .map_err(|error| Problem::Field(error.to_string()))?;
            let vouched = form.ticked("vouched");
            match page.carry_out(Command::GrantTab { to, limit, vouched }).await? {
                Reply::Tab { tab, .. } => Ok(Done::to(format!("/money/{tab}"), "granted")),
                other => Err(Problem::Fault(format!("a tab was answered with {other:?}"))),
            }
        }
        other => Err(unknown(other)),
    }
}
