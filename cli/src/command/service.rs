//! `souk service`: has the platform start the node with the computer. Each platform has a file that says
//! what to start, and a program that is told about it; what they are stands in a file per platform, how
//! they are used stands here.

mod launchd;
mod schtasks;
mod systemd;

use super::{Context, up};
use crate::client::Client;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use serde_json::json;
use souk_node::home::Home;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What every file that this command wrote says somewhere.
const MARK: &str = "Written by `souk service install`";

/// What can be done with it.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Service {
    /// Have your node start whenever you log in, and start it now
    Install(Install),
    /// Undo that, and stop the node
    Remove(Remove),
    /// Whether it is installed, and whether it runs
    Status,
}

/// What `install` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    reach: up::Reach,
    /// Show what would be written and run, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What `remove` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Remove {
    /// Show what would be removed and run, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// A program and its arguments.
type Call = Vec<String>;

fn call(program: &str, first: &[&str], rest: &[&str]) -> Call {
    let words = [program].into_iter().chain(first.iter().copied());
    words.chain(rest.iter().copied()).map(str::to_owned).collect()
}

/// How a platform is told to start a program with the computer.
struct Registration {
    /// Its name.
    manager: &'static str,
    /// The file that says what to start.
    file: PathBuf,
    /// What stands in it.
    text: String,
    /// Whether it is written in UTF-16.
    utf16: bool,
    /// Succeeds where the platform's program can be asked at all.
    probe: Call,
    /// Makes the file known, for the next time.
    register: Vec<Call>,
    /// Makes the file known, and starts the node.
    register_and_start: Vec<Call>,
    /// Starts the node anew after the file changed.
    restart: Vec<Call>,
    /// Stops the node and forgets the file, which is still there.
    forget: Vec<Call>,
    /// What remains once the file is gone.
    afterwards: Vec<Call>,
    /// Succeeds if the node will be started.
    is_enabled: Call,
    /// Succeeds if the platform has it running; None where it does not say so to a program.
    is_active: Option<Call>,
    /// When it starts.
    hint: &'static str,
}

/// Does it.
pub(crate) fn run(wish: &Service, context: &Context) -> Result<(), Failure> {
    match wish {
        Service::Install(wish) => install(wish, context),
        Service::Remove(wish) => remove(wish, context),
        Service::Status => status(context),
    }
}

fn install(wish: &Install, context: &Context) -> Result<(), Failure> {
    let home = absolute(&context.home)?;
    unattended(&home)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::fault(format!("this program does not know where it is: {error}")))?;
    let mut command = vec![
        written(&program)?,
        "--home".to_owned(),
        written(&home)?,
        "up".to_owned(),
    ];
    command.extend(wish.reach.arguments());
    let it = registration(&command)?;
    let out = context.output;
    if wish.dry_run {
        out.object(&json!({
            "dry_run": true, "manager": it.manager, "file": it.file, "text": it.text,
            "run": it.register_and_start,
        }));
        out.line(format!("would write {}:\n\n{}", it.file.display(), it.text));
        would_run(&it.register_and_start, context);
        return Ok(());
    }
    let changed = it.write()?;
    let mut told = json!({
        "manager": it.manager, "file": it.file, "changed": changed, "registered": false, "started": false, "run": [],
    });
    out.line(match changed {
        true => format!("wrote {}", it.file.display()),
        false => format!("{} is as it must be already", it.file.display()),
    });
    if !succeeds(&it.probe) {
        told["run"] = json!(it.register_and_start);
        out.object(&told);
        out.line(format!(
            "{} does not answer here; what is left to do once it does:",
            it.probe[0]
        ));
        for call in &it.register_and_start {
            out.line(format!("  {}", typed(call)));
        }
        return Ok(());
    }
    let active = it.is_active.as_ref().is_some_and(succeeds);
    let answers = answers(&home);
    let calls = match (active, changed) {
        // The manager reads the file anew before it starts the node with it.
        (true, true) => [&it.register[..], &it.restart[..]].concat(),
        (true, false) => it.register,
        // Another program has the directory: two nodes cannot work in it.
        (false, _) if answers => it.register,
        (false, _) => it.register_and_start,
    };
    for call in &calls {
        done(call)?;
    }
    told["registered"] = json!(true);
    told["started"] = json!(active || !answers);
    out.object(&told);
    out.line(format!(
        "your node on {} starts by itself from now on: {}",
        home.display(),
        it.hint
    ));
    if !active && answers {
        out.line("it runs already, started by hand; that one was left as it is");
    }
    Ok(())
}

