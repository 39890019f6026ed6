//! Credit between two who buy of each other: what one of them was paid in advance is not theirs to spend.

use super::*;
use souk_protocol::order::Fulfil;

const PRICE_MINOR: i64 = 1_250;

/// Alice and eve, each with a shop of their own.
struct Shops {
    stage: Stage,
    hers: Line,
    eves: Line,
}

impl Shops {
    fn new() -> Self {
        let mut stage = Stage::new();
        let eves = eve_opens_a_shop(&mut stage);
        let hers = open_shop(&mut stage);
        Self { stage, hers, eves }
    }

    fn proposes(&mut self, change: Change) {
        let (eve, at) = (self.stage.eve.author, Timestamp(self.stage.now));
        let propose = self.stage.tab().propose(&eve, change, at).unwrap();
        let propose = self.stage.signs(self.stage.now, propose);
        self.stage.delivers(&propose);
        assert!(self.stage.tab().pending.is_none(), "alice agrees by herself");
    }

    fn lets_alice_owe(&mut self, limit_minor: i64) {
        let by = self.stage.eve.author;
        self.proposes(Change::SetLimit { by, limit_minor });
    }

    fn agrees(&mut self) {
        let (propose, _) = self.stage.tab().pending.expect("alice proposed something");
        let agree = self.stage.tab().agree(&self.stage.eve.author, &propose).unwrap();
        let agree = self.stage.signs(self.stage.now, agree);
        self.stage.delivers(&agree);
    }

    /// Alice lets eve owe her so much, and eve agrees to it.
    fn alice_grants(&mut self, minor: i64) {
        let to = self.stage.eve.author;
        let limit = Amount::new(minor, Currency::EUR).unwrap();
        let vouched = false;
        self.stage.does(Command::GrantTab { to, limit, vouched });
        self.agrees();
    }

    /// Eve places an order at alice's shop, to be paid upon the tab.
    fn eve_orders(&mut self) -> OrderId {
        let rails = List::new(vec![Rail::Tab]).unwrap();
        let ask = Ask {
            rails,
            ..ask_for(self.hers)
        };
        let ask = OrderMessage::ask(self.stage.alice.author(), ask);
        let ask = self.stage.signs(self.stage.now, ask);
        self.stage.delivers(&ask);
        let id = OrderId::from(ask.id());
        let (quote, _) = self.stage.order(id).quote.expect("a quote by itself");
        let place = Place {
            quote,
            address: List::default(),
            rail: Rail::Tab,
        };
        self.stage.says(id, Role::Buyer, Act::Place(place));
        id
    }

    fn eve_pays(&mut self, order: OrderId) {
        let from = self.stage.eve.author;
        self.proposes(Change::Pay {
            order,
            from,
            amount_minor: PRICE_MINOR,
        });
        let proof = self.stage.tab().paid[&order].proof();
        self.stage.says(order, Role::Buyer, Act::Pay { proof });
        assert_eq!(self.state(order), State::Receipted);
    }

    /// Alice asks eve's shop for a price, and gets it.
    fn alice_asks(&mut self) -> OrderId {
        let line = self.eves;
        let order = self.stage.asks_for_quote(line);
        let quote = Act::Quote(Box::new(offer_for(line, PRICE_MINOR, Rail::Tab)));
        self.stage.says(order, Role::Merchant, quote);
        order
    }

    fn place(order: OrderId) -> Command {
        let (address, rail) = (vec!["Alice".into()], "tab".into());
        Command::PlaceOrder { order, address, rail }
    }

    fn eve_accepts(&mut self, order: OrderId) {
        let (alice, eve) = (self.stage.alice.author(), self.stage.eve.author);
        let tab = TabId::of(&alice, &eve, "EUR");
        let instruction = Instruction::Tab { tab };
        self.stage
            .says(order, Role::Merchant, Act::Accept { instruction });
    }

    fn state(&self, order: OrderId) -> State {
        self.stage.order(order).state
    }
}

