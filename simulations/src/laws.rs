//! The laws: what must hold after every step, and what must hold once all is healed. They read the
//! signed messages for themselves where they can, so that a mistake of the protocol's folds is not
//! repeated here.

use crate::book::{Book, Thread};
use crate::chance::Chance;
use crate::law::{Broken, Law};
use souk_protocol::body::Body;
use souk_protocol::filed::Filed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, StateId, TabId};
use souk_protocol::market;
use souk_protocol::order::{ActKind, Order, OrderMessage, State, next};
use souk_protocol::records::{Range, Records, Tree};
use souk_protocol::settlement::Rail;
use souk_protocol::sync::Digests;
use souk_protocol::tab::{Change, Side, TabAct, TabState};
use std::collections::{BTreeMap, BTreeSet};

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

/// Each side's reading of an order, and the laws over all its messages.
pub fn order(book: &mut Book, id: &OrderId, chance: &mut Chance, fold: Fold) -> Result<(), Broken> {
    let Some(thread) = book.orders.get(id) else {
        return Ok(());
    };
    let nodes: Vec<usize> = thread.held.keys().copied().collect();
    let union = thread.union();
    let mut shuffled = union.clone();
    chance.shuffle(&mut shuffled);
    let read = fold(*id, book.order_messages(&union));
    let again = fold(*id, book.order_messages(&shuffled));
    if read != again {
        let state = |order: &Option<Order>| order.as_ref().map(|order| order.state.name());
        let words = format!("{id} reads {:?} and {:?}", state(&read), state(&again));
        return Err(Broken::new(Law::AnyOrder, words, nodes));
    }
    let mut folds = Vec::new();
    for (node, held) in &thread.held {
        if let Some(order) = fold(*id, book.order_messages(held)) {
            table(&order).map_err(|words| Broken::new(Law::Table, words, nodes.clone()))?;
            folds.push(((*node, *id), order));
        }
    }
    book.folds.extend(folds);
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

/// One agreed state of a tab, as this module reads it.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// Its hash.
    pub hash: StateId,
    /// Who proposed it.
    pub by: AuthorId,
    /// The state.
    pub state: &'a TabState,
}

/// The agreed chain of some messages of a tab: read without the protocol's fold.
pub fn chain<'a>(book: &'a Book, ids: &[EnvelopeId]) -> Result<Vec<Link<'a>>, String> {
    let (mut proposed, mut agreed) = (BTreeMap::new(), BTreeSet::new());
    for signed in ids.iter().filter_map(|id| book.signed(id)) {
        let Body::Tab(message) = signed.body() else {
            continue;
        };
        match &message.act {
            TabAct::Propose { state } => {
                let hash = state.id().map_err(|error| error.to_string())?;
                let link = Link {
                    hash,
                    by: signed.author(),
                    state,
                };
                proposed.insert((hash, signed.id()), link);
            }
            TabAct::Agree { propose, state } => {
                agreed.insert((*state, *propose, signed.author()));
            }
            TabAct::Refuse { .. } => {}
        }
    }
    let mut chain: Vec<Link<'a>> = Vec::new();
    loop {
        let upon = chain.last().map(|link| link.hash);
        let mut next: BTreeMap<StateId, Link<'a>> = BTreeMap::new();
        for ((hash, id), link) in &proposed {
            let other = link.state.parties.other(&link.by);
            let other = other.map_err(|error| error.to_string())?;
            if link.state.prev == upon && agreed.contains(&(*hash, *id, other)) {
                next.insert(*hash, link.clone());
            }
        }
        let Some((_, link)) = next.pop_first() else {
            return Ok(chain);
        };
        if let Some((_, other)) = next.pop_first() {
            return Err(format!(
                "both signed numbers {} and {} upon one state",
                link.state.seq, other.state.seq
            ));
        }
        chain.push(link);
    }
}

