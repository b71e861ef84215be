//! Tables: what `kubectl get` prints, made by the server from the columns of a kind.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{Include, partial};
use super::resource::{Resource, Rules};
use crate::kinds;

/// A table of rows. Watches send the column definitions with the first row only.
pub(crate) fn table(resource: &Resource, rows: &[Value], metadata: &Value, headed: bool) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": if headed { columns(resource) } else { Value::Null },
        "rows": rows,
    })
}

fn columns(resource: &Resource) -> Value {
    let definition = |name: &str, kind: &str, format: &str, description: &str, priority: i64| json!({ "name": name, "type": kind, "format": format, "description": description, "priority": priority });
    match &resource.rules {
        Rules::Core(kind) => {
            let columns = kind.columns.iter().map(|column| {
                let format = if column.name == "Name" { "name" } else { "" };
                definition(column.name, column.kind, format, "", column.priority)
            });
            columns.collect()
        }
        Rules::Custom(kind) => {
            let name = definition("Name", "string", "name", "Name of the object.", 0);
            let others = kind.columns.iter().map(|column| {
                definition(&column.name, &column.kind, &column.format, &column.description, column.priority)
            });
            std::iter::once(name).chain(others).collect()
        }
    }
}

/// The row of one object.
pub(crate) fn row(resource: &Resource, object: &Value, include: Include, now: Timestamp) -> Value {
    let cells: Vec<Value> = match &resource.rules {
        Rules::Core(kind) => (kind.cells)(object, now),
        Rules::Custom(kind) => {
            let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
            let others = kind.columns.iter().map(|column| cell(object, &column.kind, &column.path, now));
            std::iter::once(name).chain(others).collect()
        }
    };
    let object = match include {
        Include::None => Value::Null,
        Include::Metadata => partial(object),
        Include::Object => object.clone(),
    };
    json!({ "cells": cells, "object": object })
}

fn cell(object: &Value, kind: &str, path: &str, now: Timestamp) -> Value {
    // Of several results only the first is shown.
    let found = jsonpath(object, path);
    let Some(first) = found.first() else { return Value::Null };
    match (kind, *first) {
        ("date", Value::String(text)) => kinds::since(text, now).into(),
        ("date", _) => "<unknown>".into(),
        ("string", Value::String(text)) => text.clone().into(),
        ("string", value) => plain(value).into(),
        ("integer", value) => value.as_i64().map_or(Value::Null, Value::from),
        ("number", value) => value.as_f64().map_or(Value::Null, Value::from),
        ("boolean", value) => value.as_bool().map_or(Value::Null, Value::from),
        _ => Value::Null,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".into(),
        other => other.to_string(),
    }
}

/// The part of Kubernetes' JSONPath that printer columns use: fields, quoted keys, indexes, `[*]` and equality filters.
pub(crate) fn jsonpath<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    let mut rest = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    while !rest.is_empty() {
        let (step, tail) = step(rest);
        rest = tail;
        found = found.into_iter().flat_map(|value| follow(value, &step)).collect();
    }
    found
}

#[derive(Debug)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// Items whose field (dotted path) equals a value; `true` when they must differ.
    Filter(String, String, bool),
}

/// Takes one step off the front of a path.
fn step(path: &str) -> (Step, &str) {
    if let Some(inner) = path.strip_prefix('[') {
        let end = closing(inner);
        let tail = inner.get(end + 1..).unwrap_or_default();
        return (bracket(inner[..end].trim()), tail);
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut name = String::new();
    let mut chars = path.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            // `\.` is a dot within a name, as in label keys.
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (named(name), &path[at..]),
            _ => name.push(next),
        }
    }
    (named(name), "")
}

fn named(name: String) -> Step {
    if name == "*" { Step::All } else { Step::Field(name) }
}

/// Where the bracket ends, quotes considered.
fn closing(inner: &str) -> usize {
    let mut quote = None;
    for (at, next) in inner.char_indices() {
        match (quote, next) {
            (None, '\'' | '"') => quote = Some(next),
            (Some(open), _) if open == next => quote = None,
            (None, ']') => return at,
            _ => {}
        }
    }
    inner.len()
}

fn bracket(text: &str) -> Step {
    let unquote = |text: &str| text.trim().trim_matches(['\'', '"']).replace("\\.", ".");
    if let Some(filter) = text.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        let differs = filter.contains("!=");
        let (field, value) = filter.split_once(if differs { "!=" } else { "==" }).unwrap_or((filter, ""));
        let field = field.trim().trim_start_matches('@').trim_start_matches('.').to_string();
        return Step::Filter(field, unquote(value), differs);
    }
    match text.parse() {
        Ok(index) => Step::Index(index),
        Err(_) if text == "*" || text == ":" => Step::All,
        Err(_) => Step::Field(unquote(text)),
    }
}

fn follow<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), _) => value.get(name.as_str()).into_iter().collect(),
        (Step::Index(index), Value::Array(list)) => {
            let at = if *index < 0 { list.len() as i64 + index } else { *index };
            usize::try_from(at).ok().and_then(|at| list.get(at)).into_iter().collect()
        }
        (Step::All, Value::Array(list)) => list.iter().collect(),
        (Step::All, Value::Object(map)) => map.values().collect(),
        (Step::Filter(field, wanted, differs), Value::Array(list)) => list
            .iter()
            .filter(|item| {
                let found = jsonpath(item, field).first().map(|value| plain(value));
                (found.as_deref() == Some(wanted)) != *differs
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
