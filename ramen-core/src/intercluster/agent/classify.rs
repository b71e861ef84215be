//! What an error of the Kubernetes client says, and what it does not say.

use std::error::Error;

use kube::core::Status;

use crate::intercluster::{Failure, FailureClass, ObjectKey};

/// A request's error, by what follows from it.
#[derive(Debug)]
pub(crate) enum Finding {
    /// A Kubernetes `Status` names this very object as not found.
    Absent,
    /// A Kubernetes `Status` names the namespace of the object as not found.
    NamespaceAbsent,
    /// Status code 404 that names nothing: an unknown path, or an answer from something that is no API server.
    UnknownPath(String),
    /// The object to create exists.
    Exists,
    /// The resource version or uid that the request asked for is not the present one.
    Changed,
    /// Server-side apply: other managers hold fields.
    Held {
        /// Names of the managers, as the server's messages quote them.
        managers: Vec<String>,
        /// The fields.
        fields: Vec<String>,
    },
    /// The watch or list position is too old.
    Expired,
    /// Anything else.
    Failed(Failure),
}

/// Classifies the error of a request about `key`.
pub(crate) fn classify(error: &kube::Error, key: &ObjectKey) -> Finding {
    match error {
        kube::Error::Api(status) => classify_status(status, key),
        other => Finding::Failed(failure_of(other)),
    }
}

fn classify_status(status: &Status, key: &ObjectKey) -> Finding {
    match status.reason.as_str() {
        "NotFound" => not_found(status, key),
        "AlreadyExists" => Finding::Exists,
        "Conflict" => conflict(status),
        "Expired" | "Gone" => Finding::Expired,
        _ if status.code == 404 => Finding::UnknownPath(status.message.clone()),
        _ if status.code == 410 => Finding::Expired,
        _ => Finding::Failed(failure_of_status(status)),
    }
}

fn not_found(status: &Status, key: &ObjectKey) -> Finding {
    let Some(details) = status.details.as_ref().filter(|d| !d.name.is_empty()) else {
        return Finding::UnknownPath(status.message.clone());
    };
    let names_kind = |plural: &str, kind: &str| details.kind == plural || details.kind.eq_ignore_ascii_case(kind);
    if details.name == key.name
        && details.group == key.resource.group
        && names_kind(&key.resource.plural, &key.resource.kind)
    {
        return Finding::Absent;
    }
    if key.namespace.as_deref() == Some(&details.name)
        && details.group.is_empty()
        && names_kind("namespaces", "Namespace")
    {
        return Finding::NamespaceAbsent;
    }
    let cause = format!("the answer is about another object, {} {}: {}", details.kind, details.name, status.message);
    Finding::Failed(Failure::new(FailureClass::Malformed, cause))
}

fn conflict(status: &Status) -> Finding {
    let causes = status.details.iter().flat_map(|d| &d.causes);
    let held: Vec<_> = causes.filter(|c| c.reason == "FieldManagerConflict").collect();
    if held.is_empty() {
        return Finding::Changed;
    }
    let manager = |message: &str| message.split('"').nth(1).unwrap_or(message).to_owned();
    let mut managers: Vec<_> = held.iter().map(|c| manager(&c.message)).collect();
    managers.sort();
    managers.dedup();
    Finding::Held { managers, fields: held.iter().map(|c| c.field.clone()).collect() }
}

/// The failure that a `Status` stands for, where it is neither an absence nor a conflict.
fn failure_of_status(status: &Status) -> Failure {
    let terminating = status.details.iter().flat_map(|d| &d.causes).any(|c| c.reason == "NamespaceTerminating");
    let class = match status.code {
        _ if terminating => FailureClass::Prerequisite,
        401 => FailureClass::Unauthenticated,
        403 => FailureClass::Forbidden,
        429 => FailureClass::Throttled,
        400 | 413 | 422 => FailureClass::Invalid,
        405 => FailureClass::Unsupported,
        409 => FailureClass::Conflict,
        // Too many requests reaches us from a server that sheds load; a timeout of the server is one for the caller.
        408 | 504 => FailureClass::TimedOut,
        500..=599 => FailureClass::Unreachable,
        _ => FailureClass::Malformed,
    };
    let failure = Failure::new(class, format!("{} (HTTP {})", first_line(&status.message), status.code));
    if terminating {
        return failure.remedy("wait until the namespace is gone; it is then created again");
    }
    failure
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("the answer has no message").chars().take(500).collect()
}

/// The failure of an error that is no answer of an API server.
pub(crate) fn failure_of(error: &kube::Error) -> Failure {
    if let Some(own) = own_failure(error) {
        return own;
    }
    let class = match error {
        kube::Error::Api(status) => return failure_of_status(status),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) | kube::Error::LinesCodecMaxLineLengthExceeded => {
            FailureClass::Malformed
        }
        kube::Error::Auth(_) => FailureClass::Unauthenticated,
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => FailureClass::Invalid,
        _ => FailureClass::Unreachable,
    };
    Failure::new(class, chain(error))
}

/// The failure that a [`ClusterAccess`](super::ClusterAccess) put into the error, if it did.
fn own_failure(error: &kube::Error) -> Option<Failure> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure.clone());
        }
        next = error.source();
    }
    None
}

/// The error and its sources, without what a source only repeats.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests;
