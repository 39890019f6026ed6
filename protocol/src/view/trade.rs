//! Orders and tabs: where they stand, what the owner can do next, and what happened.

use super::{Page, damaged};
use crate::envelope::Signed;
use crate::feed;
use crate::id::{AuthorId, EnvelopeId, ListingId, OrderId, TabId, VariantId};
use crate::identity::GrantCache;
use crate::money::{Amount, Currency};
use crate::order::{ActKind, Done, Order, Role, State};
use crate::peer::{read_order, read_tab, tab_parties};
use crate::quote::Quote;
use crate::records::{Fault, Range, Records, Tree};
use crate::room;
use crate::settlement::{Instruction, Rail};
use crate::shop::Country;
use crate::tab::{Change, Standing, Tab, TabAct, TabRefusal, TabState};
use crate::text::{Name, Prose};
use crate::time::Timestamp;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Agreed states of a tab that are shown, the newest.
const CHANGES_SHOWN_MAX: usize = 1_000;
/// Open orders that are looked at for those that wait for the owner.
const OPEN_READ_MAX: usize = 10_000;

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// The order.
    pub order: OrderId,
    /// Where it stands.
    pub state: State,
    /// Which side the owner is on.
    pub you: Role,
    /// Who buys.
    pub buyer: AuthorId,
    /// Who sells.
    pub merchant: AuthorId,
    /// How the other side wants to be called.
    pub name: Option<Name>,
    /// Whether the other side said two things under one number in public.
    pub equivocated: bool,
    /// When it was opened, in milliseconds since 1970, as the buyer says.
    pub opened: u64,
    /// What is wanted; with prices once they were quoted.
    pub lines: Vec<LineView>,
    /// Shipping, once quoted.
    pub shipping: Option<Amount>,
    /// What is to be paid, once quoted.
    pub total: Option<Amount>,
    /// Ways to pay that the merchant takes, once quoted.
    pub rails: Vec<Rail>,
    /// The chosen one.
    pub rail: Option<Rail>,
    /// Until when the quote holds.
    pub expires: Option<Timestamp>,
    /// Where to.
    pub country: Country,
    /// Lines of the delivery address.
    pub address: Vec<Name>,
    /// The buyer's word to the merchant.
    pub note: Prose,
    /// What silence leads to.
    pub deadline: Option<DeadlineView>,
    /// Commands that the owner can give now, by their names.
    pub next: Vec<&'static str>,
    /// What happened.
    pub history: Vec<ActView>,
    /// The merchant's receipt.
    pub receipt: Option<ReceiptView>,
    /// How the goods can be followed.
    pub tracking: Option<TrackingView>,
    /// How to pay.
    pub instruction: Option<InstructionView>,
    /// Why the merchant declined.
    pub reason: Option<Prose>,
    /// Whether the merchant owes the payment back.
    pub refund_due: bool,
}

impl OrderView {
    /// Whether there is something for the owner to do. To take it back or to turn it down is nothing that waits.
    pub fn waits_for_you(&self) -> bool {
        let only_ends = |next: &&str| matches!(*next, "cancel_order" | "decline_order");
        !self.next.iter().all(only_ends)
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// The listing.
    pub listing: ListingId,
    /// The variant.
    pub variant: VariantId,
    /// What the listing was called when it was quoted; empty before.
    pub title: Name,
    /// What the variant was called; empty before.
    pub label: Name,
    /// How many.
    pub units: u32,
    /// Price of one, once quoted.
    pub unit: Option<Amount>,
    /// Price of all, once quoted.
    pub total: Option<Amount>,
}

/// What silence leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadlineView {
    /// From when on.
    pub at: Timestamp,
    /// Who may end it then.
    pub who: Role,
    /// The state after that.
    pub then: State,
}

/// One message of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActView {
    /// Its envelope.
    pub id: EnvelopeId,
    /// When, in milliseconds since 1970, as its author says.
    pub time: u64,
    /// Who signed it.
    pub by: Role,
    /// What it did.
    pub act: &'static str,
}

/// The merchant's receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptView {
    /// Whether all its signatures are good.
    pub verified: bool,
    /// The public half of each listing.
    pub public: Vec<ReceiptedView>,
}

/// The public half of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptedView {
    /// For which listing.
    pub listing: ListingId,
    /// Whether its signature is good.
    pub verified: bool,
}

/// How goods can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackingView {
    /// Who carries them.
    pub carrier: Name,
    /// By which number.
    pub number: Name,
}

