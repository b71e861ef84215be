//! Placement by OCM's Placement and PlacementRule objects on the hub.
//!
//! OCM itself need not run: GitOps controllers read the decisions, and we write them.

mod decisions;
mod watch;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::{
    api::{
        foreign,
        names::{annotations, configuration, ocm},
    },
    intercluster::{
        ClusterName, Decision, DecisionsVersion, Failure, FailureClass, ObjectKey, Placement, PlacementKind,
        PlacementOwner, PlacementRef, PlacementState, ResourceType,
        agent::{Remote, Signals, Trouble},
    },
    time::{Clock, Deadline},
};

/// Field manager of what is written.
const MANAGER: &str = "ramen-placement";
/// Claims and releases that lose against other writers are begun anew this often.
const ATTEMPTS: usize = 8;

/// [`Placement`] over OCM's objects on the hub.
///
/// A Placement is preferred to a PlacementRule of the same name. A Placement must have the annotation that turns OCM's scheduling
/// off, a PlacementRule the scheduler name `ramen`; objects that are being deleted are exempt, so that they can be released.
///
/// # Assumptions
/// It is created on a tokio runtime; its watches end when it is dropped.
pub struct KubePlacement {
    hub: Remote,
    changed: Arc<Signals<PlacementRef, ()>>,
    _watches: JoinSet<()>,
}

impl fmt::Debug for KubePlacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubePlacement").finish_non_exhaustive()
    }
}

/// A placement object as it was read.
struct Found {
    kind: PlacementKind,
    key: ObjectKey,
    object: Value,
}

impl KubePlacement {
    /// Placements of this hub. No request takes longer than `request_timeout`.
    pub fn new(hub: kube::Client, clock: &Arc<dyn Clock>, request_timeout: Duration) -> Self {
        let hub = Remote { cluster: ClusterName::new("hub"), client: hub, timeout: request_timeout };
        let changed = Arc::new(Signals::default());
        let watches = watch::start(&hub, clock, &changed);
        Self { hub, changed, _watches: watches }
    }

    fn key(&self, resource: ResourceType, reference: &PlacementRef) -> ObjectKey {
        ObjectKey::new(self.hub.cluster.clone(), resource, Some(&reference.namespace), &*reference.name)
    }

    async fn find(&self, reference: &PlacementRef, deadline: Deadline) -> Result<Found, Failure> {
        let kinds = [
            (PlacementKind::Placement, ResourceType::of::<foreign::Placement>()),
            (PlacementKind::PlacementRule, ResourceType::of::<foreign::PlacementRule>()),
        ];
        for (kind, resource) in kinds {
            let key = self.key(resource, reference);
            match self.hub.get(&key, deadline).await {
                Ok(Some(object)) => return Ok(Found { kind, key, object }),
                Ok(None) | Err(Trouble::KindAbsent) => {}
                Err(trouble) => return Err(trouble.into_failure(&key)),
            }
        }
        Err(Failure::new(FailureClass::Prerequisite, "there is neither a Placement nor a PlacementRule of this name")
            .about(reference)
            .remedy("create the placement, or correct spec.placementRef"))
    }

    /// The placement, if it is one that we may decide.
    async fn find_ours(&self, reference: &PlacementRef, deadline: Deadline) -> Result<Found, Failure> {
        let found = self.find(reference, deadline).await?;
        if found.is_deleting() {
            return Ok(found);
        }
        let refused = match found.kind {
            PlacementKind::Placement => {
                let disabled = found.annotation(ocm::SCHEDULING_DISABLE);
                disabled.is_none_or(|value| value == "false").then(|| {
                    (
                        format!("annotation {} is not set: OCM decides it, too", ocm::SCHEDULING_DISABLE),
                        "set the annotation to true",
                    )
                })
            }
            PlacementKind::PlacementRule | PlacementKind::Other => {
                let scheduler = found.object.pointer("/spec/schedulerName").and_then(Value::as_str).unwrap_or_default();
                (scheduler != configuration::PLACEMENT_RULE_SCHEDULER).then(|| {
                    (
                        format!("spec.schedulerName is `{scheduler}`: another scheduler decides it"),
                        "set spec.schedulerName to ramen",
                    )
                })
            }
        };
        match refused {
            Some((cause, remedy)) => Err(Failure::new(FailureClass::Invalid, cause).about(reference).remedy(remedy)),
            None => Ok(found),
        }
    }

    async fn state(&self, found: Found, deadline: Deadline) -> Result<PlacementState, Failure> {
        let (decisions, version) = self.decisions(&found, deadline).await?;
        let text = |pointer: &str| found.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let annotations = found.object.pointer("/metadata/annotations").and_then(Value::as_object);
        let annotations = annotations.into_iter().flatten();
        Ok(PlacementState {
            reference: PlacementRef { namespace: text("/metadata/namespace"), name: text("/metadata/name") },
            kind: found.kind,
            uid: text("/metadata/uid"),
            deleting: found.is_deleting(),
            annotations: annotations.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect(),
            held_by: found.holder(),
            can_retain: found.kind == PlacementKind::Placement,
            decisions,
            version,
        })
    }

