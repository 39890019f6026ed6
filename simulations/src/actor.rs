//! Who takes part in a market beside its people: attackers, or whatever a researcher adds.
//!
//! An [`Actor`] has a node of its own, which runs the product's peer like everybody's. It sees what that node
//! holds, hears what the node tells it, and wishes commands. One that is not honest may also say words that it
//! signed by hand with its device's key: any envelope that opens, to whom it likes. Implement [`Actor`] in a file
//! of your own and hand it to [`run::played`](crate::run::played); `examples/my_trader.rs` does. What it draws, it
//! draws from the [`Chance`] that it is given, so the seed decides. Described in `spec/simulations.md`.

pub mod defaulter;
pub mod equivocator;
pub mod exit_scammer;
pub mod ring;
pub mod spammer;
pub mod sybil;

use crate::cast::{Moved, View};
use crate::chance::Chance;
use crate::scenario::company::{Company, Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use souk_protocol::api::{Command, Happening};
use souk_protocol::body::Body;
use souk_protocol::envelope::{self, Chain, Signed};
use souk_protocol::id::AuthorId;
use souk_protocol::order::{Act, Order, OrderMessage};
use souk_protocol::peer::Keys;
use souk_protocol::records::{Fault, Range, Tree};
use souk_protocol::time::Hybrid;
use std::cell::Cell;
use std::sync::Arc;

/// What an actor has before it when it decides.
pub struct Own<'a> {
    /// What its node holds, and who is in the world.
    pub view: View<'a>,
    /// What its device signs with.
    pub keys: Keys,
    /// Nodes that it is connected with.
    pub connected: &'a [usize],
    /// The number of its next stamp: stamps by hand never meet those of its peer.
    pub(crate) count: Cell<u32>,
    /// Words that its key cannot sign.
    pub(crate) unsayable: Cell<u64>,
}

/// Something that an actor does.
#[derive(Debug, Clone)]
pub enum Doing {
    /// Wants something of its node.
    Wish(Box<Command>),
    /// Says something past its node.
    Say(Box<Said>),
}

/// Words that were signed by hand.
#[derive(Debug, Clone)]
pub struct Said {
    /// The words.
    pub envelope: Signed,
    /// To whom. What is sealed goes to its addressee, whatever stands here.
    pub to: To,
}

/// Whom words by hand reach first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Everybody to whom the speaker is connected, as gossip. If they continue the log of its own node, the
    /// node keeps them, as if it had said them.
    All,
    /// These, if the speaker is connected to them; its own node never hears of it.
    Some(Vec<usize>),
}

impl Doing {
    /// Wants something of its node.
    pub fn wish(command: Command) -> Self {
        Self::Wish(Box::new(command))
    }

    /// Says something by hand.
    pub fn say(envelope: Signed, to: To) -> Self {
        Self::Say(Box::new(Said { envelope, to }))
    }
}

/// What it does about something; the error is of the store.
pub type Done = Result<Vec<Doing>, Fault>;

/// What one participant does. The defaults are those of a person who wants nothing out of the blue, and goes on
/// with what their node tells them.
pub trait Actor: Send {
    /// Its name, for tables.
    fn name(&self) -> &'static str;

    /// Whether all that it says is what its peer says. The laws about honest nodes do not speak of one that is not.
    fn is_honest(&self) -> bool {
        true
    }

    /// Whether it keeps a shop, which people may find.
    fn sells(&self) -> bool {
        false
    }

    /// Whether the money arrives that it says it sent outside of a tab.
    fn pays(&self) -> bool {
        true
    }

