//! What the node tells gossipsub, and what gossipsub takes where the node says nothing.

use serde::Deserialize;

/// Parts of one point of score. Scores are integers, so that a run is the same on every machine.
pub const POINT: i64 = 1_000_000_000;
/// Parts of one counted message in a score's counters, which decay.
pub const COUNT: i64 = 1_000_000;

/// Parameters of the model. The defaults are those of the real node: `node/src/network/gossip.rs`,
/// `node/src/network/limits.rs`, and, where these say nothing, the defaults of libp2p-gossipsub 0.50
/// (`config.rs`, `peer_score/params.rs`). A test of this crate compares them with the node's files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Time between two heartbeats.
    pub heartbeat_ms: u64,
    /// Mesh neighbours that are aimed at.
    pub mesh_n: usize,
    /// With fewer, some are added.
    pub mesh_low: usize,
    /// With so many, some are removed.
    pub mesh_high: usize,
    /// Mesh neighbours that the node dialled itself, at least.
    pub mesh_outbound_min: usize,
    /// Of the best scores so many stay when some are removed.
    pub retain_best: usize,
    /// Peers that hear IHAVE in a heartbeat, at least.
    pub gossip_lazy: usize,
    /// Share of the peers outside the mesh that hear IHAVE, of a thousand.
    pub gossip_factor: usize,
    /// Heartbeats whose messages are named in IHAVE.
    pub history_gossip: u32,
    /// Heartbeats for which a message is kept.
    pub history_length: u32,
    /// How long a pruned peer stays out.
    pub prune_backoff_ms: u64,
    /// How long a peer stays out that left the topic.
    pub unsubscribe_backoff_ms: u64,
    /// Heartbeats that are waited beyond a backoff.
    pub backoff_slack_heartbeats: u64,
    /// A graft so soon after a prune costs twice.
    pub graft_flood_ms: u64,
    /// Heartbeats between two looks at the mesh's median score.
    pub opportunistic_every: u32,
    /// Peers that are added then.
    pub opportunistic_peers: usize,
    /// IHAVE of one peer that are read in a heartbeat.
    pub ihave_max: u16,
    /// Ids that are asked for or named in a heartbeat.
    pub ids_max: usize,
    /// How long a peer has to send what it named and was asked for.
    pub promise_ms: u64,
    /// Larger messages are announced with IDONTWANT.
    pub dontwant_over_bytes: u64,
    /// How long an IDONTWANT is minded.
    pub dontwant_ms: u64,
    /// Whether one's own messages go to all peers.
    pub flood_publish: bool,
    /// How long whom one told of a topic that one is not in stays whom one tells.
    pub fanout_ms: u64,
    /// One's own message that could not be sent for so long is dropped.
    pub publish_wait_ms: u64,
    /// Another's message that could not be sent for so long is dropped.
    pub forward_wait_ms: u64,
    /// What makes a score.
    pub score: Score,
}

/// What makes a score. Weights and thresholds are in billionths of a point.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Score {
    /// Below, a peer is not told of messages and not asked for them.
    pub gossip_threshold_nano: i64,
    /// Below, a peer does not get what one publishes.
    pub publish_threshold_nano: i64,
    /// Below, nothing is read.
    pub graylist_threshold_nano: i64,
    /// A mesh whose median is below gets better peers.
    pub opportunistic_threshold_nano: i64,
    /// All that the topics can give.
    pub topic_cap_nano: i64,
    /// P1, for one quantum in the mesh.
    pub time_weight_nano: i64,
    /// P1's quantum.
    pub time_quantum_ms: i64,
    /// Quanta that count.
    pub time_cap: i64,
    /// P2, for one message brought first.
    pub first_weight_nano: i64,
    /// Messages brought first that count.
    pub first_cap: i64,
    /// How long until one of them is a tenth.
    pub first_decay_s: u64,
    /// P3, for the square of what is missing. 0 is off.
    pub delivery_weight_nano: i64,
    /// Deliveries that are expected.
    pub delivery_threshold: i64,
    /// Deliveries that count.
    pub delivery_cap: i64,
    /// A delivery counts if it is so much later than the first.
    pub delivery_window_ms: u64,
    /// Time in the mesh before anything is missed.
    pub delivery_activation_ms: u64,
    /// How long until a delivery is a tenth.
    pub delivery_decay_s: u64,
    /// P3b, for what was missing when a peer was pruned. 0 is off.
    pub failure_weight_nano: i64,
    /// How long until it is a tenth.
    pub failure_decay_s: u64,
    /// P4, for the square of invalid messages.
    pub invalid_weight_nano: i64,
    /// How long until one is a tenth.
    pub invalid_decay_s: u64,
    /// P6, for the square of peers at one address beyond the threshold.
    pub colocated_weight_nano: i64,
    /// Peers at one address that cost nothing.
    pub colocated_threshold: i64,
    /// P7, for the square of offences beyond the threshold.
    pub behaviour_weight_nano: i64,
    /// Offences that cost nothing.
    pub behaviour_threshold: i64,
    /// How long until one is a tenth.
    pub behaviour_decay_s: u64,
    /// For one message that waited too long for the line.
    pub slow_weight_nano: i64,
    /// What a second leaves of it, of a thousand.
    pub slow_kept: u64,
    /// How long a bad score outlives its connection.
    pub retain_s: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            heartbeat_ms: 1_000,
            mesh_n: 6,
            mesh_low: 5,
            mesh_high: 12,
            mesh_outbound_min: 2,
            retain_best: 5,
            gossip_lazy: 6,
            gossip_factor: 250,
            history_gossip: 3,
            history_length: 10,
            prune_backoff_ms: 60_000,
            unsubscribe_backoff_ms: 10_000,
            backoff_slack_heartbeats: 1,
            graft_flood_ms: 10_000,
            opportunistic_every: 5,
            opportunistic_peers: 2,
            ihave_max: 10,
            ids_max: 5_000,
            promise_ms: 3_000,
            dontwant_over_bytes: 1_000,
            dontwant_ms: 3_000,
            flood_publish: true,
            fanout_ms: 60_000,
            publish_wait_ms: 5_000,
            forward_wait_ms: 1_000,
            score: Score::default(),
        }
    }
}

