//! Names that are the same everywhere.

crate::api::names::names! {
    /// ManifestWork of what a cluster needs before anything else: roles of the work agent and, with deployment
    /// automation, the operator.
    DR_CLUSTER_MANIFEST_WORK = "ramen-dr-cluster";
    /// ManifestWork of the DRClusterConfig.
    DRCLUSTERCONFIG_MANIFEST_WORK = "drcconfig-mw";
    /// First part of the names of NetworkFences.
    NETWORK_FENCE_PREFIX = "network-fence";
    /// Last part of the names of ManifestWorks.
    MANIFEST_WORK_SUFFIX = "-mw";
    /// Last part of the names of ManagedClusterViews.
    VIEW_SUFFIX = "-mcv";
    /// Last part of the name of a PVC that stands in for the application's during a final sync.
    FINAL_SYNC_PVC_SUFFIX = "-for-finalsync";
    /// Last part of the names of the local pair that rolls a PVC back.
    LOCAL_SUFFIX = "-local";
    /// First part of the names of mount jobs.
    MOUNT_JOB_PREFIX = "volsync-pvc-mount-";
    /// First part of the names of VolSync's source movers.
    SOURCE_MOVER_PREFIX = "volsync-rsync-tls-src-";
    /// First part of the names of VolSync's destination Services.
    DESTINATION_SERVICE_PREFIX = "volsync-rsync-tls-dst-";
    /// First part of the names of the diff mover's destination Services.
    DIFF_DESTINATION_SERVICE_PREFIX = "ceph-volsync-dst-";
    /// First part of the names of snapshots that a rollback by differences starts from.
    CURRENT_STATE_PREFIX = "current-state-";
}
