//! Disks after a power cut, rebuilt from a trace.
//!
//! At a cut everything that was synced is there: a file's bytes as of its last sync, a directory's names
//! as of its own. Of what came later anything may have reached the disk: all of it, nothing, some of the
//! writes, some sectors of a write. A file whose name was not synced may be gone though its bytes were.
//! Ignoring syncs of some file makes the disk of a program that does not sync it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;
const HEAD_BYTES: usize = 32;

/// One change, as the kernel was asked for it.
#[derive(Debug, Clone)]
enum Change {
    Opened {
        path: PathBuf,
        file: u64,
        emptied: bool,
    },
    Written {
        file: u64,
        place: usize,
        data: std::ops::Range<usize>,
    },
    Cut {
        file: u64,
        bytes: usize,
    },
    Synced {
        file: u64,
    },
    DirectorySynced {
        path: PathBuf,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Unlinked {
        path: PathBuf,
    },
    MadeDirectory {
        path: PathBuf,
    },
    RemovedDirectory {
        path: PathBuf,
    },
    Said {
        data: std::ops::Range<usize>,
    },
}

/// All that a process did to a directory, in order.
pub(crate) struct Trace {
    bytes: Vec<u8>,
    changes: Vec<(usize, Change)>,
}

impl Trace {
    /// Reads a trace; a last record that a kill cut short is left out.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (mut changes, mut at) = (Vec::new(), 0);
        while let Some((change, next)) = change_at(&bytes, at) {
            changes.push((next, change));
            at = next;
        }
        Self { bytes, changes }
    }

    /// How many changes there are.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// How many changes stand within so many bytes of the trace.
    pub(crate) fn changes_within(&self, bytes: u64) -> usize {
        self.changes.partition_point(|(end, _)| *end as u64 <= bytes)
    }

    /// The first cut from here on at which the process has just said something.
    pub(crate) fn next_said(&self, from: usize) -> usize {
        let mut later = self.changes.iter().enumerate().skip(from);
        let said = later.find(|(_, (_, change))| matches!(change, Change::Said { .. }));
        said.map_or(self.len(), |(place, _)| place + 1)
    }

    /// What the process had said on its standard output before a cut.
    pub(crate) fn said_before(&self, cut: usize) -> String {
        let said = self
            .changes
            .iter()
            .take(cut)
            .filter_map(|(_, change)| match change {
                Change::Said { data } => Some(&self.bytes[data.clone()]),
                _ => None,
            });
        String::from_utf8_lossy(&said.collect::<Vec<_>>().concat()).into_owned()
    }
}

fn change_at(bytes: &[u8], at: usize) -> Option<(Change, usize)> {
    let head = bytes.get(at..at + HEAD_BYTES)?;
    let half = |from: usize| u32::from_ne_bytes(head[from..from + 4].try_into().unwrap());
    let word = |from: usize| u64::from_ne_bytes(head[from..from + 8].try_into().unwrap());
    let (kind, file, place) = (half(0), word(8), word(16));
    let names = at + HEAD_BYTES;
    let data = names + half(4) as usize;
    let next = data + word(24) as usize;
    let path = PathBuf::from(std::str::from_utf8(bytes.get(names..data)?).unwrap());
    let more = bytes.get(data..next)?;
    let place = place as usize;
    let change = match kind {
        1 => Change::Opened {
            path,
            file,
            emptied: place == 1,
        },
        2 => Change::Written {
            file,
            place,
            data: data..next,
        },
        3 => Change::Cut { file, bytes: place },
        4 => Change::Synced { file },
        5 => Change::DirectorySynced { path },
        6 => Change::Renamed {
            from: path,
            to: PathBuf::from(std::str::from_utf8(more).unwrap()),
        },
        7 => Change::Unlinked { path },
        8 => Change::MadeDirectory { path },
        9 => Change::RemovedDirectory { path },
        10 => Change::Said { data: data..next },
        other => panic!("a record of kind {other}"),
    };
    Some((change, next))
}

/// How much of what was not synced reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    /// All of it.
    All,
    /// Nothing of it.
    Nothing,
    /// Some of the writes.
    Some,
    /// Some sectors of each write.
    Sectors,
}

impl Survives {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::All, Self::Nothing, Self::Some, Self::Sectors];
}

