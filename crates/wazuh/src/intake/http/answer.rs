//! The words and status codes of the HTTP intake.
//!
//! Every refusal says what was wrong and what to do about it, as `{"error": "...", "hint": "..."}`. Whether
//! a sender should try again can be seen from the status alone: 408, 429 and 503 mean yes.

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

/// What a busy intake asks a sender to wait, in seconds: a full channel empties within one.
const RETRY_AFTER_SECS: &str = "1";

/// What a full store asks a sender to wait, in seconds: somebody or retention has to make room.
const RETRY_LATER_SECS: &str = "10";

/// A request that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
    hint: &'static str,
}

impl Refusal {
    pub(super) fn bad(error: String) -> Self {
        let hint = "send one alert object, an array of them, or one per line";
        Self { status: StatusCode::BAD_REQUEST, error, hint }
    }

    pub(super) fn unauthorised() -> Self {
        let error = "the token is missing or wrong".to_owned();
        let hint = "send the configured token as `Authorization: Bearer TOKEN`";
        Self { status: StatusCode::UNAUTHORIZED, error, hint }
    }

    pub(super) fn no_token() -> Self {
        let error = "this daemon takes no alerts over HTTP: no token is configured".to_owned();
        let hint = "set a token for the HTTP intake in quell's configuration and restart it";
        Self { status: StatusCode::FORBIDDEN, error, hint }
    }

    pub(super) fn slow() -> Self {
        let error = "the body did not arrive in time".to_owned();
        let hint = "send fewer alerts per request";
        Self { status: StatusCode::REQUEST_TIMEOUT, error, hint }
    }

    pub(super) fn too_large(error: String) -> Self {
        let hint = "send fewer alerts per request";
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, error, hint }
    }

    pub(super) fn unsupported(error: String, hint: &'static str) -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, error, hint }
    }

    pub(super) fn busy(error: String) -> Self {
        let hint = "send the same request again after the time in `Retry-After`";
        Self { status: StatusCode::TOO_MANY_REQUESTS, error, hint }
    }

    pub(super) fn unavailable(error: String) -> Self {
        let hint =
            "send the same request again later; alerts that were stored already are recognised";
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error, hint }
    }

    pub(super) fn internal(error: String) -> Self {
        let hint = "this is a defect in quell; nothing of the request was taken";
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error, hint }
    }

    pub(super) fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "hint": self.hint });
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_LATER_SECS));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }

    #[cfg(test)]
    pub(super) fn to_text(&self) -> String {
        format!("{}: {}", self.status.as_u16(), self.error)
    }
}

/// The answer to a request whose alerts are all durable.
pub(super) fn accepted(count: usize) -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "accepted": count }))).into_response()
}
