//! Answers and their headers.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

const JSON: &str = "application/json; charset=utf-8";

/// An answer that must not be kept by anybody.
pub(super) fn fresh(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// JSON that is there already.
pub(super) fn json_bytes(json: Bytes) -> Response {
    fresh(JSON, json)
}

/// JSON of a value.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(json) => fresh(JSON, json),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

#[derive(Serialize)]
struct Error<'a> {
    error: &'a str,
}

/// A request that is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    /// No such channel.
    pub(super) fn unknown_channel(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("unknown channel {name}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refusal(self.status, &self.error)
    }
}

/// An error as docs/api.md has it.
pub(super) fn refusal(status: StatusCode, error: &str) -> Response {
    let body = serde_json::to_vec(&Error { error }).unwrap_or_default();
    let mut response = fresh(JSON, body);
    *response.status_mut() = status;
    response
}
