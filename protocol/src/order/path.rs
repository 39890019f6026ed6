//! One branch of an order's history, from the ask to a message: what was agreed along it, and
//! whether one more message is valid upon it.

use super::message::{Act, Ask, Fulfil, OrderMessage, Place};
use super::table::{ActKind, Role, State, next};
use super::{Done, Order, OrderRefusal};
use crate::filed::Filed;
use crate::id::{AuthorId, EnvelopeId, OrderId, TabId};
use crate::quote::{Line, Mark, Quote, QuoteLine, Times};
use crate::receipt::{Receipt, Sale};
use crate::settlement::{Instruction, Proof, Rail};
use crate::text::Prose;
use crate::time::Timestamp;
use std::collections::BTreeSet;

#[derive(Clone)]
pub(super) struct Path<'a> {
    pub(super) order: OrderId,
    pub(super) buyer: AuthorId,
    pub(super) merchant: AuthorId,
    pub(super) state: State,
    pub(super) refund_due: bool,
    pub(super) head: EnvelopeId,
    /// The latest time stated along the branch.
    pub(super) stated: Timestamp,
    pub(super) ask: &'a Ask,
    pub(super) quote: Option<(EnvelopeId, &'a Quote)>,
    pub(super) place: Option<&'a Place>,
    pub(super) instruction: Option<&'a Instruction>,
    pub(super) proof: Option<&'a Proof>,
    pub(super) receipt: Option<&'a Receipt>,
    pub(super) fulfil: Option<&'a Fulfil>,
    pub(super) reason: Option<&'a Prose>,
    pub(super) times: Times,
}

impl<'a> Path<'a> {
    /// The branch that has the ask alone.
    pub(super) fn open(order: OrderId, filed: &Filed<'a, OrderMessage>) -> Result<Self, OrderRefusal> {
        filed.message.check_form(&filed.author)?;
        let Act::Ask(ask) = &filed.message.act else {
            return Err(OrderRefusal::Link);
        };
        Ok(Self {
            order,
            buyer: filed.author,
            merchant: filed.message.to,
            state: State::Asked,
            refund_due: false,
            head: filed.id,
            stated: filed.stated(),
            ask,
            quote: None,
            place: None,
            instruction: None,
            proof: None,
            receipt: None,
            fulfil: None,
            reason: None,
            times: Times::default(),
        })
    }

    /// The branch with one more message, and by whom that is.
    pub(super) fn step(&self, filed: &Filed<'a, OrderMessage>) -> Result<(Role, Self), OrderRefusal> {
        let following = self.judge(&filed.author, filed.stated(), filed.message)?;
        let role = self.role(&filed.author)?;
        let mut path = self.clone();
        path.refund_due = following == State::Lapsed && self.state.is_paid();
        path.state = following;
        path.head = filed.id;
        // Nobody answers what is not yet said: a time before the answered message's counts as that.
        path.stated = self.stated.max(filed.stated());
        if let Some(mark) = mark(filed.message.act.kind()) {
            path.times = path.times.with(mark, path.stated);
        }
        match &filed.message.act {
            Act::Quote(quote) => path.quote = Some((filed.id, quote)),
            Act::Place(place) => path.place = Some(place),
            Act::Accept { instruction } => path.instruction = Some(instruction),
            Act::Pay { proof } => path.proof = Some(proof),
            Act::Receipt(receipt) => path.receipt = Some(receipt),
            Act::Fulfil(fulfil) => path.fulfil = Some(fulfil),
            Act::Decline { reason } | Act::Cancel { reason } => path.reason = Some(reason),
            Act::Ask(_) | Act::Complete {} | Act::Lapse { .. } => {}
        }
        Ok((role, path))
    }

    /// Whether a message upon this branch's end is valid, and the state that follows.
    pub(super) fn judge(
        &self,
        author: &AuthorId,
        stated: Timestamp,
        message: &OrderMessage,
    ) -> Result<State, OrderRefusal> {
        let role = self.role(author)?;
        self.role(&message.to)?;
        if message.order != Some(self.order) {
            return Err(OrderRefusal::Elsewhere {
                expected: self.order,
                actual: message.order,
            });
        }
        message.check_form(author)?;
        let following = self.row(role, message.act.kind())?;
        self.judge_content(&message.act, stated)?;
        Ok(following)
    }

    /// The table's word, with the reason if it is no.
    pub(super) fn row(&self, role: Role, act: ActKind) -> Result<State, OrderRefusal> {
        match next(self.state, role, act) {
            Some(following) => Ok(following),
            None if self.state.is_over() => Err(OrderRefusal::Over { state: self.state }),
            None => Err(OrderRefusal::NotNow {
                state: self.state,
                role,
                act,
            }),
        }
    }

    fn role(&self, author: &AuthorId) -> Result<Role, OrderRefusal> {
        match author {
            _ if *author == self.buyer => Ok(Role::Buyer),
            _ if *author == self.merchant => Ok(Role::Merchant),
            _ => Err(OrderRefusal::Stranger(*author)),
        }
    }

