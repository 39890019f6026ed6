//! What can be spent upon a tab: its credit, less what is spoken for. Described in `spec/settlement.md`.
//!
//! A merchant that was paid for what the buyer has not got holds money that it may have to give back. Would it
//! count as the merchant's own, it could buy of its buyer with it, and what the buyer paid in advance would be
//! lost beyond any limit that the buyer ever granted.

use crate::id::AuthorId;
use crate::money::Amount;
use crate::order::{Order, State};
use crate::settlement::Rail;
use crate::tab::{Tab, TabRefusal};

/// What one side of a tab can spend upon it now, given the orders between the two that are not settled: how much
/// more it may owe, less what it was paid for orders that are not completed; at least 0.
///
/// # Errors
/// The payer is no side of the tab.
pub fn spendable<'a>(
    tab: &Tab,
    payer: &AuthorId,
    open: impl IntoIterator<Item = &'a Order>,
) -> Result<Amount, TabRefusal> {
    left(tab, payer, open, |order| unearned(tab, payer, order))
}

/// What one side of a tab can promise to pay upon it now, given the same orders: what it can spend, less what it is
/// to pay for orders that were accepted already; at least 0.
///
/// # Errors
/// The payer is no side of the tab.
pub fn promisable<'a>(
    tab: &Tab,
    payer: &AuthorId,
    open: impl IntoIterator<Item = &'a Order>,
) -> Result<Amount, TabRefusal> {
    left(tab, payer, open, |order| {
        unearned(tab, payer, order).saturating_add(promised(tab, payer, order))
    })
}

fn left<'a>(
    tab: &Tab,
    payer: &AuthorId,
    open: impl IntoIterator<Item = &'a Order>,
    spoken_for: impl Fn(&Order) -> i64,
) -> Result<Amount, TabRefusal> {
    let mut left = tab.credit_left(payer)?;
    for order in open {
        left.minor = left.minor.saturating_sub(spoken_for(order));
    }
    left.minor = left.minor.max(0);
    Ok(left)
}

/// What a side was paid for an order that is not completed, and did not give back.
fn unearned(tab: &Tab, seller: &AuthorId, order: &Order) -> i64 {
    let open = order.merchant == *seller && order.state != State::Completed;
    let payment = tab.paid.get(&order.id).filter(|_| open);
    payment.map_or(0, |payment| {
        payment.amount.minor.saturating_sub(payment.refunded.minor)
    })
}

/// What a side is to pay for an order that was accepted. What it set aside for it is no room already.
fn promised(tab: &Tab, payer: &AuthorId, order: &Order) -> i64 {
    let mut held = tab.agreed.iter().flat_map(|state| &state.book.holds);
    let due = order.buyer == *payer
        && tab.parties.side(&order.merchant).is_ok()
        && order.state == State::Accepted
        && order.rail() == Some(Rail::Tab)
        && !tab.paid.contains_key(&order.id)
        && !held.any(|hold| hold.order == order.id);
    let total = order.total();
    let total = total.filter(|total| due && total.currency == tab.parties.currency());
    total.map_or(0, |total| total.minor)
}
