//! Conditions of a status, as the replication controllers write them.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::super::kit::Fields;

/// Sets a condition at the object's generation; its transition time moves only when its status does.
pub(super) fn set(object: &mut DynamicObject, now: &str, kind: &str, status: &str, reason: &str, message: &str) {
    let generation = object.generation();
    let mut all: Vec<Value> = object.at("status.conditions").as_array().cloned().unwrap_or_default();
    let entry = all.iter_mut().find(|one| one["type"] == kind);
    let since = entry
        .as_ref()
        .filter(|one| one["status"] == status)
        .map_or_else(|| json!(now), |one| one["lastTransitionTime"].clone());
    let wanted = json!({
        "type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": generation, "lastTransitionTime": since,
    });
    match entry {
        Some(entry) => *entry = wanted,
        None => all.push(wanted),
    }
    object.set_status("conditions", json!(all));
}

/// Whether a condition has this status and reason now, whatever its generation.
pub(super) fn is(object: &DynamicObject, kind: &str, status: &str, reason: &str) -> bool {
    let all = object.at("status.conditions").as_array();
    all.is_some_and(|all| {
        all.iter().any(|one| one["type"] == kind && one["status"] == status && one["reason"] == reason)
    })
}
