//! How a command fails: one sentence, what to do next, and an exit code. Every command returns this
//! one type; `main` prints it at one edge. The codes are part of the program's interface: they stand
//! in `--help` and in the README.

use serde_json::{Value, json};
use std::io;
use std::path::Path;

/// What the exit codes mean, as `--help` shows it.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    refused by the node (the message says why)
  2    wrong usage
  3    no node is running on this directory
  4    a peer cannot be reached
  5    a file or directory here cannot be read or written
  6    the node cannot start (already running, port taken, no way to listen)
  7    a fault inside
  8    what was awaited did not happen in time
  130  interrupted

With --json an error is one object on standard output:
  {\"error\":{\"code\":\"…\",\"message\":\"one sentence\",\"next\":\"what to do\"}}";

/// Kinds of failure, each with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The node said no.
    Refused = 1,
    /// The command line is not as it must be.
    Usage = 2,
    /// No node runs on the directory.
    NoNode = 3,
    /// A peer cannot be reached.
    Unreachable = 4,
    /// A file here cannot be read or written.
    File = 5,
    /// The node cannot start.
    CannotStart = 6,
    /// Something that should not happen.
    Fault = 7,
    /// A wait was too long.
    TooLate = 8,
    /// Ctrl-C.
    Interrupted = 130,
}

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its kind.
    pub(crate) exit: Exit,
    /// One word for programs.
    pub(crate) code: String,
    /// One sentence for people.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) next: String,
}

impl Failure {
    fn new(exit: Exit, code: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            next: sentence(&next.into()),
        }
    }

    /// What the person typed cannot be meant.
    pub(crate) fn usage(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message, next)
    }

    /// What is named is not known to the node.
    pub(crate) fn not_found(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "not_found", message, next)
    }

    /// A name or short id fits several things.
    pub(crate) fn ambiguous(what: &str, text: &str, matches: &[String]) -> Self {
        Self::new(
            Exit::Usage,
            "ambiguous",
            format!("'{text}' fits {} {what}: {}", matches.len(), matches.join(", ")),
            "write more of the id, or all of it",
        )
    }

    /// The node refused, in its own words.
    pub(crate) fn refused(code: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        let exit = match code {
            "unreachable" => Exit::Unreachable,
            "disk_full" => Exit::File,
            "fault" => Exit::Fault,
            "stopping" => Exit::NoNode,
            _ => Exit::Refused,
        };
        Self::new(exit, code, message, next)
    }

    /// Nobody answers for a directory.
    pub(crate) fn no_node(home: &Path) -> Self {
        Self::new(
            Exit::NoNode,
            "no_node",
            format!("no node is running on {}", home.display()),
            "start one with `souk up`, or name the directory of a running one with --home",
        )
    }

    /// A file or directory here gives trouble.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let (message, next) = match error.kind() {
            io::ErrorKind::NotFound => (format!("there is no file {}", path.display()), "check the name"),
            io::ErrorKind::PermissionDenied => (
                format!("{} may not be opened by this user", path.display()),
                "check who owns it",
            ),
            io::ErrorKind::IsADirectory => (
                format!("{} is a directory, not a file", path.display()),
                "name a file in it",
            ),
            _ => (
                format!("{} cannot be used: {error}", path.display()),
                "check the disk and the name",
            ),
        };
        Self::new(Exit::File, "file", message, next)
    }

    /// A file or directory here gives trouble that is explained already.
    pub(crate) fn unusable(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::File, "file", message, next)
    }

    /// The node on this directory cannot start.
    pub(crate) fn cannot_start(code: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::CannotStart, code, message, next)
    }

    /// Something that should not happen.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::new(
            Exit::Fault,
            "fault",
            message,
            "try again; if it stays, report it with the output of `souk status --json`",
        )
    }

    /// A node stopped because its disk failed it, or a rule of its own.
    pub(crate) fn stopped(message: impl Into<String>) -> Self {
        Self::new(
            Exit::Fault,
            "fault",
            message,
            "see that its disk is sound, then start it again; all that was acknowledged is there",
        )
    }

    /// A wait was too long.
    pub(crate) fn too_late(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::TooLate, "too_late", message, next)
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(
            Exit::Interrupted,
            "interrupted",
            "interrupted",
            "run it again when you like",
        )
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit as u8
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message, "next": self.next}})
    }

    /// For people.
    pub(crate) fn to_text(&self) -> String {
        if self.next.is_empty() {
            return format!("error: {}", self.message);
        }
        format!("error: {}\n→ {}", self.message, self.next)
    }
}

/// A next step as a whole sentence, whoever wrote it.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_sentence_and_a_next_step() {
        let failure = Failure::no_node(Path::new("/home/alice/souk"));
        assert_eq!(
            failure.to_text(),
            "error: no node is running on /home/alice/souk\n\
             → Start one with `souk up`, or name the directory of a running one with --home."
        );
        assert_eq!(failure.exit_code(), 3);
    }

    #[test]
    fn a_program_gets_the_same_as_one_object() {
        let failure = Failure::refused("no_stock", "2 left, 3 asked for", "ask for fewer");
        let expected = json!({"error": {
            "code": "no_stock", "message": "2 left, 3 asked for", "next": "Ask for fewer."
        }});
        assert_eq!(failure.to_json(), expected);
        assert_eq!(failure.exit_code(), 1);
    }

    #[test]
    fn every_kind_of_failure_stands_in_the_help() {
        let kinds = [
            Exit::Refused,
            Exit::Usage,
            Exit::NoNode,
            Exit::Unreachable,
            Exit::File,
            Exit::CannotStart,
            Exit::Fault,
            Exit::TooLate,
            Exit::Interrupted,
        ];
        for kind in kinds {
            let code = format!("  {:<5}", kind as u8);
            assert!(EXIT_CODES.contains(&code), "{kind:?} is not in the help");
        }
    }

    #[test]
    fn the_node_s_own_codes_become_exit_codes() {
        for (code, exit) in [
            ("too_little_credit", Exit::Refused),
            ("not_found", Exit::Refused),
            ("unreachable", Exit::Unreachable),
            ("disk_full", Exit::File),
            ("fault", Exit::Fault),
            ("stopping", Exit::NoNode),
        ] {
            assert_eq!(Failure::refused(code, "m", "n").exit, exit, "{code}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = std::fs::read("/no/such/products.csv").unwrap_err();
        let failure = Failure::file(Path::new("/no/such/products.csv"), &error);
        assert_eq!(failure.message, "there is no file /no/such/products.csv");
        assert_eq!(failure.exit, Exit::File);
    }
}
