//! Changing an object without losing what a newer release put into it.
//!
//! Our types know the fields of one release. An object that a newer RamenDR, or a vendor, has written may have others, and
//! a typed value that is written back whole would drop them. An [`Edit`] keeps the object as it was read beside the typed
//! view, carries over only what the change to the typed view changed, and gives the result as a merge patch of just that.

use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::decode::{self, DecodeError};

/// An object as it was read, with a typed view to look at and to change.
///
/// ```
/// use ramen_core::api::{DRAction, DRPlacementControl, edit::Edit};
/// use serde_json::json;
///
/// let raw = json!({
///     "metadata": {"name": "app", "namespace": "shop", "resourceVersion": "7"},
///     "spec": {"placementRef": {}, "drPolicyRef": {}, "pvcSelector": {}, "ofANewerRelease": true},
/// });
/// let mut edit = Edit::<DRPlacementControl>::of("drpc shop/app", raw)?;
/// edit.typed.spec.action = Some(DRAction::Failover);
/// assert_eq!(edit.patch()?, Some(json!({"spec": {"action": "Failover"}})));
/// assert_eq!(edit.changed()?["spec"]["ofANewerRelease"], true);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Edit<K> {
    /// The view to change.
    pub typed: K,
    raw: Value,
    before: Value,
}

impl<K: Resource<DynamicType = ()> + DeserializeOwned + Serialize> Edit<K> {
    /// Takes an object as it was read; `document` stands first in errors.
    ///
    /// # Errors
    ///
    /// When the object is not a `K`.
    pub fn of(document: &str, raw: Value) -> Result<Self, DecodeError> {
        let typed: K = decode::object(document, &raw)?;
        let before = serde_json::to_value(&typed).map_err(|error| DecodeError::new(document, "", error.to_string()))?;
        Ok(Self { typed, raw, before })
    }

    /// The object with the changes, and with every field that the typed view does not know: for a write of the whole
    /// object under its resourceVersion.
    ///
    /// # Errors
    ///
    /// When the typed view cannot be encoded, which no type of this crate causes.
    pub fn changed(&self) -> Result<Value, serde_json::Error> {
        let after = serde_json::to_value(&self.typed)?;
        Ok(carry(&self.raw, &self.before, &after))
    }

    /// The changes as a JSON merge patch; `None` when there are none, and nothing is to be written.
    ///
    /// A merge patch replaces a list whole. Where it does, the patch carries the resourceVersion that was read, so that
    /// the API server refuses it with a conflict when somebody else has changed the object since: read again, and edit
    /// again. A patch without lists merges with what others have written meanwhile.
    ///
    /// # Errors
    ///
    /// When the typed view cannot be encoded, which no type of this crate causes.
    pub fn patch(&self) -> Result<Option<Value>, serde_json::Error> {
        let Some(mut patch) = merge_patch(&self.raw, &self.changed()?) else { return Ok(None) };
        let version = self.raw.pointer("/metadata/resourceVersion");
        if let Some(version) = version.filter(|_| replaces_a_list(&self.raw, &patch)) {
            put(&mut patch, &["metadata", "resourceVersion"], version.clone());
        }
        Ok(Some(patch))
    }
}

/// The JSON merge patch (RFC 7386) that makes `after` of `before`, or `None` when they are equal.
///
/// For values that hold all there is. Of an object that others may have extended, [`Edit`] is the safe way.
#[must_use]
pub fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return Some(after.clone()) };
    let removed = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = after.iter().filter_map(|(key, value)| {
        let patch = before.get(key).map_or_else(|| Some(value.clone()), |old| merge_patch(old, value));
        Some((key.clone(), patch?))
    });
    Some(Value::Object(removed.chain(changed).collect()))
}

/// `raw` with what differs between `before` and `after`, which are typed views of it.
fn carry(raw: &Value, before: &Value, after: &Value) -> Value {
    if before == after {
        return raw.clone();
    }
    match (raw, before, after) {
        (Value::Object(raw), Value::Object(before), Value::Object(after)) => carry_members(raw, before, after),
        (Value::Array(raw), Value::Array(before), Value::Array(after)) if raw.len() == before.len() => {
            carry_items(raw, before, after)
        }
        _ => after.clone(),
    }
}

fn carry_members(raw: &Map<String, Value>, before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let mut members = raw.clone();
    members.retain(|key, _| after.contains_key(key) || !before.contains_key(key));
    for (key, value) in after {
        let carried = match (raw.get(key), before.get(key)) {
            (_, Some(old)) if old == value => continue,
            (Some(raw), Some(old)) => carry(raw, old, value),
            _ => value.clone(),
        };
        members.insert(key.clone(), carried);
    }
    Value::Object(members)
}

/// A list after a change: an item that was there before, by its identity, keeps what the typed view does not know of it.
fn carry_items(raw: &[Value], before: &[Value], after: &[Value]) -> Value {
    let mut left: Vec<usize> = (0..before.len()).collect();
    let items = after.iter().enumerate().map(|(position, item)| {
        let same = left.iter().position(|&index| before[index] == *item);
        let alike = || left.iter().position(|&index| is_same_thing(&before[index], item));
        // An item without an identity can only be recognised by its place, and only while no item came or went.
        let in_place = || {
            let unmoved = before.len() == after.len() && identity(item).is_none();
            left.iter().position(|&index| unmoved && index == position)
        };
        match same.or_else(alike).or_else(in_place) {
            Some(found) => {
                let index = left.remove(found);
                carry(&raw[index], &before[index], item)
            }
            None => item.clone(),
        }
    });
    Value::Array(items.collect())
}

fn is_same_thing(a: &Value, b: &Value) -> bool {
    identity(a).is_some_and(|name| Some(name) == identity(b))
}

/// What makes an item of a list the one it is, whatever else changes: the field that names it, in any of our kinds.
fn identity(item: &Value) -> Option<Vec<&Value>> {
    const NAMES: &[&[&str]] = &[
        // a VolumeReplicationGroup in a list of them
        &["/metadata/namespace", "/metadata/name"],
        // an entry about a protected PVC
        &["/protectedPVC/namespace", "/protectedPVC/name"],
        // an entry about a resource
        &["/resourceRef/namespace", "/resourceRef/name"],
        // a mover's configuration
        &["/pvcNamespace", "/pvcName"],
        // a network of a policy, or of a machine
        &["/nadNamespace", "/nadName"],
        &["/networkName"],
        // a peer class, a maintenance mode, the details of a storage
        &["/storageClassName", "/clusterIDs"],
        &["/storageProvisioner", "/targetID"],
        &["/storageProvisioner"],
        // a protected PVC, a reference
        &["/namespace", "/name"],
        &["/name"],
        // a condition
        &["/type"],
    ];
    NAMES.iter().find_map(|fields| fields.iter().map(|field| item.pointer(field)).collect())
}

/// Whether a merge patch replaces a list that is there.
fn replaces_a_list(object: &Value, patch: &Value) -> bool {
    match (object, patch) {
        (Value::Array(_), _) => true,
        (Value::Object(members), Value::Object(patches)) => {
            patches.iter().any(|(key, patch)| members.get(key).is_some_and(|member| replaces_a_list(member, patch)))
        }
        _ => false,
    }
}

fn put(object: &mut Value, path: &[&str], value: Value) {
    match (path, object) {
        ([], object) => *object = value,
        ([first, rest @ ..], Value::Object(members)) => {
            let member = members.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            put(member, rest, value);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
