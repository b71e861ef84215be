//! A VolumeReplicationGroup of typical size: four volumes, asynchronous replication.

use ramen_core::api::VolumeReplicationGroup;
use ramen_core::intercluster::{ClusterName, Failure, Intent, IntentId, Manifest, ObjectKey, ResourceType};
use serde_json::{Value, json};

/// Where all of them are on their cluster.
pub(super) const NAMESPACE: &str = "busybox";
/// Tells the rounds of updates apart.
pub(super) const ROUND: &str = "bench/round";

/// The object as a hub wants it, without status.
pub(super) fn group(name: &str, round: usize) -> Value {
    let peer = |class: &str, id: &str| {
        json!({"replicationID": format!("rook-ceph-{id}"), "storageID": [format!("{id}-1"), format!("{id}-2")],
               "storageClassName": class, "clusterIDs": ["6a1f1c0e-37f7-4d6d-93f4-8e2e5a3c7d10", "0b7c9d52-90a5-4f6c-8f4e-21a1b4b6f0aa"]})
    };
    json!({
        "apiVersion": "ramendr.openshift.io/v1alpha1",
        "kind": "VolumeReplicationGroup",
        "metadata": {
            "name": name, "namespace": NAMESPACE,
            "annotations": {
                "drplacementcontrol.ramendr.openshift.io/drpc-uid": "5e1c2b4e-5b43-4c7f-a2a8-9a51f0e7a2f3",
                "drplacementcontrol.ramendr.openshift.io/destination-cluster": "dr1",
                ROUND: round.to_string(),
            },
        },
        "spec": {
            "pvcSelector": {"matchLabels": {"appname": name}},
            "replicationState": "primary",
            "s3Profiles": ["s3-east", "s3-west"],
            "async": {
                "schedulingInterval": "5m",
                "replicationClassSelector": {},
                "volumeSnapshotClassSelector": {},
                "peerClasses": [peer("ceph-rbd", "9f2c"), peer("ceph-rbd-2", "7e11")],
            },
            "volSync": {},
        },
    })
}

/// Its status on a cluster, after so many syncs.
pub(super) fn status(syncs: usize) -> Value {
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": "True", "reason": reason, "message": message, "observedGeneration": 1,
               "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let volume = |index: usize| {
        json!({"name": format!("busybox-pvc-{index}"), "namespace": NAMESPACE, "storageClassName": "ceph-rbd",
               "csiProvisioner": "openshift-storage.rbd.csi.ceph.com", "accessModes": ["ReadWriteOnce"], "labels": {"appname": "busybox"},
               "resources": {"requests": {"storage": "10Gi"}}, "lastSyncBytes": 4_096_000 + syncs, "volumeMode": "Filesystem",
               "lastSyncTime": "2026-01-01T00:05:00Z", "lastSyncDuration": "3s",
               "replicationID": {"id": "rook-ceph-9f2c"}, "storageID": {"id": "9f2c-1"},
               "conditions": [condition("DataReady", "Ready", "PVC in the VolumeReplicationGroup is ready for use")]})
    };
    json!({
        "state": "Primary", "observedGeneration": 1, "lastUpdateTime": "2026-01-01T00:05:00Z", "lastGroupSyncBytes": 16_384_000 + syncs,
        "protectedPVCs": (0..4).map(volume).collect::<Vec<_>>(),
        "conditions": [
            condition("DataReady", "Ready", "PVCs in the VolumeReplicationGroup are ready for use"),
            condition("DataProtected", "DataProtected", "PVCs in the VolumeReplicationGroup are data protected"),
            condition("ClusterDataProtected", "Uploaded", "Cluster data of all PVs are protected"),
        ],
    })
}

/// The key of a group on a cluster.
pub(super) fn key(cluster: &ClusterName, name: &str) -> ObjectKey {
    ObjectKey::of::<VolumeReplicationGroup>(cluster.clone(), Some(NAMESPACE), name)
}

/// The intent of a hub for the group.
pub(super) fn intent(cluster: &ClusterName, name: &str, round: usize) -> Result<Intent, Failure> {
    let manifest = Manifest::new(ResourceType::of::<VolumeReplicationGroup>(), group(name, round))?;
    let id = IntentId::new(cluster.clone(), format!("{name}-{NAMESPACE}-vrg-mw"));
    Ok(Intent::new(id, format!("drpc/{NAMESPACE}/{name}"), manifest))
}
