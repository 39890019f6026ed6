//! Where a story is played: real processes of the program, on loopback, in a directory that goes away.

use super::matching::{Words, filled, matched};
use super::page::{Deed, Run, arguments, deeds};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a command may take, and how long news may travel.
const AWAIT_MAX: Duration = Duration::from_secs(120);
/// How long a node may take to stop before it is killed.
const STOP_MAX: Duration = Duration::from_secs(15);
/// How often to look again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often to look whether a command has ended.
const LOOK_SOON: Duration = Duration::from_millis(5);
/// What a node is told beside what the page says: to stay on this machine, and to end with the test.
const ON_LOOPBACK: [&str; 4] = [
    "--no-mdns",
    "--api-port=0",
    "--with-parent",
    "--listen=127.0.0.1:0",
];

/// A story being played.
pub(crate) struct Stage {
    dir: TempDir,
    words: Words,
    running: Vec<(String, Child)>,
}

impl Stage {
    /// Plays a page to its end; the error says at which line it went wrong, and how.
    pub(crate) fn play(page: &str) -> Result<(), String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut stage = Self {
            dir,
            words: Words::new(),
            running: Vec::new(),
        };
        for deed in deeds(page)? {
            match deed {
                Deed::File { name, text } => {
                    std::fs::write(stage.dir.path().join(name), text).map_err(|error| error.to_string())?;
                }
                Deed::Run(run) => {
                    stage
                        .run(&run)
                        .map_err(|error| format!("line {}: {error}", run.line))?;
                }
            }
        }
        Ok(())
    }

    fn home(&self, who: &str) -> PathBuf {
        self.dir.path().join(who)
    }

    fn command(&self, run: &Run) -> Result<Command, String> {
        let line =
            filled(&run.command, &self.words).map_err(|name| format!("{{{name}}} is not known yet"))?;
        let words = arguments(&line)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command
            .args(&words[1..])
            .env("SOUK_HOME", self.home(&run.who))
            .current_dir(self.dir.path());
        command.env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
        Ok(command)
    }

    fn run(&mut self, run: &Run) -> Result<(), String> {
        if run.stays {
            return self.start(run);
        }
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            let (good, stdout, stderr) = self.ended(run)?;
            let shown = if good { &stdout } else { &stderr };
            if good != run.fails()
                && let Some(words) = matched(&run.expected, shown, &self.words)
            {
                self.words = words;
                return Ok(());
            }
            if !run.eventually || Instant::now() > deadline {
                return Err(self.unlike(run, shown, &stderr));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Runs a command to its end: whether it went well, and what it wrote. One that never ends is ended.
    fn ended(&self, run: &Run) -> Result<(bool, String, String), String> {
        let trouble = |error: std::io::Error| error.to_string();
        let (out, err) = (self.dir.path().join("stdout"), self.dir.path().join("stderr"));
        let mut command = self.command(run)?;
        command.stdout(std::fs::File::create(&out).map_err(trouble)?);
        command.stderr(std::fs::File::create(&err).map_err(trouble)?);
        let mut child = command.spawn().map_err(trouble)?;
        let deadline = Instant::now() + AWAIT_MAX;
        let good = loop {
            if let Some(status) = child.try_wait().map_err(trouble)? {
                break status.success();
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.unlike(run, "it did not end", ""));
            }
            std::thread::sleep(LOOK_SOON);
        };
        let read = |path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok((good, read(&out).map_err(trouble)?, read(&err).map_err(trouble)?))
    }

    /// Starts what stays, and waits until it has printed what is expected.
    fn start(&mut self, run: &Run) -> Result<(), String> {
        let mut command = self.command(run)?;
        if run.command.starts_with("souk up") {
            command.args(ON_LOOPBACK);
        }
        let log = std::fs::File::create(self.dir.path().join(format!("{}.log", run.who)));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.map_err(|error| error.to_string())?);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let stdout = child.stdout.take().ok_or("no output")?;
        self.running.push((run.who.clone(), child));
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            let shown = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(words) = matched(&run.expected, &shown, &self.words) {
                self.words = words;
                return Ok(());
            }
            let ended = self
                .running
                .last_mut()
                .is_some_and(|(_, child)| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                return Err(self.unlike(run, &shown, ""));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn unlike(&self, run: &Run, shown: &str, stderr: &str) -> String {
        let log =
            std::fs::read_to_string(self.dir.path().join(format!("{}.log", run.who))).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!(
            "{}$ {}\n--- expected\n{}\n--- printed\n{shown}\n--- standard error\n{stderr}\n--- log of {}\n{}\n--- words\n{:#?}",
            run.who,
            run.command,
            run.expected.join("\n"),
            run.who,
            tail.join("\n"),
            self.words
        )
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The end of standard input tells each of them to stop; then they stop at the same time.
        for (_, child) in &mut self.running {
            drop(child.stdin.take());
        }
        let deadline = Instant::now() + STOP_MAX;
        for (_, child) in &mut self.running {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(LOOK_EVERY);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
