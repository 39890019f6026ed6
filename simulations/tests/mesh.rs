//! The mesh as a whole: the same seed gives the same run, an interrupted run is an uninterrupted one,
//! messages arrive, attacks are withstood, and the model is set up as the real node is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test stops where it fails, and counts are whole numbers"
)]

use souk_simulations::figure::{Played, missed};
use souk_simulations::mesh::params::{POINT, Params};
use souk_simulations::mesh::policy::{Act, Answer, Censor, Me, Neighbour, Policy};
use souk_simulations::mesh::scenario::{BUILT_IN, Scenario};
use souk_simulations::mesh::{World, play, play_world};
use souk_simulations::scene::{Scene, Setting};
use std::collections::{BTreeMap, BTreeSet};

/// A scenario with few nodes and, where somebody attacks, a shorter attack by fewer connections.
fn small(name: &str) -> Scenario {
    let mut scenario = Scenario::named(name).unwrap().with_nodes(60).unwrap();
    scenario.shortest_ways = 5;
    scenario.graph.degree = 16;
    if let Some(attack) = &mut scenario.attack {
        attack.nodes = attack.nodes.min(60);
        attack.connections_each = attack.connections_each.min(20);
        scenario.traffic.messages = 60;
        scenario.duration_ms = scenario.traffic.from_ms + 60 * scenario.traffic.every_ms + 12_000;
    }
    scenario
}

fn played(scenario: &Scenario, seed: u64) -> Played {
    play(scenario, seed, &mut |_| {})
}

fn number(played: &Played, name: &str) -> f64 {
    played.figures.numbers[name]
}

#[test]
fn a_seed_is_one_run_and_another_seed_another() {
    for name in ["baseline", "churn", "spam"] {
        let scenario = small(name);
        let (first, second) = (played(&scenario, 7), played(&scenario, 7));
        assert_eq!(first.digest, second.digest);
        assert_eq!(first.figures, second.figures);
        assert_ne!(first.digest, played(&scenario, 8).digest);
    }
}

#[test]
fn a_run_that_is_interrupted_goes_on_as_if_it_had_not_been() {
    for name in [
        "baseline",
        "churn",
        "partition",
        "covert-flash",
        "spam",
        "fan-out",
    ] {
        let scenario = small(name);
        let whole = played(&scenario, 3);
        let mut world = World::new(&scenario, 3).unwrap();
        for stop_us in [1_234_567, 31_000_001, 70_500_000] {
            world.play_until(stop_us);
            world = World::resume(&scenario, &world.snapshot()).unwrap();
        }
        let resumed = play_world(world, &mut |_| {});
        assert_eq!(whole.digest, resumed.digest, "{name}");
        // Memory is what lists have room for, which a resumed run need not have as much of.
        let mut figures = [whole.figures, resumed.figures];
        for figures in &mut figures {
            figures.numbers.remove("memory_bytes_per_node");
        }
        assert_eq!(figures[0], figures[1], "{name}");
    }
    assert!(World::resume(&small("baseline"), b"no world").is_err());
    let other = World::new(&small("baseline"), 1).unwrap().snapshot();
    assert!(World::resume(&small("churn").with_nodes(40).unwrap(), &other).is_err());
}

#[test]
fn everybody_gets_everything_if_nobody_attacks() {
    let mut scenario = small("baseline");
    scenario.keep_events = vec!["delivered".into()];
    for seed in 1..=3 {
        let run = played(&scenario, seed);
        assert_eq!(missed(&scenario.thresholds, &run.figures), [""; 0]);
        let messages = f64::from(scenario.traffic.messages);
        assert_eq!(run.events.len() as f64, messages * 59.0);
        assert!(
            run.events
                .iter()
                .all(|row| row.kind == "delivered" && row.about.is_some())
        );
        let degree = number(&run, "mesh_degree_mean");
        assert!((5.0..12.0).contains(&degree), "{degree}");
        let (_, share) = *run.figures.curves["delivery_cdf"].last().unwrap();
        assert!((share - 1.0).abs() < 1e-9);
    }
}

/// Of each publisher those who got every message of it from itself. Some get one since they asked for it.
fn always_told(run: &Played) -> BTreeMap<u64, BTreeSet<u64>> {
    let of = |kind: &'static str| run.events.iter().filter(move |row| row.kind == kind);
    let mut always: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for message in of("published") {
        let received = of("received").filter(|row| row.about == message.about);
        let first_hand = received.filter(|row| row.other == Some(message.node));
        let told: BTreeSet<u64> = first_hand.map(|row| row.node).collect();
        let known = always.entry(message.node).or_insert_with(|| told.clone());
        known.retain(|node| told.contains(node));
    }
    always
}

