//! `souk up`: runs the node of a directory in this process. `souk init`, `souk device join` and `souk id --words`,
//! which need the directory without a running node, are here too; backups and passphrases have files of their own.

use super::Context;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::output::{Output, strong};
use crate::secret;
use clap::Args;
use serde_json::{Value, json};
use souk_node::home::{Home, HomeError};
use souk_node::http::ServeError;
use souk_node::join::{Join, JoinError};
use souk_node::node::StartError;
use souk_node::store::OpenStoreError;
use souk_node::vault::Passphrase;
use souk_node::{Config, Ready, RunError};
use souk_protocol::pairing::PairError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, to standard error.
const LOG: &str = "SOUK_LOG";
/// How long a node may take to stop when its parent is gone.
const STOP_MAX: Duration = Duration::from_secs(15);
/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What `up` takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    reach: Reach,
    /// How you want to be called, if the identity is new
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    keys: KeysPassphrase,
    /// Stop when standard input ends: with the program that started this one
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// How a node reaches others and is reached.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reach {
    /// A node to connect to: /ip4/…/p2p/…; may be repeated
    #[arg(long = "peer", value_name = "ADDRESS")]
    peers: Vec<String>,
    /// Where to listen for peers, as IP:PORT; may be repeated. Without it everywhere
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Do not look for nodes on the local network
    #[arg(long)]
    no_mdns: bool,
    /// Port of the local API; 0 takes any, without it the one of last time
    #[arg(long, value_name = "PORT")]
    api_port: Option<u16>,
    /// Serve your shop read-only to ordinary browsers there, as IP:PORT
    #[arg(long, value_name = "ADDRESS")]
    storefront: Option<String>,
    /// How the world reaches that, such as `https://shop.example`; without it by its address
    #[arg(long, value_name = "URL", requires = "storefront")]
    storefront_url: Option<String>,
    /// Where phones reach your page once you let them in, as IP:PORT. Without it in the whole local network
    #[arg(long, value_name = "ADDRESS")]
    phones: Option<String>,
}

impl Reach {
    /// The same again, as one types it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let repeated = |name: &str, values: &[String]| -> Vec<String> {
            values
                .iter()
                .flat_map(|value| [name.to_owned(), value.clone()])
                .collect()
        };
        let mut arguments = repeated("--peer", &self.peers);
        arguments.extend(repeated("--listen", &self.listen));
        if self.no_mdns {
            arguments.push("--no-mdns".to_owned());
        }
        if let Some(port) = self.api_port {
            arguments.extend(["--api-port".to_owned(), port.to_string()]);
        }
        for (name, value) in [
            ("--storefront", &self.storefront),
            ("--storefront-url", &self.storefront_url),
            ("--phones", &self.phones),
        ] {
            if let Some(value) = value {
                arguments.extend([name.to_owned(), value.clone()]);
            }
        }
        arguments
    }
}

/// What opens the keys of a directory, if a passphrase closes them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeysPassphrase {
    /// A file with the passphrase that closes your keys; without it you are asked if there is one
    #[arg(long, value_name = "FILE", env = "SOUK_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl KeysPassphrase {
    /// The passphrase, if one is needed or a file is named.
    pub(crate) fn ask(&self, home: &Path) -> Result<Option<Passphrase>, Failure> {
        if let Some(path) = &self.passphrase_file {
            return secret::from_file(path).map(Some);
        }
        match Home::is_locked(home).map_err(|error| home_refused(&error))? {
            true => secret::passphrase(None, "--passphrase-file", "Passphrase of your keys: ").map(Some),
            false => Ok(None),
        }
    }
}

/// What `init` takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Init {
    /// How you want to be called
    #[arg(long)]
    name: Option<String>,
}

/// Runs a node until it is stopped.
pub(crate) fn run(wish: &Up, context: &Context) -> Result<(), Failure> {
    log();
    if wish.with_parent {
        let home = context.home.clone();
        std::thread::spawn(move || stop_with_parent(&home));
    }
    let config = Config {
        home: context.home.clone(),
        listen: wish.reach.listen.clone(),
        peers: wish.reach.peers.clone(),
        mdns: !wish.reach.no_mdns,
        api_port: wish.reach.api_port,
        storefront: at("--storefront", wish.reach.storefront.as_deref())?,
        storefront_url: wish
            .reach
            .storefront_url
            .as_deref()
            .map(web_address)
            .transpose()?,
        phones: at("--phones", wish.reach.phones.as_deref())?,
        name: wish.name.clone(),
        passphrase: wish.keys.ask(&context.home)?,
    };
    souk_node::run(config, |ready| announce(ready, context.output)).map_err(|error| refused(&error))?;
    context.output.line("stopped");
    Ok(())
}

