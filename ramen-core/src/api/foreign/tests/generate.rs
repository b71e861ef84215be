//! Objects at random from the schema of a CRD, with unknown fields wherever the schema keeps them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use proptest::{collection, option, prelude::*, sample};
use serde_json::{Map, Value, json};

/// What names of unknown fields begin with.
pub(super) const UNKNOWN: &str = "new";

/// An object of the CRD's kind.
pub(super) fn object(crd: &CustomResourceDefinition) -> BoxedStrategy<Value> {
    let crd = serde_json::to_value(crd).unwrap();
    let version = &crd["spec"]["versions"][0];
    let api_version = format!("{}/{}", crd["spec"]["group"].as_str().unwrap(), version["name"].as_str().unwrap());
    let kind = crd["spec"]["names"]["kind"].clone();
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    for known in ["apiVersion", "kind", "metadata"] {
        schema["properties"].as_object_mut().unwrap().remove(known);
    }
    // The decoder reads an absent spec as an empty one, and writes it.
    if schema["properties"].get("spec").is_some() {
        schema["required"] = json!(["spec"]);
    }
    (value(&schema), metadata())
        .prop_map(move |(mut object, metadata)| {
            object["apiVersion"] = json!(api_version);
            object["kind"] = kind.clone();
            object["metadata"] = metadata;
            object
        })
        .boxed()
}

fn metadata() -> impl Strategy<Value = Value> {
    ("[a-z]{1,8}", option::of("[a-z]{1,8}"), 1..9_i64).prop_map(|(name, namespace, generation)| {
        let mut metadata =
            json!({ "name": name, "generation": generation, "finalizers": ["f"], "labels": { "l": "" } });
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata
    })
}

fn value(schema: &Value) -> BoxedStrategy<Value> {
    let keeps = schema["x-kubernetes-preserve-unknown-fields"] == true;
    if schema["x-kubernetes-embedded-resource"] == true {
        let object = collection::btree_map("[a-z]{1,4}", any_json(), 0..3).prop_map(
            |other| json!({ "apiVersion": "v1", "kind": "Any", "metadata": { "name": "any" }, "spec": other }),
        );
        return if schema["nullable"] == true {
            prop_oneof![4 => object, 1 => Just(Value::Null)].boxed()
        } else {
            object.boxed()
        };
    }
    if let Some(known) = schema["enum"].as_array() {
        return sample::select(known.clone()).boxed();
    }
    match schema["type"].as_str() {
        Some("object") => match schema.get("additionalProperties") {
            Some(values) => {
                collection::btree_map("[a-z/.]{1,6}", value(values), 0..3).prop_map(|map| json!(map)).boxed()
            }
            None => fields(schema, keeps),
        },
        Some("array") => {
            let least = usize::from(schema["minItems"] == 1);
            collection::vec(value(&schema["items"]), least..3).prop_map(Value::from).boxed()
        }
        Some("string") if schema["format"] == "date-time" => {
            (0..4_000_000_000_i64).prop_map(|seconds| json!(jiff::Timestamp::from_second(seconds).unwrap())).boxed()
        }
        Some("string") if schema.get("pattern").is_some() => "[A-Z][a-z]{1,8}".prop_map(Value::from).boxed(),
        Some("string") => "[a-zäß<& -]{0,8}".prop_map(Value::from).boxed(),
        Some("integer") if schema["format"] == "int32" => any::<i32>().prop_map(Value::from).boxed(),
        Some("integer") if schema["minimum"] == 0.0 => (0..i64::MAX).prop_map(Value::from).boxed(),
        Some("integer") => any::<i64>().prop_map(Value::from).boxed(),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        other => panic!("no values of type {other:?}: {schema}"),
    }
}

/// Required fields always, the others now and then, unknown ones if they are kept.
fn fields(schema: &Value, keeps: bool) -> BoxedStrategy<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let known: Vec<_> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let field = value(property);
            let field =
                if required.contains(&json!(name)) { field.prop_map(Some).boxed() } else { option::of(field).boxed() };
            let name = name.clone();
            field.prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    let unknown_name = "[A-Z][a-z]{0,4}".prop_map(|name| format!("{UNKNOWN}{name}"));
    let unknown = collection::btree_map(unknown_name, any_json(), 0..=if keeps { 2 } else { 0 });
    (known, unknown)
        .prop_map(|(known, unknown)| Value::Object(known.into_iter().flatten().chain(unknown).collect::<Map<_, _>>()))
        .boxed()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}
