//! What the product promises of people who are not honest: what they can cost, say and pretend.

use super::*;
use souk_protocol::id::PurchaseId;
use souk_protocol::limits::{ORDERS_OPEN_PER_BUYER_MAX, PUSH_TRUSTED_PER_HOUR};
use souk_protocol::view;

/// Listings of a shop and reviews of a listing that are looked at.
const READ_MAX: usize = 1_000;

/// What somebody would lose if another one never gave anything more, and the most that they granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Goods that were signed for as paid, less what came for them, in minor units. What was paid to the other side
    /// for goods that have not come is no part of what came.
    pub lost_minor: i64,
    /// What was paid to the other one upon the tab for orders that are not completed, given back or not, in minor
    /// units; by somebody with one device.
    pub advanced_minor: i64,
    /// The greatest limit that they signed for the other one's debt, in minor units.
    pub granted_minor: i64,
}

/// What a node's owner would lose to somebody. `pays` says whether money that somebody says they sent outside of a
/// tab arrives. Read from orders and from the chain of states, not from balances. Of the owner's `devices` the one
/// that knows most of the chain tells it: an order may come to one of them before what was paid for it.
pub fn exposure(
    book: &Book,
    at: usize,
    devices: &[usize],
    me: &AuthorId,
    to: &AuthorId,
    pays: impl Fn(&AuthorId) -> bool,
) -> Result<Exposure, Broken> {
    let mut exposure = Exposure::default();
    let between = book.sums.between(at, me, to);
    let between = between.into_iter().flat_map(|between| &between.orders);
    let read = |id: &OrderId| book.folds.get(&(at, *id));
    for order in between.filter_map(read).filter(|order| order.receipt.is_some()) {
        let total = order.total().map_or(0, |total| total.minor);
        exposure.lost_minor += match order.rail() {
            Some(Rail::Tab) => total,
            _ if pays(to) => 0,
            _ => total,
        };
    }
    let tab = TabId::of(me, to, "EUR");
    let mut known = Vec::new();
    for device in devices.iter().chain([&at]) {
        let chain = chain_of(book, *device, &tab);
        let chain = chain.map_err(|words| Broken::new(Law::OneChain, words, [*device]))?;
        if chain.len() > known.len() {
            known = chain;
        }
    }
    for link in known {
        let order = match &link.state.change {
            Change::Pay { order, .. } | Change::Refund { order, .. } => read(order),
            _ => None,
        };
        let standing = Standing {
            has_receipt: order.is_some_and(|order| order.receipt.is_some()),
            is_completed: order.is_some_and(|order| order.state == State::Completed),
        };
        exposure.count(me, &link.by, &link.state.change, standing, devices.len() > 1);
    }
    Ok(exposure)
}

/// How far the order is that a change of a tab is about.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    has_receipt: bool,
    is_completed: bool,
}

impl Exposure {
    /// Counts what one change of the tab moved. Several devices of mine that are apart may each take an order for
    /// the same room, and what I paid in advance may pay for it (`settlement.md`, *What can be spent*): there all
    /// that I paid counts as having come back.
    fn count(&mut self, me: &AuthorId, by: &AuthorId, change: &Change, order: Standing, several: bool) {
        match change {
            Change::SetLimit { limit_minor, .. } if by == me => {
                self.granted_minor = self.granted_minor.max(*limit_minor);
            }
            Change::Pay {
                from, amount_minor, ..
            } if from == me => match several || order.is_completed {
                true => self.lost_minor -= amount_minor,
                false => self.advanced_minor += amount_minor,
            },
            // I get back what I paid: for what came it is a gift, and what did not come was not counted.
            Change::Refund {
                from, amount_minor, ..
            } if from != me => self.lost_minor += if several { *amount_minor } else { 0 },
            Change::Refund { amount_minor, .. } if order.has_receipt => self.lost_minor -= amount_minor,
            _ => {}
        }
    }
}

