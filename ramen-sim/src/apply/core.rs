//! The core kinds: what a real server's OpenAPI and Go types say about them, from `data/core-kinds.json`.
//!
//! The table is written by `tests/servers/core-schema`; it is read once, when first asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::openapi::Converter;
use super::schema::{Decoding, TypedSchema};
use super::set::FieldSet;

/// The definition of `ObjectMeta`, which every kind shares.
pub(crate) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

const DATA: &str = include_str!("../../data/core-kinds.json");

struct Table {
    definitions: Map<String, Value>,
    kinds: BTreeMap<String, String>,
    schemas: BTreeMap<String, TypedSchema>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut data: Value = serde_json::from_str(DATA).unwrap_or_default();
        let mut take = |name: &str| match data.get_mut(name).map(Value::take) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let (definitions, kinds) = (take("definitions"), take("kinds"));
        let kinds: BTreeMap<String, String> =
            kinds.into_iter().filter_map(|(kind, name)| Some((kind, name.as_str()?.to_owned()))).collect();
        let mut converter = Converter::new(&definitions);
        let roots: Vec<_> = kinds.iter().map(|(kind, name)| (kind.clone(), converter.named(name, None))).collect();
        let types = Arc::new(converter.finish());
        let schema = |(kind, root): (String, _)| {
            let empty = kinds.get(&kind).and_then(|name| definitions.get(name)).map(zero_of).unwrap_or_default();
            let schema =
                TypedSchema { types: types.clone(), root, resets: resets(&kind), decoding: Decoding::Core, empty };
            (kind, schema)
        };
        let schemas = roots.into_iter().map(schema).collect();
        Table { definitions, kinds, schemas }
    })
}

fn key(group: &str, version: &str, kind: &str) -> String {
    if group.is_empty() { format!("{version}/{kind}") } else { format!("{group}/{version}/{kind}") }
}

impl TypedSchema {
    /// The schema of a core kind, or `None` for a kind that is not in the table. The core group is `""`.
    pub fn core(group: &str, version: &str, kind: &str) -> Option<&'static Self> {
        table().schemas.get(&key(group, version, kind))
    }
}

/// The OpenAPI v3 schema of a core kind: types, formats, required fields, defaults, list and map types, patch strategies.
///
/// References are bare definition names (`"$ref": "io.k8s.api.core.v1.PodSpec"`); resolve them with [`core_definition`].
pub fn core_openapi(group: &str, version: &str, kind: &str) -> Option<&'static Value> {
    let table = table();
    table.definitions.get(table.kinds.get(&key(group, version, kind))?)
}

/// A definition that the schema of a core kind refers to.
pub fn core_definition(name: &str) -> Option<&'static Value> {
    table().definitions.get(name)
}

/// All definitions of core kinds by name.
pub(crate) fn definitions() -> &'static Map<String, Value> {
    &table().definitions
}

/// Brings an object of a core kind into the form in which a server writes it after decoding: unknown fields, empty optional
/// fields and nulls are gone, and parts that are always written (`spec`, `status`, `resources` of a container ...) are there.
///
/// A custom resource has no such form but for its metadata, which [`super::apply`] and [`super::track_update`] see to. Unknown kinds are left as they are.
pub fn normalize_core(group: &str, version: &str, kind: &str, object: &mut Value) {
    let Some(schema) = core_openapi(group, version, kind) else { return };
    // An empty list of owners is a request to forget them: it must survive until owners are dealt with.
    let owners = object.pointer("/metadata/managedFields").cloned().filter(Value::is_array);
    normalize(schema, object);
    if let (Some(owners), Some(Value::Object(metadata))) = (owners, object.get_mut("metadata")) {
        metadata.insert("managedFields".to_owned(), owners);
    }
}

/// Brings the `metadata` of an object into the form in which a server writes it: known fields, no nulls, nothing empty.
pub(super) fn normalize_metadata(object: &mut Value) {
    if let (Some(schema), Some(metadata)) = (core_definition(OBJECT_META), object.get_mut("metadata")) {
        normalize(schema, metadata);
    }
}

fn resolve(schema: &Value) -> &Value {
    let name = schema.get("$ref").and_then(Value::as_str);
    name.and_then(|name| table().definitions.get(name)).unwrap_or(schema)
}

fn zero_of(schema: &Value) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let zeros = properties.into_iter().flatten();
    zeros.filter_map(|(name, property)| Some((name.clone(), property.get("x-zero")?.clone()))).collect()
}

fn normalize(schema: &Value, value: &mut Value) {
    let schema = resolve(schema);
    match value {
        Value::Object(object) => {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                object.retain(|name, _| properties.contains_key(name));
                for (name, property) in properties {
                    normalize_field(property, name, object);
                }
            } else if let Some(entry) = schema.get("additionalProperties").filter(|entry| entry.is_object()) {
                object.values_mut().for_each(|value| normalize(entry, value));
            }
        }
        Value::Array(items) => {
            if let Some(item) = schema.get("items") {
                items.iter_mut().for_each(|value| normalize(item, value));
            }
        }
        _ => {}
    }
}

fn normalize_field(property: &Value, name: &str, object: &mut Map<String, Value>) {
    let zero = property.get("x-zero");
    let omit_empty = property.get("x-go").is_some();
    match object.get_mut(name) {
        None | Some(Value::Null) => match zero {
            Some(zero) => {
                object.insert(name.to_owned(), zero.clone());
            }
            None => {
                object.remove(name);
            }
        },
        Some(value) if omit_empty && is_empty(value) => {
            object.remove(name);
        }
        Some(value) => normalize(property, value),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// What each kind's storage resets on a write to the object (`""`) and to its subresources, and so does not let anyone own.
fn resets(kind: &str) -> BTreeMap<String, FieldSet> {
    let (main, status): (&[&[&str]], &[&[&str]]) = match kind {
        "v1/Namespace"
        | "v1/PersistentVolume"
        | "v1/PersistentVolumeClaim"
        | "v1/Node"
        | "v1/Service"
        | "apps/v1/StatefulSet"
        | "apps/v1/DaemonSet"
        | "apps/v1/ReplicaSet"
        | "batch/v1/Job"
        | "apiextensions.k8s.io/v1/CustomResourceDefinition" => (&[&["status"]], &[&["spec"]]),
        "v1/Pod" => {
            (&[&["status"]], &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        "storage.k8s.io/v1/VolumeAttachment" => (&[&["status"]], &[&["metadata"], &["spec"]]),
        "apps/v1/Deployment" => (&[&["status"]], &[&["spec"], &["metadata", "labels"]]),
        _ => return BTreeMap::new(),
    };
    let mut out = BTreeMap::from([
        (String::new(), FieldSet::of_fields(main)),
        ("status".to_owned(), FieldSet::of_fields(status)),
    ]);
    if kind == "v1/Namespace" {
        out.insert("finalize".to_owned(), FieldSet::of_fields(&[&["status"]]));
    }
    out
}
