//! The schema of a custom resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::core::normalize_metadata;
use super::openapi::{Converter, complete};
use super::schema::{Decoding, TypeId, TypedSchema, Types};
use super::set::FieldSet;

impl TypedSchema {
    /// The schema of a version of a custom resource, from its structural schema (`spec.versions[].schema.openAPIV3Schema`).
    ///
    /// `status` says whether that version has the status subresource: then a write to the object cannot own `status`, and a
    /// write to `status` can own nothing else of what the object declares.
    ///
    /// The schema is taken as valid; what a CRD's own validation would refuse is read leniently.
    pub fn from_crd_schema(schema: &Value, status: bool) -> Self {
        let mut converter = Converter::new(super::core::definitions());
        let root = converter.schema(&complete(schema), false);
        let mut resets = BTreeMap::new();
        if status {
            resets.insert(String::new(), FieldSet::of_fields(&[&["status"]]));
            resets.insert("status".to_owned(), FieldSet::of_fields(&[&["metadata"], &["spec"]]));
        }
        let decoding = Decoding::Custom { embedded: converter.has_embedded() };
        let empty = Value::Object(serde_json::Map::new());
        Self { types: Arc::new(converter.finish()), root, resets, decoding, empty }
    }

    /// Brings the metadata of a custom resource, and of resources embedded in it, into the form in which it is stored.
    pub(super) fn normalize_custom(&self, object: &mut Value) {
        let Decoding::Custom { embedded } = self.decoding else { return };
        normalize_metadata(object);
        if embedded {
            normalize_embedded(&self.types, self.root, object);
        }
    }
}

fn normalize_embedded(types: &Types, ty: TypeId, value: &mut Value) {
    let atom = types.get(ty);
    match value {
        Value::Object(fields) => {
            let Some(map) = &atom.map else { return };
            for (name, value) in fields.iter_mut() {
                if let Some(field) = map.type_of(name) {
                    normalize_embedded(types, field, value);
                }
            }
            if map.embedded {
                normalize_metadata(value);
            }
        }
        Value::Array(items) => {
            if let Some(list) = &atom.list {
                items.iter_mut().for_each(|item| normalize_embedded(types, list.element, item));
            }
        }
        _ => {}
    }
}
