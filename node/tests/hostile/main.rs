//! A running node against hostile peers, over real sockets: what `spec/threats.md` promises.
//!
//! Alice's node is a process of its own, so that its memory and its processor time can be told from those
//! of the peers that attack it. She sells mugs to bob, who keeps the rules, while eve, who need not even use
//! this program, does not. After each attack alice's own `/metrics` must name what she refused, and while
//! it lasts bob's post arrives and his order completes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how a test fails"
)]

mod envelopes;
mod eve;
mod floods;
mod frames;
mod said;
mod town;

/// Alice's process: this same program, started by [`town::Town`]. Called as a test it does nothing.
#[test]
fn alice_herself() {
    town::alice();
}
