//! The recovery words. They stand in a page only when the owner sends the form that asks for them; that
//! they were written down is believed once three of them, asked for by number, are right.

use super::super::super::problem::Problem;
use super::super::done::Done;
use super::super::form::Form;
use super::super::page::{Page, WORDS_CONFIRMED};
use crate::home::Home;
use souk_protocol::api::Command;
use souk_protocol::records::Tree;

/// Words of a phrase.
const WORDS: usize = 24;
/// Words that are asked for.
const ASKED: usize = 3;

/// Where the words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// In this node's directory.
    Here,
    /// On the device that let this one in.
    Elsewhere,
    /// On paper alone: the owner took them out.
    Paper,
}

/// What the pages know of the words, and the words themselves if they were asked for.
pub(super) struct Recovery {
    pub(super) kept: Kept,
    pub(super) confirmed: bool,
    /// Numbers of the words that are asked for, from 1.
    pub(super) asked: [usize; ASKED],
    /// All of them, when the owner wants to see them.
    pub(super) shown: Vec<String>,
}

impl Recovery {
    /// How it stands.
    pub(super) async fn of(page: &Page) -> Result<Self, Problem> {
        let confirmed = page
            .app
            .read(|records| Ok(records.get(Tree::Drafts, WORDS_CONFIRMED.as_bytes())?.is_some()))
            .await?;
        let kept = match &page.app.owner.words {
            Some(_) => Kept::Here,
            None if Home::was_let_in(&page.app.dir) => Kept::Elsewhere,
            None => Kept::Paper,
        };
        let again = page.kept("node.words-confirmed", "", "numbers");
        Ok(Self {
            kept,
            confirmed,
            asked: again
                .and_then(|text| numbers(&text))
                .unwrap_or_else(|| drawn(page.now)),
            shown: Vec::new(),
        })
    }

    /// The same with the words.
    pub(super) async fn shown(page: &Page) -> Result<Self, Problem> {
        let words = page.app.owner.words.as_ref().ok_or_else(|| Problem::NotFound {
            message: "the words are not kept on this node".into(),
            next: "Look for the paper that they were written on.",
        })?;
        Ok(Self {
            shown: words.split_whitespace().map(str::to_owned).collect(),
            ..Self::of(page).await?
        })
    }

    pub(super) fn is_here(&self) -> bool {
        self.kept == Kept::Here
    }
    /// The numbers as the form repeats them.
    pub(super) fn numbers(&self) -> String {
        self.asked.map(|number| number.to_string()).join("-")
    }
    /// What was typed for a number, if that was refused.
    pub(super) fn typed(&self, page: &Page, number: &usize) -> String {
        let kept = page.kept("node.words-confirmed", "", &format!("word-{number}"));
        kept.unwrap_or_default()
    }
    /// What there is to say about them: the end of a message's key.
    pub(super) fn key(&self) -> &'static str {
        match (self.kept, self.confirmed) {
            (Kept::Here, true) => "words-confirmed",
            (Kept::Here, false) => "words-open",
            (Kept::Elsewhere, _) => "words-elsewhere",
            (Kept::Paper, _) => "words-paper",
        }
    }
    /// Whether something is left to do about them.
    pub(super) fn is_open(&self) -> bool {
        self.kept == Kept::Here && !self.confirmed
    }
}

/// Three numbers that are others at another moment.
fn drawn(now: u64) -> [usize; ASKED] {
    let chance = blake3::hash(&now.to_le_bytes());
    let mut all: Vec<(u8, usize)> = chance.as_bytes().iter().copied().zip(1..=WORDS).collect();
    all.sort_unstable();
    let mut asked = [1, 2, 3];
    for (place, (_, number)) in asked.iter_mut().zip(all) {
        *place = number;
    }
    asked.sort_unstable();
    asked
}

fn numbers(text: &str) -> Option<[usize; ASKED]> {
    let numbers: Vec<usize> = text
        .split('-')
        .map(|number| number.parse().ok().filter(|number| (1..=WORDS).contains(number)))
        .collect::<Option<_>>()?;
    let numbers: [usize; ASKED] = numbers.try_into().ok()?;
    numbers.is_sorted_by(|one, next| one < next).then_some(numbers)
}

/// Compares three words with those that are kept.
pub(super) async fn confirm(page: &Page, form: &Form) -> Result<Done, Problem> {
    let numbers =
        numbers(form.get("numbers")).ok_or_else(|| Problem::Form("these are no three numbers".into()))?;
    let Some(words) = &page.app.owner.words else {
        return Err(Problem::NotFound {
            message: "the words are not kept on this node".into(),
            next: "Confirm them on the device that has them.",
        });
    };
    for number in numbers {
        let typed = form.text(&format!("word-{number}")).to_lowercase();
        if words.split_whitespace().nth(number - 1) != Some(typed.as_str()) {
            return Err(Problem::Field(format!("word {number} is another one")));
        }
    }
    page.carry_out(Command::SaveDraft {
        name: WORDS_CONFIRMED.into(),
        text: "yes".into(),
    })
    .await?;
    Ok(Done::here("words-confirmed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_different_words_are_asked_for() {
        for now in 0..500 {
            let asked = drawn(now);
            assert_eq!(
                numbers(&asked.map(|number| number.to_string()).join("-")),
                Some(asked)
            );
        }
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn numbers_that_would_make_it_easier_are_refused() {
        for bad in ["", "1", "1-1-1", "0-1-2", "1-2-25", "3-2-1", "1-2-3-4", "1-2-x"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }
}
