//! Orders: where each stands, what to do next, what silence leads to, what happened, and the receipt.

use super::super::app::parse;
use super::super::problem::Problem;
use super::bags;
use super::done::{Done, unknown};
use super::form::Form;
use super::market::Seen;
use super::page::Page;
use super::qr;
use super::talk::after;
use askama::Template;
use axum::response::Response;
use souk_protocol::api::{Command, Reply};
use souk_protocol::id::{ListingId, OrderId, TabId};
use souk_protocol::money::Amount;
use souk_protocol::order::{Role, State};
use souk_protocol::settlement::Rail;
use souk_protocol::view::{self, AddressView, InstructionView, OrderView, TabView};

/// Orders on one page.
const ORDERS: usize = 30;
/// Orders that wait for the owner and stand above the others.
const WAITING: usize = 200;
/// Addresses to choose from.
const ADDRESSES: usize = 20;

#[derive(Template)]
#[template(path = "html/orders.html")]
struct OrdersScreen<'a> {
    page: &'a Page,
    waiting: Vec<OrderView>,
    orders: Vec<OrderView>,
    next: Option<String>,
}

/// `GET /orders`
pub(super) async fn all(page: Page) -> Result<Response, Problem> {
    let (me, now, after) = (page.me, page.app.node.now(), after(&page.query)?);
    let first = after.is_none();
    let (mut waiting, orders) = page
        .app
        .read(move |records| {
            let waiting = view::orders_to_act_on(records, &me, now, None)?;
            Ok((waiting, view::orders(records, &me, now, after, ORDERS)?))
        })
        .await?;
    waiting.truncate(WAITING);
    let is_above = |order: &OrderView| waiting.iter().any(|other| other.order == order.order);
    let rest = orders
        .items
        .into_iter()
        .filter(|order| !is_above(order))
        .collect();
    // What waits stands on the first page, and on no other.
    waiting.truncate(if first { WAITING } else { 0 });
    page.show(&OrdersScreen {
        page: &page,
        orders: rest,
        next: orders.next,
        waiting,
    })
}

#[derive(Template)]
#[template(path = "html/order.html")]
struct OrderScreen<'a> {
    page: &'a Page,
    order: OrderView,
    addresses: Vec<AddressView>,
    tab: Option<TabView>,
    transfer: Option<String>,
    /// What was bought and is not reviewed yet.
    unreviewed: Vec<ListingId>,
    /// Whether something of it is sent, so that an address is needed.
    sent: bool,
    /// When the other side was last heard of.
    seen: Seen,
}

/// Steps of an order that goes well, as the bar above it shows them.
fn good_way() -> impl Iterator<Item = State> {
    State::ALL
        .into_iter()
        .take_while(|state| *state <= State::Completed)
}

