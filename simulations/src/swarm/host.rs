//! Where the parts of a swarm are: in this process, or in others that this one starts.
//!
//! Another process is this program with the command `swarm-part`. It reads lines of JSON from its standard input and
//! writes lines of JSON to its standard output, and ends when its input does.

use super::crowd::socket_config;
use super::part::{Answer, Listening, Order, Part};
use super::tally::Note;
use super::{Kind, SwarmError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// The command of the program that is a part of a swarm.
pub const PART: &str = "swarm-part";

/// What another process is told first.
#[derive(Debug, Serialize, Deserialize)]
struct Begin {
    kind: Kind,
    seed: u64,
    first: usize,
    /// Edges of each node of this part.
    degrees: Vec<usize>,
    /// Where its nodes have their directories.
    dir: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    number: u64,
    order: Order,
}

/// A line that another process says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Listening(Vec<Listening>),
    Answered { number: u64, answer: Answer },
    Heard(Note),
    Failed(String),
}

type Waits = BTreeMap<u64, oneshot::Sender<Answer>>;
/// Who waits for which answer; none once the process has ended.
type Waiting = Arc<Mutex<Option<Waits>>>;

/// A part of the swarm.
pub(super) enum Host {
    Here(Part),
    Elsewhere(Elsewhere),
}

/// A part in a process of its own. The process ends with this.
pub(super) struct Elsewhere {
    process: Child,
    /// Lines to be written, so that two orders never mix.
    orders: mpsc::UnboundedSender<Asked>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn elsewhere(error: impl std::fmt::Display) -> SwarmError {
    SwarmError::Elsewhere(error.to_string())
}

impl Host {
    /// Tells the part to do something.
    pub(super) async fn ask(&self, order: Order) -> Result<Answer, SwarmError> {
        match self {
            Self::Here(part) => part.obey(order).await,
            Self::Elsewhere(part) => part.ask(order).await,
        }
    }

    /// Starts another process with the nodes of these places.
    pub(super) async fn start(
        program: &Path,
        (kind, seed): (Kind, u64),
        places: Range<usize>,
        degrees: &[usize],
        dir: &Path,
        noting: mpsc::UnboundedSender<Note>,
    ) -> Result<(Self, Vec<Listening>), SwarmError> {
        let mut process = Command::new(program)
            .arg(PART)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (orders, ordered) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Some(Waits::new())));
        let part = Elsewhere {
            process,
            orders,
            waiting: waiting.clone(),
            next: AtomicU64::new(0),
        };
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(elsewhere("it has no input and output"));
        };
        let begin = Begin {
            kind,
            seed,
            first: places.start,
            degrees: degrees.get(places).unwrap_or_default().to_vec(),
            dir: dir.to_owned(),
        };
        say(&mut input, &begin)?;
        let (listening, listens) = oneshot::channel();
        thread::spawn(move || write(input, ordered));
        thread::spawn(move || hear(BufReader::new(output), &waiting, listening, &noting));
        let ended = || elsewhere("it ended before it listened");
        let listening = listens.await.map_err(|_| ended())?.map_err(elsewhere)?;
        Ok((Self::Elsewhere(part), listening))
    }
}

impl Elsewhere {
    async fn ask(&self, order: Order) -> Result<Answer, SwarmError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answering, answered) = oneshot::channel();
        let gone = || elsewhere("it has ended");
        lock(&self.waiting)
            .as_mut()
            .ok_or_else(gone)?
            .insert(number, answering);
        self.orders.send(Asked { number, order }).map_err(|_| gone())?;
        match answered.await.map_err(|_| gone())? {
            Answer::Failed(error) => Err(elsewhere(error)),
            answer => Ok(answer),
        }
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, Option<Waits>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes what is ordered until nobody orders any more.
fn write(mut input: impl Write, mut ordered: mpsc::UnboundedReceiver<Asked>) {
    while let Some(asked) = ordered.blocking_recv() {
        // Whoever waits learns from the reader that the process has ended.
        if say(&mut input, &asked).is_err() {
            return;
        }
    }
}

/// Hears what the process says until it ends.
fn hear(
    output: impl BufRead,
    waiting: &Waiting,
    listening: oneshot::Sender<Result<Vec<Listening>, String>>,
    noting: &mpsc::UnboundedSender<Note>,
) {
    let mut listening = Some(listening);
    for line in output.lines().map_while(Result::ok) {
        let Ok(said) = serde_json::from_str(&line) else {
            break;
        };
        // Who waited for any of it may have given up.
        match said {
            Said::Answered { number, answer } => {
                let waits = lock(waiting).as_mut().and_then(|waits| waits.remove(&number));
                waits.and_then(|waits| waits.send(answer).err());
            }
            Said::Heard(note) => drop(noting.send(note)),
            Said::Listening(nodes) => drop(listening.take().map(|waits| waits.send(Ok(nodes)))),
            Said::Failed(error) => drop(listening.take().map(|waits| waits.send(Err(error)))),
        }
    }
    *lock(waiting) = None;
}

fn say(to: &mut impl Write, what: &impl Serialize) -> Result<(), SwarmError> {
    let mut line = serde_json::to_vec(what).map_err(elsewhere)?;
    line.push(b'\n');
    to.write_all(&line)?;
    Ok(to.flush()?)
}

/// Is a part of a swarm: what the program does under [`PART`].
///
/// # Errors
/// If the nodes do not start, or what comes in is not what another process of this program says.
pub fn serve() -> Result<(), SwarmError> {
    let mut lines = std::io::stdin().lines();
    let Some(begin) = lines.next() else {
        return Ok(());
    };
    let begin: Begin = serde_json::from_str(&begin?).map_err(elsewhere)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (saying, said) = mpsc::unbounded_channel();
    let writes = thread::spawn(move || tell(said));
    let (part, mut notes) = match runtime.block_on(stand(&begin)) {
        Ok((part, listening, notes)) => {
            saying.send(Said::Listening(listening)).ok();
            (Arc::new(part), notes)
        }
        Err(error) => {
            saying.send(Said::Failed(error.to_string())).ok();
            drop(saying);
            writes.join().ok();
            return Err(error);
        }
    };
    let heard = saying.clone();
    runtime.spawn(async move {
        while let Some(note) = notes.recv().await {
            heard.send(Said::Heard(note)).ok();
        }
    });
    for line in lines {
        let Asked { number, order } = serde_json::from_str(&line?).map_err(elsewhere)?;
        let (part, saying) = (part.clone(), saying.clone());
        // Many dials are under way at once.
        runtime.spawn(async move {
            let answer = part.obey(order).await;
            let answer = answer.unwrap_or_else(|error| Answer::Failed(error.to_string()));
            saying.send(Said::Answered { number, answer }).ok();
        });
    }
    Ok(())
}

/// Says what is to be said until nobody reads it.
fn tell(mut said: mpsc::UnboundedReceiver<Said>) {
    let mut out = std::io::stdout();
    while let Some(said) = said.blocking_recv() {
        if say(&mut out, &said).is_err() {
            return;
        }
    }
}

async fn stand(begin: &Begin) -> Result<(Part, Vec<Listening>, mpsc::UnboundedReceiver<Note>), SwarmError> {
    let (noting, notes) = mpsc::unbounded_channel();
    let places = begin.first..begin.first + begin.degrees.len();
    let degree = |place: usize| begin.degrees.get(place - begin.first).copied();
    let config = |place| socket_config(degree(place).unwrap_or(0));
    let (part, listening) = Part::start(begin.kind, begin.seed, places, config, &begin.dir, &noting).await?;
    Ok((part, listening, notes))
}
