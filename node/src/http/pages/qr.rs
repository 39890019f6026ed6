//! QR codes, drawn as one path: dark modules on a light ground, whatever the colours of the page are.

use super::words::plain_amount;
use iban::{Iban, IbanLike};
use qrcode::{Color, EcLevel, QrCode};
use souk_protocol::money::{Amount, Currency};

/// Modules of light around a code.
const QUIET: usize = 4;
/// Longest name and remittance text of a transfer, in characters (EPC069-12).
const NAME_CHARS_MAX: usize = 70;
const TEXT_CHARS_MAX: usize = 140;

/// A text as an element that cameras read; none if it is too long for one code.
pub(super) fn code(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!(
                "M{} {}h1v1h-1z",
                place % width + QUIET,
                place / width + QUIET
            ));
        }
    }
    let side = width + 2 * QUIET;
    Some(format!(
        r#"<svg viewBox="0 0 {side} {side}" shape-rendering="crispEdges" aria-hidden="true"><path d="{path}"/></svg>"#
    ))
}

/// The text of an EPC QR code: a credit transfer in euros to an account, with what it is for. None if it
/// is no sum that such a code can name.
pub(super) fn transfer(to: &str, iban: &Iban, amount: &Amount, reference: &str) -> Option<String> {
    let payable = amount.currency == Currency::EUR && (1..=99_999_999_999).contains(&amount.minor);
    let line = |text: &str, chars| {
        text.chars()
            .filter(|c| !c.is_control())
            .take(chars)
            .collect::<String>()
    };
    let (to, reference) = (line(to, NAME_CHARS_MAX), line(reference, TEXT_CHARS_MAX));
    let (account, sum) = (iban.electronic_str(), plain_amount(amount));
    // Service tag, version, UTF-8, SEPA credit transfer; the bank's code is not needed since version 2.
    (payable && !to.trim().is_empty())
        .then(|| format!("BCD\n002\n1\nSCT\n\n{to}\n{account}\nEUR{sum}\n\n\n{reference}\n"))
}

/// The first bank account that a text names.
pub(super) fn account(text: &str) -> Option<Iban> {
    let starts = text.char_indices().filter(|(place, c)| {
        let before = text.get(..*place).and_then(|before| before.chars().next_back());
        c.is_ascii_uppercase() && !before.is_some_and(char::is_alphanumeric)
    });
    starts
        .map(|(place, _)| place)
        .find_map(|place| first_account(text.get(place..)?))
}

/// The longest account that a text begins with: people write them in groups, and go on after them.
fn first_account(text: &str) -> Option<Iban> {
    let mut compact = String::new();
    let mut found = None;
    for c in text.chars() {
        match c {
            ' ' | '\u{a0}' => continue,
            c if c.is_ascii_alphanumeric() && compact.len() < 34 => compact.push(c.to_ascii_uppercase()),
            _ => break,
        }
        if let Ok(iban) = compact.parse() {
            found = Some(iban);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_within_words() {
        for text in [
            "IBAN DE89 3704 0044 0532 0130 00",
            "Bitte an DE89370400440532013000, Moe Lampe",
            "To DE89\u{a0}3704 0044 0532 0130 00 with the order's number",
        ] {
            assert_eq!(
                account(text).unwrap().electronic_str(),
                "DE89370400440532013000",
                "{text}"
            );
        }
        for text in ["", "cash", "DE89 3704 0044 0532 0130 01", "Ä DE", "XX00 1"] {
            assert!(account(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_transfer_has_the_lines_of_the_standard() {
        let iban = account("DE89370400440532013000").unwrap();
        let amount = Amount::new(1_290, Currency::EUR).unwrap();
        let text = transfer("Moe\nLamps", &iban, &amount, "order-1").unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(
            lines,
            [
                "BCD",
                "002",
                "1",
                "SCT",
                "",
                "MoeLamps",
                "DE89370400440532013000",
                "EUR12.90",
                "",
                "",
                "order-1",
                ""
            ]
        );
        assert!(transfer("", &iban, &amount, "").is_none());
        let free = Amount::new(0, Currency::EUR).unwrap();
        assert!(transfer("Moe", &iban, &free, "").is_none());
    }

    #[test]
    fn a_code_has_its_modules_and_light_around_them() {
        let svg = code("souk").unwrap();
        assert!(svg.contains("viewBox=\"0 0 29 29\"") && svg.contains("M4 4h1v1h-1z"));
        assert!(code(&"x".repeat(5_000)).is_none());
    }
}
