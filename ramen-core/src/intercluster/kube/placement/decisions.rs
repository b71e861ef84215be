//! The list of decisions: in a PlacementDecision for a Placement, in the status of a PlacementRule.

use serde_json::{Value, json};

use super::{Found, KubePlacement, MANAGER};
use crate::{
    api::{
        foreign,
        names::{labels, ocm, velero},
    },
    intercluster::{
        Decision, DecisionsVersion, Failure, FailureClass, ObjectKey, PlacementKind, ResourceType, agent::Trouble,
    },
    time::Deadline,
};

/// Names `<placement>-decision-<n>` that are tried for a new PlacementDecision.
const NAMES: u32 = 5;

impl KubePlacement {
    /// The decisions and their version.
    pub(super) async fn decisions(
        &self,
        found: &Found,
        deadline: Deadline,
    ) -> Result<(Vec<Decision>, DecisionsVersion), Failure> {
        if found.kind == PlacementKind::Placement {
            let decision = self.decision_object(found, deadline).await?;
            let listed = decision.as_ref().map(|d| list(d, "/status/decisions")).unwrap_or_default();
            Ok((listed, version(decision.as_ref())))
        } else {
            Ok((list(&found.object, "/status/decisions"), version(Some(&found.object))))
        }
    }

    /// The one PlacementDecision of the Placement.
    async fn decision_object(&self, found: &Found, deadline: Deadline) -> Result<Option<Value>, Failure> {
        let resource = ResourceType::of::<foreign::PlacementDecision>();
        let selector = format!("{}={}", ocm::PLACEMENT, found.key.name);
        let listed = self.hub.list(&resource, found.key.namespace.as_deref(), Some(&selector), deadline).await;
        let mut all = match listed {
            Ok(all) => all,
            Err(trouble) => return Err(trouble.into_failure(&found.key)),
        };
        if all.len() > 1 {
            let cause = format!("{} PlacementDecisions are labelled for it", all.len());
            let remedy = "delete those that Ramen did not create";
            return Err(Failure::new(FailureClass::Invalid, cause).about(&found.key).remedy(remedy));
        }
        Ok(all.pop().map(|mut decision| {
            decision["apiVersion"] = resource.api_version().into();
            decision["kind"] = resource.kind.clone().into();
            decision
        }))
    }

    pub(super) async fn set_of_placement(
        &self,
        found: &Found,
        decisions: &[Decision],
        expected: &DecisionsVersion,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let present = self.decision_object(found, deadline).await?;
        if version(present.as_ref()) != *expected {
            let cause = "its decisions were changed since they were read";
            return Err(Failure::new(FailureClass::Conflict, cause).about(&found.key));
        }
        let mut object = match present {
            Some(object) => self.label(found, object, deadline).await?,
            None => self.create(found, deadline).await?,
        };
        let listed: Vec<_> = decisions.iter().map(|d| json!({"clusterName": d.cluster, "reason": d.reason})).collect();
        object["status"]["decisions"] = listed.into();
        self.write_status(&key(found, &object), &object, deadline).await
    }

    pub(super) async fn set_of_rule(
        &self,
        found: &Found,
        decisions: &[Decision],
        deadline: Deadline,
    ) -> Result<(), Failure> {
        if decisions.iter().any(Decision::is_retained) {
            let cause = "a PlacementRule cannot keep a workload on a cluster that is not its decision";
            return Err(Failure::new(FailureClass::Unsupported, cause).about(&found.key).remedy("use a Placement"));
        }
        let mut object = found.object.clone();
        let name = |d: &Decision| json!({"clusterName": d.cluster, "clusterNamespace": d.cluster});
        object["status"]["decisions"] = decisions.iter().map(name).collect();
        self.write_status(&found.key, &object, deadline).await
    }

