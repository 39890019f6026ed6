//! An order: a hash-linked history that two people sign, and the fold that says where it stands.
//!
//! Each message names the one that it acts upon, so the messages form a tree with the ask as its
//! root. Mostly it is a chain; it forks when both sides speak at once, or when one side says two
//! things. The fold keeps what [`TABLE`] and the signed content allow, and chooses one branch at
//! each fork by a rule that reads nothing but the set of messages: so order of arrival, loss and
//! repetition cannot make two holders of the same messages differ, and no clock is asked.
//!
//! At a fork, in this order:
//! 1. A branch with a payment beats one without: money that moved is never forgotten.
//! 2. Before payment a lapse beats a cancellation, that a refusal, that everything else: whoever
//!    leaves before money moved is out. After payment a receipt beats a lapse (the receipt binds
//!    only who signs it); goods sent in time, as stated, beat a lapse, and a lapse beats goods sent
//!    late; the buyer's word that the goods came beats a lapse. So a right that silence gave ends
//!    when the other side speaks in time, and cannot be drawn upon after the goods are there.
//! 3. Of two like messages the one that the other side has answered more often wins, then the longer
//!    branch: who says two things is bound by the one that was acted upon.
//! 4. The smaller id.
//!
//! Described, with the table, in `spec/order.md`.

mod message;
mod path;
mod table;

pub use message::{Act, Ask, Fulfil, OrderMessage, Place};
pub use table::{ActKind, Role, Row, State, TABLE, next, ways_on};

use crate::filed::Filed;
use crate::id::{AuthorId, DeviceId, EnvelopeId, OrderId};
use crate::money::Amount;
use crate::quote::{Due, Line, Quote, QuoteError, QuoteLine, Times};
use crate::receipt::{Receipt, ReceiptError, Sale};
use crate::settlement::{Instruction, Proof, Rail};
use crate::text::Prose;
use crate::time::{Hybrid, Timestamp};
use path::Path;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Why a message does not move an order. Says what to do instead, where something can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// Nothing more can be said in this order.
    #[error("this order is {state}; nothing more can be said in it, ask for a new quote")]
    Over {
        /// How it ended.
        state: State,
    },
    /// The table has no such row.
    #[error("this order is {state}: the {} cannot {act} now; possible is {}", role.name(), ways_on(*state))]
    NotNow {
        /// Where the order stands.
        state: State,
        /// Who wanted to speak.
        role: Role,
        /// What was to be said.
        act: ActKind,
    },
    /// The deadline has not passed.
    #[error("{due} is due until {deadline:?}; a lapse before that is void, it is {stated:?}")]
    NotYet {
        /// What is due.
        due: Due,
        /// Until when.
        deadline: Timestamp,
        /// The time stated.
        stated: Timestamp,
    },
    /// A lapse that names something that is not due now.
    #[error("expected a lapse for {expected:?}, got one for {actual}")]
    NotDue {
        /// What is due in this state.
        expected: Option<Due>,
        /// What the lapse names.
        actual: Due,
    },
    /// The quote's time is over.
    #[error("the quote ended at {expires:?}; ask for a new one")]
    Expired {
        /// When.
        expires: Timestamp,
    },
    /// Somebody who is neither buyer nor merchant, or a message to somebody else.
    #[error("{0} has no part in this order")]
    Stranger(AuthorId),
    /// Buyer and merchant are one.
    #[error("nobody can buy from themselves")]
    OwnShop,
    /// An ask within an order, or another message outside of one.
    #[error("an ask opens an order; every other message names its order and the message it acts upon")]
    Link,
    /// A message of another order.
    #[error("expected a message of {expected}, got one of {actual:?}")]
    Elsewhere {
        /// This order.
        expected: OrderId,
        /// The order that the message names.
        actual: Option<OrderId>,
    },
    /// A message upon one that is not the newest.
    #[error("expected a message upon {expected}, the newest of this order, got one upon {actual:?}")]
    Stale {
        /// The order's newest message.
        expected: EnvelopeId,
        /// What the message acts upon.
        actual: Option<EnvelopeId>,
    },
    /// An order upon another quote.
    #[error("expected an order upon the quote {expected}, got one upon {actual}")]
    OtherQuote {
        /// The quote that stands.
        expected: EnvelopeId,
        /// The quote named.
        actual: EnvelopeId,
    },
    /// A rail that was not offered, or not the one chosen.
    #[error("expected one of the ways to pay {expected:?}, got {actual}")]
    OtherRail {
        /// What was offered or chosen.
        expected: Vec<Rail>,
        /// What was named.
        actual: Rail,
    },
    /// A tab that is not the one between the two in the quote's currency.
    #[error("the instruction names a tab that is not between this buyer and this merchant in {0}")]
    OtherTab(crate::money::Currency),
    /// Other goods than were quoted.
    #[error("what was sent differs from what was quoted; list every line of the quote")]
    OtherGoods,
    /// A bag or quote that is not as it must be.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// A receipt that is not as it must be.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The step that this one builds upon was never taken.
    #[error("the order has no {0} yet")]
    Missing(&'static str),
}

