//! One peer: an input in, a step out.
//!
//! ```text
//! let step = peer.handle(now, input, &records)?; // pure: reads and decides
//! store.commit(step.writes)?;                    // then remembers, durably
//! for action in step.actions { perform(action) } // then speaks
//! ```
//!
//! The same code runs in a node and in a simulation. What the peer keeps in memory (who is connected,
//! which answers are awaited) is lost without harm when it stops: [`Peer::start`] makes it again from
//! the records. Described in `spec/architecture.md`.

mod deliver;
mod devices;
mod documents;
mod folds;
mod holds;
mod link;
mod offer;
mod past;
mod payment;
mod receive;
mod say;
mod shop;
mod social;
mod step;
mod succession;
mod tabs;
mod together;
mod trade;
mod turn;
mod units;

pub use crate::sync::ShopWays;
pub(crate) use devices::GRANT;
pub use devices::{Invited, Joiner, Sibling, invited, primary, siblings};
pub(crate) use documents::ABREAST;
pub use past::{copied, own_past};
pub use social::Address;
pub use step::{Action, Checked, Input, Step};
pub use tabs::{read_tab, tab_parties};
pub use together::own_ways;
pub use trade::read_order;

use crate::admission::Quotas;
use crate::api::{Code, Command, Refused, Reply};
use crate::codec;
use crate::id::{AuthorId, DeviceId, ListingId, OrderId, TabId, VariantId};
use crate::identity::{DeviceKey, Grant, GrantCache, RootKey};
use crate::limits::SOUGHT_AT_START_MAX;
use crate::quote::Line;
use crate::records::{Fault, Range, Records, Tree};
use crate::sync::Digests;
use crate::time::{Hybrid, Timestamp};
use folds::Folds;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use turn::Turn;

/// What this device signs with.
pub struct Keys {
    /// The device's key.
    pub device: DeviceKey,
    /// For whom it speaks.
    pub author: AuthorId,
    /// The author's word for that.
    pub grant: Grant,
}

/// How an author is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// Since when.
    pub since: Timestamp,
    /// Whether that was said in public.
    pub public: bool,
}

/// A connection to a device.
#[derive(Debug, Default)]
struct Session {
    /// For whom the device speaks, once it said so and proved it.
    author: Option<AuthorId>,
    /// Whether it said hello by itself since it was connected.
    said_hello: bool,
    /// The author's word for it.
    grant: Option<Grant>,
    /// Whether it is known to be revoked: then it may read what is public, and learns so itself.
    revoked: bool,
    /// Whom it asked about: it is told when there is much news of them.
    reads: BTreeSet<AuthorId>,
    /// When this node last said hello to it.
    greeted_ms: u64,
    /// When this node last asked what it holds.
    compared_ms: u64,
    /// Whether the last conversation with it broke off and was begun again soon; the next one that does waits.
    hurried: bool,
    /// When this node last asked for the author's copy of what is between the two.
    recalled_ms: Option<u64>,
}

/// An answer that is awaited.
#[derive(Debug)]
struct Exchange {
    with: DeviceId,
    purpose: Purpose,
}

/// What an answer is for.
#[derive(Debug)]
enum Purpose {
    Hello,
    Have,
    Buckets(AuthorId),
    States(AuthorId, Vec<u8>),
    Pull(Vec<(DeviceId, u64)>),
    Find,
    Proofs,
    Changed,
    Deliver(AuthorId, Vec<deliver::Sent>),
    Recall(AuthorId),
    Together,
    Sealed(Vec<u8>),
    Talk,
    Units(OrderId),
    Counts(Vec<(ListingId, VariantId)>),
    /// Nothing follows from the answer.
    Noted,
}

