//! `metadata.managedFields`: who owns what, and since when.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::set::FieldSet;

/// How many entries of operation Update an object keeps before the oldest are merged.
const MAX_UPDATE_MANAGERS: usize = 10;

/// The manager into whose entry the oldest updates are merged.
const ANCIENT_CHANGES: &str = "ancient-changes";

/// How fields came to be owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

/// What makes two entries the same. The order is that in which conflicts are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ManagerId {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    /// Empty for appliers: an applier stays the same one when it moves to another version.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

impl ManagerId {
    /// The identity of whoever makes a request. A nameless manager is called `unknown`.
    pub(crate) fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let manager = if manager.is_empty() { "unknown" } else { manager };
        let api_version = if operation == Operation::Apply { "" } else { api_version };
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// How a conflict names the manager: `"kubectl" with subresource "status" using v1`.
    pub(crate) fn describe(&self) -> String {
        let mut out = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            out += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            out += &format!(" using {}", self.api_version);
        }
        out
    }
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// The paths.
    pub(crate) set: FieldSet,
    /// The version in which the paths are meant.
    pub(crate) api_version: String,
}

/// All owners of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managed {
    /// What each owns.
    pub(crate) owners: BTreeMap<ManagerId, Owned>,
    /// When each last changed something. Outlives the owner's entry within one operation, as an entry may come back.
    pub(crate) times: BTreeMap<ManagerId, Timestamp>,
}

impl Managed {
    /// Reads the entries of an object's `metadata.managedFields`.
    pub(crate) fn decode(object: &Value) -> Result<Self, String> {
        let mut out = Self::default();
        for (index, entry) in entries(object).unwrap_or_default().iter().enumerate() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err("operation must be `Apply` or `Update`".to_owned()),
            };
            let api_version = text("apiVersion");
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".to_owned());
            }
            match text("fieldsType") {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
                other => return Err(format!("invalid fieldsType {other:?} in managed fields entry {index}")),
            }
            let id_version = if operation == Operation::Apply { "" } else { api_version };
            let id = ManagerId {
                manager: text("manager").to_owned(),
                operation,
                api_version: id_version.to_owned(),
                subresource: text("subresource").to_owned(),
            };
            let set = entry.get("fieldsV1").map_or_else(|| Ok(FieldSet::default()), FieldSet::decode)?;
            if let Ok(time) = text("time").parse() {
                out.times.insert(id.clone(), time);
            }
            out.owners.insert(id, Owned { set, api_version: api_version.to_owned() });
        }
        Ok(out)
    }

    /// Writes the entries into the object, in the order of Kubernetes: appliers first, then by time, then by name.
    pub(crate) fn encode_into(&self, object: &mut Value) {
        let mut ids: Vec<&ManagerId> = self.owners.keys().collect();
        ids.sort_by(|a, b| {
            let seconds = |id: &ManagerId| self.times.get(id).map_or(0, |time| time.as_second());
            let version = |id: &ManagerId| self.owners.get(id).map_or("", |owned| owned.api_version.as_str());
            (a.operation.cmp(&b.operation))
                .then_with(|| seconds(a).cmp(&seconds(b)))
                .then_with(|| a.manager.cmp(&b.manager))
                .then_with(|| version(a).cmp(version(b)))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        let list: Vec<Value> = ids.into_iter().filter_map(|id| self.encode(id)).collect();
        let Some(object) = object.as_object_mut() else { return };
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        if list.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), Value::Array(list));
        }
    }

    fn encode(&self, id: &ManagerId) -> Option<Value> {
        let owned = self.owners.get(id)?;
        let operation = if id.operation == Operation::Apply { "Apply" } else { "Update" };
        let mut entry = json!({
            "operation": operation,
            "apiVersion": owned.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": owned.set.encode(),
        });
        if !id.manager.is_empty() {
            entry["manager"] = json!(id.manager);
        }
        if let Some(time) = self.times.get(id) {
            entry["time"] = json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        if !id.subresource.is_empty() {
            entry["subresource"] = json!(id.subresource);
        }
        Some(entry)
    }

    /// Merges the oldest updates of each version into one entry until no more than ten updates are left.
    pub(crate) fn cap_updates(&mut self) {
        let mut updates: Vec<ManagerId> =
            self.owners.keys().filter(|id| id.operation == Operation::Update).cloned().collect();
        let mut count = updates.len();
        updates.sort_by(|a, b| self.older(a, b));
        let mut first_of: BTreeMap<String, ManagerId> = BTreeMap::new();
        for id in updates {
            if count <= MAX_UPDATE_MANAGERS {
                return;
            }
            let Some(version) = self.owners.get(&id).map(|owned| owned.api_version.clone()) else { continue };
            let Some(first) = first_of.get(&version) else {
                first_of.insert(version, id);
                continue;
            };
            let bucket = ManagerId::new(ANCIENT_CHANGES, Operation::Update, &version, "");
            if !self.owners.contains_key(&bucket)
                && let Some(owned) = self.owners.remove(first)
            {
                self.owners.insert(bucket.clone(), owned);
            }
            if let Some(owned) = self.owners.remove(&id)
                && let Some(merged) = self.owners.get_mut(&bucket)
            {
                merged.set = merged.set.union(&owned.set);
            }
            count -= 1;
            if let Some(time) = self.times.get(&id).copied() {
                self.times.insert(bucket, time);
            }
        }
    }

    fn older(&self, a: &ManagerId, b: &ManagerId) -> Ordering {
        let seconds = |id: &ManagerId| self.times.get(id).map_or(0, |time| time.as_second());
        seconds(a).cmp(&seconds(b)).then_with(|| a.cmp(b))
    }
}

/// The raw entries of an object, if the field is there.
pub(crate) fn entries(object: &Value) -> Option<&[Value]> {
    object.get("metadata")?.get("managedFields")?.as_array().map(Vec::as_slice)
}

/// Takes the field out of an object.
pub(crate) fn strip(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}
