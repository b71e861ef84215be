//! Objects of VolSync on a managed cluster. ReplicationSource and ReplicationDestination bear the name of the
//! application's PVC; replication
//! groups and their snapshots bear the value of the group's label.

use super::fixed::{
    CURRENT_STATE_PREFIX, DESTINATION_SERVICE_PREFIX, DIFF_DESTINATION_SERVICE_PREFIX, FINAL_SYNC_PVC_SUFFIX,
    LOCAL_SUFFIX, MOUNT_JOB_PREFIX, SOURCE_MOVER_PREFIX,
};
use crate::api::names::{
    hashes::{MAX_LABEL_LENGTH, crc32_hex},
    volsync::CLUSTERSET_DOMAIN,
};

/// Value of a consistency group, from the PVC's namespace and the *local* StorageClass's storage identity; each cluster
/// computes its own.
///
/// `<namespace>-<storage id>` while that fits a label; then the namespace is replaced by its CRC-32; with a storage
/// identity of 62 bytes or
/// more both are. Between 55 and 61 bytes the result exceeds a label's length, as RamenDR's does, and the API server
/// refuses it.
pub fn consistency_group(pvc_namespace: &str, storage_id: &str) -> String {
    let whole = format!("{pvc_namespace}-{storage_id}");
    if whole.len() <= MAX_LABEL_LENGTH {
        whole
    } else if storage_id.len() < MAX_LABEL_LENGTH - 1 {
        format!("{}-{storage_id}", crc32_hex(pvc_namespace))
    } else {
        format!("{}-{}", crc32_hex(pvc_namespace), crc32_hex(storage_id))
    }
}

/// Local ReplicationSource and ReplicationDestination that roll a PVC back.
pub fn local(pvc: &str) -> String {
    format!("{pvc}{LOCAL_SUFFIX}")
}

/// Group snapshot of one cycle that sends differences; otherwise it bears the group's name.
pub fn diff_group_snapshot(replication_group_source: &str, unix_seconds: i64) -> String {
    format!("{replication_group_source}-{unix_seconds}")
}

/// PVC restored from a group snapshot for the length of a cycle; the source may be the one of [`final_sync_pvc`].
pub fn restored_pvc(source_pvc: &str) -> String {
    format!("vs-{source_pvc}")
}

/// PVC that stands in for the application's during a final sync, since nothing can mount a PVC that is being deleted.
pub fn final_sync_pvc(pvc: &str) -> String {
    format!("{pvc}{FINAL_SYNC_PVC_SUFFIX}")
}

/// Snapshot that a rollback by differences starts from.
pub fn current_state_snapshot(pvc: &str) -> String {
    format!("{CURRENT_STATE_PREFIX}{pvc}")
}

/// Job that mounts a PVC once before its first sync.
pub fn mount_job(pvc: &str) -> String {
    shortened(MOUNT_JOB_PREFIX, pvc)
}

/// Job of VolSync that sends a PVC.
pub fn source_mover_job(pvc: &str) -> String {
    shortened(SOURCE_MOVER_PREFIX, pvc)
}

/// Service of VolSync that receives a PVC.
pub fn destination_service(pvc: &str) -> String {
    shortened(DESTINATION_SERVICE_PREFIX, pvc)
}

/// Service of the diff mover that receives a PVC.
pub fn diff_destination_service(pvc: &str) -> String {
    shortened(DIFF_DESTINATION_SERVICE_PREFIX, pvc)
}

/// Address of a Service in another cluster, by Submariner.
pub fn clusterset_address(service: &str, namespace: &str) -> String {
    format!("{service}.{namespace}.{CLUSTERSET_DOMAIN}")
}

/// Prefix and name, or prefix and CRC-32 of the name where that exceeds 63 bytes: as VolSync shortens since its pull
/// request 1519.
fn shortened(prefix: &str, name: &str) -> String {
    let whole = format!("{prefix}{name}");
    if whole.len() <= MAX_LABEL_LENGTH { whole } else { format!("{prefix}{}", crc32_hex(name)) }
}
