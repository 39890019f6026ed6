//! Random sequences of well-signed words: eve says anything at any time, in orders and tabs, as buyer and as
//! merchant, upon whatever was said before or upon nothing, while alice's owner goes on with what she sees.
//! Whatever comes, alice's node meets no fault, sells no more than she has, is owed no more than she granted,
//! owes nothing that she did not wish to, and signs for no payment that her tab does not show.
//!
//! `SOUK_SEQUENCES` is how many; a failure prints the `SOUK_SEQUENCES_SEED` that repeats it.

use super::*;
use souk_protocol::order::{ActKind, Fulfil};
use souk_protocol::receipt::Sale;
use souk_protocol::tab::TabState;

/// Sequences, unless the environment says otherwise.
const SEQUENCES: u64 = 180;
/// Sequences with one peer, before a new one begins: orders that stay open would fill its limits.
const WITH_ONE_PEER: u64 = 30;
/// Words in one sequence, at most.
const WORDS: usize = 24;
const STOCK: u64 = 3;
const LIMIT_MINOR: i64 = 4_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        items.get(self.below(items.len())).copied()
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Alice's shop and tab, and what eve remembers.
struct Scene {
    stage: Stage,
    line: Line,
    orders: Vec<OrderId>,
    said: Vec<EnvelopeId>,
    tab: TabId,
}

impl Scene {
    fn new() -> Self {
        let mut stage = Stage::new();
        let line = open_shop(&mut stage);
        let eve = stage.eve.author;
        stage.does(Command::GrantTab {
            to: eve,
            limit: Amount::new(LIMIT_MINOR, Currency::EUR).unwrap(),
            vouched: false,
        });
        let tab = TabId::of(&stage.alice.author(), &eve, "EUR");
        Self {
            stage,
            line,
            orders: Vec::new(),
            said: Vec::new(),
            tab,
        }
    }

    fn says(&mut self, body: impl Into<Body>, dice: &mut Dice) {
        let at = match dice.below(8) {
            0 => self.stage.now.saturating_sub(DAY_MS),
            1 => self.stage.now + 60_000,
            _ => self.stage.now,
        };
        let signed = self.stage.signs(at, body);
        self.stage.delivers(&signed);
        if dice.one_in(6) {
            self.stage.delivers(&signed);
        }
        if let Some(filed) = signed.order_message()
            && filed.message.order.is_none()
        {
            self.orders.push(OrderId::from(signed.id()));
        }
        self.said.push(signed.id());
    }

    fn any_envelope(&self, dice: &mut Dice) -> EnvelopeId {
        dice.pick(&self.said)
            .unwrap_or_else(|| EnvelopeId::of(b"nothing"))
    }

    /// Any word of an order, as any role, upon anything.
    fn order_word(&mut self, dice: &mut Dice) {
        let alice = self.stage.alice.author();
        let known = self.orders.iter().rev().take(4).copied().collect::<Vec<_>>();
        let Some(id) = dice.pick(&known).filter(|_| !dice.one_in(8)) else {
            let (line, units) = (self.line, [1, 1, 2, 50][dice.below(4)]);
            let ask = Ask {
                lines: List::new(vec![Line { units, ..line }]).unwrap(),
                country: "DE".parse().unwrap(),
                note: Prose::default(),
                rails: List::new(Rail::ALL.to_vec()).unwrap(),
            };
            return self.says(OrderMessage::ask(alice, ask), dice);
        };
        let order = read_order(self.stage.records(), &id).unwrap();
        // Mostly what may come next, or nothing would go far; and anything else.
        let proper = |kind: &ActKind| {
            let next = |order: &Order| souk_protocol::order::next(order.state, Role::Buyer, *kind);
            order.as_ref().is_some_and(|order| next(order).is_some())
        };
        let proper: Vec<ActKind> = ActKind::ALL.iter().copied().filter(proper).collect();
        let any = ActKind::ALL[dice.below(ActKind::ALL.len())];
        let kind = match dice.below(3) {
            0 => any,
            _ => dice.pick(&proper).unwrap_or(any),
        };
        let act = self.act(kind, &id, order.as_ref(), dice);
        let after = match (&order, dice.below(5)) {
            (Some(order), 0..=3) => order.head,
            _ => self.any_envelope(dice),
        };
        let message = OrderMessage {
            order: Some(id),
            to: alice,
            after: Some(after),
            act,
        };
        // What breaks a rule that anyone can check has no envelope at all.
        if message
            .check(&self.stage.eve.author, &self.stage.eve.device.device())
            .is_ok()
        {
            self.says(message, dice);
        }
    }

