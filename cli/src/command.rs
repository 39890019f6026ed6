//! The commands, one file each.

pub(crate) mod address;
pub(crate) mod backup;
pub(crate) mod device;
pub(crate) mod feed;
pub(crate) mod follow;
pub(crate) mod id;
pub(crate) mod open;
pub(crate) mod orders;
pub(crate) mod passphrase;
pub(crate) mod peer;
pub(crate) mod post;
pub(crate) mod profile;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod service;
pub(crate) mod shop;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod tab;
pub(crate) mod up;
pub(crate) mod vouch;

pub(crate) mod buy;

pub(crate) use shop::import_file;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use std::path::PathBuf;

/// Where a command works and how it answers.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The node's directory.
    pub(crate) home: PathBuf,
    /// How to answer.
    pub(crate) output: Output,
}

impl Context {
    /// The node that runs on the directory.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::of(&self.home)
    }
}

/// The platform's place for a program's data.
pub(crate) fn default_home() -> Result<PathBuf, Failure> {
    directories::ProjectDirs::from("", "", "souk")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| {
            Failure::usage(
                "this user has no home directory",
                "name a directory with --home or SOUK_HOME",
            )
        })
}
