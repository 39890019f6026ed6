//! Tabs: granting credit, proposing what is due, and answering the other side's proposals.
//!
//! What this side owes a proposal for (a limit that its owner set, an accepted order to pay, a refund)
//! is derived each time from the folds and from what the owner wished. So a proposal that lost against
//! one of the other side, or was lost with a crash, is made again, and none is made twice.

use super::social::{Outcome, check};
use super::trade::read_order;
use super::turn::Turn;
use super::{Peer, invalid};
use crate::admission::Refusal;
use crate::api::{Code, Happening, Refused, Reply};
use crate::body::Body;
use crate::envelope::Signed;
use crate::id::{AuthorId, OrderId, TabId};
use crate::money::{Amount, Currency};
use crate::order::{Order, State};
use crate::records::{Fault, Range, Records, Tree};
use crate::settlement::Rail;
use crate::tab::{Agreed, Change, Filed, Tab, TabAct, TabMessage, TabRefusal, TabState};
use crate::text::Prose;

/// Reads a tab from the records; empty if nothing was said about it.
pub fn read_tab(
    records: &dyn Records,
    one: &AuthorId,
    other: &AuthorId,
    currency: Currency,
) -> Result<Tab, Fault> {
    let envelopes = records.tab(&TabId::of(one, other, currency.code()))?;
    let filed = envelopes.iter().filter_map(|envelope| match envelope.body() {
        Body::Tab(message) => Some(Filed {
            id: envelope.id(),
            author: envelope.author(),
            time: envelope.time(),
            message,
        }),
        _ => None,
    });
    Ok(Tab::fold(*one, *other, currency, filed))
}