/// One peer of the network.
pub struct Peer {
    keys: Keys,
    clock: Hybrid,
    next_event: u64,
    follows: BTreeMap<AuthorId, Followed>,
    /// Shops that are looked up because a post names them.
    resolving: BTreeSet<AuthorId>,
    sessions: BTreeMap<DeviceId, Session>,
    exchanges: BTreeMap<u64, Exchange>,
    next_exchange: u64,
    sought: BTreeMap<AuthorId, u64>,
    later: BTreeMap<AuthorId, deliver::Later>,
    digests: BTreeMap<AuthorId, Digests>,
    grants: GrantCache,
    quotas: Quotas,
    /// Orders that are not settled: not over, or with money that is not given back.
    watched: BTreeMap<OrderId, Watched>,
    /// What this device knows of its own past.
    own: past::Own,
    folds: Folds,
    /// The author's root key, where it is.
    root: Option<RootKey>,
    /// What invitations are drawn from.
    chance: [u8; 32],
    /// The device that does what one device alone may do.
    primary: DeviceId,
    /// The author's other devices.
    siblings: BTreeMap<DeviceId, Sibling>,
    sought_siblings_ms: u64,
    /// Whether this device was revoked.
    is_out: bool,
    /// Whether this device has yet to get the shop's documents of its epoch.
    awaits: bool,
    /// Whether documents of an earlier epoch are still to be opened anew.
    reopening: bool,
    /// The digests of all sealed envelopes, until one comes.
    sealed: Option<Digests>,
    /// Documents that differ from those of another device.
    unlike: BTreeMap<DeviceId, BTreeSet<u8>>,
    /// Conversations about documents that this device began, and that others began.
    asking: BTreeMap<DeviceId, documents::Conversation>,
    answering: BTreeMap<DeviceId, documents::Conversation>,
    /// Asks that wait for units of another device.
    waits: BTreeMap<OrderId, units::Wait>,
    /// Tabs on which a payment waits for word of its order, and when to look again.
    unanswered: BTreeMap<TabId, u64>,
}

/// What is kept in memory of an order that is not settled, so that it need not be read to see whether it
/// matters. Nothing but the order is known of it until the peer has gone on with what was begun.
#[derive(Debug, Clone, Default)]
struct Watched {
    /// The other side.
    with: Option<AuthorId>,
    /// Whether this node's owner is the buyer.
    buys: bool,
    /// When to look at it again: the deadline that runs.
    deadline: Option<Timestamp>,
    /// What is held for it here. None as long as that is to be read from its row.
    held: Option<Vec<Line>>,
}

impl Watched {
    fn may_be_with(&self, author: &AuthorId) -> bool {
        self.with.is_none_or(|with| with == *author)
    }
}

const CLOCK: &[u8] = b"clock";

impl Peer {
    /// The peer that these keys and records make.
    pub fn start(mut keys: Keys, records: &dyn Records) -> Result<Self, Fault> {
        let own = past::Own::start(&mut keys, records)?;
        let clock = match records.get(Tree::Me, CLOCK)? {
            Some(bytes) => stored(Tree::Me, CLOCK, &bytes)?,
            None => Hybrid::default(),
        };
        let last = records.scan(Tree::Events, &Range::of([], 1).down())?;
        let last = last
            .first()
            .and_then(|(key, _)| <[u8; 8]>::try_from(key.as_slice()).ok())
            .map_or(0, u64::from_be_bytes);
        let mut follows = BTreeMap::new();
        for (key, value) in records.scan(Tree::Follows, &Range::of([], usize::MAX))? {
            let author = AuthorId::from_slice(&key).map_err(|error| Fault::Broken(error.to_string()))?;
            follows.insert(author, stored(Tree::Follows, &key, &value)?);
        }
        let mut watched = BTreeMap::new();
        for (key, _) in records.scan(Tree::Holds, &Range::of([], usize::MAX))? {
            watched.extend(OrderId::from_slice(&key).map(|order| (order, Watched::default())));
        }
        let primary = keys.device.device();
        let mut peer = Self {
            keys,
            clock,
            next_event: last + 1,
            follows,
            resolving: BTreeSet::new(),
            sessions: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            next_exchange: 1,
            sought: BTreeMap::new(),
            later: BTreeMap::new(),
            digests: BTreeMap::new(),
            grants: GrantCache::default(),
            quotas: Quotas::default(),
            watched,
            own,
            folds: Folds::default(),
            root: None,
            chance: [0; 32],
            primary,
            siblings: BTreeMap::new(),
            sought_siblings_ms: 0,
            is_out: false,
            unanswered: BTreeMap::new(),
            awaits: false,
            reopening: false,
            sealed: None,
            unlike: BTreeMap::new(),
            asking: BTreeMap::new(),
            answering: BTreeMap::new(),
            waits: BTreeMap::new(),
        };
        peer.recall_devices(records)?;
        peer.awaits = peer.waits_for_documents(records)?;
        peer.reopening = !peer.not_reopened(records)?.is_empty();
        Ok(peer)
    }

