//! Annotations: who writes them on what, and who reads them.

use serde_json::Value;

use super::hashes;

super::names! {
    /// Name of the DRPC: on its Placement (ownership) and on its VRG and namespace works and VRG views, whose changes
    /// wake it.
    DRPC_NAME = "drplacementcontrol.ramendr.openshift.io/drpc-name";
    /// Namespace of the DRPC named by [`DRPC_NAME`].
    DRPC_NAMESPACE = "drplacementcontrol.ramendr.openshift.io/drpc-namespace";
    /// UID of the DRPC, written by the hub on the VRG; a different one means a VRG that a restored hub has to adopt
    /// first.
    DRPC_UID = "drplacementcontrol.ramendr.openshift.io/drpc-uid";
    /// Cluster a VRG was written for, by the hub; read back from the object store when a cluster cannot be asked.
    DESTINATION_CLUSTER = "drplacementcontrol.ramendr.openshift.io/destination-cluster";
    /// Namespace of the application's VRG, kept on the DRPC by the hub; once set it wins for ever.
    APP_NAMESPACE = "drplacementcontrol.ramendr.openshift.io/app-namespace";
    /// Cluster of the last placement decision, on the DRPC; never written by a test failover.
    LAST_APP_DEPLOYMENT_CLUSTER = "drplacementcontrol.ramendr.openshift.io/last-app-deployment-cluster";
    /// DR action of the last placement decision, on the DRPC; a test failover is reverted to it.
    LAST_ACTION = "drplacementcontrol.ramendr.openshift.io/last-action";
    /// On the DRPC, copied to the VRG: `true` asks for consistency groups.
    IS_CG_ENABLED = "drplacementcontrol.ramendr.openshift.io/is-cg-enabled";
    /// On the DRPC, copied to the VRG: anything but `false` means that VolSync reaches its peer through Submariner.
    IS_SUBMARINER_ENABLED = "drplacementcontrol.ramendr.openshift.io/is-submariner-enabled";
    /// On the DRPC, copied to the VRG: `true` makes VolSync protect PVCs that native replication could.
    USE_VOLSYNC = "drplacementcontrol.ramendr.openshift.io/use-volsync-for-pvc-protection";
    /// On the DRPC, copied to the VRG and to its replication groups: `true` sends differences between snapshots instead
    /// of files.
    ENABLE_DIFF = "drplacementcontrol.ramendr.openshift.io/enable-diff";
    /// `true` on a DRPC during a test failover and on the VRG of the test cluster; `false` afterwards, since a
    /// ManifestWork does not remove annotations.
    TEST_FAILOVER_DRY_RUN = "drplacementcontrol.ramendr.openshift.io/test-failover-dryrun";
    /// Counters of DR actions, kept on the DRPC by the hub as JSON: `{"failover":n,"relocate":n,"lastPhase":"..."}`.
    DR_ACTION_COUNT = "drplacementcontrol.ramendr.openshift.io/dr-action-count";
    /// Declared by RamenDR and used by nobody: the network mapping is named by the DRPolicy.
    NETWORK_MAPPING = "drplacementcontrol.ramendr.openshift.io/network-mapping";
    /// Number of the promotion that a VRG was last written for, in decimal, written by the hub. Ours, unknown to RamenDR:
    /// fences the stores of cluster data, see `protection::cluster_data::Epoch`. Absent: none.
    EPOCH = "drplacementcontrol.ramendr.openshift.io/epoch";

    /// Cluster whose DRCluster a ManifestWork or view belongs to, so that its changes wake it; for a NetworkFence the
    /// *fenced* cluster.
    DRCLUSTER_NAME = "drcluster.ramendr.openshift.io/drcluster-name";
    /// CSI driver to fence with, set by the administrator on a DRCluster without NetworkFenceClasses.
    STORAGE_DRIVER = "drcluster.ramendr.openshift.io/storage-driver";
    /// Secret to fence with, beside [`STORAGE_DRIVER`].
    STORAGE_SECRET_NAME = "drcluster.ramendr.openshift.io/storage-secret-name";
    /// Namespace of [`STORAGE_SECRET_NAME`].
    STORAGE_SECRET_NAMESPACE = "drcluster.ramendr.openshift.io/storage-secret-namespace";
    /// Storage cluster to fence, beside [`STORAGE_DRIVER`]; becomes the NetworkFence's parameter `clusterID`.
    STORAGE_CLUSTER_ID = "drcluster.ramendr.openshift.io/storage-clusterid";
    /// On a DRCluster, with value `true`, set by the administrator: the cluster is gone for ever, and nothing waits for its
    /// answer when protection is taken away. Ours, unknown to RamenDR.
    DECLARED_LOST = "drcluster.ramendr.openshift.io/declared-lost";
    /// On views that the DRPolicy controller reads, valued with the cluster; its presence wakes the policies of the
    /// view's cluster.
    DRPOLICY = "drpolicy.ramendr.openshift.io";

    /// Prefix of the keys that the VRG controller keeps on PVs and PVCs; they never travel to a peer.
    VRG_PREFIX = "volumereplicationgroups.ramendr.openshift.io";
    /// On a PVC, with value [`VR_PROTECTED_VALUE`]: its preparation for volume replication is complete. Written last,
    /// as the commit mark.
    VR_PROTECTED = "volumereplicationgroups.ramendr.openshift.io/vr-protected";
    /// Value of [`VR_PROTECTED`].
    VR_PROTECTED_VALUE = "protected";
    /// On a PVC: the VolumeReplication of this uid is removed because all that was written had reached the peer. Ours,
    /// unknown to RamenDR: tells a relocated volume from one whose VolumeReplication somebody else removed too early.
    VR_HANDED_OVER = "volumereplicationgroups.ramendr.openshift.io/vr-handed-over";
    /// On a PVC, PV, VolumeGroupReplication or its content: which state of it is in every object store; see
    /// [`archived_pvc`] and [`archived_generation`].
    VR_ARCHIVED = "volumereplicationgroups.ramendr.openshift.io/vr-archived";
    /// Version of the value of [`VR_ARCHIVED`] on everything but PVCs.
    VR_ARCHIVED_VERSION = "archiveV1";
    /// On a PV, with value [`RETAINED_VALUE`]: Ramen changed its reclaim policy to `Retain`, and may change it back.
    VR_RETAINED = "volumereplicationgroups.ramendr.openshift.io/vr-retained";
    /// As [`VR_RETAINED`], for a PV that VolSync protects.
    VOLSYNC_RETAINED = "volumereplicationgroups.ramendr.openshift.io/volsync-retained";
    /// Value of [`VR_RETAINED`] and [`VOLSYNC_RETAINED`].
    RETAINED_VALUE = "retained";
    /// On a PV, PVC or group object that was restored from an object store, with value [`RESTORE_VALUE`]; only such a
    /// PV may be taken over unbound.
    RESTORE = "volumereplicationgroups.ramendr.openshift.io/ramen-restore";
    /// Value of [`RESTORE`]; note the capital.
    RESTORE_VALUE = "True";
    /// Volume handle on the peer's storage, on a PV before it is stored; the restore puts it in place of the own
    /// handle.
    DESTINATION_VOLUME_HANDLE = "ramendr.openshift.io/destination-volume-handle";
    /// Group handle on the peer's storage, on a VolumeGroupReplicationContent before it is stored.
    DESTINATION_VOLUME_GROUP_HANDLE = "ramendr.openshift.io/destination-volume-group-handle";

    /// Name of the VRG, on replication groups, their VolSync objects and restored PVCs; information only. The label of
    /// the same key is ownership.
    OWNER_NAME = "ramendr.openshift.io/owner-name";
    /// Namespace of the VRG named by [`OWNER_NAME`].
    OWNER_NAMESPACE = "ramendr.openshift.io/owner-namespace";
    /// Generation of the VRG that a capture was started for, on its Velero Backups.
    VRG_GENERATION = "ramendr.openshift.io/vrg-generation";
    /// Annotations that Ramen syncs onto a destination PVC: sorted keys, comma-separated, so that those dropped at the
    /// source are dropped here.
    MANAGED_ANNOTATION_KEYS = "ramendr.openshift.io/managed-annotation-keys";
    /// On a ReplicationGroupSource that lost a PVC, with value `true`: it is deleted and rebuilt.
    MARKED_FOR_DELETION = "ramendr.io/marked-for-deletion";
    /// On a snapshot, set by tests: its group's clean-up passes it by.
    RGD_DO_NOT_DELETE = "rgd.ramendr.openshift.io/do-not-delete";
    /// Replicas a workload had before a `scale` hook took it down; travels with the captured object, so that `up` works
    /// after a restore.
    SCALE_HOOK_REPLICAS = "ramendr.io/scale-hook-replicas-count";
    /// What the ConfigMap of excluded resources is for.
    EXCLUDED_RESOURCES_DESCRIPTION = "ramen.openshift.io/description";
    /// Version of the content of the ConfigMap of excluded resources: [`EXCLUDED_RESOURCES_VERSION_VALUE`].
    EXCLUDED_RESOURCES_VERSION = "ramen.openshift.io/version";
    /// Value of [`EXCLUDED_RESOURCES_VERSION`].
    EXCLUDED_RESOURCES_VERSION_VALUE = "v1";
    /// Part of the keys of security context constraints on namespaces; not carried to peers unless DRPC and
    /// configuration both ask for it.
    NAMESPACE_SCC_PART = "sa.scc";
}

/// Value of [`VR_ARCHIVED`] on a PV, VolumeGroupReplication or VolumeGroupReplicationContent that is stored as of this
/// `metadata.generation`.
pub fn archived_generation(generation: i64) -> String {
    format!("{VR_ARCHIVED_VERSION}-{generation}")
}

/// Value of [`VR_ARCHIVED`] on a PVC that is stored with this `spec`: SHA-256, in hex, of the compact JSON
/// `{"spec":<spec>}` with sorted keys.
///
/// The spec must be as the API server returned it. Text is escaped as Go escapes it (`<`, `>`, `&`, U+2028, U+2029), so
/// that a mark left by
/// RamenDR is recognised; a mark that differs only costs a second upload of the same object.
pub fn archived_pvc(spec: &Value) -> String {
    hashes::sha256_hex(&canonical_json(&serde_json::json!({ "spec": spec })))
}

/// Compact JSON with sorted keys, escaped as Go does. Keys are sorted here, because a build may turn on `serde_json`'s
/// insertion order.
fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(key, value)| format!("{}:{}", json_text(key), canonical_json(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical_json).collect::<Vec<_>>().join(",")),
        Value::String(text) => json_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn json_text(text: &str) -> String {
    Value::from(text)
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
