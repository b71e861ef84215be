//! VolumeReplicationGroup: an application's volumes on one cluster, and the role they have there.

// Each printer column has a type of its own; the lint takes equal ones for a repetition.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DRAction, Duration, KubeObjectProtectionSpec, KubeObjectProtectionStatus, PeerClass, PeerClasses, ProtectedPVC,
    StaticIPDiscoveryStatus, StaticIPTranslationSpec, VolSyncReplicationDestinationInfo, VolSyncSpec,
    names::phases,
    schema,
    wire::{empty_as_none, is_zero, null_as_default, open_enum},
};

open_enum! {
    /// The role that a cluster's copy of an application is to have, in `spec.replicationState`. In lower case, unlike
    /// [`State`].
    ReplicationState {
        /// The application writes here.
        Primary = phases::VRG_SPEC_PRIMARY,
        /// The volumes receive what the primary writes, and nobody else writes them.
        Secondary = phases::VRG_SPEC_SECONDARY,
    }
}

impl Default for ReplicationState {
    /// No role: the value of an object that says nothing. Controllers reject it, so that a forgotten field never makes
    /// a primary.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

open_enum! {
    /// The role that a cluster's copy has reached, in `status.state`. In upper case, unlike [`ReplicationState`].
    State {
        /// All volumes are primary and their metadata is here.
        Primary = phases::VRG_STATE_PRIMARY,
        /// All volumes are secondary, and after a relocation hold all that the old primary wrote.
        Secondary = phases::VRG_STATE_SECONDARY,
        /// Neither: something is under way or wrong.
        Unknown = phases::VRG_STATE_UNKNOWN,
    }
}

/// What the hub asks of one cluster.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "VolumeReplicationGroup",
    plural = "volumereplicationgroups",
    shortname = "vrg",
    namespaced,
    status = "VolumeReplicationGroupStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "The volumes of one application on one cluster, and the role they are to have there. On the managed cluster, namespaced, short name `vrg`; \
           its name is that of the DRPlacementControl.\n\nThe hub writes it on both clusters of a policy. The primary's is saved to the S3 stores too, \
           where its body usually has neither `kind` nor `apiVersion`: reading does not need them.",
    printcolumn(json_path = ".spec.replicationState", name = "desiredState", type_ = "string"),
    printcolumn(json_path = ".status.state", name = "currentState", type_ = "string")
)]
pub struct VolumeReplicationGroupSpec {
    /// Selects by label the PVCs that belong to the group; empty selects every PVC of its namespaces. A recipe with a
    /// volume selector overrides it.
    #[schemars(schema_with = "schema::label_selector")]
    pub pvc_selector: LabelSelector,

    /// The role of every volume of the group. The CRD admits any text; the controller reports one it does not know in
    /// condition `DataReady`.
    pub replication_state: ReplicationState,

    /// Names of the RamenConfig S3 profiles to which the primary saves what the other cluster needs. `NoS3` stands for
    /// no store. One that is unknown or cannot be used keeps `ClusterDataProtected` from becoming True.
    #[serde(deserialize_with = "null_as_default")]
    pub s3_profiles: Vec<String>,

    /// Parameters of asynchronous replication. Absent: not asynchronous. One of `async` and `sync` must be there.
    #[serde(default, rename = "async", skip_serializing_if = "Option::is_none")]
    pub async_: Option<VRGAsyncSpec>,

    /// Parameters of synchronous replication. Absent: not synchronous; present and empty is synchronous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<VRGSyncSpec>,

    /// VolSync's part.
    #[serde(default)]
    pub vol_sync: VolSyncSpec,

    /// Asks a primary to get ready to send its last writes; `status.prepareForFinalSyncComplete` answers. Relocation
    /// only; never together with `runFinalSync`. Absent is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prepare_for_final_sync: bool,

    /// Asks a primary whose application has stopped to send its last writes; `status.finalSyncComplete` answers.
    /// Relocation only. Absent is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub run_final_sync: bool,

    /// The action in which the group has got, or is losing, its role. Absent: the first deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<DRAction>,

    /// Marks a test failover: the primary role is for a copy, and nothing is saved to the stores. Absent is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,

    /// Asks for the Kubernetes resources to be captured and recovered too. Absent: volumes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_object_protection: Option<KubeObjectProtectionSpec>,

