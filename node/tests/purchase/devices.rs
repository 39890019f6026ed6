//! Two devices of one shop, real nodes over real sockets: pairing, one merged shop, the last unit, revocation.
//! `SOUK_REAL_UNITS` sets how often the last unit is sold.

use super::{DEADLINE, Running, eur, lamp, until};
use souk_node::home::Home;
use souk_node::join::{Join, JoinError, join_in};
use souk_node::network;
use souk_node::node::Node;
use souk_protocol::api::{Code, Command, LineDraft, ListingEdit, Reply, ShopDraft};
use souk_protocol::id::{ListingId, OrderId, VariantId};
use souk_protocol::market;
use souk_protocol::money::Currency;
use souk_protocol::order::State;
use souk_protocol::records::Records;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

impl Running {
    /// Another device of the same author, let in as an owner would: code there, words here, yes.
    async fn pair(&self) -> Self {
        let addresses = vec![self.address().await];
        let Reply::Invited { code, .. } = self.does(Command::InviteDevice { addresses }).await else {
            panic!("no code")
        };
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("node");
        let (shown, words) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let wish = Join {
            home: home.clone(),
            code: code.clone(),
            name: "laptop".into(),
            network: Some(network::Config::loopback()),
        };
        let there = shown.clone();
        let joining = tokio::spawn(async move {
            join_in(&wish, |words| words.clone_into(&mut there.lock().unwrap())).await
        });
        until("the words here", || async {
            let asks = self.node.devices().await.unwrap().asks?;
            *words.lock().unwrap() = asks.words;
            Some(())
        })
        .await;
        until("the words there", || async {
            (!shown.lock().unwrap().is_empty()).then_some(())
        })
        .await;
        let words = words.lock().unwrap().clone();
        assert_eq!(*shown.lock().unwrap(), words, "both devices show the same");
        self.does(Command::ConfirmDevice { words }).await;
        let joined = tokio::time::timeout(DEADLINE, joining)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(joined.author, self.author());
        // The code is used up.
        let again = Join {
            home: dir.path().join("other"),
            code,
            name: String::new(),
            network: Some(network::Config::loopback()),
        };
        assert!(matches!(
            join_in(&again, |_| {}).await,
            Err(JoinError::Refused(_))
        ));
        let home = Home::open(&home).unwrap();
        let node = Node::start(&home, network::Config::loopback()).unwrap();
        drop(home);
        let laptop = Self { node, _dir: dir };
        until("the shop's documents on the new device", || async {
            laptop.node.devices().await.unwrap().together.then_some(())
        })
        .await;
        laptop
    }

    async fn dials(&self, other: &Self) {
        let met = self.node.dial(&other.address().await).await.unwrap();
        assert_eq!(met, (other.node.device(), Some(other.author())));
    }

    async fn buys(&self, shop: &Self, handle: &str) -> Option<OrderId> {
        let (shop, listing) = (shop.author(), ListingId::of(&shop.author(), handle));
        let lines = vec![LineDraft {
            listing,
            variant: None,
            units: 1,
        }];
        let (country, note) = ("DE".into(), String::new());
        let asked = self
            .node
            .command(Command::AskQuote {
                shop,
                lines,
                country,
                note,
            })
            .await;
        let Ok(Reply::Order { order, .. }) = asked else {
            return None;
        };
        let state = until("a quote or a refusal", || async {
            let state = self.order(&order)?.state;
            (state != State::Asked).then_some(state)
        })
        .await;
        if state == State::Quoted {
            let (address, rail) = (vec!["Street 1".into()], "manual".into());
            self.does(Command::PlaceOrder { order, address, rail }).await;
            until("an acceptance or a refusal", || async {
                let state = self.order(&order)?.state;
                (!matches!(state, State::Quoted | State::Placed)).then_some(())
            })
            .await;
        }
        Some(order)
    }
}

fn shop() -> ShopDraft {
    ShopDraft {
        currency: Currency::EUR,
        shipping_minor: 0,
        shipping_free_from_minor: None,
        returns_days: 14,
        payment_instructions: "IBAN".into(),
        accept_by_itself: true,
    }
}

