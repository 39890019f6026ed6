//! Finding and looking at things on the owner's pages: what may be bought, how far a shop can be looked through,
//! what a price may be, and what of it is counted.

use super::pages::Browser;
use super::wire::Running;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long the search index may lag behind.
const INDEXED: Duration = Duration::from_secs(20);

fn product(handle: &str, variants: Value) -> Value {
    json!({"handle": handle, "title": format!("Thing {handle}"), "kind": "physical", "category": "Things", "published": true, "variants": variants})
}

fn one(price_minor: i64) -> Value {
    json!([{"price_minor": price_minor, "tracked": true, "quantity": 3}])
}

async fn shop_of(products: Vec<Value>) -> Running {
    let alice = Running::start().await;
    alice.does(super::shop()).await;
    alice
        .does(json!({"do": "import_listings", "products": products}))
        .await;
    alice
}

/// Waits until the index has so many listings.
async fn indexed(alice: &Running, count: usize) {
    let since = Instant::now();
    while alice.gets("/search").await["total"] != json!(count) {
        assert!(since.elapsed() < INDEXED, "{}", alice.gets("/search").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The first address on a page that is marked like this, as a browser reads it.
fn link(page: &str, rel: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("rel=\"{rel}\" href=\""))?;
    Some(html_escape::decode_html_entities(rest.split('"').next()?).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_looked_through_to_its_end() {
    let products = (0..60).map(|number| product(&format!("n{number}"), one(500 + number)));
    let alice = shop_of(products.collect()).await;
    indexed(&alice, 60).await;
    let browser = Browser::open(&alice).await;
    let me = alice.gets("/status").await["author"].as_str().unwrap().to_owned();
    for asked in ["q=thing", "category=Things", "category=Things&q=thing"] {
        let first = browser.get(&format!("/shops/{me}?{asked}")).await.text();
        assert_eq!(first.matches("class=\"goods\"").count(), 48, "{asked}");
        let next = link(&first, "next").expect("a way on");
        let second = browser.get(&next).await.text();
        assert_eq!(second.matches("class=\"goods\"").count(), 12, "{next}");
        assert_eq!(link(&second, "next"), None);
        let back = link(&second, "prev").expect("a way back");
        assert_eq!(
            browser.get(&back).await.text().matches("class=\"goods\"").count(),
            48
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_what_was_removed_are_not_counted() {
    let mut hidden = product("hidden", one(500));
    hidden["published"] = json!(false);
    let alice = shop_of(vec![
        product("a", one(500)),
        product("b", one(500)),
        product("gone", one(500)),
        hidden,
    ])
    .await;
    indexed(&alice, 3).await;
    let me = alice.gets("/status").await["author"].as_str().unwrap().to_owned();
    let listings = alice.gets("/shops/me/listings").await["items"].clone();
    let gone = listings
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["handle"] == "gone");
    alice
        .does(json!({"do": "edit_listing", "listing": gone.unwrap()["listing"], "removed": true}))
        .await;
    assert_eq!(alice.gets("/status").await["shop"]["listings"], 2);
    assert_eq!(alice.gets("/shops/me").await["listings"], 2);
    let browser = Browser::open(&alice).await;
    for path in [format!("/shops/{me}"), "/settings/privacy".to_owned()] {
        let page = browser.get(&path).await.text();
        assert!(page.contains("2 listings"), "{path}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_oversold_can_be_bought() {
    let alice = shop_of(vec![
        product(
            "made-to-order",
            json!([{"price_minor": 500, "tracked": true, "quantity": 0, "oversell": true}]),
        ),
        product(
            "gone",
            json!([{"price_minor": 500, "tracked": true, "quantity": 0}]),
        ),
    ])
    .await;
    let shop = alice.gets("/status").await["author"].as_str().unwrap().to_owned();
    let browser = Browser::open(&alice).await;
    let csrf = alice.csrf("/").await;
    let listed = alice.gets("/shops/me/listings").await["items"].clone();
    for listing in listed.as_array().unwrap() {
        let oversold = listing["handle"] == "made-to-order";
        let variant = &listing["variants"][0];
        assert_eq!(
            variant["available"],
            if oversold { Value::Null } else { json!(0) }
        );
        assert_eq!(
            (&variant["counted"], &listing["sold_out"]),
            (&json!(0), &json!(!oversold))
        );
        let path = format!("/shops/{shop}/{}", listing["listing"].as_str().unwrap());
        let page = browser.get(&path).await.text();
        assert_eq!(page.contains(">In stock<"), oversold, "{page}");
        let put = [
            ("csrf", csrf.as_str()),
            ("do", "market.bag"),
            ("back", &path),
            ("shop", &shop),
            ("listing", listing["listing"].as_str().unwrap()),
            ("variant", variant["variant"].as_str().unwrap()),
            ("units", "2"),
        ];
        let put = put.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let put = browser.send(&put).await;
        assert_eq!(put.status, if oversold { 303 } else { 422 }, "{}", put.text());
    }
    assert_eq!(
        browser.get("/shops/me").await.text().matches("chip warn").count(),
        1
    );
    // The owner's own grid says what is counted.
    let grid = browser.get("/shop").await.text();
    assert!(
        grid.contains("value=\"5.00|0\"") && !grid.contains("value=\"5.00|\""),
        "{grid}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variant_that_is_looked_at_stays_when_it_is_sold_out() {
    let alice = shop_of(vec![json!({
        "handle": "shirt", "title": "Shirt", "kind": "physical", "published": true, "options": ["Colour"],
        "variants": [
            {"options": ["Red"], "price_minor": 500, "tracked": true, "quantity": 1},
            {"options": ["Blue"], "price_minor": 900, "tracked": true, "quantity": 1},
        ],
    })])
    .await;
    let browser = Browser::open(&alice).await;
    let shirt = alice.gets("/shops/me/listings").await["items"][0].clone();
    let (listing, red) = (
        shirt["listing"].as_str().unwrap(),
        shirt["variants"][0]["variant"].as_str().unwrap(),
    );
    let path = format!("/shops/{}/{listing}", shirt["shop"].as_str().unwrap());
    let sent_on = browser.get(&format!("{path}?country=AT&done=bagged")).await;
    assert_eq!(sent_on.status, 303);
    let named = sent_on.header("location").unwrap().to_owned();
    assert_eq!(named, format!("{path}?variant={red}&country=AT&done=bagged"));
    let shown = |page: String| {
        let offer = page.split_once("id=\"offer\"").unwrap().1;
        let price = offer.split_once("class=\"sum\">").unwrap().1[..8].to_owned();
        let chosen = page.contains(&format!("<option value=\"{red}\" selected>"));
        (price.contains("5.00"), chosen)
    };
    assert_eq!(shown(browser.get(&named).await.text()), (true, true));
    alice
        .does(json!({"do": "set_stock", "listing": listing, "variant": red, "units": 0}))
        .await;
    assert_eq!(shown(browser.get(&named).await.text()), (true, true));
    // Whoever comes anew is shown what can be had.
    let other = browser.get(&path).await.header("location").unwrap().to_owned();
    assert!(!other.contains(red), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_none_comes_back_with_a_sentence() {
    let alice = shop_of(vec![product("cheap", one(500)), product("dear", one(5_000))]).await;
    indexed(&alice, 2).await;
    let browser = Browser::open(&alice).await;
    for (asked, typed) in [
        ("min=abc", "value=\"abc\""),
        ("max=1.234%2C5", "value=\"1.234,5\""),
        ("currency=EU1", "value=\"EU1\""),
    ] {
        let page = browser.get(&format!("/explore?{asked}")).await;
        assert_eq!(page.status, 422, "{asked}");
        let text = page.text();
        assert!(
            text.contains(typed) && text.contains("id=\"price-wrong\""),
            "{asked}: {text}"
        );
        assert_eq!(text.matches("class=\"goods\"").count(), 2, "{asked}");
    }
    for (asked, found, said) in [
        ("currency=eur&min=10", 1, "at least €10.00"),
        ("currency=usd", 0, "Prices in USD"),
        ("currency=EUR", 2, "Prices in EUR"),
        ("sort=price_up", 2, "Cheapest first, in EUR"),
        ("sort=price_up&currency=usd", 0, "Cheapest first, in USD"),
        ("", 2, "Prices"),
    ] {
        let page = browser.get(&format!("/explore?{asked}")).await.text();
        assert_eq!(page.matches("class=\"goods\"").count(), found, "{asked}: {page}");
        assert!(page.contains(said) || asked.is_empty(), "{asked}: {page}");
    }
    // Nothing chosen, nothing filtered.
    let page = browser.get("/explore").await.text();
    assert!(!page.contains("Prices in"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_silence_means_is_said_before_anybody_orders() {
    let alice = shop_of(vec![product("a", one(500))]).await;
    let listed = alice.gets("/shops/me/listings").await["items"][0].clone();
    let shop = format!("/shops/{}", listed["shop"].as_str().unwrap());
    let listing = format!("{shop}/{}", listed["listing"].as_str().unwrap());
    let browser = Browser::open(&alice).await;
    for path in [shop, listing] {
        let page = browser.get(&path).await.text();
        for said in [
            "by then owes nothing",
            "does not accept within 2 days",
            "do not pay within a day",
            "confirm your payment within a day",
            "within 14 days of that",
            "say nothing within 21 days",
        ] {
            assert!(page.contains(said), "{path}: {said}: {page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vouches_stand_by_category() {
    let alice = Running::start().await;
    let bob = souk_protocol::id::AuthorId::from_bytes([7; 32]);
    for category in ["people", "books", "bee keeping"] {
        alice
            .does(json!({"do": "vouch", "subject": bob, "category": category, "stands": true}))
            .await;
    }
    let page = Browser::open(&alice)
        .await
        .get(&format!("/people/{bob}"))
        .await
        .text();
    for said in [
        "Vouched for by",
        "Books: vouched for by",
        "bee keeping: vouched for by",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_about_trouble_says_what_to_do() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let id = souk_protocol::id::AuthorId::from_bytes([7; 32]);
    for (path, next, leads) in [
        (
            format!("/shops/{id}"),
            "Follow its owner",
            "href=\"/explore\">Go back",
        ),
        ("/nowhere".to_owned(), "", "href=\"/\">"),
        ("/orders/x".to_owned(), "Correct it", "href=\"/orders\">Go back"),
    ] {
        let page = browser.get(&path).await.text();
        assert!(page.contains(next) && page.contains(leads), "{path}: {page}");
        assert!(!page.contains("openapi"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_reads_on_for_what_is_asked_for() {
    let alice = Running::start().await;
    let bob = souk_protocol::id::AuthorId::from_bytes([7; 32]);
    alice
        .does(json!({"do": "vouch", "subject": bob, "category": "people", "stands": true, "why": "old friends"}))
        .await;
    for number in 0..40 {
        alice
            .does(json!({"do": "post", "text": format!("post {number}")}))
            .await;
    }
    let browser = Browser::open(&alice).await;
    let page = browser.get("/?show=reviews").await.text();
    assert!(page.contains("old friends"), "{page}");
    let posts = browser.get("/?show=posts").await.text();
    assert!(posts.contains("post 39") && posts.contains("post 10") && !posts.contains("post 9<"));
}
