//! Values of `status.progression` of a DRPlacementControl: how far the action at hand has come. Users' scripts wait for
//! some of them.

super::names! {
    /// The action is complete and nothing is pending.
    COMPLETED = "Completed";
    /// Deploying: the VRG is about to be written for the preferred cluster.
    CREATING_MW = "CreatingMW";
    /// Deploying: the placement decision is about to be written.
    UPDATING_PL_RULE = "UpdatingPlRule";
    /// The target is primary but its data or cluster data are not ready.
    WAIT_FOR_READINESS = "WaitForReadiness";
    /// A discovered virtual machine is being deleted from the old primary by the operator.
    CLEANUP_READINESS = "CleanupReadiness";
    /// The other clusters are being made secondary; the only value with a space.
    CLEANING_UP = "Cleaning Up";
    /// A discovered application must be deleted from the old primary by the user, who waits for exactly this value.
    WAIT_ON_USER_TO_CLEAN_UP = "WaitOnUserToCleanUp";
    /// Failover: prerequisites are being checked.
    CHECKING_FAILOVER_PREREQUISITES = "CheckingFailoverPrerequisites";
    /// Failover: prerequisites are met, the target is being made primary.
    FAILING_OVER_TO_CLUSTER = "FailingOverToCluster";
    /// Failover between clusters with shared storage: the old primary is not yet fenced.
    WAIT_FOR_FENCING = "WaitForFencing";
    /// Failover with replicated storage: the target's storage has not yet activated its maintenance mode.
    WAIT_FOR_STORAGE_MAINTENANCE_ACTIVATION = "WaitForStorageMaintenanceActivation";
    /// Relocate: the source prepares its last sync.
    PREPARING_FINAL_SYNC = "PreparingFinalSync";
    /// Relocate: the placement decision is about to be cleared, so that the workload stops.
    CLEARING_PLACEMENT = "ClearingPlacement";
    /// Relocate: the source runs its last sync.
    RUNNING_FINAL_SYNC = "RunningFinalSync";
    /// Relocate: the last sync is done.
    FINAL_SYNC_COMPLETE = "FinalSyncComplete";
    /// Relocate: every cluster is being made secondary before the target is promoted.
    ENSURING_VOLUMES_ARE_SECONDARY = "EnsuringVolumesAreSecondary";
    /// Applications that share one group do not agree on the action.
    WAIT_ON_GLOBAL_ACTION = "WaitOnGlobalAction";
    /// The target was told to be primary and does not report it yet.
    WAITING_FOR_RESOURCE_RESTORE = "WaitingForResourceRestore";
    /// Declared by RamenDR and not reached in practice.
    UPDATED_PLACEMENT = "UpdatedPlacement";
    /// The secondary is being set up, whatever replicates.
    ENSURING_VOLSYNC_SETUP = "EnsuringVolSyncSetup";
    /// The secondary's replication destinations are being set up; also shown without VolSync.
    SETTING_UP_VOLSYNC_DEST = "SettingUpVolSyncDest";
    /// The DRPC is being deleted.
    DELETING = "Deleting";
    /// The DRPC is deleted; never stored.
    DELETED = "Deleted";
    /// A recovered hub waits for the user to decide.
    PAUSED = "Paused";
    /// A test failover is being held.
    TESTING_FAILOVER = "TestingFailover";
}
