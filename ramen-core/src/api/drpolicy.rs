//! DRPolicy: two clusters that protect each other's applications, and how often.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::LocalObjectReference,
    apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PeerClass, schema, wire::null_as_default};

/// What the administrator asks for.
///
/// Whether the DR is synchronous is not said here: it follows from the storage the two clusters have in common
/// (`status.sync`, `status.async`).
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    transform = schema::structural,
    extend("x-kubernetes-validations" = [
        {
            "rule": "has(oldSelf.replicationClassSelector) == has(self.replicationClassSelector)",
            "message": "replicationClassSelector is immutable"
        },
        {
            "rule": "has(oldSelf.volumeSnapshotClassSelector) == has(self.volumeSnapshotClassSelector)",
            "message": "volumeSnapshotClassSelector is immutable"
        }
    ])
)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "DRPolicy",
    plural = "drpolicies",
    status = "DRPolicyStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "Two clusters that protect each other's applications, and how often data goes across. On the hub, cluster-scoped; many DRPlacementControls \
           refer to one.\n\nIt cannot be deleted while one does."
)]
pub struct DRPolicySpec {
    /// How often data is sent to the other cluster: a number and `m`, `h` or `d`, such as `5m`. Also picks the
    /// replication classes, whose parameter `schedulingInterval` must be the same text. Empty or zero: the storage
    /// replicates synchronously. Immutable.
    #[schemars(
        regex(pattern = r"^(|\d+[mhd])$"),
        extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "schedulingInterval is immutable"}])
    )]
    pub scheduling_interval: String,

    /// Selects by label the VolumeReplicationClasses (and VolumeGroupReplicationClasses) that may be used. Empty, which
    /// the API server makes of an absent one: all. Of the selector only `matchLabels` is used. Immutable.
    #[serde(default)]
    #[schemars(
        schema_with = "schema::label_selector",
        extend(
            "x-default" = {},
            "x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "replicationClassSelector is immutable"}]
        )
    )]
    pub replication_class_selector: LabelSelector,

    /// Selects by label the VolumeSnapshotClasses that VolSync may use. Empty, which the API server makes of an absent
    /// one: all. Immutable.
    #[serde(default)]
    #[schemars(
        schema_with = "schema::label_selector",
        extend(
            "x-default" = {},
            "x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "volumeSnapshotClassSelector is immutable"}]
        )
    )]
    pub volume_snapshot_class_selector: LabelSelector,

    /// Selects by label the VolumeGroupSnapshotClasses that VolSync may use for consistency groups. Absent or empty:
    /// all.
    #[serde(default)]
    #[schemars(schema_with = "schema::label_selector")]
    pub volume_group_snapshot_class_selector: LabelSelector,

    /// Names of the two DRClusters. One that does not exist, or is not validated, is reported in condition `Validated`.
    /// Immutable.
    #[serde(deserialize_with = "null_as_default")]
    #[schemars(extend("x-kubernetes-validations" = [
        {"rule": "size(self) == 2", "message": "drClusters requires a list of 2 clusters"},
        {"rule": "self == oldSelf", "message": "drClusters is immutable"}
    ]))]
    pub dr_clusters: Vec<String>,

    /// ConfigMap, in the namespace of each DRPlacementControl, that maps the networks of one cluster to those of the
    /// other, for virtual machines with addresses of their own. Absent: addresses are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::local_object_reference")]
    pub network_mapping_ref: Option<LocalObjectReference>,
}

schema::root_schema!(
    DRPolicy,
    DRPolicySpec,
    DRPolicyStatus,
    "Two clusters that protect each other's applications, and how often data goes across."
);

/// What the hub found the two clusters to have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct DRPolicyStatus {
    /// `Validated`: whether applications may use the policy, and why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Storage that is replicated between the two clusters at the interval.
    #[serde(rename = "async")]
    pub async_: PeerClasses,

    /// Storage that both clusters reach. One entry makes every application of the policy a synchronous one.
    pub sync: PeerClasses,

    /// Networks that exist on both clusters and carry the label `ramendr.openshift.io/dr-network`. Absent without
    /// `networkMappingRef`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_peers: Vec<NetworkPeer>,
}

/// StorageClasses that the two clusters have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct PeerClasses {
    /// One entry for each StorageClass and pair of clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peer_classes: Vec<PeerClass>,
}

/// A network that exists on both clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct NetworkPeer {
    /// Name of the NetworkAttachmentDefinition on both clusters.
    pub nad_name: String,

    /// Its namespace on both clusters.
    pub nad_namespace: String,

    /// CNI plugin that serves it, by cluster name. Different plugins are reported, not refused.
    #[serde(default, rename = "clusterCNITypes", skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster_cni_types: BTreeMap<String, String>,
}
