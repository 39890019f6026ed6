//! One peer of Souk on one machine.

pub mod store;