/// Nobody loses more to somebody than they granted.
pub fn granted(
    book: &Book,
    at: usize,
    devices: &[usize],
    me: &AuthorId,
    to: &AuthorId,
    pays: impl Fn(&AuthorId) -> bool,
) -> Result<(), Broken> {
    let exposure = exposure(book, at, devices, me, to, pays)?;
    match exposure.lost_minor <= exposure.granted_minor {
        true => Ok(()),
        false => {
            let words = format!("{me} may lose to {to}: {exposure:?}");
            Err(Broken::new(Law::Granted, words, [at]))
        }
    }
}

/// Orders that a shop has open for one buyer are few.
pub fn few_open(book: &Book, at: usize, me: &AuthorId, buyer: &AuthorId) -> Result<(), Broken> {
    let open = book.sums.between(at, me, buyer).map_or(0, |between| between.open);
    match open {
        ..=ORDERS_OPEN_PER_BUYER_MAX => Ok(()),
        open => {
            let words = format!("{me} has {open} orders of {buyer} open");
            Err(Broken::new(Law::Share, words, [at]))
        }
    }
}

/// How much of one author a node took unasked in an hour of its clock.
pub fn pushed(at: usize, author: &AuthorId, count: u32) -> Result<(), Broken> {
    match count {
        ..=PUSH_TRUSTED_PER_HOUR => Ok(()),
        count => {
            let words = format!("{count} words of {author} were taken unasked within an hour");
            Err(Broken::new(Law::Share, words, [at]))
        }
    }
}

/// Purchases that were paid for, as the orders tell it: buyer and purchase.
fn purchases(book: &Book, shop: &AuthorId) -> BTreeSet<(AuthorId, PurchaseId)> {
    let sold = book.wholes.values().filter(|order| order.merchant == *shop);
    let receipts = sold.filter_map(|order| order.receipt.as_ref());
    let halves = receipts.flat_map(|receipt| receipt.public.iter());
    halves.map(|half| (half.buyer, half.purchase)).collect()
}

/// What a node shows as the word of a buyer of an honest shop, somebody bought there. Read with the protocol's own
/// functions, and held against the orders.
pub fn bought(book: &Book, at: usize, store: &dyn Records) -> Result<(), Broken> {
    let fault = |fault: souk_protocol::records::Fault| Broken::new(Law::NoFault, fault.to_string(), [at]);
    for shop in market::shops(store).map_err(fault)? {
        if book.liars.speaks(&shop) {
            continue;
        }
        let mut known = None;
        for listing in market::listing_ids(store, &shop, None, READ_MAX).map_err(fault)? {
            let reviews = view::reviews(store, &shop, &listing, READ_MAX).map_err(fault)?;
            for shown in reviews.items.iter().filter(|shown| shown.bought) {
                let purchase = match book.signed(&shown.id).map(|signed| signed.body()) {
                    Some(Body::Review(review)) => Some((shown.author, review.purchase())),
                    _ => None,
                };
                let known = known.get_or_insert_with(|| purchases(book, &shop));
                if purchase.is_none_or(|purchase| !known.contains(&purchase)) {
                    let words = format!(
                        "{} is shown as a buyer's word about {listing} of {shop}",
                        shown.id
                    );
                    return Err(Broken::new(Law::Bought, words, [at]));
                }
            }
        }
    }
    Ok(())
}

/// Who follows somebody who said two things under one number, and what they hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The reader's node.
    pub at: usize,
    /// The author.
    pub author: AuthorId,
    /// What the reader holds under the first number that was given twice.
    pub holds: Option<EnvelopeId>,
    /// Whether the reader can prove it.
    pub proves: bool,
}

