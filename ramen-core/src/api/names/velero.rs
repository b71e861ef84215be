//! Names of Velero that Ramen writes or reads. Formulas of object names are in
//! [`object_names::velero`](super::object_names::velero).

super::names! {
    /// Label with value `true`: Velero leaves the object out. On PlacementDecisions, since a stale one would place the
    /// application on the wrong cluster, and on what Ramen rebuilds.
    EXCLUDE_FROM_BACKUP = "velero.io/exclude-from-backup";
    /// Label of capture Backups with value `true`: KubeVirt's plugin does not ask for volume backups.
    KUBEVIRT_METADATA_BACKUP = "velero.kubevirt.io/metadataBackup";
    /// Finalizer Velero holds on a Restore.
    RESTORE_FINALIZER = "restores.velero.io/external-resources-finalizer";
    /// Phase of a BackupStorageLocation that a Backup needs.
    LOCATION_AVAILABLE = "Available";
    /// Provider of a BackupStorageLocation.
    LOCATION_PROVIDER = "aws";
    /// Phase of a Backup or Restore: accepted.
    PHASE_NEW = "New";
    /// Phase of a Backup or Restore: refused; retrying as it is cannot help.
    PHASE_FAILED_VALIDATION = "FailedValidation";
    /// Phase of a Backup or Restore: runs.
    PHASE_IN_PROGRESS = "InProgress";
    /// Phase of a Backup or Restore: waits for plugins.
    PHASE_WAITING_FOR_PLUGIN_OPERATIONS = "WaitingForPluginOperations";
    /// As [`PHASE_WAITING_FOR_PLUGIN_OPERATIONS`], after an error.
    PHASE_WAITING_FOR_PLUGIN_OPERATIONS_PARTIALLY_FAILED = "WaitingForPluginOperationsPartiallyFailed";
    /// Phase of a Backup or Restore: ends.
    PHASE_FINALIZING = "Finalizing";
    /// As [`PHASE_FINALIZING`], after an error.
    PHASE_FINALIZING_PARTIALLY_FAILED = "FinalizingPartiallyFailed";
    /// Phase of a Backup or Restore: done; the only good end.
    PHASE_COMPLETED = "Completed";
    /// Phase of a Backup or Restore: done, but not whole; never accepted.
    PHASE_PARTIALLY_FAILED = "PartiallyFailed";
    /// Phase of a Backup or Restore: failed. For the placeholder Backup of a recovery it means that the data are there.
    PHASE_FAILED = "Failed";
    /// Phase of a Backup: being deleted.
    PHASE_DELETING = "Deleting";
}
