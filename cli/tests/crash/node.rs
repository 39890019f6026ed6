//! One node of a test: the program in a process of its own, with the library of faults in it, and its API.

use super::faults::Faults;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest wait for anything that must come.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// How long a start may take after a crash, on a machine that has nothing else to do: see [`Watch`].
pub(crate) const READY_MAX: Duration = Duration::from_secs(5);
/// How often to look again.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// A clock that stands still while programs wait for a processor: other work on the machine makes no start slow.
/// Where the kernel does not tell, it is a plain clock.
pub(crate) struct Watch {
    began: Instant,
    stalled: Duration,
}

impl Watch {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            stalled: stalled(),
        }
    }

    /// Time since then, without what was spent waiting.
    pub(crate) fn elapsed(&self) -> Duration {
        let waited = stalled().saturating_sub(self.stalled);
        self.began.elapsed().saturating_sub(waited)
    }
}

/// How long something waited for a processor, since the machine began.
fn stalled() -> Duration {
    let told = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let some = told.lines().find(|line| line.starts_with("some "));
    let total = some.and_then(|line| line.rsplit_once("total="));
    Duration::from_micros(
        total
            .and_then(|(_, micros)| micros.trim().parse().ok())
            .unwrap_or(0),
    )
}

/// Why a call has no answer.
#[derive(Debug, Clone)]
pub(crate) enum No {
    /// The node refused, with a code.
    Refused { code: String, message: String },
    /// Nobody answered, or not to the end.
    Lost(String),
}

/// A node, running or not.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) home: PathBuf,
    pub(crate) faults: Faults,
    pub(crate) author: String,
    pub(crate) address: String,
    /// What it said when it was ready, and why not if it was not.
    pub(crate) said: Value,
    trace: Option<PathBuf>,
    listen: String,
    api: String,
    token: String,
    agent: ureq::Agent,
    child: Option<Child>,
    lines: Option<mpsc::Receiver<String>>,
}

impl Node {
    /// A node below a directory, not running yet.
    pub(crate) fn below(root: &Path, name: &'static str, trace: bool) -> Self {
        let place = root.join(name);
        std::fs::create_dir_all(&place).unwrap();
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            // A connection to a process that was killed since is of no use.
            .max_idle_connections(0);
        Self {
            name,
            home: place.join("home"),
            faults: Faults::new(&root.join(format!("{name}.page"))),
            author: String::new(),
            address: String::new(),
            said: Value::Null,
            trace: trace.then(|| root.join(format!("{name}.trace"))),
            listen: "127.0.0.1:0".into(),
            api: String::new(),
            token: String::new(),
            agent: config.build().into(),
            child: None,
            lines: None,
        }
    }

    /// Where its trace is, if it has one.
    pub(crate) fn trace(&self) -> &Path {
        self.trace.as_ref().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command.env("SOUK_HOME", &self.home).env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs one command of the program to its end, without faults: exit code, standard output, standard error.
    pub(crate) fn souk(&self, line: &str) -> (Option<i32>, String, String) {
        let output = self
            .command()
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Starts it and waits until it is ready; false if it ended instead.
    pub(crate) fn start(&mut self, peers: &[&str]) -> bool {
        let mut command = self.command();
        command.args(["--json", "up", "--no-mdns", "--with-parent", "--name", self.name]);
        command.args(["--listen", &self.listen]);
        if self.api.is_empty() {
            command.args(["--api-port", "0"]);
        }
        for peer in peers {
            command.args(["--peer", peer]);
        }
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.log())
            .unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        self.faults
            .load_into(&mut command, self.home.parent().unwrap(), self.trace.as_deref());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        self.child = Some(child);
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(send.send(line)));
        });
        let Ok(line) = lines.recv_timeout(DEADLINE) else {
            self.wait_for_end();
            return false;
        };
        self.lines = Some(lines);
        self.said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if !self.said["error"].is_null() {
            self.wait_for_end();
            return false;
        }
        assert!(self.faults.is_loaded(), "the library is not in the process");
        let text = |name: &str| self.said[name].as_str().unwrap().to_owned();
        (self.author, self.api) = (text("author"), text("api"));
        self.token = std::fs::read_to_string(self.home.join("api.token"))
            .unwrap()
            .trim()
            .to_owned();
        let addresses: Vec<&str> = self.said["peer_addresses"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        // It says that it is ready as soon as it can be used, which may be before all addresses are known.
        match addresses.iter().find(|address| address.contains("/udp/")) {
            Some(address) => self.address = (*address).to_owned(),
            None => assert!(!self.address.is_empty(), "no address in {}", self.said),
        }
        // Whoever knows its address finds it there again.
        let port = self.address.split('/').nth(4).unwrap();
        self.listen = format!("127.0.0.1:{port}");
        true
    }

    fn log(&self) -> PathBuf {
        self.home.with_extension("log")
    }

    /// The end of what it logged.
    pub(crate) fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Whether its process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .as_mut()
            .is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Waits for the end of its process.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        while !self.has_ended() {
            assert!(
                Instant::now() < deadline,
                "{} does not end\n{}",
                self.name,
                self.log_end()
            );
            std::thread::sleep(LOOK_EVERY);
        }
        let mut child = self.child.take().unwrap();
        child.wait().unwrap()
    }

    /// The last thing that an ended process said, as the object of an error.
    pub(crate) fn last_words(&mut self) -> Value {
        let lines = self.lines.take().unwrap();
        let last = lines.iter().last().unwrap_or_default();
        serde_json::from_str(&last).unwrap_or_else(|error| panic!("{error}: '{last}'\n{}", self.log_end()))
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        self.post("/stop", &json!({})).unwrap();
        assert!(self.wait_for_end().success(), "{}", self.log_end());
    }

    /// Halts its process, or lets it go on: a halted one answers nobody.
    pub(crate) fn halt(&self, halted: bool) {
        if let Some(child) = &self.child {
            let signal = if halted { "-STOP" } else { "-CONT" };
            let run = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status();
            assert!(run.unwrap().success());
        }
    }

    fn answer(&self, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, No> {
        let lost = |error: ureq::Error| No::Lost(error.to_string());
        let mut response = response.map_err(lost)?;
        let good = response.status().is_success();
        let value: Value = response.body_mut().read_json().map_err(lost)?;
        if good {
            return Ok(value);
        }
        let text = |name: &str| value["error"][name].as_str().unwrap_or_default().to_owned();
        Err(No::Refused {
            code: text("code"),
            message: text("message"),
        })
    }

    /// Reads something of its API.
    pub(crate) fn read(&self, path: &str) -> Result<Value, No> {
        let request = self.agent.get(format!("{}/api/v1{path}", self.api));
        self.answer(
            request
                .header("Authorization", format!("Bearer {}", self.token))
                .call(),
        )
    }

    /// Posts something to its API.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, No> {
        let request = self.agent.post(format!("{}/api/v1{path}", self.api));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        self.answer(request.content_type("application/json").send(body.to_string()))
    }

    /// Has a command carried out.
    pub(crate) fn does(&self, command: &Value) -> Result<Value, No> {
        self.post("/commands", command)
    }

    /// Reads something that must be there.
    pub(crate) fn reads(&self, path: &str) -> Value {
        self.read(path)
            .unwrap_or_else(|no| panic!("{path} at {}: {no:?}\n{}", self.name, self.log_end()))
    }

    /// Waits for something that it shows.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(seen) = look(self) {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "{} waited in vain for {what}\n{}",
                self.name,
                self.log_end()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended; either way it is gone after this.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
