//! The schema of a custom resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::openapi::{Converter, complete};
use super::schema::TypedSchema;
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
        Self {
            types: Arc::new(converter.finish()),
            root,
            resets,
            custom: true,
            empty: Value::Object(serde_json::Map::new()),
        }
    }
}
