//! What holds of a listing's stock: no unit is sold twice.

use super::*;

/// The stock of one of a node's own listings against the orders that it sold.
pub fn stock(
    book: &Book,
    at: usize,
    me: &AuthorId,
    device: &DeviceId,
    store: &dyn Records,
    listing: &ListingId,
) -> Result<(), Broken> {
    let fault = |fault: souk_protocol::records::Fault| Broken::new(Law::NoFault, fault.to_string(), [at]);
    let stock = market::stock(store, me, listing).map_err(fault)?;
    let (mut sold, mut held, mut paid) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mine = book.folds.range((at, OrderId::from_bytes([0; 32]))..);
    for (_, order) in mine.take_while(|((node, _), _)| *node == at) {
        if order.merchant != *me {
            continue;
        }
        let counts = match order.state {
            State::Quoted | State::Placed => &mut held,
            State::Accepted | State::Receipted | State::Fulfilled | State::Completed => &mut sold,
            // One that was paid after it had lapsed may have lost its units: then it gets no receipt.
            State::Paid => &mut paid,
            _ => continue,
        };
        for line in order.lines().iter().filter(|line| line.listing == *listing) {
            *counts.entry(line.variant).or_insert(0u64) += u64::from(line.units);
        }
    }
    let variants: BTreeSet<_> = sold
        .keys()
        .chain(held.keys())
        .chain(paid.keys())
        .copied()
        .collect();
    for variant in variants.into_iter().filter(|variant| stock.is_counted(variant)) {
        let [sold, held, paid] =
            [&sold, &held, &paid].map(|counts| counts.get(&variant).copied().unwrap_or(0));
        let Some(tally) = stock.tally(device, &variant) else {
            continue;
        };
        let spent = tally.spent - tally.restored.min(tally.spent);
        let minted = tally.minted - tally.retired.min(tally.minted);
        if !(sold..=sold + paid).contains(&spent) || spent + held > minted {
            let words = format!(
                "{variant} of {listing}: {minted} minted, {spent} spent, {sold} sold, {paid} paid, {held} held; {}",
                histories(book, at, listing)
            );
            return Err(Broken::new(Law::Stock, words, [at]));
        }
    }
    Ok(())
}

/// What was done in the orders of a listing, as one node reads them.
fn histories(book: &Book, at: usize, listing: &ListingId) -> String {
    let orders = book.folds.iter().filter(|((node, _), order)| {
        *node == at && order.lines().iter().any(|line| line.listing == *listing)
    });
    let told = orders.map(|((_, id), order)| {
        let acts: Vec<&str> = order.history.iter().map(|done| done.act.name()).collect();
        format!("{id} {} ({} kept aside)", acts.join(" "), order.losing.len())
    });
    told.collect::<Vec<_>>().join("; ")
}
