//! Weights: a decimal string in grams, kilograms, pounds or ounces to whole grams, rounded half up and in whole numbers
//! all the way. Described in `spec/listing.md`.

use super::limits::WEIGHT_GRAMS_MAX;

/// Decimals of a weight that are looked at; further ones are less than a microgram.
const DECIMALS: usize = 9;
/// Ten to the power of [`DECIMALS`].
const SCALE: u128 = 1_000_000_000;
/// Micrograms in a gram.
const MICRO: u128 = 1_000_000;

/// What a weight is given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Grams.
    Gram,
    /// Kilograms.
    Kilogram,
    /// Pounds of 453.59237 g.
    Pound,
    /// Ounces of a sixteenth of a pound, to the microgram.
    Ounce,
}

impl Unit {
    /// Reads a unit's name.
    pub(super) fn read(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "g" | "gr" | "gram" | "grams" => Some(Self::Gram),
            "kg" | "kgs" | "kilogram" | "kilograms" => Some(Self::Kilogram),
            "lb" | "lbs" | "pound" | "pounds" => Some(Self::Pound),
            "oz" | "ounce" | "ounces" => Some(Self::Ounce),
            _ => None,
        }
    }

    fn micrograms(self) -> u128 {
        match self {
            Self::Gram => MICRO,
            Self::Kilogram => 1_000 * MICRO,
            Self::Pound => 453_592_370,
            Self::Ounce => 28_349_523,
        }
    }
}

/// A weight in grams, or nothing if the cell is no weight or more than [`WEIGHT_GRAMS_MAX`]. A comma and a point both mark
/// the fraction: no weight is written with thousands.
pub(super) fn grams(cell: &str, unit: Unit) -> Option<u64> {
    let cell = cell.trim().replace(',', ".");
    let (whole, fraction) = cell.split_once('.').unwrap_or((&cell, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let seen = fraction.get(..DECIMALS).unwrap_or(fraction);
    let zeros = std::iter::repeat_n(b'0', DECIMALS - seen.len());
    let mut scaled = 0_u128;
    for digit in whole.bytes().chain(seen.bytes()).chain(zeros) {
        scaled = scaled.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
    }
    let per_gram = SCALE * MICRO;
    let grams = scaled.checked_mul(unit.micrograms())?.checked_add(per_gram / 2)? / per_gram;
    u64::try_from(grams)
        .ok()
        .filter(|grams| *grams <= WEIGHT_GRAMS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_become_whole_grams() {
        for (cell, unit, expected) in [
            ("0", "g", Some(0)),
            ("250", "g", Some(250)),
            ("226.796", "g", Some(227)),
            ("0.5", "g", Some(1)),
            ("0.49999", "g", Some(0)),
            ("1.5", "kg", Some(1_500)),
            ("0,25", "KG", Some(250)),
            ("1", "lb", Some(454)),
            ("16", "oz", Some(454)),
            ("1", "oz", Some(28)),
            (".2", "kg", Some(200)),
            ("", "g", None),
            (".", "g", None),
            ("-1", "g", None),
            ("1.2.3", "g", None),
            ("heavy", "g", None),
            ("99999999999999999999999999999999999999999", "kg", None),
        ] {
            assert_eq!(
                Unit::read(unit).and_then(|unit| grams(cell, unit)),
                expected,
                "{cell} {unit}"
            );
        }
        assert_eq!(Unit::read("stone"), None);
    }
}
