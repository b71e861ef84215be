//! Who asks, and whether they may: bearer tokens and the part of RBAC that tests take rights away with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::request::RequestInfo;
use super::state::State;
use super::status::{Failure, Named};

/// An authenticated user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// User name.
    pub name: String,
    /// Groups of the user.
    pub groups: Vec<String>,
}

/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// The bearer tokens of a server.
#[derive(Debug, Default)]
pub(super) struct Access {
    tokens: BTreeMap<String, Identity>,
}

impl Access {
    pub(super) fn grant(&mut self, token: &str, user: &str, groups: &[&str]) {
        let groups = groups.iter().copied().chain(["system:authenticated"]).map(str::to_string).collect();
        self.tokens.insert(token.to_string(), Identity { name: user.to_string(), groups });
    }

    pub(super) fn revoke(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// Requests without credentials come from inside the test: they may do everything.
    pub(super) fn authenticate(&self, authorization: &str) -> Result<Identity, Failure> {
        if authorization.is_empty() {
            return Ok(Identity { name: "admin".into(), groups: vec![MASTERS.into()] });
        }
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        self.tokens.get(token).cloned().ok_or_else(Failure::unauthorized)
    }
}

/// Whether a user may do what a request asks.
pub(super) fn authorize(state: &State, identity: &Identity, info: &RequestInfo) -> Result<(), Failure> {
    if !info.is_resource() || allows(state, identity, info) {
        return Ok(());
    }
    let RequestInfo { verb, group, .. } = info;
    let resource = match info.subresource.as_str() {
        "" => info.resource.clone(),
        subresource => format!("{}/{subresource}", info.resource),
    };
    let scope = match info.namespace.as_str() {
        "" => "at the cluster scope".to_string(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let why = format!("User {:?} cannot {verb} resource {resource:?} in API group {group:?} {scope}", identity.name);
    Err(Failure::forbidden(Named { group, kind: &info.resource, name: &info.name }, &why))
}

/// Evaluates the role bindings of the cluster.
pub(super) fn allows(state: &State, identity: &Identity, info: &RequestInfo) -> bool {
    if identity.groups.iter().any(|group| group == MASTERS) {
        return true;
    }
    // Every user may ask what they may do.
    if info.group == "authorization.k8s.io" && info.resource.starts_with("selfsubject") {
        return true;
    }
    const GROUP: &str = "rbac.authorization.k8s.io";
    let cluster = state.peek_all(GROUP, "clusterrolebindings");
    let local = state.peek_all(GROUP, "rolebindings");
    let local = local
        .iter()
        .filter(|binding| !info.namespace.is_empty() && binding["metadata"]["namespace"] == info.namespace.as_str());
    cluster.iter().chain(local).filter(|binding| names(binding, identity)).any(|binding| {
        let reference = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default();
        let role = match reference("kind") {
            "Role" => state.peek(GROUP, "roles", &info.namespace, reference("name")),
            _ => state.peek(GROUP, "clusterroles", "", reference("name")),
        };
        role.is_some_and(|role| role["rules"].as_array().into_iter().flatten().any(|rule| permits(rule, info)))
    })
}

fn names(binding: &Value, identity: &Identity) -> bool {
    binding["subjects"].as_array().into_iter().flatten().any(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => name == identity.name,
            Some("Group") => identity.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or_default();
                identity.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn permits(rule: &Value, info: &RequestInfo) -> bool {
    let lists = |field: &str, wanted: &str| {
        rule[field].as_array().into_iter().flatten().any(|entry| entry == "*" || entry == wanted)
    };
    let resource = match info.subresource.as_str() {
        "" => lists("resources", &info.resource),
        subresource => {
            lists("resources", &format!("{}/{subresource}", info.resource))
                || lists("resources", &format!("*/{subresource}"))
        }
    };
    let named = rule["resourceNames"].as_array().is_none_or(|names| {
        names.is_empty() || names.iter().any(|name| !info.name.is_empty() && name == info.name.as_str())
    });
    lists("verbs", &info.verb) && lists("apiGroups", &info.group) && resource && named
}
