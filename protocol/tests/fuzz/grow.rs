//! Inputs out of inputs, and the loop that holds a reader to its law.

use crate::{INPUT_MS_MAX, INPUTS, MEMORY, memory_max};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Inputs that are kept to grow others from.
const CORPUS_MAX: usize = 512;

/// One reader at a time: the memory that is counted is that of the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// Memory is counted for the whole process, so no other test may do anything in the meantime: each begins with
/// its turn, before it reads what it needs.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never read")] MutexGuard<'static, ()>);

/// Waits until no other test does anything.
pub(crate) fn turn() -> Turn {
    Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers that a seed repeats.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        // Heads of CBOR, ends of ranges, and anything else.
        const TELLING: [u8; 20] = [
            0, 1, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x3b, 0x5f, 0x60, 0x78, 0x7f, 0x80, 0x9b, 0x9f, 0xa0, 0xbb,
            0xf6, 0xfb, 0xff,
        ];
        match self.below(2) {
            0 => TELLING[self.below(TELLING.len())],
            _ => self.below(256) as u8,
        }
    }
}

/// What costs a careless reader most: nesting, many small items, and lengths that promise what never comes.
fn bombs() -> Vec<Vec<u8>> {
    let many = |head: &[u8], item: &[u8], count: usize| [head, &item.repeat(count)].concat();
    vec![
        vec![0x81; 100_000],
        many(&[], &[0xa1, 0x60], 50_000),
        many(&[0x9a, 0, 0x0f, 0xff, 0xff], &[0x80], 0x0f_ffff),
        many(&[0x9a, 0, 3, 0, 0], &[0x61, b'x'], 0x3_0000),
        vec![0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5b, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 1, 2, 3],
        vec![0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        many(&[0x5a, 0, 0x10, 0, 0], &[7], 0x10_0000),
    ]
}

/// Changes an input in a few places.
fn changed(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let (at, to) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
        let (low, high) = (at.min(to), at.max(to));
        match dice.below(9) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            2 | 3 if at < bytes.len() => bytes[at] = dice.byte(),
            4 => bytes.insert(at, dice.byte()),
            5 => drop(bytes.drain(low..high.min(low + 16))),
            6 => bytes.truncate(at),
            7 => {
                let again: Vec<u8> = bytes[low..high].to_vec();
                for _ in 0..=dice.below(3) {
                    if bytes.len() + again.len() < 128 * 1024 {
                        bytes.splice(low..low, again.iter().copied());
                    }
                }
            }
            8 => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                bytes.splice(low..high, other[from..].iter().copied());
            }
            _ => {}
        }
    }
    bytes
}

/// What a refusal says, without its numbers: refusals that differ in them alone are one outcome.
fn kind_of(outcome: &str) -> String {
    outcome
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .take(120)
        .collect()
}

/// Holds a reader to its law. It says what it read, shortly, or why it refused; a law that is broken inside it
/// is a panic.
pub(crate) fn hold(
    _: &Turn,
    target: &str,
    seeds: Vec<Vec<u8>>,
    mut read: impl FnMut(&[u8]) -> Result<String, String>,
) {
    let inputs = number("SOUK_FUZZ").unwrap_or(INPUTS);
    let first = number("SOUK_FUZZ_SEED").unwrap_or(1);
    let large = bombs();
    let bombs = large.len();
    let seeded = seeds.len();
    let (mut corpus, mut seen) = (seeds, BTreeSet::new());
    let (mut slowest, mut largest, mut good) = (0, 0, 0_u64);
    for n in 0..inputs + (seeded + bombs) as u64 {
        let seed = first.wrapping_mul(1 << 32).wrapping_add(n);
        let input = match usize::try_from(n) {
            Ok(n) if n < seeded => corpus[n].clone(),
            Ok(n) if n < seeded + bombs => large[n - seeded].clone(),
            _ => changed(&mut Dice::new(seed), &corpus),
        };
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&input)));
        let (took, held) = (
            begun.elapsed().as_millis(),
            MEMORY.peak_usage().saturating_sub(before),
        );
        let shown = || {
            let shown = &input[..input.len().min(4_096)];
            format!(
                "{target}, input {n} of SOUK_FUZZ_SEED={first}, {} bytes: {}",
                input.len(),
                hex(shown)
            )
        };
        let outcome = outcome.unwrap_or_else(|_| panic!("it panicked: {}", shown()));
        assert!(took <= INPUT_MS_MAX, "{took} ms: {}", shown());
        assert!(held <= memory_max(input.len()), "{held} bytes: {}", shown());
        (slowest, largest) = (slowest.max(took), largest.max(held));
        good += u64::from(outcome.is_ok());
        let outcome = match outcome {
            Ok(read) => format!("read {}", kind_of(&read)),
            Err(refusal) => kind_of(&refusal),
        };
        if n as usize >= seeded + bombs && corpus.len() < CORPUS_MAX && seen.insert(outcome) {
            corpus.push(input);
        }
    }
    println!(
        "{target}: {inputs} inputs, {good} read, corpus {seeded} → {}, at most {slowest} ms and {largest} bytes",
        corpus.len()
    );
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
