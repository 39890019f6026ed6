//! Who lives in the world and what they want: people who talk, vouch and buy, merchants who sell, some
//! of them silent. A wish is drawn from the seed and from what the person's own node holds, as a person
//! would choose from what the page shows.

mod editing;
mod listed;
mod trading;

use crate::book::Book;
use crate::chance::Chance;
use crate::scenario::Scenario;
use souk_protocol::api::{Command, LineDraft, ListingEdit, Product, ProductDraft, ShopDraft, VariantDraft};
use souk_protocol::body::Kind;
use souk_protocol::id::{AuthorId, EnvelopeId, ListingId, OrderId, VariantId};
use souk_protocol::market;
use souk_protocol::money::{Amount, Currency};
use souk_protocol::records::{Fault, Range, Records, Tree};
use souk_protocol::time::Timestamp;
use std::collections::BTreeMap;

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub author: AuthorId,
    /// Whether they keep a shop.
    pub sells: bool,
    /// Whether they never answer in an order.
    pub silent: bool,
    /// Whether they give room on a tab to whoever wants to buy.
    pub trusts: bool,
    /// Whether the money arrives that they say they sent outside of a tab.
    pub pays: bool,
    /// What comes to their mind.
    pub habit: Habit,
    /// Whom they know, by number.
    pub knows: Vec<usize>,
}

/// What comes to somebody's mind out of the blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Everything: they talk, vouch, grant and buy, and merchants keep their shop.
    All,
    /// To buy, and to follow somebody unseen.
    Buys,
    /// To follow somebody and read, unseen.
    Lurks,
}

impl Habit {
    fn drawn(scenario: &Scenario, sells: bool, chance: &mut Chance) -> Self {
        let (lurkers, buyers) = (scenario.people.lurkers, scenario.people.buyers);
        // Where everybody does everything nothing is drawn for it.
        if sells || lurkers + buyers == 0 {
            return Self::All;
        }
        match chance.below(1_000) {
            drawn if drawn < lurkers => Self::Lurks,
            drawn if drawn < lurkers + buyers => Self::Buys,
            _ => Self::All,
        }
    }
}

/// The people of a world: a ring of neighbours, some of whose acquaintances are far away, or the scenario's graph.
pub fn people(scenario: &Scenario, authors: &[AuthorId], chance: &mut Chance) -> Vec<Person> {
    let count = authors.len();
    let mut order: Vec<usize> = (0..count).collect();
    chance.shuffle(&mut order);
    let sells: Vec<usize> = order.into_iter().take(scenario.merchants).collect();
    let people = authors.iter().enumerate().map(|(at, author)| {
        let mut knows: Vec<usize> = Vec::new();
        for step in 1..=scenario.people.neighbours.div_ceil(2) {
            let (next, last) = ((at + step) % count, (at + count - step % count) % count);
            for near in [next, last] {
                let far = chance.in_thousand(scenario.people.rewired);
                let who = if far { chance.index(count) } else { near };
                if who != at && !knows.contains(&who) {
                    knows.push(who);
                }
            }
        }
        let sells = sells.contains(&at);
        Person {
            author: *author,
            sells,
            silent: chance.in_thousand(scenario.people.silent),
            trusts: chance.in_thousand(scenario.shop.trusting),
            pays: true,
            habit: Habit::drawn(scenario, sells, chance),
            knows,
        }
    });
    let mut people: Vec<Person> = people.collect();
    if let Some(graph) = &scenario.graph {
        let knows = graph.knows(count, chance);
        people
            .iter_mut()
            .zip(knows)
            .for_each(|(person, knows)| person.knows = knows);
    }
    people
}