    fn act(&self, kind: ActKind, id: &OrderId, order: Option<&Order>, dice: &mut Dice) -> Act {
        let offered = order.and_then(|order| order.quote.as_ref());
        let rail = match order.and_then(Order::rail) {
            Some(rail) if !dice.one_in(5) => rail,
            _ if dice.one_in(3) => Rail::Manual,
            _ => Rail::Tab,
        };
        let quote = match offered {
            Some((quote, _)) if !dice.one_in(5) => *quote,
            _ => self.any_envelope(dice),
        };
        match kind {
            ActKind::Ask => Act::Ask(Ask {
                lines: List::new(vec![self.line]).unwrap(),
                country: "DE".parse().unwrap(),
                note: Prose::default(),
                rails: List::new(vec![rail]).unwrap(),
            }),
            ActKind::Quote => Act::Quote(Box::new(offer(self.line, 1))),
            ActKind::Place => Act::Place(Place {
                quote,
                address: List::default(),
                rail,
            }),
            ActKind::Accept => Act::Accept {
                instruction: Instruction::Tab { tab: self.tab },
            },
            ActKind::Decline => Act::Decline {
                reason: Prose::default(),
            },
            ActKind::Cancel => Act::Cancel {
                reason: Prose::default(),
            },
            ActKind::Pay => Act::Pay {
                proof: match rail {
                    Rail::Tab if self.stage.tab().paid.contains_key(id) => self.stage.tab().paid[id].proof(),
                    Rail::Tab => Proof::Tab {
                        propose: self.any_envelope(dice),
                        agree: self.any_envelope(dice),
                        seq: dice.below(6) as u64,
                    },
                    Rail::Manual => Proof::Manual {
                        reference: Reference::new("cash").unwrap(),
                    },
                },
            },
            ActKind::Receipt => {
                let eve = &self.stage.eve;
                let sale = Sale {
                    order: *id,
                    merchant: eve.author,
                    buyer: self.stage.alice.author(),
                    total: Amount::new(1, Currency::EUR).unwrap(),
                    rail,
                    listings: BTreeSet::from([self.line.listing]),
                };
                let at = Timestamp(self.stage.now);
                Act::Receipt(Box::new(
                    Receipt::issue(&eve.device, &eve.grant, &sale, at).unwrap(),
                ))
            }
            ActKind::Fulfil => Act::Fulfil(Fulfil {
                carrier: Name::default(),
                tracking: Name::default(),
                lines: List::new(vec![self.line]).unwrap(),
            }),
            ActKind::Complete => Act::Complete {},
            ActKind::Lapse => {
                let dues = [
                    Due::Place,
                    Due::Accept,
                    Due::Pay,
                    Due::Receipt,
                    Due::Fulfil,
                    Due::Complete,
                ];
                Act::Lapse {
                    due: dues[dice.below(dues.len())],
                }
            }
        }
    }

    /// Any word about a tab: states that follow and states that do not, agreements to anything, refusals of anything.
    fn tab_word(&mut self, dice: &mut Dice) {
        let (alice, eve) = (self.stage.alice.author(), self.stage.eve.author);
        let tab = self.stage.tab();
        // The payment that an order of hers waits for, as it should be.
        let waiting = self.orders.iter().rev().take(4).find_map(|id| {
            let order = read_order(self.stage.records(), id).unwrap()?;
            let by_tab = order.state == State::Accepted && order.rail() == Some(Rail::Tab);
            by_tab.then(|| (*id, order.total().unwrap().minor))
        });
        if let (Some((order, amount_minor)), true) = (waiting, dice.below(3) > 0) {
            let change = Change::Pay {
                order,
                from: eve,
                amount_minor,
            };
            if let Ok(message) = tab.propose(&eve, change, Timestamp(self.stage.now)) {
                return self.says(message, dice);
            }
        }
        let who = if dice.one_in(4) { alice } else { eve };
        let order = dice
            .pick(&self.orders)
            .unwrap_or_else(|| OrderId::from_bytes([7; 32]));
        let amount = [0, 1, 1_250, LIMIT_MINOR, LIMIT_MINOR + 1, 1_000_000][dice.below(6)];
        let hold = dice.below(8) as u64;
        let change = match dice.below(7) {
            0 => Change::SetLimit {
                by: who,
                limit_minor: amount,
            },
            1 | 2 => Change::Pay {
                order,
                from: who,
                amount_minor: amount,
            },
            3 => Change::Refund {
                order,
                from: who,
                amount_minor: amount,
            },
            4 => Change::Hold {
                order,
                from: who,
                amount_minor: amount,
                deadline: Timestamp(self.stage.now + DAY_MS),
            },
            5 => Change::Capture { hold },
            _ => Change::Release { hold },
        };
        let act = match dice.below(4) {
            0 | 1 => {
                let seq = tab.agreed.as_ref().map_or(0, |state| state.seq) + dice.below(4) as u64;
                let at = Timestamp(self.stage.now);
                match TabState::next(tab.parties, tab.agreed.as_ref(), seq, change, at) {
                    Ok(state) => TabAct::Propose {
                        state: Box::new(state),
                    },
                    Err(_) => return,
                }
            }
            2 => match &tab.pending {
                Some((propose, state)) => TabAct::Agree {
                    propose: *propose,
                    state: state.id().unwrap(),
                },
                None => return,
            },
            _ => TabAct::Refuse {
                propose: tab
                    .pending
                    .as_ref()
                    .map_or_else(|| self.any_envelope(dice), |(propose, _)| *propose),
                reason: [Reason::Stale, Reason::Crossed, Reason::Invalid, Reason::Declined][dice.below(4)],
            },
        };
        let message = TabMessage {
            tab: self.tab,
            to: alice,
            act,
        };
        if message.check(&eve).is_ok() {
            self.says(message, dice);
        }
    }

