//! What holds of a listing's stock: no unit is sold twice.

use super::*;
use crate::book::sums::Units;

fn variants(units: &Units) -> BTreeSet<VariantId> {
    let all = [&units.sold, &units.held, &units.paid];
    all.into_iter().flat_map(BTreeMap::keys).copied().collect()
}

fn units<'a>(book: &'a Book, seller: &Seen<'_>, listing: &ListingId) -> Option<&'a Units> {
    let seller = (seller.at, seller.author, seller.device);
    book.sums.units(&seller, listing)
}

/// The stock of one listing, whose account changed at one of its shop's devices or whose orders moved there,
/// against the orders that were sold: the device's own, and those of the whole shop.
pub fn stock(book: &Book, own: &Seen<'_>, shop: &[Seen<'_>], listing: &ListingId) -> Result<(), Broken> {
    let fault = faulty(own.at);
    let stock = market::stock(own.store, &own.author, listing).map_err(&fault)?;
    let none = Units::default();
    let units = units(book, own, listing).unwrap_or(&none);
    let of = |counts: &BTreeMap<VariantId, u64>, variant| counts.get(variant).copied().unwrap_or(0);
    for variant in variants(units).iter().filter(|variant| stock.is_counted(variant)) {
        let [sold, held, paid] = [&units.sold, &units.held, &units.paid].map(|counts| of(counts, variant));
        let tally = stock.tally(&own.device, variant).cloned().unwrap_or_default();
        let others = shop.iter().filter(|other| other.at != own.at);
        let received = others.filter_map(|other| stock.tally(&other.device, variant)?.sent.get(&own.device));
        let received: u64 = received.sum();
        let sent: u64 = tally.sent.values().sum();
        let spent = tally.spent - tally.restored.min(tally.spent);
        let (came, went) = (tally.minted + received, tally.retired + sent);
        if !(sold..=sold + paid).contains(&spent) || spent + held + went > came {
            let words = format!(
                "{variant} of {listing}: {came} came in, {went} went, {spent} spent, {sold} sold, {paid} paid, {held} held; {}",
                histories(book, own.at, listing)
            );
            return Err(Broken::new(Law::Stock, words, [own.at]));
        }
    }
    match shop.len() {
        0 | 1 => Ok(()),
        _ => whole_shop(book, shop, listing),
    }
}

/// What all devices of a shop sold and hold, by what each knows of itself, is at most what came in.
fn whole_shop(book: &Book, shop: &[Seen<'_>], listing: &ListingId) -> Result<(), Broken> {
    let mut kept: BTreeMap<VariantId, u64> = BTreeMap::new();
    let mut stocks = Vec::new();
    for device in shop {
        let units = units(book, device, listing);
        for (variant, count) in units
            .iter()
            .flat_map(|units| units.sold.iter().chain(&units.held))
        {
            *kept.entry(*variant).or_default() += count;
        }
        let stock = market::stock(device.store, &device.author, listing);
        stocks.push((device.device, stock.map_err(faulty(device.at))?));
    }
    for (variant, kept) in kept {
        if !stocks.iter().any(|(_, stock)| stock.is_counted(&variant)) {
            continue;
        }
        let own = |(device, stock): &(DeviceId, Stock)| stock.tally(device, &variant).cloned();
        let tallies: Vec<Tally> = stocks.iter().filter_map(own).collect();
        let minted: u64 = tallies.iter().map(|tally| tally.minted).sum();
        let retired: u64 = tallies.iter().map(|tally| tally.retired).sum();
        if kept + retired > minted {
            let words = format!(
                "{variant} of {listing}: {} devices sold or hold {kept} of {minted} units, {retired} of them taken away",
                shop.len()
            );
            return Err(Broken::new(
                Law::Stock,
                words,
                shop.iter().map(|device| device.at),
            ));
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
