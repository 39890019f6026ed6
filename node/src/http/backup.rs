//! `GET /api/v1/backup`: everything that the node remembers, item by item, while it runs. It is not
//! encrypted here and holds no key and no words: whoever asks has the token, and closes it before it
//! leaves the machine.

use super::app::{App, Nothing, Params};
use super::problem::Problem;
use crate::backup::{self, BackupFailure};
use crate::vault::Passphrase;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use souk_protocol::backup::Identity;
use std::io;
use tokio::sync::mpsc;

/// Bytes that are gathered before they are sent.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for a slow reader.
const PIECES_WAITING: usize = 4;
/// About how many items there are.
const ITEMS: &str = "souk-items";

/// `GET /api/v1/backup`
pub(super) async fn backup(
    State(app): State<App>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Response, Problem> {
    let store = app.node.records().clone();
    let items = backup::items(&store).to_string();
    let body = streamed((), move |mut output| {
        backup::write_contents(&store, &mut output, &mut |_| {})?;
        Ok(output)
    });
    let headers = [
        (
            header::CONTENT_TYPE.as_str(),
            "application/octet-stream".to_owned(),
        ),
        (ITEMS, items),
    ];
    Ok((headers, body).into_response())
}

/// The same as a backup file: closed with a passphrase, with the identity at its head. `turn` is let go
/// when it is written.
pub(super) fn locked(
    app: &App,
    turn: impl Send + 'static,
    passphrase: Passphrase,
    identity: Identity,
) -> Body {
    let store = app.node.records().clone();
    streamed(turn, move |output| {
        backup::write_locked(output, &passphrase, &identity, |output| {
            backup::write_contents(&store, output, &mut |_| {})
        })
    })
}

/// A body that is written on a thread that may wait for the disk and for its reader.
fn streamed(
    turn: impl Send + 'static,
    write: impl FnOnce(Pieces) -> Result<Pieces, BackupFailure> + Send + 'static,
) -> Body {
    let (pieces, told) = mpsc::channel::<io::Result<Bytes>>(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let output = Pieces {
            bytes: Vec::with_capacity(PIECE_BYTES),
            pieces: pieces.clone(),
        };
        let ended = write(output)
            .map_err(io::Error::other)
            .and_then(|mut output| io::Write::flush(&mut output));
        if let Err(error) = ended {
            tracing::warn!(%error, "a backup broke off");
            // The reader sees that the answer ends in the middle; it may also have gone.
            pieces.blocking_send(Err(error)).ok();
        }
    });
    Body::from_stream(stream::unfold(told, |mut told| async move {
        Some((told.recv().await?, told))
    }))
}

/// What is written, sent on in pieces.
struct Pieces {
    bytes: Vec<u8>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.bytes));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked has gone");
        self.pieces.blocking_send(Ok(piece)).map_err(gone)
    }
}
