//! Failures as Kubernetes tells them: `metav1.Status` with code, reason and details.
//!
//! Clients branch on `code` and `reason`, controllers on `details.causes`; the wording of `message` follows the real
//! server where a program could plausibly look at it.

use http::StatusCode;
use serde_json::{Value, json};

/// One invalid field of an object: what `details.causes` carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Machine-readable cause, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// Path of the field, such as `spec.replicas`.
    pub field: String,
    /// What is wrong, with the offending value where Kubernetes shows it.
    pub message: String,
}

impl FieldError {
    /// The value is of the right type but not acceptable.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {value}: {detail}");
        Self { reason: "FieldValueInvalid", field: field.into(), message }
    }

    /// The value has the wrong JSON type (or does not parse in its format).
    pub fn type_invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self { reason: "FieldValueTypeInvalid", ..Self::invalid(field, value, detail) }
    }

    /// A required field is absent.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    /// The field may not be set, or not be changed, here.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {detail}") }
    }

    /// The value repeats another one where each must be unique.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueDuplicate", field: field.into(), message: format!("Duplicate value: {value}") }
    }

    /// The value is none of those allowed.
    pub fn not_supported<'a>(
        field: impl Into<String>,
        value: &Value,
        allowed: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let allowed = allowed.into_iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("Unsupported value: {value}: supported values: {allowed}");
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    /// The string or document is longer than allowed.
    pub fn too_long(field: impl Into<String>, bytes: u64) -> Self {
        let message = format!("Too long: may not be more than {bytes} bytes");
        Self { reason: "FieldValueTooLong", field: field.into(), message }
    }

    /// The list or map has more entries than allowed.
    pub fn too_many(field: impl Into<String>, found: usize, most: u64) -> Self {
        let message = format!("Too many: {found}: must have at most {most} items");
        Self { reason: "FieldValueTooMany", field: field.into(), message }
    }

    fn cause(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }
}

/// A failed request: everything that a `metav1.Status` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, such as `Conflict`; empty where Kubernetes gives none.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details` of the Status, when it has any.
    pub details: Option<Value>,
    /// With which token an expired list can be continued at the latest revision.
    pub continue_token: Option<String>,
}

/// Names a resource in a Status: group and plural (or kind, where Kubernetes says the kind).
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// API group; empty for core.
    pub group: &'a str,
    /// Plural resource name or kind.
    pub kind: &'a str,
    /// Object name; may be empty.
    pub name: &'a str,
}

impl Named<'_> {
    fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.to_string() } else { format!("{}.{}", self.kind, self.group) }
    }

    fn details(&self) -> Value {
        let mut details = serde_json::Map::new();
        for (key, text) in [("name", self.name), ("group", self.group), ("kind", self.kind)] {
            if !text.is_empty() {
                details.insert(key.into(), text.into());
            }
        }
        Value::Object(details)
    }
}

impl Failure {
    /// A Status of the given code and reason without details.
    pub fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code: code.as_u16(), reason, message: message.into(), details: None, continue_token: None }
    }

    fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// 404: the object does not exist.
    pub fn not_found(named: Named<'_>) -> Self {
        let message = format!("{} {:?} not found", named.qualified(), named.name);
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).with_details(named.details())
    }

    /// 404: the server has no such resource.
    pub fn unknown_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
            .with_details(json!({}))
    }

    /// 405: the resource exists but not with this verb.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).with_details(json!({}))
    }

    /// 409: an object of that name exists.
    pub fn already_exists(named: Named<'_>) -> Self {
        let message = format!("{} {:?} already exists", named.qualified(), named.name);
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).with_details(named.details())
    }

    /// 409: the object is not what the caller took it for.
    pub fn conflict(named: Named<'_>, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {:?}: {why}", named.qualified(), named.name);
        Self::new(StatusCode::CONFLICT, "Conflict", message).with_details(named.details())
    }

    /// 409: the resourceVersion sent is not the live one.
    pub fn modified(named: Named<'_>) -> Self {
        Self::conflict(
            named,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 422: the object breaks the rules of its kind. `errors` must not be empty.
    pub fn invalid(named: Named<'_>, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = format!("{}: {}", error.field, error.message);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        let message = format!("{} {:?} is invalid: {list}", named.qualified(), named.name);
        let mut details = named.details();
        details["causes"] = errors.iter().map(FieldError::cause).collect();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).with_details(details)
    }

    /// 422 without details: the patch applies to nothing (a JSON patch whose test fails or whose path is absent).
    pub fn unprocessable_patch() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).with_details(json!({}))
    }

    /// 400: the request itself cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 401: no valid token.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// 403: the rules of access or admission refuse the request.
    pub fn forbidden(named: Named<'_>, why: &str) -> Self {
        let name = if named.name.is_empty() { String::new() } else { format!(" {:?}", named.name) };
        let message = format!("{}{name} is forbidden: {why}", named.qualified());
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).with_details(named.details())
    }

    /// 403 with a cause, as for a create in a namespace that is being terminated.
    pub fn forbidden_because(named: Named<'_>, why: &str, cause: &Value) -> Self {
        let mut failure = Self::forbidden(named, why);
        if let Some(details) = &mut failure.details {
            details["causes"] = json!([cause]);
        }
        failure
    }

    /// 415: the body is in a format that this request does not take.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// 406: none of the formats asked for can be produced.
    pub fn not_acceptable(accepted: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", accepted.join(", "));
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// 413: the body is above the limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// 410: the revision asked for is no longer in the history.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// 504: a revision from the future.
    pub fn revision_too_large(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).with_details(json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        }))
    }

    /// 429: come back after so many seconds.
    pub fn too_many_requests(seconds: u64) -> Self {
        let message = "the server has received too many requests and has asked us to try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
            .with_details(json!({ "retryAfterSeconds": seconds }))
    }

    /// 503: the server cannot answer just now.
    pub fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// 500: something went wrong that is not the caller's doing.
    pub fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", format!("Internal error occurred: {message}"))
            .with_details(json!({ "causes": [{ "message": message }] }))
    }

    /// 500 without reason: an error that Kubernetes passes through as it is (a resourceVersion that is no number).
    pub fn unclassified(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// Seconds after which the client may retry, as the `Retry-After` header says it.
    pub fn retry_after(&self) -> Option<u64> {
        self.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    /// The `metav1.Status` object.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        if let Some(token) = &self.continue_token {
            status["metadata"]["continue"] = token.clone().into();
        }
        status
    }
}

/// The Status that answers a deletion which left nothing to show.
pub(crate) fn deleted(named: Named<'_>, uid: &str) -> Value {
    let mut details = named.details();
    if !uid.is_empty() {
        details["uid"] = uid.into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
