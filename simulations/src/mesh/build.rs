//! How a world begins: nodes in their regions, connections that are not up yet, and what is planned.

use super::measure::{Chain, Measures};
use super::policy::{Honest, Policy};
use super::scenario::Scenario;
use super::state::{Event, Kind, Link, NONE, Node, OUTBOUND, Rules, Table};
use super::{MeshError, Seen, World, graph_of, read};
use crate::chance::Chance;
use crate::kernel::Kernel;
use crate::wire::{Regions, dialled_in_the_open};
use std::collections::BTreeMap;

impl Event {
    /// Something at a node, without a connection.
    pub(crate) fn at(kind: Kind, node: u32, about: u32) -> Self {
        Self {
            kind,
            hops: 0,
            node,
            link: NONE,
            about,
        }
    }
}

/// The world of a scenario at its beginning. Attackers take turns with the policies.
pub(crate) fn world(scenario: &Scenario, seed: u64, given: Vec<Box<dyn Policy>>) -> Result<World, MeshError> {
    let mut scenario = scenario.clone();
    let mut chance = Chance::of(seed);
    let regions = match &scenario.regions {
        Some(files) => Regions::read(&read(&files.p50_file)?, &read(&files.p90_file)?)?,
        None => Regions::own(),
    }
    .scaled(scenario.line.stretch, scenario.line.jitter);
    let keeps = keeps(&scenario)?;
    let graph = graph_of(&scenario, &mut chance)?;
    // A list of edges says itself how many nodes there are.
    scenario.nodes = graph.nodes;
    let natted: Vec<bool> = (0..scenario.nodes)
        .map(|_| chance.in_thousand(scenario.line.behind_nat))
        .collect();
    let graph = dialled_in_the_open(graph, &natted, &mut chance);
    let attackers = match given.is_empty() {
        true => 0,
        false => scenario.attack.as_ref().map_or(0, |attack| attack.nodes),
    };
    let mut edges = graph.edges;
    let honest_edges = edges.len();
    attack_edges(&scenario, attackers, &natted, &mut chance, &mut edges);

    let kinds = given.len().max(1);
    let mut policies: Vec<Box<dyn Policy>> = vec![Box::new(Honest)];
    policies.extend(given);
    let per_address = scenario
        .attack
        .as_ref()
        .map_or(1, |attack| attack.per_address.max(1));
    let count = scenario.nodes + attackers;
    let nodes = (0..count).map(|node| {
        let attacker = node.checked_sub(scenario.nodes);
        Node {
            region: u8::try_from(chance.index(regions.len())).unwrap_or(0),
            role: attacker.map_or(0, |attacker| u8::try_from(1 + attacker % kinds).unwrap_or(0)),
            // Addresses of attackers follow those of honest nodes, so many attackers behind each.
            address: match attacker {
                Some(attacker) => number(scenario.nodes) + number(attacker) / per_address,
                None => number(node),
            },
            online: true,
            ..Node::default()
        }
    });
    let mut nodes: Vec<Node> = nodes.collect();
    let outsiders = outsiders(&scenario, &mut chance);
    for outsider in &outsiders {
        if let Some(node) = nodes.get_mut(*outsider as usize) {
            node.outside = true;
        }
    }
    let links = lay(&mut nodes, &edges);
    let mut world = World {
        rules: Rules::of(&scenario.params),
        regions,
        seed,
        chance,
        kernel: Kernel::default(),
        nodes: Table::of(nodes),
        links: Table::of(links),
        messages: Table::default(),
        lists: Table::default(),
        lists_free: Vec::new(),
        seen: Seen::default(),
        policies,
        outsiders,
        fanouts: BTreeMap::new(),
        split: None,
        now_us: 0,
        measures: Measures::default(),
        chain: Chain::default(),
        keeps,
        room: Vec::new(),
        scenario,
    };
    world
        .seen
        .reserve(count, world.scenario.traffic.messages as usize);
    plan(&mut world, &edges, honest_edges);
    Ok(world)
}

