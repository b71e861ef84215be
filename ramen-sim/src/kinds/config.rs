//! Secret, ConfigMap, Event and Lease.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, Column, CoreKind, NAME, age, at, column, name, since, text, wide};
use crate::apiserver::status::FieldError;

/// The data of a Secret or ConfigMap may add up to this many bytes.
const DATA_LIMIT: u64 = 1024 * 1024;

pub(super) static KINDS: &[CoreKind] = &[
    CoreKind {
        fields: &["type"],
        columns: &[NAME, column("Type", "string"), column("Data", "string"), AGE],
        cells: |secret, now| vec![name(secret), at(secret, "type").clone(), count(secret), age(secret, now)],
        default: default_secret,
        validate: validate_secret,
        ..CoreKind::plain("", "v1", "Secret", "secrets")
    },
    CoreKind {
        short_names: &["cm"],
        columns: &[NAME, column("Data", "string"), AGE],
        cells: |map, now| vec![name(map), count(map), age(map, now)],
        validate: validate_config_map,
        ..CoreKind::plain("", "v1", "ConfigMap", "configmaps")
    },
    CoreKind {
        short_names: &["ev"],
        create_on_update: true,
        fields: EVENT_FIELDS,
        columns: EVENT_COLUMNS,
        cells: event_cells,
        ..CoreKind::plain("", "v1", "Event", "events")
    },
    CoreKind {
        unconditional_update: false,
        create_on_update: true,
        columns: &[NAME, column("Holder", "string"), AGE],
        cells: |lease, now| vec![name(lease), text(lease, "spec.holderIdentity").into(), age(lease, now)],
        default: |lease| default_to_empty(lease, "spec"),
        names_finalizers: false,
        validate: validate_lease,
        ..CoreKind::plain("coordination.k8s.io", "v1", "Lease", "leases")
    },
];

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

const EVENT_COLUMNS: &[Column] = &[
    column("Last Seen", "string"),
    column("Type", "string"),
    column("Reason", "string"),
    column("Object", "string"),
    wide("Subobject", "string"),
    wide("Source", "string"),
    column("Message", "string"),
    wide("First Seen", "string"),
    wide("Count", "string"),
    wide("Name", "string"),
];

fn event_cells(event: &Value, now: Timestamp) -> Vec<Value> {
    let moment = |paths: &[&str]| {
        let found = paths.iter().map(|path| text(event, path)).find(|text| !text.is_empty());
        Value::from(since(found.unwrap_or_default(), now))
    };
    let kind = text(event, "involvedObject.kind").to_lowercase();
    let source = match text(event, "source.component") {
        "" => text(event, "reportingComponent"),
        component => component,
    };
    let count = [at(event, "series.count"), at(event, "count")].into_iter().find(|count| count.is_u64());
    vec![
        moment(&["series.lastObservedTime", "lastTimestamp", "firstTimestamp", "eventTime"]),
        text(event, "type").into(),
        text(event, "reason").into(),
        format!("{kind}/{}", text(event, "involvedObject.name")).into(),
        text(event, "involvedObject.fieldPath").into(),
        source.into(),
        text(event, "message").trim().into(),
        moment(&["firstTimestamp", "eventTime"]),
        count.cloned().unwrap_or_else(|| json!(1)),
        name(event),
    ]
}

fn default_to_empty(object: &mut Value, field: &str) {
    if object[field].is_null() {
        object[field] = json!({});
    }
}

/// Entries of `data` and `binaryData`.
fn count(object: &Value) -> Value {
    let entries = ["data", "binaryData"].iter().filter_map(|field| at(object, field).as_object());
    entries.map(serde_json::Map::len).sum::<usize>().into()
}

