//! Tabs: granting credit, proposing what is due, and answering the other side's proposals.
//!
//! What this side owes a proposal for (a limit that its owner set, an accepted order to pay, a refund)
//! is derived each time from the folds and from what the owner wished. So a proposal that lost against
//! one of the other side, or was lost with a crash, is made again, and none is made twice.

use super::social::{Outcome, check};
use super::turn::Turn;
use super::{Peer, broken, invalid};
use crate::admission::Refusal;
use crate::api::{Code, Happening, Refused, Reply};
use crate::body::Body;
use crate::envelope::Signed;
use crate::id::{AuthorId, EnvelopeId, OrderId, TabId};
use crate::limits::{ACCEPTANCE_WAIT_MS, UNITS_AGAIN_MS};
use crate::money::{Amount, Currency};
use crate::order::{Order, Role, State};
use crate::records::{Fault, Range, Records, Tree};
use crate::room;
use crate::settlement::Rail;
use crate::tab::{Answer, Change, Ledger, Parties, Reason, Side, Tab, TabAct, TabMessage, TabState};
use std::sync::Arc;

/// Reads a tab from the records; empty if nothing was said about it.
pub fn read_tab(
    records: &dyn Records,
    one: &AuthorId,
    other: &AuthorId,
    currency: Currency,
) -> Result<Tab, Fault> {
    let parties = Parties::new(*one, *other, currency).map_err(broken)?;
    let envelopes = records.tab(&parties.tab())?;
    Tab::fold(parties, envelopes.iter().filter_map(Signed::tab_message)).map_err(broken)
}

/// The two sides and the currency of a tab of which something is held.
pub fn tab_parties(records: &dyn Records, tab: &TabId) -> Result<Option<Parties>, Fault> {
    let Some(row) = records.get(Tree::Tabs, tab.as_bytes())? else {
        return Ok(None);
    };
    let part = |from: usize, to: usize| row.get(from..to);
    let sides = part(0, 32).zip(part(32, 64)).zip(part(64, 67));
    let parties = sides.and_then(|((low, high), currency)| {
        let currency = std::str::from_utf8(currency).ok()?.parse().ok()?;
        let (low, high) = (AuthorId::from_slice(low).ok()?, AuthorId::from_slice(high).ok()?);
        Parties::new(low, high, currency).ok()
    });
    parties.map(Some).ok_or_else(|| Fault::Damaged {
        tree: Tree::Tabs.name(),
        key: tab.to_string(),
        reason: "it names no sides".into(),
    })
}

impl Peer {
    /// This node's tab with somebody.
    pub(super) fn tab_with(
        &self,
        turn: &Turn<'_>,
        other: &AuthorId,
        currency: Currency,
    ) -> Result<Arc<Ledger>, Fault> {
        let parties = Parties::new(self.author(), *other, currency).map_err(broken)?;
        turn.tab(parties)
    }

