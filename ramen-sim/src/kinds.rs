//! The built-in kinds that disaster recovery deals with: names, defaults and the rules DR leans on.
//!
//! One file a topic. What Kubernetes checks beyond these rules (the whole of a Pod's spec, say) is not checked here.

mod access;
mod config;
mod definition;
mod namespace;
mod node;
mod storage;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

use crate::apiserver::meta::NameRule;
use crate::apiserver::status::FieldError;

pub(crate) use self::storage::refuse_growth;

/// One column of the table that `kubectl get` shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    /// 0 is always shown, 1 with `-o wide`.
    pub(crate) priority: i64,
}

/// A built-in kind and its rules.
#[derive(Debug)]
pub(crate) struct CoreKind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) namespaced: bool,
    pub(crate) has_status: bool,
    pub(crate) name_rule: NameRule,
    /// Whether `metadata.generation` counts changes of the spec.
    pub(crate) generation: bool,
    pub(crate) unconditional_update: bool,
    pub(crate) create_on_update: bool,
    pub(crate) returns_deleted: bool,
    /// Whether finalizers must be qualified names or names that Kubernetes knows.
    pub(crate) names_finalizers: bool,
    /// Fields that field selectors may name, beyond name and namespace; dotted paths.
    pub(crate) fields: &'static [&'static str],
    pub(crate) columns: &'static [Column],
    /// The cells of one row, in the order of the columns.
    pub(crate) cells: fn(&Value, Timestamp) -> Vec<Value>,
    /// Fills in defaults while decoding, on every write.
    pub(crate) default: fn(&mut Value),
    /// Resets what a creation does not decide.
    pub(crate) prepare_create: fn(&mut Value, Timestamp),
    pub(crate) prepare_update: fn(&mut Value, &Value),
    /// Adjusts an update of the status.
    pub(crate) prepare_status: fn(&mut Value, &Value, Timestamp),
    /// Rules beyond those of metadata; the second argument is the live object on updates.
    pub(crate) validate: fn(&Value, Option<&Value>) -> Vec<FieldError>,
    /// Rules for a status that is written by itself.
    pub(crate) validate_status: fn(&Value) -> Vec<FieldError>,
}

impl CoreKind {
    /// What most kinds have in common; entries of the tables override what differs.
    const fn plain(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self {
            group,
            version,
            kind,
            plural,
            short_names: &[],
            categories: &[],
            namespaced: true,
            has_status: false,
            name_rule: NameRule::Subdomain,
            generation: false,
            unconditional_update: true,
            create_on_update: false,
            returns_deleted: false,
            names_finalizers: true,
            fields: &[],
            columns: &[NAME, AGE],
            cells: |object, now| vec![name(object), age(object, now)],
            default: |_| (),
            prepare_create: |_, _| (),
            prepare_update: |_, _| (),
            prepare_status: |_, _, _| (),
            validate: |_, _| Vec::new(),
            validate_status: |_| Vec::new(),
        }
    }
}

const NAME: Column = Column { name: "Name", kind: "string", priority: 0 };
const AGE: Column = Column { name: "Age", kind: "string", priority: 0 };

const fn column(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, priority: 0 }
}

const fn wide(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, priority: 1 }
}

/// All built-in kinds.
pub(crate) fn all() -> impl Iterator<Item = &'static CoreKind> {
    [namespace::KINDS, config::KINDS, storage::KINDS, node::KINDS, workload::KINDS, access::KINDS, definition::KINDS]
        .into_iter()
        .flatten()
}

/// A field by dotted path.
fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    let mut value = object;
    for part in path.split('.') {
        match value.get(part) {
            Some(next) => value = next,
            None => return &Value::Null,
        }
    }
    value
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// Sets a field unless it has a value.
fn default_to(object: &mut Value, parent: &str, field: &str, value: Value) {
    if !object[parent].is_object() {
        object[parent] = Value::Object(serde_json::Map::new());
    }
    let current = &mut object[parent][field];
    if current.is_null() || current.as_str() == Some("") {
        *current = value;
    }
}

/// An error for each of the fields whose value differs from the live object's.
fn immutable(new: &Value, old: &Value, fields: &[&str], detail: &str) -> Vec<FieldError> {
    let changed = fields.iter().filter(|field| at(new, field) != at(old, field));
    changed.map(|field| FieldError::invalid(*field, at(new, field), detail)).collect()
}

/// The cell of the Name column.
fn name(object: &Value) -> Value {
    at(object, "metadata.name").clone()
}

/// The cell of the Age column.
fn age(object: &Value, now: Timestamp) -> Value {
    since(text(object, "metadata.creationTimestamp"), now).into()
}

/// How long ago a timestamp was, as tables show it: `17s`, `5m12s`, `3h`, `42d`.
pub(crate) fn since(timestamp: &str, now: Timestamp) -> String {
    let Ok(then) = timestamp.parse::<Timestamp>() else { return "<unknown>".into() };
    human(now.duration_since(then).as_secs())
}

/// A duration with the precision that a reader of a table needs.
fn human(seconds: i64) -> String {
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        ..-1 => "<invalid>".into(),
        -1..=0 => "0s".into(),
        1..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}