#[test]
fn who_is_not_in_the_topic_tells_a_fan_out() {
    let mut scenario = small("fan-out");
    scenario.keep_events = vec!["published".into(), "received".into()];
    let run = played(&scenario, 2);
    assert_eq!(missed(&scenario.thresholds, &run.figures), [""; 0]);
    let told = always_told(&run);
    assert_eq!(told.len(), 2, "2 % of 60 nodes publish");
    let mesh_n = scenario.params.mesh_n;
    assert!(told.values().all(|told| told.len() == mesh_n), "{told:?}");
    let mut received = run.events.iter().filter(|row| row.kind == "received");
    assert!(received.all(|row| !told.contains_key(&row.node)));

    // Who publishes so rarely has another fan-out each time.
    let often = scenario.traffic.clone();
    scenario.traffic.messages = 6;
    scenario.traffic.every_ms = scenario.params.fanout_ms * 2;
    scenario.duration_ms += 6 * scenario.traffic.every_ms;
    let told = always_told(&played(&scenario, 2));
    assert!(told.values().all(|told| told.len() < mesh_n), "{told:?}");

    (scenario.traffic, scenario.params.flood_publish) = (often, true);
    let told = always_told(&played(&scenario, 2));
    assert!(told.values().all(|told| told.len() > mesh_n), "{told:?}");
}

#[test]
fn attacks_are_withstood_and_no_honest_node_is_graylisted() {
    for (name, _) in BUILT_IN {
        let scenario = small(name);
        let run = played(&scenario, 1);
        assert_eq!(missed(&scenario.thresholds, &run.figures), [""; 0], "{name}");
        assert!(number(&run, "graylisted_honest") < 0.5, "{name}");
    }
}

#[test]
fn whoever_sends_invalid_messages_is_graylisted() {
    let run = played(&small("spam"), 1);
    assert!(number(&run, "graylisted_attackers") > 50.0);
}

/// Takes everybody in, and grafts again at once whoever prunes it.
struct Insister {
    prunes: u64,
}

impl Policy for Insister {
    fn name(&self) -> &'static str {
        "insister"
    }

    fn follows_router(&self, _me: Me) -> bool {
        false
    }

    fn heartbeat(&mut self, _me: Me, neighbours: &[Neighbour], acts: &mut Vec<Act>) {
        let outside = neighbours.iter().filter(|near| !near.in_mesh);
        acts.extend(outside.map(|near| Act::Graft { slot: near.slot }));
    }

    fn on_graft(&mut self, _me: Me, _from: u32) -> Answer {
        Answer::Accept
    }

    fn on_prune(&mut self, _me: Me, from: Neighbour, acts: &mut Vec<Act>) {
        self.prunes += 1;
        acts.push(Act::Graft { slot: from.slot });
    }

    fn save(&self) -> Vec<u8> {
        self.prunes.to_le_bytes().to_vec()
    }

    fn restore(&mut self, saved: &[u8]) {
        self.prunes = saved.try_into().map_or(0, u64::from_le_bytes);
    }
}

#[test]
fn whoever_grafts_too_soon_is_graylisted() {
    let scenario = small("sybil-20");
    let policies = || -> Vec<Box<dyn Policy>> { vec![Box::new(Insister { prunes: 0 })] };
    let run = play_world(
        World::with_policies(&scenario, 1, policies()).unwrap(),
        &mut |_| {},
    );
    assert!(number(&run, "graylisted_attackers") > 100.0);
    assert!(number(&run, "graylisted_honest") < 0.5);

    let mut world = World::with_policies(&scenario, 1, policies()).unwrap();
    world.play_until(65_000_000);
    let snapshot = world.snapshot();
    let resumed = World::resume_with(&scenario, policies(), &snapshot).unwrap();
    assert_eq!(resumed.snapshot(), snapshot);
    assert_eq!(play_world(resumed, &mut |_| {}).digest, run.digest);
}

#[test]
fn a_censor_holds_nothing_back() {
    let scenario = small("covert-flash");
    let censors: Vec<Box<dyn Policy>> = vec![Box::new(Censor { author: 0 })];
    let run = play_world(World::with_policies(&scenario, 1, censors).unwrap(), &mut |_| {});
    assert!(number(&run, "delivered_share") >= 1.0);
}

#[test]
fn nobody_on_a_crowded_address_stays_in_a_mesh() {
    let mut scenario = small("sybil-20");
    if let Some(attack) = &mut scenario.attack {
        attack.per_address = 60;
    }
    let run = played(&scenario, 1);
    assert!(
        number(&run, "mesh_honest_share") > 0.9,
        "{}",
        number(&run, "mesh_honest_share")
    );
}

