use serde_json::json;

use super::*;
use crate::api::{DRAction, DRPlacementControl, DRState, PeerClass, State, VolumeReplicationGroup};

/// A DRPlacementControl as a newer release might have written it.
fn newer_drpc() -> Value {
    json!({
        "apiVersion": "ramendr.openshift.io/v1alpha1",
        "kind": "DRPlacementControl",
        "metadata": {"name": "app", "namespace": "shop", "resourceVersion": "7", "ofANewerServer": {"a": 1}},
        "ofANewerKind": [1],
        "spec": {
            "placementRef": {"name": "app", "kind": "Placement"},
            "drPolicyRef": {"name": "policy"},
            "pvcSelector": {},
            "preferredCluster": "east",
            "dryRun": false,
            "protectedNamespaces": [],
            "ofANewerRelease": {"deep": [null, 0, ""]},
            "kubeObjectProtection": {"captureInterval": "5m", "ofANewerRelease": 1},
        },
        "status": {"phase": "Deployed", "preferredDecision": {"clusterName": "east", "ofANewerRelease": 2}},
    })
}

fn apply(patch: &Value, object: &mut Value) {
    match (patch, object) {
        (Value::Object(patches), Value::Object(members)) => {
            for (key, patch) in patches {
                if patch.is_null() {
                    members.remove(key);
                } else {
                    apply(patch, members.entry(key.clone()).or_insert_with(|| json!({})));
                }
            }
        }
        (patch, object) => *object = patch.clone(),
    }
}

/// An operator of this release that changes one field must not undo what a newer one has configured.
#[test]
fn fields_of_a_newer_release_survive_a_change() {
    let mut edit = Edit::<DRPlacementControl>::of("test", newer_drpc()).unwrap();
    edit.typed.spec.action = Some(DRAction::Relocate);
    edit.typed.spec.preferred_cluster.clear();
    edit.typed.spec.kube_object_protection.as_mut().unwrap().capture_interval = None;
    edit.typed.status.as_mut().unwrap().phase = Some(DRState::Relocating);
    edit.typed.status.as_mut().unwrap().preferred_decision.cluster_name = "west".into();

    let patch = edit.patch().unwrap().unwrap();
    let expected = json!({
        "spec": {"action": "Relocate", "preferredCluster": null, "kubeObjectProtection": {"captureInterval": null}},
        "status": {"phase": "Relocating", "preferredDecision": {"clusterName": "west"}},
    });
    assert_eq!(patch, expected, "the patch holds the change and nothing else");

    let mut patched = newer_drpc();
    apply(&patch, &mut patched);
    assert_eq!(patched, edit.changed().unwrap(), "patch and whole write agree");
    for field in [
        "/metadata/ofANewerServer",
        "/ofANewerKind",
        "/spec/ofANewerRelease",
        "/spec/kubeObjectProtection/ofANewerRelease",
        "/status/preferredDecision/ofANewerRelease",
    ] {
        assert_eq!(patched.pointer(field), newer_drpc().pointer(field), "{field}");
    }
}

/// Reading is not writing: an object that is only written differently (`dryRun: false`) is left alone.
#[test]
fn no_change_is_no_patch() {
    let edit = Edit::<DRPlacementControl>::of("test", newer_drpc()).unwrap();
    assert_eq!(edit.patch().unwrap(), None);
    assert_eq!(edit.changed().unwrap(), newer_drpc());
}

/// Taking away `protectedNamespaces` and emptying it are two different wishes.
#[test]
fn absent_and_empty_are_different_changes() {
    let mut edit = Edit::<DRPlacementControl>::of("test", newer_drpc()).unwrap();
    edit.typed.spec.protected_namespaces = None;
    let expected = json!({"metadata": {"resourceVersion": "7"}, "spec": {"protectedNamespaces": null}});
    assert_eq!(edit.patch().unwrap(), Some(expected));

    let mut raw = newer_drpc();
    raw["spec"].as_object_mut().unwrap().remove("protectedNamespaces");
    let mut edit = Edit::<DRPlacementControl>::of("test", raw).unwrap();
    edit.typed.spec.protected_namespaces = Some(Vec::new());
    assert_eq!(edit.patch().unwrap(), Some(json!({"spec": {"protectedNamespaces": []}})));
}