/// An address after an option.
fn at(option: &str, text: Option<&str>) -> Result<Option<SocketAddr>, Failure> {
    let parsed = text.map(|text| {
        text.parse().map_err(|_| {
            Failure::usage(
                format!("expected an address such as 127.0.0.1:8080 after {option}, got '{text}'"),
                "write it like 127.0.0.1:8080, or 0.0.0.0:8080 for all who can reach this machine",
            )
        })
    });
    parsed.transpose()
}

fn web_address(text: &str) -> Result<String, Failure> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '?' | '#');
    match rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain)) {
        true => Ok(text.to_owned()),
        false => Err(Failure::usage(
            format!("expected a web address after --storefront-url, got '{text}'"),
            "write it like https://shop.example",
        )),
    }
}

/// Makes an identity without starting a node.
pub(crate) fn init(wish: &Init, context: &Context) -> Result<(), Failure> {
    let (author, device, words) =
        souk_node::init(&context.home, wish.name.as_deref()).map_err(|error| home_refused(&error))?;
    context
        .output
        .object(&json!({"author": author, "device": device, "words": words}));
    context.output.line(format!("you are {author}"));
    keep(&words, context.output);
    context.output.line("→ souk up");
    Ok(())
}

/// Makes a directory for a device that another one lets in, without starting a node.
pub(crate) fn join(code: &str, name: &str, context: &Context) -> Result<(), Failure> {
    let out = context.output;
    let wish = Join {
        home: context.home.clone(),
        code: code.to_owned(),
        name: name.to_owned(),
        network: None,
    };
    let show = |words: &str| {
        out.object_line(&json!({ "words": words }));
        out.line("Compare these four words with those on the other device, and say yes there:");
        out.line("");
        out.line(format!("  {}", strong(words)));
        out.line("");
    };
    let joined = souk_node::join::join(&wish, show).map_err(|error| match &error {
        JoinError::Home(error) => home_refused(error),
        JoinError::Pair(PairError::Code | PairError::Checksum) => {
            Failure::usage(error.to_string(), error.next())
        }
        JoinError::Away(_) | JoinError::Silent(_) => {
            Failure::refused("unreachable", error.to_string(), error.next())
        }
        JoinError::Runtime(_) => Failure::fault(error.to_string()),
        JoinError::Late => Failure::too_late(error.to_string(), error.next()),
        _ => Failure::refused("not_allowed", error.to_string(), error.next()),
    })?;
    out.object_line(&json!({"author": joined.author, "device": joined.device}));
    out.line(format!("this device speaks for {} now", joined.author));
    Ok(())
}

/// The words that bring the identity of a directory back. They stand in the file of keys, unless the
/// owner keeps them on paper alone.
pub(crate) fn words(home: &Path, keys: &KeysPassphrase) -> Result<String, Failure> {
    let owner = Home::owner(home, keys.ask(home)?.as_ref()).map_err(|error| match error {
        HomeError::Absent { .. } => Failure::not_found(
            format!("{} has no identity yet", home.display()),
            "make one with `souk init`, or name its directory with --home",
        ),
        error => home_refused(&error),
    })?;
    if owner.words.is_none() && Home::was_let_in(home) {
        return Err(Failure::not_found(
            "the 24 words are on the device that let this one in",
            "run `souk id --words` there",
        ));
    }
    owner.words.map(|words| words.to_string()).ok_or_else(|| {
        Failure::not_found(
            format!("the words were taken out of {}", home.display()),
            "look for the paper that they were written on",
        )
    })
}

fn log() {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(console::colors_enabled_stderr());
    // A second subscriber cannot be: this is the only place that sets one.
    let _ = subscriber.try_init();
}

