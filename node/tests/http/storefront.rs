//! The storefront: it shows what is public of one shop, to everybody, and can do nothing else.

use super::wire::{Answer, Running, raw_at};
use serde_json::{Value, json};
use souk_node::http::limits::FRONT_ADDRESS_CONNECTIONS_MAX;
use souk_node::http::{ServeError, Storefront, serve_storefront};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

const SECRET_IBAN: &str = "DE00 SECRET 0000";
const SECRET_STREET: &str = "Hidden Lane 7";
const SECRET_DRAFT: &str = "Unborn Chandelier";

/// Elements that the storefront is made of.
const ELEMENTS: [&str; 58] = [
    "html",
    "head",
    "meta",
    "title",
    "link",
    "script",
    "body",
    "a",
    "div",
    "header",
    "footer",
    "main",
    "nav",
    "form",
    "label",
    "input",
    "button",
    "h1",
    "h2",
    "h3",
    "p",
    "span",
    "b",
    "bdi",
    "ul",
    "ol",
    "li",
    "section",
    "article",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "time",
    "svg",
    "path",
    "strong",
    "em",
    "br",
    "blockquote",
    "del",
    "ins",
    "dl",
    "dt",
    "dd",
    "img",
    "hr",
    "pre",
    "i",
    "u",
    "s",
    "small",
    "figure",
];

struct Shop {
    alice: Running,
    front: Storefront,
}

impl Shop {
    async fn open() -> Self {
        let alice = Running::start().await;
        alice
            .does(json!({"do": "set_profile", "name": "Alice & <Sons>", "about": "We sell **light**."}))
            .await;
        alice
            .does(json!({"do": "set_shop", "currency": "EUR", "shipping_minor": 490, "shipping_free_from_minor": 5000, "returns_days": 14, "payment_instructions": SECRET_IBAN}))
            .await;
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let front = serve_storefront(&alice.api, anywhere, Some("https://shop.example/"))
            .await
            .unwrap();
        Self { alice, front }
    }

    async fn sells(&self, products: Vec<Value>) {
        for products in products.chunks(100) {
            self.alice
                .does(json!({"do": "import_listings", "products": products}))
                .await;
        }
    }

    async fn asks(&self, request: &str, headers: &[&str]) -> Answer {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        raw_at(self.front.address(), request, &headers, b"").await
    }

