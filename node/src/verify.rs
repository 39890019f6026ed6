//! Signatures, checked on all cores before the driver sees anything. Each thread remembers the grants
//! that it found good, so an envelope costs one check; and a node remembers for a while what it opened,
//! so an envelope that comes by gossip and by comparison at once, or again because what precedes it was
//! missing, costs one check too. Described in `spec/envelope.md`.

use rayon::prelude::*;
use souk_protocol::envelope::{self, Opened, Signed};
use souk_protocol::id::EnvelopeId;
use souk_protocol::identity::GrantCache;
use souk_protocol::peer::Checked;
use souk_protocol::sync::Raw;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Fewer envelopes than this are not worth spreading over threads.
const SPREAD_MIN: usize = 4;
/// Envelopes that a node remembers to have opened.
pub const RECENT_MAX: usize = 1_024;
/// Bytes of envelopes that a node remembers to have opened.
pub const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;

thread_local! {
    static GRANTS: RefCell<GrantCache> = RefCell::default();
}

/// Opens envelopes for one node.
#[derive(Debug, Default)]
pub struct Verifier {
    checked: AtomicU64,
    recent: Mutex<Recent>,
}

impl Verifier {
    /// How many envelopes had their signature checked so far.
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Opens one envelope.
    pub fn check(&self, bytes: &[u8]) -> Checked {
        let id = EnvelopeId::of(bytes);
        let known = self.recent().known.get(&id).cloned();
        if let Some(signed) = known {
            return Ok(Opened::Known(signed));
        }
        self.checked.fetch_add(1, Ordering::Relaxed);
        let opened = GRANTS.with_borrow_mut(|grants| envelope::open(bytes, grants));
        // Only what is good is remembered: nobody drives it out of here with what costs them nothing.
        if let Ok(Opened::Known(signed)) = &opened {
            self.recent().remember(signed);
        }
        opened
    }

    /// Opens many envelopes, in their order.
    pub fn check_all(&self, raws: Vec<Raw>) -> Vec<Checked> {
        match raws.len() < SPREAD_MIN {
            true => raws.iter().map(|raw| self.check(raw)).collect(),
            false => raws.par_iter().map(|raw| self.check(raw)).collect(),
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Nothing that holds this lock can panic half way through a change.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was opened last. An id stands for all bytes of an envelope, its signature too.
#[derive(Debug, Default)]
struct Recent {
    known: HashMap<EnvelopeId, Signed>,
    order: VecDeque<EnvelopeId>,
    bytes: usize,
}

impl Recent {
    fn remember(&mut self, signed: &Signed) {
        if self.known.insert(signed.id(), signed.clone()).is_some() {
            return;
        }
        self.order.push_back(signed.id());
        self.bytes += signed.bytes().len();
        while self.order.len() > RECENT_MAX || self.bytes > RECENT_BYTES_MAX {
            let oldest = self.order.pop_front().and_then(|id| self.known.remove(&id));
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes().len());
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails should say where"
)]
mod tests {
    use super::*;
    use souk_protocol::body::Body;
    use souk_protocol::envelope::{Chain, OpenError, seal};
    use souk_protocol::identity::{DeviceKey, Phrase, Scopes};
    use souk_protocol::post::Post;
    use souk_protocol::text::Prose;
    use souk_protocol::time::{Hybrid, Timestamp};

    /// So many posts of alice, as they travel.
    fn posts(count: usize) -> Vec<Raw> {
        let alice = Phrase::from_entropy(&[1; 32]).unwrap().root_key().unwrap();
        let key = DeviceKey::from_secret(&[2; 32]);
        let grant = alice.grant(key.device(), Scopes::ALL, 0, None).unwrap();
        let (mut time, mut head) = (Hybrid::default(), None);
        let post = |number: usize| {
            time = time.next(Timestamp(1_800_000_000_000));
            let post = Post {
                text: Prose::new(&format!("post {number}")).unwrap(),
                ..Post::default()
            };
            let chain = Some(Chain::after(head));
            let sealed = seal(&key, alice.author(), Some(&grant), time, chain, Body::from(post)).unwrap();
            head = Some((number as u64 + 1, sealed.id()));
            Raw::from(sealed.bytes())
        };
        (0..count).map(post).collect()
    }

    #[test]
    fn an_envelope_that_comes_again_is_not_checked_again() {
        let (verifier, posts) = (Verifier::default(), posts(10));
        let first = verifier.check_all(posts.clone());
        assert!(first.iter().all(Result::is_ok));
        assert_eq!(verifier.checked(), 10);
        assert_eq!(verifier.check_all(posts.clone()), first);
        assert_eq!(verifier.check(&posts[3]), first[3]);
        assert_eq!(verifier.checked(), 10);
        assert_eq!(
            Verifier::default().check_all(posts),
            first,
            "as if it were checked"
        );
    }

    #[test]
    fn an_envelope_whose_signature_was_changed_is_another_one() {
        let (verifier, posts) = (Verifier::default(), posts(1));
        assert!(verifier.check(&posts[0]).is_ok());
        let mut forged = posts[0].to_vec();
        *forged.last_mut().unwrap() ^= 1;
        for times in 2..4 {
            // What is refused is not remembered.
            assert!(matches!(verifier.check(&forged), Err(OpenError::Identity(_))));
            assert_eq!(verifier.checked(), times);
        }
    }

    #[test]
    fn no_more_is_remembered_than_the_limits_say() {
        let (verifier, posts) = (Verifier::default(), posts(RECENT_MAX + 1));
        verifier.check_all(posts.clone());
        let (held, bytes) = {
            let recent = verifier.recent();
            assert_eq!(recent.known.len(), recent.order.len());
            let bytes: usize = recent.known.values().map(|signed| signed.bytes().len()).sum();
            assert_eq!(recent.bytes, bytes);
            (recent.order.len(), bytes)
        };
        assert_eq!(held, RECENT_MAX);
        assert!(bytes <= RECENT_BYTES_MAX);
        verifier.check_all(posts);
        assert!(verifier.checked() > RECENT_MAX as u64 + 1);
    }
}
