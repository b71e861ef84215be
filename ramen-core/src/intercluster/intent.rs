//! Desired state for a cluster, as it is recorded on the hub.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ClusterName, Failure, FailureClass, ObjectKey, ResourceType};

/// Which intent: the cluster it is for and the name of its record, unique per cluster.
///
/// Names of records are part of the compatibility with Ramen (`<drpc>-<namespace>-vrg-mw`, ...). They are not injective;
/// the [transport](super::ObjectTransport) refuses the second of two intents that would share a name but differ in
/// [`owner`](Intent::owner).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IntentId {
    /// The cluster.
    pub cluster: ClusterName,
    /// The name of the record.
    pub name: String,
}

impl IntentId {
    /// The intent of this name for this cluster.
    pub fn new(cluster: impl Into<ClusterName>, name: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), name: name.into() }
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "intent {} for cluster {}", self.name, self.cluster)
    }
}

/// One object as it should be on the cluster: its type and its JSON, `status` not included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The type of the object; tells scope and path, which the JSON alone does not.
    pub resource: ResourceType,
    /// The object.
    pub object: Value,
}

impl Manifest {
    /// The manifest of a typed object. Writes `apiVersion` and `kind`, and leaves out what a writer may not set: status,
    /// resourceVersion, uid, managedFields, generation and an empty creationTimestamp.
    ///
    /// # Errors
    /// `Invalid` if the object cannot be written as a JSON object or has no name.
    pub fn of<K>(object: &K) -> Result<Self, Failure>
    where
        K: kube::Resource<DynamicType = ()> + Serialize,
        K::Scope: super::ScopeOf,
    {
        let json = serde_json::to_value(object).map_err(|e| Failure::new(FailureClass::Invalid, e))?;
        Self::new(ResourceType::of::<K>(), json)
    }

    /// The manifest of an object of any type, cleaned as by [`of`](Self::of).
    ///
    /// # Errors
    /// `Invalid` if `object` is not a JSON object with a name, or has a namespace where its type needs none or lacks one
    /// where its type needs it.
    pub fn new(resource: ResourceType, mut object: Value) -> Result<Self, Failure> {
        let about = format!("manifest of kind {}", resource.kind);
        let invalid = |cause: &str| Failure::new(FailureClass::Invalid, cause).about(&about);
        let map = object.as_object_mut().ok_or_else(|| invalid("it is not a JSON object"))?;
        map.insert("apiVersion".into(), resource.api_version().into());
        map.insert("kind".into(), resource.kind.clone().into());
        map.remove("status");
        let metadata = map.get_mut("metadata").and_then(Value::as_object_mut);
        let metadata = metadata.ok_or_else(|| invalid("metadata is missing"))?;
        for field in ["resourceVersion", "uid", "managedFields", "generation", "creationTimestamp", "selfLink"] {
            metadata.remove(field);
        }
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).filter(|s| !s.is_empty());
        if text("name").is_none() {
            return Err(invalid("metadata.name is missing; a generated name cannot be delivered twice alike"));
        }
        match (resource.namespaced, text("namespace")) {
            (true, None) => return Err(invalid("metadata.namespace is missing and the kind is namespaced")),
            (false, Some(_)) => return Err(invalid("metadata.namespace is set and the kind is of cluster scope")),
            _ => {}
        }
        Ok(Self { resource, object })
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.metadata("name").unwrap_or_default()
    }

    /// The object's namespace; `None` for kinds of cluster scope.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata("namespace")
    }

    /// The object's key on `cluster`.
    pub fn key(&self, cluster: &ClusterName) -> ObjectKey {
        ObjectKey::new(cluster.clone(), self.resource.clone(), self.namespace(), self.name())
    }

    fn metadata(&self, field: &str) -> Option<&str> {
        self.object.get("metadata")?.get(field)?.as_str()
    }
}

/// How an object is brought to its desired state (transport.md's four strategies).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ApplyStrategy {
    /// Server-side apply by one field manager: what the intent names is as it says, what it no longer names goes, what
    /// others set stays. `force` takes over fields that another manager holds; without it they are a `Conflict`.
    #[default]
    ServerSideApply,
    /// As [`ServerSideApply`](Self::ServerSideApply), taking over fields that other managers hold.
    ServerSideApplyForced,
    /// OCM's `Update`: labels, annotations and ownerReferences are merged, finalizers kept, all else replaced.
    Update,
    /// Created if missing, never changed afterwards.
    CreateOnly,
    /// Observed only.
    ReadOnly,
}

/// What to do with an object that exists on the cluster already and carries no mark of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ExistingPolicy {
    /// Take it over: its uid stays, from now on it is ours.
    #[default]
    Adopt,
    /// Leave it alone and fail with `Ownership`.
    Refuse,
}

/// What happens to the objects when their intent is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeletePolicy {
    /// They are deleted; the intent is `Gone` once they and their finalizers are.
    #[default]
    Delete,
    /// They stay and lose our mark. One call: no order of events deletes them.
    Orphan,
}

/// Desired state of one object (or a small bundle that belongs together) on one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Which intent.
    pub id: IntentId,
    /// Who holds it, for example `drpc/busybox/app`: two intents of one name with different owners are told apart by it.
    pub owner: String,
    /// The objects. At least one; applied in the order of their kinds' rank, one failure does not hold back the others.
    pub manifests: Vec<Manifest>,
    /// Labels of the record; lists of intents select by them.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the record.
    pub annotations: BTreeMap<String, String>,
    /// How the objects are applied.
    pub strategy: ApplyStrategy,
    /// What to do with objects that exist already.
    pub existing: ExistingPolicy,
    /// What a deletion does, unless the call that deletes says otherwise.
    pub on_delete: DeletePolicy,
}

