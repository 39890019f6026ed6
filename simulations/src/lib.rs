//! Many peers in one process, under one seed.
//!
//! Every simulated node runs the product's own [`souk_protocol::peer::Peer`] over the protocol's
//! reference store; only what lies around it is modelled: time, links, crashes and what people want.
//! Nothing but [`swarm`], which runs the real node in real time, reads a clock or draws from the machine's randomness, so a run is a function of its
//! scenario and seed, and [`world::World::digest`] of two runs is equal, byte for byte. After every
//! step [`laws`] check what must hold whatever happens (money, stock, orders, no self-fork, nothing
//! unproved in a store); after the storm everything is healed, and the peers must agree within a
//! bounded time. That an oracle can fire is shown by [`sabotage`]: deliberately broken switches around
//! the peer, never in it.
//!
//! A file imports only files that stand above it in this map. Described in `spec/simulations.md`.

pub mod chance;
pub mod figure;
pub mod queue;

pub mod graph;

pub mod wire;

pub mod scenario;
pub mod store;

pub mod kernel;

pub mod mesh;

pub mod law;

pub mod book;

pub mod laws;

pub mod sabotage;

pub mod cast;

pub mod actor;

pub mod world;

pub mod shorter;

pub mod run;

pub mod swarm;

pub mod scene;

pub mod snapshot;

pub mod summary;

pub mod words;

pub mod plot;

pub mod report;

pub mod folder;

pub mod sweep;

pub mod meter;
