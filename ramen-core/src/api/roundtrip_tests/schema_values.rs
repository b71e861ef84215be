//! Random JSON that a CRD's schema admits.

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    },
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};
use proptest::{collection, option, prelude::*, sample, string::string_regex};
use serde_json::{Map, Value, json};

use crate::api::Duration;

/// Objects of `kind`, whose root schema is `schema`.
pub(super) fn objects(kind: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    object(kind, "", schema)
}

fn values(name: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    let values = match schema.type_.as_deref() {
        Some("object") => object("VolumeReplicationGroup", name, schema),
        Some("array") => {
            let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items else { panic!("{name}: items") };
            collection::vec(values(name, items), 0..3).prop_map(Value::from).boxed()
        }
        Some("string") => string(name, schema),
        Some("integer") => integer(schema),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        None if schema.x_kubernetes_int_or_string == Some(true) => {
            sample::select(vec!["0", "1Gi", "500m", "1e3", "+.5k"]).prop_map(Value::from).boxed()
        }
        other => panic!("{name}: type {other:?} is new to this generator"),
    };
    if schema.nullable == Some(true) { prop_oneof![1 => Just(Value::Null), 3 => values].boxed() } else { values }
}

fn object(kind: &str, name: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    if let Some(JSONSchemaPropsOrBool::Schema(element)) = &schema.additional_properties {
        let entries = collection::btree_map("[a-z./-]{0,5}", values(name, element), 0..3);
        return entries.prop_map(|entries| entries.into_iter().collect()).boxed();
    }
    let Some(properties) = &schema.properties else {
        // `metadata` of a root, which the API server validates by itself.
        return sample::select(vec![
            json!({}),
            json!({"name": "a", "namespace": "b", "generation": 3, "labels": {"c": ""}, "finalizers": ["d"]}),
        ])
        .boxed();
    };
    let is_kind = properties.contains_key("metadata");
    let required = schema.required.clone().unwrap_or_default();
    let members: Vec<_> = properties
        .iter()
        .map(|(property, schema)| {
            let value = match property.as_str() {
                "apiVersion" if is_kind => Just(json!("ramendr.openshift.io/v1alpha1")).boxed(),
                "kind" if is_kind => Just(json!(kind)).boxed(),
                _ => values(property, schema),
            };
            // Every object has metadata and, as Go writes it, a spec.
            let always = required.contains(property) || (is_kind && ["metadata", "spec"].contains(&property.as_str()));
            let value = if always { value.prop_map(Some).boxed() } else { option::weighted(0.7, value).boxed() };
            (Just(property.clone()), value)
        })
        .collect();
    let present = |members: Vec<(String, Option<Value>)>| -> Map<String, Value> {
        members.into_iter().filter_map(|(property, value)| Some((property, value?))).collect()
    };
    members.prop_map(move |members| Value::Object(present(members))).boxed()
}

fn string(name: &str, schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    let text = |pattern: &str| string_regex(pattern).unwrap().prop_map(Value::from).boxed();
    if let Some(values) = &schema.enum_ {
        return sample::select(values.iter().map(|value| value.0.clone()).collect::<Vec<_>>()).boxed();
    }
    match (schema.format.as_deref(), &schema.pattern) {
        (Some("date-time"), _) => (0..4_000_000_000_i64)
            .prop_map(|second| serde_json::to_value(Time(Timestamp::from_second(second).unwrap())).unwrap())
            .boxed(),
        // The CRD types every duration but one as a plain string; Go's type, like ours, takes durations only.
        (Some("duration"), _) => duration(),
        (None, None) if name.ends_with("Duration") => duration(),
        (None, Some(pattern)) => text(pattern.trim_start_matches('^').trim_end_matches('$')),
        (None, None) if schema.min_length.unwrap_or(0) > 0 => text("[a-z]{1,6}"),
        (None, None) => prop_oneof![Just(json!("")), text("[A-Za-z0-9./-]{1,8}"), text(".{0,3}")].boxed(),
        (Some(format), _) => panic!("{name}: format {format} is new to this generator"),
    }
}

fn duration() -> BoxedStrategy<Value> {
    let spans = prop_oneof![Just(0), Just(300_000_000_000), any::<i64>()];
    spans.prop_map(|span| json!(Duration::from_nanos(span).to_string())).boxed()
}

fn integer(schema: &JSONSchemaProps) -> BoxedStrategy<Value> {
    let least = if schema.minimum == Some(0.0) { 0 } else { i64::MIN };
    prop_oneof![Just(0), Just(1), least..=i64::MAX].prop_map(Value::from).boxed()
}
