//! Gossip: how gossipsub is set up, what a message's id is, and what misbehaviour costs.
//!
//! Messages carry no author and no signature of libp2p's: the envelope inside has its own, checked once
//! by the driver, and not again for each of the seven or so duplicates. A message is passed on only after
//! the driver accepted it. `spec/gossip.md` derives the scoring parameters; the tests of this file and
//! of `tests/network.rs` hold them to it.

use std::{collections::HashSet, net::IpAddr, sync::Arc, time::Duration};

use libp2p::gossipsub::{
    self, ConfigBuilder, MaxCountSubscriptionFilter, Message, MessageAcceptance, MessageAuthenticity,
    MessageId, PeerScoreParams, PeerScoreThresholds, RawMessage, TopicHash, TopicScoreParams,
    TopicSubscriptionFilter, ValidationMode,
};

use super::{
    counters::{Counters, add, count},
    device::Device,
    limits::{
        GOSSIP_BYTES_MAX, GOSSIP_CONTROL_BYTES_MAX, GOSSIP_FRAME_BYTES_MAX, GOSSIP_HISTORY_HEARTBEATS,
        GOSSIP_SEEN_MS, TOPIC_BYTES_MAX, TOPICS_MAX,
    },
};

/// All that a peer can earn, over all topics together, by being there and by bringing news first.
const STANDING_MAX: f64 = 10.0;
/// What it can earn in one topic. gossipsub caps the sum only after it has added the penalties, so a
/// peer in many topics could pay for offences with presence unless each topic gives this little.
const STANDING_PER_TOPIC_MAX: f64 = STANDING_MAX / TOPICS_MAX as f64;
/// The share of it that news brings; the rest is for time in the mesh, which costs an idler nothing.
const NEWS_SHARE: f64 = 0.9;
/// A mesh whose median peer has earned less than this share of it gets better peers. Below one half: in a topic where
/// messages are rare nobody has earned all.
const MEDIAN_SHARE: f64 = 0.25;
/// Heartbeats between two looks at that median.
const MEDIAN_EVERY_HEARTBEATS: u64 = 5;
/// Of a mesh that is too large, so many are kept because they are the best; one seat is left to chance, or whoever is
/// new would never get in.
const KEPT_BEST: usize = 5;
/// What one invalid message costs; `n` of them in one topic cost `n * n` times as much.
const INVALID_COST: f64 = 40.0;
/// Below this a peer is not told of messages and not asked for them.
const GOSSIP_THRESHOLD: f64 = -20.0;
/// Below this a peer does not get what we publish.
const PUBLISH_THRESHOLD: f64 = -60.0;
/// Below this nothing that a peer says is read.
const GRAYLIST_THRESHOLD: f64 = -100.0;
/// Invalid messages after which even the best peer is graylisted, in whatever topics they came.
pub const REJECTS_MAX: u32 = 3;
/// How long an invalid message weighs on a peer, and how long its score outlives its connection.
const MEMORY_MS: u64 = 3_600_000;

const _: () = assert!(STANDING_MAX - REJECTS_MAX as f64 * INVALID_COST < GRAYLIST_THRESHOLD);

/// Which message a verdict is about: its id, and the peer that brought it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GossipId {
    /// [`message_id`] of the message.
    pub id: [u8; 32],
    /// The peer that passed it to us, not its author.
    pub from: Device,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Drop it; nobody is at fault.
    Ignore,
    /// Drop it and punish who passed it on: only for what every node must refuse without knowing
    /// anything (form, size, signature).
    Reject,
}

impl Verdict {
    pub(crate) fn acceptance(self) -> MessageAcceptance {
        match self {
            Self::Accept => MessageAcceptance::Accept,
            Self::Ignore => MessageAcceptance::Ignore,
            Self::Reject => MessageAcceptance::Reject,
        }
    }
}

