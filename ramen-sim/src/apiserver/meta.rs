//! Rules of `metadata` that hold for every kind.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use super::status::FieldError;

/// Annotations of one object may add up to this many bytes.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
    an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What names objects of a kind may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// RFC 1123 subdomain: most kinds.
    Subdomain,
    /// RFC 1123 label: namespaces.
    Label,
    /// Anything that fits into one path segment: RBAC kinds.
    PathSegment,
}

fn matches(slot: &'static LazyLock<Option<Regex>>, text: &str) -> bool {
    slot.as_ref().is_some_and(|regex| regex.is_match(text))
}

static LABEL_RE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").ok());
static SUBDOMAIN_RE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").ok());
static QUALIFIED_RE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$").ok());

/// Whether the text is an RFC 1123 label of at most 63 characters.
pub(crate) fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && matches(&LABEL_RE, text)
}

/// Whether the text is an RFC 1123 subdomain of at most 253 characters.
pub(crate) fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && matches(&SUBDOMAIN_RE, text)
}

/// Whether the text is a label key: an optional DNS prefix and a name.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_dns_subdomain) && name.len() <= 63 && matches(&QUALIFIED_RE, name)
}

/// What keeps a text from being a label key; each problem is one cause of its own.
fn qualified_name_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    if name.contains('/') {
        let rule = QUALIFIED.trim_start_matches("name part ");
        return vec![format!("a valid label key {rule} with an optional DNS subdomain prefix and '/'")];
    }
    match prefix {
        Some("") => problems.push("prefix part must be non-empty".to_string()),
        Some(prefix) if !is_dns_subdomain(prefix) => problems.push(format!("prefix part {SUBDOMAIN}")),
        _ => {}
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_string());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 bytes".to_string());
    }
    if !matches(&QUALIFIED_RE, name) {
        problems.push(QUALIFIED.to_string());
    }
    problems
}

/// Whether the text may stand as the value of a label.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || (text.len() <= 63 && matches(&QUALIFIED_RE, text))
}

/// A string field of `metadata`; empty when absent.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
}

/// The second that lies so many seconds after a moment, as `metav1.Time` writes it.
pub(crate) fn time_text(moment: Timestamp, seconds: i64) -> String {
    let second = moment.as_second().saturating_add(seconds);
    Timestamp::from_second(second).unwrap_or(moment).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A map of strings in `metadata`, such as labels.
pub(crate) fn string_map(object: &Value, field: &str) -> BTreeMap<String, String> {
    let map = object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string()))).collect()
}

/// The finalizers of an object.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = object.get("metadata").and_then(|metadata| metadata.get("finalizers")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether a deletion has been asked for.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

/// Removes a field of `metadata`.
pub(crate) fn remove(object: &mut Value, field: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove(field);
    }
}

/// The fields whose JSON types Kubernetes checks while decoding: a wrong type there is a bad request, not an invalid
/// object.
pub(crate) fn check_types(object: &Value) -> Result<(), String> {
    let wrong = |value: &Value, field: &str, wanted: &str| {
        format!("json: cannot unmarshal {} into Go struct field {field} of type {wanted}", json_type(value))
    };
    let Some(metadata) = object.get("metadata").filter(|metadata| !metadata.is_null()) else { return Ok(()) };
    let Some(metadata) = metadata.as_object() else { return Err(wrong(metadata, ".metadata", "v1.ObjectMeta")) };
    for field in ["name", "generateName", "namespace", "uid", "resourceVersion"] {
        if let Some(value) = metadata.get(field).filter(|value| !value.is_string() && !value.is_null()) {
            return Err(wrong(value, &format!("ObjectMeta.metadata.{field}"), "string"));
        }
    }
    for field in ["labels", "annotations"] {
        let Some(map) = metadata.get(field).filter(|map| !map.is_null()) else { continue };
        let Some(map) = map.as_object() else {
            return Err(wrong(map, &format!("ObjectMeta.metadata.{field}"), "map[string]string"));
        };
        if let Some(value) = map.values().find(|value| !value.is_string() && !value.is_null()) {
            return Err(wrong(value, &format!("ObjectMeta.metadata.{field}"), "string"));
        }
    }
    for (field, wanted) in [("finalizers", "[]string"), ("ownerReferences", "[]v1.OwnerReference")] {
        if let Some(value) = metadata.get(field).filter(|value| !value.is_array() && !value.is_null()) {
            return Err(wrong(value, &format!("ObjectMeta.metadata.{field}"), wanted));
        }
    }
    for field in ["creationTimestamp", "deletionTimestamp"] {
        if let Some(text) = metadata.get(field).and_then(Value::as_str)
            && text.parse::<Timestamp>().is_err()
        {
            return Err(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?}"));
        }
    }
    Ok(())
}

/// The word that Go's decoder has for a JSON value.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Drops empty maps and lists of `metadata`, which the typed form does not write.
pub(crate) fn drop_empty(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("selfLink");
        metadata.retain(|field, value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::String(text) => !text.is_empty(),
            Value::Number(number) => field != "generation" || number.as_i64() != Some(0),
            Value::Bool(_) => true,
        });
    }
}

/// Checks `metadata` of an object that is about to be created.
pub(crate) fn validate(object: &Value, rule: NameRule, namespaced: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate_name(object, rule, &mut errors);
    let namespace = text(object, "namespace");
    if namespaced && namespace.is_empty() {
        errors.push(FieldError::required("metadata.namespace", ""));
    } else if namespaced && !is_dns_label(namespace) {
        errors.push(FieldError::invalid("metadata.namespace", &json!(namespace), DNS_LABEL));
    } else if !namespaced && !namespace.is_empty() {
        errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type"));
    }
    validate_common(object, &mut errors);
    errors
}