/// How to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "rail", rename_all = "snake_case")]
pub enum InstructionView {
    /// Upon this tab.
    Tab {
        /// The tab.
        tab: TabId,
    },
    /// Outside, by these words.
    Manual {
        /// What to do.
        words: Prose,
        /// What to name when paying.
        reference: Name,
    },
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TabView {
    /// The tab.
    pub tab: TabId,
    /// With whom.
    pub with: AuthorId,
    /// How they want to be called.
    pub name: Option<Name>,
    /// What all amounts are in.
    pub currency: Currency,
    /// What they owe the owner; negative: what the owner owes them.
    pub balance_minor: i64,
    /// What the owner owes them; never negative.
    pub you_owe_minor: i64,
    /// How much the owner lets them owe.
    pub limit_you_gave_minor: i64,
    /// How much they let the owner owe.
    pub limit_they_gave_minor: i64,
    /// What the owner can still promise to pay: how much more they may owe, less what is spoken for.
    pub room_minor: i64,
    /// Number of the last agreed state; 0 before the first.
    pub seq: u64,
    /// Its hash, hexadecimal.
    pub state: String,
    /// Whether a proposal waits for an answer.
    pub pending: bool,
    /// What the agreed states changed, oldest first. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<ChangeView>>,
}

/// What one agreed state changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// Its number.
    pub seq: u64,
    /// `limit`, `pay`, `refund`, `hold`, `capture` or `release`.
    pub change: &'static str,
    /// Who proposed it.
    pub by: AuthorId,
    /// Of how much; 0 where the amount was set aside before.
    pub amount_minor: i64,
    /// For which order.
    pub order: Option<OrderId>,
    /// When, in milliseconds since 1970, as its author says.
    pub time: u64,
}