#[derive(Debug, Default, Clone)]
struct FileOnDisk {
    synced: Vec<u8>,
    /// Since then: bytes at a place, or a new length.
    since: Vec<Pending>,
}

#[derive(Debug, Clone)]
enum Pending {
    Bytes(usize, std::ops::Range<usize>),
    Length(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory(usize),
    File(usize),
}

/// A name in a directory.
type Name = (usize, OsString);

/// The directory that is watched.
const ROOT: usize = 0;

/// A disk that follows a trace.
pub(crate) struct Disk<'a> {
    trace: &'a Trace,
    /// Changes that have happened.
    at: usize,
    files: Vec<FileOnDisk>,
    directories: usize,
    /// Names as the program sees them, and as they are on the disk for sure.
    names: BTreeMap<Name, Node>,
    synced: BTreeMap<Name, Node>,
    /// Names that changed since, those of one call together: what stands there now.
    since: Vec<Vec<(Name, Option<Node>)>>,
    numbers: BTreeMap<u64, usize>,
    /// Files and directories whose syncs do nothing.
    ignored: BTreeSet<PathBuf>,
}

impl<'a> Disk<'a> {
    /// An empty disk before the first change.
    pub(crate) fn before(trace: &'a Trace) -> Self {
        Self {
            trace,
            at: 0,
            files: Vec::new(),
            directories: ROOT + 1,
            names: BTreeMap::new(),
            synced: BTreeMap::new(),
            since: Vec::new(),
            numbers: BTreeMap::new(),
            ignored: BTreeSet::new(),
        }
    }

    /// From here on the syncs of this file or directory do nothing.
    pub(crate) fn ignoring(mut self, path: &str) -> Self {
        self.ignored.insert(path.into());
        self
    }

    /// Follows the trace up to a cut.
    pub(crate) fn advance(&mut self, cut: usize) {
        while self.at < cut {
            let (_, change) = self.trace.changes[self.at].clone();
            self.follow(change);
            self.at += 1;
        }
    }

    /// What a path leads to, as the program sees it.
    fn leads_to(&self, path: &Path) -> Option<Node> {
        path.iter()
            .try_fold(Node::Directory(ROOT), |node, name| match node {
                Node::Directory(number) => self.names.get(&(number, name.to_owned())).copied(),
                Node::File(_) => None,
            })
    }

    fn name(&self, path: &Path) -> Name {
        match self.leads_to(path.parent().unwrap()) {
            Some(Node::Directory(number)) => (number, path.file_name().unwrap().to_owned()),
            other => panic!("{} stands in {other:?}", path.display()),
        }
    }

    fn is_ignored(&self, node: Node) -> bool {
        self.ignored.iter().any(|path| self.leads_to(path) == Some(node))
    }

    fn follow(&mut self, change: Change) {
        match change {
            Change::Opened { path, file, emptied } => {
                let known = match self.leads_to(&path) {
                    Some(Node::File(number)) => Some(number),
                    _ => None,
                };
                let number = known.unwrap_or_else(|| {
                    self.files.push(FileOnDisk::default());
                    let number = self.files.len() - 1;
                    self.put(&[(&path, Some(Node::File(number)))]);
                    number
                });
                self.numbers.insert(file, number);
                if emptied && known.is_some() {
                    self.files[number].since.push(Pending::Length(0));
                }
            }
            Change::Written { file, place, data } => {
                let number = self.numbers[&file];
                self.files[number].since.push(Pending::Bytes(place, data));
            }
            Change::Cut { file, bytes } => {
                let number = self.numbers[&file];
                self.files[number].since.push(Pending::Length(bytes));
            }
            Change::Synced { file } => {
                let number = self.numbers[&file];
                if !self.is_ignored(Node::File(number)) {
                    let file = &mut self.files[number];
                    for pending in std::mem::take(&mut file.since) {
                        apply(&mut file.synced, &self.trace.bytes, &pending);
                    }
                }
            }
            Change::DirectorySynced { path } => {
                let Some(node @ Node::Directory(number)) = self.leads_to(&path) else {
                    panic!("{} is synced and is no directory", path.display());
                };
                if !self.is_ignored(node) {
                    let within =
                        |names: &Vec<(Name, _)>| names.iter().any(|((directory, _), _)| *directory == number);
                    let (now, later): (Vec<_>, _) =
                        std::mem::take(&mut self.since).into_iter().partition(within);
                    self.since = later;
                    put_all(&mut self.synced, now.concat());
                }
            }
            Change::Renamed { from, to } => {
                let node = self.leads_to(&from);
                self.put(&[(&from, None), (&to, node)]);
            }
            Change::Unlinked { path } | Change::RemovedDirectory { path } => self.put(&[(&path, None)]),
            Change::MadeDirectory { path } => {
                self.put(&[(&path, Some(Node::Directory(self.directories)))]);
                self.directories += 1;
            }
            Change::Said { .. } => {}
        }
    }

