//! What Souk's nodes say to each other, and what it means.
//!
//! This crate is pure: it reads no clock, opens no socket or file, draws no random number and
//! iterates over no hash map, so the same inputs give the same outputs in a node, in a simulation
//! and in another implementation. Time and randomness are handed in; what is to be remembered or
//! said is handed out as a [`peer::Step`]. The bytes are written down in `spec/`.
//!
//! A file imports only files that stand above it in this map.

pub mod limits;

pub mod id;
pub mod money;
pub mod text;
pub mod time;

pub mod codec;
pub mod identity;

pub mod listing;
pub mod shop;
pub mod stock;

pub mod follow;
pub mod post;
pub mod profile;
pub mod vouch;

pub mod filed;

pub mod settlement;

pub mod quote;
pub mod receipt;

pub mod order;
pub mod review;
pub mod tab;

pub mod room;

pub mod body;

pub mod envelope;

pub mod records;

pub mod admission;
pub mod backup;

pub mod pairing;

pub mod sync;

pub mod catalog;
pub mod feed;
pub mod market;

pub mod api;

pub mod peer;

pub mod view;
