//! Writing an intent into a ManifestWork.

use std::collections::BTreeMap;

use ramen_core::intercluster::{ApplyStrategy, DeletePolicy, ExistingPolicy, Intent, agent::StoredRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{FINALIZER, manifest_work};

/// Annotation with what an intent says that a ManifestWork has no field for.
pub(super) const BOOKKEEPING: &str = "intercluster.ramen-rs.io/record";

/// What that annotation holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bookkeeping {
    /// Holder of the intent.
    pub(super) owner: String,
    /// How objects are applied.
    pub(super) strategy: ApplyStrategy,
    /// What is done with objects that exist.
    pub(super) existing: ExistingPolicy,
    /// Plural name and scope of each manifest's kind.
    pub(super) resources: Vec<(String, bool)>,
    /// Labels of the record that belong to the intent.
    pub(super) labels: Vec<String>,
    /// Annotations of the record that belong to the intent.
    pub(super) annotations: Vec<String>,
    /// Added to the generation of the work makes the number of the revision: a change that leaves the spec alone leaves the
    /// generation alone, too.
    pub(super) beyond: u64,
}

impl Bookkeeping {
    fn of(intent: &Intent, beyond: u64) -> Self {
        Self {
            owner: intent.owner.clone(),
            strategy: intent.strategy,
            existing: intent.existing,
            resources: intent.manifests.iter().map(|m| (m.resource.plural.clone(), m.resource.namespaced)).collect(),
            labels: intent.labels.keys().cloned().collect(),
            annotations: intent.annotations.keys().cloned().collect(),
            beyond,
        }
    }

    /// The bookkeeping of a work; `None` if other software wrote it.
    pub(super) fn read(work: &Value) -> Option<Self> {
        serde_json::from_str(work["metadata"]["annotations"][BOOKKEEPING].as_str()?).ok()
    }
}

/// The work of a new record.
pub(super) fn created(intent: &Intent) -> Value {
    let mut work = json!({
        "apiVersion": manifest_work().api_version(),
        "kind": "ManifestWork",
        "metadata": {"name": intent.id.name, "namespace": intent.id.cluster, "finalizers": [FINALIZER]},
        "spec": {},
    });
    write(&mut work, intent, None, 0);
    work
}

/// The work of a record with another intent. Everything in it that is not the intent's stays.
pub(super) fn updated(current: &StoredRecord, intent: &Intent, above: u64) -> Value {
    let mut work = current.backing.clone();
    let before = Bookkeeping::read(&work);
    let spec_before = work["spec"].clone();
    let beyond = before.as_ref().map_or(0, |b| b.beyond);
    write(&mut work, intent, before.as_ref(), beyond);
    // The server raises the generation by one if the spec changes; what that leaves missing is added here.
    let raised = u64::from(work["spec"] != spec_before);
    let generation = work["metadata"]["generation"].as_u64().unwrap_or_default();
    let least = current.revision.number.max(above) + 1;
    let beyond = beyond.max(least.saturating_sub(generation + raised));
    set_bookkeeping(&mut work, &Bookkeeping::of(intent, beyond));
    hold(&mut work);
    work
}

fn write(work: &mut Value, intent: &Intent, before: Option<&Bookkeeping>, beyond: u64) {
    let none = Vec::new();
    set_keys(work, "labels", &intent.labels, before.map_or(&none, |b| &b.labels));
    set_keys(work, "annotations", &intent.annotations, before.map_or(&none, |b| &b.annotations));
    set_bookkeeping(work, &Bookkeeping::of(intent, beyond));
    let manifests: Vec<_> = intent.manifests.iter().map(|m| m.object.clone()).collect();
    work["spec"]["workload"]["manifests"] = manifests.into();
    if let Some(spec) = work["spec"].as_object_mut() {
        // Strategies of others; ours is in the bookkeeping.
        spec.remove("manifestConfigs");
    }
    set_policy(work, intent.on_delete);
}

fn set_bookkeeping(work: &mut Value, bookkeeping: &Bookkeeping) {
    let text = serde_json::to_string(bookkeeping).unwrap_or_default();
    edit(work, "annotations", |map| drop(map.insert(BOOKKEEPING.into(), text.into())));
}

/// Replaces the keys that were the intent's; those of others stay.
fn set_keys(work: &mut Value, field: &str, keys: &BTreeMap<String, String>, before: &[String]) {
    edit(work, field, |map| {
        map.retain(|key, _| !before.contains(key));
        map.extend(keys.iter().map(|(key, value)| (key.clone(), value.clone().into())));
    });
}

/// Applies `edit` to the object in a field of the metadata, which is made if it is not there.
fn edit(work: &mut Value, field: &str, edit: impl FnOnce(&mut Map<String, Value>)) {
    let mut map = match work["metadata"][field].take() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    edit(&mut map);
    work["metadata"][field] = map.into();
}

/// Sets what a deletion does; answers whether that changes the work.
pub(super) fn set_policy(work: &mut Value, policy: DeletePolicy) -> bool {
    let before = work["spec"].get("deleteOption").cloned();
    let Some(spec) = work["spec"].as_object_mut() else { return false };
    match policy {
        // Foreground is what the absence of the field means; a choice of others that means the same stays.
        DeletePolicy::Delete if before.as_ref().is_some_and(|o| o["propagationPolicy"] != "Orphan") => {}
        DeletePolicy::Delete => drop(spec.remove("deleteOption")),
        DeletePolicy::Orphan => drop(spec.insert("deleteOption".into(), json!({"propagationPolicy": "Orphan"}))),
    }
    spec.get("deleteOption") != before.as_ref()
}

/// Sets our finalizer; answers whether that changes the work.
pub(super) fn hold(work: &mut Value) -> bool {
    let deleting = work["metadata"]["deletionTimestamp"].is_string();
    let finalizers = &mut work["metadata"]["finalizers"];
    let held = finalizers.as_array().is_some_and(|all| all.iter().any(|f| f == FINALIZER));
    if held || deleting {
        return false;
    }
    match finalizers {
        Value::Array(all) => all.push(FINALIZER.into()),
        other => *other = json!([FINALIZER]),
    }
    true
}

/// Takes our finalizer off.
pub(super) fn release(work: &mut Value) {
    if let Some(all) = work["metadata"]["finalizers"].as_array_mut() {
        all.retain(|finalizer| finalizer != FINALIZER);
    }
}
