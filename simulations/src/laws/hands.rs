//! What holds of a side with several devices: one of them alone says what the side says.

use super::*;

/// In an order, as all its messages tell it, each side's acts are signed by one device.
pub fn order_hands(book: &Book, order: &Order) -> Result<(), Broken> {
    let mut hands = BTreeMap::new();
    for done in &order.history {
        let Some(signed) = book.signed(&done.id) else {
            continue;
        };
        let first = *hands.entry(done.by).or_insert(signed.device());
        if first != signed.device() {
            let words = format!(
                "{}: {} signs for the {}, and {first} did before",
                order.id,
                signed.device(),
                done.by.name()
            );
            return Err(Broken::new(Law::OneHand, words, holders(book, &order.id)));
        }
    }
    Ok(())
}

fn holders(book: &Book, id: &OrderId) -> Vec<usize> {
    let thread = book.orders.get(id);
    thread.map_or_else(Vec::new, |thread| thread.held.keys().copied().collect())
}

/// Upon a tab each side's messages are signed by one device.
pub fn tab_hands(book: &Book, id: &TabId) -> Result<(), Broken> {
    let Some(thread) = book.tabs.get(id) else {
        return Ok(());
    };
    let mut hands = BTreeMap::new();
    for signed in thread.union().iter().filter_map(|id| book.signed(id)) {
        let first = *hands.entry(signed.author()).or_insert(signed.device());
        if first != signed.device() {
            let words = format!("{id}: {} and {first} both sign for one side", signed.device());
            return Err(Broken::new(Law::OneHand, words, thread.held.keys().copied()));
        }
    }
    Ok(())
}
