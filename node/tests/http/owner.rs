//! The screens for the node's owner: first steps, settings, devices, backup, network, notices.

use super::wire::{Answer, Running, value_after};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::json;
use souk_node::join::{Join, join_in};
use souk_node::network;
use souk_node::vault::Passphrase;
use std::io::Read;
use std::time::Duration;

/// How often a screen is asked for again until it shows something.
const LOOKS: usize = 400;
const PAUSE: Duration = Duration::from_millis(50);

const SCREENS: [&str; 13] = [
    "/welcome",
    "/network",
    "/settings",
    "/settings/devices",
    "/settings/backup",
    "/settings/privacy",
    "/settings/addresses",
    "/settings/look",
    "/settings/limits",
    "/settings/access",
    "/notices",
    "/more",
    "/",
];

/// The recovery words.
fn words(alice: &Running) -> Vec<String> {
    let words = alice.home.words().unwrap().split(' ');
    words.map(str::to_owned).collect()
}

async fn with(alice: &Running, path: &str, lines: &[String]) -> Answer {
    let headers = [&alice.usual(), lines].concat();
    alice.raw(&format!("GET {path}"), &headers, b"").await
}

/// Sends a form with the proof that a screen gave.
async fn sends(alice: &Running, to: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = alice.csrf("/settings").await;
    alice
        .fills(to, &[&[("csrf", csrf.as_str())], fields].concat())
        .await
}

async fn acts(alice: &Running, what: &str, back: &str, fields: &[(&str, &str)]) -> Answer {
    let fields = [&[("do", what), ("back", back)], fields].concat();
    sends(alice, "/act", &fields).await
}

