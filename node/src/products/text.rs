//! Cells brought to form: what a listing will hold is in normalization form C, has no control characters and is bounded.
//! Described in `spec/listing.md`.

use unicode_normalization::UnicodeNormalization;

use super::limits::QUOTED_BYTES_MAX;

/// A cell of one line, in form C, with spaces for line ends, tabs and other control characters.
pub(super) fn line(cell: &str) -> String {
    let spaced: String = cell.nfc().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

/// The longest beginning of a text that ends between characters and has at most `bytes_max` bytes, and how many bytes
/// were cut off.
pub(super) fn cut(mut text: String, bytes_max: usize) -> (String, usize) {
    let before = text.len();
    if before > bytes_max {
        let boundary = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(boundary.unwrap_or(0));
        text.truncate(text.trim_end().len());
    }
    let cut_off = before - text.len();
    (text, cut_off)
}

/// The beginning of a cell, short enough to be repeated in a message.
pub(super) fn quoted(cell: &str) -> String {
    let (short, cut_off) = cut(line(cell), QUOTED_BYTES_MAX);
    if cut_off == 0 {
        short
    } else {
        format!("{short}…")
    }
}

/// A handle made of a title: its letters and digits in lower case, with hyphens between.
pub fn handle_of(title: &str) -> String {
    let lower = title.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    match words.join("-") {
        empty if empty.is_empty() => "product".to_owned(),
        handle => handle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("äää".to_owned(), 5), ("ää".to_owned(), 2));
        assert_eq!(cut("ab cd".to_owned(), 3), ("ab".to_owned(), 3));
        assert_eq!(cut("ab".to_owned(), 2), ("ab".to_owned(), 0));
    }

    #[test]
    fn a_line_has_one_form_and_no_control_characters() {
        assert_eq!(line(" cafe\u{301}\r\nnoir\u{7} "), "café  noir");
    }

    #[test]
    fn a_handle_is_made_of_a_titles_words() {
        assert_eq!(handle_of("Café “Noir” & Co."), "café-noir-co");
        assert_eq!(handle_of("!!!"), "product");
    }
}
