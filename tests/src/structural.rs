//! What an API server with a CRD would say to an object: the part of its validation that our schemas use.
//!
//! Fast and without a server, for tests of schemas. The end-to-end tier asks real API servers.

use regex::Regex;
use serde_json::Value;

/// What an API server would refuse in a value, and what it would drop from it without a word; empty if it takes the
/// value whole.
#[must_use]
pub fn objections(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check("", schema, value, &mut found);
    found
}

fn check(path: &str, schema: &Value, value: &Value, found: &mut Vec<String>) {
    if value.is_null() {
        if schema["nullable"] != true {
            found.push(format!("{path}: null is refused"));
        }
        return;
    }
    if let Some(expected) = schema["type"].as_str().filter(|expected| !is(expected, value)) {
        found.push(format!("{path}: expected {expected}, found {value}"));
        return;
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        found.push(format!("{path}: {value} is none of {}", schema["enum"]));
    }
    match value {
        Value::Object(fields) => object(path, schema, fields, found),
        Value::Array(items) => {
            bound(path, schema, "Items", items.len(), found);
            for (index, item) in items.iter().enumerate() {
                check(&format!("{path}[{index}]"), &schema["items"], item, found);
            }
        }
        Value::String(text) => string(path, schema, text, found),
        Value::Number(number) => {
            if schema["minimum"].as_f64().is_some_and(|least| number.as_f64() < Some(least)) {
                found.push(format!("{path}: {number} is below {}", schema["minimum"]));
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn is(expected: &str, value: &Value) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}

fn object(path: &str, schema: &Value, fields: &serde_json::Map<String, Value>, found: &mut Vec<String>) {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let embedded: &[&str] =
        if schema["x-kubernetes-embedded-resource"] == true { &["apiVersion", "kind"] } else { &[] };
    for name in required.chain(embedded.iter().copied()).filter(|name| !fields.contains_key(*name)) {
        found.push(format!("{path}.{name}: is required"));
    }
    let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match schema["properties"].get(name).or_else(|| schema.get("additionalProperties")) {
            Some(property) => check(&path, property, value, found),
            None if keeps => {}
            None => found.push(format!("{path}: is dropped")),
        }
    }
}

fn string(path: &str, schema: &Value, text: &str, found: &mut Vec<String>) {
    bound(path, schema, "Length", text.chars().count(), found);
    if let Some(pattern) = schema["pattern"].as_str() {
        match Regex::new(pattern) {
            Ok(regex) if regex.is_match(text) => {}
            Ok(_) => found.push(format!("{path}: {text:?} does not match {pattern}")),
            Err(error) => found.push(format!("{path}: {error}")),
        }
    }
    let instant = || text.parse::<jiff::Timestamp>();
    if schema["format"] == "date-time" && instant().is_err() {
        found.push(format!("{path}: {text:?} is no point in time"));
    }
}

fn bound(path: &str, schema: &Value, of: &str, length: usize, found: &mut Vec<String>) {
    let limit =
        |side: &str| schema[format!("{side}{of}")].as_u64().map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if limit("min").is_some_and(|least| length < least) || limit("max").is_some_and(|most| length > most) {
        found.push(format!("{path}: {length} is out of bounds"));
    }
}
