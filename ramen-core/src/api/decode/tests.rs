use k8s_openapi::api::core::v1::PersistentVolume;
use serde_json::json;

use super::*;
use crate::api::{DRPlacementControl, DRPolicy, VolumeReplicationGroup};

const APPLICATION: &str = r"
apiVersion: ramendr.openshift.io/v1alpha1
kind: DRPlacementControl
metadata:
  name: app
  namespace: shop
spec:
  placementRef: {name: app}
  drPolicyRef: {name: policy}
  pvcSelector: {}
  preferredCluster: east
";

/// A user who makes a typing error learns which file, object and field, what stands there and what may stand there.
#[test]
fn a_wrong_object_is_rejected_with_file_object_field_found_and_expected() {
    let head = "app.yaml: DRPlacementControl shop/app: ";
    for (from, to, expected) in [
        (
            "preferredCluster: east",
            "action: Failback",
            "spec.action: unknown variant `Failback`, expected `Failover` or `Relocate`",
        ),
        (
            "preferredCluster: east",
            "preferredCluster: 7",
            "spec.preferredCluster: invalid type: integer `7`, expected a string",
        ),
        ("preferredCluster: east", "dryRun: maybe", "spec.dryRun: invalid type: string \"maybe\", expected a boolean"),
        (
            "preferredCluster: east",
            "protectedNamespaces: [a, {b: c}]",
            "spec.protectedNamespaces[1]: invalid type: map, expected a string",
        ),
        (
            "preferredCluster: east",
            "volSyncSpec: {moverConfig: [{pvcName: a, pvcNamespace: b}, [null, null, a, b]]}",
            "spec.volSyncSpec.moverConfig[1]: found a list, expected an object",
        ),
        (
            "preferredCluster: east",
            "kubeObjectProtection: {captureInterval: 5 minutes}",
            "spec.kubeObjectProtection.captureInterval: `5 minutes` is not a duration: expected numbers with units",
        ),
        (
            "  drPolicyRef: {name: policy}\n",
            "",
            "spec.drPolicyRef: found nothing, expected a value: the field is required",
        ),
        ("kind: DRPlacementControl", "kind: DRPolicy", "kind: found \"DRPolicy\", expected `DRPlacementControl`"),
        (
            "ramendr.openshift.io/v1alpha1",
            "ramendr.openshift.io/v2",
            "apiVersion: found \"ramendr.openshift.io/v2\", expected `ramendr.openshift.io/v1alpha1`",
        ),
    ] {
        assert!(APPLICATION.contains(from), "{from}");
        let error = object_from_yaml::<DRPlacementControl>("app.yaml", &APPLICATION.replacen(from, to, 1)).unwrap_err();
        let expected = format!("{head}{expected}");
        assert!(error.to_string().starts_with(&expected), "\n  found    {error}\n  expected {expected}");
    }
    assert!(object_from_yaml::<DRPlacementControl>("app.yaml", APPLICATION).is_ok());
}

#[test]
fn what_cannot_be_read_at_all_is_named() {
    let error = object_from_json::<DRPolicy>("key a/b", b"{").unwrap_err();
    assert!(error.to_string().starts_with("key a/b: cannot be read as JSON: "), "{error}");
    let error = object_from_json::<DRPolicy>("key a/b", b"{}").unwrap_err();
    assert_eq!(error.path, "metadata");
    let error = object_from_yaml::<DRPolicy>("p.yaml", "metadata: {name: p}\nspec: 3\n").unwrap_err();
    assert_eq!(error.to_string(), "p.yaml: DRPolicy p: spec: invalid type: integer `3`, expected struct DRPolicySpec");
}

/// RamenDR's bodies in a store have neither kind nor version, and null where a list is nil: a restore must read them.
#[test]
fn a_body_of_a_store_needs_no_kind() {
    let body = json!({
        "metadata": {"name": "app", "namespace": "shop", "creationTimestamp": null},
        "spec": {"pvcSelector": {}, "replicationState": "primary", "s3Profiles": null, "volSync": {}, "ofANewerRelease": 1},
        "status": {"lastUpdateTime": null, "kubeObjectProtection": {}},
    });
    let group: VolumeReplicationGroup = object_from_json("key", body.to_string().as_bytes()).unwrap();
    assert_eq!(group.spec.s3_profiles, [""; 0]);
    assert_eq!(group.status.unwrap().last_update_time, None);

    let body = json!({"metadata": {"name": "pv-1"}, "spec": {"capacity": {"storage": "1Gi"}}});
    let volume: PersistentVolume = object_from_json("key", body.to_string().as_bytes()).unwrap();
    assert_eq!(volume.metadata.name.as_deref(), Some("pv-1"));
}