fn edit(listing: ListingId, title: Option<&str>, price: Option<i64>) -> Command {
    let variant = VariantId::of(&listing, &[] as &[&str]);
    Command::EditListing(ListingEdit {
        title: title.map(str::to_owned),
        prices: price.map_or_else(BTreeMap::new, |minor| BTreeMap::from([(variant, eur(minor))])),
        ..ListingEdit::of(listing)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_a_shop_are_one_shop_until_one_is_thrown_out() {
    let (alice, bob, carol) = (
        Running::start().await,
        Running::start().await,
        Running::start().await,
    );
    alice.does(Command::SetShop(shop())).await;
    let rounds: usize = std::env::var("SOUK_REAL_UNITS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(2);
    let mut products: Vec<_> = (0..rounds)
        .map(|n| lamp(&format!("rare-{n}"), 500, Some(1)))
        .collect();
    products.push(lamp("lamp", 700, Some(5)));
    alice
        .does(Command::ImportListings {
            products: products.clone(),
        })
        .await;
    let laptop = alice.pair().await;

    // Edits of both, and the same file on both: a reader sees one shop.
    bob.dials(&alice).await;
    carol.dials(&laptop).await;
    for reader in [&bob, &carol] {
        reader.follows(&alice).await;
    }
    let id = ListingId::of(&alice.author(), "lamp");
    laptop
        .has("the listing on the laptop", |records| {
            market::listing(records, &alice.author(), &id).unwrap().is_some()
        })
        .await;
    alice.does(edit(id, None, Some(777))).await;
    laptop.does(edit(id, Some("Bright lamp"), None)).await;
    let (variant, units) = (None, Some(9));
    laptop
        .does(Command::SetStock {
            listing: id,
            variant,
            units,
        })
        .await;
    for device in [&alice, &laptop] {
        let products = vec![lamp("new", 900, Some(3))];
        device.does(Command::ImportListings { products }).await;
    }
    let whole = |records: &dyn Records| {
        let read = |id| market::listing(records, &alice.author(), &id).unwrap();
        let variant = VariantId::of(&id, &[] as &[&str]);
        let lamp = read(id).is_some_and(|lamp| {
            lamp.product.title.as_str() == "Bright lamp" && lamp.variants[0].price == Some(eur(777))
        });
        let left = market::stock(records, &alice.author(), &id)
            .unwrap()
            .available(&variant);
        let new = ListingId::of(&alice.author(), "new");
        let there = VariantId::of(&new, &[] as &[&str]);
        let counted = market::stock(records, &alice.author(), &new)
            .unwrap()
            .available(&there);
        lamp && left == 9 && read(new).is_some() && counted == 3
    };
    for node in [&alice, &laptop, &bob, &carol] {
        node.has("one merged shop", whole).await;
    }

    // One unit, a buyer at each device, at once.
    for n in 0..rounds {
        let handle = format!("rare-{n}");
        let listing = ListingId::of(&alice.author(), &handle);
        let variant = VariantId::of(&listing, &[] as &[&str]);
        for buyer in [&bob, &carol] {
            buyer
                .has("the unit for sale", |records| {
                    let stock = market::stock(records, &alice.author(), &listing).unwrap();
                    stock.available(&variant) == 1
                })
                .await;
        }
        let (one, other) = tokio::join!(bob.buys(&alice, &handle), carol.buys(&alice, &handle));
        let state = |at: &Running, order: Option<OrderId>| {
            order.and_then(|order| at.order(&order)).map(|order| order.state)
        };
        let states = [state(&bob, one), state(&carol, other)];
        let accepted = states
            .iter()
            .filter(|state| **state == Some(State::Accepted))
            .count();
        assert_eq!(accepted, 1, "round {n}: {states:?}");
        for device in [&alice, &laptop] {
            device
                .has("the unit sold", |records| {
                    let stock = market::stock(records, &alice.author(), &listing).unwrap();
                    stock.available(&variant) == 0
                })
                .await;
        }
    }

    // The laptop is lost.
    let device = laptop.node.device();
    alice.does(Command::RevokeDevice { device }).await;
    until("the laptop to know", || async {
        laptop.node.devices().await.unwrap().revoked.then_some(())
    })
    .await;
    assert_eq!(
        laptop.refuses(edit(id, Some("Mine"), None)).await,
        Code::NotAllowed
    );
    alice.does(edit(id, Some("Still hers"), None)).await;
    for node in [&alice, &bob] {
        node.has("the shop without the laptop", |records| {
            let read = market::listing(records, &alice.author(), &id).unwrap().unwrap();
            let held = records.state_ids(&alice.author()).unwrap();
            read.product.title.as_str() == "Still hers"
                && read.variants[0].price == Some(eur(777))
                && held.iter().all(|(slot, _)| !slot.ends_with(device.as_bytes()))
        })
        .await;
    }
    for running in [alice, laptop, bob, carol] {
        running.node.clone().shut_down().await;
        assert_eq!(running.node.fault(), None);
    }
}
