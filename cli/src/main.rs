//! The `souk` program: a thin client of the node that runs on a directory here, and the command that
//! runs one. Everything but `up` and what concerns the directory itself (`init`, the words of `id`, backups
//! and passphrases) goes through the node's HTTP API, so another program can do the same. Described in `spec/api.md`.
//!
//! A file imports only files that stand above it in this map.

mod failure;

mod answer;
mod client;
mod output;
mod progress;
mod secret;

mod pick;

mod command;
mod demo;

mod arguments;

use arguments::{Arguments, Wish};
use clap::Parser;
use command::Context;
use failure::{Exit, Failure};
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let output = Output::new(arguments.json);
    match run(arguments, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(output, &failure),
    }
}

fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let home = match arguments.home {
        Some(home) => home,
        None => command::default_home()?,
    };
    let context = Context { home, output };
    match arguments.wish.unwrap_or_default() {
        Wish::Up(wish) => command::up::run(&wish, &context),
        Wish::Init(wish) => command::up::init(&wish, &context),
        Wish::Status => command::status::run(&context),
        Wish::Id(wish) => command::id::run(&wish, &context),
        Wish::Profile(wish) => command::profile::run(&wish, &context),
        Wish::Follow(wish) => command::follow::run(&wish, &context),
        Wish::Post(wish) => command::post::run(&wish, &context),
        Wish::Feed(wish) => command::feed::run(&wish, &context),
        Wish::Vouch(wish) => command::vouch::run(&wish, &context),
        Wish::Search(wish) => command::search::run(&wish, &context),
        Wish::Shop { wish } => command::shop::run(&wish, &context),
        Wish::Buy(wish) => command::buy::run(&wish, &context),
        Wish::Orders { wish } => command::orders::run(&wish, &context),
        Wish::Tab { wish } => command::tab::run(&wish, &context),
        Wish::Review(wish) => command::review::run(&wish, &context),
        Wish::Address { wish } => command::address::run(&wish, &context),
        Wish::Device { wish } => command::device::run(&wish, &context),
        Wish::Peer { wish } => command::peer::run(&wish, &context),
        Wish::Backup(wish) => command::backup::run(&wish, &context),
        Wish::Restore(wish) => command::backup::restore(&wish, &context),
        Wish::Recover(wish) => command::backup::recover(&wish, &context),
        Wish::Passphrase { wish } => command::passphrase::run(&wish, &context),
        Wish::Stop => command::stop::run(&context),
        Wish::Open(wish) => command::open::run(&wish, &context),
        Wish::Service { wish } => command::service::run(&wish, &context),
        Wish::Demo(wish) => demo::run(&wish, output),
        Wish::Completions { shell } => {
            arguments::completions(shell);
            Ok(())
        }
    }
}

/// The one edge at which errors are shown.
fn failed(output: Output, failure: &Failure) -> ExitCode {
    output.failure(failure);
    ExitCode::from(failure.exit_code())
}

/// Help and version are no errors; a wrong command line is told by clap, or as an object.
fn misused(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let failure = Failure::usage(arguments::first_sentence(error), "see `souk --help`");
        return failed(Output::new(true), &failure);
    }
    // Nobody is left to tell if standard error is closed.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { 0 })
}