/// A page of the owner's orders, newest first.
pub fn orders(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<OrderView>, Fault> {
    let rows = records.scan(Tree::Orders, &Range::of([], limit).down().beyond(after))?;
    let next = if rows.len() == limit {
        rows.last().map(|(place, _)| place.clone())
    } else {
        None
    };
    let mut items = Vec::with_capacity(rows.len());
    for (place, _) in &rows {
        items.extend(order(records, me, now, &order_at(place)?)?);
    }
    Ok(Page::new(items, next))
}

/// Open orders that wait for something that the owner does, newest first: those in which it buys, those in which it
/// sells, or all.
pub fn orders_to_act_on(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    you: Option<Role>,
) -> Result<Vec<OrderView>, Fault> {
    let mut found = Vec::new();
    for id in open_orders(records)? {
        let order = order(records, me, now, &id)?;
        found.extend(order.filter(|order| order.waits_for_you() && you.is_none_or(|you| order.you == you)));
    }
    found.sort_by_key(|order| Reverse((order.opened, order.order)));
    Ok(found)
}

/// Orders that are not settled: not over, or with money upon a tab that was not given back.
fn open_orders(records: &dyn Records) -> Result<Vec<OrderId>, Fault> {
    let rows = records.scan(Tree::Holds, &Range::of([], OPEN_READ_MAX))?;
    let ids = rows
        .iter()
        .map(|(key, _)| OrderId::from_slice(key).map_err(|error| damaged(Tree::Holds, key, error)));
    ids.collect()
}

/// The same, read.
fn read_open_orders(records: &dyn Records) -> Result<Vec<Order>, Fault> {
    let ids = open_orders(records)?;
    let read = ids.iter().map(|id| read_order(records, id));
    read.filter_map(Result::transpose).collect()
}

/// The order at a place in the list: the row's key ends with it.
fn order_at(place: &[u8]) -> Result<OrderId, Fault> {
    let id = place.last_chunk::<32>().copied().map(OrderId::from_bytes);
    id.ok_or_else(|| damaged(Tree::Orders, place, "its key is cut"))
}

/// An order, if it is held and the owner is a side of it.
pub fn order(
    records: &dyn Records,
    me: &AuthorId,
    now: Timestamp,
    id: &OrderId,
) -> Result<Option<OrderView>, Fault> {
    let Some(order) = read_order(records, id)? else {
        return Ok(None);
    };
    let Some(you) = order.role(me) else {
        return Ok(None);
    };
    let other = order.author(you.other());
    let quote = order.quote.as_ref().map(|(_, quote)| quote);
    let amount = |minor: i64, quote: &Quote| Amount {
        minor,
        currency: quote.currency,
    };
    Ok(Some(OrderView {
        order: *id,
        state: order.state,
        you,
        buyer: order.buyer,
        merchant: order.merchant,
        name: feed::name(records, &other)?,
        equivocated: records.has_equivocated(&other)?,
        opened: order.history.first().map_or(0, |done| done.time.wall_ms),
        lines: lines(&order),
        shipping: quote.map(|quote| amount(quote.shipping_minor, quote)),
        total: order.total(),
        rails: quote.map(|quote| quote.rails.to_vec()).unwrap_or_default(),
        rail: order.rail(),
        expires: quote.map(|quote| quote.expires),
        country: order.ask.country,
        address: order
            .place
            .as_ref()
            .map(|place| place.address.to_vec())
            .unwrap_or_default(),
        note: order.ask.note.clone(),
        deadline: deadline(&order),
        next: next(&order, you, now),
        history: order.history.iter().map(act).collect(),
        receipt: receipt(&order),
        tracking: order.fulfil.as_ref().map(|fulfil| TrackingView {
            carrier: fulfil.carrier.clone(),
            number: fulfil.tracking.clone(),
        }),
        instruction: order.instruction.as_ref().map(|how| instruction(&order.id, how)),
        reason: order.reason.clone().filter(|_| order.state == State::Declined),
        refund_due: order.refund_due,
    }))
}

fn deadline(order: &Order) -> Option<DeadlineView> {
    let ((_, at), row) = order.due().zip(order.lapse())?;
    Some(DeadlineView {
        at,
        who: row.role,
        then: row.next,
    })
}

fn lines(order: &Order) -> Vec<LineView> {
    let Some((_, quote)) = &order.quote else {
        let bare = order.ask.lines.iter().map(|line| LineView {
            listing: line.listing,
            variant: line.variant,
            title: Name::default(),
            label: Name::default(),
            units: line.units,
            unit: None,
            total: None,
        });
        return bare.collect();
    };
    let amount = |minor| {
        Some(Amount {
            minor,
            currency: quote.currency,
        })
    };
    let quoted = quote.lines.iter().map(|line| LineView {
        listing: line.listing,
        variant: line.variant,
        title: line.title.clone(),
        label: line.label.clone(),
        units: line.units,
        unit: amount(line.price_minor),
        total: amount(line.total_minor),
    });
    quoted.collect()
}

fn act(done: &Done) -> ActView {
    ActView {
        id: done.id,
        time: done.time.wall_ms,
        by: done.by,
        act: done.act.name(),
    }
}

/// How to pay. Where the merchant names no reference, the order itself is one.
fn instruction(order: &OrderId, instruction: &Instruction) -> InstructionView {
    match instruction.clone() {
        Instruction::Tab { tab } => InstructionView::Tab { tab },
        Instruction::Manual { text, account } => {
            let named = account.map(|account| account.reference);
            let named = named.filter(|reference| !reference.is_empty());
            let reference =
                named.map_or_else(|| order.to_string(), |reference| reference.as_str().to_owned());
            InstructionView::Manual {
                words: text,
                reference: Name::fitted(&reference),
            }
        }
    }
}

/// The commands that a side can give. What nodes do by themselves is none: they quote, and with a tab
/// they pay and sign the receipt.
fn next(order: &Order, you: Role, now: Timestamp) -> Vec<&'static str> {
    let by_hand = order.rail() == Some(Rail::Manual);
    let acts = order.open_to(you, now).into_iter().filter_map(|act| match act {
        ActKind::Place => Some("place_order"),
        ActKind::Accept => Some("accept_order"),
        ActKind::Decline => Some("decline_order"),
        ActKind::Cancel => Some("cancel_order"),
        ActKind::Pay if by_hand => Some("pay_order"),
        ActKind::Receipt if by_hand => Some("payment_arrived"),
        ActKind::Fulfil => Some("ship_order"),
        ActKind::Complete => Some("complete_order"),
        ActKind::Lapse => Some("lapse_order"),
        ActKind::Ask | ActKind::Quote | ActKind::Pay | ActKind::Receipt => None,
    });
    acts.collect()
}

fn receipt(order: &Order) -> Option<ReceiptView> {
    let mut grants = GrantCache::default();
    let public = order.receipt.as_ref()?.public.iter().map(|public| ReceiptedView {
        listing: public.listing,
        verified: public.verify(&mut grants).is_ok(),
    });
    let public: Vec<ReceiptedView> = public.collect();
    Some(ReceiptView {
        verified: public.iter().all(|public| public.verified),
        public,
    })
}

