//! Namespace: its own finalizer in the spec, the label with its name, the phase.

use serde_json::json;

use super::{AGE, CoreKind, NAME, age, at, column, default_to, name, text};
use crate::apiserver::meta::NameRule;

pub(super) static KINDS: &[CoreKind] = &[CoreKind {
    short_names: &["ns"],
    namespaced: false,
    has_status: true,
    name_rule: NameRule::Label,
    returns_deleted: true,
    fields: &["status.phase"],
    columns: &[NAME, column("Status", "string"), AGE],
    cells: |object, now| vec![name(object), text(object, "status.phase").into(), age(object, now)],
    default: |namespace| {
        let name = text(namespace, "metadata.name").to_string();
        if !name.is_empty() {
            let metadata = &mut namespace["metadata"];
            if !metadata["labels"].is_object() {
                metadata["labels"] = json!({});
            }
            metadata["labels"]["kubernetes.io/metadata.name"] = name.into();
        }
    },
    prepare_create: |namespace, _| {
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
