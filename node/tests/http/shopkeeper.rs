//! The owner's shop by forms alone, as a browser without scripts sends them.

use super::wire::{Answer, Running};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BOUNDARY: &str = "----soukboundary";

impl Running {
    async fn shows(&self, path: &str) -> String {
        let answer = self.page(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// Sends a form of a screen.
    async fn sends(&self, from: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf(from).await;
        let sealed = [("csrf", csrf.as_str()), ("back", from), ("do", act)];
        self.fills("/act", &[&sealed, fields].concat()).await
    }

    /// Chooses a file on the page.
    async fn uploads(&self, csrf: Option<&str>, file: &str) -> Answer {
        let mut body = String::new();
        if let Some(csrf) = csrf {
            body.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n"
            ));
        }
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"my <b>shop</b>.csv\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
        ));
        let kind = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
        let headers = [self.usual(), vec![kind]].concat();
        self.raw("POST /shop/import", &headers, body.as_bytes()).await
    }

    async fn listed(&self) -> Vec<Value> {
        let listings = self.gets("/shops/me/listings").await;
        listings["items"].as_array().unwrap().clone()
    }
}

fn to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

async fn open_shop() -> Running {
    let alice = Running::start().await;
    let html = alice.shows("/shop").await;
    assert!(html.contains("Open your shop"));
    let refused = alice
        .sends(
            "/shop",
            "shop.terms",
            &[("currency", "EUR"), ("shipping", "4,9x"), ("payment", "IBAN 1")],
        )
        .await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("value=\"4,9x\"") && refused.text().contains("IBAN 1"));
    let opened = alice
        .sends(
            "/shop",
            "shop.terms",
            &[
                ("currency", "eur"),
                ("shipping", "4,90"),
                ("free_from", "50"),
                ("returns_days", "14"),
                ("payment", "IBAN 1"),
                ("by_itself", "1"),
            ],
        )
        .await;
    assert_eq!(to(&opened), "/shop?done=shop-open");
    alice
}

