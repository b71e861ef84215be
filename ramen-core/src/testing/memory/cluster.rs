//! A cluster in memory: objects with versions, generations, finalizers, field managers and watches. As much of a Kubernetes
//! API as delivery and observation touch.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{self, Managed};
use crate::{
    intercluster::{ObjectKey, ResourceType},
    time::Clock,
};

/// The answer of an API server that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// 404 about an object of this name.
    NotFound { name: String },
    /// 404: the server does not know the resource.
    UnknownResource,
    /// 404 because the namespace is missing.
    NoNamespace { name: String },
    /// 409; what conflicts.
    Conflict(String),
    /// 422 or 400.
    Invalid(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place(String, String, String, String);

impl Place {
    fn of(resource: &ResourceType, namespace: Option<&str>, name: &str) -> Self {
        Self(resource.group.clone(), resource.kind.clone(), namespace.unwrap_or_default().into(), name.into())
    }
}

#[derive(Debug, Clone)]
struct Stored {
    object: Value,
    managed: Managed,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Place, Stored>,
    version: u64,
    watchers: Vec<(Place, UnboundedSender<Value>)>,
    clock_off: i64,
}

/// One cluster. Kinds: Namespace, ConfigMap, Secret, ClusterRole, and those for which it holds a CustomResourceDefinition.
#[derive(Debug)]
pub(crate) struct Cluster {
    uid: String,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

/// What an apply must find. `None`: anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    Absent,
    Version(String),
    Any,
}

const BUILT_IN: [(&str, &str); 5] = [
    ("", "Namespace"),
    ("", "ConfigMap"),
    ("", "Secret"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

impl Cluster {
    pub(crate) fn new(uid: &str, clock: Arc<dyn Clock>) -> Self {
        Self { uid: uid.into(), state: Mutex::default(), clock }
    }

    /// What tells this cluster from any other.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn set_clock_off(&self, seconds: i64) {
        self.state().clock_off = seconds;
    }

    /// The time by the cluster's own clock.
    pub(crate) fn now(&self) -> Timestamp {
        let off = jiff::SignedDuration::from_secs(self.state().clock_off);
        let now = self.clock.now();
        now.checked_add(off).unwrap_or(now)
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Result<Value, ApiError> {
        let state = self.state();
        state.known(&key.resource)?;
        let place = Place::of(&key.resource, key.namespace.as_deref(), &key.name);
        let stored = state.objects.get(&place).ok_or_else(|| ApiError::NotFound { name: key.name.clone() })?;
        Ok(stored.object.clone())
    }

    /// Server-side apply; creates what is not there.
    pub(crate) fn apply(
        &self,
        resource: &ResourceType,
        object: &Value,
        manager: &str,
        force: bool,
        expect: &Expect,
    ) -> Result<Value, ApiError> {
        let now = self.now();
        let mut state = self.state();
        let place = state.admit(resource, object)?;
        let object = state.prune(resource, object);
        let Some(mut stored) = state.objects.get(&place).cloned() else {
            if let Expect::Version(_) = expect {
                return Err(ApiError::NotFound { name: place.3 });
            }
            return Ok(state.create(&self.uid, place, &object, manager, now));
        };
        match expect {
            Expect::Absent => return Err(ApiError::Conflict("the object exists".into())),
            Expect::Version(version) if stored.object["metadata"]["resourceVersion"] != version.as_str() => {
                return Err(ApiError::Conflict("the object has been modified".into()));
            }
            _ => {}
        }
        fields::apply(&mut stored.object, &mut stored.managed, &object, manager, force).map_err(ApiError::Conflict)?;
        Ok(state.store(place, stored))
    }

    /// Replaces everything but what the API server itself sets and the status.
    pub(crate) fn replace(&self, resource: &ResourceType, object: &Value, version: &str) -> Result<Value, ApiError> {
        let mut state = self.state();
        let place = state.admit(resource, object)?;
        let mut object = state.prune(resource, object);
        let old = state.objects.get(&place).cloned().ok_or_else(|| ApiError::NotFound { name: place.3.clone() })?;
        if old.object["metadata"]["resourceVersion"] != version {
            return Err(ApiError::Conflict("the object has been modified".into()));
        }
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"] {
            if let Some(value) = old.object["metadata"].get(field) {
                object["metadata"][field] = value.clone();
            }
        }
        if let Some(status) = old.object.get("status") {
            object["status"] = status.clone();
        }
        Ok(state.store(place, Stored { object, managed: old.managed }))
    }

    /// JSON merge patch of the object, or of its status only.
    pub(crate) fn merge(&self, key: &ObjectKey, patch: &Value, status: bool) -> Result<Value, ApiError> {
        let mut state = self.state();
        state.known(&key.resource)?;
        let place = Place::of(&key.resource, key.namespace.as_deref(), &key.name);
        let mut stored =
            state.objects.get(&place).cloned().ok_or_else(|| ApiError::NotFound { name: key.name.clone() })?;
        let mut patch = patch.clone();
        if status {
            patch = json!({"status": patch.get("status").cloned().unwrap_or_default()});
        } else if let Some(map) = patch.as_object_mut() {
            map.remove("status");
        }
        let before = stored.object.clone();
        fields::merge(&mut stored.object, &patch);
        stored.object = state.prune(&key.resource, &stored.object);
        fields::take_over(&before, &stored.object, &mut stored.managed, "admin");
        Ok(state.store(place, stored))
    }

    /// Requests a deletion; the object goes at once if nothing holds it.
    pub(crate) fn delete(&self, key: &ObjectKey, uid: Option<&str>) -> Result<(), ApiError> {
        let now = self.now();
        let mut state = self.state();
        state.known(&key.resource)?;
        let place = Place::of(&key.resource, key.namespace.as_deref(), &key.name);
        let mut stored =
            state.objects.get(&place).cloned().ok_or_else(|| ApiError::NotFound { name: key.name.clone() })?;
        if uid.is_some_and(|uid| stored.object["metadata"]["uid"] != uid) {
            return Err(ApiError::Conflict("the uid in the precondition is of another object".into()));
        }
        if stored.object["metadata"].get("deletionTimestamp").is_none() {
            stored.object["metadata"]["deletionTimestamp"] = now.to_string().into();
        }
        state.store(place, stored);
        Ok(())
    }

    /// Makes the generation grow although nothing changed, as a writer does that sends null fields.
    pub(crate) fn churn(&self, key: &ObjectKey) {
        let mut state = self.state();
        let place = Place::of(&key.resource, key.namespace.as_deref(), &key.name);
        if let Some(stored) = state.objects.get_mut(&place) {
            let generation = stored.object["metadata"]["generation"].as_i64().unwrap_or(1);
            stored.object["metadata"]["generation"] = (generation + 1).into();
        }
    }

    /// All objects that satisfy the predicate.
    pub(crate) fn list(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.state().objects.values().map(|s| &s.object).filter(|o| wanted(o)).cloned().collect()
    }

    /// Every state of the object from now on, beginning with the present one.
    pub(crate) fn watch(&self, key: &ObjectKey) -> UnboundedReceiver<Value> {
        let mut state = self.state();
        let place = Place::of(&key.resource, key.namespace.as_deref(), &key.name);
        let (sender, receiver) = unbounded();
        if let Some(stored) = state.objects.get(&place) {
            let _ = sender.unbounded_send(stored.object.clone());
        }
        state.watchers.push((place, sender));
        receiver
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn definition(&self, resource: &ResourceType) -> Option<&Value> {
        self.objects
            .iter()
            .filter(|(place, _)| place.1 == "CustomResourceDefinition")
            .map(|(_, stored)| &stored.object["spec"])
            .find(|spec| spec["group"] == resource.group.as_str() && spec["names"]["kind"] == resource.kind.as_str())
    }

    fn known(&self, resource: &ResourceType) -> Result<(), ApiError> {
        let built_in = BUILT_IN.contains(&(resource.group.as_str(), resource.kind.as_str()));
        if built_in || self.definition(resource).is_some() { Ok(()) } else { Err(ApiError::UnknownResource) }
    }

    fn admit(&self, resource: &ResourceType, object: &Value) -> Result<Place, ApiError> {
        self.known(resource)?;
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str();
        let name = metadata["name"].as_str().ok_or_else(|| ApiError::Invalid("metadata.name is required".into()))?;
        if let Some(namespace) = namespace {
            let place = Place(String::new(), "Namespace".into(), String::new(), namespace.into());
            if !self.objects.contains_key(&place) {
                return Err(ApiError::NoNamespace { name: namespace.into() });
            }
        }
        Ok(Place::of(resource, namespace, name))
    }

    /// Drops what the schema of a custom resource does not know, as an API server does.
    fn prune(&self, resource: &ResourceType, object: &Value) -> Value {
        let mut object = object.clone();
        if let Some(definition) = self.definition(resource) {
            let schema = &definition["versions"][0]["schema"]["openAPIV3Schema"];
            if let Some(map) = object.as_object_mut() {
                for (field, value) in map.iter_mut() {
                    fields::prune(value, &schema["properties"][field.as_str()]);
                }
                map.retain(|field, _| {
                    ["apiVersion", "kind", "metadata"].contains(&field.as_str())
                        || schema["properties"].get(field).is_some()
                });
            }
        }
        object
    }

    fn create(&mut self, cluster: &str, place: Place, object: &Value, manager: &str, now: Timestamp) -> Value {
        let mut managed = Managed::default();
        let mut object = object.clone();
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        fields::own_all(&object, &mut managed, manager);
        object["metadata"]["uid"] = format!("{cluster}-{}", self.version + 1).into();
        object["metadata"]["generation"] = 1.into();
        object["metadata"]["creationTimestamp"] = now.to_string().into();
        self.store(place, Stored { object, managed })
    }

    /// Stores the next state of an object: versions move only if something changed, the generation only with the specification,
    /// and what is being deleted and held by nothing goes.
    fn store(&mut self, place: Place, mut next: Stored) -> Value {
        let old = self.objects.get(&place);
        if let Some(old) = old {
            if old.object == next.object {
                self.objects.insert(place, next.clone());
                return next.object;
            }
            let desired = |object: &Value| {
                let mut object = object.clone();
                object.as_object_mut().map(|map| (map.remove("metadata"), map.remove("status")));
                object
            };
            if desired(&old.object) != desired(&next.object) {
                let generation = old.object["metadata"]["generation"].as_i64().unwrap_or(1);
                next.object["metadata"]["generation"] = (generation + 1).into();
            }
        }
        self.version += 1;
        next.object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let deleting = next.object["metadata"].get("deletionTimestamp").is_some();
        let held = next.object["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
        self.watchers
            .retain(|(watched, sender)| *watched != place || sender.unbounded_send(next.object.clone()).is_ok());
        if deleting && !held {
            self.objects.remove(&place);
            if place.1 == "CustomResourceDefinition" {
                let spec = &next.object["spec"];
                let (group, kind) = (spec["group"].as_str(), spec["names"]["kind"].as_str());
                self.objects.retain(|p, _| Some(p.0.as_str()) != group || Some(p.1.as_str()) != kind);
            }
        } else {
            self.objects.insert(place, next.clone());
        }
        next.object
    }
}
