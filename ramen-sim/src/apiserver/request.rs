//! What a request asks for: verb, resource, object and options, read from method, path and query.

use std::collections::BTreeMap;

use http::Method;

use super::status::Failure;

/// A request as access rules, logs and faults see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestInfo {
    /// Position in the order in which the server took requests, from 1.
    pub sequence: u64,
    /// User agent: who asks, as logs count it.
    pub agent: String,
    /// Authenticated user name.
    pub user: String,
    /// Groups of the user.
    pub groups: Vec<String>,
    /// Kubernetes verb: get, list, watch, create, update, patch, delete, deletecollection; or the HTTP method in
    /// lower case for paths that are no resource.
    pub verb: String,
    /// HTTP path without query.
    pub path: String,
    /// API group; empty for core and for paths that are no resource.
    pub group: String,
    /// API version; empty for paths that are no resource.
    pub version: String,
    /// Plural resource name; empty for paths that are no resource.
    pub resource: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// Namespace; empty for cluster scope and all namespaces.
    pub namespace: String,
    /// Object name; empty for collections.
    pub name: String,
    /// Whether nothing is to be persisted.
    pub dry_run: bool,
}

impl RequestInfo {
    /// Whether the request changes the cluster when it succeeds.
    pub fn is_write(&self) -> bool {
        !self.dry_run
            && matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
            && !self.group.ends_with("authorization.k8s.io")
    }

    /// Reads method and path. The query decides between list and watch.
    pub(crate) fn parse(method: &Method, path: &str, query: &Query) -> Self {
        let mut info = Self { path: path.to_string(), dry_run: query.has("dryRun"), ..Self::default() };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let rest: &[&str] = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => {
                info.version = (*version).to_string();
                rest
            }
            ["apis", group, version, rest @ ..] if !rest.is_empty() => {
                info.group = (*group).to_string();
                info.version = (*version).to_string();
                rest
            }
            _ => {
                info.verb = method.as_str().to_lowercase();
                return info;
            }
        };
        let rest = info.read_scope(rest);
        let mut rest = rest.iter();
        let mut next = || rest.next().map(|part| decode(part)).unwrap_or_default();
        info.resource = next();
        info.name = next();
        info.subresource = next();
        let more = next();
        if !more.is_empty() {
            // Nothing is served that deep: an unknown subresource says so.
            info.subresource = format!("{}/{more}", info.subresource);
        }
        info.verb = verb(method, info.name.is_empty(), query).to_string();
        info
    }

    /// Takes `namespaces/NS` off the front, unless the request is about the Namespace object itself.
    fn read_scope<'a>(&mut self, parts: &'a [&'a str]) -> &'a [&'a str] {
        match parts {
            ["namespaces", namespace] | ["namespaces", namespace, "status" | "finalize"] => {
                self.namespace = decode(namespace);
                parts
            }
            ["namespaces", namespace, rest @ ..] => {
                self.namespace = decode(namespace);
                rest
            }
            _ => parts,
        }
    }

    /// Whether the path names an API resource (and not `/version`, `/openapi` and the like).
    pub fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }
}

fn verb(method: &Method, collection: bool, query: &Query) -> &'static str {
    match (method, collection) {
        (&Method::GET | &Method::HEAD, _) if query.flag("watch") => "watch",
        (&Method::GET | &Method::HEAD, true) => "list",
        (&Method::GET | &Method::HEAD, false) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ => "",
    }
}

/// The query parameters of a request; the first of a repeated one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let mut map = BTreeMap::new();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            map.entry(decode(key)).or_insert_with(|| decode(value));
        }
        Self(map)
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        !self.get(key).is_empty()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !matches!(value.to_lowercase().as_str(), "" | "0" | "false"))
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, Failure> {
        let text = self.get(key);
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| Failure::bad_request(format!("{key}: Invalid value: {text:?}: must be a number")))
    }
}

/// Undoes percent-encoding and `+`.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                let hex = std::str::from_utf8(&pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(hex.unwrap_or(b'%'));
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
