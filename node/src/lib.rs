//! One peer of Souk. For now its network layer; see `spec/transport.md` and `spec/gossip.md`.

pub mod network;