impl Intent {
    /// An intent for one object with the default policies: server-side apply, adopt, delete.
    pub fn new(id: IntentId, owner: impl Into<String>, manifest: Manifest) -> Self {
        Self {
            id,
            owner: owner.into(),
            manifests: vec![manifest],
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            strategy: ApplyStrategy::default(),
            existing: ExistingPolicy::default(),
            on_delete: DeletePolicy::default(),
        }
    }

    /// The intent as it is recorded: its manifests cleaned as by [`Manifest::new`]. Two intents that differ only in what
    /// cleaning takes away are one and the same (T4).
    ///
    /// # Errors
    /// As [`Manifest::new`].
    pub fn cleaned(&self) -> Result<Self, Failure> {
        let mut intent = self.clone();
        for manifest in &mut intent.manifests {
            let cleaned = Manifest::new(manifest.resource.clone(), std::mem::take(&mut manifest.object));
            *manifest = cleaned.map_err(|failure| failure.on(self.id.cluster.clone()))?;
        }
        Ok(intent)
    }
}

/// A state of an intent. Numbers grow with every change of content within one incarnation; a record that was deleted and
/// created again is another incarnation, and revisions of different incarnations do not compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// Identity of the record (its uid).
    pub incarnation: String,
    /// The number.
    pub number: u64,
}

impl Revision {
    /// Whether this revision is `other` or came after it. `false` across incarnations.
    pub fn includes(&self, other: &Self) -> bool {
        self.incarnation == other.incarnation && self.number >= other.number
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.number, self.incarnation)
    }
}

/// How far the delivery of an intent has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Delivery {
    /// Recorded durably on the hub; says nothing about the cluster.
    Accepted,
    /// Exactly this revision was applied: the cluster's API server confirmed each object.
    Applied {
        /// The revision.
        revision: Revision,
        /// Hub time of the confirmation.
        at: Timestamp,
    },
    /// The last attempt failed; it is repeated as the class of the failure says.
    Failed(Failure),
    /// The deletion was accepted; objects or their finalizers may still exist.
    Deleting,
    /// The objects are gone (or orphaned) and so is the record.
    Gone,
}

/// What became of one object of an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectResult {
    /// Which object.
    pub key: ObjectKey,
    /// Its uid on the cluster, once known.
    pub uid: Option<String>,
    /// Its `metadata.generation` as of the last successful apply.
    pub generation: Option<i64>,
    /// `None` if the last apply succeeded.
    pub failure: Option<Failure>,
}

/// The answer to a write of an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which intent.
    pub id: IntentId,
    /// The revision that the intent now has; `None` once it is gone.
    pub revision: Option<Revision>,
    /// How far it has come at the time of the answer; `Applied` only if this very revision was.
    pub delivery: Delivery,
    /// Whether the call changed the record. `false`: it was as asked for already.
    pub changed: bool,
}

/// An intent as it is recorded, with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// What was asked for, exactly.
    pub intent: Intent,
    /// Its revision.
    pub revision: Revision,
    /// How far it has come.
    pub delivery: Delivery,
    /// Object by object, in the order of the manifests. Empty before the first attempt.
    pub objects: Vec<ObjectResult>,
}

impl IntentRecord {
    /// Whether the present revision is known to be applied.
    pub fn is_applied(&self) -> bool {
        matches!(&self.delivery, Delivery::Applied { revision, .. } if *revision == self.revision)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_leaves_out_what_only_the_api_server_may_set() {
        let manifest = Manifest::new(
            ResourceType::of::<ConfigMap>(),
            json!({"metadata": {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "creationTimestamp": null,
                   "labels": {"keep": "me"}}, "data": {"k": "v"}, "status": {"phase": "x"}}),
        )
        .unwrap();
        assert_eq!(
            manifest.object,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"},
                   "metadata": {"name": "a", "namespace": "b", "labels": {"keep": "me"}}})
        );
    }

    #[test]
    fn a_manifest_that_could_not_be_delivered_is_refused_with_the_field_that_is_wrong() {
        for (resource, object, field) in [
            (ResourceType::of::<ConfigMap>(), json!({"metadata": {"name": "a"}}), "metadata.namespace"),
            (
                ResourceType::of::<ConfigMap>(),
                json!({"metadata": {"generateName": "a-", "namespace": "b"}}),
                "metadata.name",
            ),
            (
                ResourceType::of::<Namespace>(),
                json!({"metadata": {"name": "a", "namespace": "b"}}),
                "metadata.namespace",
            ),
            (ResourceType::of::<Namespace>(), json!({}), "metadata"),
            (ResourceType::of::<Namespace>(), json!([]), "JSON object"),
        ] {
            let failure = Manifest::new(resource, object).unwrap_err();
            assert_eq!(failure.class(), FailureClass::Invalid);
            assert!(failure.cause().contains(field), "{failure}");
        }
    }

    #[test]
    fn an_older_success_does_not_count_for_a_newer_revision_or_another_incarnation() {
        let revision = |incarnation: &str, number| Revision { incarnation: incarnation.into(), number };
        assert!(revision("a", 2).includes(&revision("a", 1)));
        assert!(!revision("a", 1).includes(&revision("a", 2)));
        assert!(!revision("b", 9).includes(&revision("a", 1)));
    }
}
