//! The pages of a real node, as a browser without scripts uses them: what strangers see, what forms
//! need, what becomes of others' text, and a purchase from the search to the order.

use super::wire::{Answer, Running};
use serde_json::json;

/// A browser of the owner's: it has the cookie, and sends what a form holds.
pub(super) struct Browser<'a> {
    node: &'a Running,
    headers: Vec<String>,
}

/// A form as a page has it: its hidden fields.
type Fields = Vec<(String, String)>;

impl<'a> Browser<'a> {
    pub(super) async fn open(node: &'a Running) -> Self {
        let link = node.posts("/login-links", json!({})).await.json()["url"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = link.strip_prefix(node.api.url()).unwrap().to_owned();
        let host = format!("Host: {}", node.host());
        let opened = node
            .raw(&format!("GET {path}"), std::slice::from_ref(&host), b"")
            .await;
        let cookie = opened
            .header("set-cookie")
            .unwrap()
            .split("; ")
            .next()
            .unwrap()
            .to_owned();
        let headers = vec![
            host,
            format!("Cookie: {cookie}"),
            format!("Origin: {}", node.api.url()),
        ];
        Self { node, headers }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.node.raw(&format!("GET {path}"), &self.headers, b"").await
    }

    async fn read_in(&self, path: &str, language: &str) -> Answer {
        let mut headers = self.headers.clone();
        headers.push(format!("Accept-Language: {language}"));
        self.node.raw(&format!("GET {path}"), &headers, b"").await
    }

    pub(super) async fn send(&self, fields: &[(String, String)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut headers = self.headers.clone();
        headers.push("Content-Type: application/x-www-form-urlencoded".to_owned());
        self.node
            .raw("POST /act", &headers, body.finish().as_bytes())
            .await
    }

    /// Fills in a form of a page and sends it.
    pub(super) async fn fill(&self, path: &str, act: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        self.send(&filled(&form(&page.text(), act), typed)).await
    }
}

/// The hidden fields of the first form of a page that does this.
pub(super) fn form(page: &str, act: &str) -> Fields {
    let place = page.find(&format!(r#"name="do" value="{act}""#));
    let place = place.unwrap_or_else(|| panic!("no form for {act} in {page}"));
    let start = page[..place].rfind("<form").unwrap();
    let end = place + page[place..].find("</form>").unwrap();
    let hidden = page[start..end].split("<input type=\"hidden\" ").skip(1);
    hidden
        .map(|input| {
            let part = |name: &str| {
                let from = input.split_once(&format!("{name}=\"")).unwrap().1;
                html_escape::decode_html_entities(from.split('"').next().unwrap()).into_owned()
            };
            (part("name"), part("value"))
        })
        .collect()
}

pub(super) fn filled(form: &Fields, typed: &[(&str, &str)]) -> Fields {
    let typed = typed
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    form.iter().cloned().chain(typed).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_a_person_gets_a_page_and_a_program_an_error() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    for path in [
        "/nowhere",
        "/orders/x",
        "/people/x",
        "/posts/x",
        "/shops/x/y",
        "/money/x",
        "/explore?offset=x",
    ] {
        let page = browser.get(path).await;
        assert!([400, 404, 422].contains(&page.status), "{path}: {}", page.status);
        assert!(
            page.text().starts_with("<!doctype html>") && page.text().contains("<h1>"),
            "{path}"
        );
    }
    let program = browser.get("/api/v1/nowhere").await;
    assert_eq!((program.status, program.code().as_str()), (404, "not_found"));
}

const SCREENS: [&str; 8] = [
    "/",
    "/explore",
    "/bag",
    "/orders",
    "/money",
    "/people",
    "/explore?q=x&view=list&sort=price_up",
    "/people/me",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_from_any_page() {
    let alice = Running::start().await;
    alice
        .does(json!({"do": "set_profile", "name": "Alice the Secret"}))
        .await;
    let host = format!("Host: {}", alice.host());
    for path in SCREENS.iter().chain(&["/settings", "/posts/x", "/nowhere"]) {
        let closed = alice
            .raw(&format!("GET {path}"), std::slice::from_ref(&host), b"")
            .await;
        assert_eq!(closed.status, 401, "{path}");
        assert!(
            closed.text().contains("souk open") && !closed.text().contains("Alice"),
            "{path}"
        );
    }
    let posted = alice.raw("POST /act", &[host], b"do=talk.post&text=x").await;
    assert_eq!((posted.status, posted.code().as_str()), (401, "no_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_is_there_in_every_language_and_needs_no_script() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    for (language, dir) in [("en", "ltr"), ("de", "ltr"), ("ar", "rtl")] {
        for path in SCREENS {
            let page = browser.read_in(path, language).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            let text = page.text();
            assert!(
                text.contains(&format!("lang=\"{language}\" dir=\"{dir}\"")),
                "{path}"
            );
            // One heading of the first rank, and no script or style within the page.
            assert_eq!(text.matches("<h1").count(), 1, "{path}");
            assert_eq!(text.matches("<script").count(), 1, "{path}");
            assert!(!text.contains(" style=") && !text.contains(" onclick="), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_its_seal_does_nothing() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let good = form(&browser.get("/").await.text(), "talk.post");
    let others = Running::start().await;
    let foreign = form(&Browser::open(&others).await.get("/").await.text(), "talk.post");
    let seal = |fields: &Fields| fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    for wrong in ["", "x", &seal(&foreign)] {
        let mut fields = filled(&good, &[("text", "sneaked in")]);
        fields
            .iter_mut()
            .filter(|(name, _)| name == "csrf")
            .for_each(|(_, value)| *value = wrong.to_owned());
        let refused = browser.send(&fields).await;
        assert_eq!(refused.status, 403, "{wrong}");
    }
    let feed = alice.gets("/feed").await;
    assert_eq!(feed["items"].as_array().unwrap().len(), 0);
    let taken = browser.send(&filled(&good, &[("text", "said")])).await;
    assert_eq!(
        (taken.status, taken.header("location")),
        (303, Some("/?done=posted"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_twice_is_one_deed() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let fields = filled(
        &form(&browser.get("/").await.text(), "talk.post"),
        &[("text", "once")],
    );
    let (one, other) = tokio::join!(browser.send(&fields), browser.send(&fields));
    assert_eq!((one.status, other.status), (303, 303));
    assert_eq!(browser.send(&fields).await.status, 303);
    assert_eq!(alice.gets("/feed").await["items"].as_array().unwrap().len(), 1);
    // A new form may say the same again.
    assert_eq!(
        browser.fill("/", "talk.post", &[("text", "once")]).await.status,
        303
    );
    assert_eq!(alice.gets("/feed").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_into_a_refused_form_is_there_again() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let nobody = browser
        .fill("/people", "people.find", &[("who", "not <an> id")])
        .await;
    assert_eq!(nobody.status, 422);
    let text = nobody.text();
    assert!(
        text.contains("role=\"alert\"") && text.contains("value=\"not &#60;an&#62; id\""),
        "{text}"
    );
    let long = "x".repeat(9_000);
    let refused = browser.fill("/", "talk.post", &[("text", &long)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains(&long));
    assert_eq!(alice.gets("/feed").await["items"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_leads_the_browser_away() {
    let alice = Running::start().await;
    alice.does(json!({"do": "set_profile", "name": "Alice"})).await;
    let browser = Browser::open(&alice).await;
    for back in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
    ] {
        let mut fields = filled(&form(&browser.get("/").await.text(), "talk.post"), &[]);
        fields
            .iter_mut()
            .filter(|(name, _)| name == "back")
            .for_each(|(_, value)| *value = back.to_owned());
        fields.push(("keep".into(), "1".into()));
        fields.push(("text".into(), "kept".into()));
        let done = browser.send(&fields).await;
        assert_eq!(
            (done.status, done.header("location")),
            (303, Some("/?done=kept")),
            "{back}"
        );
    }
    let link = alice.posts("/login-links", json!({})).await.json()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = link.strip_prefix(alice.api.url()).unwrap();
    let host = format!("Host: {}", alice.host());
    let opened = alice
        .raw(
            &format!("GET {path}&to=//evil.example"),
            std::slice::from_ref(&host),
            b"",
        )
        .await;
    assert_eq!((opened.status, opened.header("location")), (303, Some("/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_outlive_the_browser() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let kept = browser
        .fill("/", "talk.post", &[("keep", "1"), ("text", "half a tho")])
        .await;
    assert_eq!(kept.status, 303);
    let other = Browser::open(&alice).await;
    assert!(other.get("/").await.text().contains(">half a tho</textarea>"));
    assert_eq!(
        other
            .fill("/", "talk.post", &[("text", "half a thought, whole")])
            .await
            .status,
        303
    );
    assert!(!other.get("/").await.text().contains("half a tho</textarea>"));
}

/// Contexts that a text could break out of, and what it would do then.
fn payloads() -> Vec<String> {
    let breaks = [
        "",
        "\">",
        "'>",
        "</textarea>",
        "</title>",
        "</script>",
        "-->",
        "</bdi></b></a>",
        "\u{0}",
        "]]>",
        "`",
        "${",
        "&quot;>",
        "\n\n",
        "[x](",
        "![x](",
        "<",
        "](https://x.example)",
    ];
    let deeds = [
        "<script>boom()</script>",
        "<img src=x onerror=boom()>",
        "<svg onload=boom()>",
        "<svg><script>boom()</script></svg>",
        "<iframe srcdoc='<script>boom()</script>'>",
        "<a href=javascript:boom()>x</a>",
        "javascript:boom()",
        "JaVaScRiPt:boom()",
        "data:text/html,<script>boom()</script>",
        "\" onmouseover=boom() x=\"",
        "' onfocus=boom() autofocus x='",
        "<details open ontoggle=boom()>",
        "<style>@import '//evil.example'</style>",
        "<form action=//evil.example><button>",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<math><mtext></mtext><script>boom()</script></math>",
        "<x/onclick=boom()>",
        "<input autofocus onfocus=boom()>",
        "<object data=javascript:boom()>",
        "<embed src=javascript:boom()>",
        "<link rel=stylesheet href=//evil.example>",
        "<video><source onerror=boom()></video>",
        "<body onload=boom()>",
        "https://x.example/\"onmouseover=boom()",
        "<https://x.example/><script>boom()</script>",
        "[y](javascript:boom())",
        "[y](data:text/html,boom)",
    ];
    breaks
        .iter()
        .flat_map(|open| deeds.iter().map(move |deed| format!("{open}{deed}")))
        .collect()
}

/// Every tag of a page is one that the templates make, with attributes that they give.
fn harmless(page: &str, what: &str) {
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name: String = tag
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/' || *c == '!')
            .collect();
        assert!(
            !["iframe", "object", "embed", "base", "style", "math", "video", "x"].contains(&name.as_str()),
            "{what}: <{tag}>"
        );
        if name == "script" {
            assert!(tag.contains("src=\"/assets/"), "{what}: <{tag}>");
        }
        // Outside of quotes there is no attribute that runs something, inside of them no address that does.
        let (mut outside, mut values) = (String::new(), Vec::new());
        for (place, part) in tag.split('"').enumerate() {
            match place % 2 {
                0 => outside.push_str(part),
                _ => values.push((outside.rsplit(' ').next().unwrap_or_default().to_owned(), part)),
            }
        }
        assert!(
            !outside.contains(" on") && !outside.contains("srcdoc"),
            "{what}: <{tag}>"
        );
        for (attribute, value) in values {
            if ["href=", "src=", "action="].contains(&attribute.as_str()) {
                let plain = value.trim_start().to_ascii_lowercase();
                assert!(
                    ["/", "#", "https://", "http://", "data:,"]
                        .iter()
                        .any(|good| plain.starts_with(good)),
                    "{what}: <{tag}>"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_texts_that_want_to_run_stay_text() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let payloads = payloads();
    assert!(payloads.len() >= 500, "{}", payloads.len());
    alice.does(super::shop()).await;
    for (number, text) in payloads.iter().enumerate() {
        let text = text.replace('\u{0}', "");
        let short: String = text.chars().filter(|c| *c != '\n').take(60).collect();
        let _ = alice
            .posts("/commands", json!({"do": "post", "text": text}))
            .await;
        let _ = alice
            .posts(
                "/commands",
                json!({"do": "save_draft", "name": "post", "text": text}),
            )
            .await;
        if number % 10 == 0 {
            let _ = alice
                .posts(
                    "/commands",
                    json!({"do": "set_profile", "name": short, "about": text}),
                )
                .await;
            let _ = alice
                .posts(
                    "/commands",
                    json!({"do": "save_address", "name": short, "lines": [short], "country": "DE"}),
                )
                .await;
            let product = json!({
                "handle": format!("h{number}"), "title": short, "description": text, "vendor": short, "category": short,
                "kind": "physical", "published": true, "tags": [], "images": [["https://x.example/\"onerror=boom()", short]],
                "options": [short], "variants": [{"options": [short], "sku": short, "price_minor": 100, "tracked": false}],
            });
            let _ = alice
                .posts(
                    "/commands",
                    json!({"do": "import_listings", "products": [product]}),
                )
                .await;
            for path in ["/", "/people/me", "/shops/me", "/explore", "/explore?q=boom"] {
                harmless(&browser.get(path).await.text(), path);
            }
        }
    }
    let listings = alice.gets("/shops/me/listings?limit=50").await;
    let items = listings["items"].as_array().unwrap();
    assert!(items.len() >= 20, "{}", items.len());
    for item in items {
        let path = format!("/shops/me/{}", item["listing"].as_str().unwrap());
        harmless(&browser.get(&path).await.text(), &path);
    }
    let mut path = "/".to_owned();
    let mut pages = 0;
    loop {
        let text = browser.get(&path).await.text();
        harmless(&text, &path);
        pages += 1;
        let Some((_, rest)) = text.split_once("rel=\"next\" href=\"") else {
            break;
        };
        path = html_escape::decode_html_entities(rest.split('"').next().unwrap()).into_owned();
    }
    assert!(pages > 10, "{pages}");
    for text in payloads.iter().take(60) {
        let asked: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let path = format!("/explore?q={asked}&category={asked}&sort={asked}");
        harmless(&browser.get(&path).await.text(), &path);
        let who = browser.fill("/people", "people.find", &[("who", text)]).await;
        harmless(&who.text(), text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_pages_are_kept_for_good_and_pages_never() {
    let alice = Running::start().await;
    let browser = Browser::open(&alice).await;
    let page = browser.get("/").await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let text = page.text();
    for start in ["href=\"/assets/", "src=\"/assets/"] {
        for part in text.split(start).skip(1) {
            let path = format!("/assets/{}", part.split('"').next().unwrap());
            let file = browser.get(&path).await;
            assert_eq!(file.status, 200, "{path}");
            assert_eq!(
                file.header("cache-control"),
                Some("private, max-age=31536000, immutable")
            );
            let old = path.replacen(path.split('/').nth(2).unwrap(), "0", 1);
            assert_eq!(browser.get(&old).await.header("cache-control"), Some("no-store"));
        }
    }
    assert_eq!(browser.get("/assets/x/nothing.js").await.status, 404);
}