    /// Namespaces that the group covers. Absent: its own. Present, even empty: legal only in RamenConfig's
    /// `ramenOpsNamespace` if any is listed; an empty list there covers nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_namespaces: Option<Vec<String>>,

    /// New addresses of virtual machines on this cluster, applied when their resources are recovered. Absent: addresses
    /// are kept.
    #[serde(default, rename = "staticIPTranslationSpec", skip_serializing_if = "Option::is_none")]
    pub static_ip_translation_spec: Option<StaticIPTranslationSpec>,
}

schema::root_schema!(
    VolumeReplicationGroup,
    VolumeReplicationGroupSpec,
    VolumeReplicationGroupStatus,
    "The volumes of one application on one cluster, and the role they are to have there."
);

/// Parameters of asynchronous replication.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct VRGAsyncSpec {
    /// Selects by label the VolumeReplicationClasses that may be used; only `matchLabels` is read. Absent or empty:
    /// all.
    #[serde(default)]
    #[schemars(schema_with = "schema::label_selector")]
    pub replication_class_selector: LabelSelector,

    /// Selects by label the VolumeSnapshotClasses that VolSync may use. Absent or empty: all.
    #[serde(default)]
    #[schemars(schema_with = "schema::label_selector")]
    pub volume_snapshot_class_selector: LabelSelector,

    /// Selects by label the VolumeGroupSnapshotClasses that VolSync may use for consistency groups. Absent or empty:
    /// all.
    #[serde(default)]
    #[schemars(schema_with = "schema::label_selector")]
    pub volume_group_snapshot_class_selector: LabelSelector,

    /// How often data is sent to the other cluster: a number and `m`, `h` or `d`. A replication class must carry the
    /// same text as its parameter `schedulingInterval` to be used.
    #[schemars(regex(pattern = r"^\d+[mhd]$"))]
    pub scheduling_interval: String,

    /// Storage that the two clusters have in common, as far as the application uses it. Once set, the hub only changes
    /// it for a PVC with a class that is not covered. Empty: classes are picked by provisioner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer_classes: Vec<PeerClass>,
}

/// Parameters of synchronous replication: the storage that both clusters reach. With none, PVCs are not checked against
/// it.
pub type VRGSyncSpec = PeerClasses;

/// What a cluster reports of its copy of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VolumeReplicationGroupStatus {
    /// The role that has been reached. Absent: not processed yet.
    #[serde(deserialize_with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,

    /// The PVCs of the group.
    #[serde(rename = "protectedPVCs", skip_serializing_if = "Vec::is_empty")]
    pub protected_pvcs: Vec<ProtectedPVC>,

    /// Which of them are replicated together.
    #[serde(rename = "pvcgroups", skip_serializing_if = "Vec::is_empty")]
    pub pvc_groups: Vec<Groups>,

    /// Receivers that a secondary has set up for VolSync, for the hub to tell the primary. Absent on a primary.
    #[serde(rename = "rdInfo", skip_serializing_if = "Vec::is_empty")]
    pub rd_info: Vec<VolSyncReplicationDestinationInfo>,

    /// How the group as a whole stands: `DataReady`, `DataProtected`, `ClusterDataReady`, `ClusterDataProtected`,
    /// `KubeObjectsReady` and others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Generation of the spec that this status is about. Absent is 0: none.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,

    /// When this status last changed. Null: never.
    #[schemars(extend("nullable" = true))]
    pub last_update_time: Option<Time>,

    /// What has been captured of the Kubernetes resources.
    pub kube_object_protection: KubeObjectProtectionStatus,

    /// Answer to `spec.prepareForFinalSync`. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prepare_for_final_sync_complete: bool,

    /// Answer to `spec.runFinalSync`. Absent is false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub final_sync_complete: bool,

    /// Point in time up to which every volume has reached the other cluster. Absent: at least one never has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_time: Option<Time>,

    /// The longest that one of the volumes' last transfers took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_duration: Option<Duration>,

    /// Bytes that those transfers moved together; zero when nothing had changed. Absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_bytes: Option<i64>,

    /// Virtual machines of the application with addresses of their own. Absent: none were looked for.
    #[serde(rename = "staticIPDiscovery", skip_serializing_if = "Option::is_none")]
    pub static_ip_discovery: Option<StaticIPDiscoveryStatus>,
}

/// Names of PVCs, or of the replication sources that stand for them, that are replicated together at one point in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct Groups {
    /// The names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grouped: Vec<String>,
}
