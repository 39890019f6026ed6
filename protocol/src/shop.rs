//! The terms of a shop: its currency, what shipping costs, what it promises, and how long each step
//! of an order may take. `State`: the newest one of an author counts. A quote copies what it needs
//! from here, so later changes leave signed orders alone. Described in `spec/listing.md`.

use crate::limits::{
    DEADLINE_MS_MAX, RETURNS_DAYS_MAX, SHIPPING_PROFILES_MAX, SHIPPING_ZONES_MAX, ZONE_COUNTRIES_MAX,
};
use crate::money::{Amount, Currency, MoneyError};
use crate::text::{List, Name, Prose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why terms cannot be, or say no price for a delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShopError {
    /// Not two capital letters, nor `*`.
    #[error("expected a country code of two capital letters such as DE, or * for all others, got '{0}'")]
    Country(String),
    /// Two profiles with one name: which of them holds would be a matter of order.
    #[error("two shipping profiles are called '{0}'")]
    ProfileTwice(Name),
    /// One profile names a place in two zones, or twice in one.
    #[error("the shipping profile '{profile}' names {place} twice")]
    PlaceTwice {
        /// The profile.
        profile: Name,
        /// The place.
        place: Place,
    },
    /// A zone for nobody.
    #[error("the shipping profile '{0}' has a zone without countries")]
    NoCountries(Name),
    /// A price of the terms is negative.
    #[error("expected a price of at least 0 in the shipping profile '{profile}', got {actual}")]
    Negative {
        /// The profile.
        profile: Name,
        /// The price, in minor units.
        actual: i64,
    },
    /// A deadline is zero or too far.
    #[error("expected a deadline '{name}' of 1 to {DEADLINE_MS_MAX} ms, got {actual}")]
    Deadline {
        /// Which deadline.
        name: &'static str,
        /// What it was, in milliseconds.
        actual: u64,
    },
    /// More days for returns than anyone can promise.
    #[error("expected at most {RETURNS_DAYS_MAX} days for returns, got {0}")]
    ReturnsDays(u16),
    /// The shop has no shipping profile of that name.
    #[error("the shop has no shipping profile '{0}'")]
    NoProfile(Name),
    /// The shop does not deliver there.
    #[error("the shipping profile '{profile}' does not deliver to {country}")]
    NotThere {
        /// The profile.
        profile: Name,
        /// The country.
        country: Country,
    },
    /// The price of the delivery is no amount.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A country by its ISO 3166-1 code of two capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl std::str::FromStr for Country {
    type Err = ShopError;
    fn from_str(text: &str) -> Result<Self, ShopError> {
        match text.as_bytes() {
            &[a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(ShopError::Country(text.chars().take(16).collect())),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = ShopError;
    fn try_from(text: String) -> Result<Self, ShopError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// Whom a zone is for: one country, or all that no other zone of the profile names. Written as the
/// country's code or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// Every country that no other zone names.
    Elsewhere,
    /// One country.
    Country(Country),
}

impl std::str::FromStr for Place {
    type Err = ShopError;
    fn from_str(text: &str) -> Result<Self, ShopError> {
        match text {
            "*" => Ok(Self::Elsewhere),
            code => Ok(Self::Country(code.parse()?)),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = ShopError;
    fn try_from(text: String) -> Result<Self, ShopError> {
        text.parse()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elsewhere => f.write_str("*"),
            Self::Country(country) => write!(f, "{country}"),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

/// What it costs to send something to some countries. Prices are minor units of the shop's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Where to.
    pub places: List<Place, ZONE_COUNTRIES_MAX>,
    /// For the parcel.
    #[serde(rename = "base")]
    pub base_minor: i64,
    /// For each kilogram, charged by the gram; a started minor unit counts whole.
    #[serde(rename = "per_kg")]
    pub per_kg_minor: i64,
    /// From this subtotal on, nothing.
    #[serde(default, rename = "free_from", skip_serializing_if = "Option::is_none")]
    pub free_from_minor: Option<i64>,
}

/// A named way of sending things; a listing names one, or has the shop's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingProfile {
    /// Its name.
    pub name: Name,
    /// Where to, and for how much.
    pub zones: List<Zone, SHIPPING_ZONES_MAX>,
}

impl ShippingProfile {
    /// What it costs to send that much there, in the subtotal's currency.
    ///
    /// # Errors
    /// [`ShopError::NotThere`], or the price is too large for an amount.
    pub fn rate(&self, country: Country, weight_grams: u64, subtotal: Amount) -> Result<Amount, ShopError> {
        let zone = self.zone(country).ok_or_else(|| ShopError::NotThere {
            profile: self.name.clone(),
            country,
        })?;
        if zone.free_from_minor.is_some_and(|from| subtotal.minor >= from) {
            return Ok(Amount::zero(subtotal.currency));
        }
        let by_weight = (i128::from(zone.per_kg_minor) * i128::from(weight_grams) + 999) / 1_000;
        let minor =
            i64::try_from(i128::from(zone.base_minor) + by_weight).map_err(|_| MoneyError::TooLarge)?;
        Ok(Amount::new(minor, subtotal.currency)?)
    }

    fn zone(&self, country: Country) -> Option<&Zone> {
        let holds = |place| self.zones.iter().find(|zone| zone.places.contains(&place));
        holds(Place::Country(country)).or_else(|| holds(Place::Elsewhere))
    }

    fn check(&self) -> Result<(), ShopError> {
        let profile = || self.name.clone();
        let mut seen = BTreeSet::new();
        for zone in &self.zones {
            if zone.places.is_empty() {
                return Err(ShopError::NoCountries(profile()));
            }
            if let Some(place) = zone.places.iter().copied().find(|place| !seen.insert(*place)) {
                let profile = profile();
                return Err(ShopError::PlaceTwice { profile, place });
            }
            let prices = [
                zone.base_minor,
                zone.per_kg_minor,
                zone.free_from_minor.unwrap_or(0),
            ];
            if let Some(actual) = prices.into_iter().find(|price| *price < 0) {
                let profile = profile();
                return Err(ShopError::Negative { profile, actual });
            }
        }
        Ok(())
    }
}

/// What a shop promises beside the goods.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Days after delivery within which things can be sent back; zero for never.
    pub returns_days: u16,
    /// How to send something back, in words.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub returns: Prose,
    /// Everything else, in words.
    #[serde(default, skip_serializing_if = "Prose::is_empty")]
    pub terms: Prose,
}

/// How long each step of an order may take before the waiting party may let it lapse, in
/// milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// From the quote: how long it may be ordered upon, and stock is held for it.
    pub quote_ms: u64,
    /// From the order to the shop's acceptance.
    pub accept_ms: u64,
    /// From acceptance to payment.
    pub pay_ms: u64,
    /// From payment to the shop's receipt.
    pub receipt_ms: u64,
    /// From the receipt to dispatch or handing over.
    pub fulfil_ms: u64,
    /// From fulfilment to completion, when the buyer says nothing.
    pub complete_ms: u64,
}

const MINUTE_MS: u64 = 60 * 1_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            quote_ms: 15 * MINUTE_MS,
            accept_ms: 2 * DAY_MS,
            pay_ms: DAY_MS,
            receipt_ms: DAY_MS,
            fulfil_ms: 14 * DAY_MS,
            complete_ms: 21 * DAY_MS,
        }
    }
}

impl Deadlines {
    fn check(&self) -> Result<(), ShopError> {
        let named = [
            ("quote", self.quote_ms),
            ("accept", self.accept_ms),
            ("pay", self.pay_ms),
            ("receipt", self.receipt_ms),
            ("fulfil", self.fulfil_ms),
            ("complete", self.complete_ms),
        ];
        match named
            .into_iter()
            .find(|(_, ms)| *ms == 0 || *ms > DEADLINE_MS_MAX)
        {
            Some((name, actual)) => Err(ShopError::Deadline { name, actual }),
            None => Ok(()),
        }
    }
}

/// A shop's terms. Reading them checks them; terms that were made here are checked by
/// [`ShopTerms::check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawTerms")]
pub struct ShopTerms {
    /// What its prices are in.
    pub currency: Currency,
    /// How it sends things; the first one is for listings that name none.
    pub shipping: List<ShippingProfile, SHIPPING_PROFILES_MAX>,
    /// What it promises.
    pub policies: Policies,
    /// How long things may take.
    pub deadlines: Deadlines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTerms {
    currency: Currency,
    shipping: List<ShippingProfile, SHIPPING_PROFILES_MAX>,
    policies: Policies,
    deadlines: Deadlines,
}

impl TryFrom<RawTerms> for ShopTerms {
    type Error = ShopError;
    fn try_from(raw: RawTerms) -> Result<Self, ShopError> {
        let terms = Self {
            currency: raw.currency,
            shipping: raw.shipping,
            policies: raw.policies,
            deadlines: raw.deadlines,
        };
        terms.check()?;
        Ok(terms)
    }
}

impl ShopTerms {
    /// Terms to start from: this currency, no shipping, usual deadlines, no returns.
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            shipping: List::default(),
            policies: Policies::default(),
            deadlines: Deadlines::default(),
        }
    }

    /// Whether others would read these terms.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ShopError> {
        let mut names = BTreeSet::new();
        for profile in &self.shipping {
            if !names.insert(&profile.name) {
                return Err(ShopError::ProfileTwice(profile.name.clone()));
            }
            profile.check()?;
        }
        if self.policies.returns_days > RETURNS_DAYS_MAX {
            return Err(ShopError::ReturnsDays(self.policies.returns_days));
        }
        self.deadlines.check()
    }

    /// The profile that a listing names; with an empty name, the shop's first.
    ///
    /// # Errors
    /// [`ShopError::NoProfile`].
    pub fn profile(&self, name: &Name) -> Result<&ShippingProfile, ShopError> {
        let found = match name.is_empty() {
            true => self.shipping.first(),
            false => self.shipping.iter().find(|profile| profile.name == *name),
        };
        found.ok_or_else(|| ShopError::NoProfile(name.clone()))
    }

    /// What it costs to send goods of this weight and subtotal to a country.
    ///
    /// # Errors
    /// No such profile, no delivery there, another currency than the shop's, or too large a price.
    pub fn rate(
        &self,
        profile: &Name,
        country: Country,
        weight_grams: u64,
        subtotal: Amount,
    ) -> Result<Amount, ShopError> {
        let subtotal = Amount::zero(self.currency).plus(subtotal)?;
        self.profile(profile)?.rate(country, weight_grams, subtotal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn zone(places: &[&str], base_minor: i64, per_kg_minor: i64, free_from_minor: Option<i64>) -> Zone {
        Zone {
            places: List::new(places.iter().map(|text| text.parse().unwrap()).collect()).unwrap(),
            base_minor,
            per_kg_minor,
            free_from_minor,
        }
    }

    fn terms(zones: Vec<Zone>) -> ShopTerms {
        let profile = ShippingProfile {
            name: Name::new("parcel").unwrap(),
            zones: List::new(zones).unwrap(),
        };
        ShopTerms {
            shipping: List::new(vec![profile]).unwrap(),
            ..ShopTerms::new(Currency::EUR)
        }
    }

    fn usual() -> ShopTerms {
        terms(vec![
            zone(&["DE", "AT"], 390, 100, Some(5_000)),
            zone(&["*"], 1_200, 450, None),
        ])
    }

    fn rate(country: &str, grams: u64, subtotal: i64) -> Result<i64, ShopError> {
        let subtotal = Amount::new(subtotal, Currency::EUR).unwrap();
        let rate = usual().rate(&Name::default(), country.parse().unwrap(), grams, subtotal);
        rate.map(|amount| amount.minor)
    }

    #[test]
    fn shipping_costs_what_the_zone_of_the_country_says() {
        assert_eq!(rate("DE", 0, 100), Ok(390));
        assert_eq!(rate("AT", 2_500, 100), Ok(640));
        assert_eq!(rate("JP", 1_000, 9_000), Ok(1_650));
        // A started cent is a cent.
        assert_eq!(rate("DE", 1, 100), Ok(391));
    }

    #[test]
    fn shipping_is_free_from_the_subtotal_on() {
        assert_eq!(rate("DE", 9_000, 4_999), Ok(1_290));
        assert_eq!(rate("DE", 9_000, 5_000), Ok(0));
    }

    #[test]
    fn what_has_no_rate_is_refused() {
        let germany: Country = "DE".parse().unwrap();
        let euro = Amount::zero(Currency::EUR);
        let home = terms(vec![zone(&["DE"], 1, 1, None)]);
        let none = Name::default();
        assert!(matches!(
            home.rate(&none, "FR".parse().unwrap(), 1, euro),
            Err(ShopError::NotThere { .. })
        ));
        assert!(matches!(
            home.rate(&Name::new("drone").unwrap(), germany, 1, euro),
            Err(ShopError::NoProfile(_))
        ));
        assert!(matches!(
            ShopTerms::new(Currency::EUR).rate(&none, germany, 1, euro),
            Err(ShopError::NoProfile(_))
        ));
        let yen = Amount::zero("JPY".parse().unwrap());
        assert!(matches!(
            home.rate(&none, germany, 1, yen),
            Err(ShopError::Money(MoneyError::Mixed { .. }))
        ));
        assert_eq!(
            terms(vec![zone(&["*"], 0, i64::MAX, None)]).rate(&none, germany, u64::MAX, euro),
            Err(ShopError::Money(MoneyError::TooLarge))
        );
    }

    #[test]
    fn terms_read_back_from_their_bytes() {
        let bytes = codec::encode(&usual()).unwrap();
        assert_eq!(codec::decode::<ShopTerms>(&bytes).unwrap(), usual());
    }

    #[test]
    fn terms_that_contradict_themselves_are_refused() {
        let twice = {
            let profile = usual().shipping[0].clone();
            ShopTerms {
                shipping: List::new(vec![profile.clone(), profile]).unwrap(),
                ..usual()
            }
        };
        let mut late = usual();
        late.deadlines.pay_ms = DEADLINE_MS_MAX + 1;
        let mut never = usual();
        never.deadlines.quote_ms = 0;
        let mut generous = usual();
        generous.policies.returns_days = RETURNS_DAYS_MAX + 1;
        let country_twice = vec![zone(&["DE"], 1, 1, None), zone(&["AT", "DE"], 1, 1, None)];
        let cases = [
            ("profile twice", twice),
            ("late", late),
            ("never", never),
            ("generous", generous),
            ("country twice", terms(country_twice)),
            ("elsewhere twice", terms(vec![zone(&["*", "*"], 1, 1, None)])),
            ("nobody", terms(vec![zone(&[], 1, 1, None)])),
            ("negative", terms(vec![zone(&["DE"], -1, 1, None)])),
            ("negative threshold", terms(vec![zone(&["DE"], 1, 1, Some(-1))])),
        ];
        for (name, terms) in cases {
            assert!(terms.check().is_err(), "{name}");
            let bytes = codec::encode(&terms).unwrap();
            assert!(codec::decode::<ShopTerms>(&bytes).is_err(), "{name}");
        }
        assert_eq!(usual().check(), Ok(()));
        assert!("de".parse::<Country>().is_err() && "DEU".parse::<Country>().is_err());
    }
}
