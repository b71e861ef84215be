//! The objects that the kit delivers and observes: a kind of its own, with a specification, a status and a field outside both.

use serde_json::{Value, json};

use crate::intercluster::ResourceType;

const GROUP: &str = "conformance.ramen.example";

/// The type of the kit's objects.
pub(crate) fn sample() -> ResourceType {
    ResourceType {
        group: GROUP.into(),
        version: "v1".into(),
        kind: "Sample".into(),
        plural: "samples".into(),
        namespaced: true,
    }
}

/// A second type, which is not installed unless a case installs it.
pub(crate) fn late_sample() -> ResourceType {
    ResourceType { kind: "LateSample".into(), plural: "latesamples".into(), ..sample() }
}

/// The CustomResourceDefinition of one of the kit's types.
pub(crate) fn definition(resource: &ResourceType) -> Value {
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": definition_name(resource)},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind, "listKind": format!("{}List", resource.kind),
                "plural": resource.plural, "singular": resource.kind.to_lowercase(),
            },
            "versions": [{
                "name": resource.version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {
                        "text": {"type": "string"}, "other": {"type": "string"}, "serial": {"type": "integer"}, "free": free,
                    }},
                    "extra": free,
                    "status": free,
                }}},
            }],
        },
    })
}

/// The name of that CustomResourceDefinition.
pub(crate) fn definition_name(resource: &ResourceType) -> String {
    format!("{}.{}", resource.plural, resource.group)
}

/// An object of the kit's type.
pub(crate) fn object(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": sample().api_version(), "kind": "Sample",
        "metadata": {"namespace": namespace, "name": name}, "spec": spec,
    })
}
