//! Buying and owing by the pages of two real nodes: what is asked of whom, where a parcel goes, what is said when.

use super::pages::Browser;
use super::wire::Running;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long anything may take that must come.
const DEADLINE: Duration = Duration::from_secs(60);

/// Asks again until it is so.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Running {
    async fn author_id(&self) -> String {
        text(&self.gets("/status").await["author"])
    }

    /// The state of an order, once it is this one.
    async fn until_order(&self, order: &str, state: &str) -> Value {
        until(&format!("the order to be {state}"), async || {
            let answer = self.asks(&format!("GET /api/v1/orders/{order}"), b"").await;
            (answer.status == 200)
                .then(|| answer.json())
                .filter(|order| order["state"] == state)
        })
        .await
    }
}

/// A merchant with two kinds of things, paid by transfer or on a tab, who accepts by hand; and a buyer who has them.
async fn market() -> (Running, Running, Vec<Value>) {
    let (shop, buyer) = (Running::start().await, Running::start().await);
    let terms =
        json!({"do": "set_shop", "currency": "EUR", "payment_instructions": "IBAN DE89370400440532013000"});
    shop.does(terms).await;
    let products = ["Lamp", "Vase"].map(|title| {
        let variant = json!({"price_minor": 500, "requires_shipping": true, "tracked": true, "quantity": 9});
        json!({"handle": title, "title": title, "kind": "physical", "published": true, "variants": [variant]})
    });
    shop.does(json!({"do": "import_listings", "products": products}))
        .await;
    let address = until("an address", async || {
        let status = shop.node.status().await;
        status.listen.into_iter().next()
    })
    .await;
    let dialled = buyer.posts("/peers", json!({"address": address})).await;
    assert_eq!(dialled.status, 200, "{}", dialled.text());
    let author = shop.author_id().await;
    buyer.does(json!({"do": "follow", "author": author})).await;
    let listings = until("both listings", async || {
        let answer = buyer
            .asks(&format!("GET /api/v1/shops/{author}/listings"), b"")
            .await;
        let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
        let priced = |one: &Value| one["variants"][0]["price"].is_object();
        (items.len() == 2 && items.iter().all(priced)).then_some(items)
    })
    .await;
    (shop, buyer, listings)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_sent_and_paid_and_reviewed_as_it_was_agreed() {
    let (shop, buyer, listings) = market().await;
    let (seller, buying) = (Browser::open(&shop).await, Browser::open(&buyer).await);
    let author = shop.author_id().await;
    for (name, country) in [("Alps", "AT"), ("Home", "DE")] {
        buyer
            .does(json!({"do": "save_address", "name": name, "lines": [format!("{name} Street 1")], "country": country}))
            .await;
    }
    shop.does(json!({"do": "grant_tab", "to": buyer.author_id().await, "limit": {"minor": 9_000, "currency": "EUR"}, "vouched": false}))
        .await;
    until("room on the tab", async || {
        let tabs = buyer.gets("/tabs").await;
        (tabs["items"][0]["room_minor"] == 9_000).then_some(())
    })
    .await;
    let lines: Vec<Value> = listings
        .iter()
        .map(|one| json!({"listing": one["listing"], "variant": one["variants"][0]["variant"], "units": 1}))
        .collect();
    let asked = buyer
        .does(json!({"do": "ask_quote", "shop": author, "lines": lines, "country": "DE"}))
        .await;
    let order = text(&asked["order"]);
    buyer.until_order(&order, "quoted").await;
    shop.until_order(&order, "quoted").await;
    let path = format!("/orders/{order}");

    // What the merchant could do is to turn it down, and that is nothing that waits.
    for screen in ["/orders", "/shop"] {
        let html = seller.get(screen).await.text();
        assert!(
            !html.contains("id=\"waiting\"") && !html.contains("Yours to do"),
            "{screen}: {html}"
        );
    }
    let html = buying.get(&path).await.text();
    assert!(
        html.contains("Home Street 1") && !html.contains("Alps Street 1"),
        "{html}"
    );
    assert!(html.contains("value=\"tab\" checked"), "{html}");
    // Nothing to send it to: it comes back as it was chosen.
    let nowhere = [
        ("rail", "manual"),
        ("where", ""),
        ("address", ""),
        ("keep", "Den"),
    ];
    let refused = buying.fill(&path, "orders.place", &nowhere).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let html = refused.text();
    assert!(
        html.contains("value=\"manual\" checked") && !html.contains("value=\"tab\" checked"),
        "{html}"
    );
    assert!(
        html.contains("name=\"where\" value=\"\" checked") && html.contains("value=\"Den\""),
        "{html}"
    );

    let placed = buying
        .fill(&path, "orders.place", &[("rail", "manual"), ("where", "Home")])
        .await;
    assert_eq!(placed.status, 303, "{}", placed.text());
    let told = shop.until_order(&order, "placed").await;
    assert_eq!(told["address"], json!(["Home Street 1"]));
    assert!(seller.get("/orders").await.text().contains("id=\"waiting\""));
    assert_eq!(seller.fill(&path, "orders.accept", &[]).await.status, 303);
    buyer.until_order(&order, "accepted").await;
    assert!(buying.get(&path).await.text().contains("How to pay"));
    assert_eq!(buying.fill(&path, "orders.pay", &[]).await.status, 303);
    shop.until_order(&order, "paid").await;
    let html = buying.get(&path).await.text();
    assert!(
        !html.contains("How to pay") && !html.contains("class=\"qr\""),
        "paid is not asked for again: {html}"
    );
    assert_eq!(seller.fill(&path, "orders.arrived", &[]).await.status, 303);
    buyer.until_order(&order, "receipted").await;

    // Each thing of it can be reviewed, once.
    let ids: Vec<String> = listings.iter().map(|one| text(&one["listing"])).collect();
    let html = buying.get(&path).await.text();
    assert!(
        ids.iter()
            .all(|id| html.contains(&format!("<option value=\"{id}\""))),
        "{html}"
    );
    let review = [("listing", ids[0].as_str()), ("rating", "5")];
    assert_eq!(buying.fill(&path, "orders.review", &review).await.status, 303);
    assert!(buying.get(&path).await.text().contains("value=\"orders.review\""));
    let review = [("listing", ids[1].as_str()), ("rating", "4")];
    assert_eq!(buying.fill(&path, "orders.review", &review).await.status, 303);
    assert!(!buying.get(&path).await.text().contains("value=\"orders.review\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_own_node_did_on_a_tab_is_told_when_something_waits() {
    let (shop, buyer, listings) = market().await;
    let terms = json!({"do": "set_shop", "currency": "EUR", "accept_by_itself": true});
    shop.does(terms).await;
    shop.does(json!({"do": "grant_tab", "to": buyer.author_id().await, "limit": {"minor": 9_000, "currency": "EUR"}, "vouched": false}))
        .await;
    let line = json!({"listing": listings[0]["listing"], "variant": listings[0]["variants"][0]["variant"], "units": 1});
    let asked = json!({"do": "ask_quote", "shop": shop.author_id().await, "lines": [line], "country": "DE"});
    let order = text(&buyer.does(asked).await["order"]);
    buyer.until_order(&order, "quoted").await;
    until("room on the tab", async || {
        let tabs = buyer.gets("/tabs").await;
        (tabs["items"][0]["room_minor"] == 9_000).then_some(())
    })
    .await;
    buyer
        .does(json!({"do": "place_order", "order": order, "address": ["Street 1"], "rail": "tab"}))
        .await;
    shop.until_order(&order, "receipted").await;
    let seller = Browser::open(&shop).await;
    let html = seller.get("/notices").await.text();
    assert!(
        html.contains(&format!("/orders/{order}")),
        "it is paid and waits to be sent: {html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_goes_to_whom_it_was_meant_for() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let author = |byte: u8| souk_protocol::id::AuthorId::from_bytes([byte; 32]).to_string();
    let (friend, stranger) = (author(1), author(2));
    alice.does(json!({"do": "follow", "author": friend})).await;
    let chosen = |html: &str, who: &str| html.contains(&format!("<option value=\"{who}\" selected>"));
    let html = browser.get(&format!("/money?to={stranger}")).await.text();
    assert!(chosen(&html, &stranger) && !chosen(&html, &friend), "{html}");
    let html = browser.get("/money").await.text();
    assert!(
        !html.contains(" selected>") && html.contains("<option value=\"\">"),
        "{html}"
    );
    let nobody = [("to", ""), ("limit", "50"), ("currency", "EUR")];
    assert_eq!(browser.fill("/money", "money.grant", &nobody).await.status, 422);
    assert!(alice.gets("/tabs").await["items"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn enter_saves_and_no_name_replaces_another_address() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    for name in ["Home", "Work"] {
        alice
            .does(json!({"do": "save_address", "name": name, "lines": [name], "country": "DE"}))
            .await;
    }
    let path = "/settings/addresses";
    let html = browser.get(path).await.text();
    // The first button of a form is the one that Enter presses.
    for form in html
        .split("<form")
        .skip(1)
        .filter(|form| form.contains("name=\"remove\""))
    {
        let first = form.split("<button").nth(1).unwrap();
        assert!(!first.contains("name=\"remove\""), "{form}");
    }
    for key in ["Home", ""] {
        let fields = [
            ("key", key),
            ("name", "Work"),
            ("lines", "Elsewhere"),
            ("country", "DE"),
        ];
        let mut form = super::pages::form(&html, "node.address");
        form.retain(|(name, _)| name != "key");
        let taken = browser.send(&super::pages::filled(&form, &fields)).await;
        assert_eq!(taken.status, 422, "{}", taken.text());
    }
    let html = browser.get(path).await.text();
    assert!(
        html.contains(">Home<") && html.contains(">Work<") && !html.contains("Elsewhere"),
        "{html}"
    );
}
