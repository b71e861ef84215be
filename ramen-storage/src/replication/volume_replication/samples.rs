//! Objects and requests for the tests of this driver.

use std::collections::BTreeMap;

use ramen_core::{
    api::{
        DRAction, PeerClass,
        foreign::VolumeReplication,
        names::labels::{REPLICATION_ID, STORAGE_ID},
    },
    protection::{
        ClassFacts, StorageClassFacts, VolumeFacts, VolumeId, VolumeUse,
        replication::{FinalSync, GroupRef, OwnedVolume, ProtectionFacts, ReplicationRequest, Role},
    },
};
use serde_json::{Value, json};

pub(super) const PROVISIONER: &str = "block.example.com";

pub(super) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn storage_class(labels: &[(&str, &str)]) -> StorageClassFacts {
    StorageClassFacts {
        name: "gold".into(),
        provisioner: PROVISIONER.into(),
        labels: map(labels),
        parameters: BTreeMap::new(),
    }
}

/// A replication class, `5m` apart.
pub(super) fn class(name: &str, labels: &[(&str, &str)]) -> ClassFacts {
    ClassFacts {
        kind: "VolumeReplicationClass".into(),
        name: name.into(),
        provisioner: PROVISIONER.into(),
        labels: map(labels),
        annotations: BTreeMap::new(),
        parameters: map(&[("schedulingInterval", "5m")]),
    }
}

pub(super) fn peer() -> PeerClass {
    PeerClass {
        replication_id: "r1".into(),
        storage_id: vec!["s1".into(), "s2".into()],
        storage_class_name: "gold".into(),
        ..PeerClass::default()
    }
}

/// A bound volume of class `gold`, storage `s1`.
pub(super) fn volume(deleting: bool, in_use: VolumeUse) -> VolumeFacts {
    VolumeFacts {
        id: VolumeId::new("app", "data"),
        uid: "claim-1".into(),
        bound: true,
        deleting,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        finalizers: Vec::new(),
        access_modes: vec!["ReadWriteOnce".into()],
        volume_mode: "Filesystem".into(),
        requested: Some("1Gi".into()),
        capacity: Some("1Gi".into()),
        storage_class: Some(storage_class(&[(STORAGE_ID, "s1")])),
        volume: None,
        in_use,
    }
}

pub(super) fn protection() -> ProtectionFacts {
    ProtectionFacts {
        scheduling_interval: Some("5m".into()),
        classes: vec![class("vrc", &[(STORAGE_ID, "s1"), (REPLICATION_ID, "r1")])],
        peer_classes: vec![peer()],
        annotations: BTreeMap::new(),
    }
}

pub(super) fn request(role: Role, action: Option<DRAction>, volume: VolumeFacts) -> ReplicationRequest {
    ReplicationRequest {
        group: GroupRef { namespace: "app".into(), name: "vrg".into(), uid: "g".into(), generation: 1, may_own: true },
        epoch: 1,
        role,
        action,
        final_sync: FinalSync::No,
        protection: protection(),
        volumes: vec![OwnedVolume { volume, consistency_group: None }],
        release: Vec::new(),
        deleting: false,
        peer_input: Value::Null,
        restore: Vec::new(),
    }
}

/// A VolumeReplication of generation 2 in the namespace and of the name of [`volume`], with the labels and the reference that
/// the group of [`request`] puts on it. Conditions are `Type=Status@generation`.
pub(super) fn replication(
    wish: &str,
    auto: bool,
    state: &str,
    observed: i64,
    conditions: &[&str],
) -> VolumeReplication {
    let condition = |text: &&str| {
        let (type_, rest) = text.split_once('=').unwrap();
        let (status, generation) = rest.split_once('@').unwrap();
        json!({
            "type": type_, "status": status, "reason": "R", "message": format!("{type_} says so"),
            "observedGeneration": generation.parse::<i64>().unwrap(), "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let owner = json!({
        "apiVersion": "ramendr.openshift.io/v1alpha1", "kind": "VolumeReplicationGroup", "name": "vrg", "uid": "g",
        "controller": true, "blockOwnerDeletion": true,
    });
    let labels = json!({
        "ramendr.openshift.io/owner-namespace-name": "app", "ramendr.openshift.io/owner-name": "vrg",
        "ramendr.openshift.io/created-by-ramen": "true",
    });
    serde_json::from_value(json!({
        "metadata": {
            "name": "data", "namespace": "app", "uid": "vr-1", "resourceVersion": "7", "generation": 2,
            "labels": labels, "ownerReferences": [owner],
        },
        "spec": {
            "volumeReplicationClass": "vrc", "replicationState": wish, "autoResync": auto,
            "dataSource": { "apiGroup": "", "kind": "PersistentVolumeClaim", "name": "data" },
        },
        "status": {
            "state": state, "observedGeneration": observed,
            "conditions": conditions.iter().map(condition).collect::<Vec<_>>(),
        },
    }))
    .unwrap()
}

/// In sync, as primary and as secondary.
pub(super) const PROMOTED: [&str; 3] = ["Completed=True@2", "Degraded=False@2", "Resyncing=False@2"];
pub(super) const RESYNCING: [&str; 3] = ["Completed=True@2", "Degraded=True@2", "Resyncing=True@2"];
