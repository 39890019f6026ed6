//! The laws: what must hold after every step, and what must hold once all is healed. They read the
//! signed messages for themselves where they can, so that a mistake of the protocol's folds is not
//! repeated here.

mod agreement;
mod hands;
mod orders;
mod promises;
mod shop;
mod stock;
mod tabs;

pub use agreement::agreement;
pub use hands::{order_hands, tab_hands};
pub use orders::{Fold, fold, fold_every_word, fold_first_come, order};
pub use promises::{Exposure, Witness, bought, exposed, exposure, few_open, granted, pushed, witnesses};
pub use shop::{Reading, document_sizes, read, read_newest};
pub use stock::stock;
pub use tabs::{Link, chain, chain_of, receipt, tab, tab_goes_on};

use crate::book::Book;
use crate::chance::Chance;
use crate::law::{Broken, Law};
use souk_protocol::body::Body;
use souk_protocol::envelope::Signed;
use souk_protocol::filed::Filed;
use souk_protocol::id::{AuthorId, DeviceId, EnvelopeId, ListingId, OrderId, StateId, TabId, VariantId};
use souk_protocol::market;
use souk_protocol::order::{Act, ActKind, Done, Order, OrderMessage, State, next};
use souk_protocol::quote::Due;
use souk_protocol::records::{Fault, Range, Records, Tree};
use souk_protocol::settlement::Rail;
use souk_protocol::stock::{Stock, Tally};
use souk_protocol::sync::Digests;
use souk_protocol::tab::{Change, TabAct, TabState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A node, as the laws see it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Its number.
    pub at: usize,
    /// Its author.
    pub author: AuthorId,
    /// Its device.
    pub device: DeviceId,
    /// Its store.
    pub store: &'a dyn Records,
}

fn faulty(at: usize) -> impl Fn(Fault) -> Broken {
    move |fault| Broken::new(Law::NoFault, fault.to_string(), [at])
}
