//! DRPlacementControl: one protected application, as its owner sees it on the hub.

// Each printer column has a type of its own; the lint takes equal ones for a repetition.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::{
    api::core::v1::ObjectReference,
    apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time},
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DiscoveredResource, Duration, Groups, KubeObjectProtectionSpec, VolSyncSpec,
    names::{phases, progressions},
    schema,
    wire::{closed_enum, empty_as_none, is_zero, open_enum},
};

closed_enum! {
    /// What a user can ask for, beyond the first deployment. A DRPlacementControl carries it, and the hub copies it
    /// into the VolumeReplicationGroup.
    DRAction {
        /// Run on `failoverCluster` from the replica there, whether or not the present cluster can be reached. Writes
        /// that did not reach the replica are lost.
        Failover,
        /// Move to `preferredCluster` without losing a write: stop the application, send what is left, then start
        /// there. Needs both clusters.
        Relocate,
    }
}

open_enum! {
    /// Where an application stands on its way, in `status.phase`.
    DRState {
        /// The hub has been rebuilt and cannot tell what to do: a user must set `spec.action`.
        WaitForUser = phases::DRPC_WAIT_FOR_USER,
        /// An action has been accepted and its start is being prepared.
        Initiating = phases::DRPC_INITIATING,
        /// The first deployment is under way.
        Deploying = phases::DRPC_DEPLOYING,
        /// Deployed on the preferred cluster, no action pending.
        Deployed = phases::DRPC_DEPLOYED,
        /// A failover is under way.
        FailingOver = phases::DRPC_FAILING_OVER,
        /// The failover cluster has been told to run the application. See condition `Available` for whether it does,
        /// `PeerReady` for the clean-up.
        FailedOver = phases::DRPC_FAILED_OVER,
        /// A relocation is under way.
        Relocating = phases::DRPC_RELOCATING,
        /// The application runs on the preferred cluster again. See `PeerReady` for the clean-up.
        Relocated = phases::DRPC_RELOCATED,
        /// Protection is being taken away; the application stays.
        Deleting = phases::DRPC_DELETING,
    }
}

open_enum! {
    /// The step of the phase, in `status.progression`: what is being done, or waited for.
    ProgressionStatus {
        /// Nothing is left to do.
        Completed = progressions::COMPLETED,
        /// The VolumeReplicationGroup is being handed to the cluster.
        CreatingMW = progressions::CREATING_MW,
        /// The placement decision is being set.
        UpdatingPlRule = progressions::UPDATING_PL_RULE,
        /// The target runs as primary; waiting for its data and metadata to be ready.
        WaitForReadiness = progressions::WAIT_FOR_READINESS,
        /// Checking whether the old cluster is ready to be cleaned up.
        CleanupReadiness = progressions::CLEANUP_READINESS,
        /// The other clusters are being turned into secondaries.
        CleaningUp = progressions::CLEANING_UP,
        /// Waiting for the user to delete the application's resources from the old cluster: no GitOps controller does.
        WaitOnUserToCleanUp = progressions::WAIT_ON_USER_TO_CLEAN_UP,
        /// Checking what must hold before a failover may start.
        CheckingFailoverPrerequisites = progressions::CHECKING_FAILOVER_PREREQUISITES,
        /// The failover cluster is being told to take over.
        FailingOverToCluster = progressions::FAILING_OVER_TO_CLUSTER,
        /// Waiting for the present cluster to be fenced off from the storage they share.
        WaitForFencing = progressions::WAIT_FOR_FENCING,
        /// Waiting for the storage to confirm its maintenance mode for failovers.
        WaitForStorageMaintenanceActivation = progressions::WAIT_FOR_STORAGE_MAINTENANCE_ACTIVATION,
        /// Waiting for the present primary to get ready to send its last writes.
        PreparingFinalSync = progressions::PREPARING_FINAL_SYNC,
        /// The placement decision is being cleared, so that the application stops.
        ClearingPlacement = progressions::CLEARING_PLACEMENT,
        /// Waiting for the last writes to be sent.
        RunningFinalSync = progressions::RUNNING_FINAL_SYNC,
        /// The last writes have been sent.
        FinalSyncComplete = progressions::FINAL_SYNC_COMPLETE,
        /// Waiting for the volumes to be secondary everywhere.
        EnsuringVolumesAreSecondary = progressions::ENSURING_VOLUMES_ARE_SECONDARY,
        /// Waiting for the applications that share the replication group to ask for the same action.
        WaitOnGlobalAction = progressions::WAIT_ON_GLOBAL_ACTION,
        /// Waiting for the volumes' metadata to be restored on the target.
        WaitingForResourceRestore = progressions::WAITING_FOR_RESOURCE_RESTORE,
        /// The placement decision has been set.
        UpdatedPlacement = progressions::UPDATED_PLACEMENT,
        /// Checking the secondary's receiving side.
        EnsuringVolSyncSetup = progressions::ENSURING_VOLSYNC_SETUP,
        /// The secondary's receiving side is being set up.
        SettingUpVolSyncDest = progressions::SETTING_UP_VOLSYNC_DEST,
        /// Protection is being taken away.
        Deleting = progressions::DELETING,
        /// Protection has been taken away.
        Deleted = progressions::DELETED,
        /// Stopped until a user has decided.
        Paused = progressions::PAUSED,
        /// A test failover is holding, with the application live on two clusters.
        TestingFailover = progressions::TESTING_FAILOVER,
    }
}

