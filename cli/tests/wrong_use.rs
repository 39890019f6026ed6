//! Wrong use of the program, as one meets it: one sentence, a next step, a documented exit code, and
//! nothing half done.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here is the test")]

use std::path::Path;
use std::process::{Command, Output};

fn souk(home: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command
        .args(line.split_whitespace())
        .env("SOUK_HOME", home)
        .current_dir(home);
    command
        .env_remove("CLICOLOR_FORCE")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Every command that needs a running node.
const NEED_A_NODE: [&str; 17] = [
    "status",
    "id",
    "profile",
    "follow",
    "post hello",
    "feed",
    "search",
    "shop list",
    "shop export",
    "orders list",
    "tab show",
    "address list",
    "device list",
    "device invite",
    "peer add /ip4/127.0.0.1/udp/1/quic-v1",
    "stop",
    "open --print",
];

#[test]
fn without_a_node_every_command_says_how_to_start_one() {
    let home = tempfile::tempdir().unwrap();
    for line in NEED_A_NODE {
        let output = souk(home.path(), line);
        assert_eq!(output.status.code(), Some(3), "souk {line}: {output:?}");
        let expected = format!(
            "error: no node is running on {}\n\
             → Start one with `souk up`, or name the directory of a running one with --home.\n",
            home.path().display()
        );
        assert_eq!(text(&output.stderr), expected, "souk {line}");
        assert!(output.stdout.is_empty(), "souk {line}");
    }
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "something was left behind"
    );
}

#[test]
fn a_program_gets_every_error_as_one_object_on_standard_output() {
    let home = tempfile::tempdir().unwrap();
    for (line, code, exit) in [
        ("--json status", "no_node", 3),
        ("--json nonsense", "usage", 2),
        ("--json shop import no.csv", "file", 5),
    ] {
        let output = souk(home.path(), line);
        let error = &json(&output)["error"];
        assert_eq!(
            (error["code"].as_str(), output.status.code()),
            (Some(code), Some(exit)),
            "souk {line}"
        );
        assert!(
            error["message"].is_string() && error["next"].is_string(),
            "souk {line}: {error}"
        );
        assert!(output.stderr.is_empty(), "souk {line}: {output:?}");
    }
}

/// Longest that a node may take to see that it cannot start.
const REFUSAL_MAX: std::time::Duration = std::time::Duration::from_secs(20);

/// Runs `souk up` where it cannot start, and gives back what it said.
fn refused_start(home: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command
        .args(["--json", "up", "--no-mdns", "--listen", "127.0.0.1:0"])
        .args(line.split_whitespace());
    command
        .env("SOUK_HOME", home.join("node"))
        .stdin(std::process::Stdio::null());
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let deadline = std::time::Instant::now() + REFUSAL_MAX;
    while child.try_wait().unwrap().is_none() {
        if std::time::Instant::now() > deadline {
            child.kill().unwrap();
            panic!("souk up {line} did not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_node_that_cannot_start_says_why_and_ends() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--api-port {}", taken.local_addr().unwrap().port());
    for (line, code, exit) in [
        (port.as_str(), "port_taken", 6),
        ("--listen nonsense", "usage", 2),
        ("--peer nonsense", "cannot_listen", 6),
    ] {
        let home = tempfile::tempdir().unwrap();
        let output = refused_start(home.path(), line);
        let error = &json(&output)["error"];
        assert_eq!(
            (error["code"].as_str(), output.status.code()),
            (Some(code), Some(exit)),
            "souk up {line}"
        );
        assert!(
            error["next"].as_str().is_some_and(|next| !next.is_empty()),
            "souk up {line}: {error}"
        );
    }
}

#[test]
fn a_product_file_that_is_not_there_is_named() {
    let home = tempfile::tempdir().unwrap();
    for line in ["shop import no.csv", "demo --catalog no.csv"] {
        let output = souk(home.path(), line);
        assert_eq!(output.status.code(), Some(5), "souk {line}: {output:?}");
        assert!(
            text(&output.stderr).starts_with("error: there is no file no.csv\n→ "),
            "{output:?}"
        );
    }
}

#[test]
fn a_currency_that_is_none_is_wrong_use() {
    let home = tempfile::tempdir().unwrap();
    let output = souk(home.path(), "demo --currency euros");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("three capital letters"),
        "{output:?}"
    );
}

#[test]
fn a_word_that_means_nothing_is_wrong_use() {
    let home = tempfile::tempdir().unwrap();
    let output = souk(home.path(), "sell");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: "), "{output:?}");
}

#[test]
fn the_help_lists_the_exit_codes() {
    let home = tempfile::tempdir().unwrap();
    let output = souk(home.path(), "--help");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("3    no node is running on this directory"));
}

#[test]
fn completions_are_written_for_a_shell() {
    let home = tempfile::tempdir().unwrap();
    let output = souk(home.path(), "completions bash");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("souk"));
}
