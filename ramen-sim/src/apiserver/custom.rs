//! Custom kinds: what a CustomResourceDefinition says about one version of its kind.

use std::sync::Arc;

use serde_json::{Value, json};

use super::meta;
use super::resource::{Resource, Rules};
use super::schema::Schema;
use super::status::FieldError;
use crate::apply::TypedSchema;

/// A column that a definition adds to the table of `kubectl get`.
#[derive(Debug, Clone)]
pub(crate) struct PrinterColumn {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

/// One version of a custom kind.
#[derive(Debug)]
pub(crate) struct CustomKind {
    api_version: String,
    kind: String,
    /// The schema as it was written, for OpenAPI and for those who merge by it.
    pub(crate) raw: Value,
    schema: Schema,
    /// The schema as server-side apply reads it.
    pub(crate) typed: TypedSchema,
    pub(crate) columns: Vec<PrinterColumn>,
    pub(crate) selectable_fields: Vec<String>,
}

fn text(node: &Value, pointer: &str) -> String {
    node.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string()
}

fn texts(node: &Value, pointer: &str) -> Vec<String> {
    let list = node.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_string)).collect()
}

/// The resources that a (valid, defaulted) definition serves: one for each served version.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| version["served"] == true);
    served.map(|version| resource(definition, version)).collect()
}

fn resource(definition: &Value, version: &Value) -> Resource {
    let group = text(definition, "/spec/group");
    let name = text(version, "/name");
    let kind = text(definition, "/spec/names/kind");
    let has_status = version.pointer("/subresources/status").is_some();
    let raw = version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_else(|| json!({ "type": "object" }));
    let custom = CustomKind {
        api_version: format!("{group}/{name}"),
        kind: kind.clone(),
        schema: Schema::parse(&raw),
        typed: TypedSchema::from_crd_schema(&raw, has_status),
        raw,
        columns: columns(version),
        selectable_fields: version
            .get("selectableFields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|field| text(field, "/jsonPath").trim_start_matches('.').to_string())
            .collect(),
    };
    Resource {
        group,
        version: name,
        kind,
        list_kind: text(definition, "/spec/names/listKind"),
        plural: text(definition, "/spec/names/plural"),
        singular: text(definition, "/spec/names/singular"),
        short_names: texts(definition, "/spec/names/shortNames"),
        categories: texts(definition, "/spec/names/categories"),
        namespaced: text(definition, "/spec/scope") == "Namespaced",
        has_status,
        rules: Rules::Custom(Arc::new(custom)),
    }
}

/// The columns of a version; without any, the age.
fn columns(version: &Value) -> Vec<PrinterColumn> {
    let listed = version.get("additionalPrinterColumns").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(listed) = listed else {
        return vec![PrinterColumn {
            name: "Age".into(),
            kind: "date".into(),
            format: String::new(),
            description: String::new(),
            priority: 0,
            path: ".metadata.creationTimestamp".into(),
        }];
    };
    let column = |column: &Value| PrinterColumn {
        name: text(column, "/name"),
        kind: text(column, "/type"),
        format: text(column, "/format"),
        description: text(column, "/description"),
        priority: column.get("priority").and_then(Value::as_i64).unwrap_or_default(),
        path: text(column, "/jsonPath"),
    };
    listed.iter().map(column).collect()
}

/// Errors that leave rules nothing sound to look at.
const BLOCKING: &[&str] = &[
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
];

impl CustomKind {
    /// Prunes and defaults; returns the paths of unknown fields.
    pub(crate) fn normalize(&self, object: &mut Value, applied: bool) -> Vec<String> {
        let group = |version: &str| version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned());
        let claimed = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if object.get("kind").and_then(Value::as_str) != Some(&self.kind) || group(claimed) != group(&self.api_version)
        {
            // An object of another kind is left as it is: validation refuses it.
            return Vec::new();
        }
        self.schema.normalize(object, applied)
    }

    /// Adds everything wrong with the object to what is wrong with its metadata. A status update answers only for the status.
    pub(crate) fn validate(
        &self,
        new: &Value,
        old: Option<&Value>,
        has_status: bool,
        status_only: bool,
        errors: &mut Vec<FieldError>,
    ) {
        let mut found = Vec::new();
        for (field, wanted) in [("apiVersion", &self.api_version), ("kind", &self.kind)] {
            if new.get(field).and_then(Value::as_str) != Some(wanted) {
                let value = new.get(field).cloned().unwrap_or_default();
                found.push(FieldError::invalid(field, &value, &format!("must be {wanted}")));
            }
        }
        if found.is_empty() {
            // An object that says it is of another kind is not held against this schema, only against its rules.
            found.extend(self.schema.validate(new, old));
        }
        if has_status && status_only {
            found.retain(|error| error.field.starts_with("status"));
        }
        errors.append(&mut found);
        if self.schema.has_rules() {
            if errors.iter().any(|error| BLOCKING.contains(&error.reason)) {
                let detail = "some validation rules were not checked because the object was invalid; correct the \
                    existing errors to complete validation";
                errors.push(FieldError::invalid("<nil>", &Value::Null, detail));
            } else {
                errors.extend(self.schema.check_rules(&without_metadata(new), old.map(without_metadata).as_ref()));
            }
        }
    }
}

/// Rules see no more of metadata than name and generateName.
fn without_metadata(object: &Value) -> Value {
    let mut object = object.clone();
    let seen: serde_json::Map<String, Value> = ["name", "generateName"]
        .into_iter()
        .filter(|field| !meta::text(&object, field).is_empty())
        .map(|field| (field.to_string(), meta::text(&object, field).into()))
        .collect();
    object["metadata"] = Value::Object(seen);
    object
}
