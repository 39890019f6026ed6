//! What holds of a listing's stock: no unit is sold twice.

use super::*;

/// Units of one listing in orders that one device sees to, by variant, as it reads them.
#[derive(Default)]
struct Units {
    sold: BTreeMap<VariantId, u64>,
    held: BTreeMap<VariantId, u64>,
    paid: BTreeMap<VariantId, u64>,
}

impl Units {
    fn of(book: &Book, seller: &Seen<'_>, listing: &ListingId) -> Self {
        let mut units = Self::default();
        let mine = book.folds.range((seller.at, OrderId::from_bytes([0; 32]))..);
        for (_, order) in mine.take_while(|((node, _), _)| *node == seller.at) {
            // Of a shop's devices it is the one that signed the quote that holds and sells the units.
            let quoted = order.quote.as_ref().and_then(|(id, _)| book.signed(id));
            if order.merchant != seller.author || quoted.map(|quote| quote.device()) != Some(seller.device) {
                continue;
            }
            let counts = match order.state {
                State::Quoted | State::Placed => &mut units.held,
                State::Accepted | State::Receipted | State::Fulfilled | State::Completed => &mut units.sold,
                // One that was paid after it had lapsed may have lost its units: then it gets no receipt.
                State::Paid => &mut units.paid,
                _ => continue,
            };
            for line in order.lines().iter().filter(|line| line.listing == *listing) {
                *counts.entry(line.variant).or_default() += u64::from(line.units);
            }
        }
        units
    }

    fn variants(&self) -> BTreeSet<VariantId> {
        let all = [&self.sold, &self.held, &self.paid];
        all.into_iter().flat_map(BTreeMap::keys).copied().collect()
    }
}

/// The stock of one listing, whose account changed at one of its shop's devices or whose orders moved there,
/// against the orders that were sold: the device's own, and those of the whole shop.
pub fn stock(book: &Book, own: &Seen<'_>, shop: &[Seen<'_>], listing: &ListingId) -> Result<(), Broken> {
    let fault = faulty(own.at);
    let stock = market::stock(own.store, &own.author, listing).map_err(&fault)?;
    let units = Units::of(book, own, listing);
    let of = |counts: &BTreeMap<VariantId, u64>, variant| counts.get(variant).copied().unwrap_or(0);
    for variant in units
        .variants()
        .iter()
        .filter(|variant| stock.is_counted(variant))
    {
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
        let units = Units::of(book, device, listing);
        for (variant, count) in units.sold.iter().chain(&units.held) {
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
