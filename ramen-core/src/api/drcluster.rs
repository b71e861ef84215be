//! DRCluster: a cluster that takes part in DR, and its fence.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    MModeState,
    names::phases,
    schema,
    wire::{closed_enum, empty_as_none, open_enum},
};

closed_enum! {
    /// Whether a cluster is to be cut off from the storage it shares with its peers.
    ClusterFenceState {
        /// Let it reach the storage again, and remove the fence once it does.
        Unfenced,
        /// Cut it off, through a peer.
        Fenced,
        /// The administrator has cut it off by own means; the hub takes their word.
        ManuallyFenced,
        /// The administrator has let it back in; the hub takes their word.
        ManuallyUnfenced,
    }
}

open_enum! {
    /// Where a cluster stands, in `status.phase`.
    DRClusterPhase {
        /// In use, no fencing asked for.
        Available = phases::DRCLUSTER_AVAILABLE,
        /// Being validated.
        Starting = phases::DRCLUSTER_STARTING,
        /// Being cut off from its storage.
        Fencing = phases::DRCLUSTER_FENCING,
        /// Cut off from its storage.
        Fenced = phases::DRCLUSTER_FENCED,
        /// Being let back in.
        Unfencing = phases::DRCLUSTER_UNFENCING,
        /// Let back in.
        Unfenced = phases::DRCLUSTER_UNFENCED,
    }
}

/// What the administrator asks for.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "DRCluster",
    plural = "drclusters",
    status = "DRClusterStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "A cluster that takes part in DR. On the hub, cluster-scoped; its name is the cluster's name there.\n\nIt cannot be deleted while a DRPolicy \
           names it."
)]
pub struct DRClusterSpec {
    /// Address ranges, as CIDRs, from which the nodes of this cluster reach the storage; fencing blocks them. Absent:
    /// fencing fails. A range that is no CIDR is reported in conditions `Validated` and `CIDRsValidated`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<String>,

    /// Whether the cluster is to be cut off from its storage. Absent: no fencing is asked for, and what is left of an
    /// earlier one is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_fence: Option<ClusterFenceState>,

    /// Clusters of the same region share storage; a peer of the same region is asked to fence this one. Immutable once
    /// it has a value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "region is immutable"}]))]
    pub region: String,

    /// Name of the RamenConfig S3 profile from which applications that move *to* this cluster are restored; those that
    /// run on it are saved to the profiles of the others. A profile that is unknown or cannot be used is reported in
    /// condition `Validated`. Immutable.
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "s3ProfileName is immutable"}]))]
    pub s3_profile_name: String,
}

schema::root_schema!(DRCluster, DRClusterSpec, DRClusterStatus, "A cluster that takes part in DR.");

/// What the hub knows of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct DRClusterStatus {
    /// Where the cluster stands. Absent: not processed yet.
    #[serde(deserialize_with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub phase: Option<DRClusterPhase>,

    /// `Validated`, `Fenced`, `Clean` and `CIDRsValidated`. A failover of synchronously replicated volumes waits for
    /// `Fenced`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Maintenance modes that are asked of this cluster's storage, with what it answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance_modes: Vec<ClusterMaintenanceMode>,
}

/// A MaintenanceMode of the cluster, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct ClusterMaintenanceMode {
    /// CSI driver it is asked of.
    pub storage_provisioner: String,

    /// Storage or replication instance it is asked of.
    #[serde(rename = "targetID")]
    pub target_id: String,

    /// How far the storage has got.
    pub state: MModeState,

    /// Its conditions; `FailoverActivated` True lets a failover start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}
