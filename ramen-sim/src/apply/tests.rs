//! Rules that need no server to be known, or that a recording cannot show.

use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, prop};
use proptest::{prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use super::element::PathElement;
use super::set::FieldSet;
use super::{
    ApplyError, PatchError, TypedSchema, Writer, apply, core_definition, core_openapi, keep_times, normalize_core,
    strategic_merge, track_update,
};

fn writer(manager: &str, second: i64) -> Writer<'_> {
    let now = Timestamp::from_second(1_800_000_000 + second).unwrap();
    Writer { manager, subresource: None, api_version: "ramen.test/v1", now }
}

fn schema(items: &str, map: &str) -> TypedSchema {
    let spec = json!({ "type": "object", "properties": {
        "size": { "type": "integer" },
        "tags": { "type": "array", "items": { "type": "string" }, "x-kubernetes-list-type": items },
        "options": {
            "type": "object", "x-kubernetes-map-type": map,
            "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
        },
    }});
    TypedSchema::from_crd_schema(&json!({ "type": "object", "properties": { "spec": spec } }), false)
}

fn object(spec: &Value) -> Value {
    json!({ "apiVersion": "ramen.test/v1", "kind": "Thing", "metadata": { "name": "x" }, "spec": spec })
}

fn owners(object: &Value) -> Vec<(&str, &Value)> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().map(|entry| (entry["manager"].as_str().unwrap(), &entry["fieldsV1"])).collect()
}

#[test]
fn an_apply_that_changes_nothing_is_no_write() {
    let schema = schema("set", "granular");
    let config = object(&json!({ "size": 1, "tags": ["a"] }));
    let first = apply(&schema, None, &config, &writer("alice", 0), false).unwrap();
    let second = apply(&schema, Some(&first), &config, &writer("alice", 60), false).unwrap();
    assert_eq!(first, second, "the time must not move, or every reconcile would be a write");
}

#[test]
fn an_update_that_changes_nothing_is_no_write() {
    let schema = schema("set", "granular");
    let mut first = object(&json!({ "size": 1 }));
    track_update(&schema, None, &mut first, &writer("alice", 0));
    let mut second = first.clone();
    track_update(&schema, Some(&first), &mut second, &writer("bob", 60));
    assert_eq!(first, second);
}

#[test]
fn times_alone_do_not_make_a_change() {
    let schema = schema("set", "granular");
    let mut live = object(&json!({ "size": 1 }));
    track_update(&schema, None, &mut live, &writer("alice", 0));
    let mut later = live.clone();
    later["metadata"]["managedFields"][0]["time"] = json!("2031-01-01T00:00:00Z");
    let mut changed = later.clone();
    keep_times(&live, &mut later);
    assert_eq!(live, later);
    changed["spec"]["size"] = json!(2);
    let expected = changed.clone();
    keep_times(&live, &mut changed);
    assert_eq!(expected, changed, "a real change keeps its time");
}

#[test]
fn owning_parts_of_what_became_one_value_is_owning_it() {
    let (before, after) = (schema("set", "granular"), schema("atomic", "atomic"));
    let config = object(&json!({ "size": 1, "tags": ["a"], "options": { "a": "1" } }));
    let live = apply(&before, None, &config, &writer("alice", 0), false).unwrap();

    let other = object(&json!({ "options": { "b": "2" } }));
    let Err(ApplyError::Conflicts(conflicts)) = apply(&after, Some(&live), &other, &writer("bob", 1), false) else {
        panic!("replacing a value that alice owns must conflict");
    };
    assert_eq!(conflicts.iter().map(|conflict| conflict.field.as_str()).collect::<Vec<_>>(), [".spec.options"]);

    let live = apply(&after, Some(&live), &object(&json!({ "size": 2 })), &writer("bob", 1), true).unwrap();
    let alice = json!({ "f:spec": { "f:options": {}, "f:tags": {} } });
    assert!(owners(&live).contains(&("alice", &alice)), "{live}");
}

#[test]
fn an_object_that_does_not_fit_its_kind_loses_its_owners_not_its_write() {
    let schema = schema("set", "granular");
    let mut live = object(&json!({ "size": 1 }));
    track_update(&schema, None, &mut live, &writer("alice", 0));
    let mut new = live.clone();
    new["spec"]["size"] = json!("large");
    track_update(&schema, Some(&live), &mut new, &writer("bob", 0));
    assert_eq!(new, object(&json!({ "size": "large" })));
}

#[test]
fn an_apply_of_another_version_is_a_bad_request() {
    let mut config = object(&json!({}));
    config["apiVersion"] = json!("ramen.test/v2");
    let error = apply(&schema("set", "granular"), None, &config, &writer("alice", 0), false).unwrap_err();
    assert!(matches!(error, ApplyError::BadRequest(_)), "{error}");
    assert!(error.to_string().contains("ramen.test/v2"), "{error}");
}

#[test]
fn custom_resources_take_no_strategic_merge_patch() {
    let refused = strategic_merge(&schema("set", "granular"), &object(&json!({})), &json!({ "spec": {} }));
    assert_eq!(refused, Err(PatchError::BadRequest("strategic merge patch format is not supported".to_owned())));
}

