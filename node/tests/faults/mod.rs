//! What a disk, a clock and a kernel may do to a program, done on purpose: `faults.c` is compiled with
//! `cc` and loaded before libc into a process under test, and a page that both share says what is to
//! happen when. `replay` rebuilds from its trace the disks that a power cut may leave behind.

pub(crate) mod replay;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../node/tests/faults/faults.c");
const PAGE_BYTES: u64 = 4_096;
const MAGIC: u64 = 0x736f_756b_6661_7531;

/// What is counted. The numbers are the words of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    /// A write to a file.
    Write = 1,
    /// A sync of a file or directory.
    Sync = 2,
    /// A sync of the database: the moment of a commit.
    Commit = 3,
    /// A send on a socket.
    Send = 4,
}

/// What happens at the moment that a page names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// The process is killed instead of the call.
    KillBefore = 1,
    /// The process is killed right after the call.
    KillAfter = 2,
    /// The call fails.
    FailOnce = 3,
    /// The call fails, and all such calls after it.
    FailFromThere = 4,
}

const WORD_OP: u64 = 8;
const WORD_COUNT: u64 = 9;
const WORD_DEED: u64 = 10;
const WORD_ERRNO: u64 = 11;
const WORD_CLOCK: u64 = 12;
const WORD_FIRED: u64 = 13;

/// "Input/output error".
pub(crate) const EIO: u64 = 5;
/// "No space left on device".
pub(crate) const ENOSPC: u64 = 28;

/// The library, compiled once for each test program.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("faults.so");
        let compiled = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&path)
            .args([SOURCE, "-ldl", "-lpthread"])
            .output()
            .unwrap();
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        (dir, path)
    });
    path
}

/// The page that a test shares with one process, or with several that follow each other.
pub(crate) struct Faults {
    page: File,
    path: PathBuf,
}

impl Faults {
    /// A page in a file at this path; nothing happens until something is armed.
    pub(crate) fn new(path: &Path) -> Self {
        let page = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .unwrap();
        page.set_len(PAGE_BYTES).unwrap();
        Self {
            page,
            path: path.to_owned(),
        }
    }

    /// Loads the library into a command; it watches what is below `under`, which must exist.
    pub(crate) fn load_into(&self, command: &mut Command, under: &Path, trace: Option<&Path>) {
        command
            .env("LD_PRELOAD", library())
            .env("SOUK_FAULTS_PAGE", &self.path)
            .env("SOUK_FAULTS_UNDER", fs::canonicalize(under).unwrap());
        if let Some(trace) = trace {
            command.env("SOUK_FAULTS_TRACE", trace);
        }
    }

    fn word(&self, number: u64) -> u64 {
        let mut bytes = [0; 8];
        self.page.read_exact_at(&mut bytes, number * 8).unwrap();
        u64::from_ne_bytes(bytes)
    }

    fn put(&self, number: u64, value: u64) {
        self.page.write_all_at(&value.to_ne_bytes(), number * 8).unwrap();
    }

    /// Whether the library is in the process.
    pub(crate) fn is_loaded(&self) -> bool {
        self.word(0) == MAGIC
    }

    /// How many there were so far.
    pub(crate) fn count(&self, op: Op) -> u64 {
        self.word(op as u64)
    }

    /// At the `number`th operation from now on (the next one is 1) a deed is done.
    pub(crate) fn arm(&self, op: Op, number: u64, deed: Deed, errno: u64) {
        self.disarm();
        self.put(WORD_DEED, deed as u64);
        self.put(WORD_ERRNO, errno);
        self.put(WORD_COUNT, self.count(op) + number);
        self.put(WORD_OP, op as u64);
    }

    /// Nothing happens any more; says whether it has happened.
    pub(crate) fn defuse(&self) -> bool {
        self.put(WORD_OP, 0);
        self.has_fired()
    }

    /// Nothing happens any more, and nothing has.
    pub(crate) fn disarm(&self) {
        [WORD_OP, WORD_COUNT, WORD_DEED, WORD_FIRED]
            .iter()
            .for_each(|word| self.put(*word, 0));
    }

    /// Whether what was armed has happened.
    pub(crate) fn has_fired(&self) -> bool {
        self.word(WORD_FIRED) > 0
    }

    /// Moves the process's clock of the wall by so much.
    pub(crate) fn move_clock(&self, ms: i64) {
        self.put(WORD_CLOCK, ms.cast_unsigned());
    }
}
