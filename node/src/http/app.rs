//! What all handlers share, and how they read a request.

use super::Node;
use super::command::Answers;
use super::door::Door;
use super::imports::Imports;
use super::inventory::Shelf;
use super::limits::{BACKUPS_MAX, BODY_BYTES_MAX, EVENT_STREAMS_MAX, PAGE_ITEMS, PAGE_ITEMS_MAX};
use super::metrics::Requests;
use super::phones::Phones;
use super::problem::Problem;
use crate::home::Owner;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use souk_protocol::id::{AuthorId, IdError};
use souk_protocol::records::{Fault, Records};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// What all handlers share.
pub(super) struct Shared {
    pub(super) node: Node,
    pub(super) door: Door,
    pub(super) phones: Phones,
    /// The node's directory.
    pub(super) dir: PathBuf,
    /// Whose directory it is, with the recovery words if they are kept there. They stand in a page when the
    /// owner asks for them, and nowhere else.
    pub(super) owner: Owner,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    pub(super) answers: Answers,
    pub(super) requests: Requests,
    pub(super) event_streams: Arc<Semaphore>,
    /// One import at a time: a file may be large.
    pub(super) imports: Arc<Semaphore>,
    /// The file of the page's import.
    pub(super) pending: Imports,
    /// The owner's listings.
    pub(super) shelf: Arc<Shelf>,
    /// Whose turn it is to change a bag: it is read, changed and written.
    pub(super) bags: tokio::sync::Mutex<()>,
    /// Few encrypted backups at a time: each takes memory for its passphrase.
    pub(super) backups: Arc<Semaphore>,
    /// Turns true once the API is to end.
    pub(super) stopping: watch::Receiver<bool>,
}

/// A handler's state.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(super) fn new(
        node: Node,
        door: Door,
        phones: Phones,
        dir: PathBuf,
        owner: Owner,
        url: String,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self(Arc::new(Shared {
            node,
            door,
            phones,
            dir,
            owner,
            url,
            answers: Answers::default(),
            requests: Requests::default(),
            event_streams: Arc::new(Semaphore::new(EVENT_STREAMS_MAX)),
            imports: Arc::new(Semaphore::new(1)),
            pending: Imports::default(),
            shelf: Arc::default(),
            bags: tokio::sync::Mutex::default(),
            backups: Arc::new(Semaphore::new(BACKUPS_MAX)),
            stopping,
        }))
    }

    /// Reads the records on a thread that may wait for the disk; tells nothing that a crash would take back.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Records) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let node = self.node.clone();
        Ok(blocking(move || node.records().read(query)).await??)
    }

    /// The author that a path names; `me` is the owner.
    pub(super) fn author(&self, text: &str) -> Result<AuthorId, Problem> {
        match text {
            "me" => Ok(self.node.author()),
            id => parse(id),
        }
    }
}

/// Runs what may take a while away from the threads that serve.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::Fault(error.to_string()))
}

/// An id in a path or query.
pub(super) fn parse<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: IdError| Problem::Form(error.to_string()))
}

/// The query of a request; a field that is unknown or has another form is a problem of its own.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri).map_err(|error| Problem::Form(error.body_text()))?;
        Ok(Self(query.0))
    }
}

/// What varies in a path, as texts.
pub(super) struct Place<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(place) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::Form(error.body_text()))?;
        Ok(Self(place))
    }
}

/// Query fields of a call that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Query fields of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    after: Option<String>,
    limit: Option<usize>,
}

impl Paging {
    /// Where to go on: a key of the records.
    pub(super) fn after(&self) -> Result<Option<Vec<u8>>, Problem> {
        let decode = |text: &String| data_encoding::HEXLOWER.decode(text.as_bytes());
        let key = self.after.as_ref().map(decode).transpose();
        key.map_err(|_| Problem::Form("'after' is not what 'next' of an earlier page said".into()))
    }
    /// How many items.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }
}

/// How many items a page has.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(PAGE_ITEMS) {
        limit @ 1..=PAGE_ITEMS_MAX => Ok(limit),
        other => Err(Problem::Form(format!(
            "expected a limit from 1 to {PAGE_ITEMS_MAX}, got {other}"
        ))),
    }
}

/// All bytes of a body, if they are not too many.
pub(super) async fn bytes(body: Body, limit: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            if error.to_string() == LENGTH_LIMIT {
                return Problem::TooLarge(limit);
            }
            cause = error.source();
        }
        Problem::Form("the body was cut off".into())
    })
}

/// What the body's reader says when there are more bytes than allowed.
const LENGTH_LIMIT: &str = "length limit exceeded";

/// A JSON body. What is no JSON is a problem of form; JSON with a field that is not as it must be, one
/// of that field.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::Field(error.to_string()),
        _ => Problem::Form(format!("the body is no JSON: {error}")),
    })
}

/// The JSON body of a request.
pub(super) struct Wanted<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Wanted<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        json(&bytes(request.into_body(), BODY_BYTES_MAX).await?).map(Self)
    }
}