#[test]
fn a_node_behind_a_nat_and_a_lossy_line_get_everything_too() {
    let mut scenario = small("baseline");
    scenario.line.behind_nat = 500;
    scenario.line.lost_per_million = 20_000;
    let run = played(&scenario, 2);
    assert!(number(&run, "delivered_share") >= 1.0);
}

#[test]
fn what_is_in_a_list_of_edges_can_be_played() {
    let file = std::env::temp_dir().join(format!("souk-edges-{}.txt", std::process::id()));
    let edges: String = (0..60)
        .flat_map(|a| (1..=6).map(move |step| format!("{a} {} 1\n", (a + step * 7) % 60)))
        .collect();
    std::fs::write(&file, edges).unwrap();
    let mut scenario = small("baseline");
    scenario.graph.shape = souk_simulations::mesh::scenario::Shape::List;
    scenario.graph.file = Some(file.to_string_lossy().into_owned());
    let run = played(&scenario, 2);
    std::fs::remove_file(&file).unwrap();
    assert!(number(&run, "delivered_share") >= 1.0);
    scenario.graph.file = Some("/no/such/file".into());
    assert!(played(&scenario, 2).broken.unwrap().contains("/no/such/file"));
}

/// Who trusts whom among real people, and round trips between real regions, from the folder of real data; where there
/// is none, a list of our own: it falls apart as theirs does, and many know nobody but one who is known to all.
///
/// Whoever knows nobody else than somebody with a full mesh hears by rumours alone, and those are told to a quarter of the
/// neighbours. So gossip alone does not reach everybody here; told to all of them, it does. (Whoever is grafted between a
/// message and the next heartbeat gets neither the message nor its name; that is one in thousands.)
#[test]
fn gossip_reaches_whom_a_real_social_graph_reaches_if_its_hubs_tell_everybody() {
    let mut scenario = small("baseline");
    scenario.graph.shape = souk_simulations::mesh::scenario::Shape::List;
    // Chains of friends are long.
    scenario.duration_ms += 60_000;
    let own = std::env::temp_dir().join(format!("souk-trust-{}.txt", std::process::id()));
    let file = match std::env::var("SOUK_DATA") {
        Ok(data) => {
            scenario.regions = Some(souk_simulations::mesh::scenario::Regions {
                p50_file: format!("{data}/latency/regions-p50.json"),
                p90_file: format!("{data}/latency/regions-p90.json"),
            });
            format!("{data}/filmtrust/trust.txt")
        }
        Err(_) => {
            // Everybody up to 60 trusts the first; forty more hang together in a tree.
            let star = (1..60).map(|a| format!("{a} 0 1\n"));
            let tree = (1..40).map(|a| format!("{} {} 1\n", 100 + a, 100 + a / 3));
            std::fs::write(&own, star.chain(tree).collect::<String>()).unwrap();
            own.to_string_lossy().into_owned()
        }
    };
    scenario.graph.file = Some(file);
    let as_the_node = played(&scenario, 2);
    scenario.params.gossip_factor = 1_000;
    let to_everybody = played(&scenario, 2);
    std::fs::remove_file(&own).ok();
    for run in [&as_the_node, &to_everybody] {
        assert_eq!(run.broken, None);
        let reachable = number(run, "reachable_share");
        assert!((0.05..0.95).contains(&reachable), "{reachable}");
    }
    let delivered = number(&as_the_node, "delivered_share");
    assert!((0.5..1.0).contains(&delivered), "{delivered}");
    let delivered = number(&to_everybody, "delivered_share");
    assert!(delivered >= 0.999, "{:?}", to_everybody.figures.numbers);
}

/// The number that stands behind a name in the node's source.
fn of_the_node(source: &str, name: &str) -> f64 {
    let after = source
        .split_once(name)
        .unwrap_or_else(|| panic!("the node says nothing of {name}"))
        .1;
    let word: String = after
        .chars()
        .skip_while(|c| !c.is_ascii_digit() && *c != '-')
        .take_while(|c| c.is_ascii_digit() || "-._".contains(*c))
        .filter(|c| *c != '_')
        .collect();
    word.parse()
        .unwrap_or_else(|_| panic!("no number behind {name}: {word}"))
}