    pub(super) fn grant_tab(
        &mut self,
        turn: &mut Turn<'_>,
        to: AuthorId,
        limit: Amount,
        vouched: bool,
    ) -> Outcome {
        if to == self.author() {
            return Ok(Err(invalid("nobody grants credit to themselves")));
        }
        check!(self.may_act_with(&to));
        if !self.is_primary() {
            let message = format!("your device {} keeps your tabs", self.primary);
            let next = "Grant it there; 'souk device list' names your devices.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let limit = check!(Amount::new(limit.minor, limit.currency).map_err(invalid));
        if limit.minor < 0 {
            return Ok(Err(invalid("a limit is at least 0")));
        }
        let vouched_by = self.vouchers(turn, &to)?;
        if vouched && vouched_by.is_empty() {
            let message = format!("nobody whom you follow vouches for {to}");
            let next = "Ask a common friend to vouch for them, or grant the tab without '--vouched' at your own risk.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let tab = TabId::of(&self.author(), &to, limit.currency.code());
        turn.local(Tree::Me, &limit_key(&tab), Some(&limit.minor))?;
        self.propose_next(turn, &to, limit.currency)?;
        Ok(Ok(Reply::Tab { tab, vouched_by }))
    }

    /// Proposes whatever is due between this node and somebody, in any currency.
    pub(super) fn tab_duties(&mut self, turn: &mut Turn<'_>, other: &AuthorId) -> Result<(), Fault> {
        for (with, currency) in self.tabs(turn)? {
            if with == *other {
                self.propose_next(turn, other, currency)?;
            }
        }
        Ok(())
    }

    pub(super) fn all_tab_duties(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        for (with, currency) in self.tabs(turn)? {
            let tab = TabId::of(&self.author(), &with, currency.code());
            self.answer_what_waits(turn, &tab)?;
            self.propose_next(turn, &with, currency)?;
        }
        Ok(())
    }

    /// Takes every tab with somebody up again after this device lost its memory. The limits that hold are
    /// those that both signed last, whatever an old backup says of them.
    pub(super) fn reopen_tabs(&mut self, turn: &mut Turn<'_>, other: &AuthorId) -> Result<(), Fault> {
        let me = self.author();
        // A copied device may be one of several, of which another one signs about tabs.
        if !self.signs_tabs_with(other) {
            return Ok(());
        }
        for (with, currency) in self.tabs(turn)? {
            if with != *other {
                continue;
            }
            let ledger = self.tab_with(turn, other, currency)?;
            let tab = ledger.tab();
            let key = limit_key(&tab.parties.tab());
            if tab.agreed.is_some() {
                turn.local(Tree::Me, &key, Some(&tab.limit(&me).map_err(broken)?.minor))?;
            }
            let message = tab.reopen(&me, turn.now).map_err(broken)?;
            self.say_to(turn, message.into())?;
        }
        Ok(())
    }

    /// Whether anything is open between this node and somebody.
    pub(super) fn deals_with(&self, turn: &Turn<'_>, other: &AuthorId) -> Result<bool, Fault> {
        let open = |watched: &super::Watched| watched.with == Some(*other);
        Ok(self.watched.values().any(open) || !self.tabs_with(turn, other)?.is_empty())
    }

    pub(super) fn tabs_with(&self, turn: &Turn<'_>, other: &AuthorId) -> Result<Vec<TabId>, Fault> {
        let tabs = self.tabs(turn)?.into_iter().filter(|(with, _)| with == other);
        let me = self.author();
        Ok(tabs
            .map(|(with, currency)| TabId::of(&me, &with, currency.code()))
            .collect())
    }

    pub(super) fn tabs(&self, turn: &Turn<'_>) -> Result<Vec<(AuthorId, Currency)>, Fault> {
        let mut tabs = Vec::new();
        for (key, _) in turn.records().scan(Tree::Tabs, &Range::of([], usize::MAX))? {
            let Ok(tab) = TabId::from_slice(&key) else {
                continue;
            };
            if let Some(parties) = tab_parties(turn.records(), &tab)? {
                let other = parties.other(&self.author()).map_err(broken)?;
                tabs.push((other, parties.currency()));
            }
        }
        Ok(tabs)
    }

    /// Proposes the first thing that is due, unless a proposal of either side waits for its answer.
    fn propose_next(
        &mut self,
        turn: &mut Turn<'_>,
        other: &AuthorId,
        currency: Currency,
    ) -> Result<(), Fault> {
        // Two devices of one side must never propose upon one state: the primary alone does.
        if !self.signs_tabs_with(other) {
            return Ok(());
        }
        if let Some(message) = self.next_proposal(turn, other, currency)? {
            self.say_to(turn, message.into())?;
        }
        Ok(())
    }

    fn next_proposal(
        &self,
        turn: &Turn<'_>,
        other: &AuthorId,
        currency: Currency,
    ) -> Result<Option<TabMessage>, Fault> {
        let me = self.author();
        let ledger = self.tab_with(turn, other, currency)?;
        let tab = ledger.tab();
        if tab.pending.is_some() {
            return Ok(None);
        }
        let open = self.open_between(turn, tab)?;
        let spendable = room::spendable(tab, &me, open.iter().map(Arc::as_ref)).map_err(broken)?;
        for change in due(turn, tab, &me, &open)? {
            // The other side said no to this upon this very state. What was merely outbid may come again.
            let no = tab.refused.iter().any(|refused| {
                refused.by == me && refused.change == change && refused.reason != Reason::Crossed
            });
            if no {
                continue;
            }
            // What may have to be given back is not there to pay with.
            if let Change::Pay { amount_minor, .. } = change
                && spendable.minor < amount_minor
            {
                continue;
            }
            if let Ok(message) = tab.propose(&me, change, turn.now) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// A message about a tab, from its other side.
    pub(super) fn take_tab_message(
        &mut self,
        turn: &mut Turn<'_>,
        envelope: Signed,
    ) -> Result<Result<(), Refusal>, Fault> {
        let (author, me) = (envelope.author(), self.author());
        let Body::Tab(message) = envelope.body().clone() else {
            return Ok(Err(Refusal::NotForMe));
        };
        match &message.act {
            TabAct::Propose { state } => {
                if rests_on_what_comes_later(&*turn.tab(state.parties)?, &me, state) {
                    return Ok(Err(Refusal::NotYet));
                }
                let id = envelope.id();
                if let Err(refusal) = turn.admit(envelope)? {
                    return Ok(Err(refusal));
                }
                self.answer_proposal(turn, &id, state)?;
            }
            TabAct::Agree { propose, .. } | TabAct::Refuse { propose, .. } => {
                let mine = turn
                    .records()
                    .envelope(propose)?
                    .filter(|mine| mine.author() == me);
                let Some(Body::Tab(proposed)) = mine.as_ref().map(|mine| mine.body()) else {
                    return Ok(Err(match self.siblings.is_empty() {
                        true => Refusal::Rule("it answers a proposal that was never made".into()),
                        // Another device made it, and it has not come here yet.
                        false => Refusal::NotYet,
                    }));
                };
                if proposed.to != author || proposed.tab != message.tab {
                    return Ok(Err(Refusal::NotForMe));
                }
                if let Err(refusal) = turn.admit(envelope)? {
                    return Ok(Err(refusal));
                }
            }
        }
        self.tab_moved(turn, &message.tab, &author)?;
        Ok(Ok(()))
    }

    /// Answers a proposal that has just been kept, if it needs an answer.
    pub(super) fn answer_proposal(
        &mut self,
        turn: &mut Turn<'_>,
        id: &EnvelopeId,
        state: &TabState,
    ) -> Result<(), Fault> {
        if self.order_comes_later(turn, id, state)? {
            let again_ms = turn.now.0.saturating_add(UNITS_AGAIN_MS);
            self.unanswered.insert(state.parties.tab(), again_ms);
            return Ok(());
        }
        self.unanswered.remove(&state.parties.tab());
        if let Some(answer) = self.answer_to(turn, id, state)? {
            self.say_to(turn, answer.into())?;
        }
        Ok(())
    }

    /// Whether a proposal pays an order that another device of this side sees to, and that it may have accepted
    /// though that has not come here yet: then a no would be for good, and wrong.
    fn order_comes_later(&self, turn: &Turn<'_>, id: &EnvelopeId, state: &TabState) -> Result<bool, Fault> {
        let Change::Pay { order, .. } = &state.change else {
            return Ok(false);
        };
        if self.siblings.is_empty() {
            return Ok(false);
        }
        let open = match turn.order(order)? {
            Some(order) => {
                !self.sees_to(turn, &order)?
                    && matches!(order.state, State::Asked | State::Quoted | State::Placed)
            }
            None => true,
        };
        let since = turn
            .records()
            .envelope(id)?
            .map(|proposal| proposal.time().wall_ms);
        let recent = |since| turn.now.0.saturating_sub(since) < ACCEPTANCE_WAIT_MS;
        // What one that is away has accepted comes with it.
        let here = |device| {
            self.session(device)
                .is_some_and(|session| !recent(session.greeted_ms))
        };
        let away = !self.siblings.keys().all(here);
        Ok(open && (away || since.is_some_and(recent)))
    }

    /// What another device of this side may have brought meanwhile, or never will.
    pub(super) fn answer_unanswered(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let due = self
            .unanswered
            .iter()
            .filter(|(_, again_ms)| turn.now.0 >= **again_ms);
        let due: Vec<TabId> = due.map(|(tab, _)| *tab).collect();
        for tab in due {
            self.unanswered.remove(&tab);
            self.answer_what_waits(turn, &tab)?;
        }
        Ok(())
    }

    /// Answers the other side's proposal that waits, if it came when it could not be answered.
    pub(super) fn answer_what_waits(&mut self, turn: &mut Turn<'_>, tab: &TabId) -> Result<(), Fault> {
        let Some(parties) = tab_parties(turn.records(), tab)? else {
            return Ok(());
        };
        let waiting = turn.tab(parties)?.tab().pending.clone();
        match waiting {
            Some((id, state)) if parties.side(&self.author()) != Ok(Side::of_seq(state.seq)) => {
                self.answer_proposal(turn, &id, &state)
            }
            _ => Ok(()),
        }
    }

    /// The order that the newest state of a tab pays, if it pays one.
    fn paid_last(&self, turn: &Turn<'_>, tab: &TabId) -> Result<Option<OrderId>, Fault> {
        let Some(parties) = tab_parties(turn.records(), tab)? else {
            return Ok(None);
        };
        let ledger = turn.tab(parties)?;
        Ok(match ledger.tab().agreed.as_ref().map(|state| &state.change) {
            Some(Change::Pay { order, .. }) => Some(*order),
            _ => None,
        })
    }

    /// Whether this device is the one that signs about tabs with somebody, and may do so now.
    fn signs_tabs_with(&self, other: &AuthorId) -> bool {
        self.is_primary() && !self.is_out && self.acts_with(other)
    }

    fn answer_to(
        &self,
        turn: &Turn<'_>,
        id: &EnvelopeId,
        state: &TabState,
    ) -> Result<Option<TabMessage>, Fault> {
        let (me, ledger) = (self.author(), turn.tab(state.parties)?);
        let tab = ledger.tab();
        // What another device of this author has kept may rest upon what has not come here yet.
        let signs = self.signs_tabs_with(&tab.parties.other(&me).map_err(broken)?);
        if !signs || rests_on_what_comes_later(&ledger, &me, state) {
            return Ok(None);
        }
        let owed = self.owed(turn, tab, state)?;
        let owed = |order: &OrderId| owed.filter(|(of, _)| of == order).map(|(_, amount)| amount);
        let answer = match tab.answer(&me, id, owed) {
            Answer::Agree => tab.agree(&me, id),
            Answer::Refuse(reason) => tab.refuse(&me, id, reason),
            // This node sets nothing aside by itself, so there is nothing that its owner lets be taken.
            Answer::NeedsDecision => tab.refuse(&me, id, Reason::Declined),
            Answer::Nothing => return Ok(None),
        };
        Ok(Some(answer.map_err(broken)?))
    }

    /// The order that a proposal pays, and what is to be paid for it now upon this tab.
    fn owed(&self, turn: &Turn<'_>, tab: &Tab, state: &TabState) -> Result<Option<(OrderId, Amount)>, Fault> {
        let (Change::Pay { order, .. } | Change::Hold { order, .. }) = &state.change else {
            return Ok(None);
        };
        let order = turn.order(order)?.filter(|order| {
            let sells = order.merchant == self.author() && tab.parties.side(&order.buyer).is_ok();
            sells && order.state == State::Accepted && order.rail() == Some(Rail::Tab)
        });
        Ok(order.and_then(|order| Some((order.id, order.total()?))))
    }

    /// A tab may have moved: tells whoever watches, pays and proposes what is due now.
    pub(super) fn tab_moved(
        &mut self,
        turn: &mut Turn<'_>,
        tab: &TabId,
        with: &AuthorId,
    ) -> Result<(), Fault> {
        turn.tell(Happening::TabMoved {
            tab: *tab,
            with: *with,
        });
        self.answer_what_waits(turn, tab)?;
        if let Some(paid) = self.paid_last(turn, tab)? {
            self.insist(turn, &paid)?;
        }
        // One that was placed may have waited for credit.
        self.look_at_orders_with(turn, with, |order| {
            matches!(order.state, State::Placed | State::Accepted | State::Paid) || order.refund_due
        })?;
        self.tab_duties(turn, with)
    }

    /// An order that was to be paid upon a tab is over, so that a side of it can spend or promise what it could
    /// not before: what waited for that goes on.
    pub(super) fn room_came_free(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<(), Fault> {
        let Some(role) = order.role(&self.author()) else {
            return Ok(());
        };
        let with = order.author(role.other());
        self.look_at_orders_with(turn, &with, |order| order.state == State::Placed)?;
        match order.total().filter(|_| role == Role::Merchant) {
            Some(total) => self.propose_next(turn, &with, total.currency),
            None => Ok(()),
        }
    }

    fn look_at_orders_with(
        &mut self,
        turn: &mut Turn<'_>,
        with: &AuthorId,
        waits: impl Fn(&Order) -> bool,
    ) -> Result<(), Fault> {
        let between: Vec<OrderId> = self.watched_with(with).collect();
        for id in between {
            if let Some(order) = turn.order(&id)?
                && order.role(with).is_some()
                && waits(&order)
            {
                self.moved(turn, &id, Some(order.state))?;
            }
        }
        Ok(())
    }
}

/// What a side has to propose, given the orders between the two that are not settled.
fn due(turn: &Turn<'_>, tab: &Tab, me: &AuthorId, open: &[Arc<Order>]) -> Result<Vec<Change>, Fault> {
    let mut due = Vec::new();
    let key = limit_key(&tab.parties.tab());
    if let Some(bytes) = turn.records().get(Tree::Me, &key)? {
        let limit_minor: i64 = super::stored(Tree::Me, &key, &bytes)?;
        if tab.agreed.is_none() || tab.limit(me).map_err(broken)?.minor != limit_minor {
            due.push(Change::SetLimit { by: *me, limit_minor });
        }
    }
    for order in open {
        let (Some(Rail::Tab), Some(total)) = (order.rail(), order.total()) else {
            continue;
        };
        let other = order.role(me).map(|role| order.author(role.other()));
        let between = other.is_some_and(|other| tab.parties.side(&other).is_ok());
        if !between || total.currency != tab.parties.currency() {
            continue;
        }
        let paid = tab.paid.get(&order.id);
        if order.buyer == *me && order.state == State::Accepted && paid.is_none() {
            due.push(Change::Pay {
                order: order.id,
                from: *me,
                amount_minor: total.minor,
            });
        }
        let left = paid.map_or(0, |payment| payment.amount.minor - payment.refunded.minor);
        if order.merchant == *me && order.refund_due && left > 0 {
            due.push(Change::Refund {
                order: order.id,
                from: *me,
                amount_minor: left,
            });
        }
    }
    Ok(due)
}

/// Whether a proposal builds upon a state that is not known here, or that this side proposed and whose
/// answer is still under way: then it is to come again.
fn rests_on_what_comes_later(ledger: &Ledger, me: &AuthorId, proposed: &TabState) -> bool {
    let tab = ledger.tab();
    let upon_mine = tab.pending.as_ref().is_some_and(|(_, pending)| {
        let mine = tab.parties.side(me) == Ok(Side::of_seq(pending.seq));
        mine && proposed.prev.is_some() && pending.id().ok() == proposed.prev
    });
    ledger.is_ahead(proposed) || upon_mine
}

fn limit_key(tab: &TabId) -> Vec<u8> {
    [b"limit/".as_slice(), tab.as_bytes()].concat()
}
