//! Whether a schema is structural: what the server asks of a definition before it serves the kind.

use regex::Regex;
use serde_json::{Value, json};

use super::flag;
use crate::apiserver::status::FieldError;

/// What keeps a schema from being structural.
pub(crate) fn check_structural(root: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if root.get("type") != Some(&json!("object")) {
        let value = root.get("type").cloned().unwrap_or_else(|| json!(""));
        errors.push(FieldError::invalid(format!("{path}.type"), &value, "must be object at the root"));
    }
    check(root, path, &mut errors);
    errors
}

fn check(node: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let any = flag(node, "x-kubernetes-int-or-string") || flag(node, "x-kubernetes-preserve-unknown-fields");
    if node.get("type").is_none() && !any {
        errors.push(FieldError::required(format!("{path}.type"), "must not be empty for specified object fields"));
    }
    if let Some(pattern) = node.get("pattern").and_then(Value::as_str)
        && let Err(problem) = Regex::new(pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {problem}");
        errors.push(FieldError::invalid(format!("{path}.pattern"), &json!(pattern), &detail));
    }
    if node.get("x-kubernetes-list-type") == Some(&json!("map")) {
        let keys = node.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        if keys.is_none_or(Vec::is_empty) {
            let detail = "must not be empty if x-kubernetes-list-type is map";
            errors.push(FieldError::required(format!("{path}.x-kubernetes-list-map-keys"), detail));
        }
    }
    if node.get("properties").is_some() && node.get("additionalProperties").is_some_and(Value::is_object) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
    }
    check_rules(node, path, errors);
    for (name, node) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        check(node, &format!("{path}.properties[{name}]"), errors);
    }
    for field in ["items", "additionalProperties"] {
        if let Some(node) = node.get(field).filter(|node| node.is_object()) {
            check(node, &format!("{path}.{field}"), errors);
        }
    }
}

fn check_rules(node: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let own = json!({ "x-kubernetes-validations": node.get("x-kubernetes-validations") });
    let compiled = kube::core::cel::compile_schema(&own);
    for problem in compiled.compilation_errors() {
        let detail = format!("compilation failed: {problem}");
        let field = format!("{path}.x-kubernetes-validations");
        errors.push(FieldError::invalid(field, &own["x-kubernetes-validations"], &detail));
    }
}