impl OrderScreen<'_> {
    fn can(&self, command: &str) -> bool {
        self.order.next.contains(&command)
    }
    fn buys(&self) -> bool {
        self.order.you == Role::Buyer
    }
    /// How far it has come, of [`good_way`]; none if it ended otherwise.
    fn step(&self) -> Option<usize> {
        good_way().position(|state| state == self.order.state)
    }
    /// Whether each step was taken.
    fn steps(&self) -> Vec<bool> {
        let done = self.step().unwrap_or(0);
        good_way().enumerate().map(|(at, _)| at <= done).collect()
    }
    /// Which step of how many it is, in words.
    fn step_of(&self) -> String {
        let step = self.step().unwrap_or(0) + 1;
        self.page.t2("step-of", "step", step, "count", good_way().count())
    }
    /// What the state means for this side, in a sentence.
    fn means(&self) -> String {
        let side = if self.buys() { "buyer" } else { "merchant" };
        let state = self.order.state.name();
        match (self.order.state, self.order.rail) {
            _ if self.is_expired() => self.page.t(&format!("means-expired-{side}")),
            (State::Accepted, Some(Rail::Manual)) => self.page.t(&format!("means-accepted-manual-{side}")),
            _ => self.page.t(&format!("means-{state}-{side}")),
        }
    }
    fn state_name(&self, state: &State) -> String {
        self.page.t(&format!("state-{}", state.name()))
    }
    fn act_name(&self, act: &str) -> String {
        self.page.t(&format!("act-{act}"))
    }
    fn who(&self, role: &Role) -> String {
        let key = match (*role == self.order.you, role) {
            (true, _) => "by-you",
            (_, Role::Buyer) => "by-buyer",
            (_, Role::Merchant) => "by-merchant",
        };
        self.page.t(key)
    }
    /// What silence leads to, in a sentence.
    fn silence(&self) -> Option<String> {
        let deadline = self.order.deadline.as_ref()?;
        let who = match deadline.who == self.order.you {
            true => "silence-you",
            false => "silence-they",
        };
        let page = self.page;
        let state = self.state_name(&deadline.then);
        Some(page.t2(who, "when", page.date_time(&deadline.at.0), "state", state))
    }
    /// For how long it waits, in words.
    fn deadline(&self) -> String {
        match &self.order.deadline {
            Some(deadline) if deadline.at.0 > self.page.now => {
                let until = self.page.until(&deadline.at.0);
                format!("{} {until}", self.page.t("waiting-until"))
            }
            _ => self.page.t("waiting-over"),
        }
    }
    /// Whether the price held until a moment that is over, and nobody ordered.
    fn is_expired(&self) -> bool {
        let over = |expires: souk_protocol::time::Timestamp| expires.0 <= self.page.now;
        self.order.state == State::Quoted && self.order.expires.is_some_and(over)
    }
    /// Whether the buyer is to be told how to pay: afterwards it would ask for the payment once more.
    fn is_to_be_paid(&self) -> bool {
        self.order.state == State::Accepted
    }
    /// Whether this way to pay is chosen: the one of a form that was refused, else the tab if it is enough.
    fn is_chosen(&self, rail: &str) -> bool {
        let first = if self.tab_is_enough() { "tab" } else { "manual" };
        self.page.kept_or("orders.place", "", "rail", first) == rail
    }
    /// Whether a delivery address is chosen: the one of a form that was refused, else the first one.
    fn is_sent_to(&self, name: &str) -> bool {
        let first = self.addresses.first().map_or("", |address| address.name.as_str());
        self.page.kept_or("orders.place", "", "where", first) == name
    }
    /// Whether the time for the next step runs out soon.
    fn expires(&self) -> Option<String> {
        let quoted = self.order.state == State::Quoted && !self.is_expired();
        let at = self.order.expires.filter(|_| quoted)?;
        Some(self.page.t1("quote-holds", "when", self.page.until(&at.0)))
    }
    fn takes(&self, rail: Rail) -> bool {
        self.order.rails.contains(&rail)
    }
    /// Whether the tab has room for it.
    fn tab_is_enough(&self) -> bool {
        let room = self.tab.as_ref().map(|tab| (tab.room_minor, tab.currency));
        room.zip(self.order.total)
            .is_some_and(|((room, currency), total)| currency == total.currency && room >= total.minor)
    }
    fn room(&self) -> String {
        let tab = self.tab.as_ref();
        let room = tab.and_then(|tab| Amount::new(tab.room_minor.max(0), tab.currency).ok());
        room.map(|room| self.page.money(&room)).unwrap_or_default()
    }
    /// Whether it goes on only when the other side is there again.
    fn waits_for_them(&self) -> bool {
        !self.has_ended() && !self.is_expired() && !self.order.waits_for_you() && !self.seen.is_now()
    }
    fn seen_text(&self) -> String {
        match &self.seen {
            Seen::Then(at) => self.page.t1("other-seen", "ago", self.page.ago(at)),
            Seen::Now | Seen::Never => String::new(),
        }
    }
    fn has_ended(&self) -> bool {
        self.order.state.is_over()
    }
    fn can_review(&self) -> bool {
        self.buys() && self.order.receipt.is_some() && !self.unreviewed.is_empty()
    }
    /// What can be reviewed, each once, and how it was called.
    fn listings(&self) -> Vec<(ListingId, String)> {
        let named = |listing: &ListingId| {
            let line = self.order.lines.iter().find(|line| line.listing == *listing);
            (
                *listing,
                line.map(|line| line.title.to_string()).unwrap_or_default(),
            )
        };
        self.unreviewed.iter().map(named).collect()
    }
    /// What was chosen in a review that was refused.
    fn is_kept(&self, field: &str, value: &impl ToString) -> bool {
        self.page.kept("orders.review", "", field) == Some(value.to_string())
    }
    fn address_text(&self, address: &AddressView) -> String {
        lines(address)
    }
}