    /// Alice's owner does something with an order, as far as her node lets her.
    fn owner(&mut self, dice: &mut Dice) {
        let known = self.orders.iter().rev().take(4).copied().collect::<Vec<_>>();
        let Some(order) = dice.pick(&known) else { return };
        let command = match dice.below(5) {
            0 => Command::AcceptOrder { order },
            1 => Command::DeclineOrder {
                order,
                reason: String::new(),
            },
            2 => Command::ShipOrder {
                order,
                carrier: String::new(),
                tracking: String::new(),
            },
            3 => Command::LapseOrder { order },
            // She says that money came only where it did, which for the tab her node checks itself.
            _ => Command::PaymentArrived { order },
        };
        let ticket = u64::MAX;
        let command = Box::new(command);
        self.stage.gives(Input::Command { ticket, command });
    }

    fn step(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0..=5 => self.order_word(dice),
            6..=8 => self.tab_word(dice),
            9 => self.owner(dice),
            10 => {
                self.stage.gives(Input::Tick);
            }
            _ => self.stage.now += [1_000, 3_600_000, 8 * DAY_MS][dice.below(3)],
        }
    }

    fn keeps_the_law(&self) {
        let eve = self.stage.eve.author;
        let mut taken = 0;
        let tab = self.stage.tab();
        for id in &self.orders {
            let Some(order) = read_order(self.stage.records(), id).unwrap() else {
                continue;
            };
            let sold = [State::Receipted, State::Fulfilled, State::Completed].contains(&order.state);
            if sold {
                taken += order
                    .lines()
                    .iter()
                    .map(|line| u64::from(line.units))
                    .sum::<u64>();
            }
            if sold && order.rail() == Some(Rail::Tab) {
                let (proof, total) = (order.proof.clone().unwrap(), order.total().unwrap());
                assert!(
                    tab.proves(&proof, id, &eve, total),
                    "a receipt without a payment: {id}"
                );
            }
        }
        let left = left(&self.stage, &self.line);
        assert!(left + taken <= STOCK, "{taken} sold and {left} left of {STOCK}");
        let balance = |who| tab.balance(who).unwrap().minor;
        let alice = self.stage.alice.author();
        assert_eq!(balance(&alice) + balance(&eve), 0);
        assert!(balance(&alice) >= 0, "alice owes what she did not wish to");
        assert!(balance(&alice) <= LIMIT_MINOR, "eve owes more than alice granted");
    }
}

#[test]
fn no_sequence_of_well_signed_words_moves_money_or_stock_against_the_rules() {
    let sequences = number("SOUK_SEQUENCES").unwrap_or(SEQUENCES);
    let first = number("SOUK_SEQUENCES_SEED").unwrap_or(1);
    let (mut words, mut states) = (0_u64, std::collections::BTreeMap::new());
    for batch in 0..sequences.div_ceil(WITH_ONE_PEER) {
        let seed = first + batch;
        let held = std::panic::catch_unwind(|| {
            let (mut scene, mut dice, mut words) = (Scene::new(), Dice(seed.wrapping_mul(1 << 20)), 0_u64);
            for _ in 0..WITH_ONE_PEER {
                for _ in 0..=dice.below(WORDS) {
                    scene.step(&mut dice);
                    words += 1;
                }
                scene.keeps_the_law();
            }
            let reached = scene
                .orders
                .iter()
                .filter_map(|id| read_order(scene.stage.records(), id).unwrap());
            (words, reached.map(|order| order.state.name()).collect::<Vec<_>>())
        });
        let (said, reached) = held.unwrap_or_else(|_| panic!("SOUK_SEQUENCES_SEED={seed} repeats it"));
        words += said;
        for state in reached {
            *states.entry(state).or_insert(0_u64) += 1;
        }
    }
    println!("{sequences} sequences, {words} words; orders ended {states:?}");
}
