//! Both sides of a tab or an order sign what no peer would sign, for the broken switches that need it.
//! Described in `spec/simulations.md`.

use super::*;
use souk_protocol::body::{Body, Kind};
use souk_protocol::envelope::Chain;
use souk_protocol::id::ListingId;
use souk_protocol::market;
use souk_protocol::order::{Act, Order, Role};
use souk_protocol::receipt::{PublicReceipt, Receipt};
use souk_protocol::records::state_key;
use souk_protocol::review::{Rating, Review};
use souk_protocol::settlement::{Instruction, Proof, Rail};
use souk_protocol::stock::StockAccount;
use souk_protocol::text::Prose;

impl World {
    /// Both sides of what a step touched sign what no peer would, and put it into their stores.
    pub(super) fn collude(&mut self, at: usize, touched: &Touched) -> Result<(), Broken> {
        let Some(sabotage) = self.sabotage else {
            return Ok(());
        };
        for tab in &touched.tabs {
            self.agree_wrongly(sabotage, tab)?;
        }
        if sabotage == Sabotage::UnpaidReceipt {
            for order in &touched.orders {
                self.sign_unpaid(*order)?;
            }
        }
        if sabotage == Sabotage::FalseReceipt {
            for order in &touched.orders {
                self.review_falsely(*order)?;
            }
        }
        if sabotage == Sabotage::TakeAnyOrder {
            for order in &touched.orders {
                self.accept_anyway(*order)?;
            }
        }
        if sabotage == Sabotage::TwoHands {
            for order in &touched.orders {
                self.sign_elsewhere(*order)?;
            }
        }
        if sabotage == Sabotage::HandTwice {
            for listing in &touched.stocks {
                self.hand_twice(at, listing)?;
            }
        }
        Ok(())
    }

    /// The merchant of an order signs a receipt for another one, which nobody placed, and its buyer reviews upon it.
    fn review_falsely(&mut self, id: OrderId) -> Result<(), Broken> {
        let Some((order, [buyer, merchant])) = self.standing(id) else {
            return Ok(());
        };
        let (Some(shop), Some(node)) = (self.nodes.get(merchant), self.nodes.get(buyer)) else {
            return Ok(());
        };
        let nothing = OrderId::from_bytes([7; 32]);
        let (Some(keys), Some(line)) = (shop.identity.keys(), order.lines().first().copied()) else {
            return Ok(());
        };
        let broken = |words: String| Broken::new(Law::NoFault, words, [merchant]);
        let receipt = PublicReceipt::sign(
            &keys.device,
            &keys.grant,
            order.merchant,
            order.buyer,
            &nothing,
            line.listing,
        );
        let review = Review {
            receipt: receipt.map_err(|error| broken(error.to_string()))?,
            rating: Rating::try_from(5).map_err(|error| broken(error.to_string()))?,
            text: Prose::default(),
        };
        let store: &dyn Records = &node.store;
        let head = store.log_head(&node.identity.device);
        let head = head.map_err(|fault| broken(fault.to_string()))?;
        let said = self.sign(buyer, Some(Chain::after(head)), review.into())?;
        self.keep_by_hand(buyer, &said).map(|_| ())
    }

    /// A device signs that it hands all its units of a listing to another one, and shows that to the other one alone.
    fn hand_twice(&mut self, at: usize, listing: &ListingId) -> Result<(), Broken> {
        // While they are apart: the other one would show it its own word, and it would fall silent.
        let other = self.homes.siblings(at).find(|other| self.parted(at, *other));
        let others = other.and_then(|other| Some((other, self.device(other)?)));
        let (Some(node), Some((other, to))) = (self.nodes.get(at), others) else {
            return Ok(());
        };
        let (author, device) = (node.identity.author, node.identity.device);
        let broken = |error: &dyn std::fmt::Display| Broken::new(Law::NoFault, error.to_string(), [at]);
        let mut stock = market::stock(&node.store, &author, listing).map_err(|fault| broken(&fault))?;
        let own = stock.account(&device).map_err(|error| broken(&error))?;
        for (variant, _) in own.iter().flat_map(StockAccount::tallies) {
            let units = stock.rights(&device, &variant);
            let handed = stock.hand_over(device, variant, to, units);
            handed.map_err(|error| broken(&error))?;
        }
        for account in stock.account(&device).map_err(|error| broken(&error))? {
            let said = self.sign(at, None, account.into())?;
            let key = said.body().state_key().unwrap_or_default();
            let key = state_key(&author, Kind::Stock, &key, Some(&device));
            let row = [said.id().as_bytes().as_slice(), said.bytes()].concat();
            if let Some(node) = self.nodes.get_mut(other) {
                node.store.alter(Tree::State, key, Some(row));
            }
        }
        Ok(())
    }

