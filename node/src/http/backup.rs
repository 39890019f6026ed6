//! `GET /api/v1/backup`: everything that the node remembers, item by item, while it runs. It is not
//! encrypted here and holds no key and no words: whoever asks has the token, and closes it before it
//! leaves the machine.

use super::app::{App, Nothing, Params};
use super::problem::Problem;
use crate::backup;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
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
    let (pieces, told) = mpsc::channel::<io::Result<Bytes>>(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        let mut output = Pieces {
            bytes: Vec::with_capacity(PIECE_BYTES),
            pieces: pieces.clone(),
        };
        let written = backup::write_contents(&store, &mut output, &mut |_| {});
        let ended = written
            .map_err(io::Error::other)
            .and_then(|_| io::Write::flush(&mut output));
        if let Err(error) = ended {
            tracing::warn!(%error, "a backup broke off");
            // The reader sees that the answer ends in the middle; it may also have gone.
            pieces.blocking_send(Err(error)).ok();
        }
    });
    let body = stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
    let headers = [
        (
            header::CONTENT_TYPE.as_str(),
            "application/octet-stream".to_owned(),
        ),
        (ITEMS, items),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
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