    /// Writes the object's metadata; `None` if somebody else changed it meanwhile.
    async fn write(&self, found: &Found, deadline: Deadline) -> Result<Option<Value>, Failure> {
        match self.hub.replace(&found.key, &found.object, MANAGER, deadline).await {
            Ok(object) => Ok(Some(object)),
            Err(Trouble::Changed | Trouble::Absent) => Ok(None),
            Err(trouble) => Err(trouble.into_failure(&found.key)),
        }
    }
}

impl Found {
    fn is_deleting(&self) -> bool {
        self.object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.object.pointer("/metadata/annotations")?.get(name)?.as_str()
    }

    /// Namespace and name of the DRPlacementControl on record.
    fn holder(&self) -> Option<(String, String)> {
        let namespace = self.annotation(annotations::DRPC_NAMESPACE)?;
        Some((namespace.to_owned(), self.annotation(annotations::DRPC_NAME)?.to_owned()))
    }

    fn finalizers(&self) -> Vec<String> {
        let all = self.object.pointer("/metadata/finalizers").and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    }

    /// Who holds it, other than `owner`. The record of an owner outlives its release; what holds a placement is the finalizer.
    fn held_by_another(&self, owner: &PlacementOwner) -> Option<(String, String)> {
        let holder = self.holder()?;
        let same = holder.0 == owner.namespace && holder.1 == owner.name;
        (!same && self.finalizers().contains(&owner.finalizer)).then_some(holder)
    }

    /// Puts the claim on the object; answers whether that changes it.
    fn claim(&mut self, owner: &PlacementOwner) -> bool {
        let before = self.object.clone();
        let metadata = &mut self.object["metadata"];
        let mut marks = match metadata["annotations"].take() {
            Value::Object(marks) => marks,
            _ => Map::new(),
        };
        marks.insert(annotations::DRPC_NAMESPACE.into(), owner.namespace.clone().into());
        marks.insert(annotations::DRPC_NAME.into(), owner.name.clone().into());
        metadata["annotations"] = marks.into();
        let mut finalizers = self.finalizers();
        if !finalizers.contains(&owner.finalizer) {
            finalizers.push(owner.finalizer.clone());
            self.object["metadata"]["finalizers"] = json!(finalizers);
        }
        self.object != before
    }
}

#[async_trait]
impl Placement for KubePlacement {
    async fn resolve(&self, reference: &PlacementRef, deadline: Deadline) -> Result<PlacementState, Failure> {
        let found = self.find_ours(reference, deadline).await?;
        self.state(found, deadline).await
    }

    async fn claim(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure> {
        for _ in 0..ATTEMPTS {
            let mut found = self.find_ours(reference, deadline).await?;
            if let Some((namespace, name)) = found.held_by_another(owner) {
                return Err(Failure::new(
                    FailureClass::Ownership,
                    format!("DRPlacementControl {namespace}/{name} holds it"),
                )
                .about(reference)
                .remedy("delete that DRPlacementControl first, or name another placement"));
            }
            // What is being deleted takes no new finalizer.
            if found.is_deleting() || !found.claim(owner) {
                return self.state(found, deadline).await;
            }
            if let Some(object) = self.write(&found, deadline).await? {
                return self.state(Found { object, ..found }, deadline).await;
            }
        }
        Err(contended(reference))
    }

    async fn release(
        &self,
        reference: &PlacementRef,
        owner: &PlacementOwner,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let mut found = match self.find(reference, deadline).await {
                Ok(found) => found,
                Err(failure) if failure.class() == FailureClass::Prerequisite => return Ok(()),
                Err(failure) => return Err(failure),
            };
            let ours = found.holder() == Some((owner.namespace.clone(), owner.name.clone()));
            let mut finalizers = found.finalizers();
            if !ours || !finalizers.contains(&owner.finalizer) {
                return Ok(());
            }
            finalizers.retain(|finalizer| *finalizer != owner.finalizer);
            found.object["metadata"]["finalizers"] = json!(finalizers);
            if self.write(&found, deadline).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended(reference))
    }

    async fn set(
        &self,
        reference: &PlacementRef,
        decisions: &[Decision],
        version: &DecisionsVersion,
        deadline: Deadline,
    ) -> Result<PlacementState, Failure> {
        let found = self.find_ours(reference, deadline).await?;
        let (present, at) = self.decisions(&found, deadline).await?;
        if at != *version {
            let cause = "its decisions were changed since they were read";
            return Err(Failure::new(FailureClass::Conflict, cause).about(reference));
        }
        if present == decisions {
            return self.state(found, deadline).await;
        }
        if found.kind == PlacementKind::Placement {
            self.set_of_placement(&found, decisions, version, deadline).await?;
        } else {
            self.set_of_rule(&found, decisions, deadline).await?;
        }
        // The status that was written may be the object's own.
        let found = self.find_ours(reference, deadline).await?;
        self.state(found, deadline).await
    }

    fn changes(&self) -> BoxStream<'static, PlacementRef> {
        self.changed.subscribe().map(|(reference, ())| reference).boxed()
    }
}

fn contended(reference: &PlacementRef) -> Failure {
    Failure::new(FailureClass::Conflict, "other writers keep changing it").about(reference)
}
