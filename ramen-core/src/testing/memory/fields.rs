//! Who manages which field of an object, and what apply, merge and pruning make of it. Lists are atomic.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Path to a leaf: the names of the fields from the root.
pub(crate) type Path = Vec<String>;

/// The leaves that each manager has set.
pub(crate) type Managed = BTreeMap<String, BTreeSet<Path>>;

/// The fields that only the API server sets; nobody manages them.
const SERVERS_OWN: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
];

/// The leaves of what a writer sends.
pub(crate) fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    let mut at = Vec::new();
    collect(object, &mut at, &mut found);
    found.retain(|path, _| match path.first().map(String::as_str) {
        Some("apiVersion" | "kind" | "status") => false,
        Some("metadata") => !path.get(1).is_some_and(|field| SERVERS_OWN.contains(&field.as_str())),
        _ => true,
    });
    found
}

fn collect(value: &Value, at: &mut Path, found: &mut BTreeMap<Path, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (field, value) in map {
                at.push(field.clone());
                collect(value, at, found);
                at.pop();
            }
        }
        Value::Null => {}
        leaf => {
            found.insert(at.clone(), leaf.clone());
        }
    }
}

/// Records the manager as the only one of all leaves.
pub(crate) fn own_all(object: &Value, managed: &mut Managed, manager: &str) {
    managed.insert(manager.into(), leaves(object).into_keys().collect());
}

/// Server-side apply. The error names the field and who holds it.
pub(crate) fn apply(
    live: &mut Value,
    managed: &mut Managed,
    sent: &Value,
    manager: &str,
    force: bool,
) -> Result<(), String> {
    let sent = leaves(sent);
    for (path, value) in &sent {
        let holder = managed.iter().find(|(other, paths)| *other != manager && paths.contains(path));
        if let Some((holder, _)) = holder
            && at(live, path) != Some(value)
            && !force
        {
            return Err(format!("conflict with manager {holder:?} over field .{}", path.join(".")));
        }
    }
    let before = managed.remove(manager).unwrap_or_default();
    for path in before.iter().filter(|path| !sent.contains_key(*path)) {
        if !managed.values().any(|paths| paths.contains(path)) {
            remove(live, path);
        }
    }
    for (path, value) in &sent {
        if at(live, path) != Some(value) {
            for paths in managed.values_mut() {
                paths.remove(path);
            }
            set(live, path, value.clone());
        }
    }
    managed.insert(manager.into(), sent.into_keys().collect());
    Ok(())
}

/// After a write other than an apply: the writer manages what it changed, alone.
pub(crate) fn take_over(before: &Value, after: &Value, managed: &mut Managed, manager: &str) {
    let (before, after) = (leaves(before), leaves(after));
    let changed: BTreeSet<Path> =
        after.iter().filter(|(path, value)| before.get(*path) != Some(value)).map(|(path, _)| path.clone()).collect();
    for paths in managed.values_mut() {
        paths.retain(|path| after.contains_key(path) && !changed.contains(path));
    }
    managed.entry(manager.into()).or_default().extend(changed);
}

/// JSON merge patch.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (field, value) in patch {
        if value.is_null() {
            target.remove(field);
        } else {
            merge(target.entry(field.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Drops what a structural schema does not name.
pub(crate) fn prune(value: &mut Value, schema: &Value) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true || schema.get("additionalProperties").is_some() {
        return;
    }
    if let (Some(map), Some(properties)) = (value.as_object_mut(), schema["properties"].as_object()) {
        map.retain(|field, _| properties.contains_key(field));
        for (field, value) in map {
            prune(value, &properties[field.as_str()]);
        }
    }
}

fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

fn set(value: &mut Value, path: &[String], leaf: Value) {
    let Some((field, rest)) = path.split_first() else {
        *value = leaf;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Some(map) = value.as_object_mut() {
        set(map.entry(field.clone()).or_insert(Value::Null), rest, leaf);
    }
}

/// Removes a leaf and the parents that it leaves empty.
fn remove(value: &mut Value, path: &[String]) {
    let Some((field, rest)) = path.split_first() else { return };
    let Some(map) = value.as_object_mut() else { return };
    if rest.is_empty() {
        map.remove(field);
    } else if let Some(child) = map.get_mut(field) {
        remove(child, rest);
        if child.as_object().is_some_and(Map::is_empty) {
            map.remove(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_apply_drops_what_it_set_before_and_no_longer_names_and_nothing_else() {
        let mut live = json!({"spec": {"theirs": 1}});
        let mut managed = Managed::default();
        own_all(&live, &mut managed, "other");
        apply(&mut live, &mut managed, &json!({"spec": {"a": 1, "b": {"c": 2}}}), "us", false).unwrap();
        apply(&mut live, &mut managed, &json!({"spec": {"a": 1}}), "us", false).unwrap();
        assert_eq!(live, json!({"spec": {"theirs": 1, "a": 1}}));
    }

    #[test]
    fn a_field_of_another_manager_is_a_conflict_that_names_it_unless_forced() {
        let mut live = json!({"spec": {"a": 1}});
        let mut managed = Managed::default();
        own_all(&live, &mut managed, "other");
        let conflict = apply(&mut live, &mut managed, &json!({"spec": {"a": 2}}), "us", false).unwrap_err();
        assert!(conflict.contains("other") && conflict.contains(".spec.a"), "{conflict}");
        apply(&mut live, &mut managed, &json!({"spec": {"a": 2}}), "us", true).unwrap();
        assert_eq!((live, managed["other"].len()), (json!({"spec": {"a": 2}}), 0));
    }
}
