//! Namespace: its own finalizer in the spec, the label with its name, the phase.

use serde_json::{Value, json};

use super::{AGE, CoreKind, NAME, age, at, column, default_to, name, text};
use crate::apiserver::meta::NameRule;
use crate::apiserver::status::FieldError;

pub(super) static KINDS: &[CoreKind] = &[CoreKind {
    short_names: &["ns"],
    namespaced: false,
    has_status: true,
    name_rule: NameRule::Label,
    returns_deleted: true,
    fields: &["status.phase"],
    columns: &[NAME, column("Status", "string"), AGE],
    cells: |object, now| vec![name(object), text(object, "status.phase").into(), age(object, now)],
    default: label,
    validate_status: |namespace| {
        let (phase, deleting) =
            (at(namespace, "status.phase"), !text(namespace, "metadata.deletionTimestamp").is_empty());
        let (wanted, when) = if deleting { ("Terminating", "is not empty") } else { ("Active", "is empty") };
        if phase == wanted {
            return Vec::new();
        }
        // The field is spelt so by Kubernetes.
        vec![FieldError::invalid(
            "status.Phase",
            phase,
            &format!("may only be '{wanted}' if `deletionTimestamp` {when}"),
        )]
    },
    prepare_create: |namespace, _| {
        label(namespace);
        default_to(namespace, "status", "phase", json!("Active"));
        let present = at(namespace, "spec.finalizers").as_array().cloned().unwrap_or_default();
        if !present.contains(&json!("kubernetes")) {
            let all: Vec<_> = present.into_iter().chain([json!("kubernetes")]).collect();
            namespace["spec"] = json!({ "finalizers": all });
        }
    },
    // Only the finalize subresource changes the finalizers of the spec.
    prepare_update: |new, old| new["spec"] = at(old, "spec").clone(),
    ..CoreKind::plain("", "v1", "Namespace", "namespaces")
}];

/// Selectors find a namespace by a label with its name. A generated name is not known yet when the object is decoded.
fn label(namespace: &mut Value) {
    let name = text(namespace, "metadata.name").to_string();
    if name.is_empty() {
        return;
    }
    let metadata = &mut namespace["metadata"];
    if !metadata["labels"].is_object() {
        metadata["labels"] = json!({});
    }
    metadata["labels"]["kubernetes.io/metadata.name"] = name.into();
}
