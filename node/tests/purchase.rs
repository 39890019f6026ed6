//! A purchase between three real nodes over real sockets: what the demo tells, asked of the nodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use souk_node::home::Home;
use souk_node::network;
use souk_node::node::{CommandError, Node};
use souk_protocol::api::{Code, Command, LineDraft, Product, ProductDraft, Reply, ShopDraft, VariantDraft};
use souk_protocol::body::{Body, Kind};
use souk_protocol::id::{AuthorId, ListingId, OrderId};
use souk_protocol::money::{Amount, Currency};
use souk_protocol::order::{Order, State};
use souk_protocol::peer::{read_order, read_tab};
use souk_protocol::records::Records;
use souk_protocol::{feed, market};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[path = "purchase/devices.rs"]
mod devices;

/// How long anything may take before the test says what it waited for.
const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    node: Node,
    _dir: TempDir,
}

impl Running {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = Home::open_or_create(&dir.path().join("node"), None).unwrap();
        let node = Node::start(&home, network::Config::loopback()).unwrap();
        Self { node, _dir: dir }
    }

    async fn address(&self) -> String {
        until("an address to listen on", || async {
            self.node.status().await.listen.into_iter().next()
        })
        .await
    }

    async fn does(&self, command: Command) -> Reply {
        self.node.command(command).await.unwrap()
    }

    async fn refuses(&self, command: Command) -> Code {
        match self.node.command(command).await {
            Err(CommandError::Refused(refused)) => refused.code,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    fn records(&self) -> &dyn Records {
        self.node.records()
    }

    fn author(&self) -> AuthorId {
        self.node.author()
    }

    async fn follows(&self, other: &Self) {
        self.does(Command::Follow {
            author: other.author(),
            public: false,
        })
        .await;
    }

    async fn has(&self, what: &str, condition: impl Fn(&dyn Records) -> bool) {
        until(what, || async { condition(self.records()).then_some(()) }).await;
    }

    fn order(&self, id: &OrderId) -> Option<Order> {
        read_order(self.records(), id).unwrap()
    }

    async fn sees(&self, id: &OrderId, state: State) -> Order {
        let name = format!("the order to be {}", state.name());
        until(&name, || async {
            self.order(id).filter(|order| order.state == state)
        })
        .await
    }
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn lamp(handle: &str, price_minor: i64, quantity: Option<i64>) -> ProductDraft {
    ProductDraft {
        handle: handle.into(),
        title: format!("Lamp {handle}"),
        description: "It shines.".into(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: vec!["light".into()],
        published: true,
        options: Vec::new(),
        images: Vec::new(),
        variants: vec![VariantDraft {
            price_minor,
            tracked: quantity.is_some(),
            quantity,
            requires_shipping: true,
            ..VariantDraft::default()
        }],
    }
}

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::EUR).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_buys_what_a_friend_showed() {
    let (merchant, friend, buyer) = (
        Running::start().await,
        Running::start().await,
        Running::start().await,
    );
    for (running, name) in [(&merchant, "Mona"), (&friend, "Fred"), (&buyer, "Bea")] {
        running
            .does(Command::SetProfile {
                name: name.into(),
                about: String::new(),
            })
            .await;
    }
    let met = friend.node.dial(&merchant.address().await).await.unwrap();
    assert_eq!(met, (merchant.node.device(), Some(merchant.author())));
    friend.follows(&merchant).await;
    merchant.follows(&friend).await;
    let shop = ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 490,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: String::new(),
        accept_by_itself: false,
    };
    merchant.does(Command::SetShop(shop)).await;
    let mut products: Vec<ProductDraft> = (0..60)
        .map(|n| lamp(&format!("lamp-{n}"), 1_000 + n, None))
        .collect();
    products.push(lamp("rare", 4_299, Some(1)));
    let imported = merchant.does(Command::ImportListings { products }).await;
    assert_eq!(
        imported,
        Reply::Imported {
            new: 61,
            changed: 0,
            same: 0
        }
    );
    let rare = ListingId::of(&merchant.author(), "rare");
    let all = |records: &dyn Records, count: usize| {
        market::listing_ids(records, &merchant.author(), None, 1_000)
            .unwrap()
            .len()
            == count
    };
    friend
        .has("the whole shop at the friend", |records| all(records, 61))
        .await;

    // The buyer knows the friend's address and nothing else.
    buyer.node.dial(&friend.address().await).await.unwrap();
    buyer.follows(&friend).await;
    friend.follows(&buyer).await;
    // Its node may have met the merchant's in the routing table; of the shop it knows nothing.
    assert!(buyer.records().state_ids(&merchant.author()).unwrap().is_empty());
    let tag = Product {
        shop: merchant.author(),
        listing: rare,
    };
    let post = Command::Post {
        text: "Look at this".into(),
        tags: vec![tag],
        reply_to: None,
        reshare: None,
    };
    friend.does(post).await;
    let vouch = Command::Vouch {
        subject: buyer.author(),
        category: "people".into(),
        stands: true,
        why: String::new(),
    };
    friend.does(vouch).await;
    buyer
        .has("the tagged listing at the buyer", |records| {
            market::listing(records, &merchant.author(), &rare)
                .unwrap()
                .is_some()
        })
        .await;
    buyer.follows(&merchant).await;
    buyer
        .has("the whole shop at the buyer", |records| all(records, 61))
        .await;

    // Without credit nothing is placed.
    let lines = vec![LineDraft {
        listing: rare,
        variant: None,
        units: 1,
    }];
    let ask = Command::AskQuote {
        shop: merchant.author(),
        lines,
        country: "DE".into(),
        note: String::new(),
    };
    let Reply::Order { order, .. } = buyer.does(ask.clone()).await else {
        panic!("no order")
    };
    let quoted = buyer.sees(&order, State::Quoted).await;
    assert_eq!(quoted.total(), Some(eur(4_299 + 490)));
    let place = Command::PlaceOrder {
        order,
        address: vec!["Bea".into(), "Street 1".into()],
        rail: "tab".into(),
    };
    assert_eq!(buyer.refuses(place.clone()).await, Code::TooLittleCredit);

    merchant
        .has("the friend's vouch at the merchant", |records| {
            !feed::standing_vouches(records, &buyer.author(), "people")
                .unwrap()
                .is_empty()
        })
        .await;
    let grant = Command::GrantTab {
        to: buyer.author(),
        limit: eur(10_000),
        vouched: true,
    };
    let Reply::Tab { vouched_by, .. } = merchant.does(grant).await else {
        panic!("no tab")
    };
    assert_eq!(vouched_by, [friend.author()]);
    let tab = |running: &Running| {
        read_tab(
            running.records(),
            &buyer.author(),
            &merchant.author(),
            Currency::EUR,
        )
        .unwrap()
    };
    until("the tab to be agreed", || async {
        tab(&buyer).agreed.map(|_| ())
    })
    .await;

    buyer.does(place).await;
    merchant.sees(&order, State::Placed).await;
    // The only unit is held: nobody else gets a quote for it.
    let Reply::Order { order: second, .. } = buyer.does(ask).await else {
        panic!("no order")
    };
    buyer.sees(&second, State::Declined).await;
    merchant.does(Command::AcceptOrder { order }).await;
    buyer.sees(&order, State::Receipted).await;
    merchant
        .does(Command::ShipOrder {
            order,
            carrier: "bike".into(),
            tracking: "1".into(),
        })
        .await;
    buyer.sees(&order, State::Fulfilled).await;
    buyer.does(Command::CompleteOrder { order }).await;
    merchant.sees(&order, State::Completed).await;
    let review = Command::Review {
        order,
        listing: None,
        rating: 5,
        text: "It shines indeed".into(),
    };
    buyer.does(review).await;
    friend
        .has("the review at the friend", |records| {
            let reviews = records.reviews(&merchant.author(), &rare, 10).unwrap();
            reviews
                .iter()
                .any(|review| matches!(review.body(), Body::Review(review) if u8::from(review.rating) == 5))
        })
        .await;

    let (mine, theirs) = (tab(&buyer), tab(&merchant));
    assert_eq!(mine.agreed, theirs.agreed);
    assert_eq!(mine.balance(&buyer.author()).unwrap(), eur(-4_789));
    assert_eq!(theirs.balance(&merchant.author()).unwrap(), eur(4_789));
    let ours = buyer.order(&order).unwrap();
    assert_eq!(ours, merchant.order(&order).unwrap());
    let stock = market::stock(buyer.records(), &merchant.author(), &rare).unwrap();
    let listing = market::listing(buyer.records(), &merchant.author(), &rare)
        .unwrap()
        .unwrap();
    until("the stock to be gone at the buyer", || async {
        let stock = market::stock(buyer.records(), &merchant.author(), &rare).unwrap();
        (stock.available(&listing.variants[0].id) == 0).then_some(())
    })
    .await;
    drop(stock);
    assert!(
        !buyer
            .records()
            .state(&merchant.author(), Kind::Shop, &[])
            .unwrap()
            .is_empty()
    );
    for running in [merchant, friend, buyer] {
        running.node.clone().shut_down().await;
        assert_eq!(running.node.fault(), None);
    }
}