    async fn gets(&self, path: &str) -> Answer {
        let answer = self.asks(&format!("GET {path}"), &["Host: shop.example"]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }
}

fn product(handle: &str, title: &str, published: bool) -> Value {
    json!({
        "handle": handle, "title": title, "description": "It *shines*.", "vendor": "Mona", "kind": "physical",
        "category": "Home > Light", "tags": ["light"], "published": published,
        "variants": [{"price_minor": 4299, "requires_shipping": true, "tracked": true, "quantity": 3, "sku": "L-1"}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_is_for_sale_and_nothing_private() {
    let shop = Shop::open().await;
    shop.sells(vec![
        product("lamp", "Lamp", true),
        product("vase", "Vase", true),
        product("draft", SECRET_DRAFT, false),
    ])
    .await;
    let alice = &shop.alice;
    alice
        .does(json!({"do": "save_address", "name": "Home", "lines": [SECRET_STREET], "country": "DE"}))
        .await;
    alice
        .does(json!({"do": "save_draft", "name": "post", "text": "secret words"}))
        .await;
    let status = alice.gets("/status").await;
    let list = shop.gets("/").await.text();
    for shown in [
        "Lamp",
        "Vase",
        "€42.99",
        "href=\"/lamp\"",
        "Alice &#38; &#60;Sons&#62;",
        "<strong>light</strong>",
    ] {
        assert!(list.contains(shown), "{shown}: {list}");
    }
    let page = shop.gets("/lamp").await.text();
    for shown in [
        "3 in stock",
        "Shipping costs €4.90",
        "From €50.00 on, shipping is free",
        "within 14 days",
        "https://shop.example/lamp",
        "og:title",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let me = alice.node.author();
    let draft = souk_protocol::id::ListingId::of(&me, "draft");
    for path in ["/draft".to_owned(), format!("/{draft}")] {
        assert_eq!(
            shop.asks(&format!("GET {path}"), &["Host: x"]).await.status,
            404,
            "{path}"
        );
    }
    let lamp = souk_protocol::id::ListingId::of(&me, "lamp");
    let secrets = [
        alice.token.as_str(),
        SECRET_IBAN,
        SECRET_STREET,
        SECRET_DRAFT,
        "secret words",
        "csrf",
        status["device"].as_str().unwrap(),
        &draft.to_string(),
    ];
    for path in [
        "/",
        "/?q=chandelier",
        "/?q=lamp",
        "/?category=Home+%3E+Light",
        "/?page=9",
        "/?q=lamp&page=99999",
        "/lamp",
        &format!("/{lamp}"),
        "/vase",
        "/sitemap.xml",
        "/feed.xml",
        "/feed.json",
        "/robots.txt",
    ] {
        let answer = shop.gets(path).await;
        for secret in secrets {
            assert!(!answer.text().contains(secret), "{path} tells {secret}");
        }
        assert!(answer.header("set-cookie").is_none());
    }
    // The API and the owner's own screens are not there at all, whatever one shows.
    let bearer = format!("Authorization: Bearer {}", alice.token);
    for path in [
        "/api/v1/status",
        "/login",
        "/shop/new",
        "/metrics",
        "/healthz",
        "/shop",
        "/settings",
        "/orders/x",
    ] {
        let answer = shop.asks(&format!("GET {path}"), &["Host: x", &bearer]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written_through_it() {
    let shop = Shop::open().await;
    shop.sells(vec![product("lamp", "Lamp", true)]).await;
    let bearer = format!("Authorization: Bearer {}", shop.alice.token);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
        for path in [
            "/",
            "/lamp",
            "/act",
            "/feed.xml",
            "/api/v1/commands",
            "/shop/import",
            "/nowhere",
        ] {
            let request = format!("{method} {path}");
            let answer = shop.asks(&request, &["Host: x", &bearer]).await;
            assert_eq!(answer.status, 405, "{request}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{request}");
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_origin_and_cookies_change_nothing() {
    let shop = Shop::open().await;
    shop.sells(vec![product("lamp", "Lamp", true)]).await;
    for path in ["/", "/feed.xml", "/sitemap.xml"] {
        let usual = shop.gets(path).await;
        for headers in [
            vec!["Host: eve.example"],
            vec!["Host: shop.example", "Origin: http://eve.example"],
            vec!["Host: shop.example", "Cookie: souk-abc=1; souk-abc-look=ar.dark"],
            vec!["Host: shop.example", "X-Forwarded-Host: eve.example"],
        ] {
            let other = shop.asks(&format!("GET {path}"), &headers).await;
            assert_eq!(
                (other.status, &other.body),
                (200, &usual.body),
                "{path} {headers:?}"
            );
            assert!(other.header("set-cookie").is_none() && !other.text().contains("eve.example"));
        }
    }
    let page = shop.gets("/lamp").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("script-src"),
        "{policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    for (asked, lang) in [
        ("de-AT,en;q=0.5", "lang=\"de\""),
        ("ar", "dir=\"rtl\""),
        ("fr", "lang=\"en\""),
    ] {
        let language = format!("Accept-Language: {asked}");
        let answer = shop.asks("GET /lamp", &["Host: x", &language]).await;
        assert!(answer.text().contains(lang), "{asked}");
        assert_eq!(answer.header("vary"), Some("Accept-Language"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_its_body_and_a_tag_spares_it() {
    let shop = Shop::open().await;
    shop.sells(vec![product("lamp", "Lamp", true)]).await;
    for path in [
        "/",
        "/lamp",
        "/sitemap.xml",
        "/feed.json",
        "/robots.txt",
        "/nowhere",
    ] {
        let get = shop.asks(&format!("GET {path}"), &["Host: x"]).await;
        let head = shop.asks(&format!("HEAD {path}"), &["Host: x"]).await;
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        let names = ["content-type", "content-length", "etag", "cache-control", "vary"];
        // A page says how fresh its stock is, to the minute.
        let names = names.iter().filter(|name| path != "/lamp" || **name != "etag");
        for name in names {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        assert_eq!(head.status, get.status, "{path}");
    }
    let first = shop.gets("/feed.xml").await;
    let tag = format!("If-None-Match: {}", first.header("etag").unwrap());
    let again = shop.asks("GET /feed.xml", &["Host: x", &tag]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let style = shop.gets("/").await.text();
    let at = style.find("/assets/").unwrap();
    let asset = style[at..].split('"').next().unwrap();
    let kept = shop.gets(asset).await;
    assert!(kept.header("cache-control").unwrap().contains("immutable"));
    // Under another hash it may be another file tomorrow.
    let old = shop.gets("/assets/0123456789abcdef/style.css").await;
    assert_eq!(old.header("cache-control"), Some("no-store"));
    let missing = shop
        .asks("GET /assets/0123456789abcdef/nothing.css", &["Host: x"])
        .await;
    assert_eq!(missing.status, 404);
    assert!(
        missing.text().starts_with("<!doctype html>"),
        "{}",
        missing.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_on_this_machine_brings_as_many_as_it_likes() {
    let shop = Shop::open().await;
    let mut held = Vec::new();
    for _ in 0..=FRONT_ADDRESS_CONNECTIONS_MAX {
        held.push(
            tokio::net::TcpStream::connect(shop.front.address())
                .await
                .unwrap(),
        );
    }
    assert_eq!(shop.gets("/robots.txt").await.status, 200);
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_oversold_is_in_stock() {
    let shop = Shop::open().await;
    let mut made = product("made", "Made to order", true);
    made["variants"][0]["quantity"] = json!(0);
    let mut gone = made.clone();
    gone["handle"] = json!("gone");
    made["variants"][0]["oversell"] = json!(true);
    shop.sells(vec![made, gone]).await;
    for (path, said, words) in [
        ("/made", "schema.org/InStock", "Available"),
        ("/gone", "schema.org/OutOfStock", "Sold out"),
    ] {
        let page = shop.gets(path).await.text();
        assert!(page.contains(said) && page.contains(words), "{path}: {page}");
    }
    let list = shop.gets("/").await.text();
    assert_eq!(list.matches("chip bad").count(), 1, "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_has_to_wait_and_others_do_not() {
    let shop = Shop::open().await;
    let mut refused = None;
    for _ in 0..200 {
        // Some at a time, as a browser does: one address holds only so many connections.
        let asked = (0..16).map(|_| shop.asks("GET /robots.txt", &["Host: x"]));
        let answers = futures::future::join_all(asked).await;
        refused = answers.into_iter().find(|answer| answer.status != 200);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    let other = shop
        .asks("GET /robots.txt", &["Host: x", "X-Forwarded-For: 203.0.113.7"])
        .await;
    assert_eq!(other.status, 200);
    let many: Vec<String> = (0..100).map(|number| format!("X-{number}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(shop.asks("GET /", &many).await.status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_named() {
    let shop = Shop::open().await;
    let Err(error) = serve_storefront(&shop.alice.api, shop.front.address(), None).await else {
        panic!("two listeners at one address");
    };
    assert!(matches!(error, ServeError::Storefront { .. }));
    assert!(
        error.to_string().contains(&shop.front.address().to_string())
            && error.next().contains("--storefront")
    );
}

/// Titles that would be dangerous if anything took them for more than text.
fn titles() -> Vec<String> {
    let payloads = [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "</script><!--",
        "<!--<script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "' onfocus='alert(1)' autofocus='",
        "]]><script>alert(1)</script>",
        "\"}]}</script><script>alert(1)//",
        "\\u003c/script\\u003e",
        "\\\";alert(1)//",
        "javascript:alert(1)",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "<a href=javascript:alert(1)>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<style>*{display:none}</style>",
        "<base href=//eve.example>",
        "<math><mtext></p><style><img src onerror=alert(1)>",
        "<title></title><script>alert(1)</script>",
        "<textarea></textarea><script>alert(1)</script>",
        "<ScRiPt>alert(1)</sCrIpT>",
        "<meta http-equiv=refresh content=0;url=//eve.example>",
        "<form action=//eve.example><button>x",
    ];
    let shapes: [fn(&str) -> String; 12] = [
        |text| text.to_owned(),
        |text| format!("Lamp {text}"),
        |text| format!("{text} lamp"),
        |text| format!("\u{202e}{text}"),
        |text| text.to_uppercase(),
        |text| format!("{text}{text}"),
        |text| format!("-->{text}"),
        |text| format!("\">{text}"),
        |text| format!("'>{text}"),
        |text| format!("</title>{text}"),
        |text| format!("\u{2028}{text}"),
        |text| format!("&{text};"),
    ];
    payloads
        .iter()
        .flat_map(|payload| shapes.iter().map(|shape| shape(payload)))
        .collect()
}

/// Every element is one of ours, with no handler and no style of its own; what stands between is text.
fn only_known_elements(html: &str) {
    let known = BTreeSet::from(ELEMENTS);
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or((part, ""));
        if tag == "!doctype html" {
            continue;
        }
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        assert!(known.contains(name.as_str()), "<{tag}>");
        let outside: String = tag.split('"').step_by(2).collect();
        for attribute in outside.split_whitespace().skip(1) {
            assert!(
                !attribute.starts_with("on") && !attribute.starts_with("style"),
                "<{tag}>"
            );
        }
        if name == "script" && !tag.starts_with('/') {
            assert_eq!(tag, "script type=\"application/ld+json\"");
        }
    }
}

/// Whether every element that begins ends where it should.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = xml.split_once("?>").unwrap().1;
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        for entity in text.split('&').skip(1) {
            let (name, _) = entity.split_once(';').expect("an entity ends");
            assert!(
                name.starts_with('#') || ["amp", "lt", "gt", "quot", "apos"].contains(&name),
                "{name}"
            );
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, false) => open.push(name),
            (false, true) => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_titles_stay_text_everywhere() {
    let shop = Shop::open().await;
    let titles = titles();
    assert_eq!(titles.len(), 300);
    let products = titles
        .iter()
        .enumerate()
        .map(|(number, title)| {
            let mut product = product(&format!("p{number}"), title, true);
            for field in ["description", "vendor", "category"] {
                product[field] = title.as_str().into();
            }
            product["options"] = json!([title]);
            product["variants"][0]["options"] = json!([title]);
            product
        })
        .collect();
    shop.sells(products).await;
    for (number, title) in titles.iter().enumerate() {
        // As many guests as pages: one alone would be told to wait.
        let from = format!("X-Forwarded-For: 198.51.{}.{}", number / 200, number % 200);
        let page = shop.asks(&format!("GET /p{number}"), &["Host: x", &from]).await;
        assert_eq!(page.status, 200, "{title}");
        let html = page.text();
        only_known_elements(&html);
        let data = html.split_once("ld+json\">").unwrap().1;
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(data["name"].as_str(), Some(title.as_str()), "{title}");
        assert_eq!(data["@type"], "Product");
        assert_eq!(data["offers"][0]["price"], "42.99");
        assert_eq!(data["offers"][0]["priceCurrency"], "EUR");
    }
    let guest = "X-Forwarded-For: 192.0.2.1";
    for page in 1..=7 {
        let html = shop
            .asks(&format!("GET /?page={page}"), &["Host: x", guest])
            .await
            .text();
        only_known_elements(&html);
    }
    for title in titles.iter().take(60) {
        let query: String = form_urlencoded::byte_serialize(title.as_bytes()).collect();
        let html = shop
            .asks(&format!("GET /?q={query}"), &["Host: x", guest])
            .await
            .text();
        only_known_elements(&html);
    }
    let rss = shop.asks("GET /feed.xml", &["Host: x", guest]).await.text();
    well_formed(&rss);
    assert_eq!(rss.matches("<item>").count(), 50);
    let sitemap = shop.asks("GET /sitemap.xml", &["Host: x", guest]).await.text();
    well_formed(&sitemap);
    assert_eq!(sitemap.matches("<url>").count(), 301);
    let feed = shop.asks("GET /feed.json", &["Host: x", guest]).await.json();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["items"].as_array().unwrap().len(), 50);
}