fn validate_name(object: &Value, rule: NameRule, errors: &mut Vec<FieldError>) {
    let name = text(object, "name");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
        return;
    }
    let value = json!(name);
    match rule {
        NameRule::Subdomain if name.len() > 253 => {
            errors.push(FieldError::invalid("metadata.name", &value, "must be no more than 253 bytes"));
        }
        NameRule::Label if name.len() > 63 => {
            errors.push(FieldError::invalid("metadata.name", &value, "must be no more than 63 bytes"));
        }
        NameRule::Subdomain if !is_dns_subdomain(name) => {
            errors.push(FieldError::invalid("metadata.name", &value, SUBDOMAIN));
        }
        NameRule::Label if !is_dns_label(name) => errors.push(FieldError::invalid("metadata.name", &value, DNS_LABEL)),
        NameRule::PathSegment if name == "." || name == ".." => {
            errors.push(FieldError::invalid("metadata.name", &value, &format!("may not be '{name}'")));
        }
        NameRule::PathSegment => {
            for bad in ['/', '%'].into_iter().filter(|bad| name.contains(*bad)) {
                errors.push(FieldError::invalid("metadata.name", &value, &format!("may not contain '{bad}'")));
            }
        }
        NameRule::Subdomain | NameRule::Label => {}
    }
}

fn validate_common(object: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in string_map(object, "labels") {
        for problem in qualified_name_problems(&key) {
            errors.push(FieldError::invalid("metadata.labels", &json!(key), &problem));
        }
        if value.len() > 63 {
            errors.push(FieldError::invalid("metadata.labels", &json!(value), "must be no more than 63 bytes"));
        } else if !is_label_value(&value) {
            errors.push(FieldError::invalid("metadata.labels", &json!(value), LABEL_VALUE));
        }
    }
    let annotations = string_map(object, "annotations");
    for key in annotations.keys() {
        for problem in qualified_name_problems(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &json!(key), &problem));
        }
    }
    if annotations.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long("metadata.annotations", ANNOTATIONS_LIMIT as u64));
    }
    validate_owners(object, errors);
    let finalizers = finalizers(object);
    for finalizer in &finalizers {
        if !is_qualified_name(finalizer) {
            errors.push(FieldError::invalid("metadata.finalizers", &json!(finalizer), QUALIFIED));
        }
    }
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid("metadata.finalizers", &json!(finalizers), detail));
    }
}

fn validate_owners(object: &Value, errors: &mut Vec<FieldError>) {
    let owners = object.get("metadata").and_then(|metadata| metadata.get("ownerReferences")).and_then(Value::as_array);
    let mut controllers = 0;
    for (index, owner) in owners.into_iter().flatten().enumerate() {
        let at = |field: &str| format!("metadata.ownerReferences.{field}");
        let part = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
        let version = part("apiVersion");
        if version.rsplit('/').next().unwrap_or_default().is_empty() {
            errors.push(FieldError::invalid(at("apiVersion"), &json!(version), "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if part(field).is_empty() {
                errors.push(FieldError::invalid(at(field), &json!(""), &format!("{field} must not be empty")));
            }
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            controllers += 1;
            if controllers == 2 {
                let detail = "Only one reference can have Controller set to true. Found \"true\" in references";
                errors.push(FieldError::invalid(
                    "metadata.ownerReferences",
                    owner,
                    &format!("{detail} for index {index}"),
                ));
            }
        }
    }
}

/// Carries over what a client can never change, then checks `metadata` of an update.
pub(crate) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if is_deleting(old) {
        let before = finalizers(old);
        let mut added: Vec<&str> = finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
        added.sort_unstable();
        if !added.is_empty() {
            let list = added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
            let detail = "no new finalizers can be added if the object is being deleted, found new finalizers";
            errors.push(FieldError::forbidden("metadata.finalizers", &format!("{detail} []string{{{list}}}")));
        }
    }
    for field in ["name", "namespace", "uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (now, then) = (new.pointer(&format!("/metadata/{field}")), old.pointer(&format!("/metadata/{field}")));
        if now != then {
            let value = now.cloned().unwrap_or_default();
            errors.push(FieldError::invalid(format!("metadata.{field}"), &value, "field is immutable"));
        }
    }
    validate_common(new, &mut errors);
    errors
}

/// What built-in kinds ask of finalizers beyond their form: a domain, unless Kubernetes itself knows them.
pub(crate) fn validate_core_finalizers(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, name) in finalizers(object).into_iter().enumerate() {
        let field = format!("metadata.finalizers[{index}]");
        if !is_qualified_name(name) {
            errors.push(FieldError::invalid(field, &json!(name), QUALIFIED));
        } else if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(field, &json!(name), detail));
        }
    }
    errors
}

/// Takes from the live object what an update does not decide: identity, creation, deletion.
pub(crate) fn inherit(new: &mut Value, old: &Value) {
    let carry = |new: &mut Value, field: &str, always: bool| {
        let Some(value) = old.pointer(&format!("/metadata/{field}")) else { return };
        if always || new.pointer(&format!("/metadata/{field}")).is_none() {
            new["metadata"][field] = value.clone();
        }
    };
    remove(new, "generation");
    carry(new, "generation", true);
    carry(new, "uid", false);
    carry(new, "namespace", false);
    carry(new, "creationTimestamp", true);
    carry(new, "deletionTimestamp", true);
    carry(new, "deletionGracePeriodSeconds", false);
    carry(new, "generateName", false);
}

#[cfg(test)]
mod tests;
