//! What a run counts.

use std::collections::BTreeMap;

/// What a run counted.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Inputs handled.
    pub steps: u64,
    /// Events of the queue.
    pub events: u64,
    /// Wishes that were carried out.
    pub wishes: u64,
    /// Wishes that were refused.
    pub refused: u64,
    /// Crashes before a commit.
    pub crashes_before: u64,
    /// Crashes between commit and actions.
    pub crashes_after: u64,
    /// Messages that were lost on the wire.
    pub lost: u64,
    /// Bytes that were sent, where nodes have places.
    pub bytes: u64,
    /// Connections that the other side began, since it could not be dialled.
    pub dialled_back: u64,
    /// Connections over a relay.
    pub relayed: u64,
    /// Nights of machines that are off.
    pub nights: u64,
    /// Looks at what a node told that waited for the morning.
    pub slept_over: u64,
    /// Announcements that reached a peer.
    pub heard: u64,
    /// Words that actors said by hand.
    pub by_hand: u64,
    /// Words that actors wanted to sign and no key can.
    pub unsayable: u64,
    /// Wishes to edit a shop.
    pub edits: u64,
    /// Of these, refused.
    pub edits_refused: u64,
    /// Bytes about shops' documents that devices of one author sent each other.
    pub talk_bytes: u64,
    /// Refusals, by name.
    pub refusals: BTreeMap<String, u64>,
}
