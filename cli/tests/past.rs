//! One's own past, with real processes: backups, the 24 words, copies of a directory, passphrases.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is the test"
)]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before the test says what it waited for.
const DEADLINE: Duration = Duration::from_secs(90);
/// How often to look again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A directory for all of a test's nodes and files.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn holds(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.at(name), text).unwrap();
        self.at(name)
    }

    fn command(&self, home: &str, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command
            .args(line.split_whitespace())
            .arg("--json")
            .env("SOUK_HOME", self.at(home))
            .env_remove("SOUK_PASSPHRASE_FILE")
            .env_remove("SOUK_BACKUP_PASSPHRASE_FILE")
            .env_remove("CLICOLOR_FORCE")
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn souk(&self, home: &str, line: &str) -> Output {
        self.command(home, line).output().unwrap()
    }

    /// What a command answers; it must go well.
    fn done(&self, home: &str, line: &str) -> Value {
        let output = self.souk(home, line);
        assert!(output.status.success(), "{home}$ souk {line}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// The code of the refusal that a command must meet, and its message.
    fn refused(&self, home: &str, line: &str) -> (String, String) {
        let output = self.souk(home, line);
        assert!(!output.status.success(), "{home}$ souk {line}: {output:?}");
        let value: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let text = |field: &str| value["error"][field].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    /// Runs a node on a directory, until it is dropped.
    fn up(&self, home: &str, line: &str) -> Node {
        let line = format!("up --no-mdns --api-port=0 --with-parent --listen=127.0.0.1:0 {line}");
        let mut child = self
            .command(home, &line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        let ready: Value =
            serde_json::from_str(&first).unwrap_or_else(|error| panic!("{home}: {error}: {first}"));
        Node { child, ready }
    }

    fn past(&self, home: &str) -> Value {
        self.done(home, "status")["past"].clone()
    }

    /// The texts of the posts in somebody's feed, newest first.
    fn feed(&self, home: &str) -> Vec<String> {
        let feed = self.done(home, "feed --limit 50");
        let items = feed["items"].as_array().cloned().unwrap_or_default();
        let texts = items.iter().filter_map(|entry| entry["body"]["text"].as_str());
        texts.map(str::to_owned).collect()
    }

    fn until(&self, what: &str, mut held: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !held(self) {
            assert!(begun.elapsed() < DEADLINE, "waited in vain for {what}");
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// A product file of one product that is counted.
const PRODUCTS: &str = "Handle,Title,Published,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,\
Variant Price,Status\nscarf,Scarf,true,shopify,5,deny,28.50,active\n";

/// What bob's node says of somebody's scarf: its price in minor units, and how many are left.
fn scarf(place: &Place, shop: &str) -> Option<(i64, u64)> {
    let list = place.done("bob", &format!("shop list --shop {shop}"));
    let variant = list["items"].as_array()?.first()?["variants"]
        .as_array()?
        .first()?
        .clone();
    Some((
        variant["price"]["minor"].as_i64()?,
        variant["available"].as_u64()?,
    ))
}

struct Node {
    child: Child,
    ready: Value,
}

impl Node {
    fn address(&self) -> &str {
        self.ready["peer_addresses"][0].as_str().unwrap()
    }

    fn author(&self) -> &str {
        self.ready["author"].as_str().unwrap()
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Alice, who posted, and Bob, who reads her; both follow each other, Alice in public.
fn alice_and_bob(place: &Place) -> (Node, Node) {
    let bob = place.up("bob", "--name Bob");
    let alice = place.up("alice", &format!("--name Alice --peer {}", bob.address()));
    place.done("alice", &format!("follow {} --public", bob.author()));
    place.done("bob", &format!("follow {}", alice.author()));
    place.done("alice", "post first");
    place.done("alice", "address save home --country DE --line Street");
    place.until("the first post at bob", |place| {
        place.feed("bob").contains(&"first".to_owned())
    });
    (alice, bob)
}

fn has(place: &Place, texts: &[&str]) -> bool {
    let feed = place.feed("bob");
    texts.iter().all(|text| feed.iter().any(|said| said == text))
}

#[test]
fn a_backup_or_the_words_bring_a_node_back_on_a_new_device() {
    let place = Place::new();
    place.holds("secret", "a backup of alice\n");
    place.holds("other", "something else\n");
    place.holds("products.csv", PRODUCTS);
    let (alice, bob) = alice_and_bob(&place);
    place.done("alice", "shop import products.csv");
    let shop = alice.author().to_owned();
    place.until("the shop at bob", |place| scarf(place, &shop) == Some((2_850, 5)));
    // While it runs, and again while it does not.
    let made = place.done("alice", "backup kept --backup-passphrase-file secret");
    assert!(
        made["items"].as_u64().unwrap() > 5 && made["words"] == true,
        "{made}"
    );
    assert_eq!(
        place
            .refused("alice", "backup kept --backup-passphrase-file secret")
            .0,
        "exists"
    );
    place.done("alice", "post second");
    place.done(
        "alice",
        "shop edit scarf --price 30.00 --category Clothes --tag wool --tag warm",
    );
    place.until("the second post at bob", |place| has(place, &["first", "second"]));
    place.until("the new price at bob", |place| {
        scarf(place, &shop) == Some((3_000, 5))
    });
    let words = place.done("alice", "id --words")["words"]
        .as_str()
        .unwrap()
        .to_owned();
    place.holds("words", &words);
    let (author, device) = (alice.author().to_owned(), alice.ready["device"].clone());
    alice.stop();
    let stopped = place.done("alice", "backup later --backup-passphrase-file secret");
    assert!(stopped["items"].as_u64() > made["items"].as_u64());

    // What is not as it must be restores nothing.
    let bytes = std::fs::read(place.at("kept")).unwrap();
    for (name, spoiled) in [
        ("cut", bytes[..bytes.len() - 1].to_vec()),
        ("half", bytes[..bytes.len() / 2].to_vec()),
        ("flipped", {
            let mut flipped = bytes.clone();
            let place = flipped.len() - 40;
            flipped[place] ^= 1;
            flipped
        }),
    ] {
        std::fs::write(place.at(name), spoiled).unwrap();
        let (code, message) =
            place.refused("new", &format!("restore {name} --backup-passphrase-file secret"));
        assert_eq!(code, "damaged", "{name}: {message}");
        assert!(
            !place.at("new").exists() && !place.at("new.restoring").exists(),
            "{name}"
        );
    }
    assert_eq!(
        place
            .refused("new", "restore words --backup-passphrase-file secret")
            .0,
        "not_opened"
    );
    assert_eq!(
        place
            .refused("new", "restore kept --backup-passphrase-file other")
            .0,
        "not_opened"
    );
    assert_eq!(
        place
            .refused("new", "restore none --backup-passphrase-file secret")
            .0,
        "file"
    );
    assert_eq!(
        place
            .refused("bob", "restore kept --backup-passphrase-file secret")
            .0,
        "not_empty"
    );
    assert!(!place.at("new").exists());

    // Interrupted, and done again.
    let mut interrupted = place
        .command("new", "restore kept --backup-passphrase-file secret")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    place.until("a restoring that has begun", |place| {
        place.at("new.restoring").join("keys.json").exists() || place.at("new").exists()
    });
    interrupted.kill().unwrap();
    interrupted.wait().unwrap();
    if place.at("new").exists() {
        std::fs::remove_dir_all(place.at("new")).unwrap();
    }
    let restored = place.done("new", "restore kept --backup-passphrase-file secret");
    assert_eq!(restored["author"], author.as_str());
    assert_eq!(restored["from"], device);
    assert_ne!(restored["device"], device);
    assert!(!place.at("new.restoring").exists());

    // Alone it says nothing; with bob it hears what was said since, and goes on.
    let alone = place.up("new", "");
    assert_eq!(place.past("new"), "restored");
    let (code, message) = place.refused("new", "post alone");
    assert!(code == "not_allowed" && message.contains("restored"), "{message}");
    alone.kill();
    let new = place.up("new", &format!("--peer {}", bob.address()));
    place.until("the restored node to be settled", |place| {
        place.past("new") == "settled"
    });
    // The shop is as the world knew it last, and its stock waits to be counted.
    place.until("the shop of the new device", |place| {
        scarf(place, &shop) == Some((3_000, 0))
    });
    place.done("new", "shop stock scarf 4");
    place.until("the counted stock", |place| {
        scarf(place, &shop) == Some((3_000, 4))
    });
    place.done("new", "post third");
    place.until("all posts at bob", |place| {
        has(place, &["first", "second", "third"])
    });
    let addresses = place.done("new", "address list");
    assert!(addresses.to_string().contains("Street"), "{addresses}");

    // The old directory is no more than a memory now.
    let old = place.up("alice", &format!("--peer {}", bob.address()));
    place.until("the old device to hear that it was revoked", |place| {
        place.past("alice") == "revoked"
    });
    assert_eq!(place.refused("alice", "post fork").0, "not_allowed");
    old.stop();
    new.stop();

    // The words alone: a third device, and all that was public.
    place.done("third", "restore --words-file words");
    let third = place.up("third", &format!("--peer {}", bob.address()));
    assert_eq!(third.author(), author);
    place.until("the third device to be settled", |place| {
        place.past("third") == "settled"
    });
    let profile = place.done("third", "profile");
    assert_eq!(profile["name"], "Alice", "{profile}");
    assert!(place.done("third", "follow").to_string().contains(bob.author()));
    place.done("third", "post fourth");
    place.until("every post at bob", |place| {
        has(place, &["first", "second", "third", "fourth"])
    });
    let own = place.feed("third");
    assert!(
        ["first", "second", "third", "fourth"]
            .iter()
            .all(|text| own.iter().any(|said| said == text)),
        "{own:?}"
    );
}

#[test]
fn a_copy_of_a_directory_that_is_started_after_the_original_ran_on_signs_nothing() {
    let place = Place::new();
    let (alice, bob) = alice_and_bob(&place);
    alice.stop();
    let copied = Command::new("cp")
        .arg("-a")
        .args([place.at("alice"), place.at("copy")])
        .status()
        .unwrap();
    assert!(copied.success());
    let alice = place.up("alice", &format!("--peer {}", bob.address()));
    place.done("alice", "post second");
    place.until("the second post at bob", |place| has(place, &["second"]));
    alice.stop();

    let alone = place.up("copy", "");
    assert_eq!(place.past("copy"), "copied");
    assert_eq!(place.refused("copy", "post fork").0, "not_allowed");
    alone.kill();
    let copy = place.up("copy", &format!("--peer {}", bob.address()));
    place.until("the copy to find out", |place| place.past("copy") == "outdated");
    let (code, message) = place.refused("copy", "post fork");
    assert!(code == "not_allowed" && message.contains("old copy"), "{message}");
    let profile = place.done("bob", &format!("profile {}", copy.author()));
    assert_eq!(profile["equivocated"], false);
    copy.stop();

    // It becomes a device of its own, and the original is told.
    place.done("copy", "recover");
    let copy = place.up("copy", &format!("--peer {}", bob.address()));
    place.until("the recovered copy to be settled", |place| {
        place.past("copy") == "settled"
    });
    place.done("copy", "post third");
    place.until("all posts at bob", |place| {
        has(place, &["first", "second", "third"])
    });
    copy.stop();
    let alice = place.up("alice", &format!("--peer {}", bob.address()));
    place.until("the original to hear of it", |place| {
        place.past("alice") == "revoked"
    });
    alice.stop();
}

#[test]
fn a_passphrase_closes_the_keys_and_nothing_else_opens_them() {
    let place = Place::new();
    place.holds("one", "first words\n");
    place.holds("two", "other words\n");
    let made = place.done("alice", "init --name Alice");
    let words = made["words"].as_str().unwrap();
    let keys = || std::fs::read_to_string(place.at("alice").join("keys.json")).unwrap();
    assert!(keys().contains(words));
    assert_eq!(
        place
            .refused("alice", "passphrase change --passphrase-file one")
            .0,
        "open"
    );

    place.done("alice", "passphrase set --new-passphrase-file one");
    assert!(!keys().contains(words) && !keys().contains("\"secret\""));
    assert_eq!(mode(&place.at("alice").join("keys.json")), 0o600);
    let closed = keys();
    for line in [
        "up --no-mdns --api-port=0 --listen=127.0.0.1:0 --passphrase-file two",
        "id --words --passphrase-file two",
        "passphrase change --passphrase-file two --new-passphrase-file one",
        "passphrase remove --passphrase-file two",
        "backup kept --backup-passphrase-file one --passphrase-file two",
        "recover --passphrase-file two",
    ] {
        assert_eq!(place.refused("alice", line).0, "wrong_passphrase", "{line}");
    }
    // Nobody is there to be asked.
    assert_eq!(place.refused("alice", "up --no-mdns --api-port=0").0, "usage");
    assert_eq!(
        place
            .refused("alice", "passphrase set --new-passphrase-file two")
            .0,
        "locked"
    );
    assert_eq!(keys(), closed);

    place.done(
        "alice",
        "passphrase change --passphrase-file one --new-passphrase-file two",
    );
    assert_eq!(
        place.refused("alice", "id --words --passphrase-file one").0,
        "wrong_passphrase"
    );
    assert_eq!(
        place.done("alice", "id --words --passphrase-file two")["words"],
        words
    );
    let node = place.up("alice", "--passphrase-file two");
    assert_eq!(node.author(), made["author"].as_str().unwrap());
    // A node that runs keeps the directory to itself.
    assert_eq!(
        place
            .refused("alice", "passphrase remove --passphrase-file two")
            .0,
        "already_running"
    );
    node.stop();
    place.done("alice", "passphrase remove --passphrase-file two");
    assert!(keys().contains(words));
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
