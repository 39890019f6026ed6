//! `souk device`: the devices that speak for one author, and letting another one in. The words that both
//! devices show are compared by the owner: typed here, or said yes to.

use super::{Context, up};
use crate::answer::{Devices, Status};
use crate::client::{Client, shaped};
use crate::failure::Failure;
use crate::output::{Table, moment, strong};
use crate::pick::short;
use clap::Subcommand;
use serde_json::Value;
use souk_protocol::api::{Command, Reply};
use souk_protocol::id::DeviceId;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often to look whether a device has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long to wait for one: as long as an invitation is good for.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// What `device` can do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Device {
    /// Show a code for another device of yours, and ask whether it is the one that comes
    Invite,
    /// Become another device of the one that shows the code; the directory must be new
    Join {
        /// The code that `souk device invite` shows on the other device
        #[arg(required = true)]
        code: Vec<String>,
        /// What to call this device
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Let the device in that shows these four words
    Confirm {
        /// The words, as the other device shows them
        #[arg(required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Your devices
    List,
    /// Throw a device out: nothing that it says afterwards counts
    Revoke {
        /// Its id, or the beginning of it
        device: String,
    },
}

/// Does it.
pub(crate) fn run(wish: &Device, context: &Context) -> Result<(), Failure> {
    match wish {
        Device::Invite => invite(context),
        Device::Join { code, name } => {
            let home = context.home.clone();
            up::join(&code.join(" "), name, context)?;
            context.output.line(format!("→ {}", start(&home)));
            Ok(())
        }
        Device::Confirm { words } => confirm(&context.client()?, &words.join(" "), context),
        Device::List => list(context),
        Device::Revoke { device } => revoke(device, context),
    }
}

fn start(home: &Path) -> String {
    match super::default_home() {
        Ok(default) if default == *home => "souk up".to_owned(),
        _ => format!("souk up --home {}", home.display()),
    }
}

fn invite(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let status: Status = client.read_as("/status", &[])?;
    let mut addresses = status.listen;
    // What reaches this machine from another one first.
    addresses.sort_by_key(|address| address.starts_with("/ip4/127.") || address.starts_with("/ip6/::1/"));
    addresses.truncate(ADDRESSES_MAX);
    let (value, reply) = client.command(&Command::InviteDevice { addresses })?;
    context.output.object(&value);
    let Reply::Invited { code, .. } = reply else {
        return Err(Failure::fault("the node answered something else than a code"));
    };
    let out = context.output;
    if out.is_json() {
        return Ok(());
    }
    out.line("On the other device, within ten minutes:");
    out.line("");
    out.line(format!("  souk device join {code}"));
    out.line("");
    out.line("Whoever has this code can ask to be you: show it to nobody else.");
    if !std::io::stdin().is_terminal() {
        out.line("→ souk device confirm WORDS, with the four words that it then shows");
        return Ok(());
    }
    let words = wait_for_words(&client)?;
    out.line(strong(&words));
    match agreed()? {
        true => confirm(&client, &words, context),
        false => {
            client.command(&Command::CloseInvitation)?;
            out.line("nothing was granted; the code is no longer good");
            Ok(())
        }
    }
}

/// Addresses that a code names at most: more make it long.
const ADDRESSES_MAX: usize = 6;

fn wait_for_words(client: &Client) -> Result<String, Failure> {
    let until = Instant::now() + WAIT_MAX;
    while Instant::now() < until {
        let devices: Devices = client.read_as("/devices", &[])?;
        if let Some(asks) = devices.asks {
            return Ok(asks.words);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(Failure::too_late(
        "no device used the code in time",
        "make a new one with `souk device invite`",
    ))
}

fn agreed() -> Result<bool, Failure> {
    let trouble = |error: std::io::Error| Failure::fault(format!("the terminal cannot be used: {error}"));
    let mut out = std::io::stdout();
    write!(out, "Does the other device show just these four words? [y/N] ")
        .and_then(|()| out.flush())
        .map_err(trouble)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(trouble)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn confirm(client: &Client, words: &str, context: &Context) -> Result<(), Failure> {
    let words = words.to_owned();
    let (value, reply) = client.command(&Command::ConfirmDevice { words })?;
    let line = match reply {
        Reply::Device { device } => format!("{} is one of your devices now", short(&device)),
        _ => "done".to_owned(),
    };
    context.output.answer(&value, line);
    Ok(())
}

fn list(context: &Context) -> Result<(), Failure> {
    let value: Value = context.client()?.read("/devices", &[])?;
    context.output.object(&value);
    let devices: Devices = shaped("/devices", value)?;
    let out = context.output;
    let mut table = Table::new(&["device", "called", "since", "", "id"]);
    for device in &devices.items {
        let how = match (device.this, device.primary, device.connected) {
            (true, true, _) => "this one, primary",
            (true, false, _) => "this one",
            (false, true, true) => "primary, connected",
            (false, true, false) => "primary, away",
            (false, false, true) => "connected",
            (false, false, false) => "away",
        };
        table.row([
            short(&device.device),
            device.name.clone(),
            device.since.map(moment).unwrap_or_default(),
            how.to_owned(),
            device.device.to_string(),
        ]);
    }
    out.table(&table);
    if devices.revoked {
        out.line("this device was revoked: nothing that it says counts any more");
    } else if devices.together {
        out.line("together: this device has all of the shop");
    } else {
        out.line("waiting for the shop's documents: keep this device and the primary connected");
    }
    if let Some(asks) = &devices.asks {
        out.line(format!(
            "a device asks to come in, with the words: {}",
            asks.words
        ));
        out.line("→ souk device confirm WORDS, if the device in front of you shows the same");
    }
    Ok(())
}

fn revoke(text: &str, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let devices: Devices = client.read_as("/devices", &[])?;
    let others = devices.items.iter().filter(|device| !device.this);
    let fits: Vec<DeviceId> = others
        .map(|device| device.device)
        .filter(|device| device.to_string().starts_with(text))
        .collect();
    let device = match fits.as_slice() {
        [device] => *device,
        [] => {
            return Err(Failure::not_found(
                format!("you have no other device '{text}'"),
                "see your devices with `souk device list`",
            ));
        }
        several => {
            let shown: Vec<String> = several.iter().map(DeviceId::to_string).collect();
            return Err(Failure::ambiguous("devices", text, &shown));
        }
    };
    let (value, _) = client.command(&Command::RevokeDevice { device })?;
    let line = format!(
        "{} is none of your devices any more; look over your prices and your stock",
        short(&device)
    );
    context.output.answer(&value, line);
    Ok(())
}
