//! DRClusterConfig: what the hub tells a cluster about itself, and what the cluster finds there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{schema, wire::null_as_default};

/// What the hub tells a cluster about itself.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "DRClusterConfig",
    plural = "drclusterconfigs",
    status = "DRClusterConfigStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "A cluster's identity and schedules, from the hub, and the storage it has to offer, from the cluster. On the managed cluster, cluster-scoped; \
           its name is the cluster's name on the hub.\n\nStorage vendors read it to make classes for the schedules."
)]
pub struct DRClusterConfigSpec {
    /// Intervals of the policies this cluster is in, each once: a number and `m`, `h` or `d`. Storage vendors make a
    /// VolumeReplicationClass for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replication_schedules: Vec<String>,

    /// Identity of the cluster: the value of its claim `id.k8s.io`, the UID of namespace `kube-system`. Immutable.
    #[serde(rename = "clusterID")]
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "ClusterID is immutable"}]))]
    pub cluster_id: String,
}

schema::root_schema!(
    DRClusterConfig,
    DRClusterConfigSpec,
    DRClusterConfigStatus,
    "A cluster's identity and schedules, from the hub, and the storage it has to offer, from the cluster."
);

/// What the cluster has to offer. All lists are of names, and only of classes that carry Ramen's labels; the hub reads
/// the classes themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct DRClusterConfigStatus {
    /// `Processed`: whether the lists below are complete for this generation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// StorageClasses with label `ramendr.openshift.io/storageid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage_classes: Vec<String>,

    /// VolumeSnapshotClasses with label `ramendr.openshift.io/storageid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_snapshot_classes: Vec<String>,

    /// VolumeGroupSnapshotClasses with label `ramendr.openshift.io/storageid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_group_snapshot_classes: Vec<String>,

    /// VolumeReplicationClasses with label `ramendr.openshift.io/replicationid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_replication_classes: Vec<String>,

    /// VolumeGroupReplicationClasses with label `ramendr.openshift.io/groupreplicationid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_group_replication_classes: Vec<String>,

    /// NetworkFenceClasses with annotation `ramendr.openshift.io/storageid`, through which a peer can be fenced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_fence_classes: Vec<String>,

    /// Addresses from which this cluster was seen to reach its storage, by CSI driver. The hub compares them with the
    /// DRCluster's `cidrs`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage_access_details: Vec<StorageAccessDetail>,

    /// Networks with label `ramendr.openshift.io/dr-network: "true"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_attachments: Vec<NetworkAttachment>,
}

/// Addresses from which this cluster reaches one storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct StorageAccessDetail {
    /// CSI driver of the storage.
    pub storage_provisioner: String,

    /// Addresses of this cluster's nodes towards it, as CIDRs.
    #[serde(deserialize_with = "null_as_default")]
    pub cidrs: Vec<String>,
}

/// A network that virtual machines may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct NetworkAttachment {
    /// Name of the NetworkAttachmentDefinition.
    pub name: String,

    /// Its namespace.
    pub namespace: String,

    /// CNI plugin that serves it, such as `bridge`. Absent: its configuration does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cni_type: String,
}
