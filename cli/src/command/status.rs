//! `souk status`: how the node is and whom it is connected to.

use super::Context;
use crate::answer::Status;
use crate::client::shaped;
use crate::failure::Failure;
use crate::output::{Table, count, size, strong};
use crate::pick::{person, short};
use souk_protocol::api::Past;

/// Shows it.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let value = context.client()?.read("/status", &[])?;
    context.output.object(&value);
    let status: Status = shaped("/status", value)?;
    let out = context.output;
    out.line(strong(&person(status.name.as_deref(), &status.author)));
    out.line(format!("souk {} on {}", status.version, status.home));
    out.line(format!("api      {}", status.api));
    for address in &status.listen {
        out.line(format!("listens  {address}"));
    }
    if let Some(line) = status.past.and_then(past) {
        out.line(strong(line));
    }
    out.line(format!("follows  {}", count(status.follows, "person", "people")));
    if let Some(shop) = &status.shop {
        out.line(format!(
            "shop     {} in {}",
            count(shop.listings, "listing", "listings"),
            shop.currency
        ));
    }
    if status.phones.on {
        let at = match status.phones.addresses.is_empty() {
            true => "cannot come in now".to_owned(),
            false => status.phones.addresses.join(" "),
        };
        out.line(format!("phones   {} paired; {at}", status.phones.paired));
    }
    out.line(format!("store    {}", size(status.store_bytes)));
    if status.peers.is_empty() {
        out.line("peers    none yet; `souk peer add ADDRESS` connects to one");
        return Ok(());
    }
    let mut table = Table::new(&["peer", "by", ">ms", "address"]);
    for peer in &status.peers {
        let who = match &peer.author {
            Some(author) => person(peer.name.as_deref(), author),
            None => short(&peer.device),
        };
        table.row([
            who,
            peer.transport.clone().unwrap_or_default(),
            peer.rtt_ms.map(|ms| format!("{ms:.1}")).unwrap_or_default(),
            peer.address.clone().unwrap_or_default(),
        ]);
    }
    out.table(&table);
    Ok(())
}

/// What the owner should know of the device's past; nothing once it is as any other.
fn past(past: Past) -> Option<&'static str> {
    match past {
        Past::Restored => {
            Some("restored: signs nothing until somebody who knows you has answered; `souk peer add ADDRESS`")
        }
        Past::Copied => Some(
            "a copied directory: signs nothing until somebody who knows you has answered; `souk peer add ADDRESS`",
        ),
        Past::Settled => None,
        Past::Outdated => Some(
            "an old copy: others hold more of this device than it does; stop it and use the newer one, or `souk recover`",
        ),
        Past::Revoked => {
            Some("revoked: another device was restored in its place; stop it, or `souk recover`")
        }
    }
}