/// The two sides and the currency of a tab of which something is held.
pub fn tab_sides(
    records: &dyn Records,
    tab: &TabId,
) -> Result<Option<(AuthorId, AuthorId, Currency)>, Fault> {
    let Some(row) = records.get(Tree::Tabs, tab.as_bytes())? else {
        return Ok(None);
    };
    let part = |from: usize, to: usize| row.get(from..to);
    let sides = part(0, 32).zip(part(32, 64)).zip(part(64, 67));
    let sides = sides.and_then(|((low, high), currency)| {
        let currency = std::str::from_utf8(currency).ok()?.parse().ok()?;
        Some((
            AuthorId::from_slice(low).ok()?,
            AuthorId::from_slice(high).ok()?,
            currency,
        ))
    });
    sides.map(Some).ok_or_else(|| Fault::Damaged {
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
    ) -> Result<Tab, Fault> {
        read_tab(turn.records(), &self.author(), other, currency)
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
        if limit.minor < 0 {
            return Ok(Err(invalid("a limit is at least 0")));
        }
        let vouched_by = self.vouchers(turn, &to)?;
        if vouched && vouched_by.is_empty() {
            let message = format!("nobody whom you follow vouches for {to}");
            let next = "Ask a common friend to vouch for them, or grant the tab without '--vouched' at your own risk.";
            return Ok(Err(Refused::new(Code::NotAllowed, message, next)));
        }
        let tab = self.tab_with(turn, &to, limit.currency)?;
        check!(
            tab.propose(self.author(), &Change::Limit { minor: limit.minor }, turn.now)
                .map_err(invalid)
        );
        turn.local(Tree::Me, &limit_key(&tab.id), Some(&limit.minor))?;
        self.propose_next(turn, &to, limit.currency)?;
        Ok(Ok(Reply::Tab {
            tab: tab.id,
            vouched_by,
        }))
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
            self.propose_next(turn, &with, currency)?;
        }
        Ok(())
    }

    fn tabs(&self, turn: &Turn<'_>) -> Result<Vec<(AuthorId, Currency)>, Fault> {
        let mut tabs = Vec::new();
        for (key, _) in turn.records().scan(Tree::Tabs, &Range::of([], usize::MAX))? {
            let Ok(tab) = TabId::from_slice(&key) else {
                continue;
            };
            if let Some((low, high, currency)) = tab_sides(turn.records(), &tab)? {
                tabs.push((if low == self.author() { high } else { low }, currency));
            }
        }
        Ok(tabs)
    }

    /// Proposes the first thing that is due, unless a proposal of this side is still open.
    fn propose_next(
        &mut self,
        turn: &mut Turn<'_>,
        other: &AuthorId,
        currency: Currency,
    ) -> Result<(), Fault> {
        let me = self.author();
        let tab = self.tab_with(turn, other, currency)?;
        if tab.pending.iter().any(|pending| pending.by == me) {
            return Ok(());
        }
        for change in self.due(turn, &tab, other, currency)? {
            // The other side said no to this upon this very state.
            if tab
                .refused
                .iter()
                .any(|refused| refused.by == me && refused.state.change == change)
            {
                continue;
            }
            if let Ok(state) = tab.propose(me, &change, turn.now) {
                let act = TabAct::Propose(Box::new(state));
                self.say_to(
                    turn,
                    TabMessage {
                        to: *other,
                        tab: tab.id,
                        act,
                    }
                    .into(),
                )?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// What this side has to propose.
    fn due(
        &self,
        turn: &Turn<'_>,
        tab: &Tab,
        other: &AuthorId,
        currency: Currency,
    ) -> Result<Vec<Change>, Fault> {
        let me = self.author();
        let mut due = Vec::new();
        let key = limit_key(&tab.id);
        if let Some(bytes) = turn.records().get(Tree::Me, &key)? {
            let minor: i64 = super::stored(Tree::Me, &key, &bytes)?;
            if tab.state().seq == 0 || tab.state().limit_of(&me) != minor {
                due.push(Change::Limit { minor });
            }
        }
        for id in self.watched.keys() {
            let Some(order) = read_order(turn.records(), id)? else {
                continue;
            };
            let Some(total) = order.total().filter(|total| total.currency == currency) else {
                continue;
            };
            if order.rail != Some(Rail::Tab) {
                continue;
            }
            if (order.buyer, order.merchant) == (me, *other)
                && order.state == State::Accepted
                && total.minor > 0
                && tab.paid(id).is_none()
            {
                due.push(Change::Pay {
                    order: *id,
                    minor: total.minor,
                });
            }
            let paid = tab.paid(id).unwrap_or(0);
            if (order.merchant, order.buyer) == (me, *other) && order.refund_due() && paid > 0 {
                due.push(Change::Refund {
                    order: *id,
                    minor: paid,
                });
            }
        }
        Ok(due)
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
            TabAct::Propose(state) => {
                let sides = (state.low, state.high) == (author.min(me), author.max(me));
                if !sides || state.tab() != message.tab {
                    return Ok(Err(Refusal::Rule("the proposed state is of another tab".into())));
                }
                let tab = self.tab_with(turn, &author, state.currency)?;
                if self.answer_is_on_its_way(&tab, state) {
                    return Ok(Err(Refusal::NotYet));
                }
                let proposed = Agreed {
                    proposal: envelope.id(),
                    by: author,
                    time: envelope.time(),
                    state: state.as_ref().clone(),
                };
                if let Err(refusal) = turn.admit(envelope)? {
                    return Ok(Err(refusal));
                }
                self.answer_proposal(turn, &tab, &proposed)?;
            }
            TabAct::Agree { proposal, .. } | TabAct::Refuse { proposal, .. } => {
                let mine = turn
                    .records()
                    .envelope(proposal)?
                    .filter(|mine| mine.author() == me);
                let Some(Body::Tab(proposed)) = mine.as_ref().map(|mine| mine.body()) else {
                    return Ok(Err(Refusal::Rule(
                        "it answers a proposal that was never made".into(),
                    )));
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

    /// Whether a proposal rests on a state that this side proposed and whose answer is still under way.
    fn answer_is_on_its_way(&self, tab: &Tab, proposed: &TabState) -> bool {
        let mine = tab.pending.iter().filter(|pending| pending.by == self.author());
        mine.into_iter()
            .any(|pending| pending.state.hash().ok() == proposed.prev && proposed.prev.is_some())
    }

    fn answer_proposal(&mut self, turn: &mut Turn<'_>, tab: &Tab, proposed: &Agreed) -> Result<(), Fault> {
        let judged = match tab.answer(&self.author(), proposed) {
            Ok(()) => self.wanted_change(turn, &proposed.by, &proposed.state)?,
            Err(refusal) => Err(refusal),
        };
        let proposal = proposed.proposal;
        let act = match judged.and_then(|()| proposed.state.hash()) {
            Ok(state) => TabAct::Agree { proposal, state },
            Err(refusal) => TabAct::Refuse {
                proposal,
                reason: Prose::fitted(&refusal.to_string()),
            },
        };
        self.say_to(
            turn,
            TabMessage {
                to: proposed.by,
                tab: tab.id,
                act,
            }
            .into(),
        )?;
        Ok(())
    }

    /// Whether this side signs a change without asking its owner: what favours it alone, and what
    /// belongs to an order that both signed.
    fn wanted_change(
        &self,
        turn: &Turn<'_>,
        by: &AuthorId,
        state: &TabState,
    ) -> Result<Result<(), TabRefusal>, Fault> {
        let me = self.author();
        let no = |words: &str| Ok(Err(TabRefusal::NotAgreed(words.to_owned())));
        let order = |id: &OrderId| read_order(turn.records(), id);
        let sells = |order: &Order| order.merchant == me && order.buyer == *by;
        let buys = |order: &Order| order.buyer == me && order.merchant == *by;
        match &state.change {
            Change::Limit { .. } => Ok(Ok(())),
            Change::Pay { order: id, minor } => match order(id)? {
                Some(order)
                    if sells(&order) && order.state == State::Accepted && order.rail == Some(Rail::Tab) =>
                {
                    match order.total()
                        == Some(Amount {
                            minor: *minor,
                            currency: state.currency,
                        }) {
                        true => Ok(Ok(())),
                        false => no("the payment is not what the order costs"),
                    }
                }
                _ => no("no accepted order waits for this payment"),
            },
            Change::Hold { order: id, .. } => match order(id)? {
                Some(order) if sells(&order) && !order.state.is_over() => Ok(Ok(())),
                _ => no("no open order is known for this hold"),
            },
            Change::Refund { order: id, .. } => match order(id)? {
                Some(order) if buys(&order) => Ok(Ok(())),
                _ => no("no order is known for this refund"),
            },
            Change::Capture { order: id } => match order(id)? {
                Some(order) if buys(&order) && matches!(order.state, State::Accepted | State::Paid) => {
                    Ok(Ok(()))
                }
                _ => no("no accepted order is known for this capture"),
            },
            Change::Release { .. } => Ok(Ok(())),
        }
    }

    /// A tab may have moved: tells whoever watches, pays and proposes what is due now.
    fn tab_moved(&mut self, turn: &mut Turn<'_>, tab: &TabId, with: &AuthorId) -> Result<(), Fault> {
        turn.tell(Happening::TabMoved {
            tab: *tab,
            with: *with,
        });
        let waiting: Vec<OrderId> = self.watched.keys().copied().collect();
        for id in waiting {
            let Some(order) = read_order(turn.records(), &id)? else {
                continue;
            };
            let between = [order.buyer, order.merchant].contains(with);
            if between && matches!(order.state, State::Accepted | State::Paid) {
                self.moved(turn, &id, Some(order.state))?;
            }
        }
        self.tab_duties(turn, with)
    }
}

fn limit_key(tab: &TabId) -> Vec<u8> {
    [b"limit/".as_slice(), tab.as_bytes()].concat()
}
