//! What goes through our types comes out as it went in, for every object that the schemas admit.

use std::{collections::BTreeSet, fmt::Debug};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::Resource;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;

mod schema_values;

/// Fields of which upstream tells absent from empty (pointers in Go): ends of paths, without list positions.
const POINTERS: &[&str] = &[
    "/spec/protectedNamespaces",
    "/spec/async",
    "/spec/sync",
    "/spec/kubeObjectProtection",
    "/spec/volSyncSpec",
    "/spec/staticIPTranslationSpec",
    "/spec/networkMappingRef",
    "/spec/trigger",
    "/trigger/schedule",
    "/recipeRef",
    "/kubeObjectSelector",
    "/rdSpec/moverConfig",
    "/rsSpec/moverConfig",
    "/rdSpecs/moverConfig",
    "/rsSpecs/moverConfig",
    "/moverSecurityContext",
    "/moverServiceAccount",
    "/rsyncTLS",
    "/tlsSecretRef",
    "/protectedPVC/storageClassName",
    "/protectedPVCs/storageClassName",
    "/volumeMode",
    "/lastSyncBytes",
    "/lastGroupSyncBytes",
    "/captureToRecoverFrom",
    "/staticIPDiscovery",
];

/// An object without what means the same as its absence: Go's zero values, except behind pointers.
fn essence(value: &Value, path: &str) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter_map(|(key, member)| {
                let path = format!("{path}/{key}");
                let member = essence(member, &path);
                let counts = !is_zero_value(&member) || POINTERS.iter().any(|pointer| path.ends_with(pointer));
                counts.then(|| (key.clone(), member))
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(|item| essence(item, path)).collect(),
        leaf => leaf.clone(),
    }
}

fn is_zero_value(value: &Value) -> bool {
    [json!(null), json!(false), json!(0), json!(""), json!([]), json!({})].contains(value)
}

fn root(crd: &CustomResourceDefinition) -> &JSONSchemaProps {
    crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap()
}

/// Rust -> JSON -> Rust -> JSON changes nothing, and JSON -> Rust -> JSON only what Go's encoder would leave out.
fn round_trip<K>(crd: &CustomResourceDefinition)
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize + PartialEq + Debug,
{
    let objects = schema_values::objects(&crd.spec.names.kind, root(crd));
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let result = runner.run(&objects, |object| {
        let typed: K = decode::object("generated", &object).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let json = serde_json::to_value(&typed).unwrap();
        // Ours always says its kind.
        let mut expected = essence(&object, "");
        for field in ["apiVersion", "kind"] {
            expected[field] = json[field].clone();
            for index in 0..items(&expected) {
                expected["status"]["items"][index][field] = json["status"]["items"][index][field].clone();
            }
        }
        prop_assert_eq!(essence(&json, ""), expected);
        let again: K = decode::object("encoded", &json).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(&again, &typed);
        prop_assert_eq!(serde_json::to_value(&again).unwrap(), json);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{}: {failure}", crd.spec.names.kind));
}

fn items(object: &Value) -> usize {
    object.pointer("/status/items").and_then(Value::as_array).map_or(0, Vec::len)
}

/// A field that a type mistakes would be lost or rewritten in every object that passes through our controllers.
macro_rules! round_trips {
    ($($test:ident: $kind:ident,)+) => {$(
        #[test]
        fn $test() {
            round_trip::<$kind>(&$kind::crd());
        }
    )+};
}

round_trips! {
    drclusterconfigs_round_trip: DRClusterConfig,
    drclusters_round_trip: DRCluster,
    drplacementcontrols_round_trip: DRPlacementControl,
    drpolicies_round_trip: DRPolicy,
    maintenancemodes_round_trip: MaintenanceMode,
    protectedvolumereplicationgrouplists_round_trip: ProtectedVolumeReplicationGroupList,
    replicationgroupdestinations_round_trip: ReplicationGroupDestination,
    replicationgroupsources_round_trip: ReplicationGroupSource,
    volumereplicationgroups_round_trip: VolumeReplicationGroup,
}

/// The random objects above are worth what they cover: every field of every kind is in one of them, and every optional
/// one is missing from one.
#[test]
fn generated_objects_have_every_field_and_lack_every_optional_one() {
    for crd in crds().into_iter().filter(|crd| crd.spec.names.kind != "ProtectedVolumeReplicationGroupList") {
        let objects = schema_values::objects(&crd.spec.names.kind, root(&crd));
        let mut runner = TestRunner::deterministic();
        let (mut seen, mut missed) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..200 {
            let object = objects.new_tree(&mut runner).unwrap().current();
            cover("", root(&crd), &object, &mut seen, &mut missed);
        }
        let mut wanted = (BTreeSet::new(), BTreeSet::new());
        fields("", root(&crd), &mut wanted.0, &mut wanted.1);
        let unseen: Vec<_> = wanted.0.difference(&seen).collect();
        let unmissed: Vec<_> =
            wanted.1.difference(&missed).filter(|path| !["/metadata", "/spec"].contains(&path.as_str())).collect();
        assert!(unseen.is_empty(), "{}: never generated: {unseen:?}", crd.spec.names.kind);
        assert!(unmissed.is_empty(), "{}: never left out: {unmissed:?}", crd.spec.names.kind);
    }
}

/// Paths of all fields of a schema, and of those that may be absent.
fn fields(path: &str, schema: &JSONSchemaProps, all: &mut BTreeSet<String>, optional: &mut BTreeSet<String>) {
    for (name, property) in schema.properties.iter().flatten() {
        let path = format!("{path}/{name}");
        if !schema.required.iter().flatten().any(|required| required == name) {
            optional.insert(path.clone());
        }
        fields(&path, property, all, optional);
        all.insert(path);
    }
    for element in elements(schema) {
        fields(path, element, all, optional);
    }
}

fn cover(
    path: &str,
    schema: &JSONSchemaProps,
    value: &Value,
    seen: &mut BTreeSet<String>,
    missed: &mut BTreeSet<String>,
) {
    for (name, property) in schema.properties.iter().flatten().filter(|_| value.is_object()) {
        let path = format!("{path}/{name}");
        match value.get(name) {
            Some(member) => {
                cover(&path, property, member, seen, missed);
                seen.insert(path);
            }
            None => {
                missed.insert(path);
            }
        }
    }
    for element in elements(schema) {
        let items =
            value.as_array().into_iter().flatten().chain(value.as_object().into_iter().flat_map(|map| map.values()));
        items.for_each(|item| cover(path, element, item, seen, missed));
    }
}

/// The schema of a list's or map's elements.
fn elements(schema: &JSONSchemaProps) -> impl Iterator<Item = &JSONSchemaProps> {
    let items = match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items.as_ref()),
        _ => None,
    };
    let values = match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values.as_ref()),
        _ => None,
    };
    items.into_iter().chain(values)
}

