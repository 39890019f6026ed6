//! Paired phones: nobody gets anything who is not paired; whoever is does the owner's daily business and
//! nothing that would give the node away; whoever is thrown out is out at once.

use super::den::{Den, Invited, Phone, served};
use super::pages::{filled, form};
use super::wire::{EXCHANGE, Running, value_after};
use serde_json::json;
use souk_node::http::limits::{
    PAIR_WRONG_PER_MINUTE_MAX, PHONE_ADDRESS_CONNECTIONS_MAX, PHONE_HANDSHAKE_MS_MAX,
};
use souk_node::http::{serve, serve_phones};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long something is waited for that comes by itself.
const LOOKS: usize = 400;
const PAUSE: Duration = Duration::from_millis(50);

/// Whether somebody listens there.
async fn is_open(at: SocketAddr) -> bool {
    TcpStream::connect(at).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_before_the_owner_says_so_and_nobody_afterwards() {
    let den = served(Running::start().await).await;
    assert_eq!(
        den.status().await,
        json!({"on": false, "addresses": [], "paired": 0})
    );
    let csrf = den.alice.csrf("/settings/devices").await;
    let early = den
        .alice
        .fills("/settings/devices/phone", &[("csrf", &csrf)])
        .await;
    assert_eq!(early.status, 409);
    // Without the seal the switch does not turn.
    let fields = [
        ("csrf", "x"),
        ("do", "node.phones"),
        ("switch", "on"),
        ("back", "/settings/devices"),
    ];
    assert_eq!(den.alice.fills("/act", &fields).await.status, 403);
    assert_eq!(den.turn("sideways").await.status, 422);
    assert_eq!(den.status().await["on"], json!(false));

    assert_eq!(den.turn("on").await.status, 303);
    let phone = den.pairs("Pocket").await;
    let status = den.status().await;
    assert_eq!(
        status,
        json!({"on": true, "addresses": [format!("https://{}", phone.at)], "paired": 1})
    );
    assert_eq!(phone.page("/").await.status, 200);

    // Something is being told when the switch is turned off: it is cut.
    let mut lines = phone.events().await;
    let waiting = den.invites().await;
    assert_eq!(den.turn("off").await.status, 303);
    let rest = async { while let Ok(Some(_)) = lines.next_line().await {} };
    tokio::time::timeout(Duration::from_secs(2), rest)
        .await
        .expect("what is open is cut at once");
    assert!(!is_open(phone.at).await);
    assert_eq!(
        den.status().await,
        json!({"on": false, "addresses": [], "paired": 1})
    );

    // On again: the phone is paired still, a code from before is none.
    den.turn("on").await;
    let at = den.status().await["addresses"][0].as_str().unwrap().to_owned();
    let at: SocketAddr = at.strip_prefix("https://").unwrap().parse().unwrap();
    let phone = Phone { at, ..phone };
    assert_eq!(phone.page("/").await.status, 200);
    let stranger = Phone::stranger(&Invited { at, ..waiting });
    let old = den.invites().await;
    assert_eq!(stranger.page(&format!("/pair/{}", old.code)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_before_the_switch_was_off_is_none() {
    let den = Den::start().await;
    let waiting = den.invites().await;
    den.turn("off").await;
    den.turn("on").await;
    let now = den.invites().await;
    let stranger = Phone::stranger(&now);
    assert_eq!(
        stranger.page(&format!("/pair/{}", waiting.code)).await.status,
        403
    );
    assert_eq!(stranger.page(&format!("/pair/{}", now.code)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_paired_is_told_nothing() {
    let den = Den::start().await;
    den.alice
        .does(json!({"do": "set_profile", "name": "Alice the Secret", "about": "Here."}))
        .await;
    den.alice
        .does(json!({"do": "post", "text": "Nobody's business"}))
        .await;
    let (author, device) = (
        den.alice.node.author().to_string(),
        den.alice.node.device().to_string(),
    );
    let stranger = Phone::stranger(&den.invites().await);
    let link = den.alice.posts("/login-links", json!({})).await.json()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = link.strip_prefix(den.alice.api.url()).unwrap();
    let host = format!("Host: {}", den.alice.host());
    let opened = den.alice.raw(&format!("GET {path}"), &[host], b"").await;
    let owner = opened
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let with = |line: String| vec![stranger.host(), stranger.origin(), line];
    let documents = den.alice.gets("/openapi.json").await;
    let mut paths: Vec<String> = [
        "/",
        "/settings",
        "/settings/devices",
        "/posts/x",
        "/nowhere",
        "/pair",
        "/login",
        "/explore",
    ]
    .map(str::to_owned)
    .to_vec();
    for path in documents["paths"].as_object().unwrap().keys() {
        paths.push(path.replace(['{', '}'], ""));
    }
    for path in &paths {
        for method in ["GET", "POST", "HEAD", "OPTIONS", "DELETE"] {
            for headers in [
                stranger.usual(),
                with(format!("Authorization: Bearer {}", den.alice.token)),
                with(format!("Cookie: {owner}")),
                with(format!("Cookie: __Host-{owner}")),
            ] {
                let headers = match method {
                    "GET" | "HEAD" | "OPTIONS" => headers,
                    _ => [headers, vec![stranger.origin()]].concat(),
                };
                let answer = stranger.raw(&format!("{method} {path}"), &headers, b"").await;
                assert_eq!(answer.status, 401, "{method} {path} {headers:?}");
                for secret in [
                    "Alice",
                    "business",
                    &author,
                    &device,
                    &den.alice.token,
                    "127.0.0.1",
                ] {
                    let head = format!("{:?}", answer.headers);
                    assert!(
                        !answer.text().contains(secret) && !head.contains(secret),
                        "{method} {path}: {secret}"
                    );
                }
                assert!(answer.body.len() < 2_000, "{method} {path}");
                assert_eq!(answer.header("set-cookie"), None);
                assert!(answer.header("content-security-policy").is_some());
            }
        }
    }
    let program = stranger.asks("GET /api/v1/status").await;
    assert_eq!(program.code(), "no_phone");
    // The closed door has its style, which is the same in every node.
    let door = stranger.page("/").await.text();
    let style = value_after(&door, "rel=\"stylesheet\" href=\"");
    let style = stranger.page(style).await;
    assert_eq!(
        (style.status, style.header("content-type")),
        (200, Some("text/css; charset=utf-8"))
    );
    assert!(den.counted("no_phone").await > 100);
    assert_eq!(
        den.alice.gets("/feed").await["items"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_pairs_one_phone_and_a_look_at_its_link_does_not_use_it_up() {
    let den = Den::start().await;
    let invited = den.invites().await;
    let phone = Phone::stranger(&invited);
    let path = format!("/pair/{}", invited.code);
    for _ in 0..5 {
        let looked = phone
            .raw(
                &format!("GET {path}"),
                &[phone.host(), "User-Agent: x Android y".into()],
                b"",
            )
            .await;
        assert_eq!(looked.status, 200);
        assert_eq!(value_after(&looked.text(), "name=\"name\" value=\""), "Android");
        assert!(
            looked.header("set-cookie").is_none()
                && !looked.text().contains(&den.alice.node.author().to_string())
        );
        assert_eq!(phone.asks(&format!("HEAD {path}")).await.status, 200);
    }
    assert_eq!(den.status().await["paired"], json!(0));
    // A form that is refused costs no code; nor does one that another page sends.
    for name in ["", "two\nlines", &"x".repeat(41)] {
        let refused = phone.sends_code(&invited.code, name).await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.text().contains("<form"));
    }
    let kind = "Content-Type: application/x-www-form-urlencoded".to_owned();
    for origin in [
        None,
        Some("null"),
        Some("https://eve.example"),
        Some(&*format!("http://{}", phone.at)),
    ] {
        let origin = origin.map(|origin| format!("Origin: {origin}"));
        let headers: Vec<String> = [phone.host(), kind.clone()].into_iter().chain(origin).collect();
        let sneaked = phone.raw(&format!("POST {path}"), &headers, b"name=Eve").await;
        assert_eq!(
            (sneaked.status, sneaked.code().as_str()),
            (403, "origin"),
            "{headers:?}"
        );
    }
    let large = phone.fills(&path, &[("name".into(), "x".repeat(10_000))]).await;
    assert_eq!(large.status, 413);
    // Two at once: one of them is paired.
    let (one, two) = tokio::join!(
        phone.sends_code(&invited.code, "One"),
        phone.sends_code(&invited.code, "Two")
    );
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [303, 403]);
    assert_eq!(den.status().await["paired"], json!(1));
    let again = phone.page(&path).await;
    assert_eq!((again.status, again.header("set-cookie")), (403, None));
    let shown = den.alice.page("/settings/devices").await.text();
    assert!(shown.contains("One") || shown.contains("Two"));
    // The secret stands in no file and in no page.
    let cookie = [&one, &two]
        .iter()
        .find_map(|answer| answer.header("set-cookie"))
        .unwrap()
        .to_owned();
    let secret = cookie
        .split_once('=')
        .unwrap()
        .1
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let kept = std::fs::read_to_string(den.alice.home.dir().join("phones.json")).unwrap();
    assert!(!kept.contains(&secret) && !shown.contains(&secret));
    assert!(!kept.contains(&invited.code));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_few_and_then_the_right_one_waits() {
    let den = Den::start().await;
    let invited = den.invites().await;
    let eve = Phone::stranger(&invited);
    for number in 0..PAIR_WRONG_PER_MINUTE_MAX {
        let answer = match number % 2 {
            0 => eve.page(&format!("/pair/{number}")).await,
            _ => eve.sends_code(&format!("{}x", invited.code), "Eve").await,
        };
        assert_eq!((answer.status, answer.header("set-cookie")), (403, None));
    }
    for answer in [
        eve.page(&format!("/pair/{}", invited.code)).await,
        eve.sends_code(&invited.code, "Eve").await,
        eve.sends_code("other", "Eve").await,
    ] {
        assert_eq!((answer.status, answer.header("set-cookie")), (429, None));
    }
    assert_eq!(den.status().await["paired"], json!(0));
    assert_eq!(den.counted("code").await, PAIR_WRONG_PER_MINUTE_MAX as u64 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_answered_under_its_address_and_to_its_own_pages_alone() {
    let den = Den::start().await;
    let phone = den.pairs("Pocket").await;
    let cookie = format!("Cookie: {}", phone.cookie);
    let port = phone.at.port();
    let owner = den.alice.host();
    for host in [
        format!("localhost:{port}"),
        "127.0.0.1".into(),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        format!("127.0.0.1.:{port}"),
        format!("127.0.0.1:{port}.eve.example"),
        format!("eve.example:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        format!("127.1:{port}"),
        format!("user@127.0.0.1:{port}"),
        format!("127.0.0.2:{port}"),
        owner.clone(),
        String::new(),
    ] {
        let answer = phone
            .raw(
                "GET /api/v1/status",
                &[format!("Host: {host}"), cookie.clone()],
                b"",
            )
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (421, "host"), "{host}");
    }
    let twice = phone
        .raw("GET /", &[phone.host(), phone.host(), cookie.clone()], b"")
        .await;
    assert!([400, 421].contains(&twice.status));
    let absolute = phone.raw("GET https://eve.example/", &phone.usual(), b"").await;
    assert!([400, 421].contains(&absolute.status));
    let post = json!({"do": "post", "text": "from elsewhere"}).to_string();
    for origin in [
        "null".into(),
        String::new(),
        format!("http://{}", phone.at),
        format!("https://{}/", phone.at),
        format!("https://localhost:{port}"),
        "https://127.0.0.1".into(),
        format!("HTTPS://{}", phone.at),
        format!("http://{owner}"),
        "https://eve.example".into(),
    ] {
        let headers = [phone.usual(), vec![format!("Origin: {origin}")]].concat();
        for request in ["POST /api/v1/commands", "GET /api/v1/status", "POST /act"] {
            let answer = phone.raw(request, &headers, post.as_bytes()).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "origin"),
                "{request} {origin}"
            );
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    // Without an origin nothing changes anything.
    let silent = phone
        .raw("POST /api/v1/commands", &phone.usual(), post.as_bytes())
        .await;
    assert_eq!((silent.status, silent.code().as_str()), (403, "origin"));
    assert_eq!(den.alice.gets("/feed").await["items"], json!([]));
    // With its own both come in.
    let own = phone.commands(json!({"do": "post", "text": "from here"})).await;
    assert_eq!(own.status, 200, "{}", own.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_s_cookie_opens_its_own_door_and_no_other() {
    let den = Den::start().await;
    let phone = den.pairs("Pocket").await;
    let host = format!("Host: {}", den.alice.host());
    let origin = format!("Origin: {}", den.alice.api.url());
    let value = phone.cookie.split_once('=').unwrap().1;
    let bare = phone.cookie.strip_prefix("__Host-").unwrap();
    for line in [
        format!("Cookie: {}", phone.cookie),
        format!("Cookie: {bare}"),
        format!("Authorization: Bearer {value}"),
    ] {
        for path in ["/", "/api/v1/status", "/settings/devices"] {
            let answer = den
                .alice
                .raw(
                    &format!("GET {path}"),
                    &[host.clone(), origin.clone(), line.clone()],
                    b"",
                )
                .await;
            assert_eq!(answer.status, 401, "{path} {line}");
        }
    }
    // Nor is the page that pairs at the owner's address.
    let invited = den.invites().await;
    assert_eq!(
        den.alice.page(&format!("/pair/{}", invited.code)).await.status,
        404
    );
    // Another node's phone is a stranger here.
    let other = Den::start().await;
    let foreign = other.pairs("Elsewhere").await;
    let visiting = Phone {
        at: phone.at,
        fingerprint: phone.fingerprint.clone(),
        cookie: foreign.cookie,
    };
    assert_eq!(visiting.page("/").await.status, 401);
    // And whoever expects the one certificate does not talk to the other.
    let misled = Phone {
        at: phone.at,
        fingerprint: foreign.fingerprint,
        cookie: phone.cookie.clone(),
    };
    assert!(misled.connect().await.is_err());
    assert_eq!(phone.page("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_thrown_out_is_out_at_once_with_all_that_is_open() {
    let den = Den::start().await;
    let (lost, kept) = (den.pairs("Lost <b>one</b>").await, den.pairs("Kept").await);
    let mut streams = Vec::new();
    for phone in [&lost, &kept] {
        streams.push(phone.events().await);
    }
    let shown = den.alice.page("/settings/devices").await.text();
    assert!(shown.contains("Lost &#60;b&#62;") && !shown.contains("<b>one"));
    let id = shown.split_once("Lost &#60;b&#62;").unwrap().1;
    let id = value_after(id, "name=\"key\" value=\"").to_owned();
    assert_eq!(den.act("node.phone-out", &[("key", "0000")]).await.status, 404);
    assert_eq!(den.act("node.phone-out", &[("key", &id)]).await.status, 303);
    assert_eq!(lost.page("/").await.status, 401);
    let sneaked = lost.commands(json!({"do": "post", "text": "still here"})).await;
    assert_eq!((sneaked.status, sneaked.code().as_str()), (401, "no_phone"));
    let ends = async { while let Ok(Some(_)) = streams[0].next_line().await {} };
    tokio::time::timeout(Duration::from_secs(2), ends)
        .await
        .expect("the stream of the one that is out ends");
    // The other one hears on.
    den.alice.does(json!({"do": "post", "text": "news"})).await;
    let hears = async {
        while let Some(line) = streams[1].next_line().await.unwrap() {
            if line == "event: said" {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(EXCHANGE, hears).await.unwrap());
    assert_eq!(kept.page("/").await.status, 200);
    assert!(!den.alice.page("/settings/devices").await.text().contains("Lost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_phones_and_the_switch_outlive_a_restart_and_revocation_does_too() {
    let den = Den::start().await;
    let (phone, lost) = (den.pairs("Pocket").await, den.pairs("Lost").await);
    let shown = den.alice.page("/settings/devices").await.text();
    let id = value_after(shown.split_once(">Lost<").unwrap().1, "name=\"key\" value=\"").to_owned();
    den.act("node.phone-out", &[("key", &id)]).await;
    let den = den.starts_again().await;
    let status = den.status().await;
    assert_eq!((&status["on"], &status["paired"]), (&json!(true), &json!(1)));
    let at = status["addresses"][0]
        .as_str()
        .unwrap()
        .strip_prefix("https://")
        .unwrap();
    let at: SocketAddr = at.parse().unwrap();
    // With the certificate that was pinned before.
    let phone = Phone { at, ..phone };
    assert_eq!(phone.page("/").await.status, 200);
    assert_eq!(Phone { at, ..lost }.page("/").await.status, 401);
    // Its forms from before are good, since their seal is the phone's own.
    assert_eq!(
        phone
            .fill("/", "talk.post", &[("text", "back again")])
            .await
            .status,
        303
    );
    den.turn("off").await;
    let den = den.starts_again().await;
    assert_eq!(
        den.status().await,
        json!({"on": false, "addresses": [], "paired": 1})
    );
    assert!(!is_open(at).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_give_the_node_away_is_not_done_from_a_phone() {
    let den = Den::start().await;
    let phone = den.pairs("Pocket").await;
    let words = den.alice.home.words().unwrap().to_owned();
    let first: Vec<&str> = words.split(' ').take(4).collect();
    // Every call of the API is decided: these are not for phones, and all the others are.
    let refused = [
        "GET /api/v1/backup",
        "GET /api/v1/devices",
        "GET /healthz",
        "GET /login",
        "GET /metrics",
        "POST /api/v1/login-links",
        "POST /api/v1/stop",
    ];
    let document = den.alice.gets("/openapi.json").await;
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if path == "/api/v1/events" {
                continue;
            }
            let call = format!("{} {}", method.to_uppercase(), path.replace(['{', '}'], ""));
            let headers = [phone.usual(), vec![phone.origin()]].concat();
            let answer = phone.raw(&call, &headers, b"").await;
            if answer.status == 403 {
                assert!(
                    answer.text().contains("not done from a phone")
                        || answer.text().contains("not_from_phone"),
                    "{call}"
                );
                found.push(call);
            }
        }
    }
    found.sort();
    assert_eq!(found, refused);
    // Screens, each way to ask for them.
    let csrf = value_after(&phone.page("/").await.text(), "name=\"csrf\" value=\"").to_owned();
    let sealed = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        let all = [&[("csrf", csrf.as_str())], fields].concat();
        all.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    for path in [
        "/settings/devices",
        "/settings/devices/invite",
        "/settings/devices/phone",
        "/settings/backup",
        "/settings/backup/file",
        "/settings/access",
        "/settings/access/link",
        "/settings/words",
        "/welcome/words",
    ] {
        let screen = phone.page(path).await;
        assert_eq!(screen.status, 403, "{path}");
        assert!(
            screen.text().starts_with("<!doctype html>") && screen.text().contains("not on a phone"),
            "{path}"
        );
        let sent = phone
            .fills(
                path,
                &sealed(&[
                    ("passphrase", "correct horse battery"),
                    ("again", "correct horse battery"),
                ]),
            )
            .await;
        assert_eq!(
            (sent.status, sent.code().as_str()),
            (403, "not_from_phone"),
            "{path}"
        );
        assert!(!sent.text().contains(first[0]));
        // A form that fails shows the screen that it stands on: not this one.
        let around = phone
            .fills(
                "/act",
                &sealed(&[("do", "talk.post"), ("text", ""), ("back", path)]),
            )
            .await;
        assert_eq!(around.status, 422, "{path}");
        assert!(
            !around.text().contains("node.phones") && !around.text().contains("api.token"),
            "{path}"
        );
    }
    for act in [
        "node.phones",
        "node.phone-out",
        "node.revoke",
        "node.confirm-device",
        "node.close-invitation",
        "node.words-confirmed",
        "node.new",
    ] {
        let fields = [
            ("do", act),
            ("switch", "off"),
            ("key", "x"),
            ("sure", "1"),
            ("words", "a b c d"),
            ("back", "/"),
        ];
        let answer = phone.fills("/act", &sealed(&fields)).await;
        assert_eq!(answer.status, 403, "{act}");
    }
    for command in [
        json!({"do": "invite_device", "addresses": []}),
        json!({"do": "confirm_device", "words": "a b c d"}),
        json!({"do": "close_invitation"}),
        json!({"do": "revoke_device", "device": den.alice.node.device().to_string()}),
        json!({"do": "save_draft", "name": "page/words-confirmed", "text": "yes"}),
    ] {
        let answer = phone.commands(command.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "not_from_phone"),
            "{command}"
        );
    }
    // What is refused is not offered.
    for path in [
        "/",
        "/settings",
        "/welcome",
        "/more",
        "/network",
        "/settings/look",
        "/settings/privacy",
        "/settings/limits",
    ] {
        let html = phone.page(path).await;
        assert_eq!(html.status, 200, "{path}");
        for offer in [
            "/settings/devices\"",
            "/settings/backup",
            "/settings/access",
            "/words\"",
            "node.words",
            "node.phones",
            "node.revoke",
        ] {
            assert!(!html.text().contains(offer), "{path} offers {offer}");
        }
    }
    let status = den.status().await;
    assert_eq!((&status["on"], &status["paired"]), (&json!(true), &json!(1)));
    assert!(den.counted("not_from_phone").await > 20);
    // The seal of the owner's forms is no phone's, and the other way round.
    let owners = den.alice.csrf("/settings").await;
    assert_ne!(owners, csrf);
    let fields = [
        ("csrf", owners.as_str()),
        ("do", "talk.post"),
        ("text", "x"),
        ("back", "/"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(phone.fills("/act", &fields).await.status, 403);
    let fields = [
        ("csrf", csrf.as_str()),
        ("do", "talk.post"),
        ("text", "x"),
        ("back", "/"),
    ];
    assert_eq!(den.alice.fills("/act", &fields).await.status, 403);
    assert_eq!(den.alice.gets("/feed").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_and_the_node_goes_on() {
    let alice = Running::start().await;
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap();
    let phones = serve_phones(&alice.api, Some(taken)).await;
    let den = Den { alice, phones };
    let refused = den.turn("on").await;
    assert_eq!(refused.status, 409);
    assert_eq!(
        den.status().await,
        json!({"on": false, "addresses": [], "paired": 0})
    );
    drop(other);
    assert_eq!(den.turn("on").await.status, 303);
    let phone = den.pairs("Pocket").await;
    assert_eq!((phone.at, phone.page("/").await.status), (taken, 200));
    assert_eq!(phone.page("/nowhere").await.status, 404);
    // The next time somebody else is there: the node serves its owner and says so.
    let Den { alice, phones } = den;
    phones.stop().await;
    alice.api.stop().await;
    let _other = tokio::net::TcpListener::bind(taken).await.unwrap();
    let api = serve(alice.node.clone(), &alice.home, None).await.unwrap();
    let phones = serve_phones(&api, Some(taken)).await;
    let alice = Running { api, ..alice };
    let den = Den { alice, phones };
    assert_eq!(
        den.status().await,
        json!({"on": true, "addresses": [], "paired": 1})
    );
    let shown = den.alice.page("/settings/devices").await.text();
    assert!(shown.contains("Phones cannot come in now."), "{shown}");
    assert_eq!(den.turn("off").await.status, 303);
    assert_eq!(den.status().await["on"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_without_end_plain_requests_and_noise_keep_no_phone_out() {
    let den = Den::start().await;
    let phone = den.pairs("Pocket").await;
    // What is no TLS is let go.
    for noise in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
        &[0; 4_096],
        &[0xff; 64],
        b"\x16\x03\x01\xff\xff",
    ] {
        let mut stream = TcpStream::connect(phone.at).await.unwrap();
        stream.write_all(noise).await.unwrap();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        tokio::time::timeout(EXCHANGE, stream.read_to_end(&mut answer))
            .await
            .expect("it ends")
            .ok();
        assert!(!answer.windows(5).any(|window| window == b"HTTP/"), "{answer:?}");
    }
    assert!(den.counted("handshake").await >= 4);
    // So many that say nothing, and a phone still comes in; one more of the same address does not.
    let mut idle = Vec::new();
    for _ in 1..PHONE_ADDRESS_CONNECTIONS_MAX {
        idle.push(TcpStream::connect(phone.at).await.unwrap());
    }
    assert_eq!(phone.page("/").await.status, 200);
    idle.push(TcpStream::connect(phone.at).await.unwrap());
    for _ in 0..LOOKS {
        if phone.connect().await.is_err() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert!(den.counted("crowded").await > 0);
    // After the time that a handshake has, their places are free again.
    let life = Duration::from_millis(PHONE_HANDSHAKE_MS_MAX) + Duration::from_secs(5);
    let ends = async {
        let mut byte = [0];
        for stream in &mut idle {
            while stream.read(&mut byte).await.is_ok_and(|count| count > 0) {}
        }
    };
    tokio::time::timeout(life, ends)
        .await
        .expect("whoever says nothing is let go");
    assert_eq!(phone.page("/").await.status, 200);
    assert!(den.alice.page("/").await.status == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_posts_and_buys_by_forms_alone() {
    let (merle, den) = (Running::start().await, Den::start().await);
    merle.does(json!({"do": "set_profile", "name": "Merle"})).await;
    merle
        .does(json!({"do": "set_shop", "currency": "EUR", "shipping_minor": 490, "returns_days": 14, "payment_instructions": "Cash."}))
        .await;
    let imported = merle
        .asks("POST /api/v1/shop/import", super::PRODUCTS.as_bytes())
        .await;
    assert_eq!(imported.status, 200);
    let address = merle.gets("/status").await["listen"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let shop = merle.node.author().to_string();
    let phone = den.pairs("Pocket").await;
    // Whom to follow, and where they are.
    let who = format!("{shop} {address}");
    let followed = phone
        .fill("/welcome", "node.follow", &[("who", &who), ("key", "paste")])
        .await;
    assert_eq!(followed.status, 303, "{}", followed.text());
    let said = phone
        .fill("/", "talk.post", &[("text", "Written on the train")])
        .await;
    assert_eq!(
        (said.status, said.header("location")),
        (303, Some("/?done=posted"))
    );
    assert!(den.alice.page("/").await.text().contains("Written on the train"));
    let mut listing = None;
    for _ in 0..LOOKS {
        let answer = den
            .alice
            .asks(&format!("GET /api/v1/shops/{shop}/listings"), b"")
            .await;
        if answer.status == 200 {
            let items = answer.json()["items"].as_array().unwrap().clone();
            listing = items.into_iter().find(|item| item["handle"] == "vase");
        }
        if listing.is_some() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let listing = listing.expect("the shop arrives")["listing"]
        .as_str()
        .unwrap()
        .to_owned();
    let put = phone
        .fill(
            &format!("/shops/{shop}/{listing}"),
            "market.bag",
            &[("units", "2"), ("now", "1")],
        )
        .await;
    assert_eq!(put.status, 303, "{}", put.text());
    let bag = phone.page("/bag").await.text();
    let line = format!("units/{}", value_after(&bag, "name=\"units/"));
    let typed = [(line.as_str(), "2"), ("country", "DE"), ("go", "ask")];
    let asked = phone.fill("/bag", "bag.units", &typed).await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    let order = asked
        .header("location")
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let mut quoted = String::new();
    for _ in 0..LOOKS {
        quoted = phone.page(&order).await.text();
        if quoted.contains("value=\"orders.place\"") {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let fields = filled(
        &form(&quoted, "orders.place"),
        &[("rail", "manual"), ("address", "Alice\n1 Street\n12345 Town")],
    );
    let placed = phone.fills("/act", &fields).await;
    assert_eq!(placed.status, 303, "{}", placed.text());
    let id = order.strip_prefix("/orders/").unwrap();
    let seen = merle
        .gets(&format!("/orders/{id}?wait=placed,accepted&timeout_ms=20000"))
        .await;
    assert_eq!(seen["address"], json!(["Alice", "1 Street", "12345 Town"]));
    // The browser keeps what its reader chose, over TLS alone.
    let chosen = phone
        .fill(
            "/settings/look",
            "node.look",
            &[("lang", "de"), ("theme", "dark")],
        )
        .await;
    assert!(chosen.header("set-cookie").unwrap().ends_with("; Secure"));
}