    /// For whom this peer speaks.
    pub fn author(&self) -> AuthorId {
        self.keys.author
    }

    /// Its device.
    pub fn device(&self) -> DeviceId {
        self.keys.device.device()
    }

    /// What follows from an input. Reads the records and changes nothing outside itself; after a
    /// fault the peer must be started again from the records.
    pub fn handle(&mut self, now: Timestamp, input: Input, records: &dyn Records) -> Result<Step, Fault> {
        // It was later already when this peer last said something: a clock that went back is not believed,
        // or else this peer would take its own words for words from the future.
        let now = now.max(Timestamp(self.clock.wall_ms));
        let mut turn = Turn::new(now, records, std::mem::take(&mut self.folds));
        match input {
            Input::Start => self.begin(&mut turn)?,
            Input::Tick => self.tick(&mut turn)?,
            Input::Command { ticket, command } => {
                let reply = self.command(&mut turn, *command)?;
                turn.act(Action::Reply { ticket, reply });
            }
            Input::Connected(device) => self.say_hello(&mut turn, device),
            Input::Disconnected(device) => self.disconnected(&mut turn, device),
            Input::Heard {
                gossip,
                from,
                envelope,
            } => self.heard(&mut turn, gossip, from, *envelope)?,
            Input::Asked {
                question,
                from,
                request,
            } => {
                let answer = self.asked(&mut turn, from, request)?;
                turn.act(Action::Answer { question, answer });
            }
            Input::Answered { exchange, answer } => self.answered(&mut turn, exchange, answer)?,
        }
        let (step, folds) = turn.finish(&mut self.next_event)?;
        self.folds = folds;
        Ok(step)
    }

    fn begin(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        self.begin_past(turn)?;
        turn.act(Action::Provide(self.keys.author));
        for author in self.follows.keys() {
            turn.act(Action::Join(*author));
            turn.act(Action::Provide(*author));
        }
        // Some holders of some of them are enough to begin with: comparing brings the rest.
        let some: Vec<AuthorId> = self.follows.keys().take(SOUGHT_AT_START_MAX).copied().collect();
        for author in some {
            self.seek(turn, author)?;
        }
        self.finish_what_was_begun(turn)
    }

    fn tick(&mut self, turn: &mut Turn<'_>) -> Result<(), Fault> {
        self.say_hello_again(turn);
        self.catch_up_now_and_then(turn)?;
        self.deliver_again(turn)?;
        self.mind_past(turn)?;
        self.seek_siblings(turn);
        if self.may_sign().is_ok() {
            self.look_at_waiting(turn)?;
            self.answer_unanswered(turn)?;
            if self.reopening {
                self.reopen_some(turn)?;
            }
        }
        self.watch_deadlines(turn)
    }

    /// Authors whose public words this node keeps: itself, and whom it follows.
    fn wanted(&self) -> impl Iterator<Item = AuthorId> {
        std::iter::once(self.keys.author).chain(self.follows.keys().copied())
    }

    fn wants(&self, author: &AuthorId) -> bool {
        *author == self.keys.author || self.follows.contains_key(author)
    }