/// What the owner of an application asks for.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
#[kube(
    group = "ramendr.openshift.io",
    version = "v1alpha1",
    kind = "DRPlacementControl",
    plural = "drplacementcontrols",
    shortname = "drpc",
    namespaced,
    status = "DRPlacementControlStatus",
    derive = "PartialEq",
    derive = "Default",
    schema = "manual",
    doc = "One protected application: which volumes and resources belong to it, which policy protects it, where it is to run. On the hub, namespaced, \
           short name `drpc`.\n\nDeleting it takes the protection away and leaves the application where it runs.",
    printcolumn(json_path = ".metadata.creationTimestamp", name = "Age", type_ = "date"),
    printcolumn(json_path = ".spec.preferredCluster", name = "preferredCluster", type_ = "string"),
    printcolumn(json_path = ".spec.failoverCluster", name = "failoverCluster", type_ = "string"),
    printcolumn(json_path = ".spec.action", name = "desiredState", type_ = "string"),
    printcolumn(json_path = ".status.phase", name = "currentState", type_ = "string"),
    printcolumn(json_path = ".status.progression", name = "progression", type_ = "string", priority = 2),
    printcolumn(json_path = ".status.actionStartTime", name = "start time", type_ = "string", priority = 2),
    printcolumn(json_path = ".status.actionDuration", name = "duration", type_ = "string", priority = 2),
    printcolumn(json_path = ".status.conditions[1].status", name = "peer ready", type_ = "string", priority = 2)
)]
pub struct DRPlacementControlSpec {
    /// The Placement (or PlacementRule) that decides where the application runs; the hub takes its decisions over. Only
    /// the name is read, a Placement is looked for first; the namespace must be empty or that of the
    /// DRPlacementControl. Immutable.
    #[schemars(
        schema_with = "schema::object_reference",
        extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "placementRef is immutable"}])
    )]
    pub placement_ref: ObjectReference,

    /// Namespaces of an application that no GitOps controller deploys. Absent or empty: the application is the one that
    /// the placement deploys, and only its namespace is protected. Given: the DRPlacementControl and its placement must
    /// be in RamenConfig's `ramenOpsNamespace`, and that namespace cannot be listed; anything else is reported in
    /// condition `Available`. May be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_namespaces: Option<Vec<String>>,

    /// The DRPolicy that protects the application: its two clusters, its interval. Only the name is read. A policy that
    /// does not exist, is being deleted or is not validated is reported in condition `Available`. Immutable.
    #[schemars(
        schema_with = "schema::object_reference",
        extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "drPolicyRef is immutable"}])
    )]
    pub dr_policy_ref: ObjectReference,

    /// Cluster the application is deployed to first, and relocated to later: a name in the policy. In practice
    /// required: with none, the first deployment is refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preferred_cluster: String,

    /// Cluster to fail over to: a name in the policy. Required by action `Failover`, which is refused without it: there
    /// is no default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failover_cluster: String,

    /// Selects by label the PVCs that belong to the application; an empty selector selects every PVC of its namespaces.
    /// A recipe with a volume selector of its own overrides it. Immutable.
    #[schemars(
        schema_with = "schema::label_selector",
        extend("x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": "pvcSelector is immutable"}])
    )]
    pub pvc_selector: LabelSelector,

    /// What to do. Absent: deploy to `preferredCluster`, or leave things as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<DRAction>,

    /// Makes `Failover` a test: the failover cluster runs a copy while the application goes on where it is, until the
    /// test is taken back. Absent is false. Setting it to false during a test with action and cluster unchanged turns
    /// the test into a real failover.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,

    /// Asks for the application's Kubernetes resources to be captured and recovered too. Absent: only volumes are
    /// protected, and a GitOps controller brings the rest back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_object_protection: Option<KubeObjectProtectionSpec>,

    /// How VolSync runs for this application; only `moverConfig` is read. Absent: VolSync's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vol_sync_spec: Option<VolSyncSpec>,

    /// Keeps the annotations of OpenShift's security context constraints when the application's namespaces are made on
    /// the other cluster. Has an effect only where RamenConfig's field of the same name is true too, and is an error
    /// where it is not. Absent is false.
    #[serde(default, rename = "retainNamespaceSCCAcrossPeers", skip_serializing_if = "std::ops::Not::not")]
    pub retain_namespace_scc_across_peers: bool,
}

