//! Objects of native volume replication on a managed cluster. A VolumeReplication bears the name and namespace of its
//! PVC.

use crate::api::names::hashes::trim_to_label_length;

/// VolumeGroupReplication of a group of one VRG: `vgr-<group>-<vrg>` in lower case, cut to 63 bytes without a hash, so
/// that long names can meet.
pub fn volume_group_replication(group: &str, vrg: &str) -> String {
    trim_to_label_length(&format!("vgr-{}-{}", group.to_lowercase(), vrg.to_lowercase())).to_owned()
}

/// VolumeGroupReplication that several VRGs share, and the value of their label; cut as [`volume_group_replication`].
pub fn global_volume_group_replication(group_replication_id: &str) -> String {
    trim_to_label_length(&format!("global-{}", group_replication_id.to_lowercase())).to_owned()
}

/// VolumeGroupReplicationContent that csi-addons makes for a VolumeGroupReplication.
pub fn volume_group_replication_content(vgr_uid: &str) -> String {
    format!("vgrcontent-{vgr_uid}")
}

/// VolumeReplication that csi-addons makes for a VolumeGroupReplication.
pub fn group_volume_replication(vgr_uid: &str) -> String {
    format!("vr-{vgr_uid}")
}

/// VolumeSnapshot of a PVC in a test failover.
pub fn dry_run_snapshot(pvc: &str) -> String {
    format!("{pvc}-snapshot")
}

/// ConfigMap of Velero resource modifiers for static IP addresses, in Velero's namespace; VRGs of one name in two
/// namespaces meet.
pub fn resource_modifier(vrg: &str) -> String {
    format!("{vrg}-resource-modifier")
}
