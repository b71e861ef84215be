//! What objects of others come through us unchanged, and what our own CRDs for them admit.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt, Resource};
use proptest::{prelude::*, test_runner::TestRunner};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::*;
use crate::api::names::resources;

mod generate;

/// A kind of this room, as the tests go through them all.
struct Kind {
    crd: CustomResourceDefinition,
    group: String,
    through: fn(Value) -> Result<Value, serde_json::Error>,
}

fn kind<K: Resource<DynamicType = ()> + CustomResourceExt + Serialize + DeserializeOwned>() -> Kind {
    Kind {
        crd: K::crd(),
        group: K::group(&()).into_owned(),
        through: |object| serde_json::to_value(serde_json::from_value::<K>(object)?),
    }
}

fn kinds() -> Vec<Kind> {
    vec![
        kind::<AppliedManifestWork>(),
        kind::<ClusterClaim>(),
        kind::<ManagedCluster>(),
        kind::<ManagedClusterView>(),
        kind::<ManifestWork>(),
        kind::<NetworkFence>(),
        kind::<NetworkFenceClass>(),
        kind::<Placement>(),
        kind::<PlacementDecision>(),
        kind::<PlacementRule>(),
        kind::<VolumeGroupReplication>(),
        kind::<VolumeGroupReplicationClass>(),
        kind::<VolumeGroupReplicationContent>(),
        kind::<VolumeReplication>(),
        kind::<VolumeReplicationClass>(),
    ]
}

/// A read-modify-write would drop what a newer version of the owner wrote: fields we know and do not know, at every level, come back as
/// they were.
#[test]
fn every_object_a_schema_admits_comes_back_unchanged() {
    for kind in kinds() {
        let mut runner = TestRunner::new(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() });
        runner
            .run(&generate::object(&kind.crd), |object| {
                let back = (kind.through)(object.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(back, object);
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{}: {failure}", kind.crd.spec.names.kind));
    }
}

/// The generator would prove nothing if it made no unknown fields, or only empty objects.
#[test]
fn generated_objects_hold_unknown_fields_at_every_level_we_type() {
    let mut runner = TestRunner::deterministic();
    let strategy = generate::object(&ManifestWork::crd());
    let objects: Vec<Value> =
        (0..200).map(|_| strategy.new_tree(&mut runner).unwrap()).map(|tree| tree.current()).collect();
    let unknown = |object: &Value| {
        object.as_object().is_some_and(|fields| fields.keys().any(|key| key.starts_with(generate::UNKNOWN)))
    };
    for pointer in ["", "/spec", "/spec/workload", "/spec/deleteOption", "/spec/manifestConfigs/0", "/status"] {
        assert!(objects.iter().any(|object| object.pointer(pointer).is_some_and(unknown)), "none at {pointer:?}");
    }
    assert!(objects.iter().any(|object| object.pointer("/spec/workload/manifests/0/kind").is_some()));
}

/// An answer to another question, taken for the answer to ours, decides over a failover.
#[test]
fn an_object_that_says_it_is_another_kind_is_refused() {
    let error = serde_json::from_value::<VolumeReplication>(json!({ "kind": "VolumeGroupReplication" })).unwrap_err();
    assert_eq!(error.to_string(), "kind: expected VolumeReplication, found VolumeGroupReplication");
    let error = serde_json::from_value::<Placement>(json!({
        "apiVersion": "cluster.open-cluster-management.io/v1", "kind": "Placement",
    }))
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "apiVersion: expected cluster.open-cluster-management.io/v1beta1, found cluster.open-cluster-management.io/v1"
    );
}

/// Go stores objects without kind and version, and its nil lists as null; they must be read all the same.
#[test]
fn what_go_leaves_out_or_writes_as_null_is_read() {
    let content: VolumeGroupReplicationContent = serde_json::from_value(json!({
        "metadata": { "name": "c", "creationTimestamp": null },
        "spec": { "volumeGroupReplicationHandle": "h", "source": { "volumeHandles": null } },
        "status": {},
    }))
    .unwrap();
    assert_eq!(content.spec.source.volume_handles, Vec::<String>::new());
    assert_eq!(serde_json::to_value(&content).unwrap()["kind"], "VolumeGroupReplicationContent");
    let decision: PlacementDecision = serde_json::from_value(json!({ "status": { "decisions": null } })).unwrap();
    assert_eq!(decision.status.unwrap().decisions, []);
}

/// One odd object would blind us to every other in its list.
#[test]
fn what_a_schema_requires_and_an_object_lacks_reads_as_empty() {
    for kind in kinds() {
        (kind.through)(json!({ "metadata": { "name": "odd" } })).unwrap();
        (kind.through)(json!({ "metadata": {}, "spec": {}, "status": {} })).unwrap();
    }
}

/// The last result must not be confounded with no result, nor a null written by Go be lost.
#[test]
fn a_null_result_is_kept_and_is_no_result() {
    let status: ManagedClusterViewStatus = serde_json::from_value(json!({ "result": null })).unwrap();
    assert_eq!(status.last_result(), None);
    assert_eq!(serde_json::to_value(&status).unwrap(), json!({ "result": null }));
    let status: ManagedClusterViewStatus = serde_json::from_value(json!({})).unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap(), json!({}));
}

