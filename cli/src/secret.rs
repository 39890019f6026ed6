//! What only the owner knows: passphrases and the 24 words, asked for on a terminal without showing
//! them, or read from a file for scripts. Never from the command line, where others on the machine could
//! read them.

use crate::failure::Failure;
use console::Term;
use souk_node::vault::Passphrase;
use souk_protocol::identity::Phrase;
use std::io::Read;
use std::path::Path;

/// Largest file of a passphrase or of words that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The passphrase in a file, or else the one that is typed. `option` is how the file is named.
pub(crate) fn passphrase(file: Option<&Path>, option: &str, prompt: &str) -> Result<Passphrase, Failure> {
    match file {
        Some(path) => from_file(path),
        None => typed(&ask(prompt, option)?, option),
    }
}

/// A passphrase that is new: typed twice, since what is mistyped closes for good.
pub(crate) fn new_passphrase(file: Option<&Path>, option: &str, prompt: &str) -> Result<Passphrase, Failure> {
    let first = passphrase(file, option, prompt)?;
    if file.is_none() && ask("Once more: ", option).and_then(|again| typed(&again, option))? != first {
        return Err(Failure::usage(
            "the two passphrases differ",
            "try again; nothing was changed",
        ));
    }
    Ok(first)
}

/// A passphrase from a file, if one is named.
pub(crate) fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    let text = read(path)?;
    Passphrase::new(&text).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "put the passphrase into the file, in one line",
        )
    })
}

/// The 24 words in a file, or else those that are typed.
pub(crate) fn words(file: Option<&Path>) -> Result<Phrase, Failure> {
    let option = "--words-file";
    let text = match file {
        Some(path) => read(path)?,
        None => ask("Your 24 words, in one line: ", option)?,
    };
    Phrase::parse(&text).map_err(|error| {
        Failure::usage(
            error.to_string(),
            "look at the paper that they were written on, and try again",
        )
    })
}

fn typed(text: &str, option: &str) -> Result<Passphrase, Failure> {
    Passphrase::new(text).map_err(|error| {
        Failure::usage(
            error.to_string(),
            format!("try again, or name a file with {option}"),
        )
    })
}

fn ask(prompt: &str, option: &str) -> Result<String, Failure> {
    let term = Term::stderr();
    let nobody = || {
        Failure::usage(
            "nobody is there to be asked: this is no terminal",
            format!("name a file that holds it with {option}"),
        )
    };
    if !term.is_term() || !console::user_attended() {
        return Err(nobody());
    }
    // Nobody is left to ask if the terminal is gone.
    term.write_str(prompt).map_err(|_| nobody())?;
    term.read_secure_line().map_err(|_| nobody())
}

fn read(path: &Path) -> Result<String, Failure> {
    let trouble = |error: std::io::Error| Failure::file(path, &error);
    let file = std::fs::File::open(path).map_err(trouble)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(trouble)?;
    Ok(text)
}