/// `stringData` is a convenience for writers: it is folded into `data` and never stored.
fn default_secret(secret: &mut Value) {
    let Some(map) = secret.as_object_mut() else { return };
    if let Some(Value::Object(plain)) = map.remove("stringData") {
        let data = map.entry("data").or_insert_with(|| json!({}));
        if data.is_null() {
            *data = json!({});
        }
        for (key, value) in plain {
            data[key] = base64(value.as_str().unwrap_or_default()).into();
        }
    }
    let kind = map.entry("type").or_insert(Value::Null);
    if kind.is_null() || kind.as_str() == Some("") {
        *kind = json!("Opaque");
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

fn validate_secret(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = validate_keys(new, &["data"]);
    let data = at(new, "data").as_object();
    let sizes = data.into_iter().flatten().map(|(_, value)| decoded(value.as_str().unwrap_or_default()));
    if sizes.map(|bytes| bytes.map_or(0, |bytes| bytes.len() as u64)).sum::<u64>() > DATA_LIMIT {
        errors.push(FieldError::too_long("data", DATA_LIMIT));
    }
    errors.extend(validate_secret_type(new));
    if let Some(old) = old {
        errors.extend(super::immutable(new, old, &["type"], "field is immutable"));
        errors.extend(validate_frozen(new, old, &["data"]));
    }
    errors
}

/// What Secrets of the types that Kubernetes knows must hold.
fn validate_secret_type(secret: &Value) -> Vec<FieldError> {
    let data = |key: &str| at(secret, "data").get(key).and_then(Value::as_str);
    let missing = |keys: &[&str]| {
        let absent = keys.iter().filter(|key| data(key).is_none());
        absent.map(|key| FieldError::required(format!("data[{key}]"), "")).collect::<Vec<_>>()
    };
    let json_in = |key: &str| match data(key).map(|text| decoded(text).unwrap_or_default()) {
        Some(bytes) if serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).is_err() => {
            vec![FieldError::invalid(format!("data[{key}]"), &json!("<secret contents redacted>"), "is no JSON object")]
        }
        Some(_) => Vec::new(),
        None => missing(&[key]),
    };
    match text(secret, "type") {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            let named = at(secret, "metadata.annotations").get(key).and_then(Value::as_str);
            let absent = named.unwrap_or_default().is_empty();
            absent.then(|| FieldError::required(format!("metadata.annotations[{key}]"), "")).into_iter().collect()
        }
        "kubernetes.io/dockercfg" => json_in(".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_in(".dockerconfigjson"),
        // One of the two is enough.
        "kubernetes.io/basic-auth" if data("username").or(data("password")).is_some() => Vec::new(),
        "kubernetes.io/basic-auth" => missing(&["username", "password"]),
        "kubernetes.io/ssh-auth" if data("ssh-privatekey") == Some("") => {
            vec![FieldError::required("data[ssh-privatekey]", "")]
        }
        "kubernetes.io/ssh-auth" => missing(&["ssh-privatekey"]),
        "kubernetes.io/tls" => missing(&["tls.crt", "tls.key"]),
        _ => Vec::new(),
    }
}

fn validate_config_map(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = validate_keys(new, &["data", "binaryData"]);
    for key in at(new, "data").as_object().into_iter().flatten().map(|(key, _)| key) {
        if at(new, "binaryData").get(key).is_some() {
            errors.push(FieldError::invalid(
                format!("data[{key}]"),
                &json!(key),
                "duplicate of key present in binaryData",
            ));
        }
    }
    let entries = ["data", "binaryData"].iter().filter_map(|field| at(new, field).as_object()).flatten();
    if entries.map(|(_, value)| value.as_str().map_or(0, str::len) as u64).sum::<u64>() > DATA_LIMIT {
        errors.push(FieldError::too_long("", DATA_LIMIT));
    }
    if let Some(old) = old {
        errors.extend(validate_frozen(new, old, &["data", "binaryData"]));
    }
    errors
}

fn validate_keys(object: &Value, fields: &[&str]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in fields {
        for key in at(object, field).as_object().into_iter().flatten().map(|(key, _)| key) {
            let legal = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if key.is_empty() || key.len() > 253 || !legal || key == "." || key.starts_with("..") {
                let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                    'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                errors.push(FieldError::invalid(format!("{field}[{key}]"), &json!(key), detail));
            }
        }
    }
    errors
}

/// What `immutable: true` on the live object forbids.
fn validate_frozen(new: &Value, old: &Value, fields: &[&str]) -> Vec<FieldError> {
    if at(old, "immutable") != &json!(true) {
        return Vec::new();
    }
    let detail = "field is immutable when `immutable` is set";
    let thawed = (at(new, "immutable") != &json!(true)).then_some("immutable");
    let changed = fields.iter().copied().filter(|field| at(new, field) != at(old, field));
    thawed.into_iter().chain(changed).map(|field| FieldError::forbidden(field, detail)).collect()
}

fn validate_lease(lease: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (field, least, detail) in [
        ("spec.leaseDurationSeconds", 1, "must be greater than 0"),
        ("spec.leaseTransitions", 0, "must be greater than or equal to 0"),
    ] {
        let value = at(lease, field);
        if value.as_i64().is_some_and(|number| number < least) {
            errors.push(FieldError::invalid(field, value, detail));
        }
    }
    errors
}
