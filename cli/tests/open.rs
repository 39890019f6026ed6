//! `souk open` with a real node and a browser of the test's own, which writes down what it is given.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here is the test"
)]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A node that logs all that it can, and a place for a browser.
struct Place {
    dir: TempDir,
    child: Child,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_souk"))
            .args(["--json", "up", "--no-mdns", "--with-parent", "--api-port", "0"])
            .args(["--listen", "127.0.0.1:0"])
            .env("SOUK_HOME", dir.path().join("home"))
            .env("SOUK_LOG", "trace")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut ready).unwrap();
        assert!(ready.contains("\"login\""), "{ready}");
        Self { dir, child }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self, words: &[&str], browser: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_souk"))
            .arg("open")
            .args(words)
            .env("SOUK_HOME", self.at("home"))
            .env("BROWSER", browser)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("CLICOLOR_FORCE")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A browser that writes down its arguments and ends with this code.
    fn browser(&self, name: &str, code: u8) -> String {
        let path = self.at(name);
        let text = format!(
            "#!/bin/sh\necho noise; echo noise >&2\necho \"$*\" >{}\nexit {code}\n",
            self.at("seen").display()
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    fn seen(&self) -> Vec<String> {
        let seen = std::fs::read_to_string(self.at("seen")).unwrap();
        seen.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // With its standard input closed it stops by itself; this is for a test that failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the page answers to a link: the status, and whether a cookie came with it.
fn visit(link: &str) -> (u16, bool) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let response = agent.get(link).call().unwrap();
    (
        response.status().as_u16(),
        response.headers().contains_key("set-cookie"),
    )
}

fn code_of(link: &str) -> String {
    link.split_once("once=").unwrap().1.to_owned()
}

#[test]
fn the_page_opens_by_a_link_that_works_once_and_that_no_log_keeps() {
    let place = Place::new();
    let failing = place.browser("failing", 1);
    let good = place.browser("good", 0);
    // The first that starts is taken; `%s` stands where the link belongs.
    let output = place.open(
        &["--json"],
        &format!("/no/such/browser:{failing}:{good} --new %s --kind"),
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["opened"], &told["by"]),
        (&true.into(), &good.clone().into())
    );
    assert!(told["url"].is_null() && output.stderr.is_empty(), "{output:?}");
    let seen = place.seen();
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("--new", "--kind"));
    let link = &seen[1];
    assert_eq!(visit(link), (303, true));
    assert_eq!(visit(link), (401, false));

    // People read the same, without the link.
    let output = place.open(&[], &good);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("your page opens, by {good}\n"));
    let second = place.seen()[0].clone();
    assert_ne!(code_of(link), code_of(&second));
    assert_eq!(visit(&second), (303, true));

    let log = std::fs::read_to_string(place.at("log")).unwrap();
    for link in [link, &second] {
        assert!(!log.contains(&code_of(link)), "the log has a code in it");
    }
}

#[test]
fn without_a_browser_the_link_is_shown() {
    let place = Place::new();
    let output = place.open(&[], "/no/such/browser");
    let said = String::from_utf8(output.stdout).unwrap();
    let link = said.lines().last().unwrap();
    assert!(said.starts_with("no browser could be started"), "{said}");
    assert_eq!(visit(link), (303, true));

    // `--print` starts none, even if there is one.
    let browser = place.browser("good", 0);
    let output = place.open(&["--print"], &browser);
    let link = String::from_utf8(output.stdout).unwrap();
    assert_eq!(visit(link.trim()), (303, true));
    let output = place.open(&["--print", "--json"], &browser);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["opened"], false);
    assert_eq!(visit(told["url"].as_str().unwrap()), (303, true));
    assert!(!place.at("seen").exists());
}