#[test]
fn the_model_is_set_up_as_the_node_is() {
    let gossip = include_str!("../../node/src/network/gossip.rs");
    let limits = include_str!("../../node/src/network/limits.rs");
    let params = Params::default();
    let score = &params.score;
    let points = |nano: i64| nano as f64 / POINT as f64;
    let same = |ours: f64, theirs: f64, name: &str| {
        assert!(
            (ours - theirs).abs() < 1e-6,
            "{name}: the model has {ours}, the node {theirs}"
        );
    };
    let standing = of_the_node(gossip, "const STANDING_MAX: f64 =");
    same(points(score.topic_cap_nano), standing, "topic_score_cap");
    for (name, ours) in [
        (
            "const GOSSIP_THRESHOLD: f64 =",
            points(score.gossip_threshold_nano),
        ),
        (
            "const PUBLISH_THRESHOLD: f64 =",
            points(score.publish_threshold_nano),
        ),
        (
            "const GRAYLIST_THRESHOLD: f64 =",
            points(score.graylist_threshold_nano),
        ),
        ("const KEPT_BEST: usize =", params.retain_best as f64),
        (
            "const MEDIAN_EVERY_HEARTBEATS: u64 =",
            f64::from(params.opportunistic_every),
        ),
        ("const INVALID_COST: f64 =", -points(score.invalid_weight_nano)),
        (
            "ip_colocation_factor_weight:",
            points(score.colocated_weight_nano),
        ),
        (
            "ip_colocation_factor_threshold:",
            score.colocated_threshold as f64,
        ),
        ("behaviour_penalty_weight:", points(score.behaviour_weight_nano)),
        ("behaviour_penalty_threshold:", score.behaviour_threshold as f64),
        (
            "behaviour_penalty_decay: gossipsub::score_parameter_decay(Duration::from_secs(",
            score.behaviour_decay_s as f64,
        ),
        ("let minutes_in_mesh_max =", score.time_cap as f64),
        (
            "time_in_mesh_quantum: Duration::from_secs(",
            score.time_quantum_ms as f64 / 1_000.0,
        ),
        ("let first_deliveries_max =", score.first_cap as f64),
        (
            "first_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(",
            score.first_decay_s as f64,
        ),
        (
            "mesh_message_deliveries_weight:",
            points(score.delivery_weight_nano),
        ),
        ("mesh_failure_penalty_weight:", points(score.failure_weight_nano)),
        ("const MEMORY_MS: u64 =", score.invalid_decay_s as f64 * 1_000.0),
        ("const MEMORY_MS: u64 =", score.retain_s as f64 * 1_000.0),
    ] {
        same(ours, of_the_node(gossip, name), name);
    }
    let topics = souk_protocol::limits::TOPICS_MAX as f64;
    same(
        points(score.opportunistic_threshold_nano),
        standing / topics * of_the_node(gossip, "const MEDIAN_SHARE: f64 ="),
        "opportunistic_graft_threshold",
    );
    let news = of_the_node(gossip, "const NEWS_SHARE: f64 =");
    same(
        points(score.time_weight_nano),
        standing / topics * (1.0 - news) / 60.0,
        "time_in_mesh_weight",
    );
    same(
        points(score.first_weight_nano),
        standing / topics * news / 10.0,
        "first_message_deliveries_weight",
    );
    let history = of_the_node(limits, "const GOSSIP_HISTORY_HEARTBEATS: usize =");
    same(f64::from(params.history_length), history, "history_length");
    assert!(gossip.contains(".flood_publish(true)") && params.flood_publish);
    // Where the node says nothing, gossipsub's own defaults hold; if it begins to, this list must too.
    for silent in [
        "mesh_n",
        "gossip_lazy",
        "gossip_factor",
        "fanout_ttl",
        "heartbeat_interval",
        "prune_backoff",
    ] {
        assert!(!gossip.contains(silent), "the node sets {silent}");
    }
    let defaults = (
        params.mesh_n,
        params.mesh_low,
        params.mesh_high,
        params.mesh_outbound_min,
        params.gossip_lazy,
    );
    assert_eq!(defaults, (6, 5, 12, 2, 6));
}

#[test]
fn the_published_evaluation_is_a_scenario_and_the_node_s_parameters_fit_into_it() {
    let text = include_str!("../samples/evaluation.toml");
    let params = |settings: &[&str]| {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        match Scene::read(text, &settings, None).unwrap() {
            Scene::Mesh(scenario) => scenario.params,
            other => panic!("{other:?} is no mesh"),
        }
    };
    let theirs = params(&["attack.nodes=4000", "attack.role=covert-flash"]);
    assert_eq!(
        (theirs.mesh_n, theirs.retain_best, theirs.gossip_lazy),
        (8, 6, 12)
    );
    assert_eq!(params(&["params={}"]), Params::default());
}
