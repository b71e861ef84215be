//! Which cluster an endpoint leads to, and which one it led to before.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use ramen_core::{
    intercluster::{
        ClusterName, Failure, FailureClass, ObjectKey, ResourceType,
        agent::{Remote, Trouble},
    },
    time::Deadline,
};
use serde_json::{Value, json};

/// ConfigMap on the hub in which the identities of clusters are on record, one key a cluster.
pub const IDENTITIES: &str = "ramen-cluster-identities";
/// Field manager of that ConfigMap.
const MANAGER: &str = "ramen-transport-direct";

/// The id of the cluster that a client leads to: the uid of its `kube-system` namespace, or where that may not be read its
/// ClusterClaim `id.k8s.io`.
pub(crate) async fn ask(remote: &Remote, deadline: Deadline) -> Result<String, Failure> {
    let key = ObjectKey::of::<Namespace>(remote.cluster.clone(), None, "kube-system");
    let answer = remote.get(&key, deadline).await;
    let uid = |object: &Value| object.pointer("/metadata/uid").and_then(Value::as_str).map(ToOwned::to_owned);
    match answer {
        Ok(Some(namespace)) => {
            uid(&namespace).ok_or_else(|| no_identity(remote, "its kube-system namespace has no uid"))
        }
        Ok(None) => {
            claim(remote, deadline).await?.ok_or_else(|| no_identity(remote, "it has no kube-system namespace"))
        }
        Err(Trouble::Failed(failure)) if failure.class() == FailureClass::Forbidden => {
            claim(remote, deadline).await.ok().flatten().ok_or(failure)
        }
        Err(trouble) => Err(trouble.into_failure(&key)),
    }
}

fn no_identity(remote: &Remote, cause: &str) -> Failure {
    Failure::new(FailureClass::Malformed, cause)
        .on(remote.cluster.clone())
        .remedy("check what answers at the API server's address; a proxy may")
}

async fn claim(remote: &Remote, deadline: Deadline) -> Result<Option<String>, Failure> {
    let resource = ResourceType {
        group: "cluster.open-cluster-management.io".into(),
        version: "v1alpha1".into(),
        kind: "ClusterClaim".into(),
        plural: "clusterclaims".into(),
        namespaced: false,
    };
    let key = ObjectKey::new(remote.cluster.clone(), resource, None, "id.k8s.io");
    match remote.get(&key, deadline).await {
        Ok(claim) => Ok(claim.and_then(|c| c.pointer("/spec/value")?.as_str().map(ToOwned::to_owned))),
        Err(Trouble::KindAbsent) => Ok(None),
        Err(trouble) => Err(trouble.into_failure(&key)),
    }
}

/// The identities on record.
#[derive(Debug)]
pub(crate) struct Identities {
    pub(crate) hub: Remote,
    pub(crate) namespace: String,
}

impl Identities {
    fn key(&self) -> ObjectKey {
        ObjectKey::of::<ConfigMap>(self.hub.cluster.clone(), Some(&self.namespace), IDENTITIES)
    }

    /// The id on record; it is put on record if there is none yet.
    pub(crate) async fn expect(
        &self,
        cluster: &ClusterName,
        found: &str,
        deadline: Deadline,
    ) -> Result<String, Failure> {
        let key = self.key();
        loop {
            let written = match self.hub.get(&key, deadline).await.map_err(|t| t.into_failure(&key))? {
                Some(mut map) => match map["data"][cluster.as_str()].as_str() {
                    Some(recorded) => return Ok(recorded.to_owned()),
                    None => {
                        if !map["data"].is_object() {
                            map["data"] = json!({});
                        }
                        map["data"][cluster.as_str()] = found.into();
                        self.hub.replace(&key, &map, MANAGER, deadline).await
                    }
                },
                None => {
                    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
                        "metadata": {"name": IDENTITIES, "namespace": self.namespace}, "data": {cluster.as_str(): found}});
                    self.hub.create(&key, &map, MANAGER, deadline).await
                }
            };
            match written {
                Ok(_) => return Ok(found.to_owned()),
                // Another replica wrote meanwhile: what it recorded counts.
                Err(Trouble::Changed | Trouble::Exists | Trouble::Absent) => {}
                Err(trouble) => return Err(trouble.into_failure(&key)),
            }
        }
    }
}
