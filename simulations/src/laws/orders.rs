//! What holds of an order: it reads the same in any order of arrival, and moves by its table.

use super::*;

/// How an order's messages are read. The world passes the protocol's own fold, a broken switch another.
pub type Fold = for<'a> fn(OrderId, Vec<Filed<'a, OrderMessage>>) -> Option<Order>;

/// The protocol's fold.
pub fn fold(id: OrderId, messages: Vec<Filed<'_, OrderMessage>>) -> Option<Order> {
    Order::fold(id, messages)
}

/// A fold that is wrong on purpose: of messages that act upon one, the first to come counts.
pub fn fold_first_come(id: OrderId, messages: Vec<Filed<'_, OrderMessage>>) -> Option<Order> {
    let mut seen = BTreeSet::new();
    let first = messages
        .into_iter()
        .filter(|filed| filed.message.after.is_none_or(|after| seen.insert(after)));
    Order::fold(id, first)
}

/// Another one: whatever was said counts, in the order of the times stated.
pub fn fold_every_word(id: OrderId, messages: Vec<Filed<'_, OrderMessage>>) -> Option<Order> {
    let mut order = Order::fold(id, messages.clone())?;
    let lost = messages.iter().filter(|filed| order.losing.contains(&filed.id));
    let lost: Vec<Done> = lost
        .filter_map(|filed| {
            Some(Done {
                id: filed.id,
                by: order.role(&filed.author)?,
                device: filed.device,
                act: filed.message.act.kind(),
                time: filed.time,
            })
        })
        .collect();
    order.history.extend(lost);
    order.history.sort_by_key(|done| (done.time, done.id));
    Some(order)
}

/// Each side's reading of an order, and the laws over all its messages. Unless `anew` says so, what was read of the
/// same messages before is not read again.
pub fn order(
    book: &mut Book,
    id: &OrderId,
    chance: &mut Chance,
    fold: Fold,
    anew: bool,
) -> Result<(), Broken> {
    let Some(thread) = book.orders.get(id) else {
        return Ok(());
    };
    let nodes: Vec<usize> = thread.held.keys().copied().collect();
    let union = thread.union();
    let mut shuffled = union.clone();
    chance.shuffle(&mut shuffled);
    let is_read = |of, count: usize| !anew && thread.read.get(&of) == Some(&count);
    let read = match book.wholes.get(id).filter(|_| is_read(None, union.len())) {
        Some(known) => Some(Arc::clone(known)),
        None => {
            let read = fold(*id, book.order_messages(&union));
            let again = fold(*id, book.order_messages(&shuffled));
            if read != again {
                let state = |order: &Option<Order>| order.as_ref().map(|order| order.state.name());
                let words = format!("{id} reads {:?} and {:?}", state(&read), state(&again));
                return Err(Broken::new(Law::AnyOrder, words, nodes));
            }
            read.map(Arc::new)
        }
    };
    let mut counts = vec![(None, union.len())];
    let mut folds = Vec::new();
    for (node, held) in &thread.held {
        counts.push((Some(*node), held.len()));
        if is_read(Some(*node), held.len()) {
            continue;
        }
        // A side that holds every message reads what all of them say.
        let order = match held.len() < union.len() {
            true => fold(*id, book.order_messages(held)).map(Arc::new),
            false => read.clone(),
        };
        if let Some(order) = order {
            table(&order).map_err(|words| Broken::new(Law::Table, words, nodes.clone()))?;
            folds.push((*node, order));
        }
    }
    if let Some(thread) = book.orders.get_mut(id) {
        thread.read.extend(counts);
    }
    for (node, order) in folds {
        book.keep_fold(node, order);
    }
    book.wholes.extend(read.map(|order| (*id, order)));
    Ok(())
}

fn table(order: &Order) -> Result<(), String> {
    let mut state = State::Asked;
    for done in order.history.iter().skip(1) {
        state = next(state, done.by, done.act)
            .ok_or_else(|| format!("{}: {} in the state {}", order.id, done.act.name(), state.name()))?;
    }
    if state != order.state {
        return Err(format!(
            "{} says {} and is {}",
            order.id,
            order.state.name(),
            state.name()
        ));
    }
    let times = |act| order.history.iter().filter(|done| done.act == act).count();
    match [ActKind::Accept, ActKind::Pay, ActKind::Receipt, ActKind::Fulfil]
        .into_iter()
        .find(|act| times(*act) > 1)
    {
        Some(act) => Err(format!("{} has more than one {}", order.id, act.name())),
        None => Ok(()),
    }
}
