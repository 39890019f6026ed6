//! One peer of Souk on one machine: the protocol's peer, driven; its store, its network, its search and
//! its local API.
//!
//! ```text
//! network events ─► verify (all cores) ─► driver: peer.handle ─► store.commit ─► perform ─► network, search, API
//! ```
//!
//! A file imports only files that stand above it in this map. Described in `spec/architecture.md`.

pub mod vault;

pub mod home;
pub mod network;
pub mod products;
pub mod search;
pub mod store;

pub mod verify;

pub mod clock;

pub mod driver;
pub mod indexer;

pub mod backup;

mod perform;

pub mod node;

pub mod join;

pub mod http;

mod run;

pub use run::{Config, Ready, RunError, init, run};
