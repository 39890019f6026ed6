//! The owner's devices, and one that wants to become one of them.

use crate::id::{AuthorId, DeviceId};
use crate::identity::Grant;
use crate::peer;
use crate::records::{Fault, Records, Tree};
use crate::text::Name;
use crate::time::Timestamp;
use serde::Serialize;

/// The device that looks.
#[derive(Debug, Clone, Copy)]
pub struct This {
    /// For whom it speaks.
    pub author: AuthorId,
    /// Which it is.
    pub device: DeviceId,
    /// The epoch of the grant that it started with.
    pub epoch: u32,
    /// The device that let it in, if one did.
    pub primary: Option<DeviceId>,
}

/// One of the owner's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Which.
    pub device: DeviceId,
    /// What its owner calls it; empty if that is not known here.
    pub name: Name,
    /// Whether it is the one that looks.
    pub this: bool,
    /// Whether it does what one device alone may do.
    pub primary: bool,
    /// Whether it is connected to the one that looks.
    pub connected: bool,
    /// Since when it is known here.
    pub since: Option<Timestamp>,
}

/// A device that wants to become one of the owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskingView {
    /// Which.
    pub device: DeviceId,
    /// What its owner calls it.
    pub name: Name,
    /// The words that it shows too, if it is the one in front of the owner.
    pub words: String,
}

/// The owner's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DevicesView {
    /// All that are known here, this one first.
    pub items: Vec<DeviceView>,
    /// Whether this device has the shop's documents, so that it can edit.
    pub together: bool,
    /// Whether this device was revoked.
    pub revoked: bool,
    /// Who waits for the owner to compare words.
    pub asks: Option<AskingView>,
    /// Until when an invitation is open.
    pub ends: Option<Timestamp>,
}

/// The owner's devices, of which these are connected.
pub fn devices(
    records: &dyn Records,
    this: &This,
    connected: &[DeviceId],
    now: Timestamp,
) -> Result<DevicesView, Fault> {
    let primary = peer::primary(records)?.or(this.primary).unwrap_or(this.device);
    let mut items = vec![DeviceView {
        device: this.device,
        name: Name::default(),
        this: true,
        primary: primary == this.device,
        connected: false,
        since: None,
    }];
    for (device, sibling) in peer::siblings(records)? {
        items.push(DeviceView {
            device,
            name: sibling.name,
            this: false,
            primary: primary == device,
            connected: connected.contains(&device),
            since: Some(sibling.since),
        });
    }
    let grant: Option<Grant> = row(records, peer::GRANT)?;
    let epoch = grant.map_or(this.epoch, |grant| grant.epoch.max(this.epoch));
    let abreast: Option<u32> = row(records, peer::ABREAST)?;
    let invited = peer::invited(records, now)?;
    let ends = invited.as_ref().map(|invited| invited.ends);
    let asks = invited.and_then(|invited| invited.joiner).and_then(|joiner| {
        let granted = items.iter().any(|item| item.device == joiner.device);
        (!granted).then_some(AskingView {
            device: joiner.device,
            name: joiner.name,
            words: joiner.words?,
        })
    });
    Ok(DevicesView {
        together: abreast.map_or(primary == this.device, |abreast| abreast >= epoch),
        revoked: records.revocation(&this.author, &this.device)?.is_some(),
        items,
        asks,
        ends,
    })
}

fn row<T: serde::Serialize + serde::de::DeserializeOwned>(
    records: &dyn Records,
    key: &[u8],
) -> Result<Option<T>, Fault> {
    let Some(value) = records.get(Tree::Me, key)? else {
        return Ok(None);
    };
    crate::codec::decode(&value)
        .map(Some)
        .map_err(|error| Fault::Damaged {
            tree: Tree::Me.name(),
            key: data_encoding::HEXLOWER.encode(key),
            reason: error.to_string(),
        })
}
