//! The file of a market that was written down on its way: the scenario with its settings, and the world. Described in
//! `spec/simulations.md`.

use crate::figure::{Played, Progress};
use crate::mesh::pack::{Pack, Reader};
use crate::run;
use crate::scene::{Scene, SceneError, Setting};
use crate::world::snapshot::{SnapshotError, sealed, unsealed};

/// A run that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The scenario's name or file.
    pub scenario: String,
    /// Its whole text.
    pub text: String,
    /// What was set otherwise.
    pub settings: Vec<String>,
    /// The number of nodes, if it is not the scenario's.
    pub nodes: Option<usize>,
    /// The world.
    pub world: Vec<u8>,
}

/// Why a run is not written down or not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The file.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The scenario in it.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A run of another kind.
    #[error("only a scenario of kind 'market' is written down and resumed by this program")]
    Kind,
}

impl Snapshot {
    /// The bytes of the file.
    pub fn write(&self) -> Vec<u8> {
        let mut content = Vec::new();
        env!("CARGO_PKG_VERSION").to_owned().pack(&mut content);
        self.scenario.pack(&mut content);
        self.text.pack(&mut content);
        self.settings.pack(&mut content);
        self.nodes.pack(&mut content);
        self.world.pack(&mut content);
        sealed(&content)
    }

    /// What a file holds.
    pub fn read(file: &[u8]) -> Result<Self, SnapshotError> {
        let mut from = Reader(unsealed(file)?);
        let damaged = || SnapshotError::Damaged;
        let (expected, actual) = (env!("CARGO_PKG_VERSION"), String::unpack(&mut from));
        let actual = actual.ok_or_else(damaged)?;
        if actual != expected {
            let expected = expected.to_owned();
            return Err(SnapshotError::Version { expected, actual });
        }
        let mut read = || {
            Some(Self {
                scenario: Pack::unpack(&mut from)?,
                text: Pack::unpack(&mut from)?,
                settings: Pack::unpack(&mut from)?,
                nodes: Pack::unpack(&mut from)?,
                world: Pack::unpack(&mut from)?,
            })
        };
        read().ok_or_else(damaged)
    }

    /// What is played.
    pub fn scene(&self) -> Result<Scene, SceneError> {
        let settings = self.settings.iter().map(|text| text.parse());
        let settings: Vec<Setting> = settings.collect::<Result<_, _>>()?;
        Scene::read(&self.text, &settings, self.nodes)
    }

    /// Plays on from here.
    pub fn play(&self, tell: &mut dyn FnMut(Progress)) -> Result<Played, ResumeError> {
        let Scene::Market(scenario) = self.scene()? else {
            return Err(ResumeError::Kind);
        };
        let outcome = run::resumed(&scenario, &self.world, tell)?;
        Ok(outcome.played(scenario.nodes))
    }
}
