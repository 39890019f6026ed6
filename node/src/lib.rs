//! One peer of Souk. (The lead's map; these are the rooms that this branch has.)

pub mod network;
pub mod products;
pub mod search;

pub mod home;

pub mod node;

pub mod http;