const LAMPS: &str = "Handle,Title,Published,Option1 Name,Option1 Value,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Variant Requires Shipping\n\
lamp,Lamp,true,Size,Small,shopify,3,42.99,true\n\
lamp,,,,Large,,,60.00,true\n\
vase,Vase,true,Title,Default Title,shopify,5,7.50,true\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_opened_and_its_terms_come_back_as_typed() {
    let alice = open_shop().await;
    let shop = alice.gets("/shops/me").await;
    assert_eq!(shop["currency"], "EUR");
    assert_eq!(shop["shipping"][0]["zones"][0]["base"]["minor"], 490);
    assert_eq!(shop["shipping"][0]["zones"][0]["free_from"]["minor"], 5000);
    let html = alice.shows("/shop/terms").await;
    for held in [
        "value=\"4.90\"",
        "value=\"50.00\"",
        "value=\"14\"",
        "IBAN 1",
        "name=\"by_itself\" value=\"1\" checked",
    ] {
        assert!(html.contains(held), "{held}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_made_edited_and_removed_by_forms() {
    let alice = open_shop().await;
    let fields = [
        ("title", "Café “Noir”"),
        ("description", "**Strong**"),
        ("kind", "physical"),
        ("ships", "1"),
        ("price", "12,5"),
        ("stock", "4"),
        ("weight", "250"),
        ("tags", "coffee, dark, coffee"),
        ("option1", "Size"),
        ("values1", "S, L"),
        ("option2", "Grind"),
        ("values2", "fine, coarse"),
        ("published", "1"),
    ];
    let made = to(&alice.sends("/shop/new", "shop.new", &fields).await);
    let again = to(&alice.sends("/shop/new", "shop.new", &fields).await);
    assert_ne!(made, again, "the same title makes another listing");
    // The same form twice is one listing: somebody pressed twice.
    let pressed = [fields.as_slice(), &[("once", "pressed-twice")]].concat();
    let (one, other) = tokio::join!(
        alice.sends("/shop/new", "shop.new", &pressed),
        alice.sends("/shop/new", "shop.new", &pressed)
    );
    assert_eq!(to(&one), to(&other));
    assert_eq!(
        to(&one),
        to(&alice.sends("/shop/new", "shop.new", &pressed).await)
    );
    assert_eq!(alice.listed().await.len(), 3);
    let path = made.split('?').next().unwrap().to_owned();
    let id = path.rsplit('/').next().unwrap().to_owned();
    let find = |listed: Vec<Value>| listed.into_iter().find(|one| one["listing"] == id.as_str());
    let listing = find(alice.listed().await).unwrap();
    assert_eq!(listing["handle"], "café-noir");
    let variants = listing["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 4);
    assert!(
        variants
            .iter()
            .all(|one| one["price"]["minor"] == 1250 && one["available"] == 4 && one["weight_grams"] == 250)
    );
    // One price and one stock change; what was not touched is not a command, whatever happened meanwhile.
    let name = |place: usize| format!("{id}.{}", variants[place]["variant"].as_str().unwrap());
    alice
        .does(json!({"do": "set_stock", "listing": id, "variant": variants[1]["variant"], "units": 2}))
        .await;
    let (was0, was1) = (format!("was.{}", name(0)), format!("was.{}", name(1)));
    let (price0, stock0) = (format!("price.{}", name(0)), format!("stock.{}", name(0)));
    let (price1, stock1) = (format!("price.{}", name(1)), format!("stock.{}", name(1)));
    let (was, on) = (format!("was.{id}"), format!("on.{id}"));
    let mut fields = vec![
        (was0.as_str(), "12.50|4"),
        (price0.as_str(), "13"),
        (stock0.as_str(), ""),
        (was1.as_str(), "12.50|4"),
        (price1.as_str(), "12.50"),
        (stock1.as_str(), "4"),
        (was.as_str(), "1"),
    ];
    let saved = alice.sends("/shop", "shop.rows", &fields).await;
    assert_eq!(to(&saved), "/shop?done=shop-saved");
    let listing = find(alice.listed().await).unwrap();
    assert_eq!(listing["published"], false);
    assert_eq!(
        (
            &listing["variants"][0]["price"]["minor"],
            &listing["variants"][0]["available"]
        ),
        (&json!(1300), &Value::Null)
    );
    assert_eq!(listing["variants"][1]["available"], 2);
    let html = alice.shows("/shop?show=drafts").await;
    assert!(
        html.contains("Café")
            && !alice
                .shows("/shop?show=published")
                .await
                .contains(&format!("/shop/{id}\""))
    );
    // A row that is wrong leaves all rows as they are, and stays as it was typed.
    fields[1].1 = "nonsense";
    fields.push((on.as_str(), "1"));
    let refused = alice.sends("/shop", "shop.rows", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("value=\"nonsense\""));
    assert_eq!(find(alice.listed().await).unwrap()["published"], false);
    alice
        .does(json!({"do": "edit_listing", "listing": id, "tags": ["tea"]}))
        .await;
    let edited = alice
        .sends(
            &path,
            "shop.listing",
            &[
                ("key", &id),
                ("title", "Tea"),
                ("description", "Weak"),
                ("vendor", "Hill & Co"),
                ("category", "Drinks"),
                // Left alone here, and changed elsewhere meanwhile.
                ("tags", "coffee, dark"),
                ("was-tags", "coffee, dark"),
                (&was, "0"),
                (&on, "1"),
            ],
        )
        .await;
    to(&edited);
    let listing = find(alice.listed().await).unwrap();
    assert_eq!(
        (&listing["vendor"], &listing["category"], &listing["tags"]),
        (&json!("Hill & Co"), &json!("Drinks"), &json!(["tea"]))
    );
    let cleared = [("key", id.as_str()), ("title", "Tea"), ("was-title", "Tea")];
    let cleared = [
        cleared.as_slice(),
        &[("description", "Weak"), ("was-description", "Weak")],
    ]
    .concat();
    let cleared = [cleared.as_slice(), &[("vendor", ""), ("was-vendor", "Hill & Co")]].concat();
    to(&alice.sends(&path, "shop.listing", &cleared).await);
    let listing = find(alice.listed().await).unwrap();
    assert_eq!(
        (&listing["vendor"], &listing["category"]),
        (&json!(""), &json!("Drinks"))
    );
    assert_eq!(
        (&listing["title"], &listing["description"], &listing["published"]),
        (&json!("Tea"), &json!("Weak"), &json!(true))
    );
    assert!(alice.shows("/shop?q=tea").await.contains(&path));
    assert!(
        alice
            .shows(&path)
            .await
            .contains("<details class=\"card remove\">")
    );
    to(&alice.sends(&path, "shop.remove", &[("key", &id)]).await);
    assert_eq!(alice.page(&path).await.status, 404);
    assert!(!alice.shows("/shop").await.contains(&path));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shown_before_it_is_imported_and_imported_once() {
    let alice = open_shop().await;
    assert_eq!(alice.uploads(None, LAMPS).await.status, 403);
    assert_eq!(alice.uploads(Some("wrong"), LAMPS).await.status, 403);
    let csrf = alice.csrf("/shop/import").await;
    let bad = alice.uploads(Some(&csrf), &LAMPS.replace("60.00", "sixty")).await;
    assert_eq!(bad.status, 422);
    assert!(
        bad.text().contains("line 3") && bad.text().contains("sixty"),
        "{}",
        bad.text()
    );
    assert_eq!(alice.uploads(Some(&csrf), "").await.status, 422);
    let path = to(&alice.uploads(Some(&csrf), LAMPS).await);
    let plan = alice.shows(&path).await;
    assert!(
        plan.contains("my &#60;b&#62;shop") || plan.contains("my &lt;b&gt;shop"),
        "{plan}"
    );
    assert!(plan.contains("Import 2 listings") && alice.listed().await.is_empty());
    let id = path.rsplit('/').next().unwrap().to_owned();
    to(&alice.sends(&path, "shop.import", &[("key", &id)]).await);
    let done = finished(&alice, &path).await;
    assert!(done.contains("Imported"), "{done}");
    assert_eq!(alice.listed().await.len(), 2);
    // The same file again changes nothing; a changed one says what it changes, old and new.
    let same = to(&alice.uploads(Some(&csrf), LAMPS).await);
    let same = alice.shows(&same).await;
    assert!(
        same.contains("Nothing to change") && !same.contains("<tbody>"),
        "{same}"
    );
    let changed = LAMPS
        .replace("Vase", "Big vase")
        .replace("7.50", "9")
        .replace("shopify,5", "shopify,9");
    let path = to(&alice.uploads(Some(&csrf), &changed).await);
    let plan = alice.shows(&path).await;
    for said in [
        "<del><bdi>Vase</bdi></del>",
        "<ins><bdi>Big vase</bdi></ins>",
        "<del>€7.50</del>",
        "<ins>€9.00</ins>",
        "For 1 variant the file has another stock",
    ] {
        assert!(plan.contains(said), "{said}: {plan}");
    }
    let id = path.rsplit('/').next().unwrap().to_owned();
    to(&alice.sends(&path, "shop.forget", &[("key", &id)]).await);
    assert_eq!(alice.page(&path).await.status, 404);
    assert!(alice.listed().await.iter().any(|one| one["title"] == "Vase"));
}

async fn finished(alice: &Running, path: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = alice.page(path).await;
        assert_eq!(answer.status, 200);
        if answer.header("refresh").is_none() {
            return answer.text();
        }
        assert!(Instant::now() < deadline, "the import does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
