//! What a server serves: one entry for each resource in each version, and the rules its objects follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::custom::CustomKind;
use super::fields;
use super::meta::NameRule;
use super::status::{FieldError, Named};
use super::store::GroupResource;
use crate::apply::normalize_core;
use crate::kinds::CoreKind;

/// Where the rules of a resource come from.
#[derive(Debug, Clone)]
pub(crate) enum Rules {
    /// Built in.
    Core(&'static CoreKind),
    /// A CustomResourceDefinition.
    Custom(Arc<CustomKind>),
}

/// One resource in one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// Whether `/status` is served, and the status therefore ignored elsewhere.
    pub(crate) has_status: bool,
    pub(crate) rules: Rules,
}

impl Resource {
    pub(crate) fn core(kind: &'static CoreKind) -> Self {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            group: kind.group.into(),
            version: kind.version.into(),
            kind: kind.kind.into(),
            list_kind: format!("{}List", kind.kind),
            plural: kind.plural.into(),
            singular: kind.kind.to_lowercase(),
            short_names: texts(kind.short_names),
            categories: texts(kind.categories),
            namespaced: kind.namespaced,
            has_status: kind.has_status,
            rules: Rules::Core(kind),
        }
    }

    pub(crate) fn group_resource(&self) -> GroupResource {
        GroupResource::new(self.group.clone(), self.plural.clone())
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// How a Status names an object of this resource by its plural.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> Named<'a> {
        Named { group: &self.group, kind: &self.plural, name }
    }

    /// How a Status names an object of this resource by its kind.
    pub(crate) fn kind_named<'a>(&'a self, name: &'a str) -> Named<'a> {
        Named { group: &self.group, kind: &self.kind, name }
    }

    pub(crate) fn name_rule(&self) -> NameRule {
        match &self.rules {
            Rules::Core(kind) => kind.name_rule,
            Rules::Custom(_) => NameRule::Subdomain,
        }
    }

    /// Whether an update may come without resourceVersion and then overwrites whatever is there.
    pub(crate) fn unconditional_update(&self) -> bool {
        matches!(&self.rules, Rules::Core(kind) if kind.unconditional_update)
    }

    /// Whether a PUT to a name that does not exist creates the object.
    pub(crate) fn create_on_update(&self) -> bool {
        matches!(&self.rules, Rules::Core(kind) if kind.create_on_update)
    }

    /// Whether a deletion answers with the object rather than a Status.
    pub(crate) fn returns_deleted(&self) -> bool {
        matches!(&self.rules, Rules::Core(kind) if kind.returns_deleted)
    }

    /// Fields that a field selector may name.
    pub(crate) fn selectable_fields(&self) -> Vec<String> {
        let mut fields = vec!["metadata.name".to_string()];
        if self.namespaced {
            fields.push("metadata.namespace".to_string());
        }
        match &self.rules {
            Rules::Core(kind) => fields.extend(kind.fields.iter().map(ToString::to_string)),
            Rules::Custom(kind) => fields.extend(kind.selectable_fields.iter().cloned()),
        }
        fields
    }

    /// Brings a decoded object into the form that is stored: unknown fields of a custom kind dropped, defaults filled
    /// in. Returns the paths of what was dropped.
    pub(crate) fn normalize(&self, object: &mut Value, applied: bool) -> Vec<String> {
        // `managedFields: []` is how a writer asks for the owners to be forgotten: it is no empty field to drop.
        let managed = object.get_mut("metadata").and_then(Value::as_object_mut);
        let managed = managed.and_then(|metadata| metadata.remove("managedFields"));
        super::meta::drop_empty(object);
        let unknown = self.normalize_fields(object, applied);
        if let Some(managed) = managed {
            object["metadata"]["managedFields"] = managed;
        }
        unknown
    }

    fn normalize_fields(&self, object: &mut Value, applied: bool) -> Vec<String> {
        match &self.rules {
            Rules::Core(kind) => {
                let unknown = fields::prune(kind, object);
                (kind.default)(object);
                normalize_core(kind.group, kind.version, kind.kind, object);
                unknown
            }
            Rules::Custom(kind) => kind.normalize(object, applied),
        }
    }

    /// Resets what a client does not decide when it creates an object.
    pub(crate) fn prepare_create(&self, object: &mut Value, now: Timestamp) {
        match &self.rules {
            Rules::Core(kind) => {
                if kind.has_status {
                    remove(object, "status");
                }
                if kind.generation {
                    object["metadata"]["generation"] = json!(1);
                }
                (kind.prepare_create)(object, now);
            }
            Rules::Custom(_) => {
                if self.has_status {
                    remove(object, "status");
                }
                object["metadata"]["generation"] = json!(1);
            }
        }
    }

    /// Resets what an update of the object (or of its status) does not decide, and counts the generation.
    pub(crate) fn prepare_update(&self, new: &mut Value, old: &Value, subresource: &str, now: Timestamp) {
        match (&self.rules, subresource) {
            (Rules::Core(kind), "status") => {
                replace(new, old, "spec");
                (kind.prepare_status)(new, old, now);
                if kind.plural == "customresourcedefinitions" {
                    keep_metadata(new, old);
                }
            }
            (Rules::Core(_), "finalize") => {}
            (Rules::Core(kind), _) => {
                if kind.has_status {
                    replace(new, old, "status");
                }
                (kind.prepare_update)(new, old);
                if kind.generation && changed_spec(new, old, kind.has_status) {
                    raise_generation(new, old);
                }
            }
            (Rules::Custom(_), "status") => {
                let status = new.get("status").cloned();
                keep_metadata(new, old);
                let metadata = new.get("metadata").cloned();
                *new = old.clone();
                for (field, value) in [("metadata", metadata), ("status", status)] {
                    match value {
                        Some(value) => new[field] = value,
                        None => remove(new, field),
                    }
                }
            }
            (Rules::Custom(_), _) => {
                if self.has_status {
                    replace(new, old, "status");
                }
                if changed_spec(new, old, self.has_status) {
                    raise_generation(new, old);
                }
            }
        }
    }

    /// What is wrong with the object, besides what is known to be wrong with its metadata; `old` is the live one on
    /// updates.
    pub(crate) fn validate(
        &self,
        new: &Value,
        old: Option<&Value>,
        subresource: &str,
        mut errors: Vec<FieldError>,
    ) -> Vec<FieldError> {
        match &self.rules {
            Rules::Core(kind) if subresource.is_empty() => {
                errors.extend((kind.validate)(new, old));
                if kind.names_finalizers {
                    errors.extend(super::meta::validate_core_finalizers(new));
                }
            }
            Rules::Core(kind) if subresource == "status" => errors.extend((kind.validate_status)(new)),
            Rules::Core(_) => {}
            Rules::Custom(kind) => kind.validate(new, old, self.has_status, subresource == "status", &mut errors),
        }
        errors
    }
}