fn remove(wish: &Remove, context: &Context) -> Result<(), Failure> {
    let it = registration(&[])?;
    let out = context.output;
    let is_there = it.own()?;
    if wish.dry_run {
        let calls = match is_there {
            true => [&it.forget[..], &it.afterwards[..]].concat(),
            false => Vec::new(),
        };
        out.object(&json!({
            "dry_run": true, "manager": it.manager, "file": it.file, "installed": is_there, "run": calls,
        }));
        match is_there {
            true => {
                out.line(format!("would remove {}", it.file.display()));
                would_run(&calls, context);
            }
            false => out.line("nothing is installed"),
        }
        return Ok(());
    }
    if is_there {
        if succeeds(&it.probe) {
            for call in &it.forget {
                // What is stopped or forgotten already says no, and that is what was wanted.
                succeeds(call);
            }
        }
        if it.manager == "systemd" {
            systemd::unlink(&config()?)?;
        }
        std::fs::remove_file(&it.file).map_err(|error| Failure::file(&it.file, &error))?;
        for call in &it.afterwards {
            succeeds(call);
        }
    }
    let line = match is_there {
        true => format!("removed {}; start your node with `souk up`", it.file.display()),
        false => "nothing is installed".to_owned(),
    };
    let told = json!({"manager": it.manager, "file": it.file, "removed": is_there});
    out.answer(&told, line);
    Ok(())
}

fn status(context: &Context) -> Result<(), Failure> {
    let it = registration(&[])?;
    let home = absolute(&context.home)?;
    let locked = Home::is_locked(&home).map_err(|error| up::home_refused(&error))?;
    let installed = it.own()?;
    let reachable = installed && succeeds(&it.probe);
    let enabled = reachable.then(|| succeeds(&it.is_enabled));
    let active = match &it.is_active {
        Some(call) if reachable => Some(succeeds(call)),
        _ => None,
    };
    let running = answers(&home);
    let out = context.output;
    out.object(&json!({
        "manager": it.manager, "file": it.file, "installed": installed, "enabled": enabled, "active": active,
        "running": running, "locked": locked,
    }));
    let word = |known: Option<bool>| match known {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    out.line(match installed {
        true => format!("installed  {}", it.file.display()),
        false => "installed  no; `souk service install` does it".to_owned(),
    });
    if installed {
        out.line(format!("enabled    {}", word(enabled)));
        out.line(format!("active     {}", word(active)));
    }
    out.line(format!("running    {}", word(Some(running))));
    if installed && locked {
        out.line("its keys are closed with a passphrase: it cannot start by itself any more");
    }
    Ok(())
}

/// Refuses a directory whose node could not start without somebody who watches.
fn unattended(home: &Path) -> Result<(), Failure> {
    if Home::is_locked(home).map_err(|error| up::home_refused(&error))? {
        return Err(Failure::refused(
            "locked",
            "the keys are closed with a passphrase, and nobody is there to type it when the computer starts",
            "start your node with `souk up`, or open the keys with `souk passphrase remove`",
        ));
    }
    // A first start shows the 24 words, which must meet somebody who writes them down.
    match Home::owner(home, None) {
        Ok(_) => Ok(()),
        Err(souk_node::home::HomeError::Absent { dir }) => Err(Failure::not_found(
            format!("{} has no identity yet", dir.display()),
            "make one with `souk init` and write its 24 words down, then install the service",
        )),
        Err(error) => Err(up::home_refused(&error)),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, &error))
}

/// A path as text that a file of settings can hold.
fn written(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(Failure::usage(
            format!(
                "the name of {} cannot be written into a service's file",
                path.display()
            ),
            "use a path without line breaks and other characters that cannot be read",
        )),
    }
}

fn config() -> Result<PathBuf, Failure> {
    base().map(|base| base.config_dir().to_owned())
}

fn base() -> Result<directories::BaseDirs, Failure> {
    directories::BaseDirs::new()
        .ok_or_else(|| Failure::usage("this user has no home directory", "set HOME to one"))
}

/// What this platform is told for a command.
fn registration(command: &[String]) -> Result<Registration, Failure> {
    match std::env::consts::OS {
        "linux" => Ok(systemd::registration(&config()?, command)),
        "macos" => {
            let user = answer(&call("id", &[], &["-u"])).unwrap_or_default();
            Ok(launchd::registration(base()?.home_dir(), &user, command))
        }
        "windows" => {
            let user = answer(&call("whoami", &[], &[])).unwrap_or_default();
            Ok(schtasks::registration(&config()?, &user, command))
        }
        other => Err(Failure::refused(
            "not_allowed",
            format!("how {other} starts programs with the computer is not known to souk"),
            "let it run `souk up` in its own way",
        )),
    }
}