/// What upstream writes although it is empty, we write too: an object both write is then the same, byte for byte of its
/// meaning, and no controller rewrites the other's.
#[test]
fn what_upstream_writes_although_empty_is_written() {
    fn encoded(value: &impl Serialize) -> Value {
        serde_json::to_value(value).unwrap()
    }
    assert_eq!(
        encoded(&VolumeReplicationGroupSpec {
            async_: Some(VRGAsyncSpec::default()),
            sync: Some(VRGSyncSpec::default()),
            ..Default::default()
        }),
        json!({
            "pvcSelector": {},
            "replicationState": "",
            "s3Profiles": [],
            "volSync": {},
            "async": {
                "schedulingInterval": "",
                "replicationClassSelector": {},
                "volumeSnapshotClassSelector": {},
                "volumeGroupSnapshotClassSelector": {},
            },
            "sync": {},
        })
    );
    assert_eq!(
        encoded(&VolumeReplicationGroupStatus::default()),
        json!({"lastUpdateTime": null, "kubeObjectProtection": {}})
    );
    assert_eq!(
        encoded(&ProtectedPVC::default()),
        json!({"storageID": {"id": ""}, "replicationID": {"id": ""}, "resources": {}})
    );
    assert_eq!(
        encoded(&DRPlacementControlStatus::default()),
        json!({
            "preferredDecision": {},
            "resourceConditions": {"resourceMeta": {"kind": "", "name": "", "namespace": "", "generation": 0}},
        })
    );
    assert_eq!(
        encoded(&DRPolicySpec::default()),
        json!({
            "schedulingInterval": "",
            "drClusters": [],
            "replicationClassSelector": {},
            "volumeSnapshotClassSelector": {},
            "volumeGroupSnapshotClassSelector": {},
        })
    );
    assert_eq!(encoded(&DRPolicyStatus::default()), json!({"async": {}, "sync": {}}));
    assert_eq!(
        encoded(&KubeObjectsCaptureIdentifier::default()),
        json!({"number": 0, "startTime": null, "endTime": null})
    );
}

/// A size may be an integer in YAML that a user wrote; it is the same size.
#[test]
fn an_integer_is_a_quantity() {
    let pvc: ProtectedPVC = serde_json::from_value(json!({"resources": {"requests": {"storage": 5}}})).unwrap();
    assert_eq!(pvc.resources.requests.unwrap()["storage"].0, "5");
}

/// A phase of a newer release is shown and written back, and an empty one is none.
#[test]
fn unknown_values_of_open_fields_are_kept() {
    let status: DRPlacementControlStatus =
        serde_json::from_value(json!({"phase": "Hovering", "progression": ""})).unwrap();
    assert_eq!(status.phase, Some(DRState::Other("Hovering".into())));
    assert_eq!(status.progression, None);
    assert_eq!(serde_json::to_value(&status).unwrap()["phase"], "Hovering");
    for known in ProgressionStatus::KNOWN {
        assert_eq!(ProgressionStatus::from(known.as_str()), *known);
    }
}