/// The id of a message: BLAKE3 of the topic's length (u16 big-endian), the topic and the data.
///
/// Without the length `("a", "bc")` and `("ab", "c")` would share an id, and whoever is quick could
/// make others take a message for seen by sending its tail on a shorter topic.
pub fn message_id(topic: &str, data: &[u8]) -> [u8; 32] {
    let length = u16::try_from(topic.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length).update(topic.as_bytes()).update(data);
    *hasher.finalize().as_bytes()
}

/// The behaviour with our filter and our meter.
pub(crate) type Gossip = gossipsub::Behaviour<Meter, MaxCountSubscriptionFilter<Names>>;

/// Sets up gossipsub with scoring.
pub(crate) fn gossip(counters: &Arc<Counters>) -> Result<Gossip, String> {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message: &Message| {
            MessageId::from(message_id(message.topic.as_str(), &message.data).to_vec())
        })
        .validate_messages()
        .flood_publish(true)
        .retain_scores(KEPT_BEST)
        .opportunistic_graft_ticks(MEDIAN_EVERY_HEARTBEATS)
        .max_transmit_size(GOSSIP_FRAME_BYTES_MAX)
        .max_control_message_size(GOSSIP_CONTROL_BYTES_MAX)
        .duplicate_cache_time(Duration::from_millis(GOSSIP_SEEN_MS))
        .history_length(GOSSIP_HISTORY_HEARTBEATS)
        .heartbeat_initial_delay(Duration::from_secs(1))
        .build()
        .map_err(|error| error.to_string())?;
    let meter = Meter {
        counters: counters.clone(),
    };
    let filter = MaxCountSubscriptionFilter {
        filter: Names {
            counters: counters.clone(),
        },
        max_subscribed_topics: TOPICS_MAX,
        // One greeting may name all topics, or leave all and join as many.
        max_subscriptions_per_request: 2 * TOPICS_MAX,
    };
    let mut gossip = Gossip::new_with_subscription_filter_and_transform(
        MessageAuthenticity::Anonymous,
        config,
        filter,
        meter,
    )?;
    gossip.with_peer_score(peer_score(), thresholds())?;
    Ok(gossip)
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: GOSSIP_THRESHOLD,
        publish_threshold: PUBLISH_THRESHOLD,
        graylist_threshold: GRAYLIST_THRESHOLD,
        accept_px_threshold: STANDING_MAX,
        opportunistic_graft_threshold: STANDING_PER_TOPIC_MAX * MEDIAN_SHARE,
    }
}

fn peer_score() -> PeerScoreParams {
    let loopback = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    PeerScoreParams {
        topic_score_cap: STANDING_MAX,
        app_specific_weight: 1.0,
        ip_colocation_factor_weight: -10.0,
        ip_colocation_factor_threshold: 4.0,
        ip_colocation_factor_whitelist: HashSet::from(loopback),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: gossipsub::score_parameter_decay(Duration::from_secs(600)),
        retain_score: Duration::from_millis(MEMORY_MS),
        ..PeerScoreParams::default()
    }
}

/// The score parameters that every topic gets when it is joined; without them an offence is free.
pub(crate) fn topic_score() -> TopicScoreParams {
    let minutes_in_mesh_max = 60.0;
    let first_deliveries_max = 10.0;
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_quantum: Duration::from_secs(60),
        time_in_mesh_cap: minutes_in_mesh_max,
        time_in_mesh_weight: STANDING_PER_TOPIC_MAX * (1.0 - NEWS_SHARE) / minutes_in_mesh_max,
        first_message_deliveries_cap: first_deliveries_max,
        first_message_deliveries_weight: STANDING_PER_TOPIC_MAX * NEWS_SHARE / first_deliveries_max,
        first_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(600)),
        // A quiet topic is no offence: most of ours carry a few messages a day.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -INVALID_COST,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_millis(MEMORY_MS)),
        ..TopicScoreParams::default()
    }
}

/// Whether a topic may be called this.
pub(crate) fn is_topic(name: &str) -> bool {
    (1..=TOPIC_BYTES_MAX).contains(&name.len())
}

