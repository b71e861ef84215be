//! What a pod's spec says about volumes.

use kube::api::DynamicObject;
use serde_json::Value;

use super::kit::{Fields, Key};

/// The claims that a pod names.
pub(super) fn claims(pod: &DynamicObject) -> Vec<Key> {
    let volumes = pod.at("spec.volumes").as_array().map(Vec::as_slice).unwrap_or_default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let names =
        volumes.iter().filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str));
    names.map(|name| Key::new(namespace, name)).collect()
}

/// Whether a pod has ended for good.
pub(super) fn has_ended(pod: &DynamicObject) -> bool {
    matches!(pod.text("status.phase"), "Succeeded" | "Failed")
}
