//! OCM's `Update` strategy, for records that other software wrote.

use serde_json::{Map, Value};

/// The object that `Update` makes of `live`: labels, annotations and ownerReferences of `desired` are added or overwritten (a key
/// that ends in `-` removes), finalizers stay, status stays, everything else is replaced; of a Namespace only the metadata.
/// `None` if nothing would change.
pub(crate) fn updated(live: &Value, desired: &Value) -> Option<Value> {
    let mut next = live.clone();
    let (Some(map), Some(wanted)) = (next.as_object_mut(), desired.as_object()) else { return None };
    if live.get("kind").and_then(Value::as_str) != Some("Namespace") {
        map.retain(|field, _| matches!(field.as_str(), "metadata" | "status") || wanted.contains_key(field));
        for (field, value) in wanted.iter().filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status")) {
            map.insert(field.clone(), value.clone());
        }
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    for field in ["labels", "annotations"] {
        if let Some(wanted) = desired.pointer(&format!("/metadata/{field}")).and_then(Value::as_object) {
            merge_keys(metadata, field, wanted);
        }
    }
    if let Some(wanted) = desired.pointer("/metadata/ownerReferences").and_then(Value::as_array) {
        merge_owners(metadata, wanted);
    }
    (next != *live).then_some(next)
}

fn merge_keys(metadata: &mut Value, field: &str, wanted: &Map<String, Value>) {
    let entry = &mut metadata[field];
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    let Some(present) = entry.as_object_mut() else { return };
    for (key, value) in wanted {
        match key.strip_suffix('-') {
            Some(key) => drop(present.remove(key)),
            None => drop(present.insert(key.clone(), value.clone())),
        }
    }
    if present.is_empty()
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.remove(field);
    }
}

fn merge_owners(metadata: &mut Value, wanted: &[Value]) {
    let uid = |reference: &Value| reference.get("uid").and_then(Value::as_str).map(ToOwned::to_owned);
    let mut owners: Vec<Value> = metadata["ownerReferences"].as_array().cloned().unwrap_or_default();
    for reference in wanted {
        let removed = uid(reference).and_then(|uid| uid.strip_suffix('-').map(ToOwned::to_owned));
        let identity = removed.clone().or_else(|| uid(reference));
        owners.retain(|present| uid(present) != identity);
        if removed.is_none() {
            owners.push(reference.clone());
        }
    }
    if !owners.is_empty() || metadata.get("ownerReferences").is_some_and(Value::is_array) {
        metadata["ownerReferences"] = owners.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_merged_finalizers_and_status_stay_and_the_rest_is_replaced() {
        let live = json!({"kind": "Recipe", "metadata": {"name": "r", "uid": "u", "finalizers": ["f"],
                          "labels": {"theirs": "1", "drop": "1"}, "annotations": {"a": "old"}},
                          "spec": {"old": 1}, "extra": 1, "status": {"s": 1}});
        let desired = json!({"kind": "Recipe", "metadata": {"name": "r", "labels": {"drop-": "", "ours": "1"},
                             "annotations": {"a": "new"}}, "spec": {"new": 1}});
        assert_eq!(
            updated(&live, &desired).unwrap(),
            json!({"kind": "Recipe", "metadata": {"name": "r", "uid": "u", "finalizers": ["f"],
                   "labels": {"theirs": "1", "ours": "1"}, "annotations": {"a": "new"}},
                   "spec": {"new": 1}, "status": {"s": 1}})
        );
    }

    #[test]
    fn what_is_equal_is_not_written() {
        let live = json!({"kind": "Recipe", "metadata": {"name": "r", "labels": {"a": "1"}}, "spec": {"x": 1}});
        assert_eq!(
            updated(
                &live,
                &json!({"kind": "Recipe", "metadata": {"name": "r", "labels": {"a": "1"}}, "spec": {"x": 1}})
            ),
            None
        );
    }

    #[test]
    fn a_namespace_keeps_its_spec() {
        let live = json!({"kind": "Namespace", "metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}});
        let desired = json!({"kind": "Namespace", "metadata": {"name": "n", "labels": {"a": "1"}}, "spec": {}});
        let next = updated(&live, &desired).unwrap();
        assert_eq!(next["spec"], live["spec"]);
        assert_eq!(next["metadata"]["labels"], json!({"a": "1"}));
    }
}
