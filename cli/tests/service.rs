//! `souk service` as one meets it: a directory whose name has a space and a percent sign in it, and a
//! `systemctl` of the test's own that writes down what it is told.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here is the test")]

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Knows whether the unit is enabled and active by two files beside its list of calls.
const SYSTEMCTL: &str = r#"#!/bin/sh
here=$(dirname "$0")/..
echo "$*" >>"$here/calls"
case "$*" in
    *is-enabled*) test -e "$here/enabled" ;;
    *is-active*) test -e "$here/active" ;;
    *"enable --now"*) touch "$here/enabled" "$here/active" ;;
    *" enable "*) touch "$here/enabled" ;;
    *"disable --now"*) rm -f "$here/enabled" "$here/active" ;;
esac
"#;
const SILENT: &str = "#!/bin/sh\nexit 1\n";

struct Place(TempDir);

impl Place {
    fn new(systemctl: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.at("bin")).unwrap();
        let program = place.at("bin/systemctl");
        std::fs::write(&program, systemctl).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        place
    }

    fn with_identity(systemctl: &str) -> Self {
        let place = Self::new(systemctl);
        place.done(&["init", "--name", "merle"]);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.at("my market 100%h")
    }

    fn unit(&self) -> PathBuf {
        self.at("config/systemd/user/souk.service")
    }

    fn souk(&self, words: &[&str]) -> Output {
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap());
        Command::new(env!("CARGO_BIN_EXE_souk"))
            .arg("--json")
            .args(words)
            .env("SOUK_HOME", self.home())
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.at("config"))
            .env("PATH", path)
            .env_remove("SOUK_PASSPHRASE_FILE")
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn done(&self, words: &[&str]) -> Value {
        let output = self.souk(words);
        assert!(output.status.success(), "souk {words:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.souk(words);
        assert!(!output.status.success(), "souk {words:?}: {output:?}");
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        value["error"]["code"].as_str().unwrap().to_owned()
    }

    /// What systemctl was told since the last time.
    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.at("calls")).unwrap_or_default();
        let _ = std::fs::remove_file(self.at("calls"));
        calls.lines().map(str::to_owned).collect()
    }
}

/// The words of `ExecStart`, read as systemd does: quotes, backslashes, `%%` and `$$`.
fn command_in(unit: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(unit).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let (mut words, mut word, mut inside) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside => {
                words.push(std::mem::take(&mut word));
                inside = false;
            }
            '"' => inside = true,
            '\\' => word.extend(chars.next()),
            '%' | '$' => {
                assert_eq!(chars.next(), Some(c), "{line}");
                word.push(c);
            }
            ' ' if !inside => {}
            c => word.push(c),
        }
    }
    words
}

#[test]
fn a_node_is_installed_once_and_removed_again() {
    let place = Place::with_identity(SYSTEMCTL);
    let peer = "/ip4/127.0.0.1/udp/1/quic-v1";
    let install = [
        "service",
        "install",
        "--peer",
        peer,
        "--no-mdns",
        "--api-port",
        "7000",
    ];
    let told = place.done(&install);
    assert_eq!((&told["changed"], &told["started"]), (&true.into(), &true.into()));
    assert_eq!(
        place.calls(),
        [
            "--user show-environment",
            "--user is-active --quiet souk.service",
            "--user daemon-reload",
            "--user enable --now souk.service",
        ]
    );
    let home = place.home();
    assert_eq!(
        command_in(&place.unit())[1..],
        [
            "--home",
            home.to_str().unwrap(),
            "up",
            "--peer",
            peer,
            "--no-mdns",
            "--api-port",
            "7000"
        ]
    );
    assert!(Path::new(&command_in(&place.unit())[0]).is_absolute());

    // The same again changes nothing and interrupts nobody.
    let told = place.done(&install);
    assert_eq!(
        (&told["changed"], &told["started"]),
        (&false.into(), &true.into())
    );
    assert!(!place.calls().iter().any(|call| call.contains("restart")));
    let status = place.done(&["service", "status"]);
    assert_eq!(
        (
            &status["installed"],
            &status["enabled"],
            &status["active"],
            &status["running"]
        ),
        (&true.into(), &true.into(), &true.into(), &false.into())
    );

    // With other flags it starts anew.
    place.calls();
    place.done(&["service", "install"]);
    assert_eq!(place.calls().last().unwrap(), "--user restart souk.service");

    assert_eq!(place.done(&["service", "remove"])["removed"], true);
    assert!(
        place
            .calls()
            .contains(&"--user disable --now souk.service".to_owned())
    );
    assert!(!place.unit().exists());
    assert_eq!(place.done(&["service", "remove"])["removed"], false);
    assert_eq!(place.done(&["service", "status"])["installed"], false);
}

