//! Bytes from strangers, by the million: every reader of this crate against inputs that were grown from good ones.
//!
//! Each target is a reader with a law: it never panics; it ends within [`INPUT_MS_MAX`]; it never holds more than
//! [`memory_max`] says of its input; and what it reads it writes again as the same bytes. Inputs are made from a
//! corpus (the vectors of the specification) by changing, cutting, doubling and crossing it; what leads to an
//! outcome that was not seen before (another refusal, or another value that is read) joins the corpus, so that
//! the next inputs reach further.
//!
//! `SOUK_FUZZ` is the number of inputs for each target; `SOUK_FUZZ_SEED` repeats a failure, which prints it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod grow;
mod targets;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Inputs of each target, unless the environment says otherwise.
const INPUTS: u64 = 3_000;
/// Longest that one input may take, without optimisation and on a busy machine.
const INPUT_MS_MAX: u128 = 5_000;

/// Most that a reader may hold at a time for an input of so many bytes.
const fn memory_max(input: usize) -> usize {
    1024 * 1024 + 32 * input
}
