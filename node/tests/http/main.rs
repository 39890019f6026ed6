//! The local API of a real node, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, helpers included"
)]

mod dealing;
mod den;
mod forms;
mod market;
mod owner;
mod pages;
mod phones;
mod shopkeeper;
mod storefront;
mod wire;

use serde_json::{Value, json};
use souk_node::http::limits::{BODY_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX};
use souk_node::http::{ServeError, serve};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use wire::{EXCHANGE, Running, conforms};

const PRODUCTS: &str = "Handle,Title,Body (HTML),Vendor,Tags,Published,Option1 Name,Option1 Value,Variant SKU,\
Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,\
Variant Requires Shipping,Image Src,Image Alt Text\n\
lamp,Lamp,<p>It shines.</p>,Mona,\"light, home\",true,Size,Small,L-S,500,shopify,3,deny,42.99,true,https://example.com/l.png,A lamp\n\
lamp,,,,,,,Large,L-L,900,,,deny,60.00,true,,\n\
vase,Vase,,Mona,home,true,Title,Default Title,V,300,,,deny,7.50,true,,\n";

fn shop() -> Value {
    json!({"do": "set_shop", "currency": "EUR", "shipping_minor": 490, "shipping_free_from_minor": 5000, "returns_days": 14})
}

/// Every call of the description: method and path, `{name}` filled with something that is no id.
fn calls(document: &Value) -> Vec<(String, String, bool)> {
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "x" } else { part });
            let open = operation["security"].is_null();
            calls.push((method.to_uppercase(), path.collect::<Vec<_>>().join("/"), open));
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_token_or_under_another_name() {
    let alice = Running::start().await;
    let document = alice.gets("/openapi.json").await;
    let token = format!("Authorization: Bearer {}", alice.token);
    let host = format!("Host: {}", alice.host());
    for (method, path, open) in calls(&document) {
        let request = format!("{method} {path}");
        for foreign in [
            "Host: eve.example".to_owned(),
            format!("Host: {}.eve.example", alice.host()),
            "Host: 127.0.0.1".to_owned(),
        ] {
            let answer = alice.raw(&request, &[foreign.clone(), token.clone()], b"").await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (421, "host"),
                "{request} {foreign}"
            );
        }
        for foreign in ["http://eve.example", "null", "http://127.0.0.1:1"] {
            let origin = format!("Origin: {foreign}");
            let answer = alice
                .raw(&request, &[host.clone(), token.clone(), origin], b"")
                .await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "origin"),
                "{request} {foreign}"
            );
            assert!(answer.header("access-control-allow-origin").is_none());
        }
        let answer = alice.raw(&request, std::slice::from_ref(&host), b"").await;
        if open {
            assert_ne!(
                answer.header("content-type"),
                Some("application/json"),
                "{request}: {}",
                answer.text()
            );
        } else {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "no_token"),
                "{request}"
            );
        }
        assert!(
            answer
                .header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none';")
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{request}");
        }
    }
    let unknown = alice.raw("GET /api/v1/nowhere", &[host], b"").await;
    assert_eq!(unknown.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_what_the_router_answers_and_nothing_else() {
    let alice = Running::start().await;
    let document = alice.gets("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let calls = calls(&document);
    let known: BTreeSet<(&str, &str)> = calls
        .iter()
        .map(|(method, path, _)| (method.as_str(), path.as_str()))
        .collect();
    for (_, path, _) in &calls {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            // These two end the test's own connection or node.
            if [("GET", "/api/v1/events"), ("POST", "/api/v1/stop")].contains(&(method, path)) {
                continue;
            }
            let answer = alice.asks(&format!("{method} {path}"), b"").await;
            let refused = answer.status == 405;
            assert_eq!(
                refused,
                !known.contains(&(method, path)),
                "{method} {path}: {}",
                answer.text()
            );
            assert!(
                answer.status != 404 || !answer.text().contains("there is nothing at"),
                "{path}"
            );
            assert_ne!(answer.status, 503, "{method} {path}: {}", answer.text());
        }
    }
    assert_eq!(alice.asks("GET /api/v1/nowhere", b"").await.code(), "not_found");
    // The calls of spec/api.md, by name.
    for path in [
        "commands",
        "status",
        "feed",
        "search",
        "orders",
        "tabs",
        "events",
        "peers",
        "shop/import",
        "shop/export",
    ] {
        assert!(
            document["paths"].get(format!("/api/v1/{path}")).is_some(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_shapes_that_the_description_tells() {
    let alice = Running::start().await;
    let document = alice.gets("/openapi.json").await;
    let me = alice.node.author().to_string();
    let bob = souk_protocol::id::AuthorId::from_bytes([9; 32]).to_string();
    alice
        .does(json!({"do": "set_profile", "name": "Alice", "about": "Lamps."}))
        .await;
    alice.does(json!({"do": "follow", "author": bob})).await;
    alice
        .does(json!({"do": "vouch", "subject": bob, "category": "people", "stands": true, "why": "Pays."}))
        .await;
    alice
        .does(json!({"do": "save_address", "name": "home", "lines": ["Street 1"], "country": "DE"}))
        .await;
    alice
        .does(json!({"do": "save_draft", "name": "plan", "text": "Sell lamps."}))
        .await;
    alice.does(shop()).await;
    let imported = alice.asks("POST /api/v1/shop/import", PRODUCTS.as_bytes()).await;
    assert_eq!(imported.status, 200, "{}", imported.text());
    let listings = alice.gets("/shops/me/listings").await;
    let lamp = listings["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["handle"] == "lamp")
        .unwrap();
    let id = lamp["listing"].as_str().unwrap();
    let prices: Vec<&Value> = lamp["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| &variant["price"])
        .collect();
    assert_eq!(
        prices,
        [
            &json!({"minor": 4299, "currency": "EUR"}),
            &json!({"minor": 6000, "currency": "EUR"})
        ]
    );
    assert_eq!(
        (
            &lamp["variants"][0]["available"],
            &lamp["variants"][1]["available"]
        ),
        (&json!(3), &Value::Null)
    );
    let post = json!({"do": "post", "text": "A lamp!", "tags": [{"shop": me, "listing": id}]});
    let said = alice.does(post).await;
    let post = said["id"].as_str().unwrap();
    alice
        .does(json!({"do": "post", "text": "Indeed.", "reply_to": post}))
        .await;
    alice
        .does(json!({"do": "react", "to": post, "emoji": "💡"}))
        .await;
    for (path, call) in [
        ("/openapi.json", "/openapi.json".to_owned()),
        ("/status", "/status".to_owned()),
        ("/profiles/{author}", format!("/profiles/{me}")),
        ("/profiles/{author}", format!("/profiles/{bob}")),
        ("/follows", "/follows".to_owned()),
        ("/feed", "/feed?limit=10".to_owned()),
        ("/posts/{id}", format!("/posts/{post}")),
        ("/search", "/search?q=&shop=me".to_owned()),
        ("/shops/{author}", "/shops/me".to_owned()),
        (
            "/shops/{author}/listings",
            format!("/shops/{me}/listings?limit=1"),
        ),
        (
            "/shops/{author}/listings/{listing}",
            format!("/shops/{me}/listings/{id}"),
        ),
        (
            "/shops/{author}/listings/{listing}/reviews",
            format!("/shops/{me}/listings/{id}/reviews"),
        ),
        ("/orders", "/orders".to_owned()),
        ("/tabs", "/tabs".to_owned()),
        ("/addresses", "/addresses".to_owned()),
        ("/drafts", "/drafts".to_owned()),
    ] {
        let answer = alice.gets(&call).await;
        let schema = &document["paths"][format!("/api/v1{path}")]["get"]["responses"]["2XX"]["content"];
        conforms(&document, &schema["application/json"]["schema"], &answer, &call);
    }
    let shown = alice.gets(&format!("/posts/{post}")).await;
    assert_eq!(shown["tags"][0]["listing"]["title"], "Lamp");
    assert_eq!(
        (&shown["reactions"]["💡"], &shown["answers"][0]["body"]["text"]),
        (&json!(1), &json!("Indeed."))
    );
    assert_eq!(
        alice.gets("/status").await["shop"],
        json!({"currency": "EUR", "listings": 2})
    );
    let bob = alice.gets(&format!("/profiles/{bob}")).await;
    assert_eq!(
        (&bob["followed"], &bob["vouched_by"][0]["name"]),
        (&json!(true), &json!("Alice"))
    );
    let found = alice.gets("/addresses").await;
    assert_eq!(
        found["items"],
        json!([{"name": "home", "lines": ["Street 1"], "country": "DE"}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_list_hold_everything_once() {
    let alice = Running::start().await;
    for number in 0..7 {
        alice
            .does(json!({"do": "post", "text": number.to_string()}))
            .await;
    }
    let (mut texts, mut after) = (Vec::new(), None::<String>);
    loop {
        let after_part = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let page = alice.gets(&format!("/feed?limit=3{after_part}")).await;
        texts.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["body"]["text"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(texts, ["6", "5", "4", "3", "2", "1", "0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_told_what_is_wrong_and_change_nothing() {
    let alice = Running::start().await;
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let unknown = format!(
        "GET /api/v1/orders/{}",
        souk_protocol::id::OrderId::from_bytes([1; 32])
    );
    let cases: &[(&str, &[u8], u16, &str)] = &[
        ("POST /api/v1/commands", b"", 400, "invalid"),
        ("POST /api/v1/commands", b"{", 400, "invalid"),
        ("POST /api/v1/commands", b"\xff\xfe", 400, "invalid"),
        ("POST /api/v1/commands", b"[]", 422, "invalid"),
        ("POST /api/v1/commands", b"{\"do\":\"fly\"}", 422, "invalid"),
        (
            "POST /api/v1/commands",
            b"{\"do\":\"post\",\"text\":\"a\",\"more\":1}",
            422,
            "invalid",
        ),
        (
            "POST /api/v1/commands",
            b"{\"do\":\"follow\",\"author\":\"me\"}",
            422,
            "invalid",
        ),
        (
            "POST /api/v1/commands",
            b"{\"do\":\"post\",\"text\":\"\"}",
            422,
            "invalid",
        ),
        ("POST /api/v1/commands", &large, 413, "too_large"),
        ("GET /api/v1/orders/x", b"", 400, "invalid"),
        (&unknown, b"", 404, "not_found"),
        ("GET /api/v1/orders?limit=0", b"", 400, "invalid"),
        ("GET /api/v1/orders?limit=201", b"", 400, "invalid"),
        ("GET /api/v1/orders?limit=many", b"", 400, "invalid"),
        ("GET /api/v1/orders?after=zz", b"", 400, "invalid"),
        ("GET /api/v1/orders?sort=up", b"", 400, "invalid"),
        ("GET /api/v1/search?sort=price_up", b"", 400, "invalid"),
        ("GET /api/v1/events?after=-1", b"", 400, "invalid"),
        ("GET /api/v1/profiles/%ff", b"", 400, "invalid"),
        ("GET /api/v1/shops/me", b"", 404, "not_found"),
        (
            "POST /api/v1/peers",
            b"{\"address\":\"nowhere\"}",
            502,
            "unreachable",
        ),
        ("POST /api/v1/shop/import", b"Handle,Title\n", 409, "not_allowed"),
        ("GET /api/v1/shop/export", b"", 409, "not_allowed"),
        ("DELETE /api/v1/status", b"", 405, "method"),
    ];
    for (request, body, status, code) in cases {
        let answer = alice.asks(request, body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (*status, *code),
            "{request}: {}",
            answer.text()
        );
    }
    let mut keyed = alice.usual();
    keyed.push(format!(
        "Idempotency-Key: {}",
        "k".repeat(IDEMPOTENCY_KEY_BYTES_MAX + 1)
    ));
    assert_eq!(
        alice.raw("POST /api/v1/commands", &keyed, b"{}").await.status,
        400
    );
    assert_eq!(alice.asks("GET /healthz", b"").await.text(), "ok\n");
    assert_eq!(alice.gets("/feed").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_a_key_is_carried_out_once() {
    let alice = Running::start().await;
    let mut headers = alice.usual();
    headers.push("Idempotency-Key: one".into());
    let post = json!({"do": "post", "text": "once"}).to_string();
    let same = || alice.raw("POST /api/v1/commands", &headers, post.as_bytes());
    let (first, second) = tokio::join!(same(), same());
    let third = same().await;
    assert_eq!((first.status, first.json()), (200, second.json()));
    assert_eq!(first.json(), third.json());
    assert_eq!(alice.gets("/feed").await["items"].as_array().unwrap().len(), 1);
    let other = json!({"do": "post", "text": "other"}).to_string();
    let answer = alice
        .raw("POST /api/v1/commands", &headers, other.as_bytes())
        .await;
    assert_eq!(answer.code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_file_goes_in_whole_or_not_at_all_and_comes_out_again() {
    let alice = Running::start().await;
    alice.does(shop()).await;
    let bad = PRODUCTS.replace("7.50", "seven");
    let refused = alice.asks("POST /api/v1/shop/import", bad.as_bytes()).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "invalid"));
    assert_eq!(alice.gets("/shops/me/listings").await["items"], json!([]));
    let done = |text: String| -> Value {
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        last["done"].clone()
    };
    let imported = alice
        .asks("POST /api/v1/shop/import", PRODUCTS.as_bytes())
        .await
        .text();
    assert!(
        imported.starts_with("{\"progress\":{\"listings\":2,\"of\":2}}\n"),
        "{imported}"
    );
    let counts = |done: &Value| {
        ["listings_in_file", "variants_in_file", "new", "changed", "same"]
            .map(|name| done[name].as_u64().unwrap())
    };
    assert_eq!(counts(&done(imported)), [2, 3, 2, 0, 0]);
    let file = alice.asks("GET /api/v1/shop/export", b"").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let again = alice.asks("POST /api/v1/shop/import", &file.body).await.text();
    assert_eq!(counts(&done(again)), [2, 3, 0, 0, 2]);
    // What the file keeps unpublished stays so, unless its drafts are asked for too.
    let unpublished = PRODUCTS.replace("home\",true", "home\",false");
    let kept = alice
        .asks("POST /api/v1/shop/import", unpublished.as_bytes())
        .await
        .text();
    assert_eq!(counts(&done(kept)), [2, 3, 0, 1, 1]);
    let published = async || {
        let listings = alice.gets("/shops/me/listings").await;
        let items = listings["items"].as_array().unwrap().clone();
        items
            .iter()
            .filter(|listing| listing["published"] == true)
            .count()
    };
    assert_eq!(published().await, 1);
    let drafts = alice
        .asks("POST /api/v1/shop/import?drafts=true", unpublished.as_bytes())
        .await
        .text();
    assert_eq!(counts(&done(drafts)), [2, 3, 0, 1, 1]);
    assert_eq!(published().await, 2);
}

/// Reads server-sent events until there are so many: number, kind and data.
async fn events(alice: &Running, query: &str, header: &str, count: usize) -> Vec<(u64, String, Value)> {
    let read = async {
        let mut stream = TcpStream::connect(alice.api.address()).await.unwrap();
        let head = alice.usual().join("\r\n");
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\n{head}\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let (mut found, mut id, mut kind) = (Vec::new(), 0, String::new());
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            } else if let Some(text) = line.strip_prefix("event: ") {
                kind = text.to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                found.push((id, kind.clone(), serde_json::from_str(text).unwrap()));
            }
            if found.len() == count {
                break;
            }
        }
        found
    };
    tokio::time::timeout(EXCHANGE, read)
        .await
        .expect("events in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_comes_back_goes_on_where_it_was() {
    let alice = Running::start().await;
    for text in ["one", "two", "three"] {
        alice.does(json!({"do": "post", "text": text})).await;
    }
    let all = events(&alice, "?after=0", "", 3).await;
    assert_eq!(
        all.iter().map(|(number, ..)| *number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(
        all.iter()
            .all(|(number, kind, data)| kind == "said" && data["number"] == *number),
        "{all:?}"
    );
    let rest = events(&alice, "", "Last-Event-ID: 1\r\n", 2).await;
    assert_eq!(rest, all[1..]);
    let watching = events(&alice, "?after=3", "", 1);
    let saying = alice.does(json!({"do": "post", "text": "four"}));
    let (live, _) = tokio::join!(watching, saying);
    assert_eq!(live[0].0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_the_page_once_and_its_cookie_cannot_be_used_from_elsewhere() {
    let alice = Running::start().await;
    alice
        .does(json!({"do": "set_profile", "name": "<b>Alice</b>"}))
        .await;
    let host = format!("Host: {}", alice.host());
    let closed = alice.raw("GET /", std::slice::from_ref(&host), b"").await;
    assert_eq!(closed.status, 401);
    assert!(closed.text().contains("souk open") && !closed.text().contains("Alice"));
    let link = alice.posts("/login-links", json!({})).await.json()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = link.strip_prefix(alice.api.url()).unwrap();
    let opened = alice
        .raw(&format!("GET {path}"), std::slice::from_ref(&host), b"")
        .await;
    assert_eq!((opened.status, opened.header("location")), (303, Some("/")));
    let (cookie, rest) = opened.header("set-cookie").unwrap().split_once("; ").unwrap();
    assert_eq!(rest, "Path=/; HttpOnly; SameSite=Strict");
    let device = alice.node.device().to_string();
    assert!(cookie.starts_with(&format!("souk-{}=", &device["device-".len()..][..16])));
    let again = alice
        .raw(&format!("GET {path}"), std::slice::from_ref(&host), b"")
        .await;
    assert_eq!((again.status, again.header("set-cookie")), (401, None));
    let cookie = format!("Cookie: {cookie}");
    let page = alice.raw("GET /", &[host.clone(), cookie.clone()], b"").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("&#60;b&#62;Alice") && !page.text().contains("<b>Alice"),
        "{}",
        page.text()
    );
    let post = json!({"do": "post", "text": "hi"}).to_string();
    let sneaked = alice
        .raw(
            "POST /api/v1/commands",
            &[host.clone(), cookie.clone()],
            post.as_bytes(),
        )
        .await;
    assert_eq!((sneaked.status, sneaked.code().as_str()), (403, "origin"));
    let origin = format!("Origin: {}", alice.api.url());
    let own = alice
        .raw("POST /api/v1/commands", &[host, cookie, origin], post.as_bytes())
        .await;
    assert_eq!(own.status, 200, "{}", own.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_kept_and_a_taken_one_is_named() {
    let alice = Running::start().await;
    let port = alice.api.address().port();
    assert_eq!(alice.home.port().unwrap(), Some(port));
    let taken = serve(alice.node.clone(), &alice.home, None).await;
    assert!(matches!(taken, Err(ServeError::PortTaken { port: named }) if named == port));
    let Running {
        node, home, api, dir, ..
    } = alice;
    api.stop().await;
    let api = serve(node.clone(), &home, None).await.unwrap();
    assert_eq!(api.address().port(), port);
    api.stop().await;
    node.shut_down().await;
    drop(dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_open_streams_and_says_so() {
    let alice = Running::start().await;
    let mut stopping = alice.node.stopping();
    let mut stream = TcpStream::connect(alice.api.address()).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\n{}\r\n\r\n",
        alice.usual().join("\r\n")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    let answer = alice.posts("/stop", json!({})).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"stopping": true})));
    tokio::time::timeout(EXCHANGE, stopping.wait_for(|stop| *stop))
        .await
        .unwrap()
        .unwrap();
    let Running { node, api, dir, .. } = alice;
    tokio::time::timeout(Duration::from_secs(10), api.stop())
        .await
        .expect("the API ends though a stream is open");
    let rest = async { while let Ok(Some(_)) = lines.next_line().await {} };
    tokio::time::timeout(EXCHANGE, rest)
        .await
        .expect("the stream ends");
    node.shut_down().await;
    drop(dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_read_as_prometheus_text() {
    let alice = Running::start().await;
    alice.does(json!({"do": "post", "text": "hi"})).await;
    let answer = alice.asks("GET /metrics", b"").await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let (mut typed, mut samples) = (BTreeSet::new(), 0);
    for line in answer.text().lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            assert!(
                typed.insert(family.split(' ').next().unwrap().to_owned()),
                "{line} comes twice"
            );
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(typed.contains(name.split('{').next().unwrap()), "{line}");
        value.parse::<u64>().unwrap();
        samples += 1;
    }
    assert!(samples > 10 && typed.contains("souk_peers") && typed.contains("souk_http_requests_total"));
}
