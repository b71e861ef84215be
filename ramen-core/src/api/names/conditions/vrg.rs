//! Conditions of a VolumeReplicationGroup, set by the VRG controller; the hub decides by them.

crate::api::names::names! {
    /// Whether the data of all PVCs can be used (primary) or are being replicated (secondary).
    DATA_READY = "DataReady";
    /// Whether the peer has the data of all PVCs; a primary that replicates continuously is normally False,
    /// `Replicating`.
    DATA_PROTECTED = "DataProtected";
    /// Whether PVs and PVCs are restored on this cluster; a secondary sets True, `Unused`, which makes the next
    /// promotion restore.
    CLUSTER_DATA_READY = "ClusterDataReady";
    /// Whether the workload's other resources are restored on this cluster.
    KUBE_OBJECTS_READY = "KubeObjectsReady";
    /// Whether PVs, PVCs, the VRG and the workload's other resources are in every object store.
    CLUSTER_DATA_PROTECTED = "ClusterDataProtected";
    /// Whether a discovered virtual machine was deleted on a secondary.
    AUTO_CLEANUP = "AutoCleanup";
    /// Whether nothing on the cluster contradicts the role: no stray PVC on a secondary, no stray virtual machine.
    NO_CLUSTER_DATA_CONFLICT = "NoClusterDataConflict";
    /// Whether the hooks of the recipe ran.
    HOOKS_READY = "HooksReady";
    /// Whether the storage knows every volume's identity on the peer; absent until one PVC reports it.
    DESTINATION_INFO_AVAILABLE = "DestinationInfoAvailable";
    /// Shared group: whether all VRGs on the cluster want one role.
    GLOBAL_STATE = "GlobalState";
    /// Shared group: whether this VRG's PVCs are out of use, so that the group may be demoted.
    GLOBAL_SECONDARY = "GlobalSecondary";

    /// Does not apply; yields to any other contribution when conditions are merged.
    REASON_UNUSED = "Unused";
    /// Nothing known yet.
    REASON_INITIALIZING = "Initializing";
    /// Data are replicating, not complete.
    REASON_REPLICATING = "Replicating";
    /// Data are complete on the secondary of a shared group.
    REASON_REPLICATED = "Replicated";
    /// On `DataReady` and `DestinationInfoAvailable`: ready.
    REASON_READY = "Ready";
    /// On `DataProtected`: complete.
    REASON_DATA_PROTECTED = "DataProtected";
    /// Waiting for something that comes by itself.
    REASON_PROGRESSING = "Progressing";
    /// On `ClusterDataReady`: done; a later generation does not restore again.
    REASON_RESTORED = "Restored";
    /// On `KubeObjectsReady`: done; a later generation does not restore again.
    REASON_KUBE_OBJECTS_RESTORED = "KubeObjectsRestored";
    /// The message says what failed.
    REASON_ERROR = "Error";
    /// As [`REASON_ERROR`], when even the state could not be read.
    REASON_UNKNOWN_ERROR = "UnknownError";
    /// On `ClusterDataProtected`: under way.
    REASON_UPLOADING = "Uploading";
    /// On `ClusterDataProtected`: in every store.
    REASON_UPLOADED = "Uploaded";
    /// On `ClusterDataProtected`: a store did not take it.
    REASON_UPLOAD_ERROR = "UploadError";
    /// On `ClusterDataProtected`: stored, but a mark could not be written.
    REASON_ANNOTATION_FAILED = "AnnotationFailed";
    /// On `ClusterDataProtected`: the VRG itself did not reach a store.
    REASON_VRG_OBJECT_CAPTURE_ERROR = "VolumeReplicationGroupObjectCaptureError";
    /// On `ClusterDataProtected`: no capture of the workload's resources has started.
    REASON_KUBE_OBJECTS_CAPTURE_NOT_STARTED = "KubeObjectsCaptureNotStarted";
    /// On `ClusterDataProtected`: a capture failed.
    REASON_KUBE_OBJECTS_CAPTURE_ERROR = "KubeObjectsCaptureError";
    /// On `ClusterDataProtected`: running captures could not be listed.
    REASON_KUBE_OBJECTS_CAPTURE_REQUESTS_QUERY_ERROR = "KubeObjectsCaptureRequestsQueryError";
    /// On `ClusterDataProtected`: finished captures could not be removed.
    REASON_KUBE_OBJECTS_CAPTURE_REQUESTS_DELETE_ERROR = "KubeObjectsCaptureRequestsDeleteError";
    /// On `ClusterDataProtected`: the older capture could not be removed from a store.
    REASON_KUBE_OBJECTS_REPLICA_DELETE_ERROR = "KubeObjectsReplicaDeleteError";
    /// On `ClusterDataProtected`: the recipe's workflow stopped.
    REASON_KUBE_OBJECTS_WORKFLOW_ERROR = "KubeObjectsWorkflowError";
    /// On `NoClusterDataConflict`: state of a primary; True and False share the reason for virtual machines.
    REASON_CLUSTER_DATA_CONFLICT_PRIMARY = "ClusterDataConflictPrimary";
    /// As [`REASON_CLUSTER_DATA_CONFLICT_PRIMARY`], of a secondary.
    REASON_CLUSTER_DATA_CONFLICT_SECONDARY = "ClusterDataConflictSecondary";
    /// On `NoClusterDataConflict`: VolSync finds none.
    REASON_NO_CONFLICT_DETECTED = "NoConflictDetected";
    /// On `AutoCleanup`: a PVC belongs to no virtual machine, so the user has to clean up; sticky.
    REASON_NOT_FEASIBLE = "NotFeasible";
    /// On `AutoCleanup`: the virtual machines are gone.
    REASON_COMPLETED = "Completed";
    /// On `HooksReady`: every hook ran.
    REASON_HOOK_EXECUTED = "HookExecuted";
    /// On `HooksReady`: a hook failed; the hub looks at it first.
    REASON_HOOK_FAILED = "HookFailed";
    /// On `GlobalState`: agreed.
    REASON_CONSENSUS_REACHED = "ConsensusReached";
    /// On `GlobalState`: not agreed.
    REASON_CONSENSUS_NOT_REACHED = "ConsensusNotReached";
    /// On `GlobalSecondary`: out of use.
    REASON_PVCS_NOT_IN_USE = "PVCsNotInUse";
    /// On `GlobalSecondary`: in use.
    REASON_PVCS_IN_USE = "PVCsInUse";
}