fn announce(ready: &Ready, out: Output) {
    if out.is_json() {
        return out.object_line(&announcement(ready));
    }
    out.line(strong(&format!("you are {}", ready.author)));
    if let Some(words) = &ready.new_identity_words {
        keep(words, out);
    }
    out.line(format!("api    {}", ready.api_url));
    out.line(format!(
        "page   {} (works once, for ten minutes)",
        ready.login_url
    ));
    if let Some(url) = &ready.storefront_url {
        out.line(format!("shop   {url} (for everybody, read-only)"));
    }
    for address in &ready.peer_addresses {
        out.line(format!("peers  {address}"));
    }
    out.line("Ctrl-C stops it");
}

fn announcement(ready: &Ready) -> Value {
    json!({
        "api": ready.api_url,
        "login": ready.login_url,
        "storefront": ready.storefront_url,
        "author": ready.author,
        "device": ready.device,
        "peer_addresses": ready.peer_addresses,
        "new_identity_words": ready.new_identity_words,
    })
}

fn keep(words: &str, out: Output) {
    out.line("");
    out.line("These 24 words are your identity. Whoever has them is you; without them a lost");
    out.line("machine is a lost identity. Write them on paper now and keep it where others");
    out.line("cannot read it. `souk id --words` shows them again.");
    out.line("");
    let words: Vec<&str> = words.split_whitespace().collect();
    for (row, four) in words.chunks(4).enumerate() {
        let cells: Vec<String> = four
            .iter()
            .enumerate()
            .map(|(n, word)| format!("{:>2} {word:<10}", row * 4 + n + 1))
            .collect();
        out.line(format!("  {}", cells.join(" ").trim_end()));
    }
    out.line("");
}

/// Ends this process soon after whoever started it has gone: then nobody holds the other end of
/// standard input. The node stops in order if it can, as when asked by `souk stop`.
fn stop_with_parent(home: &Path) {
    // Whatever comes is thrown away; an error means the same as the end.
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    let deadline = Instant::now() + STOP_MAX;
    while Instant::now() < deadline {
        if let Ok(client) = Client::of(home) {
            // Asked again as long as the node is there, since it may not serve yet.
            let _ = client.post("/stop", &json!({}));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    std::process::exit(Exit::Interrupted as i32);
}

fn refused(error: &RunError) -> Failure {
    let message = error.to_string();
    match error {
        RunError::Home(error) | RunError::Start(StartError::Home(error)) => home_refused(error),
        RunError::Serve(ServeError::Home(error)) => home_refused(error),
        RunError::Serve(error @ ServeError::PortTaken { .. }) => {
            Failure::cannot_start("port_taken", message, error.next())
        }
        RunError::Serve(error @ ServeError::Storefront { source, .. })
            if source.kind() == std::io::ErrorKind::AddrInUse =>
        {
            Failure::cannot_start("port_taken", message, error.next())
        }
        RunError::Serve(error) => Failure::cannot_start("cannot_listen", message, error.next()),
        RunError::Start(StartError::Network(_)) => Failure::cannot_start(
            "cannot_listen",
            message,
            "check the addresses after --peer and --listen; without --listen free ports are taken",
        ),
        RunError::Start(StartError::Store(OpenStoreError::Newer { .. })) => Failure::cannot_start(
            "newer_store",
            message,
            "start the newer program; this one has changed nothing",
        ),
        RunError::Start(StartError::Store(OpenStoreError::InUse { .. })) => Failure::cannot_start(
            "already_running",
            message,
            "use that one, stop it, or choose another directory with --home",
        ),
        RunError::Start(_) => Failure::cannot_start(
            "cannot_open",
            message,
            "see that the disk has room and is sound; a backup of the directory can be put back",
        ),
        RunError::Listen(_) => Failure::usage(message, "write it like 0.0.0.0:0 or [::1]:4000"),
        RunError::Fault(_) => Failure::stopped(message),
        RunError::SetUp(_) | RunError::Runtime(_) => Failure::fault(message),
    }
}

pub(crate) fn home_refused(error: &HomeError) -> Failure {
    let (message, next) = (error.to_string(), error.next());
    match error {
        HomeError::InUse { .. } => Failure::cannot_start("already_running", message, next),
        HomeError::NotWritable { .. } | HomeError::NotReadable { .. } | HomeError::TooOpen { .. } => {
            Failure::unusable(message, next)
        }
        HomeError::WrongPassphrase { .. } => Failure::cannot_start("wrong_passphrase", message, next),
        HomeError::Random(_) | HomeError::Identity(_) => Failure::fault(message),
        _ => Failure::cannot_start("identity", message, next),
    }
}
