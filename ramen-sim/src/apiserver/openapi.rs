//! OpenAPI v3: enough for `kubectl explain`, and for clients that ask whether a patch takes `fieldValidation`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::resource::{Registry, Resource, Rules};
use crate::apply::{core_definition, core_openapi};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Where the document of each group and version lies. The hash changes with the content, for clients that cache.
pub(super) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for resource in registry.iter() {
        let place = place(&resource.group, &resource.version);
        if paths.contains_key(&place) {
            continue;
        }
        let document = document(registry, &resource.group, &resource.version).unwrap_or_default();
        let digest = Sha256::digest(document.to_string());
        let hash: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let url = format!("/openapi/v3/{place}?hash={hash}");
        paths.insert(place, json!({ "serverRelativeURL": url }));
    }
    json!({ "paths": paths })
}

fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// The document of one group and version.
pub(super) fn document(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut paths = Map::new();
    let mut schemas = BTreeMap::new();
    for resource in registry.iter().filter(|resource| resource.group == group && resource.version == version) {
        let name = definition_name(resource);
        schemas.insert(name.clone(), schema(resource));
        let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("/{}{scope}/{}", place(group, version), resource.plural);
        paths.insert(format!("{collection}/{{name}}"), operations(resource, &name, &["get", "put", "patch", "delete"]));
        paths.insert(collection, operations(resource, &name, &["get", "post"]));
    }
    if paths.is_empty() {
        return None;
    }
    collect(&mut schemas);
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "v1.36.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    }))
}

/// The name of a kind's schema: the group reversed, then version and kind.
fn definition_name(resource: &Resource) -> String {
    if let Rules::Core(kind) = &resource.rules {
        return format!("io.k8s.api.{}.{}.{}", reversed_core(kind.group), kind.version, kind.kind);
    }
    let reversed: Vec<&str> = resource.group.split('.').rev().collect();
    format!("{}.{}.{}", reversed.join("."), resource.version, resource.kind)
}

fn reversed_core(group: &str) -> &str {
    group.split('.').next().filter(|first| !first.is_empty()).unwrap_or("core")
}

fn schema(resource: &Resource) -> Value {
    let mut schema = match &resource.rules {
        Rules::Core(kind) => core_openapi(kind.group, kind.version, kind.kind).cloned().unwrap_or_else(|| json!({})),
        Rules::Custom(kind) => {
            let mut schema = kind.raw.clone();
            if !schema["properties"].is_object() {
                schema["properties"] = json!({});
            }
            for field in ["apiVersion", "kind"] {
                schema["properties"][field] = json!({ "type": "string" });
            }
            schema["properties"]["metadata"] = json!({ "$ref": OBJECT_META });
            schema
        }
    };
    schema["x-kubernetes-group-version-kind"] = json!([gvk(resource)]);
    schema
}

fn gvk(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn operations(resource: &Resource, name: &str, methods: &[&str]) -> Value {
    let text = json!({ "type": "string", "uniqueItems": true });
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .into_iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": text }))
        .collect();
    let body = json!({ "application/json": { "schema": { "$ref": reference(name) } } });
    let operation = |method: &str| {
        let mut operation = json!({
            "responses": { "200": { "description": "OK", "content": body } },
            "x-kubernetes-action": method,
            "x-kubernetes-group-version-kind": gvk(resource),
        });
        if matches!(method, "put" | "post" | "patch") {
            operation["parameters"] = json!(parameters);
            operation["requestBody"] = json!({ "content": body, "required": true });
        }
        (method.to_string(), operation)
    };
    Value::Object(methods.iter().map(|method| operation(method)).collect())
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Adds the definitions that others refer to, and makes references absolute.
fn collect(schemas: &mut BTreeMap<String, Value>) {
    let mut open: Vec<String> = schemas.keys().cloned().collect();
    while let Some(name) = open.pop() {
        let mut wanted = Vec::new();
        if let Some(schema) = schemas.get_mut(&name) {
            absolute(schema, &mut wanted);
        }
        for name in wanted {
            if !schemas.contains_key(&name) {
                let definition = core_definition(&name).cloned().unwrap_or_else(|| json!({ "type": "object" }));
                schemas.insert(name.clone(), definition);
                open.push(name);
            }
        }
    }
}

fn absolute(node: &mut Value, wanted: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref")
                && !target.starts_with('#')
            {
                wanted.push(target.clone());
                *target = reference(target);
            }
            map.remove("x-zero");
            map.values_mut().for_each(|value| absolute(value, wanted));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| absolute(value, wanted)),
        _ => {}
    }
}
