//! The command line: what can be said, and its help. What each command takes stands in that
//! command's own file.

use crate::command::{
    address, backup, buy, device, feed, follow, id, open, orders, passphrase, peer, post, profile, review,
    search, service, shop, tab, up, vouch,
};
use crate::demo;
use crate::failure::EXIT_CODES;
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

/// A social market without a middleman: your people, your feed, your shop, your orders, on your
/// machine. Without a command it starts your node, as `souk up` does.
#[derive(Debug, Parser)]
#[command(name = "souk", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The node's directory; without it the platform's place for data
    #[arg(long, global = true, env = "SOUK_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// Answer with JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) wish: Option<Wish>,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Wish {
    /// Start your node and keep it running until Ctrl-C
    Up(up::Up),
    /// Open your node's page in the browser
    Open(open::Open),
    /// Start your node with the computer
    Service {
        #[command(subcommand)]
        wish: service::Service,
    },
    /// Make an identity without starting a node
    Init(up::Init),
    /// How your node is and whom it is connected to
    Status,
    /// Who you are on this node
    Id(id::Id),
    /// Show a profile, or set your own
    Profile(profile::Profile),
    /// Follow somebody; without a name, list whom you follow
    Follow(follow::Follow),
    /// Say something in public, pass it on, or react to it
    Post(post::Post),
    /// What the people you follow posted, vouched for and reviewed
    Feed(feed::Feed),
    /// Vouch for somebody
    Vouch(vouch::Vouch),
    /// Search the listings that your node holds
    Search(search::Search),
    /// Your shop, and other people's
    Shop {
        #[command(subcommand)]
        wish: shop::Shop,
    },
    /// Ask a shop for a quote and order
    Buy(buy::Buy),
    /// Orders of yours, on either side
    Orders {
        #[command(subcommand)]
        wish: orders::Orders,
    },
    /// Credit between you and people you trust
    Tab {
        #[command(subcommand)]
        wish: tab::Tab,
    },
    /// Review what you bought
    Review(review::Review),
    /// Delivery addresses kept on this node only
    Address {
        #[command(subcommand)]
        wish: address::Address,
    },
    /// Your devices: let another one in, or throw one out
    Device {
        #[command(subcommand)]
        wish: device::Device,
    },
    /// Connections to other nodes
    Peer {
        #[command(subcommand)]
        wish: peer::Peer,
    },
    /// Write everything of your node into one encrypted file
    Backup(backup::Backup),
    /// Bring back a node from its backup, or who you are from the 24 words, on a new device
    Restore(backup::Restore),
    /// Make this directory a new device of yours, when it is an old copy or was revoked
    Recover(backup::Recover),
    /// Close your keys with a passphrase
    Passphrase {
        #[command(subcommand)]
        wish: passphrase::Wish,
    },
    /// Stop the node that runs on this directory
    Stop,
    /// See it work: three nodes here, one purchase between them
    Demo(demo::Demo),
    /// Completions for a shell, on standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Default for Wish {
    fn default() -> Self {
        Self::Up(up::Up::default())
    }
}

/// Writes the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "souk", &mut bytes);
    crate::output::bytes(&bytes);
}

/// What clap says is wrong, without the usage that follows it.
pub(crate) fn first_sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let sentence: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).collect();
    sentence
        .join(" ")
        .trim_start_matches("error: ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("souk").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_a_command_one_s_own_node_starts() {
        let arguments = parsed("").unwrap();
        assert!(matches!(arguments.wish.unwrap_or_default(), Wish::Up(_)));
    }

    #[test]
    fn home_and_json_may_stand_anywhere() {
        for line in ["--json --home /tmp/a status", "status --home /tmp/a --json"] {
            let arguments = parsed(line).unwrap();
            assert!(
                arguments.json && arguments.home == Some("/tmp/a".into()),
                "{line}"
            );
        }
    }

    #[test]
    fn all_that_the_stories_say_is_understood() {
        for line in [
            "up --peer /ip4/127.0.0.1/udp/1/quic-v1 --peer /ip4/127.0.0.1/tcp/2 --no-mdns --api-port 0 --name a",
            "init --name alice",
            "id --words",
            "profile alice",
            "profile --name alice --about weaver",
            "follow",
            "follow bob --public",
            "follow bob --remove",
            "post hello --tag bob/blue-shirt --tag bob/red-shirt",
            "post yes --reply-to bafyr4i",
            "post --reshare bafyr4i",
            "post 👍 --react bafyr4i",
            "feed --limit 5",
            "vouch bob --category people --why kind",
            "vouch bob --withdraw",
            "search blue shirt --max 30 --currency EUR --in-stock",
            "shop import products.csv --currency EUR --drafts",
            "shop list --shop bob",
            "shop show blue-shirt --shop bob",
            "shop edit blue-shirt --title Blue --price Small=12.50 --publish",
            "shop edit blue-shirt --remove",
            "shop stock blue-shirt --variant Small 7",
            "shop stock blue-shirt --untracked",
            "shop terms",
            "shop terms --currency EUR --shipping 4.90 --free-from 50 --returns-days 14",
            "shop export",
            "buy bob blue-shirt --variant Small --units 2 --country DE --address home --rail tab --yes --wait",
            "orders list",
            "orders show order-abc",
            "orders accept order-abc",
            "orders decline order-abc too far",
            "orders ship order-abc --carrier post --tracking 1",
            "orders cancel order-abc",
            "orders pay order-abc --reference x",
            "orders arrived order-abc",
            "orders received order-abc",
            "orders lapse order-abc",
            "tab grant bob 50 EUR --vouched",
            "tab show bob",
            "review order-abc 5 lovely --listing blue-shirt",
            "address save home --country DE --line Street --line Town",
            "address list",
            "device invite",
            "device join pair-abc --name laptop",
            "device confirm able baker cat dog",
            "device list",
            "device revoke device-abc",
            "peer add /ip4/127.0.0.1/udp/1/quic-v1/p2p/12D3",
            "backup souk.backup --force --backup-passphrase-file a --passphrase-file b",
            "restore souk.backup --backup-passphrase-file a",
            "restore --words",
            "restore --words-file words",
            "recover",
            "passphrase set --new-passphrase-file a",
            "passphrase change --passphrase-file a --new-passphrase-file b",
            "passphrase remove --passphrase-file a",
            "stop",
            "open",
            "open /orders --print",
            "service install --peer /ip4/127.0.0.1/udp/1/quic-v1 --no-mdns --api-port 7000 --dry-run",
            "service remove --dry-run",
            "service status",
            "demo --catalog a.csv --currency USD --stay",
            "completions bash",
        ] {
            if let Err(error) = parsed(line) {
                panic!("souk {line}: {error}");
            }
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for line in [
            "follow bob --public --remove",
            "shop edit a --publish --unpublish",
            "shop stock a 7 --untracked",
            "shop stock a",
            "buy bob a --address home --address-line x",
            "post hello --reply-to a --reshare b",
            "post",
            "review order-abc 6",
            "tab grant bob",
            "restore",
            "backup",
            "passphrase",
            "service",
            "service install --name alice",
            "open //eve.example",
            "open orders",
            "help",
            "nothing",
        ] {
            assert!(parsed(line).is_err(), "souk {line}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_one_sentence() {
        let error = parsed("shop stock a 7 --untracked").unwrap_err();
        let sentence = first_sentence(&error);
        assert!(
            !sentence.contains('\n') && sentence.contains("--untracked"),
            "{sentence}"
        );
    }
}
