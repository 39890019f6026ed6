//! The files that pages are made of: style, scripts, the mark of the product. They are part of the
//! program, and their address holds their hash, so a browser may keep them for good.

use super::super::problem::Problem;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

const STYLE: &str = concat!(
    include_str!("style/tokens.css"),
    include_str!("style/base.css"),
    include_str!("style/frame.css"),
    include_str!("style/parts.css"),
    include_str!("style/talk.css"),
    include_str!("style/market.css"),
    include_str!("style/shop.css"),
    include_str!("style/node.css"),
);

/// Every file: its name, its type, its text.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", "text/css; charset=utf-8", STYLE),
    ("souk.js", SCRIPT, include_str!("script/souk.js")),
    ("live.js", SCRIPT, include_str!("script/live.js")),
    ("palette.js", SCRIPT, include_str!("script/palette.js")),
    ("drafts.js", SCRIPT, include_str!("script/drafts.js")),
    ("mark.svg", "image/svg+xml", include_str!("mark.svg")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// One hash for all: scripts name each other, and would keep an old neighbour otherwise.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for (name, _, text) in FILES {
        hasher.update(name.as_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(16).collect()
});

/// Where a browser finds a file.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", &*HASH)
}

/// `GET /assets/{hash}/{name}`
pub(super) async fn asset(Path((hash, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    match found {
        Some((_, media, text)) => {
            // Whoever asks for another version gets this one, and asks again next time.
            let keep = match hash == *HASH {
                true => "private, max-age=31536000, immutable",
                false => "no-store",
            };
            Ok((
                [(header::CONTENT_TYPE, *media), (header::CACHE_CONTROL, keep)],
                *text,
            )
                .into_response())
        }
        None => Err(Problem::NoPath(format!("/assets/{hash}/{name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of script in all.
    const SCRIPT_BYTES_MAX: usize = 60 * 1024;

    #[test]
    fn scripts_stay_small() {
        let bytes: usize = FILES
            .iter()
            .filter(|(_, media, _)| *media == SCRIPT)
            .map(|(.., text)| text.len())
            .sum();
        assert!(bytes <= SCRIPT_BYTES_MAX, "{bytes}");
    }

    #[test]
    fn nothing_names_another_place() {
        for (name, _, text) in FILES {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("http://") && !text.contains("https://") && !text.contains("@import"),
                "{name}"
            );
        }
    }
}
