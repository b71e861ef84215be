//! Moving from client-side to server-side `kubectl apply`.
//!
//! `kubectl apply` on the client keeps the last configuration in an annotation. When the same user switches to server-side apply,
//! still under the manager name `kubectl`, fields that the annotation shows to be the user's own raise no conflict, and the
//! annotation is kept up to date, so that switching back works. Any other manager name opts out.

use serde_json::Value;

use super::Writer;
use super::compare::compare;
use super::conflict::Conflict;
use super::fieldset::field_set;
use super::schema::TypedSchema;
use super::set::FieldSet;
use super::validate::{Duplicates, validate};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
const MANAGER: &str = "kubectl";

/// The conflicts that remain when those with the manager's own client-side applies are left out.
pub(super) fn remaining_conflicts(
    schema: &TypedSchema,
    live: &Value,
    writer: &Writer<'_>,
    conflicts: Vec<Conflict>,
) -> Vec<Conflict> {
    if writer.manager != MANAGER {
        return conflicts;
    }
    let Some(own) = own_fields(schema, live, writer.api_version) else { return conflicts };
    conflicts.into_iter().filter(|conflict| !own.has(&conflict.path)).collect()
}

/// The fields that the annotation holds with the value that the object has.
fn own_fields(schema: &TypedSchema, live: &Value, api_version: &str) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    let valid = |object: &Value| validate(&schema.types, schema.root, object, Duplicates::Refuse).is_ok();
    if last.get("apiVersion").and_then(Value::as_str) != Some(api_version) || !valid(live) || !valid(&last) {
        return None;
    }
    let difference = compare(&schema.types, schema.root, &last, live);
    let set = field_set(&schema.types, schema.root, &last);
    Some(set.difference(&difference.modified).difference(&difference.added).difference(&difference.removed))
}

/// Brings the annotation up to date, if the object has it.
pub(super) fn follow(object: &mut Value, applied: &Value, manager: &str) {
    if manager != MANAGER || annotation(object).is_none() {
        return;
    }
    let mut last = applied.clone();
    if let Some(annotations) = last.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(ANNOTATION.to_owned(), Value::String(format!("{last}\n")));
    }
}

fn annotation(object: &Value) -> Option<&str> {
    let text = object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    (!text.is_empty()).then_some(text)
}
