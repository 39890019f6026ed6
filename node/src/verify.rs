//! Signatures, checked on all cores before the driver sees anything. Each thread remembers the grants
//! that it found good, so an envelope costs one check. Described in `spec/envelope.md`.

use rayon::prelude::*;
use souk_protocol::envelope;
use souk_protocol::identity::GrantCache;
use souk_protocol::peer::Checked;
use souk_protocol::sync::Raw;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fewer envelopes than this are not worth spreading over threads.
const SPREAD_MIN: usize = 4;

thread_local! {
    static GRANTS: RefCell<GrantCache> = RefCell::default();
}

/// How many envelopes had their signature checked since the program started.
static CHECKED: AtomicU64 = AtomicU64::new(0);

/// How many envelopes had their signature checked since the program started.
pub fn checked() -> u64 {
    CHECKED.load(Ordering::Relaxed)
}

/// Opens one envelope.
pub fn check(bytes: &[u8]) -> Checked {
    CHECKED.fetch_add(1, Ordering::Relaxed);
    GRANTS.with_borrow_mut(|grants| envelope::open(bytes, grants))
}

/// Opens many envelopes, in their order.
pub fn check_all(raws: Vec<Raw>) -> Vec<Checked> {
    match raws.len() < SPREAD_MIN {
        true => raws.iter().map(|raw| check(raw)).collect(),
        false => raws.par_iter().map(|raw| check(raw)).collect(),
    }
}
