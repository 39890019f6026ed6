//! Money: whole minor units of a named currency, with checked arithmetic. There is no floating
//! point and no silent overflow anywhere that money goes. Described in `spec/settlement.md`.

use crate::limits::AMOUNT_MINOR_MAX;
use serde::{Deserialize, Serialize};

/// Why an amount cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("expected a currency code of three capital letters such as EUR, got '{0}'")]
    Currency(String),
    /// Two currencies met in one sum.
    #[error("expected an amount in {expected}, got {actual}")]
    Mixed {
        /// The currency of the sum.
        expected: Currency,
        /// The currency that came.
        actual: Currency,
    },
    /// The result lies outside what the protocol allows.
    #[error("the amount is larger than {AMOUNT_MINOR_MAX} minor units")]
    TooLarge,
    /// Not a decimal number with as many places as the currency has.
    #[error("expected a price in {currency} such as {example}, got '{actual}'")]
    Number {
        /// The currency that was expected.
        currency: Currency,
        /// What such a price looks like.
        example: String,
        /// What came, shortened.
        actual: String,
    },
}

/// An ISO 4217 currency code. How many decimal places its minor unit has comes from the standard's
/// table, so every node reads one number the same way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code, three capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of the minor unit: 2 for EUR, 0 for JPY, 3 for BHD (ISO 4217).
    pub fn exponent(&self) -> u8 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl std::str::FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Currency(text.chars().take(16).collect())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money: whole minor units (cents) and their currency. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawAmount")]
pub struct Amount {
    /// Minor units.
    pub minor: i64,
    /// What they are units of.
    pub currency: Currency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAmount {
    minor: i64,
    currency: Currency,
}

impl TryFrom<RawAmount> for Amount {
    type Error = MoneyError;
    fn try_from(raw: RawAmount) -> Result<Self, MoneyError> {
        Amount::new(raw.minor, raw.currency)
    }
}

impl Amount {
    /// So many minor units, if the protocol allows that many.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor.unsigned_abs() > AMOUNT_MINOR_MAX.unsigned_abs() {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self { minor, currency })
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Amount) -> Result<Self, MoneyError> {
        self.same(other)?;
        Self::new(
            self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?,
            self.currency,
        )
    }

    /// This amount less another of the same currency.
    pub fn minus(self, other: Amount) -> Result<Self, MoneyError> {
        self.same(other)?;
        Self::new(
            self.minor.checked_sub(other.minor).ok_or(MoneyError::TooLarge)?,
            self.currency,
        )
    }

    /// This amount so many times.
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        Self::new(
            self.minor
                .checked_mul(i64::from(count))
                .ok_or(MoneyError::TooLarge)?,
            self.currency,
        )
    }

    fn same(self, other: Amount) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::Mixed {
            expected: self.currency,
            actual: other.currency,
        })
    }

    /// Reads `42.99` or `42.99 EUR` exactly; a currency in the text must be the one expected.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::Number {
            currency,
            example: Self {
                minor: 4299,
                currency,
            }
            .to_string(),
            actual: text.chars().take(40).collect(),
        };
        let mut words = text.split_whitespace();
        let number = words.next().ok_or_else(wrong)?;
        if let Some(code) = words.next() {
            let actual = code.parse()?;
            Self::zero(currency).same(Self::zero(actual))?;
        }
        if words.next().is_some() {
            return Err(wrong());
        }
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let places = usize::from(currency.exponent());
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > places {
            return Err(wrong());
        }
        let minor: i64 = format!("{whole}{fraction:0<places$}")
            .parse()
            .map_err(|_| MoneyError::TooLarge)?;
        Self::new(if negative { -minor } else { minor }, currency)
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (units, places) = (self.minor.unsigned_abs(), u32::from(self.currency.exponent()));
        let scale = 10u64.pow(places);
        match places {
            0 => write!(f, "{sign}{units} {}", self.currency),
            _ => {
                let width = places as usize;
                write!(
                    f,
                    "{sign}{}.{:0width$} {}",
                    units / scale,
                    units % scale,
                    self.currency
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_reads_back_to_the_cent() {
        for (text, code, minor) in [
            ("42.99", "EUR", 4299),
            ("60", "EUR", 6000),
            ("0.5", "EUR", 50),
            ("700", "JPY", 700),
            ("-1.005", "BHD", -1005),
        ] {
            let currency: Currency = code.parse().unwrap();
            let amount = Amount::parse(text, currency).unwrap();
            assert_eq!(amount.minor, minor);
            assert_eq!(Amount::parse(&amount.to_string(), currency), Ok(amount));
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            "x",
            "1,5",
            "1.234",
            "1 USD",
            "1 EUR x",
            "--1",
            ".5",
            "9999999999999999999",
            "1e5",
            "+1",
        ] {
            assert!(Amount::parse(text, Currency::EUR).is_err(), "{text}");
        }
    }

    #[test]
    fn sums_neither_overflow_nor_mix_currencies() {
        let most = Amount::new(AMOUNT_MINOR_MAX, Currency::EUR).unwrap();
        assert_eq!(most.plus(most), Err(MoneyError::TooLarge));
        assert_eq!(most.times(u32::MAX), Err(MoneyError::TooLarge));
        let yen = Amount::zero("JPY".parse().unwrap());
        assert!(matches!(most.plus(yen), Err(MoneyError::Mixed { .. })));
    }
}
