//! Conditions of one PVC, in `status.protectedPVCs[].conditions` of its VRG, set by the VRG controller.

crate::api::names::names! {
    /// Whether the PVC's data can be used (primary) or are being replicated (secondary).
    DATA_READY = "DataReady";
    /// Whether the peer has the PVC's data.
    DATA_PROTECTED = "DataProtected";
    /// Whether PV and PVC are in every object store.
    CLUSTER_DATA_PROTECTED = "ClusterDataProtected";
    /// Whether the storage knows the volume's identity on the peer; absent where it does not report it.
    DESTINATION_INFO_AVAILABLE = "DestinationInfoAvailable";
    /// VolSync, primary: the ReplicationSource or its group is set up.
    REPLICATION_SOURCE_SETUP = "ReplicationSourceSetup";
    /// VolSync: declared by RamenDR, never set.
    REPLICATION_DESTINATION_SETUP = "ReplicationDestinationSetup";
    /// VolSync: declared by RamenDR, never set; where it is found and not True the PVC is not protected.
    FINAL_SYNC_IN_PROGRESS = "FinalSyncInProgress";
    /// VolSync, primary: the PVC was restored from the last image.
    PVS_RESTORED = "PVsRestored";

    /// Usable, or destination known.
    REASON_READY = "Ready";
    /// Replicating, not complete.
    REASON_REPLICATING = "Replicating";
    /// Replicated completely.
    REASON_REPLICATED = "Replicated";
    /// On `DataProtected`: complete.
    REASON_DATA_PROTECTED = "DataProtected";
    /// Waiting for something that comes by itself.
    REASON_PROGRESSING = "Progressing";
    /// The message says what failed; a later pass may heal it.
    REASON_ERROR = "Error";
    /// As [`REASON_ERROR`], when even the state could not be read.
    REASON_UNKNOWN_ERROR = "UnknownError";
    /// No peer class of the policy fits the PVC's StorageClass.
    REASON_PEER_CLASS_NOT_FOUND = "PeerClassNotFound";
    /// The PVC's StorageClass carries no storage identity.
    REASON_STORAGE_ID_NOT_FOUND = "StorageIDNotFound";
    /// On `ClusterDataProtected`: under way.
    REASON_UPLOADING = "Uploading";
    /// On `ClusterDataProtected`: in every store.
    REASON_UPLOADED = "Uploaded";
    /// On `ClusterDataProtected`: a store did not take it.
    REASON_UPLOAD_ERROR = "UploadError";
    /// On `ClusterDataProtected`: stored, but the mark on PV or PVC could not be written.
    REASON_ANNOTATION_FAILED = "AnnotationFailed";
    /// On `ReplicationSourceSetup`: done.
    REASON_SOURCE_INITIALIZED = "SourceInitialized";
    /// On `ReplicationDestinationSetup`: declared only.
    REASON_DESTINATION_INITIALIZED = "DestinationInitialized";
    /// On `PVsRestored`: done.
    REASON_RESTORED = "Restored";
    /// On `FinalSyncInProgress`: declared only.
    REASON_SYNCING = "Syncing";
    /// On `FinalSyncInProgress`: declared only.
    REASON_SYNCED = "Synced";
}
