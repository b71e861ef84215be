//! Phases, states and the desired values they answer to, kind by kind.

super::names! {
    /// DRPC `status.phase`: a recovered hub waits for the user's action.
    DRPC_WAIT_FOR_USER = "WaitForUser";
    /// DRPC: an action starts.
    DRPC_INITIATING = "Initiating";
    /// DRPC: the application is being placed for the first time.
    DRPC_DEPLOYING = "Deploying";
    /// DRPC: the application is placed.
    DRPC_DEPLOYED = "Deployed";
    /// DRPC: a failover runs.
    DRPC_FAILING_OVER = "FailingOver";
    /// DRPC: the target is primary; not yet ready when this is first shown.
    DRPC_FAILED_OVER = "FailedOver";
    /// DRPC: a relocate runs.
    DRPC_RELOCATING = "Relocating";
    /// DRPC: the target is primary and ready.
    DRPC_RELOCATED = "Relocated";
    /// DRPC: it is being deleted.
    DRPC_DELETING = "Deleting";

    /// `spec.action` of DRPC and VRG: bring the application up elsewhere, the old primary may be lost.
    ACTION_FAILOVER = "Failover";
    /// `spec.action` of DRPC and VRG: move the application without losing a write.
    ACTION_RELOCATE = "Relocate";

    /// VRG `spec.replicationState`, lower case.
    VRG_SPEC_PRIMARY = "primary";
    /// VRG `spec.replicationState`, lower case.
    VRG_SPEC_SECONDARY = "secondary";
    /// VRG `status.state`, with a capital: acts as primary and its data are ready.
    VRG_STATE_PRIMARY = "Primary";
    /// VRG `status.state`: acts as secondary and, after a relocate, its data are protected.
    VRG_STATE_SECONDARY = "Secondary";
    /// VRG `status.state`: anything else.
    VRG_STATE_UNKNOWN = "Unknown";

    /// DRCluster `spec.clusterFence`: not fenced.
    CLUSTER_FENCE_UNFENCED = "Unfenced";
    /// DRCluster `spec.clusterFence`: cut the cluster off its storage.
    CLUSTER_FENCE_FENCED = "Fenced";
    /// DRCluster `spec.clusterFence`: the administrator has cut it off.
    CLUSTER_FENCE_MANUALLY_FENCED = "ManuallyFenced";
    /// DRCluster `spec.clusterFence`: the administrator has let it back.
    CLUSTER_FENCE_MANUALLY_UNFENCED = "ManuallyUnfenced";

    /// DRCluster `status.phase`: first seen.
    DRCLUSTER_STARTING = "Starting";
    /// DRCluster: no fencing asked for.
    DRCLUSTER_AVAILABLE = "Available";
    /// DRCluster: NetworkFences are being created on the peer.
    DRCLUSTER_FENCING = "Fencing";
    /// DRCluster: fenced.
    DRCLUSTER_FENCED = "Fenced";
    /// DRCluster: NetworkFences are being reversed.
    DRCLUSTER_UNFENCING = "Unfencing";
    /// DRCluster: unfenced.
    DRCLUSTER_UNFENCED = "Unfenced";

    /// MaintenanceMode `spec.modes`: what the storage of a failover's target must do first; the only mode there is.
    MAINTENANCE_MODE_FAILOVER = "Failover";
    /// MaintenanceMode `status.state`, written by the storage vendor; information only.
    MAINTENANCE_STATE_UNKNOWN = "Unknown";
    /// MaintenanceMode `status.state`: activation failed.
    MAINTENANCE_STATE_ERROR = "Error";
    /// MaintenanceMode `status.state`: activation runs.
    MAINTENANCE_STATE_PROGRESSING = "Progressing";
    /// MaintenanceMode `status.state`: activated.
    MAINTENANCE_STATE_COMPLETED = "Completed";
}
