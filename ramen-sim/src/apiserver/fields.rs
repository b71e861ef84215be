//! The fields of built-in kinds: which exist and of what type they are, from the table of their schemas.

use serde_json::Value;

use super::{meta, quantity};
use crate::apply::{core_definition, core_openapi};
use crate::kinds::CoreKind;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";

/// Drops the unknown fields of the metadata of a custom object; returns their paths below `path`.
pub(crate) fn prune_metadata(metadata: &mut Value, path: &str) -> Vec<String> {
    let mut dropped = Vec::new();
    if let Some(schema) = core_definition(OBJECT_META) {
        walk(schema, metadata, path, &mut dropped);
    }
    dropped
}

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
    if schema.get("$ref").and_then(Value::as_str) == Some(QUANTITY) {
        if let Some(text) = quantity::canonical(value) {
            *value = text.into();
        }
        return;
    }
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

/// The type errors that Kubernetes finds while decoding an object into its type.
pub(crate) fn check_types(kind: &CoreKind, object: &Value) -> Result<(), String> {
    let Some(schema) = core_openapi(kind.group, kind.version, kind.kind) else { return Ok(()) };
    check(schema, object, kind.kind, "")
}

fn check(schema: &Value, value: &Value, kind: &str, path: &str) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let reference = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let schema = resolve(schema);
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let fits = match wanted {
        _ if reference == QUANTITY => quantity::parse(value).is_some(),
        _ if reference == MICRO_TIME => value.as_str().is_some_and(is_micro_time),
        _ if format == "int-or-string" => value.is_string() || value.is_i64() || value.is_u64(),
        "string" if format == "date-time" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "string" if format == "byte" => value.as_str().is_some_and(is_base64),
        "string" => value.is_string(),
        "integer" if format == "int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    if !fits {
        let found = meta::json_type(value);
        return Err(format!("json: cannot unmarshal {found} into Go struct field {kind}{path} of type {wanted}"));
    }
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|schema| schema.is_object());
            for (name, value) in map {
                if let Some(schema) = properties.and_then(|properties| properties.get(name)).or(additional) {
                    check(schema, value, kind, &format!("{path}.{name}"))?;
                }
            }
            Ok(())
        }
        Value::Array(list) => {
            let Some(items) = schema.get("items") else { return Ok(()) };
            list.iter().try_for_each(|item| check(items, item, kind, path))
        }
        _ => Ok(()),
    }
}

/// Whether the text is a time with exactly six digits of fraction: what a MicroTime is read from, and nothing else.
fn is_micro_time(text: &str) -> bool {
    let Some((_, fraction)) = text.split_once('.') else { return false };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    digits == 6 && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}
