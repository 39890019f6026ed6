//! One peer: libp2p swarm, sled store, search, local API. (Map grows with the modules.)

pub mod home;
