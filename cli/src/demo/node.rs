//! One node of the demo: a process of this same program, with a directory of its own that goes when it
//! goes. It stops when this process ends, however it ends: by the guard here, and failing that because
//! nobody holds the other end of its standard input any more.

use crate::client::{Client, ImportProgress};
use crate::failure::Failure;
use serde_json::{Value, json};
use souk_protocol::api::{Command as Wish, Reply};
use souk_protocol::id::AuthorId;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything that is awaited may take.
pub(super) const AWAIT_MAX: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a node may take to stop before it is killed.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Lines of a node's log that an error shows.
const LOG_LINES: usize = 15;
/// The file beside a node's directory that takes its log.
const LOG_FILE: &str = "demo.log";
/// What a node of the demo logs.
const LOG: &str = "warn,souk_node=info";

/// Whether somebody pressed Ctrl-C.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on Ctrl-C is noticed here, and ends nothing by itself.
    pub(super) fn listen() -> Result<Self, Failure> {
        let interrupt = Self(Arc::default());
        let pressed = Arc::clone(&interrupt.0);
        let trouble = |error: std::io::Error| Failure::fault(format!("signals cannot be heard: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(trouble)?;
        let (ready, listening) = mpsc::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                // Whoever waits for this is there until it has come.
                if heard(|result| ready.send(result).is_ok()).await {
                    pressed.store(true, Ordering::SeqCst);
                }
            });
        });
        match listening.recv() {
            Ok(Ok(())) => Ok(interrupt),
            Ok(Err(error)) => Err(trouble(error)),
            Err(_) => Err(Failure::fault("signals cannot be heard")),
        }
    }

    /// An error once it was pressed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::SeqCst) {
            Err(Failure::interrupted())
        } else {
            Ok(())
        }
    }
}

/// Waits for a signal to end, having said whether it can be heard; true once it came.
#[cfg(unix)]
async fn heard(ready: impl FnOnce(std::io::Result<()>) -> bool) -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let both = signal(SignalKind::interrupt()).and_then(|one| Ok((one, signal(SignalKind::terminate())?)));
    match both {
        Ok((mut interrupt, mut terminate)) => {
            ready(Ok(()));
            tokio::select! {
                came = interrupt.recv() => came.is_some(),
                came = terminate.recv() => came.is_some(),
            }
        }
        Err(error) => {
            ready(Err(error));
            false
        }
    }
}

/// Waits for Ctrl-C; true once it came.
#[cfg(not(unix))]
async fn heard(ready: impl FnOnce(std::io::Result<()>) -> bool) -> bool {
    ready(Ok(()));
    tokio::signal::ctrl_c().await.is_ok()
}

/// A running node.
#[derive(Debug)]
pub(super) struct Node {
    /// What it is called in the story, and calls itself.
    pub(super) name: &'static str,
    /// Its API.
    pub(super) client: Client,
    /// Its owner.
    pub(super) author: AuthorId,
    /// Its device.
    pub(super) device: String,
    /// Where others reach it.
    pub(super) address: String,
    child: Mutex<Child>,
    dir: TempDir,
    interrupt: Interrupt,
}