/// One message that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Its envelope.
    pub id: EnvelopeId,
    /// Who signed it.
    pub by: Role,
    /// With which device.
    pub device: DeviceId,
    /// What it did.
    pub act: ActKind,
    /// When, as its author says.
    pub time: Hybrid,
}

/// An order as a set of messages tells it. Equal sets give equal orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name: the ask's envelope.
    pub id: OrderId,
    /// Who buys.
    pub buyer: AuthorId,
    /// Who sells.
    pub merchant: AuthorId,
    /// Where it stands.
    pub state: State,
    /// Whether the buyer says that it paid, and the order lapsed: then the money is due back.
    pub refund_due: bool,
    /// The newest message that counts: the one to act upon.
    pub head: EnvelopeId,
    /// The question.
    pub ask: Ask,
    /// The offer and its envelope.
    pub quote: Option<(EnvelopeId, Quote)>,
    /// The order upon it.
    pub place: Option<Place>,
    /// How to pay.
    pub instruction: Option<Instruction>,
    /// The buyer's proof.
    pub proof: Option<Proof>,
    /// The merchant's receipt.
    pub receipt: Option<Receipt>,
    /// What was sent.
    pub fulfil: Option<Fulfil>,
    /// Why it was declined or cancelled, if it was.
    pub reason: Option<Prose>,
    /// Stated times, none earlier than that of the message before it.
    pub times: Times,
    /// The messages that count, from the ask on.
    pub history: Vec<Done>,
    /// Valid messages on branches that lost.
    pub losing: BTreeSet<EnvelopeId>,
}

impl Order {
    /// Reads where an order stands from its messages, in any order and number; what does not belong
    /// to it or is not valid changes nothing. None as long as the ask is missing.
    pub fn fold<'a>(
        id: OrderId,
        messages: impl IntoIterator<Item = Filed<'a, OrderMessage>>,
    ) -> Option<Self> {
        let distinct: BTreeMap<EnvelopeId, Filed<'a, OrderMessage>> =
            messages.into_iter().map(|filed| (filed.id, filed)).collect();
        let path = Path::open(id, distinct.get(&EnvelopeId::from_bytes(*id.as_bytes()))?).ok()?;
        let mut upon: BTreeMap<EnvelopeId, Vec<Filed<'a, OrderMessage>>> = BTreeMap::new();
        for filed in distinct.values() {
            if let Some(after) = filed.message.after {
                upon.entry(after).or_default().push(*filed);
            }
        }
        let mut valid = BTreeSet::new();
        let mut branch = follow(path, &upon, &mut valid);
        branch.ids.reverse();
        for id in &branch.ids {
            valid.remove(id);
        }
        let done = |filed: &Filed<'a, OrderMessage>| Done {
            id: filed.id,
            by: match filed.author == branch.end.buyer {
                true => Role::Buyer,
                false => Role::Merchant,
            },
            device: filed.device,
            act: filed.message.act.kind(),
            time: filed.time,
        };
        let history = branch.ids.iter().filter_map(|id| distinct.get(id)).map(done);
        let history = history.collect();
        Some(branch.end.into_order(history, valid))
    }

    /// On which side an author is.
    pub fn role(&self, author: &AuthorId) -> Option<Role> {
        match author {
            _ if *author == self.buyer => Some(Role::Buyer),
            _ if *author == self.merchant => Some(Role::Merchant),
            _ => None,
        }
    }

    /// Who is on a side.
    pub const fn author(&self, role: Role) -> AuthorId {
        match role {
            Role::Buyer => self.buyer,
            Role::Merchant => self.merchant,
        }
    }

    /// What the buyer pays, once there is a quote.
    pub fn total(&self) -> Option<Amount> {
        self.quote.as_ref().map(|(_, quote)| quote.total())
    }

    /// What is wanted: as it was quoted or, before that, as it was asked for.
    pub fn lines(&self) -> Vec<Line> {
        match &self.quote {
            Some((_, quote)) => quote.lines.iter().map(QuoteLine::line).collect(),
            None => self.ask.lines.to_vec(),
        }
    }

    /// The way to pay that the buyer chose, once it ordered.
    pub fn rail(&self) -> Option<Rail> {
        self.place.as_ref().map(|place| place.rail)
    }

    /// What is due now, and until when.
    pub fn due(&self) -> Option<(Due, Timestamp)> {
        let due = self.state.due()?;
        let (_, quote) = self.quote.as_ref()?;
        Some((due, quote.deadline(due, &self.times)?))
    }

    /// Whether one side may do this now, as far as that can be said before its content is known.
    /// To be asked before anything is sealed. `now` is the node's own clock.
    pub fn allows(&self, role: Role, act: ActKind, now: Timestamp) -> Result<State, OrderRefusal> {
        let following = self.path().row(role, act)?;
        match (act, self.due()) {
            (ActKind::Lapse, Some((due, deadline))) if now < deadline => Err(OrderRefusal::NotYet {
                due,
                deadline,
                stated: now,
            }),
            (ActKind::Place, Some((_, expires))) if now > expires => Err(OrderRefusal::Expired { expires }),
            _ => Ok(following),
        }
    }

    /// What one side may do now, as [`Order::allows`] says.
    pub fn open_to(&self, role: Role, now: Timestamp) -> Vec<ActKind> {
        let rows = TABLE
            .iter()
            .filter(|row| row.state == self.state && row.role == role);
        let open = rows.filter(|row| self.allows(role, row.act, now).is_ok());
        open.map(|row| row.act).collect()
    }

    /// The row by which silence ends this state: who may sign the lapse once what is due did not come,
    /// and what follows.
    pub fn lapse(&self) -> Option<Row> {
        let mut rows = TABLE.iter().filter(|row| row.act == ActKind::Lapse);
        rows.find(|row| row.state == self.state).copied()
    }

    /// The message by which one side does something now, if it is valid in every respect but the
    /// signatures within a receipt. `time` is what its envelope will state.
    pub fn say(&self, role: Role, act: Act, time: Hybrid) -> Result<OrderMessage, OrderRefusal> {
        self.allows(role, act.kind(), Timestamp(time.wall_ms))?;
        let message = OrderMessage {
            order: Some(self.id),
            to: self.author(role.other()),
            after: Some(self.head),
            act,
        };
        self.path()
            .judge(&self.author(role), Timestamp(time.wall_ms), &message)?;
        Ok(message)
    }

    /// Whether a message that came moves this order from where it stands, and if not, why. It is
    /// kept in either case: it may win once more is known.
    pub fn admits(&self, filed: &Filed<'_, OrderMessage>) -> Result<State, OrderRefusal> {
        if filed.message.after != Some(self.head) {
            return Err(OrderRefusal::Stale {
                expected: self.head,
                actual: filed.message.after,
            });
        }
        self.path().judge(&filed.author, filed.stated(), filed.message)
    }

    /// What a receipt for this order must say; with [`Receipt::issue`] the merchant signs it.
    pub fn sale(&self) -> Result<Sale, OrderRefusal> {
        self.path().sale()
    }

    fn path(&self) -> Path<'_> {
        Path {
            order: self.id,
            buyer: self.buyer,
            merchant: self.merchant,
            state: self.state,
            refund_due: self.refund_due,
            head: self.head,
            stated: Timestamp::default(),
            ask: &self.ask,
            quote: self.quote.as_ref().map(|(id, quote)| (*id, quote)),
            place: self.place.as_ref(),
            instruction: self.instruction.as_ref(),
            proof: self.proof.as_ref(),
            receipt: self.receipt.as_ref(),
            fulfil: self.fulfil.as_ref(),
            reason: self.reason.as_ref(),
            times: self.times,
        }
    }
}