/// A state that a newer csi-addons introduces must neither fail to read nor be taken for one we know.
#[test]
fn unknown_values_of_open_strings_are_kept() {
    let spec: VolumeReplicationSpec = serde_json::from_value(json!({ "replicationState": "paused" })).unwrap();
    assert_eq!(spec.replication_state, Some(VolumeReplicationState::Other("paused".into())));
    assert_eq!(serde_json::to_value(&spec).unwrap()["replicationState"], "paused");
}

#[test]
fn the_group_status_holds_the_status_of_the_replication_inside() {
    let status: VolumeGroupReplicationStatus = serde_json::from_value(json!({
        "state": "Primary", "observedGeneration": 4, "persistentVolumeClaimsRefList": [{ "name": "data" }], "new": 1,
    }))
    .unwrap();
    assert_eq!(status.replication.state, Some(ReportedState::Primary));
    assert_eq!(status.replication.observed_generation, Some(4));
    assert_eq!(status.persistent_volume_claims_ref_list.unwrap()[0].name, "data");
    assert_eq!(status.replication.other, OtherFields::from([("new".to_owned(), json!(1))]));
}

#[test]
fn a_work_deletes_its_objects_unless_told_otherwise() {
    let mut work = ManifestWork::default();
    assert_eq!(work.delete_propagation(), DeletePropagation::Foreground);
    assert_eq!(work.manifests(), &[] as &[Value]);
    let option = DeleteOption { propagation_policy: Some(DeletePropagation::Orphan), ..Default::default() };
    work.spec.delete_option = Some(option);
    assert_eq!(work.delete_propagation(), DeletePropagation::Orphan);
}

#[test]
fn a_cluster_has_an_identity_only_if_the_claim_is_not_empty() {
    let claims = |value: &str| -> ManagedCluster {
        let claims = json!([{ "name": "other", "value": "x" }, { "name": "id.k8s.io", "value": value }]);
        serde_json::from_value(json!({ "status": { "clusterClaims": claims } })).unwrap()
    };
    assert_eq!(claims("cid").claim("id.k8s.io"), Some("cid"));
    assert_eq!(claims("").claim("id.k8s.io"), None);
    assert_eq!(ManagedCluster::default().claim("id.k8s.io"), None);
}

/// The API server refuses a CRD that is not structural: it would not be installed at all.
#[test]
fn crds_are_structural() {
    fn check(path: &str, schema: &Value) {
        let fields = schema.as_object().unwrap_or_else(|| panic!("{path}: not an object"));
        let typed = fields.contains_key("type") || fields.contains_key("x-kubernetes-preserve-unknown-fields");
        assert!(typed, "{path}: no type");
        for keyword in ["$ref", "definitions", "title", "anyOf", "oneOf", "allOf", "not", "const"] {
            assert!(!fields.contains_key(keyword), "{path}: {keyword}");
        }
        let both = fields.contains_key("properties") && fields.contains_key("additionalProperties");
        assert!(!both, "{path}: properties and additionalProperties");
        if fields.contains_key("properties") && !fields.contains_key("x-kubernetes-preserve-unknown-fields") {
            let whole = ["conditions[]", "dataSource", "selector", "Expressions[]", "Ref", "RefList[]"];
            assert!(whole.iter().any(|end| path.ends_with(end)), "{path}: drops what it does not know");
        }
        for name in fields.get("required").and_then(Value::as_array).into_iter().flatten() {
            assert!(fields["properties"].get(name.as_str().unwrap()).is_some(), "{path}: requires unknown {name}");
        }
        for (name, property) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
            check(&format!("{path}.{name}"), property);
        }
        for keyword in ["items", "additionalProperties"] {
            fields.get(keyword).into_iter().for_each(|inner| check(&format!("{path}[]"), inner));
        }
    }
    for kind in kinds() {
        let crd = serde_json::to_value(&kind.crd).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        check(&kind.crd.spec.names.kind, schema);
        assert_eq!(kind.crd.metadata.name, Some(format!("{}.{}", kind.crd.spec.names.plural, kind.crd.spec.group)));
    }
}

/// The golden list and the kinds would name different groups.
#[test]
fn groups_are_those_of_the_golden_list() {
    let pinned = [
        resources::GROUP_REPLICATION_STORAGE,
        resources::GROUP_CSI_ADDONS,
        resources::GROUP_OCM_WORK,
        resources::GROUP_OCM_VIEW,
        resources::GROUP_OCM_CLUSTER,
        resources::GROUP_OCM_APPS,
    ];
    for kind in kinds() {
        assert!(pinned.contains(&kind.group.as_str()), "{}", kind.group);
    }
}

#[test]
fn a_new_object_has_its_name_and_nothing_else() {
    let fence = NetworkFence::new("network-fence-dr1", NetworkFenceSpec::default());
    let expected: Map<String, Value> = serde_json::from_value(json!({
        "apiVersion": "csiaddons.openshift.io/v1alpha1",
        "kind": "NetworkFence",
        "metadata": { "name": "network-fence-dr1" },
        "spec": { "cidrs": [] },
    }))
    .unwrap();
    assert_eq!(serde_json::to_value(&fence).unwrap(), Value::Object(expected));
    assert_eq!(PlacementDecision::new("p-decision-1").metadata.name.as_deref(), Some("p-decision-1"));
}