impl Node {
    /// Starts a node that knows these peers, and waits until it serves.
    pub(super) fn start(name: &'static str, peers: &[&str], interrupt: &Interrupt) -> Result<Self, Failure> {
        let fault =
            |error: std::io::Error| Failure::fault(format!("the {name}'s node cannot start: {error}"));
        let dir = tempfile::Builder::new()
            .prefix(&format!("souk-demo-{name}-"))
            .tempdir()
            .map_err(fault)?;
        let log = std::fs::File::create(dir.path().join(LOG_FILE)).map_err(fault)?;
        let mut command = Command::new(std::env::current_exe().map_err(fault)?);
        // Made by the node itself, so that nobody else may look into it.
        let home = dir.path().join("node");
        command.arg("--home").arg(&home);
        command.args([
            "--json",
            "up",
            "--no-mdns",
            "--with-parent",
            "--api-port",
            "0",
            "--name",
            name,
        ]);
        command.args(["--listen", "127.0.0.1:0"]);
        for peer in peers {
            command.args(["--peer", peer]);
        }
        command
            .env("SOUK_LOG", LOG)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        alone(&mut command);
        let mut starting = Starting {
            child: Some(command.spawn().map_err(fault)?),
        };
        let ready = starting.ready(name, dir.path(), interrupt)?;
        let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        let author = text("author").parse().map_err(|error| {
            Failure::fault(format!(
                "the {name}'s node says that it belongs to no author: {error}"
            ))
        })?;
        let addresses = ready["peer_addresses"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let loopback = addresses
            .iter()
            .filter_map(Value::as_str)
            .find(|address| address.contains("/127.0.0.1/"));
        let address = loopback.map(str::to_owned).ok_or_else(|| {
            Failure::fault(format!(
                "the {name}'s node listens nowhere on loopback: {}",
                ready["peer_addresses"]
            ))
        })?;
        let client = Client::of(&home)?;
        let child = starting
            .child
            .take()
            .ok_or_else(|| Failure::fault("a process was lost"))?;
        let (device, child) = (text("device"), Mutex::new(child));
        Ok(Self {
            name,
            client,
            author,
            device,
            address,
            child,
            dir,
            interrupt: interrupt.clone(),
        })
    }

    /// Has a command carried out.
    pub(super) fn command(&self, wish: &Wish) -> Result<Reply, Failure> {
        self.interrupt.check()?;
        self.client
            .command(wish)
            .map(|(_, reply)| reply)
            .map_err(|failure| self.explained("a command", failure))
    }

    /// Has a product file imported, drafts too.
    pub(super) fn import(&self, file: &[u8], seen: impl FnMut(ImportProgress)) -> Result<Value, Failure> {
        self.interrupt.check()?;
        // What is wrong with the file is the reader's matter, not the node's.
        self.client.import(file, true, seen)
    }

    /// Waits until the node shows something; `what` says in an error what was awaited.
    pub(super) fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut(&Client) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            self.interrupt.check()?;
            match look(&self.client) {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => {}
                Err(failure) => return Err(self.explained(what, failure)),
            }
            if Instant::now() >= deadline {
                let message = format!(
                    "the {}'s node did not come to this in {} s: {what}{}",
                    self.name,
                    AWAIT_MAX.as_secs(),
                    tail(self.dir.path())
                );
                return Err(Failure::too_late(
                    message,
                    "run it again; if it stays, report it with this log",
                ));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// A failure of this node, told with its name and the end of its log.
    fn explained(&self, what: &str, failure: Failure) -> Failure {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match child.try_wait() {
            Ok(Some(status)) => format!(" (its process ended: {status})"),
            _ => String::new(),
        };
        let message = format!(
            "{what} at the {}'s node{ended}: {}{}",
            self.name,
            failure.message,
            tail(self.dir.path())
        );
        Failure { message, ..failure }
    }

    /// Asks it to stop.
    fn ask_to_stop(&self) {
        // A node that does not answer is killed later.
        let _ = self.client.post("/stop", &json!({}));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.ask_to_stop();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        end(&mut child);
    }
}

/// A process that does not serve yet.
struct Starting {
    child: Option<Child>,
}

impl Starting {
    /// The line in which it says that it serves.
    fn ready(&mut self, name: &str, dir: &Path, interrupt: &Interrupt) -> Result<Value, Failure> {
        let failed =
            |why: &str| Failure::fault(format!("the {name}'s node did not start: {why}{}", tail(dir)));
        let child = self.child.as_mut().ok_or_else(|| failed("it was lost"))?;
        let stdout = child.stdout.take().ok_or_else(|| failed("it has no output"))?;
        let (send, said) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads to the end, so that the node never waits for a reader; nobody may be left to tell.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let deadline = Instant::now() + AWAIT_MAX;
        loop {
            interrupt.check()?;
            let line = match said.recv_timeout(LOOK_EVERY) {
                Ok(line) => line,
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => continue,
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(failed("it said nothing in time")),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(failed("it ended")),
            };
            let ready: Value =
                serde_json::from_str(&line).map_err(|_| failed(&format!("it said '{line}'")))?;
            if let Some(message) = ready["error"]["message"].as_str() {
                return Err(failed(message));
            }
            return Ok(ready);
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            end(child);
        }
    }
}

/// Waits for a process that was asked to stop, then kills it.
fn end(child: &mut Child) {
    let deadline = Instant::now() + STOP_MAX;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    // It may have ended this moment; either way it is gone after this.
    let _ = child.kill();
    let _ = child.wait();
}

/// In a process group of its own: Ctrl-C reaches this process alone, which then stops them in order.
#[cfg(unix)]
fn alone(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn alone(_: &mut Command) {}

fn tail(dir: &Path) -> String {
    let log = std::fs::read(dir.join(LOG_FILE)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(LOG_LINES)..)
        .unwrap_or_default();
    if last.is_empty() {
        String::new()
    } else {
        format!("\nthe end of its log:\n{}", last.join("\n"))
    }
}

/// The three of the story.
#[derive(Debug)]
pub(super) struct Nodes {
    /// Knows both.
    pub(super) friend: Node,
    /// Sells.
    pub(super) merchant: Node,
    /// Buys.
    pub(super) buyer: Node,
}

impl Nodes {
    /// All of them.
    pub(super) fn all(&self) -> [&Node; 3] {
        [&self.merchant, &self.buyer, &self.friend]
    }
}

impl Drop for Nodes {
    /// They stop at the same time; each is waited for when it is dropped itself.
    fn drop(&mut self) {
        for node in self.all() {
            node.ask_to_stop();
        }
    }
}