    /// Another device of a shop accepts an order that one of them quoted.
    fn sign_elsewhere(&mut self, id: OrderId) -> Result<(), Broken> {
        let Some((order, [buyer, merchant])) = self.standing(id) else {
            return Ok(());
        };
        let quoted = order.quote.as_ref().and_then(|(id, _)| self.book.signed(id));
        let quoted = quoted.map(|quote| quote.device());
        let mut others = self.homes.devices(merchant).iter().copied();
        let other = others.find(|at| self.device(*at) != quoted);
        let Some(other) = other.filter(|_| order.state == State::Placed) else {
            return Ok(());
        };
        let instruction = Instruction::Manual {
            text: Prose::default(),
            account: None,
        };
        self.act_in(
            &order,
            [buyer, other],
            Role::Merchant,
            Act::Accept { instruction },
        )
    }

    /// The merchant accepts what somebody who is not honest placed.
    fn accept_anyway(&mut self, id: OrderId) -> Result<(), Broken> {
        let Some((order, sides)) = self.standing(id) else {
            return Ok(());
        };
        let placed = order.state == State::Placed && order.rail() == Some(Rail::Tab);
        let Some(total) = order
            .total()
            .filter(|_| placed && self.book.liars.speaks(&order.buyer))
        else {
            return Ok(());
        };
        let tab = TabId::of(&order.buyer, &order.merchant, total.currency.code());
        let instruction = Instruction::Tab { tab };
        self.act_in(&order, sides, Role::Merchant, Act::Accept { instruction })?;
        // A peer that runs would go by what it has read before.
        let [_, merchant] = sides;
        self.stop(merchant);
        Ok(())
    }

    /// Both sides of a tab sign a state that must not be.
    fn agree_wrongly(&mut self, sabotage: Sabotage, tab: &TabId) -> Result<(), Broken> {
        let ids = self.book.tabs.get(tab).map(|thread| thread.union());
        let chain = laws::chain(&self.book, &ids.unwrap_or_default());
        let Some((by, state)) = sabotage.next_state(&chain.unwrap_or_default()) else {
            return Ok(());
        };
        let sides = state.parties.other(&by).map(|other| self.both(by, other));
        let Ok(Some([one, other])) = sides else {
            return Ok(());
        };
        let hash = state
            .id()
            .map_err(|error| Broken::new(Law::NoFault, error.to_string(), [one, other]))?;
        let message = |to, act| TabMessage { to, tab: *tab, act };
        let (state, to) = (Box::new(state), self.author(other)?);
        let proposal = self.sign(one, None, message(to, TabAct::Propose { state }).into())?;
        let agree = TabAct::Agree {
            propose: proposal.id(),
            state: hash,
        };
        let agreement = self.sign(other, None, message(self.author(one)?, agree).into())?;
        for envelope in [&proposal, &agreement] {
            self.plant([one, other], Tree::Tab, tab.as_bytes(), envelope)?;
        }
        Ok(())
    }