fn lines(address: &AddressView) -> String {
    let lines: Vec<&str> = address.address.lines.iter().map(|line| line.as_str()).collect();
    lines.join("\n")
}

async fn found(page: &Page) -> Result<OrderView, Problem> {
    let (me, now, id): (_, _, OrderId) = (page.me, page.app.node.now(), parse(page.place("order"))?);
    let order = page
        .app
        .read(move |records| view::order(records, &me, now, &id))
        .await?;
    order.ok_or_else(|| Problem::NotFound {
        message: format!("no order {id} is held here"),
        next: "See the list of orders.",
    })
}

/// `GET /orders/{order}`
pub(super) async fn order(page: Page) -> Result<Response, Problem> {
    let order = found(&page).await?;
    let me = page.me;
    let (merchant, buys, id, country) = (
        order.merchant,
        order.you == Role::Buyer,
        order.order,
        order.country,
    );
    let currency = order.total.map(|total| total.currency);
    let bought: Vec<_> = order
        .lines
        .iter()
        .map(|line| (line.listing, line.variant))
        .collect();
    let (addresses, tab, merchant_name, unreviewed, sent) = page
        .app
        .read(move |records| {
            let tab = currency.map(|currency| TabId::of(&me, &merchant, currency.code()));
            let (mut unreviewed, mut sent) = (Vec::new(), false);
            for (listing, variant) in &bought {
                let held = view::listing(records, &me, &merchant, listing)?;
                let held = held
                    .as_ref()
                    .and_then(|held| held.variants.iter().find(|one| one.variant == *variant));
                // What is not known here any more may well be a parcel.
                sent |= held.is_none_or(|variant| variant.requires_shipping);
                if buys
                    && !unreviewed.contains(listing)
                    && !view::is_reviewed(records, &me, &merchant, listing, &id)?
                {
                    unreviewed.push(*listing);
                }
            }
            // A parcel goes to the country that it was priced for.
            let mut addresses = view::addresses(records, None, ADDRESSES)?.items;
            addresses.retain(|address| address.address.country.as_str() == country.to_string());
            Ok((
                addresses,
                tab.filter(|_| buys)
                    .map(|tab| view::tab(records, &me, &tab))
                    .transpose()?
                    .flatten(),
                souk_protocol::feed::name(records, &merchant)?,
                unreviewed,
                sent,
            ))
        })
        .await?;
    let transfer = match (&order.instruction, order.total) {
        (Some(InstructionView::Manual { words, reference }), Some(total)) if buys => {
            let to = page.called(&merchant_name, &merchant);
            qr::account(words.as_str()).and_then(|iban| qr::transfer(&to, &iban, &total, reference.as_str()))
        }
        _ => None,
    };
    let transfer = transfer.and_then(|text| qr::code(&text));
    let seen = Seen::of(&page, if buys { merchant } else { order.buyer }).await?;
    page.show(&OrderScreen {
        page: &page,
        order,
        addresses,
        tab,
        transfer,
        unreviewed,
        sent,
        seen,
    })
}

#[derive(Template)]
#[template(path = "html/receipt.html")]
struct ReceiptScreen<'a> {
    page: &'a Page,
    order: OrderView,
}

/// `GET /orders/{order}/receipt`
pub(super) async fn receipt(page: Page) -> Result<Response, Problem> {
    let order = found(&page).await?;
    if order.receipt.is_none() {
        return Err(Problem::NotFound {
            message: format!("{} has no receipt yet", order.order),
            next: "The merchant signs it once the payment has arrived.",
        });
    }
    page.show(&ReceiptScreen { page: &page, order })
}