/// Metadata of a status update is the live one; only the record of who owns the status changes.
fn keep_metadata(new: &mut Value, old: &Value) {
    let managed = new.pointer("/metadata/managedFields").cloned();
    let mut metadata = old.get("metadata").cloned().unwrap_or_else(|| json!({}));
    if let Some(managed) = managed {
        metadata["managedFields"] = managed;
    }
    new["metadata"] = metadata;
}

fn raise_generation(new: &mut Value, old: &Value) {
    let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
    new["metadata"]["generation"] = json!(generation + 1);
}

/// Whether anything but metadata (and status, where it is a subresource) differs.
fn changed_spec(new: &Value, old: &Value, has_status: bool) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return true };
    let counts = |field: &str| field != "metadata" && !(has_status && field == "status");
    let differs = |(field, value): (&String, &Value), other: &serde_json::Map<String, Value>| {
        counts(field) && other.get(field) != Some(value)
    };
    new.iter().any(|entry| differs(entry, old)) || old.iter().any(|entry| differs(entry, new))
}

fn replace(new: &mut Value, old: &Value, field: &str) {
    match old.get(field) {
        Some(value) => new[field] = value.clone(),
        None => remove(new, field),
    }
}

fn remove(object: &mut Value, field: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(field);
    }
}

/// All resources of a server by group, version and plural name.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    resources: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Registry {
    pub(crate) fn with_core_kinds() -> Self {
        let mut registry = Self::default();
        for kind in crate::kinds::all() {
            registry.insert(Resource::core(kind));
        }
        registry
    }

    pub(crate) fn insert(&mut self, resource: Resource) {
        let key = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.resources.insert(key, Arc::new(resource));
    }

    /// Removes a resource in all its versions.
    pub(crate) fn remove(&mut self, gone: &GroupResource) {
        self.resources.retain(|(group, _, plural), _| *group != gone.group || *plural != gone.resource);
    }

    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.resources.get(&(group.to_string(), version.to_string(), plural.to_string())).cloned()
    }

    /// Any version of a resource: enough where only group, plural or scope matter.
    pub(crate) fn any_version(&self, resource: &GroupResource) -> Option<Arc<Resource>> {
        self.iter().find(|known| known.group == resource.group && known.plural == resource.resource).cloned()
    }

    pub(crate) fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.iter().find(|known| known.group == group && known.version == version && known.kind == kind).cloned()
    }

    /// Whether the group is a built-in one: only those answer for resources that they do not have.
    pub(crate) fn knows_group(&self, group: &str) -> bool {
        group.ends_with("authorization.k8s.io")
            || self.iter().any(|known| known.group == group && matches!(known.rules, Rules::Core(_)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }
}
