//! Prices: decimal strings to whole minor units and back, without a float anywhere. A file may write its prices with a
//! decimal point or a decimal comma; which of them is not guessed but found out. A [`Figure`] is read under both marks,
//! and where only one of the readings is a number, the file has said which mark it uses. Described in `spec/listing.md`.

use super::limits::PRICE_MINOR_MAX;

/// Currency signs of letters that are met before or after a price; any sign of Unicode's currency block and any code of
/// three capital letters is known as well.
const LETTER_SIGNS: [&str; 29] = [
    "CA$", "AU$", "NZ$", "HK$", "US$", "NT$", "руб.", "руб", "Rs.", "Fr.", "kr.", "R$", "A$", "C$", "S$",
    "Rs", "Fr", "kr", "Kr", "zł", "Kč", "Ft", "lei", "лв.", "лв", "kn", "TL", "DM", "R",
];

/// Which character parts the whole from the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// 1,234.56
    Point,
    /// 1.234,56
    Comma,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

/// What a price shows of the mark that its file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It reads the same under both.
    Nothing,
    /// It is a number under this one alone.
    Shows(Mark),
    /// It is a different number under each.
    Either,
}

/// Why a cell is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PriceFault {
    /// It is not a number.
    NotANumber,
    /// It is below zero.
    Negative,
    /// It has more decimals than the currency.
    TooPrecise,
    /// It is larger than an amount may be.
    TooLarge,
}

/// A price as it stands in a cell, without its currency sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    digits: String,
    sign: Option<String>,
}

impl Figure {
    /// Reads a cell that is not blank.
    pub(super) fn read(cell: &str) -> Result<Self, PriceFault> {
        let cell = cell.trim();
        let (minus_outside, cell) = strip_minus(cell);
        let (mut sign, mut rest) = strip_sign_before(cell);
        if sign.is_none() {
            (sign, rest) = strip_sign_after(cell);
        }
        let (minus_inside, rest) = strip_minus(rest);
        let digits: String = rest.chars().map(same_space).collect();
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\'');
        let lettered = sign.is_some_and(|sign| sign.ends_with(char::is_alphabetic));
        if !digits.chars().all(numeric) || (lettered && digits.starts_with(['.', ','])) {
            return Err(PriceFault::NotANumber);
        }
        let figure = Self {
            digits,
            sign: sign.map(str::to_owned),
        };
        figure.evidence()?;
        if minus_outside || minus_inside {
            return Err(PriceFault::Negative);
        }
        Ok(figure)
    }

    /// The currency sign that stood beside it.
    pub(super) fn sign(&self) -> Option<&str> {
        self.sign.as_deref()
    }

    /// What it shows of the mark that its file uses.
    pub(super) fn evidence(&self) -> Result<Evidence, PriceFault> {
        match (self.parts(Mark::Point), self.parts(Mark::Comma)) {
            (None, None) => Err(PriceFault::NotANumber),
            (Some(_), None) => Ok(Evidence::Shows(Mark::Point)),
            (None, Some(_)) => Ok(Evidence::Shows(Mark::Comma)),
            (Some(point), Some(comma)) if point == comma => Ok(Evidence::Nothing),
            (Some(_), Some(_)) => Ok(Evidence::Either),
        }
    }

    /// Whether a point is the only thing in it that is not a digit.
    pub(super) fn has_point_alone(&self) -> bool {
        self.digits.matches('.').count() == 1 && self.digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    }

    /// Its value in minor units of a currency that has `exponent` decimals.
    pub(super) fn minor(&self, mark: Mark, exponent: u8) -> Result<i64, PriceFault> {
        let (whole, fraction) = self.parts(mark).ok_or(PriceFault::NotANumber)?;
        let exponent = usize::from(exponent);
        let kept = fraction.get(..exponent).unwrap_or(fraction);
        let beyond = fraction.get(exponent..).unwrap_or("");
        if beyond.bytes().any(|digit| digit != b'0') {
            return Err(PriceFault::TooPrecise);
        }
        let zeros = std::iter::repeat_n(b'0', exponent - kept.len());
        let mut minor = 0_i64;
        for digit in whole.bytes().chain(kept.bytes()).chain(zeros) {
            minor = minor
                .checked_mul(10)
                .and_then(|ten| ten.checked_add(i64::from(digit - b'0')))
                .filter(|minor| *minor <= PRICE_MINOR_MAX)
                .ok_or(PriceFault::TooLarge)?;
        }
        Ok(minor)
    }

    /// The digits before and after the mark, if it is a number under it.
    fn parts(&self, mark: Mark) -> Option<(String, &str)> {
        let (whole, fraction) = match self.digits.split_once(mark.sign()) {
            Some((whole, fraction)) => (whole, fraction),
            None => (self.digits.as_str(), ""),
        };
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(fraction) {
            return None;
        }
        let whole = match whole {
            "" if fraction.is_empty() => return None,
            plain if is_digits(plain) => plain.to_owned(),
            grouped => ungroup(grouped)?,
        };
        Some((whole, fraction))
    }
}

/// Digits in groups of three (or two, as in India, before the last), all parted by the same character.
fn ungroup(grouped: &str) -> Option<String> {
    let separator = grouped.chars().find(|c| !c.is_ascii_digit())?;
    let groups: Vec<&str> = grouped.split(separator).collect();
    let (first, rest) = groups.split_first()?;
    let (last, middle) = rest.split_last()?;
    let digits = groups
        .iter()
        .all(|group| group.bytes().all(|b| b.is_ascii_digit()));
    let lengths =
        (1..=3).contains(&first.len()) && middle.iter().all(|g| matches!(g.len(), 2 | 3)) && last.len() == 3;
    (digits && lengths && !first.starts_with('0')).then(|| groups.concat())
}