#[test]
fn fields_are_written_in_the_order_of_kubernetes_and_read_back() {
    let mut set = FieldSet::default();
    for step in ["v:10", "v:9", "v:\"b\"", "v:\"a&b\"", "f:z", "f:a", r#"k:{"a":1,"b":"x"}"#, "i:3"] {
        let step = PathElement::decode(step).unwrap().unwrap();
        set.insert(&[PathElement::field("spec"), step.clone()]);
        set.insert(&[PathElement::field("spec"), step, PathElement::field("below")]);
    }
    let steps: Vec<String> =
        set.below(&PathElement::field("spec")).unwrap().steps().map(|step| step.0.encode()).collect();
    let expected = ["f:a", "f:z", r#"k:{"a":1,"b":"x"}"#, "v:9", "v:10", "v:\"a\\u0026b\"", "v:\"b\"", "i:3"];
    assert_eq!(steps, expected);
    assert_eq!(FieldSet::decode(&set.encode()).unwrap(), set);
}

#[test]
fn path_elements_of_a_later_kubernetes_are_dropped_and_broken_ones_refused() {
    let future = json!({ "f:spec": { "f:size": {}, "x:new": {} } });
    assert_eq!(FieldSet::decode(&future).unwrap().encode(), json!({ "f:spec": { "f:size": {} } }));
    for broken in
        [json!({ "spec": {} }), json!({ "k:[1]": {} }), json!({ "v:{": {} }), json!({ "i:x": {} }), json!({ "f:a": 1 })]
    {
        assert!(FieldSet::decode(&broken).is_err(), "{broken}");
    }
}

#[test]
fn every_reference_of_the_core_table_resolves() {
    fn references(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                out.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, out));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, out)),
            _ => {}
        }
    }
    for (group, version, kind) in [
        ("", "v1", "PersistentVolumeClaim"),
        ("", "v1", "Pod"),
        ("apps", "v1", "Deployment"),
        ("coordination.k8s.io", "v1", "Lease"),
        ("storage.k8s.io", "v1", "VolumeAttachment"),
        ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
        ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    ] {
        assert!(TypedSchema::core(group, version, kind).is_some(), "{kind}");
        assert!(core_openapi(group, version, kind).is_some(), "{kind}");
    }
    let mut all = Vec::new();
    super::core::definitions().values().for_each(|definition| references(definition, &mut all));
    assert!(all.len() > 300, "{}", all.len());
    for name in all {
        assert!(core_definition(&name).is_some(), "{name}");
    }
    assert!(TypedSchema::core("", "v2", "Pod").is_none());
}

#[test]
fn a_core_object_takes_the_form_that_a_go_type_gives_it() {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "c", "labels": {}, "annotations": null, "managedFields": [] },
        "spec": { "accessModes": [], "storageClassName": "", "unknown": 1, "volumeName": "" },
    });
    normalize_core("", "v1", "PersistentVolumeClaim", &mut claim);
    let expected = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "c", "managedFields": [] },
        // The class is a pointer: empty is a statement, and not the same as absent.
        "spec": { "resources": {}, "storageClassName": "" },
        "status": {},
    });
    assert_eq!(claim, expected);
}

fn any_spec() -> impl Strategy<Value = Value> {
    let tags = prop::sample::subsequence(vec!["a", "b", "c"], 0..=3).prop_shuffle();
    let option = || prop_oneof![Just(None), Just(Some("1")), Just(Some("2"))];
    (tags, option(), option(), 0..2).prop_map(|(tags, a, b, size)| {
        // What an apply empties becomes null, or goes and comes back empty, in Kubernetes as here; the recording shows it. So
        // there is always something in the spec, and nothing in it is ever empty.
        let mut spec = json!({ "size": size });
        if !tags.is_empty() {
            spec["tags"] = json!(tags);
        }
        for (name, value) in [("a", a), ("b", b)] {
            if let Some(value) = value {
                spec["options"][name] = json!(value);
            }
        }
        spec
    })
}

proptest! {
    /// Whatever two managers apply in turn, by force: each sees what it applied, a second time changes nothing, and when both
    /// have withdrawn nothing of theirs is left.
    #[test]
    fn what_is_applied_is_there_and_goes_when_withdrawn(configs in prop::collection::vec((0..2usize, any_spec()), 1..6)) {
        let schema = schema("set", "granular");
        let managers = ["alice", "bob"];
        let mut live: Option<Value> = None;
        for (second, (manager, spec)) in configs.into_iter().enumerate() {
            let config = object(&spec);
            let at = i64::try_from(second).unwrap();
            let new = apply(&schema, live.as_ref(), &config, &writer(managers[manager], at), true).unwrap();
            for (name, value) in spec.as_object().unwrap() {
                match value {
                    Value::Array(items) => {
                        let found: Vec<Value> = new["spec"][name].as_array().cloned().unwrap_or_default();
                        proptest::prop_assert!(items.iter().all(|item| found.contains(item)));
                    }
                    Value::Object(options) => {
                        for (option, value) in options {
                            prop_assert_eq!(&new["spec"][name][option], value);
                        }
                    }
                    scalar => prop_assert_eq!(&new["spec"][name], scalar),
                }
            }
            let again = apply(&schema, Some(&new), &config, &writer(managers[manager], at + 100), true).unwrap();
            prop_assert_eq!(&again, &new);
            live = Some(new);
        }
        let mut live = live.unwrap();
        for manager in managers {
            let empty = json!({ "apiVersion": "ramen.test/v1", "kind": "Thing", "metadata": { "name": "x" } });
            live = apply(&schema, Some(&live), &empty, &writer(manager, 1000), true).unwrap();
        }
        proptest::prop_assert!(live["metadata"].get("managedFields").is_none(), "{}", live);
        let tags = live.pointer("/spec/tags").and_then(Value::as_array).map_or(0, Vec::len);
        proptest::prop_assert!(live.pointer("/spec/size").is_none() && live.pointer("/spec/options").is_none() && tags == 0);
    }
}
