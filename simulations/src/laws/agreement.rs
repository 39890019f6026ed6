//! What holds once all is healed and quiet.

use super::*;
use souk_protocol::peer::own_ways;
use std::collections::btree_map::Entry;

/// All devices of each author.
pub(super) type Homes<'a> = BTreeMap<AuthorId, Vec<&'a Seen<'a>>>;

/// What must hold once all is healed and quiet.
pub fn agreement(book: &Book, nodes: &[Seen<'_>], reading: Reading) -> Result<(), Broken> {
    let mut homes = Homes::new();
    for node in nodes {
        homes.entry(node.author).or_default().push(node);
    }
    let honest = |node: &&Seen<'_>| !book.liars.has(node.at);
    for node in nodes.iter().filter(honest) {
        delivered(book, node, &homes)?;
    }
    orders_agree(book, &homes)?;
    tabs_agree(book, nodes, &homes)?;
    finished(book, nodes)?;
    let mut digests = BTreeMap::new();
    for node in nodes {
        let own = Digests::of(node.store, &node.author).map_err(faulty(node.at))?;
        digests.insert(node.at, own.root());
    }
    let mut readers: BTreeMap<AuthorId, Vec<&Seen<'_>>> = BTreeMap::new();
    for node in nodes.iter().filter(honest) {
        for author in followed(book, node, &homes, &digests)? {
            readers.entry(author).or_default().push(node);
        }
    }
    for (author, devices) in homes.iter().filter(|(author, _)| !book.liars.hides(author)) {
        let readers = readers.get(author).map_or(&[][..], Vec::as_slice);
        shop::one_shop(author, devices, readers, reading)?;
    }
    Ok(())
}

fn delivered(book: &Book, node: &Seen<'_>, homes: &Homes<'_>) -> Result<(), Broken> {
    let rows = node.store.scan(Tree::Outbox, &Range::of([], usize::MAX));
    let rows = rows.map_err(faulty(node.at))?;
    // Whether somebody who is not honest takes what is sent to them is up to them.
    let mut to = rows.iter().map(|(key, _)| {
        let to = key.first_chunk::<32>().copied().map(AuthorId::from_bytes);
        to.and_then(|to| homes.get(&to)?.first().map(|first| first.at))
    });
    let Some(to) = to.find(|to| to.is_none_or(|to| !book.liars.has(to))) else {
        return Ok(());
    };
    let words = format!("something waits at node {} for node {to:?}", node.at);
    Err(Broken::new(
        Law::Delivered,
        words,
        std::iter::once(node.at).chain(to),
    ))
}

/// All devices of both sides hold the same messages of an order.
fn orders_agree(book: &Book, homes: &Homes<'_>) -> Result<(), Broken> {
    for (id, thread) in &book.orders {
        let ask = book.signed(&EnvelopeId::from_bytes(*id.as_bytes()));
        let sides = ask.and_then(|ask| Some([homes.get(&ask.author())?, homes.get(&ask.body().to()?)?]));
        let Some([buyers, merchants]) = sides else {
            return Err(Broken::new(
                Law::OrdersAgree,
                format!("{id} has no first message"),
                [],
            ));
        };
        let is_liar = |side: &[&Seen<'_>]| side.iter().any(|node| book.liars.has(node.at));
        if is_liar(buyers) || is_liar(merchants) {
            continue;
        }
        let held = |node: &Seen<'_>| {
            let ids = thread.held.get(&node.at).into_iter().flatten();
            ids.copied().collect::<BTreeSet<EnvelopeId>>()
        };
        let mut devices = buyers.iter().chain(merchants);
        let Some(first) = devices.next() else {
            continue;
        };
        let (here, read) = (held(first), book.folds.get(&(first.at, *id)));
        for other in devices {
            let (there, reads) = (held(other), book.folds.get(&(other.at, *id)));
            if here != there || read != reads {
                let state = |order: Option<&Arc<Order>>| order.map_or("unknown", |order| order.state.name());
                let words = format!(
                    "{id}: the buyer holds {} messages and reads {}, node {} holds {} and reads {}",
                    here.len(),
                    state(read),
                    other.at,
                    there.len(),
                    state(reads)
                );
                return Err(Broken::new(Law::OrdersAgree, words, [first.at, other.at]));
            }
        }
    }
    Ok(())
}

/// All devices of both sides hold the same chain of a tab.
fn tabs_agree(book: &Book, seen: &[Seen<'_>], homes: &Homes<'_>) -> Result<(), Broken> {
    let authors: BTreeMap<usize, AuthorId> = seen.iter().map(|node| (node.at, node.author)).collect();
    let mut sum = 0i64;
    let honest = |(id, _): &(&TabId, _)| !book.sides(id).is_some_and(|sides| book.with_liar(&sides));
    for (id, thread) in book.tabs.iter().filter(honest) {
        let nodes: Vec<usize> = thread.held.keys().copied().collect();
        let broken = |words: String| Broken::new(Law::TabsAgree, format!("{id}: {words}"), nodes.clone());
        let mut last: Option<Vec<StateId>> = None;
        let mut sides = BTreeSet::new();
        for at in thread.held.keys() {
            let links = chain_of(book, *at, id).map_err(&broken)?;
            let hashes: Vec<StateId> = links.iter().map(|link| link.hash).collect();
            if last.as_ref().is_some_and(|last| *last != hashes) {
                return Err(broken("the copies differ".into()));
            }
            last = Some(hashes);
            let Some(me) = authors.get(at).filter(|me| sides.insert(**me)) else {
                continue;
            };
            // Each side books what its own copy says.
            if let Some(link) = links.last() {
                let balance = link.state.balance(me);
                sum += balance.map_err(|error| broken(error.to_string()))?.minor;
            }
        }
        let devices: usize = sides
            .iter()
            .filter_map(|side| homes.get(side))
            .map(Vec::len)
            .sum();
        if sides.len() != 2 || thread.held.len() != devices {
            return Err(broken(
                "one side knows nothing of it, or one of its devices".into(),
            ));
        }
    }
    match sum {
        0 => Ok(()),
        sum => Err(Broken::new(
            Law::TabsAgree,
            format!("all balances add up to {sum}"),
            [],
        )),
    }
}

/// What a chain says was paid for each order and not given back.
struct Paid<'a> {
    orders: BTreeMap<OrderId, i64>,
    last: Option<&'a TabState>,
}

impl<'a> Paid<'a> {
    fn of(links: &[Link<'a>]) -> Self {
        let mut orders = BTreeMap::new();
        for link in links {
            match &link.state.change {
                Change::Pay {
                    order, amount_minor, ..
                } => drop(orders.insert(*order, *amount_minor)),
                Change::Refund {
                    order, amount_minor, ..
                } => {
                    if let Some(paid) = orders.get_mut(order) {
                        *paid -= amount_minor;
                    }
                }
                _ => {}
            }
        }
        let last = links.last().map(|link| link.state);
        Self { orders, last }
    }

    /// What an order's buyer was paid as a seller for what is not completed: it may have to be given back, and
    /// nobody pays with it.
    fn unearned(&self, book: &Book, at: usize, order: &Order) -> i64 {
        let between = book.between(at, &order.buyer, &order.merchant);
        let sold = between.filter(|sold| sold.merchant == order.buyer);
        let open = sold.filter(|sold| sold.state != State::Completed);
        open.filter_map(|sold| self.orders.get(&sold.id)).sum()
    }

    /// What an order's buyer is to pay besides it, for orders that were accepted.
    fn promised(&self, book: &Book, at: usize, order: &Order) -> i64 {
        let between = book.between(at, &order.buyer, &order.merchant);
        let accepted = between.filter(|other| {
            other.buyer == order.buyer
                && other.state == State::Accepted
                && other.rail() == Some(Rail::Tab)
                && !self.orders.contains_key(&other.id)
        });
        accepted.filter_map(Order::total).map(|total| total.minor).sum()
    }

    /// Whether somebody may owe so much more than they do.
    fn has_room(&self, payer: &AuthorId, minor: i64) -> bool {
        let room = self.last.and_then(|state| state.credit_left(payer).ok());
        room.map_or(0, |room| room.minor) >= minor
    }
}

/// Nothing that the peers do by themselves is left to do.
fn finished(book: &Book, nodes: &[Seen<'_>]) -> Result<(), Broken> {
    let authors: BTreeMap<usize, AuthorId> = nodes.iter().map(|node| (node.at, node.author)).collect();
    let mut accepts = BTreeSet::new();
    for node in nodes {
        let ways = own_ways(node.store).map_err(faulty(node.at))?;
        accepts.extend(ways.accept_by_itself.then_some(node.at));
    }
    let mut chains: BTreeMap<(usize, TabId), Paid<'_>> = BTreeMap::new();
    for ((at, id), order) in &book.folds {
        let Some(total) = order.total().filter(|_| order.rail() == Some(Rail::Tab)) else {
            continue;
        };
        if authors.get(at) != Some(&order.merchant) || book.with_liar([&order.buyer, &order.merchant]) {
            continue;
        }
        let tab = TabId::of(&order.buyer, &order.merchant, total.currency.code());
        let chain = match chains.entry((*at, tab)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(room) => {
                let links = chain_of(book, *at, &tab);
                room.insert(Paid::of(
                    &links.map_err(|words| Broken::new(Law::OneChain, words, [*at]))?,
                ))
            }
        };
        let paid = chain.orders.get(id).copied();
        let left = match (order.state, paid) {
            (State::Accepted, Some(_)) => "it is paid, and the buyer does not say so",
            (State::Paid, _) => "it is paid, and there is no receipt",
            (State::Lapsed, Some(left @ 1..)) if chain.has_room(&order.merchant, left) => {
                "it lapsed, the tab has room, and what was paid is not given back"
            }
            (State::Placed, None)
                if accepts.contains(at)
                    && chain.has_room(
                        &order.buyer,
                        total.minor + chain.unearned(book, *at, order) + chain.promised(book, *at, order),
                    ) =>
            {
                "it is placed, the tab has room, and a shop that accepts by itself does not"
            }
            (State::Accepted, None)
                if chain.has_room(&order.buyer, total.minor + chain.unearned(book, *at, order)) =>
            {
                "it is accepted, the tab has room, and it is not paid"
            }
            _ => continue,
        };
        return Err(Broken::new(Law::Finished, format!("{id}: {left}"), [*at]));
    }
    Ok(())
}

/// A node holds all that whom it follows has said on any device, and so does each device of its owner's own
/// words. Says whom it follows.
fn followed(
    book: &Book,
    node: &Seen<'_>,
    homes: &Homes<'_>,
    digests: &BTreeMap<usize, u64>,
) -> Result<Vec<AuthorId>, Broken> {
    let fault = faulty(node.at);
    let follows = node
        .store
        .scan(Tree::Follows, &Range::of([], usize::MAX))
        .map_err(&fault)?;
    let follows = follows
        .iter()
        .filter_map(|(key, _)| AuthorId::from_slice(key).ok());
    let follows: Vec<AuthorId> = follows.filter(|author| !book.liars.hides(author)).collect();
    for author in follows.iter().chain([&node.author]) {
        let devices = homes.get(author).map_or(&[][..], Vec::as_slice);
        let others: Vec<_> = devices.iter().filter(|device| device.at != node.at).collect();
        if others.is_empty() {
            continue;
        }
        let held = Digests::of(node.store, author).map_err(&fault)?.root();
        for followed in others {
            let broken = |what: &str| {
                let words = format!("node {} lacks {what} of node {}", node.at, followed.at);
                Broken::new(Law::Followed, words, [node.at, followed.at])
            };
            for device in followed.store.devices(author).map_err(&fault)? {
                let said = followed.store.log_head(&device).map_err(&fault)?;
                if node.store.log_head(&device).map_err(&fault)? != said {
                    return Err(broken("the log"));
                }
            }
            if digests.get(&followed.at) != Some(&held) {
                return Err(broken("a state"));
            }
        }
    }
    Ok(follows)
}