    /// Whether a command makes this device sign something.
    fn signs(&self, command: &Command) -> bool {
        let in_public = |author| self.follows.get(author).is_some_and(|followed| followed.public);
        match command {
            Command::SaveAddress { .. } | Command::SaveDraft { .. } => false,
            Command::Follow { author, public } => *public || in_public(author),
            Command::Unfollow { author } => in_public(author),
            _ => true,
        }
    }

    fn command(&mut self, turn: &mut Turn<'_>, command: Command) -> Result<Result<Reply, Refused>, Fault> {
        if self.signs(&command)
            && let Err(refused) = self.may_sign()
        {
            return Ok(Err(refused));
        }
        if let Some(refused) = self.thrown_out() {
            return Ok(Err(refused));
        }
        match command {
            Command::SetProfile { name, about } => self.set_profile(turn, &name, &about),
            Command::Follow { author, public } => self.follow(turn, author, public),
            Command::Unfollow { author } => self.unfollow(turn, author),
            Command::Post {
                text,
                tags,
                reply_to,
                reshare,
            } => self.post(turn, &text, &tags, reply_to, reshare),
            Command::React { to, emoji } => self.react(turn, to, &emoji),
            Command::Vouch {
                subject,
                category,
                stands,
                why,
            } => self.vouch(turn, subject, &category, stands, &why),
            Command::SaveAddress { name, lines, country } => self.save_address(turn, &name, &lines, &country),
            Command::SaveDraft { name, text } => self.save_draft(turn, &name, &text),
            Command::SetShop(draft) => self.set_shop(turn, &draft),
            Command::ImportListings { products } => self.import(turn, products),
            Command::EditListing(edit) => self.edit_listing(turn, &edit),
            Command::SetStock {
                listing,
                variant,
                units,
            } => self.set_stock(turn, listing, variant, units),
            Command::AskQuote {
                shop,
                lines,
                country,
                note,
            } => self.ask_quote(turn, shop, &lines, &country, &note),
            Command::PlaceOrder { order, address, rail } => self.place(turn, order, address, &rail),
            Command::AcceptOrder { order } => self.accept(turn, order),
            Command::DeclineOrder { order, reason } => self.decline(turn, order, &reason),
            Command::CancelOrder { order } => self.cancel(turn, order),
            Command::PayOrder { order, reference } => self.pay(turn, order, &reference),
            Command::PaymentArrived { order } => self.payment_arrived(turn, order),
            Command::ShipOrder {
                order,
                carrier,
                tracking,
            } => self.ship(turn, order, &carrier, &tracking),
            Command::CompleteOrder { order } => self.complete(turn, order),
            Command::LapseOrder { order } => self.lapse(turn, order),
            Command::Review {
                order,
                listing,
                rating,
                text,
            } => self.review(turn, order, listing, rating, &text),
            Command::GrantTab { to, limit, vouched } => self.grant_tab(turn, to, limit, vouched),
            Command::InviteDevice { addresses } => self.invite_device(turn, &addresses),
            Command::ConfirmDevice { words } => self.confirm_device(turn, &words),
            Command::CloseInvitation => self.close_invitation(turn),
            Command::RevokeDevice { device } => self.revoke_device(turn, device),
        }
    }
}

/// A private row of this crate's own making.
fn stored<T: Serialize + serde::de::DeserializeOwned>(
    tree: Tree,
    key: &[u8],
    value: &[u8],
) -> Result<T, Fault> {
    codec::decode(value).map_err(|error| Fault::Damaged {
        tree: tree.name(),
        key: data_encoding::HEXLOWER.encode(key),
        reason: error.to_string(),
    })
}

/// A rule of this program that did not hold.
fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::Broken(error.to_string())
}

/// A refusal of a wish in which something is not as it must be.
fn invalid(error: impl std::fmt::Display) -> Refused {
    Refused::new(Code::Invalid, error.to_string(), "Correct it and try again.")
}
