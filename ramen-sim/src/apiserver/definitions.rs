//! Custom resource definitions at work: a definition that is written is served, one that is deleted takes its objects
//! along. A real server does this in controllers a moment later; here it happens with the write.

use serde_json::{Value, json};

use super::custom;
use super::meta;
use super::state::{Call, State};
use super::status::Failure;
use super::store::{GroupResource, Key, Range, Stored};
use crate::clock::Clock;

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

fn is_definition(resource: &GroupResource) -> bool {
    resource.group == GROUP && resource.resource == PLURAL
}

fn instances_of(definition: &Value) -> GroupResource {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    GroupResource::new(text("/spec/group"), text("/spec/names/plural"))
}

fn set_condition(definition: &mut Value, kind: &str, reason: &str, message: &str, clock: &Clock) {
    let condition = json!({
        "type": kind,
        "status": "True",
        "lastTransitionTime": meta::time_text(clock.now(), 0),
        "reason": reason,
        "message": message,
        "observedGeneration": definition.pointer("/metadata/generation").cloned().unwrap_or_default(),
    });
    let conditions = &mut definition["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    match list.iter_mut().find(|known| known["type"] == kind) {
        Some(known) if known["status"] == "True" => {}
        Some(known) => *known = condition,
        None => list.push(condition),
    }
}

/// Marks a definition as going away: its objects are to be deleted first.
pub(super) fn mark_terminating(finalizers: &mut Vec<Value>, definition: &mut Value, clock: &Clock) {
    if !finalizers.contains(&json!(CLEANUP)) {
        finalizers.push(CLEANUP.into());
    }
    let message = "CustomResource deletion is in progress";
    set_condition(definition, "Terminating", "InstanceDeletionInProgress", message, clock);
}

impl State {
    /// Objects of a kind that is going away cannot be created any more.
    pub(crate) fn check_definition_alive(&self, call: &Call<'_>) -> Result<(), Failure> {
        if matches!(call.resource.rules, super::resource::Rules::Core(_)) {
            return Ok(());
        }
        let name = format!("{}.{}", call.resource.plural, call.resource.group);
        match self.peek(GROUP, PLURAL, "", &name) {
            Some(definition) if meta::is_deleting(&definition) => {
                let mut failure = Failure::method_not_allowed();
                failure.message = "create not allowed while custom resource definition is terminating".into();
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    /// What the server does of itself once an object has been written.
    pub(crate) fn after_write(&mut self, resource: &GroupResource, key: &Key) {
        if !is_definition(resource) {
            return;
        }
        let Some(stored) = self.store.get(resource, key) else { return };
        let mut definition = stored.value();
        if meta::is_deleting(&definition) {
            self.delete_instances(&definition);
            self.finish_definition(key);
            return;
        }
        self.registry.remove(&instances_of(&definition));
        for resource in custom::resources(&definition) {
            self.registry.insert(resource);
        }
        definition["status"]["acceptedNames"] = definition["spec"]["names"].clone();
        set_condition(&mut definition, "NamesAccepted", "NoConflicts", "no conflicts found", &self.clock);
        let message = "the initial names have been accepted";
        set_condition(&mut definition, "Established", "InitialNamesAccepted", message, &self.clock);
        if definition != stored.value() {
            self.store.put(resource, key.clone(), &mut definition, self.clock.now());
        }
    }

    /// What the server does of itself once an object is gone.
    pub(crate) fn after_removal(&mut self, resource: &GroupResource, last: &Stored) {
        if is_definition(resource) {
            self.registry.remove(&instances_of(&last.value()));
            return;
        }
        let key = Key::new("", &format!("{}.{}", resource.resource, resource.group));
        self.finish_definition(&key);
    }

    /// Deletes all objects of a definition; those with finalizers stay until these are gone.
    fn delete_instances(&mut self, definition: &Value) {
        let resource = instances_of(definition);
        let now = self.clock.now();
        for (key, stored) in self.store.list(&resource, &Range::default(), None).unwrap_or_default() {
            let mut object = stored.value();
            if meta::finalizers(&object).is_empty() {
                self.store.remove(&resource, &key, now);
            } else if !meta::is_deleting(&object) {
                object["metadata"]["deletionTimestamp"] = meta::time_text(self.clock.now(), 0).into();
                object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
                let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
                object["metadata"]["generation"] = json!(generation + 1);
                self.store.put(&resource, key, &mut object, now);
            }
        }
    }

    /// Lets a definition go once none of its objects is left.
    fn finish_definition(&mut self, key: &Key) {
        let definitions = GroupResource::new(GROUP, PLURAL);
        let Some(stored) = self.store.get(&definitions, key) else { return };
        let mut definition = stored.value();
        let instances = instances_of(&definition);
        let left = self.store.list(&instances, &Range::default(), None).unwrap_or_default();
        if !meta::is_deleting(&definition) || !left.is_empty() {
            return;
        }
        let others: Vec<Value> =
            meta::finalizers(&definition).into_iter().filter(|name| *name != CLEANUP).map(Value::from).collect();
        let now = self.clock.now();
        if others.is_empty() {
            self.store.remove(&definitions, key, now);
            self.registry.remove(&instances);
        } else if others.len() < meta::finalizers(&definition).len() {
            definition["metadata"]["finalizers"] = others.into();
            self.store.put(&definitions, key.clone(), &mut definition, now);
        }
    }
}
