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
use souk_protocol::id::{ListingId, OrderId};
use souk_protocol::money::Amount;
use souk_protocol::order::{Role, State};
use souk_protocol::settlement::Rail;
use souk_protocol::view::{self, AddressView, InstructionView, OrderView, TabView};

/// Orders on one page.
const ORDERS: usize = 30;
/// Orders that wait for the owner and stand above the others.
const WAITING: usize = 20;
/// Tabs that are looked through for the one with the merchant.
const TABS: usize = 200;
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
    let (waiting, orders) = page
        .app
        .read(move |records| {
            let waiting = if first {
                view::orders_to_act_on(records, &me, now, WAITING)?
            } else {
                Vec::new()
            };
            Ok((waiting, view::orders(records, &me, now, after, ORDERS)?))
        })
        .await?;
    let is_open = |order: &OrderView| waiting.iter().any(|other| other.order == order.order);
    let rest = orders.items.into_iter().filter(|order| !is_open(order)).collect();
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
    reviewed: bool,
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
        self.order
            .deadline
            .as_ref()
            .map(|deadline| self.page.until(&deadline.at.0))
            .unwrap_or_default()
    }
    /// Whether the time for the next step runs out soon.
    fn expires(&self) -> Option<String> {
        let at = self.order.expires.filter(|_| self.order.state == State::Quoted)?;
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
        !self.has_ended() && self.order.next.iter().all(|next| *next == "cancel_order") && !self.seen.is_now()
    }
    fn seen_text(&self) -> String {
        match &self.seen {
            Seen::Then(at) => self.page.t1("other-seen", "ago", self.page.ago(at)),
            Seen::Now | Seen::Never => String::new(),
        }
    }
    fn has_ended(&self) -> bool {
        matches!(
            self.order.state,
            State::Completed | State::Declined | State::Cancelled | State::Lapsed
        )
    }
    fn can_review(&self) -> bool {
        self.buys() && self.order.receipt.is_some() && !self.reviewed
    }
    fn listings(&self) -> Vec<(ListingId, String)> {
        let mut listings: Vec<(ListingId, String)> = Vec::new();
        for line in &self.order.lines {
            if !listings.iter().any(|(id, _)| *id == line.listing) {
                listings.push((line.listing, line.title.to_string()));
            }
        }
        listings
    }
    /// Lines of the address that was typed, or of the first one that is kept.
    fn address_lines(&self) -> String {
        let kept = self.page.kept("orders.place", "", "address");
        kept.unwrap_or_else(|| self.addresses.first().map(lines).unwrap_or_default())
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
    let (merchant, buys) = (order.merchant, order.you == Role::Buyer);
    let bought: Vec<_> = order
        .lines
        .iter()
        .map(|line| (line.listing, line.variant))
        .collect();
    let (addresses, tab, merchant_name, reviewed, sent) = page
        .app
        .read(move |records| {
            let other = if buys { merchant } else { me };
            let tabs = view::tabs(records, &me, None, TABS)?.items;
            let (mut reviewed, mut sent) = (false, false);
            for (listing, variant) in &bought {
                let held = view::listing(records, &me, &merchant, listing)?;
                let held = held
                    .as_ref()
                    .and_then(|held| held.variants.iter().find(|one| one.variant == *variant));
                // What is not known here any more may well be a parcel.
                sent |= held.is_none_or(|variant| variant.requires_shipping);
                let reviews = view::reviews(records, &merchant, listing, TABS)?.items;
                reviewed |= reviews.iter().any(|review| review.author == me);
            }
            Ok((
                view::addresses(records, None, ADDRESSES)?.items,
                tabs.into_iter().find(|tab| tab.with == other),
                souk_protocol::feed::name(records, &merchant)?,
                reviewed,
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
        reviewed,
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
            let address: Vec<String> = form
                .get("address")
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect();
            let kept = form.text("keep").to_owned();
            if !kept.is_empty() && !address.is_empty() {
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

/// Puts what an order was about back into the bag.
async fn again(page: &Page, order: OrderId) -> Result<Done, Problem> {
    let (me, now) = (page.me, page.app.node.now());
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
