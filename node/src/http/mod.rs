//! The local API and the node's page: HTTP/1.1 on 127.0.0.1, for the owner alone.
//!
//! Everything that the command line and the pages do goes through here, so that other programs can do
//! the same. Nothing is decided here: a request becomes a command to the peer or a query of the
//! records, and its answer. Only this module names axum. Described in `spec/api.md`.
//!
//! | file | what it holds |
//! |---|---|
//! | `limits` | every bound, by name |
//! | `problem` | every "no", with its status and words |
//! | `phones` | paired phones |
//! | `door` | who may come in |
//! | `inventory` | the owner's listings, in memory |
//! | `imports` | the product file that waits for the owner's word |
//! | `app` | what all handlers share, and how they read a request |
//! | `command` | commands, and their repetition by key |
//! | `people` `shops` `search` `trade` | queries |
//! | `node` | the node itself: status, peers, links, health, stop |
//! | `product_file` | import and export |
//! | `backup` | everything that is remembered, for a backup |
//! | `events` | what happens, as a stream |
//! | `metrics` | numbers for Prometheus |
//! | `pages` | the node's page |
//! | `shape` | the JSON shapes, for the API's description |
//! | `route` | every route, once: the router and the description are made from it |
//! | `openapi` | the description |
//! | `gate` | what every request passes before and after its handler |
//! | `server` | the listener and its connections |
//! | `lan` | the listener for paired phones |
//! | `storefront` | the listener for everybody else |

mod app;
mod backup;
mod command;
mod door;
mod events;
mod gate;
mod imports;
mod inventory;
mod lan;
pub mod limits;
mod metrics;
mod node;
mod openapi;
mod pages;
mod people;
mod phones;
mod problem;
mod product_file;
mod route;
mod search;
mod server;
mod shape;
mod shops;
mod storefront;
mod trade;

pub use lan::{PhoneServer, serve_phones};
pub use server::{Api, ServeError, serve};
pub use storefront::{Storefront, serve_storefront};

use crate::node::{CommandError, Node, NodeStatus};