/// The laws of a tab.
pub fn tab(book: &Book, id: &TabId) -> Result<(), Broken> {
    let Some(thread) = book.tabs.get(id) else {
        return Ok(());
    };
    let nodes: Vec<usize> = thread.held.keys().copied().collect();
    let broken = |law, words: String| Broken::new(law, format!("{id}: {words}"), nodes.clone());
    one_state(book, thread).map_err(|words| broken(Law::OneState, words))?;
    let mut chains = Vec::new();
    for held in thread.held.values() {
        chains.push(chain(book, held).map_err(|words| broken(Law::OneChain, words))?);
    }
    let whole = chain(book, &thread.union()).map_err(|words| broken(Law::OneChain, words))?;
    for copy in &chains {
        let prefix = copy.iter().zip(&whole).all(|(one, other)| one.hash == other.hash);
        if !prefix || copy.len() > whole.len() {
            return Err(broken(Law::OneChain, "the copies part".into()));
        }
    }
    balances(&whole).map_err(|(law, words)| broken(law, words))?;
    for link in &whole {
        if let Change::Pay {
            order, amount_minor, ..
        } = &link.state.change
        {
            let total = book
                .orders
                .get(order)
                .and_then(|thread| fold(*order, book.order_messages(&thread.union())))
                .and_then(|order| order.total())
                .map(|total| total.minor);
            if total != Some(*amount_minor) {
                let words = format!("{amount_minor} were paid for {order}, which costs {total:?}");
                return Err(broken(Law::Quoted, words));
            }
        }
    }
    Ok(())
}

/// Nobody signs two different states of one number, as proposer or by agreeing.
fn one_state(book: &Book, thread: &Thread) -> Result<(), String> {
    let mut signed: BTreeMap<(AuthorId, u64), StateId> = BTreeMap::new();
    let mut sign = |author, seq, hash| match *signed.entry((author, seq)).or_insert(hash) == hash {
        true => Ok(()),
        false => Err(format!("{author} signed two states of number {seq}")),
    };
    for envelope in thread.union().iter().filter_map(|id| book.signed(id)) {
        let Body::Tab(message) = envelope.body() else {
            continue;
        };
        match &message.act {
            TabAct::Propose { state } => {
                let hash = state.id().map_err(|error| error.to_string())?;
                sign(envelope.author(), state.seq, hash)?;
            }
            TabAct::Agree { propose, state } => {
                if let Some(Body::Tab(proposed)) = book.signed(propose).map(|signed| signed.body())
                    && let TabAct::Propose { state: proposed } = &proposed.act
                {
                    sign(envelope.author(), proposed.seq, *state)?;
                }
            }
            TabAct::Refuse { .. } => {}
        }
    }
    Ok(())
}

/// Each state follows from the one before by its own arithmetic, and nobody owes beyond a limit.
fn balances(chain: &[Link<'_>]) -> Result<(), (Law, String)> {
    let mut paid: BTreeMap<OrderId, i64> = BTreeMap::new();
    let (mut owed_by_high, mut limits) = (0i64, (0i64, 0i64));
    for link in chain {
        let state = link.state;
        let by_high = link.by == state.parties.author(Side::High);
        match &state.change {
            Change::SetLimit { limit_minor, .. } if by_high => limits.1 = *limit_minor,
            Change::SetLimit { limit_minor, .. } => limits.0 = *limit_minor,
            Change::Pay {
                order,
                from,
                amount_minor,
            } => {
                if *from != link.by {
                    return Err((Law::Limit, format!("{order} is paid by who does not pay")));
                }
                if paid.insert(*order, *amount_minor).is_some() {
                    return Err((Law::PaidOnce, format!("{order} is paid twice")));
                }
                owed_by_high += if by_high { *amount_minor } else { -*amount_minor };
            }
            Change::Refund {
                order, amount_minor, ..
            } => {
                let rest = paid.entry(*order).or_default();
                *rest -= amount_minor;
                if *rest < 0 {
                    return Err((
                        Law::PaidOnce,
                        format!("more was given back for {order} than paid"),
                    ));
                }
                owed_by_high += if by_high { *amount_minor } else { -*amount_minor };
            }
            Change::Hold { .. } | Change::Capture { .. } | Change::Release { .. } => {
                return Err((Law::Limit, "no peer of this world sets anything aside".into()));
            }
        }
        let book = &state.book;
        let said = (book.balance_minor, book.limit_low_minor, book.limit_high_minor);
        if said != (owed_by_high, limits.0, limits.1) {
            return Err((Law::Limit, format!("number {} does not follow", state.seq)));
        }
        let grows = !matches!(state.change, Change::SetLimit { .. });
        let (debt, limit) = if by_high {
            (owed_by_high, limits.0)
        } else {
            (-owed_by_high, limits.1)
        };
        if grows && debt > limit {
            let words = format!("number {}: {debt} are owed, the limit is {limit}", state.seq);
            return Err((Law::Limit, words));
        }
    }
    Ok(())
}

/// A merchant's receipt for a payment by tab, and the tab that shows it.
pub fn receipt(book: &Book, at: usize, order: &Order) -> Result<(), Broken> {
    let (Some(total), Some(Rail::Tab), Some(_)) = (order.total(), order.rail(), &order.receipt) else {
        return Ok(());
    };
    let tab = TabId::of(&order.buyer, &order.merchant, total.currency.code());
    let held = book.tabs.get(&tab).and_then(|thread| thread.held.get(&at));
    let chain = chain(book, held.map_or(&[], Vec::as_slice))
        .map_err(|words| Broken::new(Law::OneChain, words, [at]))?;
    let shown = chain.iter().any(|link| {
        link.by == order.buyer
            && link.state.change
                == Change::Pay {
                    order: order.id,
                    from: order.buyer,
                    amount_minor: total.minor,
                }
    });
    match shown {
        true => Ok(()),
        false => {
            let words = format!("{} has a receipt, and {tab} no payment", order.id);
            Err(Broken::new(Law::Receipted, words, [at]))
        }
    }
}

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

/// A node, as the laws of agreement see it.
pub struct Seen<'a> {
    /// Its number.
    pub at: usize,
    /// Its author.
    pub author: AuthorId,
    /// Its store.
    pub store: &'a dyn Records,
}

