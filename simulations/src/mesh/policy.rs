//! What nodes do. Every node runs the router of gossipsub; a policy says where it departs from it.
//!
//! One policy object stands for all nodes of its kind, so that a million nodes do not cost a million
//! objects. Implement [`Policy`] in a file of your own and hand it to
//! [`World::with_policies`](crate::mesh::World::with_policies); `examples/my_actor.rs` does.

use serde::Deserialize;

/// The node that asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Me {
    /// Which node.
    pub node: u32,
    /// Virtual time.
    pub now_ms: u64,
    /// When the attack of the scenario begins.
    pub attack_from_ms: u64,
    /// Heartbeats of this node so far.
    pub beats: u32,
}

impl Me {
    /// Whether the attack has begun.
    pub fn attacks(&self) -> bool {
        self.now_ms >= self.attack_from_ms
    }
}

/// What can be told of a message.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Which message, in the order of publication.
    pub message: u32,
    /// Who wrote it.
    pub author: u32,
    /// How large it is.
    pub size_bytes: u32,
    /// Whether validation accepts it.
    pub valid: bool,
}

/// A neighbour.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour {
    /// Which node.
    pub node: u32,
    /// Its place among the connections of the node that is asked.
    pub slot: u32,
    /// Whether it is in the mesh.
    pub in_mesh: bool,
    /// Whether it may not be grafted yet.
    pub backed_off: bool,
}

/// Something that a node does beside what the router does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Publishes a message.
    Publish {
        /// Its size.
        size_bytes: u32,
        /// Whether validation accepts it.
        valid: bool,
    },
    /// Takes a neighbour into the mesh and tells it so.
    Graft {
        /// Its place.
        slot: u32,
    },
    /// Takes a neighbour out of the mesh and tells it so.
    Prune {
        /// Its place.
        slot: u32,
    },
}

/// What becomes of a message that has just come for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// What the router does: judge it, then pass it on.
    Follow,
    /// It is forgotten: not judged, not passed on, not named in IHAVE.
    Drop,
}

/// What is answered to a graft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What the router says.
    Follow,
    /// The neighbour is taken, whatever the router would say.
    Accept,
    /// It is refused with a prune.
    Refuse,
}

/// Where a node departs from the router. The defaults do not.
pub trait Policy: Send {
    /// Its name, for tables.
    fn name(&self) -> &'static str;

    /// Whether the router keeps the mesh of this node at its heartbeats, and names what it has.
    fn follows_router(&self, _me: Me) -> bool {
        true
    }

    /// What the node does at a heartbeat beside that.
    fn heartbeat(&mut self, _me: Me, _neighbours: &[Neighbour], _acts: &mut Vec<Act>) {}

    /// What becomes of a new message.
    fn on_message(&mut self, _me: Me, _about: About, _from: u32) -> Handling {
        Handling::Follow
    }

    /// What is answered to a graft.
    fn on_graft(&mut self, _me: Me, _from: u32) -> Answer {
        Answer::Follow
    }

    /// It was pruned by a neighbour, which is out of its mesh by now.
    fn on_prune(&mut self, _me: Me, _from: Neighbour, _acts: &mut Vec<Act>) {}

    /// Whether an accepted message is passed on to this neighbour.
    fn forwards(&mut self, _me: Me, _about: About, _to: u32) -> bool {
        true
    }

    /// What it must remember if a run is interrupted.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes back what [`Self::save`] gave.
    fn restore(&mut self, _saved: &[u8]) {}
}

/// Does what the router does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Policy for Honest {
    fn name(&self) -> &'static str {
        "honest"
    }
}

/// Says much, and otherwise behaves.
#[derive(Debug, Clone, Copy)]
pub struct Spammer {
    /// Messages at every heartbeat.
    pub each_heartbeat: u32,
    /// How large they are.
    pub size_bytes: u32,
    /// Whether validation accepts them.
    pub valid: bool,
}

impl Policy for Spammer {
    fn name(&self) -> &'static str {
        "spammer"
    }

    fn heartbeat(&mut self, me: Me, _neighbours: &[Neighbour], acts: &mut Vec<Act>) {
        if me.attacks() {
            let publish = Act::Publish {
                size_bytes: self.size_bytes,
                valid: self.valid,
            };
            acts.extend((0..self.each_heartbeat).map(|_| publish));
        }
    }
}

