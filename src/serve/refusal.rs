//! Requests that are refused: a status, a stable code and a sentence, as JSON.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::rollout::RecordError;

/// Why a request has no scores. Nothing here is about a row: a bad row among others is
/// an error of that row.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// Stable; counted by it.
    pub(super) code: &'static str,
    message: String,
    /// Line and column in the body, 1-based.
    at: Option<(usize, usize)>,
    /// JSON pointer into the body.
    field: Option<String>,
    /// Position of the row at fault, 1-based.
    row: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            at: None,
            field: None,
            row: None,
        }
    }

    /// 400 for a body that is not what the route takes.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// 400 for JSON that does not parse, or has not the fields that it should.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let fault = match error.is_data() {
            true => "the body is not what this route takes",
            false => "the body is not valid JSON",
        };
        Self {
            at: (error.line() > 0).then(|| (error.line(), error.column())),
            ..Self::malformed(format!("{fault}: {message}"))
        }
    }

    /// 400 for an object that is no record, such as one that names a field twice.
    pub(super) fn record(error: RecordError) -> Self {
        Self::malformed(error.problem)
    }

    /// 400 for a field that is missing or has the wrong type.
    pub(super) fn field(field: &str, problem: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::malformed(format!("field `{field}` {problem}"))
        }
    }

    /// The same refusal, tied to a place in the body, 1-based.
    pub(super) fn at(self, line: usize, column: usize) -> Self {
        Self {
            at: Some((line, column)),
            ..self
        }
    }

    /// The same refusal, tied to a row.
    pub(super) fn of_row(self, position: u64) -> Self {
        Self {
            row: Some(position),
            ..self
        }
    }

    /// 429: the same request is welcome later.
    pub(super) fn busy(what: &str) -> Self {
        let message = format!("{what}; try again later");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
    }

    /// 413 for a body over the limit.
    pub(super) fn too_large(limit_bytes: usize) -> Self {
        let message = format!("the body is longer than the limit of {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 408: the body did not come in time.
    pub(super) fn slow() -> Self {
        let message = "the body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", message)
    }

    /// Whether the time was up.
    pub(super) fn is_slow(&self) -> bool {
        self.status == StatusCode::REQUEST_TIMEOUT
    }

    /// 500: a failure of ours.
    pub(super) fn ours(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failure", message)
    }

    /// The body of the answer.
    pub(super) fn json_body(&self, request_id: &str) -> Vec<u8> {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code.into());
        error.insert("message".to_owned(), self.message.as_str().into());
        if let Some((line, column)) = self.at {
            error.insert("line".to_owned(), line.into());
            error.insert("column".to_owned(), column.into());
        }
        if let Some(field) = &self.field {
            error.insert("field".to_owned(), field.as_str().into());
        }
        if let Some(row) = self.row {
            error.insert("row".to_owned(), row.into());
        }
        let mut body = Map::new();
        body.insert("error".to_owned(), Value::Object(error));
        body.insert("request_id".to_owned(), request_id.into());
        let mut text = Value::Object(body).to_string().into_bytes();
        text.push(b'\n');
        text
    }
}

/// The status and the headers; whoever knows the request's id fills in the body.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of the body is of no use.
            StatusCode::REQUEST_TIMEOUT => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