/// What somebody does before anything else.
pub fn opening(scenario: &Scenario, people: &[Person], at: usize, chance: &mut Chance) -> Vec<Command> {
    let Some(person) = people.get(at) else {
        return Vec::new();
    };
    let mut wishes = Vec::new();
    if person.habit != Habit::Lurks {
        wishes.push(Command::SetProfile {
            name: format!("Person {at}"),
            about: String::new(),
        });
    }
    for known in person.knows.iter().filter_map(|known| people.get(*known)) {
        wishes.push(Command::Follow {
            author: known.author,
            public: chance.in_thousand(300) && person.habit == Habit::All,
        });
    }
    let first_shop = people.iter().find(|person| person.sells);
    if let Some(shop) = first_shop.filter(|shop| scenario.has_rush() && shop.author != person.author) {
        wishes.push(Command::Follow {
            author: shop.author,
            public: false,
        });
    }
    if person.sells {
        let manual = chance.in_thousand(scenario.shop.manual);
        wishes.push(Command::SetShop(ShopDraft {
            currency: Currency::EUR,
            shipping_minor: i64::try_from(chance.below(800)).unwrap_or(0),
            shipping_free_from_minor: chance.in_thousand(300).then_some(4_000),
            returns_days: 14,
            payment_instructions: if manual { "by bank".into() } else { String::new() },
            accept_by_itself: chance.in_thousand(scenario.shop.accepts_by_itself),
        }));
        let products = (0..chance.between(scenario.shop.listings_min, scenario.shop.listings_max))
            .map(|n| product(scenario, n, chance));
        let mut products: Vec<ProductDraft> = products.collect();
        let is_first = first_shop.is_some_and(|first| first.author == person.author);
        if let Some(product) = products.first_mut().filter(|_| is_first && scenario.has_rush()) {
            product.variants.truncate(1);
            for variant in &mut product.variants {
                variant.tracked = true;
                variant.quantity = i64::try_from(scenario.shop.rush_units).ok();
            }
        }
        wishes.push(Command::ImportListings { products });
    }
    wishes
}

fn product(scenario: &Scenario, n: u64, chance: &mut Chance) -> ProductDraft {
    let shop = &scenario.shop;
    let variants = (0..chance.between(1, shop.variants_max)).map(|variant| {
        let tracked = !chance.in_thousand(shop.untracked);
        let units = i64::try_from(chance.between(1, shop.units_max)).unwrap_or(1);
        VariantDraft {
            options: vec![format!("size {variant}")],
            price_minor: i64::try_from(chance.between(1, shop.price_minor_max)).unwrap_or(1),
            requires_shipping: chance.in_thousand(700),
            tracked,
            quantity: tracked.then_some(units),
            ..VariantDraft::default()
        }
    });
    ProductDraft {
        handle: format!("product-{n}"),
        title: format!("Product {n}"),
        description: "Made by hand.".into(),
        vendor: String::new(),
        category: None,
        kind: "physical".into(),
        tags: Vec::new(),
        published: true,
        options: vec!["Size".into()],
        images: Vec::new(),
        variants: variants.collect(),
    }
}

/// What somebody's node tells them, so that they look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// An order.
    Order(OrderId),
    /// The tab with somebody.
    Tab(AuthorId),
}

/// What one person sees and may choose from.
pub struct View<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Everybody.
    pub people: &'a [Person],
    /// At which node.
    pub at: usize,
    /// Who wishes.
    pub person: usize,
    /// What their node holds.
    pub records: &'a dyn Records,
    /// What its messages tell: read from the book, which read them already.
    pub book: &'a Book,
    /// What its clock says.
    pub now: Timestamp,
    /// Whether people look at their accounts before they sign for money.
    pub looks_at_account: bool,
}

/// The product that a rush is for, in a shop.
pub fn rush_product(shop: &AuthorId) -> ListingId {
    ListingId::of(shop, "product-0")
}