    /// The buyer of an accepted order names a payment that there is not, and the merchant signs for it.
    fn sign_unpaid(&mut self, id: OrderId) -> Result<(), Broken> {
        let Some((order, sides)) = self.standing(id) else {
            return Ok(());
        };
        if order.state != State::Accepted || order.rail() != Some(Rail::Tab) {
            return Ok(());
        }
        let nothing = EnvelopeId::from_bytes([7; 32]);
        let proof = Proof::Tab {
            propose: nothing,
            agree: nothing,
            seq: 1,
        };
        self.act_in(&order, sides, Role::Buyer, Act::Pay { proof })?;
        let Some((order, [_, merchant])) = self.standing(id) else {
            return Ok(());
        };
        let broken = |words: String| Broken::new(Law::NoFault, words, [merchant]);
        let Some(node) = self.nodes.get(merchant) else {
            return Ok(());
        };
        let sale = order.sale().map_err(|error| broken(error.to_string()))?;
        let Some(keys) = node.identity.keys() else {
            return Ok(());
        };
        let receipt = Receipt::issue(&keys.device, &keys.grant, &sale, self.clock(node));
        let receipt = Box::new(receipt.map_err(|error| broken(error.to_string()))?);
        self.act_in(&order, sides, Role::Merchant, Act::Receipt(receipt))
    }

    /// An order as all its messages tell it, and the nodes of its buyer and its merchant.
    fn standing(&self, id: OrderId) -> Option<(Order, [usize; 2])> {
        let thread = self.book.orders.get(&id)?;
        let order = laws::fold(id, self.book.order_messages(&thread.union()))?;
        let sides = self.both(order.buyer, order.merchant)?;
        Some((order, sides))
    }

    /// One side of an order signs a message upon its head; both stores show it.
    fn act_in(&mut self, order: &Order, sides: [usize; 2], role: Role, act: Act) -> Result<(), Broken> {
        let [buyer, merchant] = sides;
        let at = if role == Role::Buyer { buyer } else { merchant };
        let message = OrderMessage {
            order: Some(order.id),
            to: order.author(role.other()),
            after: Some(order.head),
            act,
        };
        let envelope = self.sign(at, None, message.into())?;
        self.plant(sides, Tree::Order, order.id.as_bytes(), &envelope)
    }

    fn both(&self, one: AuthorId, other: AuthorId) -> Option<[usize; 2]> {
        let at = |author| self.authors.get(&author).copied();
        Some([at(one)?, at(other)?])
    }

    fn author(&self, at: usize) -> Result<AuthorId, Broken> {
        let node = self.nodes.get(at).map(|node| node.identity.author);
        node.ok_or_else(|| Broken::new(Law::NoFault, "there is no such node", [at]))
    }

    /// Puts an envelope into the stores of both sides, past their peers.
    fn plant(
        &mut self,
        sides: [usize; 2],
        tree: Tree,
        thread: &[u8; 32],
        envelope: &Signed,
    ) -> Result<(), Broken> {
        let id = envelope.id();
        let change = Change {
            tree,
            key: [thread.as_slice(), id.as_bytes()].concat(),
            value: Some([id.as_bytes().as_slice(), envelope.bytes()].concat()),
        };
        for at in sides {
            let Some(node) = self.nodes.get_mut(at) else {
                continue;
            };
            let device = node.identity.device;
            node.store.alter(tree, change.key.clone(), change.value.clone());
            let mut touched = Touched::default();
            self.book.note(at, &device, &node.store, &change, &mut touched)?;
        }
        Ok(())
    }

    /// A message that a node's peer knows nothing of, signed with its keys.
    fn sign(&mut self, at: usize, chain: Option<Chain>, body: Body) -> Result<Signed, Broken> {
        let broken = |words: String| Broken::new(Law::NoFault, words, [at]);
        let count = u32::try_from(self.fresh()).unwrap_or(0) + 1_000_000;
        let Some(node) = self.nodes.get(at) else {
            return Err(broken("there is no such node".into()));
        };
        let time = Hybrid {
            wall_ms: self.clock(node).0,
            count,
        };
        let keys = node.identity.keys();
        let keys = keys.ok_or_else(|| broken("it is nobody's device yet".into()))?;
        let sealed = envelope::seal(&keys.device, keys.author, Some(&keys.grant), time, chain, body);
        sealed.map_err(|error| broken(error.to_string()))
    }
}
