//! What a request asks for, as far as faults and timelines care.

use std::fmt;

use http::{Method, Request};

/// A request, read from its method, path and query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Kubernetes verb, or the HTTP method in lower case where the path names no resource.
    pub verb: String,
    /// Plural name of the resource; the whole path where it names none.
    pub resource: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// Namespace; empty for none and for all.
    pub namespace: String,
    /// Name of the object; empty for collections.
    pub name: String,
}

impl Call {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let path = request.uri().path();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let rest = match parts.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] if !rest.is_empty() => rest,
            _ => {
                return Self {
                    verb: request.method().as_str().to_lowercase(),
                    resource: path.to_owned(),
                    ..Self::default()
                };
            }
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) => {
                (*namespace, rest)
            }
            _ => ("", rest),
        };
        let part = |index: usize| rest.get(index).map(|part| (*part).to_owned()).unwrap_or_default();
        let (resource, name, subresource) = (part(0), part(1), part(2));
        let watch = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")));
        let verb = match (request.method().clone(), name.is_empty()) {
            (Method::GET, _) if watch => "watch",
            (Method::GET, true) => "list",
            (Method::GET, false) => "get",
            (Method::POST, _) => "create",
            (Method::PUT, _) => "update",
            (Method::PATCH, _) => "patch",
            (Method::DELETE, true) => "deletecollection",
            (Method::DELETE, false) => "delete",
            _ => "other",
        };
        Self { verb: verb.to_owned(), resource, subresource, namespace: namespace.to_owned(), name }
    }

    /// Whether it changes something when it succeeds (a dry run counts too: faults do not look that close).
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether another writer in between is a reason to refuse it.
    pub(super) fn is_read_modify_write(&self) -> bool {
        self.verb == "update"
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<6} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match (self.namespace.as_str(), self.name.as_str()) {
            ("", "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}
