//! From OpenAPI v3 schemas to the types of [`super::schema`].
//!
//! The rules are those of kube-openapi's schema conversion: a list is one value unless it says otherwise, an object is merged
//! field by field unless it says otherwise, and what has no type may be anything.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::{Atom, FieldType, ListType, MapType, PatchRule, Scalar, TypeId, Types};

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Converts schemas into one set of types.
#[derive(Debug)]
pub(crate) struct Converter<'d> {
    definitions: &'d Map<String, Value>,
    named: BTreeMap<(String, Option<bool>), TypeId>,
    types: Types,
    atomic: TypeId,
    deduced: TypeId,
}

impl<'d> Converter<'d> {
    /// A converter that resolves references among the definitions.
    pub(crate) fn new(definitions: &'d Map<String, Value>) -> Self {
        let mut types = Types::default();
        let atomic = types.push(Atom::default());
        let deduced = types.push(Atom::default());
        let untyped = |element: TypeId, map_atomic: bool| Atom {
            scalar: Some(Scalar::Untyped),
            list: Some(ListType { element: atomic, associative: false, keys: Vec::new() }),
            map: Some(MapType { fields: BTreeMap::new(), element: Some(element), atomic: map_atomic, embedded: false }),
        };
        types.set(atomic, untyped(atomic, true));
        types.set(deduced, untyped(deduced, false));
        Self { definitions, named: BTreeMap::new(), types, atomic, deduced }
    }

    /// Whether a type converted so far is an embedded resource.
    pub(crate) fn has_embedded(&self) -> bool {
        self.types.any(|atom| atom.map.as_ref().is_some_and(|map| map.embedded))
    }

    /// The types converted so far.
    pub(crate) fn finish(self) -> Types {
        self.types
    }

    /// The type of a named definition. `atomic` is what the referring field says about a map in place of the definition.
    pub(crate) fn named(&mut self, name: &str, atomic: Option<bool>) -> TypeId {
        let key = (name.to_owned(), atomic);
        if let Some(id) = self.named.get(&key) {
            return *id;
        }
        let id = self.types.push(Atom::default());
        self.named.insert(key, id);
        let mut atom = match name {
            QUANTITY => Atom { scalar: Some(Scalar::Untyped), ..Atom::default() },
            RAW_EXTENSION => self.types.get(self.atomic).clone(),
            _ => match self.definitions.get(name) {
                Some(definition) => self.atom(definition, false),
                None => self.types.get(self.deduced).clone(),
            },
        };
        if let (Some(atomic), Some(map)) = (atomic, atom.map.as_mut()) {
            map.atomic = atomic;
        }
        self.types.set(id, atom);
        id
    }

    /// The type of a schema in place, or of what it refers to.
    pub(crate) fn schema(&mut self, schema: &Value, preserve: bool) -> TypeId {
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(reference) = reference {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            return self.named(name, map_atomic(schema));
        }
        let atom = self.atom(schema, preserve);
        self.types.push(atom)
    }

    fn atom(&mut self, schema: &Value, preserve: bool) -> Atom {
        let preserve = preserve || flag(schema, "x-kubernetes-preserve-unknown-fields");
        match schema.get("type").and_then(Value::as_str) {
            None => Atom {
                scalar: Some(Scalar::Untyped),
                list: Some(self.list(schema, preserve)),
                map: Some(self.map(schema, preserve)),
            },
            Some("object") => Atom { map: Some(self.map(schema, preserve)), ..Atom::default() },
            Some("array") => Atom { list: Some(self.list(schema, preserve)), ..Atom::default() },
            Some(scalar) => Atom { scalar: Some(scalar_type(scalar, schema)), ..Atom::default() },
        }
    }

    fn list(&mut self, schema: &Value, preserve: bool) -> ListType {
        let element = schema.get("items").map_or(self.atomic, |items| self.schema(items, preserve));
        let keys = |name: &str| -> Vec<String> {
            let keys = schema.get(name).and_then(Value::as_array);
            keys.into_iter().flatten().filter_map(|key| Some(key.as_str()?.to_owned())).collect()
        };
        let (associative, keys) = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => (true, Vec::new()),
            Some("map") => (true, keys("x-kubernetes-list-map-keys")),
            Some(_) => (false, Vec::new()),
            None => {
                let rule = patch_rule(schema);
                (rule.merge, rule.merge_key.filter(|_| rule.merge).into_iter().collect())
            }
        };
        ListType { element, associative, keys }
    }

    fn map(&mut self, schema: &Value, preserve: bool) -> MapType {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let mut fields = BTreeMap::new();
        for (name, property) in properties {
            let ty = self.schema(property, preserve);
            let default = property.get("default").cloned();
            fields.insert(name.clone(), FieldType { ty, default, patch: patch_rule(property) });
        }
        let element = match schema.get("additionalProperties") {
            None => (preserve || properties.is_empty()).then_some(self.deduced),
            Some(Value::Bool(allowed)) => allowed.then_some(self.deduced),
            Some(schema) => Some(self.schema(schema, preserve)),
        };
        MapType {
            fields,
            element,
            atomic: map_atomic(schema).unwrap_or(false),
            embedded: flag(schema, "x-kubernetes-embedded-resource"),
        }
    }
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn map_atomic(schema: &Value) -> Option<bool> {
    schema.get("x-kubernetes-map-type").and_then(Value::as_str).map(|map_type| map_type == "atomic")
}

fn scalar_type(name: &str, schema: &Value) -> Scalar {
    match (name, schema.get("format").and_then(Value::as_str)) {
        ("integer" | "number", _) => Scalar::Numeric,
        ("boolean", _) => Scalar::Boolean,
        ("string", None | Some("" | "byte")) => Scalar::String,
        _ => Scalar::Untyped,
    }
}

fn patch_rule(schema: &Value) -> PatchRule {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    let mut rule =
        PatchRule { merge_key: text("x-kubernetes-patch-merge-key").map(str::to_owned), ..PatchRule::default() };
    for strategy in text("x-kubernetes-patch-strategy").unwrap_or_default().split(',') {
        match strategy {
            "merge" => rule.merge = true,
            "replace" => rule.replace = true,
            // `retainKeys` only tells clients to send the directive.
            _ => {}
        }
    }
    rule
}

/// The schema of a custom resource as the server completes it: `apiVersion`, `kind` and `metadata` of the object and of every
/// embedded resource.
pub(crate) fn complete(schema: &Value) -> Value {
    let mut schema = schema.clone();
    complete_embedded(&mut schema);
    add_type_and_object_meta(&mut schema);
    schema
}

fn complete_embedded(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(complete_embedded);
    }
    for below in ["items", "additionalProperties"] {
        if let Some(below) = schema.get_mut(below).filter(|below| below.is_object()) {
            complete_embedded(below);
        }
    }
    if flag(schema, "x-kubernetes-embedded-resource") {
        add_type_and_object_meta(schema);
    }
}

fn add_type_and_object_meta(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("apiVersion".to_owned(), serde_json::json!({ "type": "string" }));
        properties.insert("kind".to_owned(), serde_json::json!({ "type": "string" }));
        properties.insert("metadata".to_owned(), serde_json::json!({ "$ref": super::core::OBJECT_META }));
    }
}
