//! One step of a peer: handled, committed or lost, and looked at by the laws. Described in
//! `spec/simulations.md`.

use super::*;

const HOUR_MS: u64 = 3_600_000;

impl World {
    /// One step of one peer: handle, commit, look, perform. The driver law, with crashes in it.
    pub(super) fn step(&mut self, at: usize, input: Input, what: &'static str) -> Result<(), Broken> {
        if self.remembers {
            let words = format!("{what} {}", short(&input));
            self.remember(at, words);
        }
        let now = self.nodes.get(at).map(|node| self.clock(node));
        let Some(((node, peer), now)) = self
            .nodes
            .get_mut(at)
            .and_then(|node| node.peer.take().map(|peer| (node, peer)))
            .zip(now)
        else {
            return Ok(());
        };
        let now = match self.sabotage {
            Some(Sabotage::OtherHour) if what == "heard" => {
                Timestamp(now.0 + self.counts.heard % 2 * HOUR_MS)
            }
            _ => now,
        };
        self.counts.heard += u64::from(what == "heard");
        let mut peer = peer;
        let step = peer.handle(now, input, &node.store);
        node.peer = Some(peer);
        let Step { writes, actions, .. } =
            step.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))?;
        self.counts.steps += 1;
        self.trace_step(at, what, writes.len(), actions.len());
        let crash = match writes.is_empty() {
            true => None,
            false => self.crash(at),
        };
        let (crashes, before) = (crash.is_some(), crash == Some(true));
        if before && self.sabotage == Some(Sabotage::SkipCommit) {
            for action in actions {
                self.perform(at, action)?;
            }
            self.stop(at);
            return Ok(());
        }
        if before {
            self.counts.crashes_before += 1;
            self.remember_crash(at, "crashes before the commit");
            self.stop(at);
            return Ok(());
        }
        self.commit(at, &writes)?;
        if crashes {
            self.counts.crashes_after += 1;
            self.remember_crash(at, "crashes after the commit");
            self.stop(at);
            return self.now_and_then();
        }
        for action in actions {
            self.perform(at, action)?;
        }
        self.now_and_then()
    }

    pub(super) fn remember_crash(&mut self, at: usize, words: &str) {
        if self.remembers {
            self.remember(at, words.to_owned());
        }
    }

    pub(super) fn trace_step(&mut self, at: usize, what: &str, writes: usize, actions: usize) {
        self.trace.update(what.as_bytes());
        for number in [self.time, at as u64, writes as u64, actions as u64] {
            self.trace.update(&number.to_be_bytes());
        }
    }

    /// Commits a step's writes, and looks at what they touched.
    pub(super) fn commit(
        &mut self,
        at: usize,
        writes: &[souk_protocol::records::Write],
    ) -> Result<(), Broken> {
        let Some(node) = self.nodes.get_mut(at) else {
            return Ok(());
        };
        let device = node.identity.device;
        let mut touched = Touched::default();
        let undone = match self.sabotage {
            Some(sabotage) => sabotage.undoes(&node.store, &device, writes, &mut self.chance),
            None => Vec::new(),
        };
        node.store.commit(writes);
        for (tree, key, value) in undone {
            node.store.alter(tree, key, value);
        }
        for change in writes.iter().filter_map(souk_protocol::records::Write::change) {
            self.trace.update(&[change.tree as u8]).update(&change.key);
            self.book.note(at, &device, &node.store, change, &mut touched)?;
        }
        self.collude(at, &touched)?;
        self.look(at, &touched, false)
    }

    /// The laws over what a step touched; `anew` reads again what was read before.
    pub(super) fn look(&mut self, at: usize, touched: &Touched, anew: bool) -> Result<(), Broken> {
        let Some(own) = seen(&self.nodes, at) else {
            return Ok(());
        };
        let fold = match self.sabotage {
            Some(Sabotage::ArrivalOrder) => laws::fold_first_come,
            Some(Sabotage::EveryWord) => laws::fold_every_word,
            _ => laws::fold as laws::Fold,
        };
        let mut listings = touched.stocks.clone();
        for id in &touched.orders {
            laws::order(&mut self.book, id, &mut self.chance, fold, anew)?;
            if let Some(order) = self.book.folds.get(&(at, *id))
                && order.merchant == own.author
            {
                listings.extend(order.lines().iter().map(|line| line.listing));
                laws::receipt(&self.book, &own, order)?;
                if !self.book.liars.has(at) {
                    let pays = |author: &AuthorId| self.pays(author);
                    // Before its receipt an order costs nobody anything.
                    if order.receipt.is_some() {
                        let devices = self.homes.devices(self.homes.person(at));
                        laws::granted(&self.book, at, devices, &own.author, &order.buyer, pays)?;
                    }
                    laws::few_open(&self.book, at, &own.author, &order.buyer)?;
                }
            }
            if let Some(order) = self.book.wholes.get(id) {
                laws::order_hands(&self.book, order)?;
            }
        }
        for tab in &touched.tabs {
            match anew {
                true => {
                    laws::tab(&self.book, tab)?;
                    laws::tab_hands(&self.book, tab)?;
                }
                false => laws::tab_goes_on(&mut self.book, tab)?,
            }
        }
        let devices = self.homes.devices(self.homes.person(at)).iter();
        let shop: Vec<Seen<'_>> = devices.filter_map(|at| seen(&self.nodes, *at)).collect();
        for listing in &listings {
            laws::stock(&self.book, &own, &shop, listing)?;
        }
        Ok(())
    }

    pub(super) fn now_and_then(&mut self) -> Result<(), Broken> {
        match self.counts.steps % self.scenario.check.whole_every_steps.max(1) {
            0 => self.whole(),
            _ => Ok(()),
        }
    }

    /// Every law over everything, read again from the stores alone.
    pub(super) fn whole(&mut self) -> Result<(), Broken> {
        self.book.recount();
        for at in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let mut touched = Touched::default();
            for tree in [Tree::Log, Tree::State, Tree::Order, Tree::Tab] {
                let rows = node.store.scan(tree, &Range::of([], usize::MAX));
                let rows = rows.map_err(|fault| Broken::new(Law::NoFault, fault.to_string(), [at]))?;
                for (_, row) in rows {
                    let id = self.book.proved(at, tree, &row)?;
                    let own = self
                        .book
                        .signed(&id)
                        .filter(|signed| signed.device() == node.identity.device);
                    if let Some(souk_protocol::body::Body::Stock(account)) = own.map(|own| own.body()) {
                        touched.stocks.insert(account.listing());
                    }
                }
            }
            let held = |thread: &crate::book::Thread| thread.held.contains_key(&at);
            let tabs = self.book.tabs.iter().filter(|(_, thread)| held(thread));
            touched.tabs = tabs.map(|(id, _)| *id).collect();
            let orders = self.book.orders.iter().filter(|(_, thread)| held(thread));
            touched.orders = orders.map(|(id, _)| *id).collect();
            self.look(at, &touched, true)?;
            if let Some(node) = self.nodes.get(at).filter(|_| !self.book.liars.has(at)) {
                laws::bought(&self.book, at, &node.store)?;
            }
        }
        Ok(())
    }

    /// Whether the money arrives that somebody says they sent.
    pub(super) fn pays(&self, author: &AuthorId) -> bool {
        let person = self.authors.get(author).and_then(|at| self.people.get(*at));
        person.is_none_or(|person| person.pays)
    }

    pub(super) fn seen(&self) -> Vec<Seen<'_>> {
        (0..self.nodes.len())
            .filter_map(|at| seen(&self.nodes, at))
            .collect()
    }

    pub(super) fn agreement(&self) -> Result<(), Broken> {
        let reading = match self.sabotage {
            Some(Sabotage::NewestPart) => laws::read_newest,
            _ => laws::read as laws::Reading,
        };
        let seen = self.seen();
        laws::agreement(&self.book, &seen, reading)?;
        laws::exposed(&self.book, &seen, |one, other| self.link(one, other).is_some())
    }
}

/// A node, as the laws see it.
fn seen(nodes: &[Node], at: usize) -> Option<Seen<'_>> {
    let node = nodes.get(at)?;
    Some(Seen {
        at,
        author: node.identity.author,
        device: node.identity.device,
        store: &node.store,
    })
}
