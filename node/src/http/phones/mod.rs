//! Paired phones: which there are, how one comes in, and what one may do. The listener is in `lan`.
//! Described in `spec/api.md`, "Phones".
//!
//! | file | what it holds |
//! |---|---|
//! | `rights` | what a phone may ask for, and what it may have done |
//! | `near` | addresses of the local network |
//! | `certificate` | the certificate and its fingerprint |
//! | `codes` | codes that pair, and how often one may be wrong |
//! | `roster` | all of it together, and on disk |

mod certificate;
mod codes;
mod near;
pub(super) mod rights;
mod roster;

pub(super) use certificate::{config, fingerprint};
pub(super) use near::{host, is_near};
pub(super) use roster::{AtPhone, Listening, Phones, PhonesView, Turn, Why};