/// The best that follows from a message on.
struct Branch<'a> {
    /// Where it ends.
    end: Path<'a>,
    /// Its messages, last first.
    ids: Vec<EnvelopeId>,
    /// Whether it has a payment.
    paid: bool,
    /// Messages in it by the buyer and by the merchant.
    said: [usize; 2],
}

/// How a branch stands against others at its fork: the least is the best.
type Rank = (Reverse<bool>, u8, Reverse<usize>, Reverse<usize>, EnvelopeId);

/// Goes on from a message by the best branch. The table lets no branch grow longer than eight
/// messages, so neither does the recursion.
fn follow<'a>(
    path: Path<'a>,
    upon: &BTreeMap<EnvelopeId, Vec<Filed<'a, OrderMessage>>>,
    valid: &mut BTreeSet<EnvelopeId>,
) -> Branch<'a> {
    valid.insert(path.head);
    let mut best: Option<(Rank, Branch<'a>)> = None;
    for filed in upon.get(&path.head).into_iter().flatten() {
        let Ok((role, after)) = path.step(filed) else {
            continue;
        };
        let urgency = path.urgency(filed);
        let mut branch = follow(after, upon, valid);
        let answers = branch.said.get(role.other() as usize).copied().unwrap_or(0);
        if let Some(said) = branch.said.get_mut(role as usize) {
            *said += 1;
        }
        branch.paid |= matches!(filed.message.act, Act::Pay { .. });
        let rank = (
            Reverse(branch.paid),
            urgency,
            Reverse(answers),
            Reverse(branch.ids.len()),
            filed.id,
        );
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, branch));
        }
    }
    let head = path.head;
    let mut branch = best.map(|(_, branch)| branch).unwrap_or(Branch {
        end: path,
        ids: Vec::new(),
        paid: false,
        said: [0; 2],
    });
    branch.ids.push(head);
    branch
}
