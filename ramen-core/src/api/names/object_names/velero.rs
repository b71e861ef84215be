//! Velero objects of a capture or recovery. `--` joins, which names may hold too: the owner's labels tell whose object
//! it is.

/// Backup and BackupStorageLocation of one group and S3 profile; without a recipe the group is empty.
pub fn capture(vrg_namespace: &str, vrg: &str, slot: u8, group: &str, s3_profile: &str) -> String {
    format!("{vrg_namespace}--{vrg}--{slot}--{group}--{s3_profile}")
}

/// Restore of one step of the recovery workflow; hooks count as steps, slot and profile are no part of it.
pub fn restore(vrg_namespace: &str, vrg: &str, step: usize) -> String {
    format!("{vrg_namespace}--{vrg}--{step}")
}