    /// Changes names, all of them or none.
    fn put(&mut self, changes: &[(&Path, Option<Node>)]) {
        let named = changes.iter().map(|(path, node)| (self.name(path), *node));
        let changes: Vec<_> = named.collect();
        put_all(&mut self.names, changes.clone());
        self.since.push(changes);
    }

    /// Lays out the disk as a power cut now may leave it. Everything is drawn from the seed.
    pub(crate) fn lay_out(&self, to: &Path, bytes: Survives, names: Survives, seed: u64) {
        let mut draw = Draw(seed);
        let mut there = self.synced.clone();
        let since = self.since.iter().filter(|_| match names {
            Survives::All => true,
            Survives::Nothing => false,
            Survives::Some | Survives::Sectors => draw.coin(),
        });
        put_all(&mut there, since.cloned().collect::<Vec<_>>().concat());
        fs::create_dir_all(to).unwrap();
        // What stands in a directory that is gone is gone with it.
        let mut waiting = vec![(ROOT, to.to_owned())];
        while let Some((directory, path)) = waiting.pop() {
            let within = there.iter().filter(|((of, _), _)| *of == directory);
            for ((_, name), node) in within {
                let path = path.join(name);
                match node {
                    Node::Directory(number) => {
                        fs::create_dir(&path).unwrap();
                        close(&path, 0o700);
                        waiting.push((*number, path));
                    }
                    Node::File(number) => {
                        fs::write(&path, self.content(&self.files[*number], bytes, &mut draw)).unwrap();
                        close(&path, 0o600);
                    }
                }
            }
        }
    }

    fn content(&self, file: &FileOnDisk, survives: Survives, draw: &mut Draw) -> Vec<u8> {
        let mut content = file.synced.clone();
        for pending in &file.since {
            match (survives, pending) {
                (Survives::Nothing, _) => {}
                (Survives::All, _) => apply(&mut content, &self.trace.bytes, pending),
                (Survives::Sectors, Pending::Bytes(place, data)) => {
                    for (place, data) in sectors(*place, data.clone()) {
                        if draw.coin() {
                            apply(&mut content, &self.trace.bytes, &Pending::Bytes(place, data));
                        }
                    }
                }
                (Survives::Some | Survives::Sectors, _) => {
                    if draw.coin() {
                        apply(&mut content, &self.trace.bytes, pending);
                    }
                }
            }
        }
        content
    }
}

/// Everything that the program makes is its owner's alone.
fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn put_all(names: &mut BTreeMap<Name, Node>, changes: Vec<(Name, Option<Node>)>) {
    for (path, node) in changes {
        match node {
            Some(node) => drop(names.insert(path, node)),
            None => drop(names.remove(&path)),
        }
    }
}

fn apply(content: &mut Vec<u8>, bytes: &[u8], pending: &Pending) {
    match pending {
        Pending::Length(length) => content.resize(*length, 0),
        Pending::Bytes(place, data) => {
            let end = place + data.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*place..end].copy_from_slice(&bytes[data.clone()]);
        }
    }
}

/// A write in the pieces that a disk writes.
fn sectors(
    place: usize,
    data: std::ops::Range<usize>,
) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let (mut place, mut data) = (place, data);
    std::iter::from_fn(move || {
        let bytes = (SECTOR_BYTES - place % SECTOR_BYTES).min(data.len());
        let piece = (place, data.start..data.start + bytes);
        (place, data.start) = (place + bytes, data.start + bytes);
        (bytes > 0).then_some(piece)
    })
}

/// Numbers that follow from a seed.
struct Draw(u64);

impl Draw {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}