/// Fills meshes and passes nothing on. It keeps the rules that cost score: it waits out a backoff, and it
/// promises nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sybil;

impl Policy for Sybil {
    fn name(&self) -> &'static str {
        "sybil"
    }

    fn follows_router(&self, _me: Me) -> bool {
        false
    }

    fn heartbeat(&mut self, _me: Me, neighbours: &[Neighbour], acts: &mut Vec<Act>) {
        let outside = neighbours.iter().filter(|near| !near.in_mesh && !near.backed_off);
        acts.extend(outside.map(|near| Act::Graft { slot: near.slot }));
    }

    fn on_message(&mut self, _me: Me, _about: About, _from: u32) -> Handling {
        Handling::Drop
    }

    fn on_graft(&mut self, _me: Me, _from: u32) -> Answer {
        Answer::Accept
    }
}

/// Many of them surround one node; else they are sybils.
#[derive(Debug, Clone, Copy, Default)]
pub struct Eclipser(Sybil);

impl Policy for Eclipser {
    fn name(&self) -> &'static str {
        "eclipser"
    }

    fn follows_router(&self, me: Me) -> bool {
        self.0.follows_router(me)
    }

    fn heartbeat(&mut self, me: Me, neighbours: &[Neighbour], acts: &mut Vec<Act>) {
        self.0.heartbeat(me, neighbours, acts);
    }

    fn on_message(&mut self, me: Me, about: About, from: u32) -> Handling {
        self.0.on_message(me, about, from)
    }

    fn on_graft(&mut self, me: Me, from: u32) -> Answer {
        self.0.on_graft(me, from)
    }
}

/// Drops one author's messages and passes on all others.
#[derive(Debug, Clone, Copy)]
pub struct Censor {
    /// The author.
    pub author: u32,
}

impl Policy for Censor {
    fn name(&self) -> &'static str {
        "censor"
    }

    fn on_message(&mut self, _me: Me, about: About, _from: u32) -> Handling {
        match about.author == self.author {
            true => Handling::Drop,
            false => Handling::Follow,
        }
    }
}

/// Behaves well until the attack begins; from then on it is a sybil that everybody thinks well of.
#[derive(Debug, Clone, Copy, Default)]
pub struct CovertFlash(Sybil);

impl Policy for CovertFlash {
    fn name(&self) -> &'static str {
        "covert-flash"
    }

    fn follows_router(&self, me: Me) -> bool {
        !me.attacks()
    }

    fn heartbeat(&mut self, me: Me, neighbours: &[Neighbour], acts: &mut Vec<Act>) {
        if me.attacks() {
            self.0.heartbeat(me, neighbours, acts);
        }
    }

    fn on_message(&mut self, me: Me, about: About, from: u32) -> Handling {
        match me.attacks() {
            true => self.0.on_message(me, about, from),
            false => Handling::Follow,
        }
    }

    fn on_graft(&mut self, me: Me, from: u32) -> Answer {
        match me.attacks() {
            true => self.0.on_graft(me, from),
            false => Answer::Follow,
        }
    }

    fn forwards(&mut self, me: Me, _about: About, _to: u32) -> bool {
        !me.attacks()
    }
}

/// The policies that a scenario can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// [`Spammer`] whose messages are valid.
    Spammer,
    /// [`Spammer`] whose messages are not.
    InvalidSpammer,
    /// [`Sybil`].
    Sybil,
    /// [`Eclipser`].
    Eclipser,
    /// [`Censor`] of the first honest node.
    Censor,
    /// [`CovertFlash`].
    CovertFlash,
}

impl Role {
    /// The policy.
    pub fn policy(self, each_heartbeat: u32, size_bytes: u32) -> Box<dyn Policy> {
        let spammer = |valid| Spammer {
            each_heartbeat,
            size_bytes,
            valid,
        };
        match self {
            Self::Spammer => Box::new(spammer(true)),
            Self::InvalidSpammer => Box::new(spammer(false)),
            Self::Sybil => Box::new(Sybil),
            Self::Eclipser => Box::new(Eclipser::default()),
            Self::Censor => Box::new(Censor { author: 0 }),
            Self::CovertFlash => Box::new(CovertFlash::default()),
        }
    }
}
