//! The fields of built-in kinds: which exist, from the table of their schemas.

use serde_json::Value;

use crate::apply::{core_definition, core_openapi};
use crate::kinds::CoreKind;

/// Drops the fields that the kind does not have; returns their paths.
pub(crate) fn prune(kind: &CoreKind, object: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    if let Some(schema) = core_openapi(kind.group, kind.version, kind.kind) {
        walk(schema, object, "", &mut dropped);
    }
    dropped
}

fn resolve(schema: &Value) -> &Value {
    schema.get("$ref").and_then(Value::as_str).and_then(core_definition).unwrap_or(schema)
}

fn walk(schema: &Value, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
    let schema = resolve(schema);
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|schema| schema.is_object());
            map.retain(|name, value| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let known = properties.and_then(|properties| properties.get(name));
                match (known.or(additional), properties) {
                    (Some(schema), _) => {
                        walk(schema, value, &path, dropped);
                        true
                    }
                    // A map without declared fields (fieldsV1, the schema in a definition) holds anything.
                    (None, None) => true,
                    (None, Some(_)) => {
                        dropped.push(path);
                        false
                    }
                }
            });
        }
        Value::Array(list) => {
            let Some(items) = schema.get("items") else { return };
            for (index, item) in list.iter_mut().enumerate() {
                walk(items, item, &format!("{path}[{index}]"), dropped);
            }
        }
        _ => {}
    }
}
