//! Names of VolSync that Ramen writes or reads. Formulas of object names are in
//! [`object_names::volsync`](super::object_names::volsync).

super::names! {
    /// Label of an image in use and of a local ReplicationDestination, with value `true`: VolSync lets go of it, Ramen
    /// does not delete it.
    DO_NOT_DELETE = "volsync.backube/do-not-delete";
    /// Annotation of an application PVC: VolSync copies only when told; set with [`COPY_TRIGGER_STOPPED`] to stop
    /// copies before a final sync.
    USE_COPY_TRIGGER = "volsync.backube/use-copy-trigger";
    /// Value of [`USE_COPY_TRIGGER`].
    COPY_TRIGGER_STOPPED = "stopped-by-ramen";
    /// Annotation of an application namespace, set by the user with value `true`: movers may keep file ownership.
    PRIVILEGED_MOVERS = "volsync.backube/privileged-movers";
    /// Prefix of VolSync's annotations on PVCs; they never travel to a peer.
    ANNOTATION_PREFIX = "volsync.backube";
    /// Manual trigger of the final sync.
    FINAL_SYNC_TRIGGER = "vrg-final-sync";
    /// Manual trigger that stops the schedule before the final sync.
    PREPARE_FOR_FINAL_SYNC_TRIGGER = "PREPARE-FOR-FINAL-SYNC-STOP-SCHEDULING";
    /// Key of the pre-shared key in its Secret.
    PSK_KEY = "psk.txt";
    /// What the pre-shared key begins with; 64 random bytes in hex follow.
    PSK_PREFIX = "volsyncramen:";
    /// Domain of Services that Submariner exports.
    CLUSTERSET_DOMAIN = "svc.clusterset.local";
    /// Container of a mount job.
    MOUNT_JOB_CONTAINER = "prepare-pvc";
}