/// Forms of orders.
pub(super) async fn act(page: &Page, name: &str, form: &Form) -> Result<Done, Problem> {
    let order: OrderId = form.parsed("order")?;
    let (command, word) = match name {
        "place" => {
            let chosen = form.get("where").to_owned();
            let address = match chosen.is_empty() {
                true => form.lines("address"),
                false => address_called(page, chosen.clone()).await?,
            };
            if form.ticked("sent") && address.is_empty() {
                return Err(Problem::Field("this is sent to you: say where to".into()));
            }
            let kept = form.text("keep").to_owned();
            if chosen.is_empty() && !kept.is_empty() && !address.is_empty() {
                let country = form.text("country").to_owned();
                let command = Command::SaveAddress {
                    name: kept,
                    lines: address.clone(),
                    country,
                };
                page.carry_out(command).await?;
            }
            (
                Command::PlaceOrder {
                    order,
                    address,
                    rail: form.text("rail").to_owned(),
                },
                "placed",
            )
        }
        "accept" => (Command::AcceptOrder { order }, "accepted"),
        "decline" => (
            Command::DeclineOrder {
                order,
                reason: form.text("reason").to_owned(),
            },
            "declined",
        ),
        "cancel" => (Command::CancelOrder { order }, "cancelled"),
        "pay" => (
            Command::PayOrder {
                order,
                reference: form.text("reference").to_owned(),
            },
            "paid",
        ),
        "arrived" => (Command::PaymentArrived { order }, "arrived"),
        "ship" => {
            let (carrier, tracking) = (form.text("carrier").to_owned(), form.text("tracking").to_owned());
            (
                Command::ShipOrder {
                    order,
                    carrier,
                    tracking,
                },
                "shipped",
            )
        }
        "complete" => (Command::CompleteOrder { order }, "completed"),
        "lapse" => (Command::LapseOrder { order }, "lapsed"),
        "review" => {
            let listing = form.maybe::<ListingId>("listing")?;
            let rating = form.parsed::<u8>("rating")?;
            (
                Command::Review {
                    order,
                    listing,
                    rating,
                    text: form.text("text").to_owned(),
                },
                "reviewed",
            )
        }
        "again" => return again(page, order).await,
        other => return Err(unknown(other)),
    };
    match page.carry_out(command).await? {
        Reply::Order { .. } | Reply::Said { .. } | Reply::Done => {
            Ok(Done::to(format!("/orders/{order}"), word))
        }
        other => Err(Problem::Fault(format!(
            "a step of an order was answered with {other:?}"
        ))),
    }
}

/// The lines of an address that the owner keeps.
async fn address_called(page: &Page, name: String) -> Result<Vec<String>, Problem> {
    let addresses = page
        .app
        .read(|records| view::addresses(records, None, ADDRESSES))
        .await?;
    let found = addresses
        .items
        .iter()
        .find(|address| address.name.as_str() == name);
    let lines = |address: &AddressView| {
        let lines = address.address.lines.iter().map(|line| line.as_str().trim());
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    found
        .map(lines)
        .ok_or_else(|| Problem::Field(format!("no address '{name}' is kept here any more")))
}

/// Puts what an order was about back into the bag.
async fn again(page: &Page, order: OrderId) -> Result<Done, Problem> {
    let (me, now) = (page.me, page.app.node.now());
    let _turn = page.app.bags.lock().await;
    let bag = page
        .app
        .read(move |records| {
            let Some(order) = view::order(records, &me, now, &order)? else {
                return Ok(None);
            };
            let mut bag = bags::of(records, &order.merchant)?;
            for line in &order.lines {
                bag.add(line.listing, Some(line.variant), line.units);
            }
            Ok(Some(bag))
        })
        .await?;
    if let Some(bag) = bag {
        page.carry_out(bag.kept()).await?;
    }
    Ok(Done::to("/bag".into(), "bagged"))
}
