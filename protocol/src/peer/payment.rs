//! Orders and the tabs that pay for them: what a tab shows of an order, and what follows for the order.

use super::turn::Turn;
use super::{Peer, broken};
use crate::admission::Refusal;
use crate::envelope::Signed;
use crate::id::{AuthorId, OrderId, TabId};
use crate::money::Amount;
use crate::order::{Act, ActKind, Order, Role, State};
use crate::records::Fault;
use crate::room;
use crate::settlement::{Proof, Rail};
use crate::tab::{Ledger, Payment, Tab};
use std::sync::Arc;

impl Peer {
    /// The primary pays, is paid and gives back upon tabs, whichever device sees to the order.
    pub(super) fn settle_for_sibling(&mut self, turn: &mut Turn<'_>, order: &Order) -> Result<(), Fault> {
        if let (Some(Rail::Tab), Some(total)) = (order.rail(), order.total()) {
            let tab = TabId::of(&order.merchant, &order.buyer, total.currency.code());
            self.answer_what_waits(turn, &tab)?;
        }
        let pays = order.buyer == self.author() && order.state == State::Accepted;
        let other = order.role(&self.author()).map(|role| order.author(role.other()));
        match other {
            Some(other) if pays || order.refund_due => self.tab_duties(turn, &other),
            _ => Ok(()),
        }
    }

    /// Whether the tab shows the payment that the buyer names, and none of it was given back.
    pub(super) fn is_paid_by_tab(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let (Some(total), Some(proof)) = (order.total(), &order.proof) else {
            return Ok(false);
        };
        let ledger = self.tab_with(turn, &order.buyer, total.currency)?;
        let tab = ledger.tab();
        let kept = |payment: &Payment| payment.refunded.minor == 0;
        Ok(tab.proves(proof, &order.id, &order.buyer, total) && tab.paid.get(&order.id).is_some_and(kept))
    }

    /// The tab between the two sides of an order, if that is how it is paid.
    fn tab_of(&self, turn: &Turn<'_>, order: &Order) -> Result<Option<Arc<Ledger>>, Fault> {
        let other = order.role(&self.author()).map(|role| order.author(role.other()));
        match (order.rail(), order.total(), other) {
            (Some(Rail::Tab), Some(total), Some(other)) => {
                Ok(Some(self.tab_with(turn, &other, total.currency)?))
            }
            _ => Ok(None),
        }
    }

    /// Whether the tab shows money for an order that is not completed, and was not given back: it is due back, or
    /// the buyer will insist on the payment.
    pub(super) fn is_money_open(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        if order.state == State::Completed {
            return Ok(false);
        }
        let tab = self.tab_of(turn, order)?;
        let payment = tab.as_ref().and_then(|tab| tab.tab().paid.get(&order.id));
        Ok(payment.is_some_and(|payment| payment.refunded.minor < payment.amount.minor))
    }

    /// The orders with the other side of a tab that are not settled.
    pub(super) fn open_between(&self, turn: &Turn<'_>, tab: &Tab) -> Result<Vec<Arc<Order>>, Fault> {
        let other = tab.parties.other(&self.author()).map_err(broken)?;
        let orders = self.watched_with(&other).map(|id| turn.order(&id));
        orders.filter_map(Result::transpose).collect()
    }

    /// What room a tab has, in words, if a side of it cannot promise to pay so much.
    pub(super) fn lacks_room(
        &self,
        turn: &Turn<'_>,
        tab: &Tab,
        payer: &AuthorId,
        total: Amount,
    ) -> Result<Option<String>, Fault> {
        let open = self.open_between(turn, tab)?;
        let room = room::promisable(tab, payer, open.iter().map(Arc::as_ref)).map_err(broken)?;
        let credit = tab.credit_left(payer).map_err(broken)?;
        Ok(match room.minor {
            minor if minor >= total.minor => None,
            minor if minor == credit.minor => Some(room.to_string()),
            _ => Some(format!(
                "{room}, since of {credit} the rest is for orders that were accepted, or paid in advance and not completed"
            )),
        })
    }

    /// Whether the tab of an order's two sides shows its payment, said by its buyer or not yet.
    pub(super) fn tab_shows_payment(&self, turn: &Turn<'_>, order: &Order) -> Result<bool, Fault> {
        let tab = self.tab_of(turn, order)?;
        Ok(tab.is_some_and(|tab| tab.tab().paid.contains_key(&order.id)))
    }

    /// What the tab proves of an order that this side paid and that was not given back.
    pub(super) fn payment_of(&self, turn: &Turn<'_>, order: &Order) -> Result<Option<Proof>, Fault> {
        let Some(tab) = self.tab_of(turn, order)? else {
            return Ok(None);
        };
        let payment = tab.tab().paid.get(&order.id);
        Ok(payment
            .filter(|payment| payment.refunded.minor == 0)
            .map(Payment::proof))
    }

    /// A merchant who agreed to a payment and let the order lapse meanwhile: the buyer says `pay` upon the
    /// acceptance all the same, and by the rules of a fork that wins. An honest node does not do both.
    pub(super) fn insist(&mut self, turn: &mut Turn<'_>, id: &OrderId) -> Result<(), Fault> {
        let Some(order) = turn.order(id)? else {
            return Ok(());
        };
        let lapse = order.history.last().filter(|done| {
            let unpaid = order.state == State::Lapsed && order.proof.is_none();
            unpaid && done.by == Role::Merchant && done.act == ActKind::Lapse
        });
        let Some(lapse) = lapse.filter(|_| order.buyer == self.author()) else {
            return Ok(());
        };
        if !self.sees_to(turn, &order)? {
            return Ok(());
        }
        let envelopes = turn.records().order(id)?;
        let others = envelopes.iter().filter(|envelope| envelope.id() != lapse.id);
        let accepted = Order::fold(*id, others.filter_map(Signed::order_message))
            .filter(|order| order.state == State::Accepted);
        let Some(accepted) = accepted else { return Ok(()) };
        if let Some(proof) = self.payment_of(turn, &accepted)?
            && let Err(refused) = self.act_on(turn, &accepted, Act::Pay { proof })?
        {
            turn.act(super::Action::Count(Refusal::Rule(refused.message)));
        }
        Ok(())
    }
}
