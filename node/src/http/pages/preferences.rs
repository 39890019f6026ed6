//! What a reader chose for their browser: language and colours. Kept in a cookie; until then the
//! browser's own wishes count.

use super::words::Lang;
use axum::http::{HeaderMap, header};

/// Suffix of the cookie's name.
pub(super) const COOKIE: &str = "look";

/// Colours of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the system has it.
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// How the pages look to one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) lang: Lang,
    /// Whether they chose the language, or their browser asks for it.
    pub(super) chosen: bool,
    pub(super) theme: Theme,
}

impl Look {
    /// As a request wishes: `cookie` is the value of the cookie, if there is one.
    pub(super) fn of(headers: &HeaderMap, cookie: Option<&str>) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let (lang, theme) = cookie.and_then(|value| value.split_once('.')).unwrap_or_default();
        let chosen = Lang::of_code(lang);
        Self {
            lang: chosen.unwrap_or_else(|| Lang::accepted(accepted.unwrap_or_default())),
            chosen: chosen.is_some(),
            theme: Theme::of_name(theme).unwrap_or(Theme::System),
        }
    }

    /// The value of the cookie for a language (or whichever the browser asks for) and colours.
    pub(super) fn cookie(lang: &str, theme: &str) -> Option<String> {
        let lang = match lang {
            "" => "auto",
            code => Lang::of_code(code)?.code(),
        };
        Some(format!("{lang}.{}", Theme::of_name(theme)?.name()))
    }
}
