//! `x-kubernetes-validations`: CEL rules of a node, with the old value where the two can be told to correspond.
//!
//! kube's evaluator compares list items by position; Kubernetes compares them by the keys of a list map and not at all
//! in other lists. So the walk is ours, and the evaluator sees one node at a time.

use kube::core::cel::{CompiledSchema, ErrorKind, ValidationError, compile_schema, validate_compiled};
use serde_json::Value;

use super::{Additional, Schema, join};
use crate::apiserver::status::FieldError;

/// The rules of one node, compiled.
pub(super) struct Rules {
    compiled: CompiledSchema,
    /// Rules that mention `oldSelf`: they hold for unchanged values too.
    transitions: Option<CompiledSchema>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("count", &self.compiled.validations.len()).finish()
    }
}

const KEY: &str = "x-kubernetes-validations";

impl Rules {
    pub(super) fn parse(node: &Value) -> Option<Self> {
        let rules = node.get(KEY)?.as_array().filter(|rules| !rules.is_empty())?;
        let compile = |rules: Vec<Value>| {
            let mut own = stripped(node);
            own[KEY] = rules.into();
            compile_schema(&own)
        };
        let transitions: Vec<Value> = rules.iter().filter(|rule| mentions_old(rule)).cloned().collect();
        let transitions = (!transitions.is_empty()).then(|| compile(transitions));
        Some(Self { compiled: compile(rules.clone()), transitions })
    }

    fn check(&self, value: &Value, old: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
        let unchanged = old == Some(value);
        let compiled = if unchanged { self.transitions.as_ref() } else { Some(&self.compiled) };
        let Some(compiled) = compiled else { return };
        if let Err(failed) = validate_compiled(compiled, value, old) {
            errors.extend(failed.iter().map(|failure| field_error(failure, path)));
        }
    }
}

fn mentions_old(rule: &Value) -> bool {
    rule.get("rule").and_then(Value::as_str).is_some_and(|rule| rule.contains("oldSelf"))
}

/// The node without the rules and defaults of the nodes below it: they have their turn, and were applied already.
fn stripped(node: &Value) -> Value {
    match node {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| {
                !(key.as_str() == KEY && value.is_array() || key.as_str() == "default" || key.as_str() == "description")
            });
            kept.map(|(key, value)| {
                // Below `properties` the keys are field names, which may well be called `default`.
                let value = match (key.as_str(), value) {
                    ("properties", Value::Object(fields)) => {
                        fields.iter().map(|(name, node)| (name.clone(), stripped(node))).collect()
                    }
                    ("enum" | "required", _) => value.clone(),
                    _ => stripped(value),
                };
                (key.clone(), value)
            })
            .collect()
        }
        Value::Array(list) => list.iter().map(stripped).collect(),
        other => other.clone(),
    }
}

fn field_error(failure: &ValidationError, path: &str) -> FieldError {
    // The path that a rule names is that of what it finds wrong; a rule that cannot be evaluated is wrong where it stands.
    let judged = failure.kind == ErrorKind::ValidationFailure;
    let below = if judged { failure.field_path.trim_start_matches('.') } else { "" };
    let field = if below.is_empty() { path.to_string() } else { join(path, below) };
    let reason = match failure.reason.as_deref() {
        Some("FieldValueForbidden") => "FieldValueForbidden",
        Some("FieldValueRequired") => "FieldValueRequired",
        Some("FieldValueDuplicate") => "FieldValueDuplicate",
        _ => "FieldValueInvalid",
    };
    let word = match reason {
        "FieldValueForbidden" => "Forbidden",
        "FieldValueRequired" => "Required value",
        "FieldValueDuplicate" => "Duplicate value",
        _ => "Invalid value",
    };
    FieldError { reason, field, message: format!("{word}: {}", failure.message) }
}

impl Schema {
    /// Whether any rule applies anywhere under this schema.
    pub(crate) fn has_rules(&self) -> bool {
        self.has_rules
    }

    /// The rules (CEL) that an object breaks.
    pub(crate) fn check_rules(&self, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.walk_rules(value, old, "", &mut errors);
        errors
    }

    fn walk_rules(&self, value: &Value, old: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
        if !self.has_rules || value.is_null() {
            return;
        }
        if let Some(rules) = &self.rules {
            rules.check(value, old, path, errors);
        }
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let Some(schema) = self.field(name) else { continue };
                    let path = if self.properties.contains_key(name) || matches!(self.additional, Additional::None) {
                        join(path, name)
                    } else {
                        format!("{path}[{name}]")
                    };
                    schema.walk_rules(value, old.and_then(|old| old.get(name)), &path, errors);
                }
            }
            Value::Array(list) => {
                let Some(items) = &self.items else { return };
                for (index, item) in list.iter().enumerate() {
                    items.walk_rules(item, self.correlated(item, old), &format!("{path}[{index}]"), errors);
                }
            }
            _ => {}
        }
    }
}