fn newer_vrg() -> Value {
    let condition = |name: &str, status: &str| {
        json!({"type": name, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
               "ofANewerRelease": name})
    };
    let pvc = |name: &str| json!({"namespace": "shop", "name": name, "storageID": {"id": ""}, "ofANewerRelease": name});
    json!({
        "metadata": {"name": "app", "namespace": "shop", "resourceVersion": "9"},
        "spec": {
            "pvcSelector": {},
            "replicationState": "primary",
            "s3Profiles": ["east"],
            "async": {"schedulingInterval": "5m", "peerClasses": [{"storageClassName": "rbd", "clusterIDs": ["1", "2"], "ofANewerRelease": 1}]},
        },
        "status": {
            "state": "Primary",
            "conditions": [condition("DataReady", "True"), condition("DataProtected", "False")],
            "protectedPVCs": [pvc("a"), pvc("b"), pvc("c")],
        },
    })
}

/// A list is written whole: its items keep what this release does not know of them, and a concurrent change is noticed.
#[test]
fn items_of_a_list_keep_what_this_release_does_not_know() {
    let mut edit = Edit::<VolumeReplicationGroup>::of("test", newer_vrg()).unwrap();
    let spec = &mut edit.typed.spec;
    let classes = &mut spec.async_.as_mut().unwrap().peer_classes;
    classes.insert(0, PeerClass { storage_class_name: "fs".into(), ..Default::default() });
    let status = edit.typed.status.as_mut().unwrap();
    status.state = Some(State::Unknown);
    status.protected_pvcs.remove(1);
    status.protected_pvcs[1].storage_id.id = "s".into();
    status.conditions[1].status = "True".into();

    let patch = edit.patch().unwrap().unwrap();
    assert_eq!(patch["metadata"], json!({"resourceVersion": "9"}));
    assert_eq!(patch["spec"]["async"]["peerClasses"][0], json!({"storageClassName": "fs"}));
    assert_eq!(patch["spec"]["async"]["peerClasses"][1]["ofANewerRelease"], 1);
    let pvcs = patch["status"]["protectedPVCs"].as_array().unwrap();
    assert_eq!(pvcs.len(), 2);
    assert_eq!(
        pvcs[0],
        newer_vrg()["status"]["protectedPVCs"][0],
        "an item that did not change is written as it was read"
    );
    assert_eq!((&pvcs[1]["name"], &pvcs[1]["storageID"]["id"]), (&json!("c"), &json!("s")));
    assert_eq!(pvcs[1]["ofANewerRelease"], "c");
    let conditions = &patch["status"]["conditions"];
    assert_eq!(conditions[0], newer_vrg()["status"]["conditions"][0]);
    assert_eq!(
        (&conditions[1]["status"], &conditions[1]["ofANewerRelease"]),
        (&json!("True"), &json!("DataProtected"))
    );
}

/// Replacing an item by another one does not give it the other's fields.
#[test]
fn a_new_item_inherits_nothing() {
    let mut edit = Edit::<VolumeReplicationGroup>::of("test", newer_vrg()).unwrap();
    edit.typed.status.as_mut().unwrap().protected_pvcs[1].name = "new".into();
    let pvcs = &edit.changed().unwrap()["status"]["protectedPVCs"];
    assert_eq!(pvcs[1]["ofANewerRelease"], Value::Null);
    assert_eq!(pvcs[2]["ofANewerRelease"], "c");
}

proptest::proptest! {
    /// Whatever changes, applying the patch to what was there gives what is wanted.
    #[test]
    fn a_merge_patch_makes_the_one_of_the_other(before in object(), after in object()) {
        let mut patched = before.clone();
        match merge_patch(&before, &after) {
            Some(patch) => apply(&patch, &mut patched),
            None => proptest::prop_assert_eq!(&before, &after),
        }
        proptest::prop_assert_eq!(patched, after);
    }
}

/// Objects without null, which a merge patch cannot set.
fn object() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::{collection, prelude::*};
    let leaf =
        prop_oneof![Just(json!(false)), Just(json!(0)), Just(json!("")), Just(json!([])), Just(json!([{"a": 1}]))];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        collection::btree_map("[abc]", inner, 0..4).prop_map(|members| members.into_iter().collect())
    });
    collection::btree_map("[abc]", value, 0..4).prop_map(|members| members.into_iter().collect())
}