/// All honest readers of all who said two things under one number by hand.
pub fn witnesses(book: &Book, nodes: &[Seen<'_>]) -> Result<Vec<Witness>, Broken> {
    let mut first: BTreeMap<AuthorId, (DeviceId, u64)> = BTreeMap::new();
    for (author, device, seq) in book.liars.two_faced() {
        first.entry(author).or_insert((device, seq));
    }
    let mut witnesses = Vec::new();
    for node in nodes.iter().filter(|node| !book.liars.has(node.at)) {
        let fault =
            |fault: souk_protocol::records::Fault| Broken::new(Law::NoFault, fault.to_string(), [node.at]);
        for (author, (device, seq)) in &first {
            if node
                .store
                .get(Tree::Follows, author.as_bytes())
                .map_err(fault)?
                .is_none()
            {
                continue;
            }
            let row = node.store.log_row(device, *seq).map_err(fault)?;
            witnesses.push(Witness {
                at: node.at,
                author: *author,
                holds: row.map(|row| row.id()),
                proves: node.store.has_equivocated(author).map_err(fault)?,
            });
        }
    }
    Ok(witnesses)
}

/// Of two readers who are connected both can prove it that an author said two things under one number, if one can, or
/// if they hold different ones of these.
pub fn exposed(
    book: &Book,
    nodes: &[Seen<'_>],
    connected: impl Fn(usize, usize) -> bool,
) -> Result<(), Broken> {
    let witnesses = witnesses(book, nodes)?;
    for one in &witnesses {
        let others = witnesses
            .iter()
            .filter(|other| other.author == one.author && other.at > one.at);
        for other in others.filter(|other| connected(one.at, other.at)) {
            let differ = one.holds.is_some() && other.holds.is_some() && one.holds != other.holds;
            let words = match (one.proves, other.proves, differ) {
                (false, false, true) => "hold one word each and prove nothing",
                (true, false, _) | (false, true, _) => "do not both know the proof",
                _ => continue,
            };
            let words = format!("nodes {} and {} {words} of {}", one.at, other.at, one.author);
            return Err(Broken::new(Law::Exposed, words, [one.at, other.at]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: AuthorId = AuthorId::from_bytes([1; 32]);
    const YOU: AuthorId = AuthorId::from_bytes([2; 32]);
    const NOTHING: Standing = Standing {
        has_receipt: false,
        is_completed: false,
    };
    const PAID: Standing = Standing {
        has_receipt: true,
        is_completed: false,
    };
    const DONE: Standing = Standing {
        has_receipt: true,
        is_completed: true,
    };

    fn pay(from: AuthorId) -> Change {
        Change::Pay {
            order: OrderId::from_bytes([3; 32]),
            from,
            amount_minor: 100,
        }
    }

    fn refund(from: AuthorId) -> Change {
        Change::Refund {
            order: OrderId::from_bytes([3; 32]),
            from,
            amount_minor: 100,
        }
    }

    fn lost(changes: &[(Change, Standing)], several: bool) -> i64 {
        let mut exposure = Exposure::default();
        for (change, order) in changes {
            exposure.count(&ME, &YOU, change, *order, several);
        }
        exposure.lost_minor
    }

    #[test]
    fn what_was_paid_in_advance_has_not_come_before_the_order_is_completed() {
        for (order, came) in [(NOTHING, 0), (PAID, 0), (DONE, -100)] {
            assert_eq!(lost(&[(pay(ME), order)], false), came);
            // What the other one pays and is not sent for costs nobody anything.
            assert_eq!(lost(&[(pay(YOU), order)], false), 0);
        }
        assert_eq!(lost(&[(pay(ME), NOTHING)], true), -100);
    }

    #[test]
    fn what_is_given_back_counts_for_whom_it_goes_to() {
        for order in [NOTHING, PAID] {
            assert_eq!(lost(&[(pay(ME), order), (refund(YOU), order)], false), 0);
        }
        assert_eq!(lost(&[(pay(ME), DONE), (refund(YOU), DONE)], false), -100);
        assert_eq!(lost(&[(pay(ME), PAID), (refund(YOU), PAID)], true), 0);
        // Of what I signed a receipt for, what I give back is no loss any more.
        assert_eq!(lost(&[(pay(YOU), PAID), (refund(ME), PAID)], false), -100);
        assert_eq!(lost(&[(pay(YOU), NOTHING), (refund(ME), NOTHING)], false), 0);
    }
}
