//! What comes from outside the peers: wishes, broken links, crashes, jumps of the clocks, what is planned. A world
//! can write it down, and another one can play just that, or less of it, until a law breaks no more. Described
//! in `spec/simulations.md`.

use super::*;

/// Something from outside, and when.
#[derive(Debug, Clone)]
pub struct Stimulus {
    /// Virtual time, in milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: Stimulated,
}

/// Something from outside.
#[derive(Debug, Clone)]
pub enum Stimulated {
    /// Somebody wants something.
    Wish(usize, Box<Command>),
    /// An actor says something that it signed by hand.
    Said(usize, Box<Said>),
    /// The connection between two breaks.
    Drop(usize, usize),
    /// All clocks jump by so many milliseconds.
    Jump(u64),
    /// A node crashes at its next write, before the commit or after it.
    Crash(usize, bool),
    /// Something of the scenario's plan, to these.
    Planned(usize, Vec<usize>),
}

impl std::fmt::Display for Stimulus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>9} ms  ", self.at_ms)?;
        match &self.what {
            Stimulated::Wish(at, command) => write!(f, "node {at} wants {command:?}"),
            Stimulated::Said(at, said) => {
                let Said { envelope, to } = said.as_ref();
                write!(f, "node {at} says by hand to {to:?}: {:?}", envelope.body())
            }
            Stimulated::Drop(one, other) => write!(f, "the connection of nodes {one} and {other} breaks"),
            Stimulated::Jump(ms) => write!(f, "all clocks jump by {ms} ms"),
            Stimulated::Crash(at, true) => write!(f, "node {at} crashes before its next commit"),
            Stimulated::Crash(at, false) => write!(f, "node {at} crashes after its next commit"),
            Stimulated::Planned(number, who) => write!(f, "part {number} of the plan happens to {who:?}"),
        }
    }
}

/// Where what comes from outside comes from.
#[derive(Debug, Clone, Default)]
pub enum Script {
    /// From the seed.
    #[default]
    Drawn,
    /// From the seed, and it is written down.
    Written(Vec<Stimulus>),
    /// From here, and from nowhere else.
    Played(Vec<Stimulus>),
}

impl Script {
    pub(super) const fn is_played(&self) -> bool {
        matches!(self, Self::Played(_))
    }
}

impl World {
    /// What came from outside, if it was written down.
    pub fn script(&self) -> &[Stimulus] {
        match &self.script {
            Script::Drawn => &[],
            Script::Written(stimuli) | Script::Played(stimuli) => stimuli,
        }
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> Stimulated) {
        let at_ms = self.time;
        if let Script::Written(stimuli) = &mut self.script {
            stimuli.push(Stimulus { at_ms, what: what() });
        }
    }

    pub(super) fn stimulate(&mut self, number: usize) -> Result<(), Broken> {
        let Some(stimulus) = self.script().get(number).cloned() else {
            return Ok(());
        };
        match stimulus.what {
            Stimulated::Wish(at, command) => return self.wish(at, command),
            Stimulated::Said(at, said) => return self.say(at, &said, acting::TRIES),
            Stimulated::Drop(one, other) => self.drop_link(one, other),
            Stimulated::Jump(ms) => self.jump(ms),
            Stimulated::Crash(at, before) => drop(self.armed.insert(at, before)),
            Stimulated::Planned(number, who) => self.carry_out(number, who),
        }
        Ok(())
    }

    /// Whether a node crashes at this write, and whether before the commit.
    pub(super) fn crash(&mut self, at: usize) -> Option<bool> {
        if !self.stormy {
            return None;
        }
        if self.script.is_played() {
            return self.armed.remove(&at);
        }
        if self.time < self.scenario.storm.crashes_from_ms {
            return None;
        }
        let crashes = self.chance.in_million(self.scenario.storm.crashes_per_million);
        let crash = crashes.then(|| self.chance.in_thousand(500));
        if let Some(before) = crash {
            self.note(|| Stimulated::Crash(at, before));
        }
        crash
    }
}
