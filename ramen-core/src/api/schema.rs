//! How a type of this room becomes the schema that upstream's CRDs carry.
//!
//! The API server prunes what a schema does not name and rejects what it forbids, so two operators that share objects
//! must share the schema to the letter. schemars describes a Rust type as Rust sees it: an `Option` may be null, a
//! `serde(default)` has a default, a Kubernetes type has whatever the linked version of k8s-openapi knows. Upstream's
//! schemas are generated from Go types, where none of that holds. The functions here close the gap, and every type
//! names the ones it uses: nothing edits the generated YAML afterwards.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// The pattern of a resource quantity, as Kubernetes' own generator writes it for every `resource.Quantity`.
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
/// The pattern of `metav1.Condition.type`: an optional DNS prefix, then a qualified name.
const CONDITION_TYPE: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
/// The pattern of `metav1.Condition.reason`.
const CONDITION_REASON: &str = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

/// Schema transform of every struct of this room: removes what is true of the Rust type only.
///
/// - a property that may be absent is not thereby allowed to be null (the three that are say so with `nullable`);
/// - the default that serde falls back to is not the API server's: `x-default` on a field asks for one that is.
pub(super) fn structural(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for property in properties.values_mut() {
        let Value::Object(property) = property else { continue };
        drop_null(property);
        property.remove("default");
        if let Some(default) = property.remove("x-default") {
            property.insert("default".into(), default);
        }
    }
}

/// Takes the null alternative out of a property, in each of the forms schemars writes it.
fn drop_null(property: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(alternatives)) = property.get("anyOf") {
        let kept: Vec<_> = alternatives.iter().filter(|schema| schema["type"] != "null").cloned().collect();
        if let [Value::Object(only)] = kept.as_slice() {
            property.remove("anyOf");
            for (key, value) in only {
                property.entry(key).or_insert_with(|| value.clone());
            }
        }
    }
}

/// The root of a kind: the API server validates `metadata` itself, and upstream requires neither `spec` nor `status`.
pub(super) fn root<Spec: JsonSchema, Status: JsonSchema>(generator: &mut SchemaGenerator, description: &str) -> Schema {
    json_schema!({
        "description": description,
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "description": "API group and version of this object: ramendr.openshift.io/v1alpha1."},
            "kind": {"type": "string", "description": "Kind of this object."},
            "metadata": {"type": "object"},
            "spec": generator.subschema_for::<Spec>(),
            "status": generator.subschema_for::<Status>(),
        },
    })
}

/// Completes the root struct that `kube` derives for a kind: the schema of [`root`], and a `crd` that [`finish`]es the
/// derived one.
macro_rules! root_schema {
    ($root:ident, $spec:ty, $status:ty, $description:literal) => {
        impl schemars::JsonSchema for $root {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($root).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                crate::api::schema::root::<$spec, $status>(generator, $description)
            }
        }

        impl $root {
            /// The CRD of this kind, equal in structure to upstream's. It comes before the trait's method of the same
            /// name, which it completes.
            #[must_use]
            pub fn crd() -> k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition
            {
                crate::api::schema::finish(<Self as kube::CustomResourceExt>::crd())
            }
        }
    };
}
pub(super) use root_schema;

/// Puts right what `kube`'s derivation does to every CRD: it leaves out the list kind, adds a title, and empties the
/// alternatives of an integer or string.
pub(super) fn finish(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    let schemas =
        crd.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        schema.title = None;
        restore_alternatives(schema);
    }
    crd
}

