//! CRDs of our own making for kinds of other projects.
//!
//! What we type is checked, everything else is kept. Descriptions are ours, from the types.

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames,
        CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresourceStatus,
        CustomResourceSubresources, CustomResourceValidation, JSONSchemaProps,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    CustomResourceExt, Resource,
    core::{ClusterResourceScope, NamespaceResourceScope, schema::StructuralSchemaRewriter},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

/// A printer column: name, type, JSON path.
pub(super) type Column = (&'static str, &'static str, &'static str);

/// The column that every kind ends with.
pub(super) const AGE: Column = ("Age", "date", ".metadata.creationTimestamp");

/// How a CRD names the scope of a kind.
pub(super) trait ScopeName {
    /// The name.
    const NAME: &'static str;
}

impl ScopeName for NamespaceResourceScope {
    const NAME: &'static str = "Namespaced";
}

impl ScopeName for ClusterResourceScope {
    const NAME: &'static str = "Cluster";
}

/// The schema of a part of a kind, as Kubernetes wants it: no references, unknown fields kept where the type keeps
/// them.
pub(super) fn schema_of<T: JsonSchema>() -> JSONSchemaProps {
    let mut schema = SchemaSettings::openapi3()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .with_transform(StructuralSchemaRewriter)
        .into_generator()
        .into_root_schema_for::<T>();
    schema.remove("title");
    // A type of this crate always gives an object of known keywords; an empty schema would show in the committed CRD.
    serde_json::from_value(schema.to_value()).unwrap_or_default()
}

/// The CRD of a kind whose properties beside metadata are given.
pub(super) fn build<K>(properties: Vec<(&str, JSONSchemaProps)>, columns: &[Column]) -> CustomResourceDefinition
where
    K: Resource<DynamicType = (), Scope: ScopeName> + CustomResourceExt,
{
    let kind = K::kind(&()).into_owned();
    let has_status = properties.iter().any(|(name, _)| *name == "status");
    let status = CustomResourceSubresources {
        status: Some(CustomResourceSubresourceStatus(serde_json::json!({}))),
        scale: None,
    };
    let version = CustomResourceDefinitionVersion {
        name: K::version(&()).into_owned(),
        served: true,
        storage: true,
        additional_printer_columns: (!columns.is_empty()).then(|| columns.iter().map(column).collect()),
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(root(properties)) }),
        subresources: has_status.then_some(status),
        ..Default::default()
    };
    let short_names = K::shortnames().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    CustomResourceDefinition {
        metadata: ObjectMeta { name: Some(K::crd_name().to_owned()), ..Default::default() },
        spec: CustomResourceDefinitionSpec {
            group: K::group(&()).into_owned(),
            names: CustomResourceDefinitionNames {
                list_kind: Some(format!("{kind}List")),
                plural: K::plural(&()).into_owned(),
                singular: Some(kind.to_lowercase()),
                short_names: (!short_names.is_empty()).then_some(short_names),
                kind,
                ..Default::default()
            },
            scope: K::Scope::NAME.to_owned(),
            versions: vec![version],
            ..Default::default()
        },
        status: None,
    }
}

/// The root of a kind: unknown fields beside the known ones are kept.
fn root(properties: Vec<(&str, JSONSchemaProps)>) -> JSONSchemaProps {
    let typed = |name: &str| JSONSchemaProps { type_: Some(name.to_owned()), ..Default::default() };
    let mut all = std::collections::BTreeMap::from([
        ("apiVersion".to_owned(), typed("string")),
        ("kind".to_owned(), typed("string")),
        ("metadata".to_owned(), typed("object")),
    ]);
    all.extend(properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    JSONSchemaProps { properties: Some(all), x_kubernetes_preserve_unknown_fields: Some(true), ..typed("object") }
}

fn column(&(name, type_, json_path): &Column) -> CustomResourceColumnDefinition {
    CustomResourceColumnDefinition {
        name: name.to_owned(),
        type_: type_.to_owned(),
        json_path: json_path.to_owned(),
        ..Default::default()
    }
}

/// A whole object of any kind: it must say its kind, and is kept as it is.
pub(super) fn embedded_resource(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// As [`embedded_resource`], or null: Go writes a result that is not there as null.
pub(super) fn nullable_embedded_resource(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = embedded_resource(generator);
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// A list of whole objects, at least one: Open Cluster Management refuses an empty work too.
pub(super) fn embedded_resources(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "items": embedded_resource(generator) })
}

/// A point in time.
pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// As [`time`], or null: Go writes a time that is not there as null.
pub(super) fn nullable_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "nullable": true })
}
