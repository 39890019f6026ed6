//! Linux: a unit of the user's own service manager.

use super::{Call, Registration, call};
use crate::failure::Failure;
use std::path::Path;

const UNIT: &str = "souk.service";

/// What stands in the unit besides the command. Only what the user's manager can do without privileges and
/// without user namespaces, which some systems forbid: filters of system calls, no file system of its own.
const SETTINGS: &str = "\
# `up` shows a link to the page, which has no place in a journal. Errors go to the journal.
StandardOutput=null
Restart=on-failure
RestartSec=5s
# Wrong usage does not get better by itself.
RestartPreventExitStatus=2
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# AF_NETLINK: whoever finds others on the local network watches the machine's addresses.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
";

/// The unit in the user's directory of settings.
pub(super) fn registration(config: &Path, command: &[String]) -> Registration {
    let systemctl = |words: &[&str]| -> Call { call("systemctl", &["--user"], words) };
    Registration {
        manager: "systemd",
        file: config.join("systemd").join("user").join(UNIT),
        text: unit(command),
        utf16: false,
        probe: systemctl(&["show-environment"]),
        register: vec![systemctl(&["daemon-reload"]), systemctl(&["enable", UNIT])],
        register_and_start: vec![
            systemctl(&["daemon-reload"]),
            systemctl(&["enable", "--now", UNIT]),
        ],
        restart: vec![systemctl(&["restart", UNIT])],
        forget: vec![systemctl(&["disable", "--now", UNIT])],
        afterwards: vec![systemctl(&["daemon-reload"])],
        is_enabled: systemctl(&["is-enabled", "--quiet", UNIT]),
        is_active: Some(systemctl(&["is-active", "--quiet", UNIT])),
        hint: "it starts when you log in; `loginctl enable-linger` starts it with the computer, before that",
    }
}

fn unit(command: &[String]) -> String {
    let words: Vec<String> = command
        .iter()
        .enumerate()
        .map(|(place, word)| quoted(word, place == 0))
        .collect();
    format!(
        "# Written by `souk service install`, taken away by `souk service remove`.\n\
         [Unit]\n\
         Description=Souk, a market between people\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={}\n\
         {SETTINGS}\n\
         [Install]\n\
         WantedBy=default.target\n",
        words.join(" ")
    )
}

/// A word as systemd reads it back: quotes keep spaces, `%` begins a specifier and `$` a variable. In the
/// program's own path variables are not looked for.
fn quoted(word: &str, is_program: bool) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' => text.push_str("%%"),
            '$' if !is_program => text.push_str("$$"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Takes away what `systemctl enable` made, where systemctl does not answer.
pub(super) fn unlink(config: &Path) -> Result<(), Failure> {
    let link = config
        .join("systemd")
        .join("user")
        .join("default.target.wants")
        .join(UNIT);
    match link.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            std::fs::remove_file(&link).map_err(|error| Failure::file(&link, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_as_it_was() {
        for (word, text) in [
            ("up", r#""up""#),
            ("/home/a b/souk", r#""/home/a b/souk""#),
            ("100%h", r#""100%%h""#),
            ("$HOME", r#""$$HOME""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("", r#""""#),
        ] {
            assert_eq!(quoted(word, false), text);
        }
        assert_eq!(quoted("/opt/$x/souk", true), r#""/opt/$x/souk""#);
    }

    #[test]
    fn nothing_that_up_shows_ends_in_a_journal() {
        let unit = unit(&["/bin/souk".into(), "up".into()]);
        assert!(unit.contains("\nStandardOutput=null\n"), "{unit}");
        assert!(unit.contains("\nExecStart=\"/bin/souk\" \"up\"\n"), "{unit}");
    }
}