impl Registration {
    /// What the file says now; None if there is none.
    fn found(&self) -> Result<Option<String>, Failure> {
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(&self.file, &error)),
        };
        let text = match self.utf16 {
            true => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                String::from_utf16_lossy(&units)
                    .trim_start_matches(BYTE_ORDER)
                    .to_owned()
            }
            false => String::from_utf8_lossy(&bytes).into_owned(),
        };
        Ok(Some(text))
    }

    /// Whether the file is there; one that somebody else wrote is not touched.
    fn own(&self) -> Result<bool, Failure> {
        match self.found()? {
            None => Ok(false),
            Some(text) if text.contains(MARK) => Ok(true),
            Some(_) => Err(Failure::refused(
                "not_allowed",
                format!("{} was not written by souk", self.file.display()),
                "keep it, or move it away and try again",
            )),
        }
    }

    /// Writes the file, whole or not at all; false if it says the same already.
    fn write(&self) -> Result<bool, Failure> {
        if self.own()? && self.found()?.is_some_and(|text| text == self.text) {
            return Ok(false);
        }
        let failed = |error: std::io::Error| Failure::file(&self.file, &error);
        let dir = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(failed)?;
        let bytes = match self.utf16 {
            true => {
                let text = format!("{BYTE_ORDER}{}", self.text);
                text.encode_utf16().flat_map(u16::to_le_bytes).collect()
            }
            false => self.text.clone().into_bytes(),
        };
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.file).map_err(|error| failed(error.error))?;
        Ok(true)
    }
}

/// What a file in UTF-16 begins with.
const BYTE_ORDER: char = '\u{feff}';

/// Whether a node answers for a directory.
fn answers(home: &Path) -> bool {
    Client::of(home).is_ok_and(|client| client.read("/status", &[]).is_ok())
}

fn command_of(call: &Call) -> Option<Command> {
    let (program, arguments) = call.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    Some(command)
}

/// Whether a call can be made and goes well.
fn succeeds(call: &Call) -> bool {
    let output = command_of(call).map(|mut command| command.output());
    output.is_some_and(|output| output.is_ok_and(|output| output.status.success()))
}

/// What a call prints.
fn answer(call: &Call) -> Option<String> {
    let output = command_of(call)?.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes a call that must go well.
fn done(call: &Call) -> Result<(), Failure> {
    let Some(mut command) = command_of(call) else {
        return Ok(());
    };
    let trouble = |why: String| {
        Failure::refused(
            "not_allowed",
            format!("`{}` failed: {why}", typed(call)),
            "see why, then run `souk service install` again",
        )
    };
    let output = command.output().map_err(|error| trouble(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(trouble(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// A call as one types it.
fn typed(call: &Call) -> String {
    let words: Vec<String> = call
        .iter()
        .map(
            |word| match word.contains(char::is_whitespace) || word.is_empty() {
                true => format!("\"{word}\""),
                false => word.clone(),
            },
        )
        .collect();
    words.join(" ")
}

fn would_run(calls: &[Call], context: &Context) {
    context.output.line("would run:");
    for call in calls {
        context.output.line(format!("  {}", typed(call)));
    }
}

/// Text within an element of XML.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: PathBuf, utf16: bool, text: &str) -> Registration {
        let mut it = systemd::registration(Path::new("/"), &[]);
        (it.file, it.utf16, it.text) = (file, utf16, text.to_owned());
        it
    }

    #[test]
    fn a_file_is_written_once_and_known_again_in_either_writing() {
        for utf16 in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("deep").join("file");
            let it = at(file.clone(), utf16, &format!("{MARK}: Bücher\n"));
            assert!(!it.own().unwrap());
            assert!(it.write().unwrap() && !it.write().unwrap());
            assert!(it.own().unwrap());
            assert!(
                at(file.clone(), utf16, &format!("{MARK}: other\n"))
                    .write()
                    .unwrap()
            );
            assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("souk.service");
        std::fs::write(&file, "[Unit]\n").unwrap();
        let it = at(file.clone(), false, MARK);
        assert_eq!(it.write().unwrap_err().code, "not_allowed");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[Unit]\n");
    }

    #[test]
    fn a_path_with_a_line_break_is_not_written() {
        assert!(written(Path::new("/a\nb")).is_err());
        assert_eq!(written(Path::new("/a b%")).unwrap(), "/a b%");
    }

    #[test]
    fn what_is_typed_keeps_words_together() {
        let it = call("schtasks", &[], &["/XML", "C:\\a b", ""]);
        assert_eq!(typed(&it), "schtasks /XML \"C:\\a b\" \"\"");
    }
}
