//! A form that was sent: its fields, as text, in their order.

use super::super::limits::BODY_BYTES_MAX;
use super::super::problem::Problem;
use axum::extract::{FromRequest, Request};
use std::str::FromStr;

/// Fields of one form at most.
const FIELDS_MAX: usize = 2_000;

/// The fields of a form. One that is missing is an empty one: browsers leave out what is not ticked.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses an urlencoded body or query.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(bytes)
            .into_owned()
            .take(FIELDS_MAX + 1)
            .collect();
        match fields.len() > FIELDS_MAX {
            true => Err(Problem::Form(format!("expected at most {FIELDS_MAX} fields"))),
            // Browsers send the end of a line as two characters.
            false => Ok(Self(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, value.replace("\r\n", "\n")))
                    .collect(),
            )),
        }
    }

    /// What tells it from a form with something else in it.
    pub(super) fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            hasher
                .update(&(part.len() as u64).to_le_bytes())
                .update(part.as_bytes());
        }
        hasher.finalize()
    }

    /// A field.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }
    /// A field without spaces around it.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).trim()
    }
    /// The lines of a field that hold something, without spaces around them.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.get(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
    /// Whether a box was ticked.
    pub(super) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }
    /// All fields whose name begins like this, each with the rest of its name.
    pub(super) fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
    /// A field that must be there and have this form.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<T, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.text(name);
        text.parse()
            .map_err(|error| Problem::Field(format!("{name}: {error}")))
    }
    /// A field that may be empty.
    pub(super) fn maybe<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        match self.text(name).is_empty() {
            true => Ok(None),
            false => self.parsed(name).map(Some),
        }
    }

    /// Sets a field, as a test types it.
    #[cfg(test)]
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(field, _)| field != name);
        self.0.push((name.to_owned(), value.into()));
    }
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Self::parse(&super::super::app::bytes(request.into_body(), BODY_BYTES_MAX).await?)
    }
}
