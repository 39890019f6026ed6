//! What a merchant's node answers to a question: a quote from the shop as it is now, or why there is none.
//! Described in `spec/order.md`.

use super::Peer;
use super::turn::Turn;
use crate::market;
use crate::money::Amount;
use crate::order::{Ask, Order};
use crate::quote::{Quote, QuoteLine, Terms};
use crate::records::Fault;
use crate::settlement::Rail;
use crate::shop::ShopTerms;
use crate::sync::UnitsWanted;
use crate::text::{List, Name};

/// Why there is no quote.
pub(super) struct NoOffer {
    /// For the buyer.
    pub(super) words: String,
    /// What another device of the shop may have.
    pub(super) lacking: Option<UnitsWanted>,
}

impl From<String> for NoOffer {
    fn from(words: String) -> Self {
        Self { words, lacking: None }
    }
}

impl Peer {
    /// A quote for what was asked, from the shop as it is now; or in words why there is none.
    pub(super) fn offer(&self, turn: &Turn<'_>, order: &Order) -> Result<Result<Quote, NoOffer>, Fault> {
        let me = self.author();
        let Some(terms) = market::terms(turn.records(), &me)? else {
            return Ok(Err("this is no shop".to_owned().into()));
        };
        let holds = self.holds(turn)?;
        let (mut lines, mut weight, mut ships) = (Vec::new(), 0u64, None);
        for line in &order.ask.lines {
            let Some(listing) = market::listing(turn.records(), &me, &line.listing)? else {
                return Ok(Err(format!("the shop has no {}", line.listing).into()));
            };
            let title = listing.product.title.clone();
            let variant = listing.variant(&line.variant).filter(|_| listing.is_for_sale());
            let Some((variant, price)) = variant.and_then(|variant| Some((variant, variant.price?))) else {
                return Ok(Err(format!("'{title}' is not for sale").into()));
            };
            let mut held = 0;
            if variant.tracked {
                let stock = market::stock(turn.records(), &me, &line.listing)?;
                let left = holds.sellable(&stock, &self.device(), &line.variant);
                if left < u64::from(line.units) && !variant.oversell {
                    let lacking = UnitsWanted {
                        listing: line.listing,
                        variant: line.variant,
                        units: u64::from(line.units) - left,
                    };
                    return Ok(Err(NoOffer {
                        words: format!("of '{title}' only {left} are left"),
                        lacking: Some(lacking),
                    }));
                }
                held = u32::try_from(left).unwrap_or(u32::MAX).min(line.units);
            }
            if variant.requires_shipping {
                ships = ships.or(Some(listing.product.shipping.clone()));
                weight = weight.saturating_add(u64::from(variant.weight_grams) * u64::from(line.units));
            }
            let label = variant
                .options
                .iter()
                .map(Name::as_str)
                .collect::<Vec<_>>()
                .join(" / ");
            if price.currency != terms.currency {
                return Ok(Err(format!("'{title}' has no price in {}", terms.currency).into()));
            }
            lines.push(QuoteLine {
                listing: line.listing,
                variant: line.variant,
                title,
                label: Name::fitted(&label),
                price_minor: price.minor,
                units: line.units,
                total_minor: 0,
                held,
            });
        }
        Ok(self
            .priced(turn, &terms, &order.ask, lines, weight, ships)?
            .map_err(|error| error.to_string().into()))
    }

    pub(super) fn priced(
        &self,
        turn: &Turn<'_>,
        terms: &ShopTerms,
        ask: &Ask,
        lines: Vec<QuoteLine>,
        weight_grams: u64,
        ships: Option<Name>,
    ) -> Result<Result<Quote, Box<dyn std::error::Error>>, Fault> {
        let manual = !self.shop_ways(turn)?.payment_instructions.is_empty();
        let price = || -> Result<Quote, Box<dyn std::error::Error>> {
            let mut subtotal = Amount::zero(terms.currency);
            for line in &lines {
                let total = Amount::new(line.price_minor, terms.currency)?.times(line.units)?;
                subtotal = subtotal.plus(total)?;
            }
            let shipping = match &ships {
                Some(profile) if !terms.shipping.is_empty() => {
                    terms.rate(profile, ask.country, weight_grams, subtotal)?
                }
                _ => Amount::zero(terms.currency),
            };
            let taken = |rail: &Rail| ask.rails.contains(rail) && (manual || *rail != Rail::Manual);
            let rails: Vec<Rail> = Rail::ALL.into_iter().filter(taken).collect();
            if rails.is_empty() {
                return Err("the shop takes none of these ways to pay".into());
            }
            Ok(Quote::new(
                List::new(lines.clone())?,
                shipping,
                Terms::of(&terms.deadlines, terms.policies.returns_days),
                turn.now.plus_ms(terms.deadlines.quote_ms),
                List::new(rails)?,
            )?)
        };
        Ok(price())
    }
}