    fn judge_content(&self, act: &Act, stated: Timestamp) -> Result<(), OrderRefusal> {
        match act {
            Act::Place(place) => self.judge_place(place),
            Act::Accept { instruction } => self.judge_instruction(instruction),
            Act::Pay { proof } => {
                let agreed = self
                    .instruction
                    .ok_or(OrderRefusal::Missing("payment instruction"))?;
                same_rail(&[agreed.rail()], proof.rail())
            }
            Act::Receipt(receipt) => Ok(receipt.matches(&self.sale()?)?),
            Act::Fulfil(fulfil) => {
                let sent: BTreeSet<Line> = fulfil.lines.iter().copied().collect();
                let quoted: BTreeSet<Line> = self.quoted()?.1.lines.iter().map(QuoteLine::line).collect();
                match sent == quoted {
                    true => Ok(()),
                    false => Err(OrderRefusal::OtherGoods),
                }
            }
            Act::Lapse { due } => {
                if self.state.due() != Some(*due) {
                    return Err(OrderRefusal::NotDue {
                        expected: self.state.due(),
                        actual: *due,
                    });
                }
                let deadline = self.deadline().ok_or(OrderRefusal::Missing("deadline"))?;
                match stated < deadline {
                    true => Err(OrderRefusal::NotYet {
                        due: *due,
                        deadline,
                        stated,
                    }),
                    false => Ok(()),
                }
            }
            Act::Ask(_) | Act::Quote(_) | Act::Decline { .. } | Act::Cancel { .. } | Act::Complete {} => {
                Ok(())
            }
        }
    }

    fn judge_place(&self, place: &Place) -> Result<(), OrderRefusal> {
        let (id, quote) = self.quoted()?;
        if place.quote != id {
            return Err(OrderRefusal::OtherQuote {
                expected: id,
                actual: place.quote,
            });
        }
        same_rail(&quote.rails, place.rail)
    }

    fn judge_instruction(&self, instruction: &Instruction) -> Result<(), OrderRefusal> {
        let place = self.place.ok_or(OrderRefusal::Missing("placed order"))?;
        same_rail(&[place.rail], instruction.rail())?;
        let currency = self.quoted()?.1.currency;
        match instruction {
            Instruction::Tab { tab } if *tab != TabId::of(&self.buyer, &self.merchant, currency.code()) => {
                Err(OrderRefusal::OtherTab(currency))
            }
            _ => Ok(()),
        }
    }

    /// What a receipt must say here.
    pub(super) fn sale(&self) -> Result<Sale, OrderRefusal> {
        let (_, quote) = self.quoted()?;
        let instruction = self
            .instruction
            .ok_or(OrderRefusal::Missing("payment instruction"))?;
        Ok(Sale {
            order: self.order,
            merchant: self.merchant,
            buyer: self.buyer,
            total: quote.total(),
            rail: instruction.rail(),
            listings: quote.listings(),
        })
    }

    fn quoted(&self) -> Result<(EnvelopeId, &'a Quote), OrderRefusal> {
        self.quote.ok_or(OrderRefusal::Missing("quote"))
    }

    fn deadline(&self) -> Option<Timestamp> {
        let (_, quote) = self.quote?;
        quote.deadline(self.state.due()?, &self.times)
    }

    /// The second rule of a fork: which of two concurrent messages upon this branch goes first.
    pub(super) fn urgency(&self, filed: &Filed<'_, OrderMessage>) -> u8 {
        let in_time = || {
            self.deadline()
                .is_none_or(|deadline| self.stated.max(filed.stated()) <= deadline)
        };
        match (self.state.is_paid(), filed.message.act.kind()) {
            (false, ActKind::Lapse) => 0,
            (false, ActKind::Cancel) => 1,
            (false, ActKind::Decline) => 2,
            (false, _) => 3,
            (true, ActKind::Lapse) => 1,
            (true, ActKind::Fulfil) if !in_time() => 2,
            (true, _) => 0,
        }
    }

    /// The order that this branch tells, with the messages that count and those that lost.
    pub(super) fn into_order(self, history: Vec<Done>, losing: BTreeSet<EnvelopeId>) -> Order {
        Order {
            id: self.order,
            buyer: self.buyer,
            merchant: self.merchant,
            state: self.state,
            refund_due: self.refund_due,
            head: self.head,
            ask: self.ask.clone(),
            quote: self.quote.map(|(id, quote)| (id, quote.clone())),
            place: self.place.cloned(),
            instruction: self.instruction.cloned(),
            proof: self.proof.cloned(),
            receipt: self.receipt.cloned(),
            fulfil: self.fulfil.cloned(),
            reason: self.reason.cloned(),
            times: self.times,
            history,
            losing,
        }
    }
}

fn same_rail(expected: &[Rail], actual: Rail) -> Result<(), OrderRefusal> {
    match expected.contains(&actual) {
        true => Ok(()),
        false => Err(OrderRefusal::OtherRail {
            expected: expected.to_vec(),
            actual,
        }),
    }
}

/// Which deadlines may count from a message of this kind.
const fn mark(kind: ActKind) -> Option<Mark> {
    match kind {
        ActKind::Quote => Some(Mark::Quote),
        ActKind::Place => Some(Mark::Place),
        ActKind::Accept => Some(Mark::Accept),
        ActKind::Pay => Some(Mark::Pay),
        ActKind::Receipt => Some(Mark::Receipt),
        ActKind::Fulfil => Some(Mark::Fulfil),
        ActKind::Ask | ActKind::Decline | ActKind::Cancel | ActKind::Complete | ActKind::Lapse => None,
    }
}
