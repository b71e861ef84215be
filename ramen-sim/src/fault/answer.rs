//! Error answers of an API server that is overloaded, interrupted or slow.

use std::time::Duration;

use http::{Response, StatusCode, header};
use serde_json::json;

/// An error that Kubernetes clients must be able to live with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 409: somebody else wrote in between.
    Conflict,
    /// 429: come back after this long (whole seconds are told).
    TooManyRequests(Duration),
    /// 500.
    Internal,
    /// 503: nobody behind the balancer answers.
    Unavailable,
    /// 504: the server gave up waiting; whether it acted is unknown.
    Timeout,
    /// 403: a right is missing.
    Forbidden,
    /// 401: the token is not known any more.
    Unauthorized,
}

impl ApiError {
    /// The HTTP status.
    pub fn code(self) -> StatusCode {
        match self {
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Conflict => "Conflict",
            Self::TooManyRequests(_) => "TooManyRequests",
            Self::Internal => "InternalError",
            Self::Unavailable => "ServiceUnavailable",
            Self::Timeout => "Timeout",
            Self::Forbidden => "Forbidden",
            Self::Unauthorized => "Unauthorized",
        }
    }

    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooManyRequests(time) => Some(time.as_secs()),
            _ => None,
        }
    }

    /// The answer, its body a Kubernetes `Status`.
    pub(super) fn response(self) -> Response<String> {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": self.reason(), "code": self.code().as_u16(),
            "message": format!("injected fault: {}", self.reason()),
        });
        if let Some(seconds) = self.retry_after() {
            status["details"] = json!({ "retryAfterSeconds": seconds });
        }
        let mut response = Response::new(status.to_string());
        *response.status_mut() = self.code();
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
        }
        response
    }
}