#[test]
fn whoever_was_paid_in_advance_buys_nothing_with_it_before_its_buyer_has_the_goods() {
    let mut shops = Shops::new();
    // Alice never lets eve owe her anything. She buys of eve, and her node pays.
    shops.lets_alice_owe(2 * PRICE_MINOR);
    let bought = shops.alice_asks();
    shops.stage.does(Shops::place(bought));
    shops.eve_accepts(bought);
    shops.agrees();
    assert_eq!(shops.state(bought), State::Paid);
    let eve = shops.stage.eve.author;
    assert_eq!(shops.stage.tab().credit_left(&eve).unwrap().minor, PRICE_MINOR);
    // With that eve would take a mug of alice's, and send nothing.
    let taken = shops.eve_orders();
    assert_eq!(shops.state(taken), State::Placed);
    let proof = &shops.stage.order(bought).sale().unwrap();
    let keys = &shops.stage.eve;
    let receipt = Receipt::issue(&keys.device, &keys.grant, proof, Timestamp(shops.stage.now)).unwrap();
    let receipt = Act::Receipt(Box::new(receipt));
    shops.stage.says(bought, Role::Merchant, receipt);
    assert_eq!(shops.state(taken), State::Placed);
    // To say that she sent it is not enough either: once alice has it, the money is hers.
    let fulfil = Fulfil {
        carrier: Name::default(),
        tracking: Name::default(),
        lines: List::new(vec![shops.eves]).unwrap(),
    };
    shops.stage.says(bought, Role::Merchant, Act::Fulfil(fulfil));
    assert_eq!(shops.state(taken), State::Placed);
    shops.stage.does(Command::CompleteOrder { order: bought });
    assert_eq!(shops.state(taken), State::Accepted);
    shops.eve_pays(taken);
}

#[test]
fn what_it_may_have_to_give_back_a_shop_does_not_spend() {
    let mut shops = Shops::new();
    shops.lets_alice_owe(PRICE_MINOR);
    shops.alice_grants(PRICE_MINOR);
    let buys = shops.alice_asks();
    shops.stage.does(Shops::place(buys));
    shops.lets_alice_owe(0);
    // Eve's money comes for what alice has not sent.
    let sold = shops.eve_orders();
    shops.eve_pays(sold);
    shops.eve_accepts(buys);
    let alice = shops.stage.alice.author();
    assert_eq!(shops.stage.tab().credit_left(&alice).unwrap().minor, PRICE_MINOR);
    assert!(shops.stage.tab().pending.is_none(), "she does not pay with it");
    let more = shops.alice_asks();
    let refused = shops.stage.tries(Shops::place(more)).unwrap_err();
    assert_eq!(refused.code, Code::TooLittleCredit);
    assert_eq!(
        refused.message,
        "the order costs 12.50 EUR, and your tab with the merchant has room for 0.00 EUR, since of 12.50 EUR the rest is for orders that were accepted, or paid in advance and not completed"
    );
    // So what eve paid can be given back at any time; and once eve has it, alice pays by herself.
    let (carrier, tracking) = (String::new(), String::new());
    shops.stage.does(Command::ShipOrder {
        order: sold,
        carrier,
        tracking,
    });
    assert!(shops.stage.tab().pending.is_none());
    shops.stage.says(sold, Role::Buyer, Act::Complete {});
    shops.agrees();
    assert_eq!(shops.state(buys), State::Paid);
}

#[test]
fn two_orders_are_not_accepted_upon_room_for_one() {
    let mut shops = Shops::new();
    shops.alice_grants(2 * PRICE_MINOR - 1);
    let (first, second) = (shops.eve_orders(), shops.eve_orders());
    assert_eq!(
        [first, second].map(|order| shops.state(order)),
        [State::Accepted, State::Placed]
    );
    // The first one goes, unpaid, and what it was promised is free.
    let (_, pay_by) = shops.stage.order(first).due().unwrap();
    shops.stage.now = pay_by.0 + 1;
    shops.stage.does(Command::LapseOrder { order: first });
    assert_eq!(shops.state(second), State::Accepted);
    shops.eve_pays(second);
}