impl Default for Score {
    fn default() -> Self {
        // What a peer can earn in one of 512 topics: a tenth by an hour in the mesh, the rest by ten messages.
        let standing = 10 * POINT / 512;
        Self {
            gossip_threshold_nano: -20 * POINT,
            publish_threshold_nano: -60 * POINT,
            graylist_threshold_nano: -100 * POINT,
            opportunistic_threshold_nano: standing / 4,
            topic_cap_nano: 10 * POINT,
            time_weight_nano: standing / 10 / 60,
            time_quantum_ms: 60_000,
            time_cap: 60,
            first_weight_nano: standing * 9 / 10 / 10,
            first_cap: 10,
            first_decay_s: 600,
            delivery_weight_nano: 0,
            delivery_threshold: 20,
            delivery_cap: 100,
            delivery_window_ms: 10,
            delivery_activation_ms: 5_000,
            delivery_decay_s: 3,
            failure_weight_nano: 0,
            failure_decay_s: 3,
            invalid_weight_nano: -40 * POINT,
            invalid_decay_s: 3_600,
            colocated_weight_nano: -10 * POINT,
            colocated_threshold: 4,
            behaviour_weight_nano: -10 * POINT,
            behaviour_threshold: 6,
            behaviour_decay_s: 600,
            slow_weight_nano: -POINT / 5,
            slow_kept: 200,
            retain_s: 3_600,
        }
    }
}

/// A factor that is applied once a second, of 2³².
pub type Factor = u64;

/// The factor after which so many applications leave a tenth: gossipsub's `score_parameter_decay`. Found by
/// halving with integers, so that it is the same on every machine.
pub fn decay(seconds: u64) -> Factor {
    const ONE: u64 = 1 << 32;
    let (mut low, mut high) = (0, ONE);
    while high - low > 1 {
        let middle = low.midpoint(high);
        match power(middle, seconds) > ONE / 10 {
            true => high = middle,
            false => low = middle,
        }
    }
    low
}

fn power(factor: u64, times: u64) -> u64 {
    // 64 digits behind the point, or an hour of rounding would be felt.
    let mut left = times;
    let mut base = u128::from(factor) << 31;
    let mut product = 1u128 << 63;
    while left > 0 {
        if left % 2 == 1 {
            product = (product * base) >> 63;
        }
        base = (base * base) >> 63;
        left /= 2;
    }
    u64::try_from(product >> 31).unwrap_or(u64::MAX)
}

/// A counter after one second; what is below a tenth of one becomes none.
pub fn decayed(counter: u32, factor: Factor) -> u32 {
    let left = (u64::from(counter) * factor) >> 32;
    match left < COUNT.unsigned_abs() / 10 {
        true => 0,
        false => u32::try_from(left).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decay_leaves_a_tenth() {
        for seconds in [3, 600, 3_600] {
            let mut counter = 1_000_000_000u32;
            for _ in 0..seconds {
                counter = decayed(counter, decay(seconds));
            }
            assert!(
                (99_000_000..101_000_000).contains(&counter),
                "{seconds}: {counter}"
            );
        }
        assert_eq!(decayed(100_001, decay(3)), 0);
    }
}