/// Those who publish from outside the topic; never the first node, which attackers and figures look at.
fn outsiders(scenario: &Scenario, chance: &mut Chance) -> Vec<u32> {
    let share = scenario.traffic.outside;
    if share == 0 {
        return Vec::new();
    }
    let count = (scenario.nodes as u64 * share).div_ceil(1_000);
    let mut all: Vec<u32> = (1..number(scenario.nodes)).collect();
    chance.shuffle(&mut all);
    all.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    all
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn keeps(scenario: &Scenario) -> Result<u64, MeshError> {
    let mut keeps = 0;
    for name in &scenario.keep_events {
        let kind = Kind::ALL.iter().find(|kind| kind.word() == name);
        let kind = kind.ok_or_else(|| MeshError::Event {
            known: Kind::ALL
                .iter()
                .map(|kind| kind.word())
                .collect::<Vec<_>>()
                .join(", "),
            actual: name.clone(),
        })?;
        keeps |= 1 << *kind as u8;
    }
    Ok(keeps)
}

/// Attackers dial honest nodes; those that are behind a NAT cannot be dialled by them either.
fn attack_edges(
    scenario: &Scenario,
    attackers: usize,
    natted: &[bool],
    chance: &mut Chance,
    edges: &mut Vec<(u32, u32)>,
) {
    let Some(attack) = &scenario.attack else {
        return;
    };
    let open = natted.iter().enumerate().filter(|(_, natted)| !**natted);
    let mut open: Vec<u32> = open.map(|(node, _)| number(node)).collect();
    for attacker in 0..attackers {
        let from = number(scenario.nodes + attacker);
        let wanted = attack.connections_each.min(open.len());
        // The first so many of a shuffle, which is not needed to its end.
        for place in 0..wanted {
            let other = place + chance.index(open.len() - place);
            open.swap(place, other);
        }
        let chosen = open.get(..wanted).unwrap_or_default();
        edges.extend(chosen.iter().map(|to| (from, *to)));
        if attack.surround_first && !chosen.contains(&0) {
            edges.push((from, 0));
        }
    }
}

/// Gives every connection its two sides, those of one node together.
fn lay(nodes: &mut [Node], edges: &[(u32, u32)]) -> Vec<Link> {
    for (from, to) in edges {
        for end in [from, to] {
            if let Some(node) = nodes.get_mut(*end as usize) {
                node.links += 1;
            }
        }
    }
    let mut next = 0;
    for node in nodes.iter_mut() {
        node.links_from = next;
        next += node.links;
    }
    let mut free: Vec<u32> = nodes.iter().map(|node| node.links_from).collect();
    let mut links = vec![Link::default(); next as usize];
    for (from, to) in edges {
        let mut side = |node: &u32| {
            let place = free.get(*node as usize).copied().unwrap_or(0);
            free.iter_mut()
                .skip(*node as usize)
                .take(1)
                .for_each(|free| *free += 1);
            place
        };
        let (here, there) = (side(from), side(to));
        if let Some(link) = links.get_mut(here as usize) {
            *link = Link {
                peer: *to,
                twin: there,
                flags: OUTBOUND,
                ..Link::default()
            };
        }
        if let Some(link) = links.get_mut(there as usize) {
            *link = Link {
                peer: *from,
                twin: here,
                ..Link::default()
            };
        }
    }
    links
}

/// Plans what happens by itself: dials, heartbeats, the first message, churn, partitions, looks.
fn plan(world: &mut World, edges: &[(u32, u32)], honest_edges: usize) {
    let scenario = world.scenario.clone();
    let dialled_us = scenario.graph.dialled_ms * 1_000;
    let attack_us = scenario
        .attack
        .as_ref()
        .map_or(0, |attack| attack.dial_from_ms * 1_000);
    // The dialling sides in the order of the edges: each node's next one that dials.
    let mut next: Vec<u32> = world.nodes.all.iter().map(|node| node.links_from).collect();
    for (place, (from, to)) in edges.iter().enumerate() {
        let Some(link) = next.get_mut(*from as usize) else {
            continue;
        };
        while !world.links.at(*link).is(OUTBOUND) || world.links.at(*link).peer != *to {
            *link += 1;
            if *link as usize >= world.links.all.len() {
                break;
            }
        }
        let start_us = if place < honest_edges { 0 } else { attack_us };
        let at = start_us + world.chance.below(dialled_us.max(1));
        let event = Event {
            link: *link,
            ..Event::at(Kind::Connect, *from, 0)
        };
        world.kernel.plan(at, event);
        *link += 1;
    }
    let beat_us = scenario.params.heartbeat_ms * 1_000;
    for node in 0..number(world.nodes.all.len()) {
        // Nodes start at any time, so their heartbeats are spread over the second.
        let at = world.chance.below(beat_us);
        world.kernel.plan(at, Event::at(Kind::Beat, node, 0));
    }
    if scenario.traffic.messages > 0 {
        world.kernel.plan(
            scenario.traffic.from_ms * 1_000,
            Event::at(Kind::Publish, NONE, 0),
        );
    }
    if let Some(churn) = &scenario.churn {
        for node in 0..number(scenario.nodes) {
            if world.chance.in_thousand(churn.leave) {
                let at_ms = world.chance.between(churn.from_ms, churn.until_ms);
                let away_ms = world.chance.between(churn.away_ms_min, churn.away_ms_max);
                let away_ms = u32::try_from(away_ms).unwrap_or(u32::MAX);
                world
                    .kernel
                    .plan(at_ms * 1_000, Event::at(Kind::Leave, node, away_ms));
            }
        }
    }
    for (place, partition) in scenario.partition.iter().enumerate() {
        let about = number(place);
        world
            .kernel
            .plan(partition.from_ms * 1_000, Event::at(Kind::Split, NONE, about));
        world
            .kernel
            .plan(partition.until_ms * 1_000, Event::at(Kind::Heal, NONE, about));
    }
    world.kernel.plan(1_000_000, Event::at(Kind::Sample, NONE, 1));
}