#[test]
fn systemd_understands_what_is_written() {
    let place = Place::with_identity(SYSTEMCTL);
    place.done(&["service", "install", "--listen", "127.0.0.1:0"]);
    let Ok(output) = Command::new("systemd-analyze")
        .args(["--user", "verify", "--man=no"])
        .arg(place.unit())
        .env("XDG_RUNTIME_DIR", place.0.path())
        .output()
    else {
        return eprintln!("skipped: systemd-analyze is not here");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains("souk.service"),
        "{said}"
    );
}

#[test]
fn where_systemctl_does_not_answer_it_is_said_what_to_run() {
    let place = Place::with_identity(SILENT);
    let told = place.done(&["service", "install"]);
    assert_eq!(
        (&told["changed"], &told["registered"]),
        (&true.into(), &false.into())
    );
    assert_eq!(told["run"][1].as_array().unwrap().last().unwrap(), "souk.service");
    assert!(place.unit().exists());
    // What `systemctl enable` would have made goes with the unit.
    let wants = place.at("config/systemd/user/default.target.wants");
    std::fs::create_dir(&wants).unwrap();
    std::os::unix::fs::symlink(place.unit(), wants.join("souk.service")).unwrap();
    place.done(&["service", "remove"]);
    assert!(!place.unit().exists() && wants.read_dir().unwrap().next().is_none());
}

#[test]
fn a_dry_run_shows_it_and_does_nothing() {
    let place = Place::with_identity(SYSTEMCTL);
    let told = place.done(&["service", "install", "--dry-run", "--no-mdns"]);
    assert!(told["text"].as_str().unwrap().contains("ExecStart="));
    assert_eq!(told["run"].as_array().unwrap().len(), 2);
    assert!(!place.at("config").exists());
    place.done(&["service", "install"]);
    place.calls();
    assert_eq!(place.done(&["service", "remove", "--dry-run"])["installed"], true);
    assert!(place.unit().exists() && place.calls().is_empty());
}

#[test]
fn a_node_that_needs_somebody_to_watch_is_refused() {
    let place = Place::new(SYSTEMCTL);
    // The first start shows the 24 words.
    assert_eq!(place.refused(&["service", "install"]), "not_found");
    place.done(&["init"]);
    std::fs::write(place.at("secret"), "correct horse battery staple\n").unwrap();
    std::fs::set_permissions(place.at("secret"), PermissionsExt::from_mode(0o600)).unwrap();
    place.done(&["passphrase", "set", "--new-passphrase-file", "secret"]);
    assert_eq!(place.refused(&["service", "install"]), "locked");
    assert!(!place.at("config").exists() && place.calls().is_empty());
}

#[test]
fn a_unit_of_somebody_else_stays_as_it_is() {
    let place = Place::with_identity(SYSTEMCTL);
    std::fs::create_dir_all(place.unit().parent().unwrap()).unwrap();
    std::fs::write(place.unit(), "[Unit]\n").unwrap();
    for wish in ["install", "remove", "status"] {
        assert_eq!(place.refused(&["service", wish]), "not_allowed", "{wish}");
    }
    assert_eq!(std::fs::read_to_string(place.unit()).unwrap(), "[Unit]\n");
    assert!(place.calls().is_empty());
}
