//! Names of csi-addons: volume replication, group replication and network fencing.

super::names! {
    /// Annotation of a VolumeReplicationClass or VolumeGroupReplicationClass that wins among several, with value
    /// `true`.
    DEFAULT_CLASS = "replication.storage.openshift.io/is-default-class";
    /// Parameter of both classes: the interval of their policy, compared as text.
    PARAMETER_SCHEDULING_INTERVAL = "schedulingInterval";
    /// Prefix of the classes' own parameters, which the driver does not see; an unknown one is refused.
    PARAMETER_PREFIX = "replication.storage.openshift.io/";
    /// Parameter of a VolumeReplicationClass: Secret of replication.
    PARAMETER_REPLICATION_SECRET_NAME = "replication.storage.openshift.io/replication-secret-name";
    /// Namespace of it.
    PARAMETER_REPLICATION_SECRET_NAMESPACE = "replication.storage.openshift.io/replication-secret-namespace";
    /// Parameter of a VolumeGroupReplicationClass, and annotation of a content: Secret of group replication.
    PARAMETER_GROUP_REPLICATION_SECRET_NAME = "replication.storage.openshift.io/group-replication-secret-name";
    /// Namespace of it.
    PARAMETER_GROUP_REPLICATION_SECRET_NAMESPACE = "replication.storage.openshift.io/group-replication-secret-namespace";
    /// Prefix of csi-addons' annotations on PVCs; they never travel to a peer.
    ANNOTATION_PREFIX = "replication.storage.openshift.io";
    /// Annotation of a PVC: the VolumeReplication that acts on it.
    VOLUME_REPLICATION_NAME = "replication.storage.openshift.io/volume-replication-name";
    /// Annotation of a PVC: the group that acts on it; excludes [`VOLUME_REPLICATION_NAME`].
    VOLUME_GROUP_REPLICATION_NAME = "replication.storage.openshift.io/volume-group-replication-name";
    /// Finalizer csi-addons holds on a VolumeReplication, until replication is disabled.
    VOLUME_REPLICATION_FINALIZER = "replication.storage.openshift.io";
    /// Finalizer csi-addons holds on a PVC under replication.
    PVC_FINALIZER = "replication.storage.openshift.io/pvc-protection";
    /// Finalizer csi-addons holds on a group, its PVCs and its content.
    GROUP_FINALIZER = "replication.storage.openshift.io/vgr-protection";
    /// Finalizer csi-addons holds on a NetworkFence; its removal does not unfence.
    NETWORK_FENCE_FINALIZER = "csiaddons.openshift.io/network-fence";

    /// Desired state of a VolumeReplication or group, lower case.
    STATE_PRIMARY = "primary";
    /// Desired state, lower case.
    STATE_SECONDARY = "secondary";
    /// Desired state: discard own changes and follow the peer.
    STATE_RESYNC = "resync";
    /// Reported state, with a capital; keeps its last value when an operation fails.
    REPORTED_PRIMARY = "Primary";
    /// Reported state.
    REPORTED_SECONDARY = "Secondary";
    /// Reported state.
    REPORTED_UNKNOWN = "Unknown";

    /// Condition: the asked state was reached.
    COMPLETED = "Completed";
    /// Condition: the volume is not in sync with its peer.
    DEGRADED = "Degraded";
    /// Condition: the volume is catching up with its peer.
    RESYNCING = "Resyncing";
    /// Condition: prerequisites of replication are met; missing after a clean promotion.
    VALIDATED = "Validated";
    /// Condition: replication is healthy.
    REPLICATING = "Replicating";
    /// Condition: the volume's identity on the peer is known; absent where the driver does not tell.
    DESTINATION_INFO_AVAILABLE = "DestinationInfoAvailable";

    /// On `Completed`.
    REASON_PROMOTED = "Promoted";
    /// On `Completed`.
    REASON_DEMOTED = "Demoted";
    /// On `Completed`.
    REASON_FAILED_TO_PROMOTE = "FailedToPromote";
    /// On `Completed`.
    REASON_FAILED_TO_DEMOTE = "FailedToDemote";
    /// On `Completed` and `Resyncing`.
    REASON_FAILED_TO_RESYNC = "FailedToResync";
    /// On `Degraded`.
    REASON_ERROR = "Error";
    /// On `Degraded`.
    REASON_VOLUME_DEGRADED = "VolumeDegraded";
    /// On `Degraded`, False.
    REASON_HEALTHY = "Healthy";
    /// On `Resyncing`, True.
    REASON_RESYNC_TRIGGERED = "ResyncTriggered";
    /// On `Resyncing`, False.
    REASON_NOT_RESYNCING = "NotResyncing";
    /// On `Validated`, True.
    REASON_PREREQUISITE_MET = "PrerequisiteMet";
    /// On `Validated`, False.
    REASON_PREREQUISITE_NOT_MET = "PrerequisiteNotMet";
    /// On `Replicating`, True.
    REASON_REPLICATING = "Replicating";
    /// On `Replicating`, False.
    REASON_NOT_REPLICATING = "NotReplicating";
    /// On `DestinationInfoAvailable`, True.
    REASON_DESTINATION_INFO_UPDATED = "DestinationInfoUpdated";
    /// On `DestinationInfoAvailable`, False.
    REASON_DESTINATION_INFO_PENDING = "DestinationInfoPending";
    /// On `DestinationInfoAvailable`, False.
    REASON_FAILED_TO_GET_DESTINATION_INFO = "FailedToGetDestinationInfo";
    /// General success.
    REASON_SUCCESS = "Success";

    /// `spec.fenceState` of a NetworkFence; the default.
    FENCE_FENCED = "Fenced";
    /// `spec.fenceState` of a NetworkFence.
    FENCE_UNFENCED = "Unfenced";
    /// `status.result` of a NetworkFence.
    FENCE_SUCCEEDED = "Succeeded";
    /// `status.result` of a NetworkFence.
    FENCE_FAILED = "Failed";
    /// `status.message` after fencing. The kind has no `observedGeneration`, so the message is what tells a fresh
    /// result from the one before.
    FENCE_MESSAGE = "fencing operation successful";
    /// `status.message` after unfencing.
    UNFENCE_MESSAGE = "unfencing operation successful";
    /// Parameter of a NetworkFence: the storage cluster.
    FENCE_PARAMETER_CLUSTER_ID = "clusterID";
}
