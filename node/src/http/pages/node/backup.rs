//! A backup file to keep elsewhere, made while the node runs and closed with a passphrase before it leaves
//! the node. How one comes back is said here; it is done where no node runs yet.

use super::super::super::backup::locked;
use super::super::super::problem::Problem;
use super::super::form::Form;
use super::super::page::Page;
use crate::backup;
use crate::vault::Passphrase;
use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "html/settings-backup.html")]
struct BackupScreen<'a> {
    page: &'a Page,
    /// Whether the recovery words are in a backup from here.
    words: bool,
}

/// `GET /settings/backup`
pub(super) async fn backup(page: Page) -> Result<Response, Problem> {
    page.show(&BackupScreen {
        page: &page,
        words: page.app.owner.words.is_some(),
    })
}

/// `POST /settings/backup/file`: the file.
pub(super) async fn file(page: Page, form: Form) -> Result<Response, Problem> {
    let passphrase =
        Passphrase::new(form.get("passphrase")).map_err(|error| Problem::Field(error.to_string()))?;
    if form.get("passphrase") != form.get("again") {
        return Err(Problem::Field("the two passphrases differ".into()));
    }
    let turn = Arc::clone(&page.app.backups)
        .try_acquire_owned()
        .map_err(|_| Problem::TooMany {
            message: "a backup is being written already".into(),
            next: "Wait until it is there.",
        })?;
    let identity = backup::identity(&page.app.owner);
    let body = locked(&page.app, turn, passphrase, identity);
    let day = i64::try_from(page.now)
        .ok()
        .and_then(|now| jiff::Timestamp::from_millisecond(now).ok())
        .map(|now| now.to_zoned(TimeZone::system()).date().to_string())
        .unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"souk-backup-{day}.age\""),
        ),
    ];
    Ok((headers, body).into_response())
}