/// Asks for a screen until it shows a text.
async fn shows(alice: &Running, path: &str, text: &str) -> String {
    for _ in 0..LOOKS {
        let html = alice.page(path).await.text();
        if html.contains(text) {
            return html;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{path} never showed {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_is_there_in_every_language_and_says_only_what_it_has_words_for() {
    let alice = Running::start().await;
    alice
        .does(json!({"do": "set_profile", "name": "<i>Alice</i>"}))
        .await;
    for path in SCREENS {
        for lang in ["en", "de", "ar"] {
            let answer = with(&alice, path, &[format!("Accept-Language: {lang}")]).await;
            let html = answer.text();
            assert_eq!(answer.status, 200, "{path}: {html}");
            assert!(html.contains(&format!("<html lang=\"{lang}\"")), "{path}");
            assert!(!html.contains("<i>Alice"), "{path}");
            assert!(!html.contains(" style="), "{path}");
            // A message that is missing would stand there by its key.
            for prefix in [
                "settings-",
                "network-",
                "check-",
                "limit",
                "kept-",
                "notice",
                "words-",
                "privacy-",
                "done-",
                "more-",
                "welcome-",
                "access-",
                "backup-",
                "address-",
            ] {
                assert!(!html.contains(&format!(">{prefix}")), "{path} {lang}: {prefix}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_appear_only_for_the_form_that_asks_for_them() {
    let alice = Running::start().await;
    let words = words(&alice);
    let listed: String = words.iter().map(|word| format!("<li>{word}</li>")).collect();
    for path in SCREENS {
        let html = alice.page(path).await.text();
        assert!(!html.contains(&format!("<li>{}</li>", words[0])), "{path}");
    }
    for path in ["/welcome/words", "/settings/words"] {
        let asked = alice.page(path).await;
        assert_eq!(asked.status, 303, "{path}");
        assert!(asked.text().is_empty());
        let unsealed = alice.asks(&format!("POST {path}"), b"csrf=x").await;
        assert_eq!(unsealed.status, 403);
        assert!(!unsealed.text().contains(&listed));
        let shown = sends(&alice, path, &[]).await;
        assert_eq!(
            (shown.status, shown.header("cache-control")),
            (200, Some("no-store"))
        );
        assert!(shown.text().contains(&listed), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_right_words_end_the_badge_and_a_wrong_one_does_not() {
    let alice = Running::start().await;
    let words = words(&alice);
    let badge = "not confirmed";
    let html = alice.page("/settings").await.text();
    assert!(html.contains(badge));
    assert!(
        alice.page("/").await.text().contains(badge),
        "every screen says so"
    );
    let asked = value_after(&html, "name=\"numbers\" value=\"").to_owned();
    let numbers: Vec<usize> = asked.split('-').map(|number| number.parse().unwrap()).collect();
    let names: Vec<String> = numbers.iter().map(|number| format!("word-{number}")).collect();
    let mut fields = vec![("numbers", asked.as_str())];
    for (name, number) in names.iter().zip(&numbers) {
        fields.push((name, &words[number - 1]));
    }
    let mut wrong = fields.clone();
    wrong[3].1 = "wrong";
    let refused = acts(&alice, "node.words-confirmed", "/settings", &wrong).await;
    assert_eq!(refused.status, 422);
    // What is asked for stays the same, or the next try would be about other words.
    assert!(
        refused
            .text()
            .contains(&format!("name=\"numbers\" value=\"{asked}\""))
    );
    assert!(alice.page("/settings").await.text().contains(badge));
    let taken = acts(&alice, "node.words-confirmed", "/settings", &fields).await;
    assert_eq!(taken.status, 303, "{}", taken.text());
    for path in ["/", "/settings", "/welcome"] {
        assert!(!alice.page(path).await.text().contains(badge), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_name_begins_with_the_first_steps_until_they_went_on() {
    let alice = Running::start().await;
    let opened = || async {
        let url = alice.posts("/login-links", json!({})).await.json()["url"].clone();
        let path = url
            .as_str()
            .unwrap()
            .strip_prefix(alice.api.url())
            .unwrap()
            .to_owned();
        alice.page(&path).await.header("location").unwrap().to_owned()
    };
    assert_eq!(opened().await, "/welcome");
    let done = acts(&alice, "node.welcomed", "/welcome", &[]).await;
    assert_eq!((done.status, done.header("location")), (303, Some("/")));
    assert_eq!(opened().await, "/");
    let named = acts(
        &alice,
        "node.profile",
        "/settings",
        &[("name", "Ali"), ("about", "Hi")],
    )
    .await;
    assert_eq!(named.header("location"), Some("/settings?done=profile"));
    // The first steps ask for the name alone, and take nothing away.
    acts(&alice, "node.profile", "/welcome", &[("name", "Alice")]).await;
    let profile = alice.gets("/profiles/me").await;
    assert_eq!(
        (&profile["name"], &profile["about"]),
        (&json!("Alice"), &json!("Hi"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_colours_are_kept_by_the_browser() {
    let alice = Running::start().await;
    let look = [("lang", "ar"), ("theme", "dark")];
    let kept = acts(&alice, "node.look", "/settings/look", &look).await;
    assert_eq!(kept.header("location"), Some("/settings/look?done=look"));
    let (cookie, rest) = kept.header("set-cookie").unwrap().split_once("; ").unwrap();
    assert!(cookie.ends_with("-look=ar.dark"), "{cookie}");
    assert!(rest.contains("HttpOnly; SameSite=Strict"));
    let html = with(&alice, "/settings/look", &[format!("Cookie: {cookie}")])
        .await
        .text();
    assert!(html.contains("<html lang=\"ar\" dir=\"rtl\" data-theme=\"dark\">"));
    let refused = acts(
        &alice,
        "node.look",
        "/settings/look",
        &[("lang", "xx"), ("theme", "dark")],
    )
    .await;
    assert_eq!((refused.status, refused.header("set-cookie")), (422, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_an_id_has_its_modules_and_no_other() {
    let alice = Running::start().await;
    let id = alice.node.author().to_string();
    let code = QrCode::with_error_correction_level(&id, EcLevel::M).unwrap();
    let width = code.width();
    for path in ["/welcome", "/settings"] {
        let html = alice.page(path).await.text();
        let drawn = html.split_once("class=\"qr\"").unwrap().1;
        assert!(drawn.contains(&format!("viewBox=\"0 0 {0} {0}\"", width + 8)));
        let drawn = value_after(drawn, "<path d=\"");
        let modules = code.to_colors().into_iter().enumerate();
        let dark = modules
            .filter(|(_, color)| *color == Color::Dark)
            .map(|(place, _)| place);
        let expected: String = dark
            .map(|place| format!("M{} {}h1v1h-1z", place % width + 4, place / width + 4))
            .collect();
        assert_eq!(drawn, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_comes_in_by_code_and_words_and_goes_only_for_sure() {
    let alice = Running::start().await;
    let plain = alice.page("/settings/devices").await.text();
    assert!(!plain.contains("souk device join"));
    let invited = sends(&alice, "/settings/devices/invite", &[]).await.text();
    let code = value_after(&invited, "data-copy=\"souk device join ").to_owned();
    assert!(invited.contains("class=\"qr dense\""));
    assert!(!alice.page("/settings/devices").await.text().contains(&code));
    let wish = Join {
        home: alice.dir.path().join("laptop"),
        code,
        name: "Laptop".into(),
        network: Some(network::Config::loopback()),
    };
    let (seen, shown) = tokio::sync::oneshot::channel();
    let joining =
        tokio::spawn(async move { join_in(&wish, |words| drop(seen.send(words.to_owned()))).await });
    let words = shown.await.unwrap();
    let html = shows(&alice, "/settings/devices", "class=\"compare\"").await;
    assert!(html.contains(&format!(">{words}</p>")), "{words}");
    let confirmed = acts(
        &alice,
        "node.confirm-device",
        "/settings/devices",
        &[("words", &words)],
    )
    .await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text());
    let device = joining.await.unwrap().unwrap().device.to_string();
    let there = format!("name=\"key\" value=\"{device}\"");
    assert!(alice.page("/settings/devices").await.text().contains(&there));
    let unsure = acts(&alice, "node.revoke", "/settings/devices", &[("key", &device)]).await;
    assert_eq!(unsure.status, 422);
    assert!(alice.page("/settings/devices").await.text().contains(&there));
    let sure = [("key", device.as_str()), ("sure", "1")];
    let revoked = acts(&alice, "node.revoke", "/settings/devices", &sure).await;
    assert_eq!(revoked.status, 303, "{}", revoked.text());
    assert!(!alice.page("/settings/devices").await.text().contains(&there));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_closed_with_the_passphrase() {
    let alice = Running::start().await;
    alice.does(json!({"do": "post", "text": "to be kept"})).await;
    let differ = [("passphrase", "one two"), ("again", "one too")];
    let refused = sends(&alice, "/settings/backup/file", &differ).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains("one two"));
    let same = [("passphrase", "one two"), ("again", "one two")];
    let file = sends(&alice, "/settings/backup/file", &same).await;
    assert_eq!(file.status, 200, "{}", file.text());
    let named = file.header("content-disposition").unwrap();
    assert!(
        named.starts_with("attachment; filename=\"souk-backup-2"),
        "{named}"
    );
    assert!(file.body.starts_with(b"age-encryption.org/v1\n"));
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(!holds(&file.body, b"to be kept"));
    assert!(
        Passphrase::new("other")
            .unwrap()
            .unlock_bytes(&file.body)
            .is_err()
    );
    let mut opened = Vec::new();
    let passphrase = Passphrase::new("one two").unwrap();
    passphrase
        .unlock(&*file.body)
        .unwrap()
        .read_to_end(&mut opened)
        .unwrap();
    assert!(opened.starts_with(b"souk backup v1\n") && holds(&opened, b"to be kept"));
    assert_eq!(alice.page("/settings/backup/file").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_kept_changed_and_removed() {
    let alice = Running::start().await;
    let at = "/settings/addresses";
    let home = [
        ("key", ""),
        ("name", "Home"),
        ("country", "de"),
        ("lines", "Alice\r\n\r\n1 Street\r\n"),
    ];
    assert_eq!(acts(&alice, "node.address", at, &home).await.status, 303);
    let kept = alice.gets("/addresses").await;
    assert_eq!(
        kept["items"],
        json!([{"name": "Home", "lines": ["Alice", "1 Street"], "country": "DE"}])
    );
    let empty = [
        ("key", "Home"),
        ("name", "Home"),
        ("country", "DE"),
        ("lines", " \n"),
    ];
    assert_eq!(acts(&alice, "node.address", at, &empty).await.status, 422);
    let moved = [
        ("key", "Home"),
        ("name", "Work"),
        ("country", "AT"),
        ("lines", "2 Road"),
    ];
    assert_eq!(acts(&alice, "node.address", at, &moved).await.status, 303);
    let kept = alice.gets("/addresses").await;
    assert_eq!(
        kept["items"],
        json!([{"name": "Work", "lines": ["2 Road"], "country": "AT"}])
    );
    assert_eq!(
        acts(&alice, "node.address", at, &[("key", "Work"), ("remove", "1")])
            .await
            .status,
        303
    );
    assert_eq!(alice.gets("/addresses").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_another_browser_is_made_only_when_asked_for() {
    let alice = Running::start().await;
    let html = alice.page("/settings/access").await.text();
    assert!(!html.contains("/login?once=") && !html.contains(&alice.token));
    let html = sends(&alice, "/settings/access/link", &[]).await.text();
    let url = value_after(&html, "data-copy=\"");
    let path = url.strip_prefix(alice.api.url()).unwrap();
    let host = format!("Host: {}", alice.host());
    let opened = alice
        .raw(&format!("GET {path}"), std::slice::from_ref(&host), b"")
        .await;
    assert_eq!(opened.status, 303);
    assert_eq!(alice.raw(&format!("GET {path}"), &[host], b"").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_notices_makes_them_seen() {
    let (alice, bob) = (Running::start().await, Running::start().await);
    bob.does(json!({"do": "set_profile", "name": "Bob <b>"})).await;
    let (me, him) = (alice.node.author().to_string(), bob.node.author().to_string());
    alice.does(json!({"do": "follow", "author": him})).await;
    bob.does(json!({"do": "follow", "author": me})).await;
    // By the form that takes whatever somebody sent: here an address.
    let address = alice.gets("/status").await["listen"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let dialled = acts(&bob, "node.dial", "/network", &[("address", &address)]).await;
    assert_eq!(
        dialled.header("location"),
        Some("/network?done=dialled"),
        "{}",
        dialled.text()
    );
    bob.does(json!({"do": "vouch", "subject": me, "category": "people", "stands": true, "why": "my friend"}))
        .await;
    let html = shows(&alice, "/more", "Notices, 1 new").await;
    assert!(!html.contains("my friend"));
    // His profile may come after what he said.
    shows(&alice, "/notices", "Bob &#60;b&#62;\u{2069} vouches for you").await;
    let first = alice.page("/notices").await;
    let text = first.text();
    assert!(
        text.contains("my friend") && text.contains("class=\"fresh\""),
        "{text}"
    );
    assert!(text.contains(&format!("href=\"/people/{him}\"")));
    assert!(!text.contains("Notices, 1 new"));
    let (cookie, _) = first.header("set-cookie").unwrap().split_once("; ").unwrap();
    let cookie = format!("Cookie: {cookie}");
    let more = with(&alice, "/more", std::slice::from_ref(&cookie)).await.text();
    assert!(!more.contains("Notices, 1 new"));
    // The screen that renews itself is the same visit; coming back is another one.
    let renewed = [cookie.clone(), "Sec-Fetch-Dest: empty".into()];
    assert!(
        with(&alice, "/notices", &renewed)
            .await
            .text()
            .contains("class=\"fresh\"")
    );
    assert!(
        !with(&alice, "/notices", &[cookie])
            .await
            .text()
            .contains("class=\"fresh\"")
    );
    let network = alice.page("/network").await.text();
    assert!(
        network.contains("Other nodes on this computer reach you"),
        "{network}"
    );
    assert!(network.contains("Bob &#60;b&#62;"));
}