/// Refuses subscriptions to names that no topic has. gossipsub's own filter counts them.
pub(crate) struct Names {
    counters: Arc<Counters>,
}

impl TopicSubscriptionFilter for Names {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        let good = is_topic(topic.as_str());
        if !good {
            count(&self.counters.subscriptions_refused);
        }
        good
    }
}

/// Counts what arrives, before duplicates are dropped, and refuses what no envelope can be.
pub(crate) struct Meter {
    counters: Arc<Counters>,
}

impl gossipsub::DataTransform for Meter {
    fn inbound_transform(&self, raw: RawMessage) -> Result<Message, std::io::Error> {
        count(&self.counters.gossip_received);
        add(&self.counters.gossip_bytes_in, raw.data.len());
        if raw.data.len() > GOSSIP_BYTES_MAX {
            count(&self.counters.gossip_too_large);
            return Err(std::io::Error::other("gossip over the size of an envelope"));
        }
        // gossipsub's anonymous mode refuses an author, a number and a signature, and overlooks a key.
        if raw.key.is_some() {
            count(&self.counters.gossip_not_anonymous);
            return Err(std::io::Error::other("anonymous gossip with a key"));
        }
        Ok(Message {
            source: raw.source,
            data: raw.data,
            sequence_number: raw.sequence_number,
            topic: raw.topic,
        })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> Result<Vec<u8>, std::io::Error> {
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// gossipsub's sum, for a peer that stands as well as can be and sent invalid messages in topics.
    fn score(invalid_in_topics: &[u32]) -> f64 {
        let topic = topic_score();
        let standing = topic.time_in_mesh_cap * topic.time_in_mesh_weight
            + topic.first_message_deliveries_cap * topic.first_message_deliveries_weight;
        let costs: f64 = invalid_in_topics
            .iter()
            .map(|count| f64::from(*count).powi(2) * topic.invalid_message_deliveries_weight)
            .sum();
        (standing * TOPICS_MAX as f64 + costs).min(peer_score().topic_score_cap)
    }

    #[test]
    fn three_invalid_messages_graylist_the_best_peer_in_whatever_topics() {
        for spread in [[3, 0, 0], [2, 1, 0], [1, 1, 1]] {
            assert!(
                score(&spread) < GRAYLIST_THRESHOLD,
                "{spread:?} gives {}",
                score(&spread)
            );
        }
    }

    #[test]
    fn one_invalid_message_does_not_graylist() {
        assert!(score(&[1]) > GRAYLIST_THRESHOLD - STANDING_MAX);
        assert!(score(&[1]) < GOSSIP_THRESHOLD);
    }

    #[test]
    fn gossipsub_takes_the_parameters() {
        peer_score().validate().unwrap();
        thresholds().validate().unwrap();
        topic_score().validate().unwrap();
        gossip(&Arc::default()).map(drop).unwrap();
    }

    #[test]
    fn the_id_of_a_message_is_the_one_in_the_spec() {
        let id = data_encoding::HEXLOWER.encode(&message_id("world/shoes", b"hello"));
        assert_eq!(
            id,
            "172a22d1b50f1952aebb554dcd4252d9ec0873e22971e81ef5ecd3ccb60f431b"
        );
    }

    #[test]
    fn a_message_cannot_take_the_id_of_another_by_shifting_its_topic() {
        assert_ne!(message_id("world/a", b"bc"), message_id("world/ab", b"c"));
    }

    #[test]
    fn a_name_that_no_topic_has_is_refused_and_counted() {
        let counters = Arc::new(Counters::default());
        let mut names = Names {
            counters: counters.clone(),
        };
        assert!(names.can_subscribe(&TopicHash::from_raw("t".repeat(TOPIC_BYTES_MAX))));
        assert!(!names.can_subscribe(&TopicHash::from_raw("t".repeat(TOPIC_BYTES_MAX + 1))));
        assert!(!names.can_subscribe(&TopicHash::from_raw("")));
        assert_eq!(counters.read().subscriptions_refused, 2);
    }
}
