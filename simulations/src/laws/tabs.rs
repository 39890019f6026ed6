//! What holds of a tab: one chain of states that both signed, within its limits, of payments that were
//! quoted. Read without the protocol's fold.

use super::*;

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
    let (mut proposed, mut agreed) = (Vec::new(), BTreeSet::new());
    for signed in ids.iter().filter_map(|id| book.signed(id)) {
        let Body::Tab(message) = signed.body() else {
            continue;
        };
        match &message.act {
            TabAct::Propose { state } => {
                let by = signed.author();
                let other = state.parties.other(&by).map_err(|error| error.to_string())?;
                let hash = book.state_id(&signed.id())?;
                proposed.push((signed.id(), other, Link { hash, by, state }));
            }
            TabAct::Agree { propose, state } => {
                agreed.insert((*state, *propose, signed.author()));
            }
            TabAct::Refuse { .. } => {}
        }
    }
    let mut upon: BTreeMap<Option<StateId>, BTreeMap<StateId, Link<'a>>> = BTreeMap::new();
    for (id, other, link) in proposed {
        if agreed.contains(&(link.hash, id, other)) {
            upon.entry(link.state.prev).or_default().insert(link.hash, link);
        }
    }
    let mut chain: Vec<Link<'a>> = Vec::new();
    while let Some(mut next) = upon.remove(&chain.last().map(|link| link.hash)) {
        let (seqs, lies) = (next.values().map(|link| link.state.seq), |link: &Link<'_>| {
            let other = link.state.parties.other(&link.by);
            book.liars.speaks(&link.by) || other.is_ok_and(|other| book.liars.speaks(&other))
        });
        // Of what a liar signed twice the greatest number counts, as in `spec/settlement.md`.
        let greatest = seqs.max().filter(|_| next.values().any(lies));
        next.retain(|_, link| greatest.is_none_or(|greatest| link.state.seq == greatest));
        let Some((_, link)) = next.pop_first() else {
            break;
        };
        if let Some((_, other)) = next.pop_first() {
            return Err(format!(
                "both signed numbers {} and {} upon one state",
                link.state.seq, other.state.seq
            ));
        }
        chain.push(link);
    }
    Ok(chain)
}

/// The laws of a tab.
pub fn tab(book: &Book, id: &TabId) -> Result<(), Broken> {
    let Some(thread) = book.tabs.get(id) else {
        return Ok(());
    };
    let nodes: Vec<usize> = thread.held.keys().copied().collect();
    let broken = |law, words: String| Broken::new(law, format!("{id}: {words}"), nodes.clone());
    let mut union = thread.union();
    one_state(book, &union).map_err(|words| broken(Law::OneState, words))?;
    // The copy of somebody who is not honest is none.
    let copies = thread.held.iter().filter(|(at, _)| !book.liars.has(**at));
    let copies: Vec<&Vec<EnvelopeId>> = copies.map(|(_, held)| held).collect();
    if copies.len() < thread.held.len() {
        union = copies.iter().flat_map(|held| held.iter().copied()).collect();
    }
    let whole = chain(book, &union).map_err(|words| broken(Law::OneChain, words))?;
    // A copy that has every message reads as the whole does.
    for held in copies.into_iter().filter(|held| held.len() < union.len()) {
        let copy = chain(book, held).map_err(|words| broken(Law::OneChain, words))?;
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
            let total = book.wholes.get(order).and_then(Order::total);
            let total = total.map(|total| total.minor);
            if total != Some(*amount_minor) {
                let words = format!("{amount_minor} were paid for {order}, which costs {total:?}");
                return Err(broken(Law::Quoted, words));
            }
        }
    }
    Ok(())
}

/// Nobody signs two different states of one number, as proposer or by agreeing; but by hand.
fn one_state(book: &Book, ids: &[EnvelopeId]) -> Result<(), String> {
    let mut signed: BTreeMap<(AuthorId, u64), StateId> = BTreeMap::new();
    let mut sign = |author, seq, hash| match *signed.entry((author, seq)).or_insert(hash) == hash {
        true => Ok(()),
        false => Err(format!("{author} signed two states of number {seq}")),
    };
    let by_peers = ids.iter().filter(|id| !book.liars.signed(id));
    for envelope in by_peers.filter_map(|id| book.signed(id)) {
        let Body::Tab(message) = envelope.body() else {
            continue;
        };
        match &message.act {
            TabAct::Propose { state } => {
                let hash = book.state_id(&envelope.id())?;
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

/// A merchant's receipt for a payment by tab, and the tab that shows it to the device that signed it.
pub fn receipt(book: &Book, own: &Seen<'_>, order: &Order) -> Result<(), Broken> {
    let at = own.at;
    let signed = order.history.iter().find(|done| done.act == ActKind::Receipt);
    let signed = signed.and_then(|done| book.signed(&done.id));
    if signed.is_none_or(|signed| signed.device() != own.device) {
        return Ok(());
    }
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
