//! Random parts of the core kinds' objects.

use serde_json::{Value, json};

use super::choose;
use crate::differential::dice::Dice;

pub(super) fn config_map(dice: &mut Dice) -> Value {
    let mut map = json!({});
    choose(
        dice,
        &mut map,
        45,
        &[
            ("data", &[json!({"a": "1"}), json!({"b": "2", "a": "3"}), json!({}), json!({"c": ""})]),
            ("binaryData", &[json!({"bin": "AAEC"}), json!({"a": "AAEC"})]),
        ],
    );
    if dice.percent(8) {
        let (field, value) = dice.pick(&[
            ("immutable", json!(true)),
            ("data", json!({"bad/key": "x"})),
            ("data", json!({"a": 5})),
            ("data", json!(["a"])),
            ("binaryData", json!({"bin": "not base64!"})),
            ("surprise", json!(1)),
        ]);
        map[field] = value;
    }
    map
}

pub(super) fn secret(dice: &mut Dice) -> Value {
    let mut secret = json!({});
    choose(
        dice,
        &mut secret,
        40,
        &[
            ("data", &[json!({"key": "dmFsdWU="}), json!({"other": ""})]),
            ("stringData", &[json!({"key": "plain"}), json!({"more": "text"})]),
            ("type", &[json!("Opaque"), json!("example.com/own")]),
        ],
    );
    if dice.percent(8) {
        let (field, value) = dice.pick(&[
            ("immutable", json!(true)),
            ("type", json!("kubernetes.io/tls")),
            ("type", json!("kubernetes.io/basic-auth")),
            ("data", json!({"key": "%%%"})),
        ]);
        secret[field] = value;
    }
    secret
}

pub(super) fn claim_spec(dice: &mut Dice, whole: bool) -> Value {
    let mut spec = json!({});
    if whole || dice.percent(20) {
        spec["accessModes"] = json!([dice.pick(&["ReadWriteOnce", "ReadWriteMany"])]);
    }
    if whole || dice.percent(30) {
        spec["resources"] = json!({"requests": {"storage": dice.pick(&["1Gi", "2Gi", "1024Mi"])}});
    }
    choose(
        dice,
        &mut spec,
        15,
        &[
            ("storageClassName", &[json!("fast"), json!(""), json!("slow")]),
            ("volumeName", &[json!("volume-1")]),
            ("volumeMode", &[json!("Block"), json!("Filesystem")]),
            ("selector", &[json!({"matchLabels": {"a": "b"}})]),
        ],
    );
    if dice.percent(6) {
        let (field, value) = dice.pick(&[
            ("accessModes", json!([])),
            ("accessModes", json!(["Nonsense"])),
            ("resources", json!({"requests": {"storage": "-1Gi"}})),
            ("resources", json!({"requests": {"storage": "lots"}})),
            ("resources", json!({})),
            ("volumeMode", json!("Other")),
            ("dataSource", json!({"kind": "VolumeSnapshot", "name": "s", "apiGroup": "snapshot.storage.k8s.io"})),
        ]);
        spec[field] = value;
    }
    spec
}

pub(super) fn volume_spec(dice: &mut Dice, whole: bool) -> Value {
    let mut spec = json!({});
    if whole || dice.percent(15) {
        spec["capacity"] = json!({"storage": dice.pick(&["1Gi", "5Gi"])});
        spec["accessModes"] = json!(["ReadWriteOnce"]);
        spec["csi"] = json!({"driver": "csi.example.com", "volumeHandle": dice.pick(&["handle-1", "handle-2"])});
    }
    choose(
        dice,
        &mut spec,
        20,
        &[
            ("persistentVolumeReclaimPolicy", &[json!("Retain"), json!("Delete")]),
            ("storageClassName", &[json!("fast")]),
            (
                "claimRef",
                &[
                    json!({"namespace": "default", "name": "claim"}),
                    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "default", "name": "claim", "uid": "u-1"}),
                    Value::Null,
                ],
            ),
            ("volumeMode", &[json!("Filesystem")]),
        ],
    );
    if dice.percent(6) {
        let (field, value) = dice.pick(&[
            ("persistentVolumeReclaimPolicy", json!("Keep")),
            ("accessModes", json!([])),
            ("capacity", json!({})),
            ("csi", json!({"driver": "csi.example.com"})),
            ("hostPath", json!({"path": "/tmp/x"})),
            ("claimRef", json!({"name": ""})),
        ]);
        spec[field] = value;
    }
    spec
}

pub(super) fn storage_class(dice: &mut Dice, whole: bool) -> Value {
    let mut class = json!({});
    if whole || dice.percent(20) {
        class["provisioner"] = json!(dice.weighted(&[(9, "csi.example.com"), (1, "")]));
    }
    choose(
        dice,
        &mut class,
        25,
        &[
            ("reclaimPolicy", &[json!("Retain"), json!("Delete")]),
            ("volumeBindingMode", &[json!("Immediate"), json!("WaitForFirstConsumer")]),
            ("allowVolumeExpansion", &[json!(true)]),
            ("parameters", &[json!({"pool": "p1"}), json!({"pool": "p2"})]),
        ],
    );
    class
}

pub(super) fn lease_spec(dice: &mut Dice) -> Value {
    let mut spec = json!({});
    choose(
        dice,
        &mut spec,
        45,
        &[
            ("holderIdentity", &[json!("me"), json!("you")]),
            ("leaseDurationSeconds", &[json!(15), json!(30), json!(0), json!("x")]),
            ("leaseTransitions", &[json!(0), json!(1)]),
            ("renewTime", &[json!("2026-01-02T03:04:05.000006Z"), json!("2026-01-02T03:04:05Z"), json!("now")]),
        ],
    );
    spec
}