/// A page of the owner's tabs, by id.
pub fn tabs(
    records: &dyn Records,
    me: &AuthorId,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Page<TabView>, Fault> {
    let rows = records.scan(Tree::Tabs, &Range::of([], limit).beyond(after))?;
    let next = if rows.len() == limit {
        rows.last().map(|(key, _)| key.clone())
    } else {
        None
    };
    let mut items = Vec::with_capacity(rows.len());
    let open = match rows.is_empty() {
        true => Vec::new(),
        false => read_open_orders(records)?,
    };
    for (key, _) in &rows {
        let id = TabId::from_slice(key).map_err(|error| damaged(Tree::Tabs, key, error))?;
        let read = read_one(records, me, &id, &open)?;
        items.extend(read.map(|(_, view)| view));
    }
    Ok(Page::new(items, next))
}

/// A tab with its history, if it is held and the owner is a side of it.
pub fn tab(records: &dyn Records, me: &AuthorId, id: &TabId) -> Result<Option<TabView>, Fault> {
    let Some((tab, view)) = read_one(records, me, id, &read_open_orders(records)?)? else {
        return Ok(None);
    };
    let history = Some(history(records, &tab)?);
    Ok(Some(TabView { history, ..view }))
}

/// A tab without its history, given the open orders.
fn read_one(
    records: &dyn Records,
    me: &AuthorId,
    id: &TabId,
    open: &[Order],
) -> Result<Option<(Tab, TabView)>, Fault> {
    let Some(parties) = tab_parties(records, id)? else {
        return Ok(None);
    };
    let Ok(with) = parties.other(me) else {
        return Ok(None);
    };
    let currency = parties.currency();
    let tab = read_tab(records, me, &with, currency)?;
    let refused = |error: TabRefusal| damaged(Tree::Tabs, id.as_bytes(), error);
    let hash = tab
        .agreed
        .as_ref()
        .map(TabState::id)
        .transpose()
        .map_err(refused)?;
    let balance = tab.balance(&with).map_err(refused)?;
    let view = TabView {
        tab: *id,
        with,
        name: feed::name(records, &with)?,
        currency,
        balance_minor: -balance.minor,
        you_owe_minor: balance.minor.max(0),
        limit_you_gave_minor: tab.limit(me).map_err(refused)?.minor,
        limit_they_gave_minor: tab.limit(&with).map_err(refused)?.minor,
        room_minor: room::promisable(&tab, me, open).map_err(refused)?.minor,
        seq: tab.agreed.as_ref().map_or(0, |state| state.seq),
        state: hash
            .map(|hash| data_encoding::HEXLOWER.encode(hash.as_bytes()))
            .unwrap_or_default(),
        pending: tab.pending.is_some(),
        history: None,
    };
    Ok(Some((tab, view)))
}

/// What the newest agreed states changed, oldest first.
fn history(records: &dyn Records, tab: &Tab) -> Result<Vec<ChangeView>, Fault> {
    let agreed = tab
        .standing
        .iter()
        .filter(|(_, standing)| **standing == Standing::Agreed);
    let mut proposals = Vec::new();
    for (id, _) in agreed {
        proposals.extend(records.envelope(id)?);
    }
    let mut states: Vec<(&TabState, &Signed)> = proposals.iter().filter_map(proposed).collect();
    states.sort_by_key(|(state, _)| state.seq);
    // A hold is captured and released under the number of the state that set it aside.
    let holds: BTreeMap<u64, OrderId> = states.iter().filter_map(|(state, _)| hold(state)).collect();
    let newest = states.len().saturating_sub(CHANGES_SHOWN_MAX);
    let views = states
        .iter()
        .skip(newest)
        .map(|(state, envelope)| change(state, envelope, &holds));
    Ok(views.collect())
}

fn proposed(envelope: &Signed) -> Option<(&TabState, &Signed)> {
    match &envelope.tab_message()?.message.act {
        TabAct::Propose { state } => Some((state, envelope)),
        TabAct::Agree { .. } | TabAct::Refuse { .. } => None,
    }
}

fn hold(state: &TabState) -> Option<(u64, OrderId)> {
    match &state.change {
        Change::Hold { order, .. } => Some((state.seq, *order)),
        _ => None,
    }
}

fn change(state: &TabState, envelope: &Signed, holds: &BTreeMap<u64, OrderId>) -> ChangeView {
    let held = |hold: &u64| holds.get(hold).copied();
    let (change, order, amount_minor) = match &state.change {
        Change::SetLimit { limit_minor, .. } => ("limit", None, *limit_minor),
        Change::Pay {
            order, amount_minor, ..
        } => ("pay", Some(*order), *amount_minor),
        Change::Refund {
            order, amount_minor, ..
        } => ("refund", Some(*order), *amount_minor),
        Change::Hold {
            order, amount_minor, ..
        } => ("hold", Some(*order), *amount_minor),
        Change::Capture { hold } => ("capture", held(hold), 0),
        Change::Release { hold } => ("release", held(hold), 0),
    };
    ChangeView {
        seq: state.seq,
        change,
        by: envelope.author(),
        amount_minor,
        order,
        time: envelope.time().wall_ms,
    }
}
