//! Paths that are no resources: what the server serves, its version and its health.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::Inner;
use super::openapi;
use super::request::RequestInfo;
use super::resource::{Registry, Resource};
use super::service::Handled;
use super::status::Failure;

/// The version that the server claims to be.
const VERSION: (&str, &str) = ("1", "36");
/// The media type of aggregated discovery: the whole of it in one answer.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: &[&str] = &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

pub(super) fn answer(inner: &Inner, info: &RequestInfo, accept: &str) -> Result<Handled, Failure> {
    if info.verb != "get" && info.verb != "head" {
        return Err(Failure::method_not_allowed());
    }
    let state = inner.state();
    let registry = &state.registry;
    let json = |value: Value| Ok(Handled::Document("application/json", Bytes::from(value.to_string())));
    let aggregated = accept.contains("as=APIGroupDiscoveryList");
    let parts: Vec<&str> = info.path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["readyz" | "livez" | "healthz", ..] => Ok(Handled::Plain(StatusCode::OK, Bytes::from_static(b"ok"))),
        ["version"] => json(version()),
        [root @ ("api" | "apis")] if aggregated => {
            let body = all(registry, *root == "api").to_string();
            Ok(Handled::Document(AGGREGATED, Bytes::from(body)))
        }
        ["api"] => json(json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })),
        ["apis"] => {
            let groups = groups(registry);
            let groups: Vec<Value> = groups.iter().filter(|(name, _)| !name.is_empty()).map(group).collect();
            json(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", name] => match groups(registry).get_key_value(*name) {
            Some(entry) => {
                let mut found = group(entry);
                found["kind"] = "APIGroup".into();
                found["apiVersion"] = "v1".into();
                json(found)
            }
            None => Ok(not_found()),
        },
        ["api", version] => resources(registry, "", version).map_or_else(|| Ok(not_found()), json),
        ["apis", group, version] => resources(registry, group, version).map_or_else(|| Ok(not_found()), json),
        ["openapi", "v3"] => json(openapi::index(registry)),
        ["openapi", "v3", "api", version] => {
            openapi::document(registry, "", version).map_or_else(|| Ok(not_found()), json)
        }
        ["openapi", "v3", "apis", group, version] => {
            openapi::document(registry, group, version).map_or_else(|| Ok(not_found()), json)
        }
        _ => Ok(not_found()),
    }
}

pub(super) fn not_found() -> Handled {
    Handled::Plain(StatusCode::NOT_FOUND, Bytes::from_static(b"404 page not found\n"))
}

fn version() -> Value {
    json!({
        "major": VERSION.0,
        "minor": VERSION.1,
        "gitVersion": format!("v{}.{}.0+ramen-sim", VERSION.0, VERSION.1),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": "simulated",
    })
}

/// The groups with their versions, the preferred one first.
fn groups(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in registry.iter() {
        let versions = groups.entry(resource.group.clone()).or_default();
        if !versions.contains(&resource.version) {
            versions.push(resource.version.clone());
        }
    }
    for versions in groups.values_mut() {
        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
    }
    groups
}

/// How versions are preferred: stable before beta before alpha, newer before older, anything else last.
fn priority(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let (major, stage) = match rest.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    let minor = |text: &str| text.parse().unwrap_or_default();
    match (stage, stage.strip_prefix("beta"), stage.strip_prefix("alpha")) {
        ("", _, _) => (3, major, 0),
        (_, Some(text), _) => (2, major, minor(text)),
        (_, _, Some(text)) => (1, major, minor(text)),
        _ => (0, 0, 0),
    }
}

fn group((name, versions): (&String, &Vec<String>)) -> Value {
    let entry = |version: &String| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let entries: Vec<Value> = versions.iter().map(entry).collect();
    json!({ "name": name, "versions": entries, "preferredVersion": entries.first() })
}

fn members<'a>(registry: &'a Registry, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Arc<Resource>> {
    registry.iter().filter(move |resource| resource.group == group && resource.version == version)
}

/// The subresources of a resource with their verbs.
fn subresources(resource: &Resource) -> Vec<(&'static str, &'static [&'static str])> {
    let mut list: Vec<(&str, &[&str])> = Vec::new();
    if resource.group.is_empty() && resource.plural == "namespaces" {
        list.push(("finalize", &["update"]));
    }
    if resource.has_status {
        list.push(("status", &["get", "patch", "update"]));
    }
    list
}

/// The resources of one group and version.
fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for resource in members(registry, group, version) {
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": VERBS,
        });
        for (field, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
            if !names.is_empty() {
                entry[field] = json!(names);
            }
        }
        list.push(entry);
        for (name, verbs) in subresources(resource) {
            list.push(json!({
                "name": format!("{}/{name}", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": verbs,
            }));
        }
    }
    if list.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    Some(json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list }))
}

/// Aggregated discovery of the core group, or of all others.
fn all(registry: &Registry, core: bool) -> Value {
    let groups = groups(registry);
    let groups = groups.iter().filter(|(name, _)| name.is_empty() == core).map(|(name, versions)| {
        let versions: Vec<Value> = versions.iter().map(|version| aggregated(registry, name, version)).collect();
        let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
        json!({ "metadata": metadata, "versions": versions })
    });
    let items: Vec<Value> = groups.collect();
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn aggregated(registry: &Registry, group: &str, version: &str) -> Value {
    let entry = |resource: &Arc<Resource>| {
        let kind = json!({ "group": group, "version": version, "kind": resource.kind });
        let subresources = subresources(resource)
            .into_iter()
            .map(|(name, verbs)| json!({ "subresource": name, "responseKind": kind, "verbs": verbs }));
        let subresources: Vec<Value> = subresources.collect();
        json!({
            "resource": resource.plural,
            "responseKind": kind,
            "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": resource.singular,
            "verbs": VERBS,
            "shortNames": resource.short_names,
            "categories": resource.categories,
            "subresources": subresources,
        })
    };
    let resources: Vec<Value> = members(registry, group, version).map(entry).collect();
    json!({ "version": version, "resources": resources, "freshness": "Current" })
}
