//! Bounded text and bounded lists: what a stranger writes is small by type. Text is Unicode in
//! normalization form C without control characters other than line feed and tab, so that one text
//! has one encoding. Described in `spec/envelope.md`.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Why a text or list is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More bytes than the field holds.
    #[error("expected at most {expected} bytes of text, got {actual}")]
    TooLong {
        /// Bytes that the field holds.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// A control character.
    #[error("the text has the control character U+{0:04X}")]
    Control(u32),
    /// The text is not in normalization form C.
    #[error("the text is not in Unicode normalization form C")]
    NotNormal,
    /// A list with more items than it may have.
    #[error("expected at most {expected} items, got {actual}")]
    TooMany {
        /// Items that the list may have.
        expected: usize,
        /// Items given.
        actual: usize,
    },
}

/// Text of at most `MAX` bytes in normalization form C.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// A name, title or label.
pub type Name = Text<{ crate::limits::NAME_BYTES_MAX }>;
/// A tag or category.
pub type Tag = Text<{ crate::limits::TAG_BYTES_MAX }>;
/// Free text.
pub type Prose = Text<{ crate::limits::TEXT_BYTES_MAX }>;

impl<const MAX: usize> Text<MAX> {
    /// What a person typed: brought to form C, control characters refused.
    pub fn new(text: &str) -> Result<Self, TextError> {
        Self::strict(text.nfc().collect())
    }

    fn strict(text: String) -> Result<Self, TextError> {
        if text.len() > MAX {
            return Err(TextError::TooLong {
                expected: MAX,
                actual: text.len(),
            });
        }
        if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(TextError::Control(control.into()));
        }
        if !is_nfc(&text) {
            return Err(TextError::NotNormal);
        }
        Ok(Self(text))
    }

    /// As much of a long text as fits, cut between characters; control characters are left out.
    pub fn fitted(text: &str) -> Self {
        let mut kept = String::new();
        for c in text.nfc().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')) {
            if kept.len() + c.len_utf8() > MAX {
                break;
            }
            kept.push(c);
        }
        Self::strict(kept).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> std::fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> std::fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> std::str::FromStr for Text<MAX> {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In JSON a person typed it; in an envelope it must be canonical already.
        let human = deserializer.is_human_readable();
        let text = String::deserialize(deserializer)?;
        if human {
            Self::new(&text)
        } else {
            Self::strict(text)
        }
        .map_err(D::Error::custom)
    }
}

/// A list of at most `MAX` items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// These items, if there are not too many.
    pub fn new(items: Vec<T>) -> Result<Self, TextError> {
        if items.len() > MAX {
            return Err(TextError::TooMany {
                expected: MAX,
                actual: items.len(),
            });
        }
        Ok(Self(items))
    }
    /// The items.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> std::ops::Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_encoding() {
        let composed: Tag = Tag::new("caf\u{e9}").unwrap();
        assert_eq!(Tag::new("cafe\u{301}").unwrap(), composed);
        assert_eq!(Tag::strict("cafe\u{301}".into()), Err(TextError::NotNormal));
    }

    #[test]
    fn long_text_and_control_characters_are_refused() {
        assert!(matches!(
            Tag::new(&"a".repeat(65)),
            Err(TextError::TooLong {
                expected: 64,
                actual: 65
            })
        ));
        assert_eq!(Tag::new("a\u{0}"), Err(TextError::Control(0)));
        assert_eq!(Tag::fitted(&"\u{e9}".repeat(64)).as_str().len(), 64);
    }
}
