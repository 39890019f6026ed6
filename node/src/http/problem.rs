//! Every "no" of the API: a status, a word for programs, a sentence for people, and what to do next.

use super::{CommandError, limits::BODY_BYTES_MAX};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use souk_protocol::api::{Code, Refused};
use souk_protocol::records::Fault;

/// Why a request is not answered as wished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("expected the address of this node in 'Host', got '{0}'")]
    Host(String),
    #[error("pages of another origin may not ask this node: '{0}'")]
    Origin(String),
    #[error("a request to this node needs its token")]
    NoToken,
    #[error("this is for paired phones alone")]
    NoPhone,
    #[error("this code is none, or was used, or is too old")]
    PairCode,
    #[error("this is not done from a phone")]
    NotFromPhone,
    #[error("this form is not from a page of this node, or from before it was set up anew")]
    Seal,
    #[error("there is nothing at {0}")]
    NoPath(String),
    #[error("nothing here answers {0}")]
    Method(String),
    #[error("{0}")]
    Form(String),
    #[error("{0}")]
    Field(String),
    #[error("expected at most {0} bytes")]
    TooLarge(usize),
    #[error("{message}")]
    NotFound { message: String, next: &'static str },
    #[error("{message}")]
    NotAllowed { message: String, next: &'static str },
    #[error("{message}")]
    TooMany { message: String, next: &'static str },
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("the node is stopping")]
    Stopping,
    #[error("the request took too long")]
    TooSlow,
    #[error("{0}")]
    Fault(String),
}

/// The body of every error.
#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorText<'a>,
}

#[derive(Serialize)]
struct ErrorText<'a> {
    code: &'a str,
    message: String,
    next: &'a str,
}

impl Problem {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Form(_) => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::NoPhone => StatusCode::UNAUTHORIZED,
            Self::Origin(_) | Self::Seal | Self::PairCode | Self::NotFromPhone => StatusCode::FORBIDDEN,
            Self::NoPath(_) | Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAllowed { .. } => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Field(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Self::Stopping | Self::TooSlow | Self::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(refused) => match refused.code {
                Code::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::NotAllowed | Code::TooLittleCredit | Code::NoStock => StatusCode::CONFLICT,
                Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
                Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            },
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Form(_) | Self::Field(_) => "invalid",
            Self::NoToken => "no_token",
            Self::NoPhone => "no_phone",
            Self::PairCode => "pair_code",
            Self::NotFromPhone => "not_from_phone",
            Self::Origin(_) => "origin",
            Self::Seal => "seal",
            Self::Host(_) => "host",
            Self::NoPath(_) | Self::NotFound { .. } => "not_found",
            Self::Method(_) => "method",
            Self::NotAllowed { .. } => "not_allowed",
            Self::TooLarge(_) => "too_large",
            Self::TooMany { .. } => "too_many",
            Self::Unreachable(_) => "unreachable",
            Self::Stopping => "stopping",
            Self::TooSlow | Self::Fault(_) => "fault",
            Self::Refused(refused) => match refused.code {
                Code::Invalid => "invalid",
                Code::NotFound => "not_found",
                Code::NotAllowed => "not_allowed",
                Code::TooLittleCredit => "too_little_credit",
                Code::NoStock => "no_stock",
                Code::TooMany => "too_many",
                Code::DiskFull => "disk_full",
            },
        }
    }

    pub(super) fn next(&self) -> &str {
        match self {
            Self::Host(_) => "Use the address that 'souk status' shows.",
            Self::Origin(_) => "Open the node's own page, or call the API from a program.",
            Self::Seal => "Go back, reload the page and send it again.",
            Self::NoToken => {
                "Send 'Authorization: Bearer TOKEN' with the text of api.token in the node's directory."
            }
            Self::NoPhone => "Pair this phone on the computer.",
            Self::PairCode => "Show a new code on the computer and scan that.",
            Self::NotFromPhone => "Do it in the browser of the computer on which the node runs.",
            Self::NoPath(_) | Self::Method(_) => "See /api/v1/openapi.json for what there is.",
            Self::Form(_) | Self::Field(_) => "Correct it and try again.",
            Self::TooLarge(limit) if *limit == BODY_BYTES_MAX => "Send less at a time.",
            Self::TooLarge(_) => "Split the file.",
            Self::NotFound { next, .. } | Self::NotAllowed { next, .. } | Self::TooMany { next, .. } => next,
            Self::Unreachable(_) => "Check that the other node runs and that the address is its own.",
            Self::Refused(refused) => &refused.next,
            Self::Stopping => "Start the node again.",
            Self::TooSlow => "Try again.",
            Self::Fault(_) => "Stop the node, look at its log and at the disk, and start it again.",
        }
    }

    /// The error as the value of a line or body.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let error = ErrorText {
            code: self.code(),
            message: self.to_string(),
            next: self.next(),
        };
        serde_json::to_vec(&ErrorBody { error }).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status().is_server_error() {
            tracing::warn!(problem = %self, "a request failed");
        }
        let error = ErrorText {
            code: self.code(),
            message: self.to_string(),
            next: self.next(),
        };
        (self.status(), Json(ErrorBody { error })).into_response()
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault.to_string())
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refused) => Self::Refused(refused),
            CommandError::Stopping => Self::Stopping,
            CommandError::Fault(reason) => Self::Fault(reason),
        }
    }
}