    /// One write: who watches sees the list before or the list after.
    async fn write_status(&self, key: &ObjectKey, object: &Value, deadline: Deadline) -> Result<(), Failure> {
        match self.hub.replace_status(key, object, deadline).await {
            Ok(_) => Ok(()),
            Err(trouble) => Err(trouble.into_failure(key)),
        }
    }

    /// Backups must not restore a decision: the label that keeps them off is set on decisions of older versions, too.
    async fn label(&self, found: &Found, mut object: Value, deadline: Deadline) -> Result<Value, Failure> {
        if object["metadata"]["labels"][velero::EXCLUDE_FROM_BACKUP] == "true" {
            return Ok(object);
        }
        object["metadata"]["labels"][velero::EXCLUDE_FROM_BACKUP] = "true".into();
        let key = key(found, &object);
        self.hub.replace(&key, &object, MANAGER, deadline).await.map_err(|t| t.into_failure(&key))
    }

    async fn create(&self, found: &Found, deadline: Deadline) -> Result<Value, Failure> {
        let mut taken = Trouble::Exists;
        for index in 1..=NAMES {
            let object = decision_of(found, index);
            let key = key(found, &object);
            match self.hub.create(&key, &object, MANAGER, deadline).await {
                Ok(object) => return Ok(object),
                Err(Trouble::Exists) => {
                    self.ensure_foreign(found, &key, deadline).await?;
                    taken = Trouble::Exists;
                }
                Err(trouble) => return Err(trouble.into_failure(&key)),
            }
        }
        Err(taken.into_failure(&found.key))
    }

    /// The name may only be passed over if somebody else's object has it: one for this Placement was created by another replica
    /// since the list was read, and a second one would leave the Placement with two lists.
    async fn ensure_foreign(&self, found: &Found, key: &ObjectKey, deadline: Deadline) -> Result<(), Failure> {
        let present = self.hub.get(key, deadline).await.map_err(|t| t.into_failure(key))?;
        if present.is_some_and(|object| object["metadata"]["labels"][ocm::PLACEMENT] != found.key.name) {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Conflict, "its decisions are being created by another writer").about(&found.key))
    }
}

/// A new PlacementDecision, without decisions yet.
fn decision_of(found: &Found, index: u32) -> Value {
    let resource = ResourceType::of::<foreign::PlacementDecision>();
    json!({
        "apiVersion": resource.api_version(),
        "kind": resource.kind,
        "metadata": {
            "name": format!("{}-decision-{index}", found.key.name),
            "namespace": found.key.namespace,
            "labels": {
                ocm::PLACEMENT: found.key.name,
                velero::EXCLUDE_FROM_BACKUP: "true",
                labels::CREATED_BY_RAMEN: "true",
            },
            "ownerReferences": [{
                "apiVersion": found.key.resource.api_version(),
                "kind": found.key.resource.kind,
                "name": found.key.name,
                "uid": found.object["metadata"]["uid"],
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
    })
}

fn key(found: &Found, decision: &Value) -> ObjectKey {
    let name = decision.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let resource = ResourceType::of::<foreign::PlacementDecision>();
    ObjectKey::new(found.key.cluster.clone(), resource, found.key.namespace.as_deref(), name)
}

fn list(object: &Value, pointer: &str) -> Vec<Decision> {
    let entries = object.pointer(pointer).and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(|entry| {
        let cluster = entry["clusterName"].as_str()?;
        // A rule has no reasons; its decisions are live.
        Some(match entry.get("reason").and_then(Value::as_str) {
            Some(reason) => Decision { cluster: cluster.into(), reason: reason.into() },
            None => Decision::live(cluster),
        })
    });
    entries.collect()
}

/// Identity and resource version of the object that holds the list.
fn version(object: Option<&Value>) -> DecisionsVersion {
    let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let version = object.map(|o| format!("{}/{}", text(o, "uid"), text(o, "resourceVersion")));
    DecisionsVersion(version.unwrap_or_else(|| "none".into()))
}