schema::root_schema!(
    DRPlacementControl,
    DRPlacementControlSpec,
    DRPlacementControlStatus,
    "One protected application: which volumes and resources belong to it, which policy protects it, where it is to run."
);

/// What the hub knows of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct DRPlacementControlStatus {
    /// Where the application stands. Absent: not processed yet, or the hub was rebuilt and is finding out.
    #[serde(deserialize_with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub phase: Option<DRState>,

    /// Generation of the spec that `phase` is about. Written when the phase changes, so it may lag behind one that
    /// changed nothing. Absent is 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,

    /// When the present or last action, or the deletion, started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_start_time: Option<Time>,

    /// How long that action took. Absent while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_duration: Option<Duration>,

    /// The step of the phase. Absent right after an action was accepted.
    #[serde(deserialize_with = "empty_as_none", skip_serializing_if = "Option::is_none")]
    pub progression: Option<ProgressionStatus>,

    /// The preferred cluster of the first deployment. Not the cluster the application runs on now.
    pub preferred_decision: PlacementDecision,

    /// Conditions, in an order that readers rely on: `Available` first, `PeerReady` second, `Protected` third, others
    /// as they appear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// The VolumeReplicationGroup of the primary, as last seen.
    pub resource_conditions: VRGConditions,

    /// When this status was last written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,

    /// Point in time up to which every volume has reached the other cluster: the oldest of their last transfers. What a
    /// failover would lose is younger. Absent: no transfer of all volumes yet, or the DR is synchronous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_time: Option<Time>,

    /// The longest that one of those transfers took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_duration: Option<Duration>,

    /// Bytes that those transfers moved together; zero when nothing had changed. Absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_group_sync_bytes: Option<i64>,

    /// When the last capture of Kubernetes resources ended. Absent: none yet, or not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_kube_object_protection_time: Option<Time>,
}

/// A cluster that was decided for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct PlacementDecision {
    /// Name of the cluster. Empty: none yet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_name: String,

    /// Namespace on the hub that stands for the cluster, named like it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_namespace: String,
}

/// The primary's VolumeReplicationGroup, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::structural)]
pub struct VRGConditions {
    /// Which object, and what it protects.
    pub resource_meta: VRGResourceMeta,

    /// Its conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// Identity of the primary's VolumeReplicationGroup and names of what it protects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::structural)]
pub struct VRGResourceMeta {
    /// Its kind, `VolumeReplicationGroup`. Empty, like the name, until one was seen.
    pub kind: String,

    /// Its name, that of the DRPlacementControl.
    pub name: String,

    /// Its namespace on the cluster.
    pub namespace: String,

    /// Its generation when it was seen.
    pub generation: i64,

    /// Names of the PVCs it protects.
    #[serde(default, rename = "protectedpvcs", skip_serializing_if = "Vec::is_empty")]
    pub protected_pvcs: Vec<String>,

    /// Which of them are replicated together.
    #[serde(default, rename = "pvcgroups", skip_serializing_if = "Vec::is_empty")]
    pub pvc_groups: Vec<Groups>,

    /// Its resourceVersion when it was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_version: String,

    /// Virtual machines of the application with addresses of their own. Absent: none.
    #[serde(default, rename = "protectedStaticIPVMs", skip_serializing_if = "Vec::is_empty")]
    pub protected_static_ip_vms: Vec<DiscoveredResource>,
}