    /// What it knows beside what its node holds, for a run that is written down. An actor that knows something
    /// and does not tell it here is another one in the run that goes on from there.
    fn written(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes up what [`Actor::written`] told. False if that is nothing of its own.
    fn resume(&mut self, written: &[u8]) -> bool {
        written.is_empty()
    }

    /// What it does when it comes. People do what
    /// [`opening`](crate::cast::opening) says.
    fn comes(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let view = &own.view;
        let wishes = crate::cast::opening(view.scenario, view.people, view.at, chance);
        Ok(wishes.into_iter().map(Doing::wish).collect())
    }

    /// What it does from time to time, as often as its [`Troupe`] says.
    fn acts(&mut self, _own: &Own<'_>, _chance: &mut Chance) -> Done {
        Ok(Vec::new())
    }

    /// What it does about something that its node tells it.
    fn told(&mut self, what: &Happening, own: &Own<'_>, chance: &mut Chance) -> Done {
        let moved = match what {
            Happening::OrderMoved { order, .. } => Moved::Order(*order),
            Happening::TabMoved { with, .. } => Moved::Tab(*with),
            _ => return Ok(Vec::new()),
        };
        let wish = own.view.attend(&moved, chance)?;
        Ok(wish.map(Doing::wish).into_iter().collect())
    }
}

/// A number of actors and how they come into a world.
#[derive(Clone)]
pub struct Troupe {
    /// How many.
    pub count: usize,
    /// When they come.
    pub from_ms: u64,
    /// How often each of them does something.
    pub every_ms: u64,
    /// People whom each of them dials.
    pub knows: usize,
    /// People who follow each of them from the beginning.
    pub followers: usize,
    /// Makes all of them anew for a world: they may share what they know of each other.
    pub make: Arc<dyn Fn(usize) -> Vec<Box<dyn Actor>> + Send + Sync>,
}

impl Troupe {
    /// The actors that a scenario names.
    pub fn of(company: &Company) -> Self {
        let (kind, words) = (company.kind, company.words);
        let make = move |count| -> Vec<Box<dyn Actor>> {
            match kind {
                Kind::Defaulter => each(count, defaulter::Defaulter::default),
                Kind::Equivocator => each(count, equivocator::Equivocator::default),
                Kind::ExitScammer => each(count, exit_scammer::ExitScammer::default),
                Kind::ReviewRing => {
                    let ring = ring::Ring::default();
                    each(count, || ring::Reviewer::of(&ring))
                }
                Kind::Spammer => each(count, || spammer::Spammer { words }),
                Kind::Sybil => each(count, || sybil::Sybil { words, of: count }),
            }
        };
        Self {
            count: company.count,
            from_ms: company.from_ms,
            every_ms: company.every_ms,
            knows: company.knows,
            followers: company.followers,
            make: Arc::new(make),
        }
    }
}

fn each<A: Actor + 'static>(count: usize, make: impl Fn() -> A) -> Vec<Box<dyn Actor>> {
    let actors = (0..count).map(|_| Box::new(make()) as Box<dyn Actor>);
    actors.collect()
}

impl Own<'_> {
    /// Who it is.
    pub const fn author(&self) -> AuthorId {
        self.keys.author
    }

    /// The place after the newest word of its device that its own node holds.
    pub fn next(&self) -> Result<Chain, Fault> {
        let head = self.view.records.log_head(&self.keys.device.device())?;
        Ok(Chain::after(head))
    }

    /// Signs something with its device's key, at its clock's time. None if it breaks a rule that anyone can check:
    /// then no key makes an envelope of it. A `Log` body needs a place in a chain, others must have none.
    pub fn sign(&self, chain: Option<Chain>, body: impl Into<Body>) -> Option<Signed> {
        let (keys, count) = (&self.keys, self.count.get());
        self.count.set(count.saturating_add(1));
        let wall_ms = self.view.now.0;
        let time = Hybrid { wall_ms, count };
        let sealed = envelope::seal(
            &keys.device,
            keys.author,
            Some(&keys.grant),
            time,
            chain,
            body.into(),
        );
        if sealed.is_err() {
            self.unsayable.set(self.unsayable.get() + 1);
        }
        sealed.ok()
    }

    /// Signs a buyer's act in an order, upon all that is known of it.
    pub fn act(&self, order: &Order, act: Act) -> Option<Signed> {
        let message = OrderMessage {
            order: Some(order.id),
            to: order.merchant,
            after: Some(order.head),
            act,
        };
        self.sign(None, message)
    }

    /// Authors whom its node follows.
    pub fn follows(&self) -> Result<Vec<AuthorId>, Fault> {
        let rows = self
            .view
            .records
            .scan(Tree::Follows, &Range::of([], usize::MAX))?;
        let authors = rows.iter().filter_map(|(key, _)| AuthorId::from_slice(key).ok());
        Ok(authors.collect())
    }
}

/// What an actor knows, written down.
fn written(known: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(known).unwrap_or_default()
}

/// Takes up what was written down; says whether that could be read.
fn resume<T: DeserializeOwned>(known: &mut T, written: &[u8]) -> bool {
    let read = serde_json::from_slice(written);
    read.map(|read| *known = read).is_ok()
}

/// A name, and to follow some shops so that their listings come.
fn newcomer(own: &Own<'_>, chance: &mut Chance) -> Vec<Doing> {
    let view = &own.view;
    let mut shops: Vec<AuthorId> = view
        .people
        .iter()
        .filter(|person| person.sells && person.author != own.author())
        .map(|person| person.author)
        .collect();
    chance.shuffle(&mut shops);
    shops.truncate(SHOPS);
    let profile = Command::SetProfile {
        name: format!("Newcomer {}", view.at),
        about: String::new(),
    };
    let follows = shops.into_iter().map(|author| Command::Follow {
        author,
        public: false,
    });
    std::iter::once(profile).chain(follows).map(Doing::wish).collect()
}

/// The same, and a shop of its own.
fn shopkeeper(own: &Own<'_>, chance: &mut Chance) -> Vec<Doing> {
    let view = &own.view;
    let shop = crate::cast::opening(view.scenario, view.people, view.at, chance);
    let shop = shop.into_iter().map(Doing::wish);
    shop.chain(newcomer(own, chance)).collect()
}

/// Shops that a newcomer looks at.
const SHOPS: usize = 4;