impl View<'_> {
    /// What somebody wants who has heard that there is little left of something.
    pub fn rush(&self) -> Option<Command> {
        let person = self.person()?;
        let shop = self.rushed_shop().filter(|_| person.habit != Habit::Lurks)?;
        let lines = vec![LineDraft {
            listing: rush_product(&shop),
            variant: None,
            units: 1,
        }];
        Some(Command::AskQuote {
            shop,
            lines,
            country: "DE".into(),
            note: String::new(),
        })
    }

    /// The shop that a rush is for.
    fn rushed_shop(&self) -> Option<AuthorId> {
        self.people
            .iter()
            .find(|person| person.sells)
            .map(|shop| shop.author)
    }

    /// Whether it is what a rush is for: nobody gets more of that in, or more than there was could be sold.
    fn is_rushed(&self, listing: &ListingId) -> bool {
        let shop = self.rushed_shop().filter(|_| self.scenario.has_rush());
        shop.is_some_and(|shop| rush_product(&shop) == *listing)
    }

    /// The next wish, if this person has one now.
    pub fn wish(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let Some(person) = self.person() else {
            return Ok(None);
        };
        match person.habit {
            Habit::All => {}
            Habit::Lurks => return Ok(self.follow_unseen(chance)),
            Habit::Buys if chance.in_thousand(100) => return Ok(self.follow_unseen(chance)),
            Habit::Buys if person.silent || chance.in_thousand(300) => return self.buy(chance),
            Habit::Buys => {
                return match self.in_an_order(chance)? {
                    Some(wish) => Ok(Some(wish)),
                    None => self.buy(chance),
                };
            }
        }
        let kind = chance.below(1_000);
        let talks = self.scenario.people.talks;
        // Where everything is said nothing is drawn for it.
        let says_nothing = (700..900).contains(&kind) && talks < 1_000 && !chance.in_thousand(talks);
        match kind {
            _ if says_nothing => self.buy(chance),
            0..620 if !person.silent => match self.in_an_order(chance)? {
                Some(wish) => Ok(Some(wish)),
                None => self.buy(chance),
            },
            0..700 => self.buy(chance),
            700..760 => self.post(chance),
            760..800 => Ok(self.vouch(chance)),
            800..840 => self.react(chance),
            840..900 => Ok(self.follow(chance)),
            900..960 if person.sells => self.keep_shop(person, chance),
            _ => self.grant(chance),
        }
    }

    /// Who wishes.
    pub fn person(&self) -> Option<&Person> {
        self.people.get(self.person)
    }

    /// Anybody else.
    pub fn somebody(&self, chance: &mut Chance) -> Option<&Person> {
        let (at, other) = chance
            .pick(&self.people.iter().enumerate().collect::<Vec<_>>())
            .copied()?;
        (at != self.person).then_some(other)
    }

    fn acquaintance(&self, chance: &mut Chance) -> Option<&Person> {
        let known = self.person()?;
        self.people.get(*chance.pick(&known.knows)?)
    }

    fn follow(&self, chance: &mut Chance) -> Option<Command> {
        let author = self.somebody(chance)?.author;
        Some(match chance.in_thousand(150) {
            true => Command::Unfollow { author },
            false => Command::Follow {
                author,
                public: chance.in_thousand(300),
            },
        })
    }

    /// Follows somebody, or does so no longer, and nobody hears of it.
    fn follow_unseen(&self, chance: &mut Chance) -> Option<Command> {
        let wish = self.follow(chance)?;
        Some(match wish {
            Command::Follow { author, .. } => Command::Follow {
                author,
                public: false,
            },
            other => other,
        })
    }

    fn vouch(&self, chance: &mut Chance) -> Option<Command> {
        Some(Command::Vouch {
            subject: self.acquaintance(chance)?.author,
            category: "people".into(),
            stands: !chance.in_thousand(150),
            why: String::new(),
        })
    }

    fn timeline(&self) -> Result<Vec<EnvelopeId>, Fault> {
        let rows = self.records.scan(Tree::Timeline, &Range::of([], 20).down())?;
        let posts = rows
            .iter()
            .filter(|(_, value)| value.first() == Some(&(Kind::Post as u8)));
        let ids = posts.filter_map(|(key, _)| key.last_chunk::<32>().copied().map(EnvelopeId::from_bytes));
        Ok(ids.collect())
    }

    fn post(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let mut tags = Vec::new();
        if let Some((shop, listing)) = self.listing(chance)? {
            tags.push(Product { shop, listing });
        }
        let seen = self.timeline()?;
        let reply_to = chance.pick(&seen).copied().filter(|_| chance.in_thousand(300));
        Ok(Some(Command::Post {
            text: format!("At {} I thought of something", self.now.0),
            tags,
            reply_to,
            reshare: None,
        }))
    }

    fn react(&self, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let seen = self.timeline()?;
        let emoji = if chance.in_thousand(200) { "" } else { "❤" }.to_owned();
        Ok(chance.pick(&seen).map(|to| Command::React { to: *to, emoji }))
    }

    fn keep_shop(&self, person: &Person, chance: &mut Chance) -> Result<Option<Command>, Fault> {
        let listings = market::listing_ids(self.records, &person.author, None, 8)?;
        let Some(id) = chance.pick(&listings).copied() else {
            return Ok(None);
        };
        let Some(listing) = market::listing(self.records, &person.author, &id)? else {
            return Ok(None);
        };
        let Some(variant) = chance.pick(&listing.variants) else {
            return Ok(None);
        };
        if variant.tracked && chance.in_thousand(600) {
            let units = Some(chance.below(self.scenario.shop.units_max * 2));
            let count = Command::SetStock {
                listing: id,
                variant: Some(variant.id),
                units,
            };
            return Ok((!self.is_rushed(&id)).then_some(count));
        }
        let minor = chance.between(1, self.scenario.shop.price_minor_max);
        let price = Amount {
            minor: i64::try_from(minor).unwrap_or(1),
            currency: Currency::EUR,
        };
        Ok(Some(Command::EditListing(ListingEdit {
            title: chance
                .in_thousand(300)
                .then(|| format!("Product of {}", self.now.0)),
            prices: BTreeMap::from([(variant.id, price)]),
            published: Some(!chance.in_thousand(50)),
            ..ListingEdit::of(id)
        })))
    }
}