fn restore_alternatives(schema: &mut JSONSchemaProps) {
    if schema.x_kubernetes_int_or_string == Some(true) && schema.any_of.is_some() {
        let only = |name: &str| JSONSchemaProps { type_: Some(name.into()), ..Default::default() };
        schema.any_of = Some(vec![only("integer"), only("string")]);
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(restore_alternatives);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        restore_alternatives(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        restore_alternatives(values);
    }
}

/// A kind's schema as an element of another kind's status: the API server does not know it for an object, so the part
/// of `metadata` that is to be kept has to be named.
pub(super) fn embedded<Root: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Root::json_schema(generator);
    if let Some(metadata) = schema.pointer_mut("/properties/metadata") {
        *metadata = json!({
            "type": "object",
            "properties": {
                "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
                "finalizers": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "name": {"type": "string"},
                "namespace": {"type": "string"},
            },
        });
    }
    schema
}

/// A list of `metav1.Condition` (an ordinary list: upstream does not declare it a map by type).
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "message": {"type": "string", "maxLength": 32768},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": CONDITION_REASON},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "type": {"type": "string", "maxLength": 316, "pattern": CONDITION_TYPE},
            },
        },
    })
}

/// `metav1.LabelSelector`.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchExpressions": {
                "type": "array",
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"type": "string"},
                        "operator": {"type": "string"},
                        "values": {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}},
                    },
                },
            },
            "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    })
}

/// `core/v1.ObjectReference`.
pub(super) fn object_reference(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "apiVersion": {"type": "string"},
            "fieldPath": {"type": "string"},
            "kind": {"type": "string"},
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "resourceVersion": {"type": "string"},
            "uid": {"type": "string"},
        },
    })
}

/// A list of `core/v1.ObjectReference`.
pub(super) fn object_references(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": object_reference(generator)})
}

/// `core/v1.LocalObjectReference`, whose empty name is a default of the API server's.
pub(super) fn local_object_reference(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {"name": {"type": "string", "default": ""}},
    })
}

/// A map to `core/v1.TypedLocalObjectReference`.
pub(super) fn typed_local_object_references(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "required": ["kind", "name"],
            "properties": {
                "apiGroup": {"type": "string"},
                "kind": {"type": "string"},
                "name": {"type": "string"},
            },
        },
    })
}

/// `core/v1.VolumeResourceRequirements`: quantities by resource name.
pub(super) fn volume_resource_requirements(_: &mut SchemaGenerator) -> Schema {
    let quantities = json!({
        "type": "object",
        "additionalProperties": {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY,
            "x-kubernetes-int-or-string": true,
        },
    });
    json_schema!({"type": "object", "properties": {"limits": quantities, "requests": quantities}})
}

/// `core/v1.PodSecurityContext`, as of the Kubernetes version upstream's CRDs were generated with: written out, because
/// the linked k8s-openapi's may know more or fewer fields.
pub(super) fn pod_security_context(_: &mut SchemaGenerator) -> Schema {
    let (string, boolean, int64) =
        (json!({"type": "string"}), json!({"type": "boolean"}), json!({"type": "integer", "format": "int64"}));
    let profile = json!({
        "type": "object",
        "required": ["type"],
        "properties": {"localhostProfile": string, "type": string},
    });
    json_schema!({
        "type": "object",
        "properties": {
            "appArmorProfile": profile,
            "fsGroup": int64,
            "fsGroupChangePolicy": string,
            "runAsGroup": int64,
            "runAsNonRoot": boolean,
            "runAsUser": int64,
            "seLinuxChangePolicy": string,
            "seLinuxOptions": {
                "type": "object",
                "properties": {"level": string, "role": string, "type": string, "user": string},
            },
            "seccompProfile": profile,
            "supplementalGroups": {"type": "array", "x-kubernetes-list-type": "atomic", "items": int64},
            "supplementalGroupsPolicy": string,
            "sysctls": {
                "type": "array",
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["name", "value"],
                    "properties": {"name": string, "value": string},
                },
            },
            "windowsOptions": {
                "type": "object",
                "properties": {
                    "gmsaCredentialSpec": string,
                    "gmsaCredentialSpecName": string,
                    "hostProcess": boolean,
                    "runAsUserName": string,
                },
            },
        },
    })
}
