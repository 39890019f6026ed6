//! Writes that tests and benchmarks of a store commit: steps that follow from a number, so that a
//! process that was killed can be asked what it kept, and posts by the thousand.

use super::{Draw, Speaker};
use crate::post::Post;
use crate::records::{Fault, Records, Tree, Write};
use crate::text::Prose;

/// Trees that a numbered step touches.
const STEP_TREES: &[Tree] = &[
    Tree::Me,
    Tree::Drafts,
    Tree::Addresses,
    Tree::Holds,
    Tree::Done,
    Tree::Events,
];
const STEP_LAST: &[u8] = b"last";
/// One in so many numbered steps keeps a document.
const STEP_DOCUMENT_EVERY: u64 = 7;

/// A step over many trees whose rows all follow from its number, for tests that kill a store: values
/// of up to `value_bytes` each.
pub fn step(number: u64, value_bytes: usize) -> Result<Vec<Write>, Fault> {
    let key = number.to_be_bytes();
    let mut writes = vec![Write::local(Tree::Follows, STEP_LAST, Some(key.to_vec()))?];
    for tree in STEP_TREES.iter().copied() {
        writes.push(Write::local(
            tree,
            &key,
            Some(step_value(number, tree, value_bytes)),
        )?);
    }
    if number.is_multiple_of(STEP_DOCUMENT_EVERY) {
        let (id, document) = Write::document_of(step_value(number, Tree::Shards, 50_000));
        writes.push(document);
        writes.push(Write::local(Tree::Shards, &key, Some(id.to_vec()))?);
    }
    Ok(writes)
}

fn step_value(number: u64, tree: Tree, value_bytes: usize) -> Vec<u8> {
    let mut draw = Draw(number ^ ((tree as u64) << 56));
    let len = draw.below(value_bytes as u64);
    draw.bytes(len)
}

/// Whether a numbered step is there; neither whole nor absent is a fault.
pub fn holds_step(records: &dyn Records, number: u64, value_bytes: usize) -> Result<bool, Fault> {
    let torn = |what: &str| Fault::Broken(format!("step {number} is neither whole nor absent: {what}"));
    let key = number.to_be_bytes();
    let mut found = Vec::new();
    for tree in STEP_TREES.iter().copied() {
        let value = records.get(tree, &key)?;
        if value
            .as_ref()
            .is_some_and(|value| *value != step_value(number, tree, value_bytes))
        {
            return Err(torn(&format!("another value in '{}'", tree.name())));
        }
        found.push(value.is_some());
    }
    if number.is_multiple_of(STEP_DOCUMENT_EVERY) {
        let id = records.get(Tree::Shards, &key)?;
        found.push(id.is_some());
        if let Some(id) = id.and_then(|id| id.try_into().ok())
            && records.document(&id)?.is_none()
        {
            return Err(torn("its document is not there"));
        }
    }
    let last = records.get(Tree::Follows, STEP_LAST)?;
    let last = last
        .and_then(|last| last.try_into().ok())
        .map_or(0, u64::from_be_bytes);
    found.push(last >= number);
    match (found.iter().all(|there| *there), found.iter().any(|there| *there)) {
        (true, _) => Ok(true),
        (false, false) => Ok(false),
        (false, true) => Err(torn(&format!("{found:?}"))),
    }
}

/// The rows of `count` admitted posts by a few authors, each about `envelope_bytes` large: what a
/// benchmark of durable ingest commits.
pub fn posts(seed: u64, count: usize, envelope_bytes: usize) -> Result<Vec<Vec<Write>>, Fault> {
    /// What an envelope has around the text of its post.
    const AROUND_BYTES: usize = 420;
    let mut draw = Draw(seed);
    let speakers: Result<Vec<_>, _> = (0..20).map(|_| Speaker::new(&mut draw)).collect();
    let mut speakers = speakers.map_err(|error| Fault::Broken(error.to_string()))?;
    let text = Prose::fitted(&"w".repeat(envelope_bytes.saturating_sub(AROUND_BYTES)));
    let mut written = Vec::with_capacity(count);
    for number in 0..count {
        let who = number % speakers.len();
        if let Some(speaker) = speakers.get_mut(who) {
            let post = Post {
                text: text.clone(),
                ..Post::default()
            };
            let said = speaker.say(1_700_000_000_000 + number as u64, post.into())?;
            written.push(Write::keep(&said.admit())?);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Memory;

    #[test]
    fn a_numbered_step_is_whole_or_absent_or_a_fault() {
        let mut memory = Memory::default();
        let writes = step(7, 100).unwrap();
        assert_eq!(holds_step(&memory, 7, 100), Ok(false));
        memory.commit(&writes[..writes.len() - 1]);
        assert!(matches!(holds_step(&memory, 7, 100), Err(Fault::Broken(_))));
        memory.commit(&writes);
        assert_eq!(holds_step(&memory, 7, 100), Ok(true));
    }
}