/// One character for all kinds of space, and one for all kinds of apostrophe.
fn same_space(c: char) -> char {
    match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '\u{2019}' => '\'',
        other => other,
    }
}

fn strip_minus(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    }
}

fn strip_sign_before(text: &str) -> (Option<&str>, &str) {
    let found = LETTER_SIGNS
        .iter()
        .map(|sign| sign.len())
        .zip(LETTER_SIGNS)
        .find(|(_, sign)| text.starts_with(sign))
        .map(|(len, _)| len);
    let len = text
        .chars()
        .next()
        .filter(|c| is_currency(*c))
        .map(char::len_utf8);
    let code = text.get(..3).filter(|code| is_code(code)).map(str::len);
    match code.or(found).or(len) {
        Some(len) => {
            let (sign, rest) = text.split_at(len);
            (Some(sign), rest.trim_start())
        }
        None => (None, text),
    }
}

fn strip_sign_after(text: &str) -> (Option<&str>, &str) {
    let found = LETTER_SIGNS
        .iter()
        .find(|sign| text.ends_with(*sign))
        .map(|sign| sign.len());
    let len = text
        .chars()
        .next_back()
        .filter(|c| is_currency(*c))
        .map(char::len_utf8);
    let start = text.len().saturating_sub(3);
    let code = text.get(start..).filter(|code| is_code(code)).map(str::len);
    match code.or(found).or(len) {
        Some(len) => {
            let (rest, sign) = text.split_at(text.len() - len);
            (Some(sign), rest.trim_end())
        }
        None => (None, text),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '\u{a2}'..='\u{a5}' | '\u{e3f}' | '\u{20a0}'..='\u{20cf}' | '\u{ffe5}' | '\u{5143}' | '\u{5186}')
}

/// An amount that is not below zero as a decimal string with a point, such as `42.99`.
pub(super) fn decimal(minor: u64, exponent: u8) -> String {
    let width = usize::from(exponent);
    let digits = format!("{minor:0>full$}", full = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    match fraction {
        "" => whole.to_owned(),
        _ => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minor(cell: &str, mark: Mark, exponent: u8) -> Result<i64, PriceFault> {
        Figure::read(cell)?.minor(mark, exponent)
    }

    #[test]
    fn a_price_is_read_to_the_cent() {
        for (cell, exponent, expected) in [
            ("42.99", 2, 4_299),
            ("60", 2, 6_000),
            (".5", 2, 50),
            ("5.", 2, 500),
            ("1,234.56", 2, 123_456),
            ("1,23,456.70", 2, 12_345_670),
            ("0.29", 2, 29),
            ("1.005", 3, 1_005),
            ("1500", 0, 1_500),
            ("1500.00", 0, 1_500),
            ("19.990", 2, 1_999),
            ("€ 12.50", 2, 1_250),
            ("12.50 EUR", 2, 1_250),
            ("$1'234.50", 2, 123_450),
            ("1\u{a0}234.50\u{a0}€", 2, 123_450),
            ("Rs. 500", 2, 50_000),
            ("9007199254740.93", 2, 900_719_925_474_093),
        ] {
            assert_eq!(minor(cell, Mark::Point, exponent), Ok(expected), "{cell}");
        }
        for (cell, exponent, expected) in [
            ("1.234,56", 2, 123_456),
            ("12,5", 2, 1_250),
            ("1.234", 2, 123_400),
        ] {
            assert_eq!(minor(cell, Mark::Comma, exponent), Ok(expected), "{cell}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        use PriceFault::{Negative, NotANumber, TooLarge, TooPrecise};
        for (cell, fault) in [
            ("abc", NotANumber),
            ("", NotANumber),
            (".", NotANumber),
            ("1e5", NotANumber),
            ("5e", NotANumber),
            ("1.2.3", NotANumber),
            ("12,34,5", NotANumber),
            ("1 2", NotANumber),
            ("kr,50", NotANumber),
            ("0x10", NotANumber),
            ("٣", NotANumber),
            ("NaN", NotANumber),
            ("-1", Negative),
            ("€-1.00", Negative),
            ("\u{2212}3", Negative),
            ("1.999", TooPrecise),
            ("99999999999999999999", TooLarge),
        ] {
            assert_eq!(minor(cell, Mark::Point, 2), Err(fault), "{cell}");
        }
    }

    #[test]
    fn a_price_shows_its_mark_only_where_one_reading_is_a_number() {
        use Evidence::{Either, Nothing, Shows};
        for (cell, expected) in [
            ("60", Nothing),
            ("42.99", Shows(Mark::Point)),
            ("42,99", Shows(Mark::Comma)),
            ("1.234", Either),
            ("1,234", Either),
            ("0.500", Shows(Mark::Point)),
            ("1500.000", Shows(Mark::Point)),
            ("1.234.567", Shows(Mark::Comma)),
            ("1,234,567", Shows(Mark::Point)),
            ("1 234,500", Shows(Mark::Comma)),
        ] {
            assert_eq!(
                Figure::read(cell).and_then(|figure| figure.evidence()),
                Ok(expected),
                "{cell}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_amount_reads_back_from_its_decimal_string(amount in 0..=PRICE_MINOR_MAX, exponent in 0_u8..=4) {
            let text = decimal(amount.unsigned_abs(), exponent);
            prop_assert_eq!(minor(&text, Mark::Point, exponent), Ok(amount));
        }

        #[test]
        fn no_cell_makes_it_panic(cell in "[0-9.,' €$A-Za-z\u{2212}-]{0,12}|\\PC{0,12}", exponent in any::<u8>()) {
            let _ = minor(&cell, Mark::Point, exponent);
            let _ = minor(&cell, Mark::Comma, exponent);
        }
    }
}
