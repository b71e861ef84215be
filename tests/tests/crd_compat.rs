//! The CRDs for hubs without Open Cluster Management: what an unmodified upstream hub writes is accepted whole.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path};

use ramen_core::api::foreign;
use ramen_tests::{crd, structural::objections};
use serde_json::{Value, json};

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Schemas by API version and kind.
fn schemas() -> BTreeMap<String, Value> {
    let schemas = foreign::compatible_crds().into_iter().map(|crd| {
        let crd = serde_json::to_value(crd).unwrap();
        let version = &crd["spec"]["versions"][0];
        let kind = |value: &Value| value.as_str().unwrap().to_owned();
        let id = format!(
            "{}/{} {}",
            kind(&crd["spec"]["group"]),
            kind(&version["name"]),
            kind(&crd["spec"]["names"]["kind"])
        );
        (id, version["schema"]["openAPIV3Schema"].clone())
    });
    schemas.collect()
}

/// Objects as others write them; without `metadata`, which an API server checks by itself.
fn objects() -> Vec<Value> {
    let mut objects = crd::ocm_objects().unwrap();
    for object in &mut objects {
        assert!(object.as_object_mut().unwrap().remove("metadata").is_some(), "{object}");
    }
    objects
}

fn id(object: &Value) -> String {
    format!("{} {}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap())
}

/// Whoever installs `config/crd-compat` gets what the types say.
#[test]
fn the_committed_crds_are_those_of_the_types() {
    let files = crd::compatible_files().unwrap();
    for (name, text) in &files {
        let committed = fs::read_to_string(repository("config/crd-compat").join(name)).unwrap_or_default();
        assert!(committed == *text, "config/crd-compat/{name} is out of date: run `make crds` and commit the result");
    }
    for entry in fs::read_dir(repository("config/crd-compat")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.iter().any(|(file, _)| *file == name), "config/crd-compat/{name} belongs to no kind: delete it");
    }
}

/// A field that is refused stops an upstream hub; one that is dropped changes what it does without a word.
#[test]
fn what_a_hub_writes_is_accepted_whole() {
    let schemas = schemas();
    let objects = objects();
    for object in &objects {
        assert_eq!(objections(&schemas[&id(object)], object), [""; 0], "{object}");
    }
    for kind in schemas.keys() {
        assert!(objects.iter().any(|object| id(object) == *kind), "no object of {kind} is tried");
    }
}

/// What we rely on is checked: an object without it is refused where it is written, not found out in the middle of a
/// failover.
#[test]
fn what_we_rely_on_is_checked() {
    let schemas = schemas();
    let objects = objects();
    let work = "work.open-cluster-management.io/v1 ManifestWork";
    let view = "view.open-cluster-management.io/v1beta1 ManagedClusterView";
    let decision = "cluster.open-cluster-management.io/v1beta1 PlacementDecision";
    let cluster = "cluster.open-cluster-management.io/v1 ManagedCluster";
    for (kind, place, bad) in [
        (work, "/spec/deleteOption/propagationPolicy", json!("Keep")),
        (work, "/spec/workload/manifests", json!([])),
        (work, "/spec/workload/manifests/0", json!({ "metadata": { "name": "no-kind" } })),
        (work, "/spec/manifestConfigs/0/resourceIdentifier", json!({ "name": "c" })),
        (work, "/spec/manifestConfigs/0/updateStrategy/type", json!("Merge")),
        (work, "/spec/manifestConfigs/0/updateStrategy/serverSideApply/fieldManager", json!("kubectl")),
        (work, "/spec/workload", json!(null)),
        (view, "/spec/scope/updateIntervalSeconds", json!("30s")),
        (view, "/status/conditions/0", json!({ "type": "Processing", "status": "True" })),
        (view, "/status/conditions/0/status", json!("yes")),
        (decision, "/status/decisions/0", json!({ "clusterName": "dr1" })),
        (decision, "/status/decisions", json!(null)),
        (cluster, "/status/clusterClaims/0/value", json!("")),
        (cluster, "/spec/taints/0/effect", json!("NoSchedule")),
        (cluster, "/spec/taints/0/timeAdded", json!("yesterday")),
    ] {
        let good = objects.iter().find(|object| id(object) == kind && object.pointer(place).is_some());
        let mut object = good.unwrap_or_else(|| panic!("no {kind} has {place}")).clone();
        *object.pointer_mut(place).unwrap() = bad;
        assert_ne!(objections(&schemas[kind], &object), [""; 0], "{kind} {place}");
    }
}

/// The check above would pass for any object if it objected to nothing.
#[test]
fn the_check_finds_what_an_api_server_would() {
    let schema = json!({
        "type": "object",
        "required": ["r"],
        "properties": {
            "r": { "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-z]+$" },
            "i": { "type": "integer", "minimum": 0 },
            "e": { "type": "string", "enum": ["a", "b"] },
            "m": { "type": "object", "additionalProperties": { "type": "string" } },
            "n": { "type": "string", "nullable": true },
        },
    });
    assert_eq!(objections(&schema, &json!({ "r": "ab", "i": 1, "e": "a", "m": { "k": "v" }, "n": null })), [""; 0]);
    for (object, expected) in [
        (json!({}), ".r: is required"),
        (json!({ "r": null }), ".r: null is refused"),
        (json!({ "r": 1 }), ".r: expected string, found 1"),
        (json!({ "r": "a" }), ".r: 1 is out of bounds"),
        (json!({ "r": "abcd" }), ".r: 4 is out of bounds"),
        (json!({ "r": "AB" }), r#".r: "AB" does not match ^[a-z]+$"#),
        (json!({ "r": "ab", "i": -1 }), ".i: -1 is below 0"),
        (json!({ "r": "ab", "i": 1.5 }), ".i: expected integer, found 1.5"),
        (json!({ "r": "ab", "e": "c" }), r#".e: "c" is none of ["a","b"]"#),
        (json!({ "r": "ab", "m": { "k": 1 } }), ".m.k: expected string, found 1"),
        (json!({ "r": "ab", "x": 1 }), ".x: is dropped"),
    ] {
        assert_eq!(objections(&schema, &object), [expected]);
    }
}
