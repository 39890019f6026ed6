//! Whether an output is what a page shows.

use std::collections::BTreeMap;

/// Words that a story has given names to.
pub(crate) type Words = BTreeMap<String, String>;

/// A part of an expected line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Anything,
    Word(String),
}

/// What the words are after a match of all lines; nothing if they do not match.
pub(crate) fn matched(expected: &[String], actual: &str, words: &Words) -> Option<Words> {
    let expected: Vec<String> = expected.iter().map(|line| even(line)).collect();
    let actual: Vec<String> = actual.trim_end().lines().map(even).collect();
    lines(&expected, &actual, words)
}

/// A text with its `{word}`s filled in; the name of one that is not known is the error.
pub(crate) fn filled(text: &str, words: &Words) -> Result<String, String> {
    let mut filled = String::new();
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(&text),
            Part::Anything => filled.push_str("[..]"),
            Part::Word(name) => filled.push_str(words.get(&name).ok_or(name)?),
        }
    }
    Ok(filled)
}

fn even(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(expected: &[String], actual: &[String], words: &Words) -> Option<Words> {
    match (expected.split_first(), actual.split_first()) {
        (None, None) => Some(words.clone()),
        (None, Some(_)) => None,
        (Some((first, rest)), _) if first == "[...]" => {
            (0..=actual.len()).find_map(|skipped| lines(rest, &actual[skipped..], words))
        }
        (Some(_), None) => None,
        (Some((first, rest)), Some((line, others))) => {
            let mut found = None;
            text(&parts(first), line, words, &mut |words| {
                found = lines(rest, others, words);
                found.is_some()
            });
            found
        }
    }
}

/// Tries all ways in which a line can match until `go_on` likes the words of one.
fn text(parts: &[Part], actual: &str, words: &Words, go_on: &mut dyn FnMut(&Words) -> bool) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return actual.is_empty() && go_on(words);
    };
    let ends = || actual.char_indices().map(|(at, _)| at).chain([actual.len()]);
    match part {
        Part::Text(literal) => actual
            .strip_prefix(literal.as_str())
            .is_some_and(|left| text(rest, left, words, go_on)),
        Part::Anything => ends().any(|end| text(rest, &actual[end..], words, go_on)),
        Part::Word(name) => {
            if let Some(known) = words.get(name) {
                return actual
                    .strip_prefix(known.as_str())
                    .is_some_and(|left| text(rest, left, words, go_on));
            }
            let word = actual.find(char::is_whitespace).unwrap_or(actual.len());
            ends()
                .filter(|end| (1..=word).contains(end))
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .any(|end| {
                    let mut words = words.clone();
                    words.insert(name.clone(), actual[..end].to_owned());
                    text(rest, &actual[end..], &words, go_on)
                })
        }
    }
}

fn parts(line: &str) -> Vec<Part> {
    let (mut parts, mut left) = (Vec::new(), line);
    while !left.is_empty() {
        if let Some(rest) = left.strip_prefix("[..]") {
            parts.push(Part::Anything);
            left = rest;
        } else if let Some((name, rest)) = word(left) {
            parts.push(Part::Word(name.to_owned()));
            left = rest;
        } else {
            let end = left.char_indices().nth(1).map_or(left.len(), |(at, _)| at);
            match parts.last_mut() {
                Some(Part::Text(text)) => text.push_str(&left[..end]),
                _ => parts.push(Part::Text(left[..end].to_owned())),
            }
            left = &left[end..];
        }
    }
    parts
}

fn word(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('{')?.split_once('}')?;
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    named.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(expected: &str, actual: &str) -> Option<Words> {
        let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        matched(&expected, actual, &Words::new())
    }

    #[test]
    fn the_same_lines_match_however_they_are_spaced() {
        assert!(expect("a  b\nc", "a b\n  c\n").is_some());
        assert!(expect("a b", "a c").is_none());
        assert!(expect("a", "a\nb").is_none());
        assert!(expect("a\nb", "a").is_none());
        assert!(expect("", "").is_some());
    }

    #[test]
    fn dots_stand_for_anything_in_one_line() {
        assert!(expect("a [..] c", "a b b c").is_some());
        assert!(expect("a[..]", "a").is_some());
        assert!(expect("a [..] c", "a b\nc").is_none());
    }

    #[test]
    fn a_line_of_dots_stands_for_any_lines() {
        assert!(expect("[...]\nlast", "one\ntwo\nlast").is_some());
        assert!(expect("first\n[...]", "first").is_some());
        assert!(expect("[...]\nlast", "one\nlast\nthen").is_none());
    }

    #[test]
    fn a_word_is_the_same_wherever_it_stands() {
        let words = expect("you are {author}\nby {author}.", "you are x1\nby x1.").unwrap();
        assert_eq!(words["author"], "x1");
        assert!(expect("you are {author}\nby {author}.", "you are x1\nby x2.").is_none());
        assert!(expect("{author} done", "x y done").is_none());
    }

    #[test]
    fn a_word_before_more_text_gives_back_what_that_text_needs() {
        assert_eq!(expect("({id}): [..]", "(abc): yes").unwrap()["id"], "abc");
    }

    #[test]
    fn known_words_fill_commands_and_unknown_ones_are_named() {
        let words = Words::from([("bob".to_owned(), "author-1".to_owned())]);
        assert_eq!(
            filled("souk follow {bob}", &words).unwrap(),
            "souk follow author-1"
        );
        assert_eq!(filled("souk follow {eve}", &words).unwrap_err(), "eve");
        assert_eq!(filled("{\"json\": 1}", &words).unwrap(), "{\"json\": 1}");
    }
}