/// What must hold once all is healed and quiet.
pub fn agreement(book: &Book, nodes: &[Seen<'_>]) -> Result<(), Broken> {
    let at = nodes.iter().map(|node| (node.author, node.at)).collect();
    for node in nodes {
        delivered(node, &at)?;
    }
    orders_agree(book, &at)?;
    tabs_agree(book, nodes)?;
    finished(book, nodes)?;
    let by_author: BTreeMap<AuthorId, &Seen<'_>> = nodes.iter().map(|node| (node.author, node)).collect();
    let mut digests = BTreeMap::new();
    for node in nodes {
        let own = Digests::of(node.store, &node.author).map_err(faulty(node.at))?;
        digests.insert(node.author, own.root());
    }
    for node in nodes {
        followed(node, &by_author, &digests)?;
    }
    Ok(())
}

fn faulty(at: usize) -> impl Fn(souk_protocol::records::Fault) -> Broken {
    move |fault| Broken::new(Law::NoFault, fault.to_string(), [at])
}

fn delivered(node: &Seen<'_>, at: &BTreeMap<AuthorId, usize>) -> Result<(), Broken> {
    let rows = node.store.scan(Tree::Outbox, &Range::of([], 1));
    let rows = rows.map_err(faulty(node.at))?;
    let Some((key, _)) = rows.first() else {
        return Ok(());
    };
    let to = key.first_chunk::<32>().copied().map(AuthorId::from_bytes);
    let to = to.and_then(|to| at.get(&to).copied());
    let words = format!("something waits at node {} for node {to:?}", node.at);
    Err(Broken::new(
        Law::Delivered,
        words,
        std::iter::once(node.at).chain(to),
    ))
}

fn orders_agree(book: &Book, at: &BTreeMap<AuthorId, usize>) -> Result<(), Broken> {
    for (id, thread) in &book.orders {
        let ask = book.signed(&EnvelopeId::from_bytes(*id.as_bytes()));
        let sides = ask.and_then(|ask| Some([at.get(&ask.author())?, at.get(&ask.body().to()?)?]));
        let Some([buyer, merchant]) = sides else {
            return Err(Broken::new(
                Law::OrdersAgree,
                format!("{id} has no first message"),
                [],
            ));
        };
        let held = |node| {
            let ids = thread.held.get(node).cloned().unwrap_or_default();
            BTreeSet::from_iter(ids)
        };
        let (here, there): (BTreeSet<EnvelopeId>, BTreeSet<EnvelopeId>) = (held(buyer), held(merchant));
        let folds = (book.folds.get(&(*buyer, *id)), book.folds.get(&(*merchant, *id)));
        if here != there || folds.0 != folds.1 {
            let state = |order: Option<&Order>| order.map_or("unknown", |order| order.state.name());
            let words = format!(
                "{id}: the buyer holds {} messages and reads {}, the merchant {} and {}",
                here.len(),
                state(folds.0),
                there.len(),
                state(folds.1)
            );
            return Err(Broken::new(Law::OrdersAgree, words, [*buyer, *merchant]));
        }
    }
    Ok(())
}

fn tabs_agree(book: &Book, seen: &[Seen<'_>]) -> Result<(), Broken> {
    let authors: BTreeMap<usize, AuthorId> = seen.iter().map(|node| (node.at, node.author)).collect();
    let mut sum = 0i64;
    for (id, thread) in &book.tabs {
        let nodes: Vec<usize> = thread.held.keys().copied().collect();
        let broken = |words: String| Broken::new(Law::TabsAgree, format!("{id}: {words}"), nodes.clone());
        let mut last: Option<Vec<StateId>> = None;
        for (at, held) in &thread.held {
            let links = chain(book, held).map_err(&broken)?;
            let hashes: Vec<StateId> = links.iter().map(|link| link.hash).collect();
            if last.as_ref().is_some_and(|last| *last != hashes) {
                return Err(broken("the copies differ".into()));
            }
            // Each side books what its own copy says.
            if let Some((link, me)) = links.last().zip(authors.get(at)) {
                let balance = link.state.balance(me);
                sum += balance.map_err(|error| broken(error.to_string()))?.minor;
            }
            last = Some(hashes);
        }
        if thread.held.len() != 2 {
            return Err(broken("one side knows nothing of it".into()));
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

/// Nothing that the peers do by themselves is left to do.
fn finished(book: &Book, nodes: &[Seen<'_>]) -> Result<(), Broken> {
    let authors: BTreeMap<usize, AuthorId> = nodes.iter().map(|node| (node.at, node.author)).collect();
    for ((at, id), order) in &book.folds {
        let Some(total) = order.total().filter(|_| order.rail() == Some(Rail::Tab)) else {
            continue;
        };
        if authors.get(at) != Some(&order.merchant) {
            continue;
        }
        let tab = TabId::of(&order.buyer, &order.merchant, total.currency.code());
        let held = book.tabs.get(&tab).and_then(|thread| thread.held.get(at));
        let links = chain(book, held.map_or(&[], Vec::as_slice));
        let links = links.map_err(|words| Broken::new(Law::OneChain, words, [*at]))?;
        let mut paid = None;
        for link in &links {
            match &link.state.change {
                Change::Pay {
                    order, amount_minor, ..
                } if order == id => paid = Some(*amount_minor),
                Change::Refund {
                    order, amount_minor, ..
                } if order == id => paid = paid.map(|paid| paid - amount_minor),
                _ => {}
            }
        }
        let left = match (order.state, paid) {
            (State::Accepted, Some(_)) => "it is paid, and the buyer does not say so",
            (State::Paid, _) => "it is paid, and there is no receipt",
            (State::Lapsed, Some(1..)) => "it lapsed, and what was paid is not given back",
            (State::Accepted, None) => {
                let state = links.last().map(|link| link.state);
                let room = state.and_then(|state| state.credit_left(&order.buyer).ok());
                match room.map_or(0, |room| room.minor) >= total.minor {
                    true => "it is accepted, the tab has room, and it is not paid",
                    false => continue,
                }
            }
            _ => continue,
        };
        return Err(Broken::new(Law::Finished, format!("{id}: {left}"), [*at]));
    }
    Ok(())
}

fn followed(
    node: &Seen<'_>,
    by_author: &BTreeMap<AuthorId, &Seen<'_>>,
    digests: &BTreeMap<AuthorId, u64>,
) -> Result<(), Broken> {
    let fault = faulty(node.at);
    let follows = node
        .store
        .scan(Tree::Follows, &Range::of([], usize::MAX))
        .map_err(&fault)?;
    for (key, _) in follows {
        let Some(followed) = AuthorId::from_slice(&key)
            .ok()
            .and_then(|author| by_author.get(&author))
        else {
            continue;
        };
        let author = followed.author;
        let broken = |what: &str| {
            let words = format!("node {} lacks {what} of node {}", node.at, followed.at);
            Broken::new(Law::Followed, words, [node.at, followed.at])
        };
        for device in followed.store.devices(&author).map_err(&fault)? {
            let said = followed.store.log_head(&device).map_err(&fault)?;
            if node.store.log_head(&device).map_err(&fault)? != said {
                return Err(broken("the log"));
            }
        }
        let held = Digests::of(node.store, &author).map_err(&fault)?;
        if digests.get(&author) != Some(&held.root()) {
            return Err(broken("a state"));
        }
    }
    Ok(())
}
