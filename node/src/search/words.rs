//! Text to words, the same way for texts and for queries. Case, accents and compatibility forms are folded away, so that
//! `cafe` finds `Café`. Scripts that write words without spaces between give one word a character. Apostrophes within a
//! word are dropped: `mens` finds `men's`.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::limits::WORD_BYTES_MAX;

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in folded(text).chars() {
        match c {
            c if stands_alone(c) => {
                finish(&mut words, &mut word);
                words.push(c.to_string());
            }
            c if c.is_alphanumeric() || is_combining_mark(c) => word.push(c),
            '\'' | '\u{2019}' => {}
            _ => finish(&mut words, &mut word),
        }
    }
    finish(&mut words, &mut word);
    words
}

fn finish(words: &mut Vec<String>, word: &mut String) {
    if word.len() > WORD_BYTES_MAX {
        let boundary = (0..=WORD_BYTES_MAX).rev().find(|at| word.is_char_boundary(*at));
        word.truncate(boundary.unwrap_or(0));
    }
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// Lower case without accents. What decomposes is decomposed twice, since lower case can bring accents of its own.
fn folded(text: &str) -> String {
    let lower = text.nfkd().flat_map(char::to_lowercase);
    let bare = lower.nfd().filter(|c| !is_accent(*c));
    let mut folded = String::with_capacity(text.len());
    for c in bare {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
    folded.nfc().collect()
}

/// Accents of European scripts and the points of Hebrew and Arabic, which people leave out; marks of other scripts are
/// letters that make a difference.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{ad}')
}

/// Han and Kana.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// [`words`] as tantivy asks for them.
#[derive(Clone)]
pub(super) struct Words;

/// Words of one text, handed out one by one.
pub(super) struct WordStream {
    words: std::vec::IntoIter<String>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream {
        WordStream {
            words: words(text).into_iter(),
            token: Token::default(),
        }
    }
}

impl TokenStream for WordStream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else {
            return false;
        };
        self.token.text = word;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_accents_and_apostrophes_make_no_difference() {
        for (text, expected) in [
            ("Café CRÈME", vec!["cafe", "creme"]),
            ("cafe\u{301}", vec!["cafe"]),
            ("men's men’s", vec!["mens", "mens"]),
            ("Straße STRASSE", vec!["strasse", "strasse"]),
            ("İstanbul ısı", vec!["istanbul", "isi"]),
            ("Ødegård-smørbrød", vec!["odegard", "smorbrod"]),
            ("抹茶 3x", vec!["抹", "茶", "3x"]),
            ("ガラス ｶﾞ", vec!["ガ", "ラ", "ス", "ガ"]),
            ("हिन्दी", vec!["हिन्दी"]),
            ("한국 차", vec!["한국", "차"]),
            ("ΟΔΟΣ οδός", vec!["οδοσ", "οδοσ"]),
            ("  --  ", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_word_is_empty_or_over_its_bound(text in "\\PC{0,80}|[a-zéß' ]{0,200}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.len() <= WORD_BYTES_MAX, "{}", word);
            }
        }
    }
}
