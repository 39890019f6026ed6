//! What holds of a tab: one chain of states that both signed, within its limits, of payments that were
//! quoted. Read without the protocol's fold.

use super::*;
use crate::book::strands::{Balances, Strands};

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
        quoted(book, link.state).map_err(|words| broken(Law::Quoted, words))?;
    }
    // What was read message by message is what all of them say.
    let strand = book
        .strands
        .get(id)
        .map_or(&[][..], |strands| strands.whole.chain());
    let same = strand
        .iter()
        .map(|(hash, _)| hash)
        .eq(whole.iter().map(|link| &link.hash));
    if !same && !book.sides(id).is_some_and(|sides| book.with_liar(&sides)) {
        return Err(broken(
            Law::OneChain,
            "its messages read another way one by one".into(),
        ));
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
    let mut balances = Balances::default();
    chain
        .iter()
        .try_for_each(|link| balances.count(&link.by, link.state))
}

/// What is paid is what was quoted.
fn quoted(book: &Book, state: &TabState) -> Result<(), String> {
    let Change::Pay {
        order, amount_minor, ..
    } = &state.change
    else {
        return Ok(());
    };
    let total = book.wholes.get(order).and_then(|order| order.total());
    let total = total.map(|total| total.minor);
    match total == Some(*amount_minor) {
        true => Ok(()),
        false => Err(format!(
            "{amount_minor} were paid for {order}, which costs {total:?}"
        )),
    }
}

/// Whether somebody has said that an order is completed, or that the buyer's silence means so, whatever came of it.
fn is_completed(book: &Book, order: &OrderId) -> bool {
    let Some(order) = book.wholes.get(order) else {
        return false;
    };
    let said = |id: &EnvelopeId| {
        let filed = book.signed(id).and_then(Signed::order_message);
        let ends = |act: &Act| matches!(act, Act::Complete {} | Act::Lapse { due: Due::Complete });
        filed.is_some_and(|filed| ends(&filed.message.act))
    };
    order.state == State::Completed || order.losing.iter().any(said)
}

/// The laws of a tab over what came to it since they were looked at last. Of a tab with somebody who is not honest
/// everything is read again: what counts of what a liar signs depends on all of it.
pub fn tab_goes_on(book: &mut Book, id: &TabId) -> Result<(), Broken> {
    if book.sides(id).is_some_and(|sides| book.with_liar(&sides)) {
        tab(book, id)?;
        return tab_hands(book, id);
    }
    let Some(mut strands) = book.strands.remove(id) else {
        return Ok(());
    };
    let found = goes_on(book, &mut strands);
    let nodes: Vec<usize> = strands.copies.keys().copied().collect();
    book.strands.insert(*id, strands);
    found.map_err(|(law, words)| Broken::new(law, format!("{id}: {words}"), nodes))
}

fn goes_on(book: &Book, strands: &mut Strands) -> Result<(), (Law, String)> {
    if let Some((law, words)) = strands.wrong() {
        return Err((law, words.to_owned()));
    }
    let new = strands.whole.chain().get(strands.balances.links..);
    for link in links(book, new.unwrap_or_default()) {
        strands.balances.count(&link.by, link.state)?;
        strands
            .balances
            .earned(&link.by, link.state, |order| is_completed(book, order))?;
        quoted(book, link.state).map_err(|words| (Law::Quoted, words))?;
    }
    match strands.two_hands() {
        Some(words) => Err((Law::OneHand, words.to_owned())),
        None => Ok(()),
    }
}

/// The states of a chain that was read message by message.
fn links<'a>(book: &'a Book, chain: &[(StateId, EnvelopeId)]) -> Vec<Link<'a>> {
    let link = |(hash, id): &(StateId, EnvelopeId)| {
        let signed = book.signed(id)?;
        match signed.body() {
            Body::Tab(message) => match &message.act {
                TabAct::Propose { state } => Some(Link {
                    hash: *hash,
                    by: signed.author(),
                    state,
                }),
                _ => None,
            },
            _ => None,
        }
    };
    chain.iter().filter_map(link).collect()
}

/// The agreed chain of a node's copy of a tab.
pub fn chain_of<'a>(book: &'a Book, at: usize, tab: &TabId) -> Result<Vec<Link<'a>>, String> {
    if book.sides(tab).is_some_and(|sides| book.with_liar(&sides)) {
        let held = book.tabs.get(tab).and_then(|thread| thread.held.get(&at));
        return chain(book, held.map_or(&[], Vec::as_slice));
    }
    let copy = book.strands.get(tab).and_then(|strands| strands.copies.get(&at));
    match copy.and_then(|copy| copy.fork()) {
        Some(fork) => Err(fork.to_owned()),
        None => Ok(links(book, copy.map_or(&[], |copy| copy.chain()))),
    }
}

/// The states in a node's copy of a tab that pay an order.
fn payments<'a>(book: &'a Book, at: usize, tab: &TabId, order: &OrderId) -> Result<Vec<Link<'a>>, String> {
    let liar = book.sides(tab).is_some_and(|sides| book.with_liar(&sides));
    let copy = book.strands.get(tab).and_then(|strands| strands.copies.get(&at));
    match copy.filter(|copy| !liar && copy.fork().is_none()) {
        Some(copy) => {
            let paid = copy
                .payment(order)
                .and_then(|id| Some((book.state_id(id).ok()?, *id)));
            Ok(links(book, paid.as_slice()))
        }
        None => chain_of(book, at, tab),
    }
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
    let payments = payments(book, at, &tab, &order.id);
    let payments = payments.map_err(|words| Broken::new(Law::OneChain, words, [at]))?;
    let shown = payments.iter().any(|link| {
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
