//! What holds once all is healed and quiet.

use super::*;

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
    let honest = |node: &&Seen<'_>| !book.liars.has(node.at);
    for node in nodes.iter().filter(honest) {
        delivered(book, node, &at)?;
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
    for node in nodes.iter().filter(honest) {
        followed(book, node, &by_author, &digests)?;
    }
    Ok(())
}

fn faulty(at: usize) -> impl Fn(souk_protocol::records::Fault) -> Broken {
    move |fault| Broken::new(Law::NoFault, fault.to_string(), [at])
}

fn delivered(book: &Book, node: &Seen<'_>, at: &BTreeMap<AuthorId, usize>) -> Result<(), Broken> {
    let rows = node.store.scan(Tree::Outbox, &Range::of([], usize::MAX));
    let rows = rows.map_err(faulty(node.at))?;
    // Whether somebody who is not honest takes what is sent to them is up to them.
    let mut to = rows.iter().map(|(key, _)| {
        let to = key.first_chunk::<32>().copied().map(AuthorId::from_bytes);
        to.and_then(|to| at.get(&to).copied())
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
        if book.liars.has(*buyer) || book.liars.has(*merchant) {
            continue;
        }
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
    let honest = |(id, _): &(&TabId, _)| !book.sides(id).is_some_and(|sides| book.with_liar(&sides));
    for (id, thread) in book.tabs.iter().filter(honest) {
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
        if authors.get(at) != Some(&order.merchant) || book.with_liar([&order.buyer, &order.merchant]) {
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
    book: &Book,
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
            .filter(|author| !book.liars.hides(author))
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
